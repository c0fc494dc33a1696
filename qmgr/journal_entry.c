/*
 * The entries of qmgr/journal.h as octets.
 */
#include "qmgr/journal.h"
#include "qmgr/record.h"
#include "qmgr/wire.h"

#define PLACE_MAX ((1u << Q_PLACE_BITS) - 1)
#define STEPS_MAX 8
#define WARNED 0x80 /* beside the state */

static void
pack_outcome(const struct q_outcome *o, struct buf *out)
{
	buf_putc(out, (uint8_t)o->result);
	buf_put_u32(out, (uint32_t)o->reason);
	buf_put_u32(out, (uint32_t)o->diagnostic);
	buf_put_u64(out, (uint64_t)o->at);
	q_out_text(out, o->status);
	q_out_text(out, o->text);
	q_out_text(out, o->remote_mta);
}

static void
unpack_outcome(struct q_in *in, struct arena *a, struct q_outcome *o)
{
	o->result = q_in_enum(in, Q_FAILED);
	o->reason = (int32_t)q_in_u32(in);
	o->diagnostic = (int32_t)q_in_u32(in);
	o->at = (int64_t)q_in_u64(in);
	o->status = q_in_text(in, a);
	o->text = q_in_text(in, a);
	o->remote_mta = q_in_text(in, a);
}

static void
pack_state(const struct q_entry *x, struct buf *out)
{
	buf_putc(out, (uint8_t)x->state | (x->warned ? WARNED : 0));
	buf_putc(out, (uint8_t)x->step);
	buf_put_u64(out, x->record);
	buf_put_u32(out, x->attempts);
	buf_put_u64(out, (uint64_t)x->next);
	pack_outcome(&x->outcome, out);
}

static void
unpack_state(struct q_in *in, struct arena *a, struct q_entry *x)
{
	uint8_t state = q_in_u8(in);

	x->warned = state & WARNED;
	state &= (uint8_t)~WARNED;
	in->bad |= state > Q_RCPT_DONE;
	x->state = state;
	x->step = q_in_enum(in, STEPS_MAX);
	x->record = q_in_u64(in);
	x->attempts = q_in_u32(in);
	x->next = (int64_t)q_in_u64(in);
	unpack_outcome(in, a, &x->outcome);
}

static void
pack_mark(const struct q_entry *x, struct buf *out)
{
	buf_putc(out, (uint8_t)x->level);
	buf_putc(out, x->held);
}

static void
unpack_mark(struct q_in *in, struct arena *a, struct q_entry *x)
{
	(void)a;
	x->level = q_in_enum(in, Q_LEVEL_OVERRIDE);
	x->held = q_in_enum(in, true);
}

static void
pack_way(const struct q_entry *x, struct buf *out)
{
	q_out_text(out, x->peer);
	q_out_text(out, x->from);
}

static void
unpack_way(struct q_in *in, struct arena *a, struct q_entry *x)
{
	x->peer = q_in_text(in, a);
	x->from = q_in_text(in, a);
	in->bad |= x->peer == NULL;
}

/* What lies between the id and the list. */
static const struct {
	void (*pack)(const struct q_entry *x, struct buf *out);
	void (*unpack)(struct q_in *in, struct arena *a, struct q_entry *x);
	uint32_t value_max;
} types[] = {
    [Q_ENTRY_STATE] = {pack_state, unpack_state, MHS_RECIPIENTS_MAX},
    [Q_ENTRY_FINISHED] = {NULL, NULL, PLACE_MAX},
    [Q_ENTRY_DONE_SET] = {NULL, NULL, PLACE_MAX},
    [Q_ENTRY_MOVED_SET] = {NULL, NULL, PLACE_MAX},
    [Q_ENTRY_MARK] = {pack_mark, unpack_mark, MHS_RECIPIENTS_MAX},
    [Q_ENTRY_WAY] = {pack_way, unpack_way, MHS_RECIPIENTS_MAX},
};

void
q_entry_pack(const struct q_entry *x, struct buf *out)
{
	buf_putc(out, (uint8_t)x->type);
	buf_put_u64(out, x->id);
	if (types[x->type].pack != NULL)
		types[x->type].pack(x, out);
	buf_put_u32(out, (uint32_t)x->n);
	q_out_u32s(out, x->v, x->n);
}

int
q_entry_unpack(const uint8_t **p, size_t *n, struct arena *a,
    struct q_entry *out, struct err *e)
{
	struct q_in in = {*p, *n, false};

	*out = (struct q_entry){.type = q_in_enum(&in, Q_ENTRY_WAY)};
	if (out->type == 0)
		in.bad = true;
	out->id = q_in_u64(&in);
	if (types[out->type].unpack != NULL)
		types[out->type].unpack(&in, a, out);
	out->n = q_in_count(&in, 4);
	out->v = q_in_u32s(&in, a, out->n);
	for (size_t i = 0; i < out->n; i++)
		in.bad |= out->v[i] > types[out->type].value_max;
	if (in.bad)
		return err_at(e, "journal", ERR_SYNTAX, (uint64_t)(in.p - *p),
		    "bad entry");
	*p = in.p;
	*n = in.n;
	return 0;
}
