#include "osi/rtse_codec.h"

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
		err_set(
		    e, LAYER, ERR_PROTOCOL, "no %s where one belongs", name);
		return NULL;
	}
	return u;
}

static int
ranged(const long *in, uint32_t absent, uint32_t max, uint32_t *out,
    const char *name, struct err *e)
{
	long v = in == NULL ? (long)absent : *in;

	if (v < 0)
		return err_set(e, LAYER, ERR_SYNTAX, "%s is %ld", name, v);
	*out = v > (long)max ? max : (uint32_t)v;
	return 0;
}

static int
open_data(struct arena *a, const long *checkpoint, const long *window,
    const Rtse_Connection_data_t *c, struct rtse_open *out, struct err *e)
{
	*out = (struct rtse_open){
	    .recover = c->present != Rtse_Connection_data_PR_open};
	if (ranged(checkpoint, 0, RTSE_CHECKPOINT_MAX, &out->checkpoint_size,
		"checkpoint size", e) < 0 ||
	    ranged(window, RTSE_WINDOW_DEFAULT, RTSE_WINDOW_MAX,
		&out->window_size, "window size", e) < 0)
		return ERR_SYNTAX;
	if (out->window_size == 0)
		out->window_size = 1;
	return out->recover
	    ? 0
	    : osi_any(a, &c->choice.open, LAYER, &out->user_data, e);
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
	if (open_data(a, q->checkpoint_size, q->window_size,
		&q->connection_data, out, e) < 0)
		return ERR_SYNTAX;
	if (q->dialogue_mode != NULL &&
	    (*q->dialogue_mode < RTSE_MONOLOGUE ||
		*q->dialogue_mode > RTSE_TWO_WAY_ALTERNATE))
		return err_set(e, LAYER, ERR_SYNTAX, "dialogue mode %ld",
		    *q->dialogue_mode);
	if (q->dialogue_mode != NULL)
		out->dialogue = (enum rtse_dialogue) * q->dialogue_mode;
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
	return open_data(
	    a, r->checkpoint_size, r->window_size, &r->connection_data, out, e);
}

int
rtse_rtorj_decode(struct arena *a, const struct pres_value *v,
    struct rtse_refusal *out, struct err *e)
{
	const Rtse_APDU_t *u = apdu(a, v, Rtse_APDU_PR_rtorj, "RTORJ", e);
	const Rtse_RTORJ_t *r;

	*out = (struct rtse_refusal){.reason = -1};
	if (u == NULL)
		return ERR_SYNTAX;
	r = &u->choice.rtorj;
	if (r->refuse_reason != NULL && *r->refuse_reason >= 0 &&
	    *r->refuse_reason < 256)
		out->reason = (int)*r->refuse_reason;
	return osi_any(a, r->user_data, LAYER, &out->user_data, e);
}

int
rtse_rtab_decode(
    struct arena *a, const struct pres_value *v, int *out, struct err *e)
{
	const Rtse_APDU_t *u = apdu(a, v, Rtse_APDU_PR_rtab, "RTAB", e);
	const long *reason;

	if (u == NULL)
		return ERR_SYNTAX;
	reason = u->choice.rtab.abort_reason;
	*out = RTSE_ABORT_USER;
	if (reason != NULL && *reason >= 0 && *reason < 256)
		*out = (int)*reason;
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
		return err_set(
		    e, LAYER, ERR_SYNTAX, "turn priority %ld", u->choice.rttp);
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

static void
put_open(struct buf *out, uint32_t number, const struct octets *user_data)
{
	size_t from = out->len;

	put_explicit(out, 0, user_data);
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
	put_open(out, 3, &o->user_data);
	ber_wrap(out, from, BER_CONTEXT, 16);
}

void
rtse_rtoac_encode(const struct rtse_open *o, struct buf *out)
{
	size_t from = out->len;

	put_sizes(out, o);
	put_open(out, 2, &o->user_data);
	ber_wrap(out, from, BER_CONTEXT, 17);
}

void
rtse_rtorj_encode(const struct octets *user_data, struct buf *out)
{
	size_t from = out->len;

	if (user_data->n > 0)
		put_explicit(out, 1, user_data);
	ber_wrap(out, from, BER_CONTEXT, 18);
}

void
rtse_rtab_encode(enum rtse_abort_reason reason, struct buf *out)
{
	size_t from = out->len;

	ber_put_integer(out, BER_CONTEXT, 0, reason);
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
