/*
 * The PROXY protocol of haproxy.org, versions 1 and 2: who is at the other end of
 * a connection that a proxy in front made for them. A pure parser over octets
 * from outside; it never takes more than the header, which is bounded. Only
 * clients that are trusted are asked for one.
 */
#ifndef SMTP_PROXY_H
#define SMTP_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/err.h"

#define SMTP_PROXY_MAX 1024 /* octets of a header with its extensions */
#define SMTP_PROXY_PEER 64

struct smtp_proxy {
	bool local; /* the proxy speaks for itself, or does not know */
	char peer[SMTP_PROXY_PEER]; /* "192.0.2.1:1025", "[::1]:25" */
};

/* Returns the octets of the header, 0 when it goes on after all n, or
 * ERR_SYNTAX, ERR_LIMIT, ERR_UNSUPPORTED with the octet. */
int smtp_proxy_parse(
    const uint8_t *p, size_t n, struct smtp_proxy *out, struct err *e);

#endif
