/*
 * Who may send what through smtpd: client networks that may send anywhere,
 * domains that anyone may send to, and how many connections a client has.
 * Tables are built once from the configuration; look-ups do not allocate.
 */
#ifndef SMTP_ACCESS_H
#define SMTP_ACCESS_H

#include <stdbool.h>

#include "lib/arena.h"
#include "lib/err.h"

/* The address of "127.0.0.1:25", "[::1]:25" or "unix:/path" as the socket
 * layer names peers: without port and brackets. Room for SMTP_ADDRESS_TEXT. */
#define SMTP_ADDRESS_TEXT 64
void smtp_peer_address(const char *peer, char out[SMTP_ADDRESS_TEXT]);

struct smtp_access;
struct smtp_access *smtp_access_new(struct arena *a);
/* "127.0.0.0/8", "::1", "2001:db8::/32", or "unix". ERR_SYNTAX. */
int smtp_access_add_network(
    struct smtp_access *x, const char *cidr, struct err *e);
/* "a.example", ".a.example" (below it), "*". ERR_SYNTAX. */
int smtp_access_add_domain(
    struct smtp_access *x, const char *domain, struct err *e);
bool smtp_access_network(const struct smtp_access *x, const char *address);
bool smtp_access_domain(const struct smtp_access *x, const char *domain);

/* Connections by client address. */
struct smtp_clients;
struct smtp_clients *smtp_clients_new(void);
void smtp_clients_free(struct smtp_clients **c);
/* Counts one more; false (and not counted) when there are `max` already. */
bool smtp_clients_enter(
    struct smtp_clients *c, const char *address, unsigned max);
void smtp_clients_leave(struct smtp_clients *c, const char *address);

#endif
