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
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "mixer/mixer.h"
#include "qmgr/config.h"
#include "qmgr/settled.h"
#include "qmgr/submit.h"

#define WRITE_PIECE 65536

struct channel {
	struct loop *loop;
	struct q_chan *chan;
	struct q_submitter *submitter;
	struct arena *arena; /* the configuration's */
	const struct conf_node *root;
	struct mixer_config config;
	size_t jobs; /* on their way to disk */
	bool stopping;
};

/* A conversion whose new version is on its way to disk. */
struct job {
	struct channel *ch;
	uint64_t mlist;
	uint32_t *recipients;
	bool report; /* a DSN that became a report: a message of its own */
	bool *bad;   /* this recipient has no address in the other world */
	size_t n;
};

static int
on_config(void *arg, const struct conf_node *root, const struct conf_node *own,
    struct err *e)
{
	struct channel *ch = arg;
	int r = mixer_config_read(ch->arena, root, &ch->config, e);

	(void)own;
	if (r < 0)
		return r;
	ch->root = root;
	ch->submitter = q_submitter_new(ch->chan, root, "mixer", e);
	return ch->submitter == NULL ? ERR_CONFIG : 0;
}

static void
answer(struct channel *ch, const struct job *j, const struct q_outcome *same)
{
	q_chan_result_all(ch->chan, j->mlist, j->recipients, j->n, same, false);
}

static void
fail(struct channel *ch, const struct job *j, int code, const struct err *e)
{
	struct mixer_failure f = mixer_failure_of(code, e);
	struct q_outcome o = {
	    .result = f.temporary ? Q_DEFERRED : Q_FAILED,
	    .reason = f.reason,
	    .diagnostic = f.diagnostic,
	    .status = f.status,
	    .text = e->text,
	    .at = clock_wall(),
	};

	log_err(LOG_LEVEL_WARN, "not converted", e, NULL);
	answer(ch, j, &o);
}

static void
job_free(struct job *j)
{
	struct channel *ch = j->ch;

	free(j->recipients);
	free(j->bad);
	free(j);
	ch->jobs--;
	if (ch->stopping && ch->jobs == 0)
		loop_stop(ch->loop);
}

static struct q_outcome
outcome_of(const struct job *j, size_t i)
{
	struct q_outcome o = {.recipient = j->recipients[i],
	    .result = j->report ? Q_RELAYED : Q_CONVERTED,
	    .at = clock_wall()};

	if (j->bad[i]) {
		o.result = Q_FAILED;
		o.reason = MHS_UNABLE_TO_TRANSFER;
		o.diagnostic = MHS_UNRECOGNISED_OR_NAME;
		o.status = "5.1.3";
		o.text = "no address in the other mail world";
	}
	return o;
}

static void
on_durable(void *arg, int result, q_id id, const struct err *e)
{
	struct job *j = arg;
	struct q_outcome *v = xcalloc(j->n, sizeof(*v));
	struct q_outcomes all = {.mlist = j->mlist, .v = v, .n = j->n};

	if (result < 0) {
		fail(j->ch, j, result, e);
	} else {
		for (size_t i = 0; i < j->n; i++)
			v[i] = outcome_of(j, i);
		all.record = j->report ? 0 : id;
		q_chan_result(j->ch->chan, &all);
	}
	free(v);
	job_free(j);
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
	for (size_t i = 0; i < j->n; i++) {
		const struct mhs_name *name;

		if (j->recipients[i] >= env->n_recipients)
			continue;
		name = &env->recipients[j->recipients[i]].name;
		j->bad[i] = env->content_type == MHS_CONTENT_RFC822
		    ? name->mailbox == NULL
		    : name->ora == NULL;
	}
}

static int
store(struct channel *ch, struct job *j, const struct mhs_envelope *env,
    const struct buf *content, struct err *e)
{
	struct q_submission *m = q_submit_begin(ch->submitter, e);
	int r = 0;

	if (m == NULL)
		return ERR_TEMPORARY;
	for (size_t at = 0; r == 0 && at < content->len; at += WRITE_PIECE)
		r = q_submit_content(m, content->data + at,
		    content->len - at < WRITE_PIECE ? content->len - at
						    : WRITE_PIECE,
		    e);
	if (r < 0) {
		q_submit_abort(&m);
		return r;
	}
	return q_submit_commit(m, env, on_durable, j, e);
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
convert_to_p2(struct channel *ch, struct arena *a,
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

/* Converts and stores; the job is given away when that is under way. */
static int
convert(struct job *j, const struct q_work *w, const struct q_record *rec,
    struct err *e)
{
	struct channel *ch = j->ch;
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
		r = store(ch, j, env, &content, e);
	}
	buf_free(&content);
	return r;
}

static struct job *
job_new(struct channel *ch, const struct q_work *w)
{
	struct job *j = xcalloc(1, sizeof(*j));

	j->ch = ch;
	ch->jobs++;
	j->mlist = w->mlist;
	j->n = w->n_recipients;
	j->recipients = xcalloc(j->n, sizeof(*j->recipients));
	j->bad = xcalloc(j->n, sizeof(*j->bad));
	for (size_t i = 0; i < j->n; i++)
		j->recipients[i] = w->recipients[i];
	return j;
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
end_report(struct job *j, const struct q_work *w)
{
	struct q_outcome o = {.result = Q_TRANSFERRED,
	    .diagnostic = MHS_DIAG_ABSENT,
	    .at = clock_wall()};
	char id[Q_ID_TEXT];

	log_event(LOG_LEVEL_INFO, "report ends here", "id",
	    q_id_text(w->message, id), "reason",
	    "the originator has not asked for it", NULL);
	answer(j->ch, j, &o);
	job_free(j);
}

static void
on_work(void *arg, const struct q_work *w)
{
	struct channel *ch = arg;
	struct q_record *rec;
	struct err e = ERR_INIT;
	struct job *j;
	int r;

	if (q_record_open(
		q_submitter_spool(ch->submitter), w->record, &rec, &e) < 0) {
		q_chan_unreadable(ch->chan, w, &e);
		return;
	}
	j = job_new(ch, w);
	if (is_for_mta_only(rec->env)) {
		end_report(j, w);
		q_record_close(&rec);
		return;
	}
	r = convert(j, w, rec, &e);
	q_record_close(&rec);
	if (r < 0) {
		fail(ch, j, r, &e);
		job_free(j);
	}
}

static void
on_stop(void *arg)
{
	struct channel *ch = arg;

	ch->stopping = true;
	if (ch->jobs == 0)
		loop_stop(ch->loop);
}

static void *
make(struct loop *l, struct q_chan *c, const char *name)
{
	struct channel *ch = xcalloc(1, sizeof(*ch));

	(void)name;
	ch->loop = l;
	ch->chan = c;
	ch->arena = arena_new();
	return ch;
}

static void
destroy(void *state)
{
	struct channel *ch = state;

	q_submitter_free(&ch->submitter);
	arena_free(&ch->arena);
	free(ch);
}

int
main(int argc, char **argv)
{
	static const struct q_chan_ops ops = {
	    .config = on_config,
	    .work = on_work,
	    .stop = on_stop,
	};

	return q_chan_main(argc, argv, "mixer", &ops, make, destroy);
}
