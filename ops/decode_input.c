/*
 * Octets that were written down as text: hexadecimal or base64.
 */
#include <string.h>

#include "ops/decode.h"

static int
hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int
base64_value(uint8_t c)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *s = c != '\0' ? strchr(alphabet, c) : NULL;

	return s != NULL ? (int)(s - alphabet) : -1;
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static int
bad_character(size_t at, const char *what, struct err *e)
{
	return err_at(
	    e, "input", ERR_SYNTAX, at, "a character that is not %s", what);
}

/* Where somebody would look for it in the text: line and column, from 1. */
static int
incomplete(const struct buf *in, size_t at, struct err *e)
{
	size_t line = 1, column = 1;

	for (size_t i = 0; i < at; i++) {
		bool end = in->data[i] == '\n';

		line += end;
		column = end ? 1 : column + 1;
	}
	return err_at(e, "input", ERR_SYNTAX, at,
	    "line %zu, column %zu: an octet of one hexadecimal digit", line,
	    column);
}

static int
from_hex(const struct buf *in, struct buf *out, struct err *e)
{
	size_t first = 0; /* digit of the octet under way */
	int high = -1, v;

	for (size_t i = 0; i < in->len; i++) {
		const uint8_t *c = in->data + i;

		if (high < 0 && (is_space(*c) || *c == ':'))
			continue;
		if (high < 0 && *c == '0' && i + 1 < in->len &&
		    (c[1] | 0x20) == 'x') {
			i++;
			continue;
		}
		v = hex_value(*c);
		if (v < 0 && high >= 0 && (is_space(*c) || *c == ':'))
			return incomplete(in, first, e);
		if (v < 0)
			return bad_character(i, "hexadecimal", e);
		if (high >= 0)
			buf_putc(out, (uint8_t)(high << 4 | v));
		first = high >= 0 ? first : i;
		high = high >= 0 ? -1 : v;
	}
	return high < 0 ? 0 : incomplete(in, first, e);
}

/* The end of a PEM line at `i` ("-----BEGIN ..."), or i. */
static size_t
skip_dashes(const struct buf *in, size_t i)
{
	const uint8_t *nl;

	if (in->len - i < 5 || memcmp(in->data + i, "-----", 5) != 0)
		return i;
	nl = memchr(in->data + i, '\n', in->len - i);
	return nl != NULL ? (size_t)(nl - in->data) : in->len - 1;
}

static int
from_base64(const struct buf *in, struct buf *out, struct err *e)
{
	uint32_t bits = 0;
	unsigned n = 0, padding = 0;
	size_t after;
	int v;

	for (size_t i = 0; i < in->len; i++) {
		after = skip_dashes(in, i);
		if (after != i || is_space(in->data[i])) {
			i = after;
			continue;
		}
		if (in->data[i] == '=') {
			padding++;
			continue;
		}
		v = base64_value(in->data[i]);
		if (v < 0 || padding > 0)
			return bad_character(i, "base64", e);
		bits = bits << 6 | (uint32_t)v;
		if (++n % 4 != 1)
			buf_putc(
			    out, (uint8_t)(bits >> (6 - 2 * ((n - 1) % 4))));
	}
	if (n % 4 == 1 || padding > 2)
		return err_at(e, "input", ERR_SYNTAX, in->len,
		    "base64 that ends in the middle");
	return 0;
}

/* Text that can only be one or the other: hexadecimal is base64 too, so it is
 * asked first; BER itself is never all letters and digits. */
static enum decode_input
guess(const struct buf *b)
{
	bool hex = true, base64 = true;

	for (size_t i = 0; i < b->len && base64; i++) {
		uint8_t c = b->data[i];
		size_t after = skip_dashes(b, i);

		if (after != i) {
			hex = false;
			i = after;
			continue;
		}
		hex = hex &&
		    (hex_value(c) >= 0 || is_space(c) || c == ':' ||
			(c | 0x20) == 'x');
		base64 = hex || base64_value(c) >= 0 || is_space(c) || c == '=';
	}
	return b->len < 4 ? DECODE_RAW
	    : hex         ? DECODE_HEX
	    : base64      ? DECODE_BASE64
			  : DECODE_RAW;
}

int
decode_input(struct buf *b, enum decode_input how, struct err *e)
{
	struct buf out = {0};
	int rc;

	if (how == DECODE_AUTO)
		how = guess(b);
	if (how == DECODE_RAW)
		return 0;
	rc = how == DECODE_HEX ? from_hex(b, &out, e) : from_base64(b, &out, e);
	if (rc < 0) {
		buf_free(&out);
		return rc;
	}
	buf_free(b);
	*b = out;
	return 0;
}
