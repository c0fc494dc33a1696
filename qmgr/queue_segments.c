/*
 * Which segments are still needed: each counts its live records, and goes as
 * a whole when nobody appends to it and none is left. Those that are kept by
 * a few are told to the compactor, and where it put their records is
 * remembered here.
 */
#include <stdlib.h>
#include <string.h>

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

/* No compaction can give it up: it is going anyway, or cannot be read. */
static void
uncount(struct q_queue *q, struct segment *s)
{
	if (!s->counted)
		return;
	s->counted = false;
	q->file_octets -= s->size;
	q->live_octets -= s->live_octets;
}

static void
segment_free(struct q_queue *q, struct segment *s)
{
	table_remove(&q->segments, &s->node);
	uncount(q, s);
	q_places_free(&s->left);
	q_places_free(&s->all);
	q_places_free(&s->done);
	q_places_free(&s->moved);
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

/* --- octets --- */

/* The index of the first place that is not lower. */
static size_t
find_place(const struct q_places *p, uint32_t place)
{
	size_t low = 0, high = p->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (p->v[middle] < place)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Octets that a record of a finished segment takes; 0: not known. */
static uint64_t
octets_at(const struct segment *s, uint32_t place)
{
	size_t i = find_place(&s->all, place);
	uint64_t next;

	if (i == s->all.n || s->all.v[i] != place)
		return 0;
	next = i + 1 < s->all.n ? (uint64_t)s->all.v[i + 1] * Q_PLACE : s->end;
	return next - (uint64_t)place * Q_PLACE;
}

static void
less_live(struct q_queue *q, struct segment *s, uint64_t octets)
{
	octets = octets < s->live_octets ? octets : s->live_octets;
	s->live_octets -= octets;
	if (s->counted)
		q->live_octets -= octets;
}

static uint32_t
place_in_segment(q_id id)
{
	return (uint32_t)(id & ((1u << Q_PLACE_BITS) - 1));
}

/* The record at this place is not needed: for one of two reasons. */
static void
place_over(struct q_queue *q, q_id place, bool moved)
{
	struct segment *s = get(q, q_id_number(place));

	INVARIANT(s->live > 0);
	s->live--;
	q_places_add(moved ? &s->moved : &s->done, place);
	less_live(q, s, octets_at(s, place_in_segment(place)));
	free_if_over(q, s);
}

/* It has a copy, but is read still: no octets that are needed. */
static void
place_left(struct q_queue *q, q_id place)
{
	struct segment *s = get(q, q_id_number(place));

	q_places_add(&s->left, place);
	less_live(q, s, octets_at(s, place_in_segment(place)));
	if (s->finished && s->live == s->left.n)
		uncount(q, s);
}

/* And now it is read no more. */
static void
place_released(struct q_queue *q, q_id place)
{
	struct segment *s = get(q, q_id_number(place));
	size_t i = 0;

	while (i < s->left.n && s->left.v[i] != place_in_segment(place))
		i++;
	INVARIANT(i < s->left.n && s->live > 0);
	s->left.v[i] = s->left.v[--s->left.n];
	s->live--;
	q_places_add(&s->moved, place);
	free_if_over(q, s);
}

/* --- records --- */

static bool
has_place(const struct q_places *p, q_id id)
{
	uint32_t low = place_in_segment(id);

	for (size_t i = 0; i < p->n; i++)
		if (p->v[i] == low)
			return true;
	return false;
}

/* Was it over already? Asked only for what came a second time (a scan after a
 * crash), so that going over the list is good enough. */
bool
queue_record_known(const struct q_queue *q, q_id id)
{
	const struct segment *s = table_get(&q->segments, q_id_number(id));

	return s != NULL &&
	    (has_place(&s->done, id) || has_place(&s->moved, id));
}

q_id
queue_record_place(const struct q_queue *q, q_id id)
{
	const struct moved *x = table_get(&q->moved, id);

	return x != NULL ? x->place : id;
}

static void
set_place(struct q_queue *q, q_id id, q_id place)
{
	struct moved *x = table_get(&q->moved, id);

	if (x == NULL) {
		x = xcalloc(1, sizeof(*x));
		table_put(&q->moved, &x->node, id, x);
	}
	x->place = place;
}

static void
place_added(struct q_queue *q, q_id place)
{
	struct segment *s = get(q, q_id_number(place));

	s->announced++;
	s->live++;
}

void
queue_record_added(struct q_queue *q, q_id id, q_id place)
{
	if (place != 0 && place != id)
		set_place(q, id, place);
	place_added(q, place != 0 ? place : id);
}

void
queue_record_over(struct q_queue *q, q_id id)
{
	struct moved *x = table_get(&q->moved, id);
	q_id place = x != NULL ? x->place : id;

	if (x != NULL) {
		table_remove(&q->moved, &x->node);
		free(x);
	}
	place_over(q, place, false);
}

/* --- moving --- */

static bool
is_live(const struct q_queue *q, const struct q_moved *m)
{
	const struct message *message =
	    table_get(&q->messages, m->parent != 0 ? m->parent : m->id);
	const struct version *v;

	if (message == NULL || m->parent == 0)
		return message != NULL;
	for (v = message->versions; v != NULL; v = v->next)
		if (v->id == m->id)
			return true;
	return false;
}

static bool
is_read(const struct q_queue *q, const struct leaving *x)
{
	const struct message *m = table_get(&q->messages, x->message);
	const struct mlist *ml;

	for (ml = m != NULL ? m->mlists : NULL; ml != NULL; ml = ml->next)
		if (ml->node.owner != NULL && ml->node.key < x->before)
			return true;
	return false;
}

void
queue_segments_tick(struct q_queue *q)
{
	struct leaving **at = &q->leaving, *x;

	while ((x = *at) != NULL) {
		if (is_read(q, x)) {
			at = &x->next;
			continue;
		}
		*at = x->next;
		place_released(q, x->place);
		free(x);
	}
}

static void
leave(struct q_queue *q, q_id message, q_id place)
{
	struct leaving *x = xcalloc(1, sizeof(*x));

	*x = (struct leaving){q->leaving, message, place, q->next_number};
	q->leaving = x;
	place_left(q, place);
}

/* An older copy than the one in use, or one of what is over, is waste. */
void
q_queue_moved(struct q_queue *q, const struct q_moved *m)
{
	bool live = is_live(q, m);
	q_id old = queue_record_place(q, m->id);

	if ((live && old == m->place) || queue_record_known(q, m->place))
		return;
	place_added(q, m->place);
	if (!live || m->place < old) {
		place_over(q, m->place, live);
		return;
	}
	set_place(q, m->id, m->place);
	leave(q, m->parent != 0 ? m->parent : m->id, old);
	queue_segments_tick(q);
}

/* --- finished segments --- */

static void
add_all(struct q_places *to, const uint32_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		q_places_add(to, v[i]);
}

static uint64_t
octets_of(const struct segment *s, const struct q_places *p)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < p->n; i++)
		sum += octets_at(s, p->v[i]);
	return sum;
}

/* The sizes in a segment, for compaction; one that is not described stays out
 * of it. */
static void
measure(struct q_queue *q, struct segment *s, const struct q_segment_news *news)
{
	uint64_t all, over;

	if (news->n_all == 0 || news->size == 0)
		return;
	add_all(&s->all, news->all, news->n_all);
	s->size = news->size;
	s->end = news->end;
	all = s->end - (uint64_t)s->all.v[0] * Q_PLACE;
	over = octets_of(s, &s->done) + octets_of(s, &s->moved) +
	    octets_of(s, &s->left);
	s->live_octets = over < all ? all - over : 0;
	s->counted = true;
	q->file_octets += s->size;
	q->live_octets += s->live_octets;
}

void
q_queue_segment(struct q_queue *q, const struct q_segment_news *news)
{
	struct segment *s = get(q, news->number);

	if (s->finished)
		return;
	s->finished = true;
	s->records = news->records;
	add_all(&s->done, news->v, news->n);
	add_all(&s->moved, news->moved, news->n_moved);
	measure(q, s, news);
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
	if (q->keeping > 0)
		return;
	table_each(&q->segments, look_again, q);
}

/* --- compaction --- */

struct q_queue_use
q_queue_use(const struct q_queue *q)
{
	return (struct q_queue_use){q->file_octets, q->live_octets};
}

struct candidates {
	const struct segment **v;
	size_t n;
};

static void
add_candidate(void *arg, void *owner)
{
	struct candidates *c = arg;
	const struct segment *s = owner;

	if (s->counted && s->live > s->left.n && s->announced >= s->records)
		c->v[c->n++] = s;
}

/* The emptiest first. */
static int
by_use(const void *x, const void *y)
{
	const struct segment *a = *(const struct segment *const *)x;
	const struct segment *b = *(const struct segment *const *)y;
	double use_a = (double)a->live_octets / (double)a->size;
	double use_b = (double)b->live_octets / (double)b->size;

	return use_a < use_b ? -1 : use_a > use_b;
}

static int
by_number(const void *x, const void *y)
{
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;

	return a < b ? -1 : a > b;
}

static void
add_places(struct q_places *to, const struct q_places *from)
{
	if (from->n > 0)
		memcpy(to->v + to->n, from->v, from->n * sizeof(*from->v));
	to->n += from->n;
}

/* Adds the places that are in `all` and neither done nor moved nor left. */
static void
add_live(const struct segment *s, q_id *v, size_t *n)
{
	size_t n_over = s->done.n + s->moved.n + s->left.n;
	struct q_places over = {
	    .v = xmalloc((n_over + 1) * sizeof(uint32_t)), .cap = n_over};

	add_places(&over, &s->done);
	add_places(&over, &s->moved);
	add_places(&over, &s->left);
	qsort(over.v, n_over, sizeof(uint32_t), by_number);
	for (size_t i = 0; i < s->all.n; i++) {
		size_t at = find_place(&over, s->all.v[i]);

		if (at == n_over || over.v[at] != s->all.v[i])
			v[(*n)++] = s->number << Q_PLACE_BITS | s->all.v[i];
	}
	q_places_free(&over);
}

size_t
q_queue_stragglers(
    const struct q_queue *q, uint64_t waste, uint64_t most, q_id **v)
{
	struct candidates c = {xcalloc(q->segments.n + 1, sizeof(*c.v)), 0};
	uint64_t wasted = 0, octets = 0;
	size_t n = 0, places = 0;

	table_each(&q->segments, add_candidate, &c);
	qsort(c.v, c.n, sizeof(*c.v), by_use);
	for (size_t i = 0; i < c.n; i++) {
		octets += c.v[i]->live_octets;
		if (wasted >= waste || (i > 0 && octets > most))
			c.n = i;
		else
			places += c.v[i]->all.n;
		wasted += c.v[i]->size - c.v[i]->live_octets;
	}
	*v = xcalloc(places + 1, sizeof(**v));
	for (size_t i = 0; i < c.n; i++)
		add_live(c.v[i], *v, &n);
	free(c.v);
	return n;
}

void
q_queue_unmoved(struct q_queue *q, const q_id *v, size_t n)
{
	uint64_t last = 0, number;

	for (size_t i = 0; i < n; i++, last = number) {
		struct segment *s;

		number = q_id_number(v[i]);
		if (number == last)
			continue;
		s = table_get(&q->segments, number);
		if (s != NULL && s->live > s->left.n)
			uncount(q, s);
	}
}

/* --- the end --- */

static void
forget_segment(void *arg, void *owner)
{
	segment_free(arg, owner);
}

static void
forget_moved(void *arg, void *owner)
{
	struct q_queue *q = arg;
	struct moved *x = owner;

	table_remove(&q->moved, &x->node);
	free(x);
}

void
queue_segments_free(struct q_queue *q)
{
	struct leaving *x;

	while ((x = q->leaving) != NULL) {
		q->leaving = x->next;
		free(x);
	}
	table_each(&q->segments, forget_segment, q);
	table_each(&q->moved, forget_moved, q);
	table_free(&q->segments);
	table_free(&q->moved);
}

uint64_t
q_queue_segments(const struct q_queue *q)
{
	return q->segments.n;
}
