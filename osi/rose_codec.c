#include "osi/rose_codec.h"

#include <string.h>

#define LAYER "rose"

static const struct ber_limits limits = {.max_depth = ROSE_DEPTH};

const char *
rose_apdu_name(enum rose_apdu_type type)
{
	static const char *const names[] = {
	    "ROSE APDU", "ROIV", "RORS", "ROER", "RORJ"};

	return names[type];
}

/* --- decoding --- */

struct reading {
	struct arena *a;
	const uint8_t *base;
	struct ber_cursor c; /* the fields that are left */
	struct rose_apdu *out;
	struct err *e;
};

static int
bad(struct reading *r, const uint8_t *at, enum rose_general_problem problem,
    const char *text)
{
	err_at(r->e, LAYER, ERR_SYNTAX, (uint64_t)(at - r->base), "%s: %s",
	    rose_apdu_name(r->out->type), text);
	if (r->e != NULL)
		r->e->detail = problem;
	return ERR_SYNTAX;
}

static int
mistyped(struct reading *r, const uint8_t *at, const char *text)
{
	return bad(r, at, ROSE_MISTYPED_APDU, text);
}

/* The next field, or false; it is not taken yet. */
static bool
peek(const struct reading *r, struct ber_tlv *t)
{
	struct ber_cursor c = r->c;

	return ber_next(&c, t, NULL) == 1;
}

static void
skip(struct reading *r)
{
	struct ber_tlv t;

	(void)ber_next(&r->c, &t, NULL);
}

static int
take_integer(struct reading *r, enum ber_class cls, uint32_t number,
    int32_t *out, const char *text)
{
	struct ber_tlv t;
	int64_t v;

	if (!peek(r, &t) || !BER_IS(t.tag, cls, number) ||
	    ber_integer(&t, &v, NULL) < 0 || v < INT32_MIN || v > INT32_MAX)
		return mistyped(r, r->c.p, text);
	*out = (int32_t)v;
	skip(r);
	return 0;
}

static int
take_id(struct reading *r)
{
	int rc = take_integer(r, BER_UNIVERSAL, BER_INTEGER, &r->out->id,
	    "no invoke-id where one belongs");

	r->out->has_id = rc == 0;
	return rc;
}

static int
take_code(struct reading *r)
{
	struct ber_tlv t;

	if (peek(r, &t) && BER_IS(t.tag, BER_UNIVERSAL, BER_OID) &&
	    !t.tag.constructed) {
		r->out->code.global =
		    ber_oid_text(r->a, t.value, t.length, NULL);
		if (r->out->code.global == NULL)
			return mistyped(r, t.start, "bad OBJECT IDENTIFIER");
		skip(r);
		return 0;
	}
	return take_integer(r, BER_UNIVERSAL, BER_INTEGER, &r->out->code.local,
	    "no operation or error where one belongs");
}

/* The last field: any value, or none. */
static int
take_value(struct reading *r)
{
	struct ber_tlv t;

	if (!peek(r, &t))
		return 0;
	r->out->value = (struct octets){t.start, t.size};
	skip(r);
	return peek(r, &t) ? mistyped(r, t.start, "a field too many") : 0;
}

static int
decode_roiv(struct reading *r)
{
	struct ber_tlv t;
	int rc;

	if ((rc = take_id(r)) < 0)
		return rc;
	if (peek(r, &t) && BER_IS(t.tag, BER_CONTEXT, 0)) {
		rc = take_integer(
		    r, BER_CONTEXT, 0, &r->out->linked, "bad linked-id");
		if (rc < 0)
			return rc;
		r->out->has_linked = true;
	}
	r->out->has_code = true;
	return (rc = take_code(r)) < 0 ? rc : take_value(r);
}

static int
decode_rors(struct reading *r)
{
	struct ber_tlv t;
	int rc;

	if ((rc = take_id(r)) < 0)
		return rc;
	if (!peek(r, &t))
		return 0;
	if (!BER_IS(t.tag, BER_UNIVERSAL, BER_SEQUENCE) || !t.tag.constructed)
		return mistyped(r, t.start, "a result that is no SEQUENCE");
	skip(r);
	if (peek(r, &t))
		return mistyped(r, t.start + t.size, "a field too many");
	r->c = ber_children(&t);
	r->out->has_code = true;
	if ((rc = take_code(r)) < 0 || (rc = take_value(r)) < 0)
		return rc;
	return r->out->value.n > 0
	    ? 0
	    : mistyped(r, t.start, "a result without its value");
}

static int
decode_roer(struct reading *r)
{
	int rc;

	r->out->has_code = true;
	if ((rc = take_id(r)) < 0 || (rc = take_code(r)) < 0)
		return rc;
	return take_value(r);
}

static int
decode_rorj(struct reading *r)
{
	struct ber_tlv t;
	int32_t problem;
	int rc;

	if (peek(r, &t) && BER_IS(t.tag, BER_UNIVERSAL, BER_NULL))
		skip(r);
	else if ((rc = take_id(r)) < 0)
		return rc;
	if (!peek(r, &t) || t.tag.cls != BER_CONTEXT ||
	    t.tag.number > ROSE_RETURN_ERROR)
		return mistyped(r, r->c.p, "no problem where one belongs");
	rc = take_integer(r, BER_CONTEXT, t.tag.number, &problem,
	    "a problem that is no number");
	if (rc < 0)
		return rc;
	r->out->problem_class = (enum rose_problem_class)t.tag.number;
	r->out->problem = problem;
	return peek(r, &t) ? mistyped(r, t.start, "a field too many") : 0;
}

static int (*const decoders[])(struct reading *) = {
    [ROSE_ROIV] = decode_roiv,
    [ROSE_RORS] = decode_rors,
    [ROSE_ROER] = decode_roer,
    [ROSE_RORJ] = decode_rorj,
};

int
rose_apdu_decode(struct arena *a, const uint8_t *p, size_t n,
    struct rose_apdu *out, struct err *e)
{
	struct reading r = {.a = a, .base = p, .out = out, .e = e};
	struct ber_cursor c = ber_cursor(p, n);
	int64_t used = ber_check(p, n, &limits, e);
	struct ber_tlv t;

	*out = (struct rose_apdu){0};
	if (used < 0) {
		if (e != NULL) {
			e->layer = LAYER;
			e->detail = ROSE_BADLY_STRUCTURED_APDU;
		}
		err_prefix(e, "ROSE APDU");
		return (int)used;
	}
	if ((size_t)used != n || ber_next(&c, &t, NULL) != 1)
		return bad(&r, p + used, ROSE_BADLY_STRUCTURED_APDU,
		    "octets after its end");
	if (t.tag.cls != BER_CONTEXT || t.tag.number < ROSE_ROIV ||
	    t.tag.number > ROSE_RORJ)
		return bad(&r, p, ROSE_UNRECOGNIZED_APDU, "an unknown one");
	out->type = (enum rose_apdu_type)t.tag.number;
	if (!t.tag.constructed)
		return mistyped(&r, p, "it is primitive");
	r.c = ber_children(&t);
	return decoders[out->type](&r);
}

/* --- encoding --- */

static int
put_code(struct buf *out, const struct rose_code *code, struct err *e)
{
	struct buf content = {0};
	int rc;

	if (code->global == NULL) {
		ber_put_integer(out, BER_UNIVERSAL, BER_INTEGER, code->local);
		return 0;
	}
	rc = ber_oid_put(&content, code->global, e);
	if (rc >= 0)
		ber_put(out, BER_UNIVERSAL, BER_OID, content.data, content.len);
	buf_free(&content);
	return rc < 0 ? ERR_CONFIG : 0;
}

static int
put_body(const struct rose_apdu *u, struct buf *out, struct err *e)
{
	size_t from = out->len;

	if (u->type == ROSE_RORJ) {
		ber_put_integer(out, BER_CONTEXT, u->problem_class, u->problem);
		return 0;
	}
	if (u->type == ROSE_RORS && u->value.n == 0)
		return 0;
	if (u->has_linked)
		ber_put_integer(out, BER_CONTEXT, 0, u->linked);
	from = u->has_linked ? out->len : from;
	if (put_code(out, &u->code, e) < 0)
		return ERR_CONFIG;
	buf_append(out, u->value.p, u->value.n);
	if (u->type == ROSE_RORS)
		ber_wrap(out, from, BER_UNIVERSAL, BER_SEQUENCE);
	return 0;
}

int
rose_apdu_encode(const struct rose_apdu *u, struct buf *out, struct err *e)
{
	size_t from = out->len;

	if (u->has_id)
		ber_put_integer(out, BER_UNIVERSAL, BER_INTEGER, u->id);
	else
		ber_put(out, BER_UNIVERSAL, BER_NULL, NULL, 0);
	if (put_body(u, out, e) < 0)
		return ERR_CONFIG;
	ber_wrap(out, from, BER_CONTEXT, (uint32_t)u->type);
	return 0;
}
