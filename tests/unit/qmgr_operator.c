#include "qmgr/operator.h"

#include <stdio.h>
#include <string.h>

#include "mhs/diag.h"
#include "tests/unit/qmgr_world.h"

#define CONF                                                      \
	"mta name=alpha country=XX admd=ALPHA hostname=a.e\n"     \
	"scheduler retry-step=10s retry-max=60s reserve-urgent=0" \
	" reserve-normal=0 warn-normal=1h\n"                      \
	"channel name=x400p1\n"                                   \
	"channel name=smtp\n"                                     \
	"peer name=bravo channel=x400p1\n"                        \
	"peer name=charlie channel=x400p1\n"                      \
	"peer name=out channel=smtp\n"                            \
	"peer name=out2 channel=smtp\n"

static const struct q_outcome returned = {
    .reason = MHS_UNABLE_TO_TRANSFER,
    .diagnostic = 1,
    .text = "returned by the operator",
};

struct seen {
	unsigned n, state[Q_VIEW_STATES];
	struct q_mlist_view last;
};

static void
see(void *arg, const struct q_mlist_view *v)
{
	struct seen *s = arg;

	s->n++;
	s->state[v->view]++;
	s->last = *v;
}

static struct seen
look(struct world *w, const struct q_filter *f)
{
	struct q_cursor *c = q_cursor_new(w->q);
	struct seen s = {0};

	if (f != NULL)
		q_cursor_filter(c, f);
	while (q_cursor_next(c, 10, see, &s))
		;
	q_cursor_free(&c);
	return s;
}

static struct q_summary *
submit(struct world *w, unsigned number, const char *to)
{
	struct q_summary *s = world_summary(w, number, MHS_CONTENT_RFC822, to);

	q_queue_submitted(w->q, s);
	return s;
}

static struct q_op_target
all_of(const struct q_summary *s)
{
	return (struct q_op_target){.message = s->id};
}

static int
hold(struct world *w, const struct q_op_target *t, bool on,
    struct q_op_result *out)
{
	struct err e = ERR_INIT;

	return q_op_hold(w->q, t, on, out, world_done, w, &e);
}

/* --- hold --- */

static void
what_is_held_stays_until_it_is_released(void)
{
	for (unsigned how = 0; how < 3; how++) {
		struct world w;
		struct q_summary *s;
		struct q_op_result out;
		struct q_op_target t;
		struct q_work work;

		world_begin(&w, CONF);
		s = submit(&w, 0, "out out");
		t = all_of(s);
		CU_ASSERT_EQUAL(hold(&w, &t, true, &out), 0);
		CU_ASSERT_EQUAL(out.recipients, 2);
		CU_ASSERT_EQUAL(w.done, 0);
		world_durable(&w);
		CU_ASSERT_EQUAL(w.done, 1);
		if (how > 0)
			world_restart(&w, CONF, how == 2, &s, 1);
		CU_ASSERT_FALSE(world_next(&w, "smtp", &work));
		CU_ASSERT_EQUAL(look(&w, NULL).state[Q_VIEW_HELD], 1);
		CU_ASSERT_EQUAL(hold(&w, &t, false, &out), 0);
		world_durable(&w);
		if (how > 0)
			world_restart(&w, CONF, how == 2, &s, 1);
		CU_ASSERT_TRUE(world_next(&w, "smtp", &work));
		CU_ASSERT_EQUAL(work.n_recipients, 2);
		world_end(&w);
	}
}

static void
what_is_out_is_held_when_it_comes_back(void)
{
	static const struct {
		bool lost;
		uint32_t held; /* of two recipients */
	} v[] = {{false, 2}, {false, 1}, {true, 2}, {true, 1}};
	static const uint32_t both[] = {1, 0};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct world w;
		struct q_summary *s;
		struct q_op_result out;
		struct q_op_target t;
		struct q_work work;
		struct seen seen;

		world_begin(&w, CONF);
		s = submit(&w, 0, "out out");
		t = (struct q_op_target){s->id, both, v[i].held};
		CU_ASSERT_TRUE(world_next(&w, "smtp", &work));
		CU_ASSERT_EQUAL(hold(&w, &t, true, &out), 0);
		CU_ASSERT_EQUAL(out.recipients, v[i].held);
		CU_ASSERT_EQUAL(look(&w, NULL).state[Q_VIEW_ACTIVE], 1);
		if (v[i].lost)
			q_queue_lost(w.q, work.mlist, 0);
		else
			world_answer(&w, &work, Q_DEFERRED, 0, false);
		seen = look(&w, NULL);
		CU_ASSERT_EQUAL(seen.state[Q_VIEW_HELD], 1);
		CU_ASSERT_EQUAL(seen.n, v[i].held == 1 ? 2 : 1);
		w.now += 10000;
		world_tick(&w);
		CU_ASSERT_EQUAL(world_next(&w, "smtp", &work), v[i].held == 1);
		if (v[i].held == 1)
			CU_ASSERT_EQUAL(work.recipients[0], 0);
		world_durable(&w);
		world_end(&w);
	}
}

/* And what could not be done is no success. */
static void
what_is_so_already_is_not_changed(void)
{
	struct world w;
	struct q_summary *s;
	struct q_op_result out;
	struct q_op_target t;
	struct q_work work;
	struct err e = ERR_INIT;

	world_begin(&w, CONF);
	s = submit(&w, 0, "out out");
	t = all_of(s);
	CU_ASSERT_EQUAL(hold(&w, &t, false, &out), 0);
	CU_ASSERT_EQUAL(out.recipients, 0);
	CU_ASSERT_EQUAL(out.unchanged, 2);
	CU_ASSERT_STRING_EQUAL(out.why, "not held");
	CU_ASSERT_EQUAL(w.n_waiting, 0);
	CU_ASSERT_EQUAL(hold(&w, &t, true, &out), 0);
	CU_ASSERT_EQUAL(q_op_retry(w.q, &t, &out, &e), 0);
	CU_ASSERT_EQUAL(out.recipients, 0);
	CU_ASSERT_STRING_EQUAL(out.why, "held: release it");
	CU_ASSERT_EQUAL(hold(&w, &t, true, &out), 0);
	CU_ASSERT_EQUAL(out.recipients, 0);
	CU_ASSERT_STRING_EQUAL(out.why, "held already");
	CU_ASSERT_EQUAL(hold(&w, &t, false, &out), 0);
	CU_ASSERT_EQUAL(out.recipients, 2);
	q_op_stop(w.q, NULL, "out", true, &e);
	CU_ASSERT_EQUAL(q_op_retry(w.q, &t, &out, &e), 0);
	CU_ASSERT_EQUAL(out.recipients, 0);
	CU_ASSERT_STRING_EQUAL(out.why, "its peer is stopped");
	q_op_stop(w.q, NULL, "out", false, &e);
	q_op_stop(w.q, "smtp", NULL, true, &e);
	CU_ASSERT_EQUAL(q_op_retry(w.q, &t, &out, &e), 0);
	CU_ASSERT_STRING_EQUAL(out.why, "its channel is stopped");
	q_op_stop(w.q, "smtp", NULL, false, &e);
	/* what is under way is held only if it comes back */
	CU_ASSERT_TRUE(world_next(&w, "smtp", &work));
	CU_ASSERT_EQUAL(hold(&w, &t, true, &out), 0);
	CU_ASSERT_EQUAL(out.recipients, 2);
	CU_ASSERT_EQUAL(out.busy, 2);
	CU_ASSERT_TRUE(look(&w, NULL).last.hold);
	CU_ASSERT_EQUAL(hold(&w, &t, false, &out), 0);
	CU_ASSERT_EQUAL(out.busy, 0);
	CU_ASSERT_FALSE(look(&w, NULL).last.hold);
	world_durable(&w);
	world_end(&w);
}

static void
some_recipients_are_held_and_the_others_go(void)
{
	static const uint32_t middle[] = {1, 1, 2};

	for (unsigned how = 0; how < 3; how++) {
		struct world w;
		struct q_summary *s;
		struct q_op_result out;
		struct q_op_target t;
		struct q_work work;

		world_begin(&w, CONF);
		s = submit(&w, 0, "out out out out");
		t = (struct q_op_target){s->id, middle, 3};
		CU_ASSERT_EQUAL(hold(&w, &t, true, &out), 0);
		CU_ASSERT_EQUAL(out.recipients, 2);
		if (how > 0)
			world_restart(&w, CONF, how == 2, &s, 1);
		CU_ASSERT_TRUE(world_next(&w, "smtp", &work));
		world_answer(&w, &work, Q_TRANSFERRED, 0, false);
		if (how > 0 && world_next(&w, "smtp", &work))
			world_answer(&w, &work, Q_TRANSFERRED, 0, false);
		world_durable(&w);
		CU_ASSERT_EQUAL(look(&w, NULL).state[Q_VIEW_HELD], 1);
		CU_ASSERT_FALSE(world_next(&w, "smtp", &work));
		t = all_of(s);
		CU_ASSERT_EQUAL(hold(&w, &t, false, &out), 0);
		CU_ASSERT_EQUAL(out.recipients, 2);
		CU_ASSERT_TRUE(world_next(&w, "smtp", &work));
		CU_ASSERT_EQUAL(work.n_recipients, 2);
		world_answer(&w, &work, Q_TRANSFERRED, 0, false);
		world_durable(&w);
		CU_ASSERT_EQUAL(q_queue_messages(w.q), 0);
		world_end(&w);
	}
}

static void
a_release_does_not_end_deferred_delivery(void)
{
	struct world w;
	struct q_summary *s;
	struct q_op_result out;
	struct q_op_target t;
	struct q_work work;
	struct err e = ERR_INIT;

	world_begin(&w, CONF);
	s = world_summary(&w, 0, MHS_CONTENT_RFC822, "out");
	s->deferred = w.now / 1000 + 600;
	q_queue_submitted(w.q, s);
	t = all_of(s);
	CU_ASSERT_EQUAL(q_op_retry(w.q, &t, &out, &e), 0);
	CU_ASSERT_EQUAL(out.recipients, 0);
	CU_ASSERT_STRING_EQUAL(out.why, "its originator deferred it");
	CU_ASSERT_EQUAL(hold(&w, &t, true, &out), 0);
	CU_ASSERT_EQUAL(hold(&w, &t, false, &out), 0);
	CU_ASSERT_FALSE(world_next(&w, "smtp", &work));
	CU_ASSERT_EQUAL(look(&w, NULL).state[Q_VIEW_DEFERRED], 1);
	w.now += 600000;
	world_tick(&w);
	CU_ASSERT_TRUE(world_next(&w, "smtp", &work));
	world_durable(&w);
	world_end(&w);
}

static void
a_held_message_expires_and_its_report_goes_out(void)
{
	struct world w;
	struct q_summary *s;
	struct q_op_result out;
	struct q_op_target t;
	struct q_work work;

	world_begin(&w, CONF);
	s = submit(&w, 0, "out:n");
	t = all_of(s);
	CU_ASSERT_EQUAL(hold(&w, &t, true, &out), 0);
	world_durable(&w);
	w.now += INT64_C(25) * 3600 * 1000;
	world_tick(&w);
	world_durable(&w);
	CU_ASSERT_TRUE(world_next(&w, "report", &work));
	CU_ASSERT_EQUAL(work.outcomes[0].diagnostic, MHS_MAXIMUM_TIME_EXPIRED);
	/* there is nothing to hold any more */
	CU_ASSERT_EQUAL(hold(&w, &t, true, &out), ERR_REFUSED);
	world_end(&w);
}

/* --- retry, level --- */

static void
a_retry_ends_back_off_and_the_peers_hold(void)
{
	for (unsigned peer_error = 0; peer_error < 2; peer_error++) {
		struct world w;
		struct q_summary *s;
		struct q_op_result out;
		struct q_op_target t;
		struct q_work work;
		struct err e = ERR_INIT;

		world_begin(&w, CONF);
		s = submit(&w, 0, "out");
		t = all_of(s);
		world_next(&w, "smtp", &work);
		CU_ASSERT_EQUAL(q_op_retry(w.q, &t, &out, &e), 0);
		CU_ASSERT_EQUAL(out.recipients, 0);
		CU_ASSERT_EQUAL(out.busy, 1);
		world_answer(&w, &work, Q_DEFERRED, 0, peer_error);
		CU_ASSERT_EQUAL(look(&w, NULL).last.view,
		    peer_error ? Q_VIEW_PEER_WAIT : Q_VIEW_WAITING);
		CU_ASSERT_FALSE(world_next(&w, "smtp", &work));
		CU_ASSERT_EQUAL(q_op_retry(w.q, &t, &out, &e), 0);
		CU_ASSERT_EQUAL(out.recipients, 1);
		CU_ASSERT_TRUE(world_next(&w, "smtp", &work));
		world_answer(&w, &work, Q_DEFERRED, 0, true);
		CU_ASSERT_FALSE(world_next(&w, "smtp", &work));
		CU_ASSERT_EQUAL(q_op_retry_peer(w.q, "out", &e), 0);
		CU_ASSERT_TRUE(world_next(&w, "smtp", &work));
		world_durable(&w);
		world_end(&w);
	}
}

static void
a_new_level_overtakes_and_survives_but_expires_as_before(void)
{
	for (unsigned how = 0; how < 3; how++) {
		struct world w;
		struct q_summary *s[2];
		struct q_work work;
		struct err e = ERR_INIT;

		world_begin(&w, CONF);
		s[0] = submit(&w, 0, "out");
		s[1] = submit(&w, 1, "out");
		CU_ASSERT_EQUAL(q_op_set_level(w.q, s[1]->id, Q_LEVEL_OVERRIDE,
				    world_done, &w, &e),
		    0);
		if (how > 0)
			world_restart(&w, CONF, how == 2, s, 2);
		/* an urgent one would be over after four hours */
		w.now += INT64_C(5) * 3600 * 1000;
		world_tick(&w);
		world_durable(&w);
		CU_ASSERT_EQUAL(w.done, 1);
		CU_ASSERT_TRUE(world_next(&w, "smtp", &work));
		CU_ASSERT_EQUAL(work.message, s[1]->id);
		CU_ASSERT_EQUAL(work.level, Q_LEVEL_OVERRIDE);
		CU_ASSERT_EQUAL(q_op_set_level(w.q, s[1]->id, Q_LEVEL_DEFERRED,
				    NULL, NULL, &e),
		    0);
		world_answer(&w, &work, Q_DEFERRED, 0, true);
		CU_ASSERT_EQUAL(q_op_retry_peer(w.q, "out", &e), 0);
		CU_ASSERT_TRUE(world_next(&w, "smtp", &work));
		CU_ASSERT_EQUAL(work.message, s[0]->id);
		world_durable(&w);
		world_end(&w);
	}
}

/* --- redirect --- */

static void
a_redirected_recipient_begins_its_plan_at_the_first_step(void)
{
	for (unsigned how = 0; how < 3; how++) {
		struct world w;
		struct q_summary *s, *version;
		struct q_op_result out;
		struct q_op_target t;
		struct q_work work;
		struct err e = ERR_INIT;
		q_id converted = q_id_make(12, 128);

		world_begin(&w, CONF);
		s = world_summary(&w, 0, MHS_CONTENT_P22, "out bravo");
		q_queue_submitted(w.q, s);
		CU_ASSERT_TRUE(world_next(&w, "mixer", &work));
		version = ARENA_NEW(w.a, struct q_summary);
		*version = (struct q_summary){
		    .id = converted, .parent = s->id, .kind = MHS_MESSAGE};
		q_queue_submitted(w.q, version);
		world_answer(&w, &work, Q_CONVERTED, converted, false);
		world_durable(&w);
		t = all_of(s);
		CU_ASSERT_EQUAL(
		    q_op_redirect(w.q, &t, "charlie", &out, world_done, &w, &e),
		    0);
		CU_ASSERT_EQUAL(out.recipients, 2);
		CU_ASSERT_FALSE(world_next(&w, "x400p1", &work));
		world_durable(&w);
		CU_ASSERT_EQUAL(w.done, 1);
		if (how > 0)
			world_restart(&w, CONF, how == 2, &s, 1);
		CU_ASSERT_FALSE(world_next(&w, "smtp", &work));
		CU_ASSERT_FALSE(world_next(&w, "mixer", &work));
		for (unsigned i = 0; i < 2; i++) {
			CU_ASSERT_TRUE(world_next(&w, "x400p1", &work));
			CU_ASSERT_STRING_EQUAL(work.peer, "charlie");
			CU_ASSERT_EQUAL(work.record, s->id);
			CU_ASSERT_PTR_NOT_NULL_FATAL(work.rerouted_from);
			CU_ASSERT_STRING_EQUAL(work.rerouted_from,
			    work.recipients[0] == 0 ? "out" : "bravo");
			world_answer(&w, &work, Q_TRANSFERRED, 0, false);
		}
		world_durable(&w);
		CU_ASSERT_EQUAL(q_queue_messages(w.q), 0);
		world_end(&w);
	}
}

static void
one_that_is_sent_back_was_tried_nowhere_else(void)
{
	struct world w;
	struct q_summary *s;
	struct q_op_result out;
	struct q_op_target t;
	struct q_work work;
	struct err e = ERR_INIT;

	world_begin(&w, CONF);
	s = submit(&w, 0, "out");
	t = all_of(s);
	CU_ASSERT_EQUAL(
	    q_op_redirect(w.q, &t, "out2", &out, NULL, NULL, &e), 0);
	world_durable(&w);
	CU_ASSERT_EQUAL(q_op_redirect(w.q, &t, "out", &out, NULL, NULL, &e), 0);
	world_durable(&w);
	CU_ASSERT_TRUE(world_next(&w, "smtp", &work));
	CU_ASSERT_STRING_EQUAL(work.peer, "out");
	CU_ASSERT_PTR_NULL(work.rerouted_from);
	world_end(&w);
}

/* Whatever of old states would say of another plan. */
static void
without_the_peer_it_was_sent_to_it_is_routed_as_now(void)
{
	static const char without[] =
	    "mta name=alpha country=XX admd=ALPHA hostname=a.e\n"
	    "channel name=x400p1\n"
	    "channel name=smtp\n"
	    "peer name=bravo channel=x400p1 content=p2\n";

	for (unsigned by_snapshot = 0; by_snapshot < 2; by_snapshot++) {
		struct world w;
		struct q_summary *s;
		struct q_op_result out;
		struct q_op_target t;
		struct q_work work;
		struct err e = ERR_INIT;

		world_begin(&w, CONF);
		s = world_summary(&w, 0, MHS_CONTENT_P22, "bravo");
		q_queue_submitted(w.q, s);
		t = all_of(s);
		CU_ASSERT_EQUAL(
		    q_op_redirect(w.q, &t, "out", &out, NULL, NULL, &e), 0);
		world_durable(&w);
		CU_ASSERT_TRUE(world_next(&w, "mixer", &work));
		world_answer(&w, &work, Q_CONVERTED, q_id_make(12, 128), false);
		world_restart(&w, without, by_snapshot, &s, 1);
		CU_ASSERT_FALSE(world_next(&w, "x400p1", &work));
		CU_ASSERT_TRUE(world_next(&w, "mixer", &work));
		CU_ASSERT_EQUAL(work.record, s->id);
		CU_ASSERT_STRING_EQUAL(work.next_peer, "bravo");
		world_end(&w);
	}
}

static void
what_cannot_be_redirected_is_refused_with_its_reason(void)
{
	struct world w;
	struct q_summary *s, *probe;
	struct q_op_result out;
	struct q_op_target t;
	struct q_work work;
	struct err e = ERR_INIT;
	static const uint32_t far[] = {7};

	world_begin(&w, CONF);
	s = submit(&w, 0, "out");
	t = all_of(s);
	CU_ASSERT_EQUAL(
	    q_op_redirect(w.q, &t, "nobody", &out, NULL, NULL, &e), ERR_CONFIG);
	CU_ASSERT_EQUAL(
	    q_op_redirect(w.q, &t, "!26", &out, NULL, NULL, &e), ERR_CONFIG);
	CU_ASSERT_EQUAL(q_op_redirect(w.q, &t, "out", &out, NULL, NULL, &e), 0);
	CU_ASSERT_EQUAL(out.recipients, 0);
	CU_ASSERT_EQUAL(out.unchanged, 1);
	CU_ASSERT_STRING_EQUAL(out.why, "it goes there already");
	CU_ASSERT_EQUAL(w.n_waiting, 0);
	t.v = far;
	t.n = 1;
	CU_ASSERT_EQUAL(
	    q_op_redirect(w.q, &t, "out2", &out, NULL, NULL, &e), ERR_REFUSED);
	t = (struct q_op_target){.message = 4711};
	CU_ASSERT_EQUAL(
	    q_op_redirect(w.q, &t, "out2", &out, NULL, NULL, &e), ERR_REFUSED);
	/* a channel has it */
	t = all_of(s);
	CU_ASSERT_TRUE(world_next(&w, "smtp", &work));
	CU_ASSERT_EQUAL(
	    q_op_redirect(w.q, &t, "out2", &out, world_done, &w, &e), 0);
	CU_ASSERT_EQUAL(out.recipients, 0);
	CU_ASSERT_EQUAL(out.busy, 1);
	CU_ASSERT_EQUAL(w.n_waiting, 0);
	probe = world_summary(&w, 1, MHS_CONTENT_NONE, "bravo");
	probe->kind = MHS_PROBE;
	q_queue_submitted(w.q, probe);
	t = all_of(probe);
	CU_ASSERT_EQUAL(
	    q_op_redirect(w.q, &t, "out", &out, NULL, NULL, &e), ERR_REFUSED);
	CU_ASSERT_EQUAL(
	    q_op_redirect(w.q, &t, "charlie", &out, NULL, NULL, &e), 0);
	world_durable(&w);
	CU_ASSERT_TRUE(world_next(&w, "x400p1", &work));
	world_end(&w);
}

/* --- return, delete --- */

static void
a_return_tells_who_wants_to_be_told(void)
{
	for (unsigned how = 0; how < 3; how++) {
		struct world w;
		struct q_summary *s;
		struct q_op_result out;
		struct q_op_target t;
		struct q_work work;
		struct err e = ERR_INIT;

		world_begin(&w, CONF);
		s = submit(&w, 0, "out:n out2 out:n");
		t = all_of(s);
		CU_ASSERT_TRUE(world_next(&w, "smtp", &work));
		world_answer(&w, &work, Q_DEFERRED, 0, false);
		CU_ASSERT_EQUAL(
		    hold(&w, &t, true, &out), 0); /* it makes no difference */
		CU_ASSERT_EQUAL(
		    q_op_return(w.q, &t, &returned, &out, world_done, &w, &e),
		    0);
		CU_ASSERT_EQUAL(out.recipients, 3);
		CU_ASSERT_FALSE(world_next(&w, "report", &work));
		if (how > 0)
			world_restart(&w, CONF, how == 2, &s, 1);
		world_durable(&w);
		CU_ASSERT_EQUAL(w.done, 2);
		CU_ASSERT_FALSE(world_next(&w, "smtp", &work));
		CU_ASSERT_TRUE(world_next(&w, "report", &work));
		CU_ASSERT_EQUAL(work.n_outcomes, 2);
		CU_ASSERT_EQUAL(work.outcomes[0].result, Q_FAILED);
		CU_ASSERT_EQUAL(work.outcomes[0].diagnostic, 1);
		CU_ASSERT_STRING_EQUAL(
		    work.outcomes[0].text, "returned by the operator");
		world_answer(&w, &work, Q_TRANSFERRED, 0, false);
		world_durable(&w);
		CU_ASSERT_EQUAL(q_queue_messages(w.q), 0);
		world_end(&w);
	}
}

static void
a_deleted_message_is_gone_and_nobody_is_told(void)
{
	for (unsigned how = 0; how < 3; how++) {
		struct world w;
		struct q_summary *s;
		struct q_op_result out;
		struct q_op_target t;
		struct q_work work;
		struct err e = ERR_INIT;

		world_begin(&w, CONF);
		s = submit(&w, 0, "out:nw out2:nw");
		/* one to be reported, one that is late and to be told of */
		CU_ASSERT_TRUE(world_next(&w, "smtp", &work));
		world_answer(&w, &work, Q_FAILED, 0, false);
		world_durable(&w);
		w.now += INT64_C(2) * 3600 * 1000;
		world_tick(&w);
		CU_ASSERT_EQUAL(look(&w, NULL).n, 3);
		t = all_of(s);
		CU_ASSERT_EQUAL(
		    q_op_delete(w.q, &t, &out, world_done, &w, &e), 0);
		CU_ASSERT_EQUAL(out.recipients, 2);
		CU_ASSERT_EQUAL(q_queue_messages(w.q), 1);
		CU_ASSERT_FALSE(world_next(&w, "report", &work));
		CU_ASSERT_FALSE(world_next(&w, "smtp", &work));
		if (how > 0)
			world_restart(&w, CONF, how == 2, &s, 1);
		world_durable(&w);
		CU_ASSERT_EQUAL(w.done, 1);
		CU_ASSERT_EQUAL(q_queue_messages(w.q), 0);
		world_end(&w);
	}
}

static void
what_a_channel_has_is_not_deleted_under_its_hands(void)
{
	struct world w;
	struct q_summary *s;
	struct q_op_result out;
	struct q_op_target t;
	struct q_work work, report;
	struct err e = ERR_INIT;

	world_begin(&w, CONF);
	s = submit(&w, 0, "out:n out2:n");
	t = all_of(s);
	CU_ASSERT_TRUE(world_next(&w, "smtp", &work));
	CU_ASSERT_EQUAL(q_op_delete(w.q, &t, &out, NULL, NULL, &e), 0);
	CU_ASSERT_EQUAL(out.recipients, 1);
	CU_ASSERT_EQUAL(out.busy, 1);
	world_durable(&w);
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 1);
	world_answer(&w, &work, Q_FAILED, 0, false);
	/* what became of it is on its way */
	CU_ASSERT_EQUAL(q_op_delete(w.q, &t, &out, NULL, NULL, &e), 0);
	CU_ASSERT_EQUAL(out.busy, 1);
	world_durable(&w);
	CU_ASSERT_TRUE(world_next(&w, "report", &report));
	CU_ASSERT_EQUAL(q_op_delete(w.q, &t, &out, NULL, NULL, &e), 0);
	CU_ASSERT_EQUAL(out.busy, 1);
	/* its process dies: it may have made the report */
	q_queue_keep_segments(w.q, true);
	q_queue_lost(w.q, report.mlist, 7);
	CU_ASSERT_EQUAL(q_op_delete(w.q, &t, &out, NULL, NULL, &e), 0);
	CU_ASSERT_EQUAL(out.busy, 1);
	q_queue_scanned(w.q, 7);
	q_queue_keep_segments(w.q, false);
	CU_ASSERT_EQUAL(q_op_delete(w.q, &t, &out, NULL, NULL, &e), 0);
	CU_ASSERT_EQUAL(out.recipients, 1);
	CU_ASSERT_EQUAL(
	    q_op_delete(w.q, &t, &out, NULL, NULL, &e), ERR_REFUSED);
	world_durable(&w);
	CU_ASSERT_EQUAL(q_queue_messages(w.q), 0);
	world_end(&w);
}

/* The other late one is still told of. */
static void
a_warning_loses_only_those_that_are_deleted(void)
{
	static const uint32_t first[] = {0};
	struct world w;
	struct q_summary *s;
	struct q_op_result out;
	struct q_op_target t;
	struct q_work work;
	struct err e = ERR_INIT;

	world_begin(&w, CONF);
	s = submit(&w, 0, "out:w out:w");
	w.now += INT64_C(2) * 3600 * 1000;
	world_tick(&w);
	t = (struct q_op_target){s->id, first, 1};
	CU_ASSERT_EQUAL(q_op_delete(w.q, &t, &out, NULL, NULL, &e), 0);
	world_durable(&w);
	CU_ASSERT_TRUE(world_next(&w, "report", &work));
	CU_ASSERT_EQUAL(work.n_outcomes, 1);
	CU_ASSERT_EQUAL(work.outcomes[0].recipient, 1);
	CU_ASSERT_EQUAL(work.outcomes[0].result, Q_DELAYED);
	world_answer(&w, &work, Q_TRANSFERRED, 0, false);
	CU_ASSERT_TRUE(world_next(&w, "smtp", &work));
	CU_ASSERT_EQUAL(work.n_recipients, 1);
	CU_ASSERT_EQUAL(work.recipients[0], 1);
	world_durable(&w);
	world_end(&w);
}

/* --- stop --- */

static void
nothing_goes_out_of_what_is_stopped(void)
{
	static const struct {
		const char *channel, *peer;
		bool stops_second;
	} v[] = {
	    {"smtp", NULL, true}, {NULL, "out", false}, {"smtp", "out", false}};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct world w;
		struct q_work work;
		struct seen seen;
		struct err e = ERR_INIT;

		world_begin(&w, CONF);
		submit(&w, 0, "out out2");
		CU_ASSERT_EQUAL(
		    q_op_stop(w.q, v[i].channel, v[i].peer, true, &e), 0);
		seen = look(&w, NULL);
		CU_ASSERT_EQUAL(
		    seen.state[Q_VIEW_STOPPED], v[i].stops_second ? 2 : 1);
		CU_ASSERT_EQUAL(
		    world_next(&w, "smtp", &work), !v[i].stops_second);
		CU_ASSERT_EQUAL(
		    q_op_stop(w.q, v[i].channel, v[i].peer, false, &e), 0);
		CU_ASSERT_TRUE(world_next(&w, "smtp", &work));
		CU_ASSERT_EQUAL(
		    q_op_stop(w.q, "nothing", NULL, true, &e), ERR_CONFIG);
		CU_ASSERT_EQUAL(
		    q_op_stop(w.q, NULL, "nobody", true, &e), ERR_CONFIG);
		CU_ASSERT_EQUAL(
		    q_op_stop(w.q, "smtp", "bravo", true, &e), ERR_CONFIG);
		CU_ASSERT_EQUAL(q_op_retry_peer(w.q, "nobody", &e), ERR_CONFIG);
		world_end(&w);
	}
}

/* --- the listing --- */

static uint64_t
mailbox_hash(const char *mailbox)
{
	struct mhs_name n = {.mailbox = mailbox};

	return q_name_hash(&n);
}

static void
a_filter_lets_through_what_it_names_only(void)
{
	struct world w;
	struct q_work work;
	uint64_t ann = mailbox_hash("Ann@A.example"),
		 bob = mailbox_hash("bob@a.example");
	const struct {
		struct q_filter f;
		unsigned n;
	} v[] = {
	    {{0}, 6},
	    {{.channel = "smtp"}, 4},
	    {{.channel = "mixer"}, 2},
	    {{.channel = "smtp", .peer = "out2"}, 2},
	    {{.peer = "bravo"}, 2},
	    {{.peer = "nobody"}, 0},
	    {{.levels = 1u << Q_LEVEL_FLASH}, 3},
	    {{.levels = 1u << Q_LEVEL_FLASH | 1u << Q_LEVEL_PRIORITY}, 6},
	    {{.states = 1u << Q_VIEW_ACTIVE}, 1},
	    {{.states = 1u << Q_VIEW_READY}, 5},
	    {{.kinds = 1u << MHS_REPORT}, 0},
	    {{.kinds = 1u << MHS_MESSAGE}, 6},
	    {{.originator = ann}, 3},
	    {{.originator = bob}, 0},
	    {{.recipient = bob}, 1},
	    {{.recipient = bob, .peer = "out"}, 0},
	    {{.arrived_after = WORLD_START / 1000 + 1}, 3},
	    {{.arrived_after = WORLD_START / 1000}, 6},
	    {{.arrived_before = WORLD_START / 1000 + 1}, 3},
	    {{.after = 1}, 3},
	    {{.after = 2}, 0},
	};

	world_begin(&w, CONF);
	for (unsigned i = 0; i < 2; i++) {
		struct q_summary *s =
		    world_summary(&w, i, MHS_CONTENT_RFC822, "out out2 bravo");

		if (i == 1)
			s->level = Q_LEVEL_FLASH;
		if (i == 1)
			s->originator =
			    q_name_key(mailbox_hash("ann@a.EXAMPLE"));
		if (i == 0)
			s->rcpts[1].name = q_name_key(bob);
		q_queue_submitted(w.q, s);
		w.now += 1000;
	}
	CU_ASSERT_TRUE(world_next(&w, "smtp", &work));
	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		unsigned n = look(&w, &v[i].f).n;

		if (n != v[i].n)
			printf("filter %zu: %u\n", i, n);
		CU_ASSERT_EQUAL(n, v[i].n);
	}
	world_end(&w);
}

/* So that a rare address costs the scheduler no pause. */
static void
a_step_of_the_listing_is_bounded_also_when_nothing_matches(void)
{
	struct world w;
	struct q_filter f = {.recipient = mailbox_hash("rare@a.example")};
	struct q_cursor *c;
	struct seen s = {0};
	struct q_summary *last = NULL;
	unsigned steps = 0;

	world_begin(&w, CONF);
	for (unsigned i = 0; i < 1000; i++) {
		last = world_summary(&w, i, MHS_CONTENT_RFC822, "out");
		if (i == 999)
			last->rcpts[0].name = q_name_key(f.recipient);
		q_queue_submitted(w.q, last);
	}
	c = q_cursor_new(w.q);
	q_cursor_filter(c, &f);
	while (q_cursor_next(c, 100, see, &s))
		CU_ASSERT_TRUE(s.n == (++steps == 10));
	CU_ASSERT_TRUE(steps >= 9);
	CU_ASSERT_EQUAL(s.n, 1);
	CU_ASSERT_EQUAL(s.last.message, last->id);
	q_cursor_free(&c);
	world_end(&w);
}

static void
every_state_has_a_name_of_its_own(void)
{
	for (unsigned i = 0; i < Q_VIEW_STATES; i++)
		for (unsigned j = 0; j < i; j++)
			CU_ASSERT_STRING_NOT_EQUAL(
			    q_view_state_name(i), q_view_state_name(j));
}

static void
names_that_are_equal_have_one_hash(void)
{
	static const struct {
		const char *x, *y;
		bool same;
	} v[] = {
	    {"/S=Ray/O=EDDF/PRMD=EU/ADMD=ICAO/C=XX/",
		"S=ray; O=eddf; P=eu; A=Icao; C=xx", true},
	    {"/C=XX/ADMD= /PRMD=EU/O=a  b/", "/O=A B/PRMD=EU/C=XX/", true},
	    {"/S=Ray/O=EDDF/PRMD=EU/ADMD=ICAO/C=XX/",
		"/S=Roy/O=EDDF/PRMD=EU/ADMD=ICAO/C=XX/", false},
	    {"/S=a/O=b/C=XX/", "/S=b/O=a/C=XX/", false},
	    {"/DD.T=x/C=XX/", "/DD.U=x/C=XX/", false},
	};
	struct arena *a = arena_new();

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct mhs_name x = {.ora = mhs_or_parse(a, v[i].x, NULL)};
		struct mhs_name y = {.ora = mhs_or_parse(a, v[i].y, NULL)};

		CU_ASSERT_PTR_NOT_NULL_FATAL(x.ora);
		CU_ASSERT_PTR_NOT_NULL_FATAL(y.ora);
		CU_ASSERT_EQUAL(mhs_name_equal(&x, &y), v[i].same);
		CU_ASSERT_EQUAL(q_name_hash(&x) == q_name_hash(&y), v[i].same);
	}
	CU_ASSERT_EQUAL(
	    mailbox_hash("Joe@A.example"), mailbox_hash("joe@a.EXAMPLE"));
	CU_ASSERT_NOT_EQUAL(
	    mailbox_hash("joe@a.example"), mailbox_hash("jo@a.example"));
	CU_ASSERT_EQUAL(q_name_key(UINT64_C(7) << 32), 1);
	arena_free(&a);
}

/* --- all together --- */

/* With peers that stand in for each other. */
#define MUTUAL                                                                \
	"mta name=alpha country=XX admd=ALPHA hostname=a.e\n"                 \
	"scheduler retry-step=10s retry-max=60s reserve-urgent=0"             \
	" reserve-normal=0 warn-normal=1h\n"                                  \
	"channel name=x400p1\n"                                               \
	"channel name=smtp\n"                                                 \
	"peer name=bravo channel=x400p1 otherwise=charlie reroute-after=0s\n" \
	"peer name=charlie channel=x400p1 otherwise=bravo reroute-after=0s\n" \
	"peer name=out channel=smtp otherwise=bravo reroute-after=20s\n"      \
	"peer name=out2 channel=smtp otherwise=out reroute-after=0s\n"

#define MANY 12
static const char *const channels[] = {"x400p1", "smtp", "mixer", "report"};

static uint32_t
draw(uint64_t *seed, uint32_t below)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(*seed >> 33) % below;
}

static void
one_word(struct world *w, uint64_t *seed, q_id id)
{
	static const char *const peers[] = {"bravo", "charlie", "out", "out2"};
	uint32_t some[2] = {draw(seed, 4), draw(seed, 4)};
	struct q_op_target t = {id, some, draw(seed, 3)};
	struct q_op_result out;
	uint32_t n = draw(seed, 4);

	switch (draw(seed, 8)) {
	case 0: q_op_hold(w->q, &t, true, &out, NULL, NULL, NULL); break;
	case 1: q_op_hold(w->q, &t, false, &out, NULL, NULL, NULL); break;
	case 2: q_op_retry(w->q, &t, &out, NULL); break;
	case 3: q_op_set_level(w->q, id, n, NULL, NULL, NULL); break;
	case 4:
	case 5:
		q_op_redirect(w->q, &t, peers[n], &out, NULL, NULL, NULL);
		break;
	case 6:
		t.n = 1;
		q_op_return(w->q, &t, &returned, &out, NULL, NULL, NULL);
		break;
	case 7:
		t.n = 1;
		if (n == 0)
			q_op_delete(w->q, &t, &out, NULL, NULL, NULL);
		break;
	}
}

static void
one_answer(struct world *w, uint64_t *seed, bool good)
{
	static const enum q_result results[] = {
	    Q_DEFERRED, Q_TRANSFERRED, Q_FAILED, Q_DELIVERED};
	const char *channel = channels[draw(seed, 4)];
	enum q_result result = good ? Q_TRANSFERRED : results[draw(seed, 4)];
	struct q_work work;
	bool error;

	if (!world_next(w, channel, &work))
		return;
	if (strcmp(channel, "mixer") == 0)
		result = Q_CONVERTED;
	if (strcmp(channel, "report") == 0)
		result = draw(seed, 2) || good ? Q_TRANSFERRED : Q_DEFERRED;
	error = result == Q_DEFERRED && draw(seed, 2);
	if (!good && draw(seed, 6) == 0)
		q_queue_lost(w->q, work.mlist, 0);
	else
		world_answer(w, &work, result,
		    result == Q_CONVERTED ? q_id_make(50, 128) : 0, error);
}

/* Every recipient comes to an end, whatever the operator said meanwhile. */
static void
whatever_is_said_in_whatever_order_nothing_is_stuck(void)
{
	for (uint64_t round = 0; round < 300; round++) {
		struct world w;
		struct q_summary *s[MANY];
		struct q_op_result out;
		uint64_t seed = round;

		world_begin(&w, MUTUAL);
		for (unsigned i = 0; i < MANY; i++) {
			s[i] = world_summary(&w, i,
			    i % 2 ? MHS_CONTENT_P22 : MHS_CONTENT_RFC822,
			    "out:n bravo:dnw out2 charlie:n");
			q_queue_submitted(w.q, s[i]);
		}
		for (unsigned i = 0; i < 400; i++) {
			one_word(&w, &seed, s[draw(&seed, MANY)]->id);
			one_answer(&w, &seed, false);
			if (draw(&seed, 3) == 0)
				world_durable(&w);
			if (draw(&seed, 20) == 0)
				w.now += 60000;
			world_tick(&w);
			if (draw(&seed, 150) == 0)
				world_restart(
				    &w, MUTUAL, draw(&seed, 2), s, MANY);
		}
		for (unsigned i = 0; i < MANY; i++) {
			struct q_op_target t = all_of(s[i]);

			world_durable(&w);
			q_op_hold(w.q, &t, false, &out, NULL, NULL, NULL);
		}
		for (unsigned i = 0; i < 2000 && q_queue_messages(w.q) > 0;
		     i++) {
			one_answer(&w, &seed, true);
			world_durable(&w);
			w.now += 1000;
			world_tick(&w);
		}
		CU_ASSERT_EQUAL(q_queue_messages(w.q), 0);
		world_durable(&w);
		world_end(&w);
	}
}

void
suite_qmgr_operator(void)
{
	static CU_TestInfo tests[] = {
	    TEST(what_is_held_stays_until_it_is_released),
	    TEST(what_is_out_is_held_when_it_comes_back),
	    TEST(what_is_so_already_is_not_changed),
	    TEST(some_recipients_are_held_and_the_others_go),
	    TEST(a_release_does_not_end_deferred_delivery),
	    TEST(a_held_message_expires_and_its_report_goes_out),
	    TEST(a_retry_ends_back_off_and_the_peers_hold),
	    TEST(a_new_level_overtakes_and_survives_but_expires_as_before),
	    TEST(a_redirected_recipient_begins_its_plan_at_the_first_step),
	    TEST(one_that_is_sent_back_was_tried_nowhere_else),
	    TEST(without_the_peer_it_was_sent_to_it_is_routed_as_now),
	    TEST(what_cannot_be_redirected_is_refused_with_its_reason),
	    TEST(a_return_tells_who_wants_to_be_told),
	    TEST(a_deleted_message_is_gone_and_nobody_is_told),
	    TEST(what_a_channel_has_is_not_deleted_under_its_hands),
	    TEST(a_warning_loses_only_those_that_are_deleted),
	    TEST(nothing_goes_out_of_what_is_stopped),
	    TEST(a_filter_lets_through_what_it_names_only),
	    TEST(a_step_of_the_listing_is_bounded_also_when_nothing_matches),
	    TEST(every_state_has_a_name_of_its_own),
	    TEST(names_that_are_equal_have_one_hash),
	    TEST(whatever_is_said_in_whatever_order_nothing_is_stuck),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("qmgr_operator", tests);
}
