#include "p1/asn_codec.h"

struct decoded { /* what the arena's clean-up needs */
	asn_TYPE_descriptor_t *td;
	void *structure;
};

static void
free_decoded(void *arg)
{
	struct decoded *d = arg;

	if (d->structure != NULL)
		d->td->free_struct(d->td, d->structure, 0);
}

void *
p1_asn_decode(struct arena *a, asn_TYPE_descriptor_t *td, const uint8_t *p,
    size_t n, struct err *e)
{
	struct decoded *d = ARENA_NEW(a, struct decoded);
	asn_dec_rval_t r;

	d->td = td;
	r = ber_decode(NULL, td, &d->structure, p, n);
	arena_on_free(a, free_decoded, d);
	if (r.code != RC_OK || r.consumed != n) {
		err_at(e, "p1", ERR_SYNTAX, r.consumed, "bad %s", td->name);
		return NULL;
	}
	return d->structure;
}

static int
append(const void *p, size_t n, void *arg)
{
	buf_append(arg, p, n);
	return 0;
}

int
p1_asn_encode(asn_TYPE_descriptor_t *td, const void *structure, struct buf *out,
    struct err *e)
{
	size_t before = out->len;
	asn_enc_rval_t r = der_encode(td, (void *)structure, append, out);

	if (r.encoded < 0) {
		out->len = before;
		return err_set(e, "p1", ERR_SYNTAX, "cannot encode %s: %s",
		    td->name,
		    r.failed_type != NULL ? r.failed_type->name : "?");
	}
	return 0;
}

int
p1_normalise(struct arena *a, const uint8_t *p, size_t n, size_t max,
    struct octets *out, struct err *e)
{
	struct ber_limits limits = {.max_size = max, .max_depth = P1_DEPTH_MAX};
	struct buf flat = {0};
	int64_t used;
	int r = 0;

	if (n > max)
		return err_set(e, "p1", ERR_LIMIT,
		    "%zu octets, more than the limit of %zu", n, max);
	used = ber_normalise(p, n, &limits, &flat, e);
	if (used < 0)
		r = (int)used;
	else if ((size_t)used != n)
		r = err_at(e, "p1", ERR_SYNTAX, (uint64_t)used,
		    "%zu octets after the element", n - (size_t)used);
	else
		*out = (struct octets){
		    arena_memdup(a, flat.data, flat.len), flat.len};
	buf_free(&flat);
	return r;
}
