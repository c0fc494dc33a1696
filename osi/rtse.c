#include "osi/rtse_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

#define LAYER "rtse"
#define LINGER 5000 /* ms that a closed association leaves the peer */

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
	    [RTSE_RECEIVING] = r->params.transfer_timeout,
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
	if (state == RTSE_CLOSED) {
		rtse_keep_end(r, true);
		rtse_timer_stop(&r->idle);
	} else {
		rtse_timer_start(&r->idle, t->idle);
	}
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

bool
rtse_inside_tsdu(const struct rtse *r)
{
	return cotp_inside_tsdu(rtse_cotp(r));
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

/* X.410 mode has no words for what X.228 added. */
static enum rtse_abort_reason
reason_in_mode(const struct rtse *r, enum rtse_abort_reason reason)
{
	if (r->x410 && reason == RTSE_ABORT_PERMANENT)
		return RTSE_ABORT_TEMPORARY;
	if (r->x410 && reason == RTSE_ABORT_USER)
		return RTSE_ABORT_LOCAL_PROBLEM;
	return reason;
}

static void
send_abort(struct rtse *r, struct rtse_rtab rtab)
{
	struct buf octets = {0};
	struct acse_prim p = {.type = ACSE_ABORT, .kind = SES_REQ};
	struct err e = ERR_INIT;

	rtab.reason = reason_in_mode(r, rtab.reason);
	rtse_rtab_encode(&rtab, &octets);
	if (r->rtse_context != 0 || r->x410)
		p.user_information = (struct pres_value){
		    r->rtse_context, octets.data, octets.len};
	rtse_enter(r, RTSE_CLOSED);
	if (acse_request(r->acse, &p, &e) < 0)
		cotp_disconnect(rtse_cotp(r));
	buf_free(&octets);
}

static void
provider_abort(
    struct rtse *r, const struct rtse_rtab *rtab, const struct err *why)
{
	struct err copy = *why;

	if (r->state == RTSE_CLOSED)
		return;
	rtse_trace(r, true, "rtse RTAB", why->text);
	send_abort(r, *rtab);
	rtse_emit_type(r, RTSE_ABORTED, &copy);
}

void
rtse_provider_abort(
    struct rtse *r, enum rtse_abort_reason reason, const struct err *why)
{
	const struct rtse_rtab rtab = {.reason = reason, .reflected = -1};

	provider_abort(r, &rtab, why);
}

void
rtse_invalid_parameter(
    struct rtse *r, const struct pres_value *v, const struct err *why)
{
	const struct rtse_rtab rtab = {.reason = RTSE_ABORT_INVALID_PARAMETER,
	    .reflected = v->n > 0 ? v->p[0] : -1};

	provider_abort(r, &rtab, why);
}

void
rtse_abort(struct rtse *r, const char *why)
{
	if (r->state == RTSE_CLOSED)
		return;
	rtse_trace(r, true, "rtse RTAB", why);
	send_abort(
	    r, (struct rtse_rtab){.reason = RTSE_ABORT_USER, .reflected = -1});
}

static void
say_rtab(const struct rtse_rtab *rtab, struct err *why)
{
	char reflected[40] = "";

	if (rtab->reflected >= 0)
		snprintf(reflected, sizeof(reflected),
		    ", reflected parameter 0x%02x", (unsigned)rtab->reflected);
	err_at(why, LAYER, ERR_TEMPORARY, 0, "RTAB: aborted by the peer: %s%s",
	    rtse_abort_text((int)rtab->reason), reflected);
	why->detail = (int)rtab->reason;
}

/* Our activity and what the peer's RTAB says of it (X.228 8.3.3.3): it is
 * complete there, so that it could not be discarded; or it is unknown. */
static void
judge_activity(struct rtse *r, enum rtse_abort_reason reason)
{
	if (reason == RTSE_ABORT_UNRECOGNIZED_ACTIVITY)
		r->send.resumable = false;
	if (reason != RTSE_ABORT_COMPLETED ||
	    (r->state != RTSE_DISCARDING && r->state != RTSE_SENT))
		return;
	r->send.resumable = false;
	rtse_enter(r, RTSE_IDLE);
	rtse_emit_type(r, RTSE_TRANSFER_CNF, NULL);
}

void
rtse_abort_ind(struct rtse *r, const struct acse_prim *p)
{
	struct arena *a = arena_new();
	struct rtse_rtab rtab;
	struct err e = ERR_INIT, why = ERR_INIT;

	if (p->err != NULL)
		why = *p->err;
	else
		err_at(&why, LAYER, ERR_PROTOCOL, 0,
		    "RTAB: aborted by the peer, without one");
	if (p->user_information.n > 0 &&
	    rtse_rtab_decode(a, &p->user_information, &rtab, &e) >= 0) {
		say_rtab(&rtab, &why);
		judge_activity(r, rtab.reason);
	}
	arena_free(&a);
	if (r->state == RTSE_CLOSED)
		return;
	rtse_enter(r, RTSE_CLOSED);
	rtse_emit_type(r, RTSE_ABORTED, &why);
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

static int
monologue(const struct rtse *r, struct err *e)
{
	if (r->dialogue == RTSE_TWO_WAY_ALTERNATE)
		return 0;
	return err_set(
	    e, LAYER, ERR_PROTOCOL, "the turn does not pass in monologue");
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

	if ((rc = not_open(r, e)) < 0 || (rc = monologue(r, e)) < 0)
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
		    "no turn to give in state \"%s\"",
		    rtse_state_name(r->state));
	if (monologue(r, e) < 0)
		return ERR_PROTOCOL;
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
		    "close without the turn, or in state \"%s\"",
		    rtse_state_name(r->state));
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

/* An initiator in X.410 mode has no names for them. */
static size_t
own_count(const struct rtse *r)
{
	if (r->params.rtse_syntax == NULL)
		return 1;
	return strcmp(r->params.rtse_syntax, r->params.apdu_syntax) == 0 ? 2
									 : 3;
}

static void
own_contexts(struct rtse *r, struct pres_params *p)
{
	const struct pres_context own[] = {
	    {.id = CONTEXT_ACSE, .abstract_syntax = ACSE_ABSTRACT_SYNTAX},
	    {.id = CONTEXT_RTSE, .abstract_syntax = r->params.rtse_syntax},
	    {.id = CONTEXT_APDU, .abstract_syntax = r->params.apdu_syntax},
	};
	size_t n = own_count(r), more = r->params.pres.n_contexts;
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

uint32_t
rtse_smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void
fill_defaults(struct rtse_params *p)
{
	if (p->apdu_syntax == NULL)
		p->apdu_syntax = p->rtse_syntax;
	if (p->window_size == 0)
		p->window_size = RTSE_WINDOW_DEFAULT;
	p->window_size = rtse_smaller(p->window_size, RTSE_WINDOW_MAX);
	p->checkpoint_size =
	    rtse_smaller(p->checkpoint_size, RTSE_CHECKPOINT_MAX);
	if (p->pres.ses.requirements == 0)
		p->pres.ses.requirements = SES_FU_RTSE;
}

struct rtse *
rtse_new(
    const struct rtse_params *params, rtse_event_fn *fn, void *user, msec_t now)
{
	struct rtse *r = xcalloc(1, sizeof(*r));
	struct pres_params p;

	r->params = *params;
	fill_defaults(&r->params);
	r->x410 = params->x410 && params->pres.ses.cotp.role == OSI_INITIATOR;
	r->application_protocol = -1;
	INVARIANT(r->x410 ||
	    (params->rtse_syntax != NULL &&
		params->application_context != NULL));
	if (params->recover != NULL) {
		r->old = *params->recover;
		r->params.recover = &r->old;
	}
	r->arena = arena_new();
	r->fn = fn;
	r->user = user;
	r->now = now;
	rtse_timer_start(&r->phase, common(r)->timeouts.connect);
	p = r->params.pres;
	p.x410 = params->x410;
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
	rtse_keep_end(r, true);
	acse_free(&r->acse);
	rtse_receive_free(r);
	arena_free(&r->arena);
	free(r);
}

const char *
rtse_application_context(const struct rtse *r)
{
	return r->x410 ? NULL : r->params.application_context;
}

bool
rtse_is_x410(const struct rtse *r)
{
	return r->x410;
}

int32_t
rtse_application_protocol(const struct rtse *r)
{
	return r->application_protocol;
}

const struct ses_conn_id *
rtse_conn_id(const struct rtse *r)
{
	return &ses_params(pres_ses(acse_pres(r->acse)))->conn_id;
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
