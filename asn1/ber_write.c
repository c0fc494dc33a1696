#include "asn1/ber.h"

#include <string.h>

#include "lib/log.h"

#define HEADER_MAX 16

static size_t
number_octets(uint32_t number)
{
	size_t n = 1;

	if (number < 0x1f)
		return 0;
	while ((number >>= 7) > 0)
		n++;
	return n;
}

static size_t
length_octets(uint64_t length)
{
	size_t n = 0;

	if (length < 0x80)
		return 0;
	for (; length > 0; length >>= 8)
		n++;
	return n;
}

size_t
ber_header_size(uint32_t number, uint64_t length)
{
	return 1 + number_octets(number) + 1 + length_octets(length);
}

static size_t
header_write(uint8_t *o, enum ber_class cls, bool constructed, uint32_t number,
    uint64_t length)
{
	size_t high = number_octets(number), more = length_octets(length);
	uint8_t *p = o;

	*p++ = (uint8_t)(cls << 6 | (constructed ? 0x20 : 0) |
	    (high > 0 ? 0x1f : number));
	while (high-- > 0)
		*p++ = (uint8_t)((number >> (7 * high) & 0x7f) |
		    (high > 0 ? 0x80 : 0));
	*p++ = (uint8_t)(more > 0 ? 0x80 | more : length);
	while (more-- > 0)
		*p++ = (uint8_t)(length >> (8 * more));
	return (size_t)(p - o);
}

void
ber_put_header(struct buf *out, enum ber_class cls, bool constructed,
    uint32_t number, uint64_t length)
{
	uint8_t *o = buf_reserve(out, HEADER_MAX);

	buf_grow(out, header_write(o, cls, constructed, number, length));
}

void
ber_put(struct buf *out, enum ber_class cls, uint32_t number, const void *p,
    size_t n)
{
	ber_put_header(out, cls, false, number, n);
	buf_append(out, p, n);
}

void
ber_put_integer(struct buf *out, enum ber_class cls, uint32_t number, int64_t v)
{
	uint8_t o[8];
	size_t from = 0;

	for (size_t i = 0; i < 8; i++)
		o[i] = (uint8_t)((uint64_t)v >> (8 * (7 - i)));
	/* X.690 8.3.2: the first nine bits are not all alike */
	while (from < 7 &&
	    ((o[from] == 0x00 && o[from + 1] < 0x80) ||
		(o[from] == 0xff && o[from + 1] >= 0x80)))
		from++;
	ber_put(out, cls, number, o + from, 8 - from);
}

void
ber_wrap(struct buf *out, size_t from, enum ber_class cls, uint32_t number)
{
	uint8_t head[HEADER_MAX];
	size_t length, n;

	INVARIANT(from <= out->len);
	length = out->len - from;
	n = header_write(head, cls, true, number, length);
	buf_reserve(out, n);
	memmove(out->data + from + n, out->data + from, length);
	memcpy(out->data + from, head, n);
	buf_grow(out, n);
}
