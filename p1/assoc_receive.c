/* The receiving half of the P1 engine: an APDU is split as it comes in; one
 * whose syntax is wrong is refused there and then. */
#include "p1/assoc.h"

#define LAYER "p1"

static int
begin(struct p1 *p, struct mhs_envelope *env)
{
	struct p1_event ev = {
	    .type = P1_IN_BEGIN, .env = env, .bind_error = -1};

	p->in.begun = true;
	p1_emit(p, &ev);
	return 0;
}

static int
on_envelope(void *arg, struct mhs_envelope *env, struct err *e)
{
	struct p1 *p = arg;

	(void)e;
	/* of a report it comes last: content may have begun it already */
	return p->in.begun ? 0 : begin(p, env);
}

static int
on_content(void *arg, const uint8_t *d, size_t n, struct err *e)
{
	struct p1 *p = arg;
	struct p1_event ev = {
	    .type = P1_IN_CONTENT, .data = d, .n = n, .bind_error = -1};

	(void)e;
	if (!p->in.begun)
		begin(p, NULL);
	p1_emit(p, &ev);
	return 0;
}

/* --- what is kept of transfers: our user's, of whom RTSE knows nothing --- */

static void *
keep_begin(void *user, const struct rtse_activity *a)
{
	struct p1 *p = user;

	return p->params.keep->begin(p->user, a);
}

static int
keep_checkpoint(
    void *user, void *kept, const uint8_t *d, size_t n, uint32_t serial)
{
	struct p1 *p = user;

	return p->params.keep->checkpoint(p->user, kept, d, n, serial);
}

static void *
keep_resume(void *user, const struct rtse_activity *a, uint32_t serial,
    uint64_t *octets)
{
	struct p1 *p = user;

	return p->params.keep->resume(p->user, a, serial, octets);
}

static int64_t
keep_read(void *user, void *kept, uint64_t offset, uint8_t *d, size_t n)
{
	struct p1 *p = user;

	return p->params.keep->read(p->user, kept, offset, d, n);
}

static void
keep_end(void *user, void *kept, bool again)
{
	struct p1 *p = user;

	p->params.keep->end(p->user, kept, again);
}

static bool
keep_accepted(void *user, const struct rtse_activity *a, uint32_t serial)
{
	const struct rtse_keep *keep = ((struct p1 *)user)->params.keep;

	return keep->accepted != NULL &&
	    keep->accepted(((struct p1 *)user)->user, a, serial);
}

static void
keep_anew(void *user, const struct rtse_activity *a)
{
	const struct rtse_keep *keep = ((struct p1 *)user)->params.keep;

	if (keep->anew != NULL)
		keep->anew(((struct p1 *)user)->user, a);
}

const struct rtse_keep p1_receive_keep = {keep_begin, keep_checkpoint,
    keep_resume, keep_read, keep_end, keep_accepted, keep_anew};

/* --- life --- */

static const struct p1_apdu_ops apdu_ops = {on_envelope, on_content};

void
p1_receive_init(struct p1 *p)
{
	p->in.apdu = p1_apdu_new(p->params.max_envelope, &apdu_ops, p);
	p1_apdu_limit_depth(p->in.apdu, p->params.max_depth);
}

void
p1_receive_free(struct p1 *p)
{
	p1_apdu_free(&p->in.apdu);
}

static void
lost(struct p1 *p, const struct err *why)
{
	p1_trace(p, false, "p1 transfer lost", why != NULL ? why->text : "");
	p1_emit_type(p, P1_IN_LOST, why);
}

/* Its syntax is wrong: our user forgets it, the peer may send another. */
static void
reject(struct p1 *p, const struct err *why)
{
	struct err e = ERR_INIT;

	p->in.active = false;
	lost(p, why);
	if (p->state != P1_STATE_DEAD && rtse_transfer_refuse(p->rtse, &e) < 0)
		p1_abort(p, "cannot refuse a transfer");
	p1_settle(p);
}

static void
ended(struct p1 *p)
{
	struct p1_event ev = {.type = P1_IN_END, .bind_error = -1};
	struct err e = ERR_INIT;

	p->in.active = false;
	if (p1_apdu_end(p->in.apdu, &e) < 0) {
		reject(p, &e);
		return;
	}
	p->in.answering = true;
	ev.env = p1_apdu_envelope(p->in.apdu);
	ev.err = p1_apdu_over(p->in.apdu);
	p1_trace(p, false, "p1 APDU",
	    ev.env->id.local != NULL ? ev.env->id.local : "");
	p1_emit(p, &ev);
}

void
p1_receive_event(struct p1 *p, const struct rtse_event *ev)
{
	struct err e = ERR_INIT;
	bool known;

	switch (ev->type) {
	case RTSE_TRANSFER_BEGIN:
		p1_apdu_reset(p->in.apdu);
		p1_apdu_set_lenient(p->in.apdu, p->params.lenient);
		p->in.active = true;
		p->in.begun = p->in.answering = false;
		p1_emit_type(p, P1_IN_COMING, NULL);
		break;
	case RTSE_TRANSFER_DATA:
		if (p->in.active)
			p1_emit_type(p, P1_IN_COMING, NULL);
		if (p->in.active &&
		    p1_apdu_feed(p->in.apdu, ev->data, ev->n, &e) < 0)
			reject(p, &e);
		break;
	case RTSE_TRANSFER_END: ended(p); break;
	default: /* LOST */
		known = !p->in.active && !p->in.answering;
		p->in.active = p->in.answering = false;
		if (!known)
			lost(p, ev->err);
		p1_settle(p);
	}
}

static int
answer(struct p1 *p, int (*fn)(struct rtse *, struct err *), struct err *e)
{
	int r;

	if (!p->in.answering)
		return err_set(e, LAYER, ERR_PROTOCOL, "nothing to answer");
	p->in.answering = false;
	r = fn(p->rtse, e);
	if (r >= 0)
		p1_settle(p);
	return r;
}

int
p1_accept(struct p1 *p, struct err *e)
{
	return answer(p, rtse_transfer_accept, e);
}

int
p1_refuse(struct p1 *p, struct err *e)
{
	return answer(p, rtse_transfer_refuse, e);
}

struct arena *
p1_take_envelope(struct p1 *p)
{
	return p1_apdu_take(p->in.apdu);
}
