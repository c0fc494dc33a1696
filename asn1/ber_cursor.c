#include "asn1/ber.h"

#include "asn1/ber_header.h"

#define LAYER "ber"

struct ber_cursor
ber_cursor(const uint8_t *p, size_t n)
{
	/* no arithmetic on a NULL p */
	return (struct ber_cursor){.p = p, .end = n > 0 ? p + n : p, .base = p};
}

struct ber_cursor
ber_children(const struct ber_tlv *t)
{
	if (!t->tag.constructed)
		return ber_cursor(t->value, 0);
	return (struct ber_cursor){
	    .p = t->value,
	    .end = t->value + t->length,
	    .base = t->start,
	};
}

/* Reads the header at c->p: its size, or a negative code. */
static int
header_read(const struct ber_cursor *c, struct ber_header *h, struct err *e)
{
	const uint8_t *p = c->p;
	int r = 0;

	while (r == 0) {
		if (p == c->end)
			return err_at(e, LAYER, ERR_SYNTAX,
			    (uint64_t)(p - c->base), "tag or length cut short");
		r = ber_header_put(h, *p, (uint64_t)(p - c->base), e);
		p++;
	}
	return r < 0 ? r : h->raw_n;
}

/* The octets of an element of indefinite length, by walking it. */
static int64_t
walk_indefinite(const struct ber_cursor *c, struct err *e)
{
	int64_t size = ber_check(c->p, (size_t)(c->end - c->p), NULL, e);

	if (size < 0 && e != NULL && e->offset != ERR_NO_OFFSET)
		e->offset += (uint64_t)(c->p - c->base);
	return size;
}

int
ber_next(struct ber_cursor *c, struct ber_tlv *t, struct err *e)
{
	struct ber_header h = {0};
	uint64_t at = (uint64_t)(c->p - c->base);
	int64_t size;
	int n;

	if (c->p == c->end)
		return 0;
	if ((n = header_read(c, &h, e)) < 0)
		return n;
	if (BER_IS(h.tag, BER_UNIVERSAL, BER_EOC))
		return err_at(e, LAYER, ERR_SYNTAX, at,
		    "end-of-contents octets where no indefinite length is "
		    "open");
	*t = (struct ber_tlv){
	    .tag = h.tag,
	    .start = c->p,
	    .value = c->p + n,
	    .indefinite = h.length == BER_INDEFINITE,
	};
	if (t->indefinite) {
		if ((size = walk_indefinite(c, e)) < 0)
			return (int)size;
		t->size = (size_t)size;
		t->length = t->size - (size_t)n - 2;
	} else {
		if (h.length > (uint64_t)(c->end - t->value))
			return err_at(e, LAYER, ERR_SYNTAX, at + h.length_at,
			    "length %llu exceeds the %llu octets left",
			    (unsigned long long)h.length,
			    (unsigned long long)(c->end - t->value));
		t->length = (size_t)h.length;
		t->size = (size_t)n + t->length;
	}
	c->p += t->size;
	return 1;
}

int
ber_find(const struct ber_tlv *t, enum ber_class cls, uint32_t number,
    struct ber_tlv *out, struct err *e)
{
	struct ber_cursor c = ber_children(t);
	int r;

	while ((r = ber_next(&c, out, e)) > 0)
		if (BER_IS(out->tag, cls, number))
			return 1;
	return r;
}

/* Gathering the segments of a constructed string, whatever its own tag. */
struct gather {
	struct buf data;
	uint8_t unused;
	bool bits, first;
	uint64_t segments;
};

static int
gather_open(void *arg, unsigned depth, const struct ber_open *o, struct err *e)
{
	struct gather *g = arg;
	bool bits = BER_IS(o->tag, BER_UNIVERSAL, BER_BIT_STRING);

	if (depth == 0) {
		g->bits = bits;
		return 0;
	}
	if (!ber_is_string(&o->tag) || (g->segments > 0 && bits != g->bits))
		return err_set(e, LAYER, ERR_SYNTAX,
		    "not a segment of the string that it is in");
	if (bits && g->unused > 0)
		return err_set(e, LAYER, ERR_SYNTAX,
		    "segment after a bit string segment with unused bits");
	g->segments++;
	g->bits = bits;
	g->first = bits && !o->tag.constructed;
	return 0;
}

static int
gather_data(
    void *arg, unsigned depth, const uint8_t *p, size_t n, struct err *e)
{
	struct gather *g = arg;
	size_t skip = g->first ? 1 : 0;

	(void)depth;
	(void)e;
	if (g->first)
		g->unused = p[0];
	g->first = false;
	buf_append(&g->data, p + skip, n - skip);
	return 0;
}

static const struct ber_scan_ops gather_ops = {gather_open, gather_data, NULL};

static int
string_gather(struct arena *a, const struct ber_tlv *t, struct gather *g,
    struct octets *out, struct err *e)
{
	struct ber_scan *s = ber_scan_new(NULL, &gather_ops, g);
	int64_t used = ber_scan_feed(s, t->start, t->size, e);

	if (used < 0 && e != NULL && e->offset == ERR_NO_OFFSET)
		e->offset = ber_scan_offset(s);
	if (used >= 0 && !ber_scan_done(s))
		used = err_at(e, LAYER, ERR_SYNTAX, ber_scan_offset(s),
		    "string ends too early");
	ber_scan_free(&s);
	if (used < 0)
		return (int)used;
	if (g->bits)
		buf_prepend(&g->data, &g->unused, 1);
	out->p = arena_memdup(a, g->data.data, g->data.len);
	out->n = g->data.len;
	return 0;
}

int
ber_string(
    struct arena *a, const struct ber_tlv *t, struct octets *out, struct err *e)
{
	struct gather g = {0};
	int r;

	if (!t->tag.constructed) {
		*out = (struct octets){t->value, t->length};
		return 0;
	}
	r = string_gather(a, t, &g, out, e);
	buf_free(&g.data);
	return r;
}

int
ber_integer(const struct ber_tlv *t, int64_t *out, struct err *e)
{
	uint64_t at = (uint64_t)(t->value - t->start);
	uint64_t v;

	if (t->tag.constructed || t->length == 0)
		return err_at(
		    e, LAYER, ERR_SYNTAX, at, "integer without content octets");
	if (t->length > 8)
		return err_at(e, LAYER, ERR_LIMIT, at, "integer of %zu octets",
		    t->length);
	v = (t->value[0] & 0x80) != 0 ? UINT64_MAX : 0;
	for (size_t i = 0; i < t->length; i++)
		v = v << 8 | t->value[i];
	*out = (int64_t)v;
	return 0;
}
