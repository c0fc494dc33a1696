/*
 * What a certificate is called (RFC 6125 6, RFC 5280 4.2.1.6): the subject
 * alternative names, and the subject's common name where those say nothing,
 * or where the name asked for is no domain: X.400 MTA names may have spaces.
 */
#include <string.h>
#include <strings.h>

#include <openssl/x509v3.h>

#include "lib/tls_int.h"

static bool
is_same(const ASN1_STRING *s, const char *name)
{
	size_t n = strlen(name);

	return n > 0 && (size_t)ASN1_STRING_length(s) == n &&
	    strncasecmp((const char *)ASN1_STRING_get0_data(s), name, n) == 0;
}

/* *any: there are names of the kinds that make the common name moot. */
static bool
is_alternative(X509 *cert, const char *name, bool *any)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	bool found = false;

	*any = false;
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);

		if (g->type == GEN_DNS || g->type == GEN_URI ||
		    g->type == GEN_EMAIL) {
			*any = true;
			found |= is_same(g->d.ia5, name);
		}
	}
	GENERAL_NAMES_free(names);
	return found ||
	    X509_check_host(cert, name, 0,
		X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
		    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
		NULL) == 1;
}

static bool
is_common_name(X509 *cert, const char *name)
{
	const X509_NAME *subject = X509_get_subject_name(cert);
	bool found = false;
	int at = -1;

	while (!found &&
	    (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >=
		0) {
		unsigned char *text = NULL;
		int n = ASN1_STRING_to_UTF8(&text,
		    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));

		found = n > 0 && (size_t)n == strlen(name) &&
		    strncasecmp((char *)text, name, (size_t)n) == 0;
		OPENSSL_free(text);
	}
	return found;
}

bool
tls_cert_is(X509 *cert, const char *name)
{
	bool alternatives;

	if (*name == '\0')
		return false;
	if (is_alternative(cert, name, &alternatives))
		return true;
	return (!alternatives || strchr(name, '.') == NULL) &&
	    is_common_name(cert, name);
}
