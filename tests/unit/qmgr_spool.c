#include "qmgr/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "lib/arena.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "mhs/envelope.h"
#include "qmgr/chan.h"
#include "qmgr/files.h"
#include "qmgr/health.h"
#include "qmgr/config.h"
#include "qmgr/load.h"
#include "qmgr/record.h"
#include "qmgr/writer.h"
#include "tests/unit/qmgr_dir.h"
#include "tests/unit/unit.h"

#define N 50

struct world {
	struct dir dir;
	struct loop *loop;
	struct q_spool *spool;
	struct arena *arena;
	q_id id[N];
	int result[N];
	unsigned begun, done;
};

/* Syncs happen only when the test lets them: what is written and not synced
 * is what a crash may lose. */
static ssize_t
plain_pwrite(int fd, const void *p, size_t n, off_t offset)
{
	return pwrite(fd, p, n, offset);
}

static int sync_errno;

static int
failing_fdatasync(int fd)
{
	if (sync_errno == 0)
		return fdatasync(fd);
	errno = sync_errno;
	return -1;
}

static const struct q_io failing = {
    .pwrite = plain_pwrite, .fdatasync = failing_fdatasync};

static struct world *
begin(void)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct q_spool_params p = {
	    .segment_size = 64 << 10,
	    .content_file_threshold = 4 << 10,
	    .io = &failing,
	    .instance = 77,
	};

	sync_errno = 0;
	log_set_level(LOG_LEVEL_ERROR + 1);
	dir_make(&w->dir);
	p.directory = w->dir.path;
	w->loop = loop_new();
	w->arena = arena_new();
	w->spool = q_spool_open(&p, w->loop, NULL);
	return w;
}

static void
finish(struct world *w)
{
	q_spool_close(&w->spool);
	loop_free(&w->loop);
	arena_free(&w->arena);
	dir_remove(&w->dir);
	free(w);
	log_set_level(LOG_LEVEL_INFO);
}

static struct world *current;

static void
on_commit(void *arg, int result, q_id id, const struct err *e)
{
	int *slot = arg;
	struct world *w = current;

	(void)e;
	*slot = result;
	w->id[slot - w->result] = id;
	if (++w->done == w->begun)
		loop_stop(w->loop);
}

static struct mhs_envelope *
envelope(struct world *w, const char *to, const char *peer)
{
	struct mhs_envelope *env = mhs_envelope_new(w->arena, MHS_MESSAGE);
	struct mhs_recipient *r = mhs_recipient_add(w->arena, env);

	env->content_type = MHS_CONTENT_RFC822;
	env->originator.mailbox = "a@x.example";
	env->arrival = 1000;
	r->name.mailbox = to;
	r->responsible = true;
	r->number = 1;
	r->peer = peer;
	return env;
}

static void
put_with(struct world *w, const struct mhs_envelope *env, size_t n)
{
	struct q_put *p = q_put_begin(w->spool, NULL);
	uint8_t *content = xmalloc(n + 1);

	for (size_t i = 0; i < n; i++)
		content[i] = (uint8_t)(i * 31 + w->begun);
	/* in pieces that straddle the threshold */
	for (size_t at = 0; at < n; at += 3000)
		CU_ASSERT_EQUAL(q_put_content(p, content + at,
				    n - at < 3000 ? n - at : 3000, NULL),
		    0);
	CU_ASSERT_EQUAL(q_put_length(p), n);
	free(content);
	current = w;
	w->result[w->begun] = 1;
	q_put_commit(p, env, on_commit, &w->result[w->begun++]);
}

static void
put(struct world *w, size_t n)
{
	put_with(w, envelope(w, "b@y.example", "peer"), n);
}

static bool
content_is(const struct q_record *r, unsigned which, size_t n)
{
	if (r->content_n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (r->content[i] != (uint8_t)(i * 31 + which))
			return false;
	return true;
}

static const size_t sizes[] = {
    0, 1, 63, 64, 65, 4095, 4096, 4097, 70000, 1000000};
#define SIZES (sizeof(sizes) / sizeof(*sizes))

static void
what_is_committed_reads_back_whatever_its_size(void)
{
	struct world *w = begin();
	struct q_record *r;

	for (size_t i = 0; i < SIZES; i++)
		put(w, sizes[i]);
	loop_run(w->loop);
	for (size_t i = 0; i < SIZES; i++) {
		CU_ASSERT_EQUAL(w->result[i], 0);
		CU_ASSERT_EQUAL(q_record_open(w->spool, w->id[i], &r, NULL), 0);
		CU_ASSERT_TRUE(content_is(r, (unsigned)i, sizes[i]));
		CU_ASSERT_STRING_EQUAL(
		    r->env->recipients[0].name.mailbox, "b@y.example");
		q_record_close(&r);
	}
	finish(w);
}

/* Kilobytes of mapped files in this process. */
static long
mapped_kb(void)
{
	char line[256];
	long kb = -1;
	FILE *f = fopen("/proc/self/status", "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "RssFile: %ld", &kb) == 1)
			break;
	if (f != NULL)
		fclose(f);
	return kb;
}

static void
a_large_content_is_never_in_memory_as_a_whole(void)
{
	const size_t n = 40 << 20, step = 65536;
	struct world *w = begin();
	struct q_record *r;
	long before, most = 0;

	put(w, n);
	loop_run(w->loop);
	before = mapped_kb();
	CU_ASSERT_EQUAL_FATAL(q_record_open(w->spool, w->id[0], &r, NULL), 0);
	for (size_t at = 0; at < n; at += step) {
		volatile uint8_t octet = r->content[at];

		(void)octet;
		q_record_passed(r, at + step);
		if (mapped_kb() - before > most)
			most = mapped_kb() - before;
	}
	CU_ASSERT(most < 8 << 10);
	CU_ASSERT_TRUE(content_is(r, 0, n));
	q_record_close(&r);
	finish(w);
}

static void
ids_are_text_and_back(void)
{
	char text[Q_ID_TEXT];
	q_id id;

	CU_ASSERT_STRING_EQUAL(
	    q_id_text(0x29cce0d0d3000002, text), "29cce0d0d3000002");
	CU_ASSERT_EQUAL(q_id_parse("29cce0d0d3000002", &id), 0);
	CU_ASSERT_EQUAL(id, 0x29cce0d0d3000002);
	CU_ASSERT_EQUAL(q_id_parse("29cce0d0d300000", &id), ERR_SYNTAX);
	CU_ASSERT_EQUAL(q_id_parse("29cce0d0d300000G", &id), ERR_SYNTAX);
}

static void
reading_what_is_not_there_says_so(void)
{
	struct world *w = begin();
	struct q_record *r;

	put(w, 100);
	loop_run(w->loop);
	CU_ASSERT_EQUAL(
	    q_record_open(w->spool, 1 << 24 | 2, &r, NULL), ERR_NOT_FOUND);
	CU_ASSERT_PTR_NULL(r);
	CU_ASSERT_EQUAL(
	    q_record_open(w->spool, w->id[0] + 1, &r, NULL), ERR_SYNTAX);
	finish(w);
}

static void
flip(const char *path, off_t at)
{
	int fd = open(path, O_RDWR);
	uint8_t c = 0;

	CU_ASSERT(fd >= 0 && pread(fd, &c, 1, at) == 1);
	c ^= 1;
	CU_ASSERT_EQUAL(pwrite(fd, &c, 1, at), 1);
	close(fd);
}

static void
segment_path(const struct dir *d, q_id id, char out[160])
{
	char text[Q_NUMBER_TEXT];

	q_number_text(q_id_number(id), text);
	snprintf(out, 160, "%s/segments/%s.seg", d->path, text);
}

/* The only content file there is. */
static void
content_path(const struct dir *d, char *out, size_t size)
{
	char path[128];
	struct dirent *x;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/contents", d->path);
	dir = opendir(path);
	*out = '\0';
	while ((x = readdir(dir)) != NULL)
		if (x->d_name[0] != '.')
			snprintf(out, size, "%s/%.16s", path, x->d_name);
	closedir(dir);
}

static void
damage_is_noticed_when_reading(void)
{
	struct world *w = begin();
	struct q_record *r;
	char path[160];

	put(w, 100);
	put(w, 10000);
	loop_run(w->loop);
	segment_path(&w->dir, w->id[0], path);
	flip(path, (off_t)q_id_offset(w->id[0]) + Q_HEADER + 3);
	CU_ASSERT_EQUAL(
	    q_record_open(w->spool, w->id[0], &r, NULL), ERR_SYNTAX);
	content_path(&w->dir, path, sizeof(path));
	flip(path, 9999);
	CU_ASSERT_EQUAL(
	    q_record_open(w->spool, w->id[1], &r, NULL), ERR_SYNTAX);
	CU_ASSERT_EQUAL(truncate(path, 5000), 0);
	CU_ASSERT_EQUAL(
	    q_record_open(w->spool, w->id[1], &r, NULL), ERR_SYNTAX);
	CU_ASSERT_EQUAL(unlink(path), 0);
	CU_ASSERT_EQUAL(
	    q_record_open(w->spool, w->id[1], &r, NULL), ERR_NOT_FOUND);
	finish(w);
}

static void
an_aborted_put_leaves_nothing(void)
{
	struct world *w = begin();
	uint8_t content[10000] = {0};
	struct q_put *p = q_put_begin(w->spool, NULL);
	char path[160];

	q_put_content(p, content, sizeof(content), NULL);
	content_path(&w->dir, path, sizeof(path));
	CU_ASSERT_STRING_NOT_EQUAL(path, "");
	q_put_abort(&p);
	CU_ASSERT_PTR_NULL(p);
	content_path(&w->dir, path, sizeof(path));
	CU_ASSERT_STRING_EQUAL(path, "");
	finish(w);
}

static void
a_failed_commit_says_temporary_and_takes_its_content_file_along(void)
{
	struct world *w = begin();
	char path[160];

	sync_errno = EIO;
	put(w, 100);
	put(w, 10000);
	loop_run(w->loop);
	CU_ASSERT_EQUAL(w->result[0], ERR_TEMPORARY);
	CU_ASSERT_EQUAL(w->result[1], ERR_TEMPORARY);
	content_path(&w->dir, path, sizeof(path));
	CU_ASSERT_STRING_EQUAL(path, "");
	sync_errno = 0;
	/* for a second nothing is tried */
	CU_ASSERT_PTR_NULL(q_put_begin(w->spool, NULL));
	clock_freeze(clock_mono() + 2000, clock_wall());
	put(w, 100);
	loop_run(w->loop);
	CU_ASSERT_EQUAL(w->result[2], 0);
	clock_thaw();
	finish(w);
}

static void
below_low_water_nothing_is_taken(void)
{
	struct world *w = begin();
	struct q_spool_params p = {.directory = w->dir.path,
	    .segment_size = 64 << 10,
	    .content_file_threshold = 4096,
	    .low_water = UINT64_MAX};
	struct err e = ERR_INIT;
	struct q_spool *full = q_spool_open(&p, w->loop, NULL);

	CU_ASSERT_PTR_NULL(q_put_begin(full, &e));
	CU_ASSERT_EQUAL(e.code, ERR_TEMPORARY);
	q_spool_close(&full);
	finish(w);
}

/* A file system as the test has it. */
static struct statvfs disk;

static int
fake_statvfs(const char *path, struct statvfs *v)
{
	(void)path;
	*v = disk;
	return 0;
}

static const struct q_io fake = {.statvfs = fake_statvfs};

static int
room(struct q_health *h)
{
	return q_health_room(h, "/", 1000, &fake, NULL);
}

static void
mail_is_refused_while_there_is_no_room_and_taken_again_after(void)
{
	static const struct {
		unsigned long free, flags;
		int answer;
		enum q_health_state state;
	} steps[] = {
	    {1000, 0, 0, Q_HEALTH_OK},
	    {999, 0, ERR_TEMPORARY, Q_HEALTH_FULL},
	    {1100, 0, ERR_TEMPORARY, Q_HEALTH_FULL}, /* not for so little */
	    {1125, 0, 0, Q_HEALTH_OK},
	    {1000, 0, 0, Q_HEALTH_OK},
	    {5000, ST_RDONLY, ERR_TEMPORARY, Q_HEALTH_READONLY},
	    {5000, 0, 0, Q_HEALTH_OK},
	    {0, 0, ERR_TEMPORARY, Q_HEALTH_FULL},
	};
	struct q_health h = {0};

	log_set_level(LOG_LEVEL_ERROR + 1);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		disk = (struct statvfs){.f_bavail = steps[i].free,
		    .f_frsize = 1,
		    .f_flag = steps[i].flags};
		CU_ASSERT_EQUAL(room(&h), steps[i].answer);
		CU_ASSERT_EQUAL(h.state, steps[i].state);
	}
	log_set_level(LOG_LEVEL_INFO);
}

static void
after_a_failure_one_a_second_is_tried_until_one_is_good(void)
{
	static const struct {
		int error;
		enum q_health_state state;
	} kinds[] = {
	    {ENOSPC, Q_HEALTH_FULL},
	    {EDQUOT, Q_HEALTH_FULL},
	    {EROFS, Q_HEALTH_READONLY},
	    {EIO, Q_HEALTH_ERROR},
	};

	log_set_level(LOG_LEVEL_ERROR + 1);
	disk = (struct statvfs){.f_bavail = 5000, .f_frsize = 1};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct q_health h = {0};
		struct err e = ERR_INIT;

		clock_freeze(10000, 1000);
		e.detail = kinds[i].error;
		q_health_failed(&h, &e);
		CU_ASSERT_EQUAL(h.state, kinds[i].state);
		CU_ASSERT_EQUAL(room(&h), ERR_TEMPORARY);
		clock_freeze(11000, 1001);
		CU_ASSERT_EQUAL(room(&h), 0);
		CU_ASSERT_EQUAL(room(&h), ERR_TEMPORARY);
		CU_ASSERT_EQUAL(h.state, kinds[i].state);
		q_health_good(&h);
		CU_ASSERT_EQUAL(room(&h), 0);
		CU_ASSERT_EQUAL(h.state, Q_HEALTH_OK);
	}
	clock_thaw();
	log_set_level(LOG_LEVEL_INFO);
}

/* --- the loader's view --- */

struct loaded {
	unsigned messages, versions, segments;
	uint64_t records, done;
	q_id ids[N];
	bool has_state[N];
	size_t learned[N];
	struct q_moved moved[N];
	unsigned n_moved;
	uint64_t places_moved;
	enum q_rcpt_state state[N]; /* recipient 0, of the last entry */
	enum q_result result[N];
};

static void
on_message(void *arg, const struct q_summary *s, const uint8_t *states,
    size_t n, size_t learned)
{
	struct loaded *l = arg;
	struct arena *a = arena_new();
	size_t left = n;
	struct q_entry x;

	while (left > 0 && q_entry_unpack(&states, &left, a, &x, NULL) == 0) {
		l->state[l->messages] = x.state;
		l->result[l->messages] = x.outcome.result;
	}
	arena_free(&a);
	CU_ASSERT(learned <= n);
	l->learned[l->messages] = learned;
	l->has_state[l->messages] = n > 0;
	l->ids[l->messages++] = s->id;
}

static void
on_version(void *arg, const struct q_summary *s)
{
	struct loaded *l = arg;

	(void)s;
	l->versions++;
}

static void
on_moved(void *arg, const struct q_moved *m)
{
	struct loaded *l = arg;

	l->moved[l->n_moved++] = *m;
}

static void
on_segment(void *arg, const struct q_segment_news *s)
{
	struct loaded *l = arg;

	l->segments++;
	l->records += s->records;
	l->done += s->n;
	l->places_moved += s->n_moved;
}

static int
try_load(const struct dir *d, uint64_t instance, struct loaded *l,
    struct q_load_result *result)
{
	static const struct q_load_ops ops = {
	    NULL, on_message, on_version, on_moved, on_segment};
	struct q_load_params p = {
	    d->path, instance == 0 ? UINT64_MAX : 1, instance};

	*l = (struct loaded){0};
	return q_load(&p, &ops, l, result, NULL);
}

static struct loaded
load(const struct dir *d, uint64_t instance, struct q_load_result *result)
{
	struct loaded l;

	CU_ASSERT_EQUAL(try_load(d, instance, &l, result), 0);
	return l;
}

static bool
has(const struct loaded *l, q_id id)
{
	for (unsigned i = 0; i < l->messages; i++)
		if (l->ids[i] == id)
			return true;
	return false;
}

static void
what_was_committed_is_loaded_after_a_crash(void)
{
	struct world *w = begin();
	struct q_load_result result;
	struct dir crash;
	struct loaded l;

	for (unsigned i = 0; i < 20; i++)
		put(w, i * 700);
	loop_run(w->loop);
	dir_copy(&w->dir, &crash);
	l = load(&crash, 0, &result);
	CU_ASSERT_EQUAL(l.messages, 20);
	CU_ASSERT_EQUAL(l.records, 20);
	for (unsigned i = 0; i < 20; i++)
		CU_ASSERT_TRUE(has(&l, w->id[i]));
	CU_ASSERT_EQUAL(result.corrupt, 0);
	CU_ASSERT_EQUAL(load(&crash, 77, &result).messages, 20);
	CU_ASSERT_EQUAL(load(&crash, 78, &result).messages, 0);
	dir_remove(&crash);
	finish(w);
}

static unsigned
files_in(const struct dir *d, const char *below)
{
	char path[160];
	struct dirent *x;
	unsigned n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s", d->path, below);
	dir = opendir(path);
	while ((x = readdir(dir)) != NULL)
		n += x->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void
a_damaged_record_goes_to_quarantine_and_the_rest_is_loaded(void)
{
	struct world *w = begin();
	struct q_load_result result;
	struct loaded l;
	char path[160];

	for (unsigned i = 0; i < 5; i++) {
		put(w, 300);
		loop_run(w->loop);
	}
	segment_path(&w->dir, w->id[2], path);
	flip(path, (off_t)q_id_offset(w->id[2]) + Q_HEADER + 10);
	l = load(&w->dir, 0, &result);
	CU_ASSERT_EQUAL(l.messages, 4);
	CU_ASSERT_FALSE(has(&l, w->id[2]));
	CU_ASSERT_EQUAL(result.corrupt, 1);
	CU_ASSERT_EQUAL(files_in(&w->dir, "quarantine"), 2);
	/* a second start does not make a second copy */
	load(&w->dir, 0, &result);
	CU_ASSERT_EQUAL(files_in(&w->dir, "quarantine"), 2);
	finish(w);
}

/* Puts something in the place of a file or directory that fails each time it
 * is opened; a second call puts things right. */
static void
obstruct(const char *path)
{
	char aside[200];

	snprintf(aside, sizeof(aside), "%s.aside", path);
	if (access(aside, F_OK) == 0) {
		CU_ASSERT_EQUAL(unlink(path), 0);
		CU_ASSERT_EQUAL(rename(aside, path), 0);
		return;
	}
	CU_ASSERT_EQUAL(rename(path, aside), 0);
	CU_ASSERT_EQUAL(symlink(path, path), 0);
}

static void
only_a_record_that_is_gone_or_corrupt_is_lost(void)
{
	struct world *w = begin();
	struct err e = ERR_INIT;
	struct q_record *r;
	char path[160];

	put(w, 100);
	loop_run(w->loop);
	q_record_open(w->spool, 1 << 24 | 2, &r, &e);
	CU_ASSERT_TRUE(q_record_lost(&e));
	segment_path(&w->dir, w->id[0], path);
	obstruct(path);
	CU_ASSERT(q_record_open(w->spool, w->id[0], &r, &e) < 0);
	CU_ASSERT_FALSE(q_record_lost(&e));
	obstruct(path);
	flip(path, (off_t)q_id_offset(w->id[0]) + Q_HEADER + 3);
	CU_ASSERT(q_record_open(w->spool, w->id[0], &r, &e) < 0);
	CU_ASSERT_TRUE(q_record_lost(&e));
	finish(w);
}

static void
a_segment_that_cannot_be_read_fails_the_load_and_is_not_told(void)
{
	struct world *w = begin();
	struct q_load_result result;
	struct loaded l;
	char path[160];

	for (unsigned i = 0; i < 20; i++)
		put(w, 3900);
	loop_run(w->loop);
	segment_path(&w->dir, w->id[0], path);
	obstruct(path);
	CU_ASSERT_EQUAL(try_load(&w->dir, 0, &l, &result), ERR_SYSTEM);
	CU_ASSERT_EQUAL(l.segments, 0);
	/* it may be another's: the rest is told, and the scan comes again */
	CU_ASSERT_EQUAL(try_load(&w->dir, 77, &l, &result), ERR_SYSTEM);
	CU_ASSERT(l.segments > 0);
	CU_ASSERT(l.messages > 0 && l.messages < 20);
	obstruct(path);
	CU_ASSERT_EQUAL(load(&w->dir, 0, &result).messages, 20);
	CU_ASSERT_EQUAL(load(&w->dir, 77, &result).messages, 20);
	finish(w);
}

static void
a_journal_that_cannot_be_read_fails_the_load(void)
{
	struct world *w = begin();
	struct q_load_result result;
	struct loaded l;
	char path[160];

	put(w, 100);
	loop_run(w->loop);
	snprintf(path, sizeof(path), "%s/journal/%016d.jnl", w->dir.path, 1);
	CU_ASSERT_EQUAL(symlink(path, path), 0);
	CU_ASSERT_EQUAL(try_load(&w->dir, 0, &l, &result), ERR_SYSTEM);
	CU_ASSERT_EQUAL(l.messages, 0);
	finish(w);
}

static void
damage_that_quarantine_does_not_take_stays_in_its_segment(void)
{
	struct world *w = begin();
	struct q_load_result result;
	struct loaded l;
	char path[160];

	for (unsigned i = 0; i < 5; i++)
		put(w, 300);
	loop_run(w->loop); /* a later batch vouches for these */
	put(w, 10000);
	loop_run(w->loop);
	segment_path(&w->dir, w->id[2], path);
	flip(path, (off_t)q_id_offset(w->id[2]) + Q_HEADER + 10);
	content_path(&w->dir, path, sizeof(path));
	CU_ASSERT_EQUAL(unlink(path), 0);
	snprintf(path, sizeof(path), "%s/quarantine", w->dir.path);
	obstruct(path);
	l = load(&w->dir, 0, &result);
	CU_ASSERT_EQUAL(l.messages, 4);
	CU_ASSERT_EQUAL(l.records, 6); /* more than were told: it stays */
	CU_ASSERT_EQUAL(l.done, 0);
	obstruct(path);
	l = load(&w->dir, 0, &result);
	CU_ASSERT_EQUAL(l.records, 4);
	CU_ASSERT_EQUAL(files_in(&w->dir, "quarantine"), 4);
	finish(w);
}

static int
copy(const struct dir *d, const char *name)
{
	return q_quarantine(
	    d->path, name, (const uint8_t *)"octets", 6, "why", NULL);
}

static void
a_copy_in_quarantine_is_complete_or_not_there(void)
{
	struct world *w = begin();
	struct stat st;
	char path[160], in_the_way[200];

	snprintf(path, sizeof(path), "%s/quarantine/x", w->dir.path);
	snprintf(in_the_way, sizeof(in_the_way), "%s.part", path);
	/* left by a start that died, then something that cannot be written */
	close(open(in_the_way, O_WRONLY | O_CREAT, 0600));
	CU_ASSERT_EQUAL(copy(&w->dir, "x"), 0);
	CU_ASSERT_EQUAL(stat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_size, 6);
	CU_ASSERT_NOT_EQUAL(access(in_the_way, F_OK), 0);
	CU_ASSERT_EQUAL(unlink(path), 0);
	CU_ASSERT_EQUAL(symlink("/dev/full", in_the_way), 0);
	CU_ASSERT_EQUAL(copy(&w->dir, "x"), ERR_SYSTEM);
	CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
	CU_ASSERT_EQUAL(copy(&w->dir, "x"), 0);
	finish(w);
}

static void
a_lost_content_file_is_not_passed_over(void)
{
	struct world *w = begin();
	struct q_load_result result;
	char path[160];

	put(w, 10000);
	put(w, 10);
	loop_run(w->loop);
	content_path(&w->dir, path, sizeof(path));
	CU_ASSERT_EQUAL(unlink(path), 0);
	CU_ASSERT_EQUAL(load(&w->dir, 0, &result).messages, 1);
	CU_ASSERT_EQUAL(result.corrupt, 1);
	CU_ASSERT_EQUAL(files_in(&w->dir, "quarantine"), 2);
	finish(w);
}

static void
a_content_file_of_no_record_is_removed(void)
{
	struct world *w = begin();
	struct q_load_result result;
	uint8_t content[10000] = {0};
	struct q_put *p = q_put_begin(w->spool, NULL);

	q_put_content(p, content, sizeof(content), NULL);
	put(w, 20000);
	loop_run(w->loop);
	CU_ASSERT_EQUAL(files_in(&w->dir, "contents"), 2);
	CU_ASSERT_EQUAL(load(&w->dir, 0, &result).messages, 1);
	CU_ASSERT_EQUAL(files_in(&w->dir, "contents"), 1);
	q_put_abort(&p); /* its file is gone already */
	finish(w);
}

static void
versions_follow_their_messages(void)
{
	struct world *w = begin();
	struct q_load_result result;
	struct mhs_envelope *env;
	struct loaded l;

	put(w, 100);
	loop_run(w->loop);
	env = envelope(w, "b@y.example", "peer");
	env->parent = w->id[0];
	put_with(w, env, 200);
	env->parent = 12345; /* gone */
	put_with(w, env, 200);
	loop_run(w->loop);
	l = load(&w->dir, 0, &result);
	CU_ASSERT_EQUAL(l.messages, 1);
	CU_ASSERT_EQUAL(l.versions, 1);
	CU_ASSERT_EQUAL(l.records, 2);
	CU_ASSERT_EQUAL(l.done, 1);
	finish(w);
}

static int
place_of(const struct loaded *l, q_id id)
{
	for (unsigned i = 0; i < l->messages; i++)
		if (l->ids[i] == id)
			return (int)i;
	return -1;
}

static void
an_expansion_found_after_a_crash_settles_its_recipient(void)
{
	static const uint32_t first = 0;
	struct world *w = begin();
	struct mhs_envelope *lists[2], *made;
	struct q_load_result result;
	struct dir crash;
	struct loaded l;
	int at;

	for (unsigned i = 0; i < 2; i++) {
		lists[i] = envelope(w, "l@y.example", Q_PEER_LISTS);
		lists[i]->recipients[0].notify = MHS_NOTIFY_SUCCESS;
		put_with(w, lists[i], 100);
	}
	loop_run(w->loop);
	for (unsigned i = 0; i < 2; i++) {
		struct q_settled x = {w->id[i],
		    i ? Q_SETTLED_DELIVERED : Q_SETTLED_TRANSFERRED, &first, 1};

		made = envelope(w, "m@y.example", "peer");
		q_settled_set(w->arena, made, &x);
		put_with(w, made, 100);
	}
	loop_run(w->loop);
	dir_copy(&w->dir, &crash);
	l = load(&crash, 0, &result);
	CU_ASSERT_EQUAL(l.messages, 4);
	at = place_of(&l, w->id[0]);
	CU_ASSERT_FATAL(at >= 0 && l.has_state[at]);
	CU_ASSERT_EQUAL(l.state[at], Q_RCPT_DONE);
	CU_ASSERT(l.learned[at] > 0);
	CU_ASSERT(at < place_of(&l, w->id[2]));
	at = place_of(&l, w->id[1]);
	CU_ASSERT_FATAL(at >= 0 && l.has_state[at]);
	CU_ASSERT_EQUAL(l.state[at], Q_RCPT_REPORT);
	CU_ASSERT_EQUAL(l.result[at], Q_DELIVERED);
	at = place_of(&l, w->id[2]);
	CU_ASSERT_FALSE(l.has_state[at]);
	dir_remove(&crash);
	finish(w);
}

void
suite_qmgr_spool(void)
{
	static CU_TestInfo tests[] = {
	    TEST(what_is_committed_reads_back_whatever_its_size),
	    TEST(a_large_content_is_never_in_memory_as_a_whole),
	    TEST(ids_are_text_and_back),
	    TEST(reading_what_is_not_there_says_so),
	    TEST(damage_is_noticed_when_reading),
	    TEST(an_aborted_put_leaves_nothing),
	    TEST(
		a_failed_commit_says_temporary_and_takes_its_content_file_along),
	    TEST(below_low_water_nothing_is_taken),
	    TEST(mail_is_refused_while_there_is_no_room_and_taken_again_after),
	    TEST(after_a_failure_one_a_second_is_tried_until_one_is_good),
	    TEST(what_was_committed_is_loaded_after_a_crash),
	    TEST(a_damaged_record_goes_to_quarantine_and_the_rest_is_loaded),
	    TEST(only_a_record_that_is_gone_or_corrupt_is_lost),
	    TEST(a_segment_that_cannot_be_read_fails_the_load_and_is_not_told),
	    TEST(a_journal_that_cannot_be_read_fails_the_load),
	    TEST(damage_that_quarantine_does_not_take_stays_in_its_segment),
	    TEST(a_copy_in_quarantine_is_complete_or_not_there),
	    TEST(a_lost_content_file_is_not_passed_over),
	    TEST(a_content_file_of_no_record_is_removed),
	    TEST(versions_follow_their_messages),
	    TEST(an_expansion_found_after_a_crash_settles_its_recipient),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("qmgr_spool", tests);
}
