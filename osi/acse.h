/*
 * ACSE (X.227 / ISO 8650-1), kernel functional unit: AARQ, AARE, RLRQ, RLRE,
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
	ACSE_DIAG_CALLED_AP_TITLE_UNKNOWN = 7,
};

/* Who calls or is called: Directory names are carried, not understood. */
struct acse_entity {
	struct octets ap_title;     /* an encoded value (its own tag: Name, OID
	                             * or PrintableString); n == 0: absent */
	struct octets ae_qualifier; /* the same: RDN, INTEGER, ... */
	bool has_ap_invocation, has_ae_invocation;
	int32_t ap_invocation, ae_invocation;
};

struct acse_authentication {   /* X.227 7.1.1.9; carried for our user */
	const char *mechanism; /* dotted OID or NULL */
	struct octets value;   /* the encoded CHOICE, n == 0: absent */
};

struct acse_prim {
	enum acse_prim_type type;
	enum ses_prim_kind kind;
	const char *application_context; /* dotted OID; NULL: not present */
	enum acse_result result;
	int diagnostic_source; /* 1 service-user, 2 service-provider */
	int diagnostic;
	int reason; /* RELEASE: normal 0 ...; ABORT: source */
	/* ASSOCIATE req and ind: both; rsp and cnf: `called` responds */
	struct acse_entity called, calling;
	struct acse_authentication authentication; /* ASSOCIATE */
	struct pres_value user_information;        /* n == 0: none */
	const struct pres_prim *pres;              /* PASS */
	const struct err *err;
};

typedef void acse_prim_fn(void *user, const struct acse_prim *p);

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

#endif
