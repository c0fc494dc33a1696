/*
 * An engine whose peer is the fuzzer: octets are fed whole or in pieces, what it
 * answers is read at once, and time brings whatever state it is in to an end.
 */
#ifndef TESTS_FUZZ_ENGINE_H
#define TESTS_FUZZ_ENGINE_H

#include <stdlib.h>
#include <string.h>

#include "lib/loop.h"

#define FUZZ_END 200000 /* ms; later than every time limit */

/* The CC of a transport connection that we asked for must be for our CR, whose
 * reference nobody can know before. */
static inline void
fuzz_answer_reference(
    const struct engine_ops *ops, void *engine, uint8_t *p, size_t n)
{
	const struct buf *out = ops->output(engine);

	if (n > 7 && out->len > 9)
		memcpy(p + 6, out->data + 8, 2);
}

static inline void
fuzz_feed(const struct engine_ops *ops, void *engine, const uint8_t *p,
    size_t n, bool pieces)
{
	size_t step = pieces ? 3 : SIZE_MAX;

	while (n > 0) {
		size_t m = n < step ? n : step;
		uint8_t *copy = malloc(m); /* its end is the end of memory */

		memcpy(copy, p, m);
		ops->input(engine, copy, m, 1);
		free(copy);
		p += m;
		n -= m;
		buf_clear(ops->output(engine));
		ops->drained(engine, 1);
		if (ops->deadline(engine) <= 1)
			ops->timeout(engine, 1);
	}
}

/* All of it, from the time 1 on to the end. */
static inline void
fuzz_engine(const struct engine_ops *ops, void *engine, const uint8_t *p,
    size_t n, bool initiator, bool pieces)
{
	uint8_t *copy = malloc(n);

	memcpy(copy, p, n);
	if (initiator)
		fuzz_answer_reference(ops, engine, copy, n);
	fuzz_feed(ops, engine, copy, n, pieces);
	free(copy);
	for (msec_t now = 1; now < FUZZ_END; now += 1000)
		if (ops->deadline(engine) <= now)
			ops->timeout(engine, now);
	ops->closed(engine, NULL, FUZZ_END);
}

#endif
