/*
 * The next journal, made before it is needed: a file of zeros, of the size of
 * a journal, in a directory from which the writer takes it by a rename
 * (`recycled` of qmgr/writer.h). So outcomes do not wait while one is filled.
 *
 * A thread makes it, in small pieces with pauses, so that the syncs of the
 * journal that is open come between. It is a convenience: where it cannot be
 * made (a disk with little room) the writer makes its file itself, and its
 * reserve for a full disk is not touched.
 */
#ifndef QMGR_AHEAD_H
#define QMGR_AHEAD_H

#include <stdint.h>

#include "lib/err.h"

struct q_ahead;

/* `size` in octets; file names end in `suffix`. NULL: ERR_SYSTEM. */
struct q_ahead *q_ahead_open(
    const char *directory, const char *suffix, uint64_t size, struct err *e);
/* There is to be one; soon. From any thread. */
void q_ahead_want(struct q_ahead *a);
/* One that is not complete is given up. */
void q_ahead_close(struct q_ahead **a);

#endif
