#include "asn1/dump.h"

#include <inttypes.h>

#include "asn1/ber.h"
#include "asn1/ber_header.h"

#define LAYER "ber"
#define INLINE_MAX 32   /* content octets shown on the element's own line */
#define SHOWN_MAX 1024  /* content octets shown at all */
#define ROW 16          /* octets of a row of a longer content */
#define INDENT_MAX 40   /* levels; deeper ones stand below each other */
#define NESTED_MAX 8    /* elements inside strings inside strings ... */
#define TEXT_MAX_ROW 64 /* characters of a row of text */

static const char *const universal_names[] = {
    [BER_EOC] = "end-of-contents",
    [BER_BOOLEAN] = "BOOLEAN",
    [BER_INTEGER] = "INTEGER",
    [BER_BIT_STRING] = "BIT STRING",
    [BER_OCTET_STRING] = "OCTET STRING",
    [BER_NULL] = "NULL",
    [BER_OID] = "OBJECT IDENTIFIER",
    [BER_OBJECT_DESCRIPTOR] = "ObjectDescriptor",
    [BER_EXTERNAL] = "EXTERNAL",
    [9] = "REAL",
    [BER_ENUMERATED] = "ENUMERATED",
    [11] = "EMBEDDED PDV",
    [BER_UTF8_STRING] = "UTF8String",
    [13] = "RELATIVE-OID",
    [BER_SEQUENCE] = "SEQUENCE",
    [BER_SET] = "SET",
    [BER_NUMERIC_STRING] = "NumericString",
    [BER_PRINTABLE_STRING] = "PrintableString",
    [BER_TELETEX_STRING] = "TeletexString",
    [BER_VIDEOTEX_STRING] = "VideotexString",
    [BER_IA5_STRING] = "IA5String",
    [BER_UTC_TIME] = "UTCTime",
    [BER_GENERALIZED_TIME] = "GeneralizedTime",
    [BER_GRAPHIC_STRING] = "GraphicString",
    [BER_VISIBLE_STRING] = "VisibleString",
    [BER_GENERAL_STRING] = "GeneralString",
    [BER_UNIVERSAL_STRING] = "UniversalString",
    [29] = "CHARACTER STRING",
    [BER_BMP_STRING] = "BMPString",
};

struct level {
	struct ber_tag tag;
	uint64_t content; /* offset of the first content octet */
};

struct dump {
	struct buf *out;
	const uint8_t *base; /* of all; offsets shown count from here */
	const uint8_t *p;    /* of the element being scanned */
	uint64_t at;         /* offset in it of the next header */
	unsigned indent;     /* depth of the element itself */
	unsigned nested;     /* strings that it is in */
	struct level open[BER_DEPTH_MAX + 1];
};

static int elements(
    struct dump *outer, const uint8_t *p, size_t n, struct err *e);

/* --- values --- */

static bool
printable(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < 0x20 || p[i] > 0x7e)
			return false;
	return n > 0;
}

static void
put_quoted(struct buf *out, const uint8_t *p, size_t n)
{
	buf_putc(out, '"');
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '"' || p[i] == '\\')
			buf_printf(out, "\\%c", p[i]);
		else if (p[i] < 0x20 || p[i] > 0x7e)
			buf_printf(out, "\\x%02x", p[i]);
		else
			buf_putc(out, p[i]);
	}
	buf_putc(out, '"');
}

static void
put_margin(struct dump *d, uint64_t offset, unsigned depth)
{
	if (depth > INDENT_MAX)
		depth = INDENT_MAX;
	buf_printf(d->out, "%8" PRIu64 "  %*s", offset, (int)(2 * depth), "");
}

/* Rows of a content too long for the element's line. */
static void
put_rows(struct dump *d, unsigned depth, const uint8_t *p, size_t n, bool text)
{
	size_t row = text ? TEXT_MAX_ROW : ROW;
	size_t shown = n < SHOWN_MAX ? n : SHOWN_MAX;

	for (size_t i = 0; i < shown; i += row) {
		size_t m = shown - i < row ? shown - i : row;

		buf_putc(d->out, '\n');
		put_margin(d, (uint64_t)(p + i - d->base), depth + 1);
		for (size_t j = 0; j < m && !text; j++)
			buf_printf(d->out, "%02x ", p[i + j]);
		put_quoted(d->out, p + i, m);
	}
	if (shown < n) {
		buf_putc(d->out, '\n');
		put_margin(d, (uint64_t)(p + shown - d->base), depth + 1);
		buf_printf(d->out, "... %zu more octets", n - shown);
	}
}

static void
put_octets(struct dump *d, unsigned depth, const uint8_t *p, size_t n)
{
	if (n > INLINE_MAX) {
		put_rows(d, depth, p, n, false);
		return;
	}
	if (n > 0)
		buf_putc(d->out, ' ');
	for (size_t i = 0; i < n; i++)
		buf_printf(d->out, "%02x", p[i]);
	if (printable(p, n)) {
		buf_putc(d->out, ' ');
		put_quoted(d->out, p, n);
	}
}

static void
show_text(struct dump *d, unsigned depth, const uint8_t *p, size_t n)
{
	if (n > TEXT_MAX_ROW) {
		put_rows(d, depth, p, n, true);
		return;
	}
	buf_putc(d->out, ' ');
	put_quoted(d->out, p, n);
}

static void
show_boolean(struct dump *d, unsigned depth, const uint8_t *p, size_t n)
{
	(void)depth;
	buf_puts(d->out, n == 1 && p[0] != 0 ? " TRUE" : " FALSE");
}

static void
show_integer(struct dump *d, unsigned depth, const uint8_t *p, size_t n)
{
	struct ber_tlv t = {.start = p, .value = p, .length = n};
	int64_t v;

	if (ber_integer(&t, &v, NULL) == 0)
		buf_printf(d->out, " %" PRId64, v);
	else
		put_octets(d, depth, p, n);
}

static void
show_oid(struct dump *d, unsigned depth, const uint8_t *p, size_t n)
{
	struct arena *a = arena_new();
	const char *dotted = ber_oid_text(a, p, n, NULL);
	const char *name = dotted != NULL ? ber_oid_name(dotted) : NULL;

	if (dotted == NULL)
		put_octets(d, depth, p, n);
	else if (name != NULL)
		buf_printf(d->out, " %s (%s)", dotted, name);
	else
		buf_printf(d->out, " %s", dotted);
	arena_free(&a);
}

/* Named bits are what BIT STRINGs mostly are here: the numbers of those set. */
static void
show_bits(struct dump *d, unsigned depth, const uint8_t *p, size_t n)
{
	if (n == 0 || n > INLINE_MAX) {
		put_octets(d, depth, p, n);
		return;
	}
	buf_puts(d->out, " {");
	for (size_t i = 0; i < 8 * (n - 1); i++)
		if ((p[1 + i / 8] & 0x80 >> i % 8) != 0)
			buf_printf(d->out, " %zu", i);
	buf_printf(d->out, " } of %zu", 8 * (n - 1) - (p[0] & 7));
}

static void
show_nothing(struct dump *d, unsigned depth, const uint8_t *p, size_t n)
{
	(void)d;
	(void)depth;
	(void)p;
	(void)n;
}

typedef void show_fn(
    struct dump *d, unsigned depth, const uint8_t *p, size_t n);

static show_fn *const universal_shows[] = {
    [BER_BOOLEAN] = show_boolean,
    [BER_INTEGER] = show_integer,
    [BER_BIT_STRING] = show_bits,
    [BER_NULL] = show_nothing,
    [BER_OID] = show_oid,
    [BER_OBJECT_DESCRIPTOR] = show_text,
    [BER_ENUMERATED] = show_integer,
    [BER_UTF8_STRING] = show_text,
    [BER_NUMERIC_STRING] = show_text,
    [BER_PRINTABLE_STRING] = show_text,
    [BER_TELETEX_STRING] = show_text,
    [BER_VIDEOTEX_STRING] = show_text,
    [BER_IA5_STRING] = show_text,
    [BER_UTC_TIME] = show_text,
    [BER_GENERALIZED_TIME] = show_text,
    [BER_GRAPHIC_STRING] = show_text,
    [BER_VISIBLE_STRING] = show_text,
    [BER_GENERAL_STRING] = show_text,
};

#define COUNT(v) (sizeof(v) / sizeof((v)[0]))

static show_fn *
show_of(const struct ber_tag *t)
{
	if (t->cls == BER_UNIVERSAL && t->number < COUNT(universal_shows) &&
	    universal_shows[t->number] != NULL)
		return universal_shows[t->number];
	return put_octets;
}

/* May the octets be an encoding of something? One that is constructed and
 * fills them is hardly there by chance. */
static bool
holds_element(
    const struct dump *d, const struct ber_tag *t, const uint8_t *p, size_t n)
{
	if (d->nested >= NESTED_MAX || n < 4 || (p[0] & 0x20) == 0)
		return false;
	if (t->cls == BER_UNIVERSAL && t->number != BER_OCTET_STRING)
		return false;
	return ber_check(p, n, NULL, NULL) == (int64_t)n;
}

/* --- elements --- */

static void
put_tag(struct buf *out, const struct ber_tag *t)
{
	static const char *const classes[] = {
	    [BER_UNIVERSAL] = "UNIVERSAL ",
	    [BER_APPLICATION] = "APPLICATION ",
	    [BER_CONTEXT] = "",
	    [BER_PRIVATE] = "PRIVATE ",
	};

	if (t->cls == BER_UNIVERSAL && t->number < COUNT(universal_names) &&
	    universal_names[t->number] != NULL)
		buf_puts(out, universal_names[t->number]);
	else
		buf_printf(out, "[%s%u]", classes[t->cls], t->number);
}

static int
dump_open(void *arg, unsigned depth, const struct ber_open *o, struct err *e)
{
	struct dump *d = arg;
	uint64_t start = (uint64_t)(d->p - d->base) + d->at;

	(void)e;
	d->open[depth] =
	    (struct level){.tag = o->tag, .content = d->at + o->raw_n};
	put_margin(d, start, d->indent + depth);
	put_tag(d->out, &o->tag);
	if (o->length == BER_INDEFINITE)
		buf_puts(d->out, " (indefinite)");
	else
		buf_printf(d->out, " (%" PRIu64 ")", o->length);
	if (o->tag.constructed)
		buf_putc(d->out, '\n');
	d->at += o->raw_n;
	return 0;
}

/* The scanner is fed whole elements, so content comes in one run. */
static int
dump_data(void *arg, unsigned depth, const uint8_t *p, size_t n, struct err *e)
{
	struct dump *d = arg;
	const struct ber_tag *t = &d->open[depth].tag;
	struct dump inner;

	d->at += n;
	if (!holds_element(d, t, p, n)) {
		show_of(t)(d, d->indent + depth, p, n);
		return 0;
	}
	buf_puts(d->out, " holding\n");
	inner.out = d->out;
	inner.base = d->base;
	inner.indent = d->indent + depth + 1;
	inner.nested = d->nested + 1;
	return elements(&inner, p, n, e);
}

static int
dump_close(void *arg, unsigned depth, bool indefinite, struct err *e)
{
	struct dump *d = arg;
	const struct level *l = &d->open[depth];

	(void)e;
	if (indefinite) {
		put_margin(d, (uint64_t)(d->p - d->base) + d->at,
		    d->indent + depth + 1);
		buf_puts(d->out, "end-of-contents\n");
		d->at += 2;
		return 0;
	}
	if (l->tag.constructed)
		return 0;
	/* an empty content has not been shown by dump_data() */
	if (d->at == l->content)
		show_of (&l->tag)(d, d->indent + depth, d->p + d->at, 0);
	if (d->out->data[d->out->len - 1] != '\n')
		buf_putc(d->out, '\n');
	return 0;
}

static const struct ber_scan_ops dump_ops = {dump_open, dump_data, dump_close};

static int
one_element(
    struct dump *d, const uint8_t *p, size_t n, size_t *used, struct err *e)
{
	struct ber_scan *s = ber_scan_new(NULL, &dump_ops, d);
	int64_t r;

	d->p = p;
	d->at = 0;
	r = ber_scan_feed(s, p, n, e);
	if (r >= 0 && !ber_scan_done(s))
		r = err_at(e, LAYER, ERR_SYNTAX, ber_scan_offset(s),
		    "element ends too early");
	ber_scan_free(&s);
	*used = r < 0 ? 0 : (size_t)r;
	return r < 0 ? (int)r : 0;
}

/* One element after the other, at d->indent. */
static int
elements(struct dump *d, const uint8_t *p, size_t n, struct err *e)
{
	size_t used;
	int r;

	for (; n > 0; p += used, n -= used) {
		if ((r = one_element(d, p, n, &used, e)) == 0)
			continue;
		if (e != NULL && e->offset != ERR_NO_OFFSET)
			e->offset += (uint64_t)(p - d->base);
		return r;
	}
	return 0;
}

int
ber_dump(const uint8_t *p, size_t n, struct buf *out, struct err *e)
{
	struct err own = ERR_INIT;
	struct dump d = {.out = out, .base = p};
	int r = elements(&d, p, n, &own);

	if (r == 0)
		return 0;
	if (out->len > 0 && out->data[out->len - 1] != '\n')
		buf_putc(out, '\n');
	buf_printf(
	    out, "error at octet %" PRIu64 ": %s\n", own.offset, own.text);
	if (e != NULL)
		*e = own;
	return r;
}
