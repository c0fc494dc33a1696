/*
 * What the files of the scheduler (sched*.c) share.
 */
#ifndef QMGR_SCHED_OWN_H
#define QMGR_SCHED_OWN_H

#include "qmgr/sched.h"

/* Rank 0 is served first. */
#define RANKS Q_LEVELS
#define RANK(level) (Q_LEVELS - 1u - (unsigned)(level))
#define LEVEL(rank) ((enum q_level)(Q_LEVELS - 1u - (rank)))

struct fifo {
	struct sched_mlist *first, *last;
};

struct sched_peer {
	struct sched_chan *chan;
	char *name;
	struct sched_peer *next;
	struct fifo ready[RANKS];
	struct heap_node node[RANKS]; /* in the channel's heaps */
	struct heap_node timer;       /* the end of a hold */
	unsigned connections, works;
	unsigned out[RANKS]; /* mlists that are ACTIVE */
	unsigned active;     /* their sum */
	uint64_t n_ready;
	unsigned errors;    /* in a row */
	int64_t held_until; /* 0: not held */
	uint64_t served;    /* the dispatch that served it last */
	uint64_t home;
	bool stopped;
};

struct sched_chan {
	struct sched *sched;
	char *name;
	struct sched_chan *next;
	struct sched_peer *peers;
	struct heap heap[RANKS]; /* peers that may be served */
	struct sched_counts counts;
	unsigned busy; /* connections in use: of each peer, as many as it has
	                * mlists out, but no more than it may have */
	unsigned capacity, max_processes, running;
	int64_t last_start, last_stop; /* last_stop: when all had stopped */
	bool ended;                    /* there is a last_stop */
	bool stopped;                  /* by the operator */
};

struct sched {
	struct sched_params params;
	struct sched_chan *chans;
	struct heap timers, holds;
	uint64_t served;
	unsigned running;
};

/* Where the node of a rank belongs to. */
struct sched_peer *sched_node_peer(struct heap_node *node, unsigned rank);
/* How many of `all` places a rank may fill: the reserves are kept back, but
 * never the last place. */
unsigned sched_share(const struct sched *s, unsigned all, unsigned rank);
/* The most urgent that could go out; RANKS: nothing. */
unsigned sched_first_rank(const struct sched_chan *c);

#endif
