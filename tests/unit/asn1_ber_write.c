#include "asn1/ber.h"

#include <string.h>

#include "tests/unit/unit.h"

static void
headers_have_the_least_octets(void)
{
	static const struct {
		uint32_t number;
		uint64_t length;
		const char *octets;
		size_t n;
	} rows[] = {
	    {0, 0, "\xa0\x00", 2},
	    {30, 127, "\xbe\x7f", 2},
	    {31, 128, "\xbf\x1f\x81\x80", 4},
	    {127, 255, "\xbf\x7f\x81\xff", 4},
	    {128, 256, "\xbf\x81\x00\x82\x01\x00", 6},
	    {16384, 65536, "\xbf\x81\x80\x00\x83\x01\x00\x00", 8},
	    {(1u << 28) - 1, INT64_MAX,
		"\xbf\xff\xff\xff\x7f\x88\x7f\xff\xff\xff\xff\xff\xff\xff", 14},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b = {0};

		ber_put_header(
		    &b, BER_CONTEXT, true, rows[i].number, rows[i].length);
		CU_ASSERT_EQUAL(b.len, rows[i].n);
		CU_ASSERT(memcmp(b.data, rows[i].octets, b.len) == 0);
		CU_ASSERT_EQUAL(
		    ber_header_size(rows[i].number, rows[i].length), b.len);
		buf_free(&b);
	}
}

static void
integers_have_the_least_octets_and_read_back(void)
{
	static const struct {
		int64_t v;
		size_t n;
	} rows[] = {
	    {0, 1},
	    {1, 1},
	    {127, 1},
	    {128, 2},
	    {255, 2},
	    {32767, 2},
	    {32768, 3},
	    {-1, 1},
	    {-128, 1},
	    {-129, 2},
	    {-32768, 2},
	    {-32769, 3},
	    {INT64_MAX, 8},
	    {INT64_MIN, 8},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b = {0};
		struct ber_cursor c;
		struct ber_tlv t;
		int64_t v = 7;

		ber_put_integer(&b, BER_UNIVERSAL, BER_INTEGER, rows[i].v);
		CU_ASSERT_EQUAL(b.len, rows[i].n + 2);
		c = ber_cursor(b.data, b.len);
		CU_ASSERT_EQUAL(ber_next(&c, &t, NULL), 1);
		CU_ASSERT_EQUAL(ber_integer(&t, &v, NULL), 0);
		CU_ASSERT_EQUAL(v, rows[i].v);
		buf_free(&b);
	}
}

static void
wrapping_makes_what_was_built_the_content(void)
{
	struct buf b = {0};

	buf_puts(&b, "--");
	ber_put(&b, BER_CONTEXT, 0, "ab", 2);
	ber_put_integer(&b, BER_UNIVERSAL, BER_INTEGER, 5);
	ber_wrap(&b, 2, BER_UNIVERSAL, BER_SEQUENCE);
	ber_wrap(&b, 2, BER_APPLICATION, 31);
	CU_ASSERT_EQUAL(b.len, 14);
	CU_ASSERT(memcmp(b.data,
		      "--\x7f\x1f\x09\x30\x07\x80\x02"
		      "ab\x02\x01\x05",
		      14) == 0);
	ber_wrap(&b, b.len, BER_UNIVERSAL, BER_SET);
	CU_ASSERT(memcmp(b.data + 14, "\x31\x00", 2) == 0);
	buf_free(&b);
}

static void
wrapping_moves_long_contents_whole(void)
{
	struct buf b = {0};
	char content[5000];

	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (char)i;
	ber_put(&b, BER_UNIVERSAL, BER_OCTET_STRING, content, sizeof(content));
	ber_wrap(&b, 0, BER_CONTEXT, 1000);
	CU_ASSERT_EQUAL(ber_check(b.data, b.len, NULL, NULL), (int64_t)b.len);
	CU_ASSERT_EQUAL(b.len, 6 + 4 + sizeof(content));
	CU_ASSERT(memcmp(b.data + 10, content, sizeof(content)) == 0);
	buf_free(&b);
}

void
suite_asn1_ber_write(void)
{
	static CU_TestInfo tests[] = {
	    TEST(headers_have_the_least_octets),
	    TEST(integers_have_the_least_octets_and_read_back),
	    TEST(wrapping_makes_what_was_built_the_content),
	    TEST(wrapping_moves_long_contents_whole),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("asn1_ber_write", tests);
}
