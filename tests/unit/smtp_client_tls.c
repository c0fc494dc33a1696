/* STARTTLS and AUTH as the client's engine speaks them. */
#include <stdio.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/base64.h"
#include "lib/tls.h"
#include "smtp/client.h"
#include "tests/unit/unit.h"

struct session {
	struct smtp_client *c;
	struct buf sent;
	bool tls; /* the handshake is done */
	unsigned started, ready, ended;
	char why[256];
};

static const struct smtp_client_params params = SMTP_CLIENT_PARAMS_DEFAULT;

static void
on_ready(void *arg)
{
	((struct session *)arg)->ready++;
}

static void
on_done(void *arg, struct smtp_transaction *t)
{
	(void)arg;
	(void)t;
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
start_tls(void *arg)
{
	struct session *x = arg;

	CU_ASSERT_EQUAL(smtp_client_engine.output(x->c)->len, 0);
	x->started++;
	x->tls = true;
}

static const struct tls_peer *
tls_peer(void *arg)
{
	static const struct tls_peer peer = {
	    .version = "TLSv1.3", .cipher = "x", .bits = 256};

	return ((struct session *)arg)->tls ? &peer : NULL;
}

#define SECURITY(how, ...)                                       \
	((struct smtp_client_security){.tls = SMTP_CLIENT_##how, \
	    .start_tls = start_tls,                              \
	    .tls_peer = tls_peer,                                \
	    .host = "mx.example",                                \
	    __VA_ARGS__})
#define AUTH .auth = true, .user = "alice", .password = "pencil"

static void
begin(struct session *x, const struct smtp_client_security *s)
{
	*x = (struct session){0};
	x->c = smtp_client_new(&params, &ops, x, 0);
	smtp_client_secure(x->c, s);
}

static void
end(struct session *x)
{
	smtp_client_free(&x->c);
	buf_free(&x->sent);
}

static const char *
take(struct session *x)
{
	struct buf *out = smtp_client_engine.output(x->c);

	buf_clear(&x->sent);
	buf_append(&x->sent, out->data, out->len);
	buf_clear(out);
	return buf_cstr(&x->sent);
}

/* One octet at a time, and what was written meanwhile. */
static const char *
say(struct session *x, const char *text)
{
	for (; *text != '\0'; text++)
		smtp_client_engine.input(x->c, (const uint8_t *)text, 1, 1);
	return take(x);
}

static void
say_at_once(struct session *x, const char *text)
{
	smtp_client_engine.input(x->c, (const uint8_t *)text, strlen(text), 1);
}

#define HELLO "EHLO localhost\r\n"
#define OFFER "250-mx.example\r\n250-STARTTLS\r\n250 SIZE 5\r\n"
#define NO_OFFER "250-mx.example\r\n250 DSN\r\n"

static void
begin_offered(struct session *x, const struct smtp_client_security *s)
{
	begin(x, s);
	CU_ASSERT_STRING_EQUAL(say(x, "220 mx.example\r\n"), HELLO);
	CU_ASSERT_STRING_EQUAL(say(x, OFFER), "STARTTLS\r\n");
	CU_ASSERT_EQUAL(x->ready, 0);
}

static void
what_was_said_before_tls_is_forgotten(void)
{
	struct smtp_client_security s = SECURITY(TLS);
	struct smtp_recipient r = {.mailbox = "a@b"};
	struct smtp_transaction t = {.from = "",
	    .content = (const uint8_t *)"123456",
	    .content_n = 6,
	    .recipients = &r,
	    .n_recipients = 1};
	struct session x;

	begin_offered(&x, &s);
	CU_ASSERT_STRING_EQUAL(say(&x, "220 go on\r\n"), HELLO);
	CU_ASSERT_EQUAL(x.started, 1);
	/* SIZE 5 was offered to whoever listened */
	CU_ASSERT_STRING_EQUAL(say(&x, "250 mx.example\r\n"), "");
	CU_ASSERT_EQUAL(x.ready, 1);
	t.arena = arena_new();
	smtp_client_send(x.c, &t, 1);
	CU_ASSERT_STRING_EQUAL(take(&x), "MAIL FROM:<>\r\n");
	arena_free(&t.arena);
	end(&x);
}

static void
starttls_that_is_offered_again_under_tls_is_not_asked_for(void)
{
	struct smtp_client_security s = SECURITY(TLS_MUST);
	struct session x;

	begin_offered(&x, &s);
	say(&x, "220 go on\r\n");
	CU_ASSERT_STRING_EQUAL(say(&x, OFFER), "");
	CU_ASSERT_EQUAL(x.ready, 1);
	end(&x);
}

static void
octets_behind_the_answer_to_starttls_end_the_session(void)
{
	struct smtp_client_security s = SECURITY(TLS);
	struct session x;

	begin_offered(&x, &s);
	say_at_once(&x, "220 go on\r\n250 mx.example\r\n");
	CU_ASSERT_EQUAL(x.ended, 1);
	CU_ASSERT_EQUAL(x.started, 0);
	CU_ASSERT_EQUAL(x.ready, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(x.why, "more than its answer"));
	end(&x);
}

/* What becomes of the session, as letters: s(tarted), r(eady), e(nded). */
static void
tls_is_as_the_policy_has_it(void)
{
	static const struct {
		enum smtp_client_tls tls;
		const char *offer, *answer; /* NULL: STARTTLS is not sent */
		const char *becomes, *status;
		bool starttls;
	} rows[] = {
	    {SMTP_CLIENT_PLAIN, OFFER, NULL, "r", NULL, false},
	    {SMTP_CLIENT_PLAIN, NO_OFFER, NULL, "r", NULL, false},
	    {SMTP_CLIENT_TLS, NO_OFFER, NULL, "r", NULL, false},
	    {SMTP_CLIENT_TLS, OFFER, "454 not now\r\n", "r", NULL, false},
	    {SMTP_CLIENT_TLS, OFFER, "502 what?\r\n", "r", NULL, false},
	    {SMTP_CLIENT_TLS, OFFER, "220 go on\r\n", "s", NULL, false},
	    {SMTP_CLIENT_TLS, OFFER, "421 bye\r\n", "e", "4.3.2", false},
	    {SMTP_CLIENT_TLS_MUST, NO_OFFER, NULL, "e", "4.7.4", false},
	    {SMTP_CLIENT_TLS_MUST, OFFER, "454 not now\r\n", "e", "4.7.4",
		true},
	    {SMTP_CLIENT_TLS_MUST, OFFER, "501 what?\r\n", "e", "4.7.4", true},
	    {SMTP_CLIENT_TLS_MUST, OFFER, "220 go on\r\n", "s", NULL, false},
	    {SMTP_CLIENT_TLS_MUST, "500 what?\r\n250 mx.example\r\n", NULL, "e",
		"4.7.4", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct smtp_client_security s = SECURITY(PLAIN);
		struct session x;
		char is[4] = "";

		s.tls = rows[i].tls;
		begin(&x, &s);
		say(&x, "220 mx.example\r\n");
		CU_ASSERT_EQUAL(
		    strcmp(say(&x, rows[i].offer), "STARTTLS\r\n") == 0,
		    rows[i].answer != NULL);
		if (rows[i].answer != NULL)
			say(&x, rows[i].answer);
		snprintf(is, sizeof(is), "%s%s%s", x.started ? "s" : "",
		    x.ready ? "r" : "", x.ended ? "e" : "");
		CU_ASSERT_STRING_EQUAL(is, rows[i].becomes);
		if (rows[i].status != NULL)
			CU_ASSERT_STRING_EQUAL(
			    smtp_client_failure(x.c).status, rows[i].status);
		CU_ASSERT_EQUAL(
		    smtp_client_failure(x.c).starttls, rows[i].starttls);
		end(&x);
	}
}

static void
a_broken_handshake_is_told_from_a_broken_session(void)
{
	struct smtp_client_security s = SECURITY(TLS);
	struct err e = ERR_INIT;
	struct session x;

	err_set(&e, "tls", ERR_PROTOCOL, "handshake: no");
	begin_offered(&x, &s);
	say(&x, "220 go on\r\n");
	smtp_client_engine.closed(x.c, &e, 1);
	CU_ASSERT_TRUE(smtp_client_failure(x.c).starttls);
	CU_ASSERT_STRING_EQUAL(smtp_client_failure(x.c).status, "4.7.5");
	CU_ASSERT_STRING_EQUAL(x.why, "handshake: no");
	end(&x);

	/* the server hung up when it was asked */
	begin_offered(&x, &s);
	smtp_client_engine.closed(x.c, NULL, 1);
	CU_ASSERT_TRUE(smtp_client_failure(x.c).starttls);
	end(&x);

	/* under TLS: an ordinary end */
	begin_offered(&x, &s);
	say(&x, "220 go on\r\n");
	say(&x, "250-mx.example\r\n");
	say(&x, "250 SIZE\r\n");
	smtp_client_engine.closed(x.c, &e, 1);
	CU_ASSERT_FALSE(smtp_client_failure(x.c).starttls);
	end(&x);
}

/* --- AUTH --- */

#define AUTH_OFFER(list) "250-mx.example\r\n250 AUTH " list "\r\n"

static void
begin_auth(struct session *x, const struct smtp_client_security *s)
{
	begin_offered(x, s);
	CU_ASSERT_STRING_EQUAL(say(x, "220 go on\r\n"), HELLO);
}

static void
auth_goes_under_tls_before_anything_else(void)
{
	struct smtp_client_security s = SECURITY(TLS_MUST, AUTH);
	struct session x;

	begin_auth(&x, &s);
	/* NUL alice NUL pencil */
	CU_ASSERT_STRING_EQUAL(say(&x, AUTH_OFFER("PLAIN")),
	    "AUTH PLAIN AGFsaWNlAHBlbmNpbA==\r\n");
	CU_ASSERT_EQUAL(x.ready, 0);
	CU_ASSERT_STRING_EQUAL(say(&x, "235 2.7.0 yes\r\n"), "");
	CU_ASSERT_EQUAL(x.ready, 1);
	end(&x);
}

static void
login_answers_what_it_is_asked(void)
{
	struct smtp_client_security s = SECURITY(TLS_MUST, AUTH);
	struct session x;

	begin_auth(&x, &s);
	CU_ASSERT_STRING_EQUAL(say(&x, AUTH_OFFER("LOGIN")), "AUTH LOGIN\r\n");
	CU_ASSERT_STRING_EQUAL(say(&x, "334 VXNlcm5hbWU6\r\n"), "YWxpY2U=\r\n");
	CU_ASSERT_STRING_EQUAL(say(&x, "334 UGFzc3dvcmQ6\r\n"), "cGVuY2ls\r\n");
	say(&x, "235 2.7.0 yes\r\n");
	CU_ASSERT_EQUAL(x.ready, 1);
	end(&x);
}

static void
only_the_mechanisms_that_we_allow_are_used(void)
{
	struct smtp_client_security s =
	    SECURITY(TLS_MUST, AUTH, .mechanisms = "LOGIN CRAM-MD5");
	struct session x;

	begin_auth(&x, &s);
	CU_ASSERT_STRING_EQUAL(
	    say(&x, AUTH_OFFER("PLAIN login X")), "AUTH LOGIN\r\n");
	end(&x);

	s.mechanisms = "SCRAM-SHA-256";
	begin_auth(&x, &s);
	say(&x, AUTH_OFFER("PLAIN LOGIN"));
	CU_ASSERT_EQUAL(x.ended, 1);
	CU_ASSERT_STRING_EQUAL(
	    x.why, "authentication: the server offers no mechanism of ours");
	end(&x);
}

static void
nothing_is_proved_without_tls_unless_that_is_allowed(void)
{
	struct smtp_client_security s = SECURITY(TLS, AUTH);
	struct session x;

	begin(&x, &s);
	say(&x, "220 mx.example\r\n");
	CU_ASSERT_STRING_EQUAL(say(&x, AUTH_OFFER("PLAIN SCRAM-SHA-1")), "");
	CU_ASSERT_EQUAL(x.ended, 1);
	CU_ASSERT_STRING_EQUAL(smtp_client_failure(x.c).status, "4.7.10");
	end(&x);

	s.plaintext = true;
	begin(&x, &s);
	say(&x, "220 mx.example\r\n");
	CU_ASSERT_STRING_EQUAL(say(&x, AUTH_OFFER("PLAIN")),
	    "AUTH PLAIN AGFsaWNlAHBlbmNpbA==\r\n");
	end(&x);
}

static void
a_long_initial_response_waits_for_the_challenge(void)
{
	char password[501], text[BASE64_TEXT(600)];
	struct smtp_client_security s =
	    SECURITY(TLS_MUST, .auth = true, .user = "alice");
	struct session x;
	size_t n;

	memset(password, 'p', sizeof(password) - 1);
	password[sizeof(password) - 1] = '\0';
	s.password = password;
	begin_auth(&x, &s);
	CU_ASSERT_STRING_EQUAL(say(&x, AUTH_OFFER("PLAIN")), "AUTH PLAIN\r\n");
	snprintf(text, sizeof(text), "%s", say(&x, "334 \r\n"));
	n = strlen(text);
	CU_ASSERT_EQUAL(n, BASE64_TEXT(507) - 1 + 2);
	CU_ASSERT_EQUAL(strncmp(text, "AGFsaWNlAHBw", 12), 0);
	end(&x);
}

/* 235 in the middle of SCRAM: the server has not shown that it knows. */
static void
a_server_that_proves_nothing_is_not_believed(void)
{
	struct smtp_client_security s = SECURITY(TLS_MUST, AUTH);
	struct session x;

	begin_auth(&x, &s);
	CU_ASSERT_EQUAL(strncmp(say(&x, AUTH_OFFER("SCRAM-SHA-256")),
			    "AUTH SCRAM-SHA-256 ", 19),
	    0);
	say(&x, "235 2.7.0 yes\r\n");
	CU_ASSERT_EQUAL(x.ready, 0);
	CU_ASSERT_EQUAL(x.ended, 1);
	end(&x);
}

static void
each_refusal_ends_the_session(void)
{
	static const struct {
		const char *reply, *status;
	} rows[] = {
	    {"535 5.7.8 no\r\n", "4.7.8"}, {"534 5.7.9 weak\r\n", "4.7.0"},
	    {"454 4.7.0 later\r\n", "4.7.0"}, {"421 bye\r\n", "4.3.2"},
	    {"334 ***\r\n", "4.5.0"},
	    {"334 AAAA\r\n", "4.7.0"}, /* PLAIN asks nothing more */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct smtp_client_security s = SECURITY(TLS_MUST, AUTH);
		struct session x;

		begin_auth(&x, &s);
		say(&x, AUTH_OFFER("PLAIN"));
		say(&x, rows[i].reply);
		CU_ASSERT_EQUAL(x.ready, 0);
		CU_ASSERT_EQUAL(x.ended, 1);
		CU_ASSERT_STRING_EQUAL(
		    smtp_client_failure(x.c).status, rows[i].status);
		if (strcmp(smtp_client_failure(x.c).status, rows[i].status))
			printf("[%s]", rows[i].reply);
		end(&x);
	}
}

static void
a_long_list_of_mechanisms_is_cut(void)
{
	struct smtp_client_security s = SECURITY(TLS_MUST, AUTH);
	struct session x;
	char line[64];

	begin_auth(&x, &s);
	for (int i = 0; i < 100; i++) {
		snprintf(line, sizeof(line), "250-AUTH MECHANISM-%03d\r\n", i);
		say(&x, line);
	}
	say(&x, "250 AUTH SCRAM-SHA-256\r\n");
	CU_ASSERT_EQUAL(x.ended, 1);
	end(&x);
}

void
suite_smtp_client_tls(void)
{
	static CU_TestInfo tests[] = {
	    TEST(what_was_said_before_tls_is_forgotten),
	    TEST(starttls_that_is_offered_again_under_tls_is_not_asked_for),
	    TEST(octets_behind_the_answer_to_starttls_end_the_session),
	    TEST(tls_is_as_the_policy_has_it),
	    TEST(a_broken_handshake_is_told_from_a_broken_session),
	    TEST(auth_goes_under_tls_before_anything_else),
	    TEST(login_answers_what_it_is_asked),
	    TEST(only_the_mechanisms_that_we_allow_are_used),
	    TEST(nothing_is_proved_without_tls_unless_that_is_allowed),
	    TEST(a_long_initial_response_waits_for_the_challenge),
	    TEST(a_server_that_proves_nothing_is_not_believed),
	    TEST(each_refusal_ends_the_session),
	    TEST(a_long_list_of_mechanisms_is_cut),
	    CU_TEST_INFO_NULL,
	};

	unit_suite("smtp/client_tls", tests);
}
