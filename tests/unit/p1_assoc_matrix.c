/* Each state of the engine with each request of its user and each thing that
 * can happen below: what the request returns, and whether the association
 * lives on. */
#include "tests/unit/p1_pair.h"

enum at {
	AT_NEW,       /* not started */
	AT_BINDING,   /* bind sent, no answer yet */
	AT_IDLE,      /* open, our turn */
	AT_LISTENING, /* open, the peer's turn */
	AT_SENDING,   /* content still to be given */
	AT_SENT,      /* the peer has to answer */
	AT_RECEIVING, /* an APDU comes in */
	AT_ANSWERING, /* it is whole; we have to answer */
	AT_CLOSING,   /* release requested */
	AT_DEAD,
	STATES
};

static const char *const state_names[STATES] = {"new", "binding", "idle",
    "listening", "sending", "sent", "receiving", "answering", "closing",
    "dead"};

/* Whose engine is looked at: the responder is where things come in. */
static struct end *
subject(struct pair *w, enum at at)
{
	return at == AT_LISTENING || at == AT_RECEIVING || at == AT_ANSWERING
	    ? &w->b
	    : &w->a;
}

static uint8_t content[40000];

static void
send_first(struct pair *w, size_t n)
{
	struct arena *a = arena_new();
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL(p1_send(w->a.p, make(a, MHS_MESSAGE, "m1"), n, &e), 0);
	w->a.to_send = content;
	w->a.left = n;
	arena_free(&a);
}

static void
bring_to(struct pair *w, enum at at)
{
	struct p1_params q = params(OSI_INITIATOR), b = params(OSI_RESPONDER);
	struct err e = ERR_INIT;

	*w = (struct pair){.now = 1000, .chunk = 4096};
	q.dialogue = RTSE_TWO_WAY_ALTERNATE;
	w->a.p = p1_new(&q, on_event, &w->a, w->now);
	w->b.p = p1_new(&b, on_event, &w->b, w->now);
	if (at == AT_NEW)
		return;
	CU_ASSERT_EQUAL(p1_start(w->a.p, &e), 0);
	if (at == AT_BINDING)
		return;
	pump(w);
	w->b.hold_answer = true;
	switch (at) {
	case AT_SENDING: send_first(w, sizeof(content)); break;
	case AT_SENT:
		send_first(w, 5);
		send_more(&w->a);
		break;
	case AT_RECEIVING:
		send_first(w, sizeof(content));
		send_more(&w->a);
		for (int i = 0; i < 2; i++)
			move(w, &w->a, &w->b);
		break;
	case AT_ANSWERING:
		send_first(w, 5);
		send_more(&w->a);
		pump(w);
		break;
	case AT_CLOSING: p1_close(w->a.p); break;
	case AT_DEAD: p1_abort(w->a.p, "test"); break;
	default: break;
	}
}

/* --- requests --- */

static int
do_start(struct end *x)
{
	struct err e = ERR_INIT;

	return p1_start(x->p, &e);
}

static int
do_send(struct end *x)
{
	struct arena *a = arena_new();
	struct err e = ERR_INIT;
	int r = p1_send(x->p, make(a, MHS_PROBE, "p2"), 0, &e);

	arena_free(&a);
	return r;
}

static int
do_content(struct end *x)
{
	struct err e = ERR_INIT;
	int64_t n = p1_send_content(x->p, content, 1, &e);

	return n < 0 ? (int)n : 0;
}

static int
do_resume(struct end *x)
{
	struct p1_resume at = {
	    .rtse = {.activity = {.id_n = 3,
			 .id = {2, 1, 1},
			 .association = {.user_n = 1, .common_n = 1}},
		.serial = 1,
		.total = 9,
		.offset = 5},
	    .head = {content, 4},
	    .content_n = 5};
	struct err e = ERR_INIT;
	uint64_t offset;
	int r = p1_send_resume(x->p, &at, &offset, &e);

	if (r == 0)
		CU_ASSERT_EQUAL(offset, 1);
	return r;
}

static int
do_accept(struct end *x)
{
	struct err e = ERR_INIT;

	return p1_accept(x->p, &e);
}

static int
do_refuse(struct end *x)
{
	struct err e = ERR_INIT;

	return p1_refuse(x->p, &e);
}

static int
do_turn(struct end *x)
{
	p1_want_turn(x->p, MHS_URGENT);
	return 0;
}

static int
do_idle(struct end *x)
{
	p1_idle(x->p);
	return 0;
}

static int
do_close(struct end *x)
{
	p1_close(x->p);
	return 0;
}

static int
do_abort(struct end *x)
{
	p1_abort(x->p, "test");
	return 0;
}

static int
do_hold(struct end *x)
{
	p1_hold_input(x->p, true);
	p1_hold_input(x->p, false);
	return 0;
}

static int
do_resume_point(struct end *x)
{
	struct p1_resume at;

	return p1_resume_point(x->p, &at);
}

static int
do_lost(struct end *x)
{
	p1_engine_ops.closed(x->p, NULL, 2000);
	return 0;
}

static int
do_garbage(struct end *x)
{
	static const uint8_t octets[] = {3, 0, 0, 7, 2, 0x99, 0x80};

	p1_engine_ops.input(x->p, octets, sizeof(octets), 2000);
	return 0;
}

#define P ERR_PROTOCOL

/* Results by state; `ends`: in these states it is the end (bits). */
static const struct {
	const char *name;
	int (*request)(struct end *x);
	int result[STATES];
	unsigned ends;
} requests[] = {
    /*		    new bnd idl lst snd snt rcv ans cls dead */
    {"start", do_start, {0, P, P, P, P, P, P, P, P, P}, 0},
    {"send", do_send, {P, P, 0, P, P, P, P, P, P, P}, 0},
    {"content", do_content, {P, P, P, P, 0, P, P, P, P, P}, 0},
    {"resume", do_resume, {P, P, 0, P, P, P, P, P, P, P}, 0},
    {"accept", do_accept, {P, P, P, P, P, P, P, 0, P, P}, 0},
    {"refuse", do_refuse, {P, P, P, P, P, P, P, 0, P, P}, 0},
    {"turn", do_turn, {0}, 0},
    {"idle", do_idle, {0}, 0},
    {"close", do_close, {0}, 1u << AT_NEW | 1u << AT_BINDING},
    {"abort", do_abort, {0}, 0x1ff},
    {"hold", do_hold, {0}, 0},
    {"resume point", do_resume_point, {0}, 0},
    {"lost", do_lost, {0}, 0x1ff},
    {"garbage", do_garbage, {0}, 0x1ff},
};

#undef P

static unsigned
endings(const struct end *x)
{
	return x->count[P1_CLOSED] + x->count[P1_REFUSED];
}

static void
each_request_in_each_state_does_what_it_may(void)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++)
		for (unsigned at = 0; at < STATES; at++) {
			bool ends = requests[i].ends & 1u << at;
			struct pair w;
			struct end *x;
			int r;
			unsigned want;

			bring_to(&w, at);
			x = subject(&w, at);
			CU_ASSERT_EQUAL(endings(x), at == AT_DEAD);
			r = requests[i].request(x);
			want = at == AT_DEAD || ends;
			CU_ASSERT_EQUAL(r, requests[i].result[at]);
			CU_ASSERT_EQUAL(endings(x), want);
			if (r != requests[i].result[at] || endings(x) != want)
				printf("\n  %s, %s: %d, %u ends",
				    requests[i].name, state_names[at], r,
				    endings(x));
			/* once is enough, and the end is always reached */
			p1_engine_ops.closed(x->p, NULL, 3000);
			CU_ASSERT_EQUAL(endings(x), 1);
			CU_ASSERT_FALSE(p1_is_open(x->p));
			CU_ASSERT_FALSE(p1_ready(x->p));
			pair_free(&w);
		}
}

/* From every state an orderly end comes about when both have time. */
static void
close_in_each_state_ends_in_good_order(void)
{
	for (unsigned at = AT_IDLE; at < AT_DEAD; at++) {
		struct pair w;

		bring_to(&w, at);
		p1_close(w.a.p);
		p1_close(w.b.p);
		w.b.hold_answer = false;
		send_more(&w.a);
		if (at == AT_ANSWERING)
			CU_ASSERT_EQUAL(p1_accept(w.b.p, NULL), 0);
		pump(&w);
		CU_ASSERT_EQUAL(w.a.count[P1_CLOSED], 1);
		CU_ASSERT_EQUAL(w.b.count[P1_CLOSED], 1);
		CU_ASSERT_EQUAL(w.a.err.code, 0);
		CU_ASSERT_EQUAL(w.b.err.code, 0);
		CU_ASSERT_EQUAL(w.a.count[P1_SENT],
		    at == AT_SENDING || at == AT_SENT || at == AT_RECEIVING ||
			at == AT_ANSWERING);
		pair_free(&w);
	}
}

/* An abort by either end is the end of both, and nothing counts as sent. */
static void
abort_in_each_state_ends_both(void)
{
	for (unsigned at = AT_IDLE; at < AT_CLOSING; at++)
		for (int back = 0; back < 2; back++) {
			struct pair w;

			bring_to(&w, at);
			p1_abort(back ? w.b.p : w.a.p, "test");
			pump(&w);
			CU_ASSERT_EQUAL(w.a.count[P1_CLOSED], 1);
			CU_ASSERT_EQUAL(w.b.count[P1_CLOSED], 1);
			CU_ASSERT_EQUAL(w.a.count[P1_SENT], 0);
			pair_free(&w);
		}
}

/* The peer says nothing more: whoever waits for it gives up. */
static void
silence_in_each_state_ends_where_an_answer_is_owed(void)
{
	static const bool owed[STATES] = {[AT_BINDING] = true,
	    [AT_SENDING] = true,
	    [AT_SENT] = true,
	    [AT_RECEIVING] = true,
	    [AT_CLOSING] = true};

	for (unsigned at = AT_BINDING; at < AT_DEAD; at++) {
		struct pair w;
		struct end *x;

		bring_to(&w, at);
		x = subject(&w, at);
		for (int i = 0; i < 5; i++) {
			msec_t t = p1_engine_ops.deadline(x->p);

			if (t != MSEC_NEVER && t < 1000000)
				p1_engine_ops.timeout(
				    x->p, t > 1000 ? t : 1000);
		}
		CU_ASSERT_EQUAL(endings(x), owed[at]);
		if (endings(x) != owed[at])
			printf("\n  %s", state_names[at]);
		pair_free(&w);
	}
}

/* Ten in turn from either side, most urgent work first, on one association. */
static void
a_long_association_carries_messages_both_ways(void)
{
	struct p1_params q = params(OSI_INITIATOR);
	struct arena *a = arena_new();
	struct pair w;

	q.dialogue = RTSE_TWO_WAY_ALTERNATE;
	pair_open(&w, &q, 4096);
	for (unsigned i = 1; i <= 10; i++) {
		CU_ASSERT_FATAL(p1_ready(w.a.p));
		w.b.refuse = i % 3 == 0;
		transfer(&w, &w.a, make(a, MHS_MESSAGE, "m1"), "hello", 5);
		CU_ASSERT_EQUAL(
		    w.a.count[P1_SENT] + w.a.count[P1_SEND_FAILED], i);
		p1_idle(w.a.p);
		p1_want_turn(w.b.p, MHS_NORMAL);
		pump(&w);
		CU_ASSERT_FATAL(p1_ready(w.b.p));
		transfer(&w, &w.b, make(a, MHS_MESSAGE, "m2"), "hello", 5);
		CU_ASSERT_EQUAL(w.b.count[P1_SENT], i);
		p1_idle(w.b.p);
		p1_want_turn(w.a.p, MHS_NORMAL);
		pump(&w);
	}
	CU_ASSERT_EQUAL(w.a.count[P1_SEND_FAILED], 3);
	p1_close(w.a.p);
	pump(&w);
	CU_ASSERT_EQUAL(w.b.count[P1_CLOSED], 1);
	CU_ASSERT_EQUAL(w.b.err.code, 0);
	pair_free(&w);
	arena_free(&a);
}

/* What is no APDU, in its first octets or its last: refused, said where, and
 * the association carries the next one. */
static void
a_malformed_apdu_leaves_the_association_usable(void)
{
	static const struct {
		const char *octets;
		size_t n;
	} rows[] = {
	    {"\x30\x02\x05\x00", 4},
	    {"\xa0\x04\x31\x00\x04\x00", 6},
	    {"\xa0\x80\x31\x80\x00\x00", 6},
	    {"\xa2\x02\x05\x00", 4},
	    {"\x00\x00", 2},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct p1_params q = params(OSI_INITIATOR);
		struct arena *a = arena_new();
		struct err e = ERR_INIT;
		struct pair w;
		struct rtse *r;

		pair_open(&w, &q, 4096);
		r = p1_rtse(w.a.p);
		CU_ASSERT_EQUAL(rtse_transfer_begin(r, rows[i].n, &e), 0);
		CU_ASSERT_EQUAL(
		    rtse_transfer_data(
			r, (const uint8_t *)rows[i].octets, rows[i].n, &e),
		    (int64_t)rows[i].n);
		pump(&w);
		CU_ASSERT_EQUAL(w.b.count[P1_IN_LOST], 1);
		CU_ASSERT_EQUAL(w.b.count[P1_IN_END], 0);
		CU_ASSERT_EQUAL(w.b.err.code, ERR_SYNTAX);
		CU_ASSERT_NOT_EQUAL(w.b.err.offset, ERR_NO_OFFSET);
		CU_ASSERT(p1_is_open(w.b.p));
		CU_ASSERT_FATAL(p1_ready(w.a.p));
		transfer(&w, &w.a, make(a, MHS_MESSAGE, "m2"), "hello", 5);
		CU_ASSERT_EQUAL(w.a.count[P1_SENT], 1);
		CU_ASSERT_EQUAL(w.b.count[P1_IN_END], 1);
		pair_free(&w);
		arena_free(&a);
	}
}

void
suite_p1_assoc_matrix(void)
{
	static CU_TestInfo tests[] = {
	    TEST(each_request_in_each_state_does_what_it_may),
	    TEST(close_in_each_state_ends_in_good_order),
	    TEST(abort_in_each_state_ends_both),
	    TEST(silence_in_each_state_ends_where_an_answer_is_owed),
	    TEST(a_long_association_carries_messages_both_ways),
	    TEST(a_malformed_apdu_leaves_the_association_usable),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("p1_assoc_matrix", tests);
}
