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
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "mhs/diag.h"
#include "mhs/mta.h"
#include "qmgr/report.h"
#include "qmgr/settled.h"
#include "qmgr/submit.h"

#define CAPACITY 16

struct reporter {
	struct loop *loop;
	struct q_chan *chan;
	const char *name;
	struct q_submitter *submitter;
	struct arena *arena;
	struct mhs_mta us;
	int64_t content_max;
	unsigned busy;
	bool stopping;
};

/* One work: until what came of it is durable. */
struct job {
	struct reporter *reporter;
	struct q_record *record;
	uint64_t mlist;
	uint32_t *recipients;
	size_t n_recipients;
	unsigned commits; /* under way */
	/* of the recipients that alternates were tried for, and of the rest */
	const bool *taken;
	struct part {
		enum q_result result;
		struct err err;
	} redirected, reported;
};

static struct q_outcome
outcome(const struct job *j, size_t i)
{
	const struct part *p = j->taken[i] ? &j->redirected : &j->reported;
	struct q_outcome o = {
	    .recipient = j->recipients[i],
	    .result = p->result,
	    .reason = MHS_TRANSFER_FAILURE,
	    .diagnostic = MHS_DIAG_ABSENT,
	    .text = p->err.code != 0 ? p->err.text : NULL,
	    .at = clock_wall(),
	};

	return o;
}

static void
job_end(struct job *j)
{
	struct reporter *r = j->reporter;
	struct q_outcome *v =
	    arena_alloc(j->record->arena, j->n_recipients * sizeof(*v));
	struct q_outcomes o = {.mlist = j->mlist, .v = v, .n = j->n_recipients};

	for (size_t i = 0; i < j->n_recipients; i++)
		v[i] = outcome(j, i);
	q_chan_result(r->chan, &o);
	q_record_close(&j->record);
	free(j->recipients);
	free(j);
	if (--r->busy == 0 && r->stopping)
		loop_stop(r->loop);
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
	if (--j->commits == 0)
		job_end(j);
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
	struct q_submission *m = q_submit_begin(j->reporter->submitter, e);
	int rc;

	if (m == NULL)
		return e->code;
	env->content_length = n;
	if (q_submit_content(m, j->record->content, n, e) < 0) {
		q_submit_abort(&m);
		return e->code;
	}
	rc = q_submit_commit(m, env, done, j, e);
	if (rc >= 0)
		j->commits++;
	return rc;
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

static bool
is_temporary(const struct err *e)
{
	return e->code == ERR_TEMPORARY || e->code == ERR_SYSTEM;
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
	    q_submitter_config(j->reporter->submitter), rec->env, w->outcomes,
	    w->n_outcomes, clock_wall(), taken);
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
	if (failed && is_temporary(&e))
		set_result(&j->redirected, Q_DEFERRED, &e);
	for (size_t i = 0; i < w->n_outcomes; i++) {
		taken[i] &= !failed || is_temporary(&e);
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
	again = is_temporary(&e);
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

static struct job *
job_new(struct reporter *r, const struct q_work *w, struct q_record *record)
{
	struct job *j = xcalloc(1, sizeof(*j));

	j->reporter = r;
	j->record = record;
	j->mlist = w->mlist;
	j->n_recipients = w->n_recipients;
	j->redirected.result = j->reported.result = Q_TRANSFERRED;
	j->recipients = xcalloc(w->n_recipients, sizeof(*j->recipients));
	memcpy(j->recipients, w->recipients,
	    w->n_recipients * sizeof(*j->recipients));
	r->busy++;
	return j;
}

static void
on_work(void *arg, const struct q_work *w)
{
	struct reporter *r = arg;
	struct job *j;
	struct q_record *record;
	struct err e = ERR_INIT;
	struct q_outcome *v;
	size_t n;

	if (q_record_open(
		q_submitter_spool(r->submitter), w->record, &record, &e) < 0) {
		q_chan_unreadable(r->chan, w, &e);
		return;
	}
	j = job_new(r, w, record);
	INVARIANT(outcomes_fit(w, j->record->env));
	v = arena_alloc(record->arena, w->n_outcomes * sizeof(*v));
	j->commits++; /* ours, until all is begun */
	n = try_alternates(j, w, v);
	if (n > 0)
		report(j, v, n);
	if (--j->commits == 0)
		job_end(j);
}

static int
on_config(void *arg, const struct conf_node *root, const struct conf_node *own,
    struct err *e)
{
	struct reporter *r = arg;

	if (own != NULL &&
	    conf_size(own, "return-max", Q_REPORT_CONTENT_MAX, &r->content_max,
		e) != 0)
		return e->code;
	if (mhs_mta_read(r->arena, root, &r->us, e) < 0)
		return e->code;
	r->submitter = q_submitter_new(r->chan, root, r->name, e);
	if (r->submitter == NULL)
		return e->code;
	q_chan_capacity(r->chan, CAPACITY);
	return 0;
}

static void
on_stop(void *arg)
{
	struct reporter *r = arg;

	r->stopping = true;
	if (r->busy == 0)
		loop_stop(r->loop);
}

static void *
reporter_new(struct loop *l, struct q_chan *c, const char *name)
{
	struct reporter *r = xcalloc(1, sizeof(*r));

	r->loop = l;
	r->arena = arena_new();
	r->chan = c;
	r->name = name;
	return r;
}

static void
reporter_free(void *arg)
{
	struct reporter *r = arg;

	q_submitter_free(&r->submitter);
	arena_free(&r->arena);
	free(r);
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
	    argc, argv, "report", &ops, reporter_new, reporter_free);
}
