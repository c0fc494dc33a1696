#include "lib/base64.h"

#include <string.h>

#include "lib/err.h"
#include "tests/unit/unit.h"

/* RFC 4648 10, and octets of every value. */
static const struct {
	const char *octets, *text;
} pairs[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xfb\xff\xfe", "+//+"},
};

static void
octets_become_the_text_of_rfc_4648(void)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct buf b = {0};

		base64_encode(&b, pairs[i].octets, strlen(pairs[i].octets));
		CU_ASSERT_STRING_EQUAL(buf_cstr(&b), pairs[i].text);
		CU_ASSERT(b.len < BASE64_TEXT(strlen(pairs[i].octets)));
		buf_free(&b);
	}
}

static void
and_the_text_becomes_octets_again(void)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		size_t n = strlen(pairs[i].octets);
		uint8_t out[16];

		CU_ASSERT_EQUAL(
		    base64_decode(pairs[i].text, strlen(pairs[i].text), out, n),
		    (ssize_t)n);
		CU_ASSERT_EQUAL(memcmp(out, pairs[i].octets, n), 0);
		if (n > 0)
			CU_ASSERT_EQUAL(base64_decode(pairs[i].text,
					    strlen(pairs[i].text), out, n - 1),
			    ERR_LIMIT);
	}
}

static void
what_is_not_strictly_base64_is_refused(void)
{
	static const char *const bad[] = {"Z", "Zg", "Zg=", "=",
	    "==", "====", "Z===", "=AAA",
	    "AAA=BBB=", "Zg==Zg==", "Zh==", "Zm9=", "Zm 9", "Zm9v\r\n", "Zm-v",
	    "Zm_v", " Zm9v", "Zm\x80v"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t out[16];

		CU_ASSERT_EQUAL(
		    base64_decode(bad[i], strlen(bad[i]), out, sizeof(out)),
		    ERR_SYNTAX);
	}
}

void
suite_lib_base64(void)
{
	static CU_TestInfo tests[] = {
	    TEST(octets_become_the_text_of_rfc_4648),
	    TEST(and_the_text_becomes_octets_again),
	    TEST(what_is_not_strictly_base64_is_refused),
	    CU_TEST_INFO_NULL,
	};

	unit_suite("lib_base64", tests);
}
