/*
 * Numbers of processes and connections that adapt to what they bring.
 */
#include <stdlib.h>

#include "lib/arena.h"
#include "qmgr/queue_own.h"

void
queue_tune_setup(struct q_queue *q)
{
	const struct q_config *c = q->config;
	int64_t window = c->measure_window;

	q->tunes = xcalloc(c->n_channels + 1, sizeof(*q->tunes));
	for (size_t i = 0; i < c->n_channels; i++) {
		tune_init(&q->tunes[i], c->channels[i]->min_processes,
		    c->channels[i]->processes, window);
		sched_chan_set_processes(q->chans[i], q->tunes[i].n);
	}
	for (size_t i = 0; i < c->n_peers; i++) {
		struct target *t = &q->targets[i];

		tune_init(&t->tune, c->peers[i]->min_connections,
		    c->peers[i]->max_connections, window);
		sched_peer_set_connections(t->direct.peer, t->tune.n);
	}
}

static void
tune_processes(struct q_queue *q, struct sched_chan *c, int64_t now)
{
	for (size_t i = 0; i < q->config->n_channels; i++)
		if (q->chans[i] == c &&
		    tune_done(&q->tunes[i], now, sched_chan_saturated(c)))
			sched_chan_set_processes(c, q->tunes[i].n);
}

void
queue_tune_result(struct q_queue *q, const struct mlist *ml, bool peer_error)
{
	struct sched_peer *p = ml->s.peer;
	int64_t now = q->ops->now(q->arg);
	struct target *t = ml->target;

	tune_processes(q, sched_peer_chan(p), now);
	if (t == NULL || ml->way != &t->direct)
		return;
	if (peer_error ? tune_failed(&t->tune, now)
		       : tune_done(&t->tune, now, sched_peer_ready(p) > 0))
		sched_peer_set_connections(p, t->tune.n);
}

static void
tell(const struct tune *t, const char *channel, const char *peer,
    void (*fn)(void *arg, const struct q_advice *x), void *arg)
{
	struct q_advice x = {
	    .channel = channel,
	    .peer = peer,
	    .n = t->n,
	    .min = t->min,
	    .max = t->max,
	    .rate = t->rate,
	    .why = t->why,
	    .at = t->at,
	};

	fn(arg, &x);
}

void
q_queue_advice(const struct q_queue *q,
    void (*fn)(void *arg, const struct q_advice *x), void *arg)
{
	const struct q_config *c = q->config;

	for (size_t i = 0; i < c->n_channels; i++)
		tell(&q->tunes[i], c->channels[i]->name, NULL, fn, arg);
	for (size_t i = 0; i < c->n_peers; i++)
		tell(&q->targets[i].tune, c->peers[i]->channel->name,
		    c->peers[i]->name, fn, arg);
}
