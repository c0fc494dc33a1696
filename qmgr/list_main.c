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
#include "lib/log.h"
#include "mhs/diag.h"
#include "p1/trace.h"
#include "qmgr/direct.h"
#include "qmgr/settled.h"
#include "qmgr/worker.h"

#define CAPACITY 8

/* One list of a work. */
struct expansion {
	struct q_job *job;
	struct q_outcome *outcome;
	const struct q_list *list;
	const char *done; /* what the log says when it is durable */
};

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

	if (result < 0)
		defer(x, e);
	else
		log_list(x, LOG_LEVEL_INFO, x->done, id, NULL);
}

/* Submits it with the content as it is. It says whom it stands for: so each
 * list of the work has its answer as soon as its expansion is durable. */
static void
submit(struct expansion *x, struct mhs_envelope *env)
{
	struct q_job *j = x->job;
	const struct q_record *rec = j->record;
	const struct q_settled settled = {
	    .message = j->message,
	    .as = x->outcome->result == Q_DELIVERED ? Q_SETTLED_DELIVERED
						    : Q_SETTLED_TRANSFERRED,
	    .v = &x->outcome->recipient,
	    .n = 1,
	};
	struct err e = ERR_INIT;

	q_settled_set(rec->arena, env, &settled);
	if (q_job_submit(
		j, env, rec->content, rec->content_n, on_durable, x, &e) >= 0)
		return;
	if (q_submit_may_pass(&e))
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
		    q_submitter_config(q_worker_submitter(x->job->worker)), env,
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
look(struct q_job *j, struct q_outcome *o)
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
	x->list = q_config_list(
	    q_submitter_config(q_worker_submitter(j->worker)), &r->name);
	if (x->list == NULL)
		fail(x, MHS_UNRECOGNISED_OR_NAME, "there is no such list");
	else if (env->kind == MHS_REPORT)
		pass_on(x);
	else
		judge(x, r);
}

static void
on_work(void *state, struct q_job *j, const struct q_work *w)
{
	(void)state;
	(void)w;
	for (size_t i = 0; i < j->n; i++)
		look(j, &j->outcomes[i]);
}

static void *
new_worker(struct loop *l, struct q_chan *c, const char *name)
{
	static const struct q_worker_ops ops = {.work = on_work};

	return q_worker_new(l, c, name, CAPACITY, &ops);
}

int
main(int argc, char **argv)
{
	return q_chan_main(
	    argc, argv, "list", &q_worker_chan_ops, new_worker, q_worker_free);
}
