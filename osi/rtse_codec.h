/*
 * The RTSE APDUs of opening, turn and abort (X.228 9), and the EXTERNAL that
 * wraps an APDU being transferred in normal mode.
 *
 * Decoders copy user data into the arena and bring sizes into their range;
 * encoders append definite-length octets. RTTR has no decoder here: it is an
 * OCTET STRING that streams (rtse_receive.c).
 */
#ifndef OSI_RTSE_CODEC_H
#define OSI_RTSE_CODEC_H

#include "asn1/ber.h"
#include "osi/rtse.h"

#define RTSE_CHECKPOINT_MAX 65536 /* kilo-octets that we negotiate at most */
#define RTSE_WINDOW_MAX 255
#define RTSE_WINDOW_DEFAULT 3

enum rtse_abort_reason { /* X.228 AbortReason */
	RTSE_ABORT_LOCAL_PROBLEM = 0,
	RTSE_ABORT_INVALID_PARAMETER = 1,
	RTSE_ABORT_UNRECOGNIZED_ACTIVITY = 2,
	RTSE_ABORT_TEMPORARY = 3,
	RTSE_ABORT_PROTOCOL_ERROR = 4,
	RTSE_ABORT_PERMANENT = 5,
	RTSE_ABORT_USER = 6,
	RTSE_ABORT_COMPLETED = 7,
};

enum rtse_refuse_reason { /* X.228 RefuseReason, X.410 mode only */
	RTSE_REFUSE_BUSY = 0,
	RTSE_REFUSE_CANNOT_RECOVER = 1,
	RTSE_REFUSE_VALIDATION_FAILURE = 2,
	RTSE_REFUSE_DIALOGUE_MODE = 3,
};

struct rtse_open {                   /* RTORQ and RTOAC */
	uint32_t checkpoint_size;    /* kilo-octets; 0: none */
	uint32_t window_size;        /* 1.. */
	enum rtse_dialogue dialogue; /* RTORQ */
	bool recover;                /* of an older association; no user data */
	struct ses_conn_id old;      /* recover: that association */
	int32_t application_protocol; /* RTORQ in X.410 mode; -1: none */
	struct octets user_data;      /* one encoded value */
};

struct rtse_refusal {            /* RTORJ */
	int reason;              /* RefuseReason, -1: none given */
	struct octets user_data; /* n == 0: none */
};

struct rtse_rtab {
	enum rtse_abort_reason reason; /* decoded: any number up to 255 */
	int reflected; /* first octet of the invalid parameter; -1: none */
};

int rtse_rtorq_decode(struct arena *a, const struct pres_value *v,
    struct rtse_open *out, struct err *e);
int rtse_rtoac_decode(struct arena *a, const struct pres_value *v,
    struct rtse_open *out, struct err *e);
int rtse_rtorj_decode(struct arena *a, const struct pres_value *v,
    struct rtse_refusal *out, struct err *e);
/* The reason is userError when RTAB names none. */
int rtse_rtab_decode(struct arena *a, const struct pres_value *v,
    struct rtse_rtab *out, struct err *e);
/* *out: the priority. */
int rtse_rttp_decode(
    struct arena *a, const struct pres_value *v, int *out, struct err *e);

void rtse_rtorq_encode(const struct rtse_open *o, struct buf *out);
void rtse_rtoac_encode(const struct rtse_open *o, struct buf *out);
void rtse_rtorj_encode(const struct rtse_refusal *j, struct buf *out);
void rtse_rtab_encode(const struct rtse_rtab *t, struct buf *out);
void rtse_rttp_encode(int priority, struct buf *out);

/* What precedes `total` octets of an APDU on this context. X.228 8.3.2 */
void rtse_external_header(int32_t context, uint64_t total, struct buf *out);
const char *rtse_abort_text(int reason);
bool rtse_conn_id_equal(
    const struct ses_conn_id *a, const struct ses_conn_id *b);

#endif
