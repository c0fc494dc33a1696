/*
 * A line of the control socket, as both sides write and read it: a type, and
 * fields with names.
 *
 *	entry<TAB>id=0000000000000001<TAB>size#1234<TAB>held?1
 *
 * The sign behind a name says what the value is: "=" text, "#" a number, "?"
 * a truth value. Control characters and the backslash in a text are "\xNN", so
 * that a line is a line whatever came from outside; other octets are as they
 * are. Rows explain themselves: a client shows what it does not know. Pure.
 */
#ifndef QMGR_CONTROL_ROW_H
#define QMGR_CONTROL_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"

/* --- writing, at the end of `out` --- */

void q_row_begin(struct buf *out, const char *type);
/* NULL: the field is left out. */
void q_row_text(struct buf *out, const char *name, const char *value);
void q_row_int(struct buf *out, const char *name, int64_t value);
void q_row_real(struct buf *out, const char *name, double value);
void q_row_bool(struct buf *out, const char *name, bool value);
void q_row_end(struct buf *out);

/* --- reading --- */

enum q_row_kind {
	Q_ROW_TEXT = '=',
	Q_ROW_NUMBER = '#', /* decimal, perhaps with sign and fraction */
	Q_ROW_BOOL = '?',   /* "0" or "1" */
};

struct q_row_field {
	const char *name; /* letters, digits, "_" */
	enum q_row_kind kind;
	const char *value;
};

#define Q_ROW_FIELDS 32

struct q_row {
	const char *type; /* letters, digits, "_" */
	struct q_row_field v[Q_ROW_FIELDS];
	size_t n;
};

/* Takes apart a line of n octets, which are changed and must live as long as
 * the row; p[n] must be there, and becomes NUL. ERR_SYNTAX or ERR_LIMIT with the
 * octet. */
int q_row_parse(char *p, size_t n, struct q_row *row, struct err *e);
/* NULL: it has no such field. */
const struct q_row_field *q_row_get(const struct q_row *row, const char *name);
/* "" or 0 or false if it is not there. */
const char *q_row_get_text(const struct q_row *row, const char *name);
int64_t q_row_get_int(const struct q_row *row, const char *name);
bool q_row_get_bool(const struct q_row *row, const char *name);

#endif
