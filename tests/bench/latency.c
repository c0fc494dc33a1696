/*
 * NAME
 *	latency - how long a relay takes from acceptance to onward delivery
 * SYNOPSIS
 *	latency PORT SINK-PORT RATE SECONDS [OCTETS [SESSIONS]]
 * DESCRIPTION
 *	Sends RATE messages per second, evenly, over SESSIONS (20) connections
 *	that stay open, to the SMTP server on PORT, which relays to SINK-PORT,
 *	where we listen. Prints, in microseconds, the 50th and the 99th of a
 *	hundred times between the reply that accepts a message and the end of
 *	that message at the sink, then the worst, then how many messages came.
 *	A relay that forwards before its reply is read counts with 0.
 * DIAGNOSTICS
 *	Exit code 1 when not all came within ten seconds from the last one's
 *	turn.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/buf.h"

#define MARK "X-Bench: "
#define PEERS 512
#define PATIENCE 10000000 /* microseconds */

enum role { FREE, LISTENER, SINK, CLIENT };
/* What a client waits for a reply to. */
enum waits { GREETING, EHLO, IDLE, MAIL, RCPT, DATA, END };

struct peer {
	enum role role;
	int fd;
	struct buf in;
	enum waits waits; /* CLIENT */
	unsigned message; /* CLIENT: the one under way; SINK: the last seen */
	bool in_data;     /* SINK */
};

struct bench {
	struct peer peers[PEERS];
	unsigned n_peers, messages, next, arrived;
	int64_t start, step; /* microseconds */
	int64_t *accepted, *came;
	char *content;
	size_t content_n;
};

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
die(const char *what)
{
	fprintf(stderr, "latency: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct peer *
add_peer(struct bench *b, int fd, enum role role)
{
	int one = 1;

	if (fd < 0)
		die("socket");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	for (unsigned i = 0; i < PEERS; i++) {
		if (b->peers[i].role != FREE)
			continue;
		b->peers[i] = (struct peer){.role = role, .fd = fd};
		b->n_peers = i + 1 > b->n_peers ? i + 1 : b->n_peers;
		return &b->peers[i];
	}
	errno = EMFILE;
	die("connections");
	return NULL;
}

static struct sockaddr_in
loopback(const char *port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)atoi(port)),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void
say(struct peer *p, const char *text, size_t n)
{
	while (n > 0) {
		ssize_t k = send(p->fd, text, n, MSG_NOSIGNAL);

		if (k < 0 && p->role == SINK)
			return; /* it went */
		if (k < 0)
			die("send");
		text += k;
		n -= (size_t)k;
	}
}

static void
say_line(struct peer *p, const char *text)
{
	say(p, text, strlen(text));
}

/* --- the sink --- */

static void
sink_data(struct bench *b, struct peer *p, const char *line, size_t n)
{
	if (n > strlen(MARK) && memcmp(line, MARK, strlen(MARK)) == 0)
		p->message = (unsigned)strtoul(line + strlen(MARK), NULL, 10);
	if (n != 3 || line[0] != '.')
		return;
	if (p->message < b->messages && b->came[p->message] == 0) {
		b->came[p->message] = now_us();
		b->arrived++;
	}
	p->in_data = false;
	say_line(p, "250 2.0.0 ok\r\n");
}

static void
sink_line(struct bench *b, struct peer *p, const char *line, size_t n)
{
	if (p->in_data) {
		sink_data(b, p, line, n);
	} else if (line[0] == 'D' || line[0] == 'd') {
		p->in_data = true;
		p->message = b->messages;
		say_line(p, "354 go on\r\n");
	} else if (line[0] == 'Q' || line[0] == 'q') {
		say_line(p, "221 2.0.0 bye\r\n");
	} else {
		say_line(p, "250 2.0.0 ok\r\n");
	}
}

/* --- the clients --- */

static void
client_begin(struct bench *b, struct peer *p)
{
	p->message = b->next++;
	p->waits = MAIL;
	say_line(p, "MAIL FROM:<source@bench.example>\r\n");
}

static void
client_send(struct bench *b, struct peer *p)
{
	char head[256];
	int n = snprintf(head, sizeof(head),
	    "From: <source@bench.example>\r\nTo: <sink@bench.example>\r\n"
	    "Message-ID: <%u.%lld@bench.example>\r\n" MARK "%u\r\n\r\n",
	    p->message, (long long)b->start, p->message);

	say(p, head, (size_t)n);
	say(p, b->content, b->content_n);
}

static void
client_line(struct bench *b, struct peer *p, const char *line, size_t n)
{
	if (n > 3 && line[3] == '-')
		return;
	if (line[0] != '2' && line[0] != '3') {
		fprintf(stderr, "latency: %.*s\n", (int)n, line);
		exit(1);
	}
	switch (p->waits) {
	case GREETING:
		p->waits = EHLO;
		say_line(p, "EHLO source.example\r\n");
		break;
	case MAIL:
		p->waits = RCPT;
		say_line(p, "RCPT TO:<sink@bench.example>\r\n");
		break;
	case RCPT:
		p->waits = DATA;
		say_line(p, "DATA\r\n");
		break;
	case DATA:
		p->waits = END;
		client_send(b, p);
		break;
	case END:
		b->accepted[p->message] = now_us();
		p->waits = IDLE;
		break;
	default: p->waits = IDLE; break;
	}
}

/* --- the run --- */

static void
read_lines(struct bench *b, struct peer *p)
{
	char *end;

	while ((end = memchr(p->in.data, '\n', p->in.len)) != NULL) {
		size_t n = (size_t)(end + 1 - (char *)p->in.data);

		if (p->role == SINK)
			sink_line(b, p, (char *)p->in.data, n);
		else
			client_line(b, p, (char *)p->in.data, n);
		buf_consume(&p->in, n);
		if (p->in.len == 0)
			return;
	}
}

static void
read_some(struct bench *b, struct peer *p)
{
	char text[65536];
	ssize_t n;

	if (p->role == LISTENER) {
		say_line(add_peer(b, accept(p->fd, NULL, NULL), SINK),
		    "220 sink.example\r\n");
		return;
	}
	n = recv(p->fd, text, sizeof(text), 0);
	if (n > 0) {
		buf_append(&p->in, text, (size_t)n);
		read_lines(b, p);
		return;
	}
	if (p->role == CLIENT)
		die("connection lost");
	close(p->fd);
	buf_free(&p->in);
	*p = (struct peer){0};
}

/* Those whose turn it is, as far as there is a connection for them. */
static void
begin_due(struct bench *b, int64_t now)
{
	for (unsigned i = 0; i < b->n_peers; i++) {
		struct peer *p = &b->peers[i];

		if (b->next == b->messages ||
		    now < b->start + b->next * b->step)
			return;
		if (p->role == CLIENT && p->waits == IDLE)
			client_begin(b, p);
	}
}

static void
turn(struct bench *b)
{
	struct pollfd fds[PEERS];
	struct timespec wait = {0};
	int64_t now = now_us(), due = b->start + b->next * b->step;

	begin_due(b, now);
	for (unsigned i = 0; i < b->n_peers; i++)
		fds[i] = (struct pollfd){
		    b->peers[i].role != FREE ? b->peers[i].fd : -1, POLLIN, 0};
	if (b->next < b->messages && due > now)
		wait.tv_nsec = (due - now) % 1000000 * 1000;
	else
		wait.tv_nsec = 1000000;
	if (ppoll(fds, b->n_peers, &wait, NULL) <= 0)
		return;
	for (unsigned i = 0, n = b->n_peers; i < n; i++)
		if (fds[i].revents != 0)
			read_some(b, &b->peers[i]);
}

static int
ascending(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;

	return a < b ? -1 : a > b;
}

static void
print(struct bench *b)
{
	int64_t *v = xcalloc(b->messages, sizeof(*v));
	unsigned n = 0;

	for (unsigned i = 0; i < b->messages; i++)
		if (b->came[i] != 0)
			v[n++] = b->came[i] > b->accepted[i]
			    ? b->came[i] - b->accepted[i]
			    : 0;
	qsort(v, n, sizeof(*v), ascending);
	if (n > 0)
		printf("%lld %lld %lld %u\n", (long long)v[n / 2],
		    (long long)v[n - 1 - n / 100], (long long)v[n - 1], n);
	free(v);
}

static void
set_up(struct bench *b, const char *port, const char *sink, unsigned sessions)
{
	struct sockaddr_in at = loopback(sink), to = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(fd, 200) != 0)
		die("listen");
	add_peer(b, fd, LISTENER);
	for (unsigned i = 0; i < sessions; i++) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
			die("connect");
		add_peer(b, fd, CLIENT);
	}
}

/* Lines of text, and the end of DATA. */
static void
make_content(struct bench *b, size_t n)
{
	b->content_n = n;
	b->content = xmalloc(n + 5);
	for (size_t i = 0; i < n; i++)
		b->content[i] = i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : 'x';
	memcpy(b->content + n, "\r\n.\r\n", 5);
	b->content_n = n + 5;
}

int
main(int argc, char **argv)
{
	struct bench *b = xcalloc(1, sizeof(*b));
	double rate, seconds;
	int64_t end;

	if (argc < 5 || argc > 7) {
		fprintf(stderr,
		    "usage: latency PORT SINK-PORT RATE SECONDS [OCTETS "
		    "[SESSIONS]]\n");
		return 2;
	}
	rate = strtod(argv[3], NULL);
	seconds = strtod(argv[4], NULL);
	if (!(rate > 0 && rate <= 1e5 && seconds > 0 && seconds <= 600))
		return 2;
	b->messages = (unsigned)(rate * seconds);
	b->step = (int64_t)(1e6 / rate);
	b->accepted = xcalloc(b->messages + 1, sizeof(*b->accepted));
	b->came = xcalloc(b->messages + 1, sizeof(*b->came));
	make_content(b, argc > 5 ? strtoul(argv[5], NULL, 10) : 4096);
	set_up(b, argv[1], argv[2], argc > 6 ? (unsigned)atoi(argv[6]) : 20);
	b->start = now_us() + 200000; /* all have been greeted */
	end = b->start + b->messages * b->step + PATIENCE;
	while (b->arrived < b->messages && now_us() < end)
		turn(b);
	print(b);
	return b->arrived < b->messages;
}
