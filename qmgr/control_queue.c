/*
 * What the control socket looks up inside the queue: one message, and its
 * recipients.
 */
#include <string.h>

#include "qmgr/control_own.h"
#include "qmgr/queue_own.h"

#define RECIPIENTS 50 /* in one call */

q_id
control_place(const struct q_queue *q, q_id id)
{
	return queue_record_place(q, id);
}

static const struct message *
find(const struct q_queue *q, q_id id)
{
	return table_get(&q->messages, id);
}

static void
put_id(struct buf *out, const char *name, q_id id)
{
	char text[Q_ID_TEXT];

	if (id != 0)
		q_row_text(out, name, q_id_text(id, text));
}

static void
put_time(struct buf *out, const char *name, int64_t t)
{
	if (t != 0)
		q_row_int(out, name, t);
}

bool
control_put_message(const struct q_queue *q, q_id id, struct buf *out)
{
	const struct message *m = find(q, id);

	if (m == NULL)
		return false;
	q_row_begin(out, "message");
	put_id(out, "id", id);
	put_id(out, "place", queue_record_place(q, id));
	q_row_text(out, "kind", mhs_kind_name((enum mhs_kind)m->kind));
	q_row_text(out, "level", q_level_name((enum q_level)m->level));
	q_row_int(out, "arrival", m->arrival);
	put_time(out, "deferred_until", m->deferred);
	put_time(out, "latest", m->latest);
	q_row_int(out, "expires", queue_expiry(q, m) / 1000);
	q_row_int(out, "octets", (int64_t)m->size);
	q_row_int(out, "recipients", m->n_rcpts);
	q_row_int(out, "undone", m->undone);
	q_row_end(out);
	for (const struct version *v = m->versions; v != NULL; v = v->next) {
		q_row_begin(out, "version");
		put_id(out, "id", v->id);
		put_id(out, "place", queue_record_place(q, v->id));
		q_row_end(out);
	}
	return true;
}

/* --- recipients --- */

static const char *
rcpt_state(const struct rcpt *r)
{
	if (!(r->flags & Q_RCPT_RESPONSIBLE))
		return "not-ours";
	if (r->state == Q_RCPT_DONE)
		return "done";
	if (r->mlist != NULL)
		return q_view_state_name(queue_view_state(r->mlist));
	return "between-steps";
}

static const char *
result_name(enum q_result r)
{
	static const char *const names[] = {
	    [Q_TRANSFERRED] = "transferred",
	    [Q_RELAYED] = "relayed",
	    [Q_DELIVERED] = "delivered",
	    [Q_CONVERTED] = "converted",
	    [Q_DEFERRED] = "deferred",
	    [Q_FAILED] = "failed",
	    [Q_DELAYED] = "delayed",
	    [Q_WANTS_P2] = "wants-p2",
	};

	return names[r];
}

static void
put_outcome(struct buf *out, const struct q_outcome *o)
{
	q_row_text(out, "result", result_name(o->result));
	q_row_text(out, "status", o->status);
	q_row_text(out, "error", o->text);
	q_row_text(out, "remote_mta", o->remote_mta);
	put_time(out, "last_try", o->at);
}

static int64_t
next_time(const struct rcpt *r)
{
	const struct sched_mlist *s = r->mlist != NULL ? &r->mlist->s : NULL;

	if (s == NULL)
		return 0;
	if (s->state == SCHED_WAITING)
		return s->until / 1000;
	return s->state == SCHED_READY ? sched_peer_held(s->peer) / 1000 : 0;
}

static void
put_recipient(const struct q_queue *q, const struct message *m, uint32_t i,
    struct buf *out)
{
	const struct rcpt *r = &m->rcpts[i];
	const struct sched_peer *p = r->mlist != NULL ? r->mlist->s.peer : NULL;

	q_row_begin(out, "recipient");
	q_row_int(out, "index", i);
	q_row_text(out, "state", rcpt_state(r));
	if (queue_is_held(r) && r->mlist != NULL &&
	    queue_view_state(r->mlist) == Q_VIEW_ACTIVE)
		q_row_bool(out, "hold", true);
	if (r->state == Q_RCPT_REPORT)
		q_row_bool(out, "to_be_reported", true);
	if (p != NULL)
		q_row_text(out, "channel", sched_chan_name(sched_peer_chan(p)));
	if (r->target != NULL && r->target->config != NULL)
		q_row_text(out, "peer", r->target->config->name);
	q_row_text(out, "rerouted_from", queue_from_name(q, r->from));
	if (r->state == Q_RCPT_PENDING && r->target != NULL) {
		q_row_int(out, "step", r->step + 1);
		q_row_int(out, "steps", queue_plan_length(m, r->target));
	}
	/* of one that is done they are not kept */
	if (r->state != Q_RCPT_DONE)
		q_row_int(out, "attempts",
		    r->mlist != NULL ? r->mlist->s.attempts : r->attempts);
	put_time(out, "next", next_time(r));
	put_id(out, "version", r->record);
	if (r->last != NULL)
		put_outcome(out, &r->last->o);
	q_row_end(out);
}

size_t
control_put_recipients(
    const struct q_queue *q, q_id id, size_t from, struct buf *out)
{
	const struct message *m = find(q, id);
	size_t i = from;

	if (m == NULL)
		return 0;
	for (; i < m->n_rcpts && i < from + RECIPIENTS; i++)
		put_recipient(q, m, (uint32_t)i, out);
	return i < m->n_rcpts ? i : 0;
}

/* --- what an action is done to --- */

static bool
is_there(const struct rcpt *r, const char *channel, const char *peer)
{
	const struct mlist *ml = r->mlist;

	if (r->state == Q_RCPT_DONE)
		return false;
	if (channel != NULL &&
	    (ml == NULL ||
		strcmp(sched_chan_name(sched_peer_chan(ml->s.peer)), channel) !=
		    0))
		return false;
	return peer == NULL ||
	    (r->target != NULL && r->target->config != NULL &&
		strcmp(r->target->config->name, peer) == 0);
}

static bool
is_meant(const struct q_request_target *t, uint32_t i, size_t *at)
{
	while (*at < t->n && t->v[*at] < i)
		++*at;
	return t->n == 0 || (*at < t->n && t->v[*at] == i);
}

bool
control_select(struct arena *a, const struct q_queue *q,
    const struct q_request_target *t, const char *channel, const char *peer,
    struct q_op_target *to)
{
	const struct message *m = find(q, t->message);
	uint32_t *v;
	size_t at = 0;

	*to = (struct q_op_target){.message = t->message};
	if (m == NULL)
		return false;
	v = arena_alloc(a, m->n_rcpts * sizeof(*v));
	for (uint32_t i = 0; i < m->n_rcpts; i++)
		if (is_meant(t, i, &at) &&
		    is_there(&m->rcpts[i], channel, peer))
			v[to->n++] = i;
	to->v = v;
	return true;
}

/* --- peers --- */

const struct sched_peer *
control_peer(const struct q_queue *q, size_t n)
{
	return q->targets[n].direct.peer;
}

bool
control_knows_peer(struct q_queue *q, const char *name)
{
	const struct target *t = queue_target(q, name);

	return t != NULL && t->config != NULL;
}

void
control_put_peer(
    const struct q_queue *q, size_t n, const char *why, struct buf *out)
{
	const struct target *t = &q->targets[n];
	const struct sched_peer *p = t->direct.peer;
	enum q_view_state view = queue_peer_view(p);
	uint64_t queued = sched_peer_ready(p);
	int64_t held = sched_peer_held(p);

	q_row_begin(out, "peer");
	q_row_text(out, "peer", t->config->name);
	q_row_text(out, "channel", sched_chan_name(sched_peer_chan(p)));
	q_row_text(out, "state", q_view_state_name(view));
	q_row_int(out, "queued", (int64_t)queued);
	q_row_int(out, "ready", view == Q_VIEW_READY ? (int64_t)queued : 0);
	q_row_int(out, "active", sched_peer_active(p));
	q_row_int(out, "connections_allowed", sched_peer_connections(p));
	q_row_bool(out, "stopped", sched_peer_stopped(p));
	put_time(out, "held_until", held / 1000);
	if (held != 0 || t->failing != 0)
		q_row_text(out, "error", why);
	put_time(out, "failing_since", t->failing / 1000);
	if (t->away && t->otherwise != NULL) {
		q_row_text(out, "rerouted_to", t->otherwise->config->name);
		q_row_int(out, "rerouted", (int64_t)t->gone);
	}
	q_row_end(out);
}
