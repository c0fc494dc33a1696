/*
 * The connection driver's inside: its state, and what conn.c (life, events)
 * and conn_io.c (octets, plain and in TLS) know of each other.
 */
#ifndef LIB_CONN_INT_H
#define LIB_CONN_INT_H

#include <event2/event.h>

#include "lib/loop.h"
#include "lib/tls_int.h"

#define READ_SIZE 65536
#define LAST_FLUSH_MS 30000 /* finished, and the peer takes nothing */

enum conn_state {
	CONN_CONNECTING, /* connect() is under way */
	CONN_HANDSHAKE,  /* of TLS */
	CONN_OPEN,
	CONN_LINGER, /* shut down by us; the rest of the input is dropped */
	CONN_CLOSED, /* no socket any more; gone() is to come, or came */
};

struct conn {
	const struct engine_ops *ops;
	void *engine;
	void (*gone)(void *arg);
	void *arg;
	int fd;
	enum conn_state state;
	bool eof;               /* the peer has sent all it will */
	bool busy;              /* inside a callback of ours */
	bool woken;             /* ev_wake is active */
	bool crossed;           /* octets of the engine went, in plain */
	struct conn_dial *dial; /* CONNECTING by name; NULL: it was not */
	struct tls_link *tls;   /* NULL: plain */
	bool secure;            /* its handshake is done */
	size_t plain; /* octets of output that go before the handshake */
	bool more;    /* OpenSSL may hold more input */
	bool need_read, need_write; /* TLS waits for the socket to be so */
	struct buf early;           /* read by someone else, not yet given */
	msec_t armed;               /* when ev_timer fires, or MSEC_NEVER */
	msec_t give_up;             /* when the driver ends it, or MSEC_NEVER */
	bool reading, writing;
	bool in_vain; /* the socket got readable, and the engine wants none */
	struct loop *loop;
	struct event *ev_read, *ev_write, *ev_timer, *ev_wake;
	char peer[128];
};

/* conn_dial() after its look-up: tests have no name with many addresses. */
struct net_addresses;
struct conn *conn_dial_addresses(struct loop *l,
    const struct net_addresses *found, const struct engine_ops *ops,
    void *engine, void (*gone)(void *arg), void *arg);
/* Ends it; gone() comes from the loop. */
void conn_terminate(struct conn *c);
/* Tells the engine that the connection broke, and ends it. */
void conn_fail(struct conn *c, const char *what, int error);
void conn_broke(struct conn *c, const struct err *e);
/* The same for TLS, which may have an alert to be heard by the peer. */
void conn_fail_tls(struct conn *c, const struct err *e);
/* Our side is shut down; what the peer still says is dropped. */
void conn_linger(struct conn *c);

bool conn_wants_input(const struct conn *c);
/* Gives the engine what there is. */
void conn_read_some(struct conn *c);
/* Octets that may go now; in front of a handshake only those owed in plain. */
size_t conn_unsent(const struct conn *c);
/* Sends what there is. True: all went, and the engine may have made more. */
bool conn_flush(struct conn *c);
/* Notes what TLS needs of the socket to go on. */
void conn_take_needs(struct conn *c, enum tls_result r);

/* A connection without a socket yet. */
struct conn *conn_make(struct loop *l, const struct engine_ops *ops,
    void *engine, void (*gone)(void *arg), void *arg);
/* Its socket, which may be connecting; one that it had is closed. */
void conn_set_fd(struct conn *c, int fd);

/* CONNECTING without a socket: goes on when the look-up is done. */
void conn_dial_begin(struct conn *c);
/* Tries the next address of the host; false: there is none (errno is that of
 * the last), or it was not called by name. */
bool conn_dial_next(struct conn *c);
void conn_dial_free(struct conn_dial **d);

#endif
