/*
 * P22 octets from a peer: decoded, printed, encoded again, and mapped to
 * RFC 822; what decodes must encode, and what was encoded must decode.
 */
#include <stdlib.h>

#include "mixer/ipm.h"
#include "mixer/ipm_print.h"
#include "tests/unit/mixer_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out = {0};
	struct ipm_object o, again;
	struct fixture f;

	fixture_open(&f);
	mixer_ipm_print(data, size, &out, &f.e);
	buf_clear(&out);
	if (ipm_decode(f.a, data, size, &o, &f.e) == 0) {
		if (ipm_encode(f.a, &o, &out, &f.e) < 0 ||
		    ipm_decode(f.a, out.data, out.len, &again, &f.e) < 0)
			abort();
		buf_clear(&out);
		mixer_content(f.a, &f.c, MHS_CONTENT_P22, MHS_CONTENT_RFC822,
		    data, size, FIXTURE_NOW, &out, &f.losses, &f.e);
		buf_clear(&out);
		mixer_content(f.a, &f.c, MHS_CONTENT_P22, MHS_CONTENT_P2, data,
		    size, FIXTURE_NOW, &out, &f.losses, &f.e);
	}
	buf_free(&out);
	fixture_close(&f);
	return 0;
}
