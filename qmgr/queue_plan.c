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
	enum q_world world = t->config->channel->world;

	return (world != Q_WORLD_ANY && world != m->world) || (m->p22 && t->p2);
}

unsigned
queue_plan_length(const struct message *m, const struct target *t)
{
	return needs_mixer(m, t) ? 2 : 1;
}

/* Most mlists have one recipient: it needs no memory of its own. */
void
queue_mlist_add(struct mlist *ml, uint32_t recipient)
{
	if (ml->n == ml->cap) {
		ml->cap *= 2;
		ml->v = xrealloc(
		    ml->v != &ml->one ? ml->v : NULL, ml->cap * sizeof(*ml->v));
		ml->v[0] = ml->n == 1 ? ml->one : ml->v[0];
	}
	ml->v[ml->n++] = recipient;
}

struct mlist *
queue_mlist_new(struct q_queue *q, struct message *m, struct way *way)
{
	struct mlist *ml = xcalloc(1, sizeof(*ml));

	ml->message = m;
	ml->node.key = ++q->next_number;
	ml->v = &ml->one;
	ml->cap = 1;
	ml->way = way;
	ml->next = m->mlists;
	if (ml->next != NULL)
		ml->next->prev = ml;
	m->mlists = ml;
	ml->s.peer = way->peer;
	ml->s.level = m->level;
	ml->s.expires = ml->s.warn = INT64_MAX;
	return ml;
}

void
queue_mlist_free(struct mlist *ml)
{
	*(ml->prev != NULL ? &ml->prev->next : &ml->message->mlists) = ml->next;
	if (ml->next != NULL)
		ml->next->prev = ml->prev;
	last_set(&ml->error, NULL);
	if (ml->v != &ml->one)
		free(ml->v);
	free(ml);
}

void
queue_mlist_drop(struct q_queue *q, struct mlist *ml)
{
	sched_remove(&ml->s);
	if (ml->node.owner != NULL)
		table_remove(&q->active, &ml->node);
	queue_mlist_free(ml);
}

int64_t
queue_expiry(const struct q_queue *q, const struct message *m)
{
	int64_t from = m->deferred > m->arrival ? m->deferred : m->arrival;

	from = from * 1000 +
	    q->config->sched.qmgr_expiry[q_level_priority(m->came)];
	/* X.411 8.2.1.1.1.15: latest-delivery-time */
	return m->latest != 0 && m->latest * 1000 < from ? m->latest * 1000
							 : from;
}

/* What goes out says where it was tried first; conversions are shared. */
static bool
same_from(const struct mlist *ml, const struct rcpt *r)
{
	return ml->way != &ml->target->direct || ml->n == 0 ||
	    ml->message->rcpts[ml->v[0]].from == r->from;
}

static struct mlist *
mlist_for(struct q_queue *q, struct message *m, const struct rcpt *r)
{
	struct target *t = r->target;
	struct way *way =
	    r->step == 0 && needs_mixer(m, t) ? t->mixer : &t->direct;
	struct mlist *ml = way->open;

	if (ml != NULL && ml->record == r->record && ml->step == r->step &&
	    ml->s.held == queue_is_held(r) && same_from(ml, r))
		return ml;
	ml = queue_mlist_new(q, m, way);
	ml->target = t;
	ml->step = r->step;
	ml->record = r->record;
	ml->s.expires = queue_expiry(q, m);
	ml->s.held = queue_is_held(r);
	way->open = ml;
	return ml;
}

/* Outcomes are reported together, as long as the report is not being made. */
static struct mlist *
report_for(struct q_queue *q, struct message *m)
{
	struct mlist *ml;

	for (ml = m->mlists; ml != NULL; ml = ml->next)
		if (ml->report && !ml->warning && ml->s.state != SCHED_ACTIVE)
			return ml;
	ml = queue_mlist_new(q, m, &q->report);
	ml->report = true;
	return ml;
}

static void
put_on_books(struct message *m, int64_t now)
{
	struct mlist *ml;

	for (ml = m->mlists; ml != NULL; ml = ml->next) {
		if (ml->s.state != SCHED_OFF)
			continue;
		ml->way->open = NULL;
		sched_add(&ml->s, ml->s.until, now);
	}
}

static void
add_to_mlist(struct q_queue *q, struct mlist *ml, uint32_t recipient)
{
	struct message *m = ml->message;
	struct rcpt *r = &m->rcpts[recipient];
	int64_t until = r->next;

	queue_mlist_add(ml, recipient);
	r->mlist = ml;
	if (ml->s.state != SCHED_OFF)
		return;
	if (!ml->report && queue_warn_time(q, m, r) < ml->s.warn)
		ml->s.warn = queue_warn_time(q, m, r);
	if (!ml->report && m->deferred > until)
		until = m->deferred;
	if (until * 1000 > ml->s.until)
		ml->s.until = until * 1000;
	if (r->attempts > ml->s.attempts)
		ml->s.attempts = r->attempts;
	if (ml->error == NULL && r->last != NULL)
		last_set(&ml->error, r->last);
}

bool
queue_has_way(const struct rcpt *r)
{
	return r->target != NULL && r->target->config != NULL;
}

/* --- what needs no channel --- */

static struct q_outcome
no_way(const struct rcpt *r)
{
	struct q_outcome o = {
	    .result = Q_FAILED,
	    .reason = MHS_UNABLE_TO_TRANSFER,
	    .diagnostic = MHS_UNRECOGNISED_OR_NAME,
	    .status = "5.1.2",
	    .text = "no route for this recipient",
	};

	if (r->target != NULL) {
		o.reason = r->target->reason;
		o.diagnostic = r->target->fault;
		o.status = mhs_diag_to_status(o.reason, o.diagnostic);
		o.text = mhs_diagnostic_name(o.diagnostic);
	}
	return o;
}

/* X.411 14.3.3: the MTA that would deliver answers a probe; nothing is ever
 * delivered of it. Into a mail system beyond a gateway one can see only so
 * far. */
static struct q_outcome
would_deliver(const struct target *t)
{
	struct q_outcome o = {
	    .result = t->config->channel->delivers ? Q_DELIVERED : Q_RELAYED,
	    .diagnostic = MHS_DIAG_ABSENT,
	};

	return o;
}

/* X.411 8.2.1.1.1.15: it may not be delivered any more, or, deferred to a later
 * time than that, not yet. */
static struct q_outcome
out_of_time(const struct message *m)
{
	struct q_outcome o = {
	    .result = Q_FAILED,
	    .reason = m->deferred > m->latest
		? MHS_DEFERRED_DELIVERY_NOT_PERFORMED
		: MHS_UNABLE_TO_TRANSFER,
	    .diagnostic = MHS_MAXIMUM_TIME_EXPIRED,
	    .status = "4.4.7",
	    .text = "the latest delivery time is over",
	};

	return o;
}

/* False: a channel has to see to it. */
static bool
decide(const struct message *m, const struct rcpt *r, int64_t now,
    struct q_outcome *o)
{
	bool over = m->latest != 0 &&
	    (m->latest * 1000 <= now || m->deferred > m->latest);

	if (r->state != Q_RCPT_PENDING)
		return false;
	if (!queue_has_way(r))
		*o = no_way(r);
	else if (over)
		*o = out_of_time(m);
	else if (m->kind == MHS_PROBE &&
	    r->target->config->channel->world != Q_WORLD_X400)
		*o = would_deliver(r->target);
	else
		return false;
	o->at = now / 1000;
	return true;
}

static void
settle(struct q_queue *q, struct message *m, struct rcpt *r, struct last *last)
{
	if (last->o.result == Q_FAILED) {
		queue_set_failed(q, m, r, last);
		return;
	}
	last_set(&r->last, last);
	queue_set_state(
	    m, r, r->flags & Q_RCPT_WANTS_DR ? Q_RCPT_REPORT : Q_RCPT_DONE);
}

void
queue_settle(struct q_queue *q, struct message *m, int64_t now)
{
	uint32_t *v = NULL;
	struct last *last = NULL; /* of the recipient before */
	struct buf entries = {0};
	struct q_outcome o;
	size_t n = 0;

	for (uint32_t i = 0; i < m->n_rcpts; i++) {
		struct rcpt *r = &m->rcpts[i];

		if (!decide(m, r, now, &o))
			continue;
		if (v == NULL)
			v = xcalloc(m->n_rcpts, sizeof(*v));
		if (!last_same(last, &o))
			last = last_new(&o);
		settle(q, m, r, last);
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

	queue_reroute_new(q, m);
	for (uint32_t i = 0; i < m->n_rcpts; i++) {
		struct rcpt *r = &m->rcpts[i];

		if (r->mlist != NULL || r->unjournalled ||
		    r->state == Q_RCPT_DONE)
			continue;
		if (r->state == Q_RCPT_REPORT)
			add_to_mlist(q, report_for(q, m), i);
		else if (queue_has_way(r))
			add_to_mlist(q, mlist_for(q, m, r), i);
	}
	put_on_books(m, now);
}
