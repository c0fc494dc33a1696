#include "qmgr/control_request.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

#define ID "29ccfe2bf2000002"

static int
parse(struct arena *a, const char *text, struct q_request *r, struct err *e)
{
	return q_request_parse(a, arena_strdup(a, text), strlen(text), r, e);
}

static void
what_is_packed_is_taken_again(void)
{
	uint32_t v[] = {0, 3, 70};
	struct q_request_target targets[] = {
	    {0x29ccfe2bf2000002, v, 3}, {7, NULL, 0}};
	const struct q_request in = {
	    .verb = Q_VERB_RETURN,
	    .filter = {.channel = "smtp", .peer = "out"},
	    .targets = targets,
	    .n_targets = 2,
	    .reason = 1,
	    .diagnostic = -1,
	    .status = "5.4.7",
	    .text = "no\nsuch \xc3\xbc",
	    .asked = "--to x",
	};
	struct arena *a = arena_new();
	struct buf b = {0};
	struct q_request out;
	struct err e = ERR_INIT;

	q_request_pack(&in, &b);
	CU_ASSERT_EQUAL_FATAL(
	    q_request_parse(a, (char *)b.data, b.len - 1, &out, &e), 0);
	CU_ASSERT_EQUAL(out.verb, Q_VERB_RETURN);
	CU_ASSERT_STRING_EQUAL(out.filter.channel, "smtp");
	CU_ASSERT_STRING_EQUAL(out.filter.peer, "out");
	CU_ASSERT_EQUAL_FATAL(out.n_targets, 2);
	CU_ASSERT_EQUAL(out.targets[0].message, 0x29ccfe2bf2000002);
	CU_ASSERT_EQUAL_FATAL(out.targets[0].n, 3);
	CU_ASSERT_EQUAL(memcmp(out.targets[0].v, v, sizeof(v)), 0);
	CU_ASSERT_EQUAL(out.targets[1].message, 7);
	CU_ASSERT_EQUAL(out.targets[1].n, 0);
	CU_ASSERT_EQUAL(out.reason, 1);
	CU_ASSERT_EQUAL(out.diagnostic, -1);
	CU_ASSERT_STRING_EQUAL(out.asked, "--to x");
	CU_ASSERT_STRING_EQUAL(out.status, "5.4.7");
	CU_ASSERT_STRING_EQUAL(out.text, "no\nsuch \xc3\xbc");
	buf_free(&b);
	arena_free(&a);
}

static void
a_filter_is_packed_and_taken_again(void)
{
	const struct q_request in = {
	    .verb = Q_VERB_LIST,
	    .filter =
		{
		    .channel = "c",
		    .peer = "p",
		    .originator = 1,
		    .recipient = UINT64_MAX,
		    .levels = 63,
		    .states = 1 << Q_VIEW_STOPPED,
		    .kinds = 7,
		    .arrived_after = 1,
		    .arrived_before = INT64_C(1) << 40,
		    .after = 99,
		},
	    .epoch = 5,
	};
	struct arena *a = arena_new();
	struct buf b = {0};
	struct q_request out;

	q_request_pack(&in, &b);
	CU_ASSERT_EQUAL_FATAL(
	    q_request_parse(a, (char *)b.data, b.len - 1, &out, NULL), 0);
	CU_ASSERT_EQUAL(out.filter.originator, 1);
	CU_ASSERT_EQUAL(out.filter.recipient, UINT64_MAX);
	CU_ASSERT_EQUAL(out.filter.levels, 63);
	CU_ASSERT_EQUAL(out.filter.states, 1 << Q_VIEW_STOPPED);
	CU_ASSERT_EQUAL(out.filter.kinds, 7);
	CU_ASSERT_EQUAL(out.filter.arrived_after, 1);
	CU_ASSERT_EQUAL(out.filter.arrived_before, INT64_C(1) << 40);
	CU_ASSERT_EQUAL(out.filter.after, 99);
	CU_ASSERT_EQUAL(out.epoch, 5);
	buf_free(&b);
	arena_free(&a);
}

static void
each_verb_takes_what_it_needs_and_no_more(void)
{
	static const struct {
		const char *text;
		int rc;
	} rows[] = {
	    {"list", 0},
	    {"status", 0},
	    {"show\ttargets=" ID, 0},
	    {"hold\ttargets=" ID ":0,5;" ID, 0},
	    {"priority\ttargets=" ID "\tlevel=flash", 0},
	    {"redirect\ttargets=" ID "\tto_peer=x", 0},
	    {"stop\tpeer=x", 0},
	    {"start\tchannel=x", 0},
	    {"retry_peer\tpeer=x", 0},
	    {"frobnicate", ERR_UNSUPPORTED},
	    {"status\tpeer=x", ERR_SYNTAX},
	    {"list\ttargets=" ID, ERR_SYNTAX},
	    {"list\tcolour=red", ERR_SYNTAX},
	    {"list\tfrom=1", ERR_SYNTAX},
	    {"list\tfrom#1", ERR_SYNTAX},
	    {"list\tlevels#0", ERR_SYNTAX},
	    {"list\tlevels#64", ERR_SYNTAX},
	    {"list\tstates#128", ERR_SYNTAX},
	    {"list\tarrived_after#-1", ERR_SYNTAX},
	    {"list\tarrived_after#9999999999999999999", ERR_SYNTAX},
	    {"list\tpeer=", ERR_SYNTAX},
	    {"list\tpeer#1", ERR_SYNTAX},
	    {"hold", ERR_SYNTAX},
	    {"hold\ttargets=", ERR_SYNTAX},
	    {"hold\ttargets=1", ERR_SYNTAX},
	    {"hold\ttargets=0000000000000000", ERR_SYNTAX},
	    {"hold\ttargets=" ID ":", ERR_SYNTAX},
	    {"hold\ttargets=" ID ":5,5", ERR_SYNTAX},
	    {"hold\ttargets=" ID ":6,5", ERR_SYNTAX},
	    {"hold\ttargets=" ID ":-1", ERR_SYNTAX},
	    {"hold\ttargets=" ID ":32767", ERR_SYNTAX},
	    {"hold\ttargets=" ID ":4294967296", ERR_SYNTAX},
	    {"hold\ttargets=" ID ";", ERR_SYNTAX},
	    {"show\ttargets=" ID ";" ID, ERR_SYNTAX},
	    {"show\ttargets=" ID ":1", ERR_SYNTAX},
	    {"priority\ttargets=" ID, ERR_SYNTAX},
	    {"priority\ttargets=" ID "\tlevel=high", ERR_SYNTAX},
	    {"redirect\ttargets=" ID, ERR_SYNTAX},
	    {"stop", ERR_SYNTAX},
	    {"stop\tpeer=x\tchannel=y", ERR_SYNTAX},
	    {"return\ttargets=" ID, ERR_SYNTAX},
	};
	struct arena *a = arena_new();

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct q_request r;
		struct err e = ERR_INIT;
		int rc = parse(a, rows[i].text, &r, &e);

		CU_ASSERT_EQUAL(rc, rows[i].rc);
		if (rc != rows[i].rc)
			printf("%s: %d %s\n", rows[i].text, rc, e.text);
	}
	arena_free(&a);
}

static void
a_return_has_a_status_that_says_it_is_over(void)
{
	static const struct {
		const char *status;
		int rc;
	} rows[] = {{"5.0.0", 0}, {"5.123.999", 0}, {"4.0.0", ERR_SYNTAX},
	    {"5.0", ERR_SYNTAX}, {"5.0.0.0", ERR_SYNTAX}, {"5..0", ERR_SYNTAX},
	    {"5.1234.0", ERR_SYNTAX}, {"5.0.0x", ERR_SYNTAX},
	    {"5.0.", ERR_SYNTAX}, {"", ERR_SYNTAX}};
	struct arena *a = arena_new();

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct q_request r;
		struct err e = ERR_INIT;
		int rc = parse(a,
		    arena_printf(a,
			"return\ttargets=" ID
			"\treason#1\tdiagnostic#49\ttext=x\tstatus=%s",
			rows[i].status),
		    &r, &e);

		CU_ASSERT_EQUAL(rc, rows[i].rc);
	}
	arena_free(&a);
}

static void
targets_and_texts_have_a_limit(void)
{
	struct q_request in = {.verb = Q_VERB_HOLD}, out;
	struct arena *a = arena_new();
	struct buf b = {0};
	char *text;

	in.targets =
	    arena_alloc(a, (Q_REQUEST_TARGETS + 1) * sizeof(*in.targets));
	for (size_t i = 0; i <= Q_REQUEST_TARGETS; i++)
		in.targets[i].message = i + 1;
	for (size_t n = Q_REQUEST_TARGETS; n <= Q_REQUEST_TARGETS + 1; n++) {
		in.n_targets = n;
		buf_clear(&b);
		q_request_pack(&in, &b);
		CU_ASSERT(b.len < Q_REQUEST_MAX);
		CU_ASSERT_EQUAL(
		    q_request_parse(a, (char *)b.data, b.len - 1, &out, NULL),
		    n == Q_REQUEST_TARGETS ? 0 : ERR_LIMIT);
	}
	text = arena_alloc(a, Q_REQUEST_TEXT + 2);
	memset(text, 'x', Q_REQUEST_TEXT + 1);
	CU_ASSERT_EQUAL(
	    parse(a, arena_printf(a, "stop\tpeer=%s", text), &out, NULL),
	    ERR_LIMIT);
	text[Q_REQUEST_TEXT] = '\0';
	CU_ASSERT_EQUAL(
	    parse(a, arena_printf(a, "stop\tpeer=%s", text), &out, NULL), 0);
	buf_free(&b);
	arena_free(&a);
}

static void
only_what_changes_something_acts(void)
{
	for (int i = 0; i < Q_VERBS; i++)
		CU_ASSERT_EQUAL(q_verb_acts((enum q_verb)i),
		    i != Q_VERB_LIST && i != Q_VERB_SHOW && i != Q_VERB_STATUS);
}

void suite_qmgr_control_request(void);

void
suite_qmgr_control_request(void)
{
	static CU_TestInfo tests[] = {
	    TEST(what_is_packed_is_taken_again),
	    TEST(a_filter_is_packed_and_taken_again),
	    TEST(each_verb_takes_what_it_needs_and_no_more),
	    TEST(a_return_has_a_status_that_says_it_is_over),
	    TEST(targets_and_texts_have_a_limit),
	    TEST(only_what_changes_something_acts),
	    CU_TEST_INFO_NULL,
	};

	unit_suite("qmgr_control_request", tests);
}
