/*
 * What the journals say, read again: for each message that they mention, is it
 * finished, and what is the state of its recipients. Pure; the loader feeds it.
 */
#ifndef QMGR_REPLAY_H
#define QMGR_REPLAY_H

#include "lib/err.h"
#include "qmgr/spool.h"
#include "qmgr/table.h"

struct q_replayed {
	struct table_node node; /* key: id */
	bool finished;
	bool moved;      /* as a place: a copy stands for it */
	bool versioned;  /* a state names a version */
	bool reporting;  /* a recipient's outcome was to be reported */
	bool seen;       /* the loader's: its record was found */
	uint8_t *states; /* packed STATE, MARK, WAY, oldest first */
	size_t n, cap;
};

struct q_replay {
	struct table messages;
	uint64_t entries;
};

void q_replay_free(struct q_replay *r);
/* Forgets everything: a snapshot follows. */
void q_replay_clear(struct q_replay *r);
/* The entries of one journal record. What comes before a bad one counts. */
int q_replay_entries(
    struct q_replay *r, const uint8_t *p, size_t n, struct err *e);
/* NULL: the journals do not mention it. */
struct q_replayed *q_replay_get(const struct q_replay *r, q_id id);

#endif
