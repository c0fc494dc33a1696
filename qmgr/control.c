/*
 * qmgr's side of the control socket.
 */
#include "qmgr/control.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/log.h"
#include "qmgr/qmgr_own.h"

#define CLIENTS_MAX 16
#define REQUEST_MAX 256
#define PAGE 500       /* messages in one turn of the loop */
#define CLIENT_TIME 60 /* seconds without a sign of life */

struct client {
	struct client *next;
	struct q_control *control;
	struct bufferevent *bev;
	struct q_cursor *cursor; /* a listing goes on */
	bool ending;             /* close when all is written */
};

struct q_control {
	struct qmgr *q;
	char *path;
	struct loop_listener *listener;
	struct client *clients;
	unsigned n_clients;
};

static void
client_free(struct client *c)
{
	struct client **at = &c->control->clients;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->control->n_clients--;
	q_cursor_free(&c->cursor);
	bufferevent_free(c->bev);
	free(c);
}

static void
say(struct client *c, const char *text)
{
	evbuffer_add(bufferevent_get_output(c->bev), text, strlen(text));
}

static void
end(struct client *c, const char *last)
{
	say(c, last);
	c->ending = true;
}

/* --- queue --- */

/* Tabs and ends of lines belong to the protocol. */
static void
put_text(struct evbuffer *out, const char *s)
{
	for (; *s != '\0'; s++) {
		char c = (unsigned char)*s < ' ' ? ' ' : *s;

		evbuffer_add(out, &c, 1);
	}
}

static void
put_view(void *arg, const struct q_mlist_view *v)
{
	struct evbuffer *out = arg;
	char id[Q_ID_TEXT];

	evbuffer_add_printf(out,
	    "%s\t%s\t%s\t%lld\t%llu\t%zu\t%s\t%s\t%s\t%u\t%lld\t",
	    q_id_text(v->message, id), mhs_kind_name(v->kind),
	    q_level_name(v->level), (long long)v->arrival,
	    (unsigned long long)v->size, v->recipients, v->channel, v->peer,
	    q_view_state_name(v->view), v->attempts, (long long)v->next);
	put_text(out, v->error);
	evbuffer_add(out, "\n", 1);
}

static void
next_page(struct client *c)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);

	/* a page of messages without mlists must not end the listing */
	while (c->cursor != NULL && evbuffer_get_length(out) == 0) {
		if (!q_cursor_next(c->cursor, PAGE, put_view, out)) {
			q_cursor_free(&c->cursor);
			end(c, ".\n");
		}
	}
}

static void
do_queue(struct client *c)
{
	c->cursor = q_cursor_new(c->control->q->queue);
	next_page(c);
}

/* --- status --- */

static void
put_count(struct client *c, const char *name, uint64_t n)
{
	evbuffer_add_printf(bufferevent_get_output(c->bev), "%s\t%llu\n", name,
	    (unsigned long long)n);
}

static void
do_status(struct client *c)
{
	const struct qmgr *q = c->control->q;
	const struct program *p;
	struct sched_counts sum = {0};

	for (p = q->programs; p != NULL; p = p->next) {
		struct sched_counts n;

		if (p->sched == NULL)
			continue;
		n = sched_chan_counts(p->sched);
		sum.ready += n.ready;
		sum.waiting += n.waiting;
		sum.active += n.active;
	}
	put_count(c, "messages", q_queue_messages(q->queue));
	put_count(c, "ready", sum.ready);
	put_count(c, "waiting", sum.waiting);
	put_count(c, "active", sum.active);
	put_count(c, "loading", !q->loaded);
	put_count(c, "segments", q_queue_segments(q->queue));
	for (p = q->programs; p != NULL; p = p->next) {
		evbuffer_add_printf(bufferevent_get_output(c->bev),
		    "processes %s\t%u\n", p->name, p->running);
	}
	end(c, ".\n");
}

static const struct {
	const char *request;
	void (*answer)(struct client *c);
} requests[] = {
    {"queue", do_queue},
    {"status", do_status},
};

/* --- clients --- */

static void
answer(struct client *c, const char *request)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		if (strcmp(requests[i].request, request) == 0) {
			requests[i].answer(c);
			return;
		}
	}
	end(c, "!unknown request\n");
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct client *c = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	char *line;

	if (c->ending || c->cursor != NULL) {
		evbuffer_drain(in, evbuffer_get_length(in));
		return;
	}
	line = evbuffer_readln(in, NULL, EVBUFFER_EOL_LF);
	if (line != NULL)
		answer(c, line);
	else if (evbuffer_get_length(in) > REQUEST_MAX)
		end(c, "!too long\n");
	free(line);
}

/* All is written. */
static void
on_written(struct bufferevent *bev, void *arg)
{
	struct client *c = arg;

	(void)bev;
	if (c->cursor != NULL)
		next_page(c);
	else if (c->ending)
		client_free(c);
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	(void)what;
	client_free(arg);
}

static bool
is_allowed(int fd)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 &&
	    (peer.uid == 0 || peer.uid == geteuid());
}

static void
on_accept(void *arg, int fd, const char *peer)
{
	struct q_control *control = arg;
	const struct timeval time = {CLIENT_TIME, 0};
	struct client *c;

	(void)peer;
	if (!is_allowed(fd) || control->n_clients >= CLIENTS_MAX) {
		close(fd);
		return;
	}
	c = xcalloc(1, sizeof(*c));
	c->control = control;
	c->bev = bufferevent_socket_new(
	    loop_base(control->q->loop), fd, BEV_OPT_CLOSE_ON_FREE);
	if (c->bev == NULL)
		log_die("control: no bufferevent");
	c->next = control->clients;
	control->clients = c;
	control->n_clients++;
	bufferevent_setcb(c->bev, on_read, on_written, on_event, c);
	bufferevent_set_timeouts(c->bev, &time, &time);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

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
	mask = umask(0177);
	rc = bind(fd, (struct sockaddr *)&sa, sizeof(sa));
	umask(mask);
	if (rc != 0 || listen(fd, CLIENTS_MAX) != 0) {
		err_sys(e, "control", "%s", path);
		close(fd);
		return ERR_SYSTEM;
	}
	return fd;
}

struct q_control *
q_control_open(struct qmgr *q, const char *path, struct err *e)
{
	int fd = listen_at(path, e);
	struct q_control *c;

	if (fd < 0)
		return NULL;
	c = xcalloc(1, sizeof(*c));
	c->q = q;
	c->path = xstrdup(path);
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
	unlink((*c)->path);
	free((*c)->path);
	free(*c);
	*c = NULL;
}
