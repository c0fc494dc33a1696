/*
 * What qmgr keeps in memory of a message: enough to schedule it, and no more.
 * The process that wrote the record (or the loader that read it) makes the
 * summary from the envelope, because qmgr itself reads no queue file.
 */
#ifndef QMGR_SUMMARY_H
#define QMGR_SUMMARY_H

#include "lib/arena.h"
#include "mhs/envelope.h"
#include "qmgr/level.h"
#include "qmgr/settled.h"
#include "qmgr/spool.h"
#include "qmgr/wire.h"

/* Bits of a recipient. */
#define Q_RCPT_RESPONSIBLE 1  /* else it is no business of ours */
#define Q_RCPT_WANTS_DR 2     /* someone is to be told of delivery */
#define Q_RCPT_WANTS_NDR 4    /* someone is to be told of non-delivery */
#define Q_RCPT_ALTERNATE 8    /* another may be tried before that */
#define Q_RCPT_WANTS_DELAY 16 /* someone is to be told if it takes long */

struct q_summary_rcpt {
	const char *peer; /* NULL: no route; or q_fault_peer() */
	uint8_t flags;
	uint32_t name; /* q_name_key(), to be found by */
};

struct q_summary {
	q_id id;
	q_id place;  /* of its record, where that is not the id; else 0 */
	q_id parent; /* a version: of this; else 0 */
	uint64_t content_file;
	enum mhs_kind kind;
	enum mhs_content content_type;
	enum q_level level;
	int64_t arrival;
	int64_t deferred;    /* not to be delivered before; 0: at once */
	int64_t latest;      /* not to be delivered after; 0: any time */
	uint64_t size;       /* octets of content */
	uint32_t originator; /* q_name_key() */
	struct q_settled settled;
	struct q_summary_rcpt *rcpts;
	size_t n_rcpts;
};

/* The message that this is a version of: what a conversion made; 0: it is none.
 * (A report has a parent too, but is a message of its own.) */
q_id q_version_parent(const struct mhs_envelope *env);

/* Of a message with that envelope; strings stay the envelope's. */
struct q_summary *q_summary_new(struct arena *a, q_id id, uint64_t content_file,
    const struct mhs_envelope *env);
void q_summary_pack(const struct q_summary *s, struct buf *out);
/* NULL when in->bad. */
struct q_summary *q_summary_unpack(struct arena *a, struct q_in *in);

/* Of an O/R name or mailbox as it is compared: without regard to case and to
 * superfluous spaces; of both, the mailbox; of an O/R address, each attribute in
 * its best form, printable first. Never 0. It finds candidates: whoever asks
 * compares the names themselves. */
uint64_t q_name_hash(const struct mhs_name *name);
/* What is kept of it: its low 32 bits; never 0. */
uint32_t q_name_key(uint64_t hash);

/* Is the recipient to be reported on, by the rules of its world? X.411
 * 12.2.1.1.1.4 (originator and originating-MTA report request), RFC 3461 4.1
 * (where NOTIFY is absent, FAILURE and DELAY are meant); never for a report or for the null reverse-path. Bits Q_RCPT_WANTS_*. */
uint8_t q_report_wanted(
    const struct mhs_envelope *env, const struct mhs_recipient *r);

/* The peer of a recipient whose way ends at submission: no name of a <peer>,
 * but the diagnostic. -1 when `peer` is none such. */
#define Q_FAULTS 128
#define Q_REASONS 16 /* of X.411's, that a rejection may have */
const char *q_fault_peer(struct arena *a, int32_t diagnostic);
int32_t q_fault_of(const char *peer);
/* The same of one that the MTA rejected at receipt, with what its report is to
 * say: reason, diagnostic (X.411 codes, the latter not absent) and supplementary
 * information. It has no alternates. */
const char *q_fault_reject(
    struct arena *a, int32_t reason, int32_t diagnostic, const char *text);
/* False: `peer` is none such. *text points into it. */
bool q_fault_rejected(const char *peer, int32_t *reason, const char **text);

#endif
