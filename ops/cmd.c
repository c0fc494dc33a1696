#include "ops/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/paths.h"

#define LONG_ONLY 256 /* getopt's value of options without a letter */

void
cmd_print_help(const struct cmd *c)
{
	printf("isthmus %s: %s\n\nusage: isthmus %s %s\n\n%s", c->name,
	    c->summary, c->name, c->synopsis, c->help);
}

static void
say(const struct cmd *c, const char *fmt, va_list ap)
{
	fprintf(stderr, "isthmus %s: ", c->name);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

int
cmd_usage(const struct cmd *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(c, fmt, ap);
	va_end(ap);
	fprintf(stderr,
	    "usage: isthmus %s %s\n"
	    "`isthmus %s --help` says more\n",
	    c->name, c->synopsis, c->name);
	return CMD_USAGE;
}

int
cmd_failed(const struct cmd *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(c, fmt, ap);
	va_end(ap);
	return CMD_FAILED;
}

/* getopt's tables from ours; the last row is --help. */
struct tables {
	struct option longs[CMD_OPTIONS_MAX + 2];
	char shorts[2 * CMD_OPTIONS_MAX + 4];
};

static void
fill(struct tables *t, const struct cmd_option *options, size_t n)
{
	char *s = t->shorts;

	INVARIANT(n <= CMD_OPTIONS_MAX);
	*s++ = ':'; /* a missing argument is told apart */
	for (size_t i = 0; i < n; i++) {
		bool takes = options[i].value != NULL;

		t->longs[i] = (struct option){options[i].name,
		    takes ? required_argument : no_argument, NULL,
		    LONG_ONLY + (int)i};
		if (options[i].letter == 0)
			continue;
		*s++ = options[i].letter;
		if (takes)
			*s++ = ':';
	}
	*s++ = 'h';
	*s = '\0';
	t->longs[n] = (struct option){"help", no_argument, NULL, 'h'};
	t->longs[n + 1] = (struct option){0};
}

static const struct cmd_option *
option_of(int got, const struct cmd_option *options, size_t n)
{
	if (got >= LONG_ONLY)
		return &options[got - LONG_ONLY];
	for (size_t i = 0; i < n; i++)
		if (options[i].letter == got)
			return &options[i];
	return NULL;
}

bool
cmd_options(const struct cmd *c, int argc, char **argv,
    const struct cmd_option *options, size_t n_options, char ***rest, int *n,
    int *exit_code)
{
	struct tables t;
	int got;

	fill(&t, options, n_options);
	optind = 0; /* a new start, in glibc */
	opterr = 0;
	while ((got = getopt_long(argc, argv, t.shorts, t.longs, NULL)) != -1) {
		const struct cmd_option *o = option_of(got, options, n_options);

		if (o != NULL && o->value != NULL) {
			*o->value = optarg;
		} else if (o != NULL) {
			*o->flag = true;
		} else if (got == 'h') {
			cmd_print_help(c);
			*exit_code = CMD_OK;
			return false;
		} else {
			*exit_code = cmd_usage(c,
			    got == ':' ? "%s needs an argument"
				       : "unknown option %s",
			    argv[optind - 1]);
			return false;
		}
	}
	*rest = argv + optind;
	*n = argc - optind;
	return true;
}

void
cmd_complain(void *arg, const char *file, unsigned line, const char *text)
{
	unsigned *n = arg;
	char prefix[1024];
	int len = snprintf(prefix, sizeof(prefix), "%s:%u: ", file, line);

	if (n != NULL)
		++*n;
	/* texts of conf_error() say file and line themselves */
	if (len > 0 && (size_t)len < sizeof(prefix) &&
	    strncmp(text, prefix, (size_t)len) == 0)
		text += len;
	if (line > 0)
		fprintf(stderr, "%s:%u: %s\n", file, line, text);
	else
		fprintf(stderr, "%s: %s\n", file, text);
}

struct conf_node *
cmd_config(struct arena *a, const char *path)
{
	struct err e = ERR_INIT;

	if (path == NULL)
		path = paths_config(a);
	return conf_load(a, path, paths_schema(a), cmd_complain, NULL, &e);
}

static int
read_all(int fd, const char *name, size_t max, struct buf *out, struct err *e)
{
	ssize_t n;

	do {
		n = read(fd, buf_reserve(out, 65536), 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "file", "%s", name);
		buf_grow(out, (size_t)n);
		if (out->len > max)
			return err_set(e, "file", ERR_LIMIT,
			    "%s: more than %zu octets", name, max);
	} while (n != 0);
	return 0;
}

int
cmd_read(const char *path, size_t max, struct buf *out, struct err *e)
{
	int fd, rc;

	if (path == NULL || strcmp(path, "-") == 0)
		return read_all(STDIN_FILENO, "standard input", max, out, e);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "file", "%s", path);
	rc = read_all(fd, path, max, out, e);
	close(fd);
	return rc;
}

int
cmd_write(const struct buf *b, struct err *e)
{
	fflush(stdout);
	for (size_t at = 0; at < b->len;) {
		ssize_t n = write(STDOUT_FILENO, b->data + at, b->len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, "file", "standard output");
		at += (size_t)n;
	}
	return 0;
}
