#include "qmgr/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/crc32c.h"
#include "lib/log.h"
#include "qmgr/content.h"
#include "qmgr/health.h"
#include "qmgr/record.h"
#include "qmgr/summary.h"
#include "qmgr/wake.h"
#include "qmgr/writer.h"

/* News from the writer's thread for the loop. */
struct news {
	struct news *next;
	struct q_append *batch; /* NULL: a segment is finished */
	int result;
	struct err e;
	struct q_segment_news segment;
	struct q_places all;
};

struct q_spool {
	struct q_spool_params p;
	char *directory;
	struct loop *loop;
	struct q_writer *writer;
	struct q_contents *contents;
	struct q_io io;
	struct q_health health;
	void (*finished)(void *arg, const struct q_segment_news *news);
	void *finished_arg;
	pthread_mutex_t lock;
	struct news *first, **last; /* under the lock */
	struct q_wake *wake;
};

struct q_put {
	struct q_append append; /* first: the writer gives it back */
	struct q_content_sync sync;
	struct q_spool *spool;
	struct buf content, body;
	uint64_t n;
	uint32_t crc;
	int fd; /* of the content file; -1: none */
	uint64_t content_file;
	q_commit_fn *done;
	void *arg;
};

const char *
q_id_text(q_id id, char out[Q_ID_TEXT])
{
	snprintf(out, Q_ID_TEXT, "%016llx", (unsigned long long)id);
	return out;
}

int
q_id_parse(const char *text, q_id *out)
{
	return q_hex_parse(text, out) && text[16] == '\0' ? 0 : ERR_SYNTAX;
}

int
q_spool_create(const char *directory, struct err *e)
{
	static const char *const below[] = {"", "/segments",
	    "/segments/recycled", "/contents", "/journal", "/journal/reserve",
	    "/journal/next", "/quarantine", "/run"};
	char path[4096];

	for (size_t i = 0; i < sizeof(below) / sizeof(*below); i++) {
		snprintf(path, sizeof(path), "%s%s", directory, below[i]);
		if (mkdir(path, 0700) != 0 && errno != EEXIST)
			return err_sys(e, "spool", "%s", path);
	}
	return q_sync_directory(directory, e);
}

/* --- from the threads to the loop --- */

static void
put_free(struct q_put *p)
{
	if (p->fd >= 0)
		close(p->fd);
	buf_free(&p->content);
	buf_free(&p->body);
	free(p);
}

static void
put_failed(struct q_put *p)
{
	if (p->content_file != 0)
		q_content_unlink(p->spool->contents, p->content_file);
}

static void
tell(struct q_spool *s, struct news *n)
{
	struct q_append *a, *next;

	if (n->batch == NULL && s->finished != NULL)
		s->finished(s->finished_arg, &n->segment);
	if (n->batch != NULL && n->result == 0)
		q_health_good(&s->health);
	else if (n->batch != NULL && n->result == ERR_TEMPORARY)
		q_health_failed(&s->health, &n->e);
	for (a = n->batch; a != NULL; a = next) {
		struct q_put *p = (struct q_put *)a;

		next = a->next;
		if (n->result != 0)
			put_failed(p);
		p->done(p->arg, n->result, n->result == 0 ? a->h.id : 0, &n->e);
		put_free(p);
	}
	q_places_free(&n->all);
	free(n);
}

static void
tell_all(void *arg)
{
	struct q_spool *s = arg;
	struct news *n, *next;

	pthread_mutex_lock(&s->lock);
	n = s->first;
	s->first = NULL;
	s->last = &s->first;
	pthread_mutex_unlock(&s->lock);
	for (; n != NULL; n = next) {
		next = n->next;
		tell(s, n);
	}
}

static void
spool_free(struct q_spool *s)
{
	pthread_mutex_destroy(&s->lock);
	free(s->directory);
	free(s);
}

static void
add_news(struct q_spool *s, struct news news)
{
	struct news *n = xmalloc(sizeof(*n));
	bool first;

	*n = news;
	pthread_mutex_lock(&s->lock);
	first = s->first == NULL;
	*s->last = n;
	s->last = &n->next;
	pthread_mutex_unlock(&s->lock);
	if (first)
		q_wake_ring(s->wake);
}

static void
writer_done(void *arg, struct q_append *batch, int result, const struct err *e)
{
	add_news(arg, (struct news){.batch = batch, .result = result, .e = *e});
}

static void
writer_finished(void *arg, const struct q_segment_news *news)
{
	struct news n = {.segment = *news};

	for (size_t i = 0; i < news->n_all; i++)
		q_places_add(&n.all, news->all[i]);
	n.segment.all = n.all.v;
	add_news(arg, n);
}

/* --- open and close --- */

static int
open_for_writing(struct q_spool *s, struct err *e)
{
	char segments[4096], recycled[4096], contents[4096];
	struct q_writer_params w = {
	    .directory = segments,
	    .recycled = recycled,
	    .suffix = ".seg",
	    .file_size = s->p.segment_size,
	    .first_number = s->p.first_number,
	    .instance = s->p.instance,
	    .io = &s->io,
	    .done = writer_done,
	    .finished = writer_finished,
	    .arg = s,
	};

	snprintf(segments, sizeof(segments), "%s/segments", s->directory);
	snprintf(
	    recycled, sizeof(recycled), "%s/segments/recycled", s->directory);
	snprintf(contents, sizeof(contents), "%s/contents", s->directory);
	s->wake = q_wake_new(s->loop, tell_all, s, e);
	if (s->wake == NULL)
		return ERR_SYSTEM;
	s->contents = q_contents_open(contents, s->p.first_number, &s->io, e);
	if (s->contents != NULL)
		s->writer = q_writer_open(&w, e);
	return s->writer != NULL ? 0 : ERR_SYSTEM;
}

struct q_spool *
q_spool_open(const struct q_spool_params *p, struct loop *loop, struct err *e)
{
	struct q_spool *s;

	if ((loop != NULL && p->segment_size < 4 * Q_HEADER) ||
	    p->segment_size > Q_FILE_MAX ||
	    p->content_file_threshold > Q_FILE_MAX / 2) {
		err_set(e, "spool", ERR_CONFIG, "segment size out of range");
		return NULL;
	}
	s = xcalloc(1, sizeof(*s));
	s->p = *p;
	s->io = q_io_complete(p->io);
	s->directory = xstrdup(p->directory);
	s->loop = loop;
	s->last = &s->first;
	pthread_mutex_init(&s->lock, NULL);
	if (loop != NULL && open_for_writing(s, e) != 0)
		q_spool_close(&s);
	return s;
}

void
q_spool_close(struct q_spool **sp)
{
	struct q_spool *s = *sp;

	if (s == NULL)
		return;
	*sp = NULL;
	/* the last hop of a large message is from contents to writer; their
	 * callbacks still may unlink a content file */
	if (s->contents != NULL)
		q_contents_drain(s->contents);
	q_writer_close(&s->writer);
	tell_all(s);
	q_contents_close(&s->contents);
	q_wake_free(&s->wake);
	spool_free(s);
}

void
q_spool_on_finished(struct q_spool *s,
    void (*fn)(void *arg, const struct q_segment_news *news), void *arg)
{
	s->finished = fn;
	s->finished_arg = arg;
}

const char *
q_spool_directory(const struct q_spool *s)
{
	return s->directory;
}

int
q_spool_room(struct q_spool *s, struct err *e)
{
	return q_health_room(
	    &s->health, s->directory, s->p.low_water, &s->io, e);
}

/* --- one record --- */

struct q_put *
q_put_begin(struct q_spool *s, struct err *e)
{
	struct q_put *p;

	INVARIANT(s->writer != NULL);
	if (q_spool_room(s, e) != 0)
		return NULL;
	p = xcalloc(1, sizeof(*p));
	p->spool = s;
	p->fd = -1;
	return p;
}

static int
write_content(struct q_put *p, const void *data, size_t n, struct err *e)
{
	struct q_contents *c = p->spool->contents;
	int rc;

	if (p->fd < 0) {
		p->fd = q_content_create(c, &p->content_file, e);
		if (p->fd < 0) {
			p->content_file = 0;
			return ERR_TEMPORARY;
		}
		rc = q_content_write(
		    c, p->fd, p->content.data, p->content.len, 0, e);
		buf_free(&p->content);
		if (rc != 0)
			return ERR_TEMPORARY;
	}
	rc = q_content_write(c, p->fd, data, n, p->n, e);
	return rc == 0 ? 0 : ERR_TEMPORARY;
}

static int
into_file(struct q_put *p, const void *data, size_t n, struct err *e)
{
	struct err local = ERR_INIT;
	int rc = write_content(p, data, n, &local);

	if (rc != 0)
		q_health_failed(&p->spool->health, &local);
	if (rc != 0 && e != NULL)
		*e = local;
	return rc;
}

int
q_put_content(struct q_put *p, const void *data, size_t n, struct err *e)
{
	int rc;

	if (p->fd < 0 && p->n + n <= p->spool->p.content_file_threshold)
		buf_append(&p->content, data, n);
	else if ((rc = into_file(p, data, n, e)) != 0)
		return rc;
	p->crc = crc32c(p->crc, data, n);
	p->n += n;
	return 0;
}

uint64_t
q_put_length(const struct q_put *p)
{
	return p->n;
}

uint64_t
q_put_content_file(const struct q_put *p)
{
	return p->content_file;
}

static void
content_synced(struct q_content_sync *s, int result, const struct err *e)
{
	struct q_put *p =
	    (struct q_put *)((char *)s - offsetof(struct q_put, sync));

	p->fd = -1;
	if (result == 0) {
		q_writer_append(p->spool->writer, &p->append);
		return;
	}
	p->append.next = NULL;
	writer_done(p->spool, &p->append, ERR_TEMPORARY, e);
}

void
q_put_commit(struct q_put *p, const struct mhs_envelope *env, q_commit_fn *done,
    void *arg)
{
	mhs_envelope_pack(env, &p->body);
	p->done = done;
	p->arg = arg;
	p->append.body = p->body.data;
	p->append.content = p->content.data;
	p->append.h = (struct q_header){
	    .type = Q_RECORD_MESSAGE,
	    .parent = q_version_parent(env),
	    .body_n = (uint32_t)p->body.len,
	    .body_crc = crc32c(0, p->body.data, p->body.len),
	    .content_n = p->n,
	    .content_crc = p->crc,
	    .content_file = p->content_file,
	};
	if (p->body.len > Q_BODY_MAX) {
		struct err e = ERR_INIT;

		err_set(&e, "spool", ERR_LIMIT, "envelope too long");
		writer_done(p->spool, &p->append, ERR_LIMIT, &e);
		return;
	}
	if (p->fd < 0) {
		q_writer_append(p->spool->writer, &p->append);
		return;
	}
	p->sync.fd = p->fd;
	p->sync.done = content_synced;
	q_content_sync(p->spool->contents, &p->sync);
}

void
q_put_abort(struct q_put **p)
{
	if (*p == NULL)
		return;
	put_failed(*p);
	put_free(*p);
	*p = NULL;
}
