/*
 * ACSE (X.227 / ISO 8650-1), kernel and authentication functional units: AARQ, AARE, RLRQ, RLRE,
 * ABRT over presentation connect, release and abort.
 *
 * User information is one EXTERNAL: a value on a presentation context (for
 * P1: RTORQ on the RTSE context). Data and session services pass by ACSE: its
 * user calls pres_request() for them and gets them as ACSE_PASS.
 *
 * In X.410 mode of presentation (pres_is_x410()) there are no APDUs of ACSE
 * (X.227 8, X.410 mode): user_information is the one value that presentation
 * carries, application_context is NULL, a refusal has ACSE_REJECTED_PERMANENT.
 */
#ifndef OSI_ACSE_H
#define OSI_ACSE_H

#include "osi/pres.h"

#define ACSE_ABSTRACT_SYNTAX "2.2.1.0.1"

enum acse_prim_type {
	ACSE_ASSOCIATE, /* req ind rsp cnf */
	ACSE_RELEASE,   /* req ind rsp cnf */
	ACSE_ABORT,     /* req ind: by the user (source 0) or ACSE (1) */
	ACSE_P_ABORT,   /* ind: the layers below gave up; err says why */
	ACSE_PASS,      /* ind: a presentation primitive, `pres` */
};

enum acse_result { /* X.227 AARE result */
	ACSE_ACCEPTED = 0,
	ACSE_REJECTED_PERMANENT = 1,
	ACSE_REJECTED_TRANSIENT = 2,
};

enum acse_diagnostic { /* X.227 associate-source-diagnostic, service-user */
	ACSE_DIAG_NULL = 0,
	ACSE_DIAG_NO_REASON = 1,
	ACSE_DIAG_CONTEXT_NAME_NOT_SUPPORTED = 2,
	ACSE_DIAG_CALLING_AP_TITLE_UNKNOWN = 3,
	ACSE_DIAG_CALLING_AP_INVOCATION_UNKNOWN = 4,
	ACSE_DIAG_CALLING_AE_QUALIFIER_UNKNOWN = 5,
	ACSE_DIAG_CALLING_AE_INVOCATION_UNKNOWN = 6,
	ACSE_DIAG_CALLED_AP_TITLE_UNKNOWN = 7,
	ACSE_DIAG_CALLED_AP_INVOCATION_UNKNOWN = 8,
	ACSE_DIAG_CALLED_AE_QUALIFIER_UNKNOWN = 9,
	ACSE_DIAG_CALLED_AE_INVOCATION_UNKNOWN = 10,
	ACSE_DIAG_MECHANISM_NOT_RECOGNIZED = 11,
	ACSE_DIAG_MECHANISM_REQUIRED = 12,
	ACSE_DIAG_AUTHENTICATION_FAILURE = 13,
	ACSE_DIAG_AUTHENTICATION_REQUIRED = 14,
};

enum acse_provider_diagnostic { /* the same, service-provider */
	ACSE_PROVIDER_NULL = 0,
	ACSE_PROVIDER_NO_REASON = 1,
	ACSE_PROVIDER_NO_COMMON_VERSION = 2,
};

/* X.227 abort-diagnostic: only with the authentication functional unit. */
enum acse_abort_diagnostic {
	ACSE_ABORT_NONE = 0, /* not there */
	ACSE_ABORT_NO_REASON = 1,
	ACSE_ABORT_PROTOCOL_ERROR = 2,
	ACSE_ABORT_MECHANISM_NOT_RECOGNIZED = 3,
	ACSE_ABORT_MECHANISM_REQUIRED = 4,
	ACSE_ABORT_AUTHENTICATION_FAILURE = 5,
	ACSE_ABORT_AUTHENTICATION_REQUIRED = 6,
};

enum acse_release_reason { /* 0, 1 of a request; 0, 1 of a response */
	ACSE_RELEASE_NORMAL = 0,
	ACSE_RELEASE_URGENT = 1,
	ACSE_RELEASE_NOT_FINISHED = 1,
	ACSE_RELEASE_USER_DEFINED = 30,
};

/* AP-title and AE-qualifier come in two forms (X.227 9): a Directory name and
 * its relative part, or an OID and an INTEGER. */
enum acse_form {
	ACSE_FORM_ABSENT,
	ACSE_FORM_1,     /* Name; RelativeDistinguishedName */
	ACSE_FORM_2,     /* OBJECT IDENTIFIER; INTEGER */
	ACSE_FORM_OTHER, /* of older versions of ACSE: any type */
};

/* Who calls or is called: Directory names are carried, not understood. */
struct acse_entity {
	struct octets ap_title;     /* an encoded value (its own tag: Name, OID
	                             * or PrintableString); n == 0: absent */
	struct octets ae_qualifier; /* the same: RDN, INTEGER, ... */
	bool has_ap_invocation, has_ae_invocation;
	int32_t ap_invocation, ae_invocation;
};

/* The authentication functional unit: proposed by an AARQ that has any of
 * this, selected when the AARE has the unit too. A value is charstring [0],
 * bitstring [1], external [2] or other [3]. */
struct acse_authentication {
	bool unit; /* its bit of acse-requirements; asked for by itself, or
	            * implied by the fields */
	const char *mechanism; /* dotted OID or NULL */
	struct octets value;   /* the encoded CHOICE, n == 0: absent */
};

struct acse_prim {
	enum acse_prim_type type;
	enum ses_prim_kind kind;
	const char *application_context; /* dotted OID; NULL: not present */
	uint64_t application_context_at; /* its octet in the APDU received */
	enum acse_result result; /* RELEASE rsp and cnf: other than accepted
	                          * is negative */
	int diagnostic_source;   /* 1 service-user, 2 service-provider */
	int diagnostic;
	int reason; /* RELEASE: enum acse_release_reason; ABORT: source */
	enum acse_abort_diagnostic abort_diagnostic; /* ABORT */
	/* ASSOCIATE: GraphicString of implementation-information, n == 0: none;
	 * for logs only */
	struct octets implementation;
	/* ASSOCIATE req and ind: both; rsp and cnf: `called` responds */
	struct acse_entity called, calling;
	struct acse_authentication authentication; /* ASSOCIATE */
	struct pres_value user_information;        /* n == 0: none */
	const struct pres_prim *pres;              /* PASS */
	const struct err *err;
};

typedef void acse_prim_fn(void *user, const struct acse_prim *p);

/* "A-ASSOCIATE indication", for errors; returns out. */
const char *acse_prim_text(const struct acse_prim *p, char out[PRES_PRIM_TEXT]);

/* The contexts in `p` must hold ACSE_ABSTRACT_SYNTAX among them. An
 * association that the layers below or the peer's ACSE refuse is an ASSOCIATE
 * confirmation with a rejecting result, diagnostic_source 2 and err. */
struct acse;
struct acse *acse_new(
    const struct pres_params *p, acse_prim_fn *fn, void *user, msec_t now);
void acse_free(struct acse **a);
int acse_request(struct acse *a, const struct acse_prim *p, struct err *e)
    __attribute__((warn_unused_result));
struct pres *acse_pres(struct acse *a);
enum acse_form acse_title_form(const struct octets *ap_title);
enum acse_form acse_qualifier_form(const struct octets *ae_qualifier);

#endif
