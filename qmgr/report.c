#include "qmgr/report.h"

#include <stdio.h>
#include <string.h>

#include "lib/log.h"
#include "mhs/diag.h"

/* What became of a recipient, as far as a report is concerned. */
static bool
is_failure(const struct q_outcome *o)
{
	return o->result == Q_FAILED;
}

static bool
is_success(const struct q_outcome *o)
{
	return o->result == Q_DELIVERED || o->result == Q_RELAYED;
}

/* RFC 3461 4.1: without NOTIFY, failures are reported. */
static bool
internet_wants(const struct mhs_recipient *r, const struct q_outcome *o)
{
	if (r->notify & MHS_NOTIFY_NEVER)
		return false;
	if (is_failure(o))
		return r->notify == 0 || (r->notify & MHS_NOTIFY_FAILURE);
	return is_success(o) && (r->notify & MHS_NOTIFY_SUCCESS);
}

static bool
request_covers(enum mhs_report_request request, const struct q_outcome *o)
{
	return is_failure(o) ? request != MHS_REPORT_NONE
			     : is_success(o) && request == MHS_REPORT_DR;
}

static bool
is_from_internet(const struct mhs_envelope *subject)
{
	return subject->content_type == MHS_CONTENT_RFC822;
}

static bool
wants(const struct mhs_envelope *subject, const struct mhs_recipient *r,
    const struct q_outcome *o)
{
	if (!r->responsible)
		return false;
	if (is_from_internet(subject))
		return internet_wants(r, o);
	return request_covers(r->originator_report, o) ||
	    request_covers(r->mta_report, o);
}

/* Can a report go back at all? */
static bool
has_destination(const struct mhs_envelope *subject)
{
	const struct mhs_name *to = &subject->originator;

	if (subject->kind == MHS_REPORT)
		return false;
	return to->ora != NULL || (to->mailbox != NULL && *to->mailbox != '\0');
}

static void
fill_failure(struct mhs_report_recipient *out, const struct q_outcome *o)
{
	out->type = MHS_NOT_DELIVERED;
	out->reason = o->reason;
	out->diagnostic = o->diagnostic;
	out->supplementary = o->text;
	out->status = o->status != NULL
	    ? o->status
	    : mhs_diag_to_status(o->reason, o->diagnostic);
}

static void
fill_success(struct mhs_report_recipient *out, const struct q_outcome *o)
{
	out->type = MHS_DELIVERED;
	out->delivery_time = o->at;
	/* a relay into Internet mail: from here on nobody will tell */
	out->relayed = o->result == Q_RELAYED;
	out->supplementary = out->relayed
	    ? "relayed to a mail system that gives no delivery reports"
	    : NULL;
	out->user_type = -1;
	out->diagnostic = MHS_DIAG_ABSENT;
	out->status = o->status != NULL ? o->status : "2.0.0";
}

static void
add_recipient(struct arena *a, struct mhs_report *report,
    const struct mhs_envelope *subject, const struct q_outcome *o)
{
	const struct mhs_recipient *r = &subject->recipients[o->recipient];
	struct mhs_report_recipient *out = arena_push(
	    a, &report->recipients, &report->n_recipients, sizeof(*out));

	out->actual = r->name;
	out->number = r->number;
	out->orcpt = r->orcpt;
	out->remote_mta = o->remote_mta;
	out->diag_text = o->text != NULL && o->remote_mta != NULL
	    ? arena_printf(a, "%s; %s",
		  strncmp(o->remote_mta, "dns;", 4) == 0 ? "smtp" : "x400",
		  o->text)
	    : NULL;
	out->mta_report_only = !is_from_internet(subject) &&
	    !request_covers(r->originator_report, o);
	out->last_trace_arrival = subject->arrival;
	if (is_failure(o))
		fill_failure(out, o);
	else
		fill_success(out, o);
}

#define CONTENT_CORRELATOR 23 /* extension of X.411 */

/* X.411 8.3.1.2.1: the originator's own handle comes back to it. */
static void
return_correlator(struct arena *a, const struct mhs_envelope *subject,
    struct mhs_report *report)
{
	const struct mhs_ext *x =
	    mhs_ext_find(&subject->exts, CONTENT_CORRELATOR);

	if (x != NULL)
		*(struct mhs_ext *)arena_push(
		    a, &report->exts.v, &report->exts.n, sizeof(*x)) = *x;
}

static struct mhs_report *
make_content(struct arena *a, const struct q_report_params *p,
    const struct mhs_envelope *subject)
{
	struct mhs_report *report = ARENA_NEW(a, struct mhs_report);

	report->subject = subject->id;
	report->subject_envid = subject->envid;
	report->content_identifier = subject->content_identifier;
	report->subject_trace = subject->trace;
	report->n_subject_trace = subject->n_trace;
	report->content_type = subject->content_type;
	report->content_oid = subject->content_oid;
	report->original_eits = subject->original_eits;
	report->original_eits_n = subject->original_eits_n;
	report->reporting_mta = p->hostname;
	report->arrival = subject->arrival;
	return_correlator(a, subject, report);
	return report;
}

/* X.411 returns the content only with a non-delivery; so do we everywhere. */
static enum q_report_return
returned(const struct mhs_envelope *subject, const struct mhs_report *report)
{
	bool any_failure = false;

	for (size_t i = 0; i < report->n_recipients; i++)
		any_failure |= report->recipients[i].type == MHS_NOT_DELIVERED;
	if (subject->kind != MHS_MESSAGE)
		return Q_RETURN_NONE;
	if (!is_from_internet(subject))
		return any_failure && subject->content_return_request
		    ? Q_RETURN_ALL
		    : Q_RETURN_NONE;
	if (!any_failure || subject->ret == 'H')
		return Q_RETURN_HEADER;
	if (subject->ret == 'F' ||
	    subject->content_length <= Q_REPORT_RETURN_MAX)
		return Q_RETURN_ALL;
	return Q_RETURN_HEADER;
}

static void
add_our_trace(
    struct arena *a, const struct q_report_params *p, struct mhs_envelope *env)
{
	struct mhs_trace *t = mhs_trace_add(a, env);

	t->domain = p->domain;
	t->arrival = p->now;
	t->action = MHS_RELAYED;
}

struct mhs_envelope *
q_report_make(struct arena *a, const struct q_report_params *p,
    const struct mhs_envelope *subject, const struct q_outcome *outcomes,
    size_t n, enum q_report_return *ret)
{
	struct mhs_envelope *env;
	struct mhs_recipient *to;

	*ret = Q_RETURN_NONE;
	if (!has_destination(subject))
		return NULL;
	env = mhs_envelope_new(a, MHS_REPORT);
	env->report = make_content(a, p, subject);
	for (size_t i = 0; i < n; i++) {
		INVARIANT(outcomes[i].recipient < subject->n_recipients);
		if (wants(subject, &subject->recipients[outcomes[i].recipient],
			&outcomes[i]))
			add_recipient(a, env->report, subject, &outcomes[i]);
	}
	if (env->report->n_recipients == 0)
		return NULL;
	*ret = returned(subject, env->report);
	env->report->content_returned = *ret != Q_RETURN_NONE;
	env->ret = *ret == Q_RETURN_ALL ? 'F' : 'H';
	env->id.domain = p->domain;
	env->id.local = p->local_id;
	env->content_type = MHS_CONTENT_NONE;
	env->priority = subject->priority;
	env->source_channel = "report";
	env->arrival = p->now;
	add_our_trace(a, p, env);
	to = mhs_recipient_add(a, env);
	to->name = subject->originator;
	to->number = 1;
	to->responsible = true;
	return env;
}
