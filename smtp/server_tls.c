/*
 * STARTTLS (RFC 3207), and what may not be done without TLS or AUTH. With TLS
 * the session begins anew: nothing that was said before it counts, and nothing
 * that came with the command, or after it in plain, is ever looked at.
 */
#include "smtp/server_priv.h"

void
smtp_cmd_starttls(struct smtp_server *s, const char *args, size_t n)
{
	(void)args;
	(void)n;
	if (!s->p->starttls || s->ops->start_tls == NULL) {
		smtp_server_error(s, 502, "5.5.1", "TLS is not offered");
		return;
	}
	if (s->tls) {
		smtp_server_error(s, 503, "5.5.1", "There is TLS already");
		return;
	}
	smtp_server_reply(s, 220, "2.0.0", "Ready for TLS");
	s->starting_tls = true;
}

size_t
smtp_server_enter_tls(struct smtp_server *s, size_t n)
{
	s->starting_tls = false;
	smtp_server_reset(s);
	s->state = S_START;
	s->tls = true;
	s->extended = false;
	s->helo[0] = s->user[0] = '\0';
	s->idle_commands = 0;
	s->ops->start_tls(s->arg, n);
	return 0;
}

const struct smtp_reply *
smtp_server_forbids(const struct smtp_server *s, unsigned flags)
{
	static const struct smtp_reply no_tls = {
	    530, "5.7.0", "Must issue a STARTTLS command first"};
	static const struct smtp_reply no_auth = {
	    530, "5.7.0", "Authentication required"};

	if (s->p->tls_required && !s->tls && (flags & CMD_NEEDS_TLS))
		return &no_tls;
	if (s->p->auth_required && s->user[0] == '\0' &&
	    (flags & CMD_NEEDS_AUTH))
		return &no_auth;
	return NULL;
}
