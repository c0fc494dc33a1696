/*
 * The driver: one socket, one engine. Everything that calls the engine runs
 * from a libevent callback, never from inside a conn_* call, so that neither
 * engine nor owner is entered twice. The life of a connection:
 *
 *   CONNECTING -> OPEN -> LINGER -> CLOSED -> gone()
 *
 * LINGER follows the engine's `finished`: our side is shut down, and what the
 * peer still sends is read and dropped until it closes too. To close at once
 * would make TCP send a reset, which can overtake our last octets (a refusal)
 * in the peer's kernel.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/log.h"
#include "lib/loop.h"

#define READ_SIZE 65536
#define ROUNDS_MAX 16          /* of flush and drained, then others' turn */
#define LINGER_MS 2000         /* waiting for the peer to close */
#define LAST_FLUSH_MS 30000    /* finished, and the peer takes nothing */
#define HALF_CLOSED_MS 120000  /* the peer closed; the engine never ends */
#define TIMER_MAX_MS 86400000L /* asked again after that */

enum conn_state {
	CONN_CONNECTING, /* connect() is under way */
	CONN_OPEN,
	CONN_LINGER, /* shut down by us; the rest of the input is dropped */
	CONN_CLOSED, /* no socket any more; gone() is to come, or came */
};

struct conn {
	const struct engine_ops *ops;
	void *engine;
	void (*gone)(void *arg);
	void *arg;
	int fd;
	enum conn_state state;
	bool eof;         /* the peer has sent all it will */
	bool busy;        /* inside a callback of ours */
	bool woken;       /* ev_wake is active */
	struct buf early; /* read by someone else, not yet given */
	msec_t armed;     /* when ev_timer fires, or MSEC_NEVER */
	msec_t give_up;   /* when the driver ends it, or MSEC_NEVER */
	bool reading, writing;
	struct event *ev_read, *ev_write, *ev_timer, *ev_wake;
	char peer[128];
};

static void
wake_soon(struct conn *c)
{
	if (c->woken)
		return;
	c->woken = true;
	event_active(c->ev_wake, EV_TIMEOUT, 1);
}

static void
set_event(struct event *ev, bool *is, bool want)
{
	if (*is == want)
		return;
	if ((want ? event_add(ev, NULL) : event_del(ev)) != 0)
		log_die("conn: an event cannot be changed (errno %d)", errno);
	*is = want;
}

static void
close_socket(struct conn *c)
{
	set_event(c->ev_read, &c->reading, false);
	set_event(c->ev_write, &c->writing, false);
	event_del(c->ev_timer);
	c->armed = MSEC_NEVER;
	close(c->fd);
	c->fd = -1;
	c->state = CONN_CLOSED;
}

/* Ends it; gone() comes from the loop. */
static void
terminate(struct conn *c)
{
	if (c->state == CONN_CLOSED)
		return;
	close_socket(c);
	wake_soon(c);
}

/* The connection broke. */
static void
fail(struct conn *c, const char *what, int error)
{
	struct err e = ERR_INIT;

	errno = error;
	err_sys(&e, "net", "%s", what);
	c->ops->closed(c->engine, &e, clock_mono());
	terminate(c);
}

static bool
wants_input(const struct conn *c)
{
	return c->state == CONN_OPEN &&
	    (c->ops->wants_input == NULL || c->ops->wants_input(c->engine)) &&
	    !c->ops->finished(c->engine);
}

static void
feed_early(struct conn *c)
{
	struct buf b = c->early;

	if (b.len == 0 || !wants_input(c))
		return;
	c->early = (struct buf){0};
	c->ops->input(c->engine, b.data, b.len, clock_mono());
	buf_free(&b);
}

static void
read_some(struct conn *c)
{
	uint8_t p[READ_SIZE];
	ssize_t n = recv(c->fd, p, sizeof(p), 0);

	if (n > 0) {
		c->ops->input(c->engine, p, (size_t)n, clock_mono());
	} else if (n == 0) {
		c->eof = true;
		c->give_up = clock_mono() + HALF_CLOSED_MS;
		c->ops->closed(c->engine, NULL, clock_mono());
	} else if (errno != EAGAIN && errno != EINTR) {
		fail(c, "read", errno);
	}
}

/* Sending failed; what the peer said before it left may say why. */
static void
hear_last_words(struct conn *c, int error)
{
	uint8_t p[READ_SIZE];
	ssize_t n;

	while (wants_input(c) && (n = recv(c->fd, p, sizeof(p), 0)) > 0)
		c->ops->input(c->engine, p, (size_t)n, clock_mono());
	if (c->state == CONN_OPEN)
		fail(c, "write", error);
}

/* Sends what there is. True: all went, and the engine may have made more. */
static bool
flush(struct conn *c)
{
	struct buf *out = c->ops->output(c->engine);
	ssize_t n;

	if (out->len == 0)
		return false;
	while (out->len > 0) {
		n = send(c->fd, out->data, out->len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return false;
		if (n < 0) {
			hear_last_words(c, errno);
			return false;
		}
		buf_consume(out, (size_t)n);
		if (c->give_up != MSEC_NEVER)
			c->give_up = clock_mono() + LAST_FLUSH_MS;
	}
	if (c->ops->drained == NULL)
		return false;
	c->ops->drained(c->engine, clock_mono());
	return true;
}

static void
enter_linger(struct conn *c)
{
	if (c->eof || c->state == CONN_CONNECTING ||
	    shutdown(c->fd, SHUT_WR) != 0) {
		terminate(c);
		return;
	}
	c->state = CONN_LINGER;
	c->give_up = clock_mono() + LINGER_MS;
}

/* The engine is done: close when its output is out. */
static void
finish(struct conn *c)
{
	if (c->state == CONN_LINGER)
		return;
	if (c->state == CONN_CONNECTING ||
	    c->ops->output(c->engine)->len == 0) {
		enter_linger(c);
	} else if (c->give_up == MSEC_NEVER) {
		c->give_up = clock_mono() + LAST_FLUSH_MS;
	}
}

/* When the engine wants its timeout. */
static msec_t
deadline(const struct conn *c)
{
	msec_t d;

	if (c->state == CONN_LINGER || c->ops->finished(c->engine))
		return MSEC_NEVER;
	d = c->ops->deadline(c->engine);
	return d == 0 ? MSEC_NEVER : d;
}

/* The timer is only ever moved forward in time: one that fires too early
 * costs less than one that is set anew for every PDU. */
static void
arm_timer(struct conn *c)
{
	msec_t at = deadline(c), ms;
	struct timeval tv;

	if (c->give_up < at)
		at = c->give_up;
	if (at >= c->armed)
		return;
	ms = at - clock_mono();
	ms = ms < 1 ? 1 : ms > TIMER_MAX_MS ? TIMER_MAX_MS : ms;
	tv.tv_sec = ms / 1000;
	tv.tv_usec = ms % 1000 * 1000;
	if (event_add(c->ev_timer, &tv) != 0)
		log_die("conn: a timer cannot be set (errno %d)", errno);
	c->armed = at;
}

static void
arm_events(struct conn *c)
{
	bool lingers = c->state == CONN_LINGER;

	set_event(
	    c->ev_read, &c->reading, lingers || (!c->eof && wants_input(c)));
	set_event(c->ev_write, &c->writing,
	    c->state == CONN_CONNECTING ||
		(!lingers && c->ops->output(c->engine)->len > 0));
	arm_timer(c);
}

/* After every turn of the engine: give, send, and arrange to be called. */
static void
settle(struct conn *c)
{
	bool more = true;

	for (int i = 0; more && i < ROUNDS_MAX && c->state == CONN_OPEN; i++) {
		feed_early(c);
		more = c->state == CONN_OPEN && flush(c);
	}
	if (c->state != CONN_CLOSED && c->ops->finished(c->engine))
		finish(c);
	if (c->state == CONN_CLOSED)
		return;
	arm_events(c);
	if (c->early.len > 0 && wants_input(c))
		wake_soon(c);
}

static void
drop_input(struct conn *c)
{
	uint8_t p[READ_SIZE];
	ssize_t n = recv(c->fd, p, sizeof(p), 0);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		terminate(c);
}

static void
on_read(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	c->busy = true;
	if (c->state == CONN_LINGER) {
		drop_input(c);
	} else {
		if (wants_input(c))
			read_some(c);
		settle(c);
	}
	c->busy = false;
}

static void
find_peer(struct conn *c)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);

	if (getpeername(c->fd, (struct sockaddr *)&ss, &n) != 0)
		return;
	/* the client's end of a Unix socket rarely has a name; ours does */
	if (ss.ss_family == AF_UNIX && n <= sizeof(ss.ss_family)) {
		n = sizeof(ss);
		if (getsockname(c->fd, (struct sockaddr *)&ss, &n) != 0)
			return;
	}
	net_name((struct sockaddr *)&ss, n, c->peer, sizeof(c->peer));
}

static void
on_connected(struct conn *c)
{
	int error = 0;
	socklen_t n = sizeof(error);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
		error = errno;
	if (error != 0) {
		fail(c, "connect", error);
		return;
	}
	c->state = CONN_OPEN;
	find_peer(c);
}

static void
on_write(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	c->busy = true;
	if (c->state == CONN_CONNECTING)
		on_connected(c);
	settle(c);
	c->busy = false;
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	msec_t now = clock_mono();

	(void)fd;
	(void)what;
	c->busy = true;
	c->armed = MSEC_NEVER;
	if (now >= c->give_up)
		terminate(c);
	else if (now >= deadline(c))
		c->ops->timeout(c->engine, now);
	settle(c);
	c->busy = false;
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	c->woken = false;
	if (c->state == CONN_CLOSED) {
		c->gone(c->arg); /* frees c */
		return;
	}
	c->busy = true;
	settle(c);
	c->busy = false;
}

static struct event *
new_event(struct loop *l, int fd, short what, event_callback_fn fn, void *arg)
{
	struct event *ev = event_new(loop_base(l), fd, what, fn, arg);

	if (ev == NULL)
		log_die("conn: out of memory for an event");
	return ev;
}

struct conn *
conn_new(struct loop *l, int fd, const struct engine_ops *ops, void *engine,
    void (*gone)(void *arg), void *arg)
{
	struct conn *c = xcalloc(1, sizeof(*c));

	c->ops = ops;
	c->engine = engine;
	c->gone = gone;
	c->arg = arg;
	c->fd = fd;
	c->armed = c->give_up = MSEC_NEVER;
	c->ev_read = new_event(l, fd, EV_READ | EV_PERSIST, on_read, c);
	c->ev_write = new_event(l, fd, EV_WRITE | EV_PERSIST, on_write, c);
	c->ev_timer = new_event(l, -1, 0, on_timer, c);
	c->ev_wake = new_event(l, -1, 0, on_wake, c);
	find_peer(c);
	/* without a peer it is still connecting, or broken already: both show
	 * when it gets writable */
	c->state = c->peer[0] != '\0' ? CONN_OPEN : CONN_CONNECTING;
	wake_soon(c);
	return c;
}

void
conn_unread(struct conn *c, const uint8_t *p, size_t n)
{
	buf_append(&c->early, p, n);
	conn_wake(c);
}

void
conn_wake(struct conn *c)
{
	if (c->state != CONN_CLOSED && !c->busy)
		wake_soon(c);
}

void
conn_kill(struct conn *c)
{
	terminate(c);
}

void
conn_free(struct conn **cp)
{
	struct conn *c = *cp;

	if (c == NULL)
		return;
	INVARIANT(!c->busy);
	*cp = NULL;
	if (c->state != CONN_CLOSED)
		close_socket(c);
	event_free(c->ev_read);
	event_free(c->ev_write);
	event_free(c->ev_timer);
	event_free(c->ev_wake);
	buf_free(&c->early);
	free(c);
}

const char *
conn_peer(const struct conn *c)
{
	return c->peer[0] != '\0' ? c->peer : "-";
}
