#include "qmgr/rate.h"

static const int64_t slot_length[RATE_WINDOWS] = {
    [RATE_10S] = 1000, [RATE_1MIN] = 6000, [RATE_10MIN] = 60000};

int64_t
rate_window_length(enum rate_window w)
{
	return slot_length[w] * RATE_SLOTS;
}

/* Slots between the one that filled last and this one are empty. */
static void
move_on(struct rate_slots *s, int64_t slot)
{
	int64_t at = s->slot + 1;

	if (slot - s->slot > RATE_SLOTS)
		at = slot - RATE_SLOTS + 1;
	for (; at <= slot; at++) {
		s->messages[at % RATE_SLOTS] = 0;
		s->octets[at % RATE_SLOTS] = 0;
	}
	/* a clock that was set back: it all counts as now */
	if (slot > s->slot)
		s->slot = slot;
}

void
rate_add(struct rate *r, int64_t now, uint64_t octets)
{
	for (unsigned w = 0; w < RATE_WINDOWS; w++) {
		struct rate_slots *s = &r->window[w];

		move_on(s, now / slot_length[w]);
		s->messages[s->slot % RATE_SLOTS]++;
		s->octets[s->slot % RATE_SLOTS] += octets;
	}
}

struct rate_now
rate_get(const struct rate *r, enum rate_window w, int64_t now)
{
	const struct rate_slots *s = &r->window[w];
	int64_t slot = now / slot_length[w];
	double seconds;
	struct rate_now sum = {0};

	if (slot < s->slot) {
		slot = s->slot;
		now = (slot + 1) * slot_length[w];
	}
	for (int64_t at = slot - RATE_SLOTS + 1; at <= s->slot; at++) {
		if (at < 0)
			continue;
		sum.messages += s->messages[at % RATE_SLOTS];
		sum.octets += (double)s->octets[at % RATE_SLOTS];
	}
	/* nine whole ones, and what there is of the tenth */
	seconds =
	    (double)((RATE_SLOTS - 1) * slot_length[w] + now % slot_length[w]) /
	    1000;
	sum.messages /= seconds;
	sum.octets /= seconds;
	return sum;
}
