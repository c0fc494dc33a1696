/*
 * The actions of the state table that make the association: CN, OA, CDO, AC,
 * RF (X.225 7.1 to 7.5).
 */
#include <string.h>

#include "lib/log.h"
#include "osi/ses_int.h"

enum { SETTING_OURS_TO_CHOOSE = 2 }; /* X.225 8.3.1.13, for one token */

static const uint8_t all_tokens[] = {
    SES_TOKEN_DATA, SES_TOKEN_MINOR, SES_TOKEN_MAJOR, SES_TOKEN_RELEASE};

/* The two bits of one token: its lowest is the bit of enum ses_token. */
static uint8_t
setting_of(uint8_t settings, uint8_t token)
{
	return (settings / token) & 3;
}

/* The tokens that `settings` puts on the acceptor's side. */
static uint8_t
acceptors_tokens(uint8_t settings, uint8_t available)
{
	uint8_t t = 0;

	for (size_t i = 0; i < sizeof(all_tokens); i++)
		if (setting_of(settings, all_tokens[i]) == 1)
			t |= all_tokens[i];
	return t & available;
}

static void
put_sel(struct spdu *spdu, enum spdu_par par, const struct osi_sel *s)
{
	if (s->present)
		spdu_set(spdu, par, s->v, s->n);
}

static void
get_sel(const struct spdu *spdu, enum spdu_par par, struct osi_sel *s)
{
	const struct octets *o = &spdu->par[par];

	if (!spdu_has(spdu, par))
		return;
	s->present = true;
	s->n = (uint8_t)o->n;
	memcpy(s->v, o->p, o->n);
}

static void
put_ref(struct spdu *spdu, enum spdu_par par, const uint8_t *p, size_t n)
{
	if (n > 0)
		spdu_set(spdu, par, p, n);
}

static void
get_ref(const struct spdu *spdu, enum spdu_par par, uint8_t *p, uint8_t *n)
{
	const struct octets *o = &spdu->par[par];

	*n = (uint8_t)o->n;
	memcpy(p, o->n > 0 ? o->p : (const uint8_t *)"", o->n);
}

static void
put_conn_id(
    struct spdu *spdu, enum spdu_par user_ref, const struct ses_conn_id *id)
{
	put_ref(spdu, user_ref, id->user, id->user_n);
	put_ref(spdu, SPDU_COMMON_REF, id->common, id->common_n);
	put_ref(spdu, SPDU_ADDITIONAL_REF, id->add, id->add_n);
}

static void
get_conn_id(const struct spdu *spdu, struct ses_conn_id *id)
{
	get_ref(spdu, SPDU_CALLING_REF, id->user, &id->user_n);
	get_ref(spdu, SPDU_COMMON_REF, id->common, &id->common_n);
	get_ref(spdu, SPDU_ADDITIONAL_REF, id->add, &id->add_n);
}

/* An initial serial number is needed for synchronization points outside of
 * activities only (X.225 8.3.1.10). */
static bool
needs_initial_serial(uint16_t fu)
{
	return (fu & (SES_FU_MINOR_SYNC | SES_FU_MAJOR_SYNC)) != 0 &&
	    (fu & SES_FU_ACTIVITY) == 0;
}

static void
set_initial_serial(struct ses *s, uint32_t serial)
{
	s->va = s->vm = serial;
	s->vr = 0;
	s->vsc = false;
	s->params.initial_serial = serial;
}

/* --- establishing, initiator --- */

static bool
too_small(uint16_t tsdu)
{
	return tsdu != 0 && tsdu < SES_TSDU_MIN;
}

int
ses_act_SCONreq(struct ses *s, struct ses_ev *ev)
{
	const struct ses_prim *p = ev->req;

	if ((s->fu & (SES_FU_HALF_DUPLEX | SES_FU_DUPLEX)) == 0 ||
	    s->params.initial_serial > SPDU_SERIAL_MAX ||
	    too_small(s->params.tsdu_send) || too_small(s->params.tsdu_receive))
		return err_set(ev->e, SES_LAYER, ERR_CONFIG,
		    "S-CONNECT with impossible parameters");
	if (p->n > SES_CONNECT_DATA_MAX)
		return err_set(ev->e, SES_LAYER, ERR_LIMIT,
		    "S-CONNECT with %zu octets of user data, at most %d", p->n,
		    SES_CONNECT_DATA_MAX);
	buf_append(&s->connect_data, p->data, p->n);
	cotp_connect_request(s->cotp);
	return 0;
}

/* Version 1 is offered too where it could carry what we have to say. */
static uint8_t
versions_offered(const struct ses *s)
{
	return s->connect_data.len > SPDU_USER_DATA_V1 ? 0x02 : 0x03;
}

/* Bit 1: we can receive extended concatenation (X.225 8.3.1.8). */
static void
put_protocol_options(const struct ses *s, struct ses_spdu *o)
{
	ses_put_number(o, SPDU_PROTOCOL_OPTIONS,
	    s->params.extended_concatenation ? 1 : 0, 1);
}

static void
put_connect_data(struct ses *s, struct ses_spdu *o)
{
	struct buf *b = &s->connect_data;

	if (b->len > SPDU_CN_DATA_MAX) {
		ses_put_number(o, SPDU_OVERFLOW, 1, 1);
		spdu_set(
		    &o->spdu, SPDU_EXTENDED_DATA, b->data, SPDU_CN_DATA_MAX);
	} else if (b->len > SPDU_USER_DATA_V1) {
		spdu_set(&o->spdu, SPDU_EXTENDED_DATA, b->data, b->len);
	} else if (b->len > 0) {
		spdu_set(&o->spdu, SPDU_USER_DATA, b->data, b->len);
	}
}

int
ses_act_TCONcnf(struct ses *s, struct ses_ev *ev)
{
	struct ses_params *p = &s->params;
	struct ses_spdu o = {.spdu.type = SPDU_CN};
	bool overflow = s->connect_data.len > SPDU_CN_DATA_MAX;

	put_conn_id(&o.spdu, SPDU_CALLING_REF, &p->conn_id);
	put_protocol_options(s, &o);
	if (p->tsdu_send != 0 || p->tsdu_receive != 0)
		ses_put_number(&o, SPDU_TSDU_MAX,
		    (uint32_t)p->tsdu_send << 16 | p->tsdu_receive, 4);
	ses_put_number(&o, SPDU_VERSION, versions_offered(s), 1);
	if (needs_initial_serial(s->fu))
		ses_put_serial(&o, SPDU_INITIAL_SERIAL, p->initial_serial);
	ses_put_number(&o, SPDU_TOKEN_SETTING, p->token_setting, 1);
	ses_put_number(&o, SPDU_REQUIREMENTS, s->fu, 2);
	put_sel(&o.spdu, SPDU_CALLING_SSEL, &p->calling);
	put_sel(&o.spdu, SPDU_CALLED_SSEL, &p->called);
	put_connect_data(s, &o);
	if (overflow)
		ev->next = STA02B;
	return ses_send(s, &o, ev->e);
}

static void
set_tsdu_sizes(struct ses *s, const struct spdu *spdu)
{
	uint32_t sizes = spdu_number(spdu, SPDU_TSDU_MAX, 0);
	uint16_t from_initiator = (uint16_t)(sizes >> 16);
	uint16_t from_responder = (uint16_t)sizes;
	bool initiator = s->params.cotp.role == OSI_INITIATOR;

	s->tsdu_given = spdu_has(spdu, SPDU_TSDU_MAX);
	s->tsdu_send = initiator ? from_initiator : from_responder;
	s->tsdu_receive = initiator ? from_responder : from_initiator;
}

static bool
tsdu_sizes_too_small(const struct ses *s)
{
	return too_small(s->tsdu_send) || too_small(s->tsdu_receive);
}

/* The sizes that OA or AC selects from those of our CN. */
static int
take_selected_sizes(struct ses *s, const struct spdu *spdu, struct err *e)
{
	const struct ses_params *p = &s->params;

	if (s->tsdu_given && !spdu_has(spdu, SPDU_TSDU_MAX))
		return 0; /* the OA has said it */
	set_tsdu_sizes(s, spdu);
	if (tsdu_sizes_too_small(s))
		return err_set(e, SES_LAYER, ERR_LIMIT,
		    "%s: TSDU maximum size below %d", spdu_name(spdu->type),
		    SES_TSDU_MIN);
	if ((p->tsdu_send != 0 && s->tsdu_send > p->tsdu_send) ||
	    (p->tsdu_receive != 0 && s->tsdu_receive > p->tsdu_receive))
		return err_set(e, SES_LAYER, ERR_PROTOCOL,
		    "%s: TSDU maximum size above the one proposed",
		    spdu_name(spdu->type));
	return 0;
}

/* OVERFLOW ACCEPT: the rest of the user data follows (X.225 7.2, 7.3). */
int
ses_act_OA(struct ses *s, struct ses_ev *ev)
{
	struct buf *b = &s->connect_data;
	size_t max;
	int r = take_selected_sizes(s, ev->spdu, ev->e);

	if (r != 0)
		return r;
	/* SI and LI, enclosure item, and the header of user data */
	max = (s->tsdu_send != 0 ? s->tsdu_send : SPDU_MAX) - 4 - 3 - 4;
	buf_consume(b, SPDU_CN_DATA_MAX);
	while (b->len > 0) {
		struct ses_spdu o = {.spdu.type = SPDU_CDO};
		size_t n = b->len < max ? b->len : max;

		ses_put_number(
		    &o, SPDU_ENCLOSURE, n == b->len ? SPDU_END : 0, 1);
		spdu_set(&o.spdu, SPDU_USER_DATA, b->data, n);
		r = ses_send(s, &o, ev->e);
		if (r != 0)
			return r;
		buf_consume(b, n);
	}
	return 0;
}

/* What AC answers to what CN proposed. Our user asked for one or both ways
 * of duplex; exactly one can be selected. */
static int
negotiate_accept(struct ses *s, const struct spdu *ac, struct err *e)
{
	uint16_t way;
	uint32_t version = spdu_number(ac, SPDU_VERSION, 1);

	s->fu &= (uint16_t)spdu_number(ac, SPDU_REQUIREMENTS, 0x0349);
	s->fu = ses_consistent_units(s->fu);
	way = s->fu & (SES_FU_HALF_DUPLEX | SES_FU_DUPLEX);
	if (way != SES_FU_HALF_DUPLEX && way != SES_FU_DUPLEX)
		return err_set(e, SES_LAYER, ERR_PROTOCOL,
		    "session AC: it selects neither half-duplex nor duplex "
		    "alone");
	if ((version & versions_offered(s)) == 0)
		return err_set(e, SES_LAYER, ERR_PROTOCOL,
		    "session AC: it selects version 0x%02x, which was not "
		    "offered",
		    version);
	s->version = (version & versions_offered(s) & 2) != 0 ? 2 : 1;
	if (s->version == 1 && ses_check_version_1(ac, e) != 0)
		return ERR_LIMIT;
	return take_selected_sizes(s, ac, e);
}

/* Tokens whose side we left to the acceptor are where its AC says. */
static void
take_tokens_of_accept(struct ses *s, const struct spdu *ac)
{
	uint8_t proposed = s->params.token_setting;
	uint8_t theirs = (uint8_t)spdu_number(ac, SPDU_TOKEN_SETTING, 0);
	uint8_t available = ses_available_tokens(s);
	uint8_t acceptors = 0;

	for (size_t i = 0; i < sizeof(all_tokens); i++) {
		uint8_t t = all_tokens[i], setting = setting_of(proposed, t);

		if (setting == SETTING_OURS_TO_CHOOSE)
			setting = setting_of(theirs, t);
		if (setting == 1)
			acceptors |= t;
	}
	s->tokens = available & (uint8_t)~acceptors;
}

void
ses_indicate_user_data(
    struct ses_ev *ev, const struct ses_condition *c, enum spdu_par par)
{
	ev->ind = (struct ses_prim){
	    .type = c->prim,
	    .kind = c->kind,
	    .data = ev->spdu->par[par].p,
	    .n = ev->spdu->par[par].n,
	    .last = true,
	    .accepted = true,
	};
	ev->indicate = true;
}

int
ses_act_AC(struct ses *s, struct ses_ev *ev)
{
	int r = negotiate_accept(s, ev->spdu, ev->e);

	if (r != 0)
		return r;
	take_tokens_of_accept(s, ev->spdu);
	set_initial_serial(s,
	    spdu_serial(
		ev->spdu, SPDU_INITIAL_SERIAL, s->params.initial_serial));
	get_sel(ev->spdu, SPDU_CALLED_SSEL, &s->params.responding);
	buf_free(&s->connect_data);
	ses_indicate_user_data(ev, &ses_conditions[ev->event], SPDU_USER_DATA);
	ev->ind.tokens = s->tokens;
	return 0;
}

int
ses_act_RF(struct ses *s, struct ses_ev *ev)
{
	const struct octets *reason = &ev->spdu->par[SPDU_REASON];

	ev->ind = (struct ses_prim){
	    .type = SES_CONNECT, .kind = SES_CNF, .last = true};
	if (reason->n > 0) {
		ev->ind.reason = reason->p[0];
		ev->ind.data = reason->p + 1;
		ev->ind.n = reason->n - 1;
	}
	ev->indicate = true;
	cotp_disconnect(s->cotp);
	return 0;
}

/* --- establishing, responder --- */

int
ses_act_TCONind(struct ses *s, struct ses_ev *ev)
{
	(void)ev;
	s->params.cotp = *cotp_params(s->cotp); /* the TSELs of the CR */
	cotp_connect_accept(s->cotp);
	return 0;
}

static int
send_refuse(
    struct ses *s, uint8_t reason, const uint8_t *data, size_t n, struct err *e)
{
	struct ses_spdu o = {.spdu.type = SPDU_RF};
	struct buf b = {0};
	int r;

	put_conn_id(&o.spdu, SPDU_CALLED_REF, &s->params.conn_id);
	ses_put_number(&o, SPDU_TRANSPORT_DISCONNECT, SPDU_TC_RELEASED, 1);
	if (reason == SES_REFUSE_VERSION)
		ses_put_number(&o, SPDU_VERSION, 0x03, 1);
	buf_putc(&b, reason);
	buf_append(&b, data, n);
	spdu_set(&o.spdu, SPDU_REASON, b.data, b.len);
	if (s->tsdu_send != 0 && spdu_size(&o.spdu) > s->tsdu_send)
		spdu_set(&o.spdu, SPDU_REASON, b.data, 1);
	r = ses_send(s, &o, e);
	buf_free(&b);
	return r;
}

static void
put_tsdu_sizes(const struct ses *s, struct ses_spdu *o)
{
	if (s->tsdu_given)
		ses_put_number(o, SPDU_TSDU_MAX,
		    (uint32_t)s->tsdu_receive << 16 | s->tsdu_send, 4);
}

/* Tokens left to our choice stay with the initiator. */
static uint8_t
final_setting(uint8_t proposed)
{
	uint8_t settings = 0;

	for (size_t i = 0; i < sizeof(all_tokens); i++)
		if (setting_of(proposed, all_tokens[i]) == 1)
			settings |= all_tokens[i];
	return settings;
}

/* All that an AC has but its user data. */
static void
put_accept(const struct ses *s, struct ses_spdu *o)
{
	const struct ses_params *p = &s->params;

	put_conn_id(&o->spdu, SPDU_CALLED_REF, &p->conn_id);
	put_protocol_options(s, o);
	put_tsdu_sizes(s, o);
	ses_put_number(o, SPDU_VERSION, (uint32_t)s->version, 1);
	if (needs_initial_serial(s->fu))
		ses_put_serial(o, SPDU_INITIAL_SERIAL, s->vm);
	ses_put_number(
	    o, SPDU_TOKEN_SETTING, final_setting(p->token_setting), 1);
	ses_put_number(o, SPDU_REQUIREMENTS, s->fu, 2);
	put_sel(&o->spdu, SPDU_CALLED_SSEL, &p->responding);
}

/* Can our AC, whose references are those of the CN, be sent in TSDUs of the
 * size selected? Version 1 cannot segment it, and our user may have all the
 * user data that there can be; of version 2 a segment has one octet at least,
 * behind the header that ses_send.c gives its user data. */
static bool
accept_fits(const struct ses *s)
{
	static const uint8_t user_data[SPDU_USER_DATA_V1];
	struct ses_spdu o = {.spdu.type = SPDU_AC};

	if (s->tsdu_send == 0)
		return true;
	put_accept(s, &o);
	if (s->version == 1) {
		spdu_set(&o.spdu, SPDU_USER_DATA, user_data, sizeof(user_data));
		return spdu_size(&o.spdu) <= s->tsdu_send;
	}
	ses_put_number(&o, SPDU_ENCLOSURE, SPDU_BEGIN, 1);
	return ses_segment_room(&o.spdu, s->tsdu_send) > 0;
}

/* Why the SPM itself refuses this CN: enum ses_refuse, or 0. */
static uint8_t
refusal_of(const struct ses *s, const struct spdu *cn,
    const struct osi_sel *our_ssel, const char **why, enum spdu_par *par)
{
	uint32_t versions = spdu_number(cn, SPDU_VERSION, 1);
	uint8_t settings = (uint8_t)spdu_number(cn, SPDU_TOKEN_SETTING, 0);

	*par = SPDU_VERSION;
	*why = "it offers no protocol version that we have";
	if ((versions & 3) == 0)
		return SES_REFUSE_VERSION;
	*par = SPDU_CALLED_SSEL;
	*why = "its called session selector is not ours";
	if (our_ssel->present && s->params.called.present &&
	    !osi_sel_equal(our_ssel, &s->params.called))
		return SES_REFUSE_SSEL_UNKNOWN;
	*par = SPDU_REQUIREMENTS;
	*why = "its functional units and ours have no way of duplex in common";
	if ((s->fu & (SES_FU_HALF_DUPLEX | SES_FU_DUPLEX)) == 0)
		return SES_REFUSE_IMPLEMENTATION;
	*par = SPDU_TSDU_MAX;
	*why = "its TSDU maximum size is too small";
	if (tsdu_sizes_too_small(s) || !accept_fits(s))
		return SES_REFUSE_IMPLEMENTATION;
	*par = SPDU_TOKEN_SETTING;
	*why = "its token setting is invalid";
	for (size_t i = 0; i < sizeof(all_tokens); i++)
		if (setting_of(settings, all_tokens[i]) == 3)
			return SES_REFUSE_SPM;
	*par = SPDU_EXTENDED_DATA;
	*why = "it has user data twice or too long, or overflow in version 1";
	if (!spdu_has(cn, SPDU_EXTENDED_DATA))
		*par = spdu_has(cn, SPDU_OVERFLOW) ? SPDU_OVERFLOW
						   : SPDU_USER_DATA;
	if ((spdu_has(cn, SPDU_USER_DATA) &&
		spdu_has(cn, SPDU_EXTENDED_DATA)) ||
	    cn->par[SPDU_USER_DATA].n > SPDU_USER_DATA_V1 ||
	    cn->par[SPDU_EXTENDED_DATA].n > SPDU_CN_DATA_MAX ||
	    ((versions & 2) == 0 && spdu_has(cn, SPDU_OVERFLOW)))
		return SES_REFUSE_SPM;
	return 0;
}

static int
refuse_connect(struct ses *s, struct ses_ev *ev, uint8_t reason,
    const char *why, enum spdu_par par)
{
	const uint8_t *at = ev->spdu->par[par].p;
	int r = send_refuse(s, reason, NULL, 0, ev->e);

	if (r != 0)
		return r;
	/* a CN begins its TSDU */
	err_at(ev->e, SES_LAYER, ERR_REFUSED,
	    at != NULL ? (uint64_t)(at - s->rx.head.data) : 0,
	    "session CN: refused with reason 0x%02x, %s: %s", reason,
	    spdu_par_name(par), why);
	ev->ind = (struct ses_prim){
	    .type = SES_P_ABORT, .kind = SES_IND, .last = true, .err = ev->e};
	ev->indicate = true;
	ev->next = STA16;
	return 0;
}

/* The size that we select. A direction for which none was proposed is not
 * segmented. */
static uint16_t
lesser_size(uint16_t proposed, uint16_t ours)
{
	return ours != 0 && ours < proposed ? ours : proposed;
}

/* Takes over what a CN proposes. */
static void
read_connect(struct ses *s, const struct spdu *cn)
{
	struct ses_params *p = &s->params;
	uint16_t both = SES_FU_HALF_DUPLEX | SES_FU_DUPLEX;

	p->called = p->calling = (struct osi_sel){0};
	get_sel(cn, SPDU_CALLING_SSEL, &p->calling);
	get_sel(cn, SPDU_CALLED_SSEL, &p->called);
	get_conn_id(cn, &p->conn_id);
	p->token_setting = (uint8_t)spdu_number(cn, SPDU_TOKEN_SETTING, 0);
	/* X.225 8.3.1.16: the default of an absent parameter */
	s->fu &= (uint16_t)spdu_number(cn, SPDU_REQUIREMENTS, 0x0349);
	if ((s->fu & both) == both)
		s->fu &= (uint16_t)~SES_FU_DUPLEX;
	s->fu = ses_consistent_units(s->fu);
	s->version = (spdu_number(cn, SPDU_VERSION, 1) & 2) != 0 ? 2 : 1;
	set_tsdu_sizes(s, cn);
	s->tsdu_send = lesser_size(s->tsdu_send, p->tsdu_send);
	s->tsdu_receive = lesser_size(s->tsdu_receive, p->tsdu_receive);
	set_initial_serial(s, spdu_serial(cn, SPDU_INITIAL_SERIAL, 1));
}

static void
indicate_connect(struct ses *s, struct ses_ev *ev)
{
	ev->ind = (struct ses_prim){
	    .type = SES_CONNECT,
	    .kind = SES_IND,
	    .data = s->connect_data.data,
	    .n = s->connect_data.len,
	    .last = true,
	};
	ev->indicate = true;
}

int
ses_act_CN(struct ses *s, struct ses_ev *ev)
{
	const struct spdu *cn = ev->spdu;
	enum spdu_par par = spdu_has(cn, SPDU_EXTENDED_DATA)
	    ? SPDU_EXTENDED_DATA
	    : SPDU_USER_DATA;
	struct osi_sel our_ssel = s->params.called;
	struct ses_spdu oa = {.spdu.type = SPDU_OA};
	const char *why;
	enum spdu_par par_at_fault;
	uint8_t reason;

	if (!our_ssel.present)
		our_ssel = osi_ours(
		    &s->params.cotp.common, &cotp_params(s->cotp)->called)
			       .ssel;
	read_connect(s, cn);
	reason = refusal_of(s, cn, &our_ssel, &why, &par_at_fault);
	if (reason != 0)
		return refuse_connect(s, ev, reason, why, par_at_fault);
	buf_append(&s->connect_data, cn->par[par].p, cn->par[par].n);
	if ((spdu_number(cn, SPDU_OVERFLOW, 0) & 1) == 0) {
		indicate_connect(s, ev);
		return 0;
	}
	put_tsdu_sizes(s, &oa);
	ses_put_number(&oa, SPDU_VERSION, 0x02, 1);
	ev->next = STA01D;
	return ses_send(s, &oa, ev->e);
}

int
ses_act_CDO(struct ses *s, struct ses_ev *ev)
{
	const struct octets *data = &ev->spdu->par[SPDU_USER_DATA];
	uint32_t enclosure = spdu_number(ev->spdu, SPDU_ENCLOSURE, 0);

	if ((enclosure & SPDU_BEGIN) != 0)
		return err_set(ev->e, SES_LAYER, ERR_PROTOCOL,
		    "session CDO: it claims to begin what the CN began");
	if (s->connect_data.len + data->n > SES_CONNECT_DATA_MAX)
		return err_set(ev->e, SES_LAYER, ERR_LIMIT,
		    "session CDO: more than %d octets of S-CONNECT user data",
		    SES_CONNECT_DATA_MAX);
	buf_append(&s->connect_data, data->p, data->n);
	if ((enclosure & SPDU_END) != 0) {
		ev->next = STA08;
		indicate_connect(s, ev);
	}
	return 0;
}

int
ses_act_SCONrsp_pos(struct ses *s, struct ses_ev *ev)
{
	struct ses_spdu o = {.spdu.type = SPDU_AC};
	uint8_t settings = final_setting(s->params.token_setting);
	int r;

	put_accept(s, &o);
	if (ev->req->n > 0)
		spdu_set(&o.spdu, SPDU_USER_DATA, ev->req->data, ev->req->n);
	r = ses_send(s, &o, ev->e);
	if (r != 0)
		return r;
	s->tokens = acceptors_tokens(settings, ses_available_tokens(s));
	buf_free(&s->connect_data);
	return 0;
}

int
ses_act_SCONrsp_neg(struct ses *s, struct ses_ev *ev)
{
	uint8_t reason = ev->req->reason;

	/* only this reason has room for user data (X.225 8.3.5.8) */
	if (reason == SES_REFUSE_USER && ev->req->n > 0)
		reason = SES_REFUSE_USER_DATA;
	return send_refuse(s, reason, ev->req->data,
	    reason == SES_REFUSE_USER_DATA ? ev->req->n : 0, ev->e);
}
