/*
 * DATA and the content (RFC 5321 4.1.1.4, 4.5.2). The content streams through:
 * whole runs of a line are checked and handed on as they came. A line ends
 * with CR LF and nothing else; the content ends with CR LF "." CR LF and
 * nothing else. A content that breaks a rule is read to that end, and refused
 * there. By option a bare CR or LF becomes CR LF instead; it ends its line, but
 * no dot after it means anything.
 *
 * A content by BDAT goes through the same, but for the dots.
 */
#include <string.h>

#include "smtp/server_priv.h"

void
smtp_cmd_data(struct smtp_server *s, const char *args, size_t n)
{
	struct smtp_reply r = {451, "4.3.0", "Try again later"};

	(void)args;
	(void)n;
	if (s->binary) { /* RFC 3030 3 */
		smtp_server_error(s, 503, "5.5.1", "BINARYMIME needs BDAT");
		return;
	}
	if (!s->ops->data_begin(s->arg, &r)) {
		smtp_server_reply(s, r.code, r.status, r.text);
		return;
	}
	s->state = S_DATA;
	smtp_server_content_begin(s, false);
	smtp_server_reply(s, 354, NULL, "End with CR LF . CR LF");
}

void
smtp_server_content_begin(struct smtp_server *s, bool chunked)
{
	s->at = AT_LINE_START;
	s->size = s->chunk_size = s->chunk_left = 0;
	s->line_length = 0;
	s->in_header = true;
	s->eightbit = false;
	s->chunked = chunked;
	s->content_start = 0;
	s->content_octets = 0;
	s->content_error.code = 0;
}

void
smtp_server_content_bad(
    struct smtp_server *s, int code, const char *status, const char *text)
{
	if (s->content_error.code != 0)
		return;
	s->content_error = (struct smtp_reply){code, status, text};
	s->ops->reset(s->arg);
}

/* Octets go to the user, unless they are too many. */
static void
deliver(struct smtp_server *s, const uint8_t *p, size_t n)
{
	if (s->content_error.code != 0)
		return;
	s->size += n;
	if (s->p->size_max > 0 && s->size > s->p->size_max)
		smtp_server_content_bad(s, 552, "5.3.4", "Message is too big");
	else if (s->in_header && s->p->header_max > 0 &&
	    s->size > s->p->header_max)
		smtp_server_content_bad(
		    s, 552, "5.3.4", "Message header is too big");
	else
		s->ops->data(s->arg, p, n);
}

/* The same for a part of one line, or only its end. */
static void
deliver_part(struct smtp_server *s, const uint8_t *p, size_t n)
{
	s->line_length += n;
	if (s->p->text_line_max > 0 && s->line_length > s->p->text_line_max)
		smtp_server_content_bad(
		    s, 554, "5.6.0", "A text line is too long");
	deliver(s, p, n);
}

void
smtp_server_content_end(struct smtp_server *s)
{
	struct smtp_reply r = s->content_error;

	if (r.code == 0) {
		s->state = S_WAIT;
		s->owed = s->p->lmtp ? s->recipients : 1;
		s->ops->data_end(s->arg);
		return;
	}
	for (unsigned n = s->p->lmtp ? s->recipients : 1; n > 0; n--)
		smtp_server_reply(s, r.code, r.status, r.text);
	smtp_server_reset(s);
	if (++s->errors >= s->p->errors_max)
		smtp_server_close(s, 421, "4.7.0", "Too many errors");
}

static void
line_over(struct smtp_server *s)
{
	if (s->line_length == 2)
		s->in_header = false;
	s->line_length = 0;
}

/* A CR that no LF followed, or an LF without CR, was just delivered or is left
 * out: in its place a CR LF, as far as it is not there. Where a message is not
 * mended, it is bad. */
static void
bare(struct smtp_server *s, const char *missing)
{
	if (!s->p->repair_lines) {
		smtp_server_content_bad(s, 550, "5.6.0",
		    "Line ends other than CR LF are not allowed");
		return;
	}
	deliver_part(s, (const uint8_t *)missing, strlen(missing));
	line_over(s);
}

/* One octet where a line starts, or within its end. Returns octets used. */
static size_t
edge(struct smtp_server *s, const uint8_t *p)
{
	switch (s->at) {
	case AT_LINE_START:
		s->at = *p == '.' && !s->chunked ? AT_DOT : AT_TEXT;
		return s->at == AT_DOT; /* the dot is not content */
	case AT_DOT:
		s->at = *p == '\r' ? AT_DOT_CR : AT_TEXT;
		return *p == '\r' ? 1 : 0;
	case AT_DOT_CR:
		if (*p == '\n') {
			smtp_server_content_end(s);
			return 1;
		}
		bare(s, "\r\n");
		s->at = *p == '\r' ? AT_CR : AT_TEXT;
		if (s->at == AT_CR)
			deliver_part(s, p, 1);
		return s->at == AT_CR;
	case AT_CR:
		if (*p != '\n') {
			bare(s, "\n");
			s->at = *p == '\r' ? AT_CR : AT_TEXT;
			if (s->at == AT_CR)
				deliver_part(s, p, 1);
			return s->at == AT_CR;
		}
		deliver_part(s, p, 1);
		line_over(s);
		s->at = AT_LINE_START;
		return 1;
	case AT_TEXT: break;
	}
	return 0;
}

/* A run of text up to and with its CR or a bare LF, or all there is. */
static size_t
text(struct smtp_server *s, const uint8_t *p, size_t n)
{
	const uint8_t *cr = memchr(p, '\r', n), *lf;
	size_t used = cr != NULL ? (size_t)(cr - p) + 1 : n;

	lf = memchr(p, '\n', used);
	if (lf != NULL)
		used = (size_t)(lf - p);
	if (!s->eightbit)
		s->eightbit = buf_has_8bit(p, used);
	if (used > 0)
		deliver_part(s, p, used);
	if (lf != NULL) {
		bare(s, "\r\n");
		return used + 1;
	}
	if (cr != NULL)
		s->at = AT_CR;
	return used;
}

/* Whole lines that follow one another, in one piece: the common case, which
 * saves a call for every line. Stops before anything special. */
static size_t
lines(struct smtp_server *s, const uint8_t *p, size_t n)
{
	size_t used = 0;

	while (used < n && (p[used] != '.' || s->chunked)) {
		const uint8_t *at = p + used;
		const uint8_t *lf = memchr(at, '\n', n - used);
		size_t length;

		if (lf == NULL)
			break;
		length = (size_t)(lf - at) + 1;
		if (length < 2 || memchr(at, '\r', length) != lf - 1 ||
		    (s->p->text_line_max > 0 && length > s->p->text_line_max))
			break;
		used += length;
	}
	if (used > 0) {
		if (!s->eightbit)
			s->eightbit = buf_has_8bit(p, used);
		deliver(s, p, used);
	}
	return used;
}

/* One step; returns the octets it used. */
static size_t
step(struct smtp_server *s, const uint8_t *p, size_t n)
{
	size_t used = 0;

	if (s->at == AT_LINE_START && s->content_error.code == 0 &&
	    !s->in_header)
		used = lines(s, p, n);
	if (used < n && s->at != AT_TEXT)
		used += edge(s, p + used);
	if (used < n && s->at == AT_TEXT && (s->state & (S_DATA | S_CHUNK)))
		used += text(s, p + used, n - used);
	return used;
}

size_t
smtp_server_content(struct smtp_server *s, const uint8_t *p, size_t n)
{
	size_t used = 0;

	while (used < n && s->state == S_DATA)
		used += step(s, p + used, n - used);
	return used;
}

/* What is binary has lines as long as it has fields only. */
void
smtp_server_chunk_octets(struct smtp_server *s, const uint8_t *p, size_t n)
{
	size_t used = 0;

	while (used < n && s->content_error.code == 0 &&
	    (!s->binary || s->in_header))
		used += step(s, p + used, n - used);
	if (used == n || s->content_error.code != 0)
		return;
	s->at = AT_LINE_START;
	if (!s->eightbit)
		s->eightbit = buf_has_8bit(p + used, n - used);
	deliver(s, p + used, n - used);
}
