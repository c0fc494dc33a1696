/*
 * NAME
 *	report - channel that makes delivery and non-delivery reports
 * SYNOPSIS
 *	Started by qmgr(8).
 * DESCRIPTION
 *	Gets, as work, the outcomes of a message's recipients. Makes the report
 *	that the originator (or an MTA on the way) asked for, and submits it
 *	like any other message; a recipient that failed and has an alternate is
 *	not reported on, but the message submitted for that one. Routing takes
 *	a report back by P1, or through mixer as a delivery status notification.
 *	The work is done when the report is durable, or when nobody asked to be
 *	told.
 * DIAGNOSTICS
 *	"unreadable" for a message that cannot be read; if it is gone or
 *	corrupt nothing can be reported of it, and the work is over. "report"
 *	with the subject and destination; "redirected" with the subject and
 *	the first alternate recipient; "no
 *	report" when none is due; "report deferred" when it could not be
 *	queued (it is tried again).
 */
#include <inttypes.h>
#include <string.h>

#include "lib/log.h"
#include "mhs/diag.h"
#include "mhs/mta.h"
#include "qmgr/report.h"
#include "qmgr/settled.h"
#include "qmgr/worker.h"

#define CAPACITY 16

struct reporter {
	struct mhs_mta us;
	int64_t content_max;
};

/* One work. */
struct job {
	const struct reporter *reporter;
	struct q_job *job;
	struct q_record *record;
	/* of the recipients that alternates were tried for, and of the rest */
	const bool *taken;
	struct part {
		enum q_result result;
		struct err err;
	} redirected, reported;
};

static void
set_outcomes(struct job *j)
{
	for (size_t i = 0; i < j->job->n; i++) {
		const struct part *p =
		    j->taken[i] ? &j->redirected : &j->reported;
		struct q_outcome *o = &j->job->outcomes[i];

		o->result = p->result;
		o->reason = MHS_TRANSFER_FAILURE;
		o->text = p->err.code != 0 ? p->err.text : NULL;
	}
}

static void
set_result(struct part *p, enum q_result result, const struct err *e)
{
	p->result = result;
	p->err = *e;
}

static void
over(struct job *j, struct part *p, const char *what, int result, q_id id,
    const char *to, const struct err *e)
{
	char text[Q_ID_TEXT], subject[Q_ID_TEXT];

	if (result < 0) {
		log_err(LOG_LEVEL_WARN, "report deferred", e, "subject",
		    q_id_text(j->record->id, subject), NULL);
		set_result(p, Q_DEFERRED, e);
	} else {
		log_event(LOG_LEVEL_INFO, what, "id", q_id_text(id, text),
		    "subject", q_id_text(j->record->id, subject), "to", to,
		    NULL);
	}
	set_outcomes(j);
}

static void
on_report(void *arg, int result, q_id id, const struct err *e)
{
	struct job *j = arg;

	over(j, &j->reported, "report", result, id,
	    mhs_name_text(j->record->arena, &j->record->env->originator), e);
}

static void
on_redirected(void *arg, int result, q_id id, const struct err *e)
{
	struct job *j = arg;

	over(j, &j->redirected, "redirected", result, id, NULL, e);
}

/* Octets of an Internet message up to and with its first empty line. */
static size_t
header_length(const uint8_t *p, size_t n)
{
	const uint8_t *end = memmem(p, n, "\r\n\r\n", 4);

	return end != NULL ? (size_t)(end - p) + 4 : n;
}

/* The record says whose outcomes it is about, so that nobody makes it twice. */
static void
settle(struct job *j, struct mhs_envelope *env, const struct q_outcome *o,
    size_t n)
{
	uint32_t *v = arena_alloc(j->record->arena, (n + 1) * sizeof(*v));
	struct q_settled x = {
	    .message = j->record->id, .as = Q_SETTLED_REPORTED, .v = v, .n = n};

	/* a warning settles nothing */
	x.n = 0;
	for (size_t i = 0; i < n; i++)
		if (o[i].result != Q_DELAYED)
			v[x.n++] = o[i].recipient;
	q_settled_set(j->record->arena, env, &x);
}

static int
submit(struct job *j, struct mhs_envelope *env, size_t n, q_commit_fn *done,
    struct err *e)
{
	env->content_length = n;
	return q_job_submit(j->job, env, j->record->content, n, done, j, e);
}

static size_t
returned_length(const struct q_record *rec, enum q_report_return ret)
{
	if (ret == Q_RETURN_ALL)
		return rec->content_n;
	return ret == Q_RETURN_HEADER
	    ? header_length(rec->content, rec->content_n)
	    : 0;
}

/* --- alternates --- */

/* Submits the subject for its recipients' alternates. Returns how many
 * outcomes are left to be reported, in `v`. */
static size_t
try_alternates(struct job *j, const struct q_work *w, struct q_outcome *v)
{
	const struct q_record *rec = j->record;
	bool *taken = arena_alloc(rec->arena, w->n_outcomes * sizeof(*taken));
	struct q_outcome *those =
	    arena_alloc(rec->arena, w->n_outcomes * sizeof(*those));
	size_t n_those = 0;
	struct mhs_envelope *env = q_report_alternates(rec->arena,
	    q_submitter_config(q_worker_submitter(j->job->worker)), rec->env,
	    w->outcomes, w->n_outcomes, clock_wall(), taken);
	struct err e = ERR_INIT;
	size_t n = 0;
	bool failed;

	for (size_t i = 0; env != NULL && i < w->n_outcomes; i++)
		if (taken[i])
			those[n_those++] = w->outcomes[i];
	if (env != NULL)
		settle(j, env, those, n_those);
	failed = env != NULL &&
	    submit(j, env, rec->content_n, on_redirected, &e) < 0;
	if (failed && q_submit_may_pass(&e))
		set_result(&j->redirected, Q_DEFERRED, &e);
	for (size_t i = 0; i < w->n_outcomes; i++) {
		taken[i] &= !failed || q_submit_may_pass(&e);
		if (!taken[i])
			v[n++] = w->outcomes[i];
	}
	j->taken = taken;
	return n;
}

/* --- the report --- */

static struct mhs_envelope *
make(struct job *j, const struct q_outcome *v, size_t n,
    enum q_report_return *ret)
{
	const struct reporter *r = j->reporter;
	/* another report follows, which needs another name */
	bool delay = n > 0 && v[0].result == Q_DELAYED;
	struct q_report_params p = {
	    .domain = r->us.domain,
	    .mta = r->us.name,
	    .hostname = r->us.hostname,
	    .local_id = arena_printf(j->record->arena, "%.8s.%c%" PRIx64 ".%x",
		r->us.name, delay ? 'w' : 'r', (uint64_t)j->record->id,
		n > 0 ? v[0].recipient : 0),
	    .now = clock_wall(),
	    .content_max = (uint64_t)r->content_max,
	};
	struct mhs_envelope *env =
	    q_report_make(j->record->arena, &p, j->record->env, v, n, ret);

	if (env != NULL)
		env->parent = j->record->id;
	return env;
}

static void
report(struct job *j, const struct q_outcome *v, size_t n)
{
	struct err e = ERR_INIT;
	enum q_report_return ret;
	struct mhs_envelope *env = make(j, v, n, &ret);
	char subject[Q_ID_TEXT];
	bool again;

	if (env == NULL) {
		log_event(LOG_LEVEL_DEBUG, "no report", "subject",
		    q_id_text(j->record->id, subject), NULL);
		return;
	}
	settle(j, env, v, n);
	if (submit(j, env, returned_length(j->record, ret), on_report, &e) >= 0)
		return;
	/* a hop limit: trying again would not help, and nobody else can be
	 * told */
	again = q_submit_may_pass(&e);
	log_err(again ? LOG_LEVEL_WARN : LOG_LEVEL_ERROR,
	    again ? "report deferred" : "report impossible", &e, "subject",
	    q_id_text(j->record->id, subject), NULL);
	set_result(&j->reported, again ? Q_DEFERRED : Q_FAILED, &e);
}

/* Outcomes that name no recipient of the record are a bug of qmgr's. */
static bool
outcomes_fit(const struct q_work *w, const struct mhs_envelope *env)
{
	for (size_t i = 0; i < w->n_outcomes; i++)
		if (w->outcomes[i].recipient >= env->n_recipients)
			return false;
	return w->n_outcomes == w->n_recipients;
}

static void
on_work(void *state, struct q_job *job, const struct q_work *w)
{
	struct arena *a = job->record->arena;
	struct job *j = ARENA_NEW(a, struct job);
	struct q_outcome *v = arena_alloc(a, (w->n_outcomes + 1) * sizeof(*v));
	size_t n;

	INVARIANT(outcomes_fit(w, job->record->env));
	j->reporter = state;
	j->job = job;
	j->record = job->record;
	j->redirected.result = j->reported.result = Q_TRANSFERRED;
	n = try_alternates(j, w, v);
	if (n > 0)
		report(j, v, n);
	set_outcomes(j);
}

static int
on_open(void **state, struct q_worker *w, const struct conf_node *root,
    const struct conf_node *own, struct err *e)
{
	struct arena *a = q_worker_arena(w);
	struct reporter *r = ARENA_NEW(a, struct reporter);

	*state = r;
	if (own != NULL &&
	    conf_size(own, "return-max", Q_REPORT_CONTENT_MAX, &r->content_max,
		e) != 0)
		return e->code;
	return mhs_mta_read(a, root, &r->us, e) < 0 ? e->code : 0;
}

static void *
new_worker(struct loop *l, struct q_chan *c, const char *name)
{
	static const struct q_worker_ops ops = {
	    .open = on_open, .work = on_work};

	return q_worker_new(l, c, name, CAPACITY, &ops);
}

int
main(int argc, char **argv)
{
	return q_chan_main(argc, argv, "report", &q_worker_chan_ops, new_worker,
	    q_worker_free);
}
