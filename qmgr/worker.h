/*
 * A channel process that makes messages of messages: mixer, list, report. It
 * gets the record of a work opened, submits what it makes of it, and sets an
 * outcome for each recipient; the answer goes out when all that it submitted is
 * durable (or has failed). At a stop, what is under way is finished.
 *
 * A job lives until its answer; its memory is the record's arena.
 */
#ifndef QMGR_WORKER_H
#define QMGR_WORKER_H

#include "qmgr/submit.h"

struct q_worker;

struct q_job {
	struct q_worker *worker;
	struct q_record *record;    /* the version that the work names */
	q_id message;               /* the original */
	struct q_outcome *outcomes; /* one per recipient of the work, to be set;
	                             * first Q_TRANSFERRED, without diagnostic;
	                             * `at` is set at the answer */
	size_t n;
	q_id made; /* Q_CONVERTED: the new version */
	/* the worker's */
	uint64_t mlist;
	unsigned commits; /* under way */
};

struct q_worker_ops {
	/* The configuration is there, and the worker's submitter; *state, in
	 * the worker's arena, goes to `work`. Negative: ends the process, as in
	 * chan.h. NULL: nothing to do. */
	int (*open)(void **state, struct q_worker *w,
	    const struct conf_node *root, const struct conf_node *own,
	    struct err *e);
	/* The work is valid during the call. The outcomes are set here or in
	 * the q_commit_fn of what is submitted. */
	void (*work)(void *state, struct q_job *j, const struct q_work *w);
};

/* For q_chan_main(), whose `make` returns such a worker: it takes `capacity`
 * works at once. The name is the submitter's too, and must live as long. */
extern const struct q_chan_ops q_worker_chan_ops;
struct q_worker *q_worker_new(struct loop *l, struct q_chan *c,
    const char *name, unsigned capacity, const struct q_worker_ops *ops);
/* The channel, where it was not there yet. */
void q_worker_join(struct q_worker *w, struct q_chan *c);
void q_worker_free(void *w);

/* Submits that envelope and content; `done` is called when it is durable or
 * has failed, unless this returns negative (it failed at once). */
int q_job_submit(struct q_job *j, const struct mhs_envelope *env, const void *p,
    size_t n, q_commit_fn *done, void *arg, struct err *e);

/* The same outcome for all recipients of the work. */
void q_job_outcome(struct q_job *j, const struct q_outcome *same);

struct q_submitter *q_worker_submitter(struct q_worker *w);
/* Lives as long as the worker. */
struct arena *q_worker_arena(struct q_worker *w);

/* Will another try help, after q_job_submit() failed? */
bool q_submit_may_pass(const struct err *e);

#endif
