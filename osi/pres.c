/*
 * The presentation engine: states, release, abort, what passes through, and
 * the tables of what may come from below and from above (X.226 Annex A).
 */
#include "osi/pres_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

#define LAYER "presentation"

#define SES_PRIM_TYPES (SES_CAPABILITY_DATA + 1)
#define IN(state) (1u << (state))
#define IN_OPEN (IN(PRES_CONNECTED) | IN(PRES_WAIT_RELEASE_CNF))
#define IN_ANY                                                             \
	(IN(PRES_IDLE) | IN(PRES_WAIT_CPA) | IN(PRES_WAIT_RSP) | IN_OPEN | \
	    IN(PRES_WAIT_RELEASE_RSP) | IN(PRES_RELEASE_COLLISION))
/* asked to release, one may still finish what one was at */
#define IN_SENDING (IN(PRES_CONNECTED) | IN(PRES_WAIT_RELEASE_RSP))

/* X.226 Annex A; of release, what X.225 calls the states below. */
static const char *const state_names[] = {
    [PRES_IDLE] = "STAI0 (no connection)",
    [PRES_WAIT_CPA] = "STAI1 (CP sent)",
    [PRES_WAIT_RSP] = "STAI2 (CP received)",
    [PRES_CONNECTED] = "STAt0 (connected)",
    [PRES_WAIT_RELEASE_CNF] = "STAt0 (release asked for)",
    [PRES_WAIT_RELEASE_RSP] = "STAt0 (release to be answered)",
    [PRES_RELEASE_COLLISION] = "STAt0 (release on both sides)",
    [PRES_CLOSED] = "closed",
};

const char *
pres_prim_text(const struct pres_prim *q, char out[PRES_PRIM_TEXT])
{
	static const char *const names[] = {
	    [PRES_CONNECT] = "CONNECT",
	    [PRES_DATA] = "DATA",
	    [PRES_TYPED_DATA] = "TYPED-DATA",
	    [PRES_RELEASE] = "RELEASE",
	    [PRES_U_ABORT] = "U-ABORT",
	    [PRES_P_ABORT] = "P-ABORT",
	    [PRES_SESSION] = "(session service)",
	};

	snprintf(out, PRES_PRIM_TEXT, "P-%s %s",
	    q->type == PRES_SESSION && q->ses != NULL
		? ses_service_name(q->ses->type)
		: names[q->type],
	    ses_kind_name(q->kind));
	return out;
}

void
pres_trace(
    const struct pres *p, bool sent, const char *what, const char *detail)
{
	const struct osi_common *c = &p->params.ses.cotp.common;

	if (c->trace != NULL)
		c->trace(c->trace_arg, sent, what, detail);
}

void
pres_enter(struct pres *p, enum pres_state state)
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

void
pres_p_abort_ind(struct pres *p, const struct err *err)
{
	struct pres_prim q = {.type = PRES_P_ABORT,
	    .kind = SES_IND,
	    .provider_reason = PRES_REFUSE_NONE,
	    .err = err};

	if (p->state == PRES_CLOSED)
		return;
	pres_enter(p, PRES_CLOSED);
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

	int rc = ses_request(p->ses, &s, &e);

	/* version 1 of the session carries nine octets only */
	if (rc == ERR_LIMIT) {
		s.n = 0;
		rc = ses_request(p->ses, &s, &e);
	}
	/* a session that cannot abort any more has gone already */
	if (rc < 0)
		pres_trace(p, true, "presentation abort dropped", e.text);
}

/* What the peer did wrong, where the error does not say it. */
static enum pres_abort_reason
reason_of(const struct err *e)
{
	int reason = e->detail & ~PRES_DETAIL_USER_DATA;

	if (reason > PRES_ABORT_NOT_SPECIFIED &&
	    reason <= PRES_ABORT_INVALID_PARAMETER)
		return (enum pres_abort_reason)reason;
	return e->code == ERR_SYNTAX ? PRES_ABORT_UNRECOGNIZED_PPDU
				     : PRES_ABORT_INVALID_PARAMETER;
}

void
pres_provider_abort(struct pres *p, enum pres_event event, struct err *why)
{
	struct buf ppdu = {0};

	if (p->state == PRES_CLOSED)
		return;
	why->detail = reason_of(why);
	pres_arp_encode(why->detail, event, &ppdu);
	pres_trace(p, true, "presentation ARP", why->text);
	s_abort(p, &ppdu);
	buf_free(&ppdu);
	pres_p_abort_ind(p, why);
}

/* --- release, abort, and the session's own services --- */

/* What they are called in an ARP. */
static const struct {
	enum pres_event ind, cnf;
} event_ids[SES_PRIM_TYPES] = {
    [SES_CONNECT] = {PRES_EVENT_CP, PRES_EVENT_CPA},
    [SES_DATA] = {PRES_EVENT_TD, PRES_EVENT_NONE},
    [SES_TYPED_DATA] = {PRES_EVENT_TTD, PRES_EVENT_NONE},
    [SES_TOKEN_GIVE] = {PRES_EVENT_TOKEN_GIVE_IND, PRES_EVENT_NONE},
    [SES_TOKEN_PLEASE] = {PRES_EVENT_TOKEN_PLEASE_IND, PRES_EVENT_NONE},
    [SES_CONTROL_GIVE] = {PRES_EVENT_CONTROL_GIVE_IND, PRES_EVENT_NONE},
    [SES_SYNC_MINOR] = {PRES_EVENT_SYNC_MINOR_IND, PRES_EVENT_SYNC_MINOR_CNF},
    [SES_SYNC_MAJOR] = {PRES_EVENT_SYNC_MAJOR_IND, PRES_EVENT_SYNC_MAJOR_CNF},
    [SES_CAPABILITY_DATA] = {PRES_EVENT_TC, PRES_EVENT_TCC},
    [SES_ACTIVITY_START] = {PRES_EVENT_ACTIVITY_START_IND, PRES_EVENT_NONE},
    [SES_ACTIVITY_RESUME] = {PRES_EVENT_ACTIVITY_RESUME_IND, PRES_EVENT_NONE},
    [SES_ACTIVITY_INTERRUPT] = {PRES_EVENT_ACTIVITY_INTERRUPT_IND,
	PRES_EVENT_ACTIVITY_INTERRUPT_CNF},
    [SES_ACTIVITY_DISCARD] = {PRES_EVENT_ACTIVITY_DISCARD_IND,
	PRES_EVENT_ACTIVITY_DISCARD_CNF},
    [SES_ACTIVITY_END] = {PRES_EVENT_ACTIVITY_END_IND,
	PRES_EVENT_ACTIVITY_END_CNF},
    [SES_U_EXCEPTION] = {PRES_EVENT_U_EXCEPTION_IND, PRES_EVENT_NONE},
    [SES_P_EXCEPTION] = {PRES_EVENT_P_EXCEPTION_IND, PRES_EVENT_NONE},
    [SES_RELEASE] = {PRES_EVENT_RELEASE_IND, PRES_EVENT_RELEASE_CNF},
    [SES_U_ABORT] = {PRES_EVENT_ARU, PRES_EVENT_NONE},
    [SES_P_ABORT] = {PRES_EVENT_NONE, PRES_EVENT_NONE},
};

static enum pres_event
event_of(const struct ses_prim *s)
{
	if (s->type >= SES_PRIM_TYPES)
		return PRES_EVENT_NONE;
	return s->kind == SES_IND ? event_ids[s->type].ind
				  : event_ids[s->type].cnf;
}

/* Values and all else that a primitive brings, up to the user. */
static void
pass_up(struct pres *p, const struct ses_prim *s, enum pres_prim_type type)
{
	struct arena *a = arena_new();
	struct pres_values v = {0};
	struct pres_value whole; /* X.410 mode */
	struct err e = ERR_INIT;
	struct pres_prim q = {.type = type,
	    .kind = s->kind,
	    .accepted = s->accepted,
	    .provider_reason = PRES_REFUSE_NONE,
	    .ses = s};

	if (p->x410) {
		whole = (struct pres_value){0, s->data, s->n};
		v = (struct pres_values){&whole, s->n > 0};
	} else if (s->n > 0 &&
	    (pres_check_depth(p, s->data, s->n, &e) < 0 ||
		pres_user_data_decode(a, s->data, s->n, &v, &e) < 0 ||
		pres_check_values(p, a, s, &v, true, &e) < 0)) {
		err_prefix(&e, "S-%s %s", ses_service_name(s->type),
		    ses_kind_name(s->kind));
		pres_provider_abort(p, event_of(s), &e);
		goto out;
	}
	q.values = v.v;
	q.n_values = v.n;
	p->fn(p->user, &q);
out:
	arena_free(&a);
}

static void
session_ind(struct pres *p, const struct ses_prim *s)
{
	pass_up(p, s, PRES_SESSION);
}

/* After an exception the session drops what is left of an SSDU; each of these
 * primitives may be the way out of that. */
static void
fresh_ind(struct pres *p, const struct ses_prim *s)
{
	pres_data_fresh(p);
	pass_up(p, s, PRES_SESSION);
}

static void
release_ind(struct pres *p, const struct ses_prim *s)
{
	pres_enter(p,
	    p->state == PRES_WAIT_RELEASE_CNF ? PRES_RELEASE_COLLISION
					      : PRES_WAIT_RELEASE_RSP);
	pass_up(p, s, PRES_RELEASE);
}

static void
release_cnf(struct pres *p, const struct ses_prim *s)
{
	if (p->state == PRES_RELEASE_COLLISION)
		pres_enter(p, PRES_WAIT_RELEASE_RSP);
	else
		pres_enter(p, s->accepted ? PRES_CLOSED : PRES_CONNECTED);
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
	pres_enter(p, PRES_CLOSED);
	p->fn(p->user, &q);
}

static void
provider_abort_ind(struct pres *p, const struct pres_abort *c)
{
	struct err e = ERR_INIT;

	err_at(&e, LAYER, ERR_PROTOCOL, 0,
	    "ARP: aborted by the peer's provider: %s, event %d",
	    abort_texts[c->reason], c->event);
	e.detail = c->reason;
	pres_trace(p, false, "presentation ARP", e.text);
	pres_p_abort_ind(p, &e);
}

static void
abort_ind(struct pres *p, const struct ses_prim *s)
{
	struct arena *a = arena_new();
	struct pres_abort c = {0};
	struct err e = ERR_INIT;

	if (s->n == 0) {
		err_at(&e, LAYER, ERR_PROTOCOL, 0,
		    "ARU: aborted by the peer, without a PPDU");
		pres_p_abort_ind(p, &e);
	} else if (pres_check_depth(p, s->data, s->n, &e) < 0 ||
	    pres_abort_decode(a, s->data, s->n, &c, &e) < 0) {
		err_prefix(&e, "ARU: aborted by the peer, unreadable");
		pres_p_abort_ind(p, &e);
	} else if (c.provider) {
		provider_abort_ind(p, &c);
	} else {
		user_abort_ind(p, s, &c);
	}
	arena_free(&a);
}

static void
s_p_abort_ind(struct pres *p, const struct ses_prim *s)
{
	pres_p_abort_ind(p, s->err);
}

/* What may come from the session, in which states: [primitive][kind]. */
static const struct {
	void (*fn)(struct pres *, const struct ses_prim *);
	unsigned states;
} from_session[SES_PRIM_TYPES][SES_CNF + 1] = {
    [SES_CONNECT] = {[SES_IND] = {pres_connect_ind, IN(PRES_IDLE)},
	[SES_CNF] = {pres_connect_cnf, IN(PRES_WAIT_CPA)}},
    [SES_DATA] = {[SES_IND] = {pres_data_ind, IN_OPEN}},
    [SES_TYPED_DATA] = {[SES_IND] = {pres_data_ind, IN_OPEN}},
    [SES_TOKEN_GIVE] = {[SES_IND] = {fresh_ind, IN_OPEN}},
    [SES_TOKEN_PLEASE] = {[SES_IND] = {session_ind, IN_OPEN}},
    [SES_CONTROL_GIVE] = {[SES_IND] = {fresh_ind, IN_OPEN}},
    [SES_SYNC_MINOR] = {[SES_IND] = {session_ind, IN_OPEN},
	[SES_CNF] = {session_ind, IN_OPEN}},
    [SES_SYNC_MAJOR] = {[SES_IND] = {session_ind, IN_OPEN},
	[SES_CNF] = {session_ind, IN_OPEN}},
    [SES_CAPABILITY_DATA] = {[SES_IND] = {session_ind, IN_OPEN},
	[SES_CNF] = {session_ind, IN_OPEN}},
    [SES_ACTIVITY_START] = {[SES_IND] = {fresh_ind, IN_OPEN}},
    [SES_ACTIVITY_RESUME] = {[SES_IND] = {fresh_ind, IN_OPEN}},
    [SES_ACTIVITY_INTERRUPT] =
	{[SES_IND] = {fresh_ind, IN_OPEN}, [SES_CNF] = {fresh_ind, IN_OPEN}},
    [SES_ACTIVITY_DISCARD] =
	{[SES_IND] = {fresh_ind, IN_OPEN}, [SES_CNF] = {fresh_ind, IN_OPEN}},
    [SES_ACTIVITY_END] = {[SES_IND] = {session_ind, IN_OPEN},
	[SES_CNF] = {session_ind, IN_OPEN}},
    [SES_U_EXCEPTION] = {[SES_IND] = {session_ind, IN_OPEN}},
    [SES_P_EXCEPTION] = {[SES_IND] = {session_ind, IN_OPEN}},
    [SES_RELEASE] = {[SES_IND] = {release_ind, IN_OPEN},
	[SES_CNF] = {release_cnf,
	    IN(PRES_WAIT_RELEASE_CNF) | IN(PRES_RELEASE_COLLISION)}},
    [SES_U_ABORT] = {[SES_IND] = {abort_ind, IN_ANY}},
    [SES_P_ABORT] = {[SES_IND] = {s_p_abort_ind, IN_ANY}},
};

void
pres_from_ses(void *user, const struct ses_prim *s)
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
	err_at(&e, LAYER, ERR_PROTOCOL, 0, "S-%s %s: it came in state %s",
	    ses_service_name(s->type), ses_kind_name(s->kind),
	    state_names[p->state]);
	e.detail = PRES_ABORT_UNEXPECTED_PRIMITIVE;
	pres_provider_abort(p, event_of(s), &e);
}

/* --- requests and responses --- */

/* In X.410 mode user data of a session service is one value as it is. */
static int
encode_values(const struct pres *p, const struct pres_values *v,
    struct buf *out, struct err *e)
{
	if (!p->x410) {
		pres_user_data_encode(v,
		    v->n > 0 &&
			pres_sole_context(p, true) == v->v[0].context_id,
		    out);
		return 0;
	}
	if (v->n > 1)
		return err_set(
		    e, LAYER, ERR_PROTOCOL, "%zu values in X.410 mode", v->n);
	if (v->n == 1)
		buf_append(out, v->v[0].p, v->v[0].n);
	return 0;
}

/* A session primitive of ours, with values as its user data. */
static int
to_session(struct pres *p, const struct ses_prim *in, const struct pres_prim *q,
    struct err *e)
{
	struct pres_values v = {q->values, q->n_values};
	struct ses_prim s = *in;
	struct buf data = {0};
	int rc = encode_values(p, &v, &data, e);

	if (rc == 0) {
		s.data = data.data;
		s.n = data.len;
		s.last = true;
		rc = ses_request(p->ses, &s, e);
	}
	buf_free(&data);
	return rc;
}

static int
session_req(struct pres *p, const struct pres_prim *q, struct err *e)
{
	INVARIANT(q->ses != NULL);
	return to_session(p, q->ses, q, e);
}

static int
release_req(struct pres *p, const struct pres_prim *q, struct err *e)
{
	struct ses_prim s = {.type = SES_RELEASE, .kind = SES_REQ};
	int rc = to_session(p, &s, q, e);

	if (rc >= 0 && p->state == PRES_CONNECTED)
		pres_enter(p, PRES_WAIT_RELEASE_CNF);
	return rc;
}

static int
release_rsp(struct pres *p, const struct pres_prim *q, struct err *e)
{
	struct ses_prim s = {
	    .type = SES_RELEASE, .kind = SES_RSP, .accepted = q->accepted};

	if (p->state == PRES_RELEASE_COLLISION && q->accepted)
		pres_enter(p, PRES_WAIT_RELEASE_CNF);
	else
		pres_enter(p, q->accepted ? PRES_CLOSED : PRES_CONNECTED);
	return to_session(p, &s, q, e);
}

static int
user_abort_req(struct pres *p, const struct pres_prim *q, struct err *e)
{
	struct pres_values v = {q->values, q->n_values};
	struct buf ppdu = {0};
	int rc = 0;

	if (p->x410)
		rc = pres_x410_encode(PRES_X410_ARU, &v, &ppdu, e);
	else
		pres_aru_encode(&v, &ppdu);
	if (rc < 0) {
		buf_free(&ppdu);
		return rc;
	}
	pres_trace(p, true, "presentation ARU", "");
	pres_enter(p, PRES_CLOSED);
	s_abort(p, &ppdu);
	buf_free(&ppdu);
	return 0;
}

static const struct {
	int (*fn)(struct pres *, const struct pres_prim *, struct err *);
	unsigned states;
} from_user[PRES_SESSION + 1][SES_CNF + 1] = {
    [PRES_CONNECT] = {[SES_REQ] = {pres_connect_req, IN(PRES_IDLE)},
	[SES_RSP] = {pres_connect_rsp, IN(PRES_WAIT_RSP)}},
    [PRES_DATA] = {[SES_REQ] = {pres_data_req, IN_SENDING}},
    [PRES_TYPED_DATA] = {[SES_REQ] = {pres_data_req, IN_SENDING}},
    [PRES_RELEASE] = {[SES_REQ] = {release_req, IN(PRES_CONNECTED)},
	[SES_RSP] = {release_rsp,
	    IN(PRES_WAIT_RELEASE_RSP) | IN(PRES_RELEASE_COLLISION)}},
    [PRES_U_ABORT] = {[SES_REQ] = {user_abort_req, IN_ANY}},
    [PRES_SESSION] = {[SES_REQ] = {session_req,
			  IN_OPEN | IN(PRES_WAIT_RELEASE_RSP)},
	[SES_RSP] = {session_req, IN_OPEN | IN(PRES_WAIT_RELEASE_RSP)}},
};

int
pres_request(struct pres *p, const struct pres_prim *q, struct err *e)
{
	char text[PRES_PRIM_TEXT];

	INVARIANT(q->type <= PRES_SESSION && q->kind <= SES_CNF);
	INVARIANT(q->type != PRES_P_ABORT);
	if (from_user[q->type][q->kind].fn == NULL ||
	    (from_user[q->type][q->kind].states & IN(p->state)) == 0)
		return err_set(e, LAYER, ERR_PROTOCOL, "%s in state %s",
		    pres_prim_text(q, text), state_names[p->state]);
	return from_user[q->type][q->kind].fn(p, q, e);
}

/* --- life --- */

static void
keep_proposals(struct pres *p)
{
	INVARIANT(p->params.n_contexts <= PRES_CONTEXTS_MAX);
	p->n_contexts = p->params.n_contexts;
	p->contexts = arena_memdup(
	    p->arena, p->params.contexts, p->n_contexts * sizeof(*p->contexts));
	for (size_t i = 0; i < p->n_contexts; i++)
		p->contexts[i].result = PRES_PROVIDER_REJECTION;
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
	p->x410 = params->x410 && params->ses.cotp.role == OSI_INITIATOR;
	if (!p->x410 && params->ses.cotp.role == OSI_INITIATOR)
		keep_proposals(p);
	pres_data_init(p);
	p->ses = ses_new(&params->ses, pres_from_ses, p, now);
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

uint64_t
pres_contexts_at(const struct pres *p)
{
	return p->contexts_at;
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

bool
pres_is_x410(const struct pres *p)
{
	return p->x410;
}

struct ses *
pres_ses(struct pres *p)
{
	return p->ses;
}

const struct pres_params *
pres_params(const struct pres *p)
{
	return &p->params;
}
