/* The channel's associations and queues, over sockets of this machine, without
 * qmgr: work is put into a peer's queue, and the test is the peer. */
#include "p1/x400p1.h"

#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "tests/unit/unit.h"

#define WAIT_MS 3000

struct remote {
	struct world *world;
	struct loop_listener *listener;
	struct x400p1 *answers; /* NULL: it is silent */
	char address[32];
	int fd; /* the last connection, of a silent one */
	unsigned connections;
};

struct world {
	struct x400p1 us, them;
	struct x_peer peers[2], caller; /* alpha and bravo; us, to them */
	struct remote remotes[2];
	unsigned late; /* the time was over */
};

static void
on_accept(void *arg, int fd, const char *peer)
{
	struct remote *r = arg;

	(void)peer;
	r->connections++;
	if (r->answers != NULL)
		x_link_take(r->answers, fd, NULL, 0, NULL);
	else
		r->fd = fd;
	loop_stop(r->world->us.loop);
}

static void
listen_on(struct world *w, struct remote *r)
{
	int fd = net_listen("127.0.0.1:0", NULL);
	struct sockaddr_in sin;
	socklen_t n = sizeof(sin);

	getsockname(fd, (struct sockaddr *)&sin, &n);
	snprintf(r->address, sizeof(r->address), "127.0.0.1:%u",
	    ntohs(sin.sin_port));
	r->world = w;
	r->fd = -1;
	r->listener = loop_listen(w->us.loop, fd, on_accept, r);
}

static void
begin(struct world *w, unsigned max_links)
{
	static const char *const names[] = {"alpha", "bravo"};

	*w = (struct world){0};
	w->us = (struct x400p1){.loop = loop_new(),
	    .arena = arena_new(),
	    .us.mta = "us",
	    .hostname = "us",
	    .idle_timeout = 60000,
	    .silence = 60000,
	    .transfer_timeout = {60000, 60000, 60000},
	    .max_links = max_links,
	    .service = -1};
	w->them = w->us;
	w->them.peers = &w->caller;
	w->caller =
	    (struct x_peer){.channel = &w->them, .name = "us", .mta = "us"};
	for (unsigned i = 0; i < 2; i++) {
		listen_on(w, &w->remotes[i]);
		w->peers[i] = (struct x_peer){.next = w->us.peers,
		    .channel = &w->us,
		    .name = names[i],
		    .address = w->remotes[i].address,
		    .our_mta = "us",
		    .window_size = 3,
		    .max_links = 2};
		w->us.peers = &w->peers[i];
	}
	log_set_level(LOG_LEVEL_ERROR + 1);
}

static void
finish(struct world *w)
{
	for (unsigned i = 0; i < 2; i++) {
		loop_listener_close(&w->remotes[i].listener);
		if (w->remotes[i].fd >= 0)
			close(w->remotes[i].fd);
	}
	x_links_free(&w->us);
	x_links_free(&w->them);
	x_out_free(&w->us);
	arena_free(&w->us.arena);
	loop_free(&w->us.loop);
	log_set_level(LOG_LEVEL_INFO);
}

static void
on_late(void *arg)
{
	struct world *w = arg;

	w->late++;
	loop_stop(w->us.loop);
}

/* Until something connects, or for so long. */
static void
run(struct world *w, msec_t ms)
{
	struct loop_timer *t = loop_timer_set(w->us.loop, ms, on_late, w);
	unsigned late = w->late;

	loop_run(w->us.loop);
	if (w->late == late)
		loop_timer_cancel(&t);
}

static void
run_until(struct world *w, const unsigned *n, unsigned wanted)
{
	while (*n < wanted && w->late == 0)
		run(w, WAIT_MS);
	CU_ASSERT_EQUAL(*n, wanted);
}

static struct x_job *
job(struct x_peer *p, enum mhs_priority priority)
{
	struct q_record *r = xcalloc(1, sizeof(*r));
	struct mhs_recipient *rcpt;
	struct mhs_trace *t;
	struct x_job *j;

	r->arena = arena_new();
	j = ARENA_NEW(r->arena, struct x_job);
	j->record = r;
	j->channel = p->channel;
	j->peer = p;
	j->env = mhs_envelope_new(r->arena, MHS_MESSAGE);
	j->env->priority = priority;
	j->env->id = (struct mhs_mts_id){{"XX", "US", NULL}, "m1"};
	j->env->originator.ora =
	    mhs_or_parse(r->arena, "C=XX; A=US; S=Ray", NULL);
	j->env->content_type = MHS_CONTENT_P22;
	rcpt = mhs_recipient_add(r->arena, j->env);
	rcpt->name = j->env->originator;
	rcpt->number = 1;
	rcpt->responsible = true;
	t = mhs_trace_add(r->arena, j->env);
	t->domain = j->env->id.domain;
	t->arrival = 1700000000;
	return j;
}

static void
a_place_that_becomes_free_goes_to_the_peer_that_waits(void)
{
	struct err e = ERR_INIT;
	struct world w;

	begin(&w, 1);
	CU_ASSERT_EQUAL(x_link_open(&w.peers[0], &e), 0);
	run_until(&w, &w.remotes[0].connections, 1);
	x_out_add(&w.peers[1], job(&w.peers[1], MHS_NORMAL));
	CU_ASSERT_EQUAL(w.us.n_outgoing, 1);
	CU_ASSERT_EQUAL(w.peers[1].n_links, 0);
	close(w.remotes[0].fd);
	w.remotes[0].fd = -1;
	run_until(&w, &w.remotes[1].connections, 1);
	CU_ASSERT_EQUAL(w.peers[1].n_waiting, 1);
	CU_ASSERT_EQUAL(w.us.n_outgoing, 1);
	finish(&w);
}

static void
an_association_without_work_makes_room(void)
{
	struct err e = ERR_INIT;
	struct world w;

	begin(&w, 1);
	w.remotes[0].answers = &w.them;
	CU_ASSERT_EQUAL(x_link_open(&w.peers[0], &e), 0);
	run(&w, WAIT_MS);
	while (w.us.links != NULL && w.us.links->idle == NULL && w.late < 50)
		run(&w, 20);
	w.late = 0;
	CU_ASSERT_PTR_NOT_NULL_FATAL(w.us.links);
	CU_ASSERT(w.us.links->opened);
	CU_ASSERT_PTR_NOT_NULL(w.us.links->idle);
	x_out_add(&w.peers[1], job(&w.peers[1], MHS_NORMAL));
	run_until(&w, &w.remotes[1].connections, 1);
	CU_ASSERT_EQUAL(w.peers[0].n_links, 0);
	CU_ASSERT_EQUAL(w.them.n_incoming, 0);
	finish(&w);
}

static void
an_association_that_has_carried_much_yields(void)
{
	struct err e = ERR_INIT;
	struct world w;

	begin(&w, 1);
	w.remotes[0].answers = &w.them;
	CU_ASSERT_EQUAL(x_link_open(&w.peers[0], &e), 0);
	x_out_add(&w.peers[1], job(&w.peers[1], MHS_NORMAL));
	CU_ASSERT_EQUAL(w.us.n_outgoing, 1);
	w.us.links->used = 1000;
	/* opened, it would take this one */
	x_out_add(&w.peers[0], job(&w.peers[0], MHS_URGENT));
	run_until(&w, &w.remotes[1].connections, 1);
	CU_ASSERT_EQUAL(w.peers[0].n_waiting, 1);
	finish(&w);
}

static void
silent_callers_take_no_place(void)
{
	struct world w;
	int fds[5][2];

	begin(&w, 2);
	w.remotes[0].answers = &w.them;
	for (unsigned i = 0; i < 5; i++) {
		CU_ASSERT_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, fds[i]), 0);
		x_link_take(&w.them, fds[i][0], NULL, 0, NULL);
		x_link_take(&w.us, dup(fds[i][0]), NULL, 0, NULL);
	}
	/* we call in spite of ours, they answer in spite of theirs */
	x_out_add(&w.peers[0], job(&w.peers[0], MHS_NORMAL));
	run_until(&w, &w.remotes[0].connections, 1);
	CU_ASSERT_EQUAL(w.us.n_incoming, 2);
	x_out_free(&w.us); /* nobody is there to take it */
	run(&w, 100);
	CU_ASSERT_EQUAL(w.them.n_incoming, 2);
	CU_ASSERT(w.caller.name == w.them.links->peer->name);
	CU_ASSERT(w.them.links->opened);
	for (unsigned i = 0; i < 5; i++)
		close(fds[i][1]);
	finish(&w);
}

/* Urgent before normal before non-urgent, each in the order it came. */
static void
the_most_urgent_waits_first(void)
{
	static const enum mhs_priority order[] = {
	    MHS_NORMAL, MHS_NON_URGENT, MHS_URGENT, MHS_NORMAL, MHS_URGENT};
	static const unsigned sorted[] = {2, 4, 0, 3, 1};
	struct x_job *jobs[5], *j;
	struct world w;
	unsigned i;

	begin(&w, 0);
	for (i = 0; i < 5; i++) {
		jobs[i] = job(&w.peers[0], order[i]);
		x_out_add(&w.peers[0], jobs[i]);
	}
	for (i = 0, j = w.peers[0].first; j != NULL && i < 5; j = j->next)
		CU_ASSERT_PTR_EQUAL(j, jobs[sorted[i++]]);
	CU_ASSERT_EQUAL(i, 5);
	CU_ASSERT_EQUAL(w.peers[0].n_waiting, 5);
	finish(&w);
}

/* Something of the engine's below is wrong, not the message. */
static void
a_message_that_could_not_be_begun_waits_again(void)
{
	struct err e = ERR_INIT;
	struct world w;
	struct x_link *l;

	begin(&w, 1);
	w.remotes[0].answers = &w.them;
	CU_ASSERT_EQUAL(x_link_open(&w.peers[0], &e), 0);
	run(&w, WAIT_MS);
	l = w.us.links;
	while (l->idle == NULL && w.late < 50)
		run(&w, 20);
	CU_ASSERT_PTR_NOT_NULL_FATAL(l->idle);
	w.late = 0;
	CU_ASSERT_EQUAL(rtse_transfer_begin(p1_rtse(l->p1), 4, &e), 0);
	l->used = 1;
	w.peers[0].max_links = 1; /* not opened again */
	x_out_add(&w.peers[0], job(&w.peers[0], MHS_NORMAL));
	CU_ASSERT(l->ended);
	CU_ASSERT_EQUAL(w.peers[0].n_waiting, 1);
	finish(&w);
}

void
suite_p1_x400p1(void)
{
	static CU_TestInfo tests[] = {
	    TEST(a_place_that_becomes_free_goes_to_the_peer_that_waits),
	    TEST(an_association_without_work_makes_room),
	    TEST(an_association_that_has_carried_much_yields),
	    TEST(silent_callers_take_no_place),
	    TEST(the_most_urgent_waits_first),
	    TEST(a_message_that_could_not_be_begun_waits_again),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("p1_x400p1", tests);
}
