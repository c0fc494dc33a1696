#include "osi/rose_int.h"

#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

/* Rejects that may wait beside what our user and the peer have open. */
#define SPARE 64

/* --- operations and errors --- */

static bool
same_code(const struct rose_code *a, const struct rose_code *b)
{
	if (a->global == NULL || b->global == NULL)
		return a->global == b->global && a->local == b->local;
	return strcmp(a->global, b->global) == 0;
}

bool
rose_code_in(const struct rose_code *v, size_t n, const struct rose_code *code)
{
	for (size_t i = 0; i < n; i++)
		if (same_code(&v[i], code))
			return true;
	return false;
}

const struct rose_operation *
rose_operation_of(const struct rose *r, const struct rose_code *code)
{
	for (size_t i = 0; i < r->params.n_operations; i++)
		if (same_code(&r->params.operations[i].code, code))
			return &r->params.operations[i];
	return NULL;
}

bool
rose_error_known(const struct rose *r, const struct rose_code *code)
{
	for (size_t i = 0; i < r->params.n_operations; i++) {
		const struct rose_operation *op = &r->params.operations[i];

		if (rose_code_in(op->errors, op->n_errors, code))
			return true;
	}
	return false;
}

/* --- invocations --- */

struct rose_slot *
rose_slot_of(struct rose_slot *v, size_t n, int32_t id)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].open && v[i].id == id)
			return &v[i];
	return NULL;
}

struct rose_slot *
rose_slot_free(struct rose_slot *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!v[i].open)
			return &v[i];
	return NULL;
}

struct rose_slot *
rose_ours(struct rose *r, int32_t id)
{
	return rose_slot_of(r->ours, r->params.max_invoking, id);
}

struct rose_slot *
rose_theirs(struct rose *r, int32_t id)
{
	return rose_slot_of(r->theirs, r->params.max_invoked, id);
}

int32_t
rose_allot_id(struct rose *r)
{
	do
		r->last_id = r->last_id == INT32_MAX ? 1 : r->last_id + 1;
	while (rose_ours(r, r->last_id) != NULL);
	return r->last_id;
}

void
rose_lose(struct rose *r, struct rose_slot *s, const struct err *why)
{
	struct rose_event ev = {.type = ROSE_LOST,
	    .id = s->id,
	    .request = s->user,
	    .operation = s->operation,
	    .err = why};

	s->open = false;
	r->fn(r->user, &ev);
}

/* --- what waits to be sent --- */

int
rose_enqueue(struct rose *r, const struct rose_apdu *u, struct err *e)
{
	struct rose_out *o;

	if (r->n_out >= r->params.max_invoking + r->params.max_invoked + SPARE)
		return err_set(e, ROSE_LAYER, ERR_LIMIT,
		    "%zu APDUs wait for the peer", r->n_out);
	o = xcalloc(1, sizeof(*o));
	o->type = u->type;
	o->id = u->id;
	if (rose_apdu_encode(u, &o->apdu, e) < 0 ||
	    o->apdu.len > r->params.max_apdu) {
		int rc = o->apdu.len > r->params.max_apdu
		    ? err_set(e, ROSE_LAYER, ERR_LIMIT, "APDU of %zu octets",
			  o->apdu.len)
		    : ERR_CONFIG;

		buf_free(&o->apdu);
		free(o);
		return rc;
	}
	*r->tail = o;
	r->tail = &o->next;
	r->n_out++;
	return 0;
}

static struct rose_out *
dequeue(struct rose *r)
{
	struct rose_out *o = r->head;

	INVARIANT(o != NULL);
	r->head = o->next;
	if (r->head == NULL)
		r->tail = &r->head;
	r->n_out--;
	r->sent = 0;
	r->sending = false;
	return o;
}

static void
out_free(struct rose_out *o)
{
	buf_free(&o->apdu);
	free(o);
}

static void
answer_lost(struct rose *r, const struct rose_out *o, const struct err *why)
{
	struct rose_event ev = {
	    .type = ROSE_ANSWER_LOST, .id = o->id, .err = why};

	if (o->type != ROSE_RORJ)
		r->fn(r->user, &ev);
}

void
rose_sent(struct rose *r, const struct err *why)
{
	struct rose_out *o = dequeue(r);
	struct rose_slot *s = o->type == ROSE_ROIV ? rose_ours(r, o->id) : NULL;

	if (s != NULL && why != NULL)
		rose_lose(r, s, why);
	else if (s != NULL && s->operation->class == ROSE_CLASS_5)
		s->open = false;
	else if (o->type != ROSE_ROIV && why != NULL)
		answer_lost(r, o, why);
	out_free(o);
}

void
rose_drop_all(struct rose *r)
{
	while (r->head != NULL)
		out_free(dequeue(r));
}
