#include "asn1/ber.h"

#include <string.h>

#include "tests/unit/unit.h"

static void
children_come_in_order_with_their_octets(void)
{
	/* SEQUENCE { INTEGER 5, [1] ~ { NULL }, OCTET STRING "ab" } */
	static const uint8_t in[] = {0x30, 13, 0x02, 1, 5, 0xa1, 0x80, 0x05, 0,
	    0, 0, 0x04, 2, 'a', 'b', 0x99};
	struct ber_cursor c = ber_cursor(in, sizeof(in) - 1), inner;
	struct ber_tlv t, u, v;
	struct err e = ERR_INIT;
	int64_t i;

	CU_ASSERT_EQUAL(ber_next(&c, &t, &e), 1);
	CU_ASSERT_EQUAL(t.size, 15);
	CU_ASSERT_EQUAL(t.length, 13);
	CU_ASSERT(t.tag.constructed && !t.indefinite);
	CU_ASSERT_EQUAL(ber_next(&c, &u, &e), 0);

	inner = ber_children(&t);
	CU_ASSERT_EQUAL(ber_next(&inner, &u, &e), 1);
	CU_ASSERT(BER_IS(u.tag, BER_UNIVERSAL, BER_INTEGER));
	CU_ASSERT_EQUAL(ber_integer(&u, &i, &e), 0);
	CU_ASSERT_EQUAL(i, 5);
	CU_ASSERT_EQUAL(ber_next(&inner, &u, &e), 1);
	CU_ASSERT(BER_IS(u.tag, BER_CONTEXT, 1) && u.indefinite);
	CU_ASSERT_EQUAL(u.size, 6);
	CU_ASSERT_EQUAL(u.length, 2);
	CU_ASSERT_EQUAL(ber_find(&u, BER_UNIVERSAL, BER_NULL, &v, &e), 1);
	CU_ASSERT_EQUAL(ber_find(&u, BER_CONTEXT, 1, &v, &e), 0);
	CU_ASSERT_EQUAL(ber_next(&inner, &u, &e), 1);
	CU_ASSERT_EQUAL(u.length, 2);
	CU_ASSERT(memcmp(u.value, "ab", 2) == 0);
	CU_ASSERT_EQUAL(ber_next(&inner, &u, &e), 0);
	/* a primitive has no children */
	CU_ASSERT_EQUAL(ber_find(&u, BER_CONTEXT, 1, &v, &e), 0);
}

static void
broken_elements_are_refused_at_their_octet(void)
{
	static const struct {
		uint8_t in[12];
		size_t n;
		int code;
		uint64_t offset;
	} rows[] = {
	    {{0x05, 0x00, 0x30}, 3, ERR_SYNTAX, 3},
	    {{0x05, 0x00, 0x04, 0x02, 'a'}, 5, ERR_SYNTAX, 3},
	    {{0x05, 0x00, 0x00, 0x00}, 4, ERR_SYNTAX, 2},
	    {{0x05, 0x00, 0x30, 0x80, 0x05, 0x00}, 6, ERR_SYNTAX, 6},
	    {{0x05, 0x00, 0x30, 0x80, 0x05, 0x01, 0}, 7, ERR_SYNTAX, 5},
	    {{0x05, 0x00, 0x04, 0x80, 0, 0}, 6, ERR_SYNTAX, 3},
	    {{0x05, 0x00, 0x04, 0x89}, 4, ERR_LIMIT, 3},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ber_cursor c = ber_cursor(rows[i].in, rows[i].n);
		struct err e = ERR_INIT;
		struct ber_tlv t;

		CU_ASSERT_EQUAL(ber_next(&c, &t, &e), 1);
		CU_ASSERT_EQUAL(ber_next(&c, &t, &e), rows[i].code);
		CU_ASSERT_EQUAL(e.offset, rows[i].offset);
	}
}

static void
an_empty_run_has_no_elements(void)
{
	struct ber_cursor c = ber_cursor(NULL, 0);
	struct ber_tlv t;

	CU_ASSERT_EQUAL(ber_next(&c, &t, NULL), 0);
}

static void
nesting_beyond_the_limit_is_refused(void)
{
	uint8_t in[600];
	struct ber_cursor c;
	struct ber_tlv t;
	struct err e = ERR_INIT;

	memset(in, 0, sizeof(in));
	for (size_t i = 0; i < 300; i += 2) {
		in[i] = 0x30;
		in[i + 1] = 0x80;
	}
	c = ber_cursor(in, sizeof(in));
	CU_ASSERT_EQUAL(ber_next(&c, &t, &e), ERR_LIMIT);
	CU_ASSERT_EQUAL(e.offset, 256);
}

static void
strings_come_in_one_piece(void)
{
	static const struct {
		uint8_t in[20];
		size_t n;
		uint8_t out[8];
		size_t m;
	} rows[] = {
	    {{0x04, 2, 'a', 'b'}, 4, "ab", 2},
	    {{0x24, 0x80, 4, 1, 'a', 4, 0, 4, 1, 'b', 0, 0}, 12, "ab", 2},
	    {{0x24, 0}, 2, "", 0},
	    /* [0] IMPLICIT, nested segments */
	    {{0xa0, 0x80, 0x24, 3, 4, 1, 'a', 4, 1, 'b', 0, 0}, 12, "ab", 2},
	    {{0x80, 2, 'a', 'b'}, 4, "ab", 2},
	    /* bit strings keep the count of unused bits in front */
	    {{0x03, 2, 4, 0xb0}, 4, {4, 0xb0}, 2},
	    {{0x23, 8, 3, 2, 0, 0xaa, 3, 2, 4, 0xb0}, 10, {4, 0xaa, 0xb0}, 3},
	    {{0xa1, 8, 3, 2, 0, 0xaa, 3, 2, 4, 0xb0}, 10, {4, 0xaa, 0xb0}, 3},
	    {{0x23, 0}, 2, {0}, 1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		struct ber_cursor c = ber_cursor(rows[i].in, rows[i].n);
		struct octets o = {0};
		struct err e = ERR_INIT;
		struct ber_tlv t;

		CU_ASSERT_EQUAL(ber_next(&c, &t, &e), 1);
		CU_ASSERT_EQUAL(ber_string(a, &t, &o, &e), 0);
		CU_ASSERT_EQUAL(o.n, rows[i].m);
		CU_ASSERT(
		    o.n == rows[i].m && memcmp(o.p, rows[i].out, o.n) == 0);
		arena_free(&a);
	}
}

static void
what_is_no_string_is_refused(void)
{
	static const struct {
		uint8_t in[20];
		size_t n;
		uint64_t offset;
	} rows[] = {
	    {{0xa0, 3, 2, 1, 5}, 5, 4},
	    {{0xa0, 5, 4, 1, 'a', 0x80, 0}, 7, 7},
	    {{0xa0, 6, 4, 1, 'a', 3, 1, 0}, 8, 7},
	    {{0xa1, 8, 3, 2, 4, 0xb0, 3, 2, 0, 0xaa}, 10, 8},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		struct ber_cursor c = ber_cursor(rows[i].in, rows[i].n);
		struct octets o = {0};
		struct err e = ERR_INIT;
		struct ber_tlv t;

		CU_ASSERT_EQUAL(ber_next(&c, &t, &e), 1);
		CU_ASSERT_EQUAL(ber_string(a, &t, &o, &e), ERR_SYNTAX);
		CU_ASSERT_EQUAL(e.offset, rows[i].offset);
		arena_free(&a);
	}
}

static void
integers_are_twos_complement_of_up_to_eight_octets(void)
{
	static const struct {
		uint8_t in[12];
		int r;
		int64_t v;
	} rows[] = {
	    {{2, 1, 0}, 0, 0},
	    {{2, 1, 0x7f}, 0, 127},
	    {{2, 1, 0x80}, 0, -128},
	    {{2, 2, 0x00, 0x80}, 0, 128},
	    {{10, 1, 0xff}, 0, -1},
	    {{2, 8, 0x80}, 0, INT64_MIN},
	    {{2, 8, 0x7f, 255, 255, 255, 255, 255, 255, 255}, 0, INT64_MAX},
	    {{2, 9, 0}, ERR_LIMIT, 0},
	    {{0x80, 0}, ERR_SYNTAX, 0},
	    {{0xa0, 0}, ERR_SYNTAX, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ber_cursor c =
		    ber_cursor(rows[i].in, 2u + rows[i].in[1]);
		struct err e = ERR_INIT;
		struct ber_tlv t;
		int64_t v = 0;

		CU_ASSERT_EQUAL(ber_next(&c, &t, &e), 1);
		CU_ASSERT_EQUAL(ber_integer(&t, &v, &e), rows[i].r);
		CU_ASSERT_EQUAL(v, rows[i].v);
		if (rows[i].r < 0)
			CU_ASSERT_EQUAL(e.offset, 2);
	}
}

void
suite_asn1_ber_cursor(void)
{
	static CU_TestInfo tests[] = {
	    TEST(children_come_in_order_with_their_octets),
	    TEST(broken_elements_are_refused_at_their_octet),
	    TEST(an_empty_run_has_no_elements),
	    TEST(nesting_beyond_the_limit_is_refused),
	    TEST(strings_come_in_one_piece),
	    TEST(what_is_no_string_is_refused),
	    TEST(integers_are_twos_complement_of_up_to_eight_octets),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("asn1_ber_cursor", tests);
}
