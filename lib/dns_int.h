/*
 * Between the parts of the resolver: libunbound's context from our settings.
 */
#ifndef LIB_DNS_INT_H
#define LIB_DNS_INT_H

#include "lib/dns.h"

struct ub_ctx;

/* NULL with ERR_CONFIG. */
struct ub_ctx *dns_context(const struct dns_params *p, struct err *e);

#endif
