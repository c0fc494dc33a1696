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
	bool bare; /* without the outer tag, as X.410 mode has it (X.419 8.1) */
	struct octets raw_credentials;  /* STRONG, PROTECTED: the element */
	struct octets security_context; /* the element's content, or n == 0 */
	int error;                      /* ERROR: enum p1_bind_error */
	/* Where these stand in the PDU read, with definite lengths. */
	uint64_t at_name, at_credentials, at_context;
};

#define P1_MTA_NAME_MAX 32 /* ub-mta-name-length */
#define P1_PASSWORD_MAX 62 /* ub-password-length */
#define P1_BIND_SIZE_MAX 65536

/* Takes the RTSE user data of an open request, acceptance or refusal:
 * bind-invoke [16], bind-result [17] or bind-error [18] around the value. A
 * bare INTEGER is an error; another bare value, of which only its place tells
 * what it is, counts as an argument. Results live in the arena. ERR_SYNTAX,
 * ERR_LIMIT (name or password too long), with the octet of the PDU. */
int p1_bind_decode(struct arena *a, const uint8_t *p, size_t n,
    struct p1_bind *out, struct err *e) __attribute__((warn_unused_result));
/* Appends the tagged form, or the bare one; an error always bare. */
int p1_bind_encode(const struct p1_bind *b, struct buf *out, struct err *e)
    __attribute__((warn_unused_result));

/* Is this the simple password? In constant time. */
bool p1_bind_password_is(const struct p1_bind *b, const char *password);
/* "initiator-name" and "initiator-credentials", or those of a responder. */
const char *p1_bind_name_field(const struct p1_bind *b);
const char *p1_bind_credentials_field(const struct p1_bind *b);
const char *p1_bind_pdu_name(enum p1_bind_kind kind); /* "MTABindArgument" */
const char *p1_bind_error_name(int error); /* "authentication-error" */

#endif
