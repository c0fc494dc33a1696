#include "osi/pres_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "osi/osi_codec.h"

#define LAYER "presentation"

static const struct ber_limits limits = {
    .max_size = OSI_PDU_MAX, .max_depth = OSI_PDU_DEPTH};

int
pres_read_bad(struct reading *r, const uint8_t *at, int code,
    enum pres_abort_reason reason, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX / 2];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_at(r->e, LAYER, code, (uint64_t)(at - r->base), "%s%s%s: %s",
	    r->ppdu, r->parameter != NULL ? ", " : "",
	    r->parameter != NULL ? r->parameter : "", text);
	if (r->e != NULL)
		r->e->detail = reason;
	return code;
}

int
pres_read_invalid(struct reading *r, const struct ber_tlv *t, const char *what)
{
	return pres_read_bad(
	    r, t->start, ERR_SYNTAX, PRES_ABORT_INVALID_PARAMETER, "%s", what);
}

/* --- the parts of parameters --- */

int
pres_read_constructed(struct reading *r, const struct ber_tlv *t)
{
	return t->tag.constructed ? 0 : pres_read_invalid(r, t, "is primitive");
}

int
pres_read_number(struct reading *r, const struct ber_tlv *t, int64_t min,
    int64_t max, int64_t *out)
{
	if (ber_integer(t, out, NULL) < 0)
		return pres_read_invalid(r, t, "is no integer");
	if (*out < min || *out > max)
		return pres_read_bad(r, t->start, ERR_SYNTAX,
		    PRES_ABORT_INVALID_PARAMETER, "%lld is out of range",
		    (long long)*out);
	return 0;
}

int
pres_read_string(struct reading *r, const struct ber_tlv *t, struct octets *out)
{
	if (ber_string(r->a, t, out, NULL) < 0)
		return pres_read_invalid(r, t, "is no string");
	return 0;
}

int
pres_read_syntax_name(
    struct reading *r, const struct ber_tlv *t, const char **out)
{
	*out = t->tag.constructed
	    ? NULL
	    : ber_oid_text(r->a, t->value, t->length, NULL);
	return *out == NULL ? pres_read_invalid(r, t, "is no OBJECT IDENTIFIER")
			    : 0;
}

/* The next child, which must have this tag. */
int
pres_read_child(struct reading *r, struct ber_cursor *c,
    const struct ber_tlv *of, uint32_t universal, struct ber_tlv *out)
{
	if (ber_next(c, out, NULL) != 1 ||
	    !BER_IS(out->tag, BER_UNIVERSAL, universal))
		return pres_read_invalid(
		    r, of, "has not the fields that it should have");
	return 0;
}

int
pres_read_at_end(struct reading *r, struct ber_cursor *c)
{
	struct ber_tlv t;

	return ber_next(c, &t, NULL) == 1
	    ? pres_read_invalid(r, &t, "is more than was expected")
	    : 0;
}

int
pres_read_context_id(struct reading *r, const struct ber_tlv *t, int32_t *out)
{
	int64_t v;

	if (pres_read_number(r, t, 1, INT32_MAX, &v) < 0)
		return ERR_SYNTAX;
	*out = (int32_t)v;
	return 0;
}

/* --- user data --- */

/* A value by itself: one whole element. */
static int
single(struct reading *r, const struct ber_tlv *t, struct pres_value *out)
{
	struct ber_cursor c = ber_children(t);
	struct ber_tlv v;

	if (pres_read_constructed(r, t) < 0)
		return ERR_SYNTAX;
	if (ber_next(&c, &v, NULL) != 1 || pres_read_at_end(r, &c) < 0)
		return pres_read_invalid(
		    r, t, "single-ASN1-type is not one value");
	out->p = arena_memdup(r->a, v.start, v.size);
	out->n = v.size;
	return 0;
}

static int
octet_aligned(
    struct reading *r, const struct ber_tlv *t, struct pres_value *out)
{
	struct octets o;

	if (pres_read_string(r, t, &o) < 0)
		return ERR_SYNTAX;
	out->p = arena_memdup(r->a, o.p, o.n);
	out->n = o.n;
	return 0;
}

static int
arbitrary(struct reading *r, const struct ber_tlv *t, struct pres_value *out)
{
	struct ber_cursor c = ber_children(t);
	struct ber_tlv segment = *t;
	struct buf b = {0};
	bool good = true;

	do {
		if (t->tag.constructed && ber_next(&c, &segment, NULL) != 1)
			break;
		good = segment.length > 0 && segment.value[0] == 0 &&
		    (!t->tag.constructed ||
			(BER_IS(segment.tag, BER_UNIVERSAL, BER_BIT_STRING) &&
			    !segment.tag.constructed));
		if (good)
			buf_append(&b, segment.value + 1, segment.length - 1);
	} while (good && t->tag.constructed);
	out->p = arena_memdup(r->a, b.data, b.len);
	out->n = b.len;
	buf_free(&b);
	return good ? 0
		    : pres_read_invalid(
			  r, t, "arbitrary value is not a number of octets");
}

static int
pdv_value(struct reading *r, const struct ber_tlv *t, struct pres_value *out)
{
	static int (*const forms[])(struct reading *, const struct ber_tlv *,
	    struct pres_value *) = {single, octet_aligned, arbitrary};

	if (t->tag.cls != BER_CONTEXT || t->tag.number > 2)
		return pres_read_invalid(r, t, "is no value of a PDV-list");
	return forms[t->tag.number](r, t, out);
}

static int
pdv_list(struct reading *r, const struct ber_tlv *list, struct pres_value *out)
{
	struct ber_cursor c = ber_children(list);
	struct ber_tlv t;
	const char *syntax;

	if (!BER_IS(list->tag, BER_UNIVERSAL, BER_SEQUENCE))
		return pres_read_invalid(r, list, "is no PDV-list");
	if (ber_next(&c, &t, NULL) != 1)
		return pres_read_invalid(r, list, "is an empty PDV-list");
	if (BER_IS(t.tag, BER_UNIVERSAL, BER_OID)) {
		if (pres_read_syntax_name(r, &t, &syntax) < 0)
			return ERR_SYNTAX;
		if (strcmp(syntax, PRES_BER) != 0)
			return pres_read_bad(r, t.start, ERR_UNSUPPORTED,
			    PRES_ABORT_INVALID_PARAMETER,
			    "transfer syntax %s is not BER", syntax);
		if (ber_next(&c, &t, NULL) != 1)
			return pres_read_invalid(
			    r, list, "PDV-list without context");
	}
	if (!BER_IS(t.tag, BER_UNIVERSAL, BER_INTEGER))
		return pres_read_invalid(
		    r, &t, "PDV-list without context identifier");
	if (pres_read_context_id(r, &t, &out->context_id) < 0)
		return ERR_SYNTAX;
	if (ber_next(&c, &t, NULL) != 1)
		return pres_read_invalid(r, list, "PDV-list without values");
	if (pdv_value(r, &t, out) < 0)
		return ERR_SYNTAX;
	return pres_read_at_end(r, &c);
}

static int
fully_encoded(
    struct reading *r, const struct ber_tlv *all, struct pres_values *out)
{
	struct pres_value *v = NULL;
	struct ber_cursor c = ber_children(all);
	struct ber_tlv t;
	size_t n = 0;
	int rc;

	if (pres_read_constructed(r, all) < 0)
		return ERR_SYNTAX;
	while (ber_next(&c, &t, NULL) == 1) {
		struct pres_value one = {0};

		if (n == PRES_VALUES_MAX)
			return pres_read_bad(r, t.start, ERR_LIMIT,
			    PRES_ABORT_INVALID_PARAMETER,
			    "more than %d PDV-lists", PRES_VALUES_MAX);
		rc = pdv_list(r, &t, &one);
		if (rc < 0)
			return r->e != NULL ? r->e->code : rc;
		if (v == NULL)
			v = arena_alloc(r->a, PRES_VALUES_MAX * sizeof(*v));
		v[n++] = one;
	}
	if (n == 0)
		return pres_read_invalid(r, all, "no PDV-list");
	*out = (struct pres_values){v, n};
	return 0;
}

/* Encoded values in a row, of the one context that there is. */
static int
simply_encoded(
    struct reading *r, const struct ber_tlv *all, struct pres_values *out)
{
	struct pres_value *v;
	struct octets o;
	size_t n = 0;

	if (pres_read_string(r, all, &o) < 0)
		return ERR_SYNTAX;
	v = arena_alloc(r->a, PRES_VALUES_MAX * sizeof(*v));
	while (o.n > 0) {
		int64_t used = ber_check(o.p, o.n, &limits, NULL);

		if (used <= 0 || n == PRES_VALUES_MAX)
			return pres_read_invalid(r, all, "simply encoded data");
		v[n].p = arena_memdup(r->a, o.p, (size_t)used);
		v[n++].n = (size_t)used;
		o.p += used;
		o.n -= (size_t)used;
	}
	*out = (struct pres_values){v, n};
	return 0;
}

int
pres_read_user_data(
    struct reading *r, const struct ber_tlv *t, struct pres_values *out)
{
	int rc = t->tag.number == 0 ? simply_encoded(r, t, out)
				    : fully_encoded(r, t, out);

	if (rc < 0 && r->e != NULL)
		r->e->detail |= PRES_DETAIL_USER_DATA;
	return rc;
}

/* --- walking the parameters --- */

/* They stand in the order of the table, each at most once. `open`: a later
 * version of the protocol may have added others. */
int
pres_read_walk(struct reading *r, const struct ber_tlv *in,
    const struct parameter *table, size_t n, bool open)
{
	struct ber_cursor c = ber_children(in);
	struct ber_tlv t;
	size_t from = 0;

	while (ber_next(&c, &t, NULL) == 1) {
		size_t i = 0;

		while (i < n && !BER_IS(t.tag, table[i].cls, table[i].number))
			i++;
		r->parameter = i < n ? table[i].name : NULL;
		if (i == n && open)
			continue;
		if (i == n)
			return pres_read_bad(r, t.start, ERR_SYNTAX,
			    PRES_ABORT_UNRECOGNIZED_PARAMETER,
			    "unknown parameter, class %u number %u", t.tag.cls,
			    t.tag.number);
		if (i < from)
			return pres_read_bad(r, t.start, ERR_SYNTAX,
			    PRES_ABORT_UNEXPECTED_PARAMETER,
			    "twice, or out of order");
		from = i + 1;
		if (table[i].fn != NULL) {
			int rc = table[i].fn(r, &t);

			if (rc < 0)
				return rc;
		}
	}
	r->parameter = NULL;
	return 0;
}

/* The whole PPDU as one element. */
int
pres_read_outermost(struct reading *r, size_t n, struct ber_tlv *t)
{
	int64_t used = ber_check(r->base, n, &limits, r->e);
	struct ber_cursor c = ber_cursor(r->base, n);

	if (used < 0) {
		if (r->e != NULL) {
			r->e->layer = LAYER;
			r->e->detail = PRES_ABORT_UNRECOGNIZED_PPDU;
		}
		err_prefix(r->e, "%s", r->ppdu);
		return (int)used;
	}
	if ((size_t)used != n)
		return pres_read_bad(r, r->base + used, ERR_SYNTAX,
		    PRES_ABORT_UNRECOGNIZED_PPDU, "%zu octets after the PPDU",
		    n - (size_t)used);
	if (ber_next(&c, t, NULL) != 1)
		return pres_read_bad(r, r->base, ERR_SYNTAX,
		    PRES_ABORT_UNRECOGNIZED_PPDU, "it is empty");
	return 0;
}

int
pres_read_unrecognized(struct reading *r)
{
	return pres_read_bad(r, r->base, ERR_SYNTAX,
	    PRES_ABORT_UNRECOGNIZED_PPDU, "this is another PPDU");
}

/* --- what is where --- */

/* The element that holds the parameters: of CP and CPA in normal mode one
 * inside, else the PPDU itself. */
static bool
parameters_of(const uint8_t *p, size_t n, struct ber_tlv *out)
{
	struct ber_cursor c = ber_cursor(p, n);
	struct ber_tlv ppdu;

	if (ber_next(&c, &ppdu, NULL) != 1)
		return false;
	*out = ppdu;
	if (BER_IS(ppdu.tag, BER_UNIVERSAL, BER_SET) &&
	    ber_find(&ppdu, BER_CONTEXT, 2, out, NULL) != 1)
		*out = ppdu;
	return true;
}

uint64_t
pres_parameter_at(const uint8_t *p, size_t n, uint32_t number)
{
	struct ber_tlv in, t;

	if (!parameters_of(p, n, &in) ||
	    ber_find(&in, BER_CONTEXT, number, &t, NULL) != 1)
		return 0;
	return (uint64_t)(t.start - p);
}

uint64_t
pres_value_at(const uint8_t *p, size_t n, size_t i)
{
	struct ber_tlv in, t;
	struct ber_cursor c;

	if (!parameters_of(p, n, &in))
		return 0;
	if (in.tag.cls != BER_APPLICATION &&
	    ber_find(&in, BER_APPLICATION, 1, &t, NULL) != 1 &&
	    ber_find(&in, BER_APPLICATION, 0, &t, NULL) != 1)
		return 0;
	if (in.tag.cls == BER_APPLICATION)
		t = in;
	if (t.tag.number == 0) /* simply encoded: one string */
		return (uint64_t)(t.start - p);
	in = t;
	c = ber_children(&in);
	do
		if (ber_next(&c, &t, NULL) != 1)
			return (uint64_t)(in.start - p);
	while (i-- > 0);
	return (uint64_t)(t.start - p);
}
