/*
 * Trace: X.411 trace information <-> Received and X400-Received fields
 * (RFC 2156 5.1.6, 5.3.7).
 */
#include "mixer/internal.h"

#include <string.h>
#include <strings.h>

#define MTA_NAME_MAX 32 /* ub-mta-name-length */
#define CONVERSION_MARK "MIXER Conversion following RFC 2156"

/* --- X.400 -> RFC 822 --- */

/* 5.3.7: an external element that an internal one says as well. */
static bool
repeated(const struct mhs_envelope *env, size_t i)
{
	const struct mhs_trace *t = &env->trace[i];

	for (size_t k = 0; !t->internal && k < env->n_trace; k++)
		if (env->trace[k].internal &&
		    env->trace[k].arrival == t->arrival &&
		    env->trace[k].action == t->action &&
		    mhs_domain_equal(&env->trace[k].domain, &t->domain))
			return true;
	return false;
}

static const char *
mta_word(struct arena *a, const char *mta)
{
	const char *s = mixer_quote_local(a, mixer_one_line(a, mta));

	return *s == '"' ? s : arena_printf(a, "\"%s\"", s);
}

static const char *
actions(struct arena *a, const struct mhs_trace *t)
{
	return arena_printf(a, "%s%s%s",
	    t->action == MHS_REROUTED ? "Rerouted" : "Relayed",
	    t->other_actions & 2 ? ", Expanded" : "",
	    t->other_actions & 1 ? ", Redirected" : "");
}

const char *
mixer_trace_text(struct mixer_conv *cv, const struct mhs_trace *t)
{
	struct arena *a = cv->a;
	struct mixer_eits eits;
	const char *s = "by ";

	if (t->internal && t->mta != NULL)
		s = arena_printf(a, "%smta %s in ", s, mta_word(a, t->mta));
	s = arena_printf(a, "%s%s;", s, mixer_global_id(a, &t->domain));
	if (t->deferred != 0)
		s = arena_printf(a, "%s deferred until %s;", s,
		    mixer_time_822(a, t->deferred));
	if (t->converted_eits != NULL &&
	    mixer_eits_decode(
		a, t->converted_eits, t->converted_eits_n, &eits, NULL) == 0)
		s = arena_printf(
		    a, "%s converted (%s);", s, mixer_eits_text(a, &eits));
	if (t->attempted.country != NULL)
		s = arena_printf(a, "%s attempted MD %s;", s,
		    mixer_global_id(a, &t->attempted));
	else if (t->attempted_mta != NULL)
		s = arena_printf(a, "%s attempted MTA %s;", s,
		    mta_word(a, t->attempted_mta));
	return arena_printf(
	    a, "%s %s; %s", s, actions(a, t), mixer_time_822(a, t->arrival));
}

void
mixer_trace_put(
    struct mixer_conv *cv, const struct mhs_envelope *env, struct buf *out)
{
	/* our own line first: the most recent is on top */
	mixer_field_put(out, "Received",
	    arena_printf(cv->a, "from %s by %s (%s); %s", cv->c->mta,
		cv->c->hostname, CONVERSION_MARK,
		mixer_time_822(cv->a, cv->now)));
	for (size_t i = env->n_trace; i-- > 0;) {
		const struct mhs_trace *t = &env->trace[i];

		if (t->received != NULL)
			mixer_field_put(out, "Received",
			    mixer_one_line(cv->a, t->received));
		else if (!repeated(env, i))
			mixer_field_put(out, "X400-Received",
			    mixer_one_line(cv->a, mixer_trace_text(cv, t)));
	}
}

/* --- loops (5.1.5) --- */

unsigned
mixer_trace_conversions(struct mixer_conv *cv, const struct mhs_envelope *env)
{
	struct mixer_eits eits;
	unsigned n = 0;

	for (size_t i = 0; i < env->n_trace; i++) {
		const struct mhs_trace *t = &env->trace[i];

		if (t->internal || t->converted_eits == NULL ||
		    mixer_eits_decode(cv->a, t->converted_eits,
			t->converted_eits_n, &eits, NULL) < 0)
			continue;
		for (size_t k = 0; k < eits.n_oids; k++)
			n += strcmp(eits.oids[k], MIXER_OID_EIT_MIXER) == 0;
	}
	return n;
}

unsigned
mixer_header_conversions(const struct mixer_header *h)
{
	unsigned n = 0;

	for (size_t i = 0; i < h->n; i++)
		n += strcasecmp(h->v[i].name, "Received") == 0 &&
		    strcasestr(h->v[i].value, "(MIXER Conversion") != NULL;
	return n;
}

/* --- RFC 822 -> X.400 --- */

static struct mhs_trace *
trace_new(struct mixer_conv *cv, struct mhs_envelope *env, bool internal,
    const struct mhs_domain *d, int64_t arrival)
{
	struct mhs_trace *t = mhs_trace_add(cv->a, env);

	t->internal = internal;
	t->domain = *d;
	t->arrival = arrival;
	t->action = MHS_RELAYED;
	t->mta = NULL;
	return t;
}

/* The global domain that a host belongs to, by the tables; else ours. */
static struct mhs_domain
domain_of(struct mixer_conv *cv, const char *host)
{
	struct mhs_domain d = cv->c->domain;
	struct mhs_or *ora;

	if (host != NULL &&
	    mixer_mailbox_to_or(cv->a, cv->c,
		arena_printf(cv->a, "postmaster@%s", host), &ora, NULL) == 0)
		mixer_global_id_parse(cv->a, mhs_or_slash(cv->a, ora), &d);
	return d;
}

/* The word after "by" in a Received field, outside comments. */
static const char *
received_by(struct mixer_conv *cv, const char *s)
{
	int depth = 0;

	for (const char *p = s; *p != '\0'; p++) {
		depth += *p == '(';
		depth -= *p == ')' && depth > 0;
		if (depth == 0 && (p == s || p[-1] == ' ') &&
		    strncasecmp(p, "by ", 3) == 0) {
			p += 3 + strspn(p + 3, " ");
			return arena_strndup(cv->a, p, strcspn(p, " ;()\t"));
		}
	}
	return NULL;
}

static struct mhs_trace *
newest_external(const struct mhs_envelope *env)
{
	for (size_t i = env->n_trace; i-- > 0;)
		if (!env->trace[i].internal)
			return &env->trace[i];
	return NULL;
}

static void
add_received(struct mixer_conv *cv, const char *value, struct mhs_envelope *env)
{
	const char *semi = strrchr(value, ';'), *by = received_by(cv, value);
	const struct mhs_trace *last = newest_external(env);
	struct mhs_domain d = domain_of(cv, by);
	struct mixer_date date;
	struct mhs_trace *t;

	if (semi == NULL || !mixer_date_from_822(semi + 1, &date)) {
		mixer_lose(cv, "field Received", "no date");
		return;
	}
	if (last == NULL || !mhs_domain_equal(&last->domain, &d))
		trace_new(cv, env, false, &d, date.t);
	t = trace_new(cv, env, true, &d, date.t);
	by = by != NULL && *by != '\0' ? by : "unknown";
	t->mta = arena_strndup(cv->a, by, strnlen(by, MTA_NAME_MAX));
}

/* The clause of an X400-Received value that begins with `key`. */
static const char *
clause(struct mixer_conv *cv, const char *s, const char *key)
{
	size_t k = strlen(key);

	while (*s != '\0') {
		size_t n;

		s += strspn(s, " ");
		n = strcspn(s, ";");
		if (strncasecmp(s, key, k) == 0)
			return arena_strndup(cv->a, s + k, n > k ? n - k : 0);
		s += n + (s[n] == ';');
	}
	return NULL;
}

static void
parse_by(struct mixer_conv *cv, const char *by, struct mhs_trace *t)
{
	const char *in;

	by += strspn(by, " ");
	if (strncasecmp(by, "mta ", 4) == 0 &&
	    (in = strcasestr(by, " in ")) != NULL) {
		const char *mta = mixer_unquote(
		    cv->a, arena_strndup(cv->a, by + 4, (size_t)(in - by - 4)));

		t->internal = true;
		t->mta = arena_strndup(cv->a, mta, strnlen(mta, MTA_NAME_MAX));
		by = in + 4;
	}
	by += strspn(by, " ");
	mixer_global_id_parse(cv->a, by, &t->domain);
}

static void
add_x400_received(
    struct mixer_conv *cv, const char *value, struct mhs_envelope *env)
{
	const char *by = clause(cv, value, "by "), *s;
	const char *semi = strrchr(value, ';');
	struct mixer_date date;
	struct mixer_eits eits;
	struct mhs_trace *t;

	if (by == NULL || semi == NULL ||
	    !mixer_date_from_822(semi + 1, &date)) {
		mixer_lose(cv, "field X400-Received", "not understood");
		return;
	}
	t = trace_new(cv, env, false, &cv->c->domain, date.t);
	parse_by(cv, by, t);
	if ((s = clause(cv, value, "deferred until ")) != NULL &&
	    mixer_date_from_822(s, &date))
		t->deferred = date.t;
	if ((s = clause(cv, value, "converted ")) != NULL &&
	    (s = strchr(s, '(')) != NULL) {
		size_t n = strlen(++s);
		struct octets o;

		while (n > 0 && s[n - 1] != ')')
			n--;
		mixer_eits_parse(
		    cv->a, arena_strndup(cv->a, s, n > 0 ? n - 1 : 0), &eits);
		o = mixer_eits_encode(cv->a, &eits);
		t->converted_eits = o.p;
		t->converted_eits_n = o.n;
	}
	if ((s = clause(cv, value, "attempted MD ")) != NULL)
		mixer_global_id_parse(cv->a, s, &t->attempted);
	if (clause(cv, value, "Rerouted") != NULL)
		t->action = MHS_REROUTED;
	t->other_actions |= strcasestr(value, "Redirected") != NULL ? 1 : 0;
	t->other_actions |= strcasestr(value, "Expanded") != NULL ? 2 : 0;
}

static const char *
sender_host(const struct mhs_envelope *env)
{
	const char *at = env->originator.mailbox != NULL
	    ? strrchr(env->originator.mailbox, '@')
	    : NULL;

	return at == NULL ? NULL : at + 1;
}

int
mixer_trace_to_400(struct mixer_conv *cv, const struct mixer_header *h,
    struct mhs_envelope *env)
{
	const char *date = mixer_header_get(h, "Resent-Date");
	struct mixer_date d = {.t = cv->now};
	struct mhs_domain domain;

	env->trace = NULL;
	env->n_trace = 0;
	if (date == NULL)
		date = mixer_header_get(h, "Date");
	if (mixer_header_get(h, "X400-Received") == NULL) {
		mixer_date_from_822(date, &d);
		domain = domain_of(cv, sender_host(env));
		trace_new(cv, env, false, &domain, d.t);
	}
	for (size_t i = h->n; i-- > 0;) {
		if (env->n_trace + 4 > MHS_TRACE_MAX)
			return mixer_fail(cv, ERR_LIMIT, MHS_LOOP_DETECTED,
			    "more than %d trace elements", MHS_TRACE_MAX);
		if (strcasecmp(h->v[i].name, "Received") == 0)
			add_received(cv, h->v[i].value, env);
		else if (strcasecmp(h->v[i].name, "X400-Received") == 0)
			add_x400_received(cv, h->v[i].value, env);
	}
	return 0;
}

void
mixer_trace_conversion(
    struct mixer_conv *cv, struct mhs_envelope *env, struct octets eits)
{
	struct mhs_trace *t = newest_external(env);

	/* one external element for each passage of a domain */
	if (t == NULL || !mhs_domain_equal(&t->domain, &cv->c->domain))
		t = trace_new(cv, env, false, &cv->c->domain, cv->now);
	t->converted_eits = eits.p;
	t->converted_eits_n = eits.n;
	t = trace_new(cv, env, true, &cv->c->domain, cv->now);
	t->mta =
	    arena_strndup(cv->a, cv->c->mta, strnlen(cv->c->mta, MTA_NAME_MAX));
	t->converted_eits = eits.p;
	t->converted_eits_n = eits.n;
}
