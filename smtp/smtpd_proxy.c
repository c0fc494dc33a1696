/*
 * Who is behind a proxy that is trusted: by the PROXY protocol, whose header
 * comes in front of everything, TLS too; or by XCLIENT, in a session.
 *
 * The header is looked at before it is taken from the socket, so that nothing of
 * what follows is read here.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "smtp/proxy.h"
#include "smtp/smtpd_session.h"

#define HEADER_TIMEOUT 10000

/* A connection whose header is still to come. */
struct smtpd_proxied {
	struct smtpd_proxied *next, **prev;
	struct smtpd *d;
	const struct smtp_policy *policy;
	int fd;
	char peer[128]; /* the proxy */
	struct loop_watch *watch;
	struct loop_timer *timer;
	uint8_t header[SMTP_PROXY_MAX];
	size_t n;
};

/* The socket is the caller's. */
static void
forget(struct smtpd_proxied *x)
{
	loop_watch_cancel(&x->watch);
	loop_timer_cancel(&x->timer);
	*x->prev = x->next;
	if (x->next != NULL)
		x->next->prev = x->prev;
	free(x);
}

static void
give_up(struct smtpd_proxied *x, const struct err *e)
{
	struct smtpd *d = x->d;

	log_err(LOG_LEVEL_WARN, "proxy refused", e, "client", x->peer, NULL);
	close(x->fd);
	forget(x);
	smtpd_session_closed(d);
}

static void
on_timeout(void *arg)
{
	struct smtpd_proxied *x = arg;
	struct err e = ERR_INIT;

	x->timer = NULL;
	err_at(&e, "proxy", ERR_TEMPORARY, x->n, "the header did not come");
	give_up(x, &e);
}

/* The session takes the place of this one in the count. */
static void
open_session(struct smtpd_proxied *x, const struct smtp_proxy *found)
{
	struct smtpd *d = x->d;
	const struct smtp_policy *policy = x->policy;
	char peer[128];
	int fd = x->fd;

	snprintf(
	    peer, sizeof(peer), "%s", found->local ? x->peer : found->peer);
	log_event(
	    LOG_LEVEL_DEBUG, "proxied", "client", peer, "by", x->peer, NULL);
	forget(x);
	smtpd_session_open(d, fd, peer, policy);
	smtpd_session_closed(d);
}

/* Takes n octets that were looked at. */
static bool
consume(struct smtpd_proxied *x, size_t n)
{
	return recv(x->fd, x->header + x->n, n, 0) == (ssize_t)n;
}

static void
on_readable(int fd, void *arg)
{
	struct smtpd_proxied *x = arg;
	struct smtp_proxy found;
	struct err e = ERR_INIT;
	ssize_t got =
	    recv(fd, x->header + x->n, sizeof(x->header) - x->n, MSG_PEEK);
	int used;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		err_at(&e, "proxy", ERR_TEMPORARY, x->n,
		    "the connection ended in front of the header");
		give_up(x, &e);
		return;
	}
	used = smtp_proxy_parse(x->header, x->n + (size_t)got, &found, &e);
	if (used < 0) {
		give_up(x, &e);
		return;
	}
	/* of a header that goes on, all that is there is its */
	got = used > 0 ? used - (ssize_t)x->n : got;
	if (!consume(x, (size_t)got)) {
		err_sys(&e, "proxy", "read");
		give_up(x, &e);
		return;
	}
	x->n += (size_t)got;
	if (used > 0)
		open_session(x, &found);
}

bool
smtpd_proxy_is(const struct smtp_policy *policy, const char *peer)
{
	char address[SMTP_ADDRESS_TEXT];

	smtp_peer_address(peer, address);
	return smtp_access_network(policy->proxies, address);
}

void
smtpd_proxy_open(
    struct smtpd *d, int fd, const char *peer, const struct smtp_policy *policy)
{
	struct smtpd_proxied *x = xcalloc(1, sizeof(*x));

	x->d = d;
	x->fd = fd;
	x->policy = policy;
	snprintf(x->peer, sizeof(x->peer), "%s", peer);
	x->next = d->proxied;
	x->prev = &d->proxied;
	if (x->next != NULL)
		x->next->prev = &x->next;
	d->proxied = x;
	d->n_sessions++;
	x->timer = loop_timer_set(d->loop, HEADER_TIMEOUT, on_timeout, x);
	x->watch = loop_watch_read(d->loop, fd, on_readable, x);
}

void
smtpd_proxies_free(struct smtpd *d)
{
	while (d->proxied != NULL) {
		close(d->proxied->fd);
		forget(d->proxied);
		d->n_sessions--;
	}
}

/* --- XCLIENT --- */

bool
smtpd_session_xclient_trusted(void *arg)
{
	return ((struct smtpd_session *)arg)->xclient;
}

/* "192.0.2.1", or "IPV6:2001:db8::1" as Postfix writes it; its text in `out`. */
static bool
parse_address(const char *text, char out[SMTP_ADDRESS_TEXT])
{
	unsigned char octets[16];
	bool ipv6 = strncasecmp(text, "IPV6:", 5) == 0;

	text += ipv6 ? 5 : 0;
	if (inet_pton(ipv6 ? AF_INET6 : AF_INET, text, octets) != 1)
		return false;
	snprintf(out, SMTP_ADDRESS_TEXT, "%s", text);
	return true;
}

static void
be_address(struct smtpd_session *s, const char *address, const char *port)
{
	const char *shown = port != NULL && *port != '\0' ? port : "0";

	smtp_clients_leave(s->d->clients, s->address);
	snprintf(s->address, sizeof(s->address), "%s", address);
	snprintf(s->peer, sizeof(s->peer),
	    strchr(address, ':') != NULL ? "[%s]:%.8s" : "%s:%.8s", address,
	    shown);
	s->client = smtp_access_network(s->policy->access, address);
	s->relay = s->client && s->policy->relay_clients;
}

bool
smtpd_session_xclient(
    void *arg, const struct smtp_server_xclient *x, struct smtp_reply *r)
{
	struct smtpd_session *s = arg;
	char address[SMTP_ADDRESS_TEXT];

	if (x->address != NULL && *x->address != '\0') {
		if (!parse_address(x->address, address)) {
			*r = (struct smtp_reply){
			    501, "5.5.4", "ADDR is no address"};
			return false;
		}
		if (!smtp_clients_enter(
			s->d->clients, address, s->d->max_per_client)) {
			*r = (struct smtp_reply){450, "4.7.0",
			    "Too many connections from that client"};
			return false;
		}
		be_address(s, address, x->port);
	}
	if (x->helo != NULL)
		snprintf(s->helo, sizeof(s->helo), "%s", x->helo);
	log_event(LOG_LEVEL_INFO, "xclient", "client", s->peer, "name", x->name,
	    "protocol", x->protocol, "helo", x->helo, "user", x->login, NULL);
	return true;
}
