/*
 * NAME
 *	list - channel that expands distribution lists
 * SYNOPSIS
 *	Started by qmgr(8), when the configuration has a <list>.
 * DESCRIPTION
 *	Gets messages whose recipient is a list of the configuration, and
 *	submits each anew for the list's members, with the same content. The
 *	work is done when the new message is durable. A message that may not be
 *	expanded fails for the list's name; one that has passed the list before
 *	ends here. A report for a list is passed on as the list says, or ends.
 * DIAGNOSTICS
 *	"expanded" with the list, the message and the new one; "not expanded"
 *	with the reason; "list loop"; "report passed on"; "report dropped".
 */
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "mhs/diag.h"
#include "p1/trace.h"
#include "qmgr/direct.h"
#include "qmgr/settled.h"
#include "qmgr/submit.h"

#define CAPACITY 8

struct expander {
	struct loop *loop;
	struct q_chan *chan;
	const char *name;
	struct q_submitter *submitter;
	unsigned busy;
	bool stopping;
};

/* One work: until all that it expanded to is durable. */
struct job {
	struct expander *x;
	struct q_record *record;
	uint64_t mlist;
	q_id message;
	struct q_outcome *outcomes; /* one per list */
	size_t n;
	unsigned commits; /* under way */
};

/* One list of it. */
struct expansion {
	struct job *job;
	struct q_outcome *outcome;
	const struct q_list *list;
	const char *done; /* what the log says when it is durable */
};

static void
job_end(struct job *j)
{
	struct expander *x = j->x;
	struct q_outcomes o = {.mlist = j->mlist, .v = j->outcomes, .n = j->n};

	for (size_t i = 0; i < j->n; i++)
		j->outcomes[i].at = clock_wall();
	q_chan_result(x->chan, &o);
	q_record_close(&j->record); /* the job lives in its arena */
	if (--x->busy == 0 && x->stopping)
		loop_stop(x->loop);
}

static void
log_list(const struct expansion *x, enum log_level level, const char *event,
    q_id made, const char *why)
{
	const struct q_record *rec = x->job->record;
	char id[Q_ID_TEXT], new[Q_ID_TEXT];

	log_event(level, event, "id", q_id_text(rec->id, id), "mts-id",
	    mhs_mts_id_text(rec->arena, &rec->env->id), "list",
	    x->list != NULL ? mhs_name_text(rec->arena, &x->list->name) : NULL,
	    "new", made != 0 ? q_id_text(made, new) : NULL, "members",
	    x->list != NULL ? log_u64(x->list->n_members) : NULL, "reason", why,
	    NULL);
}

static void
defer(struct expansion *x, const struct err *e)
{
	x->outcome->result = Q_DEFERRED;
	x->outcome->text = arena_strdup(x->job->record->arena, e->text);
	log_list(x, LOG_LEVEL_WARN, "deferred", 0, e->text);
}

static void
fail(struct expansion *x, int32_t diagnostic, const char *why)
{
	struct q_outcome *o = x->outcome;

	o->result = Q_FAILED;
	o->reason = MHS_UNABLE_TO_TRANSFER;
	o->diagnostic = diagnostic;
	o->status = mhs_diag_to_status(o->reason, diagnostic);
	o->text = arena_strdup(x->job->record->arena, why);
	log_list(x, LOG_LEVEL_WARN, "not expanded", 0, why);
}

static void
on_durable(void *arg, int result, q_id id, const struct err *e)
{
	struct expansion *x = arg;
	struct job *j = x->job;

	if (result < 0)
		defer(x, e);
	else
		log_list(x, LOG_LEVEL_INFO, x->done, id, NULL);
	if (--j->commits == 0)
		job_end(j);
}

/* Submits it with the content as it is. It says whom it stands for: so each
 * list of the work has its answer as soon as its expansion is durable. */
static void
submit(struct expansion *x, struct mhs_envelope *env)
{
	struct job *j = x->job;
	const struct q_settled settled = {
	    .message = j->message,
	    .as = x->outcome->result == Q_DELIVERED ? Q_SETTLED_DELIVERED
						    : Q_SETTLED_TRANSFERRED,
	    .v = &x->outcome->recipient,
	    .n = 1,
	};
	struct err e = ERR_INIT;
	struct q_submission *m = q_submit_begin(j->x->submitter, &e);

	q_settled_set(j->record->arena, env, &settled);
	if (m == NULL ||
	    q_submit_content(m, j->record->content, j->record->content_n, &e) <
		0) {
		q_submit_abort(&m);
		defer(x, &e);
		return;
	}
	j->commits++;
	if (q_submit_commit(m, env, on_durable, x, &e) >= 0)
		return;
	j->commits--;
	if (e.code == ERR_TEMPORARY || e.code == ERR_SYSTEM)
		defer(x, &e);
	else
		fail(x,
		    e.detail == MHS_LOOP_DETECTED ? MHS_LOOP_DETECTED
						  : MHS_DL_EXPANSION_FAILURE,
		    e.text);
}

/* --- reports --- */

static void
pass_on(struct expansion *x)
{
	const struct q_record *rec = x->job->record;
	const char *why;
	struct err e = ERR_INIT;
	struct mhs_envelope *env =
	    q_list_report(rec->arena, x->list, rec->env, &why, &e);

	x->outcome->result = Q_TRANSFERRED;
	x->done = "report passed on";
	if (env != NULL)
		submit(x, env);
	else
		log_list(x, LOG_LEVEL_INFO, "report dropped", 0,
		    why != NULL ? why : e.text);
}

/* --- messages --- */

static void
expand(struct expansion *x, const struct mhs_recipient *r)
{
	const struct q_record *rec = x->job->record;
	struct err e = ERR_INIT;
	struct mhs_envelope *env =
	    q_list_expand(rec->arena, x->list, rec->env, r, clock_wall(), &e);

	if (env == NULL) {
		fail(x, MHS_DL_EXPANSION_FAILURE, e.text);
		return;
	}
	if (env->content_type != MHS_CONTENT_RFC822)
		q_trace_mark(rec->arena,
		    q_submitter_config(x->job->x->submitter), env,
		    P1_TRACE_DL_OPERATION, 0);
	/* the originator hears of the members, or that the list has it */
	x->outcome->result = x->list->reports == Q_LIST_REPORTS_ORIGINATOR
	    ? Q_TRANSFERRED
	    : Q_DELIVERED;
	x->done = "expanded";
	if (env->n_recipients > 0)
		submit(x, env);
	else
		log_list(
		    x, LOG_LEVEL_INFO, x->done, 0, "all members are exempted");
}

static void
judge(struct expansion *x, const struct mhs_recipient *r)
{
	const struct q_record *rec = x->job->record;
	int32_t diagnostic;

	switch (q_list_judge(rec->arena, x->list, rec->env, r, &diagnostic)) {
	case Q_LIST_GOOD: expand(x, r); return;
	case Q_LIST_REFUSED:
		fail(x, diagnostic, mhs_diagnostic_name(diagnostic));
		return;
	case Q_LIST_LOOP:
		x->outcome->result = Q_TRANSFERRED;
		log_list(x, LOG_LEVEL_WARN, "list loop", 0,
		    "the list has expanded it before");
		return;
	}
}

static void
look(struct job *j, struct q_outcome *o)
{
	const struct mhs_envelope *env = j->record->env;
	struct expansion *x = ARENA_NEW(j->record->arena, struct expansion);
	const struct mhs_recipient *r;

	x->job = j;
	x->outcome = o;
	if (o->recipient >= env->n_recipients) {
		fail(x, MHS_DL_EXPANSION_FAILURE,
		    "the record has no such recipient");
		return;
	}
	r = &env->recipients[o->recipient];
	x->list = q_config_list(q_submitter_config(j->x->submitter), &r->name);
	if (x->list == NULL)
		fail(x, MHS_UNRECOGNISED_OR_NAME, "there is no such list");
	else if (env->kind == MHS_REPORT)
		pass_on(x);
	else
		judge(x, r);
}

static void
on_work(void *arg, const struct q_work *w)
{
	struct expander *x = arg;
	struct q_record *record;
	struct err e = ERR_INIT;
	struct job *j;

	if (q_record_open(
		q_submitter_spool(x->submitter), w->record, &record, &e) < 0) {
		q_chan_unreadable(x->chan, w, &e);
		return;
	}
	j = ARENA_NEW(record->arena, struct job);
	j->x = x;
	j->record = record;
	j->mlist = w->mlist;
	j->message = w->message;
	j->n = w->n_recipients;
	j->outcomes = arena_alloc(record->arena, j->n * sizeof(*j->outcomes));
	x->busy++;
	j->commits++; /* ours, until all is begun */
	for (size_t i = 0; i < j->n; i++) {
		j->outcomes[i].recipient = w->recipients[i];
		j->outcomes[i].diagnostic = MHS_DIAG_ABSENT;
		look(j, &j->outcomes[i]);
	}
	if (--j->commits == 0)
		job_end(j);
}

/* --- the process --- */

static int
on_config(void *arg, const struct conf_node *root, const struct conf_node *own,
    struct err *e)
{
	struct expander *x = arg;

	(void)own;
	x->submitter = q_submitter_new(x->chan, root, x->name, e);
	if (x->submitter == NULL)
		return e->code;
	q_chan_capacity(x->chan, CAPACITY);
	return 0;
}

static void
on_stop(void *arg)
{
	struct expander *x = arg;

	x->stopping = true;
	if (x->busy == 0)
		loop_stop(x->loop);
}

static void *
expander_new(struct loop *l, struct q_chan *c, const char *name)
{
	struct expander *x = xcalloc(1, sizeof(*x));

	x->loop = l;
	x->chan = c;
	x->name = name;
	return x;
}

static void
expander_free(void *arg)
{
	struct expander *x = arg;

	q_submitter_free(&x->submitter);
	free(x);
}

int
main(int argc, char **argv)
{
	static const struct q_chan_ops ops = {
	    .config = on_config,
	    .work = on_work,
	    .stop = on_stop,
	};

	return q_chan_main(
	    argc, argv, "list", &ops, expander_new, expander_free);
}
