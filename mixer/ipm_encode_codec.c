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

#include "p1/or_codec.h"

#define LAYER "p22"

/*
 * asn1c's structures are built in an arena of their own and never freed
 * through asn1c: lists point to arrays of the arena.
 */
struct enc {
	struct arena *a;
	struct err *e;
	int r; /* first error */
};

static OCTET_STRING_t
put_octets(const void *p, size_t n)
{
	OCTET_STRING_t s = {0};

	s.buf = (uint8_t *)(uintptr_t)p;
	s.size = (int)n;
	return s;
}

static OCTET_STRING_t *
put_text(struct enc *x, const char *s)
{
	OCTET_STRING_t *o;

	if (s == NULL)
		return NULL;
	o = ARENA_NEW(x->a, OCTET_STRING_t);
	*o = put_octets(s, strlen(s));
	return o;
}

static OCTET_STRING_t *
put_string(struct enc *x, struct octets s)
{
	OCTET_STRING_t *o;

	if (s.p == NULL)
		return NULL;
	o = ARENA_NEW(x->a, OCTET_STRING_t);
	*o = put_octets(s.p, s.n);
	return o;
}

static long *
put_long(struct enc *x, int v)
{
	long *l;

	if (v < 0)
		return NULL;
	l = ARENA_NEW(x->a, long);
	*l = v;
	return l;
}

static BOOLEAN_t *
put_bool(struct enc *x, int v)
{
	BOOLEAN_t *b;

	if (v < 0)
		return NULL;
	b = ARENA_NEW(x->a, BOOLEAN_t);
	*b = v > 0 ? 0xff : 0;
	return b;
}

/* Appends to an asn1c list without realloc. */
static void *
list_add(struct enc *x, void *list, size_t size)
{
	A_SEQUENCE_OF(void) *l = list;
	size_t n = (size_t)l->count;
	void **slot = arena_push(x->a, &l->array, &n, sizeof(*l->array));

	*slot = arena_alloc(x->a, size);
	l->count = l->size = (int)n;
	return *slot;
}

/* The children of an element, as a list of ANY. */
static void
put_children(struct enc *x, struct octets element, void *list)
{
	struct ber_cursor c = ber_cursor(element.p, element.n);
	struct ber_tlv t, child;

	if (ber_next(&c, &t, x->e) != 1) {
		x->r = ERR_SYNTAX;
		return;
	}
	c = ber_children(&t);
	while (ber_next(&c, &child, x->e) == 1) {
		ANY_t *any = list_add(x, list, sizeof(*any));

		any->buf = (uint8_t *)(uintptr_t)child.start;
		any->size = (int)child.size;
	}
}

static Ipms_ORName_t *
put_or(struct enc *x, const struct mhs_or *ora, struct octets raw)
{
	Ipms_ORName_t *n;
	struct buf b = {0};

	if (ora == NULL && raw.p == NULL)
		return NULL;
	if (raw.p == NULL) {
		int r = p1_or_encode(ora, P1_OR_NAME, &b, x->e);

		if (r < 0) {
			x->r = r;
			return NULL;
		}
		raw = (struct octets){arena_memdup(x->a, b.data, b.len), b.len};
		buf_free(&b);
	}
	n = ARENA_NEW(x->a, Ipms_ORName_t);
	put_children(x, raw, &n->list);
	return n;
}

static void
put_id(struct enc *x, const struct ipm_id *from, Ipms_Identifier_t *to)
{
	to->user = put_or(x, from->user, from->user_raw);
	to->relative = put_octets(from->relative, strlen(from->relative));
}

static Ipms_Identifiers_t *
put_ids(struct enc *x, const struct ipm_ids *from, bool present)
{
	Ipms_Identifiers_t *to;

	if (from->n == 0 && !present)
		return NULL;
	to = ARENA_NEW(x->a, Ipms_Identifiers_t);
	for (size_t i = 0; i < from->n; i++)
		put_id(x, &from->v[i],
		    list_add(x, &to->list, sizeof(Ipms_Identifier_t)));
	return to;
}

static void
fill_exts(struct enc *x, const struct ipm_exts *from, Ipms_Extensions_t *to)
{
	for (size_t i = 0; i < from->n; i++) {
		Ipms_Extension_t *t = list_add(x, &to->list, sizeof(*t));
		struct buf b = {0};

		if (ber_oid_put(&b, from->v[i].oid, x->e) < 0)
			x->r = ERR_SYNTAX;
		t->type.buf = arena_memdup(x->a, b.data, b.len);
		t->type.size = (int)b.len;
		buf_free(&b);
		if (from->v[i].value.p != NULL) {
			t->value = ARENA_NEW(x->a, ANY_t);
			t->value->buf =
			    (uint8_t *)(uintptr_t)from->v[i].value.p;
			t->value->size = (int)from->v[i].value.n;
		}
	}
}

static Ipms_Extensions_t *
put_exts(struct enc *x, const struct ipm_exts *from, bool present)
{
	Ipms_Extensions_t *to;

	if (from->n == 0 && !present)
		return NULL;
	to = ARENA_NEW(x->a, Ipms_Extensions_t);
	fill_exts(x, from, to);
	return to;
}

static void
put_desc(struct enc *x, const struct ipm_or_desc *from, Ipms_ORDescriptor_t *to)
{
	to->formal_name = put_or(x, from->formal_name, from->formal_raw);
	to->free_form_name = put_string(x, from->free_form_name);
	to->telephone_number = put_text(x, from->telephone);
}

static Ipms_ORDescriptor_t *
put_desc_ptr(struct enc *x, const struct ipm_or_desc *from)
{
	Ipms_ORDescriptor_t *to;

	if (from == NULL)
		return NULL;
	to = ARENA_NEW(x->a, Ipms_ORDescriptor_t);
	put_desc(x, from, to);
	return to;
}

static Ipms_ORDescriptors_t *
put_descs(struct enc *x, const struct ipm_or_descs *from)
{
	Ipms_ORDescriptors_t *to;

	if (from->n == 0 && !from->present)
		return NULL;
	to = ARENA_NEW(x->a, Ipms_ORDescriptors_t);
	for (size_t i = 0; i < from->n; i++)
		put_desc(x, &from->v[i],
		    list_add(x, &to->list, sizeof(Ipms_ORDescriptor_t)));
	return to;
}

static BIT_STRING_t *
put_bits(struct enc *x, int v)
{
	BIT_STRING_t *s;
	int top = 0;

	if (v < 0)
		return NULL;
	s = ARENA_NEW(x->a, BIT_STRING_t);
	s->buf = arena_alloc(x->a, 1);
	s->size = v != 0;
	for (int i = 0; i < 8; i++)
		if (v & (1 << i)) {
			s->buf[0] |= (uint8_t)(0x80 >> i);
			top = i;
		}
	/* DER of a named-bit list: no trailing zero bits */
	s->bits_unused = v != 0 ? 7 - top : 0;
	return s;
}

static Ipms_Recipients_t *
put_recipients(struct enc *x, const struct ipm_or_descs *from)
{
	Ipms_Recipients_t *to;

	if (from->n == 0 && !from->present)
		return NULL;
	to = ARENA_NEW(x->a, Ipms_Recipients_t);
	for (size_t i = 0; i < from->n; i++) {
		const struct ipm_or_desc *d = &from->v[i];
		Ipms_RecipientSpecifier_t *s =
		    list_add(x, &to->list, sizeof(*s));

		put_desc(x, d, &s->recipient);
		s->notification_requests =
		    put_bits(x, d->notification_requests);
		s->reply_requested = put_bool(x, d->reply_requested);
		s->recipient_extensions = put_exts(x, &d->exts, false);
	}
	return to;
}

static void
put_heading(struct enc *x, const struct ipm *m, Ipms_Heading_t *h)
{
	put_id(x, &m->this_ipm, &h->this_IPM);
	h->originator = put_desc_ptr(x, m->originator);
	h->authorizing_users = put_descs(x, &m->authorizing);
	h->primary_recipients = put_recipients(x, &m->primary);
	h->copy_recipients = put_recipients(x, &m->copy);
	h->blind_copy_recipients = put_recipients(x, &m->blind_copy);
	if (m->replied_to != NULL) {
		h->replied_to_IPM = ARENA_NEW(x->a, Ipms_Identifier_t);
		put_id(x, m->replied_to, h->replied_to_IPM);
	}
	h->obsoleted_IPMs = put_ids(x, &m->obsoleted, m->has_obsoleted);
	h->related_IPMs = put_ids(x, &m->related, m->has_related);
	h->subject = put_string(x, m->subject);
	h->expiry_time = put_text(x, m->expiry_time);
	h->reply_time = put_text(x, m->reply_time);
	h->reply_recipients = put_descs(x, &m->reply);
	h->importance = put_long(x, m->importance);
	h->sensitivity = put_long(x, m->sensitivity);
	h->auto_forwarded = put_bool(x, m->auto_forwarded);
	h->extensions = put_exts(x, &m->exts, m->has_exts);
}

static int
write_out(const void *p, size_t n, void *arg)
{
	buf_append(arg, p, n);
	return 0;
}

/* Runs a generated encoder. */
static int
asn_encode(struct enc *x, asn_TYPE_descriptor_t *td, void *s, struct buf *out)
{
	asn_enc_rval_t rv;

	if (x->r < 0)
		return x->r;
	rv = der_encode(td, s, write_out, out);
	if (rv.encoded < 0)
		return err_set(x->e, LAYER, ERR_UNSUPPORTED,
		    "%s does not encode",
		    rv.failed_type != NULL ? rv.failed_type->name : td->name);
	return 0;
}

int
ipm_body_encode(struct arena *a, const struct ipm *ipm, unsigned depth,
    enum ber_class cls, uint32_t number, struct buf *out, struct err *e)
{
	struct enc x = {.a = a, .e = e};
	Ipms_Heading_t *h = ARENA_NEW(a, Ipms_Heading_t);
	size_t start = out->len, body;
	int r;

	put_heading(&x, ipm, h);
	r = asn_encode(&x, &asn_DEF_Ipms_Heading, h, out);
	body = out->len;
	for (size_t i = 0; r == 0 && i < ipm->n_parts; i++)
		r = ipm_part_encode(a, &ipm->parts[i], depth, out, e);
	if (r < 0)
		return r;
	ber_wrap(out, body, BER_UNIVERSAL, BER_SEQUENCE);
	ber_wrap(out, start, cls, number);
	return 0;
}

static int
put_returned(struct enc *x, const struct ipm *m, Ipms_Opaque_t **to)
{
	struct buf b = {0};
	int r = 0;

	if (m == NULL)
		return 0;
	r = ipm_body_encode(x->a, m, 1, BER_UNIVERSAL, BER_SEQUENCE, &b, x->e);
	if (r == 0) {
		*to = ARENA_NEW(x->a, Ipms_Opaque_t);
		put_children(x,
		    (struct octets){arena_memdup(x->a, b.data, b.len), b.len},
		    &(*to)->list);
	}
	buf_free(&b);
	return r;
}

static int
put_kind(struct enc *x, const struct ipn *n, struct Ipms_IPN__kind *k)
{
	Ipms_NonReceipt_t *nr = &k->choice.non_receipt;
	Ipms_Receipt_t *rc = &k->choice.receipt;

	if (n->other) {
		k->present = Ipms_IPN__kind_PR_other;
		fill_exts(x, &n->choice_exts, &k->choice.other);
		return 0;
	}
	if (n->receipt) {
		k->present = Ipms_IPN__kind_PR_receipt;
		if (n->receipt_time != NULL)
			rc->receipt_time = put_octets(
			    n->receipt_time, strlen(n->receipt_time));
		rc->acknowledgment_mode = put_long(x, n->acknowledgment_mode);
		rc->suppl_receipt_info = put_text(x, n->suppl_receipt_info);
		rc->extensions = put_exts(x, &n->choice_exts, false);
		return 0;
	}
	k->present = Ipms_IPN__kind_PR_non_receipt;
	nr->reason = n->non_receipt_reason < 0 ? 0 : n->non_receipt_reason;
	nr->discard_reason = put_long(x, n->discard_reason);
	nr->auto_forward_comment = put_text(x, n->auto_forward_comment);
	nr->extensions = put_exts(x, &n->choice_exts, false);
	return put_returned(x, n->returned_ipm, &nr->returned_ipm);
}

static int
ipn_encode(struct arena *a, const struct ipn *n, struct buf *out, struct err *e)
{
	struct enc x = {.a = a, .e = e};
	Ipms_IPN_t *f = ARENA_NEW(a, Ipms_IPN_t);
	struct buf b = {0};
	struct ber_cursor c;
	struct ber_tlv t;
	int r;

	put_id(&x, &n->subject_ipm, &f->subject_ipm);
	f->ipn_originator = put_desc_ptr(&x, n->originator);
	f->preferred_recipient = put_desc_ptr(&x, n->preferred_recipient);
	f->notification_extensions = put_exts(&x, &n->exts, false);
	if (n->conversion_eits.p != NULL) {
		f->conversion_eits = ARENA_NEW(a, Ipms_Opaque_t);
		put_children(&x, n->conversion_eits, &f->conversion_eits->list);
	}
	r = put_kind(&x, n, &f->kind);
	if (r == 0)
		r = asn_encode(&x, &asn_DEF_Ipms_IPN, f, &b);
	c = ber_cursor(b.data, b.len);
	if (r == 0 && ber_next(&c, &t, e) == 1) {
		size_t from = out->len;

		buf_append(out, t.value, t.length);
		ber_wrap(out, from, BER_CONTEXT, 1);
	}
	buf_free(&b);
	return r;
}

int
ipm_encode(
    struct arena *a, const struct ipm_object *o, struct buf *out, struct err *e)
{
	if (o->ipm != NULL)
		return ipm_body_encode(a, o->ipm, 0, BER_CONTEXT, 0, out, e);
	return ipn_encode(a, o->ipn, out, e);
}
