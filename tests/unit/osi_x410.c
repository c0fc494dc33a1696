/*
 * X.410 (1984) mode of presentation and ACSE: both ends of ours, and each of
 * ours against the recording of an independent stack.
 */
#include "osi/acse.h"
#include "osi/pres_x410.h"

#include "tests/unit/osi_wire.h"

/* What the recorded stack sent as RTORQ and RTOAC (its own components). */
static const struct {
	const char *vector, *rtorq, *rtoac;
} peers[] = {
    {"p1-88-x410mode",
	"b022 80013f820100 a316a014a11280054d54412d41a10904077365637265746184"
	"020c00",
	"b11e 800101810103 a216a014a11280054d54412d42a109040773656372657462"},
    {"p1-84",
	"b021 80013f820100 a316a014a11280054d54412d41a109160773656372657461"
	"840101",
	"b11e 800101810103 a216a014a11280054d54412d42a109160773656372657462"},
};
#define PEERS (sizeof(peers) / sizeof(*peers))

struct side {
	struct acse *a;
	unsigned count[ACSE_PASS + 1], data_first, data_last;
	bool refuse, keep_open;
	struct buf answer;      /* of ASSOCIATE.rsp */
	struct buf information; /* what came as user information */
	struct buf data;
	enum acse_result result;
	enum ses_prim_type passed;
	int source;
	char context[32]; /* application context, empty: none */
	struct err err;
};

static void
took(struct side *s, const struct acse_prim *p)
{
	const struct pres_prim *q = p->pres;

	if (q->type == PRES_DATA) {
		CU_ASSERT_EQUAL(q->data.context_id, 0);
		s->data_first += q->first;
		s->data_last += q->last;
		buf_append(&s->data, q->data.p, q->data.n);
	} else {
		s->passed = q->ses->type;
		for (size_t i = 0; i < q->n_values; i++)
			buf_append(&s->data, q->values[i].p, q->values[i].n);
	}
}

static void
event(void *user, const struct acse_prim *p)
{
	struct side *s = user;
	struct acse_prim r = {.type = p->type,
	    .kind = SES_RSP,
	    .result = s->refuse ? ACSE_REJECTED_PERMANENT : ACSE_ACCEPTED};
	struct err e = ERR_INIT;

	s->count[p->type]++;
	if (p->type == ACSE_PASS) {
		took(s, p);
		return;
	}
	if (p->err != NULL)
		s->err = *p->err;
	s->result = p->result;
	s->source = p->diagnostic_source;
	snprintf(s->context, sizeof(s->context), "%s",
	    p->application_context != NULL ? p->application_context : "");
	buf_clear(&s->information);
	buf_append(
	    &s->information, p->user_information.p, p->user_information.n);
	if (p->type == ACSE_ASSOCIATE)
		r.user_information =
		    (struct pres_value){0, s->answer.data, s->answer.len};
	if (p->kind == SES_IND && !s->keep_open &&
	    (p->type == ACSE_ASSOCIATE || p->type == ACSE_RELEASE))
		CU_ASSERT_EQUAL(acse_request(s->a, &r, &e), 0);
}

static struct pres_params
params(enum osi_role role, bool x410)
{
	static const struct pres_context contexts[] = {
	    {.id = 1, .abstract_syntax = ACSE_ABSTRACT_SYNTAX}};
	struct pres_params p = {
	    .contexts = contexts, .n_contexts = 1, .x410 = x410};

	p.ses.cotp.role = role;
	p.ses.cotp.tpdu_size = COTP_TPDU_MAX;
	p.ses.requirements = SES_FU_RTSE;
	return p;
}

struct two {
	struct side a, b;
	size_t chunk;
};

static void
two_init(struct two *t, bool a_x410, bool b_x410, size_t chunk)
{
	struct pres_params a = params(OSI_INITIATOR, a_x410);
	struct pres_params b = params(OSI_RESPONDER, b_x410);

	*t = (struct two){.chunk = chunk};
	t->a.a = acse_new(&a, event, &t->a, 1000);
	t->b.a = acse_new(&b, event, &t->b, 1000);
	wire_hex(&t->b.answer, peers[0].rtoac);
}

static struct cotp *
cotp_of(struct side *s)
{
	return ses_cotp(pres_ses(acse_pres(s->a)));
}

static int
request(struct side *s, enum acse_prim_type type, const char *hex)
{
	struct buf b = {0};
	struct acse_prim p = {.type = type, .kind = SES_REQ};
	struct err e = ERR_INIT;
	int rc;

	wire_hex(&b, hex);
	if (type == ACSE_ASSOCIATE && !pres_is_x410(acse_pres(s->a)))
		p.application_context = "2.6.0.1.6";
	p.user_information = (struct pres_value){0, b.data, b.len};
	rc = acse_request(s->a, &p, &e);
	buf_free(&b);
	return rc;
}

static void
side_free(struct side *s)
{
	acse_free(&s->a);
	buf_free(&s->answer);
	buf_free(&s->information);
	buf_free(&s->data);
}

static void
two_free(struct two *t)
{
	side_free(&t->a);
	side_free(&t->b);
}

static void
run(struct two *t)
{
	wire_run(cotp_of(&t->a), cotp_of(&t->b), t->chunk);
}

static bool
is_hex(const struct buf *b, const char *hex)
{
	struct buf want = {0};
	bool same;

	wire_hex(&want, hex);
	same = b->len == want.len &&
	    (b->len == 0 || memcmp(b->data, want.data, b->len) == 0);
	buf_free(&want);
	return same;
}

static bool
has_hex(const struct buf *b, const char *hex)
{
	struct buf want = {0};
	bool has;

	wire_hex(&want, hex);
	has = memmem(b->data, b->len, want.data, want.len) != NULL;
	buf_free(&want);
	return has;
}

/* --- recordings --- */

static void
our_responder_answers_recorded_initiators(void)
{
	static const char *const cpa[PEERS] = {
	    "3125a003800100a11e800101810103a216a014a11280054d54412d42a109"
	    "040773656372657462",
	    "3125a003800100a11e800101810103a216a014a11280054d54412d42a109"
	    "160773656372657462"};

	for (size_t c = 0; c < WIRE_CHUNKS; c++)
		for (size_t i = 0; i < PEERS; i++) {
			struct pres_params p = params(OSI_RESPONDER, true);
			struct side s = {0};
			struct buf in = {0};
			char name[64];

			s.a = acse_new(&p, event, &s, 1000);
			wire_hex(&s.answer, peers[i].rtoac);
			snprintf(name, sizeof(name), "%s.initiator",
			    peers[i].vector);
			wire_vector(&in, name);
			/* the CR, and the CN: the rest needs RTSE to answer */
			cotp_input(cotp_of(&s), in.data, 0x13);
			buf_consume(&in, 0x13);
			for (size_t n = in.data[3]; n > 0;) {
				size_t m =
				    n < wire_chunks[c] ? n : wire_chunks[c];

				cotp_input(cotp_of(&s), in.data, m);
				buf_consume(&in, m);
				n -= m;
			}
			CU_ASSERT_EQUAL(s.count[ACSE_ASSOCIATE], 1);
			CU_ASSERT_STRING_EQUAL(s.context, "");
			CU_ASSERT_TRUE(pres_is_x410(acse_pres(s.a)));
			CU_ASSERT(is_hex(&s.information, peers[i].rtorq));
			CU_ASSERT(has_hex(cotp_output(cotp_of(&s)), cpa[i]));
			buf_free(&in);
			side_free(&s);
		}
}

static void
our_initiator_takes_recorded_answers(void)
{
	static const char *const cp[PEERS] = {
	    "3129a003800100a12280013f820100a316a014a11280054d54412d41a109"
	    "04077365637265746184020c00",
	    "3128a003800100a12180013f820100a316a014a11280054d54412d41a109"
	    "160773656372657461840101"};

	for (size_t i = 0; i < PEERS; i++) {
		struct pres_params p = params(OSI_INITIATOR, true);
		struct side s = {0};
		struct buf in = {0};
		char name[64];

		s.a = acse_new(&p, event, &s, 1000);
		CU_ASSERT_EQUAL(request(&s, ACSE_ASSOCIATE, peers[i].rtorq), 0);
		snprintf(name, sizeof(name), "%s.responder", peers[i].vector);
		wire_vector(&in, name);
		/* their CC answers another reference than ours */
		in.data[6] = cotp_output(cotp_of(&s))->data[8];
		in.data[7] = cotp_output(cotp_of(&s))->data[9];
		cotp_input(cotp_of(&s), in.data, 0x0e);
		CU_ASSERT(has_hex(cotp_output(cotp_of(&s)), cp[i]));
		cotp_input(cotp_of(&s), in.data + 0x0e, in.data[0x11]);
		CU_ASSERT_EQUAL(s.count[ACSE_ASSOCIATE], 1);
		CU_ASSERT_EQUAL(s.result, ACSE_ACCEPTED);
		CU_ASSERT(is_hex(&s.information, peers[i].rtoac));
		buf_free(&in);
		side_free(&s);
	}
}

/* --- both ends --- */

static void
an_association_needs_no_apdus(void)
{
	for (size_t i = 0; i < WIRE_CHUNKS; i++) {
		struct two t;

		two_init(&t, true, true, wire_chunks[i]);
		CU_ASSERT_EQUAL(
		    request(&t.a, ACSE_ASSOCIATE, peers[0].rtorq), 0);
		run(&t);
		CU_ASSERT_EQUAL(t.a.result, ACSE_ACCEPTED);
		CU_ASSERT(is_hex(&t.b.information, peers[0].rtorq));
		CU_ASSERT(is_hex(&t.a.information, peers[0].rtoac));
		CU_ASSERT_EQUAL(request(&t.a, ACSE_RELEASE, ""), 0);
		run(&t);
		CU_ASSERT_EQUAL(t.b.count[ACSE_RELEASE], 1);
		CU_ASSERT_EQUAL(t.a.count[ACSE_RELEASE], 1);
		CU_ASSERT_EQUAL(t.a.count[ACSE_P_ABORT], 0);
		two_free(&t);
	}
}

static void
a_refusal_carries_its_rtorj(void)
{
	struct two t;

	two_init(&t, true, true, 7);
	t.b.refuse = true;
	buf_clear(&t.b.answer);
	wire_hex(&t.b.answer, "b203800102");
	CU_ASSERT_EQUAL(request(&t.a, ACSE_ASSOCIATE, peers[0].rtorq), 0);
	run(&t);
	CU_ASSERT_EQUAL(t.a.count[ACSE_ASSOCIATE], 1);
	CU_ASSERT_EQUAL(t.a.result, ACSE_REJECTED_PERMANENT);
	CU_ASSERT(is_hex(&t.a.information, "b203800102"));
	two_free(&t);
}

static void
an_abort_carries_its_rtab(void)
{
	for (int empty = 0; empty < 2; empty++) {
		struct two t;

		two_init(&t, true, true, 1);
		CU_ASSERT_EQUAL(
		    request(&t.a, ACSE_ASSOCIATE, peers[0].rtorq), 0);
		run(&t);
		CU_ASSERT_TRUE(
		    request(&t.b, ACSE_ABORT, empty ? "" : "b603800103") >= 0);
		run(&t);
		CU_ASSERT_EQUAL(t.a.count[ACSE_ABORT], 1);
		CU_ASSERT(
		    is_hex(&t.a.information, empty ? "b600" : "b603800103"));
		two_free(&t);
	}
}

static void
session_data(struct two *t, enum ses_prim_type type, uint8_t tokens,
    const struct pres_value *v)
{
	struct ses_prim s = {.type = type,
	    .kind = SES_REQ,
	    .tokens = tokens,
	    .activity_id_n = 1,
	    .activity_id = {1}};
	struct pres_prim q = {.type = PRES_SESSION,
	    .kind = SES_REQ,
	    .ses = &s,
	    .values = v,
	    .n_values = v != NULL};
	struct err e = ERR_INIT;
	struct side *from = tokens != 0 ? &t->b : &t->a;

	CU_ASSERT_EQUAL(pres_request(acse_pres(from->a), &q, &e), 0);
	run(t);
}

static void
data_passes_as_octets_of_ssdus(void)
{
	static const uint8_t octets[] = {0x31, 0x80, 0xff, 0x00, 0x07};
	const struct pres_value priority = {
	    0, (const uint8_t *)"\x02\x01\x05", 3};

	for (size_t c = 0; c < WIRE_CHUNKS; c++) {
		struct err e = ERR_INIT;
		struct two t;

		two_init(&t, true, true, wire_chunks[c]);
		CU_ASSERT_EQUAL(
		    request(&t.a, ACSE_ASSOCIATE, peers[0].rtorq), 0);
		run(&t);
		session_data(&t, SES_ACTIVITY_START, 0, NULL);
		for (size_t i = 0; i < sizeof(octets); i++) {
			struct pres_prim q = {.type = PRES_DATA,
			    .kind = SES_REQ,
			    .data = {0, octets + i, 1},
			    .total = c == 0 ? 0 : sizeof(octets),
			    .first = i == 0,
			    .last = i + 1 == sizeof(octets)};

			CU_ASSERT_EQUAL(
			    pres_request(acse_pres(t.a.a), &q, &e), 0);
		}
		run(&t);
		CU_ASSERT(is_hex(&t.b.data, "3180ff0007"));
		CU_ASSERT_EQUAL(t.b.data_first, 1);
		CU_ASSERT_EQUAL(t.b.data_last, 1);
		session_data(&t, SES_TOKEN_PLEASE, SES_TOKEN_DATA, &priority);
		CU_ASSERT_EQUAL(t.a.passed, SES_TOKEN_PLEASE);
		CU_ASSERT(is_hex(&t.a.data, "020105"));
		two_free(&t);
	}
}

/* --- where the modes do not fit --- */

static void
a_mode_not_offered_is_refused(void)
{
	struct two t;

	two_init(&t, true, false, WIRE_WHOLE);
	CU_ASSERT_EQUAL(request(&t.a, ACSE_ASSOCIATE, peers[0].rtorq), 0);
	run(&t);
	CU_ASSERT_EQUAL(t.a.count[ACSE_ASSOCIATE], 1);
	CU_ASSERT_EQUAL(t.a.result, ACSE_REJECTED_PERMANENT);
	CU_ASSERT_EQUAL(t.a.source, 2);
	CU_ASSERT_EQUAL(t.a.err.detail, PRES_REFUSE_VERSION);
	CU_ASSERT_EQUAL(t.b.count[ACSE_ASSOCIATE], 0);
	CU_ASSERT_EQUAL(t.b.count[ACSE_P_ABORT], 1);
	two_free(&t);
}

static void
normal_mode_is_taken_beside_x410_mode(void)
{
	struct two t;

	two_init(&t, false, true, WIRE_WHOLE);
	buf_clear(&t.b.answer);
	CU_ASSERT_EQUAL(request(&t.a, ACSE_ASSOCIATE, ""), 0);
	run(&t);
	CU_ASSERT_EQUAL(t.a.result, ACSE_ACCEPTED);
	CU_ASSERT_FALSE(pres_is_x410(acse_pres(t.b.a)));
	CU_ASSERT_STRING_EQUAL(t.a.context, "2.6.0.1.6");
	two_free(&t);
}

static void
another_tag_or_context_is_our_users_error(void)
{
	static const struct {
		enum pres_x410_ppdu type;
		int32_t context;
		const char *hex;
		int rc;
	} rows[] = {
	    {PRES_X410_CP, 0, "b003800100", 0},
	    {PRES_X410_CP, 0, "b103800100", ERR_PROTOCOL},
	    {PRES_X410_CPA, 0, "b103800100", 0},
	    {PRES_X410_CPA, 3, "b103800100", ERR_PROTOCOL},
	    {PRES_X410_CPR, 0, "b280800100 0000", 0},
	    {PRES_X410_CPR, 0, "920100", ERR_PROTOCOL},
	    {PRES_X410_ARU, 0, "b600 b600", ERR_PROTOCOL},
	    {PRES_X410_ARU, 0, "b6", ERR_PROTOCOL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf in = {0}, out = {0};
		struct err e = ERR_INIT;
		struct pres_value v = {.context_id = rows[i].context};
		const struct pres_values all = {&v, 1};

		wire_hex(&in, rows[i].hex);
		v.p = in.data;
		v.n = in.len;
		CU_ASSERT_EQUAL(
		    pres_x410_encode(rows[i].type, &all, &out, &e), rows[i].rc);
		buf_free(&in);
		buf_free(&out);
	}
}

static void
only_whole_sets_of_mode_0_are_of_x410_mode(void)
{
	static const struct {
		const char *hex;
		bool connect, refusal;
	} rows[] = {
	    {"3109 a003800100 a100", false, false},
	    {"3107 a003800100 a100", true, true},
	    {"3180 a080 800100 0000 a180 0000 0000", true, true},
	    {"3107 a003800101 a200", false, true},
	    {"3107 a003800100 a100 00", false, false},
	    {"3007 a003800100 a100", false, false},
	    {"3100", false, true},
	    {"1100", false, false},
	    {"", false, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf in = {0};

		wire_hex(&in, rows[i].hex);
		CU_ASSERT_EQUAL(
		    pres_x410_connect(in.data, in.len), rows[i].connect);
		CU_ASSERT_EQUAL(
		    pres_x410_refusal(in.data, in.len), rows[i].refusal);
		buf_free(&in);
	}
}

void
suite_osi_x410(void)
{
	static CU_TestInfo tests[] = {
	    TEST(our_responder_answers_recorded_initiators),
	    TEST(our_initiator_takes_recorded_answers),
	    TEST(an_association_needs_no_apdus),
	    TEST(a_refusal_carries_its_rtorj),
	    TEST(an_abort_carries_its_rtab),
	    TEST(data_passes_as_octets_of_ssdus),
	    TEST(a_mode_not_offered_is_refused),
	    TEST(normal_mode_is_taken_beside_x410_mode),
	    TEST(another_tag_or_context_is_our_users_error),
	    TEST(only_whole_sets_of_mode_0_are_of_x410_mode),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("osi_x410", tests);
}
