#include "osi/rtse_int.h"

#include <string.h>

#include "lib/log.h"

#define LAYER "rtse"
/* An RTTR that is given up must still be ended; a longer rest than this is
 * not worth sending, the association is. */
#define FILL_MAX (1024 * 1024)
/* The last serial number for a checkpoint; session has six digits, and the end
 * of the activity takes one more. What lies behind it goes in one piece. */
#define SERIAL_LAST 999990

static int
wrong_state(const struct rtse *r, const char *what, struct err *e)
{
	return err_set(e, LAYER, ERR_PROTOCOL, "%s in state \"%s\"", what,
	    rtse_state_name(r->state));
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

static uint64_t
segment_size(const struct rtse *r)
{
	return (uint64_t)r->checkpoint_size * 1024;
}

/* Opens an RTTR: up to the next checkpoint, or all of it. In X.410 mode there
 * is none around the octets of an SSDU. */
static int
segment_begin(struct rtse *r, struct err *e)
{
	struct rtse_send *s = &r->send;
	uint64_t size = segment_size(r);
	struct buf header = {0};
	int rc;

	if (size == 0 || size > s->stream_left || s->synced >= SERIAL_LAST)
		size = s->stream_left;
	s->segment = size > 0;
	s->first = true;
	s->segment_left = size;
	if (r->x410)
		return 0;
	ber_put_header(&header, BER_UNIVERSAL, false, BER_OCTET_STRING, size);
	s->first = false;
	rc = p_data(
	    r, header.data, header.len, header.len + size, true, size == 0, e);
	buf_free(&header);
	return rc;
}

/* Octets of the RTTR under way. */
static int
segment_data(struct rtse *r, const uint8_t *p, size_t n, struct err *e)
{
	struct rtse_send *s = &r->send;
	uint64_t total = s->first ? s->segment_left : 0;
	bool first = s->first;

	s->first = false;
	s->segment_left -= n;
	s->segment = s->segment_left > 0;
	return p_data(r, p, n, total, first, !s->segment, e);
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
	s->stream_left -= n;
	rc = segment_data(r, p, n, e);
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
activity(struct rtse *r, struct ses_prim *s, struct err *e)
{
	struct buf id = {0};

	ber_put_integer(
	    &id, BER_UNIVERSAL, BER_INTEGER, ++r->send.activities & 0x7fffffff);
	INVARIANT(id.len <= sizeof(s->activity_id));
	s->activity_id_n = (uint8_t)id.len;
	memcpy(s->activity_id, id.data, id.len);
	buf_free(&id);
	return rtse_session(r, s, e);
}

static int
activity_start(struct rtse *r, struct err *e)
{
	struct ses_prim s = {.type = SES_ACTIVITY_START, .kind = SES_REQ};
	struct rtse_activity *a = &r->send.activity;
	int rc = activity(r, &s, e);

	if (rc < 0)
		return rc;
	a->association = *rtse_conn_id(r);
	a->id_n = s.activity_id_n;
	memcpy(a->id, s.activity_id, s.activity_id_n);
	return 0;
}

/* The association that the activity began on is not named when it is this
 * one (X.225 7.23). */
static int
activity_resume(struct rtse *r, const struct rtse_resume *at, struct err *e)
{
	struct ses_prim s = {.type = SES_ACTIVITY_RESUME,
	    .kind = SES_REQ,
	    .serial = at->serial,
	    .old_activity_id_n = at->activity.id_n};
	int rc;

	memcpy(s.old_activity_id, at->activity.id, at->activity.id_n);
	if (!rtse_conn_id_equal(&at->activity.association, rtse_conn_id(r)))
		s.old_conn_id = at->activity.association;
	rc = activity(r, &s, e);
	if (rc >= 0)
		r->send.activity = at->activity;
	return rc;
}

static int
first_octets(struct rtse *r, const struct buf *header, struct err *e)
{
	struct rtse_send *s = &r->send;
	int rc = 0;

	if (s->stream_left > 0 || (s->base == 0 && !r->x410))
		rc = segment_begin(r, e);
	if (rc >= 0 && s->stream_left == 0)
		rc = activity_end(r, e);
	else if (rc >= 0 && header->len > 0)
		rc = push(r, header->data, header->len, e);
	return rc;
}

static int
may_begin(const struct rtse *r, uint64_t total, struct err *e)
{
	if (r->state != RTSE_IDLE)
		return wrong_state(r, "transfer", e);
	if (!rtse_has_turn(r))
		return err_set(
		    e, LAYER, ERR_PROTOCOL, "transfer without the turn");
	if (total > INT64_MAX / 2)
		return err_set(e, LAYER, ERR_LIMIT, "APDU too long");
	return 0;
}

/* What is sent from now on lies behind this checkpoint. */
static void
count_from(struct rtse_send *s, uint32_t serial, uint64_t offset,
    uint64_t total, uint64_t header)
{
	s->total = total;
	s->apdu_left = total - offset;
	s->header = header;
	s->stream_left = header + s->apdu_left;
	s->base = s->synced = s->confirmed = serial;
	s->base_offset = offset;
	s->segment = s->blocked = s->interrupt = false;
	s->resumable = true;
}

int
rtse_transfer_begin(struct rtse *r, uint64_t total, struct err *e)
{
	struct buf header = {0};
	int rc = may_begin(r, total, e);

	if (rc < 0 || (rc = activity_start(r, e)) < 0)
		return rc;
	if (r->rtse_context != r->apdu_context)
		rtse_external_header(r->apdu_context, total, &header);
	count_from(&r->send, 0, 0, total, header.len);
	rtse_enter(r, RTSE_SENDING);
	rc = first_octets(r, &header, e);
	buf_free(&header);
	return rc;
}

int
rtse_transfer_resume(
    struct rtse *r, const struct rtse_resume *at, struct err *e)
{
	const struct rtse_resume from = *at; /* it may be our own */
	struct buf none = {0};
	int rc = may_begin(r, at->total, e);

	if (rc < 0)
		return rc;
	if (at->serial == 0 || at->offset > at->total ||
	    at->activity.id_n == 0 ||
	    at->activity.id_n > sizeof(at->activity.id))
		return err_set(e, LAYER, ERR_PROTOCOL,
		    "nothing that could be resumed behind checkpoint %u",
		    at->serial);
	if ((rc = activity_resume(r, &from, e)) < 0)
		return rc;
	count_from(&r->send, from.serial, from.offset, from.total, 0);
	rtse_enter(r, RTSE_SENDING);
	return first_octets(r, &none, e);
}

bool
rtse_resume_point(const struct rtse *r, struct rtse_resume *out)
{
	const struct rtse_send *s = &r->send;
	const struct ses_conn_id *on = &s->activity.association;

	if (!s->resumable || s->confirmed == 0 ||
	    on->user_n + on->common_n + on->add_n == 0)
		return false;
	*out = (struct rtse_resume){.activity = s->activity,
	    .serial = s->confirmed,
	    .total = s->total,
	    .offset = s->base_offset};
	if (s->confirmed > s->base)
		out->offset +=
		    (s->confirmed - s->base) * segment_size(r) - s->header;
	return true;
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

		if (segment_data(r, zeros, n, &e) < 0)
			return false;
	}
	return true;
}

void
rtse_give_up(
    struct rtse *r, bool interrupt, uint8_t reason, const struct err *why)
{
	struct ses_prim s = {
	    .type = interrupt ? SES_ACTIVITY_INTERRUPT : SES_ACTIVITY_DISCARD,
	    .kind = SES_REQ,
	    .reason = reason};
	struct err e = ERR_INIT;

	r->send.why = *why;
	r->send.interrupt = interrupt;
	r->send.resumable = r->send.resumable && interrupt;
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
	rtse_give_up(r, false, SES_REASON_NON_SPECIFIC, &why);
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

	if (q->ses->serial <= s->confirmed || q->ses->serial > s->synced) {
		err_at(&e, LAYER, ERR_PROTOCOL, 0,
		    "session MIA: serial number %u confirmed, but %u sent",
		    q->ses->serial, s->synced);
		rtse_provider_abort(r, RTSE_ABORT_PROTOCOL_ERROR, &e);
		return;
	}
	s->confirmed = q->ses->serial;
	rtse_emit_type(r, RTSE_CHECKPOINT, NULL);
	rtse_writable(r);
}

void
rtse_end_cnf(struct rtse *r, const struct pres_prim *q)
{
	(void)q;
	r->send.resumable = false;
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

/* The peer, or the session, cannot go on with our activity (X.228 8.3.3).
 * An unrecoverable error ends it; after others it may go on from the last
 * checkpoint, if there is one that helps: a resumed transfer that came no
 * further would be resumed for ever. */
void
rtse_exception_ind(struct rtse *r, const struct pres_prim *q)
{
	const struct rtse_send *s = &r->send;
	struct err why = ERR_INIT;
	bool user = q->ses->type == SES_U_EXCEPTION;

	err_at(&why, LAYER, ERR_TEMPORARY, 0,
	    "session %s: the %s reports an exception, reason %u",
	    user ? "ED" : "ER", user ? "peer" : "session provider",
	    q->ses->reason);
	why.detail = q->ses->reason;
	rtse_give_up(r,
	    s->confirmed > s->base &&
		q->ses->reason != SES_REASON_UNRECOVERABLE,
	    q->ses->reason, &why);
}
