/*
 * The local control socket of qmgr, SPOOL/run/control: what the operator's
 * tools ask of a running switch.
 *
 * A Unix stream socket; the peer must have qmgr's own user id or be root. The
 * client sends one request line; the answer is lines of fields with tabs
 * between them and ends with a line "." (or "!text": refused). Long answers
 * come page by page, as fast as the client reads.
 */
#ifndef QMGR_CONTROL_H
#define QMGR_CONTROL_H

#include "qmgr/spool.h"

/* --- client side: isthmus(1) --- */

/* One mlist: the recipients of one message that go to one peer by one
 * channel. Text is valid during the call. */
struct q_queue_entry {
	q_id message;         /* the record: q_record_open() shows the rest */
	const char *kind;     /* "message", "probe", "report" */
	const char *priority; /* "urgent", "normal", "non-urgent" */
	int64_t arrival;      /* wall seconds */
	uint64_t size;        /* octets of content */
	unsigned recipients;  /* of this mlist */
	const char *channel, *peer;
	/* "ready", "held" (by the peer's errors), "waiting" (until next),
	 * "deferred" (until next, as the originator wished), "active" (a
	 * channel has it) */
	const char *state;
	unsigned attempts;
	int64_t next;      /* wall seconds, 0: as soon as possible */
	const char *error; /* of the last attempt, or "" */
};

/* Returning false ends the listing. */
typedef bool q_queue_fn(void *arg, const struct q_queue_entry *entry);

/* Asks the qmgr behind the socket at `path` for its whole queue and calls fn
 * for each entry. Blocks. 0, or ERR_SYSTEM (no qmgr there), ERR_REFUSED,
 * ERR_SYNTAX. */
int q_control_queue(const char *path, q_queue_fn *fn, void *arg, struct err *e);

/* Counts, as "name value" pairs: messages, ready, waiting, active, loading,
 * segments, and processes by channel. */
typedef bool q_status_fn(void *arg, const char *name, const char *value);
int q_control_status(
    const char *path, q_status_fn *fn, void *arg, struct err *e);

/* --- qmgr's side --- */

struct qmgr;
struct q_control;

/* Listens at `path` (removing a stale socket). The listing reads the queue of
 * `q` while it goes on changing: an entry is as it was when its page was
 * made. */
struct q_control *q_control_open(
    struct qmgr *q, const char *path, struct err *e);
void q_control_close(struct q_control **c);

#endif
