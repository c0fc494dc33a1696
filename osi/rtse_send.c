#include "osi/rtse_int.h"

#include <string.h>

#include "lib/log.h"

#define LAYER "rtse"
/* An RTTR that is given up must still be ended; a longer rest than this is
 * not worth sending, the association is. */
#define FILL_MAX (1024 * 1024)

static int
wrong_state(const struct rtse *r, const char *what, struct err *e)
{
	return err_set(
	    e, LAYER, ERR_PROTOCOL, "%s in state %d", what, (int)r->state);
}

/* --- segments and checkpoints --- */

static int
p_data(struct rtse *r, const uint8_t *p, size_t n, uint64_t total, bool first,
    bool last, struct err *e)
{
	struct pres_prim q = {.type = PRES_DATA,
	    .kind = SES_REQ,
	    .data = {r->rtse_context, p, n},
	    .total = total,
	    .first = first,
	    .last = last,
	    .provider_reason = -1};

	return pres_request(acse_pres(r->acse), &q, e);
}

/* Opens an RTTR: up to the next checkpoint, or all of it. */
static int
segment_begin(struct rtse *r, struct err *e)
{
	struct rtse_send *s = &r->send;
	uint64_t size = (uint64_t)r->checkpoint_size * 1024;
	struct buf header = {0};
	int rc;

	if (size == 0 || size > s->stream_left)
		size = s->stream_left;
	ber_put_header(&header, BER_UNIVERSAL, false, BER_OCTET_STRING, size);
	rc = p_data(
	    r, header.data, header.len, header.len + size, true, size == 0, e);
	buf_free(&header);
	s->segment = size > 0;
	s->segment_left = size;
	return rc;
}

static int
checkpoint(struct rtse *r, struct err *e)
{
	struct ses_prim s = {.type = SES_SYNC_MINOR,
	    .kind = SES_REQ,
	    .explicit_confirm = true,
	    .serial = r->send.synced + 1};

	r->send.synced++;
	return rtse_session(r, &s, e);
}

static int
activity_end(struct rtse *r, struct err *e)
{
	struct ses_prim s = {.type = SES_ACTIVITY_END,
	    .kind = SES_REQ,
	    .serial = r->send.synced + 1};

	rtse_enter(r, RTSE_SENT);
	return rtse_session(r, &s, e);
}

/* Octets of the stream; the segment has room for them. */
static int
push(struct rtse *r, const uint8_t *p, size_t n, struct err *e)
{
	struct rtse_send *s = &r->send;
	int rc;

	INVARIANT(s->segment && n <= s->segment_left);
	s->segment_left -= n;
	s->stream_left -= n;
	s->segment = s->segment_left > 0;
	rc = p_data(r, p, n, 0, false, !s->segment, e);
	if (rc < 0 || s->segment)
		return rc;
	return s->stream_left == 0 ? activity_end(r, e) : checkpoint(r, e);
}

static bool
window_open(const struct rtse *r)
{
	return r->send.synced - r->send.confirmed < r->window_size;
}

static size_t
output_room(const struct rtse *r)
{
	size_t waiting = cotp_output(rtse_cotp(r))->len;

	return waiting < RTSE_OUTPUT_MAX ? RTSE_OUTPUT_MAX - waiting : 0;
}

/* --- what our user asks for --- */

static int
activity_start(struct rtse *r, struct err *e)
{
	struct ses_prim s = {.type = SES_ACTIVITY_START, .kind = SES_REQ};
	struct buf id = {0};
	int rc;

	ber_put_integer(
	    &id, BER_UNIVERSAL, BER_INTEGER, ++r->send.activity & 0x7fffffff);
	INVARIANT(id.len <= sizeof(s.activity_id));
	s.activity_id_n = (uint8_t)id.len;
	memcpy(s.activity_id, id.data, id.len);
	buf_free(&id);
	rc = rtse_session(r, &s, e);
	return rc;
}

static int
first_octets(struct rtse *r, uint64_t total, struct err *e)
{
	struct rtse_send *s = &r->send;
	struct buf header = {0};
	int rc;

	if (r->rtse_context != r->apdu_context)
		rtse_external_header(r->apdu_context, total, &header);
	s->apdu_left = total;
	s->stream_left = header.len + total;
	s->synced = s->confirmed = 0;
	s->blocked = false;
	rc = segment_begin(r, e);
	if (rc >= 0 && s->stream_left == 0)
		rc = activity_end(r, e);
	else if (rc >= 0 && header.len > 0)
		rc = push(r, header.data, header.len, e);
	buf_free(&header);
	return rc;
}

int
rtse_transfer_begin(struct rtse *r, uint64_t total, struct err *e)
{
	int rc;

	if (r->state != RTSE_IDLE)
		return wrong_state(r, "transfer", e);
	if (!rtse_has_turn(r))
		return err_set(
		    e, LAYER, ERR_PROTOCOL, "transfer without the turn");
	if (total > INT64_MAX / 2)
		return err_set(e, LAYER, ERR_LIMIT, "APDU too long");
	if ((rc = activity_start(r, e)) < 0)
		return rc;
	rtse_enter(r, RTSE_SENDING);
	return first_octets(r, total, e);
}

/* One step: into the segment that is open, or by opening the next. */
static int64_t
take(struct rtse *r, const uint8_t *p, size_t n, struct err *e)
{
	struct rtse_send *s = &r->send;
	size_t room = output_room(r);
	int rc;

	if (room == 0 || (!s->segment && !window_open(r)))
		return 0;
	if (!s->segment && (rc = segment_begin(r, e)) < 0)
		return rc;
	n = n > room ? room : n;
	n = n > s->segment_left ? (size_t)s->segment_left : n;
	s->apdu_left -= n;
	rc = push(r, p, n, e);
	return rc < 0 ? rc : (int64_t)n;
}

int64_t
rtse_transfer_data(struct rtse *r, const uint8_t *p, size_t n, struct err *e)
{
	size_t done = 0;

	if (r->state != RTSE_SENDING)
		return wrong_state(r, "transfer data", e);
	if (n > r->send.apdu_left)
		return err_set(e, LAYER, ERR_PROTOCOL,
		    "more octets than the transfer was to have");
	while (done < n) {
		int64_t took = take(r, p + done, n - done, e);

		if (took < 0)
			return took;
		if (took == 0)
			break;
		done += (size_t)took;
	}
	r->send.blocked = done < n;
	return (int64_t)done;
}

/* Ends the RTTR under way with octets that the peer will forget. */
static bool
fill_segment(struct rtse *r)
{
	static const uint8_t zeros[4096];
	struct rtse_send *s = &r->send;
	struct err e = ERR_INIT;

	if (s->segment && s->segment_left > FILL_MAX)
		return false;
	while (s->segment) {
		size_t n = s->segment_left < sizeof(zeros)
		    ? (size_t)s->segment_left
		    : sizeof(zeros);

		s->segment_left -= n;
		s->segment = s->segment_left > 0;
		if (p_data(r, zeros, n, 0, false, !s->segment, &e) < 0)
			return false;
	}
	return true;
}

void
rtse_give_up(struct rtse *r, uint8_t reason, const struct err *why)
{
	struct ses_prim s = {
	    .type = SES_ACTIVITY_DISCARD, .kind = SES_REQ, .reason = reason};
	struct err e = ERR_INIT;

	r->send.why = *why;
	if (!fill_segment(r) || rtse_session(r, &s, &e) < 0) {
		rtse_provider_abort(r, RTSE_ABORT_TEMPORARY, why);
		return;
	}
	rtse_enter(r, RTSE_DISCARDING);
}

int
rtse_transfer_discard(struct rtse *r, struct err *e)
{
	struct err why = ERR_INIT;

	if (r->state != RTSE_SENDING && r->state != RTSE_SENT)
		return wrong_state(r, "discard", e);
	err_set(&why, LAYER, ERR_TEMPORARY, "transfer given up by its sender");
	rtse_give_up(r, SES_REASON_NON_SPECIFIC, &why);
	return 0;
}

/* --- what the peer says --- */

void
rtse_writable(struct rtse *r)
{
	struct rtse_send *s = &r->send;

	if (r->state != RTSE_SENDING || !s->blocked || output_room(r) == 0)
		return;
	if (!s->segment && !window_open(r))
		return;
	s->blocked = false;
	rtse_emit_type(r, RTSE_WRITABLE, NULL);
}

/* A confirmation stands for all synchronization points up to its own; the
 * first one of an activity has number 1. */
void
rtse_sync_cnf(struct rtse *r, const struct pres_prim *q)
{
	struct rtse_send *s = &r->send;
	struct err e = ERR_INIT;

	if (r->state == RTSE_DISCARDING)
		return;
	if (q->ses->serial <= s->confirmed || q->ses->serial > s->synced) {
		err_set(&e, LAYER, ERR_PROTOCOL,
		    "synchronization point %u confirmed, but %u sent",
		    q->ses->serial, s->synced);
		rtse_provider_abort(r, RTSE_ABORT_PROTOCOL_ERROR, &e);
		return;
	}
	s->confirmed = q->ses->serial;
	rtse_writable(r);
}

void
rtse_end_cnf(struct rtse *r, const struct pres_prim *q)
{
	(void)q;
	rtse_enter(r, RTSE_IDLE);
	rtse_emit_type(r, RTSE_TRANSFER_CNF, NULL);
}

void
rtse_discard_cnf(struct rtse *r, const struct pres_prim *q)
{
	struct err why = r->send.why;

	(void)q;
	rtse_enter(r, RTSE_IDLE);
	rtse_emit_type(r, RTSE_TRANSFER_FAILED, &why);
}

/* The peer, or the session, cannot go on with our activity. Without recovery
 * there is one way out for every reason: discard it (X.228 8.3.3). */
void
rtse_exception_ind(struct rtse *r, const struct pres_prim *q)
{
	struct err why = ERR_INIT;

	err_set(&why, LAYER, ERR_TEMPORARY,
	    "the peer reports an exception, reason %u", q->ses->reason);
	why.detail = q->ses->reason;
	rtse_give_up(r, q->ses->reason, &why);
}
