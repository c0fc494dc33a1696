/*
 * What the subcommands of isthmus(1) share: how one is described, how its
 * options are read, and how the configuration is opened.
 *
 * A subcommand is a const struct cmd in a file of its own, and a row in the
 * table of ops/isthmus.c. Results go to standard output, complaints to standard
 * error, and the exit code is an enum cmd_exit.
 */
#ifndef OPS_CMD_H
#define OPS_CMD_H

#include <stdbool.h>

#include "lib/conf.h"

enum cmd_exit {
	CMD_OK = 0,
	CMD_FAILED = 1, /* what was asked could not be done, or is bad */
	CMD_USAGE = 2,  /* it was not asked properly */
};

struct cmd {
	const char *name;
	const char *summary;  /* one line */
	const char *synopsis; /* what follows "isthmus NAME " */
	const char *help;     /* lines about arguments and options */
	/* argv[0] is the subcommand's name. Returns an enum cmd_exit. */
	int (*main)(const struct cmd *c, int argc, char **argv);
};

extern const struct cmd cmd_run, cmd_check, cmd_queue, cmd_decode, cmd_convert,
    cmd_ping, cmd_spool, cmd_status, cmd_channel, cmd_peer, cmd_identity;

/* One option. With `value` it takes an argument, kept there by pointer; with
 * `flag` it takes none. letter 0: only the long name. */
struct cmd_option {
	const char *name;
	char letter;
	const char **value;
	bool *flag;
};

#define CMD_OPTIONS_MAX 24

/* Reads options (in any place) and adds --help. Returns true and the first
 * of the `*n` arguments left in `*rest`; or false, and what to return from
 * main in *exit_code (help or a complaint was printed). */
bool cmd_options(const struct cmd *c, int argc, char **argv,
    const struct cmd_option *options, size_t n_options, char ***rest, int *n,
    int *exit_code);
void cmd_print_help(const struct cmd *c);
/* "isthmus NAME: text" to standard error; returns CMD_USAGE. */
int cmd_usage(const struct cmd *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The same; returns CMD_FAILED. */
int cmd_failed(const struct cmd *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* "FILE:LINE: text" on standard error; counts in the unsigned at `arg`, which
 * may be NULL. */
void cmd_complain(void *arg, const char *file, unsigned line, const char *text);
/* The configuration at `path` (NULL: the default place), validated; NULL after
 * complaints. */
struct conf_node *cmd_config(struct arena *a, const char *path);

/* All of a file (NULL or "-": standard input), at most `max` octets. 0 or a
 * negative code. */
int cmd_read(const char *path, size_t max, struct buf *out, struct err *e);
/* All of `b` to standard output: 0, or ERR_SYSTEM. */
int cmd_write(const struct buf *b, struct err *e);

#endif
