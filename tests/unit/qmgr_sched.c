#include "qmgr/sched.h"

#include <string.h>
#include <time.h>

#include "lib/arena.h"
#include "tests/unit/unit.h"

/*
 * Scenarios are lines of steps, run against a channel of peers a..e:
 *   +PN[tT]  add mlist N (a digit) to peer P with priority u/n/l before it,
 *            e.g. "+fa1"; tT: not before time T; then wT: warn at time T
 *   >N       the next one out is N; >- nothing comes
 *   d r p g  N: done, retry, peer error, again (lost)
 *   o P      peer P answered
 *   h f t    N: held, released, tried now; sN L: its level is L now
 *   P S      peer P is stopped, started; C D the same, of the channel
 *   wN       the warning for N came since the last look; w-: none
 *   @T       the time is T; mlists that expire are noted
 *   xN       N expired since the last look; cN: capacity is N
 */
static const struct sched_params params = {
    .qmgr_maxchans = 4,
    .qmgr_reserve_urgent = 1,
    .qmgr_reserve_normal = 1,
    .qmgr_chan_time1 = 10,
    .qmgr_chan_time2 = 20,
    .qmgr_chan_time3 = 50,
    .qmgr_retry_step = 100,
    .qmgr_retry_max = 250,
    .qmgr_expiry = {1000, 1000, 1000},
};

struct world {
	struct sched *s;
	struct sched_chan *c;
	struct sched_peer *peer[5];
	struct sched_mlist m[10];
	int64_t now;
	char expired[16];
	struct sched_mlist *overdue;
};

static void
note_expired(void *arg, struct sched_mlist *m)
{
	struct world *w = arg;
	size_t n = strlen(w->expired);

	w->expired[n] = (char)('0' + (m - w->m));
	w->expired[n + 1] = '\0';
}

static void
note_overdue(void *arg, struct sched_mlist *m)
{
	struct world *w = arg;

	w->overdue = m;
}

static const char *
add(struct world *w, const char *p)
{
	struct sched_mlist *m = &w->m[p[2] - '0'];
	int64_t until = 0;

	*m = (struct sched_mlist){0};
	m->level = (uint8_t)(strchr("drpifo", p[0]) - "drpifo");
	m->warn = INT64_MAX;
	m->peer = w->peer[p[1] - 'a'];
	m->expires = w->now + 1000;
	p += 3;
	if (*p == 't')
		until = strtol(p + 1, (char **)&p, 10);
	if (*p == 'w')
		m->warn = strtol(p + 1, (char **)&p, 10);
	sched_add(m, until, w->now);
	return p;
}

static const struct sched_events note_events = {note_expired, note_overdue};

static const char *
step(struct world *w, const char *p)
{
	char op = *p++;
	struct sched_mlist *m, *want;

	switch (op) {
	case ' ': return p;
	case '+': return add(w, p);
	case '@':
		w->now = strtol(p, (char **)&p, 10);
		w->expired[0] = '\0';
		w->overdue = NULL;
		sched_tick(w->s, w->now, &note_events, w);
		return p;
	case 'P': sched_peer_stop(w->peer[*p - 'a'], true); return p + 1;
	case 'S': sched_peer_stop(w->peer[*p - 'a'], false); return p + 1;
	case 'C': sched_chan_stop(w->c, true); return p;
	case 'D': sched_chan_stop(w->c, false); return p;
	case 'w':
		want = *p == '-' ? NULL : &w->m[*p - '0'];
		CU_ASSERT_PTR_EQUAL(w->overdue, want);
		return p + 1;
	case 's':
		sched_set_level(&w->m[*p - '0'],
		    (enum q_level)(strchr("drpifo", p[1]) - "drpifo"));
		return p + 2;
	case 'c': sched_chan_capacity(w->c, (unsigned)(*p - '0')); return p + 1;
	case 'o': sched_peer_ok(w->peer[*p - 'a']); return p + 1;
	case 'x': CU_ASSERT_PTR_NOT_NULL(strchr(w->expired, *p)); return p + 1;
	case '>':
		m = sched_next(w->c, w->now);
		want = *p == '-' ? NULL : &w->m[*p - '0'];
		CU_ASSERT_PTR_EQUAL(m, want);
		return p + 1;
	}
	m = &w->m[*p - '0'];
	if (op == 'd')
		sched_done(m);
	else if (op == 'r')
		sched_retry(m, w->now);
	else if (op == 'p')
		sched_peer_error(m, w->now);
	else if (op == 'g')
		sched_again(m, w->now);
	else if (op == 'h')
		sched_hold(m);
	else if (op == 'f')
		sched_release(m, w->now);
	else if (op == 't')
		sched_try_now(m);
	else
		CU_FAIL("unknown step");
	return p + 1;
}

static void
run(const char *what, const char *steps)
{
	struct world w = {.s = sched_new(&params)};
	unsigned before = CU_get_number_of_failures();

	w.c = sched_chan_new(w.s, "chan", 3);
	for (unsigned i = 0; i < 5; i++) {
		char name[2] = {(char)('a' + i), '\0'};

		/* e takes one at a time */
		w.peer[i] = sched_peer_new(
		    w.c, name, i == 4 ? 1 : 100, i == 4 ? 1 : 200);
	}
	sched_chan_capacity(w.c, 9);
	for (const char *p = steps; *p != '\0';)
		p = step(&w, p);
	if (CU_get_number_of_failures() != before)
		fprintf(stderr, "scenario: %s\n", what);
	sched_free(&w.s);
}

static void
the_order_is_priority_then_least_busy_peer_then_fifo(void)
{
	static const char *const v[][2] = {
	    {"nothing", ">-"},
	    {"fifo", "+pa1 +pa2 +pa3 >1 >2 >3 >-"},
	    {"priority first", "+da1 +pa2 +fa3 >3 >2 >1"},
	    {"priority across peers", "+da1 +db2 +fb3 +pa4 >3 >4 >2 >1"},
	    {"a peer with none in progress goes first",
		"+pa1 +pa2 +pa3 +pb4 >1 >4 >2 >3"},
	    {"done frees the peer's turn",
		"+pa1 +pa2 +pb3 +pb4 >1 d1 >3 d3 >2 d2 >4"},
	    {"a peer's limit", "+pe1 +pe2 >1 >- d1 >2"},
	    {"a full peer does not hold up others", "+fe1 +fe2 +da3 >1 >3"},
	    {"lost work comes first again", "+pa1 +pa2 >1 g1 >1 >2"},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++)
		run(v[i][0], v[i][1]);
}

static void
capacity_keeps_reserves_for_higher_priorities(void)
{
	static const char *const v[][2] = {
	    {"no capacity", "c0 +fa1 >-"},
	    {"one place is anybody's", "c1 +da1 >1"},
	    {"three: one for non-urgent",
		"c3 +da1 +da2 >1 >- +pb3 >3 +pb4 >-"
		" +fc5 >5 +fd6 >-"},
	    {"what is higher and waits holds the lower back",
		"c2 +pa1 +pa2 +db3 >1 >- d1 >2"},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++)
		run(v[i][0], v[i][1]);
}

static void
errors_hold_what_they_concern_and_no_more(void)
{
	static const char *const v[][2] = {
	    {"a message's error holds only it",
		"@0 +pa1 +pa2 >1 r1 >2 >- @99 >- @100 >1"},
	    {"back-off grows by steps to its maximum",
		"@0 +pa1 >1 r1 @100 >1 r1 @299 >- @300 >1 r1 @549 >- @550 >1"},
	    {"a peer's error holds only the peer",
		"@0 +pa1 +pa2 +pb3 >1 >3 p1 >- @99 >- @100 >1 >2"},
	    {"errors of one outage count once",
		"@0 +pa1 +pa2 >1 >2 p1 p2 @100 >2 >1"},
	    {"a peer's back-off grows too",
		"@0 +pa1 >1 p1 @100 >1 p1 @299 >- @300 >1"},
	    {"until it answers",
		"@0 +pa1 +pa2 >1 p1 @100 >1 oa d1 >2 p2"
		" @199 >- @200 >2"},
	    {"a suspect goes to the end of the queue",
		"@0 +pa1 +pa2 >1 p1 @100 >1 p1 @300 >1 p1 @550 >2 >1"},
	    {"deferred delivery", "@0 +pa1t70 >- @69 >- @70 >1"},
	    {"expiry while ready", "@0 +pa1 @999 @1000 x1 >-"},
	    {"expiry while waiting", "@0 +pa1t2000 @1000 x1 >-"},
	    {"expiry while the peer is held",
		"@950 +pa1 @1800 +pa2 >1 p1"
		" @1949 @1950 x1 >2"},
	    {"none while active", "@0 +pa1 >1 @5000 d1"},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++)
		run(v[i][0], v[i][1]);
}

static void
each_level_overtakes_all_below_it(void)
{
	static const char *const v[][2] = {
	    {"in a peer", "+da1 +ra2 +pa3 +ia4 +fa5 +oa6 >6 >5 >4 >3 >2 >1"},
	    {"across peers", "+da1 +rb2 +pc3 +id4 +fb5 +oa6 >6 >5 >4 >3 >2 >1"},
	    {"what is out already does not hold up what is more urgent",
		"+pe1 +pe2 +ie3 +oe4 +fe5 >4 >- d4 >5 >- d5 >3 >- d3 >1"},
	    {"and that goes at once, beyond the limit",
		"+pe1 +pe2 >1 >- +ie3 >3 >- +fe4 >4 >- +oe5 >5 >- d1 >-"
		" d5 >- d4 >- d3 >2"},
	    {"its own level counts", "+oe1 +oe2 +pe3 >1 >- d1 >2 d2 >3"},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++)
		run(v[i][0], v[i][1]);
}

static void
the_operator_has_the_last_word(void)
{
	static const char *const v[][2] = {
	    {"a held one does not go", "+pa1 +pa2 h1 >2 >- f1 >1"},
	    {"one that waits neither", "@0 +pa1t50 h1 @60 >- f1 >1"},
	    {"an active one when it is back", "+pa1 >1 h1 g1 >- f1 >1"},
	    {"after a retry too", "@0 +pa1 >1 h1 r1 @500 >- f1 >1"},
	    {"it expires still", "@0 +pa1 h1 @1000 x1 >-"},
	    {"now is now", "@0 +pa1t50 t1 >1"},
	    {"a new level", "+pa1 +pa2 +pa3 s3f >3 s1d >2 >1"},
	    {"of an active one", "+oe1 +pe2 +ie3 >1 s1p >3 >- d3 >- d1 >2"},
	    {"a peer is stopped", "+pa1 +pb2 Pa >2 >- Sa >1"},
	    {"a channel is stopped", "+oa1 C>- D>1"},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++)
		run(v[i][0], v[i][1]);
}

static void
a_warning_comes_once_and_changes_nothing(void)
{
	static const char *const v[][2] = {
	    {"ready", "@0 +pa1t0w50 +pa2 @49 w- @50 w1 @900 w- >1 >2"},
	    {"waiting", "@0 +pa1t70w50 @50 w1 >- @70 w- >1"},
	    {"active: when it is back",
		"@0 +pa1t0w50 >1 @60 w- r1 @61 w1 @160 >1"},
	    {"too late", "@0 +pa1t0w50 @1000 x1 w-"},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++)
		run(v[i][0], v[i][1]);
}

static struct sched_mlist *
fill(struct sched_peer *p, unsigned n, enum q_level level)
{
	struct sched_mlist *m = xcalloc(n, sizeof(*m));

	for (unsigned i = 0; i < n; i++) {
		m[i].peer = p;
		m[i].level = (uint8_t)level;
		m[i].expires = m[i].warn = INT64_MAX;
		sched_add(&m[i], 0, 0);
	}
	return m;
}

static void
processes_start_when_useful_and_not_too_often(void)
{
	struct sched *s = sched_new(&params);
	struct sched_chan *c = sched_chan_new(s, "c", 3);
	struct sched_peer *p = sched_peer_new(c, "p", 100, 100);
	struct sched_mlist *m;
	int64_t when;

	CU_ASSERT_FALSE(sched_may_start(c, 0, &when));
	CU_ASSERT_EQUAL(when, INT64_MAX);
	m = fill(p, 20, Q_LEVEL_FLASH);
	CU_ASSERT_TRUE(sched_may_start(c, 0, &when));
	sched_started(c, 0);
	sched_chan_capacity(c, 2);
	/* it can take what there is */
	CU_ASSERT_FALSE(sched_may_start(c, 100, &when));
	CU_ASSERT_PTR_NOT_NULL(sched_next(c, 0));
	CU_ASSERT_PTR_NOT_NULL(sched_next(c, 0));
	/* it is full, and much waits: qmgr_chan_time2 */
	CU_ASSERT_FALSE(sched_may_start(c, 19, &when));
	CU_ASSERT_EQUAL(when, 20);
	CU_ASSERT_TRUE(sched_may_start(c, 20, &when));
	/* little waits: qmgr_chan_time3 */
	for (unsigned i = 4; i < 20; i++)
		sched_remove(&m[i]);
	CU_ASSERT_FALSE(sched_may_start(c, 49, &when));
	CU_ASSERT_EQUAL(when, 50);
	CU_ASSERT_TRUE(sched_may_start(c, 50, &when));
	/* all stopped: qmgr_chan_time1 */
	sched_stopped(c, 60);
	CU_ASSERT_FALSE(sched_may_start(c, 69, &when));
	CU_ASSERT_EQUAL(when, 70);
	CU_ASSERT_TRUE(sched_may_start(c, 70, &when));
	sched_free(&s);
	free(m);
}

static void
maxchans_and_its_reserves_bound_the_processes_of_all_channels(void)
{
	static const struct {
		enum q_level level;
		unsigned running;
		bool may;
	} v[] = {
	    {Q_LEVEL_DEFERRED, 1, true},
	    {Q_LEVEL_DEFERRED, 2, false},
	    {Q_LEVEL_ROUTINE, 1, true},
	    {Q_LEVEL_ROUTINE, 2, false},
	    {Q_LEVEL_PRIORITY, 2, true},
	    {Q_LEVEL_PRIORITY, 3, false},
	    {Q_LEVEL_IMMEDIATE, 2, true},
	    {Q_LEVEL_IMMEDIATE, 3, false},
	    {Q_LEVEL_FLASH, 3, true},
	    {Q_LEVEL_FLASH, 4, false},
	    {Q_LEVEL_OVERRIDE, 3, true},
	    {Q_LEVEL_OVERRIDE, 4, false},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct sched *s = sched_new(&params);
		struct sched_chan *other = sched_chan_new(s, "other", 9);
		struct sched_chan *c = sched_chan_new(s, "c", 3);
		struct sched_mlist *m =
		    fill(sched_peer_new(c, "p", 1, 1), 1, v[i].level);
		int64_t when;

		for (unsigned n = 0; n < v[i].running; n++)
			sched_started(other, 0);
		CU_ASSERT_EQUAL(sched_may_start(c, 1000, &when), v[i].may);
		sched_free(&s);
		free(m);
	}
}

/* Two channels; maxchans is 4, of which one is for urgent, one not for
 * non-urgent work. */
static void
where_processes_are_short_the_less_urgent_channel_yields(void)
{
	static const struct {
		enum q_level wants; /* of the channel that has too few */
		unsigned has;
		int level; /* of what the other has ready; -1: nothing */
		unsigned running;
		bool idle, yields;
	} v[] = {
	    {Q_LEVEL_PRIORITY, 0, -1, 3, true, true},
	    {Q_LEVEL_PRIORITY, 0, -1, 2, true, false}, /* there is room */
	    {Q_LEVEL_PRIORITY, 0, Q_LEVEL_ROUTINE, 3, true, true},
	    {Q_LEVEL_PRIORITY, 0, Q_LEVEL_PRIORITY, 3, true, true},
	    {Q_LEVEL_PRIORITY, 0, Q_LEVEL_FLASH, 4, true, false},
	    {Q_LEVEL_PRIORITY, 0, Q_LEVEL_FLASH, 4, false, false},
	    {Q_LEVEL_PRIORITY, 0, Q_LEVEL_PRIORITY, 3, false, true},
	    {Q_LEVEL_PRIORITY, 1, Q_LEVEL_PRIORITY, 3, false, false},
	    {Q_LEVEL_OVERRIDE, 3, Q_LEVEL_PRIORITY, 1, true, true},
	    {Q_LEVEL_OVERRIDE, 3, Q_LEVEL_PRIORITY, 1, false, false},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct sched *s = sched_new(&params);
		struct sched_chan *x = sched_chan_new(s, "x", 9);
		struct sched_chan *c = sched_chan_new(s, "c", 9);
		struct sched_mlist *m =
		    fill(sched_peer_new(x, "p", 9, 9), 1, v[i].wants);
		struct sched_mlist *o = v[i].level < 0
		    ? NULL
		    : fill(sched_peer_new(c, "q", 9, 9), 1,
			  (enum q_level)v[i].level);

		for (unsigned n = 0; n < v[i].running; n++)
			sched_started(c, 0);
		for (unsigned n = 0; n < v[i].has; n++)
			sched_started(x, 0);
		CU_ASSERT_EQUAL(sched_should_yield(c, v[i].idle), v[i].yields);
		sched_free(&s);
		free(m);
		free(o);
	}
}

/* 100,000 wait for a slow peer and as many for a fast one; the one urgent one
 * is the next, whichever it is for. */
static void
an_urgent_one_is_next_whatever_waits(void)
{
	for (unsigned target = 0; target < 2; target++) {
		struct sched *s = sched_new(&params);
		struct sched_chan *c = sched_chan_new(s, "c", 3);
		struct sched_peer *slow = sched_peer_new(c, "slow", 4, 8);
		struct sched_peer *fast = sched_peer_new(c, "fast", 4, 8);
		struct sched_mlist *a = fill(slow, 100000, Q_LEVEL_PRIORITY);
		struct sched_mlist *b = fill(fast, 100000, Q_LEVEL_PRIORITY);
		struct sched_mlist *u, *x;

		sched_chan_capacity(c, 100);
		while ((x = sched_next(c, 0)) != NULL)
			if (x->peer == fast && sched_peer_ready(fast) > 50000)
				sched_done(x);
		CU_ASSERT_EQUAL(sched_peer_active(slow), 8);
		CU_ASSERT_EQUAL(sched_peer_active(fast), 8);
		u = fill(target == 0 ? slow : fast, 1, Q_LEVEL_FLASH);
		CU_ASSERT_PTR_EQUAL(sched_next(c, 0), u);
		CU_ASSERT_PTR_NULL(sched_next(c, 0));
		sched_free(&s);
		free(a);
		free(b);
		free(u);
	}
}

static void
fewer_connections_are_kept_to_and_more_are_used(void)
{
	struct sched *s = sched_new(&params);
	struct sched_chan *c = sched_chan_new(s, "c", 3);
	struct sched_peer *p = sched_peer_new(c, "p", 4, 100);
	struct sched_mlist *m = fill(p, 100, Q_LEVEL_FLASH), *x;

	sched_chan_capacity(c, 6);
	while (sched_next(c, 0) != NULL)
		;
	CU_ASSERT_EQUAL(sched_peer_active(p), 8);
	sched_peer_set_connections(p, 1);
	for (unsigned i = 0; i < 6; i++)
		sched_done(&m[i]);
	CU_ASSERT_PTR_NULL(sched_next(c, 0));
	sched_done(&m[6]);
	x = sched_next(c, 0);
	CU_ASSERT_PTR_NOT_NULL(x);
	CU_ASSERT_PTR_NULL(sched_next(c, 0));
	/* the channel's capacity is the limit of all its peers */
	sched_peer_set_connections(p, 50);
	while (sched_next(c, 0) != NULL)
		;
	CU_ASSERT_EQUAL(sched_peer_active(p), 6);
	sched_free(&s);
	free(m);
}

static void
what_is_due_all_at_once_comes_in_parts(void)
{
	struct sched *s = sched_new(&params);
	struct sched_chan *c = sched_chan_new(s, "c", 3);
	struct sched_peer *p = sched_peer_new(c, "p", 1, 1);
	unsigned n = 10 * SCHED_TICK_MAX;
	struct sched_mlist *m = xcalloc(n, sizeof(*m));

	for (unsigned i = 0; i < n; i++) {
		m[i] = (struct sched_mlist){
		    .peer = p, .expires = INT64_MAX, .warn = INT64_MAX};
		sched_add(&m[i], 5, 1);
	}
	sched_tick(s, 5, &note_events, NULL);
	CU_ASSERT(sched_peer_ready(p) <= SCHED_TICK_MAX);
	CU_ASSERT_EQUAL(sched_deadline(s), 5);
	for (unsigned i = 0; i < 20 && sched_deadline(s) <= 5; i++)
		sched_tick(s, 5, &note_events, NULL);
	CU_ASSERT_EQUAL(sched_peer_ready(p), n);
	sched_free(&s);
	free(m);
}

#define MANY 1000000
#define PEERS 1000

static void
a_million_mlists_do_not_slow_it(void)
{
	struct sched *s = sched_new(&params);
	struct sched_chan *c = sched_chan_new(s, "c", 3);
	struct sched_peer **peer = xcalloc(PEERS, sizeof(struct sched_peer *));
	struct sched_mlist *m = xcalloc(MANY, sizeof(*m)), *x;
	unsigned out = 0;
	clock_t t = clock();

	for (unsigned i = 0; i < PEERS; i++)
		peer[i] = sched_peer_new(c, "p", 4, 8);
	sched_chan_capacity(c, 1000);
	for (unsigned i = 0; i < MANY; i++) {
		m[i].peer = peer[i * 7919u % PEERS];
		m[i].level = (uint8_t)(i % Q_LEVELS);
		m[i].expires = 2 * MANY + i;
		m[i].warn = INT64_MAX;
		sched_add(&m[i], i % 4 == 0 ? i : 0, 1);
	}
	while (sched_deadline(s) <= MANY)
		sched_tick(s, MANY, &note_events, NULL);
	while ((x = sched_next(c, MANY)) != NULL) {
		if (++out % 10 == 0)
			sched_retry(x, MANY);
		else
			sched_done(x);
	}
	CU_ASSERT_EQUAL(out, MANY);
	CU_ASSERT_EQUAL(sched_chan_counts(c).waiting, MANY / 10);
	/* two seconds of processor time where the sanitizers are in; a tenth
	 * of that is usual */
	CU_ASSERT((clock() - t) / CLOCKS_PER_SEC < 20);
	sched_free(&s);
	free(peer);
	free(m);
}

void
suite_qmgr_sched(void)
{
	static CU_TestInfo tests[] = {
	    TEST(the_order_is_priority_then_least_busy_peer_then_fifo),
	    TEST(capacity_keeps_reserves_for_higher_priorities),
	    TEST(each_level_overtakes_all_below_it),
	    TEST(the_operator_has_the_last_word),
	    TEST(a_warning_comes_once_and_changes_nothing),
	    TEST(where_processes_are_short_the_less_urgent_channel_yields),
	    TEST(an_urgent_one_is_next_whatever_waits),
	    TEST(fewer_connections_are_kept_to_and_more_are_used),
	    TEST(what_is_due_all_at_once_comes_in_parts),
	    TEST(errors_hold_what_they_concern_and_no_more),
	    TEST(processes_start_when_useful_and_not_too_often),
	    TEST(maxchans_and_its_reserves_bound_the_processes_of_all_channels),
	    TEST(a_million_mlists_do_not_slow_it),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("qmgr_sched", tests);
}
