/*
 * What the standard says of each of its extensions, as one table: name, where
 * it belongs, the criticality it recommends, the syntax of its value, and what
 * an MTA must be able to do to deliver it (X.411 Annex A, Figures 2 and 4;
 * X.413 for 36; X.420 for 41, 43 and 44).
 *
 * Private to the ext*.c, judge.c and downgrade.c files.
 */
#ifndef P1_EXT_TABLE_H
#define P1_EXT_TABLE_H

#include "p1/ext.h"
#include "p1/field_codec.h"

/* Where extension fields stand in the transfer protocol: bits. */
enum p1_ext_place {
	P1_IN_MESSAGE = 1,          /* per-message fields */
	P1_IN_PROBE = 2,            /* per-probe fields */
	P1_IN_REPORT = 4,           /* report transfer envelope */
	P1_IN_REPORT_CONTENT = 8,   /* per-report fields of its content */
	P1_IN_RECIPIENT = 16,       /* per-recipient fields of a message */
	P1_IN_PROBE_RECIPIENT = 32, /* the same of a probe */
	P1_IN_REPORTED = 64,        /* per-recipient fields of a report */
};

enum p1_ext_syntax {
	P1_SYNTAX_FLAG,
	P1_SYNTAX_OR_NAME,
	P1_SYNTAX_OR_ADDRESS,
	P1_SYNTAX_TIME,
	P1_SYNTAX_METHODS,
	P1_SYNTAX_MODES,
	P1_SYNTAX_OPTION, /* an INTEGER with words */
	P1_SYNTAX_NUMBER_FOR_ADVICE,
	P1_SYNTAX_OID,
	P1_SYNTAX_CERTIFICATES,
	P1_SYNTAX_TOKEN,
	P1_SYNTAX_ALGORITHM,
	P1_SYNTAX_SIGNATURE,
	P1_SYNTAX_LABEL,
	P1_SYNTAX_CORRELATOR,
	P1_SYNTAX_REDIRECTIONS,
	P1_SYNTAX_EXPANSIONS,
	P1_SYNTAX_ORIGINATOR_HISTORY,
	P1_SYNTAX_SEQUENCE_NUMBER,
	P1_SYNTAX_TRACE,
	P1_SYNTAX_INTERNAL_TRACE,
	P1_SYNTAX_REPORTING_MTA,
	P1_SYNTAX_EXTENDED_CERTIFICATES,
	P1_SYNTAX_BLIND_COPY,
	P1_SYNTAX_NAMES,
	P1_SYNTAX_BODY_PART_TOKENS,
	P1_SYNTAX_FORWARDED_TOKENS,
	P1_SYNTAX_SELECTORS,
	P1_SYNTAXES
};

struct p1_ext_row {
	const char *name;
	uint8_t syntax;      /* enum p1_ext_syntax */
	uint8_t places;      /* enum p1_ext_place; 0: not in P1 */
	uint8_t criticality; /* that the standard recommends */
	uint8_t needs;       /* P1_CAN_* of p1/judge.h, to deliver it */
	const char *const *words;
	uint8_t n_words;
};

/* NULL: no standard extension of that number. */
const struct p1_ext_row *p1_ext_row(int32_t type);
/* That of a field: NULL also for a private one. */
const struct p1_ext_row *p1_ext_row_of(const struct mhs_ext *x);
/* The name of a private extension that is no secret, or NULL. */
const char *p1_ext_private_name(const char *oid);

/* The elements of a history: redirections have a reason, expansions none.
 * ERR_SYNTAX, ERR_LIMIT. */
int p1_get_history(struct p1_in *in, const struct ber_tlv *t, bool redirections,
    struct p1_history **out, size_t *n);

#endif
