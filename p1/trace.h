/*
 * What this MTA adds to the trace of what passes it, and how it finds loops
 * (X.411 12.2.1.1.1.3, 14.3.1).
 */
#ifndef P1_TRACE_H
#define P1_TRACE_H

#include "mhs/envelope.h"

/* Who we are on the wire. */
struct p1_us {
	struct mhs_domain domain; /* our global-domain-identifier */
	const char *mta;          /* our MTA name */
};

/* Appends our elements at arrival: one for our domain, unless the last domain
 * is ours already, and one of internal trace for this MTA. Strings are shared
 * with `us`, which must outlive the envelope. */
void p1_trace_arrival(struct arena *a, struct mhs_envelope *env,
    const struct p1_us *us, int64_t now);

/* What this MTA did after the arrival, on the elements that it put there (they
 * are made, with `now` as arrival, when there are none at the end of the
 * trace). Rerouted: the way to that domain (NULL: it was within ours) and MTA
 * (or NULL) was tried and given up; the first such way is kept. Deferred: until
 * when it is held. Redirected, and a distribution list expanded: X.411
 * OtherActions. */
void p1_trace_rerouted(struct arena *a, struct mhs_envelope *env,
    const struct p1_us *us, int64_t now, const struct mhs_domain *attempted,
    const char *attempted_mta);
void p1_trace_deferred(struct arena *a, struct mhs_envelope *env,
    const struct p1_us *us, int64_t now, int64_t until);
void p1_trace_redirected(struct arena *a, struct mhs_envelope *env,
    const struct p1_us *us, int64_t now);
void p1_trace_dl_operation(struct arena *a, struct mhs_envelope *env,
    const struct p1_us *us, int64_t now);

/* mhs_trace.other_actions */
#define P1_TRACE_REDIRECTED 1
#define P1_TRACE_DL_OPERATION 2

/* How often this was here before, since it was last rerouted, redirected or
 * expanded as a distribution list: by internal trace, and by the domains
 * passed, whichever says more. To be asked before p1_trace_arrival(). */
unsigned p1_trace_visits(
    const struct mhs_envelope *env, const struct p1_us *us);

#endif
