/*
 * ROSE over RTSE (X.229 8.1): bind is RT-OPEN, an APDU is one RT-TRANSFER,
 * unbind is RT-CLOSE. The turn is asked for when something waits, and given
 * when the peer asks and nothing waits, or after each APDU of ours.
 */
#include "osi/rose_int.h"

static void
lose_all(struct rose *r, const struct err *why)
{
	while (r->head != NULL && r->state != ROSE_CLOSED)
		rose_sent(r, why);
}

/* More of the APDU under way. */
static void
push(struct rose *r)
{
	struct err e = ERR_INIT;
	int64_t n;

	if (!r->sending || r->sent == r->head->apdu.len)
		return;
	n = rtse_transfer_data(r->rtse, r->head->apdu.data + r->sent,
	    r->head->apdu.len - r->sent, &e);
	if (n < 0)
		rose_trace(r, true, "rose transfer", e.text);
	else if (r->sending)
		r->sent += (size_t)n;
}

static void
ask_for_turn(struct rose *r)
{
	struct err e = ERR_INIT;

	if (r->asked)
		return;
	r->asked = true;
	/* a monologue has no turns: then nothing can ever be sent */
	if (rtse_turn_please(r->rtse, r->params.turn_priority, &e) < 0) {
		r->asked = false;
		lose_all(r, &e);
	}
}

static void
begin(struct rose *r)
{
	struct err e = ERR_INIT;

	r->sending = true;
	r->sent = 0;
	if (rtse_transfer_begin(r->rtse, r->head->apdu.len, &e) < 0)
		rose_sent(r, &e);
	else
		push(r);
}

/* With the turn and nothing to send. */
static void
at_rest(struct rose *r)
{
	struct err e = ERR_INIT;

	if (r->state == ROSE_RELEASING && !r->releasing) {
		r->releasing = true;
		if (rtse_close(r->rtse, &e) < 0) {
			rtse_abort(r->rtse, e.text);
			rose_finish(r, ROSE_ABORTED, &e);
		}
	} else if (r->peer_waits) {
		r->peer_waits = false;
		if (rtse_turn_give(r->rtse, &e) < 0)
			rose_trace(r, true, "rose turn", e.text);
	}
}

static void
flush(struct rose *r)
{
	/* events of what is sent may ask for more to be sent */
	if (r->flushing)
		return;
	r->flushing = true;
	while (!r->sending && r->head != NULL && rtse_has_turn(r->rtse) &&
	    r->state != ROSE_CLOSED)
		begin(r);
	if (r->state != ROSE_CLOSED && !r->sending) {
		bool wanted = r->head != NULL ||
		    (r->state == ROSE_RELEASING && !r->releasing);

		if (rtse_has_turn(r->rtse) && r->head == NULL)
			at_rest(r);
		else if (wanted && !rtse_has_turn(r->rtse))
			ask_for_turn(r);
	}
	r->flushing = false;
}

/* --- from RTSE --- */

static struct rose_event
bind_event(const struct rtse_event *ev, enum rose_event_type type)
{
	return (struct rose_event){.type = type,
	    .value = {ev->data, ev->n},
	    .rtse = ev,
	    .err = ev->err};
}

static void
open_ind(struct rose *r, const struct rtse_event *ev)
{
	struct rose_event up = bind_event(ev, ROSE_BIND_IND);

	rose_bind_ind(r, &up);
}

static void
open_cnf(struct rose *r, const struct rtse_event *ev)
{
	struct rose_event up = bind_event(ev, ROSE_BIND_CNF);

	rose_bind_cnf(r, &up);
}

static void
open_refused(struct rose *r, const struct rtse_event *ev)
{
	struct rose_event up = bind_event(ev, ROSE_BIND_REFUSED);

	rose_bind_cnf(r, &up);
}

static void
transfer_begin(struct rose *r, const struct rtse_event *ev)
{
	(void)ev;
	buf_clear(&r->in);
}

static void
transfer_data(struct rose *r, const struct rtse_event *ev)
{
	struct err e = ERR_INIT;

	if (r->in.len + ev->n <= r->params.max_apdu) {
		buf_append(&r->in, ev->data, ev->n);
		return;
	}
	err_at(&e, ROSE_LAYER, ERR_LIMIT, r->params.max_apdu,
	    "APDU: it has more than %zu octets", r->params.max_apdu);
	rose_trace(r, false, "rose APDU refused", e.text);
	buf_clear(&r->in);
	if (rtse_transfer_refuse(r->rtse, &e) < 0)
		rose_trace(r, true, "rose", e.text);
}

static void
transfer_end(struct rose *r, const struct rtse_event *ev)
{
	struct buf apdu = r->in;
	struct err e = ERR_INIT;

	(void)ev;
	r->in = (struct buf){0};
	if (rtse_transfer_accept(r->rtse, &e) < 0)
		rose_trace(r, true, "rose", e.text);
	else
		rose_take_apdu(r, apdu.data, apdu.len);
	buf_free(&apdu);
}

static void
transfer_cnf(struct rose *r, const struct rtse_event *ev)
{
	struct err e = ERR_INIT;

	rose_sent(r, ev->err);
	/* one APDU each, as long as both have some */
	if (r->peer_waits && r->state != ROSE_CLOSED && !r->sending &&
	    r->head != NULL) {
		r->peer_waits = false;
		if (rtse_turn_give(r->rtse, &e) < 0)
			rose_trace(r, true, "rose turn", e.text);
	}
	flush(r);
}

static void
writable(struct rose *r, const struct rtse_event *ev)
{
	(void)ev;
	push(r);
}

static void
turn_please(struct rose *r, const struct rtse_event *ev)
{
	(void)ev;
	r->peer_waits = true;
	flush(r);
}

static void
turn_give(struct rose *r, const struct rtse_event *ev)
{
	(void)ev;
	r->asked = false;
	flush(r);
}

static void
close_ind(struct rose *r, const struct rtse_event *ev)
{
	rose_finish(r, ROSE_UNBIND_IND, ev->err);
}

static void
close_cnf(struct rose *r, const struct rtse_event *ev)
{
	rose_finish(r, ROSE_UNBIND_CNF, ev->err);
}

static void
aborted(struct rose *r, const struct rtse_event *ev)
{
	rose_finish(r, ROSE_ABORTED, ev->err);
}

static void
from_rtse(void *user, const struct rtse_event *ev)
{
	static void (*const handlers[RTSE_ABORTED + 1])(
	    struct rose *, const struct rtse_event *) = {
	    [RTSE_OPEN_IND] = open_ind,
	    [RTSE_OPEN_CNF] = open_cnf,
	    [RTSE_OPEN_REFUSED] = open_refused,
	    [RTSE_TRANSFER_BEGIN] = transfer_begin,
	    [RTSE_TRANSFER_DATA] = transfer_data,
	    [RTSE_TRANSFER_END] = transfer_end,
	    [RTSE_TRANSFER_LOST] = transfer_begin,
	    [RTSE_TRANSFER_CNF] = transfer_cnf,
	    [RTSE_TRANSFER_FAILED] = transfer_cnf,
	    [RTSE_WRITABLE] = writable,
	    [RTSE_TURN_PLEASE] = turn_please,
	    [RTSE_TURN_GIVE] = turn_give,
	    [RTSE_CLOSE_IND] = close_ind,
	    [RTSE_CLOSE_CNF] = close_cnf,
	    [RTSE_ABORTED] = aborted,
	};
	struct rose *r = user;

	if (r->state != ROSE_CLOSED && handlers[ev->type] != NULL)
		handlers[ev->type](r, ev);
}

/* --- to RTSE --- */

static int
over_rtse_bind(struct rose *r, const struct octets *v, struct err *e)
{
	return rtse_open_request(r->rtse, v->p, v->n, e);
}

static int
over_rtse_accept(struct rose *r, const struct octets *v, struct err *e)
{
	return rtse_open_accept(r->rtse, v->p, v->n, e);
}

static int
over_rtse_refuse(struct rose *r, const struct octets *v, struct err *e)
{
	return rtse_open_refuse(r->rtse, v->p, v->n, e);
}

static void
over_rtse_abort(struct rose *r, const char *why)
{
	rtse_abort(r->rtse, why);
}

static struct cotp *
over_rtse_cotp(struct rose *r)
{
	return ses_cotp(pres_ses(acse_pres(rtse_acse(r->rtse))));
}

const struct rose_carrier_ops rose_over_rtse = {
    .bind = over_rtse_bind,
    .accept = over_rtse_accept,
    .refuse = over_rtse_refuse,
    .flush = flush,
    .abort = over_rtse_abort,
    .cotp = over_rtse_cotp,
};

void
rose_rtse_new(struct rose *r, msec_t now)
{
	struct rtse_params p = r->params.stack;

	/* operations go both ways */
	p.dialogue = RTSE_TWO_WAY_ALTERNATE;
	r->carrier = &rose_over_rtse;
	r->rtse = rtse_new(&p, from_rtse, r, now);
}
