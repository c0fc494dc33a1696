/*
 * MAIL and RCPT (RFC 5321 4.1.1.2, 4.1.1.3). Their parameters are in
 * server_param.c and server_param_more.c.
 */
#include <string.h>
#include <strings.h>

#include "smtp/server_param.h"

static bool
has_8bit(const char *s)
{
	return buf_has_8bit((const uint8_t *)s, strlen(s));
}

/* The path after "FROM:" or "TO:". Returns where the parameters begin, or NULL
 * when a reply was given. */
static const char *
parse_path(struct smtp_server *s, struct smtp_request *q, bool mail,
    const char *args, size_t n)
{
	const char *word = mail ? "FROM:" : "TO:";
	unsigned flags = mail ? SMTP_PATH_NULL : SMTP_PATH_POSTMASTER;
	struct err e = ERR_INIT;
	size_t skip = strlen(word);
	int rc;

	if (n < skip || strncasecmp(args, word, skip) != 0) {
		smtp_server_error(s, 501, "5.5.4",
		    mail ? "Say MAIL FROM:<address>" : "Say RCPT TO:<address>");
		return NULL;
	}
	if (smtp_server_offers(s, SMTP_EXT_SMTPUTF8))
		flags |= SMTP_PATH_UTF8;
	rc = smtp_path_parse(args + skip, n - skip, flags, q->path, &e);
	if (rc < 0) {
		smtp_server_error(s, 501, mail ? "5.1.7" : "5.1.3", e.text);
		return NULL;
	}
	return args + skip + rc;
}

/* False: a reply was given. */
static bool
parse_request(struct smtp_server *s, struct smtp_request *q, bool mail,
    const char *args, size_t n)
{
	const char *rest = parse_path(s, q, mail, args, n);

	q->s = s;
	q->now = s->ops->wall != NULL ? s->ops->wall(s->arg) : 0;
	if (rest == NULL)
		return false;
	if (!smtp_request_parameters(
		q, mail, rest, n - (size_t)(rest - args))) {
		smtp_server_error(
		    s, q->refusal.code, q->refusal.status, q->refusal.text);
		return false;
	}
	return true;
}

/* RFC 6531 3.5: UTF-8 in addresses, without having said so. */
static bool
needs_smtputf8(struct smtp_server *s, const struct smtp_request *q, bool mail)
{
	if (mail ? q->mail.smtputf8 : s->smtputf8)
		return false;
	if (!has_8bit(q->path) && !q->orcpt_utf8)
		return false;
	smtp_server_error(s, mail ? 550 : 553, "5.6.7",
	    "Non-ASCII addresses need SMTPUTF8 in MAIL");
	return true;
}

/* What the user says; unless it says something, that is the reply. */
static void
accepted(struct smtp_server *s, const struct smtp_reply *r, const char *status,
    const char *text)
{
	if (r->code / 100 == 2)
		smtp_server_reply(s, r->code, r->status, r->text);
	else
		smtp_server_reply(s, 250, status, text);
}

void
smtp_cmd_mail(struct smtp_server *s, const char *args, size_t n)
{
	struct smtp_request q = {0};
	struct smtp_reply r = {451, "4.3.0", "Try again later"};

	q.mail.from = q.path;
	if (!parse_request(s, &q, true, args, n) || needs_smtputf8(s, &q, true))
		return;
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
	s->smtputf8 = q.mail.smtputf8;
	s->binary = q.mail.body_binary;
	accepted(s, &r, "2.1.0", "Originator ok");
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
	struct smtp_request q = {0};
	struct smtp_reply r = {451, "4.3.0", "Try again later"};

	q.rcpt.to = q.path;
	if (!parse_request(s, &q, false, args, n) ||
	    needs_smtputf8(s, &q, false))
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
	accepted(s, &r, "2.1.5", "Recipient ok");
}
