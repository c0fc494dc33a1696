/*
 * What comes in: an APDU streams into a submission; at its end it is judged
 * (loops, critical extensions, size), gets our trace, and is committed. The
 * peer hears that we took it from the commit's callback, not before. What we
 * cannot take on, though its syntax is right, is accepted and reported on
 * (X.411 14.3.1): refusing it would only make the peer try again.
 */
#include "p1/x400p1.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/log.h"
#include "mhs/diag.h"
#include "p1/judge.h"
#include "qmgr/report.h"

#define REPORT_AGAIN_MS 5000

/* --- the log --- */

static void
log_in(const struct x_in *in, enum log_level level, const char *event,
    const char *reason)
{
	const struct mhs_envelope *env = in->env;
	char id[Q_ID_TEXT];

	if (!log_enabled(level))
		return;
	log_event(level, event, "kind", mhs_kind_name(env->kind), "id",
	    in->id != 0 ? q_id_text(in->id, id) : NULL, "mts-id",
	    mhs_mts_id_text(in->arena, &env->id), "from",
	    env->kind == MHS_REPORT ? NULL
				    : x_name_text(in->arena, &env->originator),
	    "to", x_name_text(in->arena, &env->recipients[0].name),
	    "recipients", log_u64(env->n_recipients), "size",
	    log_u64(in->octets), "peer", in->peer, "assoc", in->assoc,
	    "address", in->address, "trace", log_u64(env->n_trace), "reason",
	    reason, NULL);
}

/* --- the end of one --- */

static void
in_free(struct x_in *in)
{
	struct x400p1 *c = in->channel;

	q_submit_abort(&in->submission);
	arena_free(&in->arena);
	free(in);
	x_check(c);
}

/* Nobody waits for the answer. The peer will send it again, or resume it: then
 * it is told that it is ours. False: somebody waits. */
static bool
too_late(struct x_in *in)
{
	struct x_link *l = in->link;
	struct x_in **p;

	if (l != NULL && l->in == in)
		return false;
	log_in(in, LOG_LEVEL_WARN, "received too late",
	    l == NULL ? "the association is gone" : "the peer gave it up");
	if (in->err.code == 0 && in->activity.id_n > 0 &&
	    in->channel->keep != NULL)
		x_kept_done_late(in->channel->keep, in->peer, &in->activity);
	if (l == NULL) {
		in_free(in);
		return true;
	}
	for (p = &l->late; *p != in; p = &(*p)->next)
		;
	*p = in->next;
	in_free(in);
	if (l->late == NULL) {
		p1_hold_input(l->p1, false);
		conn_wake(l->conn);
	}
	return true;
}

/* All of it is durable (or settled), or it is not. */
static void
answer(struct x_in *in)
{
	struct x_link *l = in->link;
	struct err e = ERR_INIT;
	int r;

	if (too_late(in))
		return;
	l->in = NULL;
	l->activity.id_n = 0;
	in->link = NULL;
	l->accepting = in->err.code == 0;
	r = l->accepting ? p1_accept(l->p1, &e) : p1_refuse(l->p1, &e);
	l->accepting = false;
	if (r < 0)
		p1_abort(l->p1, e.text);
	in_free(in);
	x_link_rest(l);
	conn_wake(l->conn);
}

static void
refuse(struct x_in *in, const struct err *why)
{
	if (in->err.code == 0)
		in->err = *why;
	log_in(in, LOG_LEVEL_WARN, "not taken", why->text);
}

static void
commit_over(struct x_in *in, int result, const struct err *e)
{
	if (result < 0)
		refuse(in, e);
	in->channel->n_commits--;
	if (--in->commits == 0)
		answer(in);
}

/* --- what we do not take on --- */

/* One that is to be submitted; in the arena of the envelope it is about. */
struct x_report {
	struct x_in *in;
	struct mhs_envelope *env;
};

static void submit_report(struct x_report *r);

static void
hold(struct x_in *in)
{
	in->commits++;
	in->channel->n_commits++;
}

static void
on_report_again(void *arg)
{
	struct x_report *r = arg;

	submit_report(r);
	commit_over(r->in, 0, NULL);
}

/* Once the message itself is ours it must not come again: then the report is
 * tried until it is durable, and the peer waits. */
static void
report_failed(struct x_report *r, const struct err *why)
{
	struct x_in *in = r->in;
	struct x400p1 *c = in->channel;

	if (!in->taken || c->stopping) {
		refuse(in, why);
		return;
	}
	log_in(in, LOG_LEVEL_WARN, "report not stored yet", why->text);
	hold(in);
	loop_timer_set(c->loop, REPORT_AGAIN_MS, on_report_again, r);
}

static void
on_report_durable(void *arg, int result, q_id id, const struct err *e)
{
	struct x_report *r = arg;
	struct x_in *in = r->in;
	char text[Q_ID_TEXT];

	if (result >= 0)
		log_event(LOG_LEVEL_INFO, "report", "id", q_id_text(id, text),
		    "subject", mhs_mts_id_text(in->arena, &in->env->id), "to",
		    x_name_text(in->arena, &in->env->originator), NULL);
	else
		report_failed(r, e);
	commit_over(in, 0, NULL);
}

/* A report that nothing leads to is given up, as any is. */
static void
submit_report(struct x_report *r)
{
	struct x_in *in = r->in;
	struct err e = ERR_INIT;
	struct q_submission *m = q_submit_begin(in->channel->submitter, &e);

	if (m == NULL) {
		report_failed(r, &e);
		return;
	}
	hold(in);
	if (q_submit_commit(m, r->env, on_report_durable, r, &e) >= 0)
		return;
	in->commits--;
	in->channel->n_commits--;
	if (e.code == ERR_TEMPORARY || e.code == ERR_SYSTEM)
		report_failed(r, &e);
	else
		log_in(in, LOG_LEVEL_ERROR, "report impossible", e.text);
}

static void
submit_reports(struct x_in *in)
{
	for (; in->n_reports > 0; in->n_reports--) {
		struct x_report *r = ARENA_NEW(in->arena, struct x_report);

		r->in = in;
		r->env = in->reports[in->n_reports - 1];
		submit_report(r);
	}
}

/* The recipients that are ours and not acceptable, as outcomes. */
static size_t
rejected(
    const struct x_in *in, const struct p1_verdict *v, struct q_outcome *out)
{
	size_t n = 0;

	for (size_t i = 0; i < in->env->n_recipients; i++)
		if (in->env->recipients[i].responsible && v[i].text != NULL)
			out[n++] = (struct q_outcome){
			    .recipient = (uint32_t)i,
			    .result = Q_FAILED,
			    .reason = v[i].reason,
			    .diagnostic = v[i].diagnostic,
			    .status = mhs_diag_to_status(
				v[i].reason, v[i].diagnostic),
			    .text = v[i].text,
			    .at = clock_wall(),
			};
	return n;
}

/* Non-delivery for these recipients, which are then no longer ours. Its report
 * is submitted when the message is durable for the others: a message that is
 * refused comes again, and would be reported on again. */
static void
reject(struct x_in *in, const struct p1_verdict *verdicts)
{
	struct x400p1 *c = in->channel;
	struct mhs_envelope *env = in->env, *report;
	struct q_outcome *v =
	    arena_alloc(in->arena, env->n_recipients * sizeof(*v));
	struct q_report_params params = {
	    .domain = c->us.domain,
	    .mta = c->us.mta,
	    .hostname = c->hostname,
	    .local_id = arena_printf(in->arena, "%.8s.n%" PRIx64 ".%x",
		c->us.mta, (uint64_t)clock_wall_ms(), ++c->serial),
	    .now = clock_wall(),
	};
	enum q_report_return ret;
	size_t n = rejected(in, verdicts, v);

	if (n == 0)
		return;
	log_in(in, LOG_LEVEL_WARN, "rejected", v[0].text);
	report = q_report_make(in->arena, &params, env, v, n, &ret);
	for (size_t i = 0; i < n; i++)
		env->recipients[v[i].recipient].responsible = false;
	if (report == NULL)
		return;
	report->report->content_returned = false;
	report->content_length = 0;
	INVARIANT(in->n_reports < X_IN_REPORTS);
	in->reports[in->n_reports++] = report;
}

/* The same for all of them. */
static void
reject_all(struct x_in *in, enum mhs_reason reason,
    enum mhs_diagnostic diagnostic, const char *why)
{
	size_t n = in->env->n_recipients;
	struct p1_verdict *v = arena_alloc(in->arena, n * sizeof(*v));

	for (size_t i = 0; i < n; i++)
		v[i] = (struct p1_verdict){
		    arena_strdup(in->arena, why), reason, diagnostic};
	reject(in, v);
}

static bool
anyone_left(const struct mhs_envelope *env)
{
	for (size_t i = 0; i < env->n_recipients; i++)
		if (env->recipients[i].responsible)
			return true;
	return false;
}

/* Loops are found when it is submitted. */
static void
judge(struct x_in *in)
{
	struct x400p1 *c = in->channel;
	struct mhs_envelope *env = in->env;
	struct p1_verdict *v =
	    arena_alloc(in->arena, env->n_recipients * sizeof(*v));
	struct err e = ERR_INIT;

	if (c->max_size > 0 && in->octets > (uint64_t)c->max_size)
		reject_all(in, MHS_UNABLE_TO_TRANSFER, MHS_CONTENT_TOO_LONG,
		    "the content is too long");
	else if (p1_check_label(in->link->p1, env, &e) < 0)
		reject_all(in, MHS_TRANSFER_FAILURE_FOR_SECURITY_REASON,
		    MHS_SECURE_MESSAGING_ERROR, e.text);
	else if (p1_judge(in->arena, env, v))
		reject(in, v);
}

/* --- what we take on --- */

static void
on_durable(void *arg, int result, q_id id, const struct err *e)
{
	struct x_in *in = arg;

	in->id = id;
	if (result >= 0) {
		in->taken = true;
		log_in(in, LOG_LEVEL_INFO, "received", NULL);
		submit_reports(in);
	}
	commit_over(in, result, e);
}

static void
submit(struct x_in *in)
{
	struct x400p1 *c = in->channel;
	struct q_submission *m = in->submission;
	struct err e = ERR_INIT;
	int64_t now = clock_wall();

	p1_trace_arrival(in->arena, in->env, &c->us, now);
	in->env->arrival = now;
	in->env->source_peer = in->peer;
	in->submission = NULL; /* the commit's from here */
	hold(in);
	if (q_submit_commit(m, in->env, on_durable, in, &e) >= 0)
		return;
	in->commits--;
	c->n_commits--;
	if (e.detail != MHS_LOOP_DETECTED) {
		refuse(in, &e);
		return;
	}
	reject_all(in, MHS_TRANSFER_FAILURE, MHS_LOOP_DETECTED, e.text);
	submit_reports(in);
}

static void
finish(struct x_in *in)
{
	bool ours = anyone_left(in->env);

	if (in->err.code != 0)
		log_in(in, LOG_LEVEL_WARN, "not taken", in->err.text);
	else
		judge(in);
	if (!ours)
		log_in(in, LOG_LEVEL_WARN, "not ours",
		    "we are responsible for none of its recipients");
	if (in->err.code == 0 && anyone_left(in->env))
		submit(in);
	else if (in->err.code == 0)
		submit_reports(in);
	if (in->commits == 0)
		answer(in);
}

/* --- events --- */

/* Its priority is not known yet, nor its size. */
static msec_t
longest(const struct x400p1 *c)
{
	msec_t t = 0;

	for (int i = 0; i < X_URGENCIES; i++)
		if (c->transfer_timeout[i] > t)
			t = c->transfer_timeout[i];
	return t;
}

/* The rest of its envelope may never come. */
static void
coming(struct x_link *l)
{
	if (l->receiving)
		return;
	l->receiving = true;
	loop_timer_cancel(&l->idle);
	x_link_guard(l, longest(l->channel));
}

static void
begin(struct x_link *l)
{
	struct x_in *in = xcalloc(1, sizeof(*in));

	INVARIANT(l->in == NULL);
	in->link = l;
	in->channel = l->channel;
	in->peer = l->peer->name;
	snprintf(in->assoc, sizeof(in->assoc), "%s", l->id);
	snprintf(in->address, sizeof(in->address), "%s", x_link_address(l));
	l->in = in;
	if (q_submit_ready(l->channel->submitter, &in->err) < 0)
		return;
	err_clear(&in->err);
	in->submission = q_submit_begin(l->channel->submitter, &in->err);
}

static void
content(struct x_in *in, const uint8_t *p, size_t n)
{
	const struct x400p1 *c = in->channel;

	in->octets += n;
	if (in->submission == NULL)
		return;
	if (c->max_size > 0 && in->octets > (uint64_t)c->max_size)
		q_submit_abort(&in->submission); /* judged at its end */
	else if (q_submit_content(in->submission, p, n, &in->err) < 0)
		q_submit_abort(&in->submission);
}

/* What is not being committed goes at once, the rest when it is. */
static struct x_in *
forget(struct x_link *l)
{
	struct x_in *in = l->in;

	l->in = NULL;
	if (in != NULL)
		in->activity = l->activity;
	l->activity.id_n = 0;
	if (in == NULL)
		return NULL;
	if (in->commits == 0) {
		in_free(in);
		return NULL;
	}
	in->link = NULL;
	return in;
}

/* A peer that gives up what is being committed, again and again, must not
 * fill the queue any faster than the disk takes it. */
static void
lost(struct x_link *l)
{
	struct x_in *in = forget(l);

	if (in == NULL)
		return;
	in->link = l;
	in->next = l->late;
	l->late = in;
	p1_hold_input(l->p1, true);
}

void
x_in_event(struct x_link *l, const struct p1_event *ev)
{
	l->receiving &= ev->type != P1_IN_END && ev->type != P1_IN_LOST;
	switch (ev->type) {
	case P1_IN_COMING: coming(l); break;
	case P1_IN_BEGIN: begin(l); break;
	case P1_IN_CONTENT: content(l->in, ev->data, ev->n); break;
	case P1_IN_END:
		l->in->env = ev->env;
		l->in->arena = p1_take_envelope(l->p1);
		if (p1_protocol(l->p1) == P1_MTS_TRANSFER_1984)
			p1_upgrade(
			    l->in->arena, l->in->env, l->channel->gateway);
		finish(l->in);
		break;
	default: /* LOST */
		log_err(LOG_LEVEL_WARN, "transfer lost", ev->err, "assoc",
		    l->id, "peer", l->peer->name, "address", x_link_address(l),
		    NULL);
		lost(l);
		x_link_rest(l);
	}
}

void
x_in_drop(struct x_link *l)
{
	struct x_in *in;

	forget(l);
	while ((in = l->late) != NULL) {
		l->late = in->next;
		in->link = NULL;
	}
}
