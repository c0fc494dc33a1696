/*
 * TLS on one socket: what the connection driver calls. Nothing here waits;
 * each call does what the socket allows and says what it lacks.
 *
 * A struct tls_link belongs to its connection. Errors have the layer "tls"
 * and name the certificate and OpenSSL's reason.
 */
#ifndef LIB_TLS_INT_H
#define LIB_TLS_INT_H

#include <stdint.h>

#include <openssl/ssl.h>

#include "lib/tls.h"

#define TLS_RECORD_MAX 16384 /* octets of data (RFC 8446 5.1) */

enum tls_result {
	TLS_DONE,       /* *got octets crossed, or the handshake stands */
	TLS_WANT_READ,  /* again when the socket is readable */
	TLS_WANT_WRITE, /* again when it is writable */
	TLS_END,        /* reading: the peer said close_notify */
	TLS_FAILED,     /* broken; the error says why */
};

struct tls_link;

/* `name` as in conn_start_tls(). */
struct tls_link *tls_link_new(struct tls *t, bool server, const char *name);
/* A client's own, in place of what its struct tls says; as in struct
 * conn_tls_client. Before the handshake. */
void tls_link_verify(struct tls_link *l, enum tls_verify verify);
void tls_link_setup(struct tls_link *l,
    int (*setup)(void *arg, SSL *ssl, struct err *e), void *arg);
/* The connected socket, before the handshake. It is not owned. */
void tls_link_attach(struct tls_link *l, int fd);
void tls_link_free(struct tls_link **l);

enum tls_result tls_link_handshake(struct tls_link *l, struct err *e);
enum tls_result tls_link_read(
    struct tls_link *l, uint8_t *p, size_t n, size_t *got, struct err *e);
/* All of p, or up to one record of it, is taken unless it fails: what the
 * socket did not take is kept and goes first in the next call. n may be 0. */
enum tls_result tls_link_write(struct tls_link *l, const uint8_t *p, size_t n,
    size_t *taken, struct err *e);
/* Octets that were taken and not yet sent. */
size_t tls_link_unsent(const struct tls_link *l);
/* Says close_notify. TLS_WANT_WRITE: again later; else it is said, or there
 * is nobody to say it to. */
enum tls_result tls_link_bye(struct tls_link *l);

/* How long it may take in all. */
msec_t tls_link_patience(const struct tls_link *l);
/* After the handshake. */
const struct tls_peer *tls_link_peer(const struct tls_link *l);
bool tls_link_is(const struct tls_link *l, const char *name);

/* tls_binding.c: the channel's binding, after the handshake; its name, or NULL
 * where there is none that is safe. */
#define TLS_BINDING_MAX EVP_MAX_MD_SIZE
const char *tls_channel_binding(
    SSL *ssl, bool server, uint8_t out[TLS_BINDING_MAX], size_t *n);

/* tls_sni.c: certificates by name. */
struct tls_hosts;
int tls_hosts_read(struct tls_hosts **out, SSL_CTX *ctx,
    const struct conf_node *n, struct err *e);
void tls_hosts_free(struct tls_hosts **h);
/* Certificate and key into a context; ERR_CONFIG says which file is wrong. */
int tls_use_certificate(
    SSL_CTX *ctx, const char *certificate, const char *key, struct err *e);

/* For the link: the settings. */
SSL_CTX *tls_context(const struct tls *t);
enum tls_verify tls_verify(const struct tls *t);
msec_t tls_handshake_timeout(const struct tls *t);

#endif
