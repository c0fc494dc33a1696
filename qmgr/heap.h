/*
 * A binary heap of nodes that live inside other structs: least key first,
 * with the second key breaking ties. Every node knows its place, so that
 * removing or re-keying one costs the logarithm of the number of nodes.
 */
#ifndef QMGR_HEAP_H
#define QMGR_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct heap_node {
	int64_t key;
	uint64_t second;
	size_t place; /* 1-based; 0: not in a heap */
	void *owner;  /* whatever the node belongs to */
};

struct heap {
	struct heap_node **v;
	size_t n, cap;
};

void heap_free(struct heap *h);
/* Sets the keys and puts the node in, or moves it to its new place. */
void heap_put(
    struct heap *h, struct heap_node *node, int64_t key, uint64_t second);
/* Nothing happens when it is not in. */
void heap_remove(struct heap *h, struct heap_node *node);
/* The least, or NULL. */
struct heap_node *heap_first(const struct heap *h);

#endif
