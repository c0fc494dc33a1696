/* Channels that die, qmgr that dies, and what is known then. */
#include "tests/unit/qmgr_queue.h"

static void
work_of_a_dead_channel_comes_again_the_second_time_later(void)
{
	struct world w;
	struct q_work work;

	begin(&w);
	q_queue_submitted(
	    w.q, summary(&w, q_id_make(9, 128), MHS_CONTENT_RFC822, "o"));
	CU_ASSERT_TRUE(next(&w, "smtp", &work));
	q_queue_lost(w.q, work.mlist, 0);
	CU_ASSERT_TRUE(next(&w, "smtp", &work));
	q_queue_lost(w.q, work.mlist, 0);
	CU_ASSERT_FALSE(next(&w, "smtp", &work));
	w.now += 60000;
	q_queue_tick(w.q);
	CU_ASSERT_TRUE(next(&w, "smtp", &work));
	answer(&w, &work, Q_TRANSFERRED, 0);
	durable(&w);
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 0);
	finish(&w);
}

static void
a_restart_goes_on_where_the_journal_left_off(void)
{
	for (unsigned by_snapshot = 0; by_snapshot < 2; by_snapshot++) {
		struct world w;
		struct q_work work;
		q_id converted = q_id_make(10, 128);
		struct q_summary *s;

		begin(&w);
		s = summary(&w, q_id_make(9, 128), MHS_CONTENT_P22, "obnbx");
		q_queue_submitted(w.q, s);
		next(&w, "mixer", &work);
		answer(&w, &work, Q_CONVERTED, converted);
		next(&w, "x400p1", &work);
		answer(&w, &work, Q_FAILED, 0);
		durable(&w);
		next(&w, "smtp", &work);
		answer(&w, &work, Q_DEFERRED, 0);
		restart(&w, s, by_snapshot);
		/* converted already, tried once, waits */
		CU_ASSERT_FALSE(next(&w, "mixer", &work));
		CU_ASSERT_FALSE(next(&w, "smtp", &work));
		CU_ASSERT_FALSE(next(&w, "x400p1", &work));
		CU_ASSERT_TRUE(next(&w, "report", &work));
		CU_ASSERT_EQUAL(work.n_outcomes, 1);
		CU_ASSERT_STRING_EQUAL(work.outcomes[0].text, "so it went");
		answer(&w, &work, Q_TRANSFERRED, 0);
		w.now += 10000;
		q_queue_tick(w.q);
		CU_ASSERT_TRUE(next(&w, "smtp", &work));
		CU_ASSERT_EQUAL(work.record, converted);
		CU_ASSERT_EQUAL(work.attempt, 2);
		answer(&w, &work, Q_TRANSFERRED, 0);
		restart(&w, s, by_snapshot);
		CU_ASSERT_EQUAL(q_queue_messages(w.q), 0);
		finish(&w);
	}
}

static void
a_report_that_is_durable_is_not_made_again(void)
{
	/* its channel died; before it said so, or before it told of it at all */
	for (unsigned scanned = 0; scanned < 2; scanned++) {
		struct world w;
		struct q_work work;
		q_id id = q_id_make(9, 128);
		struct q_summary *r;

		begin(&w);
		q_queue_submitted(w.q, summary(&w, id, MHS_CONTENT_P22, "-n"));
		durable(&w);
		r = standing_for(
		    &w, q_id_make(10, 128), id, Q_SETTLED_REPORTED);
		CU_ASSERT_TRUE(next(&w, "report", &work));
		if (!scanned)
			q_queue_submitted(w.q, r);
		q_queue_keep_segments(w.q, true);
		q_queue_lost(w.q, work.mlist, 7);
		CU_ASSERT_FALSE(next(&w, "report", &work));
		if (scanned)
			q_queue_loaded(w.q, r, NULL, 0, 0, NULL);
		/* another scan says nothing of it */
		q_queue_scanned(w.q, 8);
		w.now += 10000;
		q_queue_tick(w.q);
		CU_ASSERT_FALSE(next(&w, "report", &work));
		q_queue_scanned(w.q, 7);
		q_queue_keep_segments(w.q, false);
		CU_ASSERT_FALSE(next(&w, "report", &work));
		durable(&w);
		durable(&w);
		CU_ASSERT_FALSE(next(&w, "report", &work));
		CU_ASSERT_EQUAL(q_queue_messages(w.q), 1);
		finish(&w);
	}
}

static void
a_lost_work_comes_again_after_the_scan_without_what_was_settled(void)
{
	struct world w;
	struct q_work work;
	q_id id = q_id_make(9, 128);

	begin(&w);
	q_queue_submitted(w.q, summary(&w, id, MHS_CONTENT_RFC822, "bdb"));
	CU_ASSERT_TRUE(next(&w, "mixer", &work));
	CU_ASSERT_EQUAL(work.n_recipients, 2);
	q_queue_submitted(
	    w.q, standing_for(&w, q_id_make(10, 128), id, Q_SETTLED_RELAYED));
	durable(&w);
	q_queue_lost(w.q, work.mlist, 0);
	durable(&w);
	CU_ASSERT_TRUE(next(&w, "mixer", &work));
	CU_ASSERT_EQUAL(work.n_recipients, 1);
	CU_ASSERT_EQUAL(work.recipients[0], 1);
	/* the other is to be told of */
	CU_ASSERT_TRUE(next(&w, "report", &work));
	CU_ASSERT_EQUAL(work.n_outcomes, 1);
	CU_ASSERT_EQUAL(work.outcomes[0].result, Q_RELAYED);
	finish(&w);
}

static void
what_a_channel_answers_of_what_is_settled_is_passed_over(void)
{
	struct world w;
	struct q_work work;
	q_id id = q_id_make(9, 128);

	begin(&w);
	q_queue_submitted(w.q, summary(&w, id, MHS_CONTENT_P22, "b"));
	CU_ASSERT_TRUE(next(&w, "x400p1", &work));
	q_queue_submitted(w.q,
	    standing_for(&w, q_id_make(10, 128), id, Q_SETTLED_TRANSFERRED));
	durable(&w);
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 2);
	answer(&w, &work, Q_TRANSFERRED, 0);
	durable(&w);
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 1);
	finish(&w);
}

void
suite_qmgr_queue_crash(void)
{
	static CU_TestInfo tests[] = {
	    TEST(work_of_a_dead_channel_comes_again_the_second_time_later),
	    TEST(a_restart_goes_on_where_the_journal_left_off),
	    TEST(a_report_that_is_durable_is_not_made_again),
	    TEST(
		a_lost_work_comes_again_after_the_scan_without_what_was_settled),
	    TEST(what_a_channel_answers_of_what_is_settled_is_passed_over),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("qmgr_queue_crash", tests);
}
