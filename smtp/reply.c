#include "smtp/reply.h"

#include <string.h>

#define LAYER "smtp"

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
smtp_status_valid(const char *s, size_t n)
{
	size_t at = 1;

	if (n < 5 || n >= SMTP_STATUS_TEXT ||
	    (s[0] != '2' && s[0] != '4' && s[0] != '5'))
		return false;
	for (int part = 0; part < 2; part++) {
		size_t digits = 0;

		if (at >= n || s[at++] != '.')
			return false;
		for (; at < n && digit(s[at]); at++)
			digits++;
		if (digits < 1 || digits > 3)
			return false;
	}
	return at == n;
}

/* The status at the start of a line's text, when it fits the code. Returns
 * the octets to skip. */
static size_t
take_status(struct smtp_reply_parser *r, const char *s, size_t n)
{
	const char *space = memchr(s, ' ', n);
	size_t length = space != NULL ? (size_t)(space - s) : n;

	if (!smtp_status_valid(s, length) || s[0] - '0' != r->code / 100)
		return 0;
	if (r->status[0] == '\0') {
		memcpy(r->status, s, length);
		r->status[length] = '\0';
	}
	return space != NULL ? length + 1 : length;
}

static void
add_text(struct smtp_reply_parser *r, const char *s, size_t n)
{
	if (r->lines > 1 && r->text.len < SMTP_REPLY_TEXT_MAX)
		buf_putc(&r->text, '\n');
	if (n > SMTP_REPLY_TEXT_MAX - r->text.len)
		n = SMTP_REPLY_TEXT_MAX - r->text.len;
	for (size_t i = 0; i < n; i++)
		buf_putc(
		    &r->text, s[i] >= ' ' && s[i] < 127 ? (uint8_t)s[i] : '?');
}

static int
take_line(struct smtp_reply_parser *r, const char *s, size_t n, struct err *e)
{
	int code;
	size_t skip;

	if (n < 3 || s[0] < '2' || s[0] > '5' || !digit(s[1]) || !digit(s[2]) ||
	    (n > 3 && s[3] != ' ' && s[3] != '-'))
		return err_set(
		    e, LAYER, ERR_SYNTAX, "a line that is no reply came");
	code = (s[0] - '0') * 100 + (s[1] - '0') * 10 + (s[2] - '0');
	if (r->code != 0 && r->code != code)
		return err_set(e, LAYER, ERR_SYNTAX,
		    "one reply has two codes, %d and %d", r->code, code);
	if (++r->lines > SMTP_REPLY_LINES_MAX)
		return err_set(
		    e, LAYER, ERR_LIMIT, "a reply has too many lines");
	r->code = code;
	r->complete = n == 3 || s[3] == ' ';
	skip = n == 3 ? 3 : 4;
	skip += take_status(r, s + skip, n - skip);
	add_text(r, s + skip, n - skip);
	return 0;
}

static void
start(struct smtp_reply_parser *r)
{
	r->code = 0;
	r->status[0] = '\0';
	r->lines = 0;
	r->complete = false;
	buf_clear(&r->text);
}

int
smtp_reply_feed(struct smtp_reply_parser *r, const uint8_t *p, size_t n,
    size_t *used, struct err *e)
{
	*used = 0;
	if (r->complete)
		start(r);
	while (*used < n && !r->complete) {
		const uint8_t *at = p + *used;
		const uint8_t *lf = memchr(at, '\n', n - *used);
		size_t length = lf != NULL ? (size_t)(lf - at) : n - *used;
		int rc;

		if (r->line.len + length > SMTP_REPLY_LINE_MAX)
			return err_set(e, LAYER, ERR_LIMIT,
			    "a reply line is longer than %d octets",
			    SMTP_REPLY_LINE_MAX);
		buf_append(&r->line, at, length);
		*used += length + (lf != NULL);
		if (lf == NULL)
			return 0;
		length = r->line.len;
		if (length > 0 && r->line.data[length - 1] == '\r')
			length--;
		rc = take_line(r, (const char *)r->line.data, length, e);
		buf_clear(&r->line);
		if (rc < 0)
			return rc;
	}
	return r->complete ? 1 : 0;
}

void
smtp_reply_free(struct smtp_reply_parser *r)
{
	buf_free(&r->text);
	buf_free(&r->line);
}
