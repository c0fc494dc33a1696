/*
 * Reports: what an originator is told about the recipients of a message
 * (X.411 12.2.1.3 and 14.3.5; RFC 3461 for messages from Internet mail).
 *
 * A pure function makes the report from the original envelope and the outcomes,
 * another the copy for alternate recipients, which are tried before; the
 * report channel (report_main.c) submits them. Nobody is told more than was
 * asked for, and no report is made about a report or for a null sender.
 */
#ifndef QMGR_REPORT_H
#define QMGR_REPORT_H

#include "qmgr/chan.h"
#include "qmgr/config.h"

/* Above this many octets an Internet message is returned as its header alone,
 * unless the sender said RET=FULL (RFC 3461 4.3 leaves it to us). */
#define Q_REPORT_RETURN_MAX (64u << 10)
/* Above this many octets an X.400 content does not come back, even if that was
 * asked for, unless the configuration says otherwise. */
#define Q_REPORT_CONTENT_MAX (1u << 20)

struct q_report_params {
	struct mhs_domain domain; /* ours */
	const char *mta;          /* our MTA name */
	const char *hostname;     /* our name in Internet mail */
	const char *local_id;     /* of the report's MTS identifier, unique */
	int64_t now;              /* wall seconds */
	uint64_t content_max;     /* octets; 0: Q_REPORT_CONTENT_MAX */
};

/* How much of the subject's content the report carries. */
enum q_report_return {
	Q_RETURN_NONE,
	Q_RETURN_HEADER, /* Internet message: up to the first empty line */
	Q_RETURN_ALL,
};

/* The report goes to the originator, or, when the subject was expanded by
 * distribution lists, to the last of these (X.411 14.3.10), with the way back
 * in originator-and-DL-expansion-history. */

/* The report on `subject` about these outcomes, in `a` (pointing into
 * `subject`, which must live as long), or NULL when nobody asked to be told
 * any of it. *ret says what content goes with it. */
struct mhs_envelope *q_report_make(struct arena *a,
    const struct q_report_params *p, const struct mhs_envelope *subject,
    const struct q_outcome *outcomes, size_t n, enum q_report_return *ret);

/* The subject once more, for the alternates of recipients that failed; NULL
 * when there are none. `taken` (n elements) says whose outcomes that settles:
 * the others are to be reported. Content is the same. */
struct mhs_envelope *q_report_alternates(struct arena *a,
    const struct q_config *c, const struct mhs_envelope *subject,
    const struct q_outcome *outcomes, size_t n, int64_t now, bool *taken);

#endif
