/*
 * The content on its way out (RFC 5321 4.5.2): CR LF as the only line end
 * (unless it is BINARYMIME), for DATA dots doubled at the start of a line, and
 * the final dot.
 */
#include <string.h>

#include "lib/log.h"
#include "smtp/client_priv.h"
#include "smtp/downgrade.h"

#define OUTPUT_HIGH (64 * 1024) /* octets of output made at once */
#define PIECE 8192 /* looked at in one go: bounds what stray CRs cost */

void
smtp_client_content_free(struct smtp_client *c)
{
	smtp_downgrade_free(&c->content.downgrade);
	buf_free(&c->content.made);
	buf_free(&c->bdat.chunk);
	c->content = (struct client_content){0};
	c->bdat = (struct client_bdat){0};
}

/* --- where it comes from --- */

/* What is next: at most PIECE octets, none at the end. */
static struct octets
source_peek(struct smtp_client *c)
{
	struct client_content *k = &c->content;
	const struct smtp_transaction *t = c->t;
	struct octets o = {t->content + k->at, t->content_n - k->at};
	struct err e = ERR_INIT;

	if (k->head_at < k->head_n)
		o = (struct octets){(const uint8_t *)k->head + k->head_at,
		    k->head_n - k->head_at};
	else if (k->downgrade != NULL) {
		int rc = 1;

		/* that it can be made was found out before */
		while (k->made.len == 0 && rc > 0)
			rc = smtp_downgrade_next(k->downgrade, &k->made, &e);
		INVARIANT(rc >= 0);
		o = (struct octets){k->made.data, k->made.len};
	}
	if (o.n > PIECE)
		o.n = PIECE;
	return o;
}

static void
source_consume(struct smtp_client *c, size_t n)
{
	struct client_content *k = &c->content;

	if (k->head_at < k->head_n)
		k->head_at += n;
	else if (k->downgrade != NULL)
		buf_consume(&k->made, n);
	else
		k->at += n;
}

/* --- how it goes --- */

/* One octet that may need something beside it. */
static void
special(struct client_content *k, struct buf *out, uint8_t octet)
{
	if (k->cr && octet != '\n') {
		buf_putc(out, '\n');
		k->line_start = true;
	}
	if (octet == '\n') {
		if (!k->cr)
			buf_putc(out, '\r');
		k->line_start = true;
	} else {
		if (octet == '.' && k->line_start && k->dots)
			buf_putc(out, '.');
		k->line_start = false;
	}
	k->cr = octet == '\r';
	buf_putc(out, octet);
}

/* The longest run from p that goes out as it is: from inside a line or a
 * line's start without a dot, over whole lines, to before a line that needs
 * a closer look. Returns its length. */
static size_t
plain_run(struct client_content *k, const uint8_t *p, size_t n)
{
	size_t at = 0;

	if (k->cr || (k->line_start && p[0] == '.'))
		return 0;
	while (at < n && (at == 0 || p[at] != '.')) {
		const uint8_t *lf = memchr(p + at, '\n', n - at);
		size_t end = lf != NULL ? (size_t)(lf - p) : n;
		const uint8_t *cr = memchr(p + at, '\r', end - at);

		if (lf != NULL && cr != NULL && cr + 1 == lf) {
			at = end + 1;
			continue;
		}
		/* a line goes on after this run */
		if (cr != NULL)
			end = (size_t)(cr - p);
		k->line_start = end == at && (at > 0 || k->line_start);
		return end;
	}
	if (at > 0)
		k->line_start = true;
	return at;
}

static void
end_line(struct client_content *k, struct buf *out)
{
	if (k->raw)
		return;
	if (k->cr)
		buf_putc(out, '\n');
	else if (!k->line_start)
		buf_append(out, "\r\n", 2);
}

bool
smtp_client_content_fill(struct smtp_client *c, struct buf *out, size_t high)
{
	struct client_content *k = &c->content;

	while (out->len < high) {
		struct octets o = source_peek(c);
		size_t run;

		if (o.n == 0) {
			end_line(k, out);
			return false;
		}
		run = k->raw ? o.n : plain_run(k, o.p, o.n);
		buf_append(out, o.p, run);
		if (run < o.n)
			special(k, out, o.p[run++]);
		source_consume(c, run);
	}
	return true;
}

void
smtp_client_content_more(struct smtp_client *c)
{
	if (!c->content.streaming ||
	    smtp_client_content_fill(c, &c->out, OUTPUT_HIGH))
		return;
	buf_append(&c->out, ".\r\n", 3);
	c->content.streaming = false;
}
