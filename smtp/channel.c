#include "smtp/channel.h"

#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

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
	if (j != NULL)
		smtp_job_start(j);
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
	for (struct smtp_peer *p = c->peers; p != NULL; p = p->next)
		for (struct smtp_pool *x = p->first_pool; x != NULL;
		     x = x->next)
			smtp_links_stop(x);
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

	for (struct smtp_peer *p = c->peers; p != NULL; p = p->next) {
		smtp_domains_free(p);
		smtp_pools_free(p);
	}
	smtp_channel_config_free(c);
	arena_free(&c->arena);
	free(c);
}

int
smtp_channel_main(int argc, char **argv, const char *name)
{
	static const struct q_chan_ops ops = {
	    .config = smtp_channel_config,
	    .work = on_work,
	    .stop = on_stop,
	};

	return q_chan_main(argc, argv, name, &ops, make, destroy);
}
