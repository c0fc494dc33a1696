#include "qmgr/control_row.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

/* In place of what a socket brings: octets of their own, checked by ASan. */
static char *
copy(const char *p, size_t n)
{
	char *x = malloc(n + 1);

	memcpy(x, p, n);
	return x;
}

static void
what_is_written_is_read_again(void)
{
	struct buf b = {0};
	struct q_row row;
	struct err e = ERR_INIT;

	q_row_begin(&b, "entry");
	q_row_text(&b, "error", "a\tb\nc\\d \x7f \xc3\xbc \x1b[2J");
	q_row_text(&b, "none", NULL);
	q_row_text(&b, "empty", "");
	q_row_int(&b, "min", INT64_MIN);
	q_row_int(&b, "zero", 0);
	q_row_int(&b, "n", 1234567890123);
	q_row_real(&b, "rate", 12.345);
	q_row_bool(&b, "held", true);
	q_row_bool(&b, "over", false);
	q_row_end(&b);
	CU_ASSERT_EQUAL(b.data[b.len - 1], '\n');
	CU_ASSERT_PTR_EQUAL(memchr(b.data, '\n', b.len), b.data + b.len - 1);
	CU_ASSERT_PTR_NULL(memchr(b.data, '\x1b', b.len));
	CU_ASSERT_EQUAL_FATAL(
	    q_row_parse((char *)b.data, b.len - 1, &row, &e), 0);
	CU_ASSERT_STRING_EQUAL(row.type, "entry");
	CU_ASSERT_EQUAL(row.n, 8);
	CU_ASSERT_STRING_EQUAL(
	    q_row_get_text(&row, "error"), "a\tb\nc\\d \x7f \xc3\xbc \x1b[2J");
	CU_ASSERT_PTR_NULL(q_row_get(&row, "none"));
	CU_ASSERT_PTR_NOT_NULL(q_row_get(&row, "empty"));
	CU_ASSERT_EQUAL(q_row_get_int(&row, "min"), INT64_MIN);
	CU_ASSERT_EQUAL(q_row_get_int(&row, "n"), 1234567890123);
	CU_ASSERT_STRING_EQUAL(q_row_get_text(&row, "zero"), "0");
	CU_ASSERT_STRING_EQUAL(q_row_get_text(&row, "rate"), "12.35");
	CU_ASSERT_TRUE(q_row_get_bool(&row, "held"));
	CU_ASSERT_FALSE(q_row_get_bool(&row, "over"));
	CU_ASSERT_FALSE(q_row_get_bool(&row, "absent"));
	buf_free(&b);
}

static void
what_is_no_row_is_refused(void)
{
	static const char *const rows[] = {"", "\t", "a b", "a\t", "a\tb",
	    "a\t=v", "a\tb!v", "a\tb#", "a\tb#x", "a\tb#1x", "a\tb#-",
	    "a\tb#1.", "a\tb#01", "a\tb?2", "a\tb?", "a\tb?10", "a\tb=\\",
	    "a\tb=\\n", "a\tb=\\x", "a\tb=\\x1", "a\tb=\\x1G", "a\tb=\\x00",
	    "a\tb=\x01", "a\tb=\x7f", "a\tb=v\r", "a\tb=1\tb=2", "a\tb=1\t"};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		size_t n = strlen(rows[i]);
		char *p = copy(rows[i], n);
		struct q_row row;
		struct err e = ERR_INIT;

		CU_ASSERT_EQUAL(q_row_parse(p, n, &row, &e), ERR_SYNTAX);
		if (e.code != ERR_SYNTAX)
			printf("row %zu: %s\n", i, rows[i]);
		free(p);
	}
}

static void
a_nul_is_refused_with_its_octet(void)
{
	char p[] = "a\tb=\0c";
	struct q_row row;
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL(q_row_parse(p, 6, &row, &e), ERR_SYNTAX);
	CU_ASSERT_EQUAL(e.offset, 4);
}

static void
a_row_has_so_many_fields_and_no_more(void)
{
	for (size_t n = Q_ROW_FIELDS; n <= Q_ROW_FIELDS + 1; n++) {
		struct buf b = {0};
		struct q_row row;

		q_row_begin(&b, "t");
		for (size_t i = 0; i < n; i++) {
			char name[8];

			snprintf(name, sizeof(name), "f%zu", i);
			q_row_int(&b, name, (int64_t)i);
		}
		buf_putc(&b, 0);
		CU_ASSERT_EQUAL(
		    q_row_parse((char *)b.data, b.len - 1, &row, NULL),
		    n == Q_ROW_FIELDS ? 0 : ERR_LIMIT);
		buf_free(&b);
	}
}

void suite_qmgr_control_row(void);

void
suite_qmgr_control_row(void)
{
	static CU_TestInfo tests[] = {
	    TEST(what_is_written_is_read_again),
	    TEST(what_is_no_row_is_refused),
	    TEST(a_nul_is_refused_with_its_octet),
	    TEST(a_row_has_so_many_fields_and_no_more),
	    CU_TEST_INFO_NULL,
	};

	unit_suite("qmgr_control_row", tests);
}
