/*
 * A queue whose clock and journal are the test's: entries become durable when
 * it says so, and a restart reads them back.
 */
#ifndef TESTS_UNIT_QMGR_WORLD_H
#define TESTS_UNIT_QMGR_WORLD_H

#include <string.h>

#include "lib/arena.h"
#include "qmgr/operator.h"
#include "qmgr/record.h"
#include "qmgr/replay.h"
#include "tests/unit/qmgr_config.h"
#include "tests/unit/unit.h"

#define WORLD_START (INT64_C(1000000) * 1000)

struct world {
	struct arena *a;
	struct q_config c;
	struct q_queue *q;
	int64_t now;
	struct buf journal; /* all entries */
	struct {
		void (*done)(void *arg);
		void *arg;
	} waiting[4096];
	unsigned n_waiting;
	unsigned dropped, done;     /* reports; of the operator */
	struct q_rerouted news[16]; /* of peers */
	unsigned n_news;
};

static inline void
world_journal(
    void *arg, struct buf *entries, void (*done)(void *), void *done_arg)
{
	struct world *w = arg;

	buf_append(&w->journal, entries->data, entries->len);
	buf_free(entries);
	w->waiting[w->n_waiting].done = done;
	w->waiting[w->n_waiting++].arg = done_arg;
}

static inline void
world_over(void *arg, uint64_t number)
{
	(void)arg;
	(void)number;
}

static inline int64_t
world_now(void *arg)
{
	return ((struct world *)arg)->now;
}

static inline void
world_dropped(void *arg, q_id report, const struct q_outcome *why)
{
	(void)report;
	(void)why;
	((struct world *)arg)->dropped++;
}

static inline void
world_planned(void *arg)
{
	(void)arg;
}

static inline void
world_rerouted(void *arg, const struct q_rerouted *x)
{
	struct world *w = arg;

	w->news[w->n_news++ % 16] = *x;
}

static inline void
world_done(void *arg)
{
	((struct world *)arg)->done++;
}

static inline void
world_configure(struct world *w, const char *conf)
{
	static const struct q_queue_ops ops = {world_journal, world_over,
	    world_over, world_now, world_dropped, world_planned,
	    world_rerouted};
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL(
	    q_config_read(conf_make(w->a, conf), &w->c, NULL, NULL, &e), 0);
	w->q = q_queue_new(&w->c, &ops, w);
	for (size_t i = 0; i < w->c.n_channels; i++)
		sched_chan_capacity(
		    q_queue_chan(w->q, w->c.channels[i]->name), 100);
}

static inline void
world_begin(struct world *w, const char *conf)
{
	memset(w, 0, sizeof(*w));
	w->a = arena_new();
	w->now = WORLD_START;
	world_configure(w, conf);
}

static inline void
world_end(struct world *w)
{
	q_queue_free(&w->q);
	q_config_free(&w->c);
	buf_free(&w->journal);
	arena_free(&w->a);
}

/* What waits, and what that makes wait. */
static inline void
world_durable(struct world *w)
{
	for (unsigned i = 0; i < w->n_waiting; i++)
		w->waiting[i].done(w->waiting[i].arg);
	w->n_waiting = 0;
}

/* The queue from the journal alone, or from a snapshot, perhaps with another
 * configuration (NULL: the same). `s`: what the loader finds. */
static inline void
world_restart(struct world *w, const char *conf, bool by_snapshot,
    struct q_summary **s, unsigned n)
{
	struct q_replay r = {0};

	if (by_snapshot) {
		buf_clear(&w->journal);
		q_queue_snapshot(w->q, &w->journal);
	}
	world_durable(w); /* effects of what was not */
	q_queue_free(&w->q);
	q_config_free(&w->c);
	world_configure(w, conf);
	CU_ASSERT_EQUAL(
	    q_replay_entries(&r, w->journal.data, w->journal.len, NULL), 0);
	for (unsigned i = 0; i < n; i++) {
		const struct q_replayed *m = q_replay_get(&r, s[i]->id);

		if (m == NULL || !m->finished)
			CU_ASSERT_EQUAL(q_queue_loaded(w->q, s[i],
					    m != NULL ? m->states : NULL,
					    m != NULL ? m->n : 0, 0, NULL),
			    0);
	}
	q_replay_free(&r);
}

/* One recipient a word: the peer, then ":" and d, n, w where it wants to be told
 * of delivery, of non-delivery, or that it takes long. */
static inline struct q_summary *
world_summary(
    struct world *w, unsigned number, enum mhs_content content, const char *to)
{
	struct q_summary *s = ARENA_NEW(w->a, struct q_summary);
	char *all = arena_strdup(w->a, to), *word;

	s->id = q_id_make(9 + number / 1000, 128 + 64 * (number % 1000));
	s->kind = MHS_MESSAGE;
	s->content_type = content;
	s->level = Q_LEVEL_PRIORITY;
	s->arrival = w->now / 1000;
	s->size = 1000;
	while ((word = strsep(&all, " ")) != NULL) {
		struct q_summary_rcpt *r =
		    arena_push(w->a, &s->rcpts, &s->n_rcpts, sizeof(*s->rcpts));

		r->peer = strsep(&word, ":");
		r->flags = Q_RCPT_RESPONSIBLE;
		for (; word != NULL && *word != '\0'; word++)
			r->flags |= *word == 'd' ? Q_RCPT_WANTS_DR
			    : *word == 'n'       ? Q_RCPT_WANTS_NDR
						 : Q_RCPT_WANTS_DELAY;
	}
	return s;
}

static inline bool
world_next(struct world *w, const char *channel, struct q_work *work)
{
	return q_queue_next(w->q, q_queue_chan(w->q, channel), w->a, work);
}

static inline void
world_answer(struct world *w, const struct q_work *work, enum q_result result,
    q_id record, bool peer_error)
{
	struct q_outcome *v =
	    arena_alloc(w->a, (work->n_recipients + 1) * sizeof(*v));
	struct q_outcomes o = {
	    .mlist = work->mlist,
	    .v = v,
	    .n = work->n_recipients,
	    .record = record,
	    .peer_error = peer_error,
	};

	for (size_t i = 0; i < o.n; i++)
		v[i] = (struct q_outcome){
		    .recipient = work->recipients[i],
		    .result = result,
		    .reason = 1,
		    .text = "so it went",
		    .at = w->now / 1000,
		};
	CU_ASSERT_EQUAL(q_queue_result(w->q, &o), 0);
}

/* Ticks until nothing is due. */
static inline unsigned
world_tick(struct world *w)
{
	unsigned n = 0;

	do {
		q_queue_tick(w->q);
		n++;
	} while (q_queue_deadline(w->q) <= w->now && n < 100000);
	return n;
}

#endif
