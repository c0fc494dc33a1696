/*
 * The content by BDAT (RFC 3030): chunks of a size that is known before they
 * are sent, the next one as the socket takes the last, without waiting for
 * the replies in between.
 */
#include <string.h>

#include "smtp/client_priv.h"

#define CHUNK (64 * 1024)

static void
fill(struct smtp_client *c)
{
	struct client_bdat *b = &c->bdat;

	if (b->chunk_ready)
		return;
	buf_clear(&b->chunk);
	b->chunk_last = !smtp_client_content_fill(c, &b->chunk, CHUNK);
	b->chunk_ready = true;
}

static void
put_chunk(struct smtp_client *c)
{
	struct client_bdat *b = &c->bdat;

	buf_printf(&c->out, "BDAT %zu%s\r\n", b->chunk.len,
	    b->chunk_last ? " LAST" : "");
	buf_append(&c->out, b->chunk.data, b->chunk.len);
	b->chunk_ready = false;
	if (b->chunk_last) {
		b->last_sent = true;
		c->content.streaming = false;
		buf_free(&b->chunk);
	} else {
		b->due++;
	}
}

void
smtp_client_bdat_pipeline(struct smtp_client *c)
{
	/* RFC 2033 4.3: how many replies come is known after RCPT only */
	if (c->p->lmtp)
		return;
	fill(c);
	if (c->bdat.chunk_last)
		put_chunk(c);
}

void
smtp_client_bdat_more(struct smtp_client *c)
{
	bool wait = (c->extensions & SMTP_OFFER_PIPELINING) == 0;

	if (!c->content.streaming || c->out.len >= CHUNK ||
	    (wait && c->bdat.due > 0))
		return;
	fill(c);
	put_chunk(c);
}
