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
	MHS_OR_NUMERIC_ID,      /* UA-ID, N-ID */
	MHS_OR_SURNAME,         /* S */
	MHS_OR_GIVEN_NAME,      /* G */
	MHS_OR_INITIALS,        /* I */
	MHS_OR_GENERATION,      /* GQ, Q */
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
	MHS_OR_PD_EXT_OR_COMPONENTS, /* PD-EXT-ADDRESS */
	MHS_OR_PD_PERSONAL_NAME,     /* PD-PN */
	MHS_OR_PD_ORGANIZATION,      /* PD-O */
	MHS_OR_PD_EXT_DELIVERY,      /* PD-EXT-DELIVERY */
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
/* Adds a copy, in order. Checks length and repertoire of the form: NUMERIC is
 * digits and spaces (an E163 may have a '*'), PRINTABLE is visible ASCII (what
 * peers put into a PrintableString goes beyond its repertoire), UNIVERSAL is
 * UTF-8 without control characters, TELETEX is any octets but NUL, RAW is one
 * complete BER element. Not DDA or UNKNOWN; these have their own functions.
 * ERR_SYNTAX when the type cannot have that form, has it already, or the value
 * breaks the repertoire (offset: the octet of the value); ERR_LIMIT. An empty
 * ADMD becomes a single space; any other empty value is refused. */
int mhs_or_add(struct arena *a, struct mhs_or *ora, enum mhs_or_type type,
    enum mhs_or_form form, const char *value, size_t n, struct err *e);
int mhs_or_add_dda(struct arena *a, struct mhs_or *ora, enum mhs_or_form form,
    const char *type, const char *value, struct err *e);
/* An extension attribute that we do not know: its value as BER. */
int mhs_or_add_unknown(struct arena *a, struct mhs_or *ora, int32_t ext_type,
    const uint8_t *ber, size_t n, struct err *e);
struct mhs_or *mhs_or_dup(struct arena *a, const struct mhs_or *ora);
/* First attribute of that type, best form first (printable, numeric,
 * universal, teletex), or NULL. */
const struct mhs_or_attr *mhs_or_get(
    const struct mhs_or *ora, enum mhs_or_type type);
/* The attribute's text as UTF-8, whatever its form. */
const char *mhs_or_attr_utf8(struct arena *a, const struct mhs_or_attr *at);
/* The value of the DDA of that type (case-insensitive) as UTF-8, or NULL. */
const char *mhs_or_dda(
    struct arena *a, const struct mhs_or *ora, const char *type);

/* X.402 18.4: case-insensitive, leading, trailing and multiple spaces ignored,
 * numeric and printable forms of a domain equal, attribute by attribute. Where
 * both have an attribute in the same form, these decide; else that two of its
 * forms have the same text. DDAs of one type compare in their order. */
bool mhs_or_equal(const struct mhs_or *x, const struct mhs_or *y);
/* Does `or` lie below `prefix`: is each attribute of the prefix in it, with an
 * equal value (value "*" in the prefix: present with any value)? An empty
 * prefix matches all. Returns the number of attributes matched, or -1. */
int mhs_or_match(const struct mhs_or *ora, const struct mhs_or *prefix);

/* Text forms, one parser and one writer each:
 *   slash  /S=Ray/O=EDDF/PRMD=EU/ADMD=ICAO/C=XX/   (RFC 2156 4.1.3)
 *   label  S=Ray; O=EDDF; P=EU; A=ICAO; C=XX       (RFC 1685, F.401 annex B)
 * each in the order its RFC asks for (RFC 2156 4.3.3: the most significant on
 * the right). The parser takes both, tells them apart by the first character,
 * and takes attributes in any order, all keys of both RFCs, in any case. Where
 * OU comes without a number, the leftmost is the least significant, unless
 * the other attributes show that the address is written the other way round.
 * A country or PRMD without ADMD means ADMD=" " (RFC 2156 4.1.3, RFC 1685).
 * ERR_SYNTAX or ERR_LIMIT with the octet of the text. */
struct mhs_or *mhs_or_parse(struct arena *a, const char *text, struct err *e);
/* For routing tables and the like: no ADMD is supplied, and "/" or "" is the
 * prefix of everything. */
struct mhs_or *mhs_or_parse_prefix(
    struct arena *a, const char *text, struct err *e);
/* Never fails for an address made by this module. Characters outside the
 * printable repertoire: slash form uses RFC 2156's encodings (octets of a
 * universal form go after the ISO 2022 escape for UTF-8), label form is UTF-8.
 * The slash form keeps the form of each value, the label form its text. Both
 * leave out the directory name; an UNKNOWN is /EXT-24=hex/ (no RFC has it). */
const char *mhs_or_slash(struct arena *a, const struct mhs_or *ora);
const char *mhs_or_label(struct arena *a, const struct mhs_or *ora);
/* "S", "OU1", "PD-STREET" ...: the RFC 2156 key of a type. */
const char *mhs_or_key(enum mhs_or_type type);

#endif
