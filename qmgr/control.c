/*
 * qmgr's side of the control socket: clients, who they are, and how their
 * answers get to them.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/log.h"
#include "qmgr/control_own.h"

#define CLIENTS_MAX 32
#define CLIENTS_PER_USER 8 /* but for qmgr's own, and root: */
#define CLIENTS_OWN 16
#define REQUEST_TIME 10000  /* ms until the request must be there */
#define CLIENT_TIME 60      /* seconds in which it must read something */
#define GROUPS_MAX 1024     /* of a caller */
#define OUT_HIGH (64 << 10) /* octets that wait for it: no more are made */
#define OUT_LOW (16 << 10)

static const struct {
	enum answer (*answer)(struct client *c);
} answers[Q_VERBS] = {
    [Q_VERB_LIST] = {control_list},
    [Q_VERB_SHOW] = {control_show},
    [Q_VERB_STATUS] = {control_status},
    [Q_VERB_HOLD] = {control_act},
    [Q_VERB_RELEASE] = {control_act},
    [Q_VERB_RETRY] = {control_act},
    [Q_VERB_REDIRECT] = {control_act},
    [Q_VERB_RETURN] = {control_act},
    [Q_VERB_DELETE] = {control_act},
    [Q_VERB_PRIORITY] = {control_act},
    [Q_VERB_STOP] = {control_stop},
    [Q_VERB_START] = {control_stop},
    [Q_VERB_RETRY_PEER] = {control_retry_peer},
};

static void
client_free(struct client *c)
{
	struct client **at = &c->control->clients;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->control->n_clients--;
	if (c->timer != NULL)
		loop_timer_cancel(&c->timer);
	q_cursor_free(&c->cursor);
	control_act_forget(&c->work);
	bufferevent_free(c->bev);
	buf_free(&c->out);
	arena_free(&c->arena);
	free(c);
}

/* --- answers --- */

bool
control_slice_over(msec_t begun)
{
	return clock_mono() - begun >= SLICE;
}

void
control_refuse(struct client *c, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX + 64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *s = text; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = '?';
	buf_printf(&c->out, "!%s\n", text);
	c->answer = NULL;
	c->ending = true;
}

/* Returns octets that the client has not read yet. */
static size_t
flush(struct client *c)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);

	evbuffer_add(out, c->out.data, c->out.len);
	buf_clear(&c->out);
	return evbuffer_get_length(out);
}

static void next_slice(struct client *c);

static void
on_slice(void *arg)
{
	struct client *c = arg;

	c->timer = NULL;
	next_slice(c);
}

static void
next_slice(struct client *c)
{
	enum answer what = c->answer(c);

	if (what == ANSWER_END && !c->ending) {
		buf_puts(&c->out, ".\n");
		c->ending = true;
	}
	if (c->ending)
		c->answer = NULL;
	/* when it has read enough, on_written() goes on */
	if (flush(c) <= OUT_LOW && !c->ending && what == ANSWER_MORE)
		c->timer = loop_timer_set(c->control->q->loop, 0, on_slice, c);
}

void
control_wake(struct client *c)
{
	if (c->answer != NULL && c->timer == NULL)
		c->timer = loop_timer_set(c->control->q->loop, 0, on_slice, c);
}

/* --- requests --- */

static bool
is_permitted(struct client *c)
{
	const char *verb = q_verb_name(c->request.verb);

	if (c->may_act || (c->may_look && !q_verb_acts(c->request.verb)))
		return true;
	log_event(LOG_LEVEL_WARN, "operator-refused", "request", verb, "uid",
	    log_u64(c->uid), "pid", log_u64((unsigned long long)c->pid), NULL);
	control_refuse(c,
	    c->may_look ? "you may look, but not act (%s)"
			: "you are none of the switch's operators (%s)",
	    verb);
	return false;
}

static void
take(struct client *c, char *line, size_t n)
{
	struct err e = ERR_INIT;

	loop_timer_cancel(&c->timer);
	bufferevent_disable(c->bev, EV_READ);
	if (q_request_parse(c->arena, line, n, &c->request, &e) != 0) {
		control_refuse(c, "%s", e.text);
	} else if (is_permitted(c)) {
		c->answer = answers[c->request.verb].answer;
		next_slice(c);
		return;
	}
	flush(c);
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct client *c = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t n = 0;
	char *line;

	if (c->ending || c->answer != NULL)
		return;
	line = evbuffer_readln(in, &n, EVBUFFER_EOL_LF);
	if (line != NULL) {
		char *copy = arena_strndup(c->arena, line, n);

		free(line);
		take(c, copy, n);
	} else if (evbuffer_get_length(in) > Q_REQUEST_MAX) {
		loop_timer_cancel(&c->timer);
		bufferevent_disable(bev, EV_READ);
		control_refuse(
		    c, "a request is at most %u octets long", Q_REQUEST_MAX);
		flush(c);
	}
}

/* Little is left to be written. */
static void
on_written(struct bufferevent *bev, void *arg)
{
	struct client *c = arg;
	size_t left = evbuffer_get_length(bufferevent_get_output(bev));

	if (c->ending && left == 0)
		client_free(c);
	else if (c->ending)
		bufferevent_setwatermark(bev, EV_WRITE, 0, 0);
	else
		control_wake(c);
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	(void)what;
	client_free(arg);
}

static void
on_late(void *arg)
{
	struct client *c = arg;

	c->timer = NULL;
	bufferevent_disable(c->bev, EV_READ);
	control_refuse(c, "no request came");
	flush(c);
}

/* --- who asks --- */

static bool
is_member(const gid_t *v, size_t n, bool configured, gid_t group)
{
	for (size_t i = 0; configured && i < n; i++)
		if (v[i] == group)
			return true;
	return false;
}

/* As the kernel knew it when the client connected. */
static void
identify(struct client *c, int fd)
{
	const struct q_config *config = &c->control->q->config;
	struct ucred peer = {.pid = 0};
	socklen_t n = sizeof(peer);
	gid_t groups[GROUPS_MAX + 1];

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0)
		return; /* nobody, who may do nothing */
	c->pid = peer.pid;
	c->uid = peer.uid;
	n = sizeof(groups) - sizeof(*groups);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &n) != 0)
		n = 0;
	n /= sizeof(*groups);
	groups[n++] = peer.gid;
	c->may_act = peer.uid == 0 || peer.uid == geteuid() ||
	    is_member(groups, n, config->has_operators, config->operators);
	c->may_look = c->may_act ||
	    is_member(groups, n, config->has_viewers, config->viewers);
}

/* Whatever others do, some places are left for these two. */
static bool
is_own(const struct client *c)
{
	return c->uid == 0 || c->uid == geteuid();
}

static unsigned
of_same_user(const struct client *c)
{
	unsigned n = 0;

	for (const struct client *x = c->control->clients; x != NULL;
	     x = x->next)
		n += x->uid == c->uid && x != c && !x->ending;
	return n;
}

/* The same user's that has waited longest without asking for anything makes room
 * (new ones come first in the list). False: there is none. */
static bool
drop_idle(const struct client *c)
{
	struct client *idle = NULL;

	for (struct client *x = c->control->clients; x != NULL; x = x->next)
		if (x->uid == c->uid && x != c && !x->ending &&
		    x->answer == NULL)
			idle = x;
	if (idle == NULL)
		return false;
	log_event(LOG_LEVEL_WARN, "operator-dropped", "reason",
	    "asks for nothing, and another came", "uid", log_u64(idle->uid),
	    "pid", log_u64((unsigned long long)idle->pid), NULL);
	client_free(idle);
	return true;
}

static bool
is_one_too_many(const struct client *c)
{
	unsigned most = is_own(c) ? CLIENTS_OWN : CLIENTS_PER_USER;

	if (of_same_user(c) >= most && !drop_idle(c))
		return true;
	return c->control->n_clients >
	    (is_own(c) ? CLIENTS_MAX : CLIENTS_MAX / 2);
}

static void
on_accept(void *arg, int fd, const char *peer)
{
	struct q_control *control = arg;
	const struct timeval time = {CLIENT_TIME, 0};
	struct client *c;

	(void)peer;
	/* each that is refused is told why; more than these are not heard */
	if (control->n_clients >= 2 * CLIENTS_MAX) {
		close(fd);
		return;
	}
	c = xcalloc(1, sizeof(*c));
	c->control = control;
	c->arena = arena_new();
	identify(c, fd);
	c->bev = bufferevent_socket_new(
	    loop_base(control->q->loop), fd, BEV_OPT_CLOSE_ON_FREE);
	if (c->bev == NULL)
		log_die("control: no bufferevent");
	c->next = control->clients;
	control->clients = c;
	control->n_clients++;
	bufferevent_setcb(c->bev, on_read, on_written, on_event, c);
	bufferevent_set_timeouts(c->bev, NULL, &time);
	bufferevent_setwatermark(c->bev, EV_WRITE, OUT_LOW, 0);
	bufferevent_setwatermark(c->bev, EV_READ, 0, Q_REQUEST_MAX + 1);
	if (is_one_too_many(c)) {
		control_refuse(c, "qmgr is busy with other operators");
		bufferevent_enable(c->bev, EV_WRITE);
		flush(c);
		return;
	}
	c->timer = loop_timer_set(control->q->loop, REQUEST_TIME, on_late, c);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

/* --- the socket --- */

/* Anybody who can reach it may ask, and is told whether he may. */
static int
listen_at(const char *path, struct err *e)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	size_t n = strlen(path);
	mode_t mask;
	int fd, rc;

	if (n >= sizeof(sa.sun_path))
		return err_set(
		    e, "control", ERR_CONFIG, "%s: path too long", path);
	memcpy(sa.sun_path, path, n + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(e, "control", "socket");
	/* one left by a qmgr that died; the lock says that it is no longer
	 * in use */
	unlink(path);
	mask = umask(0111);
	rc = bind(fd, (struct sockaddr *)&sa, sizeof(sa));
	umask(mask);
	if (rc != 0 || listen(fd, CLIENTS_MAX) != 0) {
		err_sys(e, "control", "%s", path);
		close(fd);
		return ERR_SYSTEM;
	}
	return fd;
}

/* Groups are let through to the socket, and to nothing else: what is beside it
 * stays its owner's. */
static int
open_way(const struct q_config *config, struct err *e)
{
	static const char *const names[] = {"", "/run"};
	bool groups = config->has_operators || config->has_viewers;
	char path[4096];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "%s%s", config->spool.directory,
		    names[i]);
		if (chmod(path, groups ? 0711 : 0700) != 0)
			return err_sys(e, "control", "%s", path);
	}
	return 0;
}

static void
stop_again(void *arg, const char *kind, const char *name)
{
	struct q_control *c = arg;
	bool channel = strcmp(kind, "channel") == 0;
	struct err e = ERR_INIT;

	if (q_op_stop(c->q->queue, channel ? name : NULL, channel ? NULL : name,
		true, &e) == 0)
		log_event(LOG_LEVEL_WARN, "still-stopped", kind, name, NULL);
	else
		log_err(LOG_LEVEL_WARN, "stopped-but-unknown", &e, kind, name,
		    NULL);
}

struct q_control *
q_control_open(struct qmgr *q, const char *path, struct err *e)
{
	struct q_stopped *stopped =
	    q_stopped_open(q->loop, q->config.spool.directory, e);
	struct q_control *c;
	int fd;

	if (stopped == NULL)
		return NULL;
	fd = open_way(&q->config, e) == 0 ? listen_at(path, e) : -1;
	if (fd < 0) {
		q_stopped_close(&stopped);
		return NULL;
	}
	c = xcalloc(1, sizeof(*c));
	c->q = q;
	c->path = xstrdup(path);
	c->started = clock_wall();
	c->stopped = stopped;
	q_stopped_each(stopped, stop_again, c);
	c->listener = loop_listen(q->loop, fd, on_accept, c);
	return c;
}

void
q_control_close(struct q_control **c)
{
	if (*c == NULL)
		return;
	while ((*c)->clients != NULL)
		client_free((*c)->clients);
	loop_listener_close(&(*c)->listener);
	q_stopped_close(&(*c)->stopped);
	control_notes_free(*c);
	unlink((*c)->path);
	free((*c)->path);
	free(*c);
	*c = NULL;
}
