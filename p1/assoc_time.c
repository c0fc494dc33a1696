/*
 * What the P1 engine waits for by itself: the turn, when it is to release, and
 * the rest of a TSDU whose beginning came outside of a transfer. Transfers are
 * timed by our user, who knows how large they may be.
 */
#include "p1/assoc.h"

#include "osi/cotp.h"

/* Requests come without the time: it is taken at the call that follows. */
void
p1_timer_start(struct p1_timer *t)
{
	if (!t->on)
		*t = (struct p1_timer){.on = true};
}

void
p1_timer_stop(struct p1_timer *t)
{
	*t = (struct p1_timer){0};
}

static msec_t
deadline(const struct p1 *p, const struct p1_timer *t)
{
	if (!t->on)
		return MSEC_NEVER;
	return t->at == 0 ? p->now : t->at;
}

msec_t
p1_deadline(const struct p1 *p)
{
	msec_t rest = deadline(p, &p->rest), turn = deadline(p, &p->turn);

	if (p->state == P1_STATE_DEAD)
		return MSEC_NEVER;
	return rest < turn ? rest : turn;
}

/* True once when it has run out. */
static bool
run(const struct p1 *p, struct p1_timer *t)
{
	msec_t wait = p->params.common.timeouts.reply;

	if (!t->on || wait == 0) {
		p1_timer_stop(t);
		return false;
	}
	if (t->at == 0)
		t->at = p->now + wait;
	if (p->now < t->at)
		return false;
	p1_timer_stop(t);
	return true;
}

void
p1_time_input(struct p1 *p)
{
	bool partial = p->state == P1_STATE_OPEN && rtse_inside_tsdu(p->rtse);

	if (partial && !p->in.active && !p->in.answering)
		p1_timer_start(&p->rest);
	else
		p1_timer_stop(&p->rest);
}

/* What is under way ends first; then release() starts the timer again. */
void
p1_time_out(struct p1 *p)
{
	bool rest = run(p, &p->rest), turn = run(p, &p->turn);

	if (p->state == P1_STATE_DEAD)
		return;
	if (rest && !rtse_engine_ops.wants_input(p->rtse))
		p1_timer_start(&p->rest); /* it is us who do not read */
	else if (rest)
		p1_abort(p, "the peer stopped inside a TSDU");
	else if (turn && !p->in.active && !p->in.answering)
		p1_abort(p, "the peer did not give the turn for the release");
}
