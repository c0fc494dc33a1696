#include "p1/assoc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

int64_t
p1_wall(const struct p1 *p)
{
	return p->params.wall + (p->now - p->born) / 1000;
}

/* --- the end --- */

static void
dead(struct p1 *p)
{
	p->state = P1_STATE_DEAD;
	p->out.active = false; /* what is there may be resumed elsewhere */
	p->in.active = p->in.answering = false;
}

void
p1_closed(struct p1 *p, const struct err *why)
{
	if (p->state == P1_STATE_DEAD)
		return;
	dead(p);
	p1_emit_type(p, P1_CLOSED, why);
}

void
p1_refused(
    struct p1 *p, int bind_error, bool other_protocol, const struct err *why)
{
	struct p1_event ev = {.type = P1_REFUSED,
	    .err = why,
	    .bind_error = bind_error,
	    .other_protocol = other_protocol};

	dead(p);
	p1_emit(p, &ev);
}

/* --- what RTSE says --- */

static void
aborted(struct p1 *p, const struct rtse_event *ev)
{
	if (p->state == P1_STATE_BINDING)
		p1_bind_aborted(p, ev);
	else
		p1_closed(p, ev->err);
}

static void
on_rtse(void *user, const struct rtse_event *ev)
{
	struct p1 *p = user;

	if (p->state == P1_STATE_DEAD)
		return;
	switch (ev->type) {
	case RTSE_OPEN_IND: p1_bind_ind(p, ev); break;
	case RTSE_OPEN_CNF: p1_bind_cnf(p, ev); break;
	case RTSE_OPEN_REFUSED: p1_bind_refused(p, ev); break;
	case RTSE_TRANSFER_BEGIN:
	case RTSE_TRANSFER_DATA:
	case RTSE_TRANSFER_END:
	case RTSE_TRANSFER_LOST: p1_receive_event(p, ev); break;
	case RTSE_TRANSFER_CNF:
	case RTSE_TRANSFER_FAILED:
	case RTSE_WRITABLE:
	case RTSE_CHECKPOINT: p1_send_event(p, ev); break;
	case RTSE_TURN_PLEASE: p1_turn_asked(p, ev->priority); break;
	case RTSE_TURN_GIVE: p1_turn_came(p); break;
	case RTSE_CLOSE_IND:
	case RTSE_CLOSE_CNF: p1_closed(p, NULL); break;
	case RTSE_ABORTED: aborted(p, ev); break;
	}
}

void
p1_abort(struct p1 *p, const char *why)
{
	struct err e = ERR_INIT;

	if (p->state == P1_STATE_DEAD)
		return;
	rtse_abort(p->rtse, why);
	err_set(&e, LAYER, ERR_TEMPORARY, "aborted: %s", why);
	p1_closed(p, &e);
}

/* --- life --- */

static const char *
dup_or_null(struct arena *a, const char *s)
{
	return s != NULL ? arena_strdup(a, s) : NULL;
}

/* X.419 8.1: application protocols in X.410 mode. */
static const int32_t application_protocols[P1_PROTOCOLS] = {
    [P1_MTS_TRANSFER] = -1,
    [P1_MTS_TRANSFER_X410] = P1_APPLICATION_1988,
    [P1_MTS_TRANSFER_1984] = P1_APPLICATION_1984,
};

/* References of X.225 8.3.1.4: who calls, and when. BER strings inside, as
 * peers in the field have it. */
static void
session_conn_id(const struct p1_params *q, struct ses_conn_id *id)
{
	char text[64];
	time_t t = (time_t)q->wall;
	struct tm tm;
	int n = snprintf(text, sizeof(text), "%.40s-%016llx",
	    q->our_mta != NULL ? q->our_mta : "mta",
	    (unsigned long long)q->conn_id);

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

/* A recovery carries no credentials: who has to prove who it is, is bound. */
static bool
may_recover(const struct p1_params *q)
{
	return q->recover != NULL && q->peer_password == NULL &&
	    q->strong == NULL;
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
	sp->cotp.common.max_depth = q->max_depth;
	if (q->role == OSI_INITIATOR)
		session_conn_id(q, &sp->conn_id);
	r->x410 = q->role == OSI_RESPONDER || q->protocol != P1_MTS_TRANSFER;
	r->application_protocol = application_protocols[q->protocol];
	r->recover = may_recover(q) ? q->recover : NULL;
	r->keep = q->keep != NULL ? &p1_receive_keep : NULL;
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
	p->params.peer_subject = dup_or_null(p->arena, q->peer_subject);
	p->fn = fn;
	p->user = user;
	p->peer_mta = "";
	p->protocol = q->protocol;
	p->born = p->now = now;
	p->wanted = p->asked = p->pleaded = P1_NO_PRIORITY;
	fill_rtse(&p->params, &r);
	p1_receive_init(p);
	p->rtse = rtse_new(&r, on_rtse, p, now);
	p->params.recover = r.recover != NULL ? rtse_conn_id(p->rtse) : NULL;
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
	p1_send_free(p);
	arena_free(&p->arena);
	free(p);
}

bool
p1_hung_up(const struct p1 *p)
{
	return p->hung_up;
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

enum p1_protocol
p1_protocol(const struct p1 *p)
{
	return p->protocol;
}

const char *
p1_protocol_name(enum p1_protocol protocol)
{
	static const char *const names[P1_PROTOCOLS] = {
	    [P1_MTS_TRANSFER] = "mts-transfer",
	    [P1_MTS_TRANSFER_X410] = "mts-transfer-protocol",
	    [P1_MTS_TRANSFER_1984] = "mts-transfer-protocol-1984",
	};

	return names[protocol];
}

struct rtse *
p1_rtse(struct p1 *p)
{
	return p->rtse;
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
	struct p1 *p = engine;

	p->now = now;
	p->reading = true;
	rtse_engine_ops.input(p->rtse, d, n, now);
	p->reading = false;
	p1_time_input(p);
}

static void
engine_closed(void *engine, const struct err *reason, msec_t now)
{
	struct p1 *p = engine;
	struct err e = ERR_INIT;

	p->now = now;
	p->hung_up = reason == NULL;
	rtse_engine_ops.closed(p->rtse, reason, now);
	if (reason == NULL)
		err_set(
		    &e, LAYER, ERR_TEMPORARY, "the peer closed the connection");
	p1_closed(p, reason != NULL ? reason : &e);
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
	struct p1 *p = engine;
	msec_t own = p1_deadline(p);
	msec_t below = rtse_engine_ops.deadline(p->rtse);

	return own < below ? own : below;
}

static void
engine_timeout(void *engine, msec_t now)
{
	struct p1 *p = engine;

	p->now = now;
	rtse_engine_ops.timeout(p->rtse, now);
	p1_time_out(p);
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
