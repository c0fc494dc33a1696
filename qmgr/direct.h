/*
 * Where each recipient goes, decided when a message is submitted (X.411
 * 14.3.4): redirections that are configured, distribution lists, routes, and
 * alternates for recipients that nobody knows.
 *
 * A recipient whose way ends here, because redirecting it is prohibited or goes
 * round in a circle, gets a peer that stands for the diagnostic; the queue
 * makes the non-delivery of it; one that has such a peer already (the MTA
 * rejected it at receipt, q_fault_reject()) keeps it. Pure: all is made in the arena given.
 */
#ifndef QMGR_DIRECT_H
#define QMGR_DIRECT_H

#include "qmgr/config.h"

/* Redirections of one recipient that are followed at a time. */
#define Q_REDIRECTIONS_MAX 16

/* Sets the peers of all recipients that this MTA is responsible for, and
 * renames those that are redirected. The envelope's array of recipients must
 * be the caller's own. True: somebody was redirected. */
bool q_direct(struct arena *a, const struct q_config *c,
    struct mhs_envelope *env, int64_t now);

/* The recipient is to get it under this name instead: its old name goes into
 * the redirection history (of an Internet recipient, ORCPT), and the peer is
 * cleared. ERR_LIMIT or ERR_SYNTAX when the history cannot hold it. */
int q_redirect(struct arena *a, struct mhs_recipient *r,
    const struct mhs_name *to, enum p1_redirection_reason reason, int64_t now,
    struct err *e);
/* Was it, or is it, called that? */
bool q_was_named(struct arena *a, const struct mhs_recipient *r,
    const struct mhs_name *name);

/* Says in our trace elements, which the envelope gets if it has none yet, what
 * was done (bits of p1/trace.h) and until when it is held (0: not). The
 * envelope's array of elements is copied. */
void q_trace_mark(struct arena *a, const struct q_config *c,
    struct mhs_envelope *env, uint8_t actions, int64_t deferred);
/* The envelope without our trace elements of this arrival (a copy that shares
 * the rest). */
struct mhs_envelope q_trace_before(
    const struct q_config *c, const struct mhs_envelope *env);

/* The originator's or the domain's alternate for a recipient that failed for
 * this diagnostic: NULL when there is none, or it was used. The reason for the
 * history is set. */
const struct mhs_name *q_alternate(struct arena *a, const struct q_config *c,
    const struct mhs_envelope *env, const struct mhs_recipient *r,
    int32_t diagnostic, enum p1_redirection_reason *reason);

#endif
