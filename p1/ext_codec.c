/* Extension fields (X.411 9.1), unknown fields, and the order of SETs. */
#include "p1/field_codec.h"

#include "p1/apdu.h"

#include <stdlib.h>
#include <string.h>

/* --- reading --- */

/* The content of ExtensionType: `80 01 nn` and `83 ..` as the standard has
 * it; `a0 03 02 01 nn` and `a3 .. 06 ..` as an older dialect writes it. */
static int
get_type(struct p1_in *in, const struct ber_tlv *t, struct mhs_ext *x)
{
	struct ber_cursor c = ber_children(t);
	struct ber_tlv v = *t;
	int64_t n;

	if (t->tag.constructed && ber_next(&c, &v, in->e) != 1)
		return p1_bad(in, t, "empty extension type");
	if (BER_IS(t->tag, BER_CONTEXT, 0)) {
		if (p1_get_int(in, &v, 0, INT32_MAX, &n) < 0)
			return ERR_SYNTAX;
		x->type = (int32_t)n;
		return 0;
	}
	if (!BER_IS(t->tag, BER_CONTEXT, 3))
		return p1_bad(in, t, "no extension type");
	x->type = -1;
	x->oid = ber_oid_text(in->a, v.value, v.length, in->e);
	return x->oid != NULL ? 0 : p1_bad(in, t, "bad object identifier");
}

static int
get_criticality(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	struct mhs_ext *x = into;
	uint8_t bits;
	int r = p1_get_bits(in, t, &bits);

	if (r >= 0)
		x->criticality = (uint8_t)((bits >> 7 & 1) | (bits >> 5 & 2) |
		    (bits >> 3 & 4));
	return r;
}

static int
get_value(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	struct mhs_ext *x = into;
	struct ber_cursor c = ber_children(t);
	struct ber_tlv v, more;

	if (ber_next(&c, &v, in->e) != 1 || ber_next(&c, &more, in->e) != 0)
		return p1_bad(in, t, "an extension value is one element");
	p1_get_raw(in, &v, &x->value, &x->n);
	return 0;
}

static int
ignore(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	(void)in;
	(void)t;
	(void)into;
	return 0;
}

static const struct p1_field parts[] = {
    {BER_CONTEXT, 0, "type", ignore},
    {BER_CONTEXT, 3, "type", ignore},
    {BER_CONTEXT, 1, "criticality", get_criticality},
    {BER_CONTEXT, 2, "value", get_value},
};

static int
get_ext(struct p1_in *in, const struct ber_tlv *t, struct mhs_ext *x)
{
	struct ber_cursor c = ber_children(t);
	struct ber_tlv type;
	int r;

	if (!BER_IS(t->tag, BER_UNIVERSAL, BER_SEQUENCE) ||
	    ber_next(&c, &type, in->e) != 1)
		return p1_bad(in, t, "not an extension field");
	r = get_type(in, &type, x);
	if (r < 0)
		return r;
	return p1_fields(
	    in, t, parts, sizeof(parts) / sizeof(parts[0]), x, NULL);
}

int
p1_get_exts(struct p1_in *in, const struct ber_tlv *t, struct mhs_exts *out)
{
	struct ber_cursor c = ber_children(t);
	struct ber_tlv field;
	struct mhs_ext *x;
	int r;

	while ((r = ber_next(&c, &field, in->e)) == 1) {
		x = p1_ext_add(in, out);
		r = x == NULL ? ERR_LIMIT : get_ext(in, &field, x);
		if (r < 0)
			return r;
	}
	return r;
}

/* --- writing --- */

/* Explicit tags, [0] and [3] around the universal ones, in the older form. */
static int
put_type(struct buf *out, const struct mhs_ext *x, bool old, struct err *e)
{
	enum ber_class cls = old ? BER_UNIVERSAL : BER_CONTEXT;
	size_t from = out->len;
	struct buf v = {0};
	int r = 0;

	if (x->oid == NULL) {
		ber_put_integer(out, cls, old ? BER_INTEGER : 0, x->type);
	} else {
		r = ber_oid_put(&v, x->oid, e);
		if (r >= 0)
			ber_put(out, cls, old ? BER_OID : 3, v.data, v.len);
		buf_free(&v);
	}
	if (old && r >= 0)
		ber_wrap(out, from, BER_CONTEXT, x->oid == NULL ? 0 : 3);
	return r;
}

static int
put_ext(struct buf *out, const struct mhs_ext *x, bool old, struct err *e)
{
	uint8_t bits = (uint8_t)((x->criticality & 1) << 7 |
	    (x->criticality & 2) << 5 | (x->criticality & 4) << 3);
	size_t from = out->len, value;
	int r = put_type(out, x, old, e);

	if (r < 0)
		return r;
	if (bits != 0)
		p1_put_bits(out, BER_CONTEXT, 1, bits, 0);
	if (x->n > 0) {
		value = out->len;
		buf_append(out, x->value, x->n);
		ber_wrap(out, value, BER_CONTEXT, 2);
	}
	ber_wrap(out, from, BER_UNIVERSAL, BER_SEQUENCE);
	return 0;
}

int
p1_put_exts(struct buf *out, uint32_t number, const struct mhs_exts *x,
    const struct p1_dialect *dialect, struct err *e)
{
	bool old = dialect != NULL && dialect->old_extensions;
	size_t from = out->len;
	int r;

	for (size_t i = 0; i < x->n; i++) {
		if (x->v[i].type == P1_EXT_FIELD)
			continue;
		r = put_ext(out, &x->v[i], old, e);
		if (r < 0)
			return r;
	}
	if (out->len > from)
		p1_wrap_set_of(out, from, BER_CONTEXT, number);
	return 0;
}

void
p1_put_unknown(struct buf *out, const struct mhs_exts *x)
{
	for (size_t i = 0; i < x->n; i++)
		if (x->v[i].type == P1_EXT_FIELD)
			buf_append(out, x->v[i].value, x->v[i].n);
}

/* --- the order of SET and SET OF --- */

static int
by_tag(const void *x, const void *y)
{
	const struct ber_tlv *a = x, *b = y;

	if (a->tag.cls != b->tag.cls)
		return a->tag.cls < b->tag.cls ? -1 : 1;
	if (a->tag.number != b->tag.number)
		return a->tag.number < b->tag.number ? -1 : 1;
	return a->start < b->start ? -1 : 1;
}

/* The shorter counts as padded with zero octets. */
static int
by_octets(const void *x, const void *y)
{
	const struct ber_tlv *a = x, *b = y;
	int r =
	    memcmp(a->start, b->start, a->size < b->size ? a->size : b->size);

	if (r != 0)
		return r;
	return a->size < b->size ? -1 : a->size > b->size;
}

static void
sort(struct buf *out, size_t from, int (*order)(const void *, const void *))
{
	struct ber_cursor c = ber_cursor(out->data + from, out->len - from);
	struct arena *a = arena_new();
	struct ber_tlv *v = NULL, t;
	struct buf sorted = {0};
	size_t n = 0;

	while (ber_next(&c, &t, NULL) == 1)
		*(struct ber_tlv *)arena_push(a, &v, &n, sizeof(*v)) = t;
	if (n > 1)
		qsort(v, n, sizeof(*v), order);
	for (size_t i = 0; i < n; i++)
		buf_append(&sorted, v[i].start, v[i].size);
	if (sorted.len > 0)
		memcpy(out->data + from, sorted.data, sorted.len);
	buf_free(&sorted);
	arena_free(&a);
}

void
p1_sort_set(struct buf *out, size_t from)
{
	sort(out, from, by_tag);
}

void
p1_wrap_set(struct buf *out, size_t from, enum ber_class cls, uint32_t number)
{
	sort(out, from, by_tag);
	ber_wrap(out, from, cls, number);
}

void
p1_wrap_set_of(
    struct buf *out, size_t from, enum ber_class cls, uint32_t number)
{
	sort(out, from, by_octets);
	ber_wrap(out, from, cls, number);
}
