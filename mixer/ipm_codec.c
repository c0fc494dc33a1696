#include "mixer/ipm.h"

#include <string.h>

#include <Ipms-Extensions.h>
#include <Ipms-Extension.h>
#include <Ipms-Heading.h>
#include <Ipms-IPN.h>
#include <Ipms-Identifiers.h>
#include <Ipms-ORDescriptor.h>
#include <Ipms-ORDescriptors.h>
#include <Ipms-ORName.h>
#include <Ipms-Opaque.h>
#include <Ipms-RecipientSpecifier.h>
#include <Ipms-Recipients.h>

#include "mixer/mixer.h"
#include "p1/or_codec.h"

#define LAYER "p22"

static const struct ber_limits limits = {
    .max_size = MIXER_CONTENT_MAX,
    .max_depth = 100,
};

static const struct ber_limits or_limits = {
    .max_size = P1_OR_SIZE_MAX,
    .max_depth = 32,
};

/* --- from asn1c's structures --- */

static struct octets
get_octets(struct arena *a, const uint8_t *p, int n)
{
	return (struct octets){arena_memdup(a, p, (size_t)n), (size_t)n};
}

static const char *
get_text(struct arena *a, const OCTET_STRING_t *s)
{
	return s == NULL
	    ? NULL
	    : arena_strndup(a, (const char *)s->buf, (size_t)s->size);
}

static int
get_long(const long *v)
{
	return v == NULL || *v < 0 || *v > INT16_MAX ? -1 : (int)*v;
}

/* The ORName as one element again, and decoded. */
static int
get_or(struct arena *a, const Ipms_ORName_t *from, const struct mhs_or **ora,
    struct octets *raw, struct err *e)
{
	struct buf b = {0};
	struct mhs_or *name;
	int r;

	if (from == NULL)
		return 0;
	for (int i = 0; i < from->list.count; i++)
		buf_append(&b, from->list.array[i]->buf,
		    (size_t)from->list.array[i]->size);
	ber_wrap(&b, 0, P1_OR_NAME);
	*raw = (struct octets){arena_memdup(a, b.data, b.len), b.len};
	buf_free(&b);
	if (raw->n > or_limits.max_size)
		return err_set(
		    e, LAYER, ERR_LIMIT, "O/R name of %zu octets", raw->n);
	r = p1_or_decode(a, raw->p, raw->n, &name, e);
	*ora = r < 0 ? NULL : name;
	return r < 0 ? r : 0;
}

static int
get_id(struct arena *a, const Ipms_Identifier_t *from, struct ipm_id *to,
    struct err *e)
{
	to->relative = get_text(a, &from->relative);
	return get_or(a, from->user, &to->user, &to->user_raw, e);
}

static int
get_ids(struct arena *a, const Ipms_Identifiers_t *from, struct ipm_ids *to,
    bool *present, struct err *e)
{
	int r = 0;

	*present = from != NULL;
	for (int i = 0; from != NULL && r == 0 && i < from->list.count; i++)
		r = get_id(a, from->list.array[i],
		    arena_push(a, &to->v, &to->n, sizeof(*to->v)), e);
	return r;
}

static int
get_exts(struct arena *a, const Ipms_Extensions_t *from, struct ipm_exts *to,
    struct err *e)
{
	for (int i = 0; from != NULL && i < from->list.count; i++) {
		const Ipms_Extension_t *x = from->list.array[i];
		struct ipm_ext *t =
		    arena_push(a, &to->v, &to->n, sizeof(*to->v));

		t->oid = ber_oid_text(a, x->type.buf, (size_t)x->type.size, e);
		if (t->oid == NULL)
			return ERR_SYNTAX;
		if (x->value != NULL)
			t->value = get_octets(a, x->value->buf, x->value->size);
	}
	return 0;
}

static int
get_desc(struct arena *a, const Ipms_ORDescriptor_t *from,
    struct ipm_or_desc *to, struct err *e)
{
	to->notification_requests = to->reply_requested = -1;
	if (from->free_form_name != NULL)
		to->free_form_name = get_octets(
		    a, from->free_form_name->buf, from->free_form_name->size);
	to->telephone = get_text(a, from->telephone_number);
	return get_or(
	    a, from->formal_name, &to->formal_name, &to->formal_raw, e);
}

static int
get_desc_ptr(struct arena *a, const Ipms_ORDescriptor_t *from,
    struct ipm_or_desc **to, struct err *e)
{
	if (from == NULL)
		return 0;
	*to = ARENA_NEW(a, struct ipm_or_desc);
	return get_desc(a, from, *to, e);
}

static int
get_descs(struct arena *a, const Ipms_ORDescriptors_t *from,
    struct ipm_or_descs *to, struct err *e)
{
	int r = 0;

	to->present = from != NULL;
	for (int i = 0; from != NULL && r == 0 && i < from->list.count; i++)
		r = get_desc(a, from->list.array[i],
		    arena_push(a, &to->v, &to->n, sizeof(*to->v)), e);
	return r;
}

/* Bit n of a BIT STRING is 1 << n. */
static int
get_bits(const BIT_STRING_t *s)
{
	int v = 0;

	for (int i = 0; i < 8 && s->size > 0; i++)
		if (s->buf[0] & (0x80 >> i))
			v |= 1 << i;
	return v;
}

static int
get_recipients(struct arena *a, const Ipms_Recipients_t *from,
    struct ipm_or_descs *to, struct err *e)
{
	int r = 0;

	to->present = from != NULL;
	for (int i = 0; from != NULL && r == 0 && i < from->list.count; i++) {
		const Ipms_RecipientSpecifier_t *s = from->list.array[i];
		struct ipm_or_desc *d =
		    arena_push(a, &to->v, &to->n, sizeof(*to->v));

		r = get_desc(a, &s->recipient, d, e);
		if (r == 0)
			r = get_exts(a, s->recipient_extensions, &d->exts, e);
		if (s->notification_requests != NULL)
			d->notification_requests =
			    get_bits(s->notification_requests);
		if (s->reply_requested != NULL)
			d->reply_requested = *s->reply_requested != 0;
	}
	return r;
}

static int
get_heading_lists(
    struct arena *a, const Ipms_Heading_t *h, struct ipm *m, struct err *e)
{
	int r;

	if ((r = get_descs(a, h->authorizing_users, &m->authorizing, e)) < 0 ||
	    (r = get_recipients(a, h->primary_recipients, &m->primary, e)) <
		0 ||
	    (r = get_recipients(a, h->copy_recipients, &m->copy, e)) < 0 ||
	    (r = get_recipients(
		 a, h->blind_copy_recipients, &m->blind_copy, e)) < 0 ||
	    (r = get_descs(a, h->reply_recipients, &m->reply, e)) < 0 ||
	    (r = get_ids(a, h->obsoleted_IPMs, &m->obsoleted, &m->has_obsoleted,
		 e)) < 0)
		return r;
	return get_ids(a, h->related_IPMs, &m->related, &m->has_related, e);
}

static int
get_heading(
    struct arena *a, const Ipms_Heading_t *h, struct ipm *m, struct err *e)
{
	int r;

	if (h->subject != NULL)
		m->subject = get_octets(a, h->subject->buf, h->subject->size);
	m->expiry_time = get_text(a, h->expiry_time);
	m->reply_time = get_text(a, h->reply_time);
	m->importance = get_long(h->importance);
	m->sensitivity = get_long(h->sensitivity);
	m->auto_forwarded =
	    h->auto_forwarded == NULL ? -1 : *h->auto_forwarded != 0;
	m->has_exts = h->extensions != NULL;
	if (h->replied_to_IPM != NULL) {
		m->replied_to = ARENA_NEW(a, struct ipm_id);
		if ((r = get_id(a, h->replied_to_IPM, m->replied_to, e)) < 0)
			return r;
	}
	if ((r = get_id(a, &h->this_IPM, &m->this_ipm, e)) < 0 ||
	    (r = get_desc_ptr(a, h->originator, &m->originator, e)) < 0 ||
	    (r = get_heading_lists(a, h, m, e)) < 0)
		return r;
	return get_exts(a, h->extensions, &m->exts, e);
}

struct ipm *
ipm_new(struct arena *a)
{
	struct ipm *m = ARENA_NEW(a, struct ipm);

	m->importance = m->sensitivity = m->auto_forwarded = -1;
	m->this_ipm.relative = "";
	return m;
}

/* Runs a generated decoder over one checked element. */
static void *
asn_decode(asn_TYPE_descriptor_t *td, const struct ber_tlv *t, struct err *e)
{
	void *s = NULL;
	asn_dec_rval_t rv = ber_decode(NULL, td, &s, t->start, t->size);

	if (rv.code == RC_OK && rv.consumed == t->size)
		return s;
	err_at(
	    e, LAYER, ERR_SYNTAX, rv.consumed, "%s does not decode", td->name);
	ASN_STRUCT_FREE(*td, s);
	return NULL;
}

int
ipm_body_decode(struct arena *a, const struct ber_tlv *t, unsigned depth,
    unsigned *budget, struct ipm **out, struct err *e)
{
	struct ber_cursor c = ber_children(t), bc;
	struct ber_tlv heading, body, part;
	struct ipm *m = ipm_new(a);
	Ipms_Heading_t *h;
	int r;

	if (depth > MIXER_DEPTH_MAX)
		return err_set(e, LAYER, ERR_LIMIT,
		    "more than %d nested messages", MIXER_DEPTH_MAX);
	if (ber_next(&c, &heading, e) != 1 || ber_next(&c, &body, e) != 1 ||
	    !BER_IS(heading.tag, BER_UNIVERSAL, BER_SET) ||
	    !BER_IS(body.tag, BER_UNIVERSAL, BER_SEQUENCE))
		return err_set(
		    e, LAYER, ERR_SYNTAX, "an IPM is a heading and a body");
	h = asn_decode(&asn_DEF_Ipms_Heading, &heading, e);
	if (h == NULL)
		return ERR_SYNTAX;
	r = get_heading(a, h, m, e);
	ASN_STRUCT_FREE(asn_DEF_Ipms_Heading, h);
	bc = ber_children(&body);
	while (r == 0 && (r = ber_next(&bc, &part, e)) == 1) {
		struct ipm_part *p =
		    arena_push(a, &m->parts, &m->n_parts, sizeof(*p));

		p->raw = (struct octets){part.start, part.size};
		r = ipm_part_decode(a, p, depth, budget, e);
	}
	*out = m;
	return r;
}

static int
get_non_receipt(struct arena *a, const Ipms_NonReceipt_t *f, struct ipn *n,
    unsigned *budget, struct err *e)
{
	struct buf b = {0};
	struct ber_cursor c;
	struct ber_tlv t;
	int r;

	n->non_receipt_reason = get_long(&f->reason);
	n->discard_reason = get_long(f->discard_reason);
	n->auto_forward_comment = get_text(a, f->auto_forward_comment);
	r = get_exts(a, f->extensions, &n->choice_exts, e);
	if (r < 0 || f->returned_ipm == NULL)
		return r;
	for (int i = 0; i < f->returned_ipm->list.count; i++)
		buf_append(&b, f->returned_ipm->list.array[i]->buf,
		    (size_t)f->returned_ipm->list.array[i]->size);
	ber_wrap(&b, 0, BER_UNIVERSAL, BER_SEQUENCE);
	c = ber_cursor(arena_memdup(a, b.data, b.len), b.len);
	buf_free(&b);
	if ((r = ber_next(&c, &t, e)) != 1)
		return r < 0 ? r : ERR_SYNTAX;
	return ipm_body_decode(a, &t, 1, budget, &n->returned_ipm, e);
}

static int
get_kind(struct arena *a, const struct Ipms_IPN__kind *k, struct ipn *n,
    unsigned *budget, struct err *e)
{
	const Ipms_Receipt_t *f = &k->choice.receipt;

	n->non_receipt_reason = n->discard_reason = n->acknowledgment_mode = -1;
	switch (k->present) {
	case Ipms_IPN__kind_PR_non_receipt:
		return get_non_receipt(a, &k->choice.non_receipt, n, budget, e);
	case Ipms_IPN__kind_PR_receipt:
		n->receipt = true;
		n->receipt_time = get_text(a, &f->receipt_time);
		n->acknowledgment_mode = get_long(f->acknowledgment_mode);
		n->suppl_receipt_info = get_text(a, f->suppl_receipt_info);
		return get_exts(a, f->extensions, &n->choice_exts, e);
	default:
		n->other = true;
		return get_exts(a, &k->choice.other, &n->choice_exts, e);
	}
}

static int
get_ipn(struct arena *a, const Ipms_IPN_t *f, struct ipn *n, unsigned *budget,
    struct err *e)
{
	struct buf b = {0};
	int r;

	if ((r = get_id(a, &f->subject_ipm, &n->subject_ipm, e)) < 0 ||
	    (r = get_desc_ptr(a, f->ipn_originator, &n->originator, e)) < 0 ||
	    (r = get_desc_ptr(
		 a, f->preferred_recipient, &n->preferred_recipient, e)) < 0 ||
	    (r = get_exts(a, f->notification_extensions, &n->exts, e)) < 0)
		return r;
	if (f->conversion_eits != NULL) {
		for (int i = 0; i < f->conversion_eits->list.count; i++)
			buf_append(&b, f->conversion_eits->list.array[i]->buf,
			    (size_t)f->conversion_eits->list.array[i]->size);
		ber_wrap(&b, 0, BER_APPLICATION, 5);
		n->conversion_eits =
		    (struct octets){arena_memdup(a, b.data, b.len), b.len};
		buf_free(&b);
	}
	return get_kind(a, &f->kind, n, budget, e);
}

/* IPN is an implicitly tagged SET: give asn1c the universal tag. */
static int
ipn_decode(struct arena *a, const struct ber_tlv *t, struct ipn **out,
    unsigned *budget, struct err *e)
{
	struct buf b = {0};
	struct ber_tlv set = {0};
	Ipms_IPN_t *f;
	int r;

	buf_append(&b, t->value, t->length);
	ber_wrap(&b, 0, BER_UNIVERSAL, BER_SET);
	set.start = b.data;
	set.size = b.len;
	f = asn_decode(&asn_DEF_Ipms_IPN, &set, e);
	buf_free(&b);
	if (f == NULL)
		return ERR_SYNTAX;
	*out = ARENA_NEW(a, struct ipn);
	r = get_ipn(a, f, *out, budget, e);
	ASN_STRUCT_FREE(asn_DEF_Ipms_IPN, f);
	return r;
}

int
ipm_decode(struct arena *a, const uint8_t *p, size_t n, struct ipm_object *out,
    struct err *e)
{
	struct buf b = {0};
	unsigned budget = MIXER_PARTS_MAX;
	struct ber_cursor c;
	struct ber_tlv t;
	int64_t used = ber_normalise(p, n, &limits, &b, e);
	int r = used < 0 ? (int)used : 0;

	*out = (struct ipm_object){0};
	if (r == 0 && (size_t)used != n)
		r = err_at(e, LAYER, ERR_SYNTAX, (uint64_t)used,
		    "%zu octets after the content", n - (size_t)used);
	/* the model points into the normalised octets */
	c = ber_cursor(arena_memdup(a, b.data, b.len), b.len);
	buf_free(&b);
	if (r < 0 || (r = ber_next(&c, &t, e)) < 0)
		return r;
	if (r == 1 && t.tag.constructed && BER_IS(t.tag, BER_CONTEXT, 0))
		return ipm_body_decode(a, &t, 0, &budget, &out->ipm, e);
	if (r == 1 && t.tag.constructed && BER_IS(t.tag, BER_CONTEXT, 1))
		return ipn_decode(a, &t, &out->ipn, &budget, e);
	return err_at(
	    e, LAYER, ERR_SYNTAX, 0, "neither an IPM [0] nor an IPN [1]");
}

const struct ipm_ext *
ipm_ext_find(const struct ipm_exts *x, const char *oid)
{
	for (size_t i = 0; i < x->n; i++)
		if (strcmp(x->v[i].oid, oid) == 0)
			return &x->v[i];
	return NULL;
}
