/*
 * The inside of the reader of RFC 1006 connections: decode_osi.c has
 * transport and session, decode_upper.c what is above.
 */
#ifndef OPS_DECODE_OSI_H
#define OPS_DECODE_OSI_H

#include "ops/decode.h"
#include "osi/pres.h"
#include "osi/spdu.h"

struct decode_osi {
	struct arena *arena;
	struct buf *out;
	struct buf tsdu, ssdu; /* being put together */
	struct buf apdu;       /* octets of the RTTRs of one activity */
	bool please;           /* the value is of a PLEASE TOKENS */
	bool x410;             /* the mode of presentation, from CP or CPA */
	struct pres_context contexts[PRES_CONTEXTS_MAX]; /* from the CP */
	size_t n_contexts;
};

/* User data of an SPDU other than DT and TD. */
int decode_user_data(struct decode_osi *d, enum spdu_type type,
    const uint8_t *p, size_t n, struct err *e);
/* d->ssdu is whole; it is used up. */
int decode_ssdu(struct decode_osi *d, struct err *e);
/* An activity ended: the APDU is whole, and is used up. */
void decode_activity_end(struct decode_osi *d);

#endif
