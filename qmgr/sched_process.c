/*
 * How many processes a channel has.
 */
#include "lib/log.h"
#include "qmgr/sched_own.h"

static int64_t
earliest_start(const struct sched_chan *c)
{
	const struct sched_params *p = &c->sched->params;
	bool light = c->counts.ready <= c->capacity;

	if (c->running > 0)
		return c->last_start +
		    (light ? p->qmgr_chan_time3 : p->qmgr_chan_time2);
	return c->ended ? c->last_stop + p->qmgr_chan_time1 : INT64_MIN;
}

/* Can what is ready go out only with another process? */
static bool
needs_more(const struct sched_chan *c, unsigned rank)
{
	const struct sched_peer *p;

	if (rank == RANKS)
		return false;
	if (c->running == 0)
		return true;
	p = sched_node_peer(heap_first(&c->heap[rank]), rank);
	return p->active < p->connections &&
	    c->busy >= sched_share(c->sched, c->capacity, rank);
}

static bool
has_room(const struct sched *s, unsigned rank)
{
	return s->running < sched_share(s, s->params.qmgr_maxchans, rank);
}

bool
sched_may_start(struct sched_chan *c, int64_t now, int64_t *when)
{
	unsigned rank = sched_first_rank(c);
	int64_t at;

	*when = INT64_MAX;
	if (!needs_more(c, rank) || c->running >= c->max_processes ||
	    !has_room(c->sched, rank))
		return false;
	at = earliest_start(c);
	if (at > now)
		*when = at;
	return at <= now;
}

void
sched_started(struct sched_chan *c, int64_t now)
{
	c->running++;
	c->sched->running++;
	c->last_start = now;
}

void
sched_stopped(struct sched_chan *c, int64_t now)
{
	INVARIANT(c->running > 0);
	c->running--;
	c->sched->running--;
	if (c->running == 0) {
		c->last_stop = now;
		c->ended = true;
	}
}

bool
sched_should_yield(const struct sched_chan *c, bool idle)
{
	unsigned ours = sched_first_rank(c);

	for (const struct sched_chan *x = c->sched->chans; x != NULL;
	     x = x->next) {
		unsigned theirs = sched_first_rank(x);

		if (x == c || !needs_more(x, theirs) ||
		    x->running >= x->max_processes ||
		    has_room(x->sched, theirs))
			continue;
		if (idle && theirs < ours)
			return true;
		if (x->running == 0 && c->running > 1 && theirs <= ours)
			return true;
	}
	return false;
}

bool
sched_chan_saturated(const struct sched_chan *c)
{
	return c->running >= c->max_processes &&
	    needs_more(c, sched_first_rank(c));
}

void
sched_chan_set_processes(struct sched_chan *c, unsigned n)
{
	c->max_processes = n;
}

unsigned
sched_chan_processes(const struct sched_chan *c)
{
	return c->max_processes;
}

struct sched_counts
sched_chan_counts(const struct sched_chan *c)
{
	return c->counts;
}

unsigned
sched_chan_running(const struct sched_chan *c)
{
	return c->running;
}
