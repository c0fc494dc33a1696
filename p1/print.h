/*
 * A P1 APDU as text for a person: the envelope as mhs_envelope_print() has it,
 * then what only P1 knows: the names of extensions with their criticality and
 * value, and of encoded information types.
 *
 * The content is not printed: its octets are handed out, so that the caller
 * can print them by their type.
 */
#ifndef P1_PRINT_H
#define P1_PRINT_H

#include "asn1/ber.h"
#include "mhs/envelope.h"

struct p1_printed {
	struct mhs_envelope *env; /* in the arena */
	struct octets content;    /* in the arena; n == 0: none */
};

/* Reads one MTS-APDU, bare or in an EXTERNAL, and appends its text. 0, or a
 * negative code (e->offset in the APDU): `out` is unchanged then. */
int p1_print(struct arena *a, const uint8_t *p, size_t n, struct buf *out,
    struct p1_printed *what, struct err *e) __attribute__((warn_unused_result));

/* "ia5-text, 1.3.6.1.7.1.3.5": the types of an EncodedInformationTypes
 * element, in the arena. */
const char *p1_eits_text(struct arena *a, const uint8_t *p, size_t n);

#endif
