/*
 * Transport class 0 over TCP: the engine's life, and what it sends (X.224 6 and
 * 13, RFC 1006). What it receives is in cotp_receive.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/log.h"
#include "osi/cotp_int.h"

void
cotp_trace(struct cotp *c, bool sent, const char *what, const char *detail)
{
	const struct osi_common *o = &c->params.common;

	if (o->trace != NULL)
		o->trace(o->trace_arg, sent, what, detail);
}

struct cotp *
cotp_new(const struct cotp_params *p, cotp_event_fn *fn, void *user, msec_t now)
{
	struct cotp *c = xcalloc(1, sizeof(*c));

	c->params = *p;
	if (c->params.tpdu_size < 128 || c->params.tpdu_size > COTP_TPDU_MAX)
		c->params.tpdu_size = COTP_TPDU_MAX;
	c->fn = fn;
	c->user = user;
	c->tpdu_size = c->tpdu_size_in = c->params.tpdu_size;
	c->local_ref = p->common.reference;
	if (c->local_ref == 0)
		c->local_ref = (uint16_t)(now & 0x7fff) | 1;
	return c;
}

void
cotp_free(struct cotp **c)
{
	if (*c == NULL)
		return;
	buf_free(&(*c)->out);
	buf_free(&(*c)->tx);
	buf_free(&(*c)->head);
	free(*c);
	*c = NULL;
}

void
cotp_end(struct cotp *c, uint8_t reason, const struct err *e)
{
	struct cotp_event ev = {
	    .type = COTP_DISCONNECT, .reason = reason, .err = e};

	if (c->state == COTP_CLOSED)
		return;
	c->state = COTP_CLOSED;
	c->fn(c->user, &ev);
}

/* --- sending --- */

void
cotp_put_tpdu(struct cotp *c, const struct tpdu *t)
{
	char sel[2 * OSI_SEL_MAX + 3], detail[128];

	if (t->code == TPDU_DR)
		snprintf(detail, sizeof(detail), "reason %u: %s", t->reason,
		    tpdu_reason_text(t->reason));
	else
		snprintf(detail, sizeof(detail), "called %s",
		    osi_sel_text(&t->called, sel, sizeof(sel)));
	tpdu_put(t, &c->out);
	cotp_trace(c, true, tpdu_name(t->code), detail);
}

/* The greatest TPDU size code that is not above `size`. */
static uint8_t
size_code(uint32_t size)
{
	uint8_t code = 7;

	while (code < 13 && (UINT32_C(2) << code) <= size)
		code++;
	return code;
}

/* What to offer: the default by saying nothing, and what the TPDU size cannot
 * say as the preferred one, beside the best that it can (X.224 6.5.4). */
static void
offer_size(struct cotp *c, struct tpdu *t)
{
	uint32_t max = c->params.tpdu_size;

	c->tpdu_size = c->tpdu_size_in = COTP_TPDU_MAX;
	if (max == COTP_TPDU_MAX)
		return;
	t->size_code = size_code(max);
	c->tpdu_size = c->tpdu_size_in = UINT32_C(1) << t->size_code;
	if (max / 128 * 128 > c->tpdu_size) {
		t->preferred = max / 128 * 128;
		c->tpdu_size_in = t->preferred;
	}
}

void
cotp_connect_request(struct cotp *c)
{
	struct tpdu t = {
	    .code = TPDU_CR,
	    .src_ref = c->local_ref,
	    .called = c->params.called,
	    .calling = c->params.calling,
	};

	INVARIANT(c->params.role == OSI_INITIATOR);
	if (c->state != COTP_IDLE)
		return;
	offer_size(c, &t);
	cotp_put_tpdu(c, &t);
	c->state = COTP_WAIT_CC;
}

/* A preferred size is answered by one, without the other parameter; a CR with
 * neither, which means 65531, only when we want less. */
static void
answer_size(struct cotp *c, struct tpdu *t)
{
	if (c->peer_prefers) {
		t->preferred = c->tpdu_size / 128 * 128;
		c->tpdu_size = t->preferred;
	} else if (c->peer_gave_size || c->tpdu_size < COTP_TPDU_MAX) {
		t->size_code = size_code(c->tpdu_size);
		c->tpdu_size = UINT32_C(1) << t->size_code;
	}
	c->tpdu_size_in = c->tpdu_size;
}

void
cotp_connect_accept(struct cotp *c)
{
	struct tpdu t = {
	    .code = TPDU_CC,
	    .dst_ref = c->remote_ref,
	    .src_ref = c->local_ref,
	};

	if (c->state != COTP_WAIT_ANSWER)
		return;
	answer_size(c, &t);
	cotp_put_tpdu(c, &t);
	c->state = COTP_OPEN;
}

static void
flush_dt(struct cotp *c, bool eot)
{
	tpdu_put_dt(c->tx.data, c->tx.len, eot, &c->out);
	buf_clear(&c->tx);
}

/* A full DT TPDU waits for one more octet, so that the last one of a TSDU,
 * which carries EOT, is not an empty one. */
void
cotp_data_request(struct cotp *c, const uint8_t *p, size_t n, bool last)
{
	size_t max = c->tpdu_size - TPDU_DT_HEADER;

	if (c->state != COTP_OPEN)
		return;
	while (n > 0) {
		size_t room;

		if (c->tx.len == max)
			flush_dt(c, false);
		room = max - c->tx.len;
		if (c->tx.len == 0 && n > max) {
			tpdu_put_dt(p, max, false, &c->out);
			room = max;
		} else {
			room = room < n ? room : n;
			buf_append(&c->tx, p, room);
		}
		p += room;
		n -= room;
	}
	if (last)
		flush_dt(c, true);
}

void
cotp_disconnect(struct cotp *c)
{
	c->state = COTP_CLOSED;
}

struct buf *
cotp_output(struct cotp *c)
{
	return &c->out;
}

bool
cotp_finished(const struct cotp *c)
{
	return c->state == COTP_CLOSED;
}

const struct cotp_params *
cotp_params(const struct cotp *c)
{
	return &c->params;
}
