#include "mixer/mixer.h"

#include <errno.h>

#include "tests/unit/unit.h"

static const struct {
	int code, detail;
	bool temporary;
	int32_t reason, diagnostic;
	const char *status;
} rows[] = {
    /* the spool has no room, the disk fails: errno is no diagnostic */
    {ERR_TEMPORARY, 0, true, MHS_UNABLE_TO_TRANSFER, MHS_DIAG_ABSENT, "4.3.0"},
    {ERR_SYSTEM, ENOSPC, true, MHS_UNABLE_TO_TRANSFER, MHS_DIAG_ABSENT,
	"4.3.0"},
    {ERR_MEMORY, 0, true, MHS_UNABLE_TO_TRANSFER, MHS_DIAG_ABSENT, "4.3.0"},
    /* an envelope or a record that no spool takes, however often */
    {ERR_LIMIT, 0, false, MHS_UNABLE_TO_TRANSFER, MHS_SIZE_CONSTRAINT_VIOLATION,
	"5.5.2"},
    {ERR_LIMIT, MHS_CONTENT_SYNTAX_ERROR, false, MHS_CONVERSION_NOT_PERFORMED,
	MHS_CONTENT_SYNTAX_ERROR, "5.6.0"},
    {ERR_UNSUPPORTED, MHS_UNRECOGNISED_OR_NAME, false, MHS_UNABLE_TO_TRANSFER,
	MHS_UNRECOGNISED_OR_NAME, "5.1.1"},
    {ERR_PROTOCOL, MHS_LOOP_DETECTED, false, MHS_UNABLE_TO_TRANSFER,
	MHS_LOOP_DETECTED, "5.4.6"},
    {ERR_SYNTAX, 0, false, MHS_CONVERSION_NOT_PERFORMED,
	MHS_CONTENT_SYNTAX_ERROR, "5.6.0"},
};

static void
what_can_never_succeed_is_not_tried_again(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = {.code = rows[i].code, .detail = rows[i].detail};
		struct mixer_failure f = mixer_failure_of(rows[i].code, &e);

		CU_ASSERT_EQUAL(f.temporary, rows[i].temporary);
		CU_ASSERT_EQUAL(f.reason, rows[i].reason);
		CU_ASSERT_EQUAL(f.diagnostic, rows[i].diagnostic);
		CU_ASSERT_STRING_EQUAL(f.status, rows[i].status);
	}
}

void
suite_mixer_failure(void)
{
	static CU_TestInfo tests[] = {
	    TEST(what_can_never_succeed_is_not_tried_again),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("mixer_failure", tests);
}
