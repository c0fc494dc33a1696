/*
 * The P1 association (X.411 clause 12, X.419 clause 8): two MTAs bind, and
 * transfer messages, probes and reports over RTSE.
 *
 * One engine for both roles, without I/O: it owns the RTSE engine and all
 * below. It checks names and credentials, simple or strong, of both
 * directions, streams APDUs, resumes what a lost association cut off, and
 * deals with turns. The protocol is that of 1988 in normal or X.410 mode, or
 * that of 1984 (X.419 8.1).
 */
#ifndef P1_P1_H
#define P1_P1_H

#include "mhs/envelope.h"
#include "osi/rtse.h"
#include "p1/apdu.h"
#include "p1/bind_codec.h"

#define P1_AC_MTS_TRANSFER "2.6.0.1.6" /* id-ac-mts-transfer */
#define P1_AS_MTSE "2.6.0.2.7"         /* id-as-mtse */

/* X.419 8.1: the application contexts. */
enum p1_protocol {
	P1_MTS_TRANSFER,      /* id-ac-mts-transfer, normal mode */
	P1_MTS_TRANSFER_X410, /* mts-transfer-protocol (12), X.410 mode */
	P1_MTS_TRANSFER_1984, /* mts-transfer-protocol-1984 (1) */
	P1_PROTOCOLS
};
const char *p1_protocol_name(enum p1_protocol p); /* "mts-transfer" ... */

struct p1_strong; /* keys and certificates for strong bind: p1/strong.h */
struct p1_labels; /* security labels: p1/label.h */

enum p1_event_type {
	P1_OPEN,    /* bound: p1_peer_mta() and what was negotiated are known */
	P1_REFUSED, /* the bind was refused, by the peer or by us; err says
	             * why. Nothing follows but the end of the connection. */
	P1_IN_COMING,   /* octets of an APDU came: the first time none, when a
	                 * transfer begins, long before its envelope is whole.
	                 * IN_LOST or IN_END follows; for who times it. */
	P1_IN_BEGIN,    /* an APDU starts; of a report env is NULL here */
	P1_IN_CONTENT,  /* octets of its content */
	P1_IN_END,      /* whole; env is known. Answer with p1_accept() or
	                 * p1_refuse(), now or later. err: it is over our limits,
	                 * and to be reported on, for it will be so again. */
	P1_IN_LOST,     /* interrupted, or its syntax is wrong (err): forget it.
	                 * The engine refuses it by itself. Also comes when no
	                 * IN_BEGIN was seen, and after IN_END when the peer
	                 * gave it up before it was answered: then there is no
	                 * more to answer. */
	P1_SENT,        /* the peer took responsibility of what we sent */
	P1_SEND_FAILED, /* it did not; err says why. The association may live
	                 * on: p1_ready() tells. */
	P1_WRITABLE,    /* room for more content octets */
	P1_CHECKPOINT,  /* p1_resume_point() has moved on */
	P1_TURN,        /* the turn came to us */
	P1_CLOSED, /* the end, in good order (err NULL) or not. Nothing follows;
	            * what was being sent or received is lost. */
};

struct p1_event {
	enum p1_event_type type;
	struct mhs_envelope *env; /* IN_BEGIN, IN_END: lives until the next
	                           * APDU begins or p1_free(), unless taken
	                           * with p1_take_envelope() */
	const uint8_t *data;      /* IN_CONTENT */
	size_t n;
	const struct err *err;
	int bind_error; /* REFUSED: enum p1_bind_error, or -1 when it was not
	                 * the bind itself that said no */
	bool other_protocol; /* REFUSED: the peer does not know the protocol;
	                      * another enum p1_protocol may do */
};

/* The callback must not free the engine; it may call everything else. */
typedef void p1_event_fn(void *user, const struct p1_event *ev);

/* Who wants to bind, as a responder sees it. */
struct p1_caller {
	const char *mta;            /* "": none */
	const struct p1_bind *bind; /* all that it presents; NULL: a recovery */
	const struct osi_selectors *from;  /* calling selectors */
	const struct osi_selectors *to;    /* called selectors */
	const struct ses_conn_id *recover; /* NULL: a bind */
	enum p1_protocol protocol;
};

/* Responder: who may bind? Looks up the peer by what it presents, and says what
 * else it must present and what we answer. false: there is no such peer, or it
 * must not call from there (authentication-error). A recovery (X.228) presents
 * no name: the association named by `recover` was lost, and is known by that.
 * It presents no credentials either: where a password or strong ones are asked
 * for, it gets busy(0), as an unknown one does, and then binds anew. Strings
 * must stay good during the call to the engine only. */
struct p1_peer_auth {
	const char *password;     /* that the peer must present; NULL: none */
	const char *our_mta;      /* MTA name and password we answer with */
	const char *our_password; /* NULL: an empty one */
	bool two_way_alternate;   /* allowed */
	bool busy;                /* refuse with busy(0) for now */
	const char *why_busy;     /* for the log; NULL: too many associations */
	uint8_t protocols; /* bits 1 << enum p1_protocol that it may use; 0:
	                    * all */
	/* Strong credentials: ours, and what the peer's are checked against;
	 * NULL: simple ones. A peer with `strong` must not bind without. */
	const struct p1_strong *strong;
	const char *peer_subject; /* its certificate's subject must be this (RFC
	                           * 2253 text); NULL: must name its MTA */
	/* What it may ask for as security-context (a peer that asks for more
	 * gets unacceptable-security-context); NULL: none. */
	const struct p1_labels *labels;
	bool context_optional; /* it need not ask, though there are labels */
	bool not_confidential; /* refuse: the connection is not as protected as
	                        * this peer's must be
	                        * (inadequate-association-confidentiality) */
	const char *peer_mta;  /* of a recovery: whose association it was */
	bool old_extensions; /* write extension types as [0] explicit INTEGER */
	bool lenient;        /* p1_apdu_set_lenient() */
};
typedef bool p1_lookup_fn(
    void *user, const struct p1_caller *caller, struct p1_peer_auth *out);

struct p1_params {
	enum osi_role role;
	struct osi_selectors called, calling; /* initiator */
	enum p1_protocol protocol;            /* initiator */
	const char *our_mta, *our_password;   /* initiator presents these */
	/* Initiator: what the peer must answer with; NULL: not checked. */
	const char *peer_mta, *peer_password;
	const struct p1_strong *strong; /* initiator: as in p1_peer_auth */
	const char *peer_subject;       /* the same */
	const struct p1_labels *labels; /* initiator: the security-context
	                                    * to ask for; NULL: none */
	bool old_extensions, lenient;   /* the same */
	/* Initiator: recovers a lost association instead of a bind. Not where
	 * the peer has to prove who it is (peer_password, strong): a recovery
	 * carries no credentials, so that such a one is bound anew. */
	const struct ses_conn_id *recover;
	const struct rtse_keep *keep; /* see rtse.h; called with the user */
	enum rtse_dialogue dialogue;  /* initiator: proposed */
	uint32_t checkpoint_size;     /* kilo-octets, 0: no checkpoints */
	uint32_t window_size;         /* 0: default */
	uint64_t max_envelope;        /* octets, 0: P1_ENVELOPE_MAX */
	unsigned max_depth; /* of an APDU, and of a value in the layers below
	                     * (struct osi_common, which this sets); 0:
	                     * P1_APDU_DEPTH, and theirs */
	msec_t transfer_timeout;  /* for one APDU; 0: none */
	struct osi_common common; /* time-outs and trace hook; `reply` is
	                               * also for the turn that a release waits
	                               * for, and the rest of a TSDU */
	p1_lookup_fn *lookup;     /* responder; called with the user */
	uint64_t conn_id; /* initiator: makes the session connection identifier
	                   * unique, among those of all processes that ever
	                   * call this peer: random */
	int64_t wall;     /* both roles: Unix seconds at p1_new() */
};

struct p1;
/* Strings of `p` are copied. */
struct p1 *p1_new(
    const struct p1_params *p, p1_event_fn *fn, void *user, msec_t now);
void p1_free(struct p1 **p);
/* Initiator: connects the layers below and binds. */
int p1_start(struct p1 *p, struct err *e) __attribute__((warn_unused_result));

/* May an APDU be sent now: bound, our turn, nothing under way? */
bool p1_ready(const struct p1 *p);
/* Starts a message, probe or report whose content of content_n octets follows
 * through p1_send_content(). ERR_UNSUPPORTED, ERR_SYNTAX, ERR_LIMIT: this
 * envelope cannot be encoded, and never will be (nothing was sent);
 * ERR_PROTOCOL: not ready; ERR_TEMPORARY: it could not be begun, and the
 * association is aborted (P1_CLOSED came already). */
int p1_send(struct p1 *p, const struct mhs_envelope *env, uint64_t content_n,
    struct err *e) __attribute__((warn_unused_result));
/* From where a transfer that is cut off goes on: the APDU's octets around the
 * content must be the same again, so they belong to it. */
struct p1_resume {
	struct rtse_resume rtse;
	struct octets head, tail; /* the APDU before and after the content */
	uint64_t content_n;
};
/* While sending, and after P1_CLOSED or P1_SEND_FAILED cut it off: is there a
 * confirmed checkpoint to go on from? Octets live until p1_free() or the next
 * p1_send(). */
bool p1_resume_point(const struct p1 *p, struct p1_resume *out);
/* Instead of p1_send(): goes on with a transfer of another association. The
 * content octets from *content_offset on follow. P1_SEND_FAILED, with the
 * association still open: the peer cannot; send it anew. ERR_PROTOCOL (not
 * ready, or not to be resumed), ERR_SYNTAX (it does not add up): nothing was
 * sent, send it anew; ERR_TEMPORARY as for p1_send(). */
int p1_send_resume(struct p1 *p, const struct p1_resume *at,
    uint64_t *content_offset, struct err *e)
    __attribute__((warn_unused_result));
/* Returns the octets taken (fewer than n when the window is full: go on at
 * P1_WRITABLE), or a negative code. */
int64_t p1_send_content(struct p1 *p, const uint8_t *d, size_t n, struct err *e)
    __attribute__((warn_unused_result));

/* Receiver, after P1_IN_END: responsibility taken, or not (the peer tries
 * again). ERR_PROTOCOL, and nothing else happens, when there is nothing to
 * answer. */
int p1_accept(struct p1 *p, struct err *e);
int p1_refuse(struct p1 *p, struct err *e);
/* The arena of the incoming envelope becomes the caller's. */
struct arena *p1_take_envelope(struct p1 *p);
/* Stop and resume taking octets (disk slower than the network). */
void p1_hold_input(struct p1 *p, bool hold);

/* Two-way alternate: work of this priority waits here. Asks the peer for the
 * turn, or keeps it from a peer whose work is less urgent. */
void p1_want_turn(struct p1 *p, enum mhs_priority priority);
/* Nothing to send for now: gives a waiting peer the turn. */
void p1_idle(struct p1 *p);

/* Orderly: finishes what is under way, then releases (initiator), or waits for
 * the peer to (responder). P1_CLOSED follows. */
void p1_close(struct p1 *p);
void p1_abort(struct p1 *p, const char *why);

bool p1_is_open(const struct p1 *p);
/* Did it end because the peer closed the connection, without a word? */
bool p1_hung_up(const struct p1 *p);
/* What the peer presented; "" before. */
const char *p1_peer_mta(const struct p1 *p);
enum p1_protocol p1_protocol(const struct p1 *p);
/* May this envelope go over the association, either way, by its message
 * security label? The association's labels are those of its security-context,
 * or the ones allowed where the peer did not ask for one. ERR_REFUSED,
 * ERR_SYNTAX: it must not. */
int p1_check_label(const struct p1 *p, const struct mhs_envelope *env,
    struct err *e) __attribute__((warn_unused_result));
/* For what was negotiated (rtse_dialogue() and the like). */
struct rtse *p1_rtse(struct p1 *p);

/* For conn_new(): the engine is the struct p1. */
extern const struct engine_ops p1_engine_ops;

#endif
