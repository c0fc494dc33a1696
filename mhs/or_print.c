#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mhs/or.h"
#include "mhs/or_charset.h"
#include "mhs/or_keys.h"

#define ESC 0x1b
#define UTF8_ESCAPE "\x1b%G"
#define LINES 6

/* RFC 2156 4.3.3: the most significant on the right. */
static const enum mhs_or_type slash_order[] = {
    MHS_OR_UNKNOWN,
    MHS_OR_DDA,
    MHS_OR_TERMINAL_TYPE,
    MHS_OR_PSAP,
    MHS_OR_E163,
    MHS_OR_PD_PERSONAL_NAME,
    MHS_OR_PD_EXT_OR_COMPONENTS,
    MHS_OR_PD_EXT_DELIVERY,
    MHS_OR_PD_OFFICE_NUMBER,
    MHS_OR_PD_OFFICE_NAME,
    MHS_OR_PD_ORGANIZATION,
    MHS_OR_STREET,
    MHS_OR_PD_ADDRESS,
    MHS_OR_UNIQUE_POSTAL_NAME,
    MHS_OR_PD_LOCAL,
    MHS_OR_POSTE_RESTANTE,
    MHS_OR_PO_BOX,
    MHS_OR_POSTAL_CODE,
    MHS_OR_PDS_NAME,
    MHS_OR_PD_COUNTRY,
    MHS_OR_TERMINAL_ID,
    MHS_OR_NETWORK_ADDRESS,
    MHS_OR_NUMERIC_ID,
    MHS_OR_COMMON_NAME,
    MHS_OR_GIVEN_NAME,
    MHS_OR_INITIALS,
    MHS_OR_SURNAME,
    MHS_OR_GENERATION,
    MHS_OR_UNIT4,
    MHS_OR_UNIT3,
    MHS_OR_UNIT2,
    MHS_OR_UNIT1,
    MHS_OR_ORGANIZATION,
    MHS_OR_PRMD,
    MHS_OR_ADMD,
    MHS_OR_COUNTRY,
};

/* RFC 1685: Table F.1 in its order; what is not in it comes before. */
static const enum mhs_or_type label_order[] = {
    MHS_OR_UNKNOWN,
    MHS_OR_DDA,
    MHS_OR_NETWORK_ADDRESS,
    MHS_OR_E163,
    MHS_OR_PSAP,
    MHS_OR_NUMERIC_ID,
    MHS_OR_TERMINAL_ID,
    MHS_OR_TERMINAL_TYPE,
    MHS_OR_PD_PERSONAL_NAME,
    MHS_OR_PD_EXT_OR_COMPONENTS,
    MHS_OR_PD_EXT_DELIVERY,
    MHS_OR_PD_OFFICE_NUMBER,
    MHS_OR_PD_OFFICE_NAME,
    MHS_OR_PD_ORGANIZATION,
    MHS_OR_STREET,
    MHS_OR_PD_ADDRESS,
    MHS_OR_UNIQUE_POSTAL_NAME,
    MHS_OR_PD_LOCAL,
    MHS_OR_POSTE_RESTANTE,
    MHS_OR_PO_BOX,
    MHS_OR_POSTAL_CODE,
    MHS_OR_PDS_NAME,
    MHS_OR_PD_COUNTRY,
    MHS_OR_GIVEN_NAME,
    MHS_OR_INITIALS,
    MHS_OR_SURNAME,
    MHS_OR_GENERATION,
    MHS_OR_COMMON_NAME,
    MHS_OR_ORGANIZATION,
    MHS_OR_UNIT1,
    MHS_OR_UNIT2,
    MHS_OR_UNIT3,
    MHS_OR_UNIT4,
    MHS_OR_PRMD,
    MHS_OR_ADMD,
    MHS_OR_COUNTRY,
};

#define COUNT(v) (sizeof(v) / sizeof((v)[0]))
_Static_assert(COUNT(slash_order) == MHS_OR_TYPES, "all types have a place");
_Static_assert(COUNT(label_order) == MHS_OR_TYPES, "all types have a place");

/* --- strings of the slash form --- */

/* A space behind a space is escaped too: RFC 2156 4.3.4 takes no local part
 * with two of them for attributes. */
static void
put_escaped(struct buf *out, unsigned char c)
{
	bool second =
	    c == ' ' && out->len > 0 && out->data[out->len - 1] == ' ';

	if (second || c == '/' || c == '=' || !mhs_printable_char(c))
		buf_putc(out, '$');
	buf_putc(out, c);
}

/* EBNF.std-printablestring; '|' stands between the lines of PD-ADDRESS. */
static void
put_printable(struct buf *out, const char *p, size_t n, bool lines)
{
	for (size_t i = 0; i < n; i++) {
		if (lines && p[i] == '|')
			buf_putc(out, '|');
		else
			put_escaped(out, (unsigned char)p[i]);
	}
}

/* The wildcard of prefixes is no printable string, but stands alone. */
static bool
put_wildcard(struct buf *out, const char *p, size_t n)
{
	if (n != 1 || p[0] != '*')
		return false;
	buf_putc(out, '*');
	return true;
}

/* EBNF.teletex-string. What an escape sequence sets holds only inside one
 * pair of braces, so from the first one on all is in braces. Braces that begin
 * with the escape to UTF-8 are a universal string; in a teletex one that of
 * T.61, which is in force anyway, goes before it. */
static void
put_teletex(struct buf *out, const char *p, size_t n)
{
	bool inside = false, escaped = false;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		bool coded;

		escaped = escaped || c == ESC;
		coded = escaped || !mhs_printable_char(c);
		if (coded != inside)
			buf_putc(out, coded ? '{' : '}');
		if (!inside && n - i >= 3 && memcmp(p + i, UTF8_ESCAPE, 3) == 0)
			buf_puts(out, "027037064");
		inside = coded;
		if (coded)
			buf_printf(out, "%03u", c);
		else
			put_escaped(out, c);
	}
	if (inside)
		buf_putc(out, '}');
}

/* The same for UTF-8: each group of braces begins with its escape, and there
 * is at least one, which tells it from teletex. */
static void
put_universal(struct buf *out, const char *p, size_t n)
{
	bool inside = false;

	if (mhs_printable(p, n))
		buf_puts(out, "{027037071}");

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		bool coded = !mhs_printable_char(c);

		if (coded && !inside)
			buf_puts(out, "{027037071");
		if (!coded && inside)
			buf_putc(out, '}');
		inside = coded;
		if (coded)
			buf_printf(out, "%03u", c);
		else
			put_escaped(out, c);
	}
	if (inside)
		buf_putc(out, '}');
}

/* --- the slash form --- */

/* The forms that one attribute type is there in. */
struct variants {
	const struct mhs_or_attr *printable, *teletex, *universal;
};

static bool
as_printable(const struct mhs_or_attr *at)
{
	return mhs_printable(at->value, at->n);
}

static bool
same_octets(const struct mhs_or_attr *x, const struct mhs_or_attr *y)
{
	return x->n == y->n && memcmp(x->value, y->value, x->n) == 0;
}

/* RFC 2156 4.1.1: characters of PrintableString are shown as such, once. */
static struct variants
variants(const struct mhs_or *o, enum mhs_or_type type)
{
	struct variants v = {0};

	for (size_t i = 0; i < o->n_attrs; i++) {
		const struct mhs_or_attr *at = &o->attrs[i];

		if (at->type != type)
			continue;
		switch (at->form) {
		case MHS_OR_PRINTABLE:
		case MHS_OR_NUMERIC: v.printable = at; break;
		case MHS_OR_TELETEX: v.teletex = at; break;
		case MHS_OR_UNIVERSAL: v.universal = at; break;
		case MHS_OR_RAW: break;
		}
	}
	if (v.teletex != NULL && as_printable(v.teletex) &&
	    (v.printable == NULL || same_octets(v.printable, v.teletex))) {
		v.printable = v.teletex;
		v.teletex = NULL;
	}
	if (v.universal != NULL && as_printable(v.universal) &&
	    (v.printable == NULL || same_octets(v.printable, v.universal))) {
		v.printable = v.universal;
		v.universal = NULL;
	}
	return v;
}

static bool
is_unit(enum mhs_or_type type)
{
	return type >= MHS_OR_UNIT1 && type <= MHS_OR_UNIT4;
}

/* Do the units count from OU1 without a gap, each in one pair? Then they go
 * by the key OU, and their places tell their numbers. */
static bool
units_are_plain(const struct mhs_or *o)
{
	bool ended = false;

	for (enum mhs_or_type t = MHS_OR_UNIT1; t <= MHS_OR_UNIT4; t++) {
		struct variants v = variants(o, t);

		if (v.teletex != NULL && v.universal != NULL)
			return false;
		if (mhs_or_get(o, t) == NULL)
			ended = true;
		else if (ended)
			return false;
	}
	return true;
}

static void
put_terminal_type(struct buf *out, const struct mhs_or_attr *at)
{
	const char *name = mhs_or_terminal_name(strtol(at->value, NULL, 10));

	if (at->n == 1 && at->value[0] == '*')
		buf_putc(out, '*');
	else
		buf_printf(out, "%s(%s)", name != NULL ? name : "", at->value);
}

static void
put_hex(struct buf *out, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%02x", (unsigned char)p[i]);
}

/* A presentation address, or as a raw extension attribute (22 is
 * extended-network-address). */
static void
put_psap(struct buf *out, const char *key, const struct mhs_or_attr *at)
{
	size_t from = out->len;

	buf_printf(out, "%s=", key);
	if (mhs_or_psap_put(out, (const uint8_t *)at->value, at->n))
		return;
	out->len = from;
	buf_puts(out, "EXT-22=");
	put_hex(out, at->value, at->n);
}

/* '/' inside the text of a presentation address is escaped. */
static void
slash_psap(struct buf *out, const struct mhs_or_attr *at)
{
	struct buf b = {0};

	put_psap(&b, mhs_or_key(MHS_OR_PSAP), at);
	buf_putc(out, '/');
	for (size_t i = 0; i < b.len; i++) {
		if (b.data[i] == '/')
			buf_putc(out, '$');
		buf_putc(out, b.data[i]);
	}
	buf_free(&b);
}

/* "number*sub-address" under its two keys */
static void
slash_number(struct buf *out, const struct mhs_or_attr *at)
{
	const char *star = strchr(at->value, '*');
	size_t n = star == NULL ? at->n : (size_t)(star - at->value);

	buf_puts(out, "/NET-NUM=");
	if (put_wildcard(out, at->value, at->n))
		return;
	put_printable(out, at->value, n, false);
	if (star == NULL)
		return;
	buf_puts(out, "/NET-SUB=");
	put_printable(out, star + 1, at->n - n - 1, false);
}

static void
slash_strings(struct buf *out, const char *key, enum mhs_or_type type,
    const struct variants *v)
{
	buf_printf(out, "/%s=", key);
	if (v->printable != NULL && v->teletex == NULL &&
	    v->universal == NULL &&
	    put_wildcard(out, v->printable->value, v->printable->n))
		return;
	if (v->printable != NULL)
		put_printable(out, v->printable->value, v->printable->n,
		    type == MHS_OR_PD_ADDRESS);
	if (v->teletex != NULL) {
		buf_putc(out, '*');
		put_teletex(out, v->teletex->value, v->teletex->n);
	}
	if (v->universal == NULL)
		return;
	if (v->teletex != NULL)
		buf_printf(out, "/%s=", key);
	buf_putc(out, '*');
	put_universal(out, v->universal->value, v->universal->n);
}

static void
slash_attribute(
    struct buf *out, const struct mhs_or *o, enum mhs_or_type type, bool plain)
{
	const struct mhs_or_attr *at = mhs_or_get(o, type);
	struct variants v = variants(o, type);

	if (at == NULL)
		return;
	if (type == MHS_OR_PSAP) {
		slash_psap(out, at);
	} else if (type == MHS_OR_E163) {
		slash_number(out, at);
	} else if (type == MHS_OR_TERMINAL_TYPE) {
		buf_puts(out, "/T-TY=");
		put_terminal_type(out, at);
	} else {
		slash_strings(out,
		    plain && is_unit(type) ? "OU" : mhs_or_key(type), type, &v);
	}
}

static void
put_form(struct buf *out, enum mhs_or_form form, const char *p, size_t n)
{
	if (form == MHS_OR_PRINTABLE) {
		if (!put_wildcard(out, p, n))
			put_printable(out, p, n, false);
		return;
	}
	buf_putc(out, '*');
	if (form == MHS_OR_TELETEX)
		put_teletex(out, p, n);
	else
		put_universal(out, p, n);
}

static const char *
dda_type(struct arena *a, const struct mhs_or_attr *at)
{
	return at->form == MHS_OR_TELETEX
	    ? mhs_t61_to_utf8(a, at->dda_type, at->dda_type_n)
	    : at->dda_type;
}

/* The DDAs of an address, with what tells which of them belong together: the
 * k-th of one type in each form say the same. */
struct dda {
	const struct mhs_or_attr *at;
	const char *kind; /* its type in UTF-8 */
	size_t ordinal;   /* among those of its kind and form */
};

struct ddas {
	struct dda v[MHS_OR_ATTRS_MAX];
	size_t n;
};

static bool
same_dda(const struct dda *x, const char *kind, enum mhs_or_form form)
{
	return x->at->form == form &&
	    mhs_text_equal(x->kind, strlen(x->kind), kind, strlen(kind));
}

static void
collect_ddas(struct arena *a, struct ddas *d, const struct mhs_or *o)
{
	d->n = 0;
	for (size_t i = 0; i < o->n_attrs; i++) {
		const struct mhs_or_attr *at = &o->attrs[i];
		struct dda *x = &d->v[d->n];

		if (at->type != MHS_OR_DDA)
			continue;
		*x = (struct dda){.at = at, .kind = dda_type(a, at)};
		for (size_t k = 0; k < d->n; k++)
			x->ordinal += same_dda(&d->v[k], x->kind, at->form);
		d->n++;
	}
}

/* Are there DDAs of this kind and form, all of printable characters? */
static bool
all_printable(const struct ddas *d, const char *kind, enum mhs_or_form form)
{
	bool any = false;

	for (size_t i = 0; i < d->n; i++) {
		const struct dda *x = &d->v[i];

		if (!same_dda(x, kind, form))
			continue;
		any = true;
		if (form != MHS_OR_PRINTABLE &&
		    (!as_printable(x->at) ||
			!mhs_printable(x->at->dda_type, x->at->dda_type_n)))
			return false;
	}
	return any;
}

/* The form of this kind that goes out as printable; RAW: none does. It is a
 * whole form or nothing, since DDAs of one type go by their places in it. */
static enum mhs_or_form
shown_as_printable(const struct ddas *d, const char *kind)
{
	static const enum mhs_or_form order[] = {
	    MHS_OR_PRINTABLE, MHS_OR_TELETEX, MHS_OR_UNIVERSAL};

	for (size_t i = 0; i < COUNT(order); i++)
		if (all_printable(d, kind, order[i]))
			return order[i];
	return MHS_OR_RAW;
}

static const struct dda *
find_dda(const struct ddas *d, const struct dda *like, enum mhs_or_form form)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->v[i].ordinal == like->ordinal &&
		    same_dda(&d->v[i], like->kind, form))
			return &d->v[i];
	return NULL;
}

/* Does each DDA of this kind and form say what the one in its place in the
 * form `shown` says? */
static bool
all_said(const struct ddas *d, const char *kind, enum mhs_or_form form,
    enum mhs_or_form shown)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct dda *x = &d->v[i], *y;

		if (!same_dda(x, kind, form))
			continue;
		y = find_dda(d, x, shown);
		if (y == NULL || !as_printable(x->at) ||
		    !same_octets(x->at, y->at))
			return false;
	}
	return true;
}

/* A space before the '=' would be taken for one that a person puts there. */
static void
put_dda_type(struct buf *out, enum mhs_or_form form, const char *p, size_t n)
{
	put_form(out, form, p, n);
	if (out->data[out->len - 1] != ' ' || (n > 1 && p[n - 2] == ' '))
		return; /* escaped already behind another space */
	out->len--;
	buf_puts(out, "$ ");
}

static void
slash_dda(struct buf *out, const struct ddas *d, const struct dda *x)
{
	const struct mhs_or_attr *at = x->at;
	enum mhs_or_form form = at->form,
			 shown = shown_as_printable(d, x->kind);

	if (form == shown)
		form = MHS_OR_PRINTABLE;
	else if (shown != MHS_OR_RAW && all_said(d, x->kind, form, shown))
		return;
	if (form == MHS_OR_PRINTABLE &&
	    strcasecmp(at->dda_type, "RFC-822") == 0) {
		buf_puts(out, "/RFC-822=");
		put_form(out, form, at->value, at->n);
		return;
	}
	buf_puts(out, "/DD.");
	put_dda_type(out, form, at->dda_type, at->dda_type_n);
	buf_putc(out, '=');
	put_form(out, form, at->value, at->n);
}

/* The first DDA on the right, with all that is most significant. */
static void
slash_ddas(struct buf *out, const struct mhs_or *o)
{
	struct arena *work = arena_new();
	struct ddas d;

	collect_ddas(work, &d, o);
	for (size_t i = d.n; i-- > 0;)
		slash_dda(out, &d, &d.v[i]);
	arena_free(&work);
}

static void
slash_unknown(struct buf *out, const struct mhs_or_attr *at)
{
	buf_printf(out, "/EXT-%d=", at->ext_type);
	put_hex(out, at->value, at->n);
}

const char *
mhs_or_slash(struct arena *a, const struct mhs_or *o)
{
	bool plain = units_are_plain(o);
	struct buf b = {0};
	const char *s;

	for (size_t k = 0; k < COUNT(slash_order); k++) {
		enum mhs_or_type type = slash_order[k];

		if (type == MHS_OR_DDA) {
			slash_ddas(&b, o);
			continue;
		}
		if (type != MHS_OR_UNKNOWN) {
			slash_attribute(&b, o, type, plain);
			continue;
		}
		for (size_t i = o->n_attrs; i-- > 0;)
			if (o->attrs[i].type == type)
				slash_unknown(&b, &o->attrs[i]);
	}
	buf_putc(&b, '/');
	s = arena_strndup(a, (const char *)b.data, b.len);
	buf_free(&b);
	return s;
}

/* --- the label form --- */

/* A value for a person: delimiters doubled, controls (teletex may have them)
 * as spaces. */
static void
put_label_text(struct buf *out, const char *s, bool key)
{
	for (; *s != '\0'; s++) {
		if (*s == ';' || (key && *s == '='))
			buf_putc(out, (uint8_t)*s);
		buf_putc(out,
		    (unsigned char)*s < 0x20 || *s == 0x7f ? ' ' : (uint8_t)*s);
	}
}

static void
label_begin(struct buf *out)
{
	if (out->len > 0)
		buf_puts(out, "; ");
}

/* PD-A1 to PD-A6; an address of more lines is told in one. */
static void
label_lines(struct buf *out, const char *text)
{
	char *copy = xstrdup(text), *next = copy, *line;
	unsigned lines = 1, i = 1;

	for (char *c = copy; *c != '\0'; c++) {
		if (*c == '\n')
			*c = '|';
		lines += *c == '|';
	}
	if (lines > LINES || copy[0] == '|') {
		buf_puts(out, "PD-A=");
		put_label_text(out, copy, false);
		free(copy);
		return;
	}
	while ((line = strsep(&next, "|")) != NULL) {
		buf_printf(out, "%sPD-A%u=", i > 1 ? "; " : "", i);
		put_label_text(out, line, false);
		i++;
	}
	free(copy);
}

static bool
blank(const char *s)
{
	return s[strspn(s, " ")] == '\0';
}

/* RFC 1685: an ADMD of a single space is told by leaving it out. */
static bool
left_out(const struct mhs_or *o, const struct mhs_or_attr *at)
{
	return at->type == MHS_OR_ADMD && blank(at->value) &&
	    (mhs_or_get(o, MHS_OR_COUNTRY) != NULL ||
		mhs_or_get(o, MHS_OR_PRMD) != NULL);
}

static void
label_attribute(struct arena *a, struct buf *out, const struct mhs_or *o,
    enum mhs_or_type type)
{
	const struct mhs_or_attr *at = mhs_or_get(o, type);
	const char *name;

	if (at == NULL || left_out(o, at))
		return;
	label_begin(out);
	if (type == MHS_OR_PSAP) {
		put_psap(out, mhs_or_label_key(type), at);
		return;
	}
	if (type == MHS_OR_PD_ADDRESS) {
		label_lines(out, mhs_or_attr_utf8(a, at));
		return;
	}
	buf_printf(out, "%s=", mhs_or_label_key(type));
	name = type == MHS_OR_TERMINAL_TYPE
	    ? mhs_or_terminal_name(strtol(at->value, NULL, 10))
	    : NULL;
	put_label_text(
	    out, name != NULL ? name : mhs_or_attr_utf8(a, at), false);
}

/* Is there a DDA of that type in a form that reads better? */
static bool
dda_outdone(struct arena *a, const struct mhs_or *o,
    const struct mhs_or_attr *at, const char *type)
{
	for (size_t i = 0; i < o->n_attrs; i++) {
		const struct mhs_or_attr *x = &o->attrs[i];

		if (x->type == MHS_OR_DDA && x->form != at->form &&
		    (x->form == MHS_OR_PRINTABLE ||
			at->form == MHS_OR_TELETEX) &&
		    strcasecmp(dda_type(a, x), type) == 0)
			return true;
	}
	return false;
}

static void
label_dda(struct arena *a, struct buf *out, const struct mhs_or *o,
    const struct mhs_or_attr *at)
{
	const char *type = dda_type(a, at);

	if (dda_outdone(a, o, at, type))
		return;
	label_begin(out);
	buf_puts(out, "DDA:");
	put_label_text(out, type, true);
	buf_putc(out, '=');
	put_label_text(out, mhs_or_attr_utf8(a, at), false);
}

static void
label_put(struct arena *a, struct buf *out, const struct mhs_or *o)
{
	for (size_t k = 0; k < COUNT(label_order); k++) {
		enum mhs_or_type type = label_order[k];

		if (type != MHS_OR_DDA && type != MHS_OR_UNKNOWN) {
			label_attribute(a, out, o, type);
			continue;
		}
		for (size_t i = 0; i < o->n_attrs; i++) {
			const struct mhs_or_attr *at = &o->attrs[i];

			if (at->type != type)
				continue;
			if (type == MHS_OR_DDA) {
				label_dda(a, out, o, at);
				continue;
			}
			label_begin(out);
			buf_printf(out, "EXT-%d=", at->ext_type);
			put_hex(out, at->value, at->n);
		}
	}
}

const char *
mhs_or_label(struct arena *a, const struct mhs_or *o)
{
	struct arena *work = arena_new();
	struct buf b = {0};
	const char *s;

	label_put(work, &b, o);
	s = arena_strndup(a, (const char *)b.data, b.len);
	buf_free(&b);
	arena_free(&work);
	return s;
}
