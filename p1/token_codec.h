/*
 * Tokens (X.411 8.5.8) and the strong credentials of a bind <-> octets.
 *
 * A token that was read keeps the octets that were signed, as they came;
 * certificates are DER that nobody here looks into. Everything points into
 * the arena. Written is DER, because it is signed.
 */
#ifndef P1_TOKEN_CODEC_H
#define P1_TOKEN_CODEC_H

#include "asn1/ber.h"

#define P1_CERTIFICATES_MAX 10
#define P1_RANDOM_MIN 4  /* octets of a random number that we take */
#define P1_RANDOM_MAX 64 /* ub-bit-options leaves it open */

struct p1_token {
	struct octets tbs;       /* the element that is signed */
	struct octets algorithm; /* AlgorithmIdentifier, the element */
	struct octets signature; /* without the count of unused bits */
	const char *mta;         /* recipient: its MTA name */
	int64_t time;
	struct octets random; /* BindTokenSignedData */
};

struct p1_credentials_strong {
	bool has_token;
	struct p1_token token;
	struct octets certificates[P1_CERTIFICATES_MAX]; /* theirs first */
	size_t n_certificates;
};

/* Reads StrongCredentials, an element [0]. ERR_SYNTAX, ERR_LIMIT,
 * with the octet of the element. */
int p1_strong_decode(struct arena *a, const struct octets *element,
    struct p1_credentials_strong *out, struct err *e)
    __attribute__((warn_unused_result));

/* Appends what is to be signed of t: algorithm, mta, time, random. */
void p1_token_put_tbs(const struct p1_token *t, struct buf *out);
/* Appends StrongCredentials [0]: the token from tbs, algorithm and signature,
 * and the certificates. */
void p1_strong_encode(const struct p1_credentials_strong *c, struct buf *out);

#endif
