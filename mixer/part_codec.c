#include "mixer/ipm.h"

#include <stdlib.h>

#include "mixer/mixer.h"

#define LAYER "p22"

/* --- decoding: what is malformed inside a body part stays raw --- */

static int
decode_ia5(struct arena *a, const struct ber_tlv *t, struct ipm_part *p)
{
	struct ber_tlv data;

	if (ber_find(t, BER_UNIVERSAL, BER_IA5_STRING, &data, NULL) != 1)
		return ERR_SYNTAX;
	return ber_string(a, &data, &p->data, NULL);
}

static int
decode_bilateral(struct arena *a, const struct ber_tlv *t, struct ipm_part *p)
{
	return ber_string(a, t, &p->data, NULL);
}

struct external {
	const char *oid;
	struct octets value;
	bool octet_aligned;
};

static int
decode_external(struct arena *a, const struct ber_tlv *t, struct external *x)
{
	struct ber_tlv oid, enc, in;
	struct ber_cursor c;

	if (ber_find(t, BER_UNIVERSAL, BER_OID, &oid, NULL) == 1)
		x->oid = ber_oid_text(a, oid.value, oid.length, NULL);
	if (ber_find(t, BER_CONTEXT, 1, &enc, NULL) == 1) {
		x->octet_aligned = true;
		return ber_string(a, &enc, &x->value, NULL);
	}
	if (ber_find(t, BER_CONTEXT, 0, &enc, NULL) != 1)
		return ERR_SYNTAX;
	c = ber_children(&enc);
	if (ber_next(&c, &in, NULL) != 1)
		return ERR_SYNTAX;
	x->value = (struct octets){in.start, in.size};
	return 0;
}

static int
decode_external_part(
    struct arena *a, const struct ber_tlv *t, struct ipm_part *p)
{
	struct external params = {0}, data = {0};
	struct ber_tlv x;
	int r;

	if (ber_find(t, BER_UNIVERSAL, BER_EXTERNAL, &x, NULL) != 1 ||
	    (r = decode_external(a, &x, &data)) < 0 || data.oid == NULL)
		return ERR_SYNTAX;
	if (ber_find(t, BER_CONTEXT, 0, &x, NULL) == 1 &&
	    (r = decode_external(a, &x, &params)) < 0)
		return r;
	p->oid = data.oid;
	p->value = data.value;
	p->octet_aligned = data.octet_aligned;
	p->params_oid = params.oid;
	p->params = params.value;
	return 0;
}

static int
decode_message(struct arena *a, const struct ber_tlv *t, struct ipm_part *p,
    unsigned depth, unsigned *budget, struct err *e)
{
	struct ber_tlv x;

	if (ber_find(t, BER_UNIVERSAL, BER_SET, &x, NULL) == 1)
		p->message_params = (struct octets){x.start, x.size};
	if (ber_find(t, BER_UNIVERSAL, BER_SEQUENCE, &x, NULL) != 1)
		return ERR_SYNTAX;
	return ipm_body_decode(a, &x, depth + 1, budget, &p->message, e);
}

int
ipm_part_decode(struct arena *a, struct ipm_part *p, unsigned depth,
    unsigned *budget, struct err *e)
{
	struct ber_cursor c = ber_cursor(p->raw.p, p->raw.n);
	struct ber_tlv t;
	int r = 0;

	if (*budget == 0)
		return err_set(e, LAYER, ERR_LIMIT, "more than %d body parts",
		    MIXER_PARTS_MAX);
	--*budget;
	if (ber_next(&c, &t, e) != 1)
		return ERR_SYNTAX;
	p->type = t.tag.cls == BER_CONTEXT ? (int32_t)t.tag.number : -1;
	switch (p->type) {
	case IPM_IA5_TEXT: r = decode_ia5(a, &t, p); break;
	case IPM_BILATERALLY_DEFINED: r = decode_bilateral(a, &t, p); break;
	case IPM_EXTERNALLY_DEFINED: r = decode_external_part(a, &t, p); break;
	case IPM_MESSAGE: r = decode_message(a, &t, p, depth, budget, e); break;
	default: break;
	}
	if (r < 0 && r != ERR_LIMIT) {
		p->message = NULL;
		p->oid = NULL;
		err_clear(e);
		r = 0;
	}
	return r;
}

/* --- encoding --- */

static void
put_raw(struct buf *out, struct octets o)
{
	buf_append(out, o.p, o.n);
}

static void
encode_ia5(const struct ipm_part *p, struct buf *out)
{
	size_t from = out->len;

	/* repertoire ia5 (5) is the default and said all the same: RFC 2157
	 * 6.1 */
	ber_put_integer(out, BER_CONTEXT, 0, 5);
	ber_wrap(out, from, BER_UNIVERSAL, BER_SET);
	ber_put(out, BER_UNIVERSAL, BER_IA5_STRING, p->data.p, p->data.n);
	ber_wrap(out, from, BER_CONTEXT, IPM_IA5_TEXT);
}

static int
encode_external(const char *oid, struct octets value, bool aligned,
    enum ber_class cls, uint32_t number, struct buf *out, struct err *e)
{
	size_t from = out->len;
	struct buf b = {0};
	int r = ber_oid_put(&b, oid, e);

	ber_put(out, BER_UNIVERSAL, BER_OID, b.data, b.len);
	buf_free(&b);
	if (aligned) {
		ber_put(out, BER_CONTEXT, 1, value.p, value.n);
	} else {
		size_t inner = out->len;

		put_raw(out, value);
		ber_wrap(out, inner, BER_CONTEXT, 0);
	}
	ber_wrap(out, from, cls, number);
	return r;
}

static int
encode_external_part(const struct ipm_part *p, struct buf *out, struct err *e)
{
	size_t from = out->len;
	int r = 0;

	if (p->params_oid != NULL)
		r = encode_external(
		    p->params_oid, p->params, false, BER_CONTEXT, 0, out, e);
	if (r == 0)
		r = encode_external(p->oid, p->value, p->octet_aligned,
		    BER_UNIVERSAL, BER_EXTERNAL, out, e);
	ber_wrap(out, from, BER_CONTEXT, IPM_EXTERNALLY_DEFINED);
	return r;
}

static int
encode_message(struct arena *a, const struct ipm_part *p, unsigned depth,
    struct buf *out, struct err *e)
{
	size_t from = out->len;
	int r;

	if (p->message_params.p != NULL)
		put_raw(out, p->message_params);
	else
		ber_put_header(out, BER_UNIVERSAL, true, BER_SET, 0);
	r = ipm_body_encode(
	    a, p->message, depth + 1, BER_UNIVERSAL, BER_SEQUENCE, out, e);
	ber_wrap(out, from, BER_CONTEXT, IPM_MESSAGE);
	return r;
}

int
ipm_part_encode(struct arena *a, const struct ipm_part *p, unsigned depth,
    struct buf *out, struct err *e)
{
	if (p->raw.p != NULL) {
		put_raw(out, p->raw);
		return 0;
	}
	if (depth > MIXER_DEPTH_MAX)
		return err_set(e, LAYER, ERR_LIMIT,
		    "more than %d nested messages", MIXER_DEPTH_MAX);
	switch (p->type) {
	case IPM_IA5_TEXT: encode_ia5(p, out); return 0;
	case IPM_BILATERALLY_DEFINED:
		ber_put(out, BER_CONTEXT, IPM_BILATERALLY_DEFINED, p->data.p,
		    p->data.n);
		return 0;
	case IPM_EXTERNALLY_DEFINED: return encode_external_part(p, out, e);
	case IPM_MESSAGE: return encode_message(a, p, depth, out, e);
	default:
		return err_set(e, LAYER, ERR_UNSUPPORTED,
		    "body part [%d] has no octets", (int)p->type);
	}
}

/* --- general text (X.420 7.3.12, ISO 10021-8) --- */

static int
by_number(const void *x, const void *y)
{
	return *(const int32_t *)x - *(const int32_t *)y;
}

bool
ipm_general_text_get(
    struct arena *a, const struct ipm_part *p, struct ipm_general_text *out)
{
	struct ber_cursor c = ber_cursor(p->value.p, p->value.n), sc;
	struct ber_tlv t, set;

	*out = (struct ipm_general_text){0};
	if (p->octet_aligned)
		out->text = p->value;
	else if (ber_next(&c, &t, NULL) != 1 ||
	    ber_string(a, &t, &out->text, NULL) < 0)
		return false;
	c = ber_cursor(p->params.p, p->params.n);
	if (p->params.p == NULL || ber_next(&c, &set, NULL) != 1)
		return true;
	sc = ber_children(&set);
	while (ber_next(&sc, &t, NULL) == 1) {
		int64_t v;

		if (out->n_sets == IPM_CHARSETS_MAX ||
		    ber_integer(&t, &v, NULL) < 0 || v < 0 || v > 32767)
			return false;
		out->sets[out->n_sets++] = (int32_t)v;
	}
	qsort(out->sets, out->n_sets, sizeof(out->sets[0]), by_number);
	return true;
}

static struct octets
take(struct arena *a, struct buf *b)
{
	struct octets o = {arena_memdup(a, b->data, b->len), b->len};

	buf_free(b);
	return o;
}

void
ipm_general_text_put(
    struct arena *a, const struct ipm_general_text *t, struct ipm_part *p)
{
	struct buf b = {0};

	p->type = IPM_EXTERNALLY_DEFINED;
	p->oid = IPM_OID_GENERAL_TEXT;
	p->params_oid = IPM_OID_GENERAL_TEXT_PARAMS;
	for (size_t i = 0; i < t->n_sets; i++)
		ber_put_integer(&b, BER_UNIVERSAL, BER_INTEGER, t->sets[i]);
	ber_wrap(&b, 0, BER_UNIVERSAL, BER_SET);
	p->params = take(a, &b);
	ber_put(&b, BER_UNIVERSAL, BER_GENERAL_STRING, t->text.p, t->text.n);
	p->value = take(a, &b);
}

/* --- RFC822FieldList --- */

struct octets
ipm_fields_encode(struct arena *a, const char **fields, size_t n)
{
	struct buf b = {0};

	for (size_t i = 0; i < n; i++)
		ber_put(&b, BER_UNIVERSAL, BER_IA5_STRING, fields[i],
		    __builtin_strlen(fields[i]));
	ber_wrap(&b, 0, BER_UNIVERSAL, BER_SEQUENCE);
	return take(a, &b);
}

const char **
ipm_fields_decode(struct arena *a, struct octets element, size_t *n)
{
	struct ber_cursor c = ber_cursor(element.p, element.n);
	const char **v = NULL;
	struct ber_tlv list, t;
	struct octets s;

	*n = 0;
	if (element.p == NULL || ber_next(&c, &list, NULL) != 1)
		return NULL;
	c = ber_children(&list);
	while (*n < MIXER_FIELDS_MAX && ber_next(&c, &t, NULL) == 1) {
		if (ber_string(a, &t, &s, NULL) < 0)
			continue;
		*(const char **)arena_push(a, &v, n, sizeof(*v)) =
		    arena_strndup(a, (const char *)s.p, s.n);
	}
	return v;
}
