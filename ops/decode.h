/*
 * What `isthmus decode` recognizes: a table of readers, tried in order, each of
 * which prints what it understood. The first that understands all of the
 * octets wins.
 */
#ifndef OPS_DECODE_H
#define OPS_DECODE_H

#include "asn1/ber.h"
#include "mhs/envelope.h"

/* Appends text. 0, or a negative code: not one of ours, or broken (e->offset
 * says where); what it could print is there still. */
typedef int decode_fn(struct arena *a, const uint8_t *p, size_t n,
    struct buf *out, struct err *e);

decode_fn decode_tpkt;    /* octets of one direction of RFC 1006 */
decode_fn decode_session; /* one TSDU, and what is above */
decode_fn decode_p1;      /* MTS-APDU, X.411 Figure 4, with its content */
decode_fn decode_bind;    /* MTABind argument, result or error, X.411 12.1.1 */
decode_fn decode_bind_bare; /* the same without a tag, as X.410 mode has it */
decode_fn decode_ipm;       /* P22, P2, P772: X.420 InformationObject */
decode_fn decode_rose;      /* remote operations, X.229 */
decode_fn decode_ber;       /* anything in BER, as TLVs */

/* Tries the reader whose name is `as`, or all when NULL. On failure the error
 * and the output are those of the last one tried. */
int decode_any(struct arena *a, const char *as, const uint8_t *p, size_t n,
    struct buf *out, struct err *e);
/* "tpkt", "p1", "bind", "ipm", "rose", "ber" */
bool decode_knows(const char *as);

/* How the octets were written down. */
enum decode_input {
	DECODE_AUTO, /* hex or base64 when nothing else is in it, else raw */
	DECODE_RAW,
	DECODE_HEX,    /* white space, colons and 0x between octets */
	DECODE_BASE64, /* white space and PEM's dashed lines are skipped */
};
/* Rewrites `b` to raw octets. ERR_SYNTAX with the offset in the text. */
int decode_input(struct buf *b, enum decode_input how, struct err *e);

/* --- for the readers: one attribute a line --- */

void print_line(struct buf *out, unsigned depth, const char *name,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* The lines of `text`, deeper. */
void print_block(struct buf *out, unsigned depth, const struct buf *text);
/* Text of many lines, each behind a bar; control characters are shown as
 * octets, what is over `max` octets is only counted. */
void print_text(
    struct buf *out, unsigned depth, const char *p, size_t n, size_t max);
/* Up to 32 octets in hexadecimal, and how many there are. */
void print_octets(struct buf *out, unsigned depth, const char *name,
    const uint8_t *p, size_t n);

#endif
