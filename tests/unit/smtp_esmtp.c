/*
 * The server's extensions: every command of theirs in every state, BDAT in
 * pieces, the parameters of MAIL and RCPT, and the defences.
 */
#include <stdio.h>

#include "tests/unit/smtp_user.h"

#define NOW 1700000000 /* 2023-11-14T22:13:20Z */

static int64_t
wall(void *arg)
{
	(void)arg;
	return NOW;
}

static bool
note_mail(void *arg, const struct smtp_server_mail *m, struct smtp_reply *r)
{
	struct user *u = arg;

	buf_printf(&u->notes, "<%s>", m->from);
	if (m->body_binary)
		buf_puts(&u->notes, " binary");
	if (m->smtputf8)
		buf_puts(&u->notes, " utf8");
	if (m->has_mt_priority)
		buf_printf(&u->notes, " p%d", m->mt_priority);
	if (m->deliver_by_mode != 0)
		buf_printf(&u->notes, " by%lld%c%d",
		    (long long)m->deliver_by - NOW, m->deliver_by_mode,
		    m->deliver_by_trace);
	if (m->hold_until != 0)
		buf_printf(
		    &u->notes, " hold%lld", (long long)m->hold_until - NOW);
	if (m->mtrk != NULL)
		buf_printf(&u->notes, " mtrk=%s", m->mtrk);
	if (m->requiretls)
		buf_puts(&u->notes, " tls");
	if (m->has_mt_priority && m->mt_priority == 9)
		*r = (struct smtp_reply){250, "2.3.6", "0 is less"};
	return true;
}

static bool
note_rcpt(void *arg, const struct smtp_server_rcpt *m, struct smtp_reply *r)
{
	struct user *u = arg;

	(void)r;
	buf_printf(&u->notes, "<%s>", m->to);
	if (m->orcpt != NULL)
		buf_printf(&u->notes, " o=%s", m->orcpt);
	if (m->rrvs_mode != 0)
		buf_printf(
		    &u->notes, " rrvs%lld%c", (long long)m->rrvs, m->rrvs_mode);
	return true;
}

static bool
full_spool(void *arg, struct smtp_reply *r)
{
	(void)arg;
	*r = (struct smtp_reply){452, "4.3.1", "Full"};
	return false;
}

static void
note_vrfy(void *arg, const char *who, struct smtp_reply *r)
{
	buf_printf(&((struct user *)arg)->notes, "V%s;", who);
	*r = (struct smtp_reply){250, "2.1.5", "<joe@a>"};
}

static void
note_expn(void *arg, const char *list, struct smtp_server_lines *x,
    struct smtp_reply *r)
{
	buf_printf(&((struct user *)arg)->notes, "E%s;", list);
	*r = (struct smtp_reply){550, "5.1.1", "No"};
	if (strcmp(list, "two") != 0)
		return;
	smtp_server_line(x, "<joe@a>");
	smtp_server_line(x, "<ann@b>");
}

static bool
trusted(void *arg)
{
	(void)arg;
	return true;
}

static bool
note_xclient(
    void *arg, const struct smtp_server_xclient *x, struct smtp_reply *r)
{
	(void)r;
	buf_printf(&((struct user *)arg)->notes, "X%s,%s,%s,%s;",
	    x->address != NULL ? x->address : "-",
	    x->port != NULL ? x->port : "-", x->helo != NULL ? x->helo : "-",
	    x->login != NULL ? x->login : "-");
	return true;
}

static const struct smtp_server_ops all_ops = {
    .mail = note_mail,
    .rcpt = note_rcpt,
    .data_begin = on_data_begin,
    .data = on_data,
    .data_end = on_data_end,
    .reset = on_reset,
    .wall = wall,
    .vrfy = note_vrfy,
    .expn = note_expn,
    .xclient_trusted = trusted,
    .xclient = note_xclient,
};

static struct smtp_server_params
everything(void)
{
	struct smtp_server_params p = SMTP_SERVER_PARAMS_DEFAULT;

	p.extensions = SMTP_EXT_ALL;
	p.future_release_max = 86400;
	p.deliver_by_min = 60;
	p.priority_profile = "STANAG4406";
	return p;
}

static void
open_with(struct user *u, const struct smtp_server_params *p,
    const struct smtp_server_ops *ops)
{
	*u = (struct user){0};
	u->s = smtp_server_new(p, ops, u, 0);
	drain(u);
	feed(u, "EHLO c\r\n", 99);
	buf_clear(&u->replies);
}

static void
the_hello_lists_what_is_offered(void)
{
	struct smtp_server_params p = everything();
	struct user u;

	user_open(&u, &p); /* whose user has no clock */
	feed(&u, "EHLO c\r\n", 99);
	CU_ASSERT(strstr(buf_cstr(&u.replies), "FUTURERELEASE") == NULL);
	CU_ASSERT(strstr(buf_cstr(&u.replies), "DELIVERBY") == NULL);
	CU_ASSERT(strstr(buf_cstr(&u.replies), "XCLIENT") == NULL);
	user_close(&u);
	p.tls_from_start = true;
	u = (struct user){0};
	u.s = smtp_server_new(&p, &all_ops, &u, 0);
	drain(&u);
	buf_clear(&u.replies);
	feed(&u, "EHLO c\r\n", 99);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&u.replies),
	    "250-localhost\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n"
	    "250-8BITMIME\r\n250-DSN\r\n250-CHUNKING\r\n250-BINARYMIME\r\n"
	    "250-SMTPUTF8\r\n250-MT-PRIORITY STANAG4406\r\n"
	    "250-DELIVERBY 60\r\n"
	    "250-FUTURERELEASE 86400 2023-11-15T22:13:20Z\r\n250-MTRK\r\n"
	    "250-RRVS\r\n250-REQUIRETLS\r\n"
	    "250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN\r\n"
	    "250 ENHANCEDSTATUSCODES\r\n");
	user_close(&u);
}

/* What is not offered is not known either. */
static void
without_an_extension_its_parts_are_unknown(void)
{
	static const struct {
		const char *command, *expect;
	} rows[] = {{"MAIL FROM:<a@b> SMTPUTF8", "555"},
	    {"MAIL FROM:<a@b> BODY=BINARYMIME", "501"},
	    {"MAIL FROM:<a@b> MT-PRIORITY=1", "555"},
	    {"MAIL FROM:<a@b> BY=9;R", "555"},
	    {"MAIL FROM:<a@b> HOLDFOR=1", "555"},
	    {"MAIL FROM:<a@b> MTRK=x", "555"},
	    {"MAIL FROM:<a@b> REQUIRETLS", "555"},
	    {"MAIL FROM:<\xc3\xa4@b>", "501"}, {"BDAT 0 LAST", "502"},
	    {"EXPN x", "502"}, {"ETRN x", "502"}, {"SEND FROM:<a@b>", "502"},
	    {"XCLIENT ADDR=1.2.3.4", "550"}, {"VRFY x", "252"}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct user u;

		user_open(&u, &plain);
		feed(&u, "EHLO c\r\n", 99);
		buf_clear(&u.replies);
		feed(&u, rows[i].command, 1);
		feed(&u, "\r\n", 2);
		CU_ASSERT_STRING_EQUAL(codes(&u), rows[i].expect);
		user_close(&u);
	}
}

static void
each_command_in_each_state_has_its_reply(void)
{
	static const char *const before[] = {"", "EHLO c\r\n", PRE_MAIL,
	    "RCPT TO:<ann@b>\r\n", "BDAT 3\r\nx\r\n"};
	static const struct {
		const char *command;
		int code[5]; /* start, ready, mail, rcpt, between chunks */
	} rows[] = {
	    {"BDAT 1\r\nx", {503, 503, 503, 250, 250}},
	    {"BDAT 3 LAST\r\nx\r\n", {503, 503, 503, 250, 250}},
	    {"bdat 0 last\r\n", {503, 503, 503, 250, 250}},
	    {"BDAT 0\r\n", {503, 503, 503, 250, 250}},
	    {"BDAT\r\n", {501, 501, 501, 501, 501}},
	    {"BDAT x\r\n", {501, 501, 501, 501, 501}},
	    {"BDAT 1 FIRST\r\n", {501, 501, 501, 501, 501}},
	    {"BDAT 1LAST\r\n", {501, 501, 501, 501, 501}},
	    {"BDAT -1\r\n", {501, 501, 501, 501, 501}},
	    {"BDAT 9999999999999999999\r\n", {501, 501, 501, 501, 501}},
	    {"DATA\r\n", {503, 503, 503, 354, 503}},
	    {"MAIL FROM:<a@b>\r\n", {503, 250, 503, 503, 503}},
	    {"RCPT TO:<a@b>\r\n", {503, 503, 250, 250, 503}},
	    {"RSET\r\n", {250, 250, 250, 250, 250}},
	    {"EHLO c\r\n", {250, 250, 250, 250, 250}},
	    {"NOOP\r\n", {250, 250, 250, 250, 250}},
	    {"HELP\r\n", {214, 214, 214, 214, 214}},
	    {"VRFY joe\r\n", {250, 250, 250, 250, 250}},
	    {"VRFY\r\n", {501, 501, 501, 501, 501}},
	    {"VRFY j\xc3\xb6\r\n", {553, 553, 553, 553, 553}},
	    {"VRFY j\xc3\xb6 SMTPUTF8\r\n", {250, 250, 250, 250, 250}},
	    {"EXPN two\r\n", {250, 250, 250, 250, 250}},
	    {"EXPN none\r\n", {550, 550, 550, 550, 550}},
	    {"EXPN\r\n", {501, 501, 501, 501, 501}},
	    {"ETRN a\r\n", {502, 502, 502, 502, 502}},
	    {"SOML FROM:<a@b>\r\n", {502, 502, 502, 502, 502}},
	    {"STARTTLS\r\n", {502, 502, 503, 503, 503}},
	    {"XCLIENT ADDR=1.2.3.4\r\n", {220, 220, 503, 503, 503}},
	    {"XCLIENT\r\n", {501, 501, 503, 503, 503}},
	    {"XCLIENT X=1\r\n", {501, 501, 503, 503, 503}},
	    {"XCLIENT ADDR=1.2.3.4 ADDR=1.2.3.4\r\n",
		{501, 501, 503, 503, 503}},
	    {"XCLIENT HELO=a+20b\r\n", {501, 501, 503, 503, 503}},
	    {"QUIT\r\n", {221, 221, 221, 221, 221}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t j = 0; j < 10; j++) {
			struct smtp_server_params p = everything();
			size_t step = j < 5 ? 4096 : 1;
			char expect[8];
			struct user u = {0};

			u.s = smtp_server_new(&p, &all_ops, &u, 0);
			drain(&u);
			for (size_t k = 0; k <= j % 5; k++)
				feed(&u, before[k], 4096);
			buf_clear(&u.replies);
			feed(&u, rows[i].command, step);
			snprintf(
			    expect, sizeof(expect), "%d", rows[i].code[j % 5]);
			CU_ASSERT_STRING_EQUAL(codes(&u), expect);
			user_close(&u);
		}
}

static void
parameters_are_taken_or_refused(void)
{
	static const struct {
		const char *command;
		const char *expect; /* a code, or what the user is told */
	} rows[] = {
	    {"MAIL FROM:<a@b> BODY=BINARYMIME", "<a@b> binary"},
	    {"MAIL FROM:<a@b> SMTPUTF8", "<a@b> utf8"},
	    {"MAIL FROM:<a@b> SMTPUTF8=1", "501"},
	    {"MAIL FROM:<j\xc3\xb6@b\xc3\xbc.x> SMTPUTF8",
		"<j\xc3\xb6@b\xc3\xbc.x> utf8"},
	    {"MAIL FROM:<\"j \xc3\xb6\"@b> SMTPUTF8",
		"<\"j \xc3\xb6\"@b> utf8"},
	    {"MAIL FROM:<j\xc3\xb6@b>", "550"},
	    {"MAIL FROM:<j\xc3@b> SMTPUTF8", "501"},
	    {"MAIL FROM:<j\xc0\xaf@b> SMTPUTF8", "501"},
	    {"MAIL FROM:<j\xed\xa0\x80@b> SMTPUTF8", "501"},
	    {"MAIL FROM:<a@b> MT-PRIORITY=3", "<a@b> p3"},
	    {"MAIL FROM:<a@b> MT-PRIORITY=-9", "<a@b> p-9"},
	    {"MAIL FROM:<a@b> MT-PRIORITY=-0", "501"},
	    {"MAIL FROM:<a@b> MT-PRIORITY=10", "501"},
	    {"MAIL FROM:<a@b> MT-PRIORITY=+1", "501"},
	    {"MAIL FROM:<a@b> MT-PRIORITY=1 MT-PRIORITY=1", "501"},
	    {"MAIL FROM:<a@b> BY=120;R", "<a@b> by120R0"},
	    {"MAIL FROM:<a@b> BY=+120;rt", "<a@b> by120R1"},
	    {"MAIL FROM:<a@b> BY=-5;NT", "<a@b> by-5N1"},
	    {"MAIL FROM:<a@b> BY=0;N", "<a@b> by0N0"},
	    {"MAIL FROM:<a@b> BY=0;R", "501"},
	    {"MAIL FROM:<a@b> BY=-5;R", "501"},
	    {"MAIL FROM:<a@b> BY=59;R", "555"},
	    {"MAIL FROM:<a@b> BY=120", "501"},
	    {"MAIL FROM:<a@b> BY=120;", "501"},
	    {"MAIL FROM:<a@b> BY=120;X", "501"},
	    {"MAIL FROM:<a@b> BY=120;RX", "501"},
	    {"MAIL FROM:<a@b> BY=1234567890;R", "501"},
	    {"MAIL FROM:<a@b> HOLDFOR=100", "<a@b> hold100"},
	    {"MAIL FROM:<a@b> HOLDFOR=86401", "501"},
	    {"MAIL FROM:<a@b> HOLDUNTIL=2023-11-15T00:13:20+01:00",
		"<a@b> hold3600"},
	    {"MAIL FROM:<a@b> HOLDUNTIL=2023-11-16T22:13:20Z", "501"},
	    {"MAIL FROM:<a@b> HOLDUNTIL=2023-02-29T22:13:20Z", "501"},
	    {"MAIL FROM:<a@b> HOLDFOR=1 HOLDUNTIL=2023-11-15T00:00:00Z", "501"},
	    {"MAIL FROM:<a@b> HOLDFOR=100 BY=100;R", "501"},
	    {"MAIL FROM:<a@b> HOLDFOR=100 BY=101;R", "<a@b> by101R0 hold100"},
	    {"MAIL FROM:<a@b> MTRK=AAAAAAAAAAAAAAAAAAAAAAAAAAA:99 ENVID=e",
		"<a@b> mtrk=AAAAAAAAAAAAAAAAAAAAAAAAAAA:99"},
	    {"MAIL FROM:<a@b> MTRK=AAAAAAAAAAAAAAAAAAAAAAAAAAA+3D ENVID=e",
		"<a@b> mtrk=AAAAAAAAAAAAAAAAAAAAAAAAAAA+3D"},
	    {"MAIL FROM:<a@b> MTRK=AAAAAAAAAAAAAAAAAAAAAAAAAAA", "501"},
	    {"MAIL FROM:<a@b> MTRK=AAAA ENVID=e", "501"},
	    {"MAIL FROM:<a@b> MTRK=AAAAAAAAAAAAAAAAAAAAAAAAAAA:x ENVID=e",
		"501"},
	    {"MAIL FROM:<a@b> REQUIRETLS", "555"},
	    {"RCPT TO:<c@d> RRVS=2014-04-03T23:01:00Z",
		"<c@d> rrvs1396566060R"},
	    {"RCPT TO:<c@d> RRVS=2014-04-03T23:01:00Z;C",
		"<c@d> rrvs1396566060C"},
	    {"RCPT TO:<c@d> RRVS=2014-04-03T23:01:00.5Z", "501"},
	    {"RCPT TO:<c@d> RRVS=2014-04-03T23:01:00Z;X", "501"},
	    {"RCPT TO:<c@d> RRVS=2014-04-03", "501"},
	    {"RCPT TO:<\xc3\xa9@d>", "553"},
	    {"RCPT TO:<c@d> ORCPT=utf-8;\\x{E9}+x", "<c@d> o=utf-8;\xc3\xa9+x"},
	    {"RCPT TO:<c@d> ORCPT=utf-8;\\x{D800}", "501"},
	    {"RCPT TO:<c@d> ORCPT=utf-8;\\x{}", "501"},
	    {"RCPT TO:<c@d> ORCPT=utf-8;\xc3\xa9", "553"},
	    {"RCPT TO:<c@d> ORCPT=rfc822;\xc3\xa9", "501"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct smtp_server_params p = everything();
		bool refused = rows[i].expect[0] == '5';
		struct user u;

		open_with(&u, &p, &all_ops);
		if (rows[i].command[0] == 'R')
			feed(&u, PRE_MAIL, 99);
		buf_clear(&u.replies);
		buf_clear(&u.notes);
		feed(&u, rows[i].command, 99);
		feed(&u, "\r\n", 2);
		CU_ASSERT_STRING_EQUAL(
		    codes(&u), refused ? rows[i].expect : "250");
		CU_ASSERT_STRING_EQUAL(
		    buf_cstr(&u.notes), refused ? "" : rows[i].expect);
		user_close(&u);
	}
}

static void
utf8_recipients_need_smtputf8_in_mail(void)
{
	struct smtp_server_params p = everything();
	struct user u;

	open_with(&u, &p, &all_ops);
	feed(&u,
	    "MAIL FROM:<a@b> SMTPUTF8\r\n"
	    "RCPT TO:<\xc3\xa9@d> ORCPT=utf-8;\xc3\xa9@d\r\n",
	    7);
	CU_ASSERT_STRING_EQUAL(codes(&u), "250 250");
	CU_ASSERT_STRING_EQUAL(smtp_server_protocol(u.s), "UTF8SMTP");
	feed(&u, "RSET\r\n", 9);
	CU_ASSERT_STRING_EQUAL(smtp_server_protocol(u.s), "ESMTP");
	user_close(&u);
}

static void
the_user_may_word_its_consent(void)
{
	struct smtp_server_params p = everything();
	struct user u;

	open_with(&u, &p, &all_ops);
	feed(&u, "MAIL FROM:<a@b> MT-PRIORITY=9\r\n", 99);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&u.replies), "250 2.3.6 0 is less\r\n");
	user_close(&u);
}

/* --- BDAT --- */

/* RFC 3030 4.2 and 4.3 in our words: pipelined, in any pieces. */
static void
chunks_make_one_content_as_they_came(void)
{
	static const struct {
		const char *mail, *sent, *content;
	} rows[] = {
	    {"", "BDAT 9 LAST\r\n.\r\n..\r\na\r", NULL},
	    {"", "BDAT 10 LAST\r\n.\r\n..\r\na\r\n", ".\r\n..\r\na\r\n"},
	    {"", "BDAT 4\r\na: bBDAT 4\r\n\r\n\r\nBDAT 3 LAST\r\nabc",
		"a: b\r\n\r\nabc"},
	    {"", "BDAT 2\r\na\rBDAT 1\r\n\nBDAT 0 LAST\r\n", "a\r\n"},
	    {"", "BDAT 5 LAST\r\nDATA\n", NULL},
	    {" BODY=BINARYMIME", "BDAT 12 LAST\r\na: b\r\n\r\n\n\r\n\r",
		"a: b\r\n\r\n\n\r\n\r"},
	    {" BODY=BINARYMIME", "BDAT 5 LAST\r\na: b\n", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t step = 1; step < 40; step++) {
			struct smtp_server_params p = everything();
			struct user u;

			open_with(&u, &p, &all_ops);
			feed(&u, "MAIL FROM:<a@b>", 99);
			feed(&u, rows[i].mail, 99);
			feed(&u, "\r\nRCPT TO:<c@d>\r\n", 99);
			feed(&u, rows[i].sent, step);
			(void)codes(&u);
			CU_ASSERT_EQUAL(u.ends, rows[i].content != NULL);
			if (rows[i].content != NULL)
				CU_ASSERT_STRING_EQUAL(
				    buf_cstr(&u.content), rows[i].content);
			/* nothing of it was a command */
			feed(&u, "NOOP\r\n", step);
			CU_ASSERT_STRING_EQUAL(codes(&u), "250");
			user_close(&u);
		}
}

static void
a_refused_chunk_is_dropped_to_its_end(void)
{
	static const struct {
		const char *sent, *expect;
	} rows[] = {
	    /* no transaction, no recipient */
	    {"BDAT 6\r\nQUIT\r\nNOOP\r\n", "503 250"},
	    {PRE_MAIL "BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n", "250 503 250"},
	    /* too big: as declared, and what was pipelined after it */
	    {PRE_RCPT "BDAT 12\r\n123456789012BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n",
		"250 250 552 503 250"},
	    {PRE_RCPT "BDAT 6\r\n1234\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n",
		"250 250 250 552 250"},
	    /* BINARYMIME is not for DATA, nor DATA for after BDAT */
	    {"MAIL FROM:<a@b> BODY=BINARYMIME\r\nRCPT TO:<c@d>\r\nDATA\r\n",
		"250 250 503"},
	    {PRE_RCPT "BDAT 2\r\n\r\nDATA\r\nRSET\r\n" PRE_MAIL,
		"250 250 250 503 250 250"},
	    /* after LAST */
	    {PRE_RCPT "BDAT 2 LAST\r\n\r\nBDAT 6\r\nQUIT\r\nNOOP\r\n",
		"250 250 250 503 250"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t step = 1; step < 50; step += 7) {
			struct smtp_server_params p = everything();
			struct user u;

			p.size_max = 10;
			open_with(&u, &p, &all_ops);
			/* DATA is the last of its group */
			feed(&u, rows[i].sent,
			    strstr(rows[i].sent, "DATA") != NULL ? 1 : step);
			CU_ASSERT_STRING_EQUAL(codes(&u), rows[i].expect);
			user_close(&u);
		}
}

static void
a_chunk_meets_the_spool_tls_and_auth(void)
{
	struct smtp_server_ops ops = all_ops;
	struct smtp_server_params p = everything();
	struct user u;

	ops.data_begin = full_spool;
	open_with(&u, &p, &ops);
	feed(&u, PRE_RCPT "BDAT 6\r\nQUIT\r\nNOOP\r\n", 9);
	CU_ASSERT_STRING_EQUAL(codes(&u), "250 250 452 250");
	CU_ASSERT_EQUAL(u.resets, 1);
	user_close(&u);
	p.lmtp = true;
	u = (struct user){0};
	u.s = smtp_server_new(&p, &all_ops, &u, 0);
	drain(&u);
	feed(&u, "LHLO c\r\n", 99);
	feed(&u, PRE_RCPT "RCPT TO:<x@y>\r\nBDAT 1\r\nx", 9);
	(void)codes(&u);
	feed(&u, "BDAT 2 LAST\r\n\r\n", 3);
	CU_ASSERT_STRING_EQUAL(codes(&u), "250 250");
	feed(&u, PRE_RCPT "RCPT TO:<x@y>\r\nBDAT 1 LAST\r\n\n", 9);
	CU_ASSERT_STRING_EQUAL(codes(&u), "250 250 250 550 550");
	user_close(&u);
}

static void
a_connection_lost_in_a_chunk_ends_the_transaction(void)
{
	static const char *const rows[] = {PRE_RCPT "BDAT 9\r\nx",
	    PRE_RCPT "BDAT 1\r\nx", PRE_MAIL "BDAT 9\r\nx", "BDAT 9\r\nx"};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct smtp_server_params p = everything();
		struct user u;

		open_with(&u, &p, &all_ops);
		feed(&u, rows[i], 99);
		smtp_server_engine.closed(u.s, NULL, 5);
		CU_ASSERT(smtp_server_engine.finished(u.s));
		CU_ASSERT_EQUAL(u.resets, i < 3);
		user_close(&u);
	}
}

/* --- defences --- */

static void
bare_line_ends_are_made_whole_where_that_is_wanted(void)
{
	static const struct {
		const char *sent, *content;
	} rows[] = {
	    {"a\nb\rc\r\n.\r\n", "a\r\nb\r\nc\r\n"},
	    /* no end but the true one, and dots stay what they were */
	    {"a\n.\nQUIT\n.\r\n.x\r\n.\r\n", "a\r\n.\r\nQUIT\r\n.\r\nx\r\n"},
	    {"a\r.\r\n..\r\n.\r\n", "a\r\n.\r\n.\r\n"},
	    {"a\r\n.\rb\r\n.\r\n", "a\r\n\r\nb\r\n"},
	    {"a\r\r\n.\r\n", "a\r\n\r\n"},
	    {"\n\n.\n\r\n.\r\n", "\r\n\r\n.\r\n\r\n"},
	    {"a\r\n.\n\r\n.\r\n", "a\r\n\r\n\r\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t step = 1; step < 30; step++) {
			struct smtp_server_params p = everything();
			struct user u;

			p.repair_lines = true;
			open_with(&u, &p, &all_ops);
			feed(&u, PRE_RCPT "DATA\r\n", 99);
			feed(&u, rows[i].sent, step);
			CU_ASSERT_EQUAL(u.ends, 1);
			CU_ASSERT_STRING_EQUAL(
			    buf_cstr(&u.content), rows[i].content);
			user_close(&u);
		}
}

static void
content_has_a_lowest_rate(void)
{
	struct smtp_server_params p = everything();
	struct user u;

	p.data_rate_min = 10;
	p.data_grace = 1000;
	p.data_timeout = 300000;
	open_with(&u, &p, &all_ops);
	feed(&u, PRE_RCPT "DATA\r\n", 99);
	CU_ASSERT_EQUAL(smtp_server_engine.deadline(u.s), 1 + 1000);
	feed(&u, "0123456789", 1);
	CU_ASSERT_EQUAL(smtp_server_engine.deadline(u.s), 1 + 1000 + 1000);
	smtp_server_engine.timeout(u.s, 2001);
	drain(&u);
	CU_ASSERT_STRING_EQUAL(codes(&u), "250 250 354 421");
	user_close(&u);
	open_with(&u, &p, &all_ops);
	feed(&u, "BDAT 99\r\n0123456789", 99); /* dropped, and counted too */
	CU_ASSERT_EQUAL(smtp_server_engine.deadline(u.s), 1 + 1000 + 1000);
	user_close(&u);
}

static void
xclient_begins_the_session_anew(void)
{
	struct smtp_server_params p = everything();
	struct user u;

	open_with(&u, &p, &all_ops);
	feed(&u,
	    "XCLIENT ADDR=IPV6:2001:db8::1 PORT=25 HELO=h.example"
	    " LOGIN=joe NAME=[UNAVAILABLE]\r\n",
	    5);
	CU_ASSERT_STRING_EQUAL(codes(&u), "220");
	CU_ASSERT_STRING_EQUAL(
	    buf_cstr(&u.notes), "XIPV6:2001:db8::1,25,h.example,joe;");
	CU_ASSERT_STRING_EQUAL(smtp_server_user(u.s), "joe");
	feed(&u, PRE_MAIL, 99);
	CU_ASSERT_STRING_EQUAL(codes(&u), "503");
	user_close(&u);
}

static void
replies_of_several_lines_are_well_formed(void)
{
	struct smtp_server_params p = everything();
	struct user u;

	open_with(&u, &p, &all_ops);
	feed(&u, "EXPN two\r\n", 99);
	CU_ASSERT_STRING_EQUAL(
	    buf_cstr(&u.replies), "250-2.1.5 <joe@a>\r\n250 2.1.5 <ann@b>\r\n");
	buf_clear(&u.replies);
	feed(&u, "HELP\r\n", 99);
	CU_ASSERT(strncmp(buf_cstr(&u.replies), "214-2.0.0 EHLO ", 15) == 0);
	CU_ASSERT_STRING_EQUAL(codes(&u), "214");
	user_close(&u);
}

void
suite_smtp_esmtp(void)
{
	static CU_TestInfo tests[] = {
	    TEST(the_hello_lists_what_is_offered),
	    TEST(without_an_extension_its_parts_are_unknown),
	    TEST(each_command_in_each_state_has_its_reply),
	    TEST(parameters_are_taken_or_refused),
	    TEST(utf8_recipients_need_smtputf8_in_mail),
	    TEST(the_user_may_word_its_consent),
	    TEST(chunks_make_one_content_as_they_came),
	    TEST(a_refused_chunk_is_dropped_to_its_end),
	    TEST(a_chunk_meets_the_spool_tls_and_auth),
	    TEST(a_connection_lost_in_a_chunk_ends_the_transaction),
	    TEST(bare_line_ends_are_made_whole_where_that_is_wanted),
	    TEST(content_has_a_lowest_rate),
	    TEST(xclient_begins_the_session_anew),
	    TEST(replies_of_several_lines_are_well_formed),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("smtp_esmtp", tests);
}
