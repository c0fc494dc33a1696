#include "osi/rtse.h"

#include "tests/unit/osi_rtse_pair.h"

/* --- open, refuse, close --- */

static void
an_association_opens_and_closes(void)
{
	for (size_t i = 0; i < WIRE_CHUNKS; i++) {
		struct pair p;
		struct err e = ERR_INIT;

		pair_ready(&p, 1, RTSE_MONOLOGUE, wire_chunks[i]);
		CU_ASSERT_TRUE(rtse_has_turn(p.a.r));
		CU_ASSERT_FALSE(rtse_has_turn(p.b.r));
		CU_ASSERT_TRUE(rtse_close(p.b.r, &e) < 0);
		pair_expect_open_and_close(&p);
		pair_time(&p, 60000);
		CU_ASSERT_TRUE(rtse_engine_ops.finished(p.a.r));
		CU_ASSERT_TRUE(rtse_engine_ops.finished(p.b.r));
		CU_ASSERT_EQUAL(p.a.count[RTSE_ABORTED], 0);
		CU_ASSERT_EQUAL(p.b.count[RTSE_ABORTED], 0);
		pair_free(&p);
	}
}

static void
checkpoint_and_window_are_negotiated_down(void)
{
	static const struct {
		uint32_t a, b, cp, aw, bw, window;
	} rows[] = {
	    {63, 1, 1, 5, 2, 2},
	    {1, 63, 1, 2, 5, 2},
	    {0, 63, 0, 0, 0, 3},
	    {63, 0, 0, 1, 9, 1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct rtse_params a = pair_params(OSI_INITIATOR);
		struct rtse_params b = pair_params(OSI_RESPONDER);
		struct pair p;

		a.checkpoint_size = rows[i].a;
		b.checkpoint_size = rows[i].b;
		a.window_size = rows[i].aw;
		b.window_size = rows[i].bw;
		pair_init(&p, &a, &b, WIRE_WHOLE);
		pair_open(&p);
		CU_ASSERT_EQUAL(rtse_checkpoint_size(p.a.r), rows[i].cp);
		CU_ASSERT_EQUAL(rtse_checkpoint_size(p.b.r), rows[i].cp);
		CU_ASSERT_EQUAL(rtse_window_size(p.a.r), rows[i].window);
		CU_ASSERT_EQUAL(rtse_window_size(p.b.r), rows[i].window);
		pair_free(&p);
	}
}

static void
a_refusal_brings_its_user_data(void)
{
	for (size_t i = 0; i < WIRE_CHUNKS; i++) {
		struct rtse_params a = pair_params(OSI_INITIATOR);
		struct rtse_params b = pair_params(OSI_RESPONDER);
		struct pair p;

		pair_init(&p, &a, &b, wire_chunks[i]);
		p.b.refuse_open = true;
		pair_open(&p);
		CU_ASSERT_EQUAL(p.a.count[RTSE_OPEN_REFUSED], 1);
		CU_ASSERT_EQUAL(p.a.acse_result, ACSE_REJECTED_PERMANENT);
		CU_ASSERT(
		    holds(&p.a.open_data, bind_error, sizeof(bind_error)));
		pair_time(&p, 60000);
		CU_ASSERT_TRUE(rtse_engine_ops.finished(p.a.r));
		CU_ASSERT_TRUE(rtse_engine_ops.finished(p.b.r));
		pair_free(&p);
	}
}

static void
what_is_not_offered_is_refused(void)
{
	static const struct {
		const char *context, *rtse, *apdu;
	} rows[] = {
	    {"2.6.0.1.7", RTSE_ABSTRACT_SYNTAX_P1, "2.6.0.2.7"},
	    {"2.6.0.1.6", "2.6.0.2.13", "2.6.0.2.7"},
	    {"2.6.0.1.6", RTSE_ABSTRACT_SYNTAX_P1, "2.6.0.2.8"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct rtse_params a = pair_params(OSI_INITIATOR);
		struct rtse_params b = pair_params(OSI_RESPONDER);
		struct pair p;

		a.application_context = rows[i].context;
		a.rtse_syntax = rows[i].rtse;
		a.apdu_syntax = rows[i].apdu;
		pair_init(&p, &a, &b, WIRE_WHOLE);
		pair_open(&p);
		CU_ASSERT_EQUAL(p.a.count[RTSE_OPEN_REFUSED], 1);
		CU_ASSERT_EQUAL(p.b.count[RTSE_OPEN_IND], 0);
		CU_ASSERT_EQUAL(p.b.count[RTSE_ABORTED], 1);
		pair_free(&p);
	}
}

static void
an_abort_reaches_the_other_end(void)
{
	for (size_t i = 0; i < WIRE_CHUNKS; i++) {
		struct pair p;

		pair_ready(&p, 1, RTSE_MONOLOGUE, wire_chunks[i]);
		rtse_abort(p.b.r, "test");
		pair_run(&p);
		CU_ASSERT_EQUAL(p.a.count[RTSE_ABORTED], 1);
		CU_ASSERT_EQUAL(p.b.count[RTSE_ABORTED], 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(p.a.err.text, "user error"));
		pair_free(&p);
	}
}

static void
a_broken_connection_is_an_abort(void)
{
	struct pair p;

	pair_ready(&p, 1, RTSE_MONOLOGUE, WIRE_WHOLE);
	rtse_engine_ops.closed(p.a.r, NULL, p.now);
	CU_ASSERT_EQUAL(p.a.count[RTSE_ABORTED], 1);
	CU_ASSERT_TRUE(rtse_engine_ops.finished(p.a.r));
	pair_free(&p);
}

/* --- transfer --- */

static void
transfers_of_every_size_arrive_whole(void)
{
	static const size_t sizes[] = {0, 1, 2, 129, 1000, 1010, 1011, 1012,
	    1013, 1014, 1015, 1016, 1023, 1024, 1025, 2048, 3 * 1024 + 1,
	    70000};

	for (size_t c = 0; c < WIRE_CHUNKS; c++)
		for (uint32_t checkpoint = 0; checkpoint < 2; checkpoint++) {
			struct pair p;

			pair_ready(
			    &p, checkpoint, RTSE_MONOLOGUE, wire_chunks[c]);
			for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes);
			     i++) {
				struct buf b = pair_octets(sizes[i]);

				/* a value has an identifier and a length */
				if (sizes[i] == 1 || sizes[i] == 0) {
					buf_free(&b);
					continue;
				}
				pair_send(&p, &p.a, &b);
				CU_ASSERT_EQUAL(p.b.kept.len, b.len);
				CU_ASSERT(holds(&p.b.kept, b.data, b.len));
				buf_clear(&p.b.kept);
				buf_free(&b);
			}
			CU_ASSERT_EQUAL(p.a.count[RTSE_TRANSFER_CNF], 16);
			CU_ASSERT_EQUAL(p.b.count[RTSE_TRANSFER_END], 16);
			pair_free(&p);
		}
}

static void
a_megabyte_passes_the_window(void)
{
	static const uint32_t checkpoints[] = {0, 1, 63};

	for (size_t i = 0; i < 3; i++) {
		struct pair p;
		struct buf b = pair_octets(1024 * 1024);

		pair_ready(&p, checkpoints[i], RTSE_MONOLOGUE, WIRE_WHOLE);
		pair_send(&p, &p.a, &b);
		CU_ASSERT(holds(&p.b.kept, b.data, b.len));
		CU_ASSERT_EQUAL(p.a.count[RTSE_TRANSFER_CNF], 1);
		buf_free(&b);
		pair_free(&p);
	}
}

static void
the_window_holds_the_sender(void)
{
	struct pair p;
	struct buf b = pair_octets(10 * 1024);
	struct err e = ERR_INIT;
	int64_t n;

	pair_ready(&p, 1, RTSE_MONOLOGUE, WIRE_WHOLE);
	CU_ASSERT_EQUAL(rtse_transfer_begin(p.a.r, b.len, &e), 0);
	n = rtse_transfer_data(p.a.r, b.data, b.len, &e);
	/* three segments, less the header of the EXTERNAL */
	CU_ASSERT_TRUE(n > 3 * 1024 - 32 && n < 3 * 1024);
	CU_ASSERT_EQUAL(rtse_transfer_data(p.a.r, b.data, 1, &e), 0);
	pair_run(&p);
	CU_ASSERT_EQUAL(p.a.count[RTSE_WRITABLE], 1);
	buf_free(&b);
	pair_free(&p);
}

static void
the_output_holds_the_sender_without_checkpoints(void)
{
	struct pair p;
	struct buf b = pair_octets(1024 * 1024);
	struct err e = ERR_INIT;
	int64_t n;

	pair_ready(&p, 0, RTSE_MONOLOGUE, WIRE_WHOLE);
	CU_ASSERT_EQUAL(rtse_transfer_begin(p.a.r, b.len, &e), 0);
	n = rtse_transfer_data(p.a.r, b.data, b.len, &e);
	CU_ASSERT_TRUE(n > 0 && n < 300 * 1024);
	CU_ASSERT_TRUE(rtse_engine_ops.output(p.a.r)->len < 300 * 1024);
	buf_free(&b);
	pair_free(&p);
}

/* An APDU that is no value at all: RTSE carries it, its receiver objects. */
static void
an_apdu_that_is_no_value_loses_the_transfer_only(void)
{
	for (uint64_t n = 0; n < 2; n++) {
		struct pair p;
		struct err e = ERR_INIT;
		struct buf good = pair_octets(100);

		pair_ready(&p, 1, RTSE_MONOLOGUE, WIRE_WHOLE);
		CU_ASSERT_EQUAL(rtse_transfer_begin(p.a.r, n, &e), 0);
		if (n == 1)
			CU_ASSERT_EQUAL(rtse_transfer_data(p.a.r,
					    (const uint8_t *)"\x30", 1, &e),
			    1);
		pair_run(&p);
		CU_ASSERT_EQUAL(p.b.count[RTSE_TRANSFER_LOST], 1);
		CU_ASSERT_EQUAL(p.a.count[RTSE_TRANSFER_FAILED], 1);
		pair_send(&p, &p.a, &good);
		CU_ASSERT(holds(&p.b.kept, good.data, good.len));
		buf_free(&good);
		pair_free(&p);
	}
}

/* RTSE and its user on one context: APDUs of any size go unwrapped. */
static void
bare_apdus_share_the_context_of_rtse(void)
{
	static const size_t sizes[] = {0, 1, 1023, 1024, 1025, 5000};
	struct rtse_params a = pair_params(OSI_INITIATOR);
	struct rtse_params b = pair_params(OSI_RESPONDER);
	struct pair p;

	a.rtse_syntax = a.apdu_syntax = "2.3.0";
	b.rtse_syntax = b.apdu_syntax = "2.3.0";
	pair_init(&p, &a, &b, 7);
	pair_open(&p);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct buf o = pair_octets(sizes[i]);

		pair_send(&p, &p.a, &o);
		CU_ASSERT_EQUAL(p.b.count[RTSE_TRANSFER_END], i + 1);
		CU_ASSERT_EQUAL(p.a.count[RTSE_TRANSFER_CNF], i + 1);
		CU_ASSERT(holds(&p.b.kept, o.data, o.len));
		buf_free(&o);
	}
	pair_free(&p);
}

static void
responsibility_passes_when_the_receiver_says_so(void)
{
	struct pair p;
	struct buf b = pair_octets(3000);
	struct err e = ERR_INIT;

	pair_ready(&p, 1, RTSE_MONOLOGUE, WIRE_WHOLE);
	p.b.leave_end = true;
	pair_send(&p, &p.a, &b);
	CU_ASSERT_EQUAL(p.b.count[RTSE_TRANSFER_END], 1);
	CU_ASSERT_EQUAL(p.a.count[RTSE_TRANSFER_CNF], 0);
	CU_ASSERT_EQUAL(rtse_transfer_accept(p.b.r, &e), 0);
	CU_ASSERT_EQUAL(rtse_transfer_accept(p.b.r, &e), ERR_PROTOCOL);
	pair_run(&p);
	CU_ASSERT_EQUAL(p.a.count[RTSE_TRANSFER_CNF], 1);
	buf_free(&b);
	pair_free(&p);
}

static void
a_refused_transfer_fails_and_the_next_one_passes(void)
{
	for (int early = 0; early < 2; early++)
		for (size_t i = 0; i < WIRE_CHUNKS; i++) {
			struct pair p;
			struct buf b = pair_octets(2500);

			pair_ready(&p, 1, RTSE_MONOLOGUE, wire_chunks[i]);
			p.b.refuse_transfer = !early;
			p.b.refuse_early = early;
			pair_send(&p, &p.a, &b);
			CU_ASSERT_EQUAL(p.a.count[RTSE_TRANSFER_FAILED], 1);
			CU_ASSERT_EQUAL(p.a.count[RTSE_TRANSFER_CNF], 0);
			CU_ASSERT_EQUAL(p.b.count[RTSE_TRANSFER_LOST], 0);
			CU_ASSERT_EQUAL(p.b.count[RTSE_TRANSFER_END], !early);
			if (early)
				CU_ASSERT_EQUAL(
				    p.b.count[RTSE_TRANSFER_DATA], 1);
			p.b.refuse_transfer = p.b.refuse_early = false;
			pair_send(&p, &p.a, &b);
			CU_ASSERT_EQUAL(p.a.count[RTSE_TRANSFER_CNF], 1);
			CU_ASSERT(holds(&p.b.kept, b.data, b.len));
			buf_free(&b);
			pair_free(&p);
		}
}

static void
a_discard_midway_loses_nothing_else(void)
{
	static const size_t given[] = {0, 1, 500, 1010, 2000, 3000};

	for (size_t i = 0; i < sizeof(given) / sizeof(*given); i++) {
		struct pair p;
		struct buf b = pair_octets(20000);
		struct err e = ERR_INIT;

		pair_ready(&p, 1, RTSE_MONOLOGUE, 7);
		CU_ASSERT_EQUAL(rtse_transfer_begin(p.a.r, b.len, &e), 0);
		CU_ASSERT_EQUAL(rtse_transfer_data(p.a.r, b.data, given[i], &e),
		    (int64_t)given[i]);
		if (i % 2 == 0)
			pair_run(&p);
		CU_ASSERT_EQUAL(rtse_transfer_discard(p.a.r, &e), 0);
		pair_run(&p);
		CU_ASSERT_EQUAL(p.a.count[RTSE_TRANSFER_FAILED], 1);
		CU_ASSERT_EQUAL(p.b.count[RTSE_TRANSFER_LOST], 1);
		CU_ASSERT_EQUAL(p.b.count[RTSE_TRANSFER_END], 0);
		pair_send(&p, &p.a, &b);
		CU_ASSERT(holds(&p.b.kept, b.data, b.len));
		CU_ASSERT_EQUAL(p.a.count[RTSE_ABORTED], 0);
		buf_free(&b);
		pair_free(&p);
	}
}

static void
an_apdu_over_the_limit_is_lost(void)
{
	struct rtse_params a = pair_params(OSI_INITIATOR);
	struct rtse_params b = pair_params(OSI_RESPONDER);
	struct pair p;
	struct buf big = pair_octets(2001), fits = pair_octets(2000);

	b.max_apdu = 2000;
	pair_init(&p, &a, &b, WIRE_WHOLE);
	pair_open(&p);
	pair_send(&p, &p.a, &big);
	CU_ASSERT_EQUAL(p.b.count[RTSE_TRANSFER_LOST], 1);
	CU_ASSERT_EQUAL(p.b.err.code, ERR_LIMIT);
	CU_ASSERT_EQUAL(p.a.count[RTSE_TRANSFER_FAILED], 1);
	pair_send(&p, &p.a, &fits);
	CU_ASSERT_EQUAL(p.a.count[RTSE_TRANSFER_CNF], 1);
	buf_free(&big);
	buf_free(&fits);
	pair_free(&p);
}

static void
a_transfer_that_takes_too_long_fails(void)
{
	struct pair p;
	struct buf b = pair_octets(100);

	pair_ready(&p, 1, RTSE_MONOLOGUE, WIRE_WHOLE);
	p.b.leave_end = true;
	pair_time(&p, 3600000); /* the association may have been idle long */
	pair_send(&p, &p.a, &b);
	pair_time(&p, 59000);
	CU_ASSERT_EQUAL(p.a.count[RTSE_TRANSFER_FAILED], 0);
	pair_time(&p, 2000);
	CU_ASSERT_EQUAL(p.a.count[RTSE_TRANSFER_FAILED], 1);
	CU_ASSERT_EQUAL(p.b.count[RTSE_TRANSFER_LOST], 1);
	CU_ASSERT_EQUAL(p.a.count[RTSE_ABORTED], 0);
	buf_free(&b);
	pair_free(&p);
}

/* A timer is armed by one call with the time, and then lies ahead. */
/* A receiver's limit is for the peer's silence: octets put it off. */
static void
a_receiver_gives_up_a_silent_sender(void)
{
	struct buf b = pair_octets(400000);
	struct pair p;
	struct err e = ERR_INIT;

	pair_ready(&p, 0, RTSE_MONOLOGUE, WIRE_WHOLE);
	CU_ASSERT_TRUE(rtse_transfer_begin(p.a.r, b.len, &e) >= 0);
	CU_ASSERT_EQUAL(rtse_transfer_data(p.a.r, b.data, 150000, &e), 150000);
	pair_run(&p);
	/* the sender's own time stands still here */
	CU_ASSERT_EQUAL(rtse_engine_ops.deadline(p.b.r), p.now);
	rtse_engine_ops.timeout(p.b.r, p.now);
	CU_ASSERT_EQUAL(rtse_engine_ops.deadline(p.b.r), p.now + 60000);
	p.now += 50000;
	CU_ASSERT_EQUAL(
	    rtse_transfer_data(p.a.r, b.data + 150000, 150000, &e), 150000);
	pair_run(&p);
	CU_ASSERT_EQUAL(rtse_engine_ops.deadline(p.b.r), p.now + 60000);
	p.now += 59999;
	rtse_engine_ops.timeout(p.b.r, p.now);
	CU_ASSERT_EQUAL(p.b.count[RTSE_ABORTED], 0);
	p.now += 1;
	rtse_engine_ops.timeout(p.b.r, p.now);
	CU_ASSERT_EQUAL(p.b.count[RTSE_ABORTED], 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(p.b.err.text, "for too long"));
	pair_run(&p);
	CU_ASSERT_EQUAL(p.a.count[RTSE_ABORTED], 1);
	pair_free(&p);
	buf_free(&b);
}

static void
deadlines_lie_ahead_once_the_driver_called(void)
{
	struct pair p;
	struct buf b = pair_octets(100);

	pair_ready(&p, 1, RTSE_MONOLOGUE, WIRE_WHOLE);
	p.b.leave_end = true;
	pair_time(&p, 3600000);
	pair_send(&p, &p.a, &b);
	CU_ASSERT_TRUE(rtse_engine_ops.deadline(p.a.r) <= p.now);
	rtse_engine_ops.timeout(p.a.r, p.now);
	rtse_engine_ops.timeout(p.b.r, p.now);
	CU_ASSERT_EQUAL(rtse_engine_ops.deadline(p.a.r), p.now + 60000);
	CU_ASSERT_EQUAL(rtse_engine_ops.deadline(p.b.r), MSEC_NEVER);
	buf_free(&b);
	pair_free(&p);
}

static void
an_open_that_nobody_answers_times_out(void)
{
	struct rtse_params a = pair_params(OSI_INITIATOR);
	struct rtse_params b = pair_params(OSI_RESPONDER);
	struct pair p;
	struct err e = ERR_INIT;

	pair_init(&p, &a, &b, WIRE_WHOLE);
	CU_ASSERT_TRUE(rtse_open_request(p.a.r, bind_argument,
			   sizeof(bind_argument), &e) >= 0);
	buf_clear(rtse_engine_ops.output(p.a.r));
	for (p.now = 1000; p.now < 30000; p.now += 1000)
		if (rtse_engine_ops.deadline(p.a.r) <= p.now)
			rtse_engine_ops.timeout(p.a.r, p.now);
	CU_ASSERT_EQUAL(p.a.count[RTSE_ABORTED], 1);
	pair_free(&p);
}

/* --- the turn --- */

static void
the_turn_passes_and_both_ends_send(void)
{
	for (size_t i = 0; i < WIRE_CHUNKS; i++) {
		struct pair p;
		struct buf b = pair_octets(1500);
		struct err e = ERR_INIT;

		pair_ready(&p, 1, RTSE_TWO_WAY_ALTERNATE, wire_chunks[i]);
		CU_ASSERT_EQUAL(rtse_dialogue(p.b.r), RTSE_TWO_WAY_ALTERNATE);
		CU_ASSERT_EQUAL(
		    rtse_transfer_begin(p.b.r, 5, &e), ERR_PROTOCOL);
		CU_ASSERT_EQUAL(rtse_turn_give(p.b.r, &e), ERR_PROTOCOL);
		CU_ASSERT_EQUAL(rtse_turn_please(p.a.r, 1, &e), ERR_PROTOCOL);
		p.a.give_turn = true;
		CU_ASSERT_EQUAL(rtse_turn_please(p.b.r, 4, &e), 0);
		pair_run(&p);
		CU_ASSERT_EQUAL(p.a.count[RTSE_TURN_PLEASE], 1);
		CU_ASSERT_EQUAL(p.a.priority, 4);
		CU_ASSERT_EQUAL(p.b.count[RTSE_TURN_GIVE], 1);
		CU_ASSERT_TRUE(rtse_has_turn(p.b.r));
		CU_ASSERT_FALSE(rtse_has_turn(p.a.r));
		CU_ASSERT_EQUAL(rtse_close(p.a.r, &e), ERR_PROTOCOL);
		pair_send(&p, &p.b, &b);
		CU_ASSERT(holds(&p.a.kept, b.data, b.len));
		CU_ASSERT_EQUAL(p.b.count[RTSE_TRANSFER_CNF], 1);
		CU_ASSERT_EQUAL(rtse_turn_give(p.b.r, &e), 0);
		pair_run(&p);
		CU_ASSERT_EQUAL(p.a.count[RTSE_TURN_GIVE], 1);
		pair_send(&p, &p.a, &b);
		CU_ASSERT(holds(&p.b.kept, b.data, b.len));
		CU_ASSERT_EQUAL(rtse_close(p.a.r, &e), 0);
		pair_run(&p);
		CU_ASSERT_EQUAL(p.a.count[RTSE_CLOSE_CNF], 1);
		buf_free(&b);
		pair_free(&p);
	}
}

static void
held_input_shows_to_the_driver(void)
{
	struct pair p;

	pair_ready(&p, 1, RTSE_MONOLOGUE, WIRE_WHOLE);
	CU_ASSERT_TRUE(rtse_engine_ops.wants_input(p.b.r));
	rtse_hold_input(p.b.r, true);
	CU_ASSERT_FALSE(rtse_engine_ops.wants_input(p.b.r));
	rtse_hold_input(p.b.r, false);
	CU_ASSERT_TRUE(rtse_engine_ops.wants_input(p.b.r));
	pair_free(&p);
}

/* --- recordings of an independent stack --- */

static void
recorded_messages_come_out_whole(void)
{
	static const struct {
		const char *name;
		uint8_t tag;
	} rows[] = {
	    {"p1-88-message.initiator", 0xa0},
	    {"p1-88-ndr.initiator", 0xa0},
	    {"p1-88-ndr-2.initiator", 0xa1},
	    {"p1-88-probe.initiator", 0xa2},
	    {"p1-88-probe-2.initiator", 0xa1},
	};

	for (size_t c = 0; c < WIRE_CHUNKS; c++)
		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
			struct rtse_params p = pair_params(OSI_RESPONDER);
			struct end x = {0};

			end_replay(&x, &p, rows[i].name, wire_chunks[c]);
			CU_ASSERT_EQUAL(x.count[RTSE_OPEN_IND], 1);
			CU_ASSERT_EQUAL(x.open_data.data[0], 0xb0);
			CU_ASSERT_EQUAL(x.open_data.len, 22);
			CU_ASSERT_EQUAL(x.count[RTSE_TRANSFER_END], 1);
			CU_ASSERT_TRUE_FATAL(x.kept.len > 100);
			CU_ASSERT_EQUAL(x.kept.data[0], rows[i].tag);
			CU_ASSERT_EQUAL(x.kept.data[x.kept.len - 1], 0);
			CU_ASSERT_EQUAL(x.count[RTSE_CLOSE_IND], 1);
			CU_ASSERT_EQUAL(x.count[RTSE_ABORTED], 0);
			end_free(&x);
		}
}

/* Two-way alternate, APDUs on the context of RTSE, the turn passing by PT,
 * GTC and GTA: the recorded initiator sends and has its APDUs sent back. */
static void
a_recorded_two_way_dialogue_is_followed(void)
{
	static const char *const names[] = {"isode-rtse-twa-echo-2.initiator",
	    "isode-rtse-twa-echo-4.initiator"};

	/* the second one just ends, without a release */
	static const unsigned echoes[] = {10, 8}, closed[] = {1, 0};

	for (size_t c = 0; c < 2; c++)
		for (size_t i = 0; i < 2; i++) {
			struct rtse_params p = pair_params(OSI_RESPONDER);
			struct end x = {.give_turn = true, .echo = true};

			p.rtse_syntax = p.apdu_syntax = "2.3.0";
			p.application_context = "1.17.0.1.1";
			end_replay(&x, &p, names[i], wire_chunks[c]);
			CU_ASSERT_EQUAL(x.count[RTSE_OPEN_IND], 1);
			CU_ASSERT_EQUAL(
			    rtse_dialogue(x.r), RTSE_TWO_WAY_ALTERNATE);
			CU_ASSERT_EQUAL(x.count[RTSE_TRANSFER_END], echoes[i]);
			CU_ASSERT_EQUAL(x.count[RTSE_TRANSFER_CNF], echoes[i]);
			CU_ASSERT_EQUAL(x.count[RTSE_CLOSE_IND], closed[i]);
			CU_ASSERT_EQUAL(x.count[RTSE_ABORTED], 0);
			end_free(&x);
		}
}

/* The recorded initiator had ten contexts, with ACSE on 19 and RTSE on 17: ours
 * are 1 and 3, and eight that nobody uses. */
static void
as_our_contexts(struct buf *in)
{
	static const uint8_t theirs[] = {0x13, 0x11}, ours[] = {1, 3};

	for (size_t at = 0; at + 3 <= in->len; at++)
		for (size_t i = 0; i < 2; i++)
			if (in->data[at] == 2 && in->data[at + 1] == 1 &&
			    in->data[at + 2] == theirs[i])
				in->data[at + 2] = ours[i];
}

/* The same dialogue from the other side: ours asks for the turn, sends, gives
 * the turn, and gets it back. */
static void
a_recorded_two_way_responder_is_followed(void)
{
	static const char *const names[] = {"isode-rtse-twa-echo-2.responder",
	    "isode-rtse-twa-echo-4.responder"};
	static const unsigned echoes[] = {10, 8};
	static struct pres_context more[8];

	for (size_t i = 0; i < 8; i++)
		more[i] = (struct pres_context){
		    .id = (int32_t)(2 * i + 5), .abstract_syntax = "1.0.8824"};
	for (size_t i = 0; i < 2; i++) {
		struct rtse_params p = pair_params(OSI_INITIATOR);
		struct end x = {.give_turn = true, .echo = true};
		struct buf in = {0};
		struct err e = ERR_INIT;

		x.close_after = i == 0 ? echoes[i] : 0;
		p.rtse_syntax = p.apdu_syntax = "2.3.0";
		p.application_context = "1.17.0.1.1";
		p.dialogue = RTSE_TWO_WAY_ALTERNATE;
		p.pres.ses.token_setting = 0x15;
		p.pres.contexts = more;
		p.pres.n_contexts = 8;
		wire_hex(&x.kept, "0403766d0a");
		x.r = rtse_new(&p, end_event, &x, 1000);
		CU_ASSERT_EQUAL(rtse_open_request(x.r, bind_argument,
				    sizeof(bind_argument), &e),
		    0);
		wire_vector(&in, names[i]);
		end_patch_reference(x.r, &in);
		as_our_contexts(&in);
		rtse_engine_ops.input(x.r, in.data, in.len, 1000);
		CU_ASSERT_EQUAL(x.count[RTSE_OPEN_CNF], 1);
		CU_ASSERT_EQUAL(x.count[RTSE_TRANSFER_CNF], echoes[i]);
		CU_ASSERT_EQUAL(x.count[RTSE_TRANSFER_END], echoes[i]);
		CU_ASSERT_EQUAL(x.count[RTSE_CLOSE_CNF], i == 0);
		CU_ASSERT_EQUAL(x.count[RTSE_ABORTED], 0);
		if (x.count[RTSE_ABORTED] > 0)
			printf("\n  %s\n", x.err.text);
		buf_free(&in);
		end_free(&x);
	}
}

static void
a_recorded_refusal_is_seen_by_our_initiator(void)
{
	for (size_t c = 0; c < WIRE_CHUNKS; c++) {
		struct rtse_params p = pair_params(OSI_INITIATOR);
		struct end x = {0};

		end_replay(&x, &p, "bind-badpw.responder", wire_chunks[c]);
		CU_ASSERT_EQUAL(x.count[RTSE_OPEN_REFUSED], 1);
		CU_ASSERT(holds(&x.open_data, "\x02\x01\x02", 3));
		CU_ASSERT_EQUAL(x.acse_result, ACSE_REJECTED_PERMANENT);
		end_free(&x);
	}
}

/* It selects a checkpoint size of 1, be it below the one proposed, or because
 * a proposal of 0 left it to select one (X.228 7.1.4.1). */
static void
a_recorded_result_is_seen_by_our_initiator(void)
{
	static const uint32_t proposed[] = {63, 1, 0};

	for (size_t i = 0; i < sizeof(proposed) / sizeof(*proposed); i++) {
		struct rtse_params p = pair_params(OSI_INITIATOR);
		struct end x = {0};

		p.checkpoint_size = proposed[i];
		end_replay(&x, &p, "p1-88-message.responder", WIRE_WHOLE);
		CU_ASSERT_EQUAL(x.count[RTSE_OPEN_CNF], 1);
		CU_ASSERT_EQUAL(rtse_checkpoint_size(x.r), 1);
		CU_ASSERT_EQUAL(rtse_window_size(x.r), 3);
		CU_ASSERT_TRUE_FATAL(x.open_data.len > 1);
		CU_ASSERT_EQUAL(x.open_data.data[0], 0xb1);
		end_free(&x);
	}
}

void
suite_osi_rtse(void)
{
	static CU_TestInfo tests[] = {
	    TEST(an_association_opens_and_closes),
	    TEST(checkpoint_and_window_are_negotiated_down),
	    TEST(a_refusal_brings_its_user_data),
	    TEST(what_is_not_offered_is_refused),
	    TEST(an_abort_reaches_the_other_end),
	    TEST(a_broken_connection_is_an_abort),
	    TEST(transfers_of_every_size_arrive_whole),
	    TEST(a_megabyte_passes_the_window),
	    TEST(the_window_holds_the_sender),
	    TEST(the_output_holds_the_sender_without_checkpoints),
	    TEST(an_apdu_that_is_no_value_loses_the_transfer_only),
	    TEST(bare_apdus_share_the_context_of_rtse),
	    TEST(responsibility_passes_when_the_receiver_says_so),
	    TEST(a_refused_transfer_fails_and_the_next_one_passes),
	    TEST(a_discard_midway_loses_nothing_else),
	    TEST(an_apdu_over_the_limit_is_lost),
	    TEST(a_transfer_that_takes_too_long_fails),
	    TEST(a_receiver_gives_up_a_silent_sender),
	    TEST(deadlines_lie_ahead_once_the_driver_called),
	    TEST(an_open_that_nobody_answers_times_out),
	    TEST(the_turn_passes_and_both_ends_send),
	    TEST(held_input_shows_to_the_driver),
	    TEST(recorded_messages_come_out_whole),
	    TEST(a_recorded_two_way_dialogue_is_followed),
	    TEST(a_recorded_two_way_responder_is_followed),
	    TEST(a_recorded_refusal_is_seen_by_our_initiator),
	    TEST(a_recorded_result_is_seen_by_our_initiator),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("osi_rtse", tests);
}
