/*
 * The queue in memory: every message that is not finished, the state of each
 * of its recipients, and what follows from a channel's answer. The heart of
 * qmgr.
 *
 * Takes summaries and outcomes in, gives work out in the scheduler's order,
 * and hands every change of state to the journal; what follows from a change
 * (the next step, the report, the end of a message) happens when the journal
 * says that it is durable. No files, no sockets, no clock: `now` is wall-clock
 * milliseconds.
 */
#ifndef QMGR_QUEUE_H
#define QMGR_QUEUE_H

#include "qmgr/config.h"
#include "qmgr/journal.h"
#include "qmgr/proto.h"
#include "qmgr/rate.h"
#include "qmgr/sched.h"

/* Where the work of a peer goes that has had errors for long. */
struct q_rerouted {
	const char *peer, *to;
	enum q_reroute_news {
		Q_REROUTE_GIVEN_UP, /* from now on */
		Q_REROUTE_MOVED,    /* some of it went */
		Q_REROUTE_BACK,     /* it answered: its work stays with it */
	} news;
	uint64_t count; /* recipients that went since the last news of it; BACK:
	                 * since it was given up */
};

struct q_queue_ops {
	/* Makes the entries durable, then calls done(done_arg); in order, and
	 * never from inside this call. */
	void (*journal)(void *arg, struct buf *entries,
	    void (*done)(void *done_arg), void *done_arg);
	/* No record of the segment is needed any more. */
	void (*segment_over)(void *arg, uint64_t number);
	/* The same for a content file. */
	void (*content_over)(void *arg, uint64_t number);
	/* What time it is, for what follows from a journal's answer. */
	int64_t (*now)(void *arg);
	/* A report cannot go on, and nobody is told: for the log. */
	void (*dropped)(void *arg, q_id report, const struct q_outcome *why);
	/* Steps were journalled, and what follows is on the scheduler's books:
	 * dispatch. */
	void (*planned)(void *arg);
	/* A peer's mlists went to another, or it is back; may be NULL. */
	void (*rerouted)(void *arg, const struct q_rerouted *x);
};

struct q_queue;
/* The configuration must live as long. */
struct q_queue *q_queue_new(
    const struct q_config *c, const struct q_queue_ops *ops, void *arg);
void q_queue_free(struct q_queue **q);
struct sched *q_queue_sched(struct q_queue *q);
/* NULL: no such channel. */
struct sched_chan *q_queue_chan(const struct q_queue *q, const char *name);

/* A message or a version came; one that is known is passed over. Summaries
 * that make no sense give ERR_SYNTAX. */
int q_queue_submitted(struct q_queue *q, const struct q_summary *s);
/* A message from the loader, with its packed STATE entries; the last `learned`
 * octets of them are to be journalled. */
int q_queue_loaded(struct q_queue *q, const struct q_summary *s,
    const uint8_t *states, size_t n, size_t learned, struct err *e);
/* No process appends to the segment any more. */
void q_queue_segment(struct q_queue *q, const struct q_segment_news *s);

/* A record of the queue has a copy now, which stands for it; one of a record
 * that the queue does not know (any more) is waste. */
void q_queue_moved(struct q_queue *q, const struct q_moved *m);

/* Compaction. Octets of the files of finished segments, and of the records
 * in them that are needed; without segments that something keeps that cannot be
 * moved (damaged, or moved already and still read). */
struct q_queue_use {
	uint64_t files, live;
};
struct q_queue_use q_queue_use(const struct q_queue *q);
/* The places of the records that are needed in the emptiest segments: as many
 * segments as it takes to give up `waste` octets, and not more than `most`
 * octets of records from more than one. The caller frees *v. */
size_t q_queue_stragglers(
    const struct q_queue *q, uint64_t waste, uint64_t most, q_id **v);
/* What is still there of these places could not be moved: their segments are
 * neither asked for again nor counted as files that could go. */
void q_queue_unmoved(struct q_queue *q, const q_id *v, size_t n);

/* While a scan for records of a dead process is under way no segment may go:
 * what is scanned is recognised by them. Calls are counted. */
void q_queue_keep_segments(struct q_queue *q, bool keep);

/* The next work for a channel; arrays are in the arena or the queue's, good
 * until the answer. False: nothing now. */
bool q_queue_next(
    struct q_queue *q, struct sched_chan *c, struct arena *a, struct q_work *w);
/* What became of a work. Nonsense (an unknown mlist) gives ERR_PROTOCOL. */
int q_queue_result(struct q_queue *q, const struct q_outcomes *o);
/* The channel died with this work. Where it may have settled some of it, the
 * work waits until what the process wrote is scanned: `instance` is its, 0:
 * there is no scan. */
void q_queue_lost(struct q_queue *q, uint64_t mlist, uint64_t instance);
/* The scan of that process' segments is over. */
void q_queue_scanned(struct q_queue *q, uint64_t instance);
/* Retries, holds, warnings and expiries that are due. */
void q_queue_tick(struct q_queue *q);
/* The scheduler's peer of a work that is out; NULL: there is no such work. */
struct sched_peer *q_queue_work_peer(const struct q_queue *q, uint64_t mlist);

/* What the self test found (qmgr/tune.h): how many processes a channel has best,
 * and how many connections a peer. Strings are the queue's. */
struct q_advice {
	const char *channel, *peer; /* peer NULL: processes of the channel */
	unsigned n, min, max;       /* now; bounds */
	double rate;                /* messages a second with n; 0: unknown */
	const char *why;            /* the last decision */
	int64_t at;                 /* wall ms of it; 0: none yet */
};
void q_queue_advice(const struct q_queue *q,
    void (*fn)(void *arg, const struct q_advice *x), void *arg);

/* What went through, at results: deliveries, transfers, conversions, reports.
 * Strings are the queue's. */
struct q_rates {
	const char *channel, *peer; /* peer NULL: the channel */
	double messages[RATE_WINDOWS], octets[RATE_WINDOWS]; /* a second */
};
void q_queue_rates(const struct q_queue *q,
    void (*fn)(void *arg, const struct q_rates *x), void *arg);

/* When q_queue_tick() is next of use; INT64_MAX: never. */
int64_t q_queue_deadline(const struct q_queue *q);

/* The state of everything as journal entries. */
void q_queue_snapshot(const struct q_queue *q, struct buf *out);
uint64_t q_queue_messages(const struct q_queue *q);
uint64_t q_queue_segments(const struct q_queue *q);

/* Goes over all mlists while the queue goes on. */
struct q_cursor;
struct q_cursor *q_cursor_new(struct q_queue *q);
void q_cursor_free(struct q_cursor **c);
/* Only these from now on; all zero: everything. Strings must live as long. Of
 * the hashes the low 32 bits count (q_name_key()): what is shown is a candidate. */
struct q_filter {
	const char *channel, *peer;     /* NULL: any */
	uint64_t originator, recipient; /* q_name_hash(), 0: any */
	unsigned levels;                /* bits 1 << enum q_level; 0: any */
	unsigned states;                /* bits 1 << enum q_view_state */
	unsigned kinds;                 /* bits 1 << enum mhs_kind */
	/* Wall seconds, not before the one and before the other; 0: any. */
	int64_t arrived_after, arrived_before;
	uint64_t after; /* begins behind this (q_mlist_view.sequence) */
};
void q_cursor_filter(struct q_cursor *c, const struct q_filter *f);
/* An mlist's state as the operator sees it. */
enum q_view_state {
	Q_VIEW_READY,
	Q_VIEW_ACTIVE,    /* a channel has it */
	Q_VIEW_WAITING,   /* back-off after an error of its own */
	Q_VIEW_DEFERRED,  /* the originator's deferred delivery time */
	Q_VIEW_PEER_WAIT, /* back-off after errors of its peer */
	Q_VIEW_HELD,      /* by the operator */
	Q_VIEW_STOPPED,   /* its peer or channel is, by the operator */
	Q_VIEW_STATES
};
const char *q_view_state_name(enum q_view_state s);

struct q_mlist_view {
	q_id message;
	uint64_t sequence; /* rises in the order of the listing; not the same
	                    * after a start */
	enum mhs_kind kind;
	enum mhs_priority priority;
	enum q_level level;
	int64_t arrival; /* wall seconds */
	uint64_t size;
	size_t recipients;
	const char *channel, *peer;
	const uint32_t *v; /* indices of the recipients in the record */
	enum q_view_state view;
	bool hold; /* ACTIVE, and some of it is held if it comes back */
	const char *rerouted_from; /* peer tried first; NULL: none */
	unsigned attempts;
	int64_t next; /* wall seconds; 0: now */
	const char *error;
};
/* Looks at the next `messages` messages (one with many recipients counts for
 * more when these are looked at), and calls fn for each of their mlists that the
 * filter lets through, which may be none; false at the end. */
bool q_cursor_next(struct q_cursor *c, unsigned messages,
    void (*fn)(void *arg, const struct q_mlist_view *v), void *arg);

#endif
