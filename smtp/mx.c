#include "smtp/mx_int.h"

#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "smtp/address.h"

#define ID_MX 0

/* xorshift64*: the caller's seed makes it good for a shuffle, no more. */
uint64_t
mx_random(struct smtp_mx *m)
{
	uint64_t x = m->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	m->random = x;
	return x * UINT64_C(2685821657736338717);
}

static void
finish(struct smtp_mx *m, enum smtp_mx_outcome outcome, int code,
    const char *status, const char *text)
{
	m->result.outcome = outcome;
	m->result.code = code;
	m->result.status = status;
	m->result.text = text;
	m->done = true;
}

static void
permanent(struct smtp_mx *m, const char *status, const char *text)
{
	finish(m, SMTP_MX_PERMANENT, 550, status, text);
}

/* A forged answer is a matter of security (RFC 3463 3.8). */
static void
temporary(
    struct smtp_mx *m, enum dns_status s, const char *name, const char *why)
{
	bool bogus = s == DNS_BOGUS;

	finish(m, SMTP_MX_TEMPORARY, 450, bogus ? "4.7.5" : "4.4.3",
	    arena_printf(m->arena, "DNS: %s: %s%s%s", name, dns_status_name(s),
		why != NULL ? ": " : "", why != NULL ? why : ""));
}

static void
note_ttl(struct smtp_mx *m, const struct dns_answer *answer)
{
	if (answer->status <= DNS_NXDOMAIN && answer->ttl < m->result.ttl)
		m->result.ttl = answer->ttl;
}

/* --- hosts --- */

static bool
is_ours(const struct smtp_mx *m, const char *name)
{
	for (size_t i = 0; i < m->p->n_own; i++)
		if (dns_name_equal(m->p->own[i], name))
			return true;
	return false;
}

static void
add_host(struct smtp_mx *m, const char *name, uint16_t preference, bool secure)
{
	struct mx_host *h =
	    arena_push(m->arena, &m->hosts, &m->n_hosts, sizeof(*h));

	h->pub.name = arena_strdup(m->arena, name);
	h->pub.preference = preference;
	h->pub.secure = secure;
	h->order = mx_random(m);
	h->canonical = h->pub.name;
	h->question[MX_WHAT_AAAA] = h->question[MX_WHAT_A] = h->pub.name;
	if (!m->p->no_ipv6)
		h->state[MX_WHAT_AAAA] = MX_TO_ASK;
	if (!m->p->no_ipv4)
		h->state[MX_WHAT_A] = MX_TO_ASK;
}

static int
by_preference(const void *a, const void *b)
{
	const struct mx_host *x = a, *y = b;

	if (x->pub.preference != y->pub.preference)
		return x->pub.preference < y->pub.preference ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* RFC 5321 5.1: we are in the list: those that are not better than us are
 * dropped, or mail goes round. */
static void
drop_from_ours(struct smtp_mx *m)
{
	for (size_t i = 0; i < m->n_hosts; i++) {
		if (!is_ours(m, m->hosts[i].pub.name))
			continue;
		while (i > 0 &&
		    m->hosts[i - 1].pub.preference ==
			m->hosts[i].pub.preference)
			i--;
		m->n_hosts = i;
		return;
	}
}

static void
order_hosts(struct smtp_mx *m)
{
	unsigned max = m->p->max_hosts > 0 ? m->p->max_hosts : 20;

	if (m->n_hosts > 0)
		qsort(m->hosts, m->n_hosts, sizeof(*m->hosts), by_preference);
	drop_from_ours(m);
	if (m->n_hosts > max)
		m->n_hosts = max;
	if (m->n_hosts == 0)
		permanent(m, "5.4.6",
		    "The mail exchanger of the domain is this host, which does "
		    "not take its mail: a loop");
}

static bool
known_already(const struct smtp_mx *m, const char *name)
{
	for (size_t i = 0; i < m->n_hosts; i++)
		if (dns_name_equal(m->hosts[i].pub.name, name))
			return true;
	return false;
}

/* RFC 7505 3: a single record with the root as its host. */
static bool
is_null_mx(const struct dns_answer *answer)
{
	return answer->n == 1 && answer->v[0].mx.host[0] == '\0';
}

static void
take_mx(struct smtp_mx *m, const struct dns_answer *answer)
{
	/* of one name at two preferences, the better counts */
	for (unsigned pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < answer->n; i++) {
			const char *name = answer->v[i].mx.host;
			uint16_t preference = answer->v[i].mx.preference;

			if (!smtp_domain_valid(name, strlen(name), true) ||
			    name[0] == '[')
				continue;
			if (pass == 0 && !known_already(m, name))
				add_host(m, name, preference, answer->secure);
			for (size_t k = 0; pass == 1 && k < m->n_hosts; k++)
				if (dns_name_equal(
					m->hosts[k].pub.name, name) &&
				    preference < m->hosts[k].pub.preference)
					m->hosts[k].pub.preference = preference;
		}
	if (m->n_hosts == 0)
		permanent(m, "5.4.4", "The domain's MX records name no host");
	else
		order_hosts(m);
}

/* RFC 5321 5.1: without MX records, the domain is the host. */
static void
take_implicit(struct smtp_mx *m, const char *name, bool secure)
{
	m->result.implicit = true;
	add_host(m, name, 0, secure);
	order_hosts(m);
}

static void
on_mx(struct smtp_mx *m, const struct dns_answer *answer)
{
	m->result.secure = answer->secure;
	m->canonical = arena_strdup(m->arena, answer->canonical);
	switch (answer->status) {
	case DNS_FOUND:
		if (is_null_mx(answer))
			finish(m, SMTP_MX_PERMANENT, 556, "5.1.10",
			    "The domain does not accept mail (null MX)");
		else
			take_mx(m, answer);
		return;
	case DNS_NODATA:
		take_implicit(m, m->result.domain, answer->secure);
		return;
	case DNS_NXDOMAIN:
		permanent(m, "5.1.2", "The domain does not exist");
		return;
	case DNS_BAD_NAME:
		permanent(m, "5.1.2", "The domain is not a name of the DNS");
		return;
	default: temporary(m, answer->status, m->result.domain, answer->why);
	}
}

/* --- addresses --- */

void
mx_host_failed(
    struct smtp_mx *m, struct mx_host *h, const struct dns_answer *answer)
{
	h->failed = true;
	h->bogus = h->bogus || answer->status == DNS_BOGUS;
	if (m->why == NULL || answer->status == DNS_BOGUS) {
		m->why = arena_printf(m->arena, "%s%s%s", h->pub.name,
		    answer->why != NULL ? ": " : "",
		    answer->why != NULL ? answer->why : "");
		m->why_status = answer->status;
	}
}

static void
take_address(struct smtp_mx *m, struct mx_host *h, const struct dns_record *r)
{
	unsigned max =
	    m->p->max_addresses_per_host > 0 ? m->p->max_addresses_per_host : 8;

	if (r->type == DNS_AAAA && h->n_v6 < max)
		*(struct in6_addr *)arena_push(
		    m->arena, &h->v6, &h->n_v6, sizeof(*h->v6)) = r->aaaa;
	else if (r->type == DNS_A && h->n_v4 < max)
		*(struct in_addr *)arena_push(
		    m->arena, &h->v4, &h->n_v4, sizeof(*h->v4)) = r->a;
}

static bool
is_under_way(const struct mx_host *h, enum mx_what what)
{
	return h->state[what] == MX_TO_ASK || h->state[what] == MX_ASKED;
}

static void
on_addresses(struct smtp_mx *m, struct mx_host *h, enum mx_what what,
    const struct dns_answer *answer)
{
	if (dns_is_temporary(answer->status))
		mx_host_failed(m, h, answer);
	for (size_t i = 0; i < answer->n; i++)
		take_address(m, h, &answer->v[i]);
	*(what == MX_WHAT_A ? &h->secure_a : &h->secure_aaaa) = answer->secure;
	if (!dns_name_equal(answer->canonical, h->pub.name)) {
		h->alias = true;
		h->canonical = arena_strdup(m->arena, answer->canonical);
	}
	if (is_under_way(h, MX_WHAT_A) || is_under_way(h, MX_WHAT_AAAA))
		return;
	mx_dane_plan(m, h);
}

/* --- the end --- */

static void
no_target(struct smtp_mx *m)
{
	if (m->result.n_unknown > 0)
		temporary(m, m->why_status, m->why, NULL);
	else if (m->result.implicit)
		permanent(m, "5.1.2",
		    "The domain has neither a mail exchanger nor an address");
	else
		permanent(m, "5.4.4",
		    "No mail exchanger of the domain has an address");
}

static void
conclude(struct smtp_mx *m)
{
	for (size_t i = 0; i < m->n_hosts; i++)
		for (unsigned w = 0; w < MX_WHAT_N; w++)
			if (is_under_way(&m->hosts[i], w))
				return;
	mx_targets(m);
	for (size_t i = 0; i < m->n_hosts; i++)
		m->result.n_unknown += m->hosts[i].failed;
	if (m->result.n_targets > 0)
		finish(m, SMTP_MX_OK, 0, NULL, NULL);
	else
		no_target(m);
}

/* --- questions --- */

bool
smtp_mx_ask(struct smtp_mx *m, struct smtp_mx_question *q)
{
	if (m->done)
		return false;
	if (m->mx == MX_TO_ASK) {
		m->mx = MX_ASKED;
		*q = (struct smtp_mx_question){ID_MX, m->result.domain, DNS_MX};
		return true;
	}
	for (size_t i = 0; i < m->n_hosts; i++)
		for (unsigned w = 0; w < MX_WHAT_N; w++) {
			static const enum dns_type types[MX_WHAT_N] = {
			    DNS_AAAA, DNS_A, DNS_CNAME, DNS_TLSA, DNS_TLSA};
			struct mx_host *h = &m->hosts[i];

			if (h->state[w] != MX_TO_ASK)
				continue;
			h->state[w] = MX_ASKED;
			*q = (struct smtp_mx_question){
			    (unsigned)(1 + i * MX_WHAT_N + w), h->question[w],
			    types[w]};
			return true;
		}
	return false;
}

static void
answer_for_host(struct smtp_mx *m, struct mx_host *h, enum mx_what what,
    const struct dns_answer *answer)
{
	INVARIANT(h->state[what] == MX_ASKED);
	h->state[what] = MX_ANSWERED;
	switch (what) {
	case MX_WHAT_AAAA:
	case MX_WHAT_A: on_addresses(m, h, what, answer); break;
	case MX_WHAT_CNAME: mx_dane_cname(m, h, answer); break;
	default: mx_dane_tlsa(m, h, what, answer); break;
	}
}

void
smtp_mx_answer(struct smtp_mx *m, unsigned id, const struct dns_answer *answer)
{
	INVARIANT(!m->done);
	note_ttl(m, answer);
	if (id == ID_MX) {
		INVARIANT(m->mx == MX_ASKED);
		m->mx = MX_ANSWERED;
		on_mx(m, answer);
		if (m->done)
			return;
	} else {
		size_t i = (id - 1) / MX_WHAT_N;

		INVARIANT(i < m->n_hosts);
		answer_for_host(m, &m->hosts[i], (id - 1) % MX_WHAT_N, answer);
	}
	conclude(m);
}

const struct smtp_mx_result *
smtp_mx_result(const struct smtp_mx *m)
{
	return m->done ? &m->result : NULL;
}

/* --- the beginning --- */

static void
start_literal(struct smtp_mx *m, const char *domain)
{
	struct sockaddr_storage sa;
	struct err e = ERR_INIT;
	socklen_t len;

	if (smtp_mx_literal(domain, m->port, &sa, &len, &e) < 0) {
		permanent(m, "5.1.2", arena_strdup(m->arena, e.text));
		return;
	}
	mx_target_literal(m, domain, &sa, len);
	finish(m, SMTP_MX_OK, 0, NULL, NULL);
}

static void
start(struct smtp_mx *m, const char *domain)
{
	char name[DNS_HOST_MAX + 1];
	struct err e = ERR_INIT;

	m->result.domain = arena_strdup(m->arena, domain);
	if (domain[0] == '[') {
		start_literal(m, domain);
		return;
	}
	if (dns_name_ascii(domain, name, &e) < 0) {
		permanent(m, "5.1.2", arena_strdup(m->arena, e.text));
		return;
	}
	m->result.domain = m->canonical = arena_strdup(m->arena, name);
	if (m->p->no_mx)
		take_implicit(m, name, true);
	else
		m->mx = MX_TO_ASK;
}

struct smtp_mx *
smtp_mx_new(const struct smtp_mx_params *p, const char *domain)
{
	struct arena *a = arena_new();
	struct smtp_mx *m = ARENA_NEW(a, struct smtp_mx);

	m->arena = a;
	m->p = p;
	m->port = p->port > 0 ? p->port : 25;
	/* never 0, where xorshift would stay */
	m->random = (p->seed ^ UINT64_C(0x9e3779b97f4a7c15)) | 1;
	mx_random(m);
	m->result.ttl = UINT32_MAX;
	start(m, domain);
	return m;
}

void
smtp_mx_free(struct smtp_mx **mp)
{
	struct smtp_mx *m = *mp;
	struct arena *a;

	if (m == NULL)
		return;
	*mp = NULL;
	a = m->arena;
	arena_free(&a);
}
