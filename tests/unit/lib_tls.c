/* Both ends over a real TCP connection in one loop, or one of them against a
 * peer that is not what it should be. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "lib/arena.h"
#include "lib/log.h"
#include "lib/loop.h"
#include "lib/tls.h"
#include "tests/unit/tls_files.h"
#include "tests/unit/unit.h"

#define BIG (3 * 1024 * 1024 + 17)

/* An engine that keeps what it hears; '.' makes it finish. */
struct side {
	struct buf out, in;
	struct loop *loop;
	struct conn *conn;
	int *open; /* sides that are not gone yet */
	unsigned closes;
	struct err err;
	bool finished, echo, stays, deaf;
	bool asks;       /* mid-stream: "S" makes both start TLS */
	struct tls *tls; /* for `asks` */
	bool server;
	size_t most;
	/* seen when the first octet came in TLS */
	bool secure, verified;
	char version[16], subject[128];
	const struct conn_tls_client *own; /* a client; NULL: as usual */
	const char *is;                    /* the name to ask for */
	bool is_it;
};

static void
note_peer(struct side *s)
{
	const struct tls_peer *p = conn_tls(s->conn);

	if (p == NULL || s->secure)
		return;
	s->secure = true;
	s->verified = p->verified;
	snprintf(s->version, sizeof(s->version), "%s", p->version);
	snprintf(s->subject, sizeof(s->subject), "%s", p->subject);
	s->is_it = s->is != NULL && conn_tls_is(s->conn, s->is);
	CU_ASSERT(strlen(p->cipher) > 5);
}

static void
side_input(void *engine, const uint8_t *p, size_t n, msec_t now)
{
	struct side *s = engine;

	(void)now;
	CU_ASSERT_FATAL(!s->deaf);
	note_peer(s);
	s->most = n > s->most ? n : s->most;
	buf_append(&s->in, p, n);
	if (s->echo)
		buf_append(&s->out, p, n);
	if (s->asks && conn_tls(s->conn) == NULL && p[0] == 'S') {
		if (s->server)
			buf_puts(&s->out, "S");
		conn_start_tls(s->conn, s->tls, s->server, NULL);
		if (!s->server)
			buf_puts(&s->out, "in secret.");
	}
	if (p[n - 1] == '.' && !s->stays)
		s->finished = true;
}

static void
side_closed(void *engine, const struct err *reason, msec_t now)
{
	struct side *s = engine;

	(void)now;
	note_peer(s);
	s->closes++;
	if (reason != NULL)
		s->err = *reason;
	s->finished = true;
}

static struct buf *
side_output(void *engine)
{
	return &((struct side *)engine)->out;
}

static msec_t
side_deadline(void *engine)
{
	(void)engine;
	return MSEC_NEVER;
}

static void
side_timeout(void *engine, msec_t now)
{
	(void)engine;
	(void)now;
}

static bool
side_wants_input(void *engine)
{
	return !((struct side *)engine)->deaf;
}

static bool
side_finished(void *engine)
{
	return ((struct side *)engine)->finished;
}

static const struct engine_ops side_ops = {
    .input = side_input,
    .closed = side_closed,
    .output = side_output,
    .deadline = side_deadline,
    .timeout = side_timeout,
    .wants_input = side_wants_input,
    .finished = side_finished,
};

static void
side_gone(void *arg)
{
	struct side *s = arg;

	conn_free(&s->conn);
	if (--*s->open == 0)
		loop_stop(s->loop);
}

static void
side_end(struct side *s)
{
	buf_free(&s->out);
	buf_free(&s->in);
}

/* --- the stage --- */

struct stage {
	struct tls_files files;
	struct loop *loop;
	struct loop_timer *watchdog;
	int open;
	int fd[2]; /* client, server */
};

static void
take_too_long(void *arg)
{
	(void)arg;
	log_die("the TLS test hangs");
}

static void
tcp_pair(int fd[2])
{
	struct sockaddr_in sin;
	socklen_t n = sizeof(sin);
	int l = net_listen("127.0.0.1:0", NULL);
	char name[64];

	CU_ASSERT_FATAL(l >= 0);
	getsockname(l, (struct sockaddr *)&sin, &n);
	fd[0] = net_connect(
	    net_name((struct sockaddr *)&sin, n, name, sizeof(name)), NULL);
	while ((fd[1] = accept4(l, NULL, NULL, SOCK_NONBLOCK)) < 0)
		usleep(1000);
	close(l);
}

static void
stage_set(struct stage *st)
{
	st->loop = loop_new();
	st->watchdog = loop_timer_set(st->loop, 20000, take_too_long, NULL);
	st->open = 0;
	tcp_pair(st->fd);
}

static void
stage_clear(struct stage *st)
{
	loop_timer_cancel(&st->watchdog);
	loop_free(&st->loop);
}

static void
enter(struct stage *st, struct side *s, int fd)
{
	s->loop = st->loop;
	s->open = &st->open;
	s->err = (struct err)ERR_INIT;
	st->open++;
	s->conn = conn_new(st->loop, fd, &side_ops, s, side_gone, s);
}

static struct tls *
settings(const struct tls_params *p)
{
	struct err e = ERR_INIT;
	struct tls *t = tls_new(p, &e);

	if (t == NULL)
		log_die("%s", e.text);
	return t;
}

/* The client says `say`, the server says it back; both leave at ".". */
static void
play(struct stage *st, struct side *client, const struct tls_params *cp,
    const char *name, struct side *server, const struct tls_params *sp)
{
	struct tls *ct = settings(cp), *stls = settings(sp);

	stage_set(st);
	enter(st, client, st->fd[0]);
	enter(st, server, st->fd[1]);
	server->echo = true;
	if (client->own != NULL)
		conn_start_tls_client(client->conn, ct, client->own);
	else
		conn_start_tls(client->conn, ct, false, name);
	conn_start_tls(server->conn, stls, true, NULL);
	if (client->out.len == 0)
		buf_puts(&client->out, "hello.");
	loop_run(st->loop);
	stage_clear(st);
	tls_free(&ct);
	tls_free(&stls);
}

static bool
says(const struct side *s, const char *part)
{
	bool there = s->err.code < 0 && strstr(s->err.text, part) != NULL;

	if (!there)
		printf("[%d %s]", s->err.code, s->err.text);
	return there;
}

/* --- the promises --- */

static void
both_prove_themselves_and_are_named_in_both_versions(void)
{
	for (int version = 12; version <= 13; version++) {
		struct stage st;
		struct side c = {.is = "MTA.example"},
			    s = {.is = "germany mta 1"};
		struct tls_params cp, sp;

		tls_files_make(&st.files);
		cp = (struct tls_params){
		    .certificate = tls_file(&st.files, "client"),
		    .ca = tls_file(&st.files, "ca"),
		    .crl = tls_file(&st.files, "crl"),
		    .verify = TLS_VERIFY_REQUIRED,
		    .min_version = version};
		sp = cp;
		sp.certificate = tls_file(&st.files, "server");
		play(&st, &c, &cp, "mta.example", &s, &sp);
		CU_ASSERT_STRING_EQUAL(buf_cstr(&s.in), "hello.");
		CU_ASSERT_STRING_EQUAL(buf_cstr(&c.in), "hello.");
		CU_ASSERT(c.verified && s.verified && c.is_it && s.is_it);
		CU_ASSERT_STRING_EQUAL(c.subject, "CN=Server");
		CU_ASSERT_STRING_EQUAL(s.subject, "CN=GERMANY MTA 1");
		CU_ASSERT(version == 12 || strcmp(c.version, "TLSv1.3") == 0);
		CU_ASSERT_EQUAL(c.err.code, 0);
		CU_ASSERT_EQUAL(s.err.code, 0);
		tls_files_remove(&st.files);
		side_end(&c);
		side_end(&s);
	}
}

static void
what_is_wrong_with_a_certificate_is_said_by_who_refuses_it(void)
{
	static const struct {
		const char *client, *server, *name, *crl;
		enum tls_verify at_client, at_server;
		const char *client_says, *server_says; /* NULL: goes well */
	} rows[] = {
	    {"client", "expired", "Old", NULL, TLS_VERIFY_REQUIRED,
		TLS_VERIFY_NONE,
		"certificate of \"CN=Old\" (depth 0): certificate has expired",
		"alert certificate expired"},
	    {"client", "stranger", NULL, NULL, TLS_VERIFY_REQUIRED,
		TLS_VERIFY_NONE, "unable to get local issuer certificate",
		"alert unknown ca"},
	    {"client", "revoked", "Lost", "crl", TLS_VERIFY_REQUIRED,
		TLS_VERIFY_NONE, "certificate revoked", "alert certificate"},
	    {"client", "revoked", "Lost", NULL, TLS_VERIFY_REQUIRED,
		TLS_VERIFY_NONE, NULL, NULL},
	    {"client", "server", "other.example", NULL, TLS_VERIFY_REQUIRED,
		TLS_VERIFY_NONE,
		"\"CN=Server\" (depth 0): does not carry the name "
		"\"other.example\"",
		"alert"},
	    {"client", "expired", "other", NULL, TLS_VERIFY_NONE,
		TLS_VERIFY_NONE, NULL, NULL},
	    {NULL, "server", "mta.example", NULL, TLS_VERIFY_REQUIRED,
		TLS_VERIFY_REQUIRED, "alert certificate required",
		"peer did not return a certificate"},
	    {NULL, "server", "mta.example", NULL, TLS_VERIFY_REQUIRED,
		TLS_VERIFY_OPTIONAL, NULL, NULL},
	    {"stranger", "server", NULL, NULL, TLS_VERIFY_REQUIRED,
		TLS_VERIFY_OPTIONAL, "alert unknown ca",
		"certificate of \"CN=Stranger\""},
	    {"expired", "server", NULL, NULL, TLS_VERIFY_REQUIRED,
		TLS_VERIFY_REQUIRED, "alert certificate expired",
		"certificate has expired"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stage st;
		struct side c = {0}, s = {0};
		struct tls_params cp, sp;

		tls_files_make(&st.files);
		cp = (struct tls_params){.certificate = rows[i].client != NULL
			? tls_file(&st.files, rows[i].client)
			: NULL,
		    .ca = tls_file(&st.files, "ca"),
		    .crl = rows[i].crl != NULL
			? tls_file(&st.files, rows[i].crl)
			: NULL,
		    .verify = rows[i].at_client};
		sp = (struct tls_params){
		    .certificate = tls_file(&st.files, rows[i].server),
		    .ca = tls_file(&st.files, "ca"),
		    .verify = rows[i].at_server};
		play(&st, &c, &cp, rows[i].name, &s, &sp);
		if (rows[i].client_says == NULL) {
			CU_ASSERT_STRING_EQUAL(buf_cstr(&c.in), "hello.");
		} else {
			CU_ASSERT(says(&c, rows[i].client_says));
			CU_ASSERT(says(&s, rows[i].server_says));
			CU_ASSERT_EQUAL(s.in.len, 0);
		}
		tls_files_remove(&st.files);
		side_end(&c);
		side_end(&s);
	}
}

static void
a_certificate_carries_its_alternative_names_or_else_its_common_name(void)
{
	static const struct {
		const char *certificate, *name;
		bool is;
	} rows[] = {
	    {"server", "mta.example", true},
	    {"server", "MTA.Example", true},
	    {"server", "a.wild.example", true},
	    {"server", "a.b.wild.example", false},
	    {"server", "wild.example", false},
	    {"server", "Server", true}, /* an MTA name is no domain */
	    {"server", "server.example", false},
	    {"server", "", false},
	    {"client", "Germany MTA 1", true},
	    {"client", "GERMANY MTA", false},
	    {"names", "urn:mta:a", true},
	    {"names", "mta@example.org", true},
	    {"names", "MTA@example.org", true},
	    {"names", "hidden.example", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct stage st;
		struct side c = {.is = rows[i].name}, s = {0};
		struct tls_params cp, sp;

		tls_files_make(&st.files);
		cp = (struct tls_params){.ca = tls_file(&st.files, "ca"),
		    .verify = TLS_VERIFY_REQUIRED};
		sp = (struct tls_params){
		    .certificate = tls_file(&st.files, rows[i].certificate)};
		play(&st, &c, &cp, NULL, &s, &sp);
		CU_ASSERT(c.secure);
		CU_ASSERT_EQUAL(c.is_it, rows[i].is);
		tls_files_remove(&st.files);
		side_end(&c);
		side_end(&s);
	}
}

static void
megabytes_cross_both_ways_and_back_pressure_holds(void)
{
	struct stage st;
	struct side c = {0}, s = {0};
	struct tls_params cp = {0}, sp = {0};
	uint8_t *p;

	tls_files_make(&st.files);
	sp.certificate = tls_file(&st.files, "server");
	p = buf_reserve(&c.out, BIG);
	for (size_t i = 0; i < BIG; i++)
		p[i] = (uint8_t)('a' + i % 23);
	p[BIG - 1] = '.';
	buf_grow(&c.out, BIG);
	play(&st, &c, &cp, NULL, &s, &sp);
	CU_ASSERT_EQUAL(s.in.len, BIG);
	CU_ASSERT_EQUAL_FATAL(c.in.len, BIG);
	CU_ASSERT(s.most <= 16384);
	for (size_t i = 0; i + 1 < BIG; i++)
		if (c.in.data[i] != 'a' + i % 23)
			CU_FAIL_FATAL("the octets differ");
	tls_files_remove(&st.files);
	side_end(&c);
	side_end(&s);
}

static void
hear_again(void *arg)
{
	struct side *s = arg;

	CU_ASSERT_EQUAL(s->in.len, 0);
	s->deaf = false;
	conn_wake(s->conn);
}

static void
octets_that_openssl_holds_are_not_forgotten_by_a_deaf_engine(void)
{
	struct stage st;
	struct side c = {0}, s = {.deaf = true};
	struct tls_params cp = {0}, sp = {0};
	struct tls *ct, *stls;

	tls_files_make(&st.files);
	sp.certificate = tls_file(&st.files, "server");
	ct = settings(&cp);
	stls = settings(&sp);
	stage_set(&st);
	enter(&st, &c, st.fd[0]);
	enter(&st, &s, st.fd[1]);
	s.echo = true;
	conn_start_tls(c.conn, ct, false, NULL);
	conn_start_tls(s.conn, stls, true, NULL);
	for (int i = 0; i < 40000; i++)
		buf_puts(&c.out, "x");
	buf_puts(&c.out, ".");
	loop_timer_set(st.loop, 100, hear_again, &s);
	loop_run(st.loop);
	CU_ASSERT_EQUAL(s.in.len, 40001);
	CU_ASSERT_EQUAL(c.in.len, 40001);
	stage_clear(&st);
	tls_free(&ct);
	tls_free(&stls);
	tls_files_remove(&st.files);
	side_end(&c);
	side_end(&s);
}

static void
tls_starts_in_mid_stream_after_what_was_owed_in_plain(void)
{
	struct stage st;
	struct side c = {.asks = true}, s = {.asks = true, .server = true};
	struct tls_params cp = {0}, sp = {0};

	tls_files_make(&st.files);
	sp.certificate = tls_file(&st.files, "server");
	c.tls = settings(&cp);
	s.tls = settings(&sp);
	stage_set(&st);
	enter(&st, &c, st.fd[0]);
	enter(&st, &s, st.fd[1]);
	buf_puts(&c.out, "S");
	loop_run(st.loop);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&s.in), "Sin secret.");
	CU_ASSERT_STRING_EQUAL(buf_cstr(&c.in), "S");
	CU_ASSERT(s.secure);
	CU_ASSERT_EQUAL(c.err.code, 0);
	stage_clear(&st);
	tls_free(&c.tls);
	tls_free(&s.tls);
	tls_files_remove(&st.files);
	side_end(&c);
	side_end(&s);
}

/* A peer that leaves when the other does. */
static void
leave_too(int fd, void *arg)
{
	char p[512];

	(void)arg;
	if (read(fd, p, sizeof(p)) == 0)
		shutdown(fd, SHUT_WR);
}

/* A server in TLS, and what `say` does to it before the socket is shut. */
static void
play_raw(struct side *s, const char *say, bool shut)
{
	struct stage st;
	struct tls_params sp = {.handshake_timeout = 60};
	struct loop_watch *watch;
	struct tls *t;

	tls_files_make(&st.files);
	sp.certificate = tls_file(&st.files, "server");
	t = settings(&sp);
	stage_set(&st);
	enter(&st, s, st.fd[1]);
	conn_unread(s->conn, (const uint8_t *)"dropped", 7);
	conn_start_tls(s->conn, t, true, NULL);
	send(st.fd[0], say, strlen(say), MSG_NOSIGNAL);
	if (shut)
		shutdown(st.fd[0], SHUT_WR);
	watch = loop_watch_read(st.loop, st.fd[0], leave_too, NULL);
	loop_run(st.loop);
	loop_watch_cancel(&watch);
	close(st.fd[0]);
	stage_clear(&st);
	tls_free(&t);
	tls_files_remove(&st.files);
	CU_ASSERT_EQUAL(s->in.len, 0);
	CU_ASSERT_EQUAL(s->closes, 1);
	side_end(s);
}

static void
a_peer_that_speaks_no_tls_or_stalls_is_dropped_with_a_reason(void)
{
	static const struct {
		const char *say;
		bool shut;
		const char *reason;
	} rows[] = {
	    {"EHLO client.example\r\n", false, "does the peer speak TLS?"},
	    {"\3", false, "not done within 60 ms"},
	    {"", false, "not done within 60 ms"},
	    {"", true, "closed without close_notify"},
	    {"\x16\3\1", true, "closed without close_notify"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct side s = {0};

		play_raw(&s, rows[i].say, rows[i].shut);
		CU_ASSERT(says(&s, rows[i].reason));
	}
}

/* --- a relay in the middle, which cuts or chops --- */

struct relay {
	int from, to; /* sockets */
	struct loop_watch *watch;
	size_t left; /* octets until it cuts, or SIZE_MAX */
	size_t step;
};

static void
relay_on(int fd, void *arg)
{
	struct relay *r = arg;
	uint8_t p[4096];
	ssize_t n = read(fd, p, r->step);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || (size_t)n >= r->left) {
		loop_watch_cancel(&r->watch);
		shutdown(r->to, SHUT_WR);
		return;
	}
	r->left -= r->left == SIZE_MAX ? 0 : (size_t)n;
	CU_ASSERT(write(r->to, p, (size_t)n) == n);
}

/* The client's octets go through a relay, `step` at a time, and end after
 * `cut`; the server's come back whole. */
static void
play_relayed(struct side *c, struct side *s, size_t step, size_t cut)
{
	struct stage st;
	struct relay there = {.step = step, .left = cut},
		     back = {.step = 4096, .left = SIZE_MAX};
	struct tls_params cp = {0}, sp = {0};
	struct tls *ct, *stls;
	int other[2];

	tls_files_make(&st.files);
	sp.certificate = tls_file(&st.files, "server");
	ct = settings(&cp);
	stls = settings(&sp);
	stage_set(&st);
	tcp_pair(other);
	enter(&st, c, st.fd[0]);
	enter(&st, s, other[1]);
	s->echo = true;
	there.from = back.to = st.fd[1];
	there.to = back.from = other[0];
	there.watch = loop_watch_read(st.loop, there.from, relay_on, &there);
	back.watch = loop_watch_read(st.loop, back.from, relay_on, &back);
	conn_start_tls(c->conn, ct, false, NULL);
	conn_start_tls(s->conn, stls, true, NULL);
	buf_puts(&c->out, "hello.");
	loop_run(st.loop);
	loop_watch_cancel(&there.watch);
	loop_watch_cancel(&back.watch);
	close(st.fd[1]);
	close(other[0]);
	stage_clear(&st);
	tls_free(&ct);
	tls_free(&stls);
	tls_files_remove(&st.files);
}

static void
one_octet_at_a_time_is_enough(void)
{
	struct side c = {0}, s = {0};

	play_relayed(&c, &s, 1, SIZE_MAX);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&c.in), "hello.");
	CU_ASSERT_EQUAL(c.err.code, 0);
	CU_ASSERT_EQUAL(s.err.code, 0);
	side_end(&c);
	side_end(&s);
}

static void
a_stream_that_ends_without_close_notify_is_broken(void)
{
	struct side c = {.stays = true}, s = {.stays = true};

	/* ClientHello and the rest of the handshake are below 1000 octets,
	 * and neither side ever finishes by itself */
	buf_puts(&c.out, "0123456789");
	while (c.out.len < 5000)
		buf_puts(&c.out, "0123456789");
	play_relayed(&c, &s, 1, 3000);
	CU_ASSERT(s.secure || s.in.len == 0);
	CU_ASSERT(says(&s, "closed without close_notify"));
	side_end(&c);
	side_end(&s);
}

static void
wrong_files_are_refused_by_name(void)
{
	static const struct {
		const char *certificate, *key, *ca, *crl, *ciphers, *text;
	} rows[] = {
	    {"nothing", NULL, NULL, NULL, NULL, "nothing.pem: No such file"},
	    {"junk", NULL, NULL, NULL, NULL, "junk.pem: no start line"},
	    {"server", "client", NULL, NULL, NULL, "client.pem: key values"},
	    {NULL, "client", NULL, NULL, NULL, "a key without a certificate"},
	    {"server", NULL, "junk", NULL, NULL, "ca "},
	    {"server", NULL, "ca", "junk", NULL, "crl "},
	    {"server", NULL, "ca", "nothing", NULL, "crl "},
	    {"server", NULL, "ca", NULL, "NONSENSE", "no cipher match"},
	};
	struct tls_files f;

	tls_files_make(&f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = ERR_INIT;
		const char *const names[] = {
		    rows[i].certificate, rows[i].key, rows[i].ca, rows[i].crl};
		const char *paths[4];

		for (int k = 0; k < 4; k++)
			paths[k] =
			    names[k] != NULL ? tls_file(&f, names[k]) : NULL;
		CU_ASSERT_PTR_NULL(
		    tls_new(&(struct tls_params){.certificate = paths[0],
				.key = paths[1],
				.ca = paths[2],
				.crl = paths[3],
				.ciphers = rows[i].ciphers},
			&e));
		CU_ASSERT_EQUAL(e.code, ERR_CONFIG);
		CU_ASSERT_PTR_NOT_NULL(strstr(e.text, rows[i].text));
		if (strstr(e.text, rows[i].text) == NULL)
			printf("[%s]", e.text);
	}
	tls_files_remove(&f);
}

/* <tls> with these attributes (name, value, ..., NULL). */
static struct conf_node *
tls_node(struct arena *a, const char *const *attrs)
{
	struct conf_node *n = ARENA_NEW(a, struct conf_node);

	n->name = "tls";
	n->file = "x.xml";
	n->line = 7;
	for (; *attrs != NULL; attrs += 2)
		*(struct conf_attr *)arena_push(a, &n->attrs, &n->n_attrs,
		    sizeof(*n->attrs)) = (struct conf_attr){attrs[0], attrs[1]};
	return n;
}

static void
configuration_makes_settings_or_says_what_is_wrong_where(void)
{
	static const struct {
		const char *attrs[7];
		const char *text; /* NULL: good */
	} rows[] = {
	    {{"verify", "none", NULL}, NULL},
	    {{"min-version", "1.3", "handshake-timeout", "5s", NULL}, NULL},
	    {{"verify", "perhaps", NULL}, "x.xml:7: <tls> verify: \"perhaps\""},
	    {{"min-version", "1.1", NULL}, "min-version: \"1.1\""},
	    {{"handshake-timeout", "soon", NULL}, "handshake-timeout"},
	    {{"ca", "/nonexistent", NULL},
		"x.xml:7: <tls> ca /nonexistent: No"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new();
		struct err e = ERR_INIT;
		struct tls *t = tls_from_conf(tls_node(a, rows[i].attrs), &e);

		CU_ASSERT_EQUAL(t != NULL, rows[i].text == NULL);
		CU_ASSERT(rows[i].text == NULL ||
		    (e.code == ERR_CONFIG && strstr(e.text, rows[i].text)));
		tls_free(&t);
		arena_free(&a);
	}
}

static int
trusts_nobody(void *arg, SSL *ssl, struct err *e)
{
	SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
	(void)arg;
	(void)e;
	return 0;
}

static int
is_unfit(void *arg, SSL *ssl, struct err *e)
{
	(void)arg;
	(void)ssl;
	return err_set(e, "tls", ERR_MEMORY, "unfit");
}

static void
a_client_may_have_trust_of_its_own(void)
{
	static const struct {
		enum tls_verify settings;
		struct conn_tls_client own;
		const char *server, *says; /* NULL: goes well */
	} rows[] = {
	    {TLS_VERIFY_NONE, {"mta.example", TLS_VERIFY_REQUIRED, NULL, NULL},
		"server", NULL},
	    {TLS_VERIFY_NONE, {"x.example", TLS_VERIFY_REQUIRED, NULL, NULL},
		"server", "does not carry the name \"x.example\""},
	    {TLS_VERIFY_REQUIRED, {"x.example", TLS_VERIFY_NONE, NULL, NULL},
		"stranger", NULL},
	    {TLS_VERIFY_NONE, {NULL, TLS_VERIFY_NONE, trusts_nobody, NULL},
		"stranger",
		"certificate verify failed: unable to get local issuer"},
	    {TLS_VERIFY_NONE, {NULL, TLS_VERIFY_NONE, is_unfit, NULL}, "server",
		"unfit"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct side c = {.own = &rows[i].own}, s = {0};
		struct tls_params cp, sp;
		struct stage st;

		tls_files_make(&st.files);
		cp = (struct tls_params){.ca = tls_file(&st.files, "ca"),
		    .verify = rows[i].settings};
		sp = (struct tls_params){
		    .certificate = tls_file(&st.files, rows[i].server),
		    .verify = TLS_VERIFY_NONE};
		play(&st, &c, &cp, NULL, &s, &sp);
		CU_ASSERT_TRUE(rows[i].says != NULL ? says(&c, rows[i].says)
						    : c.err.code == 0);
		CU_ASSERT_EQUAL(s.in.len > 0, rows[i].says == NULL);
		tls_files_remove(&st.files);
		side_end(&c);
		side_end(&s);
	}
}

static void
settings_are_found_by_name(void)
{
	const char *const one[] = {"name", "one", NULL};
	struct arena *a = arena_new();
	struct conf_node *child = tls_node(a, one);
	struct conf_node root = {
	    .name = "isthmus", .children = &child, .n_children = 1};
	struct err e = ERR_INIT;
	struct tls *t = tls_named(&root, "one", &e);

	CU_ASSERT_PTR_NOT_NULL(t);
	tls_free(&t);
	CU_ASSERT_PTR_NULL(tls_named(&root, "two", &e));
	CU_ASSERT_PTR_NOT_NULL(strstr(e.text, "\"two\""));
	arena_free(&a);
}

void
suite_lib_tls(void)
{
	static CU_TestInfo tests[] = {
	    TEST(both_prove_themselves_and_are_named_in_both_versions),
	    TEST(what_is_wrong_with_a_certificate_is_said_by_who_refuses_it),
	    TEST(
		a_certificate_carries_its_alternative_names_or_else_its_common_name),
	    TEST(megabytes_cross_both_ways_and_back_pressure_holds),
	    TEST(octets_that_openssl_holds_are_not_forgotten_by_a_deaf_engine),
	    TEST(tls_starts_in_mid_stream_after_what_was_owed_in_plain),
	    TEST(a_peer_that_speaks_no_tls_or_stalls_is_dropped_with_a_reason),
	    TEST(one_octet_at_a_time_is_enough),
	    TEST(a_stream_that_ends_without_close_notify_is_broken),
	    TEST(wrong_files_are_refused_by_name),
	    TEST(configuration_makes_settings_or_says_what_is_wrong_where),
	    TEST(settings_are_found_by_name),
	    TEST(a_client_may_have_trust_of_its_own),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("lib_tls", tests);
}
