/*
 * The inside of struct p1_strong, shared by strong.c (files, making and
 * verifying) and strong_path.c (whose certificate, and was it here before).
 */
#ifndef P1_STRONG_INT_H
#define P1_STRONG_INT_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "p1/strong.h"
#include "p1/token_codec.h"

#define LAYER "p1"

struct p1_seen_token {
	int64_t until; /* Unix seconds: then it is too old anyway */
	uint8_t who[32], random[32]; /* SHA-256 of certificate and number */
};

struct p1_seen {
	struct p1_seen_token *v;
	size_t n, cap;
};

struct p1_strong {
	STACK_OF(X509) * chain; /* ours first */
	EVP_PKEY *key;
	X509_STORE *store;
	uint32_t window;
	struct p1_seen *seen;
};

/* The peer's certificate, when its path and its names are good; the caller
 * frees it. NULL: `e` (which must not be NULL) says why not. */
X509 *p1_strong_path(const struct p1_strong *s,
    const struct p1_credentials_strong *theirs, const struct p1_strong_check *c,
    struct err *e);
/* ERR_REFUSED: it was here before. ERR_TEMPORARY: no room. */
int p1_strong_remember(const struct p1_strong *s, X509 *who,
    const struct p1_token *t, int64_t wall, struct err *e);

#endif
