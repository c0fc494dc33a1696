/*
 * MTABind (X.411 12.1.1): argument, result and error <-> octets.
 *
 * Names and simple credentials are understood; strong and protected
 * credentials and a security context are kept as raw octets. In the argument
 * "initiator" and in the result "responder" names the sender of the PDU.
 */
#ifndef P1_BIND_CODEC_H
#define P1_BIND_CODEC_H

#include "asn1/ber.h"

enum p1_bind_kind {
	P1_BIND_ARGUMENT, /* bind-invoke [16] */
	P1_BIND_RESULT,   /* bind-result [17] */
	P1_BIND_ERROR,    /* bind-error [18] */
};

enum p1_credentials { /* the alternatives of Credentials */
	P1_CRED_NONE, /* NULL alternative: no authentication */
	P1_CRED_SIMPLE,
	P1_CRED_STRONG,    /* kept raw */
	P1_CRED_PROTECTED, /* kept raw */
};

enum p1_bind_error { /* MTABindError */
	P1_BIND_BUSY = 0,
	P1_BIND_AUTHENTICATION = 2,
	P1_BIND_UNACCEPTABLE_DIALOGUE = 3,
	P1_BIND_UNACCEPTABLE_SECURITY = 4,
	P1_BIND_INADEQUATE_ASSOCIATION = 5,
};

struct p1_bind {
	enum p1_bind_kind kind;
	enum p1_credentials credentials;
	const char *mta;        /* initiator- or responder-name; "" when NONE */
	struct octets password; /* SIMPLE */
	bool password_ia5;      /* it is an IA5String, else OCTET STRING */
	struct octets raw_credentials;  /* STRONG, PROTECTED: the element */
	struct octets security_context; /* the element's content, or n == 0 */
	int error;                      /* ERROR: enum p1_bind_error */
};

#define P1_MTA_NAME_MAX 32 /* ub-mta-name-length */
#define P1_PASSWORD_MAX 62 /* ub-password-length */
#define P1_BIND_SIZE_MAX 65536

/* Takes the RTSE user data of an open request, acceptance or refusal:
 * bind-invoke [16], bind-result [17] or bind-error [18] around the value; a
 * bare value counts as an argument, a bare INTEGER as an error. Results live
 * in the arena. ERR_SYNTAX, ERR_LIMIT (name or password too long). */
int p1_bind_decode(struct arena *a, const uint8_t *p, size_t n,
    struct p1_bind *out, struct err *e) __attribute__((warn_unused_result));
/* Appends the tagged form, an error bare. */
int p1_bind_encode(const struct p1_bind *b, struct buf *out, struct err *e)
    __attribute__((warn_unused_result));

/* Is this the simple password? In constant time. */
bool p1_bind_password_is(const struct p1_bind *b, const char *password);
const char *p1_bind_error_name(int error); /* "authentication-error" */

#endif
