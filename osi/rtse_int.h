/*
 * The RTSE engine's inside, shared by rtse.c (life, open, close, abort),
 * rtse_send.c, rtse_receive.c, rtse_table.c (what may come when) and
 * rtse_time.c (timers and the driver's view).
 */
#ifndef OSI_RTSE_INT_H
#define OSI_RTSE_INT_H

#include "osi/pdv.h"
#include "osi/rtse_codec.h"

#define RTSE_OUTPUT_MAX (256 * 1024) /* octets that wait for the socket */

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

struct rtse_send {
	uint64_t apdu_left;         /* octets that our user still has to give */
	uint64_t stream_left;       /* the same, with the EXTERNAL's header */
	uint64_t segment_left;      /* of the RTTR under way */
	bool segment;               /* an RTTR is under way */
	uint32_t synced, confirmed; /* minor synchronization points */
	uint32_t activity;          /* counts our activities */
	bool blocked;               /* our user waits for RTSE_WRITABLE */
	struct err why;             /* DISCARDING: for TRANSFER_FAILED */
};

struct rtse_receive {
	struct ber_scan *rttr;     /* one RTTR: an OCTET STRING in any form */
	struct ber_scan *external; /* the EXTERNAL in the RTTRs' octets */
	struct pdv pdv;
	enum { RTSE_WRAP_UNKNOWN, RTSE_WRAP_EXTERNAL, RTSE_WRAP_NONE } wrap;
	uint64_t octets;
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

	const char *application_context;
	enum rtse_dialogue dialogue;
	uint32_t checkpoint_size, window_size;
	int32_t rtse_context, apdu_context; /* equal: APDUs are not wrapped */

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
/* A session service of ours. */
int rtse_session(struct rtse *r, const struct ses_prim *s, struct err *e);
struct cotp *rtse_cotp(const struct rtse *r);
void rtse_associate_ind(struct rtse *r, const struct acse_prim *p);
void rtse_associate_cnf(struct rtse *r, const struct acse_prim *p);
void rtse_release_ind(struct rtse *r, const struct acse_prim *p);
void rtse_release_cnf(struct rtse *r, const struct acse_prim *p);
void rtse_abort_ind(struct rtse *r, const struct acse_prim *p);

/* rtse_table.c: everything from below comes in here. */
void rtse_from_acse(void *user, const struct acse_prim *p);

/* rtse_send.c */
void rtse_sync_cnf(struct rtse *r, const struct pres_prim *q);
void rtse_end_cnf(struct rtse *r, const struct pres_prim *q);
void rtse_discard_cnf(struct rtse *r, const struct pres_prim *q);
void rtse_exception_ind(struct rtse *r, const struct pres_prim *q);
void rtse_give_up(struct rtse *r, uint8_t reason, const struct err *why);
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

/* rtse_time.c */
void rtse_timer_start(struct rtse_timer *t, msec_t wait);
void rtse_timer_stop(struct rtse_timer *t);

#endif
