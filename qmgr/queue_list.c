/*
 * Going over the queue page by page: a cursor is a mark in the list of
 * messages, so that it keeps its place whatever comes and goes.
 */
#include <stdlib.h>

#include "lib/arena.h"
#include "qmgr/queue_own.h"

struct q_cursor {
	struct link link; /* first */
	struct q_queue *q;
};

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

static void
view(const struct mlist *ml,
    void (*fn)(void *arg, const struct q_mlist_view *v), void *arg)
{
	const struct message *m = ml->message;
	struct q_mlist_view v = {
	    .message = m->id,
	    .kind = m->kind,
	    .priority = q_level_priority(m->level),
	    .level = m->level,
	    .arrival = m->arrival,
	    .size = m->size,
	    .recipients = ml->n,
	    .channel = sched_chan_name(sched_peer_chan(ml->s.peer)),
	    .peer = ml->target != NULL ? ml->target->config->name : "",
	    .state = ml->s.state,
	    .held = ml->s.state == SCHED_HELD ||
		(ml->s.state == SCHED_READY &&
		    sched_peer_held(ml->s.peer) != 0),
	    .deferred = !ml->report && ml->s.state == SCHED_WAITING &&
		m->deferred != 0 && ml->s.until == m->deferred * 1000,
	    .attempts = ml->s.attempts,
	    .next = next_time(ml),
	    .error = error_text(ml),
	};

	fn(arg, &v);
}

bool
q_cursor_next(struct q_cursor *c, unsigned messages,
    void (*fn)(void *arg, const struct q_mlist_view *v), void *arg)
{
	struct link *l = c->link.next;

	while (messages > 0 && l != &c->q->all) {
		if (!l->is_cursor) {
			const struct message *m = (const struct message *)l;
			const struct mlist *ml;

			for (ml = m->mlists; ml != NULL; ml = ml->next)
				view(ml, fn, arg);
			messages--;
		}
		l = l->next;
	}
	take_out(&c->link);
	insert_after(l->prev, &c->link);
	return l != &c->q->all;
}
