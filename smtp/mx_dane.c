/*
 * What DANE makes of a host (RFC 7672 2.2.2, 2.2.3): where its TLSA records
 * may be, and that a missing answer makes it unreachable.
 */
#include <string.h>

#include "smtp/mx_int.h"

static const char *
tlsa_name(struct smtp_mx *m, const char *base)
{
	return arena_printf(m->arena, "_%u._tcp.%s", m->port, base);
}

static void
ask_tlsa(
    struct smtp_mx *m, struct mx_host *h, enum mx_what what, const char *base)
{
	h->question[what] = tlsa_name(m, base);
	h->state[what] = MX_TO_ASK;
}

/* Of the addresses that there are, all are proven. */
static bool
addresses_secure(const struct mx_host *h)
{
	return (h->n_v6 == 0 || h->secure_aaaa) &&
	    (h->n_v4 == 0 || h->secure_a);
}

void
mx_dane_plan(struct smtp_mx *m, struct mx_host *h)
{
	bool found = h->n_v6 + h->n_v4 > 0;
	bool way = h->pub.secure, secure = found && addresses_secure(h);

	h->pub.secure = way && secure;
	/* one family without an answer: the other one serves. But where names
	 * are signed, an answer forged or withheld must not turn DANE off */
	if (found && h->failed)
		h->failed = m->p->dane && way && (secure || h->bogus);
	if (!m->p->dane || !way || !found || h->failed)
		return;
	if (secure) {
		ask_tlsa(m, h, MX_WHAT_TLSA, h->canonical);
	} else if (h->alias) {
		h->question[MX_WHAT_CNAME] = h->pub.name;
		h->state[MX_WHAT_CNAME] = MX_TO_ASK;
	}
}

/* An alias with insecure addresses: its own name counts, if it is proven. */
void
mx_dane_cname(
    struct smtp_mx *m, struct mx_host *h, const struct dns_answer *answer)
{
	if (dns_is_temporary(answer->status))
		mx_host_failed(m, h, answer);
	else if (answer->secure)
		ask_tlsa(m, h, MX_WHAT_TLSA_ALIAS, h->pub.name);
}

static void
add_name(const struct smtp_mx *m, struct smtp_mx_host *h, const char *name)
{
	(void)m;
	if (dns_name_equal(name, h->base))
		return;
	for (size_t i = 0; i < h->n_names; i++)
		if (dns_name_equal(name, h->names[i]))
			return;
	h->names[h->n_names++] = name;
}

static void
take_tlsa(struct smtp_mx *m, struct mx_host *h, const char *base,
    const struct dns_answer *answer)
{
	struct dns_tlsa *v = arena_alloc(m->arena, answer->n * sizeof(*v));

	for (size_t i = 0; i < answer->n; i++) {
		v[i] = answer->v[i].tlsa;
		v[i].data = arena_memdup(m->arena, v[i].data, v[i].n);
	}
	h->pub.tlsa = v;
	h->pub.n_tlsa = answer->n;
	h->pub.dane = SMTP_MX_DANE_RECORDS;
	h->pub.base = base;
	add_name(m, &h->pub, m->result.domain);
	if (!m->result.implicit)
		add_name(m, &h->pub, m->canonical);
}

void
mx_dane_tlsa(struct smtp_mx *m, struct mx_host *h, enum mx_what what,
    const struct dns_answer *answer)
{
	if (dns_is_temporary(answer->status)) {
		mx_host_failed(m, h, answer);
		return;
	}
	if (answer->status == DNS_FOUND && answer->secure)
		take_tlsa(m, h,
		    what == MX_WHAT_TLSA ? h->canonical : h->pub.name, answer);
	else if (what == MX_WHAT_TLSA && h->alias)
		ask_tlsa(m, h, MX_WHAT_TLSA_ALIAS, h->pub.name);
}
