#include "p1/report_codec.h"

#include "lib/log.h"
#include "p1/asn_codec.h"
#include "p1/field_codec.h"
#include "p1/or_codec.h"
#include "p1/trace_codec.h"

#include <Mts-DeliveryReport.h>
#include <Mts-NonDeliveryReport.h>
#include <Mts-ReportType.h>

#define CONTENT_ID_MAX 64     /* ub-content-id-length is 16: be lenient */
#define SUPPLEMENTARY_MAX 256 /* ub-supplementary-info-length */
#define N(t) (sizeof(t) / sizeof((t)[0]))

struct reading {
	struct mhs_envelope *env;
	struct p1_traces trace, subject_trace;
};
#define ENV(into) (((struct reading *)(into))->env)
#define REPORT(into) (ENV(into)->report)

/* --- reading: what it says of one recipient --- */

static int
get_actual(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	return p1_get_or(in, t, &((struct mhs_report_recipient *)into)->actual);
}

static int
get_intended(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	return p1_get_or(
	    in, t, &((struct mhs_report_recipient *)into)->intended);
}

static int
get_number(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	int64_t n;
	int r = p1_get_int(in, t, 0, INT32_MAX, &n);

	((struct mhs_report_recipient *)into)->number = (int32_t)n;
	return r;
}

/* Only the originator's request counts here (bits 0 to 2: don't care). */
static int
get_indicators(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	uint8_t b;
	int r = p1_get_bits(in, t, &b);

	if (r < 0)
		return r;
	((struct mhs_report_recipient *)into)->indicators = b;
	((struct mhs_report_recipient *)into)->mta_report_only =
	    (b & 0x18) == 0;
	return r;
}

static int
get_supplementary(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	struct mhs_report_recipient *rr = into;

	return p1_get_text(
	    in, t, 4 * SUPPLEMENTARY_MAX, true, &rr->supplementary);
}

static int
get_recipient_exts(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	return p1_get_exts(in, t, &((struct mhs_report_recipient *)into)->exts);
}

static int
get_last_arrival(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	struct mhs_report_recipient *rr = into;

	return p1_get_time(in, t, &rr->last_trace_arrival);
}

static int
get_converted(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	struct mhs_report_recipient *rr = into;

	p1_get_raw(in, t, &rr->converted_eits, &rr->converted_eits_n);
	return 0;
}

static int
get_delivery(struct p1_in *in, const struct ber_tlv *t,
    const Mts_DeliveryReport_t *d, struct mhs_report_recipient *rr)
{
	struct ber_tlv time = *t;

	rr->type = MHS_DELIVERED;
	rr->user_type =
	    d->type_of_MTS_user != NULL ? (int32_t)*d->type_of_MTS_user : -1;
	time.tag.constructed = false;
	time.value = d->message_delivery_time.buf;
	time.length = (size_t)d->message_delivery_time.size;
	return p1_get_time(in, &time, &rr->delivery_time);
}

static int
get_report_type(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	struct mhs_report_recipient *rr = into;
	const Mts_NonDeliveryReport_t *nd;
	const Mts_ReportType_t *type = p1_asn_decode(
	    in->a, &asn_DEF_Mts_ReportType, t->value, t->length, in->e);

	if (type == NULL)
		return p1_bad(in, t, "bad report type");
	if (type->present == Mts_ReportType_PR_delivery)
		return get_delivery(in, t, &type->choice.delivery, rr);
	nd = &type->choice.non_delivery;
	rr->type = MHS_NOT_DELIVERED;
	rr->reason = (int32_t)nd->non_delivery_reason_code;
	rr->diagnostic = nd->non_delivery_diagnostic_code != NULL
	    ? (int32_t)*nd->non_delivery_diagnostic_code
	    : -1;
	return 0;
}

static const struct p1_field last_trace[] = {
    {BER_CONTEXT, 0, "arrival-time", get_last_arrival, true},
    {BER_APPLICATION, 5, "converted-encoded-information-types", get_converted},
    {BER_CONTEXT, 1, "report-type", get_report_type, true},
};

static int
get_last_trace(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	return p1_fields(in, t, last_trace, N(last_trace), into, NULL);
}

static const struct p1_field per_recipient[] = {
    {BER_CONTEXT, 0, "actual-recipient-name", get_actual, true},
    {BER_CONTEXT, 1, "originally-specified-recipient-number", get_number, true},
    {BER_CONTEXT, 2, "per-recipient-indicators", get_indicators, true},
    {BER_CONTEXT, 3, "last-trace-information", get_last_trace, true},
    {BER_CONTEXT, 4, "originally-intended-recipient-name", get_intended},
    {BER_CONTEXT, 5, "supplementary-information", get_supplementary},
    {BER_CONTEXT, 6, "extensions", get_recipient_exts},
};

static int
get_recipients(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	struct mhs_report *rep = REPORT(into);
	struct ber_cursor c = ber_children(t);
	struct mhs_report_recipient *rr;
	struct ber_tlv set;
	int r;

	while ((r = ber_next(&c, &set, in->e)) == 1) {
		if (!BER_IS(set.tag, BER_UNIVERSAL, BER_SET))
			return p1_bad(in, &set, "not a SET");
		if (rep->n_recipients >= MHS_RECIPIENTS_MAX)
			return err_set(in->e, "p1", ERR_LIMIT,
			    "more than %d recipients", MHS_RECIPIENTS_MAX);
		rr = arena_push(
		    in->a, &rep->recipients, &rep->n_recipients, sizeof(*rr));
		rr->user_type = rr->diagnostic = -1;
		r = p1_fields(
		    in, &set, per_recipient, N(per_recipient), rr, &rr->exts);
		if (r < 0)
			return r;
	}
	if (r == 0 && rep->n_recipients == 0)
		return p1_bad(in, t, "no recipients");
	return r;
}

/* --- reading: the content's own fields --- */

static int
get_subject(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	return p1_get_mts_id(in, t, &REPORT(into)->subject);
}

static int
get_subject_trace(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	return p1_get_trace(
	    in, t, false, &((struct reading *)into)->subject_trace);
}

static int
get_eits(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	struct mhs_report *rep = REPORT(into);

	p1_get_raw(in, t, &rep->original_eits, &rep->original_eits_n);
	return 0;
}

static int
get_content_type(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	struct mhs_report *rep = REPORT(into);

	return p1_get_content_type(
	    in, t, &rep->content_type, &rep->content_oid);
}

static int
get_content_id(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	return p1_get_text(
	    in, t, CONTENT_ID_MAX, true, &REPORT(into)->content_identifier);
}

static int
get_content_exts(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	return p1_get_exts(in, t, &REPORT(into)->exts);
}

static const struct p1_field content_fields[] = {
    {BER_APPLICATION, 4, "subject-identifier", get_subject, true},
    {BER_APPLICATION, 9, "subject-intermediate-trace-information",
	get_subject_trace},
    {BER_APPLICATION, 5, "original-encoded-information-types", get_eits},
    {BER_APPLICATION, 6, "content-type", get_content_type},
    {BER_UNIVERSAL, BER_OID, "content-type", get_content_type},
    {BER_APPLICATION, 10, "content-identifier", get_content_id},
    {BER_CONTEXT, 3, "extensions", get_content_exts},
    {BER_CONTEXT, 0, "per-recipient-fields", get_recipients, true},
};

/* --- reading: the envelope --- */

static int
get_id(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	return p1_get_mts_id(in, t, &ENV(into)->id);
}

static int
get_destination(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	struct mhs_recipient *rcpt = mhs_recipient_add(in->a, ENV(into));

	rcpt->number = 1;
	rcpt->responsible = true;
	rcpt->explicit_conversion = -1;
	return p1_get_or(in, t, &rcpt->name);
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

static const struct p1_field envelope_fields[] = {
    {BER_APPLICATION, 4, "report-identifier", get_id, true},
    {BER_APPLICATION, 0, "report-destination-name", get_destination, true},
    {BER_APPLICATION, 9, "trace-information", get_trace, true},
    {BER_CONTEXT, 1, "extensions", get_exts},
};

static int
decode_set(struct arena *a, struct octets set, size_t max, bool strict,
    const struct p1_field *rows, size_t n, struct reading *rd,
    struct mhs_exts *unknown, struct err *e)
{
	struct octets flat;
	struct ber_cursor c;
	struct ber_tlv t;
	struct p1_in in;
	int r = p1_normalise(a, set.p, set.n, max, &flat, e);

	if (r < 0)
		return r;
	in = (struct p1_in){a, flat.p, e, strict};
	c = ber_cursor(flat.p, flat.n);
	r = ber_next(&c, &t, e);
	if (r < 0)
		return r;
	if (r == 0 || !BER_IS(t.tag, BER_UNIVERSAL, BER_SET))
		return err_set(
		    e, "p1", ERR_SYNTAX, "part of a report is no SET");
	return p1_fields(&in, &t, rows, n, rd, unknown);
}

int
p1_report_decode(struct arena *a, struct octets envelope, struct octets content,
    size_t max, bool strict, struct mhs_envelope **out, struct err *e)
{
	struct mhs_envelope *env = mhs_envelope_new(a, MHS_REPORT);
	struct reading rd = {.env = env};
	struct p1_in in = {a, NULL, e, strict};
	int r;

	if (env->report == NULL)
		env->report = ARENA_NEW(a, struct mhs_report);
	env->content_type = env->report->content_type = MHS_CONTENT_NONE;
	r = decode_set(a, envelope, max, strict, envelope_fields,
	    N(envelope_fields), &rd, &env->exts, e);
	if (r >= 0)
		r = decode_set(a, content, max, strict, content_fields,
		    N(content_fields), &rd, &env->report->exts, e);
	if (r >= 0)
		r = p1_take_internal_trace(&in, &env->exts, &rd.trace);
	env->trace = rd.trace.v;
	env->n_trace = rd.trace.n;
	env->report->subject_trace = rd.subject_trace.v;
	env->report->n_subject_trace = rd.subject_trace.n;
	*out = env;
	return r < 0 ? r : 0;
}

/* --- writing --- */

static int
put_or(struct buf *out, const struct mhs_name *name, enum ber_class cls,
    uint32_t number, const char *what, struct err *e)
{
	int r;

	if (name->ora == NULL)
		return err_set(
		    e, "p1", ERR_UNSUPPORTED, "%s has no O/R name", what);
	r = p1_or_encode(name->ora, cls, number, out, e);
	if (r < 0)
		err_prefix(e, "%s", what);
	return r;
}

static int
put_report_type(
    struct buf *out, const struct mhs_report_recipient *rr, struct err *e)
{
	Mts_ReportType_t t = {0};
	long user = rr->user_type, diagnostic = rr->diagnostic;
	struct buf time = {0};
	int r;

	if (rr->type == MHS_DELAYED)
		return err_set(
		    e, "p1", ERR_UNSUPPORTED, "X.411 has no report of a delay");
	if (rr->type == MHS_DELIVERED) {
		p1_put_time(
		    &time, BER_UNIVERSAL, BER_UTC_TIME, rr->delivery_time);
		t.present = Mts_ReportType_PR_delivery;
		t.choice.delivery.message_delivery_time =
		    p1_asn_octets(time.data + 2, time.len - 2);
		if (user >= 0)
			t.choice.delivery.type_of_MTS_user = &user;
	} else {
		t.present = Mts_ReportType_PR_non_delivery;
		t.choice.non_delivery.non_delivery_reason_code = rr->reason;
		if (diagnostic >= 0)
			t.choice.non_delivery.non_delivery_diagnostic_code =
			    &diagnostic;
	}
	r = p1_asn_encode(&asn_DEF_Mts_ReportType, &t, out, e);
	buf_free(&time);
	return r;
}

static int
put_last_trace(
    struct buf *out, const struct mhs_report_recipient *rr, struct err *e)
{
	size_t from = out->len, type;
	int r;

	p1_put_time(out, BER_CONTEXT, 0, rr->last_trace_arrival);
	if (rr->converted_eits != NULL)
		buf_append(out, rr->converted_eits, rr->converted_eits_n);
	type = out->len;
	r = put_report_type(out, rr, e);
	ber_wrap(out, type, BER_CONTEXT, 1);
	p1_wrap_set(out, from, BER_CONTEXT, 3);
	return r;
}

/* The subject's own; where there was none, because it came from Internet mail,
 * the request that would have led to this report. */
static uint8_t
indicator_bits(const struct mhs_report_recipient *rr)
{
	uint8_t b = rr->type == MHS_DELIVERED ? 0xd0 : 0xa8;

	if (rr->indicators != 0)
		return rr->indicators;
	return rr->mta_report_only ? b & 0xe0 : b;
}

static int
put_recipient(struct buf *out, const struct mhs_report_recipient *rr,
    const struct p1_dialect *dialect, struct err *e)
{
	size_t from = out->len;
	int r = put_or(out, &rr->actual, BER_CONTEXT, 0, "actual recipient", e);

	ber_put_integer(out, BER_CONTEXT, 1, rr->number);
	p1_put_bits(out, BER_CONTEXT, 2, indicator_bits(rr), 8);
	if (r >= 0)
		r = put_last_trace(out, rr, e);
	if (r >= 0 && rr->intended.ora != NULL)
		r = put_or(out, &rr->intended, BER_CONTEXT, 4,
		    "originally intended recipient", e);
	if (rr->supplementary != NULL && rr->supplementary[0] != '\0')
		p1_put_text(
		    out, BER_CONTEXT, 5, rr->supplementary, SUPPLEMENTARY_MAX);
	if (r >= 0)
		r = p1_put_exts(out, 6, &rr->exts, dialect, e);
	p1_put_unknown(out, &rr->exts);
	p1_wrap_set(out, from, BER_UNIVERSAL, BER_SET);
	return r;
}

static int
put_recipients(struct buf *out, const struct mhs_report *rep,
    const struct p1_dialect *dialect, struct err *e)
{
	size_t from = out->len;
	int r = 0;

	if (rep->n_recipients == 0)
		return err_set(
		    e, "p1", ERR_UNSUPPORTED, "report without recipients");
	for (size_t i = 0; i < rep->n_recipients && r >= 0; i++)
		r = put_recipient(out, &rep->recipients[i], dialect, e);
	ber_wrap(out, from, BER_CONTEXT, 0);
	return r;
}

static int
put_envelope(struct buf *out, const struct mhs_envelope *env,
    const struct p1_dialect *dialect, struct err *e)
{
	struct arena *a = arena_new();
	struct mhs_exts all;
	size_t from = out->len;
	int r = p1_put_mts_id(out, &env->id, e);

	if (r >= 0)
		r = put_or(out, &env->recipients[0].name, P1_OR_NAME,
		    "report destination", e);
	if (r >= 0)
		r = p1_put_trace(out, env->trace, env->n_trace, e);
	if (r >= 0)
		r = p1_with_internal_trace(
		    a, &env->exts, env->trace, env->n_trace, &all, e);
	if (r >= 0)
		r = p1_put_exts(out, 1, &all, dialect, e);
	p1_put_unknown(out, &env->exts);
	p1_wrap_set(out, from, BER_UNIVERSAL, BER_SET);
	arena_free(&a);
	return r;
}

static int
put_content(struct buf *out, const struct mhs_report *rep,
    const struct p1_dialect *dialect, struct err *e)
{
	int r = p1_put_mts_id(out, &rep->subject, e);

	if (r >= 0 && rep->n_subject_trace > 0)
		r = p1_put_trace(
		    out, rep->subject_trace, rep->n_subject_trace, e);
	if (rep->original_eits != NULL)
		buf_append(out, rep->original_eits, rep->original_eits_n);
	if (r >= 0 && rep->content_type != MHS_CONTENT_NONE)
		r = p1_put_content_type(
		    out, rep->content_type, rep->content_oid, e);
	if (rep->content_identifier != NULL)
		p1_put_text(out, BER_APPLICATION, 10, rep->content_identifier,
		    CONTENT_ID_MAX);
	if (r >= 0)
		r = p1_put_exts(out, 3, &rep->exts, dialect, e);
	p1_put_unknown(out, &rep->exts);
	if (r >= 0)
		r = put_recipients(out, rep, dialect, e);
	return r;
}

static size_t
place_of_returned(const struct buf *b, size_t from)
{
	struct ber_cursor c = ber_cursor(b->data + from, b->len - from);
	struct ber_tlv t;

	while (ber_next(&c, &t, NULL) == 1)
		if (t.tag.cls > BER_CONTEXT ||
		    (t.tag.cls == BER_CONTEXT && t.tag.number >= 1))
			return (size_t)(t.start - b->data);
	return b->len;
}

int
p1_report_encode(const struct mhs_envelope *env,
    const struct p1_dialect *dialect, struct buf *envelope, struct buf *content,
    size_t *returned_at, struct err *e)
{
	size_t from = content->len;
	int r;

	INVARIANT(env->kind == MHS_REPORT && env->report != NULL);
	if (env->n_recipients == 0)
		return err_set(
		    e, "p1", ERR_UNSUPPORTED, "report without destination");
	r = put_envelope(envelope, env, dialect, e);
	if (r >= 0)
		r = put_content(content, env->report, dialect, e);
	if (r < 0)
		return r;
	p1_sort_set(content, from);
	*returned_at = place_of_returned(content, from);
	return 0;
}
