/*
 * The client's session and transactions. Replies are matched to commands by
 * counting only (RFC 2920 3.1): `await` and `next` say which is due, and one
 * table says what each means.
 */
#include "smtp/client.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/log.h"
#include "mhs/envelope.h"
#include "smtp/client_priv.h"

static const size_t timeout_of[N_AWAIT] = {
#define AT(field) offsetof(struct smtp_client_params, field)
    [AWAIT_GREETING] = AT(greeting_timeout),
    [AWAIT_HELLO] = AT(mail_timeout),
    [AWAIT_HELO] = AT(mail_timeout),
    [AWAIT_TLS] = AT(mail_timeout),
    [AWAIT_AUTH] = AT(mail_timeout),
    [AWAIT_NONE] = AT(idle_timeout),
    [AWAIT_RSET] = AT(quit_timeout),
    [AWAIT_MAIL] = AT(mail_timeout),
    [AWAIT_RCPT] = AT(rcpt_timeout),
    [AWAIT_DATA] = AT(data_init_timeout),
    [AWAIT_FINAL] = AT(data_done_timeout),
    [AWAIT_QUIT] = AT(quit_timeout),
    [AWAIT_END] = AT(quit_timeout),
#undef AT
};

static void
restart_timer(struct smtp_client *c, msec_t now)
{
	msec_t t;

	memcpy(&t, (const char *)c->p + timeout_of[c->await], sizeof(t));
	if (c->content.streaming)
		t = c->p->data_block_timeout;
	c->deadline = now + t;
}

/* --- the end of things --- */

/* Every recipient without a final answer gets this one. */
static void
settle_all(
    struct smtp_client *c, int code, const char *status, const char *text)
{
	const char *copy = arena_strdup(c->t->arena, text);

	for (size_t i = 0; i < c->t->n_recipients; i++)
		if (c->t->recipients[i].outcome == SMTP_PENDING)
			smtp_client_result_own(
			    c, &c->t->recipients[i], code, status, copy);
}

static void
transaction_done(struct smtp_client *c)
{
	struct smtp_transaction *t = c->t;

	t->dsn_offered = (c->extensions & SMTP_EXT_DSN) != 0;
	c->t = NULL;
	c->content.streaming = false;
	c->ops->done(c->arg, t);
}

static void
session_end(struct smtp_client *c, const char *why)
{
	if (c->ended)
		return;
	c->ended = true;
	c->await = AWAIT_END;
	c->content.streaming = false;
	c->ops->ended(c->arg, why);
}

/* Has the server not yet answered MAIL? What breaks until then says nothing
 * about this message. */
static bool
before_mail(const struct smtp_client *c)
{
	return c->await == AWAIT_RSET || c->await == AWAIT_MAIL;
}

/* The session cannot go on. */
static void
session_fail(struct smtp_client *c, const char *status, const char *why)
{
	bool peer_error = before_mail(c);
	char text[ERR_TEXT_MAX];

	if (c->ended)
		return;
	strncpy(text, why, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	if (c->security.failure.status == NULL)
		c->security.failure.status = status;
	c->await = AWAIT_END;
	buf_clear(&c->out);
	if (c->t != NULL) {
		c->t->unanswered = !c->answered;
		c->t->peer_error = peer_error;
		settle_all(c, 421, status, text);
		transaction_done(c);
	}
	session_end(c, text);
}

void
smtp_client_session_fail(
    struct smtp_client *c, const char *status, const char *why)
{
	session_fail(c, status, why);
}

static void
fail_with_reply(struct smtp_client *c)
{
	struct arena *a = arena_new();

	session_fail(c, c->reply.code == 421 ? "4.3.2" : "4.3.0",
	    smtp_client_reply_line(c, a));
	arena_free(&a);
}

static void
send_quit(struct smtp_client *c, msec_t now)
{
	buf_puts(&c->out, "QUIT\r\n");
	c->await = AWAIT_QUIT;
	restart_timer(c, now);
}

/* Nothing is under way: say so, or leave. */
static void
become_idle(struct smtp_client *c, msec_t now)
{
	c->await = AWAIT_NONE;
	if (c->quit_wanted) {
		send_quit(c, now);
		return;
	}
	restart_timer(c, now);
	c->ops->ready(c->arg);
}

static void
finish_transaction(struct smtp_client *c, msec_t now)
{
	c->await = AWAIT_NONE;
	transaction_done(c);
	if (c->await == AWAIT_NONE)
		become_idle(c, now);
}

/* --- the hello --- */

static void
send_hello(struct smtp_client *c, enum client_await await)
{
	buf_printf(&c->out, "%s %s\r\n",
	    await == AWAIT_HELO ? "HELO"
		: c->p->lmtp    ? "LHLO"
				: "EHLO",
	    c->p->helo);
	c->await = await;
}

static void
got_greeting(struct smtp_client *c, msec_t now)
{
	const char *text = buf_cstr(&c->reply.text);
	size_t n = strcspn(text, " \n");

	(void)now;
	if (c->reply.code != 220) {
		fail_with_reply(c);
		return;
	}
	if (n < sizeof(c->remote) && smtp_domain_valid(text, n, true)) {
		memcpy(c->remote, text, n);
		c->remote[n] = '\0';
	}
	send_hello(c, AWAIT_HELLO);
}

void
smtp_client_hello(struct smtp_client *c)
{
	c->extensions = 0;
	c->size_max = 0;
	c->security.mechanisms[0] = '\0';
	send_hello(c, AWAIT_HELLO);
}

void
smtp_client_hello_done(struct smtp_client *c, msec_t now)
{
	if (!smtp_client_want_tls(c) && !smtp_client_want_auth(c))
		become_idle(c, now);
}

static void
take_extension(struct smtp_client *c, const char *line, size_t n)
{
	static const struct {
		const char *keyword;
		unsigned bit;
	} known[] = {
	    {"PIPELINING", SMTP_EXT_PIPELINING},
	    {"SIZE", SMTP_EXT_SIZE},
	    {"8BITMIME", SMTP_EXT_8BITMIME},
	    {"DSN", SMTP_EXT_DSN},
	    {"ENHANCEDSTATUSCODES", SMTP_EXT_STATUS},
	    {"STARTTLS", SMTP_EXT_STARTTLS},
	    {"AUTH", SMTP_EXT_AUTH},
	};
	size_t word = 0;

	while (word < n && line[word] != ' ')
		word++;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strlen(known[i].keyword) != word ||
		    strncasecmp(known[i].keyword, line, word) != 0)
			continue;
		c->extensions |= known[i].bit;
		if (known[i].bit == SMTP_EXT_SIZE && word < n)
			c->size_max = strtoull(line + word + 1, NULL, 10);
		if (known[i].bit == SMTP_EXT_AUTH && word < n)
			smtp_client_offers_auth(
			    c, line + word + 1, n - word - 1);
	}
}

static void
got_hello(struct smtp_client *c, msec_t now)
{
	const char *line = buf_cstr(&c->reply.text);
	bool first = true;

	if (c->reply.code / 100 == 5 && !c->p->lmtp) {
		send_hello(c, AWAIT_HELO); /* RFC 5321 3.2, 4.1.1.1 */
		return;
	}
	if (c->reply.code / 100 != 2) {
		fail_with_reply(c);
		return;
	}
	for (;; first = false) {
		size_t n = strcspn(line, "\n");

		if (!first)
			take_extension(c, line, n);
		if (line[n] == '\0')
			break;
		line += n + 1;
	}
	smtp_client_hello_done(c, now);
}

static void
got_helo(struct smtp_client *c, msec_t now)
{
	if (c->reply.code / 100 == 2)
		smtp_client_hello_done(c, now);
	else
		fail_with_reply(c);
}

/* --- commands of a transaction --- */

static void
put_mail(struct smtp_client *c)
{
	const struct smtp_transaction *t = c->t;

	buf_printf(&c->out, "MAIL FROM:<%s>", t->from);
	if (c->extensions & SMTP_EXT_SIZE)
		buf_printf(
		    &c->out, " SIZE=%llu", (unsigned long long)t->content_n);
	if (t->has_8bit)
		buf_puts(&c->out, " BODY=8BITMIME");
	if (c->extensions & SMTP_EXT_DSN) {
		if (t->ret != 0)
			buf_puts(
			    &c->out, t->ret == 'F' ? " RET=FULL" : " RET=HDRS");
		if (t->envid != NULL && t->envid[0] != '\0') {
			buf_puts(&c->out, " ENVID=");
			smtp_xtext_append(&c->out, t->envid);
		}
	}
	buf_puts(&c->out, "\r\n");
}

static void
put_notify(struct smtp_client *c, uint8_t notify)
{
	static const struct {
		uint8_t bit;
		const char *word;
	} words[] = {{MHS_NOTIFY_NEVER, "NEVER"},
	    {MHS_NOTIFY_SUCCESS, "SUCCESS"}, {MHS_NOTIFY_FAILURE, "FAILURE"},
	    {MHS_NOTIFY_DELAY, "DELAY"}};
	char before = '=';

	if (notify == 0)
		return;
	buf_puts(&c->out, " NOTIFY");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (notify & words[i].bit) {
			buf_printf(&c->out, "%c%s", before, words[i].word);
			before = ',';
		}
}

static bool
type_valid(const char *type, const char *end)
{
	for (const char *p = type; p < end; p++)
		if (*p <= ' ' || *p >= 127 || *p == '=' || *p == '+')
			return false;
	return end > type;
}

static void
put_rcpt(struct smtp_client *c, const struct smtp_recipient *r)
{
	const char *semicolon;

	buf_printf(&c->out, "RCPT TO:<%s>", r->mailbox);
	if (c->extensions & SMTP_EXT_DSN) {
		put_notify(c, r->notify);
		semicolon = r->orcpt != NULL ? strchr(r->orcpt, ';') : NULL;
		if (semicolon != NULL && type_valid(r->orcpt, semicolon)) {
			buf_puts(&c->out, " ORCPT=");
			buf_append(&c->out, r->orcpt,
			    (size_t)(semicolon - r->orcpt) + 1);
			smtp_xtext_append(&c->out, semicolon + 1);
		}
	}
	buf_puts(&c->out, "\r\n");
}

static bool
pipelining(const struct smtp_client *c)
{
	return (c->extensions & SMTP_EXT_PIPELINING) != 0;
}

/* All commands of the transaction at once, up to DATA. */
static void
put_group(struct smtp_client *c)
{
	put_mail(c);
	for (size_t i = 0; i < c->t->n_recipients; i++)
		put_rcpt(c, &c->t->recipients[i]);
	buf_puts(&c->out, "DATA\r\n");
}

static void
start_mail(struct smtp_client *c, msec_t now)
{
	c->await = AWAIT_MAIL;
	if (!pipelining(c))
		put_mail(c);
	restart_timer(c, now);
}

/* What can be known to fail beforehand. */
static bool
refused_beforehand(struct smtp_client *c)
{
	if (c->size_max > 0 && c->t->content_n > c->size_max)
		settle_all(c, 552, "5.3.4",
		    "The message is bigger than the server takes");
	else if (c->t->has_8bit && !(c->extensions & SMTP_EXT_8BITMIME))
		settle_all(c, 554, "5.6.3",
		    "The message has 8-bit data, which the server does not "
		    "take");
	else if (c->t->n_recipients > 0)
		return false;
	return true;
}

bool
smtp_client_idle(const struct smtp_client *c)
{
	return c->await == AWAIT_NONE && c->t == NULL && !c->quit_wanted;
}

void
smtp_client_send(struct smtp_client *c, struct smtp_transaction *t, msec_t now)
{
	INVARIANT(smtp_client_idle(c));
	c->t = t;
	c->next = c->accepted = 0;
	c->mail_accepted = c->answered = false;
	t->dsn_offered = t->peer_error = t->unanswered = false;
	for (size_t i = 0; i < t->n_recipients; i++) {
		t->recipients[i].outcome = SMTP_PENDING;
		t->recipients[i].rcpt_accepted = false;
	}
	if (refused_beforehand(c)) {
		finish_transaction(c, now);
		return;
	}
	if (c->dirty) {
		buf_puts(&c->out, "RSET\r\n");
		c->await = AWAIT_RSET;
		restart_timer(c, now);
	} else {
		start_mail(c, now);
	}
	if (pipelining(c))
		put_group(c);
}

/* --- replies of a transaction --- */

static void
got_rset(struct smtp_client *c, msec_t now)
{
	if (c->reply.code / 100 != 2) {
		fail_with_reply(c);
		return;
	}
	c->dirty = false;
	start_mail(c, now);
}

/* The transaction came to nothing before its content. */
static void
give_up(struct smtp_client *c, msec_t now)
{
	c->dirty = true;
	finish_transaction(c, now);
}

/* One reply decides for all recipients, or for all that RCPT accepted. */
static void
result_shared(struct smtp_client *c, bool accepted_only)
{
	struct smtp_transaction *t = c->t;
	struct smtp_recipient *first = NULL, *r;

	for (size_t i = 0; i < t->n_recipients; i++) {
		r = &t->recipients[i];
		if (accepted_only && !r->rcpt_accepted)
			continue;
		if (first == NULL) {
			smtp_client_result(c, r);
			first = r;
		} else {
			r->outcome = first->outcome;
			r->status = first->status;
			r->text = first->text;
		}
	}
}

static void
got_mail(struct smtp_client *c, msec_t now)
{
	struct smtp_transaction *t = c->t;

	c->mail_accepted = c->reply.code / 100 == 2;
	if (!c->mail_accepted)
		result_shared(c, false);
	/* no room, no system: not this message's fault */
	if (c->reply.code == 452 || strncmp(c->reply.status, "4.3.", 4) == 0)
		t->peer_error = true;
	if (!c->mail_accepted && !pipelining(c)) {
		give_up(c, now);
		return;
	}
	c->await = AWAIT_RCPT;
	if (!pipelining(c))
		put_rcpt(c, &t->recipients[0]);
}

static void
got_rcpt(struct smtp_client *c, msec_t now)
{
	struct smtp_recipient *r = &c->t->recipients[c->next];

	if (c->mail_accepted && c->reply.code / 100 == 2) {
		r->rcpt_accepted = true;
		c->accepted++;
	} else if (c->mail_accepted) {
		smtp_client_result(c, r);
	}
	if (++c->next < c->t->n_recipients) {
		if (!pipelining(c))
			put_rcpt(c, &c->t->recipients[c->next]);
		return;
	}
	if (!pipelining(c) && c->accepted == 0) {
		give_up(c, now);
		return;
	}
	if (!pipelining(c))
		buf_puts(&c->out, "DATA\r\n");
	c->await = AWAIT_DATA;
}

/* The next accepted recipient from `next` on. */
static void
skip_refused(struct smtp_client *c)
{
	while (c->next < c->t->n_recipients &&
	    !c->t->recipients[c->next].rcpt_accepted)
		c->next++;
}

static void
got_data(struct smtp_client *c, msec_t now)
{
	if (c->reply.code == 354) {
		c->await = AWAIT_FINAL;
		c->next = 0;
		skip_refused(c);
		if (c->accepted > 0) {
			smtp_client_content_start(c);
			smtp_client_content_more(c);
		} else {
			/* nobody to send to: an empty message (RFC 2920 3.1) */
			buf_puts(&c->out, ".\r\n");
		}
		return;
	}
	if (c->reply.code / 100 < 4) {
		/* nobody knows what such a server thinks it has */
		session_fail(
		    c, "4.5.0", "DATA got a reply that makes no sense");
		return;
	}
	result_shared(c, true);
	give_up(c, now);
}

static void
got_final(struct smtp_client *c, msec_t now)
{
	struct smtp_transaction *t = c->t;

	if (c->content.streaming) {
		/* it answers before it has the content: whatever it says, it
		 * cannot have accepted it, and the session is out of step */
		if (c->reply.code / 100 >= 4)
			result_shared(c, true);
		session_fail(c, "4.5.0",
		    "The server answered before the content was sent");
		return;
	}
	if (c->p->lmtp && c->accepted > 0) {
		smtp_client_result(c, &t->recipients[c->next++]);
		skip_refused(c);
		if (c->next < t->n_recipients)
			return;
	} else {
		result_shared(c, true);
	}
	finish_transaction(c, now);
}

static void
got_quit(struct smtp_client *c, msec_t now)
{
	(void)now;
	session_end(c, NULL);
}

static void
got_unasked(struct smtp_client *c, msec_t now)
{
	(void)now;
	fail_with_reply(c);
}

static void (*const got_reply[N_AWAIT])(struct smtp_client *c, msec_t now) = {
    [AWAIT_GREETING] = got_greeting,
    [AWAIT_HELLO] = got_hello,
    [AWAIT_HELO] = got_helo,
    [AWAIT_TLS] = smtp_client_got_tls,
    [AWAIT_AUTH] = smtp_client_got_auth,
    [AWAIT_NONE] = got_unasked,
    [AWAIT_RSET] = got_rset,
    [AWAIT_MAIL] = got_mail,
    [AWAIT_RCPT] = got_rcpt,
    [AWAIT_DATA] = got_data,
    [AWAIT_FINAL] = got_final,
    [AWAIT_QUIT] = got_quit,
};

/* --- the engine --- */

struct smtp_client *
smtp_client_new(const struct smtp_client_params *p,
    const struct smtp_client_ops *ops, void *arg, msec_t now)
{
	struct smtp_client *c = xcalloc(1, sizeof(*c));

	c->p = p;
	c->ops = ops;
	c->arg = arg;
	c->await = AWAIT_GREETING;
	restart_timer(c, now);
	return c;
}

void
smtp_client_free(struct smtp_client **cp)
{
	struct smtp_client *c = *cp;

	if (c == NULL)
		return;
	*cp = NULL;
	buf_free(&c->out);
	smtp_reply_free(&c->reply);
	smtp_client_auth_free(c);
	free(c);
}

static void
on_input(void *engine, const uint8_t *p, size_t n, msec_t now)
{
	struct smtp_client *c = engine;
	struct err e = ERR_INIT;
	size_t used;
	int rc;

	while (n > 0 && c->await != AWAIT_END) {
		rc = smtp_reply_feed(&c->reply, p, n, &used, &e);
		if (rc < 0) {
			session_fail(c, "4.5.0", e.text);
			return;
		}
		p += used;
		n -= used;
		if (rc == 0)
			return;
		c->answered = true;
		c->security.handshake = false;
		if (c->await == AWAIT_TLS && n > 0) {
			session_fail(c, "4.7.0",
			    "The server said more than its answer to STARTTLS");
			return;
		}
		/* RFC 5321 3.8: 421 may come at any moment */
		if (c->reply.code == 421)
			fail_with_reply(c);
		else
			got_reply[c->await](c, now);
		if (c->await != AWAIT_END)
			restart_timer(c, now);
	}
}

static void
on_closed(void *engine, const struct err *reason, msec_t now)
{
	struct smtp_client *c = engine;

	(void)now;
	if (smtp_client_tls_broke(c, reason != NULL ? reason->text : NULL))
		return;
	if (c->await == AWAIT_QUIT || (c->await == AWAIT_NONE && !reason))
		session_end(c, NULL);
	else
		session_fail(c, c->await == AWAIT_GREETING ? "4.4.1" : "4.4.2",
		    reason != NULL ? reason->text
				   : "The server closed the connection");
}

static struct buf *
output(void *engine)
{
	return &((struct smtp_client *)engine)->out;
}

static void
on_drained(void *engine, msec_t now)
{
	struct smtp_client *c = engine;

	if (!c->content.streaming)
		return;
	smtp_client_content_more(c);
	restart_timer(c, now);
}

static msec_t
deadline(void *engine)
{
	struct smtp_client *c = engine;

	return c->await == AWAIT_END ? MSEC_NEVER : c->deadline;
}

static void
on_timeout(void *engine, msec_t now)
{
	struct smtp_client *c = engine;

	if (now < deadline(c) || smtp_client_tls_broke(c, NULL))
		return;
	if (c->await == AWAIT_NONE)
		send_quit(c, now);
	else if (c->await == AWAIT_QUIT)
		session_end(c, NULL);
	else
		session_fail(c, c->await == AWAIT_GREETING ? "4.4.1" : "4.4.2",
		    "The server did not answer in time");
}

static bool
finished(void *engine)
{
	return ((struct smtp_client *)engine)->await == AWAIT_END;
}

const struct engine_ops smtp_client_engine = {
    .input = on_input,
    .closed = on_closed,
    .output = output,
    .drained = on_drained,
    .deadline = deadline,
    .timeout = on_timeout,
    .finished = finished,
};

void
smtp_client_quit(struct smtp_client *c, msec_t now)
{
	c->quit_wanted = true;
	if (c->await == AWAIT_NONE && c->t == NULL)
		send_quit(c, now);
}

const char *
smtp_client_remote(const struct smtp_client *c)
{
	return c->remote;
}
