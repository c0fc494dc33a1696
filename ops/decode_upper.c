/*
 * Presentation, ACSE and RTSE as text, down to the bind and the MTS-APDU that
 * they carry. What a value is its tag tells: one direction of a connection does
 * not name the contexts of the other.
 */
#include <string.h>

#include "asn1/dump.h"
#include "ops/decode_osi.h"
#include "osi/acse_codec.h"
#include "osi/pres_codec.h"
#include "osi/rose_codec.h"
#include "osi/rtse_codec.h"
#include "p1/bind_codec.h"

/* --- pieces --- */

/* What one of the readers of whole PDUs makes of it, or TLVs. */
static void
print_by(struct decode_osi *d, unsigned depth, decode_fn *fn, const uint8_t *p,
    size_t n)
{
	struct buf text = {0};
	struct err e = ERR_INIT;

	if (fn(d->arena, p, n, &text, &e) < 0) {
		buf_clear(&text);
		ber_dump(p, n, &text, &e);
	}
	print_block(d->out, depth, &text);
	buf_free(&text);
}

static const char *
syntax_name(const char *oid)
{
	static const struct {
		const char *oid, *name;
	} rows[] = {
	    {"2.2.1.0.1", "ACSE"},
	    {"2.6.0.2.12", "id-as-mta-rtse"},
	    {"2.6.0.2.7", "id-as-mtse"},
	    {"2.6.0.1.6", "id-ac-mts-transfer"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].oid, oid) == 0)
			return rows[i].name;
	return oid;
}

/* --- RTSE --- */

static int
print_open(struct decode_osi *d, unsigned depth, const char *name,
    const struct rtse_open *o)
{
	print_line(d->out, depth, "RTSE", "%s", name);
	print_line(
	    d->out, depth + 1, "checkpoint-size", "%u", o->checkpoint_size);
	print_line(d->out, depth + 1, "window-size", "%u", o->window_size);
	print_line(d->out, depth + 1, "dialogue-mode", "%s",
	    o->dialogue == RTSE_MONOLOGUE ? "monologue" : "two-way-alternate");
	if (o->application_protocol >= 0)
		print_line(d->out, depth + 1, "application-protocol", "%d",
		    (int)o->application_protocol);
	if (o->recover)
		print_line(d->out, depth + 1, "recover", "%s", "");
	else
		print_by(d, depth + 1, decode_bind_bare, o->user_data.p,
		    o->user_data.n);
	return 0;
}

static int
print_rtorq(struct decode_osi *d, unsigned depth, const struct pres_value *v,
    struct err *e)
{
	struct rtse_open o;
	int rc = rtse_rtorq_decode(d->arena, v, &o, e);

	return rc < 0 ? rc : print_open(d, depth, "RTORQ", &o);
}

static int
print_rtoac(struct decode_osi *d, unsigned depth, const struct pres_value *v,
    struct err *e)
{
	struct rtse_open o;
	int rc = rtse_rtoac_decode(d->arena, v, &o, e);

	return rc < 0 ? rc : print_open(d, depth, "RTOAC", &o);
}

/* Bare in the RTORJ, where it can be nothing else. */
static void
print_bind_error(
    struct decode_osi *d, unsigned depth, const struct octets *error)
{
	struct p1_bind b;

	if (error->n == 0)
		return;
	if (p1_bind_decode(d->arena, error->p, error->n, &b, NULL) < 0 ||
	    b.kind != P1_BIND_ERROR)
		print_by(d, depth, decode_ber, error->p, error->n);
	else
		print_line(d->out, depth, "MTABindError", "%s (%d)",
		    p1_bind_error_name(b.error), b.error);
}

static int
print_rtorj(struct decode_osi *d, unsigned depth, const struct pres_value *v,
    struct err *e)
{
	struct rtse_refusal r;
	int rc = rtse_rtorj_decode(d->arena, v, &r, e);

	if (rc < 0)
		return rc;
	print_line(d->out, depth, "RTSE", "RTORJ");
	if (r.reason >= 0)
		decode_print_name(
		    d->out, depth + 1, "reason", DECODE_RTORJ, r.reason);
	print_bind_error(d, depth + 1, &r.user_data);
	return 0;
}

static int
print_rtab(struct decode_osi *d, unsigned depth, const struct pres_value *v,
    struct err *e)
{
	struct rtse_rtab t;
	int rc = rtse_rtab_decode(d->arena, v, &t, e);

	if (rc < 0)
		return rc;
	print_line(d->out, depth, "RTSE", "RTAB");
	print_line(d->out, depth + 1, "reason", "%s (%d)",
	    rtse_abort_text((int)t.reason), (int)t.reason);
	if (t.reflected >= 0)
		print_line(d->out, depth + 1, "reflected-parameter", "0x%02x",
		    (unsigned)t.reflected);
	return 0;
}

static int
print_rttp(struct decode_osi *d, unsigned depth, const struct pres_value *v,
    struct err *e)
{
	int priority, rc = rtse_rttp_decode(d->arena, v, &priority, e);

	if (rc >= 0)
		print_line(
		    d->out, depth, "RTSE", "RTTP, priority %d", priority);
	return rc;
}

/* An OCTET STRING in any form: its octets belong to the APDU. */
static int
take_rttr(struct decode_osi *d, unsigned depth, const struct ber_tlv *t,
    struct err *e)
{
	struct ber_cursor c = ber_children(t);
	struct ber_tlv piece;
	int rc;

	if (!t->tag.constructed) {
		buf_append(&d->apdu, t->value, t->length);
		print_line(d->out, depth, "RTSE",
		    "RTTR, %zu octets, %zu of the APDU so far", t->length,
		    d->apdu.len);
		return 0;
	}
	while ((rc = ber_next(&c, &piece, e)) == 1)
		if ((rc = take_rttr(d, depth, &piece, e)) < 0)
			return rc;
	return rc;
}

/* --- ACSE --- */

static int print_value(struct decode_osi *d, unsigned depth,
    const struct pres_value *v, struct err *e);

static int
print_acse(struct decode_osi *d, unsigned depth, const struct pres_value *v,
    struct err *e)
{
	static const char *const names[] = {
	    "AARQ", "AARE", "RLRQ", "RLRE", "ABRT"};
	static const char *const results[] = {
	    "accepted", "rejected-permanent", "rejected-transient"};
	struct acse_apdu u;
	int rc = acse_apdu_decode(d->arena, v->p, v->n, &u, e);

	if (rc < 0)
		return rc;
	print_line(d->out, depth, "ACSE", "%s", names[u.type]);
	if (u.application_context != NULL)
		print_line(d->out, depth + 1, "application-context", "%s",
		    syntax_name(u.application_context));
	if (u.type == ACSE_AARE) {
		print_line(d->out, depth + 1, "result", "%s",
		    u.result <= ACSE_REJECTED_TRANSIENT ? results[u.result]
							: "?");
		print_line(d->out, depth + 1, "diagnostic", "%s %d",
		    u.diagnostic_source == 1 ? "service-user"
					     : "service-provider",
		    u.diagnostic);
	} else if (u.type != ACSE_AARQ) {
		print_line(d->out, depth + 1,
		    u.type == ACSE_ABRT ? "source" : "reason", "%d", u.reason);
	}
	if (u.user_information.n == 0)
		return 0;
	return print_value(d, depth + 1, &u.user_information, e);
}

static int
print_rose(struct decode_osi *d, unsigned depth, const struct pres_value *v,
    struct err *e)
{
	(void)e;
	print_by(d, depth, decode_rose, v->p, v->n);
	return 0;
}

/* --- presentation --- */

static const struct {
	enum ber_class cls;
	uint32_t first, last;
	int (*print)(struct decode_osi *d, unsigned depth,
	    const struct pres_value *v, struct err *e);
} readers[] = {
    {BER_APPLICATION, 0, 4, print_acse},
    {BER_CONTEXT, ROSE_ROIV, ROSE_RORJ, print_rose},
    {BER_CONTEXT, 16, 16, print_rtorq},
    {BER_CONTEXT, 17, 17, print_rtoac},
    {BER_CONTEXT, 18, 18, print_rtorj},
    {BER_CONTEXT, 22, 22, print_rtab},
    {BER_UNIVERSAL, BER_INTEGER, BER_INTEGER, print_rttp},
};

static int
print_value(struct decode_osi *d, unsigned depth, const struct pres_value *v,
    struct err *e)
{
	struct ber_cursor c = ber_cursor(v->p, v->n);
	struct ber_tlv t;
	int rc = ber_next(&c, &t, e);

	if (rc != 1)
		return rc < 0
		    ? rc
		    : err_at(e, "pres", ERR_SYNTAX, 0, "an empty value");
	if (BER_IS(t.tag, BER_UNIVERSAL, BER_OCTET_STRING))
		return take_rttr(d, depth, &t, e);
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if ((readers[i].print != print_rttp || d->please) &&
		    t.tag.cls == readers[i].cls &&
		    t.tag.number >= readers[i].first &&
		    t.tag.number <= readers[i].last)
			return readers[i].print(d, depth, v, e);
	print_by(d, depth, decode_ber, v->p, v->n);
	return 0;
}

static const char *
context_name(const struct decode_osi *d, int32_t id)
{
	for (size_t i = 0; i < d->n_contexts; i++)
		if (d->contexts[i].id == id)
			return syntax_name(d->contexts[i].abstract_syntax);
	return "(whose definition is not here)";
}

static int
print_values(struct decode_osi *d, unsigned depth,
    const struct pres_values *values, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; rc >= 0 && i < values->n; i++) {
		const struct pres_value *v = &values->v[i];

		if (v->context_id != 0)
			print_line(d->out, depth, "value on context", "%d %s",
			    v->context_id, context_name(d, v->context_id));
		rc = print_value(d, depth + 1, v, e);
	}
	return rc;
}

static void
print_psel(struct decode_osi *d, const char *name, const struct osi_sel *sel)
{
	char text[2 * OSI_SEL_MAX + 3];

	if (sel->present)
		print_line(d->out, 4, name, "%s",
		    osi_sel_text(sel, text, sizeof(text)));
}

static int
print_cp(struct decode_osi *d, const uint8_t *p, size_t n, struct err *e)
{
	struct pres_cp cp;
	int rc = pres_cp_decode(d->arena, p, n, &cp, e);

	if (rc < 0)
		return rc;
	d->x410 = cp.x410_mode;
	print_line(d->out, 3, "presentation", "CP, %s mode",
	    d->x410 ? "X.410" : "normal");
	print_psel(d, "calling PSEL", &cp.calling);
	print_psel(d, "called PSEL", &cp.called);
	for (size_t i = 0; i < cp.n_contexts; i++) {
		print_line(d->out, 4, "context", "%d %s", cp.contexts[i].id,
		    syntax_name(cp.contexts[i].abstract_syntax));
		if (d->n_contexts < PRES_CONTEXTS_MAX)
			d->contexts[d->n_contexts++] = (struct pres_context){
			    .id = cp.contexts[i].id,
			    .abstract_syntax = cp.contexts[i].abstract_syntax};
	}
	return print_values(d, 4, &cp.values, e);
}

static int
print_answer(struct decode_osi *d, const char *name,
    const struct pres_answer *answer, struct err *e)
{
	static const char *const results[] = {
	    "acceptance", "user-rejection", "provider-rejection"};

	print_line(d->out, 3, "presentation", "%s", name);
	print_psel(d, "responding PSEL", &answer->responding);
	for (size_t i = 0; i < answer->n_results; i++)
		print_line(d->out, 4, "context result", "%s",
		    results[answer->results[i].result % 3]);
	if (answer->provider_reason != PRES_REFUSE_NONE)
		decode_print_name(d->out, 4, "provider-reason",
		    DECODE_PROVIDER_REASON, answer->provider_reason);
	return print_values(d, 4, &answer->values, e);
}

static int
print_cpa(struct decode_osi *d, const uint8_t *p, size_t n, struct err *e)
{
	struct pres_answer answer;
	int rc = pres_cpa_decode(d->arena, p, n, &answer, e);

	answer.provider_reason = PRES_REFUSE_NONE;
	return rc < 0 ? rc : print_answer(d, "CPA", &answer, e);
}

static int
print_cpr(struct decode_osi *d, const uint8_t *p, size_t n, struct err *e)
{
	struct pres_answer answer;
	int rc = pres_cpr_decode(d->arena, p, n, &answer, e);

	return rc < 0 ? rc : print_answer(d, "CPR", &answer, e);
}

static int
print_abort(struct decode_osi *d, const uint8_t *p, size_t n, struct err *e)
{
	struct pres_abort abort;
	int rc = pres_abort_decode(d->arena, p, n, &abort, e);

	if (rc < 0)
		return rc;
	print_line(
	    d->out, 3, "presentation", "%s", abort.provider ? "ARP" : "ARU");
	if (abort.provider)
		decode_print_name(
		    d->out, 4, "reason", DECODE_ABORT, abort.reason);
	if (abort.provider && abort.event >= 0)
		decode_print_name(
		    d->out, 4, "event-identifier", DECODE_EVENT, abort.event);
	return print_values(d, 4, &abort.values, e);
}

static int
print_user_values(
    struct decode_osi *d, const uint8_t *p, size_t n, struct err *e)
{
	struct pres_values values;
	struct pres_value whole = {.p = p, .n = n};
	int rc;

	if (d->x410)
		return print_value(d, 3, &whole, e);
	rc = pres_user_data_decode(d->arena, p, n, &values, e);
	return rc < 0 ? rc : print_values(d, 3, &values, e);
}

static const struct {
	enum spdu_type type;
	int (*print)(
	    struct decode_osi *d, const uint8_t *p, size_t n, struct err *e);
} ppdus[] = {
    {SPDU_CN, print_cp},
    {SPDU_AC, print_cpa},
    {SPDU_RF, print_cpr},
    {SPDU_AB, print_abort},
};

int
decode_user_data(struct decode_osi *d, enum spdu_type type, const uint8_t *p,
    size_t n, struct err *e)
{
	d->please = type == SPDU_PT;
	for (size_t i = 0; i < sizeof(ppdus) / sizeof(ppdus[0]); i++)
		if (ppdus[i].type == type)
			return ppdus[i].print(d, p, n, e);
	return print_user_values(d, p, n, e);
}

int
decode_ssdu(struct decode_osi *d, struct err *e)
{
	int rc = 0;

	if (d->x410) {
		buf_append(&d->apdu, d->ssdu.data, d->ssdu.len);
		print_line(d->out, 3, "RTSE",
		    "%zu octets, %zu of the APDU so far", d->ssdu.len,
		    d->apdu.len);
	} else {
		rc = print_user_values(d, d->ssdu.data, d->ssdu.len, e);
	}
	buf_clear(&d->ssdu);
	return rc;
}

/* What RTSE transfers: an MTS-APDU, or a remote operation (P3, P7). */
static int
decode_transferred(
    struct arena *a, const uint8_t *p, size_t n, struct buf *out, struct err *e)
{
	size_t before = out->len;

	if (decode_rose(a, p, n, out, e) == 0)
		return 0;
	out->len = before;
	return decode_p1(a, p, n, out, e);
}

void
decode_activity_end(struct decode_osi *d)
{
	if (d->apdu.len > 0)
		print_by(d, 3, decode_transferred, d->apdu.data, d->apdu.len);
	buf_clear(&d->apdu);
}
