/*
 * TLS by OpenSSL, as a layer of the connection driver: the engine above it
 * sees plain octets (lib/loop.h, conn_start_tls()).
 *
 * A struct tls is one side's settings (keys, trust, versions), made once from
 * a <tls> element and shared by any number of connections; its files are read
 * when it is made. What a peer proved is a struct tls_peer.
 */
#ifndef LIB_TLS_H
#define LIB_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/clock.h"
#include "lib/conf.h"
#include "lib/err.h"

struct tls;

enum tls_verify {
	TLS_VERIFY_NONE,     /* encrypted, whoever it is */
	TLS_VERIFY_OPTIONAL, /* server: asked for; when shown, it must be good */
	TLS_VERIFY_REQUIRED, /* a good certificate or no connection */
};

struct tls_params {
	const char *certificate; /* PEM chain, our own first; NULL: none (then
	                          * clients only) */
	const char *key;         /* PEM; NULL: in `certificate` */
	const char *ca;  /* PEM file of trust anchors; NULL: the system's */
	const char *crl; /* PEM file, checked for the leaf; NULL: none */
	enum tls_verify verify;
	int min_version;          /* 12 (TLS 1.2, the default for 0) or 13 */
	const char *ciphers;      /* OpenSSL's list for TLS 1.2, NULL: ours */
	msec_t handshake_timeout; /* 0: 30 seconds */
};

/* ERR_CONFIG: which file is wrong and why. */
struct tls *tls_new(const struct tls_params *p, struct err *e);
/* From <tls certificate= key= ca= crl= verify= min-version= ciphers=
 * handshake-timeout=>, with a <host name= certificate= key=/> for each name
 * that a client may ask for (SNI, RFC 6066 3) and that has a certificate of its
 * own. */
struct tls *tls_from_conf(const struct conf_node *n, struct err *e);
void tls_free(struct tls **t);
/* From the child <tls name=...> of `root`; ERR_CONFIG when there is none. */
struct tls *tls_named(
    const struct conf_node *root, const char *name, struct err *e);

#define TLS_NAMES_MAX 32

/* What is known of the peer after the handshake; strings live as long as the
 * connection. */
struct tls_peer {
	const char *version, *cipher;
	bool verified;       /* a certificate was shown, and is good */
	const char *subject; /* RFC 2253 text, "" none */
	const char *serial;  /* hexadecimal */
	/* alternative names (domains, mail addresses, URIs) and common names
	 * of a verified certificate, TLS_NAMES_MAX at most */
	const char *const *names;
	size_t n_names;
	unsigned bits; /* strength of the cipher */
	/* RFC 5056: "tls-unique" (RFC 5929 3), or from TLS 1.3 on
	 * "tls-exporter" (RFC 9266); none: binding_n is 0 */
	const char *binding;
	const uint8_t *binding_data;
	size_t binding_n;
};

#endif
