/* Whose certificate is it, and may it be trusted (X.509 clause 10)? And the
 * memory of tokens that were presented. */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "lib/log.h"
#include "lib/x509.h"
#include "p1/strong_int.h"

#define SECURITY_LEVEL 2 /* OpenSSL's: 112 bits; RSA from 2048 bits on */

static int
check_names(X509 *x, const struct p1_strong_check *c, struct err *e)
{
	char *subject;

	if (c->subject != NULL
		? x509_subject_is(x, c->subject)
		: x509_common_name_is(x, c->mta) || x509_dns_is(x, c->mta))
		return 0;
	subject = x509_subject_text(x);
	err_set(e, LAYER, ERR_REFUSED, "certificate: its subject is \"%.150s\"",
	    subject);
	free(subject);
	return ERR_REFUSED;
}

/* --- the path --- */

static X509 *
read_certificate(const struct octets *der, struct err *e)
{
	const uint8_t *p = der->p;
	X509 *x = d2i_X509(NULL, &p, (long)der->n);

	ERR_clear_error();
	if (x == NULL)
		err_set(e, LAYER, ERR_SYNTAX, "a certificate is not readable");
	return x;
}

/* Those that the peer sent beside its own: hints, not trusted. */
static int
read_others(const struct p1_credentials_strong *theirs, STACK_OF(X509) * into,
    struct err *e)
{
	for (size_t i = 1; i < theirs->n_certificates; i++) {
		X509 *x = read_certificate(&theirs->certificates[i], e);

		if (x == NULL)
			return ERR_SYNTAX;
		sk_X509_push(into, x);
	}
	return 0;
}

static int
check_path(const struct p1_strong *s, X509 *x, STACK_OF(X509) * others,
    int64_t wall, struct err *e)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	int r = 0, why;

	INVARIANT(
	    ctx != NULL && X509_STORE_CTX_init(ctx, s->store, x, others) == 1);
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, (time_t)wall);
	X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
	X509_VERIFY_PARAM_set_depth(param, P1_CERTIFICATES_MAX);
	if (X509_verify_cert(ctx) != 1) {
		why = X509_STORE_CTX_get_error(ctx);
		r = err_set(e, LAYER, ERR_REFUSED,
		    "certificate: %s, at depth %d",
		    X509_verify_cert_error_string(why),
		    X509_STORE_CTX_get_error_depth(ctx));
		if (e != NULL)
			e->detail = why;
	}
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return r;
}

X509 *
p1_strong_path(const struct p1_strong *s,
    const struct p1_credentials_strong *theirs, const struct p1_strong_check *c,
    struct err *e)
{
	STACK_OF(X509) *others = sk_X509_new_null();
	X509 *x = read_certificate(&theirs->certificates[0], e);
	int r = x != NULL ? read_others(theirs, others, e) : ERR_SYNTAX;

	if (r >= 0)
		r = check_path(s, x, others, c->wall, e);
	/* all bits are set when the certificate does not say */
	if (r >= 0 && !(X509_get_key_usage(x) & KU_DIGITAL_SIGNATURE))
		r = err_set(e, LAYER, ERR_REFUSED,
		    "certificate: its key is not for signatures");
	if (r >= 0)
		r = check_names(x, c, e);
	sk_X509_pop_free(others, X509_free);
	if (r < 0) {
		X509_free(x);
		x = NULL;
	}
	return x;
}

/* --- tokens that were here --- */

static void
forget_old(struct p1_seen *seen, int64_t wall)
{
	size_t kept = 0;

	for (size_t i = 0; i < seen->n; i++)
		if (seen->v[i].until >= wall)
			seen->v[kept++] = seen->v[i];
	seen->n = kept;
}

static void
add(struct p1_seen *seen, const struct p1_seen_token *t)
{
	if (seen->n == seen->cap) {
		seen->cap = seen->cap == 0 ? 16 : seen->cap * 2;
		seen->v = xrealloc(seen->v, seen->cap * sizeof(*seen->v));
	}
	seen->v[seen->n++] = *t;
}

int
p1_strong_remember(const struct p1_strong *s, X509 *who,
    const struct p1_token *t, int64_t wall, struct err *e)
{
	struct p1_seen *seen = s->seen;
	struct p1_seen_token new = {.until = t->time + s->window};
	unsigned n = 0;
	size_t same = 0;

	INVARIANT(X509_digest(who, EVP_sha256(), new.who, &n) == 1);
	INVARIANT(EVP_Digest(t->random.p, t->random.n, new.random, &n,
		      EVP_sha256(), NULL) == 1);
	forget_old(seen, wall);
	for (size_t i = 0; i < seen->n; i++) {
		if (memcmp(seen->v[i].who, new.who, sizeof(new.who)) != 0)
			continue;
		same++;
		if (memcmp(seen->v[i].random, new.random, sizeof(new.random)) ==
		    0)
			return err_set(e, LAYER, ERR_REFUSED,
			    "bind-token: its random number was here before");
	}
	if (same >= P1_STRONG_OF_ONE_MAX || seen->n >= P1_STRONG_REMEMBERED_MAX)
		return err_set(e, LAYER, ERR_TEMPORARY,
		    "bind-token: too many binds within %u seconds",
		    (unsigned)s->window);
	add(seen, &new);
	return 0;
}
