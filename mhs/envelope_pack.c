/*
 * The packed form of an envelope:
 *
 *   packed  = %x4D.45 version body-length body      "ME"
 *   body    = *field
 *   field   = tag length value
 *
 * Tags and lengths are varints (seven bits an octet, the least significant
 * first, the top bit set on all but the last). Numbers are zigzag varints, a
 * struct is the fields of its table, a list is one field for each element. A
 * field that is 0, false, NULL or empty is left out.
 */
#include <string.h>

#include "lib/log.h"
#include "mhs/fields.h"
#include "mhs/packed.h"

static void
put_varint(struct buf *out, uint64_t v)
{
	while (v >= 0x80) {
		buf_putc(out, (uint8_t)(v | 0x80));
		v >>= 7;
	}
	buf_putc(out, (uint8_t)v);
}

static size_t
varint_size(uint64_t v)
{
	size_t n = 1;

	while ((v >>= 7) > 0)
		n++;
	return n;
}

static uint64_t
zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

static void
put_octets(struct buf *out, uint8_t tag, const void *p, size_t n)
{
	put_varint(out, tag);
	put_varint(out, n);
	buf_append(out, p, n);
}

static void
put_number(struct buf *out, uint8_t tag, uint64_t v)
{
	if (v == 0)
		return;
	put_varint(out, tag);
	put_varint(out, varint_size(v));
	put_varint(out, v);
}

/* Puts tag and length before what `out` holds from octet `from` on. */
static void
wrap(struct buf *out, size_t from, uint8_t tag)
{
	size_t length = out->len - from;
	size_t n = varint_size(tag) + varint_size(length);
	struct buf head = {0};

	put_varint(&head, tag);
	put_varint(&head, length);
	INVARIANT(head.len == n);
	buf_reserve(out, n);
	memmove(out->data + from + n, out->data + from, length);
	memcpy(out->data + from, head.data, n);
	buf_grow(out, n);
	buf_free(&head);
}

static uint64_t
number(const struct mhs_field *f, const void *at)
{
	switch (f->kind) {
	case MHS_FIELD_BOOL: return *(const bool *)at;
	case MHS_FIELD_U8: return *(const uint8_t *)at;
	case MHS_FIELD_CHAR: return *(const unsigned char *)at;
	case MHS_FIELD_ENUM: return zigzag(*(const int *)at);
	case MHS_FIELD_I32: return zigzag(*(const int32_t *)at);
	case MHS_FIELD_I64: return zigzag(*(const int64_t *)at);
	case MHS_FIELD_U64:
	case MHS_FIELD_ID: return *(const uint64_t *)at;
	}
	log_die("envelope: field %s is no number", f->name);
}

static void pack_record(
    struct buf *out, const struct mhs_record *r, const uint8_t *base);

static void
pack_list(struct buf *out, const struct mhs_field *f, const uint8_t *base)
{
	const uint8_t *v = *(const uint8_t *const *)(base + f->offset);
	size_t n = *(const size_t *)(base + f->count);

	for (size_t i = 0; i < n; i++) {
		size_t from = out->len;

		pack_record(out, f->sub, v + i * f->sub->size);
		wrap(out, from, f->tag);
	}
}

static void
pack_octets_list(
    struct buf *out, const struct mhs_field *f, const uint8_t *base)
{
	const uint8_t *const *v =
	    *(const uint8_t *const *const *)(base + f->offset);
	const size_t *sizes = *(const size_t *const *)(base + f->sizes);
	size_t n = *(const size_t *)(base + f->count);

	for (size_t i = 0; i < n; i++)
		put_octets(out, f->tag, v[i], sizes[i]);
}

static void
pack_struct(struct buf *out, const struct mhs_field *f, const uint8_t *at)
{
	size_t from = out->len;

	pack_record(out, f->sub, at);
	if (out->len > from)
		wrap(out, from, f->tag);
}

static void
pack_pointer(struct buf *out, const struct mhs_field *f, const uint8_t *at)
{
	const uint8_t *p = *(const uint8_t *const *)at;
	size_t from = out->len;

	if (p == NULL)
		return;
	pack_record(out, f->sub, p);
	wrap(out, from, f->tag);
}

static void
pack_field(struct buf *out, const struct mhs_field *f, const uint8_t *base)
{
	const uint8_t *at = base + f->offset;
	const char *text;

	switch (f->kind) {
	case MHS_FIELD_TEXT:
		text = *(const char *const *)at;
		if (text != NULL)
			put_octets(out, f->tag, text, strlen(text));
		return;
	case MHS_FIELD_OCTETS:
		text = *(const char *const *)at;
		if (text != NULL)
			put_octets(out, f->tag, text,
			    *(const size_t *)(base + f->count));
		return;
	case MHS_FIELD_OCTETS_LIST: pack_octets_list(out, f, base); return;
	case MHS_FIELD_STRUCT: pack_struct(out, f, at); return;
	case MHS_FIELD_POINTER: pack_pointer(out, f, at); return;
	case MHS_FIELD_LIST: pack_list(out, f, base); return;
	default: put_number(out, f->tag, number(f, at)); return;
	}
}

static void
pack_record(struct buf *out, const struct mhs_record *r, const uint8_t *base)
{
	for (size_t i = 0; i < r->n; i++)
		pack_field(out, &r->fields[i], base);
}

void
mhs_envelope_pack(const struct mhs_envelope *env, struct buf *out)
{
	struct buf body = {0};

	pack_record(&body, &mhs_envelope_record, (const uint8_t *)env);
	buf_append(out, MHS_PACKED_MAGIC, MHS_PACKED_MAGIC_SIZE);
	buf_putc(out, MHS_PACKED_VERSION);
	put_varint(out, body.len);
	buf_append(out, body.data, body.len);
	buf_free(&body);
}
