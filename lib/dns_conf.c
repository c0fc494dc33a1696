/*
 * The resolver's settings: the <dns> element to parameters, parameters to
 * libunbound's context.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unbound.h>

#include "lib/dns_int.h"

/* --- parameters to context --- */

static int
failed(struct err *e, int rc, const char *what, const char *value)
{
	if (rc == 0)
		return 0;
	return err_set(e, "dns", ERR_CONFIG, "%s \"%.150s\": %s", what, value,
	    ub_strerror(rc));
}

static int
set_options(struct ub_ctx *ub, struct err *e)
{
	static const struct {
		const char *name, *value;
	} rows[] = {
	    /* the local resolver, and tests, are on the loopback */
	    {"do-not-query-localhost:", "no"},
	    /* reverse names of private networks are their owners' */
	    {"unblock-lan-zones:", "yes"},
	    {"outgoing-range:", "128"},
	    {"outgoing-num-tcp:", "16"},
	    /* answers that claim too much are not followed */
	    {"harden-glue:", "yes"},
	    {"harden-dnssec-stripped:", "yes"},
	    {"qname-minimisation:", "yes"},
	    {"use-caps-for-id:", "no"},
	    {"rrset-cache-size:", "8m"},
	    {"msg-cache-size:", "4m"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		/* libunbound takes it as char *, and does not write there */
		int rc = ub_ctx_set_option(
		    ub, (char *)rows[i].name, (char *)rows[i].value);

		if (failed(e, rc, rows[i].name, rows[i].value) < 0)
			return ERR_CONFIG;
	}
	return 0;
}

static int
set_upstream(struct ub_ctx *ub, const struct dns_params *p, struct err *e)
{
	for (size_t i = 0; i < p->n_servers; i++)
		if (failed(e, ub_ctx_set_fwd(ub, p->servers[i]), "server",
			p->servers[i]) < 0)
			return ERR_CONFIG;
	if (p->n_servers == 0 && p->resolv_conf != NULL &&
	    failed(e, ub_ctx_resolvconf(ub, p->resolv_conf), "resolv-conf",
		p->resolv_conf) < 0)
		return ERR_CONFIG;
	if (p->hosts != NULL)
		return failed(e, ub_ctx_hosts(ub, p->hosts), "hosts", p->hosts);
	return 0;
}

static int
set_zone(struct ub_ctx *ub, const struct dns_zone *z, struct err *e)
{
	for (size_t i = 0; i < z->n_servers; i++)
		if (failed(e, ub_ctx_set_stub(ub, z->name, z->servers[i], 0),
			"zone server", z->servers[i]) < 0)
			return ERR_CONFIG;
	if (z->insecure)
		return failed(e,
		    ub_ctx_set_option(ub, "domain-insecure:", z->name), "zone",
		    z->name);
	return 0;
}

/* libunbound finds a missing file out much later, as failing answers. */
static int
add_anchor(struct ub_ctx *ub, const char *path, struct err *e)
{
	FILE *f = fopen(path, "r");

	if (f == NULL) {
		err_sys(e, "dns", "trust-anchor \"%.150s\"", path);
		if (e != NULL)
			e->code = ERR_CONFIG;
		return ERR_CONFIG;
	}
	fclose(f);
	return failed(e, ub_ctx_add_ta_file(ub, path), "trust-anchor", path);
}

static int
configure(struct ub_ctx *ub, const struct dns_params *p, struct err *e)
{
	if (set_options(ub, e) < 0 || set_upstream(ub, p, e) < 0)
		return ERR_CONFIG;
	for (size_t i = 0; i < p->n_anchors; i++)
		if (add_anchor(ub, p->anchors[i], e) < 0)
			return ERR_CONFIG;
	for (size_t i = 0; i < p->n_zones; i++)
		if (set_zone(ub, &p->zones[i], e) < 0)
			return ERR_CONFIG;
	/* one thread; a child process would outlive a crash of ours */
	if (failed(e, ub_ctx_async(ub, 1), "thread", "1") < 0)
		return ERR_CONFIG;
	/* this ends the configuring, and reads the anchors: a zone of ours
	 * takes the place of one that is built in ("test", RFC 6761) */
	for (size_t i = 0; i < p->n_zones; i++)
		if (failed(e, ub_ctx_zone_remove(ub, p->zones[i].name), "zone",
			p->zones[i].name) < 0)
			return ERR_CONFIG;
	return 0;
}

struct ub_ctx *
dns_context(const struct dns_params *p, struct err *e)
{
	struct ub_ctx *ub = ub_ctx_create();

	if (ub == NULL) {
		err_set(e, "dns", ERR_SYSTEM, "libunbound cannot start");
		return NULL;
	}
	ub_ctx_debugout(ub, NULL);
	if (configure(ub, p, e) == 0)
		return ub;
	ub_ctx_delete(ub);
	return NULL;
}

/* --- the element to parameters --- */

/* "192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]:5353" to what
 * libunbound reads: address@port. */
static int
read_server(
    struct arena *a, const struct conf_node *n, const char **out, struct err *e)
{
	const char *text = conf_str(n, "address", "");
	const char *host = text, *end = text + strlen(text), *port = NULL;
	struct in6_addr any;

	if (text[0] == '[') {
		host = text + 1;
		end = strchr(text, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return conf_error(n, e, "address: no \"]\" at its end");
		port = end[1] == ':' ? end + 2 : NULL;
	} else if (strchr(text, ':') != NULL &&
	    strchr(text, ':') == strrchr(text, ':')) {
		end = strchr(text, ':');
		port = end + 1;
	}
	*out = arena_printf(a, "%.*s%s%s", (int)(end - host), host,
	    port != NULL ? "@" : "", port != NULL ? port : "");
	host = arena_strndup(a, host, (size_t)(end - host));
	if (inet_pton(AF_INET, host, &any) != 1 &&
	    inet_pton(AF_INET6, host, &any) != 1)
		return conf_error(
		    n, e, "address: \"%.100s\" is no IP address", text);
	return 0;
}

static int
read_servers(struct arena *a, const struct conf_node *n,
    const char *const **out, size_t *n_out, struct err *e)
{
	const struct conf_node *s = NULL;
	const char **v = NULL;

	while ((s = conf_next(n, "server", s)) != NULL) {
		const char **slot =
		    arena_push(a, (void *)&v, n_out, sizeof(*v));

		if (read_server(a, s, slot, e) < 0)
			return ERR_CONFIG;
	}
	*out = v;
	return 0;
}

static int
read_zone(struct arena *a, const struct conf_node *n, struct dns_zone *z,
    struct err *e)
{
	z->name = conf_str(n, "name", "");
	if (read_servers(a, n, &z->servers, &z->n_servers, e) < 0)
		return ERR_CONFIG;
	return conf_bool(n, "insecure", false, &z->insecure, e);
}

static int
read_children(struct arena *a, const struct conf_node *n, struct dns_params *p,
    struct err *e)
{
	const struct conf_node *c = NULL;
	const char **anchors = NULL;
	struct dns_zone *zones = NULL;

	if (read_servers(a, n, &p->servers, &p->n_servers, e) < 0)
		return ERR_CONFIG;
	while ((c = conf_next(n, "trust-anchor", c)) != NULL) {
		const char **slot = arena_push(
		    a, (void *)&anchors, &p->n_anchors, sizeof(*anchors));

		*slot = conf_str(c, "file", "");
	}
	while ((c = conf_next(n, "zone", c)) != NULL) {
		struct dns_zone *z =
		    arena_push(a, (void *)&zones, &p->n_zones, sizeof(*zones));

		if (read_zone(a, c, z, e) < 0)
			return ERR_CONFIG;
	}
	p->anchors = anchors;
	p->zones = zones;
	return 0;
}

static int
read_dns(struct arena *a, const struct conf_node *n, struct dns_params *p,
    struct err *e)
{
	int64_t timeout, queries;
	bool recurse;

	if (read_children(a, n, p, e) < 0 ||
	    conf_duration(n, "timeout", 30000, &timeout, e) < 0 ||
	    conf_int(n, "max-queries", 256, 1, 10000, &queries, e) < 0 ||
	    conf_bool(n, "recurse", false, &recurse, e) < 0)
		return ERR_CONFIG;
	if (recurse && (p->n_servers > 0 || conf_str(n, "resolv-conf", NULL)))
		return conf_error(
		    n, e, "recurse: there are servers to be asked instead");
	p->timeout = timeout;
	p->max_queries = (unsigned)queries;
	p->resolv_conf =
	    recurse ? NULL : conf_str(n, "resolv-conf", p->resolv_conf);
	p->hosts = conf_str(n, "hosts", p->hosts);
	if (p->hosts[0] == '\0')
		p->hosts = NULL;
	return 0;
}

struct dns *
dns_from_conf(struct loop *l, const struct conf_node *root, struct err *e)
{
	struct dns_params p = {
	    .resolv_conf = "/etc/resolv.conf",
	    .hosts = "/etc/hosts",
	};
	const struct conf_node *n = conf_child(root, "dns");
	struct arena *a = arena_new();
	struct dns *d = NULL;

	if (n == NULL || read_dns(a, n, &p, e) == 0)
		d = dns_new(l, &p, e);
	arena_free(&a);
	return d;
}
