/*
 * Routing: from a recipient's name to the peer that gets it next.
 *
 * Of the routes by O/R address prefix the one with most attributes wins (the
 * first in the file among equals); then come routes by Internet domain: exact,
 * below (".suffix", longest first), "*". Comparison ignores case. The table is
 * built once and only read afterwards; thousands of routes are normal.
 */
#ifndef QMGR_ROUTE_H
#define QMGR_ROUTE_H

#include "lib/arena.h"
#include "lib/err.h"
#include "mhs/envelope.h"

struct q_routes;

/* The table lives in `a`; peers' names are kept by pointer. */
struct q_routes *q_routes_new(struct arena *a);
/* ERR_SYNTAX: not an O/R address; ERR_PROTOCOL: this prefix is there. */
int q_routes_add_or(
    struct q_routes *r, const char *prefix, const char *peer, struct err *e);
/* "a.example", ".a.example" or "*". */
int q_routes_add_domain(
    struct q_routes *r, const char *domain, const char *peer, struct err *e);
/* The peer's name, or NULL when there is no route. */
const char *q_route(const struct q_routes *r, const struct mhs_name *name);

#endif
