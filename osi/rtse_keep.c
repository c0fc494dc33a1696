/*
 * What a receiver keeps of a transfer so that it may be resumed (X.228 7.8,
 * 8.3.4), through our user's struct rtse_keep.
 *
 * Octets of RTTR values gather in memory until a checkpoint stands behind
 * them; then they are our user's to keep, and only then is the checkpoint
 * confirmed. After a resumption they are read back in slices, between which
 * the driver has its turn: a long transfer must not hold up the others of a
 * process. What the peer sends meanwhile joins the storage at checkpoints.
 */
#include <string.h>

#include "lib/log.h"
#include "osi/rtse_int.h"

#define LAYER "rtse"
#define PENDING_MAX (1024 * 1024) /* octets between checkpoints that we keep */
#define SLICE (256 * 1024)        /* octets read back in one go */
#define PIECE 16384

static struct rtse_keeping *
keeping(struct rtse *r)
{
	return &r->receive.keep;
}

void
rtse_keep_end(struct rtse *r, bool again)
{
	struct rtse_keeping *k = keeping(r);
	void *kept = k->kept;

	k->kept = NULL;
	k->state = RTSE_KEEP_NOT;
	k->replay = k->ended = k->have = false;
	buf_free(&k->pending);
	if (kept != NULL)
		r->params.keep->end(r->user, kept, again);
}

static bool
named(const struct ses_conn_id *id)
{
	return id->user_n > 0 || id->common_n > 0 || id->add_n > 0;
}

/* An association without a name cannot be spoken of on another one. */
void
rtse_keep_start(struct rtse *r, const struct ses_prim *s)
{
	struct rtse_keeping *k = keeping(r);

	rtse_keep_end(r, true);
	k->activity = (struct rtse_activity){
	    .id_n = s->activity_id_n, .association = *rtse_conn_id(r)};
	memcpy(k->activity.id, s->activity_id, s->activity_id_n);
	if (r->params.keep == NULL || s->activity_id_n == 0 ||
	    !named(&k->activity.association))
		return;
	if (r->params.keep->anew != NULL)
		r->params.keep->anew(r->user, &k->activity);
	if (r->checkpoint_size > 0)
		k->state = RTSE_KEEP_FIRST;
}

/* Without an old session connection identifier it is this association that
 * the activity began on (X.225 7.23). */
bool
rtse_keep_resume(struct rtse *r, const struct ses_prim *s)
{
	struct rtse_keeping *k = keeping(r);
	const struct rtse_keep *keep = r->params.keep;
	const struct ses_conn_id *on =
	    named(&s->old_conn_id) ? &s->old_conn_id : rtse_conn_id(r);

	rtse_keep_end(r, true);
	k->activity = (struct rtse_activity){
	    .id_n = s->old_activity_id_n, .association = *on};
	memcpy(k->activity.id, s->old_activity_id, s->old_activity_id_n);
	k->replayed = k->to = 0;
	if (keep == NULL || s->serial == 0 || s->old_activity_id_n == 0 ||
	    !named(on))
		return false;
	if (keep->accepted != NULL &&
	    keep->accepted(r->user, &k->activity, s->serial)) {
		k->have = true;
		return true;
	}
	k->kept = keep->resume(r->user, &k->activity, s->serial, &k->to);
	if (k->kept == NULL)
		return false;
	k->state = RTSE_KEEP_ON;
	k->replay = true;
	return true;
}

/* The transfer goes on, but cannot be resumed; unless its octets came from
 * there. */
static int
keep_no_longer(struct rtse *r, const char *what, struct err *e)
{
	bool replay = keeping(r)->replay;

	rtse_keep_end(r, false);
	rtse_trace(r, false, "rtse keep", what);
	return replay ? err_set(e, LAYER, ERR_TEMPORARY,
			    "what was kept of the resumed transfer: %s", what)
		      : 0;
}

int
rtse_keep_data(struct rtse *r, const uint8_t *p, size_t n, struct err *e)
{
	struct rtse_keeping *k = keeping(r);
	uint64_t max = (uint64_t)r->checkpoint_size * 1024;

	if (k->state != RTSE_KEEP_FIRST && k->state != RTSE_KEEP_ON)
		return 0;
	if (max > PENDING_MAX || k->replay)
		max = PENDING_MAX;
	if (n <= max && k->pending.len <= max - n) {
		buf_append(&k->pending, p, n);
		return 0;
	}
	if (k->state == RTSE_KEEP_FIRST || k->replay)
		return keep_no_longer(
		    r, "too many octets without a checkpoint", e);
	/* the checkpoints so far are as good as they were */
	k->state = RTSE_KEEP_PAST;
	buf_free(&k->pending);
	return 0;
}

int
rtse_keep_checkpoint(struct rtse *r, uint32_t serial, struct err *e)
{
	struct rtse_keeping *k = keeping(r);
	const struct rtse_keep *keep = r->params.keep;

	if (k->state != RTSE_KEEP_FIRST && k->state != RTSE_KEEP_ON)
		return 0;
	if (k->state == RTSE_KEEP_FIRST) {
		k->kept = keep->begin(r->user, &k->activity);
		k->state = RTSE_KEEP_ON;
	}
	if (k->kept == NULL)
		return keep_no_longer(r, "no room", e);
	if (keep->checkpoint(
		r->user, k->kept, k->pending.data, k->pending.len, serial) < 0)
		return keep_no_longer(r, "cannot be written", e);
	k->to += k->pending.len;
	buf_clear(&k->pending);
	return 0;
}

/* --- what was kept goes up --- */

/* One piece from the storage; the octets, or < 0. */
static int64_t
replay_piece(struct rtse *r, struct err *e)
{
	struct rtse_keeping *k = keeping(r);
	uint64_t left = k->to - k->replayed;
	uint8_t octets[PIECE];
	size_t n = left < PIECE ? (size_t)left : PIECE;
	int64_t got =
	    r->params.keep->read(r->user, k->kept, k->replayed, octets, n);
	int rc;

	if (got <= 0 || (uint64_t)got > n)
		return err_set(e, LAYER, ERR_TEMPORARY,
		    "the kept octets of a resumed transfer cannot be read");
	k->replayed += (uint64_t)got;
	rc = rtse_stream(r, octets, (size_t)got, e);
	return rc < 0 ? rc : got;
}

/* The storage is used up: what waits in memory is next, and from then on
 * octets go up as they come. */
static int
caught_up(struct rtse *r, struct err *e)
{
	struct rtse_keeping *k = keeping(r);
	struct buf pending = {0};
	bool ended = k->ended;
	int rc;

	k->replay = k->ended = false;
	buf_append(&pending, k->pending.data, k->pending.len);
	rc = rtse_stream(r, pending.data, pending.len, e);
	buf_free(&pending);
	if (rc >= 0 && ended && r->state == RTSE_RECEIVING)
		rtse_whole(r);
	return rc;
}

static bool
may_replay(const struct rtse *r)
{
	return r->state == RTSE_RECEIVING && r->receive.keep.replay && !r->hold;
}

void
rtse_keep_replay(struct rtse *r)
{
	struct rtse_keeping *k = keeping(r);
	struct err e = ERR_INIT;
	int64_t got = 0;

	for (size_t done = 0; may_replay(r) && done < SLICE && got >= 0;
	     done += (size_t)got) {
		if (k->replayed < k->to)
			got = replay_piece(r, &e);
		else
			got = caught_up(r, &e);
	}
	if (got < 0 && r->state == RTSE_RECEIVING)
		rtse_lose(r, SES_REASON_UNRECOVERABLE, &e);
}
