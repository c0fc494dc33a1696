#include "qmgr/queue.h"

#include <stdio.h>

#include "tests/unit/qmgr_queue.h"

static void
a_transferred_message_is_gone_once_that_is_durable(void)
{
	struct world w;
	struct q_work work;
	struct q_summary *s;
	struct q_replay r = {0};
	q_id id = q_id_make(9, 128);

	begin(&w);
	s = summary(&w, id, MHS_CONTENT_RFC822, "oo");
	s->content_file = 33;
	q_queue_submitted(w.q, s);
	q_queue_submitted(w.q, s); /* heard of twice, by a scan */
	CU_ASSERT_TRUE(next(&w, "smtp", &work));
	CU_ASSERT_EQUAL(work.n_recipients, 2);
	CU_ASSERT_EQUAL(work.record, id);
	CU_ASSERT_EQUAL(work.attempt, 1);
	CU_ASSERT_STRING_EQUAL(work.peer, "out");
	CU_ASSERT_FALSE(next(&w, "smtp", &work));
	answer(&w, &work, Q_TRANSFERRED, 0);
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 1);
	CU_ASSERT_EQUAL(w.n_content_over, 0);
	durable(&w);
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 0);
	CU_ASSERT_EQUAL(w.content_over, 33);
	q_replay_entries(&r, w.journal.data, w.journal.len, NULL);
	CU_ASSERT_TRUE(q_replay_get(&r, id)->finished);
	q_replay_free(&r);
	/* once over, it does not come back */
	q_queue_submitted(w.q, s);
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 0);
	finish(&w);
}

/* However much a peer says; each recipient's words are in the journal. */
static void
of_a_long_text_a_bounded_part_is_kept_in_whole_characters(void)
{
	struct world w;
	struct q_work work;
	struct q_outcome o = {.result = Q_FAILED, .at = 1};
	struct q_outcomes all = {.v = &o, .n = 1};
	struct buf text = {0};

	begin(&w);
	q_queue_submitted(
	    w.q, summary(&w, q_id_make(9, 128), MHS_CONTENT_RFC822, "on"));
	next(&w, "smtp", &work);
	buf_putc(&text, 'x');
	for (unsigned i = 0; i < 2000; i++)
		buf_append(&text, "\xe2\x82\xac", 3);
	buf_putc(&text, '\0');
	all.mlist = work.mlist;
	o.text = (const char *)text.data;
	CU_ASSERT_EQUAL(q_queue_result(w.q, &all), 0);
	durable(&w);
	CU_ASSERT(w.journal.len < 1000);
	CU_ASSERT_TRUE(next(&w, "report", &work));
	CU_ASSERT_EQUAL(strlen(work.outcomes[0].text), 1 + 170 * 3);
	buf_free(&text);
	finish(&w);
}

static void
a_segment_goes_when_it_is_finished_and_all_in_it_is_over(void)
{
	static const struct {
		bool first_finished; /* before the messages are over */
		bool kept;           /* a scan is under way */
	} v[] = {{true, false}, {false, false}, {true, true}};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct world w;
		struct q_work work;
		struct q_segment_news news = {.number = 9, .records = 2};

		begin(&w);
		if (v[i].kept)
			q_queue_keep_segments(w.q, true);
		q_queue_submitted(w.q,
		    summary(&w, q_id_make(9, 128), MHS_CONTENT_RFC822, "o"));
		if (v[i].first_finished)
			q_queue_segment(w.q, &news);
		next(&w, "smtp", &work);
		answer(&w, &work, Q_TRANSFERRED, 0);
		durable(&w);
		/* one more is to come */
		CU_ASSERT_EQUAL(w.segment_over, 0);
		q_queue_submitted(w.q,
		    summary(&w, q_id_make(9, 640), MHS_CONTENT_RFC822, "o"));
		next(&w, "smtp", &work);
		answer(&w, &work, Q_TRANSFERRED, 0);
		CU_ASSERT_EQUAL(w.segment_over, 0);
		durable(&w);
		if (!v[i].first_finished) {
			CU_ASSERT_EQUAL(w.segment_over, 0);
			q_queue_segment(w.q, &news);
		}
		if (v[i].kept) {
			CU_ASSERT_EQUAL(w.segment_over, 0);
			q_queue_keep_segments(w.q, false);
		}
		CU_ASSERT_EQUAL(w.segment_over, 9);
		CU_ASSERT_EQUAL(q_queue_segments(w.q), 0);
		finish(&w);
	}
}

static void
conversion_comes_first_and_once_for_peers_of_one_channel(void)
{
	struct world w;
	struct q_work work;
	struct q_summary *version;
	q_id id = q_id_make(9, 128), converted = q_id_make(10, 128);

	begin(&w);
	q_queue_submitted(w.q, summary(&w, id, MHS_CONTENT_P22, "opb"));
	CU_ASSERT_FALSE(next(&w, "smtp", &work));
	/* bravo takes it as it is */
	CU_ASSERT_TRUE(next(&w, "x400p1", &work));
	CU_ASSERT_EQUAL(work.n_recipients, 1);
	CU_ASSERT_EQUAL(work.recipients[0], 2);
	CU_ASSERT_TRUE(next(&w, "mixer", &work));
	CU_ASSERT_STRING_EQUAL(work.peer, "");
	CU_ASSERT_STRING_EQUAL(work.next_peer, "out");
	CU_ASSERT_EQUAL(work.n_recipients, 2);
	version = summary(&w, converted, MHS_CONTENT_RFC822, "");
	version->parent = id;
	version->content_file = 44;
	q_queue_submitted(w.q, version);
	answer(&w, &work, Q_CONVERTED, converted);
	/* not before the step is durable */
	CU_ASSERT_FALSE(next(&w, "smtp", &work));
	durable(&w);
	CU_ASSERT_TRUE(next(&w, "smtp", &work));
	CU_ASSERT_EQUAL(work.record, converted);
	CU_ASSERT_EQUAL(work.message, id);
	CU_ASSERT_EQUAL(work.n_recipients, 1);
	answer(&w, &work, Q_TRANSFERRED, 0);
	CU_ASSERT_TRUE(next(&w, "smtp", &work));
	CU_ASSERT_EQUAL(work.record, converted);
	answer(&w, &work, Q_TRANSFERRED, 0);
	durable(&w);
	CU_ASSERT_EQUAL(w.n_content_over, 0);
	finish(&w);
}

/* Others of its channel get the message as it is. */
static void
a_peer_of_1984_gets_p2(void)
{
	static const enum mhs_content contents[] = {
	    MHS_CONTENT_P22, MHS_CONTENT_P2, MHS_CONTENT_RFC822};
	struct world w;
	struct q_work work;

	for (size_t i = 0; i < 3; i++) {
		begin(&w);
		q_queue_submitted(
		    w.q, summary(&w, q_id_make(9, 128), contents[i], "4b"));
		if (contents[i] == MHS_CONTENT_P22) {
			CU_ASSERT_TRUE(next(&w, "mixer", &work));
			CU_ASSERT_STRING_EQUAL(work.next_peer, "old");
			CU_ASSERT_EQUAL(work.n_recipients, 1);
			answer(&w, &work, Q_CONVERTED, q_id_make(10, 128));
			durable(&w);
		} else if (contents[i] == MHS_CONTENT_RFC822) {
			/* not one version for both */
			CU_ASSERT_TRUE(next(&w, "mixer", &work));
			CU_ASSERT_EQUAL(work.n_recipients, 1);
			CU_ASSERT_TRUE(next(&w, "mixer", &work));
			CU_ASSERT_EQUAL(work.n_recipients, 1);
			finish(&w);
			continue;
		}
		CU_ASSERT_FALSE(next(&w, "mixer", &work));
		CU_ASSERT_TRUE(next(&w, "x400p1", &work));
		CU_ASSERT_TRUE(next(&w, "x400p1", &work));
		finish(&w);
	}
}

/* What was on its way is converted, what comes later at once. */
static void
a_peer_found_out_to_know_p2_only_gets_p2(void)
{
	static const enum mhs_content contents[] = {
	    MHS_CONTENT_P22, MHS_CONTENT_RFC822, MHS_CONTENT_P22};
	struct world w;
	struct q_work work;

	begin(&w);
	for (unsigned i = 0; i < 3; i++) {
		q_queue_submitted(w.q,
		    summary(&w, q_id_make(9, 128 + 64 * i), contents[i], "aa"));
		if (contents[i] == MHS_CONTENT_RFC822 || i == 2) {
			CU_ASSERT_TRUE(next(&w, "mixer", &work));
			CU_ASSERT_TRUE(work.p2);
			answer(&w, &work, Q_CONVERTED,
			    q_id_make(10, 128 * (i + 1)));
			durable(&w);
		}
		CU_ASSERT_TRUE(next(&w, "x400p1", &work));
		CU_ASSERT_STRING_EQUAL(work.peer, "any");
		if (i == 0) {
			CU_ASSERT_EQUAL(work.record, work.message);
			answer(&w, &work, Q_WANTS_P2, 0);
			CU_ASSERT_FALSE(next(&w, "x400p1", &work));
			durable(&w);
			CU_ASSERT_TRUE(next(&w, "mixer", &work));
			CU_ASSERT_TRUE(work.p2);
			CU_ASSERT_EQUAL(work.n_recipients, 2);
			answer(&w, &work, Q_CONVERTED, q_id_make(10, 64));
			durable(&w);
			CU_ASSERT_TRUE(next(&w, "x400p1", &work));
			CU_ASSERT_EQUAL(work.record, q_id_make(10, 64));
		}
		answer(&w, &work, Q_TRANSFERRED, 0);
		durable(&w);
	}
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 0);
	finish(&w);
}

static void
failures_are_reported_if_someone_asked_and_only_then_it_is_over(void)
{
	static const struct {
		const char *rcpts;
		enum q_result result;
		size_t reported;
	} v[] = {
	    {"on", Q_FAILED, 1},
	    {"o", Q_FAILED, 0},
	    {"onon", Q_FAILED, 2},
	    {"ono", Q_FAILED, 1},
	    {"od", Q_DELIVERED, 1},
	    {"on", Q_DELIVERED, 0},
	    {"od", Q_RELAYED, 1},
	    {"odn", Q_TRANSFERRED, 0},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct world w;
		struct q_work work;

		begin(&w);
		q_queue_submitted(w.q,
		    summary(
			&w, q_id_make(9, 128), MHS_CONTENT_RFC822, v[i].rcpts));
		next(&w, "smtp", &work);
		answer(&w, &work, v[i].result, 0);
		CU_ASSERT_FALSE(next(&w, "report", &work));
		w.planned = 0;
		durable(&w);
		/* the daemon must hear that there is something to dispatch */
		CU_ASSERT_TRUE(v[i].reported == 0 || w.planned > 0);
		CU_ASSERT_EQUAL(next(&w, "report", &work), v[i].reported > 0);
		if (v[i].reported > 0) {
			CU_ASSERT_EQUAL(work.n_outcomes, v[i].reported);
			CU_ASSERT_EQUAL(work.outcomes[0].result, v[i].result);
			CU_ASSERT_STRING_EQUAL(
			    work.outcomes[0].text, "so it went");
			CU_ASSERT_EQUAL(
			    work.outcomes[0].recipient, work.recipients[0]);
			CU_ASSERT_EQUAL(q_queue_messages(w.q), 1);
			/* it cannot be written just now */
			answer(&w, &work, Q_DEFERRED, 0);
			durable(&w);
			CU_ASSERT_FALSE(next(&w, "report", &work));
			w.now += 10000;
			q_queue_tick(w.q);
			CU_ASSERT_TRUE(next(&w, "report", &work));
			CU_ASSERT_EQUAL(work.outcomes[0].result, v[i].result);
			answer(&w, &work, Q_TRANSFERRED, 0);
			durable(&w);
		}
		CU_ASSERT_EQUAL(q_queue_messages(w.q), 0);
		finish(&w);
	}
}

static void
a_recipient_without_a_route_fails_at_once(void)
{
	struct world w;
	struct q_work work;

	begin(&w);
	q_queue_submitted(
	    w.q, summary(&w, q_id_make(9, 128), MHS_CONTENT_RFC822, "on-n-"));
	CU_ASSERT_FALSE(next(&w, "report", &work));
	durable(&w);
	CU_ASSERT_TRUE(next(&w, "report", &work));
	CU_ASSERT_EQUAL(work.n_outcomes, 1);
	CU_ASSERT_EQUAL(work.outcomes[0].recipient, 1);
	CU_ASSERT_EQUAL(work.outcomes[0].reason, MHS_UNABLE_TO_TRANSFER);
	CU_ASSERT_EQUAL(work.outcomes[0].diagnostic, MHS_UNRECOGNISED_OR_NAME);
	CU_ASSERT_TRUE(next(&w, "smtp", &work));
	CU_ASSERT_EQUAL(work.n_recipients, 1);
	/* nobody to be told, nothing to do */
	q_queue_submitted(
	    w.q, summary(&w, q_id_make(9, 640), MHS_CONTENT_RFC822, "-ox"));
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 2);
	durable(&w);
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 1);
	finish(&w);
}

static void
nonsense_from_a_channel_does_no_harm(void)
{
	struct world w;
	struct q_work work;
	struct q_outcome v[] = {{.recipient = 99, .result = Q_TRANSFERRED},
	    {.result = Q_TRANSFERRED}, {.result = Q_CONVERTED}};
	struct q_outcomes o = {.mlist = 4711, .v = v, .n = 3};

	begin(&w);
	CU_ASSERT_EQUAL(q_queue_result(w.q, &o), ERR_PROTOCOL);
	q_queue_submitted(
	    w.q, summary(&w, q_id_make(9, 128), MHS_CONTENT_RFC822, "op"));
	CU_ASSERT_TRUE(next(&w, "smtp", &work));
	o.mlist = work.mlist;
	v[1].recipient = 1 - work.recipients[0];
	v[2].recipient = work.recipients[0];
	CU_ASSERT_EQUAL(q_queue_result(w.q, &o), 0);
	CU_ASSERT_EQUAL(q_queue_result(w.q, &o), ERR_PROTOCOL);
	durable(&w);
	/* the recipient of the other mlist is untouched, and this one, of
	 * which nothing sensible was said, is tried again */
	CU_ASSERT_TRUE(next(&w, "smtp", &work));
	CU_ASSERT_EQUAL(work.recipients[0], v[1].recipient);
	w.now += 10000;
	q_queue_tick(w.q);
	CU_ASSERT_TRUE(next(&w, "smtp", &work));
	CU_ASSERT_EQUAL(work.recipients[0], v[2].recipient);
	finish(&w);
}

/* X.411 14.3.3 */
static void
a_probe_ends_before_the_channel_that_would_deliver(void)
{
	struct world w;
	struct q_work work;
	struct q_summary *s;

	begin(&w);
	s = summary(&w, q_id_make(9, 128), MHS_CONTENT_P22, "odbdod");
	s->kind = MHS_PROBE;
	q_queue_submitted(w.q, s);
	durable(&w);
	CU_ASSERT_FALSE(next(&w, "smtp", &work));
	CU_ASSERT_FALSE(next(&w, "mixer", &work));
	CU_ASSERT_TRUE(next(&w, "report", &work));
	CU_ASSERT_EQUAL(work.n_outcomes, 2);
	CU_ASSERT_EQUAL(work.outcomes[0].result, Q_RELAYED);
	CU_ASSERT_EQUAL(work.outcomes[0].at, START / 1000);
	answer(&w, &work, Q_TRANSFERRED, 0);
	/* another MTA is asked by P1 */
	CU_ASSERT_TRUE(next(&w, "x400p1", &work));
	CU_ASSERT_EQUAL(work.n_recipients, 1);
	answer(&w, &work, Q_TRANSFERRED, 0);
	durable(&w);
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 0);
	finish(&w);
}

static void
a_way_that_ended_at_submission_fails_with_its_diagnostic(void)
{
	struct world w;
	struct q_work work;
	struct q_summary *s;

	begin(&w);
	s = summary(&w, q_id_make(9, 128), MHS_CONTENT_P22, "-n-n-n-n-n");
	s->rcpts[0].peer = q_fault_peer(w.a, 26);
	s->rcpts[1].peer = q_fault_peer(w.a, 27);
	s->rcpts[3].peer = q_fault_reject(
	    w.a, MHS_TRANSFER_FAILURE_FOR_SECURITY_REASON, 27, "a label");
	s->rcpts[4].peer = "!27.99 a reason that is none";
	q_queue_submitted(w.q, s);
	durable(&w);
	CU_ASSERT_TRUE(next(&w, "report", &work));
	CU_ASSERT_EQUAL_FATAL(work.n_outcomes, 5);
	for (size_t i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(work.outcomes[i].reason,
		    i == 3 ? MHS_TRANSFER_FAILURE_FOR_SECURITY_REASON
			   : MHS_UNABLE_TO_TRANSFER);
	for (size_t i = 3; i < 5; i++)
		CU_ASSERT_EQUAL(
		    work.outcomes[i].diagnostic, MHS_REDIRECTION_LOOP_DETECTED);
	CU_ASSERT_EQUAL(
	    work.outcomes[0].diagnostic, MHS_RECIPIENT_REASSIGNMENT_PROHIBITED);
	CU_ASSERT_EQUAL(
	    work.outcomes[1].diagnostic, MHS_REDIRECTION_LOOP_DETECTED);
	CU_ASSERT_EQUAL(work.outcomes[2].diagnostic, MHS_UNRECOGNISED_OR_NAME);
	finish(&w);
}

static void
a_failure_with_an_alternate_goes_to_report_though_nobody_asked(void)
{
	struct world w;
	struct q_work work;
	struct q_summary *s;

	begin(&w);
	s = summary(&w, q_id_make(9, 128), MHS_CONTENT_P22, "bb");
	s->rcpts[1].flags |= Q_RCPT_ALTERNATE;
	q_queue_submitted(w.q, s);
	CU_ASSERT_TRUE(next(&w, "x400p1", &work));
	answer(&w, &work, Q_FAILED, 0);
	durable(&w);
	CU_ASSERT_TRUE(next(&w, "report", &work));
	CU_ASSERT_EQUAL_FATAL(work.n_outcomes, 1);
	CU_ASSERT_EQUAL(work.outcomes[0].recipient, 1);
	finish(&w);
}

/* X.411 14.4: no report is made of it. */
static void
a_report_that_leads_nowhere_ends_and_is_told(void)
{
	struct world w;
	struct q_summary *s;
	q_id id = q_id_make(9, 128);

	begin(&w);
	s = summary(&w, id, MHS_CONTENT_NONE, "-");
	s->kind = MHS_REPORT;
	q_queue_submitted(w.q, s);
	CU_ASSERT_EQUAL(w.dropped, 1);
	CU_ASSERT_EQUAL(w.dropped_id, id);
	durable(&w);
	durable(&w);
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 0);
	finish(&w);
}

void
suite_qmgr_queue(void)
{
	static CU_TestInfo tests[] = {
	    TEST(a_transferred_message_is_gone_once_that_is_durable),
	    TEST(of_a_long_text_a_bounded_part_is_kept_in_whole_characters),
	    TEST(a_segment_goes_when_it_is_finished_and_all_in_it_is_over),
	    TEST(conversion_comes_first_and_once_for_peers_of_one_channel),
	    TEST(a_peer_of_1984_gets_p2),
	    TEST(a_peer_found_out_to_know_p2_only_gets_p2),
	    TEST(
		failures_are_reported_if_someone_asked_and_only_then_it_is_over),
	    TEST(a_recipient_without_a_route_fails_at_once),
	    TEST(nonsense_from_a_channel_does_no_harm),
	    TEST(a_probe_ends_before_the_channel_that_would_deliver),
	    TEST(a_way_that_ended_at_submission_fails_with_its_diagnostic),
	    TEST(
		a_failure_with_an_alternate_goes_to_report_though_nobody_asked),
	    TEST(a_report_that_leads_nowhere_ends_and_is_told),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("qmgr_queue", tests);
}
