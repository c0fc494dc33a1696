#include "osi/pdv.h"

#include <string.h>

#define PENDING_PIECE 256 /* larger pieces are passed on without a copy */
#define PENDING_MAX 4096

static const uint8_t ber_syntax[] = {0x51, 0x01}; /* 2.1.1 */

static const char *const field_names[] = {
    [PDV_NONE] = "nothing",
    [PDV_SYNTAX] = "transfer syntax",
    [PDV_CONTEXT] = "context identifier",
    [PDV_DESCRIPTOR] = "value descriptor",
    [PDV_VALUE] = "value",
};

static int
bad(struct err *e, const char *what)
{
	return err_set(e, "presentation", ERR_SYNTAX, "%s", what);
}

void
pdv_init(struct pdv *v, bool external, const struct pdv_ops *ops, void *arg)
{
	*v = (struct pdv){.ops = ops, .arg = arg, .external = external};
}

void
pdv_free(struct pdv *v)
{
	buf_free(&v->pending);
}

void
pdv_reset(struct pdv *v)
{
	v->field = PDV_NONE;
	v->context = 0;
	v->lead = v->lone = false;
	v->small_n = 0;
	buf_clear(&v->pending);
}

int
pdv_flush(struct pdv *v, struct err *e)
{
	int rc;

	if (v->pending.len == 0)
		return 0;
	rc = v->ops->data(v->arg, v->pending.data, v->pending.len, e);
	buf_clear(&v->pending);
	return rc;
}

static int
emit(struct pdv *v, const uint8_t *p, size_t n, struct err *e)
{
	int rc;

	if (n < PENDING_PIECE && v->pending.len + n <= PENDING_MAX) {
		buf_append(&v->pending, p, n);
		return 0;
	}
	rc = pdv_flush(v, e);
	return rc < 0 ? rc : v->ops->data(v->arg, p, n, e);
}

static int
begin_value(struct pdv *v, const struct ber_open *o, struct err *e)
{
	v->form = (enum pdv_form)o->tag.number;
	if (v->form == PDV_SINGLE && !o->tag.constructed)
		return bad(e, "single-ASN1-type without a type");
	if (!v->external && v->context == 0)
		return bad(e, "PDV-list without a context identifier");
	v->lead = v->form == PDV_BITS && !o->tag.constructed;
	return v->ops->begin(v->arg, v->context, e);
}

static enum pdv_field
field_of(const struct pdv *v, const struct ber_tag *t)
{
	if (t->cls == BER_CONTEXT)
		return t->number <= PDV_BITS ? PDV_VALUE : PDV_NONE;
	if (t->cls != BER_UNIVERSAL || t->constructed)
		return PDV_NONE;
	switch (t->number) {
	case BER_OID: return PDV_SYNTAX;
	case BER_INTEGER: return PDV_CONTEXT;
	case BER_OBJECT_DESCRIPTOR:
		return v->external ? PDV_DESCRIPTOR : PDV_NONE;
	}
	return PDV_NONE;
}

static int
open_field(struct pdv *v, const struct ber_open *o, struct err *e)
{
	enum pdv_field f = field_of(v, &o->tag);

	if (f <= v->field)
		return err_set(e, "presentation", ERR_SYNTAX,
		    "unexpected field after %s", field_names[v->field]);
	v->field = f;
	v->small_n = 0;
	return f == PDV_VALUE ? begin_value(v, o, e) : 0;
}

/* A segment of a string, or any part of a single value. */
static int
open_inner(
    struct pdv *v, unsigned depth, const struct ber_open *o, struct err *e)
{
	uint32_t string =
	    v->form == PDV_BITS ? BER_BIT_STRING : BER_OCTET_STRING;

	if (v->form == PDV_SINGLE) {
		if (depth == 1 && v->lone)
			return bad(e, "single-ASN1-type with two values");
		v->lone = true;
		return emit(v, o->raw, o->raw_n, e);
	}
	if (!BER_IS(o->tag, BER_UNIVERSAL, string))
		return bad(e, "segment of a value is no string");
	v->lead = v->form == PDV_BITS && !o->tag.constructed;
	return 0;
}

int
pdv_open(struct pdv *v, unsigned depth, const struct ber_open *o, struct err *e)
{
	return depth == 0 ? open_field(v, o, e) : open_inner(v, depth, o, e);
}

/* The first octet of a BIT STRING counts unused bits; our values are octets. */
static int
take_lead(struct pdv *v, const uint8_t **p, size_t *n, struct err *e)
{
	if (!v->lead || *n == 0)
		return 0;
	if (**p != 0)
		return bad(e, "arbitrary value is not a number of octets");
	v->lead = false;
	(*p)++;
	(*n)--;
	return 0;
}

int
pdv_data(
    struct pdv *v, unsigned depth, const uint8_t *p, size_t n, struct err *e)
{
	int rc;

	(void)depth;
	if (v->field == PDV_VALUE) {
		rc = take_lead(v, &p, &n, e);
		return rc < 0 || n == 0 ? rc : emit(v, p, n, e);
	}
	if (v->field == PDV_DESCRIPTOR)
		return 0;
	if (v->small_n + n > sizeof(v->small)) {
		/* an unknown direct reference is passed over */
		if (v->external && v->field == PDV_SYNTAX)
			return 0;
		return err_set(e, "presentation", ERR_UNSUPPORTED,
		    "%s too long", field_names[v->field]);
	}
	memcpy(v->small + v->small_n, p, n);
	v->small_n += n;
	return 0;
}

static int
close_context(struct pdv *v, struct err *e)
{
	uint32_t id = 0;

	if (v->small_n == 0 || v->small_n > 4 || (v->small[0] & 0x80) != 0)
		return bad(e, "context identifier out of range");
	for (size_t i = 0; i < v->small_n; i++)
		id = id << 8 | v->small[i];
	if (id == 0)
		return bad(e, "context identifier is zero");
	v->context = (int32_t)id;
	return 0;
}

static int
close_value(struct pdv *v, struct err *e)
{
	int rc;

	if (v->form == PDV_SINGLE && !v->lone)
		return bad(e, "single-ASN1-type without a value");
	if (v->lead)
		return bad(e, "BIT STRING without its first octet");
	rc = pdv_flush(v, e);
	return rc < 0 ? rc : v->ops->end(v->arg, e);
}

static int
close_field(struct pdv *v, struct err *e)
{
	if (v->field == PDV_VALUE)
		return close_value(v, e);
	if (v->field == PDV_CONTEXT)
		return close_context(v, e);
	if (v->field == PDV_SYNTAX && !v->external &&
	    (v->small_n != sizeof(ber_syntax) ||
		memcmp(v->small, ber_syntax, v->small_n) != 0))
		return err_set(e, "presentation", ERR_UNSUPPORTED,
		    "transfer syntax is not BER");
	return 0;
}

int
pdv_close(struct pdv *v, unsigned depth, bool indefinite, struct err *e)
{
	static const uint8_t eoc[2] = {0, 0};

	if (depth == 0)
		return close_field(v, e);
	if (v->form == PDV_SINGLE)
		return indefinite ? emit(v, eoc, sizeof(eoc), e) : 0;
	return v->lead ? bad(e, "BIT STRING without its first octet") : 0;
}

int
pdv_finish(struct pdv *v, struct err *e)
{
	if (v->field != PDV_VALUE)
		return bad(e, "carrier without a value");
	return 0;
}
