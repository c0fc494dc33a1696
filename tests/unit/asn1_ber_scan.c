#include "asn1/ber.h"

#include <stdio.h>
#include <string.h>

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

/* A trace of the callbacks, so that runs can be compared as text. */
static int
trace_open(void *arg, unsigned depth, const struct ber_open *o, struct err *e)
{
	struct buf *b = arg;

	(void)e;
	buf_printf(b, "(%u:%u.%u%s", depth, o->tag.cls, o->tag.number,
	    o->tag.constructed ? "c" : "");
	if (o->length == BER_INDEFINITE)
		buf_puts(b, "~");
	else
		buf_printf(b, "=%llu", (unsigned long long)o->length);
	buf_printf(b, "/%zu", o->raw_n);
	buf_puts(b, " ");
	return 0;
}

static int
trace_data(void *arg, unsigned depth, const uint8_t *p, size_t n, struct err *e)
{
	(void)depth;
	(void)e;
	for (size_t i = 0; i < n; i++)
		buf_printf(arg, "%02x", p[i]);
	return 0;
}

static int
trace_close(void *arg, unsigned depth, bool indefinite, struct err *e)
{
	(void)e;
	buf_printf(arg, "%u%s)", depth, indefinite ? "~" : "");
	return 0;
}

static const struct ber_scan_ops trace_ops = {
    trace_open, trace_data, trace_close};

static int64_t
run(const uint8_t *p, size_t n, size_t step, const struct ber_limits *limits,
    struct buf *out, struct err *e)
{
	struct ber_scan *s = ber_scan_new(limits, &trace_ops, out);
	size_t i = 0, m;
	int64_t r = 0;

	while (i < n && !ber_scan_done(s)) {
		m = n - i < step ? n - i : step;
		if ((r = ber_scan_feed(s, p + i, m, e)) < 0)
			break;
		i += (size_t)r;
	}
	if (r >= 0)
		r = ber_scan_done(s) ? (int64_t)ber_scan_offset(s) : -100;
	ber_scan_free(&s);
	return r;
}

static void
events_are_those_of_the_element_however_it_is_cut(void)
{
	static const struct {
		const char *hex, *events;
		int64_t used;
	} rows[] = {
	    {"0500 ff", "(0:0.5=0/2 0)", 2},
	    {"020142", "(0:0.2=1/2 420)", 3},
	    {"30 06 0201 01 0401 61",
		"(0:0.16c=6/2 (1:0.2=1/2 011)(1:0.4=1/2 611)0)", 8},
	    {"3000", "(0:0.16c=0/2 0)", 2},
	    {"30 80 0000", "(0:0.16c~/2 0~)", 4},
	    {"a0 80 30 80 0500 0000 0000 99",
		"(0:2.0c~/2 (1:0.16c~/2 (2:0.5=0/2 2)1~)0~)", 10},
	    {"30 06 a1 80 8100 0000",
		"(0:0.16c=6/2 (1:2.1c~/2 (2:2.1=0/2 2)1~)0)", 8},
	    {"30 04 3002 3000", "(0:0.16c=4/2 (1:0.16c=2/2 (2:0.16c=0/2 2)1)0)",
		6},
	    {"5f 8fffff7f 82 0001 55", "(0:1.33554431=1/8 550)", 9},
	    {"24 80 0402 6162 0401 63 0000",
		"(0:0.4c~/2 (1:0.4=2/2 61621)(1:0.4=1/2 631)0~)", 11},
	    {"23 80 0302 00aa 0302 04b0 0000",
		"(0:0.3c~/2 (1:0.3=2/2 00aa1)(1:0.3=2/2 04b01)0~)", 12},
	    /* long lengths with leading zeros are BER */
	    {"04 88 0000000000000001 61", "(0:0.4=1/10 610)", 11},
	};
	uint8_t in[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = unhex(rows[i].hex, in);

		for (size_t step = 1; step <= n; step++) {
			struct buf out = {0};
			struct err e = ERR_INIT;

			CU_ASSERT_EQUAL(
			    run(in, n, step, NULL, &out, &e), rows[i].used);
			CU_ASSERT_STRING_EQUAL(buf_cstr(&out), rows[i].events);
			buf_free(&out);
		}
		CU_ASSERT_EQUAL(ber_check(in, n, NULL, NULL), rows[i].used);
	}
}

static const struct {
	const char *hex;
	int code;
	uint64_t offset;
} refusals[] = {
    /* identifier */
    {"1f 80 01 00", ERR_SYNTAX, 1},
    {"1f 1e 00", ERR_SYNTAX, 0},
    {"bf 81 80 80 80 00 00", ERR_LIMIT, 0},
    {"30 07 bf 90 80 80 80 00 00", ERR_LIMIT, 2},
    /* length */
    {"04 ff", ERR_SYNTAX, 1},
    {"30 ff", ERR_SYNTAX, 1},
    {"30 03 04 ff 00", ERR_SYNTAX, 3},
    {"04 80 00 00", ERR_SYNTAX, 1},
    {"80 80 00 00", ERR_SYNTAX, 1},
    {"04 89 000000000000000001 61", ERR_LIMIT, 1},
    {"04 88 8000000000000000", ERR_LIMIT, 1},
    {"30 88 ffffffffffffffff", ERR_LIMIT, 1},
    /* form */
    {"30 02 21 00", ERR_SYNTAX, 2},
    {"21 03 010100", ERR_SYNTAX, 0},
    {"22 80 020101 0000", ERR_SYNTAX, 0},
    {"25 00", ERR_SYNTAX, 0},
    {"26 00", ERR_SYNTAX, 0},
    {"29 00", ERR_SYNTAX, 0},
    {"2a 03 0a0101", ERR_SYNTAX, 0},
    {"2d 00", ERR_SYNTAX, 0},
    {"10 00", ERR_SYNTAX, 0},
    {"11 00", ERR_SYNTAX, 0},
    {"08 00", ERR_SYNTAX, 0},
    {"0b 00", ERR_SYNTAX, 0},
    {"1d 00", ERR_SYNTAX, 0},
    /* lengths a universal type cannot have */
    {"01 00", ERR_SYNTAX, 1},
    {"01 02 0000", ERR_SYNTAX, 1},
    {"02 00", ERR_SYNTAX, 1},
    {"05 01 00", ERR_SYNTAX, 1},
    {"06 00", ERR_SYNTAX, 1},
    {"03 00", ERR_SYNTAX, 1},
    /* bit strings */
    {"03 02 08 00", ERR_SYNTAX, 2},
    {"03 01 01", ERR_SYNTAX, 2},
    {"23 80 0302 04b0 0302 00aa 0000", ERR_SYNTAX, 6},
    /* segments */
    {"24 80 0201 01 0000", ERR_SYNTAX, 2},
    {"23 80 0401 00 0000", ERR_SYNTAX, 2},
    {"24 04 a002 0400", ERR_SYNTAX, 2},
    {"24 06 2404 1602 6161", ERR_SYNTAX, 4},
    /* end-of-contents octets */
    {"00 00", ERR_SYNTAX, 0},
    {"30 02 00 00", ERR_SYNTAX, 2},
    {"20 80", ERR_SYNTAX, 0},
    {"30 80 20 00", ERR_SYNTAX, 2},
    {"30 80 00 01", ERR_SYNTAX, 3},
    {"30 80 00 81 00", ERR_SYNTAX, 3},
    {"a0 80 02 01 42 00 01", ERR_SYNTAX, 6},
    {"30 04 30 80 05 00", ERR_SYNTAX, 6},
    {"30 03 30 80 00 00", ERR_SYNTAX, 5},
    /* children and their parents */
    {"30 03 04 02 61 62", ERR_SYNTAX, 3},
    {"30 01 04 00", ERR_SYNTAX, 3},
    {"30 06 30 80 30 03 0500 00", ERR_SYNTAX, 5},
    {"30 02 04 82 00 01 61", ERR_SYNTAX, 4},
    {"30 04 30 03 05 00 00", ERR_SYNTAX, 3},
};

static void
each_refusal_names_its_octet_however_the_input_is_cut(void)
{
	uint8_t in[64];

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		size_t n = unhex(refusals[i].hex, in);

		for (size_t step = 1; step <= n; step++) {
			struct buf out = {0};
			struct err e = ERR_INIT;
			int64_t r = run(in, n, step, NULL, &out, &e);

			if (r != refusals[i].code ||
			    e.offset != refusals[i].offset)
				printf("\n%s: %lld at %llu %s", refusals[i].hex,
				    (long long)r, (unsigned long long)e.offset,
				    e.text);
			CU_ASSERT_EQUAL(r, refusals[i].code);
			CU_ASSERT_EQUAL(e.code, refusals[i].code);
			CU_ASSERT_EQUAL(e.offset, refusals[i].offset);
			buf_free(&out);
		}
	}
}

static void
a_refused_element_stays_refused_until_reset(void)
{
	struct ber_scan *s = ber_scan_new(NULL, NULL, NULL);
	static const uint8_t bad[] = {0x04, 0xff}, good[] = {0x05, 0x00};

	CU_ASSERT_EQUAL(ber_scan_feed(s, bad, 2, NULL), ERR_SYNTAX);
	CU_ASSERT_EQUAL(ber_scan_feed(s, good, 2, NULL), ERR_SYNTAX);
	CU_ASSERT(!ber_scan_done(s));
	ber_scan_reset(s);
	CU_ASSERT_EQUAL(ber_scan_feed(s, good, 2, NULL), 2);
	CU_ASSERT(ber_scan_done(s));
	CU_ASSERT_EQUAL(ber_scan_feed(s, good, 2, NULL), 0);
	ber_scan_free(&s);
	CU_ASSERT_PTR_NULL(s);
}

static size_t
nested(uint8_t *p, size_t depth, bool indefinite)
{
	size_t n = 0;

	for (size_t i = 0; i < depth; i++) {
		p[n++] = 0x30;
		p[n++] = indefinite ? 0x80 : (uint8_t)(2 * (depth - i - 1));
		/* definite: fine while the content is below 128 octets */
	}
	if (indefinite) {
		memset(p + n, 0, 2 * depth);
		n += 2 * depth;
	}
	return n;
}

static void
nesting_goes_as_deep_as_the_limit_and_no_deeper(void)
{
	static uint8_t in[4096];
	struct ber_limits limits = {.max_depth = 100};
	struct err e = ERR_INIT;
	size_t n;

	n = nested(in, 100, true);
	CU_ASSERT_EQUAL(ber_check(in, n, &limits, &e), (int64_t)n);
	n = nested(in, 101, true);
	CU_ASSERT_EQUAL(ber_check(in, n, &limits, &e), ERR_LIMIT);
	CU_ASSERT_EQUAL(e.offset, 200);
	CU_ASSERT_EQUAL(ber_check(in, n, NULL, &e), (int64_t)n);
	n = nested(in, 128, true);
	CU_ASSERT_EQUAL(ber_check(in, n, NULL, &e), (int64_t)n);
	n = nested(in, 129, true);
	limits.max_depth = 1000000;
	CU_ASSERT_EQUAL(ber_check(in, n, &limits, &e), ERR_LIMIT);
	CU_ASSERT_EQUAL(e.offset, 256);
	n = nested(in, 60, false);
	limits.max_depth = 60;
	CU_ASSERT_EQUAL(ber_check(in, n, &limits, &e), (int64_t)n);
	limits.max_depth = 59;
	CU_ASSERT_EQUAL(ber_check(in, n, &limits, &e), ERR_LIMIT);
	CU_ASSERT_EQUAL(e.offset, 118);
}

static void
a_primitive_is_not_a_level_of_depth(void)
{
	static const uint8_t in[] = {0x30, 0x02, 0x05, 0x00};
	struct ber_limits limits = {.max_depth = 1};

	CU_ASSERT_EQUAL(ber_check(in, sizeof(in), &limits, NULL), 4);
}

static void
an_endless_indefinite_element_meets_the_size_limit(void)
{
	struct ber_limits limits = {.max_size = 1000};
	struct ber_scan *s = ber_scan_new(&limits, NULL, NULL);
	static const uint8_t head[] = {0x30, 0x80}, more[] = {0x05, 0x00};
	struct err e = ERR_INIT;
	int64_t r = ber_scan_feed(s, head, 2, &e);
	int turns = 0;

	while (r > 0 && turns < 100000) {
		r = ber_scan_feed(s, more, 2, &e);
		turns++;
	}
	CU_ASSERT_EQUAL(r, ERR_LIMIT);
	CU_ASSERT_EQUAL(e.offset, 1000);
	CU_ASSERT_EQUAL(turns, 500);
	ber_scan_free(&s);
}

static void
a_length_above_the_limit_is_refused_before_its_content_comes(void)
{
	static const uint8_t g2[] = {0x04, 0x84, 0x80, 0, 0, 0};
	static const uint8_t exact[] = {0x04, 0x02, 'a', 'b'};
	struct ber_limits limits = {.max_size = 1 << 20};
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL(ber_check(g2, sizeof(g2), &limits, &e), ERR_LIMIT);
	CU_ASSERT_EQUAL(e.offset, 1);
	limits.max_size = 4;
	CU_ASSERT_EQUAL(ber_check(exact, 4, &limits, &e), 4);
	limits.max_size = 3;
	CU_ASSERT_EQUAL(ber_check(exact, 4, &limits, &e), ERR_LIMIT);
}

static void
lengths_of_2_31_and_more_are_counted_without_a_limit(void)
{
	static const uint8_t heads[][10] = {
	    {0x04, 0x84, 0x80, 0, 0, 0},
	    {0x04, 0x88, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	};
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL(ber_check(heads[0], 6, NULL, &e), ERR_SYNTAX);
	CU_ASSERT_EQUAL(e.offset, 6);
	CU_ASSERT_STRING_EQUAL(e.text, "element ends too early");
	/* 2^63-1 more octets would overflow the count of all octets */
	CU_ASSERT_EQUAL(ber_check(heads[1], 10, NULL, &e), ERR_LIMIT);
	CU_ASSERT_EQUAL(e.offset, 1);
}

static int
refuse(void *arg, unsigned depth, bool indefinite, struct err *e)
{
	(void)arg;
	(void)indefinite;
	return depth == 1 ? err_set(e, "test", ERR_REFUSED, "no") : 0;
}

static void
a_negative_result_of_a_callback_stops_the_scan(void)
{
	static const struct ber_scan_ops ops = {.close = refuse};
	static const uint8_t in[] = {0x30, 0x02, 0x05, 0x00};
	struct ber_scan *s = ber_scan_new(NULL, &ops, NULL);
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL(ber_scan_feed(s, in, 4, &e), ERR_REFUSED);
	CU_ASSERT_STRING_EQUAL(e.layer, "test");
	CU_ASSERT_EQUAL(ber_scan_feed(s, in, 4, &e), ERR_REFUSED);
	ber_scan_free(&s);
}

void
suite_asn1_ber_scan(void)
{
	static CU_TestInfo tests[] = {
	    TEST(events_are_those_of_the_element_however_it_is_cut),
	    TEST(each_refusal_names_its_octet_however_the_input_is_cut),
	    TEST(a_refused_element_stays_refused_until_reset),
	    TEST(nesting_goes_as_deep_as_the_limit_and_no_deeper),
	    TEST(a_primitive_is_not_a_level_of_depth),
	    TEST(an_endless_indefinite_element_meets_the_size_limit),
	    TEST(a_length_above_the_limit_is_refused_before_its_content_comes),
	    TEST(lengths_of_2_31_and_more_are_counted_without_a_limit),
	    TEST(a_negative_result_of_a_callback_stops_the_scan),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("asn1_ber_scan", tests);
}
