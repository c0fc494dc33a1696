/*
 * Both sides of SASL against each other, as far as one process can be both: the
 * client of Cyrus and the server on an identity table.
 */
#include "lib/sasl.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/tls.h"
#include "tests/unit/unit.h"

#define SCHEMA "conf/identities.rng"

static const char *const table =
    "<identities>"
    "<user name='alice'>"
    "<scram mechanism='SCRAM-SHA-256' iterations='4096'"
    " salt='W22ZaJ0SNY7soEsUEjb6gQ=='"
    " stored-key='WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY='"
    " server-key='wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU='/>"
    "<scram mechanism='SCRAM-SHA-1' iterations='4096' salt='QSXCR+Q6sek8bf92'"
    " stored-key='6dlGYMOdZcOPutkcNY8U2g7vK9Y='"
    " server-key='D+CSWLOshSulAsxiupA+qs2/fTE='/>"
    "<certificate name='alice@a.example'/><act-as user='bob'/></user>"
    "<user name='bob'/>"
    "<user name='gone' disabled='true'>"
    "<scram mechanism='SCRAM-SHA-256' iterations='4096'"
    " salt='W22ZaJ0SNY7soEsUEjb6gQ=='"
    " stored-key='WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY='"
    " server-key='wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU='/></user>"
    "</identities>";

struct world {
	char path[64];
	struct conf_attr attrs[4];
	struct conf_node node;
	struct sasl_service *s;
	struct err e;
};

static void
begin(struct world *w, const char *attr, const char *value)
{
	int fd;

	*w = (struct world){.path = "/tmp/isthmus-sasl-XXXXXX", .e = ERR_INIT};
	fd = mkstemp(w->path);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_FATAL(
	    write(fd, table, strlen(table)) == (ssize_t)strlen(table));
	close(fd);
	w->attrs[0] = (struct conf_attr){"identities", w->path};
	w->attrs[1] = (struct conf_attr){attr, value};
	w->node = (struct conf_node){.name = "sasl",
	    .text = "",
	    .file = "t",
	    .line = 1,
	    .attrs = w->attrs,
	    .n_attrs = attr != NULL ? 2 : 1};
	w->s = sasl_service_new(&w->node, SCHEMA, &w->e);
	if (w->s == NULL)
		printf("%s\n", w->e.text);
}

static void
end(struct world *w)
{
	sasl_service_free(&w->s);
	unlink(w->path);
}

static const uint8_t exporter[32] = {1, 2, 3};
static const char *const cert_names[] = {"x", "alice@a.example"};
static const struct tls_peer tls = {.version = "TLSv1.3",
    .cipher = "c",
    .subject = "",
    .serial = "",
    .bits = 256};
static const struct tls_peer tls_bound = {.version = "TLSv1.3",
    .cipher = "c",
    .subject = "",
    .serial = "",
    .bits = 256,
    .binding = "tls-exporter",
    .binding_data = exporter,
    .binding_n = sizeof(exporter)};
static const struct tls_peer tls_client = {.version = "TLSv1.3",
    .cipher = "c",
    .subject = "CN=alice",
    .serial = "1",
    .bits = 256,
    .verified = true,
    .names = cert_names,
    .n_names = 2};

/* --- the offer --- */

static void
a_link_is_offered_what_it_may_use(void)
{
	static const struct {
		const struct tls_peer *tls;
		const char *plaintext, *list;
	} rows[] = {
	    {NULL, "tls", "SCRAM-SHA-256 SCRAM-SHA-1"},
	    {NULL, "always", "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN"},
	    {&tls, "tls", "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN"},
	    {&tls_bound, "tls",
		"SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 "
		"SCRAM-SHA-1 PLAIN LOGIN"},
	    {&tls_client, "tls",
		"EXTERNAL SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sasl_link link = {"smtp", "a.example", rows[i].tls};
		char list[SASL_LIST_MAX];
		struct world w;

		begin(&w, "plaintext", rows[i].plaintext);
		CU_ASSERT_PTR_NOT_NULL_FATAL(w.s);
		CU_ASSERT_STRING_EQUAL(
		    sasl_mechanisms(w.s, &link, list), rows[i].list);
		end(&w);
	}
}

static void
what_is_not_offered_says_whether_tls_would_help(void)
{
	struct sasl_link link = {"smtp", "a.example", NULL};
	struct world w;

	begin(&w, NULL, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w.s);
	CU_ASSERT_EQUAL(
	    sasl_offers(w.s, &link, "plain"), SASL_OFFERED_UNDER_TLS);
	CU_ASSERT_EQUAL(sasl_offers(w.s, &link, "scram-sha-1"), SASL_OFFERED);
	CU_ASSERT_EQUAL(
	    sasl_offers(w.s, &link, "DIGEST-MD5"), SASL_NOT_OFFERED);
	CU_ASSERT_EQUAL(sasl_offers(w.s, &link, "GSSAPI"), SASL_NOT_OFFERED);
	CU_ASSERT_EQUAL(sasl_offers(w.s, &link, "EXTERNAL"), SASL_NOT_OFFERED);
	CU_ASSERT_EQUAL(sasl_offers(w.s, &link, ""), SASL_NOT_OFFERED);
	CU_ASSERT_EQUAL(
	    sasl_offers(w.s, &link,
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
	    SASL_NOT_OFFERED);
	end(&w);
}

static void
mechanisms_that_cannot_be_are_a_mistake(void)
{
	static const char *const rows[] = {"DIGEST-MD5", "PLAIN ANONYMOUS",
	    "SCRAM-SHA-512", "NO-SUCH-THING",
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world w;
		struct err e = ERR_INIT;

		begin(&w, NULL, NULL);
		w.attrs[1] = (struct conf_attr){"mechanisms", rows[i]};
		w.node.n_attrs = 2;
		CU_ASSERT_PTR_NULL(sasl_service_new(&w.node, SCHEMA, &e));
		CU_ASSERT_PTR_NOT_NULL(
		    strstr(e.text, "t:1: <sasl> mechanisms: "));
		end(&w);
	}
}

/* --- exchanges --- */

static struct err last; /* of the server */

/* Both sides, step by step; what the server came to. */
static enum sasl_result
play(struct sasl_exchange *x, struct sasl_client *c, const char *list,
    const char **mechanism)
{
	struct octets a = {0}, b = {0};
	struct err e = ERR_INIT;
	enum sasl_result r;

	*mechanism = "-";
	if (sasl_client_begin(c, list, mechanism, &a, &e) < 0) {
		printf("%s\n", e.text);
		return SASL_RESULT_TOO_WEAK;
	}
	r = sasl_exchange_start(x, *mechanism, a.p, a.n, &b, &last);
	while (r == SASL_RESULT_CHALLENGE) {
		if (sasl_client_answer(c, b.p, b.n, &a, &e) < 0)
			return SASL_RESULT_SYNTAX;
		r = sasl_exchange_step(x, a.p, a.n, &b, &last);
	}
	if (r == SASL_RESULT_DONE)
		CU_ASSERT(sasl_client_proved(c));
	return r;
}

static void
who_has_proved_it_is_let_in_and_nobody_else(void)
{
	static const struct {
		const char *list, *user, *password, *as;
		const struct tls_peer *tls;
		enum sasl_result result;
		const char *is;
	} rows[] = {
	    {"PLAIN", "alice", "pencil", NULL, &tls, SASL_RESULT_DONE, "alice"},
	    {"PLAIN", "alice", "pencil", "bob", &tls, SASL_RESULT_DONE, "bob"},
	    {"PLAIN", "alice", "pencils", NULL, &tls, SASL_RESULT_REFUSED, ""},
	    {"PLAIN", "alice", "pencil", "gone", &tls, SASL_RESULT_REFUSED, ""},
	    {"PLAIN", "alice", "pencil", "eve", &tls, SASL_RESULT_REFUSED, ""},
	    {"PLAIN", "bob", "pencil", NULL, &tls, SASL_RESULT_REFUSED, ""},
	    {"PLAIN", "gone", "pencil", NULL, &tls, SASL_RESULT_REFUSED, ""},
	    {"PLAIN", "eve", "pencil", NULL, &tls, SASL_RESULT_REFUSED, ""},
	    {"LOGIN", "alice", "pencil", NULL, &tls, SASL_RESULT_DONE, "alice"},
	    {"LOGIN", "alice", "penci", NULL, &tls, SASL_RESULT_REFUSED, ""},
	    {"SCRAM-SHA-256", "alice", "pencil", NULL, NULL, SASL_RESULT_DONE,
		"alice"},
	    {"SCRAM-SHA-1", "alice", "pencil", NULL, NULL, SASL_RESULT_DONE,
		"alice"},
	    {"SCRAM-SHA-256", "alice", "pencil", "bob", NULL, SASL_RESULT_DONE,
		"bob"},
	    {"SCRAM-SHA-256", "alice", "pencil", "eve", NULL,
		SASL_RESULT_REFUSED, ""},
	    {"SCRAM-SHA-256", "alice", "pencils", NULL, NULL,
		SASL_RESULT_REFUSED, ""},
	    {"SCRAM-SHA-256", "gone", "pencil", NULL, NULL, SASL_RESULT_REFUSED,
		""},
	    {"SCRAM-SHA-256", "eve", "pencil", NULL, NULL, SASL_RESULT_REFUSED,
		""},
	    {"SCRAM-SHA-1", "bob", "pencil", NULL, NULL, SASL_RESULT_REFUSED,
		""},
	    {"SCRAM-SHA-256-PLUS", "alice", "pencil", NULL, &tls_bound,
		SASL_RESULT_DONE, "alice"},
	    {"EXTERNAL", "", NULL, NULL, &tls_client, SASL_RESULT_DONE,
		"alice"},
	    {"EXTERNAL", "", NULL, "bob", &tls_client, SASL_RESULT_DONE, "bob"},
	    {"EXTERNAL", "", NULL, "gone", &tls_client, SASL_RESULT_REFUSED,
		""},
	};
	struct world w;

	begin(&w, NULL, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w.s);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sasl_link link = {"smtp", "a.example", rows[i].tls};
		struct sasl_client_options o = {"smtp", "a.example",
		    rows[i].tls, rows[i].user, rows[i].password, rows[i].as,
		    false};
		struct sasl_client *c = sasl_client_open(&o, &w.e);
		struct sasl_exchange *x = sasl_exchange_new(w.s, &link, &w.e);
		const char *mechanism;
		enum sasl_result r;

		CU_ASSERT_PTR_NOT_NULL_FATAL(c);
		CU_ASSERT_PTR_NOT_NULL_FATAL(x);
		r = play(x, c, rows[i].list, &mechanism);
		CU_ASSERT_EQUAL(r, rows[i].result);
		if (r != rows[i].result)
			printf("\nrow %zu: %d, %s\n", i, (int)r, w.e.text);
		else if (r == SASL_RESULT_DONE)
			CU_ASSERT_STRING_EQUAL(
			    sasl_exchange_user(x), rows[i].is);
		sasl_exchange_free(&x);
		sasl_client_close(&c);
	}
	end(&w);
}

static void
another_channel_is_found_out(void)
{
	static const uint8_t other[32] = {9};
	struct tls_peer between = tls_bound;
	struct sasl_link link = {"smtp", "a.example", &tls_bound};
	struct sasl_client_options o = {
	    "smtp", "a.example", &between, "alice", "pencil", NULL, false};
	struct sasl_client *c;
	struct sasl_exchange *x;
	const char *mechanism;
	struct world w;

	begin(&w, NULL, NULL);
	between.binding_data = other;
	c = sasl_client_open(&o, &w.e);
	x = sasl_exchange_new(w.s, &link, &w.e);
	CU_ASSERT_EQUAL(
	    play(x, c, "SCRAM-SHA-256-PLUS", &mechanism), SASL_RESULT_SYNTAX);
	CU_ASSERT_STRING_EQUAL(mechanism, "SCRAM-SHA-256-PLUS");
	CU_ASSERT_PTR_NOT_NULL(strstr(last.text, "hannel binding"));
	sasl_exchange_free(&x);
	sasl_client_close(&c);
	end(&w);
}

static void
passwords_do_not_go_in_plain_by_mistake(void)
{
	struct sasl_client_options o = {
	    "smtp", "a.example", NULL, "alice", "pencil", NULL, false};
	struct sasl_client *c;
	struct octets initial;
	struct err e = ERR_INIT;
	const char *mechanism;

	c = sasl_client_open(&o, &e);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	CU_ASSERT_EQUAL(
	    sasl_client_begin(c, "PLAIN LOGIN", &mechanism, &initial, &e),
	    ERR_UNSUPPORTED);
	sasl_client_close(&c);
}

static void
responses_are_bounded_and_nonsense_is_refused(void)
{
	static uint8_t big[SASL_OCTETS_MAX + 1];
	static const struct {
		const char *mechanism;
		const char *p;
		size_t n;
	} rows[] = {
	    {"SCRAM-SHA-256", "n,,x=alice,r=abcdef", 19},
	    {"SCRAM-SHA-256", "n,,n=alice", 10},
	    {"SCRAM-SHA-256", "q,,n=alice,r=x", 14},
	    {"SCRAM-SHA-256", "", 0},
	    {"SCRAM-SHA-256", "n,,n=al\0ice,r=abcdef", 20},
	    {"PLAIN", "alice", 5},
	    {"PLAIN", "\0\0pencil", 8},
	    {"PLAIN", "\0alice\0", 7},
	    {"PLAIN", (const char *)big, sizeof(big)},
	    {"NO-SUCH-THING", "x", 1},
	};
	struct sasl_link link = {"smtp", "a.example", &tls};
	struct world w;

	begin(&w, NULL, NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sasl_exchange *x = sasl_exchange_new(w.s, &link, &w.e);
		struct octets out;
		enum sasl_result r = sasl_exchange_start(x, rows[i].mechanism,
		    (const uint8_t *)rows[i].p, rows[i].n, &out, &w.e);

		for (int j = 0; r == SASL_RESULT_CHALLENGE && j < 3; j++)
			r = sasl_exchange_step(
			    x, (const uint8_t *)"x", 1, &out, &w.e);
		CU_ASSERT(r == SASL_RESULT_SYNTAX || r == SASL_RESULT_REFUSED);
		sasl_exchange_free(&x);
	}
	end(&w);
}

void
suite_lib_sasl(void)
{
	static CU_TestInfo tests[] = {
	    TEST(a_link_is_offered_what_it_may_use),
	    TEST(what_is_not_offered_says_whether_tls_would_help),
	    TEST(mechanisms_that_cannot_be_are_a_mistake),
	    TEST(who_has_proved_it_is_let_in_and_nobody_else),
	    TEST(another_channel_is_found_out),
	    TEST(passwords_do_not_go_in_plain_by_mistake),
	    TEST(responses_are_bounded_and_nonsense_is_refused),
	    CU_TEST_INFO_NULL,
	};

	unit_suite("lib_sasl", tests);
}
