#!/bin/sh
# Writes the main program of the unit tests: one suite per file
# tests/unit/ROOM_NAME.c, which defines `void suite_ROOM_NAME(void)`.
# With arguments the program runs only the suites whose name begins so.
echo '#include <CUnit/Basic.h>'
echo '#include <stdio.h>'
echo '#include <string.h>'
for f in "$@"; do
	n=$(basename "$f" .c)
	echo "void suite_$n(void);"
done
echo 'static const struct { const char *name; void (*fn)(void); } suites[] = {'
for f in "$@"; do
	n=$(basename "$f" .c)
	echo "	{\"$n\", suite_$n},"
done
cat <<'C'
};

static int
wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strncmp(name, argv[i], strlen(argv[i])) == 0)
			return 1;
	return argc == 1;
}

int
main(int argc, char **argv)
{
	unsigned failed, run;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		if (wanted(suites[i].name, argc, argv))
			suites[i].fn();
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	failed = CU_get_number_of_tests_failed();
	run = CU_get_number_of_tests_run();
	CU_cleanup_registry();
	printf("unit: %u passed, %u failed\n", run - failed, failed);
	return failed > 0 || run == 0;
}
C
