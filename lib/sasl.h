/*
 * SASL (RFC 4422) by the Cyrus library, for both sides of a protocol: a step
 * takes the peer's octets and gives ours. What Cyrus would look for in files of
 * its own comes from a <sasl> element, and passwords from the identity table
 * (lib/identity.h), or from whatever back end of Cyrus is named there.
 *
 * A struct sasl_service is made of a <sasl> element, by the loop's thread; so
 * are the exchanges. A step may wait (saslauthd, a directory) or compute for
 * milliseconds: it may run in any thread, one at a time for each exchange.
 * Octets that a step returns are the exchange's, and good until its next step.
 *
 * Errors have the layer "sasl"; what they say is for the log, not for the peer.
 */
#ifndef LIB_SASL_H
#define LIB_SASL_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/conf.h"
#include "lib/identity.h"

#define SASL_OCTETS_MAX 9216  /* of one challenge or response: 12288 of text */
#define SASL_STEPS_MAX 16     /* of one exchange */
#define SASL_MECHANISM_MAX 20 /* octets of a name (RFC 4422 3.1) */
#define SASL_LIST_MAX 512     /* octets of a list of mechanisms, with NUL */

struct tls_peer;

/* --- the service --- */

struct sasl_service;

/* From <sasl backend= identities= mechanisms= plaintext= realm= keytab=
 * saslauthd=><option name= value=/></sasl>. The identity table is read.
 * `identity_schema`: the path of identities.rng. Cyrus is started with the
 * first of a process; others have its keytab or none (ERR_CONFIG). */
struct sasl_service *sasl_service_new(
    const struct conf_node *n, const char *identity_schema, struct err *e);
/* From the child <sasl name=...> of `root`. */
struct sasl_service *sasl_service_named(const struct conf_node *root,
    const char *name, const char *identity_schema, struct err *e);
/* After all of its exchanges. */
void sasl_service_free(struct sasl_service **s);
/* May passwords be sent without TLS? */
bool sasl_service_plaintext(const struct sasl_service *s);
/* The identities, or NULL where a <sasl> has none. */
struct identity_table *sasl_service_identities(const struct sasl_service *s);
/* Has their file changed? See identity_store_look(). */
void sasl_service_look(struct sasl_service *s, struct err *e);

/* --- the server's side --- */

/* What the connection itself has proved; copied by who is given one. */
struct sasl_link {
	const char *protocol;       /* "smtp": RFC 4422 4, a) */
	const char *host;           /* whom the client means to talk to */
	const struct tls_peer *tls; /* NULL: there is no TLS */
};

/* The mechanisms that this link may use now, best first, with blanks between
 * them; "" when there are none. */
const char *sasl_mechanisms(struct sasl_service *s,
    const struct sasl_link *link, char out[SASL_LIST_MAX]);

enum sasl_offer {
	SASL_OFFERED,
	SASL_OFFERED_UNDER_TLS, /* there is no TLS */
	SASL_NOT_OFFERED,
};
enum sasl_offer sasl_offers(struct sasl_service *s,
    const struct sasl_link *link, const char *mechanism);

enum sasl_result {
	SASL_RESULT_CHALLENGE, /* the octets go to the peer, who answers */
	SASL_RESULT_DONE,      /* proved; see sasl_exchange_user() */
	SASL_RESULT_REFUSED,   /* not who they say, or may not be it */
	SASL_RESULT_SYNTAX,    /* the response breaks the mechanism's rules */
	SASL_RESULT_TEMPORARY, /* the back end does not answer */
	SASL_RESULT_TOO_WEAK,  /* policy wants a stronger mechanism */
	SASL_RESULT_EXPIRED,   /* the password must be changed first */
};

struct sasl_exchange;

/* NULL: Cyrus could not (memory, a plug-in that is not there). */
struct sasl_exchange *sasl_exchange_new(
    struct sasl_service *s, const struct sasl_link *link, struct err *e);
void sasl_exchange_free(struct sasl_exchange **x);
/* `response` NULL: the client sent no initial response (which is something else
 * than an empty one). Reasons of what is not DONE or CHALLENGE are in *e. */
enum sasl_result sasl_exchange_start(struct sasl_exchange *x,
    const char *mechanism, const uint8_t *response, size_t n,
    struct octets *challenge, struct err *e);
enum sasl_result sasl_exchange_step(struct sasl_exchange *x,
    const uint8_t *response, size_t n, struct octets *challenge, struct err *e);
/* After DONE: whom the client acts as, and what proved it. */
const char *sasl_exchange_user(const struct sasl_exchange *x);
const char *sasl_exchange_mechanism(const struct sasl_exchange *x);
/* Who it said to be, as far as it got; "" before. For logs. */
const char *sasl_exchange_claim(const struct sasl_exchange *x);

/* --- the client's side --- */

struct sasl_client_options {
	const char *protocol, *host; /* as in a struct sasl_link */
	const struct tls_peer *tls;
	const char *user, *password; /* NULL: none (EXTERNAL, GSSAPI) */
	const char *authorize;       /* authorization identity, NULL: user's */
	bool plaintext;              /* PLAIN and LOGIN without TLS too */
};

struct sasl_client;

/* Copies what it needs but for `tls`. */
struct sasl_client *sasl_client_open(
    const struct sasl_client_options *p, struct err *e);
void sasl_client_close(struct sasl_client **c);
/* Of the server's list the mechanism that is best; *mechanism is the client's.
 * initial->p is NULL when it begins with the server. ERR_UNSUPPORTED: none will
 * do. */
int sasl_client_begin(struct sasl_client *c, const char *list,
    const char **mechanism, struct octets *initial, struct err *e);
/* The response to a challenge, which may be empty. ERR_REFUSED: the server did
 * not prove itself, or speaks nonsense. */
int sasl_client_answer(struct sasl_client *c, const uint8_t *challenge,
    size_t n, struct octets *response, struct err *e);
/* Has the mechanism come to its end? The server's word that all went well
 * counts only then: SCRAM's server has to prove itself. */
bool sasl_client_proved(const struct sasl_client *c);

#endif
