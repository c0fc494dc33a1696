/*
 * A channel's associations and queues, over sockets of this machine, without
 * qmgr: work is put into a peer's queue, and the test is the peer.
 */
#ifndef TESTS_P1_X400P1_WORLD_H
#define TESTS_P1_X400P1_WORLD_H

#include "p1/x400p1.h"

#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"
#include "tests/unit/qmgr_config.h"
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
	unsigned late;        /* the time was over */
	const char *password; /* that call() presents */
	enum p1_protocol by;
};

static inline void
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

static inline void
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

static inline void
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

static inline void
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

static inline void
on_late(void *arg)
{
	struct world *w = arg;

	w->late++;
	loop_stop(w->us.loop);
}

/* Until something connects, or for so long. */
static inline void
run(struct world *w, msec_t ms)
{
	struct loop_timer *t = loop_timer_set(w->us.loop, ms, on_late, w);
	unsigned late = w->late;

	loop_run(w->us.loop);
	if (w->late == late)
		loop_timer_cancel(&t);
}

static inline void
run_until(struct world *w, const unsigned *n, unsigned wanted)
{
	while (*n < wanted && w->late == 0)
		run(w, WAIT_MS);
	CU_ASSERT_EQUAL(*n, wanted);
}

static inline struct x_job *
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
	j->level = q_level_make(priority, false);
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

static inline struct x_link *
open_link(struct world *w)
{
	struct x_link *l;

	w->remotes[0].answers = &w->them;
	x_link_open(&w->peers[0]);
	while (!(l = w->us.links)->opened && w->late < 50)
		run(w, 20);
	w->late = 0;
	CU_ASSERT_FATAL(l->opened);
	return l;
}

#endif
