#include "qmgr/direct.h"

#include <string.h>

#include "mhs/diag.h"
#include "p1/trace.h"
#include "qmgr/summary.h"
#include "tests/unit/qmgr_config.h"
#include "tests/unit/unit.h"

#define CONF                                                               \
	"mta name=alpha country=XX admd=ALPHA hostname=a.e\n"              \
	"channel name=x400p1\n"                                            \
	"channel name=smtp\n"                                              \
	"channel name=lmtp\n"                                              \
	"peer name=bravo channel=x400p1\n"                                 \
	"peer name=out channel=smtp\n"                                     \
	"peer name=boxes channel=lmtp\n"                                   \
	"route or=/C=XX/ADMD=BRAVO/ peer=bravo\n"                          \
	"route or=/C=XX/ADMD=ALPHA/O=in/ peer=boxes\n"                     \
	"route domain=* peer=out\n"                                        \
	"redirect or=/C=XX/ADMD=ALPHA/O=in/S=Gone/ "                       \
	"to=/S=New/O=in/ADMD=ALPHA/C=XX/\n"                                \
	"redirect or=/C=XX/ADMD=ALPHA/O=in/S=Nick/ "                       \
	"to=/S=Real/O=in/ADMD=ALPHA/C=XX/ reason=alias\n"                  \
	"redirect or=/C=XX/ADMD=ALPHA/O=old/ "                             \
	"to=/S=Post/O=old/ADMD=ALPHA/C=XX/ reason=recipient-md\n"          \
	"redirect or=/C=XX/ADMD=ALPHA/O=old/S=Post/ "                      \
	"to=/S=Post/ADMD=BRAVO/C=XX/ reason=directory\n"                   \
	"redirect or=/C=XX/ADMD=ALPHA/O=in/S=Ping/ "                       \
	"to=/S=Pong/O=in/ADMD=ALPHA/C=XX/\n"                               \
	"redirect or=/C=XX/ADMD=ALPHA/O=in/S=Pong/ "                       \
	"to=/S=Ping/O=in/ADMD=ALPHA/C=XX/\n"                               \
	"redirect mailbox=Joe@a.example to=jane@b.example\n"               \
	"alternate or=/C=XX/ADMD=ALPHA/ to=/S=Any/O=in/ADMD=ALPHA/C=XX/\n" \
	"list or=/C=XX/ADMD=ALPHA/CN=staff/ mailbox=staff@a.example "      \
	"reports=none\n"                                                   \
	"  permit domain=b.example\n"                                      \
	"  permit or=/C=XX/ADMD=BRAVO/\n"                                  \
	"  member mailbox=x@b.example\n"

struct world {
	struct arena *a;
	struct q_config c;
	struct mhs_envelope *env;
};

static void
begin(struct world *w)
{
	struct err e = ERR_INIT;

	w->a = arena_new();
	CU_ASSERT_EQUAL(
	    q_config_read(conf_make(w->a, CONF), &w->c, NULL, NULL, &e), 0);
	if (e.code != 0)
		CU_FAIL(e.text);
	w->env = mhs_envelope_new(w->a, MHS_MESSAGE);
	w->env->content_type = MHS_CONTENT_P22;
	w->env->originator.ora =
	    mhs_or_parse(w->a, "/S=Al/ADMD=BRAVO/C=XX/", NULL);
}

static void
finish(struct world *w)
{
	q_config_free(&w->c);
	arena_free(&w->a);
}

static struct mhs_recipient *
add(struct world *w, const char *name)
{
	struct mhs_recipient *r = mhs_recipient_add(w->a, w->env);

	if (*name == '/')
		r->name.ora = mhs_or_parse(w->a, name, NULL);
	else
		r->name.mailbox = name;
	r->responsible = true;
	r->number = (int32_t)w->env->n_recipients;
	return r;
}

static bool
is_named(struct world *w, const struct mhs_name *n, const char *text)
{
	return *text == '/'
	    ? n->ora != NULL &&
		mhs_or_equal(n->ora, mhs_or_parse(w->a, text, NULL))
	    : n->mailbox != NULL && strcmp(n->mailbox, text) == 0;
}

static void
each_recipient_gets_its_peer_after_redirection(void)
{
	static const struct {
		const char *name, *peer, *to;
		int history; /* elements */
	} rows[] = {
	    {"/S=Bob/ADMD=BRAVO/C=XX/", "bravo", NULL, 0},
	    {"/S=Gone/O=in/ADMD=ALPHA/C=XX/", "boxes",
		"/S=New/O=in/ADMD=ALPHA/C=XX/", 1},
	    {"/S=Nick/O=in/ADMD=ALPHA/C=XX/", "boxes",
		"/S=Real/O=in/ADMD=ALPHA/C=XX/", 1},
	    /* two in a row; the first one's target lies below its prefix */
	    {"/S=Any/O=old/ADMD=ALPHA/C=XX/", "bravo",
		"/S=Post/ADMD=BRAVO/C=XX/", 2},
	    {"/S=Ping/O=in/ADMD=ALPHA/C=XX/", "!27", NULL, 1},
	    {"joe@A.example", "out", "jane@b.example", 0},
	    {"x@c.example", "out", NULL, 0},
	    {"/CN=Staff/ADMD=ALPHA/C=XX/", Q_PEER_LISTS, NULL, 0},
	    {"Staff@a.example", Q_PEER_LISTS, NULL, 0},
	    {"/S=X/CN=Staff/ADMD=ALPHA/C=XX/", NULL, NULL, 0},
	    {"/S=Nobody/ADMD=ALPHA/C=XX/", NULL, NULL, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct world w;
		struct mhs_recipient *r;
		struct p1_history *v;

		begin(&w);
		r = add(&w, rows[i].name);
		CU_ASSERT_EQUAL(q_direct(w.a, &w.c, w.env, 1000),
		    rows[i].to != NULL || rows[i].history > 0);
		if (rows[i].peer == NULL)
			CU_ASSERT_PTR_NULL(r->peer)
		else
			CU_ASSERT_STRING_EQUAL(r->peer, rows[i].peer);
		if (rows[i].to != NULL)
			CU_ASSERT_TRUE(is_named(&w, &r->name, rows[i].to));
		CU_ASSERT_EQUAL(p1_ext_history(w.a, &r->exts,
				    P1_EXT_REDIRECTION_HISTORY, &v),
		    (size_t)rows[i].history);
		finish(&w);
	}
}

static void
the_history_says_who_was_meant_when_and_why(void)
{
	struct world w;
	struct mhs_recipient *r;
	struct p1_history *v;

	begin(&w);
	r = add(&w, "/S=Any/O=old/ADMD=ALPHA/C=XX/");
	q_direct(w.a, &w.c, w.env, 1000000);
	CU_ASSERT_EQUAL_FATAL(
	    p1_ext_history(w.a, &r->exts, P1_EXT_REDIRECTION_HISTORY, &v), 2);
	CU_ASSERT_TRUE(
	    is_named(&w, &v[0].name, "/S=Any/O=old/ADMD=ALPHA/C=XX/"));
	CU_ASSERT_EQUAL(v[0].reason, P1_RECIPIENT_MD_ASSIGNED_ALTERNATE);
	CU_ASSERT_EQUAL(v[0].time, 1000000);
	CU_ASSERT_TRUE(
	    is_named(&w, &v[1].name, "/S=Post/O=old/ADMD=ALPHA/C=XX/"));
	CU_ASSERT_EQUAL(v[1].reason, P1_DIRECTORY_LOOK_UP);
	CU_ASSERT_EQUAL(r->number, 1);
	/* what an Internet sender called it comes back in reports */
	r = add(&w, "joe@a.example");
	q_direct(w.a, &w.c, w.env, 1000000);
	CU_ASSERT_STRING_EQUAL(r->orcpt, "rfc822;joe@a.example");
	finish(&w);
}

/* X.411 8.2.1.1.1.3: it prohibits another recipient, not another name. */
static void
a_prohibition_of_reassignment_is_respected(void)
{
	static const struct {
		const char *name, *peer;
	} rows[] = {
	    {"/S=Gone/O=in/ADMD=ALPHA/C=XX/", "!26"},
	    {"/S=Any/O=old/ADMD=ALPHA/C=XX/", "!26"},
	    {"/S=Nick/O=in/ADMD=ALPHA/C=XX/", "boxes"},
	    {"/S=Bob/ADMD=BRAVO/C=XX/", "bravo"},
	};
	struct err e = ERR_INIT;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct world w;
		struct mhs_recipient *r;

		begin(&w);
		r = add(&w, rows[i].name);
		CU_ASSERT_EQUAL(
		    p1_ext_set_flag(w.a, &w.env->exts,
			P1_EXT_RECIPIENT_REASSIGNMENT_PROHIBITED, &e),
		    0);
		q_direct(w.a, &w.c, w.env, 1000);
		CU_ASSERT_STRING_EQUAL(r->peer, rows[i].peer);
		finish(&w);
	}
}

static void
reports_and_others_recipients_are_not_redirected(void)
{
	struct world w;
	struct mhs_recipient *r;

	begin(&w);
	w.env->kind = MHS_REPORT;
	r = add(&w, "/S=Gone/O=in/ADMD=ALPHA/C=XX/");
	CU_ASSERT_FALSE(q_direct(w.a, &w.c, w.env, 1000));
	CU_ASSERT_STRING_EQUAL(r->peer, "boxes");
	finish(&w);
	begin(&w);
	r = add(&w, "/S=Gone/O=in/ADMD=ALPHA/C=XX/");
	r->responsible = false;
	CU_ASSERT_FALSE(q_direct(w.a, &w.c, w.env, 1000));
	CU_ASSERT_PTR_NULL(r->peer);
	finish(&w);
}

static void
a_message_for_nobody_known_goes_to_the_alternate_if_allowed(void)
{
	struct world w;
	struct mhs_recipient *r;
	struct p1_history *v;

	begin(&w);
	w.env->alternate_recipient_allowed = true;
	r = add(&w, "/S=Nobody/ADMD=ALPHA/C=XX/");
	CU_ASSERT_TRUE(q_direct(w.a, &w.c, w.env, 1000));
	CU_ASSERT_STRING_EQUAL(r->peer, "boxes");
	CU_ASSERT_EQUAL_FATAL(
	    p1_ext_history(w.a, &r->exts, P1_EXT_REDIRECTION_HISTORY, &v), 1);
	CU_ASSERT_EQUAL(v[0].reason, P1_RECIPIENT_MD_ASSIGNED_ALTERNATE);
	/* nobody of another domain's */
	r = add(&w, "/S=Nobody/ADMD=CHARLIE/C=XX/");
	q_direct(w.a, &w.c, w.env, 1000);
	CU_ASSERT_PTR_NULL(r->peer);
	finish(&w);
}

static void
a_probe_for_a_list_is_judged_at_once(void)
{
	struct world w;
	struct mhs_recipient *r;
	struct err e = ERR_INIT;

	begin(&w);
	w.env->kind = MHS_PROBE;
	r = add(&w, "/CN=Staff/ADMD=ALPHA/C=XX/");
	q_direct(w.a, &w.c, w.env, 1000);
	CU_ASSERT_STRING_EQUAL(r->peer, Q_PEER_LISTS);
	w.env->originator.ora =
	    mhs_or_parse(w.a, "/S=Al/ADMD=CHARLIE/C=XX/", NULL);
	q_direct(w.a, &w.c, w.env, 1000);
	CU_ASSERT_STRING_EQUAL(r->peer, "!29");
	p1_ext_set_flag(w.a, &w.env->exts, P1_EXT_DL_EXPANSION_PROHIBITED, &e);
	q_direct(w.a, &w.c, w.env, 1000);
	CU_ASSERT_STRING_EQUAL(r->peer, "!28");
	finish(&w);
}

static const struct mhs_name *
alternate_of(struct world *w, const struct mhs_recipient *r, int32_t diagnostic,
    enum p1_redirection_reason *reason)
{
	return q_alternate(w->a, &w->c, w->env, r, diagnostic, reason);
}

static void
what_failed_has_the_originators_alternate_once(void)
{
	struct world w;
	struct mhs_recipient *r;
	struct mhs_name to;
	const struct mhs_name *got;
	enum p1_redirection_reason reason;
	struct err e = ERR_INIT;

	begin(&w);
	r = add(&w, "/S=Bob/ADMD=BRAVO/C=XX/");
	CU_ASSERT_PTR_NULL(alternate_of(&w, r, 0, &reason));
	to = (struct mhs_name){
	    .ora = mhs_or_parse(w.a, "/S=Other/ADMD=BRAVO/C=XX/", NULL)};
	CU_ASSERT_EQUAL(p1_ext_set_or_name(w.a, &r->exts,
			    P1_EXT_ORIGINATOR_ALTERNATE, &to, &e),
	    0);
	/* whatever it failed for, and prohibited or not */
	p1_ext_set_flag(
	    w.a, &w.env->exts, P1_EXT_RECIPIENT_REASSIGNMENT_PROHIBITED, &e);
	got = alternate_of(&w, r, MHS_MAXIMUM_TIME_EXPIRED, &reason);
	CU_ASSERT_PTR_NOT_NULL_FATAL(got);
	CU_ASSERT_EQUAL(reason, P1_ORIGINATOR_REQUESTED_ALTERNATE);
	CU_ASSERT_TRUE(mhs_or_equal(got->ora, to.ora));
	CU_ASSERT_EQUAL(q_redirect(w.a, r, got, reason, 1000, &e), 0);
	CU_ASSERT_PTR_NULL(alternate_of(&w, r, 0, &reason));
	/* a probe goes where the message would */
	r = add(&w, "/S=Bob/ADMD=BRAVO/C=XX/");
	p1_ext_set_or_name(w.a, &r->exts, P1_EXT_ORIGINATOR_ALTERNATE, &to, &e);
	w.env->kind = MHS_PROBE;
	CU_ASSERT_PTR_NOT_NULL(alternate_of(&w, r, 0, &reason));
	w.env->kind = MHS_REPORT;
	CU_ASSERT_PTR_NULL(alternate_of(&w, r, 0, &reason));
	finish(&w);
}

static void
the_domains_alternate_is_for_the_unknown_only(void)
{
	struct world w;
	struct mhs_recipient *r;
	enum p1_redirection_reason reason;
	struct err e = ERR_INIT;

	begin(&w);
	r = add(&w, "/S=Nobody/O=in/ADMD=ALPHA/C=XX/");
	CU_ASSERT_PTR_NULL(alternate_of(&w, r, 0, &reason));
	w.env->alternate_recipient_allowed = true;
	CU_ASSERT_PTR_NOT_NULL(alternate_of(&w, r, 0, &reason));
	CU_ASSERT_EQUAL(reason, P1_RECIPIENT_MD_ASSIGNED_ALTERNATE);
	CU_ASSERT_PTR_NULL(
	    alternate_of(&w, r, MHS_RECIPIENT_UNAVAILABLE, &reason));
	p1_ext_set_flag(
	    w.a, &w.env->exts, P1_EXT_RECIPIENT_REASSIGNMENT_PROHIBITED, &e);
	CU_ASSERT_PTR_NULL(alternate_of(&w, r, 0, &reason));
	finish(&w);
}

static void
the_originators_alternate_comes_before_the_domains(void)
{
	struct world w;
	struct mhs_recipient *r;
	struct mhs_name to;
	struct p1_history *v;
	struct err e = ERR_INIT;

	begin(&w);
	w.env->alternate_recipient_allowed = true;
	r = add(&w, "/S=Nobody/ADMD=ALPHA/C=XX/");
	to = (struct mhs_name){
	    .ora = mhs_or_parse(w.a, "/S=Other/ADMD=BRAVO/C=XX/", NULL)};
	p1_ext_set_or_name(w.a, &r->exts, P1_EXT_ORIGINATOR_ALTERNATE, &to, &e);
	CU_ASSERT_TRUE(q_direct(w.a, &w.c, w.env, 1000));
	CU_ASSERT_STRING_EQUAL(r->peer, "bravo");
	CU_ASSERT_EQUAL_FATAL(
	    p1_ext_history(w.a, &r->exts, P1_EXT_REDIRECTION_HISTORY, &v), 1);
	CU_ASSERT_EQUAL(v[0].reason, P1_ORIGINATOR_REQUESTED_ALTERNATE);
	finish(&w);
}

static void
the_domains_alternate_respects_a_prohibition(void)
{
	struct world w;
	struct mhs_recipient *r;
	struct err e = ERR_INIT;

	begin(&w);
	w.env->alternate_recipient_allowed = true;
	p1_ext_set_flag(
	    w.a, &w.env->exts, P1_EXT_RECIPIENT_REASSIGNMENT_PROHIBITED, &e);
	r = add(&w, "/S=Nobody/ADMD=ALPHA/C=XX/");
	CU_ASSERT_FALSE(q_direct(w.a, &w.c, w.env, 1000));
	CU_ASSERT_PTR_NULL(r->peer);
	finish(&w);
}

/* X.411 9.1: where it leaves X.400, and only for whom it is said. */
static void
what_is_critical_for_delivery_and_cannot_be_done_fails(void)
{
	static const uint8_t registered[] = {2, 1, 1}, modes[] = {3, 2, 6, 64},
			     null[] = {5, 0};
	static const struct {
		struct mhs_ext ext;
		bool per_message;
		enum mhs_kind kind;
		const char *to, *peer;
	} rows[] = {
	    {{.type = 10, .criticality = 4, .value = registered, .n = 3}, false,
		MHS_MESSAGE, "/S=Bob/O=in/ADMD=ALPHA/C=XX/", "!18"},
	    {{.type = 10, .criticality = 4, .value = registered, .n = 3}, false,
		MHS_PROBE, "/S=Bob/O=in/ADMD=ALPHA/C=XX/", "!18"},
	    {{.type = 10, .criticality = 0, .value = registered, .n = 3}, false,
		MHS_MESSAGE, "/S=Bob/O=in/ADMD=ALPHA/C=XX/", "boxes"},
	    {{.type = 9, .criticality = 4, .value = modes, .n = 4}, false,
		MHS_MESSAGE, "/S=Bob/O=in/ADMD=ALPHA/C=XX/", "!18"},
	    /* for the one who delivers */
	    {{.type = 10, .criticality = 4, .value = registered, .n = 3}, false,
		MHS_MESSAGE, "/S=Bob/ADMD=BRAVO/C=XX/", "bravo"},
	    /* a list hands it on, unless it is unknown */
	    {{.type = 10, .criticality = 4, .value = registered, .n = 3}, false,
		MHS_MESSAGE, "/CN=Staff/ADMD=ALPHA/C=XX/", Q_PEER_LISTS},
	    {{.type = 99, .criticality = 4, .value = null, .n = 2}, true,
		MHS_MESSAGE, "/CN=Staff/ADMD=ALPHA/C=XX/", "!18"},
	    {{.type = 99, .criticality = 4, .value = null, .n = 2}, true,
		MHS_REPORT, "/S=Bob/O=in/ADMD=ALPHA/C=XX/", "!18"},
	    {{.type = 99, .criticality = 2, .value = null, .n = 2}, true,
		MHS_REPORT, "/S=Bob/O=in/ADMD=ALPHA/C=XX/", "boxes"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct mhs_ext x = rows[i].ext;
		struct mhs_recipient *r;
		struct world w;

		begin(&w);
		w.env->kind = rows[i].kind;
		add(&w, "/S=Al/O=in/ADMD=ALPHA/C=XX/");
		r = add(&w, rows[i].to);
		*(rows[i].per_message ? &w.env->exts : &r->exts) =
		    (struct mhs_exts){&x, 1};
		q_direct(w.a, &w.c, w.env, 1000);
		CU_ASSERT_STRING_EQUAL(r->peer, rows[i].peer);
		if (!rows[i].per_message)
			CU_ASSERT_STRING_EQUAL(
			    w.env->recipients[0].peer, "boxes");
		finish(&w);
	}
}

static void
a_probe_of_a_content_that_cannot_be_converted_fails(void)
{
	static const struct {
		enum mhs_content content;
		const char *to, *peer;
	} rows[] = {
	    {MHS_CONTENT_P22, "/S=Bob/O=in/ADMD=ALPHA/C=XX/", "boxes"},
	    {MHS_CONTENT_EDI, "/S=Bob/O=in/ADMD=ALPHA/C=XX/", "!15"},
	    {MHS_CONTENT_EDI, "/S=Bob/ADMD=BRAVO/C=XX/", "bravo"},
	    {MHS_CONTENT_EDI, "/CN=Staff/ADMD=ALPHA/C=XX/", Q_PEER_LISTS},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct mhs_recipient *r;
		struct world w;

		begin(&w);
		w.env->kind = MHS_PROBE;
		w.env->content_type = rows[i].content;
		r = add(&w, rows[i].to);
		q_direct(w.a, &w.c, w.env, 1000);
		CU_ASSERT_STRING_EQUAL(r->peer, rows[i].peer);
		finish(&w);
	}
}

static void
trace_says_what_was_done_here(void)
{
	struct world w;
	const struct mhs_trace *t;
	struct mhs_envelope was;

	begin(&w);
	w.env->arrival = 1000;
	t = mhs_trace_add(w.a, w.env);
	((struct mhs_trace *)t)->domain =
	    (struct mhs_domain){"XX", "BRAVO", NULL};
	q_trace_mark(w.a, &w.c, w.env, P1_TRACE_REDIRECTED, 0);
	CU_ASSERT_EQUAL_FATAL(w.env->n_trace, 3);
	CU_ASSERT_EQUAL(w.env->trace[0].other_actions, 0);
	CU_ASSERT_EQUAL(w.env->trace[1].other_actions, 1);
	CU_ASSERT_TRUE(w.env->trace[2].internal);
	CU_ASSERT_EQUAL(w.env->trace[2].other_actions, 1);
	/* the same elements again */
	q_trace_mark(w.a, &w.c, w.env, P1_TRACE_DL_OPERATION, 5000);
	CU_ASSERT_EQUAL(w.env->n_trace, 3);
	CU_ASSERT_EQUAL(w.env->trace[1].other_actions, 3);
	CU_ASSERT_EQUAL(w.env->trace[2].deferred, 5000);
	was = q_trace_before(&w.c, w.env);
	CU_ASSERT_EQUAL(was.n_trace, 1);
	/* not those of an earlier visit */
	w.env->arrival = 2000;
	was = q_trace_before(&w.c, w.env);
	CU_ASSERT_EQUAL(was.n_trace, 3);
	finish(&w);
}

void
suite_qmgr_direct(void)
{
	static CU_TestInfo tests[] = {
	    TEST(each_recipient_gets_its_peer_after_redirection),
	    TEST(the_history_says_who_was_meant_when_and_why),
	    TEST(a_prohibition_of_reassignment_is_respected),
	    TEST(reports_and_others_recipients_are_not_redirected),
	    TEST(a_message_for_nobody_known_goes_to_the_alternate_if_allowed),
	    TEST(a_probe_for_a_list_is_judged_at_once),
	    TEST(what_failed_has_the_originators_alternate_once),
	    TEST(the_domains_alternate_is_for_the_unknown_only),
	    TEST(the_originators_alternate_comes_before_the_domains),
	    TEST(the_domains_alternate_respects_a_prohibition),
	    TEST(what_is_critical_for_delivery_and_cannot_be_done_fails),
	    TEST(a_probe_of_a_content_that_cannot_be_converted_fails),
	    TEST(trace_says_what_was_done_here),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("qmgr_direct", tests);
}
