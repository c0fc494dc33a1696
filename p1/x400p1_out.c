/*
 * Work on associations: a peer's work waits in one queue, the most urgent
 * first; associations take from it as they become ready. A transfer that a
 * lost association cut off goes on where it was confirmed last.
 */
#include "p1/x400p1.h"

#include "lib/log.h"

/* Work on an association that broke is tried anew this often. */
#define ATTEMPTS_MAX 3

/* --- the queue --- */

enum x_urgency
x_urgency(enum mhs_priority p)
{
	static const enum x_urgency map[] = {[MHS_URGENT] = X_URGENT,
	    [MHS_NORMAL] = X_NORMAL,
	    [MHS_NON_URGENT] = X_NON_URGENT};

	return map[p];
}

static enum x_urgency
urgency(const struct x_job *j)
{
	return x_urgency(j->env->priority);
}

/* The more urgent go first; `first`: before its equals. */
static void
enqueue(struct x_peer *p, struct x_job *j, bool first)
{
	struct x_job **at = &p->first;

	while (*at != NULL &&
	    ((*at)->level > j->level || (!first && (*at)->level == j->level)))
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

/* What less urgent work leaves free for more urgent one, is kept free: the
 * stricter of the limits for it and for all that is more urgent counts. */
unsigned
x_out_room(const struct x_peer *p, enum x_urgency u)
{
	const unsigned reserve[X_URGENCIES] = {
	    [X_URGENT] = 0,
	    [X_NORMAL] = p->reserve_urgent,
	    [X_NON_URGENT] = p->reserve_urgent + p->reserve_normal,
	};
	unsigned busy = 0, room = p->max_links;

	for (int i = X_NON_URGENT; i < X_URGENCIES; i++) {
		unsigned most =
		    p->max_links > reserve[i] ? p->max_links - reserve[i] : 0;

		busy += p->busy[i];
		if (i >= (int)u && most <= busy)
			return 0;
		if (i >= (int)u && most - busy < room)
			room = most - busy;
	}
	return room;
}

/* The one that the link may take; those behind it may not either then. */
static struct x_job *
next_for(const struct x_link *l)
{
	struct x_peer *p = l->peer;

	if (p->first == NULL ||
	    (l->role == OSI_INITIATOR && x_out_room(p, urgency(p->first)) == 0))
		return NULL;
	return dequeue(p);
}

static void
put_on(struct x_link *l, struct x_job *j)
{
	l->job = j;
	if (l->role == OSI_INITIATOR)
		l->peer->busy[urgency(j)]++;
}

static struct x_job *
take_off(struct x_link *l)
{
	struct x_job *j = l->job;

	l->job = NULL;
	if (j != NULL && l->role == OSI_INITIATOR)
		l->peer->busy[urgency(j)]--;
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

static void
log_resumed(const struct x_link *l, const struct p1_resume *at)
{
	char id[Q_ID_TEXT];

	log_event(LOG_LEVEL_INFO, "transfer resumed", "direction", "out", "id",
	    q_id_text(l->job->message, id), "assoc", l->id, "peer",
	    l->peer->name, "address", x_link_address(l), "checkpoint",
	    log_u64(at->rtse.serial), "octets", log_u64(at->rtse.offset), NULL);
}

/* From the last checkpoint of an earlier association, when there is one, the
 * content is the same, and the octets around it belong to this protocol. */
static bool
resume(struct x_link *l, struct x_job *j, struct err *e)
{
	struct p1_resume at;

	if (j->cut == NULL || !x_cut_get(j->cut, &at) ||
	    x_cut_protocol(j->cut) != p1_protocol(l->p1) ||
	    at.content_n != j->record->content_n || !x_cut_try(j->cut))
		return false;
	if (p1_send_resume(l->p1, &at, &j->sent, e) < 0) {
		j->sent = 0;
		x_cut_forget(j->cut);
		return false;
	}
	j->resumed = true;
	if (l->job == j)
		log_resumed(l, &at);
	return true;
}

static int
send_first(struct x_link *l, struct x_job *j, const struct mhs_envelope *env,
    struct err *e)
{
	if (j->env->n_recipients == 0)
		return err_set(e, "x400p1", ERR_UNSUPPORTED,
		    "no recipient has an O/R name");
	if (resume(l, j, e))
		return 0;
	if (l->job == NULL) /* the association went, and the job with it */
		return ERR_TEMPORARY;
	return p1_send(l->p1, env, j->record->content_n, e);
}

static msec_t
time_for(const struct x_job *j)
{
	const struct x400p1 *c = j->channel;
	msec_t t = c->transfer_timeout[urgency(j)];

	if (c->transfer_rate > 0)
		t += (msec_t)(j->record->content_n * 1000 /
		    (uint64_t)c->transfer_rate);
	return t;
}

/* False: this envelope is not for P1, and the job is over; or the association
 * is, which has put the job back. */
static bool
start(struct x_link *l, struct x_job *j)
{
	struct err e = ERR_INIT;
	const struct mhs_envelope *env = x_job_envelope(j, l);

	if (env == NULL)
		return false;
	put_on(l, j);
	l->used++;
	j->sent = 0;
	j->record->passed = 0; /* read anew, its memory may go anew */
	j->resumed = j->moved = false;
	loop_timer_cancel(&l->idle);
	loop_timer_cancel(&l->turn);
	l->turn_late = false;
	x_link_guard(l, time_for(j));
	if (send_first(l, j, env, &e) >= 0) {
		if (l->job == j)
			send_more(l);
		return true;
	}
	if (l->job == NULL)
		return false;
	take_off(l);
	l->used--;
	if (e.code == ERR_UNSUPPORTED || e.code == ERR_SYNTAX ||
	    e.code == ERR_LIMIT)
		x_job_failed(j, &e);
	else
		x_job_deferred(j, "4.3.0", e.text, false);
	return false;
}

void
x_out_serve(struct x_link *l)
{
	struct x_job *j;

	if (l->job == NULL && x_pool_must_yield(l)) {
		x_link_close(l);
		return;
	}
	while (p1_ready(l->p1) && l->job == NULL && (j = next_for(l)) != NULL)
		if (start(l, j))
			return;
	if (l->job != NULL || !p1_is_open(l->p1))
		return;
	if (l->peer->n_waiting > 0 && !p1_ready(l->p1)) {
		p1_want_turn(l->p1, l->peer->first->env->priority);
		x_pool_await_turn(l);
		return;
	}
	p1_idle(l->p1);
	x_link_rest(l);
}

/* --- events --- */

/* What was resumed, and not taken, is sent anew at once: what the peer had of
 * it may be what was wrong. */
static void
job_failed(struct x_link *l, const struct err *why)
{
	struct x_job *j = take_off(l);

	if (j->cut != NULL)
		x_cut_forget(j->cut);
	if (j->resumed && ++j->attempts < ATTEMPTS_MAX) {
		log_err(LOG_LEVEL_WARN, "transfer not resumed", why,
		    "direction", "out", "assoc", l->id, "peer", l->peer->name,
		    "address", x_link_address(l), NULL);
		enqueue(l->peer, j, true);
		return;
	}
	x_job_deferred(j, "4.4.2",
	    why != NULL ? why->text : "the peer did not take it", false);
}

static void
checkpoint(struct x_link *l)
{
	struct x_job *j = l->job;
	struct p1_resume at;

	if (j == NULL || j->cut == NULL || !p1_resume_point(l->p1, &at))
		return;
	j->moved = true;
	x_cut_set(j->cut, &at, p1_protocol(l->p1));
}

void
x_out_event(struct x_link *l, const struct p1_event *ev)
{
	switch (ev->type) {
	case P1_CHECKPOINT: checkpoint(l); return;
	case P1_WRITABLE:
		if (l->job != NULL)
			send_more(l);
		return;
	case P1_SENT: x_job_transferred(take_off(l), l); break;
	case P1_SEND_FAILED: job_failed(l, ev->err); break;
	case P1_TURN:
		loop_timer_cancel(&l->turn);
		l->turn_late = false;
		break;
	default: break;
	}
	x_out_serve(l);
}

/* --- the end --- */

static bool
other_links_open(const struct x_peer *p)
{
	for (const struct x_link *l = p->channel->links; l != NULL; l = l->next)
		if (l->peer == p && l->opened && !l->ended &&
		    l->role == OSI_INITIATOR)
			return true;
	return false;
}

/* Attempts under way at the same time are one try of the peer: the last of them
 * to end says that it cannot be reached. */
static bool
others_open_still(const struct x_peer *p)
{
	for (const struct x_link *l = p->channel->links; l != NULL; l = l->next)
		if (l->peer == p && !l->opened && !l->ended &&
		    l->role == OSI_INITIATOR)
			return true;
	return false;
}

bool
x_out_is_last_hope(const struct x_peer *p)
{
	return !other_links_open(p) && !others_open_still(p);
}

void
x_out_unreachable(struct x_peer *p, const struct err *why)
{
	struct x_job *j;

	if (other_links_open(p)) { /* theirs is the work */
		x_pool_hold(p, why);
		return;
	}
	if (others_open_still(p)) {
		x_pool_hold(p, NULL); /* no further one meanwhile */
		return;
	}
	loop_timer_cancel(&p->held);
	p->hold_ms = 0;
	if (p->failed++ == 0)
		p->failed_since = clock_mono();
	while ((j = dequeue(p)) != NULL)
		x_job_deferred(j, "4.4.1", why->text, true);
}

/* An association that had carried others may have been dead for some time; one
 * that got us further may do so again. */
static bool
worth_another(const struct x_link *l, struct x_job *j)
{
	if (l->channel->stopping)
		return false;
	if (j->moved) {
		j->attempts = 0;
		return true;
	}
	return (l->used > 1 || j->resumed) && ++j->attempts < ATTEMPTS_MAX;
}

static bool
worth_another_call(const struct x_link *l, const struct p1_event *ev)
{
	if (ev->type != P1_REFUSED)
		return false;
	if (l->recovers)
		return true; /* a bind, next time */
	return ev->other_protocol &&
	    x_peer_fall_back(l->peer, p1_protocol(l->p1), clock_mono());
}

void
x_out_ended(struct x_link *l, const struct p1_event *ev)
{
	struct x_job *j = take_off(l);
	const struct err *why = ev->err;
	struct err unknown = ERR_INIT;

	if (why == NULL) {
		err_set(&unknown, "x400p1", ERR_TEMPORARY,
		    "the association was released");
		why = &unknown;
	}
	if (j != NULL) {
		if (worth_another(l, j))
			enqueue(l->peer, j, true);
		else
			x_job_deferred(j, "4.4.2", why->text, false);
	}
	if (!l->opened && l->role == OSI_INITIATOR &&
	    !worth_another_call(l, ev))
		x_out_unreachable(l->peer, why);
}

void
x_out_add(struct x_peer *p, struct x_job *j)
{
	enqueue(p, j, false);
	x_pool_pump(p);
}

void
x_out_free(struct x400p1 *c)
{
	struct x_job *j;

	for (struct x_peer *p = c->peers; p != NULL; p = p->next)
		while ((j = dequeue(p)) != NULL)
			q_record_close(&j->record);
}
