/*
 * NAME
 *	qmgr - the queue manager of Isthmus
 * SYNOPSIS
 *	qmgr -c FILE
 * DESCRIPTION
 *	The parent of all other processes. Reads the configuration, opens the
 *	listening sockets, starts listeners and channels, decides which message
 *	goes to which channel next, and writes the journal. Reads no message:
 *	a loader process goes over the queue at a start, and whoever accepts a
 *	message later tells qmgr its summary.
 *
 *	SIGTERM and SIGINT: finish what is under way (at most stop-timeout), and
 *	end. SIGHUP: check the configuration again; if it is good, do the same
 *	and then begin anew with it, keeping the listening sockets open; if it is
 *	bad, say so and go on with the old one.
 * FILES
 *	SPOOL/segments, contents, journal, transfers, quarantine: docs/QUEUE.md
 *	SPOOL/run/lock: held by qmgr and all its children
 *	SPOOL/run/control: the socket that isthmus(1) talks to
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
#include <unistd.h>

#include "lib/paths.h"
#include "qmgr/files.h"
#include "qmgr/qmgr_own.h"
#include "qmgr/writer.h"

#define LOCK_TIME 30000 /* ms to wait for the children of one that died */
#define LOCK_STEP 50
#define TIMER_MAX 60000 /* ms */
#define JOURNAL_FILE (16u << 20)
#define SNAPSHOT_SIZE (64u << 20) /* journal octets that call for one */
#define INHERIT_LOCK "ISTHMUS_QMGR_LOCK"
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
	(void)arg;
	log_event(x->back ? LOG_LEVEL_INFO : LOG_LEVEL_WARN,
	    x->back ? "peer-back" : "rerouted", "peer", x->peer, "to", x->to,
	    "recipients", log_u64(x->count), NULL);
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

static void
on_hup(int signo, void *arg)
{
	struct qmgr *q = arg;
	struct arena *a = arena_new();
	const struct conf_node *root;
	struct q_config c = {0};
	struct err e = ERR_INIT;
	bool good = read_config(q->config_path, a, &root, &c, &e) == 0;

	(void)signo;
	if (!good)
		log_err(LOG_LEVEL_ERROR, "configuration-refused", &e, NULL);
	q_config_free(&c);
	arena_free(&a);
	if (good)
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
	process_free(q);
	q_queue_free(&q->queue);
	loop_free(&q->loop);
}

static void
begin_anew(struct qmgr *q, char **argv)
{
	char lock[16];

	sockets_bequeath(q);
	snprintf(lock, sizeof(lock), "%d", q->lock);
	setenv(INHERIT_LOCK, lock, 1);
	execv("/proc/self/exe", argv);
	log_event(LOG_LEVEL_ERROR, "cannot-begin-anew", "reason",
	    strerror(errno), NULL);
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

static const char *
config_option(int argc, char **argv)
{
	const char *path = NULL;
	int c;

	while ((c = getopt(argc, argv, "c:")) != -1) {
		if (c != 'c')
			return NULL;
		path = optarg;
	}
	return optind == argc ? path : NULL;
}

int
main(int argc, char **argv)
{
	struct qmgr q = {.config_path = config_option(argc, argv), .lock = -1};
	struct err e = ERR_INIT;
	int code;

	log_init("qmgr", LOG_LEVEL_INFO, false);
	if (q.config_path == NULL) {
		fprintf(stderr, "usage: qmgr -c FILE\n");
		return EXIT_CONFIG;
	}
	q.arena = arena_new();
	if (read_config(q.config_path, q.arena, &q.root, &q.config, &e) != 0) {
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
	arena_free(&q.arena);
	return q.restart ? 1 : code;
}
