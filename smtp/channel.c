#include "smtp/channel.h"

#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "mhs/mta.h"
#include "qmgr/config.h"
#include "smtp/access.h"

/* --- configuration --- */

static int
read_timeouts(
    struct smtp_channel *c, const struct conf_node *own, struct err *e)
{
	struct smtp_client_params *p = &c->client;
	const struct {
		const char *attr;
		msec_t *value;
	} rows[] = {
	    {"idle-timeout", &p->idle_timeout},
	    {"greeting-timeout", &p->greeting_timeout},
	    {"command-timeout", &p->mail_timeout},
	    {"data-init-timeout", &p->data_init_timeout},
	    {"data-timeout", &p->data_block_timeout},
	    {"data-done-timeout", &p->data_done_timeout},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (conf_duration(own, rows[i].attr, *rows[i].value,
			rows[i].value, e) < 0)
			return ERR_CONFIG;
	p->rcpt_timeout = p->mail_timeout;
	return 0;
}

static int
read_peer(struct smtp_channel *c, const struct conf_node *n, int64_t max,
    struct err *e)
{
	struct smtp_peer *p = ARENA_NEW(c->arena, struct smtp_peer);
	char host[SMTP_ADDRESS_TEXT];

	p->channel = c;
	p->name = conf_str(n, "name", "");
	p->address = conf_str(n, "address", NULL);
	if (p->address == NULL)
		return conf_error(n, e, "no address");
	if (conf_int(n, "max-connections", max, 1, 10000, &max, e) < 0)
		return ERR_CONFIG;
	smtp_peer_address(p->address, host);
	p->host = arena_strdup(c->arena, host);
	p->max_links = (unsigned)max;
	p->next = c->peers;
	c->peers = p;
	return 0;
}

static int
open_spool(struct smtp_channel *c, const struct conf_node *root, struct err *e)
{
	struct q_config config;
	int rc = q_config_read(root, &config, NULL, NULL, e);

	if (rc == 0) {
		c->spool = q_spool_open(&config.spool, NULL, e);
		rc = c->spool == NULL ? ERR_CONFIG : 0;
	}
	q_config_free(&config);
	return rc;
}

static int
on_config(void *arg, const struct conf_node *root, const struct conf_node *own,
    struct err *e)
{
	struct smtp_channel *c = arg;
	const struct conf_node *n;
	struct mhs_mta us;
	int64_t connections, per_peer;

	if (own == NULL)
		return conf_error(root, e, "no <channel>");
	if (mhs_mta_read(c->arena, root, &us, e) < 0)
		return ERR_CONFIG;
	c->client.lmtp = c->lmtp;
	c->client.helo = us.hostname;
	if (read_timeouts(c, own, e) < 0 ||
	    conf_int(own, "connections", 100, 1, 100000, &connections, e) < 0 ||
	    conf_int(own, "connections-per-peer", 4, 1, 10000, &per_peer, e) <
		0)
		return ERR_CONFIG;
	for (n = conf_child(root, "peer"); n != NULL;
	     n = conf_next(root, "peer", n))
		if (strcmp(conf_str(n, "channel", ""),
			conf_str(own, "name", c->name)) == 0 &&
		    read_peer(c, n, per_peer, e) < 0)
			return ERR_CONFIG;
	q_chan_capacity(c->chan, (unsigned)connections);
	return open_spool(c, root, e);
}

/* --- work --- */

static struct smtp_peer *
find_peer(struct smtp_channel *c, const char *name)
{
	struct smtp_peer *p = c->peers;

	while (p != NULL && strcmp(p->name, name) != 0)
		p = p->next;
	return p;
}

static void
on_work(void *arg, const struct q_work *w)
{
	struct smtp_channel *c = arg;
	struct smtp_peer *p = find_peer(c, w->peer);
	struct smtp_job *j;

	if (p == NULL) {
		struct q_outcome o = {
		    .result = Q_DEFERRED,
		    .status = "4.3.5",
		    .text = "The peer is not in the configuration",
		    .at = clock_wall(),
		};

		log_event(
		    LOG_LEVEL_ERROR, "unknown peer", "peer", w->peer, NULL);
		q_chan_result_all(c->chan, w->mlist, w->recipients,
		    w->n_recipients, &o, true);
		return;
	}
	p->max_links = w->connections;
	j = smtp_job_new(c, p, w);
	if (j == NULL)
		return;
	if (smtp_job_settled(j))
		smtp_job_done(j, NULL);
	else
		smtp_peer_add(p, j);
}

void
smtp_channel_check(struct smtp_channel *c)
{
	if (c->stopping && c->n_jobs == 0 && c->n_links == 0)
		loop_stop(c->loop);
}

static void
on_stop(void *arg)
{
	struct smtp_channel *c = arg;

	c->stopping = true;
	smtp_peers_stop(c);
	smtp_channel_check(c);
}

/* --- the program --- */

static void *
make(struct loop *l, struct q_chan *chan, const char *name)
{
	struct smtp_channel *c = xcalloc(1, sizeof(*c));

	c->loop = l;
	c->chan = chan;
	c->name = name;
	c->lmtp = strcmp(name, "lmtp") == 0;
	c->arena = arena_new();
	c->client = (struct smtp_client_params)SMTP_CLIENT_PARAMS_DEFAULT;
	return c;
}

static void
destroy(void *state)
{
	struct smtp_channel *c = state;

	smtp_peers_free(c);
	q_spool_close(&c->spool);
	arena_free(&c->arena);
	free(c);
}

int
smtp_channel_main(int argc, char **argv, const char *name)
{
	static const struct q_chan_ops ops = {
	    .config = on_config,
	    .work = on_work,
	    .stop = on_stop,
	};

	return q_chan_main(argc, argv, name, &ops, make, destroy);
}
