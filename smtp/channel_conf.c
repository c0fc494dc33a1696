/*
 * The channels' configuration: <channel>, its <peer>s, and what these need of
 * <dns> and <tls>.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "mhs/mta.h"
#include "qmgr/config.h"
#include "smtp/access.h"
#include "smtp/channel.h"

#define CONNECT_MS 30000
#define STS_FILE "mta-sts" /* in the spool's directory */

static int
read_timeouts(
    struct smtp_channel *c, const struct conf_node *own, struct err *e)
{
	struct smtp_client_params *p = &c->client;
	const struct {
		const char *attr;
		msec_t *value;
	} rows[] = {
	    {"connect-timeout", &c->connect_timeout},
	    {"idle-timeout", &p->idle_timeout},
	    {"greeting-timeout", &p->greeting_timeout},
	    {"command-timeout", &p->mail_timeout},
	    {"data-init-timeout", &p->data_init_timeout},
	    {"data-timeout", &p->data_block_timeout},
	    {"data-done-timeout", &p->data_done_timeout},
	};

	c->connect_timeout = CONNECT_MS;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (conf_duration(own, rows[i].attr, *rows[i].value,
			rows[i].value, e) < 0)
			return ERR_CONFIG;
	p->rcpt_timeout = p->mail_timeout;
	return 0;
}

static int
read_limits(struct smtp_channel *c, const struct conf_node *own, struct err *e)
{
	int64_t all, target, domain;

	if (conf_int(own, "connections", 100, 1, 100000, &all, e) < 0 ||
	    conf_int(own, "connections-per-peer", 4, 1, 10000, &target, e) <
		0 ||
	    conf_int(own, "connections-per-domain", 4, 1, 10000, &domain, e) <
		0)
		return ERR_CONFIG;
	c->max_links = (unsigned)all;
	c->per_target = (unsigned)target;
	c->per_domain = (unsigned)domain;
	return 0;
}

/* --- peers --- */

static int
read_tls(struct smtp_peer *p, const struct conf_node *root,
    const struct conf_node *n, struct err *e)
{
	const char *tls = conf_str(n, "tls", NULL);
	const char *policy = conf_str(n, "tls-policy",
	    p->address == NULL ? "may"
		: tls != NULL  ? "verify"
			       : "none");
	struct tls_params defaults = {.verify = TLS_VERIFY_NONE};

	p->tls_name = conf_str(n, "tls-name", NULL);
	if (!smtp_tls_policy_parse(policy, &p->policy))
		return conf_error(
		    n, e, "tls-policy: \"%.40s\" is unknown", policy);
	if (p->address != NULL &&
	    (p->policy == SMTP_TLS_DANE || p->policy == SMTP_TLS_MTA_STS))
		return conf_error(
		    n, e, "tls-policy: %s is for peers with mx", policy);
	if (p->policy == SMTP_TLS_NONE)
		return 0;
	p->tls = tls != NULL ? tls_named(root, tls, e) : tls_new(&defaults, e);
	return p->tls == NULL ? ERR_CONFIG : 0;
}

static int
read_auth(struct smtp_peer *p, const struct conf_node *n, struct err *e)
{
	const char *plaintext = conf_str(n, "plaintext", "tls");

	p->user = conf_str(n, "user", NULL);
	p->password = conf_str(n, "password", NULL);
	p->mechanisms = conf_str(n, "mechanisms", NULL);
	p->plaintext = strcmp(plaintext, "always") == 0;
	if (!p->plaintext && strcmp(plaintext, "tls") != 0)
		return conf_error(n, e,
		    "plaintext: \"%.40s\" is neither tls nor always",
		    plaintext);
	if (p->user != NULL && p->policy == SMTP_TLS_NONE && !p->plaintext)
		return conf_error(
		    n, e, "user: without TLS only with plaintext=\"always\"");
	return 0;
}

static int
read_mx(struct smtp_channel *c, struct smtp_peer *p, const struct conf_node *n,
    const struct mhs_mta *us, struct err *e)
{
	const char **own = arena_alloc(c->arena, sizeof(*own));
	char host[DNS_HOST_MAX + 1];
	int64_t port;
	bool mx;

	if (conf_bool(n, "mx", false, &mx, e) < 0 ||
	    conf_int(n, "port", 25, 1, 65535, &port, e) < 0)
		return ERR_CONFIG;
	if (!mx)
		return conf_error(n, e, "neither address nor mx");
	if (c->lmtp)
		return conf_error(n, e, "mx: LMTP servers have addresses");
	p->mx_host = conf_str(n, "host", NULL);
	if (p->mx_host != NULL) {
		if (dns_name_ascii(p->mx_host, host, e) < 0)
			return conf_error(n, e, "host: no name of the DNS");
		p->mx_host = arena_strdup(c->arena, host);
	}
	own[0] = us->hostname;
	p->mx = (struct smtp_mx_params){
	    .own = own,
	    .n_own = 1,
	    .port = (uint16_t)port,
	    .dane = p->policy != SMTP_TLS_NONE && p->policy != SMTP_TLS_VERIFY,
	};
	return 0;
}

static int
read_peer(struct smtp_channel *c, const struct conf_node *root,
    const struct conf_node *n, const struct mhs_mta *us, struct err *e)
{
	struct smtp_peer *p = ARENA_NEW(c->arena, struct smtp_peer);
	char host[SMTP_ADDRESS_TEXT];
	int64_t max;

	p->next = c->peers;
	c->peers = p;
	p->channel = c;
	p->name = conf_str(n, "name", "");
	p->address = conf_str(n, "address", NULL);
	if (conf_int(n, "max-connections",
		p->address != NULL ? c->per_target : c->max_links, 1, 100000,
		&max, e) < 0)
		return ERR_CONFIG;
	p->max_links = (unsigned)max;
	p->client = c->client;
	if (smtp_client_config(n, &p->client, e) < 0 ||
	    read_tls(p, root, n, e) < 0 || read_auth(p, n, e) < 0)
		return ERR_CONFIG;
	if (p->address == NULL)
		return read_mx(c, p, n, us, e);
	smtp_peer_address(p->address, host);
	p->host = arena_strdup(c->arena, host);
	return 0;
}

static int
read_peers(struct smtp_channel *c, const struct conf_node *root,
    const struct conf_node *own, const struct mhs_mta *us, struct err *e)
{
	const struct conf_node *n = NULL;
	const char *name = conf_str(own, "name", c->name);

	while ((n = conf_next(root, "peer", n)) != NULL)
		if (strcmp(conf_str(n, "channel", ""), name) == 0 &&
		    read_peer(c, root, n, us, e) < 0)
			return ERR_CONFIG;
	return 0;
}

/* --- looking up --- */

static int
open_sts(struct smtp_channel *c, struct err *e)
{
	struct mta_sts_fetch_params p = {0};
	const char *path =
	    arena_printf(c->arena, "%s/" STS_FILE, q_spool_directory(c->spool));
	struct err why = ERR_INIT;

	c->sts_cache = mta_sts_cache_open(path, clock_wall(), &why);
	if (why.code != 0)
		log_err(
		    LOG_LEVEL_WARN, "mta-sts cache", &why, "path", path, NULL);
	c->sts_fetcher = mta_sts_fetcher_new(c->loop, &p, e);
	if (c->sts_fetcher == NULL)
		return ERR_SYSTEM;
	c->sts = mta_sts_new(c->loop, c->dns, c->sts_fetcher, c->sts_cache);
	return 0;
}

static int
open_dns(struct smtp_channel *c, const struct conf_node *root, struct err *e)
{
	bool mx = false, sts = false;

	for (const struct smtp_peer *p = c->peers; p != NULL; p = p->next) {
		mx = mx || p->address == NULL;
		sts = sts ||
		    (p->address == NULL &&
			(p->policy == SMTP_TLS_MAY ||
			    p->policy == SMTP_TLS_ENCRYPT ||
			    p->policy == SMTP_TLS_MTA_STS));
	}
	if (!mx)
		return 0;
	c->dns = dns_from_conf(c->loop, root, e);
	if (c->dns == NULL)
		return ERR_CONFIG;
	smtp_domains_sweep_later(c);
	return sts ? open_sts(c, e) : 0;
}

static int
open_spool(struct smtp_channel *c, const struct conf_node *root, struct err *e)
{
	struct q_config config;
	int rc = q_config_read(root, &config, NULL, NULL, e);

	if (rc == 0) {
		c->spool = q_spool_open(&config.spool, NULL, e);
		rc = c->spool == NULL ? ERR_CONFIG : 0;
	}
	q_config_free(&config);
	return rc;
}

/* All that needs nothing but the tree. */
static int
read_all(struct smtp_channel *c, const struct conf_node *root,
    const struct conf_node *own, struct err *e)
{
	struct mhs_mta us;

	if (mhs_mta_read(c->arena, root, &us, e) < 0)
		return ERR_CONFIG;
	c->client.lmtp = c->lmtp;
	c->client.helo = us.hostname;
	if (read_timeouts(c, own, e) < 0 || read_limits(c, own, e) < 0 ||
	    smtp_client_config(own, &c->client, e) < 0)
		return ERR_CONFIG;
	return read_peers(c, root, own, &us, e);
}

static void
free_tls(struct smtp_channel *c)
{
	for (struct smtp_peer *p = c->peers; p != NULL; p = p->next)
		tls_free(&p->tls);
}

int
smtp_channel_conf_check(const struct conf_node *root,
    const struct conf_node *own, bool lmtp, struct err *e)
{
	struct smtp_channel c = {
	    .name = conf_str(own, "name", ""),
	    .lmtp = lmtp,
	    .arena = arena_new(),
	};
	int rc = read_all(&c, root, own, e);

	free_tls(&c);
	arena_free(&c.arena);
	return rc;
}

int
smtp_channel_config(void *arg, const struct conf_node *root,
    const struct conf_node *own, struct err *e)
{
	struct smtp_channel *c = arg;

	if (own == NULL)
		return conf_error(root, e, "no <channel>");
	if (read_all(c, root, own, e) < 0 || open_spool(c, root, e) < 0)
		return ERR_CONFIG;
	q_chan_capacity(c->chan, c->max_links);
	return open_dns(c, root, e);
}

void
smtp_channel_config_free(struct smtp_channel *c)
{
	loop_timer_cancel(&c->sweep);
	if (c->sts != NULL)
		mta_sts_free(&c->sts);
	if (c->sts_fetcher != NULL)
		mta_sts_fetcher_free(&c->sts_fetcher);
	if (c->sts_cache != NULL)
		mta_sts_cache_close(&c->sts_cache);
	if (c->dns != NULL)
		dns_free(&c->dns);
	free_tls(c);
	q_spool_close(&c->spool);
}
