#include "mhs/or.h"

#include <string.h>
#include <strings.h>

#include "asn1/ber.h"
#include "mhs/or_charset.h"

#define LAYER "or"

#define P (1u << MHS_OR_PRINTABLE)
#define N (1u << MHS_OR_NUMERIC)
#define T (1u << MHS_OR_TELETEX)
#define U (1u << MHS_OR_UNIVERSAL)
#define R (1u << MHS_OR_RAW)

/* The forms that the ASN.1 of X.411 8.5.5 gives each attribute. */
static const uint8_t forms[MHS_OR_TYPES] = {
    [MHS_OR_COUNTRY] = P | N,
    [MHS_OR_ADMD] = P | N,
    [MHS_OR_PRMD] = P | N,
    [MHS_OR_NETWORK_ADDRESS] = N,
    [MHS_OR_TERMINAL_ID] = P,
    [MHS_OR_ORGANIZATION] = P | T | U,
    [MHS_OR_NUMERIC_ID] = N,
    [MHS_OR_SURNAME] = P | T | U,
    [MHS_OR_GIVEN_NAME] = P | T | U,
    [MHS_OR_INITIALS] = P | T | U,
    [MHS_OR_GENERATION] = P | T | U,
    [MHS_OR_UNIT1] = P | T | U,
    [MHS_OR_UNIT2] = P | T | U,
    [MHS_OR_UNIT3] = P | T | U,
    [MHS_OR_UNIT4] = P | T | U,
    [MHS_OR_COMMON_NAME] = P | T | U,
    [MHS_OR_PDS_NAME] = P,
    [MHS_OR_PD_COUNTRY] = P | N,
    [MHS_OR_POSTAL_CODE] = P | N,
    [MHS_OR_PD_OFFICE_NAME] = P | T | U,
    [MHS_OR_PD_OFFICE_NUMBER] = P | T | U,
    [MHS_OR_PD_EXT_OR_COMPONENTS] = P | T | U,
    [MHS_OR_PD_PERSONAL_NAME] = P | T | U,
    [MHS_OR_PD_ORGANIZATION] = P | T | U,
    [MHS_OR_PD_EXT_DELIVERY] = P | T | U,
    [MHS_OR_PD_ADDRESS] = P | T | U,
    [MHS_OR_STREET] = P | T | U,
    [MHS_OR_PO_BOX] = P | T | U,
    [MHS_OR_POSTE_RESTANTE] = P | T | U,
    [MHS_OR_UNIQUE_POSTAL_NAME] = P | T | U,
    [MHS_OR_PD_LOCAL] = P | T | U,
    [MHS_OR_E163] = N,
    [MHS_OR_PSAP] = R,
    [MHS_OR_TERMINAL_TYPE] = N,
    [MHS_OR_DDA] = P | T | U,
    [MHS_OR_UNKNOWN] = R,
};

#undef P
#undef N
#undef T
#undef U
#undef R

struct mhs_or *
mhs_or_new(struct arena *a)
{
	return ARENA_NEW(a, struct mhs_or);
}

/* --- checks --- */

static bool
visible(unsigned char c)
{
	return c >= 0x20 && c <= 0x7e;
}

static bool
numeric(unsigned char c)
{
	return (c >= '0' && c <= '9') || c == ' ' || c == '*';
}

static bool
not_nul(unsigned char c)
{
	return c != '\0';
}

static int
check_chars(const char *p, size_t n, bool (*good)(unsigned char),
    const char *what, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (!good((unsigned char)p[i]))
			return err_at(e, LAYER, ERR_SYNTAX, i,
			    "octet %02x in a %s value", (unsigned char)p[i],
			    what);
	return 0;
}

static int
check_utf8(const char *p, size_t n, struct err *e)
{
	size_t at = mhs_utf8_check(p, n);

	if (at < n)
		return err_at(e, LAYER, ERR_SYNTAX, at,
		    "octet %02x in a universal value", (unsigned char)p[at]);
	return 0;
}

static int
check_ber(const char *p, size_t n, struct err *e)
{
	int64_t used = ber_check((const uint8_t *)p, n, NULL, e);

	if (used < 0)
		return (int)used;
	if ((size_t)used != n)
		return err_at(e, LAYER, ERR_SYNTAX, (uint64_t)used,
		    "octets after the value");
	return 0;
}

static int
check_repertoire(enum mhs_or_form form, const char *p, size_t n, struct err *e)
{
	switch (form) {
	case MHS_OR_PRINTABLE:
		return check_chars(p, n, visible, "printable", e);
	case MHS_OR_NUMERIC: return check_chars(p, n, numeric, "numeric", e);
	case MHS_OR_TELETEX: return check_chars(p, n, not_nul, "teletex", e);
	case MHS_OR_UNIVERSAL: return check_utf8(p, n, e);
	case MHS_OR_RAW: return check_ber(p, n, e);
	}
	return err_set(e, LAYER, ERR_SYNTAX, "unknown form");
}

static int
check_value(enum mhs_or_type type, enum mhs_or_form form, const char *p,
    size_t n, struct err *e)
{
	if ((unsigned)type >= MHS_OR_TYPES || (unsigned)form > MHS_OR_RAW ||
	    (forms[type] & 1u << form) == 0)
		return err_set(e, LAYER, ERR_SYNTAX,
		    "%s cannot have such a value",
		    (unsigned)type < MHS_OR_TYPES ? mhs_or_key(type) : "?");
	if (n > MHS_OR_VALUE_MAX)
		return err_at(e, LAYER, ERR_LIMIT, MHS_OR_VALUE_MAX,
		    "%s of %zu octets", mhs_or_key(type), n);
	if (n == 0 && type != MHS_OR_DDA)
		return err_at(e, LAYER, ERR_SYNTAX, 0, "%s without a value",
		    mhs_or_key(type));
	return check_repertoire(form, p, n, e);
}

/* NumericString and PrintableString are one and the same in addresses. */
static bool
same_repertoire(enum mhs_or_form x, enum mhs_or_form y)
{
	if (x == MHS_OR_NUMERIC)
		x = MHS_OR_PRINTABLE;
	if (y == MHS_OR_NUMERIC)
		y = MHS_OR_PRINTABLE;
	return x == y;
}

static int
check_new(const struct mhs_or *o, const struct mhs_or_attr *at, struct err *e)
{
	if (o->n_attrs >= MHS_OR_ATTRS_MAX)
		return err_set(e, LAYER, ERR_LIMIT,
		    "more than %d attributes in an O/R address",
		    MHS_OR_ATTRS_MAX);
	if (at->type == MHS_OR_DDA)
		return 0;
	for (size_t i = 0; i < o->n_attrs; i++)
		if (o->attrs[i].type == at->type &&
		    o->attrs[i].ext_type == at->ext_type &&
		    same_repertoire(o->attrs[i].form, at->form))
			return err_set(e, LAYER, ERR_SYNTAX,
			    "%s twice in an O/R address", mhs_or_key(at->type));
	return 0;
}

/* --- building --- */

static int
insert(struct arena *a, struct mhs_or *o, struct mhs_or_attr at, struct err *e)
{
	size_t i;
	int r;

	if ((r = check_new(o, &at, e)) < 0)
		return r;
	at.value = arena_strndup(a, at.value, at.n);
	if (at.dda_type != NULL)
		at.dda_type = arena_strndup(a, at.dda_type, at.dda_type_n);
	arena_push(a, &o->attrs, &o->n_attrs, sizeof(*o->attrs));
	for (i = o->n_attrs - 1; i > 0 && o->attrs[i - 1].type > at.type; i--)
		o->attrs[i] = o->attrs[i - 1];
	o->attrs[i] = at;
	return 0;
}

int
mhs_or_add(struct arena *a, struct mhs_or *o, enum mhs_or_type type,
    enum mhs_or_form form, const char *value, size_t n, struct err *e)
{
	struct mhs_or_attr at = {
	    .type = type, .form = form, .value = value, .n = n};
	int r;

	if (type == MHS_OR_ADMD && n == 0) {
		at.form = MHS_OR_PRINTABLE;
		at.value = " ";
		at.n = 1;
	}
	if (type == MHS_OR_DDA || type == MHS_OR_UNKNOWN)
		return err_set(e, LAYER, ERR_SYNTAX,
		    "%s needs more than a value", mhs_or_key(type));
	if ((r = check_value(type, at.form, at.value, at.n, e)) < 0)
		return r;
	return insert(a, o, at, e);
}

int
mhs_or_add_dda(struct arena *a, struct mhs_or *o, enum mhs_or_form form,
    const char *type, const char *value, struct err *e)
{
	struct mhs_or_attr at = {
	    .type = MHS_OR_DDA,
	    .form = form,
	    .value = value,
	    .n = strlen(value),
	    .dda_type = type,
	    .dda_type_n = strlen(type),
	};
	int r;

	if (at.dda_type_n == 0)
		return err_set(
		    e, LAYER, ERR_SYNTAX, "domain-defined attribute untyped");
	if ((r = check_value(MHS_OR_DDA, form, at.dda_type, at.dda_type_n, e)) <
		0 ||
	    (r = check_value(MHS_OR_DDA, form, at.value, at.n, e)) < 0)
		return r;
	return insert(a, o, at, e);
}

int
mhs_or_add_unknown(struct arena *a, struct mhs_or *o, int32_t ext_type,
    const uint8_t *ber, size_t n, struct err *e)
{
	struct mhs_or_attr at = {
	    .type = MHS_OR_UNKNOWN,
	    .form = MHS_OR_RAW,
	    .value = (const char *)ber,
	    .n = n,
	    .ext_type = ext_type,
	};
	int r;

	if ((r = check_value(at.type, at.form, at.value, n, e)) < 0)
		return r;
	return insert(a, o, at, e);
}

struct mhs_or *
mhs_or_dup(struct arena *a, const struct mhs_or *o)
{
	struct mhs_or *d = mhs_or_new(a);
	struct mhs_or_attr *at;

	for (size_t i = 0; i < o->n_attrs; i++) {
		at = arena_push(a, &d->attrs, &d->n_attrs, sizeof(*d->attrs));
		*at = o->attrs[i];
		at->value = arena_strndup(a, at->value, at->n);
		if (at->dda_type != NULL)
			at->dda_type =
			    arena_strndup(a, at->dda_type, at->dda_type_n);
	}
	if (o->directory_name != NULL) {
		d->directory_name =
		    arena_memdup(a, o->directory_name, o->directory_name_n);
		d->directory_name_n = o->directory_name_n;
	}
	return d;
}

/* --- reading --- */

static unsigned
form_rank(enum mhs_or_form form)
{
	static const uint8_t rank[] = {
	    [MHS_OR_PRINTABLE] = 0,
	    [MHS_OR_NUMERIC] = 1,
	    [MHS_OR_UNIVERSAL] = 2,
	    [MHS_OR_TELETEX] = 3,
	    [MHS_OR_RAW] = 4,
	};

	return rank[form];
}

const struct mhs_or_attr *
mhs_or_get(const struct mhs_or *o, enum mhs_or_type type)
{
	const struct mhs_or_attr *best = NULL;

	for (size_t i = 0; i < o->n_attrs; i++)
		if (o->attrs[i].type == type &&
		    (best == NULL ||
			form_rank(o->attrs[i].form) < form_rank(best->form)))
			best = &o->attrs[i];
	return best;
}

static const char *
hex(struct arena *a, const char *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char *s = arena_alloc(a, 2 * n + 1);

	for (size_t i = 0; i < n; i++) {
		s[2 * i] = digits[(unsigned char)p[i] >> 4];
		s[2 * i + 1] = digits[p[i] & 0xf];
	}
	return s;
}

const char *
mhs_or_attr_utf8(struct arena *a, const struct mhs_or_attr *at)
{
	if (at->form == MHS_OR_TELETEX)
		return mhs_t61_to_utf8(a, at->value, at->n);
	if (at->form == MHS_OR_RAW)
		return hex(a, at->value, at->n);
	return at->value;
}

static const char *
dda_type_utf8(struct arena *a, const struct mhs_or_attr *at)
{
	if (at->form == MHS_OR_TELETEX)
		return mhs_t61_to_utf8(a, at->dda_type, at->dda_type_n);
	return at->dda_type;
}

const char *
mhs_or_dda(struct arena *a, const struct mhs_or *o, const char *type)
{
	const struct mhs_or_attr *best = NULL;

	for (size_t i = 0; i < o->n_attrs; i++) {
		const struct mhs_or_attr *at = &o->attrs[i];

		if (at->type == MHS_OR_DDA &&
		    strcasecmp(dda_type_utf8(a, at), type) == 0 &&
		    (best == NULL ||
			form_rank(at->form) < form_rank(best->form)))
			best = at;
	}
	return best != NULL ? mhs_or_attr_utf8(a, best) : NULL;
}
