/* The RFC 1006 listener, less its main program. */
#include "osi/iaed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/log.h"
#include "osi/cotp.h"

/* A burst of callers fills the sockets of the channel's processes; those take
 * thousands a second. What waits is tried again so often, and so long. */
#define RETRY_MS 10
#define PATIENCE_MS 5000

struct service {
	struct osi_sel tsel;
	const char *channel;
};

/* One process of a channel. */
struct target {
	const char *channel;
	int fd;
	struct target *next;
};

/* A connection that waits for its CR, or for room at its channel. */
struct caller {
	struct iaed *iaed;
	struct listener *listener;
	int fd;
	char *peer;
	struct loop_watch *watch;
	struct loop_timer *timer;
	msec_t give_up; /* waits for room until then; 0: not */
	uint8_t data[IAED_READ_MAX];
	size_t n;
	struct caller *next, **back;
};

struct listener {
	struct iaed *iaed;
	struct iaed_listen params;
	struct loop_listener *ll; /* NULL: closed */
	size_t n_callers;
};

struct iaed {
	struct loop *loop;
	struct iaed_limits limits;
	struct arena *arena; /* services and names */
	struct service *services;
	size_t n_services;
	struct listener **listeners;
	size_t n_listeners;
	const char **attached; /* channels that had a process once */
	size_t n_attached;
	struct target *targets; /* the one next in turn comes first */
	struct caller *callers;
	size_t n_callers;
	void (*waiting)(void *arg, size_t n); /* or NULL */
	void *waiting_arg;
	bool stopped;
};

struct iaed *
iaed_new(struct loop *l, const struct iaed_limits *limits)
{
	struct iaed *i = xcalloc(1, sizeof(*i));

	i->loop = l;
	i->limits = *limits;
	i->arena = arena_new();
	return i;
}

static bool
is_full(const struct listener *l)
{
	return l->iaed->n_callers >= l->iaed->limits.connections ||
	    (l->params.connections > 0 &&
		l->n_callers >= l->params.connections);
}

/* Each accepts while it, and all together, have room. */
static void
apply_limits(struct iaed *i)
{
	for (size_t k = 0; k < i->n_listeners; k++)
		if (i->listeners[k]->ll != NULL)
			loop_listener_pause(
			    i->listeners[k]->ll, is_full(i->listeners[k]));
}

/* Ends our part in a connection; the socket is closed. */
static void
tell_waiting(const struct iaed *i)
{
	if (i->waiting != NULL)
		i->waiting(i->waiting_arg, i->n_callers);
}

static void
caller_end(struct caller *c)
{
	struct iaed *i = c->iaed;
	bool was_full = is_full(c->listener);

	loop_watch_cancel(&c->watch);
	loop_timer_cancel(&c->timer);
	close(c->fd);
	*c->back = c->next;
	if (c->next != NULL)
		c->next->back = c->back;
	i->n_callers--;
	c->listener->n_callers--;
	tell_waiting(i);
	free(c->peer);
	free(c);
	if (was_full)
		apply_limits(i);
}

static void
refuse(struct caller *c, enum cotp_reason reason)
{
	struct buf dr = {0};

	cotp_refuse_cr(c->data, c->n, reason, &dr);
	/* eleven octets into an empty socket buffer: they go, or the peer is
	 * gone */
	if (dr.len > 0 &&
	    send(c->fd, dr.data, dr.len, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
		shutdown(c->fd, SHUT_WR);
	buf_free(&dr);
	caller_end(c);
}

static void
refuse_and_log(struct caller *c, enum cotp_reason reason, const char *event,
    const struct osi_sel *called, const char *channel)
{
	char text[2 * OSI_SEL_MAX + 3];

	log_event(LOG_LEVEL_WARN, event, "peer", c->peer, "tsel",
	    osi_sel_text(called, text, sizeof(text)), "channel", channel, NULL);
	refuse(c, reason);
}

/* --- handing over --- */

static void
drop_target(struct target **at)
{
	struct target *t = *at;

	*at = t->next;
	close(t->fd);
	free(t);
}

/* To the end of the list: others come first next time. */
static void
send_to_back(struct target **at)
{
	struct target *t = *at, **end;

	*at = t->next;
	t->next = NULL;
	for (end = at; *end != NULL; end = &(*end)->next)
		;
	*end = t;
}

static void
put_handoff(const struct caller *c, struct buf *out)
{
	buf_put_u32(out, (uint32_t)c->n);
	buf_append(out, c->data, c->n);
	if (c->listener->params.tls != NULL)
		buf_puts(out, c->listener->params.tls);
}

int
iaed_handoff_parse(
    const uint8_t *p, size_t n, struct octets *out, struct err *e)
{
	uint32_t count;

	if (n < 4)
		return err_set(e, "iaed", ERR_SYNTAX,
		    "handed-over connection without its octet count");
	count = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
	if (count > n - 4 || n - 4 - count > IAED_TLS_NAME_MAX)
		return err_set(e, "iaed", ERR_SYNTAX,
		    "handed-over connection with %zu octets, %u announced",
		    n - 4, count);
	*out = (struct octets){.p = p + 4, .n = count};
	return 0;
}

bool
iaed_handoff_tls(const uint8_t *p, size_t n, char out[IAED_TLS_NAME_MAX + 1])
{
	struct octets read = {0};

	if (iaed_handoff_parse(p, n, &read, NULL) != 0)
		return false;
	n -= 4 + read.n;
	memcpy(out, read.p + read.n, n);
	out[n] = '\0';
	return n > 0;
}

/* Gives the connection to a process of the channel that takes it. Returns 0,
 * ERR_NOT_FOUND when none runs, ERR_TEMPORARY when all are full. */
static int
hand_over(struct caller *c, const char *channel)
{
	struct target **at = &c->iaed->targets;
	struct buf b = {0};
	int result = ERR_NOT_FOUND;

	put_handoff(c, &b);
	while (*at != NULL && result != 0) {
		struct err e = ERR_INIT;

		if (strcmp((*at)->channel, channel) != 0) {
			at = &(*at)->next;
			continue;
		}
		if (net_send_fd((*at)->fd, b.data, b.len, c->fd, &e) >= 0) {
			send_to_back(at);
			result = 0;
		} else if (e.code == ERR_TEMPORARY) {
			result = ERR_TEMPORARY;
			at = &(*at)->next;
		} else {
			log_err(LOG_LEVEL_WARN, "service-lost", &e, "channel",
			    channel, NULL);
			drop_target(at);
		}
	}
	buf_free(&b);
	return result;
}

static const struct service *
find_service(const struct iaed *i, const struct osi_sel *called)
{
	for (size_t k = 0; k < i->n_services; k++)
		if (osi_sel_equal(&i->services[k].tsel, called))
			return &i->services[k];
	return NULL;
}

/* X.224 13.5.3: a channel that has never run is not attached; one that is
 * gone, or takes no more, will be there again. */
static enum cotp_reason
reason_for(const struct iaed *i, const char *channel)
{
	for (size_t k = 0; k < i->n_attached; k++)
		if (strcmp(i->attached[k], channel) == 0)
			return COTP_REASON_CONGESTION;
	return COTP_REASON_NO_SESSION;
}

static void on_retry(void *arg);

/* Its channel has no room: true, it waits for some. */
static bool
wait_for_room(struct caller *c)
{
	msec_t now = clock_mono();

	if (c->give_up == 0)
		c->give_up = now + PATIENCE_MS;
	loop_watch_cancel(&c->watch);
	loop_timer_cancel(&c->timer);
	if (now >= c->give_up)
		return false;
	c->timer = loop_timer_set(c->iaed->loop, RETRY_MS, on_retry, c);
	return true;
}

static void
serve(struct caller *c, const struct osi_sel *called)
{
	const struct service *s = find_service(c->iaed, called);
	char text[2 * OSI_SEL_MAX + 3];
	int r;

	if (s == NULL) {
		refuse_and_log(c, COTP_REASON_ADDRESS_UNKNOWN,
		    "unknown-selector", called, NULL);
		return;
	}
	r = hand_over(c, s->channel);
	if (r == ERR_TEMPORARY && wait_for_room(c))
		return;
	if (r != 0) {
		refuse_and_log(c, reason_for(c->iaed, s->channel),
		    r == ERR_NOT_FOUND ? "no-service" : "service-full", called,
		    s->channel);
		return;
	}
	log_event(LOG_LEVEL_DEBUG, "handed-over", "peer", c->peer, "tsel",
	    osi_sel_text(called, text, sizeof(text)), "channel", s->channel,
	    NULL);
	caller_end(c);
}

/* Unread: what is refused here is closed, for there is no CR to answer. */
static void
serve_tls(struct caller *c)
{
	const struct iaed_listen *l = &c->listener->params;
	int r = hand_over(c, l->channel);

	if (r == ERR_TEMPORARY && wait_for_room(c))
		return;
	log_event(r == 0 ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN,
	    r == 0                   ? "handed-over"
		: r == ERR_NOT_FOUND ? "no-service"
				     : "service-full",
	    "peer", c->peer, "tls", l->tls, "channel", l->channel, NULL);
	caller_end(c);
}

/* --- reading the CR --- */

static void
look(struct caller *c)
{
	struct osi_sel called;
	struct err e = ERR_INIT;
	int r = cotp_peek_cr(c->data, c->n, &called, &e);

	if (r > 0) {
		serve(c, &called);
	} else if (r < 0) {
		log_err(LOG_LEVEL_WARN,
		    r == ERR_SYNTAX ? "bad-cr" : "not-rfc1006", &e, "peer",
		    c->peer, NULL);
		refuse(c, COTP_REASON_PROTOCOL_ERROR);
	} else {
		/* a CR has at most 259 octets */
		INVARIANT(c->n < sizeof(c->data));
	}
}

static void
on_readable(int fd, void *arg)
{
	struct caller *c = arg;
	ssize_t n = read(fd, c->data + c->n, sizeof(c->data) - c->n);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		/* health checks connect and close: not worth a warning */
		log_event(c->n > 0 ? LOG_LEVEL_WARN : LOG_LEVEL_DEBUG,
		    "closed-before-cr", "peer", c->peer, "octets",
		    log_u64(c->n), NULL);
		caller_end(c);
		return;
	}
	c->n += (size_t)n;
	look(c);
}

static void
on_timeout(void *arg)
{
	struct caller *c = arg;

	c->timer = NULL;
	log_event(LOG_LEVEL_WARN, "no-cr-in-time", "peer", c->peer, "octets",
	    log_u64(c->n), NULL);
	caller_end(c);
}

static void
on_retry(void *arg)
{
	struct caller *c = arg;

	c->timer = NULL;
	if (c->listener->params.tls != NULL)
		serve_tls(c);
	else
		look(c);
}

/* Up to the port of "host:port" or "[host]:port". */
static size_t
host_length(const char *peer)
{
	const char *colon = strrchr(peer, ':');

	return colon != NULL ? (size_t)(colon - peer) : strlen(peer);
}

/* Has this client as many connections waiting as one may have? */
static bool
is_greedy(const struct iaed *i, const char *peer)
{
	size_t n = 0, host = host_length(peer);

	if (i->limits.per_client == 0 || i->n_callers < i->limits.per_client)
		return false;
	for (const struct caller *c = i->callers; c != NULL; c = c->next)
		n += host_length(c->peer) == host &&
		    memcmp(c->peer, peer, host) == 0;
	return n >= i->limits.per_client;
}

static struct caller *
caller_new(struct listener *l, int fd, const char *peer)
{
	struct iaed *i = l->iaed;
	struct caller *c = xcalloc(1, sizeof(*c));

	c->iaed = i;
	c->listener = l;
	c->fd = fd;
	c->peer = xstrdup(peer);
	c->back = &i->callers;
	c->next = i->callers;
	if (c->next != NULL)
		c->next->back = &c->next;
	i->callers = c;
	i->n_callers++;
	l->n_callers++;
	tell_waiting(i);
	return c;
}

static void
on_accept(void *arg, int fd, const char *peer)
{
	struct listener *l = arg;
	struct iaed *i = l->iaed;
	struct caller *c;

	if (i->stopped) {
		close(fd);
		return;
	}
	if (is_greedy(i, peer)) {
		log_event(LOG_LEVEL_WARN, "too-many-of-client", "peer", peer,
		    "waiting", log_u64(i->limits.per_client), NULL);
		close(fd);
		return;
	}
	c = caller_new(l, fd, peer);
	if (l->params.tls != NULL) {
		serve_tls(c); /* it may be gone now */
		apply_limits(i);
		return;
	}
	c->watch = loop_watch_read(i->loop, fd, on_readable, c);
	c->timer = loop_timer_set(i->loop, i->limits.cr_time, on_timeout, c);
	if (is_full(l))
		apply_limits(i);
}

/* --- set-up and end --- */

void
iaed_add_service(
    struct iaed *i, const struct osi_sel *tsel, const char *channel)
{
	struct service *s = arena_push(
	    i->arena, &i->services, &i->n_services, sizeof(*i->services));

	s->tsel = *tsel;
	s->channel = arena_strdup(i->arena, channel);
}

void
iaed_add_socket(struct iaed *i, const char *channel, int fd)
{
	struct target *t = xcalloc(1, sizeof(*t));

	t->channel = arena_strdup(i->arena, channel);
	t->fd = fd;
	t->next = i->targets;
	i->targets = t;
	if (reason_for(i, channel) == COTP_REASON_NO_SESSION)
		*(const char **)arena_push(i->arena, &i->attached,
		    &i->n_attached, sizeof(*i->attached)) = t->channel;
}

void
iaed_add_listener(struct iaed *i, int fd, const struct iaed_listen *params)
{
	struct listener *l = ARENA_NEW(i->arena, struct listener);

	l->iaed = i;
	l->params = *params;
	if (params->tls != NULL) {
		INVARIANT(params->channel != NULL &&
		    strlen(params->tls) <= IAED_TLS_NAME_MAX);
		l->params.tls = arena_strdup(i->arena, params->tls);
		l->params.channel = arena_strdup(i->arena, params->channel);
	}
	l->ll = loop_listen(i->loop, fd, on_accept, l);
	*(struct listener **)arena_push(i->arena, &i->listeners,
	    &i->n_listeners, sizeof(*i->listeners)) = l;
	loop_listener_pause(l->ll, is_full(l));
}

void
iaed_stop(struct iaed *i)
{
	i->stopped = true;
	for (size_t k = 0; k < i->n_listeners; k++)
		loop_listener_close(&i->listeners[k]->ll);
	while (i->callers != NULL)
		caller_end(i->callers);
}

void
iaed_free(struct iaed **i)
{
	if (*i == NULL)
		return;
	iaed_stop(*i);
	while ((*i)->targets != NULL)
		drop_target(&(*i)->targets);
	arena_free(&(*i)->arena);
	free(*i);
	*i = NULL;
}

void
iaed_on_waiting(struct iaed *i, void (*fn)(void *arg, size_t n), void *arg)
{
	i->waiting = fn;
	i->waiting_arg = arg;
}

size_t
iaed_waiting(const struct iaed *i)
{
	return i->n_callers;
}
