#include "p1/strong.h"

#include <string.h>

#include "p1/token_codec.h"
#include "tests/unit/p1_pki.h"

#define NOW 1700000000

static const char *const names[] = {"alpha", "bravo", "rsa", "small", "sealed",
    "old", "revoked", "chained", "by-dns", "by-subject", NULL};

static void
issue_all(struct pki *k)
{
	static const struct pki_want w[] = {
	    {.name = "alpha"},
	    {.name = "bravo"},
	    {.name = "rsa", .rsa_bits = 2048},
	    {.name = "small", .rsa_bits = 1024},
	    {.name = "sealed", .usage = "critical,keyEncipherment"},
	    {.name = "old", .not_after = -60},
	    {.name = "revoked", .revoked = true},
	    {.name = "by-dns", .dns = "mta.example"},
	    {.name = "by-subject", .organization = "Office"},
	};

	pki_new(k, NOW);
	for (size_t i = 0; i < sizeof(w) / sizeof(*w); i++)
		pki_issue(k, &w[i], false);
	pki_issue(k, &(struct pki_want){.name = "chained"}, true);
	pki_write_crl(k);
}

static struct p1_strong *
load(const struct pki *k, const char *name, bool crl)
{
	char certificate[128], ca[128], list[128];
	struct p1_strong_params p = {.certificate = certificate, .ca = ca};
	struct p1_strong *s;
	struct err e = ERR_INIT;

	pki_path(k, name, certificate);
	pki_path(k, "ca", ca);
	pki_path(k, "crl", list);
	if (crl)
		p.crl = list;
	s = p1_strong_new(&p, &e);
	if (s == NULL)
		printf("\n  %s", e.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	return s;
}

static struct buf
made_by(const struct pki *k, const char *name, const char *to, int64_t when)
{
	struct p1_strong *s = load(k, name, false);
	struct arena *a = arena_new();
	struct octets random = {p1_strong_random(a, 16), 16};
	struct buf out = {0};
	struct err e = ERR_INIT;

	CU_ASSERT_EQUAL(p1_strong_make(s, to, when, &random, &out, &e), 0);
	arena_free(&a);
	p1_strong_free(&s);
	return out;
}

static int
verify(const struct p1_strong *s, const struct buf *b,
    const struct p1_strong_check *c, struct err *e)
{
	struct arena *a = arena_new();
	struct octets random;
	int r = p1_strong_verify(
	    s, &(struct octets){b->data, b->len}, c, a, &random, e);

	if (r == 0)
		CU_ASSERT_EQUAL(random.n, 16);
	arena_free(&a);
	return r;
}

/* Whose credentials, as whom, at which time, and what is said of them. */
static void
only_good_credentials_are_accepted(void)
{
	static const struct {
		const char *who, *mta, *subject, *to;
		int64_t made;
		bool crl;
		int want;
		const char *why;
	} rows[] = {
	    {"alpha", "alpha", NULL, "bravo", 0, true, 0, ""},
	    {"alpha", "ALPHA", NULL, "Bravo", 0, true, 0, ""},
	    {"rsa", "rsa", NULL, "bravo", 0, true, 0, ""},
	    {"chained", "chained", NULL, "bravo", 0, false, 0, ""},
	    /* no list of the CA between: its certificates are not checked */
	    {"chained", "chained", NULL, "bravo", 0, true, ERR_REFUSED,
		"unable to get certificate CRL"},
	    {"by-dns", "mta.example", NULL, "bravo", 0, true, 0, ""},
	    {"by-subject", "x", "CN=by-subject,O=Office", "bravo", 0, true, 0,
		""},
	    {"by-subject", "by-subject", "CN=by-subject,O=Other", "bravo", 0,
		true, ERR_REFUSED, "subject"},
	    {"alpha", "charlie", NULL, "bravo", 0, true, ERR_REFUSED,
		"subject is \"CN=alpha\""},
	    {"alpha", "alph", NULL, "bravo", 0, true, ERR_REFUSED, "subject"},
	    {"alpha", "alpha", NULL, "charlie", 0, true, ERR_REFUSED,
		"not for us"},
	    {"alpha", "alpha", NULL, "bravo", -300, true, 0, ""},
	    {"alpha", "alpha", NULL, "bravo", -301, true, ERR_REFUSED, "back"},
	    {"alpha", "alpha", NULL, "bravo", 300, true, 0, ""},
	    {"alpha", "alpha", NULL, "bravo", 301, true, ERR_REFUSED, "ahead"},
	    {"small", "small", NULL, "bravo", 0, true, ERR_REFUSED,
		"key too weak"},
	    {"sealed", "sealed", NULL, "bravo", 0, true, ERR_REFUSED,
		"not for signatures"},
	    {"old", "old", NULL, "bravo", 0, true, ERR_REFUSED, "expired"},
	    {"revoked", "revoked", NULL, "bravo", 0, true, ERR_REFUSED,
		"revoked"},
	    {"revoked", "revoked", NULL, "bravo", 0, false, 0, ""},
	};
	struct pki k;

	issue_all(&k);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct p1_strong *s = load(&k, "bravo", rows[i].crl);
		struct p1_strong_check c = {.mta = rows[i].mta,
		    .subject = rows[i].subject,
		    .us = "bravo",
		    .wall = NOW};
		struct buf b =
		    made_by(&k, rows[i].who, rows[i].to, NOW + rows[i].made);
		struct err e = ERR_INIT;
		int r = verify(s, &b, &c, &e);

		CU_ASSERT_EQUAL(r, rows[i].want);
		CU_ASSERT_PTR_NOT_NULL(strstr(e.text, rows[i].why));
		if (r != rows[i].want || strstr(e.text, rows[i].why) == NULL)
			printf("\n  row %zu: %s", i, e.text);
		buf_free(&b);
		p1_strong_free(&s);
	}
	pki_free(&k, names);
}

static void
another_authoritys_certificate_is_refused(void)
{
	struct pki k, other;
	struct p1_strong *s;
	struct p1_strong_check c = {.mta = "alpha", .us = "bravo", .wall = NOW};
	struct buf b;
	struct err e = ERR_INIT;

	issue_all(&k);
	issue_all(&other);
	s = load(&k, "bravo", true);
	b = made_by(&other, "alpha", "bravo", NOW);
	CU_ASSERT_EQUAL(verify(s, &b, &c, &e), ERR_REFUSED);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "certificate:"));
	buf_free(&b);
	p1_strong_free(&s);
	pki_free(&k, names);
	pki_free(&other, names);
}

/* Not one octet of them can be changed: each is signed, or the reader's. */
static void
no_octet_of_the_token_may_change(void)
{
	struct pki k;
	struct p1_strong *s;
	struct p1_strong_check c = {.mta = "alpha", .us = "bravo", .wall = NOW};
	struct buf b;
	unsigned accepted = 0;

	issue_all(&k);
	s = load(&k, "bravo", true);
	b = made_by(&k, "alpha", "bravo", NOW);
	for (size_t i = 0; i < b.len; i++) {
		struct err e = ERR_INIT;

		b.data[i] ^= 1;
		accepted += verify(s, &b, &c, &e) == 0;
		b.data[i] ^= 1;
	}
	CU_ASSERT_EQUAL(accepted, 0);
	CU_ASSERT_EQUAL(verify(s, &b, &c, NULL), 0);
	buf_free(&b);
	p1_strong_free(&s);
	pki_free(&k, names);
}

static void
what_is_cut_off_is_refused(void)
{
	struct pki k;
	struct p1_strong *s;
	struct p1_strong_check c = {.mta = "alpha", .us = "bravo", .wall = NOW};
	struct buf b;

	issue_all(&k);
	s = load(&k, "bravo", true);
	b = made_by(&k, "alpha", "bravo", NOW);
	for (size_t n = 0; n < b.len; n++) {
		struct buf cut = {.data = b.data, .len = n};
		struct err e = ERR_INIT;

		CU_ASSERT(verify(s, &cut, &c, &e) < 0);
	}
	buf_free(&b);
	p1_strong_free(&s);
	pki_free(&k, names);
}

static void
a_token_counts_once_until_it_is_too_old(void)
{
	struct pki k;
	struct p1_strong *s;
	struct p1_strong_check c = {
	    .mta = "alpha", .us = "bravo", .wall = NOW, .fresh = true};
	struct buf b, other;
	struct err e = ERR_INIT;

	issue_all(&k);
	s = load(&k, "bravo", true);
	b = made_by(&k, "alpha", "bravo", NOW);
	other = made_by(&k, "alpha", "bravo", NOW);
	CU_ASSERT_EQUAL(verify(s, &b, &c, &e), 0);
	CU_ASSERT_EQUAL(verify(s, &b, &c, &e), ERR_REFUSED);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "here before"));
	CU_ASSERT_EQUAL(verify(s, &other, &c, &e), 0);
	c.wall = NOW + 300;
	CU_ASSERT_EQUAL(verify(s, &b, &c, &e), ERR_REFUSED);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "here before"));
	c.wall = NOW + 301;
	CU_ASSERT_EQUAL(verify(s, &b, &c, &e), ERR_REFUSED);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "back"));
	buf_free(&b);
	buf_free(&other);
	p1_strong_free(&s);
	pki_free(&k, names);
}

/* A random number without end of them: memory is bounded, others get in. */
static void
one_peer_cannot_fill_the_memory(void)
{
	struct pki k;
	struct p1_strong *s, *alpha;
	struct p1_strong_check c = {
	    .mta = "alpha", .us = "bravo", .wall = NOW, .fresh = true};
	struct buf b;
	struct err e = ERR_INIT;
	int r = 0;

	issue_all(&k);
	s = load(&k, "bravo", false);
	alpha = load(&k, "alpha", false);
	for (uint32_t i = 0; i <= P1_STRONG_OF_ONE_MAX; i++) {
		struct octets random = {
		    (const uint8_t[16]){(uint8_t)i, (uint8_t)(i >> 8)}, 16};
		struct buf token = {0};

		CU_ASSERT_EQUAL_FATAL(r, 0);
		CU_ASSERT_EQUAL(
		    p1_strong_make(alpha, "bravo", NOW, &random, &token, &e),
		    0);
		r = verify(s, &token, &c, &e);
		buf_free(&token);
	}
	CU_ASSERT_EQUAL(r, ERR_TEMPORARY);
	c.mta = "rsa";
	b = made_by(&k, "rsa", "bravo", NOW);
	CU_ASSERT_EQUAL(verify(s, &b, &c, &e), 0);
	buf_free(&b);
	p1_strong_free(&s);
	p1_strong_free(&alpha);
	pki_free(&k, names);
}

static void
bad_files_are_named(void)
{
	struct pki k;
	char alpha[128], bravo[128], ca[128], crl[128];
	struct {
		struct p1_strong_params p;
		const char *why;
	} rows[] = {
	    {{.certificate = "/nonexistent", .ca = ca}, "/nonexistent"},
	    {{.certificate = ca, .ca = ca}, "no key"},
	    {{.certificate = alpha, .key = bravo, .ca = ca}, "together"},
	    {{.certificate = crl, .ca = ca}, "no certificate"},
	    {{.certificate = alpha, .ca = "/nonexistent"}, "/nonexistent"},
	    {{.certificate = alpha}, "no file"},
	    {{.certificate = alpha, .ca = ca, .crl = ca}, "no revocation list"},
	};

	issue_all(&k);
	pki_path(&k, "alpha", alpha);
	pki_path(&k, "bravo", bravo);
	pki_path(&k, "ca", ca);
	pki_path(&k, "crl", crl);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct err e = ERR_INIT;

		CU_ASSERT_PTR_NULL(p1_strong_new(&rows[i].p, &e));
		CU_ASSERT_EQUAL(e.code, ERR_CONFIG);
		CU_ASSERT_PTR_NOT_NULL(strstr(e.text, rows[i].why));
	}
	pki_free(&k, names);
}

void
suite_p1_strong(void)
{
	static CU_TestInfo tests[] = {
	    TEST(only_good_credentials_are_accepted),
	    TEST(another_authoritys_certificate_is_refused),
	    TEST(no_octet_of_the_token_may_change),
	    TEST(what_is_cut_off_is_refused),
	    TEST(a_token_counts_once_until_it_is_too_old),
	    TEST(one_peer_cannot_fill_the_memory),
	    TEST(bad_files_are_named),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("p1_strong", tests);
}
