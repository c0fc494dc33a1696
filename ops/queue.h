/*
 * What the files of `isthmus queue` share (cmd_queue.c, queue_*.c): the options,
 * and which messages they mean.
 *
 * Channel, peer, level, state, kind and age are looked at by qmgr. Addresses are
 * compared here, with the records in the spool: qmgr keeps none, only hashes by
 * which it finds candidates for an exact one.
 */
#ifndef OPS_QUEUE_H
#define OPS_QUEUE_H

#include "ops/control.h"
#include "ops/text.h"

struct queue_options {
	struct control_options common;
	bool full, yes, all;
	/* filters */
	const char *channel, *peer, *from, *to, *older, *newer, *level, *state,
	    *kind;
	/* list */
	const char *limit, *after;
	/* show */
	bool content, header, raw;
	/* actions */
	const char *to_peer, *reason, *status, *diagnostic;
};

/* An address that is looked for. */
struct queue_address {
	const char *text;
	struct mhs_name exact; /* both NULL: `text` is a pattern, or a part */
};

/* What the filters mean. */
struct queue_match {
	struct q_request list;
	struct queue_address from, to; /* text NULL: any */
};

/* False after a complaint, with the exit code. */
bool queue_match_read(struct arena *a, const struct cmd *c,
    const struct queue_options *o, struct queue_match *m, int *code);
/* "-n"; false: it is no number. */
bool queue_limit_read(const char *text, size_t *limit);
/* Is any filter given? */
bool queue_match_any(const struct queue_options *o);
/* Must records be read to know? */
bool queue_match_reads(const struct queue_match *m);
/* Is it that address? Scratch memory is the arena's. */
bool queue_address_is(struct arena *a, const struct queue_address *x,
    const struct mhs_name *name);
/* That of a report is <>. */
const struct mhs_name *queue_originator(const struct mhs_envelope *env);
/* The record's originator is meant, and some of the recipients v (n of them),
 * of which those that are meant stay. */
bool queue_match_record(const struct queue_match *m, const struct q_record *r,
    uint32_t *v, size_t *n);

/* The spool, to read records; NULL when it cannot be read, with the reason. */
struct q_spool *queue_spool(const struct control *c, struct err *e);
/* The record of a row: at "place" if it has one, else at "id". */
int queue_record(struct q_spool *s, const struct q_row *row,
    struct q_record **out, struct err *e);
/* "N records read", on a terminal's standard error, now and then. */
struct queue_progress {
	size_t n;
	int64_t told; /* ms; when it began, or was told last */
	bool shown;
};
void queue_progress(struct queue_progress *p);
/* Something else is to be printed, or it is over. */
void queue_progress_clear(struct queue_progress *p);

/* The recipients of an entry, in the arena. */
size_t queue_indices(struct arena *a, const struct q_row *row, uint32_t **v);

/* The subcommands; args are what follows the verb. They return an exit code. */
struct queue_call {
	const struct cmd *cmd;
	const struct queue_options *o;
	enum q_verb verb;
	char **args;
	int n;
};
int queue_list(const struct queue_call *q);
int queue_show(const struct queue_call *q);
int queue_act(const struct queue_call *q);

#endif
