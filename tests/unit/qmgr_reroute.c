#include <stdio.h>
#include <string.h>

#include "tests/unit/qmgr_world.h"

#define HEAD                                                      \
	"mta name=alpha country=XX admd=ALPHA hostname=a.e\n"     \
	"scheduler retry-step=10s retry-max=60s reserve-urgent=0" \
	" reserve-normal=0 warn-normal=1h\n"                      \
	"channel name=x400p1\n"                                   \
	"channel name=smtp\n"

#define CONF                                                                   \
	HEAD "peer name=bravo channel=x400p1 otherwise=charlie"                \
	     " reroute-after=1m\n"                                             \
	     "peer name=charlie channel=x400p1 otherwise=bravo"                \
	     " reroute-after=1m\n"                                             \
	     "peer name=delta channel=x400p1 otherwise=out reroute-after=0s\n" \
	     "peer name=out channel=smtp\n"                                    \
	     "peer name=alone channel=x400p1\n"

#define CONF_ONE_WAY                                        \
	HEAD "peer name=delta channel=x400p1 otherwise=out" \
	     " reroute-after=0s\n"                          \
	     "peer name=out channel=x400p1\n"

static struct q_summary *
submit(struct world *w, unsigned number, const char *to)
{
	struct q_summary *s = world_summary(w, number, MHS_CONTENT_P22, to);

	q_queue_submitted(w->q, s);
	world_durable(w);
	return s;
}

struct counts {
	unsigned here, there;
	const char *peer;
};

static void
count(void *arg, const struct q_mlist_view *v)
{
	struct counts *n = arg;

	if (strcmp(v->peer, n->peer) == 0)
		n->here += (unsigned)v->recipients;
	else
		n->there += (unsigned)v->recipients;
}

/* Recipients that go to the peer. */
static unsigned
going(struct world *w, const char *peer)
{
	struct q_cursor *c = q_cursor_new(w->q);
	struct counts n = {.peer = peer};

	while (q_cursor_next(c, 1000, count, &n))
		;
	q_cursor_free(&c);
	return n.here;
}

static struct q_work
take(struct world *w, const char *peer)
{
	struct q_work work = {0};

	CU_ASSERT_TRUE(world_next(w, "x400p1", &work));
	CU_ASSERT_STRING_EQUAL(work.peer != NULL ? work.peer : "", peer);
	return work;
}

/* The peer makes an error each time that it is tried, until it is given up; it is
 * held then. */
static void
fail(struct world *w, const char *peer)
{
	for (unsigned i = 0; i < 20 && w->n_news == 0; i++) {
		struct q_work work;

		while (w->n_news == 0 && world_next(w, "x400p1", &work)) {
			/* others are slow */
			if (strcmp(work.peer, peer) == 0)
				world_answer(w, &work, Q_DEFERRED, 0, true);
			world_durable(w);
		}
		w->now += 7000;
		world_tick(w);
		world_durable(w);
	}
	CU_ASSERT(w->n_news >= 1 && w->n_news <= 2);
	CU_ASSERT_STRING_EQUAL(w->news[0].peer, peer);
	CU_ASSERT_EQUAL(w->news[0].news, Q_REROUTE_GIVEN_UP);
	if (w->n_news == 2) {
		CU_ASSERT_EQUAL(w->news[1].news, Q_REROUTE_MOVED);
		CU_ASSERT(w->news[1].count > 0);
	}
}

static void
what_waits_for_a_peer_that_fails_goes_to_the_other(void)
{
	struct world w;
	struct q_work work;

	world_begin(&w, CONF);
	for (unsigned i = 0; i < 20; i++)
		submit(&w, i, i % 2 == 0 ? "bravo alone" : "bravo bravo");
	fail(&w, "bravo");
	CU_ASSERT_EQUAL(w.news[1].count, 30);
	CU_ASSERT_EQUAL(going(&w, "bravo"), 0);
	CU_ASSERT_EQUAL(going(&w, "charlie"), 30);
	CU_ASSERT_EQUAL(going(&w, "alone"), 10);
	work = take(&w, "charlie");
	CU_ASSERT_STRING_EQUAL(work.rerouted_from, "bravo");
	CU_ASSERT_EQUAL(work.attempt, 1);
	world_answer(&w, &work, Q_TRANSFERRED, 0, false);
	world_durable(&w);
	world_end(&w);
}

/* Errors that do not last, or a peer that answers in between. */
static void
a_peer_that_answers_keeps_its_work(void)
{
	struct world w;
	struct q_work work;

	world_begin(&w, CONF);
	for (unsigned i = 0; i < 10; i++)
		submit(&w, i, "bravo");
	for (unsigned i = 0; i < 8; i++) {
		work = take(&w, "bravo");
		world_answer(&w, &work, i % 2 ? Q_TRANSFERRED : Q_DEFERRED, 0,
		    i % 2 == 0);
		world_durable(&w);
		w.now += 40000;
		world_tick(&w);
		world_durable(&w);
	}
	CU_ASSERT_EQUAL(w.n_news, 0);
	CU_ASSERT_EQUAL(going(&w, "charlie"), 0);
	world_end(&w);
}

static void
what_comes_meanwhile_goes_there_at_once(void)
{
	struct world w;
	struct q_work work;
	struct q_summary *s;

	world_begin(&w, CONF);
	submit(&w, 0, "bravo");
	fail(&w, "bravo");
	work = take(&w, "charlie");
	world_answer(&w, &work, Q_TRANSFERRED, 0, false);
	/* bravo is held: not tried; durable first */
	s = world_summary(&w, 1, MHS_CONTENT_P22, "bravo");
	q_queue_submitted(w.q, s);
	CU_ASSERT_FALSE(world_next(&w, "x400p1", &work));
	world_durable(&w);
	work = take(&w, "charlie");
	CU_ASSERT_EQUAL(work.message, s->id);
	CU_ASSERT_STRING_EQUAL(work.rerouted_from, "bravo");
	world_answer(&w, &work, Q_TRANSFERRED, 0, false);
	/* the hold ends: it is tried, fails, and follows */
	w.now += 60000;
	world_tick(&w);
	submit(&w, 2, "bravo");
	work = take(&w, "bravo");
	CU_ASSERT_PTR_NULL(work.rerouted_from);
	submit(&w, 3, "bravo");
	world_answer(&w, &work, Q_DEFERRED, 0, true);
	world_tick(&w);
	world_durable(&w);
	CU_ASSERT_EQUAL(going(&w, "bravo"), 0);
	for (unsigned i = 0; i < 2; i++) {
		work = take(&w, "charlie");
		world_answer(&w, &work, Q_TRANSFERRED, 0, false);
	}
	/* it is back */
	w.now += 60000;
	world_tick(&w);
	submit(&w, 4, "bravo");
	w.n_news = 0;
	work = take(&w, "bravo");
	world_answer(&w, &work, Q_TRANSFERRED, 0, false);
	CU_ASSERT_EQUAL(w.n_news, 1);
	CU_ASSERT_EQUAL(w.news[0].news, Q_REROUTE_BACK);
	CU_ASSERT_EQUAL(w.news[0].count, 4);
	submit(&w, 5, "bravo");
	work = take(&w, "bravo");
	world_answer(&w, &work, Q_TRANSFERRED, 0, false);
	world_durable(&w);
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 0);
	world_end(&w);
}

/* Each is the other's. */
static void
nothing_goes_to_a_peer_that_fails_too_until_that_answers(void)
{
	struct world w;
	struct q_work work;
	unsigned attempts = 0;

	world_begin(&w, CONF);
	submit(&w, 0, "bravo");
	fail(&w, "bravo");
	for (unsigned i = 0; i < 100; i++) {
		if (world_next(&w, "x400p1", &work)) {
			CU_ASSERT_STRING_EQUAL(work.peer, "charlie");
			world_answer(&w, &work, Q_DEFERRED, 0, true);
			attempts++;
		}
		w.now += 10000;
		world_tick(&w);
		world_durable(&w);
	}
	CU_ASSERT(attempts > 10);
	/* charlie's own cannot go to bravo, which is no better */
	submit(&w, 1, "charlie");
	CU_ASSERT_EQUAL(going(&w, "charlie"), 2);
	/* until that is back: then all can, and those that came from there too */
	submit(&w, 2, "bravo");
	CU_ASSERT_EQUAL(going(&w, "bravo"), 1);
	while (world_next(&w, "x400p1", &work))
		world_answer(&w, &work,
		    strcmp(work.peer, "bravo") == 0 ? Q_TRANSFERRED
						    : Q_DEFERRED,
		    0, strcmp(work.peer, "bravo") != 0);
	world_tick(&w);
	world_durable(&w);
	CU_ASSERT_EQUAL(going(&w, "charlie"), 0);
	CU_ASSERT_EQUAL(going(&w, "bravo"), 2);
	world_end(&w);
}

/* Also one that has no other of its own, and so is never given up. */
static void
nothing_goes_where_each_try_fails(void)
{
	struct world w;
	struct q_work work;

	world_begin(&w, CONF_ONE_WAY);
	submit(&w, 0, "out");
	work = take(&w, "out");
	world_answer(&w, &work, Q_DEFERRED, 0, true);
	submit(&w, 1, "delta");
	fail(&w, "delta");
	CU_ASSERT_EQUAL(going(&w, "delta"), 1);
	CU_ASSERT_EQUAL(going(&w, "out"), 1);
	/* it answers, and takes over */
	w.now += 60000;
	world_tick(&w);
	while (world_next(&w, "x400p1", &work))
		world_answer(&w, &work,
		    strcmp(work.peer, "out") == 0 ? Q_TRANSFERRED : Q_DEFERRED,
		    0, strcmp(work.peer, "out") != 0);
	world_tick(&w);
	world_durable(&w);
	CU_ASSERT_EQUAL(going(&w, "delta"), 0);
	CU_ASSERT_EQUAL(going(&w, "out"), 1);
	world_end(&w);
}

static void
it_survives_a_restart_with_the_peer_that_was_tried_first(void)
{
	for (unsigned by_snapshot = 0; by_snapshot < 2; by_snapshot++) {
		struct world w;
		struct q_work work;
		struct q_summary *s[2];

		world_begin(&w, CONF);
		s[0] = submit(&w, 0, "bravo alone");
		fail(&w, "bravo");
		s[1] = submit(&w, 1, "bravo");
		world_restart(&w, CONF, by_snapshot, s, 2);
		CU_ASSERT_EQUAL(going(&w, "bravo"), 0);
		CU_ASSERT_EQUAL(going(&w, "charlie"), 2);
		for (unsigned i = 0; i < 3; i++) {
			CU_ASSERT_TRUE(world_next(&w, "x400p1", &work));
			CU_ASSERT_STRING_EQUAL(work.rerouted_from != NULL
				? work.rerouted_from
				: "alone",
			    strcmp(work.peer, "alone") == 0 ? "alone"
							    : "bravo");
		}
		/* the peer of before is not known any more */
		world_restart(&w,
		    HEAD "peer name=charlie channel=x400p1\n"
			 "peer name=alone channel=x400p1\n",
		    by_snapshot, s, 2);
		for (unsigned i = 0; i < 3; i++) {
			CU_ASSERT_TRUE(world_next(&w, "x400p1", &work));
			CU_ASSERT_PTR_NULL(work.rerouted_from);
		}
		/* and the one that it went to is not */
		world_restart(&w,
		    HEAD "peer name=bravo channel=x400p1\n"
			 "peer name=alone channel=x400p1\n",
		    by_snapshot, s, 2);
		CU_ASSERT_EQUAL(going(&w, "bravo"), 2);
		world_end(&w);
	}
}

/* To a peer of the other world the mixer comes first, from the original. */
static void
the_plan_begins_anew_on_another_channel(void)
{
	struct world w;
	struct q_work work;

	world_begin(&w, CONF);
	submit(&w, 0, "delta");
	work = take(&w, "delta");
	world_answer(&w, &work, Q_DEFERRED, 0, true);
	world_tick(&w);
	world_durable(&w);
	CU_ASSERT_FALSE(world_next(&w, "smtp", &work));
	CU_ASSERT_TRUE(world_next(&w, "mixer", &work));
	CU_ASSERT_STRING_EQUAL(work.next_peer, "out");
	world_answer(&w, &work, Q_CONVERTED, q_id_make(20, 128), false);
	world_durable(&w);
	CU_ASSERT_TRUE(world_next(&w, "smtp", &work));
	CU_ASSERT_STRING_EQUAL(work.rerouted_from, "delta");
	CU_ASSERT_EQUAL(work.record, q_id_make(20, 128));
	world_end(&w);
}

/* X.411 14.3.3: there is nobody beyond that channel to answer it. */
static void
a_probe_is_not_rerouted_out_of_x400(void)
{
	struct world w;
	struct q_work work;
	struct q_summary *s;

	world_begin(&w, CONF);
	s = world_summary(&w, 0, MHS_CONTENT_NONE, "delta");
	s->kind = MHS_PROBE;
	q_queue_submitted(w.q, s);
	work = take(&w, "delta");
	world_answer(&w, &work, Q_DEFERRED, 0, true);
	world_tick(&w);
	world_durable(&w);
	CU_ASSERT_EQUAL(going(&w, "delta"), 1);
	world_end(&w);
}

static void
what_is_held_deferred_or_urgent_stays_so(void)
{
	struct world w;
	struct q_work work;
	struct q_summary *s;
	struct q_op_result out;
	struct q_op_target t;
	struct err e = ERR_INIT;

	world_begin(&w, CONF);
	submit(&w, 0, "bravo");
	s = submit(&w, 1, "bravo");
	t.message = s->id;
	t.n = 0;
	CU_ASSERT_EQUAL(q_op_hold(w.q, &t, true, &out, NULL, NULL, &e), 0);
	s = world_summary(&w, 2, MHS_CONTENT_P22, "bravo");
	s->deferred = w.now / 1000 + 100000;
	q_queue_submitted(w.q, s);
	s = world_summary(&w, 3, MHS_CONTENT_P22, "bravo:w");
	s->level = Q_LEVEL_OVERRIDE;
	q_queue_submitted(w.q, s);
	world_durable(&w);
	fail(&w, "bravo");
	CU_ASSERT_EQUAL(w.news[1].count, 3);
	CU_ASSERT_EQUAL(going(&w, "bravo"), 1);
	work = take(&w, "charlie");
	CU_ASSERT_EQUAL(work.message, s->id);
	work = take(&w, "charlie");
	CU_ASSERT_FALSE(world_next(&w, "x400p1", &work));
	CU_ASSERT_EQUAL(q_op_hold(w.q, &t, false, &out, NULL, NULL, &e), 0);
	work = take(&w, "charlie");
	CU_ASSERT_EQUAL(work.message, t.message);
	/* the urgent one is late, and told of, and given up in its time */
	w.now += 1800 * 1000;
	world_tick(&w);
	world_durable(&w);
	world_end(&w);
}

static void
a_peer_that_is_stopped_takes_nothing_over(void)
{
	for (unsigned channel = 0; channel < 2; channel++) {
		struct world w;
		struct q_work work;
		struct err e = ERR_INIT;
		const char *peer = channel ? NULL : "out";

		world_begin(&w, CONF);
		CU_ASSERT_EQUAL(q_op_stop(w.q, "smtp", peer, true, &e), 0);
		submit(&w, 0, "delta");
		work = take(&w, "delta");
		world_answer(&w, &work, Q_DEFERRED, 0, true);
		world_tick(&w);
		world_durable(&w);
		CU_ASSERT_EQUAL(going(&w, "out"), 0);
		/* that it is given up is said once, and nothing of nobody */
		CU_ASSERT_EQUAL(w.n_news, 1);
		CU_ASSERT_EQUAL(w.news[0].news, Q_REROUTE_GIVEN_UP);
		CU_ASSERT_EQUAL(q_op_stop(w.q, "smtp", peer, false, &e), 0);
		world_tick(&w);
		world_durable(&w);
		CU_ASSERT_EQUAL(going(&w, "out"), 1);
		world_end(&w);
	}
}

/* Nobody waits for the bulk: each tick does a part of it. */
static void
thousands_are_moved_in_slices(void)
{
	struct world w;
	unsigned ticks, before;

	world_begin(&w, CONF);
	for (unsigned i = 0; i < 3000; i++)
		submit(&w, i, i % 3 == 0 ? "bravo" : "alone");
	for (unsigned i = 0; i < 6; i++) {
		struct q_work work;

		w.now += i > 0 ? 60000 : 0;
		q_queue_tick(w.q);
		before = going(&w, "charlie");
		if (before > 0)
			break;
		while (world_next(&w, "x400p1", &work))
			if (strcmp(work.peer, "bravo") == 0)
				world_answer(&w, &work, Q_DEFERRED, 0, true);
		world_durable(&w);
	}
	CU_ASSERT(before > 0);
	CU_ASSERT(before < 500);
	CU_ASSERT_TRUE(q_queue_deadline(w.q) <= w.now);
	world_durable(&w);
	ticks = world_tick(&w);
	CU_ASSERT(ticks > 4);
	CU_ASSERT(ticks < 100);
	world_durable(&w);
	CU_ASSERT_EQUAL(going(&w, "bravo"), 0);
	CU_ASSERT_EQUAL(going(&w, "charlie"), 1000);
	CU_ASSERT_EQUAL(w.n_news, 2);
	CU_ASSERT_EQUAL(w.news[1].count, 1000);
	world_end(&w);
}

struct rates_seen {
	double channel, peer;
	unsigned n;
};

static void
see_rates(void *arg, const struct q_rates *x)
{
	struct rates_seen *s = arg;

	s->n++;
	if (strcmp(x->channel, "x400p1") == 0 && x->peer == NULL)
		s->channel = x->octets[RATE_10S];
	if (x->peer != NULL && strcmp(x->peer, "bravo") == 0)
		s->peer = x->octets[RATE_10S];
}

static void
what_goes_through_is_counted_by_channel_and_peer(void)
{
	struct world w;
	struct q_work work;
	struct rates_seen s = {0};

	world_begin(&w, CONF);
	for (unsigned i = 0; i < 20; i++) {
		submit(&w, i, i % 2 == 0 ? "bravo" : "alone");
		world_next(&w, "x400p1", &work);
		world_answer(
		    &w, &work, i < 18 ? Q_TRANSFERRED : Q_DEFERRED, 0, false);
		world_durable(&w);
		w.now += 450;
	}
	q_queue_rates(w.q, see_rates, &s);
	CU_ASSERT_EQUAL(s.n, w.c.n_channels + w.c.n_peers);
	CU_ASSERT_DOUBLE_EQUAL(s.channel, 2000, 1);
	CU_ASSERT_DOUBLE_EQUAL(s.peer, 1000, 1);
	world_end(&w);
}

void
suite_qmgr_reroute(void)
{
	static CU_TestInfo tests[] = {
	    TEST(what_waits_for_a_peer_that_fails_goes_to_the_other),
	    TEST(a_peer_that_answers_keeps_its_work),
	    TEST(what_comes_meanwhile_goes_there_at_once),
	    TEST(nothing_goes_to_a_peer_that_fails_too_until_that_answers),
	    TEST(nothing_goes_where_each_try_fails),
	    TEST(it_survives_a_restart_with_the_peer_that_was_tried_first),
	    TEST(the_plan_begins_anew_on_another_channel),
	    TEST(a_probe_is_not_rerouted_out_of_x400),
	    TEST(what_is_held_deferred_or_urgent_stays_so),
	    TEST(a_peer_that_is_stopped_takes_nothing_over),
	    TEST(thousands_are_moved_in_slices),
	    TEST(what_goes_through_is_counted_by_channel_and_peer),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("qmgr_reroute", tests);
}
