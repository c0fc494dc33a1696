/*
 * What the operator stopped: names of channels and peers, remembered over a
 * restart in SPOOL/stopped.
 *
 * The file is text, one "channel NAME" or "peer NAME" a line; it is replaced as a
 * whole, and synced, by a thread. Names that the configuration does not know are
 * kept: they may come back. A file that is not there stops nothing; what is
 * not understood in one is logged and passed over.
 */
#ifndef QMGR_STOPPED_H
#define QMGR_STOPPED_H

#include "lib/loop.h"

struct q_stopped;

/* Reads SPOOL/stopped. ERR_SYSTEM (NULL): there is one that cannot be read. */
struct q_stopped *q_stopped_open(
    struct loop *l, const char *spool, struct err *e);
/* Waits until all is written. */
void q_stopped_close(struct q_stopped **s);

/* Changes it; false: it was so already. done(arg) is called once the file says
 * so, or cannot be made to (rc negative, and why); never from inside this
 * call. What could not be written is tried again each second. */
typedef void q_stopped_done(void *arg, int rc, const struct err *e);
bool q_stopped_set(struct q_stopped *s, const char *kind, const char *name,
    bool stopped, q_stopped_done *done, void *arg);

void q_stopped_each(const struct q_stopped *s,
    void (*fn)(void *arg, const char *kind, const char *name), void *arg);

#endif
