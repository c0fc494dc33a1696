#include "qmgr/kept.h"

#include <string.h>
#include <sys/stat.h>

#include "tests/unit/qmgr_config.h"
#include "tests/unit/qmgr_dir.h"
#include "tests/unit/unit.h"

struct world {
	struct dir dir;
	struct arena *a;
	const char *path;
	struct conf_node *root;
};

static void
begin(struct world *w)
{
	dir_make(&w->dir);
	w->a = arena_new();
	w->path = q_kept_path(w->a, w->dir.path);
	w->root = conf_make(w->a,
	    "mta name=alpha country=XX\n"
	    "peer name=out password=secret\n");
}

static void
end(struct world *w)
{
	arena_free(&w->a);
	dir_remove(&w->dir);
}

static bool
same(const struct conf_node *x, const struct conf_node *y)
{
	struct buf a = {0}, b = {0};
	bool is;

	conf_pack(x, &a);
	conf_pack(y, &b);
	is = a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
	buf_free(&a);
	buf_free(&b);
	return is;
}

static void
what_was_in_force_comes_back_whole(void)
{
	struct world w;
	struct conf_node *back;
	struct stat st;

	begin(&w);
	CU_ASSERT_EQUAL(q_kept_write(w.path, w.root, NULL), 0);
	back = q_kept_read(w.a, w.path, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(back);
	CU_ASSERT_TRUE(same(w.root, back));
	CU_ASSERT_EQUAL(stat(w.path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0600); /* it has passwords in it */
	w.root->name = "other";
	CU_ASSERT_EQUAL(q_kept_write(w.path, w.root, NULL), 0);
	back = q_kept_read(w.a, w.path, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(back);
	CU_ASSERT_STRING_EQUAL(back->name, "other");
	end(&w);
}

static void
what_says_the_same_is_not_written_again(void)
{
	struct world w;
	struct stat before, after;

	begin(&w);
	CU_ASSERT_EQUAL(q_kept_write(w.path, w.root, NULL), 0);
	CU_ASSERT_EQUAL(stat(w.path, &before), 0);
	CU_ASSERT_EQUAL(q_kept_write(w.path, w.root, NULL), 0);
	CU_ASSERT_EQUAL(stat(w.path, &after), 0);
	CU_ASSERT_EQUAL(before.st_ino, after.st_ino);
	end(&w);
}

static void
a_write_that_fails_leaves_the_old_one(void)
{
	struct world w;
	struct err e = ERR_INIT;
	char blocked[256];

	begin(&w);
	CU_ASSERT_EQUAL(q_kept_write(w.path, w.root, NULL), 0);
	snprintf(blocked, sizeof(blocked), "%s.new", w.path);
	CU_ASSERT_EQUAL(mkdir(blocked, 0700), 0);
	w.root->name = "other";
	CU_ASSERT_EQUAL(q_kept_write(w.path, w.root, &e), ERR_SYSTEM);
	w.root = q_kept_read(w.a, w.path, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w.root);
	CU_ASSERT_STRING_NOT_EQUAL(w.root->name, "other");
	end(&w);
}

static void
a_damaged_one_is_refused_at_every_octet(void)
{
	struct world w;
	struct stat st;
	FILE *f;

	begin(&w);
	CU_ASSERT_EQUAL(q_kept_write(w.path, w.root, NULL), 0);
	CU_ASSERT_EQUAL(stat(w.path, &st), 0);
	f = fopen(w.path, "r+");
	for (long i = 0; i < st.st_size; i++) {
		struct err e = ERR_INIT;
		int c;

		fseek(f, i, SEEK_SET);
		c = fgetc(f);
		fseek(f, i, SEEK_SET);
		fputc(c ^ 1, f);
		fflush(f);
		CU_ASSERT_PTR_NULL(q_kept_read(w.a, w.path, &e));
		CU_ASSERT_EQUAL(e.code, ERR_SYNTAX);
		fseek(f, i, SEEK_SET);
		fputc(c, f);
		fflush(f);
	}
	fclose(f);
	CU_ASSERT_PTR_NOT_NULL(q_kept_read(w.a, w.path, NULL));
	for (off_t n = st.st_size - 1; n >= 0; n--) {
		CU_ASSERT_EQUAL(truncate(w.path, n), 0);
		CU_ASSERT_PTR_NULL(q_kept_read(w.a, w.path, NULL));
	}
	end(&w);
}

static void
it_goes_over_to_another_image_of_the_process(void)
{
	struct world w;
	struct conf_node *back;
	int fd;

	begin(&w);
	fd = q_kept_bequeath(w.root, NULL);
	CU_ASSERT_FATAL(fd >= 0);
	back = q_kept_inherit(w.a, fd, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(back);
	CU_ASSERT_TRUE(same(w.root, back));
	CU_ASSERT_PTR_NULL(q_kept_inherit(w.a, fd, NULL)); /* closed */
	end(&w);
}

void suite_qmgr_kept(void);

void
suite_qmgr_kept(void)
{
	static CU_TestInfo tests[] = {
	    TEST(what_was_in_force_comes_back_whole),
	    TEST(what_says_the_same_is_not_written_again),
	    TEST(a_write_that_fails_leaves_the_old_one),
	    TEST(a_damaged_one_is_refused_at_every_octet),
	    TEST(it_goes_over_to_another_image_of_the_process),
	    CU_TEST_INFO_NULL,
	};

	unit_suite("qmgr_kept", tests);
}
