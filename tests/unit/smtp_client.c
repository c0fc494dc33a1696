#include "smtp/client.h"

#include <stdio.h>
#include <string.h>

#include "lib/arena.h"
#include "mhs/envelope.h"
#include "smtp/server.h"
#include "tests/unit/unit.h"

/* --- a scripted server --- */

struct session {
	struct smtp_client *c;
	struct arena *arena;
	struct smtp_transaction t;
	struct smtp_recipient rcpts[4];
	struct buf sent; /* all that the client said */
	unsigned ready, done, ended;
	char why[256];
};

static const struct smtp_client_params smtp = SMTP_CLIENT_PARAMS_DEFAULT;

static void
on_ready(void *arg)
{
	((struct session *)arg)->ready++;
}

static void
on_done(void *arg, struct smtp_transaction *t)
{
	(void)t;
	((struct session *)arg)->done++;
}

static void
on_ended(void *arg, const char *why)
{
	struct session *x = arg;

	x->ended++;
	snprintf(x->why, sizeof(x->why), "%s", why != NULL ? why : "");
}

static const struct smtp_client_ops ops = {on_ready, on_done, on_ended};

static void
session_open(struct session *x, const struct smtp_client_params *p)
{
	*x = (struct session){0};
	x->arena = arena_new();
	x->c = smtp_client_new(p, &ops, x, 0);
}

static void
session_close(struct session *x)
{
	smtp_client_free(&x->c);
	arena_free(&x->arena);
	buf_free(&x->sent);
}

/* Takes what the client wrote, as the socket does. */
static const char *
take(struct session *x)
{
	struct buf *out = smtp_client_engine.output(x->c);

	buf_clear(&x->sent);
	while (out->len > 0) {
		size_t n = out->len < 1000 ? out->len : 1000;

		buf_append(&x->sent, out->data, n);
		buf_consume(out, n);
		if (out->len == 0)
			smtp_client_engine.drained(x->c, 1);
	}
	return buf_cstr(&x->sent);
}

static void
say(struct session *x, const char *text)
{
	for (; *text != '\0'; text++)
		smtp_client_engine.input(x->c, (const uint8_t *)text, 1, 1);
}

static void
transaction(struct session *x, const char *content, size_t n_rcpts)
{
	static const char *const names[] = {"a@b", "c@d", "e@f", "g@h"};

	x->t = (struct smtp_transaction){.arena = x->arena,
	    .from = "joe@a",
	    .content = (const uint8_t *)content,
	    .content_n = strlen(content),
	    .recipients = x->rcpts,
	    .n_recipients = n_rcpts};
	for (size_t i = 0; i < n_rcpts; i++)
		x->rcpts[i] = (struct smtp_recipient){.mailbox = names[i]};
}

/* The outcomes as letters (A, T, P, ?) with their status codes. */
static const char *
outcomes(struct session *x)
{
	static char out[256];
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < x->t.n_recipients; i++)
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%c%s",
		    i > 0 ? " " : "", "?ATP"[x->rcpts[i].outcome],
		    x -> rcpts[i].status);
	return out;
}

#define EHLO_ALL                                                       \
	"220 mx.example ESMTP\r\n250-mx.example\r\n250-PIPELINING\r\n" \
	"250-SIZE 1000\r\n250-8bitmime\r\n250 DSN\r\n"
#define EHLO_NONE "220 mx.example ESMTP\r\n250 mx.example\r\n"

static void
session_ready(
    struct session *x, const struct smtp_client_params *p, const char *greeting)
{
	session_open(x, p);
	say(x, greeting);
	take(x);
	CU_ASSERT_EQUAL(x->ready, 1);
}

static void
the_hello_learns_what_the_server_offers(void)
{
	struct session x;

	session_open(&x, &smtp);
	say(&x, "220-mx.example ESMTP\r\n220 hi\r\n");
	CU_ASSERT_STRING_EQUAL(take(&x), "EHLO localhost\r\n");
	say(&x, "250-mx.example PIPELINING\r\n250-size 5\r\n250 DSN\r\n");
	CU_ASSERT_EQUAL(x.ready, 1);
	CU_ASSERT_STRING_EQUAL(smtp_client_remote(x.c), "mx.example");
	/* SIZE and DSN, and no pipelining */
	transaction(&x, "x", 1);
	x.t.ret = 'F';
	smtp_client_send(x.c, &x.t, 1);
	CU_ASSERT_STRING_EQUAL(
	    take(&x), "MAIL FROM:<joe@a> SIZE=1 RET=FULL\r\n");
	session_close(&x);
}

static void
helo_follows_a_refused_ehlo(void)
{
	struct session x;

	session_open(&x, &smtp);
	say(&x, "220 old.example\r\n500 what?\r\n");
	CU_ASSERT_STRING_EQUAL(
	    take(&x), "EHLO localhost\r\nHELO localhost\r\n");
	say(&x, "250 old.example\r\n");
	CU_ASSERT_EQUAL(x.ready, 1);
	transaction(&x, "x", 1);
	x.t.ret = 'F';
	smtp_client_send(x.c, &x.t, 1);
	CU_ASSERT_STRING_EQUAL(take(&x), "MAIL FROM:<joe@a>\r\n");
	session_close(&x);
}

static void
commands_go_in_one_group_when_pipelining_is_offered(void)
{
	struct session x;

	session_ready(&x, &smtp, EHLO_ALL);
	transaction(&x, "x: y\r\n", 2);
	x.t.envid = "e+1";
	x.t.ret = 'H';
	x.t.has_8bit = true;
	x.rcpts[0].notify = MHS_NOTIFY_SUCCESS | MHS_NOTIFY_DELAY;
	x.rcpts[0].orcpt = "rfc822;a=b@c";
	x.rcpts[1].orcpt = "bad type;a";
	smtp_client_send(x.c, &x.t, 1);
	CU_ASSERT_STRING_EQUAL(take(&x),
	    "MAIL FROM:<joe@a> SIZE=6 BODY=8BITMIME RET=HDRS ENVID=e+2B1\r\n"
	    "RCPT TO:<a@b> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+3Db@c\r\n"
	    "RCPT TO:<c@d>\r\nDATA\r\n");
	say(&x, "250 ok\r\n250 ok\r\n550 5.1.1 no\r\n354 go\r\n");
	CU_ASSERT_STRING_EQUAL(take(&x), "x: y\r\n.\r\n");
	CU_ASSERT_EQUAL(x.done, 0);
	say(&x, "250 2.0.0 thanks\r\n");
	CU_ASSERT_EQUAL(x.done, 1);
	CU_ASSERT_EQUAL(x.ready, 2);
	CU_ASSERT_STRING_EQUAL(outcomes(&x), "A2.0.0 P5.1.1");
	CU_ASSERT_STRING_EQUAL(x.rcpts[1].text, "550 5.1.1 no");
	CU_ASSERT(x.t.dsn_offered && !x.t.peer_error);
	session_close(&x);
}

static void
without_pipelining_each_command_waits(void)
{
	struct session x;

	session_ready(&x, &smtp, EHLO_NONE);
	transaction(&x, "x", 2);
	x.t.envid = "e";
	x.rcpts[0].notify = MHS_NOTIFY_NEVER;
	smtp_client_send(x.c, &x.t, 1);
	CU_ASSERT_STRING_EQUAL(take(&x), "MAIL FROM:<joe@a>\r\n");
	say(&x, "250 ok\r\n");
	CU_ASSERT_STRING_EQUAL(take(&x), "RCPT TO:<a@b>\r\n");
	say(&x, "450 later\r\n");
	CU_ASSERT_STRING_EQUAL(take(&x), "RCPT TO:<c@d>\r\n");
	say(&x, "250 ok\r\n");
	CU_ASSERT_STRING_EQUAL(take(&x), "DATA\r\n");
	say(&x, "354 ok\r\n");
	CU_ASSERT_STRING_EQUAL(take(&x), "x\r\n.\r\n");
	say(&x, "250 ok\r\n");
	CU_ASSERT_STRING_EQUAL(outcomes(&x), "T4.2.0 A2.0.0");
	CU_ASSERT(!x.t.dsn_offered);
	session_close(&x);
}

static void
each_reply_has_its_meaning(void)
{
	static const struct {
		const char *replies, *outcomes, *then;
		bool peer_error;
	} rows[] = {
	    {"550 5.7.1 no\r\n503 x\r\n503 x\r\n503 x\r\n", "P5.7.1 P5.7.1",
		"RSET\r\n", false},
	    {"451 x\r\n503 x\r\n503 x\r\n554 x\r\n", "T4.0.0 T4.0.0",
		"RSET\r\n", false},
	    {"452 4.3.1 full\r\n503 x\r\n503 x\r\n554 x\r\n", "T4.3.1 T4.3.1",
		"RSET\r\n", true},
	    {"552 big\r\n503 x\r\n503 x\r\n503 x\r\n", "P5.3.4 P5.3.4",
		"RSET\r\n", false},
	    {"250 x\r\n550 x\r\n450 x\r\n554 x\r\n", "P5.1.1 T4.2.0",
		"RSET\r\n", false},
	    {"250 x\r\n250 x\r\n552 x\r\n354 x\r\n250 x\r\n", "A2.0.0 T4.5.3",
		"MAIL", false},
	    {"250 x\r\n552 x\r\n552 x\r\n503 x\r\n", "P5.2.2 P5.2.2",
		"RSET\r\n", false},
	    {"250 x\r\n250 x\r\n250 x\r\n554 5.7.0 no\r\n", "P5.7.0 P5.7.0",
		"RSET\r\n", false},
	    {"250 x\r\n250 x\r\n250 x\r\n354 x\r\n552 x\r\n", "P5.3.4 P5.3.4",
		"MAIL", false},
	    {"250 x\r\n250 x\r\n250 x\r\n354 x\r\n451 4.3.0 x\r\n",
		"T4.3.0 T4.3.0", "MAIL", false},
	    /* all refused, and yet 354: an empty message */
	    {"250 x\r\n550 x\r\n550 x\r\n354 x\r\n250 x\r\n", "P5.1.1 P5.1.1",
		"MAIL", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct session x;

		session_ready(&x, &smtp, EHLO_ALL);
		transaction(&x, "x\r\n", 2);
		smtp_client_send(x.c, &x.t, 1);
		take(&x);
		say(&x, rows[i].replies);
		take(&x);
		CU_ASSERT_EQUAL(x.done, 1);
		CU_ASSERT_STRING_EQUAL(outcomes(&x), rows[i].outcomes);
		CU_ASSERT_EQUAL(x.t.peer_error, rows[i].peer_error);
		CU_ASSERT_EQUAL(x.ready, 2);
		smtp_client_send(x.c, &x.t, 1);
		CU_ASSERT(
		    strncmp(take(&x), rows[i].then, strlen(rows[i].then)) == 0);
		session_close(&x);
	}
}

static void
whatever_breaks_the_session_defers_what_is_open(void)
{
	static const struct {
		const char *replies;
		const char *outcomes; /* NULL: no transaction was begun */
		bool peer_error;
	} rows[] = {
	    {"554 go away\r\n", NULL, false},
	    {"421 busy\r\n", NULL, false},
	    {"SSH-2.0\r\n", NULL, false},
	    {"220 x\r\n421 x\r\n", NULL, false},
	    {"220 x\r\n450 x\r\n", NULL, false},
	    {"220 x\r\n500 x\r\n500 x\r\n", NULL, false},
	    {EHLO_ALL "421 4.3.2 bye\r\n", "T4.3.2 T4.3.2", true},
	    {EHLO_ALL "rubbish\r\n", "T4.5.0 T4.5.0", true},
	    {EHLO_ALL "250 x\r\n421 x\r\n", "T4.3.2 T4.3.2", false},
	    {EHLO_ALL "250 x\r\n550 5.1.1 x\r\n421 x\r\n", "P5.1.1 T4.3.2",
		false},
	    /* 250 to DATA: what did it accept? */
	    {EHLO_ALL "250 x\r\n250 x\r\n250 x\r\n250 x\r\n", "T4.5.0 T4.5.0",
		false},
	    {EHLO_ALL "250 x\r\nrubbish\r\n", "T4.5.0 T4.5.0", false},
	    {EHLO_ALL "250 x\r\n250 x\r\n250 x\r\n354 x\r\n421 x\r\n",
		"T4.3.2 T4.3.2", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *replies = rows[i].replies;
		struct session x;

		session_open(&x, &smtp);
		if (rows[i].outcomes == NULL) {
			say(&x, replies);
			CU_ASSERT_EQUAL(x.ended, 1);
			CU_ASSERT(x.why[0] != '\0');
			CU_ASSERT_EQUAL(x.ready, 0);
			CU_ASSERT(smtp_client_engine.finished(x.c));
			session_close(&x);
			continue;
		}
		say(&x, EHLO_ALL);
		transaction(&x, "x\r\n", 2);
		smtp_client_send(x.c, &x.t, 1);
		take(&x);
		say(&x, replies + strlen(EHLO_ALL));
		CU_ASSERT_STRING_EQUAL(outcomes(&x), rows[i].outcomes);
		CU_ASSERT_EQUAL(x.done, 1);
		CU_ASSERT_EQUAL(x.ended, 1);
		CU_ASSERT_EQUAL(x.t.peer_error, rows[i].peer_error);
		session_close(&x);
	}
}

static void
content_is_stuffed_and_its_line_ends_made_right(void)
{
	static const struct {
		const char *content, *sent;
	} rows[] = {
	    {"", ".\r\n"},
	    {"a", "a\r\n.\r\n"},
	    {"a\r\n", "a\r\n.\r\n"},
	    {".", "..\r\n.\r\n"},
	    {".a\r\n.\r\n..\r\nb.\r\n", "..a\r\n..\r\n...\r\nb.\r\n.\r\n"},
	    {"a\n.\nb", "a\r\n..\r\nb\r\n.\r\n"},
	    {"a\r.\rb", "a\r\n..\r\nb\r\n.\r\n"},
	    {"a\r\r\n.\r\n", "a\r\n\r\n..\r\n.\r\n"},
	    {"a\r", "a\r\n.\r\n"},
	    {"\n\n", "\r\n\r\n.\r\n"},
	    {"\r\n.\r", "\r\n..\r\n.\r\n"},
	    {"a\r\nb\nc\r\n", "a\r\nb\r\nc\r\n.\r\n"},
	    {"a\r\n\n.x", "a\r\n\r\n..x\r\n.\r\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct session x;

		session_ready(&x, &smtp, EHLO_ALL);
		transaction(&x, rows[i].content, 1);
		smtp_client_send(x.c, &x.t, 1);
		take(&x);
		say(&x, "250 x\r\n250 x\r\n354 x\r\n");
		CU_ASSERT_STRING_EQUAL(take(&x), rows[i].sent);
		session_close(&x);
	}
}

static void
what_the_server_cannot_take_is_not_sent(void)
{
	char big[1100];
	struct session x;

	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	session_ready(&x, &smtp, EHLO_ALL);
	transaction(&x, big, 1);
	smtp_client_send(x.c, &x.t, 1);
	CU_ASSERT_STRING_EQUAL(outcomes(&x), "P5.3.4");
	CU_ASSERT_STRING_EQUAL(take(&x), "");
	CU_ASSERT_EQUAL(x.ready, 2);
	session_close(&x);
	session_ready(&x, &smtp, EHLO_NONE);
	transaction(&x, "\xc3\xa9", 1);
	x.t.has_8bit = true;
	smtp_client_send(x.c, &x.t, 1);
	CU_ASSERT_STRING_EQUAL(outcomes(&x), "P5.6.9");
	session_close(&x);
}

static void
each_state_has_the_timeout_of_the_standard(void)
{
	static const struct {
		const char *replies;
		msec_t ms;
	} rows[] = {{"", 300000}, {"250 x\r\n", 300000},
	    {"250 x\r\n250 x\r\n", 120000},
	    {"250 x\r\n250 x\r\n354 x\r\n", 600000}};
	struct session x;

	session_open(&x, &smtp);
	CU_ASSERT_EQUAL(smtp_client_engine.deadline(x.c), 300000);
	smtp_client_engine.timeout(x.c, 300000);
	CU_ASSERT_EQUAL(x.ended, 1);
	session_close(&x);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		session_ready(&x, &smtp, EHLO_ALL);
		transaction(&x, "x", 1);
		smtp_client_send(x.c, &x.t, 1);
		take(&x);
		say(&x, rows[i].replies);
		CU_ASSERT_EQUAL(
		    smtp_client_engine.deadline(x.c), 1 + rows[i].ms);
		smtp_client_engine.timeout(x.c, rows[i].ms);
		CU_ASSERT_EQUAL(x.ended, 0);
		smtp_client_engine.timeout(x.c, 1 + rows[i].ms);
		CU_ASSERT_STRING_EQUAL(outcomes(&x), "T4.4.2");
		CU_ASSERT_EQUAL(x.t.peer_error, i == 0);
		session_close(&x);
	}
	/* idle: QUIT, and no error */
	session_ready(&x, &smtp, EHLO_ALL);
	smtp_client_engine.timeout(x.c, 1 + smtp.idle_timeout);
	CU_ASSERT_STRING_EQUAL(take(&x), "QUIT\r\n");
	say(&x, "221 bye\r\n");
	CU_ASSERT_EQUAL(x.ended, 1);
	CU_ASSERT_STRING_EQUAL(x.why, "");
	session_close(&x);
}

static void
a_block_of_data_has_its_own_timeout(void)
{
	size_t n = 1 << 20;
	char *big = xmalloc(n + 1);
	struct session x;

	memset(big, 'x', n);
	big[n] = '\0';
	session_ready(&x, &smtp, EHLO_NONE);
	transaction(&x, big, 1);
	smtp_client_send(x.c, &x.t, 1);
	say(&x, "250 x\r\n250 x\r\n354 x\r\n");
	CU_ASSERT(smtp_client_engine.output(x.c)->len < 100000);
	CU_ASSERT_EQUAL(smtp_client_engine.deadline(x.c), 1 + 180000);
	/* an early answer ends the session; 2xx is not believed */
	say(&x, "250 fine\r\n");
	CU_ASSERT_STRING_EQUAL(outcomes(&x), "T4.5.0");
	CU_ASSERT_EQUAL(x.ended, 1);
	session_close(&x);
	free(big);
}

static void
a_break_after_mail_was_answered_is_the_messages(void)
{
	static const struct {
		const char *replies, *outcomes;
		bool peer_error;
	} rows[] = {
	    {"", "T4.4.2", true},
	    {"250 x\r\n", "T4.4.2", false},
	    {"250 x\r\n250 x\r\n", "T4.4.2", false},
	    {"250 x\r\n250 x\r\n354 x\r\n", "T4.4.2", false},
	    /* the reply to the content comes early, and decides */
	    {"250 x\r\n250 x\r\n354 x\r\n552 5.3.4 big\r\n", "P5.3.4", false},
	    {"250 x\r\n250 x\r\n354 x\r\n451 4.7.1 x\r\n", "T4.7.1", false},
	};
	size_t n = 1 << 20;
	char *big = xmalloc(n + 1);

	memset(big, 'x', n);
	big[n] = '\0';
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct session x;

		session_ready(&x, &smtp, EHLO_NONE);
		transaction(&x, big, 1);
		smtp_client_send(x.c, &x.t, 1);
		say(&x, rows[i].replies);
		smtp_client_engine.closed(x.c, NULL, 1);
		CU_ASSERT_STRING_EQUAL(outcomes(&x), rows[i].outcomes);
		CU_ASSERT_EQUAL(x.t.peer_error, rows[i].peer_error);
		CU_ASSERT_EQUAL(x.done, 1);
		CU_ASSERT_EQUAL(x.ended, 1);
		session_close(&x);
	}
	/* nor has the answer to RSET anything to do with the next one */
	{
		struct session x;

		session_ready(&x, &smtp, EHLO_NONE);
		transaction(&x, "x", 1);
		smtp_client_send(x.c, &x.t, 1);
		say(&x, "550 x\r\n");
		smtp_client_send(x.c, &x.t, 1);
		say(&x, "250 x\r\n");
		smtp_client_engine.closed(x.c, NULL, 1);
		CU_ASSERT(x.t.peer_error);
		session_close(&x);
	}
	free(big);
}

static void
lmtp_has_a_result_for_each_recipient(void)
{
	struct smtp_client_params p = smtp;
	struct session x;

	p.lmtp = true;
	session_open(&x, &p);
	say(&x, "220 x\r\n");
	CU_ASSERT_STRING_EQUAL(take(&x), "LHLO localhost\r\n");
	say(&x, "250-x\r\n250 PIPELINING\r\n");
	transaction(&x, "x", 4);
	smtp_client_send(x.c, &x.t, 1);
	say(&x,
	    "250 x\r\n250 x\r\n550 x\r\n250 x\r\n250 x\r\n354 x\r\n"
	    "250 2.1.5 a\r\n452-4.2.2 b\r\n452 4.2.2 c\r\n");
	CU_ASSERT_EQUAL(x.done, 0);
	say(&x, "554 d\r\n");
	CU_ASSERT_EQUAL(x.done, 1);
	CU_ASSERT_STRING_EQUAL(outcomes(&x), "A2.1.5 P5.1.1 T4.2.2 P5.0.0");
	CU_ASSERT_STRING_EQUAL(x.rcpts[2].text, "452 4.2.2 b c");
	/* lost between two final replies: what was said stands */
	x.ready = 0;
	transaction(&x, "x", 2);
	smtp_client_send(x.c, &x.t, 1);
	say(&x, "250 x\r\n250 x\r\n250 x\r\n354 x\r\n250 ok\r\n");
	smtp_client_engine.closed(x.c, NULL, 1);
	CU_ASSERT_STRING_EQUAL(outcomes(&x), "A2.0.0 T4.4.2");
	CU_ASSERT(!x.t.unanswered);
	session_close(&x);
}

static void
a_session_that_was_dead_is_told_from_one_that_refused(void)
{
	struct session x;

	session_ready(&x, &smtp, EHLO_ALL);
	transaction(&x, "x", 1);
	smtp_client_send(x.c, &x.t, 1);
	smtp_client_engine.closed(x.c, NULL, 1);
	CU_ASSERT(x.t.unanswered);
	CU_ASSERT_STRING_EQUAL(outcomes(&x), "T4.4.2");
	session_close(&x);
}

static void
quit_waits_for_what_is_under_way(void)
{
	struct session x;

	session_ready(&x, &smtp, EHLO_ALL);
	transaction(&x, "x", 1);
	smtp_client_send(x.c, &x.t, 1);
	smtp_client_quit(x.c, 1);
	CU_ASSERT(strstr(take(&x), "QUIT") == NULL);
	say(&x, "250 x\r\n250 x\r\n354 x\r\n250 x\r\n");
	CU_ASSERT(strstr(take(&x), "QUIT\r\n") != NULL);
	CU_ASSERT_EQUAL(x.ready, 1);
	CU_ASSERT_STRING_EQUAL(outcomes(&x), "A2.0.0");
	smtp_client_engine.closed(x.c, NULL, 1);
	CU_ASSERT_EQUAL(x.ended, 1);
	CU_ASSERT_STRING_EQUAL(x.why, "");
	session_close(&x);
}

/* --- both engines against each other --- */

struct sink {
	struct smtp_server *s;
	struct buf content;
};

static bool
sink_mail(void *arg, const struct smtp_server_mail *m, struct smtp_reply *r)
{
	(void)arg;
	(void)m;
	(void)r;
	return true;
}

static bool
sink_rcpt(void *arg, const struct smtp_server_rcpt *m, struct smtp_reply *r)
{
	(void)arg;
	(void)m;
	(void)r;
	return true;
}

static bool
sink_begin(void *arg, struct smtp_reply *r)
{
	(void)r;
	buf_clear(&((struct sink *)arg)->content);
	return true;
}

static void
sink_data(void *arg, const uint8_t *p, size_t n)
{
	buf_append(&((struct sink *)arg)->content, p, n);
}

static void
sink_end(void *arg)
{
	static const struct smtp_reply ok = {250, "2.0.0", "Ok"};

	smtp_server_data_reply_all(((struct sink *)arg)->s, &ok, 1);
}

static void
sink_reset(void *arg)
{
	(void)arg;
}

static bool
move(struct buf *from, const struct engine_ops *to, void *engine, size_t step)
{
	size_t n = from->len < step ? from->len : step;

	if (n == 0)
		return false;
	to->input(engine, from->data, n, 1);
	buf_consume(from, n);
	return true;
}

static void
pump(struct session *x, struct sink *k, size_t step)
{
	bool more = true;

	while (more) {
		struct buf *out = smtp_client_engine.output(x->c);

		more = move(out, &smtp_server_engine, k->s, step);
		if (out->len == 0)
			smtp_client_engine.drained(x->c, 1);
		if (out->len > 0)
			more = true;
		while (move(smtp_server_engine.output(k->s),
		    &smtp_client_engine, x->c, step))
			more = true;
	}
}

/* Lines of all kinds: with dots, empty, long; about n octets. */
static char *
make_content(size_t n)
{
	struct buf b = {0};

	buf_puts(&b, "Subject: x\r\n\r\n");
	for (unsigned i = 0; b.len < n; i++) {
		for (unsigned j = 0; j < i % 97; j++)
			buf_putc(&b, (i + j) % 11 == 0 ? '.' : 'a' + j % 26);
		buf_puts(&b, "\r\n");
	}
	return buf_cstr(&b);
}

static void
both_engines_carry_any_content(bool lmtp)
{
	static const struct smtp_server_ops sink_ops = {.mail = sink_mail,
	    .rcpt = sink_rcpt,
	    .data_begin = sink_begin,
	    .data = sink_data,
	    .data_end = sink_end,
	    .reset = sink_reset};
	static const size_t steps[] = {1, 7, 1000, 65536};
	char *content = make_content(200000);
	struct smtp_server_params sp = SMTP_SERVER_PARAMS_DEFAULT;
	struct smtp_client_params cp = smtp;

	sp.lmtp = cp.lmtp = lmtp;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct sink k = {0};
		struct session x;

		session_open(&x, &cp);
		k.s = smtp_server_new(&sp, &sink_ops, &k, 0);
		for (unsigned round = 1; round < 4; round++) {
			pump(&x, &k, steps[i]);
			CU_ASSERT_EQUAL(x.ready, round);
			transaction(&x, content, 3);
			smtp_client_send(x.c, &x.t, 1);
			pump(&x, &k, steps[i]);
			CU_ASSERT_STRING_EQUAL(
			    outcomes(&x), "A2.0.0 A2.0.0 A2.0.0");
			CU_ASSERT_EQUAL(k.content.len, strlen(content));
			CU_ASSERT(memcmp(k.content.data, content,
				      k.content.len) == 0);
		}
		smtp_client_quit(x.c, 1);
		pump(&x, &k, steps[i]);
		CU_ASSERT_EQUAL(x.ended, 1);
		CU_ASSERT(smtp_server_engine.finished(k.s));
		smtp_server_free(&k.s);
		buf_free(&k.content);
		session_close(&x);
	}
	free(content);
}

static void
smtp_carries_any_content_to_our_own_server(void)
{
	both_engines_carry_any_content(false);
}

static void
lmtp_carries_any_content_to_our_own_server(void)
{
	both_engines_carry_any_content(true);
}

void
suite_smtp_client(void)
{
	static CU_TestInfo tests[] = {
	    TEST(the_hello_learns_what_the_server_offers),
	    TEST(helo_follows_a_refused_ehlo),
	    TEST(commands_go_in_one_group_when_pipelining_is_offered),
	    TEST(without_pipelining_each_command_waits),
	    TEST(each_reply_has_its_meaning),
	    TEST(whatever_breaks_the_session_defers_what_is_open),
	    TEST(content_is_stuffed_and_its_line_ends_made_right),
	    TEST(what_the_server_cannot_take_is_not_sent),
	    TEST(each_state_has_the_timeout_of_the_standard),
	    TEST(a_block_of_data_has_its_own_timeout),
	    TEST(a_break_after_mail_was_answered_is_the_messages),
	    TEST(lmtp_has_a_result_for_each_recipient),
	    TEST(a_session_that_was_dead_is_told_from_one_that_refused),
	    TEST(quit_waits_for_what_is_under_way),
	    TEST(smtp_carries_any_content_to_our_own_server),
	    TEST(lmtp_carries_any_content_to_our_own_server),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("smtp_client", tests);
}
