/*
 * Transfers that a lost association cut off go on, on another one, behind the
 * last confirmed checkpoint; recovery of associations; and what is kept.
 */
#include "osi/rtse_int.h"
#include "tests/unit/osi_rtse_pair.h"

#define SIZE (5 * 1024 + 300)

struct journey {
	struct pair p;
	struct store store;
	struct buf apdu;
	uint8_t association; /* names the next one */
	bool x410, back;     /* back: the responder sends */
	unsigned whole;      /* times that it arrived */
	struct rtse_resume at;
	bool resumable;
};

static struct end *
sender(struct journey *j)
{
	return j->back ? &j->p.b : &j->p.a;
}

static struct end *
receiver(struct journey *j)
{
	return j->back ? &j->p.a : &j->p.b;
}

static void
journey_connect(struct journey *j, uint32_t checkpoint)
{
	struct rtse_params a = pair_params(OSI_INITIATOR);
	struct rtse_params b = pair_params(OSI_RESPONDER);
	struct err e = ERR_INIT;

	a.pres.ses.conn_id = pair_conn_id(++j->association);
	a.dialogue = j->back ? RTSE_TWO_WAY_ALTERNATE : RTSE_MONOLOGUE;
	a.keep = b.keep = &end_keep;
	a.checkpoint_size = b.checkpoint_size = checkpoint;
	a.x410 = b.x410 = j->x410;
	a.application_protocol = 12;
	pair_init(&j->p, &a, &b, WIRE_WHOLE);
	j->p.a.store = j->p.b.store = &j->store;
	pair_open(&j->p);
	CU_ASSERT_EQUAL_FATAL(j->p.a.count[RTSE_OPEN_CNF], 1);
	if (!j->back)
		return;
	CU_ASSERT_EQUAL(rtse_turn_give(j->p.a.r, &e), 0);
	pair_run(&j->p);
}

/* The association is lost. */
static void
journey_cut(struct journey *j)
{
	rtse_engine_ops.closed(sender(j)->r, NULL, 1000);
	rtse_engine_ops.closed(receiver(j)->r, NULL, 1000);
	j->resumable = rtse_resume_point(sender(j)->r, &j->at);
	pair_free(&j->p);
}

static void
journey_init(struct journey *j, bool x410, bool back, uint32_t checkpoint)
{
	*j = (struct journey){.x410 = x410, .back = back};
	j->apdu = pair_octets(SIZE);
	journey_connect(j, checkpoint);
}

static void
journey_free(struct journey *j)
{
	pair_free(&j->p);
	store_free(&j->store);
	buf_free(&j->apdu);
}

static void
begin(struct journey *j)
{
	struct err e = ERR_INIT;
	int rc = j->resumable
	    ? rtse_transfer_resume(sender(j)->r, &j->at, &e)
	    : rtse_transfer_begin(sender(j)->r, j->apdu.len, &e);

	CU_ASSERT_EQUAL_FATAL(rc, 0);
}

static size_t
offset(const struct journey *j)
{
	return j->resumable ? (size_t)j->at.offset : 0;
}

/* Moves at most *budget octets; octets count from the transfer's begin. */
static bool
carry_some(struct end *from, struct end *to, size_t *budget)
{
	struct buf *out = rtse_engine_ops.output(from->r);
	size_t n = out->len < *budget ? out->len : *budget;
	uint8_t *copy = malloc(n + 1);

	memcpy(copy, out->data, n);
	buf_consume(out, n);
	*budget -= n;
	rtse_engine_ops.input(to->r, copy, n, 1000);
	rtse_engine_ops.drained(from->r, 1000);
	free(copy);
	return n > 0;
}

/* The transfer, until so many octets crossed in each direction; the octets of
 * the APDU that the sender gave. */
static size_t
send_some(struct journey *j, size_t down, size_t up)
{
	struct end *s = sender(j), *t = receiver(j);
	size_t at = offset(j), from = at;
	struct err e = ERR_INIT;
	bool any = true;

	begin(j);
	while (any) {
		int64_t n = 0;

		if (at < j->apdu.len && s->count[RTSE_TRANSFER_FAILED] == 0 &&
		    s->count[RTSE_TRANSFER_CNF] == 0)
			n = rtse_transfer_data(
			    s->r, j->apdu.data + at, j->apdu.len - at, &e);
		CU_ASSERT_TRUE_FATAL(n >= 0);
		at += (size_t)n;
		any = n > 0;
		any |= carry_some(s, t, &down);
		any |= carry_some(t, s, &up);
	}
	return at - from;
}

static void
note_arrival(struct journey *j)
{
	const struct end *t = receiver(j);

	j->whole += t->count[RTSE_TRANSFER_END];
	if (t->count[RTSE_TRANSFER_END] > 0) {
		CU_ASSERT_EQUAL(t->kept.len, j->apdu.len);
		CU_ASSERT_EQUAL_FATAL(
		    memcmp(t->kept.data, j->apdu.data, j->apdu.len), 0);
	}
}

/* How many octets cross in each direction when nothing is lost. */
static void
measure(bool x410, bool back, size_t *down, size_t *up)
{
	struct journey j;

	journey_init(&j, x410, back, 1);
	*down = *up = SIZE_MAX;
	send_some(&j, SIZE_MAX / 2, SIZE_MAX / 2);
	for (*down = 0; *down < 2 * SIZE; *down += 64) {
		struct journey k;
		unsigned done;

		journey_init(&k, x410, back, 1);
		send_some(&k, *down, SIZE_MAX / 2);
		done = receiver(&k)->count[RTSE_TRANSFER_END];
		journey_free(&k);
		if (done > 0)
			break;
	}
	*up = 400;
	journey_free(&j);
}

static void
lose_and_resume(bool x410, bool back, size_t down, size_t up)
{
	struct journey j;
	size_t gave, confirmed;
	unsigned resumed, heard;

	journey_init(&j, x410, back, 1);
	send_some(&j, down, up);
	heard = sender(&j)->count[RTSE_TRANSFER_CNF];
	confirmed = (size_t)sender(&j)->count[RTSE_CHECKPOINT] * 1024;
	note_arrival(&j);
	journey_cut(&j);
	CU_ASSERT_EQUAL(j.resumable, confirmed > 0 && heard == 0);
	if (heard > 0) {
		journey_connect(&j, 1);
		journey_free(&j);
		return;
	}
	if (j.resumable)
		CU_ASSERT_TRUE(
		    j.at.offset <= confirmed && j.at.offset + 32 > confirmed);
	resumed = j.resumable && j.whole == 0;
	journey_connect(&j, 1);
	gave = send_some(&j, SIZE_MAX / 2, SIZE_MAX / 2);
	note_arrival(&j);
	CU_ASSERT_EQUAL(gave, j.apdu.len - offset(&j));
	CU_ASSERT_EQUAL(j.store.resumed, resumed);
	CU_ASSERT_EQUAL(receiver(&j)->resumed, resumed > 0);
	CU_ASSERT_EQUAL(j.whole, 1);
	CU_ASSERT_EQUAL(sender(&j)->count[RTSE_TRANSFER_CNF], 1);
	journey_free(&j);
}

static void
a_transfer_cut_at_any_octet_arrives_once(void)
{
	for (int back = 0; back < 2; back++) {
		size_t down, up;

		for (int x410 = 0; x410 < 2; x410++) {
			measure(x410, back, &down, &up);
			for (size_t n = 0; n < down; n++)
				lose_and_resume(x410, back, n, SIZE_MAX / 2);
		}
	}
}

static void
a_transfer_whose_confirmations_are_cut_off_arrives_once(void)
{
	for (int back = 0; back < 2; back++)
		for (size_t n = 0; n < 200; n++)
			lose_and_resume(n % 2, back, SIZE_MAX / 2, n / 2);
}

/* Cut again and again, each time a little later. */
static void
a_transfer_is_resumed_many_times(void)
{
	struct journey j;

	journey_init(&j, false, false, 1);
	for (size_t n = 1500; j.whole == 0 && j.association < 20; n += 10) {
		send_some(&j, n, SIZE_MAX / 2);
		note_arrival(&j);
		journey_cut(&j);
		/* another size of checkpoints each time: 1, 2, 1 ... */
		journey_connect(&j, 1 + j.association % 2);
	}
	CU_ASSERT_EQUAL(j.whole, 1);
	CU_ASSERT_TRUE(j.store.resumed >= 2);
	journey_free(&j);
}

static void
an_unknown_activity_begins_anew_on_the_same_association(void)
{
	struct journey j;

	journey_init(&j, false, false, 1);
	send_some(&j, 4000, SIZE_MAX / 2);
	journey_cut(&j);
	CU_ASSERT_TRUE_FATAL(j.resumable);
	store_free(&j.store); /* our process had another disk */
	journey_connect(&j, 1);
	send_some(&j, SIZE_MAX / 2, SIZE_MAX / 2);
	CU_ASSERT_EQUAL(sender(&j)->count[RTSE_TRANSFER_FAILED], 1);
	CU_ASSERT_EQUAL(sender(&j)->count[RTSE_ABORTED], 0);
	CU_ASSERT_EQUAL(receiver(&j)->count[RTSE_TRANSFER_BEGIN], 0);
	CU_ASSERT_EQUAL(receiver(&j)->count[RTSE_TRANSFER_LOST], 0);
	CU_ASSERT_FALSE(j.resumable = rtse_resume_point(sender(&j)->r, &j.at));
	sender(&j)->count[RTSE_TRANSFER_FAILED] = 0;
	send_some(&j, SIZE_MAX / 2, SIZE_MAX / 2);
	note_arrival(&j);
	CU_ASSERT_EQUAL(j.whole, 1);
	journey_free(&j);
}

static void
what_cannot_be_resumed_is_not_asked_for(void)
{
	struct journey j;
	struct err e = ERR_INIT;
	struct rtse_resume at = {.serial = 1, .total = 100, .offset = 10};

	journey_init(&j, false, false, 1);
	CU_ASSERT_FALSE(rtse_resume_point(j.p.a.r, &at));
	CU_ASSERT_EQUAL(rtse_transfer_resume(j.p.a.r, &at, &e), ERR_PROTOCOL);
	at.activity.id_n = 3;
	at.serial = 0;
	CU_ASSERT_EQUAL(rtse_transfer_resume(j.p.a.r, &at, &e), ERR_PROTOCOL);
	at.serial = 1;
	at.offset = 101;
	CU_ASSERT_EQUAL(rtse_transfer_resume(j.p.a.r, &at, &e), ERR_PROTOCOL);
	at.offset = 10;
	CU_ASSERT_EQUAL(rtse_transfer_resume(j.p.b.r, &at, &e), ERR_PROTOCOL);
	CU_ASSERT_EQUAL(rtse_engine_ops.output(j.p.a.r)->len, 0);
	journey_free(&j);
}

/* A keep that fails: the transfer goes on without, or begins anew. */
static void
a_broken_keep_costs_the_resumption_only(void)
{
	for (int kind = 0; kind < 4; kind++) {
		struct journey j;

		journey_init(&j, false, false, 1);
		j.store.full = kind == 0;
		j.store.broken_write = kind == 1;
		j.store.one_octet = kind == 3;
		send_some(&j, 4000, SIZE_MAX / 2);
		CU_ASSERT_EQUAL(receiver(&j)->count[RTSE_TRANSFER_LOST], 0);
		journey_cut(&j);
		journey_connect(&j, 1);
		j.store.broken_read = kind == 2;
		send_some(&j, SIZE_MAX / 2, SIZE_MAX / 2);
		note_arrival(&j);
		CU_ASSERT_EQUAL(j.whole, kind == 3);
		CU_ASSERT_EQUAL(
		    sender(&j)->count[RTSE_TRANSFER_FAILED], kind != 3);
		CU_ASSERT_EQUAL(
		    receiver(&j)->count[RTSE_TRANSFER_LOST], kind == 2);
		CU_ASSERT_EQUAL(sender(&j)->count[RTSE_ABORTED], 0);
		journey_free(&j);
	}
}

static void
an_association_is_recovered(void)
{
	for (int takes = 0; takes < 2; takes++) {
		struct rtse_params a = pair_params(OSI_INITIATOR);
		struct rtse_params b = pair_params(OSI_RESPONDER);
		const struct ses_conn_id old = pair_conn_id(7);
		struct pair p;

		a.recover = &old;
		pair_init(&p, &a, &b, 7);
		p.b.recovers = takes;
		pair_open(&p);
		CU_ASSERT_EQUAL(memcmp(&p.b.recover, &old, sizeof(old)), 0);
		CU_ASSERT_EQUAL(p.b.open_data.len, 0);
		CU_ASSERT_EQUAL(p.a.count[RTSE_OPEN_CNF], (unsigned)takes);
		CU_ASSERT_EQUAL(p.a.count[RTSE_OPEN_REFUSED], (unsigned)!takes);
		if (takes) {
			struct buf o = pair_octets(3000);

			pair_send(&p, &p.a, &o);
			CU_ASSERT_EQUAL(p.a.count[RTSE_TRANSFER_CNF], 1);
			buf_free(&o);
		}
		pair_free(&p);
	}
}

/* The receiver reports an exception, midway. */
static void
report(struct journey *j, uint8_t reason)
{
	const struct ses_prim s = {
	    .type = SES_U_EXCEPTION, .kind = SES_REQ, .reason = reason};
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL(rtse_session(receiver(j)->r, &s, &e), 0);
	pair_run(&j->p);
}

static void
after_an_interrupt_the_same_association_goes_on(void)
{
	for (int x410 = 0; x410 < 2; x410++) {
		struct journey j;

		journey_init(&j, x410, false, 1);
		send_some(&j, 4000, SIZE_MAX / 2);
		report(&j, SES_REASON_NON_SPECIFIC);
		CU_ASSERT_EQUAL(sender(&j)->count[RTSE_TRANSFER_FAILED], 1);
		CU_ASSERT_EQUAL(receiver(&j)->count[RTSE_TRANSFER_LOST], 1);
		CU_ASSERT_EQUAL(j.store.again, 1);
		j.resumable = rtse_resume_point(sender(&j)->r, &j.at);
		CU_ASSERT_TRUE_FATAL(j.resumable);
		CU_ASSERT_EQUAL(
		    j.at.serial, sender(&j)->count[RTSE_CHECKPOINT]);
		sender(&j)->count[RTSE_TRANSFER_FAILED] = 0;
		send_some(&j, SIZE_MAX / 2, SIZE_MAX / 2);
		note_arrival(&j);
		CU_ASSERT_EQUAL(j.whole, 1);
		CU_ASSERT_TRUE(receiver(&j)->resumed);
		CU_ASSERT_FALSE(rtse_resume_point(sender(&j)->r, &j.at));
		journey_free(&j);
	}
}

/* Which exceptions leave something to resume, and which do not. */
static void
an_exception_interrupts_or_discards(void)
{
	static const struct {
		size_t octets; /* of the transfer before it */
		uint8_t reason;
		bool interrupts;
	} rows[] = {
	    {4000, SES_REASON_NON_SPECIFIC, true},
	    {4000, SES_REASON_RECEIVING_ABILITY, true},
	    {4000, SES_REASON_SEQUENCE, true},
	    {4000, SES_REASON_LOCAL_ERROR, true},
	    {4000, SES_REASON_UNRECOVERABLE, false},
	    {900, SES_REASON_NON_SPECIFIC, false}, /* no checkpoint */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct journey j;
		struct rtse_resume at;

		journey_init(&j, false, false, 1);
		send_some(&j, rows[i].octets, SIZE_MAX / 2);
		report(&j, rows[i].reason);
		CU_ASSERT_EQUAL(sender(&j)->count[RTSE_TRANSFER_FAILED], 1);
		CU_ASSERT_EQUAL(sender(&j)->err.detail, rows[i].reason);
		CU_ASSERT_EQUAL(
		    rtse_resume_point(sender(&j)->r, &at), rows[i].interrupts);
		CU_ASSERT_EQUAL(j.store.again, rows[i].interrupts);
		journey_free(&j);
	}
}

/* It would be resumed and fail for ever. */
static void
a_resumed_transfer_that_came_no_further_is_discarded(void)
{
	struct journey j;

	journey_init(&j, false, false, 1);
	send_some(&j, 4000, SIZE_MAX / 2);
	journey_cut(&j);
	journey_connect(&j, 1);
	send_some(&j, 500, SIZE_MAX / 2);
	report(&j, SES_REASON_NON_SPECIFIC);
	CU_ASSERT_FALSE(rtse_resume_point(sender(&j)->r, &j.at));
	CU_ASSERT_EQUAL(sender(&j)->count[RTSE_TRANSFER_FAILED], 1);
	journey_free(&j);
}

static void
what_rtab_says_of_the_activity_counts(void)
{
	static const struct {
		enum rtse_abort_reason reason;
		bool resumable, completed;
	} rows[] = {
	    {RTSE_ABORT_TEMPORARY, true, false},
	    {RTSE_ABORT_LOCAL_PROBLEM, true, false},
	    {RTSE_ABORT_UNRECOGNIZED_ACTIVITY, false, false},
	    {RTSE_ABORT_COMPLETED, false, true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct journey j;
		struct rtse_resume at;
		struct err why = ERR_INIT;

		journey_init(&j, false, false, 1);
		receiver(&j)->leave_end = true;
		send_some(&j, SIZE_MAX / 2, SIZE_MAX / 2);
		rtse_provider_abort(receiver(&j)->r, rows[i].reason, &why);
		pair_run(&j.p);
		CU_ASSERT_EQUAL(sender(&j)->count[RTSE_ABORTED], 1);
		CU_ASSERT_EQUAL(
		    sender(&j)->count[RTSE_TRANSFER_CNF], rows[i].completed);
		CU_ASSERT_EQUAL(
		    rtse_resume_point(sender(&j)->r, &at), rows[i].resumable);
		CU_ASSERT_EQUAL(j.store.again, 1);
		journey_free(&j);
	}
}

/* Between the slices of what is read back the driver has its turn, and our
 * user may hold it; what the peer sends meanwhile is in its place. */
static void
a_long_transfer_is_read_back_in_slices(void)
{
	struct journey j;
	struct end *t;
	size_t got;

	journey_init(&j, false, false, 60);
	buf_free(&j.apdu);
	j.apdu = pair_octets(3000 * 1000);
	send_some(&j, 2500 * 1000, SIZE_MAX / 2);
	journey_cut(&j);
	CU_ASSERT_TRUE_FATAL(j.resumable && j.at.offset > 2000 * 1000);
	journey_connect(&j, 60);
	t = receiver(&j);
	rtse_hold_input(t->r, true);
	send_some(&j, 100 * 1000, SIZE_MAX / 2);
	CU_ASSERT_EQUAL(t->got.len, 0);
	rtse_engine_ops.timeout(t->r, 1000);
	CU_ASSERT_EQUAL(t->got.len, 0);
	rtse_hold_input(t->r, false);
	CU_ASSERT_FALSE(rtse_engine_ops.wants_input(t->r));
	for (int i = 0; !rtse_engine_ops.wants_input(t->r) && i < 30; i++) {
		got = t->got.len;
		CU_ASSERT_TRUE(rtse_engine_ops.deadline(t->r) <= 1000);
		rtse_engine_ops.timeout(t->r, 1000);
		CU_ASSERT_TRUE(
		    t->got.len > got && t->got.len - got <= 400 * 1000);
	}
	CU_ASSERT_TRUE(t->got.len > 2050 * 1000);
	CU_ASSERT_EQUAL(memcmp(t->got.data, j.apdu.data, t->got.len), 0);
	journey_free(&j);
}

/* The end may come before our user has seen the beginning. */
static void
the_end_waits_for_what_is_read_back(void)
{
	struct journey j;
	struct end *t;

	journey_init(&j, false, false, 1);
	send_some(&j, 5 * 1024, SIZE_MAX / 2);
	journey_cut(&j);
	CU_ASSERT_TRUE_FATAL(j.at.offset > 3000);
	journey_connect(&j, 1);
	t = receiver(&j);
	rtse_hold_input(t->r, true);
	send_some(&j, SIZE_MAX / 2, SIZE_MAX / 2);
	CU_ASSERT_EQUAL(t->count[RTSE_TRANSFER_BEGIN], 1);
	CU_ASSERT_EQUAL(t->count[RTSE_TRANSFER_DATA], 0);
	CU_ASSERT_EQUAL(t->count[RTSE_TRANSFER_END], 0);
	rtse_hold_input(t->r, false);
	rtse_engine_ops.timeout(t->r, 1000);
	note_arrival(&j);
	CU_ASSERT_EQUAL(j.whole, 1);
	pair_run(&j.p);
	CU_ASSERT_EQUAL(sender(&j)->count[RTSE_TRANSFER_CNF], 1);
	journey_free(&j);
}

static void
a_refusal_while_it_is_read_back_ends_it(void)
{
	struct journey j;

	journey_init(&j, false, false, 1);
	send_some(&j, 4000, SIZE_MAX / 2);
	journey_cut(&j);
	journey_connect(&j, 1);
	receiver(&j)->refuse_early = true;
	send_some(&j, SIZE_MAX / 2, SIZE_MAX / 2);
	CU_ASSERT_EQUAL(receiver(&j)->count[RTSE_TRANSFER_DATA], 1);
	CU_ASSERT_EQUAL(receiver(&j)->count[RTSE_TRANSFER_LOST], 0);
	CU_ASSERT_EQUAL(sender(&j)->count[RTSE_TRANSFER_FAILED], 1);
	CU_ASSERT_EQUAL(j.store.again, 1); /* the cut, not the refusal */
	journey_free(&j);
}

/* RTSE of the peer does not keep our limits: nothing is lost but what would
 * have been kept. */
static void
a_peer_without_checkpoints_fills_no_memory(void)
{
	struct journey j;

	journey_init(&j, false, false, 1);
	sender(&j)->r->checkpoint_size = 0;
	send_some(&j, SIZE_MAX / 2, SIZE_MAX / 2);
	note_arrival(&j);
	CU_ASSERT_EQUAL(j.whole, 1);
	CU_ASSERT_EQUAL(j.store.opened, 0);
	journey_free(&j);
}

static void
a_silent_sender_is_given_up_and_may_resume(void)
{
	struct journey j;

	journey_init(&j, false, false, 1);
	send_some(&j, 3000, SIZE_MAX / 2);
	buf_clear(rtse_engine_ops.output(sender(&j)->r));
	for (msec_t now = 1000; now < 100000; now += 1000)
		if (rtse_engine_ops.deadline(receiver(&j)->r) <= now)
			rtse_engine_ops.timeout(receiver(&j)->r, now);
	CU_ASSERT_EQUAL(receiver(&j)->count[RTSE_ABORTED], 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(receiver(&j)->err.text, "too long"));
	CU_ASSERT_EQUAL(j.store.again, 1);
	journey_free(&j);
}

/* An association without checkpoints adds nothing to what is kept, and takes
 * nothing from it. */
static void
a_resumption_without_checkpoints_may_be_cut_too(void)
{
	struct journey j;

	journey_init(&j, false, false, 1);
	send_some(&j, 4000, SIZE_MAX / 2);
	journey_cut(&j);
	journey_connect(&j, 0);
	send_some(&j, 1800, SIZE_MAX / 2);
	CU_ASSERT_TRUE(receiver(&j)->resumed);
	journey_cut(&j);
	CU_ASSERT_TRUE_FATAL(j.resumable);
	journey_connect(&j, 0);
	send_some(&j, SIZE_MAX / 2, SIZE_MAX / 2);
	note_arrival(&j);
	CU_ASSERT_EQUAL(j.whole, 1);
	CU_ASSERT_EQUAL(j.store.resumed, 2);
	journey_free(&j);
}

/* Session counts to 999999; the window would hold back the rest. */
static void
after_the_last_serial_number_there_are_no_checkpoints(void)
{
	struct journey j;
	struct err e = ERR_INIT;
	const struct rtse_resume at = {.activity = {.id_n = 3, .id = {2, 1, 1}},
	    .serial = 999990,
	    .total = 9000,
	    .offset = 1000};

	journey_init(&j, false, false, 1);
	CU_ASSERT_EQUAL(rtse_transfer_resume(j.p.a.r, &at, &e), 0);
	CU_ASSERT_EQUAL(
	    rtse_transfer_data(j.p.a.r, j.apdu.data, 5000, &e), 5000);
	journey_free(&j);
}

/* A megabyte that waits for a checkpoint is all that we hold: the transfer
 * goes on, but its storage is not for longer. */
static void
what_waits_for_a_checkpoint_is_bounded(void)
{
	struct journey j = {0};
	struct buf b = pair_octets(1024 * 1024 + 70000);

	journey_connect(&j, 4096);
	pair_send(&j.p, &j.p.a, &b);
	CU_ASSERT_EQUAL(j.p.b.count[RTSE_TRANSFER_END], 1);
	CU_ASSERT_EQUAL(j.p.b.kept.len, b.len);
	CU_ASSERT_EQUAL(j.p.b.r->receive.keep.pending.len, 0);
	CU_ASSERT_EQUAL(j.store.opened, 0);
	pair_free(&j.p);
	/* checkpoint of 2 megabytes, after it: kept no longer than allowed */
	buf_free(&b);
	b = pair_octets(3 * 1024 * 1024);
	journey_connect(&j, 2048);
	pair_send(&j.p, &j.p.a, &b);
	CU_ASSERT_EQUAL(j.p.b.kept.len, b.len);
	CU_ASSERT_EQUAL(j.store.opened, 0);
	pair_free(&j.p);
	buf_free(&b);
}

void
suite_osi_rtse_resume(void)
{
	static CU_TestInfo tests[] = {
	    TEST(a_transfer_cut_at_any_octet_arrives_once),
	    TEST(a_transfer_whose_confirmations_are_cut_off_arrives_once),
	    TEST(a_transfer_is_resumed_many_times),
	    TEST(an_unknown_activity_begins_anew_on_the_same_association),
	    TEST(what_cannot_be_resumed_is_not_asked_for),
	    TEST(a_broken_keep_costs_the_resumption_only),
	    TEST(an_association_is_recovered),
	    TEST(after_an_interrupt_the_same_association_goes_on),
	    TEST(an_exception_interrupts_or_discards),
	    TEST(a_resumed_transfer_that_came_no_further_is_discarded),
	    TEST(what_rtab_says_of_the_activity_counts),
	    TEST(a_long_transfer_is_read_back_in_slices),
	    TEST(the_end_waits_for_what_is_read_back),
	    TEST(a_refusal_while_it_is_read_back_ends_it),
	    TEST(a_peer_without_checkpoints_fills_no_memory),
	    TEST(a_resumption_without_checkpoints_may_be_cut_too),
	    TEST(after_the_last_serial_number_there_are_no_checkpoints),
	    TEST(a_silent_sender_is_given_up_and_may_resume),
	    TEST(what_waits_for_a_checkpoint_is_bounded),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("osi_rtse_resume", tests);
}
