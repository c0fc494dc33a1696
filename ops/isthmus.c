/*
 * NAME
 *	isthmus - run and look after an Isthmus message switch
 * SYNOPSIS
 *	isthmus SUBCOMMAND [OPTIONS] [ARGUMENTS]
 * DESCRIPTION
 *	The operator's program. Each subcommand is in a file of its own,
 *	ops/cmd_NAME.c; isthmus(1) describes them.
 * DIAGNOSTICS
 *	Exit code 0: done. 1: it could not be done, or what was checked is bad
 *	(standard error says why). 2: wrong usage.
 */
#include <stdio.h>
#include <string.h>

#include "ops/cmd.h"

static const struct cmd *const cmds[] = {
    &cmd_run,
    &cmd_check,
    &cmd_status,
    &cmd_queue,
    &cmd_channel,
    &cmd_peer,
    &cmd_spool,
    &cmd_ping,
    &cmd_decode,
    &cmd_convert,
    &cmd_identity,
};

#define N_CMDS (sizeof(cmds) / sizeof(cmds[0]))

static void
print_help(FILE *f)
{
	fprintf(f,
	    "isthmus: an X.400-first message switch\n\n"
	    "usage: isthmus SUBCOMMAND [OPTIONS] [ARGUMENTS]\n\n");
	for (size_t i = 0; i < N_CMDS; i++)
		fprintf(f, "  %-8s %s\n", cmds[i]->name, cmds[i]->summary);
	fprintf(f,
	    "\n`isthmus SUBCOMMAND --help` says more; so does isthmus(1).\n");
}

static const struct cmd *
find(const char *name)
{
	for (size_t i = 0; i < N_CMDS; i++)
		if (strcmp(cmds[i]->name, name) == 0)
			return cmds[i];
	return NULL;
}

/* `isthmus help [SUBCOMMAND]`, and what people try instead. */
static bool
is_one_of(const char *s, const char *a, const char *b, const char *c)
{
	return strcmp(s, a) == 0 || strcmp(s, b) == 0 || strcmp(s, c) == 0;
}

static int
run(int argc, char **argv)
{
	const struct cmd *c;

	if (argc < 2) {
		print_help(stderr);
		return CMD_USAGE;
	}
	if (is_one_of(argv[1], "version", "--version", "-V")) {
		printf("isthmus %s\n", ISTHMUS_VERSION);
		return CMD_OK;
	}
	if (is_one_of(argv[1], "help", "--help", "-h")) {
		c = argc > 2 ? find(argv[2]) : NULL;
		if (c != NULL)
			cmd_print_help(c);
		else
			print_help(stdout);
		return CMD_OK;
	}
	c = find(argv[1]);
	if (c != NULL)
		return c->main(c, argc - 1, argv + 1);
	fprintf(stderr, "isthmus: unknown subcommand \"%s\"\n", argv[1]);
	print_help(stderr);
	return CMD_USAGE;
}

int
main(int argc, char **argv)
{
	int code = run(argc, argv);

	/* a full disk or a closed pipe must not look like success */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("isthmus: standard output");
		return code == CMD_OK ? CMD_FAILED : code;
	}
	return code;
}
