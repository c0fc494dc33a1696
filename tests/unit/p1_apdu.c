#include "p1/apdu.h"

#include "p1/envelope_codec.h"
#include "p1/trace_codec.h"
#include "tests/unit/p1_vectors.h"

/* What a splitter said, and the APDU written again from it. */
struct run {
	struct p1_apdu *s;
	struct buf content, out;
	unsigned envelopes;
	int result;
	struct err err;
};

static int
on_envelope(void *arg, struct mhs_envelope *env, struct err *e)
{
	struct run *r = arg;

	(void)env;
	(void)e;
	r->envelopes++;
	return 0;
}

static int
on_content(void *arg, const uint8_t *p, size_t n, struct err *e)
{
	(void)e;
	buf_append(&((struct run *)arg)->content, p, n);
	return 0;
}

static const struct p1_apdu_ops ops = {on_envelope, on_content};

static void
run_split(struct run *r, const uint8_t *p, size_t n, size_t chunk, size_t max)
{
	*r = (struct run){.err = ERR_INIT};
	r->s = p1_apdu_new(max, &ops, r);
	for (size_t i = 0; i < n && r->result >= 0; i += chunk)
		r->result = p1_apdu_feed(
		    r->s, p + i, n - i < chunk ? n - i : chunk, &r->err);
	if (r->result >= 0)
		r->result = p1_apdu_end(r->s, &r->err);
}

static void
run_write(struct run *r)
{
	struct buf tail = {0};
	int w;

	w = p1_apdu_write(p1_apdu_envelope(r->s), r->content.len, NULL, &r->out,
	    &tail, &r->err);
	if (w < 0)
		printf("\n  %s", r->err.text);
	CU_ASSERT_EQUAL(w, 0);
	buf_append(&r->out, r->content.data, r->content.len);
	buf_append(&r->out, tail.data, tail.len);
	buf_free(&tail);
}

static void
run_free(struct run *r)
{
	p1_apdu_free(&r->s);
	buf_free(&r->content);
	buf_free(&r->out);
}

static const char *const vectors[] = {
    "p1-apdu-message",
    "p1-apdu-message-to-nobody",
    "p1-apdu-probe",
    "p1-apdu-report-non-delivery",
    "p1-apdu-report-on-probe",
    "p1-apdu-message-x410-mode",
    "p1-apdu-message-1984",
};
#define VECTORS (sizeof(vectors) / sizeof(vectors[0]))

/* The APDU itself, out of the EXTERNAL that may be around it, normalised. */
static struct buf
bare(const struct buf *in)
{
	struct ber_limits limits = {.max_depth = 100};
	struct buf flat = {0}, out = {0};
	struct ber_cursor c;
	struct ber_tlv t, inner;

	CU_ASSERT(ber_normalise(in->data, in->len, &limits, &flat, NULL) > 0);
	c = ber_cursor(flat.data, flat.len);
	CU_ASSERT_EQUAL(ber_next(&c, &t, NULL), 1);
	if (BER_IS(t.tag, BER_UNIVERSAL, BER_EXTERNAL)) {
		CU_ASSERT_EQUAL(ber_find(&t, BER_CONTEXT, 0, &inner, NULL), 1);
		c = ber_children(&inner);
		CU_ASSERT_EQUAL(ber_next(&c, &t, NULL), 1);
	}
	buf_append(&out, t.start, t.size);
	buf_free(&flat);
	return out;
}

/* per-recipient-indicators: the recorded MTA sends a ninth bit, of zero. */
static bool
nine_bits(const struct ber_tlv *t)
{
	return t->tag.cls == BER_CONTEXT && t->length == 3 &&
	    (t->tag.number == 1 || t->tag.number == 2) && t->value[0] == 7 &&
	    t->value[2] == 0;
}

/* The older encoding of an extension type: a0 03 02 01 nn. */
static bool
older_type(const struct ber_tlv *t)
{
	return BER_IS(t->tag, BER_CONTEXT, 0) && t->length == 3 &&
	    t->value[0] == 2 && t->value[1] == 1;
}

/* Rewrites the two things that we write in another way than we may read. */
static void
modernise(const struct ber_tlv *t, struct buf *out)
{
	struct ber_cursor c = ber_children(t);
	struct ber_tlv child;
	size_t from = out->len;

	if (!t->tag.constructed && nine_bits(t)) {
		const uint8_t bits[] = {0, t->value[1]};

		ber_put(out, BER_CONTEXT, t->tag.number, bits, 2);
		return;
	}
	if (t->tag.constructed && older_type(t)) {
		ber_put(out, BER_CONTEXT, 0, t->value + 2, 1);
		return;
	}
	if (!t->tag.constructed) {
		buf_append(out, t->start, t->size);
		return;
	}
	while (ber_next(&c, &child, NULL) == 1)
		modernise(&child, out);
	ber_wrap(out, from, (enum ber_class)t->tag.cls, t->tag.number);
}

static struct buf
expected(const char *name)
{
	struct buf in = vector(name), whole = bare(&in), out = {0};
	struct ber_cursor c = ber_cursor(whole.data, whole.len);
	struct ber_tlv t;

	CU_ASSERT_EQUAL(ber_next(&c, &t, NULL), 1);
	modernise(&t, &out);
	buf_free(&in);
	buf_free(&whole);
	return out;
}

static void
recorded_apdus_are_decoded_and_written_without_loss(void)
{
	for (size_t i = 0; i < VECTORS; i++) {
		struct buf in = vector(vectors[i]), want = expected(vectors[i]);
		struct run r;

		run_split(&r, in.data, in.len, in.len, 0);
		if (r.result < 0)
			printf("\n  %s: %s @%llu", vectors[i], r.err.text,
			    (unsigned long long)r.err.offset);
		CU_ASSERT_EQUAL_FATAL(r.result, 0);
		CU_ASSERT_EQUAL(r.envelopes, 1);
		run_write(&r);
		if (!same_element(want.data, want.len, r.out.data, r.out.len)) {
			printf("\n  %s", vectors[i]);
			CU_FAIL("not the same element");
		}
		run_free(&r);
		buf_free(&in);
		buf_free(&want);
	}
}

/* Our own output again: octet for octet the same. */
static void
written_apdus_are_a_fixed_point(void)
{
	for (size_t i = 0; i < VECTORS; i++) {
		struct buf in = vector(vectors[i]);
		struct run r, again;

		run_split(&r, in.data, in.len, in.len, 0);
		run_write(&r);
		run_split(&again, r.out.data, r.out.len, 7, 0);
		CU_ASSERT_EQUAL_FATAL(again.result, 0);
		run_write(&again);
		CU_ASSERT(again.out.len == r.out.len &&
		    memcmp(again.out.data, r.out.data, r.out.len) == 0);
		run_free(&r);
		run_free(&again);
		buf_free(&in);
	}
}

/* Packed and unpacked on the way, as the queue does it. */
static void
recorded_apdus_survive_the_queue(void)
{
	for (size_t i = 0; i < VECTORS; i++) {
		struct buf in = vector(vectors[i]), packed = {0};
		struct buf head = {0}, tail = {0};
		struct arena *a = arena_new();
		struct mhs_envelope *env;
		struct run r;

		run_split(&r, in.data, in.len, in.len, 0);
		run_write(&r);
		mhs_envelope_pack(p1_apdu_envelope(r.s), &packed);
		env = mhs_envelope_unpack(a, packed.data, packed.len, NULL);
		CU_ASSERT_PTR_NOT_NULL_FATAL(env);
		CU_ASSERT_EQUAL(
		    p1_apdu_write(env, r.content.len, NULL, &head, &tail, NULL),
		    0);
		buf_append(&head, r.content.data, r.content.len);
		buf_append(&head, tail.data, tail.len);
		CU_ASSERT(head.len == r.out.len &&
		    memcmp(head.data, r.out.data, head.len) == 0);
		buf_free(&head);
		buf_free(&tail);
		buf_free(&packed);
		buf_free(&in);
		run_free(&r);
		arena_free(&a);
	}
}

static void
fragments_of_any_size_give_the_same(void)
{
	static const size_t chunks[] = {1, 2, 3, 11, 128};

	for (size_t i = 0; i < VECTORS; i++) {
		struct buf in = vector(vectors[i]);
		struct run whole, parts;

		run_split(&whole, in.data, in.len, in.len, 0);
		run_write(&whole);
		for (size_t k = 0; k < 5; k++) {
			run_split(&parts, in.data, in.len, chunks[k], 0);
			CU_ASSERT_EQUAL_FATAL(parts.result, 0);
			run_write(&parts);
			CU_ASSERT(parts.out.len == whole.out.len &&
			    memcmp(parts.out.data, whole.out.data,
				whole.out.len) == 0);
			run_free(&parts);
		}
		run_free(&whole);
		buf_free(&in);
	}
}

static void
the_recorded_message_says_what_it_says(void)
{
	struct buf in = vector("p1-apdu-message");
	struct arena *a = arena_new();
	struct mhs_envelope *env;
	struct run r;

	run_split(&r, in.data, in.len, 1, 0);
	env = p1_apdu_envelope(r.s);
	CU_ASSERT_PTR_NOT_NULL_FATAL(env);
	CU_ASSERT_EQUAL(env->kind, MHS_MESSAGE);
	CU_ASSERT_STRING_EQUAL(env->id.domain.country, "GB");
	CU_ASSERT_STRING_EQUAL(env->id.domain.admd, "TEST");
	CU_ASSERT_STRING_EQUAL(env->id.domain.prmd, "PEER");
	CU_ASSERT_EQUAL(env->content_type, MHS_CONTENT_P22);
	CU_ASSERT_STRING_EQUAL(env->content_identifier, "Test P1 ext92");
	CU_ASSERT(env->alternate_recipient_allowed);
	CU_ASSERT(env->content_return_request);
	CU_ASSERT_FALSE(env->disclosure_of_other_recipients);
	CU_ASSERT(mhs_or_equal(env->originator.ora,
	    mhs_or_parse(a, "C=GB; A=TEST; P=PEER; O=PPA; S=pp", NULL)));
	CU_ASSERT_EQUAL(env->n_recipients, 1);
	CU_ASSERT_EQUAL(env->recipients[0].number, 1);
	CU_ASSERT(env->recipients[0].responsible);
	CU_ASSERT_EQUAL(env->recipients[0].originator_report, MHS_REPORT_NDR);
	CU_ASSERT_EQUAL(env->recipients[0].mta_report, MHS_REPORT_NDR);
	/* two domains' elements, two MTAs' */
	CU_ASSERT_EQUAL(env->n_trace, 4);
	CU_ASSERT_EQUAL(env->trace[0].arrival, 1795304308);
	CU_ASSERT(env->trace[2].internal);
	CU_ASSERT_STRING_EQUAL(env->trace[2].mta, "a.peer.test");
	/* the content correlator stays an extension */
	CU_ASSERT_EQUAL(env->exts.n, 1);
	CU_ASSERT_PTR_NOT_NULL(mhs_ext_find(&env->exts, 23));
	CU_ASSERT_EQUAL(r.content.data[0], 0xa0);
	run_free(&r);
	buf_free(&in);
	arena_free(&a);
}

static void
the_recorded_report_says_what_it_says(void)
{
	struct buf in = vector("p1-apdu-report-non-delivery");
	const struct mhs_report *rep;
	struct mhs_envelope *env;
	struct run r;

	run_split(&r, in.data, in.len, 5, 0);
	env = p1_apdu_envelope(r.s);
	CU_ASSERT_PTR_NOT_NULL_FATAL(env);
	CU_ASSERT_EQUAL(env->kind, MHS_REPORT);
	CU_ASSERT_EQUAL(env->n_recipients, 1);
	rep = env->report;
	CU_ASSERT(rep->content_returned);
	CU_ASSERT_EQUAL(r.content.len, 180);
	CU_ASSERT_STRING_EQUAL(rep->content_identifier, "NDR92");
	CU_ASSERT_EQUAL(rep->n_subject_trace, 3);
	CU_ASSERT_EQUAL(rep->n_recipients, 1);
	CU_ASSERT_EQUAL(rep->recipients[0].type, MHS_NOT_DELIVERED);
	CU_ASSERT_EQUAL(rep->recipients[0].reason, 1);
	CU_ASSERT_EQUAL(rep->recipients[0].diagnostic, 0);
	CU_ASSERT_STRING_EQUAL(
	    rep->recipients[0].supplementary, "Unknown local user 'nosuch92'");
	CU_ASSERT_EQUAL(rep->content_type, MHS_CONTENT_P22);
	run_free(&r);
	buf_free(&in);
}

/* --- unknown parts, by way of a message made here --- */

static struct mhs_envelope *
make(struct arena *a, enum mhs_kind kind)
{
	struct mhs_envelope *env = mhs_envelope_new(a, kind);
	struct mhs_recipient *rcpt = mhs_recipient_add(a, env);
	struct mhs_trace *t = mhs_trace_add(a, env);

	env->id.domain = (struct mhs_domain){"XX", "ALPHA", NULL};
	env->id.local = "id-1";
	env->originator.ora = mhs_or_parse(a, "C=XX; A=ALPHA; S=Ray", NULL);
	env->content_type = MHS_CONTENT_P22;
	rcpt->name.ora = mhs_or_parse(a, "C=XX; A=BRAVO; S=Joe", NULL);
	rcpt->number = 1;
	rcpt->responsible = true;
	rcpt->explicit_conversion = -1;
	t->domain = env->id.domain;
	t->arrival = 1700000000;
	return env;
}

static void
write_all(const struct mhs_envelope *env, const char *content, struct buf *out)
{
	struct buf tail = {0};
	struct err e = ERR_INIT;
	int r = p1_apdu_write(env, strlen(content), NULL, out, &tail, &e);

	if (r < 0)
		printf("\n  %s", e.text);
	CU_ASSERT_EQUAL(r, 0);
	buf_puts(out, content);
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

/* Extension fields at both levels: known, private, of a number that nobody
 * gave yet, in the older encoding of the type. */
static void
unknown_extensions_go_out_unchanged(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *env = make(a, MHS_MESSAGE);
	struct buf out = {0};
	struct run r;
	struct mhs_ext *x = arena_alloc(a, 3 * sizeof(*x));
	const uint8_t octets[] = {0x04, 0x02, 0xca, 0xfe};
	const uint8_t high[] = {0x0a, 0x01, 0x01};

	x[0] = (struct mhs_ext){99, NULL, MHS_CRITICAL_TRANSFER, octets, 4};
	x[1] = (struct mhs_ext){-1, "1.3.26.0.4406.0.8.0", 0, high, 3};
	x[2] = (struct mhs_ext){4, NULL, 0, NULL, 0};
	env->exts = (struct mhs_exts){x, 3};
	env->recipients[0].exts = (struct mhs_exts){x, 2};
	write_all(env, "hello", &out);
	run_split(&r, out.data, out.len, out.len, 0);
	CU_ASSERT_EQUAL_FATAL(r.result, 0);
	run_write(&r);
	CU_ASSERT(
	    r.out.len == out.len && memcmp(r.out.data, out.data, out.len) == 0);
	CU_ASSERT(
	    contains(&out, "30 0d 80 01 63 81 02 06 40 a2 04 04 02 ca fe"));
	CU_ASSERT(contains(
	    &out, "30 0f 83 08 2b 1a 00 a2 36 00 08 00 a2 03 0a 01 01"));
	CU_ASSERT(contains(&out, "30 03 80 01 04"));
	run_free(&r);
	buf_free(&out);
	arena_free(&a);
}

static void
replace(struct buf *b, const char *from, const char *to)
{
	struct buf x = {0}, y = {0};

	hex_append(&x, from);
	hex_append(&y, to);
	CU_ASSERT_EQUAL_FATAL(x.len, y.len);
	for (size_t i = 0; i + x.len <= b->len; i++)
		if (memcmp(b->data + i, x.data, x.len) == 0)
			memcpy(b->data + i, y.data, y.len);
	buf_free(&x);
	buf_free(&y);
}

static void
the_older_encoding_of_an_extension_type_is_accepted(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *env = make(a, MHS_MESSAGE);
	const uint8_t octets[] = {0x04, 0x04, 1, 2, 3, 4};
	struct mhs_ext x[] = {{23, NULL, 0, octets, 6}};
	const struct mhs_ext *back;
	struct buf out = {0};
	struct run r;

	env->exts = (struct mhs_exts){x, 1};
	write_all(env, "hello", &out);
	/* 80 01 17 with four octets of value, a0 03 02 01 17 with two */
	replace(&out, "30 0b 80 01 17 a2 06 04 04 01 02 03 04",
	    "30 0b a0 03 02 01 17 a2 04 04 02 01 02");
	run_split(&r, out.data, out.len, 1, 0);
	CU_ASSERT_EQUAL_FATAL(r.result, 0);
	back = mhs_ext_find(&p1_apdu_envelope(r.s)->exts, 23);
	CU_ASSERT_PTR_NOT_NULL_FATAL(back);
	CU_ASSERT_EQUAL(back->n, 4);
	run_write(&r);
	CU_ASSERT(contains(&r.out, "30 09 80 01 17 a2 04 04 02 01 02"));
	run_free(&r);
	buf_free(&out);
	arena_free(&a);
}

static void
unknown_fields_go_out_unchanged_and_in_order(void)
{
	static const uint8_t field[] = {0x87, 0x02, 0xab, 0xcd};
	struct arena *a = arena_new();
	struct mhs_envelope *env = make(a, MHS_MESSAGE);
	struct mhs_ext x[] = {{P1_EXT_FIELD, NULL, 0, field, 4}};
	struct buf out = {0};
	struct run r;

	env->exts = env->recipients[0].exts = (struct mhs_exts){x, 1};
	write_all(env, "hello", &out);
	run_split(&r, out.data, out.len, out.len, 0);
	CU_ASSERT_EQUAL_FATAL(r.result, 0);
	CU_ASSERT_EQUAL(p1_apdu_envelope(r.s)->exts.n, 1);
	CU_ASSERT_EQUAL(p1_apdu_envelope(r.s)->recipients[0].exts.n, 1);
	run_write(&r);
	CU_ASSERT(
	    r.out.len == out.len && memcmp(r.out.data, out.data, out.len) == 0);
	run_free(&r);
	buf_free(&out);
	arena_free(&a);
}

/* A second originally-specified-recipient-number, in the place of an unknown
 * field. */
static void
a_field_that_is_there_twice_is_refused(void)
{
	static const uint8_t field[] = {0x80, 0x01, 0x02};
	struct arena *a = arena_new();
	struct mhs_envelope *env = make(a, MHS_MESSAGE);
	struct mhs_ext x[] = {{P1_EXT_FIELD, NULL, 0, field, 3}};
	struct buf out = {0};
	struct run r;

	env->recipients[0].exts = (struct mhs_exts){x, 1};
	write_all(env, "hello", &out);
	run_split(&r, out.data, out.len, out.len, 0);
	CU_ASSERT_EQUAL(r.result, ERR_SYNTAX);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.err.text, "twice"));
	run_free(&r);
	buf_free(&out);
	arena_free(&a);
}

/* Every field that the model has. */
static void
a_full_envelope_survives(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *env = make(a, MHS_MESSAGE), *back;
	static const uint8_t eits[] = {0x65, 0x04, 0x80, 0x02, 0x05, 0x20};
	static const uint8_t one[] = {0x30, 0x02, 0x05, 0x00};
	const uint8_t *bilateral[] = {one};
	size_t bilateral_n[] = {sizeof(one)};
	struct mhs_recipient *rcpt;
	struct mhs_trace *t;
	struct buf out = {0};
	struct run r;

	env->content_type = MHS_CONTENT_EXTERNAL;
	env->content_oid = "1.2.840.1";
	env->original_eits = eits;
	env->original_eits_n = sizeof(eits);
	env->content_identifier = "some id";
	env->priority = MHS_URGENT;
	env->disclosure_of_other_recipients = true;
	env->bit6_service = true;
	env->deferred_delivery = 1800000000;
	env->bilateral = bilateral;
	env->bilateral_n = bilateral_n;
	env->n_bilateral = 1;
	t = mhs_trace_add(a, env);
	t->domain = (struct mhs_domain){"234", "5", "6"};
	t->arrival = 1700000100;
	t->action = MHS_REROUTED;
	t->deferred = 1700000200;
	t->attempted = (struct mhs_domain){"XX", " ", NULL};
	t->other_actions = 3;
	t->converted_eits = eits;
	t->converted_eits_n = sizeof(eits);
	t = mhs_trace_add(a, env);
	t->internal = true;
	t->domain = env->id.domain;
	t->mta = "alpha";
	t->arrival = 1700000300;
	t->attempted_mta = "bravo";
	rcpt = mhs_recipient_add(a, env);
	rcpt->name.ora = mhs_or_parse(a, "C=XX; A=BRAVO; S=Zoe", NULL);
	rcpt->number = 7;
	rcpt->explicit_conversion = 8;
	rcpt->mta_report = MHS_REPORT_DR;
	rcpt->audit = true;
	rcpt->originator_report = MHS_REPORT_DR;
	write_all(env, "hello", &out);
	run_split(&r, out.data, out.len, 3, 0);
	CU_ASSERT_EQUAL_FATAL(r.result, 0);
	back = p1_apdu_envelope(r.s);
	CU_ASSERT_STRING_EQUAL(back->content_oid, "1.2.840.1");
	CU_ASSERT_EQUAL(back->priority, MHS_URGENT);
	CU_ASSERT(back->disclosure_of_other_recipients);
	CU_ASSERT(back->bit6_service);
	CU_ASSERT_EQUAL(back->deferred_delivery, 1800000000);
	CU_ASSERT_EQUAL(back->n_bilateral, 1);
	CU_ASSERT_EQUAL(back->n_trace, 3);
	CU_ASSERT_EQUAL(back->trace[1].action, MHS_REROUTED);
	CU_ASSERT_EQUAL(back->trace[1].other_actions, 3);
	CU_ASSERT_STRING_EQUAL(back->trace[1].attempted.admd, " ");
	CU_ASSERT_STRING_EQUAL(back->trace[2].attempted_mta, "bravo");
	CU_ASSERT(back->recipients[1].audit);
	CU_ASSERT_EQUAL(back->recipients[1].originator_report, MHS_REPORT_DR);
	CU_ASSERT_EQUAL(back->recipients[1].explicit_conversion, 8);
	CU_ASSERT_EQUAL(back->recipients[0].explicit_conversion, -1);
	run_write(&r);
	CU_ASSERT(
	    r.out.len == out.len && memcmp(r.out.data, out.data, out.len) == 0);
	run_free(&r);
	buf_free(&out);
	arena_free(&a);
}

/* --- bad input --- */

static void
a_cut_apdu_is_not_complete(void)
{
	struct buf in = vector("p1-apdu-message");

	for (size_t n = 0; n < in.len; n++) {
		struct run r;

		run_split(&r, in.data, n, n > 0 ? n : 1, 0);
		CU_ASSERT(r.result < 0);
		run_free(&r);
	}
	buf_free(&in);
}

static void
no_changed_octet_crashes(void)
{
	static const uint8_t values[] = {0x00, 0x80, 0xff, 0x30, 0x24, 0x1f};

	for (size_t v = 0; v < VECTORS; v++) {
		struct buf in = vector(vectors[v]);

		for (size_t i = 0; i < in.len; i++)
			for (size_t k = 0; k < sizeof(values); k++) {
				uint8_t was = in.data[i];
				struct run r;

				in.data[i] = values[k];
				run_split(&r, in.data, in.len, in.len, 0);
				if (r.result >= 0)
					run_write(&r);
				run_free(&r);
				in.data[i] = was;
			}
		buf_free(&in);
	}
}

static void
an_envelope_over_the_limit_is_refused_while_it_comes(void)
{
	struct buf in = vector("p1-apdu-message");
	struct run r;

	run_split(&r, in.data, in.len, 1, 200);
	CU_ASSERT_EQUAL(r.result, ERR_LIMIT);
	CU_ASSERT(r.err.offset < 300);
	run_free(&r);
	buf_free(&in);
}

/* A message whose envelope is `deep` elements, one in the other, in all. */
static void
nest(struct buf *b, unsigned deep)
{
	for (unsigned i = 0; i + 1 < deep; i++)
		ber_wrap(b, 0, BER_UNIVERSAL, BER_SET);
	ber_wrap(b, 0, BER_CONTEXT, 0);
}

/* Whole and in single octets, bare and in an EXTERNAL: what is at the limit
 * fails for what it is, the one below it for its depth, with its octet. */
static void
nesting_is_limited_as_configured(void)
{
	static const struct p1_apdu_ops none;
	static const unsigned limits[] = {0, 16, 64, 120};

	for (size_t i = 0; i < 4 * 2 * 2 * 2; i++) {
		unsigned limit = limits[i / 8];
		unsigned most = limit != 0 ? limit : P1_APDU_DEPTH;
		bool over = (i & 1) != 0, wrapped = (i & 2) != 0;
		struct p1_apdu *s = p1_apdu_new(0, &none, NULL);
		struct err e = ERR_INIT;
		struct buf b = {0};
		int r = 0;

		nest(&b, most + over);
		if (wrapped) {
			ber_wrap(&b, 0, BER_CONTEXT, 0);
			ber_wrap(&b, 0, BER_UNIVERSAL, BER_EXTERNAL);
		}
		p1_apdu_limit_depth(s, limit);
		if ((i & 4) != 0)
			r = p1_apdu_feed(s, b.data, b.len, &e);
		for (size_t at = 0; (i & 4) == 0 && r >= 0 && at < b.len; at++)
			r = p1_apdu_feed(s, b.data + at, 1, &e);
		CU_ASSERT_EQUAL(r == ERR_LIMIT, over);
		CU_ASSERT_EQUAL(
		    strstr(e.text, "nested deeper than") != NULL, over);
		if (over)
			CU_ASSERT_EQUAL(
			    e.offset, b.len); /* behind its header */
		p1_apdu_free(&s);
		buf_free(&b);
	}
}

/* The envelope is there, and what is wrong is told with its octet: also behind
 * it, of a report, and not of one that comes after it. */
static void
an_envelope_that_is_too_deep_is_read_all_the_same(void)
{
	static const struct p1_apdu_ops none;
	static const unsigned limits[] = {16, 17, 18, 40};
	struct buf in = vector("p1-apdu-message");

	for (size_t i = 0; i < 4; i++) {
		struct p1_apdu *s = p1_apdu_new(0, &none, NULL);
		struct buf b = {0}, deep = {0};
		struct ber_cursor c;
		struct ber_tlv apdu, env, content;
		struct err e = ERR_INIT;
		bool over = limits[i] < 18;

		b = bare(&in);
		c = ber_cursor(b.data, b.len);
		CU_ASSERT_EQUAL(ber_next(&c, &apdu, NULL), 1);
		c = ber_children(&apdu);
		CU_ASSERT_EQUAL(ber_next(&c, &env, NULL), 1);
		CU_ASSERT_EQUAL(ber_next(&c, &content, NULL), 1);
		/* an unknown field of 16 elements: with APDU and SET, 18 */
		ber_put(&deep, BER_CONTEXT, 90, "", 0);
		for (unsigned k = 0; k < 15; k++)
			ber_wrap(&deep, 0, BER_CONTEXT, 90);
		buf_append(&deep, env.value, env.length);
		ber_wrap(&deep, 0, BER_UNIVERSAL, BER_SET);
		buf_append(&deep, content.start, content.size);
		ber_wrap(&deep, 0, BER_CONTEXT, 0);
		p1_apdu_limit_depth(s, limits[i]);
		CU_ASSERT_EQUAL(p1_apdu_feed(s, deep.data, deep.len, &e), 0);
		CU_ASSERT_EQUAL(p1_apdu_end(s, &e), 0);
		CU_ASSERT_PTR_NOT_NULL(p1_apdu_envelope(s));
		CU_ASSERT_EQUAL(p1_apdu_over(s) != NULL, over);
		if (over) {
			CU_ASSERT_PTR_NOT_NULL(strstr(
			    p1_apdu_over(s)->text, "nested deeper than"));
			CU_ASSERT(p1_apdu_over(s)->offset > 20 &&
			    p1_apdu_over(s)->offset < 80);
		}
		p1_apdu_reset(s);
		CU_ASSERT_PTR_NULL(p1_apdu_over(s));
		p1_apdu_free(&s);
		buf_free(&b);
		buf_free(&deep);
	}
	buf_free(&in);
}

static void
what_is_no_apdu_is_refused(void)
{
	static const char *const bad[] = {
	    "04 01 00",
	    "a3 00",
	    "80 01 00",
	    "a0 00",
	    "a0 02 31 00",
	    "a0 04 31 00 04 00",
	    "a0 03 04 01 00",
	    "a1 02 31 00",
	    "a1 04 31 00 31 00",
	    "a2 00",
	    "28 80 02 01 05 a0 80 04 00 00 00 00 00",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf b = {0};
		struct run r;

		hex_append(&b, bad[i]);
		run_split(&r, b.data, b.len, b.len, 0);
		CU_ASSERT(r.result < 0);
		run_free(&r);
		run_split(&r, b.data, b.len, 1, 0);
		CU_ASSERT(r.result < 0);
		run_free(&r);
		buf_free(&b);
	}
}

static void
a_megabyte_of_content_is_never_held(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *env = make(a, MHS_MESSAGE);
	struct buf head = {0}, tail = {0};
	uint64_t n = 1 << 20, received = 0;
	struct run r;

	CU_ASSERT_EQUAL(p1_apdu_write(env, n, NULL, &head, &tail, NULL), 0);
	CU_ASSERT_EQUAL(tail.len, 0);
	run_split(&r, head.data, head.len, head.len, 0);
	r.result = 0;
	for (uint64_t i = 0; i < n && r.result >= 0; i += 4096) {
		uint8_t zeros[4096] = {0};

		r.result = p1_apdu_feed(r.s, zeros, sizeof(zeros), &r.err);
		CU_ASSERT_EQUAL(r.content.len, 4096);
		received += r.content.len;
		buf_clear(&r.content);
	}
	CU_ASSERT_EQUAL(p1_apdu_end(r.s, &r.err), 0);
	CU_ASSERT_EQUAL(received, n);
	run_free(&r);
	buf_free(&head);
	buf_free(&tail);
	arena_free(&a);
}

void
suite_p1_apdu(void)
{
	static CU_TestInfo tests[] = {
	    TEST(recorded_apdus_are_decoded_and_written_without_loss),
	    TEST(written_apdus_are_a_fixed_point),
	    TEST(recorded_apdus_survive_the_queue),
	    TEST(fragments_of_any_size_give_the_same),
	    TEST(the_recorded_message_says_what_it_says),
	    TEST(the_recorded_report_says_what_it_says),
	    TEST(unknown_extensions_go_out_unchanged),
	    TEST(the_older_encoding_of_an_extension_type_is_accepted),
	    TEST(unknown_fields_go_out_unchanged_and_in_order),
	    TEST(a_field_that_is_there_twice_is_refused),
	    TEST(a_full_envelope_survives),
	    TEST(a_cut_apdu_is_not_complete),
	    TEST(no_changed_octet_crashes),
	    TEST(an_envelope_over_the_limit_is_refused_while_it_comes),
	    TEST(nesting_is_limited_as_configured),
	    TEST(an_envelope_that_is_too_deep_is_read_all_the_same),
	    TEST(what_is_no_apdu_is_refused),
	    TEST(a_megabyte_of_content_is_never_held),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("p1_apdu", tests);
}
