/*
 * TLS settings: keys, trust and versions in an SSL_CTX that many connections
 * share.
 */
#include "lib/tls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "lib/arena.h"
#include "lib/tls_int.h"

/* Forward secrecy and authenticated encryption only (RFC 9325 4.2). */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:!aNULL:!PSK:!SRP"
/* A peer that comes back within this time may resume its session. */
#define SESSION_SECONDS 300
#define HANDSHAKE_MS 30000
#define SECURITY_LEVEL 2 /* of OpenSSL: 112 bits */

struct tls {
	SSL_CTX *ctx;
	enum tls_verify verify;
	msec_t handshake_timeout;
	struct tls_hosts *hosts; /* NULL: one certificate for all names */
};

SSL_CTX *
tls_context(const struct tls *t)
{
	return t->ctx;
}

enum tls_verify
tls_verify(const struct tls *t)
{
	return t->verify;
}

msec_t
tls_handshake_timeout(const struct tls *t)
{
	return t->handshake_timeout;
}

/* The file, and the first thing that OpenSSL had against it. */
static int
bad_file(struct err *e, const char *what, const char *path)
{
	unsigned long code = ERR_get_error();
	const char *why = ERR_reason_error_string(code);

	ERR_clear_error();
	if (ERR_SYSTEM_ERROR(code))
		why = strerror(ERR_GET_REASON(code));
	return err_set(e, "tls", ERR_CONFIG, "%s %s: %s", what, path,
	    why != NULL ? why : "nothing in it");
}

/* A daemon has nobody to ask for a pass phrase. */
static int
no_pass_phrase(char *out, int size, int writing, void *arg)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

int
tls_use_certificate(
    SSL_CTX *ctx, const char *certificate, const char *key, struct err *e)
{
	if (key == NULL)
		key = certificate;
	if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1)
		return bad_file(e, "certificate", certificate);
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		return bad_file(e, "key", key);
	if (SSL_CTX_check_private_key(ctx) != 1)
		return bad_file(e, "key", key);
	return 0;
}

static int
use_certificate(struct tls *t, const struct tls_params *p, struct err *e)
{
	if (p->certificate == NULL)
		return p->key == NULL ? 0
				      : err_set(e, "tls", ERR_CONFIG,
					    "a key without a certificate");
	return tls_use_certificate(t->ctx, p->certificate, p->key, e);
}

/* The anchors are also the hint to clients which certificate to show. */
static int
use_trust(struct tls *t, const struct tls_params *p, struct err *e)
{
	STACK_OF(X509_NAME) * names;

	if (p->ca == NULL) {
		if (SSL_CTX_set_default_verify_paths(t->ctx) != 1)
			return bad_file(e, "trust anchors", "of the system");
		return 0;
	}
	if (SSL_CTX_load_verify_file(t->ctx, p->ca) != 1)
		return bad_file(e, "ca", p->ca);
	names = SSL_load_client_CA_file(p->ca);
	if (names == NULL)
		return bad_file(e, "ca", p->ca);
	SSL_CTX_set_client_CA_list(t->ctx, names);
	return 0;
}

static int
use_crl(struct tls *t, const struct tls_params *p, struct err *e)
{
	X509_STORE *store = SSL_CTX_get_cert_store(t->ctx);
	X509_LOOKUP *lookup;

	if (p->crl == NULL)
		return 0;
	lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
	if (lookup == NULL ||
	    X509_load_crl_file(lookup, p->crl, X509_FILETYPE_PEM) <= 0)
		return bad_file(e, "crl", p->crl);
	/* the authorities in between too, not the certificate alone */
	X509_STORE_set_flags(
	    store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	return 0;
}

static int
use_versions(struct tls *t, const struct tls_params *p, struct err *e)
{
	int version = p->min_version == 13 ? TLS1_3_VERSION : TLS1_2_VERSION;

	if (p->min_version != 0 && p->min_version != 12 && p->min_version != 13)
		return err_set(e, "tls", ERR_CONFIG,
		    "least version %d: neither 12 nor 13", p->min_version);
	if (SSL_CTX_set_min_proto_version(t->ctx, version) != 1 ||
	    SSL_CTX_set_cipher_list(
		t->ctx, p->ciphers != NULL ? p->ciphers : CIPHERS) != 1)
		return bad_file(
		    e, "ciphers", p->ciphers != NULL ? p->ciphers : CIPHERS);
	return 0;
}

/* Tickets: the server keeps nothing of a client that left. None for clients
 * that are to prove themselves: a resumed session shows no certificate, and what
 * it was made with may be revoked or expired by then. */
static void
set_resumption(SSL_CTX *ctx, enum tls_verify verify)
{
	static const unsigned char id[] = "isthmus";

	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1);
	SSL_CTX_set_timeout(ctx, SESSION_SECONDS);
	if (verify == TLS_VERIFY_NONE)
		return;
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_num_tickets(ctx, 0);
}

static void
set_behaviour(SSL_CTX *ctx)
{

	SSL_CTX_set_security_level(ctx, SECURITY_LEVEL);
	SSL_CTX_set_options(ctx,
	    SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
		SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ctx,
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_dh_auto(ctx, 1);
	SSL_CTX_set_default_passwd_cb(ctx, no_pass_phrase);
}

struct tls *
tls_new(const struct tls_params *p, struct err *e)
{
	struct tls *t = xcalloc(1, sizeof(*t));

	ERR_clear_error();
	t->verify = p->verify;
	t->handshake_timeout =
	    p->handshake_timeout > 0 ? p->handshake_timeout : HANDSHAKE_MS;
	t->ctx = SSL_CTX_new(TLS_method());
	if (t->ctx == NULL) {
		err_set(e, "tls", ERR_MEMORY, "no memory for a TLS context");
		tls_free(&t);
		return NULL;
	}
	set_behaviour(t->ctx);
	set_resumption(t->ctx, t->verify);
	if (use_certificate(t, p, e) != 0 || use_trust(t, p, e) != 0 ||
	    use_crl(t, p, e) != 0 || use_versions(t, p, e) != 0)
		tls_free(&t);
	return t;
}

void
tls_free(struct tls **t)
{
	if (*t == NULL)
		return;
	tls_hosts_free(&(*t)->hosts);
	SSL_CTX_free((*t)->ctx);
	free(*t);
	*t = NULL;
}

/* --- configuration --- */

static int
read_verify(const struct conf_node *n, enum tls_verify *out, struct err *e)
{
	static const char *const names[] = {
	    [TLS_VERIFY_NONE] = "none",
	    [TLS_VERIFY_OPTIONAL] = "optional",
	    [TLS_VERIFY_REQUIRED] = "required",
	};
	const char *s = conf_str(n, "verify", "required");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(s, names[i]) == 0) {
			*out = (enum tls_verify)i;
			return 0;
		}
	return conf_error(
	    n, e, "verify: \"%.40s\" is none of none, optional, required", s);
}

static int
read_version(const struct conf_node *n, int *out, struct err *e)
{
	const char *s = conf_str(n, "min-version", "1.2");

	*out = strcmp(s, "1.2") == 0 ? 12 : strcmp(s, "1.3") == 0 ? 13 : 0;
	if (*out == 0)
		return conf_error(
		    n, e, "min-version: \"%.40s\" is neither 1.2 nor 1.3", s);
	return 0;
}

struct tls *
tls_from_conf(const struct conf_node *n, struct err *e)
{
	struct tls_params p = {
	    .certificate = conf_str(n, "certificate", NULL),
	    .key = conf_str(n, "key", NULL),
	    .ca = conf_str(n, "ca", NULL),
	    .crl = conf_str(n, "crl", NULL),
	    .ciphers = conf_str(n, "ciphers", NULL),
	};
	struct err why = ERR_INIT;
	struct tls *t;

	if (read_verify(n, &p.verify, e) != 0 ||
	    read_version(n, &p.min_version, e) != 0 ||
	    conf_duration(n, "handshake-timeout", HANDSHAKE_MS,
		&p.handshake_timeout, e) != 0)
		return NULL;
	t = tls_new(&p, &why);
	if (t == NULL)
		conf_error(n, e, "%s", why.text);
	else if (tls_hosts_read(&t->hosts, t->ctx, n, e) < 0)
		tls_free(&t);
	return t;
}

struct tls *
tls_named(const struct conf_node *root, const char *name, struct err *e)
{
	const struct conf_node *n = NULL;

	while ((n = conf_next(root, "tls", n)) != NULL)
		if (strcmp(conf_str(n, "name", ""), name) == 0)
			return tls_from_conf(n, e);
	err_set(
	    e, "tls", ERR_CONFIG, "there is no <tls name=\"%.100s\">", name);
	return NULL;
}
