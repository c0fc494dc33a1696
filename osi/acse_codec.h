/*
 * The ACSE APDUs (X.227 9 and Annex E) as one plain structure: a field that an
 * APDU does not have is ignored on encoding and zero after decoding.
 *
 * Decoding copies into the arena; encoding appends definite-length octets and
 * fails only on a name that is no dotted OID (ERR_CONFIG). Of several
 * EXTERNALs in user information the first that names a context counts.
 */
#ifndef OSI_ACSE_CODEC_H
#define OSI_ACSE_CODEC_H

#include "osi/acse.h"

enum acse_apdu_type { ACSE_AARQ, ACSE_AARE, ACSE_RLRQ, ACSE_RLRE, ACSE_ABRT };

/* "AARQ" */
const char *acse_apdu_name(enum acse_apdu_type type);

struct acse_apdu {
	enum acse_apdu_type type;
	bool version_1;                     /* decoding: or not mentioned */
	uint64_t application_context_at;    /* of one that was decoded */
	const char *application_context;    /* AARQ, AARE */
	struct acse_entity called, calling; /* AARQ; AARE: called responds */
	enum acse_result result;            /* AARE */
	int diagnostic_source, diagnostic;  /* AARE */
	int reason;                         /* RLRQ, RLRE; ABRT: source */
	int abort_diagnostic;               /* ABRT; 0: none */
	struct octets implementation;       /* AARQ, AARE */
	struct acse_authentication authentication;
	struct pres_value user_information;
};

int acse_apdu_decode(struct arena *a, const uint8_t *p, size_t n,
    struct acse_apdu *out, struct err *e);
int acse_apdu_encode(const struct acse_apdu *u, struct buf *out, struct err *e);

#endif
