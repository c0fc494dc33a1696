#include "qmgr/ahead.h"

#include <string.h>
#include <sys/stat.h>

#include "qmgr/files.h"
#include "qmgr/journal.h"
#include "qmgr/writer.h"
#include "tests/unit/qmgr_dir.h"
#include "tests/unit/unit.h"

#define SIZE (1u << 20)

static size_t
ready(const struct dir *d)
{
	char path[128];
	uint64_t *v;
	size_t n;

	snprintf(path, sizeof(path), "%s/journal/next", d->path);
	CU_ASSERT_EQUAL(q_files_list(path, ".jnl", &v, &n, NULL), 0);
	free(v);
	return n;
}

static bool
becomes_ready(const struct dir *d)
{
	for (unsigned i = 0; i < 500 && ready(d) == 0; i++)
		usleep(10000);
	return ready(d) == 1;
}

static void
one_is_made_and_no_more(void)
{
	struct dir d;
	struct q_ahead *a;
	char path[128];

	dir_make(&d);
	snprintf(path, sizeof(path), "%s/journal/next", d.path);
	a = q_ahead_open(path, ".jnl", SIZE, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(a);
	CU_ASSERT_EQUAL(ready(&d), 0);
	q_ahead_want(a);
	CU_ASSERT_TRUE(becomes_ready(&d));
	q_ahead_want(a);
	usleep(100000);
	q_ahead_close(&a);
	CU_ASSERT_EQUAL(ready(&d), 1);
	dir_remove(&d);
}

static void
one_that_is_not_complete_is_given_up(void)
{
	struct dir d;
	struct q_ahead *a;
	char path[128], tmp[160];

	dir_make(&d);
	snprintf(path, sizeof(path), "%s/journal/next", d.path);
	snprintf(tmp, sizeof(tmp), "%s/new.tmp", path);
	a = q_ahead_open(path, ".jnl", 64 * SIZE, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(a);
	q_ahead_want(a);
	usleep(30000);
	q_ahead_close(&a);
	CU_ASSERT_EQUAL(ready(&d), 0);
	CU_ASSERT_NOT_EQUAL(access(tmp, F_OK), 0);
	dir_remove(&d);
}

static void
stop(void *loop)
{
	loop_stop(loop);
}

static void
append(struct q_journal *j, struct loop *l)
{
	struct buf b = {0};

	q_entry_pack(&(struct q_entry){.type = Q_ENTRY_FINISHED, .id = 1}, &b);
	q_journal_append(j, &b, stop, l);
	loop_run(l);
}

/* The inode says that it is the same file. */
static void
the_journal_takes_it(void)
{
	struct dir d;
	struct loop *l = loop_new();
	struct q_journal_params p = {
	    .ahead = true, .file_size = SIZE, .first_number = 1, .instance = 1};
	struct q_journal *j;
	char path[160], file[200], name[Q_NUMBER_TEXT];
	struct stat made, taken;
	uint64_t *v;
	size_t n;

	dir_make(&d);
	p.directory = d.path;
	for (unsigned life = 0; life < 2; life++) {
		j = q_journal_open(&p, l, NULL);
		CU_ASSERT_PTR_NOT_NULL_FATAL(j);
		append(j, l);
		CU_ASSERT_TRUE(becomes_ready(&d));
		q_journal_close(&j);
		snprintf(path, sizeof(path), "%s/journal%s", d.path,
		    life == 0 ? "/next" : "");
		CU_ASSERT_EQUAL(q_files_list(path, ".jnl", &v, &n, NULL), 0);
		CU_ASSERT_EQUAL_FATAL(n, life + 1);
		q_number_text(v[n - 1], name);
		free(v);
		snprintf(file, sizeof(file), "%s/%s.jnl", path, name);
		CU_ASSERT_EQUAL(stat(file, life == 0 ? &made : &taken), 0);
	}
	CU_ASSERT_EQUAL(made.st_ino, taken.st_ino);
	loop_free(&l);
	dir_remove(&d);
}

static ino_t
only_journal(const struct dir *d, const char *below)
{
	char path[160], file[200], name[Q_NUMBER_TEXT];
	struct stat st = {0};
	uint64_t *v;
	size_t n;

	snprintf(path, sizeof(path), "%s/journal%s", d->path, below);
	CU_ASSERT_EQUAL(q_files_list(path, ".jnl", &v, &n, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(n, 1);
	q_number_text(v[0], name);
	free(v);
	snprintf(file, sizeof(file), "%s/%s.jnl", path, name);
	CU_ASSERT_EQUAL(stat(file, &st), 0);
	return st.st_ino;
}

static void
a_snapshot_takes_it(void)
{
	struct dir d;
	struct loop *l = loop_new();
	struct q_journal_params p = {
	    .ahead = true, .file_size = SIZE, .first_number = 1, .instance = 1};
	struct q_journal *j;
	struct buf b = {0};
	ino_t made;

	dir_make(&d);
	p.directory = d.path;
	j = q_journal_open(&p, l, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(j);
	append(j, l);
	CU_ASSERT_TRUE(becomes_ready(&d));
	made = only_journal(&d, "/next");
	q_entry_pack(&(struct q_entry){.type = Q_ENTRY_FINISHED, .id = 1}, &b);
	q_journal_snapshot(j, &b);
	append(j, l);
	q_journal_close(&j);
	CU_ASSERT_EQUAL(only_journal(&d, ""), made);
	loop_free(&l);
	dir_remove(&d);
}

void suite_qmgr_ahead(void);

void
suite_qmgr_ahead(void)
{
	static CU_TestInfo tests[] = {
	    TEST(one_is_made_and_no_more),
	    TEST(one_that_is_not_complete_is_given_up),
	    TEST(the_journal_takes_it),
	    TEST(a_snapshot_takes_it),
	    CU_TEST_INFO_NULL,
	};

	unit_suite("qmgr_ahead", tests);
}
