/*
 * The driver: one socket, one engine. Everything that calls the engine runs
 * from a libevent callback, never from inside a conn_* call, so that neither
 * engine nor owner is entered twice. The life of a connection:
 *
 *   CONNECTING -> [HANDSHAKE ->] OPEN -> LINGER -> CLOSED -> gone()
 *
 * HANDSHAKE is TLS being agreed; an OPEN connection gets there too, once the
 * octets that it still owes in plain are out.
 *
 * LINGER follows the engine's `finished`: our side is shut down, and what the
 * peer still sends is read and dropped until it closes too. To close at once
 * would make TCP send a reset, which can overtake our last octets (a refusal)
 * in the peer's kernel.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/conn_int.h"
#include "lib/log.h"

#define ROUNDS_MAX 16          /* of flush and drained, then others' turn */
#define TIMER_MAX_MS 86400000L /* asked again after that */

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
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	conn_dial_free(&c->dial);
	c->state = CONN_CLOSED;
}

/* Ends it; gone() comes from the loop. */
void
conn_terminate(struct conn *c)
{
	if (c->state == CONN_CLOSED)
		return;
	close_socket(c);
	wake_soon(c);
}

static void
feed_early(struct conn *c)
{
	struct buf b = c->early;

	if (b.len == 0 || !conn_wants_input(c))
		return;
	c->early = (struct buf){0};
	c->ops->input(c->engine, b.data, b.len, clock_mono());
	buf_free(&b);
}

/* Ends a connection in good order: with TLS, close_notify goes first. */
static void
say_goodbye(struct conn *c)
{
	if (c->state == CONN_OPEN && c->secure &&
	    tls_link_bye(c->tls) == TLS_WANT_WRITE)
		c->need_write = true;
	else
		conn_linger(c);
}

/* The engine is done: close when its output is out. */
static void
finish(struct conn *c)
{
	if (c->state == CONN_LINGER)
		return;
	if (c->state != CONN_OPEN || conn_unsent(c) == 0)
		say_goodbye(c);
	if (c->state == CONN_OPEN && c->give_up == MSEC_NEVER)
		c->give_up = clock_mono() + LAST_FLUSH_MS;
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

/* An engine that wants no input for a moment often gets none: reading is given
 * up only when it was called for in vain. */
static bool
goes_on_reading(const struct conn *c)
{
	return !c->eof && (conn_wants_input(c) || (c->reading && !c->in_vain));
}

static void
arm_events(struct conn *c)
{
	bool lingers = c->state == CONN_LINGER;
	bool sends =
	    c->state == CONN_OPEN && conn_unsent(c) > 0 && !c->need_read;

	set_event(c->ev_read, &c->reading,
	    lingers || c->need_read || goes_on_reading(c));
	set_event(c->ev_write, &c->writing,
	    (c->state == CONN_CONNECTING && c->fd >= 0) || sends ||
		(!lingers && c->need_write));
	arm_timer(c);
}

static void
handshake(struct conn *c)
{
	struct err e = ERR_INIT;
	enum tls_result r = tls_link_handshake(c->tls, &e);

	conn_take_needs(c, r);
	if (r == TLS_FAILED) {
		conn_fail_tls(c, &e);
	} else if (r == TLS_DONE) {
		c->secure = c->more = true;
		c->state = CONN_OPEN;
		c->give_up = MSEC_NEVER;
	}
}

/* Was TLS asked for, and is nothing owed in plain any more? */
static bool
owes_handshake(const struct conn *c)
{
	return c->state == CONN_OPEN && c->tls != NULL && !c->secure &&
	    conn_unsent(c) == 0;
}

static void
start_handshake(struct conn *c)
{
	c->state = CONN_HANDSHAKE;
	tls_link_attach(c->tls, c->fd);
	c->give_up = clock_mono() + tls_link_patience(c->tls);
	handshake(c);
}

/* After every turn of the engine: give, send, and arrange to be called. */
static void
settle(struct conn *c)
{
	bool more = true;

	if (c->state == CONN_HANDSHAKE)
		handshake(c);
	for (int i = 0; more && i < ROUNDS_MAX && c->state == CONN_OPEN; i++) {
		feed_early(c);
		more = c->state == CONN_OPEN && conn_flush(c);
	}
	if (owes_handshake(c))
		start_handshake(c);
	if (c->state != CONN_CLOSED && c->ops->finished(c->engine))
		finish(c);
	if (c->state == CONN_CLOSED)
		return;
	arm_events(c);
	if ((c->early.len > 0 || c->more) && conn_wants_input(c))
		wake_soon(c);
}

static void
drop_input(struct conn *c)
{
	uint8_t p[READ_SIZE];
	ssize_t n = recv(c->fd, p, sizeof(p), 0);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		conn_terminate(c);
}

/* Every callback starts here: whatever the socket became, what TLS waits for
 * is tried again. */
static void
begin(struct conn *c, bool readable)
{
	bool reads = readable || c->more || c->need_write;

	c->busy = true;
	c->need_read = c->need_write = false;
	if (reads && !c->eof && conn_wants_input(c))
		conn_read_some(c);
}

static void
on_read(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	c->in_vain = !conn_wants_input(c);
	begin(c, true);
	if (c->state == CONN_LINGER)
		drop_input(c);
	else
		settle(c);
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
		errno = error;
		if (!conn_dial_next(c))
			conn_fail(c, "connect", errno);
		return;
	}
	c->give_up = MSEC_NEVER;
	c->state = CONN_OPEN;
	find_peer(c);
}

static void
on_write(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	begin(c, false);
	if (c->state == CONN_CONNECTING)
		on_connected(c);
	settle(c);
	c->busy = false;
}

static void
out_of_time(struct conn *c)
{
	struct err e = ERR_INIT;

	if (c->state == CONN_CONNECTING && conn_dial_next(c))
		return;
	if (c->state != CONN_HANDSHAKE) {
		conn_terminate(c);
		return;
	}
	err_set(&e, "tls", ERR_TEMPORARY, "handshake: not done within %d ms",
	    (int)tls_link_patience(c->tls));
	conn_fail_tls(c, &e);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	msec_t now = clock_mono();

	(void)fd;
	(void)what;
	begin(c, false);
	c->armed = MSEC_NEVER;
	if (now >= c->give_up)
		out_of_time(c);
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
	begin(c, false);
	if (c->state == CONN_CONNECTING && c->fd < 0)
		conn_dial_begin(c);
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
conn_make(struct loop *l, const struct engine_ops *ops, void *engine,
    void (*gone)(void *arg), void *arg)
{
	struct conn *c = xcalloc(1, sizeof(*c));

	c->loop = l;
	c->ops = ops;
	c->engine = engine;
	c->gone = gone;
	c->arg = arg;
	c->fd = -1;
	c->armed = c->give_up = MSEC_NEVER;
	c->state = CONN_CONNECTING;
	c->ev_timer = new_event(l, -1, 0, on_timer, c);
	c->ev_wake = new_event(l, -1, 0, on_wake, c);
	wake_soon(c);
	return c;
}

static void
free_events(struct conn *c)
{
	if (c->ev_read != NULL)
		event_free(c->ev_read);
	if (c->ev_write != NULL)
		event_free(c->ev_write);
	c->ev_read = c->ev_write = NULL;
	c->reading = c->writing = false;
}

void
conn_set_fd(struct conn *c, int fd)
{
	free_events(c);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = fd;
	c->ev_read = new_event(c->loop, fd, EV_READ | EV_PERSIST, on_read, c);
	c->ev_write =
	    new_event(c->loop, fd, EV_WRITE | EV_PERSIST, on_write, c);
}

struct conn *
conn_new(struct loop *l, int fd, const struct engine_ops *ops, void *engine,
    void (*gone)(void *arg), void *arg)
{
	struct conn *c = conn_make(l, ops, engine, gone, arg);

	conn_set_fd(c, fd);
	find_peer(c);
	/* without a peer it is still connecting, or broken already: both show
	 * when it gets writable */
	if (c->peer[0] != '\0')
		c->state = CONN_OPEN;
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

static void
begin_tls(struct conn *c, struct tls_link *l)
{
	INVARIANT(c->tls == NULL);
	c->tls = l;
	if (c->crossed)
		c->plain = c->ops->output(c->engine)->len;
	buf_free(&c->early);
	conn_wake(c);
}

void
conn_start_tls(struct conn *c, struct tls *tls, bool server, const char *name)
{
	begin_tls(c, tls_link_new(tls, server, name));
}

void
conn_start_tls_client(
    struct conn *c, struct tls *tls, const struct conn_tls_client *p)
{
	struct tls_link *l = tls_link_new(tls, false, p->name);

	tls_link_verify(l, p->verify);
	if (p->setup != NULL)
		tls_link_setup(l, p->setup, p->arg);
	begin_tls(c, l);
}

const struct tls_peer *
conn_tls(const struct conn *c)
{
	return c->tls != NULL && c->secure ? tls_link_peer(c->tls) : NULL;
}

bool
conn_tls_is(const struct conn *c, const char *name)
{
	return c->tls != NULL && c->secure && tls_link_is(c->tls, name);
}

void
conn_kill(struct conn *c)
{
	conn_terminate(c);
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
	free_events(c);
	event_free(c->ev_timer);
	event_free(c->ev_wake);
	buf_free(&c->early);
	tls_link_free(&c->tls);
	free(c);
}

const char *
conn_peer(const struct conn *c)
{
	return c->peer[0] != '\0' ? c->peer : "-";
}
