/*
 * What transport class 0 receives (X.224 6 and 13, RFC 1006): input is cut into
 * TPKTs. A DT TPDU is handed up as its octets arrive; any other TPDU is
 * collected (at most 255 octets) and then acted on.
 */
#include "osi/cotp_int.h"

/* Why a TPDU cannot be heeded goes to the peer: ER while connected, DR in
 * answer to a CR whose reference could be read (X.224 6.22). */
static void
answer_bad_tpdu(struct cotp *c, const struct err *e, uint16_t src_ref)
{
	const uint8_t *tpdu = c->head.data + TPKT_HEADER;
	size_t n = c->head.len - TPKT_HEADER;
	struct tpdu dr = {
	    .code = TPDU_DR,
	    .dst_ref = src_ref,
	    .reason = COTP_REASON_PROTOCOL_ERROR,
	};

	if (c->state == COTP_OPEN || c->state == COTP_WAIT_ANSWER) {
		if (e->offset != ERR_NO_OFFSET && e->offset < n)
			n = e->offset + 1;
		tpdu_put_er(c->remote_ref, (enum tpdu_reject)e->detail, tpdu, n,
		    &c->out);
		cotp_trace(c, true, "cotp ER", e->text);
	} else if (c->state == COTP_IDLE && src_ref != 0) {
		cotp_put_tpdu(c, &dr);
	}
}

static void
bad_tpdu(struct cotp *c, const struct err *e, uint16_t src_ref)
{
	answer_bad_tpdu(c, e, src_ref);
	cotp_end(c, 0, e);
}

static void
out_of_place(struct cotp *c, const struct tpdu *t)
{
	struct err e = ERR_INIT;

	err_at(&e, "cotp", ERR_PROTOCOL, 1, "%s: not allowed in this state",
	    tpdu_name(t->code));
	e.detail = TPDU_REJECT_TPDU_TYPE;
	bad_tpdu(c, &e, t->code == TPDU_CR ? t->src_ref : 0);
}

static void
refuse_cr(
    struct cotp *c, const struct tpdu *t, uint8_t reason, const struct err *e)
{
	struct tpdu dr = {
	    .code = TPDU_DR, .dst_ref = t->src_ref, .reason = reason};

	cotp_put_tpdu(c, &dr);
	cotp_end(c, reason, e);
}

static void
refuse_class(struct cotp *c, const struct tpdu *t)
{
	struct err e = ERR_INIT;

	err_at(&e, "cotp", ERR_UNSUPPORTED, 6,
	    "cotp CR: class %u without class 0", t->class);
	refuse_cr(c, t, COTP_REASON_NEGOTIATION_FAILED, &e);
}

static void
refuse_called(struct cotp *c, const struct tpdu *t)
{
	char sel[2 * OSI_SEL_MAX + 3];
	struct err e = ERR_INIT;

	err_at(&e, "cotp", ERR_NOT_FOUND, t->called_at,
	    "cotp CR: called TSEL %s is unknown here",
	    osi_sel_text(&t->called, sel, sizeof(sel)));
	refuse_cr(c, t, COTP_REASON_ADDRESS_UNKNOWN, &e);
}

static bool
is_served(const struct cotp *c, const struct osi_sel *called)
{
	const struct osi_common *o = &c->params.common;

	return o->serves == NULL || o->serves(o->serves_arg, called);
}

/* The lesser of what is offered and what we are for. */
static void
heed_offer(struct cotp *c, const struct tpdu *t)
{
	uint32_t offered = COTP_TPDU_MAX;

	if (t->preferred != 0)
		offered = t->preferred;
	else if (t->size_code != 0)
		offered = UINT32_C(1) << t->size_code;
	c->peer_prefers = t->preferred != 0;
	c->peer_gave_size = t->size_code != 0;
	if (offered < c->tpdu_size)
		c->tpdu_size = offered;
}

static void
receive_cr(struct cotp *c, const struct tpdu *t)
{
	struct cotp_event ev = {.type = COTP_CONNECT_IND};

	if (c->params.role != OSI_RESPONDER || c->state != COTP_IDLE) {
		out_of_place(c, t);
		return;
	}
	/* X.224 6.5.5: class 1 may always be answered with class 0 */
	if (t->class > 1 && !t->class_0_too) {
		refuse_class(c, t);
		return;
	}
	if (!is_served(c, &t->called)) {
		refuse_called(c, t);
		return;
	}
	heed_offer(c, t);
	c->remote_ref = t->src_ref;
	c->params.called = t->called;
	c->params.calling = t->calling;
	c->state = COTP_WAIT_ANSWER;
	c->fn(c->user, &ev);
}

/* The size that a CC selects; 0: it says nothing. */
static uint32_t
selected_size(const struct tpdu *t)
{
	if (t->preferred != 0)
		return t->preferred;
	return t->size_code != 0 ? UINT32_C(1) << t->size_code : 0;
}

static bool
cc_is_wrong(struct cotp *c, const struct tpdu *t, struct err *e)
{
	if (t->dst_ref != c->local_ref)
		err_at(e, "cotp", ERR_PROTOCOL, 2,
		    "cotp CC: destination reference %u, not %u", t->dst_ref,
		    c->local_ref);
	else if (t->class != 0)
		err_at(e, "cotp", ERR_PROTOCOL, 6,
		    "cotp CC: it selects class %u", t->class);
	else if (selected_size(t) > c->tpdu_size_in)
		err_at(e, "cotp", ERR_PROTOCOL, t->size_at,
		    "cotp CC: it selects a TPDU size above the one offered");
	else
		return false;
	e->detail = TPDU_REJECT_PARAMETER_VALUE;
	return true;
}

static void
receive_cc(struct cotp *c, const struct tpdu *t)
{
	struct cotp_event ev = {.type = COTP_CONNECT_CNF};
	struct err e = ERR_INIT;

	if (c->state != COTP_WAIT_CC) {
		out_of_place(c, t);
		return;
	}
	if (cc_is_wrong(c, t, &e)) {
		bad_tpdu(c, &e, 0);
		return;
	}
	/* absent: the size offered stands (RFC 1006 has no smaller default) */
	if (selected_size(t) != 0)
		c->tpdu_size = c->tpdu_size_in = selected_size(t);
	c->remote_ref = t->src_ref;
	c->state = COTP_OPEN;
	c->fn(c->user, &ev);
}

/* As an answer to CR a refusal. Later some peers send it before they close,
 * though class 0 has no explicit release. */
static void
receive_dr(struct cotp *c, const struct tpdu *t)
{
	struct err e = ERR_INIT;
	bool normal = c->state == COTP_OPEN &&
	    (t->reason == COTP_REASON_NORMAL || t->reason == 0);

	if (c->state == COTP_IDLE) {
		out_of_place(c, t);
		return;
	}
	err_at(&e, "cotp", ERR_REFUSED, 6,
	    "cotp DR: %s by the peer, reason %u (%s)",
	    c->state == COTP_OPEN ? "disconnected" : "refused", t->reason,
	    tpdu_reason_text(t->reason));
	e.detail = t->reason;
	cotp_end(c, t->reason, normal ? NULL : &e);
}

static void
receive_er(struct cotp *c, const struct tpdu *t)
{
	struct err e = ERR_INIT;

	err_at(&e, "cotp", ERR_REFUSED, 4,
	    "cotp ER: the peer rejects a TPDU of ours, cause %u", t->reason);
	e.detail = t->reason;
	cotp_end(c, 0, &e);
}

static void
receive_tpdu(struct cotp *c, const struct tpdu *t)
{
	static const struct {
		enum tpdu_code code;
		void (*receive)(struct cotp *, const struct tpdu *);
	} rows[] = {
	    {TPDU_CR, receive_cr},
	    {TPDU_CC, receive_cc},
	    {TPDU_DR, receive_dr},
	    {TPDU_ER, receive_er},
	};

	cotp_trace(c, false, tpdu_name(t->code), "");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].code == t->code) {
			rows[i].receive(c, t);
			return;
		}
}

static void
data_up(struct cotp *c, const uint8_t *p, size_t n, bool last)
{
	struct cotp_event ev = {
	    .type = COTP_DATA_IND, .data = p, .n = n, .last = last};

	c->rx_open = !last;
	if (n > 0 || last)
		c->fn(c->user, &ev);
}

/* A DT without data may be an oversight of its sender; very many are not. */
static void
end_empty(struct cotp *c)
{
	struct err e = ERR_INIT;

	err_at(&e, "cotp", ERR_LIMIT, 0,
	    "cotp DT: more than %d in a row with neither data nor EOT",
	    COTP_EMPTY_MAX);
	cotp_end(c, 0, &e);
}

/* A DT header is complete: its data passes by `head`. */
static void
begin_dt(struct cotp *c, size_t tpkt, bool eot)
{
	size_t tpdu = tpkt - TPKT_HEADER;
	struct tpdu dt = {.code = TPDU_DT};
	struct err e = ERR_INIT;

	if (c->state != COTP_OPEN) {
		out_of_place(c, &dt);
		return;
	}
	if (tpdu > c->tpdu_size_in) {
		/* the first octet that is too much */
		err_at(&e, "cotp", ERR_LIMIT, c->tpdu_size_in,
		    "cotp DT: %zu octets, %u were negotiated", tpdu,
		    c->tpdu_size_in);
		bad_tpdu(c, &e, 0);
		return;
	}
	buf_clear(&c->head);
	c->rx_at = TPKT_HEADER + TPDU_DT_HEADER;
	c->rx_left = tpdu - TPDU_DT_HEADER;
	c->rx_eot = eot;
	if (c->rx_left > 0 || eot)
		c->rx_empty = 0;
	else if (++c->rx_empty > COTP_EMPTY_MAX)
		end_empty(c);
	if (c->rx_left == 0 && c->state == COTP_OPEN)
		data_up(c, NULL, 0, eot);
}

/* A TPDU other than DT: collected, then parsed. Returns the octets that are
 * still missing, 0 when it was dealt with. */
static size_t
collect_tpdu(struct cotp *c, size_t tpkt)
{
	struct tpdu t;
	struct err e = ERR_INIT;

	if (tpkt - TPKT_HEADER > TPDU_LI_MAX + 1 + 64) {
		/* 64: the user data that a DR of other classes may have */
		err_at(&e, "cotp", ERR_LIMIT, 0,
		    "cotp TPDU: %zu octets, and no DT", tpkt - TPKT_HEADER);
		bad_tpdu(c, &e, 0);
		return 0;
	}
	if (c->head.len < tpkt)
		return tpkt - c->head.len;
	if (tpdu_parse(
		c->head.data + TPKT_HEADER, tpkt - TPKT_HEADER, &t, &e) != 0)
		bad_tpdu(c, &e, t.src_ref);
	else
		receive_tpdu(c, &t);
	buf_clear(&c->head);
	return 0;
}

/* Looks at `head`. Returns the octets it wants appended before the next look;
 * 0: it was used up, or the connection is closed. */
static size_t
look_at_head(struct cotp *c)
{
	struct err e = ERR_INIT;
	int tpkt = tpkt_length(c->head.data, c->head.len, &e), dt;
	const uint8_t *tpdu = c->head.data + TPKT_HEADER;
	bool eot = false;

	if (tpkt < 0) {
		cotp_end(c, 0, &e);
		return 0;
	}
	if (c->head.len < TPKT_HEADER + 2)
		return 1;
	if ((tpdu[1] & 0xf0) != TPDU_DT)
		return collect_tpdu(c, (size_t)tpkt);
	dt = tpdu_parse_dt(tpdu, c->head.len - TPKT_HEADER, &eot, &e);
	if (dt < 0)
		bad_tpdu(c, &e, 0);
	else if (dt > 0)
		begin_dt(c, (size_t)tpkt, eot);
	return dt == 0;
}

static size_t
take_data(struct cotp *c, const uint8_t *p, size_t n)
{
	if (n > c->rx_left)
		n = c->rx_left;
	c->rx_left -= n;
	c->rx_at += n;
	data_up(c, p, n, c->rx_eot && c->rx_left == 0);
	return n;
}

static size_t
take_head(struct cotp *c, const uint8_t *p, size_t n)
{
	size_t taken = 0, want = 1;

	while (want > 0 && taken < n) {
		if (want > n - taken)
			want = n - taken;
		buf_append(&c->head, p + taken, want);
		taken += want;
		want = look_at_head(c);
	}
	return taken;
}

/* What no RFC 1006 peer begins with, but who greets in text: SMTP, FTP, SSH. */
static bool
is_greeting(struct cotp *c, const uint8_t *p, size_t n)
{
	struct err e = ERR_INIT;
	size_t len = 0;

	if (c->head.len > 0 || c->rx_left > 0 || c->state == COTP_OPEN)
		return false;
	while (len < n && len < 60 && p[len] >= 0x20 && p[len] < 0x7f)
		len++;
	if (len < 4)
		return false;
	err_at(&e, "cotp", ERR_SYNTAX, 0,
	    "TPKT: \"%.*s\" is there instead: no RFC 1006 peer", (int)len,
	    (const char *)p);
	e.detail = COTP_DETAIL_TEXT;
	cotp_end(c, 0, &e);
	return true;
}

void
cotp_input(struct cotp *c, const uint8_t *p, size_t n)
{
	if (is_greeting(c, p, n))
		return;
	while (n > 0 && c->state != COTP_CLOSED) {
		size_t taken =
		    c->rx_left > 0 ? take_data(c, p, n) : take_head(c, p, n);

		p += taken;
		n -= taken;
	}
}

void
cotp_closed(struct cotp *c, const struct err *reason)
{
	struct err e = ERR_INIT;

	buf_clear(&c->out); /* nobody is there to read it */
	if (c->rx_left > 0)
		err_at(&e, "cotp", ERR_PROTOCOL, c->rx_at,
		    "TPKT: TCP closed by the peer inside a DT TPDU");
	else if (c->head.len > 0)
		err_at(&e, "cotp", ERR_PROTOCOL, c->head.len,
		    "TPKT: TCP closed by the peer inside of it");
	else if (c->state != COTP_OPEN)
		err_set(&e, "cotp", ERR_PROTOCOL,
		    "TCP closed by the peer before the transport connection");
	if (reason == NULL && e.code != 0)
		reason = &e;
	cotp_end(c, 0, reason);
}

bool
cotp_inside_tsdu(const struct cotp *c)
{
	return c->head.len > 0 || c->rx_left > 0 || c->rx_open;
}
