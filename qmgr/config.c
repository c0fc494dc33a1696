#include "qmgr/config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/log.h"
#include "mhs/mta.h"
#include "qmgr/chan.h"
#include "qmgr/config_own.h"

/* What the programs carry; others may be configured later. */
static const struct {
	const char *program;
	enum q_world world;
	bool delivers;
} programs[] = {
    {"x400p1", Q_WORLD_X400, false},
    {"smtp", Q_WORLD_INTERNET, false},
    {"lmtp", Q_WORLD_INTERNET, true},
    {"list", Q_WORLD_ANY, true},
    {"mixer", Q_WORLD_NONE, false},
    {"report", Q_WORLD_NONE, false},
};

enum q_world
q_world_of(enum mhs_kind kind, enum mhs_content content)
{
	return kind == MHS_MESSAGE && content == MHS_CONTENT_RFC822
	    ? Q_WORLD_INTERNET
	    : Q_WORLD_X400;
}

/* One fault: `e` has "FILE:LINE: ..." in front already (lib/conf.h). */
static void
fault(struct q_reading *r, const struct conf_node *n, const struct err *e)
{
	if (r->complain != NULL)
		r->complain(r->arg, n->file, n->line, e->text);
	if (!r->failed && r->first != NULL)
		*r->first = *e;
	r->failed = true;
}

void
q_complain(struct q_reading *r, const struct conf_node *n, const char *fmt, ...)
{
	struct err e = ERR_INIT;
	char text[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	conf_error(n, &e, "%s", text);
	fault(r, n, &e);
}

/* --- attributes, told to fault() when they are bad --- */

static int64_t
integer(struct q_reading *r, const struct conf_node *n, const char *attr,
    int64_t dflt, int64_t min, int64_t max)
{
	struct err e = ERR_INIT;
	int64_t v = dflt;

	if (n != NULL && conf_int(n, attr, dflt, min, max, &v, &e) != 0)
		fault(r, n, &e);
	return v;
}

static int64_t
duration(struct q_reading *r, const struct conf_node *n, const char *attr,
    int64_t dflt)
{
	struct err e = ERR_INIT;
	int64_t v = dflt;

	if (n != NULL && conf_duration(n, attr, dflt, &v, &e) != 0)
		fault(r, n, &e);
	return v;
}

static uint64_t
size(struct q_reading *r, const struct conf_node *n, const char *attr,
    int64_t dflt)
{
	struct err e = ERR_INIT;
	int64_t v = dflt;

	if (n != NULL && conf_size(n, attr, dflt, &v, &e) != 0)
		fault(r, n, &e);
	return (uint64_t)v;
}

static const char *
text(const struct conf_node *n, const char *attr, const char *dflt)
{
	return n != NULL ? conf_str(n, attr, dflt) : dflt;
}

const char *
q_required(struct q_reading *r, const struct conf_node *n, const char *attr)
{
	const char *v = conf_str(n, attr, NULL);

	if (v == NULL || *v == '\0') {
		q_complain(r, n, "%s is missing", attr);
		return "";
	}
	return v;
}

/* --- elements --- */

static void
read_mta(struct q_reading *r)
{
	struct q_config *c = r->c;
	struct mhs_mta us;

	if (mhs_mta_read(c->arena, c->root, &us, NULL) < 0)
		q_complain(r, c->root, "no <mta>");
	c->mta_name = us.name;
	c->domain = us.domain;
	if (strlen(c->mta_name) > 32)
		q_complain(r, c->root,
		    "<mta> name: longer than 32 (X.411 ub-mta-name)");
}

static void
read_log(struct q_reading *r)
{
	const struct conf_node *n = conf_child(r->c->root, "log");
	const char *to = text(n, "to", "stderr");

	r->c->log_level = log_level_parse(text(n, "level", "info"));
	r->c->log_syslog = strcmp(to, "syslog") == 0;
	if (r->c->log_level < 0)
		q_complain(r, n, "level: none of debug, info, warn, error");
	if (!r->c->log_syslog && strcmp(to, "stderr") != 0)
		q_complain(r, n, "to: neither stderr nor syslog");
}

#define SEGMENT_MIN (64 << 10)
#define SEGMENT_MAX (1 << 30)

static void
read_spool(struct q_reading *r)
{
	const struct conf_node *n = conf_child(r->c->root, "spool");
	struct q_spool_params *p = &r->c->spool;

	p->directory = text(n, "directory", "/var/spool/isthmus");
	p->segment_size = size(r, n, "segment-size", 16 << 20);
	p->content_file_threshold =
	    size(r, n, "content-file-threshold", 1 << 20);
	p->low_water = size(r, n, "low-water", 64 << 20);
	if (p->segment_size < SEGMENT_MIN || p->segment_size > SEGMENT_MAX)
		q_complain(r, n, "segment-size: not in 64KiB..1GiB");
	if (p->content_file_threshold > SEGMENT_MAX / 2)
		q_complain(r, n, "content-file-threshold: above 512MiB");
}

#define SECOND 1000
#define HOUR (3600 * SECOND)

static void
read_scheduler(struct q_reading *r)
{
	const struct conf_node *n = conf_child(r->c->root, "scheduler");
	struct sched_params *p = &r->c->sched;

	p->qmgr_maxchans = (unsigned)integer(r, n, "maxchans", 64, 1, 10000);
	p->qmgr_reserve_urgent =
	    (unsigned)integer(r, n, "reserve-urgent", 2, 0, 10000);
	p->qmgr_reserve_normal =
	    (unsigned)integer(r, n, "reserve-normal", 2, 0, 10000);
	p->qmgr_chan_time1 = duration(r, n, "chan-time1", 1 * SECOND);
	p->qmgr_chan_time2 = duration(r, n, "chan-time2", 1 * SECOND);
	p->qmgr_chan_time3 = duration(r, n, "chan-time3", 5 * SECOND);
	p->qmgr_retry_step = duration(r, n, "retry-step", 60 * SECOND);
	p->qmgr_retry_max = duration(r, n, "retry-max", HOUR);
	p->qmgr_expiry[MHS_URGENT] = duration(r, n, "expiry-urgent", 4 * HOUR);
	p->qmgr_expiry[MHS_NORMAL] = duration(r, n, "expiry-normal", 24 * HOUR);
	p->qmgr_expiry[MHS_NON_URGENT] =
	    duration(r, n, "expiry-non-urgent", 36 * HOUR);
	p->qmgr_warn[MHS_URGENT] = duration(r, n, "warn-urgent", HOUR / 2);
	p->qmgr_warn[MHS_NORMAL] = duration(r, n, "warn-normal", 4 * HOUR);
	p->qmgr_warn[MHS_NON_URGENT] =
	    duration(r, n, "warn-non-urgent", 12 * HOUR);
	r->c->measure_window = duration(r, n, "measure-window", 10 * SECOND);
	r->c->hang_timeout = duration(r, n, "hang-timeout", 120 * SECOND);
	r->c->stop_timeout = duration(r, n, "stop-timeout", Q_STOP_TIMEOUT);
	r->c->hop_limit =
	    (unsigned)integer(r, n, "hop-limit", 50, 1, MHS_TRACE_MAX - 1);
	r->c->loop_visits =
	    (unsigned)integer(r, n, "loop-visits", 0, 0, MHS_TRACE_MAX - 1);
	if (p->qmgr_reserve_urgent + p->qmgr_reserve_normal >= p->qmgr_maxchans)
		q_complain(r, n, "reserves leave nothing of maxchans");
	if (r->c->measure_window < SECOND / 10)
		q_complain(r, n, "measure-window: shorter than 100ms");
	if (r->c->hang_timeout != 0 && r->c->hang_timeout < SECOND)
		q_complain(r, n, "hang-timeout: shorter than 1s");
	if (p->qmgr_retry_step > p->qmgr_retry_max)
		q_complain(r, n, "retry-step is longer than retry-max");
}

/* False: there is no such program. */
static bool
use_program(struct q_channel_config *ch, const char *program)
{
	ch->program = program;
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		if (strcmp(programs[i].program, program) != 0)
			continue;
		ch->world = programs[i].world;
		ch->delivers = programs[i].delivers;
		return true;
	}
	return false;
}

static void
add_channel(struct q_reading *r, const struct conf_node *n, const char *name,
    const char *program)
{
	struct q_config *c = r->c;
	struct q_channel_config *ch =
	    ARENA_NEW(c->arena, struct q_channel_config);

	ch->name = name;
	ch->node = n;
	if (!use_program(ch, program) && *name != '\0')
		q_complain(r, n, "program: there is no \"%s\"", program);
	ch->processes = (unsigned)integer(r, n, "processes", 1, 1, 1000);
	ch->min_processes =
	    (unsigned)integer(r, n, "min-processes", ch->processes, 1, 1000);
	ch->connections_per_peer =
	    (unsigned)integer(r, n, "connections-per-peer", 4, 1, 100000);
	ch->min_connections_per_peer = (unsigned)integer(r, n,
	    "min-connections-per-peer", ch->connections_per_peer, 1, 100000);
	if (ch->min_processes > ch->processes)
		q_complain(r, n, "min-processes: more than processes");
	if (ch->min_connections_per_peer > ch->connections_per_peer)
		q_complain(r, n,
		    "min-connections-per-peer: more than connections-per-peer");
	/* the channel's own business, but the faults are found here */
	integer(r, n, "connections", 100, 1, 100000);
	duration(r, n, "idle-timeout", 30 * SECOND);
	size(r, n, "return-max", 1);
	*(struct q_channel_config **)arena_push(
	    c->arena, &c->channels, &c->n_channels, sizeof(*c->channels)) = ch;
}

static const struct q_channel_config *
list_channel(const struct q_config *c)
{
	for (size_t i = 0; i < c->n_channels; i++)
		if (strcmp(c->channels[i]->program, "list") == 0)
			return c->channels[i];
	return NULL;
}

static void
read_channels(struct q_reading *r)
{
	static const char *const always[] = {"mixer", "report"};
	const struct conf_node *n = NULL;

	while ((n = conf_next(r->c->root, "channel", n)) != NULL) {
		const char *name = q_required(r, n, "name");
		const char *program = conf_str(n, "program", name);

		if (q_config_channel(r->c, name) != NULL)
			q_complain(r, n, "a second channel \"%s\"", name);
		add_channel(r, n, name, program);
	}
	/* every switch needs these, whether it says so or not */
	for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++)
		if (q_config_channel(r->c, always[i]) == NULL)
			add_channel(r, NULL, always[i], always[i]);
	if (conf_child(r->c->root, "list") != NULL &&
	    list_channel(r->c) == NULL) {
		if (q_config_channel(r->c, "list") != NULL)
			q_complain(r, q_config_channel(r->c, "list")->node,
			    "a <list> needs the name \"list\" for its channel");
		else
			add_channel(r, NULL, "list", "list");
	}
}

bool
q_peer_wants_p2(const struct conf_node *peer)
{
	bool y1984 = strcmp(conf_str(peer, "protocol", ""), "1984") == 0;

	return strcmp(conf_str(peer, "content", y1984 ? "p2" : "p22"), "p2") ==
	    0;
}

static void
add_peer(struct q_config *c, struct q_peer_config *p)
{
	*(struct q_peer_config **)arena_push(
	    c->arena, &c->peers, &c->n_peers, sizeof(*c->peers)) = p;
}

/* Where recipients go that are distribution lists. */
static void
add_list_peer(struct q_config *c)
{
	struct q_peer_config *p;

	if (conf_child(c->root, "list") == NULL || list_channel(c) == NULL)
		return;
	p = ARENA_NEW(c->arena, struct q_peer_config);
	p->name = Q_PEER_LISTS;
	p->channel = list_channel(c);
	p->max_connections = p->min_connections = 100;
	p->max_messages = 2 * p->max_connections;
	add_peer(c, p);
}

/* What the channel says for all its peers may be more than this one has. */
static void
read_connections(
    struct q_reading *r, const struct conf_node *n, struct q_peer_config *p)
{
	const struct q_channel_config *ch = p->channel;
	bool fixed = ch->min_connections_per_peer == ch->connections_per_peer;
	bool mx = strcmp(conf_str(n, "mx", "no"), "yes") == 0;
	int64_t least, reserved, most = ch->connections_per_peer;

	/* such a peer is many servers */
	if (mx && ch->node != NULL)
		most = integer(r, ch->node, "connections", 100, 1, 100000);
	fixed = fixed || mx;
	p->max_connections =
	    (unsigned)integer(r, n, "max-connections", most, 1, 100000);
	least = fixed || ch->min_connections_per_peer > p->max_connections
	    ? p->max_connections
	    : ch->min_connections_per_peer;
	p->min_connections =
	    (unsigned)integer(r, n, "min-connections", least, 1, 100000);
	p->max_messages = (unsigned)integer(
	    r, n, "max-messages", 2 * (int64_t)p->max_connections, 1, 200000);
	if (p->min_connections > p->max_connections)
		q_complain(r, n, "min-connections: more than max-connections");
	if (p->min_connections == p->max_connections)
		return;
	/* the channel counts on so many */
	reserved = integer(r, n, "reserve-urgent", 0, 0, 100000) +
	    integer(r, n, "reserve-normal", 0, 0, 100000);
	if (p->min_connections <= reserved ||
	    p->min_connections < integer(r, n, "permanent", 0, 0, 100000))
		q_complain(r, n,
		    "min-connections: not above what is reserved, or fewer"
		    " than are permanent");
}

static void
check_otherwise(struct q_reading *r)
{
	for (size_t i = 0; i < r->c->n_peers; i++) {
		const struct q_peer_config *p = r->c->peers[i];

		if (p->otherwise == NULL) {
			if (conf_str(p->node, "reroute-after", NULL) != NULL)
				q_complain(r, p->node,
				    "reroute-after: needs otherwise");
		} else if (strcmp(p->otherwise, p->name) == 0) {
			q_complain(r, p->node, "otherwise: the peer itself");
		} else if (q_config_peer(r->c, p->otherwise) == NULL) {
			q_complain(r, p->node, "otherwise: there is no \"%s\"",
			    p->otherwise);
		}
	}
}

static void
read_peers(struct q_reading *r)
{
	struct q_config *c = r->c;
	const struct conf_node *n = NULL;

	while ((n = conf_next(c->root, "peer", n)) != NULL) {
		struct q_peer_config *p =
		    ARENA_NEW(c->arena, struct q_peer_config);
		const char *channel = q_required(r, n, "channel");

		p->name = q_required(r, n, "name");
		p->node = n;
		p->p2 = q_peer_wants_p2(n);
		p->maybe_p2 = strcmp(conf_str(n, "protocol", ""), "auto") == 0;
		p->channel = q_config_channel(c, channel);
		if (q_config_peer(c, p->name) != NULL)
			q_complain(r, n, "a second peer \"%s\"", p->name);
		if (p->channel == NULL) {
			q_complain(
			    r, n, "channel: there is no \"%s\"", channel);
			continue;
		}
		if (p->channel->world == Q_WORLD_NONE ||
		    p->channel->world == Q_WORLD_ANY)
			q_complain(
			    r, n, "channel: \"%s\" has no peers", channel);
		read_connections(r, n, p);
		p->max_size = size(r, n, "max-size", 0);
		p->otherwise = conf_str(n, "otherwise", NULL);
		p->reroute_after = duration(r, n, "reroute-after", HOUR / 4);
		add_peer(c, p);
	}
	check_otherwise(r);
	add_list_peer(c);
}

static void
read_routes(struct q_reading *r)
{
	struct q_config *c = r->c;
	const struct conf_node *n = NULL;

	while ((n = conf_next(c->root, "route", n)) != NULL) {
		const char *ora = conf_str(n, "or", NULL);
		const char *domain = conf_str(n, "domain", NULL);
		const char *peer = q_required(r, n, "peer");
		struct err e = ERR_INIT;

		if ((ora == NULL) == (domain == NULL)) {
			q_complain(r, n, "needs one of or and domain");
			continue;
		}
		if (*peer != '\0' && q_config_peer(c, peer) == NULL)
			q_complain(r, n, "peer: there is no \"%s\"", peer);
		if (ora != NULL
			? q_routes_add_or(c->routes, ora, peer, &e) != 0
			: q_routes_add_domain(c->routes, domain, peer, &e) != 0)
			q_complain(r, n, "%s: %s",
			    ora != NULL ? "or" : "domain", e.text);
	}
}

static void
read_services(struct q_reading *r, const struct conf_node *iaed)
{
	struct q_config *c = r->c;
	const struct conf_node *n = NULL, *other;

	while ((n = conf_next(iaed, "service", n)) != NULL) {
		const char *name = q_required(r, n, "channel");
		bool found = false;

		for (size_t i = 0; i < c->n_channels; i++)
			if (strcmp(c->channels[i]->name, name) == 0)
				found = c->channels[i]->service = true;
		if (!found && *name != '\0')
			q_complain(r, n, "channel: there is no \"%s\"", name);
		for (other = conf_next(iaed, "service", NULL); other != n;
		     other = conf_next(iaed, "service", other))
			if (strcmp(conf_str(other, "tsel", ""),
				conf_str(n, "tsel", "")) == 0)
				q_complain(r, n, "a second service \"%s\"",
				    conf_str(n, "tsel", ""));
	}
}

static void
read_listener(struct q_reading *r, const char *name)
{
	struct q_config *c = r->c;
	const struct conf_node *n = conf_child(c->root, name), *l = NULL;
	struct q_listener_config *x;

	if (n == NULL || conf_child(n, "listen") == NULL)
		return;
	x = ARENA_NEW(c->arena, struct q_listener_config);
	x->name = name;
	x->node = n;
	while ((l = conf_next(n, "listen", l)) != NULL) {
		const char *address = q_required(r, l, "address");

		for (size_t i = 0; i < x->n_addresses; i++)
			if (strcmp(x->addresses[i], address) == 0)
				q_complain(r, l, "%s is there twice", address);
		*(const char **)arena_push(c->arena, &x->addresses,
		    &x->n_addresses, sizeof(*x->addresses)) = address;
	}
	*(struct q_listener_config **)arena_push(c->arena, &c->listeners,
	    &c->n_listeners, sizeof(*c->listeners)) = x;
}

/* One character, which the schema sees to; "": none. */
static void
read_sub_addresses(struct q_config *c)
{
	const char *sign =
	    conf_str(conf_child(c->root, "mta"), "sub-address", "+");

	q_routes_sub_addresses(c->routes, *sign);
	q_routes_sub_addresses(c->redirects, *sign);
}

int
q_config_read(const struct conf_node *root, struct q_config *c,
    conf_complain_fn *complain_fn, void *arg, struct err *e)
{
	struct q_reading r = {c, complain_fn, arg, e, false};
	const struct conf_node *iaed;

	*c = (struct q_config){.arena = arena_new(), .root = root};
	c->routes = q_routes_new(c->arena);
	c->redirects = q_routes_new(c->arena);
	c->alternates = q_routes_new(c->arena);
	c->lists = q_routes_new(c->arena);
	read_sub_addresses(c);
	read_mta(&r);
	read_log(&r);
	read_spool(&r);
	read_scheduler(&r);
	q_config_read_control(&r);
	read_channels(&r);
	read_peers(&r);
	read_routes(&r);
	q_config_read_lists(&r);
	q_config_read_redirects(&r);
	q_config_read_alternates(&r);
	read_listener(&r, "iaed");
	read_listener(&r, "smtpd");
	iaed = conf_child(root, "iaed");
	if (iaed != NULL)
		read_services(&r, iaed);
	return r.failed ? ERR_CONFIG : 0;
}

void
q_config_free(struct q_config *c)
{
	arena_free(&c->arena);
	*c = (struct q_config){0};
}

const struct q_channel_config *
q_config_channel(const struct q_config *c, const char *name)
{
	for (size_t i = 0; i < c->n_channels; i++)
		if (strcmp(c->channels[i]->name, name) == 0)
			return c->channels[i];
	return NULL;
}

const struct q_peer_config *
q_config_peer(const struct q_config *c, const char *name)
{
	for (size_t i = 0; i < c->n_peers; i++)
		if (strcmp(c->peers[i]->name, name) == 0)
			return c->peers[i];
	return NULL;
}
