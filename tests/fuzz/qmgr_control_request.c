/* Any octets as a line of the control socket: a row, and a request. What was
 * taken is packed, and must be taken again. */
#include <stdint.h>
#include <string.h>

#include "lib/log.h"
#include "qmgr/control_request.h"
#include "qmgr/control_row.h"

static void
again(struct arena *a, const struct q_request *r)
{
	struct buf out = {0};
	struct q_request x;

	q_request_pack(r, &out);
	INVARIANT(out.len > 0 && out.data[out.len - 1] == '\n');
	INVARIANT(memchr(out.data, '\n', out.len) == out.data + out.len - 1);
	if (out.len <= Q_REQUEST_MAX) {
		INVARIANT(q_request_parse(
			      a, (char *)out.data, out.len - 1, &x, NULL) == 0);
		INVARIANT(x.verb == r->verb && x.n_targets == r->n_targets);
	}
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new();
	struct q_request r;
	struct q_row row;

	q_row_parse(arena_strndup(a, (const char *)p, n), n, &row, NULL);
	if (q_request_parse(
		a, arena_strndup(a, (const char *)p, n), n, &r, NULL) == 0)
		again(a, &r);
	arena_free(&a);
	return 0;
}
