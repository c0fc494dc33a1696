#include "qmgr/proto.h"

#include <event2/event.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "qmgr/pipe.h"
#include "tests/unit/unit.h"

static const uint32_t numbers[] = {3, 1, 4};
static const struct q_outcome outcomes[] = {
    {.recipient = 3,
	.result = Q_FAILED,
	.reason = 1,
	.diagnostic = -1,
	.status = "5.1.1",
	.text = "no",
	.remote_mta = "dns; b",
	.at = 99},
    {.recipient = 1, .result = Q_TRANSFERRED},
};

static void
work_and_outcomes_come_back_as_they_were(void)
{
	struct arena *a = arena_new();
	struct buf b = {0};
	struct q_work w = {.mlist = 5,
	    .message = 6,
	    .record = 7,
	    .peer = "bravo",
	    .next_peer = "",
	    .rerouted_from = "charlie",
	    .level = Q_LEVEL_FLASH,
	    .connections = 3,
	    .attempt = 2,
	    .arrival = -1,
	    .recipients = numbers,
	    .n_recipients = 3,
	    .outcomes = outcomes,
	    .n_outcomes = 2};
	struct q_outcomes o = {5, outcomes, 2, 77, true}, o2 = {0};
	struct q_work w2 = {0};
	struct q_in in;

	q_work_pack(&w, &b);
	q_outcomes_pack(&o, &b);
	in = (struct q_in){b.data, b.len, false};
	q_work_unpack(&in, a, &w2);
	q_outcomes_unpack(&in, a, &o2);
	CU_ASSERT_FALSE(in.bad);
	CU_ASSERT_EQUAL(in.n, 0);
	CU_ASSERT_EQUAL(w2.mlist, 5);
	CU_ASSERT_STRING_EQUAL(w2.peer, "bravo");
	CU_ASSERT_STRING_EQUAL(w2.next_peer, "");
	CU_ASSERT_STRING_EQUAL(w2.rerouted_from, "charlie");
	CU_ASSERT_EQUAL(w2.priority, MHS_URGENT);
	CU_ASSERT_EQUAL(w2.level, Q_LEVEL_FLASH);
	CU_ASSERT_EQUAL(w2.connections, 3);
	CU_ASSERT_EQUAL(w2.arrival, -1);
	CU_ASSERT_EQUAL(w2.n_recipients, 3);
	CU_ASSERT_EQUAL(w2.recipients[2], 4);
	CU_ASSERT_EQUAL(w2.n_outcomes, 2);
	CU_ASSERT_STRING_EQUAL(w2.outcomes[0].remote_mta, "dns; b");
	CU_ASSERT_EQUAL(w2.outcomes[0].diagnostic, -1);
	CU_ASSERT_PTR_NULL(w2.outcomes[1].text);
	CU_ASSERT_EQUAL(o2.record, 77);
	CU_ASSERT_TRUE(o2.peer_error);
	CU_ASSERT_EQUAL(o2.n, 2);
	buf_free(&b);
	arena_free(&a);
}

static void
a_summary_comes_back_with_each_recipients_peer(void)
{
	struct arena *a = arena_new();
	struct q_summary_rcpt r[] = {{"x", Q_RCPT_RESPONSIBLE, 1},
	    {"x", 0, 0xffffffff}, {NULL, Q_RCPT_WANTS_NDR}, {NULL, 0}, {"y", 7},
	    {"x", 1}};
	struct q_summary s = {.id = 9,
	    .parent = 8,
	    .content_file = 7,
	    .kind = MHS_PROBE,
	    .content_type = MHS_CONTENT_NONE,
	    .level = Q_LEVEL_IMMEDIATE,
	    .arrival = 6,
	    .deferred = 5,
	    .size = 4,
	    .originator = 77,
	    .rcpts = r,
	    .n_rcpts = 6};
	struct buf b = {0};
	struct q_summary *t;
	struct q_in in;

	q_summary_pack(&s, &b);
	in = (struct q_in){b.data, b.len, false};
	t = q_summary_unpack(a, &in);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	CU_ASSERT_EQUAL(t->content_type, MHS_CONTENT_NONE);
	CU_ASSERT_EQUAL(t->level, Q_LEVEL_IMMEDIATE);
	CU_ASSERT_EQUAL(t->originator, 77);
	CU_ASSERT_EQUAL(t->n_rcpts, 6);
	for (size_t i = 0; i < 6; i++) {
		CU_ASSERT_EQUAL(t->rcpts[i].flags, r[i].flags);
		CU_ASSERT_EQUAL(t->rcpts[i].name, r[i].name);
		CU_ASSERT_STRING_EQUAL(
		    t->rcpts[i].peer ? t->rcpts[i].peer : "-",
		    r[i].peer ? r[i].peer : "-");
	}
	for (size_t cut = 0; cut < b.len; cut++) {
		in = (struct q_in){b.data, cut, false};
		CU_ASSERT_PTR_NULL(q_summary_unpack(a, &in));
	}
	buf_free(&b);
	arena_free(&a);
}

static void
a_frame_is_whole_or_not_there(void)
{
	struct buf b = {0};
	struct q_in body;
	size_t begun, total;

	begun = q_frame_begin(&b, Q_FRAME_READY);
	buf_put_u32(&b, 42);
	q_frame_end(&b, begun);
	for (size_t n = 0; n < b.len; n++)
		CU_ASSERT_EQUAL(
		    q_frame_next(b.data, n, &body, &total, NULL), 0);
	CU_ASSERT_EQUAL(
	    q_frame_next(b.data, b.len, &body, &total, NULL), Q_FRAME_READY);
	CU_ASSERT_EQUAL(total, b.len);
	CU_ASSERT_EQUAL(q_in_u32(&body), 42);
	b.data[4] = Q_FRAMES;
	CU_ASSERT_EQUAL(
	    q_frame_next(b.data, b.len, &body, &total, NULL), ERR_SYNTAX);
	b.data[0] = 0xff;
	CU_ASSERT_EQUAL(
	    q_frame_next(b.data, b.len, &body, &total, NULL), ERR_LIMIT);
	buf_free(&b);
}

/* --- a pipe in memory of the kernel --- */

#define FRAMES 2000
#define FD_EACH 20 /* more than 64 wait at once */

struct end {
	struct loop *loop;
	struct q_pipe *pipe;
	unsigned frames, fds;
	bool gone;
};

static void
on_frame(void *arg, enum q_frame type, struct q_in *in, struct arena *a)
{
	struct end *e = arg;

	if (type == Q_FRAME_SERVICE) {
		const char *name = q_in_text(in, a);
		int fd = q_pipe_take_fd(e->pipe);
		char c = 0;

		/* the descriptor that came is the one that was meant */
		CU_ASSERT_EQUAL(read(fd, &c, 1), 1);
		CU_ASSERT_EQUAL(c, name[0]);
		close(fd);
		e->fds++;
	} else {
		CU_ASSERT_EQUAL(q_in_u32(in), e->frames);
		CU_ASSERT_EQUAL(in->n, e->frames * 7 % 5000);
		e->frames++;
	}
}

static void
on_gone(void *arg, const struct err *err)
{
	struct end *e = arg;

	(void)err;
	e->gone = true;
	loop_stop(e->loop);
}

static const struct q_pipe_ops ops = {on_frame, on_gone};

static void
send_service(struct q_pipe *p, const char *name)
{
	int fds[2];

	if (pipe(fds) != 0 || write(fds[1], name, 1) != 1)
		abort();
	q_out_text(q_pipe_begin(p, Q_FRAME_SERVICE), name);
	q_pipe_attach(p, fds[0]);
	q_pipe_end(p);
	close(fds[0]);
	close(fds[1]);
}

static void
frames_and_descriptors_arrive_in_order_and_together(void)
{
	static uint8_t filler[5000];
	struct loop *l = loop_new();
	struct end from = {.loop = l}, to = {.loop = l};
	int fds[2];

	CU_ASSERT_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	from.pipe = q_pipe_new(l, fds[0], &ops, &from);
	to.pipe = q_pipe_new(l, fds[1], &ops, &to);
	for (unsigned i = 0; i < FRAMES; i++) {
		struct buf *b = q_pipe_begin(from.pipe, Q_FRAME_READY);

		buf_put_u32(b, i);
		buf_append(b, filler, i * 7 % 5000);
		q_pipe_end(from.pipe);
		if (i % FD_EACH == 0)
			send_service(
			    from.pipe, i % (2 * FD_EACH) == 0 ? "a" : "b");
	}
	while (to.frames < FRAMES)
		event_base_loop(loop_base(l), EVLOOP_ONCE);
	CU_ASSERT_EQUAL(to.fds, FRAMES / FD_EACH);
	q_pipe_free(&from.pipe);
	loop_run(l);
	CU_ASSERT_TRUE(to.gone);
	q_pipe_free(&to.pipe);
	loop_free(&l);
}

static void
a_flush_says_whether_all_went(void)
{
	static uint8_t filler[100000];
	struct loop *l = loop_new();
	struct end from = {.loop = l};
	int fds[2];

	CU_ASSERT_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	from.pipe = q_pipe_new(l, fds[0], &ops, &from);
	q_pipe_begin(from.pipe, Q_FRAME_STOP);
	q_pipe_end(from.pipe);
	CU_ASSERT_TRUE(q_pipe_flush(from.pipe, 10));
	/* nobody reads */
	for (unsigned i = 0; i < 100; i++) {
		buf_append(q_pipe_begin(from.pipe, Q_FRAME_READY), filler,
		    sizeof(filler));
		q_pipe_end(from.pipe);
	}
	CU_ASSERT_FALSE(q_pipe_flush(from.pipe, 10));
	/* nobody is there */
	close(fds[1]);
	CU_ASSERT_FALSE(q_pipe_flush(from.pipe, 10));
	q_pipe_free(&from.pipe);
	loop_free(&l);
}

static void
nonsense_ends_the_pipe(void)
{
	struct loop *l = loop_new();
	struct end to = {.loop = l};
	int fds[2];

	CU_ASSERT_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	to.pipe = q_pipe_new(l, fds[1], &ops, &to);
	CU_ASSERT_EQUAL(write(fds[0], "\0\0\0\1\xff", 5), 5);
	loop_run(l);
	CU_ASSERT_TRUE(to.gone);
	q_pipe_free(&to.pipe);
	close(fds[0]);
	loop_free(&l);
}

void
suite_qmgr_proto(void)
{
	static CU_TestInfo tests[] = {
	    TEST(work_and_outcomes_come_back_as_they_were),
	    TEST(a_summary_comes_back_with_each_recipients_peer),
	    TEST(a_frame_is_whole_or_not_there),
	    TEST(frames_and_descriptors_arrive_in_order_and_together),
	    TEST(a_flush_says_whether_all_went),
	    TEST(nonsense_ends_the_pipe),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("qmgr_proto", tests);
}
