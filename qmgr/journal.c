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
#include "qmgr/ahead.h"
#include "qmgr/files.h"
#include "qmgr/wake.h"
#include "qmgr/writer.h"

#define TRY_AGAIN 1000        /* ms */
#define RECORD_MAX (1u << 20) /* octets of entries in a record, about */

/* What one call appended. */
struct item {
	struct item *next;
	struct buf entries;
	bool snapshot;
	void (*done)(void *arg);
	void *arg;
};

/* One record is on its way at a time, of all that waited when the one before
 * was durable: so nothing overtakes an entry that has to be written again. */
struct q_journal {
	char *directory, *reserve, *next;
	struct q_ahead *ahead; /* or NULL */
	uint64_t number;       /* of the file that the last record went to */
	struct loop *loop;
	struct q_writer *writer;
	struct loop_timer *again;
	uint64_t size;
	bool snapshot_running, closed;
	struct item *first, **last; /* waiting, in order */

	struct q_append record; /* the one on its way */
	struct buf octets;      /* its entries */
	struct item *carried;   /* the items that end in it */
	bool under_way;         /* not durable yet, or its callbacks run */

	pthread_mutex_t lock;
	pthread_cond_t came_back;
	bool back, failed; /* what became of it; locked */
	struct q_wake *wake;
};

static void
write_record(struct q_journal *j)
{
	q_writer_append(j->writer, &j->record);
}

static void
try_again(void *arg)
{
	struct q_journal *j = arg;

	j->again = NULL;
	write_record(j);
}

/* How many of these octets go into a record that has `room`, in whole entries,
 * but at least one. */
static size_t
cut(const uint8_t *p, size_t n, size_t room)
{
	struct arena *a = arena_new();
	const uint8_t *begin = p, *end = p;
	struct q_entry x;
	int rc;

	if (n <= room) {
		end = p + n;
		n = 0;
	}
	while (n > 0) {
		rc = q_entry_unpack(&p, &n, a, &x, NULL);
		INVARIANT(rc == 0);
		if (end > begin && (size_t)(p - begin) > room)
			break;
		end = p;
		arena_reset(a);
	}
	arena_free(&a);
	return (size_t)(end - begin);
}

/* Moves what fits from the items that wait into the record. */
static void
gather(struct q_journal *j)
{
	struct item **end = &j->carried, *i;
	size_t n;

	while ((i = j->first) != NULL && !i->snapshot) {
		n = i->entries.len;
		if (j->octets.len > 0 && j->octets.len + n > RECORD_MAX)
			return;
		n = cut(i->entries.data, n, RECORD_MAX);
		buf_append(&j->octets, i->entries.data, n);
		buf_consume(&i->entries, n);
		if (i->entries.len > 0)
			return;
		j->first = i->next;
		i->next = NULL;
		*end = i;
		end = &i->next;
	}
}

static void
gather_snapshot(struct q_journal *j)
{
	struct item *i = j->first;

	j->first = i->next;
	i->next = NULL;
	j->carried = i;
	j->octets = i->entries;
	i->entries = (struct buf){0};
}

static void
write_next(struct q_journal *j)
{
	struct q_header *h = &j->record.h;
	uint32_t crc;

	if (j->under_way || j->first == NULL)
		return;
	j->under_way = true;
	j->record = (struct q_append){0};
	h->type = j->first->snapshot ? Q_RECORD_SNAPSHOT : Q_RECORD_JOURNAL;
	if (j->first->snapshot)
		gather_snapshot(j);
	else
		gather(j);
	if (j->first == NULL)
		j->last = &j->first;
	crc = crc32c(0, j->octets.data, j->octets.len);
	if (h->type == Q_RECORD_SNAPSHOT) {
		h->content_n = j->octets.len;
		h->content_crc = crc;
		j->record.content = j->octets.data;
	} else {
		h->body_n = (uint32_t)j->octets.len;
		h->body_crc = crc;
		j->record.body = j->octets.data;
	}
	write_record(j);
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
		q_file_remove(path);
	}
	if (dir != NULL)
		closedir(dir);
}

static void
free_items(struct item *i)
{
	struct item *next;

	for (; i != NULL; i = next) {
		next = i->next;
		buf_free(&i->entries);
		free(i);
	}
}

/* The record is durable, or was a snapshot that is given up. */
static void
record_over(struct q_journal *j)
{
	struct item *carried = j->carried;

	j->carried = NULL;
	buf_free(&j->octets);
	for (const struct item *i = carried; i != NULL; i = i->next)
		if (i->done != NULL)
			i->done(i->arg);
	free_items(carried);
	j->under_way = false;
	write_next(j);
}

/* A new file is in use: the one after it is to be made. */
static void
want_ahead(struct q_journal *j)
{
	uint64_t number = q_id_number(j->record.h.id);

	if (j->ahead != NULL && number != j->number)
		q_ahead_want(j->ahead);
	j->number = number;
}

static void
take_back(void *arg)
{
	struct q_journal *j = arg;
	bool back, failed, snapshot = j->record.h.type == Q_RECORD_SNAPSHOT;

	pthread_mutex_lock(&j->lock);
	back = j->back;
	failed = j->failed;
	j->back = false;
	pthread_mutex_unlock(&j->lock);
	if (!back)
		return;
	if (failed && !snapshot) {
		if (!j->closed)
			j->again =
			    loop_timer_set(j->loop, TRY_AGAIN, try_again, j);
		return;
	}
	if (snapshot) {
		j->snapshot_running = false;
		if (!failed)
			unlink_older(j, q_id_number(j->record.h.id));
	}
	want_ahead(j);
	record_over(j);
}

static void
journal_free(struct q_journal *j)
{
	free_items(j->first);
	free_items(j->carried);
	buf_free(&j->octets);
	pthread_cond_destroy(&j->came_back);
	pthread_mutex_destroy(&j->lock);
	free(j->directory);
	free(j->reserve);
	free(j->next);
	free(j);
}

/* In the writer's thread. */
static void
writer_done(void *arg, struct q_append *batch, int result, const struct err *e)
{
	struct q_journal *j = arg;

	(void)e;
	INVARIANT(batch == &j->record && batch->next == NULL);
	pthread_mutex_lock(&j->lock);
	j->back = true;
	j->failed = result != 0;
	pthread_cond_signal(&j->came_back);
	pthread_mutex_unlock(&j->lock);
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
	if (asprintf(&j->reserve, "%s/reserve", j->directory) < 0)
		log_die("out of memory");
	if (asprintf(&j->next, "%s/next", j->directory) < 0)
		log_die("out of memory");
	w.directory = j->directory;
	w.recycled = p->ahead ? j->next : NULL;
	w.reserve = j->reserve;
	j->loop = l;
	j->last = &j->first;
	pthread_mutex_init(&j->lock, NULL);
	pthread_cond_init(&j->came_back, NULL);
	j->wake = q_wake_new(l, take_back, j, e);
	if (j->wake != NULL)
		j->writer = q_writer_open(&w, e);
	if (j->writer != NULL && p->ahead)
		j->ahead = q_ahead_open(j->next, ".jnl", p->file_size, e);
	if (p->ahead && j->ahead == NULL)
		q_writer_close(&j->writer);
	if (j->writer == NULL) {
		q_wake_free(&j->wake);
		journal_free(j);
		return NULL;
	}
	return j;
}

static bool
wait_for_record(struct q_journal *j)
{
	bool failed;

	pthread_mutex_lock(&j->lock);
	while (!j->back)
		pthread_cond_wait(&j->came_back, &j->lock);
	failed = j->failed;
	pthread_mutex_unlock(&j->lock);
	take_back(j);
	return !failed;
}

void
q_journal_close(struct q_journal **jp)
{
	struct q_journal *j = *jp;

	if (j == NULL)
		return;
	*jp = NULL;
	j->closed = true;
	/* one last try for what failed; then its messages come again */
	if (j->again != NULL) {
		loop_timer_cancel(&j->again);
		write_record(j);
	}
	while (j->under_way && wait_for_record(j))
		;
	q_ahead_close(&j->ahead);
	q_writer_close(&j->writer);
	q_wake_free(&j->wake);
	journal_free(j);
}

static void
add(struct q_journal *j, struct buf *entries, bool snapshot,
    void (*done)(void *arg), void *arg)
{
	struct item *i = xcalloc(1, sizeof(*i));

	*i = (struct item){NULL, *entries, snapshot, done, arg};
	*entries = (struct buf){0};
	*j->last = i;
	j->last = &i->next;
	write_next(j);
}

void
q_journal_append(struct q_journal *j, struct buf *entries,
    void (*done)(void *arg), void *arg)
{
	j->size += entries->len;
	add(j, entries, false, done, arg);
}

void
q_journal_snapshot(struct q_journal *j, struct buf *entries)
{
	INVARIANT(!j->snapshot_running);
	j->snapshot_running = true;
	j->size = 0;
	add(j, entries, true, NULL, NULL);
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
