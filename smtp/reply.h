/*
 * SMTP replies as a client reads them: one or more lines of one code (RFC 5321
 * 4.2), with an enhanced status code in front of the text where there is one
 * (RFC 2034). Fed in pieces; bounded in line length, lines and text, whatever
 * the server sends.
 */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/err.h"

#define SMTP_STATUS_TEXT 12      /* "5.123.123" */
#define SMTP_REPLY_LINE_MAX 2048 /* longer is an error; RFC says 512 */
#define SMTP_REPLY_LINES_MAX 512
#define SMTP_REPLY_TEXT_MAX 4096 /* the rest is dropped */

struct smtp_reply_parser {
	int code;                      /* 0: no line yet */
	char status[SMTP_STATUS_TEXT]; /* "" when there is none */
	struct buf text; /* the lines without code, status; '\n' between */
	unsigned lines;
	struct buf line; /* incomplete */
	bool complete;
};

/* Takes octets until a reply is complete. Returns 1 when it is (the rest of p
 * belongs to the next), 0 when more is needed, ERR_SYNTAX or ERR_LIMIT. *used
 * says how many octets were taken. The next call after a complete reply starts
 * afresh. */
int smtp_reply_feed(struct smtp_reply_parser *r, const uint8_t *p, size_t n,
    size_t *used, struct err *e);
void smtp_reply_free(struct smtp_reply_parser *r);

/* Is s (n octets) a status code of RFC 3463? */
bool smtp_status_valid(const char *s, size_t n);

#endif
