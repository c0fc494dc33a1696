/*
 * mixer - convert messages between X.400 and Internet mail
 *
 * A channel process: qmgr gives it messages whose next peer is in the other
 * world, or of 1984. Each is read from the spool, converted, written as a new
 * version of the same message, and answered with the new record's id. A message
 * that cannot be converted is failed with conversion-not-performed (or
 * unable-to-transfer) and the diagnostic that says why; one malformed message
 * never harms another. What could not be carried across is logged.
 */
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "mixer/mixer.h"
#include "qmgr/config.h"
#include "qmgr/settled.h"
#include "qmgr/worker.h"

#define CAPACITY 1 /* a conversion takes memory */

struct channel {
	const struct conf_node *root;
	struct mixer_config config;
};

/* A conversion. */
struct job {
	const struct channel *ch;
	struct q_job *job;
	bool report; /* a DSN that became a report: a message of its own */
	bool *bad;   /* this recipient has no address in the other world */
};

static void
fail(struct job *j, int code, const struct err *e)
{
	struct mixer_failure f = mixer_failure_of(code, e);
	struct q_outcome o = {
	    .result = f.temporary ? Q_DEFERRED : Q_FAILED,
	    .reason = f.reason,
	    .diagnostic = f.diagnostic,
	    .status = f.status,
	    .text = arena_strdup(j->job->record->arena, e->text),
	};

	log_err(LOG_LEVEL_WARN, "not converted", e, NULL);
	q_job_outcome(j->job, &o);
}

static void
set_outcome(const struct job *j, size_t i)
{
	struct q_outcome *o = &j->job->outcomes[i];

	if (!j->bad[i]) {
		o->result = j->report ? Q_RELAYED : Q_CONVERTED;
		return;
	}
	o->result = Q_FAILED;
	o->reason = MHS_UNABLE_TO_TRANSFER;
	o->diagnostic = MHS_UNRECOGNISED_OR_NAME;
	o->status = "5.1.3";
	o->text = "no address in the other mail world";
}

static void
on_durable(void *arg, int result, q_id id, const struct err *e)
{
	struct job *j = arg;

	if (result < 0) {
		fail(j, result, e);
		return;
	}
	for (size_t i = 0; i < j->job->n; i++)
		set_outcome(j, i);
	j->job->made = j->report ? 0 : id;
}

static void
log_losses(const struct q_work *w, const struct mixer_losses *l)
{
	char id[Q_ID_TEXT];

	for (size_t i = 0; i < l->n; i++)
		log_event(LOG_LEVEL_INFO, "lost in conversion", "id",
		    q_id_text(w->message, id), "what", l->v[i].what, "why",
		    l->v[i].why, NULL);
	if (l->dropped > 0)
		log_event(LOG_LEVEL_INFO, "lost in conversion", "id",
		    q_id_text(w->message, id), "more", log_u64(l->dropped),
		    NULL);
}

static void
note_bad(struct job *j, const struct mhs_envelope *env)
{
	for (size_t i = 0; i < j->job->n; i++) {
		uint32_t recipient = j->job->outcomes[i].recipient;
		const struct mhs_name *name;

		if (recipient >= env->n_recipients)
			continue;
		name = &env->recipients[recipient].name;
		j->bad[i] = env->content_type == MHS_CONTENT_RFC822
		    ? name->mailbox == NULL
		    : name->ora == NULL;
	}
}

/* Does the peer that it goes to next know P2 only? */
static bool
is_for_p2(const struct channel *ch, const struct q_work *w)
{
	const struct conf_node *n = NULL;

	if (w->p2)
		return true;
	while (w->next_peer != NULL &&
	    (n = conf_next(ch->root, "peer", n)) != NULL)
		if (strcmp(conf_str(n, "name", ""), w->next_peer) == 0)
			return q_peer_wants_p2(n);
	return false;
}

/* Within X.400, or to its 1988 form and from there on. */
static int
convert_to_p2(const struct channel *ch, struct arena *a,
    const struct mhs_envelope *env, const uint8_t *p, size_t n,
    struct mhs_envelope **out_env, struct buf *out, struct mixer_losses *l,
    struct err *e)
{
	struct buf p22 = {0};
	int r = 0;

	if (env->content_type != MHS_CONTENT_P22) {
		r = mixer_convert(a, &ch->config, env, p, n, clock_wall(),
		    out_env, &p22, l, e);
		if (r == 0 && (*out_env)->kind != MHS_MESSAGE)
			buf_append(out, p22.data, p22.len);
		else if (r == 0)
			r = mixer_to_p2(a, &ch->config, *out_env, p22.data,
			    p22.len, clock_wall(), out_env, out, l, e);
		buf_free(&p22);
		return r;
	}
	return mixer_to_p2(
	    a, &ch->config, env, p, n, clock_wall(), out_env, out, l, e);
}

/* A report is a message of its own, and stands for the notification's
 * recipients. */
static void
settle(struct arena *a, struct mhs_envelope *env, const struct q_work *w)
{
	struct q_settled x = {.message = w->message,
	    .as = Q_SETTLED_RELAYED,
	    .v = w->recipients,
	    .n = w->n_recipients};

	q_settled_set(a, env, &x);
}

/* Converts and submits. */
static int
convert(struct job *j, const struct q_work *w, const struct q_record *rec,
    struct err *e)
{
	const struct channel *ch = j->ch;
	struct mixer_losses losses = {0};
	struct mhs_envelope *env = NULL;
	struct buf content = {0};
	int r;

	if (rec->env->kind == MHS_MESSAGE && is_for_p2(ch, w))
		r = convert_to_p2(ch, rec->arena, rec->env, rec->content,
		    (size_t)rec->content_n, &env, &content, &losses, e);
	else
		r = mixer_convert(rec->arena, &ch->config, rec->env,
		    rec->content, (size_t)rec->content_n, clock_wall(), &env,
		    &content, &losses, e);
	if (r == 0) {
		log_losses(w, &losses);
		/* a report stands for all of them, whomever it names */
		j->report = env->kind == MHS_REPORT;
		if (!j->report)
			note_bad(j, env);
		env->parent = w->message;
		if (j->report)
			settle(rec->arena, env, w);
		env->content_length = content.len;
		env->source_channel = "mixer";
		r = q_job_submit(
		    j->job, env, content.data, content.len, on_durable, j, e);
	}
	buf_free(&content);
	return r;
}

/* A report that only this MTA, where the message came from, wanted. */
static bool
is_for_mta_only(const struct mhs_envelope *env)
{
	return env->kind == MHS_REPORT && env->report != NULL &&
	    env->report->n_recipients > 0 &&
	    !mixer_report_is_for_user(env->report);
}

static void
on_work(void *state, struct q_job *job, const struct q_work *w)
{
	struct q_record *rec = job->record;
	struct job *j = ARENA_NEW(rec->arena, struct job);
	struct err e = ERR_INIT;
	char id[Q_ID_TEXT];
	int r;

	if (is_for_mta_only(rec->env)) {
		log_event(LOG_LEVEL_INFO, "report ends here", "id",
		    q_id_text(w->message, id), "reason",
		    "the originator has not asked for it", NULL);
		return; /* transferred */
	}
	j->ch = state;
	j->job = job;
	j->bad = arena_alloc(rec->arena, (job->n + 1) * sizeof(*j->bad));
	r = convert(j, w, rec, &e);
	if (r < 0)
		fail(j, r, &e);
}

static int
on_open(void **state, struct q_worker *w, const struct conf_node *root,
    const struct conf_node *own, struct err *e)
{
	struct channel *ch = ARENA_NEW(q_worker_arena(w), struct channel);

	(void)own;
	*state = ch;
	ch->root = root;
	return mixer_config_read(q_worker_arena(w), root, &ch->config, e);
}

static void *
new_worker(struct loop *l, struct q_chan *c, const char *name)
{
	static const struct q_worker_ops ops = {
	    .open = on_open, .work = on_work};

	return q_worker_new(l, c, name, CAPACITY, &ops);
}

int
main(int argc, char **argv)
{
	return q_chan_main(
	    argc, argv, "mixer", &q_worker_chan_ops, new_worker, q_worker_free);
}
