/*
 * A record on its way out: which recipients go, and what became of them.
 */
#include "p1/x400p1.h"

#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "mhs/diag.h"

static void
fail(struct q_outcome *o, const char *text)
{
	o->result = Q_FAILED;
	o->reason = MHS_UNABLE_TO_TRANSFER;
	o->diagnostic = MHS_INVALID_ARGUMENTS;
	o->status = "5.6.0";
	o->text = text;
}

/* --- the envelope --- */

static bool
has_external_trace(const struct mhs_envelope *env)
{
	for (size_t i = 0; i < env->n_trace; i++)
		if (!env->trace[i].internal && env->trace[i].received == NULL)
			return true;
	return false;
}

/* What came in from the Internet, or was made here, has not passed a domain
 * yet: ours is the first. */
static void
complete(struct x_job *j, const struct x400p1 *c)
{
	struct mhs_envelope *env = j->env;
	struct arena *a = j->record->arena;

	if (!has_external_trace(env))
		p1_trace_arrival(a, env, &c->us,
		    env->arrival != 0 ? env->arrival : clock_wall());
	if (env->id.local != NULL && env->id.local[0] != '\0')
		return;
	/* the same at each attempt */
	env->id.domain = c->us.domain;
	env->id.local = arena_printf(
	    a, "%.8s.x%llx", c->us.mta, (unsigned long long)j->record->id);
}

/* X.411 14.3.2: all recipients go along; responsibility is handed over for
 * the work's own. Those that have no O/R name are of the other world, and
 * others deal with them. */
static void
choose_recipients(struct x_job *j, const struct mhs_envelope *from)
{
	struct arena *a = j->record->arena;
	struct mhs_envelope *env = j->env;
	bool *mine = arena_alloc(a, from->n_recipients * sizeof(*mine));

	for (size_t i = 0; i < j->n_outcomes; i++) {
		struct q_outcome *o = &j->outcomes[i];

		if (o->recipient >= from->n_recipients)
			fail(o, "the record has no such recipient");
		else if (from->recipients[o->recipient].name.ora == NULL)
			fail(o, "the recipient has no O/R name");
		else
			mine[o->recipient] = true;
	}
	env->recipients = NULL;
	env->n_recipients = 0;
	j->index = arena_alloc(a, from->n_recipients * sizeof(*j->index));
	for (size_t i = 0; i < from->n_recipients; i++) {
		struct mhs_recipient *r;

		if (from->recipients[i].name.ora == NULL)
			continue;
		r = arena_push(a, &env->recipients, &env->n_recipients,
		    sizeof(*env->recipients));
		*r = from->recipients[i];
		r->responsible = mine[i];
		j->index[env->n_recipients - 1] = (uint32_t)i;
	}
}

static void
make_envelope(struct x_job *j)
{
	const struct mhs_envelope *from = j->record->env;
	struct arena *a = j->record->arena;

	j->env = arena_memdup(a, from, sizeof(*from));
	j->env->trace = NULL;
	j->env->n_trace = 0;
	for (size_t i = 0; i < from->n_trace; i++)
		*mhs_trace_add(a, j->env) = from->trace[i];
	choose_recipients(j, from);
	complete(j, j->channel);
}

static void
free_cut(void *arg)
{
	struct x_job *j = arg;

	x_cut_free(&j->cut);
}

/* What an earlier attempt at the very same work left. */
static void
find_cut(struct x_job *j, const struct q_work *w)
{
	struct x_cut_key key = {
	    .peer = j->peer->name,
	    .record = w->record,
	    .recipients = w->recipients,
	    .n = w->n_recipients,
	};

	if (j->channel->keep == NULL)
		return;
	j->cut = x_cut_new(j->channel->keep, &key);
	arena_on_free(j->record->arena, free_cut, j);
}

struct x_job *
x_job_new(struct x400p1 *c, struct x_peer *peer, const struct q_work *w)
{
	struct q_record *record;
	struct err e = ERR_INIT;
	struct x_job *j;

	if (q_record_open(
		q_submitter_spool(c->submitter), w->record, &record, &e) < 0) {
		q_chan_unreadable(c->chan, w, &e);
		return NULL;
	}
	j = ARENA_NEW(record->arena, struct x_job);
	j->channel = c;
	j->peer = peer;
	j->record = record;
	j->mlist = w->mlist;
	j->level = w->level;
	j->message = w->message;
	j->n_outcomes = w->n_recipients;
	j->outcomes =
	    arena_alloc(record->arena, w->n_recipients * sizeof(*j->outcomes));
	for (size_t i = 0; i < w->n_recipients; i++) {
		j->outcomes[i].recipient = w->recipients[i];
		j->outcomes[i].result = Q_TRANSFERRED;
	}
	make_envelope(j);
	x_job_rerouted(j, w->rerouted_from);
	find_cut(j, w);
	c->n_jobs++;
	return j;
}

/* --- the result --- */

static void
finish(struct x_job *j, const char *mta, bool peer_error)
{
	struct x400p1 *c = j->channel;
	struct q_outcomes o = {
	    .mlist = j->mlist,
	    .v = j->outcomes,
	    .n = j->n_outcomes,
	    .peer_error = peer_error,
	};
	const char *remote = mta != NULL
	    ? arena_printf(j->record->arena, "x400; %s", mta)
	    : NULL;

	for (size_t i = 0; i < j->n_outcomes; i++) {
		j->outcomes[i].at = clock_wall();
		j->outcomes[i].remote_mta = remote;
	}
	q_chan_result(c->chan, &o);
	q_record_close(&j->record); /* the job lives in its arena */
	c->n_jobs--;
	x_check(c);
}

/* The first recipient that this work is about; a report's destination. */
static const char *
first_recipient(const struct x_job *j)
{
	for (size_t i = 0; i < j->env->n_recipients; i++)
		if (j->env->recipients[i].responsible)
			return x_name_text(
			    j->record->arena, &j->env->recipients[i].name);
	return NULL;
}

/* --- 1984 --- */

static void
fail_downgraded(struct x_job *j, const struct p1_downgrade_failure *f)
{
	uint32_t recipient = j->index[f->recipient];

	for (size_t i = 0; i < j->n_outcomes; i++) {
		struct q_outcome *o = &j->outcomes[i];

		if (o->recipient != recipient || o->result == Q_FAILED)
			continue;
		fail(o, f->text);
		o->reason = f->reason;
		o->diagnostic = f->diagnostic;
		o->status = mhs_diag_to_status(f->reason, f->diagnostic);
	}
}

static void
log_downgraded(const struct x_job *j)
{
	char id[Q_ID_TEXT];

	for (size_t i = 0; i < j->down.n_failed; i++)
		log_event(LOG_LEVEL_WARN, "not for 1984", "id",
		    q_id_text(j->message, id), "peer", j->peer->name, "to",
		    x_name_text(j->record->arena,
			&j->env->recipients[j->down.failed[i].recipient].name),
		    "reason", j->down.failed[i].text, NULL);
}

/* Those who cannot be reached fail, whatever becomes of the others. */
static void
settle_downgraded(struct x_job *j)
{
	for (size_t i = 0; i < j->down.n_failed; i++)
		fail_downgraded(j, &j->down.failed[i]);
}

/* All that have not failed before. */
static void
fail_rest(struct x_job *j, const char *why, enum mhs_reason reason,
    enum mhs_diagnostic diagnostic)
{
	const char *text = arena_strdup(j->record->arena, why);

	for (size_t i = 0; i < j->n_outcomes; i++) {
		struct q_outcome *o = &j->outcomes[i];

		if (o->result == Q_FAILED)
			continue;
		fail(o, text);
		o->reason = reason;
		o->diagnostic = diagnostic;
		o->status = mhs_diag_to_status(reason, diagnostic);
	}
}

/* The peer fell back to 1984, where there is no P22: the mixer comes first, and
 * then everything is judged again. */
static void
convert_first(struct x_job *j)
{
	char id[Q_ID_TEXT];

	for (size_t i = 0; i < j->n_outcomes; i++)
		j->outcomes[i].result = Q_WANTS_P2;
	log_event(LOG_LEVEL_INFO, "to be converted", "id",
	    q_id_text(j->message, id), "peer", j->peer->name, "reason",
	    "the peer knows P2 only", NULL);
	finish(j, NULL, false);
}

/* --- security labels --- */

bool
x_job_may_cross(struct x_job *j, const struct p1 *p, struct err *e)
{
	if (p1_check_label(p, j->env, e) >= 0)
		return true;
	fail_rest(j, e->text, MHS_TRANSFER_FAILURE_FOR_SECURITY_REASON,
	    MHS_SECURE_MESSAGING_ERROR);
	return false;
}

/* --- what goes --- */

const struct mhs_envelope *
x_job_envelope(struct x_job *j, const struct x_link *l)
{
	struct err e = ERR_INIT;

	if (!x_job_may_cross(j, l->p1, &e)) {
		x_job_failed(j, &e);
		return NULL;
	}
	j->down = (struct p1_downgraded){0};
	if (p1_protocol(l->p1) != P1_MTS_TRANSFER_1984)
		return j->env;
	p1_downgrade(j->record->arena, j->env, j->channel->gateway, &j->down);
	log_downgraded(j);
	if (j->down.env != NULL && !j->down.content_to_p2)
		return j->down.env;
	if (j->down.env != NULL && j->peer->automatic) {
		convert_first(j);
		return NULL;
	}
	settle_downgraded(j);
	err_set(&e, "x400p1", ERR_UNSUPPORTED, "%s",
	    j->down.env != NULL ? "the peer knows P2 only, and its "
				  "configuration does not say so"
				: "nothing of it can go to a peer of 1984");
	if (j->down.env != NULL)
		fail_rest(j, e.text, MHS_UNABLE_TO_TRANSFER,
		    MHS_CONTENT_TYPE_NOT_SUPPORTED);
	x_job_failed(j, &e);
	return NULL;
}

static void
log_job(const struct x_job *j, enum log_level level, const char *event,
    const struct x_link *l, const char *text)
{
	const struct mhs_envelope *env = j->env;
	struct arena *a = j->record->arena;
	char id[Q_ID_TEXT];

	if (!log_enabled(level))
		return;
	log_event(level, event, "kind", mhs_kind_name(env->kind), "id",
	    q_id_text(j->message, id), "mts-id", mhs_mts_id_text(a, &env->id),
	    "from",
	    env->kind == MHS_REPORT ? NULL : x_name_text(a, &env->originator),
	    "to", first_recipient(j), "recipients", log_u64(j->n_outcomes),
	    "size", log_u64(j->record->content_n), "peer", j->peer->name,
	    "assoc", l != NULL ? l->id : NULL, "address",
	    l != NULL ? x_link_address(l) : j->peer->address, "text", text,
	    NULL);
}

void
x_job_transferred(struct x_job *j, const struct x_link *l)
{
	if (j->cut != NULL)
		x_cut_forget(j->cut);
	settle_downgraded(j);
	log_job(j, LOG_LEVEL_INFO, "sent", l, NULL);
	finish(j, p1_peer_mta(l->p1), false);
}

void
x_job_deferred(
    struct x_job *j, const char *status, const char *why, bool peer_error)
{
	const char *text = arena_strdup(j->record->arena, why);

	for (size_t i = 0; i < j->n_outcomes; i++) {
		struct q_outcome *o = &j->outcomes[i];

		if (o->result == Q_FAILED)
			continue;
		o->result = Q_DEFERRED;
		o->status = status;
		o->text = text;
		mhs_diag_from_status(status, &o->reason, &o->diagnostic);
	}
	/* a peer's failure has its line: how much waits is said there */
	log_job(j, peer_error ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, "deferred",
	    NULL, why);
	finish(j, NULL, peer_error);
}

void
x_job_failed(struct x_job *j, const struct err *why)
{
	const char *text = arena_strdup(j->record->arena, why->text);

	if (j->cut != NULL)
		x_cut_forget(j->cut);
	for (size_t i = 0; i < j->n_outcomes; i++)
		if (j->outcomes[i].result != Q_FAILED)
			fail(&j->outcomes[i], text);
	log_job(j, LOG_LEVEL_WARN, "failed", NULL, why->text);
	finish(j, NULL, false);
}
