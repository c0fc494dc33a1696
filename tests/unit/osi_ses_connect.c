/* Establishing a session connection: what is proposed, selected, refused. */
#include <string.h>

#include "tests/unit/ses_ends.h"

static void
connect_user_data_of_every_size_arrives(void)
{
	static const struct {
		size_t n;
		int version;
		bool fits;
	} rows[] = {
	    {0, 2, true},
	    {512, 2, true},
	    {513, 2, true},
	    {10240, 2, true},
	    {10241, 2, true},
	    {70000, 2, true},
	    {128 * 1024, 2, true},
	    {128 * 1024 + 1, 2, false},
	};
	static uint8_t data[128 * 1024 + 1];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + (i >> 8));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ses_params pa = end_params(OSI_INITIATOR);
		struct ses_params pb = end_params(OSI_RESPONDER);
		struct ses_prim p = {
		    .type = SES_CONNECT, .data = data, .n = rows[i].n};
		struct end a, b;
		int r;

		end_open(&a, &pa);
		end_open(&b, &pb);
		r = ses_request(a.s, &p, NULL);
		CU_ASSERT_EQUAL(r, rows[i].fits ? 0 : ERR_LIMIT);
		ends_run(&a, &b, 777);
		if (rows[i].fits) {
			TOLD(&a, "CONNECT.cnf");
			CU_ASSERT_EQUAL(b.user.len, rows[i].n);
			CU_ASSERT(rows[i].n == 0 ||
			    memcmp(b.user.data, data, rows[i].n) == 0);
		}
		finish(&a, &b);
	}
}

static void
selectors_references_and_tokens_are_negotiated(void)
{
	struct ses_params pa = end_params(OSI_INITIATOR);
	struct ses_params pb = end_params(OSI_RESPONDER);
	struct end a, b;

	osi_sel_parse("S1", &pa.called, NULL);
	osi_sel_parse("", &pa.calling, NULL);
	osi_sel_parse("S1", &pb.called, NULL);
	osi_sel_parse("S2", &pb.responding, NULL);
	pa.conn_id = (struct ses_conn_id){3, 2, 1, "abc", "de", "f"};
	pa.requirements = 0xffff;
	pa.token_setting = 0x09; /* data: theirs, minor: they choose */
	end_open(&a, &pa);
	end_open(&b, &pb);
	OK(end_request(&a, SES_CONNECT, ""));
	ends_run(&a, &b, 1);
	TOLD(&a, "CONNECT.cnf");
	CU_ASSERT(osi_sel_equal(&ses_params(b.s)->called, &pa.called));
	CU_ASSERT(osi_sel_equal(&ses_params(b.s)->calling, &pa.calling));
	CU_ASSERT(osi_sel_equal(&ses_params(a.s)->responding, &pb.responding));
	CU_ASSERT_EQUAL(ses_params(b.s)->conn_id.user_n, 3);
	CU_ASSERT_EQUAL(ses_params(b.s)->conn_id.add[0], 'f');
	CU_ASSERT_EQUAL(ses_requirements(a.s), SES_FU_RTSE);
	CU_ASSERT_EQUAL(ses_tokens(a.s), 0x14);
	CU_ASSERT_EQUAL(ses_tokens(b.s), 0x01);
	finish(&a, &b);
}

static void
refusals_carry_reason_and_user_data(void)
{
	struct ses_params pa = end_params(OSI_INITIATOR);
	struct ses_params pb = end_params(OSI_RESPONDER);
	struct ses_prim no = {.type = SES_CONNECT,
	    .kind = SES_RSP,
	    .reason = SES_REFUSE_USER_DATA,
	    .data = (const uint8_t *)"because",
	    .n = 7};
	struct end a, b;

	end_open(&a, &pa);
	end_open(&b, &pb);
	b.accept = false;
	OK(end_request(&a, SES_CONNECT, "hello"));
	ends_run(&a, &b, 1);
	OK(ses_request(b.s, &no, NULL));
	ends_run(&a, &b, 1);
	TOLD(&a, "CONNECT.cnf");
	CU_ASSERT(!a.last.accepted);
	CU_ASSERT_EQUAL(a.last.reason, SES_REFUSE_USER_DATA);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&a.user), "because");
	CU_ASSERT(cotp_finished(ses_cotp(a.s)));
	finish(&a, &b);
	osi_sel_parse("right", &pb.called, NULL);
	osi_sel_parse("wrong", &pa.called, NULL);
	end_open(&a, &pa);
	end_open(&b, &pb);
	OK(end_request(&a, SES_CONNECT, "hello"));
	ends_run(&a, &b, 1);
	TOLD(&a, "CONNECT.cnf");
	CU_ASSERT_EQUAL(a.last.reason, SES_REFUSE_SSEL_UNKNOWN);
	TOLD(&b, "P-ABORT.ind");
	CU_ASSERT_EQUAL(b.err.code, ERR_REFUSED);
	finish(&a, &b);
}

static void
version_1_is_spoken_with_a_peer_that_has_no_other(void)
{
	struct ses_params p = end_params(OSI_RESPONDER);
	struct end e;
	struct ses_prim long_one = {
	    .type = SES_CONNECT, .kind = SES_RSP, .accepted = true, .n = 513};
	static uint8_t data[513];

	end_open(&e, &p);
	e.accept = false;
	cotp_input(
	    ses_cotp(e.s), (const uint8_t *)"\3\0\0\x0b\6\xe0\0\0\0\1\0", 11);
	put_in(&e, "0d04 14020249");
	TOLD(&e, "CONNECT.ind");
	long_one.data = data;
	CU_ASSERT_EQUAL(ses_request(e.s, &long_one, NULL), ERR_LIMIT);
	long_one.n = 512;
	OK(ses_request(e.s, &long_one, NULL));
	CU_ASSERT_EQUAL(ses_version(e.s), 1);
	end_close(&e);
	/* and with none that we have */
	end_open(&e, &p);
	cotp_input(
	    ses_cotp(e.s), (const uint8_t *)"\3\0\0\x0b\6\xe0\0\0\0\1\0", 11);
	put_in(&e, "0d05 0503 160104");
	TOLD(&e, "P-ABORT.ind");
	end_close(&e);
}

void
suite_osi_ses_connect(void)
{
	static CU_TestInfo tests[] = {
	    TEST(connect_user_data_of_every_size_arrives),
	    TEST(selectors_references_and_tokens_are_negotiated),
	    TEST(refusals_carry_reason_and_user_data),
	    TEST(version_1_is_spoken_with_a_peer_that_has_no_other),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("osi_ses_connect", tests);
}
