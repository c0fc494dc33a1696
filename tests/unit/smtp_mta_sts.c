/* TXT records, policies and their cache; and fetching from a real server. */
#include <string.h>
#include <sys/stat.h>

#include "lib/log.h"
#include "smtp/mta_sts.h"
#include "tests/unit/dns_files.h"
#include "tests/unit/tls_files.h"
#include "tests/unit/unit.h"

static void
txt_records_give_their_id_or_are_refused_with_the_octet(void)
{
	static const struct {
		const char *text, *id;
		uint64_t offset;
	} rows[] = {
	    {"v=STSv1; id=20160831085700Z;", "20160831085700Z"},
	    {"v=STSv1;id=1", "1"},
	    {"v=STSv1 ; id=1 ; ", "1"},
	    {"v=STSv1; x.y_z-1=abc:def; id=1", "1"},
	    {"v=STSv1; id=1; id=2;", "1"},
	    {"v=STSv1; id=12345678901234567890123456789012",
		"123456789012345"
		"6789012345678901"
		"2"},
	    {"v=STSv1; id=123456789012345678901234567890123", NULL, 8},
	    {"", NULL, 0},
	    {"v=STSv1;", NULL, 8},
	    {"v=STSv1", NULL, 7},
	    {"v=STSv2; id=1;", NULL, 0},
	    {" v=STSv1; id=1;", NULL, 0},
	    {"V=STSv1; id=1;", NULL, 0},
	    {"id=1; v=STSv1;", NULL, 0},
	    {"v=STSv1; id=a-b;", NULL, 8},
	    {"v=STSv1; id=;", NULL, 8},
	    {"v=STSv1; id=1; x", NULL, 14},
	    {"v=STSv1; id=1;; x=1", NULL, 14},
	    {"v=STSv1; id=1; -x=1", NULL, 14},
	    {"v=STSv1; id=1; x=a=b", NULL, 14},
	    {"v=STSv1; id=1; x=a b", NULL, 14},
	};
	char id[MTA_STS_ID_MAX + 1];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = ERR_INIT;
		int rc = mta_sts_txt_parse(
		    rows[i].text, strlen(rows[i].text), id, &e);

		if (rc != (rows[i].id != NULL ? 0 : ERR_SYNTAX))
			printf("%s: %s\n", rows[i].text, e.text);
		CU_ASSERT_EQUAL(rc, rows[i].id != NULL ? 0 : ERR_SYNTAX);
		if (rc == 0 && rows[i].id != NULL) {
			CU_ASSERT_STRING_EQUAL(id, rows[i].id);
		} else {
			CU_ASSERT_EQUAL(e.offset, rows[i].offset);
		}
	}
}

static void
one_txt_record_counts_and_not_two(void)
{
	struct dns_record v[3] = {
	    {DNS_TXT, .txt = {"v=spf1 -all", 11}},
	    {DNS_TXT, .txt = {"v=STSv1; id=7;", 14}},
	    {DNS_TXT, .txt = {"v=STSv1; id=8;", 14}},
	};
	char id[MTA_STS_ID_MAX + 1];

	CU_ASSERT_EQUAL(mta_sts_txt(v, 2, id, NULL), 0);
	CU_ASSERT_STRING_EQUAL(id, "7");
	CU_ASSERT_EQUAL(mta_sts_txt(v, 3, id, NULL), ERR_SYNTAX);
	CU_ASSERT_EQUAL(mta_sts_txt(v, 1, id, NULL), ERR_NOT_FOUND);
	v[2].txt.p = "v=STSv11; id=8"; /* not ours */
	CU_ASSERT_EQUAL(mta_sts_txt(v, 3, id, NULL), 0);
}

#define GOOD                                            \
	"version: STSv1\r\nmode: enforce\r\n"           \
	"mx: Mail.example.com\r\nmx: *.example.net\r\n" \
	"max_age: 604800\r\n"

static void
policies_are_read_whole_or_refused(void)
{
	static const struct {
		const char *text;
		int rc;
		enum mta_sts_mode mode;
		uint32_t max_age;
		size_t n_mx;
	} rows[] = {
	    {GOOD, 0, MTA_STS_ENFORCE, 604800, 2},
	    {"version:STSv1\nmode:\t none \nmax_age:0", 0, MTA_STS_NONE, 0, 0},
	    {"mx: a.b\nmax_age: 1\nmode: testing\nversion: STSv1\nx-y: "
	     "\303\274 z",
		0, MTA_STS_TESTING, 1, 1},
	    {"version: STSv1\nmode: none\nmode: enforce\nmax_age: 9999999999\n"
	     "max_age: x",
		0, MTA_STS_NONE, MTA_STS_MAX_AGE, 0},
	    {"", ERR_SYNTAX},
	    {"version: STSv1\nmode: enforce\nmax_age: 1\n", ERR_SYNTAX},
	    {"version: STSv2\nmode: none\nmax_age: 1\n", ERR_SYNTAX},
	    {"mode: none\nmax_age: 1\n", ERR_SYNTAX},
	    {"version: STSv1\nmax_age: 1\n", ERR_SYNTAX},
	    {"version: STSv1\nmode: none\n", ERR_SYNTAX},
	    {"version: STSv1\nmode: Enforce\nmax_age: 1\nmx: a", ERR_SYNTAX},
	    {"version: STSv1\nmode: none\nmax_age: 12345678901\n", ERR_SYNTAX},
	    {"version: STSv1\nmode: none\nmax_age: -1\n", ERR_SYNTAX},
	    {GOOD "mx: *\r\n", ERR_SYNTAX},
	    {GOOD "mx: a.*.b\r\n", ERR_SYNTAX},
	    {GOOD "mx: [192.0.2.1]\r\n", ERR_SYNTAX},
	    {GOOD "mx:\r\n", ERR_SYNTAX},
	    {GOOD "\r\n", ERR_SYNTAX},
	    {GOOD "x: a\001b\r\n", ERR_SYNTAX},
	    {GOOD "<html>", ERR_SYNTAX},
	};
	struct arena *a = arena_new();
	struct mta_sts_policy p;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int rc = mta_sts_policy_parse(
		    a, rows[i].text, strlen(rows[i].text), &p, NULL);

		if (rc != rows[i].rc)
			printf("%s: %d\n", rows[i].text, rc);
		CU_ASSERT_EQUAL(rc, rows[i].rc);
		if (rc < 0)
			continue;
		CU_ASSERT_EQUAL(p.mode, rows[i].mode);
		CU_ASSERT_EQUAL(p.max_age, rows[i].max_age);
		CU_ASSERT_EQUAL(p.n_mx, rows[i].n_mx);
	}
	arena_free(&a);
}

static void
policies_have_limits(void)
{
	struct arena *a = arena_new();
	struct mta_sts_policy p;
	struct buf b = {0};

	buf_puts(&b, "version: STSv1\nmode: enforce\nmax_age: 1\n");
	for (int i = 0; i < MTA_STS_MX_MAX; i++)
		buf_printf(&b, "mx: h%d.example\n", i);
	CU_ASSERT_EQUAL(
	    mta_sts_policy_parse(a, (char *)b.data, b.len, &p, NULL), 0);
	buf_puts(&b, "mx: more.example\n");
	CU_ASSERT_EQUAL(
	    mta_sts_policy_parse(a, (char *)b.data, b.len, &p, NULL),
	    ERR_LIMIT);
	buf_clear(&b);
	buf_puts(&b, GOOD);
	while (b.len <= MTA_STS_POLICY_MAX)
		buf_puts(&b, "x: y\n");
	CU_ASSERT_EQUAL(
	    mta_sts_policy_parse(a, (char *)b.data, b.len, &p, NULL),
	    ERR_LIMIT);
	buf_free(&b);
	arena_free(&a);
}

static void
patterns_match_one_label(void)
{
	static const struct {
		const char *host;
		bool matches;
	} rows[] = {
	    {"mail.example.com", true},
	    {"MAIL.Example.COM.", true},
	    {"x.example.net", true},
	    {"example.net", false},
	    {"a.b.example.net", false},
	    {".example.net", false},
	    {"example.com", false},
	    {"mail.example.com.evil.example", false},
	    {"", false},
	};
	struct arena *a = arena_new();
	struct mta_sts_policy p;

	mta_sts_policy_parse(a, GOOD, strlen(GOOD), &p, NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CU_ASSERT_EQUAL(
		    mta_sts_matches(&p, rows[i].host), rows[i].matches);
	arena_free(&a);
}

/* --- the cache --- */

static void
cached_policies_survive_in_their_file_until_they_end(void)
{
	char dir[] = "/tmp/isthmus-sts-XXXXXX", path[64], name[32];
	struct arena *a = arena_new();
	struct mta_sts_policy p;
	struct mta_sts_cache *c;
	const struct mta_sts_entry *got;
	struct err e = ERR_INIT;
	FILE *f;

	CU_ASSERT_FATAL(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/cache", dir);
	mta_sts_policy_parse(a, GOOD, strlen(GOOD), &p, NULL);
	c = mta_sts_cache_open(path, 1000, &e);
	CU_ASSERT_EQUAL(e.code, 0);
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "d%d.example", i * 7 % 50);
		p.max_age = (uint32_t)(100 + i * 7 % 50);
		CU_ASSERT_EQUAL(
		    mta_sts_cache_put(c, name, "id1", &p, 1000, &e), 0);
	}
	mta_sts_cache_put(c, "d3.example", "id2", &p, 1001, &e);
	mta_sts_cache_close(&c);
	f = fopen(path, "a");
	fputs("bad line\nx.example id 9999 100 enforce a.b\n"
	      "y.example id 1000 500 enforce [1]\n",
	    f);
	fclose(f);
	c = mta_sts_cache_open(path, 1120, &e);
	CU_ASSERT_EQUAL(e.code, ERR_SYNTAX);
	CU_ASSERT_PTR_NULL(mta_sts_cache_get(c, "d20.example", 1120));
	CU_ASSERT_PTR_NULL(mta_sts_cache_get(c, "x.example", 1120));
	CU_ASSERT_PTR_NULL(mta_sts_cache_get(c, "y.example", 1120));
	got = mta_sts_cache_get(c, "d21.example", 1120);
	CU_ASSERT_FATAL(got != NULL);
	CU_ASSERT(got->fetched == 1000 && got->expires == 1121);
	CU_ASSERT(mta_sts_matches(&got->policy, "x.example.net"));
	CU_ASSERT_PTR_NULL(mta_sts_cache_get(c, "d21.example", 1121));
	got = mta_sts_cache_get(c, "d3.example", 1120);
	CU_ASSERT(got != NULL && strcmp(got->id, "id2") == 0);
	mta_sts_cache_close(&c);
	unlink(path);
	rmdir(dir);
	arena_free(&a);
}

static void
a_file_that_is_none_is_said_and_the_cache_works(void)
{
	struct err e = ERR_INIT;
	struct mta_sts_cache *c = mta_sts_cache_open("/dev/null", 1, &e);
	struct mta_sts_policy p = {.max_age = 10};

	CU_ASSERT_EQUAL(e.code, ERR_SYNTAX);
	mta_sts_cache_close(&c);
	c = mta_sts_cache_open("/nonexistent/x", 1, &e);
	CU_ASSERT_EQUAL(
	    mta_sts_cache_put(c, "a.example", "1", &p, 1, &e), ERR_SYSTEM);
	CU_ASSERT_PTR_NOT_NULL(mta_sts_cache_get(c, "a.example", 5));
	mta_sts_cache_close(&c);
}

/* --- over HTTPS --- */

struct web {
	struct dns_server dns_server;
	struct tls_files files;
	pid_t pid;
	int port;
	struct loop *loop;
	struct dns *dns;
	struct mta_sts_cache *cache;
	struct mta_sts_fetcher *fetcher;
	struct mta_sts *sts;
	unsigned answers, wanted;
	bool found;
	enum mta_sts_mode mode;
};

static void
hang(void *arg)
{
	(void)arg;
	log_die("the MTA-STS test hangs");
}

/* What the server says to a request, with its status line. */
static void
web_says(struct web *w, const char *head, const char *body, size_t repeat)
{
	FILE *f = fopen(arena_printf(w->files.paths,
			    "%s/.well-known/mta-sts.txt", w->files.dir),
	    "w");

	CU_ASSERT_FATAL(f != NULL);
	fprintf(f, "%s\r\n\r\n%s", head, body);
	while (repeat-- > 0)
		fputs("x-long: yes\r\n", f);
	fclose(f);
}

static void
web_serve(struct web *w, const char *pem)
{
	char port[16];
	int fd = -1;

	snprintf(port, sizeof(port), "127.0.0.1:%d", w->port);
	w->pid = fork();
	if (w->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (chdir(w->files.dir) != 0 ||
		    freopen("/dev/null", "w", stdout) == NULL ||
		    freopen("/dev/null", "w", stderr) == NULL)
			_exit(126);
		execlp("openssl", "openssl", "s_server", "-accept", port,
		    "-cert", pem, "-key", pem, "-HTTP", "-quiet", (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 200; i++) {
		struct sockaddr_in sin = {
		    .sin_family = AF_INET,
		    .sin_port = htons((uint16_t)w->port),
		    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		};
		int any = 0;

		fd = dns_server_socket(SOCK_STREAM, 0, &any);
		if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0)
			break;
		close(fd);
		fd = -1;
		usleep(50000);
	}
	CU_ASSERT_FATAL(fd >= 0);
	close(fd);
}

static void
web_stop(struct web *w)
{
	kill(w->pid, SIGTERM);
	waitpid(w->pid, NULL, 0);
}

static void
web_searches(struct web *w)
{
	struct mta_sts_fetch_params fp = {
	    .ca = tls_file(&w->files, "sts-ca"),
	    .port = (uint16_t)w->port,
	    .timeout = 5000,
	};

	w->sts = NULL;
	w->fetcher = mta_sts_fetcher_new(w->loop, &fp, NULL);
	CU_ASSERT_FATAL(w->fetcher != NULL);
	w->cache = mta_sts_cache_open(NULL, 0, NULL);
	w->sts = mta_sts_new(w->loop, w->dns, w->fetcher, w->cache);
}

static void
web_forget(struct web *w)
{
	mta_sts_free(&w->sts);
	mta_sts_fetcher_free(&w->fetcher);
	mta_sts_cache_close(&w->cache);
}

static void
on_policy(void *arg, const struct mta_sts_policy *policy)
{
	struct web *w = arg;

	w->found = policy != NULL;
	if (policy != NULL)
		w->mode = policy->mode;
	if (++w->answers == w->wanted)
		loop_stop(w->loop);
}

static bool
web_find(struct web *w, const char *domain, unsigned times)
{
	struct loop_timer *watchdog = loop_timer_set(w->loop, 30000, hang, w);

	w->answers = 0;
	w->wanted = times;
	for (unsigned i = 0; i < times; i++)
		mta_sts_find(w->sts, domain, on_policy, w);
	loop_run(w->loop);
	loop_timer_cancel(&watchdog);
	return w->found;
}

static bool
web_start(struct web *w)
{
	struct tls_test_ca ca;
	struct dns_params p;

	*w = (struct web){0};
	if (!dns_server_start(&w->dns_server))
		return false;
	tls_files_make(&w->files);
	ca = tls_files_issue(&w->files, "sts-ca", "STS CA", NULL, 1, 10, NULL);
	tls_files_leaf(
	    &w->files, "sts", "x", "DNS:mta-sts.plain.example", 2, 10, &ca);
	tls_files_leaf(
	    &w->files, "sts-cn", "mta-sts.plain.example", NULL, 3, 10, &ca);
	tls_files_forget(&ca);
	CU_ASSERT_FATAL(
	    mkdir(arena_printf(w->files.paths, "%s/.well-known", w->files.dir),
		0700) == 0);
	p = (struct dns_params){
	    .zones = w->dns_server.zones,
	    .n_zones = 4,
	};
	w->port = dns_server_port();
	w->loop = loop_new();
	w->dns = dns_new(w->loop, &p, NULL);
	CU_ASSERT_FATAL(w->dns != NULL);
	return true;
}

static void
web_end(struct web *w)
{
	static const char *const made[] = {"sts", "sts-ca", "sts-cn"};

	dns_free(&w->dns);
	loop_free(&w->loop);
	for (size_t i = 0; i < 3; i++)
		unlink(tls_file(&w->files, made[i]));
	unlink(arena_printf(
	    w->files.paths, "%s/.well-known/mta-sts.txt", w->files.dir));
	rmdir(arena_printf(w->files.paths, "%s/.well-known", w->files.dir));
	tls_files_remove(&w->files);
	dns_server_stop(&w->dns_server);
}

#define OK_TEXT "HTTP/1.0 200 OK\r\nContent-Type: text/plain; charset=utf-8"

static void
policies_are_fetched_once_and_only_as_the_rfc_has_them(void)
{
	static const struct {
		const char *head, *body;
		size_t repeat;
		bool found;
	} rows[] = {
	    {OK_TEXT, GOOD, 0, true},
	    {OK_TEXT, GOOD, 6000, false}, /* too large */
	    {OK_TEXT, "mode: none\r\n", 0, false},
	    {"HTTP/1.0 200 OK\r\nContent-Type: text/html", GOOD, 0, false},
	    {"HTTP/1.0 200 OK", GOOD, 0, false},
	    {"HTTP/1.0 404 Not Found\r\nContent-Type: text/plain", GOOD, 0,
		false},
	    {"HTTP/1.0 302 Found\r\nLocation: /.well-known/mta-sts.txt\r\n"
	     "Content-Type: text/plain",
		GOOD, 0, false},
	};
	struct web w;

	if (!web_start(&w))
		return;
	web_serve(&w, tls_file(&w.files, "sts"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		web_says(&w, rows[i].head, rows[i].body, rows[i].repeat);
		web_searches(&w);
		CU_ASSERT_EQUAL(
		    web_find(&w, "plain.example", 2), rows[i].found);
		/* neither the good one nor the failure is fetched again */
		web_says(&w, "HTTP/1.0 500 Oh", "", 0);
		CU_ASSERT_EQUAL(
		    web_find(&w, "plain.example", 1), rows[i].found);
		web_forget(&w);
	}
	web_searches(&w);
	CU_ASSERT(!web_find(&w, "nohost.plain.example", 1));
	CU_ASSERT(!web_find(&w, "host.plain.example", 1));
	CU_ASSERT(!web_find(&w, "[127.0.0.1]", 1));
	mta_sts_find(w.sts, "plain.example", on_policy, &w);
	web_forget(&w); /* with a search under way */
	web_stop(&w);
	web_end(&w);
}

static void
a_new_id_is_fetched_and_a_failing_one_leaves_the_old_in_force(void)
{
	struct arena *a = arena_new();
	struct mta_sts_policy p;
	struct web w;

	if (!web_start(&w))
		return;
	mta_sts_policy_parse(a, GOOD, strlen(GOOD), &p, NULL);
	p.mode = MTA_STS_TESTING;
	web_serve(&w, tls_file(&w.files, "sts"));
	web_says(&w, OK_TEXT, GOOD, 0);
	web_searches(&w);
	mta_sts_cache_put(
	    w.cache, "plain.example", "old", &p, clock_wall() / 1000, NULL);
	CU_ASSERT(web_find(&w, "plain.example", 1));
	CU_ASSERT_EQUAL(w.mode, MTA_STS_ENFORCE);
	web_forget(&w);
	web_says(&w, "HTTP/1.0 500 Oh", "", 0);
	web_searches(&w);
	mta_sts_cache_put(
	    w.cache, "plain.example", "old", &p, clock_wall() / 1000, NULL);
	CU_ASSERT(web_find(&w, "plain.example", 1));
	CU_ASSERT_EQUAL(w.mode, MTA_STS_TESTING);
	web_forget(&w);
	web_stop(&w);
	web_end(&w);
	arena_free(&a);
}

static void
certificates_must_carry_the_host_as_a_dns_name_of_a_trusted_authority(void)
{
	static const char *const names[] = {"sts-cn", "server", "expired"};
	struct web w;

	if (!web_start(&w))
		return;
	web_says(&w, OK_TEXT, GOOD, 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		web_serve(&w, tls_file(&w.files, names[i]));
		web_searches(&w);
		CU_ASSERT(!web_find(&w, "plain.example", 1));
		web_forget(&w);
		web_stop(&w);
	}
	web_end(&w);
}

void
suite_smtp_mta_sts(void)
{
	static CU_TestInfo tests[] = {
	    TEST(txt_records_give_their_id_or_are_refused_with_the_octet),
	    TEST(one_txt_record_counts_and_not_two),
	    TEST(policies_are_read_whole_or_refused),
	    TEST(policies_have_limits),
	    TEST(patterns_match_one_label),
	    TEST(cached_policies_survive_in_their_file_until_they_end),
	    TEST(a_file_that_is_none_is_said_and_the_cache_works),
	    TEST(policies_are_fetched_once_and_only_as_the_rfc_has_them),
	    TEST(a_new_id_is_fetched_and_a_failing_one_leaves_the_old_in_force),
	    TEST(
		certificates_must_carry_the_host_as_a_dns_name_of_a_trusted_authority),
	    CU_TEST_INFO_NULL,
	};

	unit_suite("smtp/mta_sts", tests);
}
