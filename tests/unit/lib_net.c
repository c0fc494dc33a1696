#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/loop.h"
#include "tests/unit/unit.h"

static void
bad_addresses_are_refused_with_a_reason(void)
{
	static const char *const bad[] = {"", ":", "25", ":25", "127.0.0.1",
	    "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", "127.0.0.1:-1",
	    "127.0.0.1:+25", "127.0.0.1: 25", "127.0.0.1:000025", "::1:25",
	    "[::1]", "[::1:25", "[]:25", "]:25", "unix:"};
	char path[200] = "unix:";

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = ERR_INIT;

		CU_ASSERT_EQUAL(net_listen(bad[i], &e), ERR_SYNTAX);
		CU_ASSERT_EQUAL(net_connect(bad[i], NULL), ERR_SYNTAX);
		CU_ASSERT_PTR_NOT_NULL(strstr(e.text, bad[i]));
	}
	memset(path + 5, 'a', sizeof(path) - 6);
	CU_ASSERT_EQUAL(net_listen(path, NULL), ERR_SYNTAX);
}

static void
listen_name(int fd, char *out, size_t size)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);

	CU_ASSERT_FATAL(getsockname(fd, (struct sockaddr *)&ss, &n) == 0);
	net_name((struct sockaddr *)&ss, n, out, size);
}

static void
what_is_listened_on_can_be_connected_to_by_its_name(void)
{
	static const char *const addresses[] = {
	    "127.0.0.1:0", "[::1]:0", "localhost:0", "unix:"};

	for (size_t i = 0; i < 4; i++) {
		struct err e = ERR_INIT;
		char address[128], name[128];
		int l, c;

		snprintf(address, sizeof(address), "%s", addresses[i]);
		if (i == 3)
			snprintf(address, sizeof(address),
			    "unix:/tmp/isthmus-net-%d", (int)getpid());
		l = net_listen(address, &e);
		if (l < 0 && i == 1)
			continue; /* a machine without IPv6 */
		CU_ASSERT_FATAL(l >= 0);
		listen_name(l, name, sizeof(name));
		c = net_connect(name, &e);
		CU_ASSERT(c >= 0);
		CU_ASSERT(fcntl(c, F_GETFL) & O_NONBLOCK);
		CU_ASSERT(fcntl(c, F_GETFD) & FD_CLOEXEC);
		CU_ASSERT(fcntl(l, F_GETFD) & FD_CLOEXEC);
		close(c);
		close(l);
		if (i == 3)
			unlink(address + 5);
	}
}

static void
a_stale_socket_file_is_replaced_but_not_a_live_one_nor_a_file(void)
{
	struct err e = ERR_INIT;
	char address[128];
	struct stat st;
	int l, again;

	snprintf(address, sizeof(address), "unix:/tmp/isthmus-stale-%d",
	    (int)getpid());
	l = net_listen(address, &e);
	CU_ASSERT_FATAL(l >= 0);
	again = net_listen(address, &e);
	CU_ASSERT_EQUAL(again, ERR_SYSTEM);
	close(l); /* the file stays */
	l = net_listen(address, &e);
	CU_ASSERT(l >= 0);
	close(l);
	unlink(address + 5);
	close(open(address + 5, O_CREAT | O_WRONLY, 0600));
	CU_ASSERT_EQUAL(net_listen(address, &e), ERR_SYSTEM);
	CU_ASSERT(stat(address + 5, &st) == 0 && S_ISREG(st.st_mode));
	unlink(address + 5);
}

static void
names_are_written_as_they_are_read(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct sockaddr_un un = {AF_UNIX, "/run/x"};
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	char out[128], small[8];

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in.sin_port = htons(10201);
	in6.sin6_addr.s6_addr[15] = 1;
	in6.sin6_port = htons(25);
	CU_ASSERT_STRING_EQUAL(
	    net_name((void *)&in, sizeof(in), out, 128), "127.0.0.1:10201");
	CU_ASSERT_STRING_EQUAL(
	    net_name((void *)&in6, sizeof(in6), out, 128), "[::1]:25");
	CU_ASSERT_STRING_EQUAL(
	    net_name((void *)&un, sizeof(un), out, 128), "unix:/run/x");
	CU_ASSERT_STRING_EQUAL(
	    net_name((void *)&un, sizeof(un.sun_family), out, 128), "unix:");
	CU_ASSERT_STRING_EQUAL(net_name(&none, sizeof(none), out, 128), "?");
	CU_ASSERT_STRING_EQUAL(
	    net_name((void *)&in, sizeof(in), small, 8), "127.0.0");
}

static void
a_descriptor_arrives_with_its_octets_and_works(void)
{
	struct err e = ERR_INIT;
	char p[16] = "", word[8] = "";
	int sp[2], pi[2], fd = -1;

	CU_ASSERT_FATAL(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sp) == 0);
	CU_ASSERT_FATAL(pipe(pi) == 0);
	CU_ASSERT_EQUAL(net_send_fd(sp[0], "octets", 6, pi[1], &e), 0);
	CU_ASSERT_EQUAL(net_recv_fd(sp[1], p, sizeof(p), &fd, &e), 6);
	CU_ASSERT(memcmp(p, "octets", 6) == 0);
	CU_ASSERT_FATAL(fd >= 0 && fd != pi[1]);
	CU_ASSERT(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	CU_ASSERT_EQUAL(write(fd, "work", 4), 4);
	CU_ASSERT_EQUAL(read(pi[0], word, sizeof(word)), 4);
	close(fd);
	CU_ASSERT_EQUAL(net_send_fd(sp[0], "none", 4, -1, &e), 0);
	CU_ASSERT_EQUAL(net_recv_fd(sp[1], p, sizeof(p), &fd, &e), 4);
	CU_ASSERT_EQUAL(fd, -1);
	close(sp[0]);
	CU_ASSERT_EQUAL(net_recv_fd(sp[1], p, sizeof(p), &fd, &e), 0);
	close(sp[1]);
	close(pi[0]);
	close(pi[1]);
}

static int
count_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Two descriptors in one datagram, which net_send_fd() never does. */
static void
send_two(int sock, const char *p, size_t n, int a, int b)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control = {0};
	struct iovec iov = {(void *)p, n};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.room,
	    .msg_controllen = sizeof(control.room)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int fds[2] = {a, b};

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(c), fds, sizeof(fds));
	CU_ASSERT_FATAL(sendmsg(sock, &msg, 0) == (ssize_t)n);
}

static void
datagrams_that_do_not_fit_are_errors_and_leak_nothing(void)
{
	struct err e = ERR_INIT;
	int sp[2], fd, before;
	char p[4];

	CU_ASSERT_FATAL(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, sp) == 0);
	before = count_descriptors();
	CU_ASSERT_EQUAL(net_send_fd(sp[0], "long one", 8, sp[0], &e), 0);
	CU_ASSERT_EQUAL(net_recv_fd(sp[1], p, 4, &fd, &e), ERR_LIMIT);
	CU_ASSERT_EQUAL(fd, -1);
	CU_ASSERT_EQUAL(count_descriptors(), before);
	send_two(sp[0], "two", 3, sp[0], sp[1]);
	if (net_recv_fd(sp[1], p, 4, &fd, &e) == 3)
		close(fd);
	CU_ASSERT_EQUAL(count_descriptors(), before);
	CU_ASSERT_EQUAL(net_recv_fd(sp[1], p, 4, &fd, &e), ERR_TEMPORARY);
	close(sp[0]);
	close(sp[1]);
}

struct accepted {
	struct loop *loop;
	struct loop_listener *listener;
	int n, stop_at;
	bool close_at_stop;
};

static void
on_accept(void *arg, int fd, const char *peer)
{
	struct accepted *a = arg;

	CU_ASSERT(strncmp(peer, "127.0.0.1:", 10) == 0);
	CU_ASSERT(fcntl(fd, F_GETFL) & O_NONBLOCK);
	close(fd);
	if (++a->n < a->stop_at)
		return;
	loop_stop(a->loop);
	if (a->close_at_stop)
		loop_listener_close(&a->listener);
	else
		loop_listener_pause(a->listener, true);
}

static void
a_listener_hands_out_connections_until_paused_or_closed(void)
{
	struct accepted a = {.loop = loop_new(), .stop_at = 2};
	int l = net_listen("127.0.0.1:0", NULL), c[4];
	char name[64];

	listen_name(l, name, sizeof(name));
	a.listener = loop_listen(a.loop, l, on_accept, &a);
	for (int i = 0; i < 4; i++)
		c[i] = net_connect(name, NULL);
	loop_run(a.loop);
	CU_ASSERT_EQUAL(a.n, 2);
	a.stop_at = 3;
	a.close_at_stop = true;
	loop_listener_pause(a.listener, false);
	loop_run(a.loop);
	CU_ASSERT_EQUAL(a.n, 3);
	CU_ASSERT_PTR_NULL(a.listener);
	CU_ASSERT_EQUAL(fcntl(l, F_GETFD), -1);
	for (int i = 0; i < 4; i++)
		close(c[i]);
	loop_free(&a.loop);
}

void
suite_lib_net(void)
{
	static CU_TestInfo tests[] = {
	    TEST(bad_addresses_are_refused_with_a_reason),
	    TEST(what_is_listened_on_can_be_connected_to_by_its_name),
	    TEST(a_stale_socket_file_is_replaced_but_not_a_live_one_nor_a_file),
	    TEST(names_are_written_as_they_are_read),
	    TEST(a_descriptor_arrives_with_its_octets_and_works),
	    TEST(datagrams_that_do_not_fit_are_errors_and_leak_nothing),
	    TEST(a_listener_hands_out_connections_until_paused_or_closed),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("lib_net", tests);
}
