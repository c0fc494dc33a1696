/* What a channel does with a transfer that was cut off, what it says when a
 * peer is there again, and how deep it lets a peer nest. */
#include <dirent.h>
#include <stdlib.h>

#include "asn1/ber.h"
#include "p1/bind_codec.h"
#include "tests/unit/log_capture.h"
#include "tests/unit/osi_rtse_pair.h"
#include "tests/unit/p1_x400p1_world.h"

/* --- resume --- */

static struct x_keep *
keep_open(char *directory)
{
	struct x_keep_params p = {.directory = directory,
	    .max = 10,
	    .max_per_peer = 10,
	    .octets = 1 << 20,
	    .octets_per_peer = 1 << 20,
	    .max_age = 1000};
	struct err e = ERR_INIT;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(directory));
	return x_keep_open(&p, &e);
}

static void
keep_close(struct x_keep **k, const char *directory)
{
	DIR *d = opendir(directory);
	const struct dirent *de;

	x_keep_close(k);
	while ((de = readdir(d)) != NULL)
		if (de->d_name[0] != '.')
			unlinkat(dirfd(d), de->d_name, 0);
	closedir(d);
	CU_ASSERT_EQUAL(rmdir(directory), 0);
}

/* Work whose first attempt got as far as octet 5 of 9, by this protocol. */
static struct x_job *
cut_job(struct x_peer *p, struct x_keep *k, enum p1_protocol protocol)
{
	static const uint32_t recipient;
	struct x_cut_key key = {p->name, 1, &recipient, 1};
	struct p1_resume at = {.head = {(const uint8_t *)"head", 4},
	    .tail = {(const uint8_t *)"tail", 4},
	    .content_n = 1,
	    .rtse = {.total = 9, .offset = 5, .serial = 1}};
	struct x_job *j = job(p, MHS_NORMAL);

	at.rtse.activity = (struct rtse_activity){
	    .id_n = 3, .id = {2, 1, 1}, .association = pair_conn_id(9)};
	j->record->content = (const uint8_t *)"c";
	j->record->content_n = 1;
	j->env->content_type = MHS_CONTENT_P2; /* also for 1984 */
	j->cut = x_cut_new(k, &key);
	x_cut_set(j->cut, &at, protocol);
	return j;
}

/* The octets around the content are of the protocol that the transfer began
 * with: on an association of another it begins anew. */
static void
a_cut_transfer_goes_on_by_its_own_protocol_only(void)
{
	for (int cut = 0; cut < P1_PROTOCOLS; cut++)
		for (int now = 0; now < P1_PROTOCOLS; now++) {
			char directory[] = "/tmp/isthmus-out-XXXXXX";
			struct x_keep *k = keep_open(directory);
			struct x_link *l;
			struct x_job *j;
			struct world w;

			begin(&w, 1);
			w.peers[0].protocol = (enum p1_protocol)now;
			w.caller.protocol = (enum p1_protocol)now;
			l = open_link(&w);
			CU_ASSERT_EQUAL((int)p1_protocol(l->p1), now);
			j = cut_job(&w.peers[0], k, (enum p1_protocol)cut);
			x_out_add(&w.peers[0], j);
			while (l->job == NULL && !l->ended && w.late < 20)
				run(&w, 20);
			CU_ASSERT_PTR_EQUAL_FATAL(l->job, j);
			CU_ASSERT_EQUAL(j->resumed, cut == now);
			l->job = NULL;
			w.peers[0].busy[X_NORMAL]--;
			x_cut_free(&j->cut);
			q_record_close(&j->record);
			finish(&w);
			keep_close(&k, directory);
		}
}

/* --- the log --- */

static void
the_first_that_opens_says_how_often_and_how_long_none_did(void)
{
	for (unsigned failed = 0; failed < 3; failed += 2) {
		struct capture c;
		struct world w;
		const char *text;

		begin(&w, 2);
		w.peers[0].failed = failed;
		w.peers[0].failed_since = clock_mono() - 7300;
		capture_begin(&c);
		open_link(&w);
		text = capture_end(&c);
		CU_ASSERT_PTR_NOT_NULL(strstr(text, "role=initiator"));
		CU_ASSERT_EQUAL(
		    strstr(text, "failed-before=2 ") != NULL, failed > 0);
		CU_ASSERT_EQUAL(
		    strstr(text, "failed-seconds=7 ") != NULL, failed > 0);
		CU_ASSERT_EQUAL(strstr(text, "failed-") != NULL, failed > 0);
		CU_ASSERT_EQUAL(w.peers[0].failed, 0);
		/* the next one has nothing to tell */
		capture_begin(&c);
		x_link_open(&w.peers[0]);
		for (int i = 0;
		     i < 20 && w.us.n_outgoing > 0 && !w.us.links->opened; i++)
			run(&w, 20);
		text = capture_end(&c);
		CU_ASSERT_PTR_NOT_NULL(strstr(text, "role=initiator"));
		CU_ASSERT_PTR_NULL(strstr(text, "failed-"));
		finish(&w);
	}
}

static unsigned
occurrences(const char *text, const char *what)
{
	unsigned n = 0;

	while ((text = strstr(text, what)) != NULL) {
		n++;
		text += strlen(what);
	}
	return n;
}

/* Three that are dialled together, and find nobody, are one attempt. */
static void
attempts_under_way_together_are_one(void)
{
	struct capture c;
	struct world w;
	const char *text;

	begin(&w, 10);
	loop_listener_close(&w.remotes[0].listener);
	capture_begin(&c);
	for (int i = 0; i < 3; i++)
		x_link_open(&w.peers[0]);
	for (int i = 0; i < 50 && w.us.n_outgoing > 0; i++)
		run(&w, 10);
	text = capture_end(&c);
	CU_ASSERT_EQUAL(w.us.n_outgoing, 0);
	CU_ASSERT_EQUAL(w.peers[0].failed, 1);
	CU_ASSERT_EQUAL(occurrences(text, "attempt=1 waiting=0"), 1);
	CU_ASSERT_EQUAL(occurrences(text, "attempt="), 1);
	CU_ASSERT_PTR_NULL(w.peers[0].held);
	finish(&w);
}

/* A peer that closes the connection at rest does nothing to be warned of. */
static void
a_connection_closed_at_rest_is_no_abort(void)
{
	struct capture c;
	struct world w;
	const char *text;

	begin(&w, 2);
	open_link(&w);
	capture_begin(&c);
	conn_kill(w.them.links->conn);
	for (int i = 0; i < 50 && w.us.n_outgoing > 0; i++)
		run(&w, 10);
	text = capture_end(&c);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "state=closed"));
	CU_ASSERT_PTR_NULL(strstr(text, "state=aborted"));
	finish(&w);
}

/* --- depth --- */

#define DEPTH 20

struct caller {
	struct end x;
	struct conn *conn;
	struct capture log;
};

static void
caller_gone(void *arg)
{
	struct caller *k = arg;

	conn_free(&k->conn);
}

/* Calls the channel with this as bind, and waits for the answer. */
static void
caller_open(struct world *w, struct caller *k, const struct buf *bind)
{
	struct rtse_params p = pair_params(OSI_INITIATOR);
	struct err e = ERR_INIT;

	*k = (struct caller){0};
	begin(w, 2);
	w->them.max_depth = DEPTH;
	w->remotes[0].answers = &w->them;
	capture_begin(&k->log);
	k->x.r = rtse_new(&p, end_event, &k->x, clock_mono());
	CU_ASSERT(rtse_open_request(k->x.r, bind->data, bind->len, &e) >= 0);
	k->conn = conn_dial(w->us.loop, w->remotes[0].address, &rtse_engine_ops,
	    k->x.r, caller_gone, k);
	while (
	    w->late < 50 && k->conn != NULL && k->x.count[RTSE_OPEN_CNF] == 0)
		run(w, 20);
	w->late = 0;
}

/* What the channel said of it. */
static const char *
caller_close(struct world *w, struct caller *k)
{
	const char *text;

	run(w, 20);
	text = capture_end(&k->log);
	if (k->conn != NULL)
		conn_free(&k->conn);
	end_free(&k->x);
	finish(w);
	return text;
}

static void
a_bind_nested_deeper_than_max_depth_is_presentations_to_refuse(void)
{
	for (unsigned more = 0; more < 2; more++) {
		struct buf bind = {0};
		const char *text;
		struct caller k;
		struct world w;

		wire_nested(&bind, DEPTH + more, false);
		caller_open(&w, &k, &bind);
		text = caller_close(&w, &k);
		CU_ASSERT_EQUAL(k.x.count[RTSE_OPEN_CNF], 0);
		CU_ASSERT_EQUAL(
		    strstr(text, "layer=presentation octet=") != NULL,
		    more == 1);
		CU_ASSERT_EQUAL(
		    strstr(text, "more than 32 ") != NULL, more == 1);
		buf_free(&bind);
	}
}

static void
make_bind(struct buf *out)
{
	struct p1_bind b = {.kind = P1_BIND_ARGUMENT,
	    .credentials = P1_CRED_SIMPLE,
	    .mta = "us",
	    .password = {(const uint8_t *)"", 0}};
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL_FATAL(p1_bind_encode(&b, out, &e), 0);
}

/* A message whose envelope has a field that no envelope has. */
static void
an_apdu_nested_deeper_than_max_depth_is_refused_as_that(void)
{
	for (unsigned more = 0; more < 2; more++) {
		struct buf bind = {0}, apdu = {0};
		struct err e = ERR_INIT;
		const char *text;
		struct caller k;
		struct world w;

		make_bind(&bind);
		caller_open(&w, &k, &bind);
		CU_ASSERT_EQUAL_FATAL(k.x.count[RTSE_OPEN_CNF], 1);
		wire_nested(&apdu, DEPTH - 2 + more, false);
		ber_wrap(&apdu, 0, BER_UNIVERSAL, BER_SET);
		ber_wrap(&apdu, 0, BER_CONTEXT, 0);
		CU_ASSERT_EQUAL(rtse_transfer_begin(k.x.r, apdu.len, &e), 0);
		CU_ASSERT(
		    rtse_transfer_data(k.x.r, apdu.data, apdu.len, &e) >= 0);
		conn_wake(k.conn);
		while (w.late < 20 && k.conn != NULL &&
		    k.x.count[RTSE_TRANSFER_FAILED] == 0)
			run(&w, 20);
		text = caller_close(&w, &k);
		CU_ASSERT_EQUAL(
		    strstr(text, "nested deeper than 20") != NULL, more == 1);
		buf_free(&bind);
		buf_free(&apdu);
	}
}

void
suite_p1_x400p1_out(void)
{
	static CU_TestInfo tests[] = {
	    TEST(a_cut_transfer_goes_on_by_its_own_protocol_only),
	    TEST(the_first_that_opens_says_how_often_and_how_long_none_did),
	    TEST(attempts_under_way_together_are_one),
	    TEST(a_connection_closed_at_rest_is_no_abort),
	    TEST(
		a_bind_nested_deeper_than_max_depth_is_presentations_to_refuse),
	    TEST(an_apdu_nested_deeper_than_max_depth_is_refused_as_that),
	    CU_TEST_INFO_NULL,
	};

	unit_suite("p1_x400p1_out", tests);
}
