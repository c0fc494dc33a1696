#include "qmgr/list.h"

#include <stdio.h>
#include <string.h>

#include "mhs/diag.h"
#include "p1/ext.h"
#include "p1/or_codec.h"
#include "tests/unit/unit.h"

struct world {
	struct arena *a;
	struct q_list l;
	struct mhs_envelope *env;
	struct mhs_recipient *r;
	struct err e;
};

static struct mhs_name
named(struct world *w, const char *text)
{
	struct mhs_name n = {0};

	if (*text == '/')
		n.ora = mhs_or_parse(w->a, text, NULL);
	else
		n.mailbox = text;
	return n;
}

static void
add_member(struct world *w, const char *name)
{
	*(struct mhs_name *)arena_push(w->a, &w->l.members, &w->l.n_members,
	    sizeof(*w->l.members)) = named(w, name);
}

static void
begin(struct world *w)
{
	*w = (struct world){.a = arena_new(), .e = ERR_INIT};
	w->l.name = named(w, "/CN=staff/ADMD=ALPHA/C=XX/");
	w->l.owner = named(w, "/CN=owner/ADMD=ALPHA/C=XX/");
	add_member(w, "/S=One/ADMD=BRAVO/C=XX/");
	add_member(w, "two@b.example");
	w->env = mhs_envelope_new(w->a, MHS_MESSAGE);
	w->env->content_type = MHS_CONTENT_P22;
	w->env->originator = named(w, "/S=Al/ADMD=BRAVO/C=XX/");
	w->env->disclosure_of_other_recipients = true;
	mhs_recipient_add(w->a, w->env)->responsible = true;
	w->r = mhs_recipient_add(w->a, w->env);
	w->r->name = w->l.name;
	w->r->number = 7;
	w->r->responsible = true;
	w->r->originator_report = w->r->mta_report = MHS_REPORT_DR;
}

static void
finish(struct world *w)
{
	arena_free(&w->a);
}

static void
pass_list(struct world *w, const char *name)
{
	struct p1_history *old, *v;
	size_t n = p1_ext_history(w->a, &w->env->exts, P1_EXT_DL_HISTORY, &old);

	v = arena_alloc(w->a, (n + 1) * sizeof(*v));
	if (n > 0)
		memcpy(v, old, n * sizeof(*v));
	v[n] = (struct p1_history){.name = named(w, name), .time = 500};
	CU_ASSERT_EQUAL(p1_ext_set_history(w->a, &w->env->exts,
			    P1_EXT_DL_HISTORY, v, n + 1, &w->e),
	    0);
}

static void
permission_is_by_address_mailbox_domain_and_membership(void)
{
	static const struct {
		struct q_list_permit permit;
		const char *prefix, *from;
		bool may;
	} rows[] = {
	    {{0}, "/C=XX/ADMD=BRAVO/", "/S=Al/ADMD=BRAVO/C=XX/", true},
	    {{0}, "/C=XX/ADMD=BRAVO/", "/S=Al/ADMD=ALPHA/C=XX/", false},
	    {{0}, "/C=XX/ADMD=BRAVO/", "al@b.example", false},
	    {{.domain = "b.example"}, NULL, "al@B.example", true},
	    {{.domain = "b.example"}, NULL, "al@x.b.example", false},
	    {{.domain = ".b.example"}, NULL, "al@x.b.example", true},
	    {{.domain = ".b.example"}, NULL, "al@xb.example", false},
	    {{.domain = "*"}, NULL, "al@c.example", true},
	    {{.domain = "*"}, NULL, "", false},
	    {{.domain = "*"}, NULL, "/S=Al/ADMD=BRAVO/C=XX/", false},
	    {{.mailbox = "al@c.example"}, NULL, "AL@c.example", true},
	    {{.mailbox = "al@c.example"}, NULL, "bo@c.example", false},
	    {{.member = true}, NULL, "two@b.example", true},
	    {{.member = true}, NULL, "/S=One/ADMD=BRAVO/C=XX/", true},
	    {{.member = true}, NULL, "three@b.example", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct world w;
		struct q_list_permit p = rows[i].permit;
		int32_t diagnostic = -1;

		begin(&w);
		if (rows[i].prefix != NULL)
			p.prefix =
			    mhs_or_parse_prefix(w.a, rows[i].prefix, NULL);
		w.l.permits = &p;
		w.l.n_permits = 1;
		w.env->originator = named(&w, rows[i].from);
		CU_ASSERT_EQUAL(
		    q_list_judge(w.a, &w.l, w.env, w.r, &diagnostic),
		    rows[i].may ? Q_LIST_GOOD : Q_LIST_REFUSED);
		CU_ASSERT_EQUAL(
		    diagnostic, rows[i].may ? -1 : MHS_NO_DL_SUBMIT_PERMISSION);
		finish(&w);
	}
}

static void
everybody_but_the_null_sender_may_where_nothing_is_said(void)
{
	struct world w;
	int32_t diagnostic;

	begin(&w);
	CU_ASSERT_EQUAL(
	    q_list_judge(w.a, &w.l, w.env, w.r, &diagnostic), Q_LIST_GOOD);
	w.env->originator = named(&w, "");
	CU_ASSERT_EQUAL(
	    q_list_judge(w.a, &w.l, w.env, w.r, &diagnostic), Q_LIST_REFUSED);
	finish(&w);
}

static void
a_nested_list_is_judged_by_the_list_before_it(void)
{
	struct world w;
	struct q_list_permit p = {0};
	int32_t diagnostic;

	begin(&w);
	p.prefix = mhs_or_parse_prefix(w.a, "/C=XX/ADMD=ALPHA/CN=all/", NULL);
	w.l.permits = &p;
	w.l.n_permits = 1;
	CU_ASSERT_EQUAL(
	    q_list_judge(w.a, &w.l, w.env, w.r, &diagnostic), Q_LIST_REFUSED);
	pass_list(&w, "/CN=all/ADMD=ALPHA/C=XX/");
	CU_ASSERT_EQUAL(
	    q_list_judge(w.a, &w.l, w.env, w.r, &diagnostic), Q_LIST_GOOD);
	finish(&w);
}

static void
what_may_not_be_expanded_is_refused_and_a_loop_ends(void)
{
	struct world w;
	int32_t diagnostic;

	begin(&w);
	p1_ext_set_flag(
	    w.a, &w.env->exts, P1_EXT_DL_EXPANSION_PROHIBITED, &w.e);
	CU_ASSERT_EQUAL(
	    q_list_judge(w.a, &w.l, w.env, w.r, &diagnostic), Q_LIST_REFUSED);
	CU_ASSERT_EQUAL(diagnostic, MHS_DL_EXPANSION_PROHIBITED);
	finish(&w);
	begin(&w);
	w.l.n_members = 0;
	CU_ASSERT_EQUAL(
	    q_list_judge(w.a, &w.l, w.env, w.r, &diagnostic), Q_LIST_REFUSED);
	CU_ASSERT_EQUAL(diagnostic, MHS_DL_EXPANSION_FAILURE);
	finish(&w);
	begin(&w);
	pass_list(&w, "/CN=other/ADMD=ALPHA/C=XX/");
	CU_ASSERT_EQUAL(
	    q_list_judge(w.a, &w.l, w.env, w.r, &diagnostic), Q_LIST_GOOD);
	pass_list(&w, "/CN=Staff/ADMD=alpha/C=xx/");
	pass_list(&w, "/CN=third/ADMD=ALPHA/C=XX/");
	CU_ASSERT_EQUAL(
	    q_list_judge(w.a, &w.l, w.env, w.r, &diagnostic), Q_LIST_LOOP);
	finish(&w);
}

static void
the_members_get_it_under_the_lists_number_with_its_history(void)
{
	struct world w;
	struct mhs_envelope *out;
	struct p1_history *v;
	struct mhs_name other;

	begin(&w);
	other = named(&w, "/S=Alt/ADMD=BRAVO/C=XX/");
	p1_ext_set_or_name(
	    w.a, &w.r->exts, P1_EXT_ORIGINATOR_ALTERNATE, &other, &w.e);
	pass_list(&w, "/CN=all/ADMD=ALPHA/C=XX/");
	out = q_list_expand(w.a, &w.l, w.env, w.r, 1000000, &w.e);
	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	CU_ASSERT_EQUAL_FATAL(out->n_recipients, 2);
	CU_ASSERT_PTR_EQUAL(out->recipients[0].name.ora, w.l.members[0].ora);
	CU_ASSERT_STRING_EQUAL(
	    out->recipients[1].name.mailbox, "two@b.example");
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(out->recipients[i].number, 7);
		CU_ASSERT_TRUE(out->recipients[i].responsible);
		CU_ASSERT_EQUAL(out->recipients[i].exts.n, 0);
	}
	CU_ASSERT_FALSE(out->disclosure_of_other_recipients);
	CU_ASSERT_PTR_EQUAL(out->originator.ora, w.env->originator.ora);
	CU_ASSERT_EQUAL_FATAL(
	    p1_ext_history(w.a, &out->exts, P1_EXT_DL_HISTORY, &v), 2);
	CU_ASSERT_TRUE(mhs_or_equal(v[1].name.ora, w.l.name.ora));
	CU_ASSERT_EQUAL(v[1].time, 1000000);
	/* the one that it came from is as it was */
	CU_ASSERT_EQUAL(
	    p1_ext_history(w.a, &w.env->exts, P1_EXT_DL_HISTORY, &v), 1);
	CU_ASSERT_EQUAL(w.r->exts.n, 1);
	finish(&w);
}

static void
a_message_that_passed_too_many_lists_ends(void)
{
	struct world w;
	int32_t diagnostic;
	char name[64];

	begin(&w);
	for (int i = 0; i < Q_LIST_DEPTH_MAX; i++) {
		CU_ASSERT_EQUAL(
		    q_list_judge(w.a, &w.l, w.env, w.r, &diagnostic),
		    Q_LIST_GOOD);
		snprintf(name, sizeof(name), "/CN=l%d/ADMD=ALPHA/C=XX/", i);
		pass_list(&w, name);
	}
	CU_ASSERT_EQUAL(
	    q_list_judge(w.a, &w.l, w.env, w.r, &diagnostic), Q_LIST_REFUSED);
	CU_ASSERT_EQUAL(diagnostic, MHS_DL_EXPANSION_FAILURE);
	finish(&w);
}

static void
exempt(struct world *w, const char *name)
{
	struct mhs_ext *x =
	    arena_push(w->a, &w->env->exts.v, &w->env->exts.n, sizeof(*x));
	struct buf b = {0};

	CU_ASSERT(p1_or_encode(named(w, name).ora, P1_OR_NAME, &b, NULL) >= 0);
	ber_wrap(&b, 0, BER_UNIVERSAL, BER_SET);
	x->type = P1_EXT_DL_EXEMPTED;
	x->value = arena_memdup(w->a, b.data, b.len);
	x->n = b.len;
	buf_free(&b);
	CU_ASSERT_EQUAL(p1_ext_check(x, &w->e), 0);
}

static void
whom_the_originator_exempts_gets_no_copy(void)
{
	struct world w;
	struct mhs_envelope *out;

	begin(&w);
	exempt(&w, "/S=one/ADMD=bravo/C=XX/");
	out = q_list_expand(w.a, &w.l, w.env, w.r, 1000, &w.e);
	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	CU_ASSERT_EQUAL_FATAL(out->n_recipients, 1);
	CU_ASSERT_STRING_EQUAL(
	    out->recipients[0].name.mailbox, "two@b.example");
	finish(&w);
	begin(&w);
	w.l.n_members = 1;
	exempt(&w, "/S=One/ADMD=BRAVO/C=XX/");
	out = q_list_expand(w.a, &w.l, w.env, w.r, 1000, &w.e);
	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	CU_ASSERT_EQUAL(out->n_recipients, 0);
	finish(&w);
}

static void
members_mtas_are_asked_for_what_the_list_wants(void)
{
	static const struct {
		enum q_list_reports policy;
		enum mhs_report_request originator, mta;
		uint8_t notify;
	} rows[] = {
	    {Q_LIST_REPORTS_ORIGINATOR, MHS_REPORT_DR, MHS_REPORT_DR,
		MHS_NOTIFY_SUCCESS},
	    {Q_LIST_REPORTS_OWNER, MHS_REPORT_NDR, MHS_REPORT_NDR,
		MHS_NOTIFY_FAILURE},
	    {Q_LIST_REPORTS_NONE, MHS_REPORT_NONE, MHS_REPORT_NDR,
		MHS_NOTIFY_NEVER},
	};

	for (size_t i = 0; i < 3; i++) {
		struct world w;
		struct mhs_envelope *out;

		begin(&w);
		w.l.reports = rows[i].policy;
		w.r->notify = MHS_NOTIFY_SUCCESS;
		out = q_list_expand(w.a, &w.l, w.env, w.r, 1000, &w.e);
		CU_ASSERT_PTR_NOT_NULL_FATAL(out);
		CU_ASSERT_EQUAL(
		    out->recipients[0].originator_report, rows[i].originator);
		CU_ASSERT_EQUAL(out->recipients[0].mta_report, rows[i].mta);
		CU_ASSERT_EQUAL(out->recipients[0].notify, rows[i].notify);
		finish(&w);
	}
}

static void
internet_mail_for_a_list_bounces_where_the_list_says(void)
{
	struct world w;
	struct mhs_envelope *out;

	begin(&w);
	w.env->content_type = MHS_CONTENT_RFC822;
	w.env->originator = named(&w, "al@c.example");
	out = q_list_expand(w.a, &w.l, w.env, w.r, 1000, &w.e);
	CU_ASSERT_STRING_EQUAL(out->originator.mailbox, "al@c.example");
	w.l.reports = Q_LIST_REPORTS_OWNER;
	w.l.owner = named(&w, "owner@a.example");
	out = q_list_expand(w.a, &w.l, w.env, w.r, 1000, &w.e);
	CU_ASSERT_STRING_EQUAL(out->originator.mailbox, "owner@a.example");
	w.l.reports = Q_LIST_REPORTS_NONE;
	out = q_list_expand(w.a, &w.l, w.env, w.r, 1000, &w.e);
	CU_ASSERT_STRING_EQUAL(out->originator.mailbox, "");
	finish(&w);
}

static void
a_report_goes_back_one_step_or_to_the_owner_or_nowhere(void)
{
	static const struct {
		enum q_list_reports policy;
		const char *way[4]; /* originator and lists */
		const char *to;     /* NULL: dropped */
	} rows[] = {
	    {Q_LIST_REPORTS_ORIGINATOR,
		{"/S=Al/ADMD=BRAVO/C=XX/", "/CN=staff/ADMD=ALPHA/C=XX/"},
		"/S=Al/ADMD=BRAVO/C=XX/"},
	    {Q_LIST_REPORTS_ORIGINATOR,
		{"/S=Al/ADMD=BRAVO/C=XX/", "/CN=all/ADMD=ALPHA/C=XX/",
		    "/CN=staff/ADMD=ALPHA/C=XX/"},
		"/CN=all/ADMD=ALPHA/C=XX/"},
	    {Q_LIST_REPORTS_OWNER,
		{"/S=Al/ADMD=BRAVO/C=XX/", "/CN=staff/ADMD=ALPHA/C=XX/"},
		"/CN=owner/ADMD=ALPHA/C=XX/"},
	    {Q_LIST_REPORTS_NONE,
		{"/S=Al/ADMD=BRAVO/C=XX/", "/CN=staff/ADMD=ALPHA/C=XX/"}, NULL},
	    /* not ours to pass on, so that no two can play ball with it */
	    {Q_LIST_REPORTS_ORIGINATOR,
		{"/S=Al/ADMD=BRAVO/C=XX/", "/CN=all/ADMD=ALPHA/C=XX/"}, NULL},
	    {Q_LIST_REPORTS_OWNER, {NULL}, NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct world w;
		struct p1_history v[4] = {0};
		struct mhs_envelope *out;
		struct mhs_name dl;
		const char *why;
		size_t n = 0;

		begin(&w);
		w.env->kind = MHS_REPORT;
		w.l.reports = rows[i].policy;
		for (; rows[i].way[n] != NULL; n++)
			v[n].name = named(&w, rows[i].way[n]);
		if (n > 0)
			p1_ext_set_history(w.a, &w.env->exts,
			    P1_EXT_ORIGINATOR_AND_DL_HISTORY, v, n, &w.e);
		out = q_list_report(w.a, &w.l, w.env, &why, &w.e);
		CU_ASSERT_EQUAL(out == NULL, rows[i].to == NULL);
		CU_ASSERT_EQUAL(why != NULL, rows[i].to == NULL);
		if (out != NULL) {
			CU_ASSERT_EQUAL(out->n_recipients, 1);
			CU_ASSERT_TRUE(mhs_or_equal(out->recipients[0].name.ora,
			    named(&w, rows[i].to).ora));
			CU_ASSERT_TRUE(p1_ext_or_name(
			    w.a, &out->exts, P1_EXT_REPORTING_DL_NAME, &dl));
			CU_ASSERT_TRUE(mhs_or_equal(dl.ora, w.l.name.ora));
		}
		finish(&w);
	}
}

void
suite_qmgr_list(void)
{
	static CU_TestInfo tests[] = {
	    TEST(permission_is_by_address_mailbox_domain_and_membership),
	    TEST(everybody_but_the_null_sender_may_where_nothing_is_said),
	    TEST(a_nested_list_is_judged_by_the_list_before_it),
	    TEST(what_may_not_be_expanded_is_refused_and_a_loop_ends),
	    TEST(the_members_get_it_under_the_lists_number_with_its_history),
	    TEST(a_message_that_passed_too_many_lists_ends),
	    TEST(whom_the_originator_exempts_gets_no_copy),
	    TEST(members_mtas_are_asked_for_what_the_list_wants),
	    TEST(internet_mail_for_a_list_bounces_where_the_list_says),
	    TEST(a_report_goes_back_one_step_or_to_the_owner_or_nowhere),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("qmgr_list", tests);
}
