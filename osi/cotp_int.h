/*
 * The inside of transport class 0, shared by cotp.c (life, sending) and
 * cotp_receive.c.
 */
#ifndef OSI_COTP_INT_H
#define OSI_COTP_INT_H

#include "osi/cotp_tpdu.h"

#define COTP_EMPTY_MAX 100 /* DT TPDUs in a row without data and EOT */

enum cotp_state {
	COTP_IDLE,        /* nothing sent or received yet */
	COTP_WAIT_CC,     /* initiator: CR sent */
	COTP_WAIT_ANSWER, /* responder: CR handed up, user to answer */
	COTP_OPEN,
	COTP_CLOSED, /* nothing follows; output may remain to be sent */
};

struct cotp {
	struct cotp_params params;
	cotp_event_fn *fn;
	void *user;
	enum cotp_state state;
	uint16_t local_ref, remote_ref;
	bool peer_gave_size;   /* the CR had a TPDU size parameter */
	bool peer_prefers;     /* the CR had a preferred maximum TPDU size */
	uint32_t tpdu_size;    /* negotiated: the most that we send */
	uint32_t tpdu_size_in; /* the most that we may be sent */

	struct buf out;
	struct buf tx;   /* user data of the DT TPDU being filled */
	struct buf head; /* TPKT and TPDU header being collected */
	size_t rx_left;  /* octets of the DT TPDU still to come up */
	bool rx_eot;
	bool rx_open;      /* a TSDU has begun and not ended */
	size_t rx_at;      /* octets of its TPKT that came before those */
	unsigned rx_empty; /* DT TPDUs in a row that carry nothing */
};

void cotp_trace(
    struct cotp *c, bool sent, const char *what, const char *detail);
void cotp_put_tpdu(struct cotp *c, const struct tpdu *t);
/* Ends the connection and says so to the user, once. */
void cotp_end(struct cotp *c, uint8_t reason, const struct err *e);

#endif
