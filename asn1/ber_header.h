/*
 * One parser of identifier and length octets for the scanner and the cursor:
 * takes an octet at a time and says when the header is complete. It checks
 * what a header alone can show (X.690 8.1.2, 8.1.3): tag form, reserved
 * lengths, and for universal types the form and the possible length.
 */
#ifndef ASN1_BER_HEADER_H
#define ASN1_BER_HEADER_H

#include "asn1/ber.h"

#define BER_DEPTH_MAX 128
/* identifier, four octets of tag number, length, eight octets of it */
#define BER_HEADER_MAX 14

enum ber_header_state {
	BER_HEADER_IDENTIFIER,
	BER_HEADER_NUMBER,
	BER_HEADER_LENGTH,
	BER_HEADER_LENGTH_OCTETS,
};

struct ber_header {
	enum ber_header_state state;
	struct ber_tag tag;
	uint64_t length;
	uint8_t raw[BER_HEADER_MAX];
	uint8_t raw_n;
	uint8_t length_at; /* index in raw of the first length octet */
	uint8_t missing;   /* length octets still to come */
};

/* Zero-initialise (or assign {0}) before the first octet. `offset` is where
 * the octet c stands, for errors. Returns 1 when the header is complete, 0
 * when it needs more, or a negative code. */
int ber_header_put(
    struct ber_header *h, uint8_t c, uint64_t offset, struct err *e);

/* The universal types whose encoding may be constructed of segments. */
bool ber_is_string(const struct ber_tag *t);
/* May a segment with tag t stand in a constructed string of that universal
 * type (X.690 8.6.4, 8.7.3, 8.23)? */
bool ber_segment_fits(uint32_t string, const struct ber_tag *t);

#endif
