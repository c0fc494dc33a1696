/*
 * What submit.c and the loader need of a channel's end of the protocol beyond
 * qmgr/chan.h.
 */
#ifndef QMGR_CHAN_OWN_H
#define QMGR_CHAN_OWN_H

#include "qmgr/chan.h"
#include "qmgr/pipe.h"
#include "qmgr/proto.h"

/* What qmgr said first; good after the config callback was called. */
const struct q_hello *q_chan_hello(const struct q_chan *c);
struct q_pipe *q_chan_pipe(struct q_chan *c);
struct loop *q_chan_loop(const struct q_chan *c);
/* A durable new message or version. */
void q_chan_announce(struct q_chan *c, const struct q_summary *s);
void q_chan_segment(struct q_chan *c, const struct q_segment_news *news);

#endif
