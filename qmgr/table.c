#include "qmgr/table.h"

#include <stdlib.h>

#include "lib/arena.h"
#include "lib/log.h"

#define FIRST_CAP 256

/* Chains moved at a table_put() while it grows: two would do, because as many
 * puts as there are chains go by before it is full again. */
#define MOVES 4

/* The finishing step of splitmix64: neighbouring keys go far apart. */
static size_t
hash(uint64_t key)
{
	key = (key ^ (key >> 30)) * 0xbf58476d1ce4e5b9ULL;
	key = (key ^ (key >> 27)) * 0x94d049bb133111ebULL;
	return (size_t)(key ^ (key >> 31));
}

/* Where the key's chain begins. */
static struct table_node **
chain(const struct table *t, uint64_t key)
{
	size_t h = hash(key);

	if (t->old != NULL && (h & (t->old_cap - 1)) >= t->moved)
		return &t->old[h & (t->old_cap - 1)];
	return &t->v[h & (t->cap - 1)];
}

void
table_free(struct table *t)
{
	free(t->v);
	free(t->old);
	*t = (struct table){0};
}

static void
move_chain(struct table *t)
{
	struct table_node *x = t->old[t->moved], *next;

	for (; x != NULL; x = next) {
		struct table_node **to = &t->v[hash(x->key) & (t->cap - 1)];

		next = x->next;
		x->next = *to;
		*to = x;
	}
	t->old[t->moved++] = NULL;
}

static void
move_some(struct table *t)
{
	for (unsigned i = 0; i < MOVES && t->moved < t->old_cap; i++)
		move_chain(t);
	if (t->moved == t->old_cap) {
		free(t->old);
		t->old = NULL;
	}
}

static void
grow(struct table *t)
{
	INVARIANT(t->old == NULL);
	if (t->cap > 0) {
		t->old = t->v;
		t->old_cap = t->cap;
		t->moved = 0;
	}
	t->cap = t->cap > 0 ? t->cap * 2 : FIRST_CAP;
	t->v = xcalloc(t->cap, sizeof(struct table_node *));
}

void
table_put(struct table *t, struct table_node *node, uint64_t key, void *owner)
{
	struct table_node **to;

	if (t->old != NULL)
		move_some(t);
	if (t->n >= t->cap)
		grow(t);
	to = chain(t, key);
	node->key = key;
	node->owner = owner;
	node->next = *to;
	*to = node;
	t->n++;
}

void *
table_get(const struct table *t, uint64_t key)
{
	struct table_node *x;

	if (t->cap == 0)
		return NULL;
	for (x = *chain(t, key); x != NULL; x = x->next)
		if (x->key == key)
			return x->owner;
	return NULL;
}

void
table_remove(struct table *t, struct table_node *node)
{
	struct table_node **x = chain(t, node->key);

	while (*x != node) {
		INVARIANT(*x != NULL);
		x = &(*x)->next;
	}
	*x = node->next;
	t->n--;
}

static void
each(struct table_node **v, size_t n, void (*fn)(void *arg, void *owner),
    void *arg)
{
	struct table_node *x, *next;

	for (size_t i = 0; i < n; i++)
		for (x = v[i]; x != NULL; x = next) {
			next = x->next;
			fn(arg, x->owner);
		}
}

void
table_each(const struct table *t, void (*fn)(void *arg, void *owner), void *arg)
{
	if (t->old != NULL)
		each(t->old, t->old_cap, fn, arg);
	each(t->v, t->cap, fn, arg);
}
