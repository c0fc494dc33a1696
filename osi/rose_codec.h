/*
 * The APDUs of ROSE (X.229 9): ROIV [1], RORS [2], ROER [3], RORJ [4], and the
 * OPDUs of X.410 (1984), which have the same octets.
 *
 * Decoding copies nothing but object identifiers: `value` lies in the input.
 * Its errors carry in err.detail which general problem a reject has to name
 * (X.229 7.5.3), in err.offset the octet. Not by asn1c: the value is any type,
 * may be large (a message), and is to stay as it is.
 */
#ifndef OSI_ROSE_CODEC_H
#define OSI_ROSE_CODEC_H

#include "asn1/ber.h"
#include "osi/rose.h"

#define ROSE_DEPTH 96 /* nested elements of an APDU */

enum rose_apdu_type { ROSE_ROIV = 1, ROSE_RORS, ROSE_ROER, ROSE_RORJ };

/* "ROIV"; of 0 "ROSE APDU". */
const char *rose_apdu_name(enum rose_apdu_type type);

struct rose_apdu {
	enum rose_apdu_type type;
	bool has_id; /* false: RORJ of what had none that could be read */
	int32_t id;
	bool has_linked; /* ROIV */
	int32_t linked;
	bool has_code; /* RORS: with a result, its operation */
	struct rose_code code;
	struct octets value; /* argument, result, parameter; n == 0: none */
	enum rose_problem_class problem_class; /* RORJ */
	int problem;
};

/* On an error out->type and out->id are as far as they could be read (type 0,
 * has_id false: not). */
int rose_apdu_decode(struct arena *a, const uint8_t *p, size_t n,
    struct rose_apdu *out, struct err *e);
/* Appends. ERR_CONFIG: a global code that is no dotted OID. */
int rose_apdu_encode(const struct rose_apdu *u, struct buf *out, struct err *e);

#endif
