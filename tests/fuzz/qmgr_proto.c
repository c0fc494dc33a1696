/* Any octets as frames of the channel protocol, from either side. */
#include <stdint.h>

#include "qmgr/proto.h"

static void
as_config(struct q_in *in, struct arena *a)
{
	struct q_hello h = {0};

	q_hello_unpack(in, a, &h);
	if (!in->bad)
		conf_unpack(a, in->p, in->n, NULL);
}

static void
as_work(struct q_in *in, struct arena *a)
{
	struct q_work w = {0};

	q_work_unpack(in, a, &w);
}

static void
as_result(struct q_in *in, struct arena *a)
{
	struct q_outcomes o = {0};

	q_outcomes_unpack(in, a, &o);
}

static void
as_summary(struct q_in *in, struct arena *a)
{
	q_summary_unpack(a, in);
}

static void
as_segment(struct q_in *in, struct arena *a)
{
	struct q_segment_news s = {0};

	q_segment_unpack(in, a, &s);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static void (*const take[Q_FRAMES])(struct q_in *, struct arena *) = {
	    [Q_FRAME_CONFIG] = as_config,
	    [Q_FRAME_WORK] = as_work,
	    [Q_FRAME_RESULT] = as_result,
	    [Q_FRAME_SUBMITTED] = as_summary,
	    [Q_FRAME_LOADED] = as_summary,
	    [Q_FRAME_SEGMENT] = as_segment,
	};
	struct arena *a = arena_new();
	struct q_in body;
	size_t total;
	int type;

	while ((type = q_frame_next(p, n, &body, &total, NULL)) > 0) {
		if (take[type] != NULL)
			take[type](&body, a);
		p += total;
		n -= total;
		arena_reset(a);
	}
	arena_free(&a);
	return 0;
}
