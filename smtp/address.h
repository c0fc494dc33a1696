/*
 * The small grammars of SMTP arguments: paths and mailboxes (RFC 5321 4.1.2,
 * 4.1.3), ESMTP parameters, and xtext (RFC 3461 4). Pure functions over counted
 * text; nothing is allocated. Mailboxes come out in one spelling: without
 * brackets, without a source route, quoted only where it must be.
 *
 * Lengths: a domain has 255 octets at most (4.5.3.1.2). Local parts and paths
 * may be longer than the minimum of 64 and 256 that 4.5.3.1 gives, because
 * X.400 addresses in RFC 2156 form need it (4.5.3.1 says so itself).
 */
#ifndef SMTP_ADDRESS_H
#define SMTP_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"
#include "lib/err.h"

#define SMTP_LOCAL_MAX 1024
#define SMTP_DOMAIN_MAX 255
#define SMTP_PATH_MAX 1300
#define SMTP_MAILBOX_TEXT (SMTP_LOCAL_MAX + SMTP_DOMAIN_MAX + 2)

#define SMTP_PATH_NULL 1       /* "<>" is allowed: the result is "" */
#define SMTP_PATH_POSTMASTER 2 /* so is "<Postmaster>" without a domain */
#define SMTP_PATH_UTF8 \
	4 /* so are octets above 127, as RFC 6531 3.3 has \
				* them; they are well-formed UTF-8 then */

/* Takes the path at the start of s. Returns the octets used (at least 2) and
 * the mailbox in out, or ERR_SYNTAX / ERR_LIMIT with the octet in e. */
int smtp_path_parse(const char *s, size_t n, unsigned flags,
    char out[SMTP_MAILBOX_TEXT], struct err *e);
/* The whole of s is one mailbox, without brackets: 0 or negative. */
int smtp_mailbox_parse(
    const char *s, size_t n, char out[SMTP_MAILBOX_TEXT], struct err *e);
/* The same with SMTP_PATH_UTF8, or 0. */
int smtp_mailbox_parse_as(const char *s, size_t n, unsigned flags,
    char out[SMTP_MAILBOX_TEXT], struct err *e);
/* Octets of the well-formed character of UTF-8 at s, which is none of ASCII
 * (RFC 3629 4: not overlong, no surrogate); 0: there is none. */
size_t smtp_utf8_length(const char *s, size_t n);
/* What follows the last "@" of a mailbox from this parser ("" if nothing). */
const char *smtp_mailbox_domain(const char *mailbox);

/* A domain name or an address literal. Hello arguments of many hosts have
 * underscores in them, which the grammar forbids: `hello` lets them by. */
bool smtp_domain_valid(const char *s, size_t n, bool hello);

/* One esmtp-param; not NUL-terminated. value is NULL without "=". */
struct smtp_param {
	const char *keyword;
	size_t keyword_n;
	const char *value;
	size_t value_n;
};

/* Takes one parameter from *s (spaces first) and moves *s and *n past it:
 * 1, 0 when none is left, ERR_SYNTAX. A value may have UTF-8 in it (RFC 6531
 * 3.3); whose parameter may not, looks for itself. */
int smtp_param_next(
    const char **s, size_t *n, struct smtp_param *out, struct err *e);
bool smtp_param_is(const struct smtp_param *p, const char *keyword);

/* Decodes xtext into out (size octets with the final NUL). The result must be
 * printable ASCII or blanks, as RFC 3461 4.2 and 4.4 want it. Returns its
 * length, ERR_SYNTAX or ERR_LIMIT. */
int smtp_xtext_decode(
    const char *s, size_t n, char *out, size_t size, struct err *e);
void smtp_xtext_append(struct buf *out, const char *s);

#endif
