/*
 * The operator's actions: done in slices, answered row by row, complete when
 * all of it is durable, and logged with who did it.
 */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "qmgr/control_own.h"

#define IDS_LOGGED 8

/* What was begun and is not durable yet; it outlives the client. */
struct work_left {
	struct client *client; /* NULL: gone */
	unsigned pending;
	int rc;
	struct err e;
};

static struct work_left *
work_of(struct client *c)
{
	if (c->work == NULL) {
		c->work = xcalloc(1, sizeof(*c->work));
		c->work->client = c;
	}
	return c->work;
}

void
control_act_forget(struct work_left **w)
{
	if (*w == NULL)
		return;
	(*w)->client = NULL;
	if ((*w)->pending == 0)
		free(*w);
	*w = NULL;
}

static void
done(void *arg)
{
	struct work_left *w = arg;

	if (--w->pending > 0)
		return;
	if (w->client == NULL)
		free(w);
	else
		control_wake(w->client);
}

/* --- who --- */

/* What was asked: filters, as the client says, or ids. */
static void
put_asked(const struct q_request *r, struct buf *out)
{
	char text[Q_ID_TEXT];

	if (r->asked != NULL)
		buf_puts(out, r->asked);
	for (size_t i = 0; r->asked == NULL && i < r->n_targets; i++) {
		if (i == IDS_LOGGED) {
			buf_puts(out, ",...");
			break;
		}
		buf_printf(out, "%s%s", i > 0 ? "," : "",
		    q_id_text(r->targets[i].message, text));
	}
}

static void
log_action(const struct client *c, const char *object, const char *name,
    const char *detail, size_t messages, size_t recipients)
{
	struct passwd pw, *found = NULL;
	struct buf asked = {0};
	char text[1024];

	if (getpwuid_r(c->uid, &pw, text, sizeof(text), &found) != 0)
		found = NULL;
	put_asked(&c->request, &asked);
	log_event(LOG_LEVEL_INFO, "operator", "action",
	    q_verb_name(c->request.verb), object, name, "asked",
	    asked.len > 0 ? buf_cstr(&asked) : NULL, "messages",
	    log_u64(messages), "recipients", log_u64(recipients), "detail",
	    detail, "user", found != NULL ? found->pw_name : "", "uid",
	    log_u64(c->uid), "pid", log_u64((unsigned long long)c->pid), NULL);
	buf_free(&asked);
}

/* What is gone afterwards, or elsewhere, leaves a line for each message. */
static void
log_message(const struct client *c, q_id id, size_t recipients)
{
	const struct q_request *r = &c->request;
	char text[Q_ID_TEXT];

	if (recipients == 0 ||
	    (r->verb != Q_VERB_DELETE && r->verb != Q_VERB_RETURN &&
		r->verb != Q_VERB_REDIRECT))
		return;
	log_event(LOG_LEVEL_INFO, "operator", "action", q_verb_name(r->verb),
	    "id", q_id_text(id, text), "recipients", log_u64(recipients), "uid",
	    log_u64(c->uid), NULL);
}

/* --- messages --- */

struct tally {
	size_t messages, recipients;
	struct buf ids; /* of the first ones */
};

static int
run(struct client *c, const struct q_op_target *t, struct q_op_result *out,
    struct err *e)
{
	const struct q_request *r = &c->request;
	struct q_queue *q = c->control->q->queue;
	struct work_left *w = work_of(c);
	struct q_outcome why = {
	    .result = Q_FAILED,
	    .reason = r->reason,
	    .diagnostic = r->diagnostic,
	    .status = r->status,
	    .text = r->text,
	    .at = clock_wall(),
	};

	switch (r->verb) {
	case Q_VERB_HOLD: return q_op_hold(q, t, true, out, done, w, e);
	case Q_VERB_RELEASE: return q_op_hold(q, t, false, out, done, w, e);
	case Q_VERB_REDIRECT:
		return q_op_redirect(q, t, r->to_peer, out, done, w, e);
	case Q_VERB_RETURN: return q_op_return(q, t, &why, out, done, w, e);
	case Q_VERB_DELETE: return q_op_delete(q, t, out, done, w, e);
	case Q_VERB_PRIORITY:
		out->recipients = t->n;
		return q_op_set_level(q, t->message, r->level, done, w, e);
	default: break;
	}
	INVARIANT(r->verb == Q_VERB_RETRY);
	return q_op_retry(q, t, out, e);
}

/* `gone`: it is over, by this or by itself. */
static void
put_result(struct client *c, q_id id, const struct q_op_result *result,
    const char *refused, bool gone)
{
	char text[Q_ID_TEXT];

	q_row_begin(&c->out, refused == NULL ? "done" : "refused");
	q_row_text(&c->out, "id", q_id_text(id, text));
	if (refused == NULL) {
		q_row_int(&c->out, "recipients", (int64_t)result->recipients);
		q_row_int(&c->out, "busy", (int64_t)result->busy);
		q_row_int(&c->out, "unchanged", (int64_t)result->unchanged);
		q_row_text(&c->out, "why", result->why);
		if (c->request.verb == Q_VERB_RETURN)
			q_row_int(&c->out, "told", (int64_t)result->told);
	} else {
		q_row_bool(&c->out, "gone", gone);
	}
	q_row_text(&c->out, "reason", refused);
	q_row_end(&c->out);
}

static void
count(struct tally *sum, q_id id, const struct q_op_result *result)
{
	char text[Q_ID_TEXT];

	if (result->recipients == 0)
		return;
	if (sum->messages < IDS_LOGGED)
		buf_printf(&sum->ids, "%s%s", sum->ids.len > 0 ? "," : "",
		    q_id_text(id, text));
	else if (sum->messages == IDS_LOGGED)
		buf_puts(&sum->ids, ",...");
	sum->messages++;
	sum->recipients += result->recipients;
}

static void
act_on(struct client *c, const struct q_request_target *t, struct tally *sum)
{
	const struct q_filter *f = &c->request.filter;
	struct q_op_result result = {0};
	struct q_op_target to;
	struct err e = ERR_INIT;
	struct arena *a = arena_new();

	if (!control_select(
		a, c->control->q->queue, t, f->channel, f->peer, &to)) {
		put_result(
		    c, t->message, NULL, "no such message is queued", true);
	} else if (to.n == 0) {
		put_result(c, t->message, NULL,
		    "none of its recipients that are not done is meant", true);
	} else {
		if (run(c, &to, &result, &e) == 0) {
			/* else nothing is on its way to the disk */
			work_of(c)->pending += result.recipients > 0 &&
			    c->request.verb != Q_VERB_RETRY;
			put_result(c, t->message, &result, NULL, false);
			count(sum, t->message, &result);
			log_message(c, t->message, result.recipients);
		} else {
			put_result(c, t->message, NULL, e.text, false);
		}
	}
	arena_free(&a);
}

static const char *
detail_of(const struct q_request *r)
{
	if (r->verb == Q_VERB_REDIRECT)
		return r->to_peer;
	if (r->verb == Q_VERB_PRIORITY)
		return q_level_name(r->level);
	return r->text != NULL ? r->text : "";
}

/* Once, not for each message. */
static bool
peer_known(struct client *c)
{
	struct err e = ERR_INIT;

	if (c->request.verb != Q_VERB_REDIRECT ||
	    q_op_peer(c->control->q->queue, c->request.to_peer, &e) == 0)
		return true;
	control_refuse(c, "%s", e.text);
	return false;
}

static void
free_tally(void *arg)
{
	buf_free(&((struct tally *)arg)->ids);
}

enum answer
control_act(struct client *c)
{
	const struct q_request *r = &c->request;
	struct tally *sum = c->state;
	msec_t begun = clock_mono();

	if (sum == NULL) {
		if (!control_names_known(c) || !peer_known(c))
			return ANSWER_END;
		c->state = sum = ARENA_NEW(c->arena, struct tally);
		arena_on_free(c->arena, free_tally, sum);
	}
	while (c->at < r->n_targets && !control_slice_over(begun))
		act_on(c, &r->targets[c->at++], sum);
	qmgr_kick(c->control->q);
	if (c->at < r->n_targets)
		return ANSWER_MORE;
	if (c->stage++ == 0)
		log_action(c, "ids", buf_cstr(&sum->ids), detail_of(r),
		    sum->messages, sum->recipients);
	return c->work != NULL && c->work->pending > 0 ? ANSWER_WAIT
						       : ANSWER_END;
}

/* --- channels and peers --- */

static void
stopped_done(void *arg, int rc, const struct err *e)
{
	struct work_left *w = arg;

	if (rc != 0) {
		w->rc = rc;
		w->e = *e;
	}
	done(w);
}

static void
put_done(struct client *c, const char *kind, const char *name, bool changed)
{
	q_row_begin(&c->out, "done");
	q_row_text(&c->out, kind, name);
	q_row_bool(&c->out, "changed", changed);
	q_row_end(&c->out);
}

static enum answer
stop_begin(struct client *c)
{
	const struct q_filter *f = &c->request.filter;
	const char *kind = f->peer != NULL ? "peer" : "channel";
	const char *name = f->peer != NULL ? f->peer : f->channel;
	bool stop = c->request.verb == Q_VERB_STOP, changed;
	struct err e = ERR_INIT;

	/* a name that is not configured any more can still be forgotten */
	if (q_op_stop(c->control->q->queue, f->channel, f->peer, stop, &e) !=
		0 &&
	    stop) {
		control_refuse(c, "%s", e.text);
		return ANSWER_END;
	}
	changed = q_stopped_set(
	    c->control->stopped, kind, name, stop, stopped_done, work_of(c));
	work_of(c)->pending += changed;
	if (!changed && e.code != 0) {
		control_refuse(c, "%s", e.text);
		return ANSWER_END;
	}
	log_action(c, kind, name, "", 0, 0);
	put_done(c, kind, name, changed);
	qmgr_kick(c->control->q);
	return changed ? ANSWER_WAIT : ANSWER_END;
}

enum answer
control_stop(struct client *c)
{
	if (c->stage++ == 0)
		return stop_begin(c);
	if (c->work->pending > 0)
		return ANSWER_WAIT;
	if (c->work->rc != 0)
		control_refuse(c,
		    "done, but a restart would not know of it yet: %s",
		    c->work->e.text);
	return ANSWER_END;
}

enum answer
control_retry_peer(struct client *c)
{
	const char *peer = c->request.filter.peer;
	struct err e = ERR_INIT;

	if (q_op_retry_peer(c->control->q->queue, peer, &e) != 0) {
		control_refuse(c, "%s", e.text);
		return ANSWER_END;
	}
	log_action(c, "peer", peer, "", 0, 0);
	put_done(c, "peer", peer, true);
	qmgr_kick(c->control->q);
	return ANSWER_END;
}
