/*
 * The x400p1 channel: P1 associations with peer MTAs, both directions.
 *
 * x400p1.c has configuration and program, x400p1_link.c one association,
 * x400p1_in.c what comes in over it, x400p1_out.c work from qmgr and the pools
 * of associations that carry it, x400p1_job.c a record on its way out.
 */
#ifndef P1_X400P1_H
#define P1_X400P1_H

#include "p1/p1.h"
#include "p1/trace.h"
#include "qmgr/chan.h"
#include "qmgr/submit.h"

struct x400p1;
struct x_link;

/* One work on its way. Lives in the record's arena. */
struct x_job {
	struct x_job *next; /* in the peer's queue */
	struct x400p1 *channel;
	struct x_peer *peer;
	uint64_t mlist;
	q_id message;      /* the original, for the log */
	unsigned attempts; /* on an association that broke */
	struct q_record *record;
	struct mhs_envelope *env;   /* as it goes out */
	struct q_outcome *outcomes; /* one per recipient of the work */
	size_t n_outcomes;
	uint64_t sent; /* content octets given to the engine */
};

struct x_peer {
	struct x_peer *next;
	struct x400p1 *channel;
	const char *name, *address;
	struct osi_selectors called;
	const char *mta, *password;         /* what it presents */
	const char *our_mta, *our_password; /* what we present */
	bool two_way_alternate;
	uint32_t checkpoint_size, window_size;
	unsigned max_links;  /* that we open */
	struct x_job *first; /* waiting: the most urgent first */
	unsigned n_waiting, n_links, n_opening;
};

/* An APDU received: until what it led to is durable. */
struct x_in {
	struct x_in *next;   /* in its link's `late` */
	struct x_link *link; /* NULL: the association is gone */
	struct x400p1 *channel;
	const char *peer;
	struct arena *arena; /* of the envelope */
	struct mhs_envelope *env;
	struct q_submission *submission;
	struct err err; /* it cannot be stored: refused at its end */
	uint64_t octets;
	unsigned commits; /* under way */
	q_id id;
};

struct x_link {
	struct x_link *next, **prev;
	struct x400p1 *channel;
	struct x_peer *peer; /* responder: known from the bind on */
	enum osi_role role;
	struct p1 *p1;
	struct conn *conn;
	struct loop_timer *idle;
	bool opened, closing, ended;
	unsigned used; /* transfers begun by us */
	struct x_job *job;
	struct x_in *in;
	struct x_in *late; /* given up by the peer after its end, while the
	                    * commit was under way: it keeps what it has, the
	                    * peer sends it again. No input meanwhile. */
};

struct x400p1 {
	struct loop *loop;
	struct q_chan *chan;
	const char *name;
	struct arena *arena;
	struct q_submitter *submitter;
	struct p1_us us;
	const char *hostname;
	struct osi_sel calling; /* our transport selector */
	int64_t idle_timeout, max_size;
	unsigned max_links; /* in each direction */
	struct x_peer *peers;
	struct x_peer *served; /* the last that got a place which was awaited */
	struct x_link *links;  /* the youngest first */
	unsigned n_outgoing, n_incoming, n_jobs, n_commits;
	uint32_t serial; /* of connections and reports */
	int service;     /* where iaed hands over connections, -1: nowhere */
	struct loop_watch *watch;
	bool stopping;
};

/* x400p1_link.c */
/* The O/R address where there is one: that is what crossed. */
const char *x_name_text(struct arena *a, const struct mhs_name *n);
/* Something ended; is it time to stop? */
void x_check(struct x400p1 *c);
/* Opens one to the peer: ERR_* when there is no socket. */
int x_link_open(struct x_peer *p, struct err *e);
/* Takes a connection from iaed, with the octets that were read of it. */
void x_link_take(struct x400p1 *c, int fd, const uint8_t *d, size_t n);
/* Nothing is under way on it: closes it now, or when it stays so. */
void x_link_rest(struct x_link *l);
/* Releases it when what is under way is done. */
void x_link_close(struct x_link *l);
void x_links_free(struct x400p1 *c);

/* x400p1_in.c: the IN_ events. */
void x_in_event(struct x_link *l, const struct p1_event *ev);
/* The association is gone: what is not being committed is forgotten. */
void x_in_drop(struct x_link *l);

/* x400p1_out.c */
void x_out_add(struct x_peer *p, struct x_job *j);
/* Joins waiting work and associations. */
void x_out_pump(struct x_peer *p);
/* A place became free: first for peers that have none. */
void x_out_pump_all(struct x400p1 *c);
/* The sending events; OPEN and TURN mean that it may take work. */
void x_out_event(struct x_link *l, const struct p1_event *ev);
/* The association ended: its work waits again, or is deferred. A peer that
 * did not let us in defers all that waits. */
void x_out_ended(struct x_link *l, const struct err *why);
void x_out_free(struct x400p1 *c);

/* x400p1_job.c */
/* Opens the record and makes the envelope. NULL: the result was given. */
struct x_job *x_job_new(
    struct x400p1 *c, struct x_peer *peer, const struct q_work *w);
void x_job_transferred(struct x_job *j, const char *mta);
void x_job_deferred(
    struct x_job *j, const char *status, const char *why, bool peer_error);
void x_job_failed(struct x_job *j, const struct err *why);

#endif
