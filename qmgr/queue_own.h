/*
 * What the files of the queue (queue*.c) share.
 */
#ifndef QMGR_QUEUE_OWN_H
#define QMGR_QUEUE_OWN_H

#include "qmgr/queue.h"
#include "qmgr/rate.h"
#include "qmgr/record.h"
#include "qmgr/table.h"
#include "qmgr/tune.h"

/* An outcome, shared by the recipients that have the same. */
struct last {
	unsigned refs;
	struct q_outcome o; /* texts follow the struct */
};

struct mlist;
struct rcpt {
	struct mlist *mlist; /* on the books with this; NULL: between steps */
	struct last *last;
	q_id record;
	struct target *target; /* NULL: no route; or a fault */
	int64_t next;          /* not before this wall second */
	uint32_t attempts;
	uint8_t state; /* enum q_rcpt_state */
	uint8_t step;
	uint8_t flags;     /* Q_RCPT_* of qmgr/summary.h, and these: */
	bool unjournalled; /* what follows must wait */
	uint32_t name;     /* q_name_key() */
	uint32_t from; /* queue_from(): who was tried first; 0: nobody else */
};

/* `from` of one whose first peer is not configured any more. */
#define FROM_UNKNOWN UINT32_MAX
/* While states are read: it went to a peer that is not configured any more. */
#define FROM_GONE (UINT32_MAX - 1)

#define Q_RCPT_WARNING 32 /* a warning was asked for */
#define Q_RCPT_WARNED 64  /* it is durable */
#define Q_RCPT_HELD 128   /* by the operator, until its outcome is known */

/* Where a step leads: a place in the scheduler's tree. */
struct way {
	struct sched_peer *peer;
	struct mlist *open; /* the one that plan() is filling */
};

/* A peer, and the ways to it. All peers of one channel share the one through
 * the mixer: what they get is the same. */
struct target {
	struct table_node node;
	const struct q_peer_config *config; /* NULL: nowhere, for `fault` */
	int32_t reason, fault;              /* the latter a diagnostic */
	struct way direct, *mixer;
	struct way own_mixer; /* of a peer that gets P2, or may */
	bool p2;              /* it does: configured, or found out */
	struct tune tune;     /* of its connections */
	struct rate rate;
	/* rerouting (queue_reroute.c) */
	struct target *otherwise; /* NULL: its work stays with it */
	int64_t failing;          /* ms, of the first error in a row; 0: none */
	bool away;                /* its work goes to the other */
	uint64_t moved, gone;     /* recipients: not told yet; in all */
};

struct version {
	struct version *next;
	q_id id;
	uint64_t content_file;
};

struct link {
	struct link *next, *prev;
	bool is_cursor;
};

struct message {
	struct link link; /* in the list of all; first */
	struct table_node node;
	q_id id;
	uint64_t content_file;
	int64_t arrival, deferred, latest; /* wall seconds; 0: none */
	uint64_t size;
	struct version *versions;
	struct mlist *mlists;
	uint32_t undone;  /* recipients that are not DONE */
	uint32_t effects; /* journal entries on their way */
	uint64_t sequence;
	uint32_t originator; /* q_name_key() */
	uint8_t kind;        /* enum mhs_kind */
	uint8_t level;       /* enum q_level */
	uint8_t came;        /* the same, as it came: its times go by that */
	uint8_t world;       /* enum q_world */
	bool p22;            /* its content is */
	bool finished;       /* its FINISHED entry is durable */
	uint32_t n_rcpts;
	struct rcpt rcpts[];
};

struct mlist {
	struct sched_mlist s; /* first: the scheduler gives it back */
	struct message *message;
	struct mlist *next, *prev; /* of the message */
	struct table_node node;    /* key: its number; in the table while
	                            * active */
	struct way *way;
	struct target *target; /* of the first recipient; NULL: report */
	q_id record;           /* version to send; 0: the original */
	struct last *error;    /* of the last attempt, or NULL */
	uint32_t *v, n, cap;   /* recipients; v may be &one */
	uint32_t one;
	uint16_t lost; /* how often a channel died with it */
	struct mlist *next_lost;
	uint8_t step;
	bool report;
	bool warning; /* with `report`: not of the end, but that it takes
	               * long; its recipients have other mlists */
};

struct segment {
	struct table_node node;
	uint64_t number;
	uint64_t announced, records; /* records: once finished */
	uint64_t live;
	uint64_t size, end; /* of the file, and of what is in it; 0: unknown */
	uint64_t live_octets;
	struct q_places all;   /* once finished; ascending */
	struct q_places done;  /* records that are not needed */
	struct q_places moved; /* records that have a copy elsewhere */
	struct q_places left;  /* the same, but some work may read them */
	bool finished;
	bool counted; /* in the queue's octets: finished, described, and
	               * something in it could be moved */
};

/* Where a record is that was moved. */
struct moved {
	struct table_node node; /* key: its id */
	q_id place;
};

/* A place that was left, but that works given out before may still read. */
struct leaving {
	struct leaving *next;
	q_id message, place;
	uint64_t before; /* numbers of those works are lower */
};

/* Works that a process died with, while its segments are scanned. */
struct lost {
	struct lost *next;
	uint64_t instance;
	struct mlist *mlists;
};

struct q_queue {
	const struct q_config *config;
	const struct q_queue_ops *ops;
	void *arg;
	struct sched *sched;
	struct sched_chan **chans; /* as config->channels */
	struct way report;
	struct way *by_mixer;   /* as config->channels */
	struct tune *tunes;     /* the same: of processes */
	struct rate *rates;     /* the same */
	struct target *targets; /* as config->peers */
	/* By reason, made when one is needed, and diagnostic. */
	struct target *faults[Q_REASONS];
	struct table by_peer; /* targets by hash of the name */
	struct table messages, active, segments, moved;
	struct leaving *leaving;
	uint64_t file_octets, live_octets; /* of counted segments */
	struct link all;                   /* ring of messages and cursors */
	uint64_t next_number, next_sequence;
	struct link mark; /* how far rerouting has come, while it goes on */
	bool rerouting, reroute_again;
	int64_t next_reroute; /* ms: when to look at the peers */
	int keeping; /* scans under way that need to see every segment */
	struct lost *lost;
};

/* queue_plan.c */
/* Puts on the scheduler's books whatever of the message can go on. */
void queue_plan(struct q_queue *q, struct message *m);
/* What is decided without a channel: recipients that nothing leads to fail, and
 * probes end, before the step that would deliver. */
void queue_settle(struct q_queue *q, struct message *m, int64_t now);
/* Does anything lead to the recipient? */
bool queue_has_way(const struct rcpt *r);
unsigned queue_plan_length(const struct message *m, const struct target *t);
struct mlist *queue_mlist_new(
    struct q_queue *q, struct message *m, struct way *way);
void queue_mlist_add(struct mlist *ml, uint32_t recipient);
/* When a message is given up, ms. */
int64_t queue_expiry(const struct q_queue *q, const struct message *m);
/* Off the books, out of the table, and freed. */
void queue_mlist_drop(struct q_queue *q, struct mlist *ml);
void queue_mlist_free(struct mlist *ml);

/* queue_list.c: what the operator sees */
enum q_view_state queue_view_state(const struct mlist *ml);
/* The same of what is in the peer's queue. */
enum q_view_state queue_peer_view(const struct sched_peer *p);

/* queue_hold.c */
bool queue_is_held(const struct rcpt *r);
/* Of an mlist that is not out: recipients that are held and others part. */
void queue_separate(struct q_queue *q, struct mlist *ml);
/* Recipients v, none of which is out, leave their mlists, and those that are not
 * to be told any more that it takes long the warnings. */
void queue_take_out(struct message *m, const uint32_t *v, size_t n);

/* queue_journal.c */
void queue_set_state(
    struct message *m, struct rcpt *r, enum q_rcpt_state state);
void queue_set_failed(
    struct q_queue *q, struct message *m, struct rcpt *r, struct last *why);
void queue_pack_states(
    const struct message *m, const uint32_t *v, size_t n, struct buf *out);
/* Hands the entries to the journal; v are the recipients that go on after it.
 * Ends the message if that was all. */
void queue_journal(struct q_queue *q, struct message *m, struct buf *entries,
    const uint32_t *v, size_t n);
/* The same, and calls done(arg) (done may be NULL) after what follows. */
void queue_journal_told(struct q_queue *q, struct message *m,
    struct buf *entries, const uint32_t *v, size_t n, void (*done)(void *arg),
    void *arg);
/* MARK (of recipients that are all held, or all not; may be none), and WAY. */
void queue_pack_marks(
    const struct message *m, const uint32_t *v, size_t n, struct buf *out);
void queue_pack_ways(const struct q_queue *q, const struct message *m,
    const uint32_t *v, size_t n, struct buf *out);
void queue_version_over(struct q_queue *q, q_id id, uint64_t content_file);
void queue_message_free(struct q_queue *q, struct message *m);

/* queue_warn.c */
/* When to tell that the recipient's mlist takes long; INT64_MAX: never. */
int64_t queue_warn_time(
    const struct q_queue *q, const struct message *m, const struct rcpt *r);
void queue_overdue(struct q_queue *q, struct mlist *ml);
/* The report channel answered; the mlist is over, or is tried again. */
void queue_warned(
    struct q_queue *q, struct mlist *ml, const struct q_outcomes *o);
void queue_drop_warnings(struct q_queue *q, struct message *m);

/* queue_tune.c */
void queue_tune_setup(struct q_queue *q);
/* An answer came, and the mlist is not off the books yet. */
void queue_tune_result(
    struct q_queue *q, const struct mlist *ml, bool peer_error);

/* queue_rates.c */
void queue_count_result(
    struct q_queue *q, const struct mlist *ml, const struct q_outcomes *o);

/* queue_reroute.c */
void queue_reroute_setup(struct q_queue *q);
/* NULL: it is where it was meant to be, or that peer is not known any more. */
const char *queue_from_name(const struct q_queue *q, uint32_t from);
/* The same of what goes out: NULL also if it goes there after all. */
const char *queue_rerouted_from(const struct q_queue *q, const struct rcpt *r);
/* Recipients v go to t; none of them is on the books. Nothing is journalled. */
void queue_send_to(struct q_queue *q, struct message *m, const uint32_t *v,
    size_t n, struct target *t);
/* Recipients between steps that had better not wait for their peer are sent on;
 * they are planned when that is durable. */
void queue_reroute_new(struct q_queue *q, struct message *m);
/* A peer answered, or made an error. */
void queue_reroute_result(
    struct q_queue *q, const struct mlist *ml, bool peer_error);
/* The mlist came back with an error of its peer; it may be freed. */
void queue_reroute_failed(struct q_queue *q, struct mlist *ml);
/* A peer can be used again: perhaps others wait for it. */
void queue_reroute_usable(struct q_queue *q, const struct target *t);
void queue_reroute_tick(struct q_queue *q);
int64_t queue_reroute_deadline(const struct q_queue *q);

/* queue.c */
/* NULL: no such peer; or one of q->faults. */
struct target *queue_target(struct q_queue *q, const char *peer);

/* queue_settled.c */
/* The record is known to be durable; so what it settles is. */
void queue_settled(struct q_queue *q, const struct q_summary *s);
/* A dead process may have settled it: it waits for the scan, if there is one. */
bool queue_lost_waits(struct q_queue *q, struct mlist *ml, uint64_t instance);
/* The mlists that waited for that scan; linked by next_lost. */
struct mlist *queue_lost_take(struct q_queue *q, uint64_t instance);
void queue_lost_free(struct q_queue *q);

/* queue_segments.c */
bool queue_record_known(const struct q_queue *q, q_id id);
/* `place`: of a record that was moved before; else 0. */
void queue_record_added(struct q_queue *q, q_id id, q_id place);
/* Where the record with that id is. */
q_id queue_record_place(const struct q_queue *q, q_id id);
void queue_record_over(struct q_queue *q, q_id id);
void queue_segments_free(struct q_queue *q);
/* Gives up the places that no work reads any more. */
void queue_segments_tick(struct q_queue *q);

/* queue_last.c */
struct last *last_new(const struct q_outcome *o);
bool last_same(const struct last *l, const struct q_outcome *o);
void last_set(struct last **to, struct last *l); /* counts references */

#endif
