#include "p1/assoc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "lib/log.h"

#define LAYER "p1"

void
p1_emit(struct p1 *p, const struct p1_event *ev)
{
	p->fn(p->user, ev);
}

void
p1_emit_type(struct p1 *p, enum p1_event_type type, const struct err *e)
{
	struct p1_event ev = {.type = type, .err = e, .bind_error = -1};

	p1_emit(p, &ev);
}

void
p1_trace(const struct p1 *p, bool sent, const char *what, const char *detail)
{
	const struct osi_common *c = &p->params.common;

	if (c->trace != NULL)
		c->trace(c->trace_arg, sent, what, detail);
}

/* --- the end --- */

static void
dead(struct p1 *p)
{
	p->state = P1_STATE_DEAD;
	p1_send_reset(p);
	p->in.active = p->in.answering = false;
}

static void
closed(struct p1 *p, const struct err *why)
{
	if (p->state == P1_STATE_DEAD)
		return;
	dead(p);
	p1_emit_type(p, P1_CLOSED, why);
}

static void
refused(struct p1 *p, int bind_error, const struct err *why)
{
	struct p1_event ev = {
	    .type = P1_REFUSED, .err = why, .bind_error = bind_error};

	dead(p);
	p1_emit(p, &ev);
}

/* --- bind, initiator --- */

static struct p1_bind
our_bind(enum p1_bind_kind kind, const char *mta, const char *password)
{
	struct p1_bind b = {.kind = kind, .mta = mta};

	if (mta == NULL)
		return b; /* unauthenticated */
	if (password == NULL)
		password = "";
	b.credentials = P1_CRED_SIMPLE;
	b.password =
	    (struct octets){(const uint8_t *)password, strlen(password)};
	return b;
}

int
p1_start(struct p1 *p, struct err *e)
{
	struct p1_bind b = our_bind(
	    P1_BIND_ARGUMENT, p->params.our_mta, p->params.our_password);
	struct buf octets = {0};
	int r;

	if (p->state != P1_STATE_NEW || p->params.role != OSI_INITIATOR)
		return err_set(e, LAYER, ERR_PROTOCOL, "started twice");
	r = p1_bind_encode(&b, &octets, e);
	if (r >= 0) {
		p->state = P1_STATE_BINDING;
		p1_trace(p, true, "p1 MTABind argument", b.mta);
		r = rtse_open_request(p->rtse, octets.data, octets.len, e);
	}
	buf_free(&octets);
	return r;
}

/* The answer to our bind: 0, or why we do not go on with this peer. */
static int
check_result(struct p1 *p, const struct p1_bind *b, struct err *e)
{
	const struct p1_params *q = &p->params;

	if (b->kind == P1_BIND_ERROR)
		return err_set(
		    e, LAYER, ERR_PROTOCOL, "bind error in an acceptance");
	if (q->peer_mta != NULL && strcasecmp(b->mta, q->peer_mta) != 0)
		return err_set(e, LAYER, ERR_REFUSED,
		    "the peer calls itself \"%s\", not \"%s\"", b->mta,
		    q->peer_mta);
	if (q->peer_password != NULL &&
	    !p1_bind_password_is(b, q->peer_password))
		return err_set(e, LAYER, ERR_REFUSED,
		    "the peer \"%s\" answered with a wrong password", b->mta);
	return 0;
}

static void
open_cnf(struct p1 *p, const struct rtse_event *ev)
{
	struct arena *a = arena_new();
	struct p1_bind b;
	struct err e = ERR_INIT;
	int r = p1_bind_decode(a, ev->data, ev->n, &b, &e);

	if (r >= 0) {
		p1_trace(p, false, "p1 MTABind result", b.mta);
		r = check_result(p, &b, &e);
	}
	if (r < 0) {
		rtse_abort(p->rtse, "bind result not acceptable");
		refused(p, P1_BIND_AUTHENTICATION, &e);
	} else {
		p->peer_mta = arena_strdup(p->arena, b.mta);
		p->state = P1_STATE_OPEN;
		p1_emit_type(p, P1_OPEN, NULL);
		p1_settle(p);
	}
	arena_free(&a);
}

static void
open_refused(struct p1 *p, const struct rtse_event *ev)
{
	struct arena *a = arena_new();
	struct p1_bind b;
	struct err e = ERR_INIT;

	if (ev->n > 0 && p1_bind_decode(a, ev->data, ev->n, &b, &e) >= 0 &&
	    b.kind == P1_BIND_ERROR) {
		err_set(&e, LAYER, ERR_REFUSED, "bind refused: %s",
		    p1_bind_error_name(b.error));
		e.detail = b.error;
		p1_trace(
		    p, false, "p1 MTABind error", p1_bind_error_name(b.error));
		refused(p, b.error, &e);
	} else {
		if (ev->err != NULL)
			e = *ev->err;
		else
			err_set(&e, LAYER, ERR_REFUSED,
			    "association refused by the peer");
		refused(p, -1, &e);
	}
	arena_free(&a);
}

/* --- bind, responder --- */

/* 0 and who it is, or the MTABindError that it gets. */
static int
judge_bind(struct p1 *p, const struct p1_bind *b, struct p1_peer_auth *auth,
    int *error, struct err *e)
{
	struct p1_caller caller = {.mta = b->mta};

	*error = P1_BIND_AUTHENTICATION;
	if (b->kind != P1_BIND_ARGUMENT)
		return err_set(e, LAYER, ERR_PROTOCOL, "no bind argument");
	if (p->params.lookup == NULL ||
	    !p->params.lookup(p->user, &caller, auth))
		return err_set(e, LAYER, ERR_REFUSED,
		    "no peer with MTA name \"%s\"", b->mta);
	if (auth->password != NULL && !p1_bind_password_is(b, auth->password))
		return err_set(e, LAYER, ERR_REFUSED,
		    "wrong password from MTA \"%s\"", b->mta);
	*error = P1_BIND_UNACCEPTABLE_DIALOGUE;
	if (rtse_dialogue(p->rtse) == RTSE_TWO_WAY_ALTERNATE &&
	    !auth->two_way_alternate)
		return err_set(e, LAYER, ERR_REFUSED,
		    "two-way alternate is not allowed to MTA \"%s\"", b->mta);
	*error = P1_BIND_BUSY;
	if (auth->busy)
		return err_set(e, LAYER, ERR_TEMPORARY,
		    "too many associations with MTA \"%s\"", b->mta);
	return 0;
}

static void
refuse_bind(struct p1 *p, int error, const struct err *why)
{
	struct p1_bind b = {.kind = P1_BIND_ERROR, .error = error};
	struct buf octets = {0};
	struct err e = ERR_INIT;

	INVARIANT(p1_bind_encode(&b, &octets, &e) >= 0);
	p1_trace(p, true, "p1 MTABind error", p1_bind_error_name(error));
	if (rtse_open_refuse(p->rtse, octets.data, octets.len, &e) < 0)
		rtse_abort(p->rtse, "bind refused");
	buf_free(&octets);
	refused(p, error, why);
}

static void
accept_bind(
    struct p1 *p, const struct p1_bind *b, const struct p1_peer_auth *auth)
{
	struct p1_bind result = b->credentials == P1_CRED_NONE
	    ? our_bind(P1_BIND_RESULT, NULL, NULL)
	    : our_bind(P1_BIND_RESULT, auth->our_mta, auth->our_password);
	struct buf octets = {0};
	struct err e = ERR_INIT;
	int r;

	/* answer with the same kind of string: old peers know only one */
	result.password_ia5 = b->password_ia5;
	r = p1_bind_encode(&result, &octets, &e);
	if (r >= 0) {
		p1_trace(p, true, "p1 MTABind result", result.mta);
		r = rtse_open_accept(p->rtse, octets.data, octets.len, &e);
	}
	buf_free(&octets);
	if (r < 0) {
		rtse_abort(p->rtse, "bind failed");
		closed(p, &e);
		return;
	}
	p->peer_mta = arena_strdup(p->arena, b->mta);
	p->state = P1_STATE_OPEN;
	p1_emit_type(p, P1_OPEN, NULL);
	p1_settle(p);
}

static void
open_ind(struct p1 *p, const struct rtse_event *ev)
{
	struct arena *a = arena_new();
	struct p1_peer_auth auth = {0};
	struct p1_bind b;
	struct err e = ERR_INIT;
	int error = P1_BIND_AUTHENTICATION;
	int r = p1_bind_decode(a, ev->data, ev->n, &b, &e);

	if (r >= 0) {
		p1_trace(p, false, "p1 MTABind argument", b.mta);
		r = judge_bind(p, &b, &auth, &error, &e);
	}
	if (r < 0)
		refuse_bind(p, error, &e);
	else
		accept_bind(p, &b, &auth);
	arena_free(&a);
}

/* --- turn and release --- */

/* RTSE priorities of P1 (X.419): 0 to release, then the MTS priorities. */
static int
rtse_priority(enum mhs_priority priority)
{
	static const uint8_t map[] = {
	    [MHS_URGENT] = 1, [MHS_NORMAL] = 2, [MHS_NON_URGENT] = 3};

	return map[priority];
}

static bool
busy(const struct p1 *p)
{
	return p->out.active || p->in.active || p->in.answering;
}

static void
ask_for_turn(struct p1 *p, int priority)
{
	struct err e = ERR_INIT;

	if (priority >= p->pleaded ||
	    rtse_dialogue(p->rtse) != RTSE_TWO_WAY_ALTERNATE)
		return;
	if (rtse_turn_please(p->rtse, priority, &e) >= 0)
		p->pleaded = priority;
}

static void
release(struct p1 *p)
{
	struct err e = ERR_INIT;

	if (p->params.role != OSI_INITIATOR) {
		if (rtse_has_turn(p->rtse))
			(void)rtse_turn_give(p->rtse, &e);
		return;
	}
	if (!rtse_has_turn(p->rtse)) {
		ask_for_turn(p, 0);
		return;
	}
	if (rtse_close(p->rtse, &e) >= 0)
		p->state = P1_STATE_CLOSING;
	else
		p1_abort(p, "cannot release");
}

/* The peer asked, and we have nothing that goes first. */
static void
give_turn(struct p1 *p)
{
	struct err e = ERR_INIT;

	if (p->asked == P1_NO_PRIORITY || !rtse_has_turn(p->rtse) ||
	    (!p->idle && p->wanted < p->asked))
		return;
	if (rtse_turn_give(p->rtse, &e) < 0)
		return;
	p->asked = P1_NO_PRIORITY;
	if (p->wanted != P1_NO_PRIORITY)
		ask_for_turn(p, p->wanted);
}

void
p1_settle(struct p1 *p)
{
	if (p->state != P1_STATE_OPEN || busy(p))
		return;
	if (p->closing)
		release(p);
	else
		give_turn(p);
}

void
p1_want_turn(struct p1 *p, enum mhs_priority priority)
{
	int wanted = rtse_priority(priority);

	p->idle = false;
	if (wanted < p->wanted)
		p->wanted = wanted;
	if (p->state == P1_STATE_OPEN && !rtse_has_turn(p->rtse))
		ask_for_turn(p, wanted);
}

void
p1_idle(struct p1 *p)
{
	p->idle = true;
	p->wanted = P1_NO_PRIORITY;
	p1_settle(p);
}

/* The most urgent of its requests counts; a priority that we do not know is
 * still a request. */
static void
turn_asked(struct p1 *p, int priority)
{
	if (priority >= P1_NO_PRIORITY)
		priority = P1_NO_PRIORITY - 1;
	if (priority < p->asked)
		p->asked = priority;
	p1_settle(p);
}

static void
turn_came(struct p1 *p)
{
	p->pleaded = P1_NO_PRIORITY;
	p->asked = P1_NO_PRIORITY;
	if (p->closing)
		p1_settle(p);
	else
		p1_emit_type(p, P1_TURN, NULL);
}

/* --- what RTSE says --- */

static void
on_rtse(void *user, const struct rtse_event *ev)
{
	struct p1 *p = user;

	if (p->state == P1_STATE_DEAD)
		return;
	switch (ev->type) {
	case RTSE_OPEN_IND: open_ind(p, ev); break;
	case RTSE_OPEN_CNF: open_cnf(p, ev); break;
	case RTSE_OPEN_REFUSED: open_refused(p, ev); break;
	case RTSE_TRANSFER_BEGIN:
	case RTSE_TRANSFER_DATA:
	case RTSE_TRANSFER_END:
	case RTSE_TRANSFER_LOST: p1_receive_event(p, ev); break;
	case RTSE_TRANSFER_CNF:
	case RTSE_TRANSFER_FAILED:
	case RTSE_WRITABLE:
	case RTSE_CHECKPOINT: p1_send_event(p, ev); break;
	case RTSE_TURN_PLEASE: turn_asked(p, ev->priority); break;
	case RTSE_TURN_GIVE: turn_came(p); break;
	case RTSE_CLOSE_IND:
	case RTSE_CLOSE_CNF: closed(p, NULL); break;
	case RTSE_ABORTED: closed(p, ev->err); break;
	}
}

void
p1_close(struct p1 *p)
{
	p->closing = true;
	if (p->state == P1_STATE_NEW || p->state == P1_STATE_BINDING)
		p1_abort(p, "closed before it was open");
	else
		p1_settle(p);
}

void
p1_abort(struct p1 *p, const char *why)
{
	struct err e = ERR_INIT;

	if (p->state == P1_STATE_DEAD)
		return;
	rtse_abort(p->rtse, why);
	err_set(&e, LAYER, ERR_TEMPORARY, "aborted: %s", why);
	closed(p, &e);
}

/* --- life --- */

static const char *
dup_or_null(struct arena *a, const char *s)
{
	return s != NULL ? arena_strdup(a, s) : NULL;
}

/* References of X.225 8.3.1.4: who calls, and when. BER strings inside, as
 * peers in the field have it. */
static void
session_conn_id(const struct p1_params *q, struct ses_conn_id *id)
{
	char text[64];
	time_t t = (time_t)q->wall;
	struct tm tm;
	int n = snprintf(text, sizeof(text), "%.40s-%x",
	    q->our_mta != NULL ? q->our_mta : "mta", (unsigned)q->conn_id);

	id->user[0] = 0x14; /* T61String */
	id->user[1] = (uint8_t)n;
	memcpy(id->user + 2, text, (size_t)n);
	id->user_n = (uint8_t)(n + 2);
	gmtime_r(&t, &tm);
	n = (int)strftime(text, sizeof(text), "%y%m%d%H%M%SZ", &tm);
	id->common[0] = 0x17; /* UTCTime */
	id->common[1] = (uint8_t)n;
	memcpy(id->common + 2, text, (size_t)n);
	id->common_n = (uint8_t)(n + 2);
}

static void
fill_rtse(const struct p1_params *q, struct rtse_params *r)
{
	struct pres_params *pp = &r->pres;
	struct ses_params *sp = &pp->ses;

	pp->called = q->called.psel;
	pp->calling = q->calling.psel;
	sp->called = q->called.ssel;
	sp->calling = q->calling.ssel;
	sp->requirements = SES_FU_RTSE;
	sp->cotp.role = q->role;
	sp->cotp.called = q->called.tsel;
	sp->cotp.calling = q->calling.tsel;
	sp->cotp.tpdu_size = COTP_TPDU_MAX;
	sp->cotp.common = q->common;
	if (q->role == OSI_INITIATOR)
		session_conn_id(q, &sp->conn_id);
	r->rtse_syntax = RTSE_ABSTRACT_SYNTAX_P1;
	r->apdu_syntax = P1_AS_MTSE;
	r->application_context = P1_AC_MTS_TRANSFER;
	r->dialogue = q->dialogue;
	r->checkpoint_size = q->checkpoint_size;
	r->window_size = q->window_size;
	r->transfer_timeout = q->transfer_timeout;
}

struct p1 *
p1_new(const struct p1_params *q, p1_event_fn *fn, void *user, msec_t now)
{
	struct p1 *p = xcalloc(1, sizeof(*p));
	struct rtse_params r = {0};

	p->arena = arena_new();
	p->params = *q;
	p->params.our_mta = dup_or_null(p->arena, q->our_mta);
	p->params.our_password = dup_or_null(p->arena, q->our_password);
	p->params.peer_mta = dup_or_null(p->arena, q->peer_mta);
	p->params.peer_password = dup_or_null(p->arena, q->peer_password);
	p->fn = fn;
	p->user = user;
	p->peer_mta = "";
	p->wanted = p->asked = p->pleaded = P1_NO_PRIORITY;
	fill_rtse(&p->params, &r);
	p1_receive_init(p);
	p->rtse = rtse_new(&r, on_rtse, p, now);
	return p;
}

void
p1_free(struct p1 **pp)
{
	struct p1 *p = *pp;

	if (p == NULL)
		return;
	*pp = NULL;
	p->state = P1_STATE_DEAD;
	rtse_free(&p->rtse);
	p1_receive_free(p);
	p1_send_reset(p);
	arena_free(&p->arena);
	free(p);
}

bool
p1_is_open(const struct p1 *p)
{
	return p->state == P1_STATE_OPEN;
}

const char *
p1_peer_mta(const struct p1 *p)
{
	return p->peer_mta;
}

struct rtse *
p1_rtse(struct p1 *p)
{
	return p->rtse;
}

bool
p1_ready(const struct p1 *p)
{
	return p->state == P1_STATE_OPEN && !busy(p) && !p->closing &&
	    rtse_has_turn(p->rtse);
}

void
p1_hold_input(struct p1 *p, bool hold)
{
	rtse_hold_input(p->rtse, hold);
}

/* --- the driver's view: all of it is below --- */

static void
engine_input(void *engine, const uint8_t *d, size_t n, msec_t now)
{
	rtse_engine_ops.input(((struct p1 *)engine)->rtse, d, n, now);
}

static void
engine_closed(void *engine, const struct err *reason, msec_t now)
{
	struct p1 *p = engine;
	struct err e = ERR_INIT;

	rtse_engine_ops.closed(p->rtse, reason, now);
	if (reason == NULL)
		err_set(
		    &e, LAYER, ERR_TEMPORARY, "the peer closed the connection");
	closed(p, reason != NULL ? reason : &e);
}

static struct buf *
engine_output(void *engine)
{
	return rtse_engine_ops.output(((struct p1 *)engine)->rtse);
}

static void
engine_drained(void *engine, msec_t now)
{
	if (rtse_engine_ops.drained != NULL)
		rtse_engine_ops.drained(((struct p1 *)engine)->rtse, now);
}

static msec_t
engine_deadline(void *engine)
{
	return rtse_engine_ops.deadline(((struct p1 *)engine)->rtse);
}

static void
engine_timeout(void *engine, msec_t now)
{
	rtse_engine_ops.timeout(((struct p1 *)engine)->rtse, now);
}

static bool
engine_wants_input(void *engine)
{
	return rtse_engine_ops.wants_input == NULL ||
	    rtse_engine_ops.wants_input(((struct p1 *)engine)->rtse);
}

static bool
engine_finished(void *engine)
{
	return rtse_engine_ops.finished(((struct p1 *)engine)->rtse);
}

const struct engine_ops p1_engine_ops = {
    .input = engine_input,
    .closed = engine_closed,
    .output = engine_output,
    .drained = engine_drained,
    .deadline = engine_deadline,
    .timeout = engine_timeout,
    .wants_input = engine_wants_input,
    .finished = engine_finished,
};
