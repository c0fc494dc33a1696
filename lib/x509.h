/*
 * What a certificate is called. Two layers ask: TLS (RFC 6125 6, RFC 5280
 * 4.2.1.6) and the strong bind of P1 (X.509 clause 10), and both do so by these
 * functions. Names are compared whole and without regard to the case of ASCII;
 * a name of no octets is nobody's.
 *
 * TLS: x509_is(). Strong bind: x509_subject_is() where a directory name is
 * configured, else the MTA's name by x509_common_name_is() or x509_dns_is().
 * An MTA's name is no domain as a rule, so there the common name always counts,
 * and wildcards never do.
 */
#ifndef LIB_X509_H
#define LIB_X509_H

#include <stdbool.h>

#include <openssl/x509.h>

/* RFC 4514 text of the subject, in UTF-8; free() it. */
char *x509_subject_text(const X509 *cert);
bool x509_subject_is(const X509 *cert, const char *subject);
/* One of its common names is this. */
bool x509_common_name_is(const X509 *cert, const char *name);
/* One of its dNSNames is just this. */
bool x509_dns_is(X509 *cert, const char *name);
/* A dNSName (wildcards too), URI or rfc822Name; its common name where it has
 * none of those, or where the name asked for is no domain. */
bool x509_is(X509 *cert, const char *name);
/* Tells each of its names: dNSNames, rfc822Names and URIs, then the common
 * names of its subject. One with a NUL inside is none. */
void x509_names(X509 *cert, void (*fn)(void *arg, const char *name), void *arg);

#endif
