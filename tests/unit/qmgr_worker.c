#include "qmgr/worker.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/log.h"
#include "qmgr/pipe.h"
#include "qmgr/proto.h"
#include "tests/unit/qmgr_config.h"
#include "tests/unit/qmgr_dir.h"
#include "tests/unit/unit.h"

/* The test is qmgr, at the other end of descriptor 3, in the same loop. */
struct world {
	struct dir dir;
	struct loop *loop;
	struct arena *a;
	struct q_pipe *qmgr;
	int saved_fd3;
	struct q_chan *chan;
	struct q_worker *worker;
	q_id id; /* a record to work on */
	struct q_outcomes answer;
	unsigned answers, submitted, submitted_before, ready;
};

#define CONF                                                  \
	"mta name=alpha country=XX admd=ALPHA hostname=a.e\n" \
	"channel name=smtp\n"                                 \
	"peer name=out channel=smtp\n"                        \
	"spool low-water=1 directory="

/* --- the channel: makes a message for each recipient but the last --- */

static void
on_durable(void *arg, int result, q_id id, const struct err *e)
{
	struct q_outcome *o = arg;

	(void)e;
	CU_ASSERT_NOT_EQUAL(id, 0);
	o->result = result == 0 ? Q_DELIVERED : Q_DEFERRED;
}

static void
on_work(void *state, struct q_job *j, const struct q_work *w)
{
	static const uint8_t content[200000];
	struct err e = ERR_INIT;

	CU_ASSERT_PTR_NULL(state);
	CU_ASSERT_EQUAL(j->message, w->message);
	for (size_t i = 0; i + 1 < j->n; i++)
		CU_ASSERT_EQUAL(
		    q_job_submit(j, j->record->env, content, sizeof(content),
			on_durable, &j->outcomes[i], &e),
		    0);
}

static const struct q_worker_ops ops = {.work = on_work};

/* --- qmgr --- */

static void
on_frame(void *arg, enum q_frame type, struct q_in *in, struct arena *a)
{
	struct world *w = arg;

	(void)a;
	if (type == Q_FRAME_READY)
		w->ready = q_in_u32(in);
	else if (type == Q_FRAME_SUBMITTED)
		w->submitted++;
	else if (type == Q_FRAME_RESULT) {
		q_outcomes_unpack(in, w->a, &w->answer);
		w->answers++;
		w->submitted_before = w->submitted;
	}
	if (type == Q_FRAME_READY || type == Q_FRAME_RESULT)
		loop_stop(w->loop);
}

static void
on_gone(void *arg, const struct err *e)
{
	(void)arg;
	(void)e;
}

static void
on_put(void *arg, int result, q_id id, const struct err *e)
{
	struct world *w = arg;

	(void)e;
	CU_ASSERT_EQUAL(result, 0);
	w->id = id;
	loop_stop(w->loop);
}

static void
put_message(struct world *w)
{
	struct mhs_envelope *env = mhs_envelope_new(w->a, MHS_MESSAGE);
	struct err e = ERR_INIT;
	struct q_put *p =
	    q_put_begin(q_submitter_spool(q_worker_submitter(w->worker)), &e);

	env->content_type = MHS_CONTENT_RFC822;
	env->originator.mailbox = "a@x.example";
	mhs_recipient_add(w->a, env)->name.mailbox = "b@y.example";
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	q_put_commit(p, env, on_put, w);
	loop_run(w->loop);
}

static struct world *
begin(void)
{
	static const struct q_pipe_ops pipe_ops = {on_frame, on_gone};
	struct world *w = xcalloc(1, sizeof(*w));
	struct q_hello hello = {"list", 7, 1000, 0};
	struct buf *out;
	int fds[2];

	dir_make(&w->dir);
	w->saved_fd3 = fcntl(Q_CHAN_FD, F_DUPFD, 100);
	w->a = arena_new();
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
		abort();
	fds[0] = fcntl(fds[0], F_DUPFD, 200);
	dup2(fds[1], Q_CHAN_FD);
	if (fds[1] != Q_CHAN_FD)
		close(fds[1]);
	w->loop = loop_new();
	w->qmgr = q_pipe_new(w->loop, fds[0], &pipe_ops, w);
	w->worker = q_worker_new(w->loop, NULL, "list", 5, &ops);
	w->chan = q_chan_open(w->loop, &q_worker_chan_ops, w->worker, NULL);
	q_worker_join(w->worker, w->chan);
	out = q_pipe_begin(w->qmgr, Q_FRAME_CONFIG);
	q_hello_pack(&hello, out);
	conf_pack(
	    conf_make(w->a, arena_printf(w->a, "%s%s\n", CONF, w->dir.path)),
	    out);
	q_pipe_end(w->qmgr);
	loop_run(w->loop);
	log_set_level(LOG_LEVEL_ERROR + 1); /* above what it says */
	put_message(w);
	return w;
}

static void
finish(struct world *w)
{
	q_worker_free(w->worker);
	q_chan_free(&w->chan);
	q_pipe_free(&w->qmgr);
	loop_free(&w->loop);
	arena_free(&w->a);
	dir_remove(&w->dir);
	if (w->saved_fd3 >= 0) {
		dup2(w->saved_fd3, Q_CHAN_FD);
		close(w->saved_fd3);
	}
	free(w);
	log_set_level(LOG_LEVEL_INFO);
}

static void
send_work(struct world *w, q_id record)
{
	static const uint32_t rcpts[] = {4, 2, 7};
	struct q_work work = {.mlist = 9,
	    .message = w->id,
	    .record = record,
	    .peer = "",
	    .recipients = rcpts,
	    .n_recipients = 3};

	q_work_pack(&work, q_pipe_begin(w->qmgr, Q_FRAME_WORK));
	q_pipe_end(w->qmgr);
}

static void
the_answer_comes_when_all_that_was_made_is_durable(void)
{
	struct world *w = begin();

	CU_ASSERT_EQUAL(w->ready, 5);
	send_work(w, w->id);
	loop_run(w->loop);
	CU_ASSERT_EQUAL(w->answers, 1);
	CU_ASSERT_EQUAL(w->submitted_before, 2);
	CU_ASSERT_EQUAL(w->answer.mlist, 9);
	CU_ASSERT_EQUAL_FATAL(w->answer.n, 3);
	for (size_t i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(w->answer.v[i].recipient,
		    i == 0       ? 4
			: i == 1 ? 2
				 : 7);
		CU_ASSERT_EQUAL(
		    w->answer.v[i].result, i < 2 ? Q_DELIVERED : Q_TRANSFERRED);
		CU_ASSERT_NOT_EQUAL(w->answer.v[i].at, 0);
	}
	finish(w);
}

static void
a_record_that_is_gone_is_answered_as_in_all_channels(void)
{
	struct world *w = begin();

	send_work(w, w->id + 1);
	loop_run(w->loop);
	CU_ASSERT_EQUAL(w->answers, 1);
	CU_ASSERT_EQUAL(w->submitted, 0);
	CU_ASSERT_EQUAL_FATAL(w->answer.n, 3);
	CU_ASSERT_EQUAL(w->answer.v[0].result, Q_FAILED);
	finish(w);
}

static void
what_is_under_way_at_a_stop_is_answered_first(void)
{
	struct world *w = begin();

	send_work(w, w->id);
	q_pipe_begin(w->qmgr, Q_FRAME_STOP);
	q_pipe_end(w->qmgr);
	/* the answer and the end both stop the loop */
	loop_run(w->loop);
	if (w->answers == 0)
		loop_run(w->loop);
	CU_ASSERT_EQUAL(w->answers, 1);
	CU_ASSERT_EQUAL(w->submitted_before, 2);
	finish(w);
}

void
suite_qmgr_worker(void)
{
	static CU_TestInfo tests[] = {
	    TEST(the_answer_comes_when_all_that_was_made_is_durable),
	    TEST(a_record_that_is_gone_is_answered_as_in_all_channels),
	    TEST(what_is_under_way_at_a_stop_is_answered_first),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("qmgr_worker", tests);
}
