#include "p1/token_codec.h"

#include <string.h>

#include "lib/log.h"
#include "p1/asn_codec.h"
#include "p1/bind_codec.h"
#include "p1/field_codec.h"

#define LAYER "p1"
#define ID_TOK_ASYMMETRIC "2.6.3.6.0" /* id-tok-asymmetricToken */
#define BIND_TOKEN_SIGNED_DATA 1

/* --- reading --- */

static struct octets
whole(const struct ber_tlv *t)
{
	return (struct octets){t->start, t->size};
}

/* The next child, which must be there, and with this tag. */
static int
want(struct p1_in *in, const struct ber_tlv *parent, struct ber_cursor *c,
    enum ber_class cls, uint32_t number, const char *what, struct ber_tlv *out)
{
	int r = ber_next(c, out, in->e);

	if (r < 0)
		return r;
	if (r == 0)
		return p1_bad(in, parent, "no %s", what);
	if (!BER_IS(out->tag, cls, number))
		return p1_bad(in, out, "not a %s", what);
	return 0;
}

/* Octets of a BIT STRING whose bits are whole octets. */
static int
get_bit_octets(struct p1_in *in, const struct ber_tlv *t, struct octets *out)
{
	struct octets s;

	if (ber_string(in->a, t, &s, in->e) < 0)
		return ERR_SYNTAX;
	if (s.n < 2 || s.p[0] != 0)
		return p1_bad(in, t, "not a bit string of whole octets");
	*out = (struct octets){s.p + 1, s.n - 1};
	return 0;
}

/* TokenData { type [0], value [1] }: of a bind-token, a random number. */
static int
get_signed_data(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	struct p1_token *token = into;
	struct ber_cursor c = ber_children(t), value;
	struct ber_tlv type, v, bits;
	int64_t n;
	int r = want(in, t, &c, BER_CONTEXT, 0, "type of TokenData", &type);

	if (r >= 0)
		r = p1_get_int(in, &type, 0, INT32_MAX, &n);
	if (r >= 0 && n != BIND_TOKEN_SIGNED_DATA)
		return p1_bad(in, &type, "signed-data is of type %d, not %d",
		    (int)n, BIND_TOKEN_SIGNED_DATA);
	if (r >= 0)
		r = want(in, t, &c, BER_CONTEXT, 1, "value of TokenData", &v);
	if (r < 0)
		return r;
	value = ber_children(&v);
	r = want(in, &v, &value, BER_UNIVERSAL, BER_BIT_STRING, "random number",
	    &bits);
	if (r >= 0)
		r = get_bit_octets(in, &bits, &token->random);
	if (r >= 0 &&
	    (token->random.n < P1_RANDOM_MIN ||
		token->random.n > P1_RANDOM_MAX))
		return p1_bad(in, &bits, "a random number of %zu octets",
		    token->random.n);
	return r;
}

/* name: a recipient-name is not for a bind; mta [3] is. */
static int
get_mta(struct p1_in *in, const struct ber_tlv *t, struct p1_token *token)
{
	struct ber_tlv name;
	int r;

	if (!BER_IS(t->tag, BER_CONTEXT, 3))
		return p1_bad(in, t, "the token is not for an MTA");
	r = ber_find(t, BER_UNIVERSAL, BER_IA5_STRING, &name, in->e);
	if (r == 0)
		return p1_bad(in, t, "no mta-name in the token");
	return r < 0
	    ? r
	    : p1_get_text(in, &name, P1_MTA_NAME_MAX, false, &token->mta);
}

static int
get_tbs(struct p1_in *in, const struct ber_tlv *tbs, struct p1_token *token)
{
	struct ber_cursor c = ber_children(tbs);
	struct ber_tlv t;
	int r = want(in, tbs, &c, BER_UNIVERSAL, BER_SEQUENCE,
	    "signature-algorithm-identifier", &t);

	token->algorithm = whole(&t);
	if (r >= 0 && (r = ber_next(&c, &t, in->e)) == 0)
		return p1_bad(in, tbs, "no name in the token");
	if (r >= 0)
		r = get_mta(in, &t, token);
	if (r >= 0)
		r = want(in, tbs, &c, BER_UNIVERSAL, BER_UTC_TIME, "time", &t);
	if (r >= 0)
		r = p1_get_time(in, &t, &token->time);
	if (r >= 0)
		r = want(in, tbs, &c, BER_CONTEXT, 0, "signed-data", &t);
	return r < 0 ? r : get_signed_data(in, &t, token);
}

/* SIGNED: what is signed, the algorithm once more, the signature. */
static int
get_signed(struct p1_in *in, const struct ber_tlv *t, struct p1_token *token)
{
	struct ber_cursor c = ber_children(t);
	struct ber_tlv tbs, algorithm, bits;
	int r = want(
	    in, t, &c, BER_UNIVERSAL, BER_SEQUENCE, "asymmetric token", &tbs);

	if (r >= 0)
		r = get_tbs(in, &tbs, token);
	if (r >= 0)
		r = want(in, t, &c, BER_UNIVERSAL, BER_SEQUENCE,
		    "algorithm of the signature", &algorithm);
	if (r >= 0)
		r = want(in, t, &c, BER_UNIVERSAL, BER_BIT_STRING, "signature",
		    &bits);
	if (r >= 0)
		r = get_bit_octets(in, &bits, &token->signature);
	if (r < 0)
		return r;
	if (algorithm.size != token->algorithm.n ||
	    memcmp(algorithm.start, token->algorithm.p, algorithm.size) != 0)
		return p1_bad(
		    in, &algorithm, "the token names two different algorithms");
	token->tbs = whole(&tbs);
	return 0;
}

static int
get_token(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	struct p1_credentials_strong *out = into;
	struct ber_cursor c = ber_children(t), inner;
	struct ber_tlv type, token, signed_;
	const char *oid;
	int r = want(in, t, &c, BER_CONTEXT, 0, "token-type-identifier", &type);

	if (r < 0)
		return r;
	oid = ber_oid_text(in->a, type.value, type.length, in->e);
	if (oid == NULL || strcmp(oid, ID_TOK_ASYMMETRIC) != 0)
		return p1_bad(in, &type, "not an asymmetric token");
	r = want(in, t, &c, BER_CONTEXT, 1, "token", &token);
	if (r < 0)
		return r;
	inner = ber_children(&token);
	r = want(in, &token, &inner, BER_UNIVERSAL, BER_SEQUENCE,
	    "signed token", &signed_);
	out->has_token = true;
	return r < 0 ? r : get_signed(in, &signed_, &out->token);
}

static int
add_certificate(struct p1_in *in, const struct ber_tlv *t,
    struct p1_credentials_strong *out)
{
	if (!BER_IS(t->tag, BER_UNIVERSAL, BER_SEQUENCE))
		return p1_bad(in, t, "not a certificate");
	if (out->n_certificates == P1_CERTIFICATES_MAX)
		return p1_bad(
		    in, t, "more than %d certificates", P1_CERTIFICATES_MAX);
	out->certificates[out->n_certificates++] = whole(t);
	return 0;
}

/* ForwardCertificationPath: a SEQUENCE OF SET OF Certificate. */
static int
get_path(struct p1_in *in, const struct ber_tlv *path,
    struct p1_credentials_strong *out)
{
	struct ber_cursor sets = ber_children(path), c;
	struct ber_tlv set, t;
	int r, s = 0;

	while ((r = ber_next(&sets, &set, in->e)) == 1) {
		if (!BER_IS(set.tag, BER_UNIVERSAL, BER_SET))
			return p1_bad(in, &set, "not a set of certificates");
		c = ber_children(&set);
		while ((s = ber_next(&c, &t, in->e)) == 1)
			if ((s = add_certificate(in, &t, out)) < 0)
				return s;
		if (s < 0)
			return s;
	}
	return r;
}

static int
get_certificates(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	struct p1_credentials_strong *out = into;
	struct ber_cursor c = ber_children(t);
	struct ber_tlv user, path;
	int r =
	    want(in, t, &c, BER_UNIVERSAL, BER_SEQUENCE, "certificate", &user);

	if (r >= 0)
		r = add_certificate(in, &user, out);
	if (r < 0 || (r = ber_next(&c, &path, in->e)) <= 0)
		return r;
	return get_path(in, &path, out);
}

/* It says how a directory would find the certificate: we have no need. */
static int
skip(struct p1_in *in, const struct ber_tlv *t, void *into)
{
	(void)in;
	(void)t;
	(void)into;
	return 0;
}

int
p1_strong_decode(struct arena *a, const struct octets *element,
    struct p1_credentials_strong *out, struct err *e)
{
	static const struct p1_field fields[] = {
	    {BER_CONTEXT, 0, "bind-token", get_token, false},
	    {BER_CONTEXT, 1, "certificate", get_certificates, false},
	    {BER_CONTEXT, 2, "certificate-selector", skip, false},
	};
	struct octets flat;
	struct p1_in in = {.a = a, .e = e};
	struct ber_cursor c;
	struct ber_tlv t;
	int r =
	    p1_normalise(a, element->p, element->n, P1_BIND_SIZE_MAX, &flat, e);

	*out = (struct p1_credentials_strong){0};
	if (r < 0)
		return r;
	in.base = flat.p;
	c = ber_cursor(flat.p, flat.n);
	if (ber_next(&c, &t, e) != 1 || !BER_IS(t.tag, BER_CONTEXT, 0))
		return err_set(e, LAYER, ERR_SYNTAX, "no strong credentials");
	return p1_fields(
	    &in, &t, fields, sizeof(fields) / sizeof(fields[0]), out, NULL);
}

/* --- writing --- */

static void
put_bits(struct buf *out, const struct octets *v)
{
	ber_put_header(out, BER_UNIVERSAL, false, BER_BIT_STRING, v->n + 1);
	buf_putc(out, 0);
	buf_append(out, v->p, v->n);
}

void
p1_token_put_tbs(const struct p1_token *t, struct buf *out)
{
	size_t from = out->len, data, value;

	buf_append(out, t->algorithm.p, t->algorithm.n);
	data = out->len;
	ber_put(out, BER_UNIVERSAL, BER_IA5_STRING, t->mta, strlen(t->mta));
	ber_wrap(out, data, BER_CONTEXT, 3);
	p1_put_time(out, BER_UNIVERSAL, BER_UTC_TIME, t->time);
	data = out->len;
	ber_put_integer(out, BER_CONTEXT, 0, BIND_TOKEN_SIGNED_DATA);
	value = out->len;
	put_bits(out, &t->random);
	ber_wrap(out, value, BER_CONTEXT, 1);
	ber_wrap(out, data, BER_CONTEXT, 0);
	ber_wrap(out, from, BER_UNIVERSAL, BER_SEQUENCE);
}

static void
put_token(const struct p1_token *t, struct buf *out)
{
	size_t from = out->len, token;
	struct buf oid = {0};

	INVARIANT(ber_oid_put(&oid, ID_TOK_ASYMMETRIC, NULL) >= 0);
	ber_put(out, BER_CONTEXT, 0, oid.data, oid.len);
	buf_free(&oid);
	token = out->len;
	buf_append(out, t->tbs.p, t->tbs.n);
	buf_append(out, t->algorithm.p, t->algorithm.n);
	put_bits(out, &t->signature);
	ber_wrap(out, token, BER_UNIVERSAL, BER_SEQUENCE);
	ber_wrap(out, token, BER_CONTEXT, 1);
	ber_wrap(out, from, BER_CONTEXT, 0);
}

static void
put_certificates(const struct p1_credentials_strong *c, struct buf *out)
{
	size_t from = out->len, path;

	buf_append(out, c->certificates[0].p, c->certificates[0].n);
	path = out->len;
	for (size_t i = 1; i < c->n_certificates; i++) {
		size_t set = out->len;

		buf_append(out, c->certificates[i].p, c->certificates[i].n);
		ber_wrap(out, set, BER_UNIVERSAL, BER_SET);
	}
	if (c->n_certificates > 1)
		ber_wrap(out, path, BER_UNIVERSAL, BER_SEQUENCE);
	ber_wrap(out, from, BER_CONTEXT, 1);
}

void
p1_strong_encode(const struct p1_credentials_strong *c, struct buf *out)
{
	size_t from = out->len;

	if (c->has_token)
		put_token(&c->token, out);
	if (c->n_certificates > 0)
		put_certificates(c, out);
	ber_wrap(out, from, BER_CONTEXT, 0);
}
