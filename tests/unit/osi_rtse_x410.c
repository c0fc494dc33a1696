/*
 * X.410 mode: no ACSE, no contexts, no RTTR; and the recordings of it.
 */
#include "osi/rtse_int.h"
#include "tests/unit/osi_rtse_pair.h"

static struct rtse_params
x410_params(enum osi_role role)
{
	struct rtse_params p = pair_params(role);

	p.x410 = true;
	p.application_protocol = 12;
	if (role == OSI_INITIATOR)
		p.rtse_syntax = p.apdu_syntax = p.application_context = NULL;
	return p;
}

static void
x410_ready(struct pair *p, size_t chunk)
{
	struct rtse_params a = x410_params(OSI_INITIATOR);
	struct rtse_params b = x410_params(OSI_RESPONDER);

	a.dialogue = RTSE_TWO_WAY_ALTERNATE;
	pair_init(p, &a, &b, chunk);
	pair_open(p);
	CU_ASSERT_EQUAL_FATAL(p->a.count[RTSE_OPEN_CNF], 1);
}

static void
an_association_opens_in_x410_mode(void)
{
	for (size_t i = 0; i < WIRE_CHUNKS; i++) {
		struct pair p;

		x410_ready(&p, wire_chunks[i]);
		CU_ASSERT_TRUE(rtse_is_x410(p.a.r));
		CU_ASSERT_TRUE(rtse_is_x410(p.b.r));
		CU_ASSERT_EQUAL(rtse_application_protocol(p.b.r), 12);
		CU_ASSERT_EQUAL(rtse_dialogue(p.b.r), RTSE_TWO_WAY_ALTERNATE);
		CU_ASSERT_EQUAL(rtse_checkpoint_size(p.a.r), 1);
		CU_ASSERT_PTR_NULL(rtse_application_context(p.b.r));
		pair_expect_open_and_close(&p);
		pair_free(&p);
	}
}

static void
a_responder_without_x410_mode_refuses_it(void)
{
	struct rtse_params a = x410_params(OSI_INITIATOR);
	struct rtse_params b = pair_params(OSI_RESPONDER);
	struct pair p;

	pair_init(&p, &a, &b, WIRE_WHOLE);
	pair_open(&p);
	CU_ASSERT_EQUAL(p.a.count[RTSE_OPEN_REFUSED], 1);
	CU_ASSERT_EQUAL(p.b.count[RTSE_OPEN_IND], 0);
	pair_free(&p);
}

static void
a_responder_of_both_modes_takes_the_normal_one(void)
{
	struct rtse_params a = pair_params(OSI_INITIATOR);
	struct rtse_params b = x410_params(OSI_RESPONDER);
	struct pair p;

	pair_init(&p, &a, &b, WIRE_WHOLE);
	pair_open(&p);
	CU_ASSERT_EQUAL(p.a.count[RTSE_OPEN_CNF], 1);
	CU_ASSERT_FALSE(rtse_is_x410(p.b.r));
	CU_ASSERT_EQUAL(rtse_application_protocol(p.b.r), -1);
	pair_free(&p);
}

static void
apdus_of_every_size_arrive_bare(void)
{
	static const size_t sizes[] = {0, 1, 2, 1023, 1024, 1025, 2048, 70000};

	for (size_t c = 0; c < WIRE_CHUNKS; c++) {
		struct pair p;

		x410_ready(&p, wire_chunks[c]);
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
}

static void
checkpoints_cut_the_apdu_into_ssdus(void)
{
	struct pair p;
	struct buf o = pair_octets(2500);

	x410_ready(&p, WIRE_WHOLE);
	pair_send(&p, &p.a, &o);
	CU_ASSERT_EQUAL(p.a.count[RTSE_CHECKPOINT], 2);
	CU_ASSERT(holds(&p.b.kept, o.data, o.len));
	buf_free(&o);
	pair_free(&p);
}

static void
the_turn_is_asked_for_with_a_bare_priority(void)
{
	for (size_t i = 0; i < WIRE_CHUNKS; i++) {
		struct pair p;
		struct buf o = pair_octets(1500);
		struct err e = ERR_INIT;
		struct buf *out;

		x410_ready(&p, wire_chunks[i]);
		CU_ASSERT_EQUAL(rtse_turn_please(p.b.r, 2, &e), 0);
		out = rtse_engine_ops.output(p.b.r);
		/* PT: tokens, user data INTEGER 2 */
		CU_ASSERT_PTR_NOT_NULL(
		    memmem(out->data, out->len, "\xc1\x03\x02\x01\x02", 5));
		p.a.give_turn = true;
		pair_run(&p);
		CU_ASSERT_EQUAL(p.a.priority, 2);
		CU_ASSERT_EQUAL(p.b.count[RTSE_TURN_GIVE], 1);
		pair_send(&p, &p.b, &o);
		CU_ASSERT(holds(&p.a.kept, o.data, o.len));
		buf_free(&o);
		pair_free(&p);
	}
}

static void
a_bind_error_becomes_a_refuse_reason(void)
{
	static const struct {
		const char *error;
		int reason;
	} rows[] = {
	    {"020100", RTSE_REFUSE_BUSY},
	    {"020102", RTSE_REFUSE_VALIDATION_FAILURE},
	    {"020103", RTSE_REFUSE_DIALOGUE_MODE},
	    {"020104", RTSE_REFUSE_VALIDATION_FAILURE},
	    {"0500", RTSE_REFUSE_VALIDATION_FAILURE},
	    {"", -1}, /* not this protocol */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct rtse_params a = x410_params(OSI_INITIATOR);
		struct rtse_params b = x410_params(OSI_RESPONDER);
		struct pair p;
		struct buf error = {0};

		pair_init(&p, &a, &b, 7);
		wire_hex(&error, rows[i].error);
		p.b.refuse_open = true;
		p.b.refuse_with = &error;
		pair_open(&p);
		CU_ASSERT_EQUAL(p.a.count[RTSE_OPEN_REFUSED], 1);
		CU_ASSERT_EQUAL(p.a.refuse_reason, rows[i].reason);
		CU_ASSERT_EQUAL(p.a.acse_result, ACSE_REJECTED_PERMANENT);
		buf_free(&error);
		pair_free(&p);
	}
}

static void
a_recovery_is_refused_as_not_possible(void)
{
	struct rtse_params a = x410_params(OSI_INITIATOR);
	struct rtse_params b = x410_params(OSI_RESPONDER);
	const struct ses_conn_id old = pair_conn_id(9);
	struct pair p;

	a.recover = &old;
	pair_init(&p, &a, &b, WIRE_WHOLE);
	pair_open(&p);
	CU_ASSERT_EQUAL(p.a.count[RTSE_OPEN_REFUSED], 1);
	CU_ASSERT_EQUAL(p.a.refuse_reason, RTSE_REFUSE_CANNOT_RECOVER);
	pair_free(&p);
}

/* X.410 knows no user error. */
static void
an_abort_says_what_x410_has_words_for(void)
{
	struct pair p;

	x410_ready(&p, 7);
	rtse_abort(p.b.r, "test");
	pair_run(&p);
	CU_ASSERT_EQUAL(p.a.count[RTSE_ABORTED], 1);
	CU_ASSERT_EQUAL(p.a.err.detail, RTSE_ABORT_LOCAL_PROBLEM);
	CU_ASSERT_PTR_NOT_NULL(strstr(p.a.err.text, "local system problem"));
	pair_free(&p);
}

/* --- recordings of an independent stack --- */

static void
recorded_x410_messages_come_out_whole(void)
{
	static const struct {
		const char *name;
		int32_t protocol;
		uint32_t checkpoint;
	} rows[] = {
	    {"p1-88-x410mode.initiator", 12, 1},
	    {"p1-84.initiator", 1, 1},
	};

	for (size_t c = 0; c < WIRE_CHUNKS; c++)
		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
			struct rtse_params p = x410_params(OSI_RESPONDER);
			struct end x = {0};

			end_replay(&x, &p, rows[i].name, wire_chunks[c]);
			CU_ASSERT_EQUAL(x.count[RTSE_OPEN_IND], 1);
			CU_ASSERT_TRUE(rtse_is_x410(x.r));
			CU_ASSERT_EQUAL(
			    rtse_application_protocol(x.r), rows[i].protocol);
			CU_ASSERT_EQUAL(rtse_checkpoint_size(x.r), 1);
			CU_ASSERT_TRUE_FATAL(x.open_data.len > 2);
			CU_ASSERT_EQUAL(x.open_data.data[0], 0xa1);
			CU_ASSERT_EQUAL(x.count[RTSE_TRANSFER_END], 1);
			CU_ASSERT_TRUE_FATAL(x.kept.len > 400);
			CU_ASSERT_EQUAL(x.kept.data[0], 0xa0);
			CU_ASSERT_EQUAL(x.count[RTSE_CLOSE_IND], 1);
			CU_ASSERT_EQUAL(x.count[RTSE_ABORTED], 0);
			end_free(&x);
		}
}

/* Theirs has application-protocol in the wrong order of octets. */
static void
our_rtorq_says_what_the_recorded_one_says(void)
{
	struct err e = ERR_INIT;
	struct buf bind = {0}, theirs = {0};
	struct rtse_open o = {.checkpoint_size = 63,
	    .window_size = 3,
	    .application_protocol = 12};
	struct arena *a = arena_new();
	struct rtse_open back;

	wire_hex(&bind, "a112 8005 4d54412d41 a109 0407 73656372657461");
	wire_hex(&theirs,
	    "b022 80013f 820100 a316 a014 a112 8005 4d54412d41 a109 0407 "
	    "73656372657461 8402 0c00");
	CU_ASSERT_EQUAL_FATAL(
	    rtse_rtorq_decode(
		a, &(struct pres_value){0, theirs.data, theirs.len}, &back, &e),
	    0);
	CU_ASSERT_EQUAL(back.checkpoint_size, o.checkpoint_size);
	CU_ASSERT_EQUAL(back.window_size, o.window_size);
	CU_ASSERT_EQUAL(back.application_protocol, 12);
	CU_ASSERT(holds(&bind, back.user_data.p, back.user_data.n));
	buf_clear(&theirs);
	o.user_data = (struct octets){bind.data, bind.len};
	rtse_rtorq_encode(&o, &theirs);
	CU_ASSERT_EQUAL_FATAL(
	    rtse_rtorq_decode(
		a, &(struct pres_value){0, theirs.data, theirs.len}, &back, &e),
	    0);
	CU_ASSERT_EQUAL(back.application_protocol, 12);
	buf_free(&bind);
	buf_free(&theirs);
	arena_free(&a);
}

static void
recorded_x410_answers_are_understood(void)
{
	static const char *const names[] = {
	    "p1-88-x410mode.responder", "p1-84.responder"};

	for (size_t c = 0; c < WIRE_CHUNKS; c++)
		for (size_t i = 0; i < 2; i++) {
			struct rtse_params p = x410_params(OSI_INITIATOR);
			struct end x = {.send_on_open = 700};

			p.application_protocol = i == 0 ? 12 : 1;
			p.checkpoint_size = 63;
			end_replay(&x, &p, names[i], wire_chunks[c]);
			CU_ASSERT_EQUAL(x.count[RTSE_OPEN_CNF], 1);
			CU_ASSERT_EQUAL(rtse_checkpoint_size(x.r), 1);
			CU_ASSERT_EQUAL(x.open_data.data[0], 0xa1);
			CU_ASSERT_EQUAL(x.count[RTSE_TRANSFER_CNF], 1);
			CU_ASSERT_EQUAL(x.count[RTSE_CLOSE_CNF], 1);
			CU_ASSERT_EQUAL(x.count[RTSE_ABORTED], 0);
			end_free(&x);
		}
}

void
suite_osi_rtse_x410(void)
{
	static CU_TestInfo tests[] = {
	    TEST(an_association_opens_in_x410_mode),
	    TEST(a_responder_without_x410_mode_refuses_it),
	    TEST(a_responder_of_both_modes_takes_the_normal_one),
	    TEST(apdus_of_every_size_arrive_bare),
	    TEST(checkpoints_cut_the_apdu_into_ssdus),
	    TEST(the_turn_is_asked_for_with_a_bare_priority),
	    TEST(a_bind_error_becomes_a_refuse_reason),
	    TEST(a_recovery_is_refused_as_not_possible),
	    TEST(an_abort_says_what_x410_has_words_for),
	    TEST(recorded_x410_messages_come_out_whole),
	    TEST(our_rtorq_says_what_the_recorded_one_says),
	    TEST(recorded_x410_answers_are_understood),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("osi_rtse_x410", tests);
}
