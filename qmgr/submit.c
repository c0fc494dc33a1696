#include "qmgr/submit.h"

#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/log.h"
#include "mhs/diag.h"
#include "qmgr/chan_own.h"
#include "qmgr/config.h"

/* A message may come by here again after a redirection or a detour; more often
 * than this it goes round in a circle (X.411 14.3.1). */
#define OWN_TRACE_MAX 2

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
	q_commit_fn *done;
	void *arg;
};

static void
on_segment(void *arg, uint64_t number, uint64_t records)
{
	struct q_submitter *s = arg;

	if (s->chan != NULL)
		q_chan_segment(s->chan, number, records);
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

int
q_submit_verify(struct q_submitter *s, const struct mhs_name *recipient,
    const char **peer, struct err *e)
{
	const char *found = q_route(s->config.routes, recipient);

	if (peer != NULL)
		*peer = found;
	if (found != NULL)
		return 0;
	err_set(e, "submit", ERR_NOT_FOUND, "no route for this recipient");
	if (e != NULL)
		e->detail = MHS_UNRECOGNISED_OR_NAME;
	return ERR_NOT_FOUND;
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

int
q_submit_content(struct q_submission *m, const void *p, size_t n, struct err *e)
{
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

static bool
is_own_trace(const struct q_config *c, const struct mhs_trace *t)
{
	return t->internal && t->received == NULL &&
	    mhs_domain_equal(&t->domain, &c->domain) &&
	    mhs_mta_equal(t->mta, c->mta_name);
}

static int
check_trace(
    const struct q_config *c, const struct mhs_envelope *env, struct err *e)
{
	size_t own = 0, hops[2] = {0, 0};

	/* a message may have crossed domains and, inside, MTAs: these are
	 * different countings of the same way */
	for (size_t i = 0; i < env->n_trace; i++) {
		own += is_own_trace(c, &env->trace[i]);
		hops[env->trace[i].internal]++;
	}
	if (own > OWN_TRACE_MAX) {
		err_set(e, "submit", ERR_REFUSED,
		    "loop: it has been here %zu times", own);
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

static int
check_envelope(
    const struct q_config *c, const struct mhs_envelope *env, struct err *e)
{
	if (env->n_recipients == 0)
		return err_set(e, "submit", ERR_SYNTAX, "no recipients");
	if (env->n_recipients > MHS_RECIPIENTS_MAX)
		return err_set(e, "submit", ERR_LIMIT, "%zu recipients",
		    env->n_recipients);
	if (env->kind != MHS_REPORT && env->originator.ora == NULL &&
	    env->originator.mailbox == NULL)
		return err_set(e, "submit", ERR_SYNTAX, "no originator");
	if (env->kind == MHS_REPORT && env->report == NULL)
		return err_set(e, "submit", ERR_SYNTAX, "a report of nothing");
	return check_trace(c, env, e);
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

static void
route_all(struct q_submitter *s, struct mhs_envelope *env)
{
	for (size_t i = 0; i < env->n_recipients; i++)
		env->recipients[i].peer =
		    q_route(s->config.routes, &env->recipients[i].name);
}

int
q_submit_commit(struct q_submission *m, const struct mhs_envelope *env,
    q_commit_fn *done, void *arg, struct err *e)
{
	bool version = env->kind == MHS_MESSAGE && env->parent != 0;
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
	if (!version)
		route_all(m->submitter, x);
	m->summary = q_summary_new(m->arena, 0, q_put_content_file(put), x);
	m->put = NULL; /* the commit's from here */
	q_put_commit(put, x, on_durable, m);
	return 0;
}
