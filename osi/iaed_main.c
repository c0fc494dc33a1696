/*
 * NAME
 *	iaed - listener for OSI over TCP (RFC 1006)
 * SYNOPSIS
 *	Started by qmgr(8).
 * DESCRIPTION
 *	Accepts connections on the addresses of <iaed><listen/>, reads the
 *	transport connection request (COTP CR), and passes the connection to
 *	the channel whose <service tsel= channel=/> has the called transport
 *	selector. The listening sockets and the sockets to the channels come
 *	from qmgr. max-connections= bounds the connections that have not yet
 *	sent their CR, max-connections-per-client= those of one address among
 *	them, connect-timeout= the time they have for it. What comes
 *	to a <listen tls= channel=> goes to that channel unread.
 * DIAGNOSTICS
 *	"unknown-selector" and "no-service" with peer and selector: refused.
 *	"service-full": the channel takes no more at present; refused.
 *	"bad-cr" with peer and octet: it breaks X.224; refused.
 *	"too-many-of-client" with peer: closed unread.
 *	"not-rfc1006" with peer and octet: something else called; closed.
 *	"no-cr-in-time", "closed-before-cr": with peer and octets received.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/log.h"
#include "osi/iaed.h"
#include "qmgr/chan.h"

#define CONNECTIONS 1000
#define PER_CLIENT 200
#define CR_TIME 30000

struct state {
	struct loop *loop;
	struct q_chan *chan;
	struct iaed *iaed; /* NULL until the configuration has come */
	const struct conf_node *node; /* <iaed> */
};

static int
read_limits(
    const struct conf_node *n, struct iaed_limits *limits, struct err *e)
{
	int64_t connections, per_client, cr_time;
	int r;

	r = conf_int(
	    n, "max-connections", CONNECTIONS, 1, 1000000, &connections, e);
	if (r == 0)
		r = conf_int(n, "max-connections-per-client", PER_CLIENT, 1,
		    1000000, &per_client, e);
	if (r == 0)
		r = conf_duration(n, "connect-timeout", CR_TIME, &cr_time, e);
	if (r != 0)
		return r;
	if (cr_time <= 0)
		return conf_error(n, e, "connect-timeout: must be above zero");
	limits->connections = (size_t)connections;
	limits->per_client = (size_t)per_client;
	limits->cr_time = cr_time;
	return 0;
}

static int
read_services(struct iaed *i, const struct conf_node *n, struct err *e)
{
	const struct conf_node *s = NULL;

	while ((s = conf_next(n, "service", s)) != NULL) {
		const char *channel = conf_str(s, "channel", NULL);
		struct osi_sel tsel;
		struct err bad = ERR_INIT;

		if (channel == NULL)
			return conf_error(s, e, "channel: missing");
		if (osi_sel_parse(conf_str(s, "tsel", NULL), &tsel, &bad) != 0)
			return conf_error(s, e, "tsel: %s", bad.text);
		iaed_add_service(i, &tsel, channel);
	}
	return 0;
}

static void
on_waiting(void *arg, size_t n)
{
	struct state *st = arg;

	q_chan_connections(st->chan, "", (unsigned)n, 0);
}

static int
on_config(void *arg, const struct conf_node *root, const struct conf_node *own,
    struct err *e)
{
	struct state *st = arg;
	const struct conf_node *n = conf_child(root, "iaed");
	struct iaed_limits limits;
	int r;

	(void)own;
	if (n == NULL)
		return conf_error(root, e, "no <iaed> element");
	r = read_limits(n, &limits, e);
	if (r != 0)
		return r;
	st->node = n;
	st->iaed = iaed_new(st->loop, &limits);
	iaed_on_waiting(st->iaed, on_waiting, st);
	return read_services(st->iaed, n, e);
}

static void
on_service(void *arg, const char *name, int fd)
{
	struct state *st = arg;

	INVARIANT(st->iaed != NULL);
	iaed_add_socket(st->iaed, name, fd);
}

static void
read_listen(
    const struct conf_node *iaed, const char *address, struct iaed_listen *out)
{
	const struct conf_node *n = conf_child(iaed, "listen");
	int64_t connections = 0;

	while (n != NULL && strcmp(conf_str(n, "address", ""), address) != 0)
		n = conf_next(iaed, "listen", n);
	INVARIANT(n != NULL);
	/* the schema has seen to its grammar */
	conf_int(n, "max-connections", 0, 0, 1000000, &connections, NULL);
	*out = (struct iaed_listen){
	    .connections = (size_t)connections,
	    .tls = conf_str(n, "tls", NULL),
	    .channel = conf_str(n, "channel", NULL),
	};
}

static void
on_listen(void *arg, const char *name, int fd)
{
	struct state *st = arg;
	struct iaed_listen l;

	INVARIANT(st->iaed != NULL);
	read_listen(st->node, name, &l);
	if (l.tls != NULL && l.channel == NULL) {
		log_event(LOG_LEVEL_ERROR, "not listening", "address", name,
		    "reason", "TLS, and no channel to take it", NULL);
		close(fd);
		return;
	}
	log_event(
	    LOG_LEVEL_INFO, "listening", "address", name, "tls", l.tls, NULL);
	iaed_add_listener(st->iaed, fd, &l);
}

static void
on_stop(void *arg)
{
	struct state *st = arg;

	if (st->iaed != NULL)
		iaed_stop(st->iaed);
	loop_stop(st->loop);
}

static void *
make(struct loop *l, struct q_chan *c, const char *name)
{
	struct state *st = xcalloc(1, sizeof(*st));

	(void)name;
	st->loop = l;
	st->chan = c;
	return st;
}

static void
destroy(void *arg)
{
	struct state *st = arg;

	iaed_free(&st->iaed);
	free(st);
}

int
main(int argc, char **argv)
{
	static const struct q_chan_ops ops = {
	    .config = on_config,
	    .service = on_service,
	    .listen = on_listen,
	    .stop = on_stop,
	};

	return q_chan_main(argc, argv, "iaed", &ops, make, destroy);
}
