/*
 * Each state of ROSE with each APDU of the peer and each request of our user,
 * over both carriers (X.229 7 and 8): it is acted upon, rejected, or passed over
 * without a trace.
 */
#include "tests/unit/osi_rose_two.h"

/* A release that has been asked for waits over RTSE for the turn; RELEASED: it
 * was sent. Presentation sends it at once. */
enum place {
	UNBOUND,
	WAIT_BIND_CNF,
	WAIT_BIND_RSP,
	BOUND,
	RELEASING,
	RELEASED,
	CLOSED,
	PLACES
};

static const enum rose_state states[] = {
    [UNBOUND] = ROSE_UNBOUND,
    [WAIT_BIND_CNF] = ROSE_WAIT_BIND_CNF,
    [WAIT_BIND_RSP] = ROSE_WAIT_BIND_RSP,
    [BOUND] = ROSE_BOUND,
    [RELEASING] = ROSE_RELEASING,
    [RELEASED] = ROSE_RELEASING,
    [CLOSED] = ROSE_CLOSED,
};

static const struct octets null = {(const uint8_t *)"\5\0", 2};

/* Each side has an invocation of class 2 open, its first, and one of class 3,
 * its second; the turn is with the initiator, or not. */
static void
reach_bound(struct two *t, enum rose_carrier carrier, bool turn)
{
	bound(t, carrier);
	for (int last = 0; last < 2; last++) {
		struct side *s = (last == 1) == turn ? &t->a : &t->b;

		CU_ASSERT_EQUAL(invoke(t, s, 1, s), 0);
		CU_ASSERT_EQUAL(invoke(t, s, 2, s), 0);
	}
	CU_ASSERT_EQUAL_FATAL(rose_open_invoking(t->a.r), 2);
	CU_ASSERT_EQUAL_FATAL(rose_open_invoked(t->a.r), 2);
}

static struct side *
reach(struct two *t, enum rose_carrier carrier, enum place place)
{
	struct rose_params a = params(carrier, OSI_INITIATOR);
	struct rose_params b = params(carrier, OSI_RESPONDER);
	struct err e = ERR_INIT;

	*t = (struct two){.b.leave_bind = place == WAIT_BIND_RSP};
	if (place <= WAIT_BIND_CNF) {
		t->a.r = rose_new(&a, event, &t->a, 1000);
		if (place == WAIT_BIND_CNF)
			CU_ASSERT_EQUAL(rose_bind(t->a.r, &null, &e), 0);
	} else if (place == WAIT_BIND_RSP) {
		two_new(t, &a, &b);
		return &t->b;
	} else {
		reach_bound(t, carrier, place != RELEASING);
	}
	if (place == RELEASING || place == RELEASED)
		CU_ASSERT_EQUAL(rose_unbind(t->a.r, &e), 0);
	if (place == CLOSED)
		rose_engine_ops.closed(t->a.r, NULL, 1000);
	return &t->a;
}

static struct side *
reached(struct two *t, enum rose_carrier carrier, enum place place)
{
	struct side *s = reach(t, carrier, place);

	CU_ASSERT_EQUAL_FATAL(s->r->state, states[place]);
	CU_ASSERT_EQUAL(s->r->releasing, place == RELEASED);
	return s;
}

static bool
is_there(enum rose_carrier carrier, enum place place)
{
	return carrier == ROSE_OVER_RTSE || place != RELEASING;
}

static unsigned
events_of(const struct side *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < sizeof(s->count) / sizeof(*s->count); i++)
		n += s->count[i];
	return n;
}

static size_t
octets_of(struct side *s)
{
	return s->r->n_out + rose_engine_ops.output(s->r)->len;
}

/* --- from the peer --- */

/* e: our user hears of it; r: it is rejected; L: the same, and our user has lost
 * an invocation; l: lost, and no longer to be rejected; .: passed over */
/* clang-format off */
static const struct {
	const char *apdu;
	const char *expect;
	enum rose_event_type event;
} rows[] = {
    /* an invocation; with an id that is open; of no operation */
    {"a106 020109 020102", "..." "er." ".", ROSE_INVOKED},
    {"a106 020101 020102", "..." "rr." ".", ROSE_INVOKED},
    {"a106 020109 020163", "..." "rr." ".", ROSE_INVOKED},
    /* a child; of what has none; of nothing */
    {"a109 020109 800101 020114", "..." "er." ".", ROSE_INVOKED},
    {"a109 020109 800102 020114", "..." "rr." ".", ROSE_INVOKED},
    {"a109 020109 800109 020114", "..." "rr." ".", ROSE_INVOKED},
    /* a result; of another operation; of class 3; of nothing */
    {"a203 020101", "..." "eee" ".", ROSE_RESULT},
    {"a20a 020101 3005 020101 0500", "..." "LLl" ".", ROSE_LOST},
    {"a203 020102", "..." "LLl" ".", ROSE_LOST},
    {"a203 020109", "..." "rr." ".", ROSE_RESULT},
    /* an error; one that is another's; that is nobody's; of nothing */
    {"a306 020101 020101", "..." "eee" ".", ROSE_ERROR},
    {"a306 020101 020102", "..." "LLl" ".", ROSE_LOST},
    {"a306 020101 020163", "..." "LLl" ".", ROSE_LOST},
    {"a306 020109 020101", "..." "rr." ".", ROSE_ERROR},
    /* a reject of an invocation; of a result; of nothing; without id */
    {"a406 020101 810101", "..." "eee" ".", ROSE_REJECTED},
    {"a406 020101 820102", "..." "eee" ".", ROSE_REJECTED},
    {"a406 020109 810101", "..." "eee" ".", ROSE_REJECTED},
    {"a405 0500 800101", "..." "eee" ".", ROSE_REJECTED},
    /* no APDU; half of one; a reject that cannot be read */
    {"a503 020105", "..." "rr." ".", ROSE_REJECTED},
    {"a105 0201", "..." "rr." ".", ROSE_REJECTED},
    {"a402 0500", "..." "..." ".", ROSE_REJECTED},
};
/* clang-format on */

static char
outcome(struct side *s, size_t row)
{
	unsigned events = events_of(s), told = s->count[rows[row].event];
	size_t octets = octets_of(s);
	struct buf b = {0};
	bool rejected, heard;

	wire_hex(&b, rows[row].apdu);
	rose_take_apdu(s->r, b.data, b.len);
	buf_free(&b);
	rejected = octets_of(s) > octets;
	heard = s->count[rows[row].event] == told + 1;
	CU_ASSERT_EQUAL(events_of(s), events + heard);
	if (heard && rows[row].event == ROSE_LOST)
		return rejected ? 'L' : 'l';
	CU_ASSERT(!heard || !rejected);
	return heard ? 'e' : rejected ? 'r' : '.';
}

static void
each_state_with_each_apdu(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (int n = 0; n < 2 * PLACES; n++) {
			enum rose_carrier carrier = carriers[n / PLACES];
			enum place place = (enum place)(n % PLACES);
			struct side *s;
			struct two t;
			char got;

			CU_ASSERT_EQUAL_FATAL(strlen(rows[i].expect), PLACES);
			if (!is_there(carrier, place))
				continue;
			s = reached(&t, carrier, place);
			got = outcome(s, i);
			CU_ASSERT_EQUAL(got, rows[i].expect[place]);
			if (got != rows[i].expect[place])
				printf("\n  %s, carrier %d, place %d: %c",
				    rows[i].apdu, (int)carrier, (int)place,
				    got);
			CU_ASSERT_EQUAL(s->r->state, states[place]);
			two_free(&t);
		}
}

/* --- from our user --- */

static int
ask_bind(struct rose *r, struct err *e)
{
	return rose_bind(r, &null, e);
}

static int
ask_accept(struct rose *r, struct err *e)
{
	return rose_bind_accept(r, &null, e);
}

static int
ask_refuse(struct rose *r, struct err *e)
{
	return rose_bind_refuse(r, &null, e);
}

static int
ask_invoke(struct rose *r, struct err *e)
{
	const struct rose_invocation q = {.code = {NULL, 2}};

	return rose_invoke(r, &q, NULL, e);
}

static int
ask_child(struct rose *r, struct err *e)
{
	const struct rose_invocation q = {
	    .code = {NULL, 20}, .linked = true, .linked_id = 1};

	return rose_invoke(r, &q, NULL, e);
}

static int
ask_result(struct rose *r, struct err *e)
{
	return rose_result(r, 1, &null, e);
}

static int
ask_error(struct rose *r, struct err *e)
{
	const struct rose_code code = {NULL, 1};

	return rose_error(r, 1, &code, NULL, e);
}

static int
ask_done(struct rose *r, struct err *e)
{
	return rose_done(r, 2, e);
}

static int
ask_reject_invoke(struct rose *r, struct err *e)
{
	return rose_reject(r, 1, ROSE_INVOKE, ROSE_MISTYPED_ARGUMENT, e);
}

static int
ask_reject_result(struct rose *r, struct err *e)
{
	return rose_reject(r, 1, ROSE_RETURN_RESULT, ROSE_MISTYPED_RESULT, e);
}

static int
ask_reject_general(struct rose *r, struct err *e)
{
	return rose_reject(r, 1, ROSE_GENERAL, ROSE_MISTYPED_APDU, e);
}

static int
ask_forget(struct rose *r, struct err *e)
{
	return rose_forget(r, 2, e);
}

/* clang-format off */
static const struct {
	int (*ask)(struct rose *, struct err *);
	const char *expect; /* y: done, n: refused */
} requests[] = {
    {ask_bind, "ynn" "nnn" "n"},
    {ask_accept, "nny" "nnn" "n"},
    {ask_refuse, "nny" "nnn" "n"},
    {rose_unbind, "nnn" "ynn" "n"},
    {ask_invoke, "nnn" "ynn" "n"},
    {ask_child, "nnn" "ynn" "n"},
    {ask_result, "nnn" "yyn" "n"},
    {ask_error, "nnn" "yyn" "n"},
    {ask_done, "nnn" "yyn" "n"},
    {ask_reject_invoke, "nnn" "yyn" "n"},
    {ask_reject_result, "nnn" "yyn" "n"},
    {ask_reject_general, "nnn" "nnn" "n"},
    {ask_forget, "nnn" "yyy" "n"},
};
/* clang-format on */

static void
try_request(size_t i, enum rose_carrier carrier, enum place place)
{
	struct err e = ERR_INIT;
	struct two t;
	struct side *s = reached(&t, carrier, place);
	unsigned events = events_of(s);
	size_t octets = octets_of(s);
	int rc = requests[i].ask(s->r, &e);
	bool done = requests[i].expect[place] == 'y';

	CU_ASSERT_EQUAL(rc, done ? 0 : ERR_PROTOCOL);
	if (rc != (done ? 0 : ERR_PROTOCOL))
		printf("\n  request %zu, carrier %d, place %d: %d %s", i,
		    (int)carrier, (int)place, rc, e.text);
	CU_ASSERT_EQUAL(events_of(s), events);
	if (!done) {
		CU_ASSERT_EQUAL(s->r->state, states[place]);
		CU_ASSERT_EQUAL(octets_of(s), octets);
	}
	two_free(&t);
}

static void
each_state_with_each_request(void)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++)
		for (int n = 0; n < 2 * PLACES; n++) {
			enum rose_carrier carrier = carriers[n / PLACES];
			enum place place = (enum place)(n % PLACES);

			if (is_there(carrier, place))
				try_request(i, carrier, place);
		}
}

/* A lost connection ends the association with one event, after one for each
 * invocation of ours; an abort of ours with none. Nothing follows. */
static void
each_state_ends(void)
{
	for (int n = 0; n < 4 * PLACES; n++) {
		enum rose_carrier carrier = carriers[n / PLACES % 2];
		enum place place = (enum place)(n % PLACES);
		bool abort_it = n >= 2 * PLACES;
		unsigned events, lost;
		struct side *s;
		struct two t;

		if (!is_there(carrier, place))
			continue;
		s = reached(&t, carrier, place);
		events = events_of(s);
		lost = (unsigned)rose_open_invoking(s->r);
		if (abort_it)
			rose_abort(s->r, "test");
		else
			rose_engine_ops.closed(s->r, NULL, 1000);
		CU_ASSERT_EQUAL(events_of(s),
		    events + (abort_it || place == CLOSED ? 0 : 1 + lost));
		CU_ASSERT_EQUAL(s->r->state, ROSE_CLOSED);
		if (s->r->state != ROSE_CLOSED)
			printf("\n  carrier %d, place %d", (int)carrier,
			    (int)place);
		events = events_of(s);
		rose_engine_ops.closed(s->r, NULL, 1000);
		rose_abort(s->r, "again");
		CU_ASSERT_EQUAL(events_of(s), events);
		CU_ASSERT_EQUAL(rose_open_invoking(s->r), 0);
		two_free(&t);
	}
}

void
suite_osi_rose_matrix(void)
{
	static CU_TestInfo tests[] = {
	    TEST(each_state_with_each_apdu),
	    TEST(each_state_with_each_request),
	    TEST(each_state_ends),
	    CU_TEST_INFO_NULL,
	};

	unit_suite("osi_rose_matrix", tests);
}
