#include "qmgr/chan_gauge.h"

#include <string.h>

#include "tests/unit/unit.h"

/* What qmgr is told, through the frame's packing. */
struct told {
	struct buf text; /* "peer in out;" and "|" after each message */
	unsigned n;
};

static void
on_tell(void *arg, const struct q_gauge *v, size_t n)
{
	struct told *t = arg;
	struct arena *a = arena_new();
	struct buf b = {0};
	struct q_in in;
	size_t got;

	q_gauges_pack(v, n, &b);
	in = (struct q_in){b.data, b.len, false};
	v = q_gauges_unpack(&in, a, &got);
	CU_ASSERT_FALSE(in.bad);
	CU_ASSERT_EQUAL(got, n);
	for (size_t i = 0; i < got; i++)
		buf_printf(&t->text, "%s %u %u;", v[i].peer, v[i].in, v[i].out);
	buf_putc(&t->text, '|');
	t->n++;
	buf_free(&b);
	arena_free(&a);
}

static void
stop(void *arg)
{
	loop_stop(arg);
}

static void
wait_ms(struct loop *l, msec_t ms)
{
	loop_timer_set(l, ms, stop, l);
	loop_run(l);
}

static void
the_first_change_is_told_at_once_and_the_rest_after_a_second(void)
{
	struct told t = {0};
	struct loop *l = loop_new();
	struct q_gauges *g = q_gauges_new(l, on_tell, &t);

	q_gauges_set(g, "a", 1, 0);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&t.text), "a 1 0;|");
	q_gauges_set(g, "a", 2, 0);
	q_gauges_set(g, "b", 0, 1);
	q_gauges_set(g, "a", 3, 5);
	q_gauges_set(g, "c", 1, 0);
	q_gauges_set(g, "c", 0, 0);
	CU_ASSERT_EQUAL(t.n, 1);
	wait_ms(l, 1200);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&t.text), "a 1 0;|b 0 1;a 3 5;|");
	wait_ms(l, 1100);
	q_gauges_set(g, "a", 0, 0);
	CU_ASSERT_STRING_EQUAL(
	    buf_cstr(&t.text), "a 1 0;|b 0 1;a 3 5;|a 0 0;|");
	q_gauges_free(&g);
	loop_free(&l);
	buf_free(&t.text);
}

static void
a_frame_that_is_cut_off_is_bad(void)
{
	const struct q_gauge v = {"peer", 1, 2};
	struct arena *a = arena_new();
	struct buf b = {0};

	q_gauges_pack(&v, 1, &b);
	for (size_t n = 0; n < b.len; n++) {
		struct q_in in = {b.data, n, false};
		size_t got;

		q_gauges_unpack(&in, a, &got);
		CU_ASSERT_TRUE(in.bad);
	}
	buf_free(&b);
	arena_free(&a);
}

void suite_qmgr_chan_gauge(void);

void
suite_qmgr_chan_gauge(void)
{
	static CU_TestInfo tests[] = {
	    TEST(the_first_change_is_told_at_once_and_the_rest_after_a_second),
	    TEST(a_frame_that_is_cut_off_is_bad),
	    CU_TEST_INFO_NULL,
	};

	unit_suite("qmgr_chan_gauge", tests);
}
