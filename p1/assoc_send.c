/* The sending half of the P1 engine: one APDU at a time, in pieces. */
#include "p1/assoc.h"

#define LAYER "p1"

void
p1_send_reset(struct p1 *p)
{
	buf_free(&p->out.head);
	buf_free(&p->out.tail);
	p->out = (struct p1_out){0};
}

/* Gives RTSE what it takes of our own octets. */
static int
push(struct p1 *p, struct buf *b, struct err *e)
{
	int64_t n;

	while (b->len > 0) {
		n = rtse_transfer_data(p->rtse, b->data, b->len, e);
		if (n < 0)
			return (int)n;
		if (n == 0)
			return 0;
		buf_consume(b, (size_t)n);
	}
	return 0;
}

static int
push_around(struct p1 *p, struct err *e)
{
	int r = push(p, &p->out.head, e);

	if (r >= 0 && p->out.head.len == 0 && p->out.content_left == 0)
		r = push(p, &p->out.tail, e);
	return r;
}

int
p1_send(struct p1 *p, const struct mhs_envelope *env, uint64_t content_n,
    struct err *e)
{
	static const char *const what[] = {[MHS_MESSAGE] = "p1 message",
	    [MHS_PROBE] = "p1 probe",
	    [MHS_REPORT] = "p1 report"};
	struct err why = ERR_INIT;
	int r;

	if (!p1_ready(p))
		return err_set(e, LAYER, ERR_PROTOCOL, "not ready to send");
	r = p1_apdu_write(env, content_n, &p->out.head, &p->out.tail, e);
	if (r < 0) {
		p1_send_reset(p);
		return r;
	}
	r = rtse_transfer_begin(
	    p->rtse, p->out.head.len + content_n + p->out.tail.len, &why);
	if (r >= 0) {
		p1_trace(p, true, what[env->kind], env->id.local);
		p->out.active = true;
		p->out.content_left = content_n;
		p->idle = false;
		r = push_around(p, &why);
	}
	if (r >= 0)
		return r;
	/* what the peer has of it nobody knows: no more is sent after that */
	p1_abort(p, why.text);
	return err_set(e, why.layer, ERR_TEMPORARY, "%s", why.text);
}

int64_t
p1_send_content(struct p1 *p, const uint8_t *d, size_t n, struct err *e)
{
	int64_t took;
	int r;

	if (!p->out.active || n > p->out.content_left)
		return err_set(e, LAYER, ERR_PROTOCOL,
		    "%zu octets of content where %llu are left", n,
		    (unsigned long long)p->out.content_left);
	r = push_around(p, e);
	if (r < 0)
		return r;
	if (p->out.head.len > 0 || n == 0)
		return 0;
	took = rtse_transfer_data(p->rtse, d, n, e);
	if (took <= 0)
		return took;
	p->out.content_left -= (uint64_t)took;
	r = push_around(p, e);
	return r < 0 ? r : took;
}

static void
ended(struct p1 *p, enum p1_event_type type, const struct err *why)
{
	p1_send_reset(p);
	p->wanted = P1_NO_PRIORITY;
	p1_emit_type(p, type, why);
	p1_settle(p);
}

void
p1_send_event(struct p1 *p, const struct rtse_event *ev)
{
	struct err e = ERR_INIT;

	if (!p->out.active)
		return;
	if (ev->type == RTSE_TRANSFER_CNF) {
		ended(p, P1_SENT, NULL);
	} else if (ev->type == RTSE_TRANSFER_FAILED) {
		ended(p, P1_SEND_FAILED, ev->err);
	} else if (push_around(p, &e) < 0) {
		p1_abort(p, e.text);
	} else if (p->out.head.len == 0 && p->out.content_left > 0) {
		p1_emit_type(p, P1_WRITABLE, NULL);
	}
}
