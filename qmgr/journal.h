/*
 * The journal: every change of a recipient's state, written by qmgr alone in
 * SPOOL/journal/<number>.jnl (records of qmgr/record.h), group-committed.
 *
 * An entry says what the state now is, not how it changed, so reading one
 * twice does no harm. A journal that begins with a snapshot stands for all
 * files with lower numbers. docs/QUEUE.md has the crash argument.
 */
#ifndef QMGR_JOURNAL_H
#define QMGR_JOURNAL_H

#include "lib/arena.h"
#include "lib/loop.h"
#include "qmgr/chan.h"
#include "qmgr/spool.h"

enum q_entry_type {
	Q_ENTRY_STATE = 1,    /* of some recipients of a message */
	Q_ENTRY_FINISHED = 2, /* a message: nothing is left to do */
	Q_ENTRY_DONE_SET = 3, /* these records of a segment are finished */
	/* These places of a segment count no more: what was there has a copy
	 * elsewhere. Says nothing about the message. */
	Q_ENTRY_MOVED_SET = 4,
	/* A message's level, and of some recipients whether the operator holds
	 * them. */
	Q_ENTRY_MARK = 5,
	/* Some recipients go to this peer, and their plan begins at its first
	 * step: what STATEs said before of step, version and attempts counts no
	 * more. */
	Q_ENTRY_WAY = 6,
};

enum q_rcpt_state {
	Q_RCPT_PENDING, /* step `step` of its plan is to be done */
	Q_RCPT_REPORT,  /* the outcome is known, and must be reported */
	Q_RCPT_DONE,
};

struct q_entry {
	enum q_entry_type type;
	q_id id; /* DONE_SET, MOVED_SET: number of the segment */
	/* STATE */
	enum q_rcpt_state state;
	unsigned step;     /* of the plan, from 0 */
	q_id record;       /* the version for this step; 0: the original */
	unsigned attempts; /* made at this step */
	int64_t next;      /* not before this wall second; 0: at once */
	bool warned;       /* was told that it takes long */
	struct q_outcome outcome; /* the last one; `recipient` is unused */
	/* MARK */
	enum q_level level;
	bool held;
	/* WAY: configuration names, now and of the peer tried first */
	const char *peer, *from;
	/* the SETs: places (low bits of ids); else recipients */
	const uint32_t *v;
	size_t n;
};

void q_entry_pack(const struct q_entry *x, struct buf *out);
/* The next entry; *p and *n go on behind it. ERR_SYNTAX when it is none. */
int q_entry_unpack(const uint8_t **p, size_t *n, struct arena *a,
    struct q_entry *out, struct err *e);

/* --- writing --- */

struct q_journal_params {
	const char *directory; /* the spool's */
	bool ahead;            /* make the next file before it is needed */
	uint64_t file_size;
	uint64_t first_number;
	uint64_t instance;
	const struct q_io *io; /* NULL: the system's */
};

struct q_journal;
struct q_journal *q_journal_open(
    const struct q_journal_params *p, struct loop *l, struct err *e);
/* Writes what waits; callbacks that are due run before it returns. */
void q_journal_close(struct q_journal **j);
/* Takes the entries (the buf is emptied) and calls done(arg) in the loop once
 * they are durable. A failed write is tried again, in a new file, each second
 * until it succeeds: the facts do not go away. In order, also after failures:
 * what came later waits. Entries that are too many for a record are split,
 * each whole. */
void q_journal_append(struct q_journal *j, struct buf *entries,
    void (*done)(void *arg), void *arg);
/* The same for a snapshot, in order with the entries; once it is durable all
 * older journals go. One that fails is given up. */
void q_journal_snapshot(struct q_journal *j, struct buf *entries);
/* Octets written since the last snapshot was asked for. */
uint64_t q_journal_size(const struct q_journal *j);
bool q_journal_snapshot_running(const struct q_journal *j);

#endif
