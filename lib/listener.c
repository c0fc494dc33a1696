/*
 * Accepting connections. When the process runs out of descriptors, accepting
 * rests for a second instead of spinning on a socket that stays readable.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/log.h"
#include "lib/net_int.h"

#define ACCEPTS_PER_WAKE 64 /* then other events get their turn */
#define REST_MS 1000

struct loop_listener {
	struct loop *loop;
	int fd;
	void (*fn)(void *arg, int fd, const char *peer);
	void *arg;
	struct loop_watch *watch; /* NULL while paused or resting */
	struct loop_timer *rest;
	bool paused;
	bool *closed; /* set while accepting: the owner may close us */
};

static void on_readable(int fd, void *arg);

static void
apply(struct loop_listener *ll)
{
	if (ll->paused || ll->rest != NULL)
		loop_watch_cancel(&ll->watch);
	else if (ll->watch == NULL)
		ll->watch = loop_watch_read(ll->loop, ll->fd, on_readable, ll);
}

static void
rested(void *arg)
{
	struct loop_listener *ll = arg;

	ll->rest = NULL;
	apply(ll);
}

static bool
is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS ||
	    error == ENOMEM;
}

static void
rest(struct loop_listener *ll, int error)
{
	log_event(
	    LOG_LEVEL_WARN, "accept-rests", "reason", strerror(error), NULL);
	ll->rest = loop_timer_set(ll->loop, REST_MS, rested, ll);
	apply(ll);
}

static void
on_readable(int fd, void *arg)
{
	struct loop_listener *ll = arg;
	struct sockaddr_storage ss;
	bool closed = false;
	char peer[128];
	socklen_t n;
	int s;

	ll->closed = &closed;
	for (int i = 0; i < ACCEPTS_PER_WAKE; i++) {
		n = sizeof(ss);
		s = accept4(fd, (struct sockaddr *)&ss, &n,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (s < 0 && (errno == ECONNABORTED || errno == EINTR))
			continue;
		if (s < 0)
			break;
		ll->fn(ll->arg, s,
		    net_name((struct sockaddr *)&ss, n, peer, sizeof(peer)));
		if (closed)
			return;
		if (ll->paused)
			break;
		errno = 0;
	}
	ll->closed = NULL;
	if (is_shortage(errno))
		rest(ll, errno);
}

struct loop_listener *
loop_listen(struct loop *l, int fd,
    void (*fn)(void *arg, int fd, const char *peer), void *arg)
{
	struct loop_listener *ll = xcalloc(1, sizeof(*ll));
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);

	ll->loop = l;
	ll->fd = fd;
	ll->fn = fn;
	ll->arg = arg;
	/* what it accepts has the same options, at no cost */
	if (getsockname(fd, (struct sockaddr *)&ss, &n) == 0 &&
	    (ss.ss_family == AF_INET || ss.ss_family == AF_INET6))
		net_tune_tcp(fd);
	apply(ll);
	return ll;
}

void
loop_listener_close(struct loop_listener **llp)
{
	struct loop_listener *ll = *llp;

	if (ll == NULL)
		return;
	*llp = NULL;
	if (ll->closed != NULL)
		*ll->closed = true;
	loop_watch_cancel(&ll->watch);
	loop_timer_cancel(&ll->rest);
	close(ll->fd);
	free(ll);
}

void
loop_listener_pause(struct loop_listener *ll, bool paused)
{
	ll->paused = paused;
	apply(ll);
}
