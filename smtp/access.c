#include "smtp/access.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/log.h"
#include "smtp/address.h"

#define LAYER "smtp"

/* IPv4 addresses are kept as ::ffff:a.b.c.d. */
struct network {
	struct in6_addr address;
	unsigned bits;
};

struct smtp_access {
	struct arena *arena;
	struct network *networks;
	size_t n_networks;
	const char **domains; /* in order once `sorted` */
	size_t n_domains;
	bool any_domain, unix_sockets;
};

void
smtp_peer_address(const char *peer, char out[SMTP_ADDRESS_TEXT])
{
	const char *end = strrchr(peer, ':');
	size_t n;

	if (strncmp(peer, "unix:", 5) == 0)
		end = peer + 4;
	else if (peer[0] == '[' && strchr(++peer, ']') != NULL)
		end = strchr(peer, ']');
	n = end != NULL ? (size_t)(end - peer) : strlen(peer);
	snprintf(out, SMTP_ADDRESS_TEXT, "%.*s", (int)n, peer);
}

struct smtp_access *
smtp_access_new(struct arena *a)
{
	struct smtp_access *x = ARENA_NEW(a, struct smtp_access);

	x->arena = a;
	return x;
}

/* Returns how many of the 128 bits come before the address's own, or -1. */
static int
parse_address(const char *text, struct in6_addr *out)
{
	static const uint8_t mapped[12] = {
	    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	if (inet_pton(AF_INET6, text, out) == 1)
		return 0;
	memcpy(out->s6_addr, mapped, sizeof(mapped));
	return inet_pton(AF_INET, text, out->s6_addr + 12) == 1 ? 96 : -1;
}

static bool
same_bits(const struct in6_addr *x, const struct in6_addr *y, unsigned bits)
{
	unsigned octets = bits / 8, rest = bits % 8;

	if (memcmp(x->s6_addr, y->s6_addr, octets) != 0)
		return false;
	return rest == 0 ||
	    ((x->s6_addr[octets] ^ y->s6_addr[octets]) >> (8 - rest)) == 0;
}

int
smtp_access_add_network(struct smtp_access *x, const char *cidr, struct err *e)
{
	char text[SMTP_ADDRESS_TEXT], *end = NULL;
	size_t n = strcspn(cidr, "/");
	struct network net;
	unsigned long bits;
	int before;

	if (strcmp(cidr, "unix") == 0) {
		x->unix_sockets = true;
		return 0;
	}
	snprintf(text, sizeof(text), "%.*s", (int)n, cidr);
	before = parse_address(text, &net.address);
	if (before < 0)
		return err_set(
		    e, LAYER, ERR_SYNTAX, "\"%s\" is no network", cidr);
	bits = 128 - (unsigned)before;
	if (cidr[n] == '/') {
		unsigned long given = strtoul(cidr + n + 1, &end, 10);

		if (cidr[n + 1] < '0' || cidr[n + 1] > '9' || *end != '\0' ||
		    given > bits)
			return err_set(e, LAYER, ERR_SYNTAX,
			    "\"%s\" has no valid prefix length", cidr);
		bits = given;
	}
	net.bits = (unsigned)bits + (unsigned)before;
	*(struct network *)arena_push(
	    x->arena, &x->networks, &x->n_networks, sizeof(net)) = net;
	return 0;
}

bool
smtp_access_network(const struct smtp_access *x, const char *address)
{
	struct in6_addr a;

	if (strcmp(address, "unix") == 0)
		return x->unix_sockets;
	if (parse_address(address, &a) < 0)
		return false;
	for (size_t i = 0; i < x->n_networks; i++)
		if (same_bits(&a, &x->networks[i].address, x->networks[i].bits))
			return true;
	return false;
}

static int
compare_domains(const void *x, const void *y)
{
	return strcasecmp(*(const char *const *)x, *(const char *const *)y);
}

int
smtp_access_add_domain(struct smtp_access *x, const char *domain, struct err *e)
{
	const char *name = domain[0] == '.' ? domain + 1 : domain;

	if (strcmp(domain, "*") == 0) {
		x->any_domain = true;
		return 0;
	}
	if (!smtp_domain_valid(name, strlen(name), true))
		return err_set(
		    e, LAYER, ERR_SYNTAX, "\"%s\" is no domain", domain);
	*(const char **)arena_push(x->arena, &x->domains, &x->n_domains,
	    sizeof(*x->domains)) = arena_strdup(x->arena, domain);
	qsort(x->domains, x->n_domains, sizeof(*x->domains), compare_domains);
	return 0;
}

static bool
listed(const struct smtp_access *x, const char *key)
{
	return x->n_domains > 0 &&
	    bsearch(&key, x->domains, x->n_domains, sizeof(*x->domains),
		compare_domains) != NULL;
}

bool
smtp_access_domain(const struct smtp_access *x, const char *domain)
{
	if (x->any_domain || listed(x, domain))
		return true;
	while ((domain = strchr(domain + (domain[0] == '.'), '.')) != NULL)
		if (listed(x, domain))
			return true;
	return false;
}

/* --- connections by client --- */

#define BUCKETS 1024

struct client {
	struct client *next;
	unsigned n;
	char address[SMTP_ADDRESS_TEXT];
};

struct smtp_clients {
	struct client *buckets[BUCKETS];
};

/* FNV-1a: at most max-connections entries, so chains stay short enough. */
static struct client **
find_client(struct smtp_clients *c, const char *address)
{
	uint32_t h = 2166136261u;
	struct client **at;

	for (const char *p = address; *p != '\0'; p++)
		h = (h ^ (uint8_t)*p) * 16777619u;
	at = &c->buckets[h % BUCKETS];
	while (*at != NULL && strcmp((*at)->address, address) != 0)
		at = &(*at)->next;
	return at;
}

struct smtp_clients *
smtp_clients_new(void)
{
	return xcalloc(1, sizeof(struct smtp_clients));
}

void
smtp_clients_free(struct smtp_clients **cp)
{
	struct smtp_clients *c = *cp;
	struct client *next;

	if (c == NULL)
		return;
	*cp = NULL;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct client *x = c->buckets[i]; x != NULL; x = next) {
			next = x->next;
			free(x);
		}
	free(c);
}

bool
smtp_clients_enter(struct smtp_clients *c, const char *address, unsigned max)
{
	struct client **at = find_client(c, address);

	if (*at == NULL) {
		*at = xcalloc(1, sizeof(**at));
		snprintf((*at)->address, sizeof((*at)->address), "%s", address);
	}
	if ((*at)->n >= max)
		return false;
	(*at)->n++;
	return true;
}

void
smtp_clients_leave(struct smtp_clients *c, const char *address)
{
	struct client **at = find_client(c, address), *x = *at;

	INVARIANT(x != NULL && x->n > 0);
	if (--x->n > 0)
		return;
	*at = x->next;
	free(x);
}
