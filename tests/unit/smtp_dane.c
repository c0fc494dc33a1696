/* TLSA records against certificates, in real handshakes in memory. */
#include <string.h>

#include <openssl/evp.h>

#include "smtp/dane.h"
#include "tests/unit/tls_files.h"
#include "tests/unit/unit.h"

static void
records_are_usable_as_the_rfc_has_them(void)
{
	static const struct {
		struct dns_tlsa r;
		bool usable;
	} rows[] = {
	    {{3, 1, 1, NULL, 32}, true},
	    {{2, 0, 1, NULL, 32}, true},
	    {{3, 0, 2, NULL, 64}, true},
	    {{3, 1, 0, NULL, 91}, true},
	    {{0, 1, 1, NULL, 32}, false},
	    {{1, 1, 1, NULL, 32}, false},
	    {{4, 1, 1, NULL, 32}, false},
	    {{255, 1, 1, NULL, 32}, false},
	    {{3, 2, 1, NULL, 32}, false},
	    {{3, 1, 3, NULL, 32}, false},
	    {{3, 1, 1, NULL, 31}, false},
	    {{3, 1, 2, NULL, 32}, false},
	    {{3, 1, 0, NULL, 0}, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct smtp_mx_host h = {
		    .dane = SMTP_MX_DANE_RECORDS,
		    .tlsa = &rows[i].r,
		    .n_tlsa = 1,
		};

		CU_ASSERT_EQUAL(smtp_dane_usable(&rows[i].r), rows[i].usable);
		CU_ASSERT_EQUAL(smtp_dane_use(&h),
		    rows[i].usable ? SMTP_DANE_AUTHENTICATE
				   : SMTP_DANE_ENCRYPT);
		h.dane = SMTP_MX_DANE_NONE;
		CU_ASSERT_EQUAL(smtp_dane_use(&h), SMTP_DANE_NONE);
	}
}

/* --- handshakes --- */

static X509 *
read_certificate(struct tls_files *f, const char *name)
{
	FILE *in = fopen(tls_file(f, name), "r");
	X509 *x;

	CU_ASSERT_FATAL(in != NULL);
	x = PEM_read_X509(in, NULL, NULL, NULL);
	fclose(in);
	CU_ASSERT_FATAL(x != NULL);
	return x;
}

/* A record of that certificate; `matching` 0 or 1. */
static struct dns_tlsa
record_of(struct tls_files *f, const char *name, uint8_t usage,
    uint8_t selector, uint8_t matching)
{
	X509 *x = read_certificate(f, name);
	uint8_t *der = NULL, digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	int len = selector == 0
	    ? i2d_X509(x, &der)
	    : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);
	struct dns_tlsa r = {usage, selector, matching};

	CU_ASSERT_FATAL(len > 0);
	if (matching == 0) {
		r.data = arena_memdup(f->paths, der, (size_t)len);
		r.n = (size_t)len;
	} else {
		EVP_Digest(der, (size_t)len, digest, &n, EVP_sha256(), NULL);
		r.data = arena_memdup(f->paths, digest, n);
		r.n = n;
	}
	OPENSSL_free(der);
	X509_free(x);
	return r;
}

/* A server sends its chain with the authority's certificate in it. */
static SSL *
server_ssl(struct tls_files *f, const char *pem)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	SSL *ssl;

	CU_ASSERT_FATAL(SSL_CTX_use_certificate_file(
			    ctx, tls_file(f, pem), SSL_FILETYPE_PEM) == 1);
	CU_ASSERT_FATAL(SSL_CTX_use_PrivateKey_file(
			    ctx, tls_file(f, pem), SSL_FILETYPE_PEM) == 1);
	SSL_CTX_add_extra_chain_cert(ctx, read_certificate(f, "ca"));
	ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	SSL_set_accept_state(ssl);
	return ssl;
}

static bool
shake(SSL *client, SSL *server)
{
	BIO *a, *b;

	CU_ASSERT_FATAL(BIO_new_bio_pair(&a, 65536, &b, 65536) == 1);
	SSL_set_bio(client, a, a);
	SSL_set_bio(server, b, b);
	for (int i = 0; i < 10; i++) {
		int c = SSL_do_handshake(client), s;

		if (c <= 0 && SSL_get_error(client, c) != SSL_ERROR_WANT_READ)
			return false;
		s = SSL_do_handshake(server);
		if (c == 1 && s == 1)
			return true;
		if (s <= 0 && SSL_get_error(server, s) != SSL_ERROR_WANT_READ)
			return false;
	}
	return false;
}

static bool
authenticates(struct tls_files *f, const char *pem,
    const struct smtp_mx_host *h, int want_use)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *client = SSL_new(ctx), *server = server_ssl(f, pem);
	bool done;

	SSL_set_connect_state(client);
	CU_ASSERT_EQUAL(smtp_dane_setup(client, h, NULL), want_use);
	CU_ASSERT_STRING_EQUAL(
	    SSL_get_servername(client, TLSEXT_NAMETYPE_host_name), h->base);
	done = shake(client, server);
	SSL_free(client);
	SSL_free(server);
	SSL_CTX_free(ctx);
	return done;
}

static void
handshakes_end_well_where_a_record_matches(void)
{
	const struct {
		const char *server; /* its certificate */
		const char *of;     /* the record's; NULL: nonsense */
		uint8_t usage, selector, matching;
		const char *base, *name;
		bool good;
		int use;
	} rows[] = {
	    {"server", "server", 3, 1, 1, "other.example", NULL, true},
	    {"server", "server", 3, 0, 1, "mta.example", NULL, true},
	    {"server", "server", 3, 1, 0, "mta.example", NULL, true},
	    {"server", "server", 3, 0, 0, "mta.example", NULL, true},
	    /* the date does not matter, nor who signed it */
	    {"expired", "expired", 3, 1, 1, "mta.example", NULL, true},
	    {"stranger", "stranger", 3, 1, 1, "mta.example", NULL, true},
	    {"server", "client", 3, 1, 1, "mta.example", NULL, false},
	    {"server", "ca", 3, 1, 1, "mta.example", NULL, false},
	    /* an authority: names and dates count */
	    {"server", "ca", 2, 0, 1, "mta.example", NULL, true},
	    {"server", "ca", 2, 1, 1, "mta.example", NULL, true},
	    {"server", "ca", 2, 0, 0, "mta.example", NULL, true},
	    {"server", "ca", 2, 0, 1, "x.wild.example", NULL, true},
	    {"server", "ca", 2, 0, 1, "a.x.wild.example", NULL, false},
	    {"server", "ca", 2, 0, 1, "other.example", NULL, false},
	    {"server", "ca", 2, 0, 1, "other.example", "mta.example", true},
	    {"expired", "ca", 2, 0, 1, "Old", NULL, false},
	    {"stranger", "ca", 2, 0, 1, "Stranger", NULL, false},
	    {"server", "other-ca", 2, 0, 1, "mta.example", NULL, false},
	    /* nothing usable: anybody, but under TLS */
	    {"stranger", "server", 1, 1, 1, "mta.example", NULL, true,
		SMTP_DANE_ENCRYPT},
	    {"stranger", NULL, 3, 0, 0, "mta.example", NULL, true,
		SMTP_DANE_ENCRYPT},
	};
	struct tls_files f;

	tls_files_make(&f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct dns_tlsa r = {rows[i].usage, rows[i].selector,
		    rows[i].matching, (const uint8_t *)"junk", 4};
		struct smtp_mx_host h = {
		    .dane = SMTP_MX_DANE_RECORDS,
		    .base = rows[i].base,
		    .tlsa = &r,
		    .n_tlsa = 1,
		    .names = {rows[i].name},
		    .n_names = rows[i].name != NULL,
		};
		bool good;

		if (rows[i].of != NULL)
			r = record_of(&f, rows[i].of, rows[i].usage,
			    rows[i].selector, rows[i].matching);
		good = authenticates(&f, rows[i].server, &h,
		    rows[i].use != 0 ? rows[i].use : SMTP_DANE_AUTHENTICATE);
		if (good != rows[i].good)
			printf("row %zu\n", i);
		CU_ASSERT_EQUAL(good, rows[i].good);
	}
	tls_files_remove(&f);
}

static void
one_matching_record_of_several_is_enough(void)
{
	struct smtp_mx_host h = {
	    .dane = SMTP_MX_DANE_RECORDS, .base = "mta.example", .n_tlsa = 3};
	struct dns_tlsa v[3];
	struct tls_files f;

	tls_files_make(&f);
	v[0] = record_of(&f, "client", 3, 1, 1);
	v[1] = (struct dns_tlsa){1, 0, 0, (const uint8_t *)"x", 1};
	v[2] = record_of(&f, "server", 3, 1, 1);
	h.tlsa = v;
	CU_ASSERT(authenticates(&f, "server", &h, SMTP_DANE_AUTHENTICATE));
	CU_ASSERT(!authenticates(&f, "expired", &h, SMTP_DANE_AUTHENTICATE));
	tls_files_remove(&f);
}

void
suite_smtp_dane(void)
{
	static CU_TestInfo tests[] = {
	    TEST(records_are_usable_as_the_rfc_has_them),
	    TEST(handshakes_end_well_where_a_record_matches),
	    TEST(one_matching_record_of_several_is_enough),
	    CU_TEST_INFO_NULL,
	};

	unit_suite("smtp/dane", tests);
}
