/*
 * Whether the spool takes new mail: the state of its file system, judged from
 * the room there is and from what became of the last writes. Each change of
 * state is one line in the log, "spool state=ok|full|readonly|error", however
 * many messages are refused meanwhile.
 */
#ifndef QMGR_HEALTH_H
#define QMGR_HEALTH_H

#include "lib/clock.h"
#include "qmgr/writer.h"

enum q_health_state {
	Q_HEALTH_OK,
	Q_HEALTH_FULL,     /* less room than the low-water mark, or ENOSPC */
	Q_HEALTH_READONLY, /* the file system */
	Q_HEALTH_ERROR,    /* a write or sync failed for another reason */
};

struct q_health {
	enum q_health_state state;
	bool failed;  /* a write did, and none was good since */
	msec_t tried; /* when the last one was let through after that */
};

/* 0, or ERR_TEMPORARY: new mail is to be refused. After a failure one message a
 * second is let through, to see whether it passes. */
int q_health_room(struct q_health *h, const char *directory, uint64_t low_water,
    const struct q_io *io, struct err *e);
/* What became of a write; e->detail is its errno. */
void q_health_failed(struct q_health *h, const struct err *e);
void q_health_good(struct q_health *h);

#endif
