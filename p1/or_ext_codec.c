#include "p1/or_ext_codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "p1/utf16_codec.h"

struct row;
struct value { /* what a decoder works on */
	struct arena *a;
	struct mhs_or *name;
	const struct row *row;
	struct err *e;
};

typedef int get_fn(const struct value *v, const struct ber_tlv *t);
/* Appends the value; appends nothing when there is no attribute for it. */
typedef void put_fn(
    struct p1_or_out *o, const struct row *row, struct buf *out);

static get_fn get_text, get_universal, get_code, get_pds, get_name, get_units,
    get_ddas, get_postal_address, get_network, get_number;
static put_fn put_text, put_universal, put_code, put_pds, put_name, put_units,
    put_ddas, put_postal_address, put_network, put_number;

static const struct row {
	int32_t ext;
	enum mhs_or_type type; /* of the first, where there are several */
	enum mhs_or_form form;
	get_fn *get;
	put_fn *put;
} rows[] = {
#define P MHS_OR_PRINTABLE
#define T MHS_OR_TELETEX
#define U MHS_OR_UNIVERSAL
#define D MHS_OR_NUMERIC
    {1, MHS_OR_COMMON_NAME, P, get_text, put_text},
    {2, MHS_OR_COMMON_NAME, T, get_text, put_text},
    {3, MHS_OR_ORGANIZATION, T, get_text, put_text},
    {4, MHS_OR_SURNAME, T, get_name, put_name},
    {5, MHS_OR_UNIT1, T, get_units, put_units},
    {6, MHS_OR_DDA, T, get_ddas, put_ddas},
    {7, MHS_OR_PDS_NAME, P, get_text, put_text},
    {8, MHS_OR_PD_COUNTRY, P, get_code, put_code},
    {9, MHS_OR_POSTAL_CODE, P, get_code, put_code},
    {10, MHS_OR_PD_OFFICE_NAME, P, get_pds, put_pds},
    {11, MHS_OR_PD_OFFICE_NUMBER, P, get_pds, put_pds},
    {12, MHS_OR_PD_EXT_OR_COMPONENTS, P, get_pds, put_pds},
    {13, MHS_OR_PD_PERSONAL_NAME, P, get_pds, put_pds},
    {14, MHS_OR_PD_ORGANIZATION, P, get_pds, put_pds},
    {15, MHS_OR_PD_EXT_DELIVERY, P, get_pds, put_pds},
    {16, MHS_OR_PD_ADDRESS, P, get_postal_address, put_postal_address},
    {17, MHS_OR_STREET, P, get_pds, put_pds},
    {18, MHS_OR_PO_BOX, P, get_pds, put_pds},
    {19, MHS_OR_POSTE_RESTANTE, P, get_pds, put_pds},
    {20, MHS_OR_UNIQUE_POSTAL_NAME, P, get_pds, put_pds},
    {21, MHS_OR_PD_LOCAL, P, get_pds, put_pds},
    {22, MHS_OR_E163, D, get_network, put_network},
    {23, MHS_OR_TERMINAL_TYPE, D, get_number, put_number},
    {24, MHS_OR_COMMON_NAME, U, get_universal, put_universal},
    {25, MHS_OR_ORGANIZATION, U, get_universal, put_universal},
    {26, MHS_OR_SURNAME, U, get_name, put_name},
    {27, MHS_OR_UNIT1, U, get_units, put_units},
    {28, MHS_OR_DDA, U, get_ddas, put_ddas},
    {29, MHS_OR_PD_OFFICE_NAME, U, get_universal, put_universal},
    {30, MHS_OR_PD_OFFICE_NUMBER, U, get_universal, put_universal},
    {31, MHS_OR_PD_EXT_OR_COMPONENTS, U, get_universal, put_universal},
    {32, MHS_OR_PD_PERSONAL_NAME, U, get_universal, put_universal},
    {33, MHS_OR_PD_ORGANIZATION, U, get_universal, put_universal},
    {34, MHS_OR_PD_EXT_DELIVERY, U, get_universal, put_universal},
    {35, MHS_OR_PD_ADDRESS, U, get_universal, put_universal},
    {36, MHS_OR_STREET, U, get_universal, put_universal},
    {37, MHS_OR_PO_BOX, U, get_universal, put_universal},
    {38, MHS_OR_POSTE_RESTANTE, U, get_universal, put_universal},
    {39, MHS_OR_UNIQUE_POSTAL_NAME, U, get_universal, put_universal},
    {40, MHS_OR_PD_LOCAL, U, get_universal, put_universal},
#undef P
#undef T
#undef U
#undef D
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))
#define PDS_LINES 6 /* ub-pds-physical-address-lines */

/* The universal string type that carries a form. */
static enum ber_universal
string_type(enum mhs_or_form form)
{
	return form == MHS_OR_TELETEX ? BER_TELETEX_STRING
	    : form == MHS_OR_NUMERIC  ? BER_NUMERIC_STRING
				      : BER_PRINTABLE_STRING;
}

static int
wrong(const struct value *v)
{
	return err_set(v->e, "p1", ERR_SYNTAX,
	    "extension attribute %d has another syntax", v->row->ext);
}

/* An empty value says nothing: some peers send it for an absent one. */
static int
add(const struct value *v, enum mhs_or_type type, enum mhs_or_form form,
    const uint8_t *p, size_t n)
{
	if (n == 0)
		return 0;
	return mhs_or_add(v->a, v->name, type, form, (const char *)p, n, v->e);
}

static bool
is_universal(const struct ber_tlv *t, enum ber_universal u)
{
	return BER_IS(t->tag, BER_UNIVERSAL, (uint32_t)u);
}

/* UniversalOrBMPString as UTF-8. One with a language code is left to be kept
 * raw: the model has no place for the language. */
static int
universal_text(const struct value *v, const struct ber_tlv *t, struct buf *out)
{
	struct ber_cursor c = ber_children(t);
	struct ber_tlv s, more;
	unsigned width;

	if (!t->tag.constructed || ber_next(&c, &s, v->e) != 1)
		return wrong(v);
	width = is_universal(&s, BER_BMP_STRING)     ? 2
	    : is_universal(&s, BER_UNIVERSAL_STRING) ? 4
						     : 0;
	if (width == 0 || !p1_ucs_to_utf8(s.value, s.length, width, out) ||
	    ber_next(&c, &more, v->e) != 0)
		return wrong(v);
	return 0;
}

static int
get_one(const struct value *v, enum mhs_or_type type, const struct ber_tlv *t)
{
	struct buf text = {0};
	int r;

	if (v->row->form != MHS_OR_UNIVERSAL)
		return add(v, type, v->row->form, t->value, t->length);
	r = universal_text(v, t, &text);
	if (r >= 0)
		r = add(v, type, MHS_OR_UNIVERSAL, text.data, text.len);
	buf_free(&text);
	return r;
}

static void
put_universal_text(const char *p, size_t n, struct buf *out)
{
	struct buf ucs = {0};
	unsigned width;

	if (p1_utf8_to_ucs((const uint8_t *)p, n, &width, &ucs))
		ber_put(out, BER_UNIVERSAL,
		    width == 2 ? BER_BMP_STRING : BER_UNIVERSAL_STRING,
		    ucs.data, ucs.len);
	buf_free(&ucs);
}

/* A text of the row's form, as an element with this tag or, for number -1,
 * with its own. */
static void
put_one(
    const struct row *row, const char *p, size_t n, int number, struct buf *out)
{
	size_t from = out->len;

	if (row->form == MHS_OR_UNIVERSAL) {
		put_universal_text(p, n, out);
		if (number < 0)
			ber_wrap(out, from, BER_UNIVERSAL, BER_SET);
		else
			ber_wrap(out, from, BER_CONTEXT, (uint32_t)number);
	} else if (number < 0) {
		ber_put(out, BER_UNIVERSAL, string_type(row->form), p, n);
	} else {
		ber_put(out, BER_CONTEXT, (uint32_t)number, p, n);
	}
}

/* PrintableString or TeletexString */
static int
get_text(const struct value *v, const struct ber_tlv *t)
{
	if (!is_universal(t, string_type(v->row->form)))
		return wrong(v);
	return get_one(v, v->row->type, t);
}

static void
put_text(struct p1_or_out *o, const struct row *row, struct buf *out)
{
	const struct mhs_or_attr *at = p1_or_take(o, row->type, row->form);

	if (at != NULL)
		put_one(row, at->value, at->n, -1, out);
}

/* UniversalOrBMPString */
static int
get_universal(const struct value *v, const struct ber_tlv *t)
{
	return is_universal(t, BER_SET) ? get_one(v, v->row->type, t)
					: wrong(v);
}

static void
put_universal(struct p1_or_out *o, const struct row *row, struct buf *out)
{
	put_text(o, row, out);
}

/* PhysicalDeliveryCountryName, PostalCode: numeric or printable */
static int
get_code(const struct value *v, const struct ber_tlv *t)
{
	if (is_universal(t, BER_NUMERIC_STRING))
		return add(
		    v, v->row->type, MHS_OR_NUMERIC, t->value, t->length);
	if (is_universal(t, BER_PRINTABLE_STRING))
		return add(
		    v, v->row->type, MHS_OR_PRINTABLE, t->value, t->length);
	return wrong(v);
}

static void
put_code(struct p1_or_out *o, const struct row *row, struct buf *out)
{
	const struct mhs_or_attr *at = p1_or_take(o, row->type, MHS_OR_NUMERIC);

	if (at == NULL)
		at = p1_or_take(o, row->type, MHS_OR_PRINTABLE);
	if (at != NULL)
		ber_put(out, BER_UNIVERSAL, string_type(at->form), at->value,
		    at->n);
}

/* PDSParameter: SET of a printable and a teletex form, each optional */
static int
get_pds(const struct value *v, const struct ber_tlv *t)
{
	struct ber_cursor c = ber_children(t);
	struct ber_tlv s;
	int r;

	if (!is_universal(t, BER_SET))
		return wrong(v);
	while ((r = ber_next(&c, &s, v->e)) == 1) {
		bool teletex = is_universal(&s, BER_TELETEX_STRING);

		if (!teletex && !is_universal(&s, BER_PRINTABLE_STRING))
			return wrong(v);
		r = add(v, v->row->type,
		    teletex ? MHS_OR_TELETEX : MHS_OR_PRINTABLE, s.value,
		    s.length);
		if (r < 0)
			return r;
	}
	return r;
}

static void
put_pds(struct p1_or_out *o, const struct row *row, struct buf *out)
{
	static const enum mhs_or_form forms[] = {
	    MHS_OR_PRINTABLE, MHS_OR_TELETEX};
	size_t from = out->len;

	for (size_t i = 0; i < 2; i++) {
		const struct mhs_or_attr *at =
		    p1_or_take(o, row->type, forms[i]);

		if (at != NULL)
			ber_put(out, BER_UNIVERSAL, string_type(at->form),
			    at->value, at->n);
	}
	if (out->len > from)
		ber_wrap(out, from, BER_UNIVERSAL, BER_SET);
}

/* TeletexPersonalName, UniversalPersonalName: SET of [0] .. [3] */
static int
get_name(const struct value *v, const struct ber_tlv *t)
{
	struct ber_cursor c = ber_children(t);
	struct ber_tlv s;
	int r;

	if (!is_universal(t, BER_SET))
		return wrong(v);
	while ((r = ber_next(&c, &s, v->e)) == 1) {
		if (s.tag.cls != BER_CONTEXT || s.tag.number > 3)
			return wrong(v);
		r = get_one(
		    v, (enum mhs_or_type)(MHS_OR_SURNAME + s.tag.number), &s);
		if (r < 0)
			return r;
	}
	return r;
}

static void
put_name(struct p1_or_out *o, const struct row *row, struct buf *out)
{
	size_t from = out->len;

	for (int i = 0; i < 4; i++) {
		const struct mhs_or_attr *at = p1_or_take(
		    o, (enum mhs_or_type)(MHS_OR_SURNAME + i), row->form);

		if (at != NULL)
			put_one(row, at->value, at->n, i, out);
	}
	if (out->len > from)
		ber_wrap(out, from, BER_UNIVERSAL, BER_SET);
}

/* Teletex- and UniversalOrganizationalUnitNames: SEQUENCE OF */
static int
get_units(const struct value *v, const struct ber_tlv *t)
{
	struct ber_cursor c = ber_children(t);
	enum mhs_or_type type = MHS_OR_UNIT1;
	struct ber_tlv s;
	int r;

	if (!is_universal(t, BER_SEQUENCE))
		return wrong(v);
	while ((r = ber_next(&c, &s, v->e)) == 1) {
		if (type > MHS_OR_UNIT4)
			return wrong(v);
		r = get_one(v, type++, &s);
		if (r < 0)
			return r;
	}
	return r;
}

static void
put_units(struct p1_or_out *o, const struct row *row, struct buf *out)
{
	size_t from = out->len;

	for (int i = 0; i < P1_OR_UNITS; i++) {
		const struct mhs_or_attr *at = p1_or_take(
		    o, (enum mhs_or_type)(MHS_OR_UNIT1 + i), row->form);

		if (at != NULL)
			put_one(row, at->value, at->n, -1, out);
	}
	if (out->len > from)
		ber_wrap(out, from, BER_UNIVERSAL, BER_SEQUENCE);
}

/* Teletex- and UniversalDomainDefinedAttributes: SEQUENCE OF {type, value} */
static int
get_dda(const struct value *v, const struct ber_tlv *type,
    const struct ber_tlv *value)
{
	struct buf x = {0}, y = {0};
	int r = 0;

	if (v->row->form == MHS_OR_UNIVERSAL) {
		r = universal_text(v, type, &x);
		if (r >= 0)
			r = universal_text(v, value, &y);
	} else {
		buf_append(&x, type->value, type->length);
		buf_append(&y, value->value, value->length);
	}
	if (r >= 0)
		r = p1_or_add_dda(v->a, v->name, v->row->form,
		    (struct octets){x.data, x.len},
		    (struct octets){y.data, y.len}, v->e);
	buf_free(&x);
	buf_free(&y);
	return r;
}

static int
get_ddas(const struct value *v, const struct ber_tlv *t)
{
	struct ber_cursor c = ber_children(t), pair;
	struct ber_tlv s, type, value;
	int r;

	if (!is_universal(t, BER_SEQUENCE))
		return wrong(v);
	while ((r = ber_next(&c, &s, v->e)) == 1) {
		if (!is_universal(&s, BER_SEQUENCE))
			return wrong(v);
		pair = ber_children(&s);
		if (ber_next(&pair, &type, v->e) != 1 ||
		    ber_next(&pair, &value, v->e) != 1)
			return wrong(v);
		r = get_dda(v, &type, &value);
		if (r < 0)
			return r;
	}
	return r;
}

static void
put_ddas(struct p1_or_out *o, const struct row *row, struct buf *out)
{
	size_t from = out->len;
	const struct mhs_or_attr *at;

	while ((at = p1_or_take(o, MHS_OR_DDA, row->form)) != NULL) {
		size_t pair = out->len;

		put_one(row, at->dda_type, at->dda_type_n, -1, out);
		put_one(row, at->value, at->n, -1, out);
		ber_wrap(out, pair, BER_UNIVERSAL, BER_SEQUENCE);
	}
	if (out->len > from)
		ber_wrap(out, from, BER_UNIVERSAL, BER_SEQUENCE);
}

/* UnformattedPostalAddress: lines of printable text, joined by '|' */
static int
get_lines(const struct value *v, const struct ber_tlv *t)
{
	struct ber_cursor c = ber_children(t);
	struct buf text = {0};
	struct ber_tlv s;
	size_t lines = 0;
	int r;

	while ((r = ber_next(&c, &s, v->e)) == 1) {
		if (!is_universal(&s, BER_PRINTABLE_STRING) ||
		    lines == PDS_LINES) {
			r = wrong(v);
			break;
		}
		if (lines++ > 0)
			buf_putc(&text, '|');
		buf_append(&text, s.value, s.length);
	}
	if (r >= 0)
		r = add(v, v->row->type, MHS_OR_PRINTABLE, text.data, text.len);
	buf_free(&text);
	return r;
}

static int
get_postal_address(const struct value *v, const struct ber_tlv *t)
{
	struct ber_cursor c = ber_children(t);
	struct ber_tlv s;
	int r;

	if (!is_universal(t, BER_SET))
		return wrong(v);
	while ((r = ber_next(&c, &s, v->e)) == 1) {
		if (is_universal(&s, BER_SEQUENCE))
			r = get_lines(v, &s);
		else if (is_universal(&s, BER_TELETEX_STRING))
			r = add(
			    v, v->row->type, MHS_OR_TELETEX, s.value, s.length);
		else
			r = wrong(v);
		if (r < 0)
			return r;
	}
	return r;
}

static void
put_lines(const struct mhs_or_attr *at, struct buf *out)
{
	const char *p = at->value, *end = p + at->n;
	size_t from = out->len;

	for (;;) {
		const char *bar = memchr(p, '|', (size_t)(end - p));
		const char *stop = bar != NULL ? bar : end;

		ber_put(out, BER_UNIVERSAL, BER_PRINTABLE_STRING, p,
		    (size_t)(stop - p));
		if (bar == NULL)
			break;
		p = bar + 1;
	}
	ber_wrap(out, from, BER_UNIVERSAL, BER_SEQUENCE);
}

static void
put_postal_address(struct p1_or_out *o, const struct row *row, struct buf *out)
{
	const struct mhs_or_attr *at =
	    p1_or_take(o, row->type, MHS_OR_PRINTABLE);
	size_t from = out->len;

	if (at != NULL)
		put_lines(at, out);
	at = p1_or_take(o, row->type, MHS_OR_TELETEX);
	if (at != NULL)
		ber_put(
		    out, BER_UNIVERSAL, BER_TELETEX_STRING, at->value, at->n);
	if (out->len > from)
		ber_wrap(out, from, BER_UNIVERSAL, BER_SET);
}

/* ExtendedNetworkAddress: E.163/4 number [*sub-address], or a PSAP address */
static int
get_e163(const struct value *v, const struct ber_tlv *t)
{
	struct ber_tlv number, sub;
	struct buf text = {0};
	int r;

	if (ber_find(t, BER_CONTEXT, 0, &number, v->e) != 1)
		return wrong(v);
	buf_append(&text, number.value, number.length);
	r = ber_find(t, BER_CONTEXT, 1, &sub, v->e);
	if (r == 1) {
		buf_putc(&text, '*');
		buf_append(&text, sub.value, sub.length);
	}
	if (r >= 0)
		r = add(v, MHS_OR_E163, MHS_OR_NUMERIC, text.data, text.len);
	buf_free(&text);
	return r;
}

static int
get_network(const struct value *v, const struct ber_tlv *t)
{
	if (is_universal(t, BER_SEQUENCE))
		return get_e163(v, t);
	if (BER_IS(t->tag, BER_CONTEXT, 0))
		return add(v, MHS_OR_PSAP, MHS_OR_RAW, t->start, t->size);
	return wrong(v);
}

static void
put_network(struct p1_or_out *o, const struct row *row, struct buf *out)
{
	const struct mhs_or_attr *at = p1_or_take(o, MHS_OR_PSAP, MHS_OR_RAW);
	const char *star;
	size_t from = out->len, n;

	if (at != NULL) {
		buf_append(out, at->value, at->n);
		return;
	}
	at = p1_or_take(o, row->type, row->form);
	if (at == NULL)
		return;
	star = memchr(at->value, '*', at->n);
	n = star != NULL ? (size_t)(star - at->value) : at->n;
	ber_put(out, BER_CONTEXT, 0, at->value, n);
	if (star != NULL)
		ber_put(out, BER_CONTEXT, 1, star + 1, at->n - n - 1);
	ber_wrap(out, from, BER_UNIVERSAL, BER_SEQUENCE);
}

/* TerminalType: INTEGER, in the model a decimal number */
static int
get_number(const struct value *v, const struct ber_tlv *t)
{
	char text[24];
	int64_t n;

	if (!is_universal(t, BER_INTEGER) || ber_integer(t, &n, v->e) < 0 ||
	    n < 0 || n > INT32_MAX)
		return wrong(v);
	snprintf(text, sizeof(text), "%lld", (long long)n);
	return add(
	    v, v->row->type, v->row->form, (const uint8_t *)text, strlen(text));
}

static void
put_number(struct p1_or_out *o, const struct row *row, struct buf *out)
{
	const struct mhs_or_attr *at = p1_or_take(o, row->type, row->form);

	if (at != NULL)
		ber_put_integer(out, BER_UNIVERSAL, BER_INTEGER,
		    strtoll(at->value, NULL, 10));
}

/* --- the table's users --- */

static const struct row *
row_of(int32_t ext)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].ext == ext)
			return &rows[i];
	return NULL;
}

/* Decodes on the side first, so that a value of which one part is wrong
 * leaves nothing behind. */
static bool
well_formed(const struct row *row, const uint8_t *value, size_t n)
{
	struct arena *a = arena_new();
	struct value v = {.a = a, .name = mhs_or_new(a), .row = row};
	struct ber_cursor c = ber_cursor(value, n);
	struct ber_tlv t;
	bool good = ber_next(&c, &t, NULL) == 1 && row->get(&v, &t) >= 0;

	arena_free(&a);
	return good;
}

int
p1_or_ext_decode(struct arena *a, struct mhs_or *name, int32_t type,
    const uint8_t *value, size_t n, struct err *e)
{
	const struct row *row = row_of(type);
	struct value v = {.a = a, .name = name, .row = row, .e = e};
	struct ber_cursor c = ber_cursor(value, n);
	struct ber_tlv t;

	if (row == NULL || !well_formed(row, value, n))
		return mhs_or_add_unknown(a, name, type, value, n, e);
	return ber_next(&c, &t, e) == 1 ? row->get(&v, &t) : ERR_SYNTAX;
}

const struct mhs_or_attr *
p1_or_take(struct p1_or_out *o, enum mhs_or_type type, enum mhs_or_form form)
{
	for (size_t i = 0; i < o->name->n_attrs; i++) {
		const struct mhs_or_attr *at = &o->name->attrs[i];

		if (at->type == type && at->form == form && !o->taken[i]) {
			o->taken[i] = true;
			return at;
		}
	}
	return NULL;
}

static void
set_value(struct arena *a, struct p1_or_ext *x, int32_t type, struct buf *b)
{
	x->type = type;
	x->n = b->len;
	x->value = arena_memdup(a, b->data, b->len);
	buf_free(b);
}

bool
p1_or_ext_encode(struct arena *a, struct p1_or_out *o, struct p1_or_ext *x)
{
	const struct mhs_or_attr *at;
	struct buf b = {0};

	while (o->row < ROWS) {
		const struct row *row = &rows[o->row++];

		row->put(o, row, &b);
		if (b.len > 0) {
			set_value(a, x, row->ext, &b);
			return true;
		}
	}
	at = p1_or_take(o, MHS_OR_UNKNOWN, MHS_OR_RAW);
	if (at == NULL)
		return false;
	*x =
	    (struct p1_or_ext){at->ext_type, (const uint8_t *)at->value, at->n};
	return true;
}

int
p1_or_add_dda(struct arena *a, struct mhs_or *name, enum mhs_or_form form,
    struct octets type, struct octets value, struct err *e)
{
	if ((type.n > 0 && memchr(type.p, 0, type.n) != NULL) ||
	    (value.n > 0 && memchr(value.p, 0, value.n) != NULL))
		return err_set(e, "p1", ERR_SYNTAX,
		    "a domain-defined attribute contains NUL");
	return mhs_or_add_dda(a, name, form,
	    type.n > 0 ? arena_strndup(a, (const char *)type.p, type.n) : "",
	    value.n > 0 ? arena_strndup(a, (const char *)value.p, value.n) : "",
	    e);
}
