/*
 * X.400 envelope -> SMTP envelope and RFC 822 fields (RFC 2156 4.6.2, 5.3.6,
 * 5.3.7, appendix A.3.2).
 */
#include "mixer/internal.h"

#include <string.h>
#include <strings.h>

#include "p1/ext.h"
#include "p1/or_codec.h"

static const char *const priorities[] = {"normal", "non-urgent", "urgent"};

/* What we do with each MTS extension; those not here are named as discarded.
 * What is critical and cannot be done did not come here (p1/judge.h). */
enum fate {
	FATE_MAPPED,  /* a field or an envelope parameter says it */
	FATE_DROPPED, /* means nothing beyond the gateway */
};
static const struct {
	int32_t type;
	enum fate fate;
} fates[] = {
    {P1_EXT_RECIPIENT_REASSIGNMENT_PROHIBITED, FATE_DROPPED},
    {P1_EXT_ORIGINATOR_ALTERNATE, FATE_DROPPED},
    {P1_EXT_DL_EXPANSION_PROHIBITED, FATE_DROPPED},
    {P1_EXT_CONVERSION_WITH_LOSS_PROHIBITED, FATE_MAPPED},
    {P1_EXT_LATEST_DELIVERY_TIME, FATE_MAPPED},
    {P1_EXT_RETURN_ADDRESS, FATE_MAPPED},
    {P1_EXT_CONTENT_CORRELATOR, FATE_DROPPED},
    {P1_EXT_REDIRECTION_HISTORY, FATE_DROPPED},
    {P1_EXT_DL_HISTORY, FATE_MAPPED},
    {P1_EXT_TRACE, FATE_MAPPED},
    {P1_EXT_INTERNAL_TRACE, FATE_MAPPED},
};
#define N_FATES (sizeof(fates) / sizeof(fates[0]))

static const char *
ext_name(struct mixer_conv *cv, const struct mhs_ext *x)
{
	return x->oid != NULL ? x->oid
			      : arena_printf(cv->a, "(%d)", (int)x->type);
}

static bool
discarded(const struct mhs_ext *x)
{
	for (size_t i = 0; i < N_FATES && x->oid == NULL; i++)
		if (fates[i].type == x->type)
			return false;
	return true;
}

static void
put_discarded(
    struct mixer_conv *cv, const struct mhs_envelope *env, struct buf *out)
{
	const char *s = "";

	for (size_t i = 0; i < env->exts.n; i++) {
		const struct mhs_ext *x = &env->exts.v[i];
		struct mixer_eits oid = {0};

		if (!discarded(x))
			continue;
		if (x->oid != NULL)
			mixer_eits_add_oid(cv->a, &oid, x->oid);
		s = arena_printf(cv->a, "%s%s%s", s, *s != '\0' ? ", " : "",
		    x->oid != NULL ? mixer_eits_text(cv->a, &oid)
				   : ext_name(cv, x));
		mixer_lose(cv,
		    arena_printf(cv->a, "MTS extension %s", ext_name(cv, x)),
		    "no equivalent");
	}
	if (*s != '\0')
		mixer_field_put(out, "Discarded-X400-MTS-Extensions", s);
}

const char *
mixer_content_type_text(struct arena *a, enum mhs_content c, const char *oid)
{
	struct mixer_eits o = {0};

	switch (c) {
	case MHS_CONTENT_P2: return "P2-1984 (2)";
	case MHS_CONTENT_P22: return "P2-1988 (22)";
	default: break;
	}
	if (oid == NULL)
		return arena_printf(a, "%s (%d)", mhs_content_name(c), (int)c);
	mixer_eits_add_oid(a, &o, oid);
	return mixer_eits_text(a, &o);
}

/* The first element of an extension's value, or false. */
static bool
ext_value(const struct mhs_ext *x, struct ber_tlv *t)
{
	struct ber_cursor c;

	if (x == NULL || x->value == NULL)
		return false;
	c = ber_cursor(x->value, x->n);
	return ber_next(&c, t, NULL) == 1;
}

const char *
mixer_correlator(struct arena *a, const struct mhs_exts *x)
{
	struct octets s;
	struct ber_tlv t;

	if (!ext_value(mhs_ext_find(x, P1_EXT_CONTENT_CORRELATOR), &t) ||
	    !(BER_IS(t.tag, BER_UNIVERSAL, BER_IA5_STRING) ||
		BER_IS(t.tag, BER_CONTEXT, 0)) ||
	    ber_string(a, &t, &s, NULL) < 0)
		return NULL;
	return arena_strndup(a, (const char *)s.p, s.n);
}

static const char *
or_of(struct mixer_conv *cv, const struct ber_tlv *t)
{
	struct mhs_or *ora;

	if (p1_or_decode(cv->a, t->start, t->size, &ora, NULL) < 0)
		return NULL;
	return mixer_or_to_mailbox(cv->a, cv->c, ora);
}

const char **
mixer_dl_history(struct mixer_conv *cv, const struct mhs_ext *x, size_t *n)
{
	const char **v = NULL, *box;
	struct ber_tlv seq, el, name, time;
	struct mixer_date d;
	struct ber_cursor c, ec;

	*n = 0;
	if (!ext_value(x, &seq) || !seq.tag.constructed)
		return NULL;
	c = ber_children(&seq);
	while (*n < MHS_TRACE_MAX && ber_next(&c, &el, NULL) == 1) {
		ec = ber_children(&el);
		if (!el.tag.constructed || ber_next(&ec, &name, NULL) != 1 ||
		    ber_next(&ec, &time, NULL) != 1 ||
		    (box = or_of(cv, &name)) == NULL ||
		    !mixer_date_from_utc(
			arena_strndup(
			    cv->a, (const char *)time.value, time.length),
			&d))
			continue;
		*(const char **)arena_push(cv->a, &v, n, sizeof(*v)) =
		    arena_printf(
			cv->a, "%s; %s;", box, mixer_date_822(cv->a, &d));
	}
	return v;
}

static void
put_dl_history(
    struct mixer_conv *cv, const struct mhs_envelope *env, struct buf *out)
{
	size_t n;
	const char **v = mixer_dl_history(
	    cv, mhs_ext_find(&env->exts, P1_EXT_DL_HISTORY), &n);

	while (n-- > 0) /* the most recent first */
		mixer_field_put(out, "DL-Expansion-History", v[n]);
}

static const char *
name_mailbox(struct mixer_conv *cv, const struct mhs_name *n)
{
	const char *s = n->ora != NULL
	    ? mixer_or_to_mailbox(cv->a, cv->c, n->ora)
	    : n->mailbox;

	return s;
}

static void
put_recipients(
    struct mixer_conv *cv, const struct mhs_envelope *env, struct buf *out)
{
	struct buf b = {0};

	/* 4.6.2.2: several, and not to be disclosed: say nothing */
	if (env->n_recipients > 1 && !env->disclosure_of_other_recipients)
		return;
	for (size_t i = 0; i < env->n_recipients; i++) {
		const char *s = name_mailbox(cv, &env->recipients[i].name);

		if (s == NULL)
			continue;
		buf_puts(&b, b.len > 0 ? ", " : "");
		buf_puts(&b, s);
	}
	if (b.len > 0)
		mixer_field_put(out, "X400-Recipients", buf_cstr(&b));
	buf_free(&b);
}

static void
put_originator(
    struct mixer_conv *cv, const struct mhs_envelope *env, struct buf *out)
{
	const char *s = name_mailbox(cv, &env->originator);
	struct ber_tlv t;

	if (s != NULL && *s != '\0')
		mixer_field_put(out, "X400-Originator", s);
	if (ext_value(mhs_ext_find(&env->exts, P1_EXT_RETURN_ADDRESS), &t) &&
	    (s = or_of(cv, &t)) != NULL)
		mixer_field_put(out, "Originator-Return-Address", s);
}

static void
put_eits(struct mixer_conv *cv, const struct mhs_envelope *env, struct buf *out)
{
	struct mixer_eits eits;

	if (env->original_eits != NULL &&
	    mixer_eits_decode(cv->a, env->original_eits, env->original_eits_n,
		&eits, NULL) == 0)
		mixer_field_put(out, "Original-Encoded-Information-Types",
		    mixer_eits_text(cv->a, &eits));
}

static void
put_latest_delivery(
    struct mixer_conv *cv, const struct mhs_envelope *env, struct buf *out)
{
	struct mixer_date d;
	struct ber_tlv t;

	if (ext_value(
		mhs_ext_find(&env->exts, P1_EXT_LATEST_DELIVERY_TIME), &t) &&
	    mixer_date_from_utc(
		arena_strndup(cv->a, (const char *)t.value, t.length), &d))
		mixer_field_put(
		    out, "Latest-Delivery-Time", mixer_date_822(cv->a, &d));
}

void
mixer_envelope_fields(
    struct mixer_conv *cv, const struct mhs_envelope *env, struct buf *out)
{
	int64_t date = env->n_trace > 0 ? env->trace[0].arrival : 0;

	mixer_field_put(
	    out, "Date", mixer_time_822(cv->a, date != 0 ? date : cv->now));
	put_originator(cv, env, out);
	put_recipients(cv, env, out);
	if (env->id.local != NULL)
		mixer_field_put(out, "X400-MTS-Identifier",
		    mixer_mts_id_bracketed(cv->a, &env->id));
	put_eits(cv, env, out);
	mixer_field_put(out, "X400-Content-Type",
	    mixer_content_type_text(
		cv->a, env->content_type, env->content_oid));
	if (env->content_identifier != NULL)
		mixer_field_put(out, "X400-Content-Identifier",
		    mixer_one_line(cv->a, env->content_identifier));
	if (env->priority != MHS_NORMAL)
		mixer_field_put(
		    out, "Priority", priorities[(unsigned)env->priority % 3]);
	if (env->implicit_conversion_prohibited)
		mixer_field_put(out, "Conversion", "Prohibited");
	if (p1_ext_flag(&env->exts, P1_EXT_CONVERSION_WITH_LOSS_PROHIBITED))
		mixer_field_put(out, "Conversion-With-Loss", "Prohibited");
	if (env->deferred_delivery != 0)
		mixer_field_put(out, "Deferred-Delivery",
		    mixer_time_822(cv->a, env->deferred_delivery));
	put_latest_delivery(cv, env, out);
	put_dl_history(cv, env, out);
	put_discarded(cv, env, out);
}

/* --- the SMTP envelope --- */

static uint8_t
notify_for(enum mhs_report_request r)
{
	switch (r) {
	case MHS_REPORT_NONE: return MHS_NOTIFY_NEVER;
	case MHS_REPORT_DR: return MHS_NOTIFY_SUCCESS | MHS_NOTIFY_FAILURE;
	default: return MHS_NOTIFY_FAILURE;
	}
}

/* The content-correlator stays: a report on this message must return it (X.411
 * 8.3.1.2.1), and it may hold the sender's ENVID. */
static void
drop_x400(struct mixer_conv *cv, struct mhs_envelope *env)
{
	const struct mhs_ext *x =
	    mhs_ext_find(&env->exts, P1_EXT_CONTENT_CORRELATOR);

	env->exts = (struct mhs_exts){0};
	if (x != NULL)
		*(struct mhs_ext *)arena_push(
		    cv->a, &env->exts.v, &env->exts.n, sizeof(*x)) = *x;
	env->bilateral = NULL;
	env->bilateral_n = NULL;
	env->n_bilateral = 0;
	env->original_eits = NULL;
	env->original_eits_n = 0;
}

static bool
nobody_is_told(const struct mhs_envelope *env)
{
	for (size_t i = 0; i < env->n_recipients; i++)
		if (env->recipients[i].originator_report != MHS_REPORT_NONE ||
		    env->recipients[i].mta_report != MHS_REPORT_NONE)
			return false;
	return true;
}

/* A gateway writes the null reverse-path as its postmaster, for whom no report
 * is requested (envelope_400.c): it becomes <> again. */
static const char *
reverse_path(struct mixer_conv *cv, const struct mhs_envelope *env)
{
	const char *s = name_mailbox(cv, &env->originator);

	if (s == NULL)
		s = cv->c->postmaster;
	return strncasecmp(s, "postmaster@", 11) == 0 && nobody_is_told(env)
	    ? ""
	    : s;
}

struct mhs_envelope *
mixer_envelope_to_822(struct mixer_conv *cv, const struct mhs_envelope *env)
{
	struct mhs_envelope *out = mhs_envelope_dup(cv->a, env);
	size_t usable = 0;

	out->kind = MHS_MESSAGE;
	out->content_type = MHS_CONTENT_RFC822;
	out->content_oid = NULL;
	out->originator.mailbox = reverse_path(cv, env);
	drop_x400(cv, out);
	for (size_t i = 0; i < out->n_recipients; i++) {
		struct mhs_recipient *r = &out->recipients[i];

		r->name.mailbox = name_mailbox(cv, &env->recipients[i].name);
		r->notify = notify_for(r->originator_report);
		r->exts = (struct mhs_exts){0};
		if (r->name.mailbox == NULL)
			mixer_lose(cv,
			    arena_printf(cv->a, "recipient %zu", i + 1),
			    "has no mailbox");
		else
			usable++;
	}
	if (usable == 0) {
		mixer_fail(cv, ERR_UNSUPPORTED, MHS_UNRECOGNISED_OR_NAME,
		    "no recipient has a mailbox");
		return NULL;
	}
	if (env->id.local != NULL)
		out->envid = arena_printf(cv->a, "X400-MTS-Identifier: %s",
		    mixer_mts_id_bracketed(cv->a, &env->id));
	out->ret = env->content_return_request ? 'F' : 'H';
	return out;
}
