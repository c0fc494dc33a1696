/*
 * The events of X.228 Annex A: what may come from below, in which states it is
 * acted upon, and in which it has crossed something of ours and is passed
 * over. All else breaks the protocol.
 */
#include "osi/rtse_int.h"

#define IN(state) (1u << (state))
#define IN_ACTIVITY (IN(RTSE_SENDING) | IN(RTSE_SENT))
#define IN_RECEIPT (IN(RTSE_RECEIVING) | IN(RTSE_RECEIVED) | IN(RTSE_EXCEPTED))
#define IN_OPEN (IN(RTSE_IDLE) | IN_ACTIVITY | IN(RTSE_DISCARDING) | IN_RECEIPT)

const char *
rtse_state_name(enum rtse_state state)
{
	static const char *const names[] = {
	    [RTSE_UNBOUND] = "no association",
	    [RTSE_WAIT_OPEN_CNF] = "RTORQ sent",
	    [RTSE_WAIT_OPEN_RSP] = "RTORQ received",
	    [RTSE_IDLE] = "associated, no activity",
	    [RTSE_SENDING] = "sending an APDU",
	    [RTSE_SENT] = "activity end sent",
	    [RTSE_DISCARDING] = "activity discard or interrupt sent",
	    [RTSE_RECEIVING] = "receiving an APDU",
	    [RTSE_RECEIVED] = "activity end received",
	    [RTSE_EXCEPTED] = "exception reported",
	    [RTSE_CLOSING] = "release sent",
	    [RTSE_CLOSED] = "closed",
	};

	return names[state];
}

struct session_event {
	void (*fn)(struct rtse *, const struct pres_prim *);
	unsigned states;
	unsigned passed_over;
};

/* In monologue the turn stays where it is (X.228 7.4, 7.5). */
static bool
turn_passes(struct rtse *r, const struct pres_prim *q)
{
	struct err e = ERR_INIT;
	char text[PRES_PRIM_TEXT];

	if (r->dialogue == RTSE_TWO_WAY_ALTERNATE)
		return true;
	err_at(&e, "rtse", ERR_PROTOCOL, 0, "%s: it came in monologue",
	    pres_prim_text(q, text));
	rtse_provider_abort(r, RTSE_ABORT_PROTOCOL_ERROR, &e);
	return false;
}

/* The turn came with the last of the tokens. */
static void
turn_ind(struct rtse *r, const struct pres_prim *q)
{
	if (turn_passes(r, q) && rtse_has_turn(r))
		rtse_emit_type(r, RTSE_TURN_GIVE, NULL);
}

static void
turn_please_ind(struct rtse *r, const struct pres_prim *q)
{
	struct arena *a;
	struct rtse_event ev = {.type = RTSE_TURN_PLEASE, .refuse_reason = -1};
	struct err e = ERR_INIT;

	if (!turn_passes(r, q))
		return;
	a = arena_new();
	/* without RTTP the priority is the highest, 0 */
	if (q->n_values > 0 &&
	    rtse_rttp_decode(a, &q->values[0], &ev.priority, &e) < 0)
		rtse_invalid_parameter(r, &q->values[0], &e);
	else
		rtse_emit(r, &ev);
	arena_free(&a);
}

/* Discard and interrupt. */
static void
given_up_ind(struct rtse *r, const struct pres_prim *q)
{
	if (r->state == RTSE_IDLE)
		rtse_completed_ind(r, q);
	else
		rtse_lost_ind(r, q);
}

static const struct session_event session_events[SES_P_ABORT + 1][SES_CNF + 1] =
    {
	[SES_TOKEN_GIVE] = {[SES_IND] = {turn_ind, IN(RTSE_IDLE), 0}},
	[SES_CONTROL_GIVE] = {[SES_IND] = {turn_ind, IN(RTSE_IDLE), 0}},
	[SES_TOKEN_PLEASE] = {[SES_IND] = {turn_please_ind, IN_OPEN,
				  IN(RTSE_CLOSING)}},
	[SES_ACTIVITY_START] = {[SES_IND] = {rtse_start_ind, IN(RTSE_IDLE), 0}},
	[SES_ACTIVITY_RESUME] = {[SES_IND] = {rtse_resume_ind, IN(RTSE_IDLE),
				     0}},
	[SES_SYNC_MINOR] =
	    {[SES_IND] = {rtse_sync_ind, IN(RTSE_RECEIVING), IN(RTSE_EXCEPTED)},
		[SES_CNF] = {rtse_sync_cnf, IN_ACTIVITY, IN(RTSE_DISCARDING)}},
	[SES_ACTIVITY_END] =
	    {[SES_IND] = {rtse_end_ind, IN(RTSE_RECEIVING), IN(RTSE_EXCEPTED)},
		[SES_CNF] = {rtse_end_cnf, IN(RTSE_SENT), IN(RTSE_DISCARDING)}},
	[SES_ACTIVITY_DISCARD] =
	    {[SES_IND] = {given_up_ind, IN_RECEIPT | IN(RTSE_IDLE), 0},
		[SES_CNF] = {rtse_discard_cnf, IN(RTSE_DISCARDING), 0}},
	[SES_ACTIVITY_INTERRUPT] =
	    {[SES_IND] = {given_up_ind, IN_RECEIPT | IN(RTSE_IDLE), 0},
		[SES_CNF] = {rtse_discard_cnf, IN(RTSE_DISCARDING), 0}},
	[SES_U_EXCEPTION] = {[SES_IND] = {rtse_exception_ind, IN_ACTIVITY,
				 IN(RTSE_DISCARDING) | IN_RECEIPT}},
	[SES_P_EXCEPTION] = {[SES_IND] = {rtse_exception_ind, IN_ACTIVITY,
				 IN(RTSE_DISCARDING) | IN_RECEIPT}},
};

static const struct session_event data_event = {
    rtse_data_ind, IN(RTSE_RECEIVING), IN(RTSE_EXCEPTED)};

/* Services that RTSE does not use have no row. */
static const struct session_event *
find_event(const struct pres_prim *q)
{
	static const struct session_event none = {NULL, 0, 0};

	if (q->type == PRES_DATA)
		return &data_event;
	if (q->type != PRES_SESSION || q->ses->type > SES_P_ABORT)
		return &none;
	return &session_events[q->ses->type][q->kind];
}

static void
passed_up(struct rtse *r, const struct pres_prim *q)
{
	const struct session_event *v = find_event(q);
	struct err e = ERR_INIT;
	char text[PRES_PRIM_TEXT];

	if ((v->passed_over & IN(r->state)) != 0)
		return;
	if (v->fn != NULL && (v->states & IN(r->state)) != 0) {
		v->fn(r, q);
		return;
	}
	err_at(&e, "rtse", ERR_PROTOCOL, 0, "%s: it came in state \"%s\"",
	    pres_prim_text(q, text), rtse_state_name(r->state));
	rtse_provider_abort(r, RTSE_ABORT_PROTOCOL_ERROR, &e);
}

static const struct {
	void (*fn)(struct rtse *, const struct acse_prim *);
	unsigned states;
} acse_events[ACSE_PASS][SES_CNF + 1] = {
    [ACSE_ASSOCIATE] = {[SES_IND] = {rtse_associate_ind, IN(RTSE_UNBOUND)},
	[SES_CNF] = {rtse_associate_cnf, IN(RTSE_WAIT_OPEN_CNF)}},
    [ACSE_RELEASE] = {[SES_IND] = {rtse_release_ind, IN(RTSE_IDLE)},
	[SES_CNF] = {rtse_release_cnf, IN(RTSE_CLOSING)}},
    [ACSE_ABORT] = {[SES_IND] = {rtse_abort_ind, ~0u}},
    [ACSE_P_ABORT] = {[SES_IND] = {rtse_abort_ind, ~0u}},
};

void
rtse_from_acse(void *user, const struct acse_prim *p)
{
	struct rtse *r = user;
	struct err e = ERR_INIT;
	char text[PRES_PRIM_TEXT];

	if (r->state == RTSE_CLOSED)
		return;
	if (p->type == ACSE_PASS) {
		passed_up(r, p->pres);
		return;
	}
	if (acse_events[p->type][p->kind].fn != NULL &&
	    (acse_events[p->type][p->kind].states & IN(r->state)) != 0) {
		acse_events[p->type][p->kind].fn(r, p);
		return;
	}
	err_at(&e, "rtse", ERR_PROTOCOL, 0, "%s: it came in state \"%s\"",
	    acse_prim_text(p, text), rtse_state_name(r->state));
	rtse_provider_abort(r, RTSE_ABORT_PROTOCOL_ERROR, &e);
}
