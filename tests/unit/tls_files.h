/*
 * Keys, certificates and a revocation list for tests, made anew in a
 * directory of their own. Every DIR/NAME.pem holds a certificate and its key:
 *
 *   ca, other-ca   two authorities
 *   server         CN=Server, DNS:mta.example, DNS:*.wild.example
 *   client         CN=GERMANY MTA 1, no alternative names
 *   names          CN=hidden.example, URI:urn:mta:a, email:mta@example.org
 *   expired, stranger (signed by other-ca), revoked (in crl.pem)
 *   crl.pem        of ca; junk.pem holds no PEM at all
 */
#ifndef TESTS_TLS_FILES_H
#define TESTS_TLS_FILES_H

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/arena.h"
#include "tests/unit/unit.h"

struct tls_files {
	char dir[64];
	struct arena *paths;
};

struct tls_test_ca {
	X509 *cert;
	EVP_PKEY *key;
};

static inline const char *
tls_file(struct tls_files *f, const char *name)
{
	return arena_printf(f->paths, "%s/%s.pem", f->dir, name);
}

static inline void
tls_files_extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	CU_ASSERT_FATAL(ext != NULL);
	X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
}

static inline void
tls_files_write(struct tls_files *f, const char *name, X509 *x, EVP_PKEY *key)
{
	FILE *out = fopen(tls_file(f, name), "w");

	CU_ASSERT_FATAL(out != NULL);
	PEM_write_X509(out, x);
	PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
	fclose(out);
}

/* `ca` NULL: an authority, signed by itself. `days` it is good for. */
static inline struct tls_test_ca
tls_files_issue(struct tls_files *f, const char *file, const char *cn,
    const char *alternatives, long serial, int days,
    const struct tls_test_ca *ca)
{
	struct tls_test_ca made = {X509_new(), EVP_EC_gen("P-256")};
	struct tls_test_ca by = ca != NULL ? *ca : made;
	X509_NAME *name = X509_get_subject_name(made.cert);

	CU_ASSERT_FATAL(made.cert != NULL && made.key != NULL);
	X509_set_version(made.cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(made.cert), serial);
	X509_gmtime_adj(X509_getm_notBefore(made.cert), -86400 * 10);
	X509_gmtime_adj(X509_getm_notAfter(made.cert), 86400L * days);
	X509_NAME_add_entry_by_txt(
	    name, "CN", MBSTRING_UTF8, (const uint8_t *)cn, -1, -1, 0);
	X509_set_issuer_name(made.cert, X509_get_subject_name(by.cert));
	X509_set_pubkey(made.cert, made.key);
	if (ca == NULL)
		tls_files_extend(made.cert, by.cert, NID_basic_constraints,
		    "critical,CA:TRUE");
	if (alternatives != NULL)
		tls_files_extend(
		    made.cert, by.cert, NID_subject_alt_name, alternatives);
	CU_ASSERT_FATAL(X509_sign(made.cert, by.key, EVP_sha256()) > 0);
	tls_files_write(f, file, made.cert, made.key);
	return made;
}

static inline void
tls_files_forget(struct tls_test_ca *c)
{
	X509_free(c->cert);
	EVP_PKEY_free(c->key);
}

static inline void
tls_files_leaf(struct tls_files *f, const char *file, const char *cn,
    const char *alternatives, long serial, int days,
    const struct tls_test_ca *ca)
{
	struct tls_test_ca made =
	    tls_files_issue(f, file, cn, alternatives, serial, days, ca);

	tls_files_forget(&made);
}

static inline void
tls_files_revoke(struct tls_files *f, const struct tls_test_ca *ca, long serial)
{
	X509_CRL *crl = X509_CRL_new();
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_TIME *t = X509_gmtime_adj(NULL, -3600);
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	FILE *out = fopen(tls_file(f, "crl"), "a");

	CU_ASSERT_FATAL(out != NULL);
	ASN1_INTEGER_set(number, serial);
	X509_CRL_set_version(crl, 1);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->cert));
	X509_CRL_set1_lastUpdate(crl, t);
	X509_REVOKED_set_serialNumber(r, number);
	X509_REVOKED_set_revocationDate(r, t);
	X509_CRL_add0_revoked(crl, r);
	X509_gmtime_adj(t, 86400);
	X509_CRL_set1_nextUpdate(crl, t);
	CU_ASSERT_FATAL(X509_CRL_sign(crl, ca->key, EVP_sha256()) > 0);
	PEM_write_X509_CRL(out, crl);
	fclose(out);
	X509_CRL_free(crl);
	ASN1_TIME_free(t);
	ASN1_INTEGER_free(number);
}

static inline void
tls_files_make(struct tls_files *f)
{
	struct tls_test_ca ca, other;
	FILE *junk;

	*f = (struct tls_files){.dir = "/tmp/isthmus-tls-XXXXXX"};
	f->paths = arena_new();
	CU_ASSERT_FATAL(mkdtemp(f->dir) != NULL);
	ca = tls_files_issue(f, "ca", "Test CA", NULL, 1, 10, NULL);
	other = tls_files_issue(f, "other-ca", "Other CA", NULL, 1, 10, NULL);
	tls_files_leaf(f, "server", "Server",
	    "DNS:mta.example,DNS:*.wild.example", 2, 10, &ca);
	tls_files_leaf(f, "client", "GERMANY MTA 1", NULL, 3, 10, &ca);
	tls_files_leaf(f, "names", "hidden.example",
	    "URI:urn:mta:a,email:mta@example.org", 4, 10, &ca);
	tls_files_leaf(f, "expired", "Old", NULL, 5, -1, &ca);
	tls_files_leaf(f, "revoked", "Lost", NULL, 6, 10, &ca);
	tls_files_leaf(f, "stranger", "Stranger", NULL, 7, 10, &other);
	tls_files_revoke(f, &ca, 6);
	junk = fopen(tls_file(f, "junk"), "w");
	CU_ASSERT_FATAL(junk != NULL);
	fputs("no PEM\n", junk);
	fclose(junk);
	tls_files_forget(&ca);
	tls_files_forget(&other);
}

static inline void
tls_files_remove(struct tls_files *f)
{
	static const char *const names[] = {"ca", "other-ca", "server",
	    "client", "names", "expired", "revoked", "stranger", "crl", "junk"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(tls_file(f, names[i]));
	rmdir(f->dir);
	arena_free(&f->paths);
}

#endif
