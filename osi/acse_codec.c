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

/* --- decoding --- */

static int
oid(struct arena *a, const OBJECT_IDENTIFIER_t *in, const char **out,
    struct err *e)
{
	if (in == NULL)
		return 0;
	*out = osi_oid_text(a, in, e);
	return *out == NULL ? ERR_SYNTAX : 0;
}

static int
invocation(const long *in, bool *has, int32_t *out, struct err *e)
{
	if (in == NULL)
		return 0;
	if (*in < INT32_MIN || *in > INT32_MAX)
		return err_set(e, LAYER, ERR_LIMIT,
		    "invocation identifier %ld out of range", *in);
	*has = true;
	*out = (int32_t)*in;
	return 0;
}

static int
entity(struct arena *a, const ANY_t *title, const ANY_t *qualifier,
    const long *ap, const long *ae, struct acse_entity *out, struct err *e)
{
	int rc;

	if ((rc = osi_any(a, title, LAYER, &out->ap_title, e)) < 0 ||
	    (rc = osi_any(a, qualifier, LAYER, &out->ae_qualifier, e)) < 0)
		return rc;
	rc = invocation(ap, &out->has_ap_invocation, &out->ap_invocation, e);
	if (rc < 0)
		return rc;
	return invocation(ae, &out->has_ae_invocation, &out->ae_invocation, e);
}

static int
external(struct arena *a, const Acse_External_t *x, struct pres_value *out,
    struct err *e)
{
	struct octets v = {0};
	int rc;

	if (*x->indirect_reference < 1 || *x->indirect_reference > INT32_MAX)
		return err_set(e, LAYER, ERR_SYNTAX,
		    "indirect reference %ld out of range",
		    *x->indirect_reference);
	out->context_id = (int32_t)*x->indirect_reference;
	if (x->encoding.present == Acse_Encoding_PR_single_ASN1_type) {
		rc = osi_any(
		    a, &x->encoding.choice.single_ASN1_type, LAYER, &v, e);
	} else if (x->encoding.present == Acse_Encoding_PR_octet_aligned) {
		const OCTET_STRING_t *s = &x->encoding.choice.octet_aligned;
		rc = osi_value(a, s->buf, (size_t)s->size, LAYER, &v, e);
	} else {
		rc = osi_bits_octets(&x->encoding.choice.arbitrary, &v, e);
		if (rc == 0)
			rc = osi_value(a, v.p, v.n, LAYER, &v, e);
	}
	out->p = v.p;
	out->n = v.n;
	return rc;
}

static int
user_information(struct arena *a, const Acse_User_information_t *in,
    struct pres_value *out, struct err *e)
{
	for (int i = 0; in != NULL && i < in->list.count; i++)
		if (in->list.array[i]->indirect_reference != NULL)
			return external(a, in->list.array[i], out, e);
	return 0;
}

static bool
is_version_1(const BIT_STRING_t *v)
{
	return v == NULL || (v->size > 0 && (v->buf[0] & 0x80) != 0);
}

/* The first bit of acse-requirements; fields without it do not count. */
static int
authentication(struct arena *a, const BIT_STRING_t *requirements,
    const OBJECT_IDENTIFIER_t *mechanism, const ANY_t *value,
    struct acse_authentication *out, struct err *e)
{
	int rc;

	out->unit = requirements != NULL && requirements->size > 0 &&
	    (requirements->buf[0] & 0x80) != 0;
	if (!out->unit)
		return 0;
	if ((rc = oid(a, mechanism, &out->mechanism, e)) < 0 ||
	    (rc = osi_any(a, value, LAYER, &out->value, e)) < 0)
		return rc;
	/* charstring, bitstring, external, other */
	if (out->value.n > 0 &&
	    ((out->value.p[0] & 0xc0) != 0x80 ||
		(out->value.p[0] & 0x1f) > AUTHENTICATION_OTHER))
		return err_set(e, LAYER, ERR_SYNTAX,
		    "authentication-value of unknown type %02x",
		    out->value.p[0]);
	return 0;
}

static void
implementation(struct arena *a, const GraphicString_t *in, struct octets *out)
{
	if (in != NULL && in->size > 0)
		*out =
		    (struct octets){arena_memdup(a, in->buf, (size_t)in->size),
			(size_t)in->size};
}

static int
decode_aarq(
    struct arena *a, const Acse_APDU_t *u, struct acse_apdu *out, struct err *e)
{
	const Acse_AARQ_t *q = &u->choice.aarq;
	int rc;

	out->version_1 = is_version_1(q->protocol_version);
	implementation(a, q->implementation_information, &out->implementation);
	if ((rc = authentication(a, q->acse_requirements, q->mechanism_name,
		 q->authentication_value, &out->authentication, e)) < 0 ||
	    (rc = oid(a, &q->application_context, &out->application_context,
		 e)) < 0 ||
	    (rc = entity(a, q->called_AP_title, q->called_AE_qualifier,
		 q->called_AP_invocation, q->called_AE_invocation, &out->called,
		 e)) < 0 ||
	    (rc = entity(a, q->calling_AP_title, q->calling_AE_qualifier,
		 q->calling_AP_invocation, q->calling_AE_invocation,
		 &out->calling, e)) < 0)
		return rc;
	return user_information(
	    a, q->user_information, &out->user_information, e);
}

static int
diagnostic(const Acse_Diagnostic_t *d, struct acse_apdu *out, struct err *e)
{
	bool user = d->present == Acse_Diagnostic_PR_service_user;
	long v = user ? d->choice.service_user : d->choice.service_provider;

	if (v < 0 || v > 255)
		return err_set(
		    e, LAYER, ERR_SYNTAX, "diagnostic %ld out of range", v);
	out->diagnostic_source = user ? SOURCE_USER : SOURCE_PROVIDER;
	out->diagnostic = (int)v;
	return 0;
}

static int
decode_aare(
    struct arena *a, const Acse_APDU_t *u, struct acse_apdu *out, struct err *e)
{
	const Acse_AARE_t *r = &u->choice.aare;
	int rc;

	if (r->result < ACSE_ACCEPTED || r->result > ACSE_REJECTED_TRANSIENT)
		return err_set(
		    e, LAYER, ERR_SYNTAX, "result %ld out of range", r->result);
	out->result = (enum acse_result)r->result;
	out->version_1 = is_version_1(r->protocol_version);
	implementation(a, r->implementation_information, &out->implementation);
	if ((rc = authentication(a, r->acse_requirements, r->mechanism_name,
		 r->authentication_value, &out->authentication, e)) < 0 ||
	    (rc = diagnostic(&r->diagnostic, out, e)) < 0 ||
	    (rc = oid(a, &r->application_context, &out->application_context,
		 e)) < 0 ||
	    (rc = entity(a, r->responding_AP_title, r->responding_AE_qualifier,
		 r->responding_AP_invocation, r->responding_AE_invocation,
		 &out->called, e)) < 0)
		return rc;
	return user_information(
	    a, r->user_information, &out->user_information, e);
}

static int
reason(const long *v, struct acse_apdu *out, struct err *e)
{
	if (v == NULL)
		return 0;
	if (*v < 0 || *v > 255)
		return err_set(
		    e, LAYER, ERR_SYNTAX, "reason %ld out of range", *v);
	out->reason = (int)*v;
	return 0;
}

static int
decode_rlrq(
    struct arena *a, const Acse_APDU_t *u, struct acse_apdu *out, struct err *e)
{
	if (reason(u->choice.rlrq.reason, out, e) < 0)
		return ERR_SYNTAX;
	return user_information(
	    a, u->choice.rlrq.user_information, &out->user_information, e);
}

static int
decode_rlre(
    struct arena *a, const Acse_APDU_t *u, struct acse_apdu *out, struct err *e)
{
	if (reason(u->choice.rlre.reason, out, e) < 0)
		return ERR_SYNTAX;
	return user_information(
	    a, u->choice.rlre.user_information, &out->user_information, e);
}

static int
decode_abrt(
    struct arena *a, const Acse_APDU_t *u, struct acse_apdu *out, struct err *e)
{
	const long *d = u->choice.abrt.abort_diagnostic;

	if (reason(&u->choice.abrt.abort_source, out, e) < 0)
		return ERR_SYNTAX;
	if (d != NULL && *d >= 0 && *d < 256)
		out->abort_diagnostic = (int)*d;
	return user_information(
	    a, u->choice.abrt.user_information, &out->user_information, e);
}

static const struct {
	enum acse_apdu_type type;
	int (*fn)(struct arena *, const Acse_APDU_t *, struct acse_apdu *,
	    struct err *);
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

int
acse_apdu_decode(struct arena *a, const uint8_t *p, size_t n,
    struct acse_apdu *out, struct err *e)
{
	const Acse_APDU_t *u =
	    osi_decode(a, &asn_DEF_Acse_APDU, p, n, LAYER, e);

	memset(out, 0, sizeof(*out));
	if (u == NULL)
		return ERR_SYNTAX;
	out->type = decoders[u->present].type;
	return decoders[u->present].fn(a, u, out, e);
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
