/*
 * Session (X.225 / ISO 8327-1, versions 1 and 2): kernel, half-duplex and
 * duplex, negotiated release, minor and major synchronize, activity
 * management, capability data, typed data, exceptions. What is left out
 * (expedited data, resynchronize, symmetric synchronize, data separation) is
 * never proposed and never selected.
 *
 * One struct describes a service primitive in both directions: the user gives
 * requests and responses to ses_request(), and gets indications and
 * confirmations by its callback. The machine is the state table of X.225
 * Annex A.
 */
#ifndef OSI_SES_H
#define OSI_SES_H

#include "osi/cotp.h"

/* Functional units as the Session User Requirements parameter has them
 * (X.225 8.3.1.16). */
enum ses_fu {
	SES_FU_HALF_DUPLEX = 0x0001,
	SES_FU_DUPLEX = 0x0002,
	SES_FU_EXPEDITED = 0x0004,
	SES_FU_MINOR_SYNC = 0x0008,
	SES_FU_MAJOR_SYNC = 0x0010,
	SES_FU_RESYNC = 0x0020,
	SES_FU_ACTIVITY = 0x0040,
	SES_FU_NEGOTIATED_RELEASE = 0x0080,
	SES_FU_CAPABILITY = 0x0100,
	SES_FU_EXCEPTIONS = 0x0200,
	SES_FU_TYPED_DATA = 0x0400,
};
/* What this session engine can do. */
#define SES_FU_ALL ((uint16_t)(0x07ff & ~(SES_FU_EXPEDITED | SES_FU_RESYNC)))
#define SES_FU_RTSE                                                 \
	(SES_FU_HALF_DUPLEX | SES_FU_MINOR_SYNC | SES_FU_ACTIVITY | \
	    SES_FU_EXCEPTIONS) /* 0x0249 */

enum ses_token {
	SES_TOKEN_DATA = 0x01,
	SES_TOKEN_MINOR = 0x04,
	SES_TOKEN_MAJOR = 0x10, /* major/activity */
	SES_TOKEN_RELEASE = 0x40,
};

enum ses_prim_type {
	SES_CONNECT,         /* req ind rsp cnf; `accepted` in rsp, cnf */
	SES_DATA,            /* req ind; fragments, `last` ends the SSDU */
	SES_TOKEN_GIVE,      /* req ind; tokens */
	SES_TOKEN_PLEASE,    /* req ind; tokens, user data */
	SES_CONTROL_GIVE,    /* req ind; all tokens (GTC, acknowledged GTA) */
	SES_SYNC_MINOR,      /* req ind rsp cnf; serial, explicit */
	SES_ACTIVITY_START,  /* req ind; activity_id */
	SES_ACTIVITY_RESUME, /* req ind; activity_id, old_*, serial */
	SES_ACTIVITY_INTERRUPT, /* req ind rsp cnf; reason */
	SES_ACTIVITY_DISCARD,   /* req ind rsp cnf; reason */
	SES_ACTIVITY_END,       /* req ind rsp cnf; serial */
	SES_U_EXCEPTION,        /* req ind; reason */
	SES_P_EXCEPTION,        /* ind; reason */
	SES_RELEASE,            /* req ind rsp cnf; `accepted` */
	SES_U_ABORT,            /* req ind; user data */
	SES_P_ABORT,            /* ind; err says why. Nothing follows. */
	SES_TYPED_DATA,         /* req ind; fragments as SES_DATA, no token */
	SES_SYNC_MAJOR,         /* req ind rsp cnf; serial */
	SES_CAPABILITY_DATA,    /* req ind rsp cnf; outside of activities */
};

enum ses_prim_kind { SES_REQ, SES_IND, SES_RSP, SES_CNF };

/* Reasons of activity interrupt/discard and exceptions (X.225 8.3.21 ...). */
enum ses_reason {
	SES_REASON_NON_SPECIFIC = 0,
	SES_REASON_RECEIVING_ABILITY = 1,
	SES_REASON_SEQUENCE = 3,
	SES_REASON_LOCAL_ERROR = 5,
	SES_REASON_UNRECOVERABLE = 6,
	SES_REASON_DEMAND_TOKEN = 128,
};

/* Refusal reasons (X.225 8.3.5.8, first octet). */
enum ses_refuse {
	SES_REFUSE_USER = 0,
	SES_REFUSE_CONGESTION = 1,
	SES_REFUSE_USER_DATA = 2, /* rejected by called user, with data */
	SES_REFUSE_SSEL_UNKNOWN = 0x81,
	SES_REFUSE_NOT_ATTACHED = 0x82,
	SES_REFUSE_SPM_CONGESTION = 0x83,
	SES_REFUSE_VERSION = 0x84,
	SES_REFUSE_SPM = 0x85,
	SES_REFUSE_IMPLEMENTATION = 0x86,
};

/* Session connection identifier (X.225 8.3.1.4); octets as on the wire. In
 * a CN `user` is the calling SS-user reference; the AC echoes it as the
 * called one. n == 0: not present. */
struct ses_conn_id {
	uint8_t user_n, common_n, add_n;
	uint8_t user[64], common[64], add[4];
};

struct ses_prim {
	enum ses_prim_type type;
	enum ses_prim_kind kind;
	const uint8_t *data; /* user data; valid during the call */
	size_t n;
	bool last;             /* SES_DATA: ends the SSDU (true elsewhere) */
	bool accepted;         /* CONNECT, RELEASE rsp and cnf */
	bool explicit_confirm; /* SYNC_MINOR: confirmation asked for */
	uint8_t reason;  /* enum ses_reason, or enum ses_refuse in CONNECT */
	uint8_t tokens;  /* enum ses_token bits */
	uint32_t serial; /* synchronization point serial number */
	uint8_t activity_id_n, old_activity_id_n;
	uint8_t activity_id[6], old_activity_id[6];
	struct ses_conn_id old_conn_id; /* ACTIVITY_RESUME */
	const struct err *err;          /* P_ABORT */
};

/* "ACTIVITY-START", "indication": with the letter of a layer before it, the
 * name of a service primitive. */
const char *ses_service_name(enum ses_prim_type type);
const char *ses_kind_name(enum ses_prim_kind kind);

typedef void ses_prim_fn(void *user, const struct ses_prim *p);

/* A responder finds here after SES_CONNECT.ind what the CN said (called,
 * calling, conn_id, token_setting); an initiator after the confirm what the
 * AC said (responding). A responder whose `called` is given refuses others. */
struct ses_params {
	struct cotp_params cotp;
	struct osi_sel called, calling, responding; /* SSELs */
	uint16_t requirements;   /* enum ses_fu bits proposed, or allowed */
	uint8_t token_setting;   /* initiator: bits 0 = initiator's side */
	uint32_t initial_serial; /* absent with activity management */
	struct ses_conn_id conn_id;
	/* TSDU maximum sizes that we propose, or the greatest that we select,
	 * in octets for each direction; 0: no segmenting of our own accord */
	uint16_t tsdu_send, tsdu_receive;
	/* We can receive several SPDUs of category 2 in one TSDU, and say so
	 * (X.225 6.3.7: extended concatenation). We never send them. */
	bool extended_concatenation;
	/* A peer's SPDU that the state does not allow is answered with an ER
	 * where X.225 7.27 has it, and not with an AB: the peer may recover. */
	bool report_errors;
};

/* One end of a session connection; owns its transport connection. Callbacks
 * may call ses_request(), not ses_free(). Octets go in by cotp_input() on
 * ses_cotp() and come out of cotp_output(). */
struct ses;
struct ses *ses_new(
    const struct ses_params *p, ses_prim_fn *fn, void *user, msec_t now);
void ses_free(struct ses **s);
/* A request or response. ERR_PROTOCOL when the state does not allow it (our
 * caller's bug or a race with the peer): nothing is sent then. ERR_LIMIT when
 * user data is longer than the protocol version can carry. The serial number of
 * SYNC_MINOR.req, SYNC_MAJOR.req and ACTIVITY_END.req is assigned here when it
 * is given as 0. An S-DATA.req that was begun must be ended before other
 * requests; activity interrupt and discard, token give after an exception, and
 * abort cut it off. */
int ses_request(struct ses *s, const struct ses_prim *p, struct err *e)
    __attribute__((warn_unused_result));
/* Tokens this side holds now; negotiated requirements and version. */
uint8_t ses_tokens(const struct ses *s);
uint16_t ses_requirements(const struct ses *s);
int ses_version(const struct ses *s);
const struct ses_params *ses_params(const struct ses *s);
struct cotp *ses_cotp(struct ses *s);
/* Timers of session and transport: clock_mono() at which ses_timeout() wants
 * to be called, or MSEC_NEVER. A time that is past means "now". */
msec_t ses_deadline(const struct ses *s);
void ses_timeout(struct ses *s, msec_t now);

#endif
