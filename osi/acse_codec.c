#include "osi/acse_codec.h"

#include <string.h>

#include "osi/osi_codec.h"

#include <Acse-APDU.h>
#include <Acse-External.h>
#include <Acse-User-information.h>

#define LAYER "acse"
#define SOURCE_USER 1
#define SOURCE_PROVIDER 2
#define AUTHENTICATION_OTHER 3 /* the last of the CHOICE */
#define FIELD_USER_INFORMATION 30

/* --- decoding --- */

struct reading {
	struct arena *a;
	struct acse_apdu *out;
	struct err *e;
	uint32_t field; /* context tag of the field under way */
};

static int
oid(struct reading *r, uint32_t field, const OBJECT_IDENTIFIER_t *in,
    const char **out)
{
	r->field = field;
	if (in == NULL)
		return 0;
	*out = osi_oid_text(r->a, in, r->e);
	return *out == NULL ? ERR_SYNTAX : 0;
}

static int
any(struct reading *r, uint32_t field, const ANY_t *in, struct octets *out)
{
	r->field = field;
	return osi_any(r->a, in, LAYER, out, r->e);
}

static int
invocation(
    struct reading *r, uint32_t field, const long *in, bool *has, int32_t *out)
{
	r->field = field;
	if (in == NULL)
		return 0;
	if (*in < INT32_MIN || *in > INT32_MAX)
		return err_set(
		    r->e, LAYER, ERR_LIMIT, "%ld is out of range", *in);
	*has = true;
	*out = (int32_t)*in;
	return 0;
}

/* The four fields of one side stand in a row from tag `first`. */
static int
entity(struct reading *r, uint32_t first, const ANY_t *title,
    const ANY_t *qualifier, const long *ap, const long *ae,
    struct acse_entity *out)
{
	int rc;

	if ((rc = any(r, first, title, &out->ap_title)) < 0 ||
	    (rc = any(r, first + 1, qualifier, &out->ae_qualifier)) < 0 ||
	    (rc = invocation(r, first + 2, ap, &out->has_ap_invocation,
		 &out->ap_invocation)) < 0)
		return rc;
	return invocation(
	    r, first + 3, ae, &out->has_ae_invocation, &out->ae_invocation);
}

static int
external(struct reading *r, const Acse_External_t *x, struct pres_value *out)
{
	struct octets v = {0};
	int rc;

	if (*x->indirect_reference < 1 || *x->indirect_reference > INT32_MAX)
		return err_set(r->e, LAYER, ERR_SYNTAX,
		    "indirect reference %ld is out of range",
		    *x->indirect_reference);
	out->context_id = (int32_t)*x->indirect_reference;
	if (x->encoding.present == Acse_Encoding_PR_single_ASN1_type) {
		rc = osi_any(r->a, &x->encoding.choice.single_ASN1_type, LAYER,
		    &v, r->e);
	} else if (x->encoding.present == Acse_Encoding_PR_octet_aligned) {
		const OCTET_STRING_t *s = &x->encoding.choice.octet_aligned;
		rc = osi_value(r->a, s->buf, (size_t)s->size, LAYER, &v, r->e);
	} else {
		rc = osi_bits_octets(
		    &x->encoding.choice.arbitrary, LAYER, &v, r->e);
		if (rc == 0)
			rc = osi_value(r->a, v.p, v.n, LAYER, &v, r->e);
	}
	out->p = v.p;
	out->n = v.n;
	return rc;
}

static int
user_information(struct reading *r, const Acse_User_information_t *in)
{
	r->field = FIELD_USER_INFORMATION;
	for (int i = 0; in != NULL && i < in->list.count; i++)
		if (in->list.array[i]->indirect_reference != NULL)
			return external(
			    r, in->list.array[i], &r->out->user_information);
	return 0;
}

static bool
is_version_1(const BIT_STRING_t *v)
{
	return v == NULL || (v->size > 0 && (v->buf[0] & 0x80) != 0);
}

/* The first bit of acse-requirements; fields without it do not count. They
 * stand in a row from tag `first`. */
static int
authentication(struct reading *r, uint32_t first,
    const BIT_STRING_t *requirements, const OBJECT_IDENTIFIER_t *mechanism,
    const ANY_t *value)
{
	struct acse_authentication *out = &r->out->authentication;
	int rc;

	out->unit = requirements != NULL && requirements->size > 0 &&
	    (requirements->buf[0] & 0x80) != 0;
	if (!out->unit)
		return 0;
	if ((rc = oid(r, first + 1, mechanism, &out->mechanism)) < 0 ||
	    (rc = any(r, first + 2, value, &out->value)) < 0)
		return rc;
	/* charstring, bitstring, external, other */
	if (out->value.n > 0 &&
	    ((out->value.p[0] & 0xc0) != 0x80 ||
		(out->value.p[0] & 0x1f) > AUTHENTICATION_OTHER))
		return err_set(r->e, LAYER, ERR_SYNTAX, "unknown type %02x",
		    out->value.p[0]);
	return 0;
}

static void
implementation(struct reading *r, const GraphicString_t *in)
{
	if (in != NULL && in->size > 0)
		r->out->implementation = (struct octets){
		    arena_memdup(r->a, in->buf, (size_t)in->size),
		    (size_t)in->size};
}

static int
decode_aarq(struct reading *r, const Acse_APDU_t *u)
{
	const Acse_AARQ_t *q = &u->choice.aarq;
	struct acse_apdu *out = r->out;
	int rc;

	out->version_1 = is_version_1(q->protocol_version);
	implementation(r, q->implementation_information);
	if ((rc = authentication(r, 10, q->acse_requirements, q->mechanism_name,
		 q->authentication_value)) < 0 ||
	    (rc = oid(r, 1, &q->application_context,
		 &out->application_context)) < 0 ||
	    (rc = entity(r, 2, q->called_AP_title, q->called_AE_qualifier,
		 q->called_AP_invocation, q->called_AE_invocation,
		 &out->called)) < 0 ||
	    (rc = entity(r, 6, q->calling_AP_title, q->calling_AE_qualifier,
		 q->calling_AP_invocation, q->calling_AE_invocation,
		 &out->calling)) < 0)
		return rc;
	return user_information(r, q->user_information);
}

/* A number from 0 to `max`; NULL: absent. */
static int
number(struct reading *r, uint32_t field, const long *v, int max, int *out)
{
	r->field = field;
	if (v == NULL)
		return 0;
	if (*v < 0 || *v > max)
		return err_set(
		    r->e, LAYER, ERR_SYNTAX, "%ld is out of range", *v);
	*out = (int)*v;
	return 0;
}

static int
diagnostic(struct reading *r, const Acse_Diagnostic_t *d)
{
	bool user = d->present == Acse_Diagnostic_PR_service_user;

	r->out->diagnostic_source = user ? SOURCE_USER : SOURCE_PROVIDER;
	return number(r, 3,
	    user ? &d->choice.service_user : &d->choice.service_provider, 255,
	    &r->out->diagnostic);
}

static int
decode_aare(struct reading *r, const Acse_APDU_t *u)
{
	const Acse_AARE_t *x = &u->choice.aare;
	struct acse_apdu *out = r->out;
	int rc, result = ACSE_ACCEPTED;

	rc = number(r, 2, &x->result, ACSE_REJECTED_TRANSIENT, &result);
	if (rc < 0)
		return rc;
	out->result = (enum acse_result)result;
	out->version_1 = is_version_1(x->protocol_version);
	implementation(r, x->implementation_information);
	if ((rc = authentication(r, 8, x->acse_requirements, x->mechanism_name,
		 x->authentication_value)) < 0 ||
	    (rc = diagnostic(r, &x->diagnostic)) < 0 ||
	    (rc = oid(r, 1, &x->application_context,
		 &out->application_context)) < 0 ||
	    (rc = entity(r, 4, x->responding_AP_title,
		 x->responding_AE_qualifier, x->responding_AP_invocation,
		 x->responding_AE_invocation, &out->called)) < 0)
		return rc;
	return user_information(r, x->user_information);
}

static int
decode_rlrq(struct reading *r, const Acse_APDU_t *u)
{
	if (number(r, 0, u->choice.rlrq.reason, 255, &r->out->reason) < 0)
		return ERR_SYNTAX;
	return user_information(r, u->choice.rlrq.user_information);
}

static int
decode_rlre(struct reading *r, const Acse_APDU_t *u)
{
	if (number(r, 0, u->choice.rlre.reason, 255, &r->out->reason) < 0)
		return ERR_SYNTAX;
	return user_information(r, u->choice.rlre.user_information);
}

static int
decode_abrt(struct reading *r, const Acse_APDU_t *u)
{
	const long *d = u->choice.abrt.abort_diagnostic;

	if (number(r, 0, &u->choice.abrt.abort_source, 255, &r->out->reason) <
	    0)
		return ERR_SYNTAX;
	if (d != NULL && *d >= 0 && *d < 256)
		r->out->abort_diagnostic = (int)*d;
	return user_information(r, u->choice.abrt.user_information);
}

static const struct {
	enum acse_apdu_type type;
	int (*fn)(struct reading *, const Acse_APDU_t *);
} decoders[] = {
    [Acse_APDU_PR_aarq] = {ACSE_AARQ, decode_aarq},
    [Acse_APDU_PR_aare] = {ACSE_AARE, decode_aare},
    [Acse_APDU_PR_rlrq] = {ACSE_RLRQ, decode_rlrq},
    [Acse_APDU_PR_rlre] = {ACSE_RLRE, decode_rlre},
    [Acse_APDU_PR_abrt] = {ACSE_ABRT, decode_abrt},
};

const char *
acse_apdu_name(enum acse_apdu_type type)
{
	static const char *const names[] = {
	    "AARQ", "AARE", "RLRQ", "RLRE", "ABRT"};

	return names[type];
}

static uint64_t
field_at(const uint8_t *p, size_t n, uint32_t number)
{
	struct ber_cursor c = ber_cursor(p, n);
	struct ber_tlv pdu, t;

	return ber_next(&c, &pdu, NULL) == 1 &&
		ber_find(&pdu, BER_CONTEXT, number, &t, NULL) == 1
	    ? (uint64_t)(t.start - p)
	    : 0;
}

int
acse_apdu_decode(struct arena *a, const uint8_t *p, size_t n,
    struct acse_apdu *out, struct err *e)
{
	const Acse_APDU_t *u =
	    osi_decode(a, &asn_DEF_Acse_APDU, p, n, LAYER, e);
	struct reading r = {a, out, e, 0};
	int rc;

	memset(out, 0, sizeof(*out));
	if (u == NULL)
		return ERR_SYNTAX;
	out->type = decoders[u->present].type;
	out->application_context_at = field_at(p, n, 1);
	rc = decoders[u->present].fn(&r, u);
	return rc < 0
	    ? osi_at_field(&asn_DEF_Acse_APDU, p, n, r.field, LAYER, rc, e)
	    : rc;
}

/* --- encoding --- */

static int
put_oid(struct buf *out, enum ber_class cls, uint32_t number, const char *text,
    struct err *e)
{
	struct buf content = {0};
	int rc = ber_oid_put(&content, text, e);

	if (rc >= 0)
		ber_put(out, cls, number, content.data, content.len);
	buf_free(&content);
	return rc;
}

static void
put_explicit(struct buf *out, uint32_t number, const struct octets *o)
{
	size_t from = out->len;

	if (o->n == 0)
		return;
	buf_append(out, o->p, o->n);
	ber_wrap(out, from, BER_CONTEXT, number);
}

static void
put_explicit_integer(struct buf *out, uint32_t number, int64_t v)
{
	size_t from = out->len;

	ber_put_integer(out, BER_UNIVERSAL, BER_INTEGER, v);
	ber_wrap(out, from, BER_CONTEXT, number);
}

/* The four fields of one side stand in a row from tag `first`. */
static void
put_entity(struct buf *out, uint32_t first, const struct acse_entity *x)
{
	put_explicit(out, first, &x->ap_title);
	put_explicit(out, first + 1, &x->ae_qualifier);
	if (x->has_ap_invocation)
		put_explicit_integer(out, first + 2, x->ap_invocation);
	if (x->has_ae_invocation)
		put_explicit_integer(out, first + 3, x->ae_invocation);
}

/* The requirements bit that says: authentication fields follow. */
static int
put_authentication(struct buf *out, uint32_t first,
    const struct acse_authentication *x, struct err *e)
{
	static const uint8_t requirement[] = {0x07, 0x80};

	if (!x->unit && x->mechanism == NULL && x->value.n == 0)
		return 0;
	ber_put(out, BER_CONTEXT, first, requirement, sizeof(requirement));
	if (x->mechanism != NULL &&
	    put_oid(out, BER_CONTEXT, first + 1, x->mechanism, e) < 0)
		return ERR_CONFIG;
	put_explicit(out, first + 2, &x->value);
	return 0;
}

/* While contexts are being negotiated the EXTERNAL also names BER as direct
 * reference, as every peer in the field does. */
static void
put_user_information(
    struct buf *out, const struct pres_value *v, bool negotiating)
{
	size_t all = out->len, single;

	if (v->n == 0)
		return;
	if (negotiating)
		ber_put(out, BER_UNIVERSAL, BER_OID, "\x51\x01", 2);
	ber_put_integer(out, BER_UNIVERSAL, BER_INTEGER, v->context_id);
	single = out->len;
	buf_append(out, v->p, v->n);
	ber_wrap(out, single, BER_CONTEXT, 0);
	ber_wrap(out, all, BER_UNIVERSAL, BER_EXTERNAL);
	ber_wrap(out, all, BER_CONTEXT, 30);
}

static int
put_context_name(struct buf *out, const char *name, struct err *e)
{
	size_t from = out->len;

	if (put_oid(out, BER_UNIVERSAL, BER_OID, name, e) < 0)
		return ERR_CONFIG;
	ber_wrap(out, from, BER_CONTEXT, 1);
	return 0;
}

static int
encode_aarq(const struct acse_apdu *u, struct buf *out, struct err *e)
{
	if (put_context_name(out, u->application_context, e) < 0)
		return ERR_CONFIG;
	put_entity(out, 2, &u->called);
	put_entity(out, 6, &u->calling);
	if (put_authentication(out, 10, &u->authentication, e) < 0)
		return ERR_CONFIG;
	if (u->implementation.n > 0)
		ber_put(out, BER_CONTEXT, 29, u->implementation.p,
		    u->implementation.n);
	put_user_information(out, &u->user_information, true);
	return 0;
}

static int
encode_aare(const struct acse_apdu *u, struct buf *out, struct err *e)
{
	uint32_t source = u->diagnostic_source == SOURCE_PROVIDER
	    ? SOURCE_PROVIDER
	    : SOURCE_USER;
	size_t from;

	if (put_context_name(out, u->application_context, e) < 0)
		return ERR_CONFIG;
	put_explicit_integer(out, 2, u->result);
	from = out->len;
	put_explicit_integer(out, source, u->diagnostic);
	ber_wrap(out, from, BER_CONTEXT, 3);
	put_entity(out, 4, &u->called);
	if (put_authentication(out, 8, &u->authentication, e) < 0)
		return ERR_CONFIG;
	if (u->implementation.n > 0)
		ber_put(out, BER_CONTEXT, 29, u->implementation.p,
		    u->implementation.n);
	put_user_information(out, &u->user_information, true);
	return 0;
}

static int
encode_rest(const struct acse_apdu *u, struct buf *out, struct err *e)
{
	(void)e;
	ber_put_integer(out, BER_CONTEXT, 0, u->reason);
	if (u->type == ACSE_ABRT && u->abort_diagnostic != ACSE_ABORT_NONE)
		ber_put_integer(out, BER_CONTEXT, 1, u->abort_diagnostic);
	put_user_information(out, &u->user_information, false);
	return 0;
}

int
acse_apdu_encode(const struct acse_apdu *u, struct buf *out, struct err *e)
{
	static int (*const encoders[])(
	    const struct acse_apdu *, struct buf *, struct err *) = {
	    [ACSE_AARQ] = encode_aarq,
	    [ACSE_AARE] = encode_aare,
	    [ACSE_RLRQ] = encode_rest,
	    [ACSE_RLRE] = encode_rest,
	    [ACSE_ABRT] = encode_rest,
	};
	size_t from = out->len;

	if (encoders[u->type](u, out, e) < 0)
		return ERR_CONFIG;
	ber_wrap(out, from, BER_APPLICATION, (uint32_t)u->type);
	return 0;
}

/* By the identifier octet, which is all that ACSE has to know. */
static enum acse_form
form_of(const struct octets *o, uint8_t form1, uint8_t form2)
{
	if (o->n == 0)
		return ACSE_FORM_ABSENT;
	if (o->p[0] == form1)
		return ACSE_FORM_1;
	return o->p[0] == form2 ? ACSE_FORM_2 : ACSE_FORM_OTHER;
}

enum acse_form
acse_title_form(const struct octets *ap_title)
{
	return form_of(ap_title, 0x30, 0x06);
}

enum acse_form
acse_qualifier_form(const struct octets *ae_qualifier)
{
	return form_of(ae_qualifier, 0x31, 0x02);
}
