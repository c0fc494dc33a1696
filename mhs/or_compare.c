/*
 * Comparing O/R addresses (X.402 18.4). The unit of comparison is a slot: one
 * attribute type (of DDAs, the k-th of one type) in whatever forms it has.
 */
#include "mhs/or.h"

#include <string.h>

#include "lib/log.h"
#include "mhs/or_charset.h"

/* One attribute made ready: its texts in UTF-8, and its place among those of
 * the same kind and repertoire (0 but for DDAs of one type). */
struct item {
	const struct mhs_or_attr *at;
	struct octets kind, value; /* kind: of a DDA */
	size_t ordinal;
};

struct side {
	struct item v[MHS_OR_ATTRS_MAX];
	size_t n;
};

static bool
octets_equal(const struct octets *x, const struct octets *y)
{
	return mhs_text_equal(
	    (const char *)x->p, x->n, (const char *)y->p, y->n);
}

static bool
same_repertoire(const struct item *x, const struct item *y)
{
	enum mhs_or_form f = x->at->form, g = y->at->form;

	return f == g || (f == MHS_OR_NUMERIC && g == MHS_OR_PRINTABLE) ||
	    (f == MHS_OR_PRINTABLE && g == MHS_OR_NUMERIC);
}

static bool
same_kind(const struct item *x, const struct item *y)
{
	return x->at->type == y->at->type &&
	    x->at->ext_type == y->at->ext_type &&
	    (x->at->type != MHS_OR_DDA || octets_equal(&x->kind, &y->kind));
}

static bool
same_slot(const struct item *x, const struct item *y)
{
	return x->ordinal == y->ordinal && same_kind(x, y);
}

static bool
value_equal(const struct item *x, const struct item *y)
{
	if (x->at->form == MHS_OR_RAW || y->at->form == MHS_OR_RAW)
		return x->at->form == y->at->form && x->value.n == y->value.n &&
		    memcmp(x->value.p, y->value.p, x->value.n) == 0;
	return octets_equal(&x->value, &y->value);
}

static struct octets
utf8(struct arena **tmp, enum mhs_or_form form, const char *p, size_t n)
{
	const char *s;

	if (form != MHS_OR_TELETEX)
		return (struct octets){(const uint8_t *)p, n};
	if (*tmp == NULL)
		*tmp = arena_new();
	s = mhs_t61_to_utf8(*tmp, p, n);
	return (struct octets){(const uint8_t *)s, strlen(s)};
}

static void
prepare(struct side *s, const struct mhs_or *o, struct arena **tmp)
{
	INVARIANT(o->n_attrs <= MHS_OR_ATTRS_MAX);
	for (s->n = 0; s->n < o->n_attrs; s->n++) {
		const struct mhs_or_attr *at = &o->attrs[s->n];
		struct item *x = &s->v[s->n];

		*x = (struct item){.at = at};
		x->value = utf8(tmp, at->form, at->value, at->n);
		if (at->type != MHS_OR_DDA)
			continue;
		x->kind = utf8(tmp, at->form, at->dda_type, at->dda_type_n);
		for (size_t j = 0; j < s->n; j++)
			if (same_repertoire(&s->v[j], x) &&
			    same_kind(&s->v[j], x))
				x->ordinal++;
	}
}

static const struct item *
find_slot(const struct side *s, const struct item *x)
{
	for (size_t i = 0; i < s->n; i++)
		if (same_slot(&s->v[i], x))
			return &s->v[i];
	return NULL;
}

/* Are the values that both sides give this slot the same? Forms that both
 * have must all be equal; when they share none, one text in common will do. */
static bool
slot_equal(
    const struct side *xs, const struct item *slot, const struct side *ys)
{
	bool shared = false, text = false;

	for (size_t i = 0; i < xs->n; i++) {
		if (!same_slot(&xs->v[i], slot))
			continue;
		for (size_t j = 0; j < ys->n; j++) {
			bool equal;

			if (!same_slot(&ys->v[j], slot))
				continue;
			equal = value_equal(&xs->v[i], &ys->v[j]);
			text = text || equal;
			if (!same_repertoire(&xs->v[i], &ys->v[j]))
				continue;
			if (!equal)
				return false;
			shared = true;
		}
	}
	return shared || text;
}

static bool
is_wildcard(const struct item *x)
{
	return x->at->form != MHS_OR_RAW && x->value.n == 1 &&
	    x->value.p[0] == '*';
}

bool
mhs_or_equal(const struct mhs_or *xo, const struct mhs_or *yo)
{
	struct arena *tmp = NULL;
	struct side x, y;
	bool equal = true;

	prepare(&x, xo, &tmp);
	prepare(&y, yo, &tmp);
	for (size_t i = 0; equal && i < x.n; i++)
		equal = slot_equal(&x, &x.v[i], &y);
	for (size_t i = 0; equal && i < y.n; i++)
		equal = find_slot(&x, &y.v[i]) != NULL;
	arena_free(&tmp);
	return equal;
}

int
mhs_or_match(const struct mhs_or *o, const struct mhs_or *prefix)
{
	struct arena *tmp = NULL;
	struct side x, p;
	int n = 0;

	prepare(&x, o, &tmp);
	prepare(&p, prefix, &tmp);
	for (size_t i = 0; n >= 0 && i < p.n; i++) {
		const struct item *slot = &p.v[i];

		if (find_slot(&p, slot) != slot)
			continue; /* another form of one counted already */
		if (is_wildcard(slot) ? find_slot(&x, slot) != NULL
				      : slot_equal(&p, slot, &x))
			n++;
		else
			n = -1;
	}
	arena_free(&tmp);
	return n;
}
