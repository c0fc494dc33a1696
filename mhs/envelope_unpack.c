#include <string.h>

#include "mhs/fields.h"
#include "mhs/packed.h"

#define LAYER "envelope"

struct reader {
	struct arena *a;
	const uint8_t *base; /* offsets in errors count from here */
	bool own;            /* packed by this process: no limits */
	struct err *e;
};

/* Octets not read yet of one body. */
struct span {
	const uint8_t *p, *end;
};

static int
fail(struct reader *r, int code, const uint8_t *at, const char *what)
{
	return err_at(r->e, LAYER, code, (uint64_t)(at - r->base),
	    "packed envelope: %s", what);
}

static int
get_varint(struct reader *r, struct span *s, uint64_t *out)
{
	const uint8_t *from = s->p;
	uint64_t v = 0;

	for (unsigned shift = 0; s->p < s->end; shift += 7) {
		uint8_t c = *s->p++;

		if (shift == 63 && c > 1)
			return fail(r, ERR_SYNTAX, from, "number too large");
		v |= (uint64_t)(c & 0x7f) << shift;
		if ((c & 0x80) == 0) {
			*out = v;
			return 0;
		}
	}
	return fail(r, ERR_SYNTAX, from, "number cut short");
}

/* The number that is the whole of s. */
static int
get_number(struct reader *r, struct span s, uint64_t *out)
{
	int n = get_varint(r, &s, out);

	if (n == 0 && s.p != s.end)
		return fail(r, ERR_SYNTAX, s.p, "octets after a number");
	return n;
}

static int64_t
unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

static int
signed_number(
    struct reader *r, struct span s, int64_t min, int64_t max, int64_t *out)
{
	uint64_t v;
	int n = get_number(r, s, &v);

	if (n < 0)
		return n;
	*out = unzigzag(v);
	if (*out < min || *out > max)
		return fail(r, ERR_SYNTAX, s.p, "number out of its range");
	return 0;
}

static int
unsigned_number(struct reader *r, struct span s, uint64_t max, uint64_t *out)
{
	int n = get_number(r, s, out);

	if (n == 0 && *out > max)
		return fail(r, ERR_SYNTAX, s.p, "number out of its range");
	return n;
}

static int
unpack_number(
    struct reader *r, const struct mhs_field *f, struct span s, uint8_t *at)
{
	uint64_t u = 0;
	int64_t v = 0;
	int n;

	switch (f->kind) {
	case MHS_FIELD_BOOL:
		n = unsigned_number(r, s, 1, &u);
		*(bool *)at = n == 0 && u == 1;
		return n;
	case MHS_FIELD_U8:
	case MHS_FIELD_CHAR:
		n = unsigned_number(r, s, UINT8_MAX, &u);
		*at = (uint8_t)u;
		return n;
	case MHS_FIELD_U64:
	case MHS_FIELD_ID:
		n = unsigned_number(r, s, UINT64_MAX, &u);
		*(uint64_t *)at = u;
		return n;
	case MHS_FIELD_ENUM:
		n = signed_number(r, s, f->min, f->max, &v);
		*(int *)at = n == 0 ? (int)v : f->min;
		return n;
	case MHS_FIELD_I32:
		n = signed_number(r, s, INT32_MIN, INT32_MAX, &v);
		*(int32_t *)at = (int32_t)v;
		return n;
	case MHS_FIELD_I64:
		n = signed_number(r, s, INT64_MIN, INT64_MAX, &v);
		*(int64_t *)at = v;
		return n;
	}
	return fail(r, ERR_SYNTAX, s.p, "not a number");
}

static int
unpack_text(struct reader *r, struct span s, uint8_t *at)
{
	size_t n = (size_t)(s.end - s.p);
	const uint8_t *nul = n > 0 ? memchr(s.p, 0, n) : NULL;

	if (nul != NULL)
		return fail(r, ERR_SYNTAX, nul, "NUL in a text");
	*(const char **)at = arena_strndup(r->a, (const char *)s.p, n);
	return 0;
}

static int unpack_record(struct reader *r, const struct mhs_record *rec,
    struct span s, uint8_t *base);

static int
check_room(struct reader *r, const struct mhs_field *f, struct span s,
    const uint8_t *base)
{
	if (!r->own && *(const size_t *)(base + f->count) >= f->most)
		return err_at(r->e, LAYER, ERR_LIMIT, (uint64_t)(s.p - r->base),
		    "packed envelope: more than %u of %s", f->most, f->name);
	return 0;
}

static int
unpack_element(
    struct reader *r, const struct mhs_field *f, struct span s, uint8_t *base)
{
	int n = check_room(r, f, s, base);
	uint8_t *x;

	if (n < 0)
		return n;
	x = arena_push(
	    r->a, base + f->offset, (size_t *)(base + f->count), f->sub->size);
	return unpack_record(r, f->sub, s, x);
}

static int
unpack_octets_list(
    struct reader *r, const struct mhs_field *f, struct span s, uint8_t *base)
{
	size_t have = *(size_t *)(base + f->count), same = have;
	size_t n = (size_t)(s.end - s.p);
	int room = check_room(r, f, s, base);
	const uint8_t **x;
	size_t *size;

	if (room < 0)
		return room;
	x = arena_push(r->a, base + f->offset, &have, sizeof(*x));
	size = arena_push(r->a, base + f->sizes, &same, sizeof(*size));
	*x = (const uint8_t *)arena_strndup(r->a, (const char *)s.p, n);
	*size = n;
	*(size_t *)(base + f->count) = have;
	return 0;
}

static int
unpack_field(
    struct reader *r, const struct mhs_field *f, struct span s, uint8_t *base)
{
	uint8_t *at = base + f->offset, *x;
	size_t n = (size_t)(s.end - s.p);

	switch (f->kind) {
	case MHS_FIELD_TEXT: return unpack_text(r, s, at);
	case MHS_FIELD_OCTETS:
		/* with a NUL behind, as O/R attributes have */
		*(const char **)at = arena_strndup(r->a, (const char *)s.p, n);
		*(size_t *)(base + f->count) = n;
		return 0;
	case MHS_FIELD_OCTETS_LIST: return unpack_octets_list(r, f, s, base);
	case MHS_FIELD_STRUCT: return unpack_record(r, f->sub, s, at);
	case MHS_FIELD_POINTER:
		x = arena_alloc(r->a, f->sub->size);
		*(uint8_t **)at = x;
		return unpack_record(r, f->sub, s, x);
	case MHS_FIELD_LIST: return unpack_element(r, f, s, base);
	default: return unpack_number(r, f, s, at);
	}
}

static const struct mhs_field *
field_find(const struct mhs_record *rec, uint64_t tag)
{
	for (size_t i = 0; i < rec->n; i++)
		if (rec->fields[i].tag == tag)
			return &rec->fields[i];
	return NULL;
}

static int
unpack_record(struct reader *r, const struct mhs_record *rec, struct span s,
    uint8_t *base)
{
	const struct mhs_field *f;
	uint64_t tag, length;
	int n;

	while (s.p < s.end) {
		const uint8_t *from = s.p;

		if ((n = get_varint(r, &s, &tag)) < 0 ||
		    (n = get_varint(r, &s, &length)) < 0)
			return n;
		if (length > (uint64_t)(s.end - s.p))
			return fail(
			    r, ERR_SYNTAX, from, "field longer than its room");
		f = field_find(rec, tag);
		if (f != NULL &&
		    (n = unpack_field(
			 r, f, (struct span){s.p, s.p + length}, base)) < 0)
			return n;
		s.p += length;
	}
	return 0;
}

/* What the types of the model promise and octets from disk may break: an
 * attribute has a value, a DDA a type. */
static void
settle_or(struct mhs_or *o)
{
	for (size_t i = 0; o != NULL && i < o->n_attrs; i++) {
		struct mhs_or_attr *at = &o->attrs[i];

		if (at->value == NULL)
			at->value = "";
		if (at->type == MHS_OR_DDA && at->dda_type == NULL)
			at->dda_type = "";
	}
}

static void
settle(struct mhs_envelope *env)
{
	struct mhs_report *report = env->report;

	settle_or(env->originator.ora);
	for (size_t i = 0; i < env->n_recipients; i++)
		settle_or(env->recipients[i].name.ora);
	for (size_t i = 0; report != NULL && i < report->n_recipients; i++) {
		settle_or(report->recipients[i].actual.ora);
		settle_or(report->recipients[i].intended.ora);
	}
}

static int
open_body(struct reader *r, struct span *s)
{
	uint64_t length;
	int n;

	if ((size_t)(s->end - s->p) < MHS_PACKED_MAGIC_SIZE + 1u ||
	    memcmp(s->p, MHS_PACKED_MAGIC, MHS_PACKED_MAGIC_SIZE) != 0)
		return fail(r, ERR_SYNTAX, s->p, "no packed envelope");
	s->p += MHS_PACKED_MAGIC_SIZE;
	if (*s->p != MHS_PACKED_VERSION)
		return fail(r, ERR_UNSUPPORTED, s->p, "unknown version");
	s->p++;
	if ((n = get_varint(r, s, &length)) < 0)
		return n;
	if (length > (uint64_t)(s->end - s->p))
		return fail(r, ERR_SYNTAX, s->end, "cut short");
	s->end = s->p + length;
	return 0;
}

static struct mhs_envelope *
unpack(struct reader *r, const uint8_t *p, size_t n)
{
	struct mhs_envelope *env = ARENA_NEW(r->a, struct mhs_envelope);
	struct span s = {p, n > 0 ? p + n : p};

	if (open_body(r, &s) < 0 ||
	    unpack_record(r, &mhs_envelope_record, s, (uint8_t *)env) < 0)
		return NULL;
	settle(env);
	return env;
}

struct mhs_envelope *
mhs_envelope_unpack(struct arena *a, const uint8_t *p, size_t n, struct err *e)
{
	struct reader r = {.a = a, .base = p, .e = e};

	return unpack(&r, p, n);
}

struct mhs_envelope *
mhs_envelope_unpack_own(
    struct arena *a, const uint8_t *p, size_t n, struct err *e)
{
	struct reader r = {.a = a, .base = p, .own = true, .e = e};

	return unpack(&r, p, n);
}
