/*
 * isthmus run: a switch in the foreground. Starts qmgr, which starts all the
 * rest, and starts it again when it dies; passes signals on; ends when qmgr
 * ends in good order.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/loop.h"
#include "lib/paths.h"
#include "ops/cmd.h"
#include "qmgr/kept.h"

#define BACKOFF_MIN_MS 200
#define BACKOFF_MAX_MS 60000
#define RAN_WELL_MS 60000 /* then the next death is a new trouble */
#define STARTED_MS 5000   /* failing before this, at first, is final */
#define EXIT_NO_EXEC 127

struct guard {
	struct loop *loop;
	const char *program, *config;
	const char *last; /* the last good configuration, or NULL */
	pid_t child;      /* 0: none */
	msec_t started;
	msec_t backoff;
	unsigned starts;
	bool stopping; /* we were told to end */
	int exit_code;
	struct loop_timer *restart;
};

static void start(void *arg);

/* In the child: becomes qmgr. */
static void
become(const struct guard *g, pid_t parent)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	/* a Ctrl-C on the terminal is ours; we pass it on in good order */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(0);
	if (g->starts > 1 && g->last != NULL)
		execl(g->program, "qmgr", "-c", g->config, "-l", g->last,
		    (char *)NULL);
	else
		execl(g->program, "qmgr", "-c", g->config, (char *)NULL);
	fprintf(stderr, "isthmus run: %s: %s\n", g->program, strerror(errno));
	_exit(EXIT_NO_EXEC);
}

static void
finish(struct guard *g, int exit_code)
{
	g->exit_code = exit_code;
	loop_stop(g->loop);
}

static void
start(void *arg)
{
	struct guard *g = arg;
	pid_t parent = getpid(), pid;

	g->restart = NULL;
	g->started = clock_mono();
	g->starts++;
	pid = fork();
	if (pid == 0)
		become(g, parent);
	if (pid < 0) {
		log_event(LOG_LEVEL_ERROR, "cannot-fork", "reason",
		    strerror(errno), NULL);
		g->restart = loop_timer_set(g->loop, BACKOFF_MAX_MS, start, g);
		return;
	}
	g->child = pid;
	log_event(LOG_LEVEL_INFO, "qmgr-started", "pid",
	    log_u64((unsigned long long)pid), "config", g->config, NULL);
}

static const char *
how_ended(int status, char *out, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(out, size, "signal %d (%s)%s", WTERMSIG(status),
		    strsignal(WTERMSIG(status)),
		    WCOREDUMP(status) ? ", core dumped" : "");
	else
		snprintf(out, size, "exit code %d", WEXITSTATUS(status));
	return out;
}

/* An operator who starts a switch that cannot start wants to be told, not to
 * watch it being tried for ever. One that ran is tried for ever: files and the
 * configuration may be repaired. */
static bool
is_hopeless(const struct guard *g, int status, msec_t lived)
{
	return WIFEXITED(status) && g->starts == 1 && lived < STARTED_MS;
}

static void
ended(struct guard *g, int status)
{
	bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	msec_t lived = clock_mono() - g->started;
	char how[80];

	g->child = 0;
	log_event(clean ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "qmgr-ended", "how",
	    how_ended(status, how, sizeof(how)), NULL);
	if (clean || g->stopping || is_hopeless(g, status, lived)) {
		finish(g, clean ? CMD_OK : CMD_FAILED);
		return;
	}
	if (lived >= RAN_WELL_MS || g->backoff == 0)
		g->backoff = BACKOFF_MIN_MS;
	log_event(LOG_LEVEL_WARN, "qmgr-restarts", "after-ms",
	    log_u64((unsigned long long)g->backoff), NULL);
	g->restart = loop_timer_set(g->loop, g->backoff, start, g);
	g->backoff *= 2;
	if (g->backoff > BACKOFF_MAX_MS)
		g->backoff = BACKOFF_MAX_MS;
}

static void
on_child(int signo, void *arg)
{
	struct guard *g = arg;
	int status;

	(void)signo;
	if (g->child > 0 && waitpid(g->child, &status, WNOHANG) == g->child)
		ended(g, status);
}

static void
on_stop(int signo, void *arg)
{
	struct guard *g = arg;

	(void)signo;
	g->stopping = true;
	if (g->child > 0) {
		kill(g->child, SIGTERM);
	} else {
		loop_timer_cancel(&g->restart);
		finish(g, CMD_OK);
	}
}

static void
on_hup(int signo, void *arg)
{
	struct guard *g = arg;

	if (g->child > 0)
		kill(g->child, signo);
}

static int
guard(struct guard *g)
{
	g->loop = loop_new();
	loop_signal(g->loop, SIGCHLD, on_child, g);
	loop_signal(g->loop, SIGTERM, on_stop, g);
	loop_signal(g->loop, SIGINT, on_stop, g);
	loop_signal(g->loop, SIGHUP, on_hup, g);
	start(g);
	loop_run(g->loop);
	loop_timer_cancel(&g->restart);
	loop_free(&g->loop);
	return g->exit_code;
}

static void
no_complaint(void *arg, const char *file, unsigned line, const char *text)
{
	(void)arg;
	(void)file;
	(void)line;
	(void)text;
}

/* Where qmgr keeps the configuration that is in force. What is wrong with the
 * file, qmgr says. */
static const char *
last_good(struct arena *a, const char *config)
{
	struct arena *tree = arena_new();
	struct err e = ERR_INIT;
	const struct conf_node *root =
	    conf_load(tree, config, paths_schema(tree), no_complaint, NULL, &e);
	const char *spool = root == NULL
	    ? NULL
	    : conf_str(conf_child(root, "spool"), "directory", NULL);
	const char *path = spool != NULL ? q_kept_path(a, spool) : NULL;

	arena_free(&tree);
	return path;
}

static int
run_main(const struct cmd *c, int argc, char **argv)
{
	const char *config = NULL;
	bool to_syslog = false;
	const struct cmd_option options[] = {
	    {"config", 'c', &config, NULL},
	    {"syslog", 0, NULL, &to_syslog},
	};
	struct arena *a;
	struct guard g = {0};
	char **rest;
	int n, code;

	if (!cmd_options(c, argc, argv, options, 2, &rest, &n, &code))
		return code;
	if (n > 0)
		return cmd_usage(c, "unexpected argument %s", rest[0]);
	a = arena_new();
	g.config = config != NULL ? config : paths_config(a);
	g.program = paths_libexec(a, "qmgr");
	if (access(g.program, X_OK) != 0) {
		code = cmd_failed(c, "%s: %s", g.program, strerror(errno));
	} else {
		log_init("isthmus", LOG_LEVEL_INFO, to_syslog);
		g.last = last_good(a, g.config);
		code = guard(&g);
	}
	arena_free(&a);
	return code;
}

const struct cmd cmd_run = {
    .name = "run",
    .summary = "run a switch in the foreground",
    .synopsis = "[-c FILE] [--syslog]",
    .help =
	"Starts qmgr, which starts every other process, and starts it again\n"
	"when it dies. SIGTERM and SIGINT end the switch in good order,\n"
	"SIGHUP is passed on to qmgr.\n\n"
	"  -c, --config FILE  the configuration, isthmus.xml(5)\n"
	"      --syslog       what this guard itself has to say goes to\n"
	"                     syslog; else to standard error\n",
    .main = run_main,
};
