#include "qmgr/proto.h"

#include <endian.h>
#include <string.h>

#define HEAD 5

size_t
q_frame_begin(struct buf *out, enum q_frame type)
{
	size_t begun = out->len;

	buf_put_u32(out, 0);
	buf_putc(out, (uint8_t)type);
	return begun;
}

void
q_frame_end(struct buf *out, size_t begun)
{
	uint32_t n = htobe32((uint32_t)(out->len - begun - 4));

	memcpy(out->data + begun, &n, sizeof(n));
}

int
q_frame_next(
    const uint8_t *p, size_t n, struct q_in *body, size_t *total, struct err *e)
{
	struct q_in in = {p, n, false};
	uint32_t length;

	if (n < HEAD)
		return 0;
	length = q_in_u32(&in);
	if (length < 1 || length > Q_FRAME_MAX)
		return err_set(
		    e, "chan", ERR_LIMIT, "frame of %u octets", length);
	if (p[4] == 0 || p[4] >= Q_FRAMES)
		return err_at(e, "chan", ERR_SYNTAX, 4, "frame type %u", p[4]);
	if (n - 4 < length)
		return 0;
	*body = (struct q_in){p + HEAD, length - 1, false};
	*total = (size_t)length + 4;
	return p[4];
}

void
q_hello_pack(const struct q_hello *h, struct buf *out)
{
	buf_put_u16(out, Q_PROTO_VERSION);
	q_out_text(out, h->name);
	buf_put_u64(out, h->instance);
	buf_put_u64(out, h->first_number);
	buf_put_u64(out, h->scan_instance);
	buf_put_u32(out, (uint32_t)h->n_moves);
	for (size_t i = 0; i < h->n_moves; i++)
		buf_put_u64(out, h->moves[i]);
}

static void
unpack_moves(struct q_in *in, struct arena *a, struct q_hello *h)
{
	size_t n = q_in_count(in, 8);
	q_id *v = arena_alloc(a, n * sizeof(*v));

	for (size_t i = 0; i < n; i++)
		v[i] = q_in_u64(in);
	h->moves = v;
	h->n_moves = n;
}

void
q_hello_unpack(struct q_in *in, struct arena *a, struct q_hello *h)
{
	if (q_in_u16(in) != Q_PROTO_VERSION)
		in->bad = true;
	h->name = q_in_text(in, a);
	h->instance = q_in_u64(in);
	h->first_number = q_in_u64(in);
	h->scan_instance = q_in_u64(in);
	unpack_moves(in, a, h);
	in->bad |= h->name == NULL;
}

static void
pack_outcomes(const struct q_outcome *v, size_t n, struct buf *out)
{
	buf_put_u32(out, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		buf_put_u32(out, v[i].recipient);
		buf_putc(out, (uint8_t)v[i].result);
		buf_put_u32(out, (uint32_t)v[i].reason);
		buf_put_u32(out, (uint32_t)v[i].diagnostic);
		buf_put_u64(out, (uint64_t)v[i].at);
		q_out_text(out, v[i].status);
		q_out_text(out, v[i].text);
		q_out_text(out, v[i].remote_mta);
	}
}

#define OUTCOME_LEAST 27

static struct q_outcome *
unpack_outcomes(struct q_in *in, struct arena *a, size_t *n)
{
	struct q_outcome *v;

	*n = q_in_count(in, OUTCOME_LEAST);
	v = arena_alloc(a, *n * sizeof(*v));
	for (size_t i = 0; i < *n; i++) {
		v[i].recipient = q_in_u32(in);
		v[i].result = q_in_enum(in, Q_WANTS_P2);
		v[i].reason = (int32_t)q_in_u32(in);
		v[i].diagnostic = (int32_t)q_in_u32(in);
		v[i].at = (int64_t)q_in_u64(in);
		v[i].status = q_in_text(in, a);
		v[i].text = q_in_text(in, a);
		v[i].remote_mta = q_in_text(in, a);
	}
	return *n > 0 ? v : NULL;
}

void
q_work_pack(const struct q_work *w, struct buf *out)
{
	buf_put_u64(out, w->mlist);
	buf_put_u64(out, w->message);
	buf_put_u64(out, w->record);
	q_out_text(out, w->peer);
	q_out_text(out, w->next_peer);
	buf_putc(out, w->p2);
	q_out_text(out, w->rerouted_from);
	buf_putc(out, (uint8_t)w->level);
	buf_put_u32(out, w->connections);
	buf_put_u32(out, w->attempt);
	buf_put_u64(out, (uint64_t)w->arrival);
	buf_put_u32(out, (uint32_t)w->n_recipients);
	q_out_u32s(out, w->recipients, w->n_recipients);
	pack_outcomes(w->outcomes, w->n_outcomes, out);
}

void
q_work_unpack(struct q_in *in, struct arena *a, struct q_work *w)
{
	w->mlist = q_in_u64(in);
	w->message = q_in_u64(in);
	w->record = q_in_u64(in);
	w->peer = q_in_text(in, a);
	w->next_peer = q_in_text(in, a);
	w->p2 = q_in_u8(in) != 0;
	w->rerouted_from = q_in_text(in, a);
	w->level = q_in_enum(in, Q_LEVEL_OVERRIDE);
	w->connections = q_in_u32(in);
	if (!in->bad)
		w->priority = q_level_priority(w->level);
	w->attempt = q_in_u32(in);
	w->arrival = (int64_t)q_in_u64(in);
	w->n_recipients = q_in_count(in, 4);
	w->recipients = q_in_u32s(in, a, w->n_recipients);
	w->outcomes = unpack_outcomes(in, a, &w->n_outcomes);
	in->bad |= w->peer == NULL;
}

void
q_outcomes_pack(const struct q_outcomes *o, struct buf *out)
{
	buf_put_u64(out, o->mlist);
	buf_put_u64(out, o->record);
	buf_putc(out, o->peer_error);
	pack_outcomes(o->v, o->n, out);
}

void
q_outcomes_unpack(struct q_in *in, struct arena *a, struct q_outcomes *o)
{
	o->mlist = q_in_u64(in);
	o->record = q_in_u64(in);
	o->peer_error = q_in_u8(in) != 0;
	o->v = unpack_outcomes(in, a, &o->n);
}

static void
pack_places(const uint32_t *v, size_t n, struct buf *out)
{
	buf_put_u32(out, (uint32_t)n);
	q_out_u32s(out, v, n);
}

static const uint32_t *
unpack_places(struct q_in *in, struct arena *a, size_t *n)
{
	*n = q_in_count(in, 4);
	return q_in_u32s(in, a, *n);
}

void
q_segment_pack(const struct q_segment_news *s, struct buf *out)
{
	buf_put_u64(out, s->number);
	buf_put_u64(out, s->records);
	buf_put_u64(out, s->size);
	buf_put_u64(out, s->end);
	pack_places(s->v, s->n, out);
	pack_places(s->moved, s->n_moved, out);
	pack_places(s->all, s->n_all, out);
}

void
q_segment_unpack(struct q_in *in, struct arena *a, struct q_segment_news *s)
{
	s->number = q_in_u64(in);
	s->records = q_in_u64(in);
	s->size = q_in_u64(in);
	s->end = q_in_u64(in);
	s->v = unpack_places(in, a, &s->n);
	s->moved = unpack_places(in, a, &s->n_moved);
	s->all = unpack_places(in, a, &s->n_all);
}

#define GAUGE_LEAST 10

void
q_gauges_pack(const struct q_gauge *v, size_t n, struct buf *out)
{
	buf_put_u32(out, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		q_out_text(out, v[i].peer);
		buf_put_u32(out, v[i].in);
		buf_put_u32(out, v[i].out);
	}
}

const struct q_gauge *
q_gauges_unpack(struct q_in *in, struct arena *a, size_t *n)
{
	struct q_gauge *v;

	*n = q_in_count(in, GAUGE_LEAST);
	v = arena_alloc(a, *n * sizeof(*v));
	for (size_t i = 0; i < *n; i++) {
		v[i].peer = q_in_text(in, a);
		v[i].in = q_in_u32(in);
		v[i].out = q_in_u32(in);
		in->bad |= v[i].peer == NULL;
	}
	return v;
}

void
q_moved_pack(const struct q_moved *m, struct buf *out)
{
	buf_put_u64(out, m->id);
	buf_put_u64(out, m->parent);
	buf_put_u64(out, m->place);
}

void
q_moved_unpack(struct q_in *in, struct q_moved *m)
{
	m->id = q_in_u64(in);
	m->parent = q_in_u64(in);
	m->place = q_in_u64(in);
	in->bad |= m->id == 0 || m->place == 0;
}
