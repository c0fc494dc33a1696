/*
 * The scheduler: which mlist goes to which channel next, and when a failed
 * one is tried again. A tree, channel -> peer -> mlists.
 *
 * The order within a channel: highest level first, always; within a level
 * the peer with the fewest mlists in progress (the one served longest ago among
 * equals); within a peer, first in, first out. Pure: no clock, no I/O; `now` is
 * milliseconds of one clock, and no step is slower than the logarithm of
 * the number of peers or waiting mlists.
 *
 * A peer has as many mlists in progress as it has connections, and as many
 * again that follow without a pause. What is more urgent than these does not
 * wait for them: it is handed out on top (a channel serves what it has in the
 * order of levels), so that for each level the mlists of that level and above
 * that are out stay within the limit.
 *
 * The mlist structs are the caller's; the scheduler links them while they
 * are on its books (sched_add() to sched_done() or an expiry).
 */
#ifndef QMGR_SCHED_H
#define QMGR_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "qmgr/heap.h"
#include "qmgr/level.h"

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
	int64_t qmgr_warn[3];         /* the same: tell that it takes so long;
	                                * 0: never */
};

enum sched_state {
	SCHED_OFF,     /* not on the books */
	SCHED_READY,   /* in its peer's queue */
	SCHED_WAITING, /* until its time */
	SCHED_ACTIVE,  /* a channel has it */
	SCHED_HELD,    /* until the operator releases it */
};

struct sched_peer;
struct sched_chan;
struct sched;

struct sched_mlist {
	struct sched_peer *peer;
	union { /* a place in a queue, or a time to wait for: never both */
		struct sched_mlist *next; /* READY: in the peer's queue */
		int64_t until;            /* WAITING, OFF: not before */
	};
	struct sched_mlist *prev;
	struct heap_node timer; /* the next of expiry, warning, retry */
	int64_t expires;        /* ms; INT64_MAX: never */
	int64_t warn;           /* ms; INT64_MAX: never (again) */
	uint32_t attempts;
	uint8_t state; /* enum sched_state */
	uint8_t level; /* enum q_level */
	bool held;     /* the operator wants it held */
};

struct sched *sched_new(const struct sched_params *p);
void sched_free(struct sched **s);

/* Channels and peers stay until sched_free(). `works`: most mlists of the peer
 * out at a time (see above), at least 1; never more than two for each
 * connection. */
struct sched_chan *sched_chan_new(
    struct sched *s, const char *name, unsigned max_processes);
struct sched_peer *sched_peer_new(struct sched_chan *c, const char *name,
    unsigned connections, unsigned works);
/* For what has no connections. */
#define SCHED_NO_LIMIT 1000000
struct sched_chan *sched_peer_chan(const struct sched_peer *p);
const char *sched_chan_name(const struct sched_chan *c);
const char *sched_peer_name(const struct sched_peer *p);

/* Puts an mlist on the books: ready, or waiting when `until` > now, or held.
 * peer, level, expires, warn, attempts are set by the caller. */
void sched_add(struct sched_mlist *m, int64_t until, int64_t now);
/* Takes it off, in whatever state. */
void sched_remove(struct sched_mlist *m);

/* How many connections the channel's processes have together, from now on. */
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

/* --- the operator's word --- */

/* An mlist that is held keeps its time of expiry. One that is active is held
 * when it comes back. */
void sched_hold(struct sched_mlist *m);
void sched_release(struct sched_mlist *m, int64_t now);
/* One that waits is ready now; others stay as they are. */
void sched_try_now(struct sched_mlist *m);
/* Goes behind what its peer has of that level. */
void sched_set_level(struct sched_mlist *m, enum q_level level);
/* Nothing of it goes out while it is stopped. */
void sched_peer_stop(struct sched_peer *p, bool stop);
void sched_chan_stop(struct sched_chan *c, bool stop);
bool sched_peer_stopped(const struct sched_peer *p);
bool sched_chan_stopped(const struct sched_chan *c);

/* --- time --- */

struct sched_events {
	/* Its time is over; it is off the books. */
	void (*expired)(void *arg, struct sched_mlist *m);
	/* It takes long: m->warn came, and is INT64_MAX now. It stays. May be
	 * NULL if no mlist has a time to warn. */
	void (*overdue)(void *arg, struct sched_mlist *m);
};
/* Does what is due: waiting mlists get ready, holds end, and the events happen.
 * At most SCHED_TICK_MAX steps, so that other work is not kept waiting:
 * sched_deadline() is in the past while more are due. */
#define SCHED_TICK_MAX 2000
void sched_tick(
    struct sched *s, int64_t now, const struct sched_events *events, void *arg);
/* When sched_tick() is next of use; INT64_MAX: never. */
int64_t sched_deadline(const struct sched *s);

/* --- numbers that adapt (qmgr/tune.h) --- */

void sched_peer_set_connections(struct sched_peer *p, unsigned n);
unsigned sched_peer_connections(const struct sched_peer *p);
void sched_chan_set_processes(struct sched_chan *c, unsigned n);
unsigned sched_chan_processes(const struct sched_chan *c);
/* Mlists of the peer that are out, and that could be if more were allowed. */
unsigned sched_peer_active(const struct sched_peer *p);
uint64_t sched_peer_ready(const struct sched_peer *p);
/* Which process has the peer: a name that the caller gives it; 0: none. */
uint64_t sched_peer_home(const struct sched_peer *p);
void sched_peer_set_home(struct sched_peer *p, uint64_t home);

/* --- processes --- */

/* May one more process of the channel be started now, and is one of use? If
 * only the time is too early, *when says when (else INT64_MAX). */
bool sched_may_start(struct sched_chan *c, int64_t now, int64_t *when);
void sched_started(struct sched_chan *c, int64_t now);
void sched_stopped(struct sched_chan *c, int64_t now);

/* A process of the channel ends, so that another channel can have one when
 * qmgr_maxchans is all there may be: an idle one, for a channel that has more
 * urgent work (or any, when this one has none); a busy one, for a channel that
 * has none at all when this one has several and its work is not more urgent. */
bool sched_should_yield(const struct sched_chan *c, bool idle);
/* Is all that it may use taken, and more is ready? */
bool sched_chan_saturated(const struct sched_chan *c);

struct sched_counts {
	uint64_t ready, waiting, active, held;
};
struct sched_counts sched_chan_counts(const struct sched_chan *c);
unsigned sched_chan_running(const struct sched_chan *c);

#endif
