/*
 * One association: its engine, its socket, who is at the other end, and how
 * long it may take.
 */
#include "p1/x400p1.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/log.h"

#define CONNECT_MS 30000
#define REPLY_MS 120000

/* --- rest --- */

bool
x_link_spare(const struct x_link *l)
{
	unsigned n = 0;

	for (const struct x_link *x = l->channel->links; x != NULL; x = x->next)
		n += x->peer == l->peer && x->role == OSI_INITIATOR &&
		    !x->closing && !x->ended;
	return l->role == OSI_INITIATOR && n > l->peer->permanent;
}

static void
on_idle(void *arg)
{
	struct x_link *l = arg;

	l->idle = NULL;
	if (x_link_spare(l))
		x_link_close(l);
}

void
x_link_close(struct x_link *l)
{
	l->closing = true;
	loop_timer_cancel(&l->idle);
	p1_close(l->p1);
	conn_wake(l->conn);
}

static void
rest_initiator(struct x_link *l)
{
	struct x400p1 *c = l->channel;

	if (l->idle == NULL && !l->closing && x_link_spare(l))
		l->idle = loop_timer_set(c->loop, c->idle_timeout, on_idle, l);
}

/* A responder cannot release. */
static void
on_incoming_idle(void *arg)
{
	struct x_link *l = arg;

	l->idle = NULL;
	p1_abort(l->p1, "nothing was sent for the incoming-idle-timeout");
	conn_wake(l->conn);
}

static void
rest_responder(struct x_link *l)
{
	struct x400p1 *c = l->channel;

	if (l->idle == NULL && l->opened && c->incoming_idle > 0)
		l->idle = loop_timer_set(
		    c->loop, c->incoming_idle, on_incoming_idle, l);
}

void
x_link_rest(struct x_link *l)
{
	if (l->ended || l->job != NULL || l->in != NULL || l->receiving)
		return;
	if (!l->channel->stopping) {
		if (l->role == OSI_INITIATOR)
			rest_initiator(l);
		else
			rest_responder(l);
	} else if (l->role == OSI_INITIATOR) {
		p1_close(l->p1);
	} else {
		p1_abort(l->p1, "shutting down");
	}
}

void
x_check(struct x400p1 *c)
{
	if (c->stopping && c->n_jobs == 0 && c->links == NULL &&
	    c->n_commits == 0)
		loop_stop(c->loop);
}

/* --- time --- */

static void on_guard(void *arg);

/* Until the transfer must be over, or the peer was silent for too long. */
static void
guard_again(struct x_link *l, msec_t now)
{
	msec_t at = l->touched + l->channel->silence;

	if (l->until < at)
		at = l->until;
	l->guard = loop_timer_set(
	    l->channel->loop, at > now ? at - now : 0, on_guard, l);
}

static void
on_guard(void *arg)
{
	struct x_link *l = arg;
	msec_t now = clock_mono();
	bool ours = l->in != NULL && l->in->commits > 0;

	l->guard = NULL;
	if (l->ended || (l->job == NULL && l->in == NULL && !l->receiving))
		return;
	if (ours) /* it waits for our disk */
		l->touched = l->until = now + l->channel->silence;
	if (now >= l->until)
		p1_abort(l->p1, "the transfer took too long");
	else if (now - l->touched >= l->channel->silence)
		p1_abort(l->p1, "the peer was silent in a transfer");
	else
		guard_again(l, now);
	conn_wake(l->conn);
}

void
x_link_guard(struct x_link *l, msec_t limit)
{
	msec_t now = clock_mono();

	loop_timer_cancel(&l->guard);
	l->touched = now;
	l->until = now + limit;
	guard_again(l, now);
}

/* --- events --- */

/* One more or fewer. */
static void
count_open(struct x_link *l, int change)
{
	struct x_peer *p = l->peer;
	unsigned *n = l->role == OSI_INITIATOR ? &p->opened_out : &p->opened_in;

	*n += (unsigned)change;
	if (l->channel->chan != NULL)
		q_chan_connections(
		    l->channel->chan, p->name, p->opened_in, p->opened_out);
}

static void
opened(struct x_link *l, const struct p1_event *ev)
{
	struct x_peer *p = l->peer;

	l->opened = true;
	count_open(l, 1);
	if (l->role == OSI_INITIATOR) {
		p->n_opening--;
		p->has_lost = false;
		p->hold_ms = 0;
		p->back_off = 1000; /* one that breaks at once is not spun */
	}
	x_log_open(l);
	if (l->role == OSI_INITIATOR)
		p->failed = 0;
	if (l->role == OSI_INITIATOR ||
	    rtse_dialogue(p1_rtse(l->p1)) == RTSE_TWO_WAY_ALTERNATE)
		x_out_event(l, ev);
	else
		x_link_rest(l);
}

static void
ended(struct x_link *l, const struct p1_event *ev)
{
	if (l->ended)
		return;
	l->ended = true;
	x_log_end(l, ev);
	loop_timer_cancel(&l->idle);
	loop_timer_cancel(&l->guard);
	loop_timer_cancel(&l->turn);
	if (l->opened && ev->err != NULL)
		x_lost_add(l);
	x_in_drop(l);
	if (l->peer != NULL)
		x_out_ended(l, ev);
}

static void
on_event(void *user, const struct p1_event *ev)
{
	struct x_link *l = user;

	if (l->guard != NULL)
		l->touched = clock_mono();
	switch (ev->type) {
	case P1_OPEN: opened(l, ev); break;
	case P1_REFUSED:
	case P1_CLOSED: ended(l, ev); break;
	case P1_IN_COMING:
	case P1_IN_BEGIN:
	case P1_IN_CONTENT:
	case P1_IN_END:
	case P1_IN_LOST: x_in_event(l, ev); break;
	case P1_SENT:
	case P1_SEND_FAILED:
	case P1_WRITABLE:
	case P1_CHECKPOINT:
	case P1_TURN: x_out_event(l, ev); break;
	}
}

/* --- kept transfers --- */

static bool
may_keep(const struct x_link *l)
{
	return l->channel->keep != NULL && l->peer != NULL;
}

static void *
on_keep_begin(void *user, const struct rtse_activity *a)
{
	struct x_link *l = user;
	struct x_kept *kept = may_keep(l)
	    ? x_kept_begin(l->channel->keep, l->peer->name, a)
	    : NULL;

	l->kept = kept != NULL;
	return kept;
}

static int
on_keep_checkpoint(
    void *user, void *kept, const uint8_t *p, size_t n, uint32_t serial)
{
	struct x_link *l = user;

	l->serial = serial;
	return x_kept_checkpoint(kept, p, n, serial);
}

static void
log_resumption(const struct x_link *l, const char *event, uint32_t serial,
    const uint64_t *octets)
{
	log_event(octets != NULL ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, event,
	    "direction", "in", "assoc", l->id, "peer", l->peer->name, "address",
	    x_link_address(l), "checkpoint", log_u64(serial), "octets",
	    octets != NULL ? log_u64(*octets) : NULL, NULL);
}

static void *
on_keep_resume(void *user, const struct rtse_activity *a, uint32_t serial,
    uint64_t *octets)
{
	struct x_link *l = user;
	struct x_kept *kept = l->found;

	if (!may_keep(l))
		return NULL;
	l->found = NULL;
	l->activity = *a;
	l->serial = serial;
	l->kept = kept != NULL;
	*octets = l->found_octets;
	log_resumption(l,
	    kept != NULL ? "transfer resumed" : "transfer not resumed", serial,
	    kept != NULL ? octets : NULL);
	return kept;
}

static int64_t
on_keep_read(void *user, void *kept, uint64_t offset, uint8_t *p, size_t n)
{
	(void)user;
	return x_kept_read(kept, offset, p, n);
}

static void
on_keep_end(void *user, void *kept, bool again)
{
	const struct x_link *l = user;

	if (!again && l->accepting)
		x_kept_done(kept, &l->answered);
	else
		x_kept_end(kept, again);
}

/* Looked for first, and asked for then: between the two another process may
 * accept it. on_keep_resume() follows at once, unless it was accepted. */
static bool
on_keep_accepted(void *user, const struct rtse_activity *a, uint32_t serial)
{
	struct x_link *l = user;
	static const uint64_t none;

	if (!may_keep(l))
		return false;
	l->found_octets = 0;
	l->found = x_kept_resume(
	    l->channel->keep, l->peer->name, a, serial, &l->found_octets);
	if (!x_kept_was_done(l->channel->keep, l->peer->name, a, serial))
		return false;
	if (l->found != NULL)
		x_kept_end(l->found, false);
	l->found = NULL;
	l->activity.id_n = 0;
	l->kept = false;
	log_resumption(l, "transfer resumed that is complete", serial, &none);
	return true;
}

static void
on_keep_anew(void *user, const struct rtse_activity *a)
{
	struct x_link *l = user;

	l->activity = *a;
	l->kept = false;
	l->serial = 0;
	if (may_keep(l))
		x_kept_forget(l->channel->keep, l->peer->name, a);
}

static const struct rtse_keep keep_ops = {
    .begin = on_keep_begin,
    .checkpoint = on_keep_checkpoint,
    .resume = on_keep_resume,
    .read = on_keep_read,
    .end = on_keep_end,
    .accepted = on_keep_accepted,
    .anew = on_keep_anew,
};

/* --- life --- */

static void
link_free(struct x_link *l)
{
	struct x400p1 *c = l->channel;

	*l->prev = l->next;
	if (l->next != NULL)
		l->next->prev = l->prev;
	if (l->opened)
		count_open(l, -1);
	if (l->role == OSI_RESPONDER) {
		c->n_incoming--;
	} else {
		c->n_outgoing--;
		l->peer->n_links--;
		if (!l->opened)
			l->peer->n_opening--;
	}
	loop_timer_cancel(&l->idle);
	loop_timer_cancel(&l->guard);
	loop_timer_cancel(&l->turn);
	x_in_drop(l);
	conn_free(&l->conn);
	p1_free(&l->p1);
	free(l);
}

static void
on_gone(void *arg)
{
	struct x_link *l = arg;
	struct x400p1 *c = l->channel;
	struct x_peer *p = l->role == OSI_INITIATOR ? l->peer : NULL;
	struct err e = ERR_INIT;
	struct p1_event ev = {.type = P1_CLOSED, .err = &e, .bind_error = -1};

	err_set(&e, "tcp", ERR_TEMPORARY, "connection lost");
	ended(l, &ev);
	link_free(l);
	if (p != NULL)
		x_pool_permanent(p);
	x_pool_pump_all(c);
	x_check(c);
}

/* What a peer keeps of a transfer, and we of what we cut off, is known by it,
 * from all processes of this switch and whatever ran before them. */
static uint64_t
random_id(void)
{
	uint64_t id;

	INVARIANT(getrandom(&id, sizeof(id), 0) == sizeof(id));
	return id;
}

/* iaed goes by the called TSEL alone; the others are for the layers. */
static const struct osi_selectors *
our_selectors(void *arg, const struct osi_sel *called_tsel)
{
	const struct x400p1 *c = arg;

	for (size_t i = 0; i < c->n_services; i++)
		if (osi_sel_equal(&c->services[i].tsel, called_tsel))
			return &c->services[i];
	return NULL;
}

/* fd negative: the peer is called. */
static struct x_link *
link_new(struct x400p1 *c, struct x_peer *p, const struct p1_params *q, int fd)
{
	struct x_link *l = xcalloc(1, sizeof(*l));
	struct p1_params params = *q;

	l->channel = c;
	l->peer = p;
	l->role = q->role;
	l->next = c->links;
	l->prev = &c->links;
	if (l->next != NULL)
		l->next->prev = &l->next;
	c->links = l;
	if (l->role == OSI_RESPONDER)
		c->n_incoming++;
	else
		c->n_outgoing++;
	/* no idle time: that of transfers is ours (x_link_guard()), and the
	 * rest may be as quiet as it likes */
	params.common = (struct osi_common){
	    .timeouts = {.connect = CONNECT_MS, .reply = REPLY_MS},
	    .trace = x_log_pdu,
	    .trace_arg = l,
	    .reference = (uint16_t)(c->serial % UINT16_MAX + 1),
	    .serves = q->common.serves,
	    .ours = our_selectors,
	    .serves_arg = c,
	};
	params.keep = &keep_ops;
	params.max_envelope = (uint64_t)c->max_envelope;
	params.max_depth = (unsigned)c->max_depth;
	params.conn_id = random_id();
	params.wall = clock_wall();
	snprintf(l->id, sizeof(l->id), "a%u", (unsigned)++c->serial);
	l->p1 = p1_new(&params, on_event, l, clock_mono());
	l->conn = fd < 0
	    ? conn_dial(c->loop, p->address, &p1_engine_ops, l->p1, on_gone, l)
	    : conn_new(c->loop, fd, &p1_engine_ops, l->p1, on_gone, l);
	return l;
}

void
x_link_open(struct x_peer *p)
{
	struct x400p1 *c = p->channel;
	struct p1_params q = {
	    .role = OSI_INITIATOR,
	    .called = p->called,
	    .calling = p->ours,
	    .protocol = x_peer_protocol(p, clock_mono()),
	    .our_mta = p->our_mta,
	    .our_password = p->our_password,
	    .peer_mta = p->mta,
	    .peer_password = p->password,
	    .strong = p->strong,
	    .labels = p->labels,
	    .peer_subject = p->subject,
	    .old_extensions = p->old_extensions,
	    .lenient = p->lenient,
	    .recover = p->has_lost ? &p->lost : NULL,
	    .dialogue =
		p->two_way_alternate ? RTSE_TWO_WAY_ALTERNATE : RTSE_MONOLOGUE,
	    .checkpoint_size = p->checkpoint_size,
	    .window_size = p->window_size,
	};
	struct err e = ERR_INIT;
	struct x_link *l;

	p->n_links++;
	p->n_opening++;
	l = link_new(c, p, &q, -1);
	l->recovers = p->has_lost;
	p->has_lost = false; /* once; then a bind */
	if (p->tls != NULL)
		conn_start_tls(l->conn, p->tls, false, x_peer_tls_name(p));
	if (p1_start(l->p1, &e) < 0) {
		p1_abort(l->p1, e.text);
		conn_kill(l->conn);
	} else {
		conn_wake(l->conn);
	}
}

/* Checkpoints are the initiator's wish; this is the most we agree to. */
static struct p1_params
responder_params(const struct x400p1 *c)
{
	struct p1_params q = {
	    .role = OSI_RESPONDER, .lookup = x_lookup, .window_size = 255};

	for (const struct x_peer *p = c->peers; p != NULL; p = p->next)
		if (p->checkpoint_size > q.checkpoint_size)
			q.checkpoint_size = p->checkpoint_size;
	return q;
}

/* --- callers that do not bind --- */

static bool
waits_for_bind(const struct x_link *l)
{
	return l->role == OSI_RESPONDER && !l->opened && !l->ended;
}

struct waiting {
	struct x_link *link;
	size_t age;    /* 0: the youngest */
	size_t beside; /* those of its address that are older, and itself */
};

/* By address, the oldest first. */
static int
by_address(const void *a, const void *b)
{
	const struct waiting *x = a, *y = b;
	int r = memcmp(&x->link->from, &y->link->from, sizeof(x->link->from));

	return r != 0 ? r : (x->age < y->age) - (x->age > y->age);
}

/* Strangers before those who call from a peer's address; then the youngest of
 * the address that has most of them, and where none has more than another, the
 * oldest of all. */
static bool
goes_before(const struct waiting *x, const struct waiting *y)
{
	if (x->link->of_peer != y->link->of_peer)
		return !x->link->of_peer;
	if (x->beside != y->beside)
		return x->beside > y->beside;
	return x->age > y->age;
}

/* Must not take the places of those who would; nor a stranger who opens many
 * that of a slow peer. */
static void
drop_unbound(struct x400p1 *c)
{
	struct waiting *v = xcalloc(c->n_incoming, sizeof(*v));
	const struct waiting *worst = NULL;
	size_t n = 0, live = 0;

	for (struct x_link *l = c->links; l != NULL; l = l->next) {
		live += l->role == OSI_RESPONDER && !l->ended;
		if (waits_for_bind(l)) {
			v[n] = (struct waiting){.link = l, .age = n};
			n++;
		}
	}
	qsort(v, n, sizeof(*v), by_address);
	for (size_t i = 0; i < n && live > c->max_links; i++) {
		bool same = i > 0 &&
		    memcmp(&v[i].link->from, &v[i - 1].link->from,
			sizeof(v[i].link->from)) == 0;

		v[i].beside = same ? v[i - 1].beside + 1 : 1;
		if (worst == NULL || goes_before(&v[i], worst))
			worst = &v[i];
	}
	if (worst != NULL) {
		p1_abort(
		    worst->link->p1, "too many connections wait for a bind");
		conn_kill(worst->link->conn);
	}
	free(v);
}

/* Nobody has read what TLS hides: we look by ourselves. */
static bool
serves(void *arg, const struct osi_sel *called)
{
	return our_selectors(arg, called) != NULL;
}

void
x_link_take(
    struct x400p1 *c, int fd, const uint8_t *d, size_t n, struct tls *tls)
{
	struct p1_params q = responder_params(c);
	struct x_link *l;

	if (tls != NULL)
		q.common.serves = serves;
	l = link_new(c, NULL, &q, fd);
	(void)x_net_address(conn_peer(l->conn), &l->from);
	l->of_peer = x_calls_from_peer(l);
	if (c->n_incoming > c->max_links)
		drop_unbound(c);
	if (l->ended)
		return;
	if (tls != NULL)
		conn_start_tls(l->conn, tls, true, NULL);
	else
		conn_unread(l->conn, d, n);
	conn_wake(l->conn);
}

void
x_links_free(struct x400p1 *c)
{
	while (c->links != NULL) {
		if (c->links->job != NULL)
			q_record_close(&c->links->job->record);
		link_free(c->links);
	}
	for (struct x_peer *p = c->peers; p != NULL; p = p->next) {
		loop_timer_cancel(&p->again);
		loop_timer_cancel(&p->held);
	}
}
