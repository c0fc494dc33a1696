/* Names and data off the wire; questions to a real name server. */
#include <string.h>

#include "lib/dns.h"
#include "lib/log.h"
#include "tests/unit/dns_files.h"
#include "tests/unit/unit.h"

/* --- names --- */

static void
wire_names_become_text_and_bad_ones_are_refused_with_the_octet(void)
{
	char host[DNS_NAME_TEXT];
	char longest[DNS_NAME_TEXT];
	uint8_t wire[300];
	const struct {
		const char *wire;
		size_t n;
		int used;
		const char *text;
		uint64_t offset;
	} rows[] = {
	    {"\0", 1, 1, "", 0},
	    {"\3foo\7example\0rest", 17, 13, "foo.example", 0},
	    {"\3a.b\0", 5, 5, "a\\046b", 0},
	    {"\2\0\\\0", 4, 4, "\\000\\092", 0},
	    {"", 0, ERR_SYNTAX, NULL, 0},
	    {"\3foo", 4, ERR_SYNTAX, NULL, 4},
	    {"\3fo", 3, ERR_SYNTAX, NULL, 0},
	    {"\3foo\300\0", 6, ERR_SYNTAX, NULL, 4},
	    {"\1a\100\0", 4, ERR_SYNTAX, NULL, 2},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = ERR_INIT;
		int used = dns_name_parse(
		    (const uint8_t *)rows[i].wire, rows[i].n, host, &e);

		CU_ASSERT_EQUAL(used, rows[i].used);
		if (used >= 0) {
			CU_ASSERT_STRING_EQUAL(host, rows[i].text);
		} else {
			CU_ASSERT_EQUAL(e.offset, rows[i].offset);
		}
	}
	/* 255 octets, every one of them escaped; then 256 */
	memset(wire, 0, sizeof(wire));
	wire[0] = wire[64] = wire[128] = 63;
	wire[192] = 61;
	CU_ASSERT_EQUAL(dns_name_parse(wire, 255, longest, NULL), 255);
	CU_ASSERT_EQUAL(strlen(longest), 250 * 4 + 3);
	wire[192] = 62;
	CU_ASSERT_EQUAL(dns_name_parse(wire, 256, longest, NULL), ERR_SYNTAX);
}

static void
written_names_become_a_labels(void)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
	    {"Example.COM", "example.com"},
	    {"example.com.", "example.com"},
	    {"_25._tcp.MX", "_25._tcp.mx"},
	    {"b\303\274cher.example", "xn--bcher-kva.example"},
	    {"B\303\274cher.example", "xn--bcher-kva.example"},
	    {"", NULL},
	    {".", NULL},
	    {"a..b", NULL},
	    {".a", NULL},
	    {"a b", NULL},
	    {"a\\b", NULL},
	    {"\377\376", NULL},
	    {"a2345678901234567890123456789012345678901234567890123456789"
	     "01234",
		NULL},
	};
	char out[DNS_HOST_MAX + 1];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int rc = dns_name_ascii(rows[i].in, out, NULL);

		CU_ASSERT_EQUAL(rc, rows[i].out != NULL ? 0 : ERR_SYNTAX);
		if (rc == 0 && rows[i].out != NULL)
			CU_ASSERT_STRING_EQUAL(out, rows[i].out);
	}
	CU_ASSERT(dns_name_equal("A.example.", "a.Example"));
	CU_ASSERT(!dns_name_equal("a.example", "b.example"));
}

static void
addresses_have_reverse_names(void)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	struct sockaddr other = {.sa_family = AF_UNIX};
	char out[DNS_HOST_MAX + 1];

	inet_pton(AF_INET, "192.0.2.1", &v4.sin_addr);
	inet_pton(AF_INET6, "2001:db8::1f", &v6.sin6_addr);
	CU_ASSERT(dns_reverse((struct sockaddr *)&v4, out));
	CU_ASSERT_STRING_EQUAL(out, "1.2.0.192.in-addr.arpa");
	CU_ASSERT(dns_reverse((struct sockaddr *)&v6, out));
	CU_ASSERT_STRING_EQUAL(out,
	    "f.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
	    "ip6.arpa");
	CU_ASSERT(!dns_reverse(&other, out));
}

/* --- data --- */

static void
data_is_taken_whole_or_not_at_all(void)
{
	static const struct {
		enum dns_type type;
		const char *p;
		size_t n;
		int rc;
		uint64_t offset;
	} rows[] = {
	    {DNS_A, "\1\2\3\4", 4, 0, 0},
	    {DNS_A, "\1\2\3", 3, ERR_SYNTAX, 0},
	    {DNS_A, "\1\2\3\4\5", 5, ERR_SYNTAX, 0},
	    {DNS_AAAA, "0123456789abcdef", 16, 0, 0},
	    {DNS_AAAA, "0123", 4, ERR_SYNTAX, 0},
	    {DNS_MX, "\0\12\1a\0", 5, 0, 0},
	    {DNS_MX, "\0\0\0", 3, 0, 0},
	    {DNS_MX, "\0\12", 2, ERR_SYNTAX, 0},
	    {DNS_MX, "\0\12\1a", 4, ERR_SYNTAX, 4},
	    {DNS_MX, "\0\12\1a\0x", 6, ERR_SYNTAX, 5},
	    {DNS_CNAME, "\1a\0", 3, 0, 0},
	    {DNS_PTR, "\1a", 2, ERR_SYNTAX, 2},
	    {DNS_TXT, "\1a\2bc", 5, 0, 0},
	    {DNS_TXT, "\0", 1, 0, 0},
	    {DNS_TXT, "", 0, ERR_SYNTAX, 0},
	    {DNS_TXT, "\1a\3bc", 5, ERR_SYNTAX, 2},
	    {DNS_TLSA, "\3\1\1x", 4, 0, 0},
	    {DNS_TLSA, "\3\1\1", 3, ERR_SYNTAX, 0},
	    {(enum dns_type)999, "x", 1, ERR_UNSUPPORTED, ERR_NO_OFFSET},
	};
	struct arena *a = arena_new();
	struct dns_record r;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = ERR_INIT;

		CU_ASSERT_EQUAL(
		    dns_rdata_parse(a, rows[i].type, (const uint8_t *)rows[i].p,
			rows[i].n, &r, &e),
		    rows[i].rc);
		if (rows[i].rc < 0)
			CU_ASSERT_EQUAL(e.offset, rows[i].offset);
	}
	dns_rdata_parse(a, DNS_TXT, (const uint8_t *)"\1a\2bc", 5, &r, NULL);
	CU_ASSERT_EQUAL(r.txt.n, 3);
	CU_ASSERT_STRING_EQUAL(r.txt.p, "abc");
	dns_rdata_parse(a, DNS_TLSA, (const uint8_t *)"\3\1\2xy", 5, &r, NULL);
	CU_ASSERT(r.tlsa.usage == 3 && r.tlsa.selector == 1 &&
	    r.tlsa.matching == 2 && r.tlsa.n == 2);
	arena_free(&a);
}

/* --- a real server --- */

struct asker {
	struct loop *loop;
	struct dns *dns;
	unsigned open, answers, busy;
	/* the last answer */
	enum dns_status status;
	bool secure;
	uint32_t ttl;
	size_t n;
	char first[256], canonical[256];
	bool again; /* asks once more from within the answer */
};

static const char *
text_of(const struct dns_record *r, char out[256])
{
	switch (r->type) {
	case DNS_A: return inet_ntop(AF_INET, &r->a, out, 256);
	case DNS_AAAA: return inet_ntop(AF_INET6, &r->aaaa, out, 256);
	case DNS_CNAME:
	case DNS_PTR: return r->name;
	case DNS_TXT: return r->txt.p;
	case DNS_MX:
		snprintf(out, 256, "%u %s", r->mx.preference, r->mx.host);
		return out;
	case DNS_TLSA:
		snprintf(out, 256, "%u %u %u %zu", r->tlsa.usage,
		    r->tlsa.selector, r->tlsa.matching, r->tlsa.n);
		return out;
	}
	return "";
}

static void
on_answer(void *arg, const struct dns_answer *answer)
{
	struct asker *k = arg;
	char text[256];

	k->answers++;
	k->busy += answer->status == DNS_BUSY;
	k->status = answer->status;
	k->secure = answer->secure;
	k->ttl = answer->ttl;
	k->n = answer->n;
	snprintf(k->first, sizeof(k->first), "%s",
	    answer->n > 0 ? text_of(&answer->v[0], text) : "");
	snprintf(k->canonical, sizeof(k->canonical), "%s", answer->canonical);
	if (k->again) {
		k->again = false;
		dns_ask(k->dns, "host.plain.example", DNS_A, on_answer, k);
		return;
	}
	if (--k->open == 0)
		loop_stop(k->loop);
}

static void
hang(void *arg)
{
	(void)arg;
	log_die("the DNS test hangs");
}

static void
run(struct asker *k)
{
	struct loop_timer *watchdog =
	    loop_timer_set(k->loop, 30000, hang, NULL);

	loop_run(k->loop);
	loop_timer_cancel(&watchdog);
}

static void
ask_one(struct asker *k, const char *name, enum dns_type type)
{
	k->open = 1;
	dns_ask(k->dns, name, type, on_answer, k);
	run(k);
}

static void
asker_start(struct asker *k, const struct dns_params *p)
{
	struct err e = ERR_INIT;

	*k = (struct asker){.loop = loop_new()};
	k->dns = dns_new(k->loop, p, &e);
	if (k->dns == NULL)
		printf("%s\n", e.text);
	CU_ASSERT_FATAL(k->dns != NULL);
}

static void
asker_end(struct asker *k)
{
	dns_free(&k->dns);
	loop_free(&k->loop);
}

static struct dns_params
params_of(const struct dns_server *s)
{
	return (struct dns_params){
	    .zones = s->zones,
	    .n_zones = 4,
	    .anchors = s->anchors,
	    .n_anchors = 2,
	};
}

static void
answers_of_a_server_tell_what_is_secure_absent_or_forged(void)
{
	static const struct {
		const char *name;
		enum dns_type type;
		enum dns_status status;
		bool secure;
		const char *first, *canonical;
	} rows[] = {
	    {"mx1.signed.example", DNS_A, DNS_FOUND, true, "127.0.0.1", NULL},
	    {"MX1.Signed.Example.", DNS_AAAA, DNS_FOUND, true, "::1",
		"mx1.signed.example"},
	    {"signed.example", DNS_MX, DNS_FOUND, true, NULL, NULL},
	    {"_25._tcp.mx1.signed.example", DNS_TLSA, DNS_FOUND, true,
		"3 1 1 32", NULL},
	    {"txt.signed.example", DNS_TXT, DNS_FOUND, true, "v=one; two",
		NULL},
	    {"mx2.signed.example", DNS_A, DNS_FOUND, true, "127.0.0.1",
		"mx1.signed.example"},
	    {"mx2.signed.example", DNS_CNAME, DNS_FOUND, true,
		"mx1.signed.example", NULL},
	    {"out.signed.example", DNS_A, DNS_FOUND, false, "127.0.0.2",
		"host.plain.example"},
	    {"out.signed.example", DNS_CNAME, DNS_FOUND, true,
		"host.plain.example", NULL},
	    {"mx1.signed.example", DNS_TXT, DNS_NODATA, true, "", NULL},
	    {"no.signed.example", DNS_A, DNS_NXDOMAIN, true, "", NULL},
	    {"host.plain.example", DNS_A, DNS_FOUND, false, "127.0.0.2", NULL},
	    {"host.plain.example", DNS_AAAA, DNS_NODATA, false, "", NULL},
	    {"no.plain.example", DNS_A, DNS_NXDOMAIN, false, "", NULL},
	    {"null.plain.example", DNS_MX, DNS_FOUND, false, "0 ", NULL},
	    {"loop1.plain.example", DNS_A, DNS_SERVFAIL, false, "", NULL},
	    {"host.forged.example", DNS_A, DNS_BOGUS, false, "", NULL},
	    {"1.0.0.127.in-addr.arpa", DNS_PTR, DNS_FOUND, false,
		"host.plain.example", NULL},
	    {"a..b", DNS_A, DNS_BAD_NAME, false, "", "a..b"},
	};
	struct dns_server s;
	struct dns_params p;
	struct asker k;

	if (!dns_server_start(&s))
		return;
	p = params_of(&s);
	asker_start(&k, &p);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ask_one(&k, rows[i].name, rows[i].type);
		if (k.status != rows[i].status || k.secure != rows[i].secure)
			printf("%s %s: %s %d\n", rows[i].name,
			    dns_type_name(rows[i].type),
			    dns_status_name(k.status), k.secure);
		CU_ASSERT_EQUAL(k.status, rows[i].status);
		CU_ASSERT_EQUAL(k.secure, rows[i].secure);
		if (rows[i].first != NULL)
			CU_ASSERT_STRING_EQUAL(k.first, rows[i].first);
		if (rows[i].canonical != NULL && k.status == DNS_FOUND)
			CU_ASSERT_STRING_EQUAL(k.canonical, rows[i].canonical);
		if (k.status == DNS_FOUND)
			CU_ASSERT(k.ttl > 590 && k.ttl <= 600);
	}
	asker_end(&k);
	dns_server_stop(&s);
}

static void
questions_wait_for_their_turn_and_may_be_asked_from_an_answer(void)
{
	struct dns_server s;
	struct dns_params p;
	struct asker k;
	char name[64];

	if (!dns_server_start(&s))
		return;
	p = params_of(&s);
	p.max_queries = 3;
	p.max_waiting = 40;
	asker_start(&k, &p);
	k.again = true;
	for (k.open = 0; k.open < 43; k.open++) {
		snprintf(name, sizeof(name), "n%u.plain.example", k.open);
		dns_ask(k.dns, name, DNS_A, on_answer, &k);
	}
	run(&k);
	CU_ASSERT_EQUAL(k.answers, 44);
	CU_ASSERT(k.status == DNS_NXDOMAIN || k.status == DNS_FOUND);
	/* one more than may wait */
	for (k.open = 0; k.open < 44; k.open++) {
		snprintf(name, sizeof(name), "m%u.plain.example", k.open);
		dns_ask(k.dns, name, DNS_A, on_answer, &k);
	}
	run(&k);
	CU_ASSERT_EQUAL(k.busy, 1);
	for (unsigned i = 0; i < 5; i++)
		dns_ask(k.dns, "host.plain.example", DNS_A, on_answer, &k);
	asker_end(&k); /* with questions under way */
	dns_server_stop(&s);
}

static void
a_refusing_server_is_a_failure(void)
{
	struct dns_server s;
	struct dns_zone other;
	struct dns_params p;
	struct asker k;

	if (!dns_server_start(&s))
		return;
	p = params_of(&s);
	other = (struct dns_zone){"other.example", &s.address, 1, true};
	p.zones = &other;
	p.n_zones = 1;
	asker_start(&k, &p);
	ask_one(&k, "host.other.example", DNS_A);
	CU_ASSERT_EQUAL(k.status, DNS_SERVFAIL);
	CU_ASSERT(dns_is_temporary(k.status));
	asker_end(&k);
	dns_server_stop(&s);
}

static void
silence_is_a_time_out_and_cancelled_questions_are_not_answered(void)
{
	int port = 0, fd = dns_server_socket(SOCK_DGRAM, 0, &port);
	char address[32];
	const char *servers[] = {address};
	struct dns_params p = {
	    .servers = servers, .n_servers = 1, .timeout = 200};
	struct dns_query *q;
	struct asker k;

	snprintf(address, sizeof(address), "127.0.0.1@%d", port);
	asker_start(&k, &p);
	q = dns_ask(k.dns, "b.example", DNS_A, on_answer, &k);
	ask_one(&k, "a.example", DNS_A);
	CU_ASSERT_EQUAL(k.status, DNS_TIMEOUT);
	k.answers = 0;
	q = dns_ask(k.dns, "b.example", DNS_A, on_answer, &k);
	dns_cancel(&q);
	CU_ASSERT_PTR_NULL(q);
	q = dns_ask(k.dns, "bad..name", DNS_A, on_answer, &k);
	dns_cancel(&q);
	ask_one(&k, "c.example", DNS_A);
	CU_ASSERT_EQUAL(k.answers, 1);
	asker_end(&k);
	close(fd);
}

/* --- configuration --- */

static struct conf_node *
read_conf(struct arena *a, const char *attrs, const char *server)
{
	struct conf_node *root = ARENA_NEW(a, struct conf_node);
	struct conf_node *dns = ARENA_NEW(a, struct conf_node);
	struct conf_node *s = ARENA_NEW(a, struct conf_node);

	*s = (struct conf_node){.name = "server", .text = "", .file = "f"};
	s->attrs = arena_alloc(a, sizeof(*s->attrs));
	s->attrs[0] = (struct conf_attr){"address", server};
	s->n_attrs = 1;
	*dns = (struct conf_node){.name = "dns", .text = "", .file = "f"};
	dns->attrs = arena_alloc(a, 2 * sizeof(*s->attrs));
	dns->attrs[0] = (struct conf_attr){"timeout", "300ms"};
	dns->attrs[1] = (struct conf_attr){"recurse", attrs};
	dns->n_attrs = 2;
	dns->children = arena_memdup(a, &s, sizeof(s));
	dns->n_children = 1;
	*root = (struct conf_node){.name = "isthmus", .text = "", .file = "f"};
	root->children = arena_memdup(a, &dns, sizeof(dns));
	root->n_children = 1;
	return root;
}

static void
the_configuration_names_servers_and_wrong_ones_are_refused(void)
{
	static const struct {
		const char *recurse, *server;
		bool good;
	} rows[] = {
	    {"no", "192.0.2.1", true},
	    {"no", "192.0.2.1:5353", true},
	    {"no", "2001:db8::1", true},
	    {"no", "[2001:db8::1]:5353", true},
	    {"no", "name.example", false},
	    {"no", "[2001:db8::1", false},
	    {"no", "192.0.2.1:5353:1", false},
	    {"yes", "192.0.2.1", false},
	};
	struct loop *l = loop_new();
	struct arena *a = arena_new();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = ERR_INIT;
		struct dns *d = dns_from_conf(
		    l, read_conf(a, rows[i].recurse, rows[i].server), &e);

		CU_ASSERT_EQUAL(d != NULL, rows[i].good);
		CU_ASSERT_EQUAL(e.code, rows[i].good ? 0 : ERR_CONFIG);
		dns_free(&d);
	}
	arena_free(&a);
	loop_free(&l);
}

static void
a_missing_anchor_is_found_at_once(void)
{
	const char *path = "/nonexistent/anchor";
	struct dns_params p = {.anchors = &path, .n_anchors = 1};
	struct loop *l = loop_new();
	struct err e = ERR_INIT;

	CU_ASSERT_PTR_NULL(dns_new(l, &p, &e));
	CU_ASSERT_EQUAL(e.code, ERR_CONFIG);
	CU_ASSERT(strstr(e.text, path) != NULL);
	loop_free(&l);
}

void
suite_lib_dns(void)
{
	static CU_TestInfo tests[] = {
	    TEST(
		wire_names_become_text_and_bad_ones_are_refused_with_the_octet),
	    TEST(written_names_become_a_labels),
	    TEST(addresses_have_reverse_names),
	    TEST(data_is_taken_whole_or_not_at_all),
	    TEST(answers_of_a_server_tell_what_is_secure_absent_or_forged),
	    TEST(questions_wait_for_their_turn_and_may_be_asked_from_an_answer),
	    TEST(a_refusing_server_is_a_failure),
	    TEST(
		silence_is_a_time_out_and_cancelled_questions_are_not_answered),
	    TEST(the_configuration_names_servers_and_wrong_ones_are_refused),
	    TEST(a_missing_anchor_is_found_at_once),
	    CU_TEST_INFO_NULL,
	};

	unit_suite("lib/dns", tests);
}
