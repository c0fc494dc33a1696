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
	PRES_RELEASE_COLLISION, /* both at once: we have to answer first */
	PRES_CLOSED, /* released, refused or aborted: nothing follows */
};

enum pres_stream { PRES_STREAM_DATA, PRES_STREAM_TYPED, PRES_STREAMS };

/* The SSDU that arrives. */
struct pres_in {
	struct pres *p;
	enum pres_prim_type type;
	struct ber_scan *scan;
	struct ber_scan *inner; /* the values in simply encoded data */
	struct pdv pdv;
	bool receiving; /* some of it was fed */
	bool simple;    /* it is simply encoded */
	bool first;     /* the next fragment is its value's first */
	int32_t context;
};

/* The value that is being sent. */
struct pres_out {
	bool sending;
	bool indefinite, simple;
	uint64_t left; /* when its length is known */
};

struct pres {
	struct pres_params params;
	struct arena *arena; /* the proposals' syntaxes, as long as we live */
	struct ses *ses;
	pres_prim_fn *fn;
	void *user;
	enum pres_state state;
	bool x410; /* the mode proposed, or that of the CP */
	struct pres_context *contexts; /* all that were proposed */
	size_t n_contexts;
	uint64_t contexts_at; /* of their list, in CP or CPA */
	bool has_default;     /* there is a default context */

	struct pres_in in[PRES_STREAMS];
	struct pres_out out[PRES_STREAMS];
};

/* pres.c */
void pres_enter(struct pres *p, enum pres_state state);
/* The user learns that the connection is gone, if it does not know yet. */
void pres_p_abort_ind(struct pres *p, const struct err *err);
/* The peer broke the protocol: ARP, with the reason that `why` tells, and the
 * user learns why. */
void pres_provider_abort(
    struct pres *p, enum pres_event event, struct err *why);
/* Everything from below comes in here. */
void pres_from_ses(void *user, const struct ses_prim *s);

/* pres_connect.c */
/* The context of simply encoded data: its id, 0 for the default context, -1
 * when there are several (X.226 8.4.1). `open`: of those accepted, else of
 * those proposed. */
int32_t pres_sole_context(const struct pres *p, bool open);
/* Gives values without context their one, and refuses those of contexts that
 * are not in the set. */
/* Is this nested no deeper than our user allows? ERR_LIMIT, or 0; what is no
 * BER at all is for others to find out. */
int pres_check_depth(
    const struct pres *p, const uint8_t *v, size_t n, struct err *e);
int pres_check_values(struct pres *p, struct arena *a, const struct ses_prim *s,
    struct pres_values *v, bool open, struct err *e);
void pres_connect_ind(struct pres *p, const struct ses_prim *s);
void pres_connect_cnf(struct pres *p, const struct ses_prim *s);
int pres_connect_req(struct pres *p, const struct pres_prim *q, struct err *e);
int pres_connect_rsp(struct pres *p, const struct pres_prim *q, struct err *e);

/* pres_data.c */
void pres_data_init(struct pres *p);
void pres_data_free(struct pres *p);
/* A fragment of an SSDU; one that is broken aborts the connection. */
void pres_data_ind(struct pres *p, const struct ses_prim *s);
/* An activity was given up, or tokens passed: no SSDU is under way. */
void pres_data_fresh(struct pres *p);
int pres_data_req(struct pres *p, const struct pres_prim *q, struct err *e);
/* The connection's context with this id, if accepted. */
const struct pres_context *pres_context_by_id(const struct pres *p, int32_t id);
void pres_trace(
    const struct pres *p, bool sent, const char *what, const char *detail);

#endif
