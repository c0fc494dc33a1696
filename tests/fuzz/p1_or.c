/*
 * Any octets as an O/R name: what is understood is written, understood again,
 * equal to the first, and written octet for octet the same; its text forms can
 * be made.
 */
#include "p1/or_codec.h"

#include <string.h>

#include "lib/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new();
	struct buf once = {0}, twice = {0};
	struct mhs_or *x, *y;
	struct err e = ERR_INIT;

	if (p1_or_decode(a, p, n, &x, &e) >= 0) {
		INVARIANT(mhs_or_slash(a, x) != NULL);
		INVARIANT(mhs_or_label(a, x) != NULL);
		INVARIANT(p1_or_encode(x, P1_OR_NAME, &once, &e) >= 0);
		INVARIANT(p1_or_decode(a, once.data, once.len, &y, &e) >= 0);
		INVARIANT(p1_or_encode(y, P1_OR_NAME, &twice, &e) >= 0);
		INVARIANT(twice.len == once.len &&
		    memcmp(twice.data, once.data, once.len) == 0);
	}
	buf_free(&once);
	buf_free(&twice);
	arena_free(&a);
	return 0;
}
