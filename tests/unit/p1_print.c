#include "p1/print.h"

#include "tests/unit/p1_vectors.h"

static bool
print(
    struct arena *a, const char *name, struct buf *out, struct p1_printed *what)
{
	struct buf in = vector(name);
	struct err e = ERR_INIT;
	int r = p1_print(a, in.data, in.len, out, what, &e);

	buf_free(&in);
	return r == 0;
}

static void
a_message_shows_its_fields_and_gives_its_content(void)
{
	static const char *const lines[] = {
	    "P1 MTS-APDU: message\n",
	    "original-encoded-information-types: ia5-text\n",
	    "message extension content-correlator (23):\n  ",
	    "/S=pp/O=PPA/PRMD=PEER/ADMD=TEST/C=GB/",
	};
	struct arena *a = arena_new();
	struct p1_printed what = {0};
	struct buf out = {0};

	CU_ASSERT_FATAL(print(a, "p1-apdu-message", &out, &what));
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (strstr(buf_cstr(&out), lines[i]) == NULL) {
			printf(
			    "\n  no \"%s\" in\n%s", lines[i], buf_cstr(&out));
			CU_FAIL("a line is missing");
		}
	CU_ASSERT_EQUAL(what.env->kind, MHS_MESSAGE);
	CU_ASSERT_EQUAL(what.content.n, 201);
	buf_free(&out);
	arena_free(&a);
}

static void
a_report_shows_what_it_says_of_each_recipient(void)
{
	struct arena *a = arena_new();
	struct p1_printed what = {0};
	struct buf out = {0};

	CU_ASSERT_FATAL(print(a, "p1-apdu-report-non-delivery", &out, &what));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&out),
	    "reported-recipient 1 converted-encoded-information-types: "
	    "ia5-text\n"));
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(buf_cstr(&out), "Unknown local user 'nosuch92'"));
	CU_ASSERT_EQUAL(what.content.n, 180);
	buf_free(&out);
	arena_free(&a);
}

static void
what_is_no_apdu_prints_nothing(void)
{
	struct arena *a = arena_new();
	struct p1_printed what = {0};
	struct buf out = {0};
	struct err e = ERR_INIT;

	CU_ASSERT(
	    p1_print(a, (const uint8_t *)"\x30\x00", 2, &out, &what, &e) < 0);
	CU_ASSERT_EQUAL(out.len, 0);
	CU_ASSERT_PTR_NULL(what.env);
	arena_free(&a);
}

static void
encoded_information_types_are_named(void)
{
	static const struct {
		const char *hex, *text;
	} cases[] = {
	    {"65 04 80 02 05 20", "ia5-text"},
	    {"65 05 80 03 06 01 40", "voice, mixed-mode"},
	    {"65 0a 80 01 00 a4 05 06 03 2a 03 04", "1.2.3.4"},
	    {"65 03 80 01 00", "none"},
	    {"", "none"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *a = arena_new();
		struct buf b = {0};

		hex_append(&b, cases[i].hex);
		CU_ASSERT_STRING_EQUAL(
		    p1_eits_text(a, b.data, b.len), cases[i].text);
		buf_free(&b);
		arena_free(&a);
	}
}

void
suite_p1_print(void)
{
	static CU_TestInfo tests[] = {
	    TEST(a_message_shows_its_fields_and_gives_its_content),
	    TEST(a_report_shows_what_it_says_of_each_recipient),
	    TEST(what_is_no_apdu_prints_nothing),
	    TEST(encoded_information_types_are_named),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("p1_print", tests);
}
