#include "qmgr/direct.h"

#include <string.h>
#include <strings.h>

#include "mhs/diag.h"
#include "p1/judge.h"
#include "p1/trace.h"
#include "qmgr/summary.h"

bool
q_was_named(
    struct arena *a, const struct mhs_recipient *r, const struct mhs_name *name)
{
	struct p1_history *v;
	size_t n = p1_ext_history(a, &r->exts, P1_EXT_REDIRECTION_HISTORY, &v);

	for (size_t i = 0; i < n; i++)
		if (mhs_name_equal(&v[i].name, name))
			return true;
	return mhs_name_equal(&r->name, name);
}

int
q_redirect(struct arena *a, struct mhs_recipient *r, const struct mhs_name *to,
    enum p1_redirection_reason reason, int64_t now, struct err *e)
{
	struct p1_history *old, *v;
	size_t n =
	    p1_ext_history(a, &r->exts, P1_EXT_REDIRECTION_HISTORY, &old);

	if (r->name.ora != NULL) {
		v = arena_alloc(a, (n + 1) * sizeof(*v));
		if (n > 0)
			memcpy(v, old, n * sizeof(*v));
		v[n] = (struct p1_history){r->name, now, reason};
		if (p1_ext_set_history(a, &r->exts, P1_EXT_REDIRECTION_HISTORY,
			v, n + 1, e) < 0)
			return e->code;
	}
	/* RFC 3461 5.2.7: what the sender called it comes back in reports */
	if (r->name.mailbox != NULL && r->orcpt == NULL)
		r->orcpt = arena_printf(a, "rfc822;%s", r->name.mailbox);
	r->name = *to;
	r->peer = NULL;
	return 0;
}

/* --- the ways --- */

struct pass {
	struct arena *a;
	const struct q_config *c;
	const struct mhs_envelope *env;
	int64_t now;
	bool prohibited; /* recipient-reassignment-prohibited */
	bool redirected;
};

static const char *
fault(struct pass *p, int32_t diagnostic)
{
	return q_fault_peer(p->a, diagnostic);
}

/* Another name for the same recipient is no other recipient. */
static bool
reassigns(enum p1_redirection_reason reason)
{
	return reason == P1_RECIPIENT_ASSIGNED_ALTERNATE ||
	    reason == P1_RECIPIENT_MD_ASSIGNED_ALTERNATE;
}

/* NULL when it was done, else the fault. */
static const char *
follow(struct pass *p, struct mhs_recipient *r, const struct q_redirect *x)
{
	struct err e = ERR_INIT;

	if (p->prohibited && reassigns(x->reason))
		return fault(p, MHS_RECIPIENT_REASSIGNMENT_PROHIBITED);
	if (q_was_named(p->a, r, &x->to) ||
	    q_redirect(p->a, r, &x->to, x->reason, p->now, &e) < 0)
		return fault(p, MHS_REDIRECTION_LOOP_DETECTED);
	p->redirected = true;
	return NULL;
}

static const char *
follow_all(struct pass *p, struct mhs_recipient *r)
{
	const struct q_redirect *x;
	const char *bad;
	unsigned n = 0;

	while ((x = q_route(p->c->redirects, &r->name)) != NULL) {
		/* an address below the prefix may be where all others go */
		if (mhs_name_equal(&x->to, &r->name))
			return NULL;
		if (n++ == Q_REDIRECTIONS_MAX)
			return fault(p, MHS_REDIRECTION_LOOP_DETECTED);
		bad = follow(p, r, x);
		if (bad != NULL)
			return bad;
	}
	return NULL;
}

static const char *
to_list(struct pass *p, const struct mhs_recipient *r, const struct q_list *l)
{
	int32_t diagnostic;

	/* a probe asks whether a message would be expanded */
	if (p->env->kind == MHS_PROBE &&
	    q_list_judge(p->a, l, p->env, r, &diagnostic) == Q_LIST_REFUSED)
		return fault(p, diagnostic);
	return Q_PEER_LISTS;
}

static const char *
way(struct pass *p, const struct mhs_recipient *r)
{
	const struct q_list *l = q_config_list(p->c, &r->name);

	return l != NULL ? to_list(p, r, l) : q_route(p->c->routes, &r->name);
}

/* X.411 14.3.4: nothing leads to it; the originator's alternate comes first,
 * then the domain's if the originator allows it. */
static const char *
use_alternate(struct pass *p, struct mhs_recipient *r)
{
	enum p1_redirection_reason reason;
	struct q_redirect x;
	const struct mhs_name *to = q_alternate(
	    p->a, p->c, p->env, r, MHS_UNRECOGNISED_OR_NAME, &reason);
	struct err e = ERR_INIT;

	if (to == NULL)
		return NULL;
	x = (struct q_redirect){*to, reason};
	if (q_redirect(p->a, r, &x.to, x.reason, p->now, &e) < 0)
		return fault(p, MHS_REDIRECTION_LOOP_DETECTED);
	p->redirected = true;
	return way(p, r);
}

/* --- what is in the way of delivery --- */

/* Contents that can be converted for Internet mail (mixer(8)). */
static bool
has_equivalent(enum mhs_content c)
{
	return c == MHS_CONTENT_P2 || c == MHS_CONTENT_P22 ||
	    c == MHS_CONTENT_P772;
}

/* What is larger than the peer takes does not go there. X.411 9.1, 14.3.1: where the way leaves X.400, or ends at a list, extensions
 * that are critical for delivery must be known; in Internet mail nothing of
 * physical delivery or security can be done either. A label on a report says
 * nothing that its destination did not write; a list hands on all there is. */
static const char *
judge(struct pass *p, const struct mhs_recipient *r)
{
	const struct q_peer_config *peer = q_config_peer(p->c, r->peer);
	size_t i = (size_t)(r - p->env->recipients);
	unsigned can = P1_CAN_PHYSICAL | P1_CAN_SECURITY | P1_CAN_PROVE;
	struct p1_verdict v;

	if (peer != NULL && peer->max_size > 0 && p->env->kind != MHS_REPORT &&
	    p->env->content_length > peer->max_size)
		return fault(p, MHS_CONTENT_TOO_LONG);
	if (peer == NULL || peer->channel->world == Q_WORLD_X400 ||
	    (p->env->kind != MHS_REPORT &&
		p->env->content_type == MHS_CONTENT_RFC822))
		return r->peer;
	if (p->env->kind == MHS_REPORT)
		can = P1_CAN_SECURITY;
	else if (peer->channel->world == Q_WORLD_INTERNET)
		can = 0;
	if (p1_judge_delivery(p->a, p->env, i, can, &v))
		return fault(p, v.diagnostic);
	/* a message fails for it when it is converted */
	if (p->env->kind == MHS_PROBE && strcmp(r->peer, Q_PEER_LISTS) != 0 &&
	    !has_equivalent(p->env->content_type))
		return fault(p, MHS_CONTENT_TYPE_NOT_SUPPORTED);
	return r->peer;
}

static void
direct(struct pass *p, struct mhs_recipient *r)
{
	/* reports go to whom they are for, and to nobody else */
	bool report = p->env->kind == MHS_REPORT;

	r->peer =
	    report || q_routes_empty(p->c->redirects) ? NULL : follow_all(p, r);
	if (r->peer == NULL)
		r->peer = way(p, r);
	if (r->peer == NULL && !report)
		r->peer = use_alternate(p, r);
	if (r->peer != NULL)
		r->peer = judge(p, r);
}

static bool
is_rejected(const struct mhs_recipient *r)
{
	const char *text;
	int32_t reason;

	return q_fault_rejected(r->peer, &reason, &text);
}

bool
q_direct(struct arena *a, const struct q_config *c, struct mhs_envelope *env,
    int64_t now)
{
	struct pass p = {.a = a, .c = c, .env = env, .now = now};

	p.prohibited =
	    p1_ext_flag(&env->exts, P1_EXT_RECIPIENT_REASSIGNMENT_PROHIBITED);
	for (size_t i = 0; i < env->n_recipients; i++)
		if ((env->recipients[i].responsible ||
			env->kind == MHS_REPORT) &&
		    !is_rejected(&env->recipients[i]))
			direct(&p, &env->recipients[i]);
	return p.redirected;
}

/* --- alternates for what failed --- */

static bool
used_originators(struct arena *a, const struct mhs_recipient *r)
{
	struct p1_history *v;
	size_t n = p1_ext_history(a, &r->exts, P1_EXT_REDIRECTION_HISTORY, &v);

	for (size_t i = 0; i < n; i++)
		if (v[i].reason == P1_ORIGINATOR_REQUESTED_ALTERNATE)
			return true;
	return false;
}

const struct mhs_name *
q_alternate(struct arena *a, const struct q_config *c,
    const struct mhs_envelope *env, const struct mhs_recipient *r,
    int32_t diagnostic, enum p1_redirection_reason *reason)
{
	struct mhs_name *to = ARENA_NEW(a, struct mhs_name);
	const struct q_redirect *x;

	if (env->kind == MHS_REPORT || is_rejected(r))
		return NULL;
	if (p1_ext_or_name(a, &r->exts, P1_EXT_ORIGINATOR_ALTERNATE, to) &&
	    !used_originators(a, r) && !q_was_named(a, r, to)) {
		*reason = P1_ORIGINATOR_REQUESTED_ALTERNATE;
		return to;
	}
	if (diagnostic != MHS_UNRECOGNISED_OR_NAME || r->name.ora == NULL ||
	    !env->alternate_recipient_allowed ||
	    p1_ext_flag(&env->exts, P1_EXT_RECIPIENT_REASSIGNMENT_PROHIBITED))
		return NULL;
	x = q_route(c->alternates, &r->name);
	if (x == NULL || q_was_named(a, r, &x->to))
		return NULL;
	*reason = x->reason;
	return &x->to;
}

/* --- trace --- */

static bool
is_ours(const struct q_config *c, const struct mhs_trace *t)
{
	return t->received == NULL &&
	    mhs_domain_equal(&t->domain, &c->domain) &&
	    (!t->internal || mhs_mta_equal(t->mta, c->mta_name));
}

/* The elements at the end that one arrival makes: of the domain, unless it was
 * the last already, and of the MTA (p1/trace.h). */
static size_t
own_elements(const struct q_config *c, const struct mhs_envelope *env)
{
	size_t n = env->n_trace;

	if (n > 0 && env->trace[n - 1].internal &&
	    is_ours(c, &env->trace[n - 1]))
		n--;
	if (n > 0 && !env->trace[n - 1].internal &&
	    is_ours(c, &env->trace[n - 1]))
		n--;
	return env->n_trace - n;
}

struct mhs_envelope
q_trace_before(const struct q_config *c, const struct mhs_envelope *env)
{
	struct mhs_envelope was = *env;
	size_t own = own_elements(c, env);

	while (own-- > 0 && was.trace[was.n_trace - 1].arrival == env->arrival)
		was.n_trace--;
	return was;
}

void
q_trace_mark(struct arena *a, const struct q_config *c,
    struct mhs_envelope *env, uint8_t actions, int64_t deferred)
{
	const struct p1_us us = {c->domain, c->mta_name};
	const struct mhs_trace *old = env->trace;
	size_t n = env->n_trace;

	env->trace = NULL;
	env->n_trace = 0;
	for (size_t i = 0; i < n; i++)
		*mhs_trace_add(a, env) = old[i];
	if (actions & P1_TRACE_REDIRECTED)
		p1_trace_redirected(a, env, &us, env->arrival);
	if (actions & P1_TRACE_DL_OPERATION)
		p1_trace_dl_operation(a, env, &us, env->arrival);
	if (deferred != 0)
		p1_trace_deferred(a, env, &us, env->arrival, deferred);
}
