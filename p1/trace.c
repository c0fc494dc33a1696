#include "p1/trace.h"

#include <string.h>

static const struct mhs_trace *
last_external(const struct mhs_envelope *env)
{
	for (size_t i = env->n_trace; i > 0; i--)
		if (!env->trace[i - 1].internal &&
		    env->trace[i - 1].received == NULL)
			return &env->trace[i - 1];
	return NULL;
}

void
p1_trace_arrival(struct arena *a, struct mhs_envelope *env,
    const struct p1_us *us, int64_t now)
{
	const struct mhs_trace *last = last_external(env);
	struct mhs_trace *t;

	if (last == NULL || !mhs_domain_equal(&last->domain, &us->domain)) {
		t = mhs_trace_add(a, env);
		t->domain = us->domain;
		t->arrival = now;
		t->action = MHS_RELAYED;
	}
	t = mhs_trace_add(a, env);
	t->internal = true;
	t->domain = us->domain;
	t->mta = us->mta;
	t->arrival = now;
	t->action = MHS_RELAYED;
}

/* An element after which a way that was gone before may be gone again. */
static bool
new_way(const struct mhs_trace *t)
{
	return t->action != MHS_RELAYED || t->other_actions != 0;
}

unsigned
p1_trace_visits(const struct mhs_envelope *env, const struct p1_us *us)
{
	unsigned by_mta = 0, by_domain = 0;
	bool internal = false, inside = false;

	for (size_t i = 0; i < env->n_trace; i++) {
		const struct mhs_trace *t = &env->trace[i];
		bool ours;

		if (t->received != NULL)
			continue;
		ours = mhs_domain_equal(&t->domain, &us->domain);
		if (t->internal) {
			internal |= ours;
			if (new_way(t))
				by_mta = 0;
			else if (ours && mhs_mta_equal(t->mta, us->mta))
				by_mta++;
			continue;
		}
		if (new_way(t))
			by_domain = 0;
		else if (ours && !inside)
			by_domain++;
		inside = ours;
	}
	if (internal)
		return by_mta;
	/* the last one may be our domain's own element, made by another MTA
	 * of it that passed this on to us */
	return inside && by_domain > 0 ? by_domain - 1 : by_domain;
}
