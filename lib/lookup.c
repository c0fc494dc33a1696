/*
 * Looking up an address without stopping the loop: what is a name goes to a
 * thread of its own, for getaddrinfo() knows how this machine finds names and
 * cannot be hurried. The thread and the loop share the look-up; who comes
 * last, the delivery or a cancelled thread, frees it.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "lib/arena.h"
#include "lib/log.h"
#include "lib/net_int.h"

#define STACK_SIZE (512 * 1024)

struct net_lookup {
	struct loop *loop;
	net_found_fn *fn;
	void *arg;
	char *address;
	struct net_target target;
	struct net_addresses found;
	struct err err;
	struct loop_timer *soon; /* no thread was needed: delivers it */
	pthread_mutex_t lock;
	bool cancelled; /* under the lock */
};

static void
lookup_free(struct net_lookup *l)
{
	pthread_mutex_destroy(&l->lock);
	free(l->address);
	free(l);
}

static void
add_address(struct net_addresses *a, const struct sockaddr *sa, size_t n)
{
	if (a->n == NET_ADDRESSES_MAX || n > sizeof(a->v[0].sa))
		return;
	memcpy(&a->v[a->n].sa, sa, n);
	a->v[a->n++].len = (socklen_t)n;
}

static int
resolve(struct net_lookup *l, int flags)
{
	struct addrinfo *list;
	int r = net_resolve(l->address, &l->target, flags, &list, &l->err);

	if (r != 0)
		return r;
	for (struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next)
		add_address(&l->found, ai->ai_addr, ai->ai_addrlen);
	freeaddrinfo(list);
	err_clear(&l->err);
	return 0;
}

static void
deliver(void *arg)
{
	struct net_lookup *l = arg;
	bool cancelled;

	/* also waits until the thread has let go of it */
	pthread_mutex_lock(&l->lock);
	cancelled = l->cancelled;
	pthread_mutex_unlock(&l->lock);
	if (!cancelled)
		l->fn(l->arg, l->found.n > 0 ? &l->found : NULL, &l->err);
	lookup_free(l);
}

static void
hand_back(struct net_lookup *l)
{
	bool cancelled;

	pthread_mutex_lock(&l->lock);
	cancelled = l->cancelled;
	if (!cancelled)
		loop_post(l->loop, deliver, l);
	pthread_mutex_unlock(&l->lock);
	if (cancelled)
		lookup_free(l);
}

static void
deliver_soon(void *arg)
{
	((struct net_lookup *)arg)->soon = NULL;
	deliver(arg);
}

static void
answer_soon(struct net_lookup *l)
{
	l->soon = loop_timer_set(l->loop, 0, deliver_soon, l);
}

static void *
look_up(void *arg)
{
	struct net_lookup *l = arg;

	resolve(l, 0);
	hand_back(l);
	return NULL;
}

/* Signals are the loop's. */
static void
start_thread(struct net_lookup *l)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&thread, &attr, look_up, l);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (r == 0)
		return;
	err_set(&l->err, "net", ERR_TEMPORARY,
	    "address \"%.100s\": no thread to look it up: %s", l->address,
	    strerror(r));
	answer_soon(l);
}

struct net_lookup *
net_lookup(struct loop *loop, const char *address, net_found_fn *fn, void *arg)
{
	struct net_lookup *l = xcalloc(1, sizeof(*l));
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	l->loop = loop;
	l->fn = fn;
	l->arg = arg;
	l->address = xstrdup(address);
	l->err = (struct err)ERR_INIT;
	pthread_mutex_init(&l->lock, NULL);
	if (net_split(l->address, &l->target, &l->err) != 0) {
		answer_soon(l);
	} else if (l->target.path != NULL) {
		memcpy(un.sun_path, l->target.path, strlen(l->target.path) + 1);
		add_address(&l->found, (struct sockaddr *)&un, sizeof(un));
		answer_soon(l);
	} else if (resolve(l, AI_NUMERICHOST) == 0) {
		answer_soon(l);
	} else {
		err_clear(&l->err);
		start_thread(l);
	}
	return l;
}

void
net_lookup_cancel(struct net_lookup **lp)
{
	struct net_lookup *l = *lp;

	if (l == NULL)
		return;
	*lp = NULL;
	if (l->soon != NULL) {
		loop_timer_cancel(&l->soon);
		lookup_free(l);
		return;
	}
	pthread_mutex_lock(&l->lock);
	l->cancelled = true;
	pthread_mutex_unlock(&l->lock);
}
