/*
 * Routing: from a recipient's name to the peer that gets it next.
 *
 * Of the routes by O/R address prefix the one with most attributes wins (the
 * first in the file among equals); then come routes by Internet domain: exact,
 * below (".suffix", longest first), "*". Comparison ignores case. The table is
 * built once and only read afterwards; thousands of routes are normal. What a
 * route leads to is the caller's: for routing, the name of a peer; the same
 * kind of table finds redirections, lists and alternates.
 */
#ifndef QMGR_ROUTE_H
#define QMGR_ROUTE_H

#include "lib/arena.h"
#include "lib/err.h"
#include "mhs/envelope.h"

struct q_routes;

/* The table lives in `a`; what routes lead to is kept by pointer. */
struct q_routes *q_routes_new(struct arena *a);
/* ERR_SYNTAX: not an O/R address; ERR_PROTOCOL: this prefix is there. */
int q_routes_add_or(
    struct q_routes *r, const char *prefix, const void *to, struct err *e);
/* "a.example", ".a.example" or "*". */
int q_routes_add_domain(
    struct q_routes *r, const char *domain, const void *to, struct err *e);
/* "joe@a.example", which goes before all domains. */
int q_routes_add_mailbox(
    struct q_routes *r, const char *mailbox, const void *to, struct err *e);
/* "joe+list@a.example" is also found as "joe@a.example", after its own name
 * (RFC 5233): `separator` begins the detail of a local part; '\0': none does. */
void q_routes_sub_addresses(struct q_routes *r, char separator);
bool q_routes_empty(const struct q_routes *r);
/* What the best route leads to, or NULL when there is none. */
const void *q_route(const struct q_routes *r, const struct mhs_name *name);

#endif
