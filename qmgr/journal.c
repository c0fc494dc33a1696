#include "qmgr/journal.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/crc32c.h"
#include "lib/log.h"
#include "qmgr/wake.h"
#include "qmgr/writer.h"

#define TRY_AGAIN 1000 /* ms */

struct item {
	struct q_append append; /* first: the writer gives it back */
	struct q_journal *journal;
	struct buf entries;
	void (*done)(void *arg);
	void *arg;
	bool failed;
};

struct q_journal {
	char *directory;
	struct loop *loop;
	struct q_writer *writer;
	struct loop_timer *again;
	uint64_t size;
	bool snapshot_running, closed;
	/* appended, in order, until durable: a failure must not let a later
	 * entry overtake an earlier one */
	struct item *failed_first, **failed_last;
	pthread_mutex_t lock;
	struct q_append *first, **last; /* back from the writer; locked */
	struct q_wake *wake;
};

static void
writer_append(struct q_journal *j, struct item *i)
{
	i->failed = false;
	q_writer_append(j->writer, &i->append);
}

/* Appends again all that failed, in order. */
static void
try_again(void *arg)
{
	struct q_journal *j = arg;
	struct item *i = j->failed_first, *next;

	j->again = NULL;
	j->failed_first = NULL;
	j->failed_last = &j->failed_first;
	for (; i != NULL; i = next) {
		next = (struct item *)i->append.next;
		writer_append(j, i);
	}
}

static void
remember_failed(struct q_journal *j, struct item *i)
{
	i->append.next = NULL;
	*j->failed_last = i;
	j->failed_last = (struct item **)(void *)&i->append.next;
	if (j->again == NULL && !j->closed)
		j->again = loop_timer_set(j->loop, TRY_AGAIN, try_again, j);
}

/* The journals that a snapshot stands for. */
static void
unlink_older(struct q_journal *j, uint64_t number)
{
	char path[4096];
	struct dirent *d;
	uint64_t n;
	DIR *dir = opendir(j->directory);

	while (dir != NULL && (d = readdir(dir)) != NULL) {
		if (!q_number_parse(d->d_name, ".jnl", &n) || n >= number)
			continue;
		snprintf(path, sizeof(path), "%s/%s", j->directory, d->d_name);
		if (unlink(path) != 0)
			log_event(LOG_LEVEL_WARN, "file-left-behind", "path",
			    path, "reason", strerror(errno), NULL);
	}
	if (dir != NULL)
		closedir(dir);
}

static void
item_done(struct q_journal *j, struct item *i)
{
	if (i->append.h.type == Q_RECORD_SNAPSHOT) {
		j->snapshot_running = false;
		if (!i->failed)
			unlink_older(j, q_id_number(i->append.h.id));
	} else if (i->failed) {
		remember_failed(j, i);
		return;
	}
	if (i->done != NULL)
		i->done(i->arg);
	buf_free(&i->entries);
	free(i);
}

static void
take_back(void *arg)
{
	struct q_journal *j = arg;
	struct q_append *a, *next;

	pthread_mutex_lock(&j->lock);
	a = j->first;
	j->first = NULL;
	j->last = &j->first;
	pthread_mutex_unlock(&j->lock);
	for (; a != NULL; a = next) {
		next = a->next;
		item_done(j, (struct item *)a);
	}
}

static void
journal_free(struct q_journal *j)
{
	pthread_mutex_destroy(&j->lock);
	free(j->directory);
	free(j);
}

/* In the writer's thread. */
static void
writer_done(void *arg, struct q_append *batch, int result, const struct err *e)
{
	struct q_journal *j = arg;
	struct q_append *a = batch;
	bool first;

	(void)e;
	pthread_mutex_lock(&j->lock);
	first = j->first == NULL;
	*j->last = batch;
	for (;; a = a->next) {
		((struct item *)a)->failed = result != 0;
		if (a->next == NULL)
			break;
	}
	j->last = &a->next;
	pthread_mutex_unlock(&j->lock);
	if (first)
		q_wake_ring(j->wake);
}

struct q_journal *
q_journal_open(const struct q_journal_params *p, struct loop *l, struct err *e)
{
	struct q_journal *j = xcalloc(1, sizeof(*j));
	struct q_writer_params w = {
	    .suffix = ".jnl",
	    .file_size = p->file_size,
	    .first_number = p->first_number,
	    .instance = p->instance,
	    .io = p->io,
	    .done = writer_done,
	    .arg = j,
	};

	if (asprintf(&j->directory, "%s/journal", p->directory) < 0)
		log_die("out of memory");
	w.directory = j->directory;
	j->loop = l;
	j->last = &j->first;
	j->failed_last = &j->failed_first;
	pthread_mutex_init(&j->lock, NULL);
	j->wake = q_wake_new(l, take_back, j, e);
	if (j->wake != NULL)
		j->writer = q_writer_open(&w, e);
	if (j->writer == NULL) {
		q_wake_free(&j->wake);
		journal_free(j);
		return NULL;
	}
	return j;
}

void
q_journal_close(struct q_journal **jp)
{
	struct q_journal *j = *jp;
	struct item *i, *next;

	if (j == NULL)
		return;
	*jp = NULL;
	/* one last try for what failed; then its messages come again */
	loop_timer_cancel(&j->again);
	try_again(j);
	j->closed = true;
	q_writer_close(&j->writer);
	take_back(j);
	for (i = j->failed_first; i != NULL; i = next) {
		next = (struct item *)i->append.next;
		buf_free(&i->entries);
		free(i);
	}
	q_wake_free(&j->wake);
	journal_free(j);
}

static struct item *
item_new(struct q_journal *j, struct buf *entries, enum q_record_type type)
{
	struct item *i = xcalloc(1, sizeof(*i));
	struct q_header *h = &i->append.h;
	uint32_t crc;

	i->journal = j;
	i->entries = *entries;
	*entries = (struct buf){0};
	crc = crc32c(0, i->entries.data, i->entries.len);
	h->type = type;
	if (type == Q_RECORD_SNAPSHOT) {
		h->content_n = i->entries.len;
		h->content_crc = crc;
		i->append.content = i->entries.data;
	} else {
		h->body_n = (uint32_t)i->entries.len;
		h->body_crc = crc;
		i->append.body = i->entries.data;
	}
	return i;
}

void
q_journal_append(struct q_journal *j, struct buf *entries,
    void (*done)(void *arg), void *arg)
{
	struct item *i = item_new(j, entries, Q_RECORD_JOURNAL);

	j->size += q_record_size(&i->append.h);
	i->done = done;
	i->arg = arg;
	/* what is tried again goes first */
	if (j->failed_first != NULL)
		remember_failed(j, i);
	else
		writer_append(j, i);
}

void
q_journal_snapshot(struct q_journal *j, struct buf *entries)
{
	struct item *i = item_new(j, entries, Q_RECORD_SNAPSHOT);

	INVARIANT(!j->snapshot_running);
	j->snapshot_running = true;
	j->size = 0;
	writer_append(j, i);
}

uint64_t
q_journal_size(const struct q_journal *j)
{
	return j->size;
}

bool
q_journal_snapshot_running(const struct q_journal *j)
{
	return j->snapshot_running;
}
