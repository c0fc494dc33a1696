/*
 * STARTTLS as the client asks for it (RFC 3207). What the server said before
 * counts for nothing afterwards, and what it says behind its 220 and before
 * TLS, which could be anybody's words, ends the session.
 */
#include <string.h>

#include "smtp/client_priv.h"

void
smtp_client_secure(struct smtp_client *c, const struct smtp_client_security *s)
{
	c->security.p = s;
}

struct smtp_client_failure
smtp_client_failure(const struct smtp_client *c)
{
	struct smtp_client_failure f = c->security.failure;

	if (f.status == NULL)
		f.status = "4.4.1";
	return f;
}

static void
tls_fail(struct smtp_client *c, const char *status, const char *why)
{
	c->security.failure.starttls = true;
	smtp_client_session_fail(c, status, why);
}

bool
smtp_client_want_tls(struct smtp_client *c)
{
	const struct smtp_client_security *s = c->security.p;

	if (s == NULL || s->tls == SMTP_CLIENT_PLAIN || c->security.secured)
		return false;
	if (c->extensions & SMTP_OFFER_STARTTLS) {
		buf_puts(&c->out, "STARTTLS\r\n");
		c->await = AWAIT_TLS;
		return true;
	}
	if (s->tls == SMTP_CLIENT_TLS)
		return false;
	smtp_client_session_fail(
	    c, "4.7.4", "TLS is required, and the server does not offer it");
	return true;
}

/* A refusal, where TLS may be but need not, is as if it were not offered. */
static void
refused(struct smtp_client *c, msec_t now)
{
	struct arena *a;

	if (c->security.p->tls == SMTP_CLIENT_TLS) {
		c->extensions &= ~SMTP_OFFER_STARTTLS;
		smtp_client_hello_done(c, now);
		return;
	}
	a = arena_new();
	tls_fail(c, "4.7.4",
	    arena_printf(a, "The server refused STARTTLS: %s",
		smtp_client_reply_line(c, a)));
	arena_free(&a);
}

void
smtp_client_got_tls(struct smtp_client *c, msec_t now)
{
	if (c->reply.code != 220) {
		refused(c, now);
		return;
	}
	c->security.secured = c->security.handshake = true;
	c->security.p->start_tls(c->arg);
	smtp_client_hello(c);
}

bool
smtp_client_tls_broke(struct smtp_client *c, const char *why)
{
	if (!c->security.handshake && c->await != AWAIT_TLS)
		return false;
	tls_fail(
	    c, "4.7.5", why != NULL ? why : "The server did not come to TLS");
	return true;
}
