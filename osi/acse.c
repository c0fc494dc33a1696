/*
 * The ACSE engine: association, what passes through, and the tables of what
 * may come from below and from above (X.227 Annex A).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "osi/acse_int.h"

#define LAYER ACSE_LAYER
enum { SOURCE_USER = 1, SOURCE_PROVIDER = 2 };

#define UNEXPECTED_APDU 0x100 /* err.detail */

#define IN(state) (1u << (state))
#define IN_LIVE                                                         \
	(IN(ACSE_WAIT_AARE) | IN(ACSE_WAIT_RSP) | IN(ACSE_ASSOCIATED) | \
	    IN(ACSE_WAIT_RLRE) | IN(ACSE_WAIT_RELEASE_RSP) |            \
	    IN(ACSE_COLLISION))

/* X.227 Annex A */
static const char *const state_names[] = {
    [ACSE_UNASSOCIATED] = "STA0 (no association)",
    [ACSE_WAIT_AARE] = "STA1 (AARQ sent)",
    [ACSE_WAIT_RSP] = "STA2 (AARQ received)",
    [ACSE_WAIT_RLRE] = "STA3 (RLRQ sent)",
    [ACSE_WAIT_RELEASE_RSP] = "STA4 (RLRQ received)",
    [ACSE_ASSOCIATED] = "STA5 (associated)",
    [ACSE_COLLISION] = "STA6, STA7 (RLRQs collided)",
    [ACSE_CLOSED] = "STA0 (closed)",
};

const char *
acse_prim_text(const struct acse_prim *p, char out[PRES_PRIM_TEXT])
{
	static const char *const names[] = {
	    [ACSE_ASSOCIATE] = "ASSOCIATE",
	    [ACSE_RELEASE] = "RELEASE",
	    [ACSE_ABORT] = "ABORT",
	    [ACSE_P_ABORT] = "P-ABORT",
	};

	if (p->type == ACSE_PASS)
		return pres_prim_text(p->pres, out);
	snprintf(out, PRES_PRIM_TEXT, "A-%s %s", names[p->type],
	    ses_kind_name(p->kind));
	return out;
}

void
acse_enter(struct acse *a, enum acse_state state)
{
	a->state = state;
}

static int32_t
own_context(const struct acse *a)
{
	return pres_context_id(a->pres, ACSE_ABSTRACT_SYNTAX);
}

/* The initiator's own context before it is accepted. */
static int32_t
proposed_context(const struct acse *a)
{
	const struct pres_context *c;
	size_t n;

	c = pres_contexts(a->pres, &n);
	for (size_t i = 0; i < n; i++)
		if (strcmp(c[i].abstract_syntax, ACSE_ABSTRACT_SYNTAX) == 0)
			return c[i].id;
	return 0;
}

/* --- down --- */

/* There are no APDUs in X.410 mode: what our user gave goes as it is. */
static int
send_x410(struct acse *a, const struct acse_apdu *u, struct pres_prim *q,
    struct err *e)
{
	q->values = &u->user_information;
	q->n_values = u->user_information.n > 0;
	q->provider_reason = -1;
	return pres_request(a->pres, q, e);
}

int
acse_send(struct acse *a, const struct acse_apdu *u, struct pres_prim *q,
    struct err *e)
{
	struct buf octets = {0};
	struct pres_value v = {.context_id = own_context(a)};
	int rc;

	if (pres_is_x410(a->pres))
		return send_x410(a, u, q, e);
	rc = acse_apdu_encode(u, &octets, e);
	if (rc >= 0) {
		if (v.context_id == 0)
			v.context_id = proposed_context(a);
		v.p = octets.data;
		v.n = octets.len;
		q->values = &v;
		q->n_values = v.context_id != 0;
		q->provider_reason = -1;
		rc = pres_request(a->pres, q, e);
	}
	buf_free(&octets);
	return rc;
}

static bool
has_authentication(const struct acse_authentication *x)
{
	return x->unit || x->mechanism != NULL || x->value.n > 0;
}

static int
associate_req(struct acse *a, const struct acse_prim *p, struct err *e)
{
	struct acse_apdu u = {.type = ACSE_AARQ,
	    .application_context = p->application_context,
	    .called = p->called,
	    .calling = p->calling,
	    .authentication = p->authentication,
	    .implementation = p->implementation,
	    .user_information = p->user_information};
	struct pres_prim q = {.type = PRES_CONNECT, .kind = SES_REQ};

	INVARIANT(p->application_context != NULL || pres_is_x410(a->pres));
	a->proposed = has_authentication(&p->authentication);
	acse_enter(a, ACSE_WAIT_AARE);
	return acse_send(a, &u, &q, e);
}

static int
associate_rsp(struct acse *a, const struct acse_prim *p, struct err *e)
{
	struct acse_apdu u = {.type = ACSE_AARE,
	    .application_context = p->application_context != NULL
		? p->application_context
		: a->application_context,
	    .result = p->result,
	    .diagnostic_source = p->diagnostic_source,
	    .diagnostic = p->diagnostic,
	    .called = p->called,
	    .authentication = p->authentication,
	    .implementation = p->implementation,
	    .user_information = p->user_information};
	struct pres_prim q = {.type = PRES_CONNECT,
	    .kind = SES_RSP,
	    .accepted = p->result == ACSE_ACCEPTED};

	if (has_authentication(&p->authentication) && !a->proposed)
		return err_set(e, LAYER, ERR_PROTOCOL,
		    "the AARQ does not propose authentication");
	a->selected = has_authentication(&p->authentication);
	acse_enter(a, q.accepted ? ACSE_ASSOCIATED : ACSE_CLOSED);
	return acse_send(a, &u, &q, e);
}

static const struct {
	int (*fn)(struct acse *, const struct acse_prim *, struct err *);
	unsigned states;
} from_user[ACSE_PASS + 1][SES_CNF + 1] = {
    [ACSE_ASSOCIATE] = {[SES_REQ] = {associate_req, IN(ACSE_UNASSOCIATED)},
	[SES_RSP] = {associate_rsp, IN(ACSE_WAIT_RSP)}},
    [ACSE_RELEASE] = {[SES_REQ] = {acse_release_req, IN(ACSE_ASSOCIATED)},
	[SES_RSP] = {acse_release_rsp,
	    IN(ACSE_WAIT_RELEASE_RSP) | IN(ACSE_COLLISION)}},
    [ACSE_ABORT] = {[SES_REQ] = {acse_abort_req, IN_LIVE}},
};

int
acse_request(struct acse *a, const struct acse_prim *p, struct err *e)
{
	char text[PRES_PRIM_TEXT];

	INVARIANT(p->type <= ACSE_PASS && p->kind <= SES_CNF);
	if (from_user[p->type][p->kind].fn == NULL ||
	    (from_user[p->type][p->kind].states & IN(a->state)) == 0)
		return err_set(e, LAYER, ERR_PROTOCOL, "%s in state %s",
		    acse_prim_text(p, text), state_names[a->state]);
	return from_user[p->type][p->kind].fn(a, p, e);
}

/* --- up --- */

/* In X.410 mode connect and abort carry nothing but our user's value. */
static int
take_x410(
    const struct pres_prim *q, enum acse_apdu_type want, struct acse_apdu *u)
{
	*u = (struct acse_apdu){.type = want, .version_1 = true};
	if (q->n_values == 0)
		return 0;
	u->user_information = q->values[0];
	return 1;
}

/* An APDU that the state does not allow is that, whatever its fields are. */
static int
check_type(const struct pres_value *v, enum acse_apdu_type want, struct err *e)
{
	unsigned type = v->n > 0 ? v->p[0] & 0x1fu : ACSE_ABRT + 1;
	bool ours = v->n > 0 && (v->p[0] & 0xe0) == 0x60 && type <= ACSE_ABRT;

	if (!ours || type == want)
		return 0; /* what it is not, is for decoding to tell */
	err_at(e, LAYER, ERR_PROTOCOL, 0, "%s: it is where %s belongs",
	    acse_apdu_name((enum acse_apdu_type)type), acse_apdu_name(want));
	if (e != NULL)
		e->detail = UNEXPECTED_APDU;
	return ERR_PROTOCOL;
}

int
acse_take_apdu(struct acse *a, struct arena *arena, const struct pres_prim *q,
    enum acse_apdu_type want, struct acse_apdu *u, struct err *e)
{
	int32_t id = own_context(a);

	if (pres_is_x410(a->pres))
		return take_x410(q, want, u);
	for (size_t i = 0; i < q->n_values; i++) {
		int rc;

		if (q->values[i].context_id != id || id == 0)
			continue;
		rc = check_type(&q->values[i], want, e);
		if (rc == 0)
			rc = acse_apdu_decode(
			    arena, q->values[i].p, q->values[i].n, u, e);
		return rc < 0 ? rc : 1;
	}
	return 0;
}

struct acse_prim
acse_prim_of(const struct acse_apdu *u, enum acse_prim_type type,
    enum ses_prim_kind kind)
{
	return (struct acse_prim){.type = type,
	    .kind = kind,
	    .application_context = u->application_context,
	    .application_context_at = u->application_context_at,
	    .result = u->result,
	    .diagnostic_source = u->diagnostic_source,
	    .diagnostic = u->diagnostic,
	    .reason = u->reason,
	    .abort_diagnostic = (enum acse_abort_diagnostic)u->abort_diagnostic,
	    .implementation = u->implementation,
	    .called = u->called,
	    .calling = u->calling,
	    .authentication = u->authentication,
	    .user_information = u->user_information};
}

/* Without an AARQ that we can read there is nobody to answer with an AARE. */
static void
refuse_unread(struct acse *a, struct err *why)
{
	struct pres_prim q = {.type = PRES_CONNECT,
	    .kind = SES_RSP,
	    .accepted = false,
	    .provider_reason = -1};
	struct err e = ERR_INIT;

	acse_enter(a, ACSE_CLOSED);
	if (pres_request(a->pres, &q, &e) < 0)
		err_prefix(why, "%s, after", e.text);
	acse_p_abort_ind(a, why);
}

static void
refuse_version(struct acse *a, struct err *why)
{
	struct acse_prim p = {.type = ACSE_ASSOCIATE,
	    .kind = SES_RSP,
	    .result = ACSE_REJECTED_PERMANENT,
	    .diagnostic_source = SOURCE_PROVIDER,
	    .diagnostic = ACSE_PROVIDER_NO_COMMON_VERSION};
	struct err e = ERR_INIT;

	err_at(why, LAYER, ERR_UNSUPPORTED, 0,
	    "AARQ, protocol-version: none that is ours");
	if (associate_rsp(a, &p, &e) < 0)
		err_prefix(why, "%s, after", e.text);
	acse_p_abort_ind(a, why);
}

static void
connect_ind(struct acse *a, const struct pres_prim *q)
{
	struct arena *arena = arena_new();
	struct acse_apdu u = {0};
	struct err e = ERR_INIT;
	int rc = acse_take_apdu(a, arena, q, ACSE_AARQ, &u, &e);

	acse_enter(a, ACSE_WAIT_RSP);
	if (rc == 0)
		rc = err_at(
		    &e, LAYER, ERR_PROTOCOL, 0, "AARQ: the CP brings none");
	if (rc < 0 && e.detail == UNEXPECTED_APDU) {
		acse_provider_abort(a, &e); /* X.227 7.3.3 */
	} else if (rc < 0) {
		refuse_unread(a, &e);
	} else {
		if (u.application_context != NULL)
			a->application_context =
			    arena_strdup(a->arena, u.application_context);
		a->proposed = u.authentication.unit;
		if (u.version_1) {
			struct acse_prim p =
			    acse_prim_of(&u, ACSE_ASSOCIATE, SES_IND);
			a->fn(a->user, &p);
		} else {
			refuse_version(a, &e);
		}
	}
	arena_free(&arena);
}

/* Refused below ACSE. Congestion passes; everything else is for good. */
static void
refused_below(struct acse *a, const struct pres_prim *q)
{
	bool transient = q->provider_reason == 1 ||
	    (q->ses != NULL && q->n_values == 0 && q->provider_reason < 0 &&
		(q->ses->reason == SES_REFUSE_CONGESTION ||
		    q->ses->reason == SES_REFUSE_SPM_CONGESTION));
	struct acse_prim p = {.type = ACSE_ASSOCIATE,
	    .kind = SES_CNF,
	    .result =
		transient ? ACSE_REJECTED_TRANSIENT : ACSE_REJECTED_PERMANENT,
	    .diagnostic_source = SOURCE_PROVIDER,
	    .err = q->err};

	acse_enter(a, ACSE_CLOSED);
	a->fn(a->user, &p);
}

static void
refused_x410(struct acse *a, const struct pres_prim *q)
{
	struct acse_prim p = {.type = ACSE_ASSOCIATE,
	    .kind = SES_CNF,
	    .result = ACSE_REJECTED_PERMANENT,
	    .diagnostic_source = SOURCE_USER,
	    .diagnostic = ACSE_DIAG_NULL,
	    .user_information = q->values[0],
	    .err = q->err};

	acse_enter(a, ACSE_CLOSED);
	a->fn(a->user, &p);
}

static void
refused_cnf(struct acse *a, const struct pres_prim *q)
{
	struct arena *arena = arena_new();
	struct acse_apdu u = {0};
	struct err e = ERR_INIT;

	/* a CPR need not repeat the results: the AARE is where we proposed */
	if (q->n_values > 0 && pres_is_x410(a->pres)) {
		refused_x410(a, q);
	} else if (q->n_values > 0 &&
	    acse_apdu_decode(arena, q->values[0].p, q->values[0].n, &u, &e) >=
		0 &&
	    u.type == ACSE_AARE) {
		struct acse_prim p = acse_prim_of(&u, ACSE_ASSOCIATE, SES_CNF);

		if (u.result == ACSE_ACCEPTED)
			p.result = ACSE_REJECTED_PERMANENT;
		err_at(&e, LAYER, ERR_REFUSED, 0,
		    "AARE: association rejected (%s), diagnostic %d.%d",
		    u.result == ACSE_REJECTED_TRANSIENT ? "transient"
							: "permanent",
		    u.diagnostic_source, u.diagnostic);
		e.detail = u.diagnostic;
		p.err = &e;
		acse_enter(a, ACSE_CLOSED);
		a->fn(a->user, &p);
	} else {
		refused_below(a, q);
	}
	arena_free(&arena);
}

/* An AARE selects of what the AARQ proposed. */
static int
judge_aare(struct acse *a, const struct acse_apdu *u, struct err *e)
{
	if (!u->version_1)
		return err_at(e, LAYER, ERR_UNSUPPORTED, 0,
		    "AARE, protocol-version: not version 1");
	if (u->authentication.unit && !a->proposed)
		return err_at(e, LAYER, ERR_PROTOCOL, 0,
		    "AARE, acse-requirements: more than was proposed");
	a->selected = u->authentication.unit;
	return 0;
}

static void
accepted_cnf(struct acse *a, const struct pres_prim *q)
{
	struct arena *arena = arena_new();
	struct acse_apdu u = {0};
	struct err e = ERR_INIT;
	int rc = acse_take_apdu(a, arena, q, ACSE_AARE, &u, &e);

	if (rc == 0)
		rc = err_at(
		    &e, LAYER, ERR_PROTOCOL, 0, "AARE: the CPA brings none");
	else if (rc > 0 && u.result != ACSE_ACCEPTED)
		rc = err_at(&e, LAYER, ERR_PROTOCOL, 0,
		    "AARE: it rejects on a connection that was accepted");
	else if (rc > 0)
		rc = judge_aare(a, &u, &e);
	if (rc < 0) {
		acse_provider_abort(a, &e);
	} else {
		struct acse_prim p = acse_prim_of(&u, ACSE_ASSOCIATE, SES_CNF);

		acse_enter(a, ACSE_ASSOCIATED);
		a->fn(a->user, &p);
	}
	arena_free(&arena);
}

static void
connect_cnf(struct acse *a, const struct pres_prim *q)
{
	if (q->accepted)
		accepted_cnf(a, q);
	else
		refused_cnf(a, q);
}

static void
pass(struct acse *a, const struct pres_prim *q)
{
	struct acse_prim p = {.type = ACSE_PASS, .kind = q->kind, .pres = q};

	a->fn(a->user, &p);
}

#define IN_DATA (IN(ACSE_ASSOCIATED) | IN(ACSE_WAIT_RLRE))

static const struct {
	void (*fn)(struct acse *, const struct pres_prim *);
	unsigned states;
} from_below[PRES_SESSION + 1][SES_CNF + 1] = {
    [PRES_CONNECT] = {[SES_IND] = {connect_ind, IN(ACSE_UNASSOCIATED)},
	[SES_CNF] = {connect_cnf, IN(ACSE_WAIT_AARE)}},
    [PRES_DATA] = {[SES_IND] = {pass, IN_DATA}},
    [PRES_TYPED_DATA] = {[SES_IND] = {pass, IN_DATA}},
    [PRES_RELEASE] = {[SES_IND] = {acse_release_ind, IN_DATA},
	[SES_CNF] = {acse_release_cnf,
	    IN(ACSE_WAIT_RLRE) | IN(ACSE_COLLISION)}},
    [PRES_U_ABORT] = {[SES_IND] = {acse_abort_ind, ~0u}},
    [PRES_P_ABORT] = {[SES_IND] = {acse_pres_abort_ind, ~0u}},
    [PRES_SESSION] = {[SES_IND] = {pass, IN_DATA}, [SES_CNF] = {pass, IN_DATA}},
};

void
acse_from_pres(void *user, const struct pres_prim *q)
{
	struct acse *a = user;
	struct err e = ERR_INIT;
	char text[PRES_PRIM_TEXT];

	if (a->state == ACSE_CLOSED)
		return;
	if (from_below[q->type][q->kind].fn != NULL &&
	    (from_below[q->type][q->kind].states & IN(a->state)) != 0) {
		from_below[q->type][q->kind].fn(a, q);
		return;
	}
	err_at(&e, LAYER, ERR_PROTOCOL, 0, "%s: it came in state %s",
	    pres_prim_text(q, text), state_names[a->state]);
	acse_provider_abort(a, &e);
}

/* --- life --- */

struct acse *
acse_new(const struct pres_params *p, acse_prim_fn *fn, void *user, msec_t now)
{
	struct acse *a = xcalloc(1, sizeof(*a));

	a->fn = fn;
	a->user = user;
	a->arena = arena_new();
	a->pres = pres_new(p, acse_from_pres, a, now);
	return a;
}

void
acse_free(struct acse **ap)
{
	struct acse *a = *ap;

	if (a == NULL)
		return;
	*ap = NULL;
	pres_free(&a->pres);
	arena_free(&a->arena);
	free(a);
}

struct pres *
acse_pres(struct acse *a)
{
	return a->pres;
}
