/*
 * Message and probe transfer envelopes (X.411 12.2.1.1, 12.2.1.2; Figure 4)
 * <-> struct mhs_envelope.
 *
 * Every field of the standard has its place in the model; extensions that we
 * do not know, and fields that nobody knew yet, are carried as raw elements
 * and go out unchanged. Encoding gives DER: definite lengths, SETs sorted.
 */
#ifndef P1_ENVELOPE_CODEC_H
#define P1_ENVELOPE_CODEC_H

#include "asn1/ber.h"
#include "mhs/envelope.h"

struct p1_dialect; /* p1/apdu.h */

/* One complete element: the SET, or the probe with its tag [2]. `max` bounds
 * its size; `strict`: X.411's bounds of names (struct p1_in). A recipient's
 * number is from 1 on, and no two have the same before a list was expanded. The
 * result lives in `a`. ERR_SYNTAX (with field name and offset in
 * the normalised element), ERR_LIMIT. */
int p1_envelope_decode(struct arena *a, enum mhs_kind kind, const uint8_t *p,
    size_t n, size_t max, bool strict, struct mhs_envelope **out, struct err *e)
    __attribute__((warn_unused_result));

/* Appends the SET of a message, or of a probe with its tag [2]. Recipients
 * without an O/R name are an error (ERR_UNSUPPORTED): map them first. */
int p1_envelope_encode(const struct mhs_envelope *env,
    const struct p1_dialect *dialect, struct buf *out, struct err *e)
    __attribute__((warn_unused_result));

/* The octet of per-recipient-indicators: responsibility, the originating MTA's
 * and the originator's report request. */
uint8_t p1_recipient_indicators(const struct mhs_recipient *rcpt);

/* "unknown extension 99" or its OID and, when we know it, its name. */
const char *p1_ext_text(struct arena *a, const struct mhs_ext *x);

#endif
