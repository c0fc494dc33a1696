/*
 * The scheduler against a model that is as simple as can be: an array that is
 * looked through whole for each question. Random events under a virtual
 * clock; after each, both must say the same. SCHED_EVENTS sets how many events
 * (else some ten thousands), SCHED_SEED which; a failure prints its seed.
 */
#include "qmgr/sched.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "tests/unit/unit.h"

#define PEERS 6
#define CHANS 2
#define MLISTS 60
#define STEP 1000
#define RETRY_MAX 4500

static const struct sched_params params = {
    .qmgr_maxchans = 4,
    .qmgr_reserve_urgent = 1,
    .qmgr_reserve_normal = 2,
    .qmgr_retry_step = STEP,
    .qmgr_retry_max = RETRY_MAX,
};

struct m_mlist {
	struct sched_mlist s; /* first */
	enum sched_state state;
	unsigned peer, level, attempts;
	bool held;
	int64_t expires, warn, until;
	int64_t order; /* in the queue; equal: ready in the same moment */
};

struct m_peer {
	struct sched_peer *s;
	unsigned chan, connections, works, errors;
	int64_t held_until;
	uint64_t served;
	bool stopped;
};

struct world {
	struct sched *s;
	struct sched_chan *chan[CHANS];
	unsigned capacity[CHANS];
	bool chan_stopped[CHANS];
	struct m_peer peer[PEERS];
	struct m_mlist m[MLISTS];
	int64_t now, front, back;
	uint64_t served, random, dispatched;
	bool seen_expired[MLISTS], seen_overdue[MLISTS];
};

static unsigned
draw(struct world *w, unsigned n)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return (unsigned)((w->random >> 11) % n);
}

/* --- the model --- */

/* Mlists of the peer that are out, of that level and above. */
static unsigned
out(const struct world *w, unsigned peer, unsigned level)
{
	unsigned n = 0;

	for (unsigned i = 0; i < MLISTS; i++)
		n += w->m[i].state == SCHED_ACTIVE && w->m[i].peer == peer &&
		    w->m[i].level >= level;
	return n;
}

static unsigned
limit(const struct m_peer *p)
{
	return p->works < 2 * p->connections ? p->works : 2 * p->connections;
}

static unsigned
busy(const struct world *w, unsigned chan)
{
	unsigned n = 0;

	for (unsigned i = 0; i < PEERS; i++) {
		unsigned active = out(w, i, 0);

		if (w->peer[i].chan == chan)
			n += active < w->peer[i].connections
			    ? active
			    : w->peer[i].connections;
	}
	return n;
}

static unsigned
share(unsigned all, unsigned level)
{
	unsigned kept = 0;

	if (level <= Q_LEVEL_IMMEDIATE)
		kept += params.qmgr_reserve_urgent;
	if (level <= Q_LEVEL_ROUTINE)
		kept += params.qmgr_reserve_normal;
	return all == 0 ? 0 : kept < all ? all - kept : 1;
}

static bool
may_go(const struct world *w, const struct m_mlist *m)
{
	const struct m_peer *p = &w->peer[m->peer];

	return m->state == SCHED_READY && p->held_until == 0 && !p->stopped &&
	    out(w, m->peer, m->level) < limit(p);
}

/* Is x to go before y? */
static bool
before(const struct world *w, const struct m_mlist *x, const struct m_mlist *y)
{
	unsigned ax = out(w, x->peer, 0), ay = out(w, y->peer, 0);

	if (x->level != y->level)
		return x->level > y->level;
	if (x->peer == y->peer)
		return x->order < y->order;
	if (ax != ay)
		return ax < ay;
	return w->peer[x->peer].served < w->peer[y->peer].served;
}

static struct m_mlist *
model_next(struct world *w, unsigned chan)
{
	struct m_mlist *best = NULL;
	unsigned active;

	for (unsigned i = 0; i < MLISTS; i++) {
		struct m_mlist *m = &w->m[i];

		if (w->peer[m->peer].chan == chan && may_go(w, m) &&
		    (best == NULL || before(w, m, best)))
			best = m;
	}
	if (best == NULL || w->chan_stopped[chan] || w->capacity[chan] == 0)
		return NULL;
	active = out(w, best->peer, 0);
	if (active < w->peer[best->peer].connections &&
	    busy(w, chan) >= share(w->capacity[chan], best->level))
		return NULL;
	return best;
}

static int64_t
back_off(unsigned errors)
{
	int64_t ms = (int64_t)errors * STEP;

	return ms < RETRY_MAX ? ms : RETRY_MAX;
}

static void
model_ready(struct world *w, struct m_mlist *m, bool front)
{
	m->state = m->held ? SCHED_HELD : SCHED_READY;
	m->order = front ? --w->front : ++w->back;
}

static void
model_wait(struct world *w, struct m_mlist *m, int64_t until)
{
	if (until <= w->now) {
		model_ready(w, m, false);
		return;
	}
	m->state = m->held ? SCHED_HELD : SCHED_WAITING;
	m->until = until;
}

/* --- events; each does the same to both --- */

static struct m_mlist *
pick(struct world *w, enum sched_state state)
{
	unsigned at = draw(w, MLISTS);

	for (unsigned i = 0; i < MLISTS; i++) {
		struct m_mlist *m = &w->m[(at + i) % MLISTS];

		if (m->state == state)
			return m;
	}
	return NULL;
}

static void
ev_add(struct world *w)
{
	struct m_mlist *m = pick(w, SCHED_OFF);
	int64_t until = draw(w, 4) == 0 ? w->now + draw(w, 3000) : 0;

	if (m == NULL)
		return;
	*m = (struct m_mlist){.peer = draw(w, PEERS),
	    .level = draw(w, Q_LEVELS),
	    .expires = draw(w, 3) > 0 ? w->now + 1 + draw(w, 40000) : INT64_MAX,
	    .warn = draw(w, 3) == 0 ? w->now + 1 + draw(w, 20000) : INT64_MAX};
	m->s.peer = w->peer[m->peer].s;
	m->s.level = (uint8_t)m->level;
	m->s.expires = m->expires;
	m->s.warn = m->warn;
	sched_add(&m->s, until, w->now);
	model_wait(w, m, until);
}

static void
ev_next(struct world *w)
{
	unsigned chan = draw(w, CHANS);
	struct m_mlist *want = model_next(w, chan);
	struct sched_mlist *got = sched_next(w->chan[chan], w->now);

	CU_ASSERT_EQUAL_FATAL(got == NULL, want == NULL);
	if (want == NULL)
		return;
	/* another will do that became ready in the same moment */
	CU_ASSERT_FATAL(may_go(w, (struct m_mlist *)got));
	CU_ASSERT_FATAL(!before(w, want, (struct m_mlist *)got));
	want = (struct m_mlist *)got;
	want->state = SCHED_ACTIVE;
	want->attempts++;
	w->peer[want->peer].served = ++w->served;
	w->dispatched++;
	CU_ASSERT_EQUAL_FATAL(got->attempts, want->attempts);
}

static void
ev_done(struct world *w)
{
	struct m_mlist *m = pick(w, SCHED_ACTIVE);

	if (m == NULL)
		return;
	sched_peer_ok(w->peer[m->peer].s);
	w->peer[m->peer].errors = 0;
	sched_done(&m->s);
	m->state = SCHED_OFF;
}

static void
ev_retry(struct world *w)
{
	struct m_mlist *m = pick(w, SCHED_ACTIVE);

	if (m == NULL)
		return;
	sched_retry(&m->s, w->now);
	model_wait(w, m, w->now + back_off(m->attempts));
}

static void
ev_again(struct world *w)
{
	struct m_mlist *m = pick(w, SCHED_ACTIVE);

	if (m == NULL)
		return;
	sched_again(&m->s, w->now);
	model_ready(w, m, true);
}

static void
ev_peer_error(struct world *w)
{
	struct m_mlist *m = pick(w, SCHED_ACTIVE);
	struct m_peer *p;

	if (m == NULL)
		return;
	p = &w->peer[m->peer];
	sched_peer_error(&m->s, w->now);
	model_ready(w, m, m->attempts % 3 != 0);
	if (p->held_until <= w->now)
		p->held_until = w->now + back_off(++p->errors);
}

static void
ev_remove(struct world *w)
{
	struct m_mlist *m = &w->m[draw(w, MLISTS)];

	sched_remove(&m->s);
	m->state = SCHED_OFF;
}

static void
ev_hold(struct world *w)
{
	struct m_mlist *m = &w->m[draw(w, MLISTS)];

	if (m->state == SCHED_OFF)
		return;
	sched_hold(&m->s);
	m->held = true;
	if (m->state != SCHED_ACTIVE)
		m->state = SCHED_HELD;
}

static void
ev_release(struct world *w)
{
	struct m_mlist *m = &w->m[draw(w, MLISTS)];

	if (m->state == SCHED_OFF)
		return;
	sched_release(&m->s, w->now);
	m->held = false;
	if (m->state == SCHED_HELD)
		model_ready(w, m, false);
}

static void
ev_try_now(struct world *w)
{
	struct m_mlist *m = pick(w, SCHED_WAITING);

	if (m == NULL)
		return;
	sched_try_now(&m->s);
	model_ready(w, m, false);
}

static void
ev_set_level(struct world *w)
{
	struct m_mlist *m = &w->m[draw(w, MLISTS)];
	unsigned level = draw(w, Q_LEVELS);

	if (m->state == SCHED_OFF)
		return;
	sched_set_level(&m->s, (enum q_level)level);
	m->level = level;
	if (m->state == SCHED_READY)
		m->order = ++w->back;
}

static void
ev_limits(struct world *w)
{
	unsigned i = draw(w, PEERS), c = draw(w, CHANS);

	switch (draw(w, 4)) {
	case 0:
		w->peer[i].connections = 1 + draw(w, 4);
		sched_peer_set_connections(
		    w->peer[i].s, w->peer[i].connections);
		break;
	case 1:
		w->capacity[c] = draw(w, 12);
		sched_chan_capacity(w->chan[c], w->capacity[c]);
		break;
	case 2:
		w->peer[i].stopped = draw(w, 4) == 0;
		sched_peer_stop(w->peer[i].s, w->peer[i].stopped);
		break;
	case 3:
		w->chan_stopped[c] = draw(w, 8) == 0;
		sched_chan_stop(w->chan[c], w->chan_stopped[c]);
		break;
	}
}

static void
on_expired(void *arg, struct sched_mlist *s)
{
	struct world *w = arg;

	w->seen_expired[(struct m_mlist *)s - w->m] = true;
}

static void
on_overdue(void *arg, struct sched_mlist *s)
{
	struct world *w = arg;

	w->seen_overdue[(struct m_mlist *)s - w->m] = true;
}

/* What is due in the model, in the order of time, as if the scheduler had
 * been asked each millisecond. */
static void
model_tick(struct world *w, int64_t now, bool *expired, bool *overdue)
{
	int64_t moment = ++w->back;

	for (unsigned i = 0; i < PEERS; i++)
		if (w->peer[i].held_until <= now)
			w->peer[i].held_until = 0;
	for (unsigned i = 0; i < MLISTS; i++) {
		struct m_mlist *m = &w->m[i];

		if (m->state == SCHED_OFF || m->state == SCHED_ACTIVE)
			continue;
		if (m->expires <= now) {
			expired[i] = true;
			m->state = SCHED_OFF;
			continue;
		}
		if (m->warn <= now) {
			overdue[i] = true;
			m->warn = INT64_MAX;
		}
		if (m->state != SCHED_WAITING || m->until > now)
			continue;
		model_ready(w, m, false);
		m->order = moment;
	}
}

static void
ev_time(struct world *w)
{
	static const struct sched_events events = {on_expired, on_overdue};
	int64_t end = w->now + 1 + draw(w, 400);

	/* a moment at a time */
	while (w->now < end) {
		bool expired[MLISTS] = {0}, overdue[MLISTS] = {0};
		int64_t at = sched_deadline(w->s);

		w->now = at > w->now && at < end ? at : end;
		memset(w->seen_expired, 0, sizeof(w->seen_expired));
		memset(w->seen_overdue, 0, sizeof(w->seen_overdue));
		while (sched_deadline(w->s) <= w->now)
			sched_tick(w->s, w->now, &events, w);
		model_tick(w, w->now, expired, overdue);
		CU_ASSERT_FATAL(
		    memcmp(expired, w->seen_expired, sizeof(expired)) == 0);
		CU_ASSERT_FATAL(
		    memcmp(overdue, w->seen_overdue, sizeof(overdue)) == 0);
	}
}

/* --- what must be so after every event --- */

static void
check(const struct world *w)
{
	struct sched_counts n[CHANS] = {0};

	for (unsigned i = 0; i < MLISTS; i++) {
		const struct m_mlist *m = &w->m[i];
		struct sched_counts *c = &n[w->peer[m->peer].chan];

		CU_ASSERT_EQUAL_FATAL(m->s.state, m->state);
		if (m->state == SCHED_WAITING)
			CU_ASSERT_EQUAL_FATAL(m->s.until, m->until);
		c->ready += m->state == SCHED_READY;
		c->waiting += m->state == SCHED_WAITING;
		c->active += m->state == SCHED_ACTIVE;
		c->held += m->state == SCHED_HELD;
	}
	for (unsigned i = 0; i < CHANS; i++) {
		struct sched_counts c = sched_chan_counts(w->chan[i]);

		CU_ASSERT_FATAL(memcmp(&c, &n[i], sizeof(c)) == 0);
	}
	for (unsigned i = 0; i < PEERS; i++) {
		CU_ASSERT_EQUAL_FATAL(
		    sched_peer_held(w->peer[i].s), w->peer[i].held_until);
		CU_ASSERT_EQUAL_FATAL(
		    sched_peer_active(w->peer[i].s), out(w, i, 0));
	}
}

static const struct {
	void (*run)(struct world *w);
	unsigned weight;
} events[] = {
    {ev_next, 40},
    {ev_add, 20},
    {ev_done, 14},
    {ev_time, 10},
    {ev_retry, 6},
    {ev_peer_error, 2},
    {ev_again, 2},
    {ev_remove, 1},
    {ev_hold, 1},
    {ev_release, 2},
    {ev_try_now, 1},
    {ev_set_level, 1},
    {ev_limits, 1},
};
#define WEIGHTS 101

static void
any_event(struct world *w)
{
	unsigned n = draw(w, WEIGHTS), i = 0;

	while (n >= events[i].weight)
		n -= events[i++].weight;
	events[i].run(w);
}

static void
world_new(struct world *w, uint64_t seed)
{
	*w = (struct world){
	    .random = seed * 2654435761u + 88172645463325252u, .now = 1000};
	w->s = sched_new(&params);
	for (unsigned i = 0; i < CHANS; i++) {
		w->chan[i] = sched_chan_new(w->s, "c", 2);
		w->capacity[i] = 8;
		sched_chan_capacity(w->chan[i], 8);
	}
	for (unsigned i = 0; i < PEERS; i++) {
		struct m_peer *p = &w->peer[i];

		p->chan = i % CHANS;
		p->connections = 1 + i % 3;
		p->works = i < 2 ? 1 : 100;
		p->s = sched_peer_new(
		    w->chan[p->chan], "p", p->connections, p->works);
	}
}

static uint64_t
number_from(const char *variable, uint64_t dflt)
{
	const char *text = getenv(variable);

	return text != NULL ? strtoull(text, NULL, 10) : dflt;
}

/* Peers that were never served tie: give each its first. */
static void
serve_each_once(struct world *w)
{
	for (unsigned i = 0; i < PEERS; i++) {
		struct m_mlist *m = &w->m[i];

		*m = (struct m_mlist){.peer = i, .expires = INT64_MAX};
		m->s.peer = w->peer[i].s;
		m->s.expires = m->s.warn = INT64_MAX;
		sched_add(&m->s, 0, w->now);
		CU_ASSERT_PTR_EQUAL_FATAL(
		    sched_next(w->chan[w->peer[i].chan], w->now), &m->s);
		w->peer[i].served = ++w->served;
		sched_done(&m->s);
	}
}

static void
run(uint64_t seed, uint64_t n)
{
	struct world *w = xmalloc(sizeof(*w));

	fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
	world_new(w, seed);
	serve_each_once(w);
	while (n-- > 0) {
		any_event(w);
		check(w);
	}
	CU_ASSERT(w->dispatched > 0);
	sched_free(&w->s);
	free(w);
}

static void
it_does_what_the_model_does(void)
{
	uint64_t n = number_from("SCHED_EVENTS", 300000);
	uint64_t seed = number_from("SCHED_SEED", 1);

	for (; n > 0; seed++) {
		uint64_t part = n < 100000 ? n : 100000;

		run(seed, part);
		n -= part;
	}
}

void
suite_qmgr_sched_model(void)
{
	static CU_TestInfo tests[] = {
	    TEST(it_does_what_the_model_does),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("qmgr_sched_model", tests);
}
