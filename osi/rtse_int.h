/*
 * The RTSE engine's inside, shared by rtse.c (life, turn, close, abort),
 * rtse_open.c, rtse_send.c, rtse_receive.c, rtse_keep.c (what a receiver keeps
 * for a resumption), rtse_table.c (what may come when) and rtse_time.c (timers
 * and the driver's view).
 */
#ifndef OSI_RTSE_INT_H
#define OSI_RTSE_INT_H

#include "osi/pdv.h"
#include "osi/rtse_codec.h"

#define RTSE_OUTPUT_MAX (256 * 1024) /* octets that wait for the socket */

/* A peer that resumes so often on one association, and never gets to the end
 * of a transfer, is told to go: each time costs us what was kept. */
#define RTSE_RESUMES_MAX 16

/* X.228 Annex A, with the turn kept apart (session tokens). */
enum rtse_state {
	RTSE_UNBOUND,       /* no association yet */
	RTSE_WAIT_OPEN_CNF, /* RTORQ sent */
	RTSE_WAIT_OPEN_RSP, /* RTORQ received, our user has to answer */
	RTSE_IDLE,          /* associated, no activity */
	RTSE_SENDING,       /* our activity */
	RTSE_SENT,          /* activity end requested */
	RTSE_DISCARDING,    /* discard requested: then TRANSFER_FAILED */
	RTSE_RECEIVING,     /* the peer's activity */
	RTSE_RECEIVED,      /* activity end indicated, our user has to answer */
	RTSE_EXCEPTED,      /* we reported an exception: the peer recovers */
	RTSE_CLOSING,       /* release requested */
	RTSE_CLOSED,        /* nothing follows */
};

/* A timer that is started without knowing the time: it is armed when the
 * driver next calls with the time, which rtse_engine_ops.deadline asks for. */
struct rtse_timer {
	msec_t wait; /* 0: not running */
	msec_t at;   /* 0: to be armed */
};

/* Checkpoint `base` is where this association began to carry the activity: 0
 * at its start, or where it was resumed. All later ones lie at multiples of
 * the checkpoint size behind it. */
struct rtse_send {
	uint64_t total;             /* octets of the whole APDU */
	uint64_t apdu_left;         /* octets that our user still has to give */
	uint64_t stream_left;       /* the same, with the EXTERNAL's header */
	uint64_t segment_left;      /* of the RTTR under way */
	bool segment;               /* an RTTR is under way */
	bool first;                 /* nothing of it was sent (X.410 mode) */
	uint32_t base;              /* checkpoint */
	uint64_t base_offset;       /* octets of the APDU before it */
	uint64_t header;            /* octets of the stream before the APDU */
	uint32_t synced, confirmed; /* minor synchronization points */
	uint32_t activities;        /* counts ours on this association */
	struct rtse_activity activity; /* under way, or the last one */
	bool resumable;                /* rtse_resume_point() */
	bool interrupt;                /* DISCARDING: by interrupt */
	bool blocked;                  /* our user waits for RTSE_WRITABLE */
	struct err why;                /* DISCARDING: for TRANSFER_FAILED */
};

/* Octets of RTTR values go to our user, and at checkpoints to its storage.
 * After a resumption our user first gets what was kept; what arrives meanwhile
 * waits here or goes to the storage, where our user's reading follows it. */
struct rtse_keeping {
	enum {
		RTSE_KEEP_NOT,   /* this transfer is not kept */
		RTSE_KEEP_FIRST, /* nothing is kept before a checkpoint came */
		RTSE_KEEP_ON,    /* `kept` is there */
		RTSE_KEEP_PAST,  /* the same, but nothing is added to it */
	} state;
	void *kept;
	struct rtse_activity activity;
	struct buf pending;    /* octets after the last checkpoint */
	bool replay;           /* our user still gets what was kept: */
	uint64_t replayed, to; /* octets so far, and in the storage */
	bool ended;            /* replay: the activity end was indicated */
	bool have;             /* accepted on another association: our user
	                        * hears nothing of it */
};

struct rtse_receive {
	struct ber_scan *rttr;     /* one RTTR: an OCTET STRING in any form */
	struct ber_scan *external; /* the EXTERNAL in the RTTRs' octets */
	struct pdv pdv;
	enum { RTSE_WRAP_UNKNOWN, RTSE_WRAP_EXTERNAL, RTSE_WRAP_NONE } wrap;
	uint64_t octets;
	bool resumed;
	bool fresh;       /* an RTTR came since the last checkpoint */
	unsigned resumes; /* since a transfer was accepted */
	struct rtse_keeping keep;
};

struct rtse {
	struct rtse_params params;
	struct arena *arena;
	struct acse *acse;
	rtse_event_fn *fn;
	void *user;
	enum rtse_state state;
	msec_t now; /* as of the driver's last call */
	struct rtse_timer phase, idle;
	bool hold; /* rtse_hold_input() */

	bool x410;
	int32_t application_protocol; /* X.410 mode; -1: not given */
	bool recovering;              /* responder: RTORQ said so, of: */
	struct ses_conn_id old;       /* the same; initiator: params.recover */
	enum rtse_dialogue dialogue;
	uint32_t checkpoint_size, window_size;
	int32_t rtse_context, apdu_context; /* equal: APDUs are not wrapped;
	                                     * X.410 mode: 0 */

	struct rtse_send send;
	struct rtse_receive receive;
};

/* rtse.c */
void rtse_enter(struct rtse *r, enum rtse_state state);
void rtse_emit(struct rtse *r, const struct rtse_event *ev);
void rtse_emit_type(
    struct rtse *r, enum rtse_event_type type, const struct err *why);
void rtse_trace(
    const struct rtse *r, bool sent, const char *what, const char *detail);
/* RTAB with this reason; our user gets RTSE_ABORTED. */
void rtse_provider_abort(
    struct rtse *r, enum rtse_abort_reason reason, const struct err *why);
/* The same with reason invalid parameter, which is reflected. */
void rtse_invalid_parameter(
    struct rtse *r, const struct pres_value *v, const struct err *why);
uint32_t rtse_smaller(uint32_t a, uint32_t b);
/* A session service of ours. */
int rtse_session(struct rtse *r, const struct ses_prim *s, struct err *e);
struct cotp *rtse_cotp(const struct rtse *r);
void rtse_release_ind(struct rtse *r, const struct acse_prim *p);
void rtse_release_cnf(struct rtse *r, const struct acse_prim *p);
void rtse_abort_ind(struct rtse *r, const struct acse_prim *p);

/* rtse_open.c; the ids of our own contexts when we are the initiator */
enum { CONTEXT_ACSE = 1, CONTEXT_RTSE = 3, CONTEXT_APDU = 5 };
void rtse_associate_ind(struct rtse *r, const struct acse_prim *p);
void rtse_associate_cnf(struct rtse *r, const struct acse_prim *p);

/* rtse_table.c */
const char *rtse_state_name(enum rtse_state state);
/* Everything from below comes in here. */
void rtse_from_acse(void *user, const struct acse_prim *p);

/* rtse_send.c */
void rtse_sync_cnf(struct rtse *r, const struct pres_prim *q);
void rtse_end_cnf(struct rtse *r, const struct pres_prim *q);
void rtse_discard_cnf(struct rtse *r, const struct pres_prim *q);
void rtse_exception_ind(struct rtse *r, const struct pres_prim *q);
/* Discards our activity, or interrupts it: then it may be resumed. */
void rtse_give_up(
    struct rtse *r, bool interrupt, uint8_t reason, const struct err *why);
void rtse_writable(struct rtse *r);

/* rtse_receive.c */
void rtse_receive_init(struct rtse *r);
void rtse_receive_free(struct rtse *r);
void rtse_start_ind(struct rtse *r, const struct pres_prim *q);
void rtse_resume_ind(struct rtse *r, const struct pres_prim *q);
void rtse_data_ind(struct rtse *r, const struct pres_prim *q);
void rtse_sync_ind(struct rtse *r, const struct pres_prim *q);
void rtse_end_ind(struct rtse *r, const struct pres_prim *q);
void rtse_lost_ind(struct rtse *r, const struct pres_prim *q);
void rtse_completed_ind(struct rtse *r, const struct pres_prim *q);
/* Octets of RTTR values on their way up; < 0: a defect of what they hold. */
int rtse_stream(struct rtse *r, const uint8_t *p, size_t n, struct err *e);
/* All octets went up. */
void rtse_whole(struct rtse *r);
/* The transfer ends here, by a defect or because it cannot be resumed; our
 * user hears of it if it knows the transfer. */
void rtse_lose(struct rtse *r, uint8_t reason, const struct err *why);
void rtse_report_exception(
    struct rtse *r, uint8_t reason, const struct err *why);

/* rtse_keep.c: what begins and ends the keeping of one transfer, ... */
void rtse_keep_start(struct rtse *r, const struct ses_prim *s);
bool rtse_keep_resume(struct rtse *r, const struct ses_prim *s);
void rtse_keep_end(struct rtse *r, bool again);
/* ... octets of RTTR values, and the checkpoints between them. */
int rtse_keep_data(struct rtse *r, const uint8_t *p, size_t n, struct err *e);
int rtse_keep_checkpoint(struct rtse *r, uint32_t serial, struct err *e);
/* More of what was kept goes up; called until `replay` is false. */
void rtse_keep_replay(struct rtse *r);

/* rtse_time.c */
void rtse_timer_start(struct rtse_timer *t, msec_t wait);
void rtse_timer_stop(struct rtse_timer *t);

#endif
