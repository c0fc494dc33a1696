#include "osi/rtse_int.h"

#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

#define LAYER "rtse"
#define LINGER 5000 /* ms that a closed association leaves the peer */
/* MTABindError, and its kin of P3 and P7: busy(0). The answer to RTORQs that
 * recover, after which peers in the field open afresh. */
static const uint8_t busy[] = {0x02, 0x01, 0x00};

enum { CONTEXT_ACSE = 1, CONTEXT_RTSE = 3, CONTEXT_APDU = 5 };

static const struct osi_common *
common(const struct rtse *r)
{
	return &r->params.pres.ses.cotp.common;
}

void
rtse_trace(
    const struct rtse *r, bool sent, const char *what, const char *detail)
{
	if (common(r)->trace != NULL)
		common(r)->trace(common(r)->trace_arg, sent, what, detail);
}

/* The timer of a state runs from its beginning; SENT goes on with the one of
 * SENDING, because an APDU has one time limit as a whole. */
void
rtse_enter(struct rtse *r, enum rtse_state state)
{
	const struct osi_timeouts *t = &common(r)->timeouts;
	const msec_t waits[] = {
	    [RTSE_UNBOUND] = t->connect,
	    [RTSE_WAIT_OPEN_CNF] = t->connect,
	    [RTSE_WAIT_OPEN_RSP] = 0,
	    [RTSE_IDLE] = 0,
	    [RTSE_SENDING] = r->params.transfer_timeout,
	    [RTSE_SENT] = r->phase.wait,
	    [RTSE_DISCARDING] = t->reply,
	    [RTSE_RECEIVING] = 0,
	    [RTSE_RECEIVED] = 0,
	    [RTSE_EXCEPTED] = t->reply,
	    [RTSE_CLOSING] = t->reply,
	    [RTSE_CLOSED] = LINGER,
	};

	if (r->state == state)
		return;
	r->state = state;
	if (state == RTSE_SENT)
		return;
	rtse_timer_start(&r->phase, waits[state]);
	if (state == RTSE_CLOSED)
		rtse_timer_stop(&r->idle);
	else
		rtse_timer_start(&r->idle, t->idle);
}

void
rtse_emit(struct rtse *r, const struct rtse_event *ev)
{
	r->fn(r->user, ev);
}

void
rtse_emit_type(struct rtse *r, enum rtse_event_type type, const struct err *why)
{
	struct rtse_event ev = {.type = type, .refuse_reason = -1, .err = why};

	rtse_emit(r, &ev);
}

struct cotp *
rtse_cotp(const struct rtse *r)
{
	return ses_cotp(pres_ses(acse_pres(r->acse)));
}

int
rtse_session(struct rtse *r, const struct ses_prim *s, struct err *e)
{
	struct pres_prim q = {.type = PRES_SESSION,
	    .kind = s->kind,
	    .ses = s,
	    .provider_reason = -1};

	return pres_request(acse_pres(r->acse), &q, e);
}

/* --- abort --- */

static void
send_abort(struct rtse *r, enum rtse_abort_reason reason)
{
	struct buf rtab = {0};
	struct acse_prim p = {.type = ACSE_ABORT, .kind = SES_REQ};
	struct err e = ERR_INIT;

	rtse_rtab_encode(reason, &rtab);
	if (r->rtse_context != 0)
		p.user_information =
		    (struct pres_value){r->rtse_context, rtab.data, rtab.len};
	rtse_enter(r, RTSE_CLOSED);
	if (acse_request(r->acse, &p, &e) < 0)
		cotp_disconnect(rtse_cotp(r));
	buf_free(&rtab);
}

void
rtse_provider_abort(
    struct rtse *r, enum rtse_abort_reason reason, const struct err *why)
{
	struct err copy = *why;

	if (r->state == RTSE_CLOSED)
		return;
	rtse_trace(r, true, "rtse RTAB", why->text);
	send_abort(r, reason);
	rtse_emit_type(r, RTSE_ABORTED, &copy);
}

void
rtse_abort(struct rtse *r, const char *why)
{
	if (r->state == RTSE_CLOSED)
		return;
	rtse_trace(r, true, "rtse RTAB", why);
	send_abort(r, RTSE_ABORT_USER);
}

void
rtse_abort_ind(struct rtse *r, const struct acse_prim *p)
{
	struct arena *a = arena_new();
	struct err e = ERR_INIT, why = ERR_INIT;
	int reason;

	if (p->err != NULL)
		why = *p->err;
	else
		err_set(&why, LAYER, ERR_PROTOCOL, "aborted by the peer");
	if (p->user_information.n > 0 &&
	    rtse_rtab_decode(a, &p->user_information, &reason, &e) >= 0) {
		err_set(&why, LAYER, ERR_TEMPORARY, "aborted by the peer: %s",
		    rtse_abort_text(reason));
		why.detail = reason;
	}
	arena_free(&a);
	rtse_enter(r, RTSE_CLOSED);
	rtse_emit_type(r, RTSE_ABORTED, &why);
}

/* --- open, responder --- */

static bool
find_contexts(struct rtse *r)
{
	struct pres *p = acse_pres(r->acse);

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
	    .application_context = r->params.application_context,
	    .result = result,
	    .diagnostic_source = 1,
	    .diagnostic = diagnostic};

	if (apdu != NULL)
		p.user_information =
		    (struct pres_value){r->rtse_context, apdu->data, apdu->len};
	return acse_request(r->acse, &p, e);
}

/* Refused without asking our user, who learns it as an abort. */
static void
refuse_by_provider(struct rtse *r, enum acse_result result, int diagnostic,
    const struct buf *apdu, const struct err *why)
{
	struct err e = ERR_INIT;

	rtse_enter(r, RTSE_CLOSED);
	if (associate_rsp(r, result, diagnostic, apdu, &e) < 0)
		cotp_disconnect(rtse_cotp(r));
	rtse_emit_type(r, RTSE_ABORTED, why);
}

static void
refuse_recovery(struct rtse *r)
{
	struct octets user_data = {busy, sizeof(busy)};
	struct buf rtorj = {0};
	struct err why = ERR_INIT;

	err_set(&why, LAYER, ERR_UNSUPPORTED,
	    "the peer wants to recover an association that is not known here");
	rtse_rtorj_encode(&user_data, &rtorj);
	refuse_by_provider(
	    r, ACSE_REJECTED_TRANSIENT, ACSE_DIAG_NO_REASON, &rtorj, &why);
	buf_free(&rtorj);
}

/* Both sides' wishes: the smaller one; 0 of either means none at all. */
static uint32_t
smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void
open_ind(struct rtse *r, const struct rtse_open *o)
{
	struct rtse_event ev = {.type = RTSE_OPEN_IND,
	    .data = o->user_data.p,
	    .n = o->user_data.n,
	    .refuse_reason = -1};

	r->dialogue = o->dialogue;
	r->checkpoint_size =
	    smaller(o->checkpoint_size, r->params.checkpoint_size);
	r->window_size = smaller(o->window_size, r->params.window_size);
	rtse_enter(r, RTSE_WAIT_OPEN_RSP);
	rtse_emit(r, &ev);
}

/* The defects of an A-ASSOCIATE that RTSE itself judges: 0, or refused. */
static int
judge(struct rtse *r, const struct acse_prim *p, struct err *why)
{
	if (strcmp(p->application_context, r->params.application_context) != 0)
		return err_set(why, LAYER, ERR_REFUSED,
		    "application context %s is not offered here",
		    p->application_context);
	if (!find_contexts(r))
		return err_set(why, LAYER, ERR_REFUSED,
		    "presentation contexts for RTSE and its user are missing");
	if (p->user_information.n == 0 ||
	    p->user_information.context_id != r->rtse_context)
		return err_set(why, LAYER, ERR_PROTOCOL, "no RTORQ in AARQ");
	return 0;
}

void
rtse_associate_ind(struct rtse *r, const struct acse_prim *p)
{
	struct arena *a = arena_new();
	struct rtse_open o;
	struct err why = ERR_INIT;
	int rc = judge(r, p, &why);
	bool context = rc != ERR_REFUSED || r->rtse_context != 0;

	if (rc == 0)
		rc = rtse_rtorq_decode(a, &p->user_information, &o, &why);
	if (rc < 0)
		refuse_by_provider(r, ACSE_REJECTED_PERMANENT,
		    context ? ACSE_DIAG_NO_REASON
			    : ACSE_DIAG_CONTEXT_NAME_NOT_SUPPORTED,
		    NULL, &why);
	else if (o.recover)
		refuse_recovery(r);
	else
		open_ind(r, &o);
	arena_free(&a);
}

int
rtse_open_accept(struct rtse *r, const uint8_t *bind, size_t n, struct err *e)
{
	struct rtse_open o = {.checkpoint_size = r->checkpoint_size,
	    .window_size = r->window_size,
	    .user_data = {bind, n}};
	struct buf rtoac = {0};
	int rc;

	if (r->state != RTSE_WAIT_OPEN_RSP)
		return err_set(e, LAYER, ERR_PROTOCOL,
		    "nothing to accept in state %d", (int)r->state);
	rtse_rtoac_encode(&o, &rtoac);
	rtse_enter(r, RTSE_IDLE);
	rc = associate_rsp(r, ACSE_ACCEPTED, ACSE_DIAG_NULL, &rtoac, e);
	buf_free(&rtoac);
	return rc;
}

int
rtse_open_refuse(struct rtse *r, const uint8_t *error, size_t n, struct err *e)
{
	struct octets user_data = {error, n};
	struct buf rtorj = {0};
	int rc;

	if (r->state != RTSE_WAIT_OPEN_RSP)
		return err_set(e, LAYER, ERR_PROTOCOL,
		    "nothing to refuse in state %d", (int)r->state);
	rtse_rtorj_encode(&user_data, &rtorj);
	rtse_enter(r, RTSE_CLOSED);
	rc = associate_rsp(
	    r, ACSE_REJECTED_PERMANENT, ACSE_DIAG_NO_REASON, &rtorj, e);
	buf_free(&rtorj);
	return rc;
}

/* --- open, initiator --- */

int
rtse_open_request(struct rtse *r, const uint8_t *bind, size_t n, struct err *e)
{
	struct rtse_open o = {.checkpoint_size = r->params.checkpoint_size,
	    .window_size = r->params.window_size,
	    .dialogue = r->params.dialogue,
	    .user_data = {bind, n}};
	struct acse_prim p = {.type = ACSE_ASSOCIATE,
	    .kind = SES_REQ,
	    .application_context = r->params.application_context};
	struct buf rtorq = {0};
	int rc;

	if (r->state != RTSE_UNBOUND)
		return err_set(e, LAYER, ERR_PROTOCOL, "opened twice");
	rtse_rtorq_encode(&o, &rtorq);
	p.user_information =
	    (struct pres_value){CONTEXT_RTSE, rtorq.data, rtorq.len};
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
take_rtoac(struct rtse *r, struct arena *a, const struct acse_prim *p,
    struct rtse_open *o, struct err *e)
{
	int rc;

	if (!find_contexts(r))
		return err_set(e, LAYER, ERR_REFUSED,
		    "the peer accepted no context for RTSE or its user");
	if (p->user_information.n == 0)
		return err_set(e, LAYER, ERR_PROTOCOL, "no RTOAC in AARE");
	if ((rc = rtse_rtoac_decode(a, &p->user_information, o, e)) < 0)
		return rc;
	if (o->recover)
		return err_set(e, LAYER, ERR_PROTOCOL,
		    "RTOAC recovers what was not asked for");
	r->dialogue = r->params.dialogue;
	r->checkpoint_size =
	    smaller(o->checkpoint_size, r->params.checkpoint_size);
	r->window_size = smaller(o->window_size, r->params.window_size);
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

/* --- the turn, and close --- */

bool
rtse_has_turn(const struct rtse *r)
{
	const uint8_t all = SES_TOKEN_DATA | SES_TOKEN_MINOR | SES_TOKEN_MAJOR;

	if (r->state < RTSE_IDLE || r->state == RTSE_CLOSED)
		return false;
	return (ses_tokens(pres_ses(acse_pres(r->acse))) & all) == all;
}

static int
not_open(const struct rtse *r, struct err *e)
{
	if (r->state >= RTSE_IDLE && r->state < RTSE_CLOSING)
		return 0;
	return err_set(e, LAYER, ERR_PROTOCOL, "not open");
}

int
rtse_turn_please(struct rtse *r, int priority, struct err *e)
{
	struct ses_prim s = {.type = SES_TOKEN_PLEASE,
	    .kind = SES_REQ,
	    .tokens = SES_TOKEN_DATA};
	struct pres_value v = {.context_id = r->rtse_context};
	struct pres_prim q = {.type = PRES_SESSION,
	    .kind = SES_REQ,
	    .ses = &s,
	    .values = &v,
	    .n_values = 1,
	    .provider_reason = -1};
	struct buf rttp = {0};
	int rc;

	if ((rc = not_open(r, e)) < 0)
		return rc;
	if (rtse_has_turn(r))
		return err_set(e, LAYER, ERR_PROTOCOL, "the turn is here");
	rtse_rttp_encode(priority, &rttp);
	v.p = rttp.data;
	v.n = rttp.len;
	rc = pres_request(acse_pres(r->acse), &q, e);
	buf_free(&rttp);
	return rc;
}

int
rtse_turn_give(struct rtse *r, struct err *e)
{
	struct ses_prim s = {.type = SES_CONTROL_GIVE, .kind = SES_REQ};

	if (r->state != RTSE_IDLE || !rtse_has_turn(r))
		return err_set(e, LAYER, ERR_PROTOCOL,
		    "no turn to give in state %d", (int)r->state);
	return rtse_session(r, &s, e);
}

int
rtse_close(struct rtse *r, struct err *e)
{
	struct acse_prim p = {.type = ACSE_RELEASE, .kind = SES_REQ};

	if (r->params.pres.ses.cotp.role != OSI_INITIATOR)
		return err_set(e, LAYER, ERR_PROTOCOL,
		    "only the initiator closes an association");
	if (r->state != RTSE_IDLE || !rtse_has_turn(r))
		return err_set(e, LAYER, ERR_PROTOCOL,
		    "close without the turn, or in state %d", (int)r->state);
	rtse_enter(r, RTSE_CLOSING);
	return acse_request(r->acse, &p, e);
}

void
rtse_release_ind(struct rtse *r, const struct acse_prim *ind)
{
	struct acse_prim p = {.type = ACSE_RELEASE, .kind = SES_RSP};
	struct err e = ERR_INIT;

	(void)ind;
	rtse_enter(r, RTSE_CLOSED);
	if (acse_request(r->acse, &p, &e) < 0)
		cotp_disconnect(rtse_cotp(r));
	rtse_emit_type(r, RTSE_CLOSE_IND, NULL);
}

void
rtse_release_cnf(struct rtse *r, const struct acse_prim *p)
{
	(void)p;
	rtse_enter(r, RTSE_CLOSED);
	rtse_emit_type(r, RTSE_CLOSE_CNF, NULL);
}

/* --- life --- */

static void
own_contexts(struct rtse *r, struct pres_params *p)
{
	const struct pres_context own[] = {
	    {.id = CONTEXT_ACSE, .abstract_syntax = ACSE_ABSTRACT_SYNTAX},
	    {.id = CONTEXT_RTSE, .abstract_syntax = r->params.rtse_syntax},
	    {.id = CONTEXT_APDU, .abstract_syntax = r->params.apdu_syntax},
	};
	bool shared = strcmp(r->params.rtse_syntax, r->params.apdu_syntax) == 0;
	size_t n = shared ? 2 : 3, more = r->params.pres.n_contexts;
	struct pres_context *all;

	INVARIANT(n + more <= PRES_CONTEXTS_MAX);
	all = arena_alloc(r->arena, (n + more) * sizeof(*all));
	memcpy(all, own, n * sizeof(*all));
	if (more > 0)
		memcpy(all + n, r->params.pres.contexts, more * sizeof(*all));
	p->contexts = all;
	p->n_contexts = n + more;
}

/* How long an answer may take depends on what RTSE waits for: the end of an
 * activity, for the peer's disk; and silence is our own user's at times. So
 * the session's own timers only catch what ours let pass. */
static void
lower_timeouts(const struct rtse *r, struct osi_timeouts *t)
{
	if (t->reply != 0 && t->reply <= r->params.transfer_timeout)
		t->reply = r->params.transfer_timeout + t->reply;
	if (r->params.transfer_timeout == 0)
		t->reply = 0;
	t->idle = 0;
}

static void
fill_defaults(struct rtse_params *p)
{
	if (p->apdu_syntax == NULL)
		p->apdu_syntax = p->rtse_syntax;
	if (p->window_size == 0)
		p->window_size = RTSE_WINDOW_DEFAULT;
	p->window_size = smaller(p->window_size, RTSE_WINDOW_MAX);
	p->checkpoint_size = smaller(p->checkpoint_size, RTSE_CHECKPOINT_MAX);
	if (p->pres.ses.requirements == 0)
		p->pres.ses.requirements = SES_FU_RTSE;
}

struct rtse *
rtse_new(
    const struct rtse_params *params, rtse_event_fn *fn, void *user, msec_t now)
{
	struct rtse *r = xcalloc(1, sizeof(*r));
	struct pres_params p;

	INVARIANT(
	    params->rtse_syntax != NULL && params->application_context != NULL);
	r->params = *params;
	fill_defaults(&r->params);
	r->arena = arena_new();
	r->fn = fn;
	r->user = user;
	r->now = now;
	rtse_timer_start(&r->phase, common(r)->timeouts.connect);
	p = r->params.pres;
	own_contexts(r, &p);
	lower_timeouts(r, &p.ses.cotp.common.timeouts);
	rtse_receive_init(r);
	r->acse = acse_new(&p, rtse_from_acse, r, now);
	return r;
}

void
rtse_free(struct rtse **rp)
{
	struct rtse *r = *rp;

	if (r == NULL)
		return;
	*rp = NULL;
	acse_free(&r->acse);
	rtse_receive_free(r);
	arena_free(&r->arena);
	free(r);
}

const char *
rtse_application_context(const struct rtse *r)
{
	return r->params.application_context;
}

enum rtse_dialogue
rtse_dialogue(const struct rtse *r)
{
	return r->dialogue;
}

uint32_t
rtse_checkpoint_size(const struct rtse *r)
{
	return r->checkpoint_size;
}

uint32_t
rtse_window_size(const struct rtse *r)
{
	return r->window_size;
}

struct acse *
rtse_acse(struct rtse *r)
{
	return r->acse;
}
