/*
 * RTSE before peers that do what ours does not: recover, resume, interrupt,
 * break the protocol. The peer is an ACSE engine with the test on top.
 */
#include "osi/rtse_int.h"

#include "tests/unit/osi_rtse_pair.h"

struct duel {
	struct acse *peer;
	struct end x; /* ours, the responder */
	size_t chunk;
	/* what the peer saw */
	unsigned seen[SES_P_ABORT + 1]; /* session primitives */
	bool open;
	enum acse_result result;
	int diagnostic;
	struct buf information; /* of the answer, or of the abort */
	bool aborted;
	uint8_t reason;
};

static void
peer_event(void *user, const struct acse_prim *p)
{
	struct duel *d = user;

	if (p->type == ACSE_ASSOCIATE)
		d->open = p->result == ACSE_ACCEPTED;
	if (p->type == ACSE_ASSOCIATE)
		d->result = p->result;
	if (p->type == ACSE_ASSOCIATE)
		d->diagnostic = p->diagnostic;
	if (p->type == ACSE_ABORT || p->type == ACSE_P_ABORT)
		d->aborted = true;
	if (p->type == ACSE_PASS && p->pres->type == PRES_SESSION) {
		d->seen[p->pres->ses->type]++;
		d->reason = p->pres->ses->reason;
	}
	if (p->user_information.n > 0) {
		buf_clear(&d->information);
		buf_append(&d->information, p->user_information.p,
		    p->user_information.n);
	}
}

static void
duel_run(struct duel *d)
{
	wire_run(ses_cotp(pres_ses(acse_pres(d->peer))),
	    ses_cotp(pres_ses(acse_pres(rtse_acse(d->x.r)))), d->chunk);
}

/* An AARQ whose RTORQ is of the test's making, on a session connection with
 * these functional units; `contexts` of three are proposed. */
static void
duel_with(struct duel *d, const char *rtorq, size_t chunk, uint16_t units,
    size_t n_contexts)
{
	static const struct pres_context contexts[] = {
	    {.id = 1, .abstract_syntax = ACSE_ABSTRACT_SYNTAX},
	    {.id = 3, .abstract_syntax = RTSE_ABSTRACT_SYNTAX_P1},
	    {.id = 5, .abstract_syntax = "2.6.0.2.7"}};
	struct rtse_params b = pair_params(OSI_RESPONDER);
	struct rtse_params a = pair_params(OSI_INITIATOR);
	struct acse_prim q = {.type = ACSE_ASSOCIATE,
	    .kind = SES_REQ,
	    .application_context = "2.6.0.1.6"};
	struct buf octets = {0};
	struct err e = ERR_INIT;

	*d = (struct duel){.chunk = chunk};
	b.window_size = 9;
	a.pres.contexts = contexts;
	a.pres.n_contexts = n_contexts;
	a.pres.ses.requirements = units;
	d->peer = acse_new(&a.pres, peer_event, d, 1000);
	d->x.r = rtse_new(&b, end_event, &d->x, 1000);
	wire_hex(&octets, rtorq);
	q.user_information = (struct pres_value){3, octets.data, octets.len};
	CU_ASSERT_EQUAL(acse_request(d->peer, &q, &e), 0);
	duel_run(d);
	buf_free(&octets);
}

static void
duel_init(struct duel *d, const char *rtorq, size_t chunk)
{
	duel_with(d, rtorq, chunk, SES_FU_RTSE, 3);
}

static void
duel_ready(struct duel *d, size_t chunk)
{
	duel_init(d, "b006 a304 a002 0500", chunk);
	CU_ASSERT_TRUE_FATAL(d->open);
}

static void
duel_free(struct duel *d)
{
	acse_free(&d->peer);
	end_free(&d->x);
	buf_free(&d->information);
}

static void
peer_session(struct duel *d, const struct ses_prim *s)
{
	struct pres_prim q = {.type = PRES_SESSION,
	    .kind = s->kind,
	    .ses = s,
	    .provider_reason = -1};
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL(pres_request(acse_pres(d->peer), &q, &e), 0);
	duel_run(d);
}

static void
peer_value(struct duel *d, int32_t context, const char *hex)
{
	struct buf b = {0};
	struct err e = ERR_INIT;
	struct pres_prim q = {
	    .type = PRES_DATA, .kind = SES_REQ, .first = true, .last = true};

	wire_hex(&b, hex);
	q.data = (struct pres_value){context, b.data, b.len};
	q.total = b.len;
	CU_ASSERT_EQUAL(pres_request(acse_pres(d->peer), &q, &e), 0);
	duel_run(d);
	buf_free(&b);
}

static const struct ses_prim start = {.type = SES_ACTIVITY_START,
    .kind = SES_REQ,
    .activity_id_n = 3,
    .activity_id = {2, 1, 9}};
static const struct ses_prim discard = {.type = SES_ACTIVITY_DISCARD,
    .kind = SES_REQ,
    .reason = SES_REASON_UNRECOVERABLE};
static const struct ses_prim end = {.type = SES_ACTIVITY_END, .kind = SES_REQ};

static void
every_form_of_a_transfer_is_unwrapped(void)
{
	static const struct {
		const char *rttr[3];
		const char *apdu; /* NULL: the transfer is lost */
	} rows[] = {
	    {{"0409 2807 020105 a002 0500"}, "0500"},
	    {{"2480 0402 2807 0403 020105 2404 0402 a002 0402 0500 0000"},
		"0500"},
	    {{"0404 2807 0201", "0402 05a0", "0403 02 0500"}, "0500"},
	    {{"0411 2880 020105 a080 3080 0500 0000 0000 0000"},
		"3080 0500 0000"},
	    {{"040a 2808 020105 8103 616263"}, "616263"},
	    {{"040a 2808 020105 8203 006162"}, "6162"},
	    {{"040f 2880 020105 a180 0402 6162 0000 0000"}, "6162"},
	    {{"040d 280b 06025101 020105 a002 0500"}, "0500"},
	    {{"0411 280f 020105 0704 61626364 a004 04026162"}, "04026162"},
	    {{"0406 2804 a002 0500"}, "0500"},
	    {{"0402 0500"}, "0500"},                /* bare */
	    {{"0409 2807 020103 a002 0500"}, NULL}, /* context of RTSE */
	    {{"0409 2807 020105 a302 0500"}, NULL},
	    {{"0408 2807 020105 a002 05"}, NULL},
	    {{"040a 2807 020105 a002 0500 00"}, NULL},
	    {{"0405 2803 020105"}, NULL},
	};

	for (size_t c = 0; c < WIRE_CHUNKS; c++)
		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
			struct duel p;
			struct buf want = {0};

			duel_ready(&p, wire_chunks[c]);
			peer_session(&p, &start);
			for (int k = 0; k < 3; k++)
				if (rows[i].rttr[k] != NULL)
					peer_value(&p, 3, rows[i].rttr[k]);
			if (p.x.count[RTSE_TRANSFER_LOST] == 0)
				peer_session(&p, &end);
			if (rows[i].apdu == NULL) {
				CU_ASSERT_EQUAL(
				    p.x.count[RTSE_TRANSFER_LOST], 1);
				CU_ASSERT_EQUAL(
				    p.x.count[RTSE_TRANSFER_END], 0);
			} else {
				wire_hex(&want, rows[i].apdu);
				CU_ASSERT_EQUAL_FATAL(
				    p.x.count[RTSE_TRANSFER_END], 1);
				CU_ASSERT_EQUAL_FATAL(p.x.kept.len, want.len);
				CU_ASSERT_EQUAL(
				    memcmp(p.x.kept.data, want.data, want.len),
				    0);
			}
			buf_free(&want);
			duel_free(&p);
		}
}

static void
what_is_no_rttr_aborts(void)
{
	static const struct {
		int32_t context;
		const char *hex, *why;
		uint64_t offset; /* in the RTTR */
	} rows[] = {
	    {3, "0500", "RTTR: it is no OCTET STRING", 2},
	    {5, "0402 0500", "RTTR: it is on context 5, not 3", 0},
	    {1, "0402 0500", "RTTR: it is on context 1, not 3", 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct duel p;

		duel_ready(&p, WIRE_WHOLE);
		peer_session(&p, &start);
		peer_value(&p, rows[i].context, rows[i].hex);
		CU_ASSERT_EQUAL(p.x.count[RTSE_ABORTED], 1);
		CU_ASSERT_STRING_EQUAL(p.x.err.text, rows[i].why);
		CU_ASSERT_EQUAL(p.x.err.offset, rows[i].offset);
		CU_ASSERT_TRUE(p.aborted);
		/* RTAB: protocol error */
		CU_ASSERT_EQUAL_FATAL(p.information.len, 5);
		CU_ASSERT_EQUAL(
		    memcmp(p.information.data, "\xb6\x03\x80\x01\x04", 5), 0);
		duel_free(&p);
	}
}

/* RTAB: invalid parameter, whose first octet comes back. */
static void
a_turn_priority_that_is_no_number_is_reflected(void)
{
	static const uint8_t wrong[] = {0x04, 0x01, 0xff};
	const struct ses_prim give = {
	    .type = SES_CONTROL_GIVE, .kind = SES_REQ};
	const struct ses_prim please = {.type = SES_TOKEN_PLEASE,
	    .kind = SES_REQ,
	    .tokens = SES_TOKEN_DATA};
	const struct pres_value v = {3, wrong, sizeof(wrong)};
	const struct pres_prim q = {.type = PRES_SESSION,
	    .kind = SES_REQ,
	    .ses = &please,
	    .values = &v,
	    .n_values = 1,
	    .provider_reason = -1};
	struct duel p;
	struct err e = ERR_INIT;

	duel_init(&p, "b009 820101 a304 a002 0500", WIRE_WHOLE);
	peer_session(&p, &give);
	CU_ASSERT_EQUAL(pres_request(acse_pres(p.peer), &q, &e), 0);
	duel_run(&p);
	CU_ASSERT_EQUAL(p.x.count[RTSE_ABORTED], 1);
	CU_ASSERT_EQUAL_FATAL(p.information.len, 9);
	CU_ASSERT_EQUAL(memcmp(p.information.data,
			    "\xb6\x07\x80\x01\x01\x81\x02\x00\x04", 9),
	    0);
	duel_free(&p);
}

static void
an_interrupt_loses_the_transfer(void)
{
	struct duel p;
	const struct ses_prim s = {.type = SES_ACTIVITY_INTERRUPT,
	    .kind = SES_REQ,
	    .reason = SES_REASON_LOCAL_ERROR};

	duel_ready(&p, 1);
	peer_session(&p, &start);
	peer_value(&p, 3, "0404 28070201");
	peer_session(&p, &s);
	CU_ASSERT_EQUAL(p.x.count[RTSE_TRANSFER_LOST], 1);
	CU_ASSERT_EQUAL(p.x.err.detail, SES_REASON_LOCAL_ERROR);
	CU_ASSERT_EQUAL(p.seen[SES_ACTIVITY_INTERRUPT], 1); /* confirmed */
	CU_ASSERT_FALSE(p.aborted);
	duel_free(&p);
}

static void
a_resumed_activity_is_sent_back(void)
{
	struct duel p;
	const struct ses_prim s = {.type = SES_ACTIVITY_RESUME,
	    .kind = SES_REQ,
	    .serial = 1,
	    .activity_id_n = 3,
	    .activity_id = {2, 1, 9},
	    .old_activity_id_n = 3,
	    .old_activity_id = {2, 1, 8}};

	duel_ready(&p, 7);
	peer_session(&p, &s);
	CU_ASSERT_EQUAL(p.x.count[RTSE_TRANSFER_BEGIN], 0);
	CU_ASSERT_EQUAL(p.x.count[RTSE_TRANSFER_LOST], 0);
	CU_ASSERT_EQUAL(p.x.count[RTSE_ABORTED], 0);
	CU_ASSERT_EQUAL(p.seen[SES_U_EXCEPTION], 1);
	CU_ASSERT_EQUAL(p.reason, SES_REASON_UNRECOVERABLE);
	peer_session(&p, &discard);
	CU_ASSERT_EQUAL(p.seen[SES_ACTIVITY_DISCARD], 1);
	peer_session(&p, &start);
	peer_value(&p, 3, "0409 2807 020105 a002 0500");
	peer_session(&p, &end);
	CU_ASSERT_EQUAL(p.x.count[RTSE_TRANSFER_END], 1);
	CU_ASSERT_EQUAL(p.seen[SES_ACTIVITY_END], 1);
	duel_free(&p);
}

static void
recovery_is_refused_as_busy(void)
{
	struct duel p;

	duel_init(&p,
	    "b01b a319 a117 1403 616263 "
	    "170d 3236313132313233333833395a 8001 00",
	    7);
	CU_ASSERT_FALSE(p.open);
	CU_ASSERT_EQUAL(p.result, ACSE_REJECTED_TRANSIENT);
	/* RTORJ around busy(0) */
	CU_ASSERT_EQUAL_FATAL(p.information.len, 7);
	CU_ASSERT_EQUAL(
	    memcmp(p.information.data, "\xb2\x05\xa1\x03\x02\x01\x00", 7), 0);
	CU_ASSERT_EQUAL(p.x.count[RTSE_OPEN_IND], 1);
	CU_ASSERT_EQUAL(p.x.count[RTSE_ABORTED], 0);
	CU_ASSERT_EQUAL(p.x.recover.user_n, 5);
	CU_ASSERT_EQUAL(memcmp(p.x.recover.user,
			    "\x14\x03"
			    "abc",
			    5),
	    0);
	CU_ASSERT_EQUAL(p.x.recover.common_n, 15);
	CU_ASSERT_EQUAL(p.x.recover.add_n, 3);
	duel_free(&p);
}

static void
a_bad_rtorq_is_refused(void)
{
	static const struct {
		const char *rtorq, *why;
		uint64_t offset; /* in the RTORQ */
	} rows[] = {
	    {"b000", "RTORQ without connection-data", 0},
	    {"b106 a204 a002 0500", "RTORQ: another APDU", 0},
	    {"b00b 8001ff a306 a004 02020500", "RTORQ, checkpoint-size", 2},
	    {"b00b 820102 a306 a004 02020500", "RTORQ, dialogue-mode", 2},
	    {"b00e a306 a004 02020500 800100 8101ff", "RTORQ, window-size", 13},
	    {"b080 a306 a004 02020500 a980 0000 0000",
		"RTORQ: it has no field with tag 9", 10},
	    {"b007 800100 a302 0500", "RTORQ, connection-data", 5},
	    {"0500", "an APDU with tag 5", 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct duel p;

		duel_init(&p, rows[i].rtorq, WIRE_WHOLE);
		CU_ASSERT_EQUAL(p.result, ACSE_REJECTED_PERMANENT);
		CU_ASSERT_EQUAL(p.x.err.offset, rows[i].offset);
		CU_ASSERT_PTR_NOT_NULL(strstr(p.x.err.text, rows[i].why));
		if (strstr(p.x.err.text, rows[i].why) == NULL ||
		    p.x.err.offset != rows[i].offset)
			printf("\n  row %zu: %llu %s\n", i,
			    (unsigned long long)p.x.err.offset, p.x.err.text);
		CU_ASSERT_EQUAL(p.x.count[RTSE_OPEN_IND], 0);
		CU_ASSERT_EQUAL(p.x.count[RTSE_ABORTED], 1);
		CU_ASSERT_EQUAL(p.diagnostic, ACSE_DIAG_NO_REASON);
		/* an RTORJ, which has no reasons in normal mode */
		CU_ASSERT_EQUAL_FATAL(p.information.len, 2);
		CU_ASSERT_EQUAL(memcmp(p.information.data, "\xb2\x00", 2), 0);
		duel_free(&p);
	}
}

static void
a_missing_context_is_no_matter_of_the_application_context(void)
{
	for (size_t n = 1; n <= 2; n++) {
		struct duel p;

		duel_with(&p, n == 1 ? "" : "b006 a304 a002 0500", WIRE_WHOLE,
		    SES_FU_RTSE, n);
		CU_ASSERT_EQUAL(p.result, ACSE_REJECTED_PERMANENT);
		CU_ASSERT_EQUAL(p.diagnostic, ACSE_DIAG_NO_REASON);
		CU_ASSERT_EQUAL(p.x.count[RTSE_ABORTED], 1);
		CU_ASSERT_PTR_NOT_NULL(strstr(p.x.err.text,
		    n == 1 ? "none for RTSE" : "none for its user"));
		/* where the list is in the CP: behind selectors of 5 octets
		 * each, if any, and a mode-selector */
		CU_ASSERT_STRING_EQUAL(p.x.err.layer, "presentation");
		CU_ASSERT(p.x.err.offset >= 9 && p.x.err.offset < 30);
		duel_free(&p);
	}
}

static const struct {
	uint16_t units;
	const char *missing;
} lacking[] = {
    {SES_FU_RTSE & ~SES_FU_ACTIVITY, "activity management"},
    {SES_FU_RTSE & ~SES_FU_MINOR_SYNC, "minor synchronize"},
    {SES_FU_RTSE & ~SES_FU_EXCEPTIONS, "exceptions"},
    {SES_FU_DUPLEX | SES_FU_MINOR_SYNC | SES_FU_ACTIVITY, "half-duplex"},
};

static void
a_session_without_the_units_of_rtse_is_refused(void)
{
	for (size_t i = 0; i < sizeof(lacking) / sizeof(*lacking); i++) {
		struct duel p;

		/* without half-duplex the session refuses already */
		if ((lacking[i].units & SES_FU_DUPLEX) != 0)
			continue;
		duel_with(
		    &p, "b006 a304 a002 0500", WIRE_WHOLE, lacking[i].units, 3);
		CU_ASSERT_FALSE(p.open);
		CU_ASSERT_EQUAL(p.x.count[RTSE_OPEN_IND], 0);
		CU_ASSERT_EQUAL(p.result, ACSE_REJECTED_PERMANENT);
		CU_ASSERT_EQUAL(p.diagnostic, ACSE_DIAG_NO_REASON);
		CU_ASSERT_EQUAL(p.x.count[RTSE_ABORTED], 1);
		CU_ASSERT_PTR_NOT_NULL(
		    strstr(p.x.err.text, lacking[i].missing));
		duel_free(&p);
	}
}

/* Takes any association, on the units that it has. */
static void
lax_event(void *user, const struct acse_prim *p)
{
	static const uint8_t rtoac[] = {
	    0xb1, 0x06, 0xa2, 0x04, 0xa0, 0x02, 0x05, 0x00};
	struct duel *d = user;
	const struct acse_prim rsp = {.type = ACSE_ASSOCIATE,
	    .kind = SES_RSP,
	    .user_information = {3, rtoac, sizeof(rtoac)}};
	struct err e = ERR_INIT;

	if (p->type == ACSE_ASSOCIATE)
		CU_ASSERT_EQUAL(acse_request(d->peer, &rsp, &e), 0);
	if (p->type == ACSE_ABORT && p->user_information.n > 0)
		buf_append(&d->information, p->user_information.p,
		    p->user_information.n);
}

static void
an_accept_without_the_units_of_rtse_is_aborted(void)
{
	static const struct pres_context contexts[] = {
	    {.id = 1, .abstract_syntax = ACSE_ABSTRACT_SYNTAX},
	    {.id = 3, .abstract_syntax = RTSE_ABSTRACT_SYNTAX_P1},
	    {.id = 5, .abstract_syntax = "2.6.0.2.7"}};

	for (size_t i = 0; i < sizeof(lacking) / sizeof(*lacking); i++) {
		struct rtse_params a = pair_params(OSI_INITIATOR);
		struct rtse_params b = pair_params(OSI_RESPONDER);
		struct duel d = {.chunk = WIRE_WHOLE};
		struct err e = ERR_INIT;

		if ((lacking[i].units & SES_FU_DUPLEX) != 0)
			a.pres.ses.requirements |= SES_FU_DUPLEX;
		b.pres.contexts = contexts;
		b.pres.n_contexts = 3;
		b.pres.ses.requirements = lacking[i].units;
		d.peer = acse_new(&b.pres, lax_event, &d, 1000);
		d.x.r = rtse_new(&a, end_event, &d.x, 1000);
		CU_ASSERT_EQUAL(rtse_open_request(d.x.r, bind_argument,
				    sizeof(bind_argument), &e),
		    0);
		duel_run(&d);
		CU_ASSERT_EQUAL(d.x.count[RTSE_OPEN_CNF], 0);
		CU_ASSERT_EQUAL(d.x.count[RTSE_ABORTED], 1);
		CU_ASSERT_PTR_NOT_NULL(
		    strstr(d.x.err.text, lacking[i].missing));
		/* RTAB: protocol error */
		CU_ASSERT_EQUAL_FATAL(d.information.len, 5);
		CU_ASSERT_EQUAL(
		    memcmp(d.information.data, "\xb6\x03\x80\x01\x04", 5), 0);
		duel_free(&d);
	}
}

static void
expect_rtab(struct duel *p, uint8_t reason, const char *text)
{
	CU_ASSERT_EQUAL(p->x.count[RTSE_ABORTED], 1);
	CU_ASSERT_TRUE(p->aborted);
	CU_ASSERT_PTR_NOT_NULL(strstr(p->x.err.text, text));
	CU_ASSERT_EQUAL_FATAL(p->information.len, 5);
	CU_ASSERT_EQUAL(memcmp(p->information.data, "\xb6\x03\x80\x01", 4), 0);
	CU_ASSERT_EQUAL(p->information.data[4], reason);
}

static void
the_turn_does_not_pass_in_monologue(void)
{
	static const struct ses_prim rows[] = {
	    {.type = SES_CONTROL_GIVE, .kind = SES_REQ},
	    {.type = SES_TOKEN_GIVE,
		.kind = SES_REQ,
		.tokens = SES_TOKEN_DATA | SES_TOKEN_MINOR | SES_TOKEN_MAJOR},
	};
	const struct ses_prim please = {
	    .type = SES_TOKEN_PLEASE, .kind = SES_IND, .last = true};
	const struct pres_prim q = {
	    .type = PRES_SESSION, .kind = SES_IND, .ses = &please};
	const struct acse_prim a = {
	    .type = ACSE_PASS, .kind = SES_IND, .pres = &q};
	struct duel p;
	struct err e = ERR_INIT;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		duel_ready(&p, WIRE_WHOLE);
		CU_ASSERT_EQUAL(rtse_turn_please(p.x.r, 1, &e), ERR_PROTOCOL);
		peer_session(&p, &rows[i]);
		expect_rtab(&p, RTSE_ABORT_PROTOCOL_ERROR, "in monologue");
		CU_ASSERT_EQUAL(p.x.count[RTSE_TURN_GIVE], 0);
		duel_free(&p);
	}
	duel_ready(&p, WIRE_WHOLE);
	rtse_from_acse(p.x.r, &a);
	duel_run(&p);
	expect_rtab(&p, RTSE_ABORT_PROTOCOL_ERROR,
	    "P-TOKEN-PLEASE indication: it came in monologue");
	CU_ASSERT_EQUAL(p.x.count[RTSE_TURN_PLEASE], 0);
	duel_free(&p);
}

static void
a_minor_point_without_data_before_it_aborts(void)
{
	const struct ses_prim minor = {
	    .type = SES_SYNC_MINOR, .kind = SES_REQ, .explicit_confirm = true};
	struct duel p;

	for (size_t data = 0; data < 2; data++) {
		duel_init(&p, "b009 800101 a304 a002 0500", WIRE_WHOLE);
		peer_session(&p, &start);
		if (data > 0) {
			peer_value(&p, 3, "0404 28070201");
			peer_session(&p, &minor);
			CU_ASSERT_EQUAL(p.x.count[RTSE_ABORTED], 0);
		}
		peer_session(&p, &minor);
		expect_rtab(&p, RTSE_ABORT_PROTOCOL_ERROR,
		    "session MIP: serial number ");
		CU_ASSERT_PTR_NOT_NULL(strstr(p.x.err.text, "without an RTTR"));
		CU_ASSERT_EQUAL(p.x.err.offset, 0);
		duel_free(&p);
	}
}

/* We answered 0 to a 0: there is no checkpointing (X.228 7.1.4.1). */
static void
a_minor_point_where_none_were_negotiated_aborts(void)
{
	const struct ses_prim minor = {
	    .type = SES_SYNC_MINOR, .kind = SES_REQ, .explicit_confirm = true};
	struct duel p;

	duel_ready(&p, WIRE_WHOLE);
	CU_ASSERT_EQUAL(rtse_checkpoint_size(p.x.r), 0);
	peer_session(&p, &start);
	peer_value(&p, 3, "0404 28070201");
	peer_session(&p, &minor);
	expect_rtab(
	    &p, RTSE_ABORT_PROTOCOL_ERROR, "no checkpoints were negotiated");
	CU_ASSERT_EQUAL(p.x.err.offset, 0);
	duel_free(&p);
}

static void
resuming_again_and_again_ends_the_association(void)
{
	const struct ses_prim resume = {.type = SES_ACTIVITY_RESUME,
	    .kind = SES_REQ,
	    .serial = 1,
	    .activity_id_n = 3,
	    .activity_id = {2, 1, 9},
	    .old_activity_id_n = 3,
	    .old_activity_id = {2, 1, 8}};
	struct duel p;

	duel_ready(&p, WIRE_WHOLE);
	for (unsigned i = 0; i < 2 * RTSE_RESUMES_MAX; i++) {
		/* the end of a transfer: counted anew */
		if (i == RTSE_RESUMES_MAX) {
			peer_session(&p, &start);
			peer_value(&p, 3, "0402 0500");
			peer_session(&p, &end);
			CU_ASSERT_EQUAL(p.x.count[RTSE_TRANSFER_END], 1);
		}
		peer_session(&p, &resume);
		CU_ASSERT_FALSE_FATAL(p.aborted);
		peer_session(&p, &discard);
	}
	peer_session(&p, &resume);
	expect_rtab(&p, RTSE_ABORT_TEMPORARY, "session AR: 17 of them");
	duel_free(&p);
}

static void
defaults_of_an_rtorq_are_filled_in(void)
{
	struct duel p;

	duel_init(&p, "b006 a304 a002 0500", WIRE_WHOLE);
	CU_ASSERT_EQUAL(p.x.count[RTSE_OPEN_IND], 1);
	CU_ASSERT_EQUAL(p.x.open_data.len, 2);
	CU_ASSERT_EQUAL(rtse_checkpoint_size(p.x.r), 0);
	CU_ASSERT_EQUAL(rtse_window_size(p.x.r), 3);
	CU_ASSERT_EQUAL(rtse_dialogue(p.x.r), RTSE_MONOLOGUE);
	duel_free(&p);
}

static void
small_apdus_survive_the_way_there_and_back(void)
{
	struct arena *a = arena_new();
	struct buf b = {0};
	struct err e = ERR_INIT;
	struct rtse_refusal j;
	const struct rtse_refusal busy = {
	    .reason = 0, .user_data = {(const uint8_t *)"\x02\x01\x00", 3}};
	struct rtse_rtab t, back;
	struct pres_value v = {3, NULL, 0};
	int n;

	for (int i = RTSE_ABORT_LOCAL_PROBLEM; i <= RTSE_ABORT_COMPLETED; i++) {
		buf_clear(&b);
		t.reason = (enum rtse_abort_reason)i;
		t.reflected = i == RTSE_ABORT_INVALID_PARAMETER ? 0x9f : -1;
		rtse_rtab_encode(&t, &b);
		v.p = b.data;
		v.n = b.len;
		CU_ASSERT_EQUAL(rtse_rtab_decode(a, &v, &back, &e), 0);
		CU_ASSERT_EQUAL((int)back.reason, i);
		CU_ASSERT_EQUAL(back.reflected, t.reflected);
	}
	buf_clear(&b);
	rtse_rttp_encode(300, &b);
	v = (struct pres_value){3, b.data, b.len};
	CU_ASSERT_EQUAL(rtse_rttp_decode(a, &v, &n, &e), 0);
	CU_ASSERT_EQUAL(n, 300);
	CU_ASSERT_EQUAL(rtse_rtab_decode(a, &v, &back, &e), ERR_SYNTAX);
	buf_clear(&b);
	rtse_rtorj_encode(&busy, &b);
	v = (struct pres_value){3, b.data, b.len};
	CU_ASSERT_EQUAL(rtse_rtorj_decode(a, &v, &j, &e), 0);
	CU_ASSERT_EQUAL(j.user_data.n, 3);
	CU_ASSERT_EQUAL(j.reason, 0);
	buf_free(&b);
	arena_free(&a);
}

void
suite_osi_rtse_peer(void)
{
	static CU_TestInfo tests[] = {
	    TEST(every_form_of_a_transfer_is_unwrapped),
	    TEST(what_is_no_rttr_aborts),
	    TEST(a_turn_priority_that_is_no_number_is_reflected),
	    TEST(an_interrupt_loses_the_transfer),
	    TEST(a_resumed_activity_is_sent_back),
	    TEST(recovery_is_refused_as_busy),
	    TEST(a_bad_rtorq_is_refused),
	    TEST(a_missing_context_is_no_matter_of_the_application_context),
	    TEST(a_session_without_the_units_of_rtse_is_refused),
	    TEST(an_accept_without_the_units_of_rtse_is_aborted),
	    TEST(the_turn_does_not_pass_in_monologue),
	    TEST(a_minor_point_without_data_before_it_aborts),
	    TEST(a_minor_point_where_none_were_negotiated_aborts),
	    TEST(resuming_again_and_again_ends_the_association),
	    TEST(defaults_of_an_rtorq_are_filled_in),
	    TEST(small_apdus_survive_the_way_there_and_back),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("osi_rtse_peer", tests);
}
