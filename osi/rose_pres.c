/*
 * ROSE directly over presentation (X.229 8.2): bind is A-ASSOCIATE with the
 * argument as user information, an APDU is one P-DATA, unbind is A-RELEASE.
 */
#include "osi/rose_int.h"

#include <string.h>

#include "lib/arena.h"

#define RELEASE_NORMAL 0

enum { CONTEXT_ACSE = 1, CONTEXT_ROSE = 3 };

static int
send_first(struct rose *r, struct err *e)
{
	struct pres_prim q = {.type = PRES_DATA,
	    .kind = SES_REQ,
	    .provider_reason = -1,
	    .data = {r->context, r->head->apdu.data, r->head->apdu.len},
	    .total = r->head->apdu.len,
	    .first = true,
	    .last = true};

	return pres_request(acse_pres(r->acse), &q, e);
}

static void
release(struct rose *r)
{
	struct acse_prim p = {
	    .type = ACSE_RELEASE, .kind = SES_REQ, .reason = RELEASE_NORMAL};
	struct err e = ERR_INIT;

	r->releasing = true;
	if (acse_request(r->acse, &p, &e) < 0) {
		r->carrier->abort(r, e.text);
		rose_finish(r, ROSE_ABORTED, &e);
	}
}

/* What the socket does not take waits as APDUs, which are counted. */
static void
flush(struct rose *r)
{
	const struct buf *out = cotp_output(r->carrier->cotp(r));

	if (r->flushing)
		return;
	r->flushing = true;
	while (r->head != NULL && r->state != ROSE_CLOSED &&
	    out->len < ROSE_OUTPUT_MAX) {
		struct err e = ERR_INIT;
		int rc = send_first(r, &e);

		rose_sent(r, rc < 0 ? &e : NULL);
	}
	if (r->state == ROSE_RELEASING && !r->releasing && r->head == NULL)
		release(r);
	r->flushing = false;
}

/* --- from below --- */

static int
associate_rsp(struct rose *r, enum acse_result result, int diagnostic,
    const struct octets *v, struct err *e)
{
	struct acse_prim p = {.type = ACSE_ASSOCIATE,
	    .kind = SES_RSP,
	    .application_context = r->params.stack.application_context,
	    .result = result,
	    .diagnostic_source = 1,
	    .diagnostic = diagnostic};

	if (v != NULL)
		p.user_information =
		    (struct pres_value){r->context, v->p, v->n};
	return acse_request(r->acse, &p, e);
}

static const char *
apdu_of(const struct acse_prim *p)
{
	return p->kind == SES_IND ? "AARQ" : "AARE";
}

/* In e->detail the diagnostic of a refusal (X.227 7.1.4.5). */
static int
judge(struct rose *r, const struct acse_prim *p, struct err *why)
{
	const struct rtse_params *s = &r->params.stack;

	r->context = pres_context_id(acse_pres(r->acse), s->apdu_syntax);
	if (p->application_context == NULL ||
	    strcmp(p->application_context, s->application_context) != 0) {
		err_at(why, ROSE_LAYER, ERR_REFUSED, 0,
		    "%s, application-context: %s is not offered here",
		    apdu_of(p),
		    p->application_context != NULL ? p->application_context
						   : "of X.410 mode");
		why->detail = ACSE_DIAG_CONTEXT_NAME_NOT_SUPPORTED;
		return ERR_REFUSED;
	}
	if (r->context != 0 &&
	    (p->user_information.n == 0 ||
		p->user_information.context_id == r->context))
		return 0;
	if (r->context == 0)
		err_at(why, ROSE_LAYER, ERR_REFUSED, 0,
		    "%s: no presentation context for the operations",
		    p->kind == SES_IND ? "CP" : "CPA");
	else
		err_at(why, ROSE_LAYER, ERR_REFUSED, 0,
		    "%s, user-information: on presentation context %d, not "
		    "%d",
		    apdu_of(p), (int)p->user_information.context_id,
		    (int)r->context);
	why->detail = ACSE_DIAG_NO_REASON;
	return ERR_REFUSED;
}

static void
associate_ind(struct rose *r, const struct acse_prim *p)
{
	struct rose_event up = {
	    .value = {p->user_information.p, p->user_information.n}, .acse = p};
	struct err why = ERR_INIT, e = ERR_INIT;

	if (judge(r, p, &why) < 0) {
		if (associate_rsp(
			r, ACSE_REJECTED_PERMANENT, why.detail, NULL, &e) < 0)
			cotp_disconnect(r->carrier->cotp(r));
		rose_finish(r, ROSE_ABORTED, &why);
	} else {
		rose_bind_ind(r, &up);
	}
}

static void
associate_cnf(struct rose *r, const struct acse_prim *p)
{
	bool accepted = p->result == ACSE_ACCEPTED;
	struct rose_event up = {
	    .type = accepted ? ROSE_BIND_CNF : ROSE_BIND_REFUSED,
	    .value = {p->user_information.p, p->user_information.n},
	    .acse = p,
	    .err = p->err};
	struct err why = ERR_INIT;

	if (accepted && judge(r, p, &why) < 0) {
		r->carrier->abort(r, why.text);
		rose_finish(r, ROSE_ABORTED, &why);
	} else {
		rose_bind_cnf(r, &up);
	}
}

static void
release_ind(struct rose *r, const struct acse_prim *p)
{
	struct acse_prim rsp = {
	    .type = ACSE_RELEASE, .kind = SES_RSP, .reason = RELEASE_NORMAL};
	struct err e = ERR_INIT;

	(void)p;
	if (acse_request(r->acse, &rsp, &e) < 0)
		rose_trace(r, true, "rose release", e.text);
	/* in a collision our own release is answered yet */
	if (!r->releasing)
		rose_finish(r, ROSE_UNBIND_IND, NULL);
}

static void
release_cnf(struct rose *r, const struct acse_prim *p)
{
	(void)p;
	rose_finish(r, ROSE_UNBIND_CNF, NULL);
}

static void
abort_ind(struct rose *r, const struct acse_prim *p)
{
	rose_finish(r, ROSE_ABORTED, p->err);
}

static void
too_long(struct rose *r)
{
	struct err e = ERR_INIT;

	err_at(&e, ROSE_LAYER, ERR_LIMIT, r->params.max_apdu,
	    "APDU: it has more than %zu octets", r->params.max_apdu);
	r->carrier->abort(r, e.text);
	rose_finish(r, ROSE_ABORTED, &e);
}

static void
pass(struct rose *r, const struct acse_prim *p)
{
	const struct pres_prim *q = p->pres;
	struct buf apdu;

	/* tokens and the like mean nothing to ROSE */
	if (q->type != PRES_DATA || q->data.context_id != r->context)
		return;
	if (q->first)
		buf_clear(&r->in);
	if (r->in.len + q->data.n > r->params.max_apdu) {
		too_long(r);
		return;
	}
	buf_append(&r->in, q->data.p, q->data.n);
	if (!q->last)
		return;
	apdu = r->in;
	r->in = (struct buf){0};
	rose_take_apdu(r, apdu.data, apdu.len);
	buf_free(&apdu);
}

static void
from_acse(void *user, const struct acse_prim *p)
{
	static void (*const handlers[ACSE_PASS + 1][SES_CNF + 1])(
	    struct rose *, const struct acse_prim *) = {
	    [ACSE_ASSOCIATE] =
		{[SES_IND] = associate_ind, [SES_CNF] = associate_cnf},
	    [ACSE_RELEASE] = {[SES_IND] = release_ind, [SES_CNF] = release_cnf},
	    [ACSE_ABORT] = {[SES_IND] = abort_ind},
	    [ACSE_P_ABORT] = {[SES_IND] = abort_ind},
	    [ACSE_PASS] = {[SES_IND] = pass},
	};
	struct rose *r = user;

	if (r->state != ROSE_CLOSED && handlers[p->type][p->kind] != NULL)
		handlers[p->type][p->kind](r, p);
}

/* --- down --- */

static int
over_pres_bind(struct rose *r, const struct octets *v, struct err *e)
{
	struct acse_prim p = {.type = ACSE_ASSOCIATE,
	    .kind = SES_REQ,
	    .application_context = r->params.stack.application_context,
	    .user_information = {CONTEXT_ROSE, v->p, v->n}};

	return acse_request(r->acse, &p, e);
}

static int
over_pres_accept(struct rose *r, const struct octets *v, struct err *e)
{
	return associate_rsp(r, ACSE_ACCEPTED, ACSE_DIAG_NULL, v, e);
}

static int
over_pres_refuse(struct rose *r, const struct octets *v, struct err *e)
{
	return associate_rsp(
	    r, ACSE_REJECTED_PERMANENT, ACSE_DIAG_NO_REASON, v, e);
}

static struct cotp *
over_pres_cotp(struct rose *r)
{
	return ses_cotp(pres_ses(acse_pres(r->acse)));
}

static void
over_pres_abort(struct rose *r, const char *why)
{
	struct acse_prim p = {.type = ACSE_ABORT, .kind = SES_REQ};
	struct err e = ERR_INIT;

	rose_trace(r, true, "rose abort", why);
	if (acse_request(r->acse, &p, &e) < 0)
		cotp_disconnect(over_pres_cotp(r));
}

const struct rose_carrier_ops rose_over_presentation = {
    .bind = over_pres_bind,
    .accept = over_pres_accept,
    .refuse = over_pres_refuse,
    .flush = flush,
    .abort = over_pres_abort,
    .cotp = over_pres_cotp,
};

void
rose_pres_new(struct rose *r, msec_t now)
{
	struct pres_params p = r->params.stack.pres;
	const struct pres_context own[] = {
	    {.id = CONTEXT_ACSE, .abstract_syntax = ACSE_ABSTRACT_SYNTAX},
	    {.id = CONTEXT_ROSE,
		.abstract_syntax = r->params.stack.apdu_syntax},
	};

	p.contexts = own;
	p.n_contexts = 2;
	if (p.ses.requirements == 0)
		p.ses.requirements = SES_FU_DUPLEX;
	r->carrier = &rose_over_presentation;
	r->acse = acse_new(&p, from_acse, r, now);
}
