/*
 * Rerouting: what waits for a peer that has made errors for long goes to the
 * one that its configuration names (X.411 14.3.4, rerouting).
 *
 * A peer is `away` from the moment its errors in a row have lasted for
 * reroute-after until it answers. Its work is then found by going over the queue
 * in slices (a tick each), so that nobody waits for it; what comes meanwhile
 * goes to the other at once while the peer is held, and so does what was tried
 * and failed when a hold ended. Where the other fails too, all stays until it
 * answers; so what two peers that stand in for each other have goes to and fro
 * only as they do, and never to one that is known to fail.
 */
#include <stdlib.h>

#include "lib/arena.h"
#include "qmgr/queue_own.h"

/* Of a tick: looking at a message costs one, moving one that and its
 * recipients. */
#define TICK_COST SCHED_TICK_MAX
#define MOVE_COST 10

void
queue_reroute_setup(struct q_queue *q)
{
	const struct q_config *c = q->config;

	q->mark.is_cursor = true;
	q->next_reroute = INT64_MAX;
	for (size_t i = 0; i < c->n_peers; i++)
		if (c->peers[i]->otherwise != NULL)
			q->targets[i].otherwise =
			    queue_target(q, c->peers[i]->otherwise);
}

const char *
queue_from_name(const struct q_queue *q, uint32_t from)
{
	return from == 0 || from == FROM_UNKNOWN
	    ? NULL
	    : q->targets[from - 1].config->name;
}

static uint32_t
from_of(const struct q_queue *q, const struct target *t)
{
	return t->config != NULL ? (uint32_t)(t - q->targets) + 1
				 : FROM_UNKNOWN;
}

const char *
queue_rerouted_from(const struct q_queue *q, const struct rcpt *r)
{
	return r->from != 0 && r->from == from_of(q, r->target)
	    ? NULL
	    : queue_from_name(q, r->from);
}

void
queue_send_to(struct q_queue *q, struct message *m, const uint32_t *v, size_t n,
    struct target *t)
{
	for (size_t i = 0; i < n; i++) {
		struct rcpt *r = &m->rcpts[v[i]];

		if (r->from == 0)
			r->from = from_of(q, r->target);
		r->target = t;
		r->step = 0;
		r->record = 0;
		r->attempts = 0;
		r->next = 0;
	}
}

/* --- whom it concerns --- */

static bool
can_be_used(const struct target *t)
{
	const struct sched_peer *p = t->direct.peer;

	return t->failing == 0 && sched_peer_held(p) == 0 &&
	    !sched_peer_stopped(p) && !sched_chan_stopped(sched_peer_chan(p));
}

static bool
sends_on(const struct message *m, const struct target *t)
{
	return t->away && can_be_used(t->otherwise) &&
	    (m->kind != MHS_PROBE ||
		t->otherwise->config->channel->world == Q_WORLD_X400);
}

static bool
may_go(const struct message *m, const struct rcpt *r)
{
	return r->state == Q_RCPT_PENDING && !r->unjournalled &&
	    queue_has_way(r) && sends_on(m, r->target);
}

/* What the originator deferred waits; perhaps the peer is back by then. */
static bool
can_leave(const struct mlist *ml, int64_t now)
{
	return ml->s.state != SCHED_ACTIVE &&
	    ml->message->deferred * 1000 <= now;
}

/* --- moving --- */

/* Recipients v, off the books, go to their peers' others. */
static void
send_on(struct q_queue *q, struct message *m, const uint32_t *v, size_t n)
{
	struct buf entries = {0};

	for (size_t i = 0; i < n; i++) {
		struct target *t = m->rcpts[v[i]].target;

		t->moved++;
		t->gone++;
		queue_send_to(q, m, &v[i], 1, t->otherwise);
	}
	queue_pack_ways(q, m, v, n, &entries);
	queue_journal(q, m, &entries, v, n);
}

/* What of the message is on the books and had better go. */
static size_t
move(struct q_queue *q, struct message *m, int64_t now)
{
	uint32_t *v = NULL;
	size_t n = 0;

	for (uint32_t i = 0; i < m->n_rcpts; i++) {
		const struct rcpt *r = &m->rcpts[i];

		if (r->mlist == NULL || !may_go(m, r) ||
		    !can_leave(r->mlist, now))
			continue;
		if (v == NULL)
			v = xcalloc(m->n_rcpts, sizeof(*v));
		v[n++] = i;
	}
	if (n > 0) {
		queue_take_out(m, v, n);
		send_on(q, m, v, n);
	}
	free(v);
	return n;
}

void
queue_reroute_new(struct q_queue *q, struct message *m)
{
	int64_t now = q->ops->now(q->arg);
	uint32_t *v = NULL;
	size_t n = 0;

	for (uint32_t i = 0; i < m->n_rcpts; i++) {
		const struct rcpt *r = &m->rcpts[i];

		if (r->mlist != NULL || !may_go(m, r) ||
		    sched_peer_held(r->target->direct.peer) == 0 ||
		    m->deferred * 1000 > now)
			continue;
		if (v == NULL)
			v = xcalloc(m->n_rcpts, sizeof(*v));
		v[n++] = i;
	}
	if (n > 0)
		send_on(q, m, v, n);
	free(v);
}

void
queue_reroute_failed(struct q_queue *q, struct mlist *ml)
{
	if (ml->target != NULL && ml->target->away)
		move(q, ml->message, q->ops->now(q->arg));
}

/* --- going over the queue --- */

static void
insert(struct link *at, struct link *l)
{
	l->prev = at;
	l->next = at->next;
	at->next->prev = l;
	at->next = l;
}

static void
take_mark(struct q_queue *q)
{
	q->mark.prev->next = q->mark.next;
	q->mark.next->prev = q->mark.prev;
}

static void
go_over_queue(struct q_queue *q)
{
	if (q->rerouting) {
		q->reroute_again = true;
		return;
	}
	q->rerouting = true;
	insert(&q->all, &q->mark);
}

static void
tell(struct q_queue *q, struct target *t, enum q_reroute_news news)
{
	struct q_rerouted x = {
	    .peer = t->config->name,
	    .to = t->otherwise->config->name,
	    .news = news,
	    .count = news == Q_REROUTE_BACK ? t->gone : t->moved,
	};

	t->moved = 0;
	if (q->ops->rerouted != NULL)
		q->ops->rerouted(q->arg, &x);
}

static void
end_of_queue(struct q_queue *q)
{
	take_mark(q);
	q->rerouting = false;
	for (size_t i = 0; i < q->config->n_peers; i++)
		if (q->targets[i].moved > 0)
			tell(q, &q->targets[i], Q_REROUTE_MOVED);
	if (q->reroute_again)
		go_over_queue(q);
	q->reroute_again = false;
}

static void
slice(struct q_queue *q, int64_t now)
{
	struct link *l = q->mark.next, *next;
	size_t left = TICK_COST;

	take_mark(q);
	for (; l != &q->all && left > 0; l = next) {
		struct message *m = (struct message *)l;
		size_t cost = 1, n;

		next = l->next;
		if (l->is_cursor)
			continue;
		n = move(q, m, now);
		cost += m->n_rcpts / MOVE_COST + (n > 0 ? MOVE_COST : 0) + n;
		left -= cost < left ? cost : left;
	}
	insert(l->prev, &q->mark);
	if (l == &q->all)
		end_of_queue(q);
}

/* --- peers go and come back --- */

static bool
is_failing(const struct target *t)
{
	return t->otherwise != NULL && !t->away && t->failing != 0;
}

static int64_t
when_due(const struct target *t)
{
	return t->failing + t->config->reroute_after;
}

static void
next_check(struct q_queue *q, int64_t at)
{
	if (at < q->next_reroute)
		q->next_reroute = at;
}

static void
check_peers(struct q_queue *q, int64_t now)
{
	q->next_reroute = INT64_MAX;
	for (size_t i = 0; i < q->config->n_peers; i++) {
		struct target *t = &q->targets[i];

		if (!is_failing(t))
			continue;
		if (when_due(t) > now) {
			next_check(q, when_due(t));
			continue;
		}
		t->away = true;
		tell(q, t, Q_REROUTE_GIVEN_UP);
		go_over_queue(q);
	}
}

void
queue_reroute_usable(struct q_queue *q, const struct target *t)
{
	for (size_t i = 0; i < q->config->n_peers; i++)
		if (q->targets[i].away && q->targets[i].otherwise == t)
			go_over_queue(q);
}

static void
is_back(struct q_queue *q, struct target *t)
{
	if (t->failing == 0)
		return;
	t->failing = 0;
	if (t->away) {
		t->away = false;
		tell(q, t, Q_REROUTE_BACK);
		t->gone = 0;
	}
	queue_reroute_usable(q, t);
}

void
queue_reroute_result(struct q_queue *q, const struct mlist *ml, bool peer_error)
{
	struct target *t = ml->target;
	int64_t now = q->ops->now(q->arg);

	if (ml->report || ml->way != &t->direct)
		return;
	if (!peer_error) {
		is_back(q, t);
		return;
	}
	if (t->failing == 0)
		t->failing = now;
	if (is_failing(t))
		next_check(q, when_due(t));
	/* a new error: what got ready meanwhile is not left behind */
	if (t->away && sched_peer_held(t->direct.peer) == 0 &&
	    sched_peer_ready(t->direct.peer) > 0)
		go_over_queue(q);
}

int64_t
queue_reroute_deadline(const struct q_queue *q)
{
	return q->rerouting ? 0 : q->next_reroute;
}

void
queue_reroute_tick(struct q_queue *q)
{
	int64_t now = q->ops->now(q->arg);

	if (now >= q->next_reroute)
		check_peers(q, now);
	if (q->rerouting)
		slice(q, now);
}
