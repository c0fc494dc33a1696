#include "smtp/server.h"

#include <string.h>

#include "tests/unit/smtp_user.h"

static void
each_command_in_each_state_has_its_reply(void)
{
	static const char *const before[] = {
	    "", "EHLO c\r\n", "EHLO c\r\n" PRE_MAIL, "EHLO c\r\n" PRE_RCPT};
	static const struct {
		const char *command;
		int code[4]; /* start, ready, mail, rcpt */
	} rows[] = {
	    {"EHLO c", {250, 250, 250, 250}},
	    {"HELO c", {250, 250, 250, 250}},
	    {"ehlo [127.0.0.1]", {250, 250, 250, 250}},
	    {"EHLO", {501, 501, 501, 501}},
	    {"EHLO a b", {501, 501, 501, 501}},
	    {"LHLO c", {500, 500, 500, 500}},
	    {"MAIL FROM:<joe@a>", {503, 250, 503, 503}},
	    {"mail from:<>", {503, 250, 503, 503}},
	    {"MAIL FROM:joe@a", {503, 501, 503, 503}},
	    {"MAIL TO:<joe@a>", {503, 501, 503, 503}},
	    {"MAIL", {503, 501, 503, 503}},
	    {"MAIL FROM:<bad@a>", {503, 550, 503, 503}},
	    {"MAIL FROM:<joe@a> X=1", {503, 555, 503, 503}},
	    {"MAIL FROM:<joe@a>SIZE=1", {503, 501, 503, 503}},
	    {"MAIL FROM:<joe@a> SIZE=999999999", {503, 552, 503, 503}},
	    {"MAIL FROM:<joe@a> SIZE=1x", {503, 501, 503, 503}},
	    {"MAIL FROM:<joe@a> SIZE=99999999999999999999",
		{503, 501, 503, 503}},
	    {"MAIL FROM:<joe@a> SIZE=1 SIZE=1", {503, 501, 503, 503}},
	    {"MAIL FROM:<joe@a> BODY=BINARYMIME", {503, 501, 503, 503}},
	    {"MAIL FROM:<joe@a> BODY=8bitmime", {503, 250, 503, 503}},
	    {"MAIL FROM:<joe@a> RET=FULL ENVID=a+3Db", {503, 250, 503, 503}},
	    {"MAIL FROM:<joe@a> RET=ALL", {503, 501, 503, 503}},
	    {"MAIL FROM:<joe@a> RET=FULL RET=FULL", {503, 501, 503, 503}},
	    {"MAIL FROM:<joe@a> ENVID=a+3d", {503, 501, 503, 503}},
	    {"RCPT TO:<ann@b>", {503, 503, 250, 250}},
	    {"RCPT TO:<PostMaster>", {503, 503, 250, 250}},
	    {"RCPT TO:<no@a>", {503, 503, 550, 550}},
	    {"RCPT TO:<>", {503, 503, 501, 501}},
	    {"RCPT TO:<a@b> NOTIFY=SUCCESS,DELAY", {503, 503, 250, 250}},
	    {"RCPT TO:<a@b> NOTIFY=NEVER", {503, 503, 250, 250}},
	    {"RCPT TO:<a@b> NOTIFY=NEVER,DELAY", {503, 503, 501, 501}},
	    {"RCPT TO:<a@b> NOTIFY=,DELAY", {503, 503, 501, 501}},
	    {"RCPT TO:<a@b> NOTIFY", {503, 503, 501, 501}},
	    {"RCPT TO:<a@b> ORCPT=rfc822;x+40y", {503, 503, 250, 250}},
	    {"RCPT TO:<a@b> ORCPT=x", {503, 503, 501, 501}},
	    {"RCPT TO:<a@b> ORCPT=;x", {503, 503, 501, 501}},
	    {"RCPT TO:<a@b> SIZE=1", {503, 503, 555, 555}},
	    {"DATA", {503, 503, 503, 354}},
	    {"DATA x", {503, 503, 503, 501}},
	    {"RSET", {250, 250, 250, 250}},
	    {"RSET x", {501, 501, 501, 501}},
	    {"NOOP", {250, 250, 250, 250}},
	    {"NOOP x", {250, 250, 250, 250}},
	    {"VRFY joe", {252, 252, 252, 252}},
	    {"VRFY", {501, 501, 501, 501}},
	    {"HELP", {214, 214, 214, 214}},
	    {"EXPN x", {502, 502, 502, 502}},
	    {"QUIT", {221, 221, 221, 221}},
	    {"QUIT x", {501, 501, 501, 501}},
	    {"GET / HTTP/1.1", {421, 421, 421, 421}},
	    {"", {500, 500, 500, 500}},
	    {" NOOP", {500, 500, 500, 500}},
	    {"STARTTLS", {502, 502, 503, 503}},
	    {"AUTH PLAIN", {503, 502, 503, 503}},
	    {"XYZZYXYZZYXYZZYXYZZY", {500, 500, 500, 500}},
	    {"NO\001OP", {500, 500, 500, 500}},
	    {"NOOP\r", {500, 500, 500, 500}},
	    {"NOOP\nNOOP", {500, 500, 500, 500}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t j = 0; j < 8; j++) {
			size_t step = j < 4 ? 4096 : 1;
			char expect[8];
			struct user u;

			user_open(&u, &plain);
			if (j % 4 > 0) {
				feed(&u, "EHLO c\r\n", step);
				feed(&u, before[j % 4] + 8, step);
			}
			buf_clear(&u.replies);
			feed(&u, rows[i].command, step);
			feed(&u, "\r\n", step);
			snprintf(
			    expect, sizeof(expect), "%d", rows[i].code[j % 4]);
			CU_ASSERT_STRING_EQUAL(codes(&u), expect);
			user_close(&u);
		}
}

static void
a_pipelined_session_reads_the_same_in_any_pieces(void)
{
	static const char group[] =
	    "MAIL FROM:<joe@a> BODY=8BITMIME RET=HDRS ENVID=e+2B1\r\n"
	    "RCPT TO:<ann@b> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;ann+40b\r\n"
	    "RCPT TO:<no@a>\r\nRCPT TO:<bob@b>\r\nDATA\r\n";
	static const char content[] =
	    "Subject: x\r\n\r\n..dot\r\n...\r\n.x\r\nend\r\n.\r\n"
	    "MAIL FROM:<>\r\nRCPT TO:<ann@b>\r\nDATA\r\n";

	for (size_t step = 1; step < 200; step += step < 20 ? 1 : 37) {
		struct user u;

		user_open(&u, &plain);
		feed(&u, "EHLO c\r\n", step);
		buf_clear(&u.replies);
		feed(&u, group, step);
		CU_ASSERT_STRING_EQUAL(codes(&u), "250 250 550 250 354");
		feed(&u, content, step);
		CU_ASSERT_STRING_EQUAL(codes(&u), "250 250 250 354");
		CU_ASSERT_STRING_EQUAL(buf_cstr(&u.notes),
		    "M<joe@a>H1e+1;R<ann@b>6rfc822;ann@b;R<bob@b>0;END;"
		    "M<>-0;R<ann@b>0;");
		feed(&u, ".\r\nQUIT\r\n", step);
		CU_ASSERT_STRING_EQUAL(codes(&u), "250 221");
		CU_ASSERT_EQUAL(u.content.len, 0);
		CU_ASSERT_EQUAL(u.resets, 0);
		CU_ASSERT(smtp_server_engine.finished(u.s));
		user_close(&u);
	}
}

static void
content_is_unstuffed_and_otherwise_untouched(void)
{
	static const struct {
		const char *sent, *content;
	} rows[] = {
	    {".\r\n", ""},
	    {"\r\n.\r\n", "\r\n"},
	    {"a\r\n.\r\n", "a\r\n"},
	    {"..\r\n.\r\n", ".\r\n"},
	    {"..a\r\n.b\r\n\r\n.\r\n", ".a\r\nb\r\n\r\n"},
	    {"H: x\r\n\r\n\r\n..\r\n a.b\r\n.\r\n",
		"H: x\r\n\r\n\r\n.\r\n a.b\r\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t step = 1; step < 9; step++) {
			struct user u;

			user_open(&u, &plain);
			feed(&u, "EHLO c\r\n", 99);
			feed(&u, PRE_RCPT "DATA\r\n", 99);
			feed(&u, rows[i].sent, step);
			CU_ASSERT_STRING_EQUAL(
			    buf_cstr(&u.content), rows[i].content);
			CU_ASSERT_EQUAL(u.ends, 1);
			user_close(&u);
		}
}

static void
no_smuggled_end_is_taken_and_the_message_is_refused(void)
{
	static const char *const ends[] = {"\n.\n", "\n.\r\n", "\r.\r\n",
	    "\r.\r", "\r\n.\n", "\r\n.\r", "\n.\r", "\r\n.\r\r\n",
	    "\r\n\n.\r\n", "\r\r\n", "\n", "\r", "\r\n.\r.\r\n", "\r\n..\n"};

	static const size_t steps[] = {1, 2, 3, 7, 16, 23, 31, 4096};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		for (size_t j = 0; j < sizeof(steps) / sizeof(steps[0]); j++) {
			char text[256];
			struct user u;

			/* the body begins before and at a line's start */
			snprintf(text, sizeof(text), "H: x\r\n\r\na\r\n%s%s%s",
			    j % 2 == 0 ? "text" : "", ends[i],
			    "MAIL FROM:<evil@a>\r\nRCPT TO:<v@b>\r\n");
			user_open(&u, &plain);
			feed(&u, "EHLO c\r\n", 99);
			feed(&u, PRE_RCPT "DATA\r\n", 99);
			buf_clear(&u.replies);
			feed(&u, text, steps[j]);
			CU_ASSERT_EQUAL(u.replies.len, 0);
			feed(&u, "\r\n.\r\n", steps[j]);
			CU_ASSERT_STRING_EQUAL(codes(&u), "550");
			CU_ASSERT_EQUAL(u.ends, 0);
			CU_ASSERT_EQUAL(u.resets, 1);
			feed(&u, "NOOP\r\n", steps[j]);
			CU_ASSERT_STRING_EQUAL(codes(&u), "250");
			user_close(&u);
		}
}

static void
a_huge_command_line_costs_no_memory(void)
{
	char *line = xmalloc(1 << 20);
	struct user u;

	memset(line, 'A', 1 << 20);
	for (size_t step = 1000; step <= 1 << 20; step = step * 1000 + 48576) {
		user_open(&u, &plain);
		feed_n(&u, line, 1 << 20, step);
		CU_ASSERT_STRING_EQUAL(codes(&u), "500");
		feed(&u, "\r\nNOOP\r\n", 99);
		CU_ASSERT_STRING_EQUAL(codes(&u), "250");
		user_close(&u);
	}
	free(line);
}

static void
limits_have_their_replies(void)
{
	static const struct {
		const char *what;
		struct smtp_server_params p;
		const char *content, *expect;
	} rows[] = {
	    {"line", {.text_line_max = 10}, "123456789\r\n", "554"},
	    {"line ok", {.text_line_max = 10}, "12345678\r\n", "250"},
	    {"body line", {.text_line_max = 10}, "\r\n123456789\r\n", "554"},
	    {"body lines", {.text_line_max = 10}, "\r\n12345\r\n1234567\r\n",
		"250"},
	    {"stuffed", {.text_line_max = 10}, "..2345678\r\n", "250"},
	    {"size", {.size_max = 10}, "1\r\n4\r\n78\r\n", "250"},
	    {"size+1", {.size_max = 10}, "1\r\n4\r\n789\r\n", "552"},
	    {"header", {.header_max = 8}, "h: 12345678\r\n\r\n", "552"},
	    {"header ok", {.header_max = 8}, "h: 1\r\n\r\n56789012\r\n", "250"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t step = 1; step < 40; step += 13) {
			struct smtp_server_params p = plain;
			struct user u;

			p.text_line_max = rows[i].p.text_line_max;
			p.size_max = rows[i].p.size_max;
			p.header_max = rows[i].p.header_max;
			user_open(&u, &p);
			feed(&u, "EHLO c\r\n", 99);
			feed(&u, PRE_RCPT "DATA\r\n", 99);
			buf_clear(&u.replies);
			feed(&u, rows[i].content, step);
			feed(&u, ".\r\n", step);
			CU_ASSERT_STRING_EQUAL(codes(&u), rows[i].expect);
			user_close(&u);
		}
}

static void
recipients_and_errors_are_limited(void)
{
	struct smtp_server_params p = plain;
	struct user u;

	p.recipients_max = 2;
	p.errors_max = 3;
	user_open(&u, &p);
	feed(&u, "EHLO c\r\n", 99);
	feed(&u, PRE_RCPT "RCPT TO:<b@b>\r\nRCPT TO:<c@b>\r\n", 99);
	CU_ASSERT_STRING_EQUAL(codes(&u), "250 250 250 250 452");
	feed(&u, "x\r\ny\r\nz\r\n", 99);
	CU_ASSERT_STRING_EQUAL(codes(&u), "500 500 500 421");
	CU_ASSERT(smtp_server_engine.finished(u.s));
	CU_ASSERT_EQUAL(u.resets, 1);
	user_close(&u);
	user_open(&u, &p);
	feed(&u, "EHLO c\r\n", 99);
	feed(&u,
	    PRE_MAIL "RCPT TO:<no@a>\r\nRCPT TO:<no@a>\r\n"
		     "RCPT TO:<no@a>\r\nRCPT TO:<a@a>\r\n",
	    99);
	CU_ASSERT_STRING_EQUAL(codes(&u), "250 250 550 550 550 421");
	user_close(&u);
	p.messages_max = 1;
	user_open(&u, &p);
	feed(&u, "EHLO c\r\n", 99);
	feed(&u, PRE_MAIL "RSET\r\n" PRE_MAIL, 99);
	CU_ASSERT_STRING_EQUAL(codes(&u), "250 250 250 421");
	user_close(&u);
	p.idle_commands_max = 3;
	user_open(&u, &p);
	feed(&u, "NOOP\r\nRSET\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\n", 99);
	CU_ASSERT_STRING_EQUAL(codes(&u), "250 250 250 450 450 450 421");
	user_close(&u);
}

static void
who_talks_too_early_is_refused(void)
{
	struct smtp_server_params p = plain;
	struct user u;

	user_open(&u, &plain);
	feed(&u, "EHLO c\r\nMAIL FROM:<a@b>\r\n", 99);
	CU_ASSERT_STRING_EQUAL(codes(&u), "554");
	CU_ASSERT(smtp_server_engine.finished(u.s));
	user_close(&u);
	user_open(&u, &plain);
	feed(&u, "EHLO c\r\n", 99);
	feed(&u, PRE_RCPT "DATA\r\nx\r\n.\r\n", 99);
	CU_ASSERT_STRING_EQUAL(codes(&u), "250 250 250 554");
	user_close(&u);
	p.greet_delay = 1000;
	user_open(&u, &p);
	feed(&u, "E", 1);
	CU_ASSERT_STRING_EQUAL(codes(&u), "554");
	user_close(&u);
	user_open(&u, &p);
	CU_ASSERT_EQUAL(smtp_server_engine.deadline(u.s), 1000);
	smtp_server_engine.timeout(u.s, 1000);
	drain(&u);
	CU_ASSERT_STRING_EQUAL(codes(&u), "220");
	user_close(&u);
}

static void
every_state_has_its_timeout(void)
{
	static const char *const rows[] = {"", "EHLO c\r\n", PRE_MAIL,
	    "RCPT TO:<a@b>\r\n", "DATA\r\n", "x\r\n"};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct user u;

		user_open(&u, &plain);
		for (size_t j = 0; j <= i; j++)
			feed(&u, rows[j], 99);
		buf_clear(&u.replies);
		CU_ASSERT_EQUAL(smtp_server_engine.deadline(u.s),
		    (i > 0) + plain.command_timeout);
		smtp_server_engine.timeout(u.s, 1);
		drain(&u);
		CU_ASSERT_STRING_EQUAL(codes(&u), "");
		smtp_server_engine.timeout(u.s, 400000);
		drain(&u);
		CU_ASSERT_STRING_EQUAL(codes(&u), "421");
		CU_ASSERT(smtp_server_engine.finished(u.s));
		CU_ASSERT_EQUAL(u.resets, i >= 2);
		user_close(&u);
	}
}

static void
the_reply_to_the_content_may_come_later(void)
{
	static const struct smtp_reply ok = {250, "2.0.0", "Queued as x\r\ny"};
	struct user u;

	user_open(&u, &plain);
	u.hold = true;
	feed(&u, "EHLO c\r\n", 99);
	feed(&u, PRE_RCPT "DATA\r\n", 99);
	buf_clear(&u.replies);
	feed(&u, "x\r\n.\r\nNOOP\r\nMAIL FROM:<b@c>\r\nRCPT TO:<d@e>\r\n", 5);
	CU_ASSERT_EQUAL(u.replies.len, 0);
	CU_ASSERT(!smtp_server_engine.wants_input(u.s));
	CU_ASSERT_EQUAL(smtp_server_engine.deadline(u.s), MSEC_NEVER);
	smtp_server_data_reply(u.s, &ok, 2);
	drain(&u);
	CU_ASSERT(strstr(buf_cstr(&u.replies),
		      "250 2.0.0 Queued as x??y\r\n") != NULL);
	CU_ASSERT_STRING_EQUAL(codes(&u), "250 250 250 250");
	feed(&u, "RSET\r\n", 99);
	CU_ASSERT_EQUAL(u.resets, 1);
	user_close(&u);
}

static void
a_peer_that_left_gets_no_call_after(void)
{
	static const struct smtp_reply ok = {250, "2.0.0", "Queued"};
	struct err broken = {.code = ERR_SYSTEM, .text = "reset"};
	struct user u;

	user_open(&u, &plain);
	u.hold = true;
	feed(&u, "EHLO c\r\n", 99);
	feed(&u, PRE_RCPT "DATA\r\n", 99);
	feed(&u, "x\r\n.\r\n", 99);
	smtp_server_engine.closed(u.s, &broken, 1);
	CU_ASSERT(smtp_server_engine.finished(u.s));
	smtp_server_data_reply(u.s, &ok, 2);
	CU_ASSERT_EQUAL(u.resets, 0);
	user_close(&u);
	/* half-closed after the dot: the reply still goes out */
	user_open(&u, &plain);
	u.hold = true;
	feed(&u, "EHLO c\r\n", 99);
	feed(&u, PRE_RCPT "DATA\r\n", 99);
	feed(&u, "x\r\n.\r\n", 99);
	buf_clear(&u.replies);
	smtp_server_engine.closed(u.s, NULL, 1);
	CU_ASSERT(!smtp_server_engine.finished(u.s));
	smtp_server_data_reply(u.s, &ok, 2);
	drain(&u);
	CU_ASSERT_STRING_EQUAL(codes(&u), "250");
	CU_ASSERT(smtp_server_engine.finished(u.s));
	user_close(&u);
	/* in the middle of the content: forgotten */
	user_open(&u, &plain);
	feed(&u, "EHLO c\r\n", 99);
	feed(&u, PRE_RCPT "DATA\r\n", 99);
	smtp_server_engine.closed(u.s, NULL, 1);
	CU_ASSERT_EQUAL(u.resets, 1);
	user_close(&u);
}

static void
shutdown_answers_what_is_owed_first(void)
{
	static const struct smtp_reply ok = {250, "2.0.0", "Queued"};
	struct user u;

	user_open(&u, &plain);
	u.hold = true;
	feed(&u, "EHLO c\r\n", 99);
	feed(&u, PRE_RCPT "DATA\r\n", 99);
	feed(&u, "x\r\n.\r\n", 99);
	buf_clear(&u.replies);
	smtp_server_shutdown(u.s);
	CU_ASSERT(!smtp_server_engine.finished(u.s));
	smtp_server_data_reply(u.s, &ok, 2);
	drain(&u);
	CU_ASSERT_STRING_EQUAL(codes(&u), "250 421");
	user_close(&u);
	user_open(&u, &plain);
	smtp_server_shutdown(u.s);
	drain(&u);
	CU_ASSERT_STRING_EQUAL(codes(&u), "421");
	user_close(&u);
}

static void
shutdown_takes_a_content_that_has_begun(void)
{
	struct user u;

	user_open(&u, &plain);
	feed(&u, "EHLO c\r\n", 99);
	feed(&u, PRE_RCPT "DATA\r\n", 99);
	feed(&u, "first\r\n", 99);
	buf_clear(&u.replies);
	smtp_server_shutdown(u.s);
	CU_ASSERT(!smtp_server_engine.finished(u.s));
	CU_ASSERT_EQUAL(u.resets, 0);
	feed(&u, "second\r\n.\r\nMAIL FROM:<b@x.example>\r\n", 99);
	CU_ASSERT_STRING_EQUAL(codes(&u), "250 421");
	CU_ASSERT(smtp_server_engine.finished(u.s));
	user_close(&u);
	/* one that is refused */
	user_open(&u, &plain);
	feed(&u, "EHLO c\r\n", 99);
	feed(&u, PRE_RCPT "DATA\r\n", 99);
	buf_clear(&u.replies);
	smtp_server_shutdown(u.s);
	feed(&u, "bare\nend\r\n.\r\nNOOP\r\n", 99);
	CU_ASSERT_STRING_EQUAL(codes(&u), "550 421");
	CU_ASSERT(smtp_server_engine.finished(u.s));
	user_close(&u);
}

static void
shutdown_takes_a_message_whose_chunks_have_begun(void)
{
	static const struct {
		const char *before, *after, *codes;
	} rows[] = {
	    /* between two chunks; within one; one given up */
	    {"BDAT 3\r\na\r\n", "BDAT 3 LAST\r\nb\r\n", "250 250 421"},
	    {"BDAT 6 LAST\r\na\r\n", "b\r\n", "250 421"},
	    {"BDAT 3\r\na\r\n", "RSET\r\n", "250 250 421"},
	};
	struct smtp_server_params chunks = plain;
	struct user u;

	chunks.extensions = SMTP_EXT_CHUNKING;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		user_open(&u, &chunks);
		feed(&u, "EHLO c\r\n", 99);
		feed(&u, PRE_RCPT, 99);
		buf_clear(&u.replies);
		feed(&u, rows[i].before, 99);
		smtp_server_shutdown(u.s);
		CU_ASSERT(!smtp_server_engine.finished(u.s));
		feed(&u, rows[i].after, 99);
		CU_ASSERT_STRING_EQUAL(codes(&u), rows[i].codes);
		CU_ASSERT(smtp_server_engine.finished(u.s));
		user_close(&u);
	}
}

static void
a_second_shutdown_does_not_wait_for_the_client(void)
{
	struct user u;

	user_open(&u, &plain);
	feed(&u, "EHLO c\r\n", 99);
	feed(&u, PRE_RCPT "DATA\r\n", 99);
	feed(&u, "first\r\n", 99);
	buf_clear(&u.replies);
	smtp_server_shutdown(u.s);
	smtp_server_shutdown(u.s);
	drain(&u);
	CU_ASSERT_STRING_EQUAL(codes(&u), "421");
	CU_ASSERT(smtp_server_engine.finished(u.s));
	CU_ASSERT_EQUAL(u.resets, 1);
	user_close(&u);
}

static void
lmtp_answers_once_per_recipient(void)
{
	static const struct smtp_reply ok = {250, "2.0.0", "Ok"},
				       no = {452, "4.2.2", "Full"};
	struct smtp_server_params p = plain;
	struct user u;

	p.lmtp = true;
	user_open(&u, &p);
	u.hold = true;
	feed(&u, "EHLO c\r\nHELO c\r\n", 99);
	CU_ASSERT_STRING_EQUAL(codes(&u), "500 500");
	feed(&u, "LHLO c\r\n", 99);
	feed(&u, PRE_MAIL "DATA\r\n", 99);
	CU_ASSERT_STRING_EQUAL(codes(&u), "250 250 503");
	feed(&u, "RCPT TO:<a@b>\r\nRCPT TO:<no@a>\r\nRCPT TO:<a@b>\r\nDATA\r\n",
	    99);
	CU_ASSERT_STRING_EQUAL(codes(&u), "250 550 250 354");
	feed(&u, "x\r\n.\r\n", 99);
	smtp_server_data_reply(u.s, &ok, 2);
	smtp_server_data_reply(u.s, &no, 2);
	drain(&u);
	CU_ASSERT_STRING_EQUAL(codes(&u), "250 452");
	CU_ASSERT_STRING_EQUAL(smtp_server_protocol(u.s), "LMTP");
	feed(&u, PRE_RCPT "RCPT TO:<c@d>\r\nDATA\r\n", 99);
	feed(&u, "x\n.\r\n\r\n.\r\n", 99);
	CU_ASSERT_STRING_EQUAL(codes(&u), "250 250 250 354 550 550");
	user_close(&u);
}

static void
the_hello_lists_the_extensions(void)
{
	struct user u;

	user_open(&u, &plain);
	feed(&u, "EHLO my_host.example\r\n", 99);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&u.replies),
	    "250-localhost\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n"
	    "250-8BITMIME\r\n250-DSN\r\n250 ENHANCEDSTATUSCODES\r\n");
	CU_ASSERT_STRING_EQUAL(smtp_server_helo(u.s), "my_host.example");
	CU_ASSERT_STRING_EQUAL(smtp_server_protocol(u.s), "ESMTP");
	buf_clear(&u.replies);
	feed(&u, "HELO b\r\n", 99);
	feed(&u, "MAIL FROM:<a@b> SIZE=1\r\n", 99);
	CU_ASSERT_STRING_EQUAL(codes(&u), "250 555");
	CU_ASSERT_STRING_EQUAL(smtp_server_protocol(u.s), "SMTP");
	user_close(&u);
}

static void
eight_bit_content_is_noticed(void)
{
	struct user u;

	user_open(&u, &plain);
	feed(&u, "EHLO c\r\n", 99);
	feed(&u, PRE_RCPT "DATA\r\n", 99);
	feed(&u, "H: x\r\n\r\nabc\r\nd\xc3\xa9\r\n.\r\n", 99);
	CU_ASSERT(smtp_server_content_8bit(u.s));
	feed(&u, PRE_RCPT "DATA\r\n", 99);
	feed(&u, "x\r\n.\r\n", 99);
	CU_ASSERT(!smtp_server_content_8bit(u.s));
	user_close(&u);
}

void
suite_smtp_server(void)
{
	static CU_TestInfo tests[] = {
	    TEST(each_command_in_each_state_has_its_reply),
	    TEST(a_pipelined_session_reads_the_same_in_any_pieces),
	    TEST(content_is_unstuffed_and_otherwise_untouched),
	    TEST(no_smuggled_end_is_taken_and_the_message_is_refused),
	    TEST(a_huge_command_line_costs_no_memory),
	    TEST(limits_have_their_replies),
	    TEST(recipients_and_errors_are_limited),
	    TEST(who_talks_too_early_is_refused),
	    TEST(every_state_has_its_timeout),
	    TEST(the_reply_to_the_content_may_come_later),
	    TEST(a_peer_that_left_gets_no_call_after),
	    TEST(shutdown_answers_what_is_owed_first),
	    TEST(shutdown_takes_a_content_that_has_begun),
	    TEST(shutdown_takes_a_message_whose_chunks_have_begun),
	    TEST(a_second_shutdown_does_not_wait_for_the_client),
	    TEST(lmtp_answers_once_per_recipient),
	    TEST(the_hello_lists_the_extensions),
	    TEST(eight_bit_content_is_noticed),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("smtp_server", tests);
}
