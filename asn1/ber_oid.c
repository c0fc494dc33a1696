/*
 * OBJECT IDENTIFIER (X.690 8.19). Arcs go up to 2^128-1, because the arcs
 * below 2.25 are UUIDs.
 */
#include "asn1/ber.h"

#include <string.h>

#define LAYER "ber"
#define OID_MAX 256       /* content octets */
#define DOTTED_MAX 1024   /* octets of the dotted text */
#define ARC_DIGITS_MAX 40 /* of 2^128-1, and a NUL */

typedef unsigned __int128 arc_t;
#define ARC_MAX (~(arc_t)0)

static void
put_decimal(struct buf *out, arc_t v)
{
	char digits[ARC_DIGITS_MAX];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + (int)(v % 10));
		v /= 10;
	} while (v > 0);
	buf_append(out, digits + at, sizeof(digits) - at);
}

/* One subidentifier at p[*i]; moves *i behind it. */
static int
arc_read(const uint8_t *p, size_t n, size_t *i, arc_t *out, struct err *e)
{
	size_t from = *i;
	arc_t v = 0;

	if (p[from] == 0x80)
		return err_at(e, LAYER, ERR_SYNTAX, from,
		    "object identifier arc with leading zeros");
	for (; *i < n; (*i)++) {
		if (v > ARC_MAX >> 7)
			return err_at(e, LAYER, ERR_LIMIT, from,
			    "object identifier arc of 2^128 or more");
		v = v << 7 | (p[*i] & 0x7f);
		if ((p[*i] & 0x80) == 0) {
			(*i)++;
			*out = v;
			return 0;
		}
	}
	return err_at(
	    e, LAYER, ERR_SYNTAX, n, "object identifier arc cut short");
}

static int
oid_print(struct buf *out, const uint8_t *p, size_t n, struct err *e)
{
	arc_t v, top;
	size_t i = 0;
	int r;

	if (n == 0)
		return err_at(
		    e, LAYER, ERR_SYNTAX, 0, "empty object identifier");
	if (n > OID_MAX)
		return err_at(e, LAYER, ERR_LIMIT, OID_MAX,
		    "object identifier of %zu octets", n);
	if ((r = arc_read(p, n, &i, &v, e)) < 0)
		return r;
	top = v < 80 ? v / 40 : 2;
	put_decimal(out, top);
	buf_putc(out, '.');
	put_decimal(out, v - top * 40);
	while (i < n) {
		if ((r = arc_read(p, n, &i, &v, e)) < 0)
			return r;
		buf_putc(out, '.');
		put_decimal(out, v);
	}
	return 0;
}

const char *
ber_oid_text(struct arena *a, const uint8_t *p, size_t n, struct err *e)
{
	struct buf b = {0};
	const char *text = NULL;

	if (oid_print(&b, p, n, e) == 0)
		text = arena_strndup(a, (const char *)b.data, b.len);
	buf_free(&b);
	return text;
}

static void
arc_put(struct buf *out, arc_t v)
{
	unsigned groups = 1;

	while (groups < 19 && v >> (7 * groups) > 0)
		groups++;
	while (groups-- > 0)
		buf_putc(out,
		    (uint8_t)((v >> (7 * groups) & 0x7f) |
			(groups > 0 ? 0x80 : 0)));
}

/* One decimal arc at s[*i], which must end at a dot or the end. */
static int
arc_parse(const char *s, size_t *i, arc_t *out, struct err *e)
{
	size_t from = *i;
	arc_t v = 0;

	for (; s[*i] >= '0' && s[*i] <= '9'; (*i)++) {
		unsigned digit = (unsigned)(s[*i] - '0');

		if (v > (ARC_MAX - digit) / 10)
			return err_at(e, LAYER, ERR_LIMIT, from,
			    "object identifier arc of 2^128 or more");
		v = v * 10 + digit;
	}
	if (*i == from || (s[from] == '0' && *i > from + 1) ||
	    (s[*i] != '.' && s[*i] != '\0'))
		return err_at(e, LAYER, ERR_SYNTAX, *i,
		    "object identifier is not decimal numbers with dots");
	*out = v;
	return 0;
}

static int
oid_put(struct buf *out, const char *s, struct err *e)
{
	arc_t top, v;
	size_t i = 0;
	int r;

	if ((r = arc_parse(s, &i, &top, e)) < 0)
		return r;
	if (top > 2 || s[i] != '.')
		return err_at(e, LAYER, ERR_SYNTAX, i,
		    "object identifier must begin 0., 1. or 2.");
	i++;
	if ((r = arc_parse(s, &i, &v, e)) < 0)
		return r;
	if ((top < 2 && v >= 40) || v > ARC_MAX - 80)
		return err_at(e, LAYER, ERR_SYNTAX, i,
		    "second arc of the object identifier too large");
	arc_put(out, top * 40 + v);
	while (s[i] == '.') {
		i++;
		if ((r = arc_parse(s, &i, &v, e)) < 0)
			return r;
		arc_put(out, v);
	}
	return 0;
}

int
ber_oid_put(struct buf *out, const char *dotted, struct err *e)
{
	struct buf b = {0};
	int r;

	if (strnlen(dotted, DOTTED_MAX + 1) > DOTTED_MAX)
		return err_at(e, LAYER, ERR_LIMIT, DOTTED_MAX,
		    "object identifier text too long");
	r = oid_put(&b, dotted, e);
	if (r == 0 && b.len > OID_MAX)
		r = err_at(e, LAYER, ERR_LIMIT, ERR_NO_OFFSET,
		    "object identifier of %zu octets", b.len);
	if (r == 0)
		buf_append(out, b.data, b.len);
	buf_free(&b);
	return r;
}
