#include "mixer/mixer.h"

#include "p1/ext.h"
#include "tests/unit/mixer_fixture.h"
#include "tests/unit/unit.h"

/* The line, however it was folded. */
static void
expect(const char *text, const char *line)
{
	char *flat = strdup(text != NULL ? text : ""), *w = flat;

	for (const char *p = flat; *p != '\0'; p++)
		if (strncmp(p, "\r\n ", 3) == 0)
			p++;
		else
			*w++ = *p;
	*w = '\0';
	if (strstr(flat, line) == NULL)
		printf("\nmissing: %s\nin:\n%s\n", line, flat);
	CU_ASSERT_PTR_NOT_NULL(strstr(flat, line));
	free(flat);
}

/* A message from the Internet to two recipients. */
static struct mhs_envelope *
internet(struct fixture *f)
{
	struct mhs_envelope *env = mhs_envelope_new(f->a, MHS_MESSAGE);
	struct mhs_recipient *r;

	env->content_type = MHS_CONTENT_RFC822;
	env->originator.mailbox = "alice@alpha.example";
	env->envid = "QQ314159";
	r = mhs_recipient_add(f->a, env);
	r->name.mailbox = "bob@bravo.example";
	r->notify = MHS_NOTIFY_SUCCESS | MHS_NOTIFY_FAILURE;
	r = mhs_recipient_add(f->a, env);
	r->name.mailbox = "carol@bravo.example";
	r->notify = MHS_NOTIFY_NEVER;
	return env;
}

static const char text[] =
    "Received: from c.example by relay.bravo.example with ESMTP id 1;\r\n"
    "\tSat, 21 Nov 2026 12:00:05 +0000\r\n"
    "Received: from laptop (by the way) by c.example;\r\n"
    "\tSat, 21 Nov 2026 12:00:01 +0000\r\n"
    "Date: Sat, 21 Nov 2026 13:00:00 +0100\r\n"
    "From: alice@alpha.example\r\n"
    "To: bob@bravo.example\r\n"
    "Subject: A useful message again\r\n"
    "Priority: urgent\r\n"
    "Conversion: Prohibited\r\n"
    "Message-ID: <1@alpha.example>\r\n"
    "\r\n"
    "Hello.\r\n";

static struct mhs_envelope *
to_x400(struct fixture *f, struct buf *p22)
{
	struct mhs_envelope *out = NULL;

	if (mixer_to_x400(f->a, &f->c, internet(f), (const uint8_t *)text,
		sizeof(text) - 1, FIXTURE_NOW, &out, p22, &f->losses,
		&f->e) < 0)
		printf("\n%s\n", f->e.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	return out;
}

static void
the_envelope_becomes_one_of_x400(void)
{
	struct mixer_eits eits;
	struct buf p22 = {0};
	struct fixture f;
	struct mhs_envelope *o;

	fixture_open(&f);
	o = to_x400(&f, &p22);
	CU_ASSERT_EQUAL(o->content_type, MHS_CONTENT_P22);
	CU_ASSERT_EQUAL(o->priority, MHS_URGENT);
	CU_ASSERT(o->implicit_conversion_prohibited);
	CU_ASSERT(o->alternate_recipient_allowed);
	CU_ASSERT(o->content_return_request);
	CU_ASSERT_STRING_EQUAL(o->content_identifier, "A useful mess...");
	CU_ASSERT_STRING_EQUAL(o->id.domain.admd, "ALPHA");
	CU_ASSERT_STRING_EQUAL(o->id.local, "<1@alpha.example>");
	CU_ASSERT_STRING_EQUAL(mhs_or_slash(f.a, o->originator.ora),
	    "/RFC-822=alice(a)alpha.example/ADMD=ALPHA/C=XX/");
	CU_ASSERT_STRING_EQUAL(mhs_or_slash(f.a, o->recipients[0].name.ora),
	    "/S=bob/O=Bravo/ADMD=BRAVO/C=XX/");
	CU_ASSERT_EQUAL(o->recipients[0].originator_report, MHS_REPORT_DR);
	CU_ASSERT_EQUAL(o->recipients[1].originator_report, MHS_REPORT_NONE);
	CU_ASSERT_EQUAL(o->recipients[1].number, 2);
	CU_ASSERT_EQUAL(mixer_eits_decode(f.a, o->original_eits,
			    o->original_eits_n, &eits, NULL),
	    0);
	CU_ASSERT_EQUAL(eits.builtin, 1u << 2);
	CU_ASSERT_EQUAL_FATAL(eits.n_oids, 1);
	CU_ASSERT_STRING_EQUAL(eits.oids[0], MIXER_OID_EIT_MIXER);
	CU_ASSERT_STRING_EQUAL(
	    mixer_correlator(f.a, &o->exts), "SMTP/NOTARY ENVID: QQ314159");
	buf_free(&p22);
	fixture_close(&f);
}

static void
date_and_received_become_trace(void)
{
	struct buf p22 = {0};
	struct fixture f;
	struct mhs_envelope *o;

	fixture_open(&f);
	o = to_x400(&f, &p22);
	/* Date; c.example (ours, internal); bravo (external and internal);
	 * our conversion (external and internal) */
	CU_ASSERT_EQUAL_FATAL(o->n_trace, 6);
	CU_ASSERT(!o->trace[0].internal);
	CU_ASSERT_EQUAL(o->trace[0].arrival, 1795262400);
	CU_ASSERT_STRING_EQUAL(o->trace[0].domain.admd, "ALPHA");
	CU_ASSERT(o->trace[1].internal);
	CU_ASSERT_STRING_EQUAL(o->trace[1].mta, "c.example");
	CU_ASSERT(!o->trace[2].internal);
	CU_ASSERT_STRING_EQUAL(o->trace[2].domain.admd, "BRAVO");
	CU_ASSERT_STRING_EQUAL(o->trace[3].mta, "relay.bravo.example");
	CU_ASSERT_STRING_EQUAL(o->trace[4].domain.admd, "ALPHA");
	CU_ASSERT_PTR_NOT_NULL(o->trace[4].converted_eits);
	CU_ASSERT_EQUAL(o->trace[4].arrival, FIXTURE_NOW);
	buf_free(&p22);
	fixture_close(&f);
}

static void
as_mail(struct fixture *f, const struct mhs_envelope *o, const struct buf *p22,
    struct mhs_envelope **back, struct buf *out)
{
	CU_ASSERT_EQUAL(mixer_to_rfc822(f->a, &f->c, o, p22->data, p22->len,
			    FIXTURE_NOW, back, out, &f->losses, &f->e),
	    0);
}

/* subject NULL: it does not come back. */
static void
as_dsn(struct fixture *f, const struct mhs_envelope *report,
    const struct buf *subject, struct mhs_envelope **o, struct buf *out)
{
	CU_ASSERT_EQUAL(mixer_report_to_dsn(f->a, &f->c, report,
			    subject != NULL ? subject->data : NULL,
			    subject != NULL ? subject->len : 0, FIXTURE_NOW, o,
			    out, &f->losses, &f->e),
	    0);
}

static void
the_message_comes_back_with_what_the_envelope_said(void)
{
	struct buf p22 = {0}, out = {0};
	struct mhs_envelope *o, *back = NULL;
	struct fixture f;
	const char *s;

	fixture_open(&f);
	o = to_x400(&f, &p22);
	as_mail(&f, o, &p22, &back, &out);
	s = buf_cstr(&out);
	expect(s,
	    "Received: from alpha by mta.alpha.example (MIXER "
	    "Conversion following RFC 2156);");
	expect(s,
	    "X400-Received: by mta \"relay.bravo.example\" in "
	    "/ADMD=BRAVO/C=XX/; Relayed;");
	expect(s, "converted (IA5-Text, (1) (3) (6) (1) (7) (1) (3) (5));");
	expect(s, "Date: Sat, 21 Nov 2026 12:00:00 +0000");
	expect(s, "X400-Originator: alice@alpha.example");
	expect(s,
	    "X400-MTS-Identifier: [/ADMD=ALPHA/C=XX/;"
	    "<1@alpha.example>]");
	expect(s, "X400-Content-Type: P2-1988 (22)");
	expect(s, "Original-Encoded-Information-Types: IA5-Text");
	expect(s, "X400-Content-Identifier: A useful mess...");
	expect(s, "Priority: urgent");
	expect(s, "Conversion: Prohibited");
	expect(s, "From: alice@alpha.example");
	expect(s, "Message-ID: <1@alpha.example>");
	CU_ASSERT_PTR_NULL(strstr(s, "X400-Recipients"));
	CU_ASSERT_PTR_NOT_NULL_FATAL(back);
	CU_ASSERT_STRING_EQUAL(back->originator.mailbox, "alice@alpha.example");
	CU_ASSERT_STRING_EQUAL(
	    back->recipients[1].name.mailbox, "carol@bravo.example");
	CU_ASSERT_EQUAL(back->recipients[0].notify,
	    MHS_NOTIFY_SUCCESS | MHS_NOTIFY_FAILURE);
	CU_ASSERT_EQUAL(back->recipients[1].notify, MHS_NOTIFY_NEVER);
	CU_ASSERT_EQUAL(back->ret, 'F');
	/* for the reports on it */
	s = mixer_correlator(f.a, &back->exts);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	CU_ASSERT_STRING_EQUAL(s, "SMTP/NOTARY ENVID: QQ314159");
	buf_free(&p22);
	buf_free(&out);
	fixture_close(&f);
}

static void
the_null_sender_asks_for_no_report_and_comes_back(void)
{
	struct buf p22 = {0}, out = {0};
	struct mhs_envelope *env, *o = NULL, *back = NULL;
	struct fixture f;

	fixture_open(&f);
	env = internet(&f);
	env->originator.mailbox = "";
	env->recipients[1].notify = 0;
	CU_ASSERT_EQUAL(
	    mixer_to_x400(f.a, &f.c, env, (const uint8_t *)text,
		sizeof(text) - 1, FIXTURE_NOW, &o, &p22, &f.losses, &f.e),
	    0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	CU_ASSERT_PTR_NOT_NULL(o->originator.ora);
	for (size_t i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(
		    o->recipients[i].originator_report, MHS_REPORT_NONE);
		CU_ASSERT_EQUAL(o->recipients[i].mta_report, MHS_REPORT_NONE);
	}
	o->originator.mailbox = NULL;
	as_mail(&f, o, &p22, &back, &out);
	CU_ASSERT_PTR_NOT_NULL_FATAL(back);
	CU_ASSERT_STRING_EQUAL(back->originator.mailbox, "");
	/* a postmaster who wants to be told is one */
	buf_clear(&out);
	o->recipients[1].mta_report = MHS_REPORT_NDR;
	as_mail(&f, o, &p22, &back, &out);
	CU_ASSERT_STRING_EQUAL(
	    back->originator.mailbox, "postmaster@alpha.example");
	buf_free(&p22);
	buf_free(&out);
	fixture_close(&f);
}

static void
extensions_without_an_equivalent_are_named(void)
{
	static const uint8_t null[] = {5, 0};
	struct mhs_ext x = {
	    .oid = "1.3.26.0.4406.0.8.0", .type = -1, .value = null, .n = 2};
	struct mhs_envelope *o, *back = NULL;
	struct buf p22 = {0}, out = {0};
	struct fixture f;

	fixture_open(&f);
	o = to_x400(&f, &p22);
	o->exts = (struct mhs_exts){&x, 1};
	as_mail(&f, o, &p22, &back, &out);
	expect(buf_cstr(&out), "Discarded-X400-MTS-Extensions: (1) (3) (26)");
	buf_free(&p22);
	buf_free(&out);
	fixture_close(&f);
}

static void
loops_through_gateways_end(void)
{
	struct buf in = {0}, out = {0};
	struct mhs_envelope *o = NULL;
	struct fixture f;

	fixture_open(&f);
	for (int i = 0; i < MIXER_CONVERSIONS_MAX + 1; i++)
		buf_puts(&in,
		    "Received: from x by y (MIXER Conversion "
		    "following RFC 2156);\r\n"
		    "\tSat, 21 Nov 2026 12:00:05 +0000\r\n");
	buf_puts(&in, "\r\n");
	CU_ASSERT_EQUAL(mixer_to_x400(f.a, &f.c, internet(&f), in.data, in.len,
			    FIXTURE_NOW, &o, &out, &f.losses, &f.e),
	    ERR_PROTOCOL);
	CU_ASSERT_EQUAL(f.e.detail, MHS_LOOP_DETECTED);
	buf_clear(&out);
	o = to_x400(&f, &out);
	for (int i = 0; i < MIXER_CONVERSIONS_MAX; i++)
		*mhs_trace_add(f.a, o) = o->trace[4];
	CU_ASSERT_EQUAL(mixer_to_rfc822(f.a, &f.c, o, out.data, out.len,
			    FIXTURE_NOW, &o, &in, &f.losses, &f.e),
	    ERR_PROTOCOL);
	buf_free(&in);
	buf_free(&out);
	fixture_close(&f);
}

/* A report on one delivery and one failure, with the content returned. */
static struct mhs_envelope *
report(struct fixture *f, struct buf *p22)
{
	struct mhs_envelope *subject = to_x400(f, p22);
	struct mhs_envelope *env = mhs_envelope_new(f->a, MHS_REPORT);
	struct mhs_report *rep = ARENA_NEW(f->a, struct mhs_report);
	struct mhs_report_recipient *r;
	struct mhs_trace *t;

	env->id = (struct mhs_mts_id){
	    .domain = {"XX", "BRAVO", NULL}, .local = "rep.1"};
	env->content_type = MHS_CONTENT_P22;
	mhs_recipient_add(f->a, env)->name.ora = subject->originator.ora;
	t = mhs_trace_add(f->a, env);
	t->domain = env->id.domain;
	t->arrival = FIXTURE_NOW - 10;
	rep->subject = subject->id;
	rep->content_identifier = subject->content_identifier;
	rep->content_type = MHS_CONTENT_P22;
	rep->content_returned = true;
	rep->exts = subject->exts;
	rep->subject_trace = subject->trace;
	rep->n_subject_trace = 1;
	r = arena_push(f->a, &rep->recipients, &rep->n_recipients, sizeof(*r));
	r->actual.ora = subject->recipients[0].name.ora;
	r->number = 1;
	r->type = MHS_DELIVERED;
	r->delivery_time = FIXTURE_NOW - 20;
	r = arena_push(f->a, &rep->recipients, &rep->n_recipients, sizeof(*r));
	r->actual.ora = subject->recipients[1].name.ora;
	r->number = 2;
	r->type = MHS_NOT_DELIVERED;
	r->reason = MHS_UNABLE_TO_TRANSFER;
	r->diagnostic = MHS_UNRECOGNISED_OR_NAME;
	r->supplementary = "no such user";
	r->user_type = -1;
	r->last_trace_arrival = FIXTURE_NOW - 15;
	env->report = rep;
	return env;
}

static void
a_report_becomes_a_dsn(void)
{
	struct buf p22 = {0}, out = {0};
	struct mhs_envelope *env, *o = NULL;
	struct fixture f;
	const char *s;

	fixture_open(&f);
	env = report(&f, &p22);
	as_dsn(&f, env, &p22, &o, &out);
	s = buf_cstr(&out);
	expect(s, "To: alice@alpha.example");
	expect(s, "Subject: Delivery-Report (success and failures)");
	expect(s, "Message-Type: Delivery Report");
	expect(s,
	    "Content-Type: multipart/report; "
	    "report-type=delivery-status;");
	expect(s, "carol@bravo.example\r\nfor the following reason:");
	expect(s, "Reporting-MTA: x400; /ADMD=BRAVO/C=XX/");
	expect(s, "DSN-Gateway: dns; mta.alpha.example");
	expect(s, "Original-Envelope-Id: QQ314159");
	expect(s, "X400-Content-Identifier: A useful mess...");
	expect(s, "X400-Content-Type: P2-1988 (22)");
	expect(s, "Original-Recipient: rfc822; bob@bravo.example");
	expect(s, "Final-Recipient: x400; /S=bob/O=Bravo/ADMD=BRAVO/C=XX/");
	expect(s, "Action: delivered\r\nStatus: 2.0.0");
	expect(s, "Action: failed\r\nStatus: 5.1.1");
	expect(s,
	    "Diagnostic-Code: x400; Reason 1 (unable-to-transfer); "
	    "Diagnostic 0");
	expect(s, "X400-Supplementary-Info: \"no such user\"");
	expect(s, "X400-Originally-Specified-Recipient-Number: 2");
	expect(s, "Content-Type: message/rfc822");
	expect(s, "Subject: A useful message");
	expect(s, "Hello.");
	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	CU_ASSERT_EQUAL(o->kind, MHS_MESSAGE);
	CU_ASSERT_STRING_EQUAL(o->originator.mailbox, "");
	CU_ASSERT_STRING_EQUAL(
	    o->recipients[0].name.mailbox, "alice@alpha.example");
	CU_ASSERT_EQUAL(o->recipients[0].notify, MHS_NOTIFY_NEVER);
	buf_free(&p22);
	buf_free(&out);
	fixture_close(&f);
}

static void
a_dsn_on_an_internet_message_says_nothing_of_x400(void)
{
	static const char subject[] =
	    "From: alice@alpha.example\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= "
	    "home\r\n\r\nHello.\r\n";
	struct mhs_envelope *env = NULL, *o = NULL;
	struct buf p22 = {0}, out = {0};
	struct fixture f;
	const char *s;

	fixture_open(&f);
	env = report(&f, &p22);
	env->report->content_type = MHS_CONTENT_RFC822;
	env->report->content_identifier = NULL;
	env->report->exts = (struct mhs_exts){0};
	env->report->reporting_mta = "mta.alpha.example";
	env->report->subject_trace =
	    &(struct mhs_trace){.received = "from x by y", .arrival = 1};
	CU_ASSERT_EQUAL(
	    mixer_report_to_dsn(f.a, &f.c, env, (const uint8_t *)subject,
		sizeof(subject) - 1, FIXTURE_NOW, &o, &out, &f.losses, &f.e),
	    0);
	s = buf_cstr(&out);
	expect(s, "\nReporting-MTA: dns; mta.alpha.example\r\n");
	expect(s, "relates to your message:        =?"); /* unfolded */
	expect(s, "=?= home        of Thu");
	CU_ASSERT_PTR_NULL(strstr(s, "X400-"));
	CU_ASSERT_PTR_NULL(strstr(s, "Original-Envelope-Id"));
	/* of an X.400 message, what came from the Internet is left out */
	buf_clear(&out);
	env->report->content_type = MHS_CONTENT_P22;
	as_dsn(&f, env, &p22, &o, &out);
	CU_ASSERT_PTR_NULL(strstr(buf_cstr(&out), "X400-Subject-Intermediate"));
	expect(buf_cstr(&out), "X400-Conversion-Date:");
	buf_free(&p22);
	buf_free(&out);
	fixture_close(&f);
}

/* RFC 3464 2.3.3, 2.3.9 */
static void
a_delay_becomes_a_dsn_that_says_until_when(void)
{
	struct buf p22 = {0}, out = {0};
	struct mhs_envelope *env, *o = NULL;
	struct fixture f;
	const char *s;

	fixture_open(&f);
	env = report(&f, &p22);
	env->report->content_type = MHS_CONTENT_RFC822;
	env->report->n_recipients = 1;
	env->report->recipients[0].type = MHS_DELAYED;
	env->report->recipients[0].status = "4.4.1";
	env->report->content_returned = false;
	as_dsn(&f, env, NULL, &o, &out);
	s = buf_cstr(&out);
	expect(s, "Subject: Delivery-Report (delay)");
	expect(s, "could not be delivered yet to:");
	expect(s, "Action: delayed\r\nStatus: 4.4.1\r\nWill-Retry-Until: ");
	CU_ASSERT_PTR_NULL(strstr(s, "Diagnostic-Code"));
	buf_free(&p22);
	buf_free(&out);
	fixture_close(&f);
}

/* RFC 6533, RFC 3464 2.3.3, RFC 2852 5 */
static void
notifications_are_global_where_an_address_is(void)
{
	struct mhs_report_recipient v[2] = {0};
	struct mhs_report rep = {.content_type = MHS_CONTENT_RFC822,
	    .recipients = v,
	    .n_recipients = 2,
	    .deliver_by = FIXTURE_NOW};
	struct mhs_recipient to = {.name = {.mailbox = "alice@alpha.example"}};
	struct mhs_envelope env = {.kind = MHS_REPORT,
	    .report = &rep,
	    .recipients = &to,
	    .n_recipients = 1};
	static const char header[] = "Subject: gr\xc3\xbc\xc3\x9f\r\n\r\n";
	struct mhs_envelope *o = NULL;
	struct buf out = {0};
	struct fixture f;
	const char *s;

	fixture_open(&f);
	v[0].actual.mailbox = "j\xc3\xb6rg@bravo.example";
	v[0].orcpt = "utf-8;j\\x{F6}rg@bravo.example";
	v[0].type = v[1].type = MHS_DELIVERED;
	v[0].relayed = true;
	v[0].user_type = -1;
	v[1].actual.mailbox = "crew@bravo.example";
	v[1].user_type = 3;
	CU_ASSERT_EQUAL(
	    mixer_report_to_dsn(f.a, &f.c, &env, (const uint8_t *)header,
		sizeof(header) - 1, FIXTURE_NOW, &o, &out, &f.losses, &f.e),
	    0);
	s = buf_cstr(&out);
	expect(s, "multipart/report; report-type=global-delivery-status;");
	expect(s, "Content-Type: message/global-delivery-status\r\n");
	expect(s, "\r\nDeliver-By-Date: ");
	expect(s,
	    "Original-Recipient: utf-8; j\xc3\xb6rg@bravo.example\r\n"
	    "Final-Recipient: utf-8; j\xc3\xb6rg@bravo.example\r\n"
	    "Action: relayed\r\n");
	expect(s, "rfc822; crew@bravo.example\r\nAction: expanded\r\n");
	expect(s, "Content-Type: message/global-headers\r\n");
	CU_ASSERT_FALSE(o != NULL && o->smtputf8);
	buf_free(&out);
	v[0].actual.mailbox = "joe@bravo.example";
	v[0].orcpt = NULL;
	CU_ASSERT_EQUAL(mixer_report_to_dsn(f.a, &f.c, &env, NULL, 0,
			    FIXTURE_NOW, &o, &out, &f.losses, &f.e),
	    0);
	expect(buf_cstr(&out), "Content-Type: message/delivery-status\r\n");
	buf_free(&out);
	fixture_close(&f);
}

static void
the_dsn_becomes_the_report_again(void)
{
	struct buf p22 = {0}, dsn = {0}, out = {0};
	struct mhs_envelope *env, *mail = NULL, *o = NULL;
	const struct mhs_report_recipient *r;
	struct fixture f;

	fixture_open(&f);
	env = report(&f, &p22);
	mixer_report_to_dsn(f.a, &f.c, env, p22.data, p22.len, FIXTURE_NOW,
	    &mail, &dsn, &f.losses, &f.e);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mail);
	mail->recipients[0].name.ora = NULL;
	CU_ASSERT(mixer_is_dsn(mail, dsn.data, dsn.len));
	CU_ASSERT_EQUAL(mixer_convert(f.a, &f.c, mail, dsn.data, dsn.len,
			    FIXTURE_NOW, &o, &out, &f.losses, &f.e),
	    0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	CU_ASSERT_EQUAL(o->kind, MHS_REPORT);
	CU_ASSERT_STRING_EQUAL(o->report->subject.local, "<1@alpha.example>");
	CU_ASSERT_EQUAL_FATAL(o->report->n_recipients, 2);
	r = &o->report->recipients[0];
	CU_ASSERT_EQUAL(r->type, MHS_DELIVERED);
	CU_ASSERT_EQUAL(r->delivery_time, FIXTURE_NOW - 20);
	r = &o->report->recipients[1];
	CU_ASSERT_EQUAL(r->type, MHS_NOT_DELIVERED);
	CU_ASSERT_EQUAL(r->reason, MHS_UNABLE_TO_TRANSFER);
	CU_ASSERT_EQUAL(r->diagnostic, MHS_UNRECOGNISED_OR_NAME);
	CU_ASSERT_EQUAL(r->number, 2);
	CU_ASSERT_STRING_EQUAL(r->supplementary, "no such user");
	CU_ASSERT_STRING_EQUAL(mhs_or_slash(f.a, r->actual.ora),
	    "/S=carol/O=Bravo/ADMD=BRAVO/C=XX/");
	CU_ASSERT(o->report->content_returned && out.len > 0);
	buf_free(&p22);
	buf_free(&dsn);
	buf_free(&out);
	fixture_close(&f);
}

static void
a_dsn_that_crosses_x400_stays_itself(void)
{
	static const char in[] =
	    "From: mailer@bravo.example\r\nMessage-ID: <dsn@bravo.example>\r\n"
	    "Content-Type: multipart/report; report-type=delivery-status;"
	    " boundary=b\r\n\r\n--b\r\n\r\nSorry\r\n--b\r\n"
	    "Content-Type: message/delivery-status\r\n\r\n"
	    "Reporting-MTA: dns; relay.bravo.example\r\n"
	    "Original-Envelope-Id: env1+\r\n\r\n"
	    "Original-Recipient: rfc822; orig@bravo.example\r\n"
	    "Final-Recipient: rfc822; bob@bravo.example\r\n"
	    "Action: failed\r\nStatus: 5.2.2\r\n"
	    "Remote-MTA: dns; store.bravo.example\r\n"
	    "Diagnostic-Code: smtp; 552 full\r\n\r\n--b\r\n"
	    "Content-Type: text/rfc822-headers\r\n\r\n"
	    "Message-ID: <1@alpha.example>\r\n\r\n--b--\r\n";
	static const char *const want[] = {
	    "Reporting-MTA: dns; relay.bravo.example\r\n",
	    "Original-Envelope-Id: env1+\r\n",
	    "Original-Recipient: rfc822; orig@bravo.example\r\n",
	    "Status: 5.2.2\r\n", "Remote-MTA: dns; store.bravo.example\r\n",
	    "Diagnostic-Code: smtp; 552 full\r\n"};
	struct mhs_envelope *env, *o = NULL, *mail = NULL;
	struct buf p22 = {0}, out = {0};
	struct mhs_report *rep;
	struct fixture f;
	const char *status;

	fixture_open(&f);
	env = mhs_envelope_new(f.a, MHS_MESSAGE);
	env->content_type = MHS_CONTENT_RFC822;
	env->originator.mailbox = "";
	mhs_recipient_add(f.a, env)->name.mailbox = "alice@alpha.example";
	CU_ASSERT_EQUAL(
	    mixer_convert(f.a, &f.c, env, (const uint8_t *)in, sizeof(in) - 1,
		FIXTURE_NOW, &o, &p22, &f.losses, &f.e),
	    0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	rep = o->report;
	CU_ASSERT_STRING_EQUAL(rep->subject.local, "<1@alpha.example>");
	/* what P1 does not carry */
	rep->reporting_mta = rep->subject_envid = NULL;
	rep->recipients[0].status = rep->recipients[0].diag_text = NULL;
	rep->recipients[0].remote_mta = rep->recipients[0].orcpt = NULL;
	as_dsn(&f, o, &p22, &mail, &out);
	/* the returned DSN, which says the same, is not looked at */
	status = strstr(buf_cstr(&out), "Content-Type: message/rfc822");
	CU_ASSERT_PTR_NOT_NULL_FATAL(status);
	status = arena_strndup(f.a, (const char *)out.data,
	    (size_t)(status - (const char *)out.data));
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		expect(status, want[i]);
	CU_ASSERT_PTR_NULL(strstr(buf_cstr(&out), "X400-Discarded-DR"));
	buf_free(&p22);
	buf_free(&out);
	fixture_close(&f);
}

/* Text of a DSN with this Action; is it one for X.400? */
static const struct {
	const char *sender, *action, *type;
	bool want;
} dsns[] = {
    {"", "failed", "delivery-status", true},
    {"", "delivered", "delivery-status", true},
    {"", "delayed", "delivery-status", false},
    {"", "relayed", "delivery-status", false},
    {"x@y.example", "failed", "delivery-status", false},
    {"", "failed", "disposition-notification", false},
};

static void
only_final_dsns_from_the_null_sender_become_reports(void)
{
	for (size_t i = 0; i < sizeof(dsns) / sizeof(dsns[0]); i++) {
		struct mhs_envelope *env;
		struct fixture f;
		const char *s;

		fixture_open(&f);
		env = mhs_envelope_new(f.a, MHS_MESSAGE);
		env->content_type = MHS_CONTENT_RFC822;
		env->originator.mailbox = dsns[i].sender;
		mhs_recipient_add(f.a, env)->name.mailbox = "a@bravo.example";
		s = arena_printf(f.a,
		    "Content-Type: multipart/report; report-type=%s;\r\n"
		    " boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n"
		    "Content-Type: message/delivery-status\r\n\r\n"
		    "Reporting-MTA: dns; x.example\r\n\r\n"
		    "Final-Recipient: rfc822; joe@x.example\r\n"
		    "Action: %s\r\nStatus: 5.1.1\r\n\r\n--b--\r\n",
		    dsns[i].type, dsns[i].action);
		CU_ASSERT_EQUAL(
		    mixer_is_dsn(env, (const uint8_t *)s, strlen(s)),
		    dsns[i].want);
		fixture_close(&f);
	}
}

static void
a_dsn_whose_content_cannot_be_converted_is_still_reported(void)
{
	struct mhs_envelope *env, *o = NULL;
	struct buf dsn = {0}, out = {0};
	struct fixture f;

	fixture_open(&f);
	env = mhs_envelope_new(f.a, MHS_MESSAGE);
	env->content_type = MHS_CONTENT_RFC822;
	env->originator.mailbox = "";
	mhs_recipient_add(f.a, env)->name.mailbox = "a@bravo.example";
	buf_puts(&dsn,
	    "Content-Type: multipart/report; "
	    "report-type=delivery-status;\r\n boundary=b\r\n\r\n"
	    "--b\r\n\r\ntext\r\n--b\r\n"
	    "Content-Type: message/delivery-status\r\n\r\n"
	    "Reporting-MTA: dns; x.example\r\n\r\n"
	    "Final-Recipient: rfc822; joe@x.example\r\n"
	    "Action: failed\r\nStatus: 5.1.1\r\n\r\n--b\r\n"
	    "Content-Type: multipart/mixed; boundary=c\r\n\r\n");
	for (int i = 0; i < MIXER_PARTS_MAX + 1; i++)
		buf_puts(&dsn, "--c\r\n\r\nx\r\n");
	buf_puts(&dsn, "--c--\r\n--b--\r\n");
	buf_puts(&out, "before");
	CU_ASSERT_EQUAL(mixer_convert(f.a, &f.c, env, dsn.data, dsn.len,
			    FIXTURE_NOW, &o, &out, &f.losses, &f.e),
	    0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	CU_ASSERT_EQUAL(o->kind, MHS_REPORT);
	CU_ASSERT_EQUAL(o->content_type, MHS_CONTENT_NONE);
	CU_ASSERT(!o->report->content_returned);
	CU_ASSERT_EQUAL_FATAL(o->report->n_recipients, 1);
	CU_ASSERT_EQUAL(o->report->recipients[0].type, MHS_NOT_DELIVERED);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&out), "before");
	CU_ASSERT_EQUAL_FATAL(f.losses.n > 0, true);
	CU_ASSERT_STRING_EQUAL(
	    f.losses.v[f.losses.n - 1].what, "returned content");
	buf_free(&dsn);
	buf_free(&out);
	fixture_close(&f);
}

/* X.411 12.2.1.3.1.4: bits 3 and 4 are the originator's request. */
static void
only_what_the_originator_asked_for_reaches_the_user(void)
{
	static const struct {
		uint8_t delivered, failed; /* indicators of the recipients */
		int want;                  /* bits: what is told */
	} rows[] = {
	    {0, 0, 3},
	    {0xd0, 0xa8, 3},
	    {0xc8, 0xa8, 2},
	    {0xd0, 0xa0, 1},
	    {0xc8, 0xa0, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf p22 = {0}, out = {0};
		struct mhs_envelope *env, *o = NULL;
		struct fixture f;
		const char *s;

		fixture_open(&f);
		env = report(&f, &p22);
		env->report->recipients[0].indicators = rows[i].delivered;
		env->report->recipients[1].indicators = rows[i].failed;
		CU_ASSERT_EQUAL(
		    mixer_report_is_for_user(env->report), rows[i].want != 0);
		CU_ASSERT_EQUAL(
		    mixer_report_to_dsn(f.a, &f.c, env, p22.data, p22.len,
			FIXTURE_NOW, &o, &out, &f.losses, &f.e),
		    rows[i].want != 0 ? 0 : ERR_UNSUPPORTED);
		s = buf_cstr(&out);
		CU_ASSERT_EQUAL(strstr(s, "Action: delivered") != NULL,
		    (rows[i].want & 1) != 0);
		CU_ASSERT_EQUAL(strstr(s, "Action: failed") != NULL,
		    (rows[i].want & 2) != 0);
		buf_free(&p22);
		buf_free(&out);
		fixture_close(&f);
	}
}

static void
a_malformed_content_fails_with_content_syntax_error(void)
{
	struct mhs_envelope *o, *back = NULL;
	struct buf p22 = {0}, out = {0};
	struct fixture f;

	fixture_open(&f);
	o = to_x400(&f, &p22);
	CU_ASSERT(mixer_convert(f.a, &f.c, o, p22.data, p22.len - 1,
		      FIXTURE_NOW, &back, &out, &f.losses, &f.e) < 0);
	CU_ASSERT_EQUAL(f.e.detail, MHS_CONTENT_SYNTAX_ERROR);
	o->kind = MHS_PROBE;
	CU_ASSERT_EQUAL(mixer_convert(f.a, &f.c, o, NULL, 0, FIXTURE_NOW, &back,
			    &out, &f.losses, &f.e),
	    ERR_UNSUPPORTED);
	buf_free(&p22);
	buf_free(&out);
	fixture_close(&f);
}

void
suite_mixer_report(void)
{
	static CU_TestInfo tests[] = {
	    TEST(the_envelope_becomes_one_of_x400),
	    TEST(date_and_received_become_trace),
	    TEST(the_message_comes_back_with_what_the_envelope_said),
	    TEST(the_null_sender_asks_for_no_report_and_comes_back),
	    TEST(extensions_without_an_equivalent_are_named),
	    TEST(loops_through_gateways_end),
	    TEST(a_report_becomes_a_dsn),
	    TEST(a_dsn_on_an_internet_message_says_nothing_of_x400),
	    TEST(a_delay_becomes_a_dsn_that_says_until_when),
	    TEST(notifications_are_global_where_an_address_is),
	    TEST(the_dsn_becomes_the_report_again),
	    TEST(a_dsn_that_crosses_x400_stays_itself),
	    TEST(only_final_dsns_from_the_null_sender_become_reports),
	    TEST(a_dsn_whose_content_cannot_be_converted_is_still_reported),
	    TEST(only_what_the_originator_asked_for_reaches_the_user),
	    TEST(a_malformed_content_fails_with_content_syntax_error),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("mixer_report", tests);
}
