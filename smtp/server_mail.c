/*
 * MAIL and RCPT (RFC 5321 4.1.1.2, 4.1.1.3) with the parameters of SIZE
 * (RFC 1870), 8BITMIME (RFC 6152), DSN (RFC 3461 4) and AUTH (RFC 4954 5).
 */
#include <string.h>
#include <strings.h>

#include "mhs/envelope.h"
#include "smtp/server_priv.h"

#define ENVID_MAX 100 /* octets of xtext, RFC 3461 4.4 */
#define ORCPT_MAX 500 /* RFC 3461 4.2 */

/* What one MAIL or RCPT command is parsed into. */
struct request {
	struct smtp_server_mail mail;
	struct smtp_server_rcpt rcpt;
	char path[SMTP_MAILBOX_TEXT];
	char envid[ENVID_MAX + 1];
	char orcpt[ORCPT_MAX + 1];
	char auth[SMTP_MAILBOX_TEXT];
};

/* One ESMTP parameter. parse() returns 0 or negative. */
struct parameter {
	const char *keyword;
	int (*parse)(struct request *q, const char *value, size_t n);
};

static bool
value_is(const char *value, size_t n, const char *word)
{
	return strlen(word) == n && strncasecmp(value, word, n) == 0;
}

static int
parse_size(struct request *q, const char *value, size_t n)
{
	uint64_t size = 0;

	if (n > 20)
		return ERR_SYNTAX;
	for (size_t i = 0; i < n; i++) {
		unsigned digit = (unsigned)(value[i] - '0');

		if (digit > 9 ||
		    __builtin_mul_overflow(size, (uint64_t)10, &size) ||
		    __builtin_add_overflow(size, (uint64_t)digit, &size))
			return ERR_SYNTAX;
	}
	q->mail.size = size;
	return 0;
}

static int
parse_body(struct request *q, const char *value, size_t n)
{
	q->mail.body_8bit = value_is(value, n, "8BITMIME");
	return q->mail.body_8bit || value_is(value, n, "7BIT") ? 0 : ERR_SYNTAX;
}

static int
parse_ret(struct request *q, const char *value, size_t n)
{
	if (value_is(value, n, "FULL"))
		q->mail.ret = 'F';
	else if (value_is(value, n, "HDRS"))
		q->mail.ret = 'H';
	else
		return ERR_SYNTAX;
	return 0;
}

static int
parse_envid(struct request *q, const char *value, size_t n)
{
	q->mail.envid = q->envid;
	return n > ENVID_MAX
	    ? ERR_LIMIT
	    : smtp_xtext_decode(value, n, q->envid, sizeof(q->envid), NULL);
}

/* "<>" or a mailbox, as xtext; a local part without a domain is not allowed. */
static int
parse_auth(struct request *q, const char *value, size_t n)
{
	char text[SMTP_MAILBOX_TEXT];

	q->mail.auth = q->auth;
	if (smtp_xtext_decode(value, n, text, sizeof(text), NULL) < 0)
		return ERR_SYNTAX;
	if (strcmp(text, "<>") == 0)
		return 0;
	return smtp_mailbox_parse(text, strlen(text), q->auth, NULL);
}

static int
parse_notify(struct request *q, const char *value, size_t n)
{
	static const struct {
		const char *word;
		uint8_t bit;
	} words[] = {{"NEVER", MHS_NOTIFY_NEVER},
	    {"SUCCESS", MHS_NOTIFY_SUCCESS}, {"FAILURE", MHS_NOTIFY_FAILURE},
	    {"DELAY", MHS_NOTIFY_DELAY}};

	for (;;) {
		const char *comma = memchr(value, ',', n);
		size_t word = comma != NULL ? (size_t)(comma - value) : n, i;

		for (i = 0; i < 4; i++)
			if (value_is(value, word, words[i].word))
				break;
		if (i == 4)
			return ERR_SYNTAX;
		q->rcpt.notify |= words[i].bit;
		if (comma == NULL)
			break;
		value += word + 1;
		n -= word + 1;
	}
	if ((q->rcpt.notify & MHS_NOTIFY_NEVER) &&
	    q->rcpt.notify != MHS_NOTIFY_NEVER)
		return ERR_SYNTAX;
	return 0;
}

static int
parse_orcpt(struct request *q, const char *value, size_t n)
{
	const char *semicolon = memchr(value, ';', n);
	size_t type;

	if (semicolon == NULL || semicolon == value || n > ORCPT_MAX)
		return ERR_SYNTAX;
	type = (size_t)(semicolon - value);
	for (size_t i = 0; i < type; i++)
		if (strchr("()<>@,:\\\".[]+", value[i]) != NULL)
			return ERR_SYNTAX;
	memcpy(q->orcpt, value, type + 1);
	q->rcpt.orcpt = q->orcpt;
	return smtp_xtext_decode(semicolon + 1, n - type - 1,
	    q->orcpt + type + 1, sizeof(q->orcpt) - type - 1, NULL);
}

static const struct parameter mail_parameters[] = {
    {"SIZE", parse_size},
    {"BODY", parse_body},
    {"RET", parse_ret},
    {"ENVID", parse_envid},
    {"AUTH", parse_auth},
    {NULL, NULL},
};

static const struct parameter rcpt_parameters[] = {
    {"NOTIFY", parse_notify},
    {"ORCPT", parse_orcpt},
    {NULL, NULL},
};

/* False: a reply was given. Each parameter may come once. */
static bool
parse_parameter(struct smtp_server *s, const struct parameter *table,
    const struct smtp_param *p, struct request *q, unsigned *seen)
{
	unsigned i;

	for (i = 0; table[i].keyword != NULL; i++)
		if (smtp_param_is(p, table[i].keyword))
			break;
	if (table[i].keyword == NULL || !s->extended) {
		smtp_server_error(s, 555, "5.5.4", "Parameter not recognized");
		return false;
	}
	if ((*seen & 1U << i) || p->value == NULL ||
	    table[i].parse(q, p->value, p->value_n) < 0) {
		smtp_server_error(
		    s, 501, "5.5.4", "Syntax error in a parameter");
		return false;
	}
	*seen |= 1U << i;
	return true;
}

/* "FROM:<path> parameters" or "TO:..."; false: a reply was given. */
static bool
parse_request(struct smtp_server *s, const char *word, unsigned path_flags,
    const struct parameter *table, const char *args, size_t n,
    struct request *q)
{
	struct smtp_param p;
	struct err e = ERR_INIT;
	unsigned seen = 0;
	size_t word_n = strlen(word);
	int rc;

	if (n < word_n || strncasecmp(args, word, word_n) != 0) {
		smtp_server_error(s, 501, "5.5.4",
		    table == mail_parameters ? "Say MAIL FROM:<address>"
					     : "Say RCPT TO:<address>");
		return false;
	}
	args += word_n;
	n -= word_n;
	rc = smtp_path_parse(args, n, path_flags, q->path, &e);
	if (rc < 0) {
		smtp_server_error(s, 501,
		    table == mail_parameters ? "5.1.7" : "5.1.3", e.text);
		return false;
	}
	args += rc;
	n -= (size_t)rc;
	while ((rc = smtp_param_next(&args, &n, &p, &e)) > 0)
		if (!parse_parameter(s, table, &p, q, &seen))
			return false;
	if (rc < 0)
		smtp_server_error(s, 501, "5.5.4", e.text);
	return rc == 0;
}

void
smtp_cmd_mail(struct smtp_server *s, const char *args, size_t n)
{
	struct request q = {0};
	struct smtp_reply r = {451, "4.3.0", "Try again later"};

	q.mail.from = q.path;
	if (!parse_request(
		s, "FROM:", SMTP_PATH_NULL, mail_parameters, args, n, &q))
		return;
	if (q.mail.auth != NULL && !smtp_server_has_auth(s)) {
		smtp_server_error(s, 555, "5.5.4", "Parameter not recognized");
		return;
	}
	if (s->p->size_max > 0 && q.mail.size > s->p->size_max) {
		smtp_server_reply(
		    s, 552, "5.3.4", "Message size exceeds the fixed maximum");
		return;
	}
	if (s->p->messages_max > 0 && s->messages >= s->p->messages_max) {
		smtp_server_close(
		    s, 421, "4.7.0", "Too many messages in one session");
		return;
	}
	if (!s->ops->mail(s->arg, &q.mail, &r)) {
		smtp_server_reply(s, r.code, r.status, r.text);
		return;
	}
	s->state = S_MAIL;
	s->messages++;
	s->recipients = 0;
	smtp_server_reply(s, 250, "2.1.0", "Originator ok");
}

/* A list of guessed recipients ends like any other row of errors. */
static void
refuse_recipient(struct smtp_server *s, const struct smtp_reply *r)
{
	smtp_server_reply(s, r->code, r->status, r->text);
	if (++s->refused_recipients > s->p->recipients_max)
		smtp_server_close(
		    s, 421, "4.7.0", "Too many recipients were refused");
}

void
smtp_cmd_rcpt(struct smtp_server *s, const char *args, size_t n)
{
	struct request q = {0};
	struct smtp_reply r = {451, "4.3.0", "Try again later"};

	q.rcpt.to = q.path;
	if (!parse_request(
		s, "TO:", SMTP_PATH_POSTMASTER, rcpt_parameters, args, n, &q))
		return;
	if (s->recipients >= s->p->recipients_max) {
		r = (struct smtp_reply){452, "4.5.3", "Too many recipients"};
		refuse_recipient(s, &r);
		return;
	}
	if (!s->ops->rcpt(s->arg, &q.rcpt, &r)) {
		refuse_recipient(s, &r);
		return;
	}
	s->state = S_RCPT;
	s->recipients++;
	smtp_server_reply(s, 250, "2.1.5", "Recipient ok");
}
