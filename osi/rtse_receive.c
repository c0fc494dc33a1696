#include "osi/rtse_int.h"

#include "lib/log.h"

#define LAYER "rtse"
#define EXTERNAL_TAG 0x28

/* --- exceptions --- */

/* The activity is the peer's to discard; we only can ask it to. Without the
 * exceptions functional unit there is but the association to give up. */
void
rtse_report_exception(struct rtse *r, uint8_t reason, const struct err *why)
{
	struct ses_prim s = {
	    .type = SES_U_EXCEPTION, .kind = SES_REQ, .reason = reason};
	struct err e = ERR_INIT;

	rtse_keep_end(r, false);
	rtse_enter(r, RTSE_EXCEPTED);
	rtse_trace(r, true, "rtse exception", why->text);
	if (rtse_session(r, &s, &e) < 0)
		rtse_provider_abort(r,
		    why->code == ERR_UNSUPPORTED
			? RTSE_ABORT_UNRECOGNIZED_ACTIVITY
			: RTSE_ABORT_PERMANENT,
		    why);
}

void
rtse_lose(struct rtse *r, uint8_t reason, const struct err *why)
{
	struct err copy = *why;

	rtse_report_exception(r, reason, &copy);
	/* where even that failed, an abort was the last event */
	if (r->state == RTSE_EXCEPTED)
		rtse_emit_type(r, RTSE_TRANSFER_LOST, &copy);
}

/* --- the APDU's octets, unwrapped --- */

static int
apdu_octets(struct rtse *r, const uint8_t *p, size_t n, struct err *e)
{
	struct rtse_event ev = {.type = RTSE_TRANSFER_DATA, .data = p, .n = n};

	if (r->state != RTSE_RECEIVING || n == 0)
		return 0;
	r->receive.octets += n;
	if (r->params.max_apdu != 0 && r->receive.octets > r->params.max_apdu)
		return err_at(e, LAYER, ERR_LIMIT, r->params.max_apdu,
		    "APDU: it is longer than %llu octets",
		    (unsigned long long)r->params.max_apdu);
	rtse_emit(r, &ev);
	return 0;
}

static int
value_begin(void *arg, int32_t context, struct err *e)
{
	struct rtse *r = arg;

	/* without indirect reference it can be no other than ours; that of a
	 * resumed transfer is a context of an older association */
	if (context != 0 && !r->receive.resumed && context != r->apdu_context)
		return err_set(e, LAYER, ERR_PROTOCOL,
		    "indirect-reference: context %d, not %d", context,
		    r->apdu_context);
	return 0;
}

static int
value_data(void *arg, const uint8_t *p, size_t n, struct err *e)
{
	return apdu_octets(arg, p, n, e);
}

static int
value_end(void *arg, struct err *e)
{
	(void)arg;
	(void)e;
	return 0;
}

static const struct pdv_ops value_ops = {value_begin, value_data, value_end};

static int
external_open(
    void *arg, unsigned depth, const struct ber_open *o, struct err *e)
{
	struct rtse *r = arg;

	return depth == 0 ? 0 : pdv_open(&r->receive.pdv, depth - 1, o, e);
}

static int
external_data(
    void *arg, unsigned depth, const uint8_t *p, size_t n, struct err *e)
{
	struct rtse *r = arg;

	INVARIANT(depth > 0);
	return pdv_data(&r->receive.pdv, depth - 1, p, n, e);
}

static int
external_close(void *arg, unsigned depth, bool indefinite, struct err *e)
{
	struct rtse *r = arg;

	if (depth > 0)
		return pdv_close(&r->receive.pdv, depth - 1, indefinite, e);
	return pdv_finish(&r->receive.pdv, e);
}

/* An error about what a scan was fed: the octet is where it stopped, unless
 * the error knows better. */
static int
stopped(const struct ber_scan *scan, const char *pdu, int code, struct err *e)
{
	if (e->offset == ERR_NO_OFFSET)
		e->offset = ber_scan_offset(scan);
	e->layer = LAYER;
	return err_prefix(e, "%s", pdu) < 0 ? code : ERR_SYNTAX;
}

static int
unwrap(struct rtse *r, const uint8_t *p, size_t n, struct err *e)
{
	struct rtse_receive *c = &r->receive;
	int64_t used = 0;

	if (!ber_scan_done(c->external))
		used = ber_scan_feed(c->external, p, n, e);
	if (used >= 0 && (size_t)used < n)
		used = err_set(e, LAYER, ERR_SYNTAX, "octets after its end");
	if (used >= 0)
		used = pdv_flush(&c->pdv, e);
	/* what our user's limit is about has its own octet and name */
	if (used == ERR_LIMIT && c->octets > r->params.max_apdu)
		return ERR_LIMIT;
	return used < 0 ? stopped(c->external, "EXTERNAL", (int)used, e) : 0;
}

/* In normal mode the octets are an EXTERNAL. A peer whose APDUs share the
 * context of RTSE sends them bare, which their first octet tells; so they go
 * in X.410 mode. What is resumed may have begun in either mode. */
int
rtse_stream(struct rtse *r, const uint8_t *p, size_t n, struct err *e)
{
	struct rtse_receive *c = &r->receive;
	bool external = r->apdu_context != r->rtse_context || c->resumed;

	if (n == 0 || r->state != RTSE_RECEIVING)
		return 0;
	if (c->wrap == RTSE_WRAP_UNKNOWN)
		c->wrap = external && p[0] == EXTERNAL_TAG ? RTSE_WRAP_EXTERNAL
							   : RTSE_WRAP_NONE;
	return c->wrap == RTSE_WRAP_EXTERNAL ? unwrap(r, p, n, e)
					     : apdu_octets(r, p, n, e);
}

/* Octets of an RTTR value as they arrive. A defect of what is inside ends the
 * transfer, not the association. */
static void
arrived(struct rtse *r, const uint8_t *p, size_t n)
{
	struct err e = ERR_INIT;
	int rc;

	if (r->state != RTSE_RECEIVING || r->receive.keep.have)
		return;
	rc = rtse_keep_data(r, p, n, &e);
	if (rc >= 0 && !r->receive.keep.replay)
		rc = rtse_stream(r, p, n, &e);
	if (rc < 0 && r->state == RTSE_RECEIVING)
		rtse_lose(r, SES_REASON_UNRECOVERABLE, &e);
}

/* --- RTTR --- */

static int
rttr_open(void *arg, unsigned depth, const struct ber_open *o, struct err *e)
{
	(void)arg;
	(void)depth;
	if (!BER_IS(o->tag, BER_UNIVERSAL, BER_OCTET_STRING))
		return err_set(e, LAYER, ERR_SYNTAX, "it is no OCTET STRING");
	return 0;
}

static int
rttr_data(void *arg, unsigned depth, const uint8_t *p, size_t n, struct err *e)
{
	(void)depth;
	(void)e;
	arrived(arg, p, n);
	return 0;
}

static int
rttr_close(void *arg, unsigned depth, bool indefinite, struct err *e)
{
	(void)arg;
	(void)depth;
	(void)indefinite;
	(void)e;
	return 0;
}

static int
feed_rttr(struct rtse *r, const struct pres_value *v, struct err *e)
{
	const uint8_t *p = v->p;
	size_t n = v->n;

	while (n > 0) {
		int64_t used;

		/* octet-aligned values may hold several RTTRs in a row */
		if (ber_scan_done(r->receive.rttr))
			ber_scan_reset(r->receive.rttr);
		used = ber_scan_feed(r->receive.rttr, p, n, e);
		if (used < 0)
			return stopped(r->receive.rttr, "RTTR", (int)used, e);
		p += used;
		n -= (size_t)used;
	}
	return 0;
}

static int
data_fragment(struct rtse *r, const struct pres_prim *q, struct err *e)
{
	int rc;

	if (q->data.context_id != r->rtse_context)
		return err_at(e, LAYER, ERR_PROTOCOL, 0,
		    "RTTR: it is on context %d, not %d", q->data.context_id,
		    r->rtse_context);
	r->receive.fresh = true;
	if (r->x410) {
		arrived(r, q->data.p, q->data.n);
		return 0;
	}
	if (q->first)
		ber_scan_reset(r->receive.rttr);
	if ((rc = feed_rttr(r, &q->data, e)) < 0)
		return rc;
	if (q->last && !ber_scan_done(r->receive.rttr))
		return err_at(e, LAYER, ERR_SYNTAX,
		    ber_scan_offset(r->receive.rttr),
		    "RTTR: it ends too early");
	return 0;
}

/* --- what the peer says --- */

static void
begin(struct rtse *r, bool resumed)
{
	struct rtse_event ev = {.type = RTSE_TRANSFER_BEGIN,
	    .resumed = resumed,
	    .refuse_reason = -1};
	struct rtse_receive *c = &r->receive;

	ber_scan_reset(c->rttr);
	ber_scan_reset(c->external);
	pdv_reset(&c->pdv);
	c->wrap = RTSE_WRAP_UNKNOWN;
	c->octets = 0;
	c->resumed = resumed;
	c->fresh = false;
	rtse_enter(r, RTSE_RECEIVING);
	if (!c->keep.have)
		rtse_emit(r, &ev);
}

void
rtse_start_ind(struct rtse *r, const struct pres_prim *q)
{
	rtse_keep_start(r, q->ses);
	begin(r, false);
}

/* What we have not got the peer is asked to discard and to send afresh. */
void
rtse_resume_ind(struct rtse *r, const struct pres_prim *q)
{
	struct err why = ERR_INIT;

	if (++r->receive.resumes > RTSE_RESUMES_MAX) {
		err_at(&why, LAYER, ERR_LIMIT, 0,
		    "session AR: %u of them without the end of a transfer",
		    r->receive.resumes);
		rtse_provider_abort(r, RTSE_ABORT_TEMPORARY, &why);
		return;
	}
	if (rtse_keep_resume(r, q->ses)) {
		begin(r, true);
		rtse_keep_replay(r);
		return;
	}
	err_at(&why, LAYER, ERR_UNSUPPORTED, 0,
	    "session AR: it resumes an activity that is not known here, behind "
	    "checkpoint %u",
	    q->ses->serial);
	rtse_report_exception(r, SES_REASON_UNRECOVERABLE, &why);
}

void
rtse_data_ind(struct rtse *r, const struct pres_prim *q)
{
	struct err e = ERR_INIT;

	if (data_fragment(r, q, &e) < 0 && r->state == RTSE_RECEIVING)
		rtse_provider_abort(r, RTSE_ABORT_PROTOCOL_ERROR, &e);
}

/* What arrived went up to our user and is kept; the peer may go on. A minor
 * synchronization point stands behind an RTTR (X.228 8.3.2), and nowhere when
 * we selected a checkpoint size of 0: then there is no checkpointing (X.228
 * 7.1.4.1). */
void
rtse_sync_ind(struct rtse *r, const struct pres_prim *q)
{
	struct ses_prim s = {
	    .type = SES_SYNC_MINOR, .kind = SES_RSP, .serial = q->ses->serial};
	struct err e = ERR_INIT;

	if (!r->receive.fresh || r->checkpoint_size == 0) {
		err_at(&e, LAYER, ERR_PROTOCOL, 0,
		    r->checkpoint_size == 0
			? "session MIP: serial number %u, where no checkpoints "
			  "were negotiated"
			: "session MIP: serial number %u, without an RTTR "
			  "since the last checkpoint",
		    q->ses->serial);
		rtse_provider_abort(r, RTSE_ABORT_PROTOCOL_ERROR, &e);
		return;
	}
	r->receive.fresh = false;
	if (rtse_keep_checkpoint(r, q->ses->serial, &e) < 0) {
		rtse_lose(r, SES_REASON_UNRECOVERABLE, &e);
		return;
	}
	if (!q->ses->explicit_confirm)
		return;
	if (rtse_session(r, &s, &e) < 0)
		rtse_provider_abort(r, RTSE_ABORT_LOCAL_PROBLEM, &e);
}

void
rtse_whole(struct rtse *r)
{
	struct rtse_receive *c = &r->receive;
	struct err why = ERR_INIT;

	if (c->wrap == RTSE_WRAP_EXTERNAL && !ber_scan_done(c->external)) {
		err_at(&why, LAYER, ERR_SYNTAX, ber_scan_offset(c->external),
		    "EXTERNAL: it ends too early");
		rtse_lose(r, SES_REASON_UNRECOVERABLE, &why);
		return;
	}
	rtse_enter(r, RTSE_RECEIVED);
	rtse_emit_type(r, RTSE_TRANSFER_END, NULL);
}

void
rtse_end_ind(struct rtse *r, const struct pres_prim *q)
{
	struct rtse_keeping *k = &r->receive.keep;
	struct err e = ERR_INIT;

	(void)q;
	if (k->replay) {
		k->ended = true;
	} else if (!k->have) {
		rtse_whole(r);
	} else {
		rtse_enter(r, RTSE_RECEIVED);
		if (rtse_transfer_accept(r, &e) < 0)
			rtse_provider_abort(r, RTSE_ABORT_LOCAL_PROBLEM, &e);
	}
}

/* Interrupted: what was kept may be resumed. Discarded: it is forgotten. */
void
rtse_lost_ind(struct rtse *r, const struct pres_prim *q)
{
	/* our user knows already, or never knew */
	bool known = r->state == RTSE_EXCEPTED || r->receive.keep.have;
	bool discarded = q->ses->type == SES_ACTIVITY_DISCARD;
	struct ses_prim s = {.type = q->ses->type, .kind = SES_RSP};
	struct err e = ERR_INIT, why = ERR_INIT;

	rtse_keep_end(r, !discarded);
	rtse_enter(r, RTSE_IDLE);
	if (rtse_session(r, &s, &e) < 0) {
		rtse_provider_abort(r, RTSE_ABORT_LOCAL_PROBLEM, &e);
		return;
	}
	err_at(&why, LAYER, ERR_TEMPORARY, 0,
	    "session %s: the peer %s the transfer, reason %u",
	    discarded ? "AD" : "AI", discarded ? "discarded" : "interrupted",
	    q->ses->reason);
	why.detail = q->ses->reason;
	if (!known)
		rtse_emit_type(r, RTSE_TRANSFER_LOST, &why);
}

/* It crossed our acceptance: the transfer is ours already (X.228 AbortReason
 * transferCompleted). */
void
rtse_completed_ind(struct rtse *r, const struct pres_prim *q)
{
	struct err why = ERR_INIT;

	err_at(&why, LAYER, ERR_PROTOCOL, 0,
	    "S-%s %s: the peer gives up a transfer that is complete",
	    ses_service_name(q->ses->type), ses_kind_name(q->ses->kind));
	rtse_provider_abort(r, RTSE_ABORT_COMPLETED, &why);
}

/* --- what our user answers --- */

int
rtse_transfer_accept(struct rtse *r, struct err *e)
{
	struct ses_prim s = {.type = SES_ACTIVITY_END, .kind = SES_RSP};

	if (r->state != RTSE_RECEIVED)
		return err_set(e, LAYER, ERR_PROTOCOL,
		    "nothing to accept in state \"%s\"",
		    rtse_state_name(r->state));
	rtse_keep_end(r, false);
	r->receive.resumes = 0;
	rtse_enter(r, RTSE_IDLE);
	return rtse_session(r, &s, e);
}

int
rtse_transfer_refuse(struct rtse *r, struct err *e)
{
	struct err why = ERR_INIT;

	if ((r->state != RTSE_RECEIVED && r->state != RTSE_RECEIVING) ||
	    r->receive.keep.have)
		return err_set(e, LAYER, ERR_PROTOCOL,
		    "nothing to refuse in state \"%s\"",
		    rtse_state_name(r->state));
	err_set(&why, LAYER, ERR_REFUSED, "transfer refused by its receiver");
	rtse_report_exception(r, SES_REASON_UNRECOVERABLE, &why);
	return 0;
}

void
rtse_hold_input(struct rtse *r, bool hold)
{
	r->hold = hold;
}

/* --- life --- */

void
rtse_receive_init(struct rtse *r)
{
	static const struct ber_scan_ops rttr_ops = {
	    rttr_open, rttr_data, rttr_close};
	static const struct ber_scan_ops external_ops = {
	    external_open, external_data, external_close};
	const struct ber_limits limits = {
	    .max_depth =
		osi_depth(&r->params.pres.ses.cotp.common, OSI_DEPTH_MAX)};

	r->receive.rttr = ber_scan_new(&limits, &rttr_ops, r);
	r->receive.external = ber_scan_new(&limits, &external_ops, r);
	pdv_init(&r->receive.pdv, true, &value_ops, r);
}

void
rtse_receive_free(struct rtse *r)
{
	ber_scan_free(&r->receive.rttr);
	ber_scan_free(&r->receive.external);
	pdv_free(&r->receive.pdv);
}
