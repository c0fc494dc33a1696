/*
 * Addresses as text and as sockets, for net.c, the look-up and the driver.
 */
#ifndef LIB_NET_INT_H
#define LIB_NET_INT_H

#include <netdb.h>

#include "lib/loop.h"

#define NET_HOST_MAX 256

/* An address as text, split. */
struct net_target {
	char host[NET_HOST_MAX]; /* of TCP */
	char port[6];
	const char *path; /* of a Unix socket, else NULL; in the text */
};

int net_split(const char *address, struct net_target *t, struct err *e);
/* getaddrinfo() with our hints and errors; AI_ flags. May take long, unless
 * AI_NUMERICHOST is set. */
int net_resolve(const char *address, const struct net_target *t, int flags,
    struct addrinfo **list, struct err *e);
/* No delay for small PDUs; and a peer that is gone without a word is found out
 * after two minutes, however long the connection may be silent. */
void net_tune_tcp(int fd);
/* A non-blocking socket that connects, or -1 and errno. */
int net_connect_to(const struct sockaddr *sa, socklen_t n);

#endif
