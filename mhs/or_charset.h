/*
 * Character sets of O/R addresses and other X.400 strings: T.61 with ISO 2022
 * escapes, UTF-8, PrintableString. Pure functions; results live in the arena.
 */
#ifndef MHS_OR_CHARSET_H
#define MHS_OR_CHARSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/buf.h"

/* Is c in the repertoire of PrintableString (X.680, RFC 2156 3.3.3)? */
bool mhs_printable_char(unsigned char c);
bool mhs_printable(const char *p, size_t n);

/* T.61 octets as UTF-8. Total: an octet that T.61 does not have is read as
 * ASCII or ISO 8859-1 (many peers send that), at worst it is U+FFFD. */
char *mhs_t61_to_utf8(struct arena *a, const char *p, size_t n);
/* False when a character is not in T.61 or the text is not UTF-8. */
bool mhs_utf8_to_t61(
    struct arena *a, const char *p, size_t n, struct octets *out);

/* Reads one character of UTF-8 at p[0..n-1], n > 0: its octets and *c, or 0
 * when they are not well-formed (RFC 3629). */
size_t mhs_utf8_read(const char *p, size_t n, uint32_t *c);
/* Where the first octet stands that is no part of well-formed UTF-8 or is a
 * control character; n when there is none. */
size_t mhs_utf8_check(const char *p, size_t n);
/* Simple lower case of Latin, Greek and Cyrillic letters. */
uint32_t mhs_fold(uint32_t c);
/* Texts in UTF-8 as X.402 18.4 compares them: folded, leading, trailing and
 * multiple spaces ignored. */
bool mhs_text_equal(const char *x, size_t xn, const char *y, size_t yn);

#endif
