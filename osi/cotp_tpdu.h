/*
 * The octets of TPKT packets (RFC 1006 6) and class 0 TPDUs (X.224 13):
 * pure functions between octets and structs. Offsets in errors count from
 * the first octet of the TPDU (its length indicator), or of the TPKT where the
 * text begins with that.
 */
#ifndef OSI_COTP_TPDU_H
#define OSI_COTP_TPDU_H

#include "osi/cotp.h"

#define TPKT_HEADER 4
#define TPKT_MIN 7 /* RFC 1006 6: the least packet length */
#define TPKT_VERSION 3
#define TPDU_DT_HEADER 3 /* length indicator, code, EOT and number */
#define TPDU_LI_MAX 254

enum tpdu_code { /* X.224 13.2.2.1, the high four bits */
	TPDU_CR = 0xe0,
	TPDU_CC = 0xd0,
	TPDU_DR = 0x80,
	TPDU_DT = 0xf0,
	TPDU_ER = 0x70,
};

enum tpdu_par { /* X.224 13.3.4 and 13.12.4 */
	TPDU_PAR_TPDU_SIZE = 0xc0,
	TPDU_PAR_CALLING = 0xc1, /* ER: the invalid TPDU */
	TPDU_PAR_CALLED = 0xc2,
	TPDU_PAR_ALTERNATIVE_CLASSES = 0xc7,
	TPDU_PAR_PREFERRED_SIZE = 0xf0, /* in units of 128 octets */
};

enum tpdu_reject { /* X.224 13.12.3: reject cause of an ER TPDU */
	TPDU_REJECT_NOT_SPECIFIED = 0,
	TPDU_REJECT_PARAMETER_CODE = 1,
	TPDU_REJECT_TPDU_TYPE = 2,
	TPDU_REJECT_PARAMETER_VALUE = 3,
};

/* CR, CC, DR and ER; DT is too plain to need one. */
struct tpdu {
	enum tpdu_code code;
	uint16_t dst_ref, src_ref;
	uint8_t reason;     /* DR: reason; ER: reject cause */
	uint8_t class;      /* CR, CC: preferred or selected class */
	bool class_0_too;   /* CR: an alternative class is 0 */
	uint8_t size_code;  /* 7..13 (X.224 13.3.4 b), 0: absent */
	uint32_t preferred; /* preferred maximum TPDU size in octets, 0: absent
	                     * (what is above COTP_TPDU_MAX is that) */
	struct osi_sel called, calling;
	/* octets of the values that size_code or preferred, and called, were
	 * read from; 0: absent */
	uint8_t size_at, called_at;
};

/* Looks at up to n octets of a TPKT header. Returns the packet length when
 * it is known, 0 when more octets are needed, or ERR_SYNTAX. */
int tpkt_length(const uint8_t *p, size_t n, struct err *e);

/* Reads one whole TPDU other than DT. Negative with e->detail holding the
 * enum tpdu_reject for an ER TPDU and e->offset the octet. The references
 * are filled in as far as they could be read. */
int tpdu_parse(const uint8_t *p, size_t n, struct tpdu *out, struct err *e);
/* Looks at the first n octets of a DT header: 1 when it is good (*eot is
 * set), 0 when more are needed, negative as tpdu_parse(). */
int tpdu_parse_dt(const uint8_t *p, size_t n, bool *eot, struct err *e);

/* Append a TPKT with the TPDU. */
void tpdu_put(const struct tpdu *t, struct buf *out);
void tpdu_put_dt(const uint8_t *p, size_t n, bool eot, struct buf *out);
/* ER; `bad` are the octets of the rejected TPDU up to the wrong one. */
void tpdu_put_er(uint16_t dst_ref, enum tpdu_reject cause, const uint8_t *bad,
    size_t n, struct buf *out);

/* Also of the TPDUs of other classes. */
const char *tpdu_code_text(uint8_t code);
/* "CR", "DT" ... for traces; the text of X.224 13.5.3 for a DR reason. */
const char *tpdu_name(enum tpdu_code code);
const char *tpdu_reason_text(uint8_t reason);

#endif
