/*
 * What the operator does to the queue: hold and release, try now, another
 * peer, another level, return to the originator, delete; stop and start peers
 * and channels.
 *
 * Each takes effect in memory at once and is journalled, so that a start after
 * a crash finds the same; `done`, which may be NULL, is called once that is
 * durable (never from inside the call). Functions return 0, or a negative code
 * and why in `e`: ERR_REFUSED when there is no such message or it cannot be
 * done in its state, ERR_CONFIG for a peer or channel that is not there. Part of
 * struct q_queue (qmgr/queue.h): no files, no clock.
 */
#ifndef QMGR_OPERATOR_H
#define QMGR_OPERATOR_H

#include "qmgr/queue.h"

/* Some or all recipients of one message that are not done; an index may come
 * twice. */
struct q_op_target {
	q_id message;
	const uint32_t *v; /* indices into the record's recipients */
	size_t n;          /* 0: all that are not done */
};

typedef void q_op_done(void *arg);

/* Recipients that a channel has at this moment, or whose last change is not
 * durable yet, are out of reach for redirect, return and delete: they are left
 * as they are. `out` is set whenever 0 is returned; if it did nothing to anybody
 * (all are busy, or as they shall be), nothing is journalled and `done` is not
 * called. */
struct q_op_result {
	size_t recipients; /* done to these */
	/* A channel has them: hold, wait, and try again. Of a hold: those of
	 * `recipients` that are held only if they come back. */
	size_t busy;
	size_t unchanged; /* nothing had to be, or could be, done to these, */
	const char *why;  /* for this reason (the first one's) */
	size_t told;      /* return: those that a report is due for */
};

/* Of recipients whose outcome is not known yet; a report on one that is held
 * goes out. An mlist that is out is held when it comes back. A held message
 * expires nevertheless, and a release does not end the originator's deferred
 * delivery time. */
int q_op_hold(struct q_queue *q, const struct q_op_target *t, bool hold,
    struct q_op_result *out, q_op_done *done, void *arg, struct err *e);
/* Ends back-off and deferral by errors, not the originator's deferred delivery
 * time; also of the peer that it waits for. Nothing is journalled. */
int q_op_retry(struct q_queue *q, const struct q_op_target *t,
    struct q_op_result *out, struct err *e);
/* The order changes; expiry and warning stay those of the level it came with. */
int q_op_set_level(struct q_queue *q, q_id message, enum q_level level,
    q_op_done *done, void *arg, struct err *e);
/* To the configured peer of that name; its plan begins at the first step. A
 * recipient whose outcome is known is not redirected, nor one that goes there
 * already; a probe goes only to peers that speak X.400. */
int q_op_redirect(struct q_queue *q, const struct q_op_target *t,
    const char *peer, struct q_op_result *out, q_op_done *done, void *arg,
    struct err *e);
/* They fail with this outcome, and whoever is to be told of it is. */
int q_op_return(struct q_queue *q, const struct q_op_target *t,
    const struct q_outcome *why, struct q_op_result *out, q_op_done *done,
    void *arg, struct err *e);
/* They are done, and nobody is told. */
int q_op_delete(struct q_queue *q, const struct q_op_target *t,
    struct q_op_result *out, q_op_done *done, void *arg, struct err *e);

/* Nothing of it goes out while it is stopped; peer NULL: the channel. What is
 * stopped is remembered by the caller (qmgr: SPOOL/stopped), not journalled. */
int q_op_stop(struct q_queue *q, const char *channel, const char *peer,
    bool stop, struct err *e);
/* Can work be sent there? ERR_CONFIG and why if not. */
int q_op_peer(struct q_queue *q, const char *peer, struct err *e);
/* Ends the peer's hold by errors. */
int q_op_retry_peer(struct q_queue *q, const char *peer, struct err *e);

#endif
