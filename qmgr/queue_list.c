/*
 * Going over the queue page by page: a cursor is a mark in the list of
 * messages, so that it keeps its place whatever comes and goes.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "qmgr/queue_own.h"

struct q_cursor {
	struct link link; /* first */
	struct q_queue *q;
	struct q_filter filter;
};

/* So many recipients take about as long as a message. */
#define RECIPIENTS_PER_LOOK 64

static void
insert_after(struct link *at, struct link *l)
{
	l->prev = at;
	l->next = at->next;
	at->next->prev = l;
	at->next = l;
}

static void
take_out(struct link *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
}

struct q_cursor *
q_cursor_new(struct q_queue *q)
{
	struct q_cursor *c = xcalloc(1, sizeof(*c));

	c->q = q;
	c->link.is_cursor = true;
	insert_after(&q->all, &c->link);
	return c;
}

void
q_cursor_free(struct q_cursor **c)
{
	if (*c == NULL)
		return;
	take_out(&(*c)->link);
	free(*c);
	*c = NULL;
}

static int64_t
next_time(const struct mlist *ml)
{
	int64_t until = 0;

	if (ml->s.state == SCHED_WAITING)
		until = ml->s.until;
	else if (ml->s.state == SCHED_READY)
		until = sched_peer_held(ml->s.peer);
	return until / 1000;
}

static const char *
error_text(const struct mlist *ml)
{
	const struct q_outcome *o = ml->error != NULL ? &ml->error->o : NULL;

	if (o == NULL)
		return "";
	if (o->text != NULL)
		return o->text;
	return o->status != NULL ? o->status : "";
}

const char *
q_view_state_name(enum q_view_state s)
{
	static const char *const names[Q_VIEW_STATES] = {
	    [Q_VIEW_READY] = "ready",
	    [Q_VIEW_ACTIVE] = "active",
	    [Q_VIEW_WAITING] = "waiting",
	    [Q_VIEW_DEFERRED] = "deferred",
	    [Q_VIEW_PEER_WAIT] = "peer-wait",
	    [Q_VIEW_HELD] = "held",
	    [Q_VIEW_STOPPED] = "stopped",
	};

	return names[s];
}

enum q_view_state
queue_peer_view(const struct sched_peer *p)
{
	if (sched_peer_stopped(p) || sched_chan_stopped(sched_peer_chan(p)))
		return Q_VIEW_STOPPED;
	return sched_peer_held(p) != 0 ? Q_VIEW_PEER_WAIT : Q_VIEW_READY;
}

enum q_view_state
queue_view_state(const struct mlist *ml)
{
	switch ((enum sched_state)ml->s.state) {
	case SCHED_HELD: return Q_VIEW_HELD;
	case SCHED_WAITING:
		return !ml->report && ml->message->deferred != 0 &&
			ml->s.until == ml->message->deferred * 1000
		    ? Q_VIEW_DEFERRED
		    : Q_VIEW_WAITING;
	case SCHED_READY: return queue_peer_view(ml->s.peer);
	case SCHED_OFF:
	case SCHED_ACTIVE: break;
	}
	return Q_VIEW_ACTIVE;
}

static bool
is_held_later(const struct mlist *ml)
{
	bool hold = false;

	if (queue_view_state(ml) != Q_VIEW_ACTIVE || ml->report)
		return false;
	for (uint32_t i = 0; i < ml->n && !hold; i++)
		hold = queue_is_held(&ml->message->rcpts[ml->v[i]]);
	return hold;
}

static const char *
peer_name(const struct mlist *ml)
{
	return ml->target != NULL ? ml->target->config->name : "";
}

static const char *
chan_name(const struct mlist *ml)
{
	return sched_chan_name(sched_peer_chan(ml->s.peer));
}

static void
view(const struct q_cursor *c, const struct mlist *ml,
    void (*fn)(void *arg, const struct q_mlist_view *v), void *arg)
{
	const struct message *m = ml->message;
	struct q_mlist_view v = {
	    .message = m->id,
	    .sequence = m->sequence,
	    .kind = m->kind,
	    .priority = q_level_priority(m->level),
	    .level = m->level,
	    .arrival = m->arrival,
	    .size = m->size,
	    .recipients = ml->n,
	    .channel = chan_name(ml),
	    .peer = peer_name(ml),
	    .v = ml->v,
	    .view = queue_view_state(ml),
	    .hold = is_held_later(ml),
	    .rerouted_from = queue_rerouted_from(c->q, &m->rcpts[ml->v[0]]),
	    .attempts = ml->s.attempts,
	    .next = next_time(ml),
	    .error = error_text(ml),
	};

	fn(arg, &v);
}

/* --- the filter --- */

static bool
has_bit(unsigned bits, unsigned n)
{
	return bits == 0 || (bits & 1u << n);
}

/* A report comes from nobody. */
static uint32_t
originator_of(const struct message *m)
{
	const struct mhs_name nobody = {.mailbox = ""};

	return m->kind == MHS_REPORT ? q_name_key(q_name_hash(&nobody))
				     : m->originator;
}

static bool
wants_message(const struct q_filter *f, const struct message *m)
{
	return m->sequence > f->after && has_bit(f->levels, m->level) &&
	    has_bit(f->kinds, m->kind) &&
	    (f->arrived_after == 0 || m->arrival >= f->arrived_after) &&
	    (f->arrived_before == 0 || m->arrival < f->arrived_before) &&
	    (f->originator == 0 ||
		originator_of(m) == q_name_key(f->originator));
}

static bool
has_recipient(const struct mlist *ml, uint32_t key)
{
	for (uint32_t i = 0; i < ml->n; i++)
		if (ml->message->rcpts[ml->v[i]].name == key)
			return true;
	return false;
}

static bool
wants_mlist(const struct q_filter *f, const struct mlist *ml)
{
	return has_bit(f->states, queue_view_state(ml)) &&
	    (f->channel == NULL || strcmp(f->channel, chan_name(ml)) == 0) &&
	    (f->peer == NULL || strcmp(f->peer, peer_name(ml)) == 0) &&
	    (f->recipient == 0 || has_recipient(ml, q_name_key(f->recipient)));
}

/* What it costs to look at it, in messages. */
static unsigned
look(const struct q_cursor *c, const struct message *m,
    void (*fn)(void *arg, const struct q_mlist_view *v), void *arg)
{
	const struct q_filter *f = &c->filter;
	const struct mlist *ml;

	if (!wants_message(f, m))
		return 1;
	for (ml = m->mlists; ml != NULL; ml = ml->next)
		if (wants_mlist(f, ml))
			view(c, ml, fn, arg);
	return 1 + m->n_rcpts / RECIPIENTS_PER_LOOK;
}

void
q_cursor_filter(struct q_cursor *c, const struct q_filter *f)
{
	c->filter = *f;
}

bool
q_cursor_next(struct q_cursor *c, unsigned messages,
    void (*fn)(void *arg, const struct q_mlist_view *v), void *arg)
{
	struct link *l = c->link.next;

	while (messages > 0 && l != &c->q->all) {
		if (!l->is_cursor) {
			unsigned cost =
			    look(c, (const struct message *)l, fn, arg);

			messages -= cost < messages ? cost : messages;
		}
		l = l->next;
	}
	take_out(&c->link);
	insert_after(l->prev, &c->link);
	return l != &c->q->all;
}
