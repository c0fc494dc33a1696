/*
 * The time by which qmgr does its planning: milliseconds of the wall clock, so
 * that what is journalled or was stamped by a channel compares with it, but
 * never backwards. When the wall clock is set forward this follows at once;
 * when it is set back, this goes at half speed until the two agree.
 */
#ifndef QMGR_TIME_H
#define QMGR_TIME_H

#include <stdint.h>

struct q_time {
	int64_t mono, now; /* ms, when it was last asked for */
};

/* Both clocks, in ms, as they are at present. */
int64_t q_time_now(struct q_time *t, int64_t mono, int64_t wall);

#endif
