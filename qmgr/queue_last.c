/*
 * Outcomes that many recipients share: one copy, counted.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "qmgr/queue_own.h"

#define TEXT_MAX 512 /* octets that are kept of a peer's words */

/* Without the NUL; not through the middle of a UTF-8 character. */
static size_t
length(const char *s)
{
	size_t n = s != NULL ? strnlen(s, TEXT_MAX + 1) : 0;

	if (n <= TEXT_MAX)
		return n;
	for (n = TEXT_MAX; n > TEXT_MAX - 4; n--)
		if (((uint8_t)s[n] & 0xc0) != 0x80)
			return n;
	return TEXT_MAX;
}

static const char *
copy(char **at, const char *s)
{
	size_t n = length(s);
	char *to = *at;

	if (s == NULL)
		return NULL;
	memcpy(to, s, n);
	to[n] = '\0';
	*at += n + 1;
	return to;
}

/* With no reference yet: last_set() makes the first. */
struct last *
last_new(const struct q_outcome *o)
{
	size_t n =
	    length(o->status) + length(o->text) + length(o->remote_mta) + 3;
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
	size_t n = length(x);

	return x == y ||
	    (x != NULL && y != NULL && n == length(y) && memcmp(x, y, n) == 0);
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
