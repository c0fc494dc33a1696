#include "lib/crc32c.h"

#include <string.h>

#include "tests/unit/unit.h"

/* RFC 3720 B.4, and the usual check value */
static void
known_sums_come_out_both_ways(void)
{
	uint8_t zeros[32] = {0}, ones[32], up[32];

	memset(ones, 0xff, sizeof(ones));
	for (unsigned i = 0; i < 32; i++)
		up[i] = (uint8_t)i;
	CU_ASSERT_EQUAL(crc32c(0, zeros, 32), 0x8a9136aa);
	CU_ASSERT_EQUAL(crc32c(0, ones, 32), 0x62a8ab43);
	CU_ASSERT_EQUAL(crc32c(0, up, 32), 0x46dd794e);
	CU_ASSERT_EQUAL(crc32c(0, "123456789", 9), 0xe3069283);
	CU_ASSERT_EQUAL(crc32c_table(0, zeros, 32), 0x8a9136aa);
	CU_ASSERT_EQUAL(crc32c_table(0, "123456789", 9), 0xe3069283);
}

static void
pieces_sum_to_the_whole_at_every_split(void)
{
	uint8_t p[100];

	for (unsigned i = 0; i < sizeof(p); i++)
		p[i] = (uint8_t)(i * 37);
	for (unsigned n = 0; n <= sizeof(p); n++) {
		uint32_t whole = crc32c(0, p, sizeof(p));
		uint32_t front = crc32c(0, p, n);

		CU_ASSERT_EQUAL(crc32c(front, p + n, sizeof(p) - n), whole);
		CU_ASSERT_EQUAL(crc32c_table(0, p, n), front);
	}
}

void
suite_lib_crc32c(void)
{
	static CU_TestInfo tests[] = {
	    TEST(known_sums_come_out_both_ways),
	    TEST(pieces_sum_to_the_whole_at_every_split),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("lib_crc32c", tests);
}
