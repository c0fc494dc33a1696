/*
 * Reliable transfer (X.228 / ISO 9066-2), normal and X.410 mode: one
 * association, its turn, and APDUs carried over it as session activities with
 * checkpoints. A transfer that a lost association cut off goes on, on another
 * one, behind the last confirmed checkpoint.
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
 *
 * Resuming, sender: at RTSE_CHECKPOINT and at RTSE_ABORTED rtse_resume_point()
 * says from where the transfer under way could go on; on a later association
 * rtse_transfer_resume() takes the octets from there. Receiver: struct
 * rtse_keep is where the octets of a transfer are kept from its first
 * checkpoint on; when the peer resumes it, they go up again from the first
 * one, so that our user sees one whole APDU in either case.
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
	RTSE_CHECKPOINT,  /* sender: the peer confirmed one more checkpoint */
	RTSE_TURN_PLEASE, /* peer asks for the turn: `priority` */
	RTSE_TURN_GIVE,   /* the turn is ours now */
	RTSE_CLOSE_IND,   /* peer released; it is answered already */
	RTSE_CLOSE_CNF,   /* our release was answered */
	RTSE_ABORTED,     /* by peer, user or provider; err says why.
	                     * Nothing follows. */
};

/* An activity, named so that both ends know it on another association: its
 * identifier and the session connection that it began on (X.228 7.8). */
struct rtse_activity {
	uint8_t id_n, id[6];
	struct ses_conn_id association;
};

/* From where the sender goes on. */
struct rtse_resume {
	struct rtse_activity activity;
	uint32_t serial; /* of the last checkpoint that was confirmed */
	uint64_t total;  /* octets of the whole APDU */
	uint64_t offset; /* octets of the APDU before that checkpoint */
};

/* Where a receiver keeps transfers that may be resumed: our user's storage,
 * which outlives association and process (x400p1 has files). Octets are those
 * of the RTTR values. Nothing need be synced: what was not kept is sent again
 * from the start. Nothing is kept of an APDU without checkpoints. */
struct rtse_keep {
	/* The first checkpoint of a transfer came: room for it, or NULL (it
	 * will not be resumable; no error). */
	void *(*begin)(void *user, const struct rtse_activity *a);
	/* Octets that came between two checkpoints; at `serial` is the latter.
	 * < 0: kept no longer (end() follows). */
	int (*checkpoint)(void *user, void *kept, const uint8_t *p, size_t n,
	    uint32_t serial);
	/* The peer resumes behind this checkpoint: what was kept up to it, and
	 * how many octets that is; NULL: we have not got that. */
	void *(*resume)(void *user, const struct rtse_activity *a,
	    uint32_t serial, uint64_t *octets);
	/* Reads what was kept: octets at p, or < 0. */
	int64_t (*read)(
	    void *user, void *kept, uint64_t offset, uint8_t *p, size_t n);
	/* The transfer is over: accepted, refused or discarded (again ==
	 * false), or cut off and perhaps to be resumed. */
	void (*end)(void *user, void *kept, bool again);
	/* May be NULL. Was this one, with this checkpoint, accepted before?
	 * Its sender, who never heard of it, then sends the rest to nobody and
	 * hears of it. */
	bool (*accepted)(
	    void *user, const struct rtse_activity *a, uint32_t serial);
	/* May be NULL. A new transfer begins under this name, for not every
	 * peer makes good ones: an older one's is void. */
	void (*anew)(void *user, const struct rtse_activity *a);
};

struct rtse_event {
	enum rtse_event_type type;
	const uint8_t *data; /* OPEN_*: user data (the bind APDU, a complete
	                      * encoded value); TRANSFER_DATA: octets */
	size_t n;
	int priority;      /* TURN_PLEASE */
	int refuse_reason; /* OPEN_REFUSED: X.228 RefuseReason, or -1 */
	bool resumed; /* TRANSFER_BEGIN: it was begun on another association */
	const struct ses_conn_id *recover; /* OPEN_IND: the peer wants to
	                                    * recover this one; no bind then */
	enum acse_result acse_result;      /* OPEN_REFUSED */
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
	/* X.410 mode. Initiator: proposed; the three names above are not used
	 * then. Responder: accepted beside normal mode. */
	bool x410;
	int32_t application_protocol; /* initiator in X.410 mode: RTORQ [4] */
	/* Initiator: the association that this one is to recover (X.228
	 * connectionDataRQ recover); the bind argument is not sent then. NULL:
	 * open. Copied. A refusal is OPEN_REFUSED, as always. */
	const struct ses_conn_id *recover;
	const struct rtse_keep *keep; /* receiver; NULL: nothing is resumed.
	                               * Called with rtse_new()'s user. */
	uint64_t max_apdu;            /* octets accepted of one APDU; 0: any */
	msec_t transfer_timeout;      /* for one APDU as a whole */
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
/* n == 0: not this application context (a RTORJ that gives no reason). */
int rtse_open_refuse(
    struct rtse *r, const uint8_t *error, size_t n, struct err *e);

/* Sender, with the turn: begins an APDU of exactly `total` octets, then takes
 * it in pieces. rtse_transfer_data() returns the octets it took (it takes
 * less than n when the checkpoint window or output is full; go on at
 * RTSE_WRITABLE). The end is reached when `total` octets were taken. */
int rtse_transfer_begin(struct rtse *r, uint64_t total, struct err *e);
/* Sender, with the turn: goes on with a transfer that another association
 * began; the octets from `at->offset` on follow as above. When the peer cannot
 * resume it, RTSE_TRANSFER_FAILED comes: begin it anew. */
int rtse_transfer_resume(
    struct rtse *r, const struct rtse_resume *at, struct err *e);
/* Sender: could the transfer under way, or the one that RTSE_ABORTED cut off,
 * be resumed? */
bool rtse_resume_point(const struct rtse *r, struct rtse_resume *out);
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

/* Has a TSDU come in part? Its rest may never come: that is for who times the
 * association to know. */
bool rtse_inside_tsdu(const struct rtse *r);

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
bool rtse_is_x410(const struct rtse *r);
int32_t rtse_application_protocol(const struct rtse *r); /* -1: not given */
/* Of this association's session connection; unique, for `recover`. */
const struct ses_conn_id *rtse_conn_id(const struct rtse *r);
enum rtse_dialogue rtse_dialogue(const struct rtse *r);
uint32_t rtse_checkpoint_size(const struct rtse *r);
uint32_t rtse_window_size(const struct rtse *r);
struct acse *rtse_acse(struct rtse *r);

/* For conn_new(): the engine is the struct rtse. */
extern const struct engine_ops rtse_engine_ops;

#endif
