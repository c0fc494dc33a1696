#include "qmgr/sched.h"

#include <stdlib.h>

#include "lib/arena.h"
#include "lib/log.h"
#include "qmgr/sched_own.h"

/* An mlist whose attempts keep ending in errors of its peer goes to the end
 * of the queue each so many attempts: perhaps it is the cause. */
#define SUSPECT_ATTEMPTS 3

/* A peer's key in a heap: its mlists in progress, then when it was last served.
 * Room for 2^20 of the ones and 2^43 of the others. */
#define SERVED_BITS 43

/* Mlists out for each connection: one in transfer, one that follows without a
 * pause. */
#define WORKS_PER_CONNECTION 2

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
sched_peer_new(struct sched_chan *c, const char *name, unsigned connections,
    unsigned works)
{
	struct sched_peer *p = xcalloc(1, sizeof(*p));

	INVARIANT(connections > 0 && works > 0);
	INVARIANT(connections <= SCHED_NO_LIMIT);
	p->chan = c;
	p->name = xstrdup(name);
	p->connections = connections;
	p->works = works;
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

struct sched_peer *
sched_node_peer(struct heap_node *node, unsigned rank)
{
	return HEAP_OWNER(node - rank, struct sched_peer, node[0]);
}

static unsigned
limit_of(const struct sched_peer *p)
{
	unsigned n = p->connections * WORKS_PER_CONNECTION;

	return n < p->works ? n : p->works;
}

static int64_t
key_of(const struct sched_peer *p)
{
	return (int64_t)((uint64_t)p->active << SERVED_BITS | p->served);
}

/* A peer stands in the heap of a rank while it has something ready there, is
 * not held, and has fewer than its limit out that is as urgent or more. */
static void
peer_place(struct sched_peer *p)
{
	unsigned out = 0, limit = limit_of(p);
	bool open = p->held_until == 0 && !p->stopped;

	for (unsigned i = 0; i < RANKS; i++) {
		out += p->out[i];
		if (open && out < limit && p->ready[i].first != NULL)
			heap_put(&p->chan->heap[i], &p->node[i], key_of(p));
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

	at = m->warn < at ? m->warn : at;
	at = m->expires < at ? m->expires : at;
	if (at == INT64_MAX)
		heap_remove(&s->timers, &m->timer);
	else
		heap_put(&s->timers, &m->timer, at);
}

static void
no_timer(struct sched_mlist *m)
{
	heap_remove(&m->peer->chan->sched->timers, &m->timer);
}

/* One more or one fewer mlist of the peer is out. */
static void
count_out(struct sched_peer *p, unsigned rank, bool more)
{
	struct sched_chan *c = p->chan;

	c->busy -= p->active < p->connections ? p->active : p->connections;
	p->active += more ? 1u : -1u;
	p->out[rank] += more ? 1u : -1u;
	c->counts.active += more ? UINT64_C(1) : -UINT64_C(1);
	c->busy += p->active < p->connections ? p->active : p->connections;
}

/* --- the states; each function leaves or enters exactly one --- */

static void
enter_held(struct sched_mlist *m)
{
	m->state = SCHED_HELD;
	m->peer->chan->counts.held++;
	set_timer(m, INT64_MAX);
}

static void
enter_ready(struct sched_mlist *m, bool front)
{
	struct sched_peer *p = m->peer;

	if (m->held) {
		enter_held(m);
		return;
	}
	m->state = SCHED_READY;
	p->n_ready++;
	p->chan->counts.ready++;
	fifo_put(&p->ready[RANK(m->level)], m, front);
	set_timer(m, INT64_MAX);
	peer_place(p);
}

static void
enter_waiting(struct sched_mlist *m, int64_t until)
{
	if (m->held) {
		enter_held(m);
		return;
	}
	m->state = SCHED_WAITING;
	m->until = until;
	m->peer->chan->counts.waiting++;
	set_timer(m, until);
}

static void
enter_active(struct sched_mlist *m)
{
	struct sched_peer *p = m->peer;

	m->state = SCHED_ACTIVE;
	m->attempts++;
	count_out(p, RANK(m->level), true);
	p->served = ++p->chan->sched->served;
	peer_place(p);
}

static void
leave(struct sched_mlist *m)
{
	struct sched_peer *p = m->peer;
	struct sched_counts *n = &p->chan->counts;
	unsigned rank = RANK(m->level);

	switch ((enum sched_state)m->state) {
	case SCHED_OFF: return;
	case SCHED_READY:
		p->n_ready--;
		n->ready--;
		fifo_remove(&p->ready[rank], m);
		break;
	case SCHED_WAITING: n->waiting--; break;
	case SCHED_ACTIVE: count_out(p, rank, false); break;
	case SCHED_HELD: n->held--; break;
	}
	if (m->state == SCHED_READY || m->state == SCHED_ACTIVE)
		peer_place(p);
	m->state = SCHED_OFF;
	m->until = 0;
	no_timer(m);
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
	if (m->state != SCHED_OFF)
		leave(m);
}

void
sched_chan_capacity(struct sched_chan *c, unsigned capacity)
{
	c->capacity = capacity;
}

unsigned
sched_share(const struct sched *s, unsigned all, unsigned rank)
{
	const struct sched_params *p = &s->params;
	enum mhs_priority priority = q_level_priority(LEVEL(rank));
	unsigned kept = 0;

	if (all == 0)
		return 0;
	if (priority != MHS_URGENT)
		kept += p->qmgr_reserve_urgent;
	if (priority == MHS_NON_URGENT)
		kept += p->qmgr_reserve_normal;
	return kept < all ? all - kept : 1;
}

unsigned
sched_first_rank(const struct sched_chan *c)
{
	unsigned rank = 0;

	while (rank < RANKS && heap_first(&c->heap[rank]) == NULL)
		rank++;
	return c->stopped ? RANKS : rank;
}

struct sched_mlist *
sched_next(struct sched_chan *c, int64_t now)
{
	unsigned rank = sched_first_rank(c);
	struct sched_mlist *m;
	struct sched_peer *p;

	(void)now;
	if (rank == RANKS || c->capacity == 0)
		return NULL;
	p = sched_node_peer(heap_first(&c->heap[rank]), rank);
	/* one that takes no further connection is always welcome; else what is
	 * lower may take no more than this either */
	if (p->active < p->connections &&
	    c->busy >= sched_share(c->sched, c->capacity, rank))
		return NULL;
	m = p->ready[rank].first;
	INVARIANT(m != NULL);
	leave(m);
	enter_active(m);
	return m;
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
	heap_put(&s->holds, &p->timer, p->held_until);
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

/* --- the operator's word --- */

void
sched_hold(struct sched_mlist *m)
{
	m->held = true;
	if (m->state != SCHED_READY && m->state != SCHED_WAITING)
		return;
	leave(m);
	enter_held(m);
}

void
sched_release(struct sched_mlist *m, int64_t now)
{
	m->held = false;
	if (m->state != SCHED_HELD)
		return;
	leave(m);
	sched_add(m, 0, now);
}

void
sched_try_now(struct sched_mlist *m)
{
	if (m->state != SCHED_WAITING)
		return;
	leave(m);
	enter_ready(m, false);
}

void
sched_set_level(struct sched_mlist *m, enum q_level level)
{
	struct sched_peer *p = m->peer;

	if (m->state == SCHED_READY) {
		fifo_remove(&p->ready[RANK(m->level)], m);
		fifo_put(&p->ready[RANK(level)], m, false);
	} else if (m->state == SCHED_ACTIVE) {
		p->out[RANK(m->level)]--;
		p->out[RANK(level)]++;
	}
	m->level = (uint8_t)level;
	peer_place(p);
}

void
sched_peer_stop(struct sched_peer *p, bool stop)
{
	p->stopped = stop;
	peer_place(p);
}

void
sched_chan_stop(struct sched_chan *c, bool stop)
{
	c->stopped = stop;
}

bool
sched_peer_stopped(const struct sched_peer *p)
{
	return p->stopped;
}

bool
sched_chan_stopped(const struct sched_chan *c)
{
	return c->stopped;
}

/* --- numbers that adapt --- */

void
sched_peer_set_connections(struct sched_peer *p, unsigned n)
{
	struct sched_chan *c = p->chan;

	INVARIANT(n > 0 && n <= SCHED_NO_LIMIT);
	c->busy -= p->active < p->connections ? p->active : p->connections;
	p->connections = n;
	c->busy += p->active < p->connections ? p->active : p->connections;
	peer_place(p);
}

unsigned
sched_peer_connections(const struct sched_peer *p)
{
	return p->connections;
}

unsigned
sched_peer_active(const struct sched_peer *p)
{
	return p->active;
}

uint64_t
sched_peer_ready(const struct sched_peer *p)
{
	return p->n_ready;
}

uint64_t
sched_peer_home(const struct sched_peer *p)
{
	return p->home;
}

void
sched_peer_set_home(struct sched_peer *p, uint64_t home)
{
	p->home = home;
}

/* --- time --- */

static void
ring(struct sched_mlist *m, int64_t now, const struct sched_events *events,
    void *arg)
{
	if (m->expires <= now) {
		leave(m);
		events->expired(arg, m);
	} else if (m->warn <= now) {
		m->warn = INT64_MAX;
		set_timer(m, m->state == SCHED_WAITING ? m->until : INT64_MAX);
		events->overdue(arg, m);
	} else {
		INVARIANT(m->state == SCHED_WAITING);
		leave(m);
		enter_ready(m, false);
	}
}

void
sched_tick(
    struct sched *s, int64_t now, const struct sched_events *events, void *arg)
{
	unsigned left = SCHED_TICK_MAX;
	struct heap_node *node;

	while (left-- > 0 && (node = heap_first(&s->holds)) != NULL &&
	    node->key <= now)
		sched_peer_release(
		    HEAP_OWNER(node, struct sched_peer, timer), now);
	while (left-- > 0 && (node = heap_first(&s->timers)) != NULL &&
	    node->key <= now)
		ring(HEAP_OWNER(node, struct sched_mlist, timer), now, events,
		    arg);
}

int64_t
sched_deadline(const struct sched *s)
{
	const struct heap_node *t = heap_first(&s->timers);
	const struct heap_node *h = heap_first(&s->holds);
	int64_t at = t != NULL ? t->key : INT64_MAX;

	return h != NULL && h->key < at ? h->key : at;
}
