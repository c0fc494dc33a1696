/*
 * Reading a PPDU over the octets as they came: what pres_decode.c makes its
 * tables of, and user data. Every error says which octet of which parameter of
 * which PPDU is wrong (err.offset counts from the first octet of the PPDU), and
 * err.detail which abort reason that is (enum pres_abort_reason).
 */
#ifndef OSI_PRES_READ_H
#define OSI_PRES_READ_H

#include "asn1/ber.h"
#include "osi/pres_codec.h"

struct reading {
	struct arena *a;
	const uint8_t *base; /* first octet of the PPDU */
	const char *ppdu;
	const char *parameter; /* under way */
	void *out;
	struct err *e;
};

struct parameter {
	enum ber_class cls;
	uint32_t number;
	int (*fn)(struct reading *, const struct ber_tlv *);
	const char *name;
};

/* The parameters of `t` stand in the order of the table, each at most once.
 * `open`: a later version of the protocol may have added others, which are
 * passed over (X.226 8.5). */
int pres_read_walk(struct reading *r, const struct ber_tlv *t,
    const struct parameter *table, size_t n, bool open);
#define WALK(r, t, table, open) \
	pres_read_walk(r, t, table, sizeof(table) / sizeof(*(table)), open)

/* The whole PPDU, n octets at r->base, as one element. */
int pres_read_outermost(struct reading *r, size_t n, struct ber_tlv *t);
int pres_read_user_data(
    struct reading *r, const struct ber_tlv *t, struct pres_values *out);

/* Where they are in a PPDU that could be read: the parameter with this context
 * tag, of those of normal mode if there are any; the value of this number in
 * its user data. 0: not there. */
uint64_t pres_parameter_at(const uint8_t *p, size_t n, uint32_t number);
uint64_t pres_value_at(const uint8_t *p, size_t n, size_t i);

/* Each returns 0, or an error about the parameter under way. */
int pres_read_constructed(struct reading *r, const struct ber_tlv *t);
int pres_read_number(struct reading *r, const struct ber_tlv *t, int64_t min,
    int64_t max, int64_t *out);
int pres_read_string(
    struct reading *r, const struct ber_tlv *t, struct octets *out);
int pres_read_syntax_name(
    struct reading *r, const struct ber_tlv *t, const char **out);
int pres_read_context_id(
    struct reading *r, const struct ber_tlv *t, int32_t *out);
/* The next child, which must have this tag; and that there is none. */
int pres_read_child(struct reading *r, struct ber_cursor *c,
    const struct ber_tlv *of, uint32_t universal, struct ber_tlv *out);
int pres_read_at_end(struct reading *r, struct ber_cursor *c);

/* Errors. */
int pres_read_bad(struct reading *r, const uint8_t *at, int code,
    enum pres_abort_reason reason, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
int pres_read_invalid(
    struct reading *r, const struct ber_tlv *t, const char *what);
int pres_read_unrecognized(struct reading *r);

#endif
