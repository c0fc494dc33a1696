/*
 * Receiving: TSDUs into SPDUs (X.225 6.3.7), with basic and extended
 * concatenation. The headers of DT and TD are read as soon as they are
 * complete, and their user information goes up as it comes; other SPDUs are
 * collected whole first.
 */
#include "lib/log.h"
#include "osi/ses_int.h"

#define SPDUS_MAX 8 /* of one TSDU, extended concatenation */

/* Where the SPDUs in `head` are. */
struct headers {
	int count;
	enum spdu_type type[SPDUS_MAX];
	size_t at[SPDUS_MAX];
	size_t n[SPDUS_MAX]; /* SI, LI and parameters */
	size_t end;          /* of them all */
};

static enum spdu_place
place_of(int i)
{
	return i == 0 ? SPDU_FIRST : SPDU_SECOND;
}

void
ses_rx_free(struct ses_rx *rx)
{
	buf_free(&rx->head);
	buf_free(&rx->seg_first);
	buf_free(&rx->seg_data);
}

static bool
ignores_spdus(const struct ses *s)
{
	return s->state == STA16 || s->state == STA01;
}

/* May this error be reported with an ER? (X.225 7.27) The octets were an SPDU, it
 * only came at the wrong time, and the peer has the data token, with which it
 * can recover. */
static bool
may_report(const struct ses *s, const struct err *e)
{
	bool data_phase =
	    s->state == STA713 || s->state == STA10A || s->state == STA10B;
	bool activities = (s->fu & SES_FU_ACTIVITY) != 0;

	return s->params.report_errors && e->code == ERR_PROTOCOL &&
	    data_phase && (s->fu & SES_FU_EXCEPTIONS) != 0 &&
	    (s->tokens & SES_TOKEN_DATA) == 0 && (!activities || s->vact);
}

/* An error of the peer: ER or AB with the octets at fault, which begin at `at`
 * of the TSDU. */
static void
protocol_error(struct ses *s, const struct err *e, size_t at)
{
	bool report = may_report(s, e);

	s->rx.mode = SES_RX_SKIP;
	if (ignores_spdus(s))
		return;
	if (at >= s->rx.head.len)
		at = 0; /* too few octets: all of them are at fault */
	if (report && s->rx.head.len > 0 &&
	    ses_report_error(s, e, s->rx.head.data + at, s->rx.head.len - at) ==
		0)
		return;
	ses_provider_abort(s, SPDU_TD_PROTOCOL_ERROR, e,
	    s->rx.head.len > 0 ? s->rx.head.data + at : NULL,
	    s->rx.head.len - at);
}

/* What no SPDU is to be blamed for: the offset is the TSDU's. */
static void
bad_tsdu(struct ses *s, size_t at, const char *text)
{
	struct err e = ERR_INIT;

	err_at(&e, SES_LAYER, ERR_SYNTAX, at, "session TSDU: %s", text);
	protocol_error(s, &e, at);
}

static void
bad_spdu(struct ses *s, enum spdu_type type, size_t at, const char *text)
{
	struct err e = ERR_INIT;

	err_at(&e, SES_LAYER, ERR_PROTOCOL, 0, "%s: %s", spdu_name(type), text);
	protocol_error(s, &e, at);
}

/* MAA and AEA are the same octets: what we wait for tells. */
static enum spdu_type
meaning(const struct ses *s, enum spdu_type type)
{
	return type == SPDU_AEA && s->state == STA04A ? SPDU_MAA : type;
}

/* Where a parameter's value is in its SPDU: that at `at` of the TSDU, or the
 * first segment of one. 0: the SPDU itself is at fault. */
static uint64_t
offset_in_spdu(const struct ses *s, const struct octets *wrong, size_t at)
{
	const struct buf *in[] = {&s->rx.head, &s->rx.seg_first};
	const size_t from[] = {at, 0};

	for (size_t i = 0; wrong != NULL && wrong->p != NULL && i < 2; i++) {
		uintptr_t p = (uintptr_t)wrong->p;
		uintptr_t start = (uintptr_t)in[i]->data;

		if (p >= start + from[i] && p < start + in[i]->len)
			return p - start - from[i];
	}
	return 0;
}

/* One whole SPDU; `at` is its octet in the TSDU. Returns whether the TSDU may
 * go on. */
static bool
handle_spdu(struct ses *s, const struct spdu *spdu, size_t at)
{
	struct err e = ERR_INIT;
	struct ses_ev ev = {
	    .event = (enum ses_event)(EV_SPDU + meaning(s, spdu->type)),
	    .spdu = spdu,
	    .e = &e,
	};

	ses_trace(s, false, spdu_name(spdu->type), "");
	if (ignores_spdus(s) && ses_cells[s->state][ev.event].next == STA_NONE)
		return false;
	if (ses_dispatch(s, &ev) == 0)
		return true;
	if (e.offset == ERR_NO_OFFSET)
		e.offset = offset_in_spdu(s, ev.wrong, at);
	protocol_error(s, &e, at);
	return false;
}

/* --- SPDUs in segments (X.225 8.4) --- */

static bool
is_segment(const struct spdu *spdu)
{
	uint32_t whole = SPDU_BEGIN | SPDU_END;

	if (spdu->type == SPDU_CDO || spdu->type == SPDU_RF)
		return false; /* CDO has its own procedure (X.225 7.3); what a
		               * long RF says after its reason is not needed */
	return (spdu_number(spdu, SPDU_ENCLOSURE, whole) & whole) != whole;
}

/* These end what was going on, and so an SPDU whose segments are coming. */
static bool
cuts_segments_off(enum spdu_type type)
{
	return type == SPDU_AB || type == SPDU_AI || type == SPDU_AD;
}

/* What a type is called before its parameters are known: a MAP is an AE, and
 * only its first segment tells. */
static enum spdu_type
wire_type(const struct spdu *spdu)
{
	return spdu->type == SPDU_MAP ? SPDU_AE : spdu->type;
}

static enum spdu_type
segmented_type(const struct ses_rx *rx)
{
	return rx->seg_open ? spdu_type_of(rx->seg_first.data[0], rx->seg_place)
			    : SPDU_NONE;
}

static const char *
add_segment(struct ses_rx *rx, const struct spdu *spdu, size_t at, size_t n,
    enum spdu_place place)
{
	bool begin = (spdu_number(spdu, SPDU_ENCLOSURE, 0) & SPDU_BEGIN) != 0;
	const struct octets *data = &spdu->par[SPDU_USER_DATA];

	if (begin) {
		if (rx->seg_open && !cuts_segments_off(spdu->type))
			return "a first segment inside a segmented SPDU";
		buf_clear(&rx->seg_first);
		buf_clear(&rx->seg_data);
		buf_append(&rx->seg_first, rx->head.data + at, n);
		rx->seg_place = place;
	} else if (!rx->seg_open || segmented_type(rx) != wire_type(spdu)) {
		/* the SI alone does not tell: AB and AI have the same one */
		return "a later segment without a first one";
	}
	if (rx->seg_data.len + data->n > SES_SEGMENTED_MAX)
		return "a segmented SPDU with too much user data";
	rx->seg_open = true;
	buf_append(&rx->seg_data, data->p, data->n);
	return NULL;
}

static bool
handle_segment(struct ses *s, const struct spdu *spdu, size_t at, size_t n,
    enum spdu_place place)
{
	struct ses_rx *rx = &s->rx;
	const char *wrong = add_segment(rx, spdu, at, n, place);
	struct spdu whole;
	int rc;

	if (wrong != NULL) {
		bad_spdu(s, spdu->type, at, wrong);
		return false;
	}
	if ((spdu_number(spdu, SPDU_ENCLOSURE, 0) & SPDU_END) == 0)
		return true;
	rx->seg_open = false;
	rc = spdu_parse(
	    rx->seg_first.data, rx->seg_first.len, rx->seg_place, &whole, NULL);
	INVARIANT(rc == 0); /* it was parsed when it came */
	spdu_set(&whole, SPDU_USER_DATA, rx->seg_data.data, rx->seg_data.len);
	return handle_spdu(s, &whole, at);
}

/* --- DT and TD --- */

static bool *
ssdu_open(struct ses *s)
{
	return &s->rx.ssdu_open[s->rx.stream == SPDU_TD];
}

/* Does this state take the data that is going up? It may change under way. */
static bool
takes_data(const struct ses *s)
{
	return ses_cells[s->state][EV_SPDU + s->rx.stream].action ==
	    ses_act_data;
}

static void
data_up(struct ses *s, const uint8_t *p, size_t n, bool last)
{
	bool end = last && (s->rx.enclosure & SPDU_END) != 0;
	struct ses_prim ind = {
	    .type = s->rx.stream == SPDU_TD ? SES_TYPED_DATA : SES_DATA,
	    .kind = SES_IND,
	    .data = p,
	    .n = n,
	    .last = end,
	};

	if (last)
		*ssdu_open(s) = !end;
	if (n > 0)
		s->idle_tsdus = 0;
	if (n > 0 || end)
		ses_indicate(s, &ind);
}

/* The header of DT or TD. What follows it goes up, or is skipped. */
static bool
begin_data(struct ses *s, const struct spdu *spdu, size_t at)
{
	bool begin, open;

	s->rx.stream = spdu->type;
	s->rx.enclosure =
	    (uint8_t)spdu_number(spdu, SPDU_ENCLOSURE, SPDU_BEGIN | SPDU_END);
	s->rx.mode = SES_RX_SKIP;
	if (!handle_spdu(s, spdu, at))
		return false;
	if (!takes_data(s)) {
		*ssdu_open(s) = false;
		return true;
	}
	begin = (s->rx.enclosure & SPDU_BEGIN) != 0;
	open = *ssdu_open(s);
	if (begin == open) {
		bad_spdu(s, spdu->type, at,
		    begin ? "an SSDU begins inside another"
			  : "a segment of an SSDU that did not begin");
		return false;
	}
	s->rx.mode = SES_RX_DATA;
	return true;
}

/* --- TSDUs --- */

static bool
streams(enum spdu_type type)
{
	return type == SPDU_DT || type == SPDU_TD;
}

/* May another SPDU follow the last one found? (X.225 6.3.7) */
static bool
may_be_followed(const struct ses *s, const struct headers *h)
{
	enum spdu_type last = h->type[h->count - 1];

	if (h->count == 1)
		return spdu_category(last) == 0;
	return s->params.extended_concatenation && !streams(last) &&
	    h->count < SPDUS_MAX;
}

/* Finds the SPDUs in `head`: 1 when the octets that it has tell all that is
 * needed, 0 when more must come, negative when it is wrong. Whether something
 * follows a GT or PT is known at the end of the TSDU only. */
static int
find_spdus(const struct ses *s, bool last, struct headers *h, struct err *e)
{
	const struct buf *b = &s->rx.head;

	*h = (struct headers){0};
	do {
		int i = h->count;
		size_t at = h->end;

		if (b->len == at)
			return i > 0 && last;
		h->type[i] = spdu_type_of(b->data[at], place_of(i));
		if (h->type[i] == SPDU_NONE)
			return err_at(e, SES_LAYER, ERR_UNSUPPORTED, at,
			    "session TSDU: an SPDU with identifier %u is not "
			    "supported %s",
			    b->data[at], i == 0 ? "first" : "there");
		h->at[i] = at;
		h->n[i] = spdu_length(b->data + at, b->len - at);
		if (h->n[i] == 0 || b->len - at < h->n[i])
			return 0;
		h->end += h->n[i];
		h->count++;
	} while (may_be_followed(s, h));
	return 1;
}

static bool
parse_spdu(struct ses *s, const struct headers *h, int i, struct spdu *out)
{
	struct err e = ERR_INIT;

	if (spdu_parse(
		s->rx.head.data + h->at[i], h->n[i], place_of(i), out, &e) == 0)
		return true;
	protocol_error(s, &e, h->at[i] + e.offset);
	return false;
}

static bool
handle_one(
    struct ses *s, const struct headers *h, int i, const struct spdu *spdu)
{
	struct err e = ERR_INIT;

	if (s->version == 1 && ses_check_version_1(spdu, &e) != 0) {
		e.offset = 0;
		protocol_error(s, &e, h->at[i]);
		return false;
	}
	if (!streams(spdu->type) && is_segment(spdu))
		return handle_segment(s, spdu, h->at[i], h->n[i], place_of(i));
	if (cuts_segments_off(spdu->type))
		s->rx.seg_open = false;
	if (s->rx.seg_open) {
		bad_spdu(s, spdu->type, h->at[i],
		    "it comes inside another SPDU that is segmented");
		return false;
	}
	if (streams(spdu->type))
		return begin_data(s, spdu, h->at[i]);
	return handle_spdu(s, spdu, h->at[i]);
}

/* All headers are there. The GT or PT before other SPDUs takes effect after
 * them, as their sender needed the tokens for them. */
static void
handle_spdus(struct ses *s, const struct headers *h)
{
	struct spdu spdus[SPDUS_MAX];

	for (int i = 0; i < h->count; i++)
		if (!parse_spdu(s, h, i, &spdus[i]))
			return;
	if (h->count > 1)
		s->rx.prefix = spdus[0];
	for (int i = h->count > 1; i < h->count; i++)
		if (!handle_one(s, h, i, &spdus[i])) {
			s->rx.mode = SES_RX_SKIP;
			return;
		}
}

/* Without tokens it says nothing. */
static void
handle_prefix(struct ses *s, const struct spdu *prefix)
{
	if (prefix->type != SPDU_NONE &&
	    spdu_number(prefix, SPDU_TOKENS, 0) != 0)
		handle_spdu(s, prefix, 0);
}

/* A peer may ask for tokens as often as it likes, but not for ever: without data
 * from it, and without anything from our user, each TSDU is work for nothing. */
static void
count_idle(struct ses *s)
{
	struct err e = ERR_INIT;

	if (ignores_spdus(s) || ++s->idle_tsdus <= SES_IDLE_TSDUS_MAX)
		return;
	err_at(&e, SES_LAYER, ERR_LIMIT, 0,
	    "session TSDU: more than %d in a row without data or an answer",
	    SES_IDLE_TSDUS_MAX);
	ses_provider_abort(s, SPDU_TD_RESTRICTION, &e, NULL, 0);
}

static void
end_of_tsdu(struct ses *s)
{
	/* points into `head`, which is kept until here */
	struct spdu prefix = s->rx.prefix;

	s->rx.prefix = (struct spdu){0};
	handle_prefix(s, &prefix);
	count_idle(s);
	s->rx.mode = SES_RX_HEAD;
	buf_clear(&s->rx.head);
}

/* What of `head` was read too much is the beginning of user information. */
static void
collect(struct ses *s, const uint8_t *p, size_t n, bool last)
{
	struct headers h;
	struct err e = ERR_INIT;
	bool streaming;
	int r;

	buf_append(&s->rx.head, p, n);
	r = find_spdus(s, last, &h, &e);
	streaming = h.count > 0 && streams(h.type[h.count - 1]);
	if (r < 0)
		protocol_error(s, &e, e.offset);
	else if (r == 0 && last)
		bad_tsdu(s, s->rx.head.len, "it ends inside an SPDU");
	else if (r == 1 && !streaming && s->rx.head.len > h.end)
		bad_tsdu(s, h.end, "octets after the last SPDU");
	else if (r == 1 && (last || streaming))
		handle_spdus(s, &h);
	if (s->rx.mode == SES_RX_DATA && (s->rx.head.len > h.end || last))
		data_up(
		    s, s->rx.head.data + h.end, s->rx.head.len - h.end, last);
}

void
ses_tsdu_input(struct ses *s, const uint8_t *p, size_t n, bool last)
{
	if (s->rx.mode == SES_RX_HEAD) {
		collect(s, p, n, last);
	} else if (s->rx.mode == SES_RX_DATA) {
		if (takes_data(s))
			data_up(s, p, n, last);
		else
			s->rx.mode = SES_RX_SKIP;
	}
	if (last)
		end_of_tsdu(s);
}
