/*
 * Trace information on the wire (X.411 12.2.1.1.1.3, Figure 4): the domains,
 * and as extension 38 the MTAs, that a message, probe or report has passed.
 */
#ifndef P1_TRACE_CODEC_H
#define P1_TRACE_CODEC_H

#include "p1/ext.h"
#include "p1/field_codec.h"

/* A list of trace elements, oldest first, in the arena of the p1_in. */
struct p1_traces {
	struct mhs_trace *v;
	size_t n;
};

/* Appends the elements of a SEQUENCE OF (whatever its tag). ERR_LIMIT beyond
 * MHS_TRACE_MAX in all. */
int p1_get_trace(struct p1_in *in, const struct ber_tlv *t, bool internal,
    struct p1_traces *out);
/* Takes extension 38 out of `x` and appends its elements. One that is no good
 * stays in `x`, to be judged (p1/judge.h); ERR_LIMIT is an error. */
int p1_take_internal_trace(
    struct p1_in *in, struct mhs_exts *x, struct p1_traces *out);
/* [APPLICATION 9] of the external elements; those of the Internet side are
 * left out. */
int p1_put_trace(
    struct buf *out, const struct mhs_trace *v, size_t n, struct err *e);
/* The extensions with extension 38 made of the internal elements put in, in
 * the arena. */
int p1_with_internal_trace(struct arena *a, const struct mhs_exts *x,
    const struct mhs_trace *v, size_t n, struct mhs_exts *out, struct err *e);

#endif
