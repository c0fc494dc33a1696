#include "osi/rtse_codec.h"

#include <stdio.h>
#include <string.h>

#include "osi/osi_codec.h"

#include <Rtse-APDU.h>

#define LAYER "rtse"

/* --- decoding --- */

static const Rtse_APDU_t *
apdu(struct arena *a, const struct pres_value *v, Rtse_APDU_PR want,
    const char *name, struct err *e)
{
	const Rtse_APDU_t *u =
	    osi_decode(a, &asn_DEF_Rtse_APDU, v->p, v->n, LAYER, e);

	if (u != NULL && u->present != want) {
		err_at(e, LAYER, ERR_PROTOCOL, 0,
		    "%s: another APDU is in its place", name);
		return NULL;
	}
	return u;
}

/* An error about the field [number] of the APDU `of`. */
static int
at_field(const struct pres_value *of, uint32_t number, int code, struct err *e)
{
	return osi_at_field(
	    &asn_DEF_Rtse_APDU, of->p, of->n, number, LAYER, code, e);
}

/* The field [number] of RTORQ or RTOAC. */
static int
ranged(const long *in, uint32_t absent, uint32_t max, uint32_t *out,
    uint32_t number, const struct pres_value *of, struct err *e)
{
	long v = in == NULL ? (long)absent : *in;

	if (v < 0) {
		err_set(e, LAYER, ERR_SYNTAX, "%ld is out of range", v);
		return at_field(of, number, ERR_SYNTAX, e);
	}
	*out = v > (long)max ? max : (uint32_t)v;
	return 0;
}

/* A component of a session connection identifier, as session carries it: the
 * whole encoded string. */
static int
reference(uint8_t tag, const uint8_t *p, int n, uint8_t *out, uint8_t *out_n,
    size_t max, struct err *e)
{
	if (n < 0 || n > 127 || (size_t)n + 2 > max)
		return err_set(e, LAYER, ERR_LIMIT,
		    "a reference of %d octets in the session connection "
		    "identifier, at most %zu",
		    n, max - 2);
	out[0] = tag;
	out[1] = (uint8_t)n;
	if (n > 0)
		memcpy(out + 2, p, (size_t)n);
	*out_n = (uint8_t)(n + 2);
	return 0;
}

static int
conn_id(const Rtse_Session_connection_id_t *c, struct ses_conn_id *out,
    struct err *e)
{
	bool text =
	    c->calling_reference.present == Rtse_Calling_reference_PR_text;
	const OCTET_STRING_t *calling = text
	    ? &c->calling_reference.choice.text
	    : &c->calling_reference.choice.octets;
	const OCTET_STRING_t *more = c->additional_reference;
	int rc = reference(text ? BER_TELETEX_STRING : BER_OCTET_STRING,
	    calling->buf, calling->size, out->user, &out->user_n,
	    sizeof(out->user), e);

	if (rc == 0)
		rc = reference(BER_UTC_TIME, c->common_reference.buf,
		    c->common_reference.size, out->common, &out->common_n,
		    sizeof(out->common), e);
	if (rc == 0 && more != NULL)
		rc = reference(BER_TELETEX_STRING, more->buf, more->size,
		    out->add, &out->add_n, sizeof(out->add), e);
	return rc;
}

/* `number` is that of the connection data, to which the others are the same
 * in both. */
static int
open_data(struct arena *a, const struct pres_value *of, uint32_t number,
    const long *checkpoint, const long *window, const Rtse_Connection_data_t *c,
    struct rtse_open *out, struct err *e)
{
	int rc;

	*out = (struct rtse_open){
	    .recover = c->present != Rtse_Connection_data_PR_open,
	    .application_protocol = -1};
	if (ranged(checkpoint, 0, RTSE_CHECKPOINT_MAX, &out->checkpoint_size, 0,
		of, e) < 0 ||
	    ranged(window, RTSE_WINDOW_DEFAULT, RTSE_WINDOW_MAX,
		&out->window_size, 1, of, e) < 0)
		return ERR_SYNTAX;
	if (out->window_size == 0)
		out->window_size = 1;
	rc = out->recover
	    ? conn_id(&c->choice.recover, &out->old, e)
	    : osi_any(a, &c->choice.open, LAYER, &out->user_data, e);
	return rc < 0 ? at_field(of, number, rc, e) : 0;
}

/* An INTEGER of two octets that a peer stored in the wrong order, 0c 00 for
 * mts-transfer-protocol (12), is what it was meant to be. */
static int32_t
protocol_number(long v)
{
	if (v > 0xff && v <= 0x7f00 && (v & 0xff) == 0)
		v >>= 8;
	return v < 0 || v > INT32_MAX ? -1 : (int32_t)v;
}

int
rtse_rtorq_decode(struct arena *a, const struct pres_value *v,
    struct rtse_open *out, struct err *e)
{
	const Rtse_APDU_t *u = apdu(a, v, Rtse_APDU_PR_rtorq, "RTORQ", e);
	const Rtse_RTORQ_t *q;

	if (u == NULL)
		return ERR_SYNTAX;
	q = &u->choice.rtorq;
	if (open_data(a, v, 3, q->checkpoint_size, q->window_size,
		&q->connection_data, out, e) < 0)
		return ERR_SYNTAX;
	if (q->dialogue_mode != NULL &&
	    (*q->dialogue_mode < RTSE_MONOLOGUE ||
		*q->dialogue_mode > RTSE_TWO_WAY_ALTERNATE)) {
		err_set(e, LAYER, ERR_SYNTAX,
		    "neither monologue nor two-way alternate");
		return at_field(v, 2, ERR_SYNTAX, e);
	}
	if (q->dialogue_mode != NULL)
		out->dialogue = (enum rtse_dialogue) * q->dialogue_mode;
	if (q->application_protocol != NULL)
		out->application_protocol =
		    protocol_number(*q->application_protocol);
	return 0;
}

int
rtse_rtoac_decode(struct arena *a, const struct pres_value *v,
    struct rtse_open *out, struct err *e)
{
	const Rtse_APDU_t *u = apdu(a, v, Rtse_APDU_PR_rtoac, "RTOAC", e);
	const Rtse_RTOAC_t *r;

	if (u == NULL)
		return ERR_SYNTAX;
	r = &u->choice.rtoac;
	return open_data(a, v, 2, r->checkpoint_size, r->window_size,
	    &r->connection_data, out, e);
}

int
rtse_rtorj_decode(struct arena *a, const struct pres_value *v,
    struct rtse_refusal *out, struct err *e)
{
	const Rtse_APDU_t *u = apdu(a, v, Rtse_APDU_PR_rtorj, "RTORJ", e);
	const Rtse_RTORJ_t *r;
	int rc;

	*out = (struct rtse_refusal){.reason = -1};
	if (u == NULL)
		return ERR_SYNTAX;
	r = &u->choice.rtorj;
	if (r->refuse_reason != NULL && *r->refuse_reason >= 0 &&
	    *r->refuse_reason < 256)
		out->reason = (int)*r->refuse_reason;
	rc = osi_any(a, r->user_data, LAYER, &out->user_data, e);
	return rc < 0 ? at_field(v, 1, rc, e) : 0;
}

int
rtse_rtab_decode(struct arena *a, const struct pres_value *v,
    struct rtse_rtab *out, struct err *e)
{
	const Rtse_APDU_t *u = apdu(a, v, Rtse_APDU_PR_rtab, "RTAB", e);
	const Rtse_RTAB_t *t;

	if (u == NULL)
		return ERR_SYNTAX;
	t = &u->choice.rtab;
	*out = (struct rtse_rtab){.reason = RTSE_ABORT_USER, .reflected = -1};
	if (t->abort_reason != NULL && *t->abort_reason >= 0 &&
	    *t->abort_reason < 256)
		out->reason = (enum rtse_abort_reason) * t->abort_reason;
	if (t->reflected_parameter != NULL && t->reflected_parameter->size > 0)
		out->reflected = t->reflected_parameter->buf[0];
	return 0;
}

int
rtse_rttp_decode(
    struct arena *a, const struct pres_value *v, int *out, struct err *e)
{
	const Rtse_APDU_t *u = apdu(a, v, Rtse_APDU_PR_rttp, "RTTP", e);

	if (u == NULL)
		return ERR_SYNTAX;
	if (u->choice.rttp < 0 || u->choice.rttp > INT32_MAX)
		return err_at(e, LAYER, ERR_SYNTAX, 0,
		    "RTTP: a priority of %ld", u->choice.rttp);
	*out = (int)u->choice.rttp;
	return 0;
}

/* --- encoding --- */

static void
put_explicit(struct buf *out, uint32_t number, const struct octets *o)
{
	size_t from = out->len;

	buf_append(out, o->p, o->n);
	ber_wrap(out, from, BER_CONTEXT, number);
}

/* The content of a reference that is an encoded string, else all of it. */
static struct octets
reference_content(const uint8_t *p, size_t n, uint8_t *tag)
{
	if (n < 2 || p[1] != n - 2 ||
	    (p[0] != BER_TELETEX_STRING && p[0] != BER_OCTET_STRING &&
		p[0] != BER_UTC_TIME))
		return (struct octets){p, n};
	*tag = p[0];
	return (struct octets){p + 2, n - 2};
}

static void
put_conn_id(struct buf *out, const struct ses_conn_id *id)
{
	uint8_t tag = BER_OCTET_STRING;
	struct octets o = reference_content(id->user, id->user_n, &tag);

	ber_put(out, BER_UNIVERSAL, tag, o.p, o.n);
	o = reference_content(id->common, id->common_n, &tag);
	ber_put(out, BER_UNIVERSAL, BER_UTC_TIME, o.p, o.n);
	if (id->add_n == 0)
		return;
	o = reference_content(id->add, id->add_n, &tag);
	ber_put(out, BER_CONTEXT, 0, o.p, o.n);
}

static void
put_open(struct buf *out, uint32_t number, const struct rtse_open *o)
{
	size_t from = out->len;

	if (o->recover) {
		put_conn_id(out, &o->old);
		ber_wrap(out, from, BER_CONTEXT, 1);
	} else {
		put_explicit(out, 0, &o->user_data);
	}
	ber_wrap(out, from, BER_CONTEXT, number);
}

static void
put_sizes(struct buf *out, const struct rtse_open *o)
{
	ber_put_integer(out, BER_CONTEXT, 0, o->checkpoint_size);
	ber_put_integer(out, BER_CONTEXT, 1, o->window_size);
}

void
rtse_rtorq_encode(const struct rtse_open *o, struct buf *out)
{
	size_t from = out->len;

	put_sizes(out, o);
	ber_put_integer(out, BER_CONTEXT, 2, o->dialogue);
	put_open(out, 3, o);
	if (o->application_protocol >= 0)
		ber_put_integer(out, BER_CONTEXT, 4, o->application_protocol);
	ber_wrap(out, from, BER_CONTEXT, 16);
}

void
rtse_rtoac_encode(const struct rtse_open *o, struct buf *out)
{
	size_t from = out->len;

	put_sizes(out, o);
	put_open(out, 2, o);
	ber_wrap(out, from, BER_CONTEXT, 17);
}

void
rtse_rtorj_encode(const struct rtse_refusal *j, struct buf *out)
{
	size_t from = out->len;

	if (j->reason >= 0)
		ber_put_integer(out, BER_CONTEXT, 0, j->reason);
	if (j->user_data.n > 0)
		put_explicit(out, 1, &j->user_data);
	ber_wrap(out, from, BER_CONTEXT, 18);
}

void
rtse_rtab_encode(const struct rtse_rtab *t, struct buf *out)
{
	size_t from = out->len;
	const uint8_t bits[] = {0, (uint8_t)t->reflected};

	ber_put_integer(out, BER_CONTEXT, 0, t->reason);
	if (t->reflected >= 0)
		ber_put(out, BER_CONTEXT, 1, bits, sizeof(bits));
	ber_wrap(out, from, BER_CONTEXT, 22);
}

void
rtse_rttp_encode(int priority, struct buf *out)
{
	ber_put_integer(out, BER_UNIVERSAL, BER_INTEGER, priority);
}

void
rtse_external_header(int32_t context, uint64_t total, struct buf *out)
{
	struct buf id = {0};

	ber_put_integer(&id, BER_UNIVERSAL, BER_INTEGER, context);
	ber_put_header(out, BER_UNIVERSAL, true, BER_EXTERNAL,
	    id.len + ber_header_size(0, total) + total);
	buf_append(out, id.data, id.len);
	ber_put_header(out, BER_CONTEXT, true, 0, total);
	buf_free(&id);
}

const char *
rtse_abort_text(int reason)
{
	static const char *const texts[] = {
	    [RTSE_ABORT_LOCAL_PROBLEM] = "local system problem",
	    [RTSE_ABORT_INVALID_PARAMETER] = "invalid parameter",
	    [RTSE_ABORT_UNRECOGNIZED_ACTIVITY] = "unrecognized activity",
	    [RTSE_ABORT_TEMPORARY] = "temporary problem",
	    [RTSE_ABORT_PROTOCOL_ERROR] = "protocol error",
	    [RTSE_ABORT_PERMANENT] = "permanent problem",
	    [RTSE_ABORT_USER] = "user error",
	    [RTSE_ABORT_COMPLETED] = "transfer completed",
	};

	if (reason < 0 || reason > RTSE_ABORT_COMPLETED)
		return "unknown reason";
	return texts[reason];
}

static bool
same(const uint8_t *a, size_t a_n, const uint8_t *b, size_t b_n)
{
	return a_n == b_n && memcmp(a, b, a_n) == 0;
}

bool
rtse_conn_id_equal(const struct ses_conn_id *a, const struct ses_conn_id *b)
{
	return same(a->user, a->user_n, b->user, b->user_n) &&
	    same(a->common, a->common_n, b->common, b->common_n) &&
	    same(a->add, a->add_n, b->add, b->add_n);
}
