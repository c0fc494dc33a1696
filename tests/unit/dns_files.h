/*
 * A name server for tests, NSD on a port of the loopback, with zones made
 * and signed anew in a directory of their own:
 *
 *   signed.example   proven by the anchor anchor.key
 *   forged.example   signed, and the anchor is of another key
 *   plain.example    not signed
 *   127.in-addr.arpa not signed
 *
 * Asked for any other zone, it refuses. Where NSD or ldnsutils are not
 * installed, dns_server_start() says so and is false.
 */
#ifndef TESTS_DNS_FILES_H
#define TESTS_DNS_FILES_H

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/arena.h"
#include "lib/dns.h"
#include "tests/unit/unit.h"

struct dns_server {
	char dir[64];
	struct arena *paths;
	pid_t pid;
	int port;
	const char *address; /* "127.0.0.1@port" */
	const char *anchors[2];
	struct dns_zone zones[4];
};

static inline int
dns_server_socket(int type, int port, int *got)
{
	struct sockaddr_in sin = {
	    .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t n = sizeof(sin);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (bind(fd, (struct sockaddr *)&sin, n) < 0) {
		close(fd);
		return -1;
	}
	getsockname(fd, (struct sockaddr *)&sin, &n);
	*got = ntohs(sin.sin_port);
	return fd;
}

/* A port that is free for both, at this moment. */
static inline int
dns_server_port(void)
{
	for (int i = 0; i < 50; i++) {
		int port = 0, udp = dns_server_socket(SOCK_DGRAM, 0, &port);
		int tcp = dns_server_socket(SOCK_STREAM, port, &port);

		close(udp);
		if (tcp < 0)
			continue;
		close(tcp);
		return port;
	}
	return 0;
}

static inline void
dns_server_file(struct dns_server *s, const char *name, const char *text)
{
	FILE *f = fopen(arena_printf(s->paths, "%s/%s", s->dir, name), "w");

	CU_ASSERT_FATAL(f != NULL);
	fputs(text, f);
	fclose(f);
}

static inline void
dns_server_zone(struct dns_server *s, const char *zone, const char *records)
{
	dns_server_file(s, zone,
	    arena_printf(s->paths,
		"$ORIGIN %s.\n$TTL 600\n"
		"@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\n"
		"ns A 127.0.0.1\n%s",
		zone, records));
}

static inline void
dns_server_conf(struct dns_server *s)
{
	static const char *const zones[][2] = {
	    {"signed.example", "signed.example.signed"},
	    {"forged.example", "forged.example.signed"},
	    {"plain.example", "plain.example"},
	    {"127.in-addr.arpa", "127.in-addr.arpa"},
	};
	const char *text = arena_printf(s->paths,
	    "server:\n ip-address: 127.0.0.1@%d\n username: \"\"\n"
	    " zonesdir: %s\n pidfile: %s/nsd.pid\n logfile: %s/nsd.log\n"
	    " database: \"\"\n xfrdfile: %s/xfrd\n zonelistfile: %s/list\n"
	    " xfrdir: %s\n server-count: 1\nremote-control:\n"
	    " control-enable: no\n",
	    s->port, s->dir, s->dir, s->dir, s->dir, s->dir, s->dir);

	for (size_t i = 0; i < 4; i++) {
		text = arena_printf(s->paths,
		    "%szone:\n name: %s\n zonefile: %s\n", text, zones[i][0],
		    zones[i][1]);
		s->zones[i] = (struct dns_zone){
		    .name = zones[i][0],
		    .servers = &s->address,
		    .n_servers = 1,
		};
	}
	dns_server_file(s, "nsd.conf", text);
}

/* Until it answers: a status query (RFC 1035 4.1.1), whatever it says. */
static inline bool
dns_server_answers(struct dns_server *s)
{
	static const uint8_t query[] = {0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 5,
	    'p', 'l', 'a', 'i', 'n', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0, 0,
	    6, 0, 1};
	struct sockaddr_in sin = {
	    .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)s->port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	uint8_t in[512];
	int any, fd = dns_server_socket(SOCK_DGRAM, 0, &any);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	bool answered = false;

	connect(fd, (struct sockaddr *)&sin, sizeof(sin));
	for (int i = 0; i < 200 && !answered; i++) {
		if (send(fd, query, sizeof(query), 0) > 0 &&
		    poll(&p, 1, 100) > 0)
			answered = recv(fd, in, sizeof(in), 0) > 12;
		if (!answered) /* refused, as long as nobody listens */
			usleep(50000);
	}
	close(fd);
	return answered;
}

static inline void
dns_server_run(struct dns_server *s)
{
	const char *conf = arena_printf(s->paths, "%s/nsd.conf", s->dir);

	s->pid = fork();
	if (s->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		execl("/usr/sbin/nsd", "nsd", "-d", "-c", conf, (char *)NULL);
		_exit(127);
	}
	CU_ASSERT_FATAL(s->pid > 0);
	CU_ASSERT_FATAL(dns_server_answers(s));
}

/* The keys; what is signed; the anchors. */
static inline void
dns_server_sign(struct dns_server *s)
{
	const char *script = arena_printf(s->paths,
	    "cd %s && for z in signed forged; do "
	    "k=$(ldns-keygen -r /dev/urandom -k -a ECDSAP256SHA256 $z.example)"
	    " && ldns-signzone $z.example $k && cp $k.key $z.key || exit 1; "
	    "done && "
	    "k=$(ldns-keygen -r /dev/urandom -k -a ECDSAP256SHA256 "
	    "forged.example) && mv $k.key forged.key",
	    s->dir);

	CU_ASSERT_FATAL(system(script) == 0);
	s->anchors[0] = arena_printf(s->paths, "%s/signed.key", s->dir);
	s->anchors[1] = arena_printf(s->paths, "%s/forged.key", s->dir);
}

static inline bool
dns_server_start(struct dns_server *s)
{
	*s = (struct dns_server){.dir = "/tmp/isthmus-dns-XXXXXX"};
	if (access("/usr/sbin/nsd", X_OK) != 0 ||
	    access("/usr/bin/ldns-signzone", X_OK) != 0) {
		printf("no nsd or ldnsutils: skipped\n");
		return false;
	}
	s->paths = arena_new();
	CU_ASSERT_FATAL(mkdtemp(s->dir) != NULL);
	s->port = dns_server_port();
	s->address = arena_printf(s->paths, "127.0.0.1@%d", s->port);
	dns_server_zone(s, "signed.example",
	    "@ MX 10 mx1\n@ MX 20 mx2\nmx1 A 127.0.0.1\nmx1 AAAA ::1\n"
	    "mx2 CNAME mx1\nout CNAME host.plain.example.\n"
	    "_25._tcp.mx1 TLSA 3 1 1 0123456789abcdef0123456789abcdef"
	    "0123456789abcdef0123456789abcdef\n"
	    "txt TXT \"v=one; \" \"two\"\n");
	dns_server_zone(s, "forged.example", "host A 127.0.0.1\n");
	dns_server_zone(s, "plain.example",
	    "@ MX 10 host\nhost A 127.0.0.2\nnull MX 0 .\ntxt TXT \"x\"\n"
	    "_mta-sts TXT \"v=STSv1; id=1;\"\nmta-sts A 127.0.0.1\n"
	    "_mta-sts.nohost TXT \"v=STSv1; id=1;\"\n"
	    "loop1 CNAME loop2\nloop2 CNAME loop1\n");
	dns_server_zone(
	    s, "127.in-addr.arpa", "1.0.0 PTR host.plain.example.\n");
	dns_server_sign(s);
	dns_server_conf(s);
	dns_server_run(s);
	return true;
}

static inline void
dns_server_stop(struct dns_server *s)
{
	if (s->pid <= 0)
		return;
	kill(s->pid, SIGTERM);
	waitpid(s->pid, NULL, 0);
	CU_ASSERT(system(arena_printf(s->paths, "rm -r %s", s->dir)) == 0);
	arena_free(&s->paths);
	s->pid = 0;
}

#endif
