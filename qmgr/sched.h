/*
 * The scheduler: which mlist goes to which channel next, and when a failed
 * one is tried again. A tree, channel -> peer -> mlists.
 *
 * The order within a channel: highest priority first, always; within a
 * priority the peer with the fewest mlists in progress (the one served longest
 * ago among equals); within a peer, first in, first out. Pure: no clock, no
 * I/O; `now` is milliseconds of one clock, and no step is slower than the
 * logarithm of the number of peers or waiting mlists.
 *
 * The mlist structs are the caller's; the scheduler links them while they
 * are on its books (sched_add() to sched_done() or an expiry).
 */
#ifndef QMGR_SCHED_H
#define QMGR_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mhs/envelope.h"
#include "qmgr/heap.h"

/* Named as the operators know them, qmgr_*; times are milliseconds. */
struct sched_params {
	unsigned qmgr_maxchans;       /* channel processes at a time */
	unsigned qmgr_reserve_urgent; /* of these, only for urgent */
	unsigned qmgr_reserve_normal; /* of these, not for non-urgent */
	int64_t qmgr_chan_time1;      /* no restart this soon after all
	                                * processes of a channel stopped */
	int64_t qmgr_chan_time2;      /* no second start this soon */
	int64_t qmgr_chan_time3;      /* the same, where load is light */
	int64_t qmgr_retry_step;      /* back-off: attempts times this, */
	int64_t qmgr_retry_max;       /* at most this */
	int64_t qmgr_expiry[3];       /* by enum mhs_priority, from arrival */
};

enum sched_state {
	SCHED_OFF,     /* not on the books */
	SCHED_READY,   /* in its peer's queue */
	SCHED_WAITING, /* until its time */
	SCHED_ACTIVE,  /* a channel has it */
};

struct sched_peer;
struct sched_chan;
struct sched;

struct sched_mlist {
	struct sched_peer *peer;
	struct sched_mlist *next, *prev; /* in the peer's queue */
	struct heap_node timer;          /* expiry, or retry if sooner */
	enum sched_state state;
	enum mhs_priority priority;
	int64_t expires; /* ms; INT64_MAX: never */
	int64_t until;   /* WAITING: when it is ready again */
	unsigned attempts;
};

struct sched *sched_new(const struct sched_params *p);
void sched_free(struct sched **s);

/* Channels and peers stay until sched_free(). `limit`: most mlists of the peer
 * in progress at a time. */
struct sched_chan *sched_chan_new(
    struct sched *s, const char *name, unsigned max_processes);
struct sched_peer *sched_peer_new(
    struct sched_chan *c, const char *name, unsigned limit);
struct sched_chan *sched_peer_chan(const struct sched_peer *p);
const char *sched_chan_name(const struct sched_chan *c);
const char *sched_peer_name(const struct sched_peer *p);

/* Puts an mlist on the books: ready, or waiting when `until` > now. peer,
 * priority, expires, attempts are set by the caller. */
void sched_add(struct sched_mlist *m, int64_t until, int64_t now);
/* Takes it off, in whatever state. */
void sched_remove(struct sched_mlist *m);

/* How many works the channel's processes take together, from now on. */
void sched_chan_capacity(struct sched_chan *c, unsigned capacity);
/* The next mlist for the channel, now ACTIVE with `attempts` increased; NULL
 * when nothing is ready or no capacity is left for what is ready. */
struct sched_mlist *sched_next(struct sched_chan *c, int64_t now);

/* An ACTIVE mlist comes back: */
/* - it is finished: off the books */
void sched_done(struct sched_mlist *m);
/* - the message must wait (linear back-off by its attempts) */
void sched_retry(struct sched_mlist *m, int64_t now);
/* - it did not get its chance: first in its peer's queue again */
void sched_again(struct sched_mlist *m, int64_t now);
/* - the peer must wait: the mlist goes back to its queue, and the peer is held
 * (linear back-off by its errors in a row). */
void sched_peer_error(struct sched_mlist *m, int64_t now);
/* The peer answered: its row of errors ends. */
void sched_peer_ok(struct sched_peer *p);
/* Is the peer held at this time? Until when (0: not)? */
int64_t sched_peer_held(const struct sched_peer *p);
/* The operator says: try now. */
void sched_peer_release(struct sched_peer *p, int64_t now);

/* Does what is due: waiting mlists get ready, holds end. Each mlist whose time
 * is over is taken off the books and given to `expired`. */
void sched_tick(struct sched *s, int64_t now,
    void (*expired)(void *arg, struct sched_mlist *m), void *arg);
/* When sched_tick() or sched_may_start() is next of use; INT64_MAX: never. */
int64_t sched_deadline(const struct sched *s);

/* May one more process of the channel be started now, and is one of use? If
 * only the time is too early, *when says when (else INT64_MAX). */
bool sched_may_start(struct sched_chan *c, int64_t now, int64_t *when);
void sched_started(struct sched_chan *c, int64_t now);
void sched_stopped(struct sched_chan *c, int64_t now);

struct sched_counts {
	uint64_t ready, waiting, active;
};
struct sched_counts sched_chan_counts(const struct sched_chan *c);
unsigned sched_chan_running(const struct sched_chan *c);

#endif
