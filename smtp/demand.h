/*
 * How one MX host is to be spoken to: the peer's TLS policy, the host's TLSA
 * records (RFC 7672) and the domain's MTA-STS policy (RFC 8461) in, what the
 * session needs out. Pure.
 *
 * DANE goes before MTA-STS (RFC 8461 2): a host with secure TLSA records is
 * authenticated by these, or not spoken to. An MTA-STS policy still says
 * which hosts there are.
 */
#ifndef SMTP_DEMAND_H
#define SMTP_DEMAND_H

#include "smtp/client.h"
#include "smtp/mta_sts.h"
#include "smtp/mx.h"

enum smtp_tls_policy {
	SMTP_TLS_NONE,    /* never */
	SMTP_TLS_MAY,     /* where it is offered; DANE and MTA-STS bind */
	SMTP_TLS_ENCRYPT, /* or not at all; they bind, too */
	SMTP_TLS_VERIFY, /* a certificate of a known authority, with the name */
	SMTP_TLS_DANE,   /* usable TLSA records, or not at all */
	SMTP_TLS_MTA_STS, /* an MTA-STS policy, or not at all */
	N_SMTP_TLS_POLICY
};
/* "may"; false: it is none of them. */
bool smtp_tls_policy_parse(const char *word, enum smtp_tls_policy *out);
const char *smtp_tls_policy_name(enum smtp_tls_policy p);

struct smtp_demand {
	enum smtp_client_tls tls;
	bool verify; /* authority and name */
	bool dane;   /* as smtp_dane_setup() has it; TLS is a must then */
};

/* `host` NULL: configured, not found by the DNS. `sts` NULL: there is none.
 * NULL with *out; or the reason why the host must not be spoken to. */
const char *smtp_demand(enum smtp_tls_policy policy,
    const struct smtp_mx_host *host, const struct mta_sts_policy *sts,
    struct smtp_demand *out);

#endif
