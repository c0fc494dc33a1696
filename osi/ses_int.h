/*
 * Inside the session engine: its data, the state table, and what the
 * ses_*.c files call of each other. Only they include this.
 */
#ifndef OSI_SES_INT_H
#define OSI_SES_INT_H

#include "osi/ses.h"
#include "osi/spdu.h"

#define SES_LAYER "session"
#define SES_TSDU_MIN 64 /* a smaller TSDU maximum size is refused */
#define SES_SEGMENTED_MAX (128 * 1024)    /* user data of a segmented SPDU */
#define SES_CONNECT_DATA_MAX (128 * 1024) /* of CN with all its CDOs */
#define SES_ABORTED_MAX (1024 * 1024)     /* what comes after an AB of ours */
#define SES_IDLE_TSDUS_MAX 1000 /* in a row that get nobody anywhere */
#define SES_ABORT_TIMER 5000 /* msec: TIM, X.225 7.9: wait for T-DISCONNECT */

/* X.225 Table A.3, less the states of functional units that we have not and
 * of transport connections kept for reuse. */
enum ses_state {
	STA_NONE, /* an empty cell of the table */
	STA01,    /* idle, no transport connection */
	STA01B,   /* wait for T-CONNECT confirm */
	STA01C,   /* idle, transport connected */
	STA01D,   /* wait for CONNECT DATA OVERFLOW */
	STA02A,   /* wait for ACCEPT */
	STA02B,   /* wait for OVERFLOW ACCEPT */
	STA03,    /* wait for DISCONNECT */
	STA04A,   /* wait for MAJOR SYNC ACK */
	STA04B,   /* wait for ACTIVITY END ACK */
	STA05B,   /* wait for ACTIVITY INTERRUPT ACK */
	STA05C,   /* wait for ACTIVITY DISCARD ACK */
	STA08,    /* wait for S-CONNECT response */
	STA09,    /* wait for S-RELEASE response */
	STA10A,   /* wait for S-SYNC-MAJOR response */
	STA10B,   /* wait for S-ACTIVITY-END response */
	STA11B,   /* wait for S-ACTIVITY-INTERRUPT response */
	STA11C,   /* wait for S-ACTIVITY-DISCARD response */
	STA16,    /* wait for T-DISCONNECT indication */
	STA18,    /* wait for GIVE TOKENS ACK */
	STA19,    /* wait for recovery by our user (exception reported to us) */
	STA20,    /* wait for recovery by the peer (exception reported by us) */
	STA21,    /* wait for CAPABILITY DATA ACK */
	STA22,    /* wait for S-CAPABILITY-DATA response */
	STA713,   /* data transfer */
	SES_STATES,
};

/* Incoming events, X.225 Table A.1: requests and responses of the user,
 * the transport service, and SPDUs (EV_SPDU + enum spdu_type). */
enum ses_event {
	SCONreq,
	SCONrsp_pos,
	SCONrsp_neg,
	SDTreq,
	STDreq,
	SGTreq,
	SPTreq,
	SCGreq,
	SSYNmreq,
	SSYNmrsp,
	SSYNMreq,
	SSYNMrsp,
	SACTSreq,
	SACTRreq,
	SACTIreq,
	SACTIrsp,
	SACTDreq,
	SACTDrsp,
	SACTEreq,
	SACTErsp,
	SCDreq,
	SCDrsp,
	SUERreq,
	SRELreq,
	SRELrsp_pos,
	SRELrsp_neg,
	SUABreq,
	TCONind,
	TCONcnf,
	EV_SPDU,
	SES_EVENTS = EV_SPDU + SPDU_TYPES,
};

/* One event under way. */
struct ses_ev {
	enum ses_event event;
	const struct ses_prim *req; /* requests and responses */
	const struct spdu *spdu;    /* SPDUs */
	enum ses_state next; /* from the table; an action may change it */
	bool indicate;       /* tell the user `ind` in the new state */
	struct ses_prim ind;
	struct err *e;
	const struct octets *wrong; /* with an error: the parameter at fault */
};

typedef int ses_action_fn(struct ses *s, struct ses_ev *ev);

/* A cell of Annex A. next == STA_NONE: the event is not allowed. No action:
 * the event is ignored. */
struct ses_cell {
	ses_action_fn *action;
	enum ses_state next;
};

enum ses_activity_rule { ACT_ANY, ACT_IN, ACT_OUT };

/* The predicates of X.225 Table A.5 in so far as they are the same for an
 * event in every state. Tokens and activity count only where the
 * functional units make them available. */
struct ses_condition {
	uint16_t fu;  /* must be selected */
	uint8_t own;  /* tokens that must be on our side */
	uint8_t peer; /* tokens that must be on the peer's side */
	enum ses_activity_rule activity;
	/* the primitive that an SPDU causes */
	enum ses_prim_type prim;
	enum ses_prim_kind kind;
};

extern const struct ses_cell ses_cells[SES_STATES][SES_EVENTS];
extern const struct ses_condition ses_conditions[SES_EVENTS];

enum ses_timer {
	SES_TIMER_NONE,
	SES_TIMER_CONNECT, /* runs from ses_new() */
	SES_TIMER_REPLY,
	SES_TIMER_IDLE,
	SES_TIMER_ABORT,
};

struct ses_state_def {
	const char *name;
	enum ses_timer timer;
};

extern const struct ses_state_def ses_states[SES_STATES];
extern const char *const ses_event_names[EV_SPDU];

enum ses_rx_mode {
	SES_RX_HEAD, /* collecting SPDU headers, or a whole SPDU */
	SES_RX_DATA, /* user information of DT or TD goes up */
	SES_RX_SKIP, /* the rest of the TSDU is discarded */
};

struct ses_rx {
	enum ses_rx_mode mode;
	struct buf head;
	enum spdu_type stream; /* DT or TD that is going up */
	uint8_t enclosure;     /* its enclosure item */
	bool ssdu_open[2];     /* DT, TD: segments of an SSDU are to follow */
	struct spdu prefix;    /* the GT or PT before the DT */
	/* an SPDU that comes in segments */
	bool seg_open;
	struct buf seg_first; /* the octets of its first segment */
	enum spdu_place seg_place;
	struct buf seg_data;
};

struct ses_tx {
	enum spdu_type open; /* SPDU_DT, SPDU_TD: an SSDU is being sent */
	bool begun;          /* segmented: its first segment was sent */
	struct buf segment;
};

struct ses {
	struct ses_params params;
	ses_prim_fn *fn;
	void *user;
	struct cotp *cotp;
	enum ses_state state;
	bool begun; /* it has left its first state */
	bool over;  /* the user was told the last thing */

	int version;
	uint16_t fu;        /* proposed, then selected */
	uint16_t tsdu_send; /* selected TSDU maximum size; 0: no segmenting */
	uint16_t tsdu_receive;
	bool tsdu_given; /* the CN proposed sizes */
	bool owe_gta;    /* a GTA waits for the end of an SSDU */
	uint8_t tokens;  /* on our side */

	/* X.225 A.5.4 */
	bool vact, vsc, vcoll, vdnr;
	uint32_t va, vm, vr;

	struct buf connect_data; /* of CN and CDO */
	size_t after_abort;      /* octets that came in STA16 */
	unsigned idle_tsdus;     /* since data, or a request of our user */
	struct ses_rx rx;
	struct ses_tx tx;

	msec_t connect_deadline, deadline;
	bool
	    restart_timer; /* at the next ses_timeout(), which knows the time */
	bool touched;      /* traffic since the idle timer was started */
};

/* --- ses.c --- */
void ses_enter_state(struct ses *s, enum ses_state next);
/* Finds the cell, checks its condition, acts, changes state, indicates. */
int ses_dispatch(struct ses *s, struct ses_ev *ev);
void ses_indicate(struct ses *s, const struct ses_prim *p);
/* Provider abort: an AB with this reason goes out, the user gets P_ABORT.
 * `reflect` are the octets that were wrong, or NULL. */
void ses_provider_abort(struct ses *s, uint8_t td, const struct err *e,
    const uint8_t *reflect, size_t n);
/* Provider exception: an ER goes out, the user gets P_EXCEPTION. */
int ses_report_error(
    struct ses *s, const struct err *e, const uint8_t *reflect, size_t n);
/* The units without those whose own condition they do not meet (X.225 9.2). */
uint16_t ses_consistent_units(uint16_t fu);
/* Ends without an AB: the transport connection is gone or useless. */
void ses_broken(struct ses *s, const struct err *e);
uint8_t ses_available_tokens(const struct ses *s);
void ses_trace(
    const struct ses *s, bool sent, const char *what, const char *detail);

/* --- ses_send.c --- */
/* An SPDU to be sent, with room for its short values. */
struct ses_spdu {
	struct spdu spdu;
	uint8_t room[64], used;
};
void ses_put_number(
    struct ses_spdu *o, enum spdu_par par, uint32_t v, size_t n);
void ses_put_serial(struct ses_spdu *o, enum spdu_par par, uint32_t v);
/* Sends it as one TSDU, or in segments where they were negotiated. */
int ses_send(struct ses *s, struct ses_spdu *o, struct err *e);
/* SPDUs with what the request says: its user data; a serial number; its
 * reason. */
void ses_put_user_data(struct ses_spdu *o, const struct ses_prim *p);
int ses_send_plain(struct ses *s, enum spdu_type type, struct ses_ev *ev);
int ses_send_serial(
    struct ses *s, enum spdu_type type, uint32_t serial, struct ses_ev *ev);
int ses_send_reason(struct ses *s, enum spdu_type type, struct ses_ev *ev);
int ses_send_data(struct ses *s, enum spdu_type type, const uint8_t *p,
    size_t n, bool last, struct err *e);
/* Octets of user data that one segment of this SPDU has room for, in a TSDU of
 * this size; 0: its other parameters fill it. */
size_t ses_segment_room(const struct spdu *spdu, size_t tsdu);
/* ERR_LIMIT when version 1 cannot carry this SPDU. */
int ses_check_version_1(const struct spdu *spdu, struct err *e);
/* Cuts off an SSDU that is being sent, so that an SPDU can follow. */
void ses_send_cut(struct ses *s);

/* --- ses_receive.c --- */
void ses_tsdu_input(struct ses *s, const uint8_t *p, size_t n, bool last);
void ses_rx_free(struct ses_rx *rx);

/* --- what actions have in common --- */
/* The value of a parameter that the parser has bounded. */
void ses_get_octets(
    const struct spdu *spdu, enum spdu_par par, uint8_t *p, uint8_t *n);
/* Prepares ev->ind: accepted, with the user data that `par` holds. */
void ses_indicate_user_data(
    struct ses_ev *ev, const struct ses_condition *c, enum spdu_par par);

/* --- actions, named as the entries of Annex A --- */
ses_action_fn ses_act_SCONreq, ses_act_TCONind, ses_act_TCONcnf;
ses_action_fn ses_act_CN, ses_act_CDO, ses_act_OA, ses_act_AC, ses_act_RF;
ses_action_fn ses_act_SCONrsp_pos, ses_act_SCONrsp_neg;
ses_action_fn ses_act_SRELreq, ses_act_SRELrsp_pos, ses_act_SRELrsp_neg;
ses_action_fn ses_act_FN, ses_act_FN_collision, ses_act_DN, ses_act_DN_STA09;
ses_action_fn ses_act_SUABreq, ses_act_AB, ses_act_TDISreq;
ses_action_fn ses_act_SDTreq, ses_act_STDreq, ses_act_data;
ses_action_fn ses_act_SGTreq, ses_act_GT, ses_act_GT_STA20;
ses_action_fn ses_act_SPTreq, ses_act_PT, ses_act_SCGreq, ses_act_GTC;
ses_action_fn ses_act_SSYNmreq, ses_act_SSYNmrsp, ses_act_MIP, ses_act_MIA;
ses_action_fn ses_act_SSYNMreq, ses_act_SSYNMrsp, ses_act_MAP_AE, ses_act_MAA;
ses_action_fn ses_act_SACTSreq, ses_act_SACTRreq, ses_act_AS, ses_act_AR;
ses_action_fn ses_act_SACTEreq, ses_act_SACTErsp, ses_act_AEA;
ses_action_fn ses_act_SACTIreq, ses_act_SACTDreq, ses_act_AI;
ses_action_fn ses_act_SACTIrsp, ses_act_SACTDrsp, ses_act_AIA;
ses_action_fn ses_act_SUERreq, ses_act_ER, ses_act_ED;
ses_action_fn ses_act_SCDreq, ses_act_SCDrsp;
/* An SPDU that changes nothing but the state: its primitive goes up. */
ses_action_fn ses_act_indicate;

#endif
