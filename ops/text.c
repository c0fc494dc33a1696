#include "ops/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* The length of the UTF-8 sequence at p, and its code point; 0: it is none
 * (RFC 3629: no overlong ones, no surrogates, nothing above U+10FFFF). */
static size_t
utf8_next(const uint8_t *p, size_t n, uint32_t *code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length;

	if (p[0] < 0x80) {
		*code = p[0];
		return 1;
	}
	length = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || length > n)
		return 0;
	*code = p[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (p[i] & 0x3fu);
	}
	if (*code < least[length] || *code > 0x10ffff ||
	    (*code >= 0xd800 && *code < 0xe000))
		return 0;
	return length;
}

static bool
is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

static void
safe(struct buf *out, const char *text, size_t n, bool lines)
{
	const uint8_t *p = (const uint8_t *)text, *end = p + n;

	while (p < end) {
		uint32_t code = 0;
		size_t length = utf8_next(p, (size_t)(end - p), &code);
		bool crlf = end - p > 1 && p[0] == '\r' && p[1] == '\n';

		if (length == 0)
			buf_puts(out, "\xef\xbf\xbd");
		else if (!is_control(code) ||
		    (lines && (code == '\n' || code == '\t')))
			buf_append(out, p, length);
		else if (!lines || !crlf)
			buf_putc(out, '?');
		p += length > 0 ? length : 1;
	}
}

void
text_safe(struct buf *out, const char *s)
{
	safe(out, s, strlen(s), false);
}

void
text_safe_lines(struct buf *out, const char *p, size_t n)
{
	safe(out, p, n, true);
}

/* --- JSON (RFC 8259) --- */

void
text_json(struct buf *out, const char *s)
{
	const uint8_t *p = (const uint8_t *)s;
	size_t left = s != NULL ? strlen(s) : 0;

	if (s == NULL) {
		buf_puts(out, "null");
		return;
	}
	buf_putc(out, '"');
	while (left > 0) {
		uint32_t code = 0;
		size_t length = utf8_next(p, left, &code);

		if (length == 0)
			buf_puts(out, "\\ufffd");
		else if (code == '"' || code == '\\')
			buf_printf(out, "\\%c", (int)code);
		else if (is_control(code))
			buf_printf(out, "\\u%04x", code);
		else
			buf_append(out, p, length);
		length += length == 0;
		p += length;
		left -= length;
	}
	buf_putc(out, '"');
}

void
text_json_row(struct buf *out, const struct q_row *row)
{
	for (size_t i = 0; i < row->n; i++) {
		const struct q_row_field *f = &row->v[i];

		buf_printf(out, "%s\"%s\":", i > 0 ? "," : "", f->name);
		if (f->kind == Q_ROW_TEXT)
			text_json(out, f->value);
		else if (f->kind == Q_ROW_BOOL)
			buf_puts(out, *f->value == '1' ? "true" : "false");
		else
			buf_puts(out, f->value);
	}
}

/* --- numbers --- */

const char *
text_age(int64_t seconds, char out[TEXT_AGE])
{
	long long s = seconds > 0 ? seconds : 0;

	if (s < 120)
		snprintf(out, TEXT_AGE, "%llds", s);
	else if (s < 120 * 60)
		snprintf(out, TEXT_AGE, "%lldm", s / 60);
	else if (s < 48 * 3600)
		snprintf(out, TEXT_AGE, "%lldh", s / 3600);
	else
		snprintf(out, TEXT_AGE, "%lldd", s / 86400);
	return out;
}

const char *
text_time(int64_t wall, char out[TEXT_TIME])
{
	time_t t = (time_t)wall;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(out, TEXT_TIME, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(out, TEXT_TIME, "?");
	return out;
}

const char *
text_size(uint64_t octets, char out[TEXT_SIZE])
{
	static const char *const units[] = {
	    "octets", "KiB", "MiB", "GiB", "TiB"};
	double v = (double)octets;
	size_t unit = 0;

	while (v >= 1024 && unit < 4) {
		v /= 1024;
		unit++;
	}
	snprintf(
	    out, TEXT_SIZE, unit > 0 ? "%.1f %s" : "%.0f %s", v, units[unit]);
	return out;
}
