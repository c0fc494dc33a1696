#include "smtp/demand.h"

#include <string.h>

#include "smtp/dane.h"

static const char *const names[N_SMTP_TLS_POLICY] = {
    [SMTP_TLS_NONE] = "none",
    [SMTP_TLS_MAY] = "may",
    [SMTP_TLS_ENCRYPT] = "encrypt",
    [SMTP_TLS_VERIFY] = "verify",
    [SMTP_TLS_DANE] = "dane",
    [SMTP_TLS_MTA_STS] = "mta-sts",
};

bool
smtp_tls_policy_parse(const char *word, enum smtp_tls_policy *out)
{
	for (int i = 0; i < N_SMTP_TLS_POLICY; i++)
		if (strcmp(names[i], word) == 0) {
			*out = (enum smtp_tls_policy)i;
			return true;
		}
	return false;
}

const char *
smtp_tls_policy_name(enum smtp_tls_policy p)
{
	return names[p];
}

static bool
looks_at_sts(enum smtp_tls_policy p)
{
	return p == SMTP_TLS_MAY || p == SMTP_TLS_ENCRYPT ||
	    p == SMTP_TLS_MTA_STS;
}

static bool
looks_at_dane(enum smtp_tls_policy p)
{
	return looks_at_sts(p) || p == SMTP_TLS_DANE;
}

/* A policy that is only being tested binds nobody, unless we are told to ask
 * for one. */
static bool
sts_binds(enum smtp_tls_policy p, const struct mta_sts_policy *sts)
{
	if (!looks_at_sts(p) || sts == NULL)
		return false;
	return sts->mode == MTA_STS_ENFORCE ||
	    (p == SMTP_TLS_MTA_STS && sts->mode == MTA_STS_TESTING);
}

const char *
smtp_demand(enum smtp_tls_policy policy, const struct smtp_mx_host *host,
    const struct mta_sts_policy *sts, struct smtp_demand *out)
{
	enum smtp_dane_use use = host != NULL && looks_at_dane(policy)
	    ? smtp_dane_use(host)
	    : SMTP_DANE_NONE;
	bool bound = sts_binds(policy, sts);

	*out = (struct smtp_demand){
	    .tls = policy == SMTP_TLS_NONE ? SMTP_CLIENT_PLAIN
		: policy == SMTP_TLS_MAY   ? SMTP_CLIENT_TLS
					   : SMTP_CLIENT_TLS_MUST,
	    .verify = policy == SMTP_TLS_VERIFY,
	};
	if (policy == SMTP_TLS_DANE && use != SMTP_DANE_AUTHENTICATE)
		return "DANE is required, and it has no usable TLSA records";
	if (policy == SMTP_TLS_MTA_STS && !bound)
		return "MTA-STS is required, and the domain has no policy";
	if (bound && (host == NULL || !mta_sts_matches(sts, host->name)))
		return "it is not in the domain's MTA-STS policy";
	out->dane = use != SMTP_DANE_NONE;
	out->verify = out->verify || (bound && !out->dane);
	if (bound || out->dane)
		out->tls = SMTP_CLIENT_TLS_MUST;
	return NULL;
}
