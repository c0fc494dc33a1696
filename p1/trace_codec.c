#include "p1/trace_codec.h"

#include <string.h>

#define MTA_NAME_MAX 128 /* ub-mta-name-length is 32: be lenient */

/* --- reading --- */

static int
get_arrival(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	return p1_get_time(in, t, &((struct mhs_trace *)into)->arrival);
}

static int
get_deferred(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	return p1_get_time(in, t, &((struct mhs_trace *)into)->deferred);
}

static int
get_action(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	int64_t n;
	int r = p1_get_int(in, t, MHS_RELAYED, MHS_REROUTED, &n);

	((struct mhs_trace *)into)->action = (enum mhs_action)n;
	return r;
}

static int
get_attempted(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	return p1_get_domain(in, t, &((struct mhs_trace *)into)->attempted);
}

static int
get_attempted_mta(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	struct mhs_trace *tr = into;

	return p1_get_text(in, t, MTA_NAME_MAX, true, &tr->attempted_mta);
}

static int
get_eits(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	struct mhs_trace *tr = into;

	p1_get_raw(in, t, &tr->converted_eits, &tr->converted_eits_n);
	return 0;
}

static int
get_other_actions(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	uint8_t bits;
	int r = p1_get_bits(in, t, &bits);

	if (r >= 0)
		((struct mhs_trace *)into)->other_actions =
		    (uint8_t)((bits >> 7 & 1) | (bits >> 5 & 2));
	return r;
}

/* DomainSuppliedInformation and MTASuppliedInformation */
static const struct p1_field supplied[] = {
    {BER_CONTEXT, 0, "arrival-time", get_arrival, true},
    {BER_CONTEXT, 2, "routing-action", get_action, true},
    {BER_APPLICATION, 3, "attempted-domain", get_attempted},
    {BER_UNIVERSAL, BER_IA5_STRING, "attempted-mta", get_attempted_mta},
    {BER_CONTEXT, 1, "deferred-time", get_deferred},
    {BER_APPLICATION, 5, "converted-encoded-information-types", get_eits},
    {BER_CONTEXT, 3, "other-actions", get_other_actions},
};

static int
get_element(struct p1_in *in, const struct ber_tlv *t, struct mhs_trace *out)
{
	struct ber_cursor c = ber_children(t);
	struct ber_tlv part;
	int r;

	if (!BER_IS(t->tag, BER_UNIVERSAL, BER_SEQUENCE) ||
	    ber_next(&c, &part, in->e) != 1 ||
	    !BER_IS(part.tag, BER_APPLICATION, 3))
		return p1_bad(in, t, "not a trace information element");
	r = p1_get_domain(in, &part, &out->domain);
	if (r >= 0 && out->internal) {
		if (ber_next(&c, &part, in->e) != 1)
			return p1_bad(in, t, "no MTA name");
		r = p1_get_text(in, &part, MTA_NAME_MAX, true, &out->mta);
	}
	if (r < 0)
		return r;
	if (ber_next(&c, &part, in->e) != 1 ||
	    !BER_IS(part.tag, BER_UNIVERSAL, BER_SET))
		return p1_bad(in, t, "no supplied information");
	return p1_fields(in, &part, supplied,
	    sizeof(supplied) / sizeof(supplied[0]), out, NULL);
}

int
p1_get_trace(struct p1_in *in, const struct ber_tlv *t, bool internal,
    struct p1_traces *out)
{
	struct ber_cursor c = ber_children(t);
	struct mhs_trace *tr;
	struct ber_tlv el;
	int r;

	while ((r = ber_next(&c, &el, in->e)) == 1) {
		if (out->n >= MHS_TRACE_MAX)
			return err_set(in->e, "p1", ERR_LIMIT,
			    "more than %d trace elements", MHS_TRACE_MAX);
		tr = arena_push(in->a, &out->v, &out->n, sizeof(*out->v));
		tr->internal = internal;
		r = get_element(in, &el, tr);
		if (r < 0)
			return r;
	}
	return r;
}

static int
get_internal(struct p1_in *in, const struct mhs_ext *x, struct p1_traces *out)
{
	struct p1_in inner = {in->a, x->value, in->e, in->strict};
	struct ber_cursor c = ber_cursor(x->value, x->n);
	struct ber_tlv t;
	size_t before = out->n;
	int r = ber_next(&c, &t, in->e);

	if (r == 1)
		r = BER_IS(t.tag, BER_UNIVERSAL, BER_SEQUENCE)
		    ? p1_get_trace(&inner, &t, true, out)
		    : ERR_SYNTAX;
	else if (r == 0)
		r = ERR_SYNTAX;
	if (r < 0)
		out->n = before;
	return r;
}

int
p1_take_internal_trace(
    struct p1_in *in, struct mhs_exts *x, struct p1_traces *out)
{
	bool taken = false;
	size_t kept = 0;

	for (size_t i = 0; i < x->n; i++) {
		int r = ERR_SYNTAX;

		if (x->v[i].type == P1_EXT_INTERNAL_TRACE && !taken)
			r = get_internal(in, &x->v[i], out);
		if (r == ERR_LIMIT) {
			err_prefix(in->e, "internal-trace-information");
			return ERR_LIMIT;
		}
		if (r == ERR_SYNTAX)
			x->v[kept++] = x->v[i];
		else
			taken = true;
	}
	x->n = kept;
	err_clear(in->e);
	return 0;
}

/* --- writing --- */

static int
put_supplied(struct buf *out, const struct mhs_trace *t, struct err *e)
{
	uint8_t other = (uint8_t)((t->other_actions & 1) << 7 |
	    (t->other_actions & 2) << 5);
	size_t from = out->len;
	int r = 0;

	p1_put_time(out, BER_CONTEXT, 0, t->arrival);
	ber_put_integer(out, BER_CONTEXT, 2, t->action);
	if (t->attempted.country != NULL)
		r = p1_put_domain(out, &t->attempted, e);
	else if (t->attempted_mta != NULL)
		p1_put_text(out, BER_UNIVERSAL, BER_IA5_STRING,
		    t->attempted_mta, MTA_NAME_MAX);
	if (t->deferred != 0)
		p1_put_time(out, BER_CONTEXT, 1, t->deferred);
	if (t->converted_eits != NULL)
		buf_append(out, t->converted_eits, t->converted_eits_n);
	if (other != 0)
		p1_put_bits(out, BER_CONTEXT, 3, other, 0);
	p1_wrap_set(out, from, BER_UNIVERSAL, BER_SET);
	return r;
}

/* The elements of one kind, one after the other. */
static int
put_elements(struct buf *out, const struct mhs_trace *v, size_t n,
    bool internal, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < n && r >= 0; i++) {
		size_t from = out->len;

		if (v[i].received != NULL || v[i].internal != internal)
			continue;
		r = p1_put_domain(out, &v[i].domain, e);
		if (internal)
			p1_put_text(out, BER_UNIVERSAL, BER_IA5_STRING,
			    v[i].mta != NULL ? v[i].mta : "", MTA_NAME_MAX);
		if (r >= 0)
			r = put_supplied(out, &v[i], e);
		ber_wrap(out, from, BER_UNIVERSAL, BER_SEQUENCE);
	}
	return r;
}

int
p1_put_trace(
    struct buf *out, const struct mhs_trace *v, size_t n, struct err *e)
{
	size_t from = out->len;
	int r = put_elements(out, v, n, false, e);

	ber_wrap(out, from, BER_APPLICATION, 9);
	return r;
}

int
p1_with_internal_trace(struct arena *a, const struct mhs_exts *x,
    const struct mhs_trace *v, size_t n, struct mhs_exts *out, struct err *e)
{
	struct buf list = {0};
	struct mhs_ext *own;
	int r = put_elements(&list, v, n, true, e);

	*out = (struct mhs_exts){0};
	for (size_t i = 0; i < x->n; i++)
		*(struct mhs_ext *)arena_push(
		    a, &out->v, &out->n, sizeof(*out->v)) = x->v[i];
	if (r >= 0 && list.len > 0) {
		ber_wrap(&list, 0, BER_UNIVERSAL, BER_SEQUENCE);
		own = arena_push(a, &out->v, &out->n, sizeof(*out->v));
		own->type = P1_EXT_INTERNAL_TRACE;
		own->value = arena_memdup(a, list.data, list.len);
		own->n = list.len;
	}
	buf_free(&list);
	return r;
}
