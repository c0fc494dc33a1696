/*
 * Questions: at most so many are with libunbound at once, others wait in
 * order. libunbound works in a thread of its own and makes its descriptor
 * readable when answers are there; ub_process() then calls us back here.
 *
 * A question that is cancelled or out of time is taken from libunbound, which
 * then never calls back for it.
 */
#include "lib/dns.h"

#include <stdlib.h>
#include <string.h>
#include <unbound.h>

#include "lib/dns_int.h"
#include "lib/log.h"

#define CLASS_IN 1

struct dns_query {
	struct dns_query *next, **prev; /* in dns.waiting or dns.asked */
	struct dns *dns;
	char name[DNS_HOST_MAX + 1];
	enum dns_type type;
	dns_answer_fn *fn;
	void *arg;
	struct loop_timer *timer;
	bool asked;              /* libunbound has it */
	int id;                  /* there */
	enum dns_status failure; /* to be said soon */
	struct err why;
};

struct dns {
	struct loop *loop;
	struct ub_ctx *ub;
	struct loop_watch *watch;
	msec_t timeout;
	unsigned max_queries, max_waiting;
	size_t max_records;
	struct dns_query *asked, *waiting, **last; /* last: of waiting */
	unsigned n_asked, n_waiting;
};

const char *
dns_status_name(enum dns_status s)
{
	static const char *const names[] = {
	    [DNS_FOUND] = "found",
	    [DNS_NODATA] = "no such records",
	    [DNS_NXDOMAIN] = "no such domain",
	    [DNS_SERVFAIL] = "server failure",
	    [DNS_TIMEOUT] = "time-out",
	    [DNS_BOGUS] = "bogus",
	    [DNS_BUSY] = "too many queries",
	    [DNS_BAD_NAME] = "not a name",
	};

	return names[s];
}

bool
dns_is_temporary(enum dns_status s)
{
	return s == DNS_SERVFAIL || s == DNS_TIMEOUT || s == DNS_BOGUS ||
	    s == DNS_BUSY;
}

/* --- the two lists --- */

static void
unlink_query(struct dns_query *q)
{
	struct dns *d = q->dns;

	if (q->prev == NULL)
		return;
	*q->prev = q->next;
	if (q->next != NULL)
		q->next->prev = q->prev;
	else if (!q->asked)
		d->last = q->prev;
	q->prev = NULL;
	*(q->asked ? &d->n_asked : &d->n_waiting) -= 1;
}

static void
link_waiting(struct dns_query *q)
{
	struct dns *d = q->dns;

	q->next = NULL;
	q->prev = d->last;
	*d->last = q;
	d->last = &q->next;
	d->n_waiting++;
}

static void
link_asked(struct dns_query *q)
{
	struct dns *d = q->dns;

	q->next = d->asked;
	q->prev = &d->asked;
	if (q->next != NULL)
		q->next->prev = &q->next;
	d->asked = q;
	q->asked = true;
	d->n_asked++;
}

static void
query_free(struct dns_query *q)
{
	unlink_query(q);
	loop_timer_cancel(&q->timer);
	free(q);
}

/* --- answers --- */

static enum dns_status
status_of(const struct ub_result *r)
{
	if (r->bogus)
		return DNS_BOGUS;
	if (r->rcode != 0 && r->rcode != 3)
		return DNS_SERVFAIL;
	if (r->nxdomain)
		return DNS_NXDOMAIN;
	return r->havedata ? DNS_FOUND : DNS_NODATA;
}

static void
take_records(const struct dns_query *q, const struct ub_result *r,
    struct arena *a, struct dns_answer *out)
{
	struct dns_record *v = arena_alloc(a, q->dns->max_records * sizeof(*v));
	struct err e = ERR_INIT;

	for (size_t i = 0; r->data[i] != NULL; i++) {
		if (out->n < q->dns->max_records && r->len[i] >= 0 &&
		    dns_rdata_parse(a, q->type, (const uint8_t *)r->data[i],
			(size_t)r->len[i], &v[out->n], &e) == 0)
			out->n++;
		else
			out->bad++;
	}
	out->v = v;
	if (out->bad > 0)
		log_event(LOG_LEVEL_WARN, "DNS records left out", "name",
		    q->name, "type", dns_type_name(q->type), "reason",
		    e.text[0] != '\0' ? e.text : "too many", NULL);
	if (out->n == 0)
		out->status = DNS_SERVFAIL;
}

/* The canonical name comes as text already, and may have a final dot. */
static const char *
canonical_of(
    const struct dns_query *q, const struct ub_result *r, struct arena *a)
{
	char name[DNS_HOST_MAX + 1];

	if (r->canonname == NULL ||
	    dns_name_ascii(r->canonname, name, NULL) < 0)
		return q->name;
	return arena_strdup(a, name);
}

static void ask_waiting(struct dns *d);

/* The query is gone before its owner hears of it, who may ask anew. */
static void
deliver(struct dns_query *q, struct dns_answer *answer)
{
	struct dns *d = q->dns;

	answer->name = q->name;
	if (answer->canonical == NULL)
		answer->canonical = q->name;
	unlink_query(q);
	loop_timer_cancel(&q->timer);
	ask_waiting(d);
	q->fn(q->arg, answer);
	free(q);
}

static void
on_result(void *arg, int failed, struct ub_result *r)
{
	struct dns_query *q = arg;
	struct arena *a = arena_new();
	struct dns_answer answer = {.status = DNS_SERVFAIL};

	if (failed != 0) {
		answer.why = ub_strerror(failed);
	} else {
		answer.status = status_of(r);
		answer.rcode = r->rcode;
		answer.secure = r->secure && !r->bogus;
		answer.ttl = r->ttl > 0 ? (uint32_t)r->ttl : 0;
		answer.canonical = canonical_of(q, r, a);
		if (r->bogus && r->why_bogus != NULL)
			answer.why = arena_strdup(a, r->why_bogus);
		if (answer.status == DNS_FOUND)
			take_records(q, r, a, &answer);
	}
	ub_resolve_free(r);
	deliver(q, &answer);
	arena_free(&a);
}

static void
on_readable(int fd, void *arg)
{
	struct dns *d = arg;

	(void)fd;
	ub_process(d->ub);
}

/* --- questions --- */

static void
fail_now(void *arg)
{
	struct dns_query *q = arg;
	struct dns_answer answer = {
	    .status = q->failure,
	    .why = q->why.text[0] != '\0' ? q->why.text : NULL,
	};

	q->timer = NULL;
	deliver(q, &answer);
}

static void
fail_soon(struct dns_query *q, enum dns_status status)
{
	unlink_query(q);
	loop_timer_cancel(&q->timer);
	q->failure = status;
	q->timer = loop_timer_set(q->dns->loop, 0, fail_now, q);
}

static void
on_timeout(void *arg)
{
	struct dns_query *q = arg;
	struct dns_answer answer = {.status = DNS_TIMEOUT};

	q->timer = NULL;
	if (q->asked)
		ub_cancel(q->dns->ub, q->id);
	deliver(q, &answer);
}

static void
ask(struct dns_query *q)
{
	int rc;

	unlink_query(q);
	rc = ub_resolve_async(
	    q->dns->ub, q->name, q->type, CLASS_IN, q, on_result, &q->id);
	if (rc == 0) {
		link_asked(q);
		return;
	}
	err_set(&q->why, "dns", ERR_TEMPORARY, "%s", ub_strerror(rc));
	fail_soon(q, DNS_SERVFAIL);
}

static void
ask_waiting(struct dns *d)
{
	while (d->waiting != NULL && d->n_asked < d->max_queries)
		ask(d->waiting);
}

struct dns_query *
dns_ask(struct dns *d, const char *name, enum dns_type type, dns_answer_fn *fn,
    void *arg)
{
	struct dns_query *q = xcalloc(1, sizeof(*q));

	q->dns = d;
	q->type = type;
	q->fn = fn;
	q->arg = arg;
	q->why = (struct err)ERR_INIT;
	if (dns_name_ascii(name, q->name, &q->why) < 0) {
		fail_soon(q, DNS_BAD_NAME);
		return q;
	}
	if (d->n_waiting >= d->max_waiting) {
		fail_soon(q, DNS_BUSY);
		return q;
	}
	q->timer = loop_timer_set(d->loop, d->timeout, on_timeout, q);
	link_waiting(q);
	ask_waiting(d);
	return q;
}

void
dns_cancel(struct dns_query **qp)
{
	struct dns_query *q = *qp;
	struct dns *d;

	if (q == NULL)
		return;
	*qp = NULL;
	d = q->dns;
	if (q->asked)
		ub_cancel(d->ub, q->id);
	query_free(q);
	ask_waiting(d);
}

/* --- the resolver --- */

struct dns *
dns_new(struct loop *l, const struct dns_params *p, struct err *e)
{
	struct ub_ctx *ub = dns_context(p, e);
	struct dns *d;

	if (ub == NULL)
		return NULL;
	d = xcalloc(1, sizeof(*d));
	d->loop = l;
	d->ub = ub;
	d->timeout = p->timeout > 0 ? p->timeout : 30000;
	d->max_queries = p->max_queries > 0 ? p->max_queries : 256;
	d->max_waiting = p->max_waiting > 0 ? p->max_waiting : 10000;
	d->max_records = p->max_records > 0 ? p->max_records : 100;
	d->last = &d->waiting;
	d->watch = loop_watch_read(l, ub_fd(ub), on_readable, d);
	return d;
}

void
dns_free(struct dns **dp)
{
	struct dns *d = *dp;

	if (d == NULL)
		return;
	*dp = NULL;
	while (d->asked != NULL) {
		ub_cancel(d->ub, d->asked->id);
		query_free(d->asked);
	}
	while (d->waiting != NULL)
		query_free(d->waiting);
	loop_watch_cancel(&d->watch);
	ub_ctx_delete(d->ub);
	free(d);
}
