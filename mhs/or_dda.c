/*
 * Domain-defined attributes in text (RFC 2156 4.1.3, RFC 1685 F.3.2.3).
 */
#include "mhs/or_parse.h"

#include <string.h>
#include <strings.h>

#include "mhs/or_charset.h"

static int
add_dda(struct parser *p, enum mhs_or_form form, const char *type,
    const char *value, const struct pair *x)
{
	int r = mhs_or_add_dda(p->a, p->o, form, type, value, p->e);

	if (r < 0 && p->e != NULL)
		p->e->offset = x->value.at;
	return r;
}

/* In an address for the gateway '@' and such stand as they are in the
 * mailbox; as a PrintableString they are "(a)" (RFC 2156 3.4). */
static const char *
rfc822_value(struct parser *p, const struct chars *s)
{
	static const struct {
		char c;
		const char *code;
	} codes[] = {
	    {'@', "(a)"},
	    {'%', "(p)"},
	    {'!', "(b)"},
	    {'"', "(q)"},
	    {'_', "(u)"},
	};
	struct buf b = {0};
	const char *t;

	for (size_t i = 0; i < s->n; i++) {
		unsigned char c = (unsigned char)s->v[i].c;
		size_t k = 0;

		while (k < sizeof(codes) / sizeof(codes[0]) &&
		    (unsigned char)codes[k].c != c)
			k++;
		if (k < sizeof(codes) / sizeof(codes[0]))
			buf_puts(&b, codes[k].code);
		else if (c >= 0x80 || mhs_printable_char(c))
			buf_putc(&b, c);
		else
			buf_printf(&b, "(%03u)", c);
	}
	t = arena_strdup(p->a, buf_cstr(&b));
	buf_free(&b);
	return t;
}

static bool
all_ascii(const struct chars *s)
{
	for (size_t i = 0; i < s->n; i++)
		if ((unsigned char)s->v[i].c >= 0x80)
			return false;
	return true;
}

static int
dda_rfc822(struct parser *p, const struct pair *x)
{
	if (mhs_or_chars_wildcard(&x->value))
		return add_dda(p, MHS_OR_PRINTABLE, "RFC-822", "*", x);
	return add_dda(
	    p, MHS_OR_PRINTABLE, "RFC-822", rfc822_value(p, &x->value), x);
}

/* The type in the form of the value: T.61 and UTF-8 have all of ASCII that
 * can stand in a printable type. */
static const char *
type_in_form(struct parser *p, const struct value *type, enum mhs_or_form form)
{
	struct octets o;

	if (form == type->form || form == MHS_OR_PRINTABLE)
		return type->text;
	if (form == MHS_OR_UNIVERSAL)
		return type->form == MHS_OR_TELETEX
		    ? mhs_t61_to_utf8(p->a, type->text, type->n)
		    : type->text;
	if (mhs_utf8_to_t61(p->a, type->text, type->n, &o))
		return (const char *)o.p;
	return type->text;
}

/* "Key and value shall have the same encoding" (RFC 2156 4.1.3): the form that
 * both can have. */
static enum mhs_or_form
common_form(const struct value *type, const struct value *v)
{
	if (type->form == MHS_OR_UNIVERSAL || v->form == MHS_OR_PRINTABLE)
		return type->form;
	return v->form;
}

static int
add_half(struct parser *p, const struct value *type, const struct value *v,
    const struct pair *x)
{
	enum mhs_or_form form = common_form(type, v);
	const char *text = v->text;

	if (form == MHS_OR_UNIVERSAL && v->form == MHS_OR_TELETEX)
		text = mhs_t61_to_utf8(p->a, v->text, v->n);
	return add_dda(p, form, type_in_form(p, type, form), text, x);
}

/* The halves of the value, as far as they are there. */
static int
read_value(struct parser *p, const struct pair *x, const struct value *type,
    const struct value *type_t, struct value *v, struct value *v_t)
{
	if (!type->present && type_t->present &&
	    mhs_or_chars_wildcard(&x->value)) {
		/* "DD.*t=*": a teletex value without octets */
		*v = (struct value){0};
		*v_t = (struct value){true, type_t->form, "", 0, x->value.at};
		return 0;
	}
	return mhs_or_teletex_and_or_ps(p, &x->value, false, v, v_t);
}

static int
parse_dda(struct parser *p, const struct pair *x)
{
	struct value type, type_t, v, v_t;
	int r;

	if ((r = mhs_or_teletex_and_or_ps(
		 p, &x->dda_type, false, &type, &type_t)) < 0)
		return r;
	if (type.present && strcasecmp(type.text, "RFC-822") == 0 &&
	    all_ascii(&x->value))
		return dda_rfc822(p, x);
	if ((r = read_value(p, x, &type, &type_t, &v, &v_t)) < 0)
		return r;
	if (!type.present)
		type = type_t;
	if (!type_t.present)
		type_t = type;
	if (v.present && v_t.present &&
	    common_form(&type, &v) == common_form(&type_t, &v_t))
		return mhs_or_fail_at(p, ERR_SYNTAX, v_t.at,
		    "domain-defined attribute twice in one form");
	if (v.present && (r = add_half(p, &type, &v, x)) < 0)
		return r;
	return v_t.present ? add_half(p, &type_t, &v_t, x) : 0;
}

int
mhs_or_parse_ddas(struct parser *p, unsigned number)
{
	/* F.401 lists DDAs in their order; RFC 2156 has the first on the
	 * right, with all that is most significant */
	bool forward = !p->slash || p->inverted || number > 0;
	int r;

	for (size_t k = 0; k < p->n_pairs; k++) {
		const struct pair *x =
		    &p->pairs[forward ? k : p->n_pairs - 1 - k];

		if (x->dda != number)
			continue;
		r = x->dda_rfc822 ? dda_rfc822(p, x) : parse_dda(p, x);
		if (r < 0)
			return r;
	}
	return 0;
}
