/*
 * Presentation addresses in text (RFC 1278). Of its network address forms the
 * writer makes NS+ (the concrete binary representation, which says all); the
 * parser takes NS+ too. The user-oriented forms need the tables of ISO 8348
 * and no O/R address in the field is known to have one.
 *
 *   PresentationAddress ::= SEQUENCE { pSelector [0] EXPLICIT OCTET STRING
 *     OPTIONAL, sSelector [1], tSelector [2] likewise,
 *     nAddresses [3] EXPLICIT SET OF OCTET STRING }        (X.520)
 *
 * In an O/R address its outer tag is [0] (X.411 8.5.5, psap-address).
 */
#include <string.h>
#include <strings.h>

#include "asn1/ber.h"
#include "mhs/or_keys.h"

#define LAYER "or"
#define SELECTORS 3
#define OCTETS_MAX 128 /* of one selector or network address */

static void
put_hex(struct buf *out, const struct octets *o)
{
	for (size_t i = 0; i < o->n; i++)
		buf_printf(out, "%02x", o->p[i]);
}

/* The OCTET STRING inside the explicit tag [number] of t. */
static bool
selector_get(struct arena *a, const struct ber_tlv *t, uint32_t number,
    struct octets *out)
{
	struct ber_tlv tagged, string;

	if (ber_find(t, BER_CONTEXT, number, &tagged, NULL) != 1 ||
	    ber_find(&tagged, BER_UNIVERSAL, BER_OCTET_STRING, &string, NULL) !=
		1 ||
	    ber_string(a, &string, out, NULL) < 0)
		return false;
	return out->n <= OCTETS_MAX;
}

static void
put_selectors(struct arena *a, struct buf *out, const struct ber_tlv *t)
{
	bool started = false;
	struct octets s;

	for (uint32_t i = 0; i < SELECTORS; i++) {
		bool have = selector_get(a, t, i, &s);

		if (!have && !started)
			continue;
		started = true;
		if (have && s.n > 0) {
			buf_putc(out, '\'');
			put_hex(out, &s);
			buf_puts(out, "'H");
		}
		buf_putc(out, '/');
	}
}

static bool
put_addresses(struct arena *a, struct buf *out, const struct ber_tlv *t)
{
	struct ber_tlv tagged, set, one;
	struct ber_cursor c;
	struct octets s;
	int r;

	if (ber_find(t, BER_CONTEXT, 3, &tagged, NULL) != 1 ||
	    ber_find(&tagged, BER_UNIVERSAL, BER_SET, &set, NULL) != 1)
		return false;
	c = ber_children(&set);
	for (bool first = true; (r = ber_next(&c, &one, NULL)) > 0;
	     first = false) {
		if (!BER_IS(one.tag, BER_UNIVERSAL, BER_OCTET_STRING) ||
		    ber_string(a, &one, &s, NULL) < 0 || s.n == 0 ||
		    s.n > OCTETS_MAX)
			return false;
		buf_puts(out, first ? "NS+" : "_NS+");
		put_hex(out, &s);
	}
	return r == 0;
}

/* Are the children only the four known ones? (Else the text loses some.) */
static bool
well_formed(const struct ber_tlv *t)
{
	struct ber_cursor c = ber_children(t);
	struct ber_tlv x;
	int64_t last = -1;
	int r;

	while ((r = ber_next(&c, &x, NULL)) > 0) {
		if (x.tag.cls != BER_CONTEXT || x.tag.number > SELECTORS ||
		    (int64_t)x.tag.number <= last)
			return false;
		last = x.tag.number;
	}
	return r == 0 && last == SELECTORS;
}

bool
mhs_or_psap_put(struct buf *out, const uint8_t *ber, size_t n)
{
	struct ber_cursor c = ber_cursor(ber, n);
	struct arena *a = arena_new();
	struct buf b = {0};
	struct ber_tlv t;
	bool good;

	good = ber_next(&c, &t, NULL) == 1 && t.size == n && well_formed(&t);
	if (good) {
		put_selectors(a, &b, &t);
		good = put_addresses(a, &b, &t);
	}
	if (good)
		buf_append(out, b.data, b.len);
	buf_free(&b);
	arena_free(&a);
	return good;
}

/* --- parsing --- */

struct text {
	const char *p;
	size_t n, at;
};

static int
fail(const struct text *t, int code, struct err *e, const char *why)
{
	return err_at(e, LAYER, code, t->at, "presentation address: %s", why);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Pairs of hexadecimal digits, as many as there are: their octets. */
static size_t
take_hex(struct text *t, uint8_t *o)
{
	size_t n = 0;

	while (t->at + 1 < t->n && n < OCTETS_MAX &&
	    hex_digit(t->p[t->at]) >= 0 && hex_digit(t->p[t->at + 1]) >= 0) {
		o[n++] = (uint8_t)(hex_digit(t->p[t->at]) << 4 |
		    hex_digit(t->p[t->at + 1]));
		t->at += 2;
	}
	return n;
}

static bool
take(struct text *t, const char *word)
{
	size_t n = strlen(word);

	if (t->n - t->at < n || strncasecmp(t->p + t->at, word, n) != 0)
		return false;
	t->at += n;
	return true;
}

static int
selector_hex(struct text *t, uint8_t *o, size_t *n, struct err *e)
{
	*n = take_hex(t, o);
	if (*n == 0 || !take(t, "'H"))
		return fail(t, ERR_SYNTAX, e, "selector 'hex'H expected");
	return 0;
}

/* "#5": a number of two octets */
static int
selector_number(struct text *t, uint8_t *o, size_t *n, struct err *e)
{
	unsigned v = 0;
	size_t from = t->at;

	while (t->at < t->n && t->p[t->at] >= '0' && t->p[t->at] <= '9') {
		v = v * 10 + (unsigned)(t->p[t->at] - '0');
		if (v > 0xffff)
			return fail(t, ERR_SYNTAX, e, "selector above 65535");
		t->at++;
	}
	if (t->at == from)
		return fail(t, ERR_SYNTAX, e, "number expected");
	o[0] = (uint8_t)(v >> 8);
	o[1] = (uint8_t)v;
	*n = 2;
	return 0;
}

static int
selector_text(struct text *t, uint8_t *o, size_t *n, struct err *e)
{
	const char *end = memchr(t->p + t->at, '"', t->n - t->at);

	if (end == NULL)
		return fail(t, ERR_SYNTAX, e, "closing quote expected");
	*n = (size_t)(end - (t->p + t->at));
	if (*n == 0 || *n > OCTETS_MAX)
		return fail(t, ERR_LIMIT, e, "selector too long");
	memcpy(o, t->p + t->at, *n);
	t->at += *n + 1;
	return 0;
}

struct selector {
	uint8_t o[OCTETS_MAX];
	size_t n;
};

/* One selector and its '/': 1, 0 when there is none here, or negative. */
static int
selector_parse(struct text *t, struct selector *s, struct err *e)
{
	int r = 0;

	s->n = 0;
	if (take(t, "'"))
		r = selector_hex(t, s->o, &s->n, e);
	else if (take(t, "#"))
		r = selector_number(t, s->o, &s->n, e);
	else if (take(t, "\""))
		r = selector_text(t, s->o, &s->n, e);
	else if (t->at == t->n || t->p[t->at] != '/')
		return 0;
	if (r < 0)
		return r;
	if (!take(t, "/"))
		return fail(t, ERR_SYNTAX, e, "'/' expected");
	return 1;
}

static int
addresses_parse(struct text *t, struct buf *out, struct err *e)
{
	uint8_t o[OCTETS_MAX];
	size_t n;

	do {
		if (!take(t, "NS+"))
			return fail(t, ERR_UNSUPPORTED, e,
			    "network address NS+hex expected");
		if ((n = take_hex(t, o)) == 0)
			return fail(t, ERR_SYNTAX, e, "octets expected");
		ber_put(out, BER_UNIVERSAL, BER_OCTET_STRING, o, n);
	} while (take(t, "_"));
	if (t->at != t->n)
		return fail(t, ERR_SYNTAX, e, "end expected");
	return 0;
}

static void
put_selector(struct buf *out, uint32_t number, const struct selector *s)
{
	size_t from = out->len;

	ber_put(out, BER_UNIVERSAL, BER_OCTET_STRING, s->o, s->n);
	ber_wrap(out, from, BER_CONTEXT, number);
}

int
mhs_or_psap_parse(struct buf *out, const char *text, size_t n, struct err *e)
{
	struct text t = {.p = text, .n = n};
	struct selector s[SELECTORS];
	uint32_t have = 0;
	size_t from = out->len, inner;
	int r = 1;

	while (have < SELECTORS && (r = selector_parse(&t, &s[have], e)) > 0)
		have++;
	if (r < 0)
		return r;
	/* the last one given is the transport selector */
	for (uint32_t i = 0; i < have; i++)
		put_selector(out, SELECTORS - have + i, &s[i]);
	inner = out->len;
	if ((r = addresses_parse(&t, out, e)) < 0) {
		out->len = from;
		return r;
	}
	ber_wrap(out, inner, BER_UNIVERSAL, BER_SET);
	ber_wrap(out, inner, BER_CONTEXT, 3);
	ber_wrap(out, from, BER_CONTEXT, 0);
	return 0;
}
