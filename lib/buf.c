#include "lib/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/log.h"

#define BUF_MIN 256

void
buf_free(struct buf *b)
{
	free(b->base);
	*b = (struct buf){0};
}

void
buf_clear(struct buf *b)
{
	b->data = b->base;
	b->len = 0;
}

uint8_t *
buf_reserve(struct buf *b, size_t n)
{
	size_t front = b->base != NULL ? (size_t)(b->data - b->base) : 0;
	size_t cap;

	if (n > SIZE_MAX / 4 - b->len)
		log_die("buf: %zu more octets", n);
	if (b->base != NULL && n <= b->cap - front - b->len)
		return b->data + b->len;
	if (front >= b->len && n <= b->cap - b->len && b->base != NULL) {
		memcpy(b->base, b->data, b->len);
		b->data = b->base;
		return b->data + b->len;
	}
	cap = b->cap > 0 ? b->cap : BUF_MIN;
	while (cap < b->len + n)
		cap *= 2;
	if (front > 0)
		memmove(b->base, b->data, b->len);
	b->base = xrealloc(b->base, cap);
	b->data = b->base;
	b->cap = cap;
	return b->data + b->len;
}

void
buf_grow(struct buf *b, size_t n)
{
	if (b->base == NULL ? n > 0
			    : n > b->cap - (size_t)(b->data - b->base) - b->len)
		log_die("buf: grown past its reserve");
	b->len += n;
}

void
buf_append(struct buf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	memcpy(buf_reserve(b, n), p, n);
	b->len += n;
}

void
buf_putc(struct buf *b, uint8_t c)
{
	*buf_reserve(b, 1) = c;
	b->len++;
}

void
buf_puts(struct buf *b, const char *s)
{
	buf_append(b, s, strlen(s));
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		log_die("buf: bad format \"%s\"", fmt);
	buf_reserve(b, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

void
buf_prepend(struct buf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	if (b->base != NULL && (size_t)(b->data - b->base) >= n) {
		b->data -= n;
	} else {
		buf_reserve(b, n);
		memmove(b->data + n, b->data, b->len);
	}
	memcpy(b->data, p, n);
	b->len += n;
}

void
buf_consume(struct buf *b, size_t n)
{
	if (n > b->len)
		log_die("buf: consumed %zu of %zu octets", n, b->len);
	b->len -= n;
	if (b->len == 0)
		b->data = b->base;
	else
		b->data += n;
}

char *
buf_cstr(struct buf *b)
{
	*buf_reserve(b, 1) = 0;
	return (char *)b->data;
}

void
buf_put_u16(struct buf *b, uint16_t v)
{
	uint8_t o[2] = {(uint8_t)(v >> 8), (uint8_t)v};

	buf_append(b, o, sizeof(o));
}

void
buf_put_u32(struct buf *b, uint32_t v)
{
	buf_put_u16(b, (uint16_t)(v >> 16));
	buf_put_u16(b, (uint16_t)v);
}

void
buf_put_u64(struct buf *b, uint64_t v)
{
	buf_put_u32(b, (uint32_t)(v >> 32));
	buf_put_u32(b, (uint32_t)v);
}

bool
buf_has_8bit(const uint8_t *p, size_t n)
{
	const uint64_t high = UINT64_C(0x8080808080808080);
	uint64_t word;
	uint8_t rest = 0;

	for (; n >= sizeof(word); p += sizeof(word), n -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		if ((word & high) != 0)
			return true;
	}
	for (; n > 0; n--)
		rest |= *p++;
	return rest > 127;
}
