/*
 * Changes of state go to the journal; what follows from them happens when they
 * are durable.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "qmgr/queue_own.h"

/* What follows when a journal entry is durable. */
struct effect {
	struct q_queue *q;
	struct message *m;
	bool finish;
	void (*done)(void *arg); /* the operator's, or NULL */
	void *arg;
	uint32_t n, v[]; /* recipients that may go on */
};

void
queue_set_state(struct message *m, struct rcpt *r, enum q_rcpt_state state)
{
	if (state == Q_RCPT_DONE && r->state != Q_RCPT_DONE)
		m->undone--;
	r->state = (uint8_t)state;
}

void
queue_set_failed(
    struct q_queue *q, struct message *m, struct rcpt *r, struct last *why)
{
	bool told = r->flags & (Q_RCPT_WANTS_NDR | Q_RCPT_ALTERNATE);

	last_set(&r->last, why);
	queue_set_state(m, r, told ? Q_RCPT_REPORT : Q_RCPT_DONE);
	if (m->kind == MHS_REPORT)
		q->ops->dropped(q->arg, m->id, &why->o);
}

static int64_t
next_time(const struct rcpt *r)
{
	const struct mlist *ml = r->mlist;

	return ml != NULL && ml->s.state == SCHED_WAITING ? ml->s.until / 1000
							  : 0;
}

static bool
same_state(const struct rcpt *x, const struct rcpt *y)
{
	return x->state == y->state && x->step == y->step &&
	    x->record == y->record && x->attempts == y->attempts &&
	    ((x->flags ^ y->flags) & Q_RCPT_WARNED) == 0 &&
	    x->last == y->last && next_time(x) == next_time(y);
}

static void
pack_state(
    const struct message *m, const uint32_t *v, size_t n, struct buf *out)
{
	const struct rcpt *r = &m->rcpts[v[0]];
	struct q_entry x = {
	    .type = Q_ENTRY_STATE,
	    .id = m->id,
	    .state = r->state,
	    .step = r->step,
	    .record = r->record,
	    .attempts = r->attempts,
	    .next = next_time(r),
	    .warned = r->flags & Q_RCPT_WARNED,
	    .v = v,
	    .n = n,
	};

	if (r->last != NULL)
		x.outcome = r->last->o;
	q_entry_pack(&x, out);
}

/* Neighbours in the list with the same state share an entry. */
void
queue_pack_states(
    const struct message *m, const uint32_t *v, size_t n, struct buf *out)
{
	size_t begin = 0;

	for (size_t i = 1; i <= n; i++) {
		if (i < n && same_state(&m->rcpts[v[begin]], &m->rcpts[v[i]]))
			continue;
		pack_state(m, v + begin, i - begin, out);
		begin = i;
	}
}

void
queue_pack_marks(
    const struct message *m, const uint32_t *v, size_t n, struct buf *out)
{
	struct q_entry x = {
	    .type = Q_ENTRY_MARK,
	    .id = m->id,
	    .level = m->level,
	    .held = n > 0 && queue_is_held(&m->rcpts[v[0]]),
	    .v = v,
	    .n = n,
	};

	q_entry_pack(&x, out);
}

void
queue_pack_ways(const struct q_queue *q, const struct message *m,
    const uint32_t *v, size_t n, struct buf *out)
{
	size_t begin = 0;

	for (size_t i = 1; i <= n; i++) {
		const struct rcpt *r = &m->rcpts[v[begin]];
		struct q_entry x = {
		    .type = Q_ENTRY_WAY,
		    .id = m->id,
		    .v = v + begin,
		    .n = i - begin,
		};

		if (i < n && m->rcpts[v[i]].target == r->target &&
		    m->rcpts[v[i]].from == r->from)
			continue;
		begin = i;
		/* one that has no way has an outcome */
		if (!queue_has_way(r))
			continue;
		x.peer = r->target->config->name;
		x.from = queue_from_name(q, r->from);
		q_entry_pack(&x, out);
	}
}

void
queue_version_over(struct q_queue *q, q_id id, uint64_t content_file)
{
	if (content_file != 0)
		q->ops->content_over(q->arg, content_file);
	queue_record_over(q, id);
}

void
queue_message_free(struct q_queue *q, struct message *m)
{
	struct version *v;

	while (m->mlists != NULL)
		queue_mlist_drop(q, m->mlists);
	while ((v = m->versions) != NULL) {
		m->versions = v->next;
		free(v);
	}
	for (uint32_t i = 0; i < m->n_rcpts; i++)
		last_set(&m->rcpts[i].last, NULL);
	m->link.next->prev = m->link.prev;
	m->link.prev->next = m->link.next;
	table_remove(&q->messages, &m->node);
	free(m);
}

static void
message_over(struct q_queue *q, struct message *m)
{
	struct version *v;

	queue_drop_warnings(q, m);
	INVARIANT(m->mlists == NULL);
	for (v = m->versions; v != NULL; v = v->next)
		queue_version_over(q, v->id, v->content_file);
	queue_version_over(q, m->id, m->content_file);
	queue_message_free(q, m);
}

static void
on_journalled(void *arg)
{
	struct effect *x = arg;
	struct q_queue *q = x->q;
	struct message *m = x->m;

	INVARIANT(m->effects > 0);
	m->effects--;
	m->finished |= x->finish;
	for (uint32_t i = 0; i < x->n; i++)
		m->rcpts[x->v[i]].unjournalled = false;
	if (!m->finished) {
		queue_plan(q, m);
		q->ops->planned(q->arg);
	} else if (m->effects == 0) {
		message_over(q, m);
	}
	if (x->done != NULL)
		x->done(x->arg);
	free(x);
}

/* Is a channel still busy with it, but for telling that it takes long? */
static bool
is_busy(const struct message *m)
{
	for (const struct mlist *ml = m->mlists; ml != NULL; ml = ml->next)
		if (!ml->warning)
			return true;
	return false;
}

void
queue_journal(struct q_queue *q, struct message *m, struct buf *entries,
    const uint32_t *v, size_t n)
{
	queue_journal_told(q, m, entries, v, n, NULL, NULL);
}

/* Hands the entries to the journal; v are the recipients that go on after it
 * (they wait until then). Ends the message if that was all. */
void
queue_journal_told(struct q_queue *q, struct message *m, struct buf *entries,
    const uint32_t *v, size_t n, void (*done)(void *arg), void *arg)
{
	struct effect *x = xmalloc(sizeof(*x) + n * sizeof(*v));
	struct q_entry end = {.type = Q_ENTRY_FINISHED, .id = m->id};

	/* a channel may still have what another record settled */
	*x = (struct effect){
	    q, m, m->undone == 0 && !is_busy(m), done, arg, (uint32_t)n};
	if (n > 0)
		memcpy(x->v, v, n * sizeof(*v));
	for (size_t i = 0; i < n; i++)
		m->rcpts[v[i]].unjournalled = true;
	if (x->finish)
		q_entry_pack(&end, entries);
	m->effects++;
	q->ops->journal(q->arg, entries, on_journalled, x);
}
