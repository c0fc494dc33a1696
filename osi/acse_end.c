/* How an association ends: release and abort (X.227 7.2, 7.3). */
#include "osi/acse_int.h"

/* --- down --- */

void
acse_p_abort_ind(struct acse *a, const struct err *why)
{
	struct acse_prim p = {
	    .type = ACSE_P_ABORT, .kind = SES_IND, .err = why};

	acse_enter(a, ACSE_CLOSED);
	a->fn(a->user, &p);
}

static int
send_abort(struct acse *a, int source, enum acse_abort_diagnostic diagnostic,
    const struct pres_value *information)
{
	struct acse_apdu u = {.type = ACSE_ABRT,
	    .reason = source,
	    .abort_diagnostic = a->selected ? diagnostic : ACSE_ABORT_NONE};
	struct pres_prim q = {.type = PRES_U_ABORT, .kind = SES_REQ};
	struct err e = ERR_INIT;

	if (information != NULL)
		u.user_information = *information;
	acse_enter(a, ACSE_CLOSED);
	/* what cannot be aborted any more is gone already */
	return acse_send(a, &u, &q, &e) < 0 ? 0 : 1;
}

void
acse_provider_abort(struct acse *a, struct err *why)
{
	send_abort(a, 1, ACSE_ABORT_PROTOCOL_ERROR, NULL);
	acse_p_abort_ind(a, why);
}

int
acse_release_req(struct acse *a, const struct acse_prim *p, struct err *e)
{
	struct acse_apdu u = {.type = ACSE_RLRQ,
	    .reason = p->reason,
	    .user_information = p->user_information};
	struct pres_prim q = {.type = PRES_RELEASE, .kind = SES_REQ};
	int rc = acse_send(a, &u, &q, e);

	if (rc >= 0 && a->state == ACSE_ASSOCIATED)
		acse_enter(a, ACSE_WAIT_RLRE);
	return rc;
}

int
acse_release_rsp(struct acse *a, const struct acse_prim *p, struct err *e)
{
	struct acse_apdu u = {.type = ACSE_RLRE,
	    .reason = p->reason,
	    .user_information = p->user_information};
	struct pres_prim q = {.type = PRES_RELEASE,
	    .kind = SES_RSP,
	    .accepted = p->result == ACSE_ACCEPTED};

	if (a->state == ACSE_COLLISION)
		acse_enter(a, q.accepted ? ACSE_WAIT_RLRE : ACSE_ASSOCIATED);
	else
		acse_enter(a, q.accepted ? ACSE_CLOSED : ACSE_ASSOCIATED);
	return acse_send(a, &u, &q, e);
}

int
acse_abort_req(struct acse *a, const struct acse_prim *p, struct err *e)
{
	(void)e;
	return send_abort(a, 0, p->abort_diagnostic, &p->user_information);
}

/* --- up --- */

/* A release without its APDU is a release all the same. */
static void
release_up(struct acse *a, const struct pres_prim *q, enum acse_apdu_type want,
    enum acse_state next)
{
	struct arena *arena = arena_new();
	struct acse_apdu u = {0};
	struct err e = ERR_INIT;

	if (acse_take_apdu(a, arena, q, want, &u, &e) < 0) {
		acse_provider_abort(a, &e);
	} else {
		struct acse_prim p = acse_prim_of(&u, ACSE_RELEASE, q->kind);

		if (q->kind == SES_CNF && !q->accepted)
			p.result = ACSE_REJECTED_PERMANENT;
		if (next == ACSE_ASSOCIATED)
			p.reason = ACSE_RELEASE_NOT_FINISHED;
		acse_enter(a, next);
		a->fn(a->user, &p);
	}
	arena_free(&arena);
}

void
acse_release_ind(struct acse *a, const struct pres_prim *q)
{
	release_up(a, q, ACSE_RLRQ,
	    a->state == ACSE_WAIT_RLRE ? ACSE_COLLISION
				       : ACSE_WAIT_RELEASE_RSP);
}

void
acse_release_cnf(struct acse *a, const struct pres_prim *q)
{
	enum acse_state next = q->accepted ? ACSE_CLOSED : ACSE_ASSOCIATED;

	release_up(a, q, ACSE_RLRE,
	    a->state == ACSE_COLLISION ? ACSE_WAIT_RELEASE_RSP : next);
}

void
acse_abort_ind(struct acse *a, const struct pres_prim *q)
{
	struct arena *arena = arena_new();
	struct acse_apdu u = {.reason = 1};
	struct err e = ERR_INIT, why = ERR_INIT;
	struct acse_prim p;

	if (acse_take_apdu(a, arena, q, ACSE_ABRT, &u, &e) < 0)
		u = (struct acse_apdu){.reason = 1};
	p = acse_prim_of(&u, ACSE_ABORT, SES_IND);
	err_at(&why, ACSE_LAYER, ERR_PROTOCOL, 0,
	    "ABRT: aborted by the peer's %s",
	    u.reason == 0 ? "user" : "provider");
	p.err = &why;
	acse_enter(a, ACSE_CLOSED);
	a->fn(a->user, &p);
	arena_free(&arena);
}

void
acse_pres_abort_ind(struct acse *a, const struct pres_prim *q)
{
	acse_p_abort_ind(a, q->err);
}
