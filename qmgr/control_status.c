/*
 * The state of the switch: all but the messages, of which only counts.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "qmgr/control_own.h"
#include "qmgr/writer.h"

#define AT_ONCE 100 /* messages, or peers, between two looks at the clock */

/* --- errors of peers --- */

/* The last one of a peer, however long ago. */
struct note {
	struct table_node node;
	char text[ERR_TEXT_MAX];
};

void
q_control_peer_error(struct q_control *c, const struct sched_peer *peer,
    const struct q_outcomes *o)
{
	uint64_t key = (uint64_t)(uintptr_t)peer;
	const char *text = NULL;
	struct note *x;
	struct err e;

	if (peer == NULL || o->n == 0)
		return;
	text = o->v[0].text != NULL ? o->v[0].text : o->v[0].status;
	x = table_get(&c->notes, key);
	if (x == NULL) {
		x = xcalloc(1, sizeof(*x));
		table_put(&c->notes, &x->node, key, x);
	}
	/* cut off where it is too long */
	err_set(&e, "control", 0, "%s", text != NULL ? text : "");
	memcpy(x->text, e.text, sizeof(x->text));
}

static void
free_note(void *arg, void *owner)
{
	struct q_control *c = arg;
	struct note *x = owner;

	table_remove(&c->notes, &x->node);
	free(x);
}

void
control_notes_free(struct q_control *c)
{
	table_each(&c->notes, free_note, c);
	table_free(&c->notes);
}

/* --- counts by level, by channel, and by state --- */

struct channel_counts {
	const char *name; /* the scheduler's */
	uint64_t v[Q_VIEW_STATES];
};

struct counts {
	uint64_t v[Q_LEVELS][Q_VIEW_STATES], all[Q_VIEW_STATES];
	struct channel_counts *channels;
	size_t n;
};

static struct channel_counts *
counts_of(struct counts *n, const char *channel)
{
	for (size_t i = 0; i < n->n; i++)
		if (n->channels[i].name == channel)
			return &n->channels[i];
	return NULL;
}

static struct counts *
counts_new(struct client *c)
{
	const struct qmgr *q = c->control->q;
	struct counts *n = ARENA_NEW(c->arena, struct counts);
	struct channel_counts *x;

	for (const struct program *p = q->programs; p != NULL; p = p->next) {
		if (p->sched == NULL)
			continue;
		x = arena_push(c->arena, &n->channels, &n->n, sizeof(*x));
		*x = (struct channel_counts){.name = sched_chan_name(p->sched)};
	}
	return n;
}

static void
count(void *arg, const struct q_mlist_view *v)
{
	struct counts *n = arg;
	struct channel_counts *x = counts_of(n, v->channel);

	n->v[v->level][v->view]++;
	n->all[v->view]++;
	if (x != NULL)
		x->v[v->view]++;
}

static void
put_views(struct client *c, const uint64_t v[Q_VIEW_STATES])
{
	for (int i = 0; i < Q_VIEW_STATES; i++)
		q_row_int(&c->out, q_view_state_name((enum q_view_state)i),
		    (int64_t)v[i]);
}

/* --- the switch, and its spool --- */

static void
put_switch(struct client *c)
{
	const struct qmgr *q = c->control->q;
	const struct counts *n = c->state;

	q_row_begin(&c->out, "switch");
	q_row_text(&c->out, "mta", q->config.mta_name);
	q_row_text(&c->out, "version", ISTHMUS_VERSION);
	q_row_int(&c->out, "pid", getpid());
	q_row_int(&c->out, "started", c->control->started);
	q_row_bool(&c->out, "loading", !q->loaded);
	q_row_bool(&c->out, "stopping", q->stopping);
	q_row_int(&c->out, "messages", (int64_t)q_queue_messages(q->queue));
	put_views(c, n->all);
	q_row_end(&c->out);
}

static const char *
health_name(enum q_health_state s)
{
	static const char *const names[] = {
	    [Q_HEALTH_OK] = "ok",
	    [Q_HEALTH_FULL] = "full",
	    [Q_HEALTH_READONLY] = "readonly",
	    [Q_HEALTH_ERROR] = "error",
	};

	return names[s];
}

#define QUARANTINED_MAX 10000 /* more are not counted */

/* Damaged records that somebody should look at. */
static int64_t
quarantined(const char *spool)
{
	char path[4096];
	struct dirent *x;
	int64_t n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "%s/quarantine", spool);
	d = opendir(path);
	while (d != NULL && n < QUARANTINED_MAX && (x = readdir(d)) != NULL) {
		size_t length = strlen(x->d_name);

		/* beside each is its reason, in a .txt */
		n += x->d_name[0] != '.' &&
		    (length < 4 || strcmp(x->d_name + length - 4, ".txt") != 0);
	}
	if (d != NULL)
		closedir(d);
	return n;
}

/* qmgr writes no message; what it sees of the file system is what those see
 * who do. */
static void
put_spool(struct client *c)
{
	const struct qmgr *q = c->control->q;
	const struct q_spool_params *p = &q->config.spool;
	struct q_queue_use use = q_queue_use(q->queue);
	struct err e = ERR_INIT;
	struct statvfs fs;

	q_row_begin(&c->out, "spool");
	q_row_text(&c->out, "directory", p->directory);
	if (q_health_room(&c->control->health, p->directory, p->low_water,
		p->io != NULL ? p->io : &q_io_system, &e) != 0)
		q_row_text(&c->out, "reason", e.text);
	q_row_text(&c->out, "state", health_name(c->control->health.state));
	if (statvfs(p->directory, &fs) == 0)
		q_row_int(&c->out, "free_octets",
		    (int64_t)((uint64_t)fs.f_bavail * fs.f_frsize));
	q_row_int(&c->out, "low_water", (int64_t)p->low_water);
	q_row_int(&c->out, "segments", (int64_t)q_queue_segments(q->queue));
	q_row_int(&c->out, "file_octets", (int64_t)use.files);
	q_row_int(&c->out, "live_octets", (int64_t)use.live);
	q_row_int(&c->out, "quarantined", quarantined(p->directory));
	q_row_int(
	    &c->out, "journal_octets", (int64_t)q_journal_size(q->journal));
	q_row_end(&c->out);
}

/* --- programs and processes --- */

static void
put_program(struct client *c, const struct program *p, int64_t now)
{
	q_row_begin(&c->out, "program");
	q_row_text(&c->out, "name", p->name);
	q_row_text(&c->out, "kind",
	    p->channel != NULL        ? "channel"
		: p->listener != NULL ? "listener"
				      : "housekeeping");
	q_row_int(&c->out, "processes", p->running);
	if (p->sched != NULL) {
		const struct channel_counts *n =
		    counts_of(c->state, sched_chan_name(p->sched));

		q_row_int(&c->out, "processes_allowed",
		    sched_chan_processes(p->sched));
		if (n != NULL)
			put_views(c, n->v);
		q_row_bool(
		    &c->out, "channel_stopped", sched_chan_stopped(p->sched));
	}
	q_row_int(&c->out, "failures", p->failures);
	if (p->not_before > now)
		q_row_int(&c->out, "not_before", p->not_before / 1000);
	q_row_end(&c->out);
}

static void
put_process(struct client *c, const struct child *x, int64_t now)
{
	q_row_begin(&c->out, "process");
	q_row_text(&c->out, "program", x->program->name);
	q_row_int(&c->out, "pid", x->pid);
	q_row_int(&c->out, "age", (now - x->started) / 1000);
	q_row_int(&c->out, "works", (int64_t)x->works.n);
	q_row_int(&c->out, "capacity", x->capacity);
	q_row_bool(&c->out, "stopping", x->stopping);
	q_row_bool(&c->out, "silent", x->pings > 1);
	q_row_end(&c->out);
}

static void
put_connections(struct client *c, const struct child *x)
{
	for (const struct child_peer *p = x->peers; p != NULL; p = p->next) {
		q_row_begin(&c->out, "connections");
		q_row_text(&c->out, "program", x->program->name);
		q_row_int(&c->out, "pid", x->pid);
		q_row_text(&c->out, "peer", p->name);
		q_row_int(&c->out, "in", p->in);
		q_row_int(&c->out, "out", p->out);
		q_row_end(&c->out);
	}
}

static bool
stage_spool(struct client *c)
{
	put_spool(c);
	return true;
}

/* Goes over the queue, which takes some slices where it is long. */
static bool
stage_counts(struct client *c)
{
	if (c->cursor == NULL) {
		c->cursor = q_cursor_new(c->control->q->queue);
		c->state = counts_new(c);
	}
	return !q_cursor_next(c->cursor, AT_ONCE, count, c->state);
}

static bool
stage_levels(struct client *c)
{
	const struct counts *n = c->state;

	for (int i = Q_LEVELS - 1; i >= 0; i--) {
		q_row_begin(&c->out, "level");
		q_row_text(&c->out, "level", q_level_name((enum q_level)i));
		put_views(c, n->v[i]);
		q_row_end(&c->out);
	}
	return true;
}

static bool
stage_processes(struct client *c)
{
	struct qmgr *q = c->control->q;
	int64_t now = qmgr_now(q);

	put_switch(c);
	for (const struct program *p = q->programs; p != NULL; p = p->next)
		put_program(c, p, now);
	for (const struct child *x = q->children; x != NULL; x = x->next)
		put_process(c, x, now);
	for (const struct child *x = q->children; x != NULL; x = x->next)
		put_connections(c, x);
	return true;
}

/* --- peers --- */

static bool
stage_peers(struct client *c)
{
	const struct qmgr *q = c->control->q;

	for (size_t n = 0; n < AT_ONCE && c->at < q->config.n_peers; n++) {
		const struct note *x = table_get(&c->control->notes,
		    (uint64_t)(uintptr_t)control_peer(q->queue, c->at));

		control_put_peer(
		    q->queue, c->at++, x != NULL ? x->text : NULL, &c->out);
	}
	return c->at == q->config.n_peers;
}

static void
put_stopped(void *arg, const char *kind, const char *name)
{
	struct buf *out = arg;

	q_row_begin(out, "stopped");
	q_row_text(out, "kind", kind);
	q_row_text(out, "name", name);
	q_row_end(out);
}

static bool
stage_stopped(struct client *c)
{
	q_stopped_each(c->control->stopped, put_stopped, &c->out);
	return true;
}

/* --- measurements --- */

static void
put_advice(void *arg, const struct q_advice *x)
{
	struct buf *out = arg;

	q_row_begin(out, "self_test");
	q_row_text(out, "channel", x->channel);
	q_row_text(out, "peer", x->peer);
	q_row_text(out, "of", x->peer != NULL ? "connections" : "processes");
	q_row_int(out, "now", x->n);
	q_row_int(out, "min", x->min);
	q_row_int(out, "max", x->max);
	if (x->rate > 0)
		q_row_real(out, "rate", x->rate);
	if (x->at != 0) {
		q_row_int(out, "decided", x->at / 1000);
		q_row_text(out, "why", x->why);
	}
	q_row_end(out);
}

static void
put_rates(void *arg, const struct q_rates *x)
{
	static const struct {
		const char *messages, *octets;
	} names[RATE_WINDOWS] = {
	    {"messages_10s", "octets_10s"},
	    {"messages_1min", "octets_1min"},
	    {"messages_10min", "octets_10min"},
	};
	struct buf *out = arg;

	q_row_begin(out, "rate");
	q_row_text(out, "channel", x->channel);
	q_row_text(out, "peer", x->peer);
	for (size_t i = 0; i < RATE_WINDOWS; i++) {
		q_row_real(out, names[i].messages, x->messages[i]);
		q_row_real(out, names[i].octets, x->octets[i]);
	}
	q_row_end(out);
}

static bool
stage_measured(struct client *c)
{
	const struct q_queue *q = c->control->q->queue;

	q_queue_advice(q, put_advice, &c->out);
	q_queue_rates(q, put_rates, &c->out);
	return true;
}

static bool (*const stages[])(struct client *c) = {
    stage_spool, /* a first word; what follows needs all counts */
    stage_counts,
    stage_processes,
    stage_peers,
    stage_stopped,
    stage_measured,
    stage_levels,
};

enum answer
control_status(struct client *c)
{
	const size_t n = sizeof(stages) / sizeof(*stages);
	msec_t begun = clock_mono();

	do {
		if (stages[c->stage](c))
			c->stage++;
	} while (c->stage < n && !control_slice_over(begun));
	return c->stage < n ? ANSWER_MORE : ANSWER_END;
}
