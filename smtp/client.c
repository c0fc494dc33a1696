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
    [AWAIT_CHUNK] = AT(data_done_timeout),
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

	t->dsn_offered = (c->extensions & SMTP_OFFER_DSN) != 0;
	t->by_offered = (c->extensions & SMTP_OFFER_DELIVERBY) != 0;
	c->t = NULL;
	smtp_client_content_free(c);
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
			smtp_client_take_extension(c, line, n);
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

static bool
pipelining(const struct smtp_client *c)
{
	return (c->extensions & SMTP_OFFER_PIPELINING) != 0;
}

/* The next recipient to ask for, from `next` on. */
static void
skip_settled(struct smtp_client *c)
{
	while (
	    c->next < c->t->n_recipients && c->t->recipients[c->next].skipped)
		c->next++;
}

/* All commands of the transaction at once, up to DATA, or even its BDAT. */
static void
put_group(struct smtp_client *c, msec_t now)
{
	smtp_client_put_mail(c, now);
	for (size_t i = 0; i < c->t->n_recipients; i++)
		if (!c->t->recipients[i].skipped)
			smtp_client_put_rcpt(c, &c->t->recipients[i]);
	if (c->bdat.used)
		smtp_client_bdat_pipeline(c);
	else
		buf_puts(&c->out, "DATA\r\n");
}

static void
start_mail(struct smtp_client *c, msec_t now)
{
	c->await = AWAIT_MAIL;
	if (!pipelining(c))
		smtp_client_put_mail(c, now);
	restart_timer(c, now);
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
		t->recipients[i].skipped = false;
	}
	smtp_client_plan(c, now);
	skip_settled(c);
	if (c->next >= t->n_recipients) {
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
		put_group(c, now);
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
		if (r->skipped || (accepted_only && !r->rcpt_accepted))
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
		smtp_client_put_rcpt(c, &t->recipients[c->next]);
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
await_final(struct smtp_client *c)
{
	c->await = AWAIT_FINAL;
	c->next = 0;
	skip_refused(c);
}

/* All chunks are out, or the first may go now. */
static void
start_chunks(struct smtp_client *c)
{
	if (!c->bdat.last_sent) {
		c->content.streaming = true;
		smtp_client_bdat_more(c);
	}
	if (c->bdat.due > 0 || !c->bdat.last_sent)
		c->await = AWAIT_CHUNK;
	else
		await_final(c);
}

static void
recipients_done(struct smtp_client *c, msec_t now)
{
	bool content_due =
	    pipelining(c) && (!c->bdat.used || c->bdat.last_sent);

	if (!content_due && c->accepted == 0) {
		give_up(c, now);
	} else if (c->bdat.used) {
		start_chunks(c);
	} else {
		if (!pipelining(c))
			buf_puts(&c->out, "DATA\r\n");
		c->await = AWAIT_DATA;
	}
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
	c->next++;
	skip_settled(c);
	if (c->next < c->t->n_recipients) {
		if (!pipelining(c))
			smtp_client_put_rcpt(c, &c->t->recipients[c->next]);
		return;
	}
	recipients_done(c, now);
}

static void
got_data(struct smtp_client *c, msec_t now)
{
	if (c->reply.code == 354) {
		await_final(c);
		if (c->accepted > 0) {
			c->content.streaming = true;
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

/* To a chunk that is not the last. A refused one is the message's end (RFC
 * 3030 2): what was sent before the refusal was known has its replies, too. */
static void
got_chunk(struct smtp_client *c, msec_t now)
{
	struct client_bdat *b = &c->bdat;

	if (c->reply.code / 100 != 2 && !b->failed) {
		result_shared(c, true);
		b->failed = true;
		c->content.streaming = false;
		/* one reply or one a recipient: nobody can tell (RFC 2033) */
		if (b->last_sent && c->p->lmtp) {
			session_fail(c, "4.5.0", "A chunk was refused");
			return;
		}
		b->due += b->last_sent;
	}
	b->due--;
	if (!b->failed)
		smtp_client_bdat_more(c);
	if (b->failed && b->due == 0)
		give_up(c, now);
	else if (!b->failed && b->due == 0 && b->last_sent)
		await_final(c);
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
	/* RFC 3030 2: after a refused BDAT only RSET makes a fresh start */
	c->dirty |= c->bdat.used && !c->p->lmtp && c->reply.code / 100 != 2;
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
    [AWAIT_CHUNK] = got_chunk,
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
	smtp_client_content_free(c);
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
	if (c->bdat.used) {
		smtp_client_bdat_more(c);
		if (c->bdat.due == 0 && c->bdat.last_sent)
			await_final(c);
	} else {
		smtp_client_content_more(c);
	}
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
