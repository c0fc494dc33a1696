/*
 * The channel's configuration: its own element, and those of its peers.
 */
#include <string.h>

#include "lib/log.h"
#include "lib/tls.h"
#include "mhs/mta.h"
#include "p1/label.h"
#include "p1/strong.h"
#include "p1/x400p1.h"

#define KIB 1024LL
#define MIB (1024 * KIB)
#define ENVELOPE_MIN (16 * KIB)
#define ENVELOPE_MAX (64 * MIB)
#define SECOND 1000LL
#define MINUTE (60 * SECOND)
#define HOUR (3600 * SECOND)

/* --- peers --- */

static bool
is(const struct conf_node *n, const char *attr, const char *value)
{
	return strcmp(conf_str(n, attr, ""), value) == 0;
}

static bool
is_set(const struct conf_node *n, const char *attr)
{
	return conf_str(n, attr, NULL) != NULL;
}

static int
read_selector(const struct conf_node *n, const char *attr, struct osi_sel *out,
    struct err *e)
{
	if (osi_sel_parse(conf_str(n, attr, NULL), out, e) < 0)
		return conf_error(n, e, "%s: bad selector", attr);
	if (out->n > OSI_SSEL_MAX && strstr(attr, "ssel") != NULL)
		return conf_error(n, e,
		    "%s: %u octets, a session selector has at most %d", attr,
		    out->n, OSI_SSEL_MAX);
	return 0;
}

static int
read_selectors(const struct conf_node *n, struct x_peer *p, struct err *e)
{
	const struct {
		const char *attr;
		struct osi_sel *to;
	} all[] = {
	    {"tsel", &p->called.tsel},
	    {"ssel", &p->called.ssel},
	    {"psel", &p->called.psel},
	    {"calling-tsel", &p->calling.tsel},
	    {"calling-ssel", &p->calling.ssel},
	    {"calling-psel", &p->calling.psel},
	    {"our-tsel", &p->ours.tsel},
	    {"our-ssel", &p->ours.ssel},
	    {"our-psel", &p->ours.psel},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (read_selector(n, all[i].attr, all[i].to, e) < 0)
			return ERR_CONFIG;
	if (!is_set(n, "our-tsel") && p->channel->n_services > 0)
		p->ours.tsel = p->channel->services[0].tsel;
	return 0;
}

/* The names that a peer's `protocol` may have. */
static int
read_protocol(const struct conf_node *n, struct x_peer *p, struct err *e)
{
	static const char *const names[P1_PROTOCOLS] = {
	    [P1_MTS_TRANSFER] = "1988",
	    [P1_MTS_TRANSFER_X410] = "x410",
	    [P1_MTS_TRANSFER_1984] = "1984",
	};
	const char *is = conf_str(n, "protocol", "1988");

	p->automatic = strcmp(is, "auto") == 0;
	p->protocol = P1_MTS_TRANSFER;
	if (p->automatic)
		return 0;
	for (int i = 0; i < P1_PROTOCOLS; i++)
		if (strcmp(names[i], is) == 0) {
			p->protocol = (enum p1_protocol)i;
			return 0;
		}
	return conf_error(n, e, "protocol: none of 1988, x410, 1984, auto");
}

/* What one peer may take of the places for those who call, while it is not
 * said: never all of them, where there are enough. */
static int64_t
incoming_share(const struct x_peer *p, int64_t max_connections)
{
	int64_t share = p->channel->max_links / 4;

	if (share < 10)
		share = 10;
	return share > max_connections ? share : max_connections;
}

static int
read_numbers(
    const struct conf_node *n, struct x_peer *p, int64_t max, struct err *e)
{
	const struct {
		const char *attr;
		int64_t dflt, min, max;
		unsigned *to;
	} all[] = {
	    {"max-incoming", incoming_share(p, max), 0, 10000,
		&p->max_incoming},
	    {"permanent", 0, 0, 10000, &p->permanent},
	    {"reserve-urgent", max > 1, 0, 10000, &p->reserve_urgent},
	    {"reserve-normal", 0, 0, 10000, &p->reserve_normal},
	    {"checkpoint-size", 63, 0, 65535, &p->checkpoint_size},
	    {"window-size", 3, 1, 255, &p->window_size},
	};
	int64_t v;

	p->max_links = (unsigned)max;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (conf_int(n, all[i].attr, all[i].dflt, all[i].min,
			all[i].max, &v, e) < 0)
			return ERR_CONFIG;
		*all[i].to = (unsigned)v;
	}
	if (p->permanent > p->max_links)
		return conf_error(
		    n, e, "permanent is more than max-connections");
	if (p->reserve_urgent + p->reserve_normal >= p->max_links)
		return conf_error(
		    n, e, "reserves leave nothing of max-connections");
	return 0;
}

static int
read_nets(const struct conf_node *n, struct x_peer *p, struct err *e)
{
	const char *from = conf_str(n, "from", NULL);
	struct err why = ERR_INIT;

	if (from == NULL)
		return 0;
	if (x_nets_parse(p->channel->arena, from, &p->nets, &p->n_nets, &why) <
	    0)
		return conf_error(n, e, "from: %s", why.text);
	return 0;
}

/* --- keys --- */

static struct x_named *
find_named(const struct x400p1 *c, const char *name, bool tls)
{
	struct x_named *x = c->named;

	while (x != NULL &&
	    ((x->tls != NULL) != tls || strcmp(x->name, name) != 0))
		x = x->next;
	return x;
}

struct tls *
x_tls_named(const struct x400p1 *c, const char *name)
{
	const struct x_named *x = find_named(c, name, true);

	return x != NULL ? x->tls : NULL;
}

static void
free_named(void *arg)
{
	struct x_named *x = arg;

	tls_free(&x->tls);
	p1_strong_free(&x->strong);
}

static struct x_named *
add_named(struct x400p1 *c, const char *name)
{
	struct x_named *x = ARENA_NEW(c->arena, struct x_named);

	x->name = name;
	x->next = c->named;
	c->named = x;
	arena_on_free(c->arena, free_named, x);
	return x;
}

static int
read_tls(struct x400p1 *c, const struct conf_node *root, const char *name,
    struct tls **out, struct err *e)
{
	struct x_named *x;

	*out = NULL;
	if (name == NULL || c->chan == NULL)
		return 0;
	*out = x_tls_named(c, name);
	if (*out != NULL)
		return 0;
	x = add_named(c, name);
	*out = x->tls = tls_named(root, name, e);
	return x->tls == NULL ? ERR_CONFIG : 0;
}

static const struct conf_node *
find_security(const struct conf_node *root, const char *name)
{
	const struct conf_node *n = NULL;

	while ((n = conf_next(root, "security", n)) != NULL)
		if (is(n, "name", name))
			return n;
	return NULL;
}

static int
read_security(struct x400p1 *c, const struct conf_node *root,
    const struct conf_node *peer, struct x_peer *p, struct err *e)
{
	const char *name = conf_str(peer, "security", NULL), *labels;
	const struct conf_node *n;
	struct x_named *x;
	struct err why = ERR_INIT;

	if (name == NULL)
		return 0;
	n = find_security(root, name);
	if (n == NULL)
		return conf_error(
		    peer, e, "security: there is no \"%s\"", name);
	if (c->chan == NULL)
		return 0;
	x = find_named(c, name, false);
	if (x == NULL) {
		x = add_named(c, name);
		x->strong = p1_strong_from_conf(n, e);
		if (x->strong == NULL)
			return ERR_CONFIG;
		labels = conf_str(n, "labels", NULL);
		x->context_optional = is(n, "context", "optional");
		if (labels != NULL)
			x->labels = p1_labels_parse(c->arena, labels, &why);
		if (labels != NULL && x->labels == NULL)
			return conf_error(n, e, "labels: %s", why.text);
	}
	p->strong = x->strong;
	p->labels = x->labels;
	p->context_optional = x->context_optional;
	p->subject = conf_str(peer, "security-subject", NULL);
	return 0;
}

/* What our listeners that speak TLS name. */
static int
read_listeners(struct x400p1 *c, const struct conf_node *root, struct err *e)
{
	const struct conf_node *n = NULL, *iaed = conf_child(root, "iaed");
	struct tls *tls;

	while (iaed != NULL && (n = conf_next(iaed, "listen", n)) != NULL)
		if (is(n, "channel", c->name) &&
		    read_tls(c, root, conf_str(n, "tls", NULL), &tls, e) < 0)
			return ERR_CONFIG;
	return 0;
}

/* --- all of a peer --- */

static int
read_peer(struct x400p1 *c, const struct conf_node *root,
    const struct conf_node *n, int64_t per_peer, struct err *e)
{
	struct x_peer *p = ARENA_NEW(c->arena, struct x_peer);
	struct x_peer **last = &c->peers;
	int64_t max;

	p->channel = c;
	p->name = conf_str(n, "name", "");
	p->tls_name = conf_str(n, "tls-name", NULL);
	p->address = conf_str(n, "address", NULL);
	p->mta = conf_str(n, "mta", NULL);
	p->password = conf_str(n, "password", NULL);
	p->our_mta = conf_str(n, "our-mta", c->us.mta);
	p->our_password = conf_str(n, "our-password", NULL);
	p->two_way_alternate = is(n, "dialogue", "two-way-alternate");
	p->old_extensions = is(n, "extension-dialect", "old");
	p->lenient = is(n, "lenient", "yes");
	p->recover = is(n, "recovery", "recover");
	if (p->address == NULL)
		return conf_error(n, e, "no address");
	if (is_set(n, "tls") && p->mta == NULL && p->tls_name == NULL)
		return conf_error(n, e, "tls without tls-name or mta");
	if (read_selectors(n, p, e) < 0 || read_protocol(n, p, e) < 0 ||
	    conf_int(n, "max-connections", per_peer, 1, 10000, &max, e) < 0 ||
	    read_numbers(n, p, max, e) < 0 || read_nets(n, p, e) < 0 ||
	    read_tls(c, root, conf_str(n, "tls", NULL), &p->tls, e) < 0 ||
	    read_security(c, root, n, p, e) < 0)
		return ERR_CONFIG;
	while (*last != NULL)
		last = &(*last)->next;
	*last = p; /* in the order of the file: a caller is the first */
	return 0;
}

/* --- who we are --- */

static int
read_us(struct x400p1 *c, const struct conf_node *root, struct err *e)
{
	const struct conf_node *mixer = conf_child(root, "mixer");
	struct mhs_mta us;

	if (mhs_mta_read(c->arena, root, &us, e) < 0)
		return ERR_CONFIG;
	c->us.mta = us.name;
	c->us.domain = us.domain;
	c->hostname = us.hostname;
	if (mixer != NULL && is_set(mixer, "gateway-or"))
		c->gateway = mhs_or_parse(
		    c->arena, conf_str(mixer, "gateway-or", ""), NULL);
	return 0;
}

/* The selectors that we are called by; the first is what we call from, unless
 * the peer wants another. */
static int
read_services(struct x400p1 *c, const struct conf_node *root,
    const char *channel, struct err *e)
{
	const struct conf_node *n = NULL, *iaed = conf_child(root, "iaed");
	struct osi_selectors *s;

	while (iaed != NULL && (n = conf_next(iaed, "service", n)) != NULL) {
		if (!is(n, "channel", channel))
			continue;
		s = arena_push(c->arena, &c->services, &c->n_services,
		    sizeof(*c->services));
		if (read_selector(n, "tsel", &s->tsel, e) < 0 ||
		    read_selector(n, "ssel", &s->ssel, e) < 0 ||
		    read_selector(n, "psel", &s->psel, e) < 0)
			return ERR_CONFIG;
	}
	return 0;
}

/* --- the channel --- */

static int
read_times(struct x400p1 *c, const struct conf_node *own, struct err *e)
{
	const struct {
		const char *attr;
		int64_t dflt, *to;
	} all[] = {
	    {"idle-timeout", 30 * SECOND, &c->idle_timeout},
	    {"incoming-idle-timeout", 30 * MINUTE, &c->incoming_idle},
	    {"silence-timeout", 300 * SECOND, &c->silence},
	    {"transfer-timeout-urgent", 1 * HOUR,
		&c->transfer_timeout[X_URGENT]},
	    {"transfer-timeout-normal", 4 * HOUR,
		&c->transfer_timeout[X_NORMAL]},
	    {"transfer-timeout-non-urgent", 8 * HOUR,
		&c->transfer_timeout[X_NON_URGENT]},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (conf_duration(own, all[i].attr, all[i].dflt, all[i].to, e) <
		    0)
			return ERR_CONFIG;
	return 0;
}

/* Transfers that are cut off go to <spool>/transfers. Without the directory
 * they are not resumed, that is all. */
static int
open_keep(struct x400p1 *c, const struct conf_node *root,
    const struct conf_node *own, struct err *e)
{
	const struct conf_node *spool = conf_child(root, "spool");
	struct x_keep_params p = {.max = 1000, .max_per_peer = 100};
	int64_t all, per_peer, low, age;
	struct err why = ERR_INIT;

	if (spool == NULL)
		return 0;
	if (conf_duration(own, "resume-time", 24 * HOUR, &age, e) < 0 ||
	    conf_size(own, "resume-size", 1024 * MIB, &all, e) < 0 ||
	    conf_size(own, "resume-size-per-peer", 256 * MIB, &per_peer, e) <
		0 ||
	    conf_size(spool, "low-water", 64 * MIB, &low, e) < 0)
		return ERR_CONFIG;
	if (age == 0 || c->chan == NULL)
		return 0;
	p.directory = arena_printf(c->arena, "%s/transfers",
	    conf_str(spool, "directory", "/var/spool/isthmus"));
	p.octets = (uint64_t)all;
	p.octets_per_peer = (uint64_t)per_peer;
	p.low_water = (uint64_t)low;
	p.max_age = age / SECOND;
	c->keep = x_keep_open(&p, &why);
	if (c->keep == NULL)
		log_err(LOG_LEVEL_WARN, "nothing is resumed", &why, NULL);
	return 0;
}

static int
read_own(struct x400p1 *c, const struct conf_node *own, int64_t *per_peer,
    struct err *e)
{
	int64_t connections;

	if (conf_int(own, "connections", 100, 1, 100000, &connections, e) < 0 ||
	    conf_int(own, "connections-per-peer", 4, 1, 10000, per_peer, e) <
		0 ||
	    conf_size(own, "max-size", 0, &c->max_size, e) < 0 ||
	    conf_size(own, "max-envelope", P1_ENVELOPE_MAX, &c->max_envelope,
		e) < 0 ||
	    conf_int(own, "max-depth", P1_APDU_DEPTH, P1_APDU_DEPTH_LEAST,
		P1_APDU_DEPTH_MOST, &c->max_depth, e) < 0 ||
	    conf_size(own, "transfer-rate", 0, &c->transfer_rate, e) < 0 ||
	    read_times(c, own, e) < 0)
		return ERR_CONFIG;
	if (c->max_envelope < ENVELOPE_MIN || c->max_envelope > ENVELOPE_MAX)
		return conf_error(own, e, "max-envelope: from 16KiB to 64MiB");
	c->max_links = (unsigned)connections;
	if (c->chan != NULL)
		q_chan_capacity(c->chan, c->max_links);
	return 0;
}

static int
read_channel(struct x400p1 *c, const struct conf_node *root,
    const struct conf_node *own, int64_t *per_peer, struct err *e)
{
	const char *name = conf_str(own, "name", c->name);

	if (read_us(c, root, e) < 0 || read_own(c, own, per_peer, e) < 0 ||
	    read_services(c, root, name, e) < 0 ||
	    read_listeners(c, root, e) < 0 || open_keep(c, root, own, e) < 0)
		return ERR_CONFIG;
	return 0;
}

void
x_conf_check(const struct conf_node *root, const struct conf_node *own,
    void (*complain)(void *arg, const struct conf_node *n, const char *text),
    void *arg)
{
	struct arena *a = arena_new();
	struct x400p1 *c = ARENA_NEW(a, struct x400p1);
	const struct conf_node *n = NULL;
	struct err e = ERR_INIT;
	int64_t per_peer = 1;

	c->arena = a;
	c->name = conf_str(own, "name", "");
	if (read_channel(c, root, own, &per_peer, &e) < 0)
		complain(arg, own, e.text);
	while ((n = conf_next(root, "peer", n)) != NULL) {
		err_clear(&e);
		if (is(n, "channel", c->name) &&
		    read_peer(c, root, n, per_peer, &e) < 0)
			complain(arg, n, e.text);
	}
	arena_free(&a);
}

int
x_configure(struct x400p1 *c, const struct conf_node *root,
    const struct conf_node *own, struct err *e)
{
	const struct conf_node *n;
	const char *channel;
	int64_t per_peer;

	if (own == NULL)
		return conf_error(root, e, "no <channel>");
	c->root = root;
	channel = conf_str(own, "name", c->name);
	if (read_channel(c, root, own, &per_peer, e) < 0)
		return ERR_CONFIG;
	for (n = conf_child(root, "peer"); n != NULL;
	     n = conf_next(root, "peer", n))
		if (is(n, "channel", channel) &&
		    read_peer(c, root, n, per_peer, e) < 0)
			return ERR_CONFIG;
	return 0;
}
