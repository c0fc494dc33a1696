#include "p1/ext.h"

#include "tests/unit/p1_ext_vectors.h"
#include "tests/unit/p1_vectors.h"

static struct mhs_ext
ext(struct arena *a, int type, const char *hex)
{
	struct buf b = {0};
	struct mhs_ext x = {.type = type};

	hex_append(&b, hex);
	x.value = arena_memdup(a, b.data, b.len);
	x.n = b.len;
	buf_free(&b);
	return x;
}

static void
every_standard_extension_has_a_vector(void)
{
	for (int type = 1; type <= 46; type++) {
		CU_ASSERT_EQUAL(ext_vectors[type - 1].type, type);
		CU_ASSERT_PTR_NOT_NULL(p1_ext_name(type));
	}
	CU_ASSERT_PTR_NULL(p1_ext_name(0));
	CU_ASSERT_PTR_NULL(p1_ext_name(47));
	CU_ASSERT_PTR_NULL(p1_ext_name(-1));
}

static void
what_the_standard_says_is_good(void)
{
	struct arena *a = arena_new();

	for (size_t i = 0; i < EXT_VECTORS; i++) {
		struct mhs_ext x =
		    ext(a, ext_vectors[i].type, ext_vectors[i].good);
		struct err e = ERR_INIT;
		int r = p1_ext_check(&x, &e);

		if (r < 0)
			printf("\n  %d: %s", ext_vectors[i].type, e.text);
		CU_ASSERT_EQUAL(r, 0);
	}
	arena_free(&a);
}

static void
another_syntax_is_told_by_its_name(void)
{
	struct arena *a = arena_new();

	for (size_t i = 0; i < EXT_VECTORS; i++) {
		const char *name = p1_ext_name(ext_vectors[i].type);
		struct mhs_ext x;
		struct err e = ERR_INIT;

		if (ext_vectors[i].bad == NULL)
			continue;
		x = ext(a, ext_vectors[i].type, ext_vectors[i].bad);
		if (p1_ext_check(&x, &e) >= 0)
			printf("\n  %s", name);
		CU_ASSERT(p1_ext_check(&x, &e) < 0);
		CU_ASSERT(strncmp(e.text, name, strlen(name)) == 0);
	}
	arena_free(&a);
}

/* No value, octets that are no element, an element of no type anywhere. */
static void
no_value_is_no_value(void)
{
	static const char *const bad[] = {"", "30", "30 05", "0a 01", "7f 01"};
	struct arena *a = arena_new();

	for (size_t i = 0; i < EXT_VECTORS; i++)
		for (size_t j = 0; j < sizeof(bad) / sizeof(bad[0]); j++) {
			struct mhs_ext x = ext(a, ext_vectors[i].type, bad[j]);

			CU_ASSERT(p1_ext_check(&x, NULL) < 0);
		}
	arena_free(&a);
}

static void
bounds_are_told_from_syntax(void)
{
	static const struct {
		int type;
		const char *hex;
		int result;
	} cases[] = {
	    {20, "31 04 02 02 01 00", 0},
	    {20, "31 04 02 02 01 01", ERR_LIMIT},
	    {20, "31 02 13 00", ERR_LIMIT},
	    {26, "30 00", ERR_LIMIT},
	    {30, "30 20 " X_EXPANSION, ERR_LIMIT},
	    {14, "02 02 01 01", ERR_LIMIT},
	    {9, "03 02 00 60", ERR_SYNTAX},
	    {5, "17 0b 32 34 31 33 30 31 30 32 30 33 5a", ERR_SYNTAX},
	};
	struct arena *a = arena_new();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mhs_ext x = ext(a, cases[i].type, cases[i].hex);

		CU_ASSERT_EQUAL(p1_ext_check(&x, NULL), cases[i].result);
	}
	arena_free(&a);
}

static void
a_correlator_is_text_octets_or_anything_of_that_length(void)
{
	static const char *const forms[] = {
	    "16 01 61", "04 01 ff", "30 03 02 01 05", "14 01 e9"};
	struct arena *a = arena_new();
	struct buf b = {0};
	struct mhs_ext x;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		x = ext(a, 23, forms[i]);
		CU_ASSERT_EQUAL(p1_ext_check(&x, NULL), 0);
	}
	ber_put_header(&b, BER_UNIVERSAL, false, BER_OCTET_STRING, 513);
	for (int i = 0; i < 513; i++)
		buf_putc(&b, 'x');
	x = (struct mhs_ext){.type = 23, .value = b.data, .n = b.len};
	CU_ASSERT_EQUAL(p1_ext_check(&x, NULL), ERR_LIMIT);
	buf_free(&b);
	arena_free(&a);
}

static void
private_and_unknown_ones_are_always_good(void)
{
	struct arena *a = arena_new();
	struct mhs_ext x = ext(a, 99, "ff"), y = ext(a, -1, "ff");

	y.oid = "1.2.3";
	CU_ASSERT_EQUAL(p1_ext_check(&x, NULL), 0);
	CU_ASSERT_EQUAL(p1_ext_check(&y, NULL), 0);
	y.type = 1; /* a private one, whatever its number says */
	CU_ASSERT_EQUAL(p1_ext_check(&y, NULL), 0);
	arena_free(&a);
}

static void
values_are_shown(void)
{
	struct arena *a = arena_new();

	for (size_t i = 0; i < EXT_VECTORS; i++) {
		struct mhs_ext x =
		    ext(a, ext_vectors[i].type, ext_vectors[i].good);
		struct buf out = {0};

		p1_ext_print(&x, 2, &out);
		if (strstr(buf_cstr(&out), ext_vectors[i].shown) == NULL)
			printf("\n  %d: %s", x.type, buf_cstr(&out));
		CU_ASSERT_PTR_NOT_NULL(
		    strstr(buf_cstr(&out), ext_vectors[i].shown));
		CU_ASSERT(strncmp(buf_cstr(&out), "    ", 4) == 0);
		CU_ASSERT_EQUAL(out.data[out.len - 1], '\n');
		CU_ASSERT_PTR_NULL(strstr(buf_cstr(&out), "not as X.411"));
		buf_free(&out);
	}
	arena_free(&a);
}

static void
what_is_not_understood_is_shown_as_elements(void)
{
	struct arena *a = arena_new();
	struct mhs_ext x = ext(a, 99, "30 03 02 01 05");
	struct mhs_ext bad = ext(a, 5, "30 03 02 01 05");
	struct buf out = {0};

	p1_ext_print(&x, 0, &out);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&out), "INTEGER"));
	buf_clear(&out);
	p1_ext_print(&bad, 0, &out);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&out), "not as X.411 has it"));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_cstr(&out), "INTEGER"));
	buf_free(&out);
	arena_free(&a);
}

/* --- readers and writers --- */

static struct mhs_name
name(struct arena *a, const char *text)
{
	return (struct mhs_name){.ora = mhs_or_parse(a, text, NULL)};
}

static void
what_was_set_is_read_again(void)
{
	struct arena *a = arena_new();
	struct mhs_exts x = {0};
	struct mhs_name joe = name(a, "C=XX; A=A; S=Joe"), back = {0};
	struct mhs_domain domain = {"XX", "A", "P"}, d = {0};
	const char *mta = NULL;
	int64_t t = 0;

	CU_ASSERT(!p1_ext_flag(&x, P1_EXT_RECIPIENT_REASSIGNMENT_PROHIBITED));
	CU_ASSERT_EQUAL(p1_ext_set_flag(a, &x,
			    P1_EXT_RECIPIENT_REASSIGNMENT_PROHIBITED, NULL),
	    0);
	CU_ASSERT_EQUAL(p1_ext_set_time(a, &x, P1_EXT_LATEST_DELIVERY_TIME,
			    1700000000, NULL),
	    0);
	CU_ASSERT_EQUAL(
	    p1_ext_set_or_name(a, &x, P1_EXT_ORIGINATOR_ALTERNATE, &joe, NULL),
	    0);
	CU_ASSERT_EQUAL(
	    p1_ext_set_reporting_mta(a, &x, &domain, "gate", NULL), 0);
	CU_ASSERT_EQUAL(x.n, 4);
	CU_ASSERT_EQUAL(x.v[0].criticality, MHS_CRITICAL_DELIVERY);
	CU_ASSERT(p1_ext_flag(&x, P1_EXT_RECIPIENT_REASSIGNMENT_PROHIBITED));
	CU_ASSERT(p1_ext_time(&x, P1_EXT_LATEST_DELIVERY_TIME, &t));
	CU_ASSERT_EQUAL(t, 1700000000);
	CU_ASSERT(p1_ext_or_name(a, &x, P1_EXT_ORIGINATOR_ALTERNATE, &back));
	CU_ASSERT(mhs_or_equal(back.ora, joe.ora));
	CU_ASSERT(p1_ext_reporting_mta(a, &x, &d, &mta));
	CU_ASSERT(mhs_domain_equal(&d, &domain));
	CU_ASSERT_STRING_EQUAL(mta, "gate");
	for (size_t i = 0; i < x.n; i++)
		CU_ASSERT_EQUAL(p1_ext_check(&x.v[i], NULL), 0);
	p1_ext_set_time(a, &x, P1_EXT_LATEST_DELIVERY_TIME, 1800000000, NULL);
	CU_ASSERT_EQUAL(x.n, 4);
	CU_ASSERT(p1_ext_time(&x, P1_EXT_LATEST_DELIVERY_TIME, &t));
	CU_ASSERT_EQUAL(t, 1800000000);
	p1_ext_remove(a, &x, P1_EXT_LATEST_DELIVERY_TIME);
	CU_ASSERT_EQUAL(x.n, 3);
	CU_ASSERT(!p1_ext_time(&x, P1_EXT_LATEST_DELIVERY_TIME, &t));
	arena_free(&a);
}

static void
histories_are_read_again_in_their_order(void)
{
	static const enum p1_ext types[] = {P1_EXT_REDIRECTION_HISTORY,
	    P1_EXT_DL_HISTORY, P1_EXT_ORIGINATOR_AND_DL_HISTORY};
	struct arena *a = arena_new();
	struct p1_history v[2] = {
	    {name(a, "C=XX; A=A; S=Joe"), 1700000000, P1_ALIAS},
	    {name(a, "C=XX; A=A; S=Ray"), 1700000060, P1_DIRECTORY_LOOK_UP},
	};
	struct p1_history *back;

	for (size_t i = 0; i < 3; i++) {
		struct mhs_exts x = {0};

		CU_ASSERT_EQUAL(
		    p1_ext_set_history(a, &x, types[i], v, 2, NULL), 0);
		CU_ASSERT_EQUAL(x.v[0].criticality, 0);
		CU_ASSERT_EQUAL(p1_ext_check(&x.v[0], NULL), 0);
		CU_ASSERT_EQUAL_FATAL(
		    p1_ext_history(a, &x, types[i], &back), 2);
		for (size_t j = 0; j < 2; j++) {
			CU_ASSERT(
			    mhs_or_equal(back[j].name.ora, v[j].name.ora));
			CU_ASSERT_EQUAL(back[j].time, v[j].time);
			CU_ASSERT_EQUAL(
			    back[j].reason, i == 0 ? v[j].reason : 0);
		}
	}
	arena_free(&a);
}

static void
what_p1_cannot_carry_is_not_set(void)
{
	struct arena *a = arena_new();
	struct mhs_exts x = {0};
	struct mhs_name nobody = {.mailbox = "joe@a.example"};
	struct p1_history *v = arena_alloc(a, 514 * sizeof(*v));
	struct err e = ERR_INIT;

	for (size_t i = 0; i < 514; i++)
		v[i].name = name(a, "C=XX; A=A; S=Joe");
	CU_ASSERT_EQUAL(
	    p1_ext_set_or_name(a, &x, P1_EXT_REPORTING_DL_NAME, &nobody, &e),
	    ERR_SYNTAX);
	CU_ASSERT_EQUAL(
	    p1_ext_set_history(a, &x, P1_EXT_DL_HISTORY, v, 0, &e), ERR_SYNTAX);
	CU_ASSERT_EQUAL(
	    p1_ext_set_history(a, &x, P1_EXT_DL_HISTORY, v, 512, &e), 0);
	CU_ASSERT_EQUAL(
	    p1_ext_set_history(a, &x, P1_EXT_DL_HISTORY, v, 513, &e),
	    ERR_LIMIT);
	CU_ASSERT_EQUAL(p1_ext_set_history(a, &x,
			    P1_EXT_ORIGINATOR_AND_DL_HISTORY, v, 513, &e),
	    0);
	CU_ASSERT_EQUAL(x.n, 2);
	arena_free(&a);
}

static void
a_bad_value_reads_as_absent(void)
{
	struct arena *a = arena_new();
	struct mhs_ext v[] = {ext(a, 1, "0a 01 07"), ext(a, 5, "17 01 30"),
	    ext(a, 2, "60 00"), ext(a, 26, "30 02 05 00"), ext(a, 39, "30 00")};
	struct mhs_exts x = {v, 5};
	struct p1_history *h;
	struct mhs_domain d;
	struct mhs_name n;
	const char *mta;
	int64_t t;

	CU_ASSERT(!p1_ext_flag(&x, P1_EXT_RECIPIENT_REASSIGNMENT_PROHIBITED));
	CU_ASSERT(!p1_ext_time(&x, P1_EXT_LATEST_DELIVERY_TIME, &t));
	CU_ASSERT(!p1_ext_or_name(a, &x, P1_EXT_ORIGINATOR_ALTERNATE, &n));
	CU_ASSERT_EQUAL(p1_ext_history(a, &x, P1_EXT_DL_HISTORY, &h), 0);
	CU_ASSERT_PTR_NULL(h);
	CU_ASSERT(!p1_ext_reporting_mta(a, &x, &d, &mta));
	arena_free(&a);
}

void
suite_p1_ext(void)
{
	static CU_TestInfo tests[] = {
	    TEST(every_standard_extension_has_a_vector),
	    TEST(what_the_standard_says_is_good),
	    TEST(another_syntax_is_told_by_its_name),
	    TEST(no_value_is_no_value),
	    TEST(bounds_are_told_from_syntax),
	    TEST(a_correlator_is_text_octets_or_anything_of_that_length),
	    TEST(private_and_unknown_ones_are_always_good),
	    TEST(values_are_shown),
	    TEST(what_is_not_understood_is_shown_as_elements),
	    TEST(what_was_set_is_read_again),
	    TEST(histories_are_read_again_in_their_order),
	    TEST(what_p1_cannot_carry_is_not_set),
	    TEST(a_bad_value_reads_as_absent),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("p1_ext", tests);
}
