/*
 * VRFY and EXPN (RFC 5321 3.5), for those whom the listener tells; others hear
 * what says nothing. What is verified is that there is a way to the address,
 * after aliases and other redirections; who is behind it, the next MTA knows.
 */
#include <stdio.h>
#include <string.h>

#include "smtp/smtpd_session.h"

/* "joe@x" or "<joe@x>" */
static bool
parse(const char *text, char out[SMTP_MAILBOX_TEXT])
{
	size_t n = strlen(text);

	if (*text == '<')
		return smtp_path_parse(text, n,
			   SMTP_PATH_POSTMASTER | SMTP_PATH_UTF8, out,
			   NULL) == (int)n;
	return smtp_mailbox_parse_as(text, n, SMTP_PATH_UTF8, out, NULL) == 0;
}

void
smtpd_session_vrfy(void *arg, const char *who, struct smtp_reply *r)
{
	struct smtpd_session *s = arg;
	char mailbox[SMTP_MAILBOX_TEXT];
	struct mhs_name name = {.mailbox = mailbox};

	if (!smtpd_session_is(s, &s->policy->vrfy))
		return;
	if (!parse(who, mailbox)) {
		*r = (struct smtp_reply){
		    553, "5.1.3", "That is no mail address"};
		return;
	}
	if (!smtpd_mail_recipient(s, &name, r))
		return;
	snprintf(s->reply, sizeof(s->reply), "<%.*s>",
	    (int)sizeof(s->reply) - 3, name.mailbox);
	*r = (struct smtp_reply){250, "2.1.5", s->reply};
}

static void
put_member(struct smtpd_session *s, struct smtp_server_lines *x,
    const struct mhs_name *m)
{
	char line[REPLY_TEXT];

	snprintf(line, sizeof(line), m->mailbox != NULL ? "<%s>" : "%s",
	    mhs_name_text(s->arena, m));
	smtp_server_line(x, line);
}

void
smtpd_session_expn(void *arg, const char *list, struct smtp_server_lines *x,
    struct smtp_reply *r)
{
	struct smtpd_session *s = arg;
	const struct q_list *l = NULL;
	char mailbox[SMTP_MAILBOX_TEXT];
	struct mhs_name name = {.mailbox = mailbox};

	if (!smtpd_session_is(s, &s->policy->expn))
		return;
	if (parse(list, mailbox))
		l = q_config_list(q_submitter_config(s->d->submitter), &name);
	*r = (struct smtp_reply){550, "5.1.1", "That is no list here"};
	if (l == NULL)
		return;
	*r = (struct smtp_reply){250, "2.1.5", "The list has no members"};
	for (size_t i = 0; i < l->n_members; i++)
		put_member(s, x, &l->members[i]);
}
