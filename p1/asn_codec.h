/*
 * Between octets and the structures of asn1c, for the *_codec.c files of this
 * room alone: generated types go no further than those.
 *
 * Octets given to p1_asn_decode() come out of ber_normalise(), always: that is
 * what makes them safe for the generated decoders. A decoded structure lives
 * as long as the arena. A structure to be encoded is built on the caller's
 * own memory and is not freed by asn1c.
 */
#ifndef P1_ASN_CODEC_H
#define P1_ASN_CODEC_H

#include "asn1/ber.h"

#include <asn_application.h>
#include <OCTET_STRING.h>

/* Nesting of what the gate lets through here: all that the splitter of APDUs
 * does, which has the configured limit (p1/apdu.h). */
#define P1_DEPTH_MAX 120

/* The structure of type `td`, or NULL and ERR_SYNTAX. */
void *p1_asn_decode(struct arena *a, asn_TYPE_descriptor_t *td,
    const uint8_t *p, size_t n, struct err *e);
/* Appends its DER. ERR_SYNTAX when asn1c finds the structure incomplete. */
int p1_asn_encode(asn_TYPE_descriptor_t *td, const void *structure,
    struct buf *out, struct err *e);

/* A string for encoding, pointing at octets that stay. */
static inline OCTET_STRING_t
p1_asn_octets(const void *p, size_t n)
{
	return (OCTET_STRING_t){.buf = (uint8_t *)p, .size = (int)n};
}

/* Appends one pointer to an asn1c list whose array is in the arena. The list
 * is any A_SEQUENCE_OF or A_SET_OF. */
#define P1_ASN_ADD(a, l, v)                                                   \
	do {                                                                  \
		size_t n_ = (size_t)(l)->count;                               \
		*(void **)arena_push((a), &(l)->array, &n_, sizeof(void *)) = \
		    (v);                                                      \
		(l)->count = (int)n_;                                         \
	} while (0)

/* Checks a complete element and makes it definite, in the arena: every octet
 * from a peer passes here. Octets after the element are an error. */
int p1_normalise(struct arena *a, const uint8_t *p, size_t n, size_t max,
    struct octets *out, struct err *e);

#endif
