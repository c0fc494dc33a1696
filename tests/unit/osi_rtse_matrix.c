/*
 * Each state of RTSE with each event: what comes from below is acted upon,
 * passed over, or breaks the protocol (X.228 Annex A); what our user asks for
 * is done, or is refused without a trace.
 */
#include "osi/rtse_int.h"
#include "tests/unit/osi_rtse_pair.h"

#define STATES (RTSE_CLOSED + 1)

static const uint8_t value[] = {0x04, 0x82, 0x0f, 0xfc}; /* of 4096 octets */
static const uint8_t whole_value[] = {0x04, 0x02, 0x00, 0x00};

static void
give(struct rtse *r, uint64_t total)
{
	const uint8_t *v = total == 4 ? whole_value : value;
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL(rtse_transfer_begin(r, total, &e), 0);
	CU_ASSERT_EQUAL(rtse_transfer_data(r, v, 4, &e), 4);
}

static struct end *
reach_unbound(struct pair *p)
{
	struct rtse_params a = pair_params(OSI_INITIATOR);
	struct rtse_params b = pair_params(OSI_RESPONDER);

	pair_init(p, &a, &b, WIRE_WHOLE);
	return &p->a;
}

static struct end *
reach_wait_open_cnf(struct pair *p)
{
	struct err e = ERR_INIT;

	reach_unbound(p);
	CU_ASSERT_EQUAL(
	    rtse_open_request(p->a.r, bind_argument, sizeof(bind_argument), &e),
	    0);
	return &p->a;
}

static struct end *
reach_wait_open_rsp(struct pair *p)
{
	reach_unbound(p);
	p->b.leave_open = true;
	pair_open(p);
	return &p->b;
}

static struct end *
reach_idle(struct pair *p)
{
	pair_ready(p, 1, RTSE_TWO_WAY_ALTERNATE, WIRE_WHOLE);
	return &p->a;
}

static struct end *
reach_sending(struct pair *p)
{
	reach_idle(p);
	give(p->a.r, 4096);
	pair_run(p);
	return &p->a;
}

static struct end *
reach_sent(struct pair *p)
{
	reach_idle(p);
	p->b.leave_end = true;
	give(p->a.r, 4);
	pair_run(p);
	return &p->a;
}

static struct end *
reach_discarding(struct pair *p)
{
	struct err e = ERR_INIT;

	reach_sending(p);
	CU_ASSERT_EQUAL(rtse_transfer_discard(p->a.r, &e), 0);
	return &p->a;
}

static struct end *
reach_receiving(struct pair *p)
{
	reach_sending(p);
	return &p->b;
}

static struct end *
reach_received(struct pair *p)
{
	reach_sent(p);
	return &p->b;
}

static struct end *
reach_excepted(struct pair *p)
{
	struct err e = ERR_INIT;

	reach_sending(p);
	CU_ASSERT_EQUAL(rtse_transfer_refuse(p->b.r, &e), 0);
	return &p->b;
}

static struct end *
reach_closing(struct pair *p)
{
	struct err e = ERR_INIT;

	reach_idle(p);
	CU_ASSERT_EQUAL(rtse_close(p->a.r, &e), 0);
	return &p->a;
}

static struct end *
reach_closed(struct pair *p)
{
	reach_idle(p);
	rtse_abort(p->a.r, "test");
	return &p->a;
}

static struct end *(*const reach[STATES])(struct pair *) = {
    [RTSE_UNBOUND] = reach_unbound,
    [RTSE_WAIT_OPEN_CNF] = reach_wait_open_cnf,
    [RTSE_WAIT_OPEN_RSP] = reach_wait_open_rsp,
    [RTSE_IDLE] = reach_idle,
    [RTSE_SENDING] = reach_sending,
    [RTSE_SENT] = reach_sent,
    [RTSE_DISCARDING] = reach_discarding,
    [RTSE_RECEIVING] = reach_receiving,
    [RTSE_RECEIVED] = reach_received,
    [RTSE_EXCEPTED] = reach_excepted,
    [RTSE_CLOSING] = reach_closing,
    [RTSE_CLOSED] = reach_closed,
};

static struct end *
reached(struct pair *p, int state)
{
	struct end *x = reach[state](p);

	CU_ASSERT_EQUAL_FATAL((int)x->r->state, state);
	buf_clear(rtse_engine_ops.output(x->r));
	return x;
}

/* --- from below --- */

/* The states in the order of enum rtse_state: unbound, wait-open-cnf and
 * -rsp; idle; sending, sent, discarding; receiving, received, excepted;
 * closing; closed. a: acted upon, '.': passed over, -: breaks the protocol. */
struct row {
	enum acse_prim_type acse;
	enum ses_prim_type ses;
	enum ses_prim_kind kind;
	enum pres_prim_type pres;
	const char *expect;
};

#define ACSE(type, kind, expect)         \
	{                                \
		type, 0, kind, 0, expect \
	}
#define SES(type, kind, expect)                             \
	{                                                   \
		ACSE_PASS, type, kind, PRES_SESSION, expect \
	}
#define PRES(type, expect)                          \
	{                                           \
		ACSE_PASS, 0, SES_IND, type, expect \
	}

/* clang-format off */
static const struct row rows[] = {
    ACSE(ACSE_ASSOCIATE, SES_IND, "a--" "-" "---" "---" "-."),
    ACSE(ACSE_ASSOCIATE, SES_CNF, "-a-" "-" "---" "---" "-."),
    ACSE(ACSE_RELEASE, SES_IND, "---" "a" "---" "---" "-."),
    ACSE(ACSE_RELEASE, SES_CNF, "---" "-" "---" "---" "a."),
    ACSE(ACSE_ABORT, SES_IND, "aaa" "a" "aaa" "aaa" "a."),
    ACSE(ACSE_P_ABORT, SES_IND, "aaa" "a" "aaa" "aaa" "a."),
    PRES(PRES_DATA, "---" "-" "---" "a-." "-."),
    PRES(PRES_TYPED_DATA, "---" "-" "---" "---" "-."),
    SES(SES_TOKEN_GIVE, SES_IND, "---" "a" "---" "---" "-."),
    SES(SES_CONTROL_GIVE, SES_IND, "---" "a" "---" "---" "-."),
    SES(SES_TOKEN_PLEASE, SES_IND, "---" "a" "aaa" "aaa" ".."),
    SES(SES_SYNC_MINOR, SES_IND, "---" "-" "---" "a-." "-."),
    SES(SES_SYNC_MINOR, SES_CNF, "---" "-" "aa." "---" "-."),
    SES(SES_ACTIVITY_START, SES_IND, "---" "a" "---" "---" "-."),
    SES(SES_ACTIVITY_RESUME, SES_IND, "---" "a" "---" "---" "-."),
    SES(SES_ACTIVITY_INTERRUPT, SES_IND, "---" "a" "---" "aaa" "-."),
    SES(SES_ACTIVITY_INTERRUPT, SES_CNF, "---" "-" "--a" "---" "-."),
    SES(SES_ACTIVITY_DISCARD, SES_IND, "---" "a" "---" "aaa" "-."),
    SES(SES_ACTIVITY_DISCARD, SES_CNF, "---" "-" "--a" "---" "-."),
    SES(SES_ACTIVITY_END, SES_IND, "---" "-" "---" "a-." "-."),
    SES(SES_ACTIVITY_END, SES_CNF, "---" "-" "-a." "---" "-."),
    SES(SES_U_EXCEPTION, SES_IND, "---" "-" "aa." "..." "-."),
    SES(SES_P_EXCEPTION, SES_IND, "---" "-" "aa." "..." "-."),
    SES(SES_TYPED_DATA, SES_IND, "---" "-" "---" "---" "-."),
};
/* clang-format on */

static unsigned
events_of(const struct end *x)
{
	unsigned n = 0;

	for (size_t i = 0; i < MAX_EVENTS; i++)
		n += x->count[i];
	return n;
}

static void
inject(struct end *x, const struct row *row)
{
	const struct ses_prim s = {
	    .type = row->ses, .kind = row->kind, .last = true};
	const struct pres_prim q = {.type = row->pres,
	    .kind = row->kind,
	    .ses = row->pres == PRES_SESSION ? &s : NULL,
	    .provider_reason = -1};
	const struct acse_prim p = {.type = row->acse,
	    .kind = row->kind,
	    .application_context = "2.6.0.1.6",
	    .result = ACSE_REJECTED_PERMANENT,
	    .pres = row->acse == ACSE_PASS ? &q : NULL};

	rtse_from_acse(x->r, &p);
}

/* The answer is an RTAB with the reason protocol error; as long as no transport
 * connection is there, that is given up. */
static bool
sent_rtab(const struct end *x, enum rtse_state before)
{
	const struct buf *out = rtse_engine_ops.output(x->r);

	if (before == RTSE_UNBOUND || before == RTSE_WAIT_OPEN_CNF)
		return cotp_finished(rtse_cotp(x->r));
	return memmem(out->data, out->len, "\xb6\x03\x80\x01\x04", 5) != NULL;
}

static char
outcome(struct end *x, const struct row *row)
{
	enum rtse_state before = x->r->state;
	unsigned events = events_of(x);

	x->leave_end = true; /* below, nothing has ended */
	x->err = (struct err)ERR_INIT;
	inject(x, row);
	if (x->count[RTSE_ABORTED] == 1 &&
	    strstr(x->err.text, "in state") != NULL) {
		CU_ASSERT_EQUAL(x->r->state, RTSE_CLOSED);
		CU_ASSERT_EQUAL(x->err.offset, 0);
		CU_ASSERT(sent_rtab(x, before));
		return '-';
	}
	if (x->r->state == before && events_of(x) == events &&
	    rtse_engine_ops.output(x->r)->len == 0)
		return '.';
	return 'a';
}

/* Acted upon, without anything to be seen: the turn was here already, data
 * without octets. */
static bool
shows(const struct row *row)
{
	return row->pres != PRES_DATA && row->ses != SES_TOKEN_GIVE &&
	    row->ses != SES_CONTROL_GIVE &&
	    (row->ses != SES_SYNC_MINOR || row->kind != SES_IND);
}

static void
each_state_with_each_event_from_below(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		CU_ASSERT_EQUAL_FATAL(strlen(rows[i].expect), STATES);
		for (int state = 0; state < STATES; state++) {
			struct pair p;
			struct end *x = reached(&p, state);
			char want = rows[i].expect[state];
			char got = outcome(x, &rows[i]);

			/* some show nothing when they are acted upon */
			if (want == 'a' && got == '.' && !shows(&rows[i]))
				got = 'a';
			CU_ASSERT_EQUAL(got, want);
			if (got != want)
				printf("\n  row %zu, state %d: %c\n", i, state,
				    got);
			pair_free(&p);
		}
	}
}

/* --- from above --- */

static int
ask_open(struct rtse *r, struct err *e)
{
	return rtse_open_request(r, bind_argument, sizeof(bind_argument), e);
}

static int
ask_accept_open(struct rtse *r, struct err *e)
{
	return rtse_open_accept(r, bind_result, sizeof(bind_result), e);
}

static int
ask_refuse_open(struct rtse *r, struct err *e)
{
	return rtse_open_refuse(r, bind_error, sizeof(bind_error), e);
}

static int
ask_begin(struct rtse *r, struct err *e)
{
	return rtse_transfer_begin(r, 100, e);
}

static int
ask_resume(struct rtse *r, struct err *e)
{
	const struct rtse_resume at = {.activity = {.id_n = 3, .id = {2, 1, 1}},
	    .serial = 2,
	    .total = 5000,
	    .offset = 2000};

	return rtse_transfer_resume(r, &at, e);
}

static int
ask_data(struct rtse *r, struct err *e)
{
	return (int)rtse_transfer_data(r, value, 4, e);
}

static int
ask_turn(struct rtse *r, struct err *e)
{
	return rtse_turn_please(r, 1, e);
}

/* clang-format off */
static const struct {
	int (*ask)(struct rtse *, struct err *);
	const char *expect; /* y: done, n: refused */
} requests[] = {
    {ask_open, "ynn" "n" "nnn" "nnn" "nn"},
    {ask_accept_open, "nny" "n" "nnn" "nnn" "nn"},
    {ask_refuse_open, "nny" "n" "nnn" "nnn" "nn"},
    {ask_begin, "nnn" "y" "nnn" "nnn" "nn"},
    {ask_resume, "nnn" "y" "nnn" "nnn" "nn"},
    {ask_data, "nnn" "n" "ynn" "nnn" "nn"},
    {rtse_transfer_discard, "nnn" "n" "yyn" "nnn" "nn"},
    {rtse_transfer_accept, "nnn" "n" "nnn" "nyn" "nn"},
    {rtse_transfer_refuse, "nnn" "n" "nnn" "yyn" "nn"},
    {ask_turn, "nnn" "n" "nnn" "yyn" "nn"},
    {rtse_turn_give, "nnn" "y" "nnn" "nnn" "nn"},
    {rtse_close, "nnn" "y" "nnn" "nnn" "nn"},
};
/* clang-format on */

static void
each_state_with_each_request(void)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++)
		for (int state = 0; state < STATES; state++) {
			struct pair p;
			struct end *x = reached(&p, state);
			struct err e = ERR_INIT;
			int rc = requests[i].ask(x->r, &e);
			bool done = requests[i].expect[state] == 'y';

			CU_ASSERT_EQUAL(rc >= 0, done);
			if ((rc >= 0) != done)
				printf("\n  request %zu, state %d: %d %s\n", i,
				    state, rc, e.text);
			if (!done) {
				CU_ASSERT_EQUAL(rc, ERR_PROTOCOL);
				CU_ASSERT_EQUAL((int)x->r->state, state);
				CU_ASSERT_EQUAL(
				    rtse_engine_ops.output(x->r)->len, 0);
			}
			pair_free(&p);
		}
}

/* In every state a lost connection, an abort of ours and the end of time lead
 * to the end of the association, and nothing follows. */
static void
each_state_ends(void)
{
	for (int how = 0; how < 3; how++)
		for (int state = 0; state < STATES; state++) {
			struct pair p;
			struct end *x = reached(&p, state);
			unsigned events = events_of(x);

			if (how == 0)
				rtse_engine_ops.closed(x->r, NULL, 1000);
			else if (how == 1)
				rtse_abort(x->r, "test");
			else
				x->give_turn = false;
			for (msec_t now = 1000; now < 500000; now += 1000)
				if (rtse_engine_ops.deadline(x->r) <= now)
					rtse_engine_ops.timeout(x->r, now);
			if (how == 0)
				CU_ASSERT_EQUAL(events_of(x) - events,
				    state != RTSE_CLOSED);
			if (how == 1)
				CU_ASSERT_EQUAL(events_of(x), events);
			if (how < 2) {
				CU_ASSERT_EQUAL(x->r->state, RTSE_CLOSED);
				CU_ASSERT_TRUE(rtse_engine_ops.finished(x->r));
			} else if (state != RTSE_IDLE &&
			    state != RTSE_WAIT_OPEN_RSP &&
			    state != RTSE_RECEIVED) {
				CU_ASSERT_EQUAL(x->r->state, RTSE_CLOSED);
			}
			pair_free(&p);
		}
}

void
suite_osi_rtse_matrix(void)
{
	static CU_TestInfo tests[] = {
	    TEST(each_state_with_each_event_from_below),
	    TEST(each_state_with_each_request),
	    TEST(each_state_ends),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("osi_rtse_matrix", tests);
}
