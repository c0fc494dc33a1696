/*
 * Remote operations (X.219, X.229 / ISO 9072): one association on which both
 * sides may invoke operations and answer them, over RTSE (an APDU is one
 * RT-TRANSFER) or directly over presentation (an APDU is one P-DATA).
 *
 * Owns the whole stack below; this is the engine that P3 and P7 put on a
 * socket. What operations there are, their class, errors and linked operations,
 * is told by a table; ROSE then rejects by itself what breaks it, with the
 * problem that X.229 7.5 names, and our user sees only what fits. Arguments,
 * results and parameters are the octets of one encoded value each; those in an
 * event are good during the call.
 *
 * Every invocation of ours ends with exactly one event that carries its user
 * pointer: ROSE_RESULT, ROSE_ERROR, ROSE_REJECTED or ROSE_LOST; except that
 * one of class 5 ends when it is sent, without an event, and that of others
 * than class 1 and 2 our user may end itself by rose_forget(). Every invocation
 * of the peer (ROSE_INVOKED) is to be ended by rose_result(), rose_error(),
 * rose_reject() or rose_done(), during the event or any time later; one of
 * class 5 ends with the event.
 *
 * Callbacks may call anything here but rose_free(). Requests return a negative
 * code and do nothing when they are not allowed: ERR_PROTOCOL in this state or
 * for this operation, ERR_TEMPORARY when a limit or a synchronous operation
 * under way forbids it now, ERR_LIMIT for an APDU that is too long.
 */
#ifndef OSI_ROSE_H
#define OSI_ROSE_H

#include "osi/rtse.h"

enum rose_carrier { ROSE_OVER_RTSE, ROSE_OVER_PRESENTATION };

/* X.219 7: 1 is synchronous, all others are not. */
enum rose_class {
	ROSE_CLASS_1 = 1, /* reports result or error */
	ROSE_CLASS_2 = 2, /* the same, asynchronous */
	ROSE_CLASS_3 = 3, /* reports errors only */
	ROSE_CLASS_4 = 4, /* reports results only */
	ROSE_CLASS_5 = 5, /* reports nothing */
};

enum rose_association_class { /* X.219 7: who may invoke */
	ROSE_INITIATOR_INVOKES = 1,
	ROSE_RESPONDER_INVOKES = 2,
	ROSE_BOTH_INVOKE = 3,
};

enum rose_problem_class { /* X.229 9, tags of the problem in RORJ */
	ROSE_GENERAL = 0,
	ROSE_INVOKE = 1,
	ROSE_RETURN_RESULT = 2,
	ROSE_RETURN_ERROR = 3,
};

enum rose_general_problem {
	ROSE_UNRECOGNIZED_APDU = 0,
	ROSE_MISTYPED_APDU = 1,
	ROSE_BADLY_STRUCTURED_APDU = 2,
};

enum rose_invoke_problem {
	ROSE_DUPLICATE_INVOCATION = 0,
	ROSE_UNRECOGNIZED_OPERATION = 1,
	ROSE_MISTYPED_ARGUMENT = 2,
	ROSE_RESOURCE_LIMITATION = 3,
	ROSE_INITIATOR_RELEASING = 4,
	ROSE_UNRECOGNIZED_LINKED_ID = 5,
	ROSE_LINKED_RESPONSE_UNEXPECTED = 6,
	ROSE_UNEXPECTED_CHILD_OPERATION = 7,
};

enum rose_return_result_problem {
	ROSE_RESULT_UNRECOGNIZED_INVOCATION = 0,
	ROSE_RESULT_RESPONSE_UNEXPECTED = 1,
	ROSE_MISTYPED_RESULT = 2,
};

enum rose_return_error_problem {
	ROSE_ERROR_UNRECOGNIZED_INVOCATION = 0,
	ROSE_ERROR_RESPONSE_UNEXPECTED = 1,
	ROSE_UNRECOGNIZED_ERROR = 2,
	ROSE_UNEXPECTED_ERROR = 3,
	ROSE_MISTYPED_PARAMETER = 4,
};

/* An operation or error: `global` (dotted OID), or `local` when that is NULL. */
struct rose_code {
	const char *global;
	int32_t local;
};

/* The tables outlive the engine. */
struct rose_operation {
	const char *name; /* for traces and errors */
	struct rose_code code;
	enum rose_class class;
	const struct rose_code *errors; /* that it may report */
	size_t n_errors;
	const struct rose_code *linked; /* child operations; none: n == 0 */
	size_t n_linked;
};

enum rose_event_type {
	ROSE_BIND_IND,     /* responder: rose_bind_accept() or _refuse() */
	ROSE_BIND_CNF,     /* initiator: bound; value is the bind result */
	ROSE_BIND_REFUSED, /* initiator: value is the bind error, if there is
	                    * one. Nothing follows. */
	ROSE_INVOKED,      /* by the peer */
	ROSE_RESULT,       /* of ours */
	ROSE_ERROR,        /* of ours */
	ROSE_REJECTED,     /* of ours, by the peer; also answers of ours
	                    * (request NULL), and what no longer is open */
	ROSE_LOST,         /* of ours: it could not be sent, or the
	                    * association ended (RO-REJECT-P). err. */
	ROSE_ANSWER_LOST,  /* an answer of ours could not be sent: `id`, err */
	ROSE_UNBIND_IND,   /* the peer released; answered. Nothing follows. */
	ROSE_UNBIND_CNF,   /* our unbind is done. Nothing follows. */
	ROSE_ABORTED,      /* err. Nothing follows. */
};

struct rose_event {
	enum rose_event_type type;
	int32_t id;    /* INVOKED: the peer's; RESULT, ERROR, ...: ours */
	void *request; /* ours: struct rose_invocation.user */
	const struct rose_operation *operation;
	bool linked; /* INVOKED: child of our invocation with... */
	int32_t linked_id;
	void *linked_request;   /* ... this user pointer */
	struct rose_code error; /* ERROR */
	struct octets value;    /* argument, result, parameter, bind data */
	enum rose_problem_class problem_class; /* REJECTED */
	int problem;
	const struct rtse_event *rtse; /* BIND_*: over RTSE */
	const struct acse_prim *acse;  /* BIND_*: over presentation */
	const struct err *err;
};

typedef void rose_event_fn(void *user, const struct rose_event *ev);

struct rose_params {
	enum rose_carrier carrier;
	/* Over presentation, of these only pres, apdu_syntax and
	 * application_context count (requirements 0: duplex). */
	struct rtse_params stack;
	const struct rose_operation *operations;
	size_t n_operations;
	enum rose_association_class class; /* 0: both invoke */
	size_t max_invoked;  /* open at a time by the peer; 0: 16 */
	size_t max_invoking; /* open at a time by us; 0: 16 */
	size_t max_apdu;     /* octets, both ways; 0: 1 MiB */
	int turn_priority;   /* of turn please over RTSE; 0 is the highest */
};

struct rose;
struct rose *rose_new(
    const struct rose_params *p, rose_event_fn *fn, void *user, msec_t now);
void rose_free(struct rose **r);

/* Initiator: the bind argument, one encoded value. */
int rose_bind(struct rose *r, const struct octets *argument, struct err *e)
    __attribute__((warn_unused_result));
/* Responder, after BIND_IND. */
int rose_bind_accept(struct rose *r, const struct octets *result, struct err *e)
    __attribute__((warn_unused_result));
int rose_bind_refuse(struct rose *r, const struct octets *error, struct err *e)
    __attribute__((warn_unused_result));
/* Initiator: no more invocations; when what waits is sent, and the turn is
 * here, the association is released. */
int rose_unbind(struct rose *r, struct err *e)
    __attribute__((warn_unused_result));
/* No event follows, of invocations neither. */
void rose_abort(struct rose *r, const char *why);

struct rose_invocation {
	struct rose_code code;
	struct octets argument; /* n == 0: none; copied */
	void *user;
	bool linked; /* child of the peer's invocation linked_id */
	int32_t linked_id;
};

/* Invokes; returns 0 and the id allotted. */
int rose_invoke(struct rose *r, const struct rose_invocation *q, int32_t *id,
    struct err *e) __attribute__((warn_unused_result));
/* Ends an invocation of ours of class 3, 4 or 5 that will not be answered. */
int rose_forget(struct rose *r, int32_t id, struct err *e);

/* Answers to the peer's invocation `id`; which its class must allow. */
int rose_result(struct rose *r, int32_t id, const struct octets *result,
    struct err *e) __attribute__((warn_unused_result));
int rose_error(struct rose *r, int32_t id, const struct rose_code *code,
    const struct octets *parameter, struct err *e)
    __attribute__((warn_unused_result));
/* Without an answer: class 3 succeeded, 4 failed. */
int rose_done(struct rose *r, int32_t id, struct err *e)
    __attribute__((warn_unused_result));
/* ROSE_INVOKE: the peer's invocation `id` is not performed; ROSE_RETURN_*: what
 * came as answer to ours is mistyped (during or after its event). */
int rose_reject(struct rose *r, int32_t id, enum rose_problem_class class,
    int problem, struct err *e) __attribute__((warn_unused_result));

bool rose_is_bound(const struct rose *r);
size_t rose_open_invoking(const struct rose *r);
size_t rose_open_invoked(const struct rose *r);
const char *rose_problem_text(enum rose_problem_class class, int problem);
struct acse *rose_acse(struct rose *r);
struct rtse *rose_rtse(struct rose *r); /* NULL over presentation */

/* For conn_new(): the engine is the struct rose. */
extern const struct engine_ops rose_engine_ops;

#endif
