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

/* --- what was done here --- */

struct own {
	struct mhs_trace *external, *internal;
};

/* Our elements: the last external one, and the last internal one, of all. */
static struct own
find_own(struct mhs_envelope *env, const struct p1_us *us)
{
	struct own own = {0};

	for (size_t i = 0; i < env->n_trace; i++) {
		struct mhs_trace *t = &env->trace[i];
		bool ours = t->received == NULL &&
		    mhs_domain_equal(&t->domain, &us->domain);

		if (t->received != NULL)
			continue;
		if (!t->internal)
			own.external = ours ? t : NULL;
		else
			own.internal =
			    ours && mhs_mta_equal(t->mta, us->mta) ? t : NULL;
	}
	return own;
}

static struct own
own_elements(struct arena *a, struct mhs_envelope *env, const struct p1_us *us,
    int64_t now)
{
	struct own own = find_own(env, us);

	if (own.internal == NULL || own.external == NULL) {
		p1_trace_arrival(a, env, us, now);
		own = find_own(env, us);
	}
	return own;
}

void
p1_trace_rerouted(struct arena *a, struct mhs_envelope *env,
    const struct p1_us *us, int64_t now, const struct mhs_domain *attempted,
    const char *attempted_mta)
{
	struct own own = own_elements(a, env, us, now);
	bool outside =
	    attempted != NULL && !mhs_domain_equal(attempted, &us->domain);

	if (outside && own.external->action == MHS_RELAYED) {
		own.external->action = MHS_REROUTED;
		own.external->attempted = *attempted;
	}
	if (own.internal->action == MHS_REROUTED)
		return;
	own.internal->action = MHS_REROUTED;
	/* the one or the other (MTASuppliedInformation) */
	if (outside)
		own.internal->attempted = *attempted;
	else
		own.internal->attempted_mta = attempted_mta;
}

void
p1_trace_deferred(struct arena *a, struct mhs_envelope *env,
    const struct p1_us *us, int64_t now, int64_t until)
{
	struct own own = own_elements(a, env, us, now);

	own.external->deferred = until;
	own.internal->deferred = until;
}

static void
other_action(struct arena *a, struct mhs_envelope *env, const struct p1_us *us,
    int64_t now, uint8_t bit)
{
	struct own own = own_elements(a, env, us, now);

	own.external->other_actions |= bit;
	own.internal->other_actions |= bit;
}

void
p1_trace_redirected(struct arena *a, struct mhs_envelope *env,
    const struct p1_us *us, int64_t now)
{
	other_action(a, env, us, now, P1_TRACE_REDIRECTED);
}

void
p1_trace_dl_operation(struct arena *a, struct mhs_envelope *env,
    const struct p1_us *us, int64_t now)
{
	other_action(a, env, us, now, P1_TRACE_DL_OPERATION);
}

/* --- loops --- */

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
	bool inside = false;

	for (size_t i = 0; i < env->n_trace; i++) {
		const struct mhs_trace *t = &env->trace[i];
		bool ours;

		if (t->received != NULL)
			continue;
		ours = mhs_domain_equal(&t->domain, &us->domain);
		if (t->internal) {
			/* a domain that reroutes inside need not say so in its
			 * external element */
			if (new_way(t))
				by_mta = by_domain = 0;
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
	/* the last one may be our domain's own element, made by another MTA
	 * of it that passed this on to us */
	if (inside && by_domain > 0)
		by_domain--;
	return by_mta > by_domain ? by_mta : by_domain;
}
