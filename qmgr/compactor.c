/*
 * NAME
 *	compactor - moves records out of segments that are mostly dead
 * SYNOPSIS
 *	Started by qmgr(8).
 * DESCRIPTION
 *	Copies the records that qmgr names to a new segment, tells where they
 *	are now, and ends; qmgr then gives up the segments that they were in.
 *	Messages that are being worked on are not disturbed: their old place
 *	stays until the work is done.
 * DIAGNOSTICS
 *	"not-moved" for a record that is damaged: it stays, and so does its
 *	segment. "compacted" at the end. Exit code 1 when the copies could not
 *	be written; qmgr tries again later.
 */
#include <stdlib.h>

#include "lib/arena.h"
#include "lib/log.h"
#include "qmgr/chan_own.h"
#include "qmgr/compact.h"
#include "qmgr/config.h"

struct compactor {
	struct loop *loop;
	struct q_chan *chan;
	struct q_config config;
};

static void
on_moved(void *arg, const struct q_moved *m)
{
	struct q_pipe *p = q_chan_pipe(((struct compactor *)arg)->chan);

	q_moved_pack(m, q_pipe_begin(p, Q_FRAME_MOVED));
	q_pipe_end(p);
}

static void
on_segment(void *arg, const struct q_segment_news *news)
{
	q_chan_segment(((struct compactor *)arg)->chan, news);
}

static int
on_config(void *arg, const struct conf_node *root, const struct conf_node *own,
    struct err *e)
{
	static const struct q_compact_ops ops = {on_moved, on_segment};
	struct compactor *c = arg;
	const struct q_hello *hello = q_chan_hello(c->chan);
	struct q_compact_result result;
	struct q_compact_params p;
	int rc;

	(void)own;
	if (q_config_read(root, &c->config, NULL, NULL, e) != 0)
		return e->code;
	p = (struct q_compact_params){
	    .spool = c->config.spool.directory,
	    .segment_size = c->config.spool.segment_size,
	    .first_number = hello->first_number,
	    .instance = hello->instance,
	};
	rc = q_compact(&p, hello->moves, hello->n_moves, &ops, c, &result, e);
	if (rc != 0)
		return ERR_SYSTEM; /* not the configuration's fault */
	log_event(LOG_LEVEL_INFO, "compacted", "records", log_u64(result.moved),
	    "octets", log_u64(result.octets), "not-moved", log_u64(result.bad),
	    NULL);
	loop_stop(c->loop);
	return 0;
}

static void *
compactor_new(struct loop *loop, struct q_chan *chan, const char *name)
{
	struct compactor *c = xcalloc(1, sizeof(*c));

	(void)name;
	c->loop = loop;
	c->chan = chan;
	return c;
}

static void
compactor_free(void *arg)
{
	struct compactor *c = arg;

	q_config_free(&c->config);
	free(c);
}

int
main(int argc, char **argv)
{
	static const struct q_chan_ops ops = {.config = on_config};

	return q_chan_main(
	    argc, argv, "compactor", &ops, compactor_new, compactor_free);
}
