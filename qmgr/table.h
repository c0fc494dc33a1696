/*
 * A hash table of nodes that live inside other structs, by 64-bit key. Grows
 * by doubling, a few chains at each table_put(), so that none of them takes
 * long however many nodes there are; no order.
 */
#ifndef QMGR_TABLE_H
#define QMGR_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct table_node {
	uint64_t key;
	struct table_node *next;
	void *owner;
};

struct table {
	struct table_node **v;
	size_t n, cap; /* cap: a power of two, or 0 */
	/* while it grows: the smaller one; chains below `moved` are empty */
	struct table_node **old;
	size_t old_cap, moved;
};

/* Leaves the nodes alone. */
void table_free(struct table *t);
/* The key must not be there. */
void table_put(
    struct table *t, struct table_node *node, uint64_t key, void *owner);
/* The owner, or NULL. */
void *table_get(const struct table *t, uint64_t key);
void table_remove(struct table *t, struct table_node *node);
/* Calls fn for each owner, in no order. fn may remove (and free) the one that
 * it is given, and no other. */
void table_each(
    const struct table *t, void (*fn)(void *arg, void *owner), void *arg);

#endif
