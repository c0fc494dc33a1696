/*
 * Reports: what an originator is told about the recipients of a message
 * (X.411 12.2.1.3 and 14.3.5; RFC 3461 for messages from Internet mail).
 *
 * A pure function makes the report from the original envelope and the outcomes;
 * the report channel (report_main.c) submits it. Nobody is told more than was
 * asked for, and no report is made about a report or for a null sender.
 */
#ifndef QMGR_REPORT_H
#define QMGR_REPORT_H

#include "qmgr/chan.h"

/* Above this many octets an Internet message is returned as its header alone,
 * unless the sender said RET=FULL (RFC 3461 4.3 leaves it to us). */
#define Q_REPORT_RETURN_MAX (64u << 10)

struct q_report_params {
	struct mhs_domain domain; /* ours */
	const char *mta;          /* our MTA name */
	const char *hostname;     /* our name in Internet mail */
	const char *local_id;     /* of the report's MTS identifier, unique */
	int64_t now;              /* wall seconds */
};

/* How much of the subject's content the report carries. */
enum q_report_return {
	Q_RETURN_NONE,
	Q_RETURN_HEADER, /* Internet message: up to the first empty line */
	Q_RETURN_ALL,
};

/* The report on `subject` about these outcomes, in `a` (pointing into
 * `subject`, which must live as long), or NULL when nobody asked to be told
 * any of it. *ret says what content goes with it. */
struct mhs_envelope *q_report_make(struct arena *a,
    const struct q_report_params *p, const struct mhs_envelope *subject,
    const struct q_outcome *outcomes, size_t n, enum q_report_return *ret);

#endif
