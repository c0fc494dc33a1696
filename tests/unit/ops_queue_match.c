#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "ops/queue.h"
#include "qmgr/summary.h"
#include "tests/unit/unit.h"

static const struct cmd test_cmd = {
    .name = "queue", .synopsis = "", .help = ""};

static void
an_address_is_found_by_what_the_operator_writes(void)
{
	static const struct {
		const char *to, *mailbox, *ora;
		bool found;
	} rows[] = {
	    {"joe@a.example", "joe@a.example", NULL, true},
	    {"JOE@A.example", "joe@a.example", NULL, true},
	    {"joe@a.example", "xjoe@a.example", NULL, false},
	    {"<>", "", NULL, true},
	    {"<>", "joe@a.example", NULL, false},
	    {"*@a.example", "joe@a.example", NULL, true},
	    {"*@A.EXAMPLE", "joe@a.example", NULL, true},
	    {"*@a.example", "joe@a.example.org", NULL, false},
	    {"j*e@*ample", "joe@a.example", NULL, true},
	    {"*a*a*b", "joe@aaab", NULL, true},
	    {"*a*a*c", "joe@aaab", NULL, false},
	    {"@a.", "joe@a.example", NULL, true},
	    {"joe", "joe@a.example", NULL, true},
	    {"joe@", "joe@a.example", NULL, true},
	    {"oe@", "joe@a.example", NULL, true},
	    {"a@", "joe@a.example", NULL, false},
	    {"jim", "joe@a.example", NULL, false},
	    {"/S=Joe/ADMD=A/C=XX/", NULL, "/S=joe/ADMD=a/C=XX/", true},
	    {"/S=Joe/ADMD=A/C=XX/", NULL, "/G=J/S=joe/ADMD=a/C=XX/", false},
	    {"/S=Joe/ADMD=A/C=XX/", "joe@a.example", NULL, false},
	    {"s=joe", NULL, "/S=Joe/ADMD=a/C=XX/", true},
	    {"*/ADMD=a/*", NULL, "/S=Joe/ADMD=a/C=XX/", true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct arena *a = arena_new();
		struct queue_options o = {.to = rows[i].to};
		struct mhs_name name = {.mailbox = rows[i].mailbox};
		struct queue_match m;
		int code;

		if (rows[i].ora != NULL)
			name.ora = mhs_or_parse(a, rows[i].ora, NULL);
		CU_ASSERT_TRUE(queue_match_read(a, &test_cmd, &o, &m, &code));
		CU_ASSERT_EQUAL(
		    queue_address_is(a, &m.to, &name), rows[i].found);
		if (queue_address_is(a, &m.to, &name) != rows[i].found)
			printf("%s\n", rows[i].to);
		/* qmgr finds by the hash whatever is found here */
		if (rows[i].found && m.list.filter.recipient != 0)
			CU_ASSERT_EQUAL(
			    m.list.filter.recipient, q_name_hash(&name));
		arena_free(&a);
	}
}

static void
levels_are_names_ranges_and_priorities(void)
{
	static const struct {
		const char *text;
		unsigned bits;
	} rows[] = {{"flash", 16}, {"deferred,override", 33}, {"urgent", 48},
	    {"non-urgent", 3}, {"routine..flash", 30}, {"flash..", 48},
	    {"..routine", 3}, {"normal..urgent", 60}, {"..", 63}};
	struct arena *a = arena_new();

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct queue_options o = {.level = rows[i].text};
		struct queue_match m;
		int code;

		CU_ASSERT_TRUE(queue_match_read(a, &test_cmd, &o, &m, &code));
		CU_ASSERT_EQUAL(m.list.filter.levels, rows[i].bits);
	}
	arena_free(&a);
}

static void
states_kinds_and_ages_are_read(void)
{
	struct queue_options o = {.state = "held,peer-wait",
	    .kind = "probe,report",
	    .older = "2h",
	    .newer = "1w"};
	struct arena *a = arena_new();
	struct queue_match m;
	int code;
	int64_t now = clock_wall();

	CU_ASSERT_TRUE(queue_match_read(a, &test_cmd, &o, &m, &code));
	CU_ASSERT_EQUAL(
	    m.list.filter.states, 1u << Q_VIEW_HELD | 1u << Q_VIEW_PEER_WAIT);
	CU_ASSERT_EQUAL(m.list.filter.kinds, 6);
	CU_ASSERT(m.list.filter.arrived_before >= now - 7200 &&
	    m.list.filter.arrived_before <= now - 7190);
	CU_ASSERT(m.list.filter.arrived_after >= now - 7 * 86400 &&
	    m.list.filter.arrived_after <= now - 7 * 86400 + 10);
	arena_free(&a);
}

void suite_ops_queue_match(void);

void
suite_ops_queue_match(void)
{
	static CU_TestInfo tests[] = {
	    TEST(an_address_is_found_by_what_the_operator_writes),
	    TEST(levels_are_names_ranges_and_priorities),
	    TEST(states_kinds_and_ages_are_read),
	    CU_TEST_INFO_NULL,
	};

	unit_suite("ops_queue_match", tests);
}
