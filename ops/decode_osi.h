/*
 * The inside of the reader of RFC 1006 connections: decode_osi.c has transport,
 * decode_session.c session, decode_upper.c what is above, decode_names.c what
 * the numbers in it mean.
 */
#ifndef OPS_DECODE_OSI_H
#define OPS_DECODE_OSI_H

#include "ops/decode.h"
#include "osi/pres.h"
#include "osi/spdu.h"

struct decode_piece { /* octets of a TSDU from one DT TPDU */
	size_t tsdu, stream;
};

struct decode_osi {
	struct arena *arena;
	struct buf *out;
	struct buf tsdu, ssdu;       /* being put together */
	struct buf apdu;             /* octets of the RTTRs of one activity */
	struct decode_piece *pieces; /* of tsdu */
	size_t n_pieces;
	struct buf held;          /* user data of which more is to come */
	enum spdu_type held_type; /* ... of this SPDU; SPDU_NONE: none */
	bool whole_headers; /* ... but of TPDU and SPDUs nothing is missing */
	bool cut;           /* the last packet: it is not whole */
	size_t where;       /* octet of the stream that is being read */
	bool please;        /* the value is of a PLEASE TOKENS */
	bool x410;          /* the mode of presentation, from CP or CPA */
	struct pres_context contexts[PRES_CONTEXTS_MAX]; /* from the CP */
	size_t n_contexts;
};

void decode_print_sel(struct buf *out, unsigned depth, const char *name,
    const struct osi_sel *sel);

enum decode_name {
	DECODE_REJECT_CAUSE, /* X.224 13.12.3 */
	DECODE_SYNC_TYPE,    /* X.225 8.3: these and the next */
	DECODE_MAJOR_SYNC_TYPE,
	DECODE_TOKENS,
	DECODE_TRANSPORT_DISCONNECT,
	DECODE_ENCLOSURE,
	DECODE_OVERFLOW,
	DECODE_VERSIONS,
	DECODE_REFUSE,          /* RF */
	DECODE_RTORJ,           /* X.228: refuse-reason */
	DECODE_REASON,          /* ED, AI, AD */
	DECODE_ABORT,           /* X.226: ARP */
	DECODE_EVENT,           /* X.226: event-identifier */
	DECODE_PROVIDER_REASON, /* X.226: CPR */
	DECODE_NAMES,
};

/* "name: sequence error (3)" */
void decode_print_name(struct buf *out, unsigned depth, const char *name,
    enum decode_name names, int v);

/* d->tsdu is whole. On an error d->where is the octet. */
int decode_tsdu(struct decode_osi *d, struct err *e);
/* Nothing more comes. */
void decode_session_end(struct decode_osi *d);
/* User data of an SPDU other than DT and TD. */
int decode_user_data(struct decode_osi *d, enum spdu_type type,
    const uint8_t *p, size_t n, struct err *e);
/* d->ssdu is whole; it is used up. */
int decode_ssdu(struct decode_osi *d, struct err *e);
/* An activity ended: the APDU is whole, and is used up. */
void decode_activity_end(struct decode_osi *d);

#endif
