/*
 * Reliable transfer (X.228 / ISO 9066-2), normal mode: one association, its
 * turn, and APDUs carried over it as session activities with checkpoints.
 *
 * Owns the whole stack below; this is the engine that P1 puts on a socket.
 * APDUs stream: down through rtse_transfer_data() while RTSE_WRITABLE says
 * there is room, up as RTSE_TRANSFER_DATA fragments. The receiver answers
 * RTSE_TRANSFER_END with rtse_transfer_accept() once the APDU is safe on disk
 * (that is the moment responsibility passes, X.228 7.3), or
 * rtse_transfer_refuse().
 *
 * The user gives and gets the bare APDU, one encoded value with its own tag
 * and length. On the wire it is wrapped in an EXTERNAL that names its
 * presentation context, unless rtse_syntax and apdu_syntax are the same: then
 * it goes as it is, as peers do. Callbacks may call anything here but
 * rtse_free(). Requests return ERR_PROTOCOL when the state does not allow
 * them, and send nothing then.
 */
#ifndef OSI_RTSE_H
#define OSI_RTSE_H

#include "lib/loop.h"
#include "osi/acse.h"

#define RTSE_ABSTRACT_SYNTAX_P1 "2.6.0.2.12" /* id-as-mta-rtse */

enum rtse_dialogue { RTSE_MONOLOGUE = 0, RTSE_TWO_WAY_ALTERNATE = 1 };

enum rtse_event_type {
	RTSE_OPEN_IND,     /* responder: answer with rtse_open_accept/refuse */
	RTSE_OPEN_CNF,     /* initiator: open; data is the bind result */
	RTSE_OPEN_REFUSED, /* initiator: refused; data holds the user data of
	                     * RTORJ when there is any. Nothing follows. */
	RTSE_TRANSFER_BEGIN, /* receiver: an APDU starts */
	RTSE_TRANSFER_DATA,  /* receiver: octets of the APDU */
	RTSE_TRANSFER_END,   /* receiver: whole; accept or refuse it */
	RTSE_TRANSFER_LOST,  /* receiver: discarded or interrupted: forget it */
	RTSE_TRANSFER_CNF,   /* sender: the peer took responsibility */
	RTSE_TRANSFER_FAILED, /* sender: not taken; err says why. The
	                      * association may live on. */
	RTSE_WRITABLE,        /* sender: room for more octets */
	RTSE_TURN_PLEASE,     /* peer asks for the turn: `priority` */
	RTSE_TURN_GIVE,       /* the turn is ours now */
	RTSE_CLOSE_IND,       /* peer released; it is answered already */
	RTSE_CLOSE_CNF,       /* our release was answered */
	RTSE_ABORTED,         /* by peer, user or provider; err says why.
	                     * Nothing follows. */
};

struct rtse_event {
	enum rtse_event_type type;
	const uint8_t *data; /* OPEN_*: user data (the bind APDU, a complete
	                      * encoded value); TRANSFER_DATA: octets */
	size_t n;
	int priority;      /* TURN_PLEASE */
	int refuse_reason; /* OPEN_REFUSED: X.228 RefuseReason, or -1 */
	enum acse_result acse_result; /* OPEN_REFUSED */
	const struct err *err;
};

typedef void rtse_event_fn(void *user, const struct rtse_event *ev);

struct rtse_params {
	struct pres_params pres;         /* contexts without ACSE and RTSE ones:
	                                 * those rtse.c adds by itself */
	const char *rtse_syntax;         /* RTSE_ABSTRACT_SYNTAX_P1 for P1 */
	const char *apdu_syntax;         /* "2.6.0.2.7" id-as-mtse: context of
	                                 * bind and of transferred APDUs */
	const char *application_context; /* "2.6.0.1.6": proposed, or the one
	                                 * accepted by the responder */
	enum rtse_dialogue dialogue;     /* proposed (default monologue) */
	uint32_t checkpoint_size;        /* kilo-octets; 0: no checkpoints */
	uint32_t window_size;            /* default 3 */
	uint64_t max_apdu;       /* octets accepted of one APDU; 0: any */
	msec_t transfer_timeout; /* for one APDU as a whole */
};

struct rtse;
struct rtse *rtse_new(
    const struct rtse_params *p, rtse_event_fn *fn, void *user, msec_t now);
void rtse_free(struct rtse **r);

/* Initiator: opens with this user data (bind argument, an encoded value). */
int rtse_open_request(
    struct rtse *r, const uint8_t *bind, size_t n, struct err *e);
/* Responder, after RTSE_OPEN_IND. */
int rtse_open_accept(
    struct rtse *r, const uint8_t *bind, size_t n, struct err *e);
int rtse_open_refuse(
    struct rtse *r, const uint8_t *error, size_t n, struct err *e);

/* Sender, with the turn: begins an APDU of exactly `total` octets, then takes
 * it in pieces. rtse_transfer_data() returns the octets it took (it takes
 * less than n when the checkpoint window or output is full; go on at
 * RTSE_WRITABLE). The end is reached when `total` octets were taken. */
int rtse_transfer_begin(struct rtse *r, uint64_t total, struct err *e);
int64_t rtse_transfer_data(
    struct rtse *r, const uint8_t *p, size_t n, struct err *e);
/* Sender: gives up the APDU under way (activity discard);
 * RTSE_TRANSFER_FAILED follows when the peer confirmed it. */
int rtse_transfer_discard(struct rtse *r, struct err *e);

/* Receiver, after RTSE_TRANSFER_END. Refusing is also allowed while the APDU
 * arrives; no further event of this transfer follows it. The peer then
 * discards the activity (S-U-EXCEPTION-REPORT, X.228 8.3.3) and may send the
 * APDU again. */
int rtse_transfer_accept(struct rtse *r, struct err *e);
int rtse_transfer_refuse(struct rtse *r, struct err *e);
/* Receiver: stop or resume taking octets from the peer (disk slower than the
 * network). Shows in engine_ops.wants_input. */
void rtse_hold_input(struct rtse *r, bool hold);

bool rtse_has_turn(const struct rtse *r);
int rtse_turn_please(struct rtse *r, int priority, struct err *e);
int rtse_turn_give(struct rtse *r, struct err *e);
/* Initiator with the turn: orderly release. */
int rtse_close(struct rtse *r, struct err *e);
/* RTAB, user error. No event follows, not even RTSE_ABORTED: the caller
 * knows. `why` goes to the trace only. */
void rtse_abort(struct rtse *r, const char *why);

/* As negotiated, for logs and `isthmus ping`. */
const char *rtse_application_context(const struct rtse *r);
enum rtse_dialogue rtse_dialogue(const struct rtse *r);
uint32_t rtse_checkpoint_size(const struct rtse *r);
uint32_t rtse_window_size(const struct rtse *r);
struct acse *rtse_acse(struct rtse *r);

/* For conn_new(): the engine is the struct rtse. */
extern const struct engine_ops rtse_engine_ops;

#endif
