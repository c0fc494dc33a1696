/* TSDUs and SPDUs: streaming, segmenting, concatenation, and wrong octets. */
#include <string.h>

#include "tests/unit/ses_ends.h"

static void
data_streams_up_before_its_end_has_come(void)
{
	struct end a, b;
	struct ses_prim piece = {
	    .type = SES_DATA, .data = (const uint8_t *)"0123456789", .n = 10};
	struct buf *out;

	associate(&a, &b, SES_FU_RTSE, 1);
	for (int i = 0; i < 10000; i++)
		OK(ses_request(a.s, &piece, NULL));
	out = cotp_output(ses_cotp(a.s));
	CU_ASSERT(out->len > 65000);
	end_carry(&a, &b, 1000);
	CU_ASSERT_EQUAL(b.data.len, 65535 - 7 - 4);
	piece.last = true;
	piece.n = 0;
	OK(ses_request(a.s, &piece, NULL));
	end_carry(&a, &b, 1000);
	CU_ASSERT_EQUAL(b.data.len, 100001);
	CU_ASSERT_EQUAL(b.data.data[100000], '|');
	finish(&a, &b);
}

/* An initiator that proposes a TSDU maximum size, by hand: the responder
 * echoes it and segments. */
static void
a_tsdu_maximum_size_proposed_by_the_peer_is_kept(void)
{
	struct ses_params pa = end_params(OSI_INITIATOR);
	struct ses_params pb = end_params(OSI_RESPONDER);
	struct end a, b;
	struct buf *out;
	static char text[500];

	pa.requirements = pb.requirements = SES_FU_DUPLEX | SES_FU_TYPED_DATA;
	end_open(&a, &pa);
	end_open(&b, &pb);
	OK(end_request(&a, SES_CONNECT, "hello"));
	end_carry(&a, &b, 1);
	end_carry(&b, &a, 1);
	/* put TSDU maximum size 70, 80 into the CN on its way */
	out = cotp_output(ses_cotp(a.s));
	CU_ASSERT_EQUAL(out->data[7], 13);
	{
		struct buf cn = {0};
		size_t at = 7 + 2 + 2 + 3;

		buf_append(&cn, out->data, at);
		buf_append(&cn, "\x15\4\0\x46\0\x50", 6);
		buf_append(&cn, out->data + at, out->len - at);
		cn.data[3] += 6;
		cn.data[8] += 6;
		cn.data[10] += 6;
		buf_clear(out);
		cotp_input(ses_cotp(b.s), cn.data, cn.len);
		buf_free(&cn);
	}
	memset(text, 'x', sizeof(text) - 1);
	end_carry(&b, &a, 1);
	TOLD(&a, "CONNECT.cnf");
	OK(end_request(&b, SES_DATA, text));
	OK(end_request(&b, SES_TYPED_DATA, text));
	out = cotp_output(ses_cotp(b.s));
	for (size_t at = 0; at < out->len; at += out->data[at + 3])
		CU_ASSERT(out->data[at + 3] <= 80 + 7);
	OK(end_request(&a, SES_DATA, text));
	ends_run(&a, &b, 1);
	CU_ASSERT_EQUAL(a.data.len, 2 * 500);
	CU_ASSERT_EQUAL(b.data.len, 500);
	CU_ASSERT_EQUAL(b.data.data[499], '|');
	/* other SPDUs are cut as well */
	OK(end_request(&a, SES_RELEASE, text));
	ends_run(&a, &b, 1);
	TOLD(&b, "CONNECT.ind RELEASE.ind");
	CU_ASSERT_EQUAL(b.user.len, 499);
	TOLD(&a, "RELEASE.cnf");
	finish(&a, &b);
}

static void
wrong_tsdus_give_ab_with_the_octets_at_fault(void)
{
	static const struct {
		const char *tsdu, *reflected;
		uint64_t offset;
	} rows[] = {
	    {"ee00", "ee00", 0}, {"0100 ee00", "ee00", 2},
	    {"0100 2d", "01002d", 3}, /* ends inside an SPDU */
	    {"0100 2d03 2901", "01002d032901", 6},
	    {"0900 61", "61", 2},                  /* after the last SPDU */
	    {"0100 2a03 2a0131 0100", "0100", 7},  /* a third SPDU */
	    {"2d03 290101", "2d03290101", 0},      /* category 2 alone */
	    {"0100 3103 2a0132", "31032a0132", 2}, /* sync point 2, not 1 */
	    {"0100 0103 190102 61", "010319010261", 2}, /* SSDU never began */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct end e;
		struct buf want = {0}, *out;

		open_in_state(&e, STA713);
		put_in(&e, rows[i].tsdu);
		CU_ASSERT_STRING_EQUAL(end_log(&e), "P-ABORT.ind");
		out = cotp_output(ses_cotp(e.s));
		CU_ASSERT(out->len >= 14 && out->data[7] == 25 &&
		    out->data[12] == 49);
		unhex(rows[i].reflected, &want);
		CU_ASSERT_EQUAL(e.err.offset, rows[i].offset);
		CU_ASSERT_EQUAL(out->data[13], want.len);
		CU_ASSERT(out->len == 14 + want.len &&
		    (want.len == 0 ||
			memcmp(out->data + 14, want.data, want.len) == 0));
		buf_free(&want);
		end_close(&e);
	}
}

static void
tokens_after_data_take_effect_after_it(void)
{
	struct end e;

	open_in_state(&e, STA713);
	put_in(&e, "0103 100101 0100 6162");
	TOLD(&e, "GIVE.ind");
	CU_ASSERT_STRING_EQUAL(buf_cstr(&e.data), "ab|");
	CU_ASSERT_EQUAL(ses_tokens(e.s), 1);
	end_close(&e);
}

void
suite_osi_ses_wire(void)
{
	static CU_TestInfo tests[] = {
	    TEST(data_streams_up_before_its_end_has_come),
	    TEST(a_tsdu_maximum_size_proposed_by_the_peer_is_kept),
	    TEST(wrong_tsdus_give_ab_with_the_octets_at_fault),
	    TEST(tokens_after_data_take_effect_after_it),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("osi_ses_wire", tests);
}
