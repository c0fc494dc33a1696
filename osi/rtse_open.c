/*
 * Opening and recovering an association (X.228 7.1, 8.1), both roles: RTORQ,
 * RTOAC and RTORJ, in the user information of ACSE or, in X.410 mode, alone.
 */
#include "osi/rtse_int.h"

#include <string.h>

#define LAYER "rtse"
/* MTABindError, and its kin of P3 and P7: busy(0). What peers in the field
 * answer to an RTORQ that recovers; then they are opened afresh. */
static const uint8_t busy[] = {0x02, 0x01, 0x00};

/* X.228 7.1.2: what RTSE needs of the session connection, in either mode. */
static int
judge_units(const struct rtse *r, const char *who, struct err *e)
{
	static const struct {
		uint16_t fu;
		const char *name;
	} needed[] = {
	    {SES_FU_HALF_DUPLEX, "half-duplex"},
	    {SES_FU_MINOR_SYNC, "minor synchronize"},
	    {SES_FU_ACTIVITY, "activity management"},
	    {SES_FU_EXCEPTIONS, "exceptions"},
	};
	uint16_t fu = ses_requirements(pres_ses(acse_pres(r->acse)));

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if ((fu & needed[i].fu) == 0)
			return err_at(e, LAYER, ERR_UNSUPPORTED, 0,
			    "session %s: without the functional unit %s", who,
			    needed[i].name);
	return 0;
}

/* --- responder --- */

static bool
find_contexts(struct rtse *r)
{
	struct pres *p = acse_pres(r->acse);

	if (r->x410)
		return true;
	r->rtse_context = pres_context_id(p, r->params.rtse_syntax);
	r->apdu_context = pres_context_id(p, r->params.apdu_syntax);
	return r->rtse_context != 0 && r->apdu_context != 0;
}

static int
associate_rsp(struct rtse *r, enum acse_result result, int diagnostic,
    const struct buf *apdu, struct err *e)
{
	struct acse_prim p = {.type = ACSE_ASSOCIATE,
	    .kind = SES_RSP,
	    .application_context =
		r->x410 ? NULL : r->params.application_context,
	    .result = result,
	    .diagnostic_source = 1,
	    .diagnostic = diagnostic};

	if (apdu != NULL)
		p.user_information =
		    (struct pres_value){r->rtse_context, apdu->data, apdu->len};
	return acse_request(r->acse, &p, e);
}

/* Refused without asking our user, who learns it as an abort. The RTORJ says
 * more in X.410 mode only; without a context for it ACSE refuses alone. */
static void
refuse_by_provider(struct rtse *r, int diagnostic, const struct err *why)
{
	const struct rtse_refusal j = {
	    .reason = r->x410 ? RTSE_REFUSE_VALIDATION_FAILURE : -1};
	struct buf rtorj = {0};
	struct err e = ERR_INIT;

	rtse_rtorj_encode(&j, &rtorj);
	rtse_enter(r, RTSE_CLOSED);
	if (associate_rsp(r, ACSE_REJECTED_PERMANENT, diagnostic,
		r->x410 || r->rtse_context != 0 ? &rtorj : NULL, &e) < 0)
		cotp_disconnect(rtse_cotp(r));
	buf_free(&rtorj);
	rtse_emit_type(r, RTSE_ABORTED, why);
}

static void
open_ind(struct rtse *r, const struct rtse_open *o)
{
	struct rtse_event ev = {.type = RTSE_OPEN_IND,
	    .data = o->user_data.p,
	    .n = o->user_data.n,
	    .recover = o->recover ? &r->old : NULL,
	    .refuse_reason = -1};

	r->dialogue = o->dialogue;
	r->recovering = o->recover;
	r->old = o->old;
	if (r->x410)
		r->application_protocol = o->application_protocol;
	r->checkpoint_size =
	    rtse_smaller(o->checkpoint_size, r->params.checkpoint_size);
	r->window_size = rtse_smaller(o->window_size, r->params.window_size);
	rtse_enter(r, RTSE_WAIT_OPEN_RSP);
	rtse_emit(r, &ev);
}

/* The defects of an A-ASSOCIATE that RTSE itself judges: 0, or refused. */
static int
judge(
    struct rtse *r, const struct acse_prim *p, int *diagnostic, struct err *why)
{
	bool contexts = find_contexts(r);

	*diagnostic = ACSE_DIAG_NO_REASON;
	if (!r->x410 &&
	    strcmp(p->application_context, r->params.application_context) !=
		0) {
		*diagnostic = ACSE_DIAG_CONTEXT_NAME_NOT_SUPPORTED;
		return err_at(why, "acse", ERR_REFUSED,
		    p->application_context_at,
		    "AARQ, application-context-name: %s is not offered here",
		    p->application_context);
	}
	if (!contexts)
		return err_at(why, "presentation", ERR_REFUSED,
		    pres_contexts_at(acse_pres(r->acse)),
		    "CP, presentation-context-definition-list: none for %s",
		    r->rtse_context == 0 ? "RTSE" : "its user");
	if (p->user_information.n == 0 ||
	    p->user_information.context_id != r->rtse_context)
		return err_at(why, LAYER, ERR_PROTOCOL, 0,
		    "RTORQ: the %s brings none", r->x410 ? "CP" : "AARQ");
	return judge_units(r, "CN", why);
}

void
rtse_associate_ind(struct rtse *r, const struct acse_prim *p)
{
	struct arena *a = arena_new();
	struct rtse_open o;
	struct err why = ERR_INIT;
	int diagnostic;

	r->x410 = pres_is_x410(acse_pres(r->acse));
	if (judge(r, p, &diagnostic, &why) < 0 ||
	    rtse_rtorq_decode(a, &p->user_information, &o, &why) < 0)
		refuse_by_provider(r, diagnostic, &why);
	else
		open_ind(r, &o);
	arena_free(&a);
}

int
rtse_open_accept(struct rtse *r, const uint8_t *bind, size_t n, struct err *e)
{
	struct rtse_open o = {.checkpoint_size = r->checkpoint_size,
	    .window_size = r->window_size,
	    .recover = r->recovering,
	    .old = r->old,
	    .application_protocol = -1,
	    .user_data = {bind, n}};
	struct buf rtoac = {0};
	int rc;

	if (r->state != RTSE_WAIT_OPEN_RSP)
		return err_set(e, LAYER, ERR_PROTOCOL,
		    "nothing to accept in state \"%s\"",
		    rtse_state_name(r->state));
	rtse_rtoac_encode(&o, &rtoac);
	rtse_enter(r, RTSE_IDLE);
	rc = associate_rsp(r, ACSE_ACCEPTED, ACSE_DIAG_NULL, &rtoac, e);
	buf_free(&rtoac);
	return rc;
}

/* In X.410 mode the bind error is the reason of RTORJ, whose numbers it
 * shares; what has none there is a failed validation. */
static int
x410_reason(const struct rtse *r, const uint8_t *error, size_t n)
{
	struct ber_cursor c = ber_cursor(error, n);
	struct ber_tlv t;
	struct err e = ERR_INIT;
	int64_t v;

	if (r->recovering)
		return RTSE_REFUSE_CANNOT_RECOVER;
	if (n == 0)
		return -1;
	if (ber_next(&c, &t, &e) == 1 && ber_integer(&t, &v, &e) >= 0 &&
	    v >= RTSE_REFUSE_BUSY && v <= RTSE_REFUSE_DIALOGUE_MODE)
		return (int)v;
	return RTSE_REFUSE_VALIDATION_FAILURE;
}

int
rtse_open_refuse(struct rtse *r, const uint8_t *error, size_t n, struct err *e)
{
	struct rtse_refusal j = {.reason = -1, .user_data = {error, n}};
	struct buf rtorj = {0};
	enum acse_result result =
	    r->recovering ? ACSE_REJECTED_TRANSIENT : ACSE_REJECTED_PERMANENT;
	int rc;

	if (r->state != RTSE_WAIT_OPEN_RSP)
		return err_set(e, LAYER, ERR_PROTOCOL,
		    "nothing to refuse in state \"%s\"",
		    rtse_state_name(r->state));
	if (r->x410)
		j = (struct rtse_refusal){.reason = x410_reason(r, error, n)};
	else if (r->recovering && n == 0)
		j.user_data = (struct octets){busy, sizeof(busy)};
	rtse_rtorj_encode(&j, &rtorj);
	rtse_enter(r, RTSE_CLOSED);
	rc = associate_rsp(r, result,
	    n == 0 && !r->recovering ? ACSE_DIAG_CONTEXT_NAME_NOT_SUPPORTED
				     : ACSE_DIAG_NO_REASON,
	    &rtorj, e);
	buf_free(&rtorj);
	return rc;
}

/* --- initiator --- */

int
rtse_open_request(struct rtse *r, const uint8_t *bind, size_t n, struct err *e)
{
	struct rtse_open o = {.checkpoint_size = r->params.checkpoint_size,
	    .window_size = r->params.window_size,
	    .dialogue = r->params.dialogue,
	    .recover = r->params.recover != NULL,
	    .old = r->old,
	    .application_protocol =
		r->x410 ? r->params.application_protocol : -1,
	    .user_data = {bind, n}};
	struct acse_prim p = {.type = ACSE_ASSOCIATE,
	    .kind = SES_REQ,
	    .application_context =
		r->x410 ? NULL : r->params.application_context};
	struct buf rtorq = {0};
	int rc;

	if (r->state != RTSE_UNBOUND)
		return err_set(e, LAYER, ERR_PROTOCOL, "opened twice");
	rtse_rtorq_encode(&o, &rtorq);
	p.user_information = (struct pres_value){
	    r->x410 ? 0 : CONTEXT_RTSE, rtorq.data, rtorq.len};
	if (r->x410)
		r->application_protocol = r->params.application_protocol;
	rtse_enter(r, RTSE_WAIT_OPEN_CNF);
	rc = acse_request(r->acse, &p, e);
	buf_free(&rtorq);
	return rc;
}

static void
refused_cnf(struct rtse *r, const struct acse_prim *p)
{
	struct arena *a = arena_new();
	struct rtse_refusal j = {.reason = -1};
	struct err e = ERR_INIT;
	struct rtse_event ev = {
	    .type = RTSE_OPEN_REFUSED, .acse_result = p->result, .err = p->err};

	/* a refusal without RTORJ, or an unreadable one, is still a refusal */
	if (p->user_information.n > 0 &&
	    rtse_rtorj_decode(a, &p->user_information, &j, &e) < 0)
		j = (struct rtse_refusal){.reason = -1};
	ev.data = j.user_data.p;
	ev.n = j.user_data.n;
	ev.refuse_reason = j.reason;
	rtse_enter(r, RTSE_CLOSED);
	rtse_emit(r, &ev);
	arena_free(&a);
}

static int
judge_recovery(const struct rtse *r, const struct rtse_open *o, struct err *e)
{
	if (o->recover != (r->params.recover != NULL))
		return err_at(e, LAYER, ERR_PROTOCOL, 0,
		    "RTOAC: it %s what was not asked for",
		    o->recover ? "recovers" : "opens");
	if (o->recover && !rtse_conn_id_equal(&o->old, &r->old))
		return err_at(e, LAYER, ERR_PROTOCOL, 0,
		    "RTOAC: it recovers another association");
	return 0;
}

static int
take_rtoac(struct rtse *r, struct arena *a, const struct acse_prim *p,
    struct rtse_open *o, struct err *e)
{
	int rc;

	if (!find_contexts(r))
		return err_at(e, "presentation", ERR_REFUSED,
		    pres_contexts_at(acse_pres(r->acse)),
		    "CPA, presentation-context-definition-result-list: no "
		    "context for RTSE or its user");
	if (p->user_information.n == 0)
		return err_at(e, LAYER, ERR_PROTOCOL, 0,
		    "RTOAC: the %s brings none", r->x410 ? "CPA" : "AARE");
	if ((rc = judge_units(r, "AC", e)) < 0 ||
	    (rc = rtse_rtoac_decode(a, &p->user_information, o, e)) < 0 ||
	    (rc = judge_recovery(r, o, e)) < 0)
		return rc;
	r->dialogue = r->params.dialogue;
	/* our 0 leaves the size to the peer, whose 0 means: none (X.228
	 * 7.1.4.1) */
	r->checkpoint_size = r->params.checkpoint_size == 0
	    ? o->checkpoint_size
	    : rtse_smaller(o->checkpoint_size, r->params.checkpoint_size);
	r->window_size = rtse_smaller(o->window_size, r->params.window_size);
	return 0;
}

static void
accepted_cnf(struct rtse *r, const struct acse_prim *p)
{
	struct arena *a = arena_new();
	struct rtse_open o;
	struct err e = ERR_INIT;

	if (take_rtoac(r, a, p, &o, &e) < 0) {
		rtse_provider_abort(r, RTSE_ABORT_PROTOCOL_ERROR, &e);
	} else {
		struct rtse_event ev = {.type = RTSE_OPEN_CNF,
		    .data = o.user_data.p,
		    .n = o.user_data.n,
		    .refuse_reason = -1};

		rtse_enter(r, RTSE_IDLE);
		rtse_emit(r, &ev);
	}
	arena_free(&a);
}

void
rtse_associate_cnf(struct rtse *r, const struct acse_prim *p)
{
	if (p->result == ACSE_ACCEPTED)
		accepted_cnf(r, p);
	else
		refused_cnf(r, p);
}
