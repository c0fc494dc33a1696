/*
 * The channel protocol, as a channel process sees it: qmgr, the parent, is
 * at the other end of descriptor 3.
 *
 * qmgr sends the configuration first, then work (one mlist: recipients of one
 * message that go to one peer), and the channel answers each with outcomes.
 * Listeners get no work but use the same protocol for configuration, service
 * sockets and shutdown. When qmgr goes away, the channel ends.
 */
#ifndef QMGR_CHAN_H
#define QMGR_CHAN_H

#include "lib/conf.h"
#include "lib/loop.h"
#include "qmgr/level.h"
#include "qmgr/spool.h"

#define Q_CHAN_FD 3

enum q_result {
	Q_TRANSFERRED, /* the next MTA took responsibility; no report from us */
	Q_RELAYED,     /* same, but the peer will not report success */
	Q_DELIVERED,   /* final delivery: a report if one was asked for */
	Q_CONVERTED,   /* step done: q_outcomes.record is the new version */
	Q_DEFERRED,    /* temporary: try this message again later */
	Q_FAILED,      /* permanent: non-delivery */
	Q_DELAYED,     /* only to the report channel: it is tried still */
	Q_WANTS_P2,    /* not sent: the peer was found to know P2 only, so the
	                * mixer must make that first; of all recipients */
};

/* What became of one recipient. Text is copied. */
struct q_outcome {
	uint32_t recipient; /* index into the record's recipients */
	enum q_result result;
	int32_t reason, diagnostic; /* FAILED: X.411 codes (mhs/diag.h) */
	const char *status;         /* RFC 3463 "5.1.1", or NULL */
	const char *text; /* the peer's words or ours, one line, or NULL */
	const char *remote_mta; /* "dns; host" / "x400; mta", or NULL */
	int64_t at; /* wall seconds; Q_DELAYED: until when it is tried */
};

/* Of <scheduler stop-timeout>, when it says nothing; ms. */
#define Q_STOP_TIMEOUT 10000

struct q_work {
	uint64_t mlist;   /* names this work in the answer */
	q_id message;     /* the original record */
	q_id record;      /* the version to send */
	const char *peer; /* configuration name, "" for internal channels */
	const char *next_peer; /* mixer: the peer that the new version is for */
	bool p2;               /* mixer: it knows P2 only */
	/* Configuration name of the peer that was tried first; NULL: none. */
	const char *rerouted_from;
	enum mhs_priority priority;
	enum q_level level;   /* serve what you have in this order */
	unsigned connections; /* to the peer, at most, from now on; 0: it has
	                       * none (internal channels) */
	unsigned attempt;     /* 1 for the first */
	int64_t arrival;
	const uint32_t *recipients; /* indices into the record's recipients */
	size_t n_recipients;
	const struct q_outcome *outcomes; /* report channel: what to report;
	                                   * else NULL */
	size_t n_outcomes;
};

struct q_outcomes {
	uint64_t mlist;
	const struct q_outcome *v; /* one per recipient of the work */
	size_t n;
	q_id record; /* Q_CONVERTED: the new version */
	/* The error is the peer's (no connection, refused bind, greylisting
	 * of all): qmgr holds the peer, not only this message. */
	bool peer_error;
};

struct q_chan;

struct q_chan_ops {
	/* First of all, and once: the whole tree, and this channel's own
	 * element in it (NULL for a listener that has none). Both live as
	 * long as the q_chan. A channel that cannot use them says why in e
	 * and returns negative: the process ends with exit code 2, or 1 if
	 * the system is to blame and a later start may do better. */
	int (*config)(void *arg, const struct conf_node *root,
	    const struct conf_node *own, struct err *e);
	/* Work; valid during the call. NULL for listeners. */
	void (*work)(void *arg, const struct q_work *w);
	/* A socket for handing over connections: to iaed one per service
	 * channel (name = the channel's), to a service its receiving end
	 * (name = "iaed"). The descriptor is the callee's. */
	void (*service)(void *arg, const char *name, int fd);
	/* Listening sockets opened by qmgr, one call each, before anything
	 * is accepted (name = the address in the configuration). */
	void (*listen)(void *arg, const char *name, int fd);
	/* Finish what is under way, take nothing new, then loop_stop(); after
	 * <scheduler stop-timeout>, qmgr kills. */
	void (*stop)(void *arg);
};

struct q_chan *q_chan_open(
    struct loop *l, const struct q_chan_ops *ops, void *arg, struct err *e);
void q_chan_free(struct q_chan **c);

/* Says how many works at once this process takes (default 1). */
void q_chan_capacity(struct q_chan *c, unsigned n);
void q_chan_result(struct q_chan *c, const struct q_outcomes *o);
/* The same outcome for every recipient of a work, for the common case. */
void q_chan_result_all(struct q_chan *c, uint64_t mlist,
    const uint32_t *recipients, size_t n, const struct q_outcome *same,
    bool peer_error);
/* The answer to a work whose record cannot be read, logged; the same policy in
 * all channels. What is gone or corrupt stays so: Q_FAILED with
 * transfer-failure; anything else may pass: Q_DEFERRED. */
void q_chan_unreadable(
    struct q_chan *c, const struct q_work *w, const struct err *e);
/* Will a record that could not be opened for this reason never be? */
bool q_record_lost(const struct err *e);
/* How many connections (associations, sessions) this process has with that peer
 * now: those that the peer opened, and ours. The name is the configured one; ""
 * is whoever else. For `isthmus status`; qmgr is told soon, at most once a
 * second. */
void q_chan_connections(
    struct q_chan *c, const char *peer, unsigned in, unsigned out);

/* The main program of every channel and listener: sets up the log from the
 * configuration, signals, loop; runs until told to stop. Returns main()'s
 * exit code. `make` gets the loop and chan and returns the channel's state for
 * the ops' arg. */
int q_chan_main(int argc, char **argv, const char *name,
    const struct q_chan_ops *ops,
    void *(*make)(struct loop *l, struct q_chan *c, const char *name),
    void (*destroy)(void *state));

#endif
