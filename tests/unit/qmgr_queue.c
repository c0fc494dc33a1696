#include "qmgr/queue.h"

#include <stdio.h>
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

/* A queue whose journal becomes durable when the test says so. */
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

static void
on_journal(void *arg, struct buf *entries, void (*done)(void *), void *done_arg)
{
	struct world *w = arg;

	buf_append(&w->journal, entries->data, entries->len);
	buf_free(entries);
	w->waiting[w->n_waiting++] = (struct waiting){done, done_arg};
}

static void
on_segment_over(void *arg, uint64_t number)
{
	((struct world *)arg)->segment_over = number;
}

static void
on_content_over(void *arg, uint64_t number)
{
	((struct world *)arg)->content_over = number;
	((struct world *)arg)->n_content_over++;
}

static int64_t
on_now(void *arg)
{
	return ((struct world *)arg)->now;
}

static void
on_planned(void *arg)
{
	((struct world *)arg)->planned++;
}

static void
on_dropped(void *arg, q_id report, const struct q_outcome *why)
{
	struct world *w = arg;

	w->dropped++;
	w->dropped_id = report;
	CU_ASSERT_EQUAL(why->result, Q_FAILED);
}

static const struct q_queue_ops ops = {on_journal, on_segment_over,
    on_content_over, on_now, on_dropped, on_planned};

static void
open_queue(struct world *w)
{
	static const char *const channels[] = {
	    "x400p1", "smtp", "mixer", "report"};

	w->q = q_queue_new(&w->c, &ops, w);
	for (unsigned i = 0; i < 4; i++)
		sched_chan_capacity(q_queue_chan(w->q, channels[i]), 100);
}

static void
begin(struct world *w)
{
	*w = (struct world){.a = arena_new(), .now = START};
	CU_ASSERT_EQUAL(
	    q_config_read(conf_make(w->a, CONF), &w->c, NULL, NULL, NULL), 0);
	open_queue(w);
}

static void
finish(struct world *w)
{
	q_queue_free(&w->q);
	q_config_free(&w->c);
	buf_free(&w->journal);
	arena_free(&w->a);
}

static void
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
static struct q_summary *
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

static bool
next(struct world *w, const char *channel, struct q_work *work)
{
	return q_queue_next(w->q, q_queue_chan(w->q, channel), w->a, work);
}

static void
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

static void
a_transferred_message_is_gone_once_that_is_durable(void)
{
	struct world w;
	struct q_work work;
	struct q_summary *s;
	struct q_replay r = {0};
	q_id id = q_id_make(9, 128);

	begin(&w);
	s = summary(&w, id, MHS_CONTENT_RFC822, "oo");
	s->content_file = 33;
	q_queue_submitted(w.q, s);
	q_queue_submitted(w.q, s); /* heard of twice, by a scan */
	CU_ASSERT_TRUE(next(&w, "smtp", &work));
	CU_ASSERT_EQUAL(work.n_recipients, 2);
	CU_ASSERT_EQUAL(work.record, id);
	CU_ASSERT_EQUAL(work.attempt, 1);
	CU_ASSERT_STRING_EQUAL(work.peer, "out");
	CU_ASSERT_FALSE(next(&w, "smtp", &work));
	answer(&w, &work, Q_TRANSFERRED, 0);
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 1);
	CU_ASSERT_EQUAL(w.n_content_over, 0);
	durable(&w);
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 0);
	CU_ASSERT_EQUAL(w.content_over, 33);
	q_replay_entries(&r, w.journal.data, w.journal.len, NULL);
	CU_ASSERT_TRUE(q_replay_get(&r, id)->finished);
	q_replay_free(&r);
	/* once over, it does not come back */
	q_queue_submitted(w.q, s);
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 0);
	finish(&w);
}

/* However much a peer says; each recipient's words are in the journal. */
static void
of_a_long_text_a_bounded_part_is_kept_in_whole_characters(void)
{
	struct world w;
	struct q_work work;
	struct q_outcome o = {.result = Q_FAILED, .at = 1};
	struct q_outcomes all = {.v = &o, .n = 1};
	struct buf text = {0};

	begin(&w);
	q_queue_submitted(
	    w.q, summary(&w, q_id_make(9, 128), MHS_CONTENT_RFC822, "on"));
	next(&w, "smtp", &work);
	buf_putc(&text, 'x');
	for (unsigned i = 0; i < 2000; i++)
		buf_append(&text, "\xe2\x82\xac", 3);
	buf_putc(&text, '\0');
	all.mlist = work.mlist;
	o.text = (const char *)text.data;
	CU_ASSERT_EQUAL(q_queue_result(w.q, &all), 0);
	durable(&w);
	CU_ASSERT(w.journal.len < 1000);
	CU_ASSERT_TRUE(next(&w, "report", &work));
	CU_ASSERT_EQUAL(strlen(work.outcomes[0].text), 1 + 170 * 3);
	buf_free(&text);
	finish(&w);
}

static void
a_segment_goes_when_it_is_finished_and_all_in_it_is_over(void)
{
	static const struct {
		bool first_finished; /* before the messages are over */
		bool kept;           /* a scan is under way */
	} v[] = {{true, false}, {false, false}, {true, true}};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct world w;
		struct q_work work;
		struct q_segment_news news = {.number = 9, .records = 2};

		begin(&w);
		if (v[i].kept)
			q_queue_keep_segments(w.q, true);
		q_queue_submitted(w.q,
		    summary(&w, q_id_make(9, 128), MHS_CONTENT_RFC822, "o"));
		if (v[i].first_finished)
			q_queue_segment(w.q, &news);
		next(&w, "smtp", &work);
		answer(&w, &work, Q_TRANSFERRED, 0);
		durable(&w);
		/* one more is to come */
		CU_ASSERT_EQUAL(w.segment_over, 0);
		q_queue_submitted(w.q,
		    summary(&w, q_id_make(9, 640), MHS_CONTENT_RFC822, "o"));
		next(&w, "smtp", &work);
		answer(&w, &work, Q_TRANSFERRED, 0);
		CU_ASSERT_EQUAL(w.segment_over, 0);
		durable(&w);
		if (!v[i].first_finished) {
			CU_ASSERT_EQUAL(w.segment_over, 0);
			q_queue_segment(w.q, &news);
		}
		if (v[i].kept) {
			CU_ASSERT_EQUAL(w.segment_over, 0);
			q_queue_keep_segments(w.q, false);
		}
		CU_ASSERT_EQUAL(w.segment_over, 9);
		CU_ASSERT_EQUAL(q_queue_segments(w.q), 0);
		finish(&w);
	}
}

static void
conversion_comes_first_and_once_for_peers_of_one_channel(void)
{
	struct world w;
	struct q_work work;
	struct q_summary *version;
	q_id id = q_id_make(9, 128), converted = q_id_make(10, 128);

	begin(&w);
	q_queue_submitted(w.q, summary(&w, id, MHS_CONTENT_P22, "opb"));
	CU_ASSERT_FALSE(next(&w, "smtp", &work));
	/* bravo takes it as it is */
	CU_ASSERT_TRUE(next(&w, "x400p1", &work));
	CU_ASSERT_EQUAL(work.n_recipients, 1);
	CU_ASSERT_EQUAL(work.recipients[0], 2);
	CU_ASSERT_TRUE(next(&w, "mixer", &work));
	CU_ASSERT_STRING_EQUAL(work.peer, "");
	CU_ASSERT_STRING_EQUAL(work.next_peer, "out");
	CU_ASSERT_EQUAL(work.n_recipients, 2);
	version = summary(&w, converted, MHS_CONTENT_RFC822, "");
	version->parent = id;
	version->content_file = 44;
	q_queue_submitted(w.q, version);
	answer(&w, &work, Q_CONVERTED, converted);
	/* not before the step is durable */
	CU_ASSERT_FALSE(next(&w, "smtp", &work));
	durable(&w);
	CU_ASSERT_TRUE(next(&w, "smtp", &work));
	CU_ASSERT_EQUAL(work.record, converted);
	CU_ASSERT_EQUAL(work.message, id);
	CU_ASSERT_EQUAL(work.n_recipients, 1);
	answer(&w, &work, Q_TRANSFERRED, 0);
	CU_ASSERT_TRUE(next(&w, "smtp", &work));
	CU_ASSERT_EQUAL(work.record, converted);
	answer(&w, &work, Q_TRANSFERRED, 0);
	durable(&w);
	CU_ASSERT_EQUAL(w.n_content_over, 0);
	finish(&w);
}

/* Others of its channel get the message as it is. */
static void
a_peer_of_1984_gets_p2(void)
{
	static const enum mhs_content contents[] = {
	    MHS_CONTENT_P22, MHS_CONTENT_P2, MHS_CONTENT_RFC822};
	struct world w;
	struct q_work work;

	for (size_t i = 0; i < 3; i++) {
		begin(&w);
		q_queue_submitted(
		    w.q, summary(&w, q_id_make(9, 128), contents[i], "4b"));
		if (contents[i] == MHS_CONTENT_P22) {
			CU_ASSERT_TRUE(next(&w, "mixer", &work));
			CU_ASSERT_STRING_EQUAL(work.next_peer, "old");
			CU_ASSERT_EQUAL(work.n_recipients, 1);
			answer(&w, &work, Q_CONVERTED, q_id_make(10, 128));
			durable(&w);
		} else if (contents[i] == MHS_CONTENT_RFC822) {
			/* not one version for both */
			CU_ASSERT_TRUE(next(&w, "mixer", &work));
			CU_ASSERT_EQUAL(work.n_recipients, 1);
			CU_ASSERT_TRUE(next(&w, "mixer", &work));
			CU_ASSERT_EQUAL(work.n_recipients, 1);
			finish(&w);
			continue;
		}
		CU_ASSERT_FALSE(next(&w, "mixer", &work));
		CU_ASSERT_TRUE(next(&w, "x400p1", &work));
		CU_ASSERT_TRUE(next(&w, "x400p1", &work));
		finish(&w);
	}
}

/* What was on its way is converted, what comes later at once. */
static void
a_peer_found_out_to_know_p2_only_gets_p2(void)
{
	static const enum mhs_content contents[] = {
	    MHS_CONTENT_P22, MHS_CONTENT_RFC822, MHS_CONTENT_P22};
	struct world w;
	struct q_work work;

	begin(&w);
	for (unsigned i = 0; i < 3; i++) {
		q_queue_submitted(w.q,
		    summary(&w, q_id_make(9, 128 + 64 * i), contents[i], "aa"));
		if (contents[i] == MHS_CONTENT_RFC822 || i == 2) {
			CU_ASSERT_TRUE(next(&w, "mixer", &work));
			CU_ASSERT_TRUE(work.p2);
			answer(&w, &work, Q_CONVERTED,
			    q_id_make(10, 128 * (i + 1)));
			durable(&w);
		}
		CU_ASSERT_TRUE(next(&w, "x400p1", &work));
		CU_ASSERT_STRING_EQUAL(work.peer, "any");
		if (i == 0) {
			CU_ASSERT_EQUAL(work.record, work.message);
			answer(&w, &work, Q_WANTS_P2, 0);
			CU_ASSERT_FALSE(next(&w, "x400p1", &work));
			durable(&w);
			CU_ASSERT_TRUE(next(&w, "mixer", &work));
			CU_ASSERT_TRUE(work.p2);
			CU_ASSERT_EQUAL(work.n_recipients, 2);
			answer(&w, &work, Q_CONVERTED, q_id_make(10, 64));
			durable(&w);
			CU_ASSERT_TRUE(next(&w, "x400p1", &work));
			CU_ASSERT_EQUAL(work.record, q_id_make(10, 64));
		}
		answer(&w, &work, Q_TRANSFERRED, 0);
		durable(&w);
	}
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 0);
	finish(&w);
}

static void
failures_are_reported_if_someone_asked_and_only_then_it_is_over(void)
{
	static const struct {
		const char *rcpts;
		enum q_result result;
		size_t reported;
	} v[] = {
	    {"on", Q_FAILED, 1},
	    {"o", Q_FAILED, 0},
	    {"onon", Q_FAILED, 2},
	    {"ono", Q_FAILED, 1},
	    {"od", Q_DELIVERED, 1},
	    {"on", Q_DELIVERED, 0},
	    {"od", Q_RELAYED, 1},
	    {"odn", Q_TRANSFERRED, 0},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct world w;
		struct q_work work;

		begin(&w);
		q_queue_submitted(w.q,
		    summary(
			&w, q_id_make(9, 128), MHS_CONTENT_RFC822, v[i].rcpts));
		next(&w, "smtp", &work);
		answer(&w, &work, v[i].result, 0);
		CU_ASSERT_FALSE(next(&w, "report", &work));
		w.planned = 0;
		durable(&w);
		/* the daemon must hear that there is something to dispatch */
		CU_ASSERT_TRUE(v[i].reported == 0 || w.planned > 0);
		CU_ASSERT_EQUAL(next(&w, "report", &work), v[i].reported > 0);
		if (v[i].reported > 0) {
			CU_ASSERT_EQUAL(work.n_outcomes, v[i].reported);
			CU_ASSERT_EQUAL(work.outcomes[0].result, v[i].result);
			CU_ASSERT_STRING_EQUAL(
			    work.outcomes[0].text, "so it went");
			CU_ASSERT_EQUAL(
			    work.outcomes[0].recipient, work.recipients[0]);
			CU_ASSERT_EQUAL(q_queue_messages(w.q), 1);
			/* it cannot be written just now */
			answer(&w, &work, Q_DEFERRED, 0);
			durable(&w);
			CU_ASSERT_FALSE(next(&w, "report", &work));
			w.now += 10000;
			q_queue_tick(w.q);
			CU_ASSERT_TRUE(next(&w, "report", &work));
			CU_ASSERT_EQUAL(work.outcomes[0].result, v[i].result);
			answer(&w, &work, Q_TRANSFERRED, 0);
			durable(&w);
		}
		CU_ASSERT_EQUAL(q_queue_messages(w.q), 0);
		finish(&w);
	}
}

static void
a_recipient_without_a_route_fails_at_once(void)
{
	struct world w;
	struct q_work work;

	begin(&w);
	q_queue_submitted(
	    w.q, summary(&w, q_id_make(9, 128), MHS_CONTENT_RFC822, "on-n-"));
	CU_ASSERT_FALSE(next(&w, "report", &work));
	durable(&w);
	CU_ASSERT_TRUE(next(&w, "report", &work));
	CU_ASSERT_EQUAL(work.n_outcomes, 1);
	CU_ASSERT_EQUAL(work.outcomes[0].recipient, 1);
	CU_ASSERT_EQUAL(work.outcomes[0].reason, MHS_UNABLE_TO_TRANSFER);
	CU_ASSERT_EQUAL(work.outcomes[0].diagnostic, MHS_UNRECOGNISED_OR_NAME);
	CU_ASSERT_TRUE(next(&w, "smtp", &work));
	CU_ASSERT_EQUAL(work.n_recipients, 1);
	/* nobody to be told, nothing to do */
	q_queue_submitted(
	    w.q, summary(&w, q_id_make(9, 640), MHS_CONTENT_RFC822, "-ox"));
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 2);
	durable(&w);
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 1);
	finish(&w);
}

static void
deferral_waits_and_expiry_ends_it(void)
{
	struct world w;
	struct q_work work;

	begin(&w);
	q_queue_submitted(
	    w.q, summary(&w, q_id_make(9, 128), MHS_CONTENT_RFC822, "on"));
	for (unsigned i = 1; i <= 3; i++) {
		CU_ASSERT_TRUE(next(&w, "smtp", &work));
		CU_ASSERT_EQUAL(work.attempt, i);
		answer(&w, &work, Q_DEFERRED, 0);
		durable(&w);
		w.now += (int64_t)i * 10000 - 1;
		q_queue_tick(w.q);
		CU_ASSERT_FALSE(next(&w, "smtp", &work));
		w.now += 1;
		q_queue_tick(w.q);
	}
	w.now = START + INT64_C(24) * 3600 * 1000;
	q_queue_tick(w.q);
	CU_ASSERT_FALSE(next(&w, "smtp", &work));
	durable(&w);
	CU_ASSERT_TRUE(next(&w, "report", &work));
	CU_ASSERT_EQUAL(work.outcomes[0].result, Q_FAILED);
	CU_ASSERT_EQUAL(work.outcomes[0].diagnostic, MHS_MAXIMUM_TIME_EXPIRED);
	CU_ASSERT_STRING_EQUAL(work.outcomes[0].text, "so it went");
	finish(&w);
}

#define HOUR (INT64_C(3600) * 1000)

static void restart(
    struct world *w, const struct q_summary *s, bool by_snapshot);

static void
a_delay_is_told_once_to_those_who_asked_even_after_a_restart(void)
{
	struct world w;
	struct q_work work;
	struct q_summary *s;
	struct q_outcomes o = {0};

	begin(&w);
	s = summary(&w, q_id_make(9, 128), MHS_CONTENT_RFC822, "oowow");
	q_queue_submitted(w.q, s);
	CU_ASSERT_TRUE(next(&w, "smtp", &work));
	answer(&w, &work, Q_DEFERRED, 0);
	durable(&w);
	w.now = START + 4 * HOUR - 1;
	q_queue_tick(w.q);
	CU_ASSERT_FALSE(next(&w, "report", &work));
	w.now++;
	q_queue_tick(w.q);
	CU_ASSERT_TRUE(next(&w, "report", &work));
	CU_ASSERT_EQUAL_FATAL(work.n_outcomes, 2);
	for (uint32_t i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(work.outcomes[i].recipient, i + 1);
		CU_ASSERT_EQUAL(work.outcomes[i].result, Q_DELAYED);
		CU_ASSERT_EQUAL(
		    work.outcomes[i].at, (START + 24 * HOUR) / 1000);
		CU_ASSERT_STRING_EQUAL(work.outcomes[i].text, "so it went");
	}
	/* the report could not be queued: it is tried again */
	answer(&w, &work, Q_DEFERRED, 0);
	w.now += 10000;
	q_queue_tick(w.q);
	CU_ASSERT_TRUE(next(&w, "report", &work));
	answer(&w, &work, Q_TRANSFERRED, 0);
	durable(&w);
	restart(&w, s, false);
	w.now += HOUR;
	q_queue_tick(w.q);
	CU_ASSERT_FALSE(next(&w, "report", &work));
	restart(&w, s, true);
	q_queue_tick(w.q);
	CU_ASSERT_FALSE(next(&w, "report", &work));
	/* the message itself goes on, and ends */
	CU_ASSERT_TRUE(next(&w, "smtp", &work));
	CU_ASSERT_EQUAL(work.n_recipients, 3);
	answer(&w, &work, Q_TRANSFERRED, 0);
	durable(&w);
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 0);
	/* one that ends while it is being told */
	q_queue_submitted(
	    w.q, summary(&w, q_id_make(9, 256), MHS_CONTENT_RFC822, "ow"));
	CU_ASSERT_FALSE(next(&w, "report", &work));
	q_queue_tick(w.q);
	CU_ASSERT_TRUE(next(&w, "report", &work));
	o.mlist = work.mlist;
	CU_ASSERT_TRUE(next(&w, "smtp", &work));
	answer(&w, &work, Q_TRANSFERRED, 0);
	durable(&w);
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 0);
	CU_ASSERT_EQUAL(q_queue_result(w.q, &o), ERR_PROTOCOL);
	finish(&w);
}

static void
works_say_their_level_and_how_many_connections(void)
{
	struct world w;
	struct q_work work;
	struct q_summary *s;

	begin(&w);
	for (unsigned i = 0; i < Q_LEVELS; i++) {
		s = summary(&w, q_id_make(9, 128 + 64 * i), MHS_CONTENT_RFC822,
		    i % 2 == 0 ? "o" : "p");
		s->level = (enum q_level)i;
		q_queue_submitted(w.q, s);
	}
	for (unsigned i = Q_LEVELS; i-- > 0;) {
		CU_ASSERT_TRUE(next(&w, "smtp", &work));
		CU_ASSERT_EQUAL(work.level, i);
		CU_ASSERT_EQUAL(
		    work.priority, q_level_priority((enum q_level)i));
		CU_ASSERT_EQUAL(work.connections, 4);
		CU_ASSERT_STRING_EQUAL(
		    sched_peer_name(q_queue_work_peer(w.q, work.mlist)),
		    work.peer);
	}
	CU_ASSERT_PTR_NULL(q_queue_work_peer(w.q, 99999));
	q_queue_submitted(
	    w.q, summary(&w, q_id_make(9, 1280), MHS_CONTENT_P22, "o"));
	CU_ASSERT_TRUE(next(&w, "mixer", &work));
	CU_ASSERT_EQUAL(work.connections, 0);
	finish(&w);
}

static void
note_advice(void *arg, const struct q_advice *x)
{
	struct q_advice *to = arg;

	if (x->peer != NULL && strcmp(x->peer, "wide") == 0)
		*to = *x;
}

/* The peer takes each message 100 ms, on as many connections as it gets, up to
 * three. */
static void
connections_adapt_to_what_they_bring(void)
{
	struct world w = {.a = arena_new(), .now = START};
	struct q_work work, under_way[64];
	struct q_advice x = {0};
	unsigned n = 0, most = 0;

	CU_ASSERT_EQUAL_FATAL(
	    q_config_read(
		conf_make(w.a,
		    CONF "peer name=wide channel=smtp max-connections=8"
			 " min-connections=1\n"),
		&w.c, NULL, NULL, NULL),
	    0);
	open_queue(&w);
	for (uint32_t i = 0; i < 20000; i++) {
		struct q_summary *s = summary(
		    &w, q_id_make(9, 64 + 64 * i), MHS_CONTENT_RFC822, "o");

		s->rcpts[0].peer = "wide";
		q_queue_submitted(w.q, s);
	}
	for (unsigned turn = 0; turn < 4000; turn++) {
		unsigned take;

		while (n < 64 && next(&w, "smtp", &work))
			under_way[n++] = work;
		w.now += 100;
		most = under_way[0].connections > most
		    ? under_way[0].connections
		    : most;
		take = work.connections < 3 ? work.connections : 3;
		for (unsigned i = 0; i < take && n > 0; i++) {
			answer(&w, &under_way[0], Q_TRANSFERRED, 0);
			memmove(
			    under_way, under_way + 1, --n * sizeof(*under_way));
		}
		durable(&w);
	}
	q_queue_advice(w.q, note_advice, &x);
	CU_ASSERT_STRING_EQUAL_FATAL(x.peer, "wide");
	CU_ASSERT_STRING_EQUAL(x.channel, "smtp");
	CU_ASSERT(x.n >= 2 && x.n <= 4);
	CU_ASSERT_EQUAL(x.min, 1);
	CU_ASSERT_EQUAL(x.max, 8);
	CU_ASSERT(x.rate > 25 && x.rate < 35);
	CU_ASSERT_PTR_NOT_NULL(strstr(x.why, "3 rather than"));
	CU_ASSERT_EQUAL(most, 4);
	finish(&w);
}

static void
deferred_delivery_is_held_until_its_time(void)
{
	struct world w;
	struct q_work work;
	struct q_summary *s;

	begin(&w);
	s = summary(&w, q_id_make(9, 128), MHS_CONTENT_P22, "b");
	s->deferred = START / 1000 + 50;
	q_queue_submitted(w.q, s);
	CU_ASSERT_FALSE(next(&w, "x400p1", &work));
	w.now += 50000;
	q_queue_tick(w.q);
	CU_ASSERT_TRUE(next(&w, "x400p1", &work));
	finish(&w);
}

static void
work_of_a_dead_channel_comes_again_the_second_time_later(void)
{
	struct world w;
	struct q_work work;

	begin(&w);
	q_queue_submitted(
	    w.q, summary(&w, q_id_make(9, 128), MHS_CONTENT_RFC822, "o"));
	CU_ASSERT_TRUE(next(&w, "smtp", &work));
	q_queue_lost(w.q, work.mlist);
	CU_ASSERT_TRUE(next(&w, "smtp", &work));
	q_queue_lost(w.q, work.mlist);
	CU_ASSERT_FALSE(next(&w, "smtp", &work));
	w.now += 60000;
	q_queue_tick(w.q);
	CU_ASSERT_TRUE(next(&w, "smtp", &work));
	answer(&w, &work, Q_TRANSFERRED, 0);
	durable(&w);
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 0);
	finish(&w);
}

static void
nonsense_from_a_channel_does_no_harm(void)
{
	struct world w;
	struct q_work work;
	struct q_outcome v[] = {{.recipient = 99, .result = Q_TRANSFERRED},
	    {.result = Q_TRANSFERRED}, {.result = Q_CONVERTED}};
	struct q_outcomes o = {.mlist = 4711, .v = v, .n = 3};

	begin(&w);
	CU_ASSERT_EQUAL(q_queue_result(w.q, &o), ERR_PROTOCOL);
	q_queue_submitted(
	    w.q, summary(&w, q_id_make(9, 128), MHS_CONTENT_RFC822, "op"));
	CU_ASSERT_TRUE(next(&w, "smtp", &work));
	o.mlist = work.mlist;
	v[1].recipient = 1 - work.recipients[0];
	v[2].recipient = work.recipients[0];
	CU_ASSERT_EQUAL(q_queue_result(w.q, &o), 0);
	CU_ASSERT_EQUAL(q_queue_result(w.q, &o), ERR_PROTOCOL);
	durable(&w);
	/* the recipient of the other mlist is untouched, and this one, of
	 * which nothing sensible was said, is tried again */
	CU_ASSERT_TRUE(next(&w, "smtp", &work));
	CU_ASSERT_EQUAL(work.recipients[0], v[1].recipient);
	w.now += 10000;
	q_queue_tick(w.q);
	CU_ASSERT_TRUE(next(&w, "smtp", &work));
	CU_ASSERT_EQUAL(work.recipients[0], v[2].recipient);
	finish(&w);
}

/* Ends this qmgr, and lets another begin from what the journal (or, in the
 * second run, a snapshot) and the summary say. */
static void
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
				    m ? m->n : 0, NULL),
		    0);
	q_replay_free(&r);
}

static void
a_restart_goes_on_where_the_journal_left_off(void)
{
	for (unsigned by_snapshot = 0; by_snapshot < 2; by_snapshot++) {
		struct world w;
		struct q_work work;
		q_id converted = q_id_make(10, 128);
		struct q_summary *s;

		begin(&w);
		s = summary(&w, q_id_make(9, 128), MHS_CONTENT_P22, "obnbx");
		q_queue_submitted(w.q, s);
		next(&w, "mixer", &work);
		answer(&w, &work, Q_CONVERTED, converted);
		next(&w, "x400p1", &work);
		answer(&w, &work, Q_FAILED, 0);
		durable(&w);
		next(&w, "smtp", &work);
		answer(&w, &work, Q_DEFERRED, 0);
		restart(&w, s, by_snapshot);
		/* converted already, tried once, waits */
		CU_ASSERT_FALSE(next(&w, "mixer", &work));
		CU_ASSERT_FALSE(next(&w, "smtp", &work));
		CU_ASSERT_FALSE(next(&w, "x400p1", &work));
		CU_ASSERT_TRUE(next(&w, "report", &work));
		CU_ASSERT_EQUAL(work.n_outcomes, 1);
		CU_ASSERT_STRING_EQUAL(work.outcomes[0].text, "so it went");
		answer(&w, &work, Q_TRANSFERRED, 0);
		w.now += 10000;
		q_queue_tick(w.q);
		CU_ASSERT_TRUE(next(&w, "smtp", &work));
		CU_ASSERT_EQUAL(work.record, converted);
		CU_ASSERT_EQUAL(work.attempt, 2);
		answer(&w, &work, Q_TRANSFERRED, 0);
		restart(&w, s, by_snapshot);
		CU_ASSERT_EQUAL(q_queue_messages(w.q), 0);
		finish(&w);
	}
}

static void
count(void *arg, const struct q_mlist_view *v)
{
	unsigned *n = arg;

	(void)v;
	++*n;
}

static void
a_listing_keeps_its_place_whatever_comes_and_goes(void)
{
	struct world w;
	struct q_cursor *c;
	struct q_work work;
	unsigned n = 0;

	begin(&w);
	for (unsigned i = 0; i < 10; i++)
		q_queue_submitted(w.q,
		    summary(&w, q_id_make(9, 128 + i * 640), MHS_CONTENT_RFC822,
			"op"));
	c = q_cursor_new(w.q);
	CU_ASSERT_TRUE(q_cursor_next(c, 4, count, &n));
	CU_ASSERT_EQUAL(n, 8);
	for (unsigned i = 0; i < 4; i++) { /* two messages go */
		next(&w, "smtp", &work);
		answer(&w, &work, Q_TRANSFERRED, 0);
	}
	durable(&w);
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 8);
	CU_ASSERT_TRUE(q_cursor_next(c, 5, count, &n));
	CU_ASSERT_FALSE(q_cursor_next(c, 5, count, &n));
	CU_ASSERT_EQUAL(n, 20);
	q_cursor_free(&c);
	finish(&w);
}

/* X.411 14.3.3 */
static void
a_probe_ends_before_the_channel_that_would_deliver(void)
{
	struct world w;
	struct q_work work;
	struct q_summary *s;

	begin(&w);
	s = summary(&w, q_id_make(9, 128), MHS_CONTENT_P22, "odbdod");
	s->kind = MHS_PROBE;
	q_queue_submitted(w.q, s);
	durable(&w);
	CU_ASSERT_FALSE(next(&w, "smtp", &work));
	CU_ASSERT_FALSE(next(&w, "mixer", &work));
	CU_ASSERT_TRUE(next(&w, "report", &work));
	CU_ASSERT_EQUAL(work.n_outcomes, 2);
	CU_ASSERT_EQUAL(work.outcomes[0].result, Q_RELAYED);
	CU_ASSERT_EQUAL(work.outcomes[0].at, START / 1000);
	answer(&w, &work, Q_TRANSFERRED, 0);
	/* another MTA is asked by P1 */
	CU_ASSERT_TRUE(next(&w, "x400p1", &work));
	CU_ASSERT_EQUAL(work.n_recipients, 1);
	answer(&w, &work, Q_TRANSFERRED, 0);
	durable(&w);
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 0);
	finish(&w);
}

static void
a_way_that_ended_at_submission_fails_with_its_diagnostic(void)
{
	struct world w;
	struct q_work work;
	struct q_summary *s;

	begin(&w);
	s = summary(&w, q_id_make(9, 128), MHS_CONTENT_P22, "-n-n-n");
	s->rcpts[0].peer = q_fault_peer(w.a, 26);
	s->rcpts[1].peer = q_fault_peer(w.a, 27);
	q_queue_submitted(w.q, s);
	durable(&w);
	CU_ASSERT_TRUE(next(&w, "report", &work));
	CU_ASSERT_EQUAL_FATAL(work.n_outcomes, 3);
	CU_ASSERT_EQUAL(
	    work.outcomes[0].diagnostic, MHS_RECIPIENT_REASSIGNMENT_PROHIBITED);
	CU_ASSERT_EQUAL(
	    work.outcomes[1].diagnostic, MHS_REDIRECTION_LOOP_DETECTED);
	CU_ASSERT_EQUAL(work.outcomes[2].diagnostic, MHS_UNRECOGNISED_OR_NAME);
	finish(&w);
}

/* X.411 8.2.1.1.1.15 */
static void
after_the_latest_delivery_time_it_fails(void)
{
	struct world w;
	struct q_work work;
	struct q_summary *s;

	/* while it waits for another attempt, well before the expiry */
	begin(&w);
	s = summary(&w, q_id_make(9, 128), MHS_CONTENT_P22, "bn");
	s->latest = START / 1000 + 5;
	q_queue_submitted(w.q, s);
	CU_ASSERT_TRUE(next(&w, "x400p1", &work));
	answer(&w, &work, Q_DEFERRED, 0);
	durable(&w);
	w.now += 6000;
	q_queue_tick(w.q);
	durable(&w);
	CU_ASSERT_TRUE(next(&w, "report", &work));
	CU_ASSERT_EQUAL(work.outcomes[0].reason, MHS_UNABLE_TO_TRANSFER);
	CU_ASSERT_EQUAL(work.outcomes[0].diagnostic, MHS_MAXIMUM_TIME_EXPIRED);
	finish(&w);
	/* it came too late; it is deferred to a later time */
	for (int later = 0; later < 2; later++) {
		begin(&w);
		s = summary(&w, q_id_make(9, 128), MHS_CONTENT_P22, "bn");
		s->latest = START / 1000 + (later ? 5 : -1);
		s->deferred = later ? s->latest + 1 : 0;
		q_queue_submitted(w.q, s);
		durable(&w);
		CU_ASSERT_FALSE(next(&w, "x400p1", &work));
		CU_ASSERT_TRUE(next(&w, "report", &work));
		CU_ASSERT_EQUAL(work.outcomes[0].reason,
		    later ? MHS_DEFERRED_DELIVERY_NOT_PERFORMED
			  : MHS_UNABLE_TO_TRANSFER);
		CU_ASSERT_EQUAL(
		    work.outcomes[0].diagnostic, MHS_MAXIMUM_TIME_EXPIRED);
		finish(&w);
	}
}

static void
a_failure_with_an_alternate_goes_to_report_though_nobody_asked(void)
{
	struct world w;
	struct q_work work;
	struct q_summary *s;

	begin(&w);
	s = summary(&w, q_id_make(9, 128), MHS_CONTENT_P22, "bb");
	s->rcpts[1].flags |= Q_RCPT_ALTERNATE;
	q_queue_submitted(w.q, s);
	CU_ASSERT_TRUE(next(&w, "x400p1", &work));
	answer(&w, &work, Q_FAILED, 0);
	durable(&w);
	CU_ASSERT_TRUE(next(&w, "report", &work));
	CU_ASSERT_EQUAL_FATAL(work.n_outcomes, 1);
	CU_ASSERT_EQUAL(work.outcomes[0].recipient, 1);
	finish(&w);
}

/* X.411 14.4: no report is made of it. */
static void
a_report_that_leads_nowhere_ends_and_is_told(void)
{
	struct world w;
	struct q_summary *s;
	q_id id = q_id_make(9, 128);

	begin(&w);
	s = summary(&w, id, MHS_CONTENT_NONE, "-");
	s->kind = MHS_REPORT;
	q_queue_submitted(w.q, s);
	CU_ASSERT_EQUAL(w.dropped, 1);
	CU_ASSERT_EQUAL(w.dropped_id, id);
	durable(&w);
	durable(&w);
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 0);
	finish(&w);
}

static void
look_at(void *arg, const struct q_mlist_view *v)
{
	*(struct q_mlist_view *)arg = *v;
}

static void
a_listing_tells_a_hold_from_a_retry(void)
{
	struct world w;
	struct q_summary *s;
	struct q_mlist_view v = {0};
	struct q_cursor *c;

	begin(&w);
	s = summary(&w, q_id_make(9, 128), MHS_CONTENT_P22, "b");
	s->deferred = START / 1000 + 60;
	q_queue_submitted(w.q, s);
	c = q_cursor_new(w.q);
	q_cursor_next(c, 10, look_at, &v);
	q_cursor_free(&c);
	CU_ASSERT_EQUAL(v.view, Q_VIEW_DEFERRED);
	CU_ASSERT_EQUAL(v.next, START / 1000 + 60);
	CU_ASSERT_EQUAL(v.attempts, 0);
	finish(&w);
}

/* A record that stands for recipient 0 of `of`. */
static struct q_summary *
standing_for(struct world *w, q_id id, q_id of, enum q_settled_as as)
{
	static const uint32_t first = 0;
	struct q_summary *s = summary(w, id, MHS_CONTENT_P22, "b");

	s->settled = (struct q_settled){of, as, &first, 1};
	return s;
}

static void
a_report_that_is_durable_is_not_made_again(void)
{
	/* its channel died; before it said so, or before it told of it at all */
	for (unsigned scanned = 0; scanned < 2; scanned++) {
		struct world w;
		struct q_work work;
		q_id id = q_id_make(9, 128);
		struct q_summary *r;

		begin(&w);
		q_queue_submitted(w.q, summary(&w, id, MHS_CONTENT_P22, "-n"));
		durable(&w);
		r = standing_for(
		    &w, q_id_make(10, 128), id, Q_SETTLED_REPORTED);
		CU_ASSERT_TRUE(next(&w, "report", &work));
		if (!scanned)
			q_queue_submitted(w.q, r);
		q_queue_keep_segments(w.q, true);
		q_queue_lost(w.q, work.mlist);
		CU_ASSERT_FALSE(next(&w, "report", &work));
		if (scanned)
			q_queue_loaded(w.q, r, NULL, 0, NULL);
		q_queue_keep_segments(w.q, false);
		CU_ASSERT_FALSE(next(&w, "report", &work));
		durable(&w);
		durable(&w);
		CU_ASSERT_FALSE(next(&w, "report", &work));
		CU_ASSERT_EQUAL(q_queue_messages(w.q), 1);
		finish(&w);
	}
}

static void
a_lost_work_comes_again_after_the_scan_without_what_was_settled(void)
{
	struct world w;
	struct q_work work;
	q_id id = q_id_make(9, 128);

	begin(&w);
	q_queue_submitted(w.q, summary(&w, id, MHS_CONTENT_RFC822, "bdb"));
	CU_ASSERT_TRUE(next(&w, "mixer", &work));
	CU_ASSERT_EQUAL(work.n_recipients, 2);
	q_queue_submitted(
	    w.q, standing_for(&w, q_id_make(10, 128), id, Q_SETTLED_RELAYED));
	durable(&w);
	q_queue_lost(w.q, work.mlist);
	durable(&w);
	CU_ASSERT_TRUE(next(&w, "mixer", &work));
	CU_ASSERT_EQUAL(work.n_recipients, 1);
	CU_ASSERT_EQUAL(work.recipients[0], 1);
	/* the other is to be told of */
	CU_ASSERT_TRUE(next(&w, "report", &work));
	CU_ASSERT_EQUAL(work.n_outcomes, 1);
	CU_ASSERT_EQUAL(work.outcomes[0].result, Q_RELAYED);
	finish(&w);
}

static void
what_a_channel_answers_of_what_is_settled_is_passed_over(void)
{
	struct world w;
	struct q_work work;
	q_id id = q_id_make(9, 128);

	begin(&w);
	q_queue_submitted(w.q, summary(&w, id, MHS_CONTENT_P22, "b"));
	CU_ASSERT_TRUE(next(&w, "x400p1", &work));
	q_queue_submitted(w.q,
	    standing_for(&w, q_id_make(10, 128), id, Q_SETTLED_TRANSFERRED));
	durable(&w);
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 2);
	answer(&w, &work, Q_TRANSFERRED, 0);
	durable(&w);
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 1);
	finish(&w);
}

void
suite_qmgr_queue(void)
{
	static CU_TestInfo tests[] = {
	    TEST(a_transferred_message_is_gone_once_that_is_durable),
	    TEST(of_a_long_text_a_bounded_part_is_kept_in_whole_characters),
	    TEST(a_segment_goes_when_it_is_finished_and_all_in_it_is_over),
	    TEST(a_peer_of_1984_gets_p2),
	    TEST(a_peer_found_out_to_know_p2_only_gets_p2),
	    TEST(conversion_comes_first_and_once_for_peers_of_one_channel),
	    TEST(
		failures_are_reported_if_someone_asked_and_only_then_it_is_over),
	    TEST(a_recipient_without_a_route_fails_at_once),
	    TEST(deferral_waits_and_expiry_ends_it),
	    TEST(a_delay_is_told_once_to_those_who_asked_even_after_a_restart),
	    TEST(works_say_their_level_and_how_many_connections),
	    TEST(connections_adapt_to_what_they_bring),
	    TEST(deferred_delivery_is_held_until_its_time),
	    TEST(work_of_a_dead_channel_comes_again_the_second_time_later),
	    TEST(nonsense_from_a_channel_does_no_harm),
	    TEST(a_restart_goes_on_where_the_journal_left_off),
	    TEST(a_listing_keeps_its_place_whatever_comes_and_goes),
	    TEST(a_probe_ends_before_the_channel_that_would_deliver),
	    TEST(a_way_that_ended_at_submission_fails_with_its_diagnostic),
	    TEST(after_the_latest_delivery_time_it_fails),
	    TEST(
		a_failure_with_an_alternate_goes_to_report_though_nobody_asked),
	    TEST(a_report_that_leads_nowhere_ends_and_is_told),
	    TEST(a_listing_tells_a_hold_from_a_retry),
	    TEST(a_report_that_is_durable_is_not_made_again),
	    TEST(
		a_lost_work_comes_again_after_the_scan_without_what_was_settled),
	    TEST(what_a_channel_answers_of_what_is_settled_is_passed_over),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("qmgr_queue", tests);
}
