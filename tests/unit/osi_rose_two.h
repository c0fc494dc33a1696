/*
 * Both ends of ROSE in memory, and a table of operations of every class.
 */
#ifndef TESTS_OSI_ROSE_TWO_H
#define TESTS_OSI_ROSE_TWO_H

#include "osi/rose_int.h"
#include "tests/unit/osi_wire.h"

static const struct rose_code errors_a[] = {{NULL, 1}, {"1.2.3", 0}};
static const struct rose_code errors_b[] = {{NULL, 2}};
static const struct rose_code children[] = {{NULL, 20}};

static const struct rose_operation operations[] = {
    {"sync", {NULL, 1}, ROSE_CLASS_1, errors_a, 2, NULL, 0},
    {"async", {NULL, 2}, ROSE_CLASS_2, errors_a, 2, children, 1},
    {"failing", {NULL, 3}, ROSE_CLASS_3, errors_b, 1, NULL, 0},
    {"succeeding", {NULL, 4}, ROSE_CLASS_4, NULL, 0, NULL, 0},
    {"silent", {"2.9.9", 0}, ROSE_CLASS_5, NULL, 0, NULL, 0},
    {"child", {NULL, 20}, ROSE_CLASS_2, NULL, 0, NULL, 0},
};
#define OPERATIONS (sizeof(operations) / sizeof(*operations))

struct side {
	struct rose *r;
	unsigned count[ROSE_ABORTED + 1];
	int32_t id; /* last invoked by the peer */
	void *request;
	bool linked;
	void *linked_request;
	struct rose_code error;
	int class, problem, diagnostic;
	struct buf value;
	struct err err;
	bool refuse, echo, fail, leave_bind;
};

struct two {
	struct side a, b;
	enum rose_carrier carrier;
};

static inline void
respond(struct side *s, const struct rose_event *ev)
{
	struct err e = ERR_INIT;
	static const struct octets null = {(const uint8_t *)"\5\0", 2};
	int rc = 0;

	if (ev->type == ROSE_BIND_IND && s->leave_bind)
		return;
	if (ev->type == ROSE_BIND_IND)
		rc = s->refuse ? rose_bind_refuse(s->r, &null, &e)
			       : rose_bind_accept(s->r, &null, &e);
	else if (ev->type == ROSE_INVOKED && s->echo)
		rc = rose_result(s->r, ev->id, &ev->value, &e);
	else if (ev->type == ROSE_INVOKED && s->fail)
		rc = rose_error(
		    s->r, ev->id, &ev->operation->errors[0], NULL, &e);
	CU_ASSERT_EQUAL(rc, 0);
	if (rc < 0)
		printf("\n  %s\n", e.text);
}

static inline void
event(void *user, const struct rose_event *ev)
{
	struct side *s = user;

	s->count[ev->type]++;
	s->id = ev->id;
	s->request = ev->request;
	s->linked = ev->linked;
	s->linked_request = ev->linked_request;
	s->error = ev->error;
	if (ev->type == ROSE_REJECTED) {
		s->class = ev->problem_class;
		s->problem = ev->problem;
	}
	buf_clear(&s->value);
	buf_append(&s->value, ev->value.p, ev->value.n);
	if (ev->err != NULL)
		s->err = *ev->err;
	if (ev->type == ROSE_BIND_REFUSED && ev->acse != NULL)
		s->diagnostic = ev->acse->diagnostic;
	respond(s, ev);
}

static inline struct rose_params
params(enum rose_carrier carrier, enum osi_role role)
{
	struct rose_params p = {.carrier = carrier,
	    .operations = operations,
	    .n_operations = OPERATIONS};
	struct cotp_params *c = &p.stack.pres.ses.cotp;

	c->role = role;
	c->tpdu_size = COTP_TPDU_MAX;
	p.stack.rtse_syntax = "2.6.0.2.12";
	p.stack.apdu_syntax = "2.6.0.2.4";
	p.stack.application_context = "2.6.0.1.2";
	p.stack.transfer_timeout = 60000;
	return p;
}

static inline bool
carry(struct side *from, struct side *to)
{
	struct buf *out = rose_engine_ops.output(from->r);
	bool any = out->len > 0;

	while (out->len > 0) {
		size_t n = out->len < 100 ? out->len : 100;
		uint8_t *copy = malloc(n);

		memcpy(copy, out->data, n);
		buf_consume(out, n);
		rose_engine_ops.input(to->r, copy, n, 1000);
		free(copy);
	}
	if (any)
		rose_engine_ops.drained(from->r, 1000);
	return any;
}

static inline void
run(struct two *t)
{
	bool any;

	do {
		any = carry(&t->a, &t->b);
		any |= carry(&t->b, &t->a);
	} while (any);
}

static inline void
two_new(struct two *t, const struct rose_params *a, const struct rose_params *b)
{
	static const struct octets null = {(const uint8_t *)"\5\0", 2};
	struct err e = ERR_INIT;
	bool refuse = t->b.refuse, leave = t->b.leave_bind;

	*t = (struct two){.carrier = a->carrier};
	t->b.refuse = refuse;
	t->b.leave_bind = leave;
	t->a.r = rose_new(a, event, &t->a, 1000);
	t->b.r = rose_new(b, event, &t->b, 1000);
	CU_ASSERT_EQUAL(rose_bind(t->a.r, &null, &e), 0);
	run(t);
}

static inline void
bound(struct two *t, enum rose_carrier carrier)
{
	struct rose_params a = params(carrier, OSI_INITIATOR);
	struct rose_params b = params(carrier, OSI_RESPONDER);

	t->b.refuse = t->b.leave_bind = false;
	two_new(t, &a, &b);
	CU_ASSERT_TRUE_FATAL(rose_is_bound(t->a.r));
}

static inline void
side_free(struct side *s)
{
	rose_free(&s->r);
	buf_free(&s->value);
}

static inline void
two_free(struct two *t)
{
	side_free(&t->a);
	side_free(&t->b);
}

static inline int
invoke(struct two *t, struct side *s, int operation, void *user)
{
	struct rose_invocation q = {.code = operations[operation].code,
	    .argument = {(const uint8_t *)"\4\2hi", 4},
	    .user = user};
	struct err e = ERR_INIT;
	int rc = rose_invoke(s->r, &q, NULL, &e);

	run(t);
	return rc;
}

static const enum rose_carrier carriers[] = {
    ROSE_OVER_RTSE, ROSE_OVER_PRESENTATION};
#define EACH_CARRIER(c) \
	size_t c = 0;   \
	c < 2;          \
	c++

#endif
