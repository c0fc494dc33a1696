/* Messages whose association is lost on the way, and that go on on another
 * one: one message arrives, whole, whatever the octet at which it was cut. */
#include "tests/unit/p1_pair.h"

#define CONTENT (300 * 1024)

struct journey {
	struct pair w;
	struct store store; /* the receiver's */
	enum p1_protocol protocol;
	bool back; /* the responder sends */
	uint32_t checkpoint;
	const struct mhs_envelope *env;
	uint8_t *content;
	uint32_t serial; /* of the association */
	unsigned arrived, resumed, anew;
};

static struct end *
sender(struct journey *j)
{
	return j->back ? &j->w.b : &j->w.a;
}

static struct end *
receiver(struct journey *j)
{
	return j->back ? &j->w.a : &j->w.b;
}

static void
connect_again(struct journey *j)
{
	struct p1_params a = params(OSI_INITIATOR), b = params(OSI_RESPONDER);

	j->w = (struct pair){0};
	receiver(j)->store = &j->store;
	a.protocol = j->protocol;
	a.conn_id = ++j->serial;
	a.checkpoint_size = b.checkpoint_size = j->checkpoint;
	a.dialogue = j->back ? RTSE_TWO_WAY_ALTERNATE : RTSE_MONOLOGUE;
	if (j->back)
		a.keep = &keep;
	else
		b.keep = &keep;
	pair_open_both(&j->w, &a, &b, 4096);
	if (j->back) {
		p1_idle(j->w.a.p);
		p1_want_turn(j->w.b.p, MHS_NORMAL);
		pump(&j->w);
	}
	CU_ASSERT_FATAL(p1_ready(sender(j)->p));
}

/* Carries so many octets of the sender, and all of the receiver's. */
static void
pump_octets(struct journey *j, size_t n)
{
	struct end *x = sender(j), *y = receiver(j);
	struct buf *out = p1_engine_ops.output(x->p);

	while (n > 0 && out->len > 0) {
		j->w.chunk = n < 4096 ? n : 4096;
		n -= out->len < j->w.chunk ? out->len : j->w.chunk;
		move(&j->w, x, y);
		j->w.chunk = SIZE_MAX;
		while (move(&j->w, y, x))
			;
	}
	j->w.chunk = 4096;
}

/* What there is to go on from, in memory of its own. */
struct kept {
	struct p1_resume at;
	bool there;
};

static void
cut(struct journey *j, struct kept *k, struct arena *a)
{
	struct end *x = sender(j);
	struct p1_resume *at = &k->at;

	p1_engine_ops.closed(x->p, NULL, 1000);
	p1_engine_ops.closed(receiver(j)->p, NULL, 1000);
	CU_ASSERT_EQUAL(x->count[P1_CLOSED], 1);
	k->there = p1_resume_point(x->p, at);
	if (k->there) {
		at->head.p = arena_memdup(a, at->head.p, at->head.n);
		at->tail.p = arena_memdup(a, at->tail.p, at->tail.n);
		CU_ASSERT_EQUAL(at->content_n, CONTENT);
		CU_ASSERT_EQUAL(
		    at->rtse.total, at->head.n + at->content_n + at->tail.n);
	}
	j->arrived += receiver(j)->count[P1_IN_END];
	pair_free(&j->w);
}

static void
begin(struct journey *j)
{
	struct end *x = sender(j);
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL_FATAL(p1_send(x->p, j->env, CONTENT, &e), 0);
	x->to_send = j->content;
	x->left = CONTENT;
	send_more(x);
}

static void
go_on(struct journey *j, const struct kept *k)
{
	struct end *x = sender(j);
	struct err e = ERR_INIT;
	uint64_t offset = UINT64_MAX;

	CU_ASSERT_EQUAL_FATAL(p1_send_resume(x->p, &k->at, &offset, &e), 0);
	CU_ASSERT_FATAL(offset <= CONTENT);
	x->to_send = j->content + offset;
	x->left = CONTENT - offset;
	send_more(x);
	j->resumed++;
}

static void
expect_whole(struct journey *j)
{
	struct end *y = receiver(j);

	CU_ASSERT_EQUAL(sender(j)->count[P1_SENT], 1);
	CU_ASSERT_EQUAL(sender(j)->count[P1_SEND_FAILED], 0);
	CU_ASSERT_EQUAL(y->count[P1_IN_END], 1);
	CU_ASSERT_EQUAL(y->count[P1_IN_BEGIN], 1);
	CU_ASSERT_STRING_EQUAL(y->local, "m1");
	CU_ASSERT(y->content.len == CONTENT &&
	    memcmp(y->content.data, j->content, CONTENT) == 0);
}

static void
journey_init(struct journey *j, struct arena *a)
{
	*j = (struct journey){.checkpoint = 16};
	j->env = make(a, MHS_MESSAGE, "m1");
	j->content = make_content(a, CONTENT);
}

/* The first association carries it. */
static void
journey_begin(struct journey *j, struct arena *a)
{
	journey_init(j, a);
	connect_again(j);
	begin(j);
}

/* It is lost after so many octets, of which some were confirmed. */
static void
cut_at(struct journey *j, size_t octet, struct kept *k, struct arena *a)
{
	pump_octets(j, octet);
	cut(j, k, a);
	CU_ASSERT_FATAL(k->there);
}

static void
journey_end(struct journey *j, struct arena **a)
{
	pair_free(&j->w);
	store_free(&j->store);
	arena_free(a);
}

static void
arrive(struct journey *j, struct arena **a)
{
	pump(&j->w);
	expect_whole(j);
	journey_end(j, a);
}

/* Cut at this octet of what the sender sends, then on. */
static void
one_cut(struct journey *j, size_t octet)
{
	struct arena *a = arena_new();
	struct kept k;

	connect_again(j);
	begin(j);
	pump_octets(j, octet);
	j->arrived = 0;
	cut(j, &k, a);
	CU_ASSERT_EQUAL(j->arrived, 0);
	connect_again(j);
	if (k.there) {
		go_on(j, &k);
	} else {
		begin(j);
		j->anew++;
	}
	pump(&j->w);
	expect_whole(j);
	CU_ASSERT_EQUAL(receiver(j)->anew, !k.there);
	CU_ASSERT_FALSE(p1_resume_point(sender(j)->p, &k.at));
	p1_close(j->w.a.p);
	if (j->back)
		p1_idle(j->w.b.p);
	pump(&j->w);
	CU_ASSERT_EQUAL(j->w.a.count[P1_CLOSED], 1);
	CU_ASSERT_EQUAL(j->w.a.err.code, 0);
	journey_end(j, &a);
}

static void
a_message_cut_anywhere_arrives_once_and_whole(void)
{
	for (unsigned protocol = 0; protocol < P1_PROTOCOLS; protocol++)
		for (int back = 0; back < 2; back++) {
			struct arena *a = arena_new();
			struct journey j;

			journey_init(&j, a);
			j.protocol = protocol;
			j.back = back;
			for (size_t at = 1; at < CONTENT; at += 5987)
				one_cut(&j, at);
			/* only the first ones had no checkpoint yet */
			CU_ASSERT(j.anew <= 4);
			CU_ASSERT(j.resumed >= 47);
			arena_free(&a);
		}
}

/* Three times on the way; each takes it further. */
static void
a_message_cut_again_and_again_arrives_whole(void)
{
	struct arena *a = arena_new();
	struct journey j;
	struct kept k;
	uint64_t last = 0;

	journey_begin(&j, a);
	for (int i = 0; i < 3; i++) {
		pump_octets(&j, 70000);
		cut(&j, &k, a);
		CU_ASSERT_FATAL(k.there);
		CU_ASSERT(k.at.rtse.offset > last);
		last = k.at.rtse.offset;
		connect_again(&j);
		go_on(&j, &k);
	}
	arrive(&j, &a);
}

/* Recipients enough for an envelope of several checkpoints. */
static void
a_cut_within_the_envelope_resumes_before_the_content(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *env = make(a, MHS_MESSAGE, "m1");
	struct journey j;
	struct kept k;

	journey_init(&j, a);
	for (unsigned i = 0; i < 300; i++) {
		struct mhs_recipient *r = mhs_recipient_add(a, env);

		r->name.ora = mhs_or_parse(a, "C=XX; A=BRAVO; S=Joe", NULL);
		r->number = i + 2;
		r->responsible = true;
	}
	j.env = env;
	j.checkpoint = 1;
	connect_again(&j);
	begin(&j);
	pump_octets(&j, 6000);
	cut(&j, &k, a);
	CU_ASSERT_FATAL(k.there);
	CU_ASSERT(k.at.rtse.offset > 0 && k.at.rtse.offset < k.at.head.n);
	j.checkpoint = 16; /* another association, other terms */
	connect_again(&j);
	go_on(&j, &k);
	CU_ASSERT(receiver(&j)->count[P1_IN_END] == 0);
	arrive(&j, &a);
}

/* The receiver kept nothing: the association stays, and takes it anew. */
static void
what_cannot_be_resumed_is_sent_anew_on_the_same_association(void)
{
	struct arena *a = arena_new();
	struct journey j;
	struct kept k;
	struct end *x;

	journey_begin(&j, a);
	cut_at(&j, 100000, &k, a);
	for (size_t i = 0; i < 8; i++)
		buf_free(&j.store.items[i].octets);
	j.store = (struct store){0};
	connect_again(&j);
	go_on(&j, &k);
	pump(&j.w);
	x = sender(&j);
	CU_ASSERT_EQUAL(x->count[P1_SEND_FAILED], 1);
	CU_ASSERT_EQUAL(x->count[P1_CLOSED], 0);
	CU_ASSERT(p1_is_open(x->p));
	CU_ASSERT_EQUAL(receiver(&j)->count[P1_IN_END], 0);
	CU_ASSERT_FATAL(p1_ready(x->p));
	x->count[P1_SEND_FAILED] = 0;
	receiver(&j)->count[P1_IN_BEGIN] = 0;
	begin(&j);
	arrive(&j, &a);
}

/* All of it arrived, and was accepted; the word of it was lost. */
static void
an_acceptance_that_was_lost_comes_when_the_sender_resumes(void)
{
	struct arena *a = arena_new();
	struct journey j;
	struct kept k;

	journey_begin(&j, a);
	while (receiver(&j)->count[P1_IN_END] == 0) {
		move(&j.w, sender(&j), receiver(&j));
		if (receiver(&j)->count[P1_IN_END] == 0)
			move(&j.w, receiver(&j), sender(&j));
	}
	cut(&j, &k, a);
	CU_ASSERT_EQUAL(j.arrived, 1);
	CU_ASSERT_FATAL(k.there);
	connect_again(&j);
	go_on(&j, &k);
	pump(&j.w);
	CU_ASSERT_EQUAL(sender(&j)->count[P1_SENT], 1);
	CU_ASSERT_EQUAL(receiver(&j)->count[P1_IN_END], 0);
	journey_end(&j, &a);
}

/* Nothing is sent, and the association is as good as before. */
static void
a_resume_that_does_not_add_up_sends_nothing(void)
{
	struct arena *a = arena_new();
	struct journey j;
	struct kept k;
	struct p1_resume bad[5];
	uint64_t offset;

	journey_begin(&j, a);
	cut_at(&j, 100000, &k, a);
	for (size_t i = 0; i < 5; i++)
		bad[i] = k.at;
	bad[0].head.n--;
	bad[1].content_n++;
	bad[2].rtse.offset = bad[2].rtse.total + 1;
	bad[3].rtse.serial = 0;
	bad[4].head.n = 0;
	connect_again(&j);
	for (size_t i = 0; i < 5; i++) {
		struct err e = ERR_INIT;
		int r = p1_send_resume(sender(&j)->p, &bad[i], &offset, &e);

		CU_ASSERT_EQUAL(r, i == 3 ? ERR_PROTOCOL : ERR_SYNTAX);
		CU_ASSERT_EQUAL(p1_engine_ops.output(sender(&j)->p)->len, 0);
		CU_ASSERT(p1_ready(sender(&j)->p));
	}
	go_on(&j, &k);
	arrive(&j, &a);
}

static void
each_checkpoint_that_the_peer_confirms_is_said(void)
{
	struct arena *a = arena_new();
	struct journey j;

	journey_begin(&j, a);
	pump(&j.w);
	expect_whole(&j);
	CU_ASSERT_EQUAL(
	    sender(&j)->count[P1_CHECKPOINT], CONTENT / (16 * 1024));
	journey_end(&j, &a);
}

void
suite_p1_assoc_resume(void)
{
	static CU_TestInfo tests[] = {
	    TEST(a_message_cut_anywhere_arrives_once_and_whole),
	    TEST(a_message_cut_again_and_again_arrives_whole),
	    TEST(a_cut_within_the_envelope_resumes_before_the_content),
	    TEST(what_cannot_be_resumed_is_sent_anew_on_the_same_association),
	    TEST(an_acceptance_that_was_lost_comes_when_the_sender_resumes),
	    TEST(a_resume_that_does_not_add_up_sends_nothing),
	    TEST(each_checkpoint_that_the_peer_confirms_is_said),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("p1_assoc_resume", tests);
}
