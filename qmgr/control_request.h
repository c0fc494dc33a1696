/*
 * What a client of the control socket asks: one row (qmgr/control_row.h) whose
 * type is the verb, with what the verb needs, and no more. Pure: packed by the
 * client, taken apart and checked by qmgr, which believes nothing of it.
 */
#ifndef QMGR_CONTROL_REQUEST_H
#define QMGR_CONTROL_REQUEST_H

#include "lib/arena.h"
#include "qmgr/queue.h"

#define Q_REQUEST_MAX (64u << 10) /* octets of the line */
#define Q_REQUEST_TARGETS 500
#define Q_REQUEST_TEXT 1024 /* octets of a text */

enum q_verb {
	Q_VERB_LIST,   /* what is queued */
	Q_VERB_SHOW,   /* one message, and each of its recipients */
	Q_VERB_STATUS, /* all but the queue */
	Q_VERB_HOLD,
	Q_VERB_RELEASE,
	Q_VERB_RETRY,
	Q_VERB_REDIRECT,
	Q_VERB_RETURN,
	Q_VERB_DELETE,
	Q_VERB_PRIORITY,
	Q_VERB_STOP,  /* a channel or peer */
	Q_VERB_START, /* it goes on */
	Q_VERB_RETRY_PEER,
	Q_VERBS
};
const char *q_verb_name(enum q_verb verb);
/* Does it change something? */
bool q_verb_acts(enum q_verb verb);

struct q_request_target {
	q_id message;
	uint32_t *v; /* indices of recipients, ascending; n 0: all */
	size_t n;
};

struct q_request {
	enum q_verb verb;
	/* LIST: all of it. Actions on messages: only recipients on that channel,
	 * to that peer. STOP, START, RETRY_PEER: one of the two names. */
	struct q_filter filter;
	/* LIST: which start of qmgr filter.after is of */
	uint64_t epoch;
	struct q_request_target *targets; /* actions on messages; SHOW: one */
	size_t n_targets;
	const char *to_peer;        /* REDIRECT */
	enum q_level level;         /* PRIORITY */
	int32_t reason, diagnostic; /* RETURN: X.411 */
	const char *status, *text;  /* RETURN: RFC 3463; one line */
	/* Actions on messages: the filters by which the client found them, for
	 * the log. NULL: it was given ids. */
	const char *asked;
};

/* Is it "5.x.y" of RFC 3463 (it is over)? */
bool q_request_status(const char *text);
/* Appends the line, with its end. */
void q_request_pack(const struct q_request *r, struct buf *out);
/* Of n octets without the end of the line; p is changed and must live as long
 * as the request; p[n] must be there. ERR_SYNTAX, ERR_LIMIT, or ERR_UNSUPPORTED
 * for a verb that is none. */
int q_request_parse(
    struct arena *a, char *p, size_t n, struct q_request *r, struct err *e);

#endif
