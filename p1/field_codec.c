#include "p1/field_codec.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "p1/apdu.h"
#include "p1/asn_codec.h"

#include <Mts-DomainName.h>
#include <Mts-GlobalDomainIdentifier.h>
#include <Mts-MTSIdentifier.h>

#include "p1/or_codec.h"

#define LENIENT_MAX 64            /* of these two, unless we are strict */
#define BUILTIN_CONTENT_MAX 32767 /* ub-built-in-content-type */
#define MODEL_CONTENT_MAX 512     /* the same number in the model, up to this */

int
p1_bad(struct p1_in *in, const struct ber_tlv *t, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_at(in->e, "p1", ERR_SYNTAX, (uint64_t)(t->start - in->base),
	    "%s", text);
}

struct mhs_ext *
p1_ext_add(struct p1_in *in, struct mhs_exts *x)
{
	if (x->n >= P1_EXTS_MAX) {
		err_set(in->e, "p1", ERR_LIMIT, "more than %d extensions",
		    P1_EXTS_MAX);
		return NULL;
	}
	return arena_push(in->a, &x->v, &x->n, sizeof(*x->v));
}

static int
keep_field(struct p1_in *in, const struct ber_tlv *t, struct mhs_exts *x)
{
	struct mhs_ext *f;

	if (x == NULL)
		return 0;
	f = p1_ext_add(in, x);
	if (f == NULL)
		return ERR_LIMIT;
	f->type = P1_EXT_FIELD;
	p1_get_raw(in, t, &f->value, &f->n);
	return 0;
}

static int
one_field(struct p1_in *in, const struct ber_tlv *t, const struct p1_field *row,
    uint32_t *seen, uint32_t bit, void *into)
{
	int r;

	if (*seen & bit)
		return p1_bad(in, t, "%s is there twice", row->name);
	*seen |= bit;
	r = row->get(in, t, into);
	if (r < 0)
		err_prefix(in->e, "%s", row->name);
	return r;
}

int
p1_fields(struct p1_in *in, const struct ber_tlv *set,
    const struct p1_field *rows, size_t n, void *into, struct mhs_exts *unknown)
{
	struct ber_cursor c = ber_children(set);
	struct ber_tlv t;
	uint32_t seen = 0;
	size_t i;
	int r;

	while ((r = ber_next(&c, &t, in->e)) == 1) {
		for (i = 0; i < n; i++)
			if (BER_IS(t.tag, rows[i].cls, rows[i].number))
				break;
		r = i == n ? keep_field(in, &t, unknown)
			   : one_field(in, &t, &rows[i], &seen, 1u << i, into);
		if (r < 0)
			return r;
	}
	for (i = 0; i < n && r >= 0; i++)
		if (rows[i].required && !(seen & 1u << i))
			return p1_bad(in, set, "%s is missing", rows[i].name);
	return r;
}

/* --- leaves --- */

int
p1_get_int(struct p1_in *in, const struct ber_tlv *t, int64_t min, int64_t max,
    int64_t *out)
{
	if (ber_integer(t, out, in->e) < 0)
		return p1_bad(in, t, "not an integer");
	if (*out < min || *out > max)
		return p1_bad(in, t, "%lld is out of range", (long long)*out);
	return 0;
}

/* Two digits at p as a number, or -1. */
static int
two(const uint8_t *p)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return -1;
	return (p[0] - '0') * 10 + p[1] - '0';
}

/* "Z", "+hhmm" or "-hhmm": seconds east of UTC, or INT32_MIN. */
static int32_t
zone(const uint8_t *p, size_t n)
{
	int h, m;

	if (n == 1 && p[0] == 'Z')
		return 0;
	if (n != 5 || (p[0] != '+' && p[0] != '-'))
		return INT32_MIN;
	h = two(p + 1);
	m = two(p + 3);
	if (h < 0 || h > 23 || m < 0 || m > 59)
		return INT32_MIN;
	return (p[0] == '-' ? -1 : 1) * (h * 3600 + m * 60);
}

static bool
parse_utc_time(const uint8_t *p, size_t n, int64_t *out)
{
	int v[6] = {0}; /* year month day hour minute second */
	size_t i, at = 0;
	int32_t east;
	struct tm tm;

	for (i = 0; i < 6; i++, at += 2) {
		if (i == 5 && at < n && (p[at] < '0' || p[at] > '9'))
			break; /* seconds are optional */
		if (at + 2 > n || (v[i] = two(p + at)) < 0)
			return false;
	}
	east = zone(p + at, n - at);
	if (east == INT32_MIN || v[1] < 1 || v[1] > 12 || v[2] < 1 ||
	    v[2] > 31 || v[3] > 23 || v[4] > 59 || v[5] > 60)
		return false;
	tm = (struct tm){.tm_year = v[0] < 50 ? v[0] + 100 : v[0],
	    .tm_mon = v[1] - 1,
	    .tm_mday = v[2],
	    .tm_hour = v[3],
	    .tm_min = v[4],
	    .tm_sec = v[5]};
	*out = (int64_t)timegm(&tm) - east;
	return true;
}

int
p1_get_time(struct p1_in *in, const struct ber_tlv *t, int64_t *out)
{
	struct octets s;

	if (ber_string(in->a, t, &s, in->e) < 0 ||
	    !parse_utc_time(s.p, s.n, out))
		return p1_bad(in, t, "not a UTC time");
	return 0;
}

int
p1_get_bits(struct p1_in *in, const struct ber_tlv *t, uint8_t *out)
{
	struct octets s;

	if (ber_string(in->a, t, &s, in->e) < 0 || s.n == 0 || s.p[0] > 7 ||
	    (s.n == 1 && s.p[0] > 0))
		return p1_bad(in, t, "not a bit string");
	*out = s.n > 1 ? s.p[1] : 0;
	if (s.n == 2) /* unused bits are not bits */
		*out &= (uint8_t)(0xff << s.p[0]);
	return 0;
}

int
p1_get_text(struct p1_in *in, const struct ber_tlv *t, size_t max, bool lenient,
    const char **out)
{
	struct octets s;
	char *text;

	if (ber_string(in->a, t, &s, in->e) < 0)
		return p1_bad(in, t, "not a string");
	if (s.n > max)
		return p1_bad(in, t, "%zu characters, more than %zu", s.n, max);
	text = arena_strndup(in->a, (const char *)s.p, s.n);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] >= ' ' && s.p[i] < 0x7f)
			continue;
		if (!lenient)
			return p1_bad(in, t, "character 0x%02x", s.p[i]);
		text[i] = s.p[i] < ' ' ? ' ' : '?';
	}
	*out = text;
	return 0;
}

int
p1_get_or(struct p1_in *in, const struct ber_tlv *t, struct mhs_name *out)
{
	int r = p1_or_decode(in->a, t->start, t->size, &out->ora, in->e);

	if (r < 0 && in->e != NULL && in->e->offset != ERR_NO_OFFSET)
		in->e->offset += (uint64_t)(t->start - in->base);
	return r;
}

void
p1_get_raw(
    struct p1_in *in, const struct ber_tlv *t, const uint8_t **p, size_t *n)
{
	*p = arena_memdup(in->a, t->start, t->size);
	*n = t->size;
}

static int
domain_text(struct p1_in *in, const struct ber_tlv *t,
    const Mts_DomainName_t *d, const char **out)
{
	const OCTET_STRING_t *s = &d->choice.printable;

	int max = in->strict ? P1_DOMAIN_NAME_MAX : LENIENT_MAX;

	if (s->size > max)
		return p1_bad(in, t,
		    "domain name of %d characters, more than %d", (int)s->size,
		    max);
	if (s->size > 0 && memchr(s->buf, 0, (size_t)s->size) != NULL)
		return p1_bad(in, t, "bad domain name");
	*out = arena_strndup(in->a, (const char *)s->buf, (size_t)s->size);
	return 0;
}

static int
get_gdi(struct p1_in *in, const struct ber_tlv *t,
    const Mts_GlobalDomainIdentifier_t *g, struct mhs_domain *out)
{
	int r = domain_text(in, t, &g->country_name, &out->country);

	if (r >= 0)
		r = domain_text(
		    in, t, &g->administration_domain_name, &out->admd);
	if (r >= 0 && g->private_domain_identifier != NULL)
		r = domain_text(
		    in, t, g->private_domain_identifier, &out->prmd);
	return r;
}

int
p1_get_domain(struct p1_in *in, const struct ber_tlv *t, struct mhs_domain *out)
{
	Mts_GlobalDomainIdentifier_t *g = p1_asn_decode(in->a,
	    &asn_DEF_Mts_GlobalDomainIdentifier, t->start, t->size, in->e);

	if (g == NULL)
		return p1_bad(in, t, "bad global domain identifier");
	return get_gdi(in, t, g, out);
}

int
p1_get_mts_id(struct p1_in *in, const struct ber_tlv *t, struct mhs_mts_id *out)
{
	struct ber_tlv local;
	Mts_MTSIdentifier_t *m = p1_asn_decode(
	    in->a, &asn_DEF_Mts_MTSIdentifier, t->start, t->size, in->e);

	if (m == NULL ||
	    ber_find(t, BER_UNIVERSAL, BER_IA5_STRING, &local, in->e) != 1)
		return p1_bad(in, t, "bad MTS identifier");
	if (p1_get_text(in, &local, in->strict ? P1_LOCAL_ID_MAX : LENIENT_MAX,
		false, &out->local) < 0)
		return err_prefix(in->e, "local-identifier"), ERR_SYNTAX;
	if (out->local[0] == '\0')
		return p1_bad(in, &local, "local-identifier: empty");
	return get_gdi(in, t, &m->global_domain_identifier, &out->domain);
}

int
p1_get_content_type(struct p1_in *in, const struct ber_tlv *t,
    enum mhs_content *type, const char **oid)
{
	int64_t n;
	int r;

	if (BER_IS(t->tag, BER_UNIVERSAL, BER_OID)) {
		*oid = ber_oid_text(in->a, t->value, t->length, in->e);
		if (*oid == NULL)
			return p1_bad(in, t, "bad object identifier");
		*type = strcmp(*oid, MHS_OID_P772) == 0 ? MHS_CONTENT_P772
							: MHS_CONTENT_EXTERNAL;
		return 0;
	}
	r = p1_get_int(in, t, 0, BUILTIN_CONTENT_MAX, &n);
	*type = (enum mhs_content)(
	    n > MODEL_CONTENT_MAX ? n + MHS_CONTENT_BUILTIN : n);
	return r;
}

/* --- writing --- */

void
p1_put_time(struct buf *out, enum ber_class cls, uint32_t number, int64_t t)
{
	time_t clock = (time_t)t;
	struct tm tm;
	char text[32];

	gmtime_r(&clock, &tm);
	strftime(text, sizeof(text), "%y%m%d%H%M%SZ", &tm);
	ber_put(out, cls, number, text, strlen(text));
}

void
p1_put_bits(struct buf *out, enum ber_class cls, uint32_t number, uint8_t bits,
    unsigned min_bits)
{
	unsigned n = 8;
	uint8_t v[2];

	while (n > min_bits && !(bits & 1u << (8 - n)))
		n--;
	v[0] = (uint8_t)(n == 0 ? 0 : 8 - n);
	v[1] = bits;
	ber_put(out, cls, number, v, n == 0 ? 1 : 2);
}

void
p1_put_text(struct buf *out, enum ber_class cls, uint32_t number,
    const char *text, size_t max)
{
	size_t n = strlen(text);

	if (n > max)
		n = max;
	ber_put_header(out, cls, false, number, n);
	for (size_t i = 0; i < n; i++)
		buf_putc(out,
		    text[i] >= ' ' && text[i] < 0x7f ? (uint8_t)text[i] : '?');
}

static bool
all_digits(const char *s)
{
	return s[0] != '\0' && s[strspn(s, "0123456789")] == '\0';
}

/* X.121 country codes are numeric, and the names below them may be. */
static Mts_DomainName_t
domain_name(const char *s, bool numeric)
{
	Mts_DomainName_t d = {.present = numeric && all_digits(s)
		? Mts_DomainName_PR_numeric
		: Mts_DomainName_PR_printable};

	d.choice.printable = p1_asn_octets(s, strlen(s));
	return d;
}

/* `prmd` gives the room for an optional part. */
static Mts_GlobalDomainIdentifier_t
gdi(const struct mhs_domain *d, Mts_DomainName_t *prmd)
{
	Mts_GlobalDomainIdentifier_t g = {0};
	const char *country = d->country != NULL ? d->country : "";
	bool numeric = all_digits(country);

	g.country_name = domain_name(country, true);
	g.administration_domain_name =
	    domain_name(d->admd != NULL ? d->admd : " ", numeric);
	if (d->prmd != NULL) {
		*prmd = domain_name(d->prmd, numeric);
		g.private_domain_identifier = prmd;
	}
	return g;
}

int
p1_put_domain(struct buf *out, const struct mhs_domain *d, struct err *e)
{
	Mts_DomainName_t prmd;
	Mts_GlobalDomainIdentifier_t g = gdi(d, &prmd);

	return p1_asn_encode(&asn_DEF_Mts_GlobalDomainIdentifier, &g, out, e);
}

int
p1_put_mts_id(struct buf *out, const struct mhs_mts_id *id, struct err *e)
{
	Mts_DomainName_t prmd;
	Mts_MTSIdentifier_t m = {
	    .global_domain_identifier = gdi(&id->domain, &prmd)};
	const char *local = id->local != NULL ? id->local : "";

	m.local_identifier = p1_asn_octets(local, strlen(local));
	return p1_asn_encode(&asn_DEF_Mts_MTSIdentifier, &m, out, e);
}

int
p1_put_content_type(
    struct buf *out, enum mhs_content type, const char *oid, struct err *e)
{
	struct buf v = {0};
	int r;

	if (type == MHS_CONTENT_P772 && oid == NULL)
		oid = MHS_OID_P772;
	if (oid != NULL) {
		r = ber_oid_put(&v, oid, e);
		if (r >= 0)
			ber_put(out, BER_UNIVERSAL, BER_OID, v.data, v.len);
		buf_free(&v);
		return r;
	}
	if (type > MHS_CONTENT_BUILTIN + MODEL_CONTENT_MAX &&
	    type <= MHS_CONTENT_BUILTIN + BUILTIN_CONTENT_MAX) {
		ber_put_integer(
		    out, BER_APPLICATION, 6, type - MHS_CONTENT_BUILTIN);
		return 0;
	}
	if (type < 0 || type > MODEL_CONTENT_MAX)
		return err_set(e, "p1", ERR_UNSUPPORTED,
		    "content type %s has no X.400 number",
		    mhs_content_name(type));
	ber_put_integer(out, BER_APPLICATION, 6, type);
	return 0;
}
