#include "qmgr/submit.h"

#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/log.h"
#include "mhs/diag.h"
#include "p1/trace.h"
#include "qmgr/chan_own.h"
#include "qmgr/config.h"
#include "qmgr/direct.h"
#include "qmgr/duplicates.h"

/* RFC 5321 4.5.3.1: local part, "@", domain; O/R addresses that are written as
 * mailboxes are longer, RFC 2156 4.3.1 */
#define MAILBOX_MAX 1024

struct q_submitter {
	struct q_chan *chan;
	struct q_config config;
	struct q_spool *spool;
	const char *name;
};

struct q_submission {
	struct q_submitter *submitter;
	struct q_put *put;
	struct arena *arena;
	struct q_summary *summary; /* made at commit */
	uint64_t max_size;         /* 0: any */
	q_authorize_fn *authorize;
	void *authorize_arg;
	q_commit_fn *done;
	void *arg;
};

static void
on_segment(void *arg, const struct q_segment_news *news)
{
	struct q_submitter *s = arg;

	if (s->chan != NULL)
		q_chan_segment(s->chan, news);
}

/* What is queued goes on, in room that is kept from new mail. */
static bool
works_on_what_is_queued(const char *name)
{
	return strcmp(name, "mixer") == 0 || strcmp(name, "report") == 0 ||
	    strcmp(name, "list") == 0;
}

struct q_submitter *
q_submitter_new(struct q_chan *chan, const struct conf_node *root,
    const char *name, struct err *e)
{
	struct q_submitter *s = xcalloc(1, sizeof(*s));
	const struct q_hello *hello = q_chan_hello(chan);

	s->chan = chan;
	s->name = xstrdup(name);
	if (q_config_read(root, &s->config, NULL, NULL, e) != 0) {
		q_submitter_free(&s);
		return NULL;
	}
	s->config.spool.first_number = hello->first_number;
	if (works_on_what_is_queued(name))
		s->config.spool.low_water /= 8;
	s->config.spool.instance = hello->instance;
	s->spool = q_spool_open(&s->config.spool, q_chan_loop(chan), e);
	if (s->spool == NULL) {
		q_submitter_free(&s);
		return NULL;
	}
	q_spool_on_finished(s->spool, on_segment, s);
	return s;
}

void
q_submitter_free(struct q_submitter **s)
{
	if (*s == NULL)
		return;
	q_spool_close(&(*s)->spool);
	q_config_free(&(*s)->config);
	free((char *)(*s)->name);
	free(*s);
	*s = NULL;
}

struct q_spool *
q_submitter_spool(struct q_submitter *s)
{
	return s->spool;
}

const struct q_config *
q_submitter_config(const struct q_submitter *s)
{
	return &s->config;
}

int
q_submit_verify(struct q_submitter *s, const struct mhs_name *recipient,
    const char **peer, struct err *e)
{
	struct arena *a = arena_new();
	struct mhs_recipient r = {.name = *recipient, .responsible = true};
	struct mhs_envelope env = {.recipients = &r, .n_recipients = 1};
	const char *found;
	int32_t diagnostic = MHS_UNRECOGNISED_OR_NAME;
	int rc = 0;

	q_direct(a, &s->config, &env, 0);
	found = r.peer;
	if (q_fault_of(found) >= 0) {
		diagnostic = q_fault_of(found);
		found = NULL;
		rc = err_set(e, "submit", ERR_REFUSED, "%s",
		    mhs_diagnostic_name(diagnostic));
	} else if (found == NULL) {
		rc = err_set(
		    e, "submit", ERR_NOT_FOUND, "no route for this recipient");
	}
	arena_free(&a);
	if (peer != NULL)
		*peer = found;
	if (rc != 0 && e != NULL)
		e->detail = diagnostic;
	return rc;
}

int
q_submit_ready(struct q_submitter *s, struct err *e)
{
	int rc = q_spool_room(s->spool, e);

	return rc == 0 ? 0 : ERR_TEMPORARY;
}

struct q_submission *
q_submit_begin(struct q_submitter *s, struct err *e)
{
	struct q_put *put = q_put_begin(s->spool, e);
	struct q_submission *m;

	if (put == NULL)
		return NULL;
	m = xcalloc(1, sizeof(*m));
	m->submitter = s;
	m->put = put;
	return m;
}

void
q_submit_limit(struct q_submission *m, uint64_t octets)
{
	if (octets > 0 && (m->max_size == 0 || octets < m->max_size))
		m->max_size = octets;
}

void
q_submit_authorize(struct q_submission *m, q_authorize_fn *fn, void *arg)
{
	m->authorize = fn;
	m->authorize_arg = arg;
}

int
q_submit_content(struct q_submission *m, const void *p, size_t n, struct err *e)
{
	uint64_t had = q_put_length(m->put);

	if (m->max_size > 0 && (had > m->max_size || n > m->max_size - had)) {
		err_set(e, "submit", ERR_LIMIT,
		    "content of more than %llu octets",
		    (unsigned long long)m->max_size);
		if (e != NULL)
			e->detail = MHS_CONTENT_TOO_LONG;
		return ERR_LIMIT;
	}
	return q_put_content(m->put, p, n, e);
}

static void
submission_free(struct q_submission *m)
{
	q_put_abort(&m->put);
	arena_free(&m->arena);
	free(m);
}

void
q_submit_abort(struct q_submission **m)
{
	if (*m == NULL)
		return;
	submission_free(*m);
	*m = NULL;
}

/* --- checks of the envelope --- */

static int
check_trace(
    const struct q_config *c, const struct mhs_envelope *env, struct err *e)
{
	const struct p1_us us = {c->domain, c->mta_name};
	const struct mhs_envelope was = q_trace_before(c, env);
	unsigned visits = p1_trace_visits(&was, &us);
	size_t hops[2] = {0, 0};

	/* a message may have crossed domains and, inside, MTAs: these are
	 * different countings of the same way */
	for (size_t i = 0; i < env->n_trace; i++)
		hops[env->trace[i].internal]++;
	if (visits > c->loop_visits) {
		err_set(e, "submit", ERR_REFUSED,
		    "loop: it has been here %u times", visits);
	} else if (hops[0] > c->hop_limit || hops[1] > c->hop_limit) {
		err_set(e, "submit", ERR_REFUSED, "more than %u hops",
		    c->hop_limit);
	} else {
		return 0;
	}
	if (e != NULL)
		e->detail = MHS_LOOP_DETECTED;
	return ERR_REFUSED;
}

int
q_submit_check_loop(
    const struct q_submitter *s, const struct mhs_envelope *env, struct err *e)
{
	return check_trace(&s->config, env, e);
}

/* One whose recipients are all rejected takes no way that could be a loop. */
static bool
goes_on(const struct mhs_envelope *env)
{
	const char *text;
	int32_t reason;

	for (size_t i = 0; i < env->n_recipients; i++)
		if (env->recipients[i].responsible &&
		    !q_fault_rejected(env->recipients[i].peer, &reason, &text))
			return true;
	return env->kind == MHS_REPORT;
}

/* local@domain of RFC 5321 4.1.2, whose syntax is its parser's business; here
 * it must only be something that a report can go to. */
static bool
is_mailbox(const char *s)
{
	const char *at = strrchr(s, '@');

	if (*s == '\0')
		return true;
	for (const char *p = s; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	return at != NULL && at > s && at[1] != '\0' &&
	    strlen(s) <= MAILBOX_MAX;
}

static int
check_originator(const struct mhs_envelope *env, struct err *e)
{
	const struct mhs_name *o = &env->originator;

	if (o->ora == NULL && o->mailbox == NULL)
		return err_set(e, "submit", ERR_SYNTAX, "no originator");
	if (o->ora != NULL && o->ora->n_attrs == 0)
		return err_set(
		    e, "submit", ERR_SYNTAX, "originator without attributes");
	if (o->ora == NULL && !is_mailbox(o->mailbox))
		return err_set(
		    e, "submit", ERR_SYNTAX, "originator is no mailbox");
	return 0;
}

static int
check_envelope(
    const struct q_config *c, const struct mhs_envelope *env, struct err *e)
{
	if (env->n_recipients == 0)
		return err_set(e, "submit", ERR_SYNTAX, "no recipients");
	if (env->n_recipients > MHS_RECIPIENTS_MAX)
		return err_set(e, "submit", ERR_LIMIT, "%zu recipients",
		    env->n_recipients);
	if (env->kind != MHS_REPORT && check_originator(env, e) != 0)
		return ERR_SYNTAX;
	if (env->kind == MHS_REPORT && env->report == NULL)
		return err_set(e, "submit", ERR_SYNTAX, "a report of nothing");
	return goes_on(env) ? check_trace(c, env, e) : 0;
}

/* --- commit --- */

static void
on_durable(void *arg, int result, q_id id, const struct err *e)
{
	struct q_submission *m = arg;

	if (result == 0) {
		m->summary->id = id;
		q_chan_announce(m->submitter->chan, m->summary);
	}
	m->done(m->arg, result, id, e);
	submission_free(m);
}

/* The caller's envelope with what is ours to fill in; the rest is shared. */
static struct mhs_envelope *
complete(struct q_submission *m, const struct mhs_envelope *env)
{
	struct q_submitter *s = m->submitter;
	struct mhs_envelope *x = arena_memdup(m->arena, env, sizeof(*env));
	size_t n = env->n_recipients * sizeof(*env->recipients);

	x->recipients = arena_memdup(m->arena, env->recipients, n);
	if (x->arrival == 0)
		x->arrival = clock_wall();
	if (x->kind != MHS_PROBE)
		x->content_length = q_put_length(m->put);
	if (x->source_channel == NULL)
		x->source_channel = s->name;
	return x;
}

/* Directs the recipients, and says in our trace what becomes of the message
 * here (X.411 12.2.1.1.1.3). Trace of Internet mail is its header's. */
static void
direct_all(struct q_submission *m, struct mhs_envelope *env)
{
	const struct q_config *c = &m->submitter->config;
	bool redirected;
	int64_t deferred =
	    env->kind == MHS_MESSAGE && env->deferred_delivery > env->arrival
	    ? env->deferred_delivery
	    : 0;

	if (env->kind != MHS_REPORT)
		q_merge_duplicates(env);
	redirected = q_direct(m->arena, c, env, env->arrival);
	if ((redirected || deferred != 0) &&
	    env->content_type != MHS_CONTENT_RFC822)
		q_trace_mark(m->arena, c, env,
		    redirected ? P1_TRACE_REDIRECTED : 0, deferred);
}

/* A recipient that may not be written to gets a peer that says so. */
static int
authorize(struct q_submission *m, struct mhs_envelope *env, struct err *e)
{
	struct err why = ERR_INIT;

	if (m->authorize == NULL)
		return 0;
	if (m->authorize(m->authorize_arg, env, NULL, e) != 0)
		return ERR_REFUSED;
	for (size_t i = 0; i < env->n_recipients; i++) {
		struct mhs_recipient *r = &env->recipients[i];

		why.detail = MHS_DIAG_ABSENT;
		if (r->responsible &&
		    m->authorize(m->authorize_arg, env, r, &why) != 0)
			r->peer = q_fault_peer(m->arena,
			    why.detail >= 0 && why.detail < Q_FAULTS
				? (int32_t)why.detail
				: MHS_UNRECOGNISED_OR_NAME);
	}
	return 0;
}

int
q_submit_commit(struct q_submission *m, const struct mhs_envelope *env,
    q_commit_fn *done, void *arg, struct err *e)
{
	bool version = q_version_parent(env) != 0;
	struct mhs_envelope *x;
	struct q_put *put = m->put;
	int rc;

	if (!version &&
	    (rc = check_envelope(&m->submitter->config, env, e)) != 0) {
		submission_free(m);
		return rc;
	}
	m->arena = arena_new();
	m->done = done;
	m->arg = arg;
	x = complete(m, env);
	if (!version) {
		direct_all(m, x);
		if ((rc = authorize(m, x, e)) != 0) {
			submission_free(m);
			return rc;
		}
	}
	m->summary = q_summary_new(m->arena, 0, q_put_content_file(put), x);
	m->put = NULL; /* the commit's from here */
	q_put_commit(put, x, on_durable, m);
	return 0;
}
