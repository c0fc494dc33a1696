/*
 * From states of recipients to mlists on the scheduler's books.
 */
#include <stdlib.h>

#include "lib/arena.h"
#include "mhs/diag.h"
#include "qmgr/queue_own.h"

static bool
needs_mixer(const struct message *m, const struct target *t)
{
	return m->world != t->config->channel->world ||
	    (m->p22 && t->config->p2);
}

unsigned
queue_plan_length(const struct message *m, const struct target *t)
{
	return needs_mixer(m, t) ? 2 : 1;
}

static void
mlist_add(struct mlist *ml, uint32_t recipient)
{
	if (ml->n == ml->cap) {
		ml->cap = ml->cap > 0 ? ml->cap * 2 : 1;
		ml->v = xrealloc(ml->v, ml->cap * sizeof(*ml->v));
	}
	ml->v[ml->n++] = recipient;
}

static struct mlist *
mlist_new(struct q_queue *q, struct message *m, struct way *way)
{
	struct mlist *ml = xcalloc(1, sizeof(*ml));

	ml->message = m;
	ml->number = ++q->next_number;
	ml->way = way;
	ml->next = m->mlists;
	if (ml->next != NULL)
		ml->next->prev = ml;
	m->mlists = ml;
	ml->s.peer = way->peer;
	ml->s.priority = m->priority;
	return ml;
}

void
queue_mlist_free(struct mlist *ml)
{
	*(ml->prev != NULL ? &ml->prev->next : &ml->message->mlists) = ml->next;
	if (ml->next != NULL)
		ml->next->prev = ml->prev;
	last_set(&ml->error, NULL);
	free(ml->v);
	free(ml);
}

static int64_t
expiry(const struct q_queue *q, const struct message *m)
{
	int64_t from = m->deferred > m->arrival ? m->deferred : m->arrival;

	return from * 1000 + q->config->sched.qmgr_expiry[m->priority];
}

static struct mlist *
mlist_for(struct q_queue *q, struct message *m, const struct rcpt *r)
{
	struct target *t = r->target;
	struct way *way =
	    r->step == 0 && needs_mixer(m, t) ? t->mixer : &t->direct;
	struct mlist *ml = way->open;

	if (ml != NULL && ml->record == r->record && ml->step == r->step)
		return ml;
	ml = mlist_new(q, m, way);
	ml->target = t;
	ml->step = r->step;
	ml->record = r->record;
	ml->s.expires = expiry(q, m);
	way->open = ml;
	return ml;
}

/* Outcomes are reported together, as long as the report is not being made. */
static struct mlist *
report_for(struct q_queue *q, struct message *m)
{
	struct mlist *ml;

	for (ml = m->mlists; ml != NULL; ml = ml->next)
		if (ml->report && ml->s.state != SCHED_ACTIVE)
			return ml;
	ml = mlist_new(q, m, &q->report);
	ml->report = true;
	ml->s.expires = INT64_MAX;
	return ml;
}

static void
put_on_books(struct q_queue *q, struct message *m, int64_t now)
{
	struct mlist *ml;

	for (ml = m->mlists; ml != NULL; ml = ml->next) {
		if (ml->s.state != SCHED_OFF)
			continue;
		ml->way->open = NULL;
		sched_add(&ml->s, ml->s.until, now);
	}
	(void)q;
}

static void
add_to_mlist(struct mlist *ml, uint32_t recipient)
{
	struct message *m = ml->message;
	struct rcpt *r = &m->rcpts[recipient];
	int64_t until = r->next;

	mlist_add(ml, recipient);
	r->mlist = ml;
	if (ml->s.state != SCHED_OFF)
		return;
	if (!ml->report && m->deferred > until)
		until = m->deferred;
	if (until * 1000 > ml->s.until)
		ml->s.until = until * 1000;
	if (r->attempts > ml->s.attempts)
		ml->s.attempts = r->attempts;
	if (ml->error == NULL && r->last != NULL)
		last_set(&ml->error, r->last);
}

static struct last *
no_route(int64_t now)
{
	struct q_outcome o = {
	    .result = Q_FAILED,
	    .reason = MHS_UNABLE_TO_TRANSFER,
	    .diagnostic = MHS_UNRECOGNISED_OR_NAME,
	    .status = "5.1.2",
	    .text = "no route for this recipient",
	    .at = now / 1000,
	};

	return last_new(&o);
}

/* Recipients that nothing leads to fail at once. */
void
queue_fail_unroutable(struct q_queue *q, struct message *m, int64_t now)
{
	uint32_t *v = NULL;
	struct last *why = NULL;
	struct buf entries = {0};
	size_t n = 0;

	for (uint32_t i = 0; i < m->n_rcpts; i++) {
		struct rcpt *r = &m->rcpts[i];

		if (r->state != Q_RCPT_PENDING || r->target != NULL)
			continue;
		if (v == NULL)
			v = xcalloc(m->n_rcpts, sizeof(*v));
		if (why == NULL)
			why = no_route(now);
		queue_set_failed(m, r, why);
		v[n++] = i;
	}
	if (n == 0)
		return;
	queue_pack_states(m, v, n, &entries);
	queue_journal(q, m, &entries, v, n);
	free(v);
}

/* Puts on the scheduler's books whatever of the message can go on. */
void
queue_plan(struct q_queue *q, struct message *m)
{
	int64_t now = q->ops->now(q->arg);

	for (uint32_t i = 0; i < m->n_rcpts; i++) {
		struct rcpt *r = &m->rcpts[i];

		if (r->mlist != NULL || r->unjournalled ||
		    r->state == Q_RCPT_DONE)
			continue;
		if (r->state == Q_RCPT_REPORT)
			add_to_mlist(report_for(q, m), i);
		else if (r->target != NULL)
			add_to_mlist(mlist_for(q, m, r), i);
	}
	put_on_books(q, m, now);
}
