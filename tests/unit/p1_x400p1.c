/* The channel's associations and queues, over sockets of this machine, without
 * qmgr: work is put into a peer's queue, and the test is the peer. */
#include "p1/label.h"

#include <arpa/inet.h>

#include "tests/unit/p1_x400p1_world.h"

static void
a_place_that_becomes_free_goes_to_the_peer_that_waits(void)
{
	struct world w;

	begin(&w, 1);
	x_link_open(&w.peers[0]);
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
	struct world w;

	begin(&w, 1);
	w.remotes[0].answers = &w.them;
	x_link_open(&w.peers[0]);
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
	struct world w;

	begin(&w, 1);
	w.remotes[0].answers = &w.them;
	x_link_open(&w.peers[0]);
	x_out_add(&w.peers[1], job(&w.peers[1], MHS_NORMAL));
	CU_ASSERT_EQUAL(w.us.n_outgoing, 1);
	w.us.links->used = 1000;
	/* opened, it would take this one */
	x_out_add(&w.peers[0], job(&w.peers[0], MHS_URGENT));
	run_until(&w, &w.remotes[1].connections, 1);
	CU_ASSERT_EQUAL(w.peers[0].n_waiting, 1);
	finish(&w);
}

/* Not before it carried twenty, and only while all places are taken. */
static void
an_association_yields_after_twenty(void)
{
	static const struct {
		unsigned used, max_links, permanent;
		bool waits, yields;
	} t[] = {
	    {19, 1, 0, true, false},
	    {20, 1, 0, true, true},
	    {20, 2, 0, true, false},
	    {20, 1, 0, false, false},
	    {20, 1, 1, true, false},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct world w;

		begin(&w, t[i].max_links);
		x_link_open(&w.peers[0]);
		w.peers[0].permanent = t[i].permanent;
		w.us.links->used = t[i].used;
		w.peers[1].n_waiting = t[i].waits;
		CU_ASSERT_EQUAL(x_pool_must_yield(w.us.links), t[i].yields);
		w.peers[1].n_waiting = 0;
		finish(&w);
	}
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
		x_link_take(&w.us, dup(fds[i][0]), NULL, 0, NULL);
		x_link_take(&w.them, fds[i][0], NULL, 0, NULL);
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

/* A connection from a host of this one, that says nothing. */
static struct x_link *
stranger(struct world *w, int listener, const char *host, int *fd)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	struct sockaddr_in to;
	socklen_t n = sizeof(to);
	char address[32];

	CU_ASSERT_EQUAL(inet_pton(AF_INET, host, &sin.sin_addr), 1);
	getsockname(listener, (struct sockaddr *)&to, &n);
	*fd = socket(AF_INET, SOCK_STREAM, 0);
	CU_ASSERT_EQUAL(bind(*fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	CU_ASSERT_EQUAL(connect(*fd, (struct sockaddr *)&to, n), 0);
	x_link_take(&w->us, accept(listener, NULL, NULL), NULL, 0, NULL);
	CU_ASSERT_STRING_EQUAL(host,
	    inet_ntop(AF_INET, w->us.links->from.s6_addr + 12, address,
		sizeof(address)));
	return w->us.links;
}

/* A stranger who opens many loses his newest, a slow caller keeps its place; a
 * peer's address is last; where all have one, the oldest goes. */
static void
who_opens_many_without_a_bind_loses_his_own(void)
{
	static const struct {
		const char *hosts[4],
		    *peer; /* in the order of calls; places: 3 */
		unsigned goes;
	} t[] = {
	    {{"127.0.0.9", "127.0.0.2", "127.0.0.2", "127.0.0.2"}, NULL, 3},
	    {{"127.0.0.2", "127.0.0.2", "127.0.0.9", "127.0.0.8"}, NULL, 1},
	    {{"127.0.0.9", "127.0.0.2", "127.0.0.3", "127.0.0.4"}, NULL, 0},
	    {{"127.0.0.9", "127.0.0.2", "127.0.0.3", "127.0.0.4"},
		"127.0.0.9:102", 1},
	    {{"127.0.0.9", "127.0.0.9", "127.0.0.9", "127.0.0.4"},
		"127.0.0.9:102", 3},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		int listener = net_listen("127.0.0.1:0", NULL), fds[4];
		struct x_link *links[4];
		struct world w;

		begin(&w, 3);
		w.peers[0].address = t[i].peer;
		for (unsigned k = 0; k < 4; k++)
			links[k] =
			    stranger(&w, listener, t[i].hosts[k], &fds[k]);
		for (unsigned k = 0; k < 4; k++)
			CU_ASSERT_EQUAL(links[k]->ended, k == t[i].goes);
		run(&w, 20);
		CU_ASSERT_EQUAL(w.us.n_incoming, 3);
		for (unsigned k = 0; k < 4; k++)
			close(fds[k]);
		close(listener);
		finish(&w);
	}
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
	struct x_job *again;
	struct world w;
	struct x_link *l;

	begin(&w, 1);
	w.remotes[0].answers = &w.them;
	x_link_open(&w.peers[0]);
	run(&w, WAIT_MS);
	l = w.us.links;
	while (l->idle == NULL && w.late < 50)
		run(&w, 20);
	CU_ASSERT_PTR_NOT_NULL_FATAL(l->idle);
	w.late = 0;
	CU_ASSERT_EQUAL(rtse_transfer_begin(p1_rtse(l->p1), 4, &e), 0);
	l->used = 1;
	w.peers[0].max_links = 1; /* not opened again */
	again = job(&w.peers[0], MHS_NORMAL);
	again->record->passed = 4096; /* of an attempt before */
	x_out_add(&w.peers[0], again);
	CU_ASSERT(l->ended);
	CU_ASSERT_EQUAL(again->record->passed, 0);
	CU_ASSERT_EQUAL(w.peers[0].n_waiting, 1);
	finish(&w);
}

static struct x_in *
being_committed(struct x_link *l)
{
	struct x_in *in = xcalloc(1, sizeof(*in));

	in->link = l;
	in->channel = l->channel;
	in->commits = 1;
	l->in = in;
	return in;
}

/* What is on its way to disk stays ours until it is there; meanwhile the peer
 * can begin no more, and the end of the association changes nothing. */
static void
what_is_given_up_too_late_holds_the_peer_back(void)
{
	struct err e = ERR_INIT;
	struct p1_event lost = {.type = P1_IN_LOST, .err = &e};
	struct x_in *first, *second;
	struct world w;
	struct x_link *l;

	begin(&w, 1);
	w.remotes[0].answers = &w.them;
	x_link_open(&w.peers[0]);
	run(&w, WAIT_MS);
	l = w.them.links;
	while (!l->opened && w.late < 50)
		run(&w, 20);
	w.late = 0;
	CU_ASSERT_FATAL(l->opened);
	CU_ASSERT(p1_engine_ops.wants_input(l->p1));
	first = being_committed(l);
	x_in_event(l, &lost);
	CU_ASSERT(!p1_engine_ops.wants_input(l->p1));
	CU_ASSERT_PTR_NULL(l->in);
	CU_ASSERT_PTR_EQUAL(l->late, first);
	second = being_committed(l);
	x_in_event(l, &lost);
	CU_ASSERT_PTR_EQUAL(l->late, second);
	CU_ASSERT_PTR_EQUAL(second->next, first);
	x_in_drop(l);
	CU_ASSERT_PTR_NULL(l->late);
	CU_ASSERT_PTR_NULL(first->link);
	CU_ASSERT_PTR_NULL(second->link);
	free(first);
	free(second);
	/* nothing on its way: it is forgotten at once */
	being_committed(l)->commits = 0;
	x_in_event(l, &lost);
	CU_ASSERT_PTR_NULL(l->late);
	finish(&w);
}

/* The caller's first association, open and with work that does not end. */
static struct x_link *
busy_link(struct world *w)
{
	struct x_link *l = open_link(w);

	l->job = job(&w->peers[0], MHS_NORMAL);
	w->peers[0].busy[X_NORMAL]++;
	return l;
}

/* The second bind is refused while the first association works: it is tried
 * again, but at first after a second, and then ever more rarely. */
static void
a_peer_that_gives_no_more_is_not_asked_at_once(void)
{
	struct world w;
	struct x_peer *p = &w.peers[0];

	begin(&w, 5);
	p->max_links = 3;
	w.caller.max_incoming = 1;
	busy_link(&w);
	x_out_add(p, job(p, MHS_NORMAL));
	while (w.late < 12)
		run(&w, 50);
	CU_ASSERT_EQUAL(w.remotes[0].connections, 2);
	CU_ASSERT_EQUAL(p->n_waiting, 1);
	CU_ASSERT_EQUAL(p->n_links, 1);
	while (w.late < 30)
		run(&w, 50);
	CU_ASSERT_EQUAL(w.remotes[0].connections, 3);
	CU_ASSERT_EQUAL(p->hold_ms, 2000);
	CU_ASSERT_PTR_NOT_NULL(p->held);
	/* it has room again: what it gives ends the back-off */
	x_out_free(&w.us);
	w.caller.max_incoming = 2;
	x_link_open(p);
	while (w.late < 60 && p->hold_ms != 0)
		run(&w, 20);
	CU_ASSERT_EQUAL(p->hold_ms, 0);
	finish(&w);
}

/* It has not said yet what it is; but the place and the memory are taken. */
static void
a_peer_that_stops_in_an_envelope_is_left(void)
{
	struct err e = ERR_INIT;
	struct world w;
	struct x_link *l;

	begin(&w, 5);
	w.them.silence = 100;
	l = open_link(&w);
	run(&w, 300);
	CU_ASSERT_EQUAL(w.them.n_incoming, 1); /* nothing is under way */
	CU_ASSERT_EQUAL(rtse_transfer_begin(p1_rtse(l->p1), 100, &e), 0);
	conn_wake(l->conn);
	w.late = 0;
	while (w.late < 20 && w.them.n_incoming > 0)
		run(&w, 50);
	CU_ASSERT_EQUAL(w.them.n_incoming, 0);
	finish(&w);
}

/* What a receiver keeps is found by it: another process, which counts from one
 * as well and calls in the same second, must not have it again. */
static void
no_two_associations_have_the_same_identifier(void)
{
	struct ses_conn_id id[2];
	struct world w;

	for (int i = 0; i < 2; i++) {
		begin(&w, 1);
		x_link_open(&w.peers[0]);
		id[i] = *rtse_conn_id(p1_rtse(w.us.links->p1));
		finish(&w);
	}
	CU_ASSERT(id[0].user_n != id[1].user_n ||
	    memcmp(id[0].user, id[1].user, id[0].user_n) != 0);
}

/* --- peers --- */

static void
networks_are_those_of_the_text(void)
{
	static const struct {
		const char *text;
		int result;
		size_t n;
	} t[] = {
	    {"127.0.0.1", 0, 1},
	    {"192.0.2.0/24 2001:db8::/32", 0, 2},
	    {"0.0.0.0/0", 0, 1},
	    {"192.0.2.0/33", ERR_SYNTAX, 1},
	    {"2001:db8::/129", ERR_SYNTAX, 1},
	    {"192.0.2.0/", ERR_SYNTAX, 1},
	    {"192.0.2.0/-1", ERR_SYNTAX, 1},
	    {"example.com", ERR_SYNTAX, 1},
	};
	struct arena *a = arena_new();

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct x_net *v = NULL;
		size_t n = 0;

		CU_ASSERT_EQUAL(
		    x_nets_parse(a, t[i].text, &v, &n, NULL), t[i].result);
		CU_ASSERT_EQUAL(n, t[i].n);
	}
	arena_free(&a);
}

/* A call from 127.0.0.1, by the selector "T". */
static struct x_peer *
call(struct world *w, struct x_peer *peers, struct p1_peer_auth *out)
{
	struct osi_selectors from = {.tsel = {true, 1, "T"}};
	struct p1_bind b = {.mta = "us", .credentials = P1_CRED_SIMPLE};
	struct p1_caller caller = {.mta = "us",
	    .bind = &b,
	    .from = &from,
	    .to = &from,
	    .protocol = w->by};
	struct err e = ERR_INIT;
	struct x_peer *found = NULL;

	if (w->password != NULL)
		b.password = (struct octets){
		    (const uint8_t *)w->password, strlen(w->password)};
	w->them.peers = peers;
	x_link_take(
	    &w->them, net_connect(w->remotes[0].address, &e), NULL, 0, NULL);
	if (x_lookup(w->them.links, &caller, out))
		found = w->them.links->peer;
	w->them.links->peer = NULL;
	return found;
}

static void
a_caller_is_who_fits_in_all(void)
{
	static const struct {
		const char *nets, *tsel;
		bool in;
	} t[] = {
	    {NULL, NULL, true},
	    {"127.0.0.1", NULL, true},
	    {"192.0.2.0/24 127.0.0.0/8", NULL, true},
	    {"127.0.0.2", NULL, false},
	    {"126.0.0.0/8", NULL, false},
	    {"::/1", "T", true},
	    {NULL, "T", true},
	    {NULL, "U", false},
	    {NULL, "", false},
	};
	struct p1_peer_auth out;
	struct world w;

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct x_peer *p;

		begin(&w, 2);
		p = &w.caller;
		p->protocol = P1_MTS_TRANSFER_1984;
		if (t[i].nets != NULL)
			CU_ASSERT_EQUAL(x_nets_parse(w.us.arena, t[i].nets,
					    &p->nets, &p->n_nets, NULL),
			    0);
		osi_sel_parse(t[i].tsel, &p->calling.tsel, NULL);
		CU_ASSERT_EQUAL(call(&w, p, &out) == p, t[i].in);
		if (t[i].in)
			CU_ASSERT_EQUAL(
			    out.protocols, 1 << P1_MTS_TRANSFER_1984);
		finish(&w);
	}
}

/* It fits in all but that, and is told so; one of the same name that need not
 * is who calls. */
static void
who_must_speak_tls_and_does_not_is_not_confidential(void)
{
	struct p1_peer_auth out;
	struct x_peer plain;
	struct world w;

	begin(&w, 2);
	w.caller.tls = (struct tls *)&w; /* not looked into: nobody speaks it */
	CU_ASSERT_PTR_EQUAL(call(&w, &w.caller, &out), &w.caller);
	CU_ASSERT(out.not_confidential);
	plain = w.caller;
	plain.tls = NULL;
	plain.next = NULL;
	w.caller.next = &plain;
	CU_ASSERT_PTR_EQUAL(call(&w, &w.caller, &out), &plain);
	CU_ASSERT(!out.not_confidential);
	finish(&w);
}

/* A recovery says nothing of who calls: not where that has to be shown. */
static void
an_association_is_recovered_within_the_hour_from_its_host(void)
{
	struct osi_selectors from = {.tsel.present = false};
	struct p1_caller back = {.mta = "", .from = &from};
	struct p1_peer_auth out;
	struct ses_conn_id id;
	struct x_link *l;
	struct world w;

	for (int i = 0; i < 6; i++) {
		begin(&w, 5);
		w.caller.recover = i != 1;
		w.caller.password = i == 2 ? "secret" : NULL;
		w.caller.tls = i == 3 ? (struct tls *)&w : NULL;
		call(&w, &w.caller, &out);
		l = w.them.links;
		l->peer = &w.caller;
		x_lost_add(l);
		CU_ASSERT_EQUAL(w.them.n_lost, i == 0 || i > 3);
		id = *rtse_conn_id(p1_rtse(l->p1));
		back.recover = &id;
		l->peer = NULL;
		if (i == 4)
			w.them.lost[0].at -= 3600 * 1000 + 1;
		if (i == 5)
			w.them.lost[0].from.s6_addr[15] ^= 1;
		CU_ASSERT_EQUAL(x_lookup(l, &back, &out), i == 0);
		CU_ASSERT(!x_lookup(l, &back, &out)); /* each once */
		l->peer = NULL;
		w.caller.tls = NULL;
		finish(&w);
	}
}

static void
of_two_with_one_name_the_one_that_fits_is_taken(void)
{
	struct p1_peer_auth out;
	struct x_peer elsewhere;
	struct world w;

	begin(&w, 2);
	elsewhere = w.caller;
	elsewhere.next = &w.caller;
	CU_ASSERT_EQUAL(x_nets_parse(w.us.arena, "192.0.2.1", &elsewhere.nets,
			    &elsewhere.n_nets, NULL),
	    0);
	w.caller.automatic = true;
	CU_ASSERT_PTR_EQUAL(call(&w, &elsewhere, &out), &w.caller);
	CU_ASSERT_EQUAL(out.protocols, 0);
	w.them.peers = &w.caller;
	finish(&w);
}

/* Four peers of one name at one place, and who each caller is. */
static void
of_peers_at_one_place_protocol_and_password_tell(void)
{
	static const struct {
		enum p1_protocol by;
		const char *password;
		int is;
	} t[] = {
	    {P1_MTS_TRANSFER, "a", 0}, {P1_MTS_TRANSFER_1984, "b", 1},
	    {P1_MTS_TRANSFER, "b", 2},
	    {P1_MTS_TRANSFER_X410, "b", 1}, /* refused for its protocol */
	    {P1_MTS_TRANSFER_X410, "c", 3},
	    {P1_MTS_TRANSFER, "d", 0}, /* refused for its password */
	};
	static const struct {
		enum p1_protocol protocol;
		const char *password;
		bool automatic;
	} peers[] = {{P1_MTS_TRANSFER, "a", false},
	    {P1_MTS_TRANSFER_1984, "b", false}, {P1_MTS_TRANSFER, "b", false},
	    {P1_MTS_TRANSFER, "c", true}};

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct p1_peer_auth out;
		struct x_peer v[4];
		struct world w;

		begin(&w, 2);
		for (unsigned k = 0; k < 4; k++) {
			v[k] = w.caller;
			v[k].next = k < 3 ? &v[k + 1] : NULL;
			v[k].protocol = peers[k].protocol;
			v[k].password = peers[k].password;
			v[k].automatic = peers[k].automatic;
		}
		w.password = t[i].password;
		w.by = t[i].by;
		CU_ASSERT_PTR_EQUAL(call(&w, v, &out), &v[t[i].is]);
		w.them.peers = &w.caller;
		finish(&w);
	}
}

static void
who_is_busy_is_said(void)
{
	struct p1_peer_auth out;
	struct world w;

	for (unsigned max = 0; max < 2; max++) {
		begin(&w, 1);
		w.caller.max_incoming = max;
		CU_ASSERT_PTR_NOT_NULL_FATAL(call(&w, &w.caller, &out));
		CU_ASSERT(!out.busy);
		w.them.links->opened = true;
		w.them.links->peer = &w.caller;
		CU_ASSERT_PTR_NOT_NULL_FATAL(call(&w, &w.caller, &out));
		CU_ASSERT(out.busy);
		CU_ASSERT_PTR_NOT_NULL(strstr(out.why_busy,
		    max == 1 ? "its max-incoming" : "of this process"));
		finish(&w);
	}
}

/* What the next MTA reads of a message that did not go the way that was tried
 * first; it may come back to us over that one (X.411 14.3.1). */
static void
a_rerouted_message_says_where_it_was_tried(void)
{
	static const struct {
		const char *from, *admd, *mta;
		enum mhs_action external;
	} t[] = {
	    {NULL, NULL, NULL, MHS_RELAYED},
	    {"abroad", "FAR", NULL, MHS_REROUTED},
	    {"near", NULL, "near-mta", MHS_RELAYED},
	    {"ours", NULL, "our-other", MHS_RELAYED},
	    {"removed", NULL, "removed", MHS_RELAYED},
	};

	static const struct p1_apdu_ops ops;

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct buf head = {0}, tail = {0};
		struct p1_apdu *s = p1_apdu_new(0, &ops, NULL);
		const struct mhs_trace *v;
		struct q_record *record;
		struct mhs_envelope *env;
		struct err e = ERR_INIT;
		struct x_job *j;
		struct world w;

		begin(&w, 2);
		w.us.us.domain = (struct mhs_domain){"XX", "US", NULL};
		w.us.root = conf_make(w.us.arena,
		    "peer name=abroad mta=far country=YY admd=FAR\n"
		    "peer name=near mta=near-mta\n"
		    "peer name=ours mta=our-other country=XX admd=US\n");
		j = job(&w.peers[0], MHS_NORMAL);
		record = j->record;
		p1_trace_arrival(record->arena, j->env, &w.us.us, 1700000000);
		x_job_rerouted(j, t[i].from);
		CU_ASSERT_EQUAL(
		    p1_apdu_write(j->env, 0, NULL, &head, &tail, &e), 0);
		CU_ASSERT(p1_apdu_feed(s, head.data, head.len, &e) >= 0);
		CU_ASSERT(p1_apdu_feed(s, tail.data, tail.len, &e) >= 0);
		env = p1_apdu_envelope(s);
		CU_ASSERT_PTR_NOT_NULL_FATAL(env);
		CU_ASSERT_EQUAL_FATAL(env->n_trace, 2);
		for (size_t k = 0; k < 2; k++) {
			bool here;

			v = &env->trace[k];
			here = v->internal || t[i].external == MHS_REROUTED;
			CU_ASSERT_EQUAL(v->action,
			    here && t[i].from != NULL ? MHS_REROUTED
						      : MHS_RELAYED);
			CU_ASSERT_EQUAL(v->attempted.country != NULL,
			    here && t[i].admd != NULL);
			if (v->attempted.country != NULL)
				CU_ASSERT_STRING_EQUAL(
				    v->attempted.admd, t[i].admd);
			CU_ASSERT_EQUAL(v->attempted_mta != NULL,
			    v->internal && t[i].mta != NULL);
			if (v->attempted_mta != NULL)
				CU_ASSERT_STRING_EQUAL(
				    v->attempted_mta, t[i].mta);
		}
		CU_ASSERT_EQUAL(
		    p1_trace_visits(env, &w.us.us), t[i].from == NULL);
		p1_apdu_free(&s);
		buf_free(&head);
		buf_free(&tail);
		q_record_close(&record);
		finish(&w);
	}
}

/* A responder cannot release: it aborts. */
/* The association has no labels but the one that we asked for. */
static void
what_must_not_cross_is_a_failure_for_security_reasons(void)
{
	static const uint8_t secret[] = {
	    0x31, 8, 0x06, 3, 0x2b, 0x1a, 0x01, 0x02, 1, 4};

	for (int good = 0; good < 2; good++) {
		struct q_outcome o[2] = {{.result = Q_TRANSFERRED},
		    {.result = Q_FAILED, .diagnostic = 1}};
		struct mhs_ext label = {
		    .type = 20, .value = secret, .n = sizeof(secret)};
		struct err e = ERR_INIT;
		struct q_record *record;
		struct x_job *j;
		struct world w;

		begin(&w, 2);
		w.peers[0].labels = p1_labels_parse(w.us.arena,
		    good ? "1.3.26.1:secret" : "1.3.26.1:restricted", NULL);
		x_link_open(&w.peers[0]);
		j = job(&w.peers[0], MHS_NORMAL);
		j->env->exts = (struct mhs_exts){&label, 1};
		j->outcomes = o;
		j->n_outcomes = 2;
		CU_ASSERT_EQUAL(
		    x_job_may_cross(j, w.us.links->p1, &e), good == 1);
		CU_ASSERT_EQUAL(o[0].result, good ? Q_TRANSFERRED : Q_FAILED);
		if (!good) {
			CU_ASSERT_EQUAL(o[0].reason,
			    MHS_TRANSFER_FAILURE_FOR_SECURITY_REASON);
			CU_ASSERT_EQUAL(
			    o[0].diagnostic, MHS_SECURE_MESSAGING_ERROR);
		}
		CU_ASSERT_EQUAL(o[1].diagnostic, 1);
		j->env->exts.n = 0;
		CU_ASSERT(x_job_may_cross(j, w.us.links->p1, &e));
		record = j->record;
		q_record_close(&record);
		finish(&w);
	}
}

static void
an_incoming_association_that_carries_nothing_ends(void)
{
	for (int idle = 0; idle < 2; idle++) {
		struct world w;

		begin(&w, 2);
		w.them.incoming_idle = idle ? 50 : 0;
		w.remotes[0].answers = &w.them;
		w.peers[0].ours = (struct osi_selectors){
		    .psel = {true, 1, "P"}, .ssel = {true, 1, "S"}};
		w.caller.calling = w.peers[0].ours;
		x_link_open(&w.peers[0]);
		run(&w, WAIT_MS);
		while ((w.them.links == NULL || !w.them.links->opened) &&
		    w.late < 50)
			run(&w, 10);
		CU_ASSERT_PTR_NOT_NULL_FATAL(w.them.links);
		CU_ASSERT(w.them.links->opened);
		run(&w, 300);
		CU_ASSERT_EQUAL(w.them.links == NULL, idle == 1);
		CU_ASSERT_EQUAL(w.us.links == NULL, idle == 1);
		finish(&w);
	}
}

static void
protocols_fall_back_in_order_and_the_best_is_tried_again(void)
{
	struct x_peer p = {.name = "p", .automatic = true};
	msec_t hour = 3600 * 1000;

	log_set_level(LOG_LEVEL_ERROR + 1);
	CU_ASSERT_EQUAL(x_peer_protocol(&p, 0), P1_MTS_TRANSFER);
	CU_ASSERT(x_peer_fall_back(&p, P1_MTS_TRANSFER, 0));
	CU_ASSERT_EQUAL(x_peer_protocol(&p, 1), P1_MTS_TRANSFER_X410);
	/* another link found the same */
	CU_ASSERT(x_peer_fall_back(&p, P1_MTS_TRANSFER, 1));
	CU_ASSERT_EQUAL(x_peer_protocol(&p, 2), P1_MTS_TRANSFER_X410);
	CU_ASSERT(x_peer_fall_back(&p, P1_MTS_TRANSFER_X410, 2));
	CU_ASSERT_EQUAL(x_peer_protocol(&p, hour), P1_MTS_TRANSFER_1984);
	CU_ASSERT_EQUAL(x_peer_protocol(&p, 7 * hour), P1_MTS_TRANSFER);
	p.protocol = P1_MTS_TRANSFER_1984;
	CU_ASSERT(!x_peer_fall_back(&p, P1_MTS_TRANSFER_1984, 0));
	CU_ASSERT_EQUAL(p.protocol, P1_MTS_TRANSFER);
	p.automatic = false;
	CU_ASSERT(!x_peer_fall_back(&p, P1_MTS_TRANSFER, 0));
	log_set_level(LOG_LEVEL_INFO);
}

/* Of four associations one is for urgent work, one for normal, too. */
static void
places_are_kept_for_what_is_more_urgent(void)
{
	static const struct {
		unsigned busy[X_URGENCIES], room[X_URGENCIES];
	} t[] = {
	    /* non-urgent, normal, urgent */
	    {{0, 0, 0}, {2, 3, 4}},
	    {{2, 0, 0}, {0, 1, 2}},
	    {{2, 1, 0}, {0, 0, 1}},
	    {{0, 3, 0}, {0, 0, 1}},
	    {{0, 0, 4}, {0, 0, 0}},
	    {{0, 0, 3}, {1, 1, 1}},
	    {{1, 1, 0}, {1, 1, 2}},
	};
	struct x_peer p = {
	    .max_links = 4, .reserve_urgent = 1, .reserve_normal = 1};

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++)
		for (int u = 0; u < X_URGENCIES; u++) {
			memcpy(p.busy, t[i].busy, sizeof(p.busy));
			CU_ASSERT_EQUAL(
			    x_out_room(&p, (enum x_urgency)u), t[i].room[u]);
		}
}

static void
permanent_associations_are_opened_without_work_and_again(void)
{
	struct world w;

	begin(&w, 5);
	w.peers[0].permanent = 2;
	x_pool_permanent(&w.peers[0]);
	run_until(&w, &w.remotes[0].connections, 2);
	CU_ASSERT_EQUAL(w.peers[0].n_links, 2);
	close(w.remotes[0].fd);
	w.remotes[0].fd = -1;
	run_until(&w, &w.remotes[0].connections, 3);
	CU_ASSERT_EQUAL(w.peers[0].n_links, 2);
	CU_ASSERT(w.peers[0].back_off >= 1000);
	finish(&w);
}

static void
of_idle_associations_the_permanent_ones_stay(void)
{
	struct world w;
	unsigned closing = 0;

	begin(&w, 5);
	w.us.idle_timeout = 50;
	w.remotes[0].answers = &w.them;
	w.peers[0].permanent = 1;
	for (int i = 0; i < 3; i++)
		x_link_open(&w.peers[0]);
	run_until(&w, &w.remotes[0].connections, 3);
	while (w.peers[0].n_links > 1 && w.late < 50)
		run(&w, 20);
	CU_ASSERT_EQUAL(w.peers[0].n_links, 1);
	run(&w, 200);
	for (const struct x_link *l = w.us.links; l != NULL; l = l->next)
		closing += l->closing || l->ended;
	CU_ASSERT_EQUAL(closing, 0);
	CU_ASSERT_EQUAL(w.peers[0].n_links, 1);
	finish(&w);
}

void
suite_p1_x400p1(void)
{
	static CU_TestInfo tests[] = {
	    TEST(a_place_that_becomes_free_goes_to_the_peer_that_waits),
	    TEST(an_association_without_work_makes_room),
	    TEST(an_association_that_has_carried_much_yields),
	    TEST(an_association_yields_after_twenty),
	    TEST(silent_callers_take_no_place),
	    TEST(who_opens_many_without_a_bind_loses_his_own),
	    TEST(the_most_urgent_waits_first),
	    TEST(a_message_that_could_not_be_begun_waits_again),
	    TEST(what_is_given_up_too_late_holds_the_peer_back),
	    TEST(a_peer_that_gives_no_more_is_not_asked_at_once),
	    TEST(a_peer_that_stops_in_an_envelope_is_left),
	    TEST(no_two_associations_have_the_same_identifier),
	    TEST(networks_are_those_of_the_text),
	    TEST(a_caller_is_who_fits_in_all),
	    TEST(who_must_speak_tls_and_does_not_is_not_confidential),
	    TEST(an_association_is_recovered_within_the_hour_from_its_host),
	    TEST(of_two_with_one_name_the_one_that_fits_is_taken),
	    TEST(of_peers_at_one_place_protocol_and_password_tell),
	    TEST(who_is_busy_is_said),
	    TEST(a_rerouted_message_says_where_it_was_tried),
	    TEST(what_must_not_cross_is_a_failure_for_security_reasons),
	    TEST(an_incoming_association_that_carries_nothing_ends),
	    TEST(protocols_fall_back_in_order_and_the_best_is_tried_again),
	    TEST(places_are_kept_for_what_is_more_urgent),
	    TEST(permanent_associations_are_opened_without_work_and_again),
	    TEST(of_idle_associations_the_permanent_ones_stay),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("p1_x400p1", tests);
}
