/*
 * Recipients that a durable record stands for (qmgr/settled.h).
 */
#include <stdlib.h>
#include <string.h>

#include "qmgr/queue_own.h"

static void
leave(struct mlist *ml, uint32_t recipient)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < ml->n; i++)
		if (ml->v[i] != recipient)
			ml->v[kept++] = ml->v[i];
	ml->n = kept;
	if (kept > 0)
		return;
	sched_remove(&ml->s);
	queue_mlist_free(ml);
}

static bool
apply(const struct q_queue *q, struct message *m, const struct q_summary *s,
    uint32_t recipient)
{
	struct rcpt *r = &m->rcpts[recipient];
	enum q_rcpt_state then;
	struct q_outcome o;

	if (!q_settled_state(&s->settled, r->state, r->flags, &then, &o))
		return false;
	if (s->settled.as != Q_SETTLED_REPORTED) {
		o.at = q->ops->now(q->arg) / 1000;
		last_set(&r->last, last_new(&o));
	}
	queue_set_state(m, r, then);
	/* a channel that has it will answer, or be lost */
	if (r->mlist != NULL && r->mlist->s.state != SCHED_ACTIVE) {
		leave(r->mlist, recipient);
		r->mlist = NULL;
	}
	return true;
}

void
queue_settled(struct q_queue *q, const struct q_summary *s)
{
	struct message *m = table_get(&q->messages, s->settled.message);
	struct buf entries = {0};
	uint32_t *v;
	size_t n = 0;

	if (m == NULL || s->settled.n == 0)
		return;
	v = xcalloc(s->settled.n, sizeof(*v));
	for (size_t i = 0; i < s->settled.n; i++)
		if (s->settled.v[i] < m->n_rcpts &&
		    apply(q, m, s, s->settled.v[i]))
			v[n++] = s->settled.v[i];
	if (n > 0) {
		queue_pack_states(m, v, n, &entries);
		queue_journal(q, m, &entries, v, n);
	}
	free(v);
}

static struct lost *
lost_with(struct q_queue *q, uint64_t instance)
{
	struct lost *x = q->lost;

	while (x != NULL && x->instance != instance)
		x = x->next;
	if (x != NULL)
		return x;
	x = xcalloc(1, sizeof(*x));
	x->instance = instance;
	x->next = q->lost;
	q->lost = x;
	return x;
}

bool
queue_lost_waits(struct q_queue *q, struct mlist *ml, uint64_t instance)
{
	bool settles = ml->report || ml->way != &ml->target->direct ||
	    strcmp(ml->target->config->name, Q_PEER_LISTS) == 0;
	struct lost *x;

	if (instance == 0 || ml->warning || !settles)
		return false;
	x = lost_with(q, instance);
	ml->next_lost = x->mlists;
	x->mlists = ml;
	return true;
}

struct mlist *
queue_lost_take(struct q_queue *q, uint64_t instance)
{
	struct lost **at = &q->lost, *x;
	struct mlist *mlists;

	while (*at != NULL && (*at)->instance != instance)
		at = &(*at)->next;
	if ((x = *at) == NULL)
		return NULL;
	*at = x->next;
	mlists = x->mlists;
	free(x);
	return mlists;
}

void
queue_lost_free(struct q_queue *q)
{
	struct lost *x;

	while ((x = q->lost) != NULL) {
		q->lost = x->next;
		free(x);
	}
}
