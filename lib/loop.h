/*
 * The event loop, and the one driver that joins protocol engines to sockets.
 *
 * A protocol engine is a pure state machine (bytes in, bytes out, time as an
 * argument). `struct conn` owns a socket and drives one engine over it: it
 * reads octets and feeds them, writes what the engine's output buffer holds,
 * calls its timer, and closes when the engine says so. TLS slips in between
 * (conn_start_tls(), lib/tls.h), invisible to the engine.
 */
#ifndef LIB_LOOP_H
#define LIB_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/err.h"
#include "lib/tls.h"

struct event_base;
struct loop;

/* The loop wraps a libevent base and ignores SIGPIPE. */
struct loop *loop_new(void);
void loop_free(struct loop **l);
struct event_base *loop_base(struct loop *l);
/* Runs until loop_stop(). */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);

/* Calls fn(arg) once, `ms` milliseconds from now, unless cancelled.
 * loop_timer_cancel() clears the pointer; a timer that fired is freed, and
 * its owner must forget it before fn returns. */
struct loop_timer;
struct loop_timer *loop_timer_set(
    struct loop *l, msec_t ms, void (*fn)(void *), void *arg);
void loop_timer_cancel(struct loop_timer **t);

/* Calls fn(fd, arg) whenever fd is readable (persistent). */
struct loop_watch;
struct loop_watch *loop_watch_read(
    struct loop *l, int fd, void (*fn)(int fd, void *arg), void *arg);
void loop_watch_cancel(struct loop_watch **w);

/* Calls fn(signo, arg) from the loop when the signal arrives. */
void loop_signal(struct loop *l, int signo, void (*fn)(int, void *), void *arg);

/* From any thread: have fn(arg) called in the loop's thread, soon, in order. */
void loop_post(struct loop *l, void (*fn)(void *), void *arg);

/* What a protocol engine shows to the driver. */
struct engine_ops {
	/* Octets from the peer. All are taken. */
	void (*input)(void *engine, const uint8_t *p, size_t n, msec_t now);
	/* The peer closed its side (reason NULL: output is still sent, and
	 * the engine is to become finished, at once or when its pending work
	 * is done), or the connection broke (reason set: gone() follows). */
	void (*closed)(void *engine, const struct err *reason, msec_t now);
	/* Octets to send; the driver consumes from it what the socket took. */
	struct buf *(*output)(void *engine);
	/* Called when the output buffer has run empty: the engine may produce
	 * more. NULL when the engine never streams. */
	void (*drained)(void *engine, msec_t now);
	/* When the engine wants `timeout` called (clock_mono()), or
	 * MSEC_NEVER. Asked after every other call. */
	msec_t (*deadline)(void *engine);
	void (*timeout)(void *engine, msec_t now);
	/* Ready to take more input? false: the driver stops reading until
	 * conn_wake(). NULL means always. */
	bool (*wants_input)(void *engine);
	/* Done: close when the output is flushed. */
	bool (*finished)(void *engine);
};

/*
 * One socket and its engine. The driver never frees the engine: it calls
 * `gone(arg)` exactly once, from the loop and never from inside a conn_*
 * call, when the socket is closed; the owner frees engine and conn there
 * (conn_free() inside gone() is right).
 */
struct conn;
struct conn *conn_new(struct loop *l, int fd, const struct engine_ops *ops,
    void *engine, void (*gone)(void *arg), void *arg);
/* The same to an address that may be a name: it is looked up in a thread, and
 * its addresses (IPv6 and IPv4) are tried in order until one takes the
 * connection. Failure is closed() with the reason of the last, then gone();
 * the engine's deadline bounds it all. */
struct conn *conn_dial(struct loop *l, const char *address,
    const struct engine_ops *ops, void *engine, void (*gone)(void *arg),
    void *arg);
/* Octets that were read from the socket by someone else first (iaed). */
void conn_unread(struct conn *c, const uint8_t *p, size_t n);
/* The owner called the engine directly: flush output, ask for the deadline,
 * resume reading. Cheap; may be called at any time before gone(). */
void conn_wake(struct conn *c);
/* TLS from here on, as client or server. Before any octet crossed (the socket
 * may still be connecting), or in mid-stream (STARTTLS): octets that were read
 * before and not yet given to the engine are dropped then, and what its output
 * held at this call ("220 ready") goes out in plain first; what it adds later
 * (the client's next command) waits for the handshake. `name`: the client
 * asks for it (SNI) and the certificate must carry it, NULL: neither. The
 * engine's input() starts after the handshake; one that fails is closed() with
 * a reason. The struct tls must outlive the connection. */
void conn_start_tls(
    struct conn *c, struct tls *tls, bool server, const char *name);
/* The same for a client whose trust is not just that of its struct tls. The
 * name as above; `verify` in place of the struct tls's; `setup`, unless NULL,
 * is called once and at once with OpenSSL's own SSL, to change what it relies
 * on (DANE): it returns 0 or negative, and then the handshake fails. */
struct ssl_st;
struct conn_tls_client {
	const char *name;
	enum tls_verify verify;
	int (*setup)(void *arg, struct ssl_st *ssl, struct err *e);
	void *arg;
};
void conn_start_tls_client(
    struct conn *c, struct tls *tls, const struct conn_tls_client *p);
/* NULL while there is none: plain, or the handshake is under way. */
const struct tls_peer *conn_tls(const struct conn *c);
/* Does the peer's good certificate carry this name: a dNSName, rfc822Name,
 * URI, or the subject's common name? Without regard to case. */
bool conn_tls_is(const struct conn *c, const char *name);
/* Closes without flushing; gone() follows. */
void conn_kill(struct conn *c);
void conn_free(struct conn **c);
/* "127.0.0.1:10201", "[::1]:25", "unix:/path" as text, for logs. */
const char *conn_peer(const struct conn *c);

/* TCP and Unix sockets. Addresses are text: "127.0.0.1:25", "[::1]:25",
 * "host:port", "unix:/path". All sockets are non-blocking, close-on-exec. */
int net_listen(const char *address, struct err *e);
/* Is the text such an address? Resolves nothing. 0 or ERR_SYNTAX. */
int net_check(const char *address, struct err *e);
/* Looks an address up without stopping the loop. fn is called once, from the
 * loop and never from inside net_lookup(): with the addresses in the order to
 * be tried, or NULL and the reason. It may be cancelled before that; the
 * look-up frees itself. */
#define NET_ADDRESSES_MAX 16
struct net_addresses {
	size_t n;
	struct {
		struct sockaddr_storage sa;
		socklen_t len;
	} v[NET_ADDRESSES_MAX];
};
typedef void net_found_fn(
    void *arg, const struct net_addresses *found, const struct err *e);
struct net_lookup;
struct net_lookup *net_lookup(
    struct loop *l, const char *address, net_found_fn *fn, void *arg);
void net_lookup_cancel(struct net_lookup **l);
/* For programs that may wait for a look-up; others use conn_dial().
 * Starts a connection to one numeric or resolved address: returns the socket
 * (which may still be connecting: conn_new() copes), or an error. */
int net_connect(const char *address, struct err *e);
const char *net_name(
    const struct sockaddr *sa, socklen_t n, char *out, size_t size);

/* Accepts connections on a listening socket and gives each to fn, which owns
 * the new socket. */
struct loop_listener;
struct loop_listener *loop_listen(struct loop *l, int fd,
    void (*fn)(void *arg, int fd, const char *peer), void *arg);
void loop_listener_close(struct loop_listener **ll);
/* Stop and resume accepting (process limits). */
void loop_listener_pause(struct loop_listener *ll, bool paused);

/* One datagram with up to one descriptor over a Unix socketpair. */
int net_send_fd(int sock, const void *p, size_t n, int fd, struct err *e);
/* Returns octets received, 0 at end of file; *fd is -1 when none came. */
ssize_t net_recv_fd(int sock, void *p, size_t n, int *fd, struct err *e);

#endif
