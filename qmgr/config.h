/*
 * The configuration as qmgr and `isthmus check` see it: typed, with defaults
 * filled in, and checked for sense (a route to an unknown peer, a channel
 * without a program, a name given twice).
 *
 * Everything lives in the arena of the struct; the tree that it was read from
 * must live as long, because nodes are pointed to. Durations are milliseconds,
 * sizes octets. One module reads every attribute that qmgr/ uses; the other
 * rooms read their own from the nodes.
 */
#ifndef QMGR_CONFIG_H
#define QMGR_CONFIG_H

#include <sys/types.h>

#include "lib/conf.h"
#include "mhs/envelope.h"
#include "p1/ext.h"
#include "qmgr/list.h"
#include "qmgr/route.h"
#include "qmgr/sched.h"
#include "qmgr/spool.h"

/* Which kind of content a channel carries; `mixer` lies between them. */
enum q_world {
	Q_WORLD_NONE, /* internal channels: report, mixer, loader */
	Q_WORLD_X400,
	Q_WORLD_INTERNET,
	Q_WORLD_ANY, /* the list channel: contents are not looked into */
};
/* The world of a message: RFC822 is the Internet's, all else X.400's. */
enum q_world q_world_of(enum mhs_kind kind, enum mhs_content content);

struct q_channel_config {
	const char *name;
	const char *program; /* file below libexec/isthmus */
	enum q_world world;
	unsigned processes, min_processes; /* most at a time; equal: fixed */
	/* defaults of peers' max-connections and min-connections */
	unsigned connections_per_peer, min_connections_per_peer;
	bool delivers; /* what it took has arrived: a probe ends before it */
	bool service;  /* an <iaed> service names it */
	const struct conf_node *node; /* NULL: made by default */
};

struct q_peer_config {
	const char *name;
	const struct q_channel_config *channel;
	unsigned max_connections, min_connections; /* equal: fixed */
	unsigned max_messages; /* out to the channel, of one level or above */
	/* who gets what waits for it after errors for so long (ms); NULL:
	 * nobody */
	const char *otherwise;
	int64_t reroute_after;
	uint64_t max_size; /* octets of content that it takes; 0: any */
	bool p2;           /* it knows no P22 */
	bool maybe_p2;     /* that may be found out (protocol="auto") */
	const struct conf_node *node;
};

/* The peer that lists are routed to; no name that a <peer> can have. */
#define Q_PEER_LISTS "%lists"

/* Who gets what was meant for another (X.411 14.3.4: redirection). */
struct q_redirect {
	struct mhs_name to;
	enum p1_redirection_reason reason;
};

struct q_listener_config {
	const char *name; /* "iaed", "smtpd": also the program */
	const char **addresses;
	size_t n_addresses;
	const struct conf_node *node;
};

struct q_config {
	struct arena *arena;
	const struct conf_node *root;
	/* <mta> */
	const char *mta_name;
	struct mhs_domain domain;
	/* <log> */
	int log_level;
	bool log_syslog;
	/* <spool>, <scheduler> */
	struct q_spool_params spool;
	struct sched_params sched;
	unsigned hop_limit;
	int64_t measure_window; /* of the self test (qmgr/tune.h) */
	int64_t hang_timeout;   /* a process that does not answer; 0: never */
	int64_t stop_timeout;   /* to finish in, at a stop */
	unsigned loop_visits;   /* unmarked ones before this that are no loop */
	/* <control>: groups that may act on the running switch, or look */
	bool has_operators, has_viewers;
	gid_t operators, viewers;
	/* lists, in the order of the file */
	struct q_channel_config **channels;
	size_t n_channels;
	struct q_peer_config **peers;
	size_t n_peers;
	struct q_listener_config **listeners;
	size_t n_listeners;
	struct q_routes *routes;     /* to peers' names */
	struct q_routes *redirects;  /* to struct q_redirect */
	struct q_routes *alternates; /* the same, for unknown recipients */
	struct q_routes *lists;      /* to struct q_list */
};

/* Reads and checks all of it. Every fault is told to `complain` (which may be
 * NULL) with its file and line; the first is also in `e`. 0, or ERR_CONFIG
 * when there was any fault; q_config_free() is due in both cases. */
int q_config_read(const struct conf_node *root, struct q_config *c,
    conf_complain_fn *complain, void *arg, struct err *e);
void q_config_free(struct q_config *c);

/* Of a <peer>: does it get P2 for P22 contents, because it says so, or because
 * its protocol is of 1984? */
bool q_peer_wants_p2(const struct conf_node *peer);

/* The list of that name, or NULL. */
const struct q_list *q_config_list(
    const struct q_config *c, const struct mhs_name *name);
/* NULL when there is none of that name. */
const struct q_channel_config *q_config_channel(
    const struct q_config *c, const char *name);
const struct q_peer_config *q_config_peer(
    const struct q_config *c, const char *name);

#endif
