/*
 * The ACSE engine's inside, shared by acse.c (association, and the tables of
 * what may come when) and acse_end.c (release and abort).
 */
#ifndef OSI_ACSE_INT_H
#define OSI_ACSE_INT_H

#include "osi/acse_codec.h"

#define ACSE_LAYER "acse"

enum acse_state {              /* X.227 Annex A */
	ACSE_UNASSOCIATED,     /* STA0 */
	ACSE_WAIT_AARE,        /* STA1 */
	ACSE_WAIT_RSP,         /* STA2: the user has to answer the AARQ */
	ACSE_WAIT_RLRE,        /* STA3 */
	ACSE_WAIT_RELEASE_RSP, /* STA4 */
	ACSE_ASSOCIATED,       /* STA5 */
	ACSE_COLLISION,        /* STA6, STA7: both release */
	ACSE_CLOSED,           /* STA0 again, for ever */
};

struct acse {
	struct pres *pres;
	acse_prim_fn *fn;
	void *user;
	enum acse_state state;
	struct arena *arena;             /* for application_context */
	const char *application_context; /* of the AARQ, both sides */
	bool proposed, selected;         /* the authentication unit */
};

/* --- acse.c --- */
void acse_enter(struct acse *a, enum acse_state state);
/* Everything from below comes in here. */
void acse_from_pres(void *user, const struct pres_prim *q);
/* The APDU, as user data of `q`; in X.410 mode its user information only. */
int acse_send(struct acse *a, const struct acse_apdu *u, struct pres_prim *q,
    struct err *e);
/* Our APDU among the values: 1 and *u, 0 when there is none, or an error. */
int acse_take_apdu(struct acse *a, struct arena *arena,
    const struct pres_prim *q, enum acse_apdu_type want, struct acse_apdu *u,
    struct err *e);
struct acse_prim acse_prim_of(const struct acse_apdu *u,
    enum acse_prim_type type, enum ses_prim_kind kind);

/* --- acse_end.c --- */
int acse_release_req(struct acse *a, const struct acse_prim *p, struct err *e);
int acse_release_rsp(struct acse *a, const struct acse_prim *p, struct err *e);
int acse_abort_req(struct acse *a, const struct acse_prim *p, struct err *e);
void acse_release_ind(struct acse *a, const struct pres_prim *q);
void acse_release_cnf(struct acse *a, const struct pres_prim *q);
void acse_abort_ind(struct acse *a, const struct pres_prim *q);
void acse_pres_abort_ind(struct acse *a, const struct pres_prim *q);
void acse_p_abort_ind(struct acse *a, const struct err *why);
/* The peer broke the protocol: ABRT by the provider, and the user is told. */
void acse_provider_abort(struct acse *a, struct err *why);

#endif
