/*
 * Counting what goes through, by channel and by peer.
 */
#include "qmgr/queue_own.h"

static bool
went_through(const struct q_outcomes *o)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->v[i].result <= Q_CONVERTED)
			return true;
	return false;
}

void
queue_count_result(
    struct q_queue *q, const struct mlist *ml, const struct q_outcomes *o)
{
	const struct sched_chan *c = sched_peer_chan(ml->s.peer);
	int64_t now = q->ops->now(q->arg);

	if (!went_through(o))
		return;
	for (size_t i = 0; i < q->config->n_channels; i++)
		if (q->chans[i] == c)
			rate_add(&q->rates[i], now, ml->message->size);
	if (!ml->report && ml->way == &ml->target->direct)
		rate_add(&ml->target->rate, now, ml->message->size);
}

static void
tell(const struct rate *r, int64_t now, struct q_rates *x,
    void (*fn)(void *arg, const struct q_rates *x), void *arg)
{
	for (unsigned w = 0; w < RATE_WINDOWS; w++) {
		struct rate_now n = rate_get(r, (enum rate_window)w, now);

		x->messages[w] = n.messages;
		x->octets[w] = n.octets;
	}
	fn(arg, x);
}

void
q_queue_rates(const struct q_queue *q,
    void (*fn)(void *arg, const struct q_rates *x), void *arg)
{
	const struct q_config *c = q->config;
	int64_t now = q->ops->now(q->arg);

	for (size_t i = 0; i < c->n_channels; i++) {
		struct q_rates x = {.channel = c->channels[i]->name};

		tell(&q->rates[i], now, &x, fn, arg);
	}
	for (size_t i = 0; i < c->n_peers; i++) {
		struct q_rates x = {
		    .channel = c->peers[i]->channel->name,
		    .peer = c->peers[i]->name,
		};

		tell(&q->targets[i].rate, now, &x, fn, arg);
	}
}
