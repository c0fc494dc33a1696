#include "qmgr/tune.h"

#include <stdio.h>
#include <string.h>

#include "qmgr/level.h"
#include "tests/unit/unit.h"

#define WINDOW 1000

/* A thing of which `enough` work at full speed, and no more bring more; the
 * first beyond `break_at` fails. */
struct plant {
	struct tune t;
	unsigned enough, break_at;
	int64_t now;
};

static double
speed(const struct plant *p)
{
	return 100.0 * (p->t.n < p->enough ? p->t.n : p->enough);
}

static void
run(struct plant *p, unsigned seconds)
{
	int64_t end = p->now + (int64_t)seconds * 1000;
	double done = 0;

	for (; p->now < end; p->now += 5) {
		if (p->break_at != 0 && p->t.n > p->break_at)
			tune_failed(&p->t, p->now);
		for (done += speed(p) * 0.005; done >= 1; done--)
			tune_done(&p->t, p->now, true);
		CU_ASSERT_FATAL(p->t.n >= p->t.min && p->t.n <= p->t.max);
	}
}

static void
it_finds_what_is_enough(void)
{
	static const struct {
		unsigned min, max, enough, least, most;
	} v[] = {
	    {1, 8, 1, 1, 1},
	    {1, 8, 3, 3, 3},
	    {1, 8, 8, 8, 8},
	    {1, 8, 20, 8, 8},
	    {2, 6, 1, 2, 2},
	    {1, 100, 40, 36, 46},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct plant p = {.enough = v[i].enough, .now = 1};

		tune_init(&p.t, v[i].min, v[i].max, WINDOW);
		run(&p, 600);
		CU_ASSERT(p.t.base >= v[i].least);
		CU_ASSERT(p.t.base <= v[i].most);
		CU_ASSERT_PTR_NOT_NULL(strstr(p.t.why, "rather than"));
		/* the world changes */
		p.enough = 1;
		run(&p, 2000);
		CU_ASSERT_EQUAL(p.t.base, v[i].min);
	}
}

static void
what_fails_is_not_kept(void)
{
	struct plant p = {.enough = 8, .break_at = 4, .now = 1};

	tune_init(&p.t, 1, 8, WINDOW);
	run(&p, 600);
	CU_ASSERT_EQUAL(p.t.base, 4);
}

static void
without_more_work_than_it_can_do_nothing_is_concluded(void)
{
	struct tune t;

	tune_init(&t, 1, 8, WINDOW);
	for (int64_t now = 1; now < 100000; now++)
		CU_ASSERT_FALSE(tune_done(&t, now, now % 900 != 0));
	CU_ASSERT_EQUAL(t.n, 1);
	CU_ASSERT_EQUAL(t.at, 0);
}

static void
a_fixed_number_stays(void)
{
	struct tune t;

	tune_init(&t, 3, 3, WINDOW);
	for (int64_t now = 1; now < 100000; now++)
		CU_ASSERT_FALSE(tune_done(&t, now, true));
	CU_ASSERT_FALSE(tune_failed(&t, 100000));
	CU_ASSERT_EQUAL(t.n, 3);
	CU_ASSERT_STRING_EQUAL(t.why, "fixed");
}

/* --- qmgr/level.h --- */

static void
priority_and_qualifier_make_six_levels(void)
{
	static const struct {
		enum mhs_priority priority;
		const char *oid;
		uint8_t value[4];
		size_t n;
		const char *name;
	} v[] = {
	    {MHS_NON_URGENT, NULL, {0}, 0, "deferred"},
	    {MHS_NORMAL, NULL, {0}, 0, "priority"},
	    {MHS_URGENT, NULL, {0}, 0, "flash"},
	    {MHS_NON_URGENT, Q_LEVEL_QUALIFIER_OID, {10, 1, 0}, 3, "deferred"},
	    {MHS_NON_URGENT, Q_LEVEL_QUALIFIER_OID, {10, 1, 1}, 3, "routine"},
	    {MHS_NORMAL, Q_LEVEL_QUALIFIER_OID, {10, 1, 0}, 3, "priority"},
	    {MHS_NORMAL, Q_LEVEL_QUALIFIER_OID, {10, 1, 1}, 3, "immediate"},
	    {MHS_URGENT, Q_LEVEL_QUALIFIER_OID, {10, 1, 0}, 3, "flash"},
	    {MHS_URGENT, Q_LEVEL_QUALIFIER_OID, {10, 1, 1}, 3, "override"},
	    /* none of ours, or none at all */
	    {MHS_NORMAL, "1.3.26.0.4406.0.8.1", {10, 1, 1}, 3, "priority"},
	    {MHS_NORMAL, Q_LEVEL_QUALIFIER_OID, {10, 1, 2}, 3, "priority"},
	    {MHS_NORMAL, Q_LEVEL_QUALIFIER_OID, {2, 1, 1}, 3, "priority"},
	    {MHS_NORMAL, Q_LEVEL_QUALIFIER_OID, {10, 2, 0, 1}, 4, "priority"},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct mhs_ext x = {.type = -1,
		    .oid = v[i].oid,
		    .value = v[i].value,
		    .n = v[i].n};
		struct mhs_envelope env = {.priority = v[i].priority};
		enum q_level level;

		if (v[i].oid != NULL)
			env.exts = (struct mhs_exts){&x, 1};
		level = q_level_of(&env);
		CU_ASSERT_STRING_EQUAL(q_level_name(level), v[i].name);
		CU_ASSERT_EQUAL(q_level_parse(v[i].name), (int)level);
		CU_ASSERT_EQUAL(q_level_priority(level), v[i].priority);
	}
	CU_ASSERT_EQUAL(q_level_parse("urgent"), -1);
}

void
suite_qmgr_tune(void)
{
	static CU_TestInfo tests[] = {
	    TEST(it_finds_what_is_enough),
	    TEST(what_fails_is_not_kept),
	    TEST(without_more_work_than_it_can_do_nothing_is_concluded),
	    TEST(a_fixed_number_stays),
	    TEST(priority_and_qualifier_make_six_levels),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("qmgr_tune", tests);
}
