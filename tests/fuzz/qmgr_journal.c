/* Any octets as the entries of a journal: read, packed again, replayed. */
#include <stdint.h>
#include <string.h>

#include "lib/log.h"
#include "qmgr/journal.h"
#include "qmgr/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new();
	struct q_replay r = {0};
	const uint8_t *p = data;
	size_t left = n;
	struct q_entry x;
	struct buf b = {0};

	while (left > 0 && q_entry_unpack(&p, &left, a, &x, NULL) == 0)
		q_entry_pack(&x, &b);
	/* what was understood is written the same way */
	INVARIANT(b.len == n - left);
	INVARIANT(b.len == 0 || memcmp(b.data, data, b.len) == 0);
	q_replay_entries(&r, data, n, NULL);
	q_replay_free(&r);
	buf_free(&b);
	arena_free(&a);
	return 0;
}
