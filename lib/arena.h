/*
 * An arena: memory that lives and dies with one message, association or
 * request. Allocation never returns NULL: a process that cannot get memory
 * ends with a log line (sizes from the wire pass a limit first, so that a peer
 * cannot bring this about). Everything is freed at once by arena_free().
 */
#ifndef LIB_ARENA_H
#define LIB_ARENA_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct arena *arena_new(void);
/* Frees all of it and clears the caller's pointer; NULL is allowed. */
void arena_free(struct arena **a);
/* Gives back everything but the first block, for reuse. */
void arena_reset(struct arena *a);

/* Zeroed memory, aligned for any type. n == 0 gives a valid pointer. */
void *arena_alloc(struct arena *a, size_t n);
void *arena_memdup(struct arena *a, const void *p, size_t n);
char *arena_strdup(struct arena *a, const char *s);
/* Copies n octets and adds a NUL. */
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap);

/* Grows an array held in the arena to hold one more element: returns a
 * zeroed slot. `*v` has `*n` elements of `size` octets (capacity is the next
 * power of two above *n); *n is incremented. */
void *arena_push(struct arena *a, void *v, size_t *n, size_t size);

/* Runs fn(arg) when the arena is freed or reset (for foreign objects). */
void arena_on_free(struct arena *a, void (*fn)(void *), void *arg);

size_t arena_used(const struct arena *a);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))

/* For what is not in an arena: malloc and friends that never return NULL. */
void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);

#endif
