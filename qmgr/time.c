#include "qmgr/time.h"

int64_t
q_time_now(struct q_time *t, int64_t mono, int64_t wall)
{
	int64_t half = (mono - t->mono) / 2;

	if (wall < t->now + half) {
		/* asked too often, halves would be lost */
		if (half == 0)
			return t->now;
		wall = t->now + half;
	}
	t->mono = mono;
	t->now = wall;
	return wall;
}
