/*
 * The search for a domain's policy (RFC 8461 5.1): the TXT record says which
 * policy is the present one; another than the cached is fetched, and so is
 * one that was fetched a day ago. Whatever fails on the way, a cached policy
 * stays in force until it ends; without one, there is none. Several who ask
 * for one domain wait for one search.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/log.h"
#include "smtp/mta_sts.h"

#define REFRESH 86400 /* seconds: 3.3, "once per day" */
#define QUIET 300     /* after a failure: 3.3, "five minutes or longer" */
#define N_FAILURES 256
#define N_ADDRESSES 8

struct failure {
	char *domain;
	char id[MTA_STS_ID_MAX + 1];
	int64_t until;
};

struct mta_sts_search {
	struct mta_sts_search *next, **prev;
	mta_sts_found_fn *fn;
	void *arg;
};

struct work {
	struct work *next, **prev;
	struct mta_sts *sts;
	char *domain, *host; /* host: of the policy */
	char id[MTA_STS_ID_MAX + 1];
	struct dns_query *query;
	struct mta_sts_fetch *fetch;
	struct loop_timer *soon;
	struct buf addresses;
	unsigned n_addresses;
	struct mta_sts_search *waiting;
};

struct mta_sts {
	struct loop *loop;
	struct dns *dns;
	struct mta_sts_fetcher *fetcher;
	struct mta_sts_cache *cache;
	struct work *works;
	struct failure failures[N_FAILURES];
	size_t next_failure;
};

static int64_t
now_s(void)
{
	return clock_wall() / 1000;
}

/* --- failures --- */

static bool
failed_lately(const struct mta_sts *s, const char *domain, const char *id)
{
	for (size_t i = 0; i < N_FAILURES; i++)
		if (s->failures[i].domain != NULL &&
		    strcmp(s->failures[i].domain, domain) == 0 &&
		    strcmp(s->failures[i].id, id) == 0 &&
		    s->failures[i].until > now_s())
			return true;
	return false;
}

static void
note_failure(struct mta_sts *s, const char *domain, const char *id)
{
	struct failure *f = &s->failures[s->next_failure++ % N_FAILURES];

	free(f->domain);
	f->domain = xstrdup(domain);
	snprintf(f->id, sizeof(f->id), "%s", id);
	f->until = now_s() + QUIET;
}

/* --- one search --- */

static void
unlink_work(struct work *w)
{
	if (w->prev == NULL)
		return;
	*w->prev = w->next;
	if (w->next != NULL)
		w->next->prev = w->prev;
	w->prev = NULL;
}

static void
work_free(struct work *w)
{
	unlink_work(w);
	while (w->waiting != NULL) {
		struct mta_sts_search *q = w->waiting;

		w->waiting = q->next;
		free(q);
	}
	dns_cancel(&w->query);
	mta_sts_fetch_cancel(&w->fetch);
	loop_timer_cancel(&w->soon);
	buf_free(&w->addresses);
	free(w->domain);
	free(w->host);
	free(w);
}

/* Who waits may ask for something else from his call; his search is gone
 * then. */
static void
finish(struct work *w)
{
	unlink_work(w); /* nobody joins it any more */
	while (w->waiting != NULL) {
		struct mta_sts_search *q = w->waiting;
		const struct mta_sts_entry *e =
		    mta_sts_cache_get(w->sts->cache, w->domain, now_s());

		w->waiting = q->next;
		if (q->next != NULL)
			q->next->prev = &w->waiting;
		q->fn(q->arg, e != NULL ? &e->policy : NULL);
		free(q);
	}
	work_free(w);
}

static void
failed(struct work *w, const char *why)
{
	log_event(LOG_LEVEL_WARN, "MTA-STS policy not fetched", "domain",
	    w->domain, "id", w->id, "reason", why, NULL);
	note_failure(w->sts, w->domain, w->id);
	finish(w);
}

static void
on_fetched(void *arg, const char *p, size_t n, const struct err *reason)
{
	struct work *w = arg;
	struct mta_sts_policy policy;
	struct err e = ERR_INIT;
	struct arena *a;

	w->fetch = NULL;
	if (p == NULL) {
		failed(w, reason->text);
		return;
	}
	a = arena_new();
	if (mta_sts_policy_parse(a, p, n, &policy, &e) < 0) {
		failed(w, e.text);
	} else {
		if (mta_sts_cache_put(w->sts->cache, w->domain, w->id, &policy,
			now_s(), &e) < 0)
			log_event(LOG_LEVEL_WARN, "MTA-STS cache not written",
			    "reason", e.text, NULL);
		log_event(LOG_LEVEL_INFO, "MTA-STS policy", "domain", w->domain,
		    "id", w->id, "mode", mta_sts_mode_name(policy.mode), NULL);
		finish(w);
	}
	arena_free(&a);
}

static void
take_addresses(struct work *w, const struct dns_answer *answer)
{
	char text[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < answer->n && w->n_addresses < N_ADDRESSES; i++) {
		const struct dns_record *r = &answer->v[i];

		inet_ntop(r->type == DNS_A ? AF_INET : AF_INET6, &r->a, text,
		    sizeof(text));
		buf_printf(&w->addresses, "%s%s",
		    w->n_addresses++ > 0 ? "," : "", text);
	}
}

static void
on_ipv6(void *arg, const struct dns_answer *answer)
{
	struct work *w = arg;

	w->query = NULL;
	take_addresses(w, answer);
	if (w->n_addresses == 0)
		failed(w, "the policy host has no address");
	else
		w->fetch = mta_sts_fetch(w->sts->fetcher, w->domain,
		    buf_cstr(&w->addresses), on_fetched, w);
}

static void
on_ipv4(void *arg, const struct dns_answer *answer)
{
	struct work *w = arg;

	take_addresses(w, answer);
	w->query = dns_ask(w->sts->dns, w->host, DNS_AAAA, on_ipv6, w);
}

static bool
is_fresh(struct work *w)
{
	const struct mta_sts_entry *e =
	    mta_sts_cache_get(w->sts->cache, w->domain, now_s());

	return e != NULL && strcmp(e->id, w->id) == 0 &&
	    e->fetched + REFRESH > now_s();
}

static void
on_txt(void *arg, const struct dns_answer *answer)
{
	struct work *w = arg;
	struct err e = ERR_INIT;
	int rc = mta_sts_txt(answer->v, answer->n, w->id, &e);

	w->query = NULL;
	if (rc == ERR_SYNTAX)
		log_event(LOG_LEVEL_INFO, "MTA-STS record unusable", "domain",
		    w->domain, "reason", e.text, NULL);
	if (rc < 0 || is_fresh(w) || failed_lately(w->sts, w->domain, w->id))
		finish(w);
	else
		w->query = dns_ask(w->sts->dns, w->host, DNS_A, on_ipv4, w);
}

static void
finish_soon(void *arg)
{
	struct work *w = arg;

	w->soon = NULL;
	finish(w);
}

static char *
prefixed(const char *prefix, const char *domain)
{
	char *s;

	if (asprintf(&s, "%s%s", prefix, domain) < 0)
		log_die("no memory for an MTA-STS search");
	return s;
}

static struct work *
work_new(struct mta_sts *s, const char *domain)
{
	struct work *w = xcalloc(1, sizeof(*w));
	char *txt;

	w->sts = s;
	w->domain = xstrdup(domain);
	w->host = prefixed("mta-sts.", domain);
	w->next = s->works;
	w->prev = &s->works;
	if (w->next != NULL)
		w->next->prev = &w->next;
	s->works = w;
	if (domain[0] == '[') { /* 3.4: literals have no policy */
		w->soon = loop_timer_set(s->loop, 0, finish_soon, w);
		return w;
	}
	txt = prefixed("_mta-sts.", domain);
	w->query = dns_ask(s->dns, txt, DNS_TXT, on_txt, w);
	free(txt);
	return w;
}

struct mta_sts_search *
mta_sts_find(
    struct mta_sts *s, const char *domain, mta_sts_found_fn *fn, void *arg)
{
	struct mta_sts_search *q = xcalloc(1, sizeof(*q));
	struct work *w = s->works;

	while (w != NULL && strcmp(w->domain, domain) != 0)
		w = w->next;
	if (w == NULL)
		w = work_new(s, domain);
	q->fn = fn;
	q->arg = arg;
	q->next = w->waiting;
	q->prev = &w->waiting;
	if (q->next != NULL)
		q->next->prev = &q->next;
	w->waiting = q;
	return q;
}

/* The search itself goes on, for the cache. */
void
mta_sts_find_cancel(struct mta_sts_search **qp)
{
	struct mta_sts_search *q = *qp;

	if (q == NULL)
		return;
	*qp = NULL;
	*q->prev = q->next;
	if (q->next != NULL)
		q->next->prev = q->prev;
	free(q);
}

struct mta_sts *
mta_sts_new(struct loop *l, struct dns *dns, struct mta_sts_fetcher *fetcher,
    struct mta_sts_cache *cache)
{
	struct mta_sts *s = xcalloc(1, sizeof(*s));

	s->loop = l;
	s->dns = dns;
	s->fetcher = fetcher;
	s->cache = cache;
	return s;
}

void
mta_sts_free(struct mta_sts **sp)
{
	struct mta_sts *s = *sp;

	if (s == NULL)
		return;
	*sp = NULL;
	while (s->works != NULL)
		work_free(s->works);
	for (size_t i = 0; i < N_FAILURES; i++)
		free(s->failures[i].domain);
	free(s);
}
