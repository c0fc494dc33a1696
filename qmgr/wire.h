/*
 * Reading back what buf_put_*() wrote: journal entries and frames of the
 * channel protocol. A reader that runs out of octets, or meets a value out of
 * range, goes bad once and for all and gives zeros from then on; the caller
 * looks at `bad` at the end.
 */
#ifndef QMGR_WIRE_H
#define QMGR_WIRE_H

#include <stdbool.h>

#include "lib/arena.h"
#include "lib/buf.h"

struct q_in {
	const uint8_t *p;
	size_t n;
	bool bad;
};

uint8_t q_in_u8(struct q_in *in);
uint16_t q_in_u16(struct q_in *in);
uint32_t q_in_u32(struct q_in *in);
uint64_t q_in_u64(struct q_in *in);
/* A value of 0..max, else bad. */
unsigned q_in_enum(struct q_in *in, unsigned max);
/* NULL comes back as NULL. */
const char *q_in_text(struct q_in *in, struct arena *a);
/* A count of things of at least `least` octets each, so that it cannot be
 * more than what is left. */
uint32_t q_in_count(struct q_in *in, size_t least);
/* `n` big-endian numbers in the arena. */
uint32_t *q_in_u32s(struct q_in *in, struct arena *a, size_t n);

void q_out_text(struct buf *b, const char *s); /* NULL is allowed */
void q_out_u32s(struct buf *b, const uint32_t *v, size_t n);

#endif
