/*
 * The inside of the P1 engine, shared by assoc.c (life, bind, turn, release),
 * assoc_send.c and assoc_receive.c.
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

struct p1_out { /* what is being sent */
	bool active;
	struct buf head, tail; /* octets around the content, not yet taken */
	uint64_t content_left;
};

struct p1_inbound { /* what is being received */
	bool active, begun;
	bool bad;       /* its syntax is wrong: refused at its end */
	bool answering; /* whole; our user has to answer */
	struct p1_apdu *apdu;
};

struct p1 {
	struct p1_params params;
	struct arena *arena;
	struct rtse *rtse;
	p1_event_fn *fn;
	void *user;
	enum p1_state state;
	const char *peer_mta;
	struct p1_out out;
	struct p1_inbound in;
	bool closing; /* p1_close() was called */
	bool idle;    /* nothing to send for now */
	int wanted;   /* RTSE priority of our work, or P1_NO_PRIORITY */
	int pleaded;  /* of our request for the turn, until it comes */
	int asked;    /* of the peer's request for the turn */
};

#define P1_NO_PRIORITY 99 /* larger is less urgent */

void p1_emit(struct p1 *p, const struct p1_event *ev);
void p1_emit_type(struct p1 *p, enum p1_event_type type, const struct err *e);
void p1_trace(
    const struct p1 *p, bool sent, const char *what, const char *detail);
/* After something ended: release if asked to, pass the turn on. */
void p1_settle(struct p1 *p);

/* assoc_send.c */
void p1_send_event(struct p1 *p, const struct rtse_event *ev);
void p1_send_reset(struct p1 *p);

/* assoc_receive.c */
void p1_receive_init(struct p1 *p);
void p1_receive_free(struct p1 *p);
void p1_receive_event(struct p1 *p, const struct rtse_event *ev);

#endif
