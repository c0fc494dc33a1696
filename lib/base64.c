#include "lib/base64.h"

#include <string.h>

#include "lib/err.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_encode(struct buf *out, const void *data, size_t n)
{
	const uint8_t *p = data;

	for (; n > 0; p += 3) {
		size_t k = n < 3 ? n : 3;
		uint32_t v = (uint32_t)p[0] << 16 |
		    (k > 1 ? (uint32_t)p[1] << 8 : 0) | (k > 2 ? p[2] : 0);

		buf_putc(out, (uint8_t)alphabet[v >> 18]);
		buf_putc(out, (uint8_t)alphabet[v >> 12 & 63]);
		buf_putc(
		    out, k > 1 ? (uint8_t)alphabet[v >> 6 & 63] : (uint8_t)'=');
		buf_putc(out, k > 2 ? (uint8_t)alphabet[v & 63] : (uint8_t)'=');
		n -= k;
	}
}

static int
value_of(char c)
{
	const char *at = c != '\0' ? strchr(alphabet, c) : NULL;

	return at != NULL ? (int)(at - alphabet) : -1;
}

/* Four characters, the last `padding` of them "=". The bits that stand for no
 * octet must be zero: each run of octets has one text only. */
static int
decode_group(const char *text, size_t padding, uint8_t out[3])
{
	uint32_t v = 0;

	for (size_t i = 0; i < 4; i++) {
		int d = i < 4 - padding ? value_of(text[i]) : 0;

		if (d < 0)
			return ERR_SYNTAX;
		v = v << 6 | (uint32_t)d;
	}
	if ((padding == 1 && (v & 0xff) != 0) ||
	    (padding == 2 && (v & 0xffff) != 0))
		return ERR_SYNTAX;
	out[0] = (uint8_t)(v >> 16);
	out[1] = (uint8_t)(v >> 8);
	out[2] = (uint8_t)v;
	return 0;
}

static size_t
padding_of(const char *text, size_t n)
{
	if (n == 0 || text[n - 1] != '=')
		return 0;
	return text[n - 2] == '=' ? 2 : 1;
}

ssize_t
base64_decode(const char *text, size_t n, uint8_t *out, size_t size)
{
	size_t padding, done = 0;

	if (n % 4 != 0)
		return ERR_SYNTAX;
	padding = padding_of(text, n);
	if (n / 4 * 3 - padding > size)
		return ERR_LIMIT;
	for (size_t at = 0; at < n; at += 4) {
		size_t pad = at + 4 == n ? padding : 0;
		uint8_t three[3];

		if (decode_group(text + at, pad, three) != 0)
			return ERR_SYNTAX;
		memcpy(out + done, three, 3 - pad);
		done += 3 - pad;
	}
	return (ssize_t)done;
}
