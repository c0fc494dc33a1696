/*
 * AUTH as the client says it (RFC 4954): lib/sasl.h chooses the mechanism and
 * makes the responses. Without TLS nothing of it is said, unless the peer's
 * settings allow that. Any refusal ends the session: it is the server's, or
 * our settings', trouble, and no message's.
 */
#include <string.h>
#include <strings.h>

#include "lib/base64.h"
#include "smtp/client_priv.h"

#define COMMAND_MAX 510 /* RFC 5321 4.5.3.1.4, without CR LF */

static bool
has_word(const char *list, const char *word, size_t n)
{
	for (size_t k; *list != '\0'; list += k + (list[k] != '\0')) {
		k = strcspn(list, " ");
		if (k == n && strncasecmp(list, word, n) == 0)
			return true;
	}
	return false;
}

/* Those that we may use are kept; the list is bounded by its room. */
void
smtp_client_offers_auth(struct smtp_client *c, const char *p, size_t n)
{
	const struct smtp_client_security *s = c->security.p;
	char *list = c->security.mechanisms;
	size_t at = strlen(list), word;

	for (; n > 0; p += word + (word < n), n -= word + (word < n)) {
		for (word = 0; word < n && p[word] != ' ';)
			word++;
		if (s == NULL || word == 0 || word > SASL_MECHANISM_MAX ||
		    at + word + 2 > sizeof(c->security.mechanisms) ||
		    has_word(list, p, word) ||
		    (s->mechanisms != NULL &&
			!has_word(s->mechanisms, p, word)))
			continue;
		if (at > 0)
			list[at++] = ' ';
		memcpy(list + at, p, word);
		at += word;
		list[at] = '\0';
	}
}

static void
auth_fail(struct smtp_client *c, const char *status, const char *why)
{
	struct arena *a = arena_new();

	smtp_client_session_fail(
	    c, status, arena_printf(a, "authentication: %s", why));
	arena_free(&a);
}

static void
put_response(struct smtp_client *c, struct octets r)
{
	base64_encode(&c->out, r.p, r.n);
	buf_puts(&c->out, "\r\n");
}

/* An empty initial response is "=" (RFC 4954 4); one that would make the
 * command too long waits for the server's empty challenge. */
static void
put_auth(struct smtp_client *c, const char *mechanism, struct octets initial)
{
	size_t room = COMMAND_MAX - strlen("AUTH  ") - strlen(mechanism);

	buf_printf(&c->out, "AUTH %s", mechanism);
	if (initial.p != NULL && BASE64_TEXT(initial.n) - 1 > room) {
		c->security.held = initial;
	} else if (initial.p != NULL) {
		buf_putc(&c->out, ' ');
		if (initial.n == 0)
			buf_putc(&c->out, '=');
		base64_encode(&c->out, initial.p, initial.n);
	}
	buf_puts(&c->out, "\r\n");
	c->await = AWAIT_AUTH;
}

static void
begin(struct smtp_client *c, const struct tls_peer *tls)
{
	const struct smtp_client_security *s = c->security.p;
	struct sasl_client_options o = {
	    .protocol = "smtp",
	    .host = s->host,
	    .tls = tls,
	    .user = s->user,
	    .password = s->password,
	    .authorize = s->authorize,
	    .plaintext = s->plaintext,
	};
	struct err e = ERR_INIT;
	struct octets initial = {0};
	const char *mechanism = NULL;

	c->security.sasl = sasl_client_open(&o, &e);
	if (c->security.sasl == NULL ||
	    sasl_client_begin(c->security.sasl, c->security.mechanisms,
		&mechanism, &initial, &e) < 0)
		auth_fail(c, "4.7.0", e.text);
	else
		put_auth(c, mechanism, initial);
}

bool
smtp_client_want_auth(struct smtp_client *c)
{
	const struct smtp_client_security *s = c->security.p;
	const struct tls_peer *tls;

	if (s == NULL || !s->auth || c->security.authenticated)
		return false;
	tls = s->tls_peer != NULL ? s->tls_peer(c->arg) : NULL;
	if (tls == NULL && !s->plaintext)
		auth_fail(c, "4.7.10", "there is no TLS");
	else if (c->security.mechanisms[0] == '\0')
		auth_fail(c, "4.7.0", "the server offers no mechanism of ours");
	else
		begin(c, tls);
	return true;
}

/* --- replies --- */

static void
challenged(struct smtp_client *c)
{
	const char *text =
	    c->reply.text.len > 0 ? buf_cstr(&c->reply.text) : "";
	uint8_t challenge[SASL_OCTETS_MAX];
	ssize_t n =
	    base64_decode(text, strlen(text), challenge, sizeof(challenge));
	struct octets response = c->security.held;
	struct err e = ERR_INIT;

	if (n < 0) {
		auth_fail(c, "4.5.0", "the challenge is not base64");
		return;
	}
	c->security.held = (struct octets){0};
	if (response.p == NULL &&
	    sasl_client_answer(
		c->security.sasl, challenge, (size_t)n, &response, &e) < 0)
		auth_fail(c, "4.7.0", e.text);
	else
		put_response(c, response);
}

static void
succeeded(struct smtp_client *c, msec_t now)
{
	if (!sasl_client_proved(c->security.sasl)) {
		auth_fail(c, "4.7.0",
		    "the server did not prove that it knows the password");
		return;
	}
	c->security.authenticated = true;
	smtp_client_auth_free(c);
	smtp_client_hello_done(c, now);
}

void
smtp_client_got_auth(struct smtp_client *c, msec_t now)
{
	struct arena *a;

	if (c->reply.code == 334) {
		challenged(c);
		return;
	}
	if (c->reply.code == 235) {
		succeeded(c, now);
		return;
	}
	a = arena_new();
	auth_fail(c, c->reply.code == 535 ? "4.7.8" : "4.7.0",
	    smtp_client_reply_line(c, a));
	arena_free(&a);
}

void
smtp_client_auth_free(struct smtp_client *c)
{
	sasl_client_close(&c->security.sasl);
}
