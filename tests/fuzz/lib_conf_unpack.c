/* What a parent sends a channel process as its configuration: whatever is
 * accepted packs to the same octets again. */
#include <string.h>

#include "lib/conf.h"
#include "lib/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new();
	struct err e = ERR_INIT;
	struct conf_node *root = conf_unpack(a, p, n, &e);
	struct buf again = {0};

	if (root != NULL) {
		conf_pack(root, &again);
		INVARIANT(again.len == n && memcmp(again.data, p, n) == 0);
		for (const struct conf_node *c = conf_child(root, "peer");
		     c != NULL; c = conf_next(root, "peer", c))
			INVARIANT(strcmp(c->name, "peer") == 0);
	} else {
		INVARIANT(e.code == ERR_SYNTAX);
	}
	buf_free(&again);
	arena_free(&a);
	return 0;
}
