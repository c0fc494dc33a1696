#include "qmgr/queue.h"

#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "mhs/diag.h"
#include "qmgr/queue_own.h"

/* What a summary may say of a recipient; the other bits are the queue's. */
#define RCPT_BITS                                                  \
	(Q_RCPT_RESPONSIBLE | Q_RCPT_WANTS_DR | Q_RCPT_WANTS_NDR | \
	    Q_RCPT_ALTERNATE | Q_RCPT_WANTS_DELAY)

static uint64_t
hash_name(const char *s)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3ULL;
	return h;
}

/* Those that have this reason and this diagnostic share one. */
static struct target *
fault_target(struct q_queue *q, const char *peer, int32_t fault)
{
	int32_t reason = MHS_UNABLE_TO_TRANSFER;
	const char *text;
	struct target **row;

	(void)q_fault_rejected(peer, &reason, &text);
	row = &q->faults[reason];
	if (*row == NULL) {
		*row = xcalloc(Q_FAULTS, sizeof(**row));
		for (int32_t i = 0; i < Q_FAULTS; i++) {
			(*row)[i].reason = reason;
			(*row)[i].fault = i;
		}
	}
	return &(*row)[fault];
}

struct target *
queue_target(struct q_queue *q, const char *peer)
{
	struct target *t =
	    peer != NULL ? table_get(&q->by_peer, hash_name(peer)) : NULL;
	int32_t fault = q_fault_of(peer);

	if (fault >= 0)
		return fault_target(q, peer, fault);
	return t != NULL && strcmp(t->config->name, peer) == 0 ? t : NULL;
}

static size_t
channel_index(const struct q_config *c, const struct q_channel_config *ch)
{
	size_t i = 0;

	while (c->channels[i] != ch)
		i++;
	return i;
}

static void
make_target(struct q_queue *q, struct target *t, const struct q_peer_config *p)
{
	size_t ch = channel_index(q->config, p->channel);

	t->config = p;
	t->direct.peer = sched_peer_new(
	    q->chans[ch], p->name, p->max_connections, p->max_messages);
	t->mixer = &q->by_mixer[ch];
	t->p2 = p->p2;
	if (p->p2 || p->maybe_p2) {
		t->own_mixer.peer = sched_peer_new(q_queue_chan(q, "mixer"),
		    p->name, SCHED_NO_LIMIT, SCHED_NO_LIMIT);
		t->mixer = &t->own_mixer;
	}
	INVARIANT(table_get(&q->by_peer, hash_name(p->name)) == NULL);
	table_put(&q->by_peer, &t->node, hash_name(p->name), t);
}

static void
make_tree(struct q_queue *q)
{
	const struct q_config *c = q->config;
	struct sched_chan *mixer;

	q->chans = xcalloc(c->n_channels, sizeof(*q->chans));
	q->by_mixer = xcalloc(c->n_channels, sizeof(*q->by_mixer));
	q->targets = xcalloc(c->n_peers + 1, sizeof(*q->targets));
	for (size_t i = 0; i < c->n_channels; i++)
		q->chans[i] = sched_chan_new(
		    q->sched, c->channels[i]->name, c->channels[i]->processes);
	mixer = q_queue_chan(q, "mixer");
	for (size_t i = 0; i < c->n_channels; i++)
		q->by_mixer[i].peer = sched_peer_new(mixer,
		    c->channels[i]->name, SCHED_NO_LIMIT, SCHED_NO_LIMIT);
	q->report.peer = sched_peer_new(q_queue_chan(q, "report"), "report",
	    SCHED_NO_LIMIT, SCHED_NO_LIMIT);
	for (size_t i = 0; i < c->n_peers; i++)
		make_target(q, &q->targets[i], c->peers[i]);
}

struct q_queue *
q_queue_new(const struct q_config *c, const struct q_queue_ops *ops, void *arg)
{
	struct q_queue *q = xcalloc(1, sizeof(*q));

	q->config = c;
	q->ops = ops;
	q->arg = arg;
	q->all.next = q->all.prev = &q->all;
	q->sched = sched_new(&c->sched);
	make_tree(q);
	q->rates = xcalloc(c->n_channels + 1, sizeof(*q->rates));
	queue_tune_setup(q);
	queue_reroute_setup(q);
	return q;
}

struct sched *
q_queue_sched(struct q_queue *q)
{
	return q->sched;
}

struct sched_chan *
q_queue_chan(const struct q_queue *q, const char *name)
{
	for (size_t i = 0; i < q->config->n_channels; i++)
		if (strcmp(q->config->channels[i]->name, name) == 0)
			return q->chans[i];
	return NULL;
}

static void
link_message(struct q_queue *q, struct message *m, q_id place)
{
	m->link.prev = q->all.prev;
	m->link.next = &q->all;
	q->all.prev->next = &m->link;
	q->all.prev = &m->link;
	m->sequence = ++q->next_sequence;
	table_put(&q->messages, &m->node, m->id, m);
	queue_record_added(q, m->id, place);
}

static struct message *
message_new(struct q_queue *q, const struct q_summary *s)
{
	struct message *m =
	    xcalloc(1, sizeof(*m) + s->n_rcpts * sizeof(m->rcpts[0]));

	m->id = s->id;
	m->content_file = s->content_file;
	m->arrival = s->arrival;
	m->deferred = s->deferred;
	m->latest = s->latest;
	m->size = s->size;
	m->kind = (uint8_t)s->kind;
	m->level = m->came = (uint8_t)s->level;
	m->originator = s->originator;
	m->world = (uint8_t)q_world_of(s->kind, s->content_type);
	m->p22 = s->kind == MHS_MESSAGE && s->content_type == MHS_CONTENT_P22;
	m->n_rcpts = (uint32_t)s->n_rcpts;
	for (size_t i = 0; i < s->n_rcpts; i++) {
		struct rcpt *r = &m->rcpts[i];

		r->flags = s->rcpts[i].flags & RCPT_BITS;
		r->name = s->rcpts[i].name;
		r->target = queue_target(q, s->rcpts[i].peer);
		if (r->flags & Q_RCPT_RESPONSIBLE)
			m->undone++;
		else
			r->state = Q_RCPT_DONE;
	}
	link_message(q, m, s->place);
	return m;
}

static void
version_new(struct q_queue *q, const struct q_summary *s)
{
	struct message *m = table_get(&q->messages, s->parent);
	struct version *v;

	if (m != NULL)
		for (v = m->versions; v != NULL; v = v->next)
			if (v->id == s->id)
				return;
	queue_record_added(q, s->id, s->place);
	if (m == NULL || m->finished) {
		queue_version_over(q, s->id, s->content_file);
		return;
	}
	v = xcalloc(1, sizeof(*v));
	v->id = s->id;
	v->content_file = s->content_file;
	v->next = m->versions;
	m->versions = v;
}

/* The first look at a message. */
static void
begin(struct q_queue *q, struct message *m)
{
	struct buf nothing = {0};

	queue_settle(q, m, q->ops->now(q->arg));
	if (m->undone == 0 && m->effects == 0)
		queue_journal(q, m, &nothing, NULL, 0);
	queue_plan(q, m);
}

static bool
is_known(const struct q_queue *q, const struct q_summary *s)
{
	return table_get(&q->messages, s->id) != NULL ||
	    queue_record_known(q, s->place != 0 ? s->place : s->id);
}

int
q_queue_submitted(struct q_queue *q, const struct q_summary *s)
{
	if (is_known(q, s))
		return 0;
	queue_settled(q, s);
	if (s->parent != 0)
		version_new(q, s);
	else
		begin(q, message_new(q, s));
	return 0;
}

/* What is known from records only is journalled before what follows from it, and
 * before these records can end. */
static void
journal_learned(
    struct q_queue *q, struct message *m, const uint8_t *states, size_t n)
{
	uint32_t *v = xcalloc(m->n_rcpts + 1, sizeof(*v));
	struct buf entries = {0};

	for (uint32_t i = 0; i < m->n_rcpts; i++)
		v[i] = i;
	buf_append(&entries, states, n);
	queue_journal(q, m, &entries, v, m->n_rcpts);
	free(v);
}

static void
apply_state(struct message *m, const struct q_entry *x)
{
	struct last *last = NULL;

	if (x->outcome.at != 0)
		last = last_new(&x->outcome);
	for (size_t i = 0; i < x->n; i++) {
		struct rcpt *r = &m->rcpts[x->v[i]];

		if (r->state == Q_RCPT_DONE)
			continue;
		r->step = (uint8_t)x->step;
		r->record = x->record;
		r->attempts = x->attempts;
		r->next = x->next;
		if (x->warned)
			r->flags |= Q_RCPT_WARNING | Q_RCPT_WARNED;
		last_set(&r->last, last);
		queue_set_state(m, r, x->state);
		/* the peer may be on another channel than it was */
		if (r->from == FROM_GONE ||
		    (queue_has_way(r) &&
			r->step >= queue_plan_length(m, r->target))) {
			r->step = 0;
			r->record = 0;
		}
	}
	if (last != NULL && last->refs == 0)
		free(last);
}

static void
apply_mark(struct message *m, const struct q_entry *x)
{
	m->level = (uint8_t)x->level;
	for (size_t i = 0; i < x->n; i++) {
		struct rcpt *r = &m->rcpts[x->v[i]];

		r->flags &= (uint8_t)~Q_RCPT_HELD;
		r->flags |= x->held ? Q_RCPT_HELD : 0;
	}
}

static uint32_t
from_of(struct q_queue *q, const char *peer)
{
	struct target *t = queue_target(q, peer);

	return t != NULL && t->config != NULL ? (uint32_t)(t - q->targets) + 1
					      : FROM_UNKNOWN;
}

/* When its peer is not configured any more, it goes where routing has it now. */
static void
apply_way(struct q_queue *q, struct message *m, const struct q_entry *x)
{
	struct target *t = queue_target(q, x->peer);
	uint32_t from = from_of(q, x->from);

	if (t == NULL || t->config == NULL)
		t = NULL;
	for (size_t i = 0; i < x->n; i++) {
		struct rcpt *r = &m->rcpts[x->v[i]];

		if (r->state == Q_RCPT_DONE)
			continue;
		r->step = 0;
		r->record = 0;
		r->attempts = 0;
		r->next = 0;
		r->from = t != NULL ? from : FROM_GONE;
		r->target = t != NULL ? t : r->target;
	}
}

static int
apply_entry(struct q_queue *q, struct message *m, const struct q_entry *x,
    struct err *e)
{
	for (size_t i = 0; i < x->n; i++)
		if (x->v[i] >= m->n_rcpts)
			return err_set(e, "queue", ERR_SYNTAX,
			    "recipient %u of %u", x->v[i], m->n_rcpts);
	if (x->type == Q_ENTRY_STATE)
		apply_state(m, x);
	else if (x->type == Q_ENTRY_MARK)
		apply_mark(m, x);
	else if (x->type == Q_ENTRY_WAY)
		apply_way(q, m, x);
	return 0;
}

int
q_queue_loaded(struct q_queue *q, const struct q_summary *s,
    const uint8_t *states, size_t n, size_t learned, struct err *e)
{
	const uint8_t *end = states + n;
	struct arena *a;
	struct message *m;
	int rc = 0;

	if (is_known(q, s) || s->parent != 0)
		return 0;
	queue_settled(q, s);
	a = arena_new();
	m = message_new(q, s);
	while (n > 0 && rc == 0) {
		struct q_entry x;

		rc = q_entry_unpack(&states, &n, a, &x, e);
		if (rc == 0 && x.id == s->id)
			rc = apply_entry(q, m, &x, e);
	}
	for (uint32_t i = 0; i < m->n_rcpts; i++)
		if (m->rcpts[i].from == FROM_GONE)
			m->rcpts[i].from = 0;
	arena_free(&a);
	if (learned > 0 && rc == 0)
		journal_learned(q, m, end - learned, learned);
	begin(q, m);
	return rc;
}

static void
snapshot_marks(const struct q_queue *q, const struct message *m, uint32_t *v,
    struct buf *out)
{
	size_t held = 0, sent = 0;

	for (uint32_t i = 0; i < m->n_rcpts; i++)
		if (queue_is_held(&m->rcpts[i]))
			v[held++] = i;
	if (held > 0 || m->level != m->came)
		queue_pack_marks(m, v, held, out);
	for (uint32_t i = 0; i < m->n_rcpts; i++)
		if (m->rcpts[i].from != 0 && m->rcpts[i].state != Q_RCPT_DONE)
			v[sent++] = i;
	queue_pack_ways(q, m, v, sent, out);
}

/* A WAY begins the plan anew, so it comes before the state. */
static void
snapshot_message(const struct q_queue *q, const struct message *m, uint32_t *v,
    struct buf *out)
{
	struct q_entry end = {.type = Q_ENTRY_FINISHED, .id = m->id};
	size_t n = 0;

	/* its own FINISHED entry is on the way: in order behind the snapshot, or
	 * in a file that goes with it */
	if (m->undone == 0)
		q_entry_pack(&end, out);
	else
		snapshot_marks(q, m, v, out);
	for (uint32_t i = 0; i < m->n_rcpts && m->undone > 0; i++) {
		const struct rcpt *r = &m->rcpts[i];

		if ((r->flags & Q_RCPT_RESPONSIBLE) &&
		    (r->last != NULL || r->step > 0 || r->attempts > 0 ||
			(r->flags & Q_RCPT_WARNED) ||
			r->state != Q_RCPT_PENDING))
			v[n++] = i;
	}
	if (n > 0)
		queue_pack_states(m, v, n, out);
}

static void
snapshot_segment(void *arg, void *owner)
{
	const struct segment *s = owner;
	struct q_entry x = {
	    .type = Q_ENTRY_DONE_SET,
	    .id = s->number,
	    .v = s->done.v,
	    .n = s->done.n,
	};

	if (s->done.n > 0)
		q_entry_pack(&x, arg);
	x.type = Q_ENTRY_MOVED_SET;
	x.v = s->moved.v;
	x.n = s->moved.n;
	if (s->moved.n > 0)
		q_entry_pack(&x, arg);
}

void
q_queue_snapshot(const struct q_queue *q, struct buf *out)
{
	uint32_t *v = xcalloc(MHS_RECIPIENTS_MAX, sizeof(*v));
	const struct link *l;

	for (l = q->all.next; l != &q->all; l = l->next)
		if (!l->is_cursor)
			snapshot_message(q, (const struct message *)l, v, out);
	table_each(&q->segments, snapshot_segment, out);
	free(v);
}

uint64_t
q_queue_messages(const struct q_queue *q)
{
	return q->messages.n;
}

void
q_queue_free(struct q_queue **qp)
{
	struct q_queue *q = *qp;

	if (q == NULL)
		return;
	*qp = NULL;
	if (q->rerouting) {
		q->mark.prev->next = q->mark.next;
		q->mark.next->prev = q->mark.prev;
	}
	while (q->all.next != &q->all) {
		INVARIANT(!q->all.next->is_cursor);
		queue_message_free(q, (struct message *)q->all.next);
	}
	queue_segments_free(q);
	queue_lost_free(q);
	table_free(&q->messages);
	table_free(&q->active);
	table_free(&q->by_peer);
	sched_free(&q->sched);
	free(q->chans);
	free(q->by_mixer);
	free(q->tunes);
	free(q->rates);
	free(q->targets);
	for (size_t i = 0; i < Q_REASONS; i++)
		free(q->faults[i]);
	free(q);
}
