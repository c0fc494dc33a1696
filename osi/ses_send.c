/*
 * Sending: SPDUs into TSDUs, with basic concatenation (X.225 6.3.7) and,
 * where a TSDU maximum size was negotiated, segmenting (6.3.5, 8.4).
 */
#include <stdio.h>
#include <string.h>

#include "lib/log.h"
#include "osi/ses_int.h"

void
ses_put_number(struct ses_spdu *o, enum spdu_par par, uint32_t v, size_t n)
{
	uint8_t *at = o->room + o->used;

	INVARIANT(n <= 4 && o->used + n <= sizeof(o->room));
	for (size_t i = 0; i < n; i++)
		at[i] = (uint8_t)(v >> 8 * (n - 1 - i));
	o->used = (uint8_t)(o->used + n);
	spdu_set(&o->spdu, par, at, n);
}

void
ses_put_serial(struct ses_spdu *o, enum spdu_par par, uint32_t v)
{
	char *at = (char *)o->room + o->used;
	size_t room = sizeof(o->room) - o->used;
	int n;

	INVARIANT(v <= SPDU_SERIAL_MAX && room > 6);
	n = snprintf(at, room, "%u", v);
	o->used = (uint8_t)(o->used + n);
	spdu_set(&o->spdu, par, (const uint8_t *)at, (size_t)n);
}

/* The category 0 SPDU that goes before one of category 2: nothing but its
 * header (X.225 6.3.7). Holders of tokens put GT, those who answer PT. */
static const uint8_t prefix_gt[] = {1, 0}, prefix_pt[] = {2, 0};

static const uint8_t *
prefix_of(enum spdu_type type)
{
	switch (type) {
	case SPDU_MIA:
	case SPDU_AEA:
	case SPDU_AIA:
	case SPDU_ADA:
	case SPDU_MAA:
	case SPDU_CDA:
	case SPDU_ER:
	case SPDU_ED: return prefix_pt;
	default: return prefix_gt;
	}
}

static size_t
prefix_size(enum spdu_type type)
{
	return spdu_category(type) == 2 ? sizeof(prefix_gt) : 0;
}

static int
send_whole(struct ses *s, const struct spdu *spdu, struct err *e)
{
	struct buf b = {0};
	int r;

	buf_append(&b, prefix_of(spdu->type), prefix_size(spdu->type));
	r = spdu_build(spdu, &b, e);
	if (r == 0) {
		cotp_data_request(s->cotp, b.data, b.len, true);
		ses_trace(s, true, spdu_name(spdu->type), "");
	}
	buf_free(&b);
	return r;
}

static size_t
tsdu_limit(const struct ses *s, enum spdu_type type)
{
	if (s->tsdu_send != 0)
		return s->tsdu_send;
	return SPDU_MAX + prefix_size(type);
}

static bool
can_be_segmented(const struct ses *s, enum spdu_type type)
{
	return s->version == 2 && type != SPDU_CN && type != SPDU_CDO &&
	    type != SPDU_RF;
}

/* CN and RF go out when no size is selected. */
static bool
is_bounded(enum spdu_type type)
{
	return type != SPDU_CN && type != SPDU_RF;
}

size_t
ses_segment_room(const struct spdu *spdu, size_t tsdu)
{
	struct spdu seg = *spdu;
	size_t taken;

	spdu_set(&seg, SPDU_USER_DATA, NULL, 0);
	/* 4: the three-octet lengths of user data and of SPDU */
	taken = prefix_size(seg.type) + spdu_size(&seg) + 4;
	return taken < tsdu ? tsdu - taken : 0;
}

/* The first segment has all parameters, the others enclosure item and user
 * data (X.225 8.4). */
static int
send_segments(
    struct ses *s, const struct spdu *whole, size_t limit, struct err *e)
{
	struct octets data = whole->par[SPDU_USER_DATA];
	struct spdu seg = *whole;
	uint8_t flags = SPDU_BEGIN;
	int r = 0;

	while (r == 0 && (flags & SPDU_END) == 0) {
		size_t n;

		spdu_set(&seg, SPDU_ENCLOSURE, &flags, 1);
		n = ses_segment_room(&seg, limit);
		if (n == 0)
			return err_set(e, SES_LAYER, ERR_LIMIT,
			    "%s does not fit TSDUs of %zu octets",
			    spdu_name(seg.type), limit);
		if (n >= data.n) {
			n = data.n;
			flags |= SPDU_END;
		}
		spdu_set(&seg, SPDU_USER_DATA, data.p, n);
		r = send_whole(s, &seg, e);
		data.p += n;
		data.n -= n;
		seg = (struct spdu){.type = whole->type};
		flags &= SPDU_END;
	}
	return r;
}

/* What version 1 can carry (X.225 8.3): 512 octets, an AB 9, and some SPDUs
 * none; only DT and TD come in segments. */
int
ses_check_version_1(const struct spdu *spdu, struct err *e)
{
	size_t n = spdu->par[SPDU_USER_DATA].n, max = SPDU_USER_DATA_V1;

	switch (spdu->type) {
	case SPDU_DT:
	case SPDU_TD: return 0;
	case SPDU_GT:
	case SPDU_GTC:
	case SPDU_GTA:
	case SPDU_AI:
	case SPDU_AIA:
	case SPDU_AD:
	case SPDU_ADA: max = 0; break;
	case SPDU_AB: max = SPDU_REFLECT_MAX; break;
	case SPDU_RF:
		n = spdu->par[SPDU_REASON].n;
		max = 1 + SPDU_USER_DATA_V1;
		break;
	default: break;
	}
	if (n > max)
		return err_set(e, SES_LAYER, ERR_LIMIT,
		    "%s with %zu octets of user data: version 1 has %zu",
		    spdu_name(spdu->type), n, max);
	if (spdu_has(spdu, SPDU_ENCLOSURE))
		return err_set(e, SES_LAYER, ERR_LIMIT,
		    "%s with an enclosure item: version 1 has none",
		    spdu_name(spdu->type));
	return 0;
}

void
ses_send_cut(struct ses *s)
{
	bool begun = s->tx.open != SPDU_NONE && s->tsdu_send == 0;

	s->tx.open = SPDU_NONE;
	s->tx.begun = false;
	buf_clear(&s->tx.segment);
	if (begun)
		cotp_data_request(s->cotp, NULL, 0, true);
}

int
ses_send(struct ses *s, struct ses_spdu *o, struct err *e)
{
	const struct spdu *spdu = &o->spdu;
	size_t limit = tsdu_limit(s, spdu->type);
	int r;

	if (s->version == 1) {
		r = ses_check_version_1(spdu, e);
		if (r != 0)
			return r;
	}
	ses_send_cut(s);
	if (prefix_size(spdu->type) + spdu_size(spdu) > limit &&
	    can_be_segmented(s, spdu->type))
		return send_segments(s, spdu, limit, e);
	if (prefix_size(spdu->type) + spdu_size(spdu) > limit &&
	    is_bounded(spdu->type))
		return err_set(e, SES_LAYER, ERR_LIMIT,
		    "%s of %zu octets does not fit TSDUs of %zu, and is not "
		    "segmented in version 1",
		    spdu_name(spdu->type), spdu_size(spdu), limit);
	return send_whole(s, spdu, e);
}

/* --- SPDUs that say what a request says --- */

void
ses_put_user_data(struct ses_spdu *o, const struct ses_prim *p)
{
	if (p->n > 0)
		spdu_set(&o->spdu, SPDU_USER_DATA, p->data, p->n);
}

/* An SPDU with nothing but user data. */
int
ses_send_plain(struct ses *s, enum spdu_type type, struct ses_ev *ev)
{
	struct ses_spdu o = {.spdu.type = type};

	ses_put_user_data(&o, ev->req);
	return ses_send(s, &o, ev->e);
}

int
ses_send_serial(
    struct ses *s, enum spdu_type type, uint32_t serial, struct ses_ev *ev)
{
	struct ses_spdu o = {.spdu.type = type};

	ses_put_serial(&o, SPDU_SERIAL, serial);
	ses_put_user_data(&o, ev->req);
	return ses_send(s, &o, ev->e);
}

int
ses_send_reason(struct ses *s, enum spdu_type type, struct ses_ev *ev)
{
	struct ses_spdu o = {.spdu.type = type};

	ses_put_number(&o, SPDU_REASON, ev->req->reason, 1);
	ses_put_user_data(&o, ev->req);
	return ses_send(s, &o, ev->e);
}

/* --- DT and TD --- */

/* `enclosure`: its one octet, or NULL for none. */
static void
put_data_header(
    struct ses *s, enum spdu_type type, const uint8_t *enclosure, struct buf *b)
{
	struct spdu h = {.type = type};
	int r;

	buf_append(b, prefix_of(type), prefix_size(type));
	if (enclosure != NULL)
		spdu_set(&h, SPDU_ENCLOSURE, enclosure, 1);
	r = spdu_build(&h, b, NULL);
	INVARIANT(r == 0);
	ses_trace(s, true, spdu_name(type), "");
}

static void
send_segment(struct ses *s, bool last)
{
	struct buf *segment = &s->tx.segment, b = {0};
	uint8_t enclosure =
	    (uint8_t)((s->tx.begun ? 0 : SPDU_BEGIN) | (last ? SPDU_END : 0));

	put_data_header(s, s->tx.open, &enclosure, &b);
	cotp_data_request(s->cotp, b.data, b.len, false);
	cotp_data_request(s->cotp, segment->data, segment->len, true);
	buf_clear(segment);
	s->tx.begun = true;
	buf_free(&b);
}

/* A full segment waits until it is known whether it is the last. */
static void
send_segmented(
    struct ses *s, enum spdu_type type, const uint8_t *p, size_t n, bool last)
{
	size_t max = s->tsdu_send - prefix_size(type) - 2 - 3;

	while (n > 0) {
		size_t room = max - s->tx.segment.len;

		if (room == 0) {
			send_segment(s, false);
			room = max;
		}
		room = room < n ? room : n;
		buf_append(&s->tx.segment, p, room);
		p += room;
		n -= room;
	}
	if (last)
		send_segment(s, true);
}

static void
send_streamed(
    struct ses *s, enum spdu_type type, const uint8_t *p, size_t n, bool last)
{
	struct buf b = {0};

	if (!s->tx.begun) {
		put_data_header(s, type, NULL, &b);
		cotp_data_request(s->cotp, b.data, b.len, false);
		buf_free(&b);
		s->tx.begun = true;
	}
	cotp_data_request(s->cotp, p, n, last);
}

static int
send_owed_gta(struct ses *s, struct err *e)
{
	struct ses_spdu o = {.spdu.type = SPDU_GTA};

	if (!s->owe_gta)
		return 0;
	s->owe_gta = false;
	return ses_send(s, &o, e);
}

int
ses_send_data(struct ses *s, enum spdu_type type, const uint8_t *p, size_t n,
    bool last, struct err *e)
{
	if (s->tx.open != SPDU_NONE && s->tx.open != type)
		return err_set(
		    e, SES_LAYER, ERR_PROTOCOL, "another SSDU is being sent");
	s->tx.open = type;
	if (s->tsdu_send != 0)
		send_segmented(s, type, p, n, last);
	else
		send_streamed(s, type, p, n, last);
	if (!last)
		return 0;
	s->tx.open = SPDU_NONE;
	s->tx.begun = false;
	return send_owed_gta(s, e);
}
