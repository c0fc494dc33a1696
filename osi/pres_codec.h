/*
 * The presentation PPDUs of connect and abort (X.226 8.4 and Annex B) as
 * plain structures, and user data as a list of values.
 *
 * Decoders copy everything into the arena they are given (pres_read.h tells
 * what their errors say); encoders append
 * definite-length octets to `out` and fail only on a context's abstract
 * syntax that is no dotted OID. Errors: ERR_SYNTAX, ERR_LIMIT,
 * ERR_UNSUPPORTED.
 */
#ifndef OSI_PRES_CODEC_H
#define OSI_PRES_CODEC_H

#include "osi/pres.h"

#define PRES_VALUES_MAX 32          /* PDV-lists in the user data of one PPDU */
#define PRES_PROPOSALS_MAX 128      /* contexts proposed in one CP */
#define PRES_VERSION_1 0x8000       /* the bit of protocol-version */
#define PRES_DETAIL_USER_DATA 0x100 /* err.detail: it was the user data */
#define PRES_BER "2.1.1"            /* the one transfer syntax */

enum pres_abort_reason { /* X.226 Abort-reason of an ARP */
	PRES_ABORT_NOT_SPECIFIED = 0,
	PRES_ABORT_UNRECOGNIZED_PPDU = 1,
	PRES_ABORT_UNEXPECTED_PPDU = 2,
	PRES_ABORT_UNEXPECTED_PRIMITIVE = 3,
	PRES_ABORT_UNRECOGNIZED_PARAMETER = 4,
	PRES_ABORT_UNEXPECTED_PARAMETER = 5,
	PRES_ABORT_INVALID_PARAMETER = 6,
};

/* X.226 Event-identifier: what had come when an ARP was sent. */
enum pres_event {
	PRES_EVENT_NONE = -1,
	PRES_EVENT_CP = 0,
	PRES_EVENT_CPA = 1,
	PRES_EVENT_CPR = 2,
	PRES_EVENT_ARU = 3,
	PRES_EVENT_ARP = 4,
	PRES_EVENT_AC = 5,
	PRES_EVENT_ACA = 6,
	PRES_EVENT_TD = 7,
	PRES_EVENT_TTD = 8,
	PRES_EVENT_TE = 9,
	PRES_EVENT_TC = 10,
	PRES_EVENT_TCC = 11,
	PRES_EVENT_RS = 12,
	PRES_EVENT_RSA = 13,
	PRES_EVENT_RELEASE_IND = 14,
	PRES_EVENT_RELEASE_CNF = 15,
	PRES_EVENT_TOKEN_GIVE_IND = 16,
	PRES_EVENT_TOKEN_PLEASE_IND = 17,
	PRES_EVENT_CONTROL_GIVE_IND = 18,
	PRES_EVENT_SYNC_MINOR_IND = 19,
	PRES_EVENT_SYNC_MINOR_CNF = 20,
	PRES_EVENT_SYNC_MAJOR_IND = 21,
	PRES_EVENT_SYNC_MAJOR_CNF = 22,
	PRES_EVENT_P_EXCEPTION_IND = 23,
	PRES_EVENT_U_EXCEPTION_IND = 24,
	PRES_EVENT_ACTIVITY_START_IND = 25,
	PRES_EVENT_ACTIVITY_RESUME_IND = 26,
	PRES_EVENT_ACTIVITY_INTERRUPT_IND = 27,
	PRES_EVENT_ACTIVITY_INTERRUPT_CNF = 28,
	PRES_EVENT_ACTIVITY_DISCARD_IND = 29,
	PRES_EVENT_ACTIVITY_DISCARD_CNF = 30,
	PRES_EVENT_ACTIVITY_END_IND = 31,
	PRES_EVENT_ACTIVITY_END_CNF = 32,
	PRES_EVENTS,
};

enum pres_refuse_reason {      /* X.226 Provider-reason of a CPR */
	PRES_REFUSE_NONE = -1, /* refused by the user */
	PRES_REFUSE_NOT_SPECIFIED = 0,
	PRES_REFUSE_CONGESTION = 1,
	PRES_REFUSE_LOCAL_LIMIT = 2,
	PRES_REFUSE_ADDRESS_UNKNOWN = 3,
	PRES_REFUSE_VERSION = 4,
	PRES_REFUSE_DEFAULT_CONTEXT = 5,
	PRES_REFUSE_USER_DATA = 6,
	PRES_REFUSE_NO_PSAP = 7,
};

/* context_id 0: simply encoded, so of the one context that there is. */
struct pres_values {
	const struct pres_value *v;
	size_t n;
};

/* One item of CP's context definition list. */
struct pres_proposal {
	int32_t id;
	const char *abstract_syntax;
	bool ber; /* 2.1.1 is among the transfer syntaxes (decoding) */
};

struct pres_cp {
	bool x410_mode;     /* only values then */
	bool other_version; /* protocol-version is without version 1 */
	bool simple;        /* encoding: simply encoded data */
	struct osi_sel calling, called;
	const struct pres_proposal *contexts;
	size_t n_contexts;
	const char *default_context; /* its abstract syntax; NULL: none */
	bool default_ber; /* ... and BER is its transfer syntax (decoding) */
	uint16_t requirements; /* functional units of presentation */
	struct pres_values values;
};

/* CPA and CPR: the results stand in the order of the proposals. */
struct pres_answer {
	bool x410_mode;             /* only values then */
	bool other_version, simple; /* as in a CP */
	struct osi_sel responding;
	const struct pres_context *results; /* id and syntax are not in it */
	size_t n_results;
	uint16_t requirements;
	bool has_default_result; /* CPR */
	enum pres_result default_result;
	int provider_reason; /* CPR: enum pres_refuse_reason */
	struct pres_values values;
};

struct pres_abort {
	bool provider; /* ARP, else ARU */
	bool x410_mode;
	int reason; /* ARP: enum pres_abort_reason */
	int event;  /* ARP: event identifier, -1 absent */
	struct pres_values values;
};

int pres_cp_decode(struct arena *a, const uint8_t *p, size_t n,
    struct pres_cp *out, struct err *e);
int pres_cpa_decode(struct arena *a, const uint8_t *p, size_t n,
    struct pres_answer *out, struct err *e);
int pres_cpr_decode(struct arena *a, const uint8_t *p, size_t n,
    struct pres_answer *out, struct err *e);
int pres_abort_decode(struct arena *a, const uint8_t *p, size_t n,
    struct pres_abort *out, struct err *e);
/* User-data alone: release, and session primitives with user data. */
int pres_user_data_decode(struct arena *a, const uint8_t *p, size_t n,
    struct pres_values *out, struct err *e);

int pres_cp_encode(const struct pres_cp *c, struct buf *out, struct err *e);
int pres_cpa_encode(
    const struct pres_answer *c, struct buf *out, struct err *e);
int pres_cpr_encode(
    const struct pres_answer *c, struct buf *out, struct err *e);
void pres_aru_encode(const struct pres_values *v, struct buf *out);
void pres_arp_encode(int reason, int event, struct buf *out);
void pres_user_data_encode(
    const struct pres_values *v, bool simple, struct buf *out);

/* The header of a PDV-list with one single-ASN1-type value of `total` octets
 * (definite), or of unknown length (0: indefinite, to be ended by
 * pres_pdv_trailer()). X.226 8.4.2 */
void pres_pdv_header(int32_t context, uint64_t total, struct buf *out);
void pres_pdv_trailer(struct buf *out);
/* The same for one simply encoded value; of unknown length: its octets go as
 * OCTET STRINGs. X.226 8.4.1 */
void pres_simple_header(uint64_t total, struct buf *out);
void pres_simple_trailer(struct buf *out);

#endif
