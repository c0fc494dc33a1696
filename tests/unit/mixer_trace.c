#include "tests/unit/mixer_fixture.h"
#include "tests/unit/unit.h"

static struct octets
some_eits(struct fixture *f)
{
	struct mixer_eits t = {.builtin = 1u << 2};

	return mixer_eits_encode(f->a, &t);
}

static void
add_external(struct fixture *f, struct mhs_envelope *env, const char *admd)
{
	struct mhs_trace *t = mhs_trace_add(f->a, env);

	t->domain = (struct mhs_domain){.country = "XX", .admd = admd};
	t->arrival = FIXTURE_NOW - 10;
}

static size_t
count_external(const struct mhs_envelope *env)
{
	size_t n = 0;

	for (size_t i = 0; i < env->n_trace; i++)
		n += !env->trace[i].internal;
	return n;
}

/* X.411 12.2.1.1.1.3: one element for each passage of a domain. */
static void
a_conversion_is_noted_in_our_element_when_it_is_the_newest(void)
{
	static const struct {
		const char *newest;
		size_t external;
	} rows[] = {{NULL, 1}, {"ALPHA", 1}, {"BRAVO", 2}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture f;
		struct mixer_conv cv;
		struct mhs_envelope *env;
		const struct mhs_trace *t;

		fixture_open(&f);
		cv = fixture_conv(&f);
		env = mhs_envelope_new(f.a, MHS_MESSAGE);
		if (rows[i].newest != NULL)
			add_external(&f, env, rows[i].newest);
		mixer_trace_conversion(&cv, env, some_eits(&f));
		CU_ASSERT_EQUAL(count_external(env), rows[i].external);
		t = &env->trace[env->n_trace - 2];
		CU_ASSERT_FALSE(t->internal);
		CU_ASSERT_STRING_EQUAL(t->domain.admd, "ALPHA");
		CU_ASSERT_PTR_NOT_NULL(t->converted_eits);
		fixture_close(&f);
	}
}

/* X.411 of 1988 has built-in-encoded-information-types mandatory. */
static void
built_in_types_are_always_there(void)
{
	static const uint8_t none[] = {0x65, 0x03, 0x80, 0x01, 0x00};
	static const uint8_t ia5[] = {0x65, 0x04, 0x80, 0x02, 0x05, 0x20};
	struct mixer_eits nothing = {0};
	struct fixture f;
	struct octets o;

	fixture_open(&f);
	o = mixer_eits_encode(f.a, &nothing);
	CU_ASSERT_EQUAL_FATAL(o.n, sizeof(none));
	CU_ASSERT_EQUAL(memcmp(o.p, none, o.n), 0);
	o = some_eits(&f);
	CU_ASSERT_EQUAL_FATAL(o.n, sizeof(ia5));
	CU_ASSERT_EQUAL(memcmp(o.p, ia5, o.n), 0);
	fixture_close(&f);
}

void
suite_mixer_trace(void)
{
	static CU_TestInfo tests[] = {
	    TEST(a_conversion_is_noted_in_our_element_when_it_is_the_newest),
	    TEST(built_in_types_are_always_there),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("mixer_trace", tests);
}
