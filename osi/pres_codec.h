/*
 * The presentation PPDUs of connect and abort (X.226 8.4 and Annex B) as
 * plain structures, and user data as a list of values.
 *
 * Decoders copy everything into the arena they are given; encoders append
 * definite-length octets to `out` and fail only on a context's abstract
 * syntax that is no dotted OID. Errors: ERR_SYNTAX, ERR_LIMIT,
 * ERR_UNSUPPORTED.
 */
#ifndef OSI_PRES_CODEC_H
#define OSI_PRES_CODEC_H

#include "osi/pres.h"

#define PRES_VALUES_MAX 32 /* PDV-lists in the user data of one PPDU */
#define PRES_BER "2.1.1"   /* the one transfer syntax */

enum pres_abort_reason { /* X.226 Abort-reason of an ARP */
	PRES_ABORT_NOT_SPECIFIED = 0,
	PRES_ABORT_UNRECOGNIZED_PPDU = 1,
	PRES_ABORT_UNEXPECTED_PPDU = 2,
	PRES_ABORT_UNEXPECTED_PRIMITIVE = 3,
	PRES_ABORT_UNRECOGNIZED_PARAMETER = 4,
	PRES_ABORT_UNEXPECTED_PARAMETER = 5,
	PRES_ABORT_INVALID_PARAMETER = 6,
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
	bool x410_mode; /* only values then */
	struct osi_sel calling, called;
	const struct pres_proposal *contexts;
	size_t n_contexts;
	struct pres_values values;
};

/* CPA and CPR: the results stand in the order of the proposals. */
struct pres_answer {
	bool x410_mode; /* only values then */
	struct osi_sel responding;
	const struct pres_context *results; /* id and syntax are not in it */
	size_t n_results;
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
void pres_user_data_encode(const struct pres_values *v, struct buf *out);

/* The header of a PDV-list with one single-ASN1-type value of `total` octets
 * (definite), or of unknown length (0: indefinite, to be ended by
 * pres_pdv_trailer()). X.226 8.4.2 */
void pres_pdv_header(int32_t context, uint64_t total, struct buf *out);
void pres_pdv_trailer(struct buf *out);

#endif
