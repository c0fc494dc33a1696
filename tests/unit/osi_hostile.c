/*
 * What a peer may send to do harm: lengths that lie, nesting without end, PDUs
 * that stop anywhere, and octets in very many very small pieces. Each is put
 * into every layer's place of one stack, whose answer is that layer's own, and
 * which allocates nothing that has not come.
 */
#include <malloc.h>
#include <string.h>
#include <time.h>

#include "asn1/ber.h"
#include "tests/unit/osi_rtse_pair.h"

#define MEMORY_MAX (1024 * 1024) /* for all layers, whatever is announced */

struct prey {
	struct ses *peer; /* the session of who means harm */
	struct end x;
	bool open;           /* connected */
	unsigned refused;    /* S-CONNECT confirm, negative */
	unsigned aborted;    /* S-U-ABORT or S-P-ABORT indication */
	unsigned exceptions; /* S-U-EXCEPTION-REPORT indication */
	struct buf answer;   /* user data of the last of these */
};

static void
peer_told(void *user, const struct ses_prim *s)
{
	struct prey *p = user;

	p->open |= s->type == SES_CONNECT && s->accepted;
	p->refused += s->type == SES_CONNECT && !s->accepted;
	p->aborted += s->type == SES_U_ABORT || s->type == SES_P_ABORT;
	p->exceptions += s->type == SES_U_EXCEPTION;
	buf_clear(&p->answer);
	buf_append(&p->answer, s->data, s->n);
}

static size_t
allocated(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static void
prey_run(struct prey *p)
{
	wire_run(ses_cotp(p->peer),
	    ses_cotp(pres_ses(acse_pres(rtse_acse(p->x.r)))), WIRE_WHOLE);
}

static void
prey_request(
    struct prey *p, enum ses_prim_type type, const struct buf *b, bool last)
{
	struct ses_prim s = {.type = type,
	    .kind = SES_REQ,
	    .data = b->data,
	    .n = b->len,
	    .last = last,
	    .activity_id_n = 3,
	    .activity_id = {2, 1, 1}};
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL(ses_request(p->peer, &s, &e), 0);
	prey_run(p);
}

static void
prey_init(struct prey *p, unsigned max_depth)
{
	struct rtse_params r = pair_params(OSI_RESPONDER);
	struct ses_params s = {.requirements = SES_FU_RTSE,
	    .cotp.role = OSI_INITIATOR,
	    .cotp.tpdu_size = COTP_TPDU_MAX};

	*p = (struct prey){0};
	r.pres.ses.cotp.common.max_depth = max_depth;
	p->x.r = rtse_new(&r, end_event, &p->x, 1000);
	p->peer = ses_new(&s, peer_told, p, 1000);
}

static void
prey_free(struct prey *p)
{
	end_free(&p->x);
	ses_free(&p->peer);
	buf_free(&p->answer);
}

/* --- from the inside out --- */

/* What hostile octets take the place of. */
enum place { BIND, RTORQ, AARQ, USER_DATA, CP, PLACES };

static void
put_before(struct buf *b, const char *hex)
{
	struct buf whole = {0};

	wire_hex(&whole, hex);
	buf_append(&whole, b->data, b->len);
	buf_free(b);
	*b = whole;
}

static void
wrap_rtorq(struct buf *b)
{
	ber_wrap(b, 0, BER_CONTEXT, 0);
	ber_wrap(b, 0, BER_CONTEXT, 3);
	ber_wrap(b, 0, BER_CONTEXT, 16);
}

static void
wrap_aarq(struct buf *b)
{
	ber_wrap(b, 0, BER_CONTEXT, 0);
	put_before(b, "020103");
	ber_wrap(b, 0, BER_UNIVERSAL, BER_EXTERNAL);
	ber_wrap(b, 0, BER_CONTEXT, 30);
	put_before(b, "a106 0604 56000106");
	ber_wrap(b, 0, BER_APPLICATION, 0);
}

static void
wrap_user_data(struct buf *b)
{
	ber_wrap(b, 0, BER_CONTEXT, 0);
	put_before(b, "020101");
	ber_wrap(b, 0, BER_UNIVERSAL, BER_SEQUENCE);
	ber_wrap(b, 0, BER_APPLICATION, 1);
}

/* The same, in an OCTET STRING. */
static void
wrap_octets(struct buf *b)
{
	struct buf octets = {0};

	ber_put(&octets, BER_CONTEXT, 1, b->data, b->len);
	buf_free(b);
	*b = octets;
	put_before(b, "020101");
	ber_wrap(b, 0, BER_UNIVERSAL, BER_SEQUENCE);
	ber_wrap(b, 0, BER_APPLICATION, 1);
}

static void
wrap_cp(struct buf *b)
{
	put_before(b,
	    "a433 300f 020101 0604 52010001 3004 0602 5101"
	    "300f 020103 0604 5600020c 3004 0602 5101"
	    "300f 020105 0604 56000207 3004 0602 5101");
	ber_wrap(b, 0, BER_CONTEXT, 2);
	put_before(b, "a003 800101");
	ber_wrap(b, 0, BER_UNIVERSAL, BER_SET);
}

/* Makes a CP of what stands in this place of it. */
static void
make_cp(struct buf *b, enum place place)
{
	static void (*const wrap[])(struct buf *) = {
	    wrap_rtorq, wrap_aarq, wrap_user_data, wrap_cp};

	for (int i = place; i < CP; i++)
		wrap[i](b);
}

/* What belongs there. */
static void
good(struct buf *b, enum place place)
{
	static void (*const wrap[])(struct buf *) = {
	    wrap_rtorq, wrap_aarq, wrap_user_data, wrap_cp};

	wire_hex(b, "0500");
	for (int i = BIND; i < (int)place; i++)
		wrap[i](b);
}

static struct cotp *
prey_cotp(struct prey *p)
{
	return ses_cotp(pres_ses(acse_pres(rtse_acse(p->x.r))));
}

/* One DT, with the header of the session's DT before user data when it begins
 * a TSDU. */
static void
prey_dt(struct prey *p, bool first, const struct buf *b, bool eot)
{
	struct buf dt = {0};
	size_t n = b->len + (first ? 4 : 0) + 7;

	buf_append(&dt, (uint8_t[]){3, 0}, 2);
	buf_put_u16(&dt, (uint16_t)n);
	buf_append(&dt, (uint8_t[]){2, 0xf0, eot ? 0x80 : 0}, 3);
	if (first)
		buf_append(&dt, (uint8_t[]){1, 0, 1, 0}, 4);
	buf_append(&dt, b->data, b->len);
	cotp_input(prey_cotp(p), dt.data, dt.len);
	prey_run(p);
	buf_free(&dt);
}

static void
prey_open(struct prey *p)
{
	struct buf b = {0};

	prey_init(p, 0);
	good(&b, CP);
	prey_request(p, SES_CONNECT, &b, true);
	CU_ASSERT_TRUE_FATAL(p->open);
	CU_ASSERT_EQUAL(p->x.count[RTSE_OPEN_IND], 1);
	buf_clear(&b);
	prey_request(p, SES_ACTIVITY_START, &b, true);
	buf_free(&b);
}

/* Refused by the layer whose PDU it is: CPR with a provider's reason, CPR with
 * nothing but an AARE, or an error that names the octet. */
static void
expect_refusal(struct prey *p)
{
	CU_ASSERT_EQUAL(p->refused, 1);
	CU_ASSERT_FALSE(p->open);
	CU_ASSERT_EQUAL(p->x.count[RTSE_OPEN_IND], 0);
	CU_ASSERT_EQUAL(p->x.count[RTSE_ABORTED], 1);
	CU_ASSERT_NOT_EQUAL(p->x.err.offset, ERR_NO_OFFSET);
	CU_ASSERT(p->answer.len >= 2 && p->answer.data[0] == 0x30);
}

/* --- lengths --- */

/* Tag and length of an element that will never be whole. */
static const char *const lies[] = {
    "30847fffffff",
    "308480000000",
    "3084ffffffff",
    "30887fffffffffffffff",
    "30888000000000000000",
    "3088ffffffffffffffff",
    "3089010000000000000000",
    "30fe",
    "30ff",
    "0484 7fffffff",
    "0488 7fffffffffffffff",
    "3084",
    "30",
    "3f",
    "3fffffffffffffffff7f03",
};

static void
a_length_that_lies_is_refused_in_every_pdu_of_a_connect(void)
{
	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++)
		for (int place = BIND; place < PLACES; place++) {
			size_t before = allocated();
			struct prey p;
			struct buf b = {0};

			prey_init(&p, 0);
			wire_hex(&b, lies[i]);
			make_cp(&b, (enum place)place);
			prey_request(&p, SES_CONNECT, &b, true);
			expect_refusal(&p);
			CU_ASSERT(allocated() < before + MEMORY_MAX);
			buf_free(&b);
			prey_free(&p);
		}
}

/* Around an element in TD: presentation's own, RTSE's, and its user's. */
static const struct {
	const char *around;
	bool may_wait; /* that may be the beginning of something long */
} streams[] = {
    {"", false},
    {"6180", true},
    {"6180 3080", false},
    {"6180 3080 020103 a080", true},
    {"6180 3080 020103 a080 2480", true},
    {"6180 3080 020103 a080 2480 0482 0006 2880 020105 a080", true},
};

static bool
given_up(const struct prey *p)
{
	return p->aborted == 1 || p->exceptions == 1;
}

static void
a_length_that_lies_fills_no_memory_in_data(void)
{
	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++)
		for (size_t k = 0; k < sizeof(streams) / sizeof(*streams);
		     k++) {
			size_t before = allocated();
			struct prey p;
			struct buf b = {0};
			bool whole = strlen(lies[i]) > 4;

			prey_open(&p);
			wire_hex(&b, streams[k].around);
			wire_hex(&b, lies[i]);
			prey_dt(&p, true, &b, false);
			CU_ASSERT(
			    !whole || streams[k].may_wait || given_up(&p));
			CU_ASSERT(allocated() < before + MEMORY_MAX);
			CU_ASSERT(
			    !given_up(&p) || p.x.err.offset != ERR_NO_OFFSET);
			buf_clear(&b);
			if (!given_up(&p)) /* it stops there */
				prey_dt(&p, false, &b, true);
			CU_ASSERT(given_up(&p));
			buf_free(&b);
			prey_free(&p);
		}
}

/* BER lets lengths be longer than they need be. */
static void
lengths_in_too_many_octets_are_read(void)
{
	struct prey p;
	struct buf b = {0};

	prey_init(&p, 0);
	wire_hex(&b, "0583000000");
	wrap_rtorq(&b);
	CU_ASSERT_EQUAL(b.data[1], b.len - 2);
	b.data[0] = (uint8_t)(b.len - 2);
	buf_consume(&b, 1);
	{
		struct buf longer = {0};

		wire_hex(&longer, "b0880000000000000000");
		longer.data[9] = b.data[0];
		buf_append(&longer, b.data + 1, b.len - 1);
		buf_free(&b);
		b = longer;
	}
	make_cp(&b, RTORQ);
	prey_request(&p, SES_CONNECT, &b, true);
	CU_ASSERT_TRUE(p.open);
	CU_ASSERT_EQUAL(p.x.open_data.len, 2);
	buf_free(&b);
	prey_free(&p);
}

/* --- nesting --- */

static void
nesting_without_end_is_refused_in_every_pdu_of_a_connect(void)
{
	for (int place = BIND; place < PLACES; place++)
		for (int indefinite = 0; indefinite < 2; indefinite++) {
			struct prey p;
			struct buf b = {0};

			prey_init(&p, 0);
			wire_nested(&b, 10000, indefinite != 0);
			make_cp(&b, (enum place)place);
			prey_request(&p, SES_CONNECT, &b, true);
			expect_refusal(&p);
			/* local limit exceeded */
			CU_ASSERT(p.answer.len == 5 &&
			    memcmp(p.answer.data, "\x30\3\x8a\1\2", 5) == 0);
			buf_free(&b);
			prey_free(&p);
		}
}

static void
nesting_without_end_is_refused_in_data(void)
{
	for (size_t k = 0; k < sizeof(streams) / sizeof(*streams); k++) {
		struct prey p;
		struct buf b = {0};

		prey_open(&p);
		wire_hex(&b, streams[k].around);
		wire_nested(&b, 10000, true);
		prey_dt(&p, true, &b, false);
		CU_ASSERT_TRUE(given_up(&p));
		CU_ASSERT_NOT_EQUAL(p.x.err.offset, ERR_NO_OFFSET);
		buf_free(&b);
		prey_free(&p);
	}
}

/* The bind is nested as deep as its user said, and one more; both in the open
 * and hidden in an OCTET STRING, which only its own layer looks into. */
static void
the_depth_that_our_user_sets_holds_in_every_layer(void)
{
	static const unsigned set[] = {16, 40, 120};

	for (size_t i = 0; i < sizeof(set) / sizeof(*set); i++)
		for (unsigned more = 0; more < 2; more++) {
			unsigned depth = set[i] + OSI_DEPTH_AROUND > 128
			    ? 128
			    : set[i] + OSI_DEPTH_AROUND;
			struct prey p;
			struct buf b = {0};

			prey_init(&p, set[i]);
			/* CP, normal mode, user data, PDV-list, value, AARQ,
			 * user information, EXTERNAL, value, RTORQ, two more */
			wire_nested(&b, depth - 12 + more, false);
			make_cp(&b, BIND);
			prey_request(&p, SES_CONNECT, &b, true);
			CU_ASSERT_EQUAL(p.open, more == 0);
			if (more > 0)
				expect_refusal(&p);
			buf_free(&b);
			prey_free(&p);
			prey_init(&p, set[i]);
			/* only what is inside counts: AARQ, user
			 * information, EXTERNAL, value, RTORQ, two more */
			wire_nested(&b, depth - 7 + more, false);
			wrap_rtorq(&b);
			wrap_aarq(&b);
			wrap_octets(&b);
			wrap_cp(&b);
			prey_request(&p, SES_CONNECT, &b, true);
			CU_ASSERT_EQUAL(p.open, more == 0);
			if (more > 0)
				expect_refusal(&p);
			buf_free(&b);
			prey_free(&p);
		}
}

/* --- early ends --- */

static void
a_pdu_of_a_connect_that_ends_early_is_refused(void)
{
	for (int place = BIND; place < PLACES; place++) {
		struct buf whole = {0};

		good(&whole, (enum place)place);
		for (size_t n = 0; n < whole.len; n++) {
			struct prey p;
			struct buf b = {0};

			prey_init(&p, 0);
			buf_append(&b, whole.data, n);
			make_cp(&b, (enum place)place);
			prey_request(&p, SES_CONNECT, &b, true);
			expect_refusal(&p);
			buf_free(&b);
			prey_free(&p);
		}
		buf_free(&whole);
	}
}

/* What is wrong is said of the layer whose PDU it is. */
static void
an_error_names_the_layer_of_the_pdu_and_its_octet(void)
{
	static const struct {
		const char *hex;
		enum place place;
		const char *layer, *why;
		uint64_t offset;
	} rows[] = {
	    {"", CP, "presentation", "CP: ", 0},
	    {"30", CP, "presentation", "CP: ", 1},
	    {"3113 a003 800100 a10c 8001", CP, "presentation", "CP: ", 11},
	    {"6009 a107 0605 2a03040506", AARQ, "acse",
		"AARQ, application-context-name: ", 2},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf b = {0};
		struct prey p;

		prey_init(&p, 0);
		wire_hex(&b, rows[i].hex);
		make_cp(&b, rows[i].place);
		prey_request(&p, SES_CONNECT, &b, true);
		CU_ASSERT_EQUAL(p.refused, 1);
		CU_ASSERT_STRING_EQUAL(p.x.err.layer, rows[i].layer);
		CU_ASSERT_PTR_EQUAL(
		    strstr(p.x.err.text, rows[i].why), p.x.err.text);
		CU_ASSERT_EQUAL(p.x.err.offset, rows[i].offset);
		if (p.x.err.offset != rows[i].offset)
			printf("\n  row %zu: %ld %s %s\n", i,
			    (long)p.x.err.offset, p.x.err.layer, p.x.err.text);
		buf_free(&b);
		prey_free(&p);
	}
}

/* X.227 7.3.3: an ABRT of the provider. */
static void
another_apdu_in_the_place_of_the_aarq_is_aborted(void)
{
	static const struct {
		const char *hex, *why;
	} rows[] = {
	    {"6109 a107 0605 2a03040506", "AARE: it is where AARQ belongs"},
	    {"6200", "RLRQ: it is where AARQ belongs"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf b = {0};
		struct prey p;

		prey_init(&p, 0);
		wire_hex(&b, rows[i].hex);
		make_cp(&b, AARQ);
		prey_request(&p, SES_CONNECT, &b, true);
		CU_ASSERT_EQUAL(p.refused, 0);
		CU_ASSERT_EQUAL(p.aborted, 1);
		CU_ASSERT_PTR_NOT_NULL(memmem(
		    p.answer.data, p.answer.len, "\x64\x03\x80\x01\x01", 5));
		CU_ASSERT_STRING_EQUAL(p.x.err.layer, "acse");
		CU_ASSERT_STRING_EQUAL(p.x.err.text, rows[i].why);
		CU_ASSERT_EQUAL(p.x.count[RTSE_ABORTED], 1);
		buf_free(&b);
		prey_free(&p);
	}
}

static const struct osi_selectors *
ours(void *arg, const struct osi_sel *called_tsel)
{
	(void)called_tsel;
	return arg;
}

/* The CP has none; that is the same as an empty one. */
static void
the_called_psel_must_be_that_of_the_called_tsel(void)
{
	static const struct {
		const char *psel;
		bool taken;
	} rows[] = {{NULL, true}, {"", true}, {"P1", false}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct rtse_params r = pair_params(OSI_RESPONDER);
		struct osi_selectors us = {0};
		struct buf b = {0};
		struct prey p;

		osi_sel_parse(rows[i].psel, &us.psel, NULL);
		r.pres.ses.cotp.common.ours = ours;
		r.pres.ses.cotp.common.serves_arg = &us;
		prey_init(&p, 0);
		rtse_free(&p.x.r);
		p.x.r = rtse_new(&r, end_event, &p.x, 1000);
		good(&b, CP);
		prey_request(&p, SES_CONNECT, &b, true);
		CU_ASSERT_EQUAL(p.refused, !rows[i].taken);
		if (!rows[i].taken) {
			CU_ASSERT_STRING_EQUAL(p.x.err.layer, "presentation");
			CU_ASSERT_PTR_NOT_NULL(
			    memmem(p.answer.data, p.answer.len, "\x8a\1\3", 3));
		}
		buf_free(&b);
		prey_free(&p);
	}
}

/* TCP closed at each octet of a recorded connection, up to the end of its FN:
 * our user is told once. */
static void
a_connection_that_ends_at_any_octet_ends_once(void)
{
	struct buf in = {0};
	size_t fn;

	wire_vector(&in, "p1-88-message.initiator");
	fn = in.len - 11; /* a DR follows */
	for (size_t n = 0; n <= in.len; n++) {
		struct rtse_params p = pair_params(OSI_RESPONDER);
		struct end x = {0};
		uint8_t *copy = malloc(n + 1);
		unsigned ends;

		memcpy(copy, in.data, n);
		x.r = rtse_new(&p, end_event, &x, 1000);
		rtse_engine_ops.input(x.r, copy, n, 1000);
		rtse_engine_ops.closed(x.r, NULL, 1000);
		ends = x.count[RTSE_ABORTED] + x.count[RTSE_CLOSE_IND];
		CU_ASSERT_EQUAL(ends, 1);
		CU_ASSERT_EQUAL(n >= fn, x.count[RTSE_CLOSE_IND] == 1);
		free(copy);
		end_free(&x);
	}
	buf_free(&in);
}

/* --- pieces --- */

/* A million DTs without data, or TSDUs without octets: they cost a moment, and
 * no memory. */
static void
a_million_empty_dts_cost_little(void)
{
	static const uint8_t dts[2][7] = {
	    {3, 0, 0, 7, 2, 0xf0, 0}, {3, 0, 0, 7, 2, 0xf0, 0x80}};

	for (int eot = 0; eot < 2; eot++) {
		uint8_t many[7 * 1000];
		size_t before = allocated();
		clock_t start;
		struct prey p;

		prey_open(&p);
		for (size_t i = 0; i < sizeof(many); i += 7)
			memcpy(many + i, dts[eot], 7);
		start = clock();
		for (int i = 0; i < 1000; i++)
			cotp_input(prey_cotp(&p), many, sizeof(many));
		CU_ASSERT(clock() - start < 20 * CLOCKS_PER_SEC);
		CU_ASSERT(allocated() < before + MEMORY_MAX);
		prey_free(&p);
	}
}

/* The greatest TPDU, full of what is no SPDU, of one SPDU, and of data. */
static void
the_greatest_tpdu_is_taken_or_answered_with_an_abort(void)
{
	static const struct {
		const char *head;
		uint8_t fill;
		bool good;
	} rows[] = {
	    {"", 0x00, false},
	    {"", 0xff, false},
	    {"0100 0100 6180 3080 020103 a080 2480 0484 0000ffd0", 0x61, true},
	    {"0200 31ff ffeb", 0x00, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (size_t step = 1; step < 1000000; step *= 997) {
			struct prey p;
			struct buf b = {0};

			prey_open(&p);
			wire_hex(&b, "0300ffff 02f080");
			wire_hex(&b, rows[i].head);
			while (b.len < 65535)
				buf_putc(&b, rows[i].fill);
			for (size_t at = 0; at < b.len; at += step)
				cotp_input(prey_cotp(&p), b.data + at,
				    b.len - at < step ? b.len - at : step);
			prey_run(&p);
			/* the TSDU ends inside of the value */
			CU_ASSERT_EQUAL(p.aborted, 1);
			CU_ASSERT_EQUAL(p.x.count[RTSE_ABORTED], 1);
			CU_ASSERT_NOT_EQUAL(p.x.err.offset, ERR_NO_OFFSET);
			CU_ASSERT_EQUAL(strncmp(p.x.err.text, "TD: ", 4) == 0,
			    rows[i].good);
			buf_free(&b);
			prey_free(&p);
		}
}

void
suite_osi_hostile(void)
{
	static CU_TestInfo tests[] = {
	    TEST(a_length_that_lies_is_refused_in_every_pdu_of_a_connect),
	    TEST(a_length_that_lies_fills_no_memory_in_data),
	    TEST(lengths_in_too_many_octets_are_read),
	    TEST(nesting_without_end_is_refused_in_every_pdu_of_a_connect),
	    TEST(nesting_without_end_is_refused_in_data),
	    TEST(the_depth_that_our_user_sets_holds_in_every_layer),
	    TEST(a_pdu_of_a_connect_that_ends_early_is_refused),
	    TEST(an_error_names_the_layer_of_the_pdu_and_its_octet),
	    TEST(another_apdu_in_the_place_of_the_aarq_is_aborted),
	    TEST(the_called_psel_must_be_that_of_the_called_tsel),
	    TEST(a_connection_that_ends_at_any_octet_ends_once),
	    TEST(a_million_empty_dts_cost_little),
	    TEST(the_greatest_tpdu_is_taken_or_answered_with_an_abort),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("osi_hostile", tests);
}
