#include "osi/acse_int.h"

#include "tests/unit/osi_wire.h"

#define CONTEXT "2.6.0.1.6"

/* --- codec --- */

static void
round_trip(const struct acse_apdu *u, struct acse_apdu *back, struct arena *a)
{
	struct buf b = {0};
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL_FATAL(acse_apdu_encode(u, &b, &e), 0);
	CU_ASSERT_EQUAL_FATAL(acse_apdu_decode(a, b.data, b.len, back, &e), 0);
	CU_ASSERT_EQUAL(back->type, u->type);
	buf_free(&b);
}

static bool
same(const struct octets *a, const struct octets *b)
{
	return a->n == b->n && (a->n == 0 || memcmp(a->p, b->p, a->n) == 0);
}

static const uint8_t name[] = {0x30, 0x00}; /* an empty Directory name */
static const uint8_t title[] = {0x06, 0x02, 0x51, 0x07};
static const uint8_t qualifier[] = {0x02, 0x01, 0x05};
static const uint8_t password[] = {0x80, 0x03, 'a', 'b', 'c'};
static const uint8_t value[] = {0x30, 0x03, 0x02, 0x01, 0x07};

static const struct acse_entity entities[] = {
    {.ap_title = {name, sizeof(name)},
	.ae_qualifier = {qualifier, sizeof(qualifier)},
	.has_ap_invocation = true,
	.ap_invocation = -2,
	.has_ae_invocation = true,
	.ae_invocation = 70000},
    {.ap_title = {title, sizeof(title)}},
};

static void
titles_and_authentication_are_carried(void)
{
	struct arena *a = arena_new();
	struct acse_apdu back,
	    u = {.type = ACSE_AARQ,
		.application_context = CONTEXT,
		.called = entities[0],
		.calling = entities[1],
		.authentication = {true, "2.2.3.1",
		    {password, sizeof(password)}},
		.implementation = {(const uint8_t *)"Isthmus", 7},
		.user_information = {3, value, sizeof(value)}};

	for (int i = 0; i < 2; i++) {
		u.type = i == 0 ? ACSE_AARQ : ACSE_AARE;
		u.diagnostic_source = 1;
		round_trip(&u, &back, a);
		CU_ASSERT_STRING_EQUAL(back.application_context, CONTEXT);
		CU_ASSERT(same(&back.called.ap_title, &u.called.ap_title));
		CU_ASSERT(
		    same(&back.called.ae_qualifier, &u.called.ae_qualifier));
		CU_ASSERT_EQUAL(back.called.ap_invocation, -2);
		CU_ASSERT_EQUAL(back.called.ae_invocation, 70000);
		CU_ASSERT_STRING_EQUAL(
		    back.authentication.mechanism, "2.2.3.1");
		CU_ASSERT(
		    same(&back.authentication.value, &u.authentication.value));
		CU_ASSERT_EQUAL(back.implementation.n, 7);
		CU_ASSERT_EQUAL(
		    acse_title_form(&back.called.ap_title), ACSE_FORM_1);
		CU_ASSERT_EQUAL(acse_title_form(&back.calling.ap_title),
		    i == 0 ? ACSE_FORM_2 : ACSE_FORM_ABSENT);
		CU_ASSERT_EQUAL(acse_qualifier_form(&back.called.ae_qualifier),
		    ACSE_FORM_2);
		CU_ASSERT_EQUAL(acse_qualifier_form(&back.calling.ae_qualifier),
		    ACSE_FORM_ABSENT);
		CU_ASSERT_EQUAL(back.user_information.context_id, 3);
		CU_ASSERT_EQUAL_FATAL(back.user_information.n, sizeof(value));
		CU_ASSERT_EQUAL(
		    memcmp(back.user_information.p, value, sizeof(value)), 0);
	}
	arena_free(&a);
}

static void
results_and_reasons_are_carried(void)
{
	static const struct acse_apdu rows[] = {
	    {.type = ACSE_AARE,
		.application_context = CONTEXT,
		.result = ACSE_REJECTED_TRANSIENT,
		.diagnostic_source = 2,
		.diagnostic = 1},
	    {.type = ACSE_AARE,
		.application_context = CONTEXT,
		.result = ACSE_REJECTED_PERMANENT,
		.diagnostic_source = 1,
		.diagnostic = ACSE_DIAG_CALLED_AP_TITLE_UNKNOWN},
	    {.type = ACSE_RLRQ, .reason = 30},
	    {.type = ACSE_RLRE, .reason = 1},
	    {.type = ACSE_ABRT, .reason = 1},
	    {.type = ACSE_ABRT,
		.reason = 0,
		.abort_diagnostic = ACSE_ABORT_AUTHENTICATION_FAILURE},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct arena *a = arena_new();
		struct acse_apdu back;

		round_trip(&rows[i], &back, a);
		CU_ASSERT_EQUAL(back.result, rows[i].result);
		CU_ASSERT_EQUAL(
		    back.diagnostic_source, rows[i].diagnostic_source);
		CU_ASSERT_EQUAL(back.diagnostic, rows[i].diagnostic);
		CU_ASSERT_EQUAL(back.reason, rows[i].reason);
		CU_ASSERT_EQUAL(
		    back.abort_diagnostic, rows[i].abort_diagnostic);
		CU_ASSERT_EQUAL(back.user_information.n, 0);
		arena_free(&a);
	}
}

static void
foreign_forms_of_an_apdu_are_read(void)
{
	static const struct {
		const char *hex;
		int rc;
		bool version_1;
		size_t information;
	} rows[] = {
	    {"6008 a106 0604 56000106", 0, true, 0},
	    {"600c 8002 0780 a106 0604 56000106", 0, true, 0},
	    {"600c 8002 0640 a106 0604 56000106", 0, false, 0},
	    {"6080 a180 0604 56000106 0000 be80 2880 020103 8103 020161"
	     " 0000 0000 0000",
		0, true, 3},
	    /* the first EXTERNAL names no context */
	    {"601c a106 0604 56000106 be12 2807 06025101 8101 61"
	     " 2807 020103 8102 0500",
		0, true, 2},
	    /* octets that are no encoded value */
	    {"601b a106 0604 56000106 be11 2807 06025101 8101 61"
	     " 2806 020103 8101 62",
		ERR_SYNTAX, false, 0},
	    /* authentication: without its unit passed over; an unknown type */
	    {"600d a106 0604 56000106 ac03 9f2100", 0, true, 0},
	    {"6010 a106 0604 56000106 8a02 0780 ac02 8400", ERR_SYNTAX, true,
		0},
	    {"6010 a106 0604 56000106 8a02 0780 ac02 8000", 0, true, 0},
	    {"6003 020101", ERR_SYNTAX, false, 0},
	    {"6000", ERR_SYNTAX, false, 0},
	    {"6503 800100", ERR_SYNTAX, false, 0},
	    {"6203 8001ff", ERR_SYNTAX, false, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct arena *a = arena_new();
		struct buf b = {0};
		struct acse_apdu u;
		struct err e = ERR_INIT;

		wire_hex(&b, rows[i].hex);
		CU_ASSERT_EQUAL(
		    acse_apdu_decode(a, b.data, b.len, &u, &e), rows[i].rc);
		if (rows[i].rc == 0) {
			CU_ASSERT_EQUAL(u.version_1, rows[i].version_1);
			CU_ASSERT_EQUAL(
			    u.user_information.n, rows[i].information);
		}
		buf_free(&b);
		arena_free(&a);
	}
}

/* --- both ends --- */

struct side {
	struct acse *a;
	unsigned count[ACSE_PASS + 1];
	enum acse_result result;
	int diagnostic_source, diagnostic, reason;
	struct buf information, called, calling;
	struct err err;
	enum acse_result answer;
	int answer_diagnostic;
	bool wait;
	enum acse_abort_diagnostic abort_diagnostic;
};

static void
keep(struct buf *b, const uint8_t *p, size_t n)
{
	buf_clear(b);
	buf_append(b, p, n);
}

static void
event(void *user, const struct acse_prim *p)
{
	struct side *s = user;
	struct acse_prim q = {.type = p->type,
	    .kind = SES_RSP,
	    .result = s->answer,
	    .diagnostic_source = 1,
	    .diagnostic = s->answer_diagnostic,
	    .user_information = {3, value, sizeof(value)}};
	struct err e = ERR_INIT;

	s->count[p->type]++;
	s->result = p->result;
	s->diagnostic_source = p->diagnostic_source;
	s->diagnostic = p->diagnostic;
	s->reason = p->reason;
	s->abort_diagnostic = p->abort_diagnostic;
	keep(&s->information, p->user_information.p, p->user_information.n);
	keep(&s->called, p->called.ap_title.p, p->called.ap_title.n);
	keep(&s->calling, p->calling.ap_title.p, p->calling.ap_title.n);
	if (p->err != NULL)
		s->err = *p->err;
	if (p->kind == SES_IND && !s->wait &&
	    (p->type == ACSE_ASSOCIATE || p->type == ACSE_RELEASE))
		CU_ASSERT_EQUAL(acse_request(s->a, &q, &e), 0);
}

static struct pres_params
params(enum osi_role role)
{
	static const struct pres_context contexts[] = {
	    {.id = 1, .abstract_syntax = ACSE_ABSTRACT_SYNTAX},
	    {.id = 3, .abstract_syntax = "2.6.0.2.12"}};
	struct pres_params p = {.contexts = contexts, .n_contexts = 2};

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
two_init(struct two *t, size_t chunk)
{
	struct pres_params a = params(OSI_INITIATOR);
	struct pres_params b = params(OSI_RESPONDER);

	*t = (struct two){.chunk = chunk};
	t->a.a = acse_new(&a, event, &t->a, 1000);
	t->b.a = acse_new(&b, event, &t->b, 1000);
}

static void
run(struct two *t)
{
	wire_run(ses_cotp(pres_ses(acse_pres(t->a.a))),
	    ses_cotp(pres_ses(acse_pres(t->b.a))), t->chunk);
}

static void
request(struct two *t, struct side *from, enum acse_prim_type type)
{
	struct acse_prim p = {.type = type,
	    .kind = SES_REQ,
	    .application_context = CONTEXT,
	    .called = entities[0],
	    .calling = entities[1],
	    .user_information = {3, value, sizeof(value)}};
	struct err e = ERR_INIT;

	CU_ASSERT_TRUE(acse_request(from->a, &p, &e) >= 0);
	wire_run(ses_cotp(pres_ses(acse_pres(t->a.a))),
	    ses_cotp(pres_ses(acse_pres(t->b.a))), t->chunk);
}

static void
side_free(struct side *s)
{
	acse_free(&s->a);
	buf_free(&s->information);
	buf_free(&s->called);
	buf_free(&s->calling);
}

static void
two_free(struct two *t)
{
	side_free(&t->a);
	side_free(&t->b);
}

static void
an_association_lives_and_is_released(void)
{
	for (size_t i = 0; i < WIRE_CHUNKS; i++) {
		struct two t;

		two_init(&t, wire_chunks[i]);
		request(&t, &t.a, ACSE_ASSOCIATE);
		CU_ASSERT_EQUAL(t.b.count[ACSE_ASSOCIATE], 1);
		CU_ASSERT_EQUAL(t.b.called.len, sizeof(name));
		CU_ASSERT_EQUAL(t.b.calling.len, sizeof(title));
		CU_ASSERT_EQUAL(t.a.count[ACSE_ASSOCIATE], 1);
		CU_ASSERT_EQUAL(t.a.result, ACSE_ACCEPTED);
		CU_ASSERT_EQUAL(t.a.information.len, sizeof(value));
		request(&t, &t.a, ACSE_RELEASE);
		CU_ASSERT_EQUAL(t.b.count[ACSE_RELEASE], 1);
		CU_ASSERT_EQUAL(t.a.count[ACSE_RELEASE], 1);
		CU_ASSERT_EQUAL(t.a.count[ACSE_P_ABORT], 0);
		two_free(&t);
	}
}

static void
a_rejection_says_why(void)
{
	static const enum acse_result answers[] = {
	    ACSE_REJECTED_PERMANENT, ACSE_REJECTED_TRANSIENT};

	for (size_t i = 0; i < 2; i++) {
		struct two t;

		two_init(&t, 7);
		t.b.answer = answers[i];
		t.b.answer_diagnostic = ACSE_DIAG_CALLING_AP_TITLE_UNKNOWN;
		request(&t, &t.a, ACSE_ASSOCIATE);
		CU_ASSERT_EQUAL(t.a.result, answers[i]);
		CU_ASSERT_EQUAL(t.a.diagnostic_source, 1);
		CU_ASSERT_EQUAL(
		    t.a.diagnostic, ACSE_DIAG_CALLING_AP_TITLE_UNKNOWN);
		CU_ASSERT_EQUAL(t.a.information.len, sizeof(value));
		two_free(&t);
	}
}

static void
an_abort_carries_its_source_and_information(void)
{
	struct two t;

	two_init(&t, 1);
	request(&t, &t.a, ACSE_ASSOCIATE);
	request(&t, &t.b, ACSE_ABORT);
	CU_ASSERT_EQUAL(t.a.count[ACSE_ABORT], 1);
	CU_ASSERT_EQUAL(t.a.reason, 0);
	CU_ASSERT_EQUAL(t.a.information.len, sizeof(value));
	two_free(&t);
}

static void
a_connect_without_aarq_is_refused(void)
{
	struct two t;
	const struct pres_value v = {3, value, sizeof(value)};
	struct pres_prim q = {.type = PRES_CONNECT,
	    .kind = SES_REQ,
	    .values = &v,
	    .n_values = 1,
	    .provider_reason = -1};
	struct err e = ERR_INIT;

	two_init(&t, WIRE_WHOLE);
	CU_ASSERT_EQUAL(pres_request(acse_pres(t.a.a), &q, &e), 0);
	wire_run(ses_cotp(pres_ses(acse_pres(t.a.a))),
	    ses_cotp(pres_ses(acse_pres(t.b.a))), WIRE_WHOLE);
	CU_ASSERT_EQUAL(t.b.count[ACSE_ASSOCIATE], 0);
	CU_ASSERT_EQUAL(t.b.count[ACSE_P_ABORT], 1);
	two_free(&t);
}

static void
a_refusal_below_acse_is_a_rejection_by_the_provider(void)
{
	struct pres_params a = params(OSI_INITIATOR);
	struct pres_params b = params(OSI_RESPONDER);
	struct err e = ERR_INIT;
	struct two t = {.chunk = WIRE_WHOLE};

	CU_ASSERT_EQUAL(osi_sel_parse("HERE", &b.called, &e), 0);
	t.a.a = acse_new(&a, event, &t.a, 1000);
	t.b.a = acse_new(&b, event, &t.b, 1000);
	request(&t, &t.a, ACSE_ASSOCIATE);
	CU_ASSERT_EQUAL(t.a.count[ACSE_ASSOCIATE], 1);
	CU_ASSERT_EQUAL(t.a.result, ACSE_REJECTED_PERMANENT);
	CU_ASSERT_EQUAL(t.a.diagnostic_source, 2);
	CU_ASSERT_EQUAL(t.a.err.code, ERR_REFUSED);
	two_free(&t);
}

/* --- the authentication functional unit --- */

static void
authentication_is_selected_by_both(void)
{
	static const struct {
		bool proposed, answered;
		int rc; /* of the response */
		enum acse_abort_diagnostic carried;
	} rows[] = {
	    {true, true, 0, ACSE_ABORT_AUTHENTICATION_FAILURE},
	    {true, false, 0, ACSE_ABORT_NONE},
	    {false, false, 0, ACSE_ABORT_NONE},
	    {false, true, ERR_PROTOCOL, ACSE_ABORT_NONE},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct acse_prim q = {.type = ACSE_ASSOCIATE,
		    .kind = SES_REQ,
		    .application_context = CONTEXT};
		struct acse_prim r = {.type = ACSE_ASSOCIATE, .kind = SES_RSP};
		struct acse_prim abort = {.type = ACSE_ABORT,
		    .kind = SES_REQ,
		    .abort_diagnostic = ACSE_ABORT_AUTHENTICATION_FAILURE};
		struct err e = ERR_INIT;
		struct two t;

		two_init(&t, WIRE_WHOLE);
		t.b.wait = true;
		q.authentication.unit = rows[i].proposed;
		r.authentication.unit = rows[i].answered;
		CU_ASSERT_EQUAL(acse_request(t.a.a, &q, &e), 0);
		run(&t);
		CU_ASSERT_EQUAL(acse_request(t.b.a, &r, &e), rows[i].rc);
		run(&t);
		if (rows[i].rc == 0) {
			CU_ASSERT_EQUAL(t.a.a->selected,
			    rows[i].proposed && rows[i].answered);
			CU_ASSERT_TRUE(acse_request(t.a.a, &abort, &e) >= 0);
			run(&t);
			CU_ASSERT_EQUAL(t.b.count[ACSE_ABORT], 1);
			CU_ASSERT_EQUAL(t.b.abort_diagnostic, rows[i].carried);
		}
		two_free(&t);
	}
}

static void
authentication_refusals_name_their_diagnostic(void)
{
	for (int d = ACSE_DIAG_NULL; d <= ACSE_DIAG_AUTHENTICATION_REQUIRED;
	     d++) {
		struct two t;

		two_init(&t, WIRE_WHOLE);
		t.b.answer = ACSE_REJECTED_PERMANENT;
		t.b.answer_diagnostic = d;
		request(&t, &t.a, ACSE_ASSOCIATE);
		CU_ASSERT_EQUAL(t.a.diagnostic_source, 1);
		CU_ASSERT_EQUAL(t.a.diagnostic, d);
		two_free(&t);
	}
}

static void
an_error_names_the_field_and_its_octet(void)
{
	static const struct {
		const char *hex, *why;
		uint64_t offset;
	} rows[] = {
	    {"6000", "AARQ without application-context", 0},
	    {"6005 a103 020105", "AARQ, application-context", 2},
	    {"600a a106 0604 56000106 bf00", NULL, 0},
	    {"600d a106 0604 56000106 be03 020100", "AARQ, user-information",
		10},
	    {"6080 a180 0604 56000106 0000 be03 020100 0000",
		"AARQ, user-information", 12},
	    {"6c00", "an APDU with tag 12", 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct buf b = {0};
		struct arena *a = arena_new();
		struct acse_apdu u;
		struct err e = ERR_INIT;

		wire_hex(&b, rows[i].hex);
		CU_ASSERT(acse_apdu_decode(a, b.data, b.len, &u, &e) < 0);
		if (rows[i].why != NULL) {
			CU_ASSERT_EQUAL(e.offset, rows[i].offset);
			CU_ASSERT_PTR_NOT_NULL(strstr(e.text, rows[i].why));
			if (strstr(e.text, rows[i].why) == NULL)
				printf("\n  row %zu: %s\n", i, e.text);
		}
		arena_free(&a);
		buf_free(&b);
	}
}

/* --- release, refused and on both sides --- */

static void
answer_release(struct two *t, struct side *x, enum acse_result result)
{
	const struct acse_prim p = {
	    .type = ACSE_RELEASE, .kind = SES_RSP, .result = result};
	struct err e = ERR_INIT;

	CU_ASSERT_TRUE(acse_request(x->a, &p, &e) >= 0);
	run(t);
}

static void
two_with(struct two *t, uint16_t units)
{
	struct pres_params a = params(OSI_INITIATOR);
	struct pres_params b = params(OSI_RESPONDER);

	a.ses.requirements = b.ses.requirements = units;
	*t = (struct two){.chunk = WIRE_WHOLE};
	t->a.a = acse_new(&a, event, &t->a, 1000);
	t->b.a = acse_new(&b, event, &t->b, 1000);
	request(t, &t->a, ACSE_ASSOCIATE);
	t->a.wait = t->b.wait = true;
}

static void
a_refused_release_leaves_the_association(void)
{
	struct two t;

	two_with(&t, SES_FU_RTSE | SES_FU_NEGOTIATED_RELEASE);
	request(&t, &t.a, ACSE_RELEASE);
	CU_ASSERT_EQUAL(t.b.a->state, ACSE_WAIT_RELEASE_RSP);
	answer_release(&t, &t.b, ACSE_REJECTED_PERMANENT);
	CU_ASSERT_EQUAL(t.a.result, ACSE_REJECTED_PERMANENT);
	CU_ASSERT_EQUAL(t.a.reason, ACSE_RELEASE_NOT_FINISHED);
	CU_ASSERT_EQUAL(t.a.a->state, ACSE_ASSOCIATED);
	CU_ASSERT_EQUAL(t.b.a->state, ACSE_ASSOCIATED);
	request(&t, &t.a, ACSE_RELEASE);
	answer_release(&t, &t.b, ACSE_ACCEPTED);
	CU_ASSERT_EQUAL(t.a.result, ACSE_ACCEPTED);
	CU_ASSERT_EQUAL(t.a.a->state, ACSE_CLOSED);
	CU_ASSERT_EQUAL(t.b.a->state, ACSE_CLOSED);
	two_free(&t);
}

/* Both ask before either hears of it; without tokens they may. */
static void
releases_that_collide_end_the_association_once(void)
{
	const struct acse_prim p = {.type = ACSE_RELEASE, .kind = SES_REQ};
	struct two t;
	struct err e = ERR_INIT;

	two_with(&t, SES_FU_DUPLEX);
	CU_ASSERT_TRUE(acse_request(t.a.a, &p, &e) >= 0);
	CU_ASSERT_TRUE(acse_request(t.b.a, &p, &e) >= 0);
	run(&t);
	CU_ASSERT_EQUAL(t.a.a->state, ACSE_COLLISION);
	CU_ASSERT_EQUAL(t.b.a->state, ACSE_COLLISION);
	/* the initiator answers first (X.227 7.2.3) */
	answer_release(&t, &t.a, ACSE_ACCEPTED);
	answer_release(&t, &t.b, ACSE_ACCEPTED);
	CU_ASSERT_EQUAL(t.a.a->state, ACSE_CLOSED);
	CU_ASSERT_EQUAL(t.b.a->state, ACSE_CLOSED);
	CU_ASSERT_EQUAL(t.a.count[ACSE_RELEASE], 2);
	CU_ASSERT_EQUAL(t.b.count[ACSE_RELEASE], 2);
	CU_ASSERT_EQUAL(t.a.count[ACSE_P_ABORT], 0);
	CU_ASSERT_EQUAL(t.b.count[ACSE_P_ABORT], 0);
	two_free(&t);
}

/* --- X.227 Annex A --- */

enum { ACSE_STATES = ACSE_CLOSED + 1 };

/* Brought to this state, the open ones from an open association. */
static struct side *
reach(struct two *t, enum acse_state state)
{
	two_init(t, WIRE_WHOLE);
	t->b.wait = state == ACSE_WAIT_AARE || state == ACSE_WAIT_RSP;
	if (state == ACSE_UNASSOCIATED)
		return &t->a;
	request(t, &t->a, ACSE_ASSOCIATE);
	if (state == ACSE_WAIT_RSP)
		return &t->b;
	t->a.a->state = state;
	return &t->a;
}

/* The states in the order of enum acse_state: unassociated; AARQ sent, AARQ
 * received; RLRQ sent, RLRQ received; associated; collision; closed. a: acted
 * upon, '.': passed over, -: breaks the protocol. */
static const struct {
	enum pres_prim_type type;
	enum ses_prim_kind kind;
	const char *expect;
} from_below[] = {
    {PRES_CONNECT, SES_IND,
	"a"
	"--"
	"--"
	"-"
	"-"
	"."},
    {PRES_CONNECT, SES_CNF,
	"-"
	"a-"
	"--"
	"-"
	"-"
	"."},
    {PRES_DATA, SES_IND,
	"-"
	"--"
	"a-"
	"a"
	"-"
	"."},
    {PRES_TYPED_DATA, SES_IND,
	"-"
	"--"
	"a-"
	"a"
	"-"
	"."},
    {PRES_SESSION, SES_IND,
	"-"
	"--"
	"a-"
	"a"
	"-"
	"."},
    {PRES_SESSION, SES_CNF,
	"-"
	"--"
	"a-"
	"a"
	"-"
	"."},
    {PRES_RELEASE, SES_IND,
	"-"
	"--"
	"a-"
	"a"
	"-"
	"."},
    {PRES_RELEASE, SES_CNF,
	"-"
	"--"
	"a-"
	"-"
	"a"
	"."},
    {PRES_U_ABORT, SES_IND,
	"a"
	"aa"
	"aa"
	"a"
	"a"
	"."},
    {PRES_P_ABORT, SES_IND,
	"a"
	"aa"
	"aa"
	"a"
	"a"
	"."},
};

static unsigned
told(const struct side *x)
{
	unsigned n = 0;

	for (size_t i = 0; i <= ACSE_PASS; i++)
		n += x->count[i];
	return n;
}

/* The answer is an ABRT of the provider; where there is no connection, there
 * is nobody to answer. */
static bool
sent_abrt(const struct side *x, int state)
{
	const struct buf *out =
	    cotp_output(ses_cotp(pres_ses(acse_pres(x->a))));

	return state == ACSE_UNASSOCIATED ||
	    memmem(out->data, out->len, "\x64\x03\x80\x01\x01", 5) != NULL;
}

static void
each_state_with_each_presentation_event(void)
{
	static const struct ses_prim s = {.type = SES_TOKEN_PLEASE};

	for (size_t i = 0; i < sizeof(from_below) / sizeof(*from_below); i++)
		for (int state = 0; state < ACSE_STATES; state++) {
			const struct pres_prim q = {.type = from_below[i].type,
			    .kind = from_below[i].kind,
			    .ses = &s,
			    .accepted = true,
			    .provider_reason = -1};
			struct two t;
			struct side *x = reach(&t, (enum acse_state)state);
			unsigned before = told(x);
			char got = '.', text[PRES_PRIM_TEXT];

			pres_prim_text(&q, text);
			x->wait = true;
			acse_from_pres(x->a, &q);
			if (strncmp(x->err.text, text, strlen(text)) == 0 &&
			    strstr(x->err.text, " in state STA") != NULL)
				got = '-';
			else if (told(x) != before)
				got = 'a';
			CU_ASSERT_EQUAL(got, from_below[i].expect[state]);
			if (got != from_below[i].expect[state])
				printf("\n  row %zu, state %d: %c\n", i, state,
				    got);
			if (got == '-') {
				CU_ASSERT_EQUAL(x->a->state, ACSE_CLOSED);
				CU_ASSERT_EQUAL(x->err.offset, 0);
				CU_ASSERT(sent_abrt(x, state));
			}
			two_free(&t);
		}
}

static const struct {
	enum acse_prim_type type;
	enum ses_prim_kind kind;
	const char *expect; /* y: allowed */
} from_above[] = {
    {ACSE_ASSOCIATE, SES_REQ,
	"y"
	"nn"
	"nn"
	"n"
	"n"
	"n"},
    {ACSE_ASSOCIATE, SES_RSP,
	"n"
	"ny"
	"nn"
	"n"
	"n"
	"n"},
    {ACSE_RELEASE, SES_REQ,
	"n"
	"nn"
	"nn"
	"y"
	"n"
	"n"},
    {ACSE_RELEASE, SES_RSP,
	"n"
	"nn"
	"ny"
	"n"
	"y"
	"n"},
    {ACSE_ABORT, SES_REQ,
	"n"
	"yy"
	"yy"
	"y"
	"y"
	"n"},
    {ACSE_ABORT, SES_RSP,
	"n"
	"nn"
	"nn"
	"n"
	"n"
	"n"},
    {ACSE_P_ABORT, SES_REQ,
	"n"
	"nn"
	"nn"
	"n"
	"n"
	"n"},
};

static void
each_state_with_each_request(void)
{
	for (size_t i = 0; i < sizeof(from_above) / sizeof(*from_above); i++)
		for (int state = 0; state < ACSE_STATES; state++) {
			const struct acse_prim p = {.type = from_above[i].type,
			    .kind = from_above[i].kind,
			    .application_context = CONTEXT};
			struct two t;
			struct err e = ERR_INIT;
			struct side *x = reach(&t, (enum acse_state)state);
			char got;

			(void)!acse_request(x->a, &p, &e);
			got = strstr(e.text, "in state STA") != NULL &&
				e.text[0] == 'A'
			    ? 'n'
			    : 'y';
			CU_ASSERT_EQUAL(got, from_above[i].expect[state]);
			if (got != from_above[i].expect[state])
				printf("\n  row %zu, state %d: %c %s\n", i,
				    state, got, e.text);
			if (got == 'n')
				CU_ASSERT_EQUAL((int)x->a->state, state);
			two_free(&t);
		}
}

/* --- recordings: associations without RTSE --- */

/* As the recorded initiator has them: those of its user, then ACSE. */
static struct pres_params
recorded_params(enum osi_role role, size_t n)
{
	static struct pres_context contexts[10];
	struct pres_params p = params(role);

	for (size_t i = 0; i < n; i++)
		contexts[i] = (struct pres_context){.id = (int32_t)(2 * i + 1),
		    .abstract_syntax =
			i < n - 1 ? "1.0.8824" : ACSE_ABSTRACT_SYNTAX};
	p.contexts = contexts;
	p.n_contexts = n;
	p.ses.requirements = n == 2 ? SES_FU_DUPLEX : 0x07ff;
	return p;
}

static const struct {
	const char *name;
	size_t contexts;
	unsigned passed; /* values, to each side */
} recorded[] = {
    {"isode-rtse-twa-echo", 10, 0},
    {"isode-rtse-twa-echo-3", 2, 10},
};

static void
recorded_initiators_are_answered(void)
{
	for (size_t i = 0; i < sizeof(recorded) / sizeof(*recorded); i++)
		for (size_t c = 0; c < WIRE_CHUNKS; c++) {
			struct pres_params p = recorded_params(
			    OSI_RESPONDER, recorded[i].contexts);
			struct side s = {0};
			struct buf in = {0};
			char vector[64];

			s.a = acse_new(&p, event, &s, 1000);
			snprintf(vector, sizeof(vector), "%s.initiator",
			    recorded[i].name);
			wire_vector(&in, vector);
			for (size_t at = 0; at < in.len;) {
				size_t n = in.len - at < wire_chunks[c]
				    ? in.len - at
				    : wire_chunks[c];

				cotp_input(ses_cotp(pres_ses(acse_pres(s.a))),
				    in.data + at, n);
				at += n;
			}
			CU_ASSERT_EQUAL(s.count[ACSE_ASSOCIATE], 1);
			CU_ASSERT_EQUAL(s.count[ACSE_RELEASE], 1);
			CU_ASSERT(s.count[ACSE_PASS] >= recorded[i].passed);
			CU_ASSERT_EQUAL(s.count[ACSE_P_ABORT], 0);
			CU_ASSERT_EQUAL(s.count[ACSE_ABORT], 0);
			buf_free(&in);
			side_free(&s);
		}
}

static void
recorded_responders_are_understood(void)
{
	for (size_t i = 0; i < sizeof(recorded) / sizeof(*recorded); i++) {
		struct pres_params p =
		    recorded_params(OSI_INITIATOR, recorded[i].contexts);
		struct acse_prim q = {.type = ACSE_ASSOCIATE,
		    .kind = SES_REQ,
		    .application_context = "1.17.0.1"};
		struct side s = {0};
		struct buf in = {0};
		struct err e = ERR_INIT;
		struct cotp *cotp;
		char vector[64];

		s.a = acse_new(&p, event, &s, 1000);
		cotp = ses_cotp(pres_ses(acse_pres(s.a)));
		CU_ASSERT_EQUAL(acse_request(s.a, &q, &e), 0);
		snprintf(
		    vector, sizeof(vector), "%s.responder", recorded[i].name);
		wire_vector(&in, vector);
		memcpy(in.data + 6, cotp_output(cotp)->data + 8, 2);
		for (size_t at = 0; at + 7 < in.len;) {
			size_t n =
			    (size_t)in.data[at + 2] << 8 | in.data[at + 3];

			q.type = ACSE_RELEASE;
			/* a DN answers what ours has to ask first */
			if (in.data[at + 5] == 0xf0 && in.data[at + 7] == 10)
				CU_ASSERT_EQUAL(acse_request(s.a, &q, &e), 0);
			cotp_input(cotp, in.data + at, n);
			at += n;
		}
		CU_ASSERT_EQUAL(s.count[ACSE_ASSOCIATE], 1);
		CU_ASSERT_EQUAL(s.count[ACSE_RELEASE], 1);
		CU_ASSERT_EQUAL(s.result, ACSE_ACCEPTED);
		CU_ASSERT(s.count[ACSE_PASS] >= recorded[i].passed);
		CU_ASSERT_EQUAL(s.count[ACSE_P_ABORT], 0);
		CU_ASSERT_EQUAL(s.count[ACSE_ABORT], 0);
		if (s.err.code != 0)
			printf("\n  %s\n", s.err.text);
		buf_free(&in);
		side_free(&s);
	}
}

void
suite_osi_acse(void)
{
	static CU_TestInfo tests[] = {
	    TEST(titles_and_authentication_are_carried),
	    TEST(results_and_reasons_are_carried),
	    TEST(foreign_forms_of_an_apdu_are_read),
	    TEST(an_association_lives_and_is_released),
	    TEST(a_rejection_says_why),
	    TEST(an_abort_carries_its_source_and_information),
	    TEST(a_connect_without_aarq_is_refused),
	    TEST(authentication_is_selected_by_both),
	    TEST(authentication_refusals_name_their_diagnostic),
	    TEST(a_refusal_below_acse_is_a_rejection_by_the_provider),
	    TEST(an_error_names_the_field_and_its_octet),
	    TEST(a_refused_release_leaves_the_association),
	    TEST(releases_that_collide_end_the_association_once),
	    TEST(each_state_with_each_presentation_event),
	    TEST(each_state_with_each_request),
	    TEST(recorded_initiators_are_answered),
	    TEST(recorded_responders_are_understood),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("osi_acse", tests);
}
