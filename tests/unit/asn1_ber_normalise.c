#include "asn1/ber.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/unit/unit.h"

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
lengths_become_definite_and_universal_strings_primitive(void)
{
	static const struct {
		const char *in, *out;
		size_t left; /* octets after the element */
	} rows[] = {
	    {"0500", "0500", 0},
	    {"0500 ffff", "0500", 2},
	    {"30 80 0000", "3000", 0},
	    {"30 80 020101 0000", "3003 020101", 0},
	    {"a0 80 30 80 0201 01 0000 0401 61 0000", "a008 3003 020101 040161",
		0},
	    {"30 82 0003 020101", "3003 020101", 0},
	    {"04 88 0000000000000001 61", "040161", 0},
	    {"30 06 04 83 000001 61", "3003 040161", 0},
	    /* strings */
	    {"24 80 0402 6162 0401 63 0000", "0403 616263", 0},
	    {"24 80 0000", "0400", 0},
	    {"24 00", "0400", 0},
	    {"24 80 24 80 0401 61 0000 0400 24 03 0401 62 0000", "0402 6162",
		0},
	    {"3a 09 0403 4a6f6e 0402 6573", "1a05 4a6f6e6573", 0},
	    {"3a 09 1a03 4a6f6e 1a02 6573", "1a05 4a6f6e6573", 0},
	    {"37 80 0402 3230 0000", "1702 3230", 0},
	    {"30 80 36 80 0401 61 0000 0500 0000", "3005 160161 0500", 0},
	    {"28 80 0201 05 a1 80 24 80 0401 61 0000 0000 0000",
		"2808 020105 a103 040161", 0},
	    /* bit strings: the last segment's unused bits count */
	    {"23 80 0302 00aa 0302 04b0 0000", "0303 04aab0", 0},
	    {"23 80 0000", "0301 00", 0},
	    {"23 80 0301 00 0000", "0301 00", 0},
	    {"23 80 23 80 0302 00aa 0000 23 04 0302 01bc 0000", "0303 01aabc",
		0},
	    /* what an implicit tag hides stays constructed */
	    {"a0 80 0401 61 0401 62 0000", "a006 040161 040162", 0},
	    {"bf 8148 80 5f 22 00 0000", "bf814803 5f2200", 0},
	};
	uint8_t in[64], want[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = unhex(rows[i].in, in);
		size_t m = unhex(rows[i].out, want);
		struct buf out = {0};
		struct err e = ERR_INIT;

		buf_putc(&out, 0x77); /* appends to what is there */
		CU_ASSERT_EQUAL(ber_normalise(in, n, NULL, &out, &e),
		    (int64_t)(n - rows[i].left));
		CU_ASSERT_EQUAL(out.len, m + 1);
		CU_ASSERT_EQUAL(out.data[0], 0x77);
		CU_ASSERT(
		    out.len == m + 1 && memcmp(out.data + 1, want, m) == 0);
		buf_free(&out);
	}
}

static void
what_is_refused_leaves_the_output_alone(void)
{
	static const struct {
		const char *hex;
		uint64_t offset;
	} rows[] = {
	    {"", 0},
	    {"30", 1},
	    {"30 80", 2},
	    {"30 80 020101", 5},
	    {"30 80 020101 00", 6},
	    {"a0 80 02 01 42 00 01", 6},
	    {"30 03 0500", 4},
	    {"04 02 61", 3},
	    {"30 80 04 84 80000000", 8},
	};
	uint8_t in[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = unhex(rows[i].hex, in);
		struct buf out = {0};
		struct err e = ERR_INIT;

		CU_ASSERT_EQUAL(
		    ber_normalise(in, n, NULL, &out, &e), ERR_SYNTAX);
		CU_ASSERT_EQUAL(e.offset, rows[i].offset);
		CU_ASSERT_EQUAL(out.len, 0);
		buf_free(&out);
	}
}

static void
limits_hold(void)
{
	static const uint8_t in[] = {0x30, 0x80, 0x30, 0x80, 0, 0, 0, 0};
	struct ber_limits depth = {.max_depth = 1}, size = {.max_size = 7};
	struct buf out = {0};
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL(ber_normalise(in, 8, &depth, &out, &e), ERR_LIMIT);
	CU_ASSERT_EQUAL(e.offset, 2);
	CU_ASSERT_EQUAL(ber_normalise(in, 8, &size, &out, &e), ERR_LIMIT);
	CU_ASSERT_EQUAL(e.offset, 7);
	CU_ASSERT_EQUAL(out.len, 0);
	size.max_size = 8;
	CU_ASSERT_EQUAL(ber_normalise(in, 8, &size, &out, &e), 8);
	buf_free(&out);
}

/* A SET OF many small elements in indefinite lengths, n octets or so. */
static void
many_children(struct buf *b, size_t n)
{
	buf_append(b, "\x31\x80", 2);
	while (b->len < n)
		buf_append(b, "\xa0\x80\x24\x80\x04\x01x\0\0\0\0", 11);
	buf_append(b, "\0\0", 2);
}

/* Many constructed elements beside and in each other. */
static void
many_nests(struct buf *b, size_t n)
{
	buf_append(b, "\x30\x80", 2);
	while (b->len < n) {
		for (int i = 0; i < 120; i++)
			buf_append(b, "\x30\x80", 2);
		for (int i = 0; i < 120; i++)
			buf_append(b, "\0\0", 2);
	}
	buf_append(b, "\0\0", 2);
}

static double
seconds_for(void (*make)(struct buf *, size_t), size_t n)
{
	struct buf in = {0}, out = {0};
	struct timespec from, to;
	struct err e = ERR_INIT;

	make(&in, n);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	CU_ASSERT_EQUAL(
	    ber_normalise(in.data, in.len, NULL, &out, &e), (int64_t)in.len);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	CU_ASSERT_EQUAL(
	    ber_check(out.data, out.len, NULL, &e), (int64_t)out.len);
	buf_free(&in);
	buf_free(&out);
	return (double)(to.tv_sec - from.tv_sec) +
	    (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

static void
the_time_is_linear_in_the_input(void)
{
	/* a quadratic copy of these takes minutes; slow machines and
	 * sanitizers are allowed for */
	CU_ASSERT(seconds_for(many_children, 1 << 20) < 2.0);
	CU_ASSERT(seconds_for(many_nests, 1 << 20) < 2.0);
	CU_ASSERT(seconds_for(many_children, 8 << 20) < 10.0);
}

static void
long_content_keeps_every_octet(void)
{
	struct buf in = {0}, out = {0};
	size_t total = 0;
	bool same = true;

	buf_append(&in, "\x24\x80", 2);
	for (size_t i = 0; i < 300; i++) {
		ber_put_header(&in, BER_UNIVERSAL, false, BER_OCTET_STRING, i);
		for (size_t j = 0; j < i; j++)
			buf_putc(&in, (uint8_t)total++);
	}
	buf_append(&in, "\0\0", 2);
	CU_ASSERT_EQUAL(
	    ber_normalise(in.data, in.len, NULL, &out, NULL), (int64_t)in.len);
	CU_ASSERT_EQUAL(out.len, 4 + total);
	for (size_t i = 0; i < total && i + 4 < out.len; i++)
		same = same && out.data[4 + i] == (uint8_t)i;
	CU_ASSERT(same);
	buf_free(&in);
	buf_free(&out);
}

void
suite_asn1_ber_normalise(void)
{
	static CU_TestInfo tests[] = {
	    TEST(lengths_become_definite_and_universal_strings_primitive),
	    TEST(what_is_refused_leaves_the_output_alone),
	    TEST(limits_hold),
	    TEST(the_time_is_linear_in_the_input),
	    TEST(long_content_keeps_every_octet),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("asn1_ber_normalise", tests);
}
