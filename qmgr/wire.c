#include "qmgr/wire.h"

#include <string.h>

/* Lengths of text: 0 is NULL, else one more than the octets. */
#define TEXT_MAX 65534

static uint64_t
integer(struct q_in *in, size_t n)
{
	uint64_t v = 0;

	if (in->bad || in->n < n) {
		in->bad = true;
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		v = v << 8 | in->p[i];
	in->p += n;
	in->n -= n;
	return v;
}

uint8_t
q_in_u8(struct q_in *in)
{
	return (uint8_t)integer(in, 1);
}

uint16_t
q_in_u16(struct q_in *in)
{
	return (uint16_t)integer(in, 2);
}

uint32_t
q_in_u32(struct q_in *in)
{
	return (uint32_t)integer(in, 4);
}

uint64_t
q_in_u64(struct q_in *in)
{
	return integer(in, 8);
}

unsigned
q_in_enum(struct q_in *in, unsigned max)
{
	unsigned v = q_in_u8(in);

	if (v > max)
		in->bad = true;
	return in->bad ? 0 : v;
}

const char *
q_in_text(struct q_in *in, struct arena *a)
{
	size_t n = q_in_u16(in);
	const char *s;

	if (n == 0)
		return NULL;
	n--;
	if (in->n < n || memchr(in->p, 0, n) != NULL) {
		in->bad = true;
		return NULL;
	}
	s = arena_strndup(a, (const char *)in->p, n);
	in->p += n;
	in->n -= n;
	return s;
}

uint32_t
q_in_count(struct q_in *in, size_t least)
{
	uint32_t n = q_in_u32(in);

	if (n > in->n / least)
		in->bad = true;
	return in->bad ? 0 : n;
}

uint32_t *
q_in_u32s(struct q_in *in, struct arena *a, size_t n)
{
	uint32_t *v;

	if (in->bad || n > in->n / 4) {
		in->bad = true;
		n = 0;
	}
	v = arena_alloc(a, n * sizeof(*v));
	for (size_t i = 0; i < n; i++)
		v[i] = q_in_u32(in);
	return v;
}

void
q_out_text(struct buf *b, const char *s)
{
	size_t n;

	if (s == NULL) {
		buf_put_u16(b, 0);
		return;
	}
	n = strnlen(s, TEXT_MAX);
	buf_put_u16(b, (uint16_t)(n + 1));
	buf_append(b, s, n);
}

void
q_out_u32s(struct buf *b, const uint32_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_put_u32(b, v[i]);
}
