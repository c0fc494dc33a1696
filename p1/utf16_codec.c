#include "p1/utf16_codec.h"

static void
put_utf8(struct buf *b, uint32_t c)
{
	if (c < 0x80) {
		buf_putc(b, (uint8_t)c);
	} else if (c < 0x800) {
		buf_putc(b, (uint8_t)(0xc0 | c >> 6));
		buf_putc(b, (uint8_t)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_putc(b, (uint8_t)(0xe0 | c >> 12));
		buf_putc(b, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		buf_putc(b, (uint8_t)(0x80 | (c & 0x3f)));
	} else {
		buf_putc(b, (uint8_t)(0xf0 | c >> 18));
		buf_putc(b, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
		buf_putc(b, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		buf_putc(b, (uint8_t)(0x80 | (c & 0x3f)));
	}
}

static bool
is_character(uint32_t c)
{
	return c <= 0x10ffff && (c < 0xd800 || c > 0xdfff) && c != 0;
}

bool
p1_ucs_to_utf8(const uint8_t *p, size_t n, unsigned width, struct buf *out)
{
	if (n % width != 0)
		return false;
	for (size_t i = 0; i < n; i += width) {
		uint32_t c = 0;

		for (unsigned k = 0; k < width; k++)
			c = c << 8 | p[i + k];
		if (!is_character(c))
			return false;
		put_utf8(out, c);
	}
	return true;
}

/* One character at p; its octets, or 0 when it is malformed or overlong. */
static size_t
get_utf8(const uint8_t *p, size_t n, uint32_t *c)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = p[0] < 0x80          ? 1
	    : p[0] >= 0xf0 && p[0] < 0xf8 ? 4
	    : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
	    : p[0] >= 0xc0 && p[0] < 0xe0 ? 2
					  : 0;

	if (len == 0 || len > n)
		return 0;
	*c = len == 1 ? p[0] : p[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (p[i] & 0x3fu);
	}
	return *c >= least[len] && is_character(*c) ? len : 0;
}

bool
p1_utf8_to_ucs(const uint8_t *p, size_t n, unsigned *width, struct buf *out)
{
	uint32_t c;
	size_t len;

	*width = 2;
	for (size_t i = 0; i < n; i += len) {
		len = get_utf8(p + i, n - i, &c);
		if (len == 0)
			return false;
		if (c > 0xffff)
			*width = 4;
	}
	for (size_t i = 0; i < n; i += len) {
		len = get_utf8(p + i, n - i, &c);
		if (*width == 4)
			buf_put_u32(out, c);
		else
			buf_put_u16(out, (uint16_t)c);
	}
	return true;
}
