#include "mhs/envelope.h"

#include <string.h>

#include "lib/log.h"
#include "mhs/packed.h"

static const struct {
	enum mhs_content content;
	const char *name;
} contents[] = {
    {MHS_CONTENT_NONE, "none"},
    {MHS_CONTENT_UNIDENTIFIED, "unidentified"},
    {MHS_CONTENT_EXTERNAL, "external"},
    {MHS_CONTENT_P2, "P2"},
    {MHS_CONTENT_P22, "P22"},
    {MHS_CONTENT_EDI, "EDI"},
    {MHS_CONTENT_P772, "P772"},
    {MHS_CONTENT_RFC822, "RFC822"},
};

const char *
mhs_content_name(enum mhs_content c)
{
	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++)
		if (contents[i].content == c)
			return contents[i].name;
	return "unknown";
}

const char *
mhs_kind_name(enum mhs_kind k)
{
	static const char *const names[] = {[MHS_MESSAGE] = "message",
	    [MHS_PROBE] = "probe",
	    [MHS_REPORT] = "report"};

	return k <= MHS_REPORT ? names[k] : "unknown";
}

const char *
mhs_name_text(struct arena *a, const struct mhs_name *n)
{
	if (n->mailbox != NULL)
		return n->mailbox[0] != '\0' ? n->mailbox : "<>";
	return n->ora != NULL ? mhs_or_slash(a, n->ora) : "";
}

bool
mhs_name_equal(const struct mhs_name *x, const struct mhs_name *y)
{
	if (x->ora != NULL && y->ora != NULL)
		return mhs_or_equal(x->ora, y->ora);
	return x->mailbox != NULL && y->mailbox != NULL &&
	    strcasecmp(x->mailbox, y->mailbox) == 0;
}

static void
put_part(struct buf *b, const char *key, const char *value)
{
	if (value == NULL)
		return;
	buf_printf(b, "/%s=", key);
	for (; *value != '\0'; value++) {
		if (strchr("/=$", *value) != NULL)
			buf_putc(b, '$');
		buf_putc(b, (uint8_t)*value);
	}
}

bool
mhs_mta_equal(const char *x, const char *y)
{
	size_t n, m;

	x = x != NULL ? x + strspn(x, " ") : "";
	y = y != NULL ? y + strspn(y, " ") : "";
	for (n = strlen(x); n > 0 && x[n - 1] == ' '; n--)
		;
	for (m = strlen(y); m > 0 && y[m - 1] == ' '; m--)
		;
	return n == m && strncasecmp(x, y, n) == 0;
}

bool
mhs_domain_equal(const struct mhs_domain *x, const struct mhs_domain *y)
{
	return mhs_mta_equal(x->country, y->country) &&
	    mhs_mta_equal(x->admd, y->admd) && mhs_mta_equal(x->prmd, y->prmd);
}

const char *
mhs_domain_text(struct arena *a, const struct mhs_domain *d)
{
	struct buf b = {0};
	const char *s;

	put_part(&b, "PRMD", d->prmd);
	put_part(&b, "ADMD", d->admd);
	if (d->country != NULL && d->country[0] != '\0')
		put_part(&b, "C", d->country);
	buf_putc(&b, '/');
	s = arena_strndup(a, (const char *)b.data, b.len);
	buf_free(&b);
	return s;
}

const char *
mhs_mts_id_text(struct arena *a, const struct mhs_mts_id *id)
{
	return arena_printf(a, "%s;%s", mhs_domain_text(a, &id->domain),
	    id->local != NULL ? id->local : "");
}

const struct mhs_ext *
mhs_ext_find(const struct mhs_exts *x, int32_t type)
{
	for (size_t i = 0; i < x->n; i++)
		if (x->v[i].type == type)
			return &x->v[i];
	return NULL;
}

struct mhs_envelope *
mhs_envelope_new(struct arena *a, enum mhs_kind kind)
{
	struct mhs_envelope *env = ARENA_NEW(a, struct mhs_envelope);

	env->kind = kind;
	env->content_type = MHS_CONTENT_NONE;
	if (kind != MHS_REPORT)
		return env;
	env->report = ARENA_NEW(a, struct mhs_report);
	env->report->content_type = MHS_CONTENT_NONE;
	return env;
}

struct mhs_recipient *
mhs_recipient_add(struct arena *a, struct mhs_envelope *env)
{
	struct mhs_recipient *r = arena_push(
	    a, &env->recipients, &env->n_recipients, sizeof(*env->recipients));

	r->number = (int32_t)env->n_recipients;
	r->responsible = true;
	r->originator_report = MHS_REPORT_NDR;
	r->mta_report = MHS_REPORT_NDR;
	r->explicit_conversion = -1;
	return r;
}

struct mhs_trace *
mhs_trace_add(struct arena *a, struct mhs_envelope *env)
{
	return arena_push(a, &env->trace, &env->n_trace, sizeof(*env->trace));
}

/* By way of the packed form, which knows every field. */
struct mhs_envelope *
mhs_envelope_dup(struct arena *a, const struct mhs_envelope *env)
{
	struct err e = ERR_INIT;
	struct mhs_envelope *d;
	struct buf b = {0};

	mhs_envelope_pack(env, &b);
	d = mhs_envelope_unpack_own(a, b.data, b.len, &e);
	buf_free(&b);
	INVARIANT(d != NULL);
	return d;
}
