/*
 * Recipients leave mlists that are not out, and what the operator holds parts
 * from what he does not.
 */
#include <stdlib.h>

#include "lib/log.h"
#include "qmgr/queue_own.h"

bool
queue_is_held(const struct rcpt *r)
{
	return (r->flags & Q_RCPT_HELD) && r->state == Q_RCPT_PENDING;
}

/* Those of its recipients that keep(); false: none is left, and it is freed. */
static bool
thin(struct mlist *ml, bool (*keep)(const struct mlist *, const struct rcpt *))
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < ml->n; i++)
		if (keep(ml, &ml->message->rcpts[ml->v[i]]))
			ml->v[kept++] = ml->v[i];
	ml->n = kept;
	if (kept > 0) {
		if (!ml->report)
			ml->target = ml->message->rcpts[ml->v[0]].target;
		return true;
	}
	sched_remove(&ml->s);
	queue_mlist_free(ml);
	return false;
}

static bool
is_on(const struct mlist *ml, const struct rcpt *r)
{
	return r->mlist == ml;
}

static bool
is_late(const struct mlist *ml, const struct rcpt *r)
{
	(void)ml;
	return r->state == Q_RCPT_PENDING;
}

void
queue_take_out(struct message *m, const uint32_t *v, size_t n)
{
	struct mlist *ml, *next;

	for (size_t i = 0; i < n; i++)
		m->rcpts[v[i]].mlist = NULL;
	for (ml = m->mlists; ml != NULL; ml = next) {
		next = ml->next;
		if (ml->s.state != SCHED_ACTIVE)
			thin(ml, ml->warning ? is_late : is_on);
	}
}

static void
hold(struct q_queue *q, struct mlist *ml, bool held)
{
	int64_t until = ml->message->deferred * 1000;

	if (held) {
		sched_hold(&ml->s);
		return;
	}
	ml->s.held = false;
	if (ml->s.state != SCHED_HELD)
		return;
	sched_remove(&ml->s);
	sched_add(&ml->s, until, q->ops->now(q->arg));
}

static struct mlist *
twin(struct q_queue *q, const struct mlist *of)
{
	struct mlist *ml = queue_mlist_new(q, of->message, of->way);

	ml->target = of->target;
	ml->step = of->step;
	ml->record = of->record;
	ml->lost = of->lost;
	ml->s.expires = of->s.expires;
	ml->s.warn = of->s.warn;
	ml->s.attempts = of->s.attempts;
	last_set(&ml->error, of->error);
	return ml;
}

void
queue_separate(struct q_queue *q, struct mlist *ml)
{
	struct message *m = ml->message;
	uint32_t held = 0;
	struct mlist *x;

	INVARIANT(ml->s.state != SCHED_ACTIVE);
	if (ml->report)
		return;
	for (uint32_t i = 0; i < ml->n; i++)
		held += queue_is_held(&m->rcpts[ml->v[i]]);
	if (held > 0 && held < ml->n) {
		x = twin(q, ml);
		for (uint32_t i = 0; i < ml->n; i++) {
			if (!queue_is_held(&m->rcpts[ml->v[i]]))
				continue;
			queue_mlist_add(x, ml->v[i]);
			m->rcpts[ml->v[i]].mlist = x;
		}
		thin(ml, is_on);
		x->s.held = true;
		sched_add(&x->s, 0, q->ops->now(q->arg));
		held = 0;
	}
	hold(q, ml, held > 0);
}
