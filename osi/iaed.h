/*
 * The RFC 1006 listener: accepts TCP connections, reads until the COTP CR
 * tells the called transport selector, and passes the socket, together with
 * the octets read, to the service that has that selector. It answers nothing
 * by itself but refusals: the service's own engine sees the CR from its
 * first octet.
 *
 * Handing over is one datagram on the service's Unix socket, with the TCP
 * socket as its descriptor: four octets with the count (big-endian) of the
 * octets read, those octets, and then to its end the name of the <tls> to be
 * spoken (none: plain); IAED_HANDOFF_MAX octets in all at most.
 *
 * A connection to a TLS listener is handed over unread: no key is in this
 * process. The service does the handshake, and refuses by itself a CR for a
 * selector that is not its own (struct osi_common, `serves`).
 */
#ifndef OSI_IAED_H
#define OSI_IAED_H

#include "lib/loop.h"
#include "osi/osi.h"

#define IAED_READ_MAX 1024 /* octets read of a connection before handing over */
#define IAED_TLS_NAME_MAX 64
#define IAED_HANDOFF_MAX (4 + IAED_READ_MAX + IAED_TLS_NAME_MAX)

struct iaed_limits {
	size_t connections; /* waiting for their CR at once; then accepting
	                     * rests */
	size_t per_client;  /* of them of one address; more are closed. 0: no
	                     * limit */
	msec_t cr_time;     /* for the whole CR to come */
};

struct iaed;

struct iaed *iaed_new(struct loop *l, const struct iaed_limits *limits);
/* Closes all sockets it was given and all connections. */
void iaed_free(struct iaed **i);

/* Connections called by this selector go to this channel. */
void iaed_add_service(
    struct iaed *i, const struct osi_sel *tsel, const char *channel);
/* A socket at whose other end a process of the channel takes connections;
 * several take turns, one whose process is gone is dropped. Owns fd. */
void iaed_add_socket(struct iaed *i, const char *channel, int fd);
struct iaed_listen {
	size_t connections;  /* of this listener that wait for their CR at
	                      * once; 0: no limit but that of all */
	const char *tls;     /* name of a <tls>; NULL: plain */
	const char *channel; /* of TLS: who takes the connections */
};

/* A listening socket. Owns fd. Texts are copied. */
void iaed_add_listener(struct iaed *i, int fd, const struct iaed_listen *l);
/* Stops accepting; drops what waits for its CR. */
void iaed_stop(struct iaed *i);
/* Connections that wait for their CR. */
size_t iaed_waiting(const struct iaed *i);
/* fn is called whenever that number changes. */
void iaed_on_waiting(
    struct iaed *i, void (*fn)(void *arg, size_t n), void *arg);

/* At the service: the octets in a datagram of n octets, or ERR_SYNTAX. */
int iaed_handoff_parse(
    const uint8_t *p, size_t n, struct octets *out, struct err *e);
/* The name of the <tls> to be spoken as a server on a connection whose
 * datagram iaed_handoff_parse() took; false: plain. */
bool iaed_handoff_tls(
    const uint8_t *p, size_t n, char out[IAED_TLS_NAME_MAX + 1]);

#endif
