/* What an operator looks at with `isthmus decode` came from a peer: whatever
 * the octets are, nothing breaks, and no control character is shown. */
#include "lib/log.h"
#include "ops/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new();
	struct buf in = {0}, out = {0};
	struct err e = ERR_INIT;

	buf_append(&in, p, n);
	if (decode_input(&in, DECODE_AUTO, &e) == 0 && in.len > 0)
		decode_any(a, NULL, in.data, in.len, &out, &e);
	for (size_t i = 0; i < out.len; i++)
		INVARIANT(out.data[i] >= ' ' || out.data[i] == '\n');
	buf_free(&in);
	buf_free(&out);
	arena_free(&a);
	return 0;
}
