/*
 * NAME
 *	loader - reads the queue and tells qmgr what is in it
 * SYNOPSIS
 *	Started by qmgr(8).
 * DESCRIPTION
 *	At a start goes over all journals and segments that were there before,
 *	and streams a summary of each message that is not finished to qmgr,
 *	while new traffic flows; what records say of the recipients of others is
 *	added to the states. When a process that wrote records has died,
 *	goes over its segments only, for records that were committed and that
 *	qmgr was never told of. Recipients whose peer is no longer configured are
 *	routed again.
 *
 *	Damaged records are copied to the directory quarantine of the spool,
 *	each with a text file that says what is wrong with it.
 * DIAGNOSTICS
 *	"quarantined" for each damaged record; "torn-tail-dropped" for a write
 *	that was under way when the system stopped; "record-missing" for a
 *	message that the journals know and no segment has; "loaded" at the end.
 */
#include <stdlib.h>

#include "lib/arena.h"
#include "lib/log.h"
#include "qmgr/chan_own.h"
#include "qmgr/config.h"
#include "qmgr/load.h"

/* qmgr takes its time with what was sent before more is read */
#define FLUSH_TIME (3600 * 1000)
#define FLUSH_EACH 256 /* messages */

struct loader {
	struct loop *loop;
	struct q_chan *chan;
	struct q_config config;
	uint64_t sent;
};

static const char *
way_of(const struct q_config *c, const struct mhs_name *name)
{
	return q_config_list(c, name) != NULL ? Q_PEER_LISTS
					      : q_route(c->routes, name);
}

static void
route_again(void *arg, struct mhs_envelope *env)
{
	struct loader *l = arg;

	for (size_t i = 0; i < env->n_recipients; i++) {
		struct mhs_recipient *r = &env->recipients[i];

		if (r->peer == NULL ||
		    (q_fault_of(r->peer) < 0 &&
			q_config_peer(&l->config, r->peer) == NULL))
			r->peer = way_of(&l->config, &r->name);
	}
}

static void
flush(struct loader *l)
{
	if (++l->sent % FLUSH_EACH == 0)
		q_pipe_flush(q_chan_pipe(l->chan), FLUSH_TIME);
}

static void
on_message(void *arg, const struct q_summary *s, const uint8_t *states,
    size_t n, size_t learned)
{
	struct loader *l = arg;
	struct q_pipe *p = q_chan_pipe(l->chan);
	struct buf *out = q_pipe_begin(p, Q_FRAME_LOADED);

	q_summary_pack(s, out);
	buf_put_u64(out, learned);
	buf_append(out, states, n);
	q_pipe_end(p);
	flush(l);
}

static void
on_version(void *arg, const struct q_summary *s)
{
	struct loader *l = arg;

	q_chan_announce(l->chan, s);
	flush(l);
}

static void
on_moved(void *arg, const struct q_moved *m)
{
	struct loader *l = arg;
	struct q_pipe *p = q_chan_pipe(l->chan);

	q_moved_pack(m, q_pipe_begin(p, Q_FRAME_MOVED));
	q_pipe_end(p);
	flush(l);
}

static void
on_segment(void *arg, const struct q_segment_news *s)
{
	struct loader *l = arg;
	struct q_pipe *p = q_chan_pipe(l->chan);

	q_segment_pack(s, q_pipe_begin(p, Q_FRAME_SEGMENT));
	q_pipe_end(p);
	flush(l);
}

static int
on_config(void *arg, const struct conf_node *root, const struct conf_node *own,
    struct err *e)
{
	static const struct q_load_ops ops = {
	    route_again, on_message, on_version, on_moved, on_segment};
	struct loader *l = arg;
	const struct q_hello *hello = q_chan_hello(l->chan);
	struct q_load_result result;
	struct q_load_params p;
	int rc;

	(void)own;
	if (q_config_read(root, &l->config, NULL, NULL, e) != 0)
		return e->code;
	p = (struct q_load_params){l->config.spool.directory,
	    hello->first_number, hello->scan_instance};
	rc = q_load(&p, &ops, l, &result, e);
	if (rc != 0)
		return rc;
	q_pipe_begin(q_chan_pipe(l->chan), Q_FRAME_LOAD_DONE);
	q_pipe_end(q_chan_pipe(l->chan));
	log_event(LOG_LEVEL_INFO, "loaded", "messages",
	    log_u64(result.messages), "finished", log_u64(result.finished),
	    "corrupt", log_u64(result.corrupt), "torn", log_u64(result.torn),
	    "missing", log_u64(result.missing), NULL);
	loop_stop(l->loop);
	return 0;
}

static void *
loader_new(struct loop *loop, struct q_chan *c, const char *name)
{
	struct loader *l = xcalloc(1, sizeof(*l));

	(void)name;
	l->loop = loop;
	l->chan = c;
	return l;
}

static void
loader_free(void *arg)
{
	struct loader *l = arg;

	q_config_free(&l->config);
	free(l);
}

int
main(int argc, char **argv)
{
	static const struct q_chan_ops ops = {.config = on_config};

	return q_chan_main(argc, argv, "loader", &ops, loader_new, loader_free);
}
