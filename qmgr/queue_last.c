/*
 * Outcomes that many recipients share: one copy, counted.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "qmgr/queue_own.h"

static size_t
length(const char *s)
{
	return s != NULL ? strlen(s) + 1 : 0;
}

static const char *
copy(char **at, const char *s)
{
	size_t n = length(s);
	const char *to = *at;

	if (s == NULL)
		return NULL;
	memcpy(*at, s, n);
	*at += n;
	return to;
}

/* With no reference yet: last_set() makes the first. */
struct last *
last_new(const struct q_outcome *o)
{
	size_t n = length(o->status) + length(o->text) + length(o->remote_mta);
	struct last *l = xmalloc(sizeof(*l) + n);
	char *at = (char *)(l + 1);

	l->refs = 0;
	l->o = *o;
	l->o.recipient = 0;
	l->o.status = copy(&at, o->status);
	l->o.text = copy(&at, o->text);
	l->o.remote_mta = copy(&at, o->remote_mta);
	return l;
}

static bool
same_text(const char *x, const char *y)
{
	return x == y || (x != NULL && y != NULL && strcmp(x, y) == 0);
}

bool
last_same(const struct last *l, const struct q_outcome *o)
{
	return l != NULL && l->o.result == o->result &&
	    l->o.reason == o->reason && l->o.diagnostic == o->diagnostic &&
	    l->o.at == o->at && same_text(l->o.status, o->status) &&
	    same_text(l->o.text, o->text) &&
	    same_text(l->o.remote_mta, o->remote_mta);
}

void
last_set(struct last **to, struct last *l)
{
	struct last *old = *to;

	if (l != NULL)
		l->refs++;
	*to = l;
	if (old != NULL && --old->refs == 0)
		free(old);
}
