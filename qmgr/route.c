#include "qmgr/route.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "qmgr/table.h"

/*
 * Routes by O/R address stand in groups by country, ADMD and PRMD, as far as
 * their prefix has these with a value other than "*": `mask` says which. A
 * name looks into one group for each mask that is in use, so that the length
 * of the whole table does not matter.
 */
static const enum mhs_or_type grouped[] = {
    MHS_OR_COUNTRY, MHS_OR_ADMD, MHS_OR_PRMD};
#define GROUPED 3
#define MASKS (1u << GROUPED)

#define MAILBOX_MAX 1400 /* longer ones have no detail */

struct or_route {
	struct or_route *next;
	const struct mhs_or *prefix;
	const void *to;
	unsigned serial; /* place in the file */
};

struct group {
	struct table_node node;
	struct or_route *first;
};

struct domain_route {
	struct table_node node;
	struct domain_route *next; /* of the same hash */
	const char *domain;
	const void *to;
};

struct q_routes {
	struct arena *arena;
	struct table groups, domains;
	bool mask_used[MASKS], mailboxes;
	char separator; /* of sub-addresses, or NUL */
	unsigned n;
};

static void
tables_free(void *arg)
{
	struct q_routes *r = arg;

	table_free(&r->groups);
	table_free(&r->domains);
}

struct q_routes *
q_routes_new(struct arena *a)
{
	struct q_routes *r = ARENA_NEW(a, struct q_routes);

	r->arena = a;
	arena_on_free(a, tables_free, r);
	return r;
}

/* FNV-1a, over octets as they compare: lower case, single spaces. */
#define HASH_START 0xcbf29ce484222325ULL
static uint64_t
hash_octet(uint64_t h, int c)
{
	return (h ^ (uint64_t)(unsigned char)c) * 0x100000001b3ULL;
}

static uint64_t
hash_value(uint64_t h, const char *s, size_t n)
{
	bool space = false, any = false;

	for (size_t i = 0; i < n; i++) {
		if (s[i] == ' ') {
			space = any;
			continue;
		}
		if (space)
			h = hash_octet(h, ' ');
		space = false;
		any = true;
		h = hash_octet(h, tolower((unsigned char)s[i]));
	}
	return hash_octet(h, 0);
}

/* False when the address lacks an attribute of the mask. */
static bool
group_key(const struct mhs_or *ora, unsigned mask, uint64_t *key)
{
	uint64_t h = hash_octet(HASH_START, (int)mask);

	for (unsigned i = 0; i < GROUPED; i++) {
		const struct mhs_or_attr *at;

		if (!(mask & 1u << i))
			continue;
		at = mhs_or_get(ora, grouped[i]);
		if (at == NULL)
			return false;
		h = hash_value(h, at->value, at->n);
	}
	*key = h;
	return true;
}

static unsigned
mask_of(const struct mhs_or *prefix)
{
	unsigned mask = 0;

	for (unsigned i = 0; i < GROUPED; i++) {
		const struct mhs_or_attr *at = mhs_or_get(prefix, grouped[i]);

		if (at != NULL && strcmp(at->value, "*") != 0)
			mask |= 1u << i;
	}
	return mask;
}

static struct group *
group_for(struct q_routes *r, const struct mhs_or *prefix)
{
	unsigned mask = mask_of(prefix);
	struct group *g;
	uint64_t key = 0;

	group_key(prefix, mask, &key);
	g = table_get(&r->groups, key);
	if (g == NULL) {
		g = ARENA_NEW(r->arena, struct group);
		table_put(&r->groups, &g->node, key, g);
	}
	r->mask_used[mask] = true;
	return g;
}

int
q_routes_add_or(
    struct q_routes *r, const char *prefix, const void *to, struct err *e)
{
	struct mhs_or *ora = mhs_or_parse_prefix(r->arena, prefix, e);
	struct or_route *route;
	struct group *g;

	if (ora == NULL)
		return ERR_SYNTAX;
	g = group_for(r, ora);
	for (route = g->first; route != NULL; route = route->next)
		if (mhs_or_equal(ora, route->prefix))
			return err_set(e, "route", ERR_PROTOCOL,
			    "a second route for %s", prefix);
	route = ARENA_NEW(r->arena, struct or_route);
	*route = (struct or_route){g->first, ora, to, r->n++};
	g->first = route;
	return 0;
}

static uint64_t
domain_key(const char *domain)
{
	return hash_value(HASH_START, domain, strlen(domain));
}

static struct domain_route *
domain_find(const struct q_routes *r, const char *domain)
{
	struct domain_route *d = table_get(&r->domains, domain_key(domain));

	while (d != NULL && strcasecmp(d->domain, domain) != 0)
		d = d->next;
	return d;
}

/* Domains and mailboxes share a table: only the latter have an '@'. */
static int
add_domain(
    struct q_routes *r, const char *domain, const void *to, struct err *e)
{
	struct domain_route *d, *first;

	if (domain_find(r, domain) != NULL)
		return err_set(
		    e, "route", ERR_PROTOCOL, "a second route for %s", domain);
	d = ARENA_NEW(r->arena, struct domain_route);
	d->domain = domain;
	d->to = to;
	r->n++;
	first = table_get(&r->domains, domain_key(domain));
	if (first != NULL) {
		d->next = first->next;
		first->next = d;
	} else {
		table_put(&r->domains, &d->node, domain_key(domain), d);
	}
	return 0;
}

int
q_routes_add_domain(
    struct q_routes *r, const char *domain, const void *to, struct err *e)
{
	size_t n = strlen(domain);

	if (n == 0 || n > 255 || strchr(domain, '@') != NULL ||
	    (strchr(domain, '*') != NULL && strcmp(domain, "*") != 0))
		return err_set(
		    e, "route", ERR_SYNTAX, "not a domain: %s", domain);
	return add_domain(r, domain, to, e);
}

int
q_routes_add_mailbox(
    struct q_routes *r, const char *mailbox, const void *to, struct err *e)
{
	const char *at = strrchr(mailbox, '@');

	if (at == NULL || at == mailbox || at[1] == '\0')
		return err_set(
		    e, "route", ERR_SYNTAX, "not a mail address: %s", mailbox);
	r->mailboxes = true;
	return add_domain(r, mailbox, to, e);
}

void
q_routes_sub_addresses(struct q_routes *r, char separator)
{
	r->separator = separator;
}

bool
q_routes_empty(const struct q_routes *r)
{
	return r->n == 0;
}

static void
best_in_group(const struct group *g, const struct mhs_or *ora,
    const struct or_route **best, int *most)
{
	const struct or_route *route;

	for (route = g->first; route != NULL; route = route->next) {
		int n = mhs_or_match(ora, route->prefix);

		if (n < 0 || n < *most)
			continue;
		if (n > *most || route->serial < (*best)->serial) {
			*best = route;
			*most = n;
		}
	}
}

static const void *
by_or(const struct q_routes *r, const struct mhs_or *ora)
{
	const struct or_route *best = NULL;
	int most = -1;

	for (unsigned mask = 0; mask < MASKS; mask++) {
		const struct group *g;
		uint64_t key;

		if (!r->mask_used[mask] || !group_key(ora, mask, &key))
			continue;
		g = table_get(&r->groups, key);
		if (g != NULL)
			best_in_group(g, ora, &best, &most);
	}
	return best != NULL ? best->to : NULL;
}

/* A mailbox by its name, then without its detail. */
static const struct domain_route *
mailbox_find(const struct q_routes *r, const char *mailbox, const char *at)
{
	const struct domain_route *d = domain_find(r, mailbox);
	char plain[MAILBOX_MAX];
	const char *sign;
	size_t n, rest = strlen(at) + 1;

	if (d != NULL || r->separator == '\0')
		return d;
	n = (size_t)(at - mailbox);
	sign = memchr(mailbox + 1, r->separator, n > 0 ? n - 1 : 0);
	if (sign == NULL || (size_t)(sign - mailbox) + rest > sizeof(plain))
		return NULL;
	memcpy(plain, mailbox, (size_t)(sign - mailbox));
	memcpy(plain + (sign - mailbox), at, rest);
	return domain_find(r, plain);
}

static const void *
by_domain(const struct q_routes *r, const char *mailbox)
{
	const char *at = strrchr(mailbox, '@'), *dot;
	const struct domain_route *d = NULL;

	if (at == NULL || at[1] == '\0')
		return NULL;
	if (r->mailboxes)
		d = mailbox_find(r, mailbox, at);
	if (d == NULL)
		d = domain_find(r, at + 1);
	for (dot = strchr(at + 1, '.'); d == NULL && dot != NULL;
	     dot = strchr(dot + 1, '.'))
		d = domain_find(r, dot);
	if (d == NULL)
		d = domain_find(r, "*");
	return d != NULL ? d->to : NULL;
}

const void *
q_route(const struct q_routes *r, const struct mhs_name *name)
{
	const void *to = NULL;

	if (r->n == 0)
		return NULL;
	if (name->ora != NULL)
		to = by_or(r, name->ora);
	if (to == NULL && name->mailbox != NULL)
		to = by_domain(r, name->mailbox);
	return to;
}
