/*
 * BER as it comes from the wire (X.690): the gate that every octet from a peer
 * passes before a generated decoder sees it.
 *
 * Three tools. `ber_scan` is a push parser: fed any fragments, it reports each
 * tag, content octet and end as they come, so that a large primitive can be
 * copied away while it arrives. `ber_normalise` checks a complete element and
 * rewrites it to definite lengths (and universal strings to primitive form),
 * which is what asn1c may decode. `ber_cursor` walks a complete, checked
 * element. Bounded everywhere: depth, total size, length-of-length.
 */
#ifndef ASN1_BER_H
#define ASN1_BER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"

enum ber_class {
	BER_UNIVERSAL = 0,
	BER_APPLICATION = 1,
	BER_CONTEXT = 2,
	BER_PRIVATE = 3,
};

enum ber_universal {
	BER_EOC = 0,
	BER_BOOLEAN = 1,
	BER_INTEGER = 2,
	BER_BIT_STRING = 3,
	BER_OCTET_STRING = 4,
	BER_NULL = 5,
	BER_OID = 6,
	BER_OBJECT_DESCRIPTOR = 7,
	BER_EXTERNAL = 8,
	BER_ENUMERATED = 10,
	BER_UTF8_STRING = 12,
	BER_SEQUENCE = 16,
	BER_SET = 17,
	BER_NUMERIC_STRING = 18,
	BER_PRINTABLE_STRING = 19,
	BER_TELETEX_STRING = 20,
	BER_VIDEOTEX_STRING = 21,
	BER_IA5_STRING = 22,
	BER_UTC_TIME = 23,
	BER_GENERALIZED_TIME = 24,
	BER_GRAPHIC_STRING = 25,
	BER_VISIBLE_STRING = 26,
	BER_GENERAL_STRING = 27,
	BER_UNIVERSAL_STRING = 28,
	BER_BMP_STRING = 30,
};

#define BER_INDEFINITE UINT64_MAX

struct ber_tag {
	uint8_t cls; /* enum ber_class */
	bool constructed;
	uint32_t number;
};

#define BER_IS(t, c, n) ((t).cls == (c) && (t).number == (n))

struct ber_limits {
	uint64_t max_size;  /* octets of the whole element, 0: no limit */
	unsigned max_depth; /* nested constructed elements; at most 128,
	                     * which 0 stands for */
};

/* --- push parser --- */

struct ber_open {
	struct ber_tag tag;
	uint64_t length;    /* of the content; may be BER_INDEFINITE */
	const uint8_t *raw; /* identifier and length octets as they came */
	size_t raw_n;
};

struct ber_scan_ops {
	/* A tag and its length. depth is 0 for the outermost element. A
	 * negative result stops the scan with that code (fill in *e). */
	int (*open)(
	    void *arg, unsigned depth, const struct ber_open *o, struct err *e);
	/* Content octets of the innermost primitive, as they arrive. */
	int (*data)(void *arg, unsigned depth, const uint8_t *p, size_t n,
	    struct err *e);
	/* The element at this depth ended (called for primitives too); when
	 * its length was indefinite, by end-of-contents octets. */
	int (*close)(void *arg, unsigned depth, bool indefinite, struct err *e);
};

struct ber_scan;
/* `limits` are copied; NULL stands for the largest. A member of `ops` may be
 * NULL, `ops` itself too (then the scanner only checks). The error of a
 * refused element is kept: later feeds fail too, until a reset. */
struct ber_scan *ber_scan_new(
    const struct ber_limits *limits, const struct ber_scan_ops *ops, void *arg);
void ber_scan_free(struct ber_scan **s);
/* Forgets everything; ready for another element. */
void ber_scan_reset(struct ber_scan *s);
/* Takes octets up to the end of the outermost element. Returns the octets
 * taken (fewer than n only when the element ended), or a negative code with
 * e->offset counted from the first octet of the element. */
int64_t ber_scan_feed(
    struct ber_scan *s, const uint8_t *p, size_t n, struct err *e);
bool ber_scan_done(const struct ber_scan *s);
uint64_t ber_scan_offset(const struct ber_scan *s);

/* --- complete elements --- */

/* Appends the element at p[0..n-1] to `out` with definite lengths only, and
 * with universal string types (including BIT STRING) made primitive. Returns
 * the input octets used, or a negative code. Trailing octets are left. */
int64_t ber_normalise(const uint8_t *p, size_t n,
    const struct ber_limits *limits, struct buf *out, struct err *e);
/* Only checks; returns the octets of the first complete element. */
int64_t ber_check(
    const uint8_t *p, size_t n, const struct ber_limits *limits, struct err *e);

struct ber_tlv {
	struct ber_tag tag;
	const uint8_t *start; /* first identifier octet */
	size_t size;          /* the whole element */
	const uint8_t *value; /* content octets (without end-of-contents) */
	size_t length;
	bool indefinite;
};

struct ber_cursor {
	const uint8_t *p, *end, *base; /* base: where offsets count from */
};

struct ber_cursor ber_cursor(const uint8_t *p, size_t n);
/* The children of a constructed element (none of a primitive one); offsets
 * count from its first identifier octet. */
struct ber_cursor ber_children(const struct ber_tlv *t);
/* 1 and *t, or 0 at the end, or a negative code. Handles definite and
 * indefinite lengths; depth-limited. */
int ber_next(struct ber_cursor *c, struct ber_tlv *t, struct err *e);
/* Finds the first child with that tag: 1, 0 (none), or negative. */
int ber_find(const struct ber_tlv *t, enum ber_class cls, uint32_t number,
    struct ber_tlv *out, struct err *e);
/* Content octets of a string, constructed or primitive, in one piece. */
int ber_string(struct arena *a, const struct ber_tlv *t, struct octets *out,
    struct err *e);
/* INTEGER or ENUMERATED content of up to 8 octets. */
int ber_integer(const struct ber_tlv *t, int64_t *out, struct err *e);
/* Dotted text of OBJECT IDENTIFIER content octets ("2.6.0.1.6"), in `a`. */
const char *ber_oid_text(
    struct arena *a, const uint8_t *p, size_t n, struct err *e);
/* Content octets of a dotted text; appended. */
int ber_oid_put(struct buf *out, const char *dotted, struct err *e);

/* --- writing (definite lengths, minimal length octets) --- */

void ber_put_header(struct buf *out, enum ber_class cls, bool constructed,
    uint32_t number, uint64_t length);
size_t ber_header_size(uint32_t number, uint64_t length);
void ber_put(struct buf *out, enum ber_class cls, uint32_t number,
    const void *p, size_t n); /* primitive */
void ber_put_integer(
    struct buf *out, enum ber_class cls, uint32_t number, int64_t v);
/* Wraps what `out` holds from octet `from` on as the content of a new
 * constructed element. Build inner first, then wrap. */
void ber_wrap(
    struct buf *out, size_t from, enum ber_class cls, uint32_t number);

#endif
