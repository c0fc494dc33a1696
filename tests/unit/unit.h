/*
 * What every unit test file shares. A file tests/unit/ROOM_NAME.c stands
 * beside ROOM/NAME.c and defines suite_ROOM_NAME(); the name of each test says
 * what is promised.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <CUnit/CUnit.h>
#include <CUnit/TestDB.h>
#include <stdlib.h>

#define TEST(fn)        \
	{               \
#fn, fn \
	}

static inline void
unit_suite(const char *name, CU_TestInfo *tests)
{
	CU_SuiteInfo suites[] = {
	    {name, NULL, NULL, NULL, NULL, tests}, CU_SUITE_INFO_NULL};

	if (CU_register_suites(suites) != CUE_SUCCESS)
		abort();
}

#endif
