/*
 * The keys of O/R addresses in text: RFC 2156 4.1.1 (the attribute key table
 * and the alternatives) and RFC 1685 (Tables F.1 to F.3), as one table for
 * both parser and writers. Private to the or_*.c files.
 */
#ifndef MHS_OR_KEYS_H
#define MHS_OR_KEYS_H

#include "mhs/or.h"

/* How the value after a key is read (RFC 2156 4.1.1). */
enum mhs_or_syntax {
	MHS_OR_SYNTAX_P,    /* printablestring */
	MHS_OR_SYNTAX_PN,   /* printable, or numeric when all are digits */
	MHS_OR_SYNTAX_N,    /* numericstring */
	MHS_OR_SYNTAX_PT,   /* teletex-and-or-ps */
	MHS_OR_SYNTAX_TYPE, /* labelled-integer: terminal type */
	MHS_OR_SYNTAX_PSAP, /* presentation-address (RFC 1278) */
	MHS_OR_SYNTAX_NAME, /* encoded-pn: a whole personal name */
	MHS_OR_SYNTAX_UNIT, /* an organizational unit, numbered by its place */
	MHS_OR_SYNTAX_LINE, /* one line of PD-ADDRESS; `index` from 1 */
	MHS_OR_SYNTAX_SUB,  /* NET-SUB: sub-address of an E.163/4 number */
};

struct mhs_or_word {
	const char *key;
	enum mhs_or_type type;
	enum mhs_or_syntax syntax;
	unsigned index;
};

/* The row of a key (any case), or NULL. DD and DDA are not in it, nor is
 * EXT-n. */
const struct mhs_or_word *mhs_or_word_find(const char *key, size_t n);
/* The key RFC 1685 has for a type; NULL for DDA and UNKNOWN. */
const char *mhs_or_label_key(enum mhs_or_type type);

/* Terminal types (X.411 8.5.5): the name of a number, or NULL; the number of
 * a name, or -1. */
const char *mhs_or_terminal_name(long number);
long mhs_or_terminal_number(const char *name, size_t n);

/* RFC 1278: an NET-PSAP value. The writer appends nothing and returns false
 * when the value is no PresentationAddress. */
bool mhs_or_psap_put(struct buf *out, const uint8_t *ber, size_t n);
/* Appends the value that the text stands for; offsets count from text[0]. */
int mhs_or_psap_parse(
    struct buf *out, const char *text, size_t n, struct err *e);

#endif
