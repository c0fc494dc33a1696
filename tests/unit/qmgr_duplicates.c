#include "qmgr/duplicates.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

static struct mhs_recipient *
add(struct arena *a, struct mhs_envelope *env, const char *name)
{
	struct mhs_recipient *r = mhs_recipient_add(a, env);

	if (*name == '/')
		r->name.ora = mhs_or_parse(a, name, NULL);
	else
		r->name.mailbox = name;
	r->number = (int32_t)env->n_recipients;
	r->responsible = true;
	r->explicit_conversion = -1;
	return r;
}

static void
a_user_named_twice_is_delivered_to_once_and_keeps_both_numbers(void)
{
	static const char *const names[] = {"a@b.example", "/CN=x/A=A/C=XX/",
	    "other@b.example", "A@B.example", "/CN=X/A=a/C=xx/", "a@b.example"};
	static const bool stays[] = {true, true, true, false, false, false};
	struct arena *a = arena_new();
	struct mhs_envelope *env = mhs_envelope_new(a, MHS_MESSAGE);

	for (size_t i = 0; i < 6; i++)
		add(a, env, names[i]);
	CU_ASSERT_EQUAL(q_merge_duplicates(env), 3);
	for (size_t i = 0; i < 6; i++) {
		CU_ASSERT_EQUAL(env->recipients[i].responsible, stays[i]);
		CU_ASSERT_EQUAL(env->recipients[i].number, (int)i + 1);
	}
	/* and once more changes nothing */
	CU_ASSERT_EQUAL(q_merge_duplicates(env), 0);
	arena_free(&a);
}

static void
other_wishes_for_the_same_user_are_kept_apart(void)
{
	for (int kind = 0; kind < 5; kind++) {
		struct arena *a = arena_new();
		struct mhs_envelope *env = mhs_envelope_new(a, MHS_MESSAGE);
		struct mhs_ext ext = {14, NULL, 0, (const uint8_t *)"\5", 2};
		struct mhs_recipient *r;

		add(a, env, "a@b.example");
		r = add(a, env, "a@b.example");
		if (kind == 0)
			r->orcpt = "rfc822;z@b.example";
		if (kind == 1)
			r->explicit_conversion = 8;
		if (kind == 2)
			r->exts = (struct mhs_exts){&ext, 1};
		if (kind == 3)
			r->responsible = false;
		if (kind == 4)
			r->name.mailbox = "a@c.example";
		CU_ASSERT_EQUAL(q_merge_duplicates(env), 0);
		CU_ASSERT_TRUE(env->recipients[0].responsible);
		CU_ASSERT_EQUAL(env->recipients[1].responsible, kind != 3);
		arena_free(&a);
	}
}

static void
the_one_that_stays_reports_what_any_was_asked_for(void)
{
	static const struct {
		uint8_t x, y, both;
	} v[] = {
	    {0, 0, 0},
	    {MHS_NOTIFY_NEVER, MHS_NOTIFY_NEVER, MHS_NOTIFY_NEVER},
	    {0, MHS_NOTIFY_NEVER, MHS_NOTIFY_FAILURE | MHS_NOTIFY_DELAY},
	    {MHS_NOTIFY_NEVER, MHS_NOTIFY_SUCCESS, MHS_NOTIFY_SUCCESS},
	    {MHS_NOTIFY_SUCCESS, 0,
		MHS_NOTIFY_SUCCESS | MHS_NOTIFY_FAILURE | MHS_NOTIFY_DELAY},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct arena *a = arena_new();
		struct mhs_envelope *env = mhs_envelope_new(a, MHS_MESSAGE);
		struct mhs_recipient *r;

		add(a, env, "a@b.example")->notify = v[i].x;
		r = add(a, env, "a@b.example");
		r->notify = v[i].y;
		r->originator_report = MHS_REPORT_DR;
		r->mta_report = MHS_REPORT_NDR;
		r->audit = true;
		CU_ASSERT_EQUAL(q_merge_duplicates(env), 1);
		r = env->recipients;
		CU_ASSERT_EQUAL(r->notify, v[i].both);
		CU_ASSERT_EQUAL(r->originator_report, MHS_REPORT_DR);
		CU_ASSERT_EQUAL(r->mta_report, MHS_REPORT_NDR);
		CU_ASSERT_TRUE(r->audit);
		arena_free(&a);
	}
}

static void
as_many_recipients_as_there_may_be_take_no_time(void)
{
	struct arena *a = arena_new();
	struct mhs_envelope *env = mhs_envelope_new(a, MHS_MESSAGE);

	for (unsigned i = 0; i < MHS_RECIPIENTS_MAX; i++) {
		/* all of one name, half of them with wishes of their own */
		struct mhs_recipient *r = add(a, env, "a@b.example");

		if (i % 2 == 1)
			r->orcpt = arena_printf(a, "rfc822;%u@b.example", i);
	}
	CU_ASSERT_EQUAL(q_merge_duplicates(env), MHS_RECIPIENTS_MAX / 2);
	arena_free(&a);
}

void
suite_qmgr_duplicates(void)
{
	static CU_TestInfo tests[] = {
	    TEST(
		a_user_named_twice_is_delivered_to_once_and_keeps_both_numbers),
	    TEST(other_wishes_for_the_same_user_are_kept_apart),
	    TEST(the_one_that_stays_reports_what_any_was_asked_for),
	    TEST(as_many_recipients_as_there_may_be_take_no_time),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("qmgr_duplicates", tests);
}
