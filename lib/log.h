/*
 * The log: one line per event, `level program[pid]: event key=value ...`.
 *
 * Values with spaces, quotes, control or non-ASCII octets are quoted and
 * escaped, so that no peer can forge a line. Programs log; libraries return
 * errors. Three severities are kept apart: warn (the operator should look),
 * error (this piece of work cannot go on), and log_die (a bug or a broken
 * system: the process ends).
 */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level {
	LOG_LEVEL_DEBUG, /* protocol traces */
	LOG_LEVEL_INFO,  /* normal events: accepted, transferred, delivered */
	LOG_LEVEL_WARN,  /* worth an operator's look; work goes on */
	LOG_LEVEL_ERROR, /* a piece of work failed for a reason of ours */
};

struct err;

/* Sets the program name shown (copied), the least level logged, and
 * whether lines go to syslog instead of stderr. */
void log_init(const char *program, enum log_level min, bool to_syslog);
void log_set_level(enum log_level min);
bool log_enabled(enum log_level level);
/* "debug", "info", "warn", "error"; -1 when it is none of these. */
int log_level_parse(const char *name);

/* One event. The pairs are `const char *key, const char *value` ... ended by
 * NULL; a pair whose value is NULL is left out.
 *   log_event(LOG_LEVEL_INFO, "accepted", "id", id, "from", from, NULL); */
void log_event(enum log_level level, const char *event, ...)
    __attribute__((sentinel));
/* The same, with the error's layer, text, code and octet offset added. */
void log_err(enum log_level level, const char *event, const struct err *e, ...)
    __attribute__((sentinel));
/* Free text under an event name, for traces. */
void log_text(enum log_level level, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Logs and aborts. */
void log_die(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));

/* Our own invariants, checked in release builds too; never on input. */
#define INVARIANT(c)   \
	((c) ? (void)0 \
	     : log_die("%s:%d: broken invariant: %s", __FILE__, __LINE__, #c))

/* An unsigned number as text for log_event; good until the tenth later call
 * in the same thread. */
const char *log_u64(unsigned long long v);

#endif
