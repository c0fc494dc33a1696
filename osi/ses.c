/*
 * The session engine: its interface, timers, and the dispatcher that runs
 * the state table (X.225 Annex A).
 */
#include "osi/ses.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/arena.h"
#include "lib/log.h"
#include "osi/ses_int.h"

void
ses_trace(const struct ses *s, bool sent, const char *what, const char *detail)
{
	const struct osi_common *o = &s->params.cotp.common;

	if (o->trace != NULL)
		o->trace(o->trace_arg, sent, what, detail);
}

void
ses_enter_state(struct ses *s, enum ses_state next)
{
	char detail[32];

	INVARIANT(next > STA_NONE && next < SES_STATES);
	s->touched = true;
	if (next == s->state)
		return;
	snprintf(detail, sizeof(detail), "%s -> %s", ses_states[s->state].name,
	    ses_states[next].name);
	ses_trace(s, false, "session state", detail);
	if (next != STA713 && next != STA03)
		s->rx.ssdu_open[0] = false; /* of DT: it will not go on */
	s->state = next;
	s->begun = true;
	s->restart_timer = true;
}

/* --- ends --- */

/* Nothing follows some primitives. */
static bool
is_last(const struct ses_prim *p)
{
	switch (p->type) {
	case SES_U_ABORT:
	case SES_P_ABORT: return true;
	case SES_CONNECT: return p->kind == SES_CNF && !p->accepted;
	default: return false;
	}
}

void
ses_indicate(struct ses *s, const struct ses_prim *p)
{
	if (s->over)
		return;
	if (is_last(p))
		s->over = true;
	s->fn(s->user, p);
}

void
ses_broken(struct ses *s, const struct err *e)
{
	struct ses_prim p = {
	    .type = SES_P_ABORT, .kind = SES_IND, .last = true, .err = e};

	ses_enter_state(s, STA01);
	cotp_disconnect(s->cotp);
	ses_indicate(s, &p);
}

void
ses_provider_abort(struct ses *s, uint8_t td, const struct err *e,
    const uint8_t *reflect, size_t n)
{
	struct ses_prim p = {
	    .type = SES_P_ABORT, .kind = SES_IND, .last = true, .err = e};
	struct ses_spdu ab = {.spdu.type = SPDU_AB};

	if (s->state == STA01 || s->state == STA01B) {
		ses_broken(s, e);
		return;
	}
	ses_put_number(
	    &ab, SPDU_TRANSPORT_DISCONNECT, td | SPDU_TC_RELEASED, 1);
	if (reflect != NULL)
		spdu_set(&ab.spdu, SPDU_REFLECT, reflect,
		    n < SPDU_REFLECT_MAX ? n : SPDU_REFLECT_MAX);
	if (ses_send(s, &ab, NULL) != 0)
		cotp_disconnect(s->cotp);
	ses_enter_state(s, STA16);
	ses_indicate(s, &p);
}

int
ses_report_error(
    struct ses *s, const struct err *e, const uint8_t *reflect, size_t n)
{
	struct ses_prim p = {
	    .type = SES_P_EXCEPTION, .kind = SES_IND, .last = true, .err = e};
	struct ses_spdu er = {.spdu.type = SPDU_ER};
	int r;

	spdu_set(&er.spdu, SPDU_REFLECT, reflect,
	    n < SPDU_REFLECT_MAX ? n : SPDU_REFLECT_MAX);
	r = ses_send(s, &er, NULL);
	if (r != 0)
		return r;
	s->rx.seg_open = false;
	ses_enter_state(s, STA20);
	ses_indicate(s, &p);
	return 0;
}

/* --- events --- */

uint16_t
ses_consistent_units(uint16_t fu)
{
	if ((fu & SES_FU_HALF_DUPLEX) == 0)
		fu &= (uint16_t)~SES_FU_EXCEPTIONS;
	if ((fu & SES_FU_ACTIVITY) == 0)
		fu &= (uint16_t)~SES_FU_CAPABILITY;
	return fu;
}

uint8_t
ses_available_tokens(const struct ses *s)
{
	uint8_t t = 0;

	if (s->fu & SES_FU_HALF_DUPLEX)
		t |= SES_TOKEN_DATA;
	if (s->fu & SES_FU_MINOR_SYNC)
		t |= SES_TOKEN_MINOR;
	if (s->fu & (SES_FU_MAJOR_SYNC | SES_FU_ACTIVITY))
		t |= SES_TOKEN_MAJOR;
	if (s->fu & SES_FU_NEGOTIATED_RELEASE)
		t |= SES_TOKEN_RELEASE;
	return t;
}

/* The condition that does not hold, or NULL. */
static const char *
broken_condition(const struct ses *s, const struct ses_condition *c)
{
	uint8_t available = ses_available_tokens(s);
	bool activities = (s->fu & SES_FU_ACTIVITY) != 0;

	if ((s->fu & c->fu) != c->fu)
		return "its functional unit was not negotiated";
	if ((c->own & available & ~s->tokens) != 0)
		return "a token that it needs is on the peer's side";
	if ((c->peer & available & s->tokens) != 0)
		return "a token that the peer needs is on our side";
	if (activities && c->activity == ACT_IN && !s->vact)
		return "no activity is in progress";
	if (activities && c->activity == ACT_OUT && s->vact)
		return "an activity is in progress";
	return NULL;
}

static const char *
event_name(enum ses_event event)
{
	return event < EV_SPDU ? ses_event_names[event]
			       : spdu_name((enum spdu_type)(event - EV_SPDU));
}

int
ses_dispatch(struct ses *s, struct ses_ev *ev)
{
	const struct ses_cell *cell = &ses_cells[s->state][ev->event];
	const char *broken;
	int r;

	if (cell->next == STA_NONE)
		return err_set(ev->e, SES_LAYER, ERR_PROTOCOL,
		    "%s not allowed in %s", event_name(ev->event),
		    ses_states[s->state].name);
	ev->next = cell->next;
	if (cell->action != NULL) {
		broken = broken_condition(s, &ses_conditions[ev->event]);
		if (broken != NULL)
			return err_set(ev->e, SES_LAYER, ERR_PROTOCOL, "%s: %s",
			    event_name(ev->event), broken);
		r = cell->action(s, ev);
		if (r != 0)
			return r;
	}
	ses_enter_state(s, ev->next);
	if (ev->indicate)
		ses_indicate(s, &ev->ind);
	return 0;
}

static void
transport_event(struct ses *s, enum ses_event event)
{
	struct err e = ERR_INIT;
	struct ses_ev ev = {.event = event, .e = &e};

	if (ses_dispatch(s, &ev) != 0)
		ses_broken(s, &e);
}

/* T-DISCONNECT indication, the same in every state: expected where we are
 * done, else the end of the association. */
static void
transport_gone(struct ses *s, const struct err *why)
{
	struct err e = ERR_INIT;
	/* at the beginning nobody has been told anything yet */
	bool expected = s->state == STA16 || (s->state == STA01 && s->begun);

	if (why == NULL) {
		err_set(&e, SES_LAYER, ERR_PROTOCOL,
		    "the peer closed the transport connection in %s",
		    ses_states[s->state].name);
		why = &e;
	}
	if (expected) {
		s->over = true;
		ses_enter_state(s, STA01);
	} else {
		ses_broken(s, why);
	}
}

/* Nothing that a peer sends after our AB is of use; one that has nothing else
 * to say does not have to be listened to until the timer. */
static void
after_abort(struct ses *s, size_t n)
{
	s->after_abort += n;
	if (s->after_abort <= SES_ABORTED_MAX)
		return;
	ses_trace(s, false, "session closed", "too much after our AB");
	cotp_disconnect(s->cotp);
	s->over = true;
	ses_enter_state(s, STA01);
}

static void
data_ind(struct ses *s, const struct cotp_event *ev)
{
	s->touched = true;
	if (s->state == STA16)
		after_abort(s, ev->n);
	ses_tsdu_input(s, ev->data, ev->n, ev->last);
}

static void
cotp_event(void *arg, const struct cotp_event *ev)
{
	struct ses *s = arg;

	switch (ev->type) {
	case COTP_CONNECT_IND: transport_event(s, TCONind); break;
	case COTP_CONNECT_CNF: transport_event(s, TCONcnf); break;
	case COTP_DATA_IND: data_ind(s, ev); break;
	case COTP_DISCONNECT: transport_gone(s, ev->err); break;
	}
}

/* --- requests --- */

/* The event of a primitive: [type][REQ or RSP]; a negative response has its
 * own. */
static const struct {
	int req, rsp, rsp_neg; /* -1: none */
} prim_events[] = {
    [SES_CONNECT] = {SCONreq, SCONrsp_pos, SCONrsp_neg},
    [SES_DATA] = {SDTreq, -1, -1},
    [SES_TYPED_DATA] = {STDreq, -1, -1},
    [SES_TOKEN_GIVE] = {SGTreq, -1, -1},
    [SES_TOKEN_PLEASE] = {SPTreq, -1, -1},
    [SES_CONTROL_GIVE] = {SCGreq, -1, -1},
    [SES_SYNC_MINOR] = {SSYNmreq, SSYNmrsp, SSYNmrsp},
    [SES_ACTIVITY_START] = {SACTSreq, -1, -1},
    [SES_ACTIVITY_RESUME] = {SACTRreq, -1, -1},
    [SES_ACTIVITY_INTERRUPT] = {SACTIreq, SACTIrsp, SACTIrsp},
    [SES_ACTIVITY_DISCARD] = {SACTDreq, SACTDrsp, SACTDrsp},
    [SES_ACTIVITY_END] = {SACTEreq, SACTErsp, SACTErsp},
    [SES_U_EXCEPTION] = {SUERreq, -1, -1},
    [SES_P_EXCEPTION] = {-1, -1, -1},
    [SES_RELEASE] = {SRELreq, SRELrsp_pos, SRELrsp_neg},
    [SES_U_ABORT] = {SUABreq, -1, -1},
    [SES_P_ABORT] = {-1, -1, -1},
    [SES_SYNC_MAJOR] = {SSYNMreq, SSYNMrsp, SSYNMrsp},
    [SES_CAPABILITY_DATA] = {SCDreq, SCDrsp, SCDrsp},
};

static int
event_of_prim(const struct ses_prim *p)
{
	if ((size_t)p->type >= sizeof(prim_events) / sizeof(prim_events[0]))
		return -1;
	if (p->kind == SES_REQ)
		return prim_events[p->type].req;
	if (p->kind == SES_RSP)
		return p->accepted ? prim_events[p->type].rsp
				   : prim_events[p->type].rsp_neg;
	return -1;
}

/* While an SSDU is being sent, only what continues it or may cut it off. */
static bool
may_follow_open_ssdu(const struct ses *s, enum ses_event event)
{
	switch (event) {
	case SDTreq: return s->tx.open == SPDU_DT;
	case STDreq: return s->tx.open == SPDU_TD;
	case SACTIreq:
	case SACTDreq:
	case SUABreq: return true;
	case SGTreq: return s->state == STA19;
	default: return false;
	}
}

int
ses_request(struct ses *s, const struct ses_prim *p, struct err *e)
{
	int event = event_of_prim(p);
	struct ses_ev ev = {.req = p, .e = e};

	if (event < 0)
		return err_set(e, SES_LAYER, ERR_UNSUPPORTED,
		    "primitive %d.%d is no request or response", p->type,
		    p->kind);
	ev.event = (enum ses_event)event;
	if (s->over)
		return err_set(e, SES_LAYER, ERR_PROTOCOL,
		    "%s: the session connection has ended",
		    event_name(ev.event));
	if (s->tx.open != SPDU_NONE && !may_follow_open_ssdu(s, ev.event))
		return err_set(e, SES_LAYER, ERR_PROTOCOL,
		    "%s: the SSDU being sent has not ended",
		    event_name(ev.event));
	s->idle_tsdus = 0;
	return ses_dispatch(s, &ev);
}

/* --- timers --- */

/* How long the timer of the present state runs; 0: none does. */
static msec_t
timer_length(const struct ses *s)
{
	const struct osi_timeouts *t = &s->params.cotp.common.timeouts;

	switch (ses_states[s->state].timer) {
	case SES_TIMER_REPLY: return t->reply;
	case SES_TIMER_IDLE: return t->idle;
	case SES_TIMER_ABORT: return SES_ABORT_TIMER;
	case SES_TIMER_CONNECT:
	case SES_TIMER_NONE: break;
	}
	return 0;
}

msec_t
ses_deadline(const struct ses *s)
{
	if (cotp_finished(s->cotp))
		return MSEC_NEVER;
	if (ses_states[s->state].timer == SES_TIMER_CONNECT)
		return s->connect_deadline;
	if (timer_length(s) == 0)
		return MSEC_NEVER;
	/* requests carry no time: the timer starts at the next call, now */
	return s->restart_timer ? 1 : s->deadline;
}

static void
timer_expired(struct ses *s)
{
	struct err e = ERR_INIT;
	enum ses_timer timer = ses_states[s->state].timer;

	if (timer == SES_TIMER_ABORT) {
		cotp_disconnect(s->cotp);
		s->over = true;
		ses_enter_state(s, STA01);
		return;
	}
	err_set(&e, SES_LAYER, ERR_TEMPORARY,
	    timer == SES_TIMER_IDLE ? "nothing from the peer for too long (%s)"
				    : "no answer from the peer in time (%s)",
	    ses_states[s->state].name);
	ses_provider_abort(s, SPDU_TD_NO_REASON, &e, NULL, 0);
}

void
ses_timeout(struct ses *s, msec_t now)
{
	bool idle = ses_states[s->state].timer == SES_TIMER_IDLE;

	if (cotp_finished(s->cotp))
		return;
	if (ses_states[s->state].timer == SES_TIMER_CONNECT) {
		if (now >= s->connect_deadline)
			timer_expired(s);
		return;
	}
	if (timer_length(s) == 0)
		return;
	if (s->restart_timer || (idle && s->touched && now >= s->deadline)) {
		s->restart_timer = false;
		s->touched = false;
		s->deadline = now + timer_length(s);
	} else if (now >= s->deadline) {
		timer_expired(s);
	}
}

/* --- the engine as an object --- */

struct ses *
ses_new(const struct ses_params *p, ses_prim_fn *fn, void *user, msec_t now)
{
	struct ses *s = xcalloc(1, sizeof(*s));

	s->params = *p;
	s->fn = fn;
	s->user = user;
	s->state = STA01;
	s->fu = ses_consistent_units(p->requirements & SES_FU_ALL);
	s->version = 2;
	s->connect_deadline = MSEC_NEVER;
	if (p->cotp.common.timeouts.connect > 0)
		s->connect_deadline = now + p->cotp.common.timeouts.connect;
	s->cotp = cotp_new(&p->cotp, cotp_event, s, now);
	return s;
}

void
ses_free(struct ses **s)
{
	if (*s == NULL)
		return;
	cotp_free(&(*s)->cotp);
	buf_free(&(*s)->connect_data);
	buf_free(&(*s)->tx.segment);
	ses_rx_free(&(*s)->rx);
	free(*s);
	*s = NULL;
}

uint8_t
ses_tokens(const struct ses *s)
{
	return s->tokens;
}

uint16_t
ses_requirements(const struct ses *s)
{
	return s->fu;
}

int
ses_version(const struct ses *s)
{
	return s->version;
}

const struct ses_params *
ses_params(const struct ses *s)
{
	return &s->params;
}

struct cotp *
ses_cotp(struct ses *s)
{
	return s->cotp;
}
