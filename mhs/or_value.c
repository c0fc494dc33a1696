/*
 * Values of O/R attributes in text, each by the syntax that RFC 2156 4.1.1
 * gives its key.
 */
#include "mhs/or_parse.h"

#include <stdio.h>
#include <string.h>

#include "mhs/or_charset.h"

/* Adds, and puts an error at its octet of the text. */
static int
add(struct parser *p, enum mhs_or_type type, enum mhs_or_form form,
    const char *v, size_t n, const struct chars *from)
{
	int r = mhs_or_add(p->a, p->o, type, form, v, n, p->e);

	if (r < 0 && p->e != NULL)
		p->e->offset = p->e->offset < from->n && form != MHS_OR_TELETEX
		    ? from->v[p->e->offset].at
		    : from->at;
	return r;
}

static bool
all_digits(const struct chars *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].c < '0' || s->v[i].c > '9')
			return false;
	return s->n > 0;
}

bool
mhs_or_chars_wildcard(const struct chars *s)
{
	return s->n == 1 && s->v[0].c == '*' && !s->v[0].literal;
}

/* Characters beyond PrintableString that did not come escaped: text as a
 * person types it, which becomes teletex when T.61 has it, or universal. */
static int
human(struct parser *p, const struct chars *s, struct value *out)
{
	struct octets t61;
	size_t bad;

	out->text = mhs_or_chars_text(p, s);
	out->n = s->n;
	bad = mhs_utf8_check(out->text, out->n);
	if (bad < out->n)
		return mhs_or_fail_at(
		    p, ERR_SYNTAX, s->v[bad].at, "octet that is not UTF-8");
	out->form = MHS_OR_UNIVERSAL;
	if (mhs_utf8_to_t61(p->a, out->text, out->n, &t61)) {
		out->form = MHS_OR_TELETEX;
		out->text = (const char *)t61.p;
		out->n = t61.n;
	}
	return 0;
}

static int
printable_part(
    struct parser *p, const struct chars *s, bool lines, struct value *out)
{
	bool plain = true;

	*out = (struct value){
	    .present = true, .form = MHS_OR_PRINTABLE, .at = s->at};
	for (size_t i = 0; i < s->n; i++) {
		const struct ch *x = &s->v[i];
		bool visible = x->c >= 0x20 && x->c < 0x7f;

		plain = plain &&
		    (mhs_printable_char((unsigned char)x->c) ||
			(p->slash && x->literal && visible) ||
			(lines && x->c == '|'));
	}
	if (!plain)
		return human(p, s, out);
	out->text = mhs_or_chars_text(p, s);
	out->n = s->n;
	return 0;
}

/* Reads "{165027}" from s->v[*i] on; moves *i behind it. */
static int
group(struct parser *p, const struct chars *s, size_t *i, struct buf *out)
{
	size_t from = *i;
	unsigned v = 0, digits = 0;

	for ((*i)++; *i < s->n && s->v[*i].c != '}'; (*i)++) {
		char c = s->v[*i].c;

		if (c < '0' || c > '9')
			return mhs_or_fail_at(p, ERR_SYNTAX, s->v[*i].at,
			    "digits expected in {}");
		v = v * 10 + (unsigned)(c - '0');
		if (++digits % 3 != 0)
			continue;
		if (v == 0 || v > 255)
			return mhs_or_fail_at(p, ERR_SYNTAX, s->v[*i].at,
			    "no octet has this number");
		buf_putc(out, (uint8_t)v);
		v = 0;
	}
	if (*i == s->n || digits == 0 || digits % 3 != 0)
		return mhs_or_fail_at(p, ERR_SYNTAX, s->v[from].at,
		    "three digits an octet expected in {}");
	(*i)++;
	return 0;
}

#define UTF8_ESCAPE "\x1b%G"

/* EBNF.teletex-string (RFC 2156 3.3.4) */
static int
teletex_octets(
    struct parser *p, const struct chars *s, struct buf *out, bool *universal)
{
	bool other = false;
	size_t i = 0, from;
	int r;

	*universal = false;
	while (i < s->n) {
		const struct ch *x = &s->v[i];

		if (x->c != '{' || x->literal) {
			if (!mhs_printable_char((unsigned char)x->c) &&
			    !x->literal)
				return mhs_or_fail_at(p, ERR_SYNTAX, x->at,
				    "character outside {} is not printable");
			buf_putc(out, (uint8_t)x->c);
			i++;
			continue;
		}
		from = out->len;
		if ((r = group(p, s, &i, out)) < 0)
			return r;
		if (out->len - from >= 3 &&
		    memcmp(out->data + from, UTF8_ESCAPE, 3) == 0) {
			memmove(out->data + from, out->data + from + 3,
			    out->len - from - 3);
			out->len -= 3;
			*universal = true;
		} else {
			other = true;
		}
	}
	if (*universal && other)
		return mhs_or_fail_at(
		    p, ERR_SYNTAX, s->at, "teletex and UTF-8 octets mixed");
	return 0;
}

static int
teletex_part(struct parser *p, const struct chars *s, struct value *out)
{
	struct buf b = {0};
	bool universal = false;
	int r = teletex_octets(p, s, &b, &universal);

	*out = (struct value){
	    .present = true,
	    .form = universal ? MHS_OR_UNIVERSAL : MHS_OR_TELETEX,
	    .text = arena_strndup(p->a, (const char *)b.data, b.len),
	    .n = b.len,
	    .at = s->at,
	};
	buf_free(&b);
	return r;
}

/* The two halves around the '*' of EBNF.teletex-and-or-ps. */
static void
halves(const struct parser *p, const struct chars *s, struct chars *before,
    struct chars *after, bool *star)
{
	size_t i = 0;

	while (i < s->n && (s->v[i].c != '*' || s->v[i].literal))
		i++;
	*star = p->slash && i < s->n;
	*before = *s;
	*after = (struct chars){0};
	if (*star) {
		*before = mhs_or_chars_part(s, 0, i);
		*after = mhs_or_chars_part(s, i + 1, s->n);
	}
}

int
mhs_or_teletex_and_or_ps(struct parser *p, const struct chars *s, bool lines,
    struct value *ps, struct value *t)
{
	struct chars before, after;
	bool star;
	int r;

	*ps = *t = (struct value){0};
	if (mhs_or_chars_wildcard(s)) {
		*ps = (struct value){true, MHS_OR_PRINTABLE, "*", 1, s->at};
		return 0;
	}
	halves(p, s, &before, &after, &star);
	if ((before.n > 0 || !star) &&
	    (r = printable_part(p, &before, lines, ps)) < 0)
		return r;
	return star ? teletex_part(p, &after, t) : 0;
}

static int
add_value(struct parser *p, enum mhs_or_type type, const struct value *v,
    const struct chars *from)
{
	if (!v->present)
		return 0;
	return add(p, type, v->form, v->text, v->n, from);
}

int
mhs_or_parse_pt(struct parser *p, enum mhs_or_type type, const struct chars *s)
{
	struct value ps, t;
	int r;

	if ((r = mhs_or_teletex_and_or_ps(
		 p, s, type == MHS_OR_PD_ADDRESS, &ps, &t)) < 0 ||
	    (r = add_value(p, type, &ps, s)) < 0)
		return r;
	return add_value(p, type, &t, s);
}

/* Only printable characters, or numeric when `digits` and all are. */
static int
parse_printable(
    struct parser *p, enum mhs_or_type type, const struct chars *s, bool digits)
{
	enum mhs_or_form form = MHS_OR_PRINTABLE;

	for (size_t i = 0; i < s->n; i++)
		if (!s->v[i].literal &&
		    !mhs_printable_char((unsigned char)s->v[i].c) &&
		    !mhs_or_chars_wildcard(s))
			return mhs_or_fail_at(p, ERR_SYNTAX, s->v[i].at,
			    "character that is not printable");
	if (digits && all_digits(s))
		form = MHS_OR_NUMERIC;
	return add(p, type, form, mhs_or_chars_text(p, s), s->n, s);
}

static int
parse_terminal_type(struct parser *p, const struct chars *s)
{
	const char *t = mhs_or_chars_text(p, s), *digits = strchr(t, '(');
	char decimal[24];
	int after = 0;
	long v;

	if (mhs_or_chars_wildcard(s))
		return add(p, MHS_OR_TERMINAL_TYPE, MHS_OR_NUMERIC, t, 1, s);
	v = mhs_or_terminal_number(t, s->n);
	digits = digits != NULL ? digits + 1 : t;
	if (v < 0 &&
	    (sscanf(digits, "%9ld%n", &v, &after) != 1 || v < 0 ||
		strcmp(digits + after, digits == t ? "" : ")") != 0))
		return mhs_or_fail_at(p, ERR_SYNTAX, s->at, "no terminal type");
	snprintf(decimal, sizeof(decimal), "%ld", v);
	return add(p, MHS_OR_TERMINAL_TYPE, MHS_OR_NUMERIC, decimal,
	    strlen(decimal), s);
}

static int
parse_psap(struct parser *p, const struct chars *s)
{
	struct buf b = {0};
	struct err e = ERR_INIT;
	int r = mhs_or_psap_parse(&b, mhs_or_chars_text(p, s), s->n, &e);

	if (r < 0)
		mhs_or_fail_at(
		    p, r, e.offset < s->n ? s->v[e.offset].at : s->at, e.text);
	else
		r = add(
		    p, MHS_OR_PSAP, MHS_OR_RAW, (const char *)b.data, b.len, s);
	buf_free(&b);
	return r;
}

/* EBNF.encoded-pn (RFC 2156 4.1.2): [given "."] *(initial ".") surname */
static int
add_name(struct parser *p, const struct value *v, const struct chars *from)
{
	const char *s = v->text, *dot;
	char *initials = arena_alloc(p->a, v->n + 1);
	size_t n = 0;
	int r = 0;

	if (!v->present)
		return 0;
	dot = strchr(s, '.');
	if (dot != NULL && dot - s >= 2) {
		r = add(
		    p, MHS_OR_GIVEN_NAME, v->form, s, (size_t)(dot - s), from);
		s = dot + 1;
	}
	while (s[0] != '\0' && s[1] == '.' &&
	    ((s[0] | 0x20) >= 'a' && (s[0] | 0x20) <= 'z')) {
		initials[n++] = s[0];
		s += 2;
	}
	if (r == 0 && n > 0)
		r = add(p, MHS_OR_INITIALS, v->form, initials, n, from);
	if (r == 0)
		r = add(p, MHS_OR_SURNAME, v->form, s, strlen(s), from);
	return r;
}

static int
parse_name(struct parser *p, const struct chars *s)
{
	struct value ps, t;
	int r;

	if ((r = mhs_or_teletex_and_or_ps(p, s, false, &ps, &t)) < 0 ||
	    (r = add_name(p, &ps, s)) < 0)
		return r;
	return add_name(p, &t, s);
}

static int
parse_ext(struct parser *p, const struct pair *x)
{
	const char *key = mhs_or_chars_text(p, &x->key),
		   *v = mhs_or_chars_text(p, &x->value);
	uint8_t *ber = arena_alloc(p->a, x->value.n / 2 + 1);
	int32_t type;
	int end = 0, r;
	unsigned octet;

	if (sscanf(key + 4, "%9d%n", &type, &end) != 1 || type < 0 ||
	    key[4 + end] != '\0')
		return mhs_or_fail_at(
		    p, ERR_SYNTAX, x->key.at, "EXT-number expected");
	if (x->value.n % 2 != 0 ||
	    strspn(v, "0123456789abcdefABCDEF") != x->value.n)
		return mhs_or_fail_at(
		    p, ERR_SYNTAX, x->value.at, "hexadecimal octets expected");
	for (size_t i = 0; i < x->value.n; i += 2) {
		sscanf(v + i, "%2x", &octet);
		ber[i / 2] = (uint8_t)octet;
	}
	r = mhs_or_add_unknown(p->a, p->o, type, ber, x->value.n / 2, p->e);
	if (r < 0 && p->e != NULL)
		p->e->offset = x->value.at;
	return r;
}

/* A telephone number as people write it: "+49 (69) 1234-5". */
int
mhs_or_parse_number(struct parser *p, const struct pair *x)
{
	const struct chars *s = &x->value;
	char *t = arena_alloc(p->a, s->n + 2 + p->sub.n);
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		if (strchr("+-().", s->v[i].c) == NULL)
			t[n++] = s->v[i].c;
	if (p->sub.at != 0) {
		t[n++] = '*';
		for (size_t i = 0; i < p->sub.n; i++)
			t[n++] = p->sub.v[i].c;
	}
	return add(p, MHS_OR_E163, MHS_OR_NUMERIC, t, n, s);
}

static int
keep_line(struct parser *p, const struct pair *x)
{
	struct chars *line = &p->lines[x->word->index - 1];

	if (line->at != 0)
		return mhs_or_fail_at(p, ERR_SYNTAX, x->key.at, "key twice");
	for (size_t i = 0; i < x->value.n; i++)
		if (x->value.v[i].c == '|')
			return mhs_or_fail_at(p, ERR_SYNTAX, x->value.v[i].at,
			    "'|' in a line of an address");
	*line = x->value;
	return 0;
}

static int
keep(struct parser *p, const struct pair *x)
{
	if (x->word->syntax == MHS_OR_SYNTAX_LINE)
		return keep_line(p, x);
	if (x->word->syntax == MHS_OR_SYNTAX_SUB ? p->sub.at != 0
						 : p->number != NULL)
		return mhs_or_fail_at(p, ERR_SYNTAX, x->key.at, "key twice");
	if (x->word->syntax == MHS_OR_SYNTAX_SUB)
		p->sub = x->value;
	else
		p->number = x;
	return 0;
}

int
mhs_or_parse_value(struct parser *p, const struct pair *x)
{
	const struct mhs_or_word *w = x->word;
	const struct chars *s = &x->value;

	if (w == NULL)
		return parse_ext(p, x);
	switch (w->syntax) {
	case MHS_OR_SYNTAX_P: return parse_printable(p, w->type, s, false);
	case MHS_OR_SYNTAX_PN: return parse_printable(p, w->type, s, true);
	case MHS_OR_SYNTAX_PT: return mhs_or_parse_pt(p, w->type, s);
	case MHS_OR_SYNTAX_TYPE: return parse_terminal_type(p, s);
	case MHS_OR_SYNTAX_PSAP: return parse_psap(p, s);
	case MHS_OR_SYNTAX_NAME: return parse_name(p, s);
	case MHS_OR_SYNTAX_UNIT: return 0; /* in its turn */
	case MHS_OR_SYNTAX_LINE:
	case MHS_OR_SYNTAX_SUB: return keep(p, x);
	case MHS_OR_SYNTAX_N:
		if (w->type == MHS_OR_E163)
			return keep(p, x);
		return add(p, w->type, MHS_OR_NUMERIC, mhs_or_chars_text(p, s),
		    s->n, s);
	}
	return ERR_SYNTAX;
}

static void
append(struct parser *p, struct chars *s, struct ch c)
{
	struct ch *x = arena_push(p->a, &s->v, &s->n, sizeof(*s->v));

	*x = c;
}

/* RFC 2156 4.1.1: the ordered lines make one address. */
int
mhs_or_parse_lines(struct parser *p)
{
	struct chars all = {0};
	bool any = false;

	for (size_t i = 0; i < MHS_OR_LINES; i++) {
		const struct chars *line = &p->lines[i];

		if (line->at == 0)
			continue;
		if (any)
			append(p, &all,
			    (struct ch){'|', true, (uint16_t)line->at});
		else
			all.at = line->at;
		any = true;
		for (size_t j = 0; j < line->n; j++)
			append(p, &all, line->v[j]);
	}
	return any ? mhs_or_parse_pt(p, MHS_OR_PD_ADDRESS, &all) : 0;
}
