#include "qmgr/stopped.h"

#include <string.h>

#include "lib/arena.h"
#include "tests/unit/qmgr_dir.h"
#include "tests/unit/unit.h"

struct world {
	struct dir dir;
	struct loop *loop;
	struct q_stopped *s;
	unsigned done, wanted;
	int rc;
	struct buf seen; /* "kind name;" */
};

static void
on_done(void *arg, int rc, const struct err *e)
{
	struct world *w = arg;

	(void)e;
	w->rc = rc;
	if (++w->done == w->wanted)
		loop_stop(w->loop);
}

static void
see(void *arg, const char *kind, const char *name)
{
	buf_printf(arg, "%s %s;", kind, name);
}

static const char *
seen(struct world *w)
{
	buf_clear(&w->seen);
	q_stopped_each(w->s, see, &w->seen);
	return buf_cstr(&w->seen);
}

static void
begin(struct world *w)
{
	*w = (struct world){.wanted = 1};
	dir_make(&w->dir);
	w->loop = loop_new();
	w->s = q_stopped_open(w->loop, w->dir.path, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w->s);
}

static void
end(struct world *w)
{
	q_stopped_close(&w->s);
	loop_free(&w->loop);
	buf_free(&w->seen);
	dir_remove(&w->dir);
}

static void
anew(struct world *w)
{
	q_stopped_close(&w->s);
	w->s = q_stopped_open(w->loop, w->dir.path, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w->s);
}

static void
what_is_stopped_is_known_at_the_next_start(void)
{
	struct world w;

	begin(&w);
	CU_ASSERT_STRING_EQUAL(seen(&w), "");
	w.wanted = 3;
	CU_ASSERT_TRUE(q_stopped_set(w.s, "peer", "out", true, on_done, &w));
	CU_ASSERT_TRUE(
	    q_stopped_set(w.s, "channel", "smtp", true, on_done, &w));
	CU_ASSERT_TRUE(q_stopped_set(w.s, "channel", "out", true, on_done, &w));
	CU_ASSERT_EQUAL(w.done, 0);
	loop_run(w.loop);
	CU_ASSERT_EQUAL(w.done, 3);
	CU_ASSERT_EQUAL(w.rc, 0);
	CU_ASSERT_FALSE(q_stopped_set(w.s, "peer", "out", true, on_done, &w));
	anew(&w);
	CU_ASSERT_STRING_EQUAL(seen(&w), "peer out;channel smtp;channel out;");
	w.wanted = 4;
	CU_ASSERT_TRUE(
	    q_stopped_set(w.s, "channel", "smtp", false, on_done, &w));
	CU_ASSERT_FALSE(
	    q_stopped_set(w.s, "channel", "smtp", false, on_done, &w));
	loop_run(w.loop);
	anew(&w);
	CU_ASSERT_STRING_EQUAL(seen(&w), "peer out;channel out;");
	end(&w);
}

static void
a_close_waits_until_all_is_written(void)
{
	struct world w;

	begin(&w);
	q_stopped_set(w.s, "peer", "a", true, on_done, &w);
	q_stopped_set(w.s, "peer", "b", true, on_done, &w);
	anew(&w);
	CU_ASSERT_EQUAL(w.done, 2);
	CU_ASSERT_STRING_EQUAL(seen(&w), "peer a;peer b;");
	end(&w);
}

static void
a_file_that_cannot_be_written_is_told(void)
{
	struct world w;
	char path[128];

	begin(&w);
	snprintf(path, sizeof(path), "%s/stopped.new", w.dir.path);
	CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
	q_stopped_set(w.s, "peer", "a", true, on_done, &w);
	loop_run(w.loop);
	CU_ASSERT_EQUAL(w.rc, ERR_SYSTEM);
	anew(&w);
	CU_ASSERT_STRING_EQUAL(seen(&w), "");
	end(&w);
}

struct look {
	struct world *w;
	char path[128];
	unsigned left;
	struct loop_timer *timer;
};

static void
look(void *arg)
{
	struct look *x = arg;

	x->timer = NULL;
	if (access(x->path, F_OK) == 0 || --x->left == 0)
		loop_stop(x->w->loop);
	else
		x->timer = loop_timer_set(x->w->loop, 50, look, x);
}

static void
it_is_written_as_soon_as_it_can_be(void)
{
	struct world w;
	char blocked[128];
	struct look x = {.w = &w, .left = 100};

	begin(&w);
	snprintf(blocked, sizeof(blocked), "%s/stopped.new", w.dir.path);
	snprintf(x.path, sizeof(x.path), "%s/stopped", w.dir.path);
	CU_ASSERT_EQUAL(mkdir(blocked, 0700), 0);
	q_stopped_set(w.s, "peer", "a", true, on_done, &w);
	loop_run(w.loop);
	CU_ASSERT_EQUAL(w.rc, ERR_SYSTEM);
	CU_ASSERT_EQUAL(rmdir(blocked), 0);
	look(&x);
	loop_run(w.loop);
	CU_ASSERT_EQUAL(access(x.path, F_OK), 0);
	CU_ASSERT_EQUAL(w.done, 1);
	anew(&w);
	CU_ASSERT_STRING_EQUAL(seen(&w), "peer a;");
	end(&w);
}

static void
a_close_tries_once_more(void)
{
	struct world w;
	char blocked[128];

	begin(&w);
	snprintf(blocked, sizeof(blocked), "%s/stopped.new", w.dir.path);
	CU_ASSERT_EQUAL(mkdir(blocked, 0700), 0);
	q_stopped_set(w.s, "peer", "a", true, on_done, &w);
	loop_run(w.loop);
	CU_ASSERT_EQUAL(rmdir(blocked), 0);
	anew(&w);
	CU_ASSERT_STRING_EQUAL(seen(&w), "peer a;");
	end(&w);
}

static void
lines_that_are_none_are_passed_over(void)
{
	static const char text[] =
	    "# by hand\n\npeer a\npeer\npeer \nnonsense b\n"
	    "peer a\nchannel with space\npeer last";
	struct world w;
	char path[128];
	FILE *f;

	begin(&w);
	snprintf(path, sizeof(path), "%s/stopped", w.dir.path);
	f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
	anew(&w);
	CU_ASSERT_STRING_EQUAL(
	    seen(&w), "peer a;channel with space;peer last;");
	end(&w);
}

void suite_qmgr_stopped(void);

void
suite_qmgr_stopped(void)
{
	static CU_TestInfo tests[] = {
	    TEST(what_is_stopped_is_known_at_the_next_start),
	    TEST(a_close_waits_until_all_is_written),
	    TEST(a_file_that_cannot_be_written_is_told),
	    TEST(it_is_written_as_soon_as_it_can_be),
	    TEST(a_close_tries_once_more),
	    TEST(lines_that_are_none_are_passed_over),
	    CU_TEST_INFO_NULL,
	};

	unit_suite("qmgr_stopped", tests);
}
