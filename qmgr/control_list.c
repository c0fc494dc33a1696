/*
 * Answers that list: what is queued, and one message.
 */
#include <string.h>

#include "qmgr/control_own.h"

#define AT_ONCE 100 /* messages between two looks at the clock */
#define OUT_SLICE (32 << 10)

/* --- what is queued --- */

struct listing {
	const struct q_queue *queue;
	struct buf *out;
	uint64_t epoch;
};

static void
put_id(struct buf *out, const char *name, q_id id)
{
	char text[Q_ID_TEXT];

	q_row_text(out, name, q_id_text(id, text));
}

/* "1,4,7": what the client needs to tell one recipient from another. */
static void
put_indices(struct buf *out, const struct q_mlist_view *v)
{
	struct buf b = {0};

	for (size_t i = 0; i < v->recipients; i++)
		buf_printf(&b, "%s%u", i > 0 ? "," : "", v->v[i]);
	q_row_text(out, "indices", buf_cstr(&b));
	buf_free(&b);
}

static void
put_view(void *arg, const struct q_mlist_view *v)
{
	const struct listing *l = arg;
	q_id place = control_place(l->queue, v->message);

	q_row_begin(l->out, "entry");
	put_id(l->out, "id", v->message);
	if (place != v->message)
		put_id(l->out, "place", place);
	q_row_text(l->out, "kind", mhs_kind_name(v->kind));
	q_row_text(l->out, "level", q_level_name(v->level));
	q_row_int(l->out, "arrival", v->arrival);
	q_row_int(l->out, "octets", (int64_t)v->size);
	q_row_int(l->out, "recipients", (int64_t)v->recipients);
	q_row_text(l->out, "channel", v->channel);
	q_row_text(l->out, "peer", v->peer);
	q_row_text(l->out, "rerouted_from", v->rerouted_from);
	q_row_text(l->out, "state", q_view_state_name(v->view));
	if (v->hold)
		q_row_bool(l->out, "hold", true);
	q_row_int(l->out, "attempts", v->attempts);
	if (v->next != 0)
		q_row_int(l->out, "next", v->next);
	if (*v->error != '\0')
		q_row_text(l->out, "error", v->error);
	put_id(l->out, "sequence", v->sequence);
	put_indices(l->out, v);
	q_row_end(l->out);
}

/* Sequences are of one start only, and this is its name. */
static void
begin(struct client *c)
{
	const struct qmgr *q = c->control->q;

	c->cursor = q_cursor_new(q->queue);
	q_cursor_filter(c->cursor, &c->request.filter);
	q_row_begin(&c->out, "queue");
	q_row_int(&c->out, "messages", (int64_t)q_queue_messages(q->queue));
	q_row_bool(&c->out, "loading", !q->loaded);
	put_id(&c->out, "epoch", q->first_number);
	q_row_end(&c->out);
}

bool
control_names_known(struct client *c)
{
	const struct q_filter *f = &c->request.filter;
	struct q_queue *q = c->control->q->queue;

	if (f->channel != NULL && q_queue_chan(q, f->channel) == NULL)
		control_refuse(c, "no channel \"%s\"", f->channel);
	else if (f->peer != NULL && !control_knows_peer(q, f->peer))
		control_refuse(c, "no peer \"%s\"", f->peer);
	return !c->ending;
}

enum answer
control_list(struct client *c)
{
	const struct qmgr *q = c->control->q;
	struct listing l = {q->queue, &c->out, q->first_number};
	msec_t begun = clock_mono();
	bool more = true;

	if (c->cursor == NULL) {
		if (c->request.filter.after != 0 &&
		    c->request.epoch != q->first_number) {
			control_refuse(c,
			    "the switch was started anew since that page; "
			    "begin with the first");
			return ANSWER_END;
		}
		if (!control_names_known(c))
			return ANSWER_END;
		begin(c);
		return ANSWER_MORE; /* the first line goes out at once */
	}
	while (more && c->out.len < OUT_SLICE && !control_slice_over(begun))
		more = q_cursor_next(c->cursor, AT_ONCE, put_view, &l);
	return more ? ANSWER_MORE : ANSWER_END;
}

/* --- one message --- */

enum answer
control_show(struct client *c)
{
	const struct q_queue *q = c->control->q->queue;
	q_id id = c->request.targets[0].message;
	msec_t begun = clock_mono();

	if (c->stage == 0) {
		if (!control_put_message(q, id, &c->out)) {
			control_refuse(c, "no such message is queued%s",
			    c->control->q->loaded
				? ""
				: " (yet: the queue is being loaded)");
			return ANSWER_END;
		}
		c->stage = 1;
	}
	do {
		c->at = control_put_recipients(q, id, c->at, &c->out);
	} while (
	    c->at > 0 && c->out.len < OUT_SLICE && !control_slice_over(begun));
	return c->at > 0 ? ANSWER_MORE : ANSWER_END;
}
