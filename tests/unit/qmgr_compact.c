#include "qmgr/compact.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "lib/log.h"
#include "qmgr/files.h"
#include "qmgr/load.h"
#include "qmgr/queue.h"
#include "qmgr/record.h"
#include "qmgr/verify.h"
#include "tests/unit/qmgr_config.h"
#include "tests/unit/qmgr_dir.h"
#include "tests/unit/unit.h"

#define CONF                                                       \
	"mta name=alpha country=XX hostname=a.e\n"                 \
	"scheduler retry-step=10s retry-max=60s reserve-urgent=0 " \
	"reserve-normal=0\n"                                       \
	"channel name=smtp\n"                                      \
	"peer name=out channel=smtp\n"
#define SEGMENT (64u << 10)
#define CONTENT 1500
#define MESSAGES 4000
#define ROUND 100 /* messages between compactions */

/* What became of a message. */
enum fate { NOT_YET, QUEUED, FINISHED };

struct message {
	q_id id;
	enum fate fate;
	bool stays;    /* long-lived */
	unsigned told; /* by the loader */
	q_id place;    /* as the loader told it */
};

/* All that a switch has of a queue, in one process: the files, and qmgr's
 * memory. The journal is what the queue gave out, and always durable. */
struct world {
	struct dir dir;
	struct loop *loop;
	struct arena *a;
	struct q_config c;
	struct q_spool *spool;
	struct q_queue *q;
	struct message m[MESSAGES];
	unsigned n, waiting, moved;
	unsigned seed;
	int64_t now; /* ms */
	int write_error;
	unsigned good_writes;
};

static struct world *faulty; /* whose writes fail */

static ssize_t
faulty_pwrite(int fd, const void *p, size_t n, off_t offset)
{
	if (faulty != NULL && faulty->write_error != 0) {
		if (faulty->good_writes-- == 0) {
			faulty->good_writes = 0;
			errno = faulty->write_error;
			return -1;
		}
	}
	return pwrite(fd, p, n, offset);
}

static const struct q_io io = {.pwrite = faulty_pwrite, .fdatasync = fdatasync};

/* --- the queue's surroundings --- */

static void
on_journal(void *arg, struct buf *entries, void (*done)(void *), void *done_arg)
{
	struct world *w = arg;

	buf_free(entries);
	loop_post(w->loop, done, done_arg);
}

static void
on_segment_over(void *arg, uint64_t number)
{
	struct world *w = arg;
	char path[160], text[Q_NUMBER_TEXT];

	q_number_text(number, text);
	snprintf(path, sizeof(path), "%s/segments/%s.seg", w->dir.path, text);
	CU_ASSERT_EQUAL(unlink(path), 0);
}

static void
on_content_over(void *arg, uint64_t number)
{
	(void)arg;
	(void)number;
}

static int64_t
on_now(void *arg)
{
	return ((struct world *)arg)->now;
}

static void
on_planned(void *arg)
{
	(void)arg;
}

static void
on_dropped(void *arg, q_id report, const struct q_outcome *why)
{
	(void)arg;
	(void)report;
	(void)why;
}

static const struct q_queue_ops queue_ops = {
    .journal = on_journal,
    .segment_over = on_segment_over,
    .content_over = on_content_over,
    .now = on_now,
    .dropped = on_dropped,
    .planned = on_planned,
};

static void
on_finished(void *arg, const struct q_segment_news *news)
{
	struct world *w = arg;

	q_queue_segment(w->q, news);
}

static struct q_queue *
new_queue(struct world *w)
{
	struct q_queue *q = q_queue_new(&w->c, &queue_ops, w);

	sched_chan_capacity(q_queue_chan(q, "smtp"), 1000000);
	return q;
}

static struct world *
begin(unsigned seed)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct q_spool_params p = {
	    .segment_size = SEGMENT,
	    .content_file_threshold = 4 << 10,
	    .instance = 77,
	};

	log_set_level(LOG_LEVEL_ERROR + 1);
	dir_make(&w->dir);
	p.directory = w->dir.path;
	w->loop = loop_new();
	w->a = arena_new();
	w->seed = seed;
	w->now = INT64_C(1000000) * 1000;
	CU_ASSERT_EQUAL(
	    q_config_read(conf_make(w->a, CONF), &w->c, NULL, NULL, NULL), 0);
	w->q = new_queue(w);
	w->spool = q_spool_open(&p, w->loop, NULL);
	q_spool_on_finished(w->spool, on_finished, w);
	return w;
}

static void
turn(struct world *w)
{
	loop_post(w->loop, (void (*)(void *))loop_stop, w->loop);
	loop_run(w->loop);
}

static void
finish(struct world *w)
{
	faulty = NULL;
	if (w->spool != NULL)
		q_spool_close(&w->spool);
	q_queue_free(&w->q);
	q_config_free(&w->c);
	loop_free(&w->loop);
	arena_free(&w->a);
	dir_remove(&w->dir);
	free(w);
	log_set_level(LOG_LEVEL_INFO);
}

static unsigned
random_below(struct world *w, unsigned n)
{
	return (unsigned)rand_r(&w->seed) % n;
}

/* --- messages come and go --- */

static struct world *current;

static void
on_commit(void *arg, int result, q_id id, const struct err *e)
{
	struct message *m = arg;
	struct world *w = current;

	(void)e;
	CU_ASSERT_EQUAL_FATAL(result, 0);
	m->id = id;
	if (--w->waiting == 0)
		loop_stop(w->loop);
}

static struct mhs_envelope *
envelope(struct arena *a)
{
	struct mhs_envelope *env = mhs_envelope_new(a, MHS_MESSAGE);
	struct mhs_recipient *r = mhs_recipient_add(a, env);

	env->content_type = MHS_CONTENT_RFC822;
	env->originator.mailbox = "a@x.example";
	env->arrival = 1000000;
	r->name.mailbox = "b@y.example";
	r->responsible = true;
	r->number = 1;
	r->peer = "out";
	return env;
}

static size_t
length_of(unsigned i)
{
	return i % 50 == 7 ? 9000 : CONTENT; /* some in files of their own */
}

static void
put(struct world *w, unsigned i, const struct mhs_envelope *env)
{
	struct q_put *p = q_put_begin(w->spool, NULL);
	char content[9000];

	memset(content, (int)('a' + i % 26), sizeof(content));
	CU_ASSERT_EQUAL(q_put_content(p, content, length_of(i), NULL), 0);
	current = w;
	w->waiting++;
	q_put_commit(p, env, on_commit, &w->m[i]);
}

static void
put_some(struct world *w, unsigned n, unsigned one_of)
{
	struct arena *a = arena_new();
	struct mhs_envelope *env = envelope(a);
	unsigned first = w->n;

	for (; n > 0; n--) {
		w->m[w->n].stays = random_below(w, one_of) == 0;
		put(w, w->n++, env);
	}
	loop_run(w->loop);
	for (unsigned i = first; i < w->n; i++) {
		w->m[i].fate = QUEUED;
		q_queue_submitted(w->q, q_summary_new(a, w->m[i].id, 0, env));
	}
	arena_free(&a);
}

static struct message *
by_id(struct world *w, q_id id)
{
	for (unsigned i = 0; i < w->n; i++)
		if (w->m[i].id == id)
			return &w->m[i];
	return NULL;
}

static bool
content_is(
    const struct world *w, const struct message *m, const struct q_record *r)
{
	unsigned i = (unsigned)(m - w->m);

	return r->content_n == length_of(i) && r->content[0] == 'a' + i % 26 &&
	    r->content[r->content_n - 1] == 'a' + i % 26;
}

static void
answer(struct world *w, const struct q_work *work, enum q_result result)
{
	struct q_outcome o = {.result = result, .at = 1000000, .text = "so"};
	struct q_outcomes answer = {work->mlist, &o, 1, 0, false};

	if (result == Q_TRANSFERRED)
		by_id(w, work->message)->fate = FINISHED;
	CU_ASSERT_EQUAL(q_queue_result(w->q, &answer), 0);
}

static bool
next(struct world *w, struct q_work *work)
{
	return q_queue_next(w->q, q_queue_chan(w->q, "smtp"), w->a, work);
}

/* Reads what the queue gives out, and delivers it, if it is not to stay. */
static void
deliver(struct world *w, bool also_those_that_stay)
{
	struct q_work work;
	struct q_record *r;

	w->now += 300 * 1000;
	q_queue_tick(w->q);
	while (next(w, &work)) {
		struct message *m = by_id(w, work.message);

		CU_ASSERT_EQUAL_FATAL(
		    q_record_open(w->spool, work.record, &r, NULL), 0);
		CU_ASSERT_EQUAL(r->id, work.message);
		CU_ASSERT_TRUE(content_is(w, m, r));
		q_record_close(&r);
		answer(w, &work,
		    m->stays && !also_those_that_stay ? Q_DEFERRED
						      : Q_TRANSFERRED);
	}
	turn(w);
	turn(w);
}

/* --- compaction --- */

static void
on_moved(void *arg, const struct q_moved *m)
{
	struct world *w = arg;

	w->moved++;
	q_queue_moved(w->q, m);
}

static int
compact(struct world *w, uint64_t instance, uint64_t waste)
{
	static const struct q_compact_ops ops = {on_moved, on_finished};
	struct q_compact_params p = {
	    .spool = w->dir.path,
	    .segment_size = SEGMENT,
	    .instance = instance,
	    .io = &io,
	};
	struct q_compact_result result;
	q_id *v;
	size_t n;
	int rc;

	n = q_queue_stragglers(w->q, waste, 8 * SEGMENT, &v);
	q_queue_keep_segments(w->q, true);
	rc = q_compact(&p, v, n, &ops, w, &result, NULL);
	if (rc == 0)
		q_queue_unmoved(w->q, v, n);
	q_queue_keep_segments(w->q, false);
	q_queue_tick(w->q);
	free(v);
	return rc;
}

static unsigned
files_in(const struct world *w, const char *below)
{
	char path[160];
	uint64_t *v;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", w->dir.path, below);
	q_files_list(path, ".seg", &v, &n, NULL);
	free(v);
	return (unsigned)n;
}

/* --- what a start would find --- */

static void
on_loaded(void *arg, const struct q_summary *s, const uint8_t *states, size_t n,
    size_t learned)
{
	struct message *m = by_id(arg, s->id);

	(void)states;
	(void)n;
	CU_ASSERT_EQUAL(learned, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	m->told++;
	m->place = s->place != 0 ? s->place : s->id;
}

static void
on_version(void *arg, const struct q_summary *s)
{
	(void)arg;
	(void)s;
	CU_FAIL("no versions here");
}

static void
on_copy(void *arg, const struct q_moved *m)
{
	struct message *x = by_id(arg, m->id);

	CU_ASSERT_PTR_NOT_NULL_FATAL(x);
	CU_ASSERT_EQUAL(x->told, 1);
	x->place = m->place;
}

static void
on_segment(void *arg, const struct q_segment_news *news)
{
	(void)arg;
	(void)news;
}

/* A journal with the snapshot of the queue, as qmgr writes it. */
static void
write_snapshot(struct world *w, const struct dir *d)
{
	struct loop *l = loop_new();
	struct q_journal_params p = {
	    .directory = d->path, .file_size = 1 << 20};
	struct q_journal *j = q_journal_open(&p, l, NULL);
	struct buf entries = {0};

	q_queue_snapshot(w->q, &entries);
	q_journal_snapshot(j, &entries);
	q_journal_close(&j);
	loop_free(&l);
}

static void
on_fault(void *arg, const char *file, uint64_t offset, const char *why)
{
	(void)arg;
	(void)file;
	(void)offset;
	(void)why;
	CU_FAIL("a sound spool");
}

/* As isthmus spool verify sees it. Copies that are not told of yet count as
 * often as they are there. */
static void
verify(struct world *w, const struct dir *d)
{
	struct q_verify_result result;
	uint64_t queued = 0;

	for (unsigned i = 0; i < w->n; i++)
		queued += w->m[i].fate == QUEUED;
	CU_ASSERT_EQUAL(q_verify(d->path, on_fault, w, &result, NULL), 0);
	CU_ASSERT_EQUAL(result.faults, 0);
	CU_ASSERT(result.messages >= queued);
	CU_ASSERT(result.messages <= queued + result.copies);
	CU_ASSERT_EQUAL(result.records,
	    result.messages + result.versions + result.finished);
}

/* With the power gone now: each message that is queued is found, once, and
 * none that is finished. */
static struct q_load_result
check_crash(struct world *w)
{
	static const struct q_load_ops ops = {
	    NULL, on_loaded, on_version, on_copy, on_segment};
	struct q_load_result result;
	struct dir d;
	struct q_load_params p = {d.path, UINT64_MAX, 0};
	struct q_spool_params sp = {.directory = d.path};
	struct q_spool *s;
	struct q_record *r;
	unsigned wrong = 0;

	dir_copy(&w->dir, &d);
	write_snapshot(w, &d);
	verify(w, &d);
	for (unsigned i = 0; i < w->n; i++)
		w->m[i].told = 0;
	CU_ASSERT_EQUAL(q_load(&p, &ops, w, &result, NULL), 0);
	CU_ASSERT_EQUAL(result.corrupt, 0);
	CU_ASSERT_EQUAL(result.missing, 0);
	s = q_spool_open(&sp, NULL, NULL);
	for (unsigned i = 0; i < w->n; i++) {
		struct message *m = &w->m[i];

		wrong += m->told != (m->fate == QUEUED ? 1 : 0);
		if (m->told != 1)
			continue;
		if (q_record_open(s, m->place, &r, NULL) != 0) {
			wrong++;
			continue;
		}
		wrong += r->id != m->id || !content_is(w, m, r);
		q_record_close(&r);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	q_spool_close(&s);
	dir_remove(&d);
	return result;
}

/* --- promises --- */

static void
disk_use_stays_within_its_bound_with_any_mix_of_lives(void)
{
	struct world *w = begin(4711);
	struct q_queue_use use = {0};
	unsigned rounds = 0;

	while (w->n + ROUND <= MESSAGES) {
		put_some(w, ROUND, 10);
		deliver(w, false);
		for (unsigned i = 0; i < 10; i++) { /* some end late */
			struct message *m = &w->m[random_below(w, w->n)];

			m->stays = false;
		}
		deliver(w, false);
		use = q_queue_use(w->q);
		while (use.files > 2 * use.live + 4 * SEGMENT) {
			uint64_t before = use.files;
			uint64_t waste =
			    (use.files - 2 * use.live) / 2 + 2 * SEGMENT;

			CU_ASSERT_EQUAL(compact(w, 78, waste), 0);
			use = q_queue_use(w->q);
			/* each run gains, so this ends */
			CU_ASSERT_FATAL(use.files < before);
		}
		if (rounds++ % 8 == 7)
			check_crash(w);
	}
	CU_ASSERT(w->moved > 200);
	/* and the one that is being written */
	CU_ASSERT(files_in(w, "segments") * (uint64_t)SEGMENT <=
	    2 * use.live + 5 * SEGMENT);
	deliver(w, true);
	CU_ASSERT_EQUAL(q_queue_messages(w->q), 0);
	q_spool_close(&w->spool);
	CU_ASSERT_EQUAL(files_in(w, "segments"), 0);
	finish(w);
}

/* 60 messages in a few segments; every third stays. */
static struct world *
begin_with_stragglers(void)
{
	struct world *w = begin(1);

	put_some(w, 200, 3);
	deliver(w, false);
	q_spool_close(&w->spool);
	w->spool = q_spool_open(
	    &(struct q_spool_params){.directory = w->dir.path}, NULL, NULL);
	return w;
}

static unsigned
queued(const struct world *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->n; i++)
		n += w->m[i].fate == QUEUED;
	return n;
}

static void
a_start_reads_what_lives_and_not_the_history(void)
{
	struct world *w = begin(42);
	struct q_load_result r;
	struct q_queue_use use;

	while (w->n + ROUND <= MESSAGES) {
		put_some(w, ROUND, 100); /* one in a hundred stays */
		deliver(w, false);
		use = q_queue_use(w->q);
		if (use.files > 2 * use.live + 4 * SEGMENT)
			CU_ASSERT_EQUAL(compact(w, 78, UINT64_MAX), 0);
	}
	r = check_crash(w);
	CU_ASSERT(r.messages > 10 && r.messages < MESSAGES / 50);
	/* what the four spare segments hold */
	CU_ASSERT(r.finished < 5 * SEGMENT / CONTENT);
	finish(w);
}

static void
a_copy_that_nobody_was_told_of_changes_nothing(void)
{
	static const struct q_compact_ops ops = {on_moved, on_segment};
	struct world *w = begin_with_stragglers();
	struct q_queue *q = w->q;
	struct q_compact_params p = {
	    .spool = w->dir.path, .segment_size = SEGMENT, .instance = 78};
	struct q_compact_result result;
	q_id *v;
	size_t n = q_queue_stragglers(w->q, UINT64_MAX, UINT64_MAX, &v);

	CU_ASSERT_EQUAL(n, queued(w));
	q_queue_keep_segments(q, true);
	w->q = new_queue(w); /* hears it in its place */
	CU_ASSERT_EQUAL(q_compact(&p, v, n, &ops, w, &result, NULL), 0);
	CU_ASSERT_EQUAL(result.moved, n);
	q_queue_free(&w->q);
	w->q = q;
	check_crash(w); /* both are there: one counts */
	/* messages end before anybody hears of their copies */
	deliver(w, true);
	check_crash(w);
	q_queue_keep_segments(q, false);
	free(v);
	finish(w);
}

static void
a_place_that_is_being_read_stays_until_the_work_is_done(void)
{
	struct world *w = begin_with_stragglers();
	unsigned before = files_in(w, "segments"), after;
	uint64_t live = q_queue_use(w->q).live;
	struct q_work work;
	struct q_record *r;
	size_t n;
	q_id *v;

	w->now += 300 * 1000;
	q_queue_tick(w->q);
	CU_ASSERT_TRUE_FATAL(next(w, &work));
	CU_ASSERT_EQUAL(work.record, work.message);
	CU_ASSERT_EQUAL(compact(w, 78, UINT64_MAX), 0);
	CU_ASSERT_EQUAL(w->moved, queued(w));
	after = files_in(w, "segments");
	CU_ASSERT(after < before);
	/* its octets count once, and what waits for it is no use compacting */
	CU_ASSERT_EQUAL(q_queue_use(w->q).live, live);
	CU_ASSERT_EQUAL(q_queue_use(w->q).files % SEGMENT, 0);
	CU_ASSERT(q_queue_use(w->q).files < after * (uint64_t)SEGMENT);
	n = q_queue_stragglers(w->q, UINT64_MAX, UINT64_MAX, &v);
	CU_ASSERT_EQUAL(n, queued(w));
	for (size_t i = 0; i < n; i++)
		CU_ASSERT_NOT_EQUAL(v[i], work.record);
	free(v);
	/* its channel opens it only now */
	CU_ASSERT_EQUAL_FATAL(
	    q_record_open(w->spool, work.record, &r, NULL), 0);
	q_record_close(&r);
	answer(w, &work, Q_DEFERRED);
	turn(w);
	q_queue_tick(w->q);
	CU_ASSERT_EQUAL(files_in(w, "segments"), after - 1);
	/* and from then on it is given out with its new place */
	CU_ASSERT_TRUE_FATAL(next(w, &work));
	CU_ASSERT_NOT_EQUAL(work.record, work.message);
	answer(w, &work, Q_TRANSFERRED);
	turn(w);
	check_crash(w);
	finish(w);
}

static void
a_place_left_in_a_segment_that_stays_does_not_come_back(void)
{
	static const struct q_compact_ops ops = {on_moved, on_finished};
	struct world *w = begin_with_stragglers();
	struct q_compact_params p = {
	    .spool = w->dir.path, .segment_size = SEGMENT, .instance = 78};
	struct q_compact_result result;
	q_id *v;
	size_t n = q_queue_stragglers(w->q, UINT64_MAX, UINT64_MAX, &v);

	q_queue_keep_segments(w->q, true);
	CU_ASSERT_EQUAL(q_compact(&p, v + 1, n - 1, &ops, w, &result, NULL), 0);
	q_queue_keep_segments(w->q, false);
	/* the copies go, and their segments, which knew what had ended */
	for (unsigned i = 0; i < w->n; i++)
		w->m[i].stays = w->m[i].id == v[0];
	deliver(w, false);
	CU_ASSERT_EQUAL(files_in(w, "segments"), 1);
	check_crash(w);
	free(v);
	finish(w);
}

static void
what_was_moved_can_be_moved_again(void)
{
	struct world *w = begin_with_stragglers();
	unsigned n = queued(w);

	CU_ASSERT_EQUAL(compact(w, 78, UINT64_MAX), 0);
	CU_ASSERT_EQUAL(w->moved, n);
	check_crash(w);
	for (unsigned i = 0; i < w->n; i++)
		w->m[i].stays &= i % 2 == 0;
	deliver(w, false);
	CU_ASSERT_EQUAL(compact(w, 79, UINT64_MAX), 0);
	CU_ASSERT_EQUAL(w->moved, n + queued(w));
	check_crash(w);
	for (unsigned i = 0; i < w->n; i++) { /* by its id, for the operator */
		struct q_record *r;
		int rc = q_record_open(w->spool, w->m[i].id, &r, NULL);

		CU_ASSERT_EQUAL(rc, w->m[i].fate == QUEUED ? 0 : ERR_NOT_FOUND);
		q_record_close(&r);
	}
	deliver(w, true);
	check_crash(w);
	CU_ASSERT_EQUAL(files_in(w, "segments"), 0);
	finish(w);
}

static void
copies_that_cannot_be_written_leave_all_where_it_is(void)
{
	for (unsigned good = 0; good < 6; good++) {
		struct world *w = begin_with_stragglers();

		faulty = w;
		w->write_error = ENOSPC;
		w->good_writes = good;
		CU_ASSERT_EQUAL(compact(w, 78, UINT64_MAX), ERR_TEMPORARY);
		w->write_error = 0;
		check_crash(w);
		CU_ASSERT_EQUAL(compact(w, 79, UINT64_MAX), 0);
		check_crash(w);
		deliver(w, true);
		finish(w);
	}
}

static void
a_damaged_record_is_not_copied_and_keeps_its_segment(void)
{
	struct world *w = begin_with_stragglers();
	char path[160], text[Q_NUMBER_TEXT];
	struct message *m = w->m;
	unsigned before;
	q_id *v;
	FILE *f;

	while (m->fate != QUEUED)
		m++;
	q_number_text(q_id_number(m->id), text);
	snprintf(path, sizeof(path), "%s/segments/%s.seg", w->dir.path, text);
	f = fopen(path, "r+");
	fseek(f, (long)q_id_offset(m->id) + Q_HEADER + 9, SEEK_SET);
	fputc(0xff, f);
	fclose(f);
	before = queued(w);
	CU_ASSERT_EQUAL(compact(w, 78, UINT64_MAX), 0);
	CU_ASSERT_EQUAL(w->moved, before - 1);
	CU_ASSERT_EQUAL(access(path, F_OK), 0);
	/* it is not tried for ever, nor is compaction due for its sake */
	CU_ASSERT_EQUAL(q_queue_use(w->q).files,
	    (files_in(w, "segments") - 1) * (uint64_t)SEGMENT);
	CU_ASSERT_EQUAL(
	    q_queue_stragglers(w->q, UINT64_MAX, UINT64_MAX, &v), before - 1);
	free(v);
	finish(w);
}

void
suite_qmgr_compact(void)
{
	static CU_TestInfo tests[] = {
	    TEST(disk_use_stays_within_its_bound_with_any_mix_of_lives),
	    TEST(a_start_reads_what_lives_and_not_the_history),
	    TEST(a_copy_that_nobody_was_told_of_changes_nothing),
	    TEST(a_place_that_is_being_read_stays_until_the_work_is_done),
	    TEST(a_place_left_in_a_segment_that_stays_does_not_come_back),
	    TEST(what_was_moved_can_be_moved_again),
	    TEST(copies_that_cannot_be_written_leave_all_where_it_is),
	    TEST(a_damaged_record_is_not_copied_and_keeps_its_segment),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("qmgr_compact", tests);
}
