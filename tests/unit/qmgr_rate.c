#include "qmgr/rate.h"

#include "tests/unit/unit.h"

#define T0 (INT64_C(1700000000) * 1000)

static void
a_steady_flow_is_told_as_it_is_in_every_window(void)
{
	struct rate r = {0};
	int64_t now = T0;

	for (; now < T0 + 1200 * 1000; now += 100)
		rate_add(&r, now, 500);
	for (unsigned w = 0; w < RATE_WINDOWS; w++) {
		struct rate_now n = rate_get(&r, (enum rate_window)w, now);

		CU_ASSERT_DOUBLE_EQUAL(n.messages, 10, 0.2);
		CU_ASSERT_DOUBLE_EQUAL(n.octets, 5000, 100);
	}
}

static void
what_is_longer_ago_than_the_window_does_not_count(void)
{
	for (unsigned w = 0; w < RATE_WINDOWS; w++) {
		int64_t length = rate_window_length((enum rate_window)w);
		struct rate r = {0};

		rate_add(&r, T0, 1000);
		CU_ASSERT(rate_get(&r, (enum rate_window)w, T0 + length / 2)
			      .messages > 0);
		CU_ASSERT_EQUAL(
		    rate_get(&r, (enum rate_window)w, T0 + length).octets, 0);
		/* nor when something new is added */
		rate_add(&r, T0 + 3 * length, 1000);
		CU_ASSERT_DOUBLE_EQUAL(
		    rate_get(&r, (enum rate_window)w, T0 + 3 * length)
			    .messages *
			(double)length * 0.9 / 1000,
		    1, 0.1);
	}
}

static void
a_clock_that_is_set_back_does_no_harm(void)
{
	struct rate r = {0};

	rate_add(&r, T0, 1000);
	rate_add(&r, T0 - 3600 * 1000, 1000);
	CU_ASSERT(rate_get(&r, RATE_10S, T0 - 3600 * 1000).messages > 0);
	CU_ASSERT(rate_get(&r, RATE_10S, T0).messages < 1);
	CU_ASSERT_EQUAL(rate_get(&r, RATE_10MIN, T0 + 3600000).messages, 0);
}

void
suite_qmgr_rate(void)
{
	static CU_TestInfo tests[] = {
	    TEST(a_steady_flow_is_told_as_it_is_in_every_window),
	    TEST(what_is_longer_ago_than_the_window_does_not_count),
	    TEST(a_clock_that_is_set_back_does_no_harm),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("qmgr_rate", tests);
}
