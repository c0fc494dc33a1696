/*
 * Pools: the sessions with one target, which all domains share that have the
 * same host there and ask the same of it. A session is opened when a group
 * waits and the limits allow: of the target, of the peer, of the process;
 * where the last two do not, one that does nothing elsewhere ends.
 */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "smtp/channel.h"
#include "smtp/dane.h"

/* How long a target that refused one more session is not asked for another. */
#define LIMIT_MS 30000
#define BACKOFF_MIN 30000
#define BACKOFF_MAX (15 * 60000)

void
smtp_backoff_more(struct smtp_backoff *b, msec_t now)
{
	b->step = b->step == 0 ? BACKOFF_MIN : 2 * b->step;
	if (b->step > BACKOFF_MAX)
		b->step = BACKOFF_MAX;
	b->until = now + b->step;
}

/* --- which one --- */

static int
compare(const void *x, const void *y)
{
	const struct octets *a = &((const struct smtp_pool *)x)->key;
	const struct octets *b = &((const struct smtp_pool *)y)->key;

	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	return memcmp(a->p, b->p, a->n);
}

static void
put_text(struct buf *b, const char *s)
{
	buf_append(b, s, strlen(s) + 1);
}

/* All that a session depends on. */
static void
make_key(struct buf *b, const char *address, const struct smtp_mx_host *host,
    const struct smtp_demand *d)
{
	put_text(b, address);
	put_text(b, host != NULL ? host->name : "");
	buf_putc(b, (uint8_t)d->tls);
	buf_putc(b, (uint8_t)(d->verify | d->dane << 1));
	if (!d->dane)
		return;
	put_text(b, host->base);
	for (size_t i = 0; i < host->n_names && smtp_dane_names(host); i++)
		put_text(b, host->names[i]);
	for (size_t i = 0; i < host->n_tlsa; i++) {
		const struct dns_tlsa *r = &host->tlsa[i];

		buf_putc(b, r->usage);
		buf_putc(b, r->selector);
		buf_putc(b, r->matching);
		buf_put_u32(b, (uint32_t)r->n);
		buf_append(b, r->data, r->n);
	}
}

static struct smtp_mx_host
copy_host(struct arena *a, const struct smtp_mx_host *from)
{
	struct smtp_mx_host h = *from;
	struct dns_tlsa *v = arena_alloc(a, h.n_tlsa * sizeof(*v));

	h.name = arena_strdup(a, from->name);
	h.base = from->base != NULL ? arena_strdup(a, from->base) : NULL;
	for (size_t i = 0; i < h.n_tlsa; i++) {
		v[i] = from->tlsa[i];
		v[i].data = arena_memdup(a, v[i].data, v[i].n);
	}
	h.tlsa = v;
	for (size_t i = 0; i < h.n_names; i++)
		h.names[i] = arena_strdup(a, from->names[i]);
	return h;
}

static struct smtp_pool *
new_pool(struct smtp_peer *peer, const char *address,
    const struct smtp_mx_host *host, const struct smtp_demand *demand)
{
	struct arena *a = arena_new();
	struct smtp_pool *p = ARENA_NEW(a, struct smtp_pool);

	p->arena = a;
	p->peer = peer;
	p->address = arena_strdup(a, address);
	p->host = host != NULL ? arena_strdup(a, host->name) : peer->host;
	p->demand = *demand;
	if (demand->dane)
		p->mx = copy_host(a, host);
	p->next = peer->first_pool;
	p->prev = &peer->first_pool;
	if (p->next != NULL)
		p->next->prev = &p->next;
	peer->first_pool = p;
	return p;
}

struct smtp_pool *
smtp_pool_get(struct smtp_peer *peer, const char *address,
    const struct smtp_mx_host *host, const struct smtp_demand *demand)
{
	struct smtp_pool want = {0}, **found, *p;
	struct buf key = {0};

	make_key(&key, address, host, demand);
	want.key = (struct octets){key.data, key.len};
	found = tfind(&want, &peer->pools, compare);
	if (found != NULL) {
		p = *found;
	} else {
		p = new_pool(peer, address, host, demand);
		p->key.p = arena_memdup(p->arena, key.data, key.len);
		p->key.n = key.len;
		if (tsearch(p, &peer->pools, compare) == NULL)
			log_die("smtp: out of memory");
	}
	buf_free(&key);
	p->refs++;
	return p;
}

static void
pool_free(struct smtp_pool *p)
{
	tdelete(p, &p->peer->pools, compare);
	*p->prev = p->next;
	if (p->next != NULL)
		p->next->prev = p->prev;
	free((char *)p->why);
	arena_free(&p->arena);
}

void
smtp_pool_put(struct smtp_pool *p)
{
	INVARIANT(p->refs > 0);
	p->refs--;
}

void
smtp_pools_sweep(struct smtp_peer *peer, msec_t now)
{
	struct smtp_pool *p, *next;

	for (p = peer->first_pool; p != NULL; p = next) {
		next = p->next;
		if (p->refs == 0 && p->n_links == 0 && p->waiting.n == 0 &&
		    p->down.until <= now)
			pool_free(p);
	}
}

/* --- sessions --- */

unsigned
smtp_pool_max(const struct smtp_pool *p)
{
	return p->peer->address != NULL ? p->peer->max_links
					: p->peer->channel->per_target;
}

static unsigned
limit_now(const struct smtp_pool *p)
{
	if (p->n_links > 0 && clock_mono() < p->limit_until)
		return p->limit;
	return smtp_pool_max(p);
}

/* The limits beyond the target's own. */
static bool
is_full(const struct smtp_pool *p)
{
	const struct smtp_channel *c = p->peer->channel;

	return c->n_links >= c->max_links ||
	    (p->peer->address == NULL &&
		p->peer->n_links >= p->peer->max_links);
}

bool
smtp_pool_is_in_the_way(const struct smtp_pool *p)
{
	return p->peer->channel->starved && is_full(p);
}

/* Elsewhere, where nothing waits; of this peer, if it is its limit. */
static void
make_room(struct smtp_pool *p)
{
	struct smtp_channel *c = p->peer->channel;
	bool own = c->n_links < c->max_links;

	c->starved = true;
	for (struct smtp_peer *peer = c->peers; peer != NULL; peer = peer->next)
		for (struct smtp_pool *x = peer->first_pool;
		     x != NULL && (!own || peer == p->peer); x = x->next)
			if (x != p && x->waiting.n == 0 &&
			    smtp_link_end_idle(x))
				return;
}

void
smtp_pool_pump(struct smtp_pool *p)
{
	while (p->waiting.n > 0 && smtp_link_use_idle(p))
		;
	while (p->waiting.n > p->n_opening && p->n_links < limit_now(p)) {
		if (is_full(p)) {
			make_room(p);
			return;
		}
		smtp_link_open(p);
	}
}

void
smtp_pools_feed(struct smtp_channel *c)
{
	if (!c->starved)
		return;
	c->starved = false;
	for (struct smtp_peer *peer = c->peers; peer != NULL; peer = peer->next)
		for (struct smtp_pool *p = peer->first_pool; p != NULL;
		     p = p->next)
			if (p->waiting.n > 0)
				smtp_pool_pump(p);
}

void
smtp_pool_add(struct smtp_pool *p, struct smtp_group *g)
{
	smtp_queue_put(&p->waiting, g, false);
	smtp_pool_pump(p);
}

/* --- failure --- */

static void
remember(struct smtp_pool *p, const char *status, const char *why)
{
	free((char *)p->why);
	p->status = status;
	p->why = xstrdup(why);
	if (p->peer->address == NULL)
		smtp_backoff_more(&p->down, clock_mono());
}

void
smtp_pool_failed(struct smtp_pool *p, const char *status, const char *why)
{
	struct smtp_queue left = p->waiting;
	struct smtp_group *g;

	log_event(LOG_LEVEL_WARN, "peer unreachable", "peer", p->peer->name,
	    "host", p->host, "address", p->address, "status", status, "reason",
	    why, NULL);
	/* other sessions get through: theirs is the work, and for a while no
	 * more are tried, since the server may count them */
	if (p->n_links > p->n_opening) {
		p->limit = p->n_links - p->n_opening;
		p->limit_until = clock_mono() + LIMIT_MS;
		return;
	}
	remember(p, status, why);
	p->waiting = (struct smtp_queue){0};
	while ((g = smtp_queue_take(&left)) != NULL) {
		struct arena *a = g->job->record->arena;

		g->status = status;
		g->why = arena_strdup(a, why);
		g->host = arena_strdup(a, p->host);
		smtp_group_next(g);
	}
}

void
smtp_pools_free(struct smtp_peer *peer)
{
	struct smtp_group *g;
	struct smtp_pool *p;

	while ((p = peer->first_pool) != NULL) {
		smtp_links_free(p);
		while ((g = smtp_queue_take(&p->waiting)) != NULL)
			smtp_group_drop(g);
		pool_free(p);
	}
}
