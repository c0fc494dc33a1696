#include "ops/decode.h"

#include <string.h>

#include "tests/unit/unit.h"

static void
text_forms_become_octets_or_an_error(void)
{
	static const struct {
		const char *in;
		enum decode_input how;
		int rc;
		const char *out; /* in hexadecimal */
	} rows[] = {
	    {"3003020105", DECODE_AUTO, 0, "3003020105"},
	    {"30 03 02\n01 05\n", DECODE_AUTO, 0, "3003020105"},
	    {"0x30 0x03:02:01:05", DECODE_AUTO, 0, "3003020105"},
	    {"MAMCAQU=\n", DECODE_AUTO, 0, "3003020105"},
	    {"-----BEGIN X-----\nMAMC\nAQU=\n-----END X-----\n", DECODE_AUTO, 0,
		"3003020105"},
	    {"MAMCAQUA", DECODE_AUTO, 0, "300302010500"},
	    {"MAMCAQ", DECODE_BASE64, 0, "30030201"},
	    {"a!b?", DECODE_AUTO, 0, "6121623f"},
	    {"abcd", DECODE_RAW, 0, "61626364"},
	    {"abcd", DECODE_AUTO, 0, "abcd"},
	    {"abcd", DECODE_BASE64, 0, "69b71d"},
	    {"", DECODE_AUTO, 0, ""},
	    {"", DECODE_HEX, 0, ""},
	    {"300", DECODE_HEX, ERR_SYNTAX, ""},
	    {"3g", DECODE_HEX, ERR_SYNTAX, ""},
	    {"3 0", DECODE_HEX, ERR_SYNTAX, ""},
	    {"MAMCA", DECODE_BASE64, ERR_SYNTAX, ""},
	    {"MA==MA", DECODE_BASE64, ERR_SYNTAX, ""},
	    {"MAM*", DECODE_BASE64, ERR_SYNTAX, ""},
	    {"MA===", DECODE_BASE64, ERR_SYNTAX, ""},
	    {"-----", DECODE_BASE64, 0, ""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = ERR_INIT;
		struct buf b = {0}, hex = {0};
		int rc;

		buf_puts(&b, rows[i].in);
		rc = decode_input(&b, rows[i].how, &e);
		CU_ASSERT_EQUAL(rc, rows[i].rc);
		for (size_t j = 0; rc == 0 && j < b.len; j++)
			buf_printf(&hex, "%02x", b.data[j]);
		CU_ASSERT_STRING_EQUAL(buf_cstr(&hex), rows[i].out);
		buf_free(&b);
		buf_free(&hex);
	}
}

static void
tlvs_are_shown_with_octet_tag_length_and_value(void)
{
	static const uint8_t octets[] = {0x30, 0x80, 0x02, 0x01, 0x05, 0x06,
	    0x03, 0x55, 0x04, 0x03, 0x04, 0x03, 'a', 'b', 'c', 0xa0, 0x05, 0x04,
	    0x01, 0xff, 0x05, 0x00, 0x00, 0x00, 0x5f, 0x8f, 0x7f, 0x00};
	static const char want[] = "     0 SEQUENCE indefinite\n"
				   "     2   INTEGER (1) 5\n"
				   "     5   OBJECT IDENTIFIER (3) 2.5.4.3\n"
				   "    10   OCTET STRING (3) \"abc\"\n"
				   "    15   [0] (5)\n"
				   "    17     OCTET STRING (1) ff\n"
				   "    20     NULL\n"
				   "    24 [APPLICATION 2047]\n";
	struct arena *a = arena_new();
	struct err e = ERR_INIT;
	struct buf out = {0};

	CU_ASSERT_EQUAL(decode_ber(a, octets, sizeof(octets), &out, &e), 0);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&out), want);
	buf_free(&out);
	arena_free(&a);
}

static void
what_is_broken_is_shown_up_to_there_with_the_octet(void)
{
	static const uint8_t octets[] = {
	    0x05, 0x00, 0x30, 0x06, 0x02, 0x01, 0x07, 0x02, 0x7f, 0x00};
	struct arena *a = arena_new();

	for (size_t n = 3; n <= sizeof(octets); n++) {
		struct err e = ERR_INIT;
		struct buf out = {0};

		CU_ASSERT(decode_ber(a, octets, n, &out, &e) < 0);
		CU_ASSERT(e.offset != ERR_NO_OFFSET);
		CU_ASSERT(e.offset <= n && e.offset >= 2);
		CU_ASSERT_EQUAL(
		    strncmp(buf_cstr(&out), "     0 NULL\n", 12), 0);
		if (n >= 7)
			CU_ASSERT_PTR_NOT_NULL(
			    strstr(buf_cstr(&out), "INTEGER (1) 7"));
		buf_free(&out);
	}
	arena_free(&a);
}

static void
values_of_a_peer_do_not_reach_the_terminal_raw(void)
{
	static const uint8_t octets[] = {
	    0x16, 0x05, 'a', 0x1b, '[', '2', 'J', 0x04, 0x02, 0xc2, 0x9b};
	struct arena *a = arena_new();
	struct buf out = {0};

	CU_ASSERT_EQUAL(decode_ber(a, octets, sizeof(octets), &out, NULL), 0);
	CU_ASSERT_PTR_NULL(strchr(buf_cstr(&out), 0x1b));
	CU_ASSERT_PTR_NULL(strstr(buf_cstr(&out), "\xc2\x9b"));
	buf_free(&out);
	arena_free(&a);
}

void
suite_ops_decode(void)
{
	static CU_TestInfo tests[] = {
	    TEST(text_forms_become_octets_or_an_error),
	    TEST(tlvs_are_shown_with_octet_tag_length_and_value),
	    TEST(what_is_broken_is_shown_up_to_there_with_the_octet),
	    TEST(values_of_a_peer_do_not_reach_the_terminal_raw),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("ops_decode", tests);
}
