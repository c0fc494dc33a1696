#include "qmgr/time.h"

#include "tests/unit/unit.h"

static void
it_follows_a_clock_that_is_set_forward_at_once(void)
{
	struct q_time t = {100, 1000000};

	CU_ASSERT_EQUAL(q_time_now(&t, 150, 1000050), 1000050);
	CU_ASSERT_EQUAL(q_time_now(&t, 151, 4600051), 4600051);
	CU_ASSERT_EQUAL(q_time_now(&t, 152, 4600052), 4600052);
}

static void
it_waits_at_half_speed_for_one_that_is_set_back(void)
{
	struct q_time t = {0, 1000000};
	int64_t before = 1000000, now = 0;

	/* set back by ten seconds; asked each millisecond */
	for (int64_t ms = 1; ms <= 19000; ms++) {
		now = q_time_now(&t, ms, 990000 + ms);
		CU_ASSERT(now >= before);
		before = now;
	}
	CU_ASSERT_EQUAL(now, 1009500);
	for (int64_t ms = 19001; ms <= 20100; ms++)
		now = q_time_now(&t, ms, 990000 + ms);
	CU_ASSERT_EQUAL(now, 1010100);
}

void
suite_qmgr_time(void)
{
	static CU_TestInfo tests[] = {
	    TEST(it_follows_a_clock_that_is_set_forward_at_once),
	    TEST(it_waits_at_half_speed_for_one_that_is_set_back),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("qmgr_time", tests);
}
