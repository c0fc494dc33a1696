/* What the clock brings: retries, warnings, deferral, expiry. */
#include "tests/unit/qmgr_queue.h"

#define HOUR (INT64_C(3600) * 1000)

static void
deferral_waits_and_expiry_ends_it(void)
{
	struct world w;
	struct q_work work;

	begin(&w);
	q_queue_submitted(
	    w.q, summary(&w, q_id_make(9, 128), MHS_CONTENT_RFC822, "on"));
	for (unsigned i = 1; i <= 3; i++) {
		CU_ASSERT_TRUE(next(&w, "smtp", &work));
		CU_ASSERT_EQUAL(work.attempt, i);
		answer(&w, &work, Q_DEFERRED, 0);
		durable(&w);
		w.now += (int64_t)i * 10000 - 1;
		q_queue_tick(w.q);
		CU_ASSERT_FALSE(next(&w, "smtp", &work));
		w.now += 1;
		q_queue_tick(w.q);
	}
	w.now = START + INT64_C(24) * 3600 * 1000;
	q_queue_tick(w.q);
	CU_ASSERT_FALSE(next(&w, "smtp", &work));
	durable(&w);
	CU_ASSERT_TRUE(next(&w, "report", &work));
	CU_ASSERT_EQUAL(work.outcomes[0].result, Q_FAILED);
	CU_ASSERT_EQUAL(work.outcomes[0].diagnostic, MHS_MAXIMUM_TIME_EXPIRED);
	CU_ASSERT_STRING_EQUAL(work.outcomes[0].text, "so it went");
	finish(&w);
}

static void
a_delay_is_told_once_to_those_who_asked_even_after_a_restart(void)
{
	struct world w;
	struct q_work work;
	struct q_summary *s;
	struct q_outcomes o = {0};

	begin(&w);
	s = summary(&w, q_id_make(9, 128), MHS_CONTENT_RFC822, "oowow");
	q_queue_submitted(w.q, s);
	CU_ASSERT_TRUE(next(&w, "smtp", &work));
	answer(&w, &work, Q_DEFERRED, 0);
	durable(&w);
	w.now = START + 4 * HOUR - 1;
	q_queue_tick(w.q);
	CU_ASSERT_FALSE(next(&w, "report", &work));
	w.now++;
	q_queue_tick(w.q);
	CU_ASSERT_TRUE(next(&w, "report", &work));
	CU_ASSERT_EQUAL_FATAL(work.n_outcomes, 2);
	for (uint32_t i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(work.outcomes[i].recipient, i + 1);
		CU_ASSERT_EQUAL(work.outcomes[i].result, Q_DELAYED);
		CU_ASSERT_EQUAL(
		    work.outcomes[i].at, (START + 24 * HOUR) / 1000);
		CU_ASSERT_STRING_EQUAL(work.outcomes[i].text, "so it went");
	}
	/* the report could not be queued: it is tried again */
	answer(&w, &work, Q_DEFERRED, 0);
	w.now += 10000;
	q_queue_tick(w.q);
	CU_ASSERT_TRUE(next(&w, "report", &work));
	answer(&w, &work, Q_TRANSFERRED, 0);
	durable(&w);
	restart(&w, s, false);
	w.now += HOUR;
	q_queue_tick(w.q);
	CU_ASSERT_FALSE(next(&w, "report", &work));
	restart(&w, s, true);
	q_queue_tick(w.q);
	CU_ASSERT_FALSE(next(&w, "report", &work));
	/* the message itself goes on, and ends */
	CU_ASSERT_TRUE(next(&w, "smtp", &work));
	CU_ASSERT_EQUAL(work.n_recipients, 3);
	answer(&w, &work, Q_TRANSFERRED, 0);
	durable(&w);
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 0);
	/* one that ends while it is being told */
	q_queue_submitted(
	    w.q, summary(&w, q_id_make(9, 256), MHS_CONTENT_RFC822, "ow"));
	CU_ASSERT_FALSE(next(&w, "report", &work));
	q_queue_tick(w.q);
	CU_ASSERT_TRUE(next(&w, "report", &work));
	o.mlist = work.mlist;
	CU_ASSERT_TRUE(next(&w, "smtp", &work));
	answer(&w, &work, Q_TRANSFERRED, 0);
	durable(&w);
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 0);
	CU_ASSERT_EQUAL(q_queue_result(w.q, &o), ERR_PROTOCOL);
	finish(&w);
}

static void
deferred_delivery_is_held_until_its_time(void)
{
	struct world w;
	struct q_work work;
	struct q_summary *s;

	begin(&w);
	s = summary(&w, q_id_make(9, 128), MHS_CONTENT_P22, "b");
	s->deferred = START / 1000 + 50;
	q_queue_submitted(w.q, s);
	CU_ASSERT_FALSE(next(&w, "x400p1", &work));
	w.now += 50000;
	q_queue_tick(w.q);
	CU_ASSERT_TRUE(next(&w, "x400p1", &work));
	finish(&w);
}

/* X.411 8.2.1.1.1.15 */
static void
after_the_latest_delivery_time_it_fails(void)
{
	struct world w;
	struct q_work work;
	struct q_summary *s;

	/* while it waits for another attempt, well before the expiry */
	begin(&w);
	s = summary(&w, q_id_make(9, 128), MHS_CONTENT_P22, "bn");
	s->latest = START / 1000 + 5;
	q_queue_submitted(w.q, s);
	CU_ASSERT_TRUE(next(&w, "x400p1", &work));
	answer(&w, &work, Q_DEFERRED, 0);
	durable(&w);
	w.now += 6000;
	q_queue_tick(w.q);
	durable(&w);
	CU_ASSERT_TRUE(next(&w, "report", &work));
	CU_ASSERT_EQUAL(work.outcomes[0].reason, MHS_UNABLE_TO_TRANSFER);
	CU_ASSERT_EQUAL(work.outcomes[0].diagnostic, MHS_MAXIMUM_TIME_EXPIRED);
	finish(&w);
	/* it came too late; it is deferred to a later time */
	for (int later = 0; later < 2; later++) {
		begin(&w);
		s = summary(&w, q_id_make(9, 128), MHS_CONTENT_P22, "bn");
		s->latest = START / 1000 + (later ? 5 : -1);
		s->deferred = later ? s->latest + 1 : 0;
		q_queue_submitted(w.q, s);
		durable(&w);
		CU_ASSERT_FALSE(next(&w, "x400p1", &work));
		CU_ASSERT_TRUE(next(&w, "report", &work));
		CU_ASSERT_EQUAL(work.outcomes[0].reason,
		    later ? MHS_DEFERRED_DELIVERY_NOT_PERFORMED
			  : MHS_UNABLE_TO_TRANSFER);
		CU_ASSERT_EQUAL(
		    work.outcomes[0].diagnostic, MHS_MAXIMUM_TIME_EXPIRED);
		finish(&w);
	}
}

void
suite_qmgr_queue_time(void)
{
	static CU_TestInfo tests[] = {
	    TEST(deferral_waits_and_expiry_ends_it),
	    TEST(a_delay_is_told_once_to_those_who_asked_even_after_a_restart),
	    TEST(deferred_delivery_is_held_until_its_time),
	    TEST(after_the_latest_delivery_time_it_fails),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("qmgr_queue_time", tests);
}
