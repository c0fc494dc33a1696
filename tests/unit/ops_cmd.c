#include "ops/cmd.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static const struct cmd test_cmd = {.name = "test",
    .summary = "tests",
    .synopsis = "[-c FILE] [--flag]",
    .help = "  no more\n"};

/* What is printed goes nowhere while a test runs. */
struct quiet {
	int out, err;
};

static void
quiet_begin(struct quiet *q)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	fflush(stdout);
	q->out = dup(STDOUT_FILENO);
	q->err = dup(STDERR_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	close(null);
}

static void
quiet_end(struct quiet *q)
{
	fflush(stdout);
	dup2(q->out, STDOUT_FILENO);
	dup2(q->err, STDERR_FILENO);
	close(q->out);
	close(q->err);
}

static void
options_stand_anywhere_and_the_rest_is_left_over(void)
{
	static const struct {
		const char *args[8];
		bool ok, flag;
		const char *config;
		int rest, exit_code;
	} rows[] = {
	    {{"test"}, true, false, NULL, 0, 0},
	    {{"test", "a", "b"}, true, false, NULL, 2, 0},
	    {{"test", "-c", "f"}, true, false, "f", 0, 0},
	    {{"test", "-cf", "a"}, true, false, "f", 1, 0},
	    {{"test", "a", "--config", "f", "--flag"}, true, true, "f", 1, 0},
	    {{"test", "--config=f"}, true, false, "f", 0, 0},
	    {{"test", "--", "--flag"}, true, false, NULL, 1, 0},
	    {{"test", "--help"}, false, false, NULL, 0, CMD_OK},
	    {{"test", "a", "-h"}, false, false, NULL, 0, CMD_OK},
	    {{"test", "-c"}, false, false, NULL, 0, CMD_USAGE},
	    {{"test", "--config"}, false, false, NULL, 0, CMD_USAGE},
	    {{"test", "-x"}, false, false, NULL, 0, CMD_USAGE},
	    {{"test", "--nonsense"}, false, false, NULL, 0, CMD_USAGE},
	    {{"test", "--flag=1"}, false, false, NULL, 0, CMD_USAGE},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *config = NULL;
		bool flag = false, ok;
		const struct cmd_option options[] = {
		    {"config", 'c', &config, NULL},
		    {"flag", 0, NULL, &flag},
		};
		char *argv[9] = {0}, **rest;
		int argc = 0, n = 0, code = 0;
		struct quiet q;

		for (; rows[i].args[argc] != NULL; argc++)
			argv[argc] = strdup(rows[i].args[argc]);
		quiet_begin(&q);
		ok = cmd_options(
		    &test_cmd, argc, argv, options, 2, &rest, &n, &code);
		quiet_end(&q);
		CU_ASSERT_EQUAL(ok, rows[i].ok);
		CU_ASSERT_EQUAL(n, rows[i].rest);
		CU_ASSERT_EQUAL(code, rows[i].exit_code);
		CU_ASSERT_EQUAL(flag, rows[i].flag);
		CU_ASSERT_EQUAL(config == NULL, rows[i].config == NULL);
		if (config != NULL && rows[i].config != NULL)
			CU_ASSERT_STRING_EQUAL(config, rows[i].config);
		for (int j = 0; j < argc; j++)
			free(argv[j]);
	}
}

static void
files_are_read_whole_and_not_beyond_the_limit(void)
{
	struct buf b = {0};
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL(cmd_read("conf/isthmus.rng", 1 << 20, &b, &e), 0);
	CU_ASSERT(b.len > 1000 && memcmp(b.data, "<?xml", 5) == 0);
	CU_ASSERT_EQUAL(cmd_read("conf/isthmus.rng", 1000, &b, &e), ERR_LIMIT);
	CU_ASSERT_EQUAL(cmd_read("/nonexistent", 1, &b, &e), ERR_SYSTEM);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "/nonexistent: No such file"));
	buf_free(&b);
}

void
suite_ops_cmd(void)
{
	static CU_TestInfo tests[] = {
	    TEST(options_stand_anywhere_and_the_rest_is_left_over),
	    TEST(files_are_read_whole_and_not_beyond_the_limit),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("ops_cmd", tests);
}
