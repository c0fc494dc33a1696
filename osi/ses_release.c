/*
 * The actions of the state table that end the association: FN, DN, NF; AB, AA
 * (X.225 7.6 to 7.10).
 */
#include <stdio.h>

#include "osi/ses_int.h"

/* --- release --- */

static int
send_release(struct ses *s, enum spdu_type type, struct ses_ev *ev)
{
	struct ses_spdu o = {.spdu.type = type};

	if (type == SPDU_FN)
		ses_put_number(
		    &o, SPDU_TRANSPORT_DISCONNECT, SPDU_TC_RELEASED, 1);
	if (ev->req->n > 0)
		spdu_set(&o.spdu, SPDU_USER_DATA, ev->req->data, ev->req->n);
	return ses_send(s, &o, ev->e);
}

int
ses_act_SRELreq(struct ses *s, struct ses_ev *ev)
{
	return send_release(s, SPDU_FN, ev);
}

int
ses_act_FN(struct ses *s, struct ses_ev *ev)
{
	(void)s;
	ses_indicate_user_data(ev, &ses_conditions[ev->event], SPDU_USER_DATA);
	return 0;
}

/* Both ends finish at once, which only happens where no token orders them:
 * each answers the other's FN. */
int
ses_act_FN_collision(struct ses *s, struct ses_ev *ev)
{
	if (ses_available_tokens(s) != 0)
		return err_set(ev->e, SES_LAYER, ERR_PROTOCOL,
		    "session FN: its sender has not the tokens");
	s->vcoll = true;
	return ses_act_FN(s, ev);
}

int
ses_act_SRELrsp_pos(struct ses *s, struct ses_ev *ev)
{
	int r = send_release(s, SPDU_DN, ev);

	if (r == 0 && s->vcoll && !s->vdnr)
		ev->next = STA03;
	return r;
}

int
ses_act_SRELrsp_neg(struct ses *s, struct ses_ev *ev)
{
	return send_release(s, SPDU_NF, ev);
}

int
ses_act_DN(struct ses *s, struct ses_ev *ev)
{
	cotp_disconnect(s->cotp);
	return ses_act_FN(s, ev);
}

/* In a collision of FNs the DN may come before our user has answered. */
int
ses_act_DN_STA09(struct ses *s, struct ses_ev *ev)
{
	if (!s->vcoll || s->vdnr)
		return err_set(ev->e, SES_LAYER, ERR_PROTOCOL,
		    "session DN: there is no FN of ours");
	s->vdnr = true;
	return ses_act_FN(s, ev);
}

/* --- abort --- */

int
ses_act_SUABreq(struct ses *s, struct ses_ev *ev)
{
	struct ses_spdu o = {.spdu.type = SPDU_AB};
	size_t max = s->version == 1 ? SPDU_REFLECT_MAX : SIZE_MAX;
	int r;

	ses_put_number(&o, SPDU_TRANSPORT_DISCONNECT,
	    SPDU_TC_RELEASED | SPDU_TD_USER_ABORT, 1);
	/* version 1 has nine octets here; the abort matters more than they */
	if (ev->req->n > 0 && ev->req->n <= max)
		spdu_set(&o.spdu, SPDU_USER_DATA, ev->req->data, ev->req->n);
	r = ses_send(s, &o, ev->e);
	if (r == 0)
		s->over = true;
	return r;
}

int
ses_act_TDISreq(struct ses *s, struct ses_ev *ev)
{
	(void)ev;
	cotp_disconnect(s->cotp);
	s->over = true;
	return 0;
}

static const char *
abort_text(uint32_t td)
{
	if ((td & SPDU_TD_PROTOCOL_ERROR) != 0)
		return "the peer's session provider reports a protocol error";
	if ((td & SPDU_TD_RESTRICTION) != 0)
		return "the peer's session provider aborts: a restriction of "
		       "its implementation";
	return "the peer's session provider aborts without a reason";
}

/* With the octets that the peer found at fault. */
static void
describe_abort(uint32_t td, const struct octets *reflect, struct err *e)
{
	char hex[2 * SPDU_REFLECT_MAX + 1] = "";

	for (size_t i = 0; i < reflect->n && i < SPDU_REFLECT_MAX; i++)
		snprintf(hex + 2 * i, 3, "%02x", reflect->p[i]);
	err_at(e, SES_LAYER, ERR_REFUSED, 0, "session AB: %s%s%s",
	    abort_text(td), reflect->n > 0 ? ", it reflects " : "", hex);
	e->detail = (int)td;
}

/* The peer wants the transport connection back only if it says so; we never
 * reuse one. */
int
ses_act_AB(struct ses *s, struct ses_ev *ev)
{
	uint32_t td = spdu_number(ev->spdu, SPDU_TRANSPORT_DISCONNECT, 0);
	struct ses_spdu aa = {.spdu.type = SPDU_AA};

	ses_indicate_user_data(ev, &ses_conditions[ev->event], SPDU_USER_DATA);
	if ((td & SPDU_TD_USER_ABORT) == 0) {
		describe_abort(td, &ev->spdu->par[SPDU_REFLECT], ev->e);
		ev->ind.type = SES_P_ABORT;
		ev->ind.err = ev->e;
	}
	if ((td & SPDU_TC_RELEASED) == 0)
		return ses_send(s, &aa, ev->e);
	cotp_disconnect(s->cotp);
	ev->next = STA01;
	return 0;
}
