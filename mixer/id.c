#include "mixer/internal.h"

#include <string.h>
#include <strings.h>

#define ID_MAX 64        /* ub-local-ipm-identifier */
#define MTS_LOCAL_MAX 32 /* ub-local-id-length */

static const char *
strip_angles(struct arena *a, const char *s)
{
	size_t n = strlen(s);

	if (n >= 2 && s[0] == '<' && s[n - 1] == '>')
		return arena_strndup(a, s + 1, n - 2);
	return s;
}

/* "[printablestring]*[std-or]"@MHS: 4.7.3.3. */
static bool
x400_generated(struct mixer_conv *cv, const char *s, struct ipm_id *id)
{
	const char *at = strrchr(s, '@'), *star, *local;
	struct mhs_or *ora;

	if (at == NULL || strcasecmp(at + 1, "MHS") != 0)
		return false;
	local = mixer_unquote(cv->a, arena_strndup(cv->a, s, (size_t)(at - s)));
	star = strchr(local, '*');
	if (star == NULL ||
	    !mixer_is_printable(local, (size_t)(star - local)) ||
	    star - local > ID_MAX)
		return false;
	id->relative = arena_strndup(cv->a, local, (size_t)(star - local));
	if (star[1] == '\0')
		return true;
	ora = mhs_or_parse(cv->a, star + 1, NULL);
	id->user = ora;
	return ora != NULL;
}

struct ipm_id *
mixer_msgid_to_ipm(struct mixer_conv *cv, const char *msgid, bool *exact)
{
	struct ipm_id *id = ARENA_NEW(cv->a, struct ipm_id);
	const char *s = strip_angles(cv->a, msgid);

	*exact = true;
	if (x400_generated(cv, s, id))
		return id;
	s = mixer_ps_encode(cv->a, s);
	id->user = NULL;
	id->relative = arena_strndup(cv->a, s, strnlen(s, ID_MAX));
	*exact = strlen(s) <= ID_MAX;
	return id;
}

static bool
is_msgid(const char *s)
{
	const char *at = strrchr(s, '@');
	bool quoted = false;

	if (at == NULL || at == s || at[1] == '\0' ||
	    strpbrk(at, " <>()\",;\\") != NULL)
		return false;
	for (const char *p = s; p < at; p++) {
		if (*p == '"')
			quoted = !quoted;
		else if (!quoted && strchr(" <>()@,;:", *p) != NULL)
			return false;
		if ((uint8_t)*p < 0x20 || (uint8_t)*p >= 0x7f)
			return false;
	}
	return !quoted;
}

const char *
mixer_ipm_to_msgid(
    struct mixer_conv *cv, const struct ipm_id *id, bool phrase_ok)
{
	const char *decoded = mixer_ps_decode(cv->a, id->relative);
	const char *local;

	if (id->user == NULL && is_msgid(decoded))
		return arena_printf(cv->a, "<%s>", decoded);
	if (id->user == NULL && phrase_ok && *id->relative != '\0')
		return mixer_quote_local(
		    cv->a, mixer_one_line(cv->a, id->relative));
	local = arena_printf(cv->a, "%s*%s", id->relative,
	    id->user != NULL ? mhs_or_slash(cv->a, id->user) : "");
	return arena_printf(cv->a, "<%s@MHS>",
	    mixer_quote_local(cv->a, mixer_one_line(cv->a, local)));
}

uint64_t
mixer_hash(const uint8_t *p, size_t n)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3;
	return h;
}

struct mhs_mts_id
mixer_mts_id(struct mixer_conv *cv, const char *msgid)
{
	struct mhs_mts_id id = {.domain = cv->c->domain};

	if (msgid == NULL || *msgid == '\0')
		id.local = arena_printf(cv->a, "%llx.%016llx",
		    (unsigned long long)cv->now, (unsigned long long)cv->seed);
	else
		id.local = mixer_one_line(cv->a, msgid);
	/* X.411 wants it unique: RFC 2156 4.6.3 cuts a long one, and the
	 * hash stands for what was cut */
	if (strlen(id.local) > MTS_LOCAL_MAX)
		id.local = arena_printf(cv->a, "%.*s.%08x", MTS_LOCAL_MAX - 9,
		    id.local,
		    (unsigned)mixer_hash(
			(const uint8_t *)id.local, strlen(id.local)));
	return id;
}

const char *
mixer_global_id(struct arena *a, const struct mhs_domain *d)
{
	const char *prmd =
	    d->prmd != NULL ? arena_printf(a, "/PRMD=%s", d->prmd) : "";

	return arena_printf(a, "%s/ADMD=%s/C=%s/", prmd,
	    d->admd != NULL ? d->admd : " ",
	    d->country != NULL ? d->country : "");
}

bool
mixer_global_id_parse(struct arena *a, const char *s, struct mhs_domain *out)
{
	struct mhs_or *ora = mhs_or_parse(a, s, NULL);
	const struct mhs_or_attr *c, *admd, *prmd;

	if (ora == NULL)
		return false;
	c = mhs_or_get(ora, MHS_OR_COUNTRY);
	admd = mhs_or_get(ora, MHS_OR_ADMD);
	prmd = mhs_or_get(ora, MHS_OR_PRMD);
	if (c == NULL)
		return false;
	out->country = mhs_or_attr_utf8(a, c);
	out->admd = admd != NULL ? mhs_or_attr_utf8(a, admd) : " ";
	out->prmd = prmd != NULL ? mhs_or_attr_utf8(a, prmd) : NULL;
	return true;
}

const char *
mixer_mts_id_bracketed(struct arena *a, const struct mhs_mts_id *id)
{
	return mixer_one_line(a,
	    arena_printf(a, "[%s;%s]", mixer_global_id(a, &id->domain),
		id->local != NULL ? id->local : ""));
}

bool
mixer_mts_id_parse(struct arena *a, const char *s, struct mhs_mts_id *out)
{
	const char *open = strchr(s, '['), *semi, *close = strrchr(s, ']');

	semi = open == NULL ? NULL : strchr(open, ';');
	if (semi == NULL || close == NULL || close < semi ||
	    close - semi - 1 > MTS_LOCAL_MAX)
		return false;
	out->local = arena_strndup(a, semi + 1, (size_t)(close - semi - 1));
	return mixer_global_id_parse(a,
	    arena_strndup(a, open + 1, (size_t)(semi - open - 1)),
	    &out->domain);
}
