/*
 * Extension attributes of O/R addresses (X.411 8.5.5, ExtensionAttributeTable;
 * X.402 18.3): the values behind extension-attribute-type 1 to 40.
 *
 * Private to or_codec.c, which handles the rest of the address. One table says
 * the attribute, form and syntax of each number.
 */
#ifndef P1_OR_EXT_CODEC_H
#define P1_OR_EXT_CODEC_H

#include "asn1/ber.h"
#include "mhs/or.h"

#define P1_OR_UNITS 4 /* ub-organizational-units */
#define P1_OR_NAME_CLASS BER_APPLICATION
#define P1_OR_NAME_NUMBER 0

/* Adds the attributes that this value holds. A type that the table does not
 * have, or a value of another syntax, is kept raw as MHS_OR_UNKNOWN. */
int p1_or_ext_decode(struct arena *a, struct mhs_or *name, int32_t type,
    const uint8_t *value, size_t n, struct err *e);

/* An address on its way out: what has been written already. */
struct p1_or_out {
	const struct mhs_or *name;
	bool taken[MHS_OR_ATTRS_MAX];
	size_t row; /* of the table, for p1_or_ext_encode() */
};
/* The first attribute of that type and form that is not taken, taking it. */
const struct mhs_or_attr *p1_or_take(
    struct p1_or_out *o, enum mhs_or_type type, enum mhs_or_form form);

struct p1_or_ext {
	int32_t type;
	const uint8_t *value; /* complete element, in the arena */
	size_t n;
};
/* The next extension attribute to write; false at the end. */
bool p1_or_ext_encode(
    struct arena *a, struct p1_or_out *o, struct p1_or_ext *x);

/* Adds a DDA of counted octets; ERR_SYNTAX when one holds a NUL. */
int p1_or_add_dda(struct arena *a, struct mhs_or *name, enum mhs_or_form form,
    struct octets type, struct octets value, struct err *e);

#endif
