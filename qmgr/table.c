#include "qmgr/table.h"

#include <stdlib.h>

#include "lib/arena.h"
#include "lib/log.h"

#define FIRST_CAP 256

/* The finishing step of splitmix64: neighbouring keys go far apart. */
static size_t
bucket(const struct table *t, uint64_t key)
{
	key = (key ^ (key >> 30)) * 0xbf58476d1ce4e5b9ULL;
	key = (key ^ (key >> 27)) * 0x94d049bb133111ebULL;
	return (size_t)(key ^ (key >> 31)) & (t->cap - 1);
}

void
table_free(struct table *t)
{
	free(t->v);
	*t = (struct table){0};
}

static void
grow(struct table *t)
{
	struct table old = *t;

	t->cap = old.cap > 0 ? old.cap * 2 : FIRST_CAP;
	t->v = xcalloc(t->cap, sizeof(*t->v));
	for (size_t i = 0; i < old.cap; i++) {
		struct table_node *x, *next;

		for (x = old.v[i]; x != NULL; x = next) {
			size_t b = bucket(t, x->key);

			next = x->next;
			x->next = t->v[b];
			t->v[b] = x;
		}
	}
	free(old.v);
}

void
table_put(struct table *t, struct table_node *node, uint64_t key, void *owner)
{
	size_t b;

	if (t->n >= t->cap)
		grow(t);
	b = bucket(t, key);
	node->key = key;
	node->owner = owner;
	node->next = t->v[b];
	t->v[b] = node;
	t->n++;
}

void *
table_get(const struct table *t, uint64_t key)
{
	struct table_node *x;

	if (t->cap == 0)
		return NULL;
	for (x = t->v[bucket(t, key)]; x != NULL; x = x->next)
		if (x->key == key)
			return x->owner;
	return NULL;
}

void
table_remove(struct table *t, struct table_node *node)
{
	struct table_node **x = &t->v[bucket(t, node->key)];

	while (*x != node) {
		INVARIANT(*x != NULL);
		x = &(*x)->next;
	}
	*x = node->next;
	t->n--;
}

void
table_each(const struct table *t, void (*fn)(void *arg, void *owner), void *arg)
{
	struct table_node *x, *next;

	for (size_t i = 0; i < t->cap; i++)
		for (x = t->v[i]; x != NULL; x = next) {
			next = x->next;
			fn(arg, x->owner);
		}
}
