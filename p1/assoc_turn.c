/* The P1 engine's turn, by priority, and its release. */
#include "p1/assoc.h"

/* RTSE priorities of P1 (X.419): 0 to release, then the MTS priorities. */
static int
rtse_priority(enum mhs_priority priority)
{
	static const uint8_t map[] = {
	    [MHS_URGENT] = 1, [MHS_NORMAL] = 2, [MHS_NON_URGENT] = 3};

	return map[priority];
}

static bool
busy(const struct p1 *p)
{
	return p->out.active || p->in.active || p->in.answering;
}

static void
ask_for_turn(struct p1 *p, int priority)
{
	struct err e = ERR_INIT;

	if (priority >= p->pleaded ||
	    rtse_dialogue(p->rtse) != RTSE_TWO_WAY_ALTERNATE)
		return;
	if (rtse_turn_please(p->rtse, priority, &e) >= 0)
		p->pleaded = priority;
}

static void
release(struct p1 *p)
{
	struct err e = ERR_INIT;

	if (p->params.role != OSI_INITIATOR) {
		if (rtse_has_turn(p->rtse))
			(void)rtse_turn_give(p->rtse, &e);
		return;
	}
	if (!rtse_has_turn(p->rtse)) {
		ask_for_turn(p, 0);
		p1_timer_start(&p->turn);
		return;
	}
	if (rtse_close(p->rtse, &e) >= 0)
		p->state = P1_STATE_CLOSING;
	else
		p1_abort(p, "cannot release");
}

/* The peer asked, and we have nothing that goes first. */
static void
give_turn(struct p1 *p)
{
	struct err e = ERR_INIT;

	if (p->asked == P1_NO_PRIORITY || !rtse_has_turn(p->rtse) ||
	    (!p->idle && p->wanted < p->asked))
		return;
	if (rtse_turn_give(p->rtse, &e) < 0)
		return;
	p->asked = P1_NO_PRIORITY;
	if (p->wanted != P1_NO_PRIORITY)
		ask_for_turn(p, p->wanted);
}

void
p1_settle(struct p1 *p)
{
	if (p->state != P1_STATE_OPEN || busy(p))
		return;
	if (p->closing)
		release(p);
	else
		give_turn(p);
}

void
p1_want_turn(struct p1 *p, enum mhs_priority priority)
{
	int wanted = rtse_priority(priority);

	p->idle = false;
	if (wanted < p->wanted)
		p->wanted = wanted;
	if (p->state == P1_STATE_OPEN && !rtse_has_turn(p->rtse))
		ask_for_turn(p, wanted);
}

void
p1_idle(struct p1 *p)
{
	p->idle = true;
	p->wanted = P1_NO_PRIORITY;
	p1_settle(p);
}

/* The most urgent of its requests counts; a priority that we do not know is
 * still a request. */
void
p1_turn_asked(struct p1 *p, int priority)
{
	if (priority >= P1_NO_PRIORITY)
		priority = P1_NO_PRIORITY - 1;
	if (priority < p->asked)
		p->asked = priority;
	p1_settle(p);
}

void
p1_turn_came(struct p1 *p)
{
	p->pleaded = P1_NO_PRIORITY;
	p->asked = P1_NO_PRIORITY;
	if (p->closing)
		p1_settle(p);
	else
		p1_emit_type(p, P1_TURN, NULL);
}

void
p1_close(struct p1 *p)
{
	p->closing = true;
	if (p->state == P1_STATE_NEW || p->state == P1_STATE_BINDING)
		p1_abort(p, "closed before it was open");
	else
		p1_settle(p);
}

bool
p1_ready(const struct p1 *p)
{
	return p->state == P1_STATE_OPEN && !busy(p) && !p->closing &&
	    rtse_has_turn(p->rtse);
}
