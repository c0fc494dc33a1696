/*
 * A queue whose journal becomes durable when the test says so, and what its
 * tests need besides: messages from a line of text, answers of channels, a
 * start after a crash.
 */
#ifndef TESTS_UNIT_QMGR_QUEUE_H
#define TESTS_UNIT_QMGR_QUEUE_H

#include "qmgr/queue.h"

#include <string.h>

#include "mhs/diag.h"
#include "qmgr/record.h"
#include "qmgr/replay.h"
#include "tests/unit/qmgr_config.h"
#include "tests/unit/unit.h"

#define CONF                                                      \
	"mta name=alpha country=XX admd=ALPHA hostname=a.e\n"     \
	"scheduler retry-step=10s retry-max=60s reserve-urgent=0" \
	" reserve-normal=0\n"                                     \
	"channel name=x400p1\n"                                   \
	"channel name=smtp\n"                                     \
	"peer name=bravo channel=x400p1\n"                        \
	"peer name=old channel=x400p1 protocol=1984\n"            \
	"peer name=any channel=x400p1 protocol=auto\n"            \
	"peer name=out channel=smtp\n"                            \
	"peer name=out2 channel=smtp\n"

#define START (INT64_C(1000000) * 1000)

struct waiting {
	void (*done)(void *arg);
	void *arg;
};

struct world {
	struct arena *a;
	struct q_config c;
	struct q_queue *q;
	int64_t now;
	struct buf journal; /* all entries */
	struct waiting waiting[64];
	unsigned n_waiting;
	uint64_t segment_over, content_over; /* the last one */
	unsigned n_content_over;
	unsigned planned; /* calls to dispatch */
	unsigned dropped; /* reports */
	q_id dropped_id;
};

static inline void
on_journal(void *arg, struct buf *entries, void (*done)(void *), void *done_arg)
{
	struct world *w = arg;

	buf_append(&w->journal, entries->data, entries->len);
	buf_free(entries);
	w->waiting[w->n_waiting++] = (struct waiting){done, done_arg};
}

static inline void
on_segment_over(void *arg, uint64_t number)
{
	((struct world *)arg)->segment_over = number;
}

static inline void
on_content_over(void *arg, uint64_t number)
{
	((struct world *)arg)->content_over = number;
	((struct world *)arg)->n_content_over++;
}

static inline int64_t
on_now(void *arg)
{
	return ((struct world *)arg)->now;
}

static inline void
on_planned(void *arg)
{
	((struct world *)arg)->planned++;
}

static inline void
on_dropped(void *arg, q_id report, const struct q_outcome *why)
{
	struct world *w = arg;

	w->dropped++;
	w->dropped_id = report;
	CU_ASSERT_EQUAL(why->result, Q_FAILED);
}

static const struct q_queue_ops ops = {on_journal, on_segment_over,
    on_content_over, on_now, on_dropped, on_planned};

static inline void
open_queue(struct world *w)
{
	static const char *const channels[] = {
	    "x400p1", "smtp", "mixer", "report"};

	w->q = q_queue_new(&w->c, &ops, w);
	for (unsigned i = 0; i < 4; i++)
		sched_chan_capacity(q_queue_chan(w->q, channels[i]), 100);
}

static inline void
begin(struct world *w)
{
	*w = (struct world){.a = arena_new(), .now = START};
	CU_ASSERT_EQUAL(
	    q_config_read(conf_make(w->a, CONF), &w->c, NULL, NULL, NULL), 0);
	open_queue(w);
}

static inline void
finish(struct world *w)
{
	q_queue_free(&w->q);
	q_config_free(&w->c);
	buf_free(&w->journal);
	arena_free(&w->a);
}

static inline void
durable(struct world *w)
{
	unsigned n = w->n_waiting;
	struct waiting v[64];

	memcpy(v, w->waiting, sizeof(v));
	w->n_waiting = 0;
	for (unsigned i = 0; i < n; i++)
		v[i].done(v[i].arg);
}

/* Recipients as text: one letter each for the peer (b: bravo, 4: old, o: out,
 * p: out2, -: no route), followed by d (wants a DR) and n (wants an NDR) and w
 * (wants a warning) and x (not ours). */
static inline struct q_summary *
summary(struct world *w, q_id id, enum mhs_content content, const char *rcpts)
{
	struct q_summary *s = ARENA_NEW(w->a, struct q_summary);

	s->id = id;
	s->kind = MHS_MESSAGE;
	s->content_type = content;
	s->level = Q_LEVEL_PRIORITY;
	s->arrival = START / 1000;
	for (; *rcpts != '\0'; rcpts++) {
		struct q_summary_rcpt *r;

		if (strchr("dnwx", *rcpts) == NULL) {
			r = arena_push(
			    w->a, &s->rcpts, &s->n_rcpts, sizeof(*s->rcpts));
			r->flags = Q_RCPT_RESPONSIBLE;
			r->peer = *rcpts == 'b' ? "bravo"
			    : *rcpts == '4'     ? "old"
			    : *rcpts == 'a'     ? "any"
			    : *rcpts == 'o'     ? "out"
			    : *rcpts == 'p'     ? "out2"
						: NULL;
		}
		r = &s->rcpts[s->n_rcpts - 1];
		if (*rcpts == 'd')
			r->flags |= Q_RCPT_WANTS_DR;
		if (*rcpts == 'n')
			r->flags |= Q_RCPT_WANTS_NDR;
		if (*rcpts == 'w')
			r->flags |= Q_RCPT_WANTS_DELAY;
		if (*rcpts == 'x')
			r->flags = 0;
	}
	return s;
}

static inline bool
next(struct world *w, const char *channel, struct q_work *work)
{
	return q_queue_next(w->q, q_queue_chan(w->q, channel), w->a, work);
}

static inline void
answer(struct world *w, const struct q_work *work, enum q_result result,
    q_id record)
{
	struct q_outcome *v =
	    arena_alloc(w->a, work->n_recipients * sizeof(*v));
	struct q_outcomes o = {.mlist = work->mlist,
	    .v = v,
	    .n = work->n_recipients,
	    .record = record};

	for (size_t i = 0; i < o.n; i++)
		v[i] = (struct q_outcome){
		    .recipient = work->recipients[i],
		    .result = result,
		    .reason = 1,
		    .diagnostic = 0,
		    .status = "5.1.1",
		    .text = "so it went",
		    .at = w->now / 1000,
		};
	CU_ASSERT_EQUAL(q_queue_result(w->q, &o), 0);
}

/* Ends this qmgr, and lets another begin from what the journal (or, in the
 * second run, a snapshot) and the summary say. */
static inline void
restart(struct world *w, const struct q_summary *s, bool by_snapshot)
{
	struct q_replay r = {0};
	struct q_replayed *m;

	if (by_snapshot) {
		buf_clear(&w->journal);
		q_queue_snapshot(w->q, &w->journal);
	}
	/* effects of entries that were not durable */
	durable(w);
	q_queue_free(&w->q);
	open_queue(w);
	CU_ASSERT_EQUAL(
	    q_replay_entries(&r, w->journal.data, w->journal.len, NULL), 0);
	m = q_replay_get(&r, s->id);
	if (m == NULL || !m->finished)
		CU_ASSERT_EQUAL(q_queue_loaded(w->q, s, m ? m->states : NULL,
				    m ? m->n : 0, 0, NULL),
		    0);
	q_replay_free(&r);
}

/* A record that stands for recipient 0 of `of`. */
static inline struct q_summary *
standing_for(struct world *w, q_id id, q_id of, enum q_settled_as as)
{
	static const uint32_t first = 0;
	struct q_summary *s = summary(w, id, MHS_CONTENT_P22, "b");

	s->settled = (struct q_settled){of, as, &first, 1};
	return s;
}

#endif
