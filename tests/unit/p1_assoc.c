/* Transfers, turn and end of an association. */
#include "tests/unit/p1_pair.h"

static void
bind_tells_each_end_the_others_name(void)
{
	struct p1_params a = params(OSI_INITIATOR);
	struct pair w;

	pair_open(&w, &a, 4096);
	CU_ASSERT_EQUAL(w.a.count[P1_OPEN], 1);
	CU_ASSERT_EQUAL(w.b.count[P1_OPEN], 1);
	CU_ASSERT_STRING_EQUAL(p1_peer_mta(w.a.p), "bravo");
	CU_ASSERT_STRING_EQUAL(p1_peer_mta(w.b.p), "alpha");
	CU_ASSERT(p1_ready(w.a.p));
	CU_ASSERT_FALSE(p1_ready(w.b.p));
	p1_close(w.a.p);
	pump(&w);
	CU_ASSERT_EQUAL(w.a.count[P1_CLOSED], 1);
	CU_ASSERT_EQUAL(w.b.count[P1_CLOSED], 1);
	CU_ASSERT_EQUAL(w.a.err.code, 0);
	pair_free(&w);
}

/* What is wrong, and the MTABindError that the initiator gets. */
static void
wrong_names_and_passwords_are_refused_by_the_responder(void)
{
	static const struct {
		const char *mta, *password;
		int error;
	} cases[] = {
	    {"alpha", "wrong", P1_BIND_AUTHENTICATION},
	    {"alpha", "secret-b", P1_BIND_AUTHENTICATION},
	    {"alpha", NULL, P1_BIND_AUTHENTICATION},
	    {"alph", "secret-a", P1_BIND_AUTHENTICATION},
	    {NULL, NULL, P1_BIND_AUTHENTICATION},
	    {"busy", "secret-a", P1_BIND_BUSY},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct p1_params a = params(OSI_INITIATOR);
		struct pair w;

		a.our_mta = cases[i].mta;
		a.our_password = cases[i].password;
		pair_open(&w, &a, 100);
		CU_ASSERT_EQUAL(w.a.count[P1_OPEN], 0);
		CU_ASSERT_EQUAL(w.b.count[P1_OPEN], 0);
		CU_ASSERT_EQUAL(w.a.count[P1_REFUSED], 1);
		CU_ASSERT_EQUAL(w.b.count[P1_REFUSED], 1);
		CU_ASSERT_EQUAL(w.a.bind_error, cases[i].error);
		CU_ASSERT_EQUAL(w.b.bind_error, cases[i].error);
		pair_free(&w);
	}
}

static void
a_responder_that_answers_wrongly_is_left(void)
{
	static const struct {
		const char *mta, *password;
	} cases[] = {
	    {"charlie", "secret-b"}, {"bravo", "other"}, {"bravo", "secret-a"}};

	for (size_t i = 0; i < 3; i++) {
		struct p1_params a = params(OSI_INITIATOR);
		struct pair w;

		a.peer_mta = cases[i].mta;
		a.peer_password = cases[i].password;
		pair_open(&w, &a, 4096);
		CU_ASSERT_EQUAL(w.a.count[P1_OPEN], 0);
		CU_ASSERT_EQUAL(w.a.count[P1_REFUSED], 1);
		CU_ASSERT_EQUAL(w.a.bind_error, P1_BIND_AUTHENTICATION);
		CU_ASSERT_EQUAL(w.b.count[P1_CLOSED], 1);
		pair_free(&w);
	}
}

static void
messages_probes_and_reports_arrive_one_after_the_other(void)
{
	struct p1_params q = params(OSI_INITIATOR);
	struct arena *a = arena_new();
	struct mhs_envelope *report = make(a, MHS_REPORT, "r1");
	struct pair w;

	pair_open(&w, &q, 333);
	transfer(&w, &w.a, make(a, MHS_MESSAGE, "m1"), "hello", 5);
	CU_ASSERT_EQUAL(w.a.count[P1_SENT], 1);
	CU_ASSERT_EQUAL(w.b.kind, MHS_MESSAGE);
	CU_ASSERT_STRING_EQUAL(w.b.local, "m1");
	CU_ASSERT_EQUAL(w.b.content.len, 5);
	transfer(&w, &w.a, make(a, MHS_PROBE, "p1"), NULL, 0);
	CU_ASSERT_EQUAL(w.b.kind, MHS_PROBE);
	transfer(&w, &w.a, report, NULL, 0);
	CU_ASSERT_EQUAL(w.b.kind, MHS_REPORT);
	report->report->content_returned = true;
	transfer(&w, &w.a, report, "returned", 8);
	CU_ASSERT_EQUAL(w.b.content.len, 8);
	CU_ASSERT_EQUAL(w.a.count[P1_SENT], 4);
	CU_ASSERT_EQUAL(w.b.count[P1_IN_END], 4);
	CU_ASSERT_EQUAL(w.b.count[P1_IN_BEGIN], 4);
	CU_ASSERT(p1_ready(w.a.p));
	pair_free(&w);
	arena_free(&a);
}

static void
a_large_content_arrives_whole_through_small_windows(void)
{
	struct p1_params q = params(OSI_INITIATOR);
	struct arena *a = arena_new();
	size_t n = 300000;
	const uint8_t *content = make_content(a, n);
	struct pair w;

	pair_open(&w, &q, 1000);
	transfer(&w, &w.a, make(a, MHS_MESSAGE, "m1"), content, n);
	CU_ASSERT_EQUAL(w.a.count[P1_SENT], 1);
	CU_ASSERT(w.a.count[P1_WRITABLE] > 0);
	CU_ASSERT_EQUAL(w.b.content.len, n);
	CU_ASSERT(
	    w.b.content.len == n && memcmp(w.b.content.data, content, n) == 0);
	pair_free(&w);
	arena_free(&a);
}

static void
a_refused_message_leaves_the_association_usable(void)
{
	struct p1_params q = params(OSI_INITIATOR);
	struct arena *a = arena_new();
	struct pair w;

	pair_open(&w, &q, 4096);
	w.b.refuse = true;
	transfer(&w, &w.a, make(a, MHS_MESSAGE, "m1"), "hello", 5);
	CU_ASSERT_EQUAL(w.a.count[P1_SENT], 0);
	CU_ASSERT_EQUAL(w.a.count[P1_SEND_FAILED], 1);
	w.b.refuse = false;
	if (p1_ready(w.a.p)) {
		transfer(&w, &w.a, make(a, MHS_MESSAGE, "m2"), "hello", 5);
		CU_ASSERT_EQUAL(w.a.count[P1_SENT], 1);
	} else {
		CU_ASSERT_EQUAL(w.a.count[P1_CLOSED], 1);
	}
	pair_free(&w);
	arena_free(&a);
}

static void
acceptance_waits_for_the_receivers_word(void)
{
	struct p1_params q = params(OSI_INITIATOR);
	struct arena *a = arena_new();
	struct err e = ERR_INIT;
	struct pair w;

	pair_open(&w, &q, 4096);
	w.b.hold_answer = true;
	transfer(&w, &w.a, make(a, MHS_MESSAGE, "m1"), "hello", 5);
	CU_ASSERT_EQUAL(w.b.count[P1_IN_END], 1);
	CU_ASSERT_EQUAL(w.a.count[P1_SENT], 0);
	CU_ASSERT_FALSE(p1_ready(w.a.p));
	p1_close(w.a.p); /* waits for the end of the transfer */
	pump(&w);
	CU_ASSERT_EQUAL(w.a.count[P1_CLOSED], 0);
	CU_ASSERT_EQUAL(p1_accept(w.b.p, &e), 0);
	CU_ASSERT_EQUAL(p1_accept(w.b.p, &e), ERR_PROTOCOL);
	pump(&w);
	CU_ASSERT_EQUAL(w.a.count[P1_SENT], 1);
	CU_ASSERT_EQUAL(w.a.count[P1_CLOSED], 1);
	CU_ASSERT_EQUAL(w.b.count[P1_CLOSED], 1);
	pair_free(&w);
	arena_free(&a);
}

/* A discard may cross our answer: then there is none to give any more, and the
 * next APDU's answer is its own. */
static void
an_apdu_given_up_before_its_answer_is_lost(void)
{
	struct p1_params q = params(OSI_INITIATOR);
	struct arena *a = arena_new();
	struct err e = ERR_INIT;
	struct pair w;

	pair_open(&w, &q, 4096);
	w.b.hold_answer = true;
	transfer(&w, &w.a, make(a, MHS_MESSAGE, "m1"), "hello", 5);
	CU_ASSERT_EQUAL(w.b.count[P1_IN_END], 1);
	CU_ASSERT_EQUAL(rtse_transfer_discard(p1_rtse(w.a.p), &e), 0);
	pump(&w);
	CU_ASSERT_EQUAL(w.a.count[P1_SEND_FAILED], 1);
	CU_ASSERT_EQUAL(w.b.count[P1_IN_LOST], 1);
	CU_ASSERT_EQUAL(p1_accept(w.b.p, &e), ERR_PROTOCOL);
	CU_ASSERT_EQUAL(p1_refuse(w.b.p, &e), ERR_PROTOCOL);
	CU_ASSERT(p1_is_open(w.b.p));
	transfer(&w, &w.a, make(a, MHS_MESSAGE, "m2"), "hello", 5);
	CU_ASSERT_STRING_EQUAL(w.b.local, "m2");
	CU_ASSERT_EQUAL(w.a.count[P1_SENT], 0);
	CU_ASSERT_EQUAL(p1_accept(w.b.p, &e), 0);
	pump(&w);
	CU_ASSERT_EQUAL(w.a.count[P1_SENT], 1);
	CU_ASSERT_EQUAL(w.b.count[P1_IN_LOST], 1);
	CU_ASSERT_EQUAL(w.b.count[P1_CLOSED], 0);
	pair_free(&w);
	arena_free(&a);
}

/* A transfer that is no MTS-APDU, made by the RTSE below one end. */
static void
what_is_no_apdu_is_refused_and_said(void)
{
	struct p1_params q = params(OSI_INITIATOR);
	struct err e = ERR_INIT;
	struct pair w;

	pair_open(&w, &q, 4096);
	CU_ASSERT_EQUAL(rtse_transfer_begin(p1_rtse(w.a.p), 4, &e), 0);
	CU_ASSERT_EQUAL(rtse_transfer_data(p1_rtse(w.a.p),
			    (const uint8_t *)"\x30\x02\x05\x00", 4, &e),
	    4);
	pump(&w);
	CU_ASSERT_EQUAL(w.b.count[P1_IN_LOST], 1);
	CU_ASSERT_EQUAL(w.b.count[P1_IN_END], 0);
	CU_ASSERT_EQUAL(w.b.err.code, ERR_SYNTAX);
	pair_free(&w);
}

static void
the_turn_goes_to_who_asks_and_comes_back(void)
{
	struct p1_params q = params(OSI_INITIATOR);
	struct arena *a = arena_new();
	struct pair w;

	q.dialogue = RTSE_TWO_WAY_ALTERNATE;
	pair_open(&w, &q, 4096);
	CU_ASSERT(p1_ready(w.a.p));
	p1_idle(w.a.p);
	p1_want_turn(w.b.p, MHS_NORMAL);
	pump(&w);
	CU_ASSERT_EQUAL(w.b.count[P1_TURN], 1);
	CU_ASSERT(p1_ready(w.b.p));
	CU_ASSERT_FALSE(p1_ready(w.a.p));
	transfer(&w, &w.b, make(a, MHS_MESSAGE, "m1"), "hello", 5);
	CU_ASSERT_EQUAL(w.b.count[P1_SENT], 1);
	CU_ASSERT_EQUAL(w.a.count[P1_IN_END], 1);
	p1_idle(w.b.p);
	p1_want_turn(w.a.p, MHS_URGENT);
	pump(&w);
	CU_ASSERT_EQUAL(w.a.count[P1_TURN], 1);
	transfer(&w, &w.a, make(a, MHS_MESSAGE, "m2"), "hello", 5);
	CU_ASSERT_EQUAL(w.a.count[P1_SENT], 1);
	p1_close(w.a.p);
	pump(&w);
	CU_ASSERT_EQUAL(w.b.count[P1_CLOSED], 1);
	pair_free(&w);
	arena_free(&a);
}

/* Ours is more urgent: the peer gets the turn only after it. */
static void
more_urgent_work_keeps_the_turn(void)
{
	struct p1_params q = params(OSI_INITIATOR);
	struct arena *a = arena_new();
	struct pair w;

	q.dialogue = RTSE_TWO_WAY_ALTERNATE;
	pair_open(&w, &q, 4096);
	p1_want_turn(w.a.p, MHS_URGENT);
	p1_want_turn(w.b.p, MHS_NORMAL);
	pump(&w);
	CU_ASSERT(p1_ready(w.a.p));
	w.a.idle_after = true;
	transfer(&w, &w.a, make(a, MHS_MESSAGE, "m1"), "hello", 5);
	CU_ASSERT_EQUAL(w.b.count[P1_TURN], 1);
	/* the initiator closes without the turn: it asks for it first */
	p1_idle(w.b.p);
	p1_close(w.a.p);
	pump(&w);
	CU_ASSERT_EQUAL(w.a.count[P1_CLOSED], 1);
	pair_free(&w);
	arena_free(&a);
}

/* The turn is asked for again when work comes that is more urgent. */
static void
urgent_work_raises_the_priority_of_the_request(void)
{
	struct p1_params q = params(OSI_INITIATOR);
	struct arena *a = arena_new();
	struct pair w;

	q.dialogue = RTSE_TWO_WAY_ALTERNATE;
	pair_open(&w, &q, 4096);
	p1_want_turn(w.a.p, MHS_NORMAL);
	p1_want_turn(w.b.p, MHS_NON_URGENT);
	pump(&w);
	CU_ASSERT_EQUAL(w.b.count[P1_TURN], 0);
	p1_want_turn(w.b.p, MHS_NON_URGENT);
	CU_ASSERT_EQUAL(p1_engine_ops.output(w.b.p)->len, 0);
	p1_want_turn(w.b.p, MHS_URGENT);
	pump(&w);
	CU_ASSERT_EQUAL(w.b.count[P1_TURN], 1);
	transfer(&w, &w.b, make(a, MHS_MESSAGE, "m1"), "hello", 5);
	CU_ASSERT_EQUAL(w.b.count[P1_SENT], 1);
	pair_free(&w);
	arena_free(&a);
}

static void
the_next_one_may_be_sent_from_within_the_event(void)
{
	struct p1_params q = params(OSI_INITIATOR), b = params(OSI_RESPONDER);
	struct arena *a = arena_new();
	struct err e = ERR_INIT;
	struct pair w = {.now = 1000, .chunk = 50};

	w.a.again = make(a, MHS_MESSAGE, "m1");
	w.a.times = 20;
	w.a.p = p1_new(&q, on_event, &w.a, w.now);
	w.b.p = p1_new(&b, on_event, &w.b, w.now);
	CU_ASSERT_EQUAL(p1_start(w.a.p, &e), 0);
	pump(&w);
	CU_ASSERT_EQUAL(w.a.count[P1_SENT], 20);
	CU_ASSERT_EQUAL(w.b.count[P1_IN_END], 20);
	CU_ASSERT(p1_ready(w.a.p));
	pair_free(&w);
	arena_free(&a);
}

static void
an_abort_ends_both_and_loses_what_was_sent(void)
{
	struct p1_params q = params(OSI_INITIATOR);
	struct arena *a = arena_new();
	struct pair w;

	pair_open(&w, &q, 4096);
	w.b.hold_answer = true;
	transfer(&w, &w.a, make(a, MHS_MESSAGE, "m1"), "hello", 5);
	p1_abort(w.b.p, "test");
	pump(&w);
	CU_ASSERT_EQUAL(w.a.count[P1_CLOSED], 1);
	CU_ASSERT_EQUAL(w.b.count[P1_CLOSED], 1);
	CU_ASSERT_EQUAL(w.a.count[P1_SENT], 0);
	pair_free(&w);
	arena_free(&a);
}

static void
a_broken_connection_closes(void)
{
	struct p1_params q = params(OSI_INITIATOR);
	struct err why = ERR_INIT;
	struct pair w;

	pair_open(&w, &q, 4096);
	err_set(&why, "tcp", ERR_TEMPORARY, "reset");
	p1_engine_ops.closed(w.a.p, &why, w.now);
	CU_ASSERT_EQUAL(w.a.count[P1_CLOSED], 1);
	pair_free(&w);
}

static void
an_envelope_that_cannot_be_encoded_is_not_begun(void)
{
	struct p1_params q = params(OSI_INITIATOR);
	struct arena *a = arena_new();
	struct mhs_envelope *env = make(a, MHS_MESSAGE, "m1");
	struct err e = ERR_INIT;
	struct pair w;

	pair_open(&w, &q, 4096);
	env->recipients[0].name.ora = NULL;
	CU_ASSERT_EQUAL(p1_send(w.a.p, env, 5, &e), ERR_UNSUPPORTED);
	CU_ASSERT(p1_ready(w.a.p));
	pair_free(&w);
	arena_free(&a);
}

/* The session is in an activity that P1 knows nothing of. */
static void
a_transfer_that_cannot_begin_ends_the_association(void)
{
	struct p1_params q = params(OSI_INITIATOR);
	struct arena *a = arena_new();
	struct err e = ERR_INIT;
	struct pair w;

	pair_open(&w, &q, 4096);
	CU_ASSERT_EQUAL(rtse_transfer_begin(p1_rtse(w.a.p), 4, &e), 0);
	CU_ASSERT_EQUAL(
	    p1_send(w.a.p, make(a, MHS_MESSAGE, "m1"), 5, &e), ERR_TEMPORARY);
	CU_ASSERT_EQUAL(e.code, ERR_TEMPORARY);
	CU_ASSERT_EQUAL(w.a.count[P1_CLOSED], 1);
	CU_ASSERT_FALSE(p1_is_open(w.a.p));
	pump(&w);
	CU_ASSERT_EQUAL(w.b.count[P1_CLOSED], 1);
	pair_free(&w);
	arena_free(&a);
}

/* --- time --- */

static void
pass(struct pair *w, struct end *x, msec_t ms)
{
	tick(w, x); /* timers start now */
	w->now += ms;
	tick(w, x);
}

/* Nothing of it reaches the peer. */
static void
a_release_does_not_wait_for_the_turn_for_ever(void)
{
	struct p1_params q = params(OSI_INITIATOR);
	struct pair w;

	q.dialogue = RTSE_TWO_WAY_ALTERNATE;
	pair_open(&w, &q, 4096);
	p1_idle(w.a.p);
	p1_want_turn(w.b.p, MHS_NORMAL);
	pump(&w);
	CU_ASSERT_EQUAL(w.b.count[P1_TURN], 1);
	p1_close(w.a.p);
	buf_clear(p1_engine_ops.output(w.a.p));
	pass(&w, &w.a, 9999);
	CU_ASSERT_EQUAL(w.a.count[P1_CLOSED], 0);
	pass(&w, &w.a, 1);
	CU_ASSERT_EQUAL(w.a.count[P1_CLOSED], 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(w.a.err.text, "turn"));
	pair_free(&w);
}

/* What lies idle may do so, what stops in the middle may not. */
static void
a_tsdu_that_stops_ends_the_association(void)
{
	static const uint8_t half[][7] = {
	    {3, 0, 0}, {3, 0, 0, 10, 2, 0xf0, 0x80}, {3, 0, 0, 7, 2, 0xf0, 0}};
	static const size_t n[] = {3, 7, 7};
	struct p1_params q = params(OSI_INITIATOR);
	struct pair w;

	for (size_t i = 0; i < 3; i++) {
		pair_open(&w, &q, 4096);
		pass(&w, &w.b, 3600000);
		CU_ASSERT_EQUAL(w.b.count[P1_CLOSED], 0);
		p1_engine_ops.input(w.b.p, half[i], n[i], w.now);
		pass(&w, &w.b, 9999);
		CU_ASSERT_EQUAL(w.b.count[P1_CLOSED], 0);
		pass(&w, &w.b, 1);
		CU_ASSERT_EQUAL(w.b.count[P1_CLOSED], 1);
		CU_ASSERT_PTR_NOT_NULL(strstr(w.b.err.text, "TSDU"));
		pair_free(&w);
	}
}

/* Our own user does not let us read on. */
static void
a_tsdu_may_wait_while_we_do_not_read(void)
{
	struct p1_params q = params(OSI_INITIATOR);
	struct pair w;

	pair_open(&w, &q, 4096);
	p1_engine_ops.input(w.b.p, (const uint8_t *)"\3", 1, w.now);
	p1_hold_input(w.b.p, true);
	pass(&w, &w.b, 10000);
	CU_ASSERT_EQUAL(w.b.count[P1_CLOSED], 0);
	p1_hold_input(w.b.p, false);
	pass(&w, &w.b, 10000);
	CU_ASSERT_EQUAL(w.b.count[P1_CLOSED], 1);
	pair_free(&w);
}

static void
an_apdu_is_known_before_its_envelope_is_whole(void)
{
	static const uint8_t part[] = {0xa0, 0x80};
	struct p1_params q = params(OSI_INITIATOR);
	struct err e = ERR_INIT;
	struct pair w;

	pair_open(&w, &q, 4096);
	CU_ASSERT_EQUAL(rtse_transfer_begin(p1_rtse(w.a.p), 100, &e), 0);
	pump(&w);
	CU_ASSERT(w.b.count[P1_IN_COMING] >= 1);
	CU_ASSERT_EQUAL(
	    rtse_transfer_data(p1_rtse(w.a.p), part, sizeof(part), &e), 2);
	pump(&w);
	CU_ASSERT_EQUAL(w.b.count[P1_IN_BEGIN], 0);
	CU_ASSERT_EQUAL(w.b.count[P1_IN_LOST], 0);
	pair_free(&w);
}

void
suite_p1_assoc(void)
{
	static CU_TestInfo tests[] = {
	    TEST(bind_tells_each_end_the_others_name),
	    TEST(wrong_names_and_passwords_are_refused_by_the_responder),
	    TEST(a_responder_that_answers_wrongly_is_left),
	    TEST(messages_probes_and_reports_arrive_one_after_the_other),
	    TEST(a_large_content_arrives_whole_through_small_windows),
	    TEST(a_refused_message_leaves_the_association_usable),
	    TEST(acceptance_waits_for_the_receivers_word),
	    TEST(an_apdu_given_up_before_its_answer_is_lost),
	    TEST(what_is_no_apdu_is_refused_and_said),
	    TEST(the_turn_goes_to_who_asks_and_comes_back),
	    TEST(more_urgent_work_keeps_the_turn),
	    TEST(urgent_work_raises_the_priority_of_the_request),
	    TEST(the_next_one_may_be_sent_from_within_the_event),
	    TEST(an_abort_ends_both_and_loses_what_was_sent),
	    TEST(a_broken_connection_closes),
	    TEST(an_envelope_that_cannot_be_encoded_is_not_begun),
	    TEST(a_transfer_that_cannot_begin_ends_the_association),
	    TEST(a_release_does_not_wait_for_the_turn_for_ever),
	    TEST(a_tsdu_that_stops_ends_the_association),
	    TEST(a_tsdu_may_wait_while_we_do_not_read),
	    TEST(an_apdu_is_known_before_its_envelope_is_whole),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("p1_assoc", tests);
}
