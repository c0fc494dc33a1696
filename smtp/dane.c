#include "smtp/dane.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

/* RFC 6698 7 */
enum { USAGE_DANE_TA = 2, USAGE_DANE_EE = 3 };
enum { SELECTOR_CERT, SELECTOR_SPKI };
enum { MATCHING_FULL, MATCHING_SHA256, MATCHING_SHA512 };

/* RFC 7672 3.1.3: what it calls unusable is as if it were not there. */
bool
smtp_dane_usable(const struct dns_tlsa *r)
{
	if (r->usage != USAGE_DANE_TA && r->usage != USAGE_DANE_EE)
		return false;
	if (r->selector != SELECTOR_CERT && r->selector != SELECTOR_SPKI)
		return false;
	switch (r->matching) {
	case MATCHING_FULL: return r->n > 0;
	case MATCHING_SHA256: return r->n == 32;
	case MATCHING_SHA512: return r->n == 64;
	default: return false;
	}
}

enum smtp_dane_use
smtp_dane_use(const struct smtp_mx_host *h)
{
	if (h->dane != SMTP_MX_DANE_RECORDS)
		return SMTP_DANE_NONE;
	for (size_t i = 0; i < h->n_tlsa; i++)
		if (smtp_dane_usable(&h->tlsa[i]))
			return SMTP_DANE_AUTHENTICATE;
	return SMTP_DANE_ENCRYPT;
}

bool
smtp_dane_names(const struct smtp_mx_host *h)
{
	for (size_t i = 0; i < h->n_tlsa; i++)
		if (h->tlsa[i].usage == USAGE_DANE_TA &&
		    smtp_dane_usable(&h->tlsa[i]))
			return true;
	return false;
}

static int
no_memory(struct err *e)
{
	ERR_clear_error();
	return err_set(e, "tls", ERR_MEMORY, "DANE cannot be set up");
}

/* Full certificates and keys that OpenSSL cannot read are unusable, too. */
static int
add_records(
    SSL *ssl, const struct smtp_mx_host *h, size_t *added, struct err *e)
{
	for (size_t i = 0; i < h->n_tlsa; i++) {
		const struct dns_tlsa *r = &h->tlsa[i];
		int rc;

		if (!smtp_dane_usable(r))
			continue;
		rc = SSL_dane_tlsa_add(
		    ssl, r->usage, r->selector, r->matching, r->data, r->n);
		if (rc < 0)
			return no_memory(e);
		*added += rc > 0;
	}
	ERR_clear_error();
	return 0;
}

/* RFC 7672 3.2.2, 3.2.3 */
static int
add_names(SSL *ssl, const struct smtp_mx_host *h, struct err *e)
{
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	for (size_t i = 0; i < h->n_names; i++)
		if (SSL_add1_host(ssl, h->names[i]) != 1)
			return no_memory(e);
	return 0;
}

int
smtp_dane_setup(SSL *ssl, const struct smtp_mx_host *h, struct err *e)
{
	size_t added = 0;

	if (smtp_dane_use(h) == SMTP_DANE_NONE)
		return SMTP_DANE_NONE;
	if (smtp_dane_use(h) == SMTP_DANE_ENCRYPT) {
		SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
		return SSL_set_tlsext_host_name(ssl, h->base) == 1
		    ? SMTP_DANE_ENCRYPT
		    : no_memory(e);
	}
	if (SSL_CTX_dane_enable(SSL_get_SSL_CTX(ssl)) != 1 ||
	    SSL_dane_enable(ssl, h->base) != 1)
		return no_memory(e);
	SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	if (add_records(ssl, h, &added, e) < 0 || add_names(ssl, h, e) < 0)
		return ERR_MEMORY;
	SSL_set_verify(
	    ssl, added > 0 ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	return added > 0 ? SMTP_DANE_AUTHENTICATE : SMTP_DANE_ENCRYPT;
}
