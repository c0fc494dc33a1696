/*
 * TLS on one socket, on top of OpenSSL's non-blocking calls.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/log.h"
#include "lib/tls_int.h"
#include "lib/x509.h"

#define SUBJECT_MAX 512

struct tls_link {
	SSL *ssl;
	char *name; /* that the peer must have, or NULL */
	enum tls_verify verify;
	msec_t patience;
	struct buf unsent; /* one record, promised to be sent */
	bool broken;       /* nothing more may be asked of `ssl` */
	struct err unfit;  /* why it may not be used at all */
	struct err why;    /* what was wrong with a certificate */
	struct tls_peer peer;
	char *subject, *serial;
	char *names[TLS_NAMES_MAX];
	size_t n_names;
	uint8_t binding[TLS_BINDING_MAX];
};

/* Of a subject of any length the beginning, which is enough to tell it. */
static char *
subject_text(const X509 *cert)
{
	char *text = x509_subject_text(cert);

	if (strlen(text) > SUBJECT_MAX)
		text[SUBJECT_MAX] = '\0';
	return text;
}

static char *
serial_text(const X509 *cert)
{
	BIGNUM *bn = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
	char *hex = bn != NULL ? BN_bn2hex(bn) : NULL;
	char *out = xstrdup(hex != NULL ? hex : "");

	OPENSSL_free(hex);
	BN_free(bn);
	return out;
}

/* Remembers what is wrong with which certificate; the first thing counts. */
static void
blame(struct tls_link *l, const X509 *cert, int depth, const char *why)
{
	char *subject;

	if (l->why.code != 0)
		return;
	subject = cert != NULL ? subject_text(cert) : xstrdup("?");
	err_set(&l->why, "tls", ERR_REFUSED,
	    "certificate of \"%.120s\" (depth %d): %s", subject, depth, why);
	free(subject);
}

static bool
has_wrong_name(const struct tls_link *l, X509 *cert)
{
	return l->name != NULL && l->verify != TLS_VERIFY_NONE &&
	    !x509_is(cert, l->name);
}

static void
blame_name(struct tls_link *l, const X509 *cert)
{
	char why[160];

	snprintf(
	    why, sizeof(why), "does not carry the name \"%.100s\"", l->name);
	blame(l, cert, 0, why);
}

/* OpenSSL's judgement of one certificate of the peer's chain. */
static int
on_verify(int good, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(
	    store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_link *l = SSL_get_app_data(ssl);
	X509 *cert = X509_STORE_CTX_get_current_cert(store);
	int depth = X509_STORE_CTX_get_error_depth(store);

	if (!good) {
		blame(l, cert, depth,
		    X509_verify_cert_error_string(
			X509_STORE_CTX_get_error(store)));
	} else if (depth == 0 && has_wrong_name(l, cert)) {
		blame_name(l, cert);
		X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
		good = 0;
	}
	return good;
}

static int
verify_mode(enum tls_verify v, bool server)
{
	if (v == TLS_VERIFY_NONE)
		return SSL_VERIFY_NONE;
	if (!server || v == TLS_VERIFY_OPTIONAL)
		return SSL_VERIFY_PEER;
	return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

/* Server names are domains (RFC 6066 3): no addresses, no MTA names. */
static bool
may_be_asked_for(const char *name)
{
	uint8_t address[16];

	return name[strspn(name,
		   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		   "0123456789.-_")] == '\0' &&
	    strchr(name, '.') != NULL && inet_pton(AF_INET, name, address) != 1;
}

struct tls_link *
tls_link_new(struct tls *t, bool server, const char *name)
{
	struct tls_link *l = xcalloc(1, sizeof(*l));

	l->why = l->unfit = (struct err)ERR_INIT;
	l->verify = tls_verify(t);
	l->patience = tls_handshake_timeout(t);
	l->name = name != NULL ? xstrdup(name) : NULL;
	l->ssl = SSL_new(tls_context(t));
	if (l->ssl == NULL || SSL_set_app_data(l->ssl, l) != 1)
		log_die("tls: out of memory");
	SSL_set_verify(l->ssl, verify_mode(l->verify, server), on_verify);
	if (server) {
		SSL_set_accept_state(l->ssl);
	} else {
		SSL_set_connect_state(l->ssl);
		if (name != NULL && may_be_asked_for(name))
			SSL_set_tlsext_host_name(l->ssl, name);
	}
	ERR_clear_error();
	return l;
}

void
tls_link_verify(struct tls_link *l, enum tls_verify verify)
{
	l->verify = verify;
	SSL_set_verify(l->ssl, verify_mode(verify, false), on_verify);
}

void
tls_link_setup(struct tls_link *l,
    int (*setup)(void *arg, SSL *ssl, struct err *e), void *arg)
{
	if (setup(arg, l->ssl, &l->unfit) < 0 && l->unfit.code == 0)
		err_set(&l->unfit, "tls", ERR_SYSTEM, "cannot be set up");
	ERR_clear_error();
}

void
tls_link_attach(struct tls_link *l, int fd)
{
	if (SSL_set_fd(l->ssl, fd) != 1)
		log_die("tls: out of memory");
}

void
tls_link_free(struct tls_link **lp)
{
	struct tls_link *l = *lp;

	if (l == NULL)
		return;
	*lp = NULL;
	SSL_free(l->ssl);
	buf_free(&l->unsent);
	free(l->name);
	free(l->subject);
	free(l->serial);
	while (l->n_names > 0)
		free(l->names[--l->n_names]);
	free(l);
}

/* --- results --- */

/* OpenSSL's reason for the end, where it has one. */
static void
explain(struct tls_link *l, const char *what, int error, struct err *e)
{
	unsigned long code = ERR_get_error();
	const char *text = ERR_reason_error_string(code);

	errno = error;
	if (l->why.code != 0 && l->verify != TLS_VERIFY_NONE)
		err_set(e, "tls", l->why.code, "%s: %s", what, l->why.text);
	else if (error != 0 && code == 0)
		err_sys(e, "tls", "%s", what);
	else if (ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED)
		err_set(e, "tls", ERR_REFUSED, "%s: %s: %s", what, text,
		    X509_verify_cert_error_string(
			SSL_get_verify_result(l->ssl)));
	else if (code == 0 ||
	    ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		err_set(e, "tls", ERR_PROTOCOL,
		    "%s: the connection was closed without close_notify", what);
	else if (ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER ||
	    ERR_GET_REASON(code) == SSL_R_HTTP_REQUEST)
		err_set(e, "tls", ERR_PROTOCOL,
		    "%s: %s (does the peer speak TLS?)", what, text);
	else
		err_set(e, "tls", ERR_PROTOCOL, "%s: %s", what,
		    text != NULL ? text : "failed");
	ERR_clear_error();
}

static enum tls_result
result_of(struct tls_link *l, int r, const char *what, struct err *e)
{
	int saved = errno;

	switch (SSL_get_error(l->ssl, r)) {
	case SSL_ERROR_WANT_READ: return TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE: return TLS_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN: return TLS_END;
	case SSL_ERROR_SYSCALL: explain(l, what, saved, e); break;
	default: explain(l, what, 0, e); break;
	}
	l->broken = true;
	return TLS_FAILED;
}

/* --- handshake --- */

static void
note_name(void *arg, const char *name)
{
	struct tls_link *l = arg;

	if (l->n_names < TLS_NAMES_MAX)
		l->names[l->n_names++] = xstrdup(name);
}

static void
note_channel(struct tls_link *l, X509 *cert)
{
	struct tls_peer *p = &l->peer;

	if (p->verified)
		x509_names(cert, note_name, l);
	p->names = (const char *const *)l->names;
	p->n_names = l->n_names;
	p->bits = (unsigned)SSL_get_cipher_bits(l->ssl, NULL);
	p->binding = tls_channel_binding(
	    l->ssl, SSL_is_server(l->ssl) == 1, l->binding, &p->binding_n);
	p->binding_data = l->binding;
}

/* Nothing is left to check: on_verify() saw the certificate, for a session with
 * a peer that is to prove itself is never resumed (tls.c). */
static void
note_peer(struct tls_link *l)
{
	X509 *cert = SSL_get0_peer_certificate(l->ssl);

	l->subject = cert != NULL ? subject_text(cert) : xstrdup("");
	l->serial = cert != NULL ? serial_text(cert) : xstrdup("");
	l->peer = (struct tls_peer){
	    .version = SSL_get_version(l->ssl),
	    .cipher = SSL_get_cipher_name(l->ssl),
	    .verified =
		cert != NULL && SSL_get_verify_result(l->ssl) == X509_V_OK,
	    .subject = l->subject,
	    .serial = l->serial,
	};
	note_channel(l, cert);
}

enum tls_result
tls_link_handshake(struct tls_link *l, struct err *e)
{
	enum tls_result result;
	int r;

	if (l->unfit.code != 0) {
		*e = l->unfit;
		return TLS_FAILED;
	}
	ERR_clear_error();
	errno = 0;
	r = SSL_do_handshake(l->ssl);
	if (r == 1) {
		note_peer(l);
		return TLS_DONE;
	}
	result = result_of(l, r, "handshake", e);
	if (result != TLS_END)
		return result;
	err_set(e, "tls", ERR_REFUSED, "handshake: the peer ended it");
	return TLS_FAILED;
}

/* --- octets --- */

enum tls_result
tls_link_read(
    struct tls_link *l, uint8_t *p, size_t n, size_t *got, struct err *e)
{
	int r;

	*got = 0;
	ERR_clear_error();
	errno = 0;
	r = SSL_read_ex(l->ssl, p, n, got);
	return r == 1 ? TLS_DONE : result_of(l, r, "read", e);
}

/* OpenSSL has made a record of them already; it only has to go. */
static enum tls_result
write_unsent(struct tls_link *l, struct err *e)
{
	size_t done = 0;
	int r;

	while (l->unsent.len > 0) {
		ERR_clear_error();
		errno = 0;
		r = SSL_write_ex(l->ssl, l->unsent.data, l->unsent.len, &done);
		if (r != 1)
			return result_of(l, r, "write", e);
		buf_consume(&l->unsent, done);
	}
	return TLS_DONE;
}

/* A record that the socket does not take at once must be offered again just
 * as it was (SSL_write(3)): a copy is, so that the caller's buffer is free to
 * change. */
enum tls_result
tls_link_write(struct tls_link *l, const uint8_t *p, size_t n, size_t *taken,
    struct err *e)
{
	enum tls_result r = write_unsent(l, e);
	size_t record = n < TLS_RECORD_MAX ? n : TLS_RECORD_MAX;
	int did;

	*taken = 0;
	if (r != TLS_DONE || n == 0)
		return r;
	ERR_clear_error();
	errno = 0;
	did = SSL_write_ex(l->ssl, p, record, taken);
	if (did == 1)
		return TLS_DONE;
	r = result_of(l, did, "write", e);
	if (r == TLS_WANT_READ || r == TLS_WANT_WRITE) {
		buf_append(&l->unsent, p, record);
		*taken = record;
	}
	return r;
}

size_t
tls_link_unsent(const struct tls_link *l)
{
	return l->unsent.len;
}

enum tls_result
tls_link_bye(struct tls_link *l)
{
	int r;

	if (l->broken || !SSL_is_init_finished(l->ssl))
		return TLS_DONE;
	ERR_clear_error();
	r = SSL_shutdown(l->ssl);
	if (r < 0 && SSL_get_error(l->ssl, r) == SSL_ERROR_WANT_WRITE)
		return TLS_WANT_WRITE;
	ERR_clear_error();
	l->broken = true;
	return TLS_DONE;
}

msec_t
tls_link_patience(const struct tls_link *l)
{
	return l->patience;
}

const struct tls_peer *
tls_link_peer(const struct tls_link *l)
{
	return l->peer.version != NULL ? &l->peer : NULL;
}

bool
tls_link_is(const struct tls_link *l, const char *name)
{
	X509 *cert = SSL_get0_peer_certificate(l->ssl);

	return l->peer.verified && cert != NULL && x509_is(cert, name);
}
