#include "qmgr/pipe.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/log.h"

#define READ_SIZE (64u << 10)
#define FDS_MAX 64 /* that came and wait to be taken */

/* A descriptor to send along with the octet at `at` (counted from the start
 * of all that was ever put out). */
struct riding_fd {
	int fd;
	uint64_t at;
};

struct q_pipe {
	struct loop *loop;
	const struct q_pipe_ops *ops;
	void *arg;
	int fd;
	struct event *reading, *writing;
	struct buf in, out;
	size_t begun;
	uint64_t sent; /* octets, ever */
	struct riding_fd *riding;
	size_t n_riding, cap_riding;
	int came[FDS_MAX];
	size_t n_came;
	bool write_wanted, broken;
	unsigned busy; /* inside callbacks */
	bool freed;
};

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);

struct q_pipe *
q_pipe_new(struct loop *l, int fd, const struct q_pipe_ops *ops, void *arg)
{
	struct q_pipe *p = xcalloc(1, sizeof(*p));
	struct event_base *base = loop_base(l);
	int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	p->loop = l;
	p->ops = ops;
	p->arg = arg;
	p->fd = fd;
	p->reading = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, p);
	p->writing = event_new(base, fd, EV_WRITE, on_writable, p);
	if (p->reading == NULL || p->writing == NULL)
		log_die("pipe: no event");
	event_add(p->reading, NULL);
	return p;
}

static void
destroy(struct q_pipe *p)
{
	event_free(p->reading);
	event_free(p->writing);
	close(p->fd);
	for (size_t i = 0; i < p->n_riding; i++)
		close(p->riding[i].fd);
	for (size_t i = 0; i < p->n_came; i++)
		close(p->came[i]);
	free(p->riding);
	buf_free(&p->in);
	buf_free(&p->out);
	free(p);
}

void
q_pipe_free(struct q_pipe **pp)
{
	struct q_pipe *p = *pp;

	if (p == NULL)
		return;
	*pp = NULL;
	p->freed = true;
	if (p->busy == 0)
		destroy(p);
}

static void
broken(struct q_pipe *p, const struct err *e)
{
	if (p->broken)
		return;
	p->broken = true;
	event_del(p->reading);
	event_del(p->writing);
	p->busy++;
	if (!p->freed)
		p->ops->gone(p->arg, e);
	p->busy--;
}

static void
release(struct q_pipe *p)
{
	if (p->freed && p->busy == 0)
		destroy(p);
}

/* --- out --- */

/* How many octets may go in this call: up to the next descriptor's octet, or
 * from it on. */
static size_t
run_length(const struct q_pipe *p, bool *with_fd)
{
	size_t next = 0;

	*with_fd = p->n_riding > 0 && p->riding[0].at == p->sent;
	if (*with_fd)
		next = 1;
	if (p->n_riding > next)
		return (size_t)(p->riding[next].at - p->sent);
	return p->out.len;
}

static ssize_t
send_run(struct q_pipe *p)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	bool with_fd;
	struct iovec v = {p->out.data, run_length(p, &with_fd)};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	struct cmsghdr *c;
	ssize_t n;

	if (with_fd) {
		m.msg_control = control.room;
		m.msg_controllen = sizeof(control.room);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &p->riding[0].fd, sizeof(int));
	}
	n = sendmsg(p->fd, &m, MSG_NOSIGNAL);
	if (n > 0 && with_fd) {
		close(p->riding[0].fd);
		p->n_riding--;
		memmove(p->riding, p->riding + 1,
		    p->n_riding * sizeof(p->riding[0]));
	}
	return n;
}

/* 0: all is written or the socket is full; negative: broken. */
static int
write_out(struct q_pipe *p)
{
	while (p->out.len > 0) {
		ssize_t n = send_run(p);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		if (n <= 0)
			return ERR_SYSTEM;
		buf_consume(&p->out, (size_t)n);
		p->sent += (uint64_t)n;
	}
	return 0;
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct q_pipe *p = arg;
	struct err e = ERR_INIT;

	(void)fd;
	(void)what;
	p->write_wanted = false;
	if (write_out(p) != 0) {
		err_sys(&e, "chan", "write");
		broken(p, &e);
	} else if (p->out.len > 0) {
		p->write_wanted = true;
		event_add(p->writing, NULL);
	}
	release(p);
}

struct buf *
q_pipe_begin(struct q_pipe *p, enum q_frame type)
{
	p->begun = q_frame_begin(&p->out, type);
	return &p->out;
}

void
q_pipe_end(struct q_pipe *p)
{
	q_frame_end(&p->out, p->begun);
	if (p->broken) {
		buf_clear(&p->out);
		return;
	}
	if (!p->write_wanted) {
		p->write_wanted = true;
		event_add(p->writing, NULL);
	}
}

void
q_pipe_attach(struct q_pipe *p, int fd)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (own < 0) {
		/* the frame goes alone, which ends the pipe at its other end */
		log_event(LOG_LEVEL_ERROR, "descriptor-not-sent", "reason",
		    strerror(errno), NULL);
		return;
	}
	if (p->n_riding == p->cap_riding) {
		p->cap_riding = p->cap_riding > 0 ? 2 * p->cap_riding : 8;
		p->riding =
		    xrealloc(p->riding, p->cap_riding * sizeof(p->riding[0]));
	}
	p->riding[p->n_riding++] = (struct riding_fd){own, p->sent + p->begun};
}

bool
q_pipe_flush(struct q_pipe *p, msec_t ms)
{
	msec_t end = clock_mono() + ms;

	while (!p->broken && p->out.len > 0 && clock_mono() <= end) {
		struct pollfd x = {p->fd, POLLOUT, 0};

		if (poll(&x, 1, 100) > 0 && write_out(p) != 0)
			break;
	}
	return !p->broken && p->out.len == 0;
}

/* --- in --- */

int
q_pipe_take_fd(struct q_pipe *p)
{
	int fd;

	if (p->n_came == 0)
		return -1;
	fd = p->came[0];
	p->n_came--;
	memmove(p->came, p->came + 1, p->n_came * sizeof(p->came[0]));
	return fd;
}

static void
keep_fds(struct q_pipe *p, struct msghdr *m)
{
	struct cmsghdr *c;
	int fd;

	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
		    c->cmsg_len < CMSG_LEN(sizeof(int)))
			continue;
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
		if (p->n_came < FDS_MAX)
			p->came[p->n_came++] = fd;
		else
			close(fd);
	}
}

static ssize_t
receive(struct q_pipe *p)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec v = {buf_reserve(&p->in, READ_SIZE), READ_SIZE};
	struct msghdr m = {
	    .msg_iov = &v,
	    .msg_iovlen = 1,
	    .msg_control = control.room,
	    .msg_controllen = sizeof(control.room),
	};
	ssize_t n = recvmsg(p->fd, &m, MSG_CMSG_CLOEXEC);

	if (n > 0) {
		buf_grow(&p->in, (size_t)n);
		keep_fds(p, &m);
	}
	return n;
}

static int
take_frames(struct q_pipe *p, struct err *e)
{
	struct arena *a = arena_new();
	struct q_in body;
	size_t total;
	int type = 0;

	while (!p->freed && !p->broken &&
	    (type = q_frame_next(p->in.data, p->in.len, &body, &total, e)) >
		0) {
		p->ops->frame(p->arg, (enum q_frame)type, &body, a);
		if (body.bad) {
			type = err_set(e, "chan", ERR_SYNTAX,
			    "bad frame of type %d", type);
			break;
		}
		buf_consume(&p->in, total);
		arena_reset(a);
	}
	arena_free(&a);
	return type < 0 ? type : 0;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct q_pipe *p = arg;
	struct err e = ERR_INIT;
	ssize_t n = receive(p);

	(void)fd;
	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	p->busy++;
	if (n <= 0) {
		if (n < 0)
			err_sys(&e, "chan", "read");
		else
			err_set(&e, "chan", ERR_SYSTEM, "end of file");
		broken(p, &e);
	} else if (take_frames(p, &e) != 0) {
		broken(p, &e);
	}
	p->busy--;
	release(p);
}
