#include "p1/trace.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

static const struct p1_us us = {
    .domain = {"XX", "ALPHA", "GATE"}, .mta = "alpha"};

/* One letter an element, oldest first: D our domain, d another; M our MTA, m
 * another MTA of our domain, x an MTA of another; with '!' after it rerouted,
 * with '+' redirected. */
static struct mhs_envelope *
make(struct arena *a, const char *way)
{
	struct mhs_envelope *env = mhs_envelope_new(a, MHS_MESSAGE);
	struct mhs_trace *t = NULL;

	for (; *way != '\0'; way++) {
		if (*way == '!') {
			t->action = MHS_REROUTED;
			continue;
		}
		if (*way == '+') {
			t->other_actions = 1;
			continue;
		}
		t = mhs_trace_add(a, env);
		t->internal = strchr("Mmx", *way) != NULL;
		t->domain = us.domain;
		if (*way == 'd' || *way == 'x')
			t->domain.admd = "BRAVO";
		if (t->internal)
			t->mta = *way == 'M' ? "ALPHA" : "other";
	}
	return env;
}

static void
visits_are_counted_by_mta_and_else_by_domain(void)
{
	static const struct {
		const char *way;
		unsigned visits;
	} cases[] = {
	    {"", 0},
	    {"d", 0},
	    {"dD", 0}, /* given to us by another MTA of our domain */
	    {"Dd", 1},
	    {"DdDd", 2},
	    {"DDd", 1},
	    {"dDmM", 1},
	    {"DMdxMx", 2},
	    {"DmdDm", 1}, /* our domain twice, though never this MTA */
	    {"dx", 0},
	    {"Ddx", 1}, /* internal trace of others says nothing of us */
	    {"DMdx!", 0},
	    {"DMM+", 0},
	    {"DMx+M", 1},
	    {"Dd!d", 0},
	    {"Dd!dDd", 1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *a = arena_new();
		unsigned n = p1_trace_visits(make(a, cases[i].way), &us);

		if (n != cases[i].visits)
			printf("\n  \"%s\": %u", cases[i].way, n);
		CU_ASSERT_EQUAL(n, cases[i].visits);
		arena_free(&a);
	}
}

static void
arrival_adds_the_domain_once_and_the_mta_always(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *env = make(a, "dx");

	p1_trace_arrival(a, env, &us, 1700000000);
	CU_ASSERT_EQUAL_FATAL(env->n_trace, 4);
	CU_ASSERT_FALSE(env->trace[2].internal);
	CU_ASSERT_STRING_EQUAL(env->trace[2].domain.admd, "ALPHA");
	CU_ASSERT_EQUAL(env->trace[2].arrival, 1700000000);
	CU_ASSERT_EQUAL(env->trace[2].action, MHS_RELAYED);
	CU_ASSERT(env->trace[3].internal);
	CU_ASSERT_STRING_EQUAL(env->trace[3].mta, "alpha");
	p1_trace_arrival(a, env, &us, 1700000001);
	CU_ASSERT_EQUAL_FATAL(env->n_trace, 5);
	CU_ASSERT(env->trace[4].internal);
	arena_free(&a);
}

static void
lines_of_internet_mail_are_no_domains(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *env = mhs_envelope_new(a, MHS_MESSAGE);

	mhs_trace_add(a, env)->received = "from a by b";
	CU_ASSERT_EQUAL(p1_trace_visits(env, &us), 0);
	p1_trace_arrival(a, env, &us, 1700000000);
	CU_ASSERT_EQUAL(env->n_trace, 3);
	arena_free(&a);
}

static void
what_was_done_here_stands_on_our_own_elements(void)
{
	static const struct mhs_domain other = {"XX", "BRAVO", NULL};
	struct arena *a = arena_new();
	struct mhs_envelope *env = make(a, "dDmM");

	p1_trace_deferred(a, env, &us, 1700000000, 1700000100);
	p1_trace_redirected(a, env, &us, 1700000100);
	p1_trace_dl_operation(a, env, &us, 1700000100);
	p1_trace_rerouted(a, env, &us, 1700000100, &other, "bravo");
	CU_ASSERT_EQUAL_FATAL(env->n_trace, 4);
	for (size_t i = 0; i < 4; i++) {
		const struct mhs_trace *t = &env->trace[i];
		bool own = i == 1 || i == 3;

		CU_ASSERT_EQUAL(t->deferred, own ? 1700000100 : 0);
		CU_ASSERT_EQUAL(t->other_actions,
		    own ? P1_TRACE_REDIRECTED | P1_TRACE_DL_OPERATION : 0);
		CU_ASSERT_EQUAL(t->action, own ? MHS_REROUTED : MHS_RELAYED);
		CU_ASSERT_EQUAL(t->attempted.country != NULL, own);
		CU_ASSERT_PTR_NULL(t->attempted_mta);
	}
	arena_free(&a);
}

static void
a_way_within_our_domain_is_told_by_its_mta(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *env = make(a, "DM");

	p1_trace_rerouted(a, env, &us, 1, NULL, "beta");
	CU_ASSERT_EQUAL(env->trace[0].action, MHS_RELAYED);
	CU_ASSERT_EQUAL(env->trace[1].action, MHS_REROUTED);
	CU_ASSERT_STRING_EQUAL(env->trace[1].attempted_mta, "beta");
	p1_trace_rerouted(a, env, &us, 1, NULL, "gamma");
	CU_ASSERT_STRING_EQUAL(env->trace[1].attempted_mta, "beta");
	p1_trace_rerouted(a, env, &us, 1, &us.domain, "delta");
	CU_ASSERT_EQUAL(env->trace[0].action, MHS_RELAYED);
	arena_free(&a);
}

static void
elements_that_are_missing_are_made(void)
{
	static const char *const ways[] = {"", "Md", "DMdx", "Dm"};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct arena *a = arena_new();
		struct mhs_envelope *env = make(a, ways[i]);
		struct mhs_trace *last;

		p1_trace_redirected(a, env, &us, 1700000000);
		last = &env->trace[env->n_trace - 1];
		CU_ASSERT(last->internal);
		CU_ASSERT_EQUAL(last->arrival, 1700000000);
		CU_ASSERT_EQUAL(last->other_actions, P1_TRACE_REDIRECTED);
		CU_ASSERT_EQUAL(p1_trace_visits(env, &us), 0);
		arena_free(&a);
	}
}

void
suite_p1_trace(void)
{
	static CU_TestInfo tests[] = {
	    TEST(visits_are_counted_by_mta_and_else_by_domain),
	    TEST(arrival_adds_the_domain_once_and_the_mta_always),
	    TEST(lines_of_internet_mail_are_no_domains),
	    TEST(what_was_done_here_stands_on_our_own_elements),
	    TEST(a_way_within_our_domain_is_told_by_its_mta),
	    TEST(elements_that_are_missing_are_made),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("p1_trace", tests);
}
