#include "qmgr/submit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/log.h"
#include "mhs/diag.h"
#include "p1/ext.h"
#include "qmgr/pipe.h"
#include "qmgr/proto.h"
#include "qmgr/summary.h"
#include "tests/unit/qmgr_config.h"
#include "tests/unit/qmgr_dir.h"
#include "tests/unit/unit.h"

/* The test is qmgr: it has the other end of descriptor 3, in the same loop. */
struct world {
	struct dir dir;
	struct loop *loop;
	struct arena *a;
	struct q_pipe *qmgr;
	int saved_fd3;
	struct q_chan *chan;
	struct q_submitter *submitter;
	/* what the channel was told */
	unsigned works, stops, own;
	uint64_t mlist;
	/* what qmgr was told */
	struct q_summary *summary;
	unsigned submitted, results, ready;
	/* what the caller was told */
	int result;
	q_id id;
};

/* --- the channel --- */

static int
on_config(void *arg, const struct conf_node *root, const struct conf_node *own,
    struct err *e)
{
	struct world *w = arg;

	w->own = own != NULL && own->line == 3;
	w->submitter = q_submitter_new(w->chan, root, "smtp", e);
	if (w->submitter == NULL)
		return e->code;
	q_chan_capacity(w->chan, 5);
	return 0;
}

static void
on_work(void *arg, const struct q_work *work)
{
	struct world *w = arg;
	struct q_outcome o = {.result = Q_TRANSFERRED};

	w->works++;
	q_chan_result_all(w->chan, work->mlist, work->recipients,
	    work->n_recipients, &o, false);
}

static void
on_stop(void *arg)
{
	struct world *w = arg;

	w->stops++;
	loop_stop(w->loop);
}

static const struct q_chan_ops chan_ops = {
    .config = on_config, .work = on_work, .stop = on_stop};

/* --- qmgr --- */

static void
on_frame(void *arg, enum q_frame type, struct q_in *in, struct arena *a)
{
	struct world *w = arg;
	struct q_outcomes o = {0};

	(void)a;
	if (type == Q_FRAME_READY) {
		w->ready = q_in_u32(in);
	} else if (type == Q_FRAME_SUBMITTED) {
		w->submitted++;
		w->summary = q_summary_unpack(w->a, in);
	} else if (type == Q_FRAME_RESULT) {
		q_outcomes_unpack(in, w->a, &o);
		w->results += (unsigned)o.n;
		w->mlist = o.mlist;
	}
	loop_stop(w->loop);
}

static void
on_gone(void *arg, const struct err *e)
{
	(void)arg;
	(void)e;
}

static const struct q_pipe_ops pipe_ops = {on_frame, on_gone};

#define CONF                                                               \
	"mta name=alpha country=XX admd=ALPHA hostname=a.e\n"              \
	"channel name=smtp\n"                                              \
	"peer name=out channel=smtp\n"                                     \
	"peer name=small channel=smtp max-size=1000\n"                     \
	"route domain=small.example peer=small\n"                          \
	"route domain=y.example peer=out\n"                                \
	"redirect mailbox=moved@y.example to=b@y.example\n"                \
	"redirect mailbox=p@y.example to=q@y.example\n"                    \
	"redirect mailbox=q@y.example to=p@y.example\n"                    \
	"scheduler hop-limit=3\n"                                          \
	"spool segment-size=64KiB content-file-threshold=1KiB low-water=1" \
	" directory="

static struct world *
begin(void)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct q_hello hello = {"smtp", 7, 1000, 0};
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
	w->chan = q_chan_open(w->loop, &chan_ops, w, NULL);
	out = q_pipe_begin(w->qmgr, Q_FRAME_CONFIG);
	q_hello_pack(&hello, out);
	conf_pack(
	    conf_make(w->a, arena_printf(w->a, "%s%s\n", CONF, w->dir.path)),
	    out);
	q_pipe_end(w->qmgr);
	loop_run(w->loop);
	log_set_level(LOG_LEVEL_ERROR + 1);
	return w;
}

static void
finish(struct world *w)
{
	q_submitter_free(&w->submitter);
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

static struct mhs_envelope *
envelope(struct world *w)
{
	struct mhs_envelope *env = mhs_envelope_new(w->a, MHS_MESSAGE);
	static const char *const to[] = {"b@y.example", "c@nowhere"};

	env->content_type = MHS_CONTENT_RFC822;
	env->originator.mailbox = "a@x.example";
	for (unsigned i = 0; i < 2; i++) {
		struct mhs_recipient *r = mhs_recipient_add(w->a, env);

		r->name.mailbox = to[i];
		r->number = (int32_t)i + 1;
		r->responsible = true;
	}
	return env;
}

static void
on_durable(void *arg, int result, q_id id, const struct err *e)
{
	struct world *w = arg;

	(void)e;
	w->result = result;
	w->id = id;
}

static int
submit(struct world *w, const struct mhs_envelope *env, size_t n, struct err *e)
{
	static const uint8_t content[5000];
	struct q_submission *m = q_submit_begin(w->submitter, e);

	w->result = 1;
	CU_ASSERT_EQUAL(q_submit_content(m, content, n, e), 0);
	return q_submit_commit(m, env, on_durable, w, e);
}

static void
configuration_capacity_work_and_stop_go_through(void)
{
	struct world *w = begin();
	uint32_t rcpts[] = {0, 2};
	struct q_work work = {.mlist = 9,
	    .message = 1,
	    .record = 1,
	    .peer = "out",
	    .recipients = rcpts,
	    .n_recipients = 2};

	CU_ASSERT_EQUAL(w->ready, 5);
	CU_ASSERT_TRUE(w->own);
	q_work_pack(&work, q_pipe_begin(w->qmgr, Q_FRAME_WORK));
	q_pipe_end(w->qmgr);
	loop_run(w->loop);
	CU_ASSERT_EQUAL(w->works, 1);
	CU_ASSERT_EQUAL(w->results, 2);
	CU_ASSERT_EQUAL(w->mlist, 9);
	q_pipe_begin(w->qmgr, Q_FRAME_STOP);
	q_pipe_end(w->qmgr);
	loop_run(w->loop);
	CU_ASSERT_EQUAL(w->stops, 1);
	finish(w);
}

static void
a_submission_is_durable_then_answered_and_announced(void)
{
	struct world *w = begin();
	struct q_record *r;
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL(submit(w, envelope(w), 5000, &e), 0);
	loop_run(w->loop);
	CU_ASSERT_EQUAL(w->result, 0);
	CU_ASSERT_EQUAL(w->submitted, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w->summary);
	CU_ASSERT_EQUAL(w->summary->id, w->id);
	CU_ASSERT_EQUAL(w->summary->size, 5000);
	CU_ASSERT_NOT_EQUAL(w->summary->content_file, 0);
	CU_ASSERT_NOT_EQUAL(w->summary->arrival, 0);
	CU_ASSERT_STRING_EQUAL(w->summary->rcpts[0].peer, "out");
	CU_ASSERT_PTR_NULL(w->summary->rcpts[1].peer);
	CU_ASSERT_EQUAL(w->summary->rcpts[1].flags,
	    Q_RCPT_RESPONSIBLE | Q_RCPT_WANTS_NDR | Q_RCPT_WANTS_DELAY);
	CU_ASSERT_EQUAL(
	    q_record_open(q_submitter_spool(w->submitter), w->id, &r, &e), 0);
	CU_ASSERT_STRING_EQUAL(r->env->recipients[0].peer, "out");
	CU_ASSERT_STRING_EQUAL(r->env->source_channel, "smtp");
	CU_ASSERT_EQUAL(r->env->content_length, 5000);
	q_record_close(&r);
	finish(w);
}

static void
a_version_keeps_its_parents_plan_and_is_announced_as_such(void)
{
	struct world *w = begin();
	struct mhs_envelope *env = envelope(w);
	struct err e = ERR_INIT;

	env->parent = 4711;
	env->recipients[1].peer = "kept";
	CU_ASSERT_EQUAL(submit(w, env, 10, &e), 0);
	loop_run(w->loop);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w->summary);
	CU_ASSERT_EQUAL(w->summary->parent, 4711);
	CU_ASSERT_EQUAL(w->summary->n_rcpts, 0);
	finish(w);
}

static void
add_trace(struct world *w, struct mhs_envelope *env, bool internal,
    const char *admd, const char *mta)
{
	struct mhs_trace *t = mhs_trace_add(w->a, env);

	t->internal = internal;
	t->domain = (struct mhs_domain){"XX", admd, NULL};
	t->mta = mta;
}

/* A message that goes nowhere but back is committed, loop or not; what the MTA
 * rejected is not directed anew. */
static void
what_was_rejected_keeps_its_reason(void)
{
	struct world *w = begin();
	struct mhs_envelope *env = envelope(w);
	struct err e = ERR_INIT;

	for (unsigned i = 0; i < 4; i++)
		add_trace(w, env, false, "OTHER", NULL);
	CU_ASSERT_EQUAL(
	    q_submit_check_loop(w->submitter, env, &e), ERR_REFUSED);
	env->recipients[0].peer = q_fault_reject(
	    w->a, MHS_TRANSFER_FAILURE, MHS_LOOP_DETECTED, "a loop");
	CU_ASSERT_EQUAL(submit(w, env, 1, &e), ERR_REFUSED);
	env->recipients[1].peer = env->recipients[0].peer;
	CU_ASSERT_EQUAL(submit(w, env, 1, &e), 0);
	loop_run(w->loop);
	CU_ASSERT_EQUAL(w->result, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w->summary);
	for (unsigned i = 0; i < 2; i++)
		CU_ASSERT_STRING_EQUAL(
		    w->summary->rcpts[i].peer, env->recipients[0].peer);
	finish(w);
}

static void
what_is_wrong_with_an_envelope_is_said_at_once(void)
{
	struct world *w = begin();
	struct mhs_envelope *env;
	struct err e = ERR_INIT;

	env = envelope(w);
	env->n_recipients = 0;
	CU_ASSERT_EQUAL(submit(w, env, 1, &e), ERR_SYNTAX);
	env = envelope(w);
	env->originator.mailbox = NULL;
	CU_ASSERT_EQUAL(submit(w, env, 1, &e), ERR_SYNTAX);
	for (size_t i = 0; i < 5; i++) {
		static const char *const bad[] = {
		    "a", "@b", "a@", "a\n@b.example", " \x7f@b"};

		env = envelope(w);
		env->originator.mailbox = bad[i];
		CU_ASSERT_EQUAL(submit(w, env, 1, &e), ERR_SYNTAX);
	}
	env = envelope(w);
	env->originator.ora = mhs_or_new(w->a);
	CU_ASSERT_EQUAL(submit(w, env, 1, &e), ERR_SYNTAX);
	env = envelope(w);
	for (unsigned i = 0; i < 4; i++)
		add_trace(w, env, false, "OTHER", NULL);
	CU_ASSERT_EQUAL(submit(w, env, 1, &e), ERR_REFUSED);
	CU_ASSERT_EQUAL(e.detail, MHS_LOOP_DETECTED);
	/* ours before this arrival is a loop, unless it was redirected or
	 * expanded between; another MTA of our domain's is not */
	env = envelope(w);
	add_trace(w, env, true, "alpha", "ALPHA");
	add_trace(w, env, false, "OTHER", NULL);
	CU_ASSERT_EQUAL(submit(w, env, 1, &e), ERR_REFUSED);
	CU_ASSERT_EQUAL(e.detail, MHS_LOOP_DETECTED);
	env = envelope(w);
	for (unsigned i = 0; i < 3; i++)
		add_trace(w, env, true, "alpha", "ALPHA");
	CU_ASSERT_EQUAL(submit(w, env, 1, &e), ERR_REFUSED);
	env = envelope(w);
	for (unsigned i = 0; i < 2; i++)
		add_trace(w, env, true, "alpha", "ALPHA");
	env->trace[0].other_actions = 2;
	CU_ASSERT_EQUAL(submit(w, env, 1, &e), 0);
	loop_run(w->loop);
	env = envelope(w);
	for (unsigned i = 0; i < 3; i++)
		add_trace(w, env, true, "ALPHA", "other");
	CU_ASSERT_EQUAL(submit(w, env, 1, &e), 0);
	loop_run(w->loop);
	CU_ASSERT_EQUAL(w->result, 0);
	CU_ASSERT_EQUAL(w->submitted, 2);
	finish(w);
}

/* X.411 12.2.1.1.1.3 */
static void
what_is_done_with_it_stands_in_our_trace(void)
{
	struct world *w = begin();
	struct mhs_envelope *env = envelope(w);
	struct q_record *r;
	struct err e = ERR_INIT;

	env->content_type = MHS_CONTENT_P22;
	env->arrival = 1000;
	env->deferred_delivery = 5000;
	env->recipients[0].name.mailbox = "moved@y.example";
	CU_ASSERT_EQUAL(submit(w, env, 10, &e), 0);
	loop_run(w->loop);
	CU_ASSERT_EQUAL_FATAL(
	    q_record_open(q_submitter_spool(w->submitter), w->id, &r, &e), 0);
	CU_ASSERT_STRING_EQUAL(
	    r->env->recipients[0].name.mailbox, "b@y.example");
	CU_ASSERT_EQUAL_FATAL(r->env->n_trace, 2);
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(r->env->trace[i].other_actions, 1);
		CU_ASSERT_EQUAL(r->env->trace[i].deferred, 5000);
		CU_ASSERT_EQUAL(r->env->trace[i].arrival, 1000);
	}
	CU_ASSERT_EQUAL(w->summary->deferred, 5000);
	q_record_close(&r);
	finish(w);
}

static struct q_record *
last_record(struct world *w)
{
	struct q_record *r = NULL;

	loop_run(w->loop);
	CU_ASSERT_EQUAL(w->result, 0);
	CU_ASSERT_EQUAL_FATAL(
	    q_record_open(q_submitter_spool(w->submitter), w->id, &r, NULL), 0);
	return r;
}

static void
a_recipient_named_twice_is_kept_and_delivered_to_once(void)
{
	struct world *w = begin();
	struct mhs_envelope *env = envelope(w);
	struct q_record *r;
	struct err e = ERR_INIT;

	env->recipients[1].name.mailbox = "B@y.example";
	CU_ASSERT_EQUAL(submit(w, env, 1, &e), 0);
	r = last_record(w);
	CU_ASSERT_EQUAL(r->env->n_recipients, 2);
	CU_ASSERT_EQUAL(r->env->recipients[1].number, 2);
	CU_ASSERT_TRUE(w->summary->rcpts[0].flags & Q_RCPT_RESPONSIBLE);
	CU_ASSERT_FALSE(w->summary->rcpts[1].flags & Q_RCPT_RESPONSIBLE);
	/* the caller's envelope is its own */
	CU_ASSERT_TRUE(env->recipients[1].responsible);
	q_record_close(&r);
	finish(w);
}

static void
a_content_above_the_limit_is_refused_whatever_its_pieces(void)
{
	static const struct {
		uint64_t limits[2];
		size_t good;
	} v[] = {{{100, 0}, 100}, {{100, 50}, 50}, {{50, 100}, 50}};
	uint8_t p[101] = {0};

	for (size_t i = 0; i < 3; i++)
		for (size_t piece = 1; piece < 101; piece += 33) {
			struct world *w = begin();
			struct err e = ERR_INIT;
			struct q_submission *m =
			    q_submit_begin(w->submitter, &e);
			size_t n = 0;
			int rc = 0;

			q_submit_limit(m, v[i].limits[0]);
			q_submit_limit(m, v[i].limits[1]);
			while (n < 101) {
				rc = q_submit_content(m, p, piece, &e);
				if (rc != 0)
					break;
				n += piece;
			}
			CU_ASSERT_EQUAL(n, v[i].good / piece * piece);
			CU_ASSERT_EQUAL(rc, ERR_LIMIT);
			CU_ASSERT_EQUAL(e.detail, MHS_CONTENT_TOO_LONG);
			q_submit_abort(&m);
			finish(w);
		}
}

static void
what_is_too_large_for_a_peer_fails_for_its_recipients_only(void)
{
	struct world *w = begin();
	struct mhs_envelope *env = envelope(w);
	struct err e = ERR_INIT;

	env->recipients[1].name.mailbox = "c@small.example";
	CU_ASSERT_EQUAL(submit(w, env, 1000, &e), 0);
	loop_run(w->loop);
	CU_ASSERT_STRING_EQUAL(w->summary->rcpts[1].peer, "small");
	CU_ASSERT_EQUAL(submit(w, env, 1001, &e), 0);
	loop_run(w->loop);
	CU_ASSERT_STRING_EQUAL(w->summary->rcpts[0].peer, "out");
	CU_ASSERT_EQUAL(
	    q_fault_of(w->summary->rcpts[1].peer), MHS_CONTENT_TOO_LONG);
	finish(w);
}

/* Lets one originator write, and to one recipient. */
static int
only(void *arg, const struct mhs_envelope *env, const struct mhs_recipient *r,
    struct err *e)
{
	struct world *w = arg;
	const char *who = r == NULL ? env->originator.mailbox : r->name.mailbox;

	w->works++;
	if (strcmp(who, r == NULL ? "a@x.example" : "b@y.example") == 0)
		return 0;
	CU_ASSERT_TRUE(r == NULL || r->peer == NULL);
	err_set(e, "test", ERR_REFUSED, "not you");
	e->detail = MHS_NO_DL_SUBMIT_PERMISSION;
	return ERR_REFUSED;
}

static void
who_may_not_submit_is_refused_and_for_whom_is_reported(void)
{
	struct world *w = begin();
	struct mhs_envelope *env = envelope(w);
	struct err e = ERR_INIT;
	struct q_submission *m = q_submit_begin(w->submitter, &e);

	q_submit_authorize(m, only, w);
	CU_ASSERT_EQUAL(q_submit_commit(m, env, on_durable, w, &e), 0);
	loop_run(w->loop);
	CU_ASSERT_EQUAL(w->works, 3);
	CU_ASSERT_STRING_EQUAL(w->summary->rcpts[0].peer, "out");
	CU_ASSERT_EQUAL(
	    q_fault_of(w->summary->rcpts[1].peer), MHS_NO_DL_SUBMIT_PERMISSION);
	env->originator.mailbox = "z@x.example";
	m = q_submit_begin(w->submitter, &e);
	q_submit_authorize(m, only, w);
	CU_ASSERT_EQUAL(
	    q_submit_commit(m, env, on_durable, w, &e), ERR_REFUSED);
	CU_ASSERT_EQUAL(e.detail, MHS_NO_DL_SUBMIT_PERMISSION);
	CU_ASSERT_EQUAL(w->submitted, 1);
	finish(w);
}

/* X.411 8.2.1.1.1.15, 8.2.1.1.1.12; and what else was asked for. */
static void
times_and_options_are_in_the_record_and_told(void)
{
	struct world *w = begin();
	struct mhs_envelope *env = envelope(w);
	struct mhs_recipient *rcpt = env->recipients;
	struct err e = ERR_INIT;
	struct q_record *r;
	int64_t t;

	env->arrival = 1000;
	env->deferred_delivery = 5000;
	env->priority = MHS_URGENT;
	env->envid = "envelope-1";
	env->ret = 'H';
	env->body_8bitmime = true;
	env->implicit_conversion_prohibited = true;
	CU_ASSERT_EQUAL(p1_ext_set_time(w->a, &env->exts,
			    P1_EXT_LATEST_DELIVERY_TIME, 9000, &e),
	    0);
	rcpt->notify = MHS_NOTIFY_SUCCESS;
	rcpt->orcpt = "rfc822;who@y.example";
	rcpt->originator_report = MHS_REPORT_DR;
	CU_ASSERT_EQUAL(submit(w, env, 1, &e), 0);
	r = last_record(w);
	CU_ASSERT_EQUAL(w->summary->deferred, 5000);
	CU_ASSERT_EQUAL(w->summary->latest, 9000);
	CU_ASSERT_EQUAL(q_level_priority(w->summary->level), MHS_URGENT);
	CU_ASSERT_TRUE(w->summary->rcpts[0].flags & Q_RCPT_WANTS_DR);
	CU_ASSERT_EQUAL(r->env->deferred_delivery, 5000);
	CU_ASSERT_TRUE(
	    p1_ext_time(&r->env->exts, P1_EXT_LATEST_DELIVERY_TIME, &t));
	CU_ASSERT_EQUAL(t, 9000);
	CU_ASSERT_STRING_EQUAL(r->env->envid, "envelope-1");
	CU_ASSERT_EQUAL(r->env->ret, 'H');
	CU_ASSERT_TRUE(r->env->body_8bitmime);
	CU_ASSERT_TRUE(r->env->implicit_conversion_prohibited);
	rcpt = r->env->recipients;
	CU_ASSERT_EQUAL(rcpt->notify, MHS_NOTIFY_SUCCESS);
	CU_ASSERT_STRING_EQUAL(rcpt->orcpt, "rfc822;who@y.example");
	CU_ASSERT_EQUAL(rcpt->originator_report, MHS_REPORT_DR);
	q_record_close(&r);
	finish(w);
}

static void
verify_tells_routed_from_unrouted(void)
{
	struct world *w = begin();
	struct mhs_name good = {.mailbox = "b@Y.example"};
	struct mhs_name bad = {.mailbox = "b@z.example"};
	const char *peer;
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL(q_submit_verify(w->submitter, &good, &peer, &e), 0);
	CU_ASSERT_STRING_EQUAL(peer, "out");
	CU_ASSERT_EQUAL(
	    q_submit_verify(w->submitter, &bad, &peer, &e), ERR_NOT_FOUND);
	bad.mailbox = "p@y.example";
	CU_ASSERT_EQUAL(
	    q_submit_verify(w->submitter, &bad, &peer, &e), ERR_REFUSED);
	CU_ASSERT_EQUAL(e.detail, MHS_REDIRECTION_LOOP_DETECTED);
	CU_ASSERT_EQUAL(q_submit_ready(w->submitter, &e), 0);
	finish(w);
}

void
suite_qmgr_submit(void)
{
	static CU_TestInfo tests[] = {
	    TEST(configuration_capacity_work_and_stop_go_through),
	    TEST(a_submission_is_durable_then_answered_and_announced),
	    TEST(a_version_keeps_its_parents_plan_and_is_announced_as_such),
	    TEST(what_was_rejected_keeps_its_reason),
	    TEST(what_is_wrong_with_an_envelope_is_said_at_once),
	    TEST(what_is_done_with_it_stands_in_our_trace),
	    TEST(a_recipient_named_twice_is_kept_and_delivered_to_once),
	    TEST(a_content_above_the_limit_is_refused_whatever_its_pieces),
	    TEST(what_is_too_large_for_a_peer_fails_for_its_recipients_only),
	    TEST(who_may_not_submit_is_refused_and_for_whom_is_reported),
	    TEST(times_and_options_are_in_the_record_and_told),
	    TEST(verify_tells_routed_from_unrouted),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("qmgr_submit", tests);
}
