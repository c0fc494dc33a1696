/*
 * Timers, and the engine as the driver sees it.
 *
 * Requests come without the time, so a timer is only marked by them; the
 * deadline is then "at once", and the timeout call that follows arms it.
 */
#include "osi/rtse_int.h"

void
rtse_timer_start(struct rtse_timer *t, msec_t wait)
{
	*t = (struct rtse_timer){.wait = wait};
}

void
rtse_timer_stop(struct rtse_timer *t)
{
	*t = (struct rtse_timer){0};
}

/* True once when it has run out. */
static bool
timer_run(struct rtse_timer *t, msec_t now)
{
	if (t->wait == 0)
		return false;
	if (t->at == 0)
		t->at = now + t->wait;
	if (now < t->at)
		return false;
	rtse_timer_stop(t);
	return true;
}

static msec_t
timer_deadline(const struct rtse *r, const struct rtse_timer *t)
{
	if (t->wait == 0)
		return MSEC_NEVER;
	return t->at == 0 ? r->now : t->at;
}

/* Our own user is at work: the peer may be silent. */
static bool
ours_to_act(const struct rtse *r)
{
	return r->hold || r->receive.keep.replay || r->state == RTSE_RECEIVED ||
	    r->state == RTSE_WAIT_OPEN_RSP || r->state == RTSE_CLOSED;
}

static void
phase_over(struct rtse *r)
{
	struct err why = ERR_INIT;

	err_set(&why, "rtse", ERR_TEMPORARY, "timed out in state \"%s\"",
	    rtse_state_name(r->state));
	if (r->state == RTSE_CLOSED) {
		cotp_disconnect(rtse_cotp(r));
	} else if (r->state == RTSE_SENDING || r->state == RTSE_SENT) {
		err_set(&why, "rtse", ERR_TEMPORARY, "the transfer timed out");
		rtse_give_up(r, false, SES_REASON_LOCAL_ERROR, &why);
	} else if (r->state == RTSE_RECEIVING && ours_to_act(r)) {
		rtse_timer_start(&r->phase, r->params.transfer_timeout);
	} else if (r->state == RTSE_RECEIVING) {
		err_set(&why, "rtse", ERR_TEMPORARY,
		    "nothing of the transfer from the peer for too long");
		rtse_provider_abort(r, RTSE_ABORT_TEMPORARY, &why);
	} else {
		rtse_provider_abort(r, RTSE_ABORT_TEMPORARY, &why);
	}
}

static void
idle_over(struct rtse *r)
{
	struct err why = ERR_INIT;

	if (ours_to_act(r)) {
		rtse_timer_start(
		    &r->idle, r->params.pres.ses.cotp.common.timeouts.idle);
		return;
	}
	err_set(
	    &why, "rtse", ERR_TEMPORARY, "nothing from the peer for too long");
	rtse_provider_abort(r, RTSE_ABORT_TEMPORARY, &why);
}

static void
touch(struct rtse *r, msec_t now)
{
	r->now = now;
	if (r->idle.wait != 0)
		r->idle.at = now + r->idle.wait;
}

static void
engine_input(void *engine, const uint8_t *p, size_t n, msec_t now)
{
	struct rtse *r = engine;

	touch(r, now);
	/* the limit of a receiver is for the peer's silence */
	if (r->state == RTSE_RECEIVING && r->phase.wait != 0)
		r->phase.at = now + r->phase.wait;
	cotp_input(rtse_cotp(r), p, n);
}

static void
engine_closed(void *engine, const struct err *reason, msec_t now)
{
	struct rtse *r = engine;

	r->now = now;
	cotp_closed(rtse_cotp(r), reason);
}

static struct buf *
engine_output(void *engine)
{
	return cotp_output(rtse_cotp(engine));
}

static void
engine_drained(void *engine, msec_t now)
{
	touch(engine, now);
	rtse_writable(engine);
}

static msec_t
engine_deadline(void *engine)
{
	struct rtse *r = engine;
	msec_t d = ses_deadline(pres_ses(acse_pres(r->acse)));
	msec_t phase = timer_deadline(r, &r->phase);
	msec_t idle = timer_deadline(r, &r->idle);

	if (r->receive.keep.replay && !r->hold)
		return r->now;
	d = phase < d ? phase : d;
	return idle < d ? idle : d;
}

static void
engine_timeout(void *engine, msec_t now)
{
	struct rtse *r = engine;
	bool phase = timer_run(&r->phase, now);
	bool idle = timer_run(&r->idle, now);

	r->now = now;
	rtse_keep_replay(r);
	if (phase)
		phase_over(r);
	if (idle)
		idle_over(r);
	ses_timeout(pres_ses(acse_pres(r->acse)), now);
}

/* A peer that sends but does not read is not read from either. */
static bool
engine_wants_input(void *engine)
{
	struct rtse *r = engine;

	return !r->hold && !r->receive.keep.replay &&
	    cotp_output(rtse_cotp(r))->len < 4 * RTSE_OUTPUT_MAX;
}

static bool
engine_finished(void *engine)
{
	return cotp_finished(rtse_cotp(engine));
}

const struct engine_ops rtse_engine_ops = {
    .input = engine_input,
    .closed = engine_closed,
    .output = engine_output,
    .drained = engine_drained,
    .deadline = engine_deadline,
    .timeout = engine_timeout,
    .wants_input = engine_wants_input,
    .finished = engine_finished,
};
