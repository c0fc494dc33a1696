/*
 * O/R addresses and names on the wire: ASN.1 of X.411 8.5.5 (ORName,
 * ORAddress, extension attributes) <-> struct mhs_or.
 *
 * Used by every protocol that carries them: P1, P3, P7 and, through the mixer,
 * P22 and P772. Built-in attributes are decoded by asn1c, extension attributes
 * by our own table; one that is not in it, or whose value does not fit, is
 * kept as MHS_OR_UNKNOWN and goes out as it came. Results live in the arena.
 */
#ifndef P1_OR_CODEC_H
#define P1_OR_CODEC_H

#include "asn1/ber.h"
#include "mhs/or.h"

/* Octets of a whole encoded O/R name that we accept. */
#define P1_OR_SIZE_MAX 8192

/* Decodes one complete element. The outer tag may be [APPLICATION 0] (ORName),
 * SEQUENCE (ORAddress), or any implicit context tag in their place. An ORName
 * of a directory name alone gives an mhs_or without attributes. Returns 0, or
 * ERR_SYNTAX, or ERR_LIMIT (size, number of attributes, length of a value)
 * with the offset counted from ber[0]. Octets after the element are an error. */
int p1_or_decode(struct arena *a, const uint8_t *ber, size_t n,
    struct mhs_or **out, struct err *e) __attribute__((warn_unused_result));

/* The outer tags: pass as `cls, number`. */
#define P1_OR_NAME BER_APPLICATION, 0             /* with directory-name */
#define P1_OR_ADDRESS BER_UNIVERSAL, BER_SEQUENCE /* without */

/* Appends the DER of an O/R name under this outer tag (a context tag where
 * the surrounding type tags it implicitly). With the universal tag, a
 * directory name is left out. ERR_UNSUPPORTED when an attribute has a form
 * that the standard does not allow there; nothing is appended then. */
int p1_or_encode(const struct mhs_or *name, enum ber_class cls, uint32_t number,
    struct buf *out, struct err *e) __attribute__((warn_unused_result));

#endif
