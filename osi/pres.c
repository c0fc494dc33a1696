#include "osi/pres_int.h"

#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

#define LAYER "presentation"

/* Event identifiers of an ARP for what arrived (X.226 Event-identifier). */
enum { EVENT_CP = 0, EVENT_CPA = 1, EVENT_TD = 7 };

#define SES_PRIM_TYPES (SES_P_ABORT + 1) /* later ones are not for us */
#define IN(state) (1u << (state))
#define IN_OPEN (IN(PRES_CONNECTED) | IN(PRES_WAIT_RELEASE_CNF))
#define IN_ANY                                                             \
	(IN(PRES_IDLE) | IN(PRES_WAIT_CPA) | IN(PRES_WAIT_RSP) | IN_OPEN | \
	    IN(PRES_WAIT_RELEASE_RSP))

void
pres_trace(
    const struct pres *p, bool sent, const char *what, const char *detail)
{
	const struct osi_common *c = &p->params.ses.cotp.common;

	if (c->trace != NULL)
		c->trace(c->trace_arg, sent, what, detail);
}

static void
enter(struct pres *p, enum pres_state state)
{
	p->state = state;
}

const struct pres_context *
pres_context_by_id(const struct pres *p, int32_t id)
{
	for (size_t i = 0; i < p->n_contexts; i++)
		if (p->contexts[i].id == id &&
		    p->contexts[i].result == PRES_ACCEPTANCE)
			return &p->contexts[i];
	return NULL;
}

/* --- giving up --- */

static void
p_abort_ind(struct pres *p, const struct err *err)
{
	struct pres_prim q = {.type = PRES_P_ABORT,
	    .kind = SES_IND,
	    .provider_reason = PRES_REFUSE_NONE,
	    .err = err};

	if (p->state == PRES_CLOSED)
		return;
	enter(p, PRES_CLOSED);
	p->fn(p->user, &q);
}

static void
s_abort(struct pres *p, const struct buf *ppdu)
{
	struct ses_prim s = {.type = SES_U_ABORT,
	    .kind = SES_REQ,
	    .data = ppdu->data,
	    .n = ppdu->len,
	    .last = true};
	struct err e = ERR_INIT;

	/* a session that cannot abort any more has gone already */
	if (ses_request(p->ses, &s, &e) < 0)
		pres_trace(p, true, "presentation abort dropped", e.text);
}

/* The peer broke the protocol: ARP, and the user learns why. */
static void
provider_abort(
    struct pres *p, enum pres_abort_reason reason, int event, struct err *why)
{
	struct buf ppdu = {0};

	if (p->state == PRES_CLOSED)
		return;
	pres_arp_encode(reason, event, &ppdu);
	pres_trace(p, true, "presentation ARP", why->text);
	s_abort(p, &ppdu);
	buf_free(&ppdu);
	p_abort_ind(p, why);
}

static enum pres_abort_reason
reason_of(const struct err *e)
{
	return e->code == ERR_SYNTAX ? PRES_ABORT_UNRECOGNIZED_PPDU
				     : PRES_ABORT_INVALID_PARAMETER;
}

/* --- connect, responder --- */

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
	int rc = accepted ? pres_cpa_encode(&c, &ppdu, e)
			  : pres_cpr_encode(&c, &ppdu, e);

	if (rc >= 0) {
		s.data = ppdu.data;
		s.n = ppdu.len;
		pres_trace(p, true,
		    accepted ? "presentation CPA" : "presentation CPR", "");
		enter(p, accepted ? PRES_CONNECTED : PRES_CLOSED);
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
	enter(p, PRES_WAIT_RSP);
	p_abort_ind(p, why);
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

static void
connect_ind(struct pres *p, const struct ses_prim *s)
{
	struct arena *a = arena_new();
	struct pres_cp cp;
	struct err e = ERR_INIT;
	struct pres_prim q = {.type = PRES_CONNECT,
	    .kind = SES_IND,
	    .provider_reason = PRES_REFUSE_NONE,
	    .ses = s};

	enter(p, PRES_WAIT_RSP);
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

	enter(p, s->accepted ? PRES_CONNECTED : PRES_CLOSED);
	p->fn(p->user, &q);
}

static void
accepted_cnf(struct pres *p, const struct ses_prim *s)
{
	struct arena *a = arena_new();
	struct pres_answer c;
	struct err e = ERR_INIT;

	if (pres_cpa_decode(a, s->data, s->n, &c, &e) < 0 ||
	    take_results(p, &c, &e) < 0) {
		provider_abort(p, reason_of(&e), EVENT_CPA, &e);
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
	pres_trace(p, false, "presentation CPR", e.text);
	connect_cnf_up(p, s, &c, &e);
	arena_free(&a);
}

static void
connect_cnf(struct pres *p, const struct ses_prim *s)
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

static int
connect_req(struct pres *p, const struct pres_prim *q, struct err *e)
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
	rc = pres_cp_encode(&cp, &ppdu, e);
	if (rc >= 0) {
		s.data = ppdu.data;
		s.n = ppdu.len;
		enter(p, PRES_WAIT_CPA);
		pres_trace(p, true, "presentation CP", "");
		rc = ses_request(p->ses, &s, e);
	}
	buf_free(&ppdu);
	return rc;
}

/* --- release, abort, and the session's own services --- */

static void
data_ind(struct pres *p, const struct ses_prim *s)
{
	struct err e = ERR_INIT;

	if (pres_data_ind(p, s, &e) < 0)
		provider_abort(p, reason_of(&e), EVENT_TD, &e);
}

/* Values and all else that a primitive brings, up to the user. */
static void
pass_up(struct pres *p, const struct ses_prim *s, enum pres_prim_type type)
{
	struct arena *a = arena_new();
	struct pres_values v = {0};
	struct err e = ERR_INIT;
	struct pres_prim q = {.type = type,
	    .kind = s->kind,
	    .accepted = s->accepted,
	    .provider_reason = PRES_REFUSE_NONE,
	    .ses = s};

	if (s->n > 0 && pres_user_data_decode(a, s->data, s->n, &v, &e) < 0) {
		provider_abort(p, reason_of(&e), -1, &e);
	} else {
		q.values = v.v;
		q.n_values = v.n;
		p->fn(p->user, &q);
	}
	arena_free(&a);
}

static void
session_ind(struct pres *p, const struct ses_prim *s)
{
	pass_up(p, s, PRES_SESSION);
}

/* The session may have cut an SSDU off: discard, interrupt, start, resume. */
static void
activity_ind(struct pres *p, const struct ses_prim *s)
{
	pres_data_fresh(p);
	pass_up(p, s, PRES_SESSION);
}

static void
release_ind(struct pres *p, const struct ses_prim *s)
{
	enter(p, PRES_WAIT_RELEASE_RSP);
	pass_up(p, s, PRES_RELEASE);
}

static void
release_cnf(struct pres *p, const struct ses_prim *s)
{
	enter(p, s->accepted ? PRES_CLOSED : PRES_CONNECTED);
	pass_up(p, s, PRES_RELEASE);
}

static const char *const abort_texts[] = {
    [PRES_ABORT_NOT_SPECIFIED] = "reason not specified",
    [PRES_ABORT_UNRECOGNIZED_PPDU] = "unrecognized PPDU",
    [PRES_ABORT_UNEXPECTED_PPDU] = "unexpected PPDU",
    [PRES_ABORT_UNEXPECTED_PRIMITIVE] = "unexpected session primitive",
    [PRES_ABORT_UNRECOGNIZED_PARAMETER] = "unrecognized PPDU parameter",
    [PRES_ABORT_UNEXPECTED_PARAMETER] = "unexpected PPDU parameter",
    [PRES_ABORT_INVALID_PARAMETER] = "invalid PPDU parameter value",
};

static void
user_abort_ind(
    struct pres *p, const struct ses_prim *s, const struct pres_abort *c)
{
	struct pres_prim q = {.type = PRES_U_ABORT,
	    .kind = SES_IND,
	    .provider_reason = PRES_REFUSE_NONE,
	    .values = c->values.v,
	    .n_values = c->values.n,
	    .ses = s};

	pres_trace(p, false, "presentation ARU", "");
	enter(p, PRES_CLOSED);
	p->fn(p->user, &q);
}

static void
abort_ind(struct pres *p, const struct ses_prim *s)
{
	struct arena *a = arena_new();
	struct pres_abort c = {0};
	struct err e = ERR_INIT;

	if (s->n == 0) {
		err_set(&e, LAYER, ERR_PROTOCOL, "aborted by the peer");
		p_abort_ind(p, &e);
	} else if (pres_abort_decode(a, s->data, s->n, &c, &e) < 0) {
		err_prefix(&e, "aborted by the peer, unreadable");
		p_abort_ind(p, &e);
	} else if (c.provider) {
		err_set(&e, LAYER, ERR_PROTOCOL,
		    "aborted by the peer's provider: %s, event %d",
		    abort_texts[c.reason], c.event);
		e.detail = c.reason;
		pres_trace(p, false, "presentation ARP", e.text);
		p_abort_ind(p, &e);
	} else {
		user_abort_ind(p, s, &c);
	}
	arena_free(&a);
}

static void
s_p_abort_ind(struct pres *p, const struct ses_prim *s)
{
	p_abort_ind(p, s->err);
}

/* What may come from the session, in which states: [primitive][kind]. */
static const struct {
	void (*fn)(struct pres *, const struct ses_prim *);
	unsigned states;
} from_session[SES_PRIM_TYPES][SES_CNF + 1] = {
    [SES_CONNECT] = {[SES_IND] = {connect_ind, IN(PRES_IDLE)},
	[SES_CNF] = {connect_cnf, IN(PRES_WAIT_CPA)}},
    [SES_DATA] = {[SES_IND] = {data_ind, IN_OPEN}},
    [SES_TOKEN_GIVE] = {[SES_IND] = {session_ind, IN_OPEN}},
    [SES_TOKEN_PLEASE] = {[SES_IND] = {session_ind, IN_OPEN}},
    [SES_CONTROL_GIVE] = {[SES_IND] = {session_ind, IN_OPEN}},
    [SES_SYNC_MINOR] = {[SES_IND] = {session_ind, IN_OPEN},
	[SES_CNF] = {session_ind, IN_OPEN}},
    [SES_ACTIVITY_START] = {[SES_IND] = {activity_ind, IN_OPEN}},
    [SES_ACTIVITY_RESUME] = {[SES_IND] = {activity_ind, IN_OPEN}},
    [SES_ACTIVITY_INTERRUPT] = {[SES_IND] = {activity_ind, IN_OPEN},
	[SES_CNF] = {activity_ind, IN_OPEN}},
    [SES_ACTIVITY_DISCARD] = {[SES_IND] = {activity_ind, IN_OPEN},
	[SES_CNF] = {activity_ind, IN_OPEN}},
    [SES_ACTIVITY_END] = {[SES_IND] = {session_ind, IN_OPEN},
	[SES_CNF] = {session_ind, IN_OPEN}},
    [SES_U_EXCEPTION] = {[SES_IND] = {session_ind, IN_OPEN}},
    [SES_P_EXCEPTION] = {[SES_IND] = {session_ind, IN_OPEN}},
    [SES_RELEASE] = {[SES_IND] = {release_ind, IN_OPEN},
	[SES_CNF] = {release_cnf, IN(PRES_WAIT_RELEASE_CNF)}},
    [SES_U_ABORT] = {[SES_IND] = {abort_ind, IN_ANY}},
    [SES_P_ABORT] = {[SES_IND] = {s_p_abort_ind, IN_ANY}},
};

static void
from_ses(void *user, const struct ses_prim *s)
{
	struct pres *p = user;
	struct err e = ERR_INIT;

	if (p->state == PRES_CLOSED)
		return;
	if (s->type < SES_PRIM_TYPES &&
	    from_session[s->type][s->kind].fn != NULL &&
	    (from_session[s->type][s->kind].states & IN(p->state)) != 0) {
		from_session[s->type][s->kind].fn(p, s);
		return;
	}
	err_set(&e, LAYER, ERR_PROTOCOL, "session primitive %d.%d in state %d",
	    (int)s->type, (int)s->kind, (int)p->state);
	provider_abort(p, PRES_ABORT_UNEXPECTED_PRIMITIVE, -1, &e);
}

/* --- requests and responses --- */

static int
connect_rsp_req(struct pres *p, const struct pres_prim *q, struct err *e)
{
	struct pres_values v = {q->values, q->n_values};

	return connect_rsp(p, q->accepted, PRES_REFUSE_NONE, &v, e);
}

/* A session primitive of ours, with values as its user data. */
static int
to_session(struct pres *p, const struct ses_prim *in, const struct pres_prim *q,
    struct err *e)
{
	struct pres_values v = {q->values, q->n_values};
	struct ses_prim s = *in;
	struct buf data = {0};
	int rc;

	pres_user_data_encode(&v, &data);
	s.data = data.data;
	s.n = data.len;
	s.last = true;
	rc = ses_request(p->ses, &s, e);
	buf_free(&data);
	return rc;
}

static int
session_req(struct pres *p, const struct pres_prim *q, struct err *e)
{
	int rc;

	INVARIANT(q->ses != NULL);
	rc = to_session(p, q->ses, q, e);
	if (rc >= 0 && q->ses->type == SES_U_EXCEPTION)
		pres_data_drop(p);
	return rc;
}

static int
release_req(struct pres *p, const struct pres_prim *q, struct err *e)
{
	struct ses_prim s = {.type = SES_RELEASE, .kind = SES_REQ};
	int rc = to_session(p, &s, q, e);

	if (rc >= 0 && p->state == PRES_CONNECTED)
		enter(p, PRES_WAIT_RELEASE_CNF);
	return rc;
}

static int
release_rsp(struct pres *p, const struct pres_prim *q, struct err *e)
{
	struct ses_prim s = {
	    .type = SES_RELEASE, .kind = SES_RSP, .accepted = q->accepted};

	enter(p, q->accepted ? PRES_CLOSED : PRES_CONNECTED);
	return to_session(p, &s, q, e);
}

static int
user_abort_req(struct pres *p, const struct pres_prim *q, struct err *e)
{
	struct pres_values v = {q->values, q->n_values};
	struct buf ppdu = {0};

	(void)e;
	pres_aru_encode(&v, &ppdu);
	pres_trace(p, true, "presentation ARU", "");
	enter(p, PRES_CLOSED);
	s_abort(p, &ppdu);
	buf_free(&ppdu);
	return 0;
}

static const struct {
	int (*fn)(struct pres *, const struct pres_prim *, struct err *);
	unsigned states;
} from_user[PRES_SESSION + 1][SES_CNF + 1] = {
    [PRES_CONNECT] = {[SES_REQ] = {connect_req, IN(PRES_IDLE)},
	[SES_RSP] = {connect_rsp_req, IN(PRES_WAIT_RSP)}},
    [PRES_DATA] = {[SES_REQ] = {pres_data_req, IN(PRES_CONNECTED)}},
    [PRES_RELEASE] = {[SES_REQ] = {release_req, IN(PRES_CONNECTED)},
	[SES_RSP] = {release_rsp, IN(PRES_WAIT_RELEASE_RSP)}},
    [PRES_U_ABORT] = {[SES_REQ] = {user_abort_req, IN_ANY}},
    [PRES_SESSION] = {[SES_REQ] = {session_req, IN_OPEN},
	[SES_RSP] = {session_req, IN_OPEN}},
};

int
pres_request(struct pres *p, const struct pres_prim *q, struct err *e)
{
	INVARIANT(q->type <= PRES_SESSION && q->kind <= SES_CNF);
	INVARIANT(q->type != PRES_P_ABORT);
	if (from_user[q->type][q->kind].fn == NULL ||
	    (from_user[q->type][q->kind].states & IN(p->state)) == 0)
		return err_set(e, LAYER, ERR_PROTOCOL,
		    "request %d.%d in state %d", (int)q->type, (int)q->kind,
		    (int)p->state);
	return from_user[q->type][q->kind].fn(p, q, e);
}

/* --- life --- */

static void
keep_proposals(struct pres *p)
{
	INVARIANT(p->params.n_contexts <= PRES_CONTEXTS_MAX);
	p->n_contexts = p->params.n_contexts;
	for (size_t i = 0; i < p->n_contexts; i++) {
		p->contexts[i] = p->params.contexts[i];
		p->contexts[i].result = PRES_PROVIDER_REJECTION;
	}
}

struct pres *
pres_new(
    const struct pres_params *params, pres_prim_fn *fn, void *user, msec_t now)
{
	struct pres *p = xcalloc(1, sizeof(*p));

	p->params = *params;
	p->params.contexts = NULL;
	p->arena = arena_new();
	p->params.contexts = arena_memdup(p->arena, params->contexts,
	    params->n_contexts * sizeof(*params->contexts));
	p->fn = fn;
	p->user = user;
	if (params->ses.cotp.role == OSI_INITIATOR)
		keep_proposals(p);
	pres_data_init(p);
	p->ses = ses_new(&params->ses, from_ses, p, now);
	return p;
}

void
pres_free(struct pres **pp)
{
	struct pres *p = *pp;

	if (p == NULL)
		return;
	*pp = NULL;
	ses_free(&p->ses);
	pres_data_free(p);
	arena_free(&p->arena);
	free(p);
}

int32_t
pres_context_id(const struct pres *p, const char *abstract_syntax)
{
	for (size_t i = 0; i < p->n_contexts; i++)
		if (p->contexts[i].result == PRES_ACCEPTANCE &&
		    strcmp(p->contexts[i].abstract_syntax, abstract_syntax) ==
			0)
			return p->contexts[i].id;
	return 0;
}

const struct pres_context *
pres_contexts(const struct pres *p, size_t *n)
{
	*n = p->n_contexts;
	return p->contexts;
}

struct ses *
pres_ses(struct pres *p)
{
	return p->ses;
}
