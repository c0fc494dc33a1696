/*
 * NAME
 *	smtpd - receives mail by SMTP and LMTP
 * SYNOPSIS
 *	Started by qmgr(8).
 * DESCRIPTION
 *	Accepts connections on the sockets of <smtpd><listen/>, takes messages
 *	from clients, and submits them. A client in a <relay/> network may send
 *	to every recipient that has a route; others only to <accept/> domains.
 *	A message is acknowledged when it is durable in the queue. See
 *	smtpd.8.
 * DIAGNOSTICS
 *	"accepted" for each message (id, mts-id, from, recipients, size,
 *	client); "refused" for each negative reply; "not accepted", "spool not
 *	ready", "too many connections" as warnings.
 */
#include "smtp/smtpd.h"

#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

struct smtpd_listener {
	struct smtpd *d;
	struct loop_listener *listener;
	bool lmtp;
};

/* --- configuration --- */

static int
read_limits(struct smtpd *d, const struct conf_node *n, struct err *e)
{
	struct smtp_server_params *p = &d->smtp;
	int64_t connections, per_client, recipients, errors, messages, size,
	    line, header;

	if (conf_int(n, "max-connections", 1000, 1, 100000, &connections, e) <
		0 ||
	    conf_int(n, "max-connections-per-client", 100, 1, 100000,
		&per_client, e) < 0 ||
	    conf_int(n, "max-recipients", p->recipients_max, 100,
		MHS_RECIPIENTS_MAX, &recipients, e) < 0 ||
	    conf_int(n, "max-errors", p->errors_max, 1, 1000, &errors, e) < 0 ||
	    conf_int(n, "max-messages", 0, 0, INT32_MAX, &messages, e) < 0 ||
	    conf_size(n, "max-size", (int64_t)p->size_max, &size, e) < 0 ||
	    conf_size(n, "max-line", (int64_t)p->text_line_max, &line, e) < 0 ||
	    conf_size(n, "max-header", (int64_t)p->header_max, &header, e) <
		0 ||
	    conf_duration(n, "greet-delay", 0, &p->greet_delay, e) < 0 ||
	    conf_duration(n, "command-timeout", p->command_timeout,
		&p->command_timeout, e) < 0 ||
	    conf_duration(
		n, "data-timeout", p->data_timeout, &p->data_timeout, e) < 0)
		return ERR_CONFIG;
	d->max_connections = (unsigned)connections;
	d->max_per_client = (unsigned)per_client;
	p->recipients_max = (unsigned)recipients;
	p->errors_max = (unsigned)errors;
	p->messages_max = (unsigned)messages;
	p->size_max = (uint64_t)size;
	p->text_line_max = (size_t)line;
	p->header_max = (size_t)header;
	p->hostname = d->us.hostname;
	d->lmtp = d->smtp;
	d->lmtp.lmtp = true;
	return 0;
}

static int
read_access(struct smtpd *d, const struct conf_node *n, struct err *e)
{
	const struct conf_node *c;
	const char *value;

	d->access = smtp_access_new(d->arena);
	for (c = conf_child(n, "relay"); c != NULL;
	     c = conf_next(n, "relay", c)) {
		value = conf_str(c, "client", "");
		if (smtp_access_add_network(d->access, value, e) < 0)
			return conf_error(
			    c, e, "client: \"%s\" is no network", value);
	}
	for (c = conf_child(n, "accept"); c != NULL;
	     c = conf_next(n, "accept", c)) {
		value = conf_str(c, "domain", "");
		if (smtp_access_add_domain(d->access, value, e) < 0)
			return conf_error(
			    c, e, "domain: \"%s\" is no domain", value);
	}
	return 0;
}

static int
on_config(void *arg, const struct conf_node *root, const struct conf_node *own,
    struct err *e)
{
	struct smtpd *d = arg;

	(void)own;
	d->conf = conf_child(root, "smtpd");
	if (d->conf == NULL)
		return conf_error(root, e, "no <smtpd>");
	if (mhs_mta_read(d->arena, root, &d->us, e) < 0 ||
	    read_limits(d, d->conf, e) < 0 || read_access(d, d->conf, e) < 0)
		return ERR_CONFIG;
	d->submitter = q_submitter_new(d->chan, root, d->name, e);
	return d->submitter == NULL ? ERR_CONFIG : 0;
}

/* --- connections --- */

/* Over the limit new connections wait in the kernel. */
static void
pause_if_full(struct smtpd *d)
{
	bool full = d->n_sessions >= d->max_connections;

	if (full == d->paused)
		return;
	d->paused = full;
	if (full)
		log_event(LOG_LEVEL_WARN, "too many connections", "limit",
		    log_u64(d->max_connections), NULL);
	for (size_t i = 0; i < d->n_listeners; i++)
		if (d->listeners[i]->listener != NULL)
			loop_listener_pause(d->listeners[i]->listener, full);
}

static void
sessions_changed(struct smtpd *d)
{
	pause_if_full(d);
	q_chan_connections(d->chan, "", d->n_sessions, 0);
}

static void
on_accept(void *arg, int fd, const char *peer)
{
	struct smtpd_listener *l = arg;
	struct smtpd *d = l->d;

	smtpd_session_open(d, fd, peer, l->lmtp);
	sessions_changed(d);
}

void
smtpd_session_closed(struct smtpd *d)
{
	d->n_sessions--;
	sessions_changed(d);
	if (d->stopping && d->n_sessions == 0)
		loop_stop(d->loop);
}

static bool
address_speaks_lmtp(const struct smtpd *d, const char *address)
{
	const struct conf_node *c = conf_child(d->conf, "listen");

	for (; c != NULL; c = conf_next(d->conf, "listen", c))
		if (strcmp(conf_str(c, "address", ""), address) == 0)
			return strcmp(conf_str(c, "protocol", "smtp"),
				   "lmtp") == 0;
	return false;
}

static void
on_listen(void *arg, const char *name, int fd)
{
	struct smtpd *d = arg;
	struct smtpd_listener *l = ARENA_NEW(d->arena, struct smtpd_listener);

	INVARIANT(d->conf != NULL);
	l->d = d;
	l->lmtp = address_speaks_lmtp(d, name);
	l->listener = loop_listen(d->loop, fd, on_accept, l);
	log_event(LOG_LEVEL_INFO, "listening", "address", name, "protocol",
	    l->lmtp ? "lmtp" : "smtp", NULL);
	*(struct smtpd_listener **)arena_push(d->arena, &d->listeners,
	    &d->n_listeners, sizeof(*d->listeners)) = l;
}

static void
close_listeners(struct smtpd *d)
{
	for (size_t i = 0; i < d->n_listeners; i++)
		loop_listener_close(&d->listeners[i]->listener);
}

static void
on_stop(void *arg)
{
	struct smtpd *d = arg;

	if (d->stopping)
		return;
	d->stopping = true;
	close_listeners(d);
	smtpd_sessions_stop(d);
	if (d->n_sessions == 0)
		loop_stop(d->loop);
}

/* --- the program --- */

static void *
make(struct loop *l, struct q_chan *c, const char *name)
{
	struct smtpd *d = xcalloc(1, sizeof(*d));

	d->loop = l;
	d->chan = c;
	d->name = name;
	d->arena = arena_new();
	d->clients = smtp_clients_new();
	d->smtp = (struct smtp_server_params)SMTP_SERVER_PARAMS_DEFAULT;
	return d;
}

static void
destroy(void *state)
{
	struct smtpd *d = state;

	close_listeners(d);
	smtpd_sessions_abort(d);
	q_submitter_free(&d->submitter);
	smtpd_sessions_free(d);
	smtp_clients_free(&d->clients);
	arena_free(&d->arena);
	free(d);
}

static const struct q_chan_ops ops = {
    .config = on_config,
    .listen = on_listen,
    .stop = on_stop,
};

int
main(int argc, char **argv)
{
	return q_chan_main(argc, argv, "smtpd", &ops, make, destroy);
}
