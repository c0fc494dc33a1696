/*
 * Errors: what went wrong, in which layer, at which octet of the input.
 *
 * A function that can fail takes a `struct err *` (which may be NULL) and
 * returns a negative code. Libraries fill it in; programs log it. The text is
 * one line for a person, without a final full stop or newline. Where octets of
 * a protocol are at fault, the text begins with the name of the PDU ("session
 * MIP: ...", "CP, ...", "AARQ: ..."), and the offset counts within that PDU.
 */
#ifndef LIB_ERR_H
#define LIB_ERR_H

#include <stddef.h>
#include <stdint.h>

#define ERR_TEXT_MAX 256

/* The negative results of every function that returns int. */
enum err_code {
	ERR_OK = 0,
	ERR_SYNTAX = -1,   /* input breaks its grammar */
	ERR_LIMIT = -2,    /* input exceeds a limit of ours */
	ERR_PROTOCOL = -3, /* well-formed, but not allowed in this state */
	ERR_REFUSED = -4,  /* the peer, or a policy, said no */
	ERR_NOT_FOUND = -5,
	ERR_SYSTEM = -6, /* a system call failed; `detail` holds errno */
	ERR_UNSUPPORTED = -7,
	ERR_TEMPORARY = -8, /* may succeed when tried again */
	ERR_MEMORY = -9,
	ERR_CONFIG = -10,
};

#define ERR_NO_OFFSET UINT64_MAX

struct err {
	int code;          /* an enum err_code */
	const char *layer; /* static text: "cotp", "session", "p1", "spool" */
	int detail;        /* the standard's own diagnostic, or errno */
	uint64_t offset;   /* octet of the input, or ERR_NO_OFFSET */
	char text[ERR_TEXT_MAX];
};

#define ERR_INIT                        \
	{                               \
		.offset = ERR_NO_OFFSET \
	}

void err_clear(struct err *e);

/* Each fills in `e` (when not NULL) and returns `code`, so that a caller can
 * write `return err_set(e, "cotp", ERR_SYNTAX, "...")`. */
int err_set(struct err *e, const char *layer, int code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
int err_at(struct err *e, const char *layer, int code, uint64_t offset,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* From errno; the text gets ": strerror" appended. Returns ERR_SYSTEM. */
int err_sys(struct err *e, const char *layer, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Puts "prefix: " in front of the text that is there. Returns e->code. */
int err_prefix(struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

const char *err_code_name(int code);

#endif
