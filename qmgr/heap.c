#include "qmgr/heap.h"

#include <stdbool.h>
#include <stdlib.h>

#include "lib/arena.h"
#include "lib/log.h"

void
heap_free(struct heap *h)
{
	free(h->v);
	*h = (struct heap){0};
}

static bool
before(const struct heap_node *x, const struct heap_node *y)
{
	return x->key < y->key;
}

static void
set(struct heap *h, size_t place, struct heap_node *node)
{
	h->v[place - 1] = node;
	node->place = (uint32_t)place;
}

static void
rise(struct heap *h, struct heap_node *node)
{
	size_t i = node->place;

	while (i > 1 && before(node, h->v[i / 2 - 1])) {
		set(h, i, h->v[i / 2 - 1]);
		i /= 2;
	}
	set(h, i, node);
}

static void
sink(struct heap *h, struct heap_node *node)
{
	size_t i = node->place, child;

	while ((child = i * 2) <= h->n) {
		if (child < h->n && before(h->v[child], h->v[child - 1]))
			child++;
		if (!before(h->v[child - 1], node))
			break;
		set(h, i, h->v[child - 1]);
		i = child;
	}
	set(h, i, node);
}

void
heap_put(struct heap *h, struct heap_node *node, int64_t key)
{
	node->key = key;
	if (node->place == 0) {
		if (h->n == h->cap) {
			INVARIANT(h->n < UINT32_MAX / 2);
			h->cap = h->cap > 0 ? h->cap * 2 : 64;
			h->v = xrealloc(h->v, h->cap * sizeof(*h->v));
		}
		h->n++;
		set(h, h->n, node);
	}
	rise(h, node);
	sink(h, node);
}

void
heap_remove(struct heap *h, struct heap_node *node)
{
	struct heap_node *last;
	size_t hole = node->place;

	if (hole == 0)
		return;
	INVARIANT(hole <= h->n && h->v[hole - 1] == node);
	last = h->v[--h->n];
	node->place = 0;
	if (last == node)
		return;
	set(h, hole, last);
	rise(h, last);
	sink(h, last);
}

struct heap_node *
heap_first(const struct heap *h)
{
	return h->n > 0 ? h->v[0] : NULL;
}
