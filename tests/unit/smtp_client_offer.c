/* What the client makes of a server's offer: BDAT, downgrade, parameters. */
#include <stdio.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/tls.h"
#include "mhs/envelope.h"
#include "smtp/channel.h"
#include "smtp/client.h"
#include "tests/unit/unit.h"

struct session {
	struct smtp_client *c;
	struct arena *arena;
	struct smtp_transaction t;
	struct smtp_recipient rcpts[3];
	struct tls_peer tls;
	struct buf sent;
	unsigned done, ended;
};

static void
on_ready(void *arg)
{
	(void)arg;
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
	(void)why;
	((struct session *)arg)->ended++;
}

static const struct smtp_client_ops ops = {on_ready, on_done, on_ended};
static const struct smtp_client_params smtp = SMTP_CLIENT_PARAMS_DEFAULT;

static void
say(struct session *x, const char *text)
{
	for (; *text != '\0'; text++)
		smtp_client_engine.input(x->c, (const uint8_t *)text, 1, 1000);
}

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
			smtp_client_engine.drained(x->c, 1000);
	}
	return buf_cstr(&x->sent);
}

/* `offer`: keywords with blanks between; a number after "=". */
static void
start(struct session *x, const struct smtp_client_params *p, const char *offer)
{
	char line[64];

	*x = (struct session){0};
	x->arena = arena_new();
	x->c = smtp_client_new(p, &ops, x, 0);
	say(x, "220 mx.example\r\n");
	say(x, "250-mx.example\r\n");
	while (*offer != '\0') {
		size_t n = strcspn(offer, " ");

		snprintf(line, sizeof(line), "250-%.*s\r\n", (int)n, offer);
		for (char *e = line; *e != '\0'; e++)
			*e = *e == '=' ? ' ' : *e;
		say(x, line);
		offer += n + strspn(offer + n, " ");
	}
	say(x, "250 HELP\r\n");
	take(x);
	x->t = (struct smtp_transaction){.arena = x->arena,
	    .from = "joe@a",
	    .content = (const uint8_t *)"S: x\r\n\r\n.y\r\n",
	    .content_n = 13 - 1,
	    .recipients = x->rcpts,
	    .n_recipients = 1};
	for (size_t i = 0; i < 3; i++)
		x->rcpts[i].mailbox = "c@d";
}

static void
set_content(struct session *x, const char *text)
{
	x->t.content = (const uint8_t *)text;
	x->t.content_n = strlen(text);
	x->t.has_8bit = buf_has_8bit(x->t.content, x->t.content_n);
}

static const char *
send_it(struct session *x)
{
	smtp_client_send(x->c, &x->t, 1000);
	return take(x);
}

static const char *
outcomes(struct session *x)
{
	static char out[256];
	size_t n = 0;

	for (size_t i = 0; i < x->t.n_recipients; i++)
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%c%s",
		    i > 0 ? " " : "", "?ATP"[x->rcpts[i].outcome],
		    x -> rcpts[i].status != NULL ? x->rcpts[i].status : "");
	return out;
}

static void
stop(struct session *x)
{
	smtp_client_free(&x->c);
	arena_free(&x->arena);
	buf_free(&x->sent);
}

/* --- BDAT --- */

static void
a_small_message_goes_with_its_envelope(void)
{
	struct session x;

	start(&x, &smtp, "PIPELINING CHUNKING");
	CU_ASSERT_STRING_EQUAL(send_it(&x),
	    "MAIL FROM:<joe@a>\r\nRCPT TO:<c@d>\r\nBDAT 12 LAST\r\n"
	    "S: x\r\n\r\n.y\r\n");
	say(&x, "250 a\r\n250 b\r\n");
	CU_ASSERT_EQUAL(x.done, 0);
	say(&x, "250 2.6.0 c\r\n");
	CU_ASSERT_STRING_EQUAL(outcomes(&x), "A2.6.0");
	CU_ASSERT_EQUAL(x.done, 1);
	CU_ASSERT_TRUE(smtp_client_idle(x.c));
	stop(&x);
}

static void
refused_envelopes_have_their_bdat_refused_too(void)
{
	struct session x;

	start(&x, &smtp, "PIPELINING CHUNKING");
	send_it(&x);
	say(&x, "250 a\r\n550 5.1.1 b\r\n");
	CU_ASSERT_EQUAL(x.done, 0);
	say(&x, "503 5.5.1 c\r\n");
	CU_ASSERT_STRING_EQUAL(outcomes(&x), "P5.1.1");
	CU_ASSERT_EQUAL(x.done, 1);
	CU_ASSERT_EQUAL(strncmp(send_it(&x), "RSET\r\nMAIL", 10), 0);
	stop(&x);
}

static void
without_pipelining_each_chunk_waits(void)
{
	struct session x;
	char big[70001];

	memset(big, 'x', sizeof(big));
	for (size_t i = 99; i < sizeof(big); i += 100)
		memcpy(big + i - 1, "\r\n", 2);
	big[sizeof(big) - 1] = '\0';
	start(&x, &smtp, "CHUNKING");
	set_content(&x, big);
	CU_ASSERT_STRING_EQUAL(send_it(&x), "MAIL FROM:<joe@a>\r\n");
	say(&x, "250 a\r\n");
	CU_ASSERT_STRING_EQUAL(take(&x), "RCPT TO:<c@d>\r\n");
	say(&x, "250 b\r\n");
	CU_ASSERT_EQUAL(strncmp(take(&x), "BDAT ", 5), 0);
	CU_ASSERT_TRUE(x.sent.len > 65000 && x.sent.len < 70000);
	CU_ASSERT_STRING_EQUAL(take(&x), "");
	say(&x, "250 c\r\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(take(&x), " LAST\r\n"));
	say(&x, "250 d\r\n");
	CU_ASSERT_STRING_EQUAL(outcomes(&x), "A2.0.0");
	stop(&x);
}

static void
a_refused_chunk_ends_the_message(void)
{
	struct session x;
	char big[300001];

	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	start(&x, &smtp, "CHUNKING PIPELINING");
	set_content(&x, big);
	send_it(&x);
	say(&x, "250 a\r\n250 b\r\n");
	buf_clear(smtp_client_engine.output(x.c)); /* the first chunk */
	smtp_client_engine.drained(x.c, 1000);
	buf_clear(smtp_client_engine.output(x.c)); /* the second */
	say(&x, "552 5.3.4 too big\r\n");
	CU_ASSERT_EQUAL(x.done, 0);
	CU_ASSERT_STRING_EQUAL(take(&x), "");
	say(&x, "503 no\r\n");
	CU_ASSERT_STRING_EQUAL(outcomes(&x), "P5.3.4");
	CU_ASSERT_EQUAL(x.done, 1);
	CU_ASSERT_EQUAL(x.ended, 0);
	stop(&x);
}

/* RFC 2033 4.3 */
static void
lmtp_has_a_reply_to_the_last_chunk_for_each_recipient(void)
{
	struct smtp_client_params p = smtp;
	struct session x;

	p.lmtp = true;
	start(&x, &p, "PIPELINING CHUNKING");
	x.t.n_recipients = 3;
	CU_ASSERT_PTR_NULL(strstr(send_it(&x), "BDAT"));
	say(&x, "250 a\r\n250 b\r\n550 c\r\n250 d\r\n");
	CU_ASSERT_EQUAL(strncmp(take(&x), "BDAT 12 LAST\r\n", 14), 0);
	say(&x, "250 e\r\n452 4.2.2 f\r\n");
	CU_ASSERT_STRING_EQUAL(outcomes(&x), "A2.0.0 P5.1.1 T4.2.2");
	CU_ASSERT_EQUAL(x.done, 1);
	x.done = 0;
	send_it(&x);
	say(&x, "250 a\r\n550 b\r\n550 c\r\n550 d\r\n");
	CU_ASSERT_EQUAL(x.done, 1); /* and nothing was sent */
	stop(&x);
}

static void
binary_goes_by_bdat_or_as_base64(void)
{
	static const char text[] = "Content-Type: a/b\r\n"
				   "Content-Transfer-Encoding: binary\r\n\r\n"
				   "a\nb\rc";
	struct session x;

	start(&x, &smtp, "PIPELINING CHUNKING BINARYMIME SIZE");
	set_content(&x, text);
	x.t.binary = true;
	send_it(&x);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(buf_cstr(&x.sent), " BODY=BINARYMIME\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&x.sent), text));
	stop(&x);
	start(&x, &smtp, "PIPELINING CHUNKING 8BITMIME");
	set_content(&x, text);
	x.t.binary = true;
	send_it(&x);
	CU_ASSERT_PTR_NULL(strstr(buf_cstr(&x.sent), "BODY="));
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(buf_cstr(&x.sent), "\r\n\r\nYQpiDWM=\r\n"));
	stop(&x);
}

/* --- content --- */

static void
eight_bit_data_is_downgraded_and_its_size_is_told(void)
{
	struct session x;

	start(&x, &smtp, "PIPELINING SIZE");
	set_content(&x, "A: b\r\n\r\n.\xc3\xa9\r\n");
	send_it(&x);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&x.sent), " SIZE=122\r\n"));
	say(&x, "250 a\r\n250 b\r\n354 c\r\n");
	CU_ASSERT_STRING_EQUAL(take(&x),
	    "A: b\r\nMIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	    "..=C3=A9\r\n.\r\n");
	stop(&x);
}

static void
smtputf8_is_asked_for_where_it_came_with_the_message(void)
{
	struct session x;

	start(&x, &smtp, "PIPELINING 8BITMIME SMTPUTF8");
	set_content(&x, "Subject: \xc3\xa9\r\n\r\n");
	x.t.smtputf8 = true;
	CU_ASSERT_PTR_NOT_NULL(strstr(
	    send_it(&x), "MAIL FROM:<joe@a> BODY=8BITMIME SMTPUTF8\r\n"));
	stop(&x);
	start(&x, &smtp, "PIPELINING 8BITMIME");
	x.t.smtputf8 = true; /* but does not need it */
	CU_ASSERT_PTR_NOT_NULL(strstr(send_it(&x), "MAIL FROM:<joe@a>\r\n"));
	stop(&x);
	start(&x, &smtp, "PIPELINING 8BITMIME");
	set_content(&x, "Subject: \xc3\xa9\r\n\r\n");
	x.t.smtputf8 = true;
	CU_ASSERT_STRING_EQUAL(send_it(&x), "");
	CU_ASSERT_STRING_EQUAL(outcomes(&x), "P5.6.9");
	stop(&x);
	start(&x, &smtp, "PIPELINING 8BITMIME");
	x.t.n_recipients = 2;
	x.rcpts[0].mailbox = "\xc3\xa9@d";
	CU_ASSERT_PTR_NOT_NULL(strstr(send_it(&x), "RCPT TO:<c@d>\r\nDATA"));
	say(&x, "250 a\r\n250 b\r\n354 c\r\n");
	take(&x);
	say(&x, "250 d\r\n");
	CU_ASSERT_STRING_EQUAL(outcomes(&x), "P5.6.7 A2.0.0");
	stop(&x);
}

/* --- requests --- */

static void
parameters_go_to_servers_that_know_them(void)
{
	struct session x;

	start(&x, &smtp,
	    "PIPELINING DSN MT-PRIORITY DELIVERBY=10 MTRK RRVS AUTH=PLAIN");
	x.t.envid = "e";
	x.t.ask = (struct smtp_requests){.submitter = "a+b@c",
	    .mtrk = "xyz:9",
	    .has_mt_priority = true,
	    .mt_priority = -3,
	    .deliver_by = 121000,
	    .deliver_by_mode = 'R',
	    .deliver_by_trace = true};
	x.rcpts[0].rrvs = 1402657800;
	x.rcpts[0].rrvs_mode = 'C';
	x.rcpts[0].orcpt = "utf-8;j\xc3\xb6rg@x";
	CU_ASSERT_PTR_NOT_NULL(strstr(send_it(&x),
	    "MAIL FROM:<joe@a> ENVID=e AUTH=a+2Bb@c MT-PRIORITY=-3 "
	    "BY=120;RT MTRK=xyz:9\r\n"
	    "RCPT TO:<c@d> ORCPT=utf-8;j\\x{F6}rg@x "
	    "RRVS=2014-06-13T11:10:00Z;C\r\n"));
	stop(&x);
}

static void
what_the_originator_insists_on_is_not_dropped(void)
{
	static const struct {
		const char *offer;
		struct smtp_requests ask;
		char rrvs;
		const char *outcome;
	} rows[] = {
	    {"", {.deliver_by = 90000, .deliver_by_mode = 'R'}, 0, "P5.3.3"},
	    {"DELIVERBY=100", {.deliver_by = 90000, .deliver_by_mode = 'R'}, 0,
		"P5.3.3"},
	    {"DELIVERBY", {.deliver_by = 900, .deliver_by_mode = 'R'}, 0,
		"P5.4.7"},
	    {"", {.deliver_by = 900, .deliver_by_mode = 'N'}, 0, "?"},
	    {"", {0}, 'R', "P5.7.19"},
	    {"", {0}, 'C', "?"},
	    {"REQUIRETLS", {.requiretls = true}, 0, "P5.7.10"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct session x;

		start(&x, &smtp, rows[i].offer);
		x.t.ask = rows[i].ask;
		x.rcpts[0].rrvs = rows[i].rrvs != 0;
		x.rcpts[0].rrvs_mode = rows[i].rrvs;
		send_it(&x);
		CU_ASSERT_STRING_EQUAL(outcomes(&x), rows[i].outcome);
		stop(&x);
	}
}

static const struct tls_peer *
tls_peer(void *arg)
{
	return &((struct session *)arg)->tls;
}

/* RFC 8689 4.2.1 */
static void
requiretls_needs_a_server_that_proved_its_name(void)
{
	static const struct smtp_client_security s = {.tls_peer = tls_peer};
	struct session x;

	start(&x, &smtp, "PIPELINING REQUIRETLS");
	smtp_client_secure(x.c, &s);
	x.t.ask.requiretls = true;
	send_it(&x);
	CU_ASSERT_STRING_EQUAL(outcomes(&x), "P5.7.10");
	x.tls.verified = true;
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(send_it(&x), "MAIL FROM:<joe@a> REQUIRETLS\r\n"));
	stop(&x);
	start(&x, &smtp, "PIPELINING");
	smtp_client_secure(x.c, &s);
	x.tls.verified = true;
	x.t.ask.requiretls = true;
	send_it(&x);
	CU_ASSERT_STRING_EQUAL(outcomes(&x), "P5.7.30");
	x.t.from = ""; /* a report goes as it can */
	CU_ASSERT_PTR_NOT_NULL(strstr(send_it(&x), "MAIL FROM:<>\r\n"));
	stop(&x);
}

/* RFC 2852 4.1.4.2 */
static void
a_server_that_cannot_keep_the_time_tells_of_delays(void)
{
	struct session x;

	start(&x, &smtp, "PIPELINING DSN");
	x.t.ask.deliver_by = 90000;
	x.t.ask.deliver_by_mode = 'N';
	x.t.n_recipients = 3;
	x.rcpts[1].notify = MHS_NOTIFY_SUCCESS;
	x.rcpts[2].notify = MHS_NOTIFY_NEVER;
	CU_ASSERT_PTR_NOT_NULL(strstr(send_it(&x),
	    "RCPT TO:<c@d> NOTIFY=FAILURE,DELAY\r\n"
	    "RCPT TO:<c@d> NOTIFY=SUCCESS,DELAY\r\n"
	    "RCPT TO:<c@d> NOTIFY=NEVER\r\n"));
	stop(&x);
}

/* RFC 6758 */
static void
a_priority_is_tunnelled_where_that_is_wanted(void)
{
	struct smtp_client_params p = smtp;
	struct session x;

	p.tunnel_priority = true;
	start(&x, &p, "PIPELINING CHUNKING");
	x.t.ask.has_mt_priority = true;
	x.t.ask.mt_priority = 4;
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(send_it(&x), "BDAT 28 LAST\r\nMT-Priority: 4\r\nS: x\r\n"));
	stop(&x);
	start(&x, &p, "PIPELINING CHUNKING MT-PRIORITY");
	x.t.ask.has_mt_priority = true;
	x.t.ask.mt_priority = 4;
	CU_ASSERT_PTR_NULL(strstr(send_it(&x), "MT-Priority: 4"));
	stop(&x);
}

static void
offers_can_be_ignored(void)
{
	struct smtp_client_params p = smtp;
	struct session x;

	p.ignore = SMTP_OFFER_CHUNKING | SMTP_OFFER_SIZE;
	start(&x, &p, "PIPELINING CHUNKING SIZE=1");
	CU_ASSERT_STRING_EQUAL(
	    send_it(&x), "MAIL FROM:<joe@a>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
	stop(&x);
}

/* --- the envelope's side --- */

static void
times_count_from_when_the_message_came(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope env = {.arrival = 1000,
	    .mtrk = "abc:100",
	    .deliver_by = 1100,
	    .deliver_by_mode = 'N'};
	struct smtp_requests ask;

	smtp_requests_of(a, &env, 5000, 1040, &ask);
	CU_ASSERT_STRING_EQUAL(ask.mtrk, "abc:60");
	CU_ASSERT_EQUAL(ask.deliver_by, 65000);
	smtp_requests_of(a, &env, 5000, 1100, &ask);
	CU_ASSERT_PTR_NULL(ask.mtrk);
	arena_free(&a);
}

void
suite_smtp_client_offer(void)
{
	static CU_TestInfo tests[] = {
	    TEST(a_small_message_goes_with_its_envelope),
	    TEST(refused_envelopes_have_their_bdat_refused_too),
	    TEST(without_pipelining_each_chunk_waits),
	    TEST(a_refused_chunk_ends_the_message),
	    TEST(lmtp_has_a_reply_to_the_last_chunk_for_each_recipient),
	    TEST(binary_goes_by_bdat_or_as_base64),
	    TEST(eight_bit_data_is_downgraded_and_its_size_is_told),
	    TEST(smtputf8_is_asked_for_where_it_came_with_the_message),
	    TEST(parameters_go_to_servers_that_know_them),
	    TEST(what_the_originator_insists_on_is_not_dropped),
	    TEST(requiretls_needs_a_server_that_proved_its_name),
	    TEST(a_server_that_cannot_keep_the_time_tells_of_delays),
	    TEST(a_priority_is_tunnelled_where_that_is_wanted),
	    TEST(offers_can_be_ignored),
	    TEST(times_count_from_when_the_message_came),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("smtp_client_offer", tests);
}
