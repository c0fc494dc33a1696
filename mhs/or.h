/*
 * O/R addresses and names (X.402 clause 18): a list of attributes, each with
 * its type and the form it was written in (numeric, printable, teletex,
 * universal), in the order of the standard's hierarchy.
 *
 * Values are kept so that they go out as they came in: printable and numeric
 * values are ASCII; teletex values are the T.61 octets; universal values are
 * UTF-8 (converted from BMPString/UniversalString at the codec). Everything
 * lives in the arena it was made in.
 */
#ifndef MHS_OR_H
#define MHS_OR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/err.h"

enum mhs_or_type {      /* X.402 Table 10; order is the canonical order */
	MHS_OR_COUNTRY, /* C */
	MHS_OR_ADMD,    /* A, ADMD */
	MHS_OR_PRMD,    /* P, PRMD */
	MHS_OR_NETWORK_ADDRESS, /* X121 */
	MHS_OR_TERMINAL_ID,     /* T-ID */
	MHS_OR_ORGANIZATION,    /* O */
	MHS_OR_NUMERIC_ID,      /* N-ID */
	MHS_OR_SURNAME,         /* S */
	MHS_OR_GIVEN_NAME,      /* G */
	MHS_OR_INITIALS,        /* I */
	MHS_OR_GENERATION,      /* Q */
	MHS_OR_UNIT1,           /* OU1 .. OU4 */
	MHS_OR_UNIT2,
	MHS_OR_UNIT3,
	MHS_OR_UNIT4,
	MHS_OR_COMMON_NAME,          /* CN */
	MHS_OR_PDS_NAME,             /* PD-SERVICE */
	MHS_OR_PD_COUNTRY,           /* PD-C */
	MHS_OR_POSTAL_CODE,          /* PD-CODE */
	MHS_OR_PD_OFFICE_NAME,       /* PD-OFFICE */
	MHS_OR_PD_OFFICE_NUMBER,     /* PD-OFFICE-NUM */
	MHS_OR_PD_EXT_OR_COMPONENTS, /* PD-EXT-D (extension of O/R components) */
	MHS_OR_PD_PERSONAL_NAME,     /* PD-PN */
	MHS_OR_PD_ORGANIZATION,      /* PD-O */
	MHS_OR_PD_EXT_DELIVERY,      /* PD-EXT-LOC (extension of delivery) */
	MHS_OR_PD_ADDRESS,         /* PD-ADDRESS (unformatted; lines by '|') */
	MHS_OR_STREET,             /* PD-STREET */
	MHS_OR_PO_BOX,             /* PD-BOX */
	MHS_OR_POSTE_RESTANTE,     /* PD-RESTANTE */
	MHS_OR_UNIQUE_POSTAL_NAME, /* PD-UNIQUE */
	MHS_OR_PD_LOCAL,           /* PD-LOCAL */
	MHS_OR_E163,               /* NET-NUM: E.163/4 number [*sub-address] */
	MHS_OR_PSAP,               /* NET-PSAP: raw presentation address TLV */
	MHS_OR_TERMINAL_TYPE,      /* T-TY: decimal number */
	MHS_OR_DDA,                /* DD.type=value, up to four */
	MHS_OR_UNKNOWN,            /* extension attribute we do not know: raw */
	MHS_OR_TYPES
};

enum mhs_or_form {
	MHS_OR_PRINTABLE, /* PrintableString */
	MHS_OR_NUMERIC,   /* NumericString: X.121 country or domain name */
	MHS_OR_TELETEX,   /* T.61 octets */
	MHS_OR_UNIVERSAL, /* UTF-8 */
	MHS_OR_RAW,       /* the attribute's BER value as it came */
};

struct mhs_or_attr {
	enum mhs_or_type type;
	enum mhs_or_form form;
	const char *value; /* n octets and a NUL */
	size_t n;
	const char *dda_type; /* DDA: the type, in the same form */
	size_t dda_type_n;
	int32_t ext_type; /* UNKNOWN: the extension-attribute-type */
};

/* An attribute may be there twice, in two forms (printable and teletex or
 * universal): they name the same thing. */
struct mhs_or {
	struct mhs_or_attr *attrs; /* sorted by type; DDAs keep their order */
	size_t n_attrs;
	const uint8_t *directory_name; /* DER of Name, or NULL */
	size_t directory_name_n;
};

/* Limits on what comes from outside. X.411 upper bounds say far less. */
#define MHS_OR_TEXT_MAX 4096 /* octets of a text form we parse */
#define MHS_OR_ATTRS_MAX 64
#define MHS_OR_VALUE_MAX 1024 /* unformatted postal address is the longest */

struct mhs_or *mhs_or_new(struct arena *a);
/* Adds a copy, in order. Checks length and repertoire of the form. */
int mhs_or_add(struct arena *a, struct mhs_or * or, enum mhs_or_type type,
    enum mhs_or_form form, const char *value, size_t n, struct err *e);
int mhs_or_add_dda(struct arena *a, struct mhs_or * or, enum mhs_or_form form,
    const char *type, const char *value, struct err *e);
struct mhs_or *mhs_or_dup(struct arena *a, const struct mhs_or * or);
/* First attribute of that type, best form first (printable, numeric,
 * universal, teletex), or NULL. */
const struct mhs_or_attr *mhs_or_get(
    const struct mhs_or * or, enum mhs_or_type type);
/* The attribute's text as UTF-8, whatever its form. */
const char *mhs_or_attr_utf8(struct arena *a, const struct mhs_or_attr *at);
/* The value of the DDA of that type (case-insensitive), or NULL. */
const char *mhs_or_dda(
    struct arena *a, const struct mhs_or * or, const char *type);

/* X.402 18.4: case-insensitive, leading, trailing and multiple spaces ignored,
 * numeric and printable forms of a domain equal, attribute by attribute. */
bool mhs_or_equal(const struct mhs_or *x, const struct mhs_or *y);
/* Does `or` lie below `prefix`: is each attribute of the prefix in it, with an
 * equal value (value "*" in the prefix: present with any value)? An empty
 * prefix matches all. Returns the number of attributes matched, or -1. */
int mhs_or_match(const struct mhs_or * or, const struct mhs_or *prefix);

/* Text forms, one parser and one writer each:
 *   slash  /C=XX/ADMD=ICAO/PRMD=EU/O=EDDF/   (RFC 2156 4.1, std-printable)
 *   label  C=XX; A=ICAO; P=EU; O=EDDF; S=Ray (RFC 1685)
 * The parser takes both and tells them apart by the first character. */
struct mhs_or *mhs_or_parse(struct arena *a, const char *text, struct err *e);
/* Never fails for an address made by this module. Characters outside the
 * printable repertoire: slash form uses RFC 2156's encodings, label form is
 * UTF-8. */
const char *mhs_or_slash(struct arena *a, const struct mhs_or * or);
const char *mhs_or_label(struct arena *a, const struct mhs_or * or);
/* "S", "OU1", "PD-STREET" ...: the RFC 2156 key of a type. */
const char *mhs_or_key(enum mhs_or_type type);

#endif
