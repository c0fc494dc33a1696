/*
 * Octets of a body on their way through the downgrade: quoted-printable and
 * base64 (RFC 2045 6.7, 6.8), and what is nearly one of them made whole.
 */
#include <string.h>

#include "lib/base64.h"
#include "smtp/downgrade_priv.h"

/* The last column before a soft line break, which takes one itself. */
#define SOFT (DG_LINE - 1)

size_t
dg_break(const struct smtp_downgrade *d, size_t at, size_t limit)
{
	if (d->p[at] == '\r' && at + 1 < limit && d->p[at + 1] == '\n')
		return 2;
	return !d->o.binary && (d->p[at] == '\r' || d->p[at] == '\n');
}

struct dg_line
dg_line_within(
    const struct smtp_downgrade *d, size_t at, size_t most, size_t limit)
{
	size_t stop = limit - at > most ? at + most : limit;

	for (; at < stop; at++)
		if (d->p[at] == '\r' || d->p[at] == '\n') {
			size_t n = dg_break(d, at, limit);

			if (n > 0)
				return (struct dg_line){at, at + n};
		}
	return (struct dg_line){stop, stop};
}

struct dg_line
dg_line_at(const struct smtp_downgrade *d, size_t at, size_t limit)
{
	return dg_line_within(d, at, limit - at, limit);
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* --- looking --- */

struct dg_survey
dg_survey(const struct smtp_downgrade *d, size_t at, size_t end)
{
	struct dg_survey s = {0};
	size_t line = 0;

	while (at < end) {
		uint8_t c = d->p[at];
		size_t n = c == '\r' || c == '\n' ? dg_break(d, at, end) : 0;

		if (n > 0) {
			line = 0;
			at += n;
			continue;
		}
		s.eight |= c > 127;
		s.nul |= c == 0;
		s.bare |= c == '\r' || c == '\n';
		s.specials += c > 126 || c == '=' || (c < ' ' && c != '\t');
		if (++line > s.longest)
			s.longest = line;
		at++;
	}
	return s;
}

/* --- quoted-printable --- */

static void
put_line_end(struct smtp_downgrade *d, struct buf *out)
{
	buf_append(out, "\r\n", 2);
	d->encoder.column = 0;
}

/* A hyphen that begins a line might make a boundary of it. */
static void
put_quoted(struct smtp_downgrade *d, const uint8_t *p, size_t n, bool literal,
    struct buf *out)
{
	size_t width = literal ? n : 3;

	if (d->encoder.column + width > SOFT) {
		buf_putc(out, '=');
		put_line_end(d, out);
	}
	if (literal && d->encoder.column == 0 && p[0] == '-')
		literal = false;
	if (literal)
		buf_append(out, p, n);
	else
		buf_printf(out, "=%02X", p[0]);
	d->encoder.column += literal ? n : 3;
}

static bool
ends_line(const struct smtp_downgrade *d, size_t at, size_t end)
{
	return at >= end || dg_break(d, at, end) > 0;
}

static size_t
quote(struct smtp_downgrade *d, size_t end, struct buf *out)
{
	const uint8_t *p = d->p + d->at;
	bool literal = *p > ' ' && *p < 127 && *p != '=';

	if (is_blank(*p))
		literal = !ends_line(d, d->at + 1, end);
	put_quoted(d, p, 1, literal, out);
	return 1;
}

static bool
is_hex(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') ||
	    (c >= 'a' && c <= 'f');
}

/* "=" and blanks that end the line (RFC 2045 6.7 (3), (5)). */
static bool
is_soft_break(const struct smtp_downgrade *d, size_t at, size_t end)
{
	if (d->p[at] != '=')
		return false;
	for (at++; at < end && is_blank(d->p[at]);)
		at++;
	return ends_line(d, at, end);
}

static size_t
requote(struct smtp_downgrade *d, size_t end, struct buf *out)
{
	const uint8_t *p = d->p + d->at;
	size_t left = end - d->at;

	if (*p == '=') {
		if (left >= 3 && is_hex(p[1]) && is_hex(p[2])) {
			put_quoted(d, p, 3, true, out);
			return 3;
		}
		if (is_soft_break(d, d->at, end)) {
			buf_putc(out, '=');
			d->encoder.column++;
			return 1;
		}
	}
	put_quoted(
	    d, p, 1, is_blank(*p) || (*p > ' ' && *p < 127 && *p != '='), out);
	return 1;
}

/* --- base64 --- */

static void
put_base64(struct smtp_downgrade *d, const void *p, size_t n, struct buf *out)
{
	struct dg_encoder *x = &d->encoder;

	for (size_t i = 0; i < n; i++) {
		if (x->n_held == DG_BASE64_LINE) {
			base64_encode(out, x->held, x->n_held);
			buf_append(out, "\r\n", 2);
			x->n_held = 0;
		}
		x->held[x->n_held++] = ((const uint8_t *)p)[i];
	}
}

void
dg_encode_end(struct smtp_downgrade *d, struct buf *out)
{
	base64_encode(out, d->encoder.held, d->encoder.n_held);
	d->encoder.n_held = 0;
	d->encoder.column = 0;
}

static size_t
rebase64(struct smtp_downgrade *d, size_t end, struct buf *out)
{
	static const char alphabet[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
	uint8_t c = d->p[d->at];

	(void)end;
	if (c == 0 || memchr(alphabet, c, sizeof(alphabet) - 1) == NULL)
		return 1;
	if (d->encoder.column >= DG_LINE)
		put_line_end(d, out);
	buf_putc(out, c);
	d->encoder.column++;
	return 1;
}

/* --- copies --- */

static size_t
clean(struct smtp_downgrade *d, size_t end, struct buf *out)
{
	uint8_t c = d->p[d->at];

	(void)end;
	if (d->o.line_max > 0 && d->encoder.column >= d->o.line_max) {
		put_line_end(d, out);
		buf_putc(out, ' ');
		d->encoder.column = 1;
	}
	buf_putc(out,
	    (c > 127 && !d->o.eight) || c == 0 || c == '\r' || c == '\n' ? '?'
									 : c);
	d->encoder.column++;
	return 1;
}

static void
copy(struct smtp_downgrade *d, size_t end, struct buf *out)
{
	struct dg_line l = dg_line_within(d, d->at, DG_PIECE, end);

	buf_append(out, d->p + d->at, l.end - d->at);
	if (l.next > l.end)
		buf_append(out, "\r\n", 2);
	d->at = l.next;
}

void
dg_encode(struct smtp_downgrade *d, size_t end, struct buf *out)
{
	static size_t (*const each[])(
	    struct smtp_downgrade * d, size_t end, struct buf * out) = {
	    [DG_CLEAN] = clean,
	    [DG_QP] = quote,
	    [DG_FIX_QP] = requote,
	    [DG_FIX_BASE64] = rebase64,
	};
	enum dg_how how = d->encoder.how;
	size_t limit = end - d->at > DG_PIECE ? d->at + DG_PIECE : end;

	while (d->at < limit) {
		size_t n = dg_break(d, d->at, end);

		if (how == DG_COPY) {
			copy(d, end, out);
		} else if (n > 0 && how != DG_BASE64) {
			put_line_end(d, out);
			d->at += n;
		} else if (how == DG_BASE64) {
			/* text is encoded in its canonical form */
			put_base64(d,
			    n > 0 ? (const void *)"\r\n"
				  : (const void *)(d->p + d->at),
			    n > 0 ? 2 : 1, out);
			d->at += n > 0 ? n : 1;
		} else {
			d->at += each[how](d, end, out);
		}
	}
}
