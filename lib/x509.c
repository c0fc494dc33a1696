#include "lib/x509.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/x509v3.h>

#include "lib/arena.h"
#include "lib/log.h"

char *
x509_subject_text(const X509 *cert)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *p, *out;
	long n;

	if (b == NULL)
		log_die("x509: out of memory");
	X509_NAME_print_ex(b, X509_get_subject_name(cert), 0,
	    XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
	n = BIO_get_mem_data(b, &p);
	out = xcalloc(1, n > 0 ? (size_t)n + 1 : 1);
	if (n > 0)
		memcpy(out, p, (size_t)n);
	BIO_free(b);
	return out;
}

bool
x509_subject_is(const X509 *cert, const char *subject)
{
	char *text = x509_subject_text(cert);
	bool is = *subject != '\0' && strcasecmp(text, subject) == 0;

	free(text);
	return is;
}

static bool
is_same(const char *p, size_t n, const char *name)
{
	return n > 0 && strlen(name) == n && strncasecmp(p, name, n) == 0;
}

bool
x509_common_name_is(const X509 *cert, const char *name)
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

		found = n > 0 && is_same((char *)text, (size_t)n, name);
		OPENSSL_free(text);
	}
	return found;
}

/* Its alternative names of these kinds (bits, 1 << GEN_...). */
struct alternatives {
	bool any;   /* there are some */
	bool found; /* one is the name */
};

static struct alternatives
find_alternative(X509 *cert, unsigned kinds, const char *name)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	struct alternatives a = {0};

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);

		if ((kinds >> g->type & 1) == 0)
			continue;
		a.any = true;
		a.found |=
		    is_same((const char *)ASN1_STRING_get0_data(g->d.ia5),
			(size_t)ASN1_STRING_length(g->d.ia5), name);
	}
	GENERAL_NAMES_free(names);
	return a;
}

bool
x509_dns_is(X509 *cert, const char *name)
{
	return find_alternative(cert, 1u << GEN_DNS, name).found;
}

bool
x509_is(X509 *cert, const char *name)
{
	struct alternatives a = find_alternative(
	    cert, 1u << GEN_DNS | 1u << GEN_URI | 1u << GEN_EMAIL, name);

	if (*name == '\0')
		return false;
	if (a.found ||
	    X509_check_host(cert, name, 0,
		X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
		    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
		NULL) == 1)
		return true;
	return (!a.any || strchr(name, '.') == NULL) &&
	    x509_common_name_is(cert, name);
}

/* --- all names --- */

static void
tell(const unsigned char *p, int n, void (*fn)(void *arg, const char *name),
    void *arg)
{
	char *text;

	if (n <= 0 || memchr(p, '\0', (size_t)n) != NULL)
		return;
	text = xcalloc(1, (size_t)n + 1);
	memcpy(text, p, (size_t)n);
	fn(arg, text);
	free(text);
}

static void
tell_common_names(
    X509 *cert, void (*fn)(void *arg, const char *name), void *arg)
{
	const X509_NAME *subject = X509_get_subject_name(cert);
	int at = -1;

	while ((at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >=
	    0) {
		unsigned char *text = NULL;
		int n = ASN1_STRING_to_UTF8(&text,
		    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));

		if (n > 0)
			tell(text, n, fn, arg);
		OPENSSL_free(text);
	}
}

void
x509_names(X509 *cert, void (*fn)(void *arg, const char *name), void *arg)
{
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);

		if (g->type == GEN_DNS || g->type == GEN_EMAIL ||
		    g->type == GEN_URI)
			tell(ASN1_STRING_get0_data(g->d.ia5),
			    ASN1_STRING_length(g->d.ia5), fn, arg);
	}
	GENERAL_NAMES_free(names);
	tell_common_names(cert, fn, arg);
}
