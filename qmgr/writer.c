#include "qmgr/writer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/clock.h"
#include "lib/crc32c.h"
#include "lib/log.h"

#define STAGE (256u << 10) /* records are gathered into writes of this */

struct q_writer {
	struct q_writer_params p;
	struct q_io io;
	char *directory, *recycled, *reserve, *suffix;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct q_append *first, **last; /* waiting; under the lock */
	bool closing;                   /* under the lock */

	/* the rest is the thread's */
	uint64_t next_number;
	int fd; /* -1: no file */
	uint64_t number, size, offset, durable, records;
	struct q_places places; /* of its records */
	uint32_t salt;
	char *path;     /* of the open file */
	char *tmp_path; /* it still has this name: a snapshot's */
	uint8_t *stage;
	size_t staged;
	struct err error; /* what the last failure was */
	bool failing;     /* it was logged, and nothing succeeded since */
};

uint64_t
q_number_take(uint64_t *next)
{
	uint64_t now = (uint64_t)clock_wall_ms() / 10;

	if (*next < now)
		*next = now;
	return (*next)++;
}

void
q_number_text(uint64_t number, char out[Q_NUMBER_TEXT])
{
	snprintf(out, Q_NUMBER_TEXT, "%016llx", (unsigned long long)number);
}

bool
q_number_parse(const char *name, const char *suffix, uint64_t *out)
{
	return q_hex_parse(name, out) && strcmp(name + 16, suffix) == 0 &&
	    *out >> (64 - Q_PLACE_BITS) == 0;
}

/* --- octets into the file --- */

static int
write_all(struct q_writer *w, const uint8_t *p, size_t n, uint64_t offset)
{
	while (n > 0) {
		ssize_t k = w->io.pwrite(w->fd, p, n, (off_t)offset);

		if (k < 0 && errno == EINTR)
			continue;
		if (k == 0)
			errno = EIO;
		if (k <= 0)
			return err_sys(&w->error, "spool", "write %s", w->path);
		p += k;
		n -= (size_t)k;
		offset += (size_t)k;
	}
	return 0;
}

static int
flush(struct q_writer *w)
{
	size_t n = w->staged;

	w->staged = 0;
	return n > 0 ? write_all(w, w->stage, n, w->offset - n) : 0;
}

static int
put(struct q_writer *w, const uint8_t *p, size_t n)
{
	int rc;

	if (w->staged + n > STAGE && (rc = flush(w)) != 0)
		return rc;
	if (n > STAGE) {
		rc = write_all(w, p, n, w->offset);
		w->offset += n;
		return rc;
	}
	if (n > 0)
		memcpy(w->stage + w->staged, p, n);
	w->staged += n;
	w->offset += n;
	return 0;
}

static int
put_record(struct q_writer *w, struct q_header *h, const uint8_t *body,
    const uint8_t *content)
{
	static const uint8_t zeros[Q_PLACE];
	uint8_t head[Q_HEADER];
	uint64_t end = w->offset + q_record_size(h);
	int rc;

	h->id = q_id_make(w->number, w->offset);
	h->salt = w->salt;
	h->durable = (uint32_t)(w->durable / Q_PLACE);
	q_header_pack(h, head);
	if ((rc = put(w, head, sizeof(head))) != 0 ||
	    (rc = put(w, body, h->body_n)) != 0)
		return rc;
	if (h->content_file == 0 && (rc = put(w, content, h->content_n)) != 0)
		return rc;
	return put(w, zeros, end - w->offset);
}

static int
sync_file(struct q_writer *w)
{
	int rc = flush(w);

	if (rc != 0)
		return rc;
	if (w->io.fdatasync(w->fd) != 0)
		return err_sys(&w->error, "spool", "sync %s", w->path);
	w->durable = w->offset;
	return 0;
}

/* --- files --- */

static void
forget_file(struct q_writer *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	free(w->path);
	free(w->tmp_path);
	w->path = w->tmp_path = NULL;
	w->staged = 0;
}

static char *
path_of(const char *directory, uint64_t number, const char *suffix)
{
	char name[Q_NUMBER_TEXT], *path;

	q_number_text(number, name);
	if (asprintf(&path, "%s/%s%s", directory, name, suffix) < 0)
		log_die("out of memory");
	return path;
}

static int
fill_with_zeros(struct q_writer *w)
{
	uint64_t done = 0;
	int rc;

	memset(w->stage, 0, STAGE);
	while (done < w->size) {
		uint64_t n = w->size - done < STAGE ? w->size - done : STAGE;

		if ((rc = write_all(w, w->stage, n, done)) != 0)
			return rc;
		done += n;
	}
	return 0;
}

/* Takes any file from there that has so many octets, as this one. */
static bool
claim(struct q_writer *w, const char *from, const char *to, uint64_t least)
{
	DIR *dir = from != NULL ? opendir(from) : NULL;
	struct dirent *d;
	struct stat st;
	uint64_t ignored;
	char *old;

	while (dir != NULL && w->fd < 0 && (d = readdir(dir)) != NULL) {
		if (!q_number_parse(d->d_name, w->suffix, &ignored))
			continue;
		if (asprintf(&old, "%s/%s", from, d->d_name) < 0)
			log_die("out of memory");
		/* another process may be faster: then rename fails */
		if (stat(old, &st) == 0 && (uint64_t)st.st_size >= least &&
		    renameat2(AT_FDCWD, old, AT_FDCWD, to, RENAME_NOREPLACE) ==
			0) {
			w->fd = w->io.open(to, O_RDWR | O_CLOEXEC, 0);
			w->size = (uint64_t)st.st_size;
		}
		free(old);
	}
	if (dir != NULL)
		closedir(dir);
	return w->fd >= 0;
}

/* Its new name is durable before its octets are touched: under the name that it
 * had, what is written now would be damage. */
static int
claimed(struct q_writer *w)
{
	return q_io_sync_directory(&w->io, w->directory, &w->error);
}

/* A new file at that path, full of zeros; one that cannot be had in full size
 * is no use, and what there is of it would take the room of others. */
static int
make_file(struct q_writer *w, const char *path)
{
	int rc;

	w->fd = w->io.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (w->fd < 0)
		return err_sys(&w->error, "spool", "%s", path);
	rc = fill_with_zeros(w);
	if (rc != 0) {
		close(w->fd);
		w->fd = -1;
		w->io.unlink(path); /* the error is known */
	}
	return rc;
}

static bool
no_room(const struct err *e)
{
	return e->detail == ENOSPC || e->detail == EDQUOT;
}

/* A snapshot is to leave room for entries, but half a file will do. */
static bool
claim_ready(struct q_writer *w, bool snapshot)
{
	uint64_t spare = snapshot ? w->p.file_size / 2 : 0;

	return claim(
	    w, w->recycled, snapshot ? w->tmp_path : w->path, w->size - spare);
}

static int
create_file(struct q_writer *w, bool snapshot)
{
	int rc;

	do {
		w->number = q_number_take(&w->next_number);
		free(w->path);
		w->path = path_of(w->directory, w->number, w->suffix);
		if (snapshot) {
			free(w->tmp_path);
			w->tmp_path = path_of(w->directory, w->number, ".tmp");
		}
		if (claim_ready(w, snapshot))
			return claimed(w);
		rc = make_file(w, snapshot ? w->tmp_path : w->path);
	} while (rc != 0 && w->error.detail == EEXIST);
	if (rc == 0 || snapshot || !no_room(&w->error))
		return rc;
	return claim(w, w->reserve, w->path, w->size) ? claimed(w) : rc;
}

/* --- the reserve --- */

static unsigned
count_files(const char *directory, const char *suffix)
{
	DIR *dir = opendir(directory);
	unsigned n = 0;
	uint64_t number;
	struct dirent *d;

	while (dir != NULL && (d = readdir(dir)) != NULL)
		n += q_number_parse(d->d_name, suffix, &number);
	if (dir != NULL)
		closedir(dir);
	return n;
}

/* Between two files. What fails now is tried again with the next file. */
static void
fill_reserve(struct q_writer *w)
{
	unsigned n = 0;
	bool good = true;

	if (w->reserve == NULL)
		return;
	INVARIANT(w->fd < 0);
	for (n = count_files(w->reserve, w->suffix); good && n < Q_RESERVED;
	     n++) {
		char *path = path_of(
		    w->reserve, q_number_take(&w->next_number), w->suffix);

		w->size = w->p.file_size;
		good = make_file(w, path) == 0;
		if (good && w->io.fsync(w->fd) != 0)
			w->io.unlink(path);
		if (good)
			close(w->fd);
		w->fd = -1;
		free(path);
	}
}

static int
put_file_header(struct q_writer *w)
{
	struct q_file_info info = {w->p.instance, clock_wall()};
	uint8_t body[Q_FILE_INFO];
	struct q_header h = {.type = Q_RECORD_FILE, .body_n = sizeof(body)};

	q_file_info_pack(&info, body);
	h.body_crc = crc32c(0, body, sizeof(body));
	return put_record(w, &h, body, NULL);
}

/* Nothing is in it yet that anybody was told of. */
static void
discard_file(struct q_writer *w)
{
	const char *path = w->tmp_path != NULL ? w->tmp_path : w->path;

	if (w->fd >= 0 && w->io.unlink(path) != 0)
		log_event(LOG_LEVEL_WARN, "file-left-behind", "path", path,
		    "reason", strerror(errno), NULL);
	forget_file(w);
}

/* A new file, durable with its name, with room for `need` octets. */
static int
begin_file(struct q_writer *w, uint64_t need, bool snapshot)
{
	uint64_t overhead = 2 * Q_HEADER + Q_PLACE; /* FILE and END */
	int rc;

	fill_reserve(w);
	w->size = w->p.file_size;
	if (need + overhead > w->size || snapshot)
		w->size = need + overhead + (snapshot ? w->p.file_size : 0);
	if (w->size > Q_FILE_MAX)
		return err_set(&w->error, "spool", ERR_LIMIT,
		    "record of %llu octets", (unsigned long long)need);
	w->offset = w->durable = w->records = 0;
	w->places.n = 0;
	w->staged = 0;
	if (getrandom(&w->salt, sizeof(w->salt), 0) != sizeof(w->salt))
		w->salt = (uint32_t)w->next_number * 2654435761u;
	rc = create_file(w, snapshot);
	if (rc == 0)
		rc = put_file_header(w);
	if (rc == 0 && (rc = flush(w)) == 0 && w->io.fsync(w->fd) != 0)
		rc = err_sys(&w->error, "spool", "sync %s", w->path);
	if (rc == 0 && !snapshot)
		rc = q_io_sync_directory(&w->io, w->directory, &w->error);
	w->durable = w->offset;
	if (rc != 0)
		discard_file(w);
	return rc;
}

/* A snapshot's file gets its name. */
static int
reveal_file(struct q_writer *w)
{
	int rc;

	if (w->tmp_path == NULL)
		return 0;
	if (w->io.rename(w->tmp_path, w->path) != 0)
		return err_sys(&w->error, "spool", "rename %s", w->tmp_path);
	free(w->tmp_path);
	w->tmp_path = NULL;
	rc = q_io_sync_directory(&w->io, w->directory, &w->error);
	return rc;
}

/* Of the file that is open no more. */
static void
tell_finished(struct q_writer *w)
{
	struct q_segment_news news = {
	    .number = w->number,
	    .records = w->records,
	    .size = w->size,
	    .end = w->durable,
	    .all = w->places.v,
	    .n_all = w->records,
	};

	if (w->p.finished != NULL)
		w->p.finished(w->p.arg, &news);
}

/* --- batches --- */

/* What was put into the open file since its last sync. */
struct batch {
	struct q_append *first, **last;
	uint64_t n;
};

static void
batch_done(struct q_writer *w, struct batch *b, int result)
{
	struct q_append *first = b->first;

	if (first == NULL)
		return;
	*b->last = NULL;
	if (result == 0)
		w->records += b->n;
	*b = (struct batch){.last = &b->first};
	w->p.done(w->p.arg, first, result, &w->error);
}

static void
batch_add(struct batch *b, struct q_append *a)
{
	*b->last = a;
	b->last = &a->next;
	b->n++;
}

/* The file failed: what is not durable must not come back as a message
 * that its sender was told we do not have. */
static void
abandon_file(struct q_writer *w, struct batch *b)
{
	bool had = w->fd >= 0;

	w->error.code = ERR_TEMPORARY;
	/* once, and not for each that waits */
	if (!w->failing)
		log_err(LOG_LEVEL_ERROR, "write-failed", &w->error, NULL);
	w->failing = true;
	if (had && w->tmp_path != NULL) {
		discard_file(w);
		had = false;
	} else if (had) {
		if (w->io.ftruncate(w->fd, (off_t)w->durable) != 0 ||
		    w->io.fsync(w->fd) != 0)
			log_event(LOG_LEVEL_WARN, "not-cut-back", "path",
			    w->path, "reason", strerror(errno), NULL);
		forget_file(w);
	}
	batch_done(w, b, ERR_TEMPORARY);
	if (had) {
		w->size = w->durable; /* it was cut back */
		tell_finished(w);
	}
}

static void
commit(struct q_writer *w, struct batch *b)
{
	if (b->first == NULL)
		return;
	if (sync_file(w) != 0 || reveal_file(w) != 0) {
		abandon_file(w, b);
		return;
	}
	w->failing = false;
	batch_done(w, b, 0);
}

/* Closes the file after an END record. That one may fail without harm: only
 * the certainty about the last records' checksums is lost. */
static void
finish_file(struct q_writer *w, struct batch *b)
{
	struct q_header h = {.type = Q_RECORD_END};
	uint64_t end;

	commit(w, b);
	if (w->fd < 0)
		return;
	end = w->offset;
	if (put_record(w, &h, NULL, NULL) != 0 || sync_file(w) != 0)
		log_err(LOG_LEVEL_WARN, "end-not-written", &w->error, NULL);
	w->durable = end; /* of what counts: without the END */
	forget_file(w);
	tell_finished(w);
}

static void
append(struct q_writer *w, struct batch *b, struct q_append *a)
{
	uint64_t need = q_record_size(&a->h);
	bool snapshot = a->h.type == Q_RECORD_SNAPSHOT;

	if (w->fd >= 0 && (snapshot || need > w->size - Q_HEADER - w->offset))
		finish_file(w, b);
	batch_add(b, a);
	if ((w->fd < 0 && begin_file(w, need, snapshot) != 0) ||
	    put_record(w, &a->h, a->body, a->content) != 0) {
		abandon_file(w, b);
		return;
	}
	q_places_add(&w->places, a->h.id);
	if (snapshot)
		commit(w, b);
}

static void
write_batch(struct q_writer *w, struct q_append *list)
{
	struct batch b = {.last = &b.first};
	struct q_append *next;

	for (; list != NULL; list = next) {
		next = list->next;
		append(w, &b, list);
	}
	commit(w, &b);
}

static void *
writer_thread(void *arg)
{
	struct q_writer *w = arg;
	struct batch none = {.last = &none.first};
	struct q_append *list;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (w->first == NULL && !w->closing)
			pthread_cond_wait(&w->more, &w->lock);
		list = w->first;
		if (list == NULL)
			break;
		w->first = NULL;
		w->last = &w->first;
		pthread_mutex_unlock(&w->lock);
		write_batch(w, list);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	finish_file(w, &none);
	return NULL;
}

static void
destroy(struct q_writer *w)
{
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->lock);
	free(w->directory);
	free(w->recycled);
	free(w->reserve);
	free(w->suffix);
	free(w->stage);
	q_places_free(&w->places);
	free(w);
}

struct q_writer *
q_writer_open(const struct q_writer_params *p, struct err *e)
{
	struct q_writer *w = xcalloc(1, sizeof(*w));

	w->p = *p;
	w->io = q_io_complete(p->io);
	w->directory = xstrdup(p->directory);
	w->recycled = p->recycled != NULL ? xstrdup(p->recycled) : NULL;
	w->reserve = p->reserve != NULL ? xstrdup(p->reserve) : NULL;
	w->suffix = xstrdup(p->suffix);
	w->next_number = p->first_number;
	w->fd = -1;
	w->stage = xmalloc(STAGE);
	w->last = &w->first;
	w->error = (struct err)ERR_INIT;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	errno = pthread_create(&w->thread, NULL, writer_thread, w);
	if (errno == 0)
		return w;
	err_sys(e, "spool", "thread of the writer");
	destroy(w);
	return NULL;
}

void
q_writer_append(struct q_writer *w, struct q_append *a)
{
	a->next = NULL;
	pthread_mutex_lock(&w->lock);
	INVARIANT(!w->closing);
	*w->last = a;
	w->last = &a->next;
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
}

void
q_writer_close(struct q_writer **wp)
{
	struct q_writer *w = *wp;

	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->closing = true;
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	destroy(w);
	*wp = NULL;
}
