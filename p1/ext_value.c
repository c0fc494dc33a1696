/* Values of extensions that the switch acts on: read and written. */
#include "p1/asn_codec.h"
#include "p1/ext_table.h"
#include "p1/or_codec.h"

#include <string.h>

#define HISTORY_MAX 513  /* ub-orig-and-dl-expansions */
#define MTA_NAME_MAX 128 /* ub-mta-name-length is 32: be lenient */

/* --- reading --- */

/* The value as an element; false when there is none, or it is no good. */
static bool
value_of(struct arena *a, const struct mhs_exts *x, enum p1_ext type,
    struct p1_in *in, struct ber_tlv *t)
{
	const struct mhs_ext *v = mhs_ext_find(x, (int32_t)type);
	struct ber_cursor c;
	struct octets flat;

	if (v == NULL || p1_ext_check(v, NULL) < 0 ||
	    p1_normalise(a, v->value, v->n, v->n, &flat, NULL) < 0)
		return false;
	*in = (struct p1_in){a, flat.p, NULL};
	c = ber_cursor(flat.p, flat.n);
	return ber_next(&c, t, NULL) == 1;
}

bool
p1_ext_flag(const struct mhs_exts *x, enum p1_ext type)
{
	struct arena *a;
	struct ber_tlv t;
	struct p1_in in;
	int64_t v = 0;
	bool set;

	if (mhs_ext_find(x, (int32_t)type) == NULL)
		return false;
	a = arena_new();
	set = value_of(a, x, type, &in, &t) &&
	    p1_get_int(&in, &t, 0, 1, &v) >= 0 && v == 1;
	arena_free(&a);
	return set;
}

bool
p1_ext_time(const struct mhs_exts *x, enum p1_ext type, int64_t *out)
{
	struct arena *a;
	struct ber_tlv t;
	struct p1_in in;
	bool good;

	if (mhs_ext_find(x, (int32_t)type) == NULL)
		return false;
	a = arena_new();
	good = value_of(a, x, type, &in, &t) && p1_get_time(&in, &t, out) >= 0;
	arena_free(&a);
	return good;
}

bool
p1_ext_or_name(struct arena *a, const struct mhs_exts *x, enum p1_ext type,
    struct mhs_name *out)
{
	struct ber_tlv t;
	struct p1_in in;

	return value_of(a, x, type, &in, &t) && p1_get_or(&in, &t, out) >= 0;
}

size_t
p1_ext_names(struct arena *a, const struct mhs_exts *x, enum p1_ext type,
    struct mhs_name **out)
{
	struct ber_tlv t, el;
	struct ber_cursor c;
	struct p1_in in;
	size_t n = 0;

	*out = NULL;
	if (!value_of(a, x, type, &in, &t))
		return 0;
	c = ber_children(&t);
	while (ber_next(&c, &el, NULL) == 1)
		if (p1_get_or(&in, &el, arena_push(a, out, &n, sizeof(**out))) <
		    0)
			return 0;
	return n;
}

bool
p1_ext_reporting_mta(struct arena *a, const struct mhs_exts *x,
    struct mhs_domain *domain, const char **mta)
{
	struct ber_tlv t, part;
	struct ber_cursor c;
	struct p1_in in;

	if (!value_of(a, x, P1_EXT_REPORTING_MTA_NAME, &in, &t))
		return false;
	*domain = (struct mhs_domain){0};
	c = ber_children(&t);
	return ber_next(&c, &part, NULL) == 1 &&
	    p1_get_domain(&in, &part, domain) >= 0 &&
	    ber_next(&c, &part, NULL) == 1 &&
	    p1_get_text(&in, &part, MTA_NAME_MAX, true, mta) >= 0;
}

/* SEQUENCE { name, time } */
static int
get_expansion(struct p1_in *in, const struct ber_tlv *t, struct p1_history *out)
{
	struct ber_cursor c = ber_children(t);
	struct ber_tlv part;
	int r;

	if (ber_next(&c, &part, in->e) != 1)
		return p1_bad(in, t, "no name");
	r = p1_get_or(in, &part, &out->name);
	if (r >= 0 && ber_next(&c, &part, in->e) != 1)
		return p1_bad(in, t, "no time");
	return r < 0 ? r : p1_get_time(in, &part, &out->time);
}

/* SEQUENCE { SEQUENCE { name, time }, reason } */
static int
get_redirection(
    struct p1_in *in, const struct ber_tlv *t, struct p1_history *out)
{
	struct ber_cursor c = ber_children(t);
	struct ber_tlv part;
	int64_t reason;
	int r;

	if (ber_next(&c, &part, in->e) != 1)
		return p1_bad(in, t, "no intended recipient");
	r = get_expansion(in, &part, out);
	if (r >= 0 && ber_next(&c, &part, in->e) != 1)
		return p1_bad(in, t, "no reason");
	if (r >= 0)
		r = p1_get_int(in, &part, 0, INT32_MAX, &reason);
	if (r >= 0)
		out->reason = (enum p1_redirection_reason)reason;
	return r;
}

int
p1_get_history(struct p1_in *in, const struct ber_tlv *t, bool redirections,
    struct p1_history **out, size_t *n)
{
	struct ber_cursor c = ber_children(t);
	struct p1_history *h;
	struct ber_tlv el;
	int r;

	*out = NULL;
	*n = 0;
	while ((r = ber_next(&c, &el, in->e)) == 1) {
		if (*n >= HISTORY_MAX)
			return err_set(in->e, "p1", ERR_LIMIT,
			    "more than %d elements", HISTORY_MAX);
		h = arena_push(in->a, out, n, sizeof(*h));
		r = redirections ? get_redirection(in, &el, h)
				 : get_expansion(in, &el, h);
		if (r < 0)
			return r;
	}
	return r;
}

size_t
p1_ext_history(struct arena *a, const struct mhs_exts *x, enum p1_ext type,
    struct p1_history **out)
{
	bool redirections = type == P1_EXT_REDIRECTION_HISTORY;
	struct ber_tlv t;
	struct p1_in in;
	size_t n;

	*out = NULL;
	if (!value_of(a, x, type, &in, &t) ||
	    p1_get_history(&in, &t, redirections, out, &n) < 0)
		return 0;
	return n;
}

/* --- writing --- */

void
p1_ext_remove(struct arena *a, struct mhs_exts *x, enum p1_ext type)
{
	struct mhs_exts kept = {0};

	for (size_t i = 0; i < x->n; i++)
		if (x->v[i].oid != NULL || x->v[i].type != (int32_t)type)
			*(struct mhs_ext *)arena_push(
			    a, &kept.v, &kept.n, sizeof(*kept.v)) = x->v[i];
	*x = kept;
}

/* Takes the octets over. */
static int
set_value(struct arena *a, struct mhs_exts *x, enum p1_ext type, struct buf *v,
    struct err *e)
{
	const struct p1_ext_row *row = p1_ext_row((int32_t)type);
	struct mhs_ext new = {.type = (int32_t)type,
	    .criticality = row->criticality,
	    .n = v->len};
	int r = 0;

	p1_ext_remove(a, x, type);
	if (x->n >= P1_EXTS_MAX)
		r = err_set(
		    e, "p1", ERR_LIMIT, "more than %d extensions", P1_EXTS_MAX);
	else {
		new.value = arena_memdup(a, v->data, v->len);
		*(struct mhs_ext *)arena_push(a, &x->v, &x->n, sizeof(new)) =
		    new;
	}
	buf_free(v);
	return r;
}

static int
put_name(struct buf *out, const struct mhs_name *name, struct err *e)
{
	if (name->ora == NULL ||
	    (name->ora->n_attrs == 0 && name->ora->directory_name == NULL))
		return err_set(e, "p1", ERR_SYNTAX, "no O/R name");
	return p1_or_encode(name->ora, P1_OR_NAME, out, e) < 0 ? ERR_SYNTAX : 0;
}

static int
put_element(struct buf *out, const struct p1_history *h, bool redirection,
    struct err *e)
{
	size_t from = out->len;
	int r = put_name(out, &h->name, e);

	if (r < 0)
		return r;
	p1_put_time(out, BER_UNIVERSAL, BER_UTC_TIME, h->time);
	ber_wrap(out, from, BER_UNIVERSAL, BER_SEQUENCE);
	if (!redirection)
		return 0;
	ber_put_integer(out, BER_UNIVERSAL, BER_ENUMERATED, h->reason);
	ber_wrap(out, from, BER_UNIVERSAL, BER_SEQUENCE);
	return 0;
}

int
p1_ext_set_history(struct arena *a, struct mhs_exts *x, enum p1_ext type,
    const struct p1_history *v, size_t n, struct err *e)
{
	size_t most = type == P1_EXT_ORIGINATOR_AND_DL_HISTORY
	    ? HISTORY_MAX
	    : HISTORY_MAX - 1;
	struct buf out = {0};
	int r = 0;

	if (n == 0 || n > most)
		return err_set(e, "p1", n == 0 ? ERR_SYNTAX : ERR_LIMIT,
		    "%s of %zu elements", p1_ext_name((int32_t)type), n);
	for (size_t i = 0; i < n && r >= 0; i++)
		r = put_element(
		    &out, &v[i], type == P1_EXT_REDIRECTION_HISTORY, e);
	if (r < 0) {
		buf_free(&out);
		return r;
	}
	ber_wrap(&out, 0, BER_UNIVERSAL, BER_SEQUENCE);
	return set_value(a, x, type, &out, e);
}

int
p1_ext_set_or_name(struct arena *a, struct mhs_exts *x, enum p1_ext type,
    const struct mhs_name *name, struct err *e)
{
	struct buf out = {0};
	int r = put_name(&out, name, e);

	if (r < 0) {
		buf_free(&out);
		return r;
	}
	return set_value(a, x, type, &out, e);
}

int
p1_ext_set_time(struct arena *a, struct mhs_exts *x, enum p1_ext type,
    int64_t t, struct err *e)
{
	struct buf out = {0};

	p1_put_time(&out, BER_UNIVERSAL, BER_UTC_TIME, t);
	return set_value(a, x, type, &out, e);
}

int
p1_ext_set_flag(
    struct arena *a, struct mhs_exts *x, enum p1_ext type, struct err *e)
{
	struct buf out = {0};

	ber_put_integer(&out, BER_UNIVERSAL, BER_ENUMERATED, 1);
	return set_value(a, x, type, &out, e);
}

int
p1_ext_set_reporting_mta(struct arena *a, struct mhs_exts *x,
    const struct mhs_domain *domain, const char *mta, struct err *e)
{
	struct buf out = {0};
	int r = p1_put_domain(&out, domain, e);

	if (r < 0) {
		buf_free(&out);
		return r;
	}
	p1_put_text(&out, BER_UNIVERSAL, BER_IA5_STRING, mta, MTA_NAME_MAX);
	ber_wrap(&out, 0, BER_UNIVERSAL, BER_SEQUENCE);
	return set_value(a, x, P1_EXT_REPORTING_MTA_NAME, &out, e);
}
