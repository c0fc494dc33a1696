/*
 * Telling an originator that a message takes long: once, when its time to warn
 * comes, to those who want to know (RFC 3461 4.1, NOTIFY=DELAY). X.400 has no
 * such report.
 */
#include <stdlib.h>

#include "qmgr/queue_own.h"

static bool
wants_warning(const struct rcpt *r)
{
	return (r->flags & Q_RCPT_WANTS_DELAY) &&
	    !(r->flags & (Q_RCPT_WARNING | Q_RCPT_WARNED)) &&
	    r->state == Q_RCPT_PENDING;
}

int64_t
queue_warn_time(
    const struct q_queue *q, const struct message *m, const struct rcpt *r)
{
	int64_t from = m->deferred > m->arrival ? m->deferred : m->arrival;
	int64_t after = q->config->sched.qmgr_warn[q_level_priority(m->came)];

	if (after == 0 || !wants_warning(r))
		return INT64_MAX;
	return from * 1000 + after;
}

void
queue_overdue(struct q_queue *q, struct mlist *late)
{
	struct message *m = late->message;
	struct mlist *ml = NULL;

	for (uint32_t i = 0; i < late->n; i++) {
		struct rcpt *r = &m->rcpts[late->v[i]];

		if (!wants_warning(r))
			continue;
		if (ml == NULL) {
			ml = queue_mlist_new(q, m, &q->report);
			ml->report = ml->warning = true;
		}
		r->flags |= Q_RCPT_WARNING;
		queue_mlist_add(ml, late->v[i]);
	}
	if (ml != NULL)
		sched_add(&ml->s, 0, q->ops->now(q->arg));
}

static bool
is_deferred(const struct q_outcomes *o)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->v[i].result == Q_DEFERRED)
			return true;
	return false;
}

void
queue_warned(struct q_queue *q, struct mlist *ml, const struct q_outcomes *o)
{
	struct message *m = ml->message;
	struct buf entries = {0};

	if (is_deferred(o)) {
		sched_retry(&ml->s, q->ops->now(q->arg));
		return;
	}
	for (uint32_t i = 0; i < ml->n; i++)
		m->rcpts[ml->v[i]].flags |= Q_RCPT_WARNED;
	/* one that ended meanwhile has told all there is to tell */
	if (m->undone > 0) {
		queue_pack_states(m, ml->v, ml->n, &entries);
		queue_journal(q, m, &entries, NULL, 0);
	}
	queue_mlist_drop(q, ml);
}

void
queue_drop_warnings(struct q_queue *q, struct message *m)
{
	struct mlist *ml, *next;

	for (ml = m->mlists; ml != NULL; ml = next) {
		next = ml->next;
		if (ml->warning)
			queue_mlist_drop(q, ml);
	}
}
