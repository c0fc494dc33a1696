#include "mhs/envelope.h"

#include <stdio.h>
#include <string.h>

#include "mhs/fields.h"
#include "tests/unit/unit.h"

/* Gives every field a value of its own, by the tables; that these have every
 * field of the structs is checked before. */
struct filler {
	struct arena *a;
	int next;
};

static void fill(struct filler *f, const struct mhs_record *r, uint8_t *base);

static void
fill_number(struct filler *f, const struct mhs_field *x, uint8_t *at)
{
	int v = ++f->next;

	switch (x->kind) {
	case MHS_FIELD_BOOL: *(bool *)at = true; break;
	case MHS_FIELD_U8: *at = (uint8_t)(v % 255 + 1); break;
	case MHS_FIELD_CHAR: *at = 'F'; break;
	case MHS_FIELD_ENUM: *(int *)at = x->max < 1000 ? x->max : 22; break;
	case MHS_FIELD_I32: *(int32_t *)at = v % 2 ? v : -v; break;
	case MHS_FIELD_I64: *(int64_t *)at = 1000000000 + v; break;
	case MHS_FIELD_ID:
	case MHS_FIELD_U64: *(uint64_t *)at = 1ULL << 40 | (unsigned)v; break;
	}
}

static void
fill_field(struct filler *f, const struct mhs_field *x, uint8_t *base)
{
	uint8_t *at = base + x->offset;
	const char *text = arena_printf(f->a, "%s-%d", x->name, ++f->next);
	size_t n = 0;

	switch (x->kind) {
	case MHS_FIELD_TEXT: *(const char **)at = text; break;
	case MHS_FIELD_OCTETS:
		*(const char **)at = text;
		*(size_t *)(base + x->count) = strlen(text);
		break;
	case MHS_FIELD_OCTETS_LIST:
		for (int i = 0; i < 2; i++) {
			const char **v;
			size_t *size, m = n;

			v = arena_push(f->a, at, &n, sizeof(*v));
			size = arena_push(
			    f->a, base + x->sizes, &m, sizeof(*size));
			*v = text + i;
			*size = strlen(text) - (size_t)i;
		}
		*(size_t *)(base + x->count) = n;
		break;
	case MHS_FIELD_STRUCT: fill(f, x->sub, at); break;
	case MHS_FIELD_POINTER:
		*(void **)at = arena_alloc(f->a, x->sub->size);
		fill(f, x->sub, *(void **)at);
		break;
	case MHS_FIELD_LIST:
		for (int i = 0; i < 2; i++)
			fill(f, x->sub,
			    arena_push(f->a, at, (size_t *)(base + x->count),
				x->sub->size));
		break;
	default: fill_number(f, x, at); break;
	}
}

static void
fill(struct filler *f, const struct mhs_record *r, uint8_t *base)
{
	for (size_t i = 0; i < r->n; i++)
		fill_field(f, &r->fields[i], base);
}

static struct mhs_envelope *
filled(struct arena *a)
{
	struct mhs_envelope *env = ARENA_NEW(a, struct mhs_envelope);
	struct filler f = {.a = a};

	fill(&f, &mhs_envelope_record, (uint8_t *)env);
	return env;
}

/* --- the tables --- */

static void
mark(bool *seen, size_t offset, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		CU_ASSERT(!seen[offset + i]); /* no two fields overlap */
		seen[offset + i] = true;
	}
}

/* A gap that no field covers can only be padding: shorter than the alignment
 * of what follows, and before an aligned member. */
static void
check_cover(const struct mhs_record *r)
{
	bool seen[1024] = {false};
	size_t gap = 0;

	CU_ASSERT_FATAL(r->size <= sizeof(seen));
	for (size_t i = 0; i < r->n; i++) {
		const struct mhs_field *f = &r->fields[i];

		mark(seen, f->offset, f->size);
		if (f->count != 0)
			mark(seen, f->count, sizeof(size_t));
		if (f->sizes != 0)
			mark(seen, f->sizes, sizeof(size_t *));
		for (size_t j = 0; j < i; j++)
			CU_ASSERT(r->fields[j].tag != f->tag);
		if (f->sub != NULL)
			check_cover(f->sub);
	}
	for (size_t i = 0; i < r->size; i++) {
		if (!seen[i]) {
			gap++;
			continue;
		}
		if (gap >= 4)
			CU_ASSERT(gap < 8 && i % 8 == 0);
		gap = 0;
	}
	CU_ASSERT(gap < 8);
}

static void
the_tables_cover_every_octet_of_the_structs(void)
{
	check_cover(&mhs_envelope_record);
}

/* --- packing --- */

static void
every_field_survives_packing(void)
{
	struct arena *a = arena_new(), *b = arena_new();
	struct buf packed = {0}, again = {0}, text = {0}, text2 = {0};
	struct mhs_envelope *env = filled(a), *back;
	struct err e = ERR_INIT;

	mhs_envelope_pack(env, &packed);
	mhs_envelope_print(env, &text);
	arena_free(&a); /* the result shares nothing with it */
	back = mhs_envelope_unpack(b, packed.data, packed.len, &e);
	CU_ASSERT_PTR_NOT_NULL_FATAL(back);
	mhs_envelope_pack(back, &again);
	mhs_envelope_print(back, &text2);
	CU_ASSERT_EQUAL(packed.len, again.len);
	CU_ASSERT(packed.len == again.len &&
	    memcmp(packed.data, again.data, packed.len) == 0);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&text), buf_cstr(&text2));
	/* and by hand: one of each kind */
	CU_ASSERT_EQUAL(back->kind, MHS_REPORT);
	CU_ASSERT_EQUAL(back->priority, MHS_URGENT);
	CU_ASSERT_EQUAL(back->n_recipients, 2);
	CU_ASSERT_EQUAL(back->n_bilateral, 2);
	CU_ASSERT(back->smtputf8 && back->bit6_service);
	CU_ASSERT(back->parent >> 40 == 1);
	CU_ASSERT(back->report->recipients[1].relayed);
	CU_ASSERT_EQUAL(back->report->recipients[1].intended.ora->n_attrs, 2);
	CU_ASSERT(strncmp(back->recipients[1].peer, "peer-", 5) == 0);
	buf_free(&packed);
	buf_free(&again);
	buf_free(&text);
	buf_free(&text2);
	arena_free(&b);
}

static void
every_number_and_flag_changes_the_packed_form(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *env = filled(a);
	struct buf packed = {0}, other = {0};

	mhs_envelope_pack(env, &packed);
#define CHANGES(member, value)                                         \
	do {                                                           \
		__typeof__(env->member) was = env->member;             \
		env->member = (value);                                 \
		buf_clear(&other);                                     \
		mhs_envelope_pack(env, &other);                        \
		CU_ASSERT(packed.len != other.len ||                   \
		    memcmp(packed.data, other.data, packed.len) != 0); \
		env->member = was;                                     \
	} while (0)
	CHANGES(kind, MHS_PROBE);
	CHANGES(id.domain.country, "x");
	CHANGES(id.domain.admd, NULL);
	CHANGES(id.domain.prmd, "");
	CHANGES(id.local, "x");
	CHANGES(originator.ora, NULL);
	CHANGES(originator.mailbox, "");
	CHANGES(content_type, MHS_CONTENT_NONE);
	CHANGES(content_oid, NULL);
	CHANGES(original_eits_n, 1);
	CHANGES(content_identifier, NULL);
	CHANGES(priority, MHS_NON_URGENT);
	CHANGES(disclosure_of_other_recipients, false);
	CHANGES(implicit_conversion_prohibited, false);
	CHANGES(alternate_recipient_allowed, false);
	CHANGES(content_return_request, false);
	CHANGES(reserved_bit, false);
	CHANGES(bit5_notification, false);
	CHANGES(bit6_service, false);
	CHANGES(deferred_delivery, -1);
	CHANGES(n_bilateral, 1);
	CHANGES(content_length, UINT64_MAX);
	CHANGES(n_trace, 1);
	CHANGES(trace[0].internal, false);
	CHANGES(trace[0].action, MHS_RELAYED);
	CHANGES(trace[0].attempted.admd, NULL);
	CHANGES(exts.n, 1);
	CHANGES(exts.v[1].criticality, 0);
	CHANGES(exts.v[1].type, -1);
	CHANGES(n_recipients, 1);
	CHANGES(recipients[0].responsible, false);
	CHANGES(recipients[0].originator_report, MHS_REPORT_NONE);
	CHANGES(recipients[0].mta_report, MHS_REPORT_NDR);
	CHANGES(recipients[0].explicit_conversion, -1);
	CHANGES(recipients[0].notify, 0);
	CHANGES(report, NULL);
	CHANGES(report->subject.local, NULL);
	CHANGES(report->recipients[0].diagnostic, -1);
	CHANGES(report->recipients[0].relayed, false);
	CHANGES(report->content_returned, false);
	CHANGES(ret, 'H');
	CHANGES(body_8bitmime, false);
	CHANGES(smtputf8, false);
	CHANGES(envid, NULL);
	CHANGES(source_peer, NULL);
	CHANGES(source_channel, NULL);
	CHANGES(arrival, 1);
	CHANGES(parent, 0);
#undef CHANGES
	buf_free(&packed);
	buf_free(&other);
	arena_free(&a);
}

static void
an_empty_envelope_survives_too(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *env = mhs_envelope_new(a, MHS_MESSAGE), *back;
	struct buf packed = {0};

	env->originator.mailbox = "";
	mhs_envelope_pack(env, &packed);
	back = mhs_envelope_unpack(a, packed.data, packed.len, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(back);
	CU_ASSERT_EQUAL(back->content_type, MHS_CONTENT_NONE);
	CU_ASSERT_STRING_EQUAL(back->originator.mailbox, "");
	CU_ASSERT_PTR_NULL(back->originator.ora);
	CU_ASSERT_PTR_NULL(back->report);
	CU_ASSERT_PTR_NULL(back->envid);
	CU_ASSERT_PTR_NULL(back->original_eits);
	buf_free(&packed);
	arena_free(&a);
}

static void
octets_after_the_end_and_unknown_fields_are_skipped(void)
{
	/* version 1, body: kind=1 (zigzag 2), field 99 "xyz", envid "e" */
	static const uint8_t in[] = {'M', 'E', 1, 11, 1, 1, 2, 99, 3, 'x', 'y',
	    'z', 23, 1, 'e', 0xff, 0xff};
	struct arena *a = arena_new();
	struct mhs_envelope *env = mhs_envelope_unpack(a, in, sizeof(in), NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(env);
	CU_ASSERT_EQUAL(env->kind, MHS_PROBE);
	CU_ASSERT_STRING_EQUAL(env->envid, "e");
	arena_free(&a);
}

static void
what_is_broken_is_refused_at_its_octet(void)
{
	static const struct {
		const char *in;
		size_t n;
		int code;
		uint64_t offset;
	} rows[] = {
	    {"", 0, ERR_SYNTAX, 0},
	    {"ME", 2, ERR_SYNTAX, 0},
	    {"XE\x01\x00", 4, ERR_SYNTAX, 0},
	    {"ME\x02\x00", 4, ERR_UNSUPPORTED, 2},
	    {"ME\x01", 3, ERR_SYNTAX, 3},
	    {"ME\x01\x80", 4, ERR_SYNTAX, 3},
	    {"ME\x01\x01", 4, ERR_SYNTAX, 4},
	    {"ME\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 13, ERR_SYNTAX,
		3},
	    {"ME\x01\x02\x17\x01", 6, ERR_SYNTAX, 4},
	    {"ME\x01\x03\x17\x01\x00", 7, ERR_SYNTAX, 6},
	    /* a kind of 3, a bool of 2, a number with octets behind */
	    {"ME\x01\x03\x01\x01\x06", 7, ERR_SYNTAX, 6},
	    {"ME\x01\x03\x09\x01\x02", 7, ERR_SYNTAX, 6},
	    {"ME\x01\x04\x09\x02\x01\x01", 8, ERR_SYNTAX, 7},
	    {"ME\x01\x02\x09\x00", 6, ERR_SYNTAX, 6},
	    /* a field of a recipient runs out of it */
	    {"ME\x01\x06\x15\x02\x0a\x02xx", 10, ERR_SYNTAX, 6},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		struct err e = ERR_INIT;

		CU_ASSERT_PTR_NULL(mhs_envelope_unpack(
		    a, (const uint8_t *)rows[i].in, rows[i].n, &e));
		if (e.code != rows[i].code || e.offset != rows[i].offset)
			printf("\nrow %zu: %s at %llu", i, e.text,
			    (unsigned long long)e.offset);
		CU_ASSERT_EQUAL(e.code, rows[i].code);
		CU_ASSERT_EQUAL(e.offset, rows[i].offset);
		arena_free(&a);
	}
}

static void
lists_beyond_their_limit_are_refused(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *env = mhs_envelope_new(a, MHS_MESSAGE);
	struct buf packed = {0};
	struct err e = ERR_INIT;

	for (int i = 0; i < MHS_TRACE_MAX; i++)
		mhs_trace_add(a, env);
	mhs_envelope_pack(env, &packed);
	CU_ASSERT_PTR_NOT_NULL(
	    mhs_envelope_unpack(a, packed.data, packed.len, &e));
	mhs_trace_add(a, env);
	buf_clear(&packed);
	mhs_envelope_pack(env, &packed);
	CU_ASSERT_PTR_NULL(mhs_envelope_unpack(a, packed.data, packed.len, &e));
	CU_ASSERT_EQUAL(e.code, ERR_LIMIT);
	/* a copy of what is in memory is no input */
	CU_ASSERT_EQUAL(mhs_envelope_dup(a, env)->n_trace, MHS_TRACE_MAX + 1);
	buf_free(&packed);
	arena_free(&a);
}

/* Every octet of a full envelope altered, every length cut: never a crash
 * (the sanitizers watch), and what is accepted can be printed and packed. */
static void
corrupted_octets_never_do_harm(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *env = filled(a);
	struct buf packed = {0};
	size_t accepted = 0;

	mhs_envelope_pack(env, &packed);
	for (size_t i = 0; i < packed.len; i++) {
		struct arena *b = arena_new();
		uint8_t was = packed.data[i];
		struct buf out = {0};

		packed.data[i] ^= (uint8_t)(1u << i % 8);
		env = mhs_envelope_unpack(b, packed.data, packed.len, NULL);
		if (env != NULL) {
			mhs_envelope_print(env, &out);
			mhs_envelope_pack(env, &out);
			accepted++;
		}
		packed.data[i] = was;
		CU_ASSERT_PTR_NULL(
		    mhs_envelope_unpack(b, packed.data, i, NULL));
		buf_free(&out);
		arena_free(&b);
	}
	CU_ASSERT(accepted > 0);
	buf_free(&packed);
	arena_free(&a);
}

/* --- the rest --- */

static void
a_new_envelope_has_the_standards_defaults(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *env = mhs_envelope_new(a, MHS_REPORT);
	struct mhs_recipient *r;

	CU_ASSERT_EQUAL(env->content_type, MHS_CONTENT_NONE);
	CU_ASSERT_EQUAL(env->priority, MHS_NORMAL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(env->report);
	CU_ASSERT_EQUAL(env->report->content_type, MHS_CONTENT_NONE);
	for (int i = 1; i <= 100; i++) {
		r = mhs_recipient_add(a, env);
		CU_ASSERT_EQUAL(r->number, i);
		CU_ASSERT_EQUAL(r->explicit_conversion, -1);
		CU_ASSERT(r->responsible);
	}
	CU_ASSERT_EQUAL(env->n_recipients, 100);
	CU_ASSERT_EQUAL(env->recipients[41].number, 42);
	CU_ASSERT_PTR_NULL(mhs_envelope_new(a, MHS_MESSAGE)->report);
	arena_free(&a);
}

static void
identifiers_and_names_have_a_text(void)
{
	struct arena *a = arena_new();
	struct mhs_mts_id id = {{"XX", "a/b", "p=q"}, "local 1"};
	struct mhs_mts_id bare = {{"XX", " ", NULL}, NULL};
	struct mhs_name n = {0};

	CU_ASSERT_STRING_EQUAL(
	    mhs_mts_id_text(a, &id), "/PRMD=p$=q/ADMD=a$/b/C=XX/;local 1");
	CU_ASSERT_STRING_EQUAL(mhs_mts_id_text(a, &bare), "/ADMD= /C=XX/;");
	CU_ASSERT_STRING_EQUAL(mhs_name_text(a, &n), "");
	n.ora = mhs_or_parse(a, "S=Ray; A=x; C=us", NULL);
	CU_ASSERT_STRING_EQUAL(mhs_name_text(a, &n), "/S=Ray/ADMD=x/C=us/");
	n.mailbox = "";
	CU_ASSERT_STRING_EQUAL(mhs_name_text(a, &n), "<>");
	n.mailbox = "joe@a.example";
	CU_ASSERT_STRING_EQUAL(mhs_name_text(a, &n), "joe@a.example");
	CU_ASSERT_STRING_EQUAL(mhs_content_name(MHS_CONTENT_P772), "P772");
	CU_ASSERT_STRING_EQUAL(mhs_content_name(99), "unknown");
	arena_free(&a);
}

static void
an_extension_is_found_by_its_type(void)
{
	struct mhs_ext v[] = {{.type = 5}, {.type = -1, .oid = "1.2.3"}};
	struct mhs_exts x = {v, 2};

	CU_ASSERT_PTR_EQUAL(mhs_ext_find(&x, 5), &v[0]);
	CU_ASSERT_PTR_NULL(mhs_ext_find(&x, 6));
}

static void
the_printed_form_is_a_line_for_each_attribute(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *env = mhs_envelope_new(a, MHS_MESSAGE);
	struct mhs_recipient *r;
	struct buf out = {0};

	env->content_type = MHS_CONTENT_P22;
	env->id = (struct mhs_mts_id){{"XX", "ICAO", "EU"}, "id1"};
	env->originator.mailbox = "a@b.example";
	env->originator.ora = mhs_or_parse(a, "S=Ray; A=x; C=us", NULL);
	env->arrival = 1795305132;
	env->envid = "one\ntwo";
	r = mhs_recipient_add(a, env);
	r->name.mailbox = "c@d.example";
	r->notify = MHS_NOTIFY_SUCCESS | MHS_NOTIFY_FAILURE;
	r->responsible = false;
	mhs_envelope_print(env, &out);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&out),
	    "kind: message\n"
	    "mts-identifier: /PRMD=EU/ADMD=ICAO/C=XX/;id1\n"
	    "originator: a@b.example (/S=Ray/ADMD=x/C=us/)\n"
	    "content-type: P22\n"
	    "priority: normal\n"
	    "recipient 1:\n"
	    "  name: c@d.example\n"
	    "  number: 1\n"
	    "  originator-report: non-delivery-report\n"
	    "  mta-report: non-delivery-report\n"
	    "  notify: success,failure\n"
	    "envid: one\\x0atwo\n"
	    "arrival: 2026-11-21T23:52:12Z\n");
	buf_free(&out);
	arena_free(&a);
}

static void
why_it_failed_is_shown_of_those_that_failed(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *env = mhs_envelope_new(a, MHS_REPORT);
	struct mhs_report_recipient v[2] = {
	    {.type = MHS_DELIVERED, .delivery_time = 1795305132},
	    {.type = MHS_NOT_DELIVERED, .reason = 0, .diagnostic = 0}};
	struct buf out = {0};
	const char *text, *second;

	env->report = ARENA_NEW(a, struct mhs_report);
	env->report->recipients = v;
	env->report->n_recipients = 2;
	mhs_envelope_print(env, &out);
	text = buf_cstr(&out);
	second = strstr(text, "reported-recipient 2");
	CU_ASSERT_PTR_NOT_NULL_FATAL(second);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "delivery-time"));
	CU_ASSERT_PTR_EQUAL(
	    strstr(text, "reason: transfer-failure"), strstr(second, "reason"));
	CU_ASSERT_PTR_NOT_NULL(strstr(second, "reason: transfer-failure"));
	CU_ASSERT_PTR_EQUAL(
	    strstr(text, "diagnostic:"), strstr(second, "diagnostic:"));
	buf_free(&out);
	arena_free(&a);
}

static void
domains_are_compared_as_names(void)
{
	static const struct {
		struct mhs_domain x, y;
		bool equal;
	} cases[] = {
	    {{"XX", "A", "P"}, {"xx", "a", "p"}, true},
	    {{"XX", " ", NULL}, {"XX", "", ""}, true},
	    {{"XX", " A ", NULL}, {"XX", "A", NULL}, true},
	    {{"XX", "A", "P"}, {"XX", "A", NULL}, false},
	    {{"XX", "A", NULL}, {"YY", "A", NULL}, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CU_ASSERT_EQUAL(
		    mhs_domain_equal(&cases[i].x, &cases[i].y), cases[i].equal);
}

void
suite_mhs_envelope(void)
{
	static CU_TestInfo tests[] = {
	    TEST(the_tables_cover_every_octet_of_the_structs),
	    TEST(every_field_survives_packing),
	    TEST(every_number_and_flag_changes_the_packed_form),
	    TEST(an_empty_envelope_survives_too),
	    TEST(octets_after_the_end_and_unknown_fields_are_skipped),
	    TEST(what_is_broken_is_refused_at_its_octet),
	    TEST(lists_beyond_their_limit_are_refused),
	    TEST(corrupted_octets_never_do_harm),
	    TEST(a_new_envelope_has_the_standards_defaults),
	    TEST(identifiers_and_names_have_a_text),
	    TEST(why_it_failed_is_shown_of_those_that_failed),
	    TEST(domains_are_compared_as_names),
	    TEST(an_extension_is_found_by_its_type),
	    TEST(the_printed_form_is_a_line_for_each_attribute),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("mhs_envelope", tests);
}
