/*
 * NAME
 *	x400p1 - channel that exchanges messages with X.400 MTAs by P1
 * SYNOPSIS
 *	Started by qmgr(8).
 * DESCRIPTION
 *	Takes connections from iaed(8) and answers the binds of configured
 *	peers; opens associations with peers for work from qmgr, and keeps
 *	them for the idle time. Messages, probes and reports that come in are
 *	submitted, and accepted when they are durable. See x400p1.8.
 * DIAGNOSTICS
 *	"association" at open, close, refusal, abort; "caller refused",
 *	"protocol refused"; "received" and "sent" for each message, probe and
 *	report; "deferred", "failed", "not taken", "rejected", "transfer
 *	lost" with the reason; "transfer resumed".
 */
#include "p1/x400p1.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/log.h"
#include "osi/iaed.h"

#define CLEAN_MS 600000 /* between two looks for kept transfers too old */

/* --- configuration --- */

static void
on_clean(void *arg)
{
	struct x400p1 *c = arg;

	c->clean = loop_timer_set(c->loop, CLEAN_MS, on_clean, c);
	x_keep_clean(c->keep, clock_wall());
}

/* Once the loop runs: permanent associations are opened from the start. */
static void
on_start(void *arg)
{
	struct x400p1 *c = arg;

	c->clean = NULL;
	if (c->keep != NULL)
		on_clean(c);
	for (struct x_peer *p = c->peers; p != NULL; p = p->next)
		x_pool_permanent(p);
}

static int
on_config(void *arg, const struct conf_node *root, const struct conf_node *own,
    struct err *e)
{
	struct x400p1 *c = arg;

	if (x_configure(c, root, own, e) < 0)
		return e->code;
	c->submitter = q_submitter_new(c->chan, root, c->name, e);
	if (c->submitter == NULL)
		return ERR_CONFIG;
	c->clean = loop_timer_set(c->loop, 0, on_start, c);
	return 0;
}

/* --- work --- */

static struct x_peer *
find_peer(struct x400p1 *c, const char *name)
{
	struct x_peer *p = c->peers;

	while (p != NULL && strcmp(p->name, name) != 0)
		p = p->next;
	return p;
}

static void
unknown_peer(struct x400p1 *c, const struct q_work *w)
{
	struct q_outcome o = {
	    .result = Q_DEFERRED,
	    .status = "4.3.5",
	    .text = "the peer is not in the configuration",
	    .at = clock_wall(),
	};

	log_event(LOG_LEVEL_ERROR, "unknown peer", "peer", w->peer, NULL);
	q_chan_result_all(
	    c->chan, w->mlist, w->recipients, w->n_recipients, &o, true);
}

static void
on_work(void *arg, const struct q_work *w)
{
	struct x400p1 *c = arg;
	struct x_peer *p = find_peer(c, w->peer);
	struct x_job *j;

	if (p == NULL) {
		unknown_peer(c, w);
		return;
	}
	j = x_job_new(c, p, w);
	if (j != NULL)
		x_out_add(p, j);
}

/* --- connections from iaed --- */

/* The one that the listener names; NULL: plain. */
static int
find_tls(const struct x400p1 *c, const uint8_t *p, size_t n, struct tls **out,
    struct err *e)
{
	char name[IAED_TLS_NAME_MAX + 1];

	*out = NULL;
	if (!iaed_handoff_tls(p, n, name))
		return 0;
	*out = x_tls_named(c, name);
	if (*out == NULL)
		return err_set(e, "x400p1", ERR_CONFIG,
		    "the <tls> \"%s\" of the listener is not known", name);
	return 0;
}

static void
on_handoff(int fd, void *arg)
{
	struct x400p1 *c = arg;
	uint8_t d[IAED_HANDOFF_MAX];
	struct err e = ERR_INIT;
	struct octets octets;
	struct tls *tls;
	int sock = -1;
	ssize_t n = net_recv_fd(fd, d, sizeof(d), &sock, &e);

	if (n < 0 && e.code == ERR_TEMPORARY)
		return;
	if (n <= 0) {
		/* iaed is gone; qmgr sends another socket with the next one */
		loop_watch_cancel(&c->watch);
		close(c->service);
		c->service = -1;
		return;
	}
	if (sock >= 0 && iaed_handoff_parse(d, (size_t)n, &octets, &e) >= 0 &&
	    find_tls(c, d, (size_t)n, &tls, &e) >= 0) {
		x_link_take(c, sock, octets.p, octets.n, tls);
		return;
	}
	log_err(LOG_LEVEL_ERROR, "bad handover", &e, NULL);
	if (sock >= 0)
		close(sock);
}

static void
drop_service(struct x400p1 *c)
{
	loop_watch_cancel(&c->watch);
	if (c->service >= 0)
		close(c->service);
	c->service = -1;
}

static void
on_service(void *arg, const char *name, int fd)
{
	struct x400p1 *c = arg;

	(void)name;
	drop_service(c);
	if (c->stopping) {
		close(fd);
		return;
	}
	c->service = fd;
	c->watch = loop_watch_read(c->loop, fd, on_handoff, c);
}

/* --- the program --- */

static void
on_stop(void *arg)
{
	struct x400p1 *c = arg;

	if (c->stopping)
		return;
	c->stopping = true;
	drop_service(c);
	for (struct x_peer *p = c->peers; p != NULL; p = p->next)
		loop_timer_cancel(&p->again);
	for (struct x_link *l = c->links; l != NULL; l = l->next) {
		x_link_rest(l);
		conn_wake(l->conn);
	}
	x_check(c);
}

/* A thousand associations are a thousand descriptors. */
static void
raise_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0 || r.rlim_cur == r.rlim_max)
		return;
	r.rlim_cur = r.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &r);
}

static void *
make(struct loop *l, struct q_chan *chan, const char *name)
{
	struct x400p1 *c = xcalloc(1, sizeof(*c));

	c->loop = l;
	c->chan = chan;
	c->name = name;
	c->arena = arena_new();
	c->service = -1;
	raise_limit();
	return c;
}

static void
destroy(void *state)
{
	struct x400p1 *c = state;

	drop_service(c);
	loop_timer_cancel(&c->clean);
	x_links_free(c);
	x_out_free(c);
	x_keep_close(&c->keep);
	q_submitter_free(&c->submitter);
	arena_free(&c->arena);
	free(c);
}

static const struct q_chan_ops ops = {
    .config = on_config,
    .work = on_work,
    .service = on_service,
    .stop = on_stop,
};

int
main(int argc, char **argv)
{
	return q_chan_main(argc, argv, "x400p1", &ops, make, destroy);
}
