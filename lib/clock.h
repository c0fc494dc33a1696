/*
 * The clock: engines take time as an argument; programs read it here.
 * Monotonic milliseconds serve for time-outs, wall-clock seconds (UTC, Unix
 * epoch) for what goes on the wire or to disk. Tests set both by hand.
 */
#ifndef LIB_CLOCK_H
#define LIB_CLOCK_H

#include <stdint.h>

typedef int64_t msec_t; /* monotonic milliseconds; 0 means "none" */

#define MSEC_NEVER INT64_MAX

msec_t clock_mono(void);  /* milliseconds since an arbitrary point */
int64_t clock_wall(void); /* seconds since 1970-01-01T00:00:00Z */
int64_t clock_wall_ms(void);

/* From here on both clocks stand still at these values (tests only). */
void clock_freeze(msec_t mono, int64_t wall);
void clock_thaw(void);

/* 2026-11-21T23:52:12Z; out has room for CLOCK_TEXT octets. Returns out. */
#define CLOCK_TEXT 32
char *clock_format(int64_t wall, char out[CLOCK_TEXT]);

#endif
