#include "qmgr/worker.h"

#include <stdlib.h>

#include "lib/log.h"
#include "mhs/diag.h"
#include "qmgr/chan_own.h"

#define WRITE_PIECE 65536

struct q_worker {
	struct loop *loop;
	struct q_chan *chan;
	const char *name;
	unsigned capacity;
	const struct q_worker_ops *ops;
	void *state;
	struct q_submitter *submitter;
	struct arena *arena;
	unsigned busy; /* jobs */
	bool stopping;
};

struct q_submitter *
q_worker_submitter(struct q_worker *w)
{
	return w->submitter;
}

struct arena *
q_worker_arena(struct q_worker *w)
{
	return w->arena;
}

/* --- one job --- */

static void
job_end(struct q_job *j)
{
	struct q_worker *w = j->worker;
	struct q_record *record = j->record;
	struct q_outcomes o = {
	    .mlist = j->mlist, .v = j->outcomes, .n = j->n, .record = j->made};

	for (size_t i = 0; i < j->n; i++)
		j->outcomes[i].at = clock_wall();
	q_chan_result(w->chan, &o);
	q_record_close(&record); /* the job lives in its arena */
	if (--w->busy == 0 && w->stopping)
		loop_stop(w->loop);
}

static void
job_release(struct q_job *j)
{
	if (--j->commits == 0)
		job_end(j);
}

struct commit {
	struct q_job *job;
	q_commit_fn *done;
	void *arg;
};

static void
on_durable(void *arg, int result, q_id id, const struct err *e)
{
	struct commit *x = arg;

	x->done(x->arg, result, id, e);
	job_release(x->job);
}

static int
put_content(struct q_submission *m, const uint8_t *p, size_t n, struct err *e)
{
	int rc = 0;

	for (size_t piece; rc >= 0 && n > 0; p += piece, n -= piece) {
		piece = n < WRITE_PIECE ? n : WRITE_PIECE;
		rc = q_submit_content(m, p, piece, e);
	}
	return rc;
}

int
q_job_submit(struct q_job *j, const struct mhs_envelope *env, const void *p,
    size_t n, q_commit_fn *done, void *arg, struct err *e)
{
	struct q_submission *m = q_submit_begin(j->worker->submitter, e);
	struct commit *x = ARENA_NEW(j->record->arena, struct commit);
	int rc;

	if (m == NULL)
		return e->code;
	*x = (struct commit){j, done, arg};
	if ((rc = put_content(m, p, n, e)) < 0) {
		q_submit_abort(&m);
		return rc;
	}
	rc = q_submit_commit(m, env, on_durable, x, e);
	if (rc >= 0)
		j->commits++;
	return rc;
}

void
q_job_outcome(struct q_job *j, const struct q_outcome *same)
{
	for (size_t i = 0; i < j->n; i++) {
		uint32_t recipient = j->outcomes[i].recipient;

		j->outcomes[i] = *same;
		j->outcomes[i].recipient = recipient;
	}
}

bool
q_submit_may_pass(const struct err *e)
{
	return e->code == ERR_TEMPORARY || e->code == ERR_SYSTEM;
}

static void
on_work(void *arg, const struct q_work *work)
{
	struct q_worker *w = arg;
	struct q_record *record;
	struct err e = ERR_INIT;
	struct q_job *j;

	if (q_record_open(q_submitter_spool(w->submitter), work->record,
		&record, &e) < 0) {
		q_chan_unreadable(w->chan, work, &e);
		return;
	}
	j = ARENA_NEW(record->arena, struct q_job);
	j->worker = w;
	j->record = record;
	j->mlist = work->mlist;
	j->message = work->message;
	j->n = work->n_recipients;
	j->outcomes =
	    arena_alloc(record->arena, (j->n + 1) * sizeof(*j->outcomes));
	for (size_t i = 0; i < j->n; i++)
		j->outcomes[i] =
		    (struct q_outcome){.recipient = work->recipients[i],
			.result = Q_TRANSFERRED,
			.diagnostic = MHS_DIAG_ABSENT};
	w->busy++;
	j->commits++; /* ours, until all is begun */
	w->ops->work(w->state, j, work);
	job_release(j);
}

/* --- the process --- */

static int
on_config(void *arg, const struct conf_node *root, const struct conf_node *own,
    struct err *e)
{
	struct q_worker *w = arg;
	int rc = 0;

	w->submitter = q_submitter_new(w->chan, root, w->name, e);
	if (w->submitter == NULL)
		return e->code;
	if (w->ops->open != NULL)
		rc = w->ops->open(&w->state, w, root, own, e);
	if (rc >= 0)
		q_chan_capacity(w->chan, w->capacity);
	return rc;
}

static void
on_stop(void *arg)
{
	struct q_worker *w = arg;

	w->stopping = true;
	if (w->busy == 0)
		loop_stop(w->loop);
}

const struct q_chan_ops q_worker_chan_ops = {
    .config = on_config,
    .work = on_work,
    .stop = on_stop,
};

struct q_worker *
q_worker_new(struct loop *l, struct q_chan *c, const char *name,
    unsigned capacity, const struct q_worker_ops *ops)
{
	struct q_worker *w = xcalloc(1, sizeof(*w));

	w->loop = l;
	w->chan = c;
	w->name = name;
	w->arena = arena_new();
	w->capacity = capacity;
	w->ops = ops;
	return w;
}

void
q_worker_join(struct q_worker *w, struct q_chan *c)
{
	w->chan = c;
}

void
q_worker_free(void *arg)
{
	struct q_worker *w = arg;

	q_submitter_free(&w->submitter);
	arena_free(&w->arena);
	free(w);
}
