#include "qmgr/heap.h"

#include "qmgr/table.h"
#include "tests/unit/unit.h"

#define N 2000

static void
nodes_come_out_in_order_whatever_was_moved(void)
{
	static struct heap_node node[N];
	struct heap h = {0};
	int64_t last = -1;
	unsigned n = 0;

	srandom(7);
	for (unsigned i = 0; i < N; i++)
		heap_put(&h, &node[i], random() % 500);
	for (unsigned i = 0; i < N; i += 3)
		heap_put(&h, &node[i], random() % 500);
	for (unsigned i = 1; i < N; i += 5)
		heap_remove(&h, &node[i]);
	heap_remove(&h, &node[1]);
	while (heap_first(&h) != NULL) {
		struct heap_node *x = heap_first(&h);

		CU_ASSERT(x->key >= last);
		last = x->key;
		heap_remove(&h, x);
		n++;
	}
	CU_ASSERT_EQUAL(n, N - N / 5);
	heap_free(&h);
}

struct thing {
	struct table_node node;
	unsigned seen;
};

static void
see_and_drop_odd(void *arg, void *owner)
{
	struct thing *x = owner;

	x->seen++;
	if (x->node.key % 2 == 1)
		table_remove(arg, &x->node);
}

static void
a_table_finds_what_is_in_and_nothing_else(void)
{
	static struct thing v[N];
	struct table t = {0};

	CU_ASSERT_PTR_NULL(table_get(&t, 1));
	for (unsigned i = 0; i < N; i++)
		table_put(&t, &v[i].node, i, &v[i]);
	table_each(&t, see_and_drop_odd, &t);
	CU_ASSERT_EQUAL(t.n, N / 2);
	for (unsigned i = 0; i < N; i++) {
		CU_ASSERT_EQUAL(v[i].seen, 1);
		CU_ASSERT_PTR_EQUAL(
		    table_get(&t, i), i % 2 == 0 ? &v[i] : NULL);
	}
	table_free(&t);
}

#define GROWING 5000

/* It moves its chains by and by: at each step all must be found, once. */
static void
a_table_finds_all_while_it_grows(void)
{
	static struct thing v[GROWING];
	struct table t = {0};
	unsigned seen = 0;

	for (unsigned i = 0; i < GROWING; i++) {
		table_put(&t, &v[i].node, i, &v[i]);
		for (unsigned j = i % 97; j <= i; j += 97)
			CU_ASSERT_PTR_EQUAL_FATAL(table_get(&t, j), &v[j]);
		if (i % 3 == 2) {
			table_remove(&t, &v[i - 1].node);
			CU_ASSERT_PTR_NULL(table_get(&t, i - 1));
			table_put(&t, &v[i - 1].node, i - 1, &v[i - 1]);
		}
	}
	table_each(&t, see_and_drop_odd, &t);
	for (unsigned i = 0; i < GROWING; i++)
		seen += v[i].seen;
	CU_ASSERT_EQUAL(seen, GROWING);
	CU_ASSERT_EQUAL(t.n, GROWING / 2);
	table_free(&t);
}

void
suite_qmgr_heap(void)
{
	static CU_TestInfo tests[] = {
	    TEST(nodes_come_out_in_order_whatever_was_moved),
	    TEST(a_table_finds_all_while_it_grows),
	    TEST(a_table_finds_what_is_in_and_nothing_else),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("qmgr_heap", tests);
}
