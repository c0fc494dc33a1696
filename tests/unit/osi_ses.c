#include "osi/ses.h"

#include <string.h>

#include "osi/ses_int.h"
#include "tests/unit/ses_ends.h"
#include "tests/unit/vectors.h"

static const size_t steps[] = {1, 3, 1000000};
#define N_STEPS (sizeof(steps) / sizeof(steps[0]))

#define TOLD(e, text) CU_ASSERT_STRING_EQUAL(end_log(e), text)
#define OK(call) CU_ASSERT_EQUAL(call, 0)

/* Two ends with an association; `fu` of both. */
static void
associate(struct end *a, struct end *b, uint16_t fu, size_t step)
{
	struct ses_params pa = end_params(OSI_INITIATOR);
	struct ses_params pb = end_params(OSI_RESPONDER);

	pa.requirements = pb.requirements = fu;
	end_open(a, &pa);
	end_open(b, &pb);
	OK(end_request(a, SES_CONNECT, "hello"));
	ends_run(a, b, step);
	TOLD(a, "CONNECT.cnf");
	TOLD(b, "CONNECT.ind");
}

static void
finish(struct end *a, struct end *b)
{
	end_close(a);
	end_close(b);
}

static void
the_services_of_a_transfer_work_at_every_fragmentation(void)
{
	for (size_t i = 0; i < N_STEPS; i++) {
		struct end a, b;
		struct ses_prim minor = {
		    .type = SES_SYNC_MINOR, .explicit_confirm = true};

		associate(&a, &b, SES_FU_RTSE, steps[i]);
		CU_ASSERT_EQUAL(ses_version(a.s), 2);
		CU_ASSERT_EQUAL(ses_requirements(b.s), 0x0249);
		CU_ASSERT_EQUAL(ses_tokens(a.s), 0x15);
		CU_ASSERT_EQUAL(ses_tokens(b.s), 0);
		OK(end_request(&a, SES_ACTIVITY_START, ""));
		OK(end_request(&a, SES_DATA, "first"));
		OK(ses_request(a.s, &minor, NULL));
		OK(end_request(&a, SES_DATA, "second"));
		ends_run(&a, &b, steps[i]);
		TOLD(&b, "START.ind MINOR.ind");
		CU_ASSERT(b.last.explicit_confirm);
		CU_ASSERT_EQUAL(b.last.serial, 1);
		CU_ASSERT_STRING_EQUAL(buf_cstr(&b.data), "first|second|");
		OK(end_respond(&b, SES_SYNC_MINOR, true, 1));
		ends_run(&a, &b, steps[i]);
		TOLD(&a, "MINOR.cnf");
		CU_ASSERT_EQUAL(a.last.serial, 1);
		OK(end_request(&a, SES_ACTIVITY_END, ""));
		ends_run(&a, &b, steps[i]);
		TOLD(&b, "END.ind");
		CU_ASSERT_EQUAL(b.last.serial, 2);
		OK(end_respond(&b, SES_ACTIVITY_END, true, 2));
		ends_run(&a, &b, steps[i]);
		TOLD(&a, "END.cnf");
		OK(end_request(&a, SES_RELEASE, "bye"));
		ends_run(&a, &b, steps[i]);
		TOLD(&b, "RELEASE.ind");
		CU_ASSERT_STRING_EQUAL(buf_cstr(&b.user), "bye");
		TOLD(&a, "RELEASE.cnf");
		CU_ASSERT(a.last.accepted);
		CU_ASSERT(cotp_finished(ses_cotp(a.s)));
		CU_ASSERT(cotp_finished(ses_cotp(b.s)));
		finish(&a, &b);
	}
}

static void
the_turn_passes_with_please_and_control_give(void)
{
	struct end a, b;
	struct ses_prim please = {.type = SES_TOKEN_PLEASE,
	    .tokens = SES_TOKEN_DATA,
	    .data = (const uint8_t *)"\2\1\3",
	    .n = 3};

	associate(&a, &b, SES_FU_RTSE, 1);
	OK(ses_request(b.s, &please, NULL));
	CU_ASSERT_EQUAL(ses_request(a.s, &please, NULL), ERR_PROTOCOL);
	ends_run(&a, &b, 1);
	TOLD(&a, "PLEASE.ind");
	CU_ASSERT_EQUAL(a.last.tokens, SES_TOKEN_DATA);
	CU_ASSERT_EQUAL(a.user.len, 3);
	OK(end_request(&a, SES_CONTROL_GIVE, ""));
	ends_run(&a, &b, 1);
	TOLD(&b, "CONTROL.ind");
	CU_ASSERT_EQUAL(ses_tokens(a.s), 0);
	CU_ASSERT_EQUAL(ses_tokens(b.s), 0x15);
	CU_ASSERT_EQUAL(end_request(&a, SES_ACTIVITY_START, ""), ERR_PROTOCOL);
	OK(end_request(&b, SES_ACTIVITY_START, ""));
	OK(end_request(&b, SES_DATA, "x"));
	ends_run(&a, &b, 1);
	TOLD(&a, "START.ind");
	CU_ASSERT_STRING_EQUAL(buf_cstr(&a.data), "x|");
	CU_ASSERT_EQUAL(end_request(&b, SES_CONTROL_GIVE, ""), ERR_PROTOCOL);
	finish(&a, &b);
}

static void
single_tokens_are_given(void)
{
	struct end a, b;
	struct ses_prim give = {
	    .type = SES_TOKEN_GIVE, .tokens = SES_TOKEN_DATA};

	associate(&a, &b, SES_FU_RTSE, 1);
	OK(ses_request(a.s, &give, NULL));
	CU_ASSERT_EQUAL(ses_request(a.s, &give, NULL), ERR_PROTOCOL);
	ends_run(&a, &b, 1);
	TOLD(&b, "GIVE.ind");
	CU_ASSERT_EQUAL(ses_tokens(a.s), 0x14);
	CU_ASSERT_EQUAL(ses_tokens(b.s), 0x01);
	CU_ASSERT_EQUAL(end_request(&a, SES_DATA, "x"), ERR_PROTOCOL);
	OK(end_request(&b, SES_DATA, "y"));
	ends_run(&a, &b, 1);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&a.data), "y|");
	finish(&a, &b);
}

static void
interrupt_and_discard_end_the_activity_and_take_all_tokens(void)
{
	static const enum ses_prim_type types[] = {
	    SES_ACTIVITY_INTERRUPT, SES_ACTIVITY_DISCARD};
	static const char *const inds[] = {"INTERRUPT.ind", "DISCARD.ind"};
	static const char *const cnfs[] = {"INTERRUPT.cnf", "DISCARD.cnf"};

	for (size_t i = 0; i < 2; i++) {
		struct end a, b;
		struct ses_prim p = {
		    .type = types[i], .reason = SES_REASON_LOCAL_ERROR};
		struct ses_prim half = {
		    .type = SES_DATA, .data = (const uint8_t *)"half", .n = 4};

		associate(&a, &b, SES_FU_RTSE, 1);
		OK(end_request(&a, SES_ACTIVITY_START, ""));
		OK(ses_request(a.s, &half, NULL));
		CU_ASSERT_EQUAL(
		    end_request(&a, SES_SYNC_MINOR, ""), ERR_PROTOCOL);
		OK(ses_request(a.s, &p, NULL));
		ends_run(&a, &b, 1);
		end_log(&a);
		CU_ASSERT(strstr(end_log(&b), inds[i]) != NULL);
		CU_ASSERT_EQUAL(b.last.reason, SES_REASON_LOCAL_ERROR);
		OK(end_respond(&b, types[i], true, 0));
		ends_run(&a, &b, 1);
		TOLD(&a, cnfs[i]);
		CU_ASSERT_EQUAL(ses_tokens(a.s), 0x15);
		OK(end_request(&a, SES_ACTIVITY_START, ""));
		OK(end_request(&a, SES_DATA, "again"));
		ends_run(&a, &b, 1);
		CU_ASSERT_STRING_EQUAL(buf_cstr(&b.data), "half|again|");
		finish(&a, &b);
	}
}

static void
an_exception_is_recovered_by_discard_or_data_token(void)
{
	for (int recover = 0; recover < 2; recover++) {
		struct end a, b;
		struct ses_prim exc = {.type = SES_U_EXCEPTION,
		    .reason = SES_REASON_RECEIVING_ABILITY};
		struct ses_prim give = {
		    .type = SES_TOKEN_GIVE, .tokens = SES_TOKEN_DATA};

		associate(&a, &b, SES_FU_RTSE, 1);
		OK(end_request(&a, SES_ACTIVITY_START, ""));
		OK(end_request(&a, SES_DATA, "one"));
		ends_run(&a, &b, 1);
		CU_ASSERT_EQUAL(ses_request(a.s, &exc, NULL), ERR_PROTOCOL);
		OK(ses_request(b.s, &exc, NULL));
		/* sent before the exception is seen: discarded */
		OK(end_request(&a, SES_DATA, "two"));
		OK(end_request(&a, SES_SYNC_MINOR, ""));
		end_carry(&a, &b, 1);
		end_carry(&b, &a, 1);
		TOLD(&a, "U-EXC.ind");
		CU_ASSERT_EQUAL(a.last.reason, 1);
		CU_ASSERT_EQUAL(end_request(&a, SES_DATA, "x"), ERR_PROTOCOL);
		TOLD(&b, "START.ind");
		CU_ASSERT_STRING_EQUAL(buf_cstr(&b.data), "one|");
		OK(recover == 0 ? end_request(&a, SES_ACTIVITY_DISCARD, "")
				: ses_request(a.s, &give, NULL));
		ends_run(&a, &b, 1);
		TOLD(&b, recover == 0 ? "DISCARD.ind" : "GIVE.ind");
		OK(recover == 0 ? end_respond(&b, SES_ACTIVITY_DISCARD, true, 0)
				: end_request(&b, SES_DATA, "mine"));
		ends_run(&a, &b, 1);
		TOLD(&a, recover == 0 ? "DISCARD.cnf" : "");
		finish(&a, &b);
	}
}

static void
an_activity_is_resumed_where_it_stopped(void)
{
	struct end a, b;
	struct ses_prim p = {.type = SES_ACTIVITY_RESUME,
	    .activity_id_n = 1,
	    .activity_id = {9},
	    .old_activity_id_n = 2,
	    .old_activity_id = {7, 8},
	    .serial = 41,
	    .old_conn_id = {.user_n = 2, .user = "\x04", .add_n = 1}};

	associate(&a, &b, SES_FU_RTSE, 1);
	OK(ses_request(a.s, &p, NULL));
	OK(end_request(&a, SES_SYNC_MINOR, ""));
	end_carry(&a, &b, 1);
	TOLD(&b, "RESUME.ind MINOR.ind");
	CU_ASSERT_EQUAL(b.last.serial, 42);
	CU_ASSERT(!b.last.explicit_confirm);
	CU_ASSERT_EQUAL(
	    end_respond(&b, SES_SYNC_MINOR, true, 41), ERR_PROTOCOL);
	OK(end_respond(&b, SES_SYNC_MINOR, true, 42));
	CU_ASSERT_EQUAL(
	    end_respond(&b, SES_SYNC_MINOR, true, 42), ERR_PROTOCOL);
	finish(&a, &b);
	associate(&a, &b, SES_FU_RTSE, 1);
	OK(ses_request(a.s, &p, NULL));
	end_carry(&a, &b, 1);
	CU_ASSERT_EQUAL(b.last.serial, 41);
	CU_ASSERT_EQUAL(b.last.old_activity_id_n, 2);
	CU_ASSERT_EQUAL(b.last.old_activity_id[1], 8);
	CU_ASSERT_EQUAL(b.last.old_conn_id.user_n, 2);
	CU_ASSERT_EQUAL(b.last.old_conn_id.add_n, 1);
	finish(&a, &b);
}

/* V(A), V(M) and V(R) after S-ACTIVITY-RESUME, X.225 Table A.4 */
static void
a_resumed_activity_counts_on_from_the_point_in_both_roles(void)
{
	static const uint32_t points[] = {0, 1, 41, 999998};

	for (size_t i = 0; i < 2 * sizeof(points) / sizeof(points[0]); i++) {
		struct end ends[2], *from = &ends[i & 1], *to = &ends[~i & 1];
		struct ses_prim p = {.type = SES_ACTIVITY_RESUME,
		    .activity_id_n = 1,
		    .old_activity_id_n = 1,
		    .serial = points[i / 2],
		    .old_conn_id = {3, 2, 1, "abc", "de", "f"}};
		uint32_t next = p.serial + 1;

		associate(&ends[0], &ends[1], SES_FU_RTSE, 1);
		if (from == &ends[1]) {
			OK(end_request(to, SES_CONTROL_GIVE, ""));
			ends_run(from, to, 1);
		}
		OK(ses_request(from->s, &p, NULL));
		end_log(to);
		end_carry(from, to, 1);
		TOLD(to, "RESUME.ind");
		CU_ASSERT_EQUAL(to->last.serial, p.serial);
		CU_ASSERT_EQUAL(memcmp(&to->last.old_conn_id, &p.old_conn_id,
				    sizeof(p.old_conn_id)),
		    0);
		CU_ASSERT(from->s->va == next && from->s->vm == next);
		CU_ASSERT(to->s->va == next && to->s->vm == next);
		CU_ASSERT(from->s->vr == 1 && to->s->vr == 1);
		OK(end_request(from, SES_SYNC_MINOR, ""));
		ends_run(from, to, 1);
		CU_ASSERT_EQUAL(to->last.serial, next);
		OK(end_respond(to, SES_SYNC_MINOR, true, next));
		OK(end_request(from, SES_DATA, "rest"));
		if (next < SPDU_SERIAL_MAX) {
			OK(end_request(from, SES_ACTIVITY_END, ""));
			ends_run(from, to, 1);
			OK(end_respond(to, SES_ACTIVITY_END, true, next + 1));
			ends_run(from, to, 1);
			CU_ASSERT_EQUAL(from->last.serial, next + 1);
			CU_ASSERT(from->s->vr == next + 2 && !from->s->vact);
		} else {
			CU_ASSERT_EQUAL(
			    end_request(from, SES_ACTIVITY_END, ""), ERR_LIMIT);
		}
		finish(&ends[0], &ends[1]);
	}
}

static void
confirming_a_later_point_confirms_the_earlier_ones(void)
{
	struct end a, b;

	associate(&a, &b, SES_FU_RTSE, 1000);
	OK(end_request(&a, SES_ACTIVITY_START, ""));
	for (int i = 0; i < 12; i++)
		OK(end_request(&a, SES_SYNC_MINOR, ""));
	ends_run(&a, &b, 1);
	CU_ASSERT_EQUAL(b.last.serial, 12);
	OK(end_respond(&b, SES_SYNC_MINOR, true, 10));
	CU_ASSERT_EQUAL(end_respond(&b, SES_SYNC_MINOR, true, 9), ERR_PROTOCOL);
	OK(end_respond(&b, SES_SYNC_MINOR, true, 12));
	ends_run(&a, &b, 1);
	TOLD(&a, "MINOR.cnf MINOR.cnf");
	finish(&a, &b);
}

static void
duplex_has_no_data_token_and_typed_data_needs_none(void)
{
	struct end a, b;
	uint16_t fu = SES_FU_DUPLEX | SES_FU_TYPED_DATA;

	associate(&a, &b, fu, 1);
	CU_ASSERT_EQUAL(ses_requirements(a.s), fu);
	OK(end_request(&a, SES_DATA, "a"));
	OK(end_request(&b, SES_DATA, "b"));
	OK(end_request(&b, SES_TYPED_DATA, "t"));
	ends_run(&a, &b, 1);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&a.data), "b|t|");
	CU_ASSERT_STRING_EQUAL(buf_cstr(&b.data), "a|");
	/* nothing orders the FNs: both at once */
	OK(end_request(&a, SES_RELEASE, ""));
	OK(end_request(&b, SES_RELEASE, ""));
	ends_run(&a, &b, 1);
	TOLD(&a, "RELEASE.ind RELEASE.cnf");
	TOLD(&b, "RELEASE.ind RELEASE.cnf");
	finish(&a, &b);
}

static void
a_negotiated_release_can_be_refused(void)
{
	struct end a, b;

	associate(&a, &b, SES_FU_HALF_DUPLEX | SES_FU_NEGOTIATED_RELEASE, 1);
	CU_ASSERT_EQUAL(ses_tokens(a.s), SES_TOKEN_DATA | SES_TOKEN_RELEASE);
	b.accept = false;
	OK(end_request(&a, SES_RELEASE, ""));
	ends_run(&a, &b, 1);
	OK(end_respond(&b, SES_RELEASE, false, 0));
	ends_run(&a, &b, 1);
	TOLD(&a, "RELEASE.cnf");
	OK(end_request(&a, SES_DATA, "still here"));
	ends_run(&a, &b, 1);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&b.data), "still here|");
	finish(&a, &b);
}

static void
release_cannot_be_refused_without_its_functional_unit(void)
{
	struct end a, b;

	associate(&a, &b, SES_FU_RTSE, 1);
	b.accept = false;
	OK(end_request(&a, SES_RELEASE, ""));
	ends_run(&a, &b, 1);
	CU_ASSERT_EQUAL(end_respond(&b, SES_RELEASE, false, 0), ERR_PROTOCOL);
	OK(end_respond(&b, SES_RELEASE, true, 0));
	finish(&a, &b);
}

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
user_abort_reaches_the_peer_in_every_state_and_ends_all(void)
{
	struct end a, b;

	associate(&a, &b, SES_FU_RTSE, 1);
	OK(end_request(&a, SES_U_ABORT, "why"));
	CU_ASSERT_EQUAL(end_request(&a, SES_DATA, "x"), ERR_PROTOCOL);
	ends_run(&a, &b, 1);
	TOLD(&b, "U-ABORT.ind");
	CU_ASSERT_STRING_EQUAL(buf_cstr(&b.user), "why");
	TOLD(&a, "");
	CU_ASSERT(cotp_finished(ses_cotp(a.s)));
	CU_ASSERT(cotp_finished(ses_cotp(b.s)));
	finish(&a, &b);
}

static void
a_lost_connection_is_a_provider_abort(void)
{
	struct end a, b;

	associate(&a, &b, SES_FU_RTSE, 1);
	cotp_closed(ses_cotp(a.s), NULL);
	TOLD(&a, "P-ABORT.ind");
	CU_ASSERT(strstr(a.err.text, "STA713") != NULL);
	cotp_closed(ses_cotp(a.s), NULL);
	TOLD(&a, "");
	finish(&a, &b);
}

/* --- timers --- */

static void
connect_reply_and_abort_timers_run_out(void)
{
	struct ses_params p = end_params(OSI_INITIATOR);
	struct end a, b;

	end_open(&a, &p);
	OK(end_request(&a, SES_CONNECT, ""));
	CU_ASSERT_EQUAL(ses_deadline(a.s), 61000);
	ses_timeout(a.s, 60999);
	TOLD(&a, "");
	ses_timeout(a.s, 61000);
	TOLD(&a, "P-ABORT.ind");
	CU_ASSERT_EQUAL(ses_deadline(a.s), MSEC_NEVER);
	end_close(&a);

	associate(&a, &b, SES_FU_RTSE, 1);
	CU_ASSERT_EQUAL(ses_deadline(a.s), MSEC_NEVER);
	b.accept = false;
	OK(end_request(&a, SES_RELEASE, ""));
	CU_ASSERT(ses_deadline(a.s) <= 5000);
	ses_timeout(a.s, 5000);
	CU_ASSERT_EQUAL(ses_deadline(a.s), 25000);
	ses_timeout(a.s, 25000);
	TOLD(&a, "P-ABORT.ind");
	CU_ASSERT(strstr(a.err.text, "STA03") != NULL);
	end_carry(&a, &b, 1);
	end_log(&b);
	CU_ASSERT_STRING_EQUAL(prim_names[b.last.type], "P-ABORT");
	CU_ASSERT(!cotp_finished(ses_cotp(a.s)));
	ses_timeout(a.s, 25001);
	ses_timeout(a.s, 25001 + SES_ABORT_TIMER);
	CU_ASSERT(cotp_finished(ses_cotp(a.s)));
	finish(&a, &b);
}

static void
idle_timer_is_put_off_by_traffic(void)
{
	struct ses_params pa = end_params(OSI_INITIATOR);
	struct ses_params pb = end_params(OSI_RESPONDER);
	struct end a, b;

	pb.cotp.common.timeouts.idle = 10000;
	end_open(&a, &pa);
	end_open(&b, &pb);
	OK(end_request(&a, SES_CONNECT, ""));
	ends_run(&a, &b, 1);
	end_log(&b);
	ses_timeout(b.s, 3000);
	CU_ASSERT_EQUAL(ses_deadline(b.s), 13000);
	OK(end_request(&a, SES_DATA, "x"));
	end_carry(&a, &b, 1);
	ses_timeout(b.s, 13000);
	TOLD(&b, "");
	CU_ASSERT_EQUAL(ses_deadline(b.s), 23000);
	ses_timeout(b.s, 23000);
	TOLD(&b, "P-ABORT.ind");
	finish(&a, &b);
}

/* --- protocol errors --- */

/* A TSDU for each SPDU, as a peer could send it in any state. */
static const struct {
	enum spdu_type type;
	const char *tsdu;
} samples[] = {
    {SPDU_CN, "0d05 0503 160102"},
    {SPDU_OA, "1003 160102"},
    {SPDU_CDO, "0f03 190102"},
    {SPDU_AC, "0e09 0503 160102 14020249"},
    {SPDU_RF, "0c03 320100"},
    {SPDU_FN, "0903 110101"},
    {SPDU_DN, "0a00"},
    {SPDU_NF, "0800"},
    {SPDU_AB, "1903 110103"},
    {SPDU_AA, "1a00"},
    {SPDU_DT, "0100 0100 61"},
    {SPDU_TD, "2100 61"},
    {SPDU_GT, "0103 100101"},
    {SPDU_PT, "0203 100101"},
    {SPDU_GTC, "1500"},
    {SPDU_GTA, "1600"},
    {SPDU_MIP, "0100 3103 2a0131"},
    {SPDU_MIA, "0200 3203 2a0131"},
    {SPDU_ER, "0100 0000"},
    {SPDU_ED, "0200 3003 320100"},
    {SPDU_AS, "0100 2d03 290101"},
    {SPDU_AR, "0100 1d0b 2106 290101 2a0131 290101"},
    {SPDU_AI, "0100 1900"},
    {SPDU_AIA, "0200 1a00"},
    {SPDU_AD, "0100 3900"},
    {SPDU_ADA, "0200 3a00"},
    {SPDU_AE, "0100 2903 2a0131"},
    {SPDU_AEA, "0200 2a03 2a0131"},
};
#define N_SAMPLES (sizeof(samples) / sizeof(samples[0]))

static void
put_in(struct end *e, const char *tsdu_hex)
{
	struct buf tsdu = {0}, in = {0};

	unhex(tsdu_hex, &tsdu);
	buf_append(&in, (uint8_t[]){3, 0, 0}, 3);
	buf_putc(&in, (uint8_t)(7 + tsdu.len));
	buf_append(&in, (uint8_t[]){2, 0xf0, 0x80}, 3);
	buf_append(&in, tsdu.data, tsdu.len);
	cotp_input(ses_cotp(e->s), in.data, in.len);
	buf_free(&tsdu);
	buf_free(&in);
}

/* An end in the given state, its transport connection open. */
static void
open_in_state(struct end *e, enum ses_state state)
{
	struct ses_params p = end_params(OSI_RESPONDER);

	end_open(e, &p);
	e->accept = false;
	cotp_input(
	    ses_cotp(e->s), (const uint8_t *)"\3\0\0\x0b\6\xe0\0\0\0\1\0", 11);
	buf_clear(cotp_output(ses_cotp(e->s)));
	e->s->state = state;
	e->s->fu = 0xffff & ~SES_FU_DUPLEX;
	e->s->vact = true;
	e->s->va = e->s->vm = 1;
}

static void
every_cell_that_is_a_protocol_error_gives_ab(void)
{
	unsigned errors = 0;

	for (int state = STA01C; state < SES_STATES; state++)
		for (size_t i = 0; i < N_SAMPLES; i++) {
			struct end e;
			struct buf *out;

			open_in_state(&e, (enum ses_state)state);
			out = cotp_output(ses_cotp(e.s));
			if (state == STA16 ||
			    ses_cells[state][EV_SPDU + samples[i].type].next !=
				STA_NONE) {
				end_close(&e);
				continue;
			}
			errors++;
			put_in(&e, samples[i].tsdu);
			CU_ASSERT_STRING_EQUAL(end_log(&e), "P-ABORT.ind");
			CU_ASSERT_EQUAL(e.err.code, ERR_PROTOCOL);
			CU_ASSERT_EQUAL(e.s->state, STA16);
			CU_ASSERT(out->len > 12 && out->data[7] == 25);
			/* protocol error, connection released */
			CU_ASSERT_EQUAL(out->data[11], 5);
			end_close(&e);
		}
	CU_ASSERT(errors > 300);
}

static void
sta16_ignores_all_but_ab_and_aa(void)
{
	for (size_t i = 0; i < N_SAMPLES; i++) {
		struct end e;
		bool ends =
		    samples[i].type == SPDU_AB || samples[i].type == SPDU_AA;

		open_in_state(&e, STA16);
		put_in(&e, samples[i].tsdu);
		TOLD(&e, "");
		CU_ASSERT_EQUAL(cotp_finished(ses_cotp(e.s)), ends);
		CU_ASSERT_EQUAL(cotp_output(ses_cotp(e.s))->len, 0);
		end_close(&e);
	}
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

/* --- version 1 --- */

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

/* --- the recordings --- */

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
suite_osi_ses(void)
{
	static CU_TestInfo tests[] = {
	    TEST(the_services_of_a_transfer_work_at_every_fragmentation),
	    TEST(the_turn_passes_with_please_and_control_give),
	    TEST(single_tokens_are_given),
	    TEST(interrupt_and_discard_end_the_activity_and_take_all_tokens),
	    TEST(an_exception_is_recovered_by_discard_or_data_token),
	    TEST(an_activity_is_resumed_where_it_stopped),
	    TEST(a_resumed_activity_counts_on_from_the_point_in_both_roles),
	    TEST(confirming_a_later_point_confirms_the_earlier_ones),
	    TEST(duplex_has_no_data_token_and_typed_data_needs_none),
	    TEST(a_negotiated_release_can_be_refused),
	    TEST(release_cannot_be_refused_without_its_functional_unit),
	    TEST(connect_user_data_of_every_size_arrives),
	    TEST(selectors_references_and_tokens_are_negotiated),
	    TEST(refusals_carry_reason_and_user_data),
	    TEST(data_streams_up_before_its_end_has_come),
	    TEST(a_tsdu_maximum_size_proposed_by_the_peer_is_kept),
	    TEST(user_abort_reaches_the_peer_in_every_state_and_ends_all),
	    TEST(a_lost_connection_is_a_provider_abort),
	    TEST(connect_reply_and_abort_timers_run_out),
	    TEST(idle_timer_is_put_off_by_traffic),
	    TEST(every_cell_that_is_a_protocol_error_gives_ab),
	    TEST(sta16_ignores_all_but_ab_and_aa),
	    TEST(wrong_tsdus_give_ab_with_the_octets_at_fault),
	    TEST(tokens_after_data_take_effect_after_it),
	    TEST(version_1_is_spoken_with_a_peer_that_has_no_other),
	    TEST(recorded_transfers_go_through_our_responder),
	    TEST(recorded_answers_satisfy_our_initiator),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("osi_ses", tests);
}
