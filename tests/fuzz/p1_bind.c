/*
 * Any octets as a bind PDU: what is understood is written, and means the same
 * when it is read again.
 */
#include "p1/bind_codec.h"

#include <string.h>

#include "lib/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new();
	struct buf out = {0};
	struct p1_bind x, y;
	struct err e = ERR_INIT;

	if (p1_bind_decode(a, p, n, &x, &e) >= 0) {
		INVARIANT(p1_bind_encode(&x, &out, &e) >= 0);
		INVARIANT(p1_bind_decode(a, out.data, out.len, &y, &e) >= 0);
		INVARIANT(x.kind == y.kind && x.credentials == y.credentials &&
		    x.error == y.error && strcmp(x.mta, y.mta) == 0);
		INVARIANT(x.password.n == y.password.n);
	}
	buf_free(&out);
	arena_free(&a);
	return 0;
}
