/*
 * Socket addresses as text, listening and connecting, and passing a
 * descriptor to another process.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/log.h"
#include "lib/net_int.h"

#define UNIX_PREFIX "unix:"
static int
bad_address(struct err *e, const char *address, const char *why)
{
	return err_set(
	    e, "net", ERR_SYNTAX, "address \"%.100s\": %s", address, why);
}

static bool
is_port(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n <= 5 && strspn(s, "0123456789") == n;
}

int
net_split(const char *address, struct net_target *t, struct err *e)
{
	const char *host = address, *end, *colon;

	*t = (struct net_target){0};
	if (strncmp(address, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0) {
		t->path = address + strlen(UNIX_PREFIX);
		if (*t->path == '\0' ||
		    strlen(t->path) >=
			sizeof(((struct sockaddr_un *)0)->sun_path))
			return bad_address(e, address, "bad length of path");
		return 0;
	}
	colon = strrchr(address, ':');
	if (colon == NULL || !is_port(colon + 1))
		return bad_address(e, address, "no port number at its end");
	if (atoi(colon + 1) > 65535)
		return bad_address(e, address, "the port is above 65535");
	end = colon;
	if (*host == '[') {
		if (colon == address || colon[-1] != ']')
			return bad_address(e, address, "no \"]:\" in it");
		host++;
		end--;
	} else if (memchr(host, ':', (size_t)(colon - host)) != NULL) {
		return bad_address(e, address, "IPv6 belongs in brackets");
	}
	if (end <= host || (size_t)(end - host) >= sizeof(t->host))
		return bad_address(e, address, "bad length of host");
	memcpy(t->host, host, (size_t)(end - host));
	memcpy(t->port, colon + 1, strlen(colon + 1));
	if (strpbrk(t->host, "[] ") != NULL)
		return bad_address(e, address, "not a host");
	return 0;
}

int
net_check(const char *address, struct err *e)
{
	struct net_target t;

	return net_split(address, &t, e);
}

/* One step for each address that the text stands for: a socket, or -1. */
typedef int try_fn(const struct sockaddr *sa, socklen_t n);

static int
try_unix(const struct net_target *t, try_fn *fn)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	memcpy(un.sun_path, t->path, strlen(t->path) + 1);
	return fn((struct sockaddr *)&un, sizeof(un));
}

int
net_resolve(const char *address, const struct net_target *t, int flags,
    struct addrinfo **list, struct err *e)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC,
	    .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_NUMERICSERV | flags};
	int rc = getaddrinfo(t->host, t->port, &hints, list);

	if (rc == 0)
		return 0;
	return err_set(e, "net",
	    rc == EAI_AGAIN ? ERR_TEMPORARY : ERR_NOT_FOUND,
	    "address \"%.100s\": %s", address, gai_strerror(rc));
}

static int
try_tcp(const char *address, const struct net_target *t, int flags, try_fn *fn,
    struct err *e)
{
	struct addrinfo *list, *ai;
	int fd = -1, saved;
	int rc = net_resolve(address, t, flags, &list, e);

	if (rc != 0)
		return rc;
	for (ai = list; ai != NULL && fd < 0; ai = ai->ai_next)
		fd = fn(ai->ai_addr, ai->ai_addrlen);
	saved = errno;
	freeaddrinfo(list);
	errno = saved;
	return fd;
}

static int
with_address(
    const char *address, int flags, try_fn *fn, const char *verb, struct err *e)
{
	struct net_target t;
	int fd;

	fd = net_split(address, &t, e);
	if (fd < 0)
		return fd;
	fd = t.path != NULL ? try_unix(&t, fn)
			    : try_tcp(address, &t, flags, fn, e);
	if (fd == -1)
		return err_sys(e, "net", "cannot %s %.100s", verb, address);
	return fd;
}

void
net_tune_tcp(int fd)
{
	static const struct {
		int level, option, value;
	} all[] = {
	    {IPPROTO_TCP, TCP_NODELAY, 1},
	    {SOL_SOCKET, SO_KEEPALIVE, 1},
	    {IPPROTO_TCP, TCP_KEEPIDLE, 60},
	    {IPPROTO_TCP, TCP_KEEPINTVL, 20},
	    {IPPROTO_TCP, TCP_KEEPCNT, 3},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		setsockopt(fd, all[i].level, all[i].option, &all[i].value,
		    sizeof(all[i].value));
}

static int
new_socket(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0 && family != AF_UNIX)
		net_tune_tcp(fd);
	return fd;
}

static int
give_up(int fd)
{
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
	return -1;
}

/* A socket file that nobody listens on any more would stop bind(). */
static void
remove_stale(const struct sockaddr *sa, socklen_t n)
{
	const char *path = ((const struct sockaddr_un *)sa)->sun_path;
	struct stat st;
	int fd;

	if (lstat(path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return;
	fd = new_socket(AF_UNIX);
	if (fd >= 0 && connect(fd, sa, n) != 0 && errno == ECONNREFUSED)
		unlink(path);
	give_up(fd);
}

static int
listen_one(const struct sockaddr *sa, socklen_t n)
{
	int one = 1;
	int fd = new_socket(sa->sa_family);

	if (fd < 0)
		return -1;
	if (sa->sa_family == AF_UNIX)
		remove_stale(sa, n);
	else
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (sa->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, sa, n) != 0 || listen(fd, SOMAXCONN) != 0)
		return give_up(fd);
	return fd;
}

int
net_connect_to(const struct sockaddr *sa, socklen_t n)
{
	int fd = new_socket(sa->sa_family);

	if (fd < 0)
		return -1;
	if (connect(fd, sa, n) != 0 && errno != EINPROGRESS)
		return give_up(fd);
	return fd;
}

int
net_listen(const char *address, struct err *e)
{
	return with_address(address, AI_PASSIVE, listen_one, "listen on", e);
}

int
net_connect(const char *address, struct err *e)
{
	return with_address(address, 0, net_connect_to, "connect to", e);
}

static const char *
unix_name(const struct sockaddr_un *un, socklen_t n, char *out, size_t size)
{
	size_t head = offsetof(struct sockaddr_un, sun_path);
	size_t len = n > head ? strnlen(un->sun_path, n - head) : 0;

	snprintf(out, size, "%s%.*s", UNIX_PREFIX, (int)len, un->sun_path);
	return out;
}

const char *
net_name(const struct sockaddr *sa, socklen_t n, char *out, size_t size)
{
	char host[INET6_ADDRSTRLEN] = "?";
	const struct sockaddr_in *in = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;

	switch (sa->sa_family) {
	case AF_INET:
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(out, size, "%s:%u", host, ntohs(in->sin_port));
		return out;
	case AF_INET6:
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		snprintf(out, size, "[%s]:%u", host, ntohs(in6->sin6_port));
		return out;
	case AF_UNIX: return unix_name((const void *)sa, n, out, size);
	}
	snprintf(out, size, "?");
	return out;
}

/* --- passing descriptors --- */

/* Room for one descriptor; padding may let the kernel deliver another. */
union control {
	struct cmsghdr align;
	char room[CMSG_SPACE(sizeof(int))];
};

static int
would_block(struct err *e, const char *what)
{
	if (errno == EAGAIN || errno == ENOBUFS)
		return err_set(e, "net", ERR_TEMPORARY, "%s: full", what);
	return err_sys(e, "net", "%s", what);
}

int
net_send_fd(int sock, const void *p, size_t n, int fd, struct err *e)
{
	union control control = {0};
	struct iovec iov = {.iov_base = (void *)p, .iov_len = n};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;
	ssize_t sent;

	INVARIANT(n > 0);
	if (fd >= 0) {
		msg.msg_control = control.room;
		msg.msg_controllen = sizeof(control.room);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	do
		sent = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return would_block(e, "passing a descriptor");
	if ((size_t)sent != n)
		return err_set(e, "net", ERR_SYSTEM,
		    "passing a descriptor: %zd of %zu octets went", sent, n);
	return 0;
}

/* The first descriptor that came, or -1; any other is closed. */
static int
take_fds(struct msghdr *msg)
{
	int got = -1, fd;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL;
	     c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = CMSG_LEN(0); at + sizeof(fd) <= c->cmsg_len;
		     at += sizeof(fd)) {
			memcpy(&fd, (char *)c + at, sizeof(fd));
			if (got < 0)
				got = fd;
			else
				close(fd);
		}
	}
	return got;
}

ssize_t
net_recv_fd(int sock, void *p, size_t n, int *fd, struct err *e)
{
	union control control = {0};
	struct iovec iov = {.iov_base = p, .iov_len = n};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.room,
	    .msg_controllen = sizeof(control.room)};
	ssize_t got;

	*fd = -1;
	do
		got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return would_block(e, "receiving a descriptor");
	*fd = take_fds(&msg);
	if ((msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0)
		return got;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return err_set(e, "net", ERR_LIMIT,
	    "a datagram with more than %zu octets or one descriptor", n);
}
