/*
 * The commands without much to them: RSET, NOOP, QUIT, VRFY, HELP (RFC 5321
 * 4.1.1.5 to 4.1.1.10), and those that get a refusal only.
 */
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

/* RFC 5321 3.5.3: neither confirmed nor denied. */
void
smtp_cmd_vrfy(struct smtp_server *s, const char *args, size_t n)
{
	(void)args;
	if (n == 0)
		smtp_server_error(s, 501, "5.5.4", "Say VRFY address");
	else
		smtp_server_reply(s, 252, "2.1.5",
		    "Not verified, but delivery will be attempted");
}

void
smtp_cmd_help(struct smtp_server *s, const char *args, size_t n)
{
	(void)args;
	(void)n;
	smtp_server_reply(s, 214, "2.0.0", "See RFC 5321");
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
