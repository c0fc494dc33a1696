/*
 * What the OSI layers share: selectors, roles, and limits.
 *
 * Every layer is an engine without I/O: it owns the layer below, takes
 * requests and responses as function calls, and reports indications and
 * confirmations through one callback. Octets enter at the bottom
 * (cotp_input) and leave through one output buffer at the bottom. Time is an
 * argument. Nothing in osi/ knows messages.
 */
#ifndef OSI_OSI_H
#define OSI_OSI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/err.h"

#define OSI_SEL_MAX 32  /* octets of a selector we accept on any layer */
#define OSI_SSEL_MAX 16 /* of a session selector (X.225 8.3.1.17) */

struct osi_sel {
	bool present; /* absent differs from present and empty */
	uint8_t n;
	uint8_t v[OSI_SEL_MAX];
};

/* Selector text forms: plain ASCII ("X400-88"), or hexadecimal octets with
 * leading "0x" ("0x0102"). An empty string is a present selector of length
 * 0; NULL is absent. */
int osi_sel_parse(const char *text, struct osi_sel *out, struct err *e);
/* For logs and listings: the ASCII when printable, else 0x...; "-" absent. */
const char *osi_sel_text(const struct osi_sel *s, char *out, size_t size);
bool osi_sel_equal(const struct osi_sel *a, const struct osi_sel *b);

/* A presentation address without its network part (X.200): who is called
 * behind one TCP port. */
struct osi_selectors {
	struct osi_sel psel, ssel, tsel;
};

/* Nested elements of an encoding: what BER takes at all; of the PDUs between
 * presentation and RTSE, where nothing else is said; and those that lie around
 * a user's value there. */
#define OSI_DEPTH_MAX 128
#define OSI_DEPTH_PDU 64
#define OSI_DEPTH_AROUND 12

enum osi_role { OSI_INITIATOR, OSI_RESPONDER };

/* Time a peer has to finish what it must (seconds are the caller's choice). */
struct osi_timeouts {
	msec_t connect; /* from TCP to an open association */
	msec_t reply;   /* an answer that the protocol owes */
	msec_t idle;    /* nothing at all; 0: for ever */
};

/* A trace hook: one call per PDU, for `isthmus ping` and debug logs. `what`
 * is like "session CN", `detail` free text. May be NULL. */
typedef void osi_trace_fn(
    void *arg, bool sent, const char *what, const char *detail);

struct osi_common {
	struct osi_timeouts timeouts;
	osi_trace_fn *trace;
	void *trace_arg;
	/* The source reference of the transport connection, which no other one
	 * of the process should have now (X.224 6.5.4 a); 0: one made of the
	 * time, for who has but few. A peer's may be that of another of its
	 * connections: class 0 names a connection by its TCP connection. */
	uint16_t reference;
	/* Nested elements that a value of the association's user may have; 0:
	 * as many as the layers take by themselves. */
	unsigned max_depth;
	/* Responder: is this called transport selector one of ours? NULL:
	 * someone else (iaed) has looked already. Another is refused with
	 * "address unknown" (X.224 13.5.3). */
	bool (*serves)(void *arg, const struct osi_sel *called);
	/* Responder: which selectors are ours behind this called TSEL? One that
	 * is not present is any. NULL, or NULL returned: any of them all. */
	const struct osi_selectors *(*ours)(
	    void *arg, const struct osi_sel *called_tsel);
	void *serves_arg; /* of both */
};

/* What `ours` tells, or selectors of which none is present. */
struct osi_selectors osi_ours(
    const struct osi_common *c, const struct osi_sel *called_tsel);

/* The limit of one encoding: max_depth and what lies around, or `otherwise`. */
unsigned osi_depth(const struct osi_common *c, unsigned otherwise);

#endif
