#include "qmgr/wake.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/log.h"

struct q_wake {
	int fd;
	struct loop_watch *watch;
	void (*fn)(void *arg);
	void *arg;
};

static void
on_ring(int fd, void *arg)
{
	struct q_wake *w = arg;
	uint64_t rings;

	if (read(fd, &rings, sizeof(rings)) == sizeof(rings))
		w->fn(w->arg);
}

struct q_wake *
q_wake_new(struct loop *l, void (*fn)(void *arg), void *arg, struct err *e)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	struct q_wake *w;

	if (fd < 0) {
		err_sys(e, "qmgr", "eventfd");
		return NULL;
	}
	w = xcalloc(1, sizeof(*w));
	w->fd = fd;
	w->fn = fn;
	w->arg = arg;
	w->watch = loop_watch_read(l, fd, on_ring, w);
	return w;
}

void
q_wake_ring(struct q_wake *w)
{
	const uint64_t one = 1;

	/* fails only when it has rung 2^64 times already */
	INVARIANT(write(w->fd, &one, sizeof(one)) == sizeof(one));
}

void
q_wake_free(struct q_wake **w)
{
	if (*w == NULL)
		return;
	loop_watch_cancel(&(*w)->watch);
	close((*w)->fd);
	free(*w);
	*w = NULL;
}
