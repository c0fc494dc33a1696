/*
 * The smtp and lmtp channels: work from qmgr goes to pools of client sessions,
 * one pool a peer, and outcomes go back. channel.c has the configuration and
 * the work, channel_job.c turns a record into a transaction and its results
 * into outcomes, channel_peer.c has the pools.
 */
#ifndef SMTP_CHANNEL_H
#define SMTP_CHANNEL_H

#include "lib/conf.h"
#include "qmgr/chan.h"
#include "qmgr/spool.h"
#include "smtp/client.h"

struct smtp_channel;
struct smtp_peer;

/* One work on its way. */
struct smtp_job {
	struct smtp_job *next; /* in the peer's queue */
	struct smtp_channel *channel;
	struct smtp_peer *peer;
	uint64_t mlist;
	enum q_level level;
	q_id message;      /* the original, for the log */
	unsigned attempts; /* on a session of ours that proved dead */
	struct q_record *record;
	struct q_outcome *outcomes; /* one per recipient of the work */
	size_t n_outcomes;
	struct smtp_transaction t;
	size_t *outcome_of; /* transaction recipient -> index of outcomes */
};

struct smtp_peer {
	struct smtp_peer *next;
	struct smtp_channel *channel;
	const char *name, *address, *host; /* host: the address without port */
	unsigned max_links;                /* as the last work said */
	unsigned limit; /* instead of max_links, until then */
	msec_t limit_until;
	struct smtp_job *first; /* waiting, most urgent first */
	unsigned n_waiting;
	struct smtp_link *links;
	unsigned n_links, n_opening;
};

struct smtp_channel {
	struct loop *loop;
	struct q_chan *chan;
	const char *name;
	bool lmtp;
	struct arena *arena;
	struct q_spool *spool;
	struct smtp_client_params client;
	struct smtp_peer *peers;
	unsigned n_jobs, n_links;
	bool stopping;
};

/* Opens the record and makes the transaction. NULL: the result was given. */
struct smtp_job *smtp_job_new(
    struct smtp_channel *c, struct smtp_peer *peer, const struct q_work *w);
/* Nobody can be sent to: every recipient has its outcome already. */
bool smtp_job_settled(const struct smtp_job *j);
/* Gives the result to qmgr and frees the job. `remote` is the server's name
 * for reports. */
void smtp_job_done(struct smtp_job *j, const char *remote);
/* Frees the job without a result (the process ends; qmgr gives the work to
 * another). */
void smtp_job_drop(struct smtp_job *j);
/* The peer cannot be reached: all recipients are deferred. */
void smtp_job_unreachable(struct smtp_job *j, const char *why);

/* The peer's pool: takes the job; starts sessions as needed. */
void smtp_peer_add(struct smtp_peer *p, struct smtp_job *j);
/* Sessions end as soon as they have nothing to do. */
void smtp_peers_stop(struct smtp_channel *c);
/* At the end of the process: what is still there. */
void smtp_peers_free(struct smtp_channel *c);
/* channel.c: something ended; is it time to stop? */
void smtp_channel_check(struct smtp_channel *c);

/* The program: "smtp" or "lmtp". */
int smtp_channel_main(int argc, char **argv, const char *name);

#endif
