/*
 * Sockets that outlive the processes that use them: listening ones, and the
 * pairs by which iaed hands connections to the services.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/log.h"
#include "qmgr/qmgr_own.h"

/* "ADDRESS=FD;ADDRESS=FD;..." for the next image of this process */
#define INHERIT "ISTHMUS_QMGR_SOCKETS"

static struct named_fd *
find(struct named_fd *list, const char *name)
{
	while (list != NULL && strcmp(list->name, name) != 0)
		list = list->next;
	return list;
}

static void
add(struct named_fd **list, const char *name, int fd, int other)
{
	struct named_fd *x = xcalloc(1, sizeof(*x));

	x->name = xstrdup(name);
	x->fd = fd;
	x->other = other;
	x->next = *list;
	*list = x;
}

static void
free_list(struct named_fd **list)
{
	struct named_fd *x;

	while ((x = *list) != NULL) {
		*list = x->next;
		if (x->fd >= 0)
			close(x->fd);
		if (x->other >= 0)
			close(x->other);
		free(x->name);
		free(x);
	}
}

static int
open_pair(struct qmgr *q, const char *channel, struct err *e)
{
	int fds[2];

	if (find(q->services, channel) != NULL)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, fds) != 0)
		return err_sys(e, "qmgr", "pair of sockets for %s", channel);
	add(&q->services, channel, fds[0], fds[1]);
	return 0;
}

static bool
has_address(const struct q_listener_config *l, const char *address)
{
	for (size_t i = 0; i < l->n_addresses; i++)
		if (strcmp(l->addresses[i], address) == 0)
			return true;
	return false;
}

/* Listening sockets that the configuration no longer names are closed. */
static void
close_unwanted(struct qmgr *q, const struct q_config *c)
{
	struct named_fd **at = &q->listening, *x;

	while ((x = *at) != NULL) {
		bool wanted = false;

		for (size_t i = 0; i < c->n_listeners; i++)
			wanted |= has_address(c->listeners[i], x->name);
		if (wanted) {
			at = &x->next;
			continue;
		}
		*at = x->next;
		x->next = NULL;
		free_list(&x);
	}
}

static int
open_listening(struct qmgr *q, const struct q_listener_config *l, struct err *e)
{
	for (size_t i = 0; i < l->n_addresses; i++) {
		int fd;

		if (find(q->listening, l->addresses[i]) != NULL)
			continue;
		fd = net_listen(l->addresses[i], e);
		if (fd < 0)
			return fd;
		add(&q->listening, l->addresses[i], fd, -1);
	}
	return 0;
}

int
sockets_open(struct qmgr *q, struct err *e)
{
	const struct q_config *c = &q->config;
	int rc = 0;

	close_unwanted(q, c);
	for (size_t i = 0; rc == 0 && i < c->n_listeners; i++)
		rc = open_listening(q, c->listeners[i], e);
	for (size_t i = 0; rc == 0 && i < c->n_channels; i++)
		if (c->channels[i]->service)
			rc = open_pair(q, c->channels[i]->name, e);
	return rc;
}

/* Closes those before `end` in the list: the newest. */
static void
close_newest(struct qmgr *q, const struct named_fd *end)
{
	struct named_fd *x;

	while ((x = q->listening) != end) {
		q->listening = x->next;
		x->next = NULL;
		free_list(&x);
	}
}

int
sockets_prepare(struct qmgr *q, const struct q_config *next, struct err *e)
{
	const struct named_fd *old = q->listening;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < next->n_listeners; i++)
		rc = open_listening(q, next->listeners[i], e);
	if (rc == 0)
		close_unwanted(q, next);
	else
		close_newest(q, old);
	return rc;
}

void
sockets_close_listening(struct qmgr *q)
{
	free_list(&q->listening);
}

void
sockets_free(struct qmgr *q)
{
	free_list(&q->listening);
	free_list(&q->services);
}

void
sockets_bequeath(struct qmgr *q)
{
	struct buf b = {0};
	struct named_fd *x;

	for (x = q->listening; x != NULL; x = x->next) {
		fcntl(x->fd, F_SETFD, 0);
		buf_printf(&b, "%s=%d;", x->name, x->fd);
		x->fd = -1;
	}
	setenv(INHERIT, buf_cstr(&b), 1);
	buf_free(&b);
}

void
sockets_inherit(struct qmgr *q)
{
	const char *env = getenv(INHERIT);
	char *all, *at, *item;

	if (env == NULL)
		return;
	all = at = xstrdup(env);
	unsetenv(INHERIT);
	while ((item = strsep(&at, ";")) != NULL) {
		char *eq = strrchr(item, '=');
		int fd = eq != NULL ? atoi(eq + 1) : -1;

		if (fd <= 2 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
			continue;
		*eq = '\0';
		add(&q->listening, item, fd, -1);
	}
	free(all);
}
