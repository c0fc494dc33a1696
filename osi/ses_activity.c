/*
 * The actions of the state table for synchronization points and activities
 * (X.225 7.20 to 7.23, 7.29 to 7.36). V(A), V(M), V(R) and Vsc follow Table
 * A.4.
 */
#include "osi/ses_int.h"

/* --- synchronization points --- */

/* Our user sets the next point: MIP or AE. */
static int
check_own_point(const struct ses *s, struct ses_ev *ev)
{
	if (ev->req->serial != 0 && ev->req->serial != s->vm)
		return err_set(ev->e, SES_LAYER, ERR_PROTOCOL,
		    "serial number %u, the next is %u", ev->req->serial, s->vm);
	if (s->vm > SPDU_SERIAL_MAX)
		return err_set(ev->e, SES_LAYER, ERR_LIMIT,
		    "no serial number after %u", s->vm);
	return 0;
}

static void
count_own_point(struct ses *s)
{
	if (s->vsc)
		s->va = s->vm;
	s->vm++;
	s->vsc = false;
}

int
ses_act_SSYNmreq(struct ses *s, struct ses_ev *ev)
{
	struct ses_spdu o = {.spdu.type = SPDU_MIP};
	int r = check_own_point(s, ev);

	if (r != 0)
		return r;
	/* X.225 8.3.21.2: absent where explicit confirmation is asked for */
	if (!ev->req->explicit_confirm)
		ses_put_number(&o, SPDU_SYNC_TYPE, 1, 1);
	ses_put_serial(&o, SPDU_SERIAL, s->vm);
	ses_put_user_data(&o, ev->req);
	r = ses_send(s, &o, ev->e);
	if (r == 0)
		count_own_point(s);
	return r;
}

static int
check_peers_point(const struct ses *s, struct ses_ev *ev)
{
	uint32_t serial = spdu_serial(ev->spdu, SPDU_SERIAL, 0);

	ev->wrong = &ev->spdu->par[SPDU_SERIAL];
	if (serial != s->vm || s->vm > SPDU_SERIAL_MAX)
		return err_set(ev->e, SES_LAYER, ERR_PROTOCOL,
		    "%s: serial number %u, the next is %u",
		    spdu_name(ev->spdu->type), serial, s->vm);
	return 0;
}

int
ses_act_MIP(struct ses *s, struct ses_ev *ev)
{
	int r = check_peers_point(s, ev);

	if (r != 0)
		return r;
	if (!s->vsc)
		s->va = s->vm;
	s->vm++;
	s->vsc = true;
	ses_act_indicate(s, ev);
	ev->ind.explicit_confirm =
	    (spdu_number(ev->spdu, SPDU_SYNC_TYPE, 0) & 1) == 0;
	return 0;
}

/* A confirmation confirms all points up to its own. */
int
ses_act_SSYNmrsp(struct ses *s, struct ses_ev *ev)
{
	uint32_t serial = ev->req->serial;
	int r;

	if (!s->vsc || serial < s->va || serial >= s->vm)
		return err_set(ev->e, SES_LAYER, ERR_PROTOCOL,
		    "S-SYNC-MINOR response %u: not outstanding", serial);
	r = ses_send_serial(s, SPDU_MIA, serial, ev);
	if (r == 0)
		s->va = serial + 1;
	return r;
}

int
ses_act_MIA(struct ses *s, struct ses_ev *ev)
{
	uint32_t serial = spdu_serial(ev->spdu, SPDU_SERIAL, 0);

	ev->wrong = &ev->spdu->par[SPDU_SERIAL];
	if (s->vsc || serial < s->va || serial >= s->vm)
		return err_set(ev->e, SES_LAYER, ERR_PROTOCOL,
		    "session MIA: serial number %u is not outstanding", serial);
	s->va = serial + 1;
	return ses_act_indicate(s, ev);
}

/* A major point is set: SSYNMreq or SACTEreq, MAP or AE. */
static int
send_major(struct ses *s, enum spdu_type type, struct ses_ev *ev)
{
	struct ses_spdu o = {.spdu.type = type};
	int r = check_own_point(s, ev);

	if (r != 0)
		return r;
	if (type == SPDU_MAP)
		ses_put_number(&o, SPDU_SYNC_TYPE, 1, 1);
	ses_put_serial(&o, SPDU_SERIAL, s->vm);
	ses_put_user_data(&o, ev->req);
	r = ses_send(s, &o, ev->e);
	if (r == 0)
		count_own_point(s);
	return r;
}

/* The peer sets one: MAP or AE. */
int
ses_act_MAP_AE(struct ses *s, struct ses_ev *ev)
{
	int r = check_peers_point(s, ev);

	if (r != 0)
		return r;
	if (!s->vsc)
		s->va = s->vm;
	s->vm++;
	return ses_act_indicate(s, ev);
}

/* It is confirmed: nothing before it can be asked for again. */
static void
pass_major(struct ses *s)
{
	s->va = s->vr = s->vm;
}

static int
confirm_major(struct ses *s, enum spdu_type type, struct ses_ev *ev)
{
	int r;

	if (ev->req->serial != 0 && ev->req->serial != s->vm - 1)
		return err_set(ev->e, SES_LAYER, ERR_PROTOCOL,
		    "%s with %u, not %u", spdu_name(type), ev->req->serial,
		    s->vm - 1);
	r = ses_send_serial(s, type, s->vm - 1, ev);
	if (r == 0)
		pass_major(s);
	return r;
}

static int
major_confirmed(struct ses *s, struct ses_ev *ev)
{
	uint32_t serial = spdu_serial(ev->spdu, SPDU_SERIAL, 0);

	ev->wrong = &ev->spdu->par[SPDU_SERIAL];
	if (serial != s->vm - 1)
		return err_set(ev->e, SES_LAYER, ERR_PROTOCOL,
		    "%s: serial number %u, not %u", spdu_name(ev->spdu->type),
		    serial, s->vm - 1);
	pass_major(s);
	return ses_act_indicate(s, ev);
}

int
ses_act_SSYNMreq(struct ses *s, struct ses_ev *ev)
{
	return send_major(s, SPDU_MAP, ev);
}

int
ses_act_SSYNMrsp(struct ses *s, struct ses_ev *ev)
{
	return confirm_major(s, SPDU_MAA, ev);
}

int
ses_act_MAA(struct ses *s, struct ses_ev *ev)
{
	return major_confirmed(s, ev);
}

/* --- activities --- */

static void
start_activity(struct ses *s, uint32_t next_serial)
{
	s->vact = true;
	s->vsc = false;
	s->va = s->vm = next_serial;
	s->vr = 1;
}

static int
put_activity_id(struct ses_spdu *o, enum spdu_par par, const uint8_t *id,
    uint8_t n, struct err *e)
{
	if (n > 6)
		return err_set(e, SES_LAYER, ERR_LIMIT,
		    "activity identifier of %u octets, at most 6", n);
	spdu_set(&o->spdu, par, id, n);
	return 0;
}

int
ses_act_SACTSreq(struct ses *s, struct ses_ev *ev)
{
	const struct ses_prim *p = ev->req;
	struct ses_spdu o = {.spdu.type = SPDU_AS};
	int r = put_activity_id(
	    &o, SPDU_ACTIVITY, p->activity_id, p->activity_id_n, ev->e);

	if (r != 0)
		return r;
	ses_put_user_data(&o, p);
	r = ses_send(s, &o, ev->e);
	if (r == 0)
		start_activity(s, 1);
	return r;
}

int
ses_act_AS(struct ses *s, struct ses_ev *ev)
{
	start_activity(s, 1);
	return ses_act_indicate(s, ev);
}

static void
put_link(struct ses_spdu *o, enum spdu_par par, const uint8_t *p, size_t n)
{
	if (n > 0)
		spdu_set(&o->spdu, par, p, n);
}

int
ses_act_SACTRreq(struct ses *s, struct ses_ev *ev)
{
	const struct ses_prim *p = ev->req;
	const struct ses_conn_id *old = &p->old_conn_id;
	struct ses_spdu o = {.spdu.type = SPDU_AR};
	int r = put_activity_id(
	    &o, SPDU_ACTIVITY, p->activity_id, p->activity_id_n, ev->e);

	if (r == 0)
		r = put_activity_id(&o, SPDU_LINK_ACTIVITY, p->old_activity_id,
		    p->old_activity_id_n, ev->e);
	if (r == 0 && p->serial > SPDU_SERIAL_MAX)
		r = err_set(ev->e, SES_LAYER, ERR_LIMIT,
		    "no serial number after %u", p->serial);
	if (r != 0)
		return r;
	put_link(&o, SPDU_LINK_CALLING_REF, old->user, old->user_n);
	put_link(&o, SPDU_LINK_COMMON_REF, old->common, old->common_n);
	put_link(&o, SPDU_LINK_ADDITIONAL_REF, old->add, old->add_n);
	ses_put_serial(&o, SPDU_LINK_SERIAL, p->serial);
	ses_put_user_data(&o, p);
	r = ses_send(s, &o, ev->e);
	if (r == 0)
		start_activity(s, p->serial + 1);
	return r;
}

/* A peer that was the acceptor of the old connection may give its own reference
 * in place of the calling one, which its AC echoed. */
int
ses_act_AR(struct ses *s, struct ses_ev *ev)
{
	const struct spdu *ar = ev->spdu;
	uint32_t serial = spdu_serial(ar, SPDU_LINK_SERIAL, 0);
	struct ses_prim *ind = &ev->ind;
	struct ses_conn_id *old = &ind->old_conn_id;

	ev->wrong = &ar->par[SPDU_LINK_SERIAL];
	if (serial > SPDU_SERIAL_MAX)
		return err_set(ev->e, SES_LAYER, ERR_LIMIT,
		    "session AR: no serial number after %u", serial);
	start_activity(s, serial + 1);
	ses_act_indicate(s, ev);
	ind->serial = serial;
	ses_get_octets(ar, SPDU_LINK_ACTIVITY, ind->old_activity_id,
	    &ind->old_activity_id_n);
	ses_get_octets(ar,
	    spdu_has(ar, SPDU_LINK_CALLING_REF) ? SPDU_LINK_CALLING_REF
						: SPDU_LINK_CALLED_REF,
	    old->user, &old->user_n);
	ses_get_octets(ar, SPDU_LINK_COMMON_REF, old->common, &old->common_n);
	ses_get_octets(ar, SPDU_LINK_ADDITIONAL_REF, old->add, &old->add_n);
	return 0;
}

/* The end of an activity is a major synchronization point. */
int
ses_act_SACTEreq(struct ses *s, struct ses_ev *ev)
{
	return send_major(s, SPDU_AE, ev);
}

int
ses_act_SACTErsp(struct ses *s, struct ses_ev *ev)
{
	int r = confirm_major(s, SPDU_AEA, ev);

	if (r == 0)
		s->vact = false;
	return r;
}

int
ses_act_AEA(struct ses *s, struct ses_ev *ev)
{
	int r = major_confirmed(s, ev);

	if (r == 0)
		s->vact = false;
	return r;
}

int
ses_act_SACTIreq(struct ses *s, struct ses_ev *ev)
{
	return ses_send_reason(s, SPDU_AI, ev);
}

int
ses_act_SACTDreq(struct ses *s, struct ses_ev *ev)
{
	return ses_send_reason(s, SPDU_AD, ev);
}

/* AI and AD: whatever was under way in either direction is void. */
int
ses_act_AI(struct ses *s, struct ses_ev *ev)
{
	ses_send_cut(s);
	s->rx.ssdu_open[0] = s->rx.ssdu_open[1] = false;
	return ses_act_indicate(s, ev);
}

/* Interrupt and discard leave all tokens with the one who asked for it. */
static void
give_up_activity(struct ses *s, uint8_t tokens)
{
	s->vact = false;
	s->tokens = tokens;
}

int
ses_act_SACTIrsp(struct ses *s, struct ses_ev *ev)
{
	int r = ses_send_plain(s, SPDU_AIA, ev);

	if (r == 0)
		give_up_activity(s, 0);
	return r;
}

int
ses_act_SACTDrsp(struct ses *s, struct ses_ev *ev)
{
	int r = ses_send_plain(s, SPDU_ADA, ev);

	if (r == 0)
		give_up_activity(s, 0);
	return r;
}

/* AIA and ADA */
int
ses_act_AIA(struct ses *s, struct ses_ev *ev)
{
	give_up_activity(s, ses_available_tokens(s));
	s->rx.ssdu_open[0] = s->rx.ssdu_open[1] = false;
	return ses_act_indicate(s, ev);
}
