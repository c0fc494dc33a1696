/*
 * NAME
 *	smtpd - receives mail by SMTP and LMTP
 * SYNOPSIS
 *	Started by qmgr(8).
 * DESCRIPTION
 *	Accepts connections on the sockets of <smtpd><listen/>, takes messages
 *	from clients, and submits them. A client in a <relay/> network, or one
 *	that has authenticated, may send to every recipient that has a route;
 *	others only to <accept/> domains. Each listener has its own policy
 *	(policy.h). A message is acknowledged when it is durable in the queue. See
 *	smtpd.8.
 * DIAGNOSTICS
 *	"accepted" for each message (id, mts-id, from, recipients, size,
 *	client); "authenticated"; "refused" for each negative reply; "not
 *	accepted", "not authenticated", "spool not ready", "too many
 *	connections" as warnings.
 */
#include "smtp/smtpd_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/paths.h"

#define LOOK_MS 500
#define STOP_STEP 250 /* ms */
#define AUTH_TIMEOUT_MS 30000
#define SPARE_DESCRIPTORS 256

struct smtpd_listener {
	struct smtpd *d;
	struct loop_listener *listener;
	const struct smtp_policy *policy;
};

/* --- configuration --- */

static int
read_limits(struct smtpd *d, const struct conf_node *n, struct err *e)
{
	struct smtp_server_params *p = &d->params;
	msec_t auth;
	int64_t connections, per_client, recipients, errors, messages, failures,
	    size, line, header, rate;

	if (conf_int(n, "max-connections", 1000, 1, 100000, &connections, e) <
		0 ||
	    conf_int(n, "max-connections-per-client", 100, 1, 100000,
		&per_client, e) < 0 ||
	    conf_int(n, "max-recipients", p->recipients_max, 100,
		MHS_RECIPIENTS_MAX, &recipients, e) < 0 ||
	    conf_int(n, "max-errors", p->errors_max, 1, 1000, &errors, e) < 0 ||
	    conf_int(n, "max-messages", 0, 0, INT32_MAX, &messages, e) < 0 ||
	    conf_int(n, "max-auth-failures", p->auth_failures_max, 1, 1000,
		&failures, e) < 0 ||
	    conf_size(n, "max-size", (int64_t)p->size_max, &size, e) < 0 ||
	    conf_size(n, "max-line", (int64_t)p->text_line_max, &line, e) < 0 ||
	    conf_size(n, "max-header", (int64_t)p->header_max, &header, e) <
		0 ||
	    conf_duration(n, "auth-timeout", AUTH_TIMEOUT_MS, &auth, e) < 0 ||
	    conf_duration(n, "greet-delay", 0, &p->greet_delay, e) < 0 ||
	    conf_duration(n, "command-timeout", p->command_timeout,
		&p->command_timeout, e) < 0 ||
	    conf_duration(
		n, "data-timeout", p->data_timeout, &p->data_timeout, e) < 0 ||
	    conf_size(n, "min-data-rate", 0, &rate, e) < 0 ||
	    conf_duration(n, "data-grace", p->data_grace, &p->data_grace, e) <
		0)
		return ERR_CONFIG;
	smtpd_auth_pool_limit(d->auth, auth);
	d->max_connections = (unsigned)connections;
	d->max_per_client = (unsigned)per_client;
	p->recipients_max = (unsigned)recipients;
	p->errors_max = (unsigned)errors;
	p->messages_max = (unsigned)messages;
	p->auth_failures_max = (unsigned)failures;
	p->size_max = (uint64_t)size;
	p->text_line_max = (size_t)line;
	p->header_max = (size_t)header;
	p->data_rate_min = (uint64_t)rate;
	p->hostname = d->us.hostname;
	return 0;
}

/* Changed identities count soon, whether or not somebody asks for them. */
static void
look(void *arg)
{
	struct smtpd *d = arg;

	smtp_policies_look(d->policies);
	d->look = loop_timer_set(d->loop, LOOK_MS, look, d);
}

static int
read_rates(struct smtpd *d, const struct conf_node *n, struct err *e)
{
	int64_t all, per_client;

	if (conf_int(n, "max-rate", 0, 0, 1000000, &all, e) < 0 ||
	    conf_int(n, "max-rate-per-client", 0, 0, 1000000, &per_client, e) <
		0)
		return ERR_CONFIG;
	d->rates = smtp_rates_new((unsigned)per_client, (unsigned)all);
	return 0;
}

/* Descriptors for all connections, and for what else there is. */
static void
raise_limit(const struct smtpd *d)
{
	struct rlimit r;
	rlim_t want = (rlim_t)d->max_connections + SPARE_DESCRIPTORS;
	char has[24];

	if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur >= want)
		return;
	r.rlim_cur = r.rlim_max < want ? r.rlim_max : want;
	if (setrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur >= want)
		return;
	snprintf(has, sizeof(has), "%llu", (unsigned long long)r.rlim_cur);
	log_event(LOG_LEVEL_WARN, "few descriptors", "limit", has,
	    "max-connections", log_u64(d->max_connections), NULL);
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
	    read_limits(d, d->conf, e) < 0 || read_rates(d, d->conf, e) < 0 ||
	    conf_duration(conf_child(root, "scheduler"), "stop-timeout",
		Q_STOP_TIMEOUT, &d->stop_time, e) < 0 ||
	    smtp_policies_read(&d->policies, d->arena, root, &d->params,
		paths_identity_schema(d->arena), e) < 0)
		return ERR_CONFIG;
	if (smtp_policies_have_sasl(d->policies))
		d->look = loop_timer_set(d->loop, LOOK_MS, look, d);
	raise_limit(d);
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

	if (smtpd_proxy_is(l->policy, peer))
		smtpd_proxy_open(d, fd, peer, l->policy);
	else
		smtpd_session_open(d, fd, peer, l->policy);
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

static void
on_listen(void *arg, const char *name, int fd)
{
	struct smtpd *d = arg;
	struct smtpd_listener *l = ARENA_NEW(d->arena, struct smtpd_listener);

	INVARIANT(d->conf != NULL);
	l->d = d;
	l->policy = smtp_policy_of(d->policies, name);
	if (l->policy == NULL) { /* a socket that no listener names any more */
		close(fd);
		return;
	}
	l->listener = loop_listen(d->loop, fd, on_accept, l);
	log_event(LOG_LEVEL_INFO, "listening", "address", name, "protocol",
	    l->policy->protocol, NULL);
	*(struct smtpd_listener **)arena_push(d->arena, &d->listeners,
	    &d->n_listeners, sizeof(*d->listeners)) = l;
}

static void set_stop_timer(struct smtpd *d);

/* Who stalls in a message is told so before qmgr kills us; who was told 421 and
 * does not close is not waited for. */
static void
on_stop_timer(void *arg)
{
	struct smtpd *d = arg;
	bool busy = smtpd_sessions_busy(d);

	d->stop_timer = NULL;
	if (!busy && d->stop_quiet) {
		loop_stop(d->loop);
		return;
	}
	d->stop_quiet = !busy;
	if (busy && clock_mono() >= d->stop_at) {
		log_event(LOG_LEVEL_WARN, "sessions cut off", NULL);
		smtpd_sessions_stop(d);
	}
	set_stop_timer(d);
}

static void
set_stop_timer(struct smtpd *d)
{
	msec_t step = d->stop_time / 16;

	if (step > STOP_STEP)
		step = STOP_STEP;
	d->stop_timer =
	    loop_timer_set(d->loop, step > 0 ? step : 1, on_stop_timer, d);
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
	smtpd_proxies_free(d);
	smtpd_sessions_stop(d);
	d->stop_at = clock_mono() + d->stop_time / 4 * 3;
	if (d->n_sessions == 0)
		loop_stop(d->loop);
	else
		set_stop_timer(d);
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
	d->params = (struct smtp_server_params)SMTP_SERVER_PARAMS_DEFAULT;
	d->auth =
	    smtpd_auth_pool_new(l, AUTH_TIMEOUT_MS, smtpd_session_auth_done);
	return d;
}

static void
destroy(void *state)
{
	struct smtpd *d = state;

	close_listeners(d);
	loop_timer_cancel(&d->look);
	loop_timer_cancel(&d->stop_timer);
	smtpd_proxies_free(d);
	smtpd_sessions_abort(d);
	q_submitter_free(&d->submitter);
	smtpd_sessions_free(d);
	/* a step that hangs still uses them */
	if (smtpd_auth_pool_free(&d->auth))
		smtp_policies_free(&d->policies);
	smtp_clients_free(&d->clients);
	smtp_rates_free(&d->rates);
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
