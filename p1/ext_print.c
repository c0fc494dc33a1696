/* Values of extensions as text for a person. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "asn1/dump.h"
#include "lib/clock.h"
#include "p1/asn_codec.h"
#include "p1/ext_table.h"
#include "p1/trace_codec.h"

#define OCTETS_SHOWN 64

struct show {
	struct arena *a;
	struct buf *out;
	unsigned indent;
	const struct p1_ext_row *row;
	struct p1_in in;
};

typedef void show_fn(struct show *s, const struct ber_tlv *t);

/* --- lines --- */

static void line(struct show *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
line(struct show *s, const char *fmt, ...)
{
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	text = arena_vprintf(s->a, fmt, ap);
	va_end(ap);
	buf_printf(s->out, "%*s", (int)s->indent * 2, "");
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c == 0x7f)
			buf_printf(s->out, "\\x%02x", c);
		else
			buf_putc(s->out, c);
	}
	buf_putc(s->out, '\n');
}

static const char *
time_text(struct show *s, int64_t t)
{
	char *text = arena_alloc(s->a, CLOCK_TEXT);

	return clock_format(t, text);
}

static const char *
word(struct show *s, int64_t v)
{
	if (v >= 0 && v < s->row->n_words)
		return s->row->words[v];
	return arena_printf(s->a, "%lld", (long long)v);
}

static const char *
hex(struct show *s, const uint8_t *p, size_t n)
{
	struct buf b = {0};
	const char *text;

	for (size_t i = 0; i < n && i < OCTETS_SHOWN; i++)
		buf_printf(&b, "%02x", p[i]);
	text = arena_printf(s->a, "%s%s (%zu octets)", buf_cstr(&b),
	    n > OCTETS_SHOWN ? "..." : "", n);
	buf_free(&b);
	return text;
}

static const char *
oid_text(struct show *s, const struct ber_tlv *t)
{
	const char *oid = ber_oid_text(s->a, t->value, t->length, NULL);
	const char *name = oid != NULL ? ber_oid_name(oid) : NULL;

	if (oid == NULL)
		return "?";
	return name == NULL ? oid : arena_printf(s->a, "%s (%s)", oid, name);
}

/* The i-th child, from 0. */
static bool
child(const struct ber_tlv *t, unsigned i, struct ber_tlv *out)
{
	struct ber_cursor c = ber_children(t);

	do
		if (ber_next(&c, out, NULL) != 1)
			return false;
	while (i-- > 0);
	return true;
}

/* Elements as ber_dump() shows them, each line indented. */
static void
show_elements(struct show *s, const struct ber_tlv *t)
{
	struct buf text = {0};
	const uint8_t *from, *end;

	ber_dump(t->start, t->size, &text, NULL);
	for (from = text.data; text.len > 0; from = text.data) {
		end = memchr(from, '\n', text.len);
		if (end == NULL)
			end = from + text.len - 1;
		line(s, "%.*s", (int)(end - from), (const char *)from);
		buf_consume(&text, (size_t)(end - from) + 1);
	}
	buf_free(&text);
}

/* --- one function a syntax --- */

static void
show_word(struct show *s, const struct ber_tlv *t)
{
	int64_t v = 0;

	p1_get_int(&s->in, t, 0, INT32_MAX, &v);
	line(s, "%s", word(s, v));
}

static void
show_words(struct show *s, const struct ber_tlv *t)
{
	struct ber_cursor c = ber_children(t);
	struct ber_tlv v;

	while (ber_next(&c, &v, NULL) == 1)
		show_word(s, &v);
}

static void
show_modes(struct show *s, const struct ber_tlv *t)
{
	uint8_t bits = 0;

	p1_get_bits(&s->in, t, &bits);
	for (int64_t i = 0; i < 8; i++)
		if ((bits & 0x80 >> i) != 0)
			line(s, "%s", word(s, i));
}

static void
show_time(struct show *s, const struct ber_tlv *t)
{
	int64_t v = 0;

	p1_get_time(&s->in, t, &v);
	line(s, "%s", time_text(s, v));
}

static void
show_name(struct show *s, const struct ber_tlv *t)
{
	struct mhs_name name = {0};

	if (p1_get_or(&s->in, t, &name) >= 0)
		line(s, "%s", mhs_name_text(s->a, &name));
}

static void
show_names(struct show *s, const struct ber_tlv *t)
{
	struct ber_cursor c = ber_children(t);
	struct ber_tlv v;

	while (ber_next(&c, &v, NULL) == 1)
		show_name(s, &v);
}

static void
show_oid(struct show *s, const struct ber_tlv *t)
{
	line(s, "%s", oid_text(s, t));
}

/* Text, where its octets are; else the octets. */
static void
show_string(struct show *s, const struct ber_tlv *t)
{
	bool text = t->length > 0 && !t->tag.constructed;

	for (size_t i = 0; i < t->length; i++)
		text = text && t->value[i] >= ' ' && t->value[i] < 0x7f;
	if (text)
		line(s, "\"%.*s\"", (int)t->length, (const char *)t->value);
	else
		line(s, "%s", hex(s, t->value, t->length));
}

static void
show_algorithm(struct show *s, const struct ber_tlv *t)
{
	struct ber_tlv oid;

	if (child(t, 0, &oid))
		line(s, "algorithm: %s", oid_text(s, &oid));
}

/* SEQUENCE { algorithm, BIT STRING } */
static void
show_signature(struct show *s, const struct ber_tlv *t)
{
	struct ber_tlv algorithm, value;

	if (!child(t, 0, &algorithm) || !child(t, 1, &value))
		return;
	show_algorithm(s, &algorithm);
	if (value.length > 0)
		line(s, "value: %s", hex(s, value.value + 1, value.length - 1));
}

static void
show_certificates(struct show *s, const struct ber_tlv *t)
{
	struct ber_tlv user, part, path;
	struct ber_cursor c;
	unsigned n = 0;

	if (!child(t, 0, &user) || !child(&user, 1, &part))
		return;
	line(s, "certificate of %zu octets", user.size);
	show_algorithm(s, &part);
	if (!child(t, 1, &path))
		return;
	for (c = ber_children(&path); ber_next(&c, &part, NULL) == 1; n++)
		;
	line(s, "certification path of %u", n);
}

static void
show_token(struct show *s, const struct ber_tlv *t)
{
	struct ber_tlv type, token;

	if (!child(t, 0, &type) || !child(t, 1, &token))
		return;
	line(s, "type: %s", oid_text(s, &type));
	line(s, "token of %zu octets", token.length);
}

static void
show_category(struct show *s, const struct ber_tlv *t)
{
	struct ber_tlv type, value;

	if (child(t, 0, &type) && child(t, 1, &value))
		line(s, "category %s: %s", oid_text(s, &type),
		    hex(s, value.value, value.length));
}

static void
show_label(struct show *s, const struct ber_tlv *t)
{
	static const char *const classes[] = {"unmarked", "unclassified",
	    "restricted", "confidential", "secret", "top-secret"};
	struct ber_cursor c;
	struct ber_tlv v;
	int64_t n;

	if (ber_find(t, BER_UNIVERSAL, BER_OID, &v, NULL) == 1)
		line(s, "security-policy: %s", oid_text(s, &v));
	if (ber_find(t, BER_UNIVERSAL, BER_INTEGER, &v, NULL) == 1 &&
	    ber_integer(&v, &n, NULL) >= 0)
		line(s, "security-classification: %lld%s%s", (long long)n,
		    n >= 0 && n <= 5 ? " " : "",
		    n >= 0 && n <= 5 ? classes[n] : "");
	if (ber_find(t, BER_UNIVERSAL, BER_PRINTABLE_STRING, &v, NULL) == 1)
		line(s, "privacy-mark: %.*s", (int)v.length,
		    (const char *)v.value);
	if (ber_find(t, BER_UNIVERSAL, BER_SET, &v, NULL) != 1)
		return;
	c = ber_children(&v);
	while (ber_next(&c, &v, NULL) == 1)
		show_category(s, &v);
}

static void
show_history(struct show *s, const struct ber_tlv *t)
{
	bool redirections = s->row->syntax == P1_SYNTAX_REDIRECTIONS;
	struct p1_history *v;
	size_t n;

	if (p1_get_history(&s->in, t, redirections, &v, &n) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		line(s, "%s %s%s%s", time_text(s, v[i].time),
		    mhs_name_text(s->a, &v[i].name), redirections ? " " : "",
		    redirections ? word(s, v[i].reason) : "");
}

static void
show_trace(struct show *s, const struct ber_tlv *t)
{
	bool internal = s->row->syntax == P1_SYNTAX_INTERNAL_TRACE;
	struct p1_traces v = {0};

	if (p1_get_trace(&s->in, t, internal, &v) < 0)
		return;
	for (size_t i = 0; i < v.n; i++)
		line(s, "%s %s%s%s%s", time_text(s, v.v[i].arrival),
		    mhs_domain_text(s->a, &v.v[i].domain), internal ? " " : "",
		    internal ? v.v[i].mta : "",
		    v.v[i].action == MHS_REROUTED ? " rerouted" : "");
}

static void
show_reporting_mta(struct show *s, const struct ber_tlv *t)
{
	struct mhs_domain domain = {0};
	struct ber_tlv part, name;

	if (child(t, 0, &part) && p1_get_domain(&s->in, &part, &domain) >= 0 &&
	    child(t, 1, &name))
		line(s, "%s %.*s", mhs_domain_text(s->a, &domain),
		    (int)name.length, (const char *)name.value);
}

static show_fn *const shows[P1_SYNTAXES] = {
    [P1_SYNTAX_FLAG] = show_word,
    [P1_SYNTAX_OR_NAME] = show_name,
    [P1_SYNTAX_OR_ADDRESS] = show_name,
    [P1_SYNTAX_TIME] = show_time,
    [P1_SYNTAX_METHODS] = show_words,
    [P1_SYNTAX_MODES] = show_modes,
    [P1_SYNTAX_OPTION] = show_word,
    [P1_SYNTAX_NUMBER_FOR_ADVICE] = show_string,
    [P1_SYNTAX_OID] = show_oid,
    [P1_SYNTAX_CERTIFICATES] = show_certificates,
    [P1_SYNTAX_TOKEN] = show_token,
    [P1_SYNTAX_ALGORITHM] = show_algorithm,
    [P1_SYNTAX_SIGNATURE] = show_signature,
    [P1_SYNTAX_LABEL] = show_label,
    [P1_SYNTAX_CORRELATOR] = show_string,
    [P1_SYNTAX_REDIRECTIONS] = show_history,
    [P1_SYNTAX_EXPANSIONS] = show_history,
    [P1_SYNTAX_ORIGINATOR_HISTORY] = show_history,
    [P1_SYNTAX_SEQUENCE_NUMBER] = show_word,
    [P1_SYNTAX_TRACE] = show_trace,
    [P1_SYNTAX_INTERNAL_TRACE] = show_trace,
    [P1_SYNTAX_REPORTING_MTA] = show_reporting_mta,
    [P1_SYNTAX_NAMES] = show_names,
    /* the rest is lists of what only its users understand */
};

/* --- any extension --- */

void
p1_ext_print(const struct mhs_ext *x, unsigned indent, struct buf *out)
{
	struct show s = {.a = arena_new(), .out = out, .indent = indent};
	struct err e = ERR_INIT;
	struct octets flat;
	struct ber_cursor c;
	struct ber_tlv t;

	s.row = p1_ext_row_of(x);
	if (x->n == 0 ||
	    p1_normalise(s.a, x->value, x->n, x->n, &flat, NULL) < 0) {
		arena_free(&s.a);
		return;
	}
	s.in = (struct p1_in){s.a, flat.p, NULL};
	c = ber_cursor(flat.p, flat.n);
	if (p1_ext_check(x, &e) < 0)
		line(&s, "not as X.411 has it: %s", e.text);
	if (ber_next(&c, &t, NULL) != 1)
		;
	else if (s.row == NULL || e.code < 0 || shows[s.row->syntax] == NULL)
		show_elements(&s, &t);
	else
		shows[s.row->syntax](&s, &t);
	arena_free(&s.a);
}
