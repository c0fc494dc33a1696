/*
 * What comes from the peer (X.229 7, Annex A), and what is wrong with it.
 */
#include "osi/rose_int.h"

/* --- from the peer --- */

/* A peer that is sent rejects and reads none of them is not worth it. */
static void
reject(struct rose *r, const struct rose_apdu *u, enum rose_problem_class class,
    int problem)
{
	struct err e = ERR_INIT;

	if (!rose_is_open(r))
		return;
	if (rose_send_reject(r, u->has_id ? &u->id : NULL, class, problem, &e) <
		0 &&
	    r->state != ROSE_CLOSED) {
		r->carrier->abort(r, e.text);
		rose_finish(r, ROSE_ABORTED, &e);
	}
}

static int
judge_linked(struct rose *r, const struct rose_apdu *u)
{
	const struct rose_slot *parent = rose_ours(r, u->linked);

	if (parent == NULL)
		return ROSE_UNRECOGNIZED_LINKED_ID;
	if (parent->operation->n_linked == 0)
		return ROSE_LINKED_RESPONSE_UNEXPECTED;
	if (!rose_code_in(parent->operation->linked,
		parent->operation->n_linked, &u->code))
		return ROSE_UNEXPECTED_CHILD_OPERATION;
	return -1;
}

/* The problem with an invocation (X.229 7.5.3), or -1. */
static int
judge_invoke(struct rose *r, const struct rose_apdu *u)
{
	if (rose_theirs(r, u->id) != NULL)
		return ROSE_DUPLICATE_INVOCATION;
	if (rose_operation_of(r, &u->code) == NULL ||
	    (!u->has_linked && !rose_may_invoke(r, !rose_are_initiator(r))))
		return ROSE_UNRECOGNIZED_OPERATION;
	if (r->state == ROSE_RELEASING)
		return ROSE_INITIATOR_RELEASING;
	if (rose_slot_free(r->theirs, r->params.max_invoked) == NULL)
		return ROSE_RESOURCE_LIMITATION;
	return u->has_linked ? judge_linked(r, u) : -1;
}

static void
invoked(struct rose *r, const struct rose_apdu *u)
{
	int problem = judge_invoke(r, u);
	struct rose_event ev = {.type = ROSE_INVOKED,
	    .id = u->id,
	    .operation = rose_operation_of(r, &u->code),
	    .linked = u->has_linked,
	    .linked_id = u->linked,
	    .value = u->value};
	struct rose_slot *s;

	if (problem >= 0) {
		reject(r, u, ROSE_INVOKE, problem);
		return;
	}
	if (u->has_linked)
		ev.linked_request = rose_ours(r, u->linked)->user;
	s = rose_slot_free(r->theirs, r->params.max_invoked);
	*s = (struct rose_slot){true, u->id, ev.operation, NULL};
	rose_emit(r, &ev);
	s = rose_theirs(r, u->id);
	if (s != NULL && s->operation->class == ROSE_CLASS_5)
		s->open = false;
}

/* The invocation was answered with what it should not have been. */
static void
answered_badly(struct rose *r, struct rose_slot *s, const struct rose_apdu *u,
    enum rose_problem_class class, int problem)
{
	struct err why = ERR_INIT;

	err_at(&why, ROSE_LAYER, ERR_PROTOCOL, 0,
	    "%s: %s was answered badly: %s", rose_apdu_name(u->type),
	    s->operation->name, rose_problem_text(class, problem));
	why.detail = problem;
	reject(r, u, class, problem);
	if (s->open)
		rose_lose(r, s, &why);
}

static bool
other_operation(const struct rose_slot *s, const struct rose_apdu *u)
{
	return u->has_code && !rose_code_in(&s->operation->code, 1, &u->code);
}

static void
result(struct rose *r, const struct rose_apdu *u)
{
	struct rose_slot *s = rose_ours(r, u->id);
	struct rose_event ev = {
	    .type = ROSE_RESULT, .id = u->id, .value = u->value};

	if (s == NULL) {
		reject(r, u, ROSE_RETURN_RESULT,
		    ROSE_RESULT_UNRECOGNIZED_INVOCATION);
	} else if (!rose_reports_result[s->operation->class]) {
		answered_badly(r, s, u, ROSE_RETURN_RESULT,
		    ROSE_RESULT_RESPONSE_UNEXPECTED);
	} else if (other_operation(s, u)) {
		answered_badly(
		    r, s, u, ROSE_RETURN_RESULT, ROSE_MISTYPED_RESULT);
	} else {
		ev.request = s->user;
		ev.operation = s->operation;
		s->open = false;
		rose_emit(r, &ev);
	}
}

/* The problem with an error that answers this, or -1. */
static int
judge_error(
    const struct rose *r, const struct rose_slot *s, const struct rose_apdu *u)
{
	if (!rose_reports_error[s->operation->class])
		return ROSE_ERROR_RESPONSE_UNEXPECTED;
	if (!rose_error_known(r, &u->code))
		return ROSE_UNRECOGNIZED_ERROR;
	if (!rose_code_in(
		s->operation->errors, s->operation->n_errors, &u->code))
		return ROSE_UNEXPECTED_ERROR;
	return -1;
}

static void
error(struct rose *r, const struct rose_apdu *u)
{
	struct rose_slot *s = rose_ours(r, u->id);
	struct rose_event ev = {.type = ROSE_ERROR,
	    .id = u->id,
	    .error = u->code,
	    .value = u->value};
	int problem;

	if (s == NULL) {
		reject(r, u, ROSE_RETURN_ERROR,
		    ROSE_ERROR_UNRECOGNIZED_INVOCATION);
	} else if ((problem = judge_error(r, s, u)) >= 0) {
		answered_badly(r, s, u, ROSE_RETURN_ERROR, problem);
	} else {
		ev.request = s->user;
		ev.operation = s->operation;
		s->open = false;
		rose_emit(r, &ev);
	}
}

static void
rejected(struct rose *r, const struct rose_apdu *u)
{
	bool answer_of_ours = u->problem_class == ROSE_RETURN_RESULT ||
	    u->problem_class == ROSE_RETURN_ERROR;
	struct rose_slot *s =
	    u->has_id && !answer_of_ours ? rose_ours(r, u->id) : NULL;
	struct rose_event ev = {.type = ROSE_REJECTED,
	    .id = u->id,
	    .problem_class = u->problem_class,
	    .problem = u->problem};
	struct err why = ERR_INIT;

	err_at(&why, ROSE_LAYER, ERR_REFUSED, 0,
	    "RORJ: rejected by the peer: %s",
	    rose_problem_text(u->problem_class, u->problem));
	why.detail = u->problem;
	ev.err = &why;
	if (s != NULL) {
		ev.request = s->user;
		ev.operation = s->operation;
		s->open = false;
	}
	rose_trace(r, false, "rose RORJ", why.text);
	rose_emit(r, &ev);
}

void
rose_take_apdu(struct rose *r, const uint8_t *p, size_t n)
{
	static void (*const handlers[])(
	    struct rose *, const struct rose_apdu *) = {
	    [ROSE_ROIV] = invoked,
	    [ROSE_RORS] = result,
	    [ROSE_ROER] = error,
	    [ROSE_RORJ] = rejected,
	};
	struct arena *a = arena_new();
	struct rose_apdu u;
	struct err e = ERR_INIT;

	if (r->state != ROSE_BOUND && r->state != ROSE_RELEASING) {
		rose_trace(r, false, "rose APDU dropped", "not bound");
	} else if (rose_apdu_decode(a, p, n, &u, &e) >= 0) {
		handlers[u.type](r, &u);
	} else {
		rose_trace(r, false, "rose APDU unreadable", e.text);
		/* a reject is not answered by a reject */
		if (u.type != ROSE_RORJ)
			reject(r, &u, ROSE_GENERAL, e.detail);
	}
	arena_free(&a);
}
