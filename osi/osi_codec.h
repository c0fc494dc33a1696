/*
 * The one way from octets of a peer to a structure of asn1c: checked and made
 * definite by ber_normalise(), then decoded. Only *_codec.c files of this room
 * include it, because generated types go no further than those.
 *
 * The structure lives as long as the arena. Octet limits: an element of at
 * most OSI_PDU_MAX octets and OSI_PDU_DEPTH levels (presentation has looked
 * for fewer before: struct osi_common). Errors name the layer.
 */
#ifndef OSI_CODEC_H
#define OSI_CODEC_H

#include "asn1/ber.h"
#include "osi/osi.h"

#include <OBJECT_IDENTIFIER.h>
#include <asn_application.h>

#define OSI_PDU_MAX (256 * 1024)
#define OSI_PDU_DEPTH OSI_DEPTH_MAX

/* The decoded structure of type `td`, a CHOICE of APDUs, or NULL: the error
 * says which field of which APDU is wrong, and its octet in the APDU. Trailing
 * octets are an error. */
void *osi_decode(struct arena *a, asn_TYPE_descriptor_t *td, const uint8_t *p,
    size_t n, const char *layer, struct err *e);

/* What decoded, but is not allowed: `e` tells why, and here gets the layer, the
 * name of the APDU at p (of those of `td`), and name and octet of its field
 * [number]; octet 0 where that is absent. Returns the code. */
int osi_at_field(const asn_TYPE_descriptor_t *td, const uint8_t *p, size_t n,
    uint32_t number, const char *layer, int code, struct err *e);

/* A decoded OBJECT IDENTIFIER as dotted text, in the arena. */
const char *osi_oid_text(
    struct arena *a, const OBJECT_IDENTIFIER_t *oid, struct err *e);

/* What a hole (ANY) holds, copied: one whole element, which asn1c does not
 * check by itself. Absent: n == 0. */
struct ANY;
int osi_any(struct arena *a, const struct ANY *any, const char *layer,
    struct octets *out, struct err *e);

/* The same for octets that should be one whole element, and are there. */
int osi_value(struct arena *a, const uint8_t *p, size_t n, const char *layer,
    struct octets *out, struct err *e);

/* A BIT STRING that must be octets: 0, or ERR_SYNTAX. */
struct BIT_STRING_s;
int osi_bits_octets(const struct BIT_STRING_s *b, const char *layer,
    struct octets *out, struct err *e);

#endif
