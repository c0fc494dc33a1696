#include "p1/or_codec.h"

#include "tests/unit/p1_vectors.h"

static void
decode_hex(const char *hex, struct arena *a, struct mhs_or **out, int want)
{
	struct buf b = {0};
	struct err e = ERR_INIT;
	int r;

	*out = NULL;
	hex_append(&b, hex);
	r = p1_or_decode(a, b.data, b.len, out, &e);
	if (r != want)
		printf("\n  %s: %s", hex, e.text);
	CU_ASSERT_EQUAL(r, want);
	buf_free(&b);
}

/* Encodes, decodes, encodes again: both the same. */
static void
round_trip(const struct mhs_or *o)
{
	struct arena *a = arena_new();
	struct buf x = {0}, y = {0};
	struct mhs_or *back = NULL;
	struct err e = ERR_INIT;
	int r = p1_or_encode(o, P1_OR_NAME, &x, &e);

	if (r < 0)
		printf("\n  %s", e.text);
	CU_ASSERT_EQUAL(r, 0);
	CU_ASSERT_EQUAL(p1_or_decode(a, x.data, x.len, &back, &e), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(back);
	CU_ASSERT_EQUAL(back->n_attrs, o->n_attrs);
	CU_ASSERT_EQUAL(p1_or_encode(back, P1_OR_NAME, &y, &e), 0);
	CU_ASSERT_EQUAL(x.len, y.len);
	CU_ASSERT(x.len == y.len && memcmp(x.data, y.data, x.len) == 0);
	buf_free(&x);
	buf_free(&y);
	arena_free(&a);
}

static void
builtin_attributes_come_and_go_unchanged(void)
{
	static const char hex[] =
	    "60 1b 30 19 61 04 13 02 47 42 62 06 13 04 54 45 53 54"
	    "83 02 4f 31 a5 05 80 03 52 61 79";
	struct arena *a = arena_new();
	struct buf in = {0}, out = {0};
	struct mhs_or *o;

	hex_append(&in, hex);
	decode_hex(hex, a, &o, 0);
	CU_ASSERT(mhs_or_equal(
	    o, mhs_or_parse(a, "C=GB; A=TEST; O=O1; S=Ray", NULL)));
	CU_ASSERT_EQUAL(p1_or_encode(o, P1_OR_NAME, &out, NULL), 0);
	CU_ASSERT(out.len == in.len && memcmp(out.data, in.data, in.len) == 0);
	buf_free(&in);
	buf_free(&out);
	arena_free(&a);
}

static void
the_outer_tag_is_the_callers(void)
{
	struct arena *a = arena_new();
	struct mhs_or *o = mhs_or_parse(a, "C=XX; A=ALPHA; S=Ray", NULL), *back;
	struct buf b = {0};

	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	CU_ASSERT_EQUAL(p1_or_encode(o, P1_OR_ADDRESS, &b, NULL), 0);
	CU_ASSERT_EQUAL(b.data[0], 0x30);
	buf_clear(&b);
	CU_ASSERT_EQUAL(p1_or_encode(o, BER_CONTEXT, 4, &b, NULL), 0);
	CU_ASSERT_EQUAL(b.data[0], 0xa4);
	CU_ASSERT_EQUAL(p1_or_decode(a, b.data, b.len, &back, NULL), 0);
	CU_ASSERT(mhs_or_equal(o, back));
	buf_free(&b);
	arena_free(&a);
}

/* Every attribute type in every form that the model allows it. */
static void
every_attribute_in_every_form_survives(void)
{
	static const struct {
		enum mhs_or_form form;
		const char *value;
	} forms[] = {
	    {MHS_OR_PRINTABLE, "Ab 1"},
	    {MHS_OR_NUMERIC, "1234"},
	    {MHS_OR_TELETEX, "Gr\xc8\x75\xfb"},
	    {MHS_OR_UNIVERSAL, "Gr\xc3\xbc\xc3\x9f \xe2\x82\xac"},
	};
	unsigned n = 0;

	for (int t = 0; t < MHS_OR_PSAP; t++)
		for (size_t f = 0; f < 4; f++) {
			struct arena *a = arena_new();
			struct mhs_or *o = mhs_or_new(a);

			if (mhs_or_add(a, o, (enum mhs_or_type)t, forms[f].form,
				forms[f].value, strlen(forms[f].value),
				NULL) >= 0) {
				round_trip(o);
				n++;
			}
			arena_free(&a);
		}
	CU_ASSERT(n > 60);
}

static void
all_forms_together_survive(void)
{
	struct arena *a = arena_new();
	struct mhs_or *o = mhs_or_new(a);
	static const uint8_t psap[] = {
	    0xa0, 0x07, 0xa3, 0x05, 0x31, 0x03, 0x04, 0x01, 0x07};
	static const uint8_t strange[] = {0x04, 0x02, 0xca, 0xfe};
#define ADD(t, f, v) \
	CU_ASSERT_EQUAL(mhs_or_add(a, o, t, f, v, strlen(v), NULL), 0)

	ADD(MHS_OR_COUNTRY, MHS_OR_NUMERIC, "234");
	ADD(MHS_OR_ADMD, MHS_OR_PRINTABLE, " ");
	ADD(MHS_OR_SURNAME, MHS_OR_PRINTABLE, "Mueller");
	ADD(MHS_OR_SURNAME, MHS_OR_TELETEX, "M\xc8uller");
	ADD(MHS_OR_SURNAME, MHS_OR_UNIVERSAL, "M\xc3\xbcller");
	ADD(MHS_OR_UNIT1, MHS_OR_PRINTABLE, "one");
	ADD(MHS_OR_UNIT2, MHS_OR_PRINTABLE, "two");
	ADD(MHS_OR_UNIT1, MHS_OR_TELETEX, "\xc8uno");
	ADD(MHS_OR_PD_ADDRESS, MHS_OR_PRINTABLE, "1 High St|Ham|GB");
	ADD(MHS_OR_PD_ADDRESS, MHS_OR_TELETEX, "1 H\xc8ugh");
	ADD(MHS_OR_STREET, MHS_OR_PRINTABLE, "High St");
	ADD(MHS_OR_STREET, MHS_OR_TELETEX, "H\xc8ugh");
	ADD(MHS_OR_TERMINAL_TYPE, MHS_OR_NUMERIC, "3");
	CU_ASSERT_EQUAL(mhs_or_add(a, o, MHS_OR_PSAP, MHS_OR_RAW,
			    (const char *)psap, sizeof(psap), NULL),
	    0);
	CU_ASSERT_EQUAL(
	    mhs_or_add_dda(a, o, MHS_OR_PRINTABLE, "RFC-822", "a(a)b.c", NULL),
	    0);
	CU_ASSERT_EQUAL(
	    mhs_or_add_dda(a, o, MHS_OR_TELETEX, "T\xc8u", "v\xc8u", NULL), 0);
	CU_ASSERT_EQUAL(mhs_or_add_dda(a, o, MHS_OR_UNIVERSAL, "\xc3\xbc",
			    "\xf0\x9f\x93\xa7", NULL),
	    0);
	CU_ASSERT_EQUAL(
	    mhs_or_add_unknown(a, o, 99, strange, sizeof(strange), NULL), 0);
	round_trip(o);
#undef ADD
	arena_free(&a);
}

static void
e163_number_and_sub_address_survive(void)
{
	struct arena *a = arena_new();
	struct mhs_or *o = mhs_or_new(a);

	CU_ASSERT_EQUAL(mhs_or_add(a, o, MHS_OR_E163, MHS_OR_NUMERIC,
			    "498912345*77", 12, NULL),
	    0);
	round_trip(o);
	arena_free(&a);
}

static void
a_directory_name_is_carried(void)
{
	static const char hex[] = "60 14 30 00 a0 10 30 0e 31 0c 30 0a 06 03"
				  "55 04 03 13 03 42 6f 62";
	struct arena *a = arena_new();
	struct buf in = {0}, out = {0};
	struct mhs_or *o;

	hex_append(&in, hex);
	decode_hex(hex, a, &o, 0);
	CU_ASSERT_EQUAL(o->n_attrs, 0);
	CU_ASSERT_EQUAL(o->directory_name_n, 16);
	CU_ASSERT_EQUAL(p1_or_encode(o, P1_OR_NAME, &out, NULL), 0);
	CU_ASSERT(out.len == in.len && memcmp(out.data, in.data, in.len) == 0);
	buf_free(&in);
	buf_free(&out);
	arena_free(&a);
}

/* An attribute type that is not in the table, one whose value has another
 * syntax, and one with a language: each goes out as it came. */
static void
strange_extension_attributes_go_out_as_they_came(void)
{
	static const char *const values[] = {
	    "30 09 80 01 63 a1 04 04 02 ca fe",
	    "30 08 80 01 01 a1 03 02 01 05",
	    "30 10 80 01 18 a1 0b 31 09 1e 03 00 41 00 13 02 65 6e",
	    "30 10 80 01 18 a1 0b 31 09 1e 04 00 41 00 42 13 01 65",
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct arena *a = arena_new();
		struct buf x = {0}, in = {0}, out = {0};
		struct mhs_or *o = NULL;
		size_t from;

		hex_append(&x, "30 06 61 04 13 02 47 42");
		from = x.len;
		hex_append(&x, values[i]);
		ber_wrap(&x, from, BER_UNIVERSAL, BER_SET);
		ber_put_header(&in, BER_APPLICATION, true, 0, x.len);
		buf_append(&in, x.data, x.len);
		CU_ASSERT_EQUAL(p1_or_decode(a, in.data, in.len, &o, NULL), 0);
		CU_ASSERT_PTR_NOT_NULL_FATAL(o);
		CU_ASSERT_PTR_NOT_NULL(mhs_or_get(o, MHS_OR_UNKNOWN));
		CU_ASSERT_EQUAL(p1_or_encode(o, P1_OR_NAME, &out, NULL), 0);
		CU_ASSERT(out.len == in.len &&
		    memcmp(out.data, in.data, in.len) == 0);
		buf_free(&x);
		buf_free(&in);
		buf_free(&out);
		arena_free(&a);
	}
}

static void
indefinite_lengths_are_taken(void)
{
	struct arena *a = arena_new();
	struct mhs_or *o;

	decode_hex("60 80 30 80 61 80 13 02 47 42 00 00 62 80 33 80 04 02 54"
		   "45 00 00 00 00 00 00 00 00",
	    a, &o, 0);
	decode_hex("60 80 30 80 61 80 13 02 47 42 00 00 62 80 13 02 54"
		   "45 00 00 00 00 00 00",
	    a, &o, 0);
	arena_free(&a);
}

static void
what_is_no_address_is_refused(void)
{
	static const struct {
		const char *hex;
		int want;
	} bad[] = {
	    {"", ERR_SYNTAX},
	    {"60", ERR_SYNTAX},
	    {"60 05 30 00", ERR_SYNTAX},
	    {"13 02 47 42", ERR_SYNTAX},
	    {"60 02 30 00 00", ERR_SYNTAX},
	    {"a0 80 02 01 42 00 01", ERR_SYNTAX},
	    {"60 06 30 04 61 02 02 00", ERR_SYNTAX},
	    /* a NUL in a DDA */
	    {"60 0d 30 00 30 09 30 07 13 01 61 13 02 62 00", ERR_SYNTAX},
	    /* five organizational units */
	    {"60 13 30 11 a6 0f 13 01 31 13 01 32 13 01 33 13 01 34 13 01 35",
		ERR_LIMIT},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arena *a = arena_new();
		struct mhs_or *o;

		decode_hex(bad[i].hex, a, &o, bad[i].want);
		arena_free(&a);
	}
}

static void
ten_thousand_octets_are_refused(void)
{
	struct arena *a = arena_new();
	struct buf value = {0}, b = {0};
	struct mhs_or *o;
	struct err e = ERR_INIT;

	for (int i = 0; i < 10000; i++)
		buf_putc(&value, 'x');
	ber_put(&b, BER_CONTEXT, 3, value.data, value.len);
	ber_wrap(&b, 0, BER_UNIVERSAL, BER_SEQUENCE);
	ber_wrap(&b, 0, BER_APPLICATION, 0);
	CU_ASSERT_EQUAL(p1_or_decode(a, b.data, b.len, &o, &e), ERR_LIMIT);
	/* and a value over its own limit, in a name below the whole's */
	buf_clear(&b);
	ber_put(&b, BER_CONTEXT, 3, value.data, MHS_OR_VALUE_MAX + 1);
	ber_wrap(&b, 0, BER_UNIVERSAL, BER_SEQUENCE);
	ber_wrap(&b, 0, BER_APPLICATION, 0);
	CU_ASSERT_EQUAL(p1_or_decode(a, b.data, b.len, &o, &e), ERR_LIMIT);
	buf_free(&value);
	buf_free(&b);
	arena_free(&a);
}

static void
hundred_deep_nesting_is_refused(void)
{
	struct arena *a = arena_new();
	struct buf b = {0};
	struct mhs_or *o;

	for (int i = 0; i < 100; i++)
		ber_wrap(&b, 0, BER_UNIVERSAL, BER_SEQUENCE);
	ber_wrap(&b, 0, BER_APPLICATION, 0);
	CU_ASSERT(p1_or_decode(a, b.data, b.len, &o, NULL) < 0);
	buf_free(&b);
	arena_free(&a);
}

static void
no_octet_cut_off_or_changed_crashes(void)
{
	static const char hex[] =
	    "60 33 30 0e 61 04 13 02 47 42 62 06 13 04 54 45 53 54 31 21"
	    "30 0a 80 01 01 a1 05 13 03 42 6f 62 30 13 80 01 1a a1 0e 31 0c"
	    "a0 04 1e 02 00 41 a1 04 1e 02 00 42";
	struct buf b = {0};
	struct arena *a;
	struct mhs_or *o;

	hex_append(&b, hex);
	a = arena_new();
	CU_ASSERT_EQUAL(p1_or_decode(a, b.data, b.len, &o, NULL), 0);
	arena_free(&a);
	for (size_t i = 0; i < b.len; i++) {
		uint8_t was = b.data[i];

		a = arena_new();
		CU_ASSERT(p1_or_decode(a, b.data, i, &o, NULL) < 0);
		for (int v = 0; v < 256; v += 5) {
			b.data[i] = (uint8_t)v;
			(void)!p1_or_decode(a, b.data, b.len, &o, NULL);
		}
		b.data[i] = was;
		arena_free(&a);
	}
	buf_free(&b);
}

void
suite_p1_or_codec(void)
{
	static CU_TestInfo tests[] = {
	    TEST(builtin_attributes_come_and_go_unchanged),
	    TEST(the_outer_tag_is_the_callers),
	    TEST(every_attribute_in_every_form_survives),
	    TEST(all_forms_together_survive),
	    TEST(e163_number_and_sub_address_survive),
	    TEST(a_directory_name_is_carried),
	    TEST(strange_extension_attributes_go_out_as_they_came),
	    TEST(indefinite_lengths_are_taken),
	    TEST(what_is_no_address_is_refused),
	    TEST(ten_thousand_octets_are_refused),
	    TEST(hundred_deep_nesting_is_refused),
	    TEST(no_octet_cut_off_or_changed_crashes),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("p1_or_codec", tests);
}
