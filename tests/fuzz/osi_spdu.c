/* One SPDU: what can be read must come out the same when written and read
 * again. */
#include "osi/spdu.h"

#include <string.h>

#include "lib/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
try(const uint8_t *p, size_t n, enum spdu_place place)
{
	struct spdu s, again;
	struct buf b = {0};
	int r;

	if (spdu_parse(p, n, place, &s, NULL) != 0)
		return;
	r = spdu_build(&s, &b, NULL);
	INVARIANT(r == 0 && b.len <= n && b.len == spdu_size(&s));
	r = spdu_parse(b.data, b.len, place, &again, NULL);
	INVARIANT(r == 0 && again.type == s.type);
	INVARIANT(again.present == s.present);
	for (int i = 0; i < SPDU_PARS; i++)
		INVARIANT(again.par[i].n == s.par[i].n &&
		    (s.par[i].n == 0 ||
			memcmp(again.par[i].p, s.par[i].p, s.par[i].n) == 0));
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	size_t length = spdu_length(p, n);

	try(p, n, SPDU_FIRST);
	try(p, n, SPDU_SECOND);
	if (length > 0 && length < n)
		try(p, length, SPDU_FIRST);
	return 0;
}
