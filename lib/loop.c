#include "lib/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/log.h"

struct post {
	void (*fn)(void *);
	void *arg;
};

struct posts {
	struct post *v;
	size_t n, cap;
};

struct sig {
	struct sig *next;
	struct event *ev;
	void (*fn)(int, void *);
	void *arg;
};

struct loop {
	struct event_base *base;
	struct sig *sigs;
	bool stop;
	/* what other threads asked for; `posted` wakes the loop */
	pthread_mutex_t lock;
	struct posts waiting;
	int posted;
	struct event *ev_posted;
};

static void
run_posts(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;
	struct posts now;
	uint64_t count;

	(void)what;
	if (read((int)fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		log_die("loop: eventfd cannot be read (errno %d)", errno);
	pthread_mutex_lock(&l->lock);
	now = l->waiting;
	l->waiting = (struct posts){0};
	pthread_mutex_unlock(&l->lock);
	for (size_t i = 0; i < now.n; i++)
		now.v[i].fn(now.v[i].arg);
	free(now.v);
}

static struct event_base *
new_base(void)
{
	struct event_config *cfg = event_config_new();
	struct event_base *base;

	if (cfg == NULL)
		log_die("loop: out of memory");
	/* without these, timers may fire some milliseconds early */
	event_config_set_flag(cfg,
	    EVENT_BASE_FLAG_NO_CACHE_TIME | EVENT_BASE_FLAG_PRECISE_TIMER |
		EVENT_BASE_FLAG_NOLOCK);
	base = event_base_new_with_config(cfg);
	event_config_free(cfg);
	if (base == NULL)
		log_die("loop: libevent cannot make an event base");
	return base;
}

static struct event *
new_event(struct loop *l, int fd, short what, event_callback_fn fn, void *arg)
{
	struct event *ev = event_new(l->base, fd, what, fn, arg);

	if (ev == NULL)
		log_die("loop: out of memory for an event");
	return ev;
}

static void
add_event(struct event *ev, const struct timeval *tv)
{
	if (event_add(ev, tv) != 0)
		log_die("loop: an event cannot be added (errno %d)", errno);
}

struct loop *
loop_new(void)
{
	struct loop *l = xcalloc(1, sizeof(*l));

	signal(SIGPIPE, SIG_IGN);
	l->base = new_base();
	pthread_mutex_init(&l->lock, NULL);
	l->posted = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (l->posted < 0)
		log_die("loop: eventfd: errno %d", errno);
	l->ev_posted =
	    new_event(l, l->posted, EV_READ | EV_PERSIST, run_posts, l);
	add_event(l->ev_posted, NULL);
	return l;
}

void
loop_free(struct loop **lp)
{
	struct loop *l = *lp;
	struct sig *s;

	if (l == NULL)
		return;
	*lp = NULL;
	while ((s = l->sigs) != NULL) {
		l->sigs = s->next;
		event_free(s->ev);
		free(s);
	}
	event_free(l->ev_posted);
	close(l->posted);
	free(l->waiting.v);
	pthread_mutex_destroy(&l->lock);
	event_base_free(l->base);
	free(l);
}

struct event_base *
loop_base(struct loop *l)
{
	return l->base;
}

void
loop_run(struct loop *l)
{
	while (!l->stop)
		if (event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0)
			log_die("loop: libevent failed (errno %d)", errno);
	l->stop = false;
}

void
loop_stop(struct loop *l)
{
	/* the flag holds even before loop_run(), the break works inside it */
	l->stop = true;
	event_base_loopbreak(l->base);
}

void
loop_post(struct loop *l, void (*fn)(void *), void *arg)
{
	struct posts *w = &l->waiting;
	uint64_t one = 1;

	pthread_mutex_lock(&l->lock);
	if (w->n == w->cap) {
		w->cap = w->cap > 0 ? w->cap * 2 : 16;
		w->v = xrealloc(w->v, w->cap * sizeof(*w->v));
	}
	w->v[w->n++] = (struct post){fn, arg};
	pthread_mutex_unlock(&l->lock);
	/* EAGAIN means the counter is full: the loop is being woken already */
	if (write(l->posted, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_die("loop: eventfd cannot be written (errno %d)", errno);
}

/* --- timers --- */

struct loop_timer {
	struct event *ev;
	void (*fn)(void *);
	void *arg;
};

static void
timer_fired(evutil_socket_t fd, short what, void *arg)
{
	struct loop_timer t = *(struct loop_timer *)arg;

	(void)fd;
	(void)what;
	free(arg);
	event_free(t.ev);
	t.fn(t.arg);
}

struct loop_timer *
loop_timer_set(struct loop *l, msec_t ms, void (*fn)(void *), void *arg)
{
	struct loop_timer *t = xcalloc(1, sizeof(*t));
	struct timeval tv;

	if (ms < 0)
		ms = 0;
	tv.tv_sec = ms / 1000;
	tv.tv_usec = ms % 1000 * 1000;
	t->fn = fn;
	t->arg = arg;
	t->ev = new_event(l, -1, 0, timer_fired, t);
	add_event(t->ev, &tv);
	return t;
}

void
loop_timer_cancel(struct loop_timer **t)
{
	if (*t == NULL)
		return;
	event_free((*t)->ev);
	free(*t);
	*t = NULL;
}

/* --- watches --- */

struct loop_watch {
	struct event *ev;
	void (*fn)(int, void *);
	void *arg;
};

static void
watch_fired(evutil_socket_t fd, short what, void *arg)
{
	struct loop_watch *w = arg;

	(void)what;
	w->fn((int)fd, w->arg);
}

struct loop_watch *
loop_watch_read(struct loop *l, int fd, void (*fn)(int fd, void *), void *arg)
{
	struct loop_watch *w = xcalloc(1, sizeof(*w));

	w->fn = fn;
	w->arg = arg;
	w->ev = new_event(l, fd, EV_READ | EV_PERSIST, watch_fired, w);
	add_event(w->ev, NULL);
	return w;
}

void
loop_watch_cancel(struct loop_watch **w)
{
	if (*w == NULL)
		return;
	event_free((*w)->ev);
	free(*w);
	*w = NULL;
}

/* --- signals --- */

static void
signal_arrived(evutil_socket_t signo, short what, void *arg)
{
	struct sig *s = arg;

	(void)what;
	s->fn((int)signo, s->arg);
}

void
loop_signal(struct loop *l, int signo, void (*fn)(int, void *), void *arg)
{
	struct sig *s = xcalloc(1, sizeof(*s));

	s->fn = fn;
	s->arg = arg;
	s->ev = new_event(l, signo, EV_SIGNAL | EV_PERSIST, signal_arrived, s);
	add_event(s->ev, NULL);
	s->next = l->sigs;
	l->sigs = s;
}
