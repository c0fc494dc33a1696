/*
 * The P1 association (X.411 clause 12, X.419 clause 8): two MTAs bind, and
 * transfer messages, probes and reports over RTSE in normal mode.
 *
 * One engine for both roles, without I/O: it owns the RTSE engine and all
 * below. It checks names and simple credentials of both directions, streams
 * APDUs, and deals with turns. Application context id-ac-mts-transfer;
 * presentation contexts id-as-mta-rtse and id-as-mtse.
 */
#ifndef P1_P1_H
#define P1_P1_H

#include "mhs/envelope.h"
#include "osi/rtse.h"
#include "p1/bind_codec.h"

#define P1_AC_MTS_TRANSFER "2.6.0.1.6" /* id-ac-mts-transfer */
#define P1_AS_MTSE "2.6.0.2.7"         /* id-as-mtse */

enum p1_event_type {
	P1_OPEN,     /* bound: peer_mta, and what was negotiated, are known */
	P1_REFUSED,  /* the bind was refused: by the peer (initiator), or by us
	             * (responder); err says why. Nothing follows but the end
	             * of the connection. */
	P1_IN_BEGIN, /* an APDU starts; its envelope is in `env` */
	P1_IN_CONTENT,  /* octets of its content */
	P1_IN_END,      /* whole: p1_accept() or p1_refuse(), now or later */
	P1_IN_LOST,     /* interrupted, or its syntax is wrong (err): forget it.
	                 * The engine has refused it already. */
	P1_SENT,        /* the peer took responsibility of what we sent */
	P1_SEND_FAILED, /* it did not; err says why. The association may live
	                 * on: p1_ready() tells. */
	P1_WRITABLE,    /* room for more content octets */
	P1_TURN,        /* we may send: p1_ready() is true */
	P1_CLOSED, /* the end, in good order (err NULL) or not. Nothing follows;
	            * what was being sent is as in P1_SEND_FAILED. */
};

struct p1_event {
	enum p1_event_type type;
	struct mhs_envelope *env; /* IN_BEGIN: lives until the next IN_BEGIN,
	                           * IN_LOST, or p1_free(), unless taken with
	                           * p1_take_envelope() */
	const uint8_t *data;      /* IN_CONTENT */
	size_t n;
	const struct err *err;
	int bind_error; /* REFUSED by the peer's MTABindError: enum
	                 * p1_bind_error, else -1 */
};

typedef void p1_event_fn(void *user, const struct p1_event *ev);

/* Responder: who may bind? Looks up the peer by the MTA name it presents, and
 * says what it must present and what we answer. Returns false when there is
 * no such peer. Strings must stay good during the call only. */
struct p1_peer_auth {
	const char *password;     /* that the peer must present; NULL: none */
	const char *our_mta;      /* MTA name and password we answer with */
	const char *our_password; /* NULL: none */
	bool two_way_alternate;   /* allowed */
	bool busy;                /* refuse with busy(0) for now */
};
typedef bool p1_lookup_fn(
    void *user, const char *mta_name, struct p1_peer_auth *out);

struct p1_params {
	enum osi_role role;
	struct osi_selectors called, calling; /* initiator; responder: called
	                                       * (absent parts match any) */
	/* Initiator: what we present, and what the peer must answer with. */
	const char *our_mta, *our_password;
	const char *peer_mta, *peer_password; /* NULL: not checked */
	enum rtse_dialogue dialogue;          /* initiator: proposed */
	uint32_t checkpoint_size;             /* kilo-octets */
	uint32_t window_size;
	uint64_t max_envelope; /* octets, 0: P1_ENVELOPE_MAX */
	uint64_t max_content;  /* octets, 0: any */
	msec_t transfer_timeout;
	struct osi_common common; /* time-outs and trace hook */
	p1_lookup_fn *lookup;     /* responder */
	uint32_t conn_id;         /* initiator: makes the session connection
	                           * identifier unique */
	int64_t wall;             /* seconds; for the same */
};

#define P1_ENVELOPE_MAX (4u << 20)

struct p1;
/* Strings of `p` are copied. An initiator starts with the first
 * p1_engine_ops call or p1_start(). */
struct p1 *p1_new(
    const struct p1_params *p, p1_event_fn *fn, void *user, msec_t now);
void p1_free(struct p1 **p);
/* Initiator: sends the first octets (transport connect) and, when the layers
 * below are up, the bind. */
int p1_start(struct p1 *p, struct err *e);

/* May an APDU be sent now: bound, our turn, nothing under way? */
bool p1_ready(const struct p1 *p);
/* Starts a message, probe or report: `head` are the octets of the APDU up to
 * its content, `content_n` the content octets that follow through
 * p1_send_content(), `tail` the octets after it (see p1/apdu.h, which makes
 * head and tail). */
int p1_send(struct p1 *p, const struct mhs_envelope *env, uint64_t content_n,
    struct err *e);
/* Returns the octets taken (fewer than n when the window is full: go on at
 * P1_WRITABLE), or a negative code. */
int64_t p1_send_content(
    struct p1 *p, const uint8_t *d, size_t n, struct err *e);
/* Gives up what is being sent. */
void p1_send_discard(struct p1 *p);

/* Receiver, after P1_IN_END: responsibility taken, or not (temporarily: the
 * peer tries again). */
int p1_accept(struct p1 *p, struct err *e);
int p1_refuse(struct p1 *p, struct err *e);
/* The arena of the incoming envelope becomes the caller's. */
struct arena *p1_take_envelope(struct p1 *p);
/* Stop and resume taking octets (disk slower than the network). */
void p1_hold_input(struct p1 *p, bool hold);

/* Two-way alternate: work of this priority waits here and the turn is the
 * peer's; asks for it. No effect in a monologue. */
void p1_want_turn(struct p1 *p, enum mhs_priority priority);
/* Nothing to send for now: gives a waiting peer the turn. */
void p1_idle(struct p1 *p);

/* Orderly: finishes what is under way, then releases (initiator) or waits for
 * the peer to (responder). P1_CLOSED follows. */
void p1_close(struct p1 *p);
void p1_abort(struct p1 *p, const char *why);

bool p1_is_open(const struct p1 *p);
bool p1_is_bound_two_way(const struct p1 *p);
/* What the peer presented; "" before. */
const char *p1_peer_mta(const struct p1 *p);
struct rtse *p1_rtse(struct p1 *p);

/* For conn_new(): the engine is the struct p1. */
extern const struct engine_ops p1_engine_ops;

#endif
