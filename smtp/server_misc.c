/*
 * The commands without much to them: RSET, NOOP, QUIT, VRFY, EXPN, HELP (RFC 5321
 * 4.1.1.5 to 4.1.1.10), and those that get a refusal only.
 */
#include <strings.h>

#include "smtp/server_priv.h"

void
smtp_cmd_rset(struct smtp_server *s, const char *args, size_t n)
{
	(void)args;
	(void)n;
	smtp_server_reset(s);
	smtp_server_reply(s, 250, "2.0.0", "Reset");
}

void
smtp_cmd_noop(struct smtp_server *s, const char *args, size_t n)
{
	(void)args;
	(void)n;
	smtp_server_reply(s, 250, "2.0.0", "Nothing done");
}

void
smtp_cmd_quit(struct smtp_server *s, const char *args, size_t n)
{
	(void)args;
	(void)n;
	smtp_server_close(s, 221, "2.0.0", "Closing");
}

/* The argument of VRFY and EXPN, which may end with SMTPUTF8 (RFC 6531 3.7.4):
 * in the line itself, ended there. NULL: a reply was given. */
static const char *
argument(struct smtp_server *s, const char *args, size_t n, const char *usage)
{
	static const char word[] = " SMTPUTF8";
	size_t w = sizeof(word) - 1, at = (size_t)(args - (char *)s->line.data);
	bool utf8 = n > w && strncasecmp(args + n - w, word, w) == 0 &&
	    smtp_server_offers(s, SMTP_EXT_SMTPUTF8);

	n -= utf8 ? w : 0;
	if (n == 0) {
		smtp_server_error(s, 501, "5.5.4", usage);
		return NULL;
	}
	if (!utf8 && buf_has_8bit((const uint8_t *)args, n)) {
		smtp_server_error(
		    s, 553, "5.6.7", "Non-ASCII names need SMTPUTF8");
		return NULL;
	}
	s->line.data[at + n] = '\0';
	return args;
}

/* RFC 5321 3.5.3: neither confirmed nor denied, unless the user does. */
void
smtp_cmd_vrfy(struct smtp_server *s, const char *args, size_t n)
{
	struct smtp_reply r = {
	    252, "2.1.5", "Not verified, but delivery will be attempted"};
	const char *who = argument(s, args, n, "Say VRFY address");

	if (who == NULL)
		return;
	if (s->ops->vrfy != NULL)
		s->ops->vrfy(s->arg, who, &r);
	smtp_server_reply(s, r.code, r.status, r.text);
}

void
smtp_cmd_expn(struct smtp_server *s, const char *args, size_t n)
{
	struct smtp_reply r = {502, "5.5.1", "Command not implemented"};
	struct smtp_server_lines x = {.s = s, .code = 250, .status = "2.1.5"};
	const char *list = argument(s, args, n, "Say EXPN list");

	if (list == NULL)
		return;
	if (s->ops->expn != NULL)
		s->ops->expn(s->arg, list, &x, &r);
	if (x.any)
		smtp_server_reply(s, x.code, x.status, x.held);
	else
		smtp_server_reply(s, r.code, r.status, r.text);
}

void
smtp_cmd_help(struct smtp_server *s, const char *args, size_t n)
{
	struct smtp_server_lines x = {.s = s, .code = 214, .status = "2.0.0"};

	(void)args;
	(void)n;
	smtp_server_line(&x,
	    s->p->lmtp ? "LHLO STARTTLS AUTH MAIL RCPT DATA BDAT"
		       : "EHLO HELO STARTTLS AUTH MAIL RCPT DATA BDAT");
	smtp_server_line(&x, "RSET NOOP VRFY EXPN HELP QUIT");
	smtp_server_reply(s, x.code, x.status, x.held);
}

void
smtp_cmd_unimplemented(struct smtp_server *s, const char *args, size_t n)
{
	(void)args;
	(void)n;
	smtp_server_error(s, 502, "5.5.1", "Command not implemented");
}

/* What follows is a web page's text, which must not be read as commands. */
void
smtp_cmd_foreign(struct smtp_server *s, const char *args, size_t n)
{
	(void)args;
	(void)n;
	smtp_server_close(s, 421, "4.7.0", "This is a mail server");
}
