/*
 * First octet: an APDU to be decoded and encoded again, or one that comes to an
 * engine that has invocations open both ways.
 */
#include "osi/rose_int.h"

#include <string.h>

#include "lib/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const struct rose_code errors[] = {{NULL, 1}};
static const struct rose_code children[] = {{NULL, 2}};
static const struct rose_operation operations[] = {
    {"one", {NULL, 1}, ROSE_CLASS_2, errors, 1, children, 1},
    {"two", {NULL, 2}, ROSE_CLASS_4, NULL, 0, NULL, 0},
    {"three", {"2.9.9", 0}, ROSE_CLASS_5, NULL, 0, NULL, 0},
};

static void
codec(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new();
	struct rose_apdu u, again;
	struct buf b = {0};
	struct err e = ERR_INIT;

	if (rose_apdu_decode(a, p, n, &u, &e) >= 0) {
		INVARIANT(rose_apdu_encode(&u, &b, &e) >= 0);
		INVARIANT(rose_apdu_decode(a, b.data, b.len, &again, &e) >= 0);
		INVARIANT(again.type == u.type && again.id == u.id);
		INVARIANT(again.value.n == u.value.n);
		INVARIANT(again.problem == u.problem);
	}
	buf_free(&b);
	arena_free(&a);
}

static void
event(void *user, const struct rose_event *ev)
{
	struct rose **r = user;
	struct err e = ERR_INIT;

	if (ev->type == ROSE_INVOKED && ev->id % 2 == 0)
		if (rose_done(*r, ev->id, &e) < 0)
			e = (struct err)ERR_INIT;
}

static void
engine(const uint8_t *p, size_t n)
{
	static const struct octets null = {(const uint8_t *)"\5\0", 2};
	struct rose_params params = {.carrier = ROSE_OVER_PRESENTATION,
	    .operations = operations,
	    .n_operations = 3};
	struct rose_invocation q = {.code = {NULL, 1}};
	struct rose *r;
	struct err e = ERR_INIT;

	params.stack.apdu_syntax = "2.6.0.2.4";
	params.stack.application_context = "2.6.0.1.2";
	params.stack.pres.ses.cotp.role = OSI_INITIATOR;
	r = rose_new(&params, event, &r, 1);
	INVARIANT(rose_bind(r, &null, &e) >= 0);
	r->state = ROSE_BOUND;
	INVARIANT(rose_invoke(r, &q, NULL, &e) >= 0);
	/* several APDUs: one octet of length precedes each */
	while (n > 0) {
		size_t m = p[0] < n - 1 ? p[0] : n - 1;

		rose_take_apdu(r, p + 1, m);
		p += 1 + m;
		n -= 1 + m;
	}
	rose_free(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (n == 0)
		return 0;
	if (p[0] % 2 == 0)
		codec(p + 1, n - 1);
	else
		engine(p + 1, n - 1);
	return 0;
}
