#include "mixer/template.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

static const char *
put(const struct mixer_template *t, enum mixer_kind kind, const char *languages,
    struct buf *out)
{
	const char *vars[N_MIXER_VAR] = {[MIXER_VAR_RECIPIENT] = "bob@b",
	    [MIXER_VAR_SUBJECT] = "one\ntwo",
	    [MIXER_VAR_UNTIL] = "noon"};

	buf_clear(out);
	mixer_template_put(t, kind, languages, vars, out);
	return buf_cstr(out);
}

static void
what_the_file_does_not_have_is_built_in(void)
{
	static const char text[] = "# ours\n\n[failed]\nNot to ${recipient}.\n";
	struct arena *a = arena_new();
	struct mixer_template *t;
	struct buf b = {0};

	CU_ASSERT_EQUAL(
	    mixer_template_parse(a, text, sizeof(text) - 1, &t, NULL), 0);
	CU_ASSERT_STRING_EQUAL(
	    put(t, MIXER_TEXT_FAILED, NULL, &b), "Not to bob@b.\r\n");
	CU_ASSERT_STRING_EQUAL(put(t, MIXER_TEXT_DELAYED, NULL, &b),
	    "Your message could not be delivered yet to:\r\n"
	    "        bob@b\r\nIt is tried until noon;\r\n"
	    "you need not send it again.\r\n\r\n");
	CU_ASSERT_STRING_EQUAL(put(NULL, MIXER_TEXT_DELAYED, NULL, &b),
	    "Your message could not be delivered yet to:\r\n"
	    "        bob@b\r\nIt is tried until noon;\r\n"
	    "you need not send it again.\r\n\r\n");
	buf_free(&b);
	arena_free(&a);
}

static void
a_language_is_chosen_as_the_sender_lists_them(void)
{
	static const char text[] = "[closing]\r\nplain\r\n[closing.de]\r\n"
				   "deutsch\r\n[closing.fr]\r\nfran\xc3\xa7"
				   "ais\r\n";
	static const struct {
		const char *languages, *out;
	} rows[] = {{NULL, "plain\r\n"}, {"es", "plain\r\n"},
	    {"de-CH, fr", "deutsch\r\n"},
	    {"es;q=1, FR;q=0.5, de",
		"fran\xc3\xa7"
		"ais\r\n"},
	    {"deu", "plain\r\n"}, {",,;", "plain\r\n"}, {"*", "plain\r\n"}};
	struct arena *a = arena_new();
	struct mixer_template *t;
	struct buf b = {0};

	CU_ASSERT_EQUAL(
	    mixer_template_parse(a, text, sizeof(text) - 1, &t, NULL), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CU_ASSERT_STRING_EQUAL(
		    put(t, MIXER_TEXT_CLOSING, rows[i].languages, &b),
		    rows[i].out);
	buf_free(&b);
	arena_free(&a);
}

static void
lines_come_once_for_each_of_a_value_and_not_without_one(void)
{
	static const char text[] =
	    "[intro]\n* ${subject} (${recipient})\n${detail} is gone\n$5 {x}\n";
	struct arena *a = arena_new();
	struct mixer_template *t;
	struct buf b = {0};

	CU_ASSERT_EQUAL(
	    mixer_template_parse(a, text, sizeof(text) - 1, &t, NULL), 0);
	CU_ASSERT_STRING_EQUAL(put(t, MIXER_TEXT_INTRO, NULL, &b),
	    "* one (bob@b)\r\n* two (bob@b)\r\n$5 {x}\r\n");
	buf_free(&b);
	arena_free(&a);
}

static void
mistakes_are_named_with_their_line(void)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
	    {"hello\n", "line 1: text before the first section"},
	    {"#\n[bounce]\n", "line 2: [bounce] is no kind of text"},
	    {"[failed.]\n", "line 1: [failed.] is no kind of text"},
	    {"[failed]\nx\n${who}\n", "line 3: \"${who}\" is no variable"},
	    {"[failed]\n${recipient", "line 2: \"${\" is no variable"},
	    {"[failed]\n\xff\n", "no text in UTF-8"},
	};
	struct arena *a = arena_new();
	struct mixer_template *t;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = ERR_INIT;

		CU_ASSERT_EQUAL(mixer_template_parse(a, rows[i].text,
				    strlen(rows[i].text), &t, &e),
		    ERR_SYNTAX);
		CU_ASSERT_STRING_EQUAL(e.text, rows[i].why);
	}
	arena_free(&a);
}

void
suite_mixer_template(void)
{
	static CU_TestInfo tests[] = {
	    TEST(what_the_file_does_not_have_is_built_in),
	    TEST(a_language_is_chosen_as_the_sender_lists_them),
	    TEST(lines_come_once_for_each_of_a_value_and_not_without_one),
	    TEST(mistakes_are_named_with_their_line),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("mixer_template", tests);
}
