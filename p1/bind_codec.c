#include "p1/bind_codec.h"

#include <string.h>

#include "p1/asn_codec.h"

#include <Mts-Credentials.h>
#include <Mts-MTABind.h>
#include <Mts-MTABindParty.h>

/* Outer tags of the bind PDUs in RTSE user data (X.419 Figure 5). */
static const uint32_t outer_tags[] = {
    [P1_BIND_ARGUMENT] = 16,
    [P1_BIND_RESULT] = 17,
    [P1_BIND_ERROR] = 18,
};

const char *
p1_bind_error_name(int error)
{
	static const char *const names[] = {
	    [P1_BIND_BUSY] = "busy",
	    [P1_BIND_AUTHENTICATION] = "authentication-error",
	    [P1_BIND_UNACCEPTABLE_DIALOGUE] = "unacceptable-dialogue-mode",
	    [P1_BIND_UNACCEPTABLE_SECURITY] = "unacceptable-security-context",
	    [P1_BIND_INADEQUATE_ASSOCIATION] =
		"inadequate-association-confidentiality",
	};

	if (error < 0 || error >= (int)(sizeof(names) / sizeof(names[0])) ||
	    names[error] == NULL)
		return "unknown-bind-error";
	return names[error];
}

const char *
p1_bind_pdu_name(enum p1_bind_kind kind)
{
	static const char *const names[] = {
	    [P1_BIND_ARGUMENT] = "MTABindArgument",
	    [P1_BIND_RESULT] = "MTABindResult",
	    [P1_BIND_ERROR] = "MTABindError",
	};

	return names[kind];
}

const char *
p1_bind_name_field(const struct p1_bind *b)
{
	return b->kind == P1_BIND_RESULT ? "responder-name" : "initiator-name";
}

const char *
p1_bind_credentials_field(const struct p1_bind *b)
{
	return b->kind == P1_BIND_RESULT ? "responder-credentials"
					 : "initiator-credentials";
}

bool
p1_bind_password_is(const struct p1_bind *b, const char *password)
{
	size_t n = strlen(password);
	uint8_t differ = 0;

	if (b->credentials != P1_CRED_SIMPLE || b->password.n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		differ |= (uint8_t)(b->password.p[i] ^ (uint8_t)password[i]);
	return differ == 0;
}

/* --- reading --- */

static int
set_password(struct arena *a, struct p1_bind *out, const OCTET_STRING_t *s,
    bool ia5, struct err *e)
{
	if (s->size > P1_PASSWORD_MAX)
		return err_at(e, "p1", ERR_LIMIT, out->at_credentials,
		    "password of %d octets, more than %d", s->size,
		    P1_PASSWORD_MAX);
	out->credentials = P1_CRED_SIMPLE;
	out->password_ia5 = ia5;
	out->password = (struct octets){
	    arena_memdup(a, s->buf, (size_t)s->size), (size_t)s->size};
	return 0;
}

static int
set_credentials(struct arena *a, struct p1_bind *out,
    const Mts_Credentials_t *c, struct err *e)
{
	switch (c->present) {
	case Mts_Credentials_PR_ia5_password:
		return set_password(a, out, &c->choice.ia5_password, true, e);
	case Mts_Credentials_PR_octet_password:
		return set_password(
		    a, out, &c->choice.octet_password, false, e);
	case Mts_Credentials_PR_strong:
		out->credentials = P1_CRED_STRONG;
		return 0;
	case Mts_Credentials_PR_protected:
		out->credentials = P1_CRED_PROTECTED;
		return 0;
	case Mts_Credentials_PR_NOTHING: break;
	}
	return err_set(e, "p1", ERR_SYNTAX, "no credentials");
}

static int
set_party(struct arena *a, struct p1_bind *out, const Mts_MTABindParty_t *p,
    struct err *e)
{
	const OCTET_STRING_t *name = &p->mta_name;

	if (name->size > P1_MTA_NAME_MAX)
		return err_at(e, "p1", ERR_LIMIT, out->at_name,
		    "MTA name of %d characters, more than %d", name->size,
		    P1_MTA_NAME_MAX);
	for (int i = 0; i < name->size; i++)
		if (name->buf[i] < ' ' || name->buf[i] > '~')
			/* its header is two octets */
			return err_at(e, "p1", ERR_SYNTAX,
			    out->at_name + 2 + (unsigned)i,
			    "character 0x%02x in the MTA name", name->buf[i]);
	out->mta =
	    arena_strndup(a, (const char *)name->buf, (size_t)name->size);
	return set_credentials(a, out, &p->mta_credentials, e);
}

/* What asn1c does not keep: where the fields stand, strong credentials'
 * element, the security context. */
static int
set_raw(struct arena *a, const uint8_t *pdu, const struct ber_tlv *set,
    struct p1_bind *out, struct err *e)
{
	struct ber_cursor fields = ber_children(set), c;
	struct ber_tlv t, inner;
	int r;

	while ((r = ber_next(&fields, &t, e)) == 1) {
		uint64_t at = (uint64_t)(t.start - pdu);

		if (BER_IS(t.tag, BER_CONTEXT, 0)) {
			out->at_name = at;
		} else if (BER_IS(t.tag, BER_CONTEXT, 1)) {
			out->at_credentials = at;
			c = ber_children(&t);
			if (ber_next(&c, &inner, e) != 1)
				return err_at(
				    e, "p1", ERR_SYNTAX, at, "no credentials");
			if (out->credentials >= P1_CRED_STRONG)
				out->raw_credentials = (struct octets){
				    arena_memdup(a, inner.start, inner.size),
				    inner.size};
		} else if (BER_IS(t.tag, BER_CONTEXT, 2)) {
			out->at_context = at;
			if (!t.tag.constructed)
				return err_at(e, "p1", ERR_SYNTAX, at,
				    "security-context is primitive");
			out->security_context = (struct octets){
			    arena_memdup(a, t.value, t.length), t.length};
		}
	}
	return r;
}

/* --- what is wrong, and where --- */

static int
bad(const uint8_t *pdu, const struct ber_tlv *t, struct err *e,
    const char *field, const char *what)
{
	static const char *const classes[] = {
	    "UNIVERSAL ", "APPLICATION ", "", "PRIVATE "};

	return err_at(e, "p1", ERR_SYNTAX, (uint64_t)(t->start - pdu),
	    "%s%stag [%s%u] %s", field, *field != '\0' ? ": " : "",
	    classes[t->tag.cls & 3], t->tag.number, what);
}

static int
check_credentials(const uint8_t *pdu, const struct ber_tlv *field,
    const struct p1_bind *out, struct err *e)
{
	struct ber_cursor c = ber_children(field);
	const char *name = p1_bind_credentials_field(out);
	struct ber_tlv t;

	if (!field->tag.constructed || ber_next(&c, &t, e) != 1)
		return bad(pdu, field, e, name, "has no credentials in it");
	if (BER_IS(t.tag, BER_UNIVERSAL, BER_IA5_STRING) ||
	    BER_IS(t.tag, BER_UNIVERSAL, BER_OCTET_STRING) ||
	    BER_IS(t.tag, BER_CONTEXT, 0) || BER_IS(t.tag, BER_CONTEXT, 1))
		return 0;
	return bad(pdu, &t, e, name,
	    "is neither a password nor strong or protected credentials");
}

/* asn1c says no more than that something is wrong. Sets where the fields
 * stand. */
static int
check_party(const uint8_t *pdu, const struct ber_tlv *set, struct p1_bind *out,
    struct err *e)
{
	struct ber_cursor c = ber_children(set);
	bool name = false, credentials = false;
	struct ber_tlv t;
	int r = 0;

	if (BER_IS(set->tag, BER_UNIVERSAL, BER_NULL))
		return 0;
	if (!BER_IS(set->tag, BER_CONTEXT, 1) || !set->tag.constructed)
		return bad(
		    pdu, set, e, "", "is neither that of an MTABind nor NULL");
	while (r >= 0 && (r = ber_next(&c, &t, e)) == 1) {
		if (BER_IS(t.tag, BER_CONTEXT, 0)) {
			out->at_name = (uint64_t)(t.start - pdu);
			name = true;
		} else if (BER_IS(t.tag, BER_CONTEXT, 1)) {
			out->at_credentials = (uint64_t)(t.start - pdu);
			credentials = true;
			r = check_credentials(pdu, &t, out, e);
		}
	}
	if (r < 0 || (name && credentials))
		return r;
	return err_at(e, "p1", ERR_SYNTAX, (uint64_t)(set->start - pdu),
	    "%s is missing",
	    name ? p1_bind_credentials_field(out) : p1_bind_name_field(out));
}

static int
decode_party(struct arena *a, const uint8_t *pdu, const struct ber_tlv *t,
    struct p1_bind *out, struct err *e)
{
	const Mts_MTABind_t *b;
	int r = check_party(pdu, t, out, e);

	if (r < 0)
		return r;
	b = p1_asn_decode(a, &asn_DEF_Mts_MTABind, t->start, t->size, e);
	if (b == NULL) {
		if (e != NULL)
			e->offset += (uint64_t)(t->start - pdu);
		return ERR_SYNTAX;
	}
	out->mta = "";
	if (b->present != Mts_MTABind_PR_authenticated)
		return 0;
	r = set_party(a, out, &b->choice.authenticated, e);
	return r < 0 ? r : set_raw(a, pdu, t, out, e);
}

static int
decode_value(struct arena *a, const uint8_t *pdu, const struct ber_tlv *t,
    struct p1_bind *out, struct err *e)
{
	int64_t n;
	int r;

	if (out->kind != P1_BIND_ERROR)
		return decode_party(a, pdu, t, out, e);
	r = ber_integer(t, &n, e);
	if (r < 0 || n < 0 || n > 255)
		return err_set(e, "p1", ERR_SYNTAX, "bad bind error");
	out->error = (int)n;
	return 0;
}

/* Does the tag wrap a bind PDU? Sets the kind, and `t` to what is inside. */
static int
unwrap(struct ber_tlv *t, struct p1_bind *out, struct err *e)
{
	for (size_t i = 0; i < sizeof(outer_tags) / sizeof(outer_tags[0]);
	     i++) {
		struct ber_cursor c = ber_children(t);
		struct ber_tlv more;

		if (!BER_IS(t->tag, BER_CONTEXT, outer_tags[i]))
			continue;
		out->kind = (enum p1_bind_kind)i;
		if (ber_next(&c, t, e) != 1 || ber_next(&c, &more, e) != 0)
			return err_set(
			    e, "p1", ERR_SYNTAX, "a bind PDU is one element");
		return 0;
	}
	out->kind = BER_IS(t->tag, BER_UNIVERSAL, BER_INTEGER)
	    ? P1_BIND_ERROR
	    : P1_BIND_ARGUMENT;
	out->bare = true;
	return 0;
}

int
p1_bind_decode(struct arena *a, const uint8_t *p, size_t n, struct p1_bind *out,
    struct err *e)
{
	struct octets flat;
	struct ber_cursor c;
	struct ber_tlv t;
	int r = p1_normalise(a, p, n, P1_BIND_SIZE_MAX, &flat, e);

	*out = (struct p1_bind){.mta = ""};
	if (r < 0)
		return r;
	c = ber_cursor(flat.p, flat.n);
	r = ber_next(&c, &t, e);
	if (r == 0)
		return err_set(e, "p1", ERR_SYNTAX, "no bind PDU");
	if (r > 0)
		r = unwrap(&t, out, e);
	return r < 0 ? r : decode_value(a, flat.p, &t, out, e);
}

/* --- writing --- */

static int
put_party(const struct p1_bind *b, struct buf *out, struct err *e)
{
	size_t from = out->len, credentials;

	if (b->credentials == P1_CRED_NONE) {
		ber_put(out, BER_UNIVERSAL, BER_NULL, NULL, 0);
		return 0;
	}
	if (strlen(b->mta) > P1_MTA_NAME_MAX || b->password.n > P1_PASSWORD_MAX)
		return err_set(
		    e, "p1", ERR_LIMIT, "MTA name or password is too long");
	ber_put(out, BER_CONTEXT, 0, b->mta, strlen(b->mta));
	credentials = out->len;
	if (b->credentials == P1_CRED_SIMPLE)
		ber_put(out, BER_UNIVERSAL,
		    b->password_ia5 ? BER_IA5_STRING : BER_OCTET_STRING,
		    b->password.p, b->password.n);
	else
		buf_append(out, b->raw_credentials.p, b->raw_credentials.n);
	ber_wrap(out, credentials, BER_CONTEXT, 1);
	if (b->security_context.n > 0 && b->kind == P1_BIND_ARGUMENT) {
		ber_put_header(
		    out, BER_CONTEXT, true, 2, b->security_context.n);
		buf_append(out, b->security_context.p, b->security_context.n);
	}
	ber_wrap(out, from, BER_CONTEXT, 1);
	return 0;
}

int
p1_bind_encode(const struct p1_bind *b, struct buf *out, struct err *e)
{
	size_t from = out->len;
	int r;

	/* an error goes bare: that is how peers in the field send it */
	if (b->kind == P1_BIND_ERROR) {
		ber_put_integer(out, BER_UNIVERSAL, BER_INTEGER, b->error);
		return 0;
	}
	r = put_party(b, out, e);
	if (r < 0) {
		out->len = from;
		return r;
	}
	if (!b->bare)
		ber_wrap(out, from, BER_CONTEXT, outer_tags[b->kind]);
	return 0;
}
