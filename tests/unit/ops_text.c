#include "ops/text.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

static void
nothing_from_outside_moves_the_cursor(void)
{
	static const struct {
		const char *in, *out, *json;
	} rows[] = {
	    {"plain", "plain", "\"plain\""},
	    {"", "", "\"\""},
	    {"\x1b[2J\r\n\t\x7f", "?[2J????",
		"\"\\u001b[2J\\u000d\\u000a\\u0009\\u007f\""},
	    {"\"\\", "\"\\", "\"\\\"\\\\\""},
	    {"Zürich €", "Zürich €", "\"Zürich €\""},
	    {"\xf0\x9f\x93\xa8", "\xf0\x9f\x93\xa8", "\"\xf0\x9f\x93\xa8\""},
	    /* C1 control, in two octets */
	    {"a\xc2\x9b"
	     "b",
		"a?b", "\"a\\u009bb\""},
	    /* no UTF-8: lone, cut off, overlong, surrogate, too high */
	    {"\xff", "\xef\xbf\xbd", "\"\\ufffd\""},
	    {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd", "\"\\ufffd\\ufffd\""},
	    {"\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd", "\"\\ufffd\\ufffd\""},
	    {"\xe0\x80\x80x",
		"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
		"x",
		"\"\\ufffd\\ufffd\\ufffdx\""},
	    {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
		"\"\\ufffd\\ufffd\\ufffd\""},
	    {"\xf4\x90\x80\x80",
		"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
		"\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
	    {NULL, NULL, "null"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf b = {0};

		if (rows[i].in != NULL) {
			text_safe(&b, rows[i].in);
			CU_ASSERT_STRING_EQUAL(buf_cstr(&b), rows[i].out);
		}
		buf_clear(&b);
		text_json(&b, rows[i].in);
		CU_ASSERT_STRING_EQUAL(buf_cstr(&b), rows[i].json);
		buf_free(&b);
	}
}

static void
lines_stay_lines_where_they_are_wanted(void)
{
	static const char text[] = "a\r\nb\tc\x1b\rd\n";
	struct buf b = {0};

	text_safe_lines(&b, text, sizeof(text) - 1);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&b), "a\nb\tc??d\n");
	buf_free(&b);
}

static void
ages_times_and_sizes_are_short(void)
{
	char age[TEXT_AGE], time[TEXT_TIME], size[TEXT_SIZE];

	CU_ASSERT_STRING_EQUAL(text_age(-5, age), "0s");
	CU_ASSERT_STRING_EQUAL(text_age(119, age), "119s");
	CU_ASSERT_STRING_EQUAL(text_age(120, age), "2m");
	CU_ASSERT_STRING_EQUAL(text_age(7200, age), "2h");
	CU_ASSERT_STRING_EQUAL(text_age(48 * 3600, age), "2d");
	CU_ASSERT_STRING_EQUAL(text_time(0, time), "1970-01-01T00:00:00Z");
	CU_ASSERT_STRING_EQUAL(text_time(INT64_MAX, time), "?");
	CU_ASSERT_STRING_EQUAL(text_size(1023, size), "1023 octets");
	CU_ASSERT_STRING_EQUAL(text_size(1536, size), "1.5 KiB");
	CU_ASSERT_STRING_EQUAL(text_size(UINT64_MAX, size), "16777216.0 TiB");
}

void suite_ops_text(void);

void
suite_ops_text(void)
{
	static CU_TestInfo tests[] = {
	    TEST(nothing_from_outside_moves_the_cursor),
	    TEST(lines_stay_lines_where_they_are_wanted),
	    TEST(ages_times_and_sizes_are_short),
	    CU_TEST_INFO_NULL,
	};

	unit_suite("ops_text", tests);
}
