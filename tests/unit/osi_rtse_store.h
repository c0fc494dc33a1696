/*
 * A struct rtse_keep in memory: what survives an association in the tests, and
 * what there is to say about its use.
 */
#ifndef TESTS_OSI_RTSE_STORE_H
#define TESTS_OSI_RTSE_STORE_H

#include <stdlib.h>
#include <string.h>

#include "osi/rtse.h"
#include "tests/unit/unit.h"

struct store_item {
	struct rtse_activity activity;
	struct buf octets;
	uint32_t serial[64];
	uint64_t mark[64];
	size_t marks;
	bool used, open;
};

struct store {
	struct store_item items[8];
	struct rtse_activity accepted; /* the last one */
	bool has_accepted;
	unsigned opened, ended, resumed, again;
	/* what it is told to do */
	bool full, broken_write, broken_read, one_octet;
};

static inline bool
store_same(const struct rtse_activity *a, const struct rtse_activity *b)
{
	return a->id_n == b->id_n && memcmp(a->id, b->id, a->id_n) == 0 &&
	    memcmp(&a->association, &b->association, sizeof(a->association)) ==
	    0;
}

static inline void *
store_begin(struct store *s, const struct rtse_activity *a)
{
	CU_ASSERT_TRUE(a->id_n > 0);
	CU_ASSERT_TRUE(a->association.user_n > 0);
	if (s->full)
		return NULL;
	for (size_t i = 0; i < 8; i++) {
		struct store_item *t = &s->items[i];

		if (t->used && !store_same(&t->activity, a))
			continue;
		buf_free(&t->octets);
		*t = (struct store_item){
		    .activity = *a, .used = true, .open = true};
		s->opened++;
		return t;
	}
	return NULL;
}

static inline int
store_checkpoint(struct store *s, struct store_item *t, const uint8_t *p,
    size_t n, uint32_t serial)
{
	CU_ASSERT_TRUE(t->open);
	if (s->broken_write || t->marks == 64)
		return -1;
	buf_append(&t->octets, p, n);
	t->serial[t->marks] = serial;
	t->mark[t->marks++] = t->octets.len;
	return 0;
}

static inline void *
store_resume(struct store *s, const struct rtse_activity *a, uint32_t serial,
    uint64_t *octets)
{
	for (size_t i = 0; i < 8; i++) {
		struct store_item *t = &s->items[i];

		if (!t->used || t->open || !store_same(&t->activity, a))
			continue;
		for (size_t k = 0; k < t->marks; k++)
			if (t->serial[k] == serial) {
				*octets = t->octets.len = t->mark[k];
				t->marks = k + 1;
				t->open = true;
				s->opened++;
				s->resumed++;
				return t;
			}
	}
	return NULL;
}

static inline int64_t
store_read(struct store *s, struct store_item *t, uint64_t offset, uint8_t *p,
    size_t n)
{
	CU_ASSERT_TRUE(t->open);
	CU_ASSERT_TRUE_FATAL(offset + n <= t->octets.len);
	if (s->broken_read)
		return -1;
	if (s->one_octet)
		n = 1;
	memcpy(p, t->octets.data + offset, n);
	return (int64_t)n;
}

static inline void
store_end(struct store *s, struct store_item *t, bool again)
{
	CU_ASSERT_TRUE(t->open); /* exactly once */
	s->ended++;
	s->again += again;
	t->open = false;
	if (again)
		return;
	buf_free(&t->octets);
	*t = (struct store_item){0};
}

static inline bool
store_accepted(struct store *s, const struct rtse_activity *a)
{
	return s->has_accepted && store_same(&s->accepted, a);
}

/* The one that is open is accepted. */
static inline void
store_accept(struct store *s)
{
	for (size_t i = 0; i < 8; i++)
		if (s->items[i].open) {
			s->accepted = s->items[i].activity;
			s->has_accepted = true;
		}
}

/* Every opening was ended; nothing is left open. */
static inline void
store_free(struct store *s)
{
	CU_ASSERT_EQUAL(s->opened, s->ended);
	for (size_t i = 0; i < 8; i++) {
		CU_ASSERT_FALSE(s->items[i].open);
		buf_free(&s->items[i].octets);
	}
	*s = (struct store){0};
}

#endif
