#include "osi/pres_int.h"

#include "lib/log.h"

/* Fully-encoded-data, the PDV-list, and what is inside of it. */
enum { DEPTH_DATA, DEPTH_LIST, DEPTH_FIELD };

static const struct ber_limits limits = {.max_depth = 128};

/* --- receiving --- */

static int
value_begin(void *arg, int32_t context, struct err *e)
{
	struct pres *p = arg;

	if (pres_context_by_id(p, context) == NULL)
		return err_set(e, "presentation", ERR_PROTOCOL,
		    "data on context %d, which is not in the set", context);
	p->in_context = context;
	p->first = true;
	return 0;
}

static void
up(struct pres *p, const uint8_t *v, size_t n, bool last)
{
	struct pres_prim q = {.type = PRES_DATA,
	    .kind = SES_IND,
	    .provider_reason = PRES_REFUSE_NONE,
	    .data = {p->in_context, v, n},
	    .first = p->first,
	    .last = last};

	p->first = false;
	if (p->state != PRES_CLOSED)
		p->fn(p->user, &q);
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

static int
scan_open(void *arg, unsigned depth, const struct ber_open *o, struct err *e)
{
	struct pres *p = arg;

	if (depth >= DEPTH_FIELD)
		return pdv_open(&p->pdv, depth - DEPTH_FIELD, o, e);
	if (!o->tag.constructed ||
	    (depth == DEPTH_DATA && !BER_IS(o->tag, BER_APPLICATION, 1)) ||
	    (depth == DEPTH_LIST &&
		!BER_IS(o->tag, BER_UNIVERSAL, BER_SEQUENCE)))
		return err_set(e, "presentation", ERR_SYNTAX,
		    "user data is not fully encoded");
	if (depth == DEPTH_LIST)
		pdv_reset(&p->pdv);
	return 0;
}

static int
scan_data(void *arg, unsigned depth, const uint8_t *v, size_t n, struct err *e)
{
	struct pres *p = arg;

	INVARIANT(depth >= DEPTH_FIELD);
	return pdv_data(&p->pdv, depth - DEPTH_FIELD, v, n, e);
}

static int
scan_close(void *arg, unsigned depth, bool indefinite, struct err *e)
{
	struct pres *p = arg;

	if (depth >= DEPTH_FIELD)
		return pdv_close(&p->pdv, depth - DEPTH_FIELD, indefinite, e);
	return depth == DEPTH_LIST ? pdv_finish(&p->pdv, e) : 0;
}

void
pres_data_init(struct pres *p)
{
	static const struct ber_scan_ops ops = {
	    scan_open, scan_data, scan_close};

	p->scan = ber_scan_new(&limits, &ops, p);
	pdv_init(&p->pdv, false, &value_ops, p);
}

void
pres_data_free(struct pres *p)
{
	ber_scan_free(&p->scan);
	pdv_free(&p->pdv);
}

static int
feed(struct pres *p, const uint8_t *v, size_t n, struct err *e)
{
	int64_t used;

	if (n == 0)
		return 0;
	p->receiving = true;
	if (ber_scan_done(p->scan))
		return err_at(e, "presentation", ERR_SYNTAX,
		    ber_scan_offset(p->scan), "octets after the user data");
	used = ber_scan_feed(p->scan, v, n, e);
	if (used < 0)
		return (int)used;
	if ((size_t)used < n)
		return err_at(e, "presentation", ERR_SYNTAX,
		    ber_scan_offset(p->scan), "octets after the user data");
	return pdv_flush(&p->pdv, e);
}

/* In X.410 mode an SSDU is the value. */
static void
up_x410(struct pres *p, const struct ses_prim *s)
{
	if (!p->receiving) {
		p->first = true;
		p->in_context = 0;
	}
	p->receiving = !s->last;
	up(p, s->data, s->n, s->last);
}

int
pres_data_ind(struct pres *p, const struct ses_prim *s, struct err *e)
{
	int rc;

	if (p->x410) {
		up_x410(p, s);
		return 0;
	}
	rc = feed(p, s->data, s->n, e);
	if (rc < 0 || !s->last)
		return rc;
	/* an SSDU without octets carries nothing, and harms nobody */
	if (p->receiving && !ber_scan_done(p->scan))
		return err_at(e, "presentation", ERR_SYNTAX,
		    ber_scan_offset(p->scan), "user data ends too early");
	ber_scan_reset(p->scan);
	p->receiving = false;
	return 0;
}

void
pres_data_fresh(struct pres *p)
{
	ber_scan_reset(p->scan);
	p->receiving = p->sending = false;
}

/* --- sending --- */

static int
down(struct pres *p, const uint8_t *v, size_t n, bool last, struct err *e)
{
	struct ses_prim s = {
	    .type = SES_DATA, .kind = SES_REQ, .data = v, .n = n, .last = last};

	if (n == 0 && !last)
		return 0;
	return ses_request(p->ses, &s, e);
}

static int
send_header(struct pres *p, const struct pres_prim *q, struct err *e)
{
	struct buf b = {0};
	int rc;

	if (p->x410 ? q->data.context_id != 0
		    : pres_context_by_id(p, q->data.context_id) == NULL)
		return err_set(e, "presentation", ERR_PROTOCOL,
		    "context %d is not in the set", q->data.context_id);
	if (!p->x410)
		pres_pdv_header(q->data.context_id, q->total, &b);
	rc = down(p, b.data, b.len, false, e);
	buf_free(&b);
	if (rc < 0)
		return rc;
	p->sending = true;
	p->indefinite = q->total == 0;
	p->left = q->total;
	return 0;
}

static int
send_trailer(struct pres *p, struct err *e)
{
	struct buf b = {0};
	int rc;

	pres_pdv_trailer(&b);
	rc = down(p, b.data, b.len, true, e);
	buf_free(&b);
	return rc;
}

int
pres_data_req(struct pres *p, const struct pres_prim *q, struct err *e)
{
	bool trailer;
	int rc;

	if (q->first == p->sending)
		return err_set(e, "presentation", ERR_PROTOCOL,
		    "fragments of P-DATA out of order");
	if (q->first && (rc = send_header(p, q, e)) < 0)
		return rc;
	if (!p->indefinite &&
	    (q->data.n > p->left || (q->last && q->data.n != p->left)))
		return err_set(e, "presentation", ERR_PROTOCOL,
		    "P-DATA value is not of the length announced");
	p->left -= p->indefinite ? 0 : q->data.n;
	trailer = p->indefinite && !p->x410;
	rc = down(p, q->data.p, q->data.n, q->last && !trailer, e);
	if (rc < 0)
		return rc;
	if (q->last && trailer && (rc = send_trailer(p, e)) < 0)
		return rc;
	p->sending = !q->last;
	return 0;
}
