/*
 * qmgr's side of the channel protocol (qmgr/chan.h).
 */
#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/log.h"
#include "qmgr/qmgr_own.h"

/* --- to the child --- */

static bool
is_secret(const char *attr)
{
	return strcmp(attr, "password") == 0 ||
	    strcmp(attr, "our-password") == 0;
}

/* A copy of the tree without the passwords of peers, but for those of that
 * channel (NULL: none). */
static struct conf_node *
without_secrets(struct arena *a, const struct conf_node *n, const char *channel)
{
	struct conf_node *x = arena_memdup(a, n, sizeof(*n));
	bool peer = strcmp(n->name, "peer") == 0 &&
	    (channel == NULL ||
		strcmp(conf_str(n, "channel", ""), channel) != 0);

	x->attrs = arena_alloc(a, n->n_attrs * sizeof(*n->attrs));
	x->n_attrs = 0;
	for (size_t i = 0; i < n->n_attrs; i++)
		if (!peer || !is_secret(n->attrs[i].name))
			x->attrs[x->n_attrs++] = n->attrs[i];
	x->children = arena_alloc(a, n->n_children * sizeof(*n->children));
	for (size_t i = 0; i < n->n_children; i++)
		x->children[i] = without_secrets(a, n->children[i], channel);
	return x;
}

static void
send_config(struct child *c)
{
	struct q_hello hello = {c->program->name, c->instance,
	    c->q->first_number, c->scan_instance, NULL, 0};
	struct buf *out = q_pipe_begin(c->pipe, Q_FRAME_CONFIG);
	struct arena *a = arena_new();
	bool has_peers = strcmp(c->program->file, "smtp") == 0 ||
	    strcmp(c->program->file, "lmtp") == 0;

	if (strcmp(c->program->file, "compactor") == 0) {
		hello.moves = c->q->moves;
		hello.n_moves = c->q->n_moves;
	}
	q_hello_pack(&hello, out);
	if (strcmp(c->program->file, "x400p1") == 0)
		conf_pack(c->q->root, out);
	else
		conf_pack(without_secrets(a, c->q->root,
			      has_peers ? c->program->name : NULL),
		    out);
	q_pipe_end(c->pipe);
	arena_free(&a);
}

static void
send_fd(struct child *c, enum q_frame type, const char *name, int fd)
{
	q_out_text(q_pipe_begin(c->pipe, type), name);
	q_pipe_attach(c->pipe, fd);
	q_pipe_end(c->pipe);
}

static bool
has_address(const struct q_listener_config *l, const char *address)
{
	for (size_t i = 0; i < l->n_addresses; i++)
		if (strcmp(l->addresses[i], address) == 0)
			return true;
	return false;
}

static void
send_sockets(struct child *c)
{
	const struct program *p = c->program;
	const struct named_fd *x;

	for (x = c->q->services; x != NULL; x = x->next) {
		if (strcmp(p->name, "iaed") == 0)
			send_fd(c, Q_FRAME_SERVICE, x->name, x->fd);
		else if (strcmp(p->name, x->name) == 0)
			send_fd(c, Q_FRAME_SERVICE, "iaed", x->other);
	}
	for (x = c->q->listening; x != NULL && p->listener != NULL; x = x->next)
		if (has_address(p->listener, x->name))
			send_fd(c, Q_FRAME_LISTEN, x->name, x->fd);
}

static void
send_work(struct child *c, const struct q_work *w)
{
	struct child_work *x = xcalloc(1, sizeof(*x));

	table_put(&c->works, &x->node, w->mlist, x);
	q_work_pack(w, q_pipe_begin(c->pipe, Q_FRAME_WORK));
	q_pipe_end(c->pipe);
}

void
channel_ping(struct child *c)
{
	c->pings++;
	q_pipe_begin(c->pipe, Q_FRAME_PING);
	q_pipe_end(c->pipe);
}

static void
sum_capacity(struct qmgr *q, struct program *p)
{
	const struct child *c;
	unsigned sum = 0;

	if (p->sched == NULL)
		return;
	for (c = q->children; c != NULL; c = c->next)
		if (c->program == p && !c->stopping && !c->pipe_over)
			sum += c->capacity;
	sched_chan_capacity(p->sched, sum);
}

void
channel_stop(struct child *c)
{
	if (c->stopping)
		return;
	c->stopping = true;
	sum_capacity(c->q, c->program);
	if (!c->pipe_over) {
		q_pipe_begin(c->pipe, Q_FRAME_STOP);
		q_pipe_end(c->pipe);
	}
}

/* --- from the child --- */

static void
on_ready(struct child *c, struct q_in *in, struct arena *a)
{
	(void)a;
	c->capacity = q_in_u32(in);
	if (!in->bad)
		sum_capacity(c->q, c->program);
	qmgr_kick(c->q);
}

static void
set_connections(struct child *c, const struct q_gauge *g)
{
	struct child_peer **at = &c->peers, *x;

	while ((x = *at) != NULL && strcmp(x->name, g->peer) != 0)
		at = &x->next;
	if (x == NULL) {
		x = *at = xcalloc(1, sizeof(*x));
		x->name = xstrdup(g->peer);
	}
	x->in = g->in;
	x->out = g->out;
	if (x->in == 0 && x->out == 0) {
		*at = x->next;
		free(x->name);
		free(x);
	}
}

static void
on_connections(struct child *c, struct q_in *in, struct arena *a)
{
	size_t n;
	const struct q_gauge *v = q_gauges_unpack(in, a, &n);

	for (size_t i = 0; !in->bad && i < n; i++)
		set_connections(c, &v[i]);
}

static void
on_result(struct child *c, struct q_in *in, struct arena *a)
{
	struct q_outcomes o = {0};
	struct child_work *x;

	q_outcomes_unpack(in, a, &o);
	x = in->bad ? NULL : table_get(&c->works, o.mlist);
	if (x == NULL) {
		in->bad = true;
		return;
	}
	table_remove(&c->works, &x->node);
	free(x);
	c->idle_since = qmgr_now(c->q);
	if (o.peer_error)
		q_control_peer_error(
		    c->q->control, q_queue_work_peer(c->q->queue, o.mlist), &o);
	q_queue_result(c->q->queue, &o);
	qmgr_kick(c->q);
}

static void
on_submitted(struct child *c, struct q_in *in, struct arena *a)
{
	struct q_summary *s = q_summary_unpack(a, in);

	if (s == NULL) {
		in->bad = true;
		return;
	}
	q_queue_submitted(c->q->queue, s);
	qmgr_kick(c->q);
}

static void
on_segment(struct child *c, struct q_in *in, struct arena *a)
{
	struct q_segment_news s = {0};

	q_segment_unpack(in, a, &s);
	if (!in->bad)
		q_queue_segment(c->q->queue, &s);
}

static void
on_moved(struct child *c, struct q_in *in, struct arena *a)
{
	struct q_moved m;

	(void)a;
	q_moved_unpack(in, &m);
	if (!in->bad)
		q_queue_moved(c->q->queue, &m);
}

static void
on_loaded(struct child *c, struct q_in *in, struct arena *a)
{
	struct q_summary *s = q_summary_unpack(a, in);
	uint64_t learned = q_in_u64(in);
	struct err e = ERR_INIT;

	in->bad |= s == NULL || learned > in->n;
	if (in->bad)
		return;
	if (q_queue_loaded(c->q->queue, s, in->p, in->n, learned, &e) != 0)
		log_err(LOG_LEVEL_ERROR, "bad-state", &e, NULL);
	qmgr_kick(c->q);
}

static void
on_load_done(struct child *c, struct q_in *in, struct arena *a)
{
	(void)in;
	(void)a;
	c->loaded = true;
}

static void
on_pong(struct child *c, struct q_in *in, struct arena *a)
{
	(void)c;
	(void)in;
	(void)a;
}

static void
on_frame(void *arg, enum q_frame type, struct q_in *in, struct arena *a)
{
	static void (*const take[Q_FRAMES])(
	    struct child *, struct q_in *, struct arena *) = {
	    [Q_FRAME_READY] = on_ready,
	    [Q_FRAME_RESULT] = on_result,
	    [Q_FRAME_SUBMITTED] = on_submitted,
	    [Q_FRAME_SEGMENT] = on_segment,
	    [Q_FRAME_LOADED] = on_loaded,
	    [Q_FRAME_LOAD_DONE] = on_load_done,
	    [Q_FRAME_PONG] = on_pong,
	    [Q_FRAME_CONNECTIONS] = on_connections,
	    [Q_FRAME_MOVED] = on_moved,
	};

	((struct child *)arg)->pings = 0; /* it lives */
	if (take[type] == NULL)
		in->bad = true;
	else
		take[type](arg, in, a);
}

static void
on_gone(void *arg, const struct err *e)
{
	struct child *c = arg;

	if (e->code != ERR_SYSTEM) {
		log_err(LOG_LEVEL_ERROR, "protocol-error", e, "channel",
		    c->program->name, NULL);
		process_kill(c);
	}
	c->pipe_over = true;
	sum_capacity(c->q, c->program);
	qmgr_kick(c->q);
}

void
channel_open(struct child *c, int fd)
{
	static const struct q_pipe_ops ops = {on_frame, on_gone};

	c->pipe = q_pipe_new(c->q->loop, fd, &ops, c);
	send_config(c);
	send_sockets(c);
}

static void
lose_work(void *arg, void *owner)
{
	struct child *c = arg;
	struct child_work *x = owner;
	uint64_t mlist = x->node.key;

	table_remove(&c->works, &x->node);
	free(x);
	q_queue_lost(c->q->queue, mlist, c->scanned ? c->instance : 0);
}

void
channel_close(struct child *c)
{
	table_each(&c->works, lose_work, c);
	table_free(&c->works);
	q_pipe_free(&c->pipe);
	while (c->peers != NULL)
		set_connections(c, &(struct q_gauge){c->peers->name, 0, 0});
	c->pipe_over = true;
	sum_capacity(c->q, c->program);
}

/* --- dispatching --- */

static bool
takes_work(const struct child *c, const struct program *p)
{
	return c->program == p && !c->stopping && !c->pipe_over &&
	    c->capacity > 0;
}

/* The process with most room. */
static struct child *
roomiest(struct qmgr *q, const struct program *p)
{
	struct child *c, *best = NULL;

	for (c = q->children; c != NULL; c = c->next)
		if (takes_work(c, p) &&
		    (best == NULL ||
			(int64_t)c->capacity - (int64_t)c->works.n >
			    (int64_t)best->capacity - (int64_t)best->works.n))
			best = c;
	return best;
}

/* All works of a peer go to one process, as long as it can take more: so its
 * connections are used again, and there are never more of them than it may
 * have, whatever the number of processes. */
static struct child *
choose(struct qmgr *q, const struct program *p, const struct q_work *w)
{
	struct sched_peer *peer = q_queue_work_peer(q->queue, w->mlist);
	struct child *c;

	if (w->connections == 0)
		return roomiest(q, p);
	for (c = q->children; c != NULL; c = c->next)
		if (c->instance == sched_peer_home(peer) && takes_work(c, p) &&
		    (c->works.n < c->capacity || sched_peer_active(peer) > 1))
			return c;
	c = roomiest(q, p);
	sched_peer_set_home(peer, c->instance);
	return c;
}

static void
dispatch(struct qmgr *q, struct program *p, struct arena *a)
{
	struct q_work w;

	/* what the scheduler gives, the processes have capacity for */
	while (
	    roomiest(q, p) != NULL && q_queue_next(q->queue, p->sched, a, &w)) {
		send_work(choose(q, p, &w), &w);
		arena_reset(a);
	}
}

void
channel_dispatch_all(struct qmgr *q)
{
	struct arena *a = arena_new();
	struct program *p;

	for (p = q->programs; p != NULL; p = p->next)
		if (p->sched != NULL)
			dispatch(q, p, a);
	arena_free(&a);
}
