/*
 * Which associations there are: opened as a peer's limit allows and its work
 * asks for, permanent ones always, and places shared when there are too few.
 * An association that the peer opened is used before another is dialled.
 */
#include "lib/log.h"
#include "p1/x400p1.h"

/* What an association may carry while other peers wait for its place. */
#define YIELD_AFTER 20
/* So long the peer has to give us the turn before we dial. */
#define TURN_MS 10000
/* Between attempts to open a permanent association. */
#define BACK_OFF_MS 1000
#define BACK_OFF_MAX_MS 60000

/* --- places --- */

/* Has work, and no association for it? */
static bool
starves(const struct x_peer *p)
{
	return p->n_waiting > 0 && p->n_links == 0;
}

static bool
full(const struct x400p1 *c)
{
	return c->n_outgoing >= c->max_links;
}

/* The peer may have fewer than it had. */
static bool
is_surplus(const struct x_peer *p)
{
	unsigned n = 0;

	if (p->n_links <= p->max_links)
		return false;
	for (const struct x_link *l = p->channel->links; l != NULL; l = l->next)
		n += l->peer == p && l->role == OSI_INITIATOR && !l->closing &&
		    !l->ended;
	return n > p->max_links;
}

bool
x_pool_must_yield(const struct x_link *l)
{
	if (l->role == OSI_INITIATOR && !l->closing && is_surplus(l->peer))
		return true;
	if (l->role != OSI_INITIATOR || l->closing || l->used < YIELD_AFTER ||
	    !full(l->channel) || !x_link_spare(l))
		return false;
	for (const struct x_peer *p = l->channel->peers; p != NULL; p = p->next)
		if (starves(p))
			return true;
	return false;
}

/* All places are taken: those that only linger are given up, the oldest first,
 * one for each peer that waits. */
static void
make_room(struct x400p1 *c)
{
	unsigned wanted = 0;
	struct x_link *oldest;

	for (const struct x_peer *p = c->peers; p != NULL; p = p->next)
		wanted += starves(p);
	for (const struct x_link *l = c->links; l != NULL; l = l->next)
		wanted -= wanted > 0 && l->closing;
	while (wanted-- > 0) {
		oldest = NULL;
		for (struct x_link *l = c->links; l != NULL; l = l->next)
			if (l->idle != NULL && x_link_spare(l))
				oldest = l;
		if (oldest == NULL)
			return;
		x_link_close(oldest);
	}
}

/* --- the turn --- */

static void
on_turn_late(void *arg)
{
	struct x_link *l = arg;

	l->turn = NULL;
	l->turn_late = true;
	x_pool_pump(l->peer);
}

void
x_pool_await_turn(struct x_link *l)
{
	if (l->turn == NULL && !l->turn_late)
		l->turn =
		    loop_timer_set(l->channel->loop, TURN_MS, on_turn_late, l);
}

static unsigned
turns_awaited(const struct x_peer *p)
{
	unsigned n = 0;

	for (const struct x_link *l = p->channel->links; l != NULL; l = l->next)
		n += l->peer == p && l->turn != NULL && !l->ended;
	return n;
}

/* --- opening --- */

static void
on_held(void *arg)
{
	struct x_peer *p = arg;

	p->held = NULL;
	x_pool_pump(p);
}

void
x_pool_hold(struct x_peer *p, const struct err *why)
{
	if (p->hold_ms == 0 && why != NULL)
		log_err(LOG_LEVEL_INFO, "no more associations", why, "peer",
		    p->name, "address", p->address, "open",
		    log_u64(p->n_links - p->n_opening), NULL);
	p->hold_ms = p->hold_ms == 0 ? BACK_OFF_MS : 2 * p->hold_ms;
	if (p->hold_ms > BACK_OFF_MAX_MS)
		p->hold_ms = BACK_OFF_MAX_MS;
	loop_timer_cancel(&p->held);
	p->held = loop_timer_set(p->channel->loop, p->hold_ms, on_held, p);
}

/* What it holds back is beyond those that it has given us: without any it may
 * be asked. */
static bool
may_open(const struct x_peer *p, unsigned max)
{
	return p->n_links < max && !full(p->channel) &&
	    (p->held == NULL || p->n_links == 0);
}

static void
open_links(struct x_peer *p, unsigned max)
{
	unsigned coming = turns_awaited(p);

	while (p->n_waiting > p->n_opening + coming && may_open(p, max) &&
	    x_out_room(p, x_urgency(p->first->env->priority)) > p->n_opening)
		x_link_open(p);
}

/* Has this link room for work, now or once it has the turn? */
static bool
may_serve(const struct x_link *l, const struct x_peer *p)
{
	return l->peer == p && l->opened && !l->closing && !l->ended &&
	    l->job == NULL && p1_is_open(l->p1) &&
	    (l->role == OSI_INITIATOR ||
		rtse_dialogue(p1_rtse(l->p1)) == RTSE_TWO_WAY_ALTERNATE);
}

void
x_pool_pump(struct x_peer *p)
{
	for (struct x_link *l = p->channel->links;
	     l != NULL && p->n_waiting > 0; l = l->next)
		if (may_serve(l, p)) {
			x_out_serve(l);
			conn_wake(l->conn);
		}
	open_links(p, p->max_links);
	if (starves(p))
		make_room(p->channel);
}

static struct x_peer *
peer_after(const struct x400p1 *c, const struct x_peer *p)
{
	return p != NULL && p->next != NULL ? p->next : c->peers;
}

void
x_pool_pump_all(struct x400p1 *c)
{
	struct x_peer *start = peer_after(c, c->served), *p = start;

	if (p == NULL)
		return;
	do {
		if (starves(p) && !full(c)) {
			c->served = p;
			open_links(p, 1);
		}
		p = peer_after(c, p);
	} while (p != start);
	do {
		x_pool_pump(p);
		p = peer_after(c, p);
	} while (p != start);
}

/* --- permanent ones --- */

static void
on_again(void *arg)
{
	struct x_peer *p = arg;

	p->again = NULL;
	p->back_off = p->back_off == 0 ? BACK_OFF_MS : 2 * p->back_off;
	if (p->back_off > BACK_OFF_MAX_MS)
		p->back_off = BACK_OFF_MAX_MS;
	while (p->n_links < p->permanent && !full(p->channel))
		x_link_open(p);
	x_pool_permanent(p); /* what could not even be begun */
}

void
x_pool_permanent(struct x_peer *p)
{
	if (p->n_links < p->permanent && p->again == NULL &&
	    !p->channel->stopping)
		p->again =
		    loop_timer_set(p->channel->loop, p->back_off, on_again, p);
}
