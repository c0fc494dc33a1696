/*
 * Connecting (X.226 6.2): what is proposed, what is accepted, and refusals in
 * both directions.
 */
#include "osi/pres_int.h"

#include <string.h>

#define LAYER "presentation"

/* --- connect, responder --- */

static int
encode_answer(const struct pres *p, const struct pres_answer *c, bool accepted,
    struct buf *out, struct err *e)
{
	/* only the normal form has room for what the provider says */
	if (p->x410 && c->provider_reason == PRES_REFUSE_NONE)
		return pres_x410_encode(
		    accepted ? PRES_X410_CPA : PRES_X410_CPR, &c->values, out,
		    e);
	return accepted ? pres_cpa_encode(c, out, e)
			: pres_cpr_encode(c, out, e);
}

static int
connect_rsp(struct pres *p, bool accepted, int provider_reason,
    const struct pres_values *v, struct err *e)
{
	struct pres_answer c = {.responding = p->params.responding,
	    .results = p->contexts,
	    .n_results = p->n_contexts,
	    .provider_reason = provider_reason,
	    .values = *v};
	struct ses_prim s = {.type = SES_CONNECT,
	    .kind = SES_RSP,
	    .accepted = accepted,
	    .reason = SES_REFUSE_USER_DATA,
	    .last = true};
	struct buf ppdu = {0};
	int rc = encode_answer(p, &c, accepted, &ppdu, e);

	if (rc >= 0) {
		s.data = ppdu.data;
		s.n = ppdu.len;
		pres_trace(p, true,
		    accepted ? "presentation CPA" : "presentation CPR", "");
		pres_enter(p, accepted ? PRES_CONNECTED : PRES_CLOSED);
		rc = ses_request(p->ses, &s, e);
	}
	buf_free(&ppdu);
	return rc;
}

/* The provider refuses; the user learns only that nothing came of it. */
static void
refuse(struct pres *p, enum pres_refuse_reason reason, struct err *why)
{
	struct pres_values none = {0};
	struct err e = ERR_INIT;

	if (connect_rsp(p, false, reason, &none, &e) < 0)
		pres_trace(p, true, "presentation CPR dropped", e.text);
	pres_enter(p, PRES_WAIT_RSP);
	pres_p_abort_ind(p, why);
}

static bool
supported(const struct pres *p, const char *syntax)
{
	for (size_t i = 0; i < p->params.n_contexts; i++)
		if (strcmp(p->params.contexts[i].abstract_syntax, syntax) == 0)
			return true;
	return false;
}

static void
judge(const struct pres *p, const struct pres_proposal *in,
    struct pres_context *out)
{
	out->result = PRES_PROVIDER_REJECTION;
	if (!supported(p, in->abstract_syntax))
		out->reason = PRES_ABSTRACT_SYNTAX_NOT_SUPPORTED;
	else if (!in->ber)
		out->reason = PRES_TRANSFER_SYNTAXES_NOT_SUPPORTED;
	else
		out->result = PRES_ACCEPTANCE;
}

static int
negotiate(struct pres *p, const struct pres_cp *cp, struct err *e)
{
	for (size_t i = 0; i < cp->n_contexts; i++) {
		struct pres_context *c = &p->contexts[i];

		for (size_t j = 0; j < i; j++)
			if (p->contexts[j].id == cp->contexts[i].id)
				return err_set(e, LAYER, ERR_SYNTAX,
				    "context %d proposed twice",
				    cp->contexts[i].id);
		c->id = cp->contexts[i].id;
		c->abstract_syntax =
		    arena_strdup(p->arena, cp->contexts[i].abstract_syntax);
		judge(p, &cp->contexts[i], c);
	}
	p->n_contexts = cp->n_contexts;
	return 0;
}

/* An absent selector is the same as an empty one here. */
static bool
addressed_to_us(const struct pres *p, const struct osi_sel *called)
{
	const struct osi_sel *us = &p->params.called;

	if (!us->present)
		return true;
	return us->n == called->n && memcmp(us->v, called->v, us->n) == 0;
}

static enum pres_refuse_reason
refusal_of(const struct err *e)
{
	return e->code == ERR_LIMIT ? PRES_REFUSE_LOCAL_LIMIT
				    : PRES_REFUSE_NOT_SPECIFIED;
}

static bool
cp_acceptable(struct pres *p, const struct pres_cp *cp, struct err *e)
{
	enum pres_refuse_reason reason;

	if (cp->x410_mode && p->params.x410) {
		p->x410 = true;
		return true;
	}
	if (cp->x410_mode) {
		err_set(e, LAYER, ERR_UNSUPPORTED, "peer asks for X.410 mode");
		reason = PRES_REFUSE_VERSION;
	} else if (!addressed_to_us(p, &cp->called)) {
		err_set(e, LAYER, ERR_REFUSED, "called selector is not ours");
		reason = PRES_REFUSE_ADDRESS_UNKNOWN;
	} else if (negotiate(p, cp, e) < 0) {
		reason = PRES_REFUSE_NOT_SPECIFIED;
	} else {
		return true;
	}
	refuse(p, reason, e);
	return false;
}

void
pres_connect_ind(struct pres *p, const struct ses_prim *s)
{
	struct arena *a = arena_new();
	struct pres_cp cp;
	struct err e = ERR_INIT;
	struct pres_prim q = {.type = PRES_CONNECT,
	    .kind = SES_IND,
	    .provider_reason = PRES_REFUSE_NONE,
	    .ses = s};

	pres_enter(p, PRES_WAIT_RSP);
	if (pres_cp_decode(a, s->data, s->n, &cp, &e) < 0) {
		refuse(p, refusal_of(&e), &e);
	} else if (cp_acceptable(p, &cp, &e)) {
		pres_trace(p, false, "presentation CP", "");
		p->params.called = cp.called;
		p->params.calling = cp.calling;
		q.values = cp.values.v;
		q.n_values = cp.values.n;
		p->fn(p->user, &q);
	}
	arena_free(&a);
}

/* --- connect, initiator --- */

static int
take_results(struct pres *p, const struct pres_answer *c, struct err *e)
{
	if (c->n_results != p->n_contexts)
		return err_set(e, LAYER, ERR_PROTOCOL,
		    "%zu contexts answered of %zu proposed", c->n_results,
		    p->n_contexts);
	for (size_t i = 0; i < p->n_contexts; i++) {
		p->contexts[i].result = c->results[i].result;
		p->contexts[i].reason = c->results[i].reason;
	}
	return 0;
}

static void
connect_cnf_up(struct pres *p, const struct ses_prim *s,
    const struct pres_answer *c, const struct err *why)
{
	struct pres_prim q = {.type = PRES_CONNECT,
	    .kind = SES_CNF,
	    .accepted = s->accepted,
	    .values = c->values.v,
	    .n_values = c->values.n,
	    .provider_reason = c->provider_reason,
	    .ses = s,
	    .err = why};

	pres_enter(p, s->accepted ? PRES_CONNECTED : PRES_CLOSED);
	p->fn(p->user, &q);
}

static int
same_mode(const struct pres *p, const struct pres_answer *c, struct err *e)
{
	if (c->x410_mode == p->x410)
		return 0;
	return err_set(e, LAYER, ERR_PROTOCOL,
	    "CPA in %s mode answers a CP in %s",
	    c->x410_mode ? "X.410" : "normal", p->x410 ? "X.410" : "normal");
}

static void
accepted_cnf(struct pres *p, const struct ses_prim *s)
{
	struct arena *a = arena_new();
	struct pres_answer c;
	struct err e = ERR_INIT;

	if (pres_cpa_decode(a, s->data, s->n, &c, &e) < 0 ||
	    same_mode(p, &c, &e) < 0 ||
	    (!p->x410 && take_results(p, &c, &e) < 0)) {
		pres_provider_abort(
		    p, pres_abort_reason_of(&e), PRES_EVENT_CPA, &e);
	} else {
		pres_trace(p, false, "presentation CPA", "");
		p->params.responding = c.responding;
		connect_cnf_up(p, s, &c, NULL);
	}
	arena_free(&a);
}

static const char *const refuse_texts[] = {
    [PRES_REFUSE_NOT_SPECIFIED] = "reason not specified",
    [PRES_REFUSE_CONGESTION] = "temporary congestion",
    [PRES_REFUSE_LOCAL_LIMIT] = "local limit exceeded",
    [PRES_REFUSE_ADDRESS_UNKNOWN] = "called presentation address unknown",
    [PRES_REFUSE_VERSION] = "protocol version not supported",
    [PRES_REFUSE_DEFAULT_CONTEXT] = "default context not supported",
    [PRES_REFUSE_USER_DATA] = "user data not readable",
    [PRES_REFUSE_NO_PSAP] = "no PSAP available",
};

static void
refused_cnf(struct pres *p, const struct ses_prim *s)
{
	struct arena *a = arena_new();
	struct pres_answer c = {.provider_reason = PRES_REFUSE_NONE};
	struct err e = ERR_INIT;

	if (s->n == 0) {
		err_set(&e, "session", ERR_REFUSED,
		    "connection refused, reason %u", s->reason);
		e.detail = s->reason;
	} else if (pres_cpr_decode(a, s->data, s->n, &c, &e) < 0) {
		err_prefix(&e, "refused, and the CPR is unreadable");
	} else if (c.provider_reason >= 0) {
		err_set(&e, LAYER, ERR_REFUSED, "connection refused: %s",
		    refuse_texts[c.provider_reason]);
		e.detail = c.provider_reason;
	} else {
		err_set(&e, LAYER, ERR_REFUSED, "connection refused by user");
	}
	/* an RTORJ in the other mode is nothing that our user asked for */
	if (c.x410_mode && !p->x410)
		c.values = (struct pres_values){0};
	pres_trace(p, false, "presentation CPR", e.text);
	connect_cnf_up(p, s, &c, &e);
	arena_free(&a);
}

void
pres_connect_cnf(struct pres *p, const struct ses_prim *s)
{
	if (s->accepted)
		accepted_cnf(p, s);
	else
		refused_cnf(p, s);
}

static int
propose(struct pres *p, struct pres_cp *cp, struct pres_proposal *v)
{
	for (size_t i = 0; i < p->n_contexts; i++)
		v[i] = (struct pres_proposal){
		    p->contexts[i].id, p->contexts[i].abstract_syntax, true};
	cp->contexts = v;
	cp->n_contexts = p->n_contexts;
	return 0;
}

int
pres_connect_req(struct pres *p, const struct pres_prim *q, struct err *e)
{
	struct pres_proposal v[PRES_CONTEXTS_MAX];
	struct pres_cp cp = {.calling = p->params.calling,
	    .called = p->params.called,
	    .values = {q->values, q->n_values}};
	struct ses_prim s = {
	    .type = SES_CONNECT, .kind = SES_REQ, .last = true};
	struct buf ppdu = {0};
	int rc;

	propose(p, &cp, v);
	rc = p->x410 ? pres_x410_encode(PRES_X410_CP, &cp.values, &ppdu, e)
		     : pres_cp_encode(&cp, &ppdu, e);
	if (rc >= 0) {
		s.data = ppdu.data;
		s.n = ppdu.len;
		pres_enter(p, PRES_WAIT_CPA);
		pres_trace(p, true, "presentation CP", "");
		rc = ses_request(p->ses, &s, e);
	}
	buf_free(&ppdu);
	return rc;
}

/* --- the user's response --- */

int
pres_connect_rsp(struct pres *p, const struct pres_prim *q, struct err *e)
{
	struct pres_values v = {q->values, q->n_values};

	return connect_rsp(p, q->accepted, PRES_REFUSE_NONE, &v, e);
}
