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

void
q_entry_pack(const struct q_entry *x, struct buf *out)
{
	buf_putc(out, (uint8_t)x->type);
	buf_put_u64(out, x->id);
	if (x->type == Q_ENTRY_STATE)
		pack_state(x, out);
	buf_put_u32(out, (uint32_t)x->n);
	q_out_u32s(out, x->v, x->n);
}

static uint32_t
value_max(const struct q_entry *x)
{
	return x->type == Q_ENTRY_STATE ? MHS_RECIPIENTS_MAX : PLACE_MAX;
}

int
q_entry_unpack(const uint8_t **p, size_t *n, struct arena *a,
    struct q_entry *out, struct err *e)
{
	struct q_in in = {*p, *n, false};

	*out = (struct q_entry){.type = q_in_enum(&in, Q_ENTRY_MOVED_SET)};
	if (out->type == 0)
		in.bad = true;
	out->id = q_in_u64(&in);
	if (out->type == Q_ENTRY_STATE)
		unpack_state(&in, a, out);
	out->n = q_in_count(&in, 4);
	out->v = q_in_u32s(&in, a, out->n);
	for (size_t i = 0; i < out->n; i++)
		in.bad |= out->v[i] > value_max(out);
	if (in.bad)
		return err_at(e, "journal", ERR_SYNTAX, (uint64_t)(in.p - *p),
		    "bad entry");
	*p = in.p;
	*n = in.n;
	return 0;
}
