#include "osi/osi_codec.h"

#include <string.h>

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

/* --- what asn1c did not like, and did not say --- */

static const asn_TYPE_member_t *
member_of(const asn_TYPE_descriptor_t *td, const struct ber_tag *tag)
{
	ber_tlv_tag_t want = (ber_tlv_tag_t)(tag->number << 2 | tag->cls);

	for (int i = 0; i < td->elements_count; i++)
		if (td->elements[i].tag == want)
			return &td->elements[i];
	return NULL;
}

/* "RTORQ" of "Rtse-RTORQ" */
static const char *
apdu_name(const asn_TYPE_descriptor_t *td)
{
	const char *dash = strchr(td->name, '-');

	return dash != NULL ? dash + 1 : td->name;
}

static bool
decodes(const asn_TYPE_member_t *m, const struct ber_tlv *t)
{
	void *structure = NULL;
	asn_dec_rval_t r;

	if ((m->flags & ATF_OPEN_TYPE) != 0)
		return true; /* whatever it is */
	r = m->type->ber_decoder(
	    NULL, m->type, &structure, t->start, t->size, m->tag_mode);
	if (structure != NULL)
		m->type->free_struct(m->type, structure, 0);
	return r.code == RC_OK && r.consumed == t->size;
}

static int
missing(const asn_TYPE_descriptor_t *td, const struct ber_tlv *pdu,
    const char *name, const char *layer, struct err *e)
{
	struct ber_tlv t;

	for (int i = 0; i < td->elements_count; i++) {
		ber_tlv_tag_t tag = td->elements[i].tag;

		if (td->elements[i].optional == 0 && tag != (ber_tlv_tag_t)-1 &&
		    ber_find(pdu, tag & 3, tag >> 2, &t, NULL) != 1)
			return err_at(e, layer, ERR_SYNTAX, 0, "%s without %s",
			    name, td->elements[i].name);
	}
	return err_at(e, layer, ERR_SYNTAX, 0,
	    "%s: its fields are not in their order, or there twice", name);
}

/* The first field of a PDU that does not decode by itself. `pdu` is as it
 * came, where offsets count; `flat` has the same fields, fit to be decoded. */
static int
blame_field(const asn_TYPE_descriptor_t *td, const struct ber_tlv *pdu,
    const struct ber_tlv *flat, const char *layer, struct err *e)
{
	const char *name = apdu_name(td);
	struct ber_cursor c = ber_children(pdu), f = ber_children(flat);
	struct ber_tlv t, u;

	while (ber_next(&c, &t, NULL) == 1 && ber_next(&f, &u, NULL) == 1) {
		const asn_TYPE_member_t *m = member_of(td, &u.tag);
		uint64_t at = (uint64_t)(t.start - pdu->start);

		if (m == NULL)
			return err_at(e, layer, ERR_SYNTAX, at,
			    "%s: it has no field with tag %u of class %u", name,
			    t.tag.number, t.tag.cls);
		if (!decodes(m, &u))
			return err_at(e, layer, ERR_SYNTAX, at,
			    "%s, %s: it is not of its type", name, m->name);
	}
	return missing(td, flat, name, layer, e);
}

/* What its first octet claims to be. */
static const char *
claimed_name(const asn_TYPE_descriptor_t *td, const uint8_t *p, size_t n)
{
	struct ber_tag tag = {0};
	const asn_TYPE_member_t *m = NULL;

	if (n > 0) {
		tag.cls = p[0] >> 6;
		tag.number = p[0] & 0x1f;
		m = member_of(td, &tag);
	}
	return m != NULL ? apdu_name(m->type) : "APDU";
}

static int
normalise(const asn_TYPE_descriptor_t *td, const uint8_t *p, size_t n,
    struct buf *out, const char *layer, struct err *e)
{
	int64_t used = ber_normalise(p, n, &limits, out, e);

	if (used < 0) {
		if (e != NULL)
			e->layer = layer;
		err_prefix(e, "%s", claimed_name(td, p, n));
		return (int)used;
	}
	if ((uint64_t)used != n)
		return err_at(e, layer, ERR_SYNTAX, (uint64_t)used,
		    "%s: %zu octets after it", claimed_name(td, p, n),
		    n - (size_t)used);
	return 0;
}

static void
blame(const asn_TYPE_descriptor_t *td, const uint8_t *p, size_t n,
    const struct buf *flat, const char *layer, struct err *e)
{
	struct ber_cursor c = ber_cursor(p, n);
	struct ber_cursor f = ber_cursor(flat->data, flat->len);
	struct ber_tlv pdu, whole;
	const asn_TYPE_member_t *m;

	if (ber_next(&c, &pdu, NULL) != 1 || ber_next(&f, &whole, NULL) != 1 ||
	    (m = member_of(td, &whole.tag)) == NULL)
		err_at(e, layer, ERR_SYNTAX, 0,
		    "an APDU with tag %u, which %s has not",
		    n > 0 ? p[0] & 0x1fU : 0, td->name);
	else
		blame_field(m->type, &pdu, &whole, layer, e);
}

int
osi_at_field(const asn_TYPE_descriptor_t *td, const uint8_t *p, size_t n,
    uint32_t number, const char *layer, int code, struct err *e)
{
	const struct ber_tag field = {.cls = BER_CONTEXT, .number = number};
	struct ber_cursor c = ber_cursor(p, n);
	struct ber_tlv pdu, t;
	const asn_TYPE_member_t *m, *f;

	if (e == NULL || ber_next(&c, &pdu, NULL) != 1 ||
	    (m = member_of(td, &pdu.tag)) == NULL)
		return code;
	f = member_of(m->type, &field);
	e->layer = layer;
	e->offset = ber_find(&pdu, BER_CONTEXT, number, &t, NULL) == 1
	    ? (uint64_t)(t.start - p)
	    : 0;
	err_prefix(e, "%s, %s", apdu_name(m->type),
	    f != NULL ? f->name : "an unknown field");
	return code;
}

void *
osi_decode(struct arena *a, asn_TYPE_descriptor_t *td, const uint8_t *p,
    size_t n, const char *layer, struct err *e)
{
	struct buf flat = {0};
	struct decoded *d = ARENA_NEW(a, struct decoded);
	asn_dec_rval_t r;

	if (normalise(td, p, n, &flat, layer, e) < 0) {
		buf_free(&flat);
		return NULL;
	}
	d->td = td;
	r = ber_decode(NULL, td, &d->structure, flat.data, flat.len);
	arena_on_free(a, free_decoded, d);
	if (r.code != RC_OK || r.consumed != flat.len) {
		blame(td, p, n, &flat, layer, e);
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
osi_bits_octets(const struct BIT_STRING_s *b, const char *layer,
    struct octets *out, struct err *e)
{
	if (b->bits_unused != 0)
		return err_set(e, layer, ERR_SYNTAX,
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
	if (used < 0 && e != NULL)
		e->layer = layer;
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
