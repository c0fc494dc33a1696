/*
 * Records to transactions, results to outcomes.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/log.h"
#include "mhs/diag.h"
#include "smtp/address.h"
#include "smtp/channel.h"

/* Sender and recipients must be what RFC 5321 calls a mailbox before they get
 * between angle brackets, wherever they came from. */
static bool
mailbox_valid(const char *mailbox)
{
	char out[SMTP_MAILBOX_TEXT];

	return mailbox != NULL &&
	    smtp_mailbox_parse(mailbox, strlen(mailbox), out, NULL) == 0;
}

static void
fail(struct q_outcome *o, const char *status, const char *text)
{
	o->result = Q_FAILED;
	o->status = status;
	o->text = text;
	mhs_diag_from_status(status, &o->reason, &o->diagnostic);
}

static void
take_recipient(struct smtp_job *j, size_t i)
{
	const struct mhs_envelope *env = j->record->env;
	struct q_outcome *o = &j->outcomes[i];
	const struct mhs_recipient *r;
	struct smtp_recipient *to;

	if (o->recipient >= env->n_recipients) {
		fail(o, "5.1.0", "The record has no such recipient");
		return;
	}
	r = &env->recipients[o->recipient];
	if (!mailbox_valid(r->name.mailbox)) {
		fail(o, "5.1.3", "The recipient has no Internet address");
		return;
	}
	j->outcome_of[j->t.n_recipients] = i;
	to = &j->t.recipients[j->t.n_recipients++];
	to->mailbox = r->name.mailbox;
	to->notify = r->notify;
	to->orcpt = r->orcpt;
}

static void
fail_all(struct smtp_job *j, const char *status, const char *text)
{
	for (size_t i = 0; i < j->n_outcomes; i++)
		fail(&j->outcomes[i], status, text);
}

static void
make_transaction(struct smtp_job *j)
{
	const struct q_record *rec = j->record;
	const struct mhs_envelope *env = rec->env;
	struct arena *a = rec->arena;
	const char *from = env->originator.mailbox;

	j->t = (struct smtp_transaction){
	    .arena = a,
	    .from = from != NULL && env->kind != MHS_REPORT ? from : "",
	    .envid = env->envid,
	    .ret = env->ret,
	    .has_8bit = buf_has_8bit(rec->content, rec->content_n),
	    .content = rec->content,
	    .content_n = rec->content_n,
	};
	if (env->content_type != MHS_CONTENT_RFC822) {
		fail_all(j, "5.6.1", "The content is no Internet message");
		return;
	}
	if (env->kind == MHS_MESSAGE && (from == NULL || from[0] != '\0') &&
	    !mailbox_valid(from)) {
		fail_all(j, "5.1.7", "The originator has no Internet address");
		return;
	}
	j->t.recipients =
	    arena_alloc(a, j->n_outcomes * sizeof(*j->t.recipients));
	j->outcome_of = arena_alloc(a, j->n_outcomes * sizeof(*j->outcome_of));
	for (size_t i = 0; i < j->n_outcomes; i++)
		take_recipient(j, i);
}

struct smtp_job *
smtp_job_new(
    struct smtp_channel *c, struct smtp_peer *peer, const struct q_work *w)
{
	struct q_record *record;
	struct err e = ERR_INIT;
	struct smtp_job *j;

	if (q_record_open(c->spool, w->record, &record, &e) < 0) {
		q_chan_unreadable(c->chan, w, &e);
		return NULL;
	}
	j = ARENA_NEW(record->arena, struct smtp_job);
	j->channel = c;
	j->peer = peer;
	j->record = record;
	j->mlist = w->mlist;
	j->level = w->level;
	j->message = w->message;
	j->n_outcomes = w->n_recipients;
	j->outcomes =
	    arena_alloc(record->arena, w->n_recipients * sizeof(*j->outcomes));
	for (size_t i = 0; i < w->n_recipients; i++)
		j->outcomes[i].recipient = w->recipients[i];
	make_transaction(j);
	c->n_jobs++;
	return j;
}

bool
smtp_job_settled(const struct smtp_job *j)
{
	return j->t.n_recipients == 0;
}

/* --- outcomes --- */

static void
take_result(
    struct smtp_job *j, const struct smtp_recipient *r, struct q_outcome *o)
{
	o->status = r->status;
	o->text = r->text;
	switch (r->outcome) {
	case SMTP_ACCEPTED:
		o->result = j->channel->lmtp ? Q_DELIVERED
		    : j->t.dsn_offered       ? Q_TRANSFERRED
					     : Q_RELAYED;
		break;
	case SMTP_PERMANENT: fail(o, r->status, r->text); break;
	case SMTP_PENDING:
	case SMTP_TEMPORARY:
		o->result = Q_DEFERRED;
		mhs_diag_from_status(r->status, &o->reason, &o->diagnostic);
		break;
	}
}

static void
log_outcome(const struct smtp_job *j, const struct q_outcome *o)
{
	static const char *const words[] = {
	    [Q_TRANSFERRED] = "relayed",
	    [Q_RELAYED] = "relayed",
	    [Q_DELIVERED] = "delivered",
	    [Q_CONVERTED] = "converted",
	    [Q_DEFERRED] = "deferred",
	    [Q_FAILED] = "failed",
	};
	const struct mhs_envelope *env = j->record->env;
	const char *to = NULL;
	char id[Q_ID_TEXT];

	if (o->recipient < env->n_recipients)
		to = mhs_name_text(
		    j->record->arena, &env->recipients[o->recipient].name);
	log_event(LOG_LEVEL_INFO, words[o->result], "id",
	    q_id_text(j->message, id), "mts-id",
	    mhs_mts_id_text(j->record->arena, &env->id), "to", to, "peer",
	    j->peer->name, "remote", o->remote_mta, "status", o->status, "text",
	    o->text, NULL);
}

static void
finish(struct smtp_job *j, const char *remote)
{
	struct smtp_channel *c = j->channel;
	struct q_record *record = j->record;
	struct q_outcomes o = {
	    .mlist = j->mlist,
	    .v = j->outcomes,
	    .n = j->n_outcomes,
	    .peer_error = j->t.peer_error,
	};

	for (size_t i = 0; i < j->t.n_recipients; i++)
		j->outcomes[j->outcome_of[i]].remote_mta = remote;
	for (size_t i = 0; i < j->n_outcomes; i++) {
		j->outcomes[i].at = clock_wall();
		if (log_enabled(LOG_LEVEL_INFO))
			log_outcome(j, &j->outcomes[i]);
	}
	q_chan_result(c->chan, &o);
	q_record_close(&record); /* the job lives in its arena */
	c->n_jobs--;
	smtp_channel_check(c);
}

void
smtp_job_done(struct smtp_job *j, const char *remote)
{
	if (remote != NULL && remote[0] != '\0')
		remote = arena_printf(j->record->arena, "dns; %s", remote);
	for (size_t i = 0; i < j->t.n_recipients; i++)
		take_result(
		    j, &j->t.recipients[i], &j->outcomes[j->outcome_of[i]]);
	finish(j, remote);
}

void
smtp_job_drop(struct smtp_job *j)
{
	struct q_record *record = j->record;

	j->channel->n_jobs--;
	q_record_close(&record);
}

void
smtp_job_unreachable(struct smtp_job *j, const char *why)
{
	const char *text = arena_strdup(j->record->arena, why);

	for (size_t i = 0; i < j->t.n_recipients; i++) {
		j->t.recipients[i].outcome = SMTP_TEMPORARY;
		j->t.recipients[i].status = "4.4.1";
		j->t.recipients[i].text = text;
	}
	j->t.peer_error = true;
	smtp_job_done(j, j->peer->host);
}
