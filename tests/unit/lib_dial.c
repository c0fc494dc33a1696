/* Connections by name and by several addresses, to real listeners. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/conn_int.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/tls.h"
#include "tests/unit/unit.h"

/* An engine that says one word and is content when it got through. */
struct caller {
	struct buf out;
	struct loop *loop;
	struct conn *conn;
	struct err err;
	bool finished, impatient;
	unsigned gones;
	char peer[64];
};

static void
on_input(void *engine, const uint8_t *p, size_t n, msec_t now)
{
	struct caller *c = engine;

	(void)now;
	CU_ASSERT(n > 0 && p[0] == '!');
	snprintf(c->peer, sizeof(c->peer), "%s", conn_peer(c->conn));
	c->finished = true;
}

static void
on_closed(void *engine, const struct err *reason, msec_t now)
{
	struct caller *c = engine;

	(void)now;
	if (reason != NULL)
		c->err = *reason;
	c->finished = true;
}

static struct buf *
output(void *engine)
{
	return &((struct caller *)engine)->out;
}

static msec_t
deadline(void *engine)
{
	return ((struct caller *)engine)->impatient ? 1 : MSEC_NEVER;
}

static void
on_timeout(void *engine, msec_t now)
{
	(void)now;
	((struct caller *)engine)->finished = true;
}

static bool
finished(void *engine)
{
	return ((struct caller *)engine)->finished;
}

static const struct engine_ops ops = {
    .input = on_input,
    .closed = on_closed,
    .output = output,
    .deadline = deadline,
    .timeout = on_timeout,
    .finished = finished,
};

static void
on_gone(void *arg)
{
	struct caller *c = arg;

	c->gones++;
	conn_free(&c->conn);
	loop_stop(c->loop);
}

static void
greet(void *arg, int fd, const char *peer)
{
	(void)arg;
	(void)peer;
	CU_ASSERT(write(fd, "!", 1) == 1);
	shutdown(fd, SHUT_WR);
	close(fd);
}

static void
take_too_long(void *arg)
{
	(void)arg;
	log_die("the dialling test hangs");
}

static void
run_to_end(struct caller *c)
{
	struct loop_timer *watchdog =
	    loop_timer_set(c->loop, 20000, take_too_long, NULL);

	loop_run(c->loop);
	loop_timer_cancel(&watchdog);
	CU_ASSERT_EQUAL(c->gones, 1);
}

static void
end(struct caller *c)
{
	buf_free(&c->out);
	loop_free(&c->loop);
}

static struct caller
new_caller(void)
{
	return (struct caller){.loop = loop_new(), .err = ERR_INIT};
}

static unsigned
port_of(int fd)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);

	CU_ASSERT_FATAL(getsockname(fd, (struct sockaddr *)&ss, &n) == 0);
	return ntohs(ss.ss_family == AF_INET6
		? ((struct sockaddr_in6 *)&ss)->sin6_port
		: ((struct sockaddr_in *)&ss)->sin_port);
}

static void
names_numbers_and_sockets_are_reached(void)
{
	static const struct {
		const char *listen, *dial;
	} rows[] = {
	    {"127.0.0.1:0", "127.0.0.1:%u"},
	    {"localhost:0", "localhost:%u"},
	    {"[::1]:0", "[::1]:%u"},
	    {"unix:/tmp/isthmus-dial-%u", "unix:/tmp/isthmus-dial-%u"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct caller c = new_caller();
		struct loop_listener *ll;
		char address[64];
		unsigned pid = (unsigned)getpid();
		int l;

		snprintf(address, sizeof(address), rows[i].listen, pid);
		l = net_listen(address, NULL);
		if (l < 0 && i == 2) {
			end(&c);
			continue; /* a machine without IPv6 */
		}
		CU_ASSERT_FATAL(l >= 0);
		snprintf(address, sizeof(address), rows[i].dial,
		    i < 3 ? port_of(l) : pid);
		ll = loop_listen(c.loop, l, greet, NULL);
		c.conn = conn_dial(c.loop, address, &ops, &c, on_gone, &c);
		CU_ASSERT_STRING_EQUAL(conn_peer(c.conn), "-");
		run_to_end(&c);
		CU_ASSERT_EQUAL(c.err.code, 0);
		CU_ASSERT(strlen(c.peer) > 5);
		loop_listener_close(&ll);
		if (i == 3)
			unlink(address + 5);
		end(&c);
	}
}

static void
what_cannot_be_reached_is_closed_with_the_reason(void)
{
	static const struct {
		const char *address, *text;
		int code;
	} rows[] = {
	    {"127.0.0.1:1", "connect: Connection refused", ERR_SYSTEM},
	    {"localhost:1", "connect: Connection refused", ERR_SYSTEM},
	    {"nonsense", "no port number", ERR_SYNTAX},
	    {"unix:/nonexistent/x", "connect: No such file", ERR_SYSTEM},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct caller c = new_caller();

		c.conn =
		    conn_dial(c.loop, rows[i].address, &ops, &c, on_gone, &c);
		run_to_end(&c);
		CU_ASSERT_EQUAL(c.err.code, rows[i].code);
		CU_ASSERT_PTR_NOT_NULL(strstr(c.err.text, rows[i].text));
		end(&c);
	}
}

static void
add(struct net_addresses *a, unsigned port)
{
	struct sockaddr_in in = {.sin_family = AF_INET};

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in.sin_port = htons((uint16_t)port);
	memcpy(&a->v[a->n].sa, &in, sizeof(in));
	a->v[a->n++].len = sizeof(in);
}

/* TLS asked for at once, as for a peer, starts when a socket is there. */
static void
start_in_tls(struct caller *c, struct tls *t)
{
	conn_start_tls(c->conn, t, false, NULL);
	buf_puts(&c->out, "?");
}

static void
addresses_are_tried_in_order_until_one_answers(void)
{
	for (int tls = 0; tls < 2; tls++) {
		struct tls_params none = {.verify = TLS_VERIFY_NONE};
		struct tls *t = tls_new(&none, NULL);
		struct caller c = new_caller();
		struct net_addresses a = {0};
		struct loop_listener *ll;
		int l = net_listen("127.0.0.1:0", NULL);

		ll = loop_listen(c.loop, l, greet, NULL);
		add(&a, 1); /* nobody is there */
		add(&a, 2);
		add(&a, port_of(l));
		c.conn = conn_dial_addresses(c.loop, &a, &ops, &c, on_gone, &c);
		if (tls)
			start_in_tls(&c, t);
		run_to_end(&c);
		if (tls) /* which the listener does not speak */
			CU_ASSERT_STRING_EQUAL(c.err.layer, "tls")
		else
			CU_ASSERT_EQUAL(c.err.code, 0);
		loop_listener_close(&ll);
		tls_free(&t);
		end(&c);
	}
}

static void
the_engine_may_give_up_and_the_owner_may_free_at_any_time(void)
{
	struct caller c = new_caller();

	c.impatient = true;
	c.conn = conn_dial(c.loop, "localhost:1", &ops, &c, on_gone, &c);
	run_to_end(&c);
	c.conn = conn_dial(c.loop, "localhost:1", &ops, &c, on_gone, &c);
	conn_free(&c.conn);
	c.conn = conn_dial(c.loop, "127.0.0.1:1", &ops, &c, on_gone, &c);
	conn_kill(c.conn);
	loop_run(c.loop);
	CU_ASSERT_EQUAL(c.gones, 2);
	usleep(50000); /* the look-ups end on their own */
	end(&c);
}

static void
found(void *arg, const struct net_addresses *a, const struct err *e)
{
	struct caller *c = arg;

	c->gones++;
	if (a == NULL)
		c->err = *e;
	else
		CU_ASSERT(a->n >= 1 && a->v[0].len > 0);
	loop_stop(c->loop);
}

static void
a_lookup_finds_or_says_why_not(void)
{
	static const struct {
		const char *address;
		int code;
	} rows[] = {{"localhost:25", 0}, {"192.0.2.1:25", 0},
	    {"[2001:db8::1]:25", 0}, {"x", ERR_SYNTAX}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct caller c = new_caller();

		CU_ASSERT_PTR_NOT_NULL(
		    net_lookup(c.loop, rows[i].address, found, &c));
		CU_ASSERT_EQUAL(c.gones, 0);
		run_to_end(&c);
		CU_ASSERT_EQUAL(c.err.code, rows[i].code);
		end(&c);
	}
}

void
suite_lib_dial(void)
{
	static CU_TestInfo tests[] = {
	    TEST(names_numbers_and_sockets_are_reached),
	    TEST(what_cannot_be_reached_is_closed_with_the_reason),
	    TEST(addresses_are_tried_in_order_until_one_answers),
	    TEST(the_engine_may_give_up_and_the_owner_may_free_at_any_time),
	    TEST(a_lookup_finds_or_says_why_not),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("lib_dial", tests);
}
