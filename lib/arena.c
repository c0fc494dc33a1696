#include "lib/arena.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"

#define BLOCK_SIZE 4000
#define ALIGN alignof(max_align_t)

struct block {
	struct block *next;
	size_t size, used;
	alignas(max_align_t) uint8_t data[];
};

struct hook {
	struct hook *next;
	void (*fn)(void *);
	void *arg;
};

struct arena {
	struct block *blocks; /* newest first */
	struct hook *hooks;
	size_t used;
};

static struct block *
block_new(size_t size, struct block *next)
{
	struct block *b = xmalloc(sizeof(*b) + size);

	b->next = next;
	b->size = size;
	b->used = 0;
	return b;
}

struct arena *
arena_new(void)
{
	struct arena *a = xcalloc(1, sizeof(*a));

	a->blocks = block_new(BLOCK_SIZE, NULL);
	return a;
}

static void
run_hooks(struct arena *a)
{
	struct hook *h = a->hooks;

	a->hooks = NULL;
	for (; h != NULL; h = h->next)
		h->fn(h->arg);
}

void
arena_reset(struct arena *a)
{
	struct block *b;

	run_hooks(a);
	while ((b = a->blocks)->next != NULL) {
		a->blocks = b->next;
		free(b);
	}
	b->used = 0;
	a->used = 0;
}

void
arena_free(struct arena **ap)
{
	struct arena *a = *ap;
	struct block *b;

	if (a == NULL)
		return;
	*ap = NULL;
	run_hooks(a);
	while ((b = a->blocks) != NULL) {
		a->blocks = b->next;
		free(b);
	}
	free(a);
}

void *
arena_alloc(struct arena *a, size_t n)
{
	struct block *b = a->blocks;
	void *p;

	if (n > SIZE_MAX / 2)
		log_die("arena: allocation of %zu octets", n);
	n = (n + ALIGN - 1) & ~(ALIGN - 1);
	if (n > b->size - b->used) {
		b = block_new(n > BLOCK_SIZE ? n : BLOCK_SIZE, a->blocks);
		a->blocks = b;
	}
	p = b->data + b->used;
	b->used += n;
	a->used += n;
	memset(p, 0, n);
	return p;
}

void *
arena_memdup(struct arena *a, const void *p, size_t n)
{
	void *q = arena_alloc(a, n);

	if (n > 0)
		memcpy(q, p, n);
	return q;
}

char *
arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *q = arena_alloc(a, n + 1);

	if (n > 0)
		memcpy(q, s, n);
	return q;
}

char *
arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *
arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;
	int n;
	char *s;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		log_die("arena: bad format \"%s\"", fmt);
	s = arena_alloc(a, (size_t)n + 1);
	vsnprintf(s, (size_t)n + 1, fmt, ap);
	return s;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return s;
}

void *
arena_push(struct arena *a, void *v, size_t *n, size_t size)
{
	void **array = v;
	size_t have = *n, cap;
	uint8_t *grown;

	/* the capacity is implied: 0, then 4, 8, 16 ... */
	if (have == 0 || (have >= 4 && (have & (have - 1)) == 0)) {
		cap = have == 0 ? 4 : have * 2;
		grown = arena_alloc(a, cap * size);
		if (have > 0)
			memcpy(grown, *array, have * size);
		*array = grown;
	}
	*n = have + 1;
	return (uint8_t *)*array + have * size;
}

void
arena_on_free(struct arena *a, void (*fn)(void *), void *arg)
{
	struct hook *h = ARENA_NEW(a, struct hook);

	h->fn = fn;
	h->arg = arg;
	h->next = a->hooks;
	a->hooks = h;
}

size_t
arena_used(const struct arena *a)
{
	return a->used;
}

void *
xmalloc(size_t n)
{
	void *p = malloc(n > 0 ? n : 1);

	if (p == NULL)
		log_die("out of memory for %zu octets", n);
	return p;
}

void *
xcalloc(size_t n, size_t size)
{
	void *p = calloc(n > 0 ? n : 1, size > 0 ? size : 1);

	if (p == NULL)
		log_die("out of memory for %zu x %zu octets", n, size);
	return p;
}

void *
xrealloc(void *p, size_t n)
{
	p = realloc(p, n > 0 ? n : 1);
	if (p == NULL)
		log_die("out of memory for %zu octets", n);
	return p;
}

char *
xstrdup(const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(xmalloc(n), s, n);
}
