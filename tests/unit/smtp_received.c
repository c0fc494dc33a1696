#include "smtp/received.h"

#include <string.h>

#include "lib/buf.h"
#include "tests/unit/unit.h"

static void
note(void *arg, const char *value, size_t n)
{
	buf_append(arg, value, n);
	buf_putc(arg, '|');
}

static void
received_fields_are_found_and_unfolded_in_any_pieces(void)
{
	static const char message[] =
	    "Return-Path: <x>\r\n"
	    "Received: from a\r\n\tby b;\r\n  Sat, 1 Jan\r\n"
	    "received :second\r\n"
	    "X-Received: no\r\n"
	    "Receivedx: no\r\n"
	    "Subject: x\r\n Received: folded, no\r\n"
	    "RECEIVED: third  \r\n"
	    "\r\n"
	    "Received: in the body\r\n";

	for (size_t step = 1; step < sizeof(message); step++) {
		struct smtp_header_scan h = {0};
		struct buf b = {0};

		for (size_t i = 0; i < sizeof(message) - 1; i += step) {
			size_t n = sizeof(message) - 1 - i;

			smtp_header_scan(&h, (const uint8_t *)message + i,
			    n < step ? n : step, note, &b);
		}
		CU_ASSERT_STRING_EQUAL(
		    buf_cstr(&b), "from a by b; Sat, 1 Jan|second|third|");
		CU_ASSERT_EQUAL(h.state, SCAN_BODY);
		buf_free(&b);
	}
}

static void
a_field_is_cut_at_its_limit(void)
{
	struct smtp_header_scan h = {0};
	struct buf b = {0}, m = {0};

	buf_puts(&m, "Received: ");
	for (int i = 0; i < 5000; i++)
		buf_putc(&m, 'x');
	buf_puts(&m, "\r\n\r\n");
	smtp_header_scan(&h, m.data, m.len, note, &b);
	CU_ASSERT_EQUAL(b.len, SMTP_RECEIVED_MAX + 1);
	buf_free(&b);
	buf_free(&m);
}

static void
host_and_time_are_read(void)
{
	static const char value[] =
	    "from x (by mail) by mx.example (y) with SMTP; "
	    "Sat, 21 Nov 2026 23:52:12 +0130 (zone)";
	char by[64];

	smtp_received_by(value, by, sizeof(by));
	CU_ASSERT_STRING_EQUAL(by, "mx.example");
	CU_ASSERT_EQUAL(smtp_received_time(value), 1795305132 - 5400);
	smtp_received_by("from x", by, sizeof(by));
	CU_ASSERT_STRING_EQUAL(by, "");
	smtp_received_by(value, by, 4);
	CU_ASSERT_STRING_EQUAL(by, "");
	CU_ASSERT_EQUAL(smtp_received_time("from x"), 0);
}

static void
dates_go_out_and_come_back(void)
{
	static const struct {
		const char *text;
		int64_t t;
	} rows[] = {
	    {"Thu, 1 Jan 1970 00:00:00 +0000", 0},
	    {"1 Jan 70 00:00 GMT", 0},
	    {"Sat, 21 Nov 2026 23:52:12 -0000", 1795305132},
	    {"  21 nov 26 23:52:12", 1795305132},
	    {"Sun, 22 Nov 2026 01:52:12 +0200", 1795305132},
	};
	static const char *const bad[] = {"", "Sat",
	    "32 Jan 2026 00:00:00 +0000", "1 Foo 2026 00:00:00 +0000",
	    "1 Jan 2026 24:00:00 +0000", "1 Jan 2026", "1 Jan 2026 00:60:00",
	    "1 Jan -5 00:00:00"};
	char out[SMTP_DATE_TEXT];
	int64_t t;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CU_ASSERT_EQUAL(smtp_date_parse(rows[i].text, &t), 0);
		CU_ASSERT_EQUAL(t, rows[i].t);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(smtp_date_parse(bad[i], &t), -1);
	CU_ASSERT_STRING_EQUAL(smtp_date_format(1795305132, out),
	    "Sat, 21 Nov 2026 23:52:12 +0000");
}

void
suite_smtp_received(void)
{
	static CU_TestInfo tests[] = {
	    TEST(received_fields_are_found_and_unfolded_in_any_pieces),
	    TEST(a_field_is_cut_at_its_limit),
	    TEST(host_and_time_are_read),
	    TEST(dates_go_out_and_come_back),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("smtp_received", tests);
}
