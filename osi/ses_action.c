/*
 * The actions of the state table between establishment and release: data,
 * tokens, synchronization points, activities, exceptions (X.225 7.11 to
 * 7.36). V(A), V(M), V(R) and Vsc follow Table A.4.
 */
#include <string.h>

#include "lib/log.h"
#include "osi/ses_int.h"

/* --- what all of them have in common --- */

void
ses_get_octets(
    const struct spdu *spdu, enum spdu_par par, uint8_t *p, uint8_t *n)
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
	ses_get_octets(
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
		    "%s: tokens 0x%02x, of which 0x%02x are possible", what,
		    tokens, allowed);
	return 0;
}

static int
send_tokens(struct ses *s, enum spdu_type type, struct ses_ev *ev)
{
	struct ses_spdu o = {.spdu.type = type};

	ses_put_number(&o, SPDU_TOKENS, ev->req->tokens, 1);
	ses_put_user_data(&o, ev->req);
	return ses_send(s, &o, ev->e);
}

int
ses_act_SGTreq(struct ses *s, struct ses_ev *ev)
{
	uint8_t tokens = ev->req->tokens;
	int r = check_tokens(s, tokens, s->tokens, "S-TOKEN-GIVE", ev->e);

	/* giving the data token is what clears an exception */
	if (r == 0 && (s->state == STA19 || s->state == STA20) &&
	    (tokens & SES_TOKEN_DATA) == 0)
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
	r = check_tokens(s, tokens, (uint8_t)~s->tokens, "session GT", ev->e);
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
	r = check_tokens(s, tokens, 0xff, "session PT", ev->e);
	return r != 0 ? r : ses_act_indicate(s, ev);
}

int
ses_act_SCGreq(struct ses *s, struct ses_ev *ev)
{
	int r = ses_send_plain(s, SPDU_GTC, ev);

	if (r == 0)
		s->tokens = 0;
	return r;
}

/* The GTA waits while an SSDU of typed data is being sent: it must not cut that
 * off. */
int
ses_act_GTC(struct ses *s, struct ses_ev *ev)
{
	struct ses_spdu o = {.spdu.type = SPDU_GTA};
	int r = 0;

	s->owe_gta = s->tx.open != SPDU_NONE;
	if (!s->owe_gta)
		r = ses_send(s, &o, ev->e);
	if (r != 0)
		return r;
	s->tokens = ses_available_tokens(s);
	return ses_act_indicate(s, ev);
}

/* --- capability data --- */

int
ses_act_SCDreq(struct ses *s, struct ses_ev *ev)
{
	return ses_send_plain(s, SPDU_CD, ev);
}

int
ses_act_SCDrsp(struct ses *s, struct ses_ev *ev)
{
	return ses_send_plain(s, SPDU_CDA, ev);
}

/* --- exceptions --- */

int
ses_act_SUERreq(struct ses *s, struct ses_ev *ev)
{
	return ses_send_reason(s, SPDU_ED, ev);
}

/* One that crossed our giving away of the data token is void: the token has
 * cleared it at the peer already. */
int
ses_act_ED(struct ses *s, struct ses_ev *ev)
{
	uint8_t data = SES_TOKEN_DATA & ses_available_tokens(s);

	if ((s->tokens & data) != data) {
		ses_trace(s, false, "session ED ignored",
		    "the data token, which it is about, is the peer's");
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
