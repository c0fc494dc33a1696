/*
 * Parameters of MAIL and RCPT: each is a row with its parser, in a file by its
 * kind. Private to smtp/server*.c.
 */
#ifndef SMTP_SERVER_PARAM_H
#define SMTP_SERVER_PARAM_H

#include "smtp/server_priv.h"

#define ENVID_MAX 100 /* octets of xtext, RFC 3461 4.4 */
#define ORCPT_MAX 500 /* RFC 3461 4.2 */
#define MTRK_MAX 200  /* RFC 3885 3.1: base64 of 20 octets, seconds */

/* What one MAIL or RCPT command is parsed into. */
struct smtp_request {
	const struct smtp_server *s;
	int64_t now; /* wall time */
	struct smtp_server_mail mail;
	struct smtp_server_rcpt rcpt;
	bool orcpt_utf8;           /* ORCPT has octets above 127 */
	struct smtp_reply refusal; /* why it is not taken; static text */
	char path[SMTP_MAILBOX_TEXT];
	char envid[ENVID_MAX + 1];
	char orcpt[ORCPT_MAX + 1];
	char auth[SMTP_MAILBOX_TEXT];
	char mtrk[MTRK_MAX + 1];
};

/* One ESMTP parameter. parse() returns 0 or negative, for 501 unless it set
 * `refusal`. */
struct smtp_parameter {
	const char *keyword;
	int (*parse)(struct smtp_request *q, const char *value, size_t n);
	unsigned extension; /* that must be offered; 0: is always */
};

bool smtp_value_is(const char *value, size_t n, const char *word);
/* All of what follows the path; false: q->refusal says why. */
bool smtp_request_parameters(
    struct smtp_request *q, bool mail, const char *args, size_t n);

/* server_param_more.c */
int smtp_parse_smtputf8(struct smtp_request *q, const char *value, size_t n);
int smtp_parse_requiretls(struct smtp_request *q, const char *value, size_t n);
int smtp_parse_mt_priority(struct smtp_request *q, const char *value, size_t n);
int smtp_parse_by(struct smtp_request *q, const char *value, size_t n);
int smtp_parse_holdfor(struct smtp_request *q, const char *value, size_t n);
int smtp_parse_holduntil(struct smtp_request *q, const char *value, size_t n);
int smtp_parse_mtrk(struct smtp_request *q, const char *value, size_t n);
int smtp_parse_rrvs(struct smtp_request *q, const char *value, size_t n);
/* What parameters of MAIL ask of each other. */
bool smtp_request_check(struct smtp_request *q);

#endif
