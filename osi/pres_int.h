/*
 * What pres.c (the tables, release, abort, pass-through), pres_connect.c and
 * pres_data.c (P-DATA as a stream) share: the engine itself.
 */
#ifndef OSI_PRES_INT_H
#define OSI_PRES_INT_H

#include "osi/pdv.h"
#include "osi/pres_codec.h"
#include "osi/pres_x410.h"

/* The states of X.226 Annex A, without those of functional units we lack. */
enum pres_state {
	PRES_IDLE,      /* STAI0: no connection */
	PRES_WAIT_CPA,  /* STAI1: CP sent */
	PRES_WAIT_RSP,  /* STAI2: CP received, the user has to answer */
	PRES_CONNECTED, /* STAt0 */
	PRES_WAIT_RELEASE_CNF,
	PRES_WAIT_RELEASE_RSP,
	PRES_CLOSED, /* released, refused or aborted: nothing follows */
};

struct pres {
	struct pres_params params;
	struct arena *arena; /* the proposals' syntaxes, as long as we live */
	struct ses *ses;
	pres_prim_fn *fn;
	void *user;
	enum pres_state state;
	bool x410; /* the mode proposed, or that of the CP */
	struct pres_context contexts[PRES_CONTEXTS_MAX];
	size_t n_contexts;

	/* the SSDU that arrives */
	struct ber_scan *scan;
	struct pdv pdv;
	bool receiving; /* some of it was fed */
	bool first;     /* the next fragment is its value's first */
	int32_t in_context;

	/* the value that is being sent */
	bool sending;
	bool indefinite;
	uint64_t left; /* when its length is known */
};

/* Event identifiers of an ARP for what arrived (X.226 Event-identifier). */
enum { PRES_EVENT_CPA = 1, PRES_EVENT_TD = 7 };

/* pres.c */
void pres_enter(struct pres *p, enum pres_state state);
/* The user learns that the connection is gone, if it does not know yet. */
void pres_p_abort_ind(struct pres *p, const struct err *err);
/* The peer broke the protocol: ARP, and the user learns why. */
void pres_provider_abort(
    struct pres *p, enum pres_abort_reason reason, int event, struct err *why);
enum pres_abort_reason pres_abort_reason_of(const struct err *e);

/* pres_connect.c */
void pres_connect_ind(struct pres *p, const struct ses_prim *s);
void pres_connect_cnf(struct pres *p, const struct ses_prim *s);
int pres_connect_req(struct pres *p, const struct pres_prim *q, struct err *e);
int pres_connect_rsp(struct pres *p, const struct pres_prim *q, struct err *e);

/* pres_data.c */
void pres_data_init(struct pres *p);
void pres_data_free(struct pres *p);
/* A fragment of an SSDU. An error means: abort the connection. */
int pres_data_ind(struct pres *p, const struct ses_prim *s, struct err *e);
/* An activity was given up, or tokens passed: no SSDU is under way. */
void pres_data_fresh(struct pres *p);
int pres_data_req(struct pres *p, const struct pres_prim *q, struct err *e);
/* The connection's context with this id, if accepted. */
const struct pres_context *pres_context_by_id(const struct pres *p, int32_t id);
void pres_trace(
    const struct pres *p, bool sent, const char *what, const char *detail);

#endif
