/*
 * A session with one target: dialled, under TLS and authenticated as the peer
 * wants it, used for one group after another, ended with QUIT. One that could
 * not be opened is the target's failure; one that breaks before the server
 * answered MAIL sends the group on; one that breaks later concerns the message
 * it had.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "smtp/channel.h"
#include "smtp/dane.h"

/* A session proved dead when it was used again; it is tried anew this often
 * before the message is deferred. */
#define ATTEMPTS_MAX 3
/* How long a target is spoken to in plain, whose TLS does not work, where TLS
 * need not be. */
#define PLAIN_MS (10 * 60000)

struct smtp_link {
	struct smtp_link *next, **prev;
	struct smtp_pool *pool;
	struct smtp_client *client;
	struct conn *conn;
	struct loop_timer *connecting;
	struct smtp_group *group; /* under way */
	bool opened;              /* ready for the first group */
	bool ended;               /* the engine is done */
	bool surplus;             /* closes, because the target has too many */
	unsigned used;            /* groups so far */
};

static const char *
remote_name(const struct smtp_link *l)
{
	const char *name = smtp_client_remote(l->client);
	bool by_mx = l->pool->peer->address == NULL;

	return by_mx || name[0] == '\0' ? l->pool->host : name;
}

/* The target may have fewer sessions than it had. */
static bool
is_surplus(const struct smtp_pool *p)
{
	unsigned n = 0;

	for (const struct smtp_link *l = p->links; l != NULL; l = l->next)
		n += !l->surplus;
	return n > smtp_pool_max(p);
}

static const char *
tls_text(const struct smtp_link *l, struct arena *a)
{
	const struct tls_peer *tls = conn_tls(l->conn);
	const struct smtp_demand *d = &l->pool->demand;

	if (tls == NULL)
		return NULL;
	return arena_printf(a, "%s%s", tls->version,
	    d->dane && tls->verified         ? " dane"
		: d->verify && tls->verified ? " verified"
					     : "");
}

static void
give_group(struct smtp_link *l)
{
	struct smtp_pool *p = l->pool;
	struct smtp_group *g;

	if (p->n_links > smtp_pool_max(p) && is_surplus(p)) {
		l->surplus = true;
		smtp_client_quit(l->client, clock_mono());
		return;
	}
	g = smtp_queue_take(&p->waiting);
	if (g == NULL) {
		if (p->peer->channel->stopping || smtp_pool_is_in_the_way(p))
			smtp_client_quit(l->client, clock_mono());
		return;
	}
	l->group = g;
	l->used++;
	g->tls = tls_text(l, g->job->record->arena);
	smtp_client_send(l->client, &g->t, clock_mono());
}

static void
tell_links(const struct smtp_peer *p)
{
	q_chan_connections(
	    p->channel->chan, p->name, 0, p->n_links - p->n_opening);
}

static void
opened(struct smtp_link *l)
{
	struct smtp_pool *p = l->pool;

	l->opened = true;
	p->n_opening--;
	p->peer->n_opening--;
	p->down = (struct smtp_backoff){0};
	tell_links(p->peer);
}

static void
on_ready(void *arg)
{
	struct smtp_link *l = arg;

	if (!l->opened)
		opened(l);
	if (l->group == NULL && smtp_client_idle(l->client))
		give_group(l);
}

/* The session broke before the server answered MAIL: what it said last is as
 * if it had said it for a greeting. */
static void
go_on(struct smtp_link *l, struct smtp_group *g)
{
	g->status = g->t.recipients[0].status;
	g->why = g->t.recipients[0].text;
	g->host = arena_strdup(g->job->record->arena, l->pool->host);
	smtp_group_next(g);
}

static void
on_done(void *arg, struct smtp_transaction *t)
{
	struct smtp_link *l = arg;
	struct smtp_group *g = l->group;
	bool broken = smtp_client_engine.finished(l->client);

	l->group = NULL;
	/* the server had closed an idle session while we wrote to it */
	if (t->unanswered && l->used > 1 && ++g->attempts < ATTEMPTS_MAX) {
		smtp_queue_put(&l->pool->waiting, g, true);
	} else if (t->peer_error && broken && l->pool->peer->address == NULL) {
		go_on(l, g);
	} else {
		smtp_group_leave(g);
		smtp_group_done(g, remote_name(l));
	}
}

/* TLS did not come about: without it, from now on, where that is allowed. */
static bool
may_go_plain(struct smtp_link *l, const char *why)
{
	struct smtp_pool *p = l->pool;

	if (p->demand.tls != SMTP_CLIENT_TLS ||
	    !smtp_client_failure(l->client).starttls ||
	    (p->peer->user != NULL && !p->peer->plaintext))
		return false;
	p->plain_until = clock_mono() + PLAIN_MS;
	log_event(LOG_LEVEL_WARN, "TLS failed: spoken to in plain", "peer",
	    p->peer->name, "host", p->host, "address", p->address, "reason",
	    why, NULL);
	return true;
}

static void
on_ended(void *arg, const char *why)
{
	struct smtp_link *l = arg;
	struct smtp_pool *p = l->pool;

	l->ended = true;
	if (why == NULL)
		why = "session ended";
	else if (l->opened)
		log_event(LOG_LEVEL_INFO, "session ended", "peer",
		    p->peer->name, "host", p->host, "reason", why, NULL);
	if (!l->opened && !may_go_plain(l, why))
		smtp_pool_failed(p, smtp_client_failure(l->client).status, why);
}

static const struct smtp_client_ops link_ops = {
    .ready = on_ready,
    .done = on_done,
    .ended = on_ended,
};

/* --- TLS --- */

static int
set_up_dane(void *arg, SSL *ssl, struct err *e)
{
	const struct smtp_link *l = arg;

	return smtp_dane_setup(ssl, &l->pool->mx, e);
}

static void
start_tls(void *arg)
{
	struct smtp_link *l = arg;
	const struct smtp_pool *p = l->pool;
	struct conn_tls_client t = {
	    .verify = p->demand.verify ? TLS_VERIFY_REQUIRED : TLS_VERIFY_NONE,
	    .arg = l,
	};

	if (p->demand.dane)
		t.setup = set_up_dane;
	else
		t.name =
		    p->peer->tls_name != NULL ? p->peer->tls_name : p->host;
	conn_start_tls_client(l->conn, p->peer->tls, &t);
}

static const struct tls_peer *
tls_peer(void *arg)
{
	return conn_tls(((struct smtp_link *)arg)->conn);
}

static void
secure(struct smtp_link *l)
{
	struct smtp_pool *p = l->pool;
	const struct smtp_peer *peer = p->peer;
	bool plain = clock_mono() < p->plain_until;
	struct smtp_client_security *s = plain ? &p->plain : &p->security;

	*s = (struct smtp_client_security){
	    .tls = plain ? SMTP_CLIENT_PLAIN : p->demand.tls,
	    .start_tls = start_tls,
	    .tls_peer = tls_peer,
	    .auth = peer->user != NULL,
	    .host = p->host,
	    .user = peer->user,
	    .password = peer->password,
	    .mechanisms = peer->mechanisms,
	    .plaintext = peer->plaintext,
	};
	smtp_client_secure(l->client, s);
}

/* --- life --- */

static void
link_free(struct smtp_link *l)
{
	struct smtp_pool *p = l->pool;

	*l->prev = l->next;
	if (l->next != NULL)
		l->next->prev = l->prev;
	p->n_links--;
	p->peer->n_links--;
	p->peer->channel->n_links--;
	if (!l->opened) {
		p->n_opening--;
		p->peer->n_opening--;
	}
	tell_links(p->peer);
	loop_timer_cancel(&l->connecting);
	conn_free(&l->conn);
	smtp_client_free(&l->client);
	free(l);
}

static void
on_gone(void *arg)
{
	struct smtp_link *l = arg;
	struct smtp_pool *p = l->pool;
	struct smtp_channel *c = p->peer->channel;

	link_free(l);
	smtp_pool_pump(p);
	smtp_pools_feed(c);
	smtp_channel_check(c);
}

/* RFC 5321 leaves this time open: a host that does not answer at all is given
 * up sooner than one that did and is slow to greet. */
static void
on_not_connected(void *arg)
{
	struct smtp_link *l = arg;

	l->connecting = NULL;
	if (l->ended || strcmp(conn_peer(l->conn), "-") != 0)
		return;
	l->ended = true;
	smtp_pool_failed(l->pool, "4.4.1", "connect: no answer in time");
	conn_kill(l->conn);
}

void
smtp_link_open(struct smtp_pool *p)
{
	struct smtp_channel *c = p->peer->channel;
	struct smtp_link *l = xcalloc(1, sizeof(*l));

	p->n_links++;
	p->n_opening++;
	p->peer->n_links++;
	p->peer->n_opening++;
	c->n_links++;
	l->pool = p;
	l->client =
	    smtp_client_new(&p->peer->client, &link_ops, l, clock_mono());
	secure(l);
	l->next = p->links;
	l->prev = &p->links;
	if (l->next != NULL)
		l->next->prev = &l->next;
	p->links = l;
	l->conn = conn_dial(
	    c->loop, p->address, &smtp_client_engine, l->client, on_gone, l);
	l->connecting =
	    loop_timer_set(c->loop, c->connect_timeout, on_not_connected, l);
}

static struct smtp_link *
idle_link(const struct smtp_pool *p)
{
	struct smtp_link *l = p->links;

	while (l != NULL && (l->group != NULL || !smtp_client_idle(l->client)))
		l = l->next;
	return l;
}

bool
smtp_link_use_idle(struct smtp_pool *p)
{
	struct smtp_link *l = idle_link(p);

	if (l == NULL)
		return false;
	give_group(l);
	conn_wake(l->conn);
	return true;
}

bool
smtp_link_end_idle(struct smtp_pool *p)
{
	struct smtp_link *l = idle_link(p);

	if (l == NULL)
		return false;
	smtp_client_quit(l->client, clock_mono());
	conn_wake(l->conn);
	return true;
}

void
smtp_links_stop(struct smtp_pool *p)
{
	while (smtp_link_end_idle(p))
		;
}

void
smtp_links_free(struct smtp_pool *p)
{
	while (p->links != NULL) {
		if (p->links->group != NULL)
			smtp_group_drop(p->links->group);
		link_free(p->links);
	}
}
