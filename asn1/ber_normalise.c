/*
 * Normalising takes two walks over the input, both linear: the first adds up
 * the length that each constructed element will have, the second writes. An
 * element's place in `nodes` is the order in which it was opened, which is the
 * same in both.
 */
#include "asn1/ber.h"

#include <limits.h>
#include <stdlib.h>

#include "asn1/ber_header.h"
#include "lib/log.h"

#define NOT_IN_STRING UINT_MAX

/* One constructed element of the input. */
struct node {
	uint64_t length; /* of its content once normalised */
	uint8_t unused;  /* BIT STRING: unused bits of its last segment */
};

struct level {
	struct ber_tag tag;
	size_t node; /* constructed: its place in nodes */
};

struct walk {
	struct node *nodes;
	size_t n, cap;
	size_t at;       /* second walk: the next node */
	struct buf *out; /* second walk */
	struct level open[BER_DEPTH_MAX + 1];
	unsigned string_depth; /* of the constructed string we are in */
	bool bits;             /* it is a BIT STRING, and ... */
	bool bits_first;       /* ... a segment's first octet is next */
};

static bool
in_string(const struct walk *w, unsigned depth)
{
	return depth > w->string_depth;
}

static size_t
node_add(struct walk *w)
{
	if (w->n == w->cap) {
		w->cap = w->cap > 0 ? w->cap * 2 : 64;
		w->nodes = xrealloc(w->nodes, w->cap * sizeof(*w->nodes));
	}
	w->nodes[w->n] = (struct node){0};
	return w->n++;
}

/* What both walks note of an element. */
static void
enter(struct walk *w, unsigned depth, const struct ber_tag *t, size_t node)
{
	w->open[depth] = (struct level){.tag = *t, .node = node};
	if (!t->constructed || !ber_is_string(t))
		return;
	w->string_depth = depth;
	w->bits = t->number == BER_BIT_STRING;
}

static void
enter_segment(struct walk *w, const struct ber_tag *t)
{
	w->bits_first = w->bits && !t->constructed;
}

static void
leave(struct walk *w, unsigned depth)
{
	w->bits_first = false;
	if (w->string_depth == depth)
		w->string_depth = NOT_IN_STRING;
}

static int
measure_open(void *arg, unsigned depth, const struct ber_open *o, struct err *e)
{
	struct walk *w = arg;
	size_t node = 0;

	(void)e;
	if (in_string(w, depth)) {
		enter_segment(w, &o->tag);
		return 0;
	}
	if (o->tag.constructed)
		node = node_add(w);
	enter(w, depth, &o->tag, node);
	if (w->string_depth == depth && w->bits)
		w->nodes[node].length = 1; /* the count of unused bits */
	if (!o->tag.constructed && depth > 0)
		w->nodes[w->open[depth - 1].node].length +=
		    ber_header_size(o->tag.number, o->length) + o->length;
	return 0;
}

static int
measure_data(
    void *arg, unsigned depth, const uint8_t *p, size_t n, struct err *e)
{
	struct walk *w = arg;
	struct node *s;

	(void)e;
	if (!in_string(w, depth))
		return 0;
	s = &w->nodes[w->open[w->string_depth].node];
	if (w->bits_first) {
		w->bits_first = false;
		s->unused = p[0];
		n--;
	}
	s->length += n;
	return 0;
}

static int
measure_close(void *arg, unsigned depth, bool indefinite, struct err *e)
{
	struct walk *w = arg;
	const struct level *l = &w->open[depth];
	uint64_t length;

	(void)indefinite;
	(void)e;
	if (!in_string(w, depth) && l->tag.constructed && depth > 0) {
		length = w->nodes[l->node].length;
		w->nodes[w->open[depth - 1].node].length +=
		    ber_header_size(l->tag.number, length) + length;
	}
	leave(w, depth);
	return 0;
}

static int
write_open(void *arg, unsigned depth, const struct ber_open *o, struct err *e)
{
	struct walk *w = arg;
	const struct ber_tag *t = &o->tag;
	const struct node *x;

	(void)e;
	if (in_string(w, depth)) {
		enter_segment(w, t);
		return 0;
	}
	if (!t->constructed) {
		ber_put_header(w->out, t->cls, false, t->number, o->length);
		return 0;
	}
	INVARIANT(w->at < w->n);
	x = &w->nodes[w->at];
	enter(w, depth, t, w->at++);
	ber_put_header(w->out, t->cls, !ber_is_string(t), t->number, x->length);
	if (w->string_depth == depth && w->bits)
		buf_putc(w->out, x->unused);
	return 0;
}

static int
write_data(void *arg, unsigned depth, const uint8_t *p, size_t n, struct err *e)
{
	struct walk *w = arg;
	size_t skip = 0;

	(void)e;
	if (in_string(w, depth) && w->bits_first) {
		w->bits_first = false;
		skip = 1;
	}
	buf_append(w->out, p + skip, n - skip);
	return 0;
}

static int
write_close(void *arg, unsigned depth, bool indefinite, struct err *e)
{
	(void)indefinite;
	(void)e;
	leave(arg, depth);
	return 0;
}

static const struct ber_scan_ops measure_ops = {
    measure_open, measure_data, measure_close};
static const struct ber_scan_ops write_ops = {
    write_open, write_data, write_close};

static int64_t
walk_run(struct walk *w, const struct ber_scan_ops *ops, const uint8_t *p,
    size_t n, const struct ber_limits *limits, struct err *e)
{
	struct ber_scan *s = ber_scan_new(limits, ops, w);
	int64_t used;

	w->string_depth = NOT_IN_STRING;
	used = ber_scan_feed(s, p, n, e);
	if (used >= 0 && !ber_scan_done(s))
		used = err_at(e, "ber", ERR_SYNTAX, ber_scan_offset(s),
		    "element ends too early");
	ber_scan_free(&s);
	return used;
}

int64_t
ber_normalise(const uint8_t *p, size_t n, const struct ber_limits *limits,
    struct buf *out, struct err *e)
{
	struct walk w = {.out = out};
	int64_t used = walk_run(&w, &measure_ops, p, n, limits, e);

	if (used >= 0) {
		buf_reserve(out, (size_t)used);
		used = walk_run(&w, &write_ops, p, (size_t)used, limits, e);
		INVARIANT(used >= 0 && w.at == w.n);
	}
	free(w.nodes);
	return used;
}
