#include "osi/ses.h"

#include <string.h>

#include "osi/ses_int.h"
#include "tests/unit/ses_ends.h"

static const size_t steps[] = {1, 3, 1000000};
#define N_STEPS (sizeof(steps) / sizeof(steps[0]))

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

static void
major_points_are_confirmed_inside_and_outside_of_activities(void)
{
	static const uint16_t units[] = {
	    SES_FU_HALF_DUPLEX | SES_FU_MAJOR_SYNC | SES_FU_MINOR_SYNC,
	    SES_FU_DUPLEX | SES_FU_MAJOR_SYNC, SES_FU_RTSE | SES_FU_MAJOR_SYNC};

	for (size_t i = 0; i < 3; i++) {
		struct end a, b;
		bool activity = (units[i] & SES_FU_ACTIVITY) != 0;
		uint32_t first = activity ? 1 : 0;

		associate(&a, &b, units[i], 1);
		if (activity)
			OK(end_request(&a, SES_ACTIVITY_START, ""));
		if ((units[i] & SES_FU_MINOR_SYNC) != 0) {
			OK(end_request(&a, SES_SYNC_MINOR, ""));
			first++;
		}
		OK(end_request(&a, SES_SYNC_MAJOR, "so far"));
		CU_ASSERT_EQUAL(end_request(&a, SES_DATA, "x"), ERR_PROTOCOL);
		ends_run(&a, &b, 1);
		CU_ASSERT_EQUAL(b.last.type, SES_SYNC_MAJOR);
		CU_ASSERT_EQUAL(b.last.serial, first);
		CU_ASSERT_STRING_EQUAL(buf_cstr(&b.user), "so far");
		CU_ASSERT_EQUAL(
		    end_respond(&b, SES_SYNC_MAJOR, true, 9), ERR_PROTOCOL);
		OK(end_respond(&b, SES_SYNC_MAJOR, true, first));
		ends_run(&a, &b, 1);
		TOLD(&a, "MAJOR.cnf");
		CU_ASSERT_EQUAL(a.last.serial, first);
		/* nothing before it can be confirmed or resumed any more */
		CU_ASSERT(a.s->va == first + 1 && b.s->va == first + 1);
		CU_ASSERT(a.s->vm == first + 1 && b.s->vm == first + 1);
		CU_ASSERT(a.s->vr == first + 1 && b.s->vr == first + 1);
		CU_ASSERT(a.s->vact == activity && b.s->vact == activity);
		OK(end_request(&a, SES_DATA, "more"));
		ends_run(&a, &b, 1);
		CU_ASSERT_STRING_EQUAL(buf_cstr(&b.data), "more|");
		finish(&a, &b);
	}
}

static void
a_minor_point_is_confirmed_while_a_major_one_waits(void)
{
	struct end a, b;

	associate(&a, &b, SES_FU_RTSE | SES_FU_MAJOR_SYNC, 1);
	OK(end_request(&a, SES_ACTIVITY_START, ""));
	OK(end_request(&a, SES_SYNC_MINOR, ""));
	OK(end_request(&a, SES_SYNC_MAJOR, ""));
	ends_run(&a, &b, 1);
	OK(end_respond(&b, SES_SYNC_MINOR, true, 1));
	OK(end_respond(&b, SES_SYNC_MAJOR, true, 2));
	ends_run(&a, &b, 1);
	TOLD(&a, "MINOR.cnf MAJOR.cnf");
	finish(&a, &b);
}

static void
capability_data_goes_both_ways_outside_of_activities(void)
{
	struct end a, b;
	struct ses_prim answer = {.type = SES_CAPABILITY_DATA,
	    .kind = SES_RSP,
	    .data = (const uint8_t *)"this",
	    .n = 4};

	associate(&a, &b, SES_FU_RTSE | SES_FU_CAPABILITY, 1);
	CU_ASSERT_EQUAL(end_request(&b, SES_CAPABILITY_DATA, ""), ERR_PROTOCOL);
	OK(end_request(&a, SES_CAPABILITY_DATA, "can you?"));
	CU_ASSERT_EQUAL(end_request(&a, SES_DATA, "x"), ERR_PROTOCOL);
	ends_run(&a, &b, 1);
	TOLD(&b, "CAPABILITY.ind");
	CU_ASSERT_STRING_EQUAL(buf_cstr(&b.user), "can you?");
	OK(ses_request(b.s, &answer, NULL));
	ends_run(&a, &b, 1);
	TOLD(&a, "CAPABILITY.cnf");
	CU_ASSERT_STRING_EQUAL(buf_cstr(&a.user), "this");
	OK(end_request(&a, SES_ACTIVITY_START, ""));
	CU_ASSERT_EQUAL(end_request(&a, SES_CAPABILITY_DATA, ""), ERR_PROTOCOL);
	finish(&a, &b);
}

/* Typed data needs no token: the turn may come while it is being sent. */
static void
typed_data_is_not_cut_off_by_the_turn(void)
{
	struct end a, b;
	struct ses_prim half = {
	    .type = SES_TYPED_DATA, .data = (const uint8_t *)"half", .n = 4};

	associate(&a, &b, SES_FU_RTSE | SES_FU_TYPED_DATA, 1);
	OK(ses_request(b.s, &half, NULL));
	OK(end_request(&a, SES_CONTROL_GIVE, ""));
	ends_run(&a, &b, 1);
	CU_ASSERT_EQUAL(a.s->state, STA18);
	OK(end_request(&b, SES_TYPED_DATA, "+half"));
	ends_run(&a, &b, 1);
	CU_ASSERT_EQUAL(a.s->state, STA713);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&a.data), "half+half|");
	OK(end_request(&b, SES_ACTIVITY_START, ""));
	ends_run(&a, &b, 1);
	TOLD(&a, "START.ind");
	finish(&a, &b);
}

static void
an_interrupt_voids_data_under_way_in_both_directions(void)
{
	for (int segmented = 0; segmented < 2; segmented++) {
		struct ses_params pa = end_params(OSI_INITIATOR);
		struct ses_params pb = end_params(OSI_RESPONDER);
		struct end a, b;
		static uint8_t data[300];
		struct ses_prim half = {
		    .type = SES_TYPED_DATA, .data = data, .n = 300};

		pa.requirements = pb.requirements =
		    SES_FU_RTSE | SES_FU_TYPED_DATA;
		pa.tsdu_send = pa.tsdu_receive = segmented != 0 ? 100 : 0;
		end_open(&a, &pa);
		end_open(&b, &pb);
		OK(end_request(&a, SES_CONNECT, ""));
		ends_run(&a, &b, 1);
		OK(end_request(&a, SES_ACTIVITY_START, ""));
		OK(ses_request(a.s, &half, NULL));
		OK(ses_request(b.s, &half, NULL));
		ends_run(&a, &b, 1);
		OK(end_request(&a, SES_ACTIVITY_INTERRUPT, ""));
		ends_run(&a, &b, 1);
		OK(end_respond(&b, SES_ACTIVITY_INTERRUPT, true, 0));
		ends_run(&a, &b, 1);
		buf_clear(&a.data);
		buf_clear(&b.data);
		OK(end_request(&a, SES_TYPED_DATA, "a"));
		OK(end_request(&b, SES_TYPED_DATA, "b"));
		ends_run(&a, &b, 1);
		CU_ASSERT_STRING_EQUAL(buf_cstr(&a.data), "b|");
		CU_ASSERT_STRING_EQUAL(buf_cstr(&b.data), "a|");
		CU_ASSERT(strstr(end_log(&a), "ABORT") == NULL);
		finish(&a, &b);
	}
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
	    TEST(user_abort_reaches_the_peer_in_every_state_and_ends_all),
	    TEST(a_lost_connection_is_a_provider_abort),
	    TEST(connect_reply_and_abort_timers_run_out),
	    TEST(idle_timer_is_put_off_by_traffic),
	    TEST(major_points_are_confirmed_inside_and_outside_of_activities),
	    TEST(a_minor_point_is_confirmed_while_a_major_one_waits),
	    TEST(capability_data_goes_both_ways_outside_of_activities),
	    TEST(typed_data_is_not_cut_off_by_the_turn),
	    TEST(an_interrupt_voids_data_under_way_in_both_directions),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("osi_ses", tests);
}
