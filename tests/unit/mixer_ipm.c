#include "mixer/ipm.h"

#include "mixer/ipm_print.h"
#include "tests/unit/mixer_fixture.h"
#include "tests/unit/unit.h"
#include "tests/unit/vectors.h"

/* The P22 content inside the recorded P1 message: an OCTET STRING of 201
 * octets that begins with [0] of indefinite length. */
static void
captured_p22(struct buf *out)
{
	static const uint8_t mark[] = {0x04, 0x81, 0xc9, 0xa0, 0x80};
	struct buf all = {0};
	const uint8_t *p;

	vector_load("p1-88-message", "initiator", &all);
	p = memmem(all.data, all.len, mark, sizeof(mark));
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	buf_append(out, p + 3, 201);
	buf_free(&all);
}

static void
captured_content_decodes_to_what_was_sent(void)
{
	struct ipm_object o;
	struct fixture f;
	struct buf b = {0};

	fixture_open(&f);
	captured_p22(&b);
	CU_ASSERT_EQUAL_FATAL(ipm_decode(f.a, b.data, b.len, &o, &f.e), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(o.ipm);
	CU_ASSERT_STRING_EQUAL(mixer_ps_decode(f.a, o.ipm->this_ipm.relative),
	    "\"29247 Sat Nov 21 23:38:38 2026\"@a.peer.test");
	CU_ASSERT_STRING_EQUAL(
	    mhs_or_slash(f.a, o.ipm->originator->formal_name),
	    "/S=pp/O=PPA/PRMD=PEER/ADMD=TEST/C=GB/");
	CU_ASSERT_EQUAL(o.ipm->primary.n, 1);
	CU_ASSERT_EQUAL(o.ipm->importance, 1);
	CU_ASSERT_STRING_EQUAL(
	    mixer_t61_decode(f.a, o.ipm->subject.p, o.ipm->subject.n),
	    "Test P1 ext92");
	CU_ASSERT_EQUAL_FATAL(o.ipm->n_parts, 1);
	CU_ASSERT_EQUAL(o.ipm->parts[0].type, IPM_IA5_TEXT);
	CU_ASSERT_EQUAL(o.ipm->parts[0].data.n, 27);
	buf_free(&b);
	fixture_close(&f);
}

static void
captured_content_encodes_to_the_same_octets(void)
{
	static const struct ber_limits limits = {
	    .max_size = 10000, .max_depth = 50};
	struct buf b = {0}, normal = {0}, again = {0};
	struct ipm_object o;
	struct fixture f;

	fixture_open(&f);
	captured_p22(&b);
	CU_ASSERT_EQUAL(
	    ber_normalise(b.data, b.len, &limits, &normal, NULL), 201);
	CU_ASSERT_EQUAL_FATAL(ipm_decode(f.a, b.data, b.len, &o, &f.e), 0);
	CU_ASSERT_EQUAL_FATAL(ipm_encode(f.a, &o, &again, &f.e), 0);
	CU_ASSERT_EQUAL_FATAL(again.len, normal.len);
	CU_ASSERT(memcmp(again.data, normal.data, again.len) == 0);
	buf_free(&b);
	buf_free(&normal);
	buf_free(&again);
	fixture_close(&f);
}

/* Heading with every field; unknown extension and body part among them. */
static const char full[] =
    "a0 82 01 0e 31 81 d0"
    "  6b 08 13 06 6d 79 2d 69 64 31"                      /* this-IPM */
    "  a0 0b 80 04 4a 61 6e 65 81 03 2b 34 34"             /* originator */
    "  a1 06 31 04 80 02 58 59"                            /* authorizing */
    "  a2 1a 31 18 a0 04 80 02 61 62 81 02 05 a0 82 01 ff" /* primary */
    "     a3 09 30 07 06 02 2a 03 02 01 07"
    "  a4 00"                                              /* blind copy */
    "  a5 06 13 04 72 65 70 6c"                            /* replied-to */
    "  a6 08 6b 06 13 04 6f 62 73 6f"                      /* obsoleted */
    "  a7 08 6b 06 13 04 72 65 6c 61"                      /* related */
    "  a8 07 14 05 48 69 20 c8 75"                         /* subject */
    "  89 0d 32 36 31 32 33 31 32 33 35 39 35 39 5a"       /* expiry */
    "  8a 0f 32 36 31 32 33 31 32 33 35 39 2b 30 31 30 30" /* reply-time */
    "  ab 06 31 04 80 02 52 52"                            /* reply */
    "  8c 01 02 8d 01 03 8e 01 ff"
    "  af 1c 30 04 06 02 2a 04 30 09 06 04 56 01 05 02 0a 01 01"
    "     30 09 06 02 2a 05 04 03 01 02 03"
    "  30 39"
    "     8e 03 01 02 03"       /* bilateral */
    "     b3 05 04 03 61 62 63" /* unknown [19] */
    "     a9 15 31 00 30 11 31 09 6b 07 13 05 69 6e 6e 65 72"
    "        30 04 86 02 01 02"                       /* message */
    "     87 02 05 00"                                /* national */
    "     af 0c 28 0a 06 02 2a 06 a0 04 04 02 68 69"; /* external */

/* Rewrites the two outermost lengths, so that the text above can be edited. */
static void
full_p22(struct buf *out)
{
	struct buf h = {0}, b = {0};
	const char *s = strstr(full, "  6b 08"),
		   *body = strstr(full, "  30 39");
	char *heading = strndup(s, (size_t)(body - s));

	unhex(heading, &h);
	free(heading);
	ber_wrap(&h, 0, BER_UNIVERSAL, BER_SET);
	unhex(body + 7, &b);
	ber_wrap(&b, 0, BER_UNIVERSAL, BER_SEQUENCE);
	buf_append(out, h.data, h.len);
	buf_append(out, b.data, b.len);
	ber_wrap(out, 0, BER_CONTEXT, 0);
	buf_free(&h);
	buf_free(&b);
}

static void
every_heading_field_and_unknown_part_goes_out_as_it_came(void)
{
	struct buf in = {0}, again = {0};
	struct ipm_object o;
	struct fixture f;

	fixture_open(&f);
	full_p22(&in);
	if (ipm_decode(f.a, in.data, in.len, &o, &f.e) < 0)
		printf("\n%s\n", f.e.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(o.ipm);
	CU_ASSERT_EQUAL(o.ipm->importance, 2);
	CU_ASSERT_EQUAL(o.ipm->sensitivity, 3);
	CU_ASSERT_EQUAL(o.ipm->auto_forwarded, 1);
	CU_ASSERT_EQUAL(o.ipm->exts.n, 3);
	CU_ASSERT_EQUAL(o.ipm->primary.v[0].notification_requests, 5);
	CU_ASSERT_EQUAL(o.ipm->primary.v[0].reply_requested, 1);
	CU_ASSERT_STRING_EQUAL(o.ipm->primary.v[0].exts.v[0].oid, "1.2.3");
	CU_ASSERT(o.ipm->blind_copy.present && o.ipm->blind_copy.n == 0);
	CU_ASSERT_EQUAL_FATAL(o.ipm->n_parts, 5);
	CU_ASSERT_EQUAL(o.ipm->parts[1].type, 19);
	CU_ASSERT_PTR_NOT_NULL(o.ipm->parts[2].message);
	CU_ASSERT_STRING_EQUAL(o.ipm->parts[4].oid, "1.2.6");
	CU_ASSERT_EQUAL_FATAL(ipm_encode(f.a, &o, &again, &f.e), 0);
	CU_ASSERT_EQUAL_FATAL(again.len, in.len);
	CU_ASSERT(memcmp(again.data, in.data, in.len) == 0);

	/* built anew instead of copied, the message part is the same too */
	o.ipm->parts[2].raw = (struct octets){0};
	buf_clear(&again);
	CU_ASSERT_EQUAL_FATAL(ipm_encode(f.a, &o, &again, &f.e), 0);
	CU_ASSERT_EQUAL_FATAL(again.len, in.len);
	CU_ASSERT(memcmp(again.data, in.data, in.len) == 0);
	buf_free(&in);
	buf_free(&again);
	fixture_close(&f);
}

/* Receipt, non-receipt with returned IPM, and another kind. */
static const char *const notifications[] = {
    "a1 2a 6b 04 13 02 69 64 a0 1b a1 19"
    "   80 0d 32 36 31 31 32 31 31 32 30 30 30 30 5a 81 01 01"
    "   82 05 68 65 6c 6c 6f a1 05 80 03 6a 6f 65",
    "a1 2d 6b 04 13 02 69 64 a0 25 a0 23 80 01 01 81 01 02 82 02 6f 6b"
    "   a3 17 31 09 6b 07 13 05 69 6e 6e 65 72 30 0a a0 08 31 00 16 04"
    "   74 65 78 74",
    "a1 11 6b 04 13 02 69 64 a0 09 a2 07 30 05 06 03 2a 03 04",
};

static void
notifications_go_out_as_they_came(void)
{
	for (size_t i = 0; i < 3; i++) {
		struct buf in = {0}, again = {0};
		struct ipm_object o;
		struct fixture f;

		fixture_open(&f);
		unhex(notifications[i], &in);
		if (ipm_decode(f.a, in.data, in.len, &o, &f.e) < 0)
			printf("\n%zu: %s\n", i, f.e.text);
		CU_ASSERT_PTR_NOT_NULL_FATAL(o.ipn);
		CU_ASSERT_EQUAL(o.ipn->receipt, i == 0);
		CU_ASSERT_EQUAL(o.ipn->returned_ipm != NULL, i == 1);
		CU_ASSERT_EQUAL(ipm_encode(f.a, &o, &again, &f.e), 0);
		CU_ASSERT_EQUAL_FATAL(again.len, in.len);
		CU_ASSERT(memcmp(again.data, in.data, in.len) == 0);
		buf_free(&in);
		buf_free(&again);
		fixture_close(&f);
	}
}

static void
file_transfer_parameters_survive(void)
{
	const char *fields[] = {"Content-Type: text/html; charset=utf-8"};
	struct ipm_ftbp in = {.application = "1.3.6.1.7.1.2.1.5",
	    .content_id = "id(a)x.example",
	    .description = "a picture",
	    .filename = "dodo.doc",
	    .created = "20261121120000Z",
	    .modified = "20261121120001Z",
	    .read = "20261121120002+0100",
	    .size = 5,
	    .fields = fields,
	    .n_fields = 1,
	    .data = {(const uint8_t *)"a\0b\r\n", 5}};
	struct ipm_ftbp out;
	struct ipm_part p = {0};
	struct fixture f;

	fixture_open(&f);
	ipm_ftbp_put(f.a, &in, &p);
	CU_ASSERT_FATAL(ipm_ftbp_get(f.a, &p, &out));
	CU_ASSERT(out.mappable);
	CU_ASSERT_STRING_EQUAL(out.application, in.application);
	CU_ASSERT_STRING_EQUAL(out.content_id, in.content_id);
	CU_ASSERT_STRING_EQUAL(out.description, in.description);
	CU_ASSERT_STRING_EQUAL(out.filename, in.filename);
	CU_ASSERT_STRING_EQUAL(out.created, in.created);
	CU_ASSERT_STRING_EQUAL(out.modified, in.modified);
	CU_ASSERT_STRING_EQUAL(out.read, in.read);
	CU_ASSERT_EQUAL(out.size, 5);
	CU_ASSERT_EQUAL_FATAL(out.n_fields, 1);
	CU_ASSERT_STRING_EQUAL(out.fields[0], fields[0]);
	CU_ASSERT_EQUAL_FATAL(out.data.n, 5);
	CU_ASSERT(memcmp(out.data.p, in.data.p, 5) == 0);
	fixture_close(&f);
}

static void
every_truncation_and_flipped_bit_is_survived(void)
{
	struct buf in = {0}, out = {0};
	struct err e = ERR_INIT;

	full_p22(&in);
	for (size_t n = 0; n < in.len; n++)
		CU_ASSERT(mixer_ipm_print(in.data, n, &out, &e) < 0);
	for (size_t i = 0; i < in.len * 8; i++) {
		in.data[i / 8] ^= (uint8_t)(1 << (i % 8));
		mixer_ipm_print(in.data, in.len, &out, &e);
		in.data[i / 8] ^= (uint8_t)(1 << (i % 8));
		buf_clear(&out);
	}
	buf_putc(&in, 0);
	CU_ASSERT_EQUAL(mixer_ipm_print(in.data, in.len, &out, &e), ERR_SYNTAX);
	buf_free(&in);
	buf_free(&out);
}

static void
nesting_and_number_of_parts_are_bounded(void)
{
	static const uint8_t inner[] = {
	    0x31, 0x05, 0x6b, 0x03, 0x13, 0x01, 'x', 0x30, 0x00};
	struct buf b = {0}, parts = {0}, out = {0};
	struct err e = ERR_INIT;

	buf_append(&b, inner, sizeof(inner));
	for (int i = 0; i < MIXER_DEPTH_MAX + 1; i++) {
		size_t empty = 0;

		ber_wrap(&b, 0, BER_UNIVERSAL, BER_SEQUENCE);
		buf_prepend(&b, "\x31\x00", 2);
		ber_wrap(&b, empty, BER_CONTEXT, IPM_MESSAGE);
		ber_wrap(&b, 0, BER_UNIVERSAL, BER_SEQUENCE);
		buf_prepend(&b, inner, 7);
	}
	ber_wrap(&b, 0, BER_CONTEXT, 0);
	CU_ASSERT_EQUAL(mixer_ipm_print(b.data, b.len, &out, &e), ERR_LIMIT);
	buf_clear(&b);
	for (int i = 0; i < MIXER_PARTS_MAX + 1; i++)
		buf_append(&parts, "\x8e\x01x", 3);
	ber_wrap(&parts, 0, BER_UNIVERSAL, BER_SEQUENCE);
	buf_append(&b, inner, 7);
	buf_append(&b, parts.data, parts.len);
	ber_wrap(&b, 0, BER_CONTEXT, 0);
	CU_ASSERT_EQUAL(mixer_ipm_print(b.data, b.len, &out, &e), ERR_LIMIT);
	buf_free(&b);
	buf_free(&parts);
	buf_free(&out);
}

static void
the_printer_names_what_it_shows_and_escapes_it(void)
{
	struct buf in = {0}, out = {0};
	struct err e = ERR_INIT;
	const char *s;

	full_p22(&in);
	CU_ASSERT_EQUAL(mixer_ipm_print(in.data, in.len, &out, &e), 0);
	s = buf_cstr(&out);
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "importance: high"));
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "sensitivity: company-confidential"));
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "subject: Hi \xc3\xbc"));
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "auto-submitted"));
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(s, "notification-requests: rn, ipm-return"));
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "body-part 2: unknown [19]"));
	buf_free(&in);
	buf_free(&out);
}

void
suite_mixer_ipm(void)
{
	static CU_TestInfo tests[] = {
	    TEST(captured_content_decodes_to_what_was_sent),
	    TEST(captured_content_encodes_to_the_same_octets),
	    TEST(every_heading_field_and_unknown_part_goes_out_as_it_came),
	    TEST(notifications_go_out_as_they_came),
	    TEST(file_transfer_parameters_survive),
	    TEST(every_truncation_and_flipped_bit_is_survived),
	    TEST(nesting_and_number_of_parts_are_bounded),
	    TEST(the_printer_names_what_it_shows_and_escapes_it),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("mixer_ipm", tests);
}
