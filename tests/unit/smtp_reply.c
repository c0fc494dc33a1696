#include "smtp/reply.h"

#include <string.h>

#include "tests/unit/unit.h"

static void
replies_read_the_same_in_any_pieces(void)
{
	static const char input[] =
	    "220 mx.example ready\r\n250-first\r\n250-second x\r\n250 last\r\n"
	    "550 5.1.1 No such user\r\n550-5.7.1 a\r\n550 5.7.1 b\r\n"
	    "421\r\n250 5.0.0 wrong class\r\n250 2.0.0\n354 go\x01\r\n";
	static const struct {
		int code;
		const char *status, *text;
	} rows[] = {{220, "", "mx.example ready"},
	    {250, "", "first\nsecond x\nlast"}, {550, "5.1.1", "No such user"},
	    {550, "5.7.1", "a\nb"}, {421, "", ""},
	    {250, "", "5.0.0 wrong class"}, {250, "2.0.0", ""},
	    {354, "", "go?"}};

	for (size_t step = 1; step < sizeof(input) + 8; step++) {
		struct smtp_reply_parser r = {0};
		size_t used, seen = 0, at = 0;

		while (at < sizeof(input) - 1) {
			size_t n = sizeof(input) - 1 - at;
			int rc =
			    smtp_reply_feed(&r, (const uint8_t *)input + at,
				n < step ? n : step, &used, NULL);

			CU_ASSERT(rc >= 0);
			at += used;
			if (rc != 1)
				continue;
			CU_ASSERT_EQUAL(r.code, rows[seen].code);
			CU_ASSERT_STRING_EQUAL(r.status, rows[seen].status);
			CU_ASSERT_STRING_EQUAL(
			    buf_cstr(&r.text), rows[seen].text);
			seen++;
		}
		CU_ASSERT_EQUAL(seen, 8);
		smtp_reply_free(&r);
	}
}

static void
nonsense_is_refused(void)
{
	static const char *const rows[] = {"\r\n", "25\r\n", "250x\r\n",
	    "150 a\r\n", "650 a\r\n", "2a0 x\r\n", "hello\r\n",
	    "250-a\r\n550 b\r\n", " 250 a\r\n"};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct smtp_reply_parser r = {0};
		size_t used;

		CU_ASSERT_EQUAL(smtp_reply_feed(&r, (const uint8_t *)rows[i],
				    strlen(rows[i]), &used, NULL),
		    ERR_SYNTAX);
		smtp_reply_free(&r);
	}
}

static void
endless_replies_are_cut_off(void)
{
	struct smtp_reply_parser r = {0};
	uint8_t line[SMTP_REPLY_LINE_MAX + 1];
	size_t used;
	int rc = 0, n = 0;

	memset(line, 'x', sizeof(line));
	memcpy(line, "250-", 4);
	CU_ASSERT_EQUAL(
	    smtp_reply_feed(&r, line, sizeof(line), &used, NULL), ERR_LIMIT);
	smtp_reply_free(&r);
	memcpy(line + 1000, "\r\n", 2);
	r = (struct smtp_reply_parser){0};
	while (rc == 0 && n++ < 10000)
		rc = smtp_reply_feed(&r, line, 1002, &used, NULL);
	CU_ASSERT_EQUAL(rc, ERR_LIMIT);
	CU_ASSERT(r.text.len <= SMTP_REPLY_TEXT_MAX);
	smtp_reply_free(&r);
}

static void
status_codes_have_three_parts(void)
{
	static const char *const good[] = {"2.0.0", "5.123.123", "4.4.7"};
	static const char *const bad[] = {"3.0.0", "5.1", "5.1.", "5..1",
	    "5.1234.1", "5.1.1.1", "5.1.1x", ""};

	for (size_t i = 0; i < 3; i++)
		CU_ASSERT(smtp_status_valid(good[i], strlen(good[i])));
	for (size_t i = 0; i < 8; i++)
		CU_ASSERT(!smtp_status_valid(bad[i], strlen(bad[i])));
}

void
suite_smtp_reply(void)
{
	static CU_TestInfo tests[] = {
	    TEST(replies_read_the_same_in_any_pieces),
	    TEST(nonsense_is_refused),
	    TEST(endless_replies_are_cut_off),
	    TEST(status_codes_have_three_parts),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("smtp_reply", tests);
}
