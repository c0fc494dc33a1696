/*
 * ROSE with both ends in memory over both carriers, a peer that sends what it
 * should not, and the APDUs as octets.
 */
#include "tests/unit/osi_rose_two.h"

/* --- both ends --- */

static void
operations_are_invoked_and_answered_both_ways(void)
{
	for (EACH_CARRIER(c)) {
		struct two t;
		struct err e = ERR_INIT;

		bound(&t, carriers[c]);
		t.a.echo = t.b.echo = true;
		for (int i = 0; i < 3; i++) {
			CU_ASSERT_EQUAL(invoke(&t, &t.a, 1, &t), 0);
			CU_ASSERT_EQUAL(invoke(&t, &t.b, 0, &e), 0);
		}
		CU_ASSERT_EQUAL(t.a.count[ROSE_RESULT], 3);
		CU_ASSERT_EQUAL(t.b.count[ROSE_RESULT], 3);
		CU_ASSERT_PTR_EQUAL(t.b.request, &e);
		CU_ASSERT_EQUAL(t.b.value.len, 4);
		t.b.echo = false;
		t.b.fail = true;
		CU_ASSERT_EQUAL(invoke(&t, &t.a, 0, &t), 0);
		CU_ASSERT_EQUAL(t.a.count[ROSE_ERROR], 1);
		CU_ASSERT_EQUAL(t.a.error.local, 1);
		CU_ASSERT_EQUAL(rose_open_invoking(t.a.r), 0);
		CU_ASSERT_EQUAL(rose_open_invoked(t.b.r), 0);
		CU_ASSERT_EQUAL(rose_unbind(t.a.r, &e), 0);
		run(&t);
		CU_ASSERT_EQUAL(t.a.count[ROSE_UNBIND_CNF], 1);
		CU_ASSERT_EQUAL(t.b.count[ROSE_UNBIND_IND], 1);
		two_free(&t);
	}
}

static void
a_refused_bind_carries_its_error(void)
{
	for (EACH_CARRIER(c)) {
		struct rose_params a = params(carriers[c], OSI_INITIATOR);
		struct rose_params b = params(carriers[c], OSI_RESPONDER);
		struct two t;

		t.b.refuse = true;
		t.b.leave_bind = false;
		two_new(&t, &a, &b);
		CU_ASSERT_EQUAL(t.a.count[ROSE_BIND_REFUSED], 1);
		CU_ASSERT_EQUAL(t.a.value.len, 2);
		two_free(&t);
	}
}

static void
each_class_has_its_answers(void)
{
	/* result, error, done: allowed? */
	static const bool allowed[][3] = {
	    [ROSE_CLASS_1] = {true, true, false},
	    [ROSE_CLASS_2] = {true, true, false},
	    [ROSE_CLASS_3] = {false, true, true},
	    [ROSE_CLASS_4] = {true, false, true},
	};

	for (EACH_CARRIER(c))
		for (int op = 0; op < 4; op++)
			for (int k = 0; k < 3; k++) {
				const struct rose_operation *o =
				    &operations[op];
				const struct rose_code any = {NULL, 9};
				struct err e = ERR_INIT;
				struct two t;
				int rc;

				bound(&t, carriers[c]);
				CU_ASSERT_EQUAL(invoke(&t, &t.a, op, &t), 0);
				CU_ASSERT_EQUAL(t.b.count[ROSE_INVOKED], 1);
				rc = k == 0
				    ? rose_result(t.b.r, t.b.id, NULL, &e)
				    : k == 1
				    ? rose_error(t.b.r, t.b.id,
					  o->n_errors > 0 ? o->errors : &any,
					  NULL, &e)
				    : rose_done(t.b.r, t.b.id, &e);
				CU_ASSERT_EQUAL(rc,
				    allowed[o->class][k] ? 0 : ERR_PROTOCOL);
				run(&t);
				if (rc == 0 && k < 2)
					CU_ASSERT_EQUAL(
					    rose_open_invoking(t.a.r), 0);
				two_free(&t);
			}
}

static void
class_5_ends_when_it_is_sent(void)
{
	for (EACH_CARRIER(c)) {
		struct two t;
		struct err e = ERR_INIT;

		bound(&t, carriers[c]);
		CU_ASSERT_EQUAL(invoke(&t, &t.a, 4, &t), 0);
		CU_ASSERT_EQUAL(t.b.count[ROSE_INVOKED], 1);
		CU_ASSERT_EQUAL(rose_open_invoking(t.a.r), 0);
		CU_ASSERT_EQUAL(rose_open_invoked(t.b.r), 0);
		CU_ASSERT_EQUAL(
		    rose_result(t.b.r, t.b.id, NULL, &e), ERR_PROTOCOL);
		two_free(&t);
	}
}

static void
a_synchronous_operation_holds_the_next_one(void)
{
	struct two t;
	struct err e = ERR_INIT;

	bound(&t, ROSE_OVER_RTSE);
	CU_ASSERT_EQUAL(invoke(&t, &t.a, 0, &t), 0);
	CU_ASSERT_EQUAL(invoke(&t, &t.a, 1, &t), ERR_TEMPORARY);
	CU_ASSERT_EQUAL(rose_result(t.b.r, t.b.id, NULL, &e), 0);
	run(&t);
	CU_ASSERT_EQUAL(invoke(&t, &t.a, 1, &t), 0);
	two_free(&t);
}

static void
a_child_is_linked_to_its_parent(void)
{
	for (EACH_CARRIER(c)) {
		struct two t;
		struct rose_invocation q = {.code = {NULL, 20}, .linked = true};
		struct err e = ERR_INIT;

		bound(&t, carriers[c]);
		CU_ASSERT_EQUAL(invoke(&t, &t.a, 1, &t), 0);
		q.linked_id = t.b.id + 1;
		CU_ASSERT_EQUAL(rose_invoke(t.b.r, &q, NULL, &e), ERR_PROTOCOL);
		q.linked_id = t.b.id;
		CU_ASSERT_EQUAL(rose_invoke(t.b.r, &q, NULL, &e), 0);
		run(&t);
		CU_ASSERT_EQUAL(t.a.count[ROSE_INVOKED], 1);
		CU_ASSERT_TRUE(t.a.linked);
		CU_ASSERT_PTR_EQUAL(t.a.linked_request, &t);
		two_free(&t);
	}
}

static void
only_the_side_that_may_invokes(void)
{
	static const struct {
		enum rose_association_class class;
		bool a, b;
	} rows[] = {{ROSE_INITIATOR_INVOKES, true, false},
	    {ROSE_RESPONDER_INVOKES, false, true},
	    {ROSE_BOTH_INVOKE, true, true}};

	for (size_t i = 0; i < 3; i++) {
		struct rose_params a = params(ROSE_OVER_RTSE, OSI_INITIATOR);
		struct rose_params b = params(ROSE_OVER_RTSE, OSI_RESPONDER);
		struct two t;

		t.b.refuse = t.b.leave_bind = false;
		a.class = b.class = rows[i].class;
		two_new(&t, &a, &b);
		CU_ASSERT_EQUAL(
		    invoke(&t, &t.a, 1, &t), rows[i].a ? 0 : ERR_PROTOCOL);
		CU_ASSERT_EQUAL(
		    invoke(&t, &t.b, 1, &t), rows[i].b ? 0 : ERR_PROTOCOL);
		two_free(&t);
	}
}

static void
open_invocations_are_bounded_and_lost_with_the_association(void)
{
	for (EACH_CARRIER(c)) {
		struct rose_params a = params(carriers[c], OSI_INITIATOR);
		struct rose_params b = params(carriers[c], OSI_RESPONDER);
		struct two t;

		t.b.refuse = t.b.leave_bind = false;
		a.max_invoking = 3;
		b.max_invoked = 2;
		two_new(&t, &a, &b);
		for (int i = 0; i < 3; i++)
			CU_ASSERT_EQUAL(invoke(&t, &t.a, 1, &t), 0);
		CU_ASSERT_EQUAL(t.a.count[ROSE_REJECTED], 1);
		CU_ASSERT_EQUAL(t.a.problem, ROSE_RESOURCE_LIMITATION);
		CU_ASSERT_PTR_EQUAL(t.a.request, &t);
		CU_ASSERT_EQUAL(invoke(&t, &t.a, 1, &t), 0);
		CU_ASSERT_EQUAL(t.a.count[ROSE_REJECTED], 2);
		rose_abort(t.b.r, "test");
		run(&t);
		CU_ASSERT_EQUAL(t.a.count[ROSE_LOST], 2);
		CU_ASSERT_EQUAL(t.a.count[ROSE_ABORTED], 1);
		two_free(&t);
	}
}

static void
a_long_argument_arrives_whole_or_not_at_all(void)
{
	for (EACH_CARRIER(c)) {
		struct rose_params a = params(carriers[c], OSI_INITIATOR);
		struct rose_params b = params(carriers[c], OSI_RESPONDER);
		struct rose_invocation q = {.code = {NULL, 2}};
		struct buf v = {0};
		struct err e = ERR_INIT;
		struct two t;

		t.b.refuse = t.b.leave_bind = false;
		a.max_apdu = 200000;
		b.max_apdu = 100000;
		ber_put_header(
		    &v, BER_UNIVERSAL, false, BER_OCTET_STRING, 90000);
		memset(buf_reserve(&v, 190000), 'x', 190000);
		buf_grow(&v, 90000);
		two_new(&t, &a, &b);
		q.argument = (struct octets){v.data, v.len};
		CU_ASSERT_EQUAL(rose_invoke(t.a.r, &q, NULL, &e), 0);
		run(&t);
		CU_ASSERT_EQUAL(t.b.value.len, v.len);
		CU_ASSERT_EQUAL(memcmp(t.b.value.data, v.data, v.len), 0);
		buf_clear(&v);
		ber_put_header(
		    &v, BER_UNIVERSAL, false, BER_OCTET_STRING, 150000);
		memset(buf_reserve(&v, 150000), 'x', 150000);
		buf_grow(&v, 150000);
		q.argument = (struct octets){v.data, v.len};
		CU_ASSERT_EQUAL(rose_invoke(t.a.r, &q, NULL, &e), 0);
		run(&t);
		CU_ASSERT_EQUAL(t.b.count[ROSE_INVOKED], 1);
		CU_ASSERT_TRUE(t.a.count[ROSE_LOST] > 0);
		q.argument.n = 300000;
		two_free(&t);
		buf_free(&v);
	}
}

/* --- a peer that errs --- */

static const struct {
	const char *name;
	int ours; /* an operation that we have open with id 1, or -1 */
	const char *apdu;
	int class, problem; /* of our reject; class -1: none */
} wrongs[] = {
    {"unknown APDU", -1, "a503 020105", 0, 0},
    {"universal APDU", -1, "3003 020105", 0, 0},
    {"primitive APDU", -1, "8100", 0, 1},
    {"no id", -1, "a100", 0, 1},
    {"no operation", -1, "a103 020105", 0, 1},
    {"a field too many", -1, "a10a 020105 020102 0500 0500", 0, 1},
    {"half an APDU", -1, "a105 0201", 0, 2},
    {"octets behind", -1, "a106 020105 020102 00", 0, 2},
    {"unknown local operation", -1, "a106 020105 020163", 1, 1},
    {"unknown global operation", -1, "a107 020105 06022a03", 1, 1},
    {"unknown linked id", -1, "a109 020105 800107 020114", 1, 5},
    {"parent without children", 0, "a109 020105 800101 020114", 1, 6},
    {"not a child of its parent", 1, "a109 020105 800101 020102", 1, 7},
    {"result of nothing", -1, "a203 020101", 2, 0},
    {"result of class 3", 2, "a203 020101", 2, 1},
    {"result of another operation", 0, "a20a 020101 3005 020102 0500", 2, 2},
    {"result without value", 0, "a208 020101 3003 020101", 0, 1},
    {"error of nothing", -1, "a306 020101 020101", 3, 0},
    {"error of class 4", 3, "a306 020101 020101", 3, 1},
    {"error that nobody has", 0, "a306 020101 020163", 3, 2},
    {"error of another operation", 0, "a306 020101 020102", 3, 3},
    {"reject of an unknown one", -1, "a406 020109 810101", -1, 0},
    {"reject without id", -1, "a405 0500 800101", -1, 0},
    {"reject with a new problem", -1, "a405 0500 800163", -1, 0},
    {"unreadable reject", -1, "a402 0500", -1, 0},
    {"reject of class 4", -1, "a405 0500 840101", -1, 0},
    {"good", -1, "a106 020105 020102", -1, 0},
};

static void
every_wrong_apdu_gets_its_problem(void)
{
	for (EACH_CARRIER(c))
		for (size_t i = 0; i < sizeof(wrongs) / sizeof(*wrongs); i++) {
			struct two t;
			struct buf b = {0};

			bound(&t, carriers[c]);
			if (wrongs[i].ours >= 0)
				CU_ASSERT_EQUAL(
				    invoke(&t, &t.a, wrongs[i].ours, &t), 0);
			wire_hex(&b, wrongs[i].apdu);
			rose_take_apdu(t.a.r, b.data, b.len);
			run(&t);
			if (t.b.count[ROSE_REJECTED] !=
				(wrongs[i].class >= 0) ||
			    (wrongs[i].class >= 0 &&
				(t.b.class != wrongs[i].class ||
				    t.b.problem != wrongs[i].problem)))
				printf("\n  %s: %d.%d\n", wrongs[i].name,
				    t.b.class, t.b.problem);
			CU_ASSERT_EQUAL(
			    t.b.count[ROSE_REJECTED], wrongs[i].class >= 0);
			if (wrongs[i].class >= 0) {
				CU_ASSERT_EQUAL(t.b.class, wrongs[i].class);
				CU_ASSERT_EQUAL(t.b.problem, wrongs[i].problem);
			}
			CU_ASSERT_TRUE(rose_is_bound(t.a.r));
			buf_free(&b);
			two_free(&t);
		}
}

static void
a_second_invocation_with_an_open_id_is_a_duplicate(void)
{
	struct two t;
	const uint8_t apdu[] = {0xa1, 6, 2, 1, 5, 2, 1, 2};

	bound(&t, ROSE_OVER_RTSE);
	rose_take_apdu(t.a.r, apdu, sizeof(apdu));
	rose_take_apdu(t.a.r, apdu, sizeof(apdu));
	run(&t);
	CU_ASSERT_EQUAL(t.a.count[ROSE_INVOKED], 1);
	CU_ASSERT_EQUAL(t.b.class, ROSE_INVOKE);
	CU_ASSERT_EQUAL(t.b.problem, ROSE_DUPLICATE_INVOCATION);
	two_free(&t);
}

static void
our_user_rejects_arguments_and_answers(void)
{
	for (EACH_CARRIER(c)) {
		struct two t;
		struct err e = ERR_INIT;

		bound(&t, carriers[c]);
		CU_ASSERT_EQUAL(invoke(&t, &t.a, 1, &t), 0);
		CU_ASSERT_EQUAL(rose_reject(t.b.r, t.b.id, ROSE_INVOKE,
				    ROSE_MISTYPED_ARGUMENT, &e),
		    0);
		run(&t);
		CU_ASSERT_EQUAL(t.a.count[ROSE_REJECTED], 1);
		CU_ASSERT_PTR_EQUAL(t.a.request, &t);
		CU_ASSERT_EQUAL(t.a.problem, ROSE_MISTYPED_ARGUMENT);
		t.b.echo = true;
		CU_ASSERT_EQUAL(invoke(&t, &t.a, 1, &t), 0);
		CU_ASSERT_EQUAL(rose_reject(t.a.r, t.a.id, ROSE_RETURN_RESULT,
				    ROSE_MISTYPED_RESULT, &e),
		    0);
		run(&t);
		CU_ASSERT_EQUAL(t.b.count[ROSE_REJECTED], 1);
		CU_ASSERT_PTR_NULL(t.b.request);
		CU_ASSERT_EQUAL(t.b.class, ROSE_RETURN_RESULT);
		two_free(&t);
	}
}

static void
who_releases_performs_no_more(void)
{
	struct two t;
	struct err e = ERR_INIT;
	const uint8_t apdu[] = {0xa1, 6, 2, 1, 5, 2, 1, 2};

	bound(&t, ROSE_OVER_RTSE);
	/* the turn is at the other side: the release has to wait */
	CU_ASSERT_EQUAL(invoke(&t, &t.b, 4, NULL), 0);
	CU_ASSERT_EQUAL(rose_unbind(t.a.r, &e), 0);
	rose_take_apdu(t.a.r, apdu, sizeof(apdu));
	run(&t);
	CU_ASSERT_EQUAL(t.b.problem, ROSE_INITIATOR_RELEASING);
	CU_ASSERT_EQUAL(t.b.count[ROSE_UNBIND_IND], 1);
	CU_ASSERT_EQUAL(t.a.count[ROSE_UNBIND_CNF], 1);
	CU_ASSERT_EQUAL(rose_unbind(t.b.r, &e), ERR_PROTOCOL);
	two_free(&t);
}

static void
a_peer_that_reads_no_rejects_is_aborted(void)
{
	struct two t;
	const uint8_t apdu[] = {0xa5, 0};

	bound(&t, ROSE_OVER_RTSE);
	/* the responder has no turn, so its rejects wait */
	for (int i = 0; i < 200; i++)
		rose_take_apdu(t.b.r, apdu, sizeof(apdu));
	CU_ASSERT_EQUAL(t.b.count[ROSE_ABORTED], 1);
	run(&t);
	CU_ASSERT_EQUAL(t.a.count[ROSE_ABORTED], 1);
	two_free(&t);
}

/* Over presentation what the socket does not take waits too, and is bounded. */
static void
rejects_that_no_socket_takes_are_bounded_over_presentation(void)
{
	struct two t;
	const uint8_t apdu[] = {0xa5, 0};
	size_t most = 0;

	bound(&t, ROSE_OVER_PRESENTATION);
	for (int i = 0; i < 100000 && t.b.count[ROSE_ABORTED] == 0; i++) {
		size_t waits = rose_engine_ops.output(t.b.r)->len;

		most = waits > most ? waits : most;
		rose_take_apdu(t.b.r, apdu, sizeof(apdu));
	}
	CU_ASSERT_EQUAL(t.b.count[ROSE_ABORTED], 1);
	CU_ASSERT_TRUE(most < ROSE_OUTPUT_MAX + 1000);
	run(&t);
	CU_ASSERT_EQUAL(t.a.count[ROSE_ABORTED], 1);
	two_free(&t);
}

/* Long ones, to a peer that reads slowly: all of them arrive in the end. */
static void
answers_wait_for_the_socket_and_arrive_all(void)
{
	struct two t;
	struct err e = ERR_INIT;
	struct buf v = {0};
	struct octets value;
	int32_t ids[10];

	bound(&t, ROSE_OVER_PRESENTATION);
	for (int i = 0; i < 10; i++) {
		CU_ASSERT_EQUAL(invoke(&t, &t.a, 1, &t), 0);
		ids[i] = t.b.id;
	}
	ber_put_header(&v, BER_UNIVERSAL, false, BER_OCTET_STRING, 200000);
	memset(buf_reserve(&v, 200000), 'x', 200000);
	buf_grow(&v, 200000);
	value = (struct octets){v.data, v.len};
	for (int i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(rose_result(t.b.r, ids[i], &value, &e), 0);
	CU_ASSERT_TRUE(rose_engine_ops.output(t.b.r)->len <
	    ROSE_OUTPUT_MAX + v.len + 1000);
	run(&t);
	CU_ASSERT_EQUAL(t.a.count[ROSE_RESULT], 10);
	/* an unbind waits for what was invoked before it */
	for (int i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(
		    rose_invoke(t.a.r,
			&(struct rose_invocation){
			    .code = operations[4].code, .argument = value},
			NULL, &e),
		    0);
	CU_ASSERT_EQUAL(rose_unbind(t.a.r, &e), 0);
	run(&t);
	CU_ASSERT_EQUAL(t.b.count[ROSE_INVOKED], 14);
	CU_ASSERT_EQUAL(t.a.count[ROSE_UNBIND_CNF], 1);
	two_free(&t);
	buf_free(&v);
}

/* Over presentation a responder says why (X.227 diagnostics). */
static void
an_association_that_does_not_fit_is_refused_with_its_reason(void)
{
	static const struct {
		const char *context, *syntax;
		int diagnostic;
	} rows[] = {
	    {"2.6.0.1.3", "2.6.0.2.4", ACSE_DIAG_CONTEXT_NAME_NOT_SUPPORTED},
	    {"2.6.0.1.3", "2.6.0.2.5", ACSE_DIAG_CONTEXT_NAME_NOT_SUPPORTED},
	    {"2.6.0.1.2", "2.6.0.2.5", ACSE_DIAG_NO_REASON},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct rose_params a =
		    params(ROSE_OVER_PRESENTATION, OSI_INITIATOR);
		struct rose_params b =
		    params(ROSE_OVER_PRESENTATION, OSI_RESPONDER);
		struct two t;

		a.stack.application_context = rows[i].context;
		a.stack.apdu_syntax = rows[i].syntax;
		t.b.refuse = t.b.leave_bind = false;
		two_new(&t, &a, &b);
		CU_ASSERT_EQUAL(t.b.count[ROSE_ABORTED], 1);
		CU_ASSERT_EQUAL(t.b.err.detail, rows[i].diagnostic);
		CU_ASSERT_EQUAL(t.a.count[ROSE_BIND_REFUSED], 1);
		CU_ASSERT_EQUAL(t.a.diagnostic, rows[i].diagnostic);
		two_free(&t);
	}
}

/* Every request in every state in which it does not belong. */
static void
requests_out_of_state_are_refused(void)
{
	const struct octets null = {(const uint8_t *)"\5\0", 2};
	const struct rose_code code = {NULL, 1};
	struct rose_invocation q = {.code = {NULL, 2}};

	for (int s = ROSE_UNBOUND; s <= ROSE_CLOSED; s++) {
		struct rose_params p = params(ROSE_OVER_RTSE, OSI_INITIATOR);
		struct side x = {0};
		struct err e = ERR_INIT;

		x.r = rose_new(&p, event, &x, 1000);
		x.r->state = (enum rose_state)s;
		if (s != ROSE_UNBOUND)
			CU_ASSERT_EQUAL(
			    rose_bind(x.r, &null, &e), ERR_PROTOCOL);
		if (s != ROSE_WAIT_BIND_RSP) {
			CU_ASSERT_EQUAL(
			    rose_bind_accept(x.r, &null, &e), ERR_PROTOCOL);
			CU_ASSERT_EQUAL(
			    rose_bind_refuse(x.r, &null, &e), ERR_PROTOCOL);
		}
		if (s != ROSE_BOUND) {
			CU_ASSERT_EQUAL(
			    rose_invoke(x.r, &q, NULL, &e), ERR_PROTOCOL);
			CU_ASSERT_EQUAL(rose_unbind(x.r, &e), ERR_PROTOCOL);
			rose_take_apdu(x.r, (const uint8_t *)"\xa5", 1);
		}
		CU_ASSERT_EQUAL(rose_result(x.r, 1, &null, &e), ERR_PROTOCOL);
		CU_ASSERT_EQUAL(
		    rose_error(x.r, 1, &code, NULL, &e), ERR_PROTOCOL);
		CU_ASSERT_EQUAL(rose_done(x.r, 1, &e), ERR_PROTOCOL);
		CU_ASSERT_EQUAL(
		    rose_reject(x.r, 1, ROSE_INVOKE, 2, &e), ERR_PROTOCOL);
		CU_ASSERT_EQUAL(rose_forget(x.r, 1, &e), ERR_PROTOCOL);
		CU_ASSERT_EQUAL((int)x.r->state, s);
		side_free(&x);
	}
}

/* --- the APDUs as octets --- */

static void
apdus_survive_the_way_there_and_back(void)
{
	static const char *const rows[] = {
	    "a106 020105 020102",
	    "a10b 020105 800107 020102 0500",
	    "a10a 0201ff 06032b0102 0500",
	    "a203 020105",
	    "a20a 020105 3005 020102 0500",
	    "a308 020105 020102 0500",
	    "a406 020105 830104",
	    "a405 0500 800102",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct arena *a = arena_new();
		struct buf in = {0}, out = {0};
		struct rose_apdu u;
		struct err e = ERR_INIT;

		wire_hex(&in, rows[i]);
		CU_ASSERT_EQUAL(
		    rose_apdu_decode(a, in.data, in.len, &u, &e), 0);
		CU_ASSERT_EQUAL(rose_apdu_encode(&u, &out, &e), 0);
		CU_ASSERT_EQUAL_FATAL(out.len, in.len);
		CU_ASSERT_EQUAL(memcmp(out.data, in.data, in.len), 0);
		buf_free(&in);
		buf_free(&out);
		arena_free(&a);
	}
}

/* --- a recording --- */

/* The recorded responder answers even operations with a result, odd ones with
 * an error of the next higher number. */
static void
recorded(void *user, const struct rose_event *ev)
{
	struct side *s = user;
	struct err e = ERR_INIT;
	const struct octets none = {0};
	int rc = 0;

	s->count[ev->type]++;
	if (ev->type == ROSE_BIND_IND)
		rc = rose_bind_accept(s->r, &none, &e);
	else if (ev->type == ROSE_INVOKED && ev->operation->code.local % 2 == 0)
		rc = rose_result(s->r, ev->id, &ev->value, &e);
	else if (ev->type == ROSE_INVOKED)
		rc = rose_error(
		    s->r, ev->id, ev->operation->errors, &ev->value, &e);
	CU_ASSERT_EQUAL(rc, 0);
}

/* The answers of an independent stack, octet by octet, from presentation up
 * (our session negotiated segmenting, and so says that a TSDU is whole). */
static void
our_responder_answers_a_recorded_invoker(void)
{
	struct rose_params p = params(ROSE_OVER_PRESENTATION, OSI_RESPONDER);
	struct rose_operation ops[10] = {0};
	struct rose_code errors[10] = {0};
	struct buf in = {0}, want = {0};
	struct side s = {0};
	unsigned answers = 0;

	for (int i = 0; i < 10; i++) {
		errors[i].local = i + 1;
		ops[i] = (struct rose_operation){.name = "recorded",
		    .code = {NULL, i},
		    .class = ROSE_CLASS_2,
		    .errors = &errors[i],
		    .n_errors = 1};
	}
	p.operations = ops;
	p.n_operations = 10;
	p.stack.apdu_syntax = "1.0.8824";
	p.stack.application_context = "1.17.0.1.1";
	s.r = rose_new(&p, recorded, &s, 1000);
	wire_vector(&in, "isode-rtse-twa-echo-3.initiator");
	wire_vector(&want, "isode-rtse-twa-echo-3.responder");
	rose_engine_ops.input(s.r, in.data, in.len, 1000);
	CU_ASSERT_EQUAL(s.count[ROSE_INVOKED], 10);
	CU_ASSERT_EQUAL(s.count[ROSE_UNBIND_IND], 1);
	CU_ASSERT_EQUAL(s.count[ROSE_ABORTED], 0);
	for (size_t at = 0; at < want.len;) {
		size_t n = (size_t)want.data[at + 2] << 8 | want.data[at + 3];
		struct buf *out = rose_engine_ops.output(s.r);

		/* TPKT, DT TPDU, GT and DT SPDUs */
		if (want.data[at + 7] == 1) {
			answers++;
			CU_ASSERT_PTR_NOT_NULL(memmem(
			    out->data, out->len, want.data + at + 11, n - 11));
		}
		at += n;
	}
	CU_ASSERT_EQUAL(answers, 10);
	side_free(&s);
	buf_free(&in);
	buf_free(&want);
}

void
suite_osi_rose(void)
{
	static CU_TestInfo tests[] = {
	    TEST(operations_are_invoked_and_answered_both_ways),
	    TEST(a_refused_bind_carries_its_error),
	    TEST(each_class_has_its_answers),
	    TEST(class_5_ends_when_it_is_sent),
	    TEST(a_synchronous_operation_holds_the_next_one),
	    TEST(a_child_is_linked_to_its_parent),
	    TEST(only_the_side_that_may_invokes),
	    TEST(open_invocations_are_bounded_and_lost_with_the_association),
	    TEST(a_long_argument_arrives_whole_or_not_at_all),
	    TEST(every_wrong_apdu_gets_its_problem),
	    TEST(a_second_invocation_with_an_open_id_is_a_duplicate),
	    TEST(our_user_rejects_arguments_and_answers),
	    TEST(who_releases_performs_no_more),
	    TEST(a_peer_that_reads_no_rejects_is_aborted),
	    TEST(rejects_that_no_socket_takes_are_bounded_over_presentation),
	    TEST(answers_wait_for_the_socket_and_arrive_all),
	    TEST(an_association_that_does_not_fit_is_refused_with_its_reason),
	    TEST(requests_out_of_state_are_refused),
	    TEST(our_responder_answers_a_recorded_invoker),
	    TEST(apdus_survive_the_way_there_and_back),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("osi_rose", tests);
}
