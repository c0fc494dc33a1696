/*
 * Starting children, watching them, starting them again when they die, and
 * ending them.
 */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/log.h"
#include "lib/paths.h"
#include "qmgr/qmgr_own.h"

#define RAN_WELL 10000     /* ms: then a death is a new trouble */
#define BACK_OFF_MAX 60000 /* ms */
/* until it is looked again whether something can move */
#define COMPACTION_PAUSE 10000
#define IDLE_TIME 300000 /* ms without work; then a channel's process ends */
#define EXIT_CONFIG 2

extern char **environ;

static struct program *
program_new(struct qmgr *q, const char *name, const char *file)
{
	struct program *p = xcalloc(1, sizeof(*p)), **at = &q->programs;

	p->name = name;
	p->file = file;
	while (*at != NULL)
		at = &(*at)->next;
	*at = p;
	return p;
}

static void
scan_add(struct qmgr *q, uint64_t instance)
{
	struct scan *s = xcalloc(1, sizeof(*s));

	s->instance = instance;
	s->next = q->scans;
	q->scans = s;
	q_queue_keep_segments(q->queue, true);
}

/* --- one start --- */

static int
spawn(const char *path, const char *name, int fd, pid_t *pid)
{
	char *const argv[] = {(char *)(uintptr_t)name, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int rc;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, Q_CHAN_FD);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(
	    &attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	rc = posix_spawn(pid, path, &actions, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

static void
back_off(struct program *p, int64_t now, bool hopeless)
{
	int64_t ms = BACK_OFF_MAX;

	p->failures++;
	if (!hopeless && p->failures < 7)
		ms = 1000 << (p->failures - 1);
	p->not_before = now + (ms < BACK_OFF_MAX ? ms : BACK_OFF_MAX);
}

static void
start(struct qmgr *q, struct program *p, uint64_t scan_instance)
{
	struct arena *a = arena_new();
	int64_t now = qmgr_now(q);
	struct child *c;
	pid_t pid;
	int fds[2], rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
		log_event(LOG_LEVEL_ERROR, "cannot-start", "program", p->file,
		    "reason", strerror(errno), NULL);
		back_off(p, now, false);
		arena_free(&a);
		return;
	}
	rc = spawn(paths_libexec(a, p->file), p->name, fds[1], &pid);
	close(fds[1]);
	arena_free(&a);
	if (rc != 0) {
		log_event(LOG_LEVEL_ERROR, "cannot-start", "program", p->file,
		    "reason", strerror(rc), NULL);
		close(fds[0]);
		back_off(p, now, true);
		return;
	}
	c = xcalloc(1, sizeof(*c));
	c->q = q;
	c->program = p;
	c->pid = pid;
	c->instance = q->next_instance++;
	c->scan_instance = scan_instance;
	c->started = c->idle_since = now;
	c->next = q->children;
	q->children = c;
	p->running++;
	if (p->sched != NULL)
		sched_started(p->sched, now);
	channel_open(c, fds[0]);
	log_event(LOG_LEVEL_INFO, "started", "program", p->name, "pid",
	    log_u64((unsigned long long)pid), NULL);
}

/* --- one end --- */

static const char *
how_ended(int status, char *out, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(out, size, "signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else
		snprintf(out, size, "exit code %d", WEXITSTATUS(status));
	return out;
}

static void
scan_over(struct qmgr *q, struct child *c)
{
	struct scan **at = &q->scans, *s;

	while (*at != NULL && (*at)->instance != c->scan_instance)
		at = &(*at)->next;
	s = *at;
	INVARIANT(s != NULL);
	s->running = false;
	if (!c->loaded)
		return;
	*at = s->next;
	free(s);
	q_queue_scanned(q->queue, c->scan_instance);
	q_queue_keep_segments(q->queue, false);
	if (c->scan_instance == 0)
		qmgr_loaded(q);
}

static bool
is_clean(const struct child *c)
{
	return WIFEXITED(c->status) && WEXITSTATUS(c->status) == 0;
}

static void
log_end(const struct child *c, bool clean)
{
	char how[80];

	clean |= c->dropped;
	log_event(clean ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, "ended", "program",
	    c->program->name, "pid", log_u64((unsigned long long)c->pid), "how",
	    how_ended(c->status, how, sizeof(how)), NULL);
}

/* Both its last words are read and its exit code is known. */
static void
child_over(struct qmgr *q, struct child *c)
{
	struct program *p = c->program;
	int64_t now = qmgr_now(q);
	bool clean = is_clean(c), loader = strcmp(p->name, "loader") == 0;
	struct child **at = &q->children;

	log_end(c, clean);
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	p->running--;
	/* before its works are given to another */
	c->scanned = !loader && !clean && !q->stopping;
	if (c->scanned)
		scan_add(q, c->instance);
	channel_close(c);
	if (p->sched != NULL)
		sched_stopped(p->sched, now);
	if (clean)
		p->failures = 0;
	else if (!q->stopping) {
		if (now - c->started >= RAN_WELL)
			p->failures = 0;
		back_off(p, now,
		    WIFEXITED(c->status) &&
			WEXITSTATUS(c->status) == EXIT_CONFIG);
	}
	if (loader)
		scan_over(q, c);
	if (strcmp(p->name, "compactor") == 0)
		compaction_over(q, clean);
	free(c);
}

static void
look_at_children(struct qmgr *q)
{
	struct child *c, *next;
	bool died = q->child_died;

	q->child_died = false;
	for (c = q->children; c != NULL; c = next) {
		next = c->next;
		if (!c->reaped && (died || c->pipe_over) &&
		    waitpid(c->pid, &c->status, WNOHANG) == c->pid)
			c->reaped = true;
		if (c->reaped && c->pipe_over)
			child_over(q, c);
	}
	if (q->stopping && q->children == NULL)
		qmgr_children_gone(q);
}

static void
on_child(int signo, void *arg)
{
	struct qmgr *q = arg;

	(void)signo;
	q->child_died = true;
	qmgr_kick(q);
}

void
process_kill(struct child *c)
{
	if (!c->reaped)
		kill(c->pid, SIGKILL);
}

/* --- which ones --- */

void
process_setup(struct qmgr *q)
{
	const struct q_config *c = &q->config;

	program_new(q, "loader", "loader");
	program_new(q, "compactor", "compactor");
	for (size_t i = 0; i < c->n_channels; i++) {
		struct program *p = program_new(
		    q, c->channels[i]->name, c->channels[i]->program);

		p->channel = c->channels[i];
		p->sched = q_queue_chan(q->queue, p->name);
		p->least = c->channels[i]->service;
	}
	for (size_t i = 0; i < c->n_listeners; i++) {
		struct program *p = program_new(
		    q, c->listeners[i]->name, c->listeners[i]->name);

		p->listener = c->listeners[i];
		p->least = 1;
	}
	scan_add(q, 0);
	loop_signal(q->loop, SIGCHLD, on_child, q);
}

static int64_t
start_scans(struct qmgr *q, struct program *p, int64_t now)
{
	int64_t at = INT64_MAX;
	struct scan *s;

	for (s = q->scans; s != NULL; s = s->next) {
		if (s->running)
			continue;
		if (p->not_before > now) {
			at = p->not_before;
			continue;
		}
		s->running = true;
		start(q, p, s->instance);
		/* a loader that could not be started */
		s->running = p->not_before <= now;
	}
	return at;
}

static int64_t
start_compactor(struct qmgr *q, struct program *p, int64_t now)
{
	if (p->running > 0 || q->scans != NULL || !compaction_due(q))
		return INT64_MAX;
	if (p->not_before > now)
		return p->not_before;
	if (!compaction_begin(q)) {
		p->not_before = now + COMPACTION_PAUSE;
		return p->not_before;
	}
	start(q, p, 0);
	if (p->running == 0)
		compaction_over(q, false);
	return INT64_MAX;
}

static int64_t
start_program(struct qmgr *q, struct program *p, int64_t now)
{
	int64_t at = INT64_MAX;

	if (strcmp(p->name, "loader") == 0)
		return start_scans(q, p, now);
	if (strcmp(p->name, "compactor") == 0)
		return start_compactor(q, p, now);
	if (p->running < p->least) {
		if (p->not_before > now)
			return p->not_before;
		start(q, p, 0);
	} else if (p->sched != NULL && sched_may_start(p->sched, now, &at)) {
		if (p->not_before > now)
			return p->not_before;
		start(q, p, 0);
	}
	return at;
}

/* Processes that were not told to end. */
static unsigned
staying(const struct qmgr *q, const struct program *p)
{
	unsigned n = 0;

	for (const struct child *c = q->children; c != NULL; c = c->next)
		n += c->program == p && !c->stopping;
	return n;
}

static bool
may_end(const struct child *c)
{
	const struct program *p = c->program;

	return p->channel != NULL && !c->stopping &&
	    staying(c->q, p) > p->least;
}

/* Are there more than the self test wants, without those that end already? */
static bool
is_surplus(const struct program *p, const struct qmgr *q)
{
	return staying(q, p) > sched_chan_processes(p->sched);
}

/* A process that had nothing to do for long ends; one too many when it has
 * finished what it has. */
static int64_t
stop_idle(struct child *c, int64_t now)
{
	int64_t at = c->idle_since + IDLE_TIME;

	if (!may_end(c))
		return INT64_MAX;
	if (!is_surplus(c->program, c->q)) {
		if (c->works.n > 0)
			return INT64_MAX;
		if (now < at)
			return at;
	}
	channel_stop(c);
	return INT64_MAX;
}

/* Where qmgr_maxchans is all there may be: a channel with less urgent work, or
 * none, gives a process up. One at a time; idle ones first. */
static void
balance(struct qmgr *q)
{
	struct child *c, *victim = NULL;

	for (c = q->children; c != NULL; c = c->next) {
		bool idle = c->works.n == 0;

		if (c->stopping && c->program->channel != NULL)
			return;
		if (!may_end(c) || c->program->sched == NULL ||
		    !sched_should_yield(c->program->sched, idle))
			continue;
		if (victim == NULL || (idle && victim->works.n > 0) ||
		    (idle && c->idle_since < victim->idle_since))
			victim = c;
	}
	if (victim == NULL)
		return;
	log_event(LOG_LEVEL_INFO, "yields", "program", victim->program->name,
	    "pid", log_u64((unsigned long long)victim->pid), NULL);
	channel_stop(victim);
}

static bool
works_on_files(const struct child *c)
{
	return strcmp(c->program->name, "loader") == 0 ||
	    strcmp(c->program->name, "compactor") == 0;
}

/* Every process answers a ping, whatever it is doing; loader and compactor go
 * over files instead. It is asked twice, so that a time in which we ourselves stood still
 * is not held against it. Returns when to look again. */
static int64_t
watch(struct child *c, int64_t now)
{
	int64_t half = c->q->config.hang_timeout / 2;

	if (half == 0 || c->pipe_over || c->reaped || works_on_files(c))
		return INT64_MAX;
	if (now < c->ping_at)
		return c->ping_at;
	if (c->pings < 2) {
		c->ping_at = now + half;
		channel_ping(c);
		return c->ping_at;
	}
	log_event(LOG_LEVEL_ERROR, "killed", "program", c->program->name, "pid",
	    log_u64((unsigned long long)c->pid), "reason", "does not answer",
	    NULL);
	process_kill(c);
	return INT64_MAX;
}

int64_t
process_start_all(struct qmgr *q)
{
	int64_t first = INT64_MAX, at, now = qmgr_now(q);
	struct program *p;
	struct child *c;

	look_at_children(q);
	if (q->stopping)
		return INT64_MAX;
	for (p = q->programs; p != NULL; p = p->next) {
		at = start_program(q, p, now);
		first = at < first ? at : first;
	}
	for (c = q->children; c != NULL; c = c->next) {
		at = stop_idle(c, now);
		first = at < first ? at : first;
		at = watch(c, now);
		first = at < first ? at : first;
	}
	balance(q);
	return first;
}

static void
kill_rest(void *arg)
{
	struct qmgr *q = arg;
	struct child *c;

	q->stop_timer = NULL;
	for (c = q->children; c != NULL; c = c->next) {
		log_event(LOG_LEVEL_WARN, "killed", "program", c->program->name,
		    "reason", "did not finish in time", NULL);
		process_kill(c);
	}
}

void
process_stop_all(struct qmgr *q)
{
	struct child *c;

	for (c = q->children; c != NULL; c = c->next) {
		/* whatever they have done is as good as if they had crashed,
		 * and they would not hear us before their end */
		if (works_on_files(c)) {
			c->dropped = true;
			process_kill(c);
		} else {
			channel_stop(c);
		}
	}
	q->stop_timer =
	    loop_timer_set(q->loop, q->config.stop_timeout, kill_rest, q);
	look_at_children(q);
}

void
process_free(struct qmgr *q)
{
	struct program *p;
	struct scan *s;

	while ((p = q->programs) != NULL) {
		q->programs = p->next;
		free(p);
	}
	while ((s = q->scans) != NULL) {
		q->scans = s->next;
		free(s);
	}
}
