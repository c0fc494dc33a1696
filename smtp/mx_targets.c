/*
 * Addresses of hosts, in the order in which they are to be tried; and address
 * literals.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "smtp/mx_int.h"

static struct smtp_mx_target *
push(struct smtp_mx *m, const struct smtp_mx_host *h)
{
	struct smtp_mx_target *t = arena_push(m->arena,
	    (void *)&m->result.targets, &m->result.n_targets, sizeof(*t));

	t->host = h;
	return t;
}

static void
set_v4(struct smtp_mx_target *t, const struct in_addr *a, uint16_t port)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = *a};
	char text[INET_ADDRSTRLEN];

	memcpy(&t->sa, &sin, sizeof(sin));
	t->sa_len = sizeof(sin);
	inet_ntop(AF_INET, a, text, sizeof(text));
	snprintf(t->address, sizeof(t->address), "%s:%u", text, port);
}

static void
set_v6(struct smtp_mx_target *t, const struct in6_addr *a, uint16_t port)
{
	struct sockaddr_in6 sin6 = {
	    .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = *a};
	char text[INET6_ADDRSTRLEN];

	memcpy(&t->sa, &sin6, sizeof(sin6));
	t->sa_len = sizeof(sin6);
	inet_ntop(AF_INET6, a, text, sizeof(text));
	snprintf(t->address, sizeof(t->address), "[%s]:%u", text, port);
}

/* Servers turn their answers, and caches do not. */
static void
shuffle(struct smtp_mx *m, void *v, size_t n, size_t size)
{
	uint8_t *p = v, keep[sizeof(struct in6_addr)];

	for (size_t i = n; i > 1; i--) {
		size_t k = mx_random(m) % i;

		memcpy(keep, p + (i - 1) * size, size);
		memcpy(p + (i - 1) * size, p + k * size, size);
		memcpy(p + k * size, keep, size);
	}
}

static void
host_targets(struct smtp_mx *m, struct mx_host *h)
{
	shuffle(m, h->v6, h->n_v6, sizeof(*h->v6));
	shuffle(m, h->v4, h->n_v4, sizeof(*h->v4));
	for (size_t i = 0; i < h->n_v6 || i < h->n_v4; i++) {
		if (i < h->n_v6)
			set_v6(push(m, &h->pub), &h->v6[i], m->port);
		if (i < h->n_v4)
			set_v4(push(m, &h->pub), &h->v4[i], m->port);
	}
}

void
mx_targets(struct smtp_mx *m)
{
	for (size_t i = 0; i < m->n_hosts; i++)
		if (!m->hosts[i].failed)
			host_targets(m, &m->hosts[i]);
}

void
mx_target_literal(struct smtp_mx *m, const char *literal,
    const struct sockaddr_storage *sa, socklen_t len)
{
	struct smtp_mx_host *h = ARENA_NEW(m->arena, struct smtp_mx_host);
	struct smtp_mx_target *t;

	(void)len;
	h->name = arena_strdup(m->arena, literal);
	t = push(m, h);
	if (sa->ss_family == AF_INET)
		set_v4(t, &((const struct sockaddr_in *)sa)->sin_addr, m->port);
	else
		set_v6(
		    t, &((const struct sockaddr_in6 *)sa)->sin6_addr, m->port);
}

/* --- literals (RFC 5321 4.1.3) --- */

int
smtp_mx_literal(const char *s, uint16_t port, struct sockaddr_storage *sa,
    socklen_t *len, struct err *e)
{
	char inside[INET6_ADDRSTRLEN + 8];
	size_t n = strlen(s);
	struct sockaddr_in *sin = (struct sockaddr_in *)sa;
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)sa;

	if (n < 3 || s[0] != '[' || s[n - 1] != ']' || n - 2 >= sizeof(inside))
		return err_set(e, "smtp", ERR_SYNTAX,
		    "\"%.60s\" is no address literal", s);
	memcpy(inside, s + 1, n - 2);
	inside[n - 2] = '\0';
	*sa = (struct sockaddr_storage){0};
	if (inet_pton(AF_INET, inside, &sin->sin_addr) == 1) {
		sin->sin_family = AF_INET;
		sin->sin_port = htons(port);
		*len = sizeof(*sin);
		return 0;
	}
	if (strncasecmp(inside, "IPv6:", 5) == 0 &&
	    inet_pton(AF_INET6, inside + 5, &sin6->sin6_addr) == 1) {
		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = htons(port);
		*len = sizeof(*sin6);
		return 0;
	}
	return err_set(e, "smtp", ERR_UNSUPPORTED,
	    "the address literal \"%.60s\" is neither IPv4 nor IPv6", s);
}
