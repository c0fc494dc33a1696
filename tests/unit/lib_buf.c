#include "lib/buf.h"

#include <string.h>

#include "tests/unit/unit.h"

static void
append_and_consume_keep_order(void)
{
	struct buf b = {0};

	for (int i = 0; i < 1000; i++) {
		buf_printf(&b, "%04d", i);
		if (i % 3 == 0)
			buf_consume(&b, 4);
	}
	CU_ASSERT_EQUAL(b.len, (1000 - 334) * 4);
	CU_ASSERT(memcmp(b.data, "0334", 4) == 0);
	buf_free(&b);
}

static void
prepend_uses_the_consumed_room_or_moves(void)
{
	struct buf b = {0};

	buf_puts(&b, "xxworld");
	buf_consume(&b, 2);
	buf_prepend(&b, "o ", 2);
	buf_prepend(&b, "hell", 4);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&b), "hello world");
	buf_free(&b);
}

static void
integers_are_big_endian(void)
{
	struct buf b = {0};

	buf_put_u16(&b, 0x0102);
	buf_put_u32(&b, 0x03040506);
	buf_put_u64(&b, 0x0708090a0b0c0d0eULL);
	CU_ASSERT_EQUAL(b.len, 14);
	for (unsigned i = 0; i < 14; i++)
		CU_ASSERT_EQUAL(b.data[i], i + 1);
	buf_free(&b);
}

static void
an_octet_above_127_is_found_wherever_it_is(void)
{
	uint8_t p[40];

	for (size_t n = 0; n <= sizeof(p); n++) {
		memset(p, 0x7f, sizeof(p));
		CU_ASSERT(!buf_has_8bit(p, n));
		for (size_t i = 0; i < sizeof(p); i++) {
			p[i] = 0x80;
			CU_ASSERT_EQUAL(buf_has_8bit(p, n), i < n);
			p[i] = 0;
		}
	}
}

void
suite_lib_buf(void)
{
	static CU_TestInfo tests[] = {
	    TEST(append_and_consume_keep_order),
	    TEST(prepend_uses_the_consumed_room_or_moves),
	    TEST(integers_are_big_endian),
	    TEST(an_octet_above_127_is_found_wherever_it_is),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("lib_buf", tests);
}
