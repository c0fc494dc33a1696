#include "qmgr/chan_gauge.h"

#include <stdlib.h>
#include <string.h>

#define PAUSE 1000 /* ms between two messages to qmgr */

struct gauge {
	struct gauge *next;
	char *peer;
	unsigned in, out;
	unsigned told_in, told_out;
};

struct q_gauges {
	struct loop *loop;
	void (*tell)(void *arg, const struct q_gauge *v, size_t n);
	void *arg;
	struct gauge *all;
	size_t n;
	struct loop_timer *timer; /* until then nothing is told */
	bool changed;
};

struct q_gauges *
q_gauges_new(struct loop *l,
    void (*tell)(void *arg, const struct q_gauge *v, size_t n), void *arg)
{
	struct q_gauges *g = xcalloc(1, sizeof(*g));

	g->loop = l;
	g->tell = tell;
	g->arg = arg;
	return g;
}

static void
drop(struct q_gauges *g, struct gauge **at)
{
	struct gauge *x = *at;

	*at = x->next;
	free(x->peer);
	free(x);
	g->n--;
}

void
q_gauges_free(struct q_gauges **g)
{
	if (*g == NULL)
		return;
	if ((*g)->timer != NULL)
		loop_timer_cancel(&(*g)->timer);
	while ((*g)->all != NULL)
		drop(*g, &(*g)->all);
	free(*g);
	*g = NULL;
}

/* One that came back to what was told is no news. */
static bool
is_news(const struct gauge *x)
{
	return x->in != x->told_in || x->out != x->told_out;
}

static void on_timer(void *arg);

static void
tell(struct q_gauges *g)
{
	struct q_gauge *v = xcalloc(g->n + 1, sizeof(*v));
	struct gauge **at = &g->all, *x;
	size_t n = 0;

	for (x = g->all; x != NULL; x = x->next) {
		if (!is_news(x))
			continue;
		v[n++] = (struct q_gauge){x->peer, x->in, x->out};
		x->told_in = x->in;
		x->told_out = x->out;
	}
	g->changed = false;
	if (n > 0) {
		g->tell(g->arg, v, n);
		g->timer = loop_timer_set(g->loop, PAUSE, on_timer, g);
	}
	free(v);
	while (*at != NULL) {
		if ((*at)->in == 0 && (*at)->out == 0)
			drop(g, at);
		else
			at = &(*at)->next;
	}
}

static void
on_timer(void *arg)
{
	struct q_gauges *g = arg;

	g->timer = NULL;
	if (g->changed)
		tell(g);
}

void
q_gauges_set(struct q_gauges *g, const char *peer, unsigned in, unsigned out)
{
	struct gauge *x = g->all;

	while (x != NULL && strcmp(x->peer, peer) != 0)
		x = x->next;
	if (x == NULL) {
		x = xcalloc(1, sizeof(*x));
		x->peer = xstrdup(peer);
		x->next = g->all;
		g->all = x;
		g->n++;
	}
	x->in = in;
	x->out = out;
	g->changed = true;
	if (g->timer == NULL)
		tell(g);
}
