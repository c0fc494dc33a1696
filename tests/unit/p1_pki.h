/*
 * A small certification authority for the tests: keys, certificates and
 * revocation lists as PEM files in a directory of their own, valid around a
 * time that the test says.
 */
#ifndef TESTS_P1_PKI_H
#define TESTS_P1_PKI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tests/unit/unit.h"

#define PKI_DAY 86400

struct pki {
	char dir[64];
	int64_t now;
	EVP_PKEY *key;
	X509 *ca;
	X509_CRL *crl;
	long serial;
};

struct pki_want { /* of a certificate; zeros: a good one with an EC key */
	const char *name, *organization;
	const char *dns;   /* alternative name */
	const char *usage; /* NULL: digitalSignature */
	unsigned rsa_bits; /* 0: EC, P-256 */
	int64_t not_after; /* seconds from now; 0: a year */
	bool ca, revoked;
};

static inline void
pki_path(const struct pki *k, const char *name, char out[128])
{
	snprintf(out, 128, "%s/%s.pem", k->dir, name);
}

static inline void
pki_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ext);
	X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
}

static inline X509 *
pki_certificate(struct pki *k, const struct pki_want *w, EVP_PKEY *key,
    X509 *issuer, EVP_PKEY *signer)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);
	char dns[80];

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), ++k->serial);
	ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(k->now - PKI_DAY));
	ASN1_TIME_set(X509_getm_notAfter(x),
	    (time_t)(k->now +
		(w->not_after != 0 ? w->not_after : 365 * PKI_DAY)));
	if (w->organization != NULL)
		X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC,
		    (const unsigned char *)w->organization, -1, -1, 0);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)w->name, -1, -1, 0);
	if (issuer == NULL)
		issuer = x;
	X509_set_issuer_name(x, X509_get_subject_name(issuer));
	X509_set_pubkey(x, key);
	pki_extension(x, issuer, NID_basic_constraints,
	    w->ca ? "critical,CA:TRUE" : "CA:FALSE");
	pki_extension(x, issuer, NID_key_usage,
	    w->ca                  ? "critical,keyCertSign,cRLSign"
		: w->usage != NULL ? w->usage
				   : "critical,digitalSignature");
	if (w->dns != NULL) {
		snprintf(dns, sizeof(dns), "DNS:%s", w->dns);
		pki_extension(x, issuer, NID_subject_alt_name, dns);
	}
	CU_ASSERT_FATAL(X509_sign(x, signer, EVP_sha256()) > 0);
	return x;
}

static inline EVP_PKEY *
pki_key(unsigned rsa_bits)
{
	return rsa_bits != 0 ? EVP_RSA_gen(rsa_bits) : EVP_EC_gen("P-256");
}

/* `n` certificates and a key, into NAME.pem. */
static inline void
pki_write(const struct pki *k, const char *name, X509 *const *x, size_t n,
    EVP_PKEY *key)
{
	char path[128];
	FILE *f;

	pki_path(k, name, path);
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	for (size_t i = 0; i < n; i++)
		PEM_write_X509(f, x[i]);
	if (key != NULL)
		PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
}

static inline void
pki_revoke(struct pki *k, X509 *x)
{
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_TIME *t = ASN1_TIME_set(NULL, (time_t)(k->now - 60));

	X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(x));
	X509_REVOKED_set_revocationDate(r, t);
	X509_CRL_add0_revoked(k->crl, r);
	ASN1_TIME_free(t);
}

static inline void
pki_write_crl(struct pki *k)
{
	ASN1_TIME *t = ASN1_TIME_set(NULL, (time_t)(k->now - PKI_DAY));
	char path[128];
	FILE *f;

	X509_CRL_set_version(k->crl, 1);
	X509_CRL_set_issuer_name(k->crl, X509_get_subject_name(k->ca));
	X509_CRL_set1_lastUpdate(k->crl, t);
	ASN1_TIME_set(t, (time_t)(k->now + PKI_DAY));
	X509_CRL_set1_nextUpdate(k->crl, t);
	ASN1_TIME_free(t);
	X509_CRL_sort(k->crl);
	CU_ASSERT_FATAL(X509_CRL_sign(k->crl, k->key, EVP_sha256()) > 0);
	pki_path(k, "crl", path);
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	PEM_write_X509_CRL(f, k->crl);
	fclose(f);
}

/* NAME.pem: certificate and key; with `through`, by a CA between. */
static inline void
pki_issue(struct pki *k, const struct pki_want *w, bool through)
{
	struct pki_want between = {.name = "between", .ca = true};
	EVP_PKEY *key = pki_key(w->rsa_bits), *middle = NULL;
	X509 *x[2] = {NULL, NULL};

	if (through) {
		middle = pki_key(0);
		x[1] = pki_certificate(k, &between, middle, k->ca, k->key);
	}
	x[0] = pki_certificate(
	    k, w, key, through ? x[1] : k->ca, through ? middle : k->key);
	pki_write(k, w->name, x, through ? 2 : 1, key);
	if (w->revoked)
		pki_revoke(k, x[0]);
	X509_free(x[0]);
	X509_free(x[1]);
	EVP_PKEY_free(key);
	EVP_PKEY_free(middle);
}

/* ca.pem is there; certificates and lists come by the calls above. */
static inline void
pki_new(struct pki *k, int64_t now)
{
	struct pki_want w = {.name = "test authority", .ca = true};

	*k = (struct pki){.dir = "/tmp/isthmus-pki-XXXXXX", .now = now};
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(k->dir));
	k->key = pki_key(0);
	k->ca = pki_certificate(k, &w, k->key, NULL, k->key);
	k->crl = X509_CRL_new();
	pki_write(k, "ca", &k->ca, 1, NULL);
}

static inline void
pki_free(struct pki *k, const char *const *names)
{
	static const char *const ours[] = {"ca", "crl", NULL};
	char path[128];

	for (size_t i = 0; ours[i] != NULL; i++) {
		pki_path(k, ours[i], path);
		unlink(path);
	}
	for (size_t i = 0; names[i] != NULL; i++) {
		pki_path(k, names[i], path);
		unlink(path);
	}
	CU_ASSERT_EQUAL(rmdir(k->dir), 0);
	EVP_PKEY_free(k->key);
	X509_free(k->ca);
	X509_CRL_free(k->crl);
}

#endif
