#include "smtp/access.h"

#include <string.h>

#include "tests/unit/unit.h"

static void
networks_match_by_prefix(void)
{
	static const struct {
		const char *cidr, *address;
		bool match;
	} rows[] = {
	    {"127.0.0.0/8", "127.255.0.1", true},
	    {"127.0.0.0/8", "128.0.0.1", false},
	    {"10.1.2.3", "10.1.2.3", true},
	    {"10.1.2.3", "10.1.2.4", false},
	    {"10.1.2.0/23", "10.1.3.255", true},
	    {"10.1.2.0/23", "10.1.4.0", false},
	    {"0.0.0.0/0", "1.2.3.4", true},
	    {"0.0.0.0/0", "2001:db8::1", false},
	    {"::1", "::1", true},
	    {"2001:db8::/33", "2001:db8:7fff::1", true},
	    {"2001:db8::/33", "2001:db8:8000::1", false},
	    {"10.0.0.0/8", "::ffff:10.0.0.1", true},
	    {"unix", "unix", true},
	    {"::/0", "unix", false},
	    {"::/0", "", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		struct smtp_access *x = smtp_access_new(a);

		CU_ASSERT_EQUAL(
		    smtp_access_add_network(x, rows[i].cidr, NULL), 0);
		CU_ASSERT_EQUAL(
		    smtp_access_network(x, rows[i].address), rows[i].match);
		arena_free(&a);
	}
}

static void
what_is_no_network_or_domain_is_refused(void)
{
	static const char *const networks[] = {"", "x", "127.0.0.0/33",
	    "127.0.0.0/", "127.0.0.0/8x", "127.0.0.0/-1", "::1/129", "1.2.3"};
	static const char *const domains[] = {"", ".", "a..b", "a b", "@a"};
	struct arena *a = arena_new();
	struct smtp_access *x = smtp_access_new(a);

	for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++)
		CU_ASSERT(smtp_access_add_network(x, networks[i], NULL) < 0);
	for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++)
		CU_ASSERT(smtp_access_add_domain(x, domains[i], NULL) < 0);
	CU_ASSERT(!smtp_access_network(x, "127.0.0.1"));
	CU_ASSERT(!smtp_access_domain(x, "a.example"));
	arena_free(&a);
}

static void
domains_match_exactly_or_below(void)
{
	struct arena *a = arena_new();
	struct smtp_access *x = smtp_access_new(a);

	CU_ASSERT_EQUAL(smtp_access_add_domain(x, "b.example", NULL), 0);
	CU_ASSERT_EQUAL(smtp_access_add_domain(x, ".c.example", NULL), 0);
	CU_ASSERT_EQUAL(smtp_access_add_domain(x, "A.example", NULL), 0);
	CU_ASSERT(smtp_access_domain(x, "a.EXAMPLE"));
	CU_ASSERT(smtp_access_domain(x, "b.example"));
	CU_ASSERT(!smtp_access_domain(x, "x.b.example"));
	CU_ASSERT(smtp_access_domain(x, "x.c.example"));
	CU_ASSERT(smtp_access_domain(x, "x.y.c.example"));
	CU_ASSERT(!smtp_access_domain(x, "c.example"));
	CU_ASSERT(!smtp_access_domain(x, "xc.example"));
	CU_ASSERT(!smtp_access_domain(x, ""));
	CU_ASSERT_EQUAL(smtp_access_add_domain(x, "*", NULL), 0);
	CU_ASSERT(smtp_access_domain(x, "anything"));
	arena_free(&a);
}

static void
peers_lose_their_ports(void)
{
	static const char *const rows[][2] = {{"127.0.0.1:25", "127.0.0.1"},
	    {"[::1]:25", "::1"}, {"unix:/run/x:y", "unix"}, {"host", "host"},
	    {"-", "-"}, {"[", ""}};
	char out[SMTP_ADDRESS_TEXT];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		smtp_peer_address(rows[i][0], out);
		CU_ASSERT_STRING_EQUAL(out, rows[i][1]);
	}
}

static void
connections_are_counted_by_client(void)
{
	struct smtp_clients *c = smtp_clients_new();

	for (int round = 0; round < 3; round++) {
		CU_ASSERT(smtp_clients_enter(c, "a", 2));
		CU_ASSERT(smtp_clients_enter(c, "a", 2));
		CU_ASSERT(!smtp_clients_enter(c, "a", 2));
		CU_ASSERT(smtp_clients_enter(c, "b", 2));
		smtp_clients_leave(c, "a");
		CU_ASSERT(smtp_clients_enter(c, "a", 2));
		smtp_clients_leave(c, "a");
		smtp_clients_leave(c, "a");
		smtp_clients_leave(c, "b");
	}
	CU_ASSERT(smtp_clients_enter(c, "a", 1));
	smtp_clients_free(&c);
}

void
suite_smtp_access(void)
{
	static CU_TestInfo tests[] = {
	    TEST(networks_match_by_prefix),
	    TEST(what_is_no_network_or_domain_is_refused),
	    TEST(domains_match_exactly_or_below),
	    TEST(peers_lose_their_ports),
	    TEST(connections_are_counted_by_client),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("smtp_access", tests);
}
