#include "asn1/ber.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

static const struct {
	const char *dotted, *hex;
} pairs[] = {
    {"2.6.0.1.6", "56000106"},
    {"1.3.26.0.4406.0.4.1", "2b1a00a23600 0401"},
    {"2.999", "8837"},
    {"0.0", "00"},
    {"0.39", "27"},
    {"1.0", "28"},
    {"1.39", "4f"},
    {"2.0", "50"},
    {"2.47", "7f"},
    {"2.48", "8100"},
    {"1.2.840.113549.1.9.16", "2a864886f70d010910"},
    {"1.3.4294967295", "2b8fffffff7f"},
    /* a UUID of all ones: the largest arc */
    {"2.25.340282366920938463463374607431768211455",
	"69 83ffffffffffffffffffffffffffffffffff7f"},
};

static size_t
unhex(const char *hex, uint8_t *out)
{
	size_t n = 0;
	unsigned v;

	for (; *hex != '\0'; hex += 2) {
		while (*hex == ' ')
			hex++;
		sscanf(hex, "%2x", &v);
		out[n++] = (uint8_t)v;
	}
	return n;
}

static void
octets_and_dotted_text_are_the_same_thing(void)
{
	struct arena *a = arena_new();
	uint8_t want[32];

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		size_t n = unhex(pairs[i].hex, want);
		struct err e = ERR_INIT;
		struct buf b = {0};
		const char *text = ber_oid_text(a, want, n, &e);

		CU_ASSERT_PTR_NOT_NULL_FATAL(text);
		CU_ASSERT_STRING_EQUAL(text, pairs[i].dotted);
		CU_ASSERT_EQUAL(ber_oid_put(&b, pairs[i].dotted, &e), 0);
		CU_ASSERT_EQUAL(b.len, n);
		CU_ASSERT(b.len == n && memcmp(b.data, want, n) == 0);
		buf_free(&b);
	}
	arena_free(&a);
}

static void
broken_octets_are_refused_at_their_offset(void)
{
	static const struct {
		const char *hex;
		int code;
		uint64_t offset;
	} rows[] = {
	    {"", ERR_SYNTAX, 0},
	    {"80", ERR_SYNTAX, 0},
	    {"2b 80 01", ERR_SYNTAX, 1},
	    {"2b 81", ERR_SYNTAX, 2},
	    {"69 84808080808080808080808080808080808000", ERR_LIMIT, 1},
	};
	struct arena *a = arena_new();
	uint8_t in[400];
	struct err e = ERR_INIT;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = unhex(rows[i].hex, in);

		CU_ASSERT_PTR_NULL(ber_oid_text(a, in, n, &e));
		CU_ASSERT_EQUAL(e.code, rows[i].code);
		CU_ASSERT_EQUAL(e.offset, rows[i].offset);
	}
	memset(in, 1, sizeof(in));
	CU_ASSERT_PTR_NOT_NULL(ber_oid_text(a, in, 256, &e));
	CU_ASSERT_PTR_NULL(ber_oid_text(a, in, 257, &e));
	CU_ASSERT_EQUAL(e.code, ERR_LIMIT);
	arena_free(&a);
}

static void
broken_text_is_refused_and_writes_nothing(void)
{
	static const char *const rows[] = {"", "1", "3.1", "1.40", "0.40", "1.",
	    "1.2.", ".1", "1..2", "1.2 ", "1.2x", "-1.2", "1.02",
	    "2.25.340282366920938463463374607431768211456",
	    "2.340282366920938463463374607431768211455"};
	char long_text[2000];
	struct buf b = {0};
	struct err e = ERR_INIT;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CU_ASSERT(ber_oid_put(&b, rows[i], &e) < 0);
		CU_ASSERT_EQUAL(b.len, 0);
	}
	memset(long_text, '1', sizeof(long_text));
	for (size_t i = 1; i < sizeof(long_text); i += 2)
		long_text[i] = '.';
	long_text[sizeof(long_text) - 1] = '\0';
	CU_ASSERT_EQUAL(ber_oid_put(&b, long_text, &e), ERR_LIMIT);
	long_text[601] = '\0';
	CU_ASSERT_EQUAL(ber_oid_put(&b, long_text, &e), ERR_LIMIT);
	CU_ASSERT_EQUAL(b.len, 0);
	buf_free(&b);
}

void
suite_asn1_ber_oid(void)
{
	static CU_TestInfo tests[] = {
	    TEST(octets_and_dotted_text_are_the_same_thing),
	    TEST(broken_octets_are_refused_at_their_offset),
	    TEST(broken_text_is_refused_and_writes_nothing),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("asn1_ber_oid", tests);
}
