#include "p1/judge.h"

#include "p1/apdu.h"
#include "p1/ext.h"
#include "tests/unit/p1_ext_vectors.h"
#include "tests/unit/p1_vectors.h"

/* A message, probe or report for two recipients, about two. */
static struct mhs_envelope *
make(struct arena *a, enum mhs_kind kind)
{
	struct mhs_envelope *env = mhs_envelope_new(a, kind);
	struct mhs_trace *t = mhs_trace_add(a, env);
	struct mhs_report *rep = env->report;

	env->id.domain = (struct mhs_domain){"XX", "ALPHA", NULL};
	env->id.local = "id-1";
	env->originator.ora = mhs_or_parse(a, "C=XX; A=ALPHA; S=Ray", NULL);
	env->content_type =
	    kind == MHS_REPORT ? MHS_CONTENT_NONE : MHS_CONTENT_P22;
	t->domain = env->id.domain;
	t->arrival = 1700000000;
	for (unsigned i = 0; i < (kind == MHS_REPORT ? 1u : 2u); i++)
		mhs_recipient_add(a, env)->name.ora =
		    mhs_or_parse(a, "C=XX; A=BRAVO; S=Joe", NULL);
	if (rep == NULL)
		return env;
	rep->subject = env->id;
	for (unsigned i = 0; i < 2; i++) {
		struct mhs_report_recipient *rr = arena_push(
		    a, &rep->recipients, &rep->n_recipients, sizeof(*rr));

		rr->number = (int32_t)i + 1;
		rr->type = MHS_NOT_DELIVERED;
		rr->diagnostic = rr->user_type = -1;
		rr->last_trace_arrival = 1700000000;
		rr->actual = env->recipients[0].name;
	}
	return env;
}

static void
add(struct arena *a, struct mhs_exts *x, int type, const char *oid,
    uint8_t criticality, const char *hex)
{
	struct mhs_ext *v = arena_push(a, &x->v, &x->n, sizeof(*v));
	struct buf b = {0};

	hex_append(&b, hex);
	*v = (struct mhs_ext){.type = type,
	    .oid = oid,
	    .criticality = criticality,
	    .value = arena_memdup(a, b.data, b.len),
	    .n = b.len};
	buf_free(&b);
}

/* The envelope that has that place, and its extensions there. */
static struct mhs_exts *
place(struct arena *a, char where, struct mhs_envelope **env)
{
	bool report = strchr("RCd", where) != NULL;

	*env = make(a,
	    report                            ? MHS_REPORT
		: strchr("pq", where) != NULL ? MHS_PROBE
					      : MHS_MESSAGE);
	switch (where) {
	case 'r':
	case 'q': return &(*env)->recipients[1].exts;
	case 'C': return &(*env)->report->exts;
	case 'd': return &(*env)->report->recipients[1].exts;
	default: return &(*env)->exts;
	}
}

static const char places[] = "mpRCrqd", of_reports[] = "RCd";

/* The verdict that such an extension in that place gets. */
static struct p1_verdict
judged(const char where, int type, const char *oid, uint8_t criticality,
    const char *hex, bool *other)
{
	struct arena *a = arena_new();
	struct p1_verdict v[2];
	struct mhs_envelope *env;
	struct mhs_exts *x = place(a, where, &env);
	size_t which = strchr("rq", where) != NULL ? 1 : 0;
	bool any;

	add(a, x, type, oid, criticality, hex);
	any = p1_judge(a, env, v);
	CU_ASSERT_EQUAL(any, v[which].text != NULL);
	if (other != NULL)
		*other = env->kind != MHS_REPORT && v[1 - which].text != NULL;
	arena_free(&a);
	return v[which];
}

#define ALL                                                \
	(MHS_CRITICAL_SUBMISSION | MHS_CRITICAL_TRANSFER | \
	    MHS_CRITICAL_DELIVERY)

static void
each_is_known_where_the_standard_has_it_and_nowhere_else(void)
{
	for (size_t i = 0; i < EXT_VECTORS; i++)
		for (const char *p = places; *p != '\0'; p++) {
			bool here = strchr(ext_vectors[i].where, *p) != NULL;
			struct p1_verdict v = judged(*p, ext_vectors[i].type,
			    NULL, ALL, ext_vectors[i].good, NULL);

			if (here != (v.text == NULL))
				printf("\n  %d at %c: %s", ext_vectors[i].type,
				    *p, v.text == NULL ? "known" : v.text);
			CU_ASSERT_EQUAL(here, v.text == NULL);
			if (here)
				continue;
			CU_ASSERT_EQUAL(v.reason, MHS_UNABLE_TO_TRANSFER);
			CU_ASSERT_EQUAL(
			    v.diagnostic, MHS_CRITICAL_FUNCTION_UNSUPPORTED);
		}
}

static void
unknown_ones_pass_unless_critical_for_transfer(void)
{
	static const struct {
		uint8_t criticality;
		bool good;
	} cases[] = {{0, true}, {MHS_CRITICAL_SUBMISSION, true},
	    {MHS_CRITICAL_DELIVERY, true}, {MHS_CRITICAL_TRANSFER, false},
	    {ALL, false}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (const char *p = places; *p != '\0'; p++) {
			struct p1_verdict number = judged(
			    *p, 99, NULL, cases[i].criticality, "05 00", NULL);
			struct p1_verdict oid = judged(*p, -1, "1.2.3",
			    cases[i].criticality, "05 00", NULL);

			CU_ASSERT_EQUAL(number.text == NULL, cases[i].good);
			CU_ASSERT_EQUAL(oid.text == NULL, cases[i].good);
		}
}

/* In its place it is an error; elsewhere nobody looks at it. */
static void
a_malformed_one_cannot_be_transferred(void)
{
	for (size_t i = 0; i < EXT_VECTORS; i++)
		for (const char *p = places; *p != '\0'; p++) {
			bool here = strchr(ext_vectors[i].where, *p) != NULL;
			struct p1_verdict v;

			if (ext_vectors[i].bad == NULL ||
			    strchr(of_reports, *p) != NULL)
				continue;
			v = judged(*p, ext_vectors[i].type, NULL, 0,
			    ext_vectors[i].bad, NULL);
			CU_ASSERT_EQUAL(here, v.text != NULL);
			CU_ASSERT(v.text == NULL ||
			    v.diagnostic == MHS_INVALID_ARGUMENTS ||
			    v.diagnostic == MHS_SIZE_CONSTRAINT_VIOLATION);
		}
}

/* Nobody would hear that it was thrown away. */
static void
a_report_goes_on_with_malformed_ones_unless_critical(void)
{
	unsigned tried = 0;

	for (size_t i = 0; i < EXT_VECTORS; i++)
		for (const char *p = of_reports; *p != '\0'; p++) {
			const struct ext_vector *x = &ext_vectors[i];

			if (x->bad == NULL || strchr(x->where, *p) == NULL)
				continue;
			tried++;
			CU_ASSERT_PTR_NULL(
			    judged(*p, x->type, NULL, 0, x->bad, NULL).text);
			CU_ASSERT_PTR_NULL(judged(*p, x->type, NULL,
			    MHS_CRITICAL_DELIVERY, x->bad, NULL)
					       .text);
			CU_ASSERT_EQUAL(judged(*p, x->type, NULL,
					    MHS_CRITICAL_TRANSFER, x->bad, NULL)
					    .reason,
			    MHS_UNABLE_TO_TRANSFER);
		}
	CU_ASSERT(tried > 10);
}

static void
bounds_have_their_own_diagnostic(void)
{
	CU_ASSERT_EQUAL(
	    judged('m', 20, NULL, 0, "31 04 02 02 01 01", NULL).diagnostic,
	    MHS_SIZE_CONSTRAINT_VIOLATION);
	CU_ASSERT_EQUAL(judged('m', 1, NULL, 0, "0a 01 02", NULL).diagnostic,
	    MHS_INVALID_ARGUMENTS);
}

static void
what_belongs_to_one_recipient_is_no_concern_of_another(void)
{
	bool other;

	CU_ASSERT_PTR_NOT_NULL(
	    judged('r', 99, NULL, ALL, "05 00", &other).text);
	CU_ASSERT(!other);
	CU_ASSERT_PTR_NOT_NULL(
	    judged('m', 99, NULL, ALL, "05 00", &other).text);
	CU_ASSERT(other);
}

static void
one_that_is_there_twice_is_a_protocol_violation(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *env = make(a, MHS_MESSAGE);
	struct p1_verdict v[2];

	add(a, &env->exts, 1, NULL, 0, "0a 01 01");
	add(a, &env->exts, -1, "1.2.3", 0, "0a 01 01");
	add(a, &env->exts, -1, "1.2.3", 0, "0a 01 01");
	CU_ASSERT(!p1_judge(a, env, v));
	add(a, &env->exts, 1, NULL, 0, "0a 01 00");
	CU_ASSERT(p1_judge(a, env, v));
	CU_ASSERT_EQUAL(v[0].diagnostic, MHS_PROTOCOL_VIOLATION);
	CU_ASSERT_EQUAL(v[1].diagnostic, MHS_PROTOCOL_VIOLATION);
	arena_free(&a);
}

static void
delivery_asks_what_the_deliverer_can_do(void)
{
	static const struct {
		char where;
		int type;
		uint8_t criticality;
		unsigned can;
		bool good;
	} cases[] = {
	    {'r', 7, MHS_CRITICAL_DELIVERY, 0, false},
	    {'r', 7, MHS_CRITICAL_DELIVERY, P1_CAN_PHYSICAL, true},
	    {'r', 7, 0, 0, true},
	    {'m', 20, MHS_CRITICAL_DELIVERY, 0, false},
	    {'m', 20, MHS_CRITICAL_DELIVERY, P1_CAN_SECURITY, true},
	    {'m', 20, MHS_CRITICAL_TRANSFER, 0, true},
	    {'r', 22, MHS_CRITICAL_DELIVERY, P1_CAN_SECURITY, false},
	    {'r', 22, MHS_CRITICAL_DELIVERY, P1_CAN_PROVE, true},
	    {'m', 1, MHS_CRITICAL_DELIVERY, 0, true},
	    {'m', 5, MHS_CRITICAL_DELIVERY, 0, true},
	    {'m', 99, MHS_CRITICAL_DELIVERY, ~0u, false},
	    {'m', 99, MHS_CRITICAL_TRANSFER, ~0u, true},
	    {'r', 5, MHS_CRITICAL_DELIVERY, ~0u, false},
	    {'q', 12, MHS_CRITICAL_DELIVERY, 0, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *a = arena_new();
		struct mhs_envelope *env;
		struct mhs_exts *x = place(a, cases[i].where, &env);
		struct p1_verdict v;
		const char *value = cases[i].type < 47
		    ? ext_vectors[cases[i].type - 1].good
		    : "05 00";

		add(a, x, cases[i].type, NULL, cases[i].criticality, value);
		CU_ASSERT_EQUAL(p1_judge_delivery(a, env, 1, cases[i].can, &v),
		    !cases[i].good);
		CU_ASSERT_EQUAL(v.text == NULL, cases[i].good);
		if (strchr("rq", cases[i].where) != NULL)
			CU_ASSERT(
			    !p1_judge_delivery(a, env, 0, cases[i].can, &v));
		arena_free(&a);
	}
}

/* --- what passes goes on bit for bit, in either dialect --- */

static void
write_all(const struct mhs_envelope *env, const struct p1_dialect *dialect,
    struct buf *out)
{
	struct buf tail = {0};

	CU_ASSERT_EQUAL(p1_apdu_write(env, 0, dialect, out, &tail, NULL), 0);
	buf_append(out, tail.data, tail.len);
	buf_free(&tail);
}

static bool
contains(const struct buf *b, const char *hex)
{
	struct buf want = {0};
	bool found = false;

	hex_append(&want, hex);
	for (size_t i = 0; i + want.len <= b->len && !found; i++)
		found = memcmp(b->data + i, want.data, want.len) == 0;
	buf_free(&want);
	return found;
}

static void
relay(const struct ext_vector *x, char where, uint8_t criticality)
{
	static const struct p1_dialect dialects[] = {{false}, {true}};
	static const struct p1_apdu_ops ops = {0};
	struct arena *a = arena_new();
	struct mhs_envelope *env;
	struct mhs_exts *exts = place(a, where, &env);
	struct buf out[2] = {{0}, {0}}, again = {0};
	char type[32];

	add(a, exts, x->type, NULL, criticality, x->good);
	/* the model has internal trace elsewhere, and makes it anew */
	if (x->type == P1_EXT_INTERNAL_TRACE)
		exts->v[exts->n - 1].criticality = 0;
	for (int i = 0; i < 2; i++)
		write_all(env, &dialects[i], &out[i]);
	for (int i = 0; i < 2; i++) {
		struct p1_apdu *s = p1_apdu_new(0, &ops, NULL);
		struct p1_verdict v[2];

		CU_ASSERT_EQUAL(
		    p1_apdu_feed(s, out[i].data, out[i].len, NULL), 0);
		CU_ASSERT_EQUAL(p1_apdu_end(s, NULL), 0);
		CU_ASSERT(!p1_judge(a, p1_apdu_envelope(s), v));
		for (int j = 0; j < 2; j++) {
			buf_clear(&again);
			write_all(p1_apdu_envelope(s), &dialects[j], &again);
			CU_ASSERT(again.len == out[j].len &&
			    memcmp(again.data, out[j].data, again.len) == 0);
		}
		p1_apdu_free(&s);
		CU_ASSERT(contains(&out[i], x->good));
		snprintf(type, sizeof(type),
		    i == 0 ? "80 01 %02x" : "a0 03 02 01 %02x",
		    (unsigned)x->type);
		CU_ASSERT(contains(&out[i], type));
	}
	for (int i = 0; i < 2; i++)
		buf_free(&out[i]);
	buf_free(&again);
	arena_free(&a);
}

static void
each_is_relayed_bit_for_bit_in_both_dialects(void)
{
	for (size_t i = 0; i < EXT_VECTORS; i++)
		for (const char *p = ext_vectors[i].where; *p != '\0'; p++)
			relay(&ext_vectors[i], *p, MHS_CRITICAL_TRANSFER);
}

static void
a_malformed_one_of_a_report_is_relayed_as_it_came(void)
{
	static const struct ext_vector x = {
	    .type = P1_EXT_REPORTING_DL_NAME, .where = "R", .good = "05 00"};

	relay(&x, 'C', 0);
	relay(&x, 'd', 0);
	relay(&x, 'R', 0);
}

void
suite_p1_judge(void)
{
	static CU_TestInfo tests[] = {
	    TEST(each_is_known_where_the_standard_has_it_and_nowhere_else),
	    TEST(unknown_ones_pass_unless_critical_for_transfer),
	    TEST(a_malformed_one_cannot_be_transferred),
	    TEST(a_report_goes_on_with_malformed_ones_unless_critical),
	    TEST(a_malformed_one_of_a_report_is_relayed_as_it_came),
	    TEST(bounds_have_their_own_diagnostic),
	    TEST(what_belongs_to_one_recipient_is_no_concern_of_another),
	    TEST(one_that_is_there_twice_is_a_protocol_violation),
	    TEST(delivery_asks_what_the_deliverer_can_do),
	    TEST(each_is_relayed_bit_for_bit_in_both_dialects),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("p1_judge", tests);
}
