/* The object behind strong credentials: its files, and making and verifying
 * tokens with them. Certificates are judged in strong_path.c. */
#include "p1/strong.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include "lib/log.h"
#include "p1/strong_int.h"

void
p1_strong_free(struct p1_strong **sp)
{
	struct p1_strong *s = *sp;

	if (s == NULL)
		return;
	*sp = NULL;
	sk_X509_pop_free(s->chain, X509_free);
	EVP_PKEY_free(s->key);
	X509_STORE_free(s->store);
	if (s->seen != NULL)
		free(s->seen->v);
	free(s->seen);
	free(s);
}

/* --- files --- */

static int
openssl_error(struct err *e, int code, const char *what, const char *name)
{
	unsigned long n = ERR_peek_last_error();
	const char *why = n != 0 ? ERR_reason_error_string(n) : NULL;

	ERR_clear_error();
	return err_set(e, LAYER, code, "%s%s%s: %s", what,
	    name[0] != '\0' ? " " : "", name, why != NULL ? why : "failed");
}

static BIO *
open_file(const char *path, struct err *e)
{
	BIO *b = path != NULL ? BIO_new_file(path, "r") : NULL;

	if (b == NULL)
		openssl_error(e, ERR_CONFIG, "cannot read",
		    path != NULL ? path : "(no file)");
	return b;
}

/* All certificates of a file; the last read fails at its end. */
static int
read_certificates(const char *path, STACK_OF(X509) * into, struct err *e)
{
	BIO *b = open_file(path, e);
	X509 *x;

	if (b == NULL)
		return ERR_CONFIG;
	while ((x = PEM_read_bio_X509(b, NULL, NULL, NULL)) != NULL)
		sk_X509_push(into, x);
	BIO_free(b);
	ERR_clear_error();
	if (sk_X509_num(into) == 0)
		return err_set(
		    e, LAYER, ERR_CONFIG, "%s holds no certificate", path);
	return 0;
}

/* A key that wants a passphrase is one we cannot read: nobody is asked. */
static int
no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return 0;
}

static int
read_key(struct p1_strong *s, const char *path, struct err *e)
{
	BIO *b = open_file(path, e);

	if (b == NULL)
		return ERR_CONFIG;
	s->key = PEM_read_bio_PrivateKey(b, NULL, no_passphrase, NULL);
	BIO_free(b);
	if (s->key == NULL)
		return openssl_error(e, ERR_CONFIG, "no key in", path);
	if (!EVP_PKEY_is_a(s->key, "RSA") && !EVP_PKEY_is_a(s->key, "EC"))
		return err_set(e, LAYER, ERR_CONFIG,
		    "%s: neither an RSA nor an EC key", path);
	if (X509_check_private_key(sk_X509_value(s->chain, 0), s->key) != 1)
		return openssl_error(e, ERR_CONFIG,
		    "key and certificate do not belong together:", path);
	return 0;
}

static int
read_anchors(struct p1_strong *s, const char *path, struct err *e)
{
	STACK_OF(X509) *anchors = sk_X509_new_null();
	int r = read_certificates(path, anchors, e);

	for (int i = 0; r >= 0 && i < sk_X509_num(anchors); i++)
		if (!X509_STORE_add_cert(s->store, sk_X509_value(anchors, i)))
			r = openssl_error(
			    e, ERR_CONFIG, "trust anchor in", path);
	sk_X509_pop_free(anchors, X509_free);
	return r;
}

static int
read_crls(struct p1_strong *s, const char *path, struct err *e)
{
	BIO *b = open_file(path, e);
	X509_CRL *crl;
	unsigned n = 0;

	if (b == NULL)
		return ERR_CONFIG;
	while ((crl = PEM_read_bio_X509_CRL(b, NULL, NULL, NULL)) != NULL) {
		n += X509_STORE_add_crl(s->store, crl) == 1;
		X509_CRL_free(crl);
	}
	BIO_free(b);
	ERR_clear_error();
	if (n == 0)
		return err_set(
		    e, LAYER, ERR_CONFIG, "%s holds no revocation list", path);
	X509_STORE_set_flags(
	    s->store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	return 0;
}

struct p1_strong *
p1_strong_new(const struct p1_strong_params *p, struct err *e)
{
	struct p1_strong *s = xcalloc(1, sizeof(*s));
	int r;

	s->window = p->window != 0 ? p->window : P1_STRONG_WINDOW;
	s->chain = sk_X509_new_null();
	s->store = X509_STORE_new();
	s->seen = xcalloc(1, sizeof(*s->seen));
	INVARIANT(s->chain != NULL && s->store != NULL);
	r = read_certificates(p->certificate, s->chain, e);
	if (r >= 0 && sk_X509_num(s->chain) > P1_CERTIFICATES_MAX)
		r = err_set(e, LAYER, ERR_CONFIG,
		    "%s holds more than %d certificates", p->certificate,
		    P1_CERTIFICATES_MAX);
	if (r >= 0)
		r = read_key(s, p->key != NULL ? p->key : p->certificate, e);
	if (r >= 0)
		r = read_anchors(s, p->ca, e);
	if (r >= 0 && p->crl != NULL)
		r = read_crls(s, p->crl, e);
	if (r < 0)
		p1_strong_free(&s);
	return s;
}

struct p1_strong *
p1_strong_from_conf(const struct conf_node *n, struct err *e)
{
	struct p1_strong_params p = {
	    .certificate = conf_str(n, "certificate", NULL),
	    .key = conf_str(n, "key", NULL),
	    .ca = conf_str(n, "ca", NULL),
	    .crl = conf_str(n, "crl", NULL),
	};
	struct p1_strong *s;
	struct err why = ERR_INIT;
	int64_t window;

	if (conf_duration(n, "window", P1_STRONG_WINDOW * 1000LL, &window, e) <
	    0)
		return NULL;
	if (window < 1000 || window > 24 * 3600 * 1000LL) {
		conf_error(n, e, "window: from 1s to 24h");
		return NULL;
	}
	p.window = (uint32_t)(window / 1000);
	s = p1_strong_new(&p, &why);
	if (s == NULL)
		conf_error(n, e, "%s", why.text);
	return s;
}

/* --- making --- */

uint8_t *
p1_strong_random(struct arena *a, size_t n)
{
	uint8_t *p = arena_alloc(a, n);

	INVARIANT(RAND_bytes(p, (int)n) == 1);
	return p;
}

/* SHA-256 with our key, as an AlgorithmIdentifier. */
static void
put_algorithm(const struct p1_strong *s, struct buf *out)
{
	X509_ALGOR *alg = X509_ALGOR_new();
	bool rsa = EVP_PKEY_is_a(s->key, "RSA");
	uint8_t *der = NULL;
	int n;

	INVARIANT(alg != NULL);
	X509_ALGOR_set0(alg,
	    OBJ_nid2obj(
		rsa ? NID_sha256WithRSAEncryption : NID_ecdsa_with_SHA256),
	    rsa ? V_ASN1_NULL : V_ASN1_UNDEF, NULL);
	n = i2d_X509_ALGOR(alg, &der);
	INVARIANT(n > 0);
	buf_append(out, der, (size_t)n);
	OPENSSL_free(der);
	X509_ALGOR_free(alg);
}

static int
sign(const struct p1_strong *s, const struct buf *tbs, struct buf *out,
    struct err *e)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = 0;
	bool ok = ctx != NULL &&
	    EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, s->key) == 1 &&
	    EVP_DigestSign(ctx, NULL, &n, tbs->data, tbs->len) == 1 &&
	    EVP_DigestSign(ctx, buf_reserve(out, n), &n, tbs->data, tbs->len) ==
		1;

	EVP_MD_CTX_free(ctx);
	if (!ok)
		return openssl_error(e, ERR_SYSTEM, "cannot sign", "");
	buf_grow(out, n);
	return 0;
}

static void
add_our_certificates(
    const struct p1_strong *s, struct arena *a, struct p1_credentials_strong *c)
{
	for (int i = 0; i < sk_X509_num(s->chain); i++) {
		uint8_t *der = NULL;
		int n = i2d_X509(sk_X509_value(s->chain, i), &der);

		INVARIANT(n > 0);
		c->certificates[c->n_certificates++] =
		    (struct octets){arena_memdup(a, der, (size_t)n), (size_t)n};
		OPENSSL_free(der);
	}
}

int
p1_strong_make(const struct p1_strong *s, const char *to, int64_t wall,
    const struct octets *random, struct buf *out, struct err *e)
{
	struct p1_credentials_strong c = {.has_token = true};
	struct p1_token *t = &c.token;
	struct buf algorithm = {0}, tbs = {0}, signature = {0};
	struct arena *a = arena_new();
	int r;

	put_algorithm(s, &algorithm);
	*t = (struct p1_token){.mta = to, .time = wall, .random = *random};
	t->algorithm = (struct octets){algorithm.data, algorithm.len};
	p1_token_put_tbs(t, &tbs);
	r = sign(s, &tbs, &signature, e);
	if (r >= 0) {
		t->tbs = (struct octets){tbs.data, tbs.len};
		t->signature = (struct octets){signature.data, signature.len};
		add_our_certificates(s, a, &c);
		p1_strong_encode(&c, out);
	}
	buf_free(&algorithm);
	buf_free(&tbs);
	buf_free(&signature);
	arena_free(&a);
	return r;
}

/* --- verifying --- */

/* The digest that the algorithm names, if it is one for this kind of key and
 * strong enough. */
static const EVP_MD *
digest_of(const struct octets *algorithm, EVP_PKEY *key)
{
	static const int allowed[] = {NID_sha256, NID_sha384, NID_sha512};
	const uint8_t *p = algorithm->p;
	X509_ALGOR *alg = d2i_X509_ALGOR(NULL, &p, (long)algorithm->n);
	const ASN1_OBJECT *oid = NULL;
	const EVP_MD *md = NULL;
	int digest, kind;

	if (alg == NULL) {
		ERR_clear_error();
		return NULL;
	}
	X509_ALGOR_get0(&oid, NULL, NULL, alg);
	if (OBJ_find_sigid_algs(OBJ_obj2nid(oid), &digest, &kind) &&
	    EVP_PKEY_get_base_id(key) ==
		(kind == NID_X9_62_id_ecPublicKey ? EVP_PKEY_EC : kind))
		for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
			if (digest == allowed[i])
				md = EVP_get_digestbynid(digest);
	X509_ALGOR_free(alg);
	return md;
}

static int
verify_signature(const struct p1_token *t, X509 *who, struct err *e)
{
	EVP_PKEY *key = X509_get0_pubkey(who);
	const EVP_MD *md = key != NULL ? digest_of(&t->algorithm, key) : NULL;
	EVP_MD_CTX *ctx;
	bool good;

	if (md == NULL)
		return err_set(e, LAYER, ERR_REFUSED,
		    "bind-token: signature algorithm not accepted with this "
		    "key");
	ctx = EVP_MD_CTX_new();
	good = ctx != NULL &&
	    EVP_DigestVerifyInit(ctx, NULL, md, NULL, key) == 1 &&
	    EVP_DigestVerify(
		ctx, t->signature.p, t->signature.n, t->tbs.p, t->tbs.n) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	if (!good)
		return err_set(
		    e, LAYER, ERR_REFUSED, "bind-token: wrong signature");
	return 0;
}

static int
check_token(const struct p1_strong *s, const struct p1_token *t,
    const struct p1_strong_check *c, struct err *e)
{
	int64_t late = c->wall - t->time;

	if (c->us == NULL || strcasecmp(t->mta, c->us) != 0)
		return err_set(e, LAYER, ERR_REFUSED,
		    "bind-token: for MTA \"%s\", not for us", t->mta);
	if (late > (int64_t)s->window || -late > (int64_t)s->window)
		return err_set(e, LAYER, ERR_REFUSED,
		    "bind-token: its time is %lld seconds %s, more than %u",
		    (long long)(late > 0 ? late : -late),
		    late > 0 ? "back" : "ahead", (unsigned)s->window);
	return 0;
}

int
p1_strong_verify(const struct p1_strong *s, const struct octets *element,
    const struct p1_strong_check *c, struct arena *a, struct octets *random,
    struct err *e)
{
	struct p1_credentials_strong theirs;
	X509 *who;
	int r = p1_strong_decode(a, element, &theirs, e);

	if (r < 0)
		return r;
	if (!theirs.has_token || theirs.n_certificates == 0)
		return err_set(
		    e, LAYER, ERR_REFUSED, "no bind-token, or no certificate");
	r = check_token(s, &theirs.token, c, e);
	if (r < 0)
		return r;
	who = p1_strong_path(s, &theirs, c, e);
	if (who == NULL)
		return e != NULL ? e->code : ERR_REFUSED;
	r = verify_signature(&theirs.token, who, e);
	if (r >= 0 && c->fresh)
		r = p1_strong_remember(s, who, &theirs.token, c->wall, e);
	X509_free(who);
	*random = theirs.token.random;
	return r;
}
