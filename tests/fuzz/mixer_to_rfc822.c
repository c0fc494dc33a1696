/*
 * A P1 APDU from a peer, message, probe or report, mapped to Internet mail with
 * its whole envelope: trace, encoded information types, extensions, diagnostics.
 */
#include "mixer/mixer.h"
#include "p1/print.h"
#include "tests/unit/mixer_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mhs_envelope *o = NULL;
	struct p1_printed what;
	struct buf text = {0}, out = {0};
	struct fixture f;

	fixture_open(&f);
	if (p1_print(f.a, data, size, &text, &what, &f.e) == 0)
		mixer_convert(f.a, &f.c, what.env, what.content.p,
		    what.content.n, FIXTURE_NOW, &o, &out, &f.losses, &f.e);
	buf_free(&text);
	buf_free(&out);
	fixture_close(&f);
	return 0;
}
