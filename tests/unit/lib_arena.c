#include "lib/arena.h"

#include <stdalign.h>
#include <string.h>

#include "tests/unit/unit.h"

static void
memory_is_zeroed_aligned_and_apart(void)
{
	struct arena *a = arena_new();
	uint8_t *last = NULL;

	for (size_t n = 0; n < 9000; n += 37) {
		uint8_t *p = arena_alloc(a, n);

		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		CU_ASSERT_EQUAL((uintptr_t)p % alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++)
			CU_ASSERT_FATAL(p[i] == 0);
		memset(p, 0xff, n);
		CU_ASSERT(last == NULL || n < 40 || *last == 0xff);
		last = p;
	}
	arena_free(&a);
	CU_ASSERT_PTR_NULL(a);
	arena_free(&a);
}

static void
reset_gives_zeroed_memory_again(void)
{
	struct arena *a = arena_new();
	uint8_t *p;

	memset(arena_alloc(a, 100), 0xff, 100);
	arena_alloc(a, 100000);
	CU_ASSERT(arena_used(a) >= 100100);
	arena_reset(a);
	CU_ASSERT_EQUAL(arena_used(a), 0);
	p = arena_alloc(a, 100);
	for (int i = 0; i < 100; i++)
		CU_ASSERT_FATAL(p[i] == 0);
	arena_free(&a);
}

static void
text_is_copied_and_terminated(void)
{
	struct arena *a = arena_new();
	char source[] = "octets";
	char *s = arena_strdup(a, source), *t = arena_strndup(a, source, 3);
	char *m = arena_memdup(a, source, 3);

	source[0] = 'X';
	CU_ASSERT_STRING_EQUAL(s, "octets");
	CU_ASSERT_STRING_EQUAL(t, "oct");
	CU_ASSERT(memcmp(m, "oct", 3) == 0);
	CU_ASSERT_STRING_EQUAL(arena_printf(a, "%s-%d", t, 7), "oct-7");
	arena_free(&a);
}

static void
push_keeps_what_is_there_at_every_size(void)
{
	struct arena *a = arena_new();
	uint32_t *v = NULL;
	size_t n = 0;

	for (uint32_t i = 0; i < 1000; i++) {
		uint32_t *slot = arena_push(a, &v, &n, sizeof(*v));

		CU_ASSERT_EQUAL(*slot, 0);
		CU_ASSERT_EQUAL(n, i + 1);
		*slot = i;
	}
	for (uint32_t i = 0; i < 1000; i++)
		CU_ASSERT_EQUAL(v[i], i);
	arena_free(&a);
}

static void
count(void *arg)
{
	++*(int *)arg;
}

static void
hooks_run_once_at_reset_or_free(void)
{
	struct arena *a = arena_new();
	int n = 0;

	arena_on_free(a, count, &n);
	arena_on_free(a, count, &n);
	CU_ASSERT_EQUAL(n, 0);
	arena_reset(a);
	CU_ASSERT_EQUAL(n, 2);
	arena_on_free(a, count, &n);
	arena_free(&a);
	CU_ASSERT_EQUAL(n, 3);
}

void
suite_lib_arena(void)
{
	static CU_TestInfo tests[] = {
	    TEST(memory_is_zeroed_aligned_and_apart),
	    TEST(reset_gives_zeroed_memory_again),
	    TEST(text_is_copied_and_terminated),
	    TEST(push_keeps_what_is_there_at_every_size),
	    TEST(hooks_run_once_at_reset_or_free),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("lib_arena", tests);
}
