/*
 * Remote operations (X.229 7): what our user asks for, and the life of it all.
 */
#include "osi/rose_int.h"

#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

#define OPEN_DEFAULT 16
#define APDU_DEFAULT (1024 * 1024)

void
rose_trace(
    const struct rose *r, bool sent, const char *what, const char *detail)
{
	const struct osi_common *c = &r->params.stack.pres.ses.cotp.common;

	if (c->trace != NULL)
		c->trace(c->trace_arg, sent, what, detail);
}

void
rose_emit(struct rose *r, const struct rose_event *ev)
{
	r->fn(r->user, ev);
}

void
rose_finish(struct rose *r, enum rose_event_type type, const struct err *why)
{
	struct rose_event ev = {.type = type, .err = why};
	struct err over = ERR_INIT;

	if (r->state == ROSE_CLOSED)
		return;
	r->state = ROSE_CLOSED;
	rose_drop_all(r);
	err_set(&over, ROSE_LAYER, ERR_TEMPORARY, "the association ended: %s",
	    why != NULL ? why->text : "released");
	for (size_t i = 0; i < r->params.max_invoking; i++)
		if (r->ours[i].open)
			rose_lose(r, &r->ours[i], &over);
	rose_emit(r, &ev);
}

static int
in_state(const struct rose *r, enum rose_state want, struct err *e)
{
	if (r->state == want)
		return 0;
	return err_set(e, ROSE_LAYER, ERR_PROTOCOL,
	    "request in state %d, which belongs into %d", (int)r->state,
	    (int)want);
}

/* May answers still go out? */
bool
rose_is_open(const struct rose *r)
{
	return (r->state == ROSE_BOUND || r->state == ROSE_RELEASING) &&
	    !r->releasing;
}

/* Behind what waits, and on its way when the carrier can. */
static int
put(struct rose *r, const struct rose_apdu *u, struct err *e)
{
	int rc = rose_enqueue(r, u, e);

	if (rc == 0)
		r->carrier->flush(r);
	return rc;
}

/* --- bind and unbind --- */

int
rose_bind(struct rose *r, const struct octets *argument, struct err *e)
{
	int rc = in_state(r, ROSE_UNBOUND, e);

	if (rc < 0)
		return rc;
	r->state = ROSE_WAIT_BIND_CNF;
	rc = r->carrier->bind(r, argument, e);
	if (rc < 0 && r->state == ROSE_WAIT_BIND_CNF)
		r->state = ROSE_UNBOUND;
	return rc;
}

int
rose_bind_accept(struct rose *r, const struct octets *result, struct err *e)
{
	int rc = in_state(r, ROSE_WAIT_BIND_RSP, e);

	if (rc < 0)
		return rc;
	r->state = ROSE_BOUND;
	return r->carrier->accept(r, result, e);
}

int
rose_bind_refuse(struct rose *r, const struct octets *error, struct err *e)
{
	int rc = in_state(r, ROSE_WAIT_BIND_RSP, e);

	if (rc < 0)
		return rc;
	r->state = ROSE_CLOSED;
	return r->carrier->refuse(r, error, e);
}

int
rose_unbind(struct rose *r, struct err *e)
{
	int rc = in_state(r, ROSE_BOUND, e);

	if (rc < 0)
		return rc;
	if (r->params.stack.pres.ses.cotp.role != OSI_INITIATOR)
		return err_set(
		    e, ROSE_LAYER, ERR_PROTOCOL, "only the initiator unbinds");
	r->state = ROSE_RELEASING;
	r->carrier->flush(r);
	return 0;
}

void
rose_abort(struct rose *r, const char *why)
{
	if (r->state == ROSE_CLOSED)
		return;
	r->state = ROSE_CLOSED;
	rose_drop_all(r);
	for (size_t i = 0; i < r->params.max_invoking; i++)
		r->ours[i].open = false;
	r->carrier->abort(r, why);
}

void
rose_bind_ind(struct rose *r, struct rose_event *ev)
{
	ev->type = ROSE_BIND_IND;
	r->state = ROSE_WAIT_BIND_RSP;
	rose_emit(r, ev);
}

void
rose_bind_cnf(struct rose *r, struct rose_event *ev)
{
	r->state = ev->type == ROSE_BIND_CNF ? ROSE_BOUND : ROSE_CLOSED;
	rose_emit(r, ev);
}

/* --- invoking --- */

/* Without a parent one may invoke only as the association class has it. */
bool
rose_may_invoke(const struct rose *r, bool initiator)
{
	enum rose_association_class other =
	    initiator ? ROSE_RESPONDER_INVOKES : ROSE_INITIATOR_INVOKES;

	return r->params.class != other;
}

bool
rose_are_initiator(const struct rose *r)
{
	return r->params.stack.pres.ses.cotp.role == OSI_INITIATOR;
}

static bool
synchronous_open(const struct rose *r)
{
	for (size_t i = 0; i < r->params.max_invoking; i++)
		if (r->ours[i].open &&
		    r->ours[i].operation->class == ROSE_CLASS_1)
			return true;
	return false;
}

static int
check_parent(struct rose *r, const struct rose_invocation *q, struct err *e)
{
	const struct rose_slot *parent;

	if (!q->linked) {
		if (rose_may_invoke(r, rose_are_initiator(r)))
			return 0;
		return err_set(e, ROSE_LAYER, ERR_PROTOCOL,
		    "not to be invoked by this side");
	}
	parent = rose_theirs(r, q->linked_id);
	if (parent == NULL ||
	    !rose_code_in(parent->operation->linked,
		parent->operation->n_linked, &q->code))
		return err_set(e, ROSE_LAYER, ERR_PROTOCOL,
		    "invocation %d of the peer has no such child",
		    q->linked_id);
	return 0;
}

int
rose_invoke(
    struct rose *r, const struct rose_invocation *q, int32_t *id, struct err *e)
{
	const struct rose_operation *op = rose_operation_of(r, &q->code);
	struct rose_apdu u = {.type = ROSE_ROIV,
	    .has_id = true,
	    .has_linked = q->linked,
	    .linked = q->linked_id,
	    .code = q->code,
	    .value = q->argument};
	struct rose_slot *s;
	int rc;

	if ((rc = in_state(r, ROSE_BOUND, e)) < 0)
		return rc;
	if (op == NULL)
		return err_set(e, ROSE_LAYER, ERR_PROTOCOL,
		    "operation %s %d is not in the table",
		    q->code.global != NULL ? q->code.global : "local",
		    q->code.local);
	if ((rc = check_parent(r, q, e)) < 0)
		return rc;
	s = rose_slot_free(r->ours, r->params.max_invoking);
	if (s == NULL || synchronous_open(r))
		return err_set(e, ROSE_LAYER, ERR_TEMPORARY,
		    s == NULL ? "too many invocations are open"
			      : "a synchronous operation is under way");
	u.id = rose_allot_id(r);
	if ((rc = rose_enqueue(r, &u, e)) < 0)
		return rc;
	*s = (struct rose_slot){true, u.id, op, q->user};
	if (id != NULL)
		*id = u.id;
	r->carrier->flush(r);
	return 0;
}

int
rose_forget(struct rose *r, int32_t id, struct err *e)
{
	struct rose_slot *s = rose_ours(r, id);

	if (s == NULL || s->operation->class <= ROSE_CLASS_2)
		return err_set(e, ROSE_LAYER, ERR_PROTOCOL,
		    "invocation %d is not open, or has to be answered", id);
	s->open = false;
	return 0;
}

/* --- answering --- */

/* The classes that have each kind of answer. */
const bool rose_reports_result[] = {
    [ROSE_CLASS_1] = true,
    [ROSE_CLASS_2] = true,
    [ROSE_CLASS_3] = false,
    [ROSE_CLASS_4] = true,
    [ROSE_CLASS_5] = false,
};
const bool rose_reports_error[] = {
    [ROSE_CLASS_1] = true,
    [ROSE_CLASS_2] = true,
    [ROSE_CLASS_3] = true,
    [ROSE_CLASS_4] = false,
    [ROSE_CLASS_5] = false,
};

static struct rose_slot *
answerable(struct rose *r, int32_t id, const char *what, struct err *e)
{
	struct rose_slot *s = rose_is_open(r) ? rose_theirs(r, id) : NULL;

	if (s == NULL)
		err_set(e, ROSE_LAYER, ERR_PROTOCOL,
		    "%s of invocation %d, which is not open", what, id);
	return s;
}

static int
answer(struct rose *r, struct rose_slot *s, const struct rose_apdu *u,
    struct err *e)
{
	int rc = rose_enqueue(r, u, e);

	if (rc < 0)
		return rc;
	s->open = false;
	r->carrier->flush(r);
	return 0;
}

int
rose_result(
    struct rose *r, int32_t id, const struct octets *result, struct err *e)
{
	struct rose_slot *s = answerable(r, id, "result", e);
	struct rose_apdu u = {.type = ROSE_RORS, .has_id = true, .id = id};

	if (s == NULL)
		return ERR_PROTOCOL;
	if (!rose_reports_result[s->operation->class])
		return err_set(e, ROSE_LAYER, ERR_PROTOCOL,
		    "%s reports no result", s->operation->name);
	u.code = s->operation->code;
	if (result != NULL)
		u.value = *result;
	return answer(r, s, &u, e);
}

int
rose_error(struct rose *r, int32_t id, const struct rose_code *code,
    const struct octets *parameter, struct err *e)
{
	struct rose_slot *s = answerable(r, id, "error", e);
	struct rose_apdu u = {
	    .type = ROSE_ROER, .has_id = true, .id = id, .code = *code};

	if (s == NULL)
		return ERR_PROTOCOL;
	if (!rose_reports_error[s->operation->class] ||
	    !rose_code_in(s->operation->errors, s->operation->n_errors, code))
		return err_set(e, ROSE_LAYER, ERR_PROTOCOL,
		    "%s reports no such error", s->operation->name);
	if (parameter != NULL)
		u.value = *parameter;
	return answer(r, s, &u, e);
}

int
rose_done(struct rose *r, int32_t id, struct err *e)
{
	struct rose_slot *s = answerable(r, id, "end", e);

	if (s == NULL)
		return ERR_PROTOCOL;
	if (s->operation->class <= ROSE_CLASS_2)
		return err_set(e, ROSE_LAYER, ERR_PROTOCOL,
		    "%s has to be answered", s->operation->name);
	s->open = false;
	return 0;
}

int
rose_send_reject(struct rose *r, const int32_t *id,
    enum rose_problem_class class, int problem, struct err *e)
{
	struct rose_apdu u = {.type = ROSE_RORJ,
	    .has_id = id != NULL,
	    .id = id != NULL ? *id : 0,
	    .problem_class = class,
	    .problem = problem};

	rose_trace(r, true, "rose RORJ", rose_problem_text(class, problem));
	return put(r, &u, e);
}

int
rose_reject(struct rose *r, int32_t id, enum rose_problem_class class,
    int problem, struct err *e)
{
	struct rose_slot *s;

	if (class == ROSE_INVOKE) {
		s = answerable(r, id, "reject", e);
		if (s == NULL)
			return ERR_PROTOCOL;
		s->open = false;
	} else if (!rose_is_open(r) || class == ROSE_GENERAL) {
		return err_set(e, ROSE_LAYER, ERR_PROTOCOL,
		    "reject of class %d, or not bound", (int)class);
	}
	return rose_send_reject(r, &id, class, problem, e);
}

/* --- life --- */

static void
fill_defaults(struct rose_params *p)
{
	if (p->max_invoked == 0)
		p->max_invoked = OPEN_DEFAULT;
	if (p->max_invoking == 0)
		p->max_invoking = OPEN_DEFAULT;
	if (p->max_apdu == 0)
		p->max_apdu = APDU_DEFAULT;
	if (p->class == 0)
		p->class = ROSE_BOTH_INVOKE;
}

struct rose *
rose_new(
    const struct rose_params *params, rose_event_fn *fn, void *user, msec_t now)
{
	struct rose *r = xcalloc(1, sizeof(*r));

	r->params = *params;
	fill_defaults(&r->params);
	for (size_t i = 0; i < params->n_operations; i++)
		INVARIANT(params->operations[i].class >= ROSE_CLASS_1 &&
		    params->operations[i].class <= ROSE_CLASS_5);
	r->fn = fn;
	r->user = user;
	r->tail = &r->head;
	r->ours = xcalloc(r->params.max_invoking, sizeof(*r->ours));
	r->theirs = xcalloc(r->params.max_invoked, sizeof(*r->theirs));
	if (params->carrier == ROSE_OVER_RTSE)
		rose_rtse_new(r, now);
	else
		rose_pres_new(r, now);
	return r;
}

void
rose_free(struct rose **rp)
{
	struct rose *r = *rp;

	if (r == NULL)
		return;
	*rp = NULL;
	r->state = ROSE_CLOSED;
	rtse_free(&r->rtse);
	acse_free(&r->acse);
	rose_drop_all(r);
	buf_free(&r->in);
	free(r->ours);
	free(r->theirs);
	free(r);
}

bool
rose_is_bound(const struct rose *r)
{
	return r->state == ROSE_BOUND;
}

static size_t
count_open(const struct rose_slot *v, size_t n)
{
	size_t open = 0;

	for (size_t i = 0; i < n; i++)
		open += v[i].open;
	return open;
}

size_t
rose_open_invoking(const struct rose *r)
{
	return count_open(r->ours, r->params.max_invoking);
}

size_t
rose_open_invoked(const struct rose *r)
{
	return count_open(r->theirs, r->params.max_invoked);
}

struct acse *
rose_acse(struct rose *r)
{
	return r->rtse != NULL ? rtse_acse(r->rtse) : r->acse;
}

struct rtse *
rose_rtse(struct rose *r)
{
	return r->rtse;
}

const char *
rose_problem_text(enum rose_problem_class class, int problem)
{
	static const char *const texts[][8] = {
	    [ROSE_GENERAL] = {"unrecognized APDU", "mistyped APDU",
		"badly structured APDU"},
	    [ROSE_INVOKE] = {"duplicate invocation", "unrecognized operation",
		"mistyped argument", "resource limitation",
		"initiator releasing", "unrecognized linked-id",
		"linked response unexpected", "unexpected child operation"},
	    [ROSE_RETURN_RESULT] = {"result of an unrecognized invocation",
		"result response unexpected", "mistyped result"},
	    [ROSE_RETURN_ERROR] = {"error of an unrecognized invocation",
		"error response unexpected", "unrecognized error",
		"unexpected error", "mistyped parameter"},
	};

	if (class > ROSE_RETURN_ERROR || problem < 0 || problem > 7 ||
	    texts[class][problem] == NULL)
		return "unknown problem";
	return texts[class][problem];
}

/* --- the driver's view --- */

static void
engine_input(void *engine, const uint8_t *p, size_t n, msec_t now)
{
	struct rose *r = engine;

	if (r->rtse != NULL)
		rtse_engine_ops.input(r->rtse, p, n, now);
	else
		cotp_input(r->carrier->cotp(r), p, n);
}

static void
engine_closed(void *engine, const struct err *reason, msec_t now)
{
	struct rose *r = engine;

	if (r->rtse != NULL)
		rtse_engine_ops.closed(r->rtse, reason, now);
	else
		cotp_closed(r->carrier->cotp(r), reason);
	/* before a bind the layers below have nobody to tell */
	rose_finish(r, ROSE_ABORTED, reason);
}

static struct buf *
engine_output(void *engine)
{
	struct rose *r = engine;

	return cotp_output(r->carrier->cotp(r));
}

static void
engine_drained(void *engine, msec_t now)
{
	struct rose *r = engine;

	if (r->rtse != NULL)
		rtse_engine_ops.drained(r->rtse, now);
	else
		r->carrier->flush(r);
}

static msec_t
engine_deadline(void *engine)
{
	struct rose *r = engine;

	return r->rtse != NULL ? rtse_engine_ops.deadline(r->rtse)
			       : ses_deadline(pres_ses(acse_pres(r->acse)));
}

static void
engine_timeout(void *engine, msec_t now)
{
	struct rose *r = engine;

	if (r->rtse != NULL)
		rtse_engine_ops.timeout(r->rtse, now);
	else
		ses_timeout(pres_ses(acse_pres(r->acse)), now);
}

static bool
engine_wants_input(void *engine)
{
	struct rose *r = engine;

	return r->rtse != NULL ? rtse_engine_ops.wants_input(r->rtse)
			       : engine_output(r)->len < 4 * ROSE_OUTPUT_MAX;
}

static bool
engine_finished(void *engine)
{
	struct rose *r = engine;

	return cotp_finished(r->carrier->cotp(r));
}

const struct engine_ops rose_engine_ops = {
    .input = engine_input,
    .closed = engine_closed,
    .output = engine_output,
    .drained = engine_drained,
    .deadline = engine_deadline,
    .timeout = engine_timeout,
    .wants_input = engine_wants_input,
    .finished = engine_finished,
};
