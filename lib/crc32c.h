/*
 * CRC-32C (Castagnoli, polynomial 0x1EDC6F41 reflected; RFC 3720 appendix B.4
 * has test vectors): the checksum of everything that the queue writes. The
 * processor's instruction does the work where there is one. The running value
 * starts at 0 and can be continued: crc32c(crc32c(0, a), b) is that of ab.
 */
#ifndef LIB_CRC32C_H
#define LIB_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(uint32_t crc, const void *p, size_t n);
/* The same without the instruction, for machines that lack it. */
uint32_t crc32c_table(uint32_t crc, const void *p, size_t n);

#endif
