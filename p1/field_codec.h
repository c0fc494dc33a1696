/*
 * Fields of the P1 envelopes: what messages, probes and reports share.
 *
 * An envelope is a SET; a table of struct p1_field says what each field is.
 * p1_fields() walks the SET and calls the row's function for each. A field
 * that no row knows is kept in an mhs_exts as a whole element of type
 * P1_EXT_FIELD, so that it goes out again as it came.
 *
 * Everything here works on octets that p1_normalise() gave, and on one arena.
 */
#ifndef P1_FIELD_CODEC_H
#define P1_FIELD_CODEC_H

#include "asn1/ber.h"
#include "mhs/envelope.h"

struct p1_dialect; /* p1/apdu.h; NULL wherever it is taken: X.411's own */

/* mhs_ext.type of a field (not an extension) that we do not know. */
#define P1_EXT_FIELD (-2)
/* Extensions and unknown fields of one SET, and elements of bilateral
 * information: what the queue's packed envelope holds. */
#define P1_EXTS_MAX 1024
#define P1_BILATERAL_MAX 512 /* ub-transfers */

struct p1_in {
	struct arena *a;
	const uint8_t *base; /* where offsets count from */
	struct err *e;
	bool strict; /* X.411's bounds of domain names and local identifiers;
	              * else some four times as much */
};

struct p1_field {
	enum ber_class cls;
	uint32_t number;
	const char *name; /* of the standard, for errors */
	int (*get)(struct p1_in *in, const struct ber_tlv *t, void *into);
	bool required;
};

#define P1_FIELDS_MAX 32 /* rows of a table */

/* Calls the rows' functions. ERR_SYNTAX when a field is there twice, or a
 * required one is missing. `unknown` may be NULL: then unknown fields are
 * left out. */
int p1_fields(struct p1_in *in, const struct ber_tlv *set,
    const struct p1_field *rows, size_t n, void *into,
    struct mhs_exts *unknown);
/* A new one at the end: NULL and ERR_LIMIT when there are P1_EXTS_MAX. */
struct mhs_ext *p1_ext_add(struct p1_in *in, struct mhs_exts *x);
/* ERR_SYNTAX at this element. */
int p1_bad(struct p1_in *in, const struct ber_tlv *t, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* --- leaves; `t` may have any tag, the content decides --- */

int p1_get_int(struct p1_in *in, const struct ber_tlv *t, int64_t min,
    int64_t max, int64_t *out);
/* UTCTime as Unix seconds; years 50 .. 99 are 19xx. */
int p1_get_time(struct p1_in *in, const struct ber_tlv *t, int64_t *out);
/* The first eight bits of a BIT STRING; bit 0 is 0x80. */
int p1_get_bits(struct p1_in *in, const struct ber_tlv *t, uint8_t *out);
/* A string of ASCII characters (a control character or an octet above 126 is
 * an error, or with `lenient` becomes a space or '?'); up to `max` octets. */
int p1_get_text(struct p1_in *in, const struct ber_tlv *t, size_t max,
    bool lenient, const char **out);
int p1_get_or(struct p1_in *in, const struct ber_tlv *t, struct mhs_name *out);
/* The whole element, copied. */
void p1_get_raw(
    struct p1_in *in, const struct ber_tlv *t, const uint8_t **p, size_t *n);
int p1_get_domain(
    struct p1_in *in, const struct ber_tlv *t, struct mhs_domain *out);
int p1_get_mts_id(
    struct p1_in *in, const struct ber_tlv *t, struct mhs_mts_id *out);
/* Built-in [APPLICATION 6] or an OBJECT IDENTIFIER. */
int p1_get_content_type(struct p1_in *in, const struct ber_tlv *t,
    enum mhs_content *type, const char **oid);
/* SET OF ExtensionField; both encodings of the type are accepted. */
int p1_get_exts(
    struct p1_in *in, const struct ber_tlv *t, struct mhs_exts *out);

/* --- writing --- */

void p1_put_time(
    struct buf *out, enum ber_class cls, uint32_t number, int64_t t);
/* A BIT STRING of at least `min_bits`; trailing zero bits beyond are left
 * out (X.690 11.2.2). */
void p1_put_bits(struct buf *out, enum ber_class cls, uint32_t number,
    uint8_t bits, unsigned min_bits);
/* Text as ASCII ('?' for what is not), cut to `max` octets. */
void p1_put_text(struct buf *out, enum ber_class cls, uint32_t number,
    const char *text, size_t max);
int p1_put_domain(struct buf *out, const struct mhs_domain *d, struct err *e);
int p1_put_mts_id(struct buf *out, const struct mhs_mts_id *id, struct err *e);
int p1_put_content_type(
    struct buf *out, enum mhs_content type, const char *oid, struct err *e);
/* Under [number]; nothing when there are none. Unknown fields are not
 * written here but by p1_put_unknown(). */
int p1_put_exts(struct buf *out, uint32_t number, const struct mhs_exts *x,
    const struct p1_dialect *dialect, struct err *e);
void p1_put_unknown(struct buf *out, const struct mhs_exts *x);
/* Puts the fields that `out` holds from `from` on in the order of their tags
 * (X.690 10.3). */
void p1_sort_set(struct buf *out, size_t from);
/* Wraps what `out` holds from `from` on as a SET, its fields in the order of
 * their tags (X.690 10.3). */
void p1_wrap_set(
    struct buf *out, size_t from, enum ber_class cls, uint32_t number);
/* The same for a SET OF: elements in the order of their octets (11.6). */
void p1_wrap_set_of(
    struct buf *out, size_t from, enum ber_class cls, uint32_t number);

#endif
