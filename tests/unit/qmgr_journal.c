#include "qmgr/journal.h"

#include <errno.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/log.h"
#include "qmgr/files.h"
#include "qmgr/load.h"
#include "qmgr/record.h"
#include "qmgr/replay.h"
#include "qmgr/writer.h"
#include "tests/unit/qmgr_dir.h"
#include "tests/unit/unit.h"

static const uint32_t some[] = {0, 7, MHS_RECIPIENTS_MAX};

static const struct q_entry entries[] = {
    {.type = Q_ENTRY_FINISHED, .id = 0x29cce0d0d3000002},
    {.type = Q_ENTRY_DONE_SET, .id = 0x29cce0d0d3, .v = some, .n = 3},
    {
	.type = Q_ENTRY_STATE,
	.id = 5,
	.state = Q_RCPT_REPORT,
	.step = 1,
	.record = 77,
	.attempts = 3,
	.next = 1234567890,
	.outcome = {.result = Q_FAILED,
	    .reason = 1,
	    .diagnostic = -1,
	    .status = "5.1.1",
	    .text = "no such user",
	    .remote_mta = "dns; b.example",
	    .at = 1234567},
	.v = some,
	.n = 3,
    },
    {.type = Q_ENTRY_STATE, .id = 6, .v = some, .n = 1},
    {.type = Q_ENTRY_MARK, .id = 7, .level = Q_LEVEL_FLASH},
    {
	.type = Q_ENTRY_MARK,
	.id = 7,
	.level = Q_LEVEL_OVERRIDE,
	.held = true,
	.v = some,
	.n = 3,
    },
    {.type = Q_ENTRY_WAY, .id = 8, .peer = "b", .v = some, .n = 2},
    {
	.type = Q_ENTRY_WAY,
	.id = 8,
	.peer = "charlie",
	.from = "bravo",
	.v = some,
	.n = 3,
    },
};
#define ENTRIES (sizeof(entries) / sizeof(*entries))

static bool
same_text(const char *x, const char *y)
{
	return x == y || (x != NULL && y != NULL && strcmp(x, y) == 0);
}

static bool
same(const struct q_entry *x, const struct q_entry *y)
{
	return x->type == y->type && x->id == y->id && x->state == y->state &&
	    x->step == y->step && x->record == y->record &&
	    x->attempts == y->attempts && x->next == y->next &&
	    x->outcome.result == y->outcome.result &&
	    x->outcome.diagnostic == y->outcome.diagnostic &&
	    x->outcome.at == y->outcome.at &&
	    same_text(x->outcome.status, y->outcome.status) &&
	    same_text(x->outcome.text, y->outcome.text) &&
	    same_text(x->outcome.remote_mta, y->outcome.remote_mta) &&
	    x->level == y->level && x->held == y->held &&
	    same_text(x->peer, y->peer) && same_text(x->from, y->from) &&
	    x->n == y->n &&
	    (x->n == 0 || memcmp(x->v, y->v, x->n * sizeof(*x->v)) == 0);
}

static void
entries_come_back_as_they_were(void)
{
	struct arena *a = arena_new();
	struct buf b = {0};
	const uint8_t *p;
	struct q_entry x;
	size_t n;

	for (size_t i = 0; i < ENTRIES; i++)
		q_entry_pack(&entries[i], &b);
	p = b.data;
	n = b.len;
	for (size_t i = 0; i < ENTRIES; i++) {
		CU_ASSERT_EQUAL(q_entry_unpack(&p, &n, a, &x, NULL), 0);
		CU_ASSERT_TRUE(same(&x, &entries[i]));
	}
	CU_ASSERT_EQUAL(n, 0);
	buf_free(&b);
	arena_free(&a);
}

static void
an_entry_that_is_cut_short_anywhere_is_an_error(void)
{
	struct arena *a = arena_new();

	for (size_t i = 0; i < ENTRIES; i++) {
		struct buf b = {0};

		q_entry_pack(&entries[i], &b);
		for (size_t cut = 0; cut < b.len; cut++) {
			const uint8_t *p = b.data;
			struct q_entry x;
			size_t n = cut;

			CU_ASSERT_EQUAL(
			    q_entry_unpack(&p, &n, a, &x, NULL), ERR_SYNTAX);
		}
		buf_free(&b);
	}
	arena_free(&a);
}

static void
replay_keeps_states_until_the_message_is_finished(void)
{
	struct q_entry end = {.type = Q_ENTRY_FINISHED, .id = 5};
	struct q_replay r = {0};
	struct buf b = {0};
	size_t one;

	q_entry_pack(&entries[2], &b);
	one = b.len;
	q_entry_pack(&entries[2], &b);
	q_entry_pack(&entries[1], &b);
	CU_ASSERT_EQUAL(q_replay_entries(&r, b.data, b.len, NULL), 0);
	CU_ASSERT_EQUAL(q_replay_get(&r, 5)->n, 2 * one);
	CU_ASSERT_TRUE(q_replay_get(&r, 5)->versioned);
	CU_ASSERT_FALSE(q_replay_get(&r, 5)->finished);
	CU_ASSERT_TRUE(
	    q_replay_get(&r, UINT64_C(0x29cce0d0d3) << 24 | 7)->finished);
	CU_ASSERT_PTR_NULL(q_replay_get(&r, 6));
	/* finished, and a state that was written late */
	buf_clear(&b);
	q_entry_pack(&end, &b);
	q_entry_pack(&entries[2], &b);
	CU_ASSERT_EQUAL(q_replay_entries(&r, b.data, b.len, NULL), 0);
	CU_ASSERT_TRUE(q_replay_get(&r, 5)->finished);
	CU_ASSERT_EQUAL(q_replay_get(&r, 5)->n, 0);
	q_replay_clear(&r);
	CU_ASSERT_PTR_NULL(q_replay_get(&r, 5));
	q_replay_free(&r);
	buf_free(&b);
}

/* --- on disk --- */

static int sync_errno;
static unsigned syncs_to_fail, sync_slow_ms;

static ssize_t
plain_pwrite(int fd, const void *p, size_t n, off_t offset)
{
	return pwrite(fd, p, n, offset);
}

static int
failing_fdatasync(int fd)
{
	if (__atomic_load_n(&syncs_to_fail, __ATOMIC_SEQ_CST) == 0)
		return fdatasync(fd);
	__atomic_sub_fetch(&syncs_to_fail, 1, __ATOMIC_SEQ_CST);
	usleep(sync_slow_ms * 1000);
	errno = sync_errno;
	return -1;
}

static const struct q_io failing = {
    .pwrite = plain_pwrite, .fdatasync = failing_fdatasync};

struct world {
	struct dir dir;
	struct loop *loop;
	struct q_journal *j;
	uint64_t next[100]; /* what was done, in order */
	unsigned appended, done;
};

struct done {
	struct world *w;
	uint64_t id;
};

static void
on_done(void *arg)
{
	struct done *d = arg;
	struct world *w = d->w;

	w->next[w->done++] = d->id;
	if (w->done == w->appended)
		loop_stop(w->loop);
	free(d);
}

static struct world *
begin(void)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct q_journal_params p = {
	    .file_size = 64 << 10, .io = &failing, .instance = 3};

	log_set_level(LOG_LEVEL_ERROR + 1);
	dir_make(&w->dir);
	p.directory = w->dir.path;
	w->loop = loop_new();
	w->j = q_journal_open(&p, w->loop, NULL);
	return w;
}

static void
finish(struct world *w)
{
	q_journal_close(&w->j);
	loop_free(&w->loop);
	dir_remove(&w->dir);
	free(w);
	log_set_level(LOG_LEVEL_INFO);
}

static void
append(struct world *w, uint64_t id)
{
	struct q_entry x = {.type = Q_ENTRY_FINISHED, .id = id};
	struct done *d = xcalloc(1, sizeof(*d));
	struct buf b = {0};

	*d = (struct done){w, id};
	q_entry_pack(&x, &b);
	w->appended++;
	q_journal_append(w->j, &b, on_done, d);
	CU_ASSERT_EQUAL(b.len, 0);
}

struct found {
	struct q_replay r;
	unsigned files, records;
	size_t largest;
};

static void
on_record(void *arg, const struct q_header *h, const uint8_t *p)
{
	struct found *f = arg;

	f->records++;
	if (h->body_n > f->largest)
		f->largest = h->body_n;
	if (h->type == Q_RECORD_SNAPSHOT) {
		q_replay_clear(&f->r);
		q_replay_entries(&f->r, p + h->body_n, h->content_n, NULL);
	} else {
		q_replay_entries(&f->r, p, h->body_n, NULL);
	}
}

static void
on_corrupt(void *arg, const struct q_header *h, uint64_t offset, uint64_t n,
    const char *why)
{
	(void)arg;
	(void)h;
	(void)offset;
	(void)n;
	(void)why;
	CU_FAIL("a damaged journal");
}

static void
look(struct world *w, struct found *f)
{
	static const struct q_scan_ops ops = {on_record, on_corrupt};
	char directory[96], path[160], name[Q_NUMBER_TEXT];
	uint64_t *v;
	size_t n;

	*f = (struct found){0};
	snprintf(directory, sizeof(directory), "%s/journal", w->dir.path);
	q_files_list(directory, ".jnl", &v, &n, NULL);
	for (size_t i = 0; i < n; i++) {
		struct q_scan_end end;
		struct q_file file;

		q_number_text(v[i], name);
		snprintf(path, sizeof(path), "%s/%s.jnl", directory, name);
		q_file_map(path, &file, NULL);
		q_scan(file.p, file.n, v[i], &ops, f, &end);
		q_file_unmap(&file);
	}
	f->files = (unsigned)n;
	free(v);
}

static void
what_is_done_is_on_disk_in_order(void)
{
	struct world *w = begin();
	struct found f;

	for (unsigned i = 1; i <= 50; i++)
		append(w, i);
	loop_run(w->loop);
	look(w, &f);
	for (unsigned i = 1; i <= 50; i++) {
		CU_ASSERT_EQUAL(w->next[i - 1], i);
		CU_ASSERT_TRUE(q_replay_get(&f.r, i)->finished);
	}
	q_replay_free(&f.r);
	finish(w);
}

static void
append_three(void *arg)
{
	append(arg, 3);
}

static void
a_failed_write_is_made_good_in_order_in_a_new_file(void)
{
	struct world *w = begin();
	struct found f;

	append(w, 1);
	loop_run(w->loop);
	sync_errno = EIO;
	syncs_to_fail = 1;
	append(w, 2);
	/* comes when 2 is known to have failed, and waits to be tried again */
	loop_timer_set(w->loop, 300, append_three, w);
	loop_run(w->loop);
	CU_ASSERT_EQUAL(w->done, 3);
	for (unsigned i = 1; i <= 3; i++)
		CU_ASSERT_EQUAL(w->next[i - 1], i);
	look(w, &f);
	CU_ASSERT_EQUAL(f.files, 2);
	for (unsigned i = 1; i <= 3; i++)
		CU_ASSERT_PTR_NOT_NULL(q_replay_get(&f.r, i));
	q_replay_free(&f.r);
	finish(w);
}

/* A write that fails slowly, while more is appended behind it. */
static struct world *
fail_slowly(unsigned times)
{
	struct world *w = begin();

	append(w, 1);
	loop_run(w->loop);
	sync_errno = EIO;
	sync_slow_ms = 100;
	syncs_to_fail = times;
	append(w, 2);
	usleep(30000);
	return w;
}

static void
what_comes_while_a_write_fails_does_not_overtake(void)
{
	struct world *w = fail_slowly(2);
	struct found f;

	for (unsigned i = 3; i <= 20; i++)
		append(w, i);
	loop_run(w->loop);
	for (unsigned i = 1; i <= 20; i++)
		CU_ASSERT_EQUAL(w->next[i - 1], i);
	look(w, &f);
	CU_ASSERT_EQUAL(f.r.entries, 20);
	CU_ASSERT_EQUAL(f.records, 3); /* 1; 2; the others share one */
	q_replay_free(&f.r);
	sync_slow_ms = 0;
	finish(w);
}

static void
a_snapshot_waits_for_what_was_appended_before_it(void)
{
	struct world *w = fail_slowly(1);
	struct q_entry x = {.type = Q_ENTRY_FINISHED, .id = 100};
	struct buf b = {0};
	struct found f;

	q_entry_pack(&x, &b);
	q_journal_snapshot(w->j, &b);
	append(w, 3);
	loop_run(w->loop);
	CU_ASSERT_EQUAL(w->done, 3);
	look(w, &f);
	CU_ASSERT_PTR_NULL(q_replay_get(&f.r, 2));
	CU_ASSERT_PTR_NOT_NULL(q_replay_get(&f.r, 3));
	CU_ASSERT_PTR_NOT_NULL(q_replay_get(&f.r, 100));
	q_replay_free(&f.r);
	sync_slow_ms = 0;
	finish(w);
}

static void
closing_writes_what_waits(void)
{
	struct world *w = begin();
	struct found f;

	for (unsigned i = 1; i <= 10; i++)
		append(w, i);
	q_journal_close(&w->j);
	CU_ASSERT_EQUAL(w->done, 10);
	look(w, &f);
	CU_ASSERT_EQUAL(f.r.entries, 10);
	q_replay_free(&f.r);
	finish(w);
}

/* As many as there may be recipients, each with a long text of its own. */
static void
entries_too_many_for_a_record_are_split(void)
{
	struct world *w = begin();
	struct done *d = xcalloc(1, sizeof(*d));
	struct buf b = {0};
	struct found f;
	char text[4000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	for (uint32_t i = 0; i < MHS_RECIPIENTS_MAX; i++) {
		struct q_entry x = {.type = Q_ENTRY_STATE,
		    .id = 5,
		    .outcome = {.at = 1, .text = text},
		    .v = &i,
		    .n = 1};

		q_entry_pack(&x, &b);
	}
	*d = (struct done){w, 1};
	w->appended = 1;
	q_journal_append(w->j, &b, on_done, d);
	loop_run(w->loop);
	CU_ASSERT_EQUAL(w->done, 1);
	look(w, &f);
	CU_ASSERT_EQUAL(f.r.entries, MHS_RECIPIENTS_MAX);
	CU_ASSERT(f.largest <= 1 << 20);
	q_replay_free(&f.r);
	finish(w);
}

static void
a_snapshot_replaces_what_is_older_and_nothing_newer(void)
{
	struct world *w = begin();
	struct q_entry x = {.type = Q_ENTRY_FINISHED, .id = 100};
	struct buf b = {0};
	struct found f;

	append(w, 1);
	loop_run(w->loop);
	q_entry_pack(&x, &b);
	q_journal_snapshot(w->j, &b);
	CU_ASSERT_TRUE(q_journal_snapshot_running(w->j));
	append(w, 2);
	loop_run(w->loop);
	CU_ASSERT_FALSE(q_journal_snapshot_running(w->j));
	look(w, &f);
	CU_ASSERT_EQUAL(f.files, 1);
	CU_ASSERT_PTR_NULL(q_replay_get(&f.r, 1));
	CU_ASSERT_PTR_NOT_NULL(q_replay_get(&f.r, 2));
	CU_ASSERT_PTR_NOT_NULL(q_replay_get(&f.r, 100));
	q_replay_free(&f.r);
	finish(w);
}

static void
a_failed_snapshot_leaves_the_older_ones(void)
{
	struct world *w = begin();
	struct buf b = {0};
	struct found f;

	append(w, 1);
	loop_run(w->loop);
	sync_errno = ENOSPC;
	syncs_to_fail = 2; /* the END record's, and the snapshot's */
	q_journal_snapshot(w->j, &b);
	append(w, 2);
	loop_run(w->loop);
	CU_ASSERT_FALSE(q_journal_snapshot_running(w->j));
	look(w, &f);
	CU_ASSERT_PTR_NOT_NULL(q_replay_get(&f.r, 1));
	CU_ASSERT_PTR_NOT_NULL(q_replay_get(&f.r, 2));
	q_replay_free(&f.r);
	finish(w);
}

void
suite_qmgr_journal(void)
{
	static CU_TestInfo tests[] = {
	    TEST(entries_come_back_as_they_were),
	    TEST(an_entry_that_is_cut_short_anywhere_is_an_error),
	    TEST(replay_keeps_states_until_the_message_is_finished),
	    TEST(what_is_done_is_on_disk_in_order),
	    TEST(a_failed_write_is_made_good_in_order_in_a_new_file),
	    TEST(what_comes_while_a_write_fails_does_not_overtake),
	    TEST(a_snapshot_waits_for_what_was_appended_before_it),
	    TEST(closing_writes_what_waits),
	    TEST(entries_too_many_for_a_record_are_split),
	    TEST(a_snapshot_replaces_what_is_older_and_nothing_newer),
	    TEST(a_failed_snapshot_leaves_the_older_ones),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("qmgr_journal", tests);
}
