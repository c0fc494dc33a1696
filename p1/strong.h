/*
 * Strong credentials of the MTA bind (X.411 8.5.8, 12.1.1.1.1.2): made with our
 * key, and verified against trust anchors and revocation lists, by OpenSSL.
 *
 * A struct p1_strong is read once from PEM files and shared by the associations
 * of a process; beside keys it remembers which random numbers were presented
 * within the window, so that a token counts once. It has no clock: the time
 * is an argument. It is not for several threads at once.
 *
 * StrongCredentials hold a bind-token and our certificates. The token is an
 * asymmetric one, SIGNED: for one MTA, of one time, around one random number;
 * the responder's repeats the initiator's random number. Signatures are made
 * with SHA-256 by RSA or ECDSA keys; SHA-384, SHA-512 and RSA-PSS keys are
 * not made but the former two verified; nothing weaker is.
 */
#ifndef P1_STRONG_H
#define P1_STRONG_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/conf.h"
#include "lib/err.h"

struct p1_strong;

#define P1_STRONG_WINDOW 300 /* seconds that clocks and networks may take */
#define P1_STRONG_REMEMBERED_MAX 16384 /* tokens within the window, in all */
#define P1_STRONG_OF_ONE_MAX 1024      /* and of one certificate */

struct p1_strong_params {
	const char *certificate; /* PEM: ours first, then those up to the CA */
	const char *key;         /* PEM; NULL: in `certificate` */
	const char *ca;          /* PEM: the trust anchors */
	const char *crl; /* PEM: one of every CA on a path; NULL: not checked */
	uint32_t window; /* seconds either way; 0: P1_STRONG_WINDOW */
};

/* ERR_CONFIG: which file is wrong, and why. */
struct p1_strong *p1_strong_new(
    const struct p1_strong_params *p, struct err *e);
/* From <security certificate= key= ca= crl= window=/>. */
struct p1_strong *p1_strong_from_conf(const struct conf_node *n, struct err *e);
void p1_strong_free(struct p1_strong **s);

/* Octets nobody can foretell. */
uint8_t *p1_strong_random(struct arena *a, size_t n);

/* Appends the element StrongCredentials ([0]) with a bind-token for the MTA
 * `to`. ERR_SYSTEM when OpenSSL cannot sign. */
int p1_strong_make(const struct p1_strong *s, const char *to, int64_t wall,
    const struct octets *random, struct buf *out, struct err *e)
    __attribute__((warn_unused_result));

struct p1_strong_check {
	const char *mta;     /* who presents them */
	const char *subject; /* RFC 2253 text that the certificate's subject
	                      * must be; NULL: its common name, or a DNS name
	                      * among its alternative names, must be `mta` */
	const char *us;      /* whom the token must be for */
	int64_t wall;
	bool fresh; /* a random number that was here before is refused */
};
/* Verifies the element; *random (in `a`) is the token's. ERR_SYNTAX,
 * ERR_LIMIT, ERR_REFUSED with the reason; ERR_TEMPORARY: this peer's tokens
 * come faster than we can remember them. */
int p1_strong_verify(const struct p1_strong *s, const struct octets *element,
    const struct p1_strong_check *c, struct arena *a, struct octets *random,
    struct err *e) __attribute__((warn_unused_result));

#endif
