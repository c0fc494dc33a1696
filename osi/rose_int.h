/*
 * The inside of ROSE, shared by rose.c (operations), rose_table.c (invocations
 * and what waits to be sent), rose_rtse.c and rose_pres.c (the two carriers).
 */
#ifndef OSI_ROSE_INT_H
#define OSI_ROSE_INT_H

#include "osi/rose_codec.h"

#define ROSE_LAYER "rose"

/* Octets that wait for the socket over presentation; what is more waits as
 * APDUs. */
#define ROSE_OUTPUT_MAX (256 * 1024)

enum rose_state {
	ROSE_UNBOUND,
	ROSE_WAIT_BIND_CNF,
	ROSE_WAIT_BIND_RSP, /* our user has to answer the bind */
	ROSE_BOUND,
	ROSE_RELEASING, /* unbind asked for by our user */
	ROSE_CLOSED,    /* nothing follows */
};

struct rose_slot { /* an invocation that is open */
	bool open;
	int32_t id;
	const struct rose_operation *operation;
	void *user; /* ours */
};

struct rose_out { /* an APDU that waits, or is being sent */
	struct rose_out *next;
	struct buf apdu;
	enum rose_apdu_type type;
	int32_t id;
};

/* What the carriers do; errors of requests are their callers' to report. */
struct rose_carrier_ops {
	int (*bind)(struct rose *r, const struct octets *v, struct err *e);
	int (*accept)(struct rose *r, const struct octets *v, struct err *e);
	int (*refuse)(struct rose *r, const struct octets *v, struct err *e);
	/* Sends what waits as far as it can be sent now, then releases when
	 * that was asked for. */
	void (*flush)(struct rose *r);
	void (*abort)(struct rose *r, const char *why);
	struct cotp *(*cotp)(struct rose *r);
};

struct rose {
	struct rose_params params;
	const struct rose_carrier_ops *carrier;
	rose_event_fn *fn;
	void *user;
	enum rose_state state;
	struct rtse *rtse; /* over RTSE */
	struct acse *acse; /* over presentation */
	int32_t context;   /* ... of our APDUs there */
	struct rose_slot *ours, *theirs;
	int32_t last_id;
	struct rose_out *head, **tail;
	size_t n_out;
	size_t sent;     /* octets of the first that the carrier took */
	bool sending;    /* it is being sent */
	bool asked;      /* for the turn */
	bool peer_waits; /* for the turn */
	bool releasing;  /* the release itself was sent */
	bool flushing;
	struct buf in; /* the APDU that arrives */
};

/* rose_receive.c */
void rose_take_apdu(struct rose *r, const uint8_t *p, size_t n);

/* rose.c */
/* The classes that have each kind of answer. */
extern const bool rose_reports_result[], rose_reports_error[];
void rose_emit(struct rose *r, const struct rose_event *ev);
bool rose_are_initiator(const struct rose *r);
/* Without a parent one may invoke only as the association class has it. */
bool rose_may_invoke(const struct rose *r, bool initiator);
/* May answers still go out? */
bool rose_is_open(const struct rose *r);
/* id NULL: of what had none. */
int rose_send_reject(struct rose *r, const int32_t *id,
    enum rose_problem_class class, int problem, struct err *e);
void rose_bind_ind(struct rose *r, struct rose_event *ev);
void rose_bind_cnf(struct rose *r, struct rose_event *ev);
void rose_trace(
    const struct rose *r, bool sent, const char *what, const char *detail);
/* The association is over: what is open is lost, then this event. */
void rose_finish(
    struct rose *r, enum rose_event_type type, const struct err *why);

/* rose_table.c */
const struct rose_operation *rose_operation_of(
    const struct rose *r, const struct rose_code *code);
bool rose_code_in(
    const struct rose_code *v, size_t n, const struct rose_code *code);
bool rose_error_known(const struct rose *r, const struct rose_code *code);
struct rose_slot *rose_slot_of(struct rose_slot *v, size_t n, int32_t id);
/* A free one, or NULL. */
struct rose_slot *rose_slot_free(struct rose_slot *v, size_t n);
struct rose_slot *rose_ours(struct rose *r, int32_t id);
struct rose_slot *rose_theirs(struct rose *r, int32_t id);
int32_t rose_allot_id(struct rose *r);
/* Encodes and puts it behind what waits; ERR_LIMIT: too long. */
int rose_enqueue(struct rose *r, const struct rose_apdu *u, struct err *e);
/* The first APDU is sent, or (why) cannot be. */
void rose_sent(struct rose *r, const struct err *why);
void rose_drop_all(struct rose *r);
void rose_lose(struct rose *r, struct rose_slot *s, const struct err *why);

extern const struct rose_carrier_ops rose_over_rtse, rose_over_presentation;
void rose_rtse_new(struct rose *r, msec_t now);
void rose_pres_new(struct rose *r, msec_t now);

#endif
