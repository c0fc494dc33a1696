/*
 * How much goes through: messages and octets a second, over the last ten
 * seconds, minute and ten minutes. Pure: no clock, `now` is milliseconds.
 *
 * A window is ten slots, the last of which is filling: what is told is the sum of
 * all, divided by the time that they cover. So it lags by no more than a slot,
 * and costs the same however much is counted.
 */
#ifndef QMGR_RATE_H
#define QMGR_RATE_H

#include <stdint.h>

enum rate_window { RATE_10S, RATE_1MIN, RATE_10MIN, RATE_WINDOWS };

#define RATE_SLOTS 10

struct rate { /* all zero to begin with */
	struct rate_slots {
		int64_t slot; /* the one that fills: time over its length */
		uint64_t octets[RATE_SLOTS];
		uint32_t messages[RATE_SLOTS];
	} window[RATE_WINDOWS];
};

struct rate_now {
	double messages, octets; /* a second */
};

void rate_add(struct rate *r, int64_t now, uint64_t octets);
struct rate_now rate_get(const struct rate *r, enum rate_window w, int64_t now);
/* Milliseconds. */
int64_t rate_window_length(enum rate_window w);

#endif
