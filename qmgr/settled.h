/*
 * What a record settles. A list's expansion, the copy for alternate recipients,
 * and a report are messages of their own; each stands for recipients of the
 * message that it was made of, and says so, in the same record. So whoever
 * finds that record after a crash knows that these need nothing any more, even
 * if nobody lived to say so.
 *
 * The fact is put into the envelope (mhs_envelope.settles and what follows), goes
 * to qmgr with the summary, and is applied there when it comes and by the
 * loader when it reads the queue. Pure.
 */
#ifndef QMGR_SETTLED_H
#define QMGR_SETTLED_H

#include "lib/arena.h"
#include "mhs/envelope.h"
#include "qmgr/journal.h"

enum q_settled_as {
	Q_SETTLED_TRANSFERRED, /* others will tell of them */
	Q_SETTLED_DELIVERED,   /* they are to be reported as delivered */
	Q_SETTLED_RELAYED,
	Q_SETTLED_REPORTED, /* their report, or their alternates' copy */
};

struct q_settled {
	uint64_t message; /* 0: nothing is settled */
	enum q_settled_as as;
	const uint32_t *v; /* its recipients */
	size_t n;
};

/* Says in the envelope what it settles. */
void q_settled_set(
    struct arena *a, struct mhs_envelope *env, const struct q_settled *x);
/* What it says; nothing when that makes no sense. */
struct q_settled q_settled_get(struct arena *a, const struct mhs_envelope *env);

/* The state of a settled recipient; `flags` are those of its summary, *o what
 * its report is to say. False: it is not at that stage. */
bool q_settled_state(const struct q_settled *x, enum q_rcpt_state now,
    uint8_t flags, enum q_rcpt_state *then, struct q_outcome *o);

#endif
