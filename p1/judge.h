/*
 * Extensions judged (X.411 9.1, 14.3.1, 14.3.4): what an MTA that relays, and
 * one that delivers, must not accept.
 *
 * An extension is known where the standard puts it; in another place it counts
 * as unknown, and unknown ones are carried unless they are critical. A
 * standard one whose value breaks its syntax or bounds, or that is there twice,
 * is what the message cannot be transferred with. Of a report, whose originator
 * would never hear of it, only one that is critical: others go on as they came,
 * and count as absent where they are read (p1/ext.h).
 */
#ifndef P1_JUDGE_H
#define P1_JUDGE_H

#include "mhs/diag.h"
#include "mhs/envelope.h"

/* What is held against a recipient; `text` is for the supplementary
 * information of its report and for the log, in the arena. */
struct p1_verdict {
	const char *text; /* NULL: nothing */
	enum mhs_reason reason;
	enum mhs_diagnostic diagnostic;
};

/* At receipt (critical for transfer): `v` has env->n_recipients elements, which
 * are filled in, whether we are responsible for them or not. True when there
 * is anything. Of a report, which is never answered by another (X.411 14.3.3),
 * v[0] is why it is to be discarded. */
bool p1_judge(
    struct arena *a, const struct mhs_envelope *env, struct p1_verdict *v);

/* What the MTA that delivers can do for extensions that ask for it: bits. */
#define P1_CAN_PHYSICAL 1 /* physical delivery */
#define P1_CAN_SECURITY 2 /* hand tokens, checks and labels to the recipient */
#define P1_CAN_PROVE 4    /* prove the delivery */

/* Before delivery to this recipient, or the answer to a probe (critical for
 * delivery). */
bool p1_judge_delivery(struct arena *a, const struct mhs_envelope *env,
    size_t recipient, unsigned can, struct p1_verdict *v);

#endif
