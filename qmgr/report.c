#include "qmgr/report.h"

#include <stdio.h>
#include <string.h>

#include "lib/log.h"
#include "mhs/diag.h"
#include "p1/envelope_codec.h"
#include "p1/ext.h"
#include "p1/trace.h"
#include "qmgr/summary.h"
#include "qmgr/direct.h"

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

static bool
is_delay(const struct q_outcome *o)
{
	return o->result == Q_DELAYED;
}

/* RFC 2852 4.1.4: relaying what has a time to be delivered by is told of,
 * where who takes it does not keep to the time, or a trace was asked for. */
static bool
relay_is_told(const struct mhs_envelope *subject, const struct q_outcome *o)
{
	return o->result == Q_RELAYED && subject->deliver_by != 0 &&
	    (subject->deliver_by_trace || subject->deliver_by_mode == 'N');
}

/* RFC 3461 4.1: without NOTIFY, failures and delays are reported. */
static bool
internet_wants(const struct mhs_envelope *subject,
    const struct mhs_recipient *r, const struct q_outcome *o)
{
	if (r->notify & MHS_NOTIFY_NEVER)
		return false;
	if (is_failure(o))
		return r->notify == 0 || (r->notify & MHS_NOTIFY_FAILURE);
	if (is_delay(o))
		return r->notify == 0 || (r->notify & MHS_NOTIFY_DELAY);
	return relay_is_told(subject, o) ||
	    (is_success(o) && (r->notify & MHS_NOTIFY_SUCCESS));
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
		return internet_wants(subject, r, o);
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

/* What the MTA held against it at receipt is in the record. */
static void
fill_rejection(struct mhs_report_recipient *out, const struct mhs_recipient *r)
{
	const char *text;
	int32_t reason;

	if (!q_fault_rejected(r->peer, &reason, &text))
		return;
	out->reason = reason;
	out->supplementary = text;
	out->status = mhs_diag_to_status(reason, out->diagnostic);
}

static void
fill_failure(struct mhs_report_recipient *out, const struct mhs_recipient *r,
    const struct q_outcome *o)
{
	out->type = MHS_NOT_DELIVERED;
	out->reason = o->reason;
	out->diagnostic = o->diagnostic;
	out->supplementary = o->text;
	out->status = o->status != NULL
	    ? o->status
	    : mhs_diag_to_status(o->reason, o->diagnostic);
	fill_rejection(out, r);
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

/* RFC 3464 2.3.3: a delay has a status of class 4. */
static void
fill_delay(struct mhs_report_recipient *out, const struct q_outcome *o)
{
	bool known = o->status != NULL && *o->status == '4';

	out->type = MHS_DELAYED;
	out->delivery_time = o->at;
	out->user_type = -1;
	out->diagnostic = MHS_DIAG_ABSENT;
	out->status = known ? o->status : "4.4.7";
}

static void
copy_ext(struct arena *a, struct mhs_exts *to, const struct mhs_exts *from,
    int32_t type)
{
	const struct mhs_ext *x = mhs_ext_find(from, type);

	if (x != NULL)
		*(struct mhs_ext *)arena_push(a, &to->v, &to->n, sizeof(*x)) =
		    *x;
}

#define MTS_USER_DL 3 /* type-of-MTS-user of X.411 8.3.1.1.1.4 */

/* X.411 8.3.1.1.1.3: what the originator called a recipient that was
 * redirected, and how it came to be another. */
static void
set_intended(struct arena *a, const struct mhs_recipient *r,
    struct mhs_report_recipient *out)
{
	struct p1_history *v;

	if (p1_ext_history(a, &r->exts, P1_EXT_REDIRECTION_HISTORY, &v) == 0)
		return;
	out->intended = v[0].name;
	copy_ext(a, &out->exts, &r->exts, P1_EXT_REDIRECTION_HISTORY);
}

static void
add_recipient(struct arena *a, struct mhs_report *report,
    const struct mhs_envelope *subject, const struct q_outcome *o)
{
	const struct mhs_recipient *r = &subject->recipients[o->recipient];
	struct mhs_report_recipient *out = arena_push(
	    a, &report->recipients, &report->n_recipients, sizeof(*out));

	out->actual = r->name;
	set_intended(a, r, out);
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
	/* X.411 12.2.1.3.1.4: the requests of the subject, as they are */
	if (!is_from_internet(subject))
		out->indicators = p1_recipient_indicators(r);
	out->last_trace_arrival = subject->arrival;
	if (is_failure(o))
		fill_failure(out, r, o);
	else if (is_delay(o))
		fill_delay(out, o);
	else
		fill_success(out, o);
	if (r->peer != NULL && strcmp(r->peer, Q_PEER_LISTS) == 0)
		out->user_type = MTS_USER_DL;
}

/* X.411 12.2.1.3: trace of the subject is for who asked for an audited
 * report; a notification (RFC 3464) may use it. */
static bool
shows_trace(
    const struct mhs_envelope *subject, const struct q_outcome *o, size_t n)
{
	bool any = is_from_internet(subject);

	for (size_t i = 0; i < n; i++)
		any |= subject->recipients[o[i].recipient].audit;
	return any;
}

static struct mhs_report *
make_content(struct arena *a, const struct q_report_params *p,
    const struct mhs_envelope *subject)
{
	struct mhs_report *report = ARENA_NEW(a, struct mhs_report);

	report->subject = subject->id;
	report->subject_envid = subject->envid;
	report->content_identifier = subject->content_identifier;
	report->content_type = subject->content_type;
	report->content_oid = subject->content_oid;
	report->original_eits = subject->original_eits;
	report->original_eits_n = subject->original_eits_n;
	report->reporting_mta = p->hostname;
	report->arrival = subject->arrival;
	report->deliver_by = subject->deliver_by;
	/* X.411 8.3.1.2.1: the originator's own handle comes back to it */
	copy_ext(a, &report->exts, &subject->exts, P1_EXT_CONTENT_CORRELATOR);
	return report;
}

/* X.411 returns the content only with a non-delivery; so do we everywhere. */
static enum q_report_return
returned(const struct q_report_params *p, const struct mhs_envelope *subject,
    const struct mhs_report *report)
{
	uint64_t most =
	    p->content_max != 0 ? p->content_max : Q_REPORT_CONTENT_MAX;
	bool any_failure = false;

	for (size_t i = 0; i < report->n_recipients; i++)
		any_failure |= report->recipients[i].type == MHS_NOT_DELIVERED;
	if (subject->kind != MHS_MESSAGE)
		return Q_RETURN_NONE;
	if (!is_from_internet(subject))
		return any_failure && subject->content_return_request &&
			subject->content_length <= most
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
	const struct p1_us us = {p->domain, p->mta};

	p1_trace_arrival(a, env, &us, p->now);
}

/* X.411 14.3.10, 14.4: back along the lists that expanded the subject. The
 * names came in by P1, or were written here before, so that they can be
 * written again; if not, the originator hears directly. */
static struct mhs_name
destination(
    struct arena *a, const struct mhs_envelope *subject, struct mhs_exts *exts)
{
	struct p1_history *lists, *v;
	size_t n = is_from_internet(subject)
	    ? 0
	    : p1_ext_history(a, &subject->exts, P1_EXT_DL_HISTORY, &lists);
	int64_t origin =
	    subject->n_trace > 0 ? subject->trace[0].arrival : subject->arrival;
	struct err e = ERR_INIT;

	if (n == 0)
		return subject->originator;
	v = arena_alloc(a, (n + 1) * sizeof(*v));
	v[0] = (struct p1_history){.name = subject->originator, .time = origin};
	memcpy(v + 1, lists, n * sizeof(*v));
	if (p1_ext_set_history(
		a, exts, P1_EXT_ORIGINATOR_AND_DL_HISTORY, v, n + 1, &e) < 0)
		return subject->originator;
	return v[n].name;
}

/* Who reports, and, because a report says something of its subject, how secret
 * that was. */
static void
set_envelope_exts(struct arena *a, const struct q_report_params *p,
    const struct mhs_envelope *subject, struct mhs_envelope *env)
{
	struct err e = ERR_INIT;

	copy_ext(a, &env->exts, &subject->exts, P1_EXT_SECURITY_LABEL);
	/* without it the report is good still */
	(void)p1_ext_set_reporting_mta(a, &env->exts, &p->domain, p->mta, &e);
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
	if (shows_trace(subject, outcomes, n)) {
		env->report->subject_trace = subject->trace;
		env->report->n_subject_trace = subject->n_trace;
	}
	*ret = returned(p, subject, env->report);
	env->report->content_returned = *ret != Q_RETURN_NONE;
	env->ret = *ret == Q_RETURN_ALL ? 'F' : 'H';
	env->id.domain = p->domain;
	env->id.local = p->local_id;
	env->content_type = MHS_CONTENT_NONE;
	env->priority = subject->priority;
	env->source_channel = "report";
	env->arrival = p->now;
	add_our_trace(a, p, env);
	set_envelope_exts(a, p, subject, env);
	to = mhs_recipient_add(a, env);
	to->name = destination(a, subject, &env->exts);
	to->number = 1;
	to->responsible = true;
	return env;
}

/* --- alternates --- */

struct mhs_envelope *
q_report_alternates(struct arena *a, const struct q_config *c,
    const struct mhs_envelope *subject, const struct q_outcome *outcomes,
    size_t n, int64_t now, bool *taken)
{
	struct mhs_envelope *env = arena_memdup(a, subject, sizeof(*subject));
	bool any = false;

	env->recipients = arena_memdup(a, subject->recipients,
	    subject->n_recipients * sizeof(*subject->recipients));
	for (size_t i = 0; i < env->n_recipients; i++)
		env->recipients[i].responsible = false;
	for (size_t i = 0; i < n; i++) {
		struct mhs_recipient *r =
		    &env->recipients[outcomes[i].recipient];
		enum p1_redirection_reason reason;
		const struct mhs_name *to;
		struct err e = ERR_INIT;

		taken[i] = false;
		if (!is_failure(&outcomes[i]))
			continue;
		to = q_alternate(
		    a, c, subject, r, outcomes[i].diagnostic, &reason);
		if (to == NULL || q_redirect(a, r, to, reason, now, &e) < 0)
			continue;
		r->responsible = taken[i] = any = true;
	}
	if (!any)
		return NULL;
	env->arrival = now; /* it has its own time to be tried */
	env->parent = 0;
	env->source_channel = "report";
	q_trace_mark(a, c, env, P1_TRACE_REDIRECTED, 0);
	return env;
}
