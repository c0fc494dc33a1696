/*
 * How many connections a process has with each peer, told to qmgr when it
 * changes: at once, but at most once a second, and then only what changed.
 * Part of struct q_chan (qmgr/chan.h: q_chan_connections()).
 */
#ifndef QMGR_CHAN_GAUGE_H
#define QMGR_CHAN_GAUGE_H

#include "lib/loop.h"
#include "qmgr/proto.h"

struct q_gauges;

/* `tell` gets what changed, valid during the call. */
struct q_gauges *q_gauges_new(struct loop *l,
    void (*tell)(void *arg, const struct q_gauge *v, size_t n), void *arg);
void q_gauges_free(struct q_gauges **g);
void q_gauges_set(
    struct q_gauges *g, const char *peer, unsigned in, unsigned out);

#endif
