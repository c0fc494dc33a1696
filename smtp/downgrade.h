/*
 * An Internet message made fit for a server that takes less than it has: 8-bit
 * data where 8BITMIME is not offered (RFC 6152 3), BINARYMIME where that or
 * CHUNKING is not (RFC 3030 3), lines longer than the server's limit. Leaf
 * parts become quoted-printable or base64 (RFC 2045 6), the rest of the MIME
 * structure, down into message/rfc822, stays as it is.
 *
 * It streams: the message lies in memory that the caller maps and outlives it;
 * the result is made piece by piece, and nothing of the message is kept.
 * multipart/signed (RFC 1847 2.1) is copied untouched, or refused when it
 * would have to be touched. The result has CR LF as its only line end. Errors
 * are ERR_UNSUPPORTED (what may not be rewritten) and ERR_LIMIT (structure
 * beyond the bounds), layer "mime", with the octet where it is; err.detail
 * says which status to give.
 */
#ifndef SMTP_DOWNGRADE_H
#define SMTP_DOWNGRADE_H

#include "lib/buf.h"
#include "lib/err.h"

#define SMTP_DOWNGRADE_DEPTH 64       /* multiparts and messages, nested */
#define SMTP_DOWNGRADE_FIELD_MAX 8192 /* of a Content- field, octets */

struct smtp_downgrade_options {
	bool eight;          /* 8-bit data may stay */
	bool utf8_headers;   /* so may headers in UTF-8 (RFC 6532) */
	bool binary;         /* it came as BINARYMIME: only CR LF ends a line */
	size_t line_max;     /* octets of a line without CR LF; 0: any */
	bool rewrite_signed; /* signatures may be broken */
};

struct smtp_downgrade;

struct smtp_downgrade *smtp_downgrade_new(
    const struct smtp_downgrade_options *o, const uint8_t *p, size_t n);
void smtp_downgrade_free(struct smtp_downgrade **d);

/* Appends the next piece, of some kilobytes, to out. 1, or 0 after the last;
 * negative as above. */
int smtp_downgrade_next(
    struct smtp_downgrade *d, struct buf *out, struct err *e);

/* How many octets the result will have: the whole is made and thrown away.
 * Negative if it cannot be made. */
int64_t smtp_downgrade_size(const struct smtp_downgrade_options *o,
    const uint8_t *p, size_t n, struct err *e);

/* The RFC 3463 status of an error: "5.6.3", or "5.6.9" for a header that only
 * SMTPUTF8 could carry (RFC 6531). */
const char *smtp_downgrade_status(const struct err *e);

#endif
