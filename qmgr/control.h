/*
 * The local control socket of qmgr, SPOOL/run/control: what the operator's
 * tools ask of a running switch.
 *
 * A Unix stream socket. The client sends one request, a line
 * (qmgr/control_request.h); the answer is rows (qmgr/control_row.h) and a last
 * line: "." (that is all) or "!text" (refused, and why). An answer that ends
 * otherwise is not complete. Who asks is known from SO_PEERCRED: qmgr's own
 * user and root may do everything, members of two configured groups may act or
 * look, all others are refused.
 */
#ifndef QMGR_CONTROL_H
#define QMGR_CONTROL_H

#include "qmgr/control_request.h"
#include "qmgr/control_row.h"

/* --- client side: isthmus(1) --- */

/* Returning false ends the answer early. */
typedef bool q_row_fn(void *arg, const struct q_row *row);

/* Asks the qmgr behind the socket at `path` and calls fn for each row of the
 * answer; what it gets is valid during the call. Blocks. 0, or ERR_SYSTEM (no
 * qmgr there), ERR_REFUSED, ERR_SYNTAX (no answer of ours), ERR_TEMPORARY (it
 * broke off). */
int q_control_ask(const char *path, const struct q_request *r, q_row_fn *fn,
    void *arg, struct err *e);

/* --- qmgr's side --- */

struct qmgr;
struct q_control;
struct q_outcomes;
struct sched_peer;

/* Listens at `path` (removing a stale socket), and stops what was stopped before
 * this start (SPOOL/stopped). Answers read the queue of `q` while it goes on
 * changing: a row is as things were when it was made. */
struct q_control *q_control_open(
    struct qmgr *q, const char *path, struct err *e);
void q_control_close(struct q_control **c);
/* A channel answered with an error of the peer: for `isthmus status`. */
void q_control_peer_error(struct q_control *c, const struct sched_peer *peer,
    const struct q_outcomes *o);

#endif
