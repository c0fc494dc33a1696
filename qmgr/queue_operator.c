/*
 * The operator's word (qmgr/operator.h).
 */
#include "qmgr/operator.h"

#include <stdlib.h>

#include "lib/arena.h"
#include "qmgr/queue_own.h"

/* --- which recipients --- */

struct pick {
	struct message *m;
	uint32_t *v;
	size_t n, busy, unchanged;
	const char *why; /* unchanged */
};

/* NULL: it is meant; a reason: it stays as it is; other_state: it is out of
 * the question. */
typedef const char *applies(const struct rcpt *r, const void *arg);
static const char other_state[] = "";

static const char *
is_pending(const struct rcpt *r, const void *arg)
{
	(void)arg;
	return r->state == Q_RCPT_PENDING ? NULL : other_state;
}

static const char *
is_undone(const struct rcpt *r, const void *arg)
{
	(void)arg;
	return r->state != Q_RCPT_DONE ? NULL : other_state;
}

static const char *
goes_elsewhere(const struct rcpt *r, const void *arg)
{
	if (r->state != Q_RCPT_PENDING)
		return other_state;
	return r->target != arg ? NULL : "it goes there already";
}

static const char *
is_to_change(const struct rcpt *r, const void *arg)
{
	bool hold = *(const bool *)arg;

	if (r->state != Q_RCPT_PENDING)
		return other_state;
	if (queue_is_held(r) != hold)
		return NULL;
	return hold ? "held already" : "not held";
}

/* A channel has it, or what became of it is on its way to the disk. */
static bool
is_busy(const struct rcpt *r)
{
	return r->unjournalled ||
	    (r->mlist != NULL && r->mlist->s.state == SCHED_ACTIVE);
}

static int
refused(struct err *e, const char *why)
{
	return err_set(e, "queue", ERR_REFUSED, "%s", why);
}

static int
find(struct q_queue *q, q_id id, struct message **m, struct err *e)
{
	*m = table_get(&q->messages, id);
	return *m != NULL && (*m)->undone > 0 ? 0
					      : refused(e, "no such message");
}

static bool *
wanted(const struct message *m, const struct q_op_target *t)
{
	bool *w = xcalloc(m->n_rcpts + 1, sizeof(*w));

	for (uint32_t i = 0; i < m->n_rcpts && t->n == 0; i++)
		w[i] = true;
	for (size_t i = 0; i < t->n; i++) {
		if (t->v[i] >= m->n_rcpts) {
			free(w);
			return NULL;
		}
		w[t->v[i]] = true;
	}
	return w;
}

static void
unchanged(struct pick *p, const char *why)
{
	if (p->unchanged++ == 0)
		p->why = why;
}

/* The caller frees p->v. `reach`: also those that are busy. */
static int
pick(struct q_queue *q, const struct q_op_target *t, applies *fn,
    const void *arg, bool reach, struct pick *p, struct err *e)
{
	struct message *m;
	bool *w;
	int rc = find(q, t->message, &m, e);

	*p = (struct pick){0};
	if (rc != 0)
		return rc;
	w = wanted(m, t);
	if (w == NULL)
		return refused(e, "no such recipient");
	p->m = m;
	p->v = xcalloc(m->n_rcpts + 1, sizeof(*p->v));
	for (uint32_t i = 0; i < m->n_rcpts; i++) {
		const char *why = w[i] ? fn(&m->rcpts[i], arg) : other_state;

		if (why == other_state)
			continue;
		if (why != NULL)
			unchanged(p, why);
		else if (!reach && is_busy(&m->rcpts[i]))
			p->busy++;
		else
			p->v[p->n++] = i;
	}
	free(w);
	return 0;
}

/* Says what came of it; false: there is nothing to go on with. */
static bool
picked(struct pick *p, struct q_op_result *out, int *rc, struct err *e)
{
	*out = (struct q_op_result){.recipients = p->n,
	    .busy = p->busy,
	    .unchanged = p->unchanged,
	    .why = p->why};
	if (p->n > 0)
		return true;
	if (p->busy == 0 && p->unchanged == 0)
		*rc = refused(e, "what becomes of it is known already");
	free(p->v);
	return false;
}

/* --- hold, retry, level --- */

int
q_op_hold(struct q_queue *q, const struct q_op_target *t, bool hold,
    struct q_op_result *out, q_op_done *done, void *arg, struct err *e)
{
	struct buf entries = {0};
	struct mlist *ml, *next;
	struct pick p;
	int rc = pick(q, t, is_to_change, &hold, true, &p, e);

	if (rc != 0 || !picked(&p, out, &rc, e))
		return rc;
	for (size_t i = 0; i < p.n; i++) {
		struct rcpt *r = &p.m->rcpts[p.v[i]];

		out->busy += hold && is_busy(r);
		r->flags &= (uint8_t)~Q_RCPT_HELD;
		r->flags |= hold ? Q_RCPT_HELD : 0;
	}
	/* what is out parts when it comes back; what is new comes first */
	for (ml = p.m->mlists; ml != NULL; ml = next) {
		next = ml->next;
		if (ml->s.state != SCHED_ACTIVE)
			queue_separate(q, ml);
	}
	queue_pack_marks(p.m, p.v, p.n, &entries);
	queue_journal_told(q, p.m, &entries, NULL, 0, done, arg);
	free(p.v);
	q->ops->planned(q->arg);
	return 0;
}

/* Why it cannot be tried now; NULL: it is. */
static const char *
retry(struct mlist *ml, int64_t now)
{
	const struct sched_peer *p = ml->s.peer;
	bool deferred = !ml->report && ml->message->deferred * 1000 > now;

	if (ml->s.state == SCHED_HELD)
		return "held: release it";
	if (ml->s.state == SCHED_WAITING && deferred)
		return "its originator deferred it";
	if (sched_chan_stopped(sched_peer_chan(p)))
		return "its channel is stopped";
	if (sched_peer_stopped(p))
		return "its peer is stopped";
	if (ml->s.state == SCHED_WAITING)
		sched_try_now(&ml->s);
	if (sched_peer_held(p) != 0)
		sched_peer_release(ml->s.peer, now);
	return NULL;
}

int
q_op_retry(struct q_queue *q, const struct q_op_target *t,
    struct q_op_result *out, struct err *e)
{
	int64_t now = q->ops->now(q->arg);
	struct pick p;
	size_t n = 0;
	int rc = pick(q, t, is_undone, NULL, false, &p, e);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < p.n; i++) {
		struct mlist *ml = p.m->rcpts[p.v[i]].mlist;
		const char *why =
		    ml != NULL ? retry(ml, now) : "it is between two steps";

		if (why != NULL)
			unchanged(&p, why);
		else
			n++;
	}
	p.n = n;
	if (!picked(&p, out, &rc, e))
		return rc;
	free(p.v);
	q->ops->planned(q->arg);
	return 0;
}

int
q_op_set_level(struct q_queue *q, q_id message, enum q_level level,
    q_op_done *done, void *arg, struct err *e)
{
	struct buf entries = {0};
	struct message *m;
	struct mlist *ml;
	int rc = find(q, message, &m, e);

	if (rc != 0)
		return rc;
	m->level = (uint8_t)level;
	for (ml = m->mlists; ml != NULL; ml = ml->next)
		sched_set_level(&ml->s, level);
	queue_pack_marks(m, NULL, 0, &entries);
	queue_journal_told(q, m, &entries, NULL, 0, done, arg);
	q->ops->planned(q->arg);
	return 0;
}

/* --- what changes a recipient's way --- */

static struct target *
find_peer(struct q_queue *q, const char *peer, struct err *e)
{
	struct target *t = queue_target(q, peer);

	if (t != NULL && t->config != NULL)
		return t;
	err_set(e, "queue", ERR_CONFIG, "no peer \"%s\"", peer);
	return NULL;
}

int
q_op_peer(struct q_queue *q, const char *peer, struct err *e)
{
	struct target *to = find_peer(q, peer, e);

	if (to == NULL)
		return ERR_CONFIG;
	return to->config->node != NULL
	    ? 0
	    : err_set(e, "queue", ERR_CONFIG, "\"%s\" is no <peer>", peer);
}

int
q_op_redirect(struct q_queue *q, const struct q_op_target *t, const char *peer,
    struct q_op_result *out, q_op_done *done, void *arg, struct err *e)
{
	struct target *to = queue_target(q, peer);
	struct buf entries = {0};
	struct pick p;
	int rc = q_op_peer(q, peer, e);

	if (rc != 0)
		return rc;
	rc = pick(q, t, goes_elsewhere, to, false, &p, e);
	if (rc == 0 && p.m->kind == MHS_PROBE &&
	    to->config->channel->world != Q_WORLD_X400) {
		free(p.v);
		return refused(e, "a probe, and no X.400 peer");
	}
	if (rc != 0 || !picked(&p, out, &rc, e))
		return rc;
	queue_take_out(p.m, p.v, p.n);
	queue_send_to(q, p.m, p.v, p.n, to);
	queue_pack_ways(q, p.m, p.v, p.n, &entries);
	queue_journal_told(q, p.m, &entries, p.v, p.n, done, arg);
	free(p.v);
	return 0;
}

/* Their state is what it shall be. */
static void
settle(struct q_queue *q, struct pick *p, q_op_done *done, void *arg)
{
	struct buf entries = {0};

	queue_take_out(p->m, p->v, p->n);
	queue_pack_states(p->m, p->v, p->n, &entries);
	queue_journal_told(q, p->m, &entries, p->v, p->n, done, arg);
	free(p->v);
}

int
q_op_return(struct q_queue *q, const struct q_op_target *t,
    const struct q_outcome *why, struct q_op_result *out, q_op_done *done,
    void *arg, struct err *e)
{
	struct q_outcome o = *why;
	struct last *last;
	struct pick p;
	int rc = pick(q, t, is_pending, NULL, false, &p, e);

	if (rc != 0 || !picked(&p, out, &rc, e))
		return rc;
	o.result = Q_FAILED;
	if (o.at == 0)
		o.at = q->ops->now(q->arg) / 1000;
	last = last_new(&o);
	for (size_t i = 0; i < p.n; i++) {
		struct rcpt *r = &p.m->rcpts[p.v[i]];

		queue_set_failed(q, p.m, r, last);
		out->told += r->state == Q_RCPT_REPORT;
	}
	settle(q, &p, done, arg);
	return 0;
}

int
q_op_delete(struct q_queue *q, const struct q_op_target *t,
    struct q_op_result *out, q_op_done *done, void *arg, struct err *e)
{
	struct pick p;
	int rc = pick(q, t, is_undone, NULL, false, &p, e);

	if (rc != 0 || !picked(&p, out, &rc, e))
		return rc;
	for (size_t i = 0; i < p.n; i++)
		queue_set_state(p.m, &p.m->rcpts[p.v[i]], Q_RCPT_DONE);
	settle(q, &p, done, arg);
	return 0;
}

/* --- peers and channels --- */

static int
stop_channel(struct q_queue *q, const char *channel, bool stop, struct err *e)
{
	struct sched_chan *c = q_queue_chan(q, channel);

	if (c == NULL)
		return err_set(
		    e, "queue", ERR_CONFIG, "no channel \"%s\"", channel);
	sched_chan_stop(c, stop);
	for (size_t i = 0; i < q->config->n_peers && !stop; i++)
		if (sched_peer_chan(q->targets[i].direct.peer) == c)
			queue_reroute_usable(q, &q->targets[i]);
	return 0;
}

static int
stop_peer(struct q_queue *q, const char *channel, const char *peer, bool stop,
    struct err *e)
{
	struct target *t = find_peer(q, peer, e);

	if (t == NULL)
		return ERR_CONFIG;
	if (channel != NULL &&
	    q_queue_chan(q, channel) != sched_peer_chan(t->direct.peer))
		return err_set(e, "queue", ERR_CONFIG,
		    "peer \"%s\" is not of channel \"%s\"", peer, channel);
	sched_peer_stop(t->direct.peer, stop);
	if (!stop)
		queue_reroute_usable(q, t);
	return 0;
}

int
q_op_stop(struct q_queue *q, const char *channel, const char *peer, bool stop,
    struct err *e)
{
	int rc = peer != NULL ? stop_peer(q, channel, peer, stop, e)
			      : stop_channel(q, channel, stop, e);

	if (rc == 0 && !stop)
		q->ops->planned(q->arg);
	return rc;
}

int
q_op_retry_peer(struct q_queue *q, const char *peer, struct err *e)
{
	struct target *t = find_peer(q, peer, e);

	if (t == NULL)
		return ERR_CONFIG;
	sched_peer_release(t->direct.peer, q->ops->now(q->arg));
	q->ops->planned(q->arg);
	return 0;
}
