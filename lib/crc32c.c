#include "lib/crc32c.h"

#include <string.h>
#ifdef __x86_64__
#include <nmmintrin.h>
#endif
#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <endian.h>
#include <sys/auxv.h>
#endif

/* The polynomial's remainders for the sixteen values of four bits: small, in
 * the cache, and needing no start-up code. */
static const uint32_t nibble[16] = {
    0x00000000,
    0x105ec76f,
    0x20bd8ede,
    0x30e349b1,
    0x417b1dbc,
    0x5125dad3,
    0x61c69362,
    0x7198540d,
    0x82f63b78,
    0x92a8fc17,
    0xa24bb5a6,
    0xb21572c9,
    0xc38d26c4,
    0xd3d3e1ab,
    0xe330a81a,
    0xf36e6f75,
};

uint32_t
crc32c_table(uint32_t crc, const void *p, size_t n)
{
	const uint8_t *s = p;

	crc = ~crc;
	while (n-- > 0) {
		crc ^= *s++;
		crc = (crc >> 4) ^ nibble[crc & 15];
		crc = (crc >> 4) ^ nibble[crc & 15];
	}
	return ~crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t
with_instruction(uint32_t crc, const uint8_t *s, size_t n)
{
	uint64_t c = ~crc, word;

	for (; n >= 8; n -= 8, s += 8) {
		memcpy(&word, s, 8);
		c = _mm_crc32_u64(c, word);
	}
	crc = (uint32_t)c;
	while (n-- > 0)
		crc = _mm_crc32_u8(crc, *s++);
	return ~crc;
}
#endif

#if defined(__aarch64__) && defined(__linux__)
/* By hand: compilers differ in the names of these two. */
static uint32_t
of_eight(uint32_t crc, uint64_t word)
{
	__asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %x1"
		: "+r"(crc)
		: "r"(word));
	return crc;
}

static uint32_t
of_one(uint32_t crc, uint8_t octet)
{
	__asm__(".arch_extension crc\n\tcrc32cb %w0, %w0, %w1"
		: "+r"(crc)
		: "r"(octet));
	return crc;
}

static uint32_t
with_instruction(uint32_t crc, const uint8_t *s, size_t n)
{
	uint64_t word;

	crc = ~crc;
	for (; n >= 8; n -= 8, s += 8) {
		memcpy(&word, s, 8);
		crc = of_eight(crc, le64toh(word));
	}
	while (n-- > 0)
		crc = of_one(crc, *s++);
	return ~crc;
}
#endif

uint32_t
crc32c(uint32_t crc, const void *p, size_t n)
{
#if defined(__aarch64__) && defined(__linux__)
	if (getauxval(AT_HWCAP) & HWCAP_CRC32)
		return with_instruction(crc, p, n);
#endif
#ifdef __x86_64__
	if (__builtin_cpu_supports("sse4.2"))
		return with_instruction(crc, p, n);
#endif
	return crc32c_table(crc, p, n);
}
