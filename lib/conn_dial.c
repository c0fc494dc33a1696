/*
 * Calling by name: the addresses of a host are looked up, and tried one after
 * the other until one answers. All of it is CONNECTING to the rest of the
 * driver.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/conn_int.h"
#include "lib/log.h"
#include "lib/net_int.h"

#define STEP_MS 10000 /* for an address, while there are others */

struct conn_dial {
	struct net_lookup *lookup; /* NULL: done */
	struct net_addresses found;
	struct err err; /* of the look-up */
	size_t next;    /* address to be tried */
};

void
conn_dial_free(struct conn_dial **d)
{
	if (*d == NULL)
		return;
	net_lookup_cancel(&(*d)->lookup);
	free(*d);
	*d = NULL;
}

bool
conn_dial_next(struct conn *c)
{
	struct conn_dial *d = c->dial;
	int fd = -1;

	if (d == NULL || d->next == d->found.n)
		return false;
	while (fd < 0 && d->next < d->found.n) {
		fd = net_connect_to(
		    (const struct sockaddr *)&d->found.v[d->next].sa,
		    d->found.v[d->next].len);
		d->next++;
	}
	if (fd < 0)
		return false;
	conn_set_fd(c, fd);
	c->give_up = d->next < d->found.n ? clock_mono() + STEP_MS : MSEC_NEVER;
	return true;
}

void
conn_dial_begin(struct conn *c)
{
	struct conn_dial *d = c->dial;

	if (d->lookup != NULL)
		return;
	if (d->found.n == 0)
		conn_broke(c, &d->err);
	else if (!conn_dial_next(c))
		conn_fail(c, "connect", errno);
}

static void
on_found(void *arg, const struct net_addresses *found, const struct err *e)
{
	struct conn *c = arg;

	c->dial->lookup = NULL;
	c->dial->err = *e;
	if (found != NULL)
		c->dial->found = *found;
	conn_wake(c);
}

struct conn *
conn_dial(struct loop *l, const char *address, const struct engine_ops *ops,
    void *engine, void (*gone)(void *arg), void *arg)
{
	struct conn *c = conn_make(l, ops, engine, gone, arg);

	c->dial = xcalloc(1, sizeof(*c->dial));
	c->dial->lookup = net_lookup(l, address, on_found, c);
	return c;
}

struct conn *
conn_dial_addresses(struct loop *l, const struct net_addresses *found,
    const struct engine_ops *ops, void *engine, void (*gone)(void *arg),
    void *arg)
{
	struct conn *c = conn_make(l, ops, engine, gone, arg);

	INVARIANT(found->n > 0 && found->n <= NET_ADDRESSES_MAX);
	c->dial = xcalloc(1, sizeof(*c->dial));
	c->dial->found = *found;
	return c;
}
