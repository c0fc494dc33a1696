/*
 * Transport class 0 (X.224, ISO 8073) in TPKT frames over TCP (RFC 1006).
 *
 * A transport connection lives and dies with its TCP connection. TSDUs come
 * up in fragments as their DT TPDUs arrive, so that no TSDU is held whole.
 * Bad octets give an ER or DR TPDU (X.224 6.22) and COTP_DISCONNECT.
 */
#ifndef OSI_COTP_H
#define OSI_COTP_H

#include "osi/osi.h"

#define COTP_TPDU_MAX 65531 /* RFC 1006 4: TPKT of 65535 less its header */

struct cotp;

enum cotp_event_type {
	COTP_CONNECT_IND, /* responder: CR arrived; to be accepted */
	COTP_CONNECT_CNF, /* initiator: CC arrived */
	COTP_DATA_IND,    /* a fragment of a TSDU; `last` ends the TSDU */
	COTP_DISCONNECT,  /* refused, broken or closed: nothing follows */
};

struct cotp_event {
	enum cotp_event_type type;
	const uint8_t *data; /* COTP_DATA_IND */
	size_t n;
	bool last;
	uint8_t reason;        /* COTP_DISCONNECT: X.224 13.5.3 d), or 0 */
	const struct err *err; /* COTP_DISCONNECT: NULL for a clean close */
};

typedef void cotp_event_fn(void *user, const struct cotp_event *ev);

struct cotp_params {
	enum osi_role role;
	struct osi_sel called, calling; /* TSELs; the responder's `called` is
	                                 * filled in from the CR */
	uint32_t tpdu_size; /* largest we offer or accept, 128..65531. 65531
	                     * is offered by saying nothing (RFC 1006), what
	                     * lies between 8192 and it as the preferred
	                     * maximum TPDU size (X.224 13.3.4) */
	struct osi_common common;
};

/* err.detail: the peer speaks lines of text, which the error cites. */
#define COTP_DETAIL_TEXT 0x10000

/* The DR reasons we send (X.224 13.5.3). */
enum cotp_reason {
	COTP_REASON_UNSPECIFIED = 0,
	COTP_REASON_CONGESTION = 1,
	COTP_REASON_NO_SESSION = 2, /* session entity not attached to TSAP */
	COTP_REASON_ADDRESS_UNKNOWN = 3,
	COTP_REASON_NORMAL = 128,
	COTP_REASON_CONNECT_OVERFLOW = 129,
	COTP_REASON_NEGOTIATION_FAILED = 130,
	COTP_REASON_PROTOCOL_ERROR = 133,
	COTP_REASON_REFERENCE_OVERFLOW = 135,
};

struct cotp *cotp_new(
    const struct cotp_params *p, cotp_event_fn *fn, void *user, msec_t now);
void cotp_free(struct cotp **c);

/* Initiator: sends the CR. */
void cotp_connect_request(struct cotp *c);
/* Responder, after COTP_CONNECT_IND. */
void cotp_connect_accept(struct cotp *c);
/* A fragment of a TSDU; split into DT TPDUs of the negotiated size. */
void cotp_data_request(struct cotp *c, const uint8_t *p, size_t n, bool last);
/* Class 0 has no release: this closes the TCP connection once flushed. */
void cotp_disconnect(struct cotp *c);

void cotp_input(struct cotp *c, const uint8_t *p, size_t n);
void cotp_closed(struct cotp *c, const struct err *reason);
struct buf *cotp_output(struct cotp *c);
bool cotp_finished(const struct cotp *c);
/* Has the peer begun a TPDU or TSDU whose end has not come? */
bool cotp_inside_tsdu(const struct cotp *c);
const struct cotp_params *cotp_params(const struct cotp *c);

/* For iaed: looks at the first octets of a TCP connection without an engine.
 * Returns 1 and the called TSEL when a whole CR is there, 0 when more octets
 * are needed; ERR_SYNTAX: a CR, and it is bad; ERR_PROTOCOL: no CR, or no RFC
 * 1006 at all. */
int cotp_peek_cr(
    const uint8_t *p, size_t n, struct osi_sel *called, struct err *e);
/* Appends the TPKT with a DR that refuses the CR at p, which may be a bad one;
 * nothing when it is none at all. */
void cotp_refuse_cr(
    const uint8_t *p, size_t n, enum cotp_reason reason, struct buf *out);

#endif
