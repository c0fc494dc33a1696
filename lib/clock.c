#include "lib/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

static struct {
	atomic_bool on;
	msec_t mono;
	int64_t wall;
} frozen;

static int64_t
read_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

msec_t
clock_mono(void)
{
	return frozen.on ? frozen.mono : read_ms(CLOCK_MONOTONIC);
}

int64_t
clock_wall_ms(void)
{
	return frozen.on ? frozen.wall * 1000 : read_ms(CLOCK_REALTIME);
}

int64_t
clock_wall(void)
{
	return clock_wall_ms() / 1000;
}

void
clock_freeze(msec_t mono, int64_t wall)
{
	frozen.mono = mono;
	frozen.wall = wall;
	frozen.on = true;
}

void
clock_thaw(void)
{
	frozen.on = false;
}

char *
clock_format(int64_t wall, char out[CLOCK_TEXT])
{
	time_t t = (time_t)wall;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return out;
}
