/*
 * Reports (X.411 12.2.1.3, Figure 4): ReportTransferEnvelope and
 * ReportTransferContent <-> struct mhs_envelope with its struct mhs_report.
 *
 * The returned content is no part of this: it streams by (p1/apdu.h). The
 * report's destination is recipients[0] of the envelope.
 */
#ifndef P1_REPORT_CODEC_H
#define P1_REPORT_CODEC_H

#include "asn1/ber.h"
#include "mhs/envelope.h"

struct p1_dialect; /* p1/apdu.h */

/* The two SETs, each a complete element; the content's without its
 * returned-content. `max` bounds each. ERR_SYNTAX, ERR_LIMIT. */
int p1_report_decode(struct arena *a, struct octets envelope,
    struct octets content, size_t max, bool strict, struct mhs_envelope **out,
    struct err *e) __attribute__((warn_unused_result));

/* Appends the envelope's SET to `envelope`, and to `content` the fields of
 * the content's SET, in order, without the SET's own header. `*returned_at` is
 * the place in `content` where returned-content [1] belongs. */
int p1_report_encode(const struct mhs_envelope *env,
    const struct p1_dialect *dialect, struct buf *envelope, struct buf *content,
    size_t *returned_at, struct err *e) __attribute__((warn_unused_result));

#endif
