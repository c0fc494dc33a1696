#include "mhs/diag.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

/* RFC 2156 5.3.8.2, row by row; -1: any. */
static void
codes_of_x411_become_status_codes_as_rfc2156_says(void)
{
	static const struct {
		int32_t reason, diagnostic;
		const char *status;
	} rows[] = {
	    {0, -1, "4.4.0"},
	    {1, -1, "5.0.0"},
	    {2, -1, "5.6.3"},
	    {3, -1, "5.6.0"},
	    {4, -1, "5.1.0"},
	    {5, -1, "5.7.1"},
	    {6, -1, "5.4.3"},
	    {7, -1, "5.3.3"},
	    {1, 0, "5.1.1"},
	    {1, 1, "5.1.4"},
	    {1, 2, "4.3.1"},
	    {1, 3, "5.4.6"},
	    {1, 4, "4.2.1"},
	    {1, 5, "4.4.7"},
	    {1, 6, "5.6.1"},
	    {1, 7, "5.2.3"},
	    {2, 8, "5.6.3"},
	    {2, 9, "5.6.3"},
	    {1, 10, "5.6.3"},
	    {1, 11, "5.5.2"},
	    {1, 12, "5.5.2"},
	    {1, 13, "5.5.2"},
	    {1, 14, "5.5.0"},
	    {1, 15, "5.6.1"},
	    {1, 16, "5.5.3"},
	    {1, 17, "5.4.4"},
	    {1, 18, "5.3.3"},
	    {2, 19, "5.6.2"},
	    {2, 20, "5.6.0"},
	    {2, 21, "5.6.0"},
	    {2, 22, "5.6.2"},
	    {2, 25, "5.6.2"},
	    {1, 26, "5.4.0"},
	    {1, 27, "5.4.6"},
	    {1, 28, "5.7.2"},
	    {1, 29, "5.7.1"},
	    {1, 30, "4.2.4"},
	    {4, 31, "5.6.0"},
	    {4, 32, "5.1.0"},
	    {4, 45, "5.1.0"},
	    {1, 43, "5.1.6"},
	    {1, 46, "5.7.0"},
	    {2, 47, "5.3.3"},
	    {0, 48, "5.3.4"},
	    {0, 49, "4.4.7"},
	    /* not in the tables */
	    {0, 999, "4.4.0"},
	    {99, 999, "5.0.0"},
	    {-5, -5, "5.0.0"},
	    {8, -1, "5.7.0"},
	    {1, 67, "5.7.7"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CU_ASSERT_STRING_EQUAL(
		    mhs_diag_to_status(rows[i].reason, rows[i].diagnostic),
		    rows[i].status);
}

/* RFC 2156 5.1.8.4 */
static void
status_codes_become_codes_of_x411_as_rfc2156_says(void)
{
	static const struct {
		const char *status;
		int32_t reason, diagnostic;
	} rows[] = {
	    {"5.0.0", 1, -1},
	    {"5.1.0", 1, -1},
	    {"5.1.1", 1, 0},
	    {"5.1.2", 1, 0},
	    {"5.1.3", 1, 0},
	    {"5.1.4", 1, 1},
	    {"5.1.6", 1, 43},
	    {"5.1.7", 1, 11},
	    {"5.1.8", 1, 11},
	    {"5.2.0", 1, -1},
	    {"5.2.1", 1, 4},
	    {"5.2.2", 1, 4},
	    {"5.2.3", 1, 7},
	    {"5.2.4", 1, 30},
	    {"5.3.0", 0, -1},
	    {"4.3.1", 1, 2},
	    {"4.3.2", 1, 2},
	    {"5.3.3", 1, 18},
	    {"5.3.4", 1, 7},
	    {"5.3.5", 1, -1},
	    {"4.4.0", 0, -1},
	    {"4.4.1", 0, -1},
	    {"4.4.2", 0, -1},
	    {"4.4.3", 6, -1},
	    {"5.4.4", 0, -1},
	    {"4.4.5", 1, 2},
	    {"5.4.6", 1, 3},
	    {"4.4.7", 1, 5},
	    {"5.5.0", 1, -1},
	    {"5.5.1", 1, 14},
	    {"5.5.2", 1, 14},
	    {"5.5.3", 1, 16},
	    {"5.5.4", 1, 14},
	    {"5.5.5", 1, 18},
	    {"5.6.0", 2, -1},
	    {"5.6.1", 1, 6},
	    {"5.6.2", 1, 9},
	    {"5.6.3", 2, 8},
	    {"5.6.5", 2, 47},
	    {"5.7.0", 1, 46},
	    {"5.7.1", 1, 29},
	    {"5.7.2", 1, 28},
	    {"5.7.3", 1, 46},
	    {"5.7.7", 1, 46},
	    /* the RFC's own example, and more that is not in its table */
	    {"5.2.37", 1, -1},
	    {"5.3.99", 0, -1},
	    {"5.1.1 (no such user)", 1, 0},
	    {"5.9.1", 1, -1},
	    {"", 1, -1},
	    {"x.y.z", 1, -1},
	    {"3.1.1", 1, -1},
	    {"5.1", 1, -1},
	    {"5.99999.1", 1, -1},
	    {NULL, 1, -1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int32_t reason = -9, diagnostic = -9;

		mhs_diag_from_status(rows[i].status, &reason, &diagnostic);
		CU_ASSERT_EQUAL(reason, rows[i].reason);
		CU_ASSERT_EQUAL(diagnostic, rows[i].diagnostic);
		CU_ASSERT_PTR_NOT_NULL(mhs_status_text(rows[i].status));
	}
}

static void
names_are_those_of_x411(void)
{
	static const struct {
		int32_t number;
		const char *name;
	} rows[] = {
	    {MHS_UNRECOGNISED_OR_NAME, "unrecognised-OR-name"},
	    {MHS_MAXIMUM_TIME_EXPIRED, "maximum-time-expired"},
	    {MHS_LOOP_DETECTED, "loop-detected"},
	    {MHS_LINE_TOO_LONG, "line-too-long"},
	    {MHS_DL_EXPANSION_FAILURE, "dl-expansion-failure"},
	    {MHS_SECURE_MESSAGING_ERROR, "secure-messaging-error"},
	    {MHS_UNABLE_TO_COMPLETE_TRANSFER, "unable-to-complete-transfer"},
	    {MHS_TRANSFER_ATTEMPTS_LIMIT_REACHED,
		"transfer-attempts-limit-reached"},
	    {78, "unsupported-security-policy"},
	    {79, "diagnostic-79"},
	    {-7, "diagnostic--7"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CU_ASSERT_STRING_EQUAL(
		    mhs_diagnostic_name(rows[i].number), rows[i].name);
	CU_ASSERT_STRING_EQUAL(
	    mhs_reason_name(MHS_UNABLE_TO_TRANSFER), "unable-to-transfer");
	CU_ASSERT_STRING_EQUAL(
	    mhs_reason_name(MHS_TRANSFER_FAILURE_FOR_SECURITY_REASON),
	    "transfer-failure-for-security-reason");
	CU_ASSERT_STRING_EQUAL(mhs_reason_name(99), "reason-99");
}

static void
every_code_of_the_table_has_a_name_and_a_status(void)
{
	for (int32_t d = 0; d <= 78; d++) {
		const char *status = mhs_diag_to_status(1, d);

		CU_ASSERT_PTR_NOT_NULL_FATAL(mhs_diagnostic_name(d));
		CU_ASSERT_PTR_NOT_NULL_FATAL(status);
		CU_ASSERT(strlen(status) == 5);
		CU_ASSERT(strcmp(mhs_status_text(status),
			      mhs_status_text("5.0.0")) != 0);
	}
}

void
suite_mhs_diag(void)
{
	static CU_TestInfo tests[] = {
	    TEST(codes_of_x411_become_status_codes_as_rfc2156_says),
	    TEST(status_codes_become_codes_of_x411_as_rfc2156_says),
	    TEST(names_are_those_of_x411),
	    TEST(every_code_of_the_table_has_a_name_and_a_status),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("mhs_diag", tests);
}
