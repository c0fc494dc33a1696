/*
 * One association: its engine, its socket, who is at the other end, and the
 * log lines of its life.
 */
#include "p1/x400p1.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/log.h"

#define CONNECT_MS 30000
#define REPLY_MS 120000
#define SILENCE_MS 300000    /* of a peer that has something to do */
#define TRANSFER_MS 14400000 /* one APDU as a whole */

/* --- the log --- */

const char *
x_name_text(struct arena *a, const struct mhs_name *n)
{
	return n->ora != NULL ? mhs_or_slash(a, n->ora) : mhs_name_text(a, n);
}

static const char *
role_name(const struct x_link *l)
{
	return l->role == OSI_INITIATOR ? "initiator" : "responder";
}

static const char *
peer_name(const struct x_link *l)
{
	return l->peer != NULL ? l->peer->name : NULL;
}

static void
log_open(const struct x_link *l)
{
	struct rtse *r = p1_rtse(l->p1);
	const char *ours = l->peer->our_mta;

	log_event(LOG_LEVEL_INFO, "association", "state", "open", "role",
	    role_name(l), "peer", l->peer->name, "address", conn_peer(l->conn),
	    "context", "mts-transfer", "context-oid",
	    rtse_application_context(r), "our-mta", ours, "peer-mta",
	    p1_peer_mta(l->p1), "dialogue",
	    rtse_dialogue(r) == RTSE_MONOLOGUE ? "monologue"
					       : "two-way-alternate",
	    "checkpoint", log_u64(rtse_checkpoint_size(r)), "window",
	    log_u64(rtse_window_size(r)), NULL);
}

/* Before the connection stands, the one we call. */
static const char *
address_of(const struct x_link *l)
{
	const char *peer = conn_peer(l->conn);

	return strcmp(peer, "-") == 0 && l->peer != NULL ? l->peer->address
							 : peer;
}

static void
log_end(const struct x_link *l, const struct p1_event *ev)
{
	const char *state = ev->type == P1_REFUSED ? "refused"
	    : ev->err == NULL                      ? "closed"
						   : "aborted";
	enum log_level level =
	    ev->err == NULL ? LOG_LEVEL_INFO : LOG_LEVEL_WARN;

	log_event(level, "association", "state", state, "role", role_name(l),
	    "peer", peer_name(l), "address", address_of(l), "bind-error",
	    ev->bind_error >= 0 ? p1_bind_error_name(ev->bind_error) : NULL,
	    "layer", ev->err != NULL ? ev->err->layer : NULL, "reason",
	    ev->err != NULL ? ev->err->text : NULL, NULL);
}

static void
on_trace(void *arg, bool sent, const char *what, const char *detail)
{
	const struct x_link *l = arg;

	if (log_enabled(LOG_LEVEL_DEBUG))
		log_event(LOG_LEVEL_DEBUG, "pdu", "direction",
		    sent ? "out" : "in", "address",
		    l->conn != NULL ? conn_peer(l->conn) : NULL, "pdu", what,
		    "detail", detail, NULL);
}

/* --- rest --- */

static void
on_idle(void *arg)
{
	struct x_link *l = arg;

	l->idle = NULL;
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

void
x_link_rest(struct x_link *l)
{
	struct x400p1 *c = l->channel;

	if (l->ended || l->job != NULL || l->in != NULL)
		return;
	if (c->stopping) {
		if (l->role == OSI_INITIATOR)
			p1_close(l->p1);
		else
			p1_abort(l->p1, "shutting down");
	} else if (l->role == OSI_INITIATOR && l->idle == NULL && !l->closing) {
		l->idle = loop_timer_set(c->loop, c->idle_timeout, on_idle, l);
	}
}

void
x_check(struct x400p1 *c)
{
	if (c->stopping && c->n_jobs == 0 && c->links == NULL &&
	    c->n_commits == 0)
		loop_stop(c->loop);
}

/* --- events --- */

static void
opened(struct x_link *l, const struct p1_event *ev)
{
	l->opened = true;
	if (l->role == OSI_INITIATOR)
		l->peer->n_opening--;
	log_open(l);
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
	log_end(l, ev);
	loop_timer_cancel(&l->idle);
	x_in_drop(l);
	if (l->peer != NULL)
		x_out_ended(l, ev->err);
}

static void
on_event(void *user, const struct p1_event *ev)
{
	struct x_link *l = user;

	switch (ev->type) {
	case P1_OPEN: opened(l, ev); break;
	case P1_REFUSED:
	case P1_CLOSED: ended(l, ev); break;
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

/* Bound ones only: who does not say his name keeps no peer out. */
static bool
full(const struct x400p1 *c)
{
	unsigned n = 0;

	for (const struct x_link *l = c->links; l != NULL; l = l->next)
		n += l->role == OSI_RESPONDER && l->opened && !l->ended;
	return n >= c->max_links;
}

/* Responder: which peer is it, and what does it have to present? */
static bool
lookup(void *user, const struct p1_caller *from, struct p1_peer_auth *out)
{
	struct x_link *l = user;
	struct x400p1 *c = l->channel;
	struct x_peer *p = c->peers;

	while (
	    p != NULL && (p->mta == NULL || strcasecmp(p->mta, from->mta) != 0))
		p = p->next;
	if (p == NULL)
		return false;
	l->peer = p;
	*out = (struct p1_peer_auth){
	    .password = p->password,
	    .our_mta = p->our_mta,
	    .our_password = p->our_password,
	    .two_way_alternate = p->two_way_alternate,
	    .busy = c->stopping || full(c),
	};
	return true;
}

/* --- life --- */

static void
link_free(struct x_link *l)
{
	struct x400p1 *c = l->channel;

	*l->prev = l->next;
	if (l->next != NULL)
		l->next->prev = l->prev;
	if (l->role == OSI_RESPONDER) {
		c->n_incoming--;
	} else {
		c->n_outgoing--;
		l->peer->n_links--;
		if (!l->opened)
			l->peer->n_opening--;
	}
	loop_timer_cancel(&l->idle);
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
	struct err e = ERR_INIT;
	struct p1_event ev = {.type = P1_CLOSED, .err = &e, .bind_error = -1};

	err_set(&e, "tcp", ERR_TEMPORARY, "connection lost");
	ended(l, &ev);
	link_free(l);
	x_out_pump_all(c);
	x_check(c);
}

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
	params.common = (struct osi_common){
	    .timeouts = {.connect = CONNECT_MS,
		.reply = REPLY_MS,
		.idle = c->idle_timeout * 2 > SILENCE_MS ? c->idle_timeout * 2
							 : SILENCE_MS},
	    .trace = on_trace,
	    .trace_arg = l,
	};
	params.transfer_timeout = TRANSFER_MS;
	params.conn_id = ++c->serial;
	params.wall = clock_wall();
	l->p1 = p1_new(&params, on_event, l, clock_mono());
	l->conn = conn_new(c->loop, fd, &p1_engine_ops, l->p1, on_gone, l);
	return l;
}

int
x_link_open(struct x_peer *p, struct err *e)
{
	struct x400p1 *c = p->channel;
	struct p1_params q = {
	    .role = OSI_INITIATOR,
	    .called = p->called,
	    .calling.tsel = c->calling,
	    .our_mta = p->our_mta,
	    .our_password = p->our_password,
	    .peer_mta = p->mta,
	    .peer_password = p->password,
	    .dialogue =
		p->two_way_alternate ? RTSE_TWO_WAY_ALTERNATE : RTSE_MONOLOGUE,
	    .checkpoint_size = p->checkpoint_size,
	    .window_size = p->window_size,
	};
	struct x_link *l;
	int fd = net_connect(p->address, e);

	if (fd < 0)
		return e->code;
	p->n_links++;
	p->n_opening++;
	l = link_new(c, p, &q, fd);
	if (p1_start(l->p1, e) < 0) {
		p1_abort(l->p1, e->text);
		conn_kill(l->conn);
	} else {
		conn_wake(l->conn);
	}
	return 0;
}

/* Checkpoints are the initiator's wish; this is the most we agree to. */
static struct p1_params
responder_params(const struct x400p1 *c)
{
	struct p1_params q = {
	    .role = OSI_RESPONDER, .lookup = lookup, .window_size = 255};

	for (const struct x_peer *p = c->peers; p != NULL; p = p->next)
		if (p->checkpoint_size > q.checkpoint_size)
			q.checkpoint_size = p->checkpoint_size;
	return q;
}

/* Callers that do not bind must not take the places of those who would: the
 * one that has waited longest goes. */
static void
drop_unbound(struct x400p1 *c, const struct x_link *newest)
{
	struct x_link *oldest = NULL;

	for (struct x_link *l = c->links; l != NULL; l = l->next)
		if (l->role == OSI_RESPONDER && !l->opened && !l->ended &&
		    l != newest)
			oldest = l;
	if (oldest == NULL)
		return;
	p1_abort(oldest->p1, "too many connections wait for a bind");
	conn_kill(oldest->conn);
}

void
x_link_take(struct x400p1 *c, int fd, const uint8_t *d, size_t n)
{
	struct p1_params q = responder_params(c);
	struct x_link *l = link_new(c, NULL, &q, fd);

	if (c->n_incoming > c->max_links)
		drop_unbound(c, l);
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
}
