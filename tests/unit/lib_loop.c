#include "lib/loop.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "tests/unit/unit.h"

struct record {
	struct loop *loop;
	int order[16];
	int n;
	struct loop_timer *timer;
	struct loop_watch *watch;
};

static void
note(struct record *r, int what)
{
	r->order[r->n++ % 16] = what;
}

static void
first(void *arg)
{
	note(arg, 1);
}

static void
second(void *arg)
{
	note(arg, 2);
}

static void
last(void *arg)
{
	struct record *r = arg;

	note(r, 9);
	loop_stop(r->loop);
}

static void
timers_fire_in_the_order_of_their_time_and_never_early(void)
{
	struct record r = {.loop = loop_new()};
	msec_t start = clock_mono();
	struct loop_timer *never;

	loop_timer_set(r.loop, 40, last, &r);
	loop_timer_set(r.loop, 20, second, &r);
	loop_timer_set(r.loop, 0, first, &r);
	never = loop_timer_set(r.loop, 10, last, &r);
	loop_timer_cancel(&never);
	CU_ASSERT_PTR_NULL(never);
	loop_timer_cancel(&never);
	loop_run(r.loop);
	CU_ASSERT(clock_mono() - start >= 40);
	CU_ASSERT_EQUAL(r.n, 3);
	CU_ASSERT(r.order[0] == 1 && r.order[1] == 2 && r.order[2] == 9);
	loop_free(&r.loop);
}

static void *
post_from_thread(void *arg)
{
	struct record *r = arg;

	loop_post(r->loop, first, r);
	loop_post(r->loop, second, r);
	loop_post(r->loop, last, r);
	return NULL;
}

static void
posts_of_another_thread_run_in_order(void)
{
	struct record r = {.loop = loop_new()};
	pthread_t t;

	pthread_create(&t, NULL, post_from_thread, &r);
	loop_run(r.loop);
	pthread_join(t, NULL);
	CU_ASSERT_EQUAL(r.n, 3);
	CU_ASSERT(r.order[0] == 1 && r.order[1] == 2 && r.order[2] == 9);
	loop_free(&r.loop);
}

static void
a_stop_before_the_run_is_not_lost(void)
{
	struct record r = {.loop = loop_new()};

	loop_stop(r.loop);
	loop_run(r.loop);
	loop_post(r.loop, last, &r);
	loop_run(r.loop);
	CU_ASSERT_EQUAL(r.n, 1);
	loop_free(&r.loop);
}

static void
readable(int fd, void *arg)
{
	struct record *r = arg;
	char c;

	CU_ASSERT_EQUAL(read(fd, &c, 1), 1);
	note(r, c);
	if (c == 'z') {
		loop_watch_cancel(&r->watch);
		loop_stop(r->loop);
	}
}

static void
a_watch_is_called_until_it_is_cancelled(void)
{
	struct record r = {.loop = loop_new()};
	int fd[2];

	CU_ASSERT_FATAL(pipe(fd) == 0);
	CU_ASSERT_EQUAL(write(fd[1], "abz!", 4), 4);
	r.watch = loop_watch_read(r.loop, fd[0], readable, &r);
	loop_run(r.loop);
	CU_ASSERT_EQUAL(r.n, 3);
	CU_ASSERT_EQUAL(r.order[2], 'z');
	CU_ASSERT_PTR_NULL(r.watch);
	close(fd[0]);
	close(fd[1]);
	loop_free(&r.loop);
}

static void
signalled(int signo, void *arg)
{
	struct record *r = arg;

	note(r, signo);
	loop_stop(r->loop);
}

static void
signals_arrive_in_the_loop_and_sigpipe_is_ignored(void)
{
	struct record r = {.loop = loop_new()};

	loop_signal(r.loop, SIGUSR1, signalled, &r);
	raise(SIGUSR1);
	raise(SIGPIPE);
	CU_ASSERT_EQUAL(r.n, 0);
	loop_run(r.loop);
	CU_ASSERT_EQUAL(r.n, 1);
	CU_ASSERT_EQUAL(r.order[0], SIGUSR1);
	loop_free(&r.loop);
}

void
suite_lib_loop(void)
{
	static CU_TestInfo tests[] = {
	    TEST(timers_fire_in_the_order_of_their_time_and_never_early),
	    TEST(posts_of_another_thread_run_in_order),
	    TEST(a_stop_before_the_run_is_not_lost),
	    TEST(a_watch_is_called_until_it_is_cancelled),
	    TEST(signals_arrive_in_the_loop_and_sigpipe_is_ignored),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("lib_loop", tests);
}
