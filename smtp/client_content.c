/*
 * The content on its way out (RFC 5321 4.5.2): dots doubled at the start of a
 * line, CR LF as the only line end, and the final dot.
 */
#include <string.h>

#include "smtp/client_priv.h"

#define OUTPUT_HIGH (64 * 1024) /* octets of output made at once */
#define PIECE 8192 /* looked at in one go: bounds what stray CRs cost */

void
smtp_client_content_start(struct smtp_client *c)
{
	c->content =
	    (struct client_content){.streaming = true, .line_start = true};
}

static void
content_end(struct smtp_client *c)
{
	if (c->content.cr)
		buf_putc(&c->out, '\n');
	else if (!c->content.line_start)
		buf_append(&c->out, "\r\n", 2);
	buf_append(&c->out, ".\r\n", 3);
	c->content.streaming = false;
}

/* One octet that may need something beside it. */
static void
special(struct smtp_client *c, uint8_t octet)
{
	struct client_content *k = &c->content;

	if (k->cr && octet != '\n') {
		buf_putc(&c->out, '\n');
		k->line_start = true;
	}
	if (octet == '\n') {
		if (!k->cr)
			buf_putc(&c->out, '\r');
		k->line_start = true;
	} else {
		if (octet == '.' && k->line_start)
			buf_putc(&c->out, '.');
		k->line_start = false;
	}
	k->cr = octet == '\r';
	buf_putc(&c->out, octet);
}

/* The longest run from p that goes out as it is: from inside a line or a
 * line's start without a dot, over whole lines, to before a line that needs
 * a closer look. Returns its length. */
static size_t
plain_run(struct smtp_client *c, const uint8_t *p, size_t n)
{
	size_t at = 0;

	if (c->content.cr || (c->content.line_start && p[0] == '.'))
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
		c->content.line_start =
		    end == at && (at > 0 || c->content.line_start);
		return end;
	}
	if (at > 0)
		c->content.line_start = true;
	return at;
}

void
smtp_client_content_more(struct smtp_client *c)
{
	const struct smtp_transaction *t = c->t;
	struct client_content *k = &c->content;

	while (k->streaming && c->out.len < OUTPUT_HIGH) {
		uint64_t left = t->content_n - k->at;
		size_t n = left < PIECE ? (size_t)left : PIECE;
		size_t run;

		if (n == 0) {
			content_end(c);
			return;
		}
		run = plain_run(c, t->content + k->at, n);
		buf_append(&c->out, t->content + k->at, run);
		k->at += run;
		if (run < n) {
			special(c, t->content[k->at]);
			k->at++;
		}
	}
}
