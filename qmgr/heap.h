/*
 * A binary heap of nodes that live inside other structs: least key first.
 * Every node knows its place, so that removing or re-keying one costs the
 * logarithm of the number of nodes. Nodes are small, because there is one for
 * each of a million mlists: whose a node is, HEAP_OWNER() says.
 */
#ifndef QMGR_HEAP_H
#define QMGR_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct heap_node {
	int64_t key;
	uint32_t place; /* 1-based; 0: not in a heap */
};

struct heap {
	struct heap_node **v;
	size_t n, cap;
};

/* The struct of that type whose `member` the node is. */
#define HEAP_OWNER(node, type, member) \
	((type *)(void *)((char *)(node)-offsetof(type, member)))

void heap_free(struct heap *h);
/* Sets the key and puts the node in, or moves it to its new place. */
void heap_put(struct heap *h, struct heap_node *node, int64_t key);
/* Nothing happens when it is not in. */
void heap_remove(struct heap *h, struct heap_node *node);
/* The least, or NULL. */
struct heap_node *heap_first(const struct heap *h);

#endif
