/*
 * Any octets as a packed envelope: what is accepted can be printed, and packs
 * to octets that are accepted and pack to the same again.
 */
#include "mhs/envelope.h"

#include <string.h>

#include "lib/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new();
	struct mhs_envelope *env = mhs_envelope_unpack(a, p, n, NULL), *back;
	struct buf out = {0}, packed = {0}, again = {0};

	if (env != NULL) {
		mhs_envelope_print(env, &out);
		mhs_envelope_pack(env, &packed);
		back = mhs_envelope_unpack(a, packed.data, packed.len, NULL);
		INVARIANT(back != NULL);
		mhs_envelope_pack(back, &again);
		INVARIANT(packed.len == again.len &&
		    memcmp(packed.data, again.data, packed.len) == 0);
		for (size_t i = 0; i < env->n_recipients; i++) {
			const struct mhs_or *o = env->recipients[i].name.ora;

			if (o == NULL)
				continue;
			(void)mhs_or_label(a, o);
			(void)mhs_or_equal(o, o);
		}
	}
	buf_free(&out);
	buf_free(&packed);
	buf_free(&again);
	arena_free(&a);
	return 0;
}
