#include "p1/downgrade.h"

#include "p1/apdu.h"
#include "p1/ext.h"
#include "tests/unit/p1_vectors.h"

static struct mhs_or *
address(struct arena *a, const char *text)
{
	struct mhs_or *ora = mhs_or_parse(a, text, NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(ora);
	return ora;
}

#define GATEWAY "/O=relay/PRMD=P/ADMD=A/C=XX/"

/* --- addresses --- */

static void
addresses_come_down_and_go_up_again(void)
{
	static const struct {
		const char *given, *down; /* NULL: impossible */
		bool gateway, up;
	} cases[] = {
	    {"/S=Joe/O=o/ADMD=A/C=XX/", "/S=Joe/O=o/ADMD=A/C=XX/", false, true},
	    {"/CN=ops/O=o/ADMD=A/C=XX/", "/DD.Common=ops/O=o/ADMD=A/C=XX/",
		false, true},
	    {"/S=Joe/PD-STREET=High/ADMD=A/C=XX/", NULL, false, false},
	    {"/S=Joe/PD-STREET=High/ADMD=A/C=XX/",
		"/DD.X400-88=$/PD-STREET$=High$/S$=Joe$/ADMD$=A$/C$=XX$//"
		"O=relay/PRMD=P/ADMD=A/C=XX/",
		true, true},
	    {"/DD.a=1/DD.b=2/DD.c=3/DD.d=4/CN=x/ADMD=A/C=XX/", NULL, false,
		false},
	};
	struct arena *a = arena_new();
	const struct mhs_or *gateway = address(a, GATEWAY);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct mhs_or *g = cases[i].gateway ? gateway : NULL;
		struct mhs_or *x = address(a, cases[i].given), *y;
		struct err e = ERR_INIT;

		y = p1_downgrade_or(a, x, g, &e);
		if (cases[i].down == NULL) {
			CU_ASSERT_PTR_NULL(y);
			CU_ASSERT_EQUAL(e.code, ERR_UNSUPPORTED);
			continue;
		}
		CU_ASSERT_PTR_NOT_NULL_FATAL(y);
		if (!mhs_or_equal(y, address(a, cases[i].down)))
			printf("\n  %s", mhs_or_slash(a, y));
		CU_ASSERT(mhs_or_equal(y, address(a, cases[i].down)));
		CU_ASSERT_EQUAL(
		    mhs_or_equal(p1_upgrade_or(a, y, g), x), cases[i].up);
	}
	arena_free(&a);
}

static void
other_forms_go_beside_a_printable_one_and_become_one_alone(void)
{
	struct arena *a = arena_new();
	struct mhs_or *x = address(a, "/S=Joe/ADMD=A/C=XX/"), *y;

	mhs_or_add(a, x, MHS_OR_SURNAME, MHS_OR_TELETEX, "Jo\xc2", 3, NULL);
	mhs_or_add(
	    a, x, MHS_OR_ORGANIZATION, MHS_OR_UNIVERSAL, "corp", 4, NULL);
	y = p1_downgrade_or(a, x, NULL, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(y);
	CU_ASSERT(mhs_or_equal(y, address(a, "/S=Joe/O=corp/ADMD=A/C=XX/")));
	CU_ASSERT_EQUAL(y->n_attrs, 4);
	mhs_or_add(
	    a, x, MHS_OR_GIVEN_NAME, MHS_OR_UNIVERSAL, "J\xc3\xb6", 3, NULL);
	CU_ASSERT_PTR_NULL(p1_downgrade_or(a, x, NULL, NULL));
	arena_free(&a);
}

static void
a_directory_name_alone_fails_and_beside_an_address_is_left_out(void)
{
	static const uint8_t dn[] = {0x30, 0x00};
	struct arena *a = arena_new();
	struct mhs_or *x = mhs_or_new(a), *y;

	x->directory_name = dn;
	x->directory_name_n = sizeof(dn);
	CU_ASSERT_PTR_NULL(p1_downgrade_or(a, x, address(a, GATEWAY), NULL));
	x = address(a, "/S=Joe/ADMD=A/C=XX/");
	x->directory_name = dn;
	x->directory_name_n = sizeof(dn);
	y = p1_downgrade_or(a, x, NULL, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(y);
	CU_ASSERT_PTR_NULL(y->directory_name);
	arena_free(&a);
}

static void
a_long_address_takes_several_ddas_and_one_too_long_fails(void)
{
	struct arena *a = arena_new();
	const struct mhs_or *gateway = address(a, GATEWAY);
	struct mhs_or *x = address(a, "/S=Joe/PD-STREET=High/ADMD=A/C=XX/"), *y;
	char name[500];

	memset(name, 'x', sizeof(name));
	name[10] = '@';
	mhs_or_add(
	    a, x, MHS_OR_ORGANIZATION, MHS_OR_PRINTABLE, name, 128, NULL);
	y = p1_downgrade_or(a, x, gateway, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(y);
	CU_ASSERT_PTR_NOT_NULL(mhs_or_dda(a, y, "X400-C1"));
	CU_ASSERT_PTR_NULL(mhs_or_dda(a, y, "X400-C2"));
	CU_ASSERT(mhs_or_equal(p1_upgrade_or(a, y, gateway), x));
	mhs_or_add(a, x, MHS_OR_UNIT1, MHS_OR_PRINTABLE, name, 500, NULL);
	CU_ASSERT_PTR_NULL(p1_downgrade_or(a, x, gateway, NULL));
	arena_free(&a);
}

/* --- envelopes --- */

static struct mhs_envelope *
make(struct arena *a, enum mhs_kind kind)
{
	struct mhs_envelope *env = mhs_envelope_new(a, kind);
	struct mhs_trace *t = mhs_trace_add(a, env);
	struct mhs_report *rep = env->report;
	struct mhs_report_recipient *rr;

	env->id.domain = (struct mhs_domain){"XX", "A", NULL};
	env->id.local = "id-1";
	t->domain = env->id.domain;
	t->arrival = 1700000000;
	mhs_recipient_add(a, env)->name.ora = address(a, "/S=Joe/ADMD=A/C=XX/");
	env->originator.ora = address(a, "/S=Ray/ADMD=A/C=XX/");
	if (rep == NULL) {
		env->content_type = MHS_CONTENT_P2;
		mhs_recipient_add(a, env)->name.ora =
		    address(a, "/S=Ann/ADMD=A/C=XX/");
		return env;
	}
	rep->subject = env->id;
	rr = arena_push(a, &rep->recipients, &rep->n_recipients, sizeof(*rr));
	rr->actual.ora = env->originator.ora;
	rr->number = 1;
	rr->type = MHS_NOT_DELIVERED;
	rr->reason = MHS_UNABLE_TO_TRANSFER;
	rr->diagnostic = rr->user_type = -1;
	rr->last_trace_arrival = 1700000000;
	return env;
}

static void
add(struct arena *a, struct mhs_exts *x, int type, uint8_t criticality,
    const char *hex)
{
	struct mhs_ext *v = arena_push(a, &x->v, &x->n, sizeof(*v));
	struct buf b = {0};

	hex_append(&b, hex);
	*v = (struct mhs_ext){
	    type, NULL, criticality, arena_memdup(a, b.data, b.len), b.len};
	buf_free(&b);
}

static struct p1_downgraded
down(struct arena *a, const struct mhs_envelope *env)
{
	struct p1_downgraded out;

	p1_downgrade(a, env, NULL, &out);
	return out;
}

static void
extensions_go_and_critical_ones_fail(void)
{
	static const struct {
		int type;
		uint8_t criticality;
		const char *hex;
		bool good;
	} cases[] = {
	    {23, 0, "04 01 00", true},
	    {5, 0, "17 0b 32 34 30 31 30 31 30 30 30 30 5a", true},
	    {5, MHS_CRITICAL_DELIVERY, "17 0b 32 34 30 31 30 31 30 30 30 30 5a",
		false},
	    {1, MHS_CRITICAL_DELIVERY, "0a 01 00", true},
	    {1, MHS_CRITICAL_DELIVERY, "0a 01 01", false},
	    {99, 0, "05 00", true},
	    {99, MHS_CRITICAL_SUBMISSION, "05 00", true},
	    {99, MHS_CRITICAL_TRANSFER, "05 00", false},
	    {-2, 0, "88 00", true}, /* an unknown field */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (int kind = MHS_MESSAGE; kind <= MHS_REPORT; kind++) {
			struct arena *a = arena_new();
			struct mhs_envelope *env = make(a, (enum mhs_kind)kind);
			struct p1_downgraded d;

			add(a, &env->exts, cases[i].type, cases[i].criticality,
			    cases[i].hex);
			d = down(a, env);
			CU_ASSERT_EQUAL(d.env != NULL, cases[i].good);
			CU_ASSERT_EQUAL(
			    d.n_failed, cases[i].good ? 0 : env->n_recipients);
			CU_ASSERT(d.env == NULL || d.env->exts.n == 0);
			CU_ASSERT_EQUAL(env->exts.n, 1);
			if (d.n_failed > 0)
				CU_ASSERT_EQUAL(d.failed[0].diagnostic,
				    MHS_UNABLE_TO_DOWNGRADE);
			arena_free(&a);
		}
}

static void
one_recipient_fails_alone(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *env = make(a, MHS_MESSAGE);
	struct p1_downgraded d;

	add(a, &env->recipients[0].exts, 99, MHS_CRITICAL_TRANSFER, "05 00");
	d = down(a, env);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d.env);
	CU_ASSERT_EQUAL(d.env->n_recipients, 1);
	CU_ASSERT_EQUAL(d.env->recipients[0].number, 2);
	CU_ASSERT_EQUAL_FATAL(d.n_failed, 1);
	CU_ASSERT_EQUAL(d.failed[0].recipient, 0);
	CU_ASSERT_EQUAL(d.failed[0].reason, MHS_UNABLE_TO_TRANSFER);
	env->recipients[0].responsible = false;
	d = down(a, env);
	CU_ASSERT_EQUAL(d.n_failed, 0);
	env->recipients[1].responsible = false;
	CU_ASSERT_PTR_NULL(down(a, env).env);
	arena_free(&a);
}

static void
an_originator_that_1984_cannot_name_fails_for_all(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *env = make(a, MHS_MESSAGE);
	struct p1_downgraded d;

	env->originator.ora = address(a, "/PD-STREET=High/ADMD=A/C=XX/");
	d = down(a, env);
	CU_ASSERT_PTR_NULL(d.env);
	CU_ASSERT_EQUAL(d.n_failed, 2);
	p1_downgrade(a, env, address(a, GATEWAY), &d);
	CU_ASSERT_PTR_NOT_NULL(d.env);
	arena_free(&a);
}

static void
a_probe_asks_for_what_the_message_would_become(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *env = make(a, MHS_PROBE);
	struct p1_downgraded d;

	env->content_type = MHS_CONTENT_P22;
	d = down(a, env);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d.env);
	CU_ASSERT(!d.content_to_p2);
	CU_ASSERT_EQUAL(d.env->content_type, MHS_CONTENT_P2);
	CU_ASSERT_EQUAL(env->content_type, MHS_CONTENT_P22);
	arena_free(&a);
}

static void
content_types_are_told(void)
{
	static const struct {
		enum mhs_content type;
		const char *oid;
		bool good, to_p2;
	} cases[] = {
	    {MHS_CONTENT_P2, NULL, true, false},
	    {MHS_CONTENT_P22, NULL, true, true},
	    {MHS_CONTENT_EDI, NULL, true, false},
	    {MHS_CONTENT_P772, NULL, false, false},
	    {MHS_CONTENT_EXTERNAL, "1.2.3", false, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *a = arena_new();
		struct mhs_envelope *env = make(a, MHS_MESSAGE);
		struct p1_downgraded d;

		env->content_type = cases[i].type;
		env->content_oid = cases[i].oid;
		d = down(a, env);
		CU_ASSERT_EQUAL(d.env != NULL, cases[i].good);
		CU_ASSERT_EQUAL(d.content_to_p2, cases[i].to_p2);
		if (!cases[i].good)
			CU_ASSERT_EQUAL(d.failed[0].diagnostic,
			    MHS_CONTENT_TYPE_NOT_SUPPORTED);
		arena_free(&a);
	}
}

static void
indicators_of_later_editions_go(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *env = make(a, MHS_MESSAGE);
	struct p1_downgraded d;

	env->disclosure_of_other_recipients = env->reserved_bit = true;
	env->bit5_notification = env->bit6_service = true;
	env->bit7_service_message = true;
	d = down(a, env);
	CU_ASSERT(d.env->disclosure_of_other_recipients);
	CU_ASSERT(!d.env->reserved_bit && !d.env->bit5_notification);
	CU_ASSERT(!d.env->bit6_service && !d.env->bit7_service_message);
	arena_free(&a);
}

static void
extended_eits_become_builtin_ones(void)
{
	static const struct {
		const char *given, *down;
	} cases[] = {
	    {"65 04 80 02 05 20", "65 04 80 02 05 20"},
	    /* below id-eit, but none of them: unknown */
	    {"65 0d 80 02 05 20 a4 07 06 05 56 03 04 00 03",
		"65 04 80 02 05 a0"},
	    /* id-eit 2.6.3.4.3, with ia5-text: g3-facsimile */
	    {"65 0c 80 02 05 20 a4 06 06 04 56 03 04 03", "65 04 80 02 04 30"},
	    {"65 0c 80 02 05 20 a4 06 06 04 56 03 04 09",
		"65 05 80 03 06 20 40"},
	    /* another one: unknown; non-basic parameters stay */
	    {"65 0b 80 01 00 81 01 00 a4 03 06 01 2a",
		"65 07 80 02 07 80 81 01 00"},
	    {"65 0b 80 02 05 20 a4 05 06 03 2a 03 04", "65 04 80 02 05 a0"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *a = arena_new();
		struct mhs_envelope *env = make(a, MHS_MESSAGE);
		struct buf given = {0}, want = {0};
		struct p1_downgraded d;

		hex_append(&given, cases[i].given);
		hex_append(&want, cases[i].down);
		env->original_eits = given.data;
		env->original_eits_n = given.len;
		d = down(a, env);
		CU_ASSERT(d.env->original_eits_n == want.len &&
		    memcmp(d.env->original_eits, want.data, want.len) == 0);
		buf_free(&given);
		buf_free(&want);
		arena_free(&a);
	}
}

static void
trace_loses_other_actions_and_what_is_internal(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *env = make(a, MHS_MESSAGE);
	struct mhs_trace *t = mhs_trace_add(a, env);
	struct p1_downgraded d;

	t->internal = true;
	t->domain = env->id.domain;
	t->mta = "m";
	t = mhs_trace_add(a, env);
	t->domain = env->id.domain;
	t->action = MHS_REROUTED;
	t->attempted = env->id.domain;
	t->deferred = t->arrival = 1700000000;
	t->other_actions = 3;
	d = down(a, env);
	CU_ASSERT_EQUAL_FATAL(d.env->n_trace, 2);
	CU_ASSERT(!d.env->trace[1].internal);
	CU_ASSERT_EQUAL(d.env->trace[1].other_actions, 0);
	CU_ASSERT_EQUAL(d.env->trace[1].action, MHS_REROUTED);
	CU_ASSERT_EQUAL(d.env->trace[1].deferred, 1700000000);
	CU_ASSERT_EQUAL(env->n_trace, 3);
	arena_free(&a);
}

static void
bilateral_information_of_private_domains_goes(void)
{
	static const uint8_t public[] = {0x30, 0x0d, 0x61, 0x04, 0x13, 0x02,
	    0x58, 0x58, 0x62, 0x03, 0x13, 0x01, 0x41, 0x05, 0x00};
	static const uint8_t private[] = {0x30, 0x0a, 0x61, 0x04, 0x13, 0x02,
	    0x58, 0x58, 0x30, 0x00, 0x05, 0x00};
	const uint8_t *v[] = {private, public};
	size_t n[] = {sizeof(private), sizeof(public)};
	struct arena *a = arena_new();
	struct mhs_envelope *env = make(a, MHS_MESSAGE);
	struct p1_downgraded d;

	env->bilateral = v;
	env->bilateral_n = n;
	env->n_bilateral = 2;
	d = down(a, env);
	CU_ASSERT_EQUAL_FATAL(d.env->n_bilateral, 1);
	CU_ASSERT_EQUAL(d.env->bilateral_n[0], sizeof(public));
	arena_free(&a);
}

static void
codes_of_reports_are_those_of_1984(void)
{
	static const struct {
		int32_t reason, diagnostic, down_reason, down_diagnostic;
		const char *supplementary;
	} cases[] = {
	    {0, 3, 0, 3, NULL},
	    {2, 8, 2, 8, NULL},
	    {1, 11, 1, 11, NULL},
	    {1, 12, 1, -1, "content-syntax-error"},
	    {5, 29, 1, -1, "no-dl-submit-permission"},
	    {8, -1, 1, -1, NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *a = arena_new();
		struct mhs_envelope *env = make(a, MHS_REPORT);
		struct mhs_report_recipient *rr = &env->report->recipients[0];
		struct p1_downgraded d;

		rr->reason = cases[i].reason;
		rr->diagnostic = cases[i].diagnostic;
		d = down(a, env);
		rr = &d.env->report->recipients[0];
		CU_ASSERT_EQUAL(rr->reason, cases[i].down_reason);
		CU_ASSERT_EQUAL(rr->diagnostic, cases[i].down_diagnostic);
		if (cases[i].supplementary == NULL) {
			CU_ASSERT_PTR_NULL(rr->supplementary);
		} else {
			CU_ASSERT_STRING_EQUAL(
			    rr->supplementary, cases[i].supplementary);
		}
		arena_free(&a);
	}
}

static void
a_report_keeps_what_1984_has(void)
{
	static const uint8_t eits[] = {0x65, 0x04, 0x80, 0x02, 0x05, 0x20};
	struct arena *a = arena_new();
	struct mhs_envelope *env = make(a, MHS_REPORT);
	struct mhs_report *rep = env->report;
	struct p1_downgraded d;

	rep->content_type = MHS_CONTENT_P22;
	rep->original_eits = eits;
	rep->original_eits_n = sizeof(eits);
	rep->content_identifier = "id";
	rep->recipients[0].type = MHS_DELIVERED;
	rep->recipients[0].delivery_time = 1700000000;
	rep->recipients[0].user_type = 3;
	rep->recipients[0].actual.ora =
	    address(a, "/S=Joe/PD-STREET=High/ADMD=A/C=XX/");
	add(a, &rep->exts, 23, 0, "04 01 00");
	add(a, &rep->recipients[0].exts, 25, 0, "30 00");
	d = down(a, env);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d.env);
	rep = d.env->report;
	CU_ASSERT_EQUAL(rep->content_type, MHS_CONTENT_NONE);
	CU_ASSERT_PTR_NULL(rep->original_eits);
	CU_ASSERT_STRING_EQUAL(rep->content_identifier, "id");
	CU_ASSERT_EQUAL(rep->exts.n, 0);
	CU_ASSERT_EQUAL(rep->recipients[0].exts.n, 0);
	CU_ASSERT_EQUAL(rep->recipients[0].user_type, -1);
	CU_ASSERT(mhs_or_equal(
	    rep->recipients[0].actual.ora, address(a, "/S=Joe/ADMD=A/C=XX/")));
	arena_free(&a);
}

/* Each of them away and back again. */
static void
every_name_of_an_envelope_goes_up_again(void)
{
	static const char text[] = "/CN=Joe Ray/PD-STREET=High/ADMD=A/C=XX/";
	struct arena *a = arena_new();
	struct mhs_or *gateway = address(a, GATEWAY);
	struct p1_downgraded d;

	for (int kind = MHS_MESSAGE; kind <= MHS_REPORT; kind++) {
		struct mhs_envelope *env = make(a, kind);
		struct mhs_name *names[4] = {
		    &env->originator, &env->recipients[0].name};

		if (kind == MHS_REPORT) {
			names[0] = &env->report->recipients[0].actual;
			names[2] = &env->report->recipients[0].intended;
		}
		for (int i = 0; names[i] != NULL; i++)
			names[i]->ora = address(a, text);
		p1_downgrade(a, env, gateway, &d);
		CU_ASSERT_PTR_NOT_NULL_FATAL(d.env);
		p1_upgrade(a, d.env, gateway);
		CU_ASSERT(mhs_or_equal(
		    d.env->recipients[0].name.ora, address(a, text)));
		if (kind != MHS_REPORT) {
			CU_ASSERT(mhs_or_equal(
			    d.env->originator.ora, address(a, text)));
			continue;
		}
		CU_ASSERT(mhs_or_equal(
		    d.env->report->recipients[0].actual.ora, address(a, text)));
		CU_ASSERT(
		    mhs_or_equal(d.env->report->recipients[0].intended.ora,
			address(a, text)));
	}
	arena_free(&a);
}

/* Nothing of 1988 is in the octets: no extensions [3], no [4] of EITs. */
static void
what_came_down_is_written_and_read(void)
{
	for (int kind = MHS_MESSAGE; kind <= MHS_REPORT; kind++) {
		static const struct p1_apdu_ops ops = {0};
		struct arena *a = arena_new();
		struct mhs_envelope *env = make(a, (enum mhs_kind)kind);
		struct p1_apdu *s = p1_apdu_new(0, &ops, NULL);
		struct buf out = {0}, tail = {0};
		struct p1_downgraded d;

		add(a, &env->exts, 99, 0, "05 00");
		env->recipients[0].name.ora = address(a, "/CN=x/ADMD=A/C=XX/");
		d = down(a, env);
		CU_ASSERT_EQUAL(
		    p1_apdu_write(d.env, 0, NULL, &out, &tail, NULL), 0);
		buf_append(&out, tail.data, tail.len);
		CU_ASSERT_EQUAL(p1_apdu_feed(s, out.data, out.len, NULL), 0);
		CU_ASSERT_EQUAL(p1_apdu_end(s, NULL), 0);
		CU_ASSERT_EQUAL(p1_apdu_envelope(s)->exts.n, 0);
		CU_ASSERT_STRING_EQUAL(
		    mhs_or_dda(a, p1_apdu_envelope(s)->recipients[0].name.ora,
			"common"),
		    "x");
		p1_apdu_free(&s);
		buf_free(&out);
		buf_free(&tail);
		arena_free(&a);
	}
}

void
suite_p1_downgrade(void)
{
	static CU_TestInfo tests[] = {
	    TEST(addresses_come_down_and_go_up_again),
	    TEST(other_forms_go_beside_a_printable_one_and_become_one_alone),
	    TEST(
		a_directory_name_alone_fails_and_beside_an_address_is_left_out),
	    TEST(a_long_address_takes_several_ddas_and_one_too_long_fails),
	    TEST(extensions_go_and_critical_ones_fail),
	    TEST(one_recipient_fails_alone),
	    TEST(an_originator_that_1984_cannot_name_fails_for_all),
	    TEST(content_types_are_told),
	    TEST(a_probe_asks_for_what_the_message_would_become),
	    TEST(every_name_of_an_envelope_goes_up_again),
	    TEST(indicators_of_later_editions_go),
	    TEST(extended_eits_become_builtin_ones),
	    TEST(trace_loses_other_actions_and_what_is_internal),
	    TEST(bilateral_information_of_private_domains_goes),
	    TEST(codes_of_reports_are_those_of_1984),
	    TEST(a_report_keeps_what_1984_has),
	    TEST(what_came_down_is_written_and_read),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("p1_downgrade", tests);
}
