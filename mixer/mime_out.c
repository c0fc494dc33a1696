#include "mixer/internal.h"

#include <gmime/gmime.h>
#include <string.h>

void
mixer_base64(struct buf *out, const uint8_t *p, size_t n)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn"
				  "opqrstuvwxyz0123456789+/";
	size_t column = 0;

	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t v = (uint32_t)p[i] << 16;
		uint8_t *w = buf_reserve(out, 6);

		v |= left > 1 ? (uint32_t)p[i + 1] << 8 : 0;
		v |= left > 2 ? p[i + 2] : 0;
		w[0] = (uint8_t)set[v >> 18];
		w[1] = (uint8_t)set[v >> 12 & 63];
		w[2] = left > 1 ? (uint8_t)set[v >> 6 & 63] : '=';
		w[3] = left > 2 ? (uint8_t)set[v & 63] : '=';
		buf_grow(out, 4);
		if ((column += 4) == 76) {
			buf_puts(out, "\r\n");
			column = 0;
		}
	}
	if (column > 0)
		buf_puts(out, "\r\n");
}

/* Is the octet at i, in a text of CRLF lines, plain in quoted-printable? */
static bool
qp_plain(const uint8_t *p, size_t n, size_t i)
{
	if (p[i] == ' ' || p[i] == '\t')
		return i + 1 < n && p[i + 1] != '\r' && p[i + 1] != '\n';
	return p[i] > ' ' && p[i] < 0x7f && p[i] != '=';
}

void
mixer_qp(struct buf *out, const uint8_t *p, size_t n)
{
	size_t column = 0;

	for (size_t i = 0; i < n; i++) {
		size_t width = qp_plain(p, n, i) ? 1 : 3;

		if (p[i] == '\r' && i + 1 < n && p[i + 1] == '\n') {
			buf_puts(out, "\r\n");
			column = 0;
			i++;
			continue;
		}
		if (column + width > 75) {
			buf_puts(out, "=\r\n");
			column = 0;
		}
		if (width == 1)
			buf_putc(out, p[i]);
		else
			buf_printf(out, "=%02X", p[i]);
		column += width;
	}
	if (column > 0)
		buf_puts(out, "\r\n");
}

void
mixer_crlf(struct buf *out, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\r' && i + 1 < n && p[i + 1] == '\n')
			continue;
		if (p[i] == '\n' || p[i] == '\r')
			buf_puts(out, "\r\n");
		else
			buf_putc(out, p[i]);
	}
}

const char *
mixer_boundary(struct mixer_conv *cv, const struct buf *body)
{
	for (unsigned i = 0;; i++) {
		const char *s = arena_printf(cv->a, "=_mixer_%llx_%x_%x",
		    (unsigned long long)cv->now, cv->depth, i);

		if (body->len == 0 ||
		    memmem(body->data, body->len, s, strlen(s)) == NULL)
			return s;
	}
}

static const char *
take_g(struct arena *a, char *s)
{
	const char *r = mixer_one_line(a, s != NULL ? s : "");

	g_free(s);
	return r;
}

const char *
mixer_2047_text(struct arena *a, const char *utf8)
{
	utf8 = mixer_one_line(a, utf8);
	return take_g(a, g_mime_utils_header_encode_text(NULL, utf8, NULL));
}

static const char *
quoted(struct arena *a, const char *s)
{
	struct buf b = {0};
	const char *r;

	buf_putc(&b, '"');
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			buf_putc(&b, '\\');
		buf_putc(&b, (uint8_t)*s);
	}
	buf_putc(&b, '"');
	r = arena_strndup(a, (const char *)b.data, b.len);
	buf_free(&b);
	return r;
}

const char *
mixer_2047_phrase(struct arena *a, const char *utf8)
{
	utf8 = mixer_one_line(a, utf8);
	if (mixer_is_ascii((const uint8_t *)utf8, strlen(utf8)))
		return strpbrk(utf8, "()<>@,;:\\\".[]=") != NULL
		    ? quoted(a, utf8)
		    : utf8;
	return take_g(a, g_mime_utils_header_encode_phrase(NULL, utf8, NULL));
}

const char *
mixer_2047_decode(struct arena *a, const char *value)
{
	return take_g(a, g_mime_utils_header_decode_text(NULL, value));
}

void
mixer_param_put(struct buf *out, const char *name, const char *utf8)
{
	if (mixer_is_ascii((const uint8_t *)utf8, strlen(utf8))) {
		buf_printf(out, ";\r\n\t%s=\"", name);
		for (; *utf8 != '\0'; utf8++) {
			if (*utf8 == '"' || *utf8 == '\\')
				buf_putc(out, '\\');
			if ((uint8_t)*utf8 >= 0x20 && *utf8 != 0x7f)
				buf_putc(out, (uint8_t)*utf8);
		}
		buf_putc(out, '"');
		return;
	}
	buf_printf(out, ";\r\n\t%s*=utf-8''", name);
	for (; *utf8 != '\0'; utf8++)
		if (g_ascii_isalnum(*utf8) ||
		    (*utf8 != '\0' && strchr("-._~", *utf8) != NULL))
			buf_putc(out, (uint8_t)*utf8);
		else
			buf_printf(out, "%%%02X", (uint8_t)*utf8);
}
