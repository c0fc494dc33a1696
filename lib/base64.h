/*
 * Base64 (RFC 4648 4) in one piece, for protocols that carry it in a line and
 * for our own tables. Decoding is strict, as RFC 4954 4 wants it: no character
 * outside the alphabet, padding at the end only and just as much as there must
 * be, and no bits behind the last octet. Sizes are octets.
 */
#ifndef LIB_BASE64_H
#define LIB_BASE64_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/buf.h"

/* Room for the text of n octets, with its NUL; for the octets of a text of n. */
#define BASE64_TEXT(n) (((n) + 2) / 3 * 4 + 1)
#define BASE64_OCTETS(n) ((n) / 4 * 3)

/* Appends the text. */
void base64_encode(struct buf *out, const void *p, size_t n);
/* The octets of the text into `out`, which has room for `size`. Returns how
 * many, ERR_SYNTAX, or ERR_LIMIT. */
ssize_t base64_decode(const char *text, size_t n, uint8_t *out, size_t size);

#endif
