/*
 * What the files of the qmgr program share: one struct, and who looks after
 * which part of it.
 */
#ifndef QMGR_QMGR_OWN_H
#define QMGR_QMGR_OWN_H

#include "qmgr/config.h"
#include "qmgr/control.h"
#include "qmgr/pipe.h"
#include "qmgr/queue.h"
#include "qmgr/time.h"
#include "qmgr/table.h"

struct qmgr;

/* A program that qmgr runs, once or several times. */
struct program {
	struct program *next;
	const char *name; /* channel, listener, or "loader" */
	const char *file; /* below libexec/isthmus */
	const struct q_channel_config *channel;   /* or NULL */
	const struct q_listener_config *listener; /* or NULL */
	struct sched_chan *sched;                 /* of a channel */
	unsigned least; /* processes that run always */
	unsigned running;
	unsigned failures;  /* in a row */
	int64_t not_before; /* no start before this, ms */
};

/* Connections of a child with a peer. */
struct child_peer {
	struct child_peer *next;
	char *name;
	unsigned in, out;
};

/* A work that a child has. */
struct child_work {
	struct table_node node; /* key: mlist */
};

struct child {
	struct child *next;
	struct qmgr *q;
	struct program *program;
	pid_t pid;
	struct q_pipe *pipe;
	uint64_t instance;
	uint64_t scan_instance; /* loader: what it scans */
	unsigned capacity;
	struct table works;
	struct child_peer *peers;
	int64_t started, idle_since; /* ms */
	unsigned pings;              /* since it last said something */
	int64_t ping_at;             /* ms: when to ask again */
	bool stopping;               /* was told to end */
	bool dropped;                /* was killed at a stop: no matter */
	bool scanned;                /* dead: what it wrote is gone over */
	bool loaded;                 /* loader: said that all is told */
	bool pipe_over, reaped;      /* both: it is over */
	int status;                  /* from waitpid() */
};

/* An instance that died, whose segments are to be scanned. */
struct scan {
	struct scan *next;
	uint64_t instance; /* 0: everything, at the start */
	bool running;
};

/* A listening socket, or one end of a pair between listener and service. */
struct named_fd {
	struct named_fd *next;
	char *name; /* address; or the service's channel */
	int fd;
	int other; /* pair: the service's end */
};

struct qmgr {
	struct loop *loop;
	struct arena *arena; /* of the configuration */
	const char *config_path;
	const char *last_path; /* of the last good one, or NULL */
	const struct conf_node *root;
	struct q_config config;
	struct arena *next_arena; /* what is put in force after the stop */
	const struct conf_node *next_root;
	struct q_queue *queue;
	struct q_journal *journal;
	struct q_control *control;
	struct program *programs;
	struct child *children;
	struct scan *scans;
	struct named_fd *listening, *services;
	struct loop_timer *timer, *stop_timer, *keep_timer;
	int64_t timer_at;
	uint64_t first_number;
	uint64_t next_instance;
	uint64_t snapshot_size; /* octets of the last one */
	q_id *moves; /* what the compactor was told; NULL: none runs */
	size_t n_moves;
	bool loaded;      /* the start's scan is complete */
	bool keep_failed; /* SPOOL/run/configuration is not up to date */
	bool kicked;
	bool child_died; /* at least one, since they were looked at */
	bool stopping;
	bool restart; /* begin anew after stopping */
	int lock;     /* descriptor of run/lock, also our children's */
	struct q_time time;
};

/* Milliseconds of the wall clock, but never backwards (qmgr/time.h). */
int64_t qmgr_now(void *q);
/* Have dispatching, starts and timers looked at, soon. */
void qmgr_kick(struct qmgr *q);

/* process.c: starting, watching and ending children. */
void process_setup(struct qmgr *q);
/* Starts what is missing and useful. Returns when to look again, ms. */
int64_t process_start_all(struct qmgr *q);
/* Tells all to finish; qmgr_children_gone() is called when none is left. */
void process_stop_all(struct qmgr *q);
void process_kill(struct child *c);
void process_free(struct qmgr *q);
/* qmgr.c */
void qmgr_children_gone(struct qmgr *q);
void qmgr_loaded(struct qmgr *q);

/* channel.c: qmgr's side of the protocol. */
void channel_open(struct child *c, int fd);
/* Gives work to the children of all channels, as the scheduler says. */
void channel_dispatch_all(struct qmgr *q);
void channel_stop(struct child *c);
/* Asks it whether it lives; c->pings is 0 again when it answered. */
void channel_ping(struct child *c);
/* Its works go back, its memory is freed. */
void channel_close(struct child *c);

/* sockets.c: sockets that outlive their users. */
int sockets_open(struct qmgr *q, struct err *e);
/* Opens what a new configuration names and is not open yet, and closes what it
 * does not name. On failure all is as it was. */
int sockets_prepare(struct qmgr *q, const struct q_config *next, struct err *e);
/* From now on callers are refused, as far as it depends on us. */
void sockets_close_listening(struct qmgr *q);
void sockets_free(struct qmgr *q);
/* For a new image of qmgr (SIGHUP): leave them open, say so in the
 * environment; and take them from there. */
void sockets_bequeath(struct qmgr *q);
void sockets_inherit(struct qmgr *q);

/* compaction.c: when the compactor is started. */
bool compaction_due(const struct qmgr *q);
/* One starts: q->moves says what it is to do. */
/* False: there is nothing that could move now. */
bool compaction_begin(struct qmgr *q);
void compaction_over(struct qmgr *q, bool clean);

/* dispose.c */
void dispose_segment(struct qmgr *q, uint64_t number);
void dispose_content(struct qmgr *q, uint64_t number);
/* Makes it durable that they are gone. */
int dispose_sync(struct qmgr *q, struct err *e);

#endif
