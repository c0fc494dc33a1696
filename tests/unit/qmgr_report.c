#include "qmgr/report.h"

#include <string.h>

#include "mhs/diag.h"
#include "p1/ext.h"
#include "qmgr/direct.h"
#include "qmgr/summary.h"
#include "tests/unit/qmgr_config.h"
#include "tests/unit/unit.h"

static const struct q_report_params params = {
    .domain = {"XX", "ALPHA", "GATE"},
    .mta = "alpha",
    .hostname = "alpha.example",
    .local_id = "alpha.r1.0",
    .now = 1000,
};

static struct mhs_envelope *
x400_message(struct arena *a)
{
	struct mhs_envelope *env = mhs_envelope_new(a, MHS_MESSAGE);
	struct err e = ERR_INIT;

	env->content_type = MHS_CONTENT_P22;
	env->originator.ora = mhs_or_parse(a, "/C=XX/ADMD=BRAVO/S=Alice/", &e);
	for (int i = 0; i < 3; i++) {
		struct mhs_recipient *r = mhs_recipient_add(a, env);

		r->name.ora = env->originator.ora;
		r->number = i + 1;
		r->responsible = true;
	}
	return env;
}

static struct mhs_envelope *
internet_message(struct arena *a, const char *from)
{
	struct mhs_envelope *env = mhs_envelope_new(a, MHS_MESSAGE);
	struct mhs_recipient *r = mhs_recipient_add(a, env);

	env->content_type = MHS_CONTENT_RFC822;
	env->originator.mailbox = from;
	env->content_length = 100;
	r->name.mailbox = "bob@bravo.example";
	r->responsible = true;
	return env;
}

static const struct q_outcome failed = {
    .result = Q_FAILED,
    .reason = MHS_UNABLE_TO_TRANSFER,
    .diagnostic = MHS_UNRECOGNISED_OR_NAME,
    .text = "550 no such user",
    .remote_mta = "dns; mail.example",
};
static const struct q_outcome delivered = {.result = Q_DELIVERED, .at = 77};
static const struct q_outcome relayed = {.result = Q_RELAYED, .at = 78};
static const struct q_outcome transferred = {.result = Q_TRANSFERRED};

/* X.411 8.2.1.1.1.22: what was asked, by originator and MTA, against what
 * happened. */
static void
an_x400_originator_is_told_what_was_asked_and_no_more(void)
{
	static const struct {
		enum mhs_report_request originator, mta;
		const struct q_outcome *outcome;
		bool told, mta_only;
	} rows[] = {
	    {MHS_REPORT_NONE, MHS_REPORT_NONE, &failed, false, false},
	    {MHS_REPORT_NDR, MHS_REPORT_NDR, &failed, true, false},
	    {MHS_REPORT_NONE, MHS_REPORT_NDR, &failed, true, true},
	    {MHS_REPORT_DR, MHS_REPORT_DR, &failed, true, false},
	    {MHS_REPORT_NDR, MHS_REPORT_NDR, &delivered, false, false},
	    {MHS_REPORT_DR, MHS_REPORT_DR, &delivered, true, false},
	    {MHS_REPORT_NDR, MHS_REPORT_DR, &delivered, true, true},
	    {MHS_REPORT_DR, MHS_REPORT_DR, &relayed, true, false},
	    {MHS_REPORT_DR, MHS_REPORT_DR, &transferred, false, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		struct mhs_envelope *m = x400_message(a), *r;
		enum q_report_return ret;

		m->recipients[0].originator_report = rows[i].originator;
		m->recipients[0].mta_report = rows[i].mta;
		r = q_report_make(a, &params, m, rows[i].outcome, 1, &ret);
		CU_ASSERT_EQUAL(r != NULL, rows[i].told);
		if (r != NULL) {
			CU_ASSERT_EQUAL(
			    r->report->recipients[0].mta_report_only,
			    rows[i].mta_only);
			/* the subject's own requests, in bits 1 to 4 */
			CU_ASSERT_EQUAL(r->report->recipients[0].indicators,
			    0x80 | rows[i].mta << 5 | rows[i].originator << 3);
		}
		arena_free(&a);
	}
}

static const struct q_outcome delayed = {.result = Q_DELAYED,
    .reason = MHS_UNABLE_TO_TRANSFER,
    .status = "4.4.1",
    .text = "no answer",
    .at = 77};

static void
a_delay_says_until_when_and_is_no_failure(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *m = internet_message(a, "al@a.example"), *x = m;
	const struct mhs_report_recipient *r;
	enum q_report_return ret;
	struct mhs_envelope *env =
	    q_report_make(a, &params, m, &delayed, 1, &ret);

	CU_ASSERT_PTR_NOT_NULL_FATAL(env);
	CU_ASSERT_EQUAL(ret, Q_RETURN_HEADER);
	r = &env->report->recipients[0];
	CU_ASSERT_EQUAL(r->type, MHS_DELAYED);
	CU_ASSERT_EQUAL(r->delivery_time, 77);
	CU_ASSERT_STRING_EQUAL(r->status, "4.4.1");
	/* X.400 knows none */
	x->content_type = MHS_CONTENT_P22;
	x->recipients[0].originator_report = MHS_REPORT_DR;
	CU_ASSERT_PTR_NULL(q_report_make(a, &params, x, &delayed, 1, &ret));
	arena_free(&a);
}

/* RFC 3461 4.1 */
static void
an_internet_sender_is_told_what_notify_says(void)
{
	static const struct {
		uint8_t notify;
		const struct q_outcome *outcome;
		bool told;
	} rows[] = {
	    {0, &failed, true},
	    {0, &delivered, false},
	    {MHS_NOTIFY_NEVER, &failed, false},
	    {MHS_NOTIFY_SUCCESS, &failed, false},
	    {MHS_NOTIFY_SUCCESS, &delivered, true},
	    {MHS_NOTIFY_SUCCESS, &relayed, true},
	    {MHS_NOTIFY_SUCCESS, &transferred, false},
	    {MHS_NOTIFY_FAILURE, &failed, true},
	    {MHS_NOTIFY_FAILURE | MHS_NOTIFY_SUCCESS, &delivered, true},
	    {MHS_NOTIFY_DELAY, &failed, false},
	    {MHS_NOTIFY_DELAY, &delayed, true},
	    {MHS_NOTIFY_DELAY | MHS_NOTIFY_FAILURE, &delayed, true},
	    {0, &delayed, true},
	    {MHS_NOTIFY_FAILURE | MHS_NOTIFY_SUCCESS, &delayed, false},
	    {MHS_NOTIFY_NEVER, &delayed, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		struct mhs_envelope *m = internet_message(a, "al@a.example");
		enum q_report_return ret;

		m->recipients[0].notify = rows[i].notify;
		CU_ASSERT_EQUAL(q_report_make(a, &params, m, rows[i].outcome, 1,
				    &ret) != NULL,
		    rows[i].told);
		arena_free(&a);
	}
}

static void
nobody_is_told_about_a_report_or_by_a_null_sender(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *m = internet_message(a, "");
	enum q_report_return ret;

	CU_ASSERT_PTR_NULL(q_report_make(a, &params, m, &failed, 1, &ret));
	m = x400_message(a);
	m->kind = MHS_REPORT;
	m->recipients[0].originator_report = MHS_REPORT_DR;
	CU_ASSERT_PTR_NULL(q_report_make(a, &params, m, &failed, 1, &ret));
	arena_free(&a);
}

static void
the_content_correlator_comes_back(void)
{
	static const uint8_t value[] = {22, 2, 'h', 'i'};
	struct mhs_ext x[] = {{.type = 1, .value = value, .n = 4},
	    {.type = 23, .value = value, .n = 4}};
	struct arena *a = arena_new();
	struct mhs_envelope *m = x400_message(a), *r;
	enum q_report_return ret;

	m->exts = (struct mhs_exts){x, 2};
	m->recipients[0].originator_report = MHS_REPORT_NDR;
	r = q_report_make(a, &params, m, &failed, 1, &ret);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_EQUAL_FATAL(r->report->exts.n, 1);
	CU_ASSERT_EQUAL(r->report->exts.v[0].type, 23);
	arena_free(&a);
}

/* X.411 12.2.1.3.1: a report tells of its subject, and is as secret. */
static void
the_security_label_of_the_subject_is_the_reports(void)
{
	static const uint8_t label[] = {0x31, 0};
	struct mhs_ext x = {.type = P1_EXT_SECURITY_LABEL,
	    .criticality = MHS_CRITICAL_DELIVERY,
	    .value = label,
	    .n = 2};
	struct arena *a = arena_new();
	struct mhs_envelope *m = x400_message(a), *r;
	const struct mhs_ext *got;
	enum q_report_return ret;

	m->exts = (struct mhs_exts){&x, 1};
	r = q_report_make(a, &params, m, &failed, 1, &ret);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	got = mhs_ext_find(&r->exts, P1_EXT_SECURITY_LABEL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(got);
	CU_ASSERT_EQUAL(got->criticality, MHS_CRITICAL_DELIVERY);
	CU_ASSERT_EQUAL(got->n, 2);
	arena_free(&a);
}

static void
a_recipient_that_was_another_mtas_is_not_reported(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *m = x400_message(a);
	enum q_report_return ret;

	m->recipients[0].originator_report = MHS_REPORT_DR;
	m->recipients[0].responsible = false;
	CU_ASSERT_PTR_NULL(q_report_make(a, &params, m, &failed, 1, &ret));
	arena_free(&a);
}

static void
the_report_names_subject_codes_and_destination(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *m = x400_message(a), *r;
	struct q_outcome o = failed;
	const struct mhs_report_recipient *rr;
	enum q_report_return ret;

	m->id.local = "subject-1";
	m->priority = MHS_URGENT;
	m->recipients[2].originator_report = MHS_REPORT_NDR;
	o.recipient = 2;
	r = q_report_make(a, &params, m, &o, 1, &ret);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_EQUAL(r->kind, MHS_REPORT);
	CU_ASSERT_EQUAL(r->priority, MHS_URGENT);
	CU_ASSERT_STRING_EQUAL(r->id.local, "alpha.r1.0");
	CU_ASSERT_PTR_EQUAL(r->recipients[0].name.ora, m->originator.ora);
	CU_ASSERT_EQUAL(r->n_trace, 2); /* domain and MTA */
	CU_ASSERT_STRING_EQUAL(r->report->subject.local, "subject-1");
	CU_ASSERT_EQUAL(r->report->n_recipients, 1);
	rr = &r->report->recipients[0];
	CU_ASSERT_EQUAL(rr->number, 3);
	CU_ASSERT_EQUAL(rr->type, MHS_NOT_DELIVERED);
	CU_ASSERT_EQUAL(rr->reason, MHS_UNABLE_TO_TRANSFER);
	CU_ASSERT_EQUAL(rr->diagnostic, MHS_UNRECOGNISED_OR_NAME);
	CU_ASSERT_STRING_EQUAL(rr->diag_text, "smtp; 550 no such user");
	arena_free(&a);
}

static void
content_comes_back_as_asked(void)
{
	static const struct {
		bool internet;
		char ret;
		bool request;
		uint64_t length;
		const struct q_outcome *outcome;
		enum q_report_return expect;
	} rows[] = {
	    {false, 0, false, 10, &failed, Q_RETURN_NONE},
	    {false, 0, true, 10, &failed, Q_RETURN_ALL},
	    {false, 0, true, 10, &delivered, Q_RETURN_NONE},
	    {false, 0, true, Q_REPORT_CONTENT_MAX, &failed, Q_RETURN_ALL},
	    {false, 0, true, Q_REPORT_CONTENT_MAX + 1, &failed, Q_RETURN_NONE},
	    {true, 0, false, 10, &failed, Q_RETURN_ALL},
	    {true, 0, false, 1 << 20, &failed, Q_RETURN_HEADER},
	    {true, 'F', false, 1 << 20, &failed, Q_RETURN_ALL},
	    {true, 'H', false, 10, &failed, Q_RETURN_HEADER},
	    {true, 'F', false, 10, &delivered, Q_RETURN_HEADER},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		struct mhs_envelope *m = rows[i].internet
		    ? internet_message(a, "al@a.example")
		    : x400_message(a);
		enum q_report_return ret;

		m->ret = rows[i].ret;
		m->content_return_request = rows[i].request;
		m->content_length = rows[i].length;
		m->recipients[0].notify = rows[i].internet
		    ? MHS_NOTIFY_FAILURE | MHS_NOTIFY_SUCCESS
		    : 0;
		m->recipients[0].originator_report = MHS_REPORT_DR;
		CU_ASSERT_PTR_NOT_NULL(
		    q_report_make(a, &params, m, rows[i].outcome, 1, &ret));
		CU_ASSERT_EQUAL(ret, rows[i].expect);
		arena_free(&a);
	}
}

/* X.411 14.3.10 */
static void
a_report_goes_to_the_last_list_with_the_way_back(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *m = x400_message(a), *r;
	struct p1_history v[2] = {
	    {.name = {.ora = mhs_or_parse(a, "/CN=all/ADMD=A/C=XX/", NULL)},
		.time = 100},
	    {.name = {.ora = mhs_or_parse(a, "/CN=crew/ADMD=A/C=XX/", NULL)},
		.time = 200},
	};
	struct p1_history *way;
	enum q_report_return ret;
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL(
	    p1_ext_set_history(a, &m->exts, P1_EXT_DL_HISTORY, v, 2, &e), 0);
	m->recipients[0].originator_report = MHS_REPORT_NDR;
	r = q_report_make(a, &params, m, &failed, 1, &ret);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_TRUE(mhs_or_equal(r->recipients[0].name.ora, v[1].name.ora));
	CU_ASSERT_EQUAL_FATAL(
	    p1_ext_history(a, &r->exts, P1_EXT_ORIGINATOR_AND_DL_HISTORY, &way),
	    3);
	CU_ASSERT_TRUE(mhs_or_equal(way[0].name.ora, m->originator.ora));
	CU_ASSERT_TRUE(mhs_or_equal(way[2].name.ora, v[1].name.ora));
	CU_ASSERT_EQUAL(way[2].time, 200);
	arena_free(&a);
}

/* X.411 8.3.1.1.1.3, 12.2.1.3 */
static void
it_says_who_reports_who_was_meant_and_if_audited_the_trace(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *m = x400_message(a), *r;
	struct mhs_name was = m->recipients[0].name;
	struct mhs_name to = {
	    .ora = mhs_or_parse(a, "/S=New/ADMD=BRAVO/C=XX/", NULL)};
	struct mhs_domain domain;
	const char *mta;
	struct p1_history *v;
	enum q_report_return ret;
	struct err e = ERR_INIT;

	mhs_trace_add(a, m);
	m->recipients[0].originator_report = MHS_REPORT_NDR;
	m->recipients[0].peer = Q_PEER_LISTS;
	q_redirect(a, &m->recipients[0], &to, P1_ALIAS, 100, &e);
	r = q_report_make(a, &params, m, &failed, 1, &ret);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_TRUE(p1_ext_reporting_mta(a, &r->exts, &domain, &mta));
	CU_ASSERT_STRING_EQUAL(mta, "alpha");
	CU_ASSERT_TRUE(
	    mhs_or_equal(r->report->recipients[0].intended.ora, was.ora));
	CU_ASSERT_TRUE(
	    mhs_or_equal(r->report->recipients[0].actual.ora, to.ora));
	CU_ASSERT_EQUAL(p1_ext_history(a, &r->report->recipients[0].exts,
			    P1_EXT_REDIRECTION_HISTORY, &v),
	    1);
	CU_ASSERT_EQUAL(r->report->n_subject_trace, 0);
	m->recipients[0].audit = true;
	r = q_report_make(a, &params, m, &failed, 1, &ret);
	CU_ASSERT_EQUAL(r->report->n_subject_trace, 1);
	arena_free(&a);
}

static void
every_reason_and_diagnostic_reaches_the_report(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *m = x400_message(a), *r;
	struct q_outcome o = failed;
	enum q_report_return ret;

	m->recipients[0].originator_report = MHS_REPORT_NDR;
	for (o.reason = 0; o.reason <= 8; o.reason++)
		for (o.diagnostic = -1; o.diagnostic <= 78; o.diagnostic++) {
			r = q_report_make(a, &params, m, &o, 1, &ret);
			CU_ASSERT_EQUAL(
			    r->report->recipients[0].reason, o.reason);
			CU_ASSERT_EQUAL(
			    r->report->recipients[0].diagnostic, o.diagnostic);
		}
	arena_free(&a);
}

/* What was held against a recipient at receipt is in the record, and so said
 * after any restart; and it has no alternate, which would get the same. */
static void
a_rejection_at_receipt_says_its_reason(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *m = x400_message(a), *r;
	struct q_outcome o = failed;
	enum q_report_return ret;
	struct q_config c = {0};
	bool taken;

	m->content_return_request = true;
	m->alternate_recipient_allowed = true;
	m->recipients[0].originator_report = MHS_REPORT_NDR;
	m->recipients[0].peer =
	    q_fault_reject(a, MHS_TRANSFER_FAILURE_FOR_SECURITY_REASON,
		MHS_SECURE_MESSAGING_ERROR, "label of policy 1.2: secret");
	CU_ASSERT_EQUAL(
	    q_fault_of(m->recipients[0].peer), MHS_SECURE_MESSAGING_ERROR);
	o.diagnostic = MHS_SECURE_MESSAGING_ERROR;
	r = q_report_make(a, &params, m, &o, 1, &ret);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_EQUAL(ret, Q_RETURN_ALL);
	CU_ASSERT_EQUAL(r->report->recipients[0].reason,
	    MHS_TRANSFER_FAILURE_FOR_SECURITY_REASON);
	CU_ASSERT_EQUAL(
	    r->report->recipients[0].diagnostic, MHS_SECURE_MESSAGING_ERROR);
	CU_ASSERT_STRING_EQUAL(r->report->recipients[0].supplementary,
	    "label of policy 1.2: secret");
	CU_ASSERT_STRING_EQUAL(r->report->recipients[0].status,
	    mhs_diag_to_status(MHS_TRANSFER_FAILURE_FOR_SECURITY_REASON,
		MHS_SECURE_MESSAGING_ERROR));
	CU_ASSERT_EQUAL(
	    p1_ext_set_or_name(a, &m->recipients[0].exts,
		P1_EXT_ORIGINATOR_ALTERNATE, &m->recipients[1].name, NULL),
	    0);
	m->recipients[0].name.ora = mhs_or_parse(a, "/C=XX/ADMD=B/S=X/", NULL);
	CU_ASSERT_PTR_NULL(q_report_alternates(a, &c, m, &o, 1, 1000, &taken));
	/* the queue's own faults have one */
	m->recipients[0].peer = q_fault_peer(a, MHS_SECURE_MESSAGING_ERROR);
	CU_ASSERT_PTR_NOT_NULL(
	    q_report_alternates(a, &c, m, &o, 1, 1000, &taken));
	arena_free(&a);
}

static void
alternates_are_tried_for_those_that_have_them(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *m = x400_message(a), *x;
	struct q_config c;
	struct mhs_name to = {
	    .ora = mhs_or_parse(a, "/S=New/ADMD=BRAVO/C=XX/", NULL)};
	struct q_outcome o[3] = {failed, failed, delivered};
	bool taken[3];
	struct err e = ERR_INIT;

	q_config_read(
	    conf_make(a, "mta name=alpha country=XX admd=A hostname=a.e"), &c,
	    NULL, NULL, &e);
	for (uint32_t i = 0; i < 3; i++)
		o[i].recipient = i;
	CU_ASSERT_PTR_NULL(q_report_alternates(a, &c, m, o, 3, 1000, taken));
	for (int i = 1; i < 3; i++)
		p1_ext_set_or_name(a, &m->recipients[i].exts,
		    P1_EXT_ORIGINATOR_ALTERNATE, &to, &e);
	x = q_report_alternates(a, &c, m, o, 3, 1000, taken);
	CU_ASSERT_PTR_NOT_NULL_FATAL(x);
	CU_ASSERT_FALSE(taken[0]);
	CU_ASSERT_TRUE(taken[1]);
	CU_ASSERT_FALSE(taken[2]);
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(x->recipients[i].responsible, i == 1);
		CU_ASSERT_EQUAL(x->recipients[i].number, i + 1);
	}
	CU_ASSERT_TRUE(mhs_or_equal(x->recipients[1].name.ora, to.ora));
	CU_ASSERT_EQUAL(x->trace[x->n_trace - 1].other_actions, 1);
	/* the original is what it was */
	CU_ASSERT_TRUE(m->recipients[0].responsible);
	CU_ASSERT_EQUAL(m->n_trace, 0);
	q_config_free(&c);
	arena_free(&a);
}

void
suite_qmgr_report(void)
{
	static CU_TestInfo tests[] = {
	    TEST(an_x400_originator_is_told_what_was_asked_and_no_more),
	    TEST(an_internet_sender_is_told_what_notify_says),
	    TEST(a_delay_says_until_when_and_is_no_failure),
	    TEST(nobody_is_told_about_a_report_or_by_a_null_sender),
	    TEST(the_content_correlator_comes_back),
	    TEST(the_security_label_of_the_subject_is_the_reports),
	    TEST(a_recipient_that_was_another_mtas_is_not_reported),
	    TEST(the_report_names_subject_codes_and_destination),
	    TEST(content_comes_back_as_asked),
	    TEST(a_report_goes_to_the_last_list_with_the_way_back),
	    TEST(it_says_who_reports_who_was_meant_and_if_audited_the_trace),
	    TEST(every_reason_and_diagnostic_reaches_the_report),
	    TEST(a_rejection_at_receipt_says_its_reason),
	    TEST(alternates_are_tried_for_those_that_have_them),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("qmgr_report", tests);
}
