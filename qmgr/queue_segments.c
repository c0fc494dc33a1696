/*
 * Which segments are still needed: each counts its live records, and goes as
 * a whole when nobody appends to it and none is left.
 */
#include <stdlib.h>

#include "lib/arena.h"
#include "lib/log.h"
#include "qmgr/queue_own.h"
#include "qmgr/record.h"

static struct segment *
get(struct q_queue *q, uint64_t number)
{
	struct segment *s = table_get(&q->segments, number);

	if (s == NULL) {
		s = xcalloc(1, sizeof(*s));
		s->number = number;
		table_put(&q->segments, &s->node, number, s);
	}
	return s;
}

static void
segment_free(struct q_queue *q, struct segment *s)
{
	table_remove(&q->segments, &s->node);
	q_places_free(&s->done);
	free(s);
}

static void
free_if_over(struct q_queue *q, struct segment *s)
{
	uint64_t number = s->number;

	if (!s->finished || s->live > 0 || s->announced < s->records ||
	    q->keeping > 0)
		return;
	segment_free(q, s);
	q->ops->segment_over(q->arg, number);
}

/* Was it over already? Asked only for what came a second time (a scan after a
 * crash), so that going over the list is good enough. */
bool
queue_record_known(const struct q_queue *q, q_id id)
{
	const struct segment *s = table_get(&q->segments, q_id_number(id));

	for (size_t i = 0; s != NULL && i < s->done.n; i++)
		if ((s->number << Q_PLACE_BITS | s->done.v[i]) == id)
			return true;
	return false;
}

void
queue_record_added(struct q_queue *q, q_id id)
{
	struct segment *s = get(q, q_id_number(id));

	s->announced++;
	s->live++;
}

void
queue_record_over(struct q_queue *q, q_id id)
{
	struct segment *s = get(q, q_id_number(id));

	INVARIANT(s->live > 0);
	s->live--;
	q_places_add(&s->done, id);
	free_if_over(q, s);
}

void
q_queue_segment(struct q_queue *q, const struct q_segment_news *news)
{
	struct segment *s = get(q, news->number);

	if (s->finished)
		return;
	s->finished = true;
	s->records = news->records;
	for (size_t i = 0; i < news->n; i++)
		q_places_add(&s->done, news->v[i]);
	free_if_over(q, s);
}

static void
look_again(void *arg, void *owner)
{
	free_if_over(arg, owner);
}

void
q_queue_keep_segments(struct q_queue *q, bool keep)
{
	q->keeping += keep ? 1 : -1;
	INVARIANT(q->keeping >= 0);
	if (q->keeping == 0)
		table_each(&q->segments, look_again, q);
}

static void
forget(void *arg, void *owner)
{
	segment_free(arg, owner);
}

void
queue_segments_free(struct q_queue *q)
{
	table_each(&q->segments, forget, q);
	table_free(&q->segments);
}

uint64_t
q_queue_segments(const struct q_queue *q)
{
	return q->segments.n;
}
