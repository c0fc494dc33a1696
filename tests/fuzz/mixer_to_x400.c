/*
 * An Internet message from a peer, mapped to X.400 with its envelope (as a
 * report when it is a DSN); the P22 made of it must decode.
 */
#include <stdlib.h>

#include "mixer/ipm.h"
#include "tests/unit/mixer_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mhs_envelope *env, *o = NULL;
	struct ipm_object again;
	struct buf out = {0};
	struct fixture f;

	fixture_open(&f);
	env = mhs_envelope_new(f.a, MHS_MESSAGE);
	env->content_type = MHS_CONTENT_RFC822;
	env->originator.mailbox = "";
	mhs_recipient_add(f.a, env)->name.mailbox = "bob@bravo.example";
	if (mixer_convert(f.a, &f.c, env, data, size, FIXTURE_NOW, &o, &out,
		&f.losses, &f.e) == 0 &&
	    ipm_decode(f.a, out.data, out.len, &again, &f.e) < 0)
		abort();
	buf_free(&out);
	fixture_close(&f);
	return 0;
}
