/* Envelopes with everything in them, made by chance: what is written is read,
 * survives the queue's packed form, and is written again bit for bit. */
#include "p1/envelope_codec.h"

#include "p1/apdu.h"
#include "p1/ext.h"
#include "p1/judge.h"
#include "p1/print.h"
#include "p1/trace.h"
#include "tests/unit/p1_ext_vectors.h"
#include "tests/unit/p1_vectors.h"

#define ROUNDS 200

/* The same numbers every time (xorshift). */
struct chance {
	uint64_t x;
	struct arena *a;
};

static unsigned
below(struct chance *c, unsigned n)
{
	c->x ^= c->x << 13;
	c->x ^= c->x >> 7;
	c->x ^= c->x << 17;
	return (unsigned)(c->x >> 20) % n;
}

static bool
maybe(struct chance *c)
{
	return below(c, 2) == 1;
}

static int64_t
moment(struct chance *c)
{
	return 1000000000 + (int64_t)below(c, 1000000000);
}

static const char *
word(struct chance *c)
{
	return arena_printf(c->a, "w%u", below(c, 1000));
}

static struct mhs_domain
domain(struct chance *c)
{
	static const struct mhs_domain domains[] = {{"XX", "ALPHA", NULL},
	    {"XX", " ", "P"}, {"234", "5", "6"}, {"YY", "BRAVO", "GATE"}};

	return domains[below(c, 4)];
}

static struct mhs_name
name(struct chance *c)
{
	static const char *const forms[] = {"/S=%s/ADMD=A/C=XX/",
	    "/CN=%s/O=o/PRMD=p/ADMD= /C=YY/", "/DD.x=%s/OU1=u/O=o/ADMD=A/C=XX/",
	    "/PD-STREET=%s/PD-SERVICE=s/ADMD=A/C=XX/"};
	static const uint8_t dn[] = {0x30, 0x00};
	struct mhs_or *ora;
	struct buf b = {0};

	/* one %s in each: built by hand, for formats are literals */
	for (const char *p = forms[below(c, 4)]; *p != '\0'; p++)
		if (*p == '%')
			buf_puts(&b, word(c)), p++;
		else
			buf_putc(&b, (uint8_t)*p);
	ora = mhs_or_parse(c->a, buf_cstr(&b), NULL);
	buf_free(&b);
	if (below(c, 4) == 0) {
		ora->directory_name = dn;
		ora->directory_name_n = sizeof(dn);
	}
	return (struct mhs_name){.ora = ora};
}

static void
octets(struct chance *c, const uint8_t **p, size_t *n, const char *hex)
{
	struct buf b = {0};

	hex_append(&b, hex);
	*p = arena_memdup(c->a, b.data, b.len);
	*n = b.len;
	buf_free(&b);
}

static void
eits(struct chance *c, const uint8_t **p, size_t *n)
{
	static const char *const forms[] = {"65 04 80 02 05 20",
	    "65 0b 80 02 05 20 a4 05 06 03 2a 03 04",
	    "65 07 80 02 05 20 81 01 00"};

	if (maybe(c))
		octets(c, p, n, forms[below(c, 3)]);
}

static void
add_ext(struct chance *c, struct mhs_exts *x, int type, const char *oid,
    const char *hex)
{
	struct mhs_ext *v = arena_push(c->a, &x->v, &x->n, sizeof(*v));

	*v = (struct mhs_ext){
	    .type = type, .oid = oid, .criticality = (uint8_t)below(c, 8)};
	octets(c, &v->value, &v->n, hex);
}

/* Any of those that belong there, private and unknown ones, and a field that
 * nobody knows. */
static struct mhs_exts
exts(struct chance *c, char where)
{
	struct mhs_exts x = {0};

	for (size_t i = 0; i < EXT_VECTORS; i++)
		if (strchr(ext_vectors[i].where, where) != NULL &&
		    ext_vectors[i].type != P1_EXT_INTERNAL_TRACE &&
		    below(c, 3) == 0)
			add_ext(c, &x, ext_vectors[i].type, NULL,
			    ext_vectors[i].good);
	if (maybe(c))
		add_ext(c, &x, -1, "1.3.26.0.4406.0.8.0", "0a 01 01");
	if (maybe(c))
		add_ext(c, &x, -1, arena_printf(c->a, "1.2.%u", below(c, 9)),
		    "30 03 02 01 05");
	if (maybe(c))
		add_ext(c, &x, 100 + (int)below(c, 50), NULL, "04 02 ca fe");
	if (below(c, 4) == 0) {
		struct mhs_ext *v = arena_push(c->a, &x.v, &x.n, sizeof(*v));

		*v = (struct mhs_ext){.type = -2};
		octets(c, &v->value, &v->n, "9f 20 01 55");
	}
	return x;
}

static void
trace(struct chance *c, struct mhs_trace *t, bool internal)
{
	*t = (struct mhs_trace){.internal = internal,
	    .domain = domain(c),
	    .mta = internal ? word(c) : NULL,
	    .arrival = moment(c),
	    .action = (enum mhs_action)below(c, 2),
	    .deferred = maybe(c) ? moment(c) : 0,
	    .other_actions = (uint8_t)below(c, 4)};
	if (maybe(c))
		t->attempted = domain(c);
	else if (internal && maybe(c))
		t->attempted_mta = word(c);
	eits(c, &t->converted_eits, &t->converted_eits_n);
}

static void
add_recipient(struct chance *c, struct mhs_envelope *env)
{
	struct mhs_recipient *r = mhs_recipient_add(c->a, env);

	r->name = name(c);
	r->number = 1 + (int32_t)below(c, 32767);
	r->responsible = maybe(c);
	r->originator_report = (enum mhs_report_request)below(c, 3);
	r->audit = below(c, 4) == 0;
	r->mta_report = r->audit ? MHS_REPORT_DR
				 : (enum mhs_report_request)(1 + below(c, 2));
	r->explicit_conversion = maybe(c) ? (int32_t)below(c, 18) : -1;
	r->exts = exts(c, env->kind == MHS_PROBE ? 'q' : 'r');
}

static void
content_type(struct chance *c, enum mhs_content *type, const char **oid)
{
	static const enum mhs_content types[] = {MHS_CONTENT_UNIDENTIFIED,
	    MHS_CONTENT_P2, MHS_CONTENT_P22, MHS_CONTENT_EDI, MHS_CONTENT_P772,
	    MHS_CONTENT_EXTERNAL,
	    (enum mhs_content)(MHS_CONTENT_BUILTIN + 772)};

	*type = types[below(c, 7)];
	if (*type == MHS_CONTENT_EXTERNAL)
		*oid = "1.2.840.7";
	if (*type == MHS_CONTENT_P772)
		*oid = MHS_OID_P772;
}

static void
bilateral(struct chance *c, struct mhs_envelope *env)
{
	size_t n = 0;

	for (unsigned i = below(c, 3); i > 0; i--) {
		const uint8_t **p = arena_push(
		    c->a, &env->bilateral, &env->n_bilateral, sizeof(*p));
		size_t *size =
		    arena_push(c->a, &env->bilateral_n, &n, sizeof(*size));

		octets(
		    c, p, size, "30 0d 61 04 13 02 58 58 62 03 13 01 41 05 00");
	}
}

static void
message(struct chance *c, struct mhs_envelope *env)
{
	env->originator = name(c);
	content_type(c, &env->content_type, &env->content_oid);
	eits(c, &env->original_eits, &env->original_eits_n);
	env->content_identifier = maybe(c) ? word(c) : NULL;
	env->disclosure_of_other_recipients = maybe(c);
	env->implicit_conversion_prohibited = maybe(c);
	env->alternate_recipient_allowed = maybe(c);
	env->content_return_request = maybe(c);
	env->reserved_bit = maybe(c);
	env->bit5_notification = maybe(c);
	env->bit6_service = maybe(c);
	env->bit7_service_message = maybe(c);
	bilateral(c, env);
	if (env->kind == MHS_PROBE) {
		env->content_length_absent = maybe(c);
		env->content_length =
		    env->content_length_absent ? 0 : below(c, 100000);
		return;
	}
	env->priority = (enum mhs_priority)below(c, 3);
	env->deferred_delivery = maybe(c) ? moment(c) : 0;
}

static void
reported(struct chance *c, struct mhs_report *rep)
{
	struct mhs_report_recipient *rr =
	    arena_push(c->a, &rep->recipients, &rep->n_recipients, sizeof(*rr));

	rr->actual = name(c);
	if (maybe(c))
		rr->intended = name(c);
	rr->number = 1 + (int32_t)below(c, 32767);
	rr->type = (enum mhs_report_type)below(c, 2);
	rr->indicators = (uint8_t)(1 + below(c, 31)) << 3 & 0xff;
	rr->last_trace_arrival = moment(c);
	rr->user_type = rr->diagnostic = -1;
	if (rr->type == MHS_DELIVERED) {
		rr->delivery_time = moment(c);
		rr->user_type = (int32_t)below(c, 8) - 1;
	} else {
		rr->reason = (int32_t)below(c, 9);
		rr->diagnostic = (int32_t)below(c, 80) - 1;
	}
	rr->supplementary = maybe(c) ? word(c) : NULL;
	eits(c, &rr->converted_eits, &rr->converted_eits_n);
	rr->exts = exts(c, 'd');
}

static void
report(struct chance *c, struct mhs_envelope *env)
{
	struct mhs_report *rep = env->report;

	rep->subject.domain = domain(c);
	rep->subject.local = word(c);
	rep->content_identifier = maybe(c) ? word(c) : NULL;
	for (unsigned i = below(c, 3); i > 0; i--)
		trace(c,
		    arena_push(c->a, &rep->subject_trace, &rep->n_subject_trace,
			sizeof(*rep->subject_trace)),
		    false);
	if (maybe(c))
		content_type(c, &rep->content_type, &rep->content_oid);
	eits(c, &rep->original_eits, &rep->original_eits_n);
	rep->content_returned = maybe(c);
	rep->exts = exts(c, 'C');
	if (maybe(c)) { /* additional-information */
		struct mhs_ext *v =
		    arena_push(c->a, &rep->exts.v, &rep->exts.n, sizeof(*v));

		*v = (struct mhs_ext){.type = -2};
		octets(c, &v->value, &v->n, "a2 02 05 00");
	}
	for (unsigned i = 1 + below(c, 3); i > 0; i--)
		reported(c, rep);
}

static struct mhs_envelope *
generate(struct chance *c, enum mhs_kind kind)
{
	struct mhs_envelope *env = mhs_envelope_new(c->a, kind);

	env->id.domain = domain(c);
	env->id.local = word(c);
	for (unsigned i = 1 + below(c, 3); i > 0; i--)
		trace(c, mhs_trace_add(c->a, env), false);
	for (unsigned i = below(c, 3); i > 0; i--)
		trace(c, mhs_trace_add(c->a, env), true);
	env->exts = exts(c, "mpR"[kind]);
	if (kind == MHS_REPORT) {
		mhs_recipient_add(c->a, env)->name = name(c);
		report(c, env);
		return env;
	}
	message(c, env);
	for (unsigned i = 1 + below(c, 3); i > 0; i--)
		add_recipient(c, env);
	return env;
}

/* --- the way through --- */

static struct buf
written(const struct mhs_envelope *env, const struct p1_dialect *dialect)
{
	bool none = env->kind == MHS_PROBE ||
	    (env->kind == MHS_REPORT && !env->report->content_returned);
	struct buf out = {0}, tail = {0};
	struct err e = ERR_INIT;
	int r = p1_apdu_write(env, none ? 0 : 5, dialect, &out, &tail, &e);

	if (r < 0)
		printf("\n  %s", e.text);
	CU_ASSERT_EQUAL(r, 0);
	if (!none)
		buf_puts(&out, "hello");
	buf_append(&out, tail.data, tail.len);
	buf_free(&tail);
	return out;
}

static struct mhs_envelope *
read_and_queued(struct arena *a, const struct buf *in)
{
	static const struct p1_apdu_ops ops = {0};
	struct p1_apdu *s = p1_apdu_new(0, &ops, NULL);
	struct mhs_envelope *env = NULL;
	struct buf packed = {0};
	struct err e = ERR_INIT;

	if (p1_apdu_feed(s, in->data, in->len, &e) < 0 ||
	    p1_apdu_end(s, &e) < 0) {
		printf("\n  %s", e.text);
	} else {
		mhs_envelope_pack(p1_apdu_envelope(s), &packed);
		env = mhs_envelope_unpack(a, packed.data, packed.len, &e);
	}
	buf_free(&packed);
	p1_apdu_free(&s);
	return env;
}

static void
round_trip(uint64_t seed, enum mhs_kind kind, bool old)
{
	struct p1_dialect dialect = {old};
	struct chance c = {seed, arena_new()};
	struct buf once = written(generate(&c, kind), &dialect), twice = {0};
	struct mhs_envelope *env = read_and_queued(c.a, &once);

	CU_ASSERT_PTR_NOT_NULL_FATAL(env);
	twice = written(env, &dialect);
	if (once.len != twice.len ||
	    memcmp(once.data, twice.data, once.len) != 0)
		printf("\n  %s %llu", mhs_kind_name(kind),
		    (unsigned long long)seed);
	CU_ASSERT(once.len == twice.len &&
	    memcmp(once.data, twice.data, once.len) == 0);
	buf_free(&once);
	buf_free(&twice);
	arena_free(&c.a);
}

static void
any_envelope_passes_the_queue_bit_for_bit(void)
{
	for (uint64_t i = 1; i <= ROUNDS; i++)
		for (int kind = MHS_MESSAGE; kind <= MHS_REPORT; kind++)
			round_trip(i * 0x9e3779b97f4a7c15u, (enum mhs_kind)kind,
			    i % 2 == 0);
}

/* That it says all is left to the tests of its parts; that it names all
 * extensions, here. */
static void
everything_has_a_name_when_it_is_shown(void)
{
	for (uint64_t i = 1; i <= ROUNDS; i++) {
		struct chance c = {i * 0x9e3779b97f4a7c15u, arena_new()};
		struct mhs_envelope *env = generate(&c, (enum mhs_kind)(i % 3));
		struct buf apdu = written(env, NULL), out = {0};
		struct p1_printed what = {0};

		CU_ASSERT_EQUAL(
		    p1_print(c.a, apdu.data, apdu.len, &out, &what, NULL), 0);
		for (size_t j = 0; j < env->exts.n; j++) {
			const char *x = p1_ext_name(env->exts.v[j].type);

			CU_ASSERT(
			    x == NULL || strstr(buf_cstr(&out), x) != NULL);
		}
		CU_ASSERT_PTR_NULL(strstr(buf_cstr(&out), "not as X.411"));
		buf_free(&apdu);
		buf_free(&out);
		arena_free(&c.a);
	}
}

/* The independent MTA's messages are as the standard says. */
static void
recorded_envelopes_have_nothing_held_against_them(void)
{
	static const char *const names[] = {"p1-apdu-message",
	    "p1-apdu-message-to-nobody", "p1-apdu-probe",
	    "p1-apdu-report-non-delivery", "p1-apdu-report-on-probe",
	    "p1-apdu-message-x410-mode", "p1-apdu-message-1984"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct arena *a = arena_new();
		struct buf in = vector(names[i]);
		struct mhs_envelope *env = read_and_queued(a, &in);
		struct p1_verdict *v;

		CU_ASSERT_PTR_NOT_NULL_FATAL(env);
		v = arena_alloc(a, env->n_recipients * sizeof(*v));
		CU_ASSERT(!p1_judge(a, env, v));
		CU_ASSERT(!p1_judge_delivery(a, env, 0, 0, v));
		buf_free(&in);
		arena_free(&a);
	}
}

/* It is judged, not refused as an APDU. */
static void
a_malformed_internal_trace_leaves_the_envelope_readable(void)
{
	struct chance c = {1, arena_new()};
	struct mhs_envelope *env = generate(&c, MHS_MESSAGE);
	struct p1_verdict v[4];
	struct buf out;
	size_t external = 0;

	for (size_t i = 0; i < env->n_trace; i++)
		if (!env->trace[i].internal)
			env->trace[external++] = env->trace[i];
	env->n_trace = external;
	env->exts = (struct mhs_exts){0};
	add_ext(&c, &env->exts, P1_EXT_INTERNAL_TRACE, NULL, "30 02 30 00");
	env->exts.v[0].criticality = 0;
	out = written(env, NULL);
	env = read_and_queued(c.a, &out);
	CU_ASSERT_PTR_NOT_NULL_FATAL(env);
	CU_ASSERT_EQUAL(env->n_trace, external);
	CU_ASSERT_EQUAL(env->exts.n, 1);
	CU_ASSERT(p1_judge(c.a, env, v));
	CU_ASSERT_EQUAL(v[0].diagnostic, MHS_INVALID_ARGUMENTS);
	buf_free(&out);
	arena_free(&c.a);
}

static void
a_second_internal_trace_is_a_protocol_violation(void)
{
	struct chance c = {1, arena_new()};
	struct mhs_envelope *env = generate(&c, MHS_MESSAGE);
	struct p1_verdict v[4];
	struct buf out;

	trace(&c, mhs_trace_add(c.a, env), true);
	env->exts = (struct mhs_exts){0};
	add_ext(&c, &env->exts, P1_EXT_INTERNAL_TRACE, NULL,
	    ext_vectors[P1_EXT_INTERNAL_TRACE - 1].good);
	out = written(env, NULL);
	env = read_and_queued(c.a, &out);
	CU_ASSERT_PTR_NOT_NULL_FATAL(env);
	CU_ASSERT(p1_judge(c.a, env, v));
	CU_ASSERT_EQUAL(v[0].diagnostic, MHS_PROTOCOL_VIOLATION);
	buf_free(&out);
	arena_free(&c.a);
}

/* --- bounds --- */

static struct mhs_envelope *
plain(struct arena *a, unsigned recipients)
{
	struct mhs_envelope *env = mhs_envelope_new(a, MHS_MESSAGE);
	struct mhs_trace *t = mhs_trace_add(a, env);

	env->id = (struct mhs_mts_id){{"XX", "ALPHA", NULL}, "m1"};
	env->originator.ora = mhs_or_parse(a, "C=XX; A=ALPHA; S=Ray", NULL);
	env->content_type = MHS_CONTENT_P22;
	t->domain = env->id.domain;
	t->arrival = 1700000000;
	for (unsigned i = 0; i < recipients; i++) {
		struct mhs_recipient *r = mhs_recipient_add(a, env);

		r->name = env->originator;
		r->number = (int32_t)i + 1;
		r->responsible = true;
	}
	return env;
}

static int
reads(const struct mhs_envelope *env, bool lenient, struct err *e)
{
	static const struct p1_apdu_ops none;
	struct p1_apdu *s = p1_apdu_new(0, &none, NULL);
	struct buf head = {0}, tail = {0};
	int r;

	err_clear(e);
	p1_apdu_set_lenient(s, lenient);
	CU_ASSERT_EQUAL(p1_apdu_write(env, 0, NULL, &head, &tail, e), 0);
	r = p1_apdu_feed(s, head.data, head.len, e);
	if (r >= 0)
		r = p1_apdu_end(s, e);
	p1_apdu_free(&s);
	buf_free(&head);
	buf_free(&tail);
	return r;
}

static void
recipient_numbers_are_from_one_on_and_distinct(void)
{
	static const struct {
		int32_t numbers[3];
		bool expanded;
		const char *says; /* NULL: it is good */
	} t[] = {
	    {{1, 2, 32767}, false, NULL},
	    {{0, 2, 3}, false, "recipient-number: 0 is out of range"},
	    {{1, 2, -1}, false, "recipient-number: -1 is out of range"},
	    {{1, 2, 1}, false, "recipient-number 1 is there twice"},
	    {{7, 8, 8}, false, "recipient-number 8 is there twice"},
	    {{7, 8, 8}, true, NULL},
	};

	for (size_t i = 0; i < 2 * sizeof(t) / sizeof(*t); i++) {
		struct arena *a = arena_new();
		struct mhs_envelope *env = plain(a, 3);
		struct err e = ERR_INIT;

		for (unsigned k = 0; k < 3; k++)
			env->recipients[k].number = t[i / 2].numbers[k];
		if (t[i / 2].expanded)
			env->trace[0].other_actions = P1_TRACE_DL_OPERATION;
		CU_ASSERT_EQUAL(reads(env, i % 2 == 1, &e),
		    t[i / 2].says != NULL ? ERR_SYNTAX : 0);
		if (t[i / 2].says != NULL) {
			CU_ASSERT_PTR_NOT_NULL(strstr(e.text, t[i / 2].says));
			CU_ASSERT(e.offset > 40 && e.offset < 200);
		}
		arena_free(&a);
	}
}

/* One character more is for those whom we are lenient with. */
static void
names_and_local_identifiers_have_their_bounds(void)
{
	static const char text[] =
	    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklm";
	static const struct {
		size_t local, admd, prmd, trace;
		int strict, lenient;
	} t[] = {
	    {32, 16, 16, 16, 0, 0},
	    {0, 5, 5, 5, ERR_SYNTAX, ERR_SYNTAX},
	    {33, 5, 5, 5, ERR_SYNTAX, 0},
	    {64, 5, 5, 5, ERR_SYNTAX, 0},
	    {65, 5, 5, 5, ERR_SYNTAX, ERR_SYNTAX},
	    {5, 17, 5, 5, ERR_SYNTAX, 0},
	    {5, 5, 17, 5, ERR_SYNTAX, 0},
	    {5, 5, 5, 17, ERR_SYNTAX, 0},
	    {5, 5, 5, 65, ERR_SYNTAX, ERR_SYNTAX},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct arena *a = arena_new();
		struct mhs_envelope *env = plain(a, 1);
		struct err e = ERR_INIT;

		env->id.local = arena_strndup(a, text, t[i].local);
		env->id.domain.admd = arena_strndup(a, text, t[i].admd);
		env->id.domain.prmd = arena_strndup(a, text, t[i].prmd);
		env->trace[0].domain.admd = arena_strndup(a, text, t[i].trace);
		CU_ASSERT_EQUAL(reads(env, true, &e), t[i].lenient);
		CU_ASSERT_EQUAL(reads(env, false, &e), t[i].strict);
		if (t[i].strict != 0)
			CU_ASSERT(e.offset > 0 && e.offset < 200);
		arena_free(&a);
	}
}

void
suite_p1_envelope(void)
{
	static CU_TestInfo tests[] = {
	    TEST(any_envelope_passes_the_queue_bit_for_bit),
	    TEST(everything_has_a_name_when_it_is_shown),
	    TEST(recorded_envelopes_have_nothing_held_against_them),
	    TEST(a_malformed_internal_trace_leaves_the_envelope_readable),
	    TEST(recipient_numbers_are_from_one_on_and_distinct),
	    TEST(names_and_local_identifiers_have_their_bounds),
	    TEST(a_second_internal_trace_is_a_protocol_violation),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("p1_envelope", tests);
}
