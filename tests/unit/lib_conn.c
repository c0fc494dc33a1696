#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "tests/unit/unit.h"

#define BIG (8 * 1024 * 1024)

/* An engine that says back what it hears; '.' makes it finish, and the fields
 * below make it difficult. */
struct echo {
	struct buf out;
	size_t heard, most; /* octets in all, and in one call */
	size_t stream;      /* octets still to be made by drained() */
	unsigned closes, timeouts, gones;
	int reason; /* code of the error that closed it, or 0 */
	msec_t deadline;
	msec_t later; /* what input moves the deadline to, or 0 */
	bool deaf;    /* wants no input */
	bool sink;    /* says nothing back */
	bool kills, finished, finish_on_close;
	struct loop *loop;
	struct conn *conn;
};

static void
echo_input(void *engine, const uint8_t *p, size_t n, msec_t now)
{
	struct echo *e = engine;

	CU_ASSERT_FATAL(!e->deaf);
	CU_ASSERT(now > 0);
	e->heard += n;
	e->most = n > e->most ? n : e->most;
	if (!e->sink)
		buf_append(&e->out, p, n);
	if (memchr(p, '.', n) != NULL)
		e->finished = true;
	if (e->later != 0)
		e->deadline = e->later;
	if (e->kills)
		conn_kill(e->conn);
}

static void
echo_closed(void *engine, const struct err *reason, msec_t now)
{
	struct echo *e = engine;

	(void)now;
	e->closes++;
	e->reason = reason != NULL ? reason->code : 0;
	e->finished |= e->finish_on_close;
}

static struct buf *
echo_output(void *engine)
{
	return &((struct echo *)engine)->out;
}

static void
echo_drained(void *engine, msec_t now)
{
	struct echo *e = engine;
	size_t n = e->stream < 100000 ? e->stream : 100000;

	(void)now;
	if (n == 0)
		return;
	memset(buf_reserve(&e->out, n), 's', n);
	buf_grow(&e->out, n);
	e->stream -= n;
	e->finished |= e->stream == 0;
}

static msec_t
echo_deadline(void *engine)
{
	return ((struct echo *)engine)->deadline;
}

static void
echo_timeout(void *engine, msec_t now)
{
	struct echo *e = engine;

	CU_ASSERT(now >= e->deadline);
	e->timeouts++;
	e->deadline = MSEC_NEVER;
	buf_puts(&e->out, "late");
	e->finished = true;
}

static bool
echo_wants_input(void *engine)
{
	return !((struct echo *)engine)->deaf;
}

static bool
echo_finished(void *engine)
{
	return ((struct echo *)engine)->finished;
}

static const struct engine_ops echo_ops = {
    .input = echo_input,
    .closed = echo_closed,
    .output = echo_output,
    .drained = echo_drained,
    .deadline = echo_deadline,
    .timeout = echo_timeout,
    .wants_input = echo_wants_input,
    .finished = echo_finished,
};

static void
echo_gone(void *arg)
{
	struct echo *e = arg;

	e->gones++;
	conn_free(&e->conn);
	loop_stop(e->loop);
}

/* --- the other end: a thread with a blocking socket --- */

struct peer {
	int fd;
	pthread_t thread;
	void (*script)(struct peer *);
	struct buf got;
	atomic_bool done;
};

static void
peer_send(struct peer *p, const char *s)
{
	CU_ASSERT_EQUAL(
	    send(p->fd, s, strlen(s), MSG_NOSIGNAL), (ssize_t)strlen(s));
}

/* Reads until the other side closes; returns errno, 0 at a proper end. */
static int
peer_read_all(struct peer *p)
{
	ssize_t n;

	do {
		n = recv(p->fd, buf_reserve(&p->got, 65536), 65536, 0);
		if (n > 0)
			buf_grow(&p->got, (size_t)n);
	} while (n > 0);
	return n < 0 ? errno : 0;
}

static void *
peer_main(void *arg)
{
	struct peer *p = arg;

	p->script(p);
	close(p->fd);
	p->done = true;
	return NULL;
}

static void
set_blocking_with_limit(int fd)
{
	struct timeval tv = {.tv_sec = 10};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static void
socket_pair(int fd[2])
{
	CU_ASSERT_FATAL(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == 0);
	set_blocking_with_limit(fd[1]);
}

static int
listen_anywhere(struct sockaddr_in *sin)
{
	socklen_t n = sizeof(*sin);
	int l = net_listen("127.0.0.1:0", NULL);

	CU_ASSERT_FATAL(l >= 0);
	getsockname(l, (struct sockaddr *)sin, &n);
	return l;
}

static void
tcp_pair(int fd[2])
{
	struct sockaddr_in sin;
	int l = listen_anywhere(&sin);

	fd[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CU_ASSERT_FATAL(
	    connect(fd[1], (struct sockaddr *)&sin, sizeof(sin)) == 0);
	fd[0] = accept(l, NULL, NULL);
	CU_ASSERT_FATAL(fd[0] >= 0);
	close(l);
	set_blocking_with_limit(fd[1]);
}

static void
take_too_long(void *arg)
{
	*(struct loop_timer **)arg = NULL;
	log_die("the connection test hangs");
}

static void
make_nonblocking(int fd)
{
	CU_ASSERT_FATAL(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
}

/* Plays the script against the engine until the connection is gone. */
static void
play(struct echo *e, struct peer *p, int fd[2], void (*script)(struct peer *))
{
	struct loop_timer *watchdog;

	*p = (struct peer){.fd = fd[1], .script = script};
	e->loop = loop_new();
	if (e->deadline == 0)
		e->deadline = MSEC_NEVER;
	make_nonblocking(fd[0]);
	e->conn = conn_new(e->loop, fd[0], &echo_ops, e, echo_gone, e);
	watchdog = loop_timer_set(e->loop, 20000, take_too_long, &watchdog);
	pthread_create(&p->thread, NULL, peer_main, p);
	loop_run(e->loop);
	pthread_join(p->thread, NULL);
	loop_timer_cancel(&watchdog);
	CU_ASSERT_EQUAL(e->gones, 1);
	CU_ASSERT_PTR_NULL(e->conn);
}

static void
end(struct echo *e, struct peer *p)
{
	loop_free(&e->loop);
	buf_free(&e->out);
	buf_free(&p->got);
}

/* --- the promises --- */

static void
say_hello_in_pieces(struct peer *p)
{
	static const char *const pieces[] = {"h", "el", "lo", "."};

	for (int i = 0; i < 4; i++) {
		peer_send(p, pieces[i]);
		usleep(2000);
	}
	CU_ASSERT_EQUAL(peer_read_all(p), 0);
}

static void
fragments_come_in_order_and_the_answer_is_flushed_before_closing(void)
{
	void (*const makers[])(int[2]) = {socket_pair, tcp_pair};

	for (int i = 0; i < 2; i++) {
		struct echo e = {0};
		struct peer p;
		int fd[2];

		makers[i](fd);
		play(&e, &p, fd, say_hello_in_pieces);
		CU_ASSERT_STRING_EQUAL(buf_cstr(&p.got), "hello.");
		CU_ASSERT_EQUAL(e.closes, 0);
		end(&e, &p);
	}
}

static void
read_slowly(struct peer *p)
{
	peer_send(p, "x");
	for (int i = 0; i < 20; i++) {
		ssize_t n = recv(p->fd, buf_reserve(&p->got, 5000), 5000, 0);

		CU_ASSERT_FATAL(n > 0);
		buf_grow(&p->got, (size_t)n);
		usleep(1000);
	}
	CU_ASSERT_EQUAL(peer_read_all(p), 0);
}

static void
big_streamed_output_reaches_a_slow_reader_whole(void)
{
	struct echo e = {.stream = BIG};
	struct peer p;
	int fd[2];

	tcp_pair(fd);
	play(&e, &p, fd, read_slowly);
	CU_ASSERT_EQUAL(p.got.len, BIG + 1);
	CU_ASSERT_EQUAL(e.stream, 0);
	end(&e, &p);
}

static void
send_big(struct peer *p)
{
	char *s = xmalloc(BIG + 1);

	memset(s, 'x', BIG);
	memcpy(s + BIG - 1, ".", 2);
	for (size_t at = 0; at < BIG;) {
		ssize_t n = send(p->fd, s + at, BIG - at, MSG_NOSIGNAL);

		CU_ASSERT_FATAL(n > 0);
		at += (size_t)n;
	}
	free(s);
	CU_ASSERT_EQUAL(peer_read_all(p), 0);
}

static void
big_input_comes_in_pieces_of_at_most_64_kib(void)
{
	struct echo e = {.sink = true};
	struct peer p;
	int fd[2];

	socket_pair(fd);
	play(&e, &p, fd, send_big);
	CU_ASSERT_EQUAL(e.heard, BIG);
	CU_ASSERT(e.most <= 65536 && e.most > 0);
	end(&e, &p);
}

static void
stay_silent(struct peer *p)
{
	CU_ASSERT_EQUAL(peer_read_all(p), 0);
}

static void
the_deadline_calls_timeout_once_and_not_before(void)
{
	struct echo e = {0};
	struct peer p;
	msec_t start = clock_mono();
	int fd[2];

	e.deadline = start + 60;
	socket_pair(fd);
	play(&e, &p, fd, stay_silent);
	CU_ASSERT(clock_mono() - start >= 60);
	CU_ASSERT_EQUAL(e.timeouts, 1);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&p.got), "late");
	end(&e, &p);
}

static void
say_something(struct peer *p)
{
	peer_send(p, "x");
	CU_ASSERT_EQUAL(peer_read_all(p), 0);
}

static void
a_deadline_that_moves_away_is_kept(void)
{
	struct echo e = {.sink = true};
	struct peer p;
	msec_t start = clock_mono();
	int fd[2];

	e.deadline = start + 30;
	e.later = start + 90;
	socket_pair(fd);
	play(&e, &p, fd, say_something);
	CU_ASSERT(clock_mono() - start >= 90);
	CU_ASSERT_EQUAL(e.timeouts, 1);
	end(&e, &p);
}

static void
say_and_shut_down(struct peer *p)
{
	peer_send(p, "bye");
	shutdown(p->fd, SHUT_WR);
	CU_ASSERT_EQUAL(peer_read_all(p), 0);
}

static void
output_is_flushed_after_the_peer_closed_its_side(void)
{
	struct echo e = {.finish_on_close = true};
	struct peer p;
	int fd[2];

	tcp_pair(fd);
	play(&e, &p, fd, say_and_shut_down);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&p.got), "bye");
	CU_ASSERT_EQUAL(e.closes, 1);
	CU_ASSERT_EQUAL(e.reason, 0);
	end(&e, &p);
}

static void
reset(struct peer *p)
{
	struct linger l = {.l_onoff = 1, .l_linger = 0};

	peer_send(p, "x");
	usleep(20000);
	setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

static void
a_reset_is_told_with_its_reason_and_ends_it(void)
{
	struct echo e = {.sink = true};
	struct peer p;
	int fd[2];

	tcp_pair(fd);
	play(&e, &p, fd, reset);
	CU_ASSERT_EQUAL(e.heard, 1);
	CU_ASSERT_EQUAL(e.closes, 1);
	CU_ASSERT_EQUAL(e.reason, ERR_SYSTEM);
	end(&e, &p);
}

/* The engine refuses at the first octets, while a lot more is under way:
 * without lingering, TCP would answer with a reset. */
static void
send_on_after_the_refusal(struct peer *p)
{
	static char more[2000000];
	struct pollfd pfd = {.fd = p->fd, .events = POLLIN};

	memcpy(more, "no.", 3);
	CU_ASSERT_EQUAL(send(p->fd, more, sizeof(more), MSG_NOSIGNAL),
	    (ssize_t)sizeof(more));
	poll(&pfd, 1, 5000);
	CU_ASSERT_EQUAL(peer_read_all(p), 0);
}

static void
the_final_refusal_is_not_lost_to_a_reset(void)
{
	struct echo e = {0};
	struct peer p;
	int fd[2];

	tcp_pair(fd);
	play(&e, &p, fd, send_on_after_the_refusal);
	CU_ASSERT(e.heard < 2000000);
	CU_ASSERT_EQUAL(p.got.len, e.heard);
	CU_ASSERT(p.got.len > 3 && memcmp(p.got.data, "no.", 3) == 0);
	end(&e, &p);
}

static void
kill_from_inside_the_engine_closes_without_flushing(void)
{
	struct echo e = {.kills = true};
	struct peer p;
	int fd[2];

	socket_pair(fd);
	play(&e, &p, fd, say_something);
	CU_ASSERT_EQUAL(p.got.len, 0);
	CU_ASSERT_EQUAL(e.closes, 0);
	end(&e, &p);
}

static void
hear_again(void *arg)
{
	struct echo *e = arg;

	CU_ASSERT_EQUAL(e->heard, 0);
	e->deaf = false;
	conn_wake(e->conn);
}

static void
say_end(struct peer *p)
{
	peer_send(p, "end.");
	CU_ASSERT_EQUAL(peer_read_all(p), 0);
}

static void
reading_stops_until_the_engine_wants_input_and_is_woken(void)
{
	struct echo e = {.deaf = true};
	struct peer p = {.script = say_end};
	int fd[2];

	socket_pair(fd);
	p.fd = fd[1];
	make_nonblocking(fd[0]);
	e.deadline = MSEC_NEVER;
	e.loop = loop_new();
	e.conn = conn_new(e.loop, fd[0], &echo_ops, &e, echo_gone, &e);
	conn_unread(e.conn, (const uint8_t *)"early ", 6);
	loop_timer_set(e.loop, 50, hear_again, &e);
	pthread_create(&p.thread, NULL, peer_main, &p);
	loop_run(e.loop);
	pthread_join(p.thread, NULL);
	CU_ASSERT_EQUAL(e.heard, 10);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&p.got), "early end.");
	end(&e, &p);
}

static void
kill_from_outside(void *arg)
{
	struct echo *e = arg;

	conn_kill(e->conn);
	conn_kill(e->conn);
	CU_ASSERT_EQUAL(e->gones, 0);
}

static void
gone_comes_once_and_from_the_loop(void)
{
	struct echo e = {.deadline = MSEC_NEVER};
	int fd[2];

	socket_pair(fd);
	make_nonblocking(fd[0]);
	e.loop = loop_new();
	e.conn = conn_new(e.loop, fd[0], &echo_ops, &e, echo_gone, &e);
	loop_post(e.loop, kill_from_outside, &e);
	loop_run(e.loop);
	CU_ASSERT_EQUAL(e.gones, 1);
	CU_ASSERT_EQUAL(e.closes, 0);
	close(fd[1]);
	loop_free(&e.loop);
}

static void
a_refused_connect_is_told_to_the_engine(void)
{
	struct echo e = {.deadline = MSEC_NEVER};
	struct sockaddr_in sin;
	char address[64];
	int l = listen_anywhere(&sin), fd;

	net_name(
	    (struct sockaddr *)&sin, sizeof(sin), address, sizeof(address));
	close(l);
	fd = net_connect(address, NULL);
	if (fd < 0) /* refused at once: as good */
		return;
	e.loop = loop_new();
	e.conn = conn_new(e.loop, fd, &echo_ops, &e, echo_gone, &e);
	loop_run(e.loop);
	CU_ASSERT_EQUAL(e.closes, 1);
	CU_ASSERT_EQUAL(e.reason, ERR_SYSTEM);
	CU_ASSERT_EQUAL(e.gones, 1);
	loop_free(&e.loop);
}

static void
freeing_a_live_connection_closes_its_socket_without_gone(void)
{
	struct echo e = {.deadline = MSEC_NEVER};
	int fd[2];
	char c;

	socket_pair(fd);
	e.loop = loop_new();
	e.conn = conn_new(e.loop, fd[0], &echo_ops, &e, echo_gone, &e);
	CU_ASSERT_STRING_EQUAL(conn_peer(e.conn), "unix:");
	conn_free(&e.conn);
	CU_ASSERT_PTR_NULL(e.conn);
	CU_ASSERT_EQUAL(read(fd[1], &c, 1), 0);
	close(fd[1]);
	loop_free(&e.loop);
	CU_ASSERT_EQUAL(e.gones, 0);
}

void
suite_lib_conn(void)
{
	static CU_TestInfo tests[] = {
	    TEST(
		fragments_come_in_order_and_the_answer_is_flushed_before_closing),
	    TEST(big_streamed_output_reaches_a_slow_reader_whole),
	    TEST(big_input_comes_in_pieces_of_at_most_64_kib),
	    TEST(the_deadline_calls_timeout_once_and_not_before),
	    TEST(a_deadline_that_moves_away_is_kept),
	    TEST(output_is_flushed_after_the_peer_closed_its_side),
	    TEST(a_reset_is_told_with_its_reason_and_ends_it),
	    TEST(the_final_refusal_is_not_lost_to_a_reset),
	    TEST(kill_from_inside_the_engine_closes_without_flushing),
	    TEST(reading_stops_until_the_engine_wants_input_and_is_woken),
	    TEST(gone_comes_once_and_from_the_loop),
	    TEST(a_refused_connect_is_told_to_the_engine),
	    TEST(freeing_a_live_connection_closes_its_socket_without_gone),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("lib_conn", tests);
}
