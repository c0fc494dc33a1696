#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/log.h"
#include "tests/unit/log_capture.h"

static int
count(const char *s, char c)
{
	int n = 0;

	for (; *s != '\0'; s++)
		n += *s == c;
	return n;
}

static void
values_cannot_forge_a_line_or_a_pair(void)
{
	static const struct {
		const char *value, *shown;
	} rows[] = {
	    {"plain", " k=plain\n"},
	    {"", " k=\"\"\n"},
	    {"two words", " k=\"two words\"\n"},
	    {"a=b", " k=\"a=b\"\n"},
	    {"x\" admin=\"y", " k=\"x\\\" admin=\\\"y\"\n"},
	    {"back\\slash", " k=\"back\\\\slash\"\n"},
	    {"x\n2026-01-01T00:00:00Z info qmgr[1]: accepted",
		" k=\"x\\x0a2026-01-01T00:00:00Z info qmgr[1]: accepted\"\n"},
	    {"\r\t\x1b[2J\x7f", " k=\"\\x0d\\x09\\x1b[2J\\x7f\"\n"},
	    {"caf\xc3\xa9 \x9b", " k=\"caf\\xc3\\xa9 \\x9b\"\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct capture c;
		const char *line;

		capture_begin(&c);
		log_event(LOG_LEVEL_INFO, "event", "k", rows[i].value, NULL);
		line = capture_end(&c);
		CU_ASSERT_PTR_NOT_NULL(strstr(line, ": event k="));
		CU_ASSERT_PTR_NOT_NULL(strstr(line, rows[i].shown));
		CU_ASSERT_EQUAL(count(line, '\n'), 1);
	}
}

static void
a_long_value_stays_one_line(void)
{
	static char value[5000];
	struct capture c;
	const char *line;

	memset(value, 'v', sizeof(value) - 1);
	capture_begin(&c);
	log_event(LOG_LEVEL_INFO, "event", "k", value, "l", "more", NULL);
	line = capture_end(&c);
	CU_ASSERT_EQUAL(count(line, '\n'), 1);
	CU_ASSERT_EQUAL(line[strlen(line) - 1], '\n');
	CU_ASSERT(strlen(line) <= 2048);
}

static void
null_values_and_low_levels_are_left_out(void)
{
	struct capture c;
	const char *line;

	capture_begin(&c);
	log_event(LOG_LEVEL_DEBUG, "hidden", NULL);
	log_event(LOG_LEVEL_INFO, "shown", "a", NULL, "b", "2", NULL);
	line = capture_end(&c);
	CU_ASSERT_PTR_NULL(strstr(line, "hidden"));
	CU_ASSERT_PTR_NOT_NULL(strstr(line, "shown b=2\n"));
	CU_ASSERT(!log_enabled(LOG_LEVEL_DEBUG));
	CU_ASSERT_EQUAL(log_level_parse("warn"), LOG_LEVEL_WARN);
	CU_ASSERT_EQUAL(log_level_parse("Warn"), -1);
}

static void
errors_are_logged_with_layer_code_octet_and_reason(void)
{
	struct capture c;
	struct err e = ERR_INIT;
	const char *line;

	err_at(&e, "cotp", ERR_SYNTAX, 17, "bad\nlength");
	capture_begin(&c);
	log_err(LOG_LEVEL_ERROR, "refused", &e, "peer", "127.0.0.1:1", NULL);
	line = capture_end(&c);
	CU_ASSERT_PTR_NOT_NULL(strstr(line,
	    "refused peer=127.0.0.1:1 layer=cotp code=syntax octet=17 "
	    "reason=\"bad\\x0alength\"\n"));
}

static void
an_error_carries_code_offset_and_text(void)
{
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL(err_set(NULL, "x", ERR_LIMIT, "%d", 1), ERR_LIMIT);
	CU_ASSERT_EQUAL(err_set(&e, "x", ERR_LIMIT, "%d", 1), ERR_LIMIT);
	CU_ASSERT_EQUAL(e.offset, ERR_NO_OFFSET);
	CU_ASSERT_EQUAL(err_at(&e, "p1", ERR_SYNTAX, 5, "tag"), ERR_SYNTAX);
	CU_ASSERT_EQUAL(e.offset, 5);
	CU_ASSERT_EQUAL(err_prefix(&e, "in %s", "envelope"), ERR_SYNTAX);
	CU_ASSERT_STRING_EQUAL(e.text, "in envelope: tag");
	CU_ASSERT_STRING_EQUAL(e.layer, "p1");
	err_clear(&e);
	CU_ASSERT_EQUAL(e.code, 0);
	CU_ASSERT_STRING_EQUAL(e.text, "");
}

static void
a_system_error_keeps_errno_and_names_it(void)
{
	struct err e = ERR_INIT;

	errno = ENOENT;
	CU_ASSERT_EQUAL(err_sys(&e, "spool", "open %s", "x"), ERR_SYSTEM);
	CU_ASSERT_EQUAL(errno, ENOENT);
	CU_ASSERT_EQUAL(e.detail, ENOENT);
	CU_ASSERT_STRING_EQUAL(e.text, "open x: No such file or directory");
}

static void
text_too_long_is_cut_not_overrun(void)
{
	char big[1000];
	struct err e = ERR_INIT;

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	err_set(&e, "x", ERR_SYNTAX, "%s", big);
	CU_ASSERT_EQUAL(strlen(e.text), ERR_TEXT_MAX - 1);
	err_prefix(&e, "%s", big);
	CU_ASSERT_EQUAL(strlen(e.text), ERR_TEXT_MAX - 1);
	errno = EPERM;
	err_sys(&e, "x", "%s", big);
	CU_ASSERT_EQUAL(strlen(e.text), ERR_TEXT_MAX - 1);
}

void
suite_lib_err_log(void)
{
	static CU_TestInfo tests[] = {
	    TEST(values_cannot_forge_a_line_or_a_pair),
	    TEST(a_long_value_stays_one_line),
	    TEST(null_values_and_low_levels_are_left_out),
	    TEST(errors_are_logged_with_layer_code_octet_and_reason),
	    TEST(an_error_carries_code_offset_and_text),
	    TEST(a_system_error_keeps_errno_and_names_it),
	    TEST(text_too_long_is_cut_not_overrun),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("lib_err_log", tests);
}
