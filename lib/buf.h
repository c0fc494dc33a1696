/*
 * A growable run of octets: appended at the end, consumed from the front.
 * The unread octets are data[0] .. data[len-1]; they stay contiguous, and a
 * pointer into them is good until the next append. Zero-initialise
 * (`struct buf b = {0}`) and end with buf_free().
 */
#ifndef LIB_BUF_H
#define LIB_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data; /* first unread octet */
	size_t len;    /* unread octets */
	uint8_t *base; /* the allocation */
	size_t cap;    /* size of the allocation */
};

void buf_free(struct buf *b);
/* Forgets the content, keeps the memory. */
void buf_clear(struct buf *b);
/* Makes room for n more octets and returns where they go; the caller then
 * says how many it wrote with buf_grow(). */
uint8_t *buf_reserve(struct buf *b, size_t n);
void buf_grow(struct buf *b, size_t n);
void buf_append(struct buf *b, const void *p, size_t n);
void buf_putc(struct buf *b, uint8_t c);
void buf_puts(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Puts octets before the first unread one. */
void buf_prepend(struct buf *b, const void *p, size_t n);
/* Drops n octets (n <= len) from the front. */
void buf_consume(struct buf *b, size_t n);
/* A NUL after the last octet, not counted in len; returns data as text. */
char *buf_cstr(struct buf *b);

/* Is any of n octets above 127? */
bool buf_has_8bit(const uint8_t *p, size_t n);

/* Big-endian integers, as OSI and our own formats have them. */
void buf_put_u16(struct buf *b, uint16_t v);
void buf_put_u32(struct buf *b, uint32_t v);
void buf_put_u64(struct buf *b, uint64_t v);

/* A counted run of octets owned by someone else. */
struct octets {
	const uint8_t *p;
	size_t n;
};

#endif
