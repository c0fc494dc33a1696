/*
 * Presentation with a peer that is no engine of ours: the session of one end
 * is driven by hand, so that every PPDU can be wrong in its way, and every
 * event can come in every state (X.226 Annex A).
 */
#include "osi/pres_int.h"
#include "tests/unit/osi_wire.h"

#define ACSE "2.2.1.0.1"
#define RTSE "2.6.0.2.12"
#define OTHER "1.3.9"

struct hand {
	struct pres *p; /* ours */
	struct ses *s;  /* the peer's session */
	bool answered;
	bool refuse, keep;
	unsigned up[PRES_SESSION + 1];
	struct buf data;
	struct err err;
	bool accepted;
	int provider_reason;
	struct buf got; /* user data of the last primitive at the peer */
	bool peer_accepted;
	enum ses_prim_type last;
};

static void
up(void *user, const struct pres_prim *q)
{
	struct hand *h = user;
	struct pres_prim r = {.type = q->type,
	    .kind = SES_RSP,
	    .accepted = !h->refuse,
	    .provider_reason = -1};
	struct err e = ERR_INIT;

	h->up[q->type]++;
	if (q->err != NULL)
		h->err = *q->err;
	h->accepted = q->accepted;
	h->provider_reason = q->provider_reason;
	for (size_t i = 0; i < q->n_values; i++) {
		buf_printf(&h->data, "%d:", q->values[i].context_id);
		buf_append(&h->data, q->values[i].p, q->values[i].n);
	}
	if (q->type == PRES_DATA || q->type == PRES_TYPED_DATA) {
		if (q->first)
			buf_printf(&h->data,
			    "%s%d:", q->type == PRES_DATA ? "" : "t",
			    q->data.context_id);
		buf_append(&h->data, q->data.p, q->data.n);
		if (q->last)
			buf_putc(&h->data, '|');
	}
	if (q->kind != SES_IND || h->keep ||
	    (q->type != PRES_CONNECT && q->type != PRES_RELEASE))
		return;
	CU_ASSERT_EQUAL(pres_request(h->p, &r, &e), 0);
}

static void
peer(void *user, const struct ses_prim *s)
{
	struct hand *h = user;

	buf_clear(&h->got);
	buf_append(&h->got, s->data, s->n);
	h->last = s->type;
	h->peer_accepted = s->accepted;
}

static const struct pres_context contexts[] = {
    {.id = 1, .abstract_syntax = ACSE}, {.id = 3, .abstract_syntax = RTSE},
    {.id = 5, .abstract_syntax = OTHER}};

static void
hand_init(struct hand *h, enum osi_role role, size_t n, const char *fallback)
{
	struct pres_params p = {
	    .contexts = contexts, .n_contexts = n, .default_context = fallback};
	struct ses_params s = {
	    .requirements = SES_FU_DUPLEX | SES_FU_TYPED_DATA};

	s.cotp.tpdu_size = COTP_TPDU_MAX;
	s.cotp.role = role == OSI_RESPONDER ? OSI_INITIATOR : OSI_RESPONDER;
	p.ses = s;
	p.ses.cotp.role = role;
	*h = (struct hand){0};
	h->p = pres_new(&p, up, h, 1000);
	h->s = ses_new(&s, peer, h, 1000);
}

static void
hand_free(struct hand *h)
{
	pres_free(&h->p);
	ses_free(&h->s);
	buf_free(&h->got);
	buf_free(&h->data);
}

static void
run(struct hand *h)
{
	wire_run(ses_cotp(h->s), ses_cotp(pres_ses(h->p)), WIRE_WHOLE);
}

static void
peer_sends(struct hand *h, enum ses_prim_type type, enum ses_prim_kind kind,
    bool accepted, const char *hex)
{
	struct buf b = {0};
	struct ses_prim s = {.type = type,
	    .kind = kind,
	    .accepted = accepted,
	    .reason = type == SES_CONNECT && !accepted && kind == SES_RSP
		? SES_REFUSE_USER_DATA
		: 0,
	    .last = true};
	struct err e = ERR_INIT;

	wire_hex(&b, hex);
	s.data = b.data;
	s.n = b.len;
	CU_ASSERT_EQUAL(ses_request(h->s, &s, &e), 0);
	buf_free(&b);
	run(h);
}

static bool
got(const struct hand *h, const char *hex)
{
	struct buf want = {0};
	bool same;

	wire_hex(&want, hex);
	same = h->got.len == want.len &&
	    (want.len == 0 || memcmp(h->got.data, want.data, want.len) == 0);
	if (!same) {
		printf("\n  got ");
		for (size_t i = 0; i < h->got.len; i++)
			printf("%02x", h->got.data[i]);
		printf(", not %s (%s)\n", hex, h->err.text);
	}
	buf_free(&want);
	return same;
}

/* --- what a CP gets as answer --- */

#define MODE "a003800101"
#define CTX1 "300f 020101 0604 52010001 3004 0602 5101"

static const struct {
	const char *cp;
	bool accepted;
	const char *answer;
} cps[] = {
    /* known in BER, known not in BER, unknown */
    {"313d a003800101 a236 a434" CTX1
     "3012 020105 0602 2b09 3009 0602 5103 0603 510403"
     "300d 020107 0602 2a03 3004 0602 5101",
	true,
	"3122 a003800101 a21b a519 3007 800100 8102 5101"
	"3006 800102 820102 3006 800102 820101"},
    /* no list of contexts, no default context */
    {"3107" MODE "a200", true, "3107" MODE "a200"},
    /* a default context: known, unknown, not in BER */
    {"3111" MODE "a20a a608 8002 2b09 8102 5101", true, "3107" MODE "a200"},
    {"3111" MODE "a20a a608 8002 2a03 8102 5101", false, "3006 870102 8a0105"},
    {"3111" MODE "a20a a608 8002 2b09 8102 5102", false, "3006 870102 8a0105"},
    /* unknown beside a context that is accepted: never to be used */
    {"3124" MODE "a21d a411" CTX1 "a608 8002 2a03 8102 5101", true,
	"3112" MODE "a20b a509 3007 800100 8102 5101"},
    /* protocol version 2 only; versions 1 and 2 */
    {"310b" MODE "a204 8002 0640", false, "3003 8a0104"},
    {"310b" MODE "a204 8002 06c0", true, "3107" MODE "a200"},
    /* unknown parameters and components are passed over */
    {"310f" MODE "a206 970101 9f2100 8500", true, "3107" MODE "a200"},
    /* out of order, twice, wrong types */
    {"310d" MODE "a206 820141 810141", false, "3003 8a0100"},
    {"310d" MODE "a206 810141 810141", false, "3003 8a0100"},
    {"310a" MODE "a203 840101", false, "3003 8a0100"},
    {"311a" MODE "a213 a411" CTX1, true,
	"3112" MODE "a20b a509 3007 800100 8102 5101"},
    /* an even id is the responder's */
    {"312b" MODE "a224 a422" CTX1 "300f 020104 0604 5600020c 3004 0602 5101",
	false, "3003 8a0100"},
    {"312b" MODE "a224 a422" CTX1 CTX1, false, "3003 8a0100"},
    /* no mode, another mode, X.410 mode */
    {"3102 a200", false, "3003 8a0100"},
    {"3107 a003800102 a200", false, "3003 8a0100"},
    {"3107 a003800100 a100", false, "3003 8a0104"},
    /* user data that cannot be read */
    {"3123" MODE "a21c a411" CTX1 "6107 3005 020103 a000", false,
	"3003 8a0106"},
    {"3125" MODE "a21e a411" CTX1 "6109 3007 020103 a002 0500", false,
	"300e a509 3007 800100 8102 5101 8a0106"},
    {"3125" MODE "a21e a411" CTX1 "6109 3007 020101 a002 0500", true,
	"3112" MODE "a20b a509 3007 800100 8102 5101"},
    {"311e" MODE "a217 a411" CTX1 "4002 0500", true,
	"3112" MODE "a20b a509 3007 800100 8102 5101"},
    {"3103", false, "3003 8a0100"},
    {"", false, "3003 8a0100"},
};

/* Does the error say which PPDU is wrong, and at which octet? */
static bool
names(const struct hand *h, const char *ppdu)
{
	bool good = strncmp(h->err.text, ppdu, strlen(ppdu)) == 0 &&
	    h->err.offset != ERR_NO_OFFSET;

	if (!good)
		printf("\n  %s: %s\n", ppdu, h->err.text);
	return good;
}

static void
every_cp_gets_its_answer(void)
{
	for (size_t i = 0; i < sizeof(cps) / sizeof(*cps); i++) {
		struct hand h;

		hand_init(&h, OSI_RESPONDER, 3, OTHER);
		peer_sends(&h, SES_CONNECT, SES_REQ, false, cps[i].cp);
		CU_ASSERT_EQUAL(h.peer_accepted, cps[i].accepted);
		if (!got(&h, cps[i].answer))
			printf("  row %zu\n", i);
		CU_ASSERT(got(&h, cps[i].answer));
		CU_ASSERT_EQUAL(h.up[PRES_P_ABORT], !cps[i].accepted);
		CU_ASSERT_EQUAL(h.up[PRES_CONNECT], cps[i].accepted);
		if (!cps[i].accepted)
			CU_ASSERT(names(&h, "CP"));
		hand_free(&h);
	}
}

static void
an_error_names_the_octet_and_the_parameter(void)
{
	static const struct {
		const char *cp, *text;
		uint64_t offset;
	} rows[] = {
	    {"310d" MODE "a206 820141 810141",
		"CP, calling-presentation-selector: ", 12},
	    {"3107 a003800100 a100", "CP, mode-selector: ", 2},
	    {"310b" MODE "a204 8002 0640", "CP, protocol-version: ", 9},
	    {"310d" MODE "a206 810141 820141",
		"CP, called-presentation-selector: ", 12},
	    {"3111" MODE "a20a a608 8002 2a03 8102 5101",
		"CP, default-context-name: ", 9},
	    {"3123" MODE "a21c a411" CTX1 "6107 3005 020103 a000",
		"CP, user data: ", 35},
	    {"312e" MODE "a227 a411" CTX1
	     "6112 3007 020101 a002 0500 3007 020103 a002 0500",
		"CP, user data: value 2 is on context 3", 39},
	    {"3105 a003800107", "CP, mode-selector: ", 4},
	    {"3105 a003810101", "CP, mode-selector: ", 2},
	    {"3102 a200", "CP, mode-selector: ", 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct hand h;

		hand_init(&h, OSI_RESPONDER, 3, NULL);
		osi_sel_parse("B", &h.p->params.called, NULL);
		if (i != 3)
			h.p->params.called.present = false;
		peer_sends(&h, SES_CONNECT, SES_REQ, false, rows[i].cp);
		CU_ASSERT(names(&h, rows[i].text));
		CU_ASSERT_EQUAL(h.err.offset, rows[i].offset);
		if (h.err.offset != rows[i].offset)
			printf("\n  row %zu: %ld\n", i, (long)h.err.offset);
		hand_free(&h);
	}
}

static void
contexts_beyond_our_limit_are_rejected_as_such(void)
{
	struct pres_proposal v[PRES_CONTEXTS_MAX + 2];
	struct pres_cp cp = {
	    .contexts = v, .n_contexts = PRES_CONTEXTS_MAX + 2};
	const struct pres_context *c;
	struct buf ppdu = {0};
	struct err e = ERR_INIT;
	struct ses_prim s = {
	    .type = SES_CONNECT, .kind = SES_REQ, .last = true};
	struct hand h;
	size_t n;

	for (size_t i = 0; i < cp.n_contexts; i++)
		v[i] = (struct pres_proposal){(int32_t)(2 * i + 1), RTSE, true};
	CU_ASSERT_EQUAL(pres_cp_encode(&cp, &ppdu, &e), 0);
	hand_init(&h, OSI_RESPONDER, 3, NULL);
	s.data = ppdu.data;
	s.n = ppdu.len;
	CU_ASSERT_EQUAL(ses_request(h.s, &s, &e), 0);
	run(&h);
	c = pres_contexts(h.p, &n);
	CU_ASSERT_EQUAL_FATAL(n, PRES_CONTEXTS_MAX + 2);
	CU_ASSERT_EQUAL(c[PRES_CONTEXTS_MAX - 1].result, PRES_ACCEPTANCE);
	CU_ASSERT_EQUAL(c[PRES_CONTEXTS_MAX].result, PRES_PROVIDER_REJECTION);
	CU_ASSERT_EQUAL(c[PRES_CONTEXTS_MAX].reason, PRES_LOCAL_LIMIT);
	buf_free(&ppdu);
	hand_free(&h);
}

/* --- what an answer does to the initiator --- */

#define R1 "3007 800100 8102 5101"

static const struct {
	const char *answer;
	bool sent_accepted, accepted;
	int provider_reason;
	const char *arp; /* NULL: none */
} answers[] = {
    {"311b" MODE "a214 a512" R1 R1, true, true, -1, NULL},
    {"3114" MODE "a20d a50b" R1 "3000", true, false, -1, "3006 800106 810101"},
    {"3112" MODE "a20b a509" R1, true, false, -1, "3006 800106 810101"},
    {"311b" MODE "a214 a512" R1 "3007 800100 8102 5102", true, false, -1,
	"3006 800106 810101"},
    {"3117" MODE "a210 a50e" R1 "3003 800103", true, false, -1,
	"3006 800106 810101"},
    {"311f" MODE "a218 8002 0640 a512" R1 R1, true, false, -1,
	"3006 800106 810101"},
    {"311f" MODE "a218 a512" R1 R1 "8802 0780", true, false, -1,
	"3006 800106 810101"},
    {"3107 a003800100 a100", true, false, -1, "3006 800106 810101"},
    {"3000", true, false, -1, "3006 800101 810101"},
    {"31", true, false, -1, "3006 800101 810101"},
    {"3123" MODE "a21c 8303414243 830141 a512" R1 R1, true, false, -1,
	"3006 800105 810101"},
    /* CPR */
    {"3003 8a0103", false, false, 3, NULL},
    {"3003 8a0109", false, false, 0, NULL},
    {"3000", false, false, -1, NULL},
    {"3014 a512" R1 R1, false, false, -1, NULL},
    {"3006 870102 8a0105", false, false, 5, NULL},
    {"3105 8003020100", false, false, -1, NULL},
    {"3002 9700", false, false, -1, NULL},
    {"", false, false, -1, NULL},
};

static void
every_answer_to_our_cp_is_judged(void)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		struct pres_prim q = {.type = PRES_CONNECT,
		    .kind = SES_REQ,
		    .provider_reason = -1};
		struct err e = ERR_INIT;
		struct hand h;

		hand_init(&h, OSI_INITIATOR, 2, NULL);
		CU_ASSERT_EQUAL(pres_request(h.p, &q, &e), 0);
		run(&h);
		peer_sends(&h, SES_CONNECT, SES_RSP, answers[i].sent_accepted,
		    answers[i].answer);
		CU_ASSERT_EQUAL(h.up[PRES_CONNECT], answers[i].arp == NULL);
		CU_ASSERT_EQUAL(h.up[PRES_P_ABORT], answers[i].arp != NULL);
		if (answers[i].arp != NULL) {
			CU_ASSERT_EQUAL(h.last, SES_U_ABORT);
			CU_ASSERT(got(&h, answers[i].arp));
			CU_ASSERT(names(&h, "CPA"));
		} else {
			CU_ASSERT_EQUAL(h.accepted, answers[i].accepted);
			CU_ASSERT_EQUAL(
			    h.provider_reason, answers[i].provider_reason);
		}
		hand_free(&h);
	}
}

/* --- data --- */

/* Connected as responder with contexts 1 and 3, or with only 1. */
static void
connected(struct hand *h, bool two)
{
	hand_init(h, OSI_RESPONDER, 3, NULL);
	peer_sends(h, SES_CONNECT, SES_REQ, false,
	    two ? "312b" MODE "a224 a422" CTX1
		  "300f 020103 0604 5600020c 3004 0602 5101"
		: "311a" MODE "a213 a411" CTX1);
	CU_ASSERT_TRUE_FATAL(h->peer_accepted);
	buf_clear(&h->data);
	buf_clear(&h->got);
}

static const struct {
	bool two;
	enum ses_prim_type type;
	const char *hex;
	const char *up; /* what our user gets, NULL: ARP */
	const char *arp;
} data[] = {
    {true, SES_DATA, "6113 3007 020103 a003 040141 3008 020101 a003 040142",
	NULL, "3006 800101 810107"},
    {true, SES_DATA, "6114 3008 020103 a003 040141 3008 020101 a003 040142",
	"3:\4\1A|1:\4\1B|", NULL},
    {true, SES_TYPED_DATA, "610a 3008 020103 a003 040141", "t3:\4\1A|", NULL},
    {false, SES_DATA, "4006 040141 040142", "1:\4\1A|1:\4\1B|", NULL},
    {false, SES_DATA, "6080 0404 04014104 0402 0142 0000", "1:\4\1A|1:\4\1B|",
	NULL},
    {false, SES_DATA, "4002 0401", NULL, "3006 800106 810107"},
    {false, SES_DATA, "6003 020105", NULL, "3006 800106 810107"},
    {false, SES_TYPED_DATA, "4003 040141", "t1:\4\1A|", NULL},
    {true, SES_DATA, "4003 040141", NULL, "3006 800106 810107"},
    {true, SES_TYPED_DATA, "610a 3008 020105 a003 040141", NULL,
	"3006 800106 810108"},
    {true, SES_TYPED_DATA, "a000", NULL, "3006 800101 810108"},
    {true, SES_DATA, "4103", NULL, "3006 800106 810107"},
    {true, SES_DATA, "6103 300106", NULL, "3006 800101 810107"},
    {true, SES_DATA, "6103 310100", NULL, "3006 800106 810107"},
    {true, SES_DATA, "", "", NULL},
};

static void
values_come_up_in_every_encoding_and_broken_ones_abort(void)
{
	for (size_t i = 0; i < sizeof(data) / sizeof(*data); i++) {
		struct hand h;

		connected(&h, data[i].two);
		peer_sends(&h, data[i].type, SES_REQ, false, data[i].hex);
		CU_ASSERT_EQUAL(h.up[PRES_P_ABORT], data[i].up == NULL);
		if (data[i].up != NULL) {
			if (strcmp(buf_cstr(&h.data), data[i].up) != 0)
				printf("\n  row %zu\n", i);
			CU_ASSERT_STRING_EQUAL(buf_cstr(&h.data), data[i].up);
		} else {
			CU_ASSERT(got(&h, data[i].arp));
			CU_ASSERT(names(&h,
			    data[i].type == SES_DATA             ? "TD: "
				: data[i].type == SES_TYPED_DATA ? "TTD: "
								 : "S-"));
		}
		hand_free(&h);
	}
}

static void
send(struct hand *h, enum pres_prim_type type, const char *hex, uint64_t total,
    size_t piece)
{
	struct buf b = {0};
	struct err e = ERR_INIT;

	wire_hex(&b, hex);
	for (size_t done = 0; done < b.len; done += piece) {
		size_t m = b.len - done < piece ? b.len - done : piece;
		struct pres_prim q = {.type = type,
		    .kind = SES_REQ,
		    .data = {1, b.data + done, m},
		    .total = total,
		    .first = done == 0,
		    .last = done + m == b.len};

		CU_ASSERT_EQUAL(pres_request(h->p, &q, &e), 0);
	}
	run(h);
	buf_free(&b);
}

static void
one_context_is_simply_encoded_several_fully(void)
{
	static const struct pres_value values[] = {
	    {3, (const uint8_t *)"\4\1A", 3}, {1, (const uint8_t *)"\4\1B", 3}};
	struct pres_prim q = {.type = PRES_DATA,
	    .kind = SES_REQ,
	    .values = values,
	    .n_values = 2};
	struct err e = ERR_INIT;
	struct hand h;

	connected(&h, false);
	send(&h, PRES_DATA, "040141", 3, 3);
	CU_ASSERT(got(&h, "4003 040141"));
	send(&h, PRES_TYPED_DATA, "040141", 3, 3);
	CU_ASSERT_EQUAL(h.last, SES_TYPED_DATA);
	hand_free(&h);
	connected(&h, true);
	send(&h, PRES_TYPED_DATA, "040141", 3, 3);
	CU_ASSERT(got(&h, "610a 3008 020101 a003 040141"));
	CU_ASSERT_EQUAL(pres_request(h.p, &q, &e), 0);
	run(&h);
	CU_ASSERT(
	    got(&h, "6114 3008 020103 a003 040141 3008 020101 a003 040142"));
	hand_free(&h);
}

/* --- every event in every state --- */

static const struct {
	enum ses_prim_type type;
	enum ses_prim_kind kind;
	unsigned states; /* in which it is no error */
	int event;       /* in an ARP */
} events[] = {
    {SES_CONNECT, SES_IND, 1u << PRES_IDLE, 0},
    {SES_CONNECT, SES_CNF, 1u << PRES_WAIT_CPA, 1},
    {SES_DATA, SES_IND, 1u << PRES_CONNECTED | 1u << PRES_WAIT_RELEASE_CNF, 7},
    {SES_TYPED_DATA, SES_IND,
	1u << PRES_CONNECTED | 1u << PRES_WAIT_RELEASE_CNF, 8},
    {SES_RELEASE, SES_IND, 1u << PRES_CONNECTED | 1u << PRES_WAIT_RELEASE_CNF,
	14},
    {SES_RELEASE, SES_CNF,
	1u << PRES_WAIT_RELEASE_CNF | 1u << PRES_RELEASE_COLLISION, 15},
    {SES_TOKEN_GIVE, SES_IND,
	1u << PRES_CONNECTED | 1u << PRES_WAIT_RELEASE_CNF, 16},
    {SES_TOKEN_PLEASE, SES_IND,
	1u << PRES_CONNECTED | 1u << PRES_WAIT_RELEASE_CNF, 17},
    {SES_ACTIVITY_END, SES_CNF,
	1u << PRES_CONNECTED | 1u << PRES_WAIT_RELEASE_CNF, 32},
    {SES_U_EXCEPTION, SES_IND,
	1u << PRES_CONNECTED | 1u << PRES_WAIT_RELEASE_CNF, 24},
    {SES_DATA, SES_CNF, 0, -1},
    {SES_U_ABORT, SES_IND, ~(1u << PRES_CLOSED), 3},
    {SES_P_ABORT, SES_IND, ~(1u << PRES_CLOSED), -1},
};

static void
event_in_state(size_t i, enum pres_state state)
{
	struct err none = ERR_INIT;
	struct ses_prim s = {.type = events[i].type,
	    .kind = events[i].kind,
	    .accepted = true,
	    .last = true,
	    .err = &none};
	bool expected = (events[i].states & 1u << state) != 0;
	bool gone =
	    events[i].type == SES_U_ABORT || events[i].type == SES_P_ABORT;
	struct hand h;

	connected(&h, true);
	h.keep = true;
	h.p->state = state;
	pres_from_ses(h.p, &s);
	run(&h);
	if (state == PRES_CLOSED) {
		CU_ASSERT_EQUAL(h.up[PRES_P_ABORT], 0);
	} else if (!expected || gone) {
		CU_ASSERT_EQUAL(h.up[PRES_P_ABORT], 1);
		CU_ASSERT_EQUAL(h.p->state, PRES_CLOSED);
	}
	if (!expected && state != PRES_CLOSED) {
		char arp[64];

		snprintf(arp, sizeof(arp),
		    events[i].event < 0 ? "3003 800103"
					: "3006 800103 8101%02x",
		    (unsigned)events[i].event);
		CU_ASSERT(got(&h, arp));
		CU_ASSERT(names(&h, "S-"));
	}
	hand_free(&h);
}

static void
every_event_in_every_state_is_served_or_aborts(void)
{
	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++)
		for (int s = PRES_IDLE; s <= PRES_CLOSED; s++)
			event_in_state(i, (enum pres_state)s);
}

static const struct {
	enum pres_prim_type type;
	enum ses_prim_kind kind;
	unsigned states;
} requests[] = {
    {PRES_CONNECT, SES_REQ, 1u << PRES_IDLE},
    {PRES_CONNECT, SES_RSP, 1u << PRES_WAIT_RSP},
    {PRES_CONNECT, SES_IND, 0},
    {PRES_DATA, SES_REQ, 1u << PRES_CONNECTED | 1u << PRES_WAIT_RELEASE_RSP},
    {PRES_TYPED_DATA, SES_REQ,
	1u << PRES_CONNECTED | 1u << PRES_WAIT_RELEASE_RSP},
    {PRES_RELEASE, SES_REQ, 1u << PRES_CONNECTED},
    {PRES_RELEASE, SES_RSP,
	1u << PRES_WAIT_RELEASE_RSP | 1u << PRES_RELEASE_COLLISION},
    {PRES_U_ABORT, SES_REQ, ~(1u << PRES_CLOSED)},
};

static void
requests_out_of_state_are_refused(void)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++)
		for (int s = PRES_IDLE; s <= PRES_CLOSED; s++) {
			struct pres_prim q = {.type = requests[i].type,
			    .kind = requests[i].kind,
			    .provider_reason = -1};
			struct err e = ERR_INIT;
			struct hand h;
			int rc;

			if ((requests[i].states & 1u << s) != 0)
				continue;
			connected(&h, true);
			h.p->state = (enum pres_state)s;
			rc = pres_request(h.p, &q, &e);
			CU_ASSERT_EQUAL(rc, ERR_PROTOCOL);
			CU_ASSERT_EQUAL((int)h.p->state, s);
			hand_free(&h);
		}
}

/* --- aborts --- */

static void
aborts_of_a_peer_are_read(void)
{
	static const struct {
		const char *hex;
		enum pres_prim_type up;
		const char *text;
	} rows[] = {
	    {"a000", PRES_U_ABORT, ""},
	    {"a00c 610a 3008 020101 a003 040141", PRES_U_ABORT, ""},
	    {"a016 a008 3006 020101 0601 51 610a 3008 020101 a003 040141",
		PRES_U_ABORT, ""},
	    {"3000", PRES_P_ABORT, "reason not specified"},
	    {"3006 800104 810107", PRES_P_ABORT, "unrecognized PPDU parameter"},
	    {"3003 800163", PRES_P_ABORT, "reason not specified"},
	    {"a100", PRES_P_ABORT, "unreadable"},
	    {"a003 800100", PRES_P_ABORT, "unreadable"},
	    {"", PRES_P_ABORT, "aborted"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct hand h;

		connected(&h, true);
		peer_sends(&h, SES_U_ABORT, SES_REQ, false, rows[i].hex);
		CU_ASSERT_EQUAL(h.up[rows[i].up], 1);
		CU_ASSERT_PTR_NOT_NULL(strstr(h.err.text, rows[i].text));
		if (rows[i].up == PRES_P_ABORT)
			CU_ASSERT(names(&h, "AR"));
		hand_free(&h);
	}
}

/* --- release --- */

static void
both_may_release_at_once(void)
{
	struct pres_prim q = {
	    .type = PRES_RELEASE, .kind = SES_REQ, .provider_reason = -1};
	struct pres_prim r = {.type = PRES_RELEASE,
	    .kind = SES_RSP,
	    .accepted = true,
	    .provider_reason = -1};
	struct ses_prim s = {
	    .type = SES_RELEASE, .kind = SES_REQ, .last = true};
	struct err e = ERR_INIT;
	struct hand h;

	connected(&h, true);
	h.keep = true;
	CU_ASSERT_EQUAL(ses_request(h.s, &s, &e), 0);
	CU_ASSERT_EQUAL(pres_request(h.p, &q, &e), 0);
	run(&h);
	CU_ASSERT_EQUAL(h.p->state, PRES_RELEASE_COLLISION);
	s.kind = SES_RSP;
	s.accepted = true;
	CU_ASSERT_EQUAL(ses_request(h.s, &s, &e), 0);
	run(&h);
	CU_ASSERT_EQUAL(h.p->state, PRES_WAIT_RELEASE_RSP);
	CU_ASSERT_EQUAL(pres_request(h.p, &r, &e), 0);
	run(&h);
	CU_ASSERT_EQUAL(h.up[PRES_RELEASE], 2);
	CU_ASSERT_EQUAL(h.up[PRES_P_ABORT], 0);
	CU_ASSERT_EQUAL(h.p->state, PRES_CLOSED);
	hand_free(&h);
}

void
suite_osi_pres_rules(void)
{
	static CU_TestInfo tests[] = {
	    TEST(every_cp_gets_its_answer),
	    TEST(an_error_names_the_octet_and_the_parameter),
	    TEST(contexts_beyond_our_limit_are_rejected_as_such),
	    TEST(every_answer_to_our_cp_is_judged),
	    TEST(values_come_up_in_every_encoding_and_broken_ones_abort),
	    TEST(one_context_is_simply_encoded_several_fully),
	    TEST(every_event_in_every_state_is_served_or_aborts),
	    TEST(requests_out_of_state_are_refused),
	    TEST(aborts_of_a_peer_are_read),
	    TEST(both_may_release_at_once),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("osi_pres_rules", tests);
}
