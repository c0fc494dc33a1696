#include "asn1/dump.h"

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

static const struct {
	const char *hex;
	const char *text;
} rows[] = {
    {"", ""},
    {"0500", "       0  NULL (0)\n"},
    {"0500 0101ff",
	"       0  NULL (0)\n"
	"       2  BOOLEAN (1) TRUE\n"},
    {"6180 3080 020103 a080 2480 04026162 0000 0000 0000 0000",
	"       0  [APPLICATION 1] (indefinite)\n"
	"       2    SEQUENCE (indefinite)\n"
	"       4      INTEGER (1) 3\n"
	"       7      [0] (indefinite)\n"
	"       9        OCTET STRING (indefinite)\n"
	"      11          OCTET STRING (2) 6162 \"ab\"\n"
	"      15          end-of-contents\n"
	"      17        end-of-contents\n"
	"      19      end-of-contents\n"
	"      21    end-of-contents\n"},
    {"0201ff 020200ff 0a0103 020900ffffffffffffffff",
	"       0  INTEGER (1) -1\n"
	"       3  INTEGER (2) 255\n"
	"       7  ENUMERATED (1) 3\n"
	"      10  INTEGER (9) 00ffffffffffffffff\n"},
    {"060456000106 06062b1a00a23600 060180 0606 2a8648ce3d02",
	"       0  OBJECT IDENTIFIER (4) 2.6.0.1.6 (id-ac-mts-transfer)\n"
	"       6  OBJECT IDENTIFIER (6) 1.3.26.0.4406.0\n"
	"      14  OBJECT IDENTIFIER (1) 80\n"
	"      17  OBJECT IDENTIFIER (6) 1.2.840.10045.2\n"},
    {"0302 0560 0301 00",
	"       0  BIT STRING (2) { 1 2 } of 3\n"
	"       4  BIT STRING (1) { } of 0\n"},
    {"1302 5858 1600 1403c87522 170b 39323031303130303030 5a",
	"       0  PrintableString (2) \"XX\"\n"
	"       4  IA5String (0) \"\"\n"
	"       6  TeletexString (3) \"\\xc8u\\\"\"\n"
	"      11  UTCTime (11) \"9201010000Z\"\n"},
    /* an encoding inside a string, and octets that only begin like one */
    {"040a 3008 0403616263 020105 8004 30020500 8004 30030500",
	"       0  OCTET STRING (10) holding\n"
	"       2    SEQUENCE (8)\n"
	"       4      OCTET STRING (3) 616263 \"abc\"\n"
	"       9      INTEGER (1) 5\n"
	"      12  [0] (4) holding\n"
	"      14    SEQUENCE (2)\n"
	"      16      NULL (0)\n"
	"      18  [0] (4) 30030500\n"},
    {"df8148 00 bf8148 00 0f00",
	"       0  [PRIVATE 200] (0)\n"
	"       4  [200] (0)\n"
	"       8  [UNIVERSAL 15] (0)\n"},
};

static void
elements_are_shown_with_offset_tag_length_and_value(void)
{
	uint8_t in[128];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = unhex(rows[i].hex, in);
		struct buf out = {0};

		CU_ASSERT_EQUAL(ber_dump(in, n, &out, NULL), 0);
		if (strcmp(buf_cstr(&out), rows[i].text) != 0)
			printf("\n%s\n%s", rows[i].hex, buf_cstr(&out));
		CU_ASSERT_STRING_EQUAL(buf_cstr(&out), rows[i].text);
		buf_free(&out);
	}
}

static void
what_is_broken_is_shown_as_far_as_it_goes(void)
{
	static const struct {
		const char *hex, *text;
		int code;
		uint64_t offset;
	} bad[] = {
	    {"a0800201420001",
		"       0  [0] (indefinite)\n"
		"       2    INTEGER (1) 66\n"
		"error at octet 6: universal 0 cannot have 1 octets\n",
		ERR_SYNTAX, 6},
	    {"0500 30050403",
		"       0  NULL (0)\n"
		"       2  SEQUENCE (5)\n"
		"       4    OCTET STRING (3)\n"
		"error at octet 6: element ends too early\n",
		ERR_SYNTAX, 6},
	    {"0405 6162",
		"       0  OCTET STRING (5) 6162 \"ab\"\n"
		"error at octet 4: element ends too early\n",
		ERR_SYNTAX, 4},
	    {"0500 ff",
		"       0  NULL (0)\n"
		"error at octet 3: element ends too early\n",
		ERR_SYNTAX, 3},
	    {"0000",
		"error at octet 0: end-of-contents octets where no "
		"indefinite length is open\n",
		ERR_SYNTAX, 0},
	};
	uint8_t in[64];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		size_t n = unhex(bad[i].hex, in);
		struct err e = ERR_INIT;
		struct buf out = {0};

		CU_ASSERT_EQUAL(ber_dump(in, n, &out, &e), bad[i].code);
		CU_ASSERT_EQUAL(e.offset, bad[i].offset);
		if (strcmp(buf_cstr(&out), bad[i].text) != 0)
			printf("\n%s\n%s", bad[i].hex, buf_cstr(&out));
		CU_ASSERT_STRING_EQUAL(buf_cstr(&out), bad[i].text);
		buf_free(&out);
	}
}

static void
long_contents_come_in_rows_up_to_a_limit(void)
{
	uint8_t in[4 + 40], big[4 + 5000];
	struct buf out = {0};

	memcpy(in, "\x04\x28", 2);
	memset(in + 2, 'a', 40);
	CU_ASSERT_EQUAL(ber_dump(in, 42, &out, NULL), 0);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&out),
	    "       0  OCTET STRING (40)\n"
	    "       2    61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 "
	    "\"aaaaaaaaaaaaaaaa\"\n"
	    "      18    61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 "
	    "\"aaaaaaaaaaaaaaaa\"\n"
	    "      34    61 61 61 61 61 61 61 61 \"aaaaaaaa\"\n");
	buf_clear(&out);
	memcpy(big, "\x16\x82\x13\x88", 4);
	memset(big + 4, 'b', 5000);
	CU_ASSERT_EQUAL(ber_dump(big, sizeof(big), &out, NULL), 0);
	CU_ASSERT(out.len < 4000);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(buf_cstr(&out), "... 3976 more octets\n"));
	buf_free(&out);
}

static void
deep_nesting_is_shown_without_growing_margins(void)
{
	uint8_t in[2 * 128 * 2] = {0};
	struct buf out = {0};
	size_t widest = 0;
	char *line, *next;

	for (size_t i = 0; i < 256; i += 2) {
		in[i] = 0x30;
		in[i + 1] = 0x80;
	}
	CU_ASSERT_EQUAL(ber_dump(in, sizeof(in), &out, NULL), 0);
	for (line = next = buf_cstr(&out); strsep(&next, "\n"); line = next)
		if (next != NULL && (size_t)(next - line) > widest)
			widest = (size_t)(next - line);
	CU_ASSERT(widest < 120);
	buf_free(&out);
}

static void
no_control_character_reaches_the_output(void)
{
	uint8_t in[256 + 4] = {0x0c, 0x82, 0x01, 0x00};
	struct buf out = {0};

	for (size_t i = 0; i < 256; i++)
		in[4 + i] = (uint8_t)i;
	for (int tag = 0; tag < 256; tag++) {
		in[0] = (uint8_t)tag;
		(void)ber_dump(in, sizeof(in), &out, NULL);
	}
	for (size_t i = 0; i < out.len; i++)
		CU_ASSERT(out.data[i] == '\n' ||
		    (out.data[i] >= 0x20 && out.data[i] < 0x7f));
	buf_free(&out);
}

static void
names_are_known_for_the_arcs_of_mhs(void)
{
	CU_ASSERT_STRING_EQUAL(
	    ber_oid_name("2.6.1.4.12"), "id-et-file-transfer");
	CU_ASSERT_STRING_EQUAL(
	    ber_oid_name("1.3.26.0.4406.0.4.1"), "mmhs-content-p772");
	CU_ASSERT_PTR_NULL(ber_oid_name("2.6.1.4"));
}

void
suite_asn1_dump(void)
{
	static CU_TestInfo tests[] = {
	    TEST(elements_are_shown_with_offset_tag_length_and_value),
	    TEST(what_is_broken_is_shown_as_far_as_it_goes),
	    TEST(long_contents_come_in_rows_up_to_a_limit),
	    TEST(deep_nesting_is_shown_without_growing_margins),
	    TEST(no_control_character_reaches_the_output),
	    TEST(names_are_known_for_the_arcs_of_mhs),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("asn1_dump", tests);
}
