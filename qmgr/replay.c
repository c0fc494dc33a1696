#include "qmgr/replay.h"

#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "qmgr/journal.h"
#include "qmgr/record.h"

static void
forget(void *arg, void *owner)
{
	struct q_replayed *m = owner;
	struct q_replay *r = arg;

	table_remove(&r->messages, &m->node);
	free(m->states);
	free(m);
}

void
q_replay_clear(struct q_replay *r)
{
	table_each(&r->messages, forget, r);
}

void
q_replay_free(struct q_replay *r)
{
	q_replay_clear(r);
	table_free(&r->messages);
}

struct q_replayed *
q_replay_get(const struct q_replay *r, q_id id)
{
	return table_get(&r->messages, id);
}

static struct q_replayed *
get_or_make(struct q_replay *r, q_id id)
{
	struct q_replayed *m = q_replay_get(r, id);

	if (m == NULL) {
		m = xcalloc(1, sizeof(*m));
		table_put(&r->messages, &m->node, id, m);
	}
	return m;
}

static void
finish(struct q_replay *r, q_id id)
{
	struct q_replayed *m = get_or_make(r, id);

	m->finished = true;
	free(m->states);
	m->states = NULL;
	m->n = m->cap = 0;
}

static void
add_state(
    struct q_replay *r, const struct q_entry *x, const uint8_t *p, size_t n)
{
	struct q_replayed *m = get_or_make(r, x->id);

	/* one that was written again after a failure may come late */
	if (m->finished)
		return;
	if (m->n + n > m->cap) {
		m->cap = m->n + n > 2 * m->cap ? m->n + n : 2 * m->cap;
		m->states = xrealloc(m->states, m->cap);
	}
	memcpy(m->states + m->n, p, n);
	m->n += n;
	m->versioned |= x->record != 0;
	m->reporting |= x->state == Q_RCPT_REPORT;
}

static void
take(struct q_replay *r, const struct q_entry *x, const uint8_t *p, size_t n)
{
	r->entries++;
	switch (x->type) {
	case Q_ENTRY_STATE:
	case Q_ENTRY_MARK:
	case Q_ENTRY_WAY: add_state(r, x, p, n); break;
	case Q_ENTRY_FINISHED: finish(r, x->id); break;
	case Q_ENTRY_DONE_SET:
		for (size_t i = 0; i < x->n; i++)
			finish(r, x->id << Q_PLACE_BITS | x->v[i]);
		break;
	case Q_ENTRY_MOVED_SET:
		for (size_t i = 0; i < x->n; i++)
			get_or_make(r, x->id << Q_PLACE_BITS | x->v[i])->moved =
			    true;
		break;
	}
}

int
q_replay_entries(struct q_replay *r, const uint8_t *p, size_t n, struct err *e)
{
	struct arena *a = arena_new();
	int rc = 0;

	while (n > 0) {
		const uint8_t *begin = p;
		struct q_entry x;

		rc = q_entry_unpack(&p, &n, a, &x, e);
		if (rc != 0)
			break;
		take(r, &x, begin, (size_t)(p - begin));
		arena_reset(a);
	}
	arena_free(&a);
	return rc;
}
