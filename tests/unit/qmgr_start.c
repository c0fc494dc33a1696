/*
 * Starts after crashes, from files to files: what the loader finds, what the
 * queue does with it, and what the journal says of it at the next start.
 */
#include <string.h>

#include "lib/log.h"
#include "qmgr/load.h"
#include "qmgr/queue.h"
#include "tests/unit/qmgr_config.h"
#include "tests/unit/qmgr_dir.h"
#include "tests/unit/unit.h"

#define CONF                                                   \
	"mta name=alpha country=XX admd=ALPHA hostname=a.e\n"  \
	"scheduler reserve-urgent=0 reserve-normal=0\n"        \
	"channel name=smtp\n"                                  \
	"channel name=lmtp\n"                                  \
	"peer name=out channel=smtp\n"                         \
	"peer name=slow channel=lmtp\n"                        \
	"list or=/CN=l/ADMD=ALPHA/C=XX/ mailbox=l@y.example\n" \
	"  member mailbox=m@y.example\n"

struct world {
	struct dir dir;
	struct arena *a;
	struct loop *loop;
	struct q_config c;
	struct q_journal *journal;
	struct q_queue *q;
	q_id id; /* of the last record put */
	unsigned expanded, sent;
	unsigned told, crash_at; /* messages in this life */
};

static void
on_journal(void *arg, struct buf *entries, void (*done)(void *), void *done_arg)
{
	struct world *w = arg;

	q_journal_append(w->journal, entries, done, done_arg);
}

static void
on_number(void *arg, uint64_t number)
{
	(void)arg;
	(void)number;
}

static int64_t
on_now(void *arg)
{
	(void)arg;
	return INT64_C(2000) * 1000;
}

static void
on_dropped(void *arg, q_id report, const struct q_outcome *why)
{
	(void)arg;
	(void)report;
	(void)why;
}

static void
on_planned(void *arg)
{
	(void)arg;
}

static void
begin(struct world *w)
{
	*w = (struct world){.a = arena_new()};
	log_set_level(LOG_LEVEL_ERROR + 1);
	dir_make(&w->dir);
	w->loop = loop_new();
	CU_ASSERT_EQUAL_FATAL(
	    q_config_read(conf_make(w->a, CONF), &w->c, NULL, NULL, NULL), 0);
}

static void
finish(struct world *w)
{
	q_config_free(&w->c);
	loop_free(&w->loop);
	arena_free(&w->a);
	dir_remove(&w->dir);
	log_set_level(LOG_LEVEL_INFO);
}

/* --- what lies on disk --- */

static void
on_commit(void *arg, int result, q_id id, const struct err *e)
{
	struct world *w = arg;

	(void)e;
	CU_ASSERT_EQUAL_FATAL(result, 0);
	w->id = id;
	loop_stop(w->loop);
}

/* A message to that peer, which stands for recipient 0 of another. */
static q_id
put(struct world *w, struct q_spool *s, const char *peer, q_id settles)
{
	static const uint32_t first = 0;
	struct q_settled x = {settles, Q_SETTLED_TRANSFERRED, &first, 1};
	struct mhs_envelope *env = mhs_envelope_new(w->a, MHS_MESSAGE);
	struct mhs_recipient *r;
	struct q_put *p = q_put_begin(s, NULL);

	env->content_type = MHS_CONTENT_RFC822;
	env->originator.mailbox = "a@x.example";
	env->arrival = 1000;
	for (int i = 0; i < 2; i++) { /* and one that keeps the message */
		r = mhs_recipient_add(w->a, env);
		r->name.mailbox = i == 0 ? "b@y.example" : "c@y.example";
		r->responsible = i == 0 || strcmp(peer, Q_PEER_LISTS) == 0;
		r->number = i + 1;
		r->peer = i == 0 ? peer : "slow";
	}
	if (settles != 0)
		q_settled_set(w->a, env, &x);
	q_put_commit(p, env, on_commit, w);
	loop_run(w->loop);
	return w->id;
}

/* A message to a list, its expansion, which goes to a list again, and the
 * expansion of that; in segments in that order, or the opposite one. */
static void
write_expansions(struct world *w, bool up)
{
	struct q_spool_params p = {.directory = w->dir.path,
	    .segment_size = 64 << 10,
	    .content_file_threshold = 4 << 10,
	    .first_number = 300,
	    .instance = 1};
	struct q_spool *v[3];
	q_id id = 0;

	for (unsigned i = 0; i < 3; i++) { /* files begin with their first */
		v[i] = q_spool_open(&p, w->loop, NULL);
		put(w, v[i], "out", 0);
	}
	for (unsigned i = 0; i < 3; i++)
		id =
		    put(w, v[up ? i : 2 - i], i < 2 ? Q_PEER_LISTS : "out", id);
	for (unsigned i = 0; i < 3; i++)
		q_spool_close(&v[i]);
}

/* --- a life of qmgr --- */

static void
turn(struct world *w)
{
	loop_post(w->loop, (void (*)(void *))loop_stop, w->loop);
	loop_run(w->loop);
}

static void
work(struct world *w)
{
	static const char *const channels[] = {"smtp", "list"};
	struct q_outcome o = {.result = Q_TRANSFERRED, .at = 1};
	struct q_outcomes all = {.v = &o, .n = 1};
	struct q_work x;

	for (unsigned i = 0; i < 2; i++)
		while (q_queue_next(
		    w->q, q_queue_chan(w->q, channels[i]), w->a, &x)) {
			w->expanded += i;
			w->sent += 1 - i;
			all.mlist = x.mlist;
			CU_ASSERT_EQUAL(q_queue_result(w->q, &all), 0);
		}
}

static void
on_message(void *arg, const struct q_summary *s, const uint8_t *states,
    size_t n, size_t learned)
{
	struct world *w = arg;

	if (w->told++ >= w->crash_at)
		return;
	CU_ASSERT_EQUAL(q_queue_loaded(w->q, s, states, n, learned, NULL), 0);
	work(w); /* channels do already */
}

static void
on_version(void *arg, const struct q_summary *s)
{
	(void)arg;
	(void)s;
}

static void
on_moved(void *arg, const struct q_moved *m)
{
	(void)arg;
	(void)m;
}

static void
on_segment(void *arg, const struct q_segment_news *s)
{
	(void)arg;
	(void)s;
}

/* From a start to a crash while it loads, or after it; without a snapshot. */
static void
live(struct world *w, unsigned crash_at)
{
	static const struct q_queue_ops queue_ops = {
	    on_journal, on_number, on_number, on_now, on_dropped, on_planned};
	static const struct q_load_ops load_ops = {
	    NULL, on_message, on_version, on_moved, on_segment};
	struct q_journal_params p = {
	    .directory = w->dir.path, .file_size = 64 << 10};
	struct q_load_params lp = {w->dir.path, UINT64_MAX, 0};
	struct q_load_result result;

	w->told = 0;
	w->crash_at = crash_at;
	w->journal = q_journal_open(&p, w->loop, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w->journal);
	w->q = q_queue_new(&w->c, &queue_ops, w);
	sched_chan_capacity(q_queue_chan(w->q, "smtp"), 100);
	sched_chan_capacity(q_queue_chan(w->q, "list"), 100);
	CU_ASSERT_EQUAL(q_load(&lp, &load_ops, w, &result, NULL), 0);
	CU_ASSERT_EQUAL(result.corrupt, 0);
	turn(w);
	work(w);
	q_journal_close(&w->journal);
	q_queue_free(&w->q);
}

/* The first qmgr died before it journalled anything of them. */
static void
after_two_crashes_no_expansion_is_made_again(void)
{
	for (unsigned i = 0; i < 14; i++) {
		struct world w;

		begin(&w);
		write_expansions(&w, i % 2);
		live(&w, i / 2);
		live(&w, 6);
		CU_ASSERT_EQUAL(w.sent, 4);
		CU_ASSERT_EQUAL(w.expanded, 0);
		finish(&w);
	}
}

void
suite_qmgr_start(void)
{
	static CU_TestInfo tests[] = {
	    TEST(after_two_crashes_no_expansion_is_made_again),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("qmgr_start", tests);
}
