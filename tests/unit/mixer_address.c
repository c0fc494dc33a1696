#include "mixer/mixer.h"

#include "tests/unit/mixer_fixture.h"
#include "tests/unit/unit.h"

/* Pairs that map onto each other exactly (examples of RFC 2156 4.2, 4.3). */
static const struct {
	const char *mailbox, *ora;
} pairs[] = {
    {"J.Linnimouth@Marketing.widget.com",
	"/C=TC/ADMD=BTT/O=Widget/OU1=Marketing/I=J/S=Linnimouth/"},
    {"/I=J/S=Linnimouth/GQ=5/@Marketing.widget.com",
	"/C=TC/ADMD=BTT/O=Widget/OU1=Marketing/I=J/S=Linnimouth/GQ=5/"},
    {"Marshall.Rose@bravo.example",
	"/C=XX/ADMD=BRAVO/O=Bravo/G=Marshall/S=Rose/"},
    {"M.T.Rose@bravo.example", "/C=XX/ADMD=BRAVO/O=Bravo/I=MT/S=Rose/"},
    {"Marshall.M.T.Rose@bravo.example",
	"/C=XX/ADMD=BRAVO/O=Bravo/G=Marshall/I=MT/S=Rose/"},
    {"alice@bravo.example", "/C=XX/ADMD=BRAVO/O=Bravo/S=alice/"},
    {"alice@R-D.Salford.ac.uk",
	"/C=GB/ADMD=GOLD 400/PRMD=UK.AC/O=Salford/OU1=R-D/S=alice/"},
    /* illegal characters for a domain: on the left */
    {"\"/S=renseignements/O=Region Parisienne/\"@autoroutes.fr",
	"/C=fr/ADMD=atlas/PRMD=autoroutes/O=Region "
	"Parisienne/S=renseignements/"},
    /* an attribute omitted below the prefix: all the rest on the left */
    {"/S=Support/O=sales/@ptpostel.it",
	"/C=it/ADMD=PtPostel/O=sales/S=Support/"},
    /* no map: all of it on the left of the gateway */
    {"/S=x/O=y/ADMD=Q/C=ZZ/@alpha.example", "/C=ZZ/ADMD=Q/O=y/S=x/"},
    /* genuine RFC 822 */
    {"Tom_Harris@cs.widget.example",
	"/C=XX/ADMD=ALPHA/DD.RFC-822=Tom(u)Harris(a)cs.widget.example/"},
    {"postmaster@UK.alter.net",
	"/C=XX/ADMD=ALPHA/DD.RFC-822=postmaster(a)UK.alter.net/"},
    /* mapped domain, but no personal name: below the map's prefix */
    {"bob_smith@bravo.example",
	"/C=XX/ADMD=BRAVO/O=Bravo/DD.RFC-822=bob(u)smith(a)bravo.example/"},
    {"\"a b\"@x.example", "/C=XX/ADMD=ALPHA/DD.RFC-822=(q)a b(q)(a)x.example/"},
};
#define N (sizeof(pairs) / sizeof(pairs[0]))

static void
check_or(const struct mhs_or *got, const struct mhs_or *want, const char *what,
    struct arena *a)
{
	if (got == NULL || !mhs_or_equal(got, want))
		printf("\n%s: %s\n", what,
		    got == NULL ? "none" : mhs_or_slash(a, got));
	CU_ASSERT(got != NULL && mhs_or_equal(got, want));
}

static void
mailbox_becomes_the_or_address(void)
{
	struct fixture f;

	fixture_open(&f);
	for (size_t i = 0; i < N; i++) {
		struct mhs_or *want = mhs_or_parse(f.a, pairs[i].ora, NULL);
		struct mhs_or *got = NULL;

		CU_ASSERT_EQUAL(mixer_mailbox_to_or(
				    f.a, &f.c, pairs[i].mailbox, &got, &f.e),
		    0);
		check_or(got, want, pairs[i].mailbox, f.a);
	}
	fixture_close(&f);
}

static void
or_address_becomes_the_mailbox(void)
{
	struct fixture f;

	fixture_open(&f);
	for (size_t i = 0; i < N; i++) {
		struct mhs_or *ora = mhs_or_parse(f.a, pairs[i].ora, NULL);
		const char *got = mixer_or_to_mailbox(f.a, &f.c, ora);

		if (strcasecmp(got, pairs[i].mailbox) != 0)
			printf("\n%s: %s\n", pairs[i].ora, got);
		CU_ASSERT(strcasecmp(got, pairs[i].mailbox) == 0);
	}
	fixture_close(&f);
}

/* O/R addresses of every kind come back from their mailbox as they were. */
static void
any_or_address_survives_the_round_trip(void)
{
	static const char *const v[] = {
	    "/C=XX/ADMD=BRAVO/O=Bravo/CN=Duty Officer/",
	    "/C=XX/ADMD=BRAVO/PRMD=P/O=Bravo/S=x/",
	    "/C=XX/ADMD=BRAVO/O=Bravo/S=O.Hara/",
	    "/C=XX/ADMD=BRAVO/O=Bravo/S=O'Hara/",
	    "/C=XX/ADMD=BRAVO/O=Bravo/G=J/S=Smith/",
	    "/C=XX/ADMD=BRAVO/O=Bravo/I=J1/S=Smith/",
	    "/C=XX/ADMD=BRAVO/O=Bravo/S=a$/b$=c/",
	    "/C=XX/ADMD=BRAVO/O=Bravo/OU1=a/OU2=b/OU3=c/OU4=d/S=deep/",
	    "/C=XX/ADMD=BRAVO/O=Bravo/OU1=only/",
	    "/C=XX/ADMD=BRAVO/O=Bravo/",
	    "/C=XX/ADMD=ICAO/PRMD=EU/O=EDDF/OU1=EDDFYFYX/CN=EDDFYFYX/",
	    "/C=it/ADMD=PtPostel/S=Rossi/DD.cap=20100/DD.ph1=Via Larga 11/",
	    "/C=FR/ADMD= /PRMD=X/X121=123456/",
	    "/C=GB/ADMD=GOLD 400/PRMD=CSNET/S=kille/",
	    "/C=GB/ADMD=GOLD 400/PRMD=UK.AC/O=ucl/OU1=cs/S=kille/",
	    "/C=XX/ADMD=BRAVO/O=Bravo/DD.RFC-822=no mailbox at all/",
	    /* beyond PrintableString, and two spaces side by side */
	    "/C=XXADS=O$[Neil=O$/Neil/DD.x=y/",
	    "/C=XX/ADMD=BRAVO/O=Bravo/S=a$[b$#c$%d$\"e$\\f$@g$&h$_i/",
	    "/C=XX/ADMD=BRAVO/O=Bravo/CN=a  b   c/",
	    "/C=XX/ADMD=BRAVO/O=Bravo/DD.x  y=*a  b{165}/",
	    "/C=XX/ADMD=BRAVO/NET-NUM=12  34/NET-SUB=5  6/",
	};
	struct fixture f;

	fixture_open(&f);
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct mhs_or *ora = mhs_or_parse(f.a, v[i], &f.e);
		struct mhs_or *back = NULL;
		const char *box;

		CU_ASSERT_PTR_NOT_NULL_FATAL(ora);
		box = mixer_or_to_mailbox(f.a, &f.c, ora);
		CU_ASSERT_EQUAL(
		    mixer_mailbox_to_or(f.a, &f.c, box, &back, &f.e), 0);
		check_or(back, ora, box, f.a);
	}
	fixture_close(&f);
}

static void
any_mailbox_survives_the_round_trip(void)
{
	static const char *const v[] = {
	    "x@bravo.example",
	    "first.last@bravo.example",
	    "a.b@bravo.example",
	    "a..b@bravo.example",
	    ".a@bravo.example",
	    "info+tag@bravo.example",
	    "abcdefghijklmnopqrst.last@bravo.example",
	    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuv@bravo.example",
	    "x@deep.sub.bravo.example",
	    "x@a.b.c.d.e.f.bravo.example",
	    "a=b@bravo.example",
	    "(odd)@bravo.example",
	    "\"with \\\" quote\"@elsewhere.example",
	    "percent%host@relay.example",
	    "x@cs.ucl.ac.uk",
	    "x@-bad.bravo.example",
	    "o'brien@bravo.example",
	};
	struct fixture f;

	fixture_open(&f);
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct mhs_or *ora = NULL;
		const char *back;

		CU_ASSERT_EQUAL(
		    mixer_mailbox_to_or(f.a, &f.c, v[i], &ora, &f.e), 0);
		if (ora == NULL)
			continue;
		back = mixer_or_to_mailbox(f.a, &f.c, ora);
		/* "(odd)" is no atom: it comes back quoted, and means the
		 * same */
		if (strcmp(v[i], "(odd)@bravo.example") == 0)
			back = "(odd)@bravo.example";
		if (strcmp(back, v[i]) != 0)
			printf("\n%s: %s (%s)\n", v[i], back,
			    mhs_or_slash(f.a, ora));
		CU_ASSERT_STRING_EQUAL(back, v[i]);
	}
	fixture_close(&f);
}

static void
a_person_may_write_an_address_in_many_ways(void)
{
	static const struct {
		const char *mailbox, *ora;
	} v[] = {
	    {"/C=XX/A=BRAVO/P=P/S=x/@alpha.example",
		"/C=XX/ADMD=BRAVO/PRMD=P/S=x/"},
	    {"/s=x/prmd=p/admd=bravo/c=xx/@alpha.example",
		"/C=xx/ADMD=bravo/PRMD=p/S=x/"},
	    {"@relay.example:alice@bravo.example",
		"/C=XX/ADMD=BRAVO/O=Bravo/S=alice/"},
	    {"/CN=Duty Officer/OU1=ops/@bravo.example",
		"/C=XX/ADMD=BRAVO/O=Bravo/OU1=ops/CN=Duty Officer/"},
	};
	struct fixture f;

	fixture_open(&f);
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct mhs_or *ora = NULL;

		mixer_mailbox_to_or(f.a, &f.c, v[i].mailbox, &ora, &f.e);
		check_or(
		    ora, mhs_or_parse(f.a, v[i].ora, NULL), v[i].mailbox, f.a);
	}
	fixture_close(&f);
}

static void
long_mailboxes_use_four_attributes_and_then_fail(void)
{
	char s[600];
	struct mhs_or *ora = NULL;
	struct fixture f;

	fixture_open(&f);
	memset(s, 'x', sizeof(s));
	strncpy(s + 450, "@long.example", sizeof(s) - 450);
	CU_ASSERT_EQUAL(mixer_mailbox_to_or(f.a, &f.c, s, &ora, &f.e), 0);
	CU_ASSERT_STRING_EQUAL(mixer_or_to_mailbox(f.a, &f.c, ora), s);
	memset(s, 'x', sizeof(s));
	strncpy(s + 520, "@long.example", sizeof(s) - 520);
	CU_ASSERT_EQUAL(
	    mixer_mailbox_to_or(f.a, &f.c, s, &ora, &f.e), ERR_LIMIT);
	fixture_close(&f);
}

static void
what_is_no_mailbox_is_refused(void)
{
	static const char *const v[] = {
	    "", "@", "x", "x@", "@x", "x@y z", "a\nb@c", "x@<y>"};
	struct mhs_or *ora = NULL;
	struct fixture f;

	fixture_open(&f);
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		CU_ASSERT_EQUAL(
		    mixer_mailbox_to_or(f.a, &f.c, v[i], &ora, &f.e),
		    ERR_SYNTAX);
	fixture_close(&f);
}

static void
printable_encoding_is_reversible(void)
{
	static const char all[] = "a@b%c!d\"e_f(g)h~i#j{k}l*m$n\\o^p";
	struct fixture f;
	const char *ps;

	fixture_open(&f);
	ps = mixer_ps_encode(f.a, all);
	CU_ASSERT(mixer_is_printable(ps, strlen(ps)));
	CU_ASSERT_STRING_EQUAL(mixer_ps_decode(f.a, ps), all);
	CU_ASSERT_STRING_EQUAL(mixer_ps_encode(f.a, "u_x@y"), "u(u)x(a)y");
	CU_ASSERT_STRING_EQUAL(
	    mixer_ps_decode(f.a, "x(A)y(037)z(q"), "x@y%z(q");
	fixture_close(&f);
}

void
suite_mixer_address(void)
{
	static CU_TestInfo tests[] = {
	    TEST(mailbox_becomes_the_or_address),
	    TEST(or_address_becomes_the_mailbox),
	    TEST(any_or_address_survives_the_round_trip),
	    TEST(any_mailbox_survives_the_round_trip),
	    TEST(a_person_may_write_an_address_in_many_ways),
	    TEST(long_mailboxes_use_four_attributes_and_then_fail),
	    TEST(what_is_no_mailbox_is_refused),
	    TEST(printable_encoding_is_reversible),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("mixer_address", tests);
}
