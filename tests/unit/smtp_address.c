#include "smtp/address.h"

#include <string.h>

#include "tests/unit/unit.h"

static void
paths_come_out_in_one_spelling(void)
{
	static const struct {
		const char *path, *mailbox;
		unsigned flags;
	} rows[] = {
	    {"<joe@a.example>", "joe@a.example", 0},
	    {"<Joe.Bloggs@A.Example>", "Joe.Bloggs@A.Example", 0},
	    {"<>", "", SMTP_PATH_NULL},
	    {"<Postmaster>", "Postmaster", SMTP_PATH_POSTMASTER},
	    {"<@relay.example:joe@a.example>", "joe@a.example", 0},
	    {"<@r1.example,@r2.example:joe@a.example>", "joe@a.example", 0},
	    {"<\"joe\"@a.example>", "joe@a.example", 0},
	    {"<\"j\\oe\"@a.example>", "joe@a.example", 0},
	    {"<\"joe bloggs\"@a.example>", "\"joe bloggs\"@a.example", 0},
	    {"<\"a\\\"b\"@a.example>", "\"a\\\"b\"@a.example", 0},
	    {"<\"a>b@c\"@a.example>", "\"a>b@c\"@a.example", 0},
	    {"<\"\"@a.example>", "\"\"@a.example", 0},
	    {"<\"a..b\"@a.example>", "\"a..b\"@a.example", 0},
	    {"<joe@[127.0.0.1]>", "joe@[127.0.0.1]", 0},
	    {"<joe@[IPv6:2001:db8::1]>", "joe@[IPv6:2001:db8::1]", 0},
	    {"<joe@[x25:1234]>", "joe@[x25:1234]", 0},
	    {"</G=Ray/S=Kay/O=NET/ADMD=X/C=XX/@gw.example>",
		"/G=Ray/S=Kay/O=NET/ADMD=X/C=XX/@gw.example", 0},
	    {"<a+b=c{d}!#$%&'*-/?^_`|~@a>", "a+b=c{d}!#$%&'*-/?^_`|~@a", 0},
	};
	char out[SMTP_MAILBOX_TEXT];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int n = smtp_path_parse(rows[i].path, strlen(rows[i].path),
		    rows[i].flags, out, NULL);

		CU_ASSERT_EQUAL(n, (int)strlen(rows[i].path));
		CU_ASSERT_STRING_EQUAL(out, rows[i].mailbox);
	}
}

static void
malformed_paths_are_refused(void)
{
	static const char *const rows[] = {"", "<", "joe@a", "<joe>", "<joe@>",
	    "<@a>", "<joe@a", "<joe @a>", "<joe@a >", "< joe@a>", "<joe@a..b>",
	    "<joe@-a>", "<joe@a->", "<joe@a_b>", "<.joe@a>", "<joe.@a>",
	    "<j..e@a>", "<\"joe@a>", "<\"joe\"x@a>", "<\"joe\\",
	    "<joe@[1.2.3]>", "<joe@[1.2.3.256]>", "<joe@[IPv6:1::2::3]>",
	    "<joe@[IPv6:]>", "<joe@[127.0.0.1>", "<joe@[]>", "<joe@[a:]>",
	    "<joe@[:a]>", "<joe@[a b:c]>", "<@a,:joe@b>", "<@a,b:joe@b>",
	    "<@a joe@b>", "<jo\xc3\xa9@a>", "<\"\xc3\"@a>", "<joe@\xc3>",
	    "<a\tb@c>", "<>", "<Postmaster>", "<joe@a\r\n>", "<\"a\rb\"@c>"};
	char out[SMTP_MAILBOX_TEXT];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CU_ASSERT(smtp_path_parse(
			      rows[i], strlen(rows[i]), 0, out, NULL) < 0);
}

/* Writes "<" n times 'a' "@" labels of domain octets ">" . */
static size_t
make_path(char *p, size_t local, size_t domain)
{
	size_t n = 0;

	p[n++] = '<';
	memset(p + n, 'a', local);
	n += local;
	p[n++] = '@';
	for (size_t i = 0; i < domain; i++)
		p[n++] = i % 50 == 49 ? '.' : 'd';
	p[n++] = '>';
	return n;
}

static void
a_mailbox_needs_no_brackets(void)
{
	static const char *const bad[] = {
	    "", "joe", "joe@", "<joe@a>", "joe@a>", "joe@a b", "postmaster"};
	char out[SMTP_MAILBOX_TEXT];

	CU_ASSERT_EQUAL(smtp_mailbox_parse("\"joe\"@a.b", 9, out, NULL), 0);
	CU_ASSERT_STRING_EQUAL(out, "joe@a.b");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CU_ASSERT(
		    smtp_mailbox_parse(bad[i], strlen(bad[i]), out, NULL) < 0);
		CU_ASSERT_STRING_EQUAL(out, "");
	}
}

static void
lengths_are_limited(void)
{
	char path[4096], out[SMTP_MAILBOX_TEXT], label[66];
	struct err e = ERR_INIT;
	size_t n;

	n = make_path(path, SMTP_LOCAL_MAX, SMTP_DOMAIN_MAX);
	CU_ASSERT_EQUAL(smtp_path_parse(path, n, 0, out, &e), (int)n);
	n = make_path(path, SMTP_LOCAL_MAX + 1, 5);
	CU_ASSERT_EQUAL(smtp_path_parse(path, n, 0, out, &e), ERR_LIMIT);
	n = make_path(path, 5, SMTP_DOMAIN_MAX + 1);
	CU_ASSERT_EQUAL(smtp_path_parse(path, n, 0, out, &e), ERR_LIMIT);
	memset(label, 'a', sizeof(label));
	CU_ASSERT(smtp_domain_valid(label, 63, false));
	CU_ASSERT(!smtp_domain_valid(label, 64, false));
}

static void
hello_names_may_have_underscores(void)
{
	CU_ASSERT(smtp_domain_valid("my_host.example", 15, true));
	CU_ASSERT(!smtp_domain_valid("my_host.example", 15, false));
	CU_ASSERT(smtp_domain_valid("[127.0.0.1]", 11, true));
	CU_ASSERT(!smtp_domain_valid("a b", 3, true));
	CU_ASSERT(!smtp_domain_valid("", 0, true));
	CU_ASSERT_STRING_EQUAL(smtp_mailbox_domain("\"a@b\"@c"), "c");
	CU_ASSERT_STRING_EQUAL(smtp_mailbox_domain("postmaster"), "");
}

static void
parameters_are_taken_one_by_one(void)
{
	const char *s = "  SIZE=10 BODY=8BITMIME smtputf8 X-y=a+3Db";
	size_t n = strlen(s);
	struct smtp_param p;

	CU_ASSERT_EQUAL(smtp_param_next(&s, &n, &p, NULL), 1);
	CU_ASSERT(smtp_param_is(&p, "size"));
	CU_ASSERT(p.value_n == 2 && memcmp(p.value, "10", 2) == 0);
	CU_ASSERT_EQUAL(smtp_param_next(&s, &n, &p, NULL), 1);
	CU_ASSERT(smtp_param_is(&p, "BODY"));
	CU_ASSERT_EQUAL(smtp_param_next(&s, &n, &p, NULL), 1);
	CU_ASSERT(smtp_param_is(&p, "SMTPUTF8") && p.value == NULL);
	CU_ASSERT_EQUAL(smtp_param_next(&s, &n, &p, NULL), 1);
	CU_ASSERT(smtp_param_is(&p, "X-Y") && p.value_n == 5);
	CU_ASSERT_EQUAL(smtp_param_next(&s, &n, &p, NULL), 0);
}

static void
malformed_parameters_are_refused(void)
{
	static const char *const rows[] = {"SIZE=1", " =1", " -a=1",
	    " a==", " a=b=c", " a=\x01", " a=", " \xc3"};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *s = rows[i];
		size_t n = strlen(s);
		struct smtp_param p;

		CU_ASSERT(smtp_param_next(&s, &n, &p, NULL) < 0);
	}
}

static void
xtext_comes_back_as_it_went(void)
{
	struct buf b = {0};
	char out[64];

	smtp_xtext_append(&b, "joe+x=y z@a.example");
	CU_ASSERT_STRING_EQUAL(buf_cstr(&b), "joe+2Bx+3Dy+20z@a.example");
	CU_ASSERT_EQUAL(
	    smtp_xtext_decode((char *)b.data, b.len, out, sizeof(out), NULL),
	    19);
	CU_ASSERT_STRING_EQUAL(out, "joe+x=y z@a.example");
	CU_ASSERT(smtp_xtext_decode("a+2", 3, out, sizeof(out), NULL) < 0);
	CU_ASSERT(smtp_xtext_decode("a+2b", 4, out, sizeof(out), NULL) < 0);
	CU_ASSERT(smtp_xtext_decode("a=b", 3, out, sizeof(out), NULL) < 0);
	CU_ASSERT(smtp_xtext_decode("a+0D", 4, out, sizeof(out), NULL) < 0);
	CU_ASSERT(smtp_xtext_decode("a+80", 4, out, sizeof(out), NULL) < 0);
	CU_ASSERT_EQUAL(smtp_xtext_decode("abcd", 4, out, 4, NULL), ERR_LIMIT);
	buf_free(&b);
}

void
suite_smtp_address(void)
{
	static CU_TestInfo tests[] = {
	    TEST(paths_come_out_in_one_spelling),
	    TEST(malformed_paths_are_refused),
	    TEST(a_mailbox_needs_no_brackets),
	    TEST(lengths_are_limited),
	    TEST(hello_names_may_have_underscores),
	    TEST(parameters_are_taken_one_by_one),
	    TEST(malformed_parameters_are_refused),
	    TEST(xtext_comes_back_as_it_went),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("smtp_address", tests);
}
