/*
 * A bell between a thread and the loop: ringing it (from any thread) has a
 * function called in the loop, once for any number of rings since. Unlike
 * loop_post() it can be taken away again.
 */
#ifndef QMGR_WAKE_H
#define QMGR_WAKE_H

#include "lib/loop.h"

struct q_wake;
struct q_wake *q_wake_new(
    struct loop *l, void (*fn)(void *arg), void *arg, struct err *e);
void q_wake_ring(struct q_wake *w);
/* No call comes after this. */
void q_wake_free(struct q_wake **w);

#endif
