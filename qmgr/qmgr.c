/*
 * NAME
 *	qmgr - the queue manager of Isthmus
 * SYNOPSIS
 *	qmgr -c FILE [-l LAST]
 * DESCRIPTION
 *	The parent of all other processes. Reads the configuration, opens the
 *	listening sockets, starts listeners and channels, decides which message
 *	goes to which channel next, and writes the journal. Reads no message:
 *	a loader process goes over the queue at a start, and whoever accepts a
 *	message later tells qmgr its summary.
 *
 *	SIGTERM and SIGINT: close the listening sockets, finish what is under way
 *	(at most stop-timeout), and end. SIGHUP: check the configuration again,
 *	and open the listening sockets that are new in it; if that can be done,
 *	finish what is under way and then begin anew with it, keeping the
 *	listening sockets open; if not, say so and go on with the old one. The
 *	spool's directory cannot be changed so.
 *
 *	With -l, which `isthmus run` gives when it starts another qmgr for one
 *	that died: if FILE cannot be used, go on with LAST, the configuration
 *	that was in force.
 * FILES
 *	SPOOL/segments, contents, journal, transfers, quarantine: docs/QUEUE.md
 *	SPOOL/run/lock: held by qmgr and all its children
 *	SPOOL/run/control: the socket that isthmus(1) talks to
 *	SPOOL/run/configuration: the one in force, for the next start after a
 *	crash (qmgr/kept.h)
 *	SPOOL/stopped: what the operator stopped
 * DIAGNOSTICS
 *	Exit code 0 after a clean stop, 2 when the configuration cannot be
 *	used, 1 for other trouble at the start.
 */
#include "lib/log.h"
#include "mhs/diag.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/paths.h"
#include "qmgr/files.h"
#include "qmgr/kept.h"
#include "qmgr/qmgr_own.h"
#include "qmgr/writer.h"

#define LOCK_TIME 30000 /* ms to wait for the children of one that died */
#define LOCK_STEP 50
#define TIMER_MAX 60000 /* ms */
#define JOURNAL_FILE (16u << 20)
#define SNAPSHOT_SIZE (64u << 20) /* journal octets that call for one */
#define INHERIT_LOCK "ISTHMUS_QMGR_LOCK"
#define INHERIT_CONFIG "ISTHMUS_QMGR_CONFIG"
#define KEEP_AGAIN 10000 /* ms */
#define EXIT_CONFIG 2

int64_t
qmgr_now(void *arg)
{
	struct qmgr *q = arg;

	return q_time_now(&q->time, clock_mono(), clock_wall_ms());
}

/* --- what the queue asks for --- */

static void
journal(void *arg, struct buf *entries, void (*done)(void *), void *done_arg)
{
	struct qmgr *q = arg;

	q_journal_append(q->journal, entries, done, done_arg);
}

static void
planned(void *arg)
{
	qmgr_kick(arg);
}

static void
segment_over(void *arg, uint64_t number)
{
	dispose_segment(arg, number);
}

static void
content_over(void *arg, uint64_t number)
{
	dispose_content(arg, number);
}

/* X.411 14.4: a report is never answered by a report. */
static void
dropped(void *arg, q_id report, const struct q_outcome *why)
{
	char id[Q_ID_TEXT];

	(void)arg;
	log_event(LOG_LEVEL_WARN, "report dropped", "id", q_id_text(report, id),
	    "reason", mhs_reason_name(why->reason), "diagnostic",
	    mhs_diagnostic_name(why->diagnostic), "text", why->text, NULL);
}

static void
rerouted(void *arg, const struct q_rerouted *x)
{
	static const char *const events[] = {
	    [Q_REROUTE_GIVEN_UP] = "peer-given-up",
	    [Q_REROUTE_MOVED] = "rerouted",
	    [Q_REROUTE_BACK] = "peer-back",
	};
	bool bad = x->news != Q_REROUTE_BACK,
	     count = x->news != Q_REROUTE_GIVEN_UP;

	(void)arg;
	log_event(bad ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, events[x->news],
	    "peer", x->peer, "to", x->to, "recipients",
	    count ? log_u64(x->count) : NULL, NULL);
}

static const struct q_queue_ops queue_ops = {
    .journal = journal,
    .segment_over = segment_over,
    .content_over = content_over,
    .now = qmgr_now,
    .dropped = dropped,
    .planned = planned,
    .rerouted = rerouted,
};

/* --- the turn of the wheel --- */

static void
snapshot(struct qmgr *q)
{
	struct buf entries = {0};
	struct err e = ERR_INIT;

	/* a segment that came back after a crash would be unknown to it */
	if (dispose_sync(q, &e) != 0) {
		log_err(LOG_LEVEL_ERROR, "no-snapshot", &e, NULL);
		return;
	}
	q_queue_snapshot(q->queue, &entries);
	q->snapshot_size = entries.len;
	q_journal_snapshot(q->journal, &entries);
}

static void
snapshot_if_due(struct qmgr *q)
{
	uint64_t limit = 2 * q->snapshot_size;

	if (!q->loaded || q_journal_snapshot_running(q->journal))
		return;
	if (q_journal_size(q->journal) >
	    (limit > SNAPSHOT_SIZE ? limit : SNAPSHOT_SIZE))
		snapshot(q);
}

static void
on_timer(void *arg)
{
	struct qmgr *q = arg;

	q->timer = NULL;
	qmgr_kick(q);
}

static void
set_timer(struct qmgr *q, int64_t at)
{
	int64_t now = qmgr_now(q), wait;

	if (q->timer != NULL && q->timer_at == at)
		return;
	if (q->timer != NULL)
		loop_timer_cancel(&q->timer);
	if (at == INT64_MAX)
		return;
	q->timer_at = at;
	/* the clock may be set meanwhile */
	wait = at - now < TIMER_MAX ? at - now : TIMER_MAX;
	q->timer = loop_timer_set(q->loop, wait > 0 ? wait : 0, on_timer, q);
}

static void
turn(void *arg)
{
	struct qmgr *q = arg;
	int64_t at, deadline;

	q->kicked = false;
	if (!q->stopping) {
		q_queue_tick(q->queue);
		channel_dispatch_all(q);
	}
	at = process_start_all(q);
	if (q->stopping)
		return;
	snapshot_if_due(q);
	deadline = q_queue_deadline(q->queue);
	set_timer(q, deadline < at ? deadline : at);
}

void
qmgr_kick(struct qmgr *q)
{
	if (q->kicked)
		return;
	q->kicked = true;
	loop_post(q->loop, turn, q);
}

void
qmgr_loaded(struct qmgr *q)
{
	q->loaded = true;
	log_event(LOG_LEVEL_INFO, "queue-loaded", "messages",
	    log_u64(q_queue_messages(q->queue)), NULL);
	snapshot(q);
}

void
qmgr_children_gone(struct qmgr *q)
{
	loop_stop(q->loop);
}

/* --- signals --- */

static void
on_complaint(void *arg, const char *file, unsigned line, const char *text)
{
	(void)arg;
	(void)file;
	(void)line;
	log_event(LOG_LEVEL_ERROR, "configuration", "fault", text, NULL);
}

static int
read_config(const char *path, struct arena *a, const struct conf_node **root,
    struct q_config *c, struct err *e)
{
	*root = conf_load(a, path, paths_schema(a), on_complaint, NULL, e);
	if (*root == NULL)
		return ERR_CONFIG;
	return q_config_read(*root, c, on_complaint, NULL, e);
}

static void
stop(struct qmgr *q, bool restart)
{
	if (!restart)
		sockets_close_listening(q);
	if (q->stopping) {
		q->restart &= restart;
		return;
	}
	log_event(LOG_LEVEL_INFO, restart ? "restarting" : "stopping", NULL);
	q->stopping = true;
	q->restart = restart;
	process_stop_all(q);
}

static void
on_term(int signo, void *arg)
{
	(void)signo;
	stop(arg, false);
}

/* What is queued stays where it is: another spool is another switch. */
static int
same_spool(const struct qmgr *q, const struct q_config *next, struct err *e)
{
	const char *ours = q->config.spool.directory;
	const char *other = next->spool.directory;
	struct stat a, b;

	if (strcmp(ours, other) == 0 ||
	    (stat(ours, &a) == 0 && stat(other, &b) == 0 &&
		a.st_dev == b.st_dev && a.st_ino == b.st_ino))
		return 0;
	return err_set(e, "qmgr", ERR_CONFIG,
	    "<spool> directory: %s in place of %s needs a stop and a start",
	    other, ours);
}

/* Whatever can fail of a new configuration is done while the old one is still
 * in force. */
static void
on_hup(int signo, void *arg)
{
	struct qmgr *q = arg;
	struct arena *a;
	const struct conf_node *root;
	struct q_config c = {0};
	struct err e = ERR_INIT;
	int rc;

	(void)signo;
	if (q->stopping && !q->restart)
		return;
	a = arena_new();
	rc = read_config(q->config_path, a, &root, &c, &e);
	if (rc == 0)
		rc = same_spool(q, &c, &e);
	if (rc == 0)
		rc = sockets_prepare(q, &c, &e);
	q_config_free(&c);
	if (rc != 0) {
		log_err(LOG_LEVEL_ERROR, "configuration-refused", &e,
		    "goes-on-with", "the old one", NULL);
		arena_free(&a);
		return;
	}
	arena_free(&q->next_arena);
	q->next_arena = a;
	q->next_root = root;
	stop(q, true);
}

/* --- start and end --- */

/* Children share the lock, so that it is free only when the last one is gone
 * that might still append to a segment. */
static int
take_lock(struct qmgr *q, struct err *e)
{
	const char *inherited = getenv(INHERIT_LOCK);
	msec_t end = clock_mono() + LOCK_TIME;
	char path[4096];
	bool said = false;

	if (inherited != NULL) {
		q->lock = atoi(inherited);
		unsetenv(INHERIT_LOCK);
		return 0;
	}
	snprintf(path, sizeof(path), "%s/run/lock", q->config.spool.directory);
	q->lock = open(path, O_RDWR | O_CREAT, 0600);
	if (q->lock < 0)
		return err_sys(e, "qmgr", "%s", path);
	while (flock(q->lock, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_sys(e, "qmgr", "lock %s", path);
		if (clock_mono() >= end)
			return err_set(e, "qmgr", ERR_TEMPORARY,
			    "%s is locked: another qmgr runs", path);
		if (!said)
			log_event(LOG_LEVEL_WARN, "waiting-for-lock", "path",
			    path, NULL);
		said = true;
		usleep(LOCK_STEP * 1000);
	}
	return 0;
}

static int
highest(const char *spool, const char *directory, const char *suffix,
    uint64_t *number, struct err *e)
{
	char path[4096];
	uint64_t *v;
	size_t n;
	int rc;

	snprintf(path, sizeof(path), "%s/%s", spool, directory);
	rc = q_files_list(path, suffix, &v, &n, e);
	if (rc == 0 && n > 0 && v[n - 1] >= *number)
		*number = v[n - 1] + 1;
	free(v);
	return rc;
}

/* All that is there has lower numbers than what will be written from now. */
static int
choose_number(struct qmgr *q, struct err *e)
{
	const char *spool = q->config.spool.directory;
	uint64_t zero = 0;
	int rc;

	q->first_number = q_number_take(&zero);
	rc = highest(spool, "segments", ".seg", &q->first_number, e);
	if (rc == 0)
		rc = highest(spool, "journal", ".jnl", &q->first_number, e);
	if (rc == 0)
		rc = highest(spool, "contents", "", &q->first_number, e);
	q->next_instance = q->first_number << 20 | 1;
	return rc;
}

static int
open_files(struct qmgr *q, struct err *e)
{
	struct q_journal_params p = {
	    .directory = q->config.spool.directory,
	    .ahead = true,
	    .file_size = JOURNAL_FILE,
	};
	char control[4096];
	int rc = q_spool_create(q->config.spool.directory, e);

	if (rc == 0)
		rc = take_lock(q, e);
	if (rc == 0)
		rc = choose_number(q, e);
	if (rc != 0)
		return rc;
	p.first_number = q->first_number;
	p.instance = q->next_instance++;
	q->journal = q_journal_open(&p, q->loop, e);
	if (q->journal == NULL)
		return ERR_SYSTEM;
	q->queue = q_queue_new(&q->config, &queue_ops, q);
	snprintf(control, sizeof(control), "%s/run/control",
	    q->config.spool.directory);
	q->control = q_control_open(q, control, e);
	if (q->control == NULL)
		return e->code;
	return sockets_open(q, e);
}

static void
close_all(struct qmgr *q)
{
	q_control_close(&q->control);
	q_journal_close(&q->journal);
	if (q->timer != NULL)
		loop_timer_cancel(&q->timer);
	if (q->stop_timer != NULL)
		loop_timer_cancel(&q->stop_timer);
	if (q->keep_timer != NULL)
		loop_timer_cancel(&q->keep_timer);
	process_free(q);
	q_queue_free(&q->queue);
	loop_free(&q->loop);
}

/* What was checked is what is put in force, whatever happened to the file
 * meanwhile. */
static void
bequeath_config(struct qmgr *q)
{
	struct err e = ERR_INIT;
	char text[16];
	int fd = q_kept_bequeath(q->next_root, &e);

	if (fd < 0) {
		log_err(LOG_LEVEL_WARN, "configuration-read-again", &e, NULL);
		return;
	}
	snprintf(text, sizeof(text), "%d", fd);
	setenv(INHERIT_CONFIG, text, 1);
}

/* By its path, as our children are, so that all are of one version; by what
 * runs now when it has none any more. */
static void
begin_anew(struct qmgr *q, char **argv)
{
	char lock[16];

	sockets_bequeath(q);
	bequeath_config(q);
	snprintf(lock, sizeof(lock), "%d", q->lock);
	setenv(INHERIT_LOCK, lock, 1);
	execv(paths_libexec(q->next_arena, "qmgr"), argv);
	execv("/proc/self/exe", argv);
	log_event(LOG_LEVEL_ERROR, "cannot-begin-anew", "reason",
	    strerror(errno), NULL);
}

/* For a crash at a time when the file is a bad one. */
static void
keep_config(void *arg)
{
	struct qmgr *q = arg;
	struct err e = ERR_INIT;
	struct arena *a = arena_new();
	int rc = q_kept_write(
	    q_kept_path(a, q->config.spool.directory), q->root, &e);

	arena_free(&a);
	q->keep_timer = NULL;
	if (rc != 0 && !q->keep_failed)
		log_err(LOG_LEVEL_ERROR, "configuration-not-kept", &e, NULL);
	else if (rc == 0 && q->keep_failed)
		log_event(LOG_LEVEL_INFO, "configuration-kept", NULL);
	q->keep_failed = rc != 0;
	if (rc != 0)
		q->keep_timer =
		    loop_timer_set(q->loop, KEEP_AGAIN, keep_config, q);
}

static int
run(struct qmgr *q)
{
	struct err e = ERR_INIT;
	int rc = open_files(q, &e);

	if (rc != 0) {
		log_err(LOG_LEVEL_ERROR, "cannot-start", &e, NULL);
		close_all(q);
		return 1;
	}
	keep_config(q);
	process_setup(q);
	loop_signal(q->loop, SIGTERM, on_term, q);
	loop_signal(q->loop, SIGINT, on_term, q);
	loop_signal(q->loop, SIGHUP, on_hup, q);
	log_event(LOG_LEVEL_INFO, "running", "mta", q->config.mta_name, "spool",
	    q->config.spool.directory, NULL);
	qmgr_kick(q);
	loop_run(q->loop);
	close_all(q);
	log_event(LOG_LEVEL_INFO, "stopped", NULL);
	return 0;
}

static bool
options(struct qmgr *q, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "c:l:")) != -1) {
		if (c == 'c')
			q->config_path = optarg;
		else if (c == 'l')
			q->last_path = optarg;
		else
			return false;
	}
	return optind == argc && q->config_path != NULL;
}

static int
take_config(struct qmgr *q, struct conf_node *root, struct err *e)
{
	q->root = root;
	if (root == NULL)
		return ERR_CONFIG;
	return q_config_read(root, &q->config, on_complaint, NULL, e);
}

static int
inherited_config(struct qmgr *q, const char *fd, struct err *e)
{
	unsetenv(INHERIT_CONFIG);
	return take_config(q, q_kept_inherit(q->arena, atoi(fd), e), e);
}

static int
last_config(struct qmgr *q, struct err *e)
{
	struct err why = ERR_INIT;

	if (take_config(q, q_kept_read(q->arena, q->last_path, &why), &why) !=
	    0) {
		log_err(
		    LOG_LEVEL_ERROR, "no-last-good-configuration", &why, NULL);
		return ERR_CONFIG; /* e says what is wrong with the file */
	}
	log_err(LOG_LEVEL_ERROR, "configuration-refused", e, "file",
	    q->config_path, "goes-on-with", q->last_path, NULL);
	return 0;
}

static int
choose_config(struct qmgr *q, struct err *e)
{
	const char *fd = getenv(INHERIT_CONFIG);

	if (fd != NULL && inherited_config(q, fd, e) == 0)
		return 0;
	q_config_free(&q->config);
	q->config = (struct q_config){0};
	if (read_config(q->config_path, q->arena, &q->root, &q->config, e) == 0)
		return 0;
	if (q->last_path == NULL)
		return ERR_CONFIG;
	q_config_free(&q->config);
	q->config = (struct q_config){0};
	return last_config(q, e);
}

int
main(int argc, char **argv)
{
	struct qmgr q = {.lock = -1};
	struct err e = ERR_INIT;
	int code;

	log_init("qmgr", LOG_LEVEL_INFO, false);
	prctl(PR_SET_NAME, "qmgr"); /* however it was executed */
	if (!options(&q, argc, argv)) {
		fprintf(stderr, "usage: qmgr -c FILE [-l LAST]\n");
		return EXIT_CONFIG;
	}
	q.arena = arena_new();
	if (choose_config(&q, &e) != 0) {
		log_err(LOG_LEVEL_ERROR, "configuration-refused", &e, NULL);
		q_config_free(&q.config);
		arena_free(&q.arena);
		return EXIT_CONFIG;
	}
	log_init(
	    "qmgr", (enum log_level)q.config.log_level, q.config.log_syslog);
	q.time = (struct q_time){clock_mono(), clock_wall_ms()};
	sockets_inherit(&q);
	q.loop = loop_new();
	code = run(&q);
	if (q.restart)
		begin_anew(&q, argv);
	sockets_free(&q);
	q_config_free(&q.config);
	arena_free(&q.next_arena);
	arena_free(&q.arena);
	return q.restart ? 1 : code;
}
