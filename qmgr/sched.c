#include "qmgr/sched.h"

#include <stdlib.h>

#include "lib/arena.h"
#include "lib/log.h"

/* Rank 0 is served first. */
#define RANKS 3
static const unsigned rank_of[] = {
    [MHS_URGENT] = 0, [MHS_NORMAL] = 1, [MHS_NON_URGENT] = 2};

/* An mlist whose attempts keep ending in errors of its peer goes to the end
 * of the queue each so many attempts: perhaps it is the cause. */
#define SUSPECT_ATTEMPTS 3

struct fifo {
	struct sched_mlist *first, *last;
};

struct sched_peer {
	struct sched_chan *chan;
	char *name;
	struct sched_peer *next;
	struct fifo ready[RANKS];
	struct heap_node node[RANKS]; /* in the channel's heaps */
	struct heap_node timer;       /* the end of a hold */
	unsigned limit, active;
	unsigned errors;    /* in a row */
	int64_t held_until; /* 0: not held */
	uint64_t served;    /* the dispatch that served it last */
};

struct sched_chan {
	struct sched *sched;
	char *name;
	struct sched_chan *next;
	struct sched_peer *peers;
	struct heap heap[RANKS]; /* peers that may be served */
	struct sched_counts counts;
	unsigned capacity, max_processes, running;
	int64_t last_start, last_stop; /* last_stop: when all had stopped */
	bool stopped;
};

struct sched {
	struct sched_params params;
	struct sched_chan *chans;
	struct heap timers, holds;
	uint64_t served;
	unsigned running;
};

struct sched *
sched_new(const struct sched_params *p)
{
	struct sched *s = xcalloc(1, sizeof(*s));

	s->params = *p;
	return s;
}

static void
peer_free(struct sched_peer *p)
{
	free(p->name);
	free(p);
}

static void
chan_free(struct sched_chan *c)
{
	struct sched_peer *p;

	while ((p = c->peers) != NULL) {
		c->peers = p->next;
		peer_free(p);
	}
	for (unsigned i = 0; i < RANKS; i++)
		heap_free(&c->heap[i]);
	free(c->name);
	free(c);
}

void
sched_free(struct sched **s)
{
	struct sched_chan *c;

	if (*s == NULL)
		return;
	while ((c = (*s)->chans) != NULL) {
		(*s)->chans = c->next;
		chan_free(c);
	}
	heap_free(&(*s)->timers);
	heap_free(&(*s)->holds);
	free(*s);
	*s = NULL;
}

struct sched_chan *
sched_chan_new(struct sched *s, const char *name, unsigned max_processes)
{
	struct sched_chan *c = xcalloc(1, sizeof(*c));

	c->sched = s;
	c->name = xstrdup(name);
	c->max_processes = max_processes;
	c->next = s->chans;
	s->chans = c;
	return c;
}

struct sched_peer *
sched_peer_new(struct sched_chan *c, const char *name, unsigned limit)
{
	struct sched_peer *p = xcalloc(1, sizeof(*p));

	INVARIANT(limit > 0);
	p->chan = c;
	p->name = xstrdup(name);
	p->limit = limit;
	p->timer.owner = p;
	for (unsigned i = 0; i < RANKS; i++)
		p->node[i].owner = p;
	p->next = c->peers;
	c->peers = p;
	return p;
}

struct sched_chan *
sched_peer_chan(const struct sched_peer *p)
{
	return p->chan;
}

const char *
sched_chan_name(const struct sched_chan *c)
{
	return c->name;
}

const char *
sched_peer_name(const struct sched_peer *p)
{
	return p->name;
}

/* A peer stands in the heap of a rank while it has something ready there, is
 * not held, and is below its limit. */
static void
peer_place(struct sched_peer *p)
{
	bool open = p->held_until == 0 && p->active < p->limit;

	for (unsigned i = 0; i < RANKS; i++) {
		if (open && p->ready[i].first != NULL)
			heap_put(&p->chan->heap[i], &p->node[i], p->active,
			    p->served);
		else
			heap_remove(&p->chan->heap[i], &p->node[i]);
	}
}

static void
fifo_put(struct fifo *f, struct sched_mlist *m, bool front)
{
	m->prev = front ? NULL : f->last;
	m->next = front ? f->first : NULL;
	*(m->prev != NULL ? &m->prev->next : &f->first) = m;
	*(m->next != NULL ? &m->next->prev : &f->last) = m;
}

static void
fifo_remove(struct fifo *f, struct sched_mlist *m)
{
	*(m->prev != NULL ? &m->prev->next : &f->first) = m->next;
	*(m->next != NULL ? &m->next->prev : &f->last) = m->prev;
	m->next = m->prev = NULL;
}

static void
set_timer(struct sched_mlist *m, int64_t at)
{
	struct sched *s = m->peer->chan->sched;

	m->timer.owner = m;
	if (at == INT64_MAX)
		heap_remove(&s->timers, &m->timer);
	else
		heap_put(&s->timers, &m->timer, at, 0);
}

/* --- the states; each function leaves or enters exactly one --- */

static void
enter_ready(struct sched_mlist *m, bool front)
{
	struct sched_peer *p = m->peer;

	m->state = SCHED_READY;
	m->until = 0;
	p->chan->counts.ready++;
	fifo_put(&p->ready[rank_of[m->priority]], m, front);
	set_timer(m, m->expires);
	peer_place(p);
}

static void
enter_waiting(struct sched_mlist *m, int64_t until)
{
	m->state = SCHED_WAITING;
	m->until = until;
	m->peer->chan->counts.waiting++;
	set_timer(m, until < m->expires ? until : m->expires);
}

static void
enter_active(struct sched_mlist *m)
{
	struct sched_peer *p = m->peer;

	m->state = SCHED_ACTIVE;
	m->attempts++;
	p->active++;
	p->chan->counts.active++;
	p->served = ++p->chan->sched->served;
	set_timer(m, INT64_MAX);
	peer_place(p);
}

static void
leave(struct sched_mlist *m)
{
	struct sched_peer *p = m->peer;
	struct sched_counts *n = &p->chan->counts;

	switch (m->state) {
	case SCHED_OFF: return;
	case SCHED_READY:
		n->ready--;
		fifo_remove(&p->ready[rank_of[m->priority]], m);
		break;
	case SCHED_WAITING: n->waiting--; break;
	case SCHED_ACTIVE:
		n->active--;
		p->active--;
		break;
	}
	m->state = SCHED_OFF;
	set_timer(m, INT64_MAX);
	peer_place(p);
}

void
sched_add(struct sched_mlist *m, int64_t until, int64_t now)
{
	INVARIANT(m->state == SCHED_OFF);
	if (until > now)
		enter_waiting(m, until);
	else
		enter_ready(m, false);
}

void
sched_remove(struct sched_mlist *m)
{
	leave(m);
}

void
sched_chan_capacity(struct sched_chan *c, unsigned capacity)
{
	c->capacity = capacity;
}

/* How many of `all` places a rank may fill: the reserves are kept back, but
 * never the last place. */
static unsigned
share(const struct sched *s, unsigned all, unsigned rank)
{
	const struct sched_params *p = &s->params;
	unsigned kept = (rank > 0 ? p->qmgr_reserve_urgent : 0) +
	    (rank > 1 ? p->qmgr_reserve_normal : 0);

	if (all == 0)
		return 0;
	return kept < all ? all - kept : 1;
}

struct sched_mlist *
sched_next(struct sched_chan *c, int64_t now)
{
	(void)now;
	for (unsigned i = 0; i < RANKS; i++) {
		struct heap_node *node = heap_first(&c->heap[i]);
		struct sched_mlist *m;

		if (node == NULL)
			continue;
		/* what is lower may take no more than this either */
		if (c->counts.active >= share(c->sched, c->capacity, i))
			return NULL;
		m = ((struct sched_peer *)node->owner)->ready[i].first;
		INVARIANT(m != NULL);
		leave(m);
		enter_active(m);
		return m;
	}
	return NULL;
}

/* --- what became of an active mlist --- */

void
sched_done(struct sched_mlist *m)
{
	INVARIANT(m->state == SCHED_ACTIVE);
	leave(m);
}

static int64_t
back_off(const struct sched *s, unsigned errors)
{
	const struct sched_params *p = &s->params;

	if (p->qmgr_retry_step > 0 &&
	    errors > p->qmgr_retry_max / p->qmgr_retry_step)
		return p->qmgr_retry_max;
	return p->qmgr_retry_step * errors;
}

void
sched_retry(struct sched_mlist *m, int64_t now)
{
	INVARIANT(m->state == SCHED_ACTIVE);
	leave(m);
	sched_add(m, now + back_off(m->peer->chan->sched, m->attempts), now);
}

void
sched_again(struct sched_mlist *m, int64_t now)
{
	(void)now;
	INVARIANT(m->state == SCHED_ACTIVE);
	leave(m);
	enter_ready(m, true);
}

void
sched_peer_error(struct sched_mlist *m, int64_t now)
{
	struct sched_peer *p = m->peer;
	struct sched *s = p->chan->sched;

	INVARIANT(m->state == SCHED_ACTIVE);
	leave(m);
	enter_ready(m, m->attempts % SUSPECT_ATTEMPTS != 0);
	/* the other works that were under way tell the same story */
	if (p->held_until > now)
		return;
	p->errors++;
	p->held_until = now + back_off(s, p->errors);
	heap_put(&s->holds, &p->timer, p->held_until, 0);
	peer_place(p);
}

void
sched_peer_ok(struct sched_peer *p)
{
	p->errors = 0;
}

int64_t
sched_peer_held(const struct sched_peer *p)
{
	return p->held_until;
}

void
sched_peer_release(struct sched_peer *p, int64_t now)
{
	(void)now;
	p->held_until = 0;
	heap_remove(&p->chan->sched->holds, &p->timer);
	peer_place(p);
}

/* --- time --- */

void
sched_tick(struct sched *s, int64_t now,
    void (*expired)(void *arg, struct sched_mlist *m), void *arg)
{
	struct heap_node *node;

	while ((node = heap_first(&s->holds)) != NULL && node->key <= now)
		sched_peer_release(node->owner, now);
	while ((node = heap_first(&s->timers)) != NULL && node->key <= now) {
		struct sched_mlist *m = node->owner;
		bool over = m->expires <= now;

		leave(m);
		if (over)
			expired(arg, m);
		else
			enter_ready(m, false);
	}
}

int64_t
sched_deadline(const struct sched *s)
{
	const struct heap_node *t = heap_first(&s->timers);
	const struct heap_node *h = heap_first(&s->holds);
	int64_t at = t != NULL ? t->key : INT64_MAX;

	return h != NULL && h->key < at ? h->key : at;
}

/* --- processes --- */

static int64_t
earliest_start(const struct sched_chan *c)
{
	const struct sched_params *p = &c->sched->params;
	bool light = c->counts.ready <= c->capacity;

	if (c->running > 0)
		return c->last_start +
		    (light ? p->qmgr_chan_time3 : p->qmgr_chan_time2);
	return c->stopped ? c->last_stop + p->qmgr_chan_time1 : INT64_MIN;
}

bool
sched_may_start(struct sched_chan *c, int64_t now, int64_t *when)
{
	unsigned rank = 0;
	int64_t at;

	*when = INT64_MAX;
	while (rank < RANKS && heap_first(&c->heap[rank]) == NULL)
		rank++;
	if (rank == RANKS || c->running >= c->max_processes)
		return false;
	/* no use while those that run can take more */
	if (c->running > 0 &&
	    c->counts.active < share(c->sched, c->capacity, rank))
		return false;
	if (c->sched->running >=
	    share(c->sched, c->sched->params.qmgr_maxchans, rank))
		return false;
	at = earliest_start(c);
	if (at > now)
		*when = at;
	return at <= now;
}

void
sched_started(struct sched_chan *c, int64_t now)
{
	c->running++;
	c->sched->running++;
	c->last_start = now;
}

void
sched_stopped(struct sched_chan *c, int64_t now)
{
	INVARIANT(c->running > 0);
	c->running--;
	c->sched->running--;
	if (c->running == 0) {
		c->last_stop = now;
		c->stopped = true;
	}
}

struct sched_counts
sched_chan_counts(const struct sched_chan *c)
{
	return c->counts;
}

unsigned
sched_chan_running(const struct sched_chan *c)
{
	return c->running;
}
