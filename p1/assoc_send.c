/* The sending half of the P1 engine: one APDU at a time, in pieces. Its octets
 * around the content stay until the next one, because a transfer that was cut
 * off goes on with the same octets on another association. */
#include "p1/assoc.h"

#include <stdio.h>

#define LAYER "p1"

void
p1_send_free(struct p1 *p)
{
	buf_free(&p->out.head);
	buf_free(&p->out.tail);
	p->out = (struct p1_out){0};
}

/* Gives RTSE what it takes of our own octets. */
static int
push(struct p1 *p, const struct buf *b, size_t *at, struct err *e)
{
	int64_t n;

	while (*at < b->len) {
		n = rtse_transfer_data(p->rtse, b->data + *at, b->len - *at, e);
		if (n < 0)
			return (int)n;
		if (n == 0)
			return 0;
		*at += (size_t)n;
	}
	return 0;
}

static int
push_around(struct p1 *p, struct err *e)
{
	struct p1_out *o = &p->out;
	int r = push(p, &o->head, &o->head_at, e);

	if (r >= 0 && o->head_at == o->head.len && o->content_left == 0)
		r = push(p, &o->tail, &o->tail_at, e);
	return r;
}

/* RTSE began it (r < 0: it could not): our first octets follow. */
static int
begun(struct p1 *p, int r, struct err *why, struct err *e)
{
	if (r >= 0) {
		p->out.active = true;
		p->idle = false;
		r = push_around(p, why);
	}
	if (r >= 0)
		return r;
	/* what the peer has of it nobody knows: no more is sent after that */
	p1_abort(p, why->text);
	return err_set(e, why->layer, ERR_TEMPORARY, "%s", why->text);
}

int
p1_send(struct p1 *p, const struct mhs_envelope *env, uint64_t content_n,
    struct err *e)
{
	static const char *const what[] = {[MHS_MESSAGE] = "p1 message",
	    [MHS_PROBE] = "p1 probe",
	    [MHS_REPORT] = "p1 report"};
	struct p1_out *o = &p->out;
	struct p1_dialect dialect = {p->params.old_extensions};
	struct err why = ERR_INIT;
	int r;

	if (!p1_ready(p))
		return err_set(e, LAYER, ERR_PROTOCOL, "not ready to send");
	p1_send_free(p);
	r = p1_apdu_write(env, content_n, &dialect, &o->head, &o->tail, e);
	if (r < 0) {
		p1_send_free(p);
		return r;
	}
	o->content_n = o->content_left = content_n;
	r = rtse_transfer_begin(
	    p->rtse, o->head.len + content_n + o->tail.len, &why);
	if (r >= 0)
		p1_trace(p, true, what[env->kind], env->id.local);
	return begun(p, r, &why, e);
}

/* --- resuming --- */

bool
p1_resume_point(const struct p1 *p, struct p1_resume *out)
{
	const struct p1_out *o = &p->out;

	if (o->over || o->head.len == 0 ||
	    !rtse_resume_point(p->rtse, &out->rtse))
		return false;
	out->head = (struct octets){o->head.data, o->head.len};
	out->tail = (struct octets){o->tail.data, o->tail.len};
	out->content_n = o->content_n;
	return true;
}

/* The octets before the offset count as taken. */
static void
skip_to(struct p1_out *o, uint64_t offset)
{
	uint64_t content = o->head.len + o->content_n;

	if (offset < o->head.len) {
		o->head_at = (size_t)offset;
	} else if (offset < content) {
		o->head_at = o->head.len;
		o->content_left = content - offset;
	} else {
		o->head_at = o->head.len;
		o->content_left = 0;
		o->tail_at = (size_t)(offset - content);
	}
}

int
p1_send_resume(struct p1 *p, const struct p1_resume *at,
    uint64_t *content_offset, struct err *e)
{
	struct p1_out o = {
	    .content_n = at->content_n, .content_left = at->content_n};
	struct err why = ERR_INIT;
	char text[80];
	int r;

	if (!p1_ready(p))
		return err_set(e, LAYER, ERR_PROTOCOL, "not ready to send");
	if (at->head.n == 0 ||
	    at->head.n + at->content_n + at->tail.n != at->rtse.total ||
	    at->rtse.offset > at->rtse.total)
		return err_set(e, LAYER, ERR_SYNTAX,
		    "what is to be resumed does not add up");
	/* they may be our own, of the transfer before */
	buf_append(&o.head, at->head.p, at->head.n);
	buf_append(&o.tail, at->tail.p, at->tail.n);
	skip_to(&o, at->rtse.offset);
	snprintf(text, sizeof(text), "from octet %llu of %llu",
	    (unsigned long long)at->rtse.offset,
	    (unsigned long long)at->rtse.total);
	r = rtse_transfer_resume(p->rtse, &at->rtse, &why);
	p1_send_free(p);
	p->out = o;
	if (r == ERR_PROTOCOL) { /* nothing was sent */
		p1_send_free(p);
		return err_set(e, why.layer, r, "%s", why.text);
	}
	p1_trace(p, true, "p1 resume", text);
	*content_offset = o.content_n - o.content_left;
	return begun(p, r, &why, e);
}

/* --- content --- */

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
	if (p->out.head_at < p->out.head.len || n == 0)
		return 0;
	took = rtse_transfer_data(p->rtse, d, n, e);
	if (took <= 0)
		return took;
	p->out.content_left -= (uint64_t)took;
	r = push_around(p, e);
	return r < 0 ? r : took;
}

static void
ended(struct p1 *p, const struct rtse_event *ev)
{
	bool sent = ev->type == RTSE_TRANSFER_CNF;

	p->out.active = false;
	p->out.over = sent;
	p->wanted = P1_NO_PRIORITY;
	p1_emit_type(p, sent ? P1_SENT : P1_SEND_FAILED, ev->err);
	p1_settle(p);
}

static void
go_on(struct p1 *p)
{
	struct err e = ERR_INIT;

	if (!p->out.active)
		return; /* our user gave it up meanwhile */
	if (push_around(p, &e) < 0)
		p1_abort(p, e.text);
	else if (p->out.head_at == p->out.head.len && p->out.content_left > 0)
		p1_emit_type(p, P1_WRITABLE, NULL);
}

void
p1_send_event(struct p1 *p, const struct rtse_event *ev)
{
	if (!p->out.active)
		return;
	if (ev->type == RTSE_TRANSFER_CNF || ev->type == RTSE_TRANSFER_FAILED) {
		ended(p, ev);
		return;
	}
	if (ev->type == RTSE_CHECKPOINT)
		p1_emit_type(p, P1_CHECKPOINT, NULL);
	go_on(p);
}
