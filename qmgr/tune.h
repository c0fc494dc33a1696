/*
 * How many is best: a number (of processes of a channel, of connections to a
 * peer) is changed by a step, what that brings is measured, and it is kept if it
 * was worth it. Pure: no clock, `now` is milliseconds.
 *
 * A window counts only if there was more to do than could be done all the time.
 * One more is worth it when it brings a quarter of what one brought on average
 * before; one fewer is as good when it loses less than an eighth of that. After
 * a change the next window is not looked at (connections are being made), and
 * after trials that were in vain the next one waits longer and longer.
 */
#ifndef QMGR_TUNE_H
#define QMGR_TUNE_H

#include <stdbool.h>
#include <stdint.h>

struct tune {
	unsigned min, max; /* equal: it is fixed, and nothing is measured */
	unsigned n;        /* what it is now */
	int64_t window;    /* ms */
	/* what follows is tune.c's */
	unsigned base;        /* what n is compared with */
	double rate;          /* per second with base; 0: not known */
	int64_t begun;        /* of the window; 0: none */
	uint64_t done;        /* in it */
	unsigned rest, pause; /* windows until the next trial; then again */
	int direction;        /* of the trial under way, or of the next one */
	bool trying, settling;
	char why[120]; /* the last decision */
	int64_t at;    /* its time; 0: none yet */
};

/* Begins with the least. min <= max. */
void tune_init(struct tune *t, unsigned min, unsigned max, int64_t window);
/* One more is done; `saturated`: and more waits that n is too small for. True:
 * t->n changed. */
bool tune_done(struct tune *t, int64_t now, bool saturated);
/* The other side could not take it. True: t->n changed. */
bool tune_failed(struct tune *t, int64_t now);

#endif
