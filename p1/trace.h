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

/* How often this was here before, since it was last rerouted, redirected or
 * expanded as a distribution list: by internal trace where it has any of our
 * domain, else by the domains passed. To be asked before p1_trace_arrival(). */
unsigned p1_trace_visits(
    const struct mhs_envelope *env, const struct p1_us *us);

#endif
