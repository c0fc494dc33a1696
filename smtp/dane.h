/*
 * TLSA records and certificates (RFC 7671, RFC 7672 3): which records a mail
 * client can use, and a TLS client set up to be content with exactly what
 * they say. OpenSSL compares; the rules of SMTP are here: PKIX usages are
 * not usable, DANE-EE needs no name and no date, DANE-TA needs both.
 */
#ifndef SMTP_DANE_H
#define SMTP_DANE_H

#include <openssl/ssl.h>

#include "smtp/mx.h"

enum smtp_dane_use {
	SMTP_DANE_NONE,         /* no records: TLS as without DANE */
	SMTP_DANE_ENCRYPT,      /* none is usable: TLS, with whomever */
	SMTP_DANE_AUTHENTICATE, /* TLS with a host that matches one */
};

bool smtp_dane_usable(const struct dns_tlsa *r);
enum smtp_dane_use smtp_dane_use(const struct smtp_mx_host *h);
/* Does a usable record ask for the host's names in its certificate (DANE-TA,
 * RFC 7672 3.1.2)? */
bool smtp_dane_names(const struct smtp_mx_host *h);

/* Before the handshake of a client, for a host with
 * SMTP_MX_DANE_RECORDS: the SNI, the records, the names that count. The
 * handshake then fails where no record matches. Returns what is left to be
 * relied on, or ERR_MEMORY. With SMTP_DANE_ENCRYPT, any certificate will do.
 */
int smtp_dane_setup(SSL *ssl, const struct smtp_mx_host *h, struct err *e);

#endif
