/*
 * Work goes out to channels, and their answers come back.
 */
#include <stdlib.h>

#include "mhs/diag.h"
#include "qmgr/queue_own.h"

static void
fill_outcomes(const struct q_queue *q, const struct mlist *ml, struct arena *a,
    struct q_work *w)
{
	const struct message *m = ml->message;
	struct q_outcome *v = arena_alloc(a, ml->n * sizeof(*v));

	for (uint32_t i = 0; i < ml->n; i++) {
		const struct rcpt *r = &m->rcpts[ml->v[i]];

		if (r->last != NULL)
			v[i] = r->last->o;
		v[i].recipient = ml->v[i];
		if (ml->warning) {
			v[i].result = Q_DELAYED;
			v[i].at = queue_expiry(q, m) / 1000;
		}
	}
	w->outcomes = v;
	w->n_outcomes = ml->n;
}

bool
q_queue_next(
    struct q_queue *q, struct sched_chan *c, struct arena *a, struct q_work *w)
{
	struct mlist *ml = (struct mlist *)sched_next(c, q->ops->now(q->arg));
	const struct message *m;
	bool internal;

	if (ml == NULL)
		return false;
	m = ml->message;
	internal = ml->report || ml->way != &ml->target->direct;
	*w = (struct q_work){
	    .mlist = ml->node.key,
	    .message = m->id,
	    .record = queue_record_place(
		q, ml->record != 0 && !ml->report ? ml->record : m->id),
	    .peer = internal ? "" : ml->target->config->name,
	    .next_peer =
		internal && !ml->report ? ml->target->config->name : NULL,
	    .p2 = internal && !ml->report && ml->target->p2,
	    .rerouted_from =
		internal ? NULL : queue_rerouted_from(q, &m->rcpts[ml->v[0]]),
	    .priority = q_level_priority(m->level),
	    .level = m->level,
	    .connections = internal ? 0 : sched_peer_connections(ml->s.peer),
	    .attempt = ml->s.attempts,
	    .arrival = m->arrival,
	    .recipients = ml->v,
	    .n_recipients = ml->n,
	};
	if (ml->report)
		fill_outcomes(q, ml, a, w);
	table_put(&q->active, &ml->node, ml->node.key, ml);
	return true;
}

struct sched_peer *
q_queue_work_peer(const struct q_queue *q, uint64_t mlist)
{
	const struct mlist *ml = table_get(&q->active, mlist);

	return ml != NULL ? ml->s.peer : NULL;
}

static struct mlist *
take_active(struct q_queue *q, uint64_t number)
{
	struct mlist *ml = table_get(&q->active, number);

	if (ml != NULL) {
		table_remove(&q->active, &ml->node);
		ml->node.owner = NULL;
	}
	return ml;
}

/* A conversion's outcome for one recipient; false: it makes no sense. */
static bool
next_step(const struct message *m, struct rcpt *r, q_id record)
{
	if (record == 0 || !queue_has_way(r) ||
	    r->step + 1u >= queue_plan_length(m, r->target))
		return false;
	r->step++;
	r->record = record;
	r->attempts = 0;
	r->next = 0;
	return true;
}

static void
apply_report_outcome(
    struct mlist *ml, struct rcpt *r, const struct q_outcome *o)
{
	if (o->result != Q_DEFERRED)
		queue_set_state(ml->message, r, Q_RCPT_DONE);
}

static void
apply_outcome(struct q_queue *q, struct mlist *ml, struct rcpt *r,
    const struct q_outcome *o, struct last *last, q_id record)
{
	struct message *m = ml->message;

	switch (o->result) {
	case Q_TRANSFERRED:
		last_set(&r->last, last);
		queue_set_state(m, r, Q_RCPT_DONE);
		return;
	case Q_RELAYED:
	case Q_DELIVERED:
		last_set(&r->last, last);
		queue_set_state(m, r,
		    r->flags & Q_RCPT_WANTS_DR ? Q_RCPT_REPORT : Q_RCPT_DONE);
		return;
	case Q_CONVERTED:
		if (next_step(m, r, record))
			last_set(&r->last, NULL);
		return;
	case Q_DEFERRED: last_set(&r->last, last); return;
	case Q_FAILED: queue_set_failed(q, m, r, last); return;
	case Q_WANTS_P2: return; /* of some recipients only: it stays */
	case Q_DELAYED: return;  /* no answer of a channel */
	}
}

/* Is the recipient through with this mlist? */
static bool
left_mlist(const struct mlist *ml, const struct rcpt *r)
{
	return ml->report ? r->state == Q_RCPT_DONE
			  : r->state != Q_RCPT_PENDING || r->step != ml->step;
}

/* One copy for a run of the same outcomes. */
static struct last *
shared(struct mlist *ml, const struct q_outcome *o)
{
	if (!last_same(ml->error, o))
		last_set(&ml->error, last_new(o));
	return ml->error;
}

static void
apply_all(struct q_queue *q, struct mlist *ml, const struct q_outcomes *o)
{
	for (size_t i = 0; i < o->n; i++) {
		struct rcpt *r;

		if (o->v[i].recipient >= ml->message->n_rcpts)
			continue;
		r = &ml->message->rcpts[o->v[i].recipient];
		/* not ours, or told twice */
		if (r->mlist != ml || left_mlist(ml, r))
			continue;
		if (ml->report)
			apply_report_outcome(ml, r, &o->v[i]);
		else
			apply_outcome(q, ml, r, &o->v[i], shared(ml, &o->v[i]),
			    o->record);
		if (ml->report)
			shared(ml, &o->v[i]);
	}
}

/* Splits the recipients: those that stay are in ml->v, those that left are
 * returned, n of them. */
static uint32_t *
split(struct mlist *ml, size_t *n)
{
	uint32_t *left = xcalloc(ml->n + 1, sizeof(*left)), kept = 0;

	*n = 0;
	for (uint32_t i = 0; i < ml->n; i++) {
		struct rcpt *r = &ml->message->rcpts[ml->v[i]];

		if (!left_mlist(ml, r)) {
			r->attempts = ml->s.attempts;
			ml->v[kept++] = ml->v[i];
			continue;
		}
		r->mlist = NULL;
		if (r->state == Q_RCPT_REPORT)
			r->attempts = 0;
		left[(*n)++] = ml->v[i];
	}
	ml->n = kept;
	return left;
}

/* Journals what changed, and puts the rest of the mlist to `back`. False: there
 * is no rest, and the mlist is freed. */
static bool
settle(struct q_queue *q, struct mlist *ml,
    void (*back)(struct sched_mlist *s, int64_t now))
{
	struct message *m = ml->message;
	struct buf entries = {0};
	size_t n;
	uint32_t *left = split(ml, &n);
	bool rest = ml->n > 0;

	if (rest) {
		back(&ml->s, q->ops->now(q->arg));
		queue_separate(q, ml);
		queue_pack_states(m, ml->v, ml->n, &entries);
	} else {
		sched_remove(&ml->s);
		queue_mlist_free(ml);
	}
	if (n > 0)
		queue_pack_states(m, left, n, &entries);
	queue_journal(q, m, &entries, left, n);
	free(left);
	return rest;
}

static bool
wants_p2(const struct mlist *ml, const struct q_outcomes *o)
{
	if (ml->report || ml->warning || o->n == 0 ||
	    ml->way != &ml->target->direct || !ml->target->config->maybe_p2)
		return false;
	for (size_t i = 0; i < o->n; i++)
		if (o->v[i].result != Q_WANTS_P2)
			return false;
	return true;
}

/* The peer was found to know P2 only: its recipients begin at the first step
 * again, which is the mixer's now. */
static void
convert_first(struct q_queue *q, struct mlist *ml)
{
	struct message *m = ml->message;
	struct buf entries = {0};
	uint32_t n = ml->n, *v = xcalloc(n + 1, sizeof(*v));

	ml->target->p2 = true;
	for (uint32_t i = 0; i < n; i++) {
		struct rcpt *r = &m->rcpts[ml->v[i]];

		v[i] = ml->v[i];
		r->mlist = NULL;
		r->step = 0;
		r->record = 0;
	}
	sched_remove(&ml->s);
	queue_mlist_free(ml);
	queue_pack_states(m, v, n, &entries);
	queue_journal(q, m, &entries, v, n);
	free(v);
}

int
q_queue_result(struct q_queue *q, const struct q_outcomes *o)
{
	struct mlist *ml = take_active(q, o->mlist);

	if (ml == NULL)
		return ERR_PROTOCOL;
	queue_tune_result(q, ml, o->peer_error);
	queue_count_result(q, ml, o);
	queue_reroute_result(q, ml, o->peer_error);
	if (ml->warning) {
		queue_warned(q, ml, o);
		return 0;
	}
	if (wants_p2(ml, o)) {
		sched_peer_ok(ml->s.peer);
		convert_first(q, ml);
		return 0;
	}
	apply_all(q, ml, o);
	if (!o->peer_error)
		sched_peer_ok(ml->s.peer);
	if (settle(q, ml, o->peer_error ? sched_peer_error : sched_retry) &&
	    o->peer_error)
		queue_reroute_failed(q, ml);
	return 0;
}

static void
lost(struct q_queue *q, struct mlist *ml)
{
	/* once may be bad luck; a message that a channel dies of must not
	 * come back at once for ever */
	void (*back)(struct sched_mlist *, int64_t) =
	    ml->lost++ == 0 ? sched_again : sched_retry;

	for (uint32_t i = 0; i < ml->n && !ml->warning; i++)
		if (left_mlist(ml, &ml->message->rcpts[ml->v[i]])) {
			settle(q, ml, back);
			return;
		}
	back(&ml->s, q->ops->now(q->arg));
	queue_separate(q, ml);
}

void
q_queue_lost(struct q_queue *q, uint64_t number, uint64_t instance)
{
	struct mlist *ml = take_active(q, number);

	if (ml != NULL && !queue_lost_waits(q, ml, instance))
		lost(q, ml);
}

void
q_queue_scanned(struct q_queue *q, uint64_t instance)
{
	struct mlist *ml, *next = queue_lost_take(q, instance);

	while ((ml = next) != NULL) {
		next = ml->next_lost;
		lost(q, ml);
	}
}

static void
on_expired(void *arg, struct sched_mlist *s)
{
	struct q_queue *q = arg;
	struct mlist *ml = (struct mlist *)s;
	struct last *last;
	struct q_outcome o = {
	    .result = Q_FAILED,
	    .reason = MHS_UNABLE_TO_TRANSFER,
	    .diagnostic = MHS_MAXIMUM_TIME_EXPIRED,
	    .status = "4.4.7",
	    .text = "could not be transferred in time",
	    .at = q->ops->now(q->arg) / 1000,
	};

	if (ml->error != NULL) {
		o.remote_mta = ml->error->o.remote_mta;
		if (ml->error->o.text != NULL)
			o.text = ml->error->o.text;
	}
	last = last_new(&o);
	for (uint32_t i = 0; i < ml->n; i++)
		queue_set_failed(
		    q, ml->message, &ml->message->rcpts[ml->v[i]], last);
	settle(q, ml, NULL);
}

static void
on_overdue(void *arg, struct sched_mlist *s)
{
	queue_overdue(arg, (struct mlist *)s);
}

int64_t
q_queue_deadline(const struct q_queue *q)
{
	int64_t at = queue_reroute_deadline(q), next = sched_deadline(q->sched);

	return next < at ? next : at;
}

void
q_queue_tick(struct q_queue *q)
{
	static const struct sched_events events = {on_expired, on_overdue};

	sched_tick(q->sched, q->ops->now(q->arg), &events, q);
	queue_reroute_tick(q);
	queue_segments_tick(q);
}
