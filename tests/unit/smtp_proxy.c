/*
 * What stands in front of a session: the PROXY protocol's header, rates of
 * connections; and the small grammars of priorities and header fields.
 */
#include "smtp/proxy.h"

#include <string.h>

#include "smtp/fields.h"
#include "smtp/priority.h"
#include "smtp/rate.h"
#include "tests/unit/unit.h"

#define SIG "\r\n\r\n\0\r\nQUIT\n"
#define V4           \
	"\300\0\2\1" \
	"\12\0\0\1"  \
	"\4\1"       \
	"\0\31"

struct row {
	const char *octets;
	size_t n;
	int used; /* or an error */
	const char *peer;
};
#define ROW(s, used, peer)                   \
	{                                    \
		s, sizeof(s) - 1, used, peer \
	}

static const struct row rows[] = {
    ROW("PROXY TCP4 192.0.2.1 10.0.0.1 1025 25\r\nEHLO", 39, "192.0.2.1:1025"),
    ROW("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n", 36, "[2001:db8::1]:1"),
    ROW("PROXY UNKNOWN\r\n", 15, ""),
    ROW("PROXY UNKNOWN ffff::1 x y z\r\n", 29, ""),
    ROW("PROXY TCP4 192.0.2.1 10.0.0.1 1025 65536\r\n", ERR_SYNTAX, ""),
    ROW("PROXY TCP4 192.0.2.1 10.0.0.1 01025 25\r\n", ERR_SYNTAX, ""),
    ROW("PROXY TCP4 192.0.2.1 10.0.0.1 1025\r\n", ERR_SYNTAX, ""),
    ROW("PROXY TCP4 192.0.2.1 10.0.0.1 1 2 3\r\n", ERR_SYNTAX, ""),
    ROW("PROXY TCP4 ::1 ::1 1 2\r\n", ERR_SYNTAX, ""),
    ROW("PROXY TCP4 192.0.2.1 10.0.0.1 1 2\n", ERR_SYNTAX, ""),
    ROW("PROXY UDP4 192.0.2.1 10.0.0.1 1 2\r\n", ERR_SYNTAX, ""),
    ROW("EHLO c\r\n", ERR_SYNTAX, ""),
    ROW("\r\n\r\nX", ERR_SYNTAX, ""),
    ROW(SIG "\x21\x11\0\14" V4 "EHLO", 28, "192.0.2.1:1025"),
    ROW(SIG "\x21\x11\0\20" V4 "\1\0\1h", 32, "192.0.2.1:1025"),
    ROW(SIG "\x20\x00\0\0", 16, ""),
    ROW(SIG "\x21\x00\0\0", 16, ""),
    ROW(SIG "\x21\x11\0\13" V4, ERR_SYNTAX, ""),
    ROW(SIG "\x21\x12\0\14" V4, ERR_SYNTAX, ""),
    ROW(SIG "\x31\x11\0\14" V4, ERR_UNSUPPORTED, ""),
    ROW(SIG "\x22\x11\0\14" V4, ERR_UNSUPPORTED, ""),
    ROW(SIG "\x21\x11\x7f\0" V4, ERR_LIMIT, ""),
};

static void
a_header_is_read_to_its_end_and_no_further(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint8_t *p = (const uint8_t *)rows[i].octets;
		struct smtp_proxy x;
		struct err e = ERR_INIT;
		int rc = smtp_proxy_parse(p, rows[i].n, &x, &e);

		CU_ASSERT_EQUAL(rc, rows[i].used);
		if (rc > 0) {
			CU_ASSERT_STRING_EQUAL(x.peer, rows[i].peer);
			CU_ASSERT_EQUAL(x.local, rows[i].peer[0] == '\0');
		}
		/* short of its end it goes on */
		for (int n = 0; n < rows[i].used; n++)
			CU_ASSERT_EQUAL(
			    smtp_proxy_parse(p, (size_t)n, &x, &e), 0);
	}
}

static void
an_endless_header_is_refused(void)
{
	uint8_t p[200];
	struct smtp_proxy x;
	struct err e = ERR_INIT;

	memset(p, ' ', sizeof(p));
	memcpy(p, "PROXY ", 6);
	CU_ASSERT_EQUAL(smtp_proxy_parse(p, 106, &x, &e), 0);
	CU_ASSERT_EQUAL(smtp_proxy_parse(p, 107, &x, &e), ERR_LIMIT);
	CU_ASSERT_EQUAL(e.offset, 107);
}

static void
rates_are_kept_by_client_and_in_all(void)
{
	struct smtp_rates *r = smtp_rates_new(2, 0);

	CU_ASSERT(smtp_rates_take(r, "192.0.2.1", 1000));
	CU_ASSERT(smtp_rates_take(r, "192.0.2.1", 1000));
	CU_ASSERT(!smtp_rates_take(r, "192.0.2.1", 1000));
	CU_ASSERT(smtp_rates_take(r, "192.0.2.2", 1000));
	CU_ASSERT(!smtp_rates_take(r, "192.0.2.1", 30999));
	CU_ASSERT(smtp_rates_take(r, "192.0.2.1", 31000));
	CU_ASSERT(!smtp_rates_take(r, "192.0.2.1", 31000));
	/* a long rest brings no more than a minute's */
	CU_ASSERT(smtp_rates_take(r, "192.0.2.1", 1000000));
	CU_ASSERT(smtp_rates_take(r, "192.0.2.1", 1000000));
	CU_ASSERT(!smtp_rates_take(r, "192.0.2.1", 1000000));
	smtp_rates_free(&r);
	r = smtp_rates_new(0, 3);
	for (int i = 0; i < 3; i++)
		CU_ASSERT(smtp_rates_take(r, i % 2 ? "a" : "b", 5));
	CU_ASSERT(!smtp_rates_take(r, "c", 5));
	CU_ASSERT(smtp_rates_take(r, "c", 5 + 20000));
	smtp_rates_free(&r);
	r = smtp_rates_new(0, 0);
	for (int i = 0; i < 1000; i++)
		CU_ASSERT(smtp_rates_take(r, "a", 5));
	smtp_rates_free(&r);
}

/* RFC 6710 5: what a profile does not name is the next higher that it does. */
static void
priorities_are_levels_of_their_profile(void)
{
	static const enum smtp_precedence D = SMTP_DEFERRED, R = SMTP_ROUTINE,
					  P = SMTP_PRIORITY, I = SMTP_IMMEDIATE,
					  F = SMTP_FLASH, O = SMTP_OVERRIDE;
	const enum smtp_precedence stanag[19] = {
	    D, D, D, D, D, D, R, R, P, P, I, I, F, F, O, O, O, O, O};
	const enum smtp_precedence mixer[19] = {
	    D, D, D, D, D, D, P, P, P, P, F, F, F, F, F, F, F, F, F};
	const enum smtp_precedence nsep[19] = {
	    R, R, R, R, R, R, R, R, P, P, I, I, F, F, O, O, O, O, O};

	for (int p = -9; p <= 9; p++) {
		CU_ASSERT_EQUAL(smtp_priority_level(SMTP_PROFILE_STANAG4406, p),
		    stanag[p + 9]);
		CU_ASSERT_EQUAL(
		    smtp_priority_level(SMTP_PROFILE_NONE, p), stanag[p + 9]);
		CU_ASSERT_EQUAL(
		    smtp_priority_level(SMTP_PROFILE_MIXER, p), mixer[p + 9]);
		CU_ASSERT_EQUAL(
		    smtp_priority_level(SMTP_PROFILE_NSEP, p), nsep[p + 9]);
	}
	CU_ASSERT_EQUAL(smtp_priority_profile_parse("NSEP"), SMTP_PROFILE_NSEP);
	CU_ASSERT_EQUAL(smtp_priority_profile_parse("none"), SMTP_PROFILE_NONE);
	CU_ASSERT(smtp_priority_profile_parse("nsep") < 0);
}

/* RFC 6758 4, with its examples */
static void
a_priority_field_may_have_comments(void)
{
	static const struct {
		const char *value;
		bool good;
		int priority;
	} v[] = {{" -3", true, -3}, {" 4 (ultra)", true, 4}, {"0", true, 0},
	    {" (a (b) \\) c) 9 ()", true, 9}, {" 10", false, 0},
	    {" 4 5", false, 0}, {" (4", false, 0}, {"", false, 0},
	    {" --4", false, 0}, {" 4 x", false, 0}};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		int p = 99;

		CU_ASSERT_EQUAL(
		    smtp_priority_field(v[i].value, strlen(v[i].value), &p),
		    v[i].good);
		if (v[i].good)
			CU_ASSERT_EQUAL(p, v[i].priority);
	}
}

static void
fields_are_found_in_the_header_only(void)
{
	static const char text[] = "Subject: x\r\n MT-Priority: 1\r\n"
				   "mt-priority : 2\r\n (a)\r\n"
				   "TLS-Required:No\r\nMT-Priority-X: 3\r\n"
				   "\r\nTLS-Required: No\r\n";

	for (size_t step = 1; step < 30; step++) {
		struct smtp_fields f = {0};

		for (size_t i = 0; i < sizeof(text) - 1; i += step)
			smtp_fields_scan(&f, (const uint8_t *)text + i,
			    sizeof(text) - 1 - i < step ? sizeof(text) - 1 - i
							: step);
		CU_ASSERT_EQUAL(f.v[SMTP_FIELD_MT_PRIORITY].times, 1);
		CU_ASSERT_EQUAL(f.v[SMTP_FIELD_MT_PRIORITY].n, 6);
		CU_ASSERT(memcmp(f.v[SMTP_FIELD_MT_PRIORITY].value, " 2 (a)",
			      6) == 0);
		CU_ASSERT_EQUAL(f.v[SMTP_FIELD_TLS_REQUIRED].times, 1);
		CU_ASSERT_EQUAL(f.v[SMTP_FIELD_TLS_REQUIRED].n, 2);
	}
}

void
suite_smtp_proxy(void)
{
	static CU_TestInfo tests[] = {
	    TEST(a_header_is_read_to_its_end_and_no_further),
	    TEST(an_endless_header_is_refused),
	    TEST(rates_are_kept_by_client_and_in_all),
	    TEST(priorities_are_levels_of_their_profile),
	    TEST(a_priority_field_may_have_comments),
	    TEST(fields_are_found_in_the_header_only),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("smtp_proxy", tests);
}
