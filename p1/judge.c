#include "p1/judge.h"

#include "p1/envelope_codec.h"
#include "p1/ext_table.h"

/* What is looked for in one set of extension fields. */
struct bench {
	struct arena *a;
	enum p1_ext_place place;
	uint8_t criticality; /* bits that must not be on an unknown one */
	unsigned can;
	bool delivery;
	bool report;         /* answered by none: it goes on as far as it can */
	bool internal_trace; /* one was there, and was taken into the trace */
};

static bool
against(struct p1_verdict *v, enum mhs_reason reason,
    enum mhs_diagnostic diagnostic, const char *text)
{
	*v = (struct p1_verdict){text, reason, diagnostic};
	return true;
}

static bool
known_here(const struct bench *b, const struct mhs_ext *x)
{
	const struct p1_ext_row *row = p1_ext_row_of(x);

	if (x->oid != NULL)
		return p1_ext_private_name(x->oid) != NULL;
	return row != NULL && (row->places & b->place) != 0;
}

static bool
has_internal_trace(const struct mhs_envelope *env)
{
	for (size_t i = 0; i < env->n_trace; i++)
		if (env->trace[i].internal)
			return true;
	return false;
}

static bool
is_twice(
    const struct bench *b, const struct mhs_exts *all, const struct mhs_ext *x)
{
	if (x->type == P1_EXT_INTERNAL_TRACE && b->internal_trace)
		return true;
	for (const struct mhs_ext *y = all->v; y < x; y++)
		if (y->oid == NULL && y->type == x->type)
			return true;
	return false;
}

/* Must what this says be understood? */
static bool
matters(const struct bench *b, const struct mhs_ext *x)
{
	return !b->report || (x->criticality & b->criticality) != 0;
}

/* Standard ones in their own place. */
static bool
is_malformed(const struct bench *b, const struct mhs_exts *all,
    const struct mhs_ext *x, struct p1_verdict *v)
{
	struct err e = ERR_INIT;
	int r;

	if (x->oid != NULL || !known_here(b, x) || !matters(b, x))
		return false;
	if (is_twice(b, all, x))
		return against(v, MHS_UNABLE_TO_TRANSFER,
		    MHS_PROTOCOL_VIOLATION,
		    arena_printf(
			b->a, "%s is there twice", p1_ext_text(b->a, x)));
	r = p1_ext_check(x, &e);
	if (r >= 0)
		return false;
	return against(v, MHS_UNABLE_TO_TRANSFER,
	    r == ERR_LIMIT ? MHS_SIZE_CONSTRAINT_VIOLATION
			   : MHS_INVALID_ARGUMENTS,
	    arena_strdup(b->a, e.text));
}

/* Is this one critical, and not for us? */
static bool
is_unsupported(const struct bench *b, const struct mhs_ext *x)
{
	const struct p1_ext_row *row = p1_ext_row_of(x);

	if ((x->criticality & b->criticality) == 0)
		return false;
	if (!known_here(b, x))
		return true;
	return b->delivery && row != NULL && (row->needs & ~b->can) != 0;
}

static bool
judge_set(
    const struct bench *b, const struct mhs_exts *all, struct p1_verdict *v)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct mhs_ext *x = &all->v[i];

		if (x->type == P1_EXT_FIELD && x->oid == NULL)
			continue;
		if (is_malformed(b, all, x, v))
			return true;
		if (is_unsupported(b, x))
			return against(v, MHS_UNABLE_TO_TRANSFER,
			    MHS_CRITICAL_FUNCTION_UNSUPPORTED,
			    arena_printf(b->a, "%s is critical for %s",
				p1_ext_text(b->a, x),
				b->delivery ? "delivery" : "transfer"));
	}
	return false;
}

static bool
judge_report(
    struct bench *b, const struct mhs_envelope *env, struct p1_verdict *v)
{
	const struct mhs_report *rep = env->report;

	b->report = true;
	b->place = P1_IN_REPORT;
	if (judge_set(b, &env->exts, v) || rep == NULL)
		return v->text != NULL;
	b->place = P1_IN_REPORT_CONTENT;
	if (judge_set(b, &rep->exts, v))
		return true;
	b->place = P1_IN_REPORTED;
	for (size_t i = 0; i < rep->n_recipients; i++)
		if (judge_set(b, &rep->recipients[i].exts, v))
			return true;
	return false;
}

static bool
judge_recipient(struct bench *b, const struct mhs_envelope *env,
    size_t recipient, struct p1_verdict *v)
{
	b->place =
	    env->kind == MHS_PROBE ? P1_IN_PROBE_RECIPIENT : P1_IN_RECIPIENT;
	return judge_set(b, &env->recipients[recipient].exts, v);
}

static bool
judge_message(
    struct bench *b, const struct mhs_envelope *env, struct p1_verdict *v)
{
	b->place = env->kind == MHS_PROBE ? P1_IN_PROBE : P1_IN_MESSAGE;
	return judge_set(b, &env->exts, v);
}

bool
p1_judge(struct arena *a, const struct mhs_envelope *env, struct p1_verdict *v)
{
	struct bench b = {.a = a,
	    .criticality = MHS_CRITICAL_TRANSFER,
	    .internal_trace = has_internal_trace(env)};
	struct p1_verdict all = {0};
	bool any = false;

	for (size_t i = 0; i < env->n_recipients; i++)
		v[i] = (struct p1_verdict){0};
	if (env->n_recipients == 0)
		return false;
	if (env->kind == MHS_REPORT)
		return judge_report(&b, env, &v[0]);
	judge_message(&b, env, &all);
	for (size_t i = 0; i < env->n_recipients; i++) {
		v[i] = all;
		any |= all.text != NULL || judge_recipient(&b, env, i, &v[i]);
	}
	return any;
}

bool
p1_judge_delivery(struct arena *a, const struct mhs_envelope *env,
    size_t recipient, unsigned can, struct p1_verdict *v)
{
	struct bench b = {.a = a,
	    .criticality = MHS_CRITICAL_DELIVERY,
	    .can = can,
	    .delivery = true,
	    .internal_trace = has_internal_trace(env)};

	*v = (struct p1_verdict){0};
	if (env->kind == MHS_REPORT)
		return judge_report(&b, env, v);
	return judge_message(&b, env, v) ||
	    judge_recipient(&b, env, recipient, v);
}
