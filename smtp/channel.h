/*
 * The smtp and lmtp channels: work from qmgr goes to pools of client sessions,
 * and outcomes go back. The way of a message:
 *
 *   job     one work of qmgr: a record and recipients         channel_job.c
 *   group   its recipients of one domain: one transaction
 *   domain  where that is: MX look-up, MTA-STS; its targets   channel_domain.c
 *   route   the targets that one look-up found, in order
 *   pool    the sessions with one target                      channel_pool.c
 *   link    a session                                         channel_link.c
 *
 * A peer with an address is one domain with one target. A group that fails at
 * one target before the server answered MAIL goes on to the next. channel.c has
 * the work, channel_conf.c the configuration. All of it is of one thread.
 */
#ifndef SMTP_CHANNEL_H
#define SMTP_CHANNEL_H

#include "lib/conf.h"
#include "lib/dns.h"
#include "lib/tls.h"
#include "qmgr/chan.h"
#include "qmgr/spool.h"
#include "smtp/client.h"
#include "smtp/demand.h"
#include "smtp/mta_sts.h"
#include "smtp/mx.h"

struct smtp_channel;
struct smtp_domain;
struct smtp_job;
struct smtp_link;
struct smtp_peer;

/* --- jobs and groups --- */

struct smtp_group {
	struct smtp_group *next; /* in a queue, or of the job's to be started */
	struct smtp_job *job;
	const char *domain; /* in A-labels, or a literal; NULL: static */
	struct smtp_transaction t;
	size_t *outcome_of; /* recipient of t -> index of outcomes */
	unsigned attempts;  /* on a session of ours that proved dead */
	/* its way through the targets */
	struct smtp_domain *at;
	struct smtp_route *route;
	size_t next_target;
	unsigned tried;
	msec_t give_up;
	const char *status, *why; /* of the last failure; NULL: none yet */
	const char *host;         /* where that was */
	const char *tls;          /* of the session it went over, or NULL */
};

/* One work on its way; it lives in the record's arena. */
struct smtp_job {
	struct smtp_channel *channel;
	struct smtp_peer *peer;
	uint64_t mlist;
	enum q_level level;
	q_id message; /* the original, for the log */
	struct q_record *record;
	struct q_outcome *outcomes; /* one per recipient of the work */
	size_t n_outcomes;
	struct smtp_transaction t; /* of all recipients that can be sent to */
	size_t *outcome_of;        /* its recipients -> index of outcomes */
	size_t open;               /* groups under way, and who starts them */
	bool peer_error;
};

/* Opens the record. NULL: the result was given. */
struct smtp_job *smtp_job_new(
    struct smtp_channel *c, struct smtp_peer *peer, const struct q_work *w);
/* Groups on their way to their domains; the result when all are done. */
void smtp_job_start(struct smtp_job *j);
/* The group's transaction is over: `remote` is the server's name for reports.
 * The last one gives the result to qmgr and frees the job. */
void smtp_group_done(struct smtp_group *g, const char *remote);
/* The same without a transaction: all its recipients get this. */
void smtp_group_settle(struct smtp_group *g, enum smtp_outcome outcome,
    const char *status, const char *text, const char *remote);
/* Without a result (the process ends; qmgr gives the work to another). */
void smtp_group_drop(struct smtp_group *g);

/* The more urgent go first; `first`: before its equals. */
struct smtp_queue {
	struct smtp_group *first;
	size_t n;
};
void smtp_queue_put(struct smtp_queue *q, struct smtp_group *g, bool first);
struct smtp_group *smtp_queue_take(struct smtp_queue *q);

/* --- targets --- */

/* Where else it is asked again, and for how long nobody asks it: from 30
 * seconds, doubling, to 15 minutes. */
struct smtp_backoff {
	msec_t until, step;
};
void smtp_backoff_more(struct smtp_backoff *b, msec_t now);

/* The sessions with one target, and who waits for them. */
struct smtp_pool {
	struct smtp_pool *next, **prev; /* of the peer */
	struct smtp_peer *peer;
	struct arena *arena; /* of the pool itself and what it points to */
	struct octets key;   /* what makes it another than others */
	const char *address, *host;
	struct smtp_demand demand;
	struct smtp_mx_host mx; /* its TLSA records; only with demand.dane */
	struct smtp_client_security security, plain;
	unsigned refs;  /* routes */
	unsigned limit; /* fewer sessions than it may have, until then */
	msec_t limit_until;
	msec_t plain_until; /* TLS failed where it need not be */
	struct smtp_backoff down;
	const char *status, *why; /* of `down`; the text is allocated */
	struct smtp_queue waiting;
	struct smtp_link *links;
	unsigned n_links, n_opening;
};

/* What one look-up brought. */
struct smtp_route {
	unsigned refs;
	struct arena *arena; /* of the texts */
	enum smtp_mx_outcome outcome;
	const char *status, *text;
	struct smtp_pool **pools; /* in order */
	size_t n;
};

struct smtp_peer {
	struct smtp_peer *next;
	struct smtp_channel *channel;
	const char *name;
	const char *address; /* NULL: by MX */
	const char *host;    /* the address without port; else NULL */
	const char *mx_host; /* whose MX records serve for all; NULL: own */
	uint16_t port;
	enum smtp_tls_policy policy;
	struct tls *tls; /* NULL: policy none */
	const char *tls_name;
	const char *user, *password, *mechanisms;
	bool plaintext;
	struct smtp_mx_params mx;
	struct smtp_client_params client;
	unsigned max_links; /* as the last work said */
	unsigned n_links, n_opening;
	void *domains; /* tsearch(3), by name */
	struct smtp_domain *first_domain;
	size_t n_domains;
	void *pools; /* tsearch(3), by key */
	struct smtp_pool *first_pool;
};

struct smtp_channel {
	struct loop *loop;
	struct q_chan *chan;
	const char *name;
	bool lmtp;
	struct arena *arena;
	struct q_spool *spool;
	struct smtp_client_params client;
	msec_t connect_timeout;
	unsigned max_links;              /* of the process */
	unsigned per_target, per_domain; /* of peers by MX */
	struct smtp_peer *peers;
	struct dns *dns; /* NULL: no peer by MX */
	struct mta_sts_cache *sts_cache;
	struct mta_sts_fetcher *sts_fetcher;
	struct mta_sts *sts; /* NULL: no peer needs it */
	struct loop_timer *sweep;
	unsigned n_jobs, n_links;
	bool starved; /* some pool waits for others' sessions to end */
	bool stopping;
};

/* channel_conf.c */
int smtp_channel_config(void *arg, const struct conf_node *root,
    const struct conf_node *own, struct err *e);
void smtp_channel_config_free(struct smtp_channel *c);
/* What is wrong with a channel and its peers, as it would say when it starts;
 * 0 or ERR_CONFIG. */
int smtp_channel_conf_check(const struct conf_node *root,
    const struct conf_node *own, bool lmtp, struct err *e);

/* channel_request.c */
/* What the envelope asks for, as the engine wants it: times are those of
 * `now`, milliseconds of the engine, and `wall`, Unix seconds. */
void smtp_requests_of(struct arena *a, const struct mhs_envelope *env,
    msec_t now, int64_t wall, struct smtp_requests *out);
/* The attributes of <channel> or <peer> that are about what servers are
 * asked; *p has what holds without them. */
int smtp_client_config(
    const struct conf_node *n, struct smtp_client_params *p, struct err *e);

/* channel_domain.c */
/* The group goes to its domain, and from there where it can. */
void smtp_domain_add(struct smtp_peer *p, struct smtp_group *g);
/* On to the next target, after `status` and `why` at this one; or deferred. */
void smtp_group_next(struct smtp_group *g);
/* It has left its domain: others may go. Before the group's end. */
void smtp_group_leave(struct smtp_group *g);
/* Starts to forget what is idle and out of date, time and again. */
void smtp_domains_sweep_later(struct smtp_channel *c);
void smtp_domains_free(struct smtp_peer *p);

/* channel_pool.c */
struct smtp_pool *smtp_pool_get(struct smtp_peer *p, const char *address,
    const struct smtp_mx_host *host, const struct smtp_demand *demand);
void smtp_pool_put(struct smtp_pool *p);
/* Those that nobody refers to are freed here, and nowhere else: but while
 * they are down, which is to be remembered. */
void smtp_pools_sweep(struct smtp_peer *peer, msec_t now);
void smtp_pool_add(struct smtp_pool *p, struct smtp_group *g);
/* No session could be opened. */
void smtp_pool_failed(struct smtp_pool *p, const char *status, const char *why);
/* Joins waiting groups and sessions. */
void smtp_pool_pump(struct smtp_pool *p);
/* May it have more sessions than these? */
unsigned smtp_pool_max(const struct smtp_pool *p);
/* Could another pool use a session that does nothing here? */
bool smtp_pool_is_in_the_way(const struct smtp_pool *p);
/* After a session's end. */
void smtp_pools_feed(struct smtp_channel *c);
void smtp_pools_free(struct smtp_peer *p);

/* channel_link.c */
void smtp_link_open(struct smtp_pool *p);
/* Has it a session that does nothing? It gets what waits for it. */
bool smtp_link_use_idle(struct smtp_pool *p);
/* One that does nothing ends. */
bool smtp_link_end_idle(struct smtp_pool *p);
void smtp_links_stop(struct smtp_pool *p);
void smtp_links_free(struct smtp_pool *p);

/* channel.c: something ended; is it time to stop? */
void smtp_channel_check(struct smtp_channel *c);
/* The program: "smtp" or "lmtp". */
int smtp_channel_main(int argc, char **argv, const char *name);

#endif
