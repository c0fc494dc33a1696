/* What the queue tells of itself: to channels, to the operator. */
#include "tests/unit/qmgr_queue.h"

static void
works_say_their_level_and_how_many_connections(void)
{
	struct world w;
	struct q_work work;
	struct q_summary *s;

	begin(&w);
	for (unsigned i = 0; i < Q_LEVELS; i++) {
		s = summary(&w, q_id_make(9, 128 + 64 * i), MHS_CONTENT_RFC822,
		    i % 2 == 0 ? "o" : "p");
		s->level = (enum q_level)i;
		q_queue_submitted(w.q, s);
	}
	for (unsigned i = Q_LEVELS; i-- > 0;) {
		CU_ASSERT_TRUE(next(&w, "smtp", &work));
		CU_ASSERT_EQUAL(work.level, i);
		CU_ASSERT_EQUAL(
		    work.priority, q_level_priority((enum q_level)i));
		CU_ASSERT_EQUAL(work.connections, 4);
		CU_ASSERT_STRING_EQUAL(
		    sched_peer_name(q_queue_work_peer(w.q, work.mlist)),
		    work.peer);
	}
	CU_ASSERT_PTR_NULL(q_queue_work_peer(w.q, 99999));
	q_queue_submitted(
	    w.q, summary(&w, q_id_make(9, 1280), MHS_CONTENT_P22, "o"));
	CU_ASSERT_TRUE(next(&w, "mixer", &work));
	CU_ASSERT_EQUAL(work.connections, 0);
	finish(&w);
}

static void
note_advice(void *arg, const struct q_advice *x)
{
	struct q_advice *to = arg;

	if (x->peer != NULL && strcmp(x->peer, "wide") == 0)
		*to = *x;
}

/* The peer takes each message 100 ms, on as many connections as it gets, up to
 * three. */
static void
connections_adapt_to_what_they_bring(void)
{
	struct world w = {.a = arena_new(), .now = START};
	struct q_work work, under_way[64];
	struct q_advice x = {0};
	unsigned n = 0, most = 0;

	CU_ASSERT_EQUAL_FATAL(
	    q_config_read(
		conf_make(w.a,
		    CONF "peer name=wide channel=smtp max-connections=8"
			 " min-connections=1\n"),
		&w.c, NULL, NULL, NULL),
	    0);
	open_queue(&w);
	for (uint32_t i = 0; i < 20000; i++) {
		struct q_summary *s = summary(
		    &w, q_id_make(9, 64 + 64 * i), MHS_CONTENT_RFC822, "o");

		s->rcpts[0].peer = "wide";
		q_queue_submitted(w.q, s);
	}
	for (unsigned turn = 0; turn < 4000; turn++) {
		unsigned take;

		while (n < 64 && next(&w, "smtp", &work))
			under_way[n++] = work;
		w.now += 100;
		most = under_way[0].connections > most
		    ? under_way[0].connections
		    : most;
		take = work.connections < 3 ? work.connections : 3;
		for (unsigned i = 0; i < take && n > 0; i++) {
			answer(&w, &under_way[0], Q_TRANSFERRED, 0);
			memmove(
			    under_way, under_way + 1, --n * sizeof(*under_way));
		}
		durable(&w);
	}
	q_queue_advice(w.q, note_advice, &x);
	CU_ASSERT_STRING_EQUAL_FATAL(x.peer, "wide");
	CU_ASSERT_STRING_EQUAL(x.channel, "smtp");
	CU_ASSERT(x.n >= 2 && x.n <= 4);
	CU_ASSERT_EQUAL(x.min, 1);
	CU_ASSERT_EQUAL(x.max, 8);
	CU_ASSERT(x.rate > 25 && x.rate < 35);
	CU_ASSERT_PTR_NOT_NULL(strstr(x.why, "3 rather than"));
	CU_ASSERT_EQUAL(most, 4);
	finish(&w);
}

static void
count(void *arg, const struct q_mlist_view *v)
{
	unsigned *n = arg;

	(void)v;
	++*n;
}

static void
a_listing_keeps_its_place_whatever_comes_and_goes(void)
{
	struct world w;
	struct q_cursor *c;
	struct q_work work;
	unsigned n = 0;

	begin(&w);
	for (unsigned i = 0; i < 10; i++)
		q_queue_submitted(w.q,
		    summary(&w, q_id_make(9, 128 + i * 640), MHS_CONTENT_RFC822,
			"op"));
	c = q_cursor_new(w.q);
	CU_ASSERT_TRUE(q_cursor_next(c, 4, count, &n));
	CU_ASSERT_EQUAL(n, 8);
	for (unsigned i = 0; i < 4; i++) { /* two messages go */
		next(&w, "smtp", &work);
		answer(&w, &work, Q_TRANSFERRED, 0);
	}
	durable(&w);
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 8);
	CU_ASSERT_TRUE(q_cursor_next(c, 5, count, &n));
	CU_ASSERT_FALSE(q_cursor_next(c, 5, count, &n));
	CU_ASSERT_EQUAL(n, 20);
	q_cursor_free(&c);
	finish(&w);
}

static void
look_at(void *arg, const struct q_mlist_view *v)
{
	*(struct q_mlist_view *)arg = *v;
}

static void
a_listing_tells_a_hold_from_a_retry(void)
{
	struct world w;
	struct q_summary *s;
	struct q_mlist_view v = {0};
	struct q_cursor *c;

	begin(&w);
	s = summary(&w, q_id_make(9, 128), MHS_CONTENT_P22, "b");
	s->deferred = START / 1000 + 60;
	q_queue_submitted(w.q, s);
	c = q_cursor_new(w.q);
	q_cursor_next(c, 10, look_at, &v);
	q_cursor_free(&c);
	CU_ASSERT_EQUAL(v.view, Q_VIEW_DEFERRED);
	CU_ASSERT_EQUAL(v.next, START / 1000 + 60);
	CU_ASSERT_EQUAL(v.attempts, 0);
	finish(&w);
}

void
suite_qmgr_queue_list(void)
{
	static CU_TestInfo tests[] = {
	    TEST(works_say_their_level_and_how_many_connections),
	    TEST(connections_adapt_to_what_they_bring),
	    TEST(a_listing_keeps_its_place_whatever_comes_and_goes),
	    TEST(a_listing_tells_a_hold_from_a_retry),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("qmgr_queue_list", tests);
}
