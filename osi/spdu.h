/*
 * Session protocol data units (X.225 8): their parameters as a table, and
 * pure functions between octets and struct spdu. A parameter is kept as the
 * octets of its value, so that what was read can be written again unchanged;
 * accessors give numbers. A struct spdu points into the octets it was read
 * from.
 */
#ifndef OSI_SPDU_H
#define OSI_SPDU_H

#include "osi/ses.h"

/* Octets of a whole SPDU, its SI and LI included (X.225 8.2.5). */
#define SPDU_MAX 65539
#define SPDU_LI_MAX 65535
#define SPDU_USER_DATA_V1 512  /* version 1, all but DT and TD */
#define SPDU_CN_DATA_MAX 10240 /* version 2: CN; more overflows */
#define SPDU_SERIAL_MAX 999999 /* X.225 A.5.4: six digits */
#define SPDU_REFLECT_MAX 9

enum spdu_type {
	SPDU_NONE,
	SPDU_CN,  /* CONNECT */
	SPDU_OA,  /* OVERFLOW ACCEPT */
	SPDU_CDO, /* CONNECT DATA OVERFLOW */
	SPDU_AC,  /* ACCEPT */
	SPDU_RF,  /* REFUSE */
	SPDU_FN,  /* FINISH */
	SPDU_DN,  /* DISCONNECT */
	SPDU_NF,  /* NOT FINISHED */
	SPDU_AB,  /* ABORT */
	SPDU_AA,  /* ABORT ACCEPT */
	SPDU_DT,  /* DATA TRANSFER */
	SPDU_TD,  /* TYPED DATA */
	SPDU_GT,  /* GIVE TOKENS */
	SPDU_PT,  /* PLEASE TOKENS */
	SPDU_GTC, /* GIVE TOKENS CONFIRM */
	SPDU_GTA, /* GIVE TOKENS ACK */
	SPDU_MIP, /* MINOR SYNC POINT */
	SPDU_MIA, /* MINOR SYNC ACK */
	SPDU_ER,  /* EXCEPTION REPORT */
	SPDU_ED,  /* EXCEPTION DATA */
	SPDU_AS,  /* ACTIVITY START */
	SPDU_AR,  /* ACTIVITY RESUME */
	SPDU_AI,  /* ACTIVITY INTERRUPT */
	SPDU_AIA, /* ACTIVITY INTERRUPT ACK */
	SPDU_AD,  /* ACTIVITY DISCARD */
	SPDU_ADA, /* ACTIVITY DISCARD ACK */
	SPDU_AE,  /* ACTIVITY END (on the wire a MAP without sync type) */
	SPDU_AEA, /* ACTIVITY END ACK; spdu_parse() calls a MAA so too */
	SPDU_MAP, /* MAJOR SYNC POINT */
	SPDU_MAA, /* MAJOR SYNC ACK (on the wire the same as AEA) */
	SPDU_CD,  /* CAPABILITY DATA */
	SPDU_CDA, /* CAPABILITY DATA ACK */
	SPDU_TYPES,
};

/* Every parameter we know; a PI is named with its group, as the activity
 * identifier of AR stands both inside and outside the linking information. */
enum spdu_par {
	SPDU_CALLED_REF, /* of PGI connection identifier */
	SPDU_CALLING_REF,
	SPDU_COMMON_REF,
	SPDU_ADDITIONAL_REF,
	SPDU_PROTOCOL_OPTIONS, /* of PGI connect/accept item */
	SPDU_TSDU_MAX,
	SPDU_VERSION,
	SPDU_INITIAL_SERIAL,
	SPDU_TOKEN_SETTING,
	SPDU_SECOND_INITIAL_SERIAL, /* these four are of symmetric synchronize */
	SPDU_UPPER_LIMIT_SERIAL,    /* and of serial numbers above six digits */
	SPDU_LARGE_INITIAL_SERIAL,
	SPDU_LARGE_SECOND_SERIAL,
	SPDU_LINK_CALLED_REF, /* of PGI linking information */
	SPDU_LINK_CALLING_REF,
	SPDU_LINK_COMMON_REF,
	SPDU_LINK_ADDITIONAL_REF,
	SPDU_LINK_ACTIVITY,
	SPDU_LINK_SERIAL,
	SPDU_SYNC_TYPE, /* PIs of their own */
	SPDU_TOKENS,
	SPDU_TRANSPORT_DISCONNECT,
	SPDU_REQUIREMENTS,
	SPDU_ENCLOSURE,
	SPDU_ACTIVITY,
	SPDU_SERIAL,
	SPDU_REFLECT,
	SPDU_REASON,
	SPDU_CALLING_SSEL,
	SPDU_CALLED_SSEL, /* AC: responding */
	SPDU_OVERFLOW,
	SPDU_USER_DATA, /* PGIs whose value is user data */
	SPDU_EXTENDED_DATA,
	SPDU_PARS,
};

enum spdu_enclosure { SPDU_BEGIN = 1, SPDU_END = 2 };

enum spdu_transport_disconnect { /* X.225 8.3.9.2 */
	SPDU_TC_RELEASED = 0x01,
	SPDU_TD_USER_ABORT = 0x02,
	SPDU_TD_PROTOCOL_ERROR = 0x04,
	SPDU_TD_NO_REASON = 0x08,
	SPDU_TD_RESTRICTION = 0x10,
};

struct spdu {
	enum spdu_type type;
	uint64_t present; /* 1 << enum spdu_par */
	struct octets par[SPDU_PARS];
	struct octets info; /* DT, TD: user information after the header */
};

/* The place of an SPDU in a TSDU tells GT from DT and AB from AI: the first
 * is of category 0 or 1, the second of category 2 (X.225 6.3.7). */
enum spdu_place { SPDU_FIRST, SPDU_SECOND };

/* "session CN" for traces. */
const char *spdu_name(enum spdu_type type);
/* "Session User Requirements" */
const char *spdu_par_name(enum spdu_par par);
/* 0, 1 or 2: how it may be concatenated (X.225 6.3.7). */
int spdu_category(enum spdu_type type);
/* The type that SI code `si` has at this place; SPDU_NONE if none that we
 * support. A MAP has the SI of AE, and a MAA that of AEA. */
enum spdu_type spdu_type_of(uint8_t si, enum spdu_place place);

/* Looks at the first octets of an SPDU. Returns the octets of SI, LI and
 * parameters together when known (2..SPDU_MAX), else 0. */
size_t spdu_length(const uint8_t *p, size_t n);
/* Reads SI, LI and parameters, of exactly n octets; user information of DT
 * and TD is what follows. Unknown parameters are passed over in a CN (X.225
 * 8.2.7) and refused elsewhere. Offsets in `e` count from p. */
int spdu_parse(const uint8_t *p, size_t n, enum spdu_place place,
    struct spdu *out, struct err *e);
/* Appends the SPDU with its user information. ERR_LIMIT when a length
 * does not fit; nothing is appended then. */
int spdu_build(const struct spdu *s, struct buf *out, struct err *e)
    __attribute__((warn_unused_result));
/* How many octets spdu_build() would append, less its user information. */
size_t spdu_size(const struct spdu *s);

bool spdu_has(const struct spdu *s, enum spdu_par par);
/* Big-endian number of up to four octets. */
uint32_t spdu_number(
    const struct spdu *s, enum spdu_par par, uint32_t if_absent);
/* Serial numbers are decimal digits; the parser has checked them. */
uint32_t spdu_serial(
    const struct spdu *s, enum spdu_par par, uint32_t if_absent);
void spdu_set(struct spdu *s, enum spdu_par par, const uint8_t *p, size_t n);

#endif
