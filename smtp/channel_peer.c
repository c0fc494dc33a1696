/*
 * Sessions with one peer: opened when work waits and the peer's limit allows,
 * kept for the idle time, closed with QUIT. A session that could not be
 * opened is the peer's failure, and defers all that waits for it; one that
 * breaks later concerns the message it had.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "smtp/channel.h"

/* A session proved dead when it was used again; it is tried anew this often
 * before the message is deferred. */
#define ATTEMPTS_MAX 3
/* How long a peer that refused one more session is not asked for another. */
#define LIMIT_MS 30000

struct smtp_link {
	struct smtp_link *next, **prev;
	struct smtp_peer *peer;
	struct smtp_client *client;
	struct conn *conn;
	struct smtp_job *job; /* under way */
	bool opened;          /* the hello is done */
	bool surplus;         /* closes, because the peer has too many */
	unsigned used;        /* transactions so far */
};

static void pump(struct smtp_peer *p);

/* --- the queue --- */

/* The more urgent go first; `first`: before its equals. */
static void
enqueue(struct smtp_peer *p, struct smtp_job *j, bool first)
{
	struct smtp_job **at = &p->first;

	while (*at != NULL &&
	    ((*at)->level > j->level || (!first && (*at)->level == j->level)))
		at = &(*at)->next;
	j->next = *at;
	*at = j;
	p->n_waiting++;
}

static struct smtp_job *
dequeue(struct smtp_peer *p)
{
	struct smtp_job *j = p->first;

	if (j == NULL)
		return NULL;
	p->first = j->next;
	p->n_waiting--;
	j->next = NULL;
	return j;
}

static void
peer_failed(struct smtp_peer *p, const char *why)
{
	struct smtp_job *j;

	log_event(LOG_LEVEL_WARN, "peer unreachable", "peer", p->name,
	    "address", p->address, "reason", why, NULL);
	/* other sessions get through: theirs is the work, and for a while no
	 * more are tried, since the server may count them */
	if (p->n_links > p->n_opening) {
		p->limit = p->n_links - p->n_opening;
		p->limit_until = clock_mono() + LIMIT_MS;
		return;
	}
	while ((j = dequeue(p)) != NULL)
		smtp_job_unreachable(j, why);
}

/* --- a session --- */

static const char *
remote_name(const struct smtp_link *l)
{
	const char *name = smtp_client_remote(l->client);

	return name[0] != '\0' ? name : l->peer->host;
}

/* The peer may have fewer sessions than it had. */
static bool
is_surplus(const struct smtp_peer *p)
{
	unsigned n = 0;

	for (const struct smtp_link *l = p->links; l != NULL; l = l->next)
		n += !l->surplus;
	return n > p->max_links;
}

static void
give_job(struct smtp_link *l)
{
	struct smtp_peer *p = l->peer;
	struct smtp_job *j;

	if (p->n_links > p->max_links && is_surplus(p)) {
		l->surplus = true;
		smtp_client_quit(l->client, clock_mono());
		return;
	}
	j = dequeue(p);
	if (j == NULL) {
		if (l->peer->channel->stopping)
			smtp_client_quit(l->client, clock_mono());
		return;
	}
	l->job = j;
	l->used++;
	smtp_client_send(l->client, &j->t, clock_mono());
}

static void
tell_links(const struct smtp_peer *p)
{
	q_chan_connections(
	    p->channel->chan, p->name, 0, p->n_links - p->n_opening);
}

static void
on_ready(void *arg)
{
	struct smtp_link *l = arg;

	if (!l->opened) {
		l->opened = true;
		l->peer->n_opening--;
		tell_links(l->peer);
	}
	if (l->job == NULL && smtp_client_idle(l->client))
		give_job(l);
}

static void
on_done(void *arg, struct smtp_transaction *t)
{
	struct smtp_link *l = arg;
	struct smtp_job *j = l->job;

	l->job = NULL;
	/* the server had closed an idle session while we wrote to it */
	if (t->unanswered && l->used > 1 && ++j->attempts < ATTEMPTS_MAX)
		enqueue(l->peer, j, true);
	else
		smtp_job_done(j, remote_name(l));
}

static void
on_ended(void *arg, const char *why)
{
	struct smtp_link *l = arg;

	if (!l->opened)
		peer_failed(l->peer, why != NULL ? why : "session ended");
	else if (why != NULL)
		log_event(LOG_LEVEL_INFO, "session ended", "peer",
		    l->peer->name, "reason", why, NULL);
}

static const struct smtp_client_ops link_ops = {
    .ready = on_ready,
    .done = on_done,
    .ended = on_ended,
};

static void
link_free(struct smtp_link *l)
{
	struct smtp_peer *p = l->peer;

	*l->prev = l->next;
	if (l->next != NULL)
		l->next->prev = l->prev;
	p->n_links--;
	p->channel->n_links--;
	if (!l->opened)
		p->n_opening--;
	tell_links(p);
	conn_free(&l->conn);
	smtp_client_free(&l->client);
	free(l);
}

static void
on_gone(void *arg)
{
	struct smtp_link *l = arg;
	struct smtp_peer *p = l->peer;
	struct smtp_channel *c = p->channel;

	link_free(l);
	pump(p);
	smtp_channel_check(c);
}

static void
open_link(struct smtp_peer *p)
{
	struct smtp_channel *c = p->channel;
	struct smtp_link *l = xcalloc(1, sizeof(*l));

	p->n_links++;
	p->n_opening++;
	l->peer = p;
	l->client = smtp_client_new(&c->client, &link_ops, l, clock_mono());
	l->next = p->links;
	l->prev = &p->links;
	if (l->next != NULL)
		l->next->prev = &l->next;
	p->links = l;
	c->n_links++;
	l->conn = conn_dial(
	    c->loop, p->address, &smtp_client_engine, l->client, on_gone, l);
}

static struct smtp_link *
idle_link(struct smtp_peer *p)
{
	struct smtp_link *l = p->links;

	while (l != NULL && (l->job != NULL || !smtp_client_idle(l->client)))
		l = l->next;
	return l;
}

/* Joins waiting work and sessions. */
static void
pump(struct smtp_peer *p)
{
	unsigned limit = p->max_links;
	struct smtp_link *l;

	if (p->n_links > 0 && clock_mono() < p->limit_until)
		limit = p->limit;

	while (p->n_waiting > 0 && (l = idle_link(p)) != NULL) {
		give_job(l);
		conn_wake(l->conn);
	}
	while (p->n_waiting > p->n_opening && p->n_links < limit)
		open_link(p);
}

void
smtp_peer_add(struct smtp_peer *p, struct smtp_job *j)
{
	enqueue(p, j, false);
	pump(p);
}

void
smtp_peers_stop(struct smtp_channel *c)
{
	for (struct smtp_peer *p = c->peers; p != NULL; p = p->next)
		for (struct smtp_link *l = p->links; l != NULL; l = l->next) {
			if (!smtp_client_idle(l->client))
				continue;
			smtp_client_quit(l->client, clock_mono());
			conn_wake(l->conn);
		}
}

void
smtp_peers_free(struct smtp_channel *c)
{
	struct smtp_job *j;

	for (struct smtp_peer *p = c->peers; p != NULL; p = p->next) {
		while (p->links != NULL) {
			if (p->links->job != NULL)
				smtp_job_drop(p->links->job);
			link_free(p->links);
		}
		while ((j = dequeue(p)) != NULL)
			smtp_job_drop(j);
	}
}
