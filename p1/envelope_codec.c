#include "p1/envelope_codec.h"

#include <string.h>

#include "p1/apdu.h"
#include "p1/asn_codec.h"
#include "p1/ext.h"
#include "p1/field_codec.h"
#include "p1/or_codec.h"
#include "p1/trace.h"
#include "p1/trace_codec.h"

#define CONTENT_ID_MAX 64 /* ub-content-id-length is 16: be lenient */
#define N(t) (sizeof(t) / sizeof((t)[0]))

/* What is built while the SET is walked. */
struct reading {
	struct mhs_envelope *env;
	struct p1_traces trace;
	uint8_t *numbers;  /* of the recipients so far: bits */
	int32_t twice;     /* of two recipients; 0: none is */
	uint64_t twice_at; /* the second of them */
};
#define ENV(into) (((struct reading *)(into))->env)

/* --- reading: per-recipient fields --- */

static int
get_recipient_name(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	return p1_get_or(in, t, &((struct mhs_recipient *)into)->name);
}

static int
get_number(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	int64_t n;
	int r = p1_get_int(
	    in, t, 1, in->strict ? MHS_RECIPIENTS_MAX : INT32_MAX, &n);

	((struct mhs_recipient *)into)->number = (int32_t)n;
	return r;
}

/* 0x80 responsibility, 0x40 and 0x20 the MTA's, 0x10 and 0x08 the
 * originator's request: the first of a pair asks for all reports, the second
 * for non-delivery reports, both of the MTA's for an audited one. */
static enum mhs_report_request
request(bool report, bool non_delivery)
{
	return report      ? MHS_REPORT_DR
	    : non_delivery ? MHS_REPORT_NDR
			   : MHS_REPORT_NONE;
}

static int
get_indicators(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	struct mhs_recipient *rcpt = into;
	uint8_t b;
	int r = p1_get_bits(in, t, &b);

	if (r < 0)
		return r;
	rcpt->responsible = b & 0x80;
	rcpt->mta_report = request(b & 0x40, b & 0x20);
	rcpt->audit = (b & 0x60) == 0x60;
	rcpt->originator_report = request(b & 0x10, b & 0x08);
	return 0;
}

static int
get_conversion(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	int64_t n;
	int r = p1_get_int(in, t, 0, INT32_MAX, &n);

	((struct mhs_recipient *)into)->explicit_conversion = (int32_t)n;
	return r;
}

static int
get_recipient_exts(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	return p1_get_exts(in, t, &((struct mhs_recipient *)into)->exts);
}

static const struct p1_field per_recipient[] = {
    {BER_APPLICATION, 0, "recipient-name", get_recipient_name, true},
    {BER_CONTEXT, 0, "originally-specified-recipient-number", get_number, true},
    {BER_CONTEXT, 1, "per-recipient-indicators", get_indicators, true},
    {BER_CONTEXT, 2, "explicit-conversion", get_conversion},
    {BER_CONTEXT, 3, "extensions", get_recipient_exts},
};

/* Distinct where the originator's MTA made them (X.411 12.2.1.1.1.8); whether
 * it still has to be so is known when all of the envelope is read. */
static void
note_number(struct p1_in *in, const struct ber_tlv *set,
    const struct mhs_recipient *rcpt, struct reading *rd)
{
	uint8_t bit = (uint8_t)(1u << rcpt->number % 8);

	if (rcpt->number > MHS_RECIPIENTS_MAX)
		return;
	if (rd->numbers == NULL)
		rd->numbers = arena_alloc(in->a, MHS_RECIPIENTS_MAX / 8 + 1);
	if ((rd->numbers[rcpt->number / 8] & bit) != 0 && rd->twice == 0) {
		rd->twice = rcpt->number;
		rd->twice_at = (uint64_t)(set->start - in->base);
	}
	rd->numbers[rcpt->number / 8] |= bit;
}

/* The members of a list have its number. */
static bool
was_expanded(const struct mhs_envelope *env)
{
	for (size_t i = 0; i < env->n_trace; i++)
		if ((env->trace[i].other_actions & P1_TRACE_DL_OPERATION) != 0)
			return true;
	for (size_t i = 0; i < env->exts.n; i++)
		if (env->exts.v[i].oid == NULL &&
		    env->exts.v[i].type == P1_EXT_DL_HISTORY)
			return true;
	return false;
}

static int
get_recipients(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	struct mhs_envelope *env = ENV(into);
	struct ber_cursor c = ber_children(t);
	struct mhs_recipient *rcpt;
	struct ber_tlv set;
	int r;

	while ((r = ber_next(&c, &set, in->e)) == 1) {
		if (!BER_IS(set.tag, BER_UNIVERSAL, BER_SET))
			return p1_bad(in, &set, "not a SET");
		if (env->n_recipients >= MHS_RECIPIENTS_MAX)
			return err_set(in->e, "p1", ERR_LIMIT,
			    "more than %d recipients", MHS_RECIPIENTS_MAX);
		rcpt = mhs_recipient_add(in->a, env);
		rcpt->explicit_conversion = -1;
		r = p1_fields(in, &set, per_recipient, N(per_recipient), rcpt,
		    &rcpt->exts);
		if (r < 0)
			return r;
		note_number(in, &set, rcpt, into);
	}
	if (r == 0 && env->n_recipients == 0)
		return p1_bad(in, t, "no recipients");
	return r;
}

/* --- reading: per-message and per-probe fields --- */

static int
get_id(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	return p1_get_mts_id(in, t, &ENV(into)->id);
}

static int
get_originator(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	return p1_get_or(in, t, &ENV(into)->originator);
}

static int
get_eits(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	struct mhs_envelope *env = ENV(into);

	p1_get_raw(in, t, &env->original_eits, &env->original_eits_n);
	return 0;
}

static int
get_content_type(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	struct mhs_envelope *env = ENV(into);

	return p1_get_content_type(
	    in, t, &env->content_type, &env->content_oid);
}

static int
get_content_id(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	return p1_get_text(
	    in, t, CONTENT_ID_MAX, true, &ENV(into)->content_identifier);
}

static int
get_priority(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	int64_t n;
	int r = p1_get_int(in, t, MHS_NORMAL, MHS_URGENT, &n);

	ENV(into)->priority = (enum mhs_priority)n;
	return r;
}

/* Bits 0 to 7 of PerMessageIndicators and where the model has them. */
static const struct {
	uint8_t bit;
	size_t offset;
} indicators[] = {
    {0x80, offsetof(struct mhs_envelope, disclosure_of_other_recipients)},
    {0x40, offsetof(struct mhs_envelope, implicit_conversion_prohibited)},
    {0x20, offsetof(struct mhs_envelope, alternate_recipient_allowed)},
    {0x10, offsetof(struct mhs_envelope, content_return_request)},
    {0x08, offsetof(struct mhs_envelope, reserved_bit)},
    {0x04, offsetof(struct mhs_envelope, bit5_notification)},
    {0x02, offsetof(struct mhs_envelope, bit6_service)},
    {0x01, offsetof(struct mhs_envelope, bit7_service_message)},
};

static int
get_message_indicators(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	uint8_t b;
	int r = p1_get_bits(in, t, &b);

	for (size_t i = 0; i < N(indicators) && r >= 0; i++)
		*(bool *)((char *)ENV(into) + indicators[i].offset) =
		    b & indicators[i].bit;
	return r;
}

static int
get_deferred(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	return p1_get_time(in, t, &ENV(into)->deferred_delivery);
}

static int
get_length(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	int64_t n;
	int r = p1_get_int(in, t, 0, INT64_MAX, &n);

	ENV(into)->content_length = (uint64_t)n;
	ENV(into)->content_length_absent = false;
	return r;
}

static int
get_bilateral(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	struct mhs_envelope *env = ENV(into);
	struct ber_cursor c = ber_children(t);
	struct ber_tlv item;
	int r;

	while ((r = ber_next(&c, &item, in->e)) == 1) {
		size_t n = env->n_bilateral, *len;
		const uint8_t **p;

		if (n >= P1_BILATERAL_MAX)
			return err_set(in->e, "p1", ERR_LIMIT,
			    "more than %d elements", P1_BILATERAL_MAX);
		len = arena_push(in->a, &env->bilateral_n, &n, sizeof(*len));
		p = arena_push(
		    in->a, &env->bilateral, &env->n_bilateral, sizeof(*p));
		p1_get_raw(in, &item, p, len);
	}
	return r;
}

static int
get_trace(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	return p1_get_trace(in, t, false, &((struct reading *)into)->trace);
}

static int
get_exts(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	return p1_get_exts(in, t, &ENV(into)->exts);
}

#define COMMON                                                               \
	{BER_APPLICATION, 4, "message-identifier", get_id, true},            \
	    {BER_APPLICATION, 0, "originator-name", get_originator, true},   \
	    {BER_APPLICATION, 5, "original-encoded-information-types",       \
		get_eits},                                                   \
	    {BER_APPLICATION, 6, "content-type", get_content_type},          \
	    {BER_UNIVERSAL, BER_OID, "content-type", get_content_type},      \
	    {BER_APPLICATION, 10, "content-identifier", get_content_id},     \
	    {BER_APPLICATION, 8, "per-message-indicators",                   \
		get_message_indicators},                                     \
	    {BER_CONTEXT, 1, "per-domain-bilateral-information",             \
		get_bilateral},                                              \
	    {BER_APPLICATION, 9, "trace-information", get_trace, true},      \
	    {BER_CONTEXT, 3, "extensions", get_exts},                        \
	{                                                                    \
		BER_CONTEXT, 2, "per-recipient-fields", get_recipients, true \
	}

static const struct p1_field message_fields[] = {
    COMMON,
    {BER_APPLICATION, 7, "priority", get_priority},
    {BER_CONTEXT, 0, "deferred-delivery-time", get_deferred},
};

static const struct p1_field probe_fields[] = {
    COMMON,
    {BER_CONTEXT, 0, "content-length", get_length},
};

static int
decode_set(struct p1_in *in, const struct ber_tlv *set, struct reading *rd)
{
	struct mhs_envelope *env = rd->env;
	bool probe = env->kind == MHS_PROBE;
	int r = p1_fields(in, set, probe ? probe_fields : message_fields,
	    probe ? N(probe_fields) : N(message_fields), rd, &env->exts);

	if (r >= 0 && env->content_type == MHS_CONTENT_NONE)
		return p1_bad(in, set, "content-type is missing");
	if (r >= 0)
		r = p1_take_internal_trace(in, &env->exts, &rd->trace);
	env->trace = rd->trace.v;
	env->n_trace = rd->trace.n;
	if (r >= 0 && rd->twice != 0 && !was_expanded(env))
		return err_at(in->e, "p1", ERR_SYNTAX, rd->twice_at,
		    "per-recipient-fields: "
		    "originally-specified-recipient-number %d is there twice",
		    (int)rd->twice);
	return r;
}

int
p1_envelope_decode(struct arena *a, enum mhs_kind kind, const uint8_t *p,
    size_t n, size_t max, bool strict, struct mhs_envelope **out, struct err *e)
{
	struct reading rd = {.env = mhs_envelope_new(a, kind)};
	struct octets flat;
	struct ber_cursor c;
	struct ber_tlv set;
	struct p1_in in;
	int r = p1_normalise(a, p, n, max, &flat, e);

	if (r < 0)
		return r;
	in = (struct p1_in){a, flat.p, e, strict};
	c = ber_cursor(flat.p, flat.n);
	r = ber_next(&c, &set, e);
	if (r < 0)
		return r;
	if (r == 0 || !set.tag.constructed)
		return err_set(e, "p1", ERR_SYNTAX, "no envelope");
	rd.env->content_type = MHS_CONTENT_NONE;
	rd.env->content_length_absent = kind == MHS_PROBE;
	r = decode_set(&in, &set, &rd);
	*out = rd.env;
	return r < 0 ? r : 0;
}

/* --- writing --- */

uint8_t
p1_recipient_indicators(const struct mhs_recipient *rcpt)
{
	static const uint8_t mta[] = {[MHS_REPORT_NONE] = 0,
	    [MHS_REPORT_NDR] = 0x20,
	    [MHS_REPORT_DR] = 0x40};
	static const uint8_t originator[] = {[MHS_REPORT_NONE] = 0,
	    [MHS_REPORT_NDR] = 0x08,
	    [MHS_REPORT_DR] = 0x10};

	return (uint8_t)((rcpt->responsible ? 0x80 : 0) |
	    (rcpt->audit ? 0x60 : mta[rcpt->mta_report]) |
	    originator[rcpt->originator_report]);
}

static int
put_or(struct buf *out, const struct mhs_name *name, const char *what,
    struct err *e)
{
	int r;

	if (name->ora == NULL)
		return err_set(
		    e, "p1", ERR_UNSUPPORTED, "%s has no O/R name", what);
	r = p1_or_encode(name->ora, P1_OR_NAME, out, e);
	if (r < 0)
		err_prefix(e, "%s", what);
	return r;
}

static int
put_recipient(struct buf *out, const struct mhs_recipient *rcpt,
    const struct p1_dialect *dialect, struct err *e)
{
	size_t from = out->len;
	int r = put_or(out, &rcpt->name, "recipient", e);

	if (r < 0)
		return r;
	ber_put_integer(out, BER_CONTEXT, 0, rcpt->number);
	p1_put_bits(out, BER_CONTEXT, 1, p1_recipient_indicators(rcpt), 8);
	if (rcpt->explicit_conversion >= 0)
		ber_put_integer(out, BER_CONTEXT, 2, rcpt->explicit_conversion);
	r = p1_put_exts(out, 3, &rcpt->exts, dialect, e);
	p1_put_unknown(out, &rcpt->exts);
	p1_wrap_set(out, from, BER_UNIVERSAL, BER_SET);
	return r;
}

static int
put_recipients(struct buf *out, const struct mhs_envelope *env,
    const struct p1_dialect *dialect, struct err *e)
{
	size_t from = out->len;
	int r = 0;

	for (size_t i = 0; i < env->n_recipients && r >= 0; i++)
		r = put_recipient(out, &env->recipients[i], dialect, e);
	ber_wrap(out, from, BER_CONTEXT, 2);
	return r;
}

static void
put_indicators(struct buf *out, const struct mhs_envelope *env)
{
	uint8_t b = 0;

	for (size_t i = 0; i < N(indicators); i++)
		if (*(const bool *)((const char *)env + indicators[i].offset))
			b |= indicators[i].bit;
	if (b != 0)
		p1_put_bits(out, BER_APPLICATION, 8, b, 0);
}

static void
put_bilateral(struct buf *out, const struct mhs_envelope *env)
{
	size_t from = out->len;

	for (size_t i = 0; i < env->n_bilateral; i++)
		buf_append(out, env->bilateral[i], env->bilateral_n[i]);
	if (out->len > from)
		ber_wrap(out, from, BER_CONTEXT, 1);
}

static int
put_exts(struct buf *out, const struct mhs_envelope *env,
    const struct p1_dialect *dialect, struct err *e)
{
	struct arena *a = arena_new();
	struct mhs_exts all;
	int r = p1_with_internal_trace(
	    a, &env->exts, env->trace, env->n_trace, &all, e);

	if (r >= 0)
		r = p1_put_exts(out, 3, &all, dialect, e);
	p1_put_unknown(out, &all);
	arena_free(&a);
	return r;
}

static void
put_optional(struct buf *out, const struct mhs_envelope *env)
{
	if (env->original_eits != NULL)
		buf_append(out, env->original_eits, env->original_eits_n);
	if (env->content_identifier != NULL)
		p1_put_text(out, BER_APPLICATION, 10, env->content_identifier,
		    CONTENT_ID_MAX);
	put_indicators(out, env);
	put_bilateral(out, env);
	if (env->kind == MHS_PROBE) {
		if (!env->content_length_absent)
			ber_put_integer(
			    out, BER_CONTEXT, 0, (int64_t)env->content_length);
		return;
	}
	if (env->priority != MHS_NORMAL)
		ber_put_integer(out, BER_APPLICATION, 7, env->priority);
	if (env->deferred_delivery != 0)
		p1_put_time(out, BER_CONTEXT, 0, env->deferred_delivery);
}

int
p1_envelope_encode(const struct mhs_envelope *env,
    const struct p1_dialect *dialect, struct buf *out, struct err *e)
{
	size_t from = out->len;
	int r = p1_put_mts_id(out, &env->id, e);

	if (r >= 0)
		r = put_or(out, &env->originator, "originator", e);
	if (r >= 0)
		r = p1_put_content_type(
		    out, env->content_type, env->content_oid, e);
	put_optional(out, env);
	if (r >= 0)
		r = p1_put_trace(out, env->trace, env->n_trace, e);
	if (r >= 0)
		r = put_exts(out, env, dialect, e);
	if (r >= 0)
		r = put_recipients(out, env, dialect, e);
	if (r < 0) {
		out->len = from;
		return r;
	}
	if (env->kind == MHS_PROBE)
		p1_wrap_set(out, from, BER_CONTEXT, 2);
	else
		p1_wrap_set(out, from, BER_UNIVERSAL, BER_SET);
	return 0;
}
