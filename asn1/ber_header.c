#include "asn1/ber_header.h"

#define LAYER "ber"
#define NUMBER_MAX ((1u << 28) - 1)
#define LENGTH_MAX ((uint64_t)INT64_MAX)
#define ANY_LENGTH UINT8_MAX

enum form {
	ANY = 0,
	PRIMITIVE,
	CONSTRUCTED,
	STRING, /* primitive, or constructed of segments */
};

/* What a universal tag says about its encoding; lengths are of the primitive
 * form. A type not listed may have either form. */
static const struct rule {
	uint8_t form;
	uint8_t min, max;
} rules[] = {
    [BER_EOC] = {PRIMITIVE, 0, 0},
    [BER_BOOLEAN] = {PRIMITIVE, 1, 1},
    [BER_INTEGER] = {PRIMITIVE, 1, ANY_LENGTH},
    [BER_BIT_STRING] = {STRING, 1, ANY_LENGTH},
    [BER_OCTET_STRING] = {STRING, 0, ANY_LENGTH},
    [BER_NULL] = {PRIMITIVE, 0, 0},
    [BER_OID] = {PRIMITIVE, 1, ANY_LENGTH},
    [BER_OBJECT_DESCRIPTOR] = {STRING, 0, ANY_LENGTH},
    [BER_EXTERNAL] = {CONSTRUCTED, 0, ANY_LENGTH},
    [9 /* REAL */] = {PRIMITIVE, 0, ANY_LENGTH},
    [BER_ENUMERATED] = {PRIMITIVE, 1, ANY_LENGTH},
    [11 /* EMBEDDED PDV */] = {CONSTRUCTED, 0, ANY_LENGTH},
    [BER_UTF8_STRING] = {STRING, 0, ANY_LENGTH},
    [13 /* RELATIVE-OID */] = {PRIMITIVE, 1, ANY_LENGTH},
    [14 /* TIME */] = {PRIMITIVE, 0, ANY_LENGTH},
    [15 /* reserved */] = {ANY, 0, ANY_LENGTH},
    [BER_SEQUENCE] = {CONSTRUCTED, 0, ANY_LENGTH},
    [BER_SET] = {CONSTRUCTED, 0, ANY_LENGTH},
    [BER_NUMERIC_STRING] = {STRING, 0, ANY_LENGTH},
    [BER_PRINTABLE_STRING] = {STRING, 0, ANY_LENGTH},
    [BER_TELETEX_STRING] = {STRING, 0, ANY_LENGTH},
    [BER_VIDEOTEX_STRING] = {STRING, 0, ANY_LENGTH},
    [BER_IA5_STRING] = {STRING, 0, ANY_LENGTH},
    [BER_UTC_TIME] = {STRING, 0, ANY_LENGTH},
    [BER_GENERALIZED_TIME] = {STRING, 0, ANY_LENGTH},
    [BER_GRAPHIC_STRING] = {STRING, 0, ANY_LENGTH},
    [BER_VISIBLE_STRING] = {STRING, 0, ANY_LENGTH},
    [BER_GENERAL_STRING] = {STRING, 0, ANY_LENGTH},
    [BER_UNIVERSAL_STRING] = {STRING, 0, ANY_LENGTH},
    [29 /* CHARACTER STRING */] = {CONSTRUCTED, 0, ANY_LENGTH},
    [BER_BMP_STRING] = {STRING, 0, ANY_LENGTH},
};

static const struct rule *
rule_of(const struct ber_tag *t)
{
	if (t->cls != BER_UNIVERSAL ||
	    t->number >= sizeof(rules) / sizeof(rules[0]))
		return NULL;
	return &rules[t->number];
}

bool
ber_is_string(const struct ber_tag *t)
{
	const struct rule *r = rule_of(t);

	return r != NULL && r->form == STRING;
}

bool
ber_segment_fits(uint32_t string, const struct ber_tag *t)
{
	if (t->cls != BER_UNIVERSAL)
		return false;
	/* by the standard segments of character strings are OCTET STRINGs;
	 * encoders that repeat the string's own tag are common */
	return t->number == string ||
	    (t->number == BER_OCTET_STRING && string != BER_BIT_STRING);
}

/* Where the header's first octet stands, when the last one is at offset. */
static uint64_t
start_of(const struct ber_header *h, uint64_t offset)
{
	return offset - (h->raw_n - 1u);
}

static int
check_universal(const struct ber_header *h, uint64_t offset, struct err *e)
{
	const struct rule *r = rule_of(&h->tag);
	uint64_t start = start_of(h, offset);

	if (r == NULL || r->form == ANY)
		return 0;
	if (r->form == PRIMITIVE && h->tag.constructed)
		return err_at(e, LAYER, ERR_SYNTAX, start,
		    "universal %u with constructed encoding", h->tag.number);
	if (r->form == CONSTRUCTED && !h->tag.constructed)
		return err_at(e, LAYER, ERR_SYNTAX, start,
		    "universal %u with primitive encoding", h->tag.number);
	if (h->tag.constructed)
		return 0;
	if (h->length < r->min || (r->max != ANY_LENGTH && h->length > r->max))
		return err_at(e, LAYER, ERR_SYNTAX, start + h->length_at,
		    "universal %u cannot have %llu octets", h->tag.number,
		    (unsigned long long)h->length);
	return 0;
}

static int
put_identifier(struct ber_header *h, uint8_t c)
{
	h->tag.cls = c >> 6;
	h->tag.constructed = (c & 0x20) != 0;
	h->tag.number = c & 0x1f;
	h->state = BER_HEADER_LENGTH;
	if (h->tag.number == 0x1f) {
		h->tag.number = 0;
		h->state = BER_HEADER_NUMBER;
	}
	return 0;
}

static int
put_number(struct ber_header *h, uint8_t c, uint64_t offset, struct err *e)
{
	if (h->raw_n == 2 && c == 0x80)
		return err_at(e, LAYER, ERR_SYNTAX, offset,
		    "tag number with leading zeros");
	if (h->tag.number > NUMBER_MAX >> 7)
		return err_at(e, LAYER, ERR_LIMIT, start_of(h, offset),
		    "tag number above %u", NUMBER_MAX);
	h->tag.number = h->tag.number << 7 | (c & 0x7f);
	if ((c & 0x80) != 0)
		return 0;
	if (h->tag.number < 0x1f)
		return err_at(e, LAYER, ERR_SYNTAX, start_of(h, offset),
		    "tag number %u in the form for large ones", h->tag.number);
	h->state = BER_HEADER_LENGTH;
	return 0;
}

static int
complete(struct ber_header *h, uint64_t offset, struct err *e)
{
	int r;

	if ((r = check_universal(h, offset, e)) < 0)
		return r;
	return 1;
}

static int
put_length(struct ber_header *h, uint8_t c, uint64_t offset, struct err *e)
{
	h->length_at = h->raw_n - 1u;
	if (c == 0xff)
		return err_at(
		    e, LAYER, ERR_SYNTAX, offset, "reserved length octet ff");
	if (c == 0x80) {
		if (!h->tag.constructed)
			return err_at(e, LAYER, ERR_SYNTAX, offset,
			    "primitive with indefinite length");
		h->length = BER_INDEFINITE;
		return complete(h, offset, e);
	}
	if (c < 0x80) {
		h->length = c;
		return complete(h, offset, e);
	}
	h->missing = c & 0x7f;
	if (h->missing > 8)
		return err_at(e, LAYER, ERR_LIMIT, offset,
		    "length given in %u octets", h->missing);
	h->length = 0;
	h->state = BER_HEADER_LENGTH_OCTETS;
	return 0;
}

static int
put_length_octet(
    struct ber_header *h, uint8_t c, uint64_t offset, struct err *e)
{
	/* the top bit is kept out, so that no length is BER_INDEFINITE */
	if (h->missing == 1 && h->length > LENGTH_MAX >> 8)
		return err_at(e, LAYER, ERR_LIMIT,
		    start_of(h, offset) + h->length_at,
		    "length of 2^63 or more");
	h->length = h->length << 8 | c;
	if (--h->missing > 0)
		return 0;
	return complete(h, offset, e);
}

int
ber_header_put(struct ber_header *h, uint8_t c, uint64_t offset, struct err *e)
{
	h->raw[h->raw_n++] = c;
	switch (h->state) {
	case BER_HEADER_IDENTIFIER: return put_identifier(h, c);
	case BER_HEADER_NUMBER: return put_number(h, c, offset, e);
	case BER_HEADER_LENGTH: return put_length(h, c, offset, e);
	case BER_HEADER_LENGTH_OCTETS: return put_length_octet(h, c, offset, e);
	}
	return ERR_PROTOCOL;
}
