/*
 * What comes in: an APDU streams into a submission; at its end it is judged
 * (loops, critical extensions, size), gets our trace, and is committed. The
 * peer hears that we took it from the commit's callback, not before. What we
 * cannot take on, though its syntax is right, is accepted and reported on
 * (X.411 14.3.1): refusing it would only make the peer try again. So it is
 * committed like all else, marked in the record as rejected; the report channel
 * does the rest.
 */
#include "p1/x400p1.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "mhs/diag.h"
#include "p1/ext.h"
#include "p1/judge.h"
#include "qmgr/summary.h"

#define CLAIM_AGAIN_MS 200

/* --- the log --- */

/* Who made a report, when it says so. */
static const char *
reporting_mta(const struct x_in *in)
{
	const struct mhs_envelope *env = in->env;
	struct mhs_domain domain;
	const char *mta;

	if (env->kind != MHS_REPORT ||
	    !p1_ext_reporting_mta(in->arena, &env->exts, &domain, &mta))
		return NULL;
	return arena_printf(
	    in->arena, "%s %s", mhs_domain_text(in->arena, &domain), mta);
}

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
	    "address", in->address, "trace", log_u64(env->n_trace),
	    "reporting-mta", reporting_mta(in), "reason", reason, NULL);
}

/* --- the end of one --- */

static void
in_free(struct x_in *in)
{
	struct x400p1 *c = in->channel;

	q_submit_abort(&in->submission);
	x_kept_unclaim(&in->claim);
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
	log_in(in, LOG_LEVEL_WARN,
	    in->err.code == 0 ? "received too late" : "not received",
	    l == NULL ? "the association is gone" : "the peer gave it up");
	if (in->err.code == 0 && in->kept && in->channel->keep != NULL)
		x_kept_done_late(
		    in->channel->keep, in->peer, &in->activity, in->serial);
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
	l->answered = in->activity;
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

/* --- what we do not take on --- */

/* These recipients are marked in the record: the queue settles them once it is
 * durable, and the report channel makes their report, with the content where
 * that was asked for. A report is never answered by another (X.411 14.3.3): it
 * ends here. */
static void
reject(struct x_in *in, const struct p1_verdict *v)
{
	struct mhs_envelope *env = in->env;
	const char *why = NULL;

	for (size_t i = 0; i < env->n_recipients; i++) {
		struct mhs_recipient *r = &env->recipients[i];

		if (!r->responsible || r->peer != NULL || v[i].text == NULL)
			continue;
		why = why != NULL ? why : v[i].text;
		r->responsible = env->kind != MHS_REPORT;
		r->peer = q_fault_reject(
		    in->arena, v[i].reason, v[i].diagnostic, v[i].text);
	}
	if (why != NULL)
		log_in(in, LOG_LEVEL_WARN, "rejected", why);
}

/* The same for all of them. */
static void
reject_all(struct x_in *in, enum mhs_reason reason,
    enum mhs_diagnostic diagnostic, const char *why)
{
	size_t n = in->env->n_recipients;
	struct p1_verdict *v = arena_alloc(in->arena, n * sizeof(*v));

	for (size_t i = 0; i < n; i++)
		v[i] = (struct p1_verdict){why, reason, diagnostic};
	reject(in, v);
}

static bool
too_long(const struct mhs_domain *d)
{
	const char *const names[] = {d->country, d->admd, d->prmd};

	for (size_t i = 0; i < 3; i++)
		if (names[i] != NULL && strlen(names[i]) > P1_DOMAIN_NAME_MAX)
			return true;
	return false;
}

/* Only a peer that we are lenient with gets so far with such. */
static void
log_bounds(const struct x_in *in)
{
	const struct mhs_envelope *env = in->env;
	const char *what = NULL;

	for (size_t i = 0; i < env->n_trace; i++)
		if (too_long(&env->trace[i].domain))
			what =
			    "a domain of its trace has a name that is too long";
	if (too_long(&env->id.domain))
		what = "the domain of its MTS identifier has a name that is "
		       "too long";
	if (strlen(env->id.local) > P1_LOCAL_ID_MAX)
		what = "its local identifier is too long";
	if (what != NULL)
		log_in(in, LOG_LEVEL_WARN, "taken leniently", what);
}

static bool
anyone_left(const struct mhs_envelope *env)
{
	for (size_t i = 0; i < env->n_recipients; i++)
		if (env->recipients[i].responsible)
			return true;
	return false;
}

/* As it came: our trace is not in it yet. */
static void
judge(struct x_in *in)
{
	struct x400p1 *c = in->channel;
	struct mhs_envelope *env = in->env;
	struct p1_verdict *v =
	    arena_alloc(in->arena, env->n_recipients * sizeof(*v));
	struct err e = ERR_INIT;

	if (in->over != NULL)
		reject_all(in, MHS_UNABLE_TO_TRANSFER,
		    MHS_SIZE_CONSTRAINT_VIOLATION, in->over);
	else if (c->max_size > 0 && in->octets > (uint64_t)c->max_size)
		reject_all(in, MHS_UNABLE_TO_TRANSFER, MHS_CONTENT_TOO_LONG,
		    "the content is too long");
	else if (p1_check_label(in->link->p1, env, &e) < 0)
		reject_all(in, MHS_TRANSFER_FAILURE_FOR_SECURITY_REASON,
		    MHS_SECURE_MESSAGING_ERROR, e.text);
	else if (p1_judge(in->arena, env, v))
		reject(in, v);
}

static void
arrive(struct x_in *in)
{
	struct x400p1 *c = in->channel;
	struct err e = ERR_INIT;

	in->env->arrival = clock_wall();
	p1_trace_arrival(in->arena, in->env, &c->us, in->env->arrival);
	if (q_submit_check_loop(c->submitter, in->env, &e) < 0)
		reject_all(in, MHS_TRANSFER_FAILURE, MHS_LOOP_DETECTED, e.text);
}

/* --- what we take on --- */

static void
on_durable(void *arg, int result, q_id id, const struct err *e)
{
	struct x_in *in = arg;

	in->id = id;
	if (result >= 0)
		log_in(in, LOG_LEVEL_INFO, "received", NULL);
	else
		refuse(in, e);
	in->channel->n_commits--;
	in->commits--;
	answer(in);
}

/* A content that was too long was not kept, and cannot be returned. */
static struct q_submission *
submission(struct x_in *in, struct err *e)
{
	struct q_submission *m = in->submission;

	in->submission = NULL; /* the commit's from here */
	if (m != NULL)
		return m;
	in->env->content_return_request = false;
	return q_submit_begin(in->channel->submitter, e);
}

static void
submit(struct x_in *in)
{
	struct x400p1 *c = in->channel;
	struct err e = ERR_INIT;
	struct q_submission *m = submission(in, &e);

	in->env->source_peer = in->peer;
	in->commits++;
	c->n_commits++;
	if (m != NULL && q_submit_commit(m, in->env, on_durable, in, &e) >= 0)
		return;
	in->commits--;
	c->n_commits--;
	refuse(in, &e);
}

/* --- what may be there twice --- */

/* An association may be gone for the peer, and what it carried be resumed on
 * another, while that is still on its way to our disk. */
static enum x_claimed
claim(struct x_in *in)
{
	msec_t now = clock_mono();
	enum x_claimed c;

	if (!in->kept)
		return X_CLAIM_OURS;
	c = x_kept_claim(in->channel->keep, in->peer, &in->activity, in->serial,
	    in->waits_since != 0 ? now - in->waits_since : 0, &in->claim);
	if (c != X_CLAIM_WAIT || in->waits_since != 0)
		return c;
	in->waits_since = now;
	log_in(in, LOG_LEVEL_INFO, "transfer waits",
	    "it is being committed for another association");
	return c;
}

static void settle(struct x_in *in);

static void
on_claim_again(void *arg)
{
	struct x_in *in = arg;
	const struct x_link *l = in->link;

	in->commits--;
	in->channel->n_commits--;
	if (l == NULL || l->in != in)
		err_set(&in->err, "x400p1", ERR_TEMPORARY,
		    "it was given up while it waited");
	else
		settle(in);
	if (in->commits == 0)
		answer(in);
}

static void
await(struct x_in *in)
{
	in->commits++;
	in->channel->n_commits++;
	loop_timer_set(in->channel->loop, CLAIM_AGAIN_MS, on_claim_again, in);
}

static void
settle(struct x_in *in)
{
	switch (claim(in)) {
	case X_CLAIM_WAIT: await(in); return;
	case X_CLAIM_DONE:
		log_in(in, LOG_LEVEL_INFO, "transfer complete already",
		    "it was committed for another association");
		return;
	case X_CLAIM_OURS: break;
	}
	log_bounds(in);
	judge(in);
	arrive(in);
	if (anyone_left(in->env))
		submit(in);
}

static void
finish(struct x_in *in)
{
	in->activity = in->link->activity;
	in->kept = in->link->kept;
	in->serial = in->link->serial;
	if (in->err.code != 0)
		log_in(in, LOG_LEVEL_WARN, "not taken", in->err.text);
	else if (!anyone_left(in->env))
		log_in(in, LOG_LEVEL_WARN, "not ours",
		    "we are responsible for none of its recipients");
	else
		settle(in);
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
		if (ev->err != NULL)
			l->in->over = arena_printf(l->in->arena,
			    "%s (octet %llu of the APDU)", ev->err->text,
			    (unsigned long long)ev->err->offset);
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
