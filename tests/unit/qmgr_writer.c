#include "qmgr/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/arena.h"
#include "lib/clock.h"
#include "lib/crc32c.h"
#include "lib/log.h"
#include "qmgr/files.h"
#include "tests/unit/qmgr_dir.h"
#include "tests/unit/unit.h"

/* --- faults: what the next system calls do --- */

static struct {
	pthread_mutex_t lock;
	int write_error, sync_error;      /* errno, 0: none */
	unsigned good_writes, good_syncs; /* before the error */
	bool short_writes;
	int open_error; /* of new files */
	unsigned syncs;
	unsigned directory_syncs;
	unsigned before_first_write; /* directory_syncs then */
	bool written;
} fault = {.lock = PTHREAD_MUTEX_INITIALIZER};

static ssize_t
faulty_pwrite(int fd, const void *p, size_t n, off_t offset)
{
	int error = 0;

	pthread_mutex_lock(&fault.lock);
	if (!fault.written)
		fault.before_first_write = fault.directory_syncs;
	fault.written = true;
	if (fault.write_error != 0 && fault.good_writes-- == 0) {
		error = fault.write_error;
		fault.good_writes = 0;
	}
	if (fault.short_writes && n > 7)
		n = 7;
	pthread_mutex_unlock(&fault.lock);
	if (error != 0) {
		errno = error;
		return -1;
	}
	return pwrite(fd, p, n, offset);
}

static int
faulty_fdatasync(int fd)
{
	int error;

	pthread_mutex_lock(&fault.lock);
	error = fault.good_syncs > 0 ? 0 : fault.sync_error;
	if (error != 0)
		fault.sync_error = 0;
	else if (fault.good_syncs > 0)
		fault.good_syncs--;
	fault.syncs++;
	pthread_mutex_unlock(&fault.lock);
	if (error != 0) {
		errno = error;
		return -1;
	}
	return fdatasync(fd);
}

static int
counted_fsync(int fd)
{
	struct stat st;

	pthread_mutex_lock(&fault.lock);
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		fault.directory_syncs++;
	pthread_mutex_unlock(&fault.lock);
	return fsync(fd);
}

static int
faulty_open(const char *path, int flags, mode_t mode)
{
	int error;

	pthread_mutex_lock(&fault.lock);
	error = flags & O_CREAT ? fault.open_error : 0;
	pthread_mutex_unlock(&fault.lock);
	if (error != 0) {
		errno = error;
		return -1;
	}
	return open(path, flags, mode);
}

static const struct q_io faulty = {.open = faulty_open,
    .pwrite = faulty_pwrite,
    .fdatasync = faulty_fdatasync,
    .fsync = counted_fsync};

static void
no_faults(void)
{
	pthread_mutex_lock(&fault.lock);
	fault.write_error = fault.sync_error = fault.open_error = 0;
	fault.good_writes = fault.good_syncs = 0;
	fault.short_writes = false;
	fault.syncs = fault.directory_syncs = 0;
	fault.written = false;
	pthread_mutex_unlock(&fault.lock);
}

/* --- a writer whose records are texts --- */

#define TEXTS 200

struct text {
	struct q_append a; /* first */
	char body[32];
	char *content;
	int result; /* 1: not yet */
};

struct world {
	struct dir dir;
	struct q_writer *w;
	pthread_mutex_t lock;
	pthread_cond_t done;
	struct text t[TEXTS];
	unsigned appended, answered, finished;
	char segments[96], recycled[128], reserve[128];
	bool reserved; /* files are */
};

static void
on_done(void *arg, struct q_append *batch, int result, const struct err *e)
{
	struct world *w = arg;

	(void)e;
	pthread_mutex_lock(&w->lock);
	for (; batch != NULL; batch = batch->next) {
		((struct text *)batch)->result = result;
		w->answered++;
	}
	pthread_cond_broadcast(&w->done);
	pthread_mutex_unlock(&w->lock);
}

static void
on_finished(void *arg, const struct q_segment_news *news)
{
	struct world *w = arg;

	(void)news;
	pthread_mutex_lock(&w->lock);
	w->finished++;
	pthread_mutex_unlock(&w->lock);
}

static void
open_writer(struct world *w, uint64_t file_size)
{
	struct q_writer_params p = {
	    .directory = w->segments,
	    .recycled = w->recycled,
	    .reserve = w->reserved ? w->reserve : NULL,
	    .suffix = ".seg",
	    .file_size = file_size,
	    .io = &faulty,
	    .instance = 7,
	    .done = on_done,
	    .finished = on_finished,
	    .arg = w,
	};

	w->w = q_writer_open(&p, NULL);
}

static struct world *
begin(uint64_t file_size)
{
	struct world *w = xcalloc(1, sizeof(*w));

	no_faults();
	dir_make(&w->dir);
	snprintf(w->segments, sizeof(w->segments), "%s/segments", w->dir.path);
	snprintf(w->recycled, sizeof(w->recycled), "%s/recycled", w->segments);
	snprintf(
	    w->reserve, sizeof(w->reserve), "%s/journal/reserve", w->dir.path);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->done, NULL);
	open_writer(w, file_size);
	log_set_level(LOG_LEVEL_ERROR + 1);
	return w;
}

static void
finish(struct world *w)
{
	q_writer_close(&w->w);
	dir_remove(&w->dir);
	for (unsigned i = 0; i < TEXTS; i++)
		free(w->t[i].content);
	free(w);
	log_set_level(LOG_LEVEL_INFO);
}

static void
append(struct world *w, size_t content_n)
{
	struct text *t = &w->t[w->appended];

	snprintf(t->body, sizeof(t->body), "%u", w->appended++);
	t->content = xcalloc(1, content_n + 1);
	memset(t->content, 'c', content_n);
	t->result = 1;
	t->a.body = (uint8_t *)t->body;
	t->a.content = (uint8_t *)t->content;
	t->a.h = (struct q_header){
	    .type = Q_RECORD_MESSAGE,
	    .body_n = (uint32_t)strlen(t->body),
	    .content_n = content_n,
	    .body_crc = crc32c(0, t->body, strlen(t->body)),
	    .content_crc = crc32c(0, t->content, content_n),
	};
	q_writer_append(w->w, &t->a);
}

static void
wait_all(struct world *w)
{
	pthread_mutex_lock(&w->lock);
	while (w->answered < w->appended)
		pthread_cond_wait(&w->done, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

/* --- what is on disk --- */

struct found {
	bool text[TEXTS];
	unsigned n, files, finished, corrupt;
};

static void
on_record(void *arg, const struct q_header *h, const uint8_t *p)
{
	struct found *f = arg;
	char s[8] = "";

	memcpy(s, p, h->body_n < 7 ? h->body_n : 7);
	f->text[atoi(s)] = true;
	f->n++;
}

static void
on_corrupt(void *arg, const struct q_header *h, uint64_t offset, uint64_t n,
    const char *why)
{
	struct found *f = arg;

	(void)h;
	(void)offset;
	(void)n;
	(void)why;
	f->corrupt++;
}

static struct found
look(const struct dir *d)
{
	static const struct q_scan_ops ops = {on_record, on_corrupt};
	struct found found = {0};
	char directory[96], path[160], name[Q_NUMBER_TEXT];
	uint64_t *v;
	size_t n;

	snprintf(directory, sizeof(directory), "%s/segments", d->path);
	CU_ASSERT_EQUAL(q_files_list(directory, ".seg", &v, &n, NULL), 0);
	for (size_t i = 0; i < n; i++) {
		struct q_scan_end end;
		struct q_file f;

		q_number_text(v[i], name);
		snprintf(path, sizeof(path), "%s/%s.seg", directory, name);
		CU_ASSERT_EQUAL(q_file_map(path, &f, NULL), 0);
		q_scan(f.p, f.n, v[i], &ops, &found, &end);
		found.finished += end.finished;
		q_file_unmap(&f);
	}
	found.files = (unsigned)n;
	free(v);
	return found;
}

/* Everything that was reported good is there; what was reported failed is not,
 * so that its sender's second try is the only one. */
static void
check_agrees(struct world *w)
{
	struct found f = look(&w->dir);

	for (unsigned i = 0; i < w->appended; i++)
		CU_ASSERT_EQUAL(f.text[i], w->t[i].result == 0);
	CU_ASSERT_EQUAL(f.corrupt, 0);
}

static void
all_that_is_reported_good_is_on_disk(void)
{
	struct world *w = begin(1 << 20);
	struct found f;

	for (unsigned i = 0; i < TEXTS; i++)
		append(w, i * 13);
	wait_all(w);
	check_agrees(w);
	f = look(&w->dir);
	CU_ASSERT_EQUAL(f.n, TEXTS);
	CU_ASSERT_EQUAL(f.files, 1);
	q_writer_close(&w->w);
	CU_ASSERT_EQUAL(look(&w->dir).finished, 1);
	CU_ASSERT_EQUAL(w->finished, 1);
	finish(w);
}

static void
those_who_wait_share_a_sync(void)
{
	struct world *w = begin(1 << 20);

	append(w, 10);
	wait_all(w);
	pthread_mutex_lock(&w->lock); /* holds the thread in its callback */
	append(w, 10);
	while (fault.syncs < 2)
		usleep(100);
	for (unsigned i = 0; i < 100; i++)
		append(w, 10);
	pthread_mutex_unlock(&w->lock);
	wait_all(w);
	CU_ASSERT(fault.syncs <= 4);
	check_agrees(w);
	finish(w);
}

static void
a_full_file_is_finished_and_the_next_begun(void)
{
	struct world *w = begin(8192);
	struct found f;

	for (unsigned i = 0; i < 100; i++)
		append(w, 500);
	append(w, 50000); /* more than a file */
	append(w, 1);
	wait_all(w);
	check_agrees(w);
	f = look(&w->dir);
	CU_ASSERT(f.files > 8);
	CU_ASSERT_EQUAL(f.finished, f.files - 1);
	finish(w);
}

static void
short_writes_are_completed(void)
{
	struct world *w = begin(8192);

	fault.short_writes = true;
	for (unsigned i = 0; i < 20; i++)
		append(w, 100);
	wait_all(w);
	for (unsigned i = 0; i < 20; i++)
		CU_ASSERT_EQUAL(w->t[i].result, 0);
	check_agrees(w);
	finish(w);
}

static void
a_failed_sync_fails_its_batch_and_is_not_retried_in_that_file(void)
{
	struct world *w = begin(1 << 16);

	append(w, 100);
	wait_all(w);
	fault.sync_error = EIO;
	append(w, 100);
	wait_all(w);
	CU_ASSERT_EQUAL(w->t[0].result, 0);
	CU_ASSERT_EQUAL(w->t[1].result, ERR_TEMPORARY);
	append(w, 100);
	wait_all(w);
	CU_ASSERT_EQUAL(w->t[2].result, 0);
	CU_ASSERT_EQUAL(look(&w->dir).files, 2);
	check_agrees(w);
	finish(w);
}

static void
a_failed_write_at_any_place_loses_nothing_that_was_promised(void)
{
	static const int errors[] = {EIO, ENOSPC};

	for (unsigned e = 0; e < 2; e++) {
		for (unsigned good = 0; good < 8; good++) {
			struct world *w = begin(4096);

			append(w, 100);
			append(w, 3000);
			wait_all(w);
			fault.good_writes = good;
			fault.write_error = errors[e];
			append(w, 200);
			append(w, 3000);
			append(w, 3000);
			wait_all(w);
			no_faults();
			append(w, 10);
			wait_all(w);
			CU_ASSERT_EQUAL(w->t[0].result, 0);
			CU_ASSERT_EQUAL(w->t[w->appended - 1].result, 0);
			check_agrees(w);
			finish(w);
		}
	}
}

static void
a_recycled_file_is_taken_and_shows_nothing_old(void)
{
	struct world *w = begin(1 << 16);
	char from[160], to[160], name[Q_NUMBER_TEXT];
	uint64_t *v;
	size_t n;
	struct found f;

	for (unsigned i = 0; i < 50; i++)
		append(w, 500);
	wait_all(w);
	q_writer_close(&w->w);
	q_files_list(w->segments, ".seg", &v, &n, NULL);
	CU_ASSERT_EQUAL(n, 1);
	q_number_text(v[0], name);
	snprintf(from, sizeof(from), "%s/%s.seg", w->segments, name);
	snprintf(to, sizeof(to), "%s/%s.seg", w->recycled, name);
	CU_ASSERT_EQUAL(rename(from, to), 0);
	free(v);
	no_faults();
	open_writer(w, 1 << 16);
	append(w, 10);
	wait_all(w);
	CU_ASSERT_NOT_EQUAL(access(to, F_OK), 0);
	/* its new name is durable before anything in it changes */
	CU_ASSERT_EQUAL(fault.before_first_write, 1);
	f = look(&w->dir);
	CU_ASSERT_EQUAL(f.n, 1);
	CU_ASSERT_TRUE(f.text[50]);
	CU_ASSERT_EQUAL(f.corrupt, 0);
	finish(w);
}

static size_t
reserved(const struct world *w)
{
	uint64_t *v;
	size_t n;

	CU_ASSERT_EQUAL(q_files_list(w->reserve, ".seg", &v, &n, NULL), 0);
	free(v);
	return n;
}

static void
without_room_the_reserve_is_used_and_filled_up_later(void)
{
	struct world *w = begin(4096);

	q_writer_close(&w->w);
	w->reserved = true;
	open_writer(w, 4096);
	append(w, 3000);
	wait_all(w);
	CU_ASSERT_EQUAL(reserved(w), Q_RESERVED);
	fault.open_error = ENOSPC;
	for (unsigned i = 0; i < Q_RESERVED; i++)
		append(w, 3000);
	wait_all(w);
	for (unsigned i = 0; i <= Q_RESERVED; i++)
		CU_ASSERT_EQUAL(w->t[i].result, 0);
	CU_ASSERT_EQUAL(reserved(w), 0);
	append(w, 3000);
	wait_all(w);
	CU_ASSERT_EQUAL(w->t[Q_RESERVED + 1].result, ERR_TEMPORARY);
	/* only for want of room */
	no_faults();
	append(w, 3000);
	wait_all(w);
	CU_ASSERT_EQUAL(reserved(w), Q_RESERVED);
	fault.open_error = EIO;
	append(w, 3000);
	wait_all(w);
	CU_ASSERT_EQUAL(w->t[w->appended - 1].result, ERR_TEMPORARY);
	CU_ASSERT_EQUAL(reserved(w), Q_RESERVED);
	check_agrees(w);
	finish(w);
}

static void
a_snapshot_gets_its_name_when_it_is_durable(void)
{
	struct world *w = begin(1 << 16);
	struct q_append *a;
	uint64_t *v;
	size_t n;

	append(w, 10);
	wait_all(w);
	append(w, 0);
	wait_all(w);
	/* as the journal does it */
	a = &w->t[w->appended].a;
	w->t[w->appended++].result = 1;
	a->h = (struct q_header){.type = Q_RECORD_SNAPSHOT};
	fault.good_syncs = 1; /* the END of the file before */
	fault.sync_error = EIO;
	q_writer_append(w->w, a);
	wait_all(w);
	CU_ASSERT_EQUAL(w->t[2].result, ERR_TEMPORARY);
	q_files_list(w->segments, ".tmp", &v, &n, NULL);
	CU_ASSERT_EQUAL(n, 0);
	free(v);
	q_files_list(w->segments, ".seg", &v, &n, NULL);
	CU_ASSERT_EQUAL(n, 1);
	free(v);
	w->appended++;
	a = &w->t[3].a;
	a->h = (struct q_header){.type = Q_RECORD_SNAPSHOT};
	q_writer_append(w->w, a);
	wait_all(w);
	CU_ASSERT_EQUAL(w->t[3].result, 0);
	q_files_list(w->segments, ".seg", &v, &n, NULL);
	CU_ASSERT_EQUAL(n, 2);
	free(v);
	finish(w);
}

static void
numbers_are_names_and_back(void)
{
	char text[Q_NUMBER_TEXT + 4];
	uint64_t n, next = 0;

	q_number_text(0x29cce0d0d3, text);
	CU_ASSERT_STRING_EQUAL(text, "00000029cce0d0d3");
	CU_ASSERT_TRUE(q_number_parse(text, "", &n));
	CU_ASSERT_EQUAL(n, 0x29cce0d0d3);
	CU_ASSERT_FALSE(q_number_parse("00000029cce0d0d3.seg", ".jnl", &n));
	CU_ASSERT_FALSE(q_number_parse("0000002gcce0d0d3", "", &n));
	CU_ASSERT_FALSE(q_number_parse("ffffffffffffffff", "", &n));
	CU_ASSERT(q_number_take(&next) < q_number_take(&next));
	next = UINT64_C(1) << 39;
	CU_ASSERT_EQUAL(q_number_take(&next), UINT64_C(1) << 39);
}

void
suite_qmgr_writer(void)
{
	static CU_TestInfo tests[] = {
	    TEST(all_that_is_reported_good_is_on_disk),
	    TEST(those_who_wait_share_a_sync),
	    TEST(a_full_file_is_finished_and_the_next_begun),
	    TEST(short_writes_are_completed),
	    TEST(a_failed_sync_fails_its_batch_and_is_not_retried_in_that_file),
	    TEST(a_failed_write_at_any_place_loses_nothing_that_was_promised),
	    TEST(a_recycled_file_is_taken_and_shows_nothing_old),
	    TEST(without_room_the_reserve_is_used_and_filled_up_later),
	    TEST(a_snapshot_gets_its_name_when_it_is_durable),
	    TEST(numbers_are_names_and_back),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("qmgr_writer", tests);
}
