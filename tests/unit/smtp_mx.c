/* From domains to servers, with answers from a table; and one real look-up. */
#include <string.h>
#include <strings.h>

#include "lib/log.h"
#include "smtp/mx.h"
#include "tests/unit/dns_files.h"
#include "tests/unit/unit.h"

/* A zone as text: "NAME TYPE[+secure] DATA"; what is not there does not
 * exist. */
struct row {
	const char *name;
	enum dns_type type;
	const char *data; /* "10 host", an address, "3" for TLSA usage */
	bool secure;
	enum dns_status status; /* instead of data */
	const char *canonical;
};

struct table {
	const struct row *v;
	size_t n;
	unsigned asked;
};

static void
put_data(struct dns_record *r, const struct row *row)
{
	char *host;

	*r = (struct dns_record){.type = row->type};
	switch (row->type) {
	case DNS_MX:
		r->mx.preference = (uint16_t)strtoul(row->data, &host, 10);
		r->mx.host = host + 1;
		break;
	case DNS_A: inet_pton(AF_INET, row->data, &r->a); break;
	case DNS_AAAA: inet_pton(AF_INET6, row->data, &r->aaaa); break;
	case DNS_TLSA:
		r->tlsa = (struct dns_tlsa){
		    3, 1, 1, (const uint8_t *)row->data, strlen(row->data)};
		break;
	default: r->name = row->data; break;
	}
}

static void
answer_from(
    struct table *t, struct smtp_mx *m, const struct smtp_mx_question *q)
{
	struct dns_record v[40];
	struct dns_answer a = {
	    .status = DNS_NXDOMAIN,
	    .name = q->name,
	    .canonical = q->name,
	    .v = v,
	    .ttl = 100,
	};

	t->asked++;
	for (size_t i = 0; i < t->n; i++) {
		const struct row *row = &t->v[i];

		if (strcasecmp(row->name, q->name) != 0)
			continue;
		if (a.status == DNS_NXDOMAIN) {
			a.status = DNS_NODATA;
			a.secure = row->secure;
		}
		if (row->type != q->type)
			continue;
		a.secure = row->secure;
		a.ttl = 60;
		if (row->canonical != NULL)
			a.canonical = row->canonical;
		a.status = row->status;
		if (row->data != NULL)
			put_data(&v[a.n++], row);
	}
	smtp_mx_answer(m, q->id, &a);
}

static struct smtp_mx *
search(struct table *t, const struct smtp_mx_params *p, const char *domain)
{
	struct smtp_mx *m = smtp_mx_new(p, domain);
	struct smtp_mx_question q;

	while (smtp_mx_ask(m, &q))
		answer_from(t, m, &q);
	CU_ASSERT_PTR_NOT_NULL_FATAL(smtp_mx_result(m));
	return m;
}

static const char *const own[] = {"us.example"};
static const struct smtp_mx_params plain = {.own = own, .n_own = 1};
static const struct smtp_mx_params dane = {
    .own = own, .n_own = 1, .dane = true};

/* --- outcomes --- */

static const struct row zone[] = {
    {"d.example", DNS_MX, "20 b.example"},
    {"d.example", DNS_MX, "10 a.example"},
    {"a.example", DNS_A, "192.0.2.1"},
    {"a.example", DNS_AAAA, "2001:db8::1"},
    {"b.example", DNS_A, "192.0.2.2"},
    {"host.example", DNS_A, "192.0.2.3"},
    {"none.example", DNS_TXT, "x"},
    {"null.example", DNS_MX, "0 "},
    {"null2.example", DNS_MX, "0 "},
    {"null2.example", DNS_MX, "5 b.example"},
    {"gone.example", DNS_MX, "5 no.example"},
    {"servfail.example", DNS_MX, NULL, false, DNS_SERVFAIL},
    {"late.example", DNS_MX, NULL, false, DNS_TIMEOUT},
    {"bogus.example", DNS_MX, NULL, false, DNS_BOGUS},
    {"half.example", DNS_MX, "5 down.example"},
    {"half.example", DNS_MX, "9 b.example"},
    {"all.example", DNS_MX, "5 down.example"},
    {"down.example", DNS_A, NULL, false, DNS_SERVFAIL},
    {"forged.example", DNS_MX, "5 bad.example"},
    {"bad.example", DNS_A, NULL, false, DNS_BOGUS},
    {"six.example", DNS_MX, "5 six-host.example"},
    {"six-host.example", DNS_AAAA, NULL, false, DNS_SERVFAIL},
    {"six-host.example", DNS_A, "192.0.2.9"},
    {"ours.example", DNS_MX, "5 a.example"},
    {"ours.example", DNS_MX, "10 US.example"},
    {"ours.example", DNS_MX, "10 b.example"},
    {"ours.example", DNS_MX, "20 host.example"},
    {"best.example", DNS_MX, "5 us.example"},
    {"best.example", DNS_MX, "5 a.example"},
    {"best.example", DNS_MX, "7 b.example"},
    {"us.example", DNS_A, "192.0.2.7"},
    {"junk.example", DNS_MX, "5 [192.0.2.1]"},
    {"junk.example", DNS_MX, "5 a\\032b.example"},
    {"xn--bcher-kva.example", DNS_MX, "5 b.example"},
    {"twice.example", DNS_MX, "9 b.example"},
    {"twice.example", DNS_MX, "7 a.example"},
    {"twice.example", DNS_MX, "5 B.example"},
};

static void
domains_lead_to_servers_or_to_the_right_refusal(void)
{
	static const struct {
		const char *domain, *status;
		int code;
		size_t n;
		const char *first;
	} rows[] = {
	    {"d.example", NULL, 0, 3, "[2001:db8::1]:25"},
	    {"D.Example", NULL, 0, 3, "[2001:db8::1]:25"},
	    {"host.example", NULL, 0, 1, "192.0.2.3:25"},
	    {"nothing.example", "5.1.2", 550, 0, NULL},
	    {"none.example", "5.1.2", 550, 0, NULL},
	    {"null.example", "5.1.10", 556, 0, NULL},
	    {"null2.example", NULL, 0, 1, "192.0.2.2:25"},
	    {"gone.example", "5.4.4", 550, 0, NULL},
	    {"junk.example", "5.4.4", 550, 0, NULL},
	    {"servfail.example", "4.4.3", 450, 0, NULL},
	    {"late.example", "4.4.3", 450, 0, NULL},
	    {"bogus.example", "4.7.5", 450, 0, NULL},
	    {"half.example", NULL, 0, 1, "192.0.2.2:25"},
	    {"all.example", "4.4.3", 450, 0, NULL},
	    {"forged.example", "4.7.5", 450, 0, NULL},
	    {"six.example", NULL, 0, 1, "192.0.2.9:25"},
	    {"ours.example", NULL, 0, 2, "[2001:db8::1]:25"},
	    {"best.example", "5.4.6", 550, 0, NULL},
	    {"us.example", "5.4.6", 550, 0, NULL},
	    {"twice.example", NULL, 0, 3, "192.0.2.2:25"},
	    {"b\303\274cher.example", NULL, 0, 1, "192.0.2.2:25"},
	    {"a..example", "5.1.2", 550, 0, NULL},
	    {"", "5.1.2", 550, 0, NULL},
	    {"[192.0.2.77]", NULL, 0, 1, "192.0.2.77:25"},
	    {"[IPv6:2001:db8::77]", NULL, 0, 1, "[2001:db8::77]:25"},
	    {"[2001:db8::77]", "5.1.2", 550, 0, NULL},
	    {"[x400:foo]", "5.1.2", 550, 0, NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct table t = {zone, sizeof(zone) / sizeof(zone[0]), 0};
		struct smtp_mx *m = search(&t, &plain, rows[i].domain);
		const struct smtp_mx_result *r = smtp_mx_result(m);

		if (r->n_targets != rows[i].n)
			printf("%s: %zu, %s\n", rows[i].domain, r->n_targets,
			    r->text);
		CU_ASSERT_EQUAL(r->n_targets, rows[i].n);
		CU_ASSERT_EQUAL(r->code, rows[i].code);
		CU_ASSERT_EQUAL(r->outcome,
		    rows[i].code == 0         ? SMTP_MX_OK
			: rows[i].code == 450 ? SMTP_MX_TEMPORARY
					      : SMTP_MX_PERMANENT);
		if (rows[i].status != NULL) {
			CU_ASSERT_STRING_EQUAL(r->status, rows[i].status);
			CU_ASSERT(r->text[0] != '\0');
		} else if (r->n_targets > 0) {
			CU_ASSERT_STRING_EQUAL(
			    r->targets[0].address, rows[i].first);
			CU_ASSERT(rows[i].domain[0] == '[' || r->ttl == 60 ||
			    r->ttl == 100);
		}
		smtp_mx_free(&m);
	}
}

static void
every_answer_may_be_the_failing_one_and_the_search_ends(void)
{
	for (unsigned fail = 0; fail < 6; fail++) {
		struct table t = {zone, sizeof(zone) / sizeof(zone[0]), 0};
		struct smtp_mx *m = smtp_mx_new(&dane, "d.example");
		struct smtp_mx_question q;

		while (smtp_mx_ask(m, &q)) {
			struct dns_answer a = {
			    .status = DNS_TIMEOUT,
			    .name = q.name,
			    .canonical = q.name,
			};

			if (t.asked == fail) {
				t.asked++;
				smtp_mx_answer(m, q.id, &a);
			} else {
				answer_from(&t, m, &q);
			}
		}
		CU_ASSERT_PTR_NOT_NULL_FATAL(smtp_mx_result(m));
		CU_ASSERT_EQUAL(smtp_mx_result(m)->outcome,
		    fail == 0 ? SMTP_MX_TEMPORARY : SMTP_MX_OK);
		smtp_mx_free(&m);
	}
}

static void
equals_are_shuffled_by_the_seed_and_preferences_stay(void)
{
	static const struct row v[] = {
	    {"d.example", DNS_MX, "10 a.example"},
	    {"d.example", DNS_MX, "10 b.example"},
	    {"d.example", DNS_MX, "10 c.example"},
	    {"d.example", DNS_MX, "20 z.example"},
	    {"a.example", DNS_A, "192.0.2.1"},
	    {"b.example", DNS_A, "192.0.2.2"},
	    {"c.example", DNS_A, "192.0.2.3"},
	    {"z.example", DNS_A, "192.0.2.26"},
	};
	unsigned first[4] = {0};

	for (uint64_t seed = 0; seed < 600; seed++) {
		struct smtp_mx_params p = {.seed = seed};
		struct table t = {v, sizeof(v) / sizeof(v[0]), 0};
		struct smtp_mx *m = search(&t, &p, "d.example");
		const struct smtp_mx_result *r = smtp_mx_result(m);

		CU_ASSERT_EQUAL_FATAL(r->n_targets, 4);
		CU_ASSERT_STRING_EQUAL(r->targets[3].host->name, "z.example");
		first[r->targets[0].host->name[0] - 'a']++;
		smtp_mx_free(&m);
	}
	for (int i = 0; i < 3; i++)
		CU_ASSERT(first[i] > 120 && first[i] < 280);
}

static void
families_take_turns_and_limits_hold(void)
{
	static const struct row v[] = {
	    {"d.example", DNS_AAAA, "2001:db8::1"},
	    {"d.example", DNS_AAAA, "2001:db8::2"},
	    {"d.example", DNS_AAAA, "2001:db8::3"},
	    {"d.example", DNS_A, "192.0.2.1"},
	    {"d.example", DNS_A, "192.0.2.2"},
	    {"e.example", DNS_MX, "1 d.example"},
	    {"e.example", DNS_MX, "2 f.example"},
	    {"f.example", DNS_A, "192.0.2.9"},
	};
	struct smtp_mx_params p = {.max_addresses_per_host = 2, .port = 2525};
	struct table t = {v, sizeof(v) / sizeof(v[0]), 0};
	struct smtp_mx *m = search(&t, &p, "d.example");
	const struct smtp_mx_result *r = smtp_mx_result(m);

	CU_ASSERT_EQUAL_FATAL(r->n_targets, 4);
	for (size_t i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(r->targets[i].sa.ss_family,
		    i % 2 == 0 ? AF_INET6 : AF_INET);
	CU_ASSERT(strstr(r->targets[0].address, "]:2525") != NULL);
	CU_ASSERT(r->implicit);
	smtp_mx_free(&m);
	p = (struct smtp_mx_params){.max_hosts = 1, .no_ipv6 = true};
	m = search(&t, &p, "e.example");
	CU_ASSERT_EQUAL(smtp_mx_result(m)->n_targets, 2);
	smtp_mx_free(&m);
	/* a smart host is no mail domain */
	p = (struct smtp_mx_params){.no_mx = true};
	m = search(&t, &p, "e.example");
	CU_ASSERT_EQUAL(smtp_mx_result(m)->outcome, SMTP_MX_PERMANENT);
	smtp_mx_free(&m);
}

/* --- DANE --- */

static const struct row signed_zone[] = {
    {"d.example", DNS_MX, "10 mx.example", true},
    {"mx.example", DNS_A, "192.0.2.1", true},
    {"_25._tcp.mx.example", DNS_TLSA, "x", true},
    {"unsigned.example", DNS_MX, "10 mx.example", false},
    {"plainhost.example", DNS_MX, "10 plain.example", true},
    {"plain.example", DNS_A, "192.0.2.2", false},
    {"_25._tcp.plain.example", DNS_TLSA, "x", true},
    {"alias.example", DNS_MX, "10 a.example", true},
    {"a.example", DNS_A, "192.0.2.1", true, DNS_FOUND, "mx.example"},
    {"alias2.example", DNS_MX, "10 b.example", true},
    {"b.example", DNS_A, "192.0.2.3", true, DNS_FOUND, "notlsa.example"},
    {"_25._tcp.b.example", DNS_TLSA, "x", true},
    {"alias3.example", DNS_MX, "10 c.example", true},
    {"c.example", DNS_A, "192.0.2.3", false, DNS_FOUND, "out.example"},
    {"c.example", DNS_CNAME, "out.example", true},
    {"_25._tcp.c.example", DNS_TLSA, "x", true},
    {"broken.example", DNS_MX, "10 t.example", true},
    {"t.example", DNS_A, "192.0.2.4", true},
    {"_25._tcp.t.example", DNS_TLSA, NULL, false, DNS_SERVFAIL},
    {"insecure-tlsa.example", DNS_MX, "10 i.example", true},
    {"i.example", DNS_A, "192.0.2.5", true},
    {"_25._tcp.i.example", DNS_TLSA, "x", false},
    {"cut.example", DNS_MX, "10 cut-host.example", true},
    {"cut-host.example", DNS_A, "192.0.2.6", true},
    {"cut-host.example", DNS_AAAA, NULL, false, DNS_SERVFAIL},
    {"mx.example", DNS_MX, NULL, true, DNS_NODATA},
    {"see.example", DNS_MX, "10 mx.example", true, DNS_FOUND, "to.example"},
};

static void
tlsa_records_are_looked_for_where_the_whole_way_is_secure(void)
{
	static const struct {
		const char *domain;
		size_t n;
		const char *base;
		bool secure;
		const char *names[2];
	} rows[] = {
	    {"d.example", 1, "mx.example", true, {"d.example"}},
	    {"unsigned.example", 1, NULL, false},
	    {"plainhost.example", 1, NULL, false},
	    {"alias.example", 1, "mx.example", true, {"alias.example"}},
	    {"alias2.example", 1, "b.example", true, {"alias2.example"}},
	    {"alias3.example", 1, "c.example", false, {"alias3.example"}},
	    {"broken.example", 0, NULL, true},
	    {"insecure-tlsa.example", 1, NULL, true},
	    {"cut.example", 0, NULL, true},
	    {"mx.example", 1, "mx.example", true},
	    {"see.example", 1, "mx.example", true,
		{"see.example", "to.example"}},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct table t = {signed_zone,
		    sizeof(signed_zone) / sizeof(signed_zone[0]), 0};
		struct smtp_mx *m = search(&t, &dane, rows[i].domain);
		const struct smtp_mx_result *r = smtp_mx_result(m);
		const struct smtp_mx_host *h;

		CU_ASSERT_EQUAL(r->n_targets, rows[i].n);
		if (r->n_targets == 0) {
			CU_ASSERT_EQUAL(r->outcome, SMTP_MX_TEMPORARY);
			CU_ASSERT_EQUAL(r->n_unknown, 1);
			smtp_mx_free(&m);
			continue;
		}
		h = r->targets[0].host;
		CU_ASSERT_EQUAL(h->secure, rows[i].secure);
		CU_ASSERT_EQUAL(
		    h->dane == SMTP_MX_DANE_RECORDS, rows[i].base != NULL);
		if (rows[i].base != NULL) {
			CU_ASSERT_STRING_EQUAL(h->base, rows[i].base);
			CU_ASSERT_EQUAL(h->n_tlsa, 1);
		}
		for (size_t k = 0; k < 2; k++) {
			CU_ASSERT_EQUAL(
			    k < h->n_names, rows[i].names[k] != NULL);
			if (k < h->n_names && rows[i].names[k] != NULL)
				CU_ASSERT_STRING_EQUAL(
				    h->names[k], rows[i].names[k]);
		}
		smtp_mx_free(&m);
	}
}

/* --- literals --- */

static void
literals_are_addresses_in_brackets_and_nothing_else(void)
{
	static const struct {
		const char *text;
		int rc;
	} rows[] = {
	    {"[192.0.2.1]", 0},
	    {"[IPv6:::1]", 0},
	    {"[ipv6:2001:db8::ffff]", 0},
	    {"[IPv6:::ffff:192.0.2.1]", 0},
	    {"[]", ERR_SYNTAX},
	    {"[", ERR_SYNTAX},
	    {"192.0.2.1", ERR_SYNTAX},
	    {"[192.0.2.1", ERR_SYNTAX},
	    {"[192.0.2.256]", ERR_UNSUPPORTED},
	    {"[192.0.2]", ERR_UNSUPPORTED},
	    {"[IPv6:]", ERR_UNSUPPORTED},
	    {"[::1]", ERR_UNSUPPORTED},
	    {"[tag:content]", ERR_UNSUPPORTED},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sockaddr_storage sa;
		socklen_t len;

		CU_ASSERT_EQUAL(
		    smtp_mx_literal(rows[i].text, 25, &sa, &len, NULL),
		    rows[i].rc);
	}
}

/* --- over a real server --- */

struct found {
	struct loop *loop;
	unsigned n;
	enum smtp_mx_outcome outcome;
	size_t n_targets, n_tlsa;
	char first[64];
};

static void
on_found(void *arg, const struct smtp_mx_result *r)
{
	struct found *f = arg;

	f->n++;
	f->outcome = r->outcome;
	f->n_targets = r->n_targets;
	if (r->n_targets > 0) {
		f->n_tlsa = r->targets[0].host->n_tlsa;
		snprintf(
		    f->first, sizeof(f->first), "%s", r->targets[0].host->name);
	}
	loop_stop(f->loop);
}

static void
hang(void *arg)
{
	(void)arg;
	log_die("the MX test hangs");
}

static void
a_signed_domain_is_found_with_its_tlsa_records(void)
{
	struct dns_server s;
	struct dns_params p;
	struct found f = {0};
	struct loop_timer *watchdog;
	struct smtp_mx_lookup *l;
	struct dns *dns;

	if (!dns_server_start(&s))
		return;
	p = (struct dns_params){
	    .zones = s.zones,
	    .n_zones = 4,
	    .anchors = s.anchors,
	    .n_anchors = 2,
	};
	f.loop = loop_new();
	watchdog = loop_timer_set(f.loop, 30000, hang, NULL);
	dns = dns_new(f.loop, &p, NULL);
	CU_ASSERT_FATAL(dns != NULL);
	smtp_mx_lookup(f.loop, dns, &dane, "signed.example", on_found, &f);
	loop_run(f.loop);
	CU_ASSERT_EQUAL(f.outcome, SMTP_MX_OK);
	CU_ASSERT_EQUAL(f.n_targets, 4);
	CU_ASSERT_STRING_EQUAL(f.first, "mx1.signed.example");
	CU_ASSERT_EQUAL(f.n_tlsa, 1);
	/* nothing to be asked; and one that is cancelled */
	l = smtp_mx_lookup(f.loop, dns, &dane, "plain.example", on_found, &f);
	smtp_mx_cancel(&l);
	smtp_mx_lookup(f.loop, dns, &dane, "[127.0.0.1]", on_found, &f);
	loop_run(f.loop);
	CU_ASSERT_EQUAL(f.n, 2);
	CU_ASSERT_EQUAL(f.n_targets, 1);
	loop_timer_cancel(&watchdog);
	dns_free(&dns);
	loop_free(&f.loop);
	dns_server_stop(&s);
}

void
suite_smtp_mx(void)
{
	static CU_TestInfo tests[] = {
	    TEST(domains_lead_to_servers_or_to_the_right_refusal),
	    TEST(every_answer_may_be_the_failing_one_and_the_search_ends),
	    TEST(equals_are_shuffled_by_the_seed_and_preferences_stay),
	    TEST(families_take_turns_and_limits_hold),
	    TEST(tlsa_records_are_looked_for_where_the_whole_way_is_secure),
	    TEST(literals_are_addresses_in_brackets_and_nothing_else),
	    TEST(a_signed_domain_is_found_with_its_tlsa_records),
	    CU_TEST_INFO_NULL,
	};

	unit_suite("smtp/mx", tests);
}
