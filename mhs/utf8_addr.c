#include "mhs/utf8_addr.h"

#include <string.h>

#define HEXPOINT_MAX 6

/* --- UTF-8 (RFC 3629) --- */

int32_t
mhs_utf8_next(const char *s, size_t n, size_t *used)
{
	static const int32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const uint8_t *p = (const uint8_t *)s;
	size_t length = p[0] < 0x80       ? 1
	    : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
	    : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
	    : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
					  : 0;
	int32_t c;

	*used = 1;
	if (length == 1)
		return p[0];
	if (length == 0 || length > n)
		return -1;
	c = p[0] & (0x7f >> length);
	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return -1;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[length] || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
		return -1;
	*used = length;
	return c;
}

bool
mhs_utf8_valid(const char *s, size_t n)
{
	size_t used;

	for (size_t at = 0; at < n; at += used)
		if (mhs_utf8_next(s + at, n - at, &used) < 0)
			return false;
	return true;
}

static void
put_code(struct buf *out, int32_t c)
{
	if (c < 0x80) {
		buf_putc(out, (uint8_t)c);
	} else if (c < 0x800) {
		buf_putc(out, (uint8_t)(0xc0 | c >> 6));
		buf_putc(out, (uint8_t)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_putc(out, (uint8_t)(0xe0 | c >> 12));
		buf_putc(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		buf_putc(out, (uint8_t)(0x80 | (c & 0x3f)));
	} else {
		buf_putc(out, (uint8_t)(0xf0 | c >> 18));
		buf_putc(out, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
		buf_putc(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		buf_putc(out, (uint8_t)(0x80 | (c & 0x3f)));
	}
}

/* --- EmbeddedUnicodeChar --- */

static int
hex(char c)
{
	const char *digits = "0123456789ABCDEF";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* "\x{HEXPOINT}" at s: its code point and length; -1: it is none. */
static int32_t
embedded(const char *s, size_t *used)
{
	int32_t c = 0;
	size_t n = 0;

	if (strncmp(s, "\\x{", 3) != 0)
		return -1;
	for (; n < HEXPOINT_MAX && hex(s[3 + n]) >= 0; n++)
		c = c << 4 | hex(s[3 + n]);
	if (n < 2 || s[3 + n] != '}' || c > 0x10ffff ||
	    (c >= 0xd800 && c <= 0xdfff))
		return -1;
	*used = n + 4;
	return c;
}

/* The next character of an address, escaped or not; an octet that is no UTF-8
 * counts as U+FFFD. */
static int32_t
next(const char *s, size_t *used)
{
	int32_t c = embedded(s, used);

	if (c < 0)
		c = mhs_utf8_next(s, strlen(s), used);
	return c < 0 ? 0xfffd : c;
}

static bool
is_qchar(int32_t c)
{
	return c > ' ' && c < 127 && c != '\\' && c != '+' && c != '=';
}

void
mhs_utf8_addr_append(struct buf *out, const char *address, bool eight)
{
	size_t used;

	for (const char *s = address; *s != '\0'; s += used) {
		int32_t c = next(s, &used);

		if (is_qchar(c) || (eight && c > 127))
			put_code(out, c);
		else
			buf_printf(out, "\\x{%02X}", (unsigned)c);
	}
}

void
mhs_utf8_addr_plain(struct buf *out, const char *address)
{
	size_t used;

	for (const char *s = address; *s != '\0'; s += used) {
		int32_t c = embedded(s, &used);

		if (c >= ' ' && c != 127)
			put_code(out, c);
		else {
			used = 1;
			buf_putc(out, (uint8_t)*s);
		}
	}
}
