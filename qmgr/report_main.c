/*
 * NAME
 *	report - channel that makes delivery and non-delivery reports
 * SYNOPSIS
 *	Started by qmgr(8).
 * DESCRIPTION
 *	Gets, as work, the outcomes of a message's recipients. Makes the report
 *	that the originator (or an MTA on the way) asked for, and submits it
 *	like any other message; routing takes it back by P1, or through mixer
 *	as a delivery status notification. The work is done when the report is
 *	durable, or when nobody asked to be told.
 * DIAGNOSTICS
 *	"unreadable" for a message that cannot be read; if it is gone or
 *	corrupt nothing can be reported of it, and the work is over. "report"
 *	with the subject, destination and number of recipients; "no
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
#include "qmgr/submit.h"

#define CAPACITY 16

struct reporter {
	struct loop *loop;
	struct q_chan *chan;
	const char *name;
	struct q_submitter *submitter;
	struct arena *arena;
	struct mhs_mta us;
	unsigned busy;
	bool stopping;
};

/* One work: until its report is durable. */
struct job {
	struct reporter *reporter;
	struct q_record *record;
	uint64_t mlist;
	uint32_t *recipients;
	size_t n_recipients;
};

static void
job_end(struct job *j, enum q_result result, const struct err *e)
{
	struct reporter *r = j->reporter;
	struct q_outcome o = {
	    .result = result,
	    .reason = MHS_TRANSFER_FAILURE,
	    .diagnostic = MHS_DIAG_ABSENT,
	    .text = e != NULL ? e->text : NULL,
	    .at = clock_wall(),
	};

	q_chan_result_all(
	    r->chan, j->mlist, j->recipients, j->n_recipients, &o, false);
	q_record_close(&j->record);
	free(j->recipients);
	free(j);
	if (--r->busy == 0 && r->stopping)
		loop_stop(r->loop);
}

static void
on_durable(void *arg, int result, q_id id, const struct err *e)
{
	struct job *j = arg;
	char text[Q_ID_TEXT], subject[Q_ID_TEXT];

	if (result < 0) {
		log_err(LOG_LEVEL_WARN, "report deferred", e, "subject",
		    q_id_text(j->record->id, subject), NULL);
		job_end(j, Q_DEFERRED, e);
		return;
	}
	log_event(LOG_LEVEL_INFO, "report", "id", q_id_text(id, text),
	    "subject", q_id_text(j->record->id, subject), "to",
	    mhs_name_text(j->record->arena, &j->record->env->originator), NULL);
	job_end(j, Q_TRANSFERRED, NULL);
}

/* Octets of an Internet message up to and with its first empty line. */
static size_t
header_length(const uint8_t *p, size_t n)
{
	const uint8_t *end = memmem(p, n, "\r\n\r\n", 4);

	return end != NULL ? (size_t)(end - p) + 4 : n;
}

static int
submit(struct job *j, struct mhs_envelope *report, enum q_report_return ret,
    struct err *e)
{
	const struct q_record *rec = j->record;
	size_t n = 0;
	struct q_submission *m = q_submit_begin(j->reporter->submitter, e);

	if (m == NULL)
		return e->code;
	if (ret == Q_RETURN_ALL)
		n = rec->content_n;
	else if (ret == Q_RETURN_HEADER)
		n = header_length(rec->content, rec->content_n);
	report->content_length = n;
	if (q_submit_content(m, rec->content, n, e) < 0) {
		q_submit_abort(&m);
		return e->code;
	}
	return q_submit_commit(m, report, on_durable, j, e);
}

static struct mhs_envelope *
make(struct job *j, const struct q_work *w, enum q_report_return *ret)
{
	const struct reporter *r = j->reporter;
	struct q_report_params p = {
	    .domain = r->us.domain,
	    .mta = r->us.name,
	    .hostname = r->us.hostname,
	    .local_id = arena_printf(j->record->arena, "%.8s.r%" PRIx64 ".%x",
		r->us.name, (uint64_t)w->message,
		w->n_outcomes > 0 ? w->outcomes[0].recipient : 0),
	    .now = clock_wall(),
	};
	struct mhs_envelope *env = q_report_make(j->record->arena, &p,
	    j->record->env, w->outcomes, w->n_outcomes, ret);

	if (env != NULL)
		env->parent = w->message;
	return env;
}

/* Outcomes that name no recipient of the record are a bug of qmgr's. */
static bool
outcomes_fit(const struct q_work *w, const struct mhs_envelope *env)
{
	for (size_t i = 0; i < w->n_outcomes; i++)
		if (w->outcomes[i].recipient >= env->n_recipients)
			return false;
	return true;
}

static struct job *
job_new(struct reporter *r, const struct q_work *w, struct q_record *record)
{
	struct job *j = xcalloc(1, sizeof(*j));

	j->reporter = r;
	j->record = record;
	j->mlist = w->mlist;
	j->n_recipients = w->n_recipients;
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
	enum q_report_return ret;
	struct mhs_envelope *report;
	char subject[Q_ID_TEXT];

	if (q_record_open(
		q_submitter_spool(r->submitter), w->message, &record, &e) < 0) {
		q_chan_unreadable(r->chan, w, &e);
		return;
	}
	j = job_new(r, w, record);
	INVARIANT(outcomes_fit(w, j->record->env));
	report = make(j, w, &ret);
	if (report == NULL) {
		log_event(LOG_LEVEL_DEBUG, "no report", "subject",
		    q_id_text(w->message, subject), NULL);
		job_end(j, Q_TRANSFERRED, NULL);
		return;
	}
	if (submit(j, report, ret, &e) < 0) {
		/* a destination that no route leads to, or a hop limit:
		 * trying again would not help, and nobody else can be told */
		bool again = e.code == ERR_TEMPORARY || e.code == ERR_SYSTEM;

		log_err(again ? LOG_LEVEL_WARN : LOG_LEVEL_ERROR,
		    again ? "report deferred" : "report impossible", &e,
		    "subject", q_id_text(w->message, subject), NULL);
		job_end(j, again ? Q_DEFERRED : Q_FAILED, &e);
	}
}

static int
on_config(void *arg, const struct conf_node *root, const struct conf_node *own,
    struct err *e)
{
	struct reporter *r = arg;

	(void)own;
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
