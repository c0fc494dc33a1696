/*
 * Any text as an O/R address: what is accepted is written in the slash form so
 * that it reads back as the same address, and in the label form as an equal
 * one where the label form can tell it.
 */
#include "mhs/or.h"

#include <string.h>

#include "lib/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check(struct arena *a, const struct mhs_or *o)
{
	const char *slash = mhs_or_slash(a, o), *again;
	struct mhs_or *back;

	(void)mhs_or_label(a, o);
	if (strlen(slash) > MHS_OR_TEXT_MAX)
		return; /* {165} is longer than what it stands for */
	back = mhs_or_parse_prefix(a, slash, NULL);
	INVARIANT(back != NULL);
	INVARIANT(mhs_or_equal(o, back));
	INVARIANT(mhs_or_match(o, back) >= 0);
	again = mhs_or_slash(a, back);
	INVARIANT(strcmp(slash, again) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new();
	char *text = arena_strndup(a, (const char *)p, n);
	struct mhs_or *o = mhs_or_parse(a, text, NULL);

	if (o != NULL)
		check(a, o);
	o = mhs_or_parse_prefix(a, text, NULL);
	if (o != NULL)
		check(a, o);
	arena_free(&a);
	return 0;
}
