/*
 * A mailbox, or an O/R address in text, from a peer: mapped there, back, and
 * there again; the second O/R address must be the first.
 */
#include <stdlib.h>

#include "tests/unit/mixer_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mhs_or *one = NULL, *two = NULL;
	struct fixture f;
	const char *s;

	if (size > MHS_OR_TEXT_MAX)
		return 0;
	fixture_open(&f);
	s = arena_strndup(f.a, (const char *)data, size);
	if (*s == '/')
		one = mhs_or_parse(f.a, s, &f.e);
	else if (mixer_mailbox_to_or(f.a, &f.c, s, &one, &f.e) < 0)
		one = NULL;
	if (one != NULL && one->n_attrs > 0 &&
	    mhs_or_get(one, MHS_OR_COUNTRY) != NULL &&
	    mhs_or_dda(f.a, one, "RFC-822") == NULL) {
		s = mixer_or_to_mailbox(f.a, &f.c, one);
		if (s != NULL &&
		    (mixer_mailbox_to_or(f.a, &f.c, s, &two, &f.e) < 0 ||
			!mhs_or_equal(one, two)))
			abort();
	}
	fixture_close(&f);
	return 0;
}
