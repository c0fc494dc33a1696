#include "qmgr/verify.h"

#include <string.h>

#include "lib/log.h"
#include "mhs/envelope.h"
#include "qmgr/files.h"
#include "qmgr/journal.h"
#include "qmgr/writer.h"
#include "tests/unit/qmgr_dir.h"
#include "tests/unit/unit.h"

#define N 6

/* A spool with a few messages, the last with a content file, and a journal
 * that knows the first. */
struct world {
	struct dir dir;
	struct loop *loop;
	q_id id[N];
	unsigned n, faults;
	uint64_t offset; /* of the last fault */
	char file[64], why[80];
};

static void
on_commit(void *arg, int result, q_id id, const struct err *e)
{
	struct world *w = arg;

	(void)e;
	CU_ASSERT_EQUAL(result, 0);
	w->id[w->n++] = id;
	loop_stop(w->loop);
}

static void
put(struct world *w, struct q_spool *s, size_t octets)
{
	struct arena *a = arena_new();
	struct mhs_envelope *env = mhs_envelope_new(a, MHS_MESSAGE);
	struct q_put *p = q_put_begin(s, NULL);
	char content[5000] = "x";

	mhs_recipient_add(a, env)->name.mailbox = "b@y.example";
	CU_ASSERT_EQUAL(q_put_content(p, content, octets, NULL), 0);
	q_put_commit(p, env, on_commit, w);
	loop_run(w->loop);
	arena_free(&a);
}

static void
write_journal(struct world *w, enum q_entry_type type, q_id id)
{
	static const uint32_t first[] = {0};
	struct q_journal_params p = {
	    .directory = w->dir.path, .file_size = 64 << 10};
	struct q_journal *j = q_journal_open(&p, w->loop, NULL);
	struct q_entry x = {.type = type, .id = id, .attempts = 3};
	struct buf entries = {0};

	x.v = first;
	x.n = type == Q_ENTRY_STATE ? 1 : 0;
	q_entry_pack(&x, &entries);
	q_journal_append(j, &entries, NULL, NULL);
	q_journal_close(&j);
}

static struct world *
begin(void)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct q_spool_params p = {
	    .segment_size = 64 << 10, .content_file_threshold = 4096};
	struct q_spool *s;

	log_set_level(LOG_LEVEL_ERROR + 1);
	dir_make(&w->dir);
	p.directory = w->dir.path;
	w->loop = loop_new();
	s = q_spool_open(&p, w->loop, NULL);
	for (unsigned i = 0; i < N; i++)
		put(w, s, i < N - 1 ? 100 : 5000);
	q_spool_close(&s);
	write_journal(w, Q_ENTRY_STATE, w->id[0]);
	return w;
}

static void
finish(struct world *w)
{
	loop_free(&w->loop);
	dir_remove(&w->dir);
	free(w);
	log_set_level(LOG_LEVEL_INFO);
}

static void
on_fault(void *arg, const char *file, uint64_t offset, const char *why)
{
	struct world *w = arg;

	w->faults++;
	w->offset = offset;
	snprintf(w->file, sizeof(w->file), "%s", file);
	snprintf(w->why, sizeof(w->why), "%s", why);
}

static struct q_verify_result
verify(struct world *w)
{
	struct q_verify_result r;

	w->faults = 0;
	CU_ASSERT_EQUAL(q_verify(w->dir.path, on_fault, w, &r, NULL), 0);
	CU_ASSERT_EQUAL(r.faults, w->faults);
	return r;
}

/* The one file of a directory of the spool. */
static void
only_file(
    struct world *w, const char *directory, const char *suffix, char path[200])
{
	char d[128], text[Q_NUMBER_TEXT];
	uint64_t *v;
	size_t n;

	snprintf(d, sizeof(d), "%s/%s", w->dir.path, directory);
	q_files_list(d, suffix, &v, &n, NULL);
	CU_ASSERT_EQUAL_FATAL(n, 1);
	q_number_text(v[0], text);
	snprintf(path, 200, "%s/%s%s", d, text, suffix);
	free(v);
}

static void
flip(const char *path, uint64_t offset)
{
	FILE *f = fopen(path, "r+");
	int c;

	fseek(f, (long)offset, SEEK_SET);
	c = fgetc(f);
	fseek(f, (long)offset, SEEK_SET);
	fputc(c ^ 0x10, f);
	fclose(f);
}

static void
a_sound_spool_has_no_fault_and_all_is_counted(void)
{
	struct world *w = begin();
	struct q_verify_result r = verify(w);

	CU_ASSERT_EQUAL(r.faults, 0);
	CU_ASSERT_EQUAL(r.messages, N);
	CU_ASSERT_EQUAL(r.segments, 1);
	CU_ASSERT_EQUAL(r.journals, 1);
	CU_ASSERT_EQUAL(r.contents, 1);
	write_journal(w, Q_ENTRY_FINISHED, w->id[0]);
	r = verify(w);
	CU_ASSERT_EQUAL(r.messages, N - 1);
	CU_ASSERT_EQUAL(r.finished, 1);
	CU_ASSERT_EQUAL(r.faults, 0);
	finish(w);
}

static void
each_kind_of_damage_is_named_with_its_place(void)
{
	struct world *w = begin();
	char path[200];

	only_file(w, "segments", ".seg", path);
	flip(path, q_id_offset(w->id[2]) + Q_HEADER + 5);
	verify(w);
	CU_ASSERT_EQUAL(w->faults, 1);
	CU_ASSERT_EQUAL(w->offset, q_id_offset(w->id[2]));
	CU_ASSERT_STRING_EQUAL(w->why, "envelope checksum");
	flip(path, q_id_offset(w->id[2]) + Q_HEADER + 5);
	only_file(w, "contents", "", path);
	flip(path, 4711);
	verify(w);
	CU_ASSERT_EQUAL(w->faults, 1);
	CU_ASSERT_EQUAL(w->offset, q_id_offset(w->id[N - 1]));
	CU_ASSERT_STRING_EQUAL(w->why, "checksum of its content file");
	CU_ASSERT_EQUAL(unlink(path), 0);
	verify(w);
	CU_ASSERT_EQUAL(w->faults, 1);
	CU_ASSERT_STRING_EQUAL(w->why, "its content file is missing");
	/* gone because it is finished */
	write_journal(w, Q_ENTRY_FINISHED, w->id[N - 1]);
	verify(w);
	CU_ASSERT_EQUAL(w->faults, 0);
	only_file(w, "segments", ".seg", path);
	CU_ASSERT_EQUAL(unlink(path), 0);
	verify(w);
	CU_ASSERT_EQUAL(w->faults, 1);
	CU_ASSERT_EQUAL(strncmp(w->why, "journals know", 13), 0);
	finish(w);
}

static void
a_damaged_journal_is_named(void)
{
	struct world *w = begin();
	char path[200];

	only_file(w, "journal", ".jnl", path);
	flip(path, 2 * Q_HEADER + Q_HEADER + 3);
	verify(w);
	CU_ASSERT_EQUAL(w->faults, 1);
	CU_ASSERT_EQUAL(strncmp(w->file, "journal/", 8), 0);
	finish(w);
}

static void
a_record_is_found_by_its_id(void)
{
	struct world *w = begin();
	struct q_header h;
	q_id place;

	CU_ASSERT_EQUAL(
	    q_find_record(w->dir.path, w->id[1], &place, &h, NULL), 0);
	CU_ASSERT_EQUAL(place, w->id[1]);
	CU_ASSERT_EQUAL(h.content_n, 100);
	CU_ASSERT_EQUAL(
	    q_find_record(w->dir.path, w->id[1] + 1, &place, &h, NULL),
	    ERR_NOT_FOUND);
	finish(w);
}

void
suite_qmgr_verify(void)
{
	static CU_TestInfo tests[] = {
	    TEST(a_sound_spool_has_no_fault_and_all_is_counted),
	    TEST(each_kind_of_damage_is_named_with_its_place),
	    TEST(a_damaged_journal_is_named),
	    TEST(a_record_is_found_by_its_id),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("qmgr_verify", tests);
}
