/*
 * Reading the recorded APDUs, and comparing elements without regard to the
 * order of SETs, for the tests of p1/.
 */
#ifndef TESTS_P1_VECTORS_H
#define TESTS_P1_VECTORS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asn1/ber.h"
#include "tests/unit/unit.h"

static inline int
hex_digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Octets in hexadecimal; anything else between them is skipped. */
static inline void
hex_append(struct buf *b, const char *text)
{
	int high = -1, d;

	for (; *text != '\0'; text++) {
		d = hex_digit(*text);
		if (d < 0)
			continue;
		if (high < 0) {
			high = d;
			continue;
		}
		buf_putc(b, (uint8_t)(high << 4 | d));
		high = -1;
	}
}

static inline struct buf
vector(const char *name)
{
	struct buf b = {0};
	char path[128], line[512];
	FILE *f;

	snprintf(path, sizeof(path), "tests/vectors/%s.hex", name);
	f = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		hex_append(&b, line);
	if (f != NULL)
		fclose(f);
	return b;
}

static inline int
by_octets(const void *x, const void *y)
{
	const struct buf *a = x, *b = y;
	size_t n = a->len < b->len ? a->len : b->len;
	int r = n > 0 ? memcmp(a->data, b->data, n) : 0;

	return r != 0 ? r : (a->len > b->len) - (a->len < b->len);
}

/* Appends the element with the children of every constructed one sorted: two
 * elements that differ in the order of SETs alone come out equal. Sequences
 * are sorted too; that they keep their order is for other tests to say. */
static inline void
canonical(const struct ber_tlv *t, struct buf *out)
{
	struct ber_cursor c = ber_children(t);
	struct ber_tlv child;
	struct buf v[256] = {0}, body = {0};
	size_t n = 0;

	if (!t->tag.constructed) {
		buf_append(out, t->start, t->size);
		return;
	}
	while (n < 256 && ber_next(&c, &child, NULL) == 1)
		canonical(&child, &v[n++]);
	qsort(v, n, sizeof(v[0]), by_octets);
	for (size_t i = 0; i < n; i++) {
		buf_append(&body, v[i].data, v[i].len);
		buf_free(&v[i]);
	}
	ber_put_header(
	    out, (enum ber_class)t->tag.cls, true, t->tag.number, body.len);
	buf_append(out, body.data, body.len);
	buf_free(&body);
}

static inline struct buf
canonical_of(const uint8_t *p, size_t n)
{
	struct ber_limits limits = {.max_depth = 100};
	struct buf flat = {0}, out = {0};
	struct ber_cursor c;
	struct ber_tlv t;

	CU_ASSERT_EQUAL(ber_normalise(p, n, &limits, &flat, NULL), (int64_t)n);
	c = ber_cursor(flat.data, flat.len);
	if (ber_next(&c, &t, NULL) == 1)
		canonical(&t, &out);
	buf_free(&flat);
	return out;
}

static inline void
print_hex(const char *what, const struct buf *b)
{
	printf("\n%s ", what);
	for (size_t i = 0; i < b->len; i++)
		printf("%02x", b->data[i]);
}

/* Equal but for the order of SETs. */
static inline bool
same_element(const uint8_t *p, size_t n, const uint8_t *q, size_t m)
{
	struct buf x = canonical_of(p, n), y = canonical_of(q, m);
	bool same = x.len == y.len && memcmp(x.data, y.data, x.len) == 0;

	if (!same) {
		print_hex("one  ", &x);
		print_hex("other", &y);
	}
	buf_free(&x);
	buf_free(&y);
	return same;
}

#endif
