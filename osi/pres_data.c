/*
 * P-DATA and P-TYPED-DATA as streams (X.226 6.6, 8.4): the values in the user
 * data of an SSDU, whichever encoding it has, and those that our user sends.
 */
#include "osi/pres_int.h"

#include "lib/log.h"

#define LAYER "presentation"

/* Fully-encoded-data, the PDV-list, and what is inside of it. */
enum { DEPTH_DATA, DEPTH_LIST, DEPTH_FIELD };

static const struct {
	enum pres_prim_type type;
	enum ses_prim_type ses;
	enum pres_event event;
	const char *ppdu;
} streams[] = {
    [PRES_STREAM_DATA] = {PRES_DATA, SES_DATA, PRES_EVENT_TD, "TD"},
    [PRES_STREAM_TYPED] = {PRES_TYPED_DATA, SES_TYPED_DATA, PRES_EVENT_TTD,
	"TTD"},
};

static int
broken(struct err *e, int code, enum pres_abort_reason reason, const char *text)
{
	err_set(e, LAYER, code, "%s", text);
	if (e != NULL)
		e->detail = reason;
	return code;
}

/* --- receiving --- */

static int
value_begin(void *arg, int32_t context, struct err *e)
{
	struct pres_in *in = arg;

	if (pres_context_by_id(in->p, context) == NULL) {
		err_set(e, LAYER, ERR_PROTOCOL,
		    "data on context %d, which is not in the set", context);
		if (e != NULL)
			e->detail = PRES_ABORT_INVALID_PARAMETER;
		return ERR_PROTOCOL;
	}
	in->context = context;
	in->first = true;
	return 0;
}

static void
up(struct pres_in *in, const uint8_t *v, size_t n, bool last)
{
	struct pres_prim q = {.type = in->type,
	    .kind = SES_IND,
	    .provider_reason = PRES_REFUSE_NONE,
	    .data = {in->context, v, n},
	    .first = in->first,
	    .last = last};

	in->first = false;
	if (in->p->state != PRES_CLOSED)
		in->p->fn(in->p->user, &q);
}

static int
value_data(void *arg, const uint8_t *v, size_t n, struct err *e)
{
	(void)e;
	up(arg, v, n, false);
	return 0;
}

static int
value_end(void *arg, struct err *e)
{
	(void)e;
	up(arg, NULL, 0, true);
	return 0;
}

static const struct pdv_ops value_ops = {value_begin, value_data, value_end};

/* Simply encoded data is an OCTET STRING of values in a row. */
static int
simple_open(
    struct pres_in *in, unsigned depth, const struct ber_open *o, struct err *e)
{
	if (depth > 0)
		return BER_IS(o->tag, BER_UNIVERSAL, BER_OCTET_STRING)
		    ? 0
		    : broken(e, ERR_SYNTAX, PRES_ABORT_INVALID_PARAMETER,
			  "segment of simply encoded data is no string");
	in->context = pres_sole_context(in->p, true);
	if (in->context < 0)
		return broken(e, ERR_PROTOCOL, PRES_ABORT_INVALID_PARAMETER,
		    "simply encoded data with more than one context");
	in->simple = in->first = true;
	ber_scan_reset(in->inner);
	return 0;
}

static int
simple_data(struct pres_in *in, const uint8_t *v, size_t n, struct err *e)
{
	while (n > 0) {
		int64_t used = ber_scan_feed(in->inner, v, n, e);
		bool whole;

		if (used < 0)
			return (int)used;
		whole = ber_scan_done(in->inner);
		up(in, v, (size_t)used, whole);
		if (whole) {
			ber_scan_reset(in->inner);
			in->first = true;
		}
		v += used;
		n -= (size_t)used;
	}
	return 0;
}

static int
simple_close(struct pres_in *in, unsigned depth, struct err *e)
{
	if (depth == 0 && !in->first)
		return broken(e, ERR_SYNTAX, PRES_ABORT_INVALID_PARAMETER,
		    "a simply encoded value ends too early");
	return 0;
}

static int
scan_open(void *arg, unsigned depth, const struct ber_open *o, struct err *e)
{
	struct pres_in *in = arg;

	if (depth == DEPTH_DATA)
		in->simple = false;
	if (in->simple ||
	    (depth == DEPTH_DATA && BER_IS(o->tag, BER_APPLICATION, 0)))
		return simple_open(in, depth, o, e);
	if (depth >= DEPTH_FIELD)
		return pdv_open(&in->pdv, depth - DEPTH_FIELD, o, e);
	if (depth == DEPTH_DATA && !BER_IS(o->tag, BER_APPLICATION, 1))
		return broken(e, ERR_SYNTAX, PRES_ABORT_UNRECOGNIZED_PPDU,
		    "neither simply nor fully encoded data");
	if (!o->tag.constructed ||
	    (depth == DEPTH_LIST &&
		!BER_IS(o->tag, BER_UNIVERSAL, BER_SEQUENCE)))
		return broken(e, ERR_SYNTAX, PRES_ABORT_INVALID_PARAMETER,
		    "fully encoded data without PDV-list");
	if (depth == DEPTH_LIST)
		pdv_reset(&in->pdv);
	return 0;
}

static int
scan_data(void *arg, unsigned depth, const uint8_t *v, size_t n, struct err *e)
{
	struct pres_in *in = arg;

	if (in->simple)
		return simple_data(in, v, n, e);
	INVARIANT(depth >= DEPTH_FIELD);
	return pdv_data(&in->pdv, depth - DEPTH_FIELD, v, n, e);
}

static int
scan_close(void *arg, unsigned depth, bool indefinite, struct err *e)
{
	struct pres_in *in = arg;

	if (in->simple)
		return simple_close(in, depth, e);
	if (depth >= DEPTH_FIELD)
		return pdv_close(&in->pdv, depth - DEPTH_FIELD, indefinite, e);
	return depth == DEPTH_LIST ? pdv_finish(&in->pdv, e) : 0;
}

void
pres_data_init(struct pres *p)
{
	static const struct ber_scan_ops ops = {
	    scan_open, scan_data, scan_close};
	const struct ber_limits limits = {
	    .max_depth = osi_depth(&p->params.ses.cotp.common, OSI_DEPTH_MAX)};

	for (size_t i = 0; i < PRES_STREAMS; i++) {
		struct pres_in *in = &p->in[i];

		in->p = p;
		in->type = streams[i].type;
		in->scan = ber_scan_new(&limits, &ops, in);
		in->inner = ber_scan_new(&limits, NULL, NULL);
		pdv_init(&in->pdv, false, &value_ops, in);
	}
}

void
pres_data_free(struct pres *p)
{
	for (size_t i = 0; i < PRES_STREAMS; i++) {
		ber_scan_free(&p->in[i].scan);
		ber_scan_free(&p->in[i].inner);
		pdv_free(&p->in[i].pdv);
	}
}

static int
feed(struct pres_in *in, const uint8_t *v, size_t n, struct err *e)
{
	int64_t used;

	if (n == 0)
		return 0;
	in->receiving = true;
	used = ber_scan_done(in->scan) ? 0 : ber_scan_feed(in->scan, v, n, e);
	if (used < 0)
		return (int)used;
	if ((size_t)used < n)
		return broken(e, ERR_SYNTAX, PRES_ABORT_UNRECOGNIZED_PPDU,
		    "octets after the user data");
	return in->simple ? 0 : pdv_flush(&in->pdv, e);
}

/* In X.410 mode an SSDU is the value. */
static int
feed_x410(struct pres_in *in, const struct ses_prim *s)
{
	if (!in->receiving) {
		in->first = true;
		in->context = 0;
	}
	in->receiving = !s->last;
	up(in, s->data, s->n, s->last);
	return 0;
}

static int
take(struct pres_in *in, const struct ses_prim *s, struct err *e)
{
	int rc = feed(in, s->data, s->n, e);

	if (rc < 0 || !s->last)
		return rc;
	/* an SSDU without octets carries nothing, and harms nobody */
	if (in->receiving && !ber_scan_done(in->scan))
		return broken(e, ERR_SYNTAX, PRES_ABORT_UNRECOGNIZED_PPDU,
		    "user data ends too early");
	ber_scan_reset(in->scan);
	in->receiving = false;
	return 0;
}

void
pres_data_ind(struct pres *p, const struct ses_prim *s)
{
	enum pres_stream i =
	    s->type == SES_DATA ? PRES_STREAM_DATA : PRES_STREAM_TYPED;
	struct pres_in *in = &p->in[i];
	struct err e = ERR_INIT;

	if (p->x410) {
		feed_x410(in, s);
	} else if (take(in, s, &e) < 0) {
		if (e.offset == ERR_NO_OFFSET)
			e.offset = ber_scan_offset(in->scan);
		e.layer = LAYER; /* whoever found it: these are its octets */
		err_prefix(&e, "%s", streams[i].ppdu);
		pres_provider_abort(p, streams[i].event, &e);
	}
}

void
pres_data_fresh(struct pres *p)
{
	ber_scan_reset(p->in[PRES_STREAM_DATA].scan);
	p->in[PRES_STREAM_DATA].receiving = false;
	p->out[PRES_STREAM_DATA].sending = false;
}

/* --- sending --- */

static int
down(struct pres *p, enum pres_stream i, const uint8_t *v, size_t n, bool last,
    struct err *e)
{
	struct ses_prim s = {.type = streams[i].ses,
	    .kind = SES_REQ,
	    .data = v,
	    .n = n,
	    .last = last};

	if (n == 0 && !last)
		return 0;
	return ses_request(p->ses, &s, e);
}

static int
down_buf(
    struct pres *p, enum pres_stream i, struct buf *b, bool last, struct err *e)
{
	int rc = down(p, i, b->data, b->len, last, e);

	buf_free(b);
	return rc;
}

/* May our user send on this context? *simple: its values are simply encoded
 * (X.226 8.4.1). */
static int
sendable(const struct pres *p, int32_t context, bool *simple, struct err *e)
{
	*simple = false;
	if (p->x410 && context == 0)
		return 0;
	*simple = !p->x410 && pres_sole_context(p, true) == context;
	if (*simple || (!p->x410 && pres_context_by_id(p, context) != NULL))
		return 0;
	return err_set(
	    e, LAYER, ERR_PROTOCOL, "context %d is not in the set", context);
}

static int
send_header(struct pres *p, enum pres_stream i, const struct pres_prim *q,
    struct err *e)
{
	struct pres_out *out = &p->out[i];
	struct buf b = {0};
	int rc = sendable(p, q->data.context_id, &out->simple, e);

	if (rc < 0)
		return rc;
	if (out->simple)
		pres_simple_header(q->total, &b);
	else if (!p->x410)
		pres_pdv_header(q->data.context_id, q->total, &b);
	rc = down_buf(p, i, &b, false, e);
	if (rc < 0)
		return rc;
	out->sending = true;
	out->indefinite = q->total == 0;
	out->left = q->total;
	return 0;
}

static int
send_trailer(struct pres *p, enum pres_stream i, struct err *e)
{
	struct buf b = {0};

	if (p->out[i].simple)
		pres_simple_trailer(&b);
	else
		pres_pdv_trailer(&b);
	return down_buf(p, i, &b, true, e);
}

static int
send_fragment(struct pres *p, enum pres_stream i, const struct pres_prim *q,
    bool last, struct err *e)
{
	struct buf b = {0};
	int rc;

	if (p->out[i].simple && p->out[i].indefinite && q->data.n > 0) {
		ber_put_header(
		    &b, BER_UNIVERSAL, false, BER_OCTET_STRING, q->data.n);
		rc = down_buf(p, i, &b, false, e);
		if (rc < 0)
			return rc;
	}
	return down(p, i, q->data.p, q->data.n, last, e);
}

/* Several values, whole, in one user data. */
static int
send_values(struct pres *p, enum pres_stream i, const struct pres_prim *q,
    struct err *e)
{
	const struct pres_values v = {q->values, q->n_values};
	struct buf b = {0};
	bool simple = false;

	if (p->out[i].sending || p->x410 || q->data.n > 0)
		return err_set(e, LAYER, ERR_PROTOCOL,
		    "several values amid another one, or in X.410 mode");
	for (size_t k = 0; k < v.n; k++) {
		int rc = sendable(p, v.v[k].context_id, &simple, e);

		if (rc < 0)
			return rc;
	}
	pres_user_data_encode(&v, simple, &b);
	return down_buf(p, i, &b, true, e);
}

int
pres_data_req(struct pres *p, const struct pres_prim *q, struct err *e)
{
	enum pres_stream i =
	    q->type == PRES_DATA ? PRES_STREAM_DATA : PRES_STREAM_TYPED;
	struct pres_out *out = &p->out[i];
	bool trailer;
	int rc;

	if (q->n_values > 0)
		return send_values(p, i, q, e);
	if (q->first == out->sending)
		return err_set(e, LAYER, ERR_PROTOCOL,
		    "fragments of a value out of order");
	if (q->first && (rc = send_header(p, i, q, e)) < 0)
		return rc;
	if (!out->indefinite &&
	    (q->data.n > out->left || (q->last && q->data.n != out->left)))
		return err_set(e, LAYER, ERR_PROTOCOL,
		    "P-DATA value is not of the length announced");
	out->left -= out->indefinite ? 0 : q->data.n;
	trailer = out->indefinite && !p->x410;
	rc = send_fragment(p, i, q, q->last && !trailer, e);
	if (rc < 0)
		return rc;
	if (q->last && trailer && (rc = send_trailer(p, i, e)) < 0)
		return rc;
	out->sending = !q->last;
	return 0;
}
