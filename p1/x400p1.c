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
 *	"association" at open, close, refusal, abort; "received" and "sent"
 *	for each message, probe and report; "deferred", "failed", "not
 *	taken", "rejected", "transfer lost" with the reason; "peer
 *	unreachable" as a warning.
 */
#include "p1/x400p1.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "mhs/mta.h"
#include "osi/iaed.h"

/* --- configuration --- */

static int
read_selector(const struct conf_node *n, const char *attr, struct osi_sel *out,
    struct err *e)
{
	if (osi_sel_parse(conf_str(n, attr, NULL), out, e) < 0)
		return conf_error(n, e, "%s: bad selector", attr);
	return 0;
}

static int
read_peer(struct x400p1 *c, const struct conf_node *n, int64_t per_peer,
    struct err *e)
{
	struct x_peer *p = ARENA_NEW(c->arena, struct x_peer);
	int64_t max, checkpoint, window;

	p->channel = c;
	p->name = conf_str(n, "name", "");
	p->address = conf_str(n, "address", NULL);
	p->mta = conf_str(n, "mta", NULL);
	p->password = conf_str(n, "password", NULL);
	p->our_mta = conf_str(n, "our-mta", c->us.mta);
	p->our_password = conf_str(n, "our-password", NULL);
	p->two_way_alternate =
	    strcmp(conf_str(n, "dialogue", "monologue"), "monologue") != 0;
	if (p->address == NULL)
		return conf_error(n, e, "no address");
	if (read_selector(n, "tsel", &p->called.tsel, e) < 0 ||
	    read_selector(n, "ssel", &p->called.ssel, e) < 0 ||
	    read_selector(n, "psel", &p->called.psel, e) < 0 ||
	    conf_int(n, "max-connections", per_peer, 1, 10000, &max, e) < 0 ||
	    conf_int(n, "checkpoint-size", 63, 0, 65535, &checkpoint, e) < 0 ||
	    conf_int(n, "window-size", 3, 1, 255, &window, e) < 0)
		return ERR_CONFIG;
	p->max_links = (unsigned)max;
	p->checkpoint_size = (uint32_t)checkpoint;
	p->window_size = (uint32_t)window;
	p->next = c->peers;
	c->peers = p;
	return 0;
}

static int
read_us(struct x400p1 *c, const struct conf_node *root, struct err *e)
{
	struct mhs_mta us;

	if (mhs_mta_read(c->arena, root, &us, e) < 0)
		return ERR_CONFIG;
	c->us.mta = us.name;
	c->us.domain = us.domain;
	c->hostname = us.hostname;
	return 0;
}

/* The selector that we call from is the one that we are called by. */
static int
read_calling(struct x400p1 *c, const struct conf_node *root,
    const char *channel, struct err *e)
{
	const struct conf_node *n, *iaed = conf_child(root, "iaed");

	if (iaed == NULL)
		return 0;
	for (n = conf_child(iaed, "service"); n != NULL;
	     n = conf_next(iaed, "service", n))
		if (strcmp(conf_str(n, "channel", ""), channel) == 0)
			return read_selector(n, "tsel", &c->calling, e);
	return 0;
}

static int
read_own(struct x400p1 *c, const struct conf_node *own, int64_t *per_peer,
    struct err *e)
{
	int64_t connections;

	if (conf_int(own, "connections", 100, 1, 100000, &connections, e) < 0 ||
	    conf_int(own, "connections-per-peer", 4, 1, 10000, per_peer, e) <
		0 ||
	    conf_duration(own, "idle-timeout", 30000, &c->idle_timeout, e) <
		0 ||
	    conf_size(own, "max-size", 0, &c->max_size, e) < 0)
		return ERR_CONFIG;
	c->max_links = (unsigned)connections;
	q_chan_capacity(c->chan, c->max_links);
	return 0;
}

static int
on_config(void *arg, const struct conf_node *root, const struct conf_node *own,
    struct err *e)
{
	struct x400p1 *c = arg;
	const struct conf_node *n;
	const char *channel;
	int64_t per_peer;

	if (own == NULL)
		return conf_error(root, e, "no <channel>");
	channel = conf_str(own, "name", c->name);
	if (read_us(c, root, e) < 0 || read_own(c, own, &per_peer, e) < 0 ||
	    read_calling(c, root, channel, e) < 0)
		return ERR_CONFIG;
	for (n = conf_child(root, "peer"); n != NULL;
	     n = conf_next(root, "peer", n))
		if (strcmp(conf_str(n, "channel", ""), channel) == 0 &&
		    read_peer(c, n, per_peer, e) < 0)
			return ERR_CONFIG;
	c->submitter = q_submitter_new(c->chan, root, c->name, e);
	return c->submitter == NULL ? ERR_CONFIG : 0;
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

static void
on_handoff(int fd, void *arg)
{
	struct x400p1 *c = arg;
	uint8_t d[IAED_HANDOFF_MAX];
	struct err e = ERR_INIT;
	struct octets octets;
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
	if (sock >= 0 && iaed_handoff_parse(d, (size_t)n, &octets, &e) >= 0) {
		x_link_take(c, sock, octets.p, octets.n);
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
	for (struct x_link *l = c->links; l != NULL; l = l->next) {
		x_link_rest(l);
		conn_wake(l->conn);
	}
	x_check(c);
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
	return c;
}

static void
destroy(void *state)
{
	struct x400p1 *c = state;

	drop_service(c);
	x_links_free(c);
	x_out_free(c);
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
