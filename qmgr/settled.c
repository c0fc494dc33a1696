#include "qmgr/settled.h"

#include "mhs/diag.h"
#include "qmgr/summary.h"

#define OCTETS 4 /* of a recipient */

void
q_settled_set(
    struct arena *a, struct mhs_envelope *env, const struct q_settled *x)
{
	uint8_t *p = arena_alloc(a, x->n * OCTETS + 1);

	for (size_t i = 0; i < x->n * OCTETS; i++)
		p[i] = (uint8_t)(x->v[i / OCTETS] >> 8 * (3 - i % OCTETS));
	env->settles = x->message;
	env->settled_as = (uint8_t)x->as;
	env->settled = p;
	env->settled_n = x->n * OCTETS;
}

struct q_settled
q_settled_get(struct arena *a, const struct mhs_envelope *env)
{
	struct q_settled x = {.message = env->settles};
	size_t n = env->settled_n / OCTETS;
	uint32_t *v;

	if (x.message == 0 || env->settled_as > Q_SETTLED_REPORTED ||
	    n > MHS_RECIPIENTS_MAX)
		return (struct q_settled){0};
	v = arena_alloc(a, (n + 1) * sizeof(*v));
	for (size_t i = 0; i < n * OCTETS; i++)
		v[i / OCTETS] = v[i / OCTETS] << 8 | env->settled[i];
	x.as = env->settled_as;
	x.v = v;
	x.n = n;
	return x;
}

bool
q_settled_state(const struct q_settled *x, enum q_rcpt_state now, uint8_t flags,
    enum q_rcpt_state *then, struct q_outcome *o)
{
	static const enum q_result results[] = {
	    [Q_SETTLED_TRANSFERRED] = Q_TRANSFERRED,
	    [Q_SETTLED_DELIVERED] = Q_DELIVERED,
	    [Q_SETTLED_RELAYED] = Q_RELAYED,
	};

	*then = Q_RCPT_DONE;
	*o = (struct q_outcome){.diagnostic = MHS_DIAG_ABSENT};
	if (x->as == Q_SETTLED_REPORTED)
		return now == Q_RCPT_REPORT;
	if (now != Q_RCPT_PENDING)
		return false;
	o->result = results[x->as];
	if (x->as != Q_SETTLED_TRANSFERRED && (flags & Q_RCPT_WANTS_DR))
		*then = Q_RCPT_REPORT;
	return true;
}
