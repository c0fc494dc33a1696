#include "qmgr/config.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/qmgr_config.h"
#include "tests/unit/unit.h"

#define GOOD                                                          \
	"mta name=alpha country=XX admd=ALPHA hostname=a.example\n"   \
	"channel name=x400p1 program=x400p1 connections-per-peer=7\n" \
	"channel name=smtp\n"                                         \
	"iaed\n  listen address=127.0.0.1:1\n"                        \
	"  service tsel=X channel=x400p1\n"                           \
	"peer name=bravo channel=x400p1\n"                            \
	"peer name=out channel=smtp max-connections=2\n"              \
	"route or=/C=XX/ADMD=BRAVO/ peer=bravo\n"                     \
	"route domain=* peer=out\n"

struct complaints {
	unsigned n;
	unsigned line;
	char text[256];
};

static void
on_complaint(void *arg, const char *file, unsigned line, const char *text)
{
	struct complaints *c = arg;

	(void)file;
	if (c->n++ == 0) {
		c->line = line;
		snprintf(c->text, sizeof(c->text), "%s", text);
	}
}

static void
a_good_configuration_is_typed_and_completed(void)
{
	struct arena *a = arena_new();
	struct q_config c;

	CU_ASSERT_EQUAL(
	    q_config_read(conf_make(a, GOOD), &c, NULL, NULL, NULL), 0);
	CU_ASSERT_STRING_EQUAL(c.mta_name, "alpha");
	CU_ASSERT_EQUAL(c.spool.segment_size, 16 << 20);
	CU_ASSERT_EQUAL(c.sched.qmgr_maxchans, 64);
	CU_ASSERT_EQUAL(c.sched.qmgr_retry_step, 60000);
	CU_ASSERT_EQUAL(c.sched.qmgr_expiry[MHS_URGENT], 4 * 3600 * 1000);
	CU_ASSERT_EQUAL(c.sched.qmgr_warn[MHS_URGENT], 1800 * 1000);
	CU_ASSERT_EQUAL(c.hang_timeout, 120000);
	CU_ASSERT_EQUAL(q_config_peer(&c, "bravo")->max_connections, 7);
	/* numbers are fixed unless a least is given */
	CU_ASSERT_EQUAL(q_config_peer(&c, "bravo")->min_connections, 7);
	CU_ASSERT_EQUAL(q_config_peer(&c, "bravo")->max_messages, 14);
	CU_ASSERT_EQUAL(q_config_channel(&c, "smtp")->min_processes,
	    q_config_channel(&c, "smtp")->processes);
	CU_ASSERT_EQUAL(q_config_peer(&c, "out")->max_connections, 2);
	CU_ASSERT_TRUE(q_config_channel(&c, "x400p1")->service);
	CU_ASSERT_EQUAL(q_config_channel(&c, "x400p1")->world, Q_WORLD_X400);
	CU_ASSERT_PTR_NOT_NULL(q_config_channel(&c, "mixer"));
	CU_ASSERT_PTR_NOT_NULL(q_config_channel(&c, "report"));
	CU_ASSERT_EQUAL(c.n_listeners, 1);
	CU_ASSERT_PTR_NULL(q_config_peer(&c, "nobody"));
	q_config_free(&c);
	arena_free(&a);
}

static void
the_least_number_of_connections_comes_from_peer_or_channel(void)
{
	static const struct {
		const char *peer;
		unsigned min, max;
	} v[] = {
	    {"peer name=p channel=y", 2, 6},
	    {"peer name=p channel=y min-connections=1", 1, 6},
	    {"peer name=p channel=y max-connections=9", 2, 9},
	    {"peer name=p channel=y max-connections=1", 1, 1},
	    {"peer name=p channel=y max-connections=9 min-connections=9", 9, 9},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct arena *a = arena_new();
		struct q_config c;

		CU_ASSERT_EQUAL(
		    q_config_read(
			conf_make(a,
			    arena_printf(a,
				GOOD "channel name=y program=smtp"
				     " connections-per-peer=6"
				     " min-connections-per-peer=2\n%s",
				v[i].peer)),
			&c, NULL, NULL, NULL),
		    0);
		CU_ASSERT_EQUAL(
		    q_config_peer(&c, "p")->min_connections, v[i].min);
		CU_ASSERT_EQUAL(
		    q_config_peer(&c, "p")->max_connections, v[i].max);
		q_config_free(&c);
		arena_free(&a);
	}
}

/* The line of the fault, and a word of what is said about it. */
static void
every_fault_is_found_and_told_with_its_line(void)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *says;
	} v[] = {
	    {"channel name=smtp", 1, "no <mta>"},
	    {GOOD "log level=loud", 12, "level"},
	    {GOOD "log to=nowhere", 12, "to:"},
	    {GOOD "spool segment-size=1", 12, "segment-size"},
	    {GOOD "scheduler maxchans=x", 12, "maxchans"},
	    {GOOD "scheduler maxchans=2", 12, "reserves"},
	    {GOOD "scheduler retry-step=2h", 12, "retry-step"},
	    {GOOD "scheduler warn-normal=x", 12, "warn-normal"},
	    {GOOD "scheduler hang-timeout=10ms", 12, "hang-timeout"},
	    {GOOD "scheduler measure-window=10ms", 12, "measure-window"},
	    {GOOD "channel name=x program=smtp processes=2 min-processes=3", 12,
		"min-processes"},
	    {GOOD "channel name=x program=smtp min-connections-per-peer=9", 12,
		"min-connections-per-peer"},
	    {GOOD "peer name=x channel=smtp min-connections=9", 12,
		"min-connections"},
	    {GOOD "peer name=x channel=smtp max-messages=0", 12,
		"max-messages"},
	    {GOOD "peer name=x channel=x400p1 max-connections=9"
		  " min-connections=2 permanent=3",
		12, "permanent"},
	    {GOOD "peer name=x channel=x400p1 max-connections=9"
		  " min-connections=2 reserve-urgent=2",
		12, "reserved"},
	    {GOOD "peer name=x channel=smtp otherwise=x", 12, "itself"},
	    {GOOD "peer name=x channel=smtp otherwise=nobody", 12, "otherwise"},
	    {GOOD "peer name=x channel=smtp reroute-after=5m", 12,
		"needs otherwise"},
	    {GOOD "peer name=x channel=smtp otherwise=y reroute-after=soon\n"
		  "peer name=y channel=smtp",
		12, "reroute-after"},
	    {GOOD "channel name=report return-max=x", 12, "return-max"},
	    {GOOD "channel name=smtp", 12, "second channel"},
	    {GOOD "channel name=x program=rm", 12, "program"},
	    {GOOD "peer name=bravo channel=smtp", 12, "second peer"},
	    {GOOD "peer name=x channel=pigeon", 12, "pigeon"},
	    {GOOD "peer name=x channel=report", 12, "no peers"},
	    {GOOD "peer channel=smtp", 12, "name is missing"},
	    {GOOD "route domain=a.example peer=nobody", 12, "nobody"},
	    {GOOD "route peer=out", 12, "one of or and domain"},
	    {GOOD "route domain=a.example or=/C=XX/ peer=out", 12, "one of"},
	    {GOOD "route domain=* peer=out", 12, "second route"},
	    {GOOD "route or=/C=XX/ADMD=bravo/ peer=out", 12, "second route"},
	    {GOOD "route or=/NONSENSE=1/ peer=out", 12, "or:"},
	    {GOOD "redirect or=/S=a/ADMD=A/C=XX/", 12, "to is missing"},
	    {GOOD "redirect to=a@b.example", 12, "or or mailbox"},
	    {GOOD "redirect mailbox=a to=a@b.example", 12, "mail address"},
	    {GOOD "redirect mailbox=a@b to=ab", 12, "neither"},
	    {GOOD "redirect mailbox=a@b to=/NONSENSE=1/", 12, "to:"},
	    {GOOD "redirect mailbox=a@b to=c@d reason=why", 12, "reason"},
	    {GOOD "redirect mailbox=a@b to=c@d\nredirect mailbox=A@b to=c@e",
		13, "second"},
	    {GOOD "alternate to=a@b.example", 12, "or is missing"},
	    {GOOD "list mailbox=a@b.example", 12, "or is missing"},
	    {GOOD "list or=/CN=a/ADMD=A/C=XX/ reports=owner", 12, "owner"},
	    {GOOD "list or=/CN=a/ADMD=A/C=XX/ reports=all", 12, "reports"},
	    {GOOD "list or=/CN=a/ADMD=A/C=XX/ owner=/CN=a/ADMD=A/C=XX/", 12,
		"is a list"},
	    {GOOD "list or=/CN=a/ADMD=A/C=XX/\n  member", 13, "needs"},
	    {GOOD "list or=/CN=a/ADMD=A/C=XX/\n  permit", 13, "needs"},
	    {GOOD "list or=/CN=a/ADMD=A/C=XX/\npeer name=x channel=list", 13,
		"no peers"},
	    {GOOD "smtpd\n  listen address=x\n  listen address=x", 14, "twice"},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct arena *a = arena_new();
		struct complaints said = {0};
		struct err e = ERR_INIT;
		struct q_config c;

		CU_ASSERT_EQUAL(q_config_read(conf_make(a, v[i].text), &c,
				    on_complaint, &said, &e),
		    ERR_CONFIG);
		CU_ASSERT_EQUAL(said.line, v[i].line);
		CU_ASSERT_PTR_NOT_NULL(strstr(said.text, v[i].says));
		CU_ASSERT_STRING_EQUAL(e.text, said.text);
		if (strstr(said.text, v[i].says) == NULL)
			fprintf(stderr, "%zu: %s\n", i, said.text);
		q_config_free(&c);
		arena_free(&a);
	}
}

static const char *
route(struct arena *a, const struct q_routes *r, const char *to)
{
	struct mhs_name n = {0};

	if (*to == '/')
		n.ora = mhs_or_parse(a, to, NULL);
	else
		n.mailbox = to;
	return q_route(r, &n);
}

static void
the_most_exact_route_wins(void)
{
	static const char *const or_routes[][2] = {
	    {"/C=XX/ADMD=A/", "xxa"}, {"/C=XX/ADMD=A/PRMD=P/", "xxap"},
	    {"/C=XX/ADMD=A/PRMD=P/O=Big Org/", "big"},
	    {"/C=XX/ADMD=*/PRMD=Q/", "anyq"}, {"/O=Lone/", "lone"},
	    {"/C=GB/", "country"}, /* no ADMD=" " is read into it */
	};
	static const char *const domains[][2] = {
	    {"a.example", "exact"},
	    {".a.example", "below"},
	    {".example", "tld"},
	};
	static const char *const v[][2] = {
	    {"/C=xx/ADMD=a/S=x/", "xxa"},
	    {"/C=XX/ADMD=A/PRMD=p/O=Other/", "xxap"},
	    {"/C=XX/ADMD=A/PRMD=P/O=big  org/S=x/", "big"},
	    {"/C=XX/ADMD=Z/PRMD=Q/S=x/", "anyq"},
	    {"/C=XX/ADMD=Z/PRMD=R/S=x/", NULL},
	    {"/C=YY/ADMD=Z/O=lone/S=x/", "lone"},
	    {"/C=GB/ADMD=Z/O=x/S=x/", "country"},
	    {"b@a.example", "exact"},
	    {"b@A.EXAMPLE", "exact"},
	    {"b@x.a.example", "below"},
	    {"b@y.x.a.example", "below"},
	    {"b@b.example", "tld"},
	    {"b@xa.example", "tld"},
	    {"\"odd@local\"@a.example", "exact"},
	    {"b@nowhere", NULL},
	    {"b", NULL},
	    {"b@", NULL},
	};
	struct arena *a = arena_new();
	struct q_routes *r = q_routes_new(a);

	for (size_t i = 0; i < sizeof(or_routes) / sizeof(*or_routes); i++)
		CU_ASSERT_EQUAL(
		    q_routes_add_or(r, or_routes[i][0], or_routes[i][1], NULL),
		    0);
	for (size_t i = 0; i < sizeof(domains) / sizeof(*domains); i++)
		CU_ASSERT_EQUAL(
		    q_routes_add_domain(r, domains[i][0], domains[i][1], NULL),
		    0);
	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		const char *got = route(a, r, v[i][0]);

		CU_ASSERT_STRING_EQUAL(
		    got ? got : "-", v[i][1] ? v[i][1] : "-");
		if (strcmp(got ? got : "-", v[i][1] ? v[i][1] : "-") != 0)
			fprintf(stderr, "%s: %s\n", v[i][0], got);
	}
	q_routes_add_domain(r, "*", "star", NULL);
	CU_ASSERT_STRING_EQUAL(route(a, r, "b@nowhere"), "star");
	arena_free(&a);
}

static void
a_detail_of_a_mailbox_is_ignored_unless_it_has_its_own(void)
{
	struct arena *a = arena_new();
	struct q_routes *r = q_routes_new(a);
	static const struct {
		const char *mailbox, *to;
	} rows[] = {{"joe@a.example", "joe"}, {"joe+x@a.example", "joe"},
	    {"Joe+x+y@A.example", "joe"}, {"joe+own@a.example", "own"},
	    {"joe-x@a.example", "all"}, {"+joe@a.example", "all"},
	    {"ann+x@a.example", "all"}, {"joe+x@b.example", NULL}};

	q_routes_add_mailbox(r, "joe@a.example", "joe", NULL);
	q_routes_add_mailbox(r, "joe+own@a.example", "own", NULL);
	q_routes_add_domain(r, "a.example", "all", NULL);
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		bool on = i % 2 == 0;
		struct mhs_name name = {.mailbox = rows[i / 2].mailbox};
		const char *to = rows[i / 2].to, *found;

		q_routes_sub_addresses(r, on ? '+' : '\0');
		if (!on && i / 2 > 0 && i / 2 < 3)
			to = "all";
		found = q_route(r, &name);
		CU_ASSERT_EQUAL(found == NULL, to == NULL);
		if (found != NULL && to != NULL)
			CU_ASSERT_STRING_EQUAL(found, to);
	}
	arena_free(&a);
}

void
suite_qmgr_config(void)
{
	static CU_TestInfo tests[] = {
	    TEST(a_good_configuration_is_typed_and_completed),
	    TEST(the_least_number_of_connections_comes_from_peer_or_channel),
	    TEST(every_fault_is_found_and_told_with_its_line),
	    TEST(the_most_exact_route_wins),
	    TEST(a_detail_of_a_mailbox_is_ignored_unless_it_has_its_own),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("qmgr_config", tests);
}
