#include "osi/iaed.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/log.h"
#include "tests/unit/unit.h"
#include "tests/unit/vectors.h"

#define GOOD "030000130ee00000724100c203353934c0010b"

/* A listener on loopback with the service "594" on channel x400p1. */
struct world {
	struct loop *loop;
	struct iaed *iaed;
	int service; /* the channel's end */
	char address[64];
};

static void
world_open_limited(struct world *w, const struct iaed_limits *limits)
{
	struct osi_sel tsel;
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);
	int pair[2], fd = net_listen("127.0.0.1:0", NULL), small = 8192;

	log_set_level(LOG_LEVEL_ERROR);
	w->loop = loop_new();
	w->iaed = iaed_new(w->loop, limits);
	osi_sel_parse("594", &tsel, NULL);
	iaed_add_service(w->iaed, &tsel, "x400p1");
	osi_sel_parse("595", &tsel, NULL);
	iaed_add_service(w->iaed, &tsel, "absent");
	CU_ASSERT_EQUAL(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC,
		0, pair),
	    0);
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	iaed_add_socket(w->iaed, "x400p1", pair[0]);
	w->service = pair[1];
	getsockname(fd, (struct sockaddr *)&ss, &n);
	net_name((struct sockaddr *)&ss, n, w->address, sizeof(w->address));
	iaed_add_listener(w->iaed, fd, &(struct iaed_listen){0});
}

static void
world_open(struct world *w, size_t connections, msec_t cr_time)
{
	struct iaed_limits limits = {
	    .connections = connections, .cr_time = cr_time};

	world_open_limited(w, &limits);
}

static void
world_close(struct world *w)
{
	iaed_free(&w->iaed);
	loop_free(&w->loop);
	if (w->service >= 0)
		close(w->service);
	log_set_level(LOG_LEVEL_INFO);
}

static void
stop(void *arg)
{
	loop_stop(arg);
}

static void
run(struct world *w, msec_t ms)
{
	loop_timer_set(w->loop, ms, stop, w->loop);
	loop_run(w->loop);
}

static int
call(struct world *w)
{
	int fd = net_connect(w->address, NULL);

	CU_ASSERT(fd >= 0);
	run(w, 10);
	return fd;
}

/* From this address of this machine. */
static int
call_from(struct world *w, const char *host)
{
	struct sockaddr_in from = {.sin_family = AF_INET}, to = from;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	inet_pton(AF_INET, host, &from.sin_addr);
	inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
	to.sin_port = htons((uint16_t)atoi(strrchr(w->address, ':') + 1));
	CU_ASSERT_FATAL(bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0 &&
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
	run(w, 10);
	return fd;
}

static void
say(struct world *w, int fd, const char *hex)
{
	struct buf b = {0};

	unhex(hex, &b);
	CU_ASSERT_EQUAL(send(fd, b.data, b.len, MSG_NOSIGNAL), (ssize_t)b.len);
	buf_free(&b);
	run(w, 10);
}

/* What came back: octets, 0 at the end of file, negative for nothing. */
static ssize_t
hear(int fd, uint8_t *p, size_t n)
{
	return recv(fd, p, n, MSG_DONTWAIT);
}

static void
a_known_selector_is_handed_over_with_the_octets_read(void)
{
	struct world w;
	struct octets read;
	struct buf want = {0};
	uint8_t got[IAED_HANDOFF_MAX], c;
	int fd, passed;
	ssize_t n;

	world_open(&w, 10, 5000);
	fd = call(&w);
	say(&w, fd, "030000");
	say(&w, fd, "130ee000007241");
	CU_ASSERT_EQUAL(iaed_waiting(w.iaed), 1);
	say(&w, fd, "00c203353934c0010b0300");
	CU_ASSERT_EQUAL(iaed_waiting(w.iaed), 0);
	n = net_recv_fd(w.service, got, sizeof(got), &passed, NULL);
	CU_ASSERT(n > 4 && passed >= 0);
	CU_ASSERT_EQUAL(iaed_handoff_parse(got, (size_t)n, &read, NULL), 0);
	unhex(GOOD "0300", &want);
	CU_ASSERT(
	    read.n == want.len && memcmp(read.p, want.data, want.len) == 0);
	/* the descriptor is the connection */
	CU_ASSERT_EQUAL(send(passed, "x", 1, 0), 1);
	CU_ASSERT_EQUAL(recv(fd, &c, 1, 0), 1);
	close(passed);
	close(fd);
	buf_free(&want);
	world_close(&w);
}

static void
others_are_refused_or_closed(void)
{
	static const struct {
		const char *in, *answer;
	} rows[] = {
	    {"030000130ee00000724100c203353936c0010b",
		"0300000b06807241000003"}, /* unknown selector */
	    {"0300000b06e00000724100", "0300000b06807241000003"}, /* none */
	    {"030000130ee00000724100c203353935c0010b",
		"0300000b06807241000002"},  /* its channel does not run */
	    {"474554202f", ""},             /* HTTP */
	    {"0300000702f080", ""},         /* DT */
	    {"03000200", ""},               /* too long for a CR */
	    {"0300000b06800001000285", ""}, /* DR: none is answered */
	    {"0300000904700001 00", ""},    /* ER */
	    {"0300000b06d00001000200", ""}, /* CC */
	    {"0300000e09e00000724100c00120",
		"0300000b06807241000085"}, /* a TPDU size of 2^32 */
	    {"0300002e29e00000724100c221"
	     "303132333435363738393031323334353637383930313233343536373839"
	     "303132",
		"0300000b06807241000085"}, /* a selector of 33 octets */
	};
	struct world w;

	world_open(&w, 10, 5000);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t got[64];
		struct buf want = {0};
		int fd = call(&w);

		say(&w, fd, rows[i].in);
		unhex(rows[i].answer, &want);
		if (want.len > 0) {
			CU_ASSERT_EQUAL(
			    hear(fd, got, sizeof(got)), (ssize_t)want.len);
			CU_ASSERT(memcmp(got, want.data, want.len) == 0);
		}
		CU_ASSERT_EQUAL(hear(fd, got, sizeof(got)), 0);
		CU_ASSERT_EQUAL(iaed_waiting(w.iaed), 0);
		buf_free(&want);
		close(fd);
	}
	world_close(&w);
}

static void
slow_peers_are_cut_off_and_bounded(void)
{
	struct world w;
	uint8_t c;
	int fds[3];

	world_open(&w, 2, 80);
	for (int i = 0; i < 3; i++)
		fds[i] = call(&w);
	say(&w, fds[0], "03");
	CU_ASSERT_EQUAL(iaed_waiting(w.iaed), 2);
	run(&w, 100);
	CU_ASSERT_EQUAL(hear(fds[0], &c, 1), 0);
	CU_ASSERT_EQUAL(hear(fds[1], &c, 1), 0);
	/* the third was let in when there was room */
	CU_ASSERT_EQUAL(iaed_waiting(w.iaed), 1);
	CU_ASSERT_EQUAL(hear(fds[2], &c, 1), -1);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	run(&w, 10);
	CU_ASSERT_EQUAL(iaed_waiting(w.iaed), 0);
	world_close(&w);
}

static void
one_client_cannot_take_all_places(void)
{
	struct iaed_limits limits = {
	    .connections = 10, .per_client = 2, .cr_time = 5000};
	struct world w;
	uint8_t c;
	int fds[4];

	world_open_limited(&w, &limits);
	for (int i = 0; i < 3; i++)
		fds[i] = call(&w);
	CU_ASSERT_EQUAL(iaed_waiting(w.iaed), 2);
	CU_ASSERT_EQUAL(hear(fds[1], &c, 1), -1);
	CU_ASSERT_EQUAL(hear(fds[2], &c, 1), 0);
	/* another address has room, and so has this one when a place is free */
	fds[3] = call_from(&w, "127.0.0.2");
	CU_ASSERT_EQUAL(iaed_waiting(w.iaed), 3);
	close(fds[2]);
	close(fds[1]);
	run(&w, 10);
	fds[1] = call(&w);
	CU_ASSERT_EQUAL(iaed_waiting(w.iaed), 3);
	CU_ASSERT_EQUAL(hear(fds[1], &c, 1), -1);
	close(fds[0]);
	close(fds[1]);
	close(fds[3]);
	world_close(&w);
}

/* An address that somebody listens on. */
static void
name_of(int fd, char *out, size_t size)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);

	CU_ASSERT_FATAL(getsockname(fd, (struct sockaddr *)&ss, &n) == 0);
	net_name((struct sockaddr *)&ss, n, out, size);
}

static void
a_listener_has_its_own_limit_and_leaves_room_to_others(void)
{
	struct iaed_listen one = {.connections = 1};
	struct world w;
	int fd = net_listen("[::1]:0", NULL), calls[3], passed;
	uint8_t got[IAED_HANDOFF_MAX];

	if (fd < 0)
		return; /* a machine without IPv6 */
	world_open(&w, 10, 5000);
	iaed_add_listener(w.iaed, fd, &one);
	calls[0] = call(&w);
	name_of(fd, w.address, sizeof(w.address));
	calls[1] = call(&w);
	calls[2] = call(&w);
	CU_ASSERT_EQUAL(iaed_waiting(w.iaed), 2);
	/* the first IPv6 caller is served, and the second let in */
	say(&w, calls[1], GOOD);
	CU_ASSERT(net_recv_fd(w.service, got, sizeof(got), &passed, NULL) > 0);
	CU_ASSERT_EQUAL(iaed_waiting(w.iaed), 2);
	close(passed);
	for (int i = 0; i < 3; i++)
		close(calls[i]);
	world_close(&w);
}

static void
a_tls_connection_is_handed_over_unread_to_its_channel(void)
{
	struct iaed_listen tls = {.tls = "backbone", .channel = "x400p1"};
	struct iaed_listen nobody = {.tls = "backbone", .channel = "absent"};
	struct world w;
	uint8_t got[IAED_HANDOFF_MAX], c;
	char name[IAED_TLS_NAME_MAX + 1];
	struct octets read;
	int fd, passed;
	ssize_t n;

	world_open(&w, 10, 5000);
	fd = net_listen("127.0.0.1:0", NULL);
	name_of(fd, w.address, sizeof(w.address));
	iaed_add_listener(w.iaed, fd, &tls);
	fd = call(&w);
	say(&w, fd, "160301");
	n = net_recv_fd(w.service, got, sizeof(got), &passed, NULL);
	CU_ASSERT_FATAL(n > 0 && passed >= 0);
	CU_ASSERT_EQUAL(iaed_handoff_parse(got, (size_t)n, &read, NULL), 0);
	CU_ASSERT_EQUAL(read.n, 0);
	CU_ASSERT_FATAL(iaed_handoff_tls(got, (size_t)n, name));
	CU_ASSERT_STRING_EQUAL(name, "backbone");
	CU_ASSERT(recv(passed, &c, 1, 0) == 1 && c == 0x16);
	CU_ASSERT_EQUAL(iaed_waiting(w.iaed), 0);
	close(passed);
	close(fd);
	fd = net_listen("127.0.0.1:0", NULL);
	name_of(fd, w.address, sizeof(w.address));
	iaed_add_listener(w.iaed, fd, &nobody);
	fd = call(&w);
	run(&w, 10);
	CU_ASSERT_EQUAL(hear(fd, &c, 1), 0);
	close(fd);
	world_close(&w);
}

static void
a_channel_that_went_away_is_congested_not_unknown(void)
{
	struct world w;
	uint8_t got[16];
	int fd;

	world_open(&w, 10, 5000);
	close(w.service);
	w.service = -1;
	fd = call(&w);
	say(&w, fd, GOOD);
	CU_ASSERT_EQUAL(hear(fd, got, sizeof(got)), 11);
	CU_ASSERT_EQUAL(got[10], 1);
	close(fd);
	world_close(&w);
}

/* The sockets between processes hold some hundreds, here next to nothing. */
static void
a_burst_waits_for_room_and_is_served_when_there_is_some(void)
{
	struct world w;
	uint8_t got[IAED_HANDOFF_MAX];
	struct buf cr = {0};
	int fds[100], passed, n = 0;

	world_open(&w, 200, 5000);
	unhex(GOOD, &cr);
	for (size_t k = 0; k < 100; k++) {
		fds[k] = net_connect(w.address, NULL);
		CU_ASSERT(fds[k] >= 0);
		CU_ASSERT(send(fds[k], cr.data, cr.len, MSG_NOSIGNAL) > 0);
	}
	run(&w, 100);
	CU_ASSERT(iaed_waiting(w.iaed) > 0);
	for (int round = 0; round < 100 && n < 100; round++) {
		while (net_recv_fd(w.service, got, sizeof(got), &passed, NULL) >
		    0) {
			close(passed);
			n++;
		}
		run(&w, 20);
	}
	CU_ASSERT_EQUAL(n, 100);
	CU_ASSERT_EQUAL(iaed_waiting(w.iaed), 0);
	for (size_t k = 0; k < 100; k++)
		close(fds[k]);
	buf_free(&cr);
	world_close(&w);
}

static void
processes_take_turns_and_a_lost_one_is_dropped(void)
{
	struct world w;
	uint8_t got[IAED_HANDOFF_MAX];
	int pair[2], counts[2] = {0}, services[2], fd, passed;

	world_open(&w, 10, 5000);
	CU_ASSERT_EQUAL(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	iaed_add_socket(w.iaed, "x400p1", pair[0]);
	services[0] = w.service;
	services[1] = pair[1];
	for (int k = 0; k < 6; k++) {
		if (k == 4) {
			close(services[0]);
			w.service = -1;
		}
		fd = call(&w);
		say(&w, fd, GOOD);
		for (int i = k >= 4; i < 2; i++)
			if (net_recv_fd(services[i], got, sizeof(got), &passed,
				NULL) > 0) {
				counts[i]++;
				close(passed);
			}
		close(fd);
	}
	CU_ASSERT_EQUAL(counts[0], 2);
	CU_ASSERT_EQUAL(counts[1], 4);
	close(services[1]);
	world_close(&w);
}

static void
a_datagram_with_a_wrong_count_is_refused(void)
{
	struct octets o;

	CU_ASSERT(
	    iaed_handoff_parse((const uint8_t *)"\0\0\0", 3, &o, NULL) < 0);
	CU_ASSERT(
	    iaed_handoff_parse((const uint8_t *)"\0\0\0\2x", 5, &o, NULL) < 0);
	CU_ASSERT(iaed_handoff_parse(
		      (const uint8_t *)"\377\377\377\377x", 5, &o, NULL) < 0);
	CU_ASSERT_EQUAL(
	    iaed_handoff_parse((const uint8_t *)"\0\0\0\1x", 5, &o, NULL), 0);
	CU_ASSERT(o.n == 1 && o.p[0] == 'x');
}

void
suite_osi_iaed(void)
{
	static CU_TestInfo tests[] = {
	    TEST(a_known_selector_is_handed_over_with_the_octets_read),
	    TEST(others_are_refused_or_closed),
	    TEST(slow_peers_are_cut_off_and_bounded),
	    TEST(one_client_cannot_take_all_places),
	    TEST(a_listener_has_its_own_limit_and_leaves_room_to_others),
	    TEST(a_tls_connection_is_handed_over_unread_to_its_channel),
	    TEST(a_channel_that_went_away_is_congested_not_unknown),
	    TEST(a_burst_waits_for_room_and_is_served_when_there_is_some),
	    TEST(processes_take_turns_and_a_lost_one_is_dropped),
	    TEST(a_datagram_with_a_wrong_count_is_refused),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("osi_iaed", tests);
}
