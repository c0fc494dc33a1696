/*
 * Records to transactions, one for each domain where they differ; results to
 * outcomes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/log.h"
#include "mhs/diag.h"
#include "smtp/address.h"
#include "smtp/channel.h"

#define DOMAIN_TEXT (SMTP_DOMAIN_MAX + 1)

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
	to->rrvs = r->rrvs;
	to->rrvs_mode = r->rrvs_mode;
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
	    .binary = env->body_binary,
	    .smtputf8 = env->smtputf8,
	    .content = rec->content,
	    .content_n = rec->content_n,
	};
	smtp_requests_of(a, env, clock_mono(), clock_wall(), &j->t.ask);
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

/* --- outcomes --- */

/* Who tells of success from here on? The server, where it has DSN; but a time
 * that it does not keep to, or a trace, is for us to tell (RFC 2852 4.1.4). */
static enum q_result
result_of(const struct smtp_group *g)
{
	const struct smtp_requests *ask = &g->t.ask;
	bool told = ask->deliver_by != 0 &&
	    (ask->deliver_by_trace ||
		(ask->deliver_by_mode == 'N' && !g->t.by_offered));

	if (g->job->channel->lmtp)
		return Q_DELIVERED;
	return g->t.dsn_offered && !told ? Q_TRANSFERRED : Q_RELAYED;
}

static void
take_result(const struct smtp_group *g, const struct smtp_recipient *r,
    struct q_outcome *o)
{
	o->status = r->status;
	o->text = r->text;
	switch (r->outcome) {
	case SMTP_ACCEPTED: o->result = result_of(g); break;
	case SMTP_PERMANENT: fail(o, r->status, r->text); break;
	case SMTP_PENDING:
	case SMTP_TEMPORARY:
		o->result = Q_DEFERRED;
		mhs_diag_from_status(r->status, &o->reason, &o->diagnostic);
		break;
	}
}

static void
log_outcome(
    const struct smtp_job *j, const struct q_outcome *o, const char *tls)
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

	if (!log_enabled(LOG_LEVEL_INFO))
		return;
	if (o->recipient < env->n_recipients)
		to = mhs_name_text(
		    j->record->arena, &env->recipients[o->recipient].name);
	log_event(LOG_LEVEL_INFO, words[o->result], "id",
	    q_id_text(j->message, id), "mts-id",
	    mhs_mts_id_text(j->record->arena, &env->id), "to", to, "peer",
	    j->peer->name, "remote", o->remote_mta, "tls", tls, "status",
	    o->status, "text", o->text, NULL);
}

static void
close_one(struct smtp_job *j)
{
	struct smtp_channel *c = j->channel;
	struct q_record *record = j->record;
	struct q_outcomes o = {
	    .mlist = j->mlist,
	    .v = j->outcomes,
	    .n = j->n_outcomes,
	    .peer_error = j->peer_error,
	};

	if (--j->open > 0)
		return;
	q_chan_result(c->chan, &o);
	q_record_close(&record); /* the job lives in its arena */
	c->n_jobs--;
	smtp_channel_check(c);
}

void
smtp_group_done(struct smtp_group *g, const char *remote)
{
	struct smtp_job *j = g->job;

	if (remote != NULL && remote[0] != '\0')
		remote = arena_printf(j->record->arena, "dns; %s", remote);
	for (size_t i = 0; i < g->t.n_recipients; i++) {
		struct q_outcome *o = &j->outcomes[g->outcome_of[i]];

		take_result(g, &g->t.recipients[i], o);
		o->remote_mta = remote;
		o->at = clock_wall();
		log_outcome(j, o, g->tls);
	}
	/* qmgr would hold all domains for one of them */
	if (j->peer->address != NULL && g->t.peer_error)
		j->peer_error = true;
	close_one(j);
}

void
smtp_group_settle(struct smtp_group *g, enum smtp_outcome outcome,
    const char *status, const char *text, const char *remote)
{
	struct arena *a = g->job->record->arena;

	status = arena_strdup(a, status);
	text = arena_strdup(a, text);
	for (size_t i = 0; i < g->t.n_recipients; i++) {
		g->t.recipients[i].outcome = outcome;
		g->t.recipients[i].status = status;
		g->t.recipients[i].text = text;
	}
	g->tls = NULL;
	smtp_group_done(g, remote);
}

void
smtp_group_drop(struct smtp_group *g)
{
	struct smtp_job *j = g->job;
	struct q_record *record = j->record;

	if (--j->open > 0)
		return;
	j->channel->n_jobs--;
	q_record_close(&record);
}

/* --- groups --- */

/* What is looked up for this mailbox; false: no name at all. */
static bool
domain_of(const char *mailbox, char out[DOMAIN_TEXT])
{
	const char *domain = smtp_mailbox_domain(mailbox);

	if (domain[0] == '[') {
		snprintf(out, DOMAIN_TEXT, "%s", domain);
		return true;
	}
	return dns_name_ascii(domain, out, NULL) == 0;
}

static struct smtp_group *
new_group(struct smtp_job *j, const char *domain, size_t n)
{
	struct arena *a = j->record->arena;
	struct smtp_group *g = ARENA_NEW(a, struct smtp_group);

	g->job = j;
	g->domain = domain;
	g->t = j->t;
	g->t.n_recipients = 0;
	g->t.recipients = arena_alloc(a, n * sizeof(*g->t.recipients));
	g->outcome_of = arena_alloc(a, n * sizeof(*g->outcome_of));
	j->open++;
	return g;
}

struct member {
	const char *domain;
	size_t i; /* of the job's transaction */
};

static int
compare_members(const void *x, const void *y)
{
	const struct member *a = x, *b = y;
	int rc = strcmp(a->domain, b->domain);

	return rc != 0 ? rc : (a->i > b->i) - (a->i < b->i);
}

static size_t
find_members(struct smtp_job *j, struct member *v)
{
	char domain[DOMAIN_TEXT];
	size_t n = 0;

	for (size_t i = 0; i < j->t.n_recipients; i++) {
		struct q_outcome *o = &j->outcomes[j->outcome_of[i]];

		if (!domain_of(j->t.recipients[i].mailbox, domain)) {
			fail(o, "5.1.2", "The domain is no name of the DNS");
			o->at = clock_wall();
			log_outcome(j, o, NULL);
			continue;
		}
		v[n].domain = n > 0 && strcmp(v[n - 1].domain, domain) == 0
		    ? v[n - 1].domain
		    : arena_strdup(j->record->arena, domain);
		v[n++].i = i;
	}
	qsort(v, n, sizeof(*v), compare_members);
	return n;
}

static void
take_member(struct smtp_group *g, size_t i)
{
	const struct smtp_job *j = g->job;

	g->outcome_of[g->t.n_recipients] = j->outcome_of[i];
	g->t.recipients[g->t.n_recipients++] = j->t.recipients[i];
}

static struct smtp_group *
split(struct smtp_job *j)
{
	struct member *v =
	    arena_alloc(j->record->arena, j->t.n_recipients * sizeof(*v));
	size_t n = find_members(j, v), end;
	struct smtp_group *first = NULL, **at = &first;

	for (size_t i = 0; i < n; i = end) {
		for (end = i + 1;
		     end < n && strcmp(v[end].domain, v[i].domain) == 0;)
			end++;
		*at = new_group(j, v[i].domain, end - i);
		for (size_t k = i; k < end; k++)
			take_member(*at, v[k].i);
		at = &(*at)->next;
	}
	return first;
}

static struct smtp_group *
one_for_all(struct smtp_job *j)
{
	struct smtp_group *g =
	    new_group(j, j->peer->mx_host, j->t.n_recipients);

	for (size_t i = 0; i < j->t.n_recipients; i++)
		take_member(g, i);
	return g;
}

void
smtp_job_start(struct smtp_job *j)
{
	bool by_domain = j->peer->address == NULL && j->peer->mx_host == NULL;
	struct smtp_group *g = NULL, *next;

	j->open = 1; /* we */
	for (size_t i = 0; i < j->n_outcomes; i++)
		if (j->outcomes[i].status != NULL) {
			j->outcomes[i].at = clock_wall();
			log_outcome(j, &j->outcomes[i], NULL);
		}
	if (j->t.n_recipients > 0)
		g = by_domain ? split(j) : one_for_all(j);
	for (; g != NULL; g = next) {
		next = g->next;
		g->next = NULL;
		smtp_domain_add(j->peer, g);
	}
	close_one(j);
}

/* --- queues --- */

void
smtp_queue_put(struct smtp_queue *q, struct smtp_group *g, bool first)
{
	struct smtp_group **at = &q->first;
	enum q_level level = g->job->level;

	while (*at != NULL &&
	    ((*at)->job->level > level ||
		(!first && (*at)->job->level == level)))
		at = &(*at)->next;
	g->next = *at;
	*at = g;
	q->n++;
}

struct smtp_group *
smtp_queue_take(struct smtp_queue *q)
{
	struct smtp_group *g = q->first;

	if (g == NULL)
		return NULL;
	q->first = g->next;
	q->n--;
	g->next = NULL;
	return g;
}
