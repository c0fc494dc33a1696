#include "mhs/diag.h"

#include <string.h>

#include "tests/unit/unit.h"

/* Rows of RFC 2156 5.3.8.2. */
static void
reason_and_diagnostic_become_the_status_of_the_table(void)
{
	static const struct {
		int32_t reason, diagnostic;
		const char *status;
	} rows[] = {
	    {0, -1, "4.4.0"},
	    {1, -1, "5.0.0"},
	    {2, -1, "5.6.3"},
	    {5, -1, "5.7.1"},
	    {6, -1, "5.4.3"},
	    {1, 0, "5.1.1"},
	    {1, 3, "5.4.6"},
	    {1, 5, "4.4.7"},
	    {1, 16, "5.5.3"},
	    {2, 19, "5.6.2"},
	    {4, 35, "5.1.0"},
	    {1, 43, "5.1.6"},
	    {0, 49, "4.4.7"},
	    {1, 4000, "5.0.0"},
	    {77, 4000, "5.0.0"},
	    {-1, -1, "5.0.0"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CU_ASSERT_STRING_EQUAL(
		    mhs_diag_to_status(rows[i].reason, rows[i].diagnostic),
		    rows[i].status);
}

/* Rows of RFC 2156 5.1.8.4, and what it says of codes not in the table. */
static void
a_status_becomes_the_reason_and_diagnostic_of_the_table(void)
{
	static const struct {
		const char *status;
		int32_t reason, diagnostic;
	} rows[] = {
	    {"5.1.1", 1, 0},
	    {"4.1.1", 1, 0},
	    {"5.1.6", 1, 43},
	    {"5.2.37", 1, -1},
	    {"5.3.0", 0, -1},
	    {"4.4.7", 1, 5},
	    {"5.4.99", 0, -1},
	    {"5.6.3", 2, 8},
	    {"5.7.1", 5, -1},
	    {"5.9.9", 1, -1},
	    {"junk", 1, -1},
	    {"", 1, -1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int32_t reason = 99, diagnostic = 99;

		mhs_diag_from_status(rows[i].status, &reason, &diagnostic);
		CU_ASSERT_EQUAL(reason, rows[i].reason);
		CU_ASSERT_EQUAL(diagnostic, rows[i].diagnostic);
	}
}

static void
names_are_the_standards_and_unknown_codes_have_one_too(void)
{
	CU_ASSERT_STRING_EQUAL(mhs_reason_name(1), "unable-to-transfer");
	CU_ASSERT_STRING_EQUAL(mhs_reason_name(99), "reason-99");
	CU_ASSERT_STRING_EQUAL(mhs_diagnostic_name(0), "unrecognised-OR-name");
	CU_ASSERT_STRING_EQUAL(mhs_diagnostic_name(30), "dl-expansion-failure");
	CU_ASSERT_STRING_EQUAL(
	    mhs_diagnostic_name(43), "undeliverable-mail-new-address-unknown");
	CU_ASSERT_STRING_EQUAL(
	    mhs_diagnostic_name(49), "transfer-attempts-limit-reached");
	CU_ASSERT_STRING_EQUAL(mhs_diagnostic_name(-1), "none");
	CU_ASSERT_STRING_EQUAL(mhs_diagnostic_name(1000), "diagnostic-1000");
}

static void
a_status_has_a_sentence_for_a_person(void)
{
	CU_ASSERT_STRING_EQUAL(mhs_status_text("5.1.1"), "no such mailbox");
	CU_ASSERT_STRING_EQUAL(mhs_status_text("5.1.99"), "address problem");
	CU_ASSERT_STRING_EQUAL(mhs_status_text("?"), "undefined status");
}

void
suite_mhs_diag(void)
{
	static CU_TestInfo tests[] = {
	    TEST(reason_and_diagnostic_become_the_status_of_the_table),
	    TEST(a_status_becomes_the_reason_and_diagnostic_of_the_table),
	    TEST(names_are_the_standards_and_unknown_codes_have_one_too),
	    TEST(a_status_has_a_sentence_for_a_person),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("mhs_diag", tests);
}
