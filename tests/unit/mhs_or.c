#include "mhs/or.h"

#include <string.h>

#include "tests/unit/unit.h"

static int
add(struct arena *a, struct mhs_or *o, enum mhs_or_type type,
    enum mhs_or_form form, const char *v, struct err *e)
{
	return mhs_or_add(a, o, type, form, v, strlen(v), e);
}

static void
attributes_stand_in_the_order_of_the_hierarchy(void)
{
	struct arena *a = arena_new();
	struct mhs_or *o = mhs_or_new(a);

	CU_ASSERT_EQUAL(
	    mhs_or_add_dda(a, o, MHS_OR_PRINTABLE, "b", "1", NULL), 0);
	add(a, o, MHS_OR_SURNAME, MHS_OR_PRINTABLE, "Ray", NULL);
	CU_ASSERT_EQUAL(
	    mhs_or_add_dda(a, o, MHS_OR_PRINTABLE, "a", "2", NULL), 0);
	add(a, o, MHS_OR_ORGANIZATION, MHS_OR_TELETEX, "Org", NULL);
	add(a, o, MHS_OR_ORGANIZATION, MHS_OR_PRINTABLE, "Org", NULL);
	add(a, o, MHS_OR_COUNTRY, MHS_OR_PRINTABLE, "XX", NULL);
	CU_ASSERT_EQUAL(o->n_attrs, 6);
	CU_ASSERT_EQUAL(o->attrs[0].type, MHS_OR_COUNTRY);
	CU_ASSERT_EQUAL(o->attrs[1].form, MHS_OR_TELETEX);
	CU_ASSERT_EQUAL(o->attrs[2].form, MHS_OR_PRINTABLE);
	CU_ASSERT_EQUAL(o->attrs[3].type, MHS_OR_SURNAME);
	CU_ASSERT_STRING_EQUAL(o->attrs[4].dda_type, "b");
	CU_ASSERT_STRING_EQUAL(o->attrs[5].dda_type, "a");
	/* the form that reads best is the one given */
	CU_ASSERT_PTR_EQUAL(mhs_or_get(o, MHS_OR_ORGANIZATION), &o->attrs[2]);
	CU_ASSERT_PTR_NULL(mhs_or_get(o, MHS_OR_PRMD));
	arena_free(&a);
}

static void
what_an_attribute_cannot_be_is_refused(void)
{
	static const struct {
		enum mhs_or_type type;
		enum mhs_or_form form;
		const char *value;
		int r;
		uint64_t offset;
	} rows[] = {
	    {MHS_OR_COUNTRY, MHS_OR_PRINTABLE, "XX", 0, 0},
	    {MHS_OR_ADMD, MHS_OR_NUMERIC, "12 ", 0, 0},
	    {MHS_OR_ADMD, MHS_OR_PRINTABLE, " ", 0, 0},
	    {MHS_OR_ADMD, MHS_OR_PRINTABLE, "", 0, 0},
	    {MHS_OR_ORGANIZATION, MHS_OR_PRINTABLE, "a@b_c", 0, 0},
	    {MHS_OR_ORGANIZATION, MHS_OR_UNIVERSAL, "\xc3\xbc", 0, 0},
	    {MHS_OR_ORGANIZATION, MHS_OR_TELETEX, "\xc8u\x1b-A\xfc", 0, 0},
	    {MHS_OR_E163, MHS_OR_NUMERIC, "4969*12", 0, 0},
	    {MHS_OR_COUNTRY, MHS_OR_TELETEX, "XX", ERR_SYNTAX, ERR_NO_OFFSET},
	    {MHS_OR_NUMERIC_ID, MHS_OR_PRINTABLE, "1", ERR_SYNTAX,
		ERR_NO_OFFSET},
	    {MHS_OR_SURNAME, MHS_OR_RAW, "\x05", ERR_SYNTAX, ERR_NO_OFFSET},
	    {MHS_OR_TYPES, MHS_OR_PRINTABLE, "1", ERR_SYNTAX, ERR_NO_OFFSET},
	    {MHS_OR_DDA, MHS_OR_PRINTABLE, "1", ERR_SYNTAX, ERR_NO_OFFSET},
	    {MHS_OR_SURNAME, MHS_OR_PRINTABLE, "", ERR_SYNTAX, 0},
	    {MHS_OR_SURNAME, MHS_OR_PRINTABLE, "a\xff", ERR_SYNTAX, 1},
	    {MHS_OR_SURNAME, MHS_OR_PRINTABLE, "ab\n", ERR_SYNTAX, 2},
	    {MHS_OR_NUMERIC_ID, MHS_OR_NUMERIC, "12a", ERR_SYNTAX, 2},
	    {MHS_OR_SURNAME, MHS_OR_UNIVERSAL, "a\xfc", ERR_SYNTAX, 1},
	    {MHS_OR_SURNAME, MHS_OR_UNIVERSAL, "a\xed\xa0\x80", ERR_SYNTAX, 1},
	    {MHS_OR_SURNAME, MHS_OR_UNIVERSAL, "a\xc0\x80", ERR_SYNTAX, 1},
	    {MHS_OR_SURNAME, MHS_OR_UNIVERSAL, "a\tb", ERR_SYNTAX, 1},
	    {MHS_OR_PSAP, MHS_OR_RAW, "\x30\x80\x05", ERR_SYNTAX, 3},
	    {MHS_OR_PSAP, MHS_OR_RAW, "\x04\x01xx", ERR_SYNTAX, 3},
	    {MHS_OR_PSAP, MHS_OR_RAW, "\x04\x01x", 0, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		struct mhs_or *o = mhs_or_new(a);
		struct err e = ERR_INIT;

		CU_ASSERT_EQUAL(
		    add(a, o, rows[i].type, rows[i].form, rows[i].value, &e),
		    rows[i].r);
		CU_ASSERT_EQUAL(o->n_attrs, rows[i].r == 0);
		if (rows[i].r < 0)
			CU_ASSERT_EQUAL(e.offset, rows[i].offset);
		arena_free(&a);
	}
}

static void
limits_hold_and_nothing_is_there_twice_in_one_form(void)
{
	struct arena *a = arena_new();
	struct mhs_or *o = mhs_or_new(a);
	static char big[MHS_OR_VALUE_MAX + 2];

	memset(big, 'a', MHS_OR_VALUE_MAX + 1);
	CU_ASSERT_EQUAL(
	    add(a, o, MHS_OR_SURNAME, MHS_OR_PRINTABLE, big, NULL), ERR_LIMIT);
	CU_ASSERT_EQUAL(add(a, o, MHS_OR_ADMD, MHS_OR_PRINTABLE, "a", NULL), 0);
	CU_ASSERT_EQUAL(
	    add(a, o, MHS_OR_ADMD, MHS_OR_NUMERIC, "1", NULL), ERR_SYNTAX);
	CU_ASSERT_EQUAL(
	    mhs_or_add_unknown(a, o, 50, (const uint8_t *)"\x05\x00", 2, NULL),
	    0);
	CU_ASSERT_EQUAL(
	    mhs_or_add_unknown(a, o, 51, (const uint8_t *)"\x05\x00", 2, NULL),
	    0);
	CU_ASSERT_EQUAL(
	    mhs_or_add_unknown(a, o, 50, (const uint8_t *)"\x05\x00", 2, NULL),
	    ERR_SYNTAX);
	while (o->n_attrs < MHS_OR_ATTRS_MAX)
		CU_ASSERT_EQUAL_FATAL(
		    mhs_or_add_dda(a, o, MHS_OR_PRINTABLE, "t", "v", NULL), 0);
	CU_ASSERT_EQUAL(
	    mhs_or_add_dda(a, o, MHS_OR_PRINTABLE, "t", "v", NULL), ERR_LIMIT);
	CU_ASSERT_EQUAL(
	    mhs_or_add_dda(a, o, MHS_OR_PRINTABLE, "", "v", NULL), ERR_SYNTAX);
	arena_free(&a);
}

static void
a_copy_shares_nothing(void)
{
	struct arena *a = arena_new(), *b = arena_new();
	struct mhs_or *o = mhs_or_parse(
	    a, "/DD.x*{165}=v*{163}/EXT-9=0500/S=Ray/C=us/A=x/", NULL);
	struct mhs_or *d;

	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	o->directory_name = (const uint8_t *)"\x30\x00";
	o->directory_name_n = 2;
	d = mhs_or_dup(b, o);
	CU_ASSERT_STRING_EQUAL(mhs_or_slash(a, o), mhs_or_slash(b, d));
	for (size_t i = 0; i < d->n_attrs; i++)
		CU_ASSERT_PTR_NOT_EQUAL(d->attrs[i].value, o->attrs[i].value);
	CU_ASSERT_PTR_NOT_EQUAL(d->directory_name, o->directory_name);
	arena_free(&a);
	CU_ASSERT_EQUAL(d->directory_name_n, 2);
	CU_ASSERT_STRING_EQUAL(mhs_or_slash(b, d),
	    "/EXT-9=0500/DD.*{165}=*{163}/DD.x=v/S=Ray/ADMD=x/C=us/");
	arena_free(&b);
}

static void
equality_is_that_of_x402(void)
{
	static const struct {
		const char *x, *y;
		bool equal;
	} rows[] = {
	    {"/S=Ray/A=x/C=us/", "/C=US/A=X/S=ray/", true},
	    {"/O=a  bank ltd/A=x/C=us/", "/O= A Bank  LTD /A=x/C=us/", true},
	    {"/O=abank ltd/A=x/C=us/", "/O=a bank ltd/A=x/C=us/", false},
	    {"/S=Ray/A=x/C=us/", "/S=Ray/G=M/A=x/C=us/", false},
	    {"/S=Ray/G=M/A=x/C=us/", "/S=Ray/A=x/C=us/", false},
	    {"/S=Ray/A= /C=us/", "/S=Ray/C=us/", true},
	    {"/S=Ray/A=x/C=us/", "/S=Ray/A=y/C=us/", false},
	    {"/OU1=a/OU2=b/A=x/C=us/", "/OU1=b/OU2=a/A=x/C=us/", false},
	    /* forms: a shared one decides, else any text */
	    {"/O=*M{200}uller/A=x/C=de/",
		"/O=*M{027037071195188}ller/A=x/C=de/", true},
	    {"/O=*M{200}uller/A=x/C=de/",
		"/O=*M{027037071195156}LLER/A=x/C=de/", true},
	    {"/O=Mueller*M{200}uller/A=x/C=de/", "/O=Mueller/A=x/C=de/", true},
	    {"/O=Mueller*M{200}uller/A=x/C=de/", "/O=*M{200}uller/A=x/C=de/",
		true},
	    {"/O=Mueller*M{200}uller/A=x/C=de/",
		"/O=Muller*M{200}uller/A=x/C=de/", false},
	    {"/O=Muller/A=x/C=de/", "/O=*M{200}uller/A=x/C=de/", false},
	    {"/O=*{027037071208156}/A=x/C=de/",
		"/O=*{027037071208188}/A=x/C=de/", true},
	    /* DDAs: the order counts within a type only */
	    {"/DD.a=1/DD.b=2/A=x/C=us/", "/DD.b=2/DD.A=1/A=x/C=us/", true},
	    {"/DD.a=1/DD.a=2/A=x/C=us/", "/DD.a=2/DD.a=1/A=x/C=us/", false},
	    {"/DD.a=1/DD.a=2/A=x/C=us/", "/DD.a=1/A=x/C=us/", false},
	    {"/DD.a=1/A=x/C=us/", "/DD.a=1/DD.a=1/A=x/C=us/", false},
	    {"/DD.*{165}=*{163}/A=x/C=us/",
		"/DD.*{027037071194165}=*{027037071194163}/A=x/C=us/", true},
	    {"/EXT-9=0500/A=x/C=us/", "/EXT-9=0500/A=x/C=us/", true},
	    {"/EXT-9=0500/A=x/C=us/", "/EXT-8=0500/A=x/C=us/", false},
	    {"/EXT-9=040161/A=x/C=us/", "/EXT-9=040141/A=x/C=us/", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		struct mhs_or *x = mhs_or_parse(a, rows[i].x, NULL);
		struct mhs_or *y = mhs_or_parse(a, rows[i].y, NULL);

		CU_ASSERT_PTR_NOT_NULL_FATAL(x);
		CU_ASSERT_PTR_NOT_NULL_FATAL(y);
		CU_ASSERT_EQUAL(mhs_or_equal(x, y), rows[i].equal);
		CU_ASSERT_EQUAL(mhs_or_equal(y, x), rows[i].equal);
		CU_ASSERT(mhs_or_equal(x, x));
		arena_free(&a);
	}
}

static void
numeric_and_printable_forms_are_equal(void)
{
	struct arena *a = arena_new();
	struct mhs_or *x = mhs_or_new(a), *y = mhs_or_new(a);

	add(a, x, MHS_OR_PRMD, MHS_OR_NUMERIC, "23", NULL);
	add(a, y, MHS_OR_PRMD, MHS_OR_PRINTABLE, "23", NULL);
	CU_ASSERT(mhs_or_equal(x, y));
	arena_free(&a);
}

static void
a_prefix_matches_with_its_number_of_attributes(void)
{
	static const struct {
		const char *ora, *prefix;
		int n;
	} rows[] = {
	    {"/S=Ray/O=EDDF/P=eu/A=ICAO/C=XX/", "/", 0},
	    {"/S=Ray/O=EDDF/P=eu/A=ICAO/C=XX/", "/C=xx/", 1},
	    {"/S=Ray/O=EDDF/P=eu/A=ICAO/C=XX/", "/C=xx/A=icao/P=EU/", 3},
	    {"/S=Ray/O=EDDF/P=eu/A=ICAO/C=XX/", "/C=xx/A=*/O=EDDF/", 3},
	    {"/S=Ray/O=EDDF/P=eu/A=ICAO/C=XX/", "/C=xx/A=*/OU1=*/", -1},
	    {"/S=Ray/O=EDDF/P=eu/A=ICAO/C=XX/", "/C=xx/A=x/", -1},
	    {"/S=Ray/C=XX/", "/C=xx/A= /", 2},
	    {"/DD.RFC-822=a(a)b/P=g/C=XX/", "/DD.rfc-822=*/C=XX/", 2},
	    {"/DD.other=a/P=g/C=XX/", "/DD.rfc-822=*/C=XX/", -1},
	    {"/O=Mueller*M{200}uller/C=de/", "/O=Mueller/C=de/", 2},
	    {"/O=Mueller*M{200}uller/C=de/", "/O=Mueller*M{200}uller/C=de/", 2},
	    {"/O=Mueller/C=de/", "/O=Mueller*M{200}uller/C=de/", 2},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		struct mhs_or *o = mhs_or_parse(a, rows[i].ora, NULL);
		struct mhs_or *p = mhs_or_parse_prefix(a, rows[i].prefix, NULL);

		CU_ASSERT_PTR_NOT_NULL_FATAL(o);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		CU_ASSERT_EQUAL(mhs_or_match(o, p), rows[i].n);
		arena_free(&a);
	}
}

static void
values_read_as_utf8_in_whatever_form(void)
{
	static const struct {
		const char *t61;
		const char *utf8;
	} rows[] = {
	    {"plain", "plain"},
	    {"M\xc8uller", "M\xc3\xbcller"},
	    {"\xa6\xa4", "#$"},
	    {"#$", "#$"}, /* not in T.61, but sent */
	    {"a\xe4", "a\xc4\xa6"},
	    {"\xc8", "\xc3\x88"}, /* a diacritic alone: read as 8859-1 */
	    {"\x1b-A\xfc", "\xc3\xbc"},
	    {"\x1b-L\xbc\x1b%@\xc8u", "\xd0\x9c\xc3\xbc"},
	    {"\x1b%G\xd0\x9c", "\xd0\x9c"},
	    {"a\x1b", "a"},
	    {"a\x1b(Bb", "ab"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		struct mhs_or *o = mhs_or_new(a);

		CU_ASSERT_EQUAL(add(a, o, MHS_OR_COMMON_NAME, MHS_OR_TELETEX,
				    rows[i].t61, NULL),
		    0);
		CU_ASSERT_STRING_EQUAL(
		    mhs_or_attr_utf8(a, &o->attrs[0]), rows[i].utf8);
		arena_free(&a);
	}
}

static void
a_dda_is_found_by_its_type(void)
{
	struct arena *a = arena_new();
	struct mhs_or *o = mhs_or_parse(a,
	    "DDA:RFC-822=joe(a)x.example; DDA:X=M\xc3\xbcller; C=us; A=x",
	    NULL);

	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	CU_ASSERT_STRING_EQUAL(mhs_or_dda(a, o, "rfc-822"), "joe(a)x.example");
	CU_ASSERT_STRING_EQUAL(mhs_or_dda(a, o, "x"), "M\xc3\xbcller");
	CU_ASSERT_PTR_NULL(mhs_or_dda(a, o, "y"));
	arena_free(&a);
}

void
suite_mhs_or(void)
{
	static CU_TestInfo tests[] = {
	    TEST(attributes_stand_in_the_order_of_the_hierarchy),
	    TEST(what_an_attribute_cannot_be_is_refused),
	    TEST(limits_hold_and_nothing_is_there_twice_in_one_form),
	    TEST(a_copy_shares_nothing),
	    TEST(equality_is_that_of_x402),
	    TEST(numeric_and_printable_forms_are_equal),
	    TEST(a_prefix_matches_with_its_number_of_attributes),
	    TEST(values_read_as_utf8_in_whatever_form),
	    TEST(a_dda_is_found_by_its_type),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("mhs_or", tests);
}
