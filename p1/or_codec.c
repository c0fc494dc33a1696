#include "p1/or_codec.h"

#include <string.h>

#include <Mts-BuiltInDomainDefinedAttribute.h>
#include <Mts-BuiltInDomainDefinedAttributes.h>
#include <Mts-DomainName.h>
#include <Mts-ExtensionAttribute.h>
#include <Mts-ExtensionAttributes.h>
#include <Mts-ORName.h>
#include <Mts-OrganizationalUnitNames.h>
#include <Mts-PersonalName.h>

#include "lib/log.h"
#include "p1/asn_codec.h"
#include "p1/or_ext_codec.h"

/* Built-in standard attributes that are one string. */
static const struct builtin {
	enum mhs_or_type type;
	enum mhs_or_form form;
	size_t offset; /* of the OCTET_STRING_t pointer */
} builtins[] = {
#define ROW(t, f, m)                                               \
	{                                                          \
		t, f, offsetof(Mts_BuiltInStandardAttributes_t, m) \
	}
    ROW(MHS_OR_NETWORK_ADDRESS, MHS_OR_NUMERIC, network_address),
    ROW(MHS_OR_TERMINAL_ID, MHS_OR_PRINTABLE, terminal_identifier),
    ROW(MHS_OR_ORGANIZATION, MHS_OR_PRINTABLE, organization_name),
    ROW(MHS_OR_NUMERIC_ID, MHS_OR_NUMERIC, numeric_user_identifier),
#undef ROW
};

/* The ones that are a choice of numeric and printable. */
static const struct builtin domains[] = {
#define ROW(t, m)                                                  \
	{                                                          \
		t, 0, offsetof(Mts_BuiltInStandardAttributes_t, m) \
	}
    ROW(MHS_OR_COUNTRY, country_name),
    ROW(MHS_OR_ADMD, administration_domain_name),
    ROW(MHS_OR_PRMD, private_domain_name),
#undef ROW
};

static const struct builtin names[] = {
#define ROW(t, m)                                                    \
	{                                                            \
		t, MHS_OR_PRINTABLE, offsetof(Mts_PersonalName_t, m) \
	}
    ROW(MHS_OR_SURNAME, surname),
    ROW(MHS_OR_GIVEN_NAME, given_name),
    ROW(MHS_OR_INITIALS, initials),
    ROW(MHS_OR_GENERATION, generation_qualifier),
#undef ROW
};

#define N(t) (sizeof(t) / sizeof((t)[0]))
#define MEMBER(s, row) ((void *)((char *)(s) + (row)->offset))

/* --- decoding --- */

static int
get_string(struct arena *a, struct mhs_or *name, enum mhs_or_type type,
    enum mhs_or_form form, const OCTET_STRING_t *s, struct err *e)
{
	/* empty says nothing, and some peers send it; but not for an ADMD,
	 * where it means a single space */
	if (s->size == 0 && type != MHS_OR_ADMD)
		return 0;
	return mhs_or_add(
	    a, name, type, form, (const char *)s->buf, (size_t)s->size, e);
}

static int
get_strings(struct arena *a, struct mhs_or *name, const struct builtin *rows,
    size_t n, const void *s, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < n && r >= 0; i++) {
		OCTET_STRING_t *v = *(OCTET_STRING_t **)MEMBER(s, &rows[i]);

		if (v != NULL)
			r = get_string(
			    a, name, rows[i].type, rows[i].form, v, e);
	}
	return r;
}

static int
get_domains(struct arena *a, struct mhs_or *name,
    const Mts_BuiltInStandardAttributes_t *b, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < N(domains) && r >= 0; i++) {
		Mts_DomainName_t *d =
		    *(Mts_DomainName_t **)MEMBER(b, &domains[i]);

		if (d == NULL)
			continue;
		if (d->present == Mts_DomainName_PR_numeric)
			r = get_string(a, name, domains[i].type, MHS_OR_NUMERIC,
			    &d->choice.numeric, e);
		else
			r = get_string(a, name, domains[i].type,
			    MHS_OR_PRINTABLE, &d->choice.printable, e);
	}
	return r;
}

static int
get_units(struct arena *a, struct mhs_or *name,
    const Mts_OrganizationalUnitNames_t *u, struct err *e)
{
	int r = 0;

	if (u == NULL)
		return 0;
	if (u->list.count > P1_OR_UNITS)
		return err_set(e, "p1", ERR_LIMIT,
		    "%d organizational units in an O/R address", u->list.count);
	for (int i = 0; i < u->list.count && r >= 0; i++)
		r = get_string(a, name, (enum mhs_or_type)(MHS_OR_UNIT1 + i),
		    MHS_OR_PRINTABLE, u->list.array[i], e);
	return r;
}

/* A DDA goes into the model as text: an embedded NUL would cut it. */
static int
get_ddas(struct arena *a, struct mhs_or *name,
    const Mts_BuiltInDomainDefinedAttributes_t *d, struct err *e)
{
	int r = 0;

	if (d == NULL)
		return 0;
	for (int i = 0; i < d->list.count && r >= 0; i++) {
		const OCTET_STRING_t *t = &d->list.array[i]->type;
		const OCTET_STRING_t *v = &d->list.array[i]->value;

		r = p1_or_add_dda(a, name, MHS_OR_PRINTABLE,
		    (struct octets){t->buf, (size_t)t->size},
		    (struct octets){v->buf, (size_t)v->size}, e);
	}
	return r;
}

/* asn1c takes an explicit tag that is primitive, too: what is in it has not
 * been checked then. */
static int
get_any(struct arena *a, const ANY_t *any, struct octets *out, struct err *e)
{
	return p1_normalise(
	    a, any->buf, (size_t)any->size, P1_OR_SIZE_MAX, out, e);
}

static int
get_extensions(struct arena *a, struct mhs_or *name,
    const Mts_ExtensionAttributes_t *x, struct err *e)
{
	int r = 0;

	if (x == NULL)
		return 0;
	if (x->list.count > MHS_OR_ATTRS_MAX)
		return err_set(e, "p1", ERR_LIMIT,
		    "%d extension attributes in an O/R address", x->list.count);
	for (int i = 0; i < x->list.count && r >= 0; i++) {
		const Mts_ExtensionAttribute_t *v = x->list.array[i];
		long type = v->extension_attribute_type;
		struct octets value;

		if (type < 0 || type > INT32_MAX)
			return err_set(e, "p1", ERR_SYNTAX,
			    "extension attribute type %ld", type);
		r = get_any(a, &v->extension_attribute_value, &value, e);
		if (r >= 0)
			r = p1_or_ext_decode(
			    a, name, (int32_t)type, value.p, value.n, e);
	}
	return r;
}

static int
get_directory_name(
    struct arena *a, struct mhs_or *name, const ANY_t *d, struct err *e)
{
	struct octets v;
	int r = get_any(a, d, &v, e);

	if (r < 0)
		return r;
	name->directory_name = v.p;
	name->directory_name_n = v.n;
	return 0;
}

static int
get_name(
    struct arena *a, struct mhs_or *name, const Mts_ORName_t *n, struct err *e)
{
	const Mts_BuiltInStandardAttributes_t *b =
	    &n->built_in_standard_attributes;
	int r = get_domains(a, name, b, e);

	if (r >= 0)
		r = get_strings(a, name, builtins, N(builtins), b, e);
	if (r >= 0 && b->personal_name != NULL)
		r = get_strings(a, name, names, N(names), b->personal_name, e);
	if (r >= 0)
		r = get_units(a, name, b->organizational_unit_names, e);
	if (r >= 0)
		r = get_ddas(a, name, n->built_in_domain_defined_attributes, e);
	if (r >= 0)
		r = get_extensions(a, name, n->extension_attributes, e);
	if (r >= 0 && n->directory_name != NULL)
		r = get_directory_name(a, name, n->directory_name, e);
	return r;
}

/* asn1c knows the type by its own tag: give it that, whatever came. */
static void *
decode_retagged(struct arena *scratch, const struct ber_tlv *t, struct err *e)
{
	struct buf b = {0};
	void *s;

	ber_put_header(
	    &b, P1_OR_NAME_CLASS, true, P1_OR_NAME_NUMBER, t->length);
	buf_append(&b, t->value, t->length);
	s = p1_asn_decode(scratch, &asn_DEF_Mts_ORName, b.data, b.len, e);
	buf_free(&b);
	return s;
}

static int
decode_flat(struct arena *a, struct arena *scratch, const uint8_t *p, size_t n,
    struct mhs_or **out, struct err *e)
{
	struct octets flat;
	struct ber_cursor c;
	struct ber_tlv t;
	Mts_ORName_t *name;
	int r = p1_normalise(scratch, p, n, P1_OR_SIZE_MAX, &flat, e);

	if (r < 0)
		return r;
	c = ber_cursor(flat.p, flat.n);
	r = ber_next(&c, &t, e);
	if (r < 0)
		return r;
	if (r == 0 || !t.tag.constructed)
		return err_set(e, "p1", ERR_SYNTAX, "no O/R name");
	name = decode_retagged(scratch, &t, e);
	if (name == NULL)
		return ERR_SYNTAX;
	*out = mhs_or_new(a);
	return get_name(a, *out, name, e);
}

int
p1_or_decode(struct arena *a, const uint8_t *ber, size_t n, struct mhs_or **out,
    struct err *e)
{
	struct arena *scratch = arena_new();
	int r = decode_flat(a, scratch, ber, n, out, e);

	arena_free(&scratch);
	return r < 0 ? r : 0;
}

/* --- encoding --- */

static OCTET_STRING_t *
new_string(struct arena *a, const struct mhs_or_attr *at)
{
	OCTET_STRING_t *s = ARENA_NEW(a, OCTET_STRING_t);

	*s = p1_asn_octets(at->value, at->n);
	return s;
}

static void
put_strings(struct arena *a, struct p1_or_out *o, const struct builtin *rows,
    size_t n, void *s)
{
	for (size_t i = 0; i < n; i++) {
		const struct mhs_or_attr *at =
		    p1_or_take(o, rows[i].type, rows[i].form);

		if (at != NULL)
			*(OCTET_STRING_t **)MEMBER(s, &rows[i]) =
			    new_string(a, at);
	}
}

static void
put_domains(
    struct arena *a, struct p1_or_out *o, Mts_BuiltInStandardAttributes_t *b)
{
	for (size_t i = 0; i < N(domains); i++) {
		const struct mhs_or_attr *num =
		    p1_or_take(o, domains[i].type, MHS_OR_NUMERIC);
		const struct mhs_or_attr *at = num;
		Mts_DomainName_t *d;

		if (at == NULL)
			at = p1_or_take(o, domains[i].type, MHS_OR_PRINTABLE);
		if (at == NULL)
			continue;
		d = ARENA_NEW(a, Mts_DomainName_t);
		d->present = num != NULL ? Mts_DomainName_PR_numeric
					 : Mts_DomainName_PR_printable;
		d->choice.printable = p1_asn_octets(at->value, at->n);
		*(Mts_DomainName_t **)MEMBER(b, &domains[i]) = d;
	}
}

static void
put_personal_name(
    struct arena *a, struct p1_or_out *o, Mts_BuiltInStandardAttributes_t *b)
{
	Mts_PersonalName_t *p = ARENA_NEW(a, Mts_PersonalName_t);

	put_strings(a, o, names, N(names), p);
	if (p->surname != NULL || p->given_name != NULL ||
	    p->initials != NULL || p->generation_qualifier != NULL)
		b->personal_name = p;
}

static void
put_units(
    struct arena *a, struct p1_or_out *o, Mts_BuiltInStandardAttributes_t *b)
{
	Mts_OrganizationalUnitNames_t *u = NULL;

	for (int i = 0; i < P1_OR_UNITS; i++) {
		const struct mhs_or_attr *at = p1_or_take(
		    o, (enum mhs_or_type)(MHS_OR_UNIT1 + i), MHS_OR_PRINTABLE);

		if (at == NULL)
			continue;
		if (u == NULL)
			u = ARENA_NEW(a, Mts_OrganizationalUnitNames_t);
		P1_ASN_ADD(a, &u->list, new_string(a, at));
	}
	b->organizational_unit_names = u;
}

static void
put_ddas(struct arena *a, struct p1_or_out *o, Mts_ORName_t *n)
{
	Mts_BuiltInDomainDefinedAttributes_t *l = NULL;
	const struct mhs_or_attr *at;

	while ((at = p1_or_take(o, MHS_OR_DDA, MHS_OR_PRINTABLE)) != NULL) {
		Mts_BuiltInDomainDefinedAttribute_t *d =
		    ARENA_NEW(a, Mts_BuiltInDomainDefinedAttribute_t);

		if (l == NULL)
			l = ARENA_NEW(a, Mts_BuiltInDomainDefinedAttributes_t);
		d->type = p1_asn_octets(at->dda_type, at->dda_type_n);
		d->value = p1_asn_octets(at->value, at->n);
		P1_ASN_ADD(a, &l->list, d);
	}
	n->built_in_domain_defined_attributes = l;
}

static void
put_extensions(struct arena *a, struct p1_or_out *o, Mts_ORName_t *n)
{
	Mts_ExtensionAttributes_t *l = NULL;
	struct p1_or_ext x;

	while (p1_or_ext_encode(a, o, &x)) {
		Mts_ExtensionAttribute_t *v =
		    ARENA_NEW(a, Mts_ExtensionAttribute_t);

		if (l == NULL)
			l = ARENA_NEW(a, Mts_ExtensionAttributes_t);
		v->extension_attribute_type = x.type;
		v->extension_attribute_value.buf = (uint8_t *)x.value;
		v->extension_attribute_value.size = (int)x.n;
		P1_ASN_ADD(a, &l->list, v);
	}
	n->extension_attributes = l;
}

static int
left_over(const struct p1_or_out *o, struct err *e)
{
	for (size_t i = 0; i < o->name->n_attrs; i++)
		if (!o->taken[i])
			return err_set(e, "p1", ERR_UNSUPPORTED,
			    "attribute %s cannot be encoded in this form",
			    mhs_or_key(o->name->attrs[i].type));
	return 0;
}

/* From the type's own tag to the one asked for. */
static void
retag(
    const struct buf *der, enum ber_class cls, uint32_t number, struct buf *out)
{
	struct ber_cursor c = ber_cursor(der->data, der->len);
	struct ber_tlv t;

	INVARIANT(ber_next(&c, &t, NULL) == 1);
	ber_put_header(out, cls, true, number, t.length);
	buf_append(out, t.value, t.length);
}

static int
encode_in(struct arena *a, const struct mhs_or *name, enum ber_class cls,
    uint32_t number, struct buf *out, struct err *e)
{
	struct p1_or_out o = {.name = name};
	Mts_ORName_t n = {0};
	ANY_t directory_name;
	struct buf der = {0};
	int r;

	put_domains(a, &o, &n.built_in_standard_attributes);
	put_strings(
	    a, &o, builtins, N(builtins), &n.built_in_standard_attributes);
	put_personal_name(a, &o, &n.built_in_standard_attributes);
	put_units(a, &o, &n.built_in_standard_attributes);
	put_ddas(a, &o, &n);
	put_extensions(a, &o, &n);
	if (name->directory_name != NULL && cls != BER_UNIVERSAL) {
		directory_name = (ANY_t){.buf = (uint8_t *)name->directory_name,
		    .size = (int)name->directory_name_n};
		n.directory_name = &directory_name;
	}
	r = left_over(&o, e);
	if (r >= 0)
		r = p1_asn_encode(&asn_DEF_Mts_ORName, &n, &der, e);
	if (r >= 0)
		retag(&der, cls, number, out);
	buf_free(&der);
	return r;
}

int
p1_or_encode(const struct mhs_or *name, enum ber_class cls, uint32_t number,
    struct buf *out, struct err *e)
{
	struct arena *a;
	int r;

	if (name->n_attrs > MHS_OR_ATTRS_MAX)
		return err_set(e, "p1", ERR_LIMIT,
		    "%zu attributes in an O/R address", name->n_attrs);
	a = arena_new();
	r = encode_in(a, name, cls, number, out, e);
	arena_free(&a);
	return r < 0 ? r : 0;
}
