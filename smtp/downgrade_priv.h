/*
 * Inside the downgrade. Private to smtp/downgrade*.c.
 */
#ifndef SMTP_DOWNGRADE_PRIV_H
#define SMTP_DOWNGRADE_PRIV_H

#include "smtp/downgrade.h"

#define DG_LAYER "mime"
#define DG_BOUNDARY_MAX 255 /* RFC 2046 5.1.1 says 70 */
#define DG_PIECE 4096       /* input looked at for one piece of output */
#define DG_BASE64_LINE 57   /* octets that make a line of 76 characters */
#define DG_LINE 76          /* RFC 2045 6.7, 6.8 */
#define DG_LINE_PLAIN 998   /* RFC 5322 2.1.1, where binary must go */

/* What is done to the octets of a region. */
enum dg_how {
	DG_COPY,       /* line ends made CR LF */
	DG_CLEAN,      /* preamble and epilogue: besides, no 8-bit data */
	DG_QP,         /* encoded */
	DG_BASE64,     /* encoded */
	DG_FIX_QP,     /* it is quoted-printable, but not only */
	DG_FIX_BASE64, /* it is base64, but not only */
};

enum dg_encoding {
	DG_7BIT,
	DG_8BIT,
	DG_BINARY,
	DG_IS_QP,
	DG_IS_BASE64,
	DG_UNKNOWN,
};

/* A body part or message, as its header says. */
struct dg_entity {
	bool has_type, has_encoding, has_version;
	char type[32], subtype[64]; /* lower case */
	char boundary[DG_BOUNDARY_MAX + 1];
	enum dg_encoding encoding;
};

/* What there is in a run of octets. */
struct dg_survey {
	bool eight, nul, bare; /* bare: CR or LF that ends no line */
	size_t specials;       /* octets that quoted-printable must encode */
	size_t longest;        /* line */
};

/* A line and where the next begins; at the end of the input both are there. */
struct dg_line {
	size_t end, next;
};

struct dg_encoder {
	enum dg_how how;
	size_t column;
	uint8_t held[DG_BASE64_LINE];
	size_t n_held;
};

/* A multipart that is open. */
struct dg_level {
	char boundary[DG_BOUNDARY_MAX + 1];
	size_t n;
	bool digest;
	unsigned messages; /* nested around it */
};

/* Where a region ends: before a boundary line, or with the input. */
struct dg_mark {
	size_t end;       /* of the region, without the boundary's line end */
	size_t line;      /* the boundary line; the input's end if none */
	size_t level;     /* index of the multipart it belongs to */
	bool found, last; /* last: "--" closes the multipart */
};

enum dg_state {
	DG_HEADER, /* an entity begins */
	DG_FIELDS, /* its header on the way out */
	DG_BODY,   /* a region on the way out, up to `mark` */
	DG_MARK,   /* the boundary after it */
	DG_END,
};

struct smtp_downgrade {
	struct smtp_downgrade_options o;
	const uint8_t *p;
	size_t n;
	size_t at;
	enum dg_state state;
	struct dg_level levels[SMTP_DOWNGRADE_DEPTH];
	size_t n_levels;
	unsigned messages;
	bool in_message; /* the header to come is a message's */
	/* the entity */
	struct dg_entity entity;
	size_t fields_end;        /* after the empty line */
	bool in_field;            /* `at` is inside a line of the header */
	bool blank;               /* the header has its empty line */
	bool drop_encoding;       /* the field is left out */
	const char *encoding;     /* written instead, or NULL */
	const char *content_type; /* added, or NULL */
	bool add_version;
	enum dg_state after_fields;
	/* the region */
	struct dg_encoder encoder;
	struct dg_mark mark;
	uint8_t last; /* octet put out */
};

/* The line at `at`, looking no further than `limit`. */
struct dg_line dg_line_at(
    const struct smtp_downgrade *d, size_t at, size_t limit);
/* The same of its first `most` octets: without a line end where it is longer. */
struct dg_line dg_line_within(
    const struct smtp_downgrade *d, size_t at, size_t most, size_t limit);
/* Octets of the line end at `at`: 0 if there is none. */
size_t dg_break(const struct smtp_downgrade *d, size_t at, size_t limit);

/* downgrade_header.c: reads the header at `at` up to its empty line or
 * `limit`; *end is where the body begins. */
int dg_header_read(const struct smtp_downgrade *d, size_t at, size_t limit,
    bool digest, struct dg_entity *out, size_t *end, bool *blank,
    struct err *e);
/* Is the field at `at` of this name? */
bool dg_field_is(
    const struct smtp_downgrade *d, size_t at, size_t limit, const char *name);

/* downgrade_encode.c */
struct dg_survey dg_survey(
    const struct smtp_downgrade *d, size_t at, size_t end);
/* The next piece of the region up to `end`; d->at moves. */
void dg_encode(struct smtp_downgrade *d, size_t end, struct buf *out);
/* What it still holds. */
void dg_encode_end(struct smtp_downgrade *d, struct buf *out);

#endif
