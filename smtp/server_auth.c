/*
 * AUTH (RFC 4954): its lines. What a mechanism makes of them is the user's; here
 * they are bounded, taken out of base64, and answered in the right order.
 */
#include <string.h>

#include "lib/base64.h"
#include "lib/log.h"
#include "smtp/server_priv.h"

#define MECHANISM_MAX 20 /* RFC 4422 3.1 */

bool
smtp_server_has_auth(const struct smtp_server *s)
{
	return s->ops->mechanisms != NULL && s->ops->mechanisms(s->arg) != NULL;
}

/* --- the end of an exchange --- */

void
smtp_server_auth_drop(struct smtp_server *s)
{
	if (!(s->state & (S_AUTH | S_AUTH_STEP)))
		return;
	s->state = S_READY;
	s->ops->auth_forget(s->arg);
}

/* The client's mistake, in an exchange or before one. */
static void
give_up(struct smtp_server *s, int code, const char *status, const char *text)
{
	smtp_server_auth_drop(s);
	s->command = "AUTH";
	smtp_server_error(s, code, status, text);
}

void
smtp_server_auth_too_long(struct smtp_server *s)
{
	give_up(s, 500, "5.5.6", "Authentication line is too long");
}

/* --- the client's octets --- */

/* One response; false: it is no base64. */
static bool
hand_over(
    struct smtp_server *s, const char *mechanism, const char *text, size_t n)
{
	static const uint8_t nothing[1];
	uint8_t octets[BASE64_OCTETS(SMTP_AUTH_LINE_MAX)];
	ssize_t got = base64_decode(text, n, octets, sizeof(octets));
	const uint8_t *p = got > 0 ? octets : nothing;

	if (got < 0)
		return false;
	s->state = S_AUTH_STEP;
	if (mechanism != NULL)
		s->ops->auth_start(s->arg, mechanism, p, (size_t)got);
	else
		s->ops->auth_response(s->arg, p, (size_t)got);
	explicit_bzero(octets, sizeof(octets));
	return true;
}

void
smtp_server_auth_line(struct smtp_server *s, const char *line, size_t n)
{
	if (n == 1 && line[0] == '*')
		give_up(s, 501, "5.7.0", "Authentication cancelled");
	else if (!hand_over(s, NULL, line, n))
		give_up(s, 501, "5.5.2", "Not in base64");
	/* passwords do not stay in memory longer than they must */
	explicit_bzero(s->line.data, s->line.len);
}

static bool
is_mechanism(const char *p, size_t n)
{
	static const char of[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	for (size_t i = 0; i < n; i++)
		if (memchr(of, p[i], sizeof(of) - 1) == NULL)
			return false;
	return n > 0 && n <= MECHANISM_MAX;
}

/* "=" stands for a response of no octets, which is not the same as none. */
static void
start(
    struct smtp_server *s, const char *mechanism, const char *initial, size_t n)
{
	if (initial == NULL) {
		s->state = S_AUTH_STEP;
		s->ops->auth_start(s->arg, mechanism, NULL, 0);
		return;
	}
	if (n == 1 && *initial == '=')
		n = 0;
	if (!hand_over(s, mechanism, initial, n))
		give_up(s, 501, "5.5.2", "Not in base64");
	explicit_bzero(s->line.data, s->line.len);
}

void
smtp_cmd_auth(struct smtp_server *s, const char *args, size_t n)
{
	const char *blank = memchr(args, ' ', n);
	size_t length = blank != NULL ? (size_t)(blank - args) : n;
	char mechanism[MECHANISM_MAX + 1] = {0};

	if (!smtp_server_has_auth(s) || !s->extended) {
		smtp_server_error(
		    s, 502, "5.5.1", "Authentication is not offered");
		return;
	}
	if (s->user[0] != '\0') {
		smtp_server_error(s, 503, "5.5.1", "Authenticated already");
		return;
	}
	if (n == 0 || (blank != NULL && n - length == 1)) {
		smtp_server_error(s, 501, "5.5.4", "Say AUTH mechanism");
		return;
	}
	if (!is_mechanism(args, length)) {
		smtp_server_error(
		    s, 504, "5.5.4", "That is no name of a mechanism");
		return;
	}
	memcpy(mechanism, args, length);
	start(s, mechanism, blank != NULL ? blank + 1 : NULL, n - length - 1);
}

/* --- the user's calls --- */

void
smtp_server_auth_challenge(
    struct smtp_server *s, const uint8_t *p, size_t n, msec_t now)
{
	if (s->state != S_AUTH_STEP)
		return;
	if (s->stopping) {
		smtp_server_close(s, 421, "4.3.2", "Shutting down");
		return;
	}
	s->state = S_AUTH;
	s->deadline = now + s->p->command_timeout;
	buf_puts(&s->out, "334 ");
	base64_encode(&s->out, p, n);
	buf_append(&s->out, "\r\n", 2);
	smtp_server_resume(s, now);
}

static void
refuse(struct smtp_server *s, const struct smtp_reply *r)
{
	smtp_server_reply(s, r->code, r->status, r->text);
	if (++s->auth_failures >= s->p->auth_failures_max)
		smtp_server_close(
		    s, 421, "4.7.0", "Too many failed authentications");
}

void
smtp_server_auth_reply(struct smtp_server *s, const struct smtp_reply *r,
    const char *user, msec_t now)
{
	if (s->state != S_AUTH_STEP)
		return;
	s->state = S_READY;
	s->deadline = now + s->p->command_timeout;
	s->command = "AUTH";
	if (user != NULL) {
		INVARIANT(*user != '\0' && strlen(user) <= SMTP_USER_MAX);
		memcpy(s->user, user, strlen(user) + 1);
		smtp_server_reply(s, 235, "2.7.0", "Authentication successful");
	} else {
		refuse(s, r);
	}
	if (s->stopping && s->state != S_CLOSED)
		smtp_server_close(s, 421, "4.3.2", "Shutting down");
	smtp_server_resume(s, now);
}
