/*
 * The actions of the state table between establishment and release: data,
 * tokens, synchronization points, activities, exceptions (X.225 7.11 to
 * 7.36). V(A), V(M), V(R) and Vsc follow Table A.4.
 */
#include <string.h>

#include "lib/log.h"
#include "osi/ses_int.h"

/* --- what all of them have in common --- */

static void
put_user_data(struct ses_spdu *o, const struct ses_prim *p)
{
	if (p->n > 0)
		spdu_set(&o->spdu, SPDU_USER_DATA, p->data, p->n);
}

/* An SPDU with nothing but user data. */
static int
send_plain(struct ses *s, enum spdu_type type, struct ses_ev *ev)
{
	struct ses_spdu o = {.spdu.type = type};

	put_user_data(&o, ev->req);
	return ses_send(s, &o, ev->e);
}

static int
send_serial(
    struct ses *s, enum spdu_type type, uint32_t serial, struct ses_ev *ev)
{
	struct ses_spdu o = {.spdu.type = type};

	ses_put_serial(&o, SPDU_SERIAL, serial);
	put_user_data(&o, ev->req);
	return ses_send(s, &o, ev->e);
}

static void
get_octets(const struct spdu *spdu, enum spdu_par par, uint8_t *p, uint8_t *n)
{
	const struct octets *o = &spdu->par[par];

	*n = (uint8_t)o->n;
	if (o->n > 0)
		memcpy(p, o->p, o->n);
}

int
ses_act_indicate(struct ses *s, struct ses_ev *ev)
{
	const struct ses_condition *c = &ses_conditions[ev->event];
	const struct spdu *spdu = ev->spdu;
	const struct octets *reason = &spdu->par[SPDU_REASON];

	(void)s;
	ev->ind = (struct ses_prim){
	    .type = c->prim,
	    .kind = c->kind,
	    .data = spdu->par[SPDU_USER_DATA].p,
	    .n = spdu->par[SPDU_USER_DATA].n,
	    .last = true,
	    .reason = reason->n > 0 ? reason->p[0] : 0,
	    .tokens = (uint8_t)spdu_number(spdu, SPDU_TOKENS, 0),
	    .serial = spdu_serial(spdu, SPDU_SERIAL, 0),
	};
	get_octets(
	    spdu, SPDU_ACTIVITY, ev->ind.activity_id, &ev->ind.activity_id_n);
	ev->indicate = true;
	return 0;
}

/* --- data --- */

int
ses_act_SDTreq(struct ses *s, struct ses_ev *ev)
{
	const struct ses_prim *p = ev->req;

	return ses_send_data(s, SPDU_DT, p->data, p->n, p->last, ev->e);
}

int
ses_act_STDreq(struct ses *s, struct ses_ev *ev)
{
	const struct ses_prim *p = ev->req;

	return ses_send_data(s, SPDU_TD, p->data, p->n, p->last, ev->e);
}

/* DT or TD may come now; ses_receive.c hands it up in fragments. */
int
ses_act_data(struct ses *s, struct ses_ev *ev)
{
	(void)s;
	(void)ev;
	return 0;
}

/* --- tokens --- */

static int
check_tokens(const struct ses *s, uint8_t tokens, uint8_t allowed,
    const char *what, struct err *e)
{
	allowed &= ses_available_tokens(s);
	if (tokens == 0 || (tokens & ~allowed) != 0)
		return err_set(e, SES_LAYER, ERR_PROTOCOL,
		    "%s of tokens 0x%02x: 0x%02x possible", what, tokens,
		    allowed);
	return 0;
}

static int
send_tokens(struct ses *s, enum spdu_type type, struct ses_ev *ev)
{
	struct ses_spdu o = {.spdu.type = type};

	ses_put_number(&o, SPDU_TOKENS, ev->req->tokens, 1);
	put_user_data(&o, ev->req);
	return ses_send(s, &o, ev->e);
}

int
ses_act_SGTreq(struct ses *s, struct ses_ev *ev)
{
	uint8_t tokens = ev->req->tokens;
	int r = check_tokens(s, tokens, s->tokens, "S-TOKEN-GIVE", ev->e);

	/* giving the data token is what clears an exception */
	if (r == 0 && s->state != STA713 && (tokens & SES_TOKEN_DATA) == 0)
		r = err_set(ev->e, SES_LAYER, ERR_PROTOCOL,
		    "S-TOKEN-GIVE after an exception: not the data token");
	if (r == 0)
		r = send_tokens(s, SPDU_GT, ev);
	if (r == 0)
		s->tokens &= (uint8_t)~tokens;
	return r;
}

int
ses_act_GT(struct ses *s, struct ses_ev *ev)
{
	uint8_t tokens = (uint8_t)spdu_number(ev->spdu, SPDU_TOKENS, 0);
	int r;

	/* alone it may be empty, as it is before category 2 SPDUs */
	if (tokens == 0 && ev->spdu->par[SPDU_USER_DATA].n == 0)
		return 0;
	r = check_tokens(s, tokens, (uint8_t)~s->tokens, "GT", ev->e);
	if (r != 0)
		return r;
	s->tokens |= tokens;
	return ses_act_indicate(s, ev);
}

int
ses_act_GT_STA20(struct ses *s, struct ses_ev *ev)
{
	uint32_t tokens = spdu_number(ev->spdu, SPDU_TOKENS, 0);

	if ((tokens & SES_TOKEN_DATA) == 0)
		ev->next = STA20;
	return ses_act_GT(s, ev);
}

int
ses_act_SPTreq(struct ses *s, struct ses_ev *ev)
{
	int r = check_tokens(
	    s, ev->req->tokens, (uint8_t)~s->tokens, "S-TOKEN-PLEASE", ev->e);

	return r != 0 ? r : send_tokens(s, SPDU_PT, ev);
}

/* Tokens that are no longer ours may be asked for: our GT and the peer's PT
 * crossed. */
int
ses_act_PT(struct ses *s, struct ses_ev *ev)
{
	uint8_t tokens = (uint8_t)spdu_number(ev->spdu, SPDU_TOKENS, 0);
	int r;

	if (tokens == 0 && ev->spdu->par[SPDU_USER_DATA].n == 0)
		return 0;
	r = check_tokens(s, tokens, 0xff, "PT", ev->e);
	return r != 0 ? r : ses_act_indicate(s, ev);
}

int
ses_act_SCGreq(struct ses *s, struct ses_ev *ev)
{
	int r = send_plain(s, SPDU_GTC, ev);

	if (r == 0)
		s->tokens = 0;
	return r;
}

int
ses_act_GTC(struct ses *s, struct ses_ev *ev)
{
	struct ses_spdu o = {.spdu.type = SPDU_GTA};
	int r = ses_send(s, &o, ev->e);

	if (r != 0)
		return r;
	s->tokens = ses_available_tokens(s);
	return ses_act_indicate(s, ev);
}

/* --- synchronization points --- */

/* Our user sets the next point: MIP or AE. */
static int
check_own_point(const struct ses *s, struct ses_ev *ev)
{
	if (ev->req->serial != 0 && ev->req->serial != s->vm)
		return err_set(ev->e, SES_LAYER, ERR_PROTOCOL,
		    "serial number %u, the next is %u", ev->req->serial, s->vm);
	if (s->vm >= SPDU_SERIAL_MAX)
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
	put_user_data(&o, ev->req);
	r = ses_send(s, &o, ev->e);
	if (r == 0)
		count_own_point(s);
	return r;
}

static int
check_peers_point(const struct ses *s, struct ses_ev *ev)
{
	uint32_t serial = spdu_serial(ev->spdu, SPDU_SERIAL, 0);

	if (serial != s->vm || s->vm >= SPDU_SERIAL_MAX)
		return err_set(ev->e, SES_LAYER, ERR_PROTOCOL,
		    "%s %u, the next is %u", spdu_name(ev->spdu->type), serial,
		    s->vm);
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
	r = send_serial(s, SPDU_MIA, serial, ev);
	if (r == 0)
		s->va = serial + 1;
	return r;
}

int
ses_act_MIA(struct ses *s, struct ses_ev *ev)
{
	uint32_t serial = spdu_serial(ev->spdu, SPDU_SERIAL, 0);

	if (s->vsc || serial < s->va || serial >= s->vm)
		return err_set(ev->e, SES_LAYER, ERR_PROTOCOL,
		    "MIA %u: not outstanding", serial);
	s->va = serial + 1;
	return ses_act_indicate(s, ev);
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
	put_user_data(&o, p);
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
	if (r == 0 && p->serial >= SPDU_SERIAL_MAX)
		r = err_set(ev->e, SES_LAYER, ERR_LIMIT,
		    "no serial number after %u", p->serial);
	if (r != 0)
		return r;
	put_link(&o, SPDU_LINK_CALLING_REF, old->user, old->user_n);
	put_link(&o, SPDU_LINK_COMMON_REF, old->common, old->common_n);
	put_link(&o, SPDU_LINK_ADDITIONAL_REF, old->add, old->add_n);
	ses_put_serial(&o, SPDU_LINK_SERIAL, p->serial);
	put_user_data(&o, p);
	r = ses_send(s, &o, ev->e);
	if (r == 0)
		start_activity(s, p->serial + 1);
	return r;
}

int
ses_act_AR(struct ses *s, struct ses_ev *ev)
{
	const struct spdu *ar = ev->spdu;
	uint32_t serial = spdu_serial(ar, SPDU_LINK_SERIAL, 0);
	struct ses_prim *ind = &ev->ind;
	struct ses_conn_id *old = &ind->old_conn_id;

	if (serial >= SPDU_SERIAL_MAX)
		return err_set(ev->e, SES_LAYER, ERR_LIMIT,
		    "no serial number after %u", serial);
	start_activity(s, serial + 1);
	ses_act_indicate(s, ev);
	ind->serial = serial;
	get_octets(ar, SPDU_LINK_ACTIVITY, ind->old_activity_id,
	    &ind->old_activity_id_n);
	get_octets(ar, SPDU_LINK_CALLING_REF, old->user, &old->user_n);
	get_octets(ar, SPDU_LINK_COMMON_REF, old->common, &old->common_n);
	get_octets(ar, SPDU_LINK_ADDITIONAL_REF, old->add, &old->add_n);
	return 0;
}

/* The end of an activity is a major synchronization point. */
int
ses_act_SACTEreq(struct ses *s, struct ses_ev *ev)
{
	int r = check_own_point(s, ev);

	if (r == 0)
		r = send_serial(s, SPDU_AE, s->vm, ev);
	if (r == 0)
		count_own_point(s);
	return r;
}

int
ses_act_AE(struct ses *s, struct ses_ev *ev)
{
	int r = check_peers_point(s, ev);

	if (r != 0)
		return r;
	if (!s->vsc)
		s->va = s->vm;
	s->vm++;
	return ses_act_indicate(s, ev);
}

static void
end_activity(struct ses *s)
{
	s->va = s->vr = s->vm;
	s->vact = false;
}

int
ses_act_SACTErsp(struct ses *s, struct ses_ev *ev)
{
	int r;

	if (ev->req->serial != 0 && ev->req->serial != s->vm - 1)
		return err_set(ev->e, SES_LAYER, ERR_PROTOCOL,
		    "S-ACTIVITY-END response %u, not %u", ev->req->serial,
		    s->vm - 1);
	r = send_serial(s, SPDU_AEA, s->vm - 1, ev);
	if (r == 0)
		end_activity(s);
	return r;
}

int
ses_act_AEA(struct ses *s, struct ses_ev *ev)
{
	uint32_t serial = spdu_serial(ev->spdu, SPDU_SERIAL, 0);

	if (serial != s->vm - 1)
		return err_set(ev->e, SES_LAYER, ERR_PROTOCOL, "AEA %u, not %u",
		    serial, s->vm - 1);
	end_activity(s);
	return ses_act_indicate(s, ev);
}

static int
send_reason(struct ses *s, enum spdu_type type, struct ses_ev *ev)
{
	struct ses_spdu o = {.spdu.type = type};

	ses_put_number(&o, SPDU_REASON, ev->req->reason, 1);
	put_user_data(&o, ev->req);
	return ses_send(s, &o, ev->e);
}

int
ses_act_SACTIreq(struct ses *s, struct ses_ev *ev)
{
	return send_reason(s, SPDU_AI, ev);
}

int
ses_act_SACTDreq(struct ses *s, struct ses_ev *ev)
{
	return send_reason(s, SPDU_AD, ev);
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
	int r = send_plain(s, SPDU_AIA, ev);

	if (r == 0)
		give_up_activity(s, 0);
	return r;
}

int
ses_act_SACTDrsp(struct ses *s, struct ses_ev *ev)
{
	int r = send_plain(s, SPDU_ADA, ev);

	if (r == 0)
		give_up_activity(s, 0);
	return r;
}

/* AIA and ADA */
int
ses_act_AIA(struct ses *s, struct ses_ev *ev)
{
	give_up_activity(s, ses_available_tokens(s));
	return ses_act_indicate(s, ev);
}

/* --- exceptions --- */

int
ses_act_SUERreq(struct ses *s, struct ses_ev *ev)
{
	return send_reason(s, SPDU_ED, ev);
}

/* One that crossed our giving away of the data token is void: the token has
 * cleared it at the peer already. */
int
ses_act_ED(struct ses *s, struct ses_ev *ev)
{
	uint8_t data = SES_TOKEN_DATA & ses_available_tokens(s);

	if ((s->tokens & data) != data) {
		ev->next = s->state;
		return 0;
	}
	return ses_act_indicate(s, ev);
}

int
ses_act_ER(struct ses *s, struct ses_ev *ev)
{
	ses_act_indicate(s, ev);
	ev->ind.data = ev->spdu->par[SPDU_REFLECT].p;
	ev->ind.n = ev->spdu->par[SPDU_REFLECT].n;
	return 0;
}
