/*
 * The driver's octets: from the socket to the engine and back, plain or in
 * TLS, and what is to be done when that fails.
 */
#include <errno.h>

#include "lib/conn_int.h"

#define TLS_ROUNDS_MAX 4      /* of reading a record, then others' turn */
#define LINGER_MS 2000        /* waiting for the peer to close */
#define HALF_CLOSED_MS 120000 /* the peer closed; the engine never ends */

void
conn_broke(struct conn *c, const struct err *e)
{
	c->ops->closed(c->engine, e, clock_mono());
	conn_terminate(c);
}

/* Our side is shut down; what the peer still says is dropped. */
void
conn_linger(struct conn *c)
{
	if (c->eof || c->state == CONN_CONNECTING ||
	    shutdown(c->fd, SHUT_WR) != 0) {
		conn_terminate(c);
		return;
	}
	c->state = CONN_LINGER;
	c->give_up = clock_mono() + LINGER_MS;
}

/* The connection broke. */
void
conn_fail(struct conn *c, const char *what, int error)
{
	struct err e = ERR_INIT;

	errno = error;
	err_sys(&e, "net", "%s", what);
	conn_broke(c, &e);
}

bool
conn_wants_input(const struct conn *c)
{
	return c->state == CONN_OPEN && (c->tls == NULL || c->secure) &&
	    (c->ops->wants_input == NULL || c->ops->wants_input(c->engine)) &&
	    !c->ops->finished(c->engine);
}

static void
peer_is_done(struct conn *c)
{
	c->eof = true;
	c->give_up = clock_mono() + HALF_CLOSED_MS;
	c->ops->closed(c->engine, NULL, clock_mono());
}

static void
read_plain(struct conn *c)
{
	uint8_t p[READ_SIZE];
	ssize_t n = recv(c->fd, p, sizeof(p), 0);

	if (n > 0) {
		c->crossed = true;
		c->ops->input(c->engine, p, (size_t)n, clock_mono());
	} else if (n == 0) {
		peer_is_done(c);
	} else if (errno != EAGAIN && errno != EINTR) {
		conn_fail(c, "read", errno);
	}
}

/* What a broken TLS connection still owes: the alert that tells the peer why
 * must not be overtaken by a reset. */
void
conn_fail_tls(struct conn *c, const struct err *e)
{
	c->ops->closed(c->engine, e, clock_mono());
	if (c->state == CONN_CLOSED)
		return;
	conn_linger(c);
}

/* What TLS needs of the socket to go on. */
void
conn_take_needs(struct conn *c, enum tls_result r)
{
	c->need_read |= r == TLS_WANT_READ;
	c->need_write |= r == TLS_WANT_WRITE;
}

/* OpenSSL may hold whole records that the socket will not tell of: `more` says
 * that it was not asked until it had none. */
static void
read_tls(struct conn *c)
{
	uint8_t p[TLS_RECORD_MAX];
	struct err e = ERR_INIT;
	enum tls_result r;
	size_t n;

	for (int i = 0; i < TLS_ROUNDS_MAX && conn_wants_input(c) && !c->eof;
	     i++) {
		r = tls_link_read(c->tls, p, sizeof(p), &n, &e);
		c->more = r == TLS_DONE;
		switch (r) {
		case TLS_DONE:
			c->ops->input(c->engine, p, n, clock_mono());
			break;
		case TLS_WANT_READ: return;
		case TLS_WANT_WRITE: c->need_write = true; return;
		case TLS_END: peer_is_done(c); return;
		case TLS_FAILED: conn_fail_tls(c, &e); return;
		}
	}
}

void
conn_read_some(struct conn *c)
{
	if (c->tls != NULL)
		read_tls(c);
	else
		read_plain(c);
}

/* Sending failed; what the peer said before it left may say why. */
static void
hear_last_words(struct conn *c, const struct err *e)
{
	uint8_t p[READ_SIZE];
	ssize_t n;

	if (c->tls != NULL && c->secure) {
		do
			read_tls(c);
		while (c->more && conn_wants_input(c) && !c->eof);
	} else {
		while (conn_wants_input(c) &&
		    (n = recv(c->fd, p, sizeof(p), 0)) > 0)
			c->ops->input(c->engine, p, (size_t)n, clock_mono());
	}
	if (c->state == CONN_OPEN)
		conn_broke(c, e);
}

/* Octets that may go now; in front of a handshake only those owed in plain. */
size_t
conn_unsent(const struct conn *c)
{
	size_t n = c->ops->output(c->engine)->len;

	if (c->tls == NULL)
		return n;
	if (c->secure)
		return n + tls_link_unsent(c->tls);
	return c->plain < n ? c->plain : n;
}

/* Each sends some of the first n octets of `out` and returns false when the
 * socket takes no more now, or it failed (and has been dealt with). */
static bool
send_plain(struct conn *c, struct buf *out, size_t n)
{
	struct err e = ERR_INIT;
	ssize_t sent;

	do
		sent = send(c->fd, out->data, n, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0 && errno == EAGAIN)
		return false;
	if (sent < 0) {
		err_sys(&e, "net", "write");
		hear_last_words(c, &e);
		return false;
	}
	c->crossed = true;
	buf_consume(out, (size_t)sent);
	if (c->tls != NULL)
		c->plain -= (size_t)sent;
	return true;
}

static bool
send_tls(struct conn *c, struct buf *out)
{
	struct err e = ERR_INIT;
	size_t taken;
	enum tls_result r =
	    tls_link_write(c->tls, out->data, out->len, &taken, &e);

	buf_consume(out, taken);
	conn_take_needs(c, r);
	if (r == TLS_FAILED)
		hear_last_words(c, &e);
	return r == TLS_DONE;
}

/* Sends what there is. True: all went, and the engine may have made more. */
bool
conn_flush(struct conn *c)
{
	struct buf *out = c->ops->output(c->engine);
	size_t n = conn_unsent(c);

	if (n == 0)
		return false;
	for (; n > 0; n = conn_unsent(c)) {
		if (!(c->secure ? send_tls(c, out) : send_plain(c, out, n)))
			return false;
		if (c->give_up != MSEC_NEVER)
			c->give_up = clock_mono() + LAST_FLUSH_MS;
	}
	if (c->ops->drained == NULL || out->len > 0)
		return false;
	c->ops->drained(c->engine, clock_mono());
	return true;
}
