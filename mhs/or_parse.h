/*
 * What the parser of O/R addresses in text consists of: or_parse.c cuts the
 * text into pairs, or_value.c reads a value by the syntax of its key, or_dda.c
 * the domain-defined attributes. Private to these; all memory is in the
 * parser's arena, results are copied out at the end.
 */
#ifndef MHS_OR_PARSE_H
#define MHS_OR_PARSE_H

#include "mhs/or.h"
#include "mhs/or_keys.h"

#define MHS_OR_LINES 6       /* of an unformatted postal address */
#define MHS_OR_DDA_NUMBERS 4 /* DD1 to DD4 */

/* A character of a key or value with what the text said about it. */
struct ch {
	char c;
	bool literal; /* came escaped: never a delimiter */
	uint16_t at;  /* its octet in the text */
};

struct chars {
	struct ch *v;
	size_t n;
	uint64_t at; /* where it begins, also when empty */
};

struct pair {
	struct chars key, value;
	const struct mhs_or_word *word; /* NULL: a DDA, or EXT-n */
	unsigned dda;                   /* DDA: 0 bare, 1 .. 4; NOT_DDA */
	struct chars dda_type;
	bool dda_rfc822; /* the key was RFC-822 */
};
#define MHS_OR_NOT_DDA UINT32_MAX

struct parser {
	struct arena *a;
	struct mhs_or *o;
	const char *text;
	size_t n, at;
	bool slash;
	struct pair *pairs;
	size_t n_pairs;
	bool inverted; /* the most significant attribute stands on the left */
	struct chars lines[MHS_OR_LINES]; /* PD-A1 to PD-A6 */
	struct chars sub;                 /* NET-SUB */
	const struct pair *number;        /* NET-NUM */
	struct err *e;
};

/* A value in the form it turned out to have. */
struct value {
	bool present;
	enum mhs_or_form form;
	const char *text;
	size_t n;
	uint64_t at; /* its octet in the text */
};

int mhs_or_fail_at(struct parser *p, int code, uint64_t at, const char *what);
char *mhs_or_chars_text(struct parser *p, const struct chars *s);
struct chars mhs_or_chars_part(const struct chars *s, size_t from, size_t to);
/* Is it the "*" that stands for any value in a prefix? */
bool mhs_or_chars_wildcard(const struct chars *s);

/* EBNF.teletex-and-or-ps: the printable half (or what a person typed, as
 * teletex or universal) and the half behind the '*'. `lines` allows '|'. */
int mhs_or_teletex_and_or_ps(struct parser *p, const struct chars *s,
    bool lines, struct value *ps, struct value *t);
int mhs_or_parse_pt(
    struct parser *p, enum mhs_or_type type, const struct chars *s);
/* Adds what the pair says, or keeps it for later when it needs others. */
int mhs_or_parse_value(struct parser *p, const struct pair *x);
int mhs_or_parse_number(struct parser *p, const struct pair *x);
int mhs_or_parse_lines(struct parser *p);
/* The DDAs under DDn, or (0) those without number. */
int mhs_or_parse_ddas(struct parser *p, unsigned number);

#endif
