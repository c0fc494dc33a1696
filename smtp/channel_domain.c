/*
 * Domains: where a group goes, and where it goes then. A domain is made when
 * a group comes for it, knows what its last look-up brought until that is out
 * of date, and is forgotten when nothing is to be remembered. Groups keep the
 * route they began with, whatever a later look-up brings.
 */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "lib/log.h"
#include "smtp/channel.h"

#define TTL_MIN 60        /* seconds that a result is used */
#define TTL_MAX 3600      /* at most */
#define TARGETS_MAX 16    /* of a route */
#define TRIES_MAX 5       /* targets of one attempt */
#define ATTEMPT_MS 120000 /* after that no further target is begun */
#define DOMAINS_MAX 10000 /* above this, idle ones are forgotten at once */
#define SWEEP_MS 60000

struct smtp_domain {
	struct smtp_domain *next, **prev; /* of the peer */
	struct smtp_peer *peer;
	const char *name; /* allocated; "" for a configured address */
	struct smtp_route *route;
	msec_t expires; /* of the route */
	struct smtp_backoff backoff;
	/* a look-up under way; both NULL: none */
	struct mta_sts_search *sts_search;
	struct smtp_mx_lookup *lookup;
	struct arena *found; /* holds `sts`; NULL: no look-up */
	const struct mta_sts_policy *sts;
	struct smtp_mx_params mx;
	struct smtp_queue waiting;
	unsigned n_active; /* groups that have left `waiting` */
	bool pumping;
};

static void pump(struct smtp_domain *d);

/* --- routes --- */

static struct smtp_route *
route_new(void)
{
	struct smtp_route *r = xcalloc(1, sizeof(*r));

	r->refs = 1;
	r->arena = arena_new();
	return r;
}

static void
route_put(struct smtp_route **rp)
{
	struct smtp_route *r = *rp;

	*rp = NULL;
	if (r == NULL || --r->refs > 0)
		return;
	for (size_t i = 0; i < r->n; i++)
		smtp_pool_put(r->pools[i]);
	arena_free(&r->arena);
	free(r);
}

static void
add_pool(struct smtp_route *r, struct smtp_pool *p)
{
	*(struct smtp_pool **)arena_push(
	    r->arena, &r->pools, &r->n, sizeof(*r->pools)) = p;
}

static void
route_fail(struct smtp_route *r, const char *status, const char *text)
{
	r->outcome = SMTP_MX_TEMPORARY;
	r->status = status;
	r->text = arena_strdup(r->arena, text);
}

/* The one target of a configured address. */
static struct smtp_route *
static_route(struct smtp_peer *p)
{
	struct smtp_route *r = route_new();
	struct smtp_demand demand;
	const char *why = smtp_demand(p->policy, NULL, NULL, &demand);

	if (why != NULL)
		route_fail(r, "4.7.4", why);
	else
		add_pool(r, smtp_pool_get(p, p->address, NULL, &demand));
	return r;
}

/* Hosts that must not be used are left out, and told of. */
static void
take_targets(struct smtp_domain *d, struct smtp_route *r,
    const struct smtp_mx_result *found)
{
	const struct smtp_mx_host *last = NULL;
	struct smtp_demand demand;
	const char *why = NULL, *any = NULL;

	for (size_t i = 0; i < found->n_targets && r->n < TARGETS_MAX; i++) {
		const struct smtp_mx_target *t = &found->targets[i];

		why = smtp_demand(d->peer->policy, t->host, d->sts, &demand);
		if (why == NULL) {
			add_pool(r,
			    smtp_pool_get(
				d->peer, t->address, t->host, &demand));
			continue;
		}
		any = arena_printf(r->arena, "%s: %s", t->host->name, why);
		if (t->host != last)
			log_event(LOG_LEVEL_WARN, "host not used", "peer",
			    d->peer->name, "domain", d->name, "host",
			    t->host->name, "reason", why, NULL);
		last = t->host;
	}
	if (r->n == 0)
		route_fail(r, "4.7.5", any != NULL ? any : "No host");
}

static struct smtp_route *
route_of(struct smtp_domain *d, const struct smtp_mx_result *found)
{
	struct smtp_route *r = route_new();

	r->outcome = found->outcome;
	if (found->outcome == SMTP_MX_OK) {
		take_targets(d, r, found);
		return r;
	}
	r->status = arena_strdup(r->arena, found->status);
	r->text = arena_strdup(r->arena, found->text);
	return r;
}

/* --- looking up --- */

static msec_t
lifetime(struct smtp_domain *d, const struct smtp_mx_result *found, msec_t now)
{
	uint32_t ttl = found->ttl < TTL_MIN ? TTL_MIN
	    : found->ttl > TTL_MAX          ? TTL_MAX
					    : found->ttl;

	if (found->outcome != SMTP_MX_TEMPORARY) {
		d->backoff = (struct smtp_backoff){0};
		return now + (msec_t)ttl * 1000;
	}
	smtp_backoff_more(&d->backoff, now);
	return d->backoff.until;
}

static void
on_mx(void *arg, const struct smtp_mx_result *found)
{
	struct smtp_domain *d = arg;
	struct smtp_route *r = route_of(d, found);

	d->lookup = NULL;
	d->expires = lifetime(d, found, clock_mono());
	if (r->outcome != SMTP_MX_OK)
		log_event(LOG_LEVEL_INFO, "no server for domain", "peer",
		    d->peer->name, "domain", d->name, "status", r->status,
		    "reason", r->text, NULL);
	/* the new one first: what they share is to stay */
	route_put(&d->route);
	d->route = r;
	d->sts = NULL;
	arena_free(&d->found);
	pump(d);
}

static void
look_up_mx(struct smtp_domain *d)
{
	struct smtp_channel *c = d->peer->channel;

	d->mx = d->peer->mx;
	if (RAND_bytes((unsigned char *)&d->mx.seed, sizeof(d->mx.seed)) != 1)
		d->mx.seed = (uint64_t)clock_wall_ms();
	d->lookup = smtp_mx_lookup(c->loop, c->dns, &d->mx, d->name, on_mx, d);
}

static struct mta_sts_policy *
copy_sts(struct arena *a, const struct mta_sts_policy *from)
{
	struct mta_sts_policy *p = arena_memdup(a, from, sizeof(*from));

	p->mx = arena_alloc(a, p->n_mx * sizeof(*p->mx));
	for (size_t i = 0; i < p->n_mx; i++)
		p->mx[i] = arena_strdup(a, from->mx[i]);
	return p;
}

static void
on_sts(void *arg, const struct mta_sts_policy *policy)
{
	struct smtp_domain *d = arg;

	d->sts_search = NULL;
	if (policy != NULL)
		d->sts = copy_sts(d->found, policy);
	look_up_mx(d);
}

static void
look_up(struct smtp_domain *d)
{
	struct smtp_channel *c = d->peer->channel;

	d->found = arena_new();
	if (c->sts != NULL && d->name[0] != '[')
		d->sts_search = mta_sts_find(c->sts, d->name, on_sts, d);
	else
		look_up_mx(d);
}

/* --- groups --- */

void
smtp_group_leave(struct smtp_group *g)
{
	struct smtp_domain *d = g->at;

	route_put(&g->route);
	g->at = NULL;
	d->n_active--;
	pump(d);
}

static void
defer(struct smtp_group *g)
{
	const char *host = g->host;

	if (g->job->peer->address != NULL)
		g->t.peer_error = true;
	smtp_group_leave(g);
	smtp_group_settle(g, SMTP_TEMPORARY,
	    g->status != NULL ? g->status : "4.4.1",
	    g->why != NULL ? g->why : "No server can be reached", host);
}

static void
note_failure(struct smtp_group *g, const struct smtp_pool *p)
{
	struct arena *a = g->job->record->arena;

	if (g->why != NULL)
		return;
	g->status = p->status;
	g->why = arena_strdup(a, p->why);
	g->host = arena_strdup(a, p->host);
}

/* One that is down is passed over, and does not count as tried. */
void
smtp_group_next(struct smtp_group *g)
{
	struct smtp_route *r = g->route;
	msec_t now = clock_mono();

	while (g->next_target < r->n && g->tried < TRIES_MAX &&
	    (g->tried == 0 || now < g->give_up)) {
		struct smtp_pool *p = r->pools[g->next_target++];

		if (now < p->down.until) {
			note_failure(g, p);
			continue;
		}
		g->tried++;
		smtp_pool_add(p, g);
		return;
	}
	defer(g);
}

static void
begin(struct smtp_domain *d, struct smtp_group *g)
{
	const struct smtp_route *r = d->route;

	d->n_active++;
	g->route = d->route;
	g->route->refs++;
	g->next_target = g->tried = 0;
	g->give_up = clock_mono() + ATTEMPT_MS;
	if (r->outcome == SMTP_MX_OK) {
		smtp_group_next(g);
		return;
	}
	g->status = arena_strdup(g->job->record->arena, r->status);
	g->why = arena_strdup(g->job->record->arena, r->text);
	if (r->outcome == SMTP_MX_TEMPORARY) {
		defer(g);
		return;
	}
	smtp_group_leave(g);
	smtp_group_settle(g, SMTP_PERMANENT, g->status, g->why, NULL);
}

/* What a group's end brings about may come back here. */
static void
pump(struct smtp_domain *d)
{
	bool fixed = d->peer->address != NULL;

	if (d->pumping)
		return;
	d->pumping = true;
	while (d->waiting.n > 0 && d->found == NULL &&
	    (fixed || d->n_active < d->peer->channel->per_domain)) {
		if (d->route == NULL || clock_mono() >= d->expires)
			look_up(d);
		else
			begin(d, smtp_queue_take(&d->waiting));
	}
	d->pumping = false;
}

/* --- domains --- */

static int
compare(const void *x, const void *y)
{
	return strcmp(((const struct smtp_domain *)x)->name,
	    ((const struct smtp_domain *)y)->name);
}

static void
domain_free(struct smtp_domain *d)
{
	tdelete(d, &d->peer->domains, compare);
	*d->prev = d->next;
	if (d->next != NULL)
		d->next->prev = d->prev;
	d->peer->n_domains--;
	mta_sts_find_cancel(&d->sts_search);
	smtp_mx_cancel(&d->lookup);
	arena_free(&d->found);
	route_put(&d->route);
	free((char *)d->name);
	free(d);
}

static void
sweep_domains(struct smtp_peer *p, msec_t now)
{
	struct smtp_domain *d, *next;

	for (d = p->first_domain; d != NULL; d = next) {
		next = d->next;
		if (d->n_active == 0 && d->waiting.n == 0 && d->found == NULL &&
		    !d->pumping &&
		    (p->n_domains > DOMAINS_MAX || now >= d->expires))
			domain_free(d);
	}
}

static void
on_sweep(void *arg)
{
	struct smtp_channel *c = arg;
	msec_t now = clock_mono();

	c->sweep = NULL;
	for (struct smtp_peer *p = c->peers; p != NULL; p = p->next) {
		sweep_domains(p, now);
		smtp_pools_sweep(p, now);
	}
	smtp_domains_sweep_later(c);
}

void
smtp_domains_sweep_later(struct smtp_channel *c)
{
	c->sweep = loop_timer_set(c->loop, SWEEP_MS, on_sweep, c);
}

static struct smtp_domain *
new_domain(struct smtp_peer *p, const char *name)
{
	struct smtp_domain *d = xcalloc(1, sizeof(*d));

	d->peer = p;
	d->name = xstrdup(name);
	d->next = p->first_domain;
	d->prev = &p->first_domain;
	if (d->next != NULL)
		d->next->prev = &d->next;
	p->first_domain = d;
	p->n_domains++;
	if (p->address != NULL) {
		d->route = static_route(p);
		d->expires = MSEC_NEVER;
	}
	if (tsearch(d, &p->domains, compare) == NULL)
		log_die("smtp: out of memory");
	return d;
}

static struct smtp_domain *
get_domain(struct smtp_peer *p, const char *name)
{
	struct smtp_domain want = {.name = name}, **found;

	found = tfind(&want, &p->domains, compare);
	if (found != NULL)
		return *found;
	if (p->n_domains > DOMAINS_MAX)
		sweep_domains(p, clock_mono());
	return new_domain(p, name);
}

void
smtp_domain_add(struct smtp_peer *p, struct smtp_group *g)
{
	struct smtp_domain *d =
	    get_domain(p, g->domain != NULL ? g->domain : "");

	g->at = d;
	smtp_queue_put(&d->waiting, g, false);
	pump(d);
}

void
smtp_domains_free(struct smtp_peer *p)
{
	struct smtp_group *g;

	while (p->first_domain != NULL) {
		while ((g = smtp_queue_take(&p->first_domain->waiting)) != NULL)
			smtp_group_drop(g);
		domain_free(p->first_domain);
	}
}
