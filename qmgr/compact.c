#include "qmgr/compact.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "qmgr/files.h"
#include "qmgr/record.h"

struct copy {
	struct q_append append; /* first: the writer gives it back */
	struct q_moved moved;
};

/* What the writer said of a finished segment, until it is told. */
struct news {
	struct news *next;
	struct q_segment_news segment;
	struct q_places all;
};

struct compact {
	const struct q_compact_params *p;
	const struct q_compact_ops *ops;
	void *arg;
	struct q_compact_result *result;
	struct q_writer *writer;
	struct arena *arena; /* of one envelope */
	struct copy *copies; /* of one segment */
	size_t n;

	pthread_mutex_t lock;
	pthread_cond_t more;
	size_t answered; /* locked, as what follows */
	int rc;
	struct err e;
	struct news *first, **last;
};

/* --- in the writer's thread --- */

static void
on_done(void *arg, struct q_append *batch, int result, const struct err *e)
{
	struct compact *c = arg;

	pthread_mutex_lock(&c->lock);
	for (; batch != NULL; batch = batch->next) {
		struct copy *copy = (struct copy *)batch;

		if (result == 0)
			copy->moved.place = batch->h.id;
		c->answered++;
	}
	if (result != 0 && c->rc == 0) {
		c->rc = result;
		c->e = *e;
	}
	pthread_cond_signal(&c->more);
	pthread_mutex_unlock(&c->lock);
}

static void
on_finished(void *arg, const struct q_segment_news *news)
{
	struct compact *c = arg;
	struct news *n = xcalloc(1, sizeof(*n));

	n->segment = *news;
	for (size_t i = 0; i < news->n_all; i++)
		q_places_add(&n->all, news->all[i]);
	n->segment.all = n->all.v;
	pthread_mutex_lock(&c->lock);
	*c->last = n;
	c->last = &n->next;
	pthread_mutex_unlock(&c->lock);
}

/* --- one record --- */

static int
check_record(const struct q_file *f, q_id id, struct q_header *h, struct err *e)
{
	uint64_t offset = q_id_offset(id);
	int rc;

	if (offset + Q_HEADER > f->n)
		return err_set(e, "spool", ERR_SYNTAX, "file ends before it");
	if ((rc = q_header_unpack(h, f->p + offset, e)) != 0)
		return rc;
	if (h->id != id ||
	    (h->type != Q_RECORD_MESSAGE && h->type != Q_RECORD_MOVED) ||
	    q_record_size(h) > f->n - offset)
		return err_set(e, "spool", ERR_SYNTAX, "another record");
	return q_record_check(h, f->p + offset + Q_HEADER, e);
}

/* The header of a copy has no room for the parent: the envelope says it. */
static int
find_parent(struct compact *c, const struct q_header *h, const uint8_t *body,
    q_id *parent, struct err *e)
{
	const struct mhs_envelope *env;

	*parent = h->parent;
	if (h->type == Q_RECORD_MESSAGE)
		return 0;
	arena_reset(c->arena);
	env = mhs_envelope_unpack(c->arena, body, h->body_n, e);
	if (env == NULL)
		return ERR_SYNTAX;
	*parent = q_version_parent(env);
	return 0;
}

static int
make_copy(struct compact *c, const struct q_file *f, q_id place, struct err *e)
{
	struct copy *copy = &c->copies[c->n];
	const uint8_t *body = f->p + q_id_offset(place) + Q_HEADER;
	struct q_header h;
	q_id parent;
	int rc;

	if ((rc = check_record(f, place, &h, e)) != 0 ||
	    (rc = find_parent(c, &h, body, &parent, e)) != 0)
		return rc;
	*copy = (struct copy){
	    .append = {.h = h, .body = body, .content = body + h.body_n},
	    .moved = {.id = q_header_origin(&h), .parent = parent},
	};
	copy->append.h.type = Q_RECORD_MOVED;
	copy->append.h.parent = copy->moved.id;
	c->result->octets += q_record_size(&h);
	c->n++;
	return 0;
}

static void
leave_it(struct compact *c, q_id place, const struct err *e)
{
	char text[Q_ID_TEXT];

	log_err(LOG_LEVEL_ERROR, "not-moved", e, "place",
	    q_id_text(place, text), NULL);
	c->result->bad++;
}

/* --- one segment --- */

static void
tell_finished(struct compact *c)
{
	struct news *n, *next;

	pthread_mutex_lock(&c->lock);
	n = c->first;
	c->first = NULL;
	c->last = &c->first;
	pthread_mutex_unlock(&c->lock);
	for (; n != NULL; n = next) {
		next = n->next;
		c->ops->segment(c->arg, &n->segment);
		q_places_free(&n->all);
		free(n);
	}
}

/* Writes the copies, and tells those that are durable. */
static int
write_copies(struct compact *c)
{
	int rc;

	c->answered = 0;
	for (size_t i = 0; i < c->n; i++)
		q_writer_append(c->writer, &c->copies[i].append);
	pthread_mutex_lock(&c->lock);
	while (c->answered < c->n)
		pthread_cond_wait(&c->more, &c->lock);
	rc = c->rc;
	pthread_mutex_unlock(&c->lock);
	for (size_t i = 0; i < c->n; i++) {
		if (c->copies[i].moved.place == 0)
			continue;
		c->ops->moved(c->arg, &c->copies[i].moved);
		c->result->moved++;
	}
	tell_finished(c);
	return rc;
}

static int
compact_segment(struct compact *c, const q_id *places, size_t n)
{
	char path[4096], text[Q_NUMBER_TEXT];
	struct err e = ERR_INIT;
	struct q_file f;
	int rc;

	q_number_text(q_id_number(places[0]), text);
	snprintf(path, sizeof(path), "%s/segments/%s.seg", c->p->spool, text);
	rc = q_file_map(path, &f, &e);
	c->copies = xcalloc(n, sizeof(*c->copies));
	c->n = 0;
	for (size_t i = 0; i < n; i++)
		if (rc != 0 || make_copy(c, &f, places[i], &e) != 0)
			leave_it(c, places[i], &e);
	rc = write_copies(c);
	free(c->copies);
	q_file_unmap(&f);
	return rc;
}

static size_t
same_segment(const q_id *places, size_t n)
{
	size_t k = 1;

	while (k < n && q_id_number(places[k]) == q_id_number(places[0]))
		k++;
	return k;
}

/* A copy's number is higher than that of what it was copied from, whatever the
 * clock says: the loader then meets it later. */
static uint64_t
first_number(const struct compact *c, const q_id *places, size_t n)
{
	uint64_t first = c->p->first_number;

	for (size_t i = 0; i < n; i++)
		if (q_id_number(places[i]) >= first)
			first = q_id_number(places[i]) + 1;
	return first;
}

static int
open_writer(struct compact *c, uint64_t first, struct err *e)
{
	char segments[4096], recycled[4096];
	struct q_writer_params w = {
	    .directory = segments,
	    .recycled = recycled,
	    .suffix = ".seg",
	    .file_size = c->p->segment_size,
	    .first_number = first,
	    .instance = c->p->instance,
	    .io = c->p->io,
	    .done = on_done,
	    .finished = on_finished,
	    .arg = c,
	};

	snprintf(segments, sizeof(segments), "%s/segments", c->p->spool);
	snprintf(
	    recycled, sizeof(recycled), "%s/segments/recycled", c->p->spool);
	c->writer = q_writer_open(&w, e);
	return c->writer != NULL ? 0 : ERR_SYSTEM;
}

int
q_compact(const struct q_compact_params *p, const q_id *places, size_t n,
    const struct q_compact_ops *ops, void *arg, struct q_compact_result *result,
    struct err *e)
{
	struct compact c = {.p = p, .ops = ops, .arg = arg, .result = result};
	size_t k;
	int rc;

	*result = (struct q_compact_result){0};
	c.last = &c.first;
	if ((rc = open_writer(&c, first_number(&c, places, n), e)) != 0)
		return rc;
	pthread_mutex_init(&c.lock, NULL);
	pthread_cond_init(&c.more, NULL);
	c.arena = arena_new();
	for (; rc == 0 && n > 0; places += k, n -= k) {
		k = same_segment(places, n);
		rc = compact_segment(&c, places, k);
	}
	q_writer_close(&c.writer);
	tell_finished(&c);
	if (rc != 0 && e != NULL)
		*e = c.e;
	arena_free(&c.arena);
	pthread_cond_destroy(&c.more);
	pthread_mutex_destroy(&c.lock);
	return rc;
}
