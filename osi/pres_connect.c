/*
 * Connecting (X.226 6.2): what is proposed, what is accepted, and refusals in
 * both directions.
 */
#include "osi/pres_int.h"
#include "osi/pres_read.h"

#include <string.h>

#define LAYER "presentation"

/* --- values and their contexts --- */

int32_t
pres_sole_context(const struct pres *p, bool open)
{
	int32_t id = -1;

	for (size_t i = 0; i < p->n_contexts; i++) {
		if (open && p->contexts[i].result != PRES_ACCEPTANCE)
			continue;
		if (id > 0)
			return -1;
		id = p->contexts[i].id;
	}
	return id < 0 && p->has_default ? 0 : id;
}

static bool
in_set(const struct pres *p, int32_t id, bool open)
{
	for (size_t i = 0; i < p->n_contexts; i++)
		if (p->contexts[i].id == id)
			return !open ||
			    p->contexts[i].result == PRES_ACCEPTANCE;
	return false;
}

int
pres_check_depth(
    const struct pres *p, const uint8_t *v, size_t n, struct err *e)
{
	const struct ber_limits limits = {
	    .max_depth = osi_depth(&p->params.ses.cotp.common, OSI_DEPTH_PDU)};
	struct err deep = ERR_INIT;

	if (ber_check(v, n, &limits, &deep) != ERR_LIMIT)
		return 0;
	if (e != NULL) {
		*e = deep;
		e->layer = LAYER;
		e->detail = PRES_ABORT_INVALID_PARAMETER;
	}
	return ERR_LIMIT;
}

/* A value that an OCTET STRING holds has not been looked into yet. */
static int
check_value(const struct pres *p, const struct ses_prim *s,
    const struct pres_value *v, size_t i, struct err *e)
{
	int rc = pres_check_depth(p, v->p, v->n, e);

	if (rc < 0 && e != NULL) {
		err_prefix(e, "value %zu", i + 1);
		e->offset += pres_value_at(s->data, s->n, i);
	}
	return rc;
}

int
pres_check_values(struct pres *p, struct arena *a, const struct ses_prim *s,
    struct pres_values *v, bool open, struct err *e)
{
	int32_t sole = pres_sole_context(p, open);
	struct pres_value *w = arena_memdup(a, v->v, v->n * sizeof(*w));

	for (size_t i = 0; i < v->n; i++) {
		bool simple = w[i].context_id == 0;

		if (check_value(p, s, &w[i], i, e) < 0)
			return ERR_LIMIT;
		if (simple)
			w[i].context_id = sole;
		if (simple ? sole >= 0 : in_set(p, w[i].context_id, open))
			continue;
		err_at(e, LAYER, ERR_PROTOCOL, pres_value_at(s->data, s->n, i),
		    simple
			? "value %zu is simply encoded with several contexts"
			: "value %zu is on context %d, which is not in the set",
		    i + 1, w[i].context_id);
		e->detail = PRES_ABORT_INVALID_PARAMETER;
		return ERR_PROTOCOL;
	}
	v->v = w;
	return 0;
}

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
	bool no_default = provider_reason == PRES_REFUSE_DEFAULT_CONTEXT;
	struct pres_answer c = {.responding = p->params.responding,
	    .simple = v->n > 0 &&
		pres_sole_context(p, accepted) == v->v[0].context_id,
	    .has_default_result = p->has_default && !accepted,
	    .default_result =
		no_default ? PRES_PROVIDER_REJECTION : PRES_ACCEPTANCE,
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
judge(const struct pres *p, const struct pres_proposal *in, size_t accepted,
    struct pres_context *out)
{
	out->result = PRES_PROVIDER_REJECTION;
	if (!supported(p, in->abstract_syntax))
		out->reason = PRES_ABSTRACT_SYNTAX_NOT_SUPPORTED;
	else if (!in->ber)
		out->reason = PRES_TRANSFER_SYNTAXES_NOT_SUPPORTED;
	else if (accepted == PRES_CONTEXTS_MAX)
		out->reason = PRES_LOCAL_LIMIT;
	else
		out->result = PRES_ACCEPTANCE;
}

static void
negotiate(struct pres *p, const struct pres_cp *cp)
{
	size_t accepted = 0;

	p->n_contexts = cp->n_contexts;
	p->contexts =
	    arena_alloc(p->arena, cp->n_contexts * sizeof(*p->contexts));
	for (size_t i = 0; i < cp->n_contexts; i++) {
		struct pres_context *c = &p->contexts[i];

		c->id = cp->contexts[i].id;
		c->abstract_syntax =
		    arena_strdup(p->arena, cp->contexts[i].abstract_syntax);
		judge(p, &cp->contexts[i], accepted, c);
		accepted += c->result == PRES_ACCEPTANCE;
	}
}

/* An absent selector is the same as an empty one here. */
static bool
addressed_to_us(const struct pres *p, const struct osi_sel *called)
{
	const struct cotp_params *c = cotp_params(ses_cotp(p->ses));
	struct osi_sel us = p->params.called;

	if (!us.present)
		us = osi_ours(&c->common, &c->called).psel;
	if (!us.present)
		return true;
	return us.n == called->n && memcmp(us.v, called->v, us.n) == 0;
}

static bool
nothing_accepted(const struct pres *p)
{
	for (size_t i = 0; i < p->n_contexts; i++)
		if (p->contexts[i].result == PRES_ACCEPTANCE)
			return false;
	return true;
}

static bool
default_supported(const struct pres *p, const struct pres_cp *cp)
{
	return p->params.default_context != NULL && cp->default_ber &&
	    strcmp(p->params.default_context, cp->default_context) == 0;
}

static enum pres_refuse_reason
refusal_of(const struct err *e)
{
	if ((e->detail & PRES_DETAIL_USER_DATA) != 0)
		return PRES_REFUSE_USER_DATA;
	return e->code == ERR_LIMIT ? PRES_REFUSE_LOCAL_LIMIT
				    : PRES_REFUSE_NOT_SPECIFIED;
}

/* Peers in the field name a default context beside those that they define,
 * and never use it: then one that is not supported here harms nobody. */
static int
judge_default(struct pres *p, const struct ses_prim *s,
    const struct pres_cp *cp, struct err *e)
{
	bool supported_here;

	if (cp->default_context == NULL)
		return 0;
	supported_here = default_supported(p, cp);
	p->has_default = supported_here || nothing_accepted(p);
	if (supported_here || !nothing_accepted(p))
		return 0;
	return err_at(e, LAYER, ERR_REFUSED,
	    pres_parameter_at(s->data, s->n, 6),
	    "CP, default-context-name: %s is not supported",
	    cp->default_context);
}

/* Why the provider cannot have this CP (X.226 6.2.5), or NONE. */
static enum pres_refuse_reason
judge_cp(struct pres *p, struct arena *a, const struct ses_prim *s,
    struct pres_cp *cp, struct err *e)
{
	if (cp->x410_mode && !p->params.x410) {
		err_at(e, LAYER, ERR_UNSUPPORTED,
		    pres_parameter_at(s->data, s->n, 0),
		    "CP, mode-selector: X.410 mode is not offered here");
		return PRES_REFUSE_VERSION;
	}
	p->x410 = cp->x410_mode;
	if (p->x410)
		return PRES_REFUSE_NONE;
	if (cp->other_version) {
		err_at(e, LAYER, ERR_UNSUPPORTED,
		    pres_parameter_at(s->data, s->n, 0),
		    "CP, protocol-version: not version 1");
		return PRES_REFUSE_VERSION;
	}
	if (!addressed_to_us(p, &cp->called)) {
		err_at(e, LAYER, ERR_REFUSED,
		    pres_parameter_at(s->data, s->n, 2),
		    "CP, called-presentation-selector: it is not ours");
		return PRES_REFUSE_ADDRESS_UNKNOWN;
	}
	negotiate(p, cp);
	p->contexts_at = pres_parameter_at(s->data, s->n, 4);
	if (judge_default(p, s, cp, e) < 0)
		return PRES_REFUSE_DEFAULT_CONTEXT;
	if (pres_check_values(p, a, s, &cp->values, false, e) < 0) {
		err_prefix(e, "CP, user data");
		return PRES_REFUSE_USER_DATA;
	}
	return PRES_REFUSE_NONE;
}

void
pres_connect_ind(struct pres *p, const struct ses_prim *s)
{
	struct arena *a = arena_new();
	struct pres_cp cp;
	struct err e = ERR_INIT;
	enum pres_refuse_reason reason;
	struct pres_prim q = {.type = PRES_CONNECT,
	    .kind = SES_IND,
	    .provider_reason = PRES_REFUSE_NONE,
	    .ses = s};

	pres_enter(p, PRES_WAIT_RSP);
	if (pres_check_depth(p, s->data, s->n, &e) < 0) {
		err_prefix(&e, "CP");
		reason = PRES_REFUSE_LOCAL_LIMIT;
	} else if (pres_cp_decode(a, s->data, s->n, &cp, &e) < 0) {
		reason = refusal_of(&e);
	} else {
		reason = judge_cp(p, a, s, &cp, &e);
	}
	if (reason != PRES_REFUSE_NONE) {
		refuse(p, reason, &e);
	} else {
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
same_mode(const struct pres *p, const struct pres_answer *c, struct err *e)
{
	if (c->x410_mode == p->x410)
		return 0;
	return err_at(e, LAYER, ERR_PROTOCOL, 0,
	    "CPA, mode-selector: %s mode answers a CP in %s",
	    c->x410_mode ? "X.410" : "normal", p->x410 ? "X.410" : "normal");
}

static int
take_results(struct pres *p, const struct ses_prim *s,
    const struct pres_answer *c, struct err *e)
{
	if (c->n_results != p->n_contexts)
		return err_at(e, LAYER, ERR_PROTOCOL,
		    pres_parameter_at(s->data, s->n, 5),
		    "presentation-context-definition-result-list: %zu contexts "
		    "answered of %zu proposed",
		    c->n_results, p->n_contexts);
	p->contexts_at = pres_parameter_at(s->data, s->n, 5);
	for (size_t i = 0; i < p->n_contexts; i++) {
		p->contexts[i].result = c->results[i].result;
		p->contexts[i].reason = c->results[i].reason;
	}
	return 0;
}

/* What a CPA says must answer what our CP asked. */
static int
take_cpa(struct pres *p, struct arena *a, const struct ses_prim *s,
    struct pres_answer *c, struct err *e)
{
	int rc;

	if ((rc = same_mode(p, c, e)) < 0 || p->x410)
		return rc;
	if (c->other_version || c->requirements != 0)
		return err_at(e, LAYER, ERR_PROTOCOL,
		    pres_parameter_at(s->data, s->n, c->other_version ? 0 : 8),
		    "CPA, %s",
		    c->other_version
			? "protocol-version: not version 1"
			: "presentation-requirements: more than were asked "
			  "for");
	if ((rc = take_results(p, s, c, e)) < 0 ||
	    (rc = pres_check_values(p, a, s, &c->values, true, e)) < 0)
		return err_prefix(e, "CPA");
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

static void
accepted_cnf(struct pres *p, const struct ses_prim *s)
{
	struct arena *a = arena_new();
	struct pres_answer c;
	struct err e = ERR_INIT;

	if (pres_check_depth(p, s->data, s->n, &e) < 0) {
		err_prefix(&e, "CPA");
		pres_provider_abort(p, PRES_EVENT_CPA, &e);
	} else if (pres_cpa_decode(a, s->data, s->n, &c, &e) < 0 ||
	    take_cpa(p, a, s, &c, &e) < 0) {
		pres_provider_abort(p, PRES_EVENT_CPA, &e);
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

/* A refusal is one, whatever else is wrong with it: results and values that
 * do not fit are left out. So is an RTORJ in the other mode than ours. */
static void
take_refusal(struct pres *p, struct arena *a, const struct ses_prim *s,
    struct pres_answer *c)
{
	struct err ignored = ERR_INIT;

	if (p->x410 && c->x410_mode)
		return;
	if (c->n_results == p->n_contexts &&
	    take_results(p, s, c, &ignored) < 0)
		c->n_results = 0;
	if (c->x410_mode || p->x410 ||
	    pres_check_values(p, a, s, &c->values, false, &ignored) < 0)
		c->values = (struct pres_values){0};
}

static void
refused_cnf(struct pres *p, const struct ses_prim *s)
{
	struct arena *a = arena_new();
	struct pres_answer c = {.provider_reason = PRES_REFUSE_NONE};
	struct err e = ERR_INIT;

	if (s->n == 0) {
		err_at(&e, "session", ERR_REFUSED, 0,
		    "session RF: connection refused, reason %u", s->reason);
		e.detail = s->reason;
	} else if (pres_check_depth(p, s->data, s->n, &e) < 0 ||
	    pres_cpr_decode(a, s->data, s->n, &c, &e) < 0) {
		err_prefix(&e, "CPR: refused, and unreadable");
	} else if (c.provider_reason >= 0) {
		err_at(&e, LAYER, ERR_REFUSED,
		    pres_parameter_at(s->data, s->n, 10),
		    "CPR: connection refused: %s",
		    refuse_texts[c.provider_reason]);
		e.detail = c.provider_reason;
	} else {
		err_at(&e, LAYER, ERR_REFUSED, 0,
		    "CPR: connection refused by user");
	}
	take_refusal(p, a, s, &c);
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
	    .default_context = p->params.default_context,
	    .values = {q->values, q->n_values}};
	struct ses_prim s = {
	    .type = SES_CONNECT, .kind = SES_REQ, .last = true};
	struct buf ppdu = {0};
	int rc;

	propose(p, &cp, v);
	p->has_default = cp.default_context != NULL;
	cp.simple = q->n_values > 0 &&
	    pres_sole_context(p, false) == q->values[0].context_id;
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
