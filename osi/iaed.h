/*
 * The RFC 1006 listener: accepts TCP connections, reads until the COTP CR
 * tells the called transport selector, and passes the socket, together with
 * the octets read, to the service that has that selector. It answers nothing
 * by itself but refusals: the service's own engine sees the CR from its
 * first octet.
 *
 * Handing over is one datagram on the service's Unix socket, with the TCP
 * socket as its descriptor: four octets with the count (big-endian) of the
 * octets read, and those octets (IAED_HANDOFF_MAX in all at most).
 */
#ifndef OSI_IAED_H
#define OSI_IAED_H

#include "lib/loop.h"
#include "osi/osi.h"

#define IAED_READ_MAX 1024 /* octets read of a connection before handing over */
#define IAED_HANDOFF_MAX (4 + IAED_READ_MAX)

struct iaed_limits {
	size_t connections; /* waiting for their CR at once; then accepting
	                     * rests */
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
/* A listening socket. Owns fd. */
void iaed_add_listener(struct iaed *i, int fd);
/* Stops accepting; drops what waits for its CR. */
void iaed_stop(struct iaed *i);
/* Connections that wait for their CR. */
size_t iaed_waiting(const struct iaed *i);

/* At the service: the octets in a datagram of n octets, or ERR_SYNTAX. */
int iaed_handoff_parse(
    const uint8_t *p, size_t n, struct octets *out, struct err *e);

#endif
