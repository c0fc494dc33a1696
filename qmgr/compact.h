/*
 * Copying records out of segments that are mostly dead, so that these can go.
 *
 * A copy is a record of type MOVED, whose header names the id that the record
 * had first; a content in a file of its own stays there, and the copy names it
 * too. Once a copy is durable it stands for what was copied, wherever that
 * still lies: docs/QUEUE.md. For the compactor (compactor.c).
 */
#ifndef QMGR_COMPACT_H
#define QMGR_COMPACT_H

#include "qmgr/proto.h"
#include "qmgr/writer.h"

struct q_compact_params {
	const char *spool; /* directory */
	uint64_t segment_size;
	uint64_t first_number, instance;
	const struct q_io *io; /* NULL: the system's */
};

struct q_compact_ops {
	/* A copy is durable. */
	void (*moved)(void *arg, const struct q_moved *m);
	/* A segment of copies is finished, after all that are in it. */
	void (*segment)(void *arg, const struct q_segment_news *news);
};

struct q_compact_result {
	uint64_t moved, octets;
	uint64_t bad; /* could not be read: they stay where they are */
};

/* Copies the records at these places, those of one segment together. Damaged
 * ones are left and logged. Negative when the copies could not be written;
 * those that were told before are good. */
int q_compact(const struct q_compact_params *p, const q_id *places, size_t n,
    const struct q_compact_ops *ops, void *arg, struct q_compact_result *result,
    struct err *e);

#endif
