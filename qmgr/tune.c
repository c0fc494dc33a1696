#include "qmgr/tune.h"

#include <stdio.h>

#include "lib/log.h"

#define PAUSE_MAX 64  /* windows */
#define STEP_PART 8   /* a step is this part of n, so that it can be seen */
#define WORTH 0.25    /* of the average, that one more must bring */
#define AS_GOOD 0.125 /* of the average, that one fewer may lose */

void
tune_init(struct tune *t, unsigned min, unsigned max, int64_t window)
{
	INVARIANT(min > 0 && min <= max);
	*t = (struct tune){
	    .min = min,
	    .max = max,
	    .n = min,
	    .base = min,
	    .window = window,
	    .direction = 1,
	    .pause = 1,
	};
	snprintf(t->why, sizeof(t->why), "%s",
	    min == max ? "fixed" : "not measured yet");
}

static unsigned
stepped(const struct tune *t)
{
	unsigned step = t->base / STEP_PART > 0 ? t->base / STEP_PART : 1;

	if (t->direction > 0)
		return t->max - t->base > step ? t->base + step : t->max;
	return t->base - t->min > step ? t->base - step : t->min;
}

static void
decide(struct tune *t, int64_t now, unsigned n, double rate, bool keep)
{
	snprintf(t->why, sizeof(t->why),
	    "%u rather than %u: %.1f/s with %u, %.1f/s with %u",
	    keep ? n : t->base, keep ? t->base : n, t->rate, t->base, rate, n);
	t->at = now;
}

static void
try_next(struct tune *t)
{
	if (t->base == t->max)
		t->direction = -1;
	if (t->base == t->min)
		t->direction = 1;
	t->n = stepped(t);
	t->trying = t->settling = true;
}

/* The trial was in vain. */
static void
go_back(struct tune *t)
{
	t->n = t->base;
	t->trying = false;
	t->settling = true;
	t->direction = -t->direction;
	t->rest = t->pause;
	t->pause = t->pause * 2 < PAUSE_MAX ? t->pause * 2 : PAUSE_MAX;
}

static void
judge(struct tune *t, int64_t now, double rate)
{
	double step = (double)t->n - t->base; /* negative: fewer */
	double one = t->rate / t->base;
	double least = t->rate + step * one * (step > 0 ? WORTH : AS_GOOD);
	bool keep = rate >= least;

	decide(t, now, t->n, rate, keep);
	if (!keep) {
		go_back(t);
		return;
	}
	t->base = t->n;
	t->rate = rate;
	t->trying = false;
	t->rest = 0;
	t->pause = 1;
}

static void
window_over(struct tune *t, int64_t now)
{
	double rate = (double)t->done * 1000.0 / (double)(now - t->begun);

	if (t->settling) {
		t->settling = false;
		return;
	}
	if (t->trying)
		judge(t, now, rate);
	else
		t->rate = rate;
	if (!t->trying && t->rest > 0)
		t->rest--;
	else if (!t->trying && t->rate > 0)
		try_next(t);
}

bool
tune_done(struct tune *t, int64_t now, bool saturated)
{
	unsigned before = t->n;

	if (t->min == t->max)
		return false;
	if (!saturated || t->begun == 0) {
		t->begun = saturated ? now : 0;
		t->done = 0;
		return false;
	}
	t->done++;
	if (now - t->begun < t->window)
		return false;
	window_over(t, now);
	t->begun = now;
	t->done = 0;
	return t->n != before;
}

bool
tune_failed(struct tune *t, int64_t now)
{
	t->begun = 0;
	if (!t->trying || t->n < t->base)
		return false;
	snprintf(t->why, sizeof(t->why), "%u rather than %u: it failed with %u",
	    t->base, t->n, t->n);
	t->at = now;
	go_back(t);
	return true;
}
