/*
 * BDAT (RFC 3030): a content in chunks that are counted. The octets of a chunk
 * follow their command at once, so they are taken whatever becomes of it: a
 * chunk that is refused is dropped to its end, and then the reply is given.
 * Nothing in a chunk is ever read as a command. A command whose count cannot be
 * read ends the session, because nobody knows where its octets end.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "smtp/server_priv.h"

#define DIGITS_MAX 18

/* chunk-size [SP "LAST"] */
static bool
parse_count(struct smtp_server *s, const char *args, size_t n)
{
	size_t i = 0;

	s->chunk_left = 0;
	for (; i < n && i < DIGITS_MAX && args[i] >= '0' && args[i] <= '9'; i++)
		s->chunk_left = s->chunk_left * 10 + (uint64_t)(args[i] - '0');
	if (i == 0)
		return false;
	s->chunk_size = s->chunk_left;
	s->chunk_last = false;
	if (i == n)
		return true;
	if (args[i] != ' ')
		return false;
	while (i < n && args[i] == ' ')
		i++;
	s->chunk_last = n - i == 4 && strncasecmp(args + i, "LAST", 4) == 0;
	return s->chunk_last;
}

static void
drained(struct smtp_server *s)
{
	struct smtp_reply *r = &s->drain_reply;

	s->state = s->after_drain;
	s->command = "BDAT";
	smtp_server_error(s, r->code, r->status, r->text);
}

/* The chunk is not wanted; nor is what it would have belonged to. */
static void
drain(struct smtp_server *s, const struct smtp_reply *r)
{
	snprintf(s->drain_text, sizeof(s->drain_text), "%s", r->text);
	snprintf(s->drain_status, sizeof(s->drain_status), "%s", r->status);
	s->drain_reply =
	    (struct smtp_reply){r->code, s->drain_status, s->drain_text};
	smtp_server_reset(s);
	s->content_start = 0;
	s->content_octets = 0;
	s->size = 0;
	s->after_drain = s->state;
	s->state = S_DRAIN;
	if (s->chunk_left == 0)
		drained(s);
}

/* Why a chunk cannot come now, or NULL. */
static const struct smtp_reply *
forbidden(const struct smtp_server *s)
{
	static const struct smtp_reply early = {
	    503, "5.5.1", "Send EHLO and MAIL first"};
	static const struct smtp_reply nobody = {
	    503, "5.5.1", "No valid recipients"};

	if (s->state & (S_START | S_READY))
		return &early;
	return s->state == S_MAIL ? &nobody
				  : smtp_server_forbids(s, CMD_NEEDS_BOTH);
}

/* The chunk is complete. What was found wrong with it ends the message, with one
 * reply, unless it was the last: then it is for whoever owes them. */
static void
chunk_end(struct smtp_server *s)
{
	struct smtp_reply r;
	char text[64];

	s->command = "BDAT";
	if (s->chunk_last) {
		if (s->at == AT_CR)
			smtp_server_content_bad(s, 550, "5.6.0",
			    "Line ends other than CR LF are not allowed");
		s->chunk_size = 0;
		smtp_server_content_end(s);
		return;
	}
	r = s->content_error;
	if (r.code != 0) {
		smtp_server_reset(s);
		smtp_server_error(s, r.code, r.status, r.text);
		return;
	}
	snprintf(text, sizeof(text), "%llu octets received",
	    (unsigned long long)s->chunk_size);
	s->chunk_size = 0;
	s->state = S_CHUNKS;
	smtp_server_reply(s, 250, "2.0.0", text);
}

void
smtp_cmd_bdat(struct smtp_server *s, const char *args, size_t n)
{
	struct smtp_reply r = {451, "4.3.0", "Try again later"};
	const struct smtp_reply *no;

	if (!smtp_server_offers(s, SMTP_EXT_CHUNKING)) {
		smtp_server_error(s, 502, "5.5.1", "BDAT is not offered");
		return;
	}
	if (!parse_count(s, args, n)) {
		smtp_server_close(s, 501, "5.5.4", "Say BDAT octets [LAST]");
		return;
	}
	no = forbidden(s);
	if (no != NULL) {
		drain(s, no);
		return;
	}
	if (s->state == S_RCPT) {
		uint64_t size = s->chunk_size;

		if (!s->ops->data_begin(s->arg, &r)) {
			drain(s, &r);
			return;
		}
		smtp_server_content_begin(s, true);
		s->chunk_size = s->chunk_left = size;
	}
	s->state = S_CHUNK;
	if (s->p->size_max > 0 && s->size + s->chunk_left > s->p->size_max)
		smtp_server_content_bad(s, 552, "5.3.4", "Message is too big");
	if (s->chunk_left == 0)
		chunk_end(s);
}

size_t
smtp_server_chunk(struct smtp_server *s, const uint8_t *p, size_t n)
{
	if (n > s->chunk_left)
		n = (size_t)s->chunk_left;
	s->chunk_left -= n;
	if (s->state == S_CHUNK)
		smtp_server_chunk_octets(s, p, n);
	if (s->chunk_left == 0 && s->state == S_CHUNK)
		chunk_end(s);
	else if (s->chunk_left == 0)
		drained(s);
	return n;
}
