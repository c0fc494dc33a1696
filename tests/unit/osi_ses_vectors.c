/* The session layer of recorded connections, each role played by ours. */
#include <string.h>

#include "tests/unit/ses_ends.h"

/* A user that answers as the recorded one did. */
struct answerer {
	struct end e;
	unsigned ends;
};

static void
answer(void *user, const struct ses_prim *p)
{
	struct answerer *k = user;
	struct ses_prim r = {.type = p->type,
	    .kind = SES_RSP,
	    .accepted = true,
	    .serial = p->serial,
	    .last = true};

	end_told(&k->e, p);
	if (p->kind == SES_IND && p->type == SES_ACTIVITY_END) {
		k->ends++;
		CU_ASSERT_EQUAL(ses_request(k->e.s, &r, NULL), 0);
	}
}

static void
recorded_transfers_go_through_our_responder(void)
{
	static const char *const names[] = {"p1-88-message", "p1-88-ndr",
	    "p1-88-ndr-2", "p1-88-probe", "p1-88-probe-2", "p1-88-x410mode",
	    "p1-84"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct answerer k = {.e.accept = true};
		struct ses_params p = end_params(OSI_RESPONDER);
		struct buf in = {0};

		vector_load(names[i], "initiator", &in);
		k.e.s = ses_new(&p, answer, &k, 1);
		for (size_t at = 0; at < in.len; at++)
			cotp_input(ses_cotp(k.e.s), in.data + at, 1);
		TOLD(&k.e, "CONNECT.ind START.ind END.ind RELEASE.ind");
		CU_ASSERT_EQUAL(k.ends, 1);
		CU_ASSERT(k.e.data.len > 200);
		CU_ASSERT(cotp_finished(ses_cotp(k.e.s)));
		end_close(&k.e);
		buf_free(&in);
	}
}

/* Our initiator against the recorded responder; the references of the CC are
 * made ours. */
static void
recorded_answers_satisfy_our_initiator(void)
{
	struct ses_params p = end_params(OSI_INITIATOR);
	struct buf in = {0};
	struct end e;
	const char *told;

	vector_load("p1-88-message", "responder", &in);
	end_open(&e, &p);
	OK(end_request(&e, SES_CONNECT, ""));
	in.data[6] = 1001 >> 8;
	in.data[7] = 1001 & 0xff;
	cotp_input(ses_cotp(e.s), in.data, 14 + 176);
	TOLD(&e, "CONNECT.cnf");
	CU_ASSERT(e.last.accepted && e.user.len == 116);
	OK(end_request(&e, SES_ACTIVITY_START, ""));
	OK(end_request(&e, SES_DATA, "message"));
	OK(end_request(&e, SES_ACTIVITY_END, ""));
	cotp_input(ses_cotp(e.s), in.data + 190, 14);
	TOLD(&e, "END.cnf");
	OK(end_request(&e, SES_RELEASE, ""));
	cotp_input(ses_cotp(e.s), in.data + 204, in.len - 204);
	TOLD(&e, "RELEASE.cnf");
	end_close(&e);
	buf_clear(&in);
	vector_load("bind-badpw", "responder", &in);
	end_open(&e, &p);
	OK(end_request(&e, SES_CONNECT, ""));
	in.data[6] = 1001 >> 8;
	in.data[7] = 1001 & 0xff;
	cotp_input(ses_cotp(e.s), in.data, in.len);
	told = end_log(&e);
	CU_ASSERT_STRING_EQUAL(told, "CONNECT.cnf");
	CU_ASSERT(!e.last.accepted && e.last.reason == 2);
	CU_ASSERT(e.user.len > 50);
	end_close(&e);
	buf_free(&in);
}

void
suite_osi_ses_vectors(void)
{
	static CU_TestInfo tests[] = {
	    TEST(recorded_transfers_go_through_our_responder),
	    TEST(recorded_answers_satisfy_our_initiator),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("osi_ses_vectors", tests);
}
