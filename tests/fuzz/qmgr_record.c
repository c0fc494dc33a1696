/* Any octets as a file of the queue: q_scan(), and what is made of records. */
#include <stdint.h>
#include <string.h>

#include "lib/crc32c.h"
#include "lib/log.h"
#include "mhs/envelope.h"
#include "qmgr/record.h"

#define NUMBER 0x29cce0d0d3u
#define SIZE_MAX_TRIED 65536

struct sum {
	uint64_t octets;
};

static void
on_record(void *arg, const struct q_header *h, const uint8_t *p)
{
	struct sum *s = arg;
	struct arena *a = arena_new();
	struct err e = ERR_INIT;

	for (uint32_t i = 0; i < h->body_n; i++)
		s->octets += p[i];
	mhs_envelope_unpack(a, p, h->body_n, &e);
	arena_free(&a);
}

static void
on_corrupt(void *arg, const struct q_header *h, uint64_t offset, uint64_t n,
    const char *why)
{
	struct sum *s = arg;

	(void)h;
	s->octets += offset + n + strlen(why);
}

/* Mutated octets rarely have good checksums: gives those to whatever looks
 * like a header. */
static void
repair(uint8_t *p, size_t n)
{
	for (size_t at = 0; at + Q_HEADER <= n; at += Q_PLACE) {
		uint32_t crc;

		if (memcmp(p + at, "ISQ1", 4) != 0 || (p[at + 6] & 1))
			continue;
		crc = __builtin_bswap32(crc32c(0, p + at, 60));
		memcpy(p + at + 60, &crc, 4);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct q_scan_ops ops = {on_record, on_corrupt};
	uint8_t p[SIZE_MAX_TRIED];
	struct q_scan_end end;
	struct sum s = {0};

	if (n > sizeof(p))
		n = sizeof(p);
	memcpy(p, data, n);
	q_scan(p, n, NUMBER, &ops, &s, &end);
	repair(p, n);
	q_scan(p, n, NUMBER, &ops, &s, &end);
	INVARIANT(end.end <= n);
	return 0;
}
