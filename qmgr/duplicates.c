#include "qmgr/duplicates.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"

/* RFC 3461 4.1: what an absent NOTIFY means */
#define NOTIFY_DEFAULT (MHS_NOTIFY_FAILURE | MHS_NOTIFY_DELAY)

struct keyed {
	uint64_t hash;
	size_t i;
};

static uint64_t
hash_octets(uint64_t h, const void *p, size_t n)
{
	const uint8_t *s = p;

	for (; n > 0; n--, s++)
		h = (h ^ (uint64_t)tolower(*s)) * 0x100000001b3ULL;
	return h;
}

/* Names that are equal, as nearly all of them are written, have the same; what
 * is missed is delivered twice, as it was asked for. */
static uint64_t
hash_wish(struct arena *a, const struct mhs_recipient *r)
{
	const char *name = r->name.ora != NULL ? mhs_or_slash(a, r->name.ora)
					       : mhs_name_text(a, &r->name);
	uint64_t h = hash_octets(0xcbf29ce484222325ULL, name, strlen(name));

	if (r->orcpt != NULL)
		h = hash_octets(h, r->orcpt, strlen(r->orcpt));
	for (size_t i = 0; i < r->exts.n; i++)
		h = hash_octets(h, r->exts.v[i].value, r->exts.v[i].n);
	return h + (uint64_t)r->explicit_conversion;
}

static int
by_hash(const void *x, const void *y)
{
	const struct keyed *a = x, *b = y;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return a->i < b->i ? -1 : a->i > b->i;
}

static bool
same_text(const char *x, const char *y)
{
	return x == NULL || y == NULL ? x == y : strcmp(x, y) == 0;
}

static bool
same_exts(const struct mhs_exts *x, const struct mhs_exts *y)
{
	if (x->n != y->n)
		return false;
	for (size_t i = 0; i < x->n; i++) {
		const struct mhs_ext *a = &x->v[i], *b = &y->v[i];

		if (a->type != b->type || !same_text(a->oid, b->oid) ||
		    a->criticality != b->criticality || a->n != b->n ||
		    (a->n > 0 && memcmp(a->value, b->value, a->n) != 0))
			return false;
	}
	return true;
}

static bool
same_wish(const struct mhs_recipient *x, const struct mhs_recipient *y)
{
	return mhs_name_equal(&x->name, &y->name) &&
	    same_text(x->orcpt, y->orcpt) &&
	    x->explicit_conversion == y->explicit_conversion &&
	    same_exts(&x->exts, &y->exts);
}

static uint8_t
either_notify(uint8_t x, uint8_t y)
{
	if (x == y)
		return x;
	x = (x != 0 ? x : NOTIFY_DEFAULT) | (y != 0 ? y : NOTIFY_DEFAULT);
	/* never, unless another said otherwise */
	return x == MHS_NOTIFY_NEVER ? x : x & (uint8_t)~MHS_NOTIFY_NEVER;
}

static void
stand_for(struct mhs_recipient *r, struct mhs_recipient *other)
{
	if (other->originator_report > r->originator_report)
		r->originator_report = other->originator_report;
	if (other->mta_report > r->mta_report)
		r->mta_report = other->mta_report;
	r->audit |= other->audit;
	r->notify = either_notify(r->notify, other->notify);
	other->responsible = false;
}

/* All of v have the same hash; what differs for all that stays as it is. */
static size_t
merge_run(struct mhs_envelope *env, const struct keyed *v, size_t n)
{
	size_t merged = 0;

	for (size_t i = 1; i < n; i++) {
		struct mhs_recipient *r = &env->recipients[v[0].i];
		struct mhs_recipient *other = &env->recipients[v[i].i];

		if (same_wish(r, other)) {
			stand_for(r, other);
			merged++;
		}
	}
	return merged;
}

size_t
q_merge_duplicates(struct mhs_envelope *env)
{
	struct arena *a;
	struct keyed *v;
	size_t n = 0, merged = 0, end;

	if (env->n_recipients < 2)
		return 0;
	a = arena_new();
	v = arena_alloc(a, env->n_recipients * sizeof(*v));
	for (size_t i = 0; i < env->n_recipients; i++)
		if (env->recipients[i].responsible)
			v[n++] = (struct keyed){
			    hash_wish(a, &env->recipients[i]), i};
	qsort(v, n, sizeof(*v), by_hash);
	for (size_t i = 0; i < n; i = end) {
		for (end = i + 1; end < n && v[end].hash == v[i].hash;)
			end++;
		merged += merge_run(env, v + i, end - i);
	}
	arena_free(&a);
	return merged;
}
