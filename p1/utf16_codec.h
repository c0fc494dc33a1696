/*
 * BMPString and UniversalString to UTF-8 and back (X.680 41).
 */
#ifndef P1_UTF16_CODEC_H
#define P1_UTF16_CODEC_H

#include <stdbool.h>

#include "lib/buf.h"

/* Appends the UTF-8 of big-endian characters of `width` octets (2 or 4).
 * false for half a character, a surrogate, or a number above 10FFFF. */
bool p1_ucs_to_utf8(
    const uint8_t *p, size_t n, unsigned width, struct buf *out);
/* Appends the characters. `*width` is set to 2 when all of them fit a
 * BMPString, else 4. false when p is not UTF-8. */
bool p1_utf8_to_ucs(
    const uint8_t *p, size_t n, unsigned *width, struct buf *out);

#endif
