#include "osi/pres.h"

#include "tests/unit/osi_wire.h"

#define ACSE "2.2.1.0.1"
#define RTSE "2.6.0.2.12"

struct side {
	struct pres *p;
	unsigned count[PRES_SESSION + 1];
	struct buf data; /* values, each ended by a '|' */
	int32_t context;
	bool accepted, refuse;
	int provider_reason;
	struct buf values; /* of connect, release, abort */
	struct err err;
};

struct two {
	struct side a, b;
	size_t chunk;
};

static const struct pres_value hello = {1, (const uint8_t *)"\x0c\x02hi", 4};
static const struct pres_value there = {1, (const uint8_t *)"\x0c\x01!", 3};

static void
answer(struct side *s, enum pres_prim_type type)
{
	struct pres_prim q = {.type = type,
	    .kind = SES_RSP,
	    .accepted = !s->refuse,
	    .provider_reason = -1,
	    .values = &there,
	    .n_values = 1};
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL(pres_request(s->p, &q, &e), 0);
}

static void
event(void *user, const struct pres_prim *q)
{
	struct side *s = user;

	s->count[q->type]++;
	if (q->err != NULL)
		s->err = *q->err;
	for (size_t i = 0; i < q->n_values; i++)
		buf_append(&s->values, q->values[i].p, q->values[i].n);
	s->accepted = q->accepted;
	s->provider_reason = q->provider_reason;
	if (q->type == PRES_DATA) {
		s->context = q->data.context_id;
		buf_append(&s->data, q->data.p, q->data.n);
		if (q->last)
			buf_putc(&s->data, '|');
	}
	if (q->kind == SES_IND &&
	    (q->type == PRES_CONNECT || q->type == PRES_RELEASE))
		answer(s, q->type);
}

static struct pres_params
params(enum osi_role role, const struct pres_context *c, size_t n)
{
	struct pres_params p = {.contexts = c, .n_contexts = n};

	p.ses.cotp.role = role;
	p.ses.cotp.tpdu_size = COTP_TPDU_MAX;
	p.ses.requirements = SES_FU_RTSE;
	return p;
}

static const struct pres_context two_contexts[] = {
    {.id = 1, .abstract_syntax = ACSE}, {.id = 3, .abstract_syntax = RTSE}};

static void
two_init(struct two *t, const struct pres_params *a,
    const struct pres_params *b, size_t chunk)
{
	*t = (struct two){.chunk = chunk};
	t->a.p = pres_new(a, event, &t->a, 1000);
	t->b.p = pres_new(b, event, &t->b, 1000);
}

static void
run(struct two *t)
{
	wire_run(
	    ses_cotp(pres_ses(t->a.p)), ses_cotp(pres_ses(t->b.p)), t->chunk);
}

static void
request(struct two *t, enum pres_prim_type type)
{
	struct pres_prim q = {.type = type,
	    .kind = SES_REQ,
	    .provider_reason = -1,
	    .values = &hello,
	    .n_values = 1};
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL(pres_request(t->a.p, &q, &e), 0);
	run(t);
}

static void
two_ready(struct two *t, size_t chunk)
{
	struct pres_params a = params(OSI_INITIATOR, two_contexts, 2);
	struct pres_params b = params(OSI_RESPONDER, two_contexts, 2);

	two_init(t, &a, &b, chunk);
	request(t, PRES_CONNECT);
	CU_ASSERT_TRUE_FATAL(t->a.accepted);
	buf_clear(&t->a.values);
	buf_clear(&t->b.values);
}

static void
side_free(struct side *s)
{
	pres_free(&s->p);
	buf_free(&s->data);
	buf_free(&s->values);
}

static void
two_free(struct two *t)
{
	side_free(&t->a);
	side_free(&t->b);
}

static bool
is(const struct buf *b, const char *p, size_t n)
{
	return b->len == n && (n == 0 || memcmp(b->data, p, n) == 0);
}

static void
connect_and_release_carry_values(void)
{
	for (size_t i = 0; i < WIRE_CHUNKS; i++) {
		struct pres_params a = params(OSI_INITIATOR, two_contexts, 2);
		struct pres_params b = params(OSI_RESPONDER, two_contexts, 2);
		struct two t;

		two_init(&t, &a, &b, wire_chunks[i]);
		request(&t, PRES_CONNECT);
		CU_ASSERT(is(&t.b.values, "\x0c\x02hi", 4));
		CU_ASSERT(is(&t.a.values, "\x0c\x01!", 3));
		CU_ASSERT_TRUE(t.a.accepted);
		CU_ASSERT_EQUAL(pres_context_id(t.b.p, RTSE), 3);
		CU_ASSERT_EQUAL(pres_context_id(t.a.p, ACSE), 1);
		CU_ASSERT_EQUAL(pres_context_id(t.a.p, "1.2.3"), 0);
		request(&t, PRES_RELEASE);
		CU_ASSERT_EQUAL(t.a.count[PRES_RELEASE], 1);
		CU_ASSERT(is(&t.b.values, "\x0c\x02hi\x0c\x02hi", 8));
		CU_ASSERT_TRUE(t.a.accepted);
		two_free(&t);
	}
}

static void
unknown_syntaxes_are_rejected_by_the_provider(void)
{
	const struct pres_context proposed[] = {
	    {.id = 1, .abstract_syntax = ACSE},
	    {.id = 7, .abstract_syntax = "1.2.3.4"},
	    {.id = 9, .abstract_syntax = RTSE}};
	struct pres_params a = params(OSI_INITIATOR, proposed, 3);
	struct pres_params b = params(OSI_RESPONDER, two_contexts, 2);
	const struct pres_context *c;
	struct two t;
	size_t n;

	two_init(&t, &a, &b, WIRE_WHOLE);
	request(&t, PRES_CONNECT);
	c = pres_contexts(t.a.p, &n);
	CU_ASSERT_EQUAL_FATAL(n, 3);
	CU_ASSERT_EQUAL(c[0].result, PRES_ACCEPTANCE);
	CU_ASSERT_EQUAL(c[1].result, PRES_PROVIDER_REJECTION);
	CU_ASSERT_EQUAL(c[1].reason, PRES_ABSTRACT_SYNTAX_NOT_SUPPORTED);
	CU_ASSERT_EQUAL(pres_context_id(t.b.p, RTSE), 9);
	CU_ASSERT_EQUAL(pres_context_id(t.b.p, "1.2.3.4"), 0);
	two_free(&t);
}

static void
a_refusing_user_sends_its_values(void)
{
	struct pres_params a = params(OSI_INITIATOR, two_contexts, 2);
	struct pres_params b = params(OSI_RESPONDER, two_contexts, 2);
	struct two t;

	two_init(&t, &a, &b, 7);
	t.b.refuse = true;
	request(&t, PRES_CONNECT);
	CU_ASSERT_EQUAL(t.a.count[PRES_CONNECT], 1);
	CU_ASSERT_FALSE(t.a.accepted);
	CU_ASSERT_EQUAL(t.a.provider_reason, -1);
	CU_ASSERT(is(&t.a.values, "\x0c\x01!", 3));
	two_free(&t);
}

static void
another_selector_is_refused_as_unknown(void)
{
	struct pres_params a = params(OSI_INITIATOR, two_contexts, 2);
	struct pres_params b = params(OSI_RESPONDER, two_contexts, 2);
	struct err e = ERR_INIT;
	struct two t;

	CU_ASSERT_EQUAL(osi_sel_parse("THERE", &a.called, &e), 0);
	CU_ASSERT_EQUAL(osi_sel_parse("HERE", &b.called, &e), 0);
	two_init(&t, &a, &b, WIRE_WHOLE);
	request(&t, PRES_CONNECT);
	CU_ASSERT_EQUAL(t.a.count[PRES_CONNECT], 1);
	CU_ASSERT_EQUAL(t.b.count[PRES_CONNECT], 0);
	CU_ASSERT_EQUAL(t.a.provider_reason, 3);
	CU_ASSERT_EQUAL(t.b.count[PRES_P_ABORT], 1);
	two_free(&t);
}

static void
a_user_abort_carries_its_values(void)
{
	struct two t;

	two_ready(&t, 1);
	request(&t, PRES_U_ABORT);
	CU_ASSERT_EQUAL(t.b.count[PRES_U_ABORT], 1);
	CU_ASSERT(is(&t.b.values, "\x0c\x02hi", 4));
	two_free(&t);
}

static void
token_please_carries_a_value(void)
{
	struct two t;
	struct ses_prim s = {.type = SES_TOKEN_PLEASE,
	    .kind = SES_REQ,
	    .tokens = SES_TOKEN_DATA};
	struct pres_prim q = {.type = PRES_SESSION,
	    .kind = SES_REQ,
	    .ses = &s,
	    .values = &hello,
	    .n_values = 1};
	struct err e = ERR_INIT;

	two_ready(&t, 1);
	CU_ASSERT_EQUAL(pres_request(t.b.p, &q, &e), 0);
	run(&t);
	CU_ASSERT_EQUAL(t.a.count[PRES_SESSION], 1);
	CU_ASSERT(is(&t.a.values, "\x0c\x02hi", 4));
	two_free(&t);
}

/* --- P-DATA --- */

/* Raw user data of one SSDU, as a peer could send it; an activity must be
 * open for data. */
static void
raw_data(struct two *t, const char *hex)
{
	struct ses_prim start = {.type = SES_ACTIVITY_START,
	    .kind = SES_REQ,
	    .activity_id_n = 1,
	    .activity_id = {1}};
	struct buf b = {0};
	struct err e = ERR_INIT;
	struct ses_prim s = {.type = SES_DATA, .kind = SES_REQ, .last = true};

	wire_hex(&b, hex);
	s.data = b.data;
	s.n = b.len;
	CU_ASSERT_EQUAL(ses_request(pres_ses(t->a.p), &start, &e), 0);
	CU_ASSERT_EQUAL(ses_request(pres_ses(t->a.p), &s, &e), 0);
	run(t);
	buf_free(&b);
}

static const struct {
	const char *hex;
	const char *values; /* 7c ends each; NULL: the connection is aborted */
} forms[] = {
    {"6109 3007 020103 a002 0500", "0500 7c"},
    {"6180 3080 020103 a080 0500 0000 0000 0000", "0500 7c"},
    {"6180 3080 020103 a080 2480 0401 61 0401 62 0000 0000 0000 0000",
	"2480 0401 61 0401 62 0000 7c"},
    {"610c 300a 020103 8105 0500 040161", "0500 040161 7c"},
    {"6180 3080 020103 a180 0402 0500 2403 040161 0000 0000 0000",
	"0500 61 7c"},
    {"610a 3008 020103 8203 00 0500", "0500 7c"},
    {"6180 3080 020103 a280 0302 0005 0302 0000 0000 0000 0000", "05 00 7c"},
    {"610d 300b 06025101 020103 a002 0500", "0500 7c"},
    {"6113 3007 020103 a002 0500 3008 020101 a003 0101ff", "0500 7c 0101ff 7c"},
    {"6109 3007 020105 a002 0500", NULL},           /* not in the set */
    {"610b 3009 020103 a004 0500 0500", NULL},      /* two values */
    {"610d 300b 06025102 020103 a002 0500", NULL},  /* not BER */
    {"610a 3008 020103 8203 04 0500", NULL},        /* four odd bits */
    {"6109 3007 020103 8302 0500", NULL},           /* unknown form */
    {"6106 3004 a002 0500", NULL},                  /* no context */
    {"6105 3003 020103", NULL},                     /* no value */
    {"6109 3007 020103 a002 05", NULL},             /* cut off */
    {"6109 3007 020103 a002 0500 00", NULL},        /* octets behind */
    {"4003 020103", NULL},                          /* simply encoded */
    {"6180 3080 020103 a080 0000 0000 0000", NULL}, /* empty single */
};

static void
every_form_of_a_value_comes_up_as_it_is(void)
{
	for (size_t c = 0; c < WIRE_CHUNKS; c++)
		for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
			struct two t;
			struct buf want = {0};

			two_ready(&t, wire_chunks[c]);
			raw_data(&t, forms[i].hex);
			if (forms[i].values == NULL) {
				CU_ASSERT_EQUAL(t.b.count[PRES_P_ABORT], 1);
				CU_ASSERT_EQUAL(t.a.count[PRES_P_ABORT], 1);
			} else {
				wire_hex(&want, forms[i].values);
				CU_ASSERT_EQUAL(t.b.count[PRES_P_ABORT], 0);
				CU_ASSERT(
				    is(&t.b.data, (char *)want.data, want.len));
			}
			buf_free(&want);
			two_free(&t);
		}
}

static void
send_fragments(
    struct two *t, const uint8_t *p, size_t n, uint64_t total, size_t piece)
{
	struct ses_prim start = {.type = SES_ACTIVITY_START,
	    .kind = SES_REQ,
	    .activity_id_n = 1,
	    .activity_id = {1}};
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL(ses_request(pres_ses(t->a.p), &start, &e), 0);
	for (size_t done = 0; done < n; done += piece) {
		size_t m = n - done < piece ? n - done : piece;
		struct pres_prim q = {.type = PRES_DATA,
		    .kind = SES_REQ,
		    .data = {3, p + done, m},
		    .total = total,
		    .first = done == 0,
		    .last = done + m == n};

		CU_ASSERT_EQUAL(pres_request(t->a.p, &q, &e), 0);
	}
	run(t);
}

static void
fragments_make_one_value_of_known_or_unknown_length(void)
{
	static const uint8_t value[] = {
	    0x24, 0x80, 0x04, 0x03, 'a', 'b', 'c', 0x04, 0x01, 'd', 0x00, 0x00};

	for (size_t c = 0; c < WIRE_CHUNKS; c++)
		for (size_t piece = 1; piece <= sizeof(value); piece += 5)
			for (uint64_t total = 0; total <= sizeof(value);
			     total += sizeof(value)) {
				struct two t;

				two_ready(&t, wire_chunks[c]);
				send_fragments(
				    &t, value, sizeof(value), total, piece);
				CU_ASSERT_EQUAL(
				    t.b.data.len, sizeof(value) + 1);
				CU_ASSERT_EQUAL(
				    memcmp(t.b.data.data, value, sizeof(value)),
				    0);
				CU_ASSERT_EQUAL(t.b.context, 3);
				two_free(&t);
			}
}

static void
a_value_must_keep_the_length_announced(void)
{
	struct two t;
	struct err e = ERR_INIT;
	struct ses_prim start = {.type = SES_ACTIVITY_START,
	    .kind = SES_REQ,
	    .activity_id_n = 1,
	    .activity_id = {1}};
	struct pres_prim q = {.type = PRES_DATA,
	    .kind = SES_REQ,
	    .data = {3, (const uint8_t *)"\x05\x00", 2},
	    .total = 3,
	    .first = true,
	    .last = true};

	two_ready(&t, WIRE_WHOLE);
	CU_ASSERT_EQUAL(ses_request(pres_ses(t.a.p), &start, &e), 0);
	CU_ASSERT_EQUAL(pres_request(t.a.p, &q, &e), ERR_PROTOCOL);
	two_free(&t);
}

static void
requests_out_of_state_change_nothing(void)
{
	static const enum pres_prim_type types[] = {
	    PRES_DATA, PRES_RELEASE, PRES_SESSION};
	struct pres_params a = params(OSI_INITIATOR, two_contexts, 2);
	struct pres *p = pres_new(&a, event, NULL, 1000);

	for (size_t i = 0; i < 3; i++) {
		struct pres_prim q = {.type = types[i], .kind = SES_REQ};
		struct err e = ERR_INIT;

		CU_ASSERT_EQUAL(pres_request(p, &q, &e), ERR_PROTOCOL);
	}
	CU_ASSERT_EQUAL(cotp_output(ses_cotp(pres_ses(p)))->len, 0);
	pres_free(&p);
}

void
suite_osi_pres(void)
{
	static CU_TestInfo tests[] = {
	    TEST(connect_and_release_carry_values),
	    TEST(unknown_syntaxes_are_rejected_by_the_provider),
	    TEST(a_refusing_user_sends_its_values),
	    TEST(another_selector_is_refused_as_unknown),
	    TEST(a_user_abort_carries_its_values),
	    TEST(token_please_carries_a_value),
	    TEST(every_form_of_a_value_comes_up_as_it_is),
	    TEST(fragments_make_one_value_of_known_or_unknown_length),
	    TEST(a_value_must_keep_the_length_announced),
	    TEST(requests_out_of_state_change_nothing),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("osi_pres", tests);
}
