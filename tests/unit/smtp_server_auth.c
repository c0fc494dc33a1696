#include "smtp/server.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/smtp_user.h"

/* A user that knows one password, "1234", in one mechanism with a challenge:
 * the response to it must be what was challenged. */
static const char *
on_mechanisms(void *arg)
{
	(void)arg;
	return "PLAIN X-TWO";
}

static void
on_auth_start(void *arg, const char *mechanism, const uint8_t *p, size_t n)
{
	static const struct smtp_reply no = {535, "5.7.8", "No"};
	struct user *u = arg;

	buf_printf(&u->notes, "A<%s>", mechanism);
	if (p == NULL)
		buf_puts(&u->notes, "-;");
	else
		buf_printf(&u->notes, "%.*s;", (int)n, (const char *)p);
	if (u->hold)
		return;
	if (strcmp(mechanism, "X-TWO") == 0 || p == NULL)
		smtp_server_auth_challenge(u->s, (const uint8_t *)"go", 2, 1);
	else
		smtp_server_auth_reply(u->s, &no,
		    n == 4 && memcmp(p, "1234", 4) == 0 ? "joe" : NULL, 1);
}

static void
on_auth_response(void *arg, const uint8_t *p, size_t n)
{
	static const struct smtp_reply no = {535, "5.7.8", "No"};
	struct user *u = arg;

	buf_printf(&u->notes, "a%.*s;", (int)n, (const char *)p);
	if (!u->hold)
		smtp_server_auth_reply(u->s, &no,
		    n == 4 && memcmp(p, "1234", 4) == 0 ? "joe" : NULL, 1);
}

static void
on_auth_forget(void *arg)
{
	buf_puts(&((struct user *)arg)->notes, "F;");
}

static void
on_start_tls(void *arg, size_t dropped)
{
	buf_printf(&((struct user *)arg)->notes, "TLS%zu;", dropped);
}

static const struct smtp_server_ops secure_ops = {
    .mail = on_mail,
    .rcpt = on_rcpt,
    .data_begin = on_data_begin,
    .data = on_data,
    .data_end = on_data_end,
    .reset = on_reset,
    .mechanisms = on_mechanisms,
    .auth_start = on_auth_start,
    .auth_response = on_auth_response,
    .auth_forget = on_auth_forget,
    .start_tls = on_start_tls,
};

static void
secure_open(struct user *u, const struct smtp_server_params *p)
{
	*u = (struct user){0};
	u->s = smtp_server_new(p, &secure_ops, u, 0);
	drain(u);
	buf_clear(&u->replies);
}

static void
auth_has_the_reply_that_its_rfc_gives(void)
{
	static const struct {
		const char *input, *codes, *notes, *user;
	} rows[] = {
	    {"AUTH PLAIN MTIzNA==\r\n", "235", "A<PLAIN>1234;", "joe"},
	    {"auth plain MTIzNA==\r\n", "235", "A<plain>1234;", "joe"},
	    {"AUTH PLAIN MTIz\r\n", "535", "A<PLAIN>123;", ""},
	    {"AUTH PLAIN\r\nMTIzNA==\r\n", "334 235", "A<PLAIN>-;a1234;",
		"joe"},
	    {"AUTH X-TWO =\r\nMTIzNA==\r\n", "334 235", "A<X-TWO>;a1234;",
		"joe"},
	    {"AUTH X-TWO\r\n\r\n", "334 535", "A<X-TWO>-;a;", ""},
	    {"AUTH X-TWO\r\n*\r\nNOOP\r\n", "334 501 250", "A<X-TWO>-;F;", ""},
	    {"AUTH X-TWO\r\n**\r\n", "334 501", "A<X-TWO>-;F;", ""},
	    {"AUTH X-TWO\r\nMTIzNA\r\nNOOP\r\n", "334 501 250", "A<X-TWO>-;F;",
		""},
	    {"AUTH X-TWO\r\n MTIzNA==\r\n", "334 501", "A<X-TWO>-;F;", ""},
	    {"AUTH X-TWO\r\nMTIzNA== \r\n", "334 501", "A<X-TWO>-;F;", ""},
	    {"AUTH X-TWO\r\nMTIz\tNA==\r\n", "334 501", "A<X-TWO>-;F;", ""},
	    {"AUTH PLAIN MTIzNA\r\n", "501", "", ""},
	    {"AUTH PLAIN =MTI\r\n", "501", "", ""},
	    {"AUTH PLAIN *\r\n", "501", "", ""},
	    {"AUTH\r\n", "501", "", ""},
	    {"AUTH \r\n", "501", "", ""},
	    {"AUTH P@AIN x\r\n", "504", "", ""},
	    {"AUTH ABCDEFGHIJKLMNOPQRSTU x\r\n", "504", "", ""},
	    {"AUTH PLAIN MTIzNA==\r\nAUTH PLAIN MTIzNA==\r\n", "235 503",
		"A<PLAIN>1234;", "joe"},
	    {PRE_MAIL "AUTH PLAIN MTIzNA==\r\n", "250 503", "M<joe@a>-0;", ""},
	    {"AUTH PLAIN MTIzNA==\r\n" PRE_MAIL, "235 250",
		"A<PLAIN>1234;M<joe@a>-0;", "joe"},
	    {"MAIL FROM:<joe@a> AUTH=joe@a\r\n", "250", "M<joe@a>-0;", ""},
	    {"MAIL FROM:<joe@a> AUTH=<>\r\n", "250", "M<joe@a>-0;", ""},
	    {"MAIL FROM:<joe@a> AUTH=e+3Dmc2@a\r\n", "250", "M<joe@a>-0;", ""},
	    {"MAIL FROM:<joe@a> AUTH=joe\r\n", "501", "", ""},
	    {"MAIL FROM:<joe@a> AUTH=a+3\r\n", "501", "", ""},
	    {"MAIL FROM:<joe@a> AUTH=\r\n", "501", "", ""},
	    {"AUTH PLAIN MTIz\r\nAUTH PLAIN MTIz\r\nAUTH PLAIN "
	     "MTIz\r\nNOOP\r\n",
		"535 535 535 421", "A<PLAIN>123;A<PLAIN>123;A<PLAIN>123;", ""},
	};

	for (size_t step = 1; step < 200; step += 98)
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			struct user u;
			const char *got;

			secure_open(&u, &plain);
			feed(&u, "EHLO c\r\n", 100);
			codes(&u);
			feed(&u, rows[i].input, step);
			got = codes(&u);
			CU_ASSERT_STRING_EQUAL(got, rows[i].codes);
			CU_ASSERT_STRING_EQUAL(
			    buf_cstr(&u.notes), rows[i].notes);
			if (strcmp(got, rows[i].codes) != 0)
				printf("\nrow %zu: %s\n", i, got);
			CU_ASSERT_STRING_EQUAL(
			    smtp_server_user(u.s), rows[i].user);
			user_close(&u);
		}
}

static void
authentication_lines_have_a_bound_of_their_own(void)
{
	static const struct {
		const char *start;
		size_t octets; /* of the line, with its end */
		const char *codes;
	} rows[] = {
	    {"AUTH PLAIN ", 12290, "501"},
	    {"AUTH PLAIN ", 12291, "500 250"},
	    {"AUTH PLAIN ", 100000, "500 250"},
	    {"AUTHX PLAIN ", 4097, "500 250"},
	    {"AUTH X-TWO\r\n", 12290 + 12, "334 501"},
	    {"AUTH X-TWO\r\n", 12291 + 12, "334 500 250"},
	};

	for (size_t step = 1; step < 8000; step += 3999)
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			struct buf b = {0};
			struct user u;
			const char *got;

			buf_puts(&b, rows[i].start);
			while (b.len < rows[i].octets - 2)
				buf_putc(&b, '!');
			buf_puts(&b, "\r\nNOOP\r\n");
			secure_open(&u, &plain);
			feed(&u, "EHLO c\r\n", 100);
			codes(&u);
			feed_n(&u, b.data, b.len, step);
			got = codes(&u);
			CU_ASSERT_EQUAL(
			    strncmp(got, rows[i].codes, strlen(rows[i].codes)),
			    0);
			user_close(&u);
			buf_free(&b);
		}
}

static void
a_step_may_take_its_time_and_what_comes_meanwhile_waits(void)
{
	static const struct smtp_reply no = {454, "4.7.0", "Later"};
	struct user u;

	secure_open(&u, &plain);
	u.hold = true;
	feed(&u, "EHLO c\r\n", 100);
	feed(&u, "AUTH PLAIN MTIzNA==\r\nNOOP\r\n", 100);
	CU_ASSERT_STRING_EQUAL(codes(&u), "250");
	CU_ASSERT_FALSE(smtp_server_engine.wants_input(u.s));
	CU_ASSERT_EQUAL(smtp_server_engine.deadline(u.s), MSEC_NEVER);
	smtp_server_auth_reply(u.s, &no, NULL, 1);
	drain(&u);
	CU_ASSERT_STRING_EQUAL(codes(&u), "454 250");
	/* the client goes in the midst of one: it is given up at once */
	feed(&u, "AUTH PLAIN MTIzNA==\r\n", 100);
	CU_ASSERT(smtp_server_engine.wants_input(u.s));
	smtp_server_engine.closed(u.s, NULL, 2);
	CU_ASSERT(smtp_server_engine.finished(u.s));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&u.notes), "F;"));
	user_close(&u);
	/* unless it said more before: that is owed its replies */
	secure_open(&u, &plain);
	u.hold = true;
	feed(&u, "EHLO c\r\n", 100);
	feed(&u, "AUTH PLAIN MTIzNA==\r\nQUIT\r\n", 100);
	smtp_server_engine.closed(u.s, NULL, 2);
	CU_ASSERT_FALSE(smtp_server_engine.finished(u.s));
	smtp_server_auth_reply(u.s, &no, NULL, 2);
	drain(&u);
	CU_ASSERT_STRING_EQUAL(codes(&u), "250 454 221");
	CU_ASSERT(smtp_server_engine.finished(u.s));
	user_close(&u);
	/* the connection breaks: what comes too late is nothing */
	secure_open(&u, &plain);
	u.hold = true;
	feed(&u, "EHLO c\r\n", 100);
	feed(&u, "AUTH PLAIN MTIzNA==\r\n", 100);
	codes(&u);
	smtp_server_engine.closed(u.s, &(struct err){.text = "broken"}, 2);
	CU_ASSERT(smtp_server_engine.finished(u.s));
	smtp_server_auth_reply(u.s, &no, NULL, 3);
	drain(&u);
	CU_ASSERT_STRING_EQUAL(codes(&u), "");
	user_close(&u);
	/* the process ends: the step's end is answered by 421 */
	secure_open(&u, &plain);
	u.hold = true;
	feed(&u, "EHLO c\r\n", 100);
	feed(&u, "AUTH PLAIN MTIzNA==\r\n", 100);
	smtp_server_shutdown(u.s);
	CU_ASSERT_FALSE(smtp_server_engine.finished(u.s));
	smtp_server_auth_reply(u.s, NULL, "joe", 3);
	drain(&u);
	CU_ASSERT_STRING_EQUAL(codes(&u), "250 235 421");
	CU_ASSERT(smtp_server_engine.finished(u.s));
	user_close(&u);
}

static void
starttls_forgets_all_that_was_said_in_plain(void)
{
	struct smtp_server_params p = plain;
	struct user u;

	p.starttls = true;
	secure_open(&u, &p);
	feed(&u, "EHLO c\r\n", 100);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(buf_cstr(&u.replies), "250-STARTTLS\r\n"));
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(buf_cstr(&u.replies), "250-AUTH PLAIN X-TWO\r\n"));
	codes(&u);
	feed(&u, "AUTH PLAIN MTIzNA==\r\n", 100);
	CU_ASSERT_STRING_EQUAL(smtp_server_protocol(u.s), "ESMTPA");
	/* in one segment: what follows the command is not looked at */
	feed(&u,
	    "STARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@a>\r\nRCPT TO:<b@a>\r\n",
	    1000);
	CU_ASSERT_STRING_EQUAL(codes(&u), "235 220");
	CU_ASSERT_STRING_EQUAL(buf_cstr(&u.notes), "A<PLAIN>1234;TLS46;");
	CU_ASSERT(smtp_server_tls(u.s));
	CU_ASSERT_STRING_EQUAL(smtp_server_helo(u.s), "");
	CU_ASSERT_STRING_EQUAL(smtp_server_user(u.s), "");
	feed(&u, "MAIL FROM:<joe@a>\r\nEHLO c\r\n", 1000);
	CU_ASSERT_PTR_NULL(strstr(buf_cstr(&u.replies), "STARTTLS"));
	CU_ASSERT_STRING_EQUAL(codes(&u), "503 250");
	CU_ASSERT_STRING_EQUAL(smtp_server_protocol(u.s), "ESMTPS");
	feed(&u, "STARTTLS\r\nAUTH PLAIN MTIzNA==\r\nEHLO c\r\n", 1000);
	CU_ASSERT_PTR_NULL(strstr(buf_cstr(&u.replies), "250-AUTH"));
	CU_ASSERT_STRING_EQUAL(codes(&u), "503 235 250");
	CU_ASSERT_STRING_EQUAL(smtp_server_protocol(u.s), "ESMTPSA");
	user_close(&u);
}

static void
tls_and_auth_can_be_required(void)
{
	static const struct {
		const char *command;
		int plain, tls, known;
	} rows[] = {
	    {"MAIL FROM:<joe@a>", 530, 530, 250},
	    {"VRFY joe", 530, 530, 252},
	    {"EXPN joe", 530, 530, 502},
	    {"RSET", 530, 250, 250},
	    {"HELP", 530, 214, 214},
	    {"NOOP", 250, 250, 250},
	    {"EHLO c", 250, 250, 250},
	    {"AUTH PLAIN MTIzNA==", 530, 235, 503},
	    {"QUIT", 221, 221, 221},
	};
	struct smtp_server_params p = plain;

	p.starttls = p.tls_required = p.auth_required = true;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (int how = 0; how < 3; how++) {
			char expect[8];
			struct user u;

			secure_open(&u, &p);
			feed(&u, "EHLO c\r\n", 1000);
			if (how > 0)
				feed(&u, "STARTTLS\r\n", 1000);
			if (how > 0)
				feed(&u, "EHLO c\r\n", 1000);
			if (how > 1)
				feed(&u, "AUTH PLAIN MTIzNA==\r\n", 1000);
			codes(&u);
			feed(&u, rows[i].command, 1000);
			feed(&u, "\r\n", 1000);
			snprintf(expect, sizeof(expect), "%d",
			    how == 0       ? rows[i].plain
				: how == 1 ? rows[i].tls
					   : rows[i].known);
			CU_ASSERT_STRING_EQUAL(codes(&u), expect);
			user_close(&u);
		}
}

static void
an_octet_of_zero_is_none_of_a_mechanisms_name(void)
{
	static const char line[] = "AUTH PL\0AIN MTIzNA==\r\n";
	struct user u;

	secure_open(&u, &plain);
	feed(&u, "EHLO c\r\n", 100);
	codes(&u);
	feed_n(&u, line, sizeof(line) - 1, 100);
	CU_ASSERT_STRING_EQUAL(codes(&u), "500");
	CU_ASSERT_STRING_EQUAL(buf_cstr(&u.notes), "");
	user_close(&u);
}

static void
received_names_the_transmission_types_of_rfc_3848(void)
{
	static const struct {
		bool lmtp, tls, auth, helo;
		const char *name;
	} rows[] = {
	    {false, false, false, true, "SMTP"},
	    {false, true, false, true, "SMTP"},
	    {false, false, false, false, "ESMTP"},
	    {false, true, false, false, "ESMTPS"},
	    {false, false, true, false, "ESMTPA"},
	    {false, true, true, false, "ESMTPSA"},
	    {true, false, false, false, "LMTP"},
	    {true, true, false, false, "LMTPS"},
	    {true, false, true, false, "LMTPA"},
	    {true, true, true, false, "LMTPSA"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct smtp_server_params p = plain;
		struct user u;

		p.lmtp = rows[i].lmtp;
		p.tls_from_start = rows[i].tls;
		secure_open(&u, &p);
		feed(&u,
		    rows[i].helo       ? "HELO c\r\n"
			: rows[i].lmtp ? "LHLO c\r\n"
				       : "EHLO c\r\n",
		    100);
		if (rows[i].auth)
			feed(&u, "AUTH PLAIN MTIzNA==\r\n", 100);
		CU_ASSERT_STRING_EQUAL(smtp_server_protocol(u.s), rows[i].name);
		user_close(&u);
	}
}

void
suite_smtp_server_auth(void)
{
	static CU_TestInfo tests[] = {
	    TEST(auth_has_the_reply_that_its_rfc_gives),
	    TEST(authentication_lines_have_a_bound_of_their_own),
	    TEST(a_step_may_take_its_time_and_what_comes_meanwhile_waits),
	    TEST(starttls_forgets_all_that_was_said_in_plain),
	    TEST(tls_and_auth_can_be_required),
	    TEST(an_octet_of_zero_is_none_of_a_mechanisms_name),
	    TEST(received_names_the_transmission_types_of_rfc_3848),
	    CU_TEST_INFO_NULL,
	};

	unit_suite("smtp_server_auth", tests);
}
