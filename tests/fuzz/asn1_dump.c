/*
 * Any octets: the dump ends, holds no control character, agrees with the
 * scanner on whether they are BER, and ends with a whole line.
 */
#include "asn1/dump.h"

#include "asn1/ber.h"
#include "lib/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int64_t
check_all(const uint8_t *p, size_t n)
{
	int64_t used = 0;

	for (; n > 0 && used >= 0; p += used, n -= (size_t)used)
		if ((used = ber_check(p, n, NULL, NULL)) < 0)
			return used;
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct err e = ERR_INIT;
	struct buf out = {0};
	int r = ber_dump(p, n, &out, &e);

	INVARIANT(r == (int)check_all(p, n));
	INVARIANT(r == 0 || e.offset <= n);
	INVARIANT(n == 0 || out.data[out.len - 1] == '\n');
	for (size_t i = 0; i < out.len; i++)
		INVARIANT(out.data[i] == '\n' ||
		    (out.data[i] >= 0x20 && out.data[i] < 0x7f));
	buf_free(&out);
	return 0;
}
