/*
 * The inside of the P1 engine, shared by assoc.c (life, and what comes from
 * below), assoc_bind.c (both roles' bind), assoc_turn.c (turn and release),
 * assoc_time.c, assoc_send.c and assoc_receive.c.
 */
#ifndef P1_ASSOC_H
#define P1_ASSOC_H

#include "p1/p1.h"

enum p1_state {
	P1_STATE_NEW,     /* nothing happened yet */
	P1_STATE_BINDING, /* initiator: bind sent */
	P1_STATE_OPEN,    /* bound */
	P1_STATE_CLOSING, /* release requested */
	P1_STATE_DEAD,    /* nothing follows */
};

struct p1_out { /* what is being sent; kept until the next, to be resumed */
	bool active;
	bool over; /* the peer answered: there is nothing to resume */
	struct buf head, tail;   /* octets around the content */
	size_t head_at, tail_at; /* of them taken */
	uint64_t content_n, content_left;
};

struct p1_inbound { /* what is being received */
	bool active, begun;
	bool answering; /* whole; our user has to answer */
	struct p1_apdu *apdu;
};

struct p1_timer {
	bool on;
	msec_t at; /* 0: so long after the next call */
};

struct p1 {
	bool hung_up; /* the peer closed the connection, and no more */
	struct p1_params params;
	struct arena *arena;
	struct rtse *rtse;
	p1_event_fn *fn;
	void *user;
	enum p1_state state;
	enum p1_protocol protocol;
	const char *peer_mta;
	msec_t born, now;      /* for the wall clock: see p1_wall() */
	bool reading;          /* octets of the peer are being dealt with */
	struct octets context; /* labels that may cross; n == 0: any */
	struct octets random;  /* in our bind-token, which the answer repeats */
	struct p1_out out;
	struct p1_inbound in;
	bool closing;         /* p1_close() was called */
	bool idle;            /* nothing to send for now */
	int wanted;           /* RTSE priority of our work, or P1_NO_PRIORITY */
	int pleaded;          /* of our request for the turn, until it comes */
	int asked;            /* of the peer's request for the turn */
	struct p1_timer turn; /* wanted for the release */
	struct p1_timer rest; /* of a TSDU */
};

/* X.419 8.1: application protocols in X.410 mode. */
#define P1_APPLICATION_1984 1
#define P1_APPLICATION_1988 12

#define P1_NO_PRIORITY 99 /* larger is less urgent */

void p1_emit(struct p1 *p, const struct p1_event *ev);
void p1_emit_type(struct p1 *p, enum p1_event_type type, const struct err *e);
void p1_trace(
    const struct p1 *p, bool sent, const char *what, const char *detail);
/* Unix seconds now. */
int64_t p1_wall(const struct p1 *p);
/* Nothing follows these. */
void p1_closed(struct p1 *p, const struct err *why);
void p1_refused(
    struct p1 *p, int bind_error, bool other_protocol, const struct err *why);

/* assoc_bind.c */
void p1_bind_ind(struct p1 *p, const struct rtse_event *ev);
void p1_bind_cnf(struct p1 *p, const struct rtse_event *ev);
void p1_bind_refused(struct p1 *p, const struct rtse_event *ev);
void p1_bind_aborted(struct p1 *p, const struct rtse_event *ev);

/* assoc_turn.c */
/* After something ended: release if asked to, pass the turn on. */
void p1_settle(struct p1 *p);
void p1_turn_asked(struct p1 *p, int priority);
void p1_turn_came(struct p1 *p);

/* assoc_time.c */
void p1_timer_start(struct p1_timer *t); /* unless it runs */
void p1_timer_stop(struct p1_timer *t);
/* Octets came. */
void p1_time_input(struct p1 *p);
void p1_time_out(struct p1 *p);
msec_t p1_deadline(const struct p1 *p);

/* assoc_send.c */
void p1_send_event(struct p1 *p, const struct rtse_event *ev);
void p1_send_free(struct p1 *p);

/* assoc_receive.c */
void p1_receive_init(struct p1 *p);
void p1_receive_free(struct p1 *p);
extern const struct rtse_keep p1_receive_keep;
void p1_receive_event(struct p1 *p, const struct rtse_event *ev);

#endif
