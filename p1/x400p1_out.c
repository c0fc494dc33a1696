/*
 * Work and associations: a peer's work waits in one queue; associations take
 * from it as they become ready, and are opened as the peer's limit allows. An
 * association that the peer opened serves too, when it is two-way alternate.
 */
#include "p1/x400p1.h"

#include "lib/log.h"

/* Work on an association that broke is tried anew this often. */
#define ATTEMPTS_MAX 3
/* What an association may carry while other peers wait for its place. */
#define YIELD_AFTER 20

/* --- the queue --- */

static int
urgency(const struct x_job *j)
{
	static const uint8_t map[] = {
	    [MHS_URGENT] = 2, [MHS_NORMAL] = 1, [MHS_NON_URGENT] = 0};

	return map[j->env->priority];
}

/* The more urgent go first; `first`: before its equals. */
static void
enqueue(struct x_peer *p, struct x_job *j, bool first)
{
	struct x_job **at = &p->first;
	int than = first ? urgency(j) : urgency(j) - 1;

	while (*at != NULL && urgency(*at) > than)
		at = &(*at)->next;
	j->next = *at;
	*at = j;
	p->n_waiting++;
}

static struct x_job *
dequeue(struct x_peer *p)
{
	struct x_job *j = p->first;

	if (j == NULL)
		return NULL;
	p->first = j->next;
	p->n_waiting--;
	j->next = NULL;
	return j;
}

/* --- sending --- */

static void
send_more(struct x_link *l)
{
	struct x_job *j = l->job;
	const struct q_record *r = j->record;
	struct err e = ERR_INIT;

	while (j->sent < r->content_n) {
		int64_t n = p1_send_content(
		    l->p1, r->content + j->sent, r->content_n - j->sent, &e);

		if (n < 0) {
			p1_abort(l->p1, e.text);
			return;
		}
		if (n == 0)
			return;
		j->sent += (uint64_t)n;
		q_record_passed(j->record, j->sent);
	}
}

static int
send_first(struct x_link *l, const struct x_job *j, struct err *e)
{
	if (j->env->n_recipients == 0)
		return err_set(e, "x400p1", ERR_UNSUPPORTED,
		    "no recipient has an O/R name");
	return p1_send(l->p1, j->env, j->record->content_n, e);
}

/* False: this envelope is not for P1, and the job is over; or the association
 * is, which has put the job back. */
static bool
start(struct x_link *l, struct x_job *j)
{
	struct err e = ERR_INIT;

	l->job = j;
	l->used++;
	j->sent = 0;
	loop_timer_cancel(&l->idle);
	if (send_first(l, j, &e) >= 0) {
		send_more(l);
		return true;
	}
	if (l->job == NULL)
		return false;
	l->job = NULL;
	l->used--;
	if (e.code == ERR_UNSUPPORTED || e.code == ERR_SYNTAX ||
	    e.code == ERR_LIMIT)
		x_job_failed(j, &e);
	else
		x_job_deferred(j, "4.3.0", e.text, false);
	return false;
}

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

/* Busy peers share the places with those that wait for one. */
static bool
must_yield(const struct x_link *l)
{
	if (l->role != OSI_INITIATOR || l->closing || l->used < YIELD_AFTER ||
	    !full(l->channel))
		return false;
	for (const struct x_peer *p = l->channel->peers; p != NULL; p = p->next)
		if (starves(p))
			return true;
	return false;
}

/* Gives the link what waits, or lets it rest. */
static void
give_job(struct x_link *l)
{
	struct x_job *j;

	if (l->job == NULL && must_yield(l)) {
		x_link_close(l);
		return;
	}
	while (p1_ready(l->p1) && (j = dequeue(l->peer)) != NULL)
		if (start(l, j))
			return;
	if (l->job != NULL || !p1_is_open(l->p1))
		return;
	if (l->peer->n_waiting > 0) {
		p1_want_turn(l->p1, l->peer->first->env->priority);
		return;
	}
	p1_idle(l->p1);
	x_link_rest(l);
}

static void
job_failed(struct x_link *l, const struct err *why)
{
	struct x_job *j = l->job;

	l->job = NULL;
	x_job_deferred(j, "4.4.2",
	    why != NULL ? why->text : "the peer did not take it", false);
}

void
x_out_event(struct x_link *l, const struct p1_event *ev)
{
	struct x_job *j = l->job;

	switch (ev->type) {
	case P1_WRITABLE:
		if (j != NULL)
			send_more(l);
		return;
	case P1_SENT:
		l->job = NULL;
		x_job_transferred(j, p1_peer_mta(l->p1));
		break;
	case P1_SEND_FAILED: job_failed(l, ev->err); break;
	default: break;
	}
	give_job(l);
}

/* --- the pool --- */

static bool
other_links_open(const struct x_peer *p)
{
	for (const struct x_link *l = p->channel->links; l != NULL; l = l->next)
		if (l->peer == p && l->opened && !l->ended &&
		    l->role == OSI_INITIATOR)
			return true;
	return false;
}

static void
peer_failed(struct x_peer *p, const struct err *why)
{
	struct x_job *j;

	log_err(LOG_LEVEL_WARN, "peer unreachable", why, "peer", p->name,
	    "address", p->address, NULL);
	if (other_links_open(p))
		return; /* theirs is the work */
	while ((j = dequeue(p)) != NULL)
		x_job_deferred(j, "4.4.1", why->text, true);
}

void
x_out_ended(struct x_link *l, const struct err *why)
{
	struct x_job *j = l->job;
	struct err unknown = ERR_INIT;

	if (why == NULL) {
		err_set(&unknown, "x400p1", ERR_TEMPORARY,
		    "the association was released");
		why = &unknown;
	}
	l->job = NULL;
	if (j != NULL) {
		/* an association that had carried others may have been dead
		 * for some time */
		if (l->used > 1 && ++j->attempts < ATTEMPTS_MAX)
			enqueue(l->peer, j, true);
		else
			x_job_deferred(j, "4.4.2", why->text, false);
	}
	if (!l->opened && l->role == OSI_INITIATOR)
		peer_failed(l->peer, why);
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
			if (l->idle != NULL)
				oldest = l;
		if (oldest == NULL)
			return;
		x_link_close(oldest);
	}
}

static void
open_links(struct x_peer *p, unsigned max)
{
	struct err e = ERR_INIT;

	while (p->n_waiting > p->n_opening && p->n_links < max &&
	    !full(p->channel))
		if (x_link_open(p, &e) < 0) {
			peer_failed(p, &e);
			return;
		}
}

void
x_out_pump(struct x_peer *p)
{
	for (struct x_link *l = p->channel->links;
	     l != NULL && p->n_waiting > 0; l = l->next)
		if (may_serve(l, p)) {
			give_job(l);
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
x_out_pump_all(struct x400p1 *c)
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
		x_out_pump(p);
		p = peer_after(c, p);
	} while (p != start);
}

void
x_out_add(struct x_peer *p, struct x_job *j)
{
	enqueue(p, j, false);
	x_out_pump(p);
}

void
x_out_free(struct x400p1 *c)
{
	struct x_job *j;

	for (struct x_peer *p = c->peers; p != NULL; p = p->next)
		while ((j = dequeue(p)) != NULL)
			q_record_close(&j->record);
}
