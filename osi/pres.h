/*
 * Presentation (X.226 / ISO 8823-1), normal mode: context definition,
 * negotiation, user data in fully-encoded form; and X.410 (1984) mode, where
 * there are no contexts and user data goes as it is.
 *
 * Connect, release and abort carry presentation data values for ACSE. P-DATA
 * values stream up and down in fragments; of several values in one P-DATA each
 * comes up by itself, in their order. The session services that X.216
 * passes through (tokens, synchronization, activities, exceptions) keep their
 * session shape: they come as struct ses_prim.
 *
 * In X.410 mode CONNECT, its refusal and U_ABORT carry one value with
 * context_id 0: an element whose contents go into the x410-mode-parameters of
 * the PPDU and whose tag is replaced by theirs (X.226 8.2: SET { COMPONENTS OF
 * RTORQapdu } and the like); going up it has the tag of RTSE, [16], [17], [18]
 * or [22]. DATA is octets of an SSDU, context_id 0, without any structure.
 */
#ifndef OSI_PRES_H
#define OSI_PRES_H

#include "lib/arena.h"
#include "osi/ses.h"

#define PRES_CONTEXTS_MAX 32 /* that are accepted of one proposal */

enum pres_result { /* X.226 8.2: Result of one proposed context */
	PRES_ACCEPTANCE = 0,
	PRES_USER_REJECTION = 1,
	PRES_PROVIDER_REJECTION = 2,
};

enum pres_provider_reason { /* X.226: why a context was provider-rejected */
	PRES_REASON_NOT_SPECIFIED = 0,
	PRES_ABSTRACT_SYNTAX_NOT_SUPPORTED = 1,
	PRES_TRANSFER_SYNTAXES_NOT_SUPPORTED = 2,
	PRES_LOCAL_LIMIT = 3,
};

struct pres_context {
	int32_t id;                  /* odd from the initiator */
	const char *abstract_syntax; /* dotted OID; outlives the engine */
	enum pres_result result;
	enum pres_provider_reason reason;
};

/* One presentation data value. */
struct pres_value {
	int32_t context_id;
	const uint8_t *p; /* the encoded value (its own tag and length) */
	size_t n;
};

enum pres_prim_type {
	PRES_CONNECT,    /* req ind rsp cnf; values, contexts, accepted */
	PRES_DATA,       /* req ind; one value, in fragments; or req with
	                  * several whole ones, `values` */
	PRES_TYPED_DATA, /* the same by P-TYPED-DATA (TTD) */
	PRES_RELEASE,    /* req ind rsp cnf; values */
	PRES_U_ABORT,    /* req ind; values */
	PRES_P_ABORT,    /* ind; err. Nothing follows. */
	PRES_SESSION,    /* a session primitive passed through: `ses` */
};

struct pres_prim {
	enum pres_prim_type type;
	enum ses_prim_kind kind;
	const struct pres_value *values; /* CONNECT, RELEASE, U_ABORT; SESSION:
	                                  * the user data of `ses` */
	size_t n_values;
	bool accepted;              /* CONNECT, RELEASE rsp and cnf */
	int provider_reason;        /* CONNECT cnf refused by provider: X.226
	                      * Provider-reason, else -1 */
	struct pres_value data;     /* DATA: a fragment of the encoded value */
	uint64_t total;             /* DATA req, first fragment: octets of the
	                             * whole value; 0: not known, then the
	                             * lengths around it are indefinite */
	bool first, last;           /* DATA: first and last fragment */
	const struct ses_prim *ses; /* SESSION, and the carrier of a refusal */
	const struct err *err;
};

typedef void pres_prim_fn(void *user, const struct pres_prim *p);

struct pres_params {
	struct ses_params ses;
	struct osi_sel called, calling, responding; /* PSELs */
	/* Initiator: the proposed contexts (ids given). Responder: abstract
	 * syntaxes it supports (ids ignored); others are answered with
	 * provider-rejection, abstract-syntax-not-supported. Transfer syntax
	 * is BER 2.1.1 always. */
	const struct pres_context *contexts;
	size_t n_contexts;
	/* Initiator: the abstract syntax of the default context, proposed
	 * with this. Responder: one that is accepted as default context. NULL:
	 * none. Its values have context_id 0. */
	const char *default_context;
	/* Initiator: proposes X.410 mode (contexts and PSELs are not used).
	 * Responder: accepts it beside normal mode. */
	bool x410;
};

/* "P-DATA indication", "P-ACTIVITY-START confirm", for errors; returns out. */
#define PRES_PRIM_TEXT 48
const char *pres_prim_text(const struct pres_prim *q, char out[PRES_PRIM_TEXT]);

struct pres;
struct pres *pres_new(
    const struct pres_params *p, pres_prim_fn *fn, void *user, msec_t now);
void pres_free(struct pres **p);
int pres_request(struct pres *p, const struct pres_prim *prim, struct err *e)
    __attribute__((warn_unused_result));
/* The accepted context with this abstract syntax: its id, or 0. */
int32_t pres_context_id(const struct pres *p, const char *abstract_syntax);
/* The octet of the CP (responder) or CPA that their list begins at. */
uint64_t pres_contexts_at(const struct pres *p);
const struct pres_context *pres_contexts(const struct pres *p, size_t *n);
/* The mode of this connection; known from CONNECT.ind on. */
bool pres_is_x410(const struct pres *p);
struct ses *pres_ses(struct pres *p);
/* A responder finds here after CONNECT.ind what the CP said (called, calling);
 * an initiator after the confirm what the CPA said (responding). */
const struct pres_params *pres_params(const struct pres *p);

#endif
