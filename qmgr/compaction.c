/*
 * When the compactor runs: as soon as the files of finished segments take more
 * than twice the octets that are needed in them and SPARE segments. It is told
 * the records of the emptiest ones, a limited number of octets at a time.
 */
#include <stdlib.h>

#include "lib/log.h"
#include "qmgr/qmgr_own.h"

#define SPARE 4    /* segments that may be wasted */
#define GAIN 2     /* segments that one run frees at least */
#define AT_ONCE 8u /* segments' worth of records that one run copies at most */

bool
compaction_due(const struct qmgr *q)
{
	uint64_t spare = SPARE * q->config.spool.segment_size;
	struct q_queue_use use = q_queue_use(q->queue);

	return q->loaded && use.files > 2 * use.live + spare;
}

bool
compaction_begin(struct qmgr *q)
{
	uint64_t size = q->config.spool.segment_size;
	struct q_queue_use use = q_queue_use(q->queue);

	INVARIANT(q->moves == NULL);
	/* enough to be well below the bound afterwards */
	q->n_moves = q_queue_stragglers(q->queue,
	    (use.files - 2 * use.live) / 2 + GAIN * size, AT_ONCE * size,
	    &q->moves);
	if (q->n_moves == 0) {
		free(q->moves);
		q->moves = NULL;
		return false;
	}
	/* what it copies must be recognised when it dies */
	q_queue_keep_segments(q->queue, true);
	log_event(LOG_LEVEL_INFO, "compaction", "records", log_u64(q->n_moves),
	    "files", log_u64(use.files), "live", log_u64(use.live), NULL);
	return true;
}

void
compaction_over(struct qmgr *q, bool clean)
{
	if (clean)
		q_queue_unmoved(q->queue, q->moves, q->n_moves);
	free(q->moves);
	q->moves = NULL;
	q->n_moves = 0;
	q_queue_keep_segments(q->queue, false);
}
