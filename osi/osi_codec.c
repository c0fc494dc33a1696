#include "osi/osi_codec.h"

#include <ANY.h>
#include <BIT_STRING.h>

static const struct ber_limits limits = {
    .max_size = OSI_PDU_MAX, .max_depth = OSI_PDU_DEPTH};

struct decoded { /* for the arena's clean-up */
	asn_TYPE_descriptor_t *td;
	void *structure;
};

static void
free_decoded(void *arg)
{
	struct decoded *d = arg;

	d->td->free_struct(d->td, d->structure, 0);
}

static int
normalise(const uint8_t *p, size_t n, struct buf *out, const char *layer,
    struct err *e)
{
	int64_t used = ber_normalise(p, n, &limits, out, e);

	if (used < 0)
		return (int)used;
	if ((uint64_t)used != n)
		return err_at(e, layer, ERR_SYNTAX, (uint64_t)used,
		    "%zu octets after the PDU", n - (size_t)used);
	return 0;
}

void *
osi_decode(struct arena *a, asn_TYPE_descriptor_t *td, const uint8_t *p,
    size_t n, const char *layer, struct err *e)
{
	struct buf flat = {0};
	struct decoded *d = ARENA_NEW(a, struct decoded);
	asn_dec_rval_t r;

	if (normalise(p, n, &flat, layer, e) < 0) {
		buf_free(&flat);
		return NULL;
	}
	d->td = td;
	r = ber_decode(NULL, td, &d->structure, flat.data, flat.len);
	arena_on_free(a, free_decoded, d);
	if (r.code != RC_OK || r.consumed != flat.len) {
		err_at(e, layer, ERR_SYNTAX, r.consumed, "bad %s", td->name);
		buf_free(&flat);
		return NULL;
	}
	buf_free(&flat);
	return d->structure;
}

const char *
osi_oid_text(struct arena *a, const OBJECT_IDENTIFIER_t *oid, struct err *e)
{
	return ber_oid_text(a, oid->buf, (size_t)oid->size, e);
}

int
osi_bits_octets(const struct BIT_STRING_s *b, struct octets *out, struct err *e)
{
	if (b->bits_unused != 0)
		return err_set(e, "presentation", ERR_SYNTAX,
		    "arbitrary value is not a number of octets");
	*out = (struct octets){b->buf, (size_t)b->size};
	return 0;
}

int
osi_value(struct arena *a, const uint8_t *p, size_t n, const char *layer,
    struct octets *out, struct err *e)
{
	int64_t used = ber_check(p, n, &limits, e);

	*out = (struct octets){0};
	if (used < 0)
		return (int)used;
	if ((size_t)used != n)
		return err_set(
		    e, layer, ERR_SYNTAX, "more than one value in a field");
	out->p = arena_memdup(a, p, n);
	out->n = n;
	return 0;
}

int
osi_any(struct arena *a, const struct ANY *any, const char *layer,
    struct octets *out, struct err *e)
{
	*out = (struct octets){0};
	if (any == NULL)
		return 0;
	return osi_value(a, any->buf, (size_t)any->size, layer, out, e);
}
