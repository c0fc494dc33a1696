#include "osi/cotp.h"

#include <string.h>

#include "osi/cotp_tpdu.h"
#include "tests/unit/unit.h"
#include "tests/unit/vectors.h"

/* One end, and a record of what it was told. */
struct end {
	struct cotp *c;
	struct buf log;  /* one letter for each event */
	struct buf data; /* all user data; '|' ends a TSDU */
	uint8_t reason;
	struct err err;
};

static void
record(void *user, const struct cotp_event *ev)
{
	struct end *e = user;

	buf_putc(&e->log, (uint8_t) "ICdX"[ev->type]);
	switch (ev->type) {
	case COTP_CONNECT_IND: cotp_connect_accept(e->c); break;
	case COTP_DATA_IND:
		e->log.len--;
		buf_append(&e->data, ev->data, ev->n);
		if (ev->last)
			buf_putc(&e->data, '|');
		break;
	case COTP_DISCONNECT:
		e->reason = ev->reason;
		if (ev->err != NULL)
			e->err = *ev->err;
		break;
	case COTP_CONNECT_CNF: break;
	}
}

static void
open_end(struct end *e, enum osi_role role, uint32_t size)
{
	struct cotp_params p = {.role = role, .tpdu_size = size};

	*e = (struct end){0};
	if (role == OSI_INITIATOR) {
		osi_sel_parse("X400-88", &p.called, NULL);
		osi_sel_parse("591", &p.calling, NULL);
	}
	e->c = cotp_new(&p, record, e, 1000);
}

static void
close_end(struct end *e)
{
	cotp_free(&e->c);
	buf_free(&e->log);
	buf_free(&e->data);
}

/* Moves output of one to input of the other, `step` octets at a time. */
static size_t
carry(struct end *from, struct end *to, size_t step)
{
	struct buf *b = cotp_output(from->c);
	size_t all = b->len;

	while (b->len > 0) {
		size_t n = b->len < step ? b->len : step;

		cotp_input(to->c, b->data, n);
		buf_consume(b, n);
	}
	return all;
}

static void
run(struct end *a, struct end *b, size_t step)
{
	while (carry(a, b, step) + carry(b, a, step) > 0)
		;
}

static void
feed_hex(struct end *e, const char *hex)
{
	struct buf b = {0};

	unhex(hex, &b);
	cotp_input(e->c, b.data, b.len);
	buf_free(&b);
}

static bool
sent_hex(struct end *e, const char *hex)
{
	struct buf b = {0};
	struct buf *out = cotp_output(e->c);
	bool same;

	unhex(hex, &b);
	same = out->len == b.len &&
	    (b.len == 0 || memcmp(out->data, b.data, b.len) == 0);
	buf_free(&b);
	buf_clear(out);
	return same;
}

static const size_t steps[] = {1, 2, 7, 1000, 1000000};
#define N_STEPS (sizeof(steps) / sizeof(steps[0]))

static void
both_ends_connect_and_carry_tsdus_at_every_fragmentation(void)
{
	for (size_t i = 0; i < N_STEPS; i++) {
		struct end a, b;

		open_end(&a, OSI_INITIATOR, 128);
		open_end(&b, OSI_RESPONDER, 65531);
		cotp_connect_request(a.c);
		run(&a, &b, steps[i]);
		CU_ASSERT_STRING_EQUAL(buf_cstr(&a.log), "C");
		CU_ASSERT_STRING_EQUAL(buf_cstr(&b.log), "I");
		CU_ASSERT_EQUAL(cotp_params(b.c)->called.n, 7);
		for (int k = 0; k < 100; k++)
			cotp_data_request(
			    a.c, (const uint8_t *)"abcdefghi", 9, k == 99);
		cotp_data_request(b.c, (const uint8_t *)"", 0, true);
		cotp_data_request(b.c, (const uint8_t *)"x", 1, true);
		run(&a, &b, steps[i]);
		CU_ASSERT_EQUAL(b.data.len, 901);
		CU_ASSERT(memcmp(b.data.data, "abcdefghiabc", 12) == 0);
		CU_ASSERT_EQUAL(b.data.data[900], '|');
		CU_ASSERT_STRING_EQUAL(buf_cstr(&a.data), "|x|");
		close_end(&a);
		close_end(&b);
	}
}

static bool
ends_with(const struct buf *b, const struct buf *end)
{
	return end->len == 0 ||
	    memcmp(b->data + b->len - end->len, end->data, end->len) == 0;
}

static void
tpdu_size_is_the_lesser_of_both_and_absent_means_65531(void)
{
	static const struct {
		uint32_t ours, theirs;
		const char *cr, *cc;
		size_t first_dt; /* octets of the first TPKT of 70000 */
	} rows[] = {
	    {65531, 65531, "", "", 65535},
	    {65531, 2048, "", "c0010b", 2052},
	    {2048, 65531, "c0010b", "c0010b", 2052},
	    {8192, 128, "c0010d", "c00107", 132},
	    {128, 8192, "c00107", "c00107", 132},
	    {9000, 65531, "c0010df0020046", "f0020046", 8964},
	    {65530, 65531, "c0010df00201ff", "f00201ff", 65412},
	    {9000, 2048, "c0010df0020046", "f0020010", 2052},
	    {32768, 10000, "c0010df0020100", "f002004e", 9988},
	    {65531, 9000, "", "c0010d", 8196},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct end a, b;
		struct buf *out, par = {0};
		uint8_t *big = calloc(1, 70000);

		open_end(&a, OSI_INITIATOR, rows[i].ours);
		open_end(&b, OSI_RESPONDER, rows[i].theirs);
		cotp_connect_request(a.c);
		out = cotp_output(a.c);
		unhex(rows[i].cr, &par);
		CU_ASSERT_EQUAL(out->len, 11 + 5 + 9 + par.len);
		CU_ASSERT(ends_with(out, &par));
		carry(&a, &b, 1);
		buf_clear(&par);
		unhex(rows[i].cc, &par);
		out = cotp_output(b.c);
		CU_ASSERT_EQUAL(out->len, 11 + par.len);
		CU_ASSERT(ends_with(out, &par));
		carry(&b, &a, 1);
		cotp_data_request(a.c, big, 70000, true);
		out = cotp_output(a.c);
		CU_ASSERT_EQUAL((size_t)(out->data[2] << 8 | out->data[3]),
		    rows[i].first_dt);
		run(&a, &b, 100000);
		CU_ASSERT_EQUAL(b.data.len, 70001);
		free(big);
		buf_free(&par);
		close_end(&a);
		close_end(&b);
	}
}

static void
refusal_reaches_the_initiator_with_its_reason(void)
{
	struct buf dr = {0};
	struct end a;

	open_end(&a, OSI_INITIATOR, 65531);
	cotp_connect_request(a.c);
	cotp_refuse_cr(cotp_output(a.c)->data, cotp_output(a.c)->len,
	    COTP_REASON_ADDRESS_UNKNOWN, &dr);
	cotp_input(a.c, dr.data, dr.len);
	buf_free(&dr);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&a.log), "X");
	CU_ASSERT_EQUAL(a.reason, COTP_REASON_ADDRESS_UNKNOWN);
	CU_ASSERT_EQUAL(a.err.code, ERR_REFUSED);
	cotp_output(a.c)->len = 0;
	CU_ASSERT(cotp_finished(a.c));
	close_end(&a);
}

/* What a responder does with octets, before or after a good CR. */
static void
garbage_is_answered_per_x224_and_the_octet_is_named(void)
{
	static const char cr[] = "030000130ee00000724100c203353934c0010b";
	static const struct {
		bool connected;
		const char *in, *answer;
		uint64_t offset; /* in the PDU that the text begins with */
		const char *pdu;
	} rows[] = {
	    {false, "47455420", "", 0, "TPKT:"},          /* "GET " */
	    {false, "02", "", 0, "TPKT:"},                /* version */
	    {false, "03000006", "", 2, "TPKT:"},          /* too short */
	    {false, "0300000702f080", "", 1, "cotp DT:"}, /* DT first */
	    {false, "0300000b06d0000000010000", "", 1,
		"cotp CC:"}, /* CC first */
	    {false, "0300000b03e00000000100", "", 0,
		"cotp CR:"}, /* LI too small */
	    {false, "0300000b20e00000000100", "", 0,
		"cotp CR:"}, /* LI too great */
	    {false, "0300000c06e0000000010001", "0300000b06800001000085", 7,
		"cotp CR:"}, /* user data */
	    {false, "0300000e09e00000000500c001ff", "0300000b06800005000085", 9,
		"cotp CR:"}, /* TPDU size 2^255 */
	    {false, "0300000d08e00000000500c205", "0300000b06800005000085", 7,
		"cotp CR:"}, /* parameter past its end */
	    {false, "0300000b06e00000000540", "0300000b06800005000082", 6,
		"cotp CR:"}, /* class 4 alone */
	    {true, "05", "", 0, "TPKT:"},
	    {true, "0300000703f080", "0300000c077072410 0c10103", 0,
		"cotp DT:"},
	    {true, "0300000702f180", NULL, 1, "cotp TPDU:"},
	    {true, "0300000702a000", NULL, 1, "cotp TPDU:"}, /* unknown type */
	    {true, "030000130ee00000724100c203353934c0010b", NULL, 1,
		"cotp CR:"},
	    {true, "0300ffff02f080", NULL, 2048,
		"cotp DT:"}, /* above the 2048 agreed */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct end b;

		open_end(&b, OSI_RESPONDER, 65531);
		if (rows[i].connected) {
			feed_hex(&b, cr);
			buf_clear(cotp_output(b.c));
			buf_clear(&b.log);
		}
		feed_hex(&b, rows[i].in);
		CU_ASSERT_STRING_EQUAL(buf_cstr(&b.log), "X");
		CU_ASSERT(b.err.code < 0);
		CU_ASSERT_EQUAL(b.err.offset, rows[i].offset);
		CU_ASSERT_PTR_EQUAL(
		    strstr(b.err.text, rows[i].pdu), b.err.text);
		CU_ASSERT(cotp_finished(b.c));
		if (rows[i].answer != NULL)
			CU_ASSERT(sent_hex(&b, rows[i].answer))
		else
			CU_ASSERT_EQUAL(cotp_output(b.c)->data[5], TPDU_ER);
		close_end(&b);
	}
}

static void
class_4_with_alternative_0_and_class_1_become_class_0(void)
{
	static const char *const crs[] = {
	    "0300000e09e00000000540c70100", /* 4, alternatives 0 */
	    "0300000b06e00000000510",       /* 1 */
	    "0300000b06ef0000000500",       /* with a credit */
	};

	for (size_t i = 0; i < sizeof(crs) / sizeof(crs[0]); i++) {
		struct end b;

		open_end(&b, OSI_RESPONDER, 65531);
		feed_hex(&b, crs[i]);
		CU_ASSERT_STRING_EQUAL(buf_cstr(&b.log), "I");
		CU_ASSERT(cotp_output(b.c)->data[10] == 0);
		close_end(&b);
	}
}

static void
a_preferred_size_is_read_in_one_to_four_octets(void)
{
	static const struct {
		const char *cr, *cc; /* NULL: refused */
	} rows[] = {
	    {"0300000e09e00000000500f00101", "0300000f0ad0000503e900f0020001"},
	    {"030000110ce00000000500f0040000ffff",
		"0300000f0ad0000503e900f00201ff"},
	    {"030000110ce00000000500c00107f00102", /* goes before the other */
		"0300000f0ad0000503e900f0020002"},
	    {"030000100be00000000500f0040000ff", NULL}, /* past its end */
	    {"0300000e09e00000000500f00100", NULL},     /* nothing */
	    {"0300000d08e00000000500f000", NULL},       /* no octets */
	    {"030000120de00000000500f0050000000001", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct end b;

		open_end(&b, OSI_RESPONDER, 65531);
		feed_hex(&b, rows[i].cr);
		if (rows[i].cc != NULL)
			CU_ASSERT(sent_hex(&b, rows[i].cc))
		else
			CU_ASSERT_STRING_EQUAL(buf_cstr(&b.log), "X");
		close_end(&b);
	}
}

static void
an_initiator_whose_preference_is_ignored_sends_what_all_understand(void)
{
	static const struct {
		const char *cc;
		size_t first_dt;
	} rows[] = {
	    {"0300000b06d003e9000100", 8196},
	    {"0300000e09d003e9000100c0010b", 2052},
	    {"0300000f0ad003e9000100f0020046", 8964},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t big[10000] = {0};
		struct end a;
		struct buf *out;

		open_end(&a, OSI_INITIATOR, 9000);
		cotp_connect_request(a.c);
		buf_clear(cotp_output(a.c));
		feed_hex(&a, rows[i].cc);
		cotp_data_request(a.c, big, sizeof(big), true);
		out = cotp_output(a.c);
		CU_ASSERT_EQUAL((size_t)(out->data[2] << 8 | out->data[3]),
		    rows[i].first_dt);
		close_end(&a);
	}
}

static bool
serves_x(void *arg, const struct osi_sel *called)
{
	*(int *)arg += 1;
	return called->n == 1 && called->v[0] == 'X';
}

static void
a_cr_for_a_selector_that_is_not_served_is_refused(void)
{
	static const struct {
		const char *cr, *answer, *log;
		uint64_t offset;
	} rows[] = {
	    {"0300000e09e00000000500c20158", NULL, "I", 0},
	    {"0300000e09e00000000500c20159", "0300000b06800005000003", "X", 9},
	    {"0300000b06e00000000500", "0300000b06800005000003", "X", 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int asked = 0;
		struct end b = {0};
		struct cotp_params p = {.role = OSI_RESPONDER,
		    .common = {.serves = serves_x, .serves_arg = &asked}};

		b.c = cotp_new(&p, record, &b, 1000);
		feed_hex(&b, rows[i].cr);
		CU_ASSERT_STRING_EQUAL(buf_cstr(&b.log), rows[i].log);
		CU_ASSERT_EQUAL(asked, 1);
		CU_ASSERT(rows[i].answer == NULL ||
		    (sent_hex(&b, rows[i].answer) &&
			b.reason == COTP_REASON_ADDRESS_UNKNOWN &&
			b.err.offset == rows[i].offset));
		close_end(&b);
	}
}

/* --- each state with each TPDU --- */

enum state { NOT_CALLED, CALLING, CALLED, NOT_ANSWERED, OPEN, OVER, N_STATES };

static void
record_only(void *user, const struct cotp_event *ev)
{
	struct end *e = user;

	buf_putc(&e->log, (uint8_t) "ICdX"[ev->type]);
}

static void
bring_to(struct end *e, enum state s)
{
	enum osi_role role =
	    s == NOT_CALLED || s == CALLING ? OSI_INITIATOR : OSI_RESPONDER;
	struct cotp_params p = {.role = role};

	*e = (struct end){0};
	e->c = cotp_new(&p, record_only, e, 1000);
	if (s == CALLING)
		cotp_connect_request(e->c);
	if (s == NOT_ANSWERED || s == OPEN)
		feed_hex(e, "0300000b06e00000000100");
	if (s == OPEN)
		cotp_connect_accept(e->c);
	if (s == OVER)
		cotp_disconnect(e->c);
	buf_clear(cotp_output(e->c));
	buf_clear(&e->log);
}

/* Each cell: the event, and the code of the TPDU sent in answer (0: none). */
static void
each_state_does_what_x224_says_with_each_tpdu(void)
{
	static const struct {
		const char *tpdu;
		struct {
			const char *log;
			int answer;
		} cell[N_STATES];
	} rows[] = {
	    {"0300000b06e00000000500", /* CR */
		{{"X", TPDU_DR}, {"X", 0}, {"I", 0}, {"X", TPDU_ER},
		    {"X", TPDU_ER}, {"", 0}}},
	    {"0300000b06d003e9000100", /* CC */
		{{"X", 0}, {"C", 0}, {"X", 0}, {"X", TPDU_ER}, {"X", TPDU_ER},
		    {"", 0}}},
	    {"0300000b068003e9000103", /* DR */
		{{"X", 0}, {"X", 0}, {"X", 0}, {"X", 0}, {"X", 0}, {"", 0}}},
	    {"0300000802f08061", /* DT */
		{{"X", 0}, {"X", 0}, {"X", 0}, {"X", TPDU_ER}, {"d", 0},
		    {"", 0}}},
	    {"03000009047003e902", /* ER */
		{{"X", 0}, {"X", 0}, {"X", 0}, {"X", 0}, {"X", 0}, {"", 0}}},
	    {"0300000a05c003e90001", /* DC */
		{{"X", 0}, {"X", 0}, {"X", 0}, {"X", TPDU_ER}, {"X", TPDU_ER},
		    {"", 0}}},
	    {"03000009046003e900", /* AK */
		{{"X", 0}, {"X", 0}, {"X", 0}, {"X", TPDU_ER}, {"X", TPDU_ER},
		    {"", 0}}},
	    {"0300000904100000 80", /* ED */
		{{"X", 0}, {"X", 0}, {"X", 0}, {"X", TPDU_ER}, {"X", TPDU_ER},
		    {"", 0}}},
	    {"0300000b06e00001000500", /* CR with a destination reference */
		{{"X", TPDU_DR}, {"X", 0}, {"X", TPDU_DR}, {"X", TPDU_ER},
		    {"X", TPDU_ER}, {"", 0}}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (enum state s = NOT_CALLED; s < N_STATES; s++) {
			struct end e;
			struct buf *out;
			int answer;

			bring_to(&e, s);
			feed_hex(&e, rows[i].tpdu);
			out = cotp_output(e.c);
			answer = out->len > 5 ? out->data[5] : 0;
			CU_ASSERT_STRING_EQUAL(
			    buf_cstr(&e.log), rows[i].cell[s].log);
			CU_ASSERT_EQUAL(answer, rows[i].cell[s].answer);
			if (answer != rows[i].cell[s].answer ||
			    strcmp(buf_cstr(&e.log), rows[i].cell[s].log) != 0)
				printf("[%s in state %u: %s %02x]",
				    rows[i].tpdu, s, buf_cstr(&e.log),
				    (unsigned)answer);
			close_end(&e);
		}
}

static void
an_er_brings_back_the_rejected_octets_to_the_wrong_one(void)
{
	struct end b;
	struct buf in = {0}, *out;

	/* a CR whose last parameter is bad, 100 octets into it */
	unhex("0300006c67e000000005009f5b", &in);
	for (int i = 0; i < 91; i++)
		buf_putc(&in, 'x');
	unhex("c0020707", &in);
	open_end(&b, OSI_RESPONDER, 65531);
	feed_hex(&b, "0300000b06e00000000100");
	buf_clear(cotp_output(b.c));
	cotp_input(b.c, in.data, in.len);
	out = cotp_output(b.c);
	CU_ASSERT_EQUAL_FATAL(out->len, 4 + 7 + 103);
	CU_ASSERT_EQUAL(out->data[5], TPDU_ER);
	CU_ASSERT_EQUAL(out->data[8], TPDU_REJECT_PARAMETER_VALUE);
	CU_ASSERT_EQUAL(out->data[9], 0xc1);
	CU_ASSERT_EQUAL(out->data[10], 103);
	CU_ASSERT(memcmp(out->data + 11, in.data + 4, 103) == 0);
	buf_free(&in);
	close_end(&b);
}

/* A class 0 connection is named by its TCP connection, whose other end is an
 * address and a port: two CRs with one source reference are no duplicates
 * (X.224 6.9.4.2). */
static void
one_source_reference_on_two_connections_makes_two(void)
{
	static const char cr[] = "0300000b06e00000000500";
	struct end b[2];

	for (int i = 0; i < 2; i++) {
		open_end(&b[i], OSI_RESPONDER, 65531);
		feed_hex(&b[i], cr);
	}
	for (int i = 0; i < 2; i++) {
		struct buf *out = cotp_output(b[i].c);

		CU_ASSERT_STRING_EQUAL(buf_cstr(&b[i].log), "I");
		CU_ASSERT_EQUAL_FATAL(out->len, 11);
		CU_ASSERT_EQUAL(out->data[5], TPDU_CC);
		CU_ASSERT_EQUAL(out->data[7], 5);
		buf_clear(out);
		feed_hex(&b[i], "0300000802f08061");
		CU_ASSERT_STRING_EQUAL(buf_cstr(&b[i].data), "a|");
		close_end(&b[i]);
	}
}

/* X.224 6.5.4 a): not one that is in use, which our user knows. */
static void
our_source_reference_is_the_one_we_were_given(void)
{
	struct cotp_params p = {
	    .role = OSI_INITIATOR, .common.reference = 0xabcd};
	struct end a = {0};

	a.c = cotp_new(&p, record, &a, 1000);
	cotp_connect_request(a.c);
	CU_ASSERT(sent_hex(&a, "0300000b06e00000abcd00"));
	feed_hex(&a, "0300000b06d0abcd000500");
	CU_ASSERT_STRING_EQUAL(buf_cstr(&a.log), "C");
	close_end(&a);
}

static void
initiator_takes_a_bare_cc_and_an_empty_last_dt(void)
{
	struct end a;

	open_end(&a, OSI_INITIATOR, 65531);
	cotp_connect_request(a.c);
	/* our reference is 1000 | 1 */
	feed_hex(&a, "0300000b06d003e9000100");
	CU_ASSERT_STRING_EQUAL(buf_cstr(&a.log), "C");
	feed_hex(&a,
	    "0300000902f0006162"
	    "0300000702f000"
	    "0300000702f080"
	    "0300000802f0fe63");
	CU_ASSERT_STRING_EQUAL(buf_cstr(&a.data), "ab|c|");
	close_end(&a);
}

static void
initiator_refuses_a_cc_that_does_not_answer_its_cr(void)
{
	static const struct {
		const char *cc;
		uint64_t offset;
	} ccs[] = {
	    {"0300000b06d003e8000100", 2},       /* another reference */
	    {"0300000b06d003e9000120", 6},       /* class 2 */
	    {"0300000e09d003e9000100c0010d", 9}, /* larger than offered */
	};

	for (size_t i = 0; i < sizeof(ccs) / sizeof(ccs[0]); i++) {
		struct end a;

		open_end(&a, OSI_INITIATOR, 2048);
		cotp_connect_request(a.c);
		feed_hex(&a, ccs[i].cc);
		CU_ASSERT_STRING_EQUAL(buf_cstr(&a.log), "X");
		CU_ASSERT_EQUAL(a.err.offset, ccs[i].offset);
		CU_ASSERT_PTR_EQUAL(
		    strstr(a.err.text, "cotp CC: "), a.err.text);
		close_end(&a);
	}
}

static void
closing_of_tcp_is_clean_only_between_tpkts(void)
{
	static const struct {
		const char *in;
		bool clean;
		uint64_t offset; /* in the TPKT that was cut off */
	} rows[] = {{"", true, ERR_NO_OFFSET}, {"03", false, 1},
	    {"0300000802f080", false, 7}, {"0300000a02f0806162", false, 9},
	    {"0300000802f08061", true, ERR_NO_OFFSET}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct end b;

		open_end(&b, OSI_RESPONDER, 65531);
		feed_hex(&b, "0300000b06e00000000100");
		feed_hex(&b, rows[i].in);
		cotp_closed(b.c, NULL);
		CU_ASSERT_STRING_EQUAL(buf_cstr(&b.log), "IX");
		CU_ASSERT_EQUAL(b.err.code == 0, rows[i].clean);
		CU_ASSERT(rows[i].clean || b.err.offset == rows[i].offset);
		close_end(&b);
	}
}

static void
dr_and_er_end_an_open_connection(void)
{
	struct end b;

	open_end(&b, OSI_RESPONDER, 65531);
	feed_hex(&b,
	    "0300000b06e00000000100"
	    "0300000b06800000000180");
	CU_ASSERT_STRING_EQUAL(buf_cstr(&b.log), "IX");
	CU_ASSERT_EQUAL(b.err.code, 0);
	close_end(&b);
	open_end(&b, OSI_RESPONDER, 65531);
	feed_hex(&b,
	    "0300000b06e00000000100"
	    "030000090470000102");
	CU_ASSERT_STRING_EQUAL(buf_cstr(&b.log), "IX");
	CU_ASSERT_EQUAL(b.err.detail, 2);
	close_end(&b);
}

static void
selectors_of_0_to_32_octets_pass_and_33_do_not(void)
{
	for (unsigned n = 0; n <= 33; n++) {
		struct buf b = {0};
		struct osi_sel sel = {0};
		struct err e = ERR_INIT;
		int r;

		buf_append(&b, (uint8_t[]){3, 0, 0}, 3);
		buf_putc(&b, (uint8_t)(13 + n));
		buf_putc(&b, (uint8_t)(8 + n));
		buf_append(&b, (uint8_t[]){0xe0, 0, 0, 0, 1, 0, 0xc2}, 7);
		buf_putc(&b, (uint8_t)n);
		for (unsigned i = 0; i < n; i++)
			buf_putc(&b, 'a');
		r = cotp_peek_cr(b.data, b.len, &sel, &e);
		CU_ASSERT_EQUAL(r, n <= 32 ? 1 : ERR_SYNTAX);
		CU_ASSERT(r != 1 || (sel.present && sel.n == n));
		buf_free(&b);
	}
}

static void
peek_wants_the_whole_cr_and_refuses_early(void)
{
	struct buf b = {0}, out = {0};
	struct osi_sel sel;

	unhex("030000130ee00000724100c203353934c0010b"
	      "0300",
	    &b);
	for (size_t n = 0; n < 19; n++)
		CU_ASSERT_EQUAL(cotp_peek_cr(b.data, n, &sel, NULL), 0);
	CU_ASSERT_EQUAL(cotp_peek_cr(b.data, b.len, &sel, NULL), 1);
	CU_ASSERT(sel.n == 3 && memcmp(sel.v, "594", 3) == 0);
	cotp_refuse_cr(b.data, b.len, COTP_REASON_ADDRESS_UNKNOWN, &out);
	CU_ASSERT_EQUAL(out.len, 11);
	CU_ASSERT(memcmp(out.data, "\3\0\0\x0b\6\x80\x72\x41\0\0\3", 11) == 0);
	CU_ASSERT(cotp_peek_cr((const uint8_t *)"EHLO", 1, &sel, NULL) < 0);
	CU_ASSERT(
	    cotp_peek_cr((const uint8_t *)"\3\0\2\0\1\xe0", 6, &sel, NULL) < 0);
	buf_free(&b);
	buf_free(&out);
}

static void
peek_tells_a_bad_cr_from_what_is_none_and_names_the_parameter(void)
{
	static const struct {
		const char *in;
		int code;
		uint64_t offset;
		const char *text;
	} rows[] = {
	    {"0300000e09e00000724100c00106", ERR_SYNTAX, 9,
		"TPDU size (0xc0) of 1 octets, 0x06"},
	    {"0300000e09e00000724100c0010e", ERR_SYNTAX, 9, "0x0e"},
	    {"0300000e09e00000724100f00100", ERR_SYNTAX, 9,
		"preferred TPDU size (0xf0) of 1 octets, 0x00"},
	    {"0300002e29e00000724100c221"
	     "303132333435363738393031323334353637383930313233343536373839"
	     "303132",
		ERR_SYNTAX, 9,
		"called TSEL (0xc2) of 33 octets, 0x3031323334353637...: it "
		"must be at most 32 octets"},
	    {"0300020006e0", ERR_SYNTAX, 2, "TPKT: 512 octets are too long"},
	    {"0300000b06800001000285", ERR_PROTOCOL, 1, "no CR"},
	    {"030000060000", ERR_PROTOCOL, 2, "at least 7"},
	    {"47455420", ERR_PROTOCOL, 0, "no RFC 1006"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b = {0};
		struct err e = ERR_INIT;
		struct osi_sel sel;

		unhex(rows[i].in, &b);
		CU_ASSERT_EQUAL(
		    cotp_peek_cr(b.data, b.len, &sel, &e), rows[i].code);
		CU_ASSERT_EQUAL(e.code, rows[i].code);
		CU_ASSERT_EQUAL(e.offset, rows[i].offset);
		CU_ASSERT_PTR_NOT_NULL(strstr(e.text, rows[i].text));
		buf_free(&b);
	}
}

static void
of_a_parameter_given_twice_the_later_value_counts(void)
{
	struct tpdu t;
	struct buf b = {0};

	unhex("0ce00000724100c0010ac0010b", &b);
	CU_ASSERT_EQUAL(tpdu_parse(b.data, b.len, &t, NULL), 0);
	CU_ASSERT_EQUAL(t.size_code, 0x0b);
	buf_free(&b);
}

static void
selector_texts_are_read_and_written(void)
{
	static const struct {
		const char *in, *out;
		int n;
	} rows[] = {
	    {"X400-88", "X400-88", 7},
	    {"0x0102ff", "0x0102ff", 3},
	    {"0x5834", "X4", 2},
	    {"", "0x", 0},
	    {"0x", "0x", 0},
	    {"a b", "0x612062", 3},
	    {"0x3078", "0x3078", 2},
	    {"-", "0x2d", 1},
	    {NULL, "-", 0},
	    {"0x1", NULL, 0},
	    {"0xgg", NULL, 0},
	    {"\xc3\xa4", NULL, 0},
	    {"123456789012345678901234567890123", NULL, 0},
	};
	char text[80];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct osi_sel s;
		struct err e = ERR_INIT;
		int r = osi_sel_parse(rows[i].in, &s, &e);

		CU_ASSERT_EQUAL(r == 0, rows[i].out != NULL);
		if (r != 0)
			continue;
		CU_ASSERT_EQUAL(s.n, rows[i].n);
		CU_ASSERT_STRING_EQUAL(
		    osi_sel_text(&s, text, sizeof(text)), rows[i].out);
	}
}

static void
every_recorded_stream_is_accepted_to_its_end(void)
{
	for (size_t v = 0; v < N_VECTORS; v++) {
		struct buf in = {0}, reply = {0};
		struct end b;

		vector_load(vectors[v], "initiator", &in);
		vector_load(vectors[v], "responder", &reply);
		open_end(&b, OSI_RESPONDER, 2048);
		for (size_t i = 0; i < in.len; i++)
			cotp_input(b.c, in.data + i, 1);
		/* all end with a DR or with nothing */
		CU_ASSERT_EQUAL(b.err.code, 0);
		CU_ASSERT_EQUAL(b.log.data[0], 'I');
		CU_ASSERT(b.data.len > 100);
		close_end(&b);
		buf_free(&in);
		buf_free(&reply);
	}
}

static void
a_greeting_in_text_is_cited(void)
{
	static const char smtp[] = "220 mail.example ESMTP\r\n";
	struct end a;

	open_end(&a, OSI_INITIATOR, 65531);
	cotp_connect_request(a.c);
	cotp_input(a.c, (const uint8_t *)smtp, sizeof(smtp) - 1);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&a.log), "X");
	CU_ASSERT_EQUAL(a.err.detail, COTP_DETAIL_TEXT);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(a.err.text, "\"220 mail.example ESMTP\""));
	close_end(&a);
}

static void
empty_dts_in_a_row_end_at_a_bound(void)
{
	for (int eot = 0; eot < 2; eot++) {
		struct end e;

		open_end(&e, OSI_RESPONDER, 65531);
		feed_hex(&e, "0300000b06e00000000100");
		/* one with data in between begins the count again */
		for (int i = 0; i < 201; i++)
			feed_hex(&e,
			    i == 100       ? "0300000802f00061"
				: eot == 1 ? "0300000702f080"
					   : "0300000702f000");
		CU_ASSERT_STRING_EQUAL(buf_cstr(&e.log), "I");
		feed_hex(&e, eot == 1 ? "0300000702f080" : "0300000702f000");
		CU_ASSERT_STRING_EQUAL(buf_cstr(&e.log), eot == 1 ? "I" : "IX");
		CU_ASSERT_EQUAL(e.err.code, eot == 1 ? 0 : ERR_LIMIT);
		close_end(&e);
	}
}

void
suite_osi_cotp(void)
{
	static CU_TestInfo tests[] = {
	    TEST(both_ends_connect_and_carry_tsdus_at_every_fragmentation),
	    TEST(tpdu_size_is_the_lesser_of_both_and_absent_means_65531),
	    TEST(refusal_reaches_the_initiator_with_its_reason),
	    TEST(garbage_is_answered_per_x224_and_the_octet_is_named),
	    TEST(class_4_with_alternative_0_and_class_1_become_class_0),
	    TEST(a_preferred_size_is_read_in_one_to_four_octets),
	    TEST(
		an_initiator_whose_preference_is_ignored_sends_what_all_understand),
	    TEST(a_cr_for_a_selector_that_is_not_served_is_refused),
	    TEST(each_state_does_what_x224_says_with_each_tpdu),
	    TEST(an_er_brings_back_the_rejected_octets_to_the_wrong_one),
	    TEST(one_source_reference_on_two_connections_makes_two),
	    TEST(our_source_reference_is_the_one_we_were_given),
	    TEST(initiator_takes_a_bare_cc_and_an_empty_last_dt),
	    TEST(initiator_refuses_a_cc_that_does_not_answer_its_cr),
	    TEST(closing_of_tcp_is_clean_only_between_tpkts),
	    TEST(dr_and_er_end_an_open_connection),
	    TEST(selectors_of_0_to_32_octets_pass_and_33_do_not),
	    TEST(peek_wants_the_whole_cr_and_refuses_early),
	    TEST(peek_tells_a_bad_cr_from_what_is_none_and_names_the_parameter),
	    TEST(of_a_parameter_given_twice_the_later_value_counts),
	    TEST(selector_texts_are_read_and_written),
	    TEST(a_greeting_in_text_is_cited),
	    TEST(empty_dts_in_a_row_end_at_a_bound),
	    TEST(every_recorded_stream_is_accepted_to_its_end),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("osi_cotp", tests);
}
