/* TPKT and TPDU encoding (RFC 1006 6, X.224 13). */
#include "osi/cotp_tpdu.h"

#include <stdio.h>
#include <string.h>

#include "lib/log.h"

/* The type of TPDU that these octets claim to be. */
static enum tpdu_code
code_of(uint8_t octet)
{
	/* a credit of the class preferred stands beside the code of a CR */
	return (octet & 0xf0) == TPDU_CR ? TPDU_CR : octet;
}

static int
tpdu_bad(struct err *e, enum tpdu_code code, enum tpdu_reject cause,
    uint64_t offset, const char *text)
{
	err_at(e, "cotp", ERR_SYNTAX, offset, "%s: %s", tpdu_name(code), text);
	if (e != NULL)
		e->detail = cause;
	return ERR_SYNTAX;
}

int
tpkt_length(const uint8_t *p, size_t n, struct err *e)
{
	int length;

	if (n >= 1 && p[0] != TPKT_VERSION)
		return err_at(e, "cotp", ERR_SYNTAX, 0,
		    "TPKT: version %u, not 3: no RFC 1006 peer", p[0]);
	/* p[1] is reserved: sent as zero, not looked at */
	if (n < TPKT_HEADER)
		return 0;
	length = p[2] << 8 | p[3];
	if (length < TPKT_MIN)
		return err_at(e, "cotp", ERR_SYNTAX, 2,
		    "TPKT: a length of %d octets, at least 7", length);
	return length;
}

/* X.224 13.3.4 b): 2^7 .. 2^13 octets */
static int
par_tpdu_size(struct tpdu *t, const uint8_t *v, size_t n)
{
	if (n != 1 || v[0] < 7 || v[0] > 13)
		return -1;
	t->size_code = v[0];
	return 0;
}

static int
par_selector(struct osi_sel *s, const uint8_t *v, size_t n)
{
	if (n > OSI_SEL_MAX)
		return -1;
	s->present = true;
	s->n = (uint8_t)n;
	memcpy(s->v, v, n);
	return 0;
}

static int
par_calling(struct tpdu *t, const uint8_t *v, size_t n)
{
	return par_selector(&t->calling, v, n);
}

static int
par_called(struct tpdu *t, const uint8_t *v, size_t n)
{
	return par_selector(&t->called, v, n);
}

static int
par_alternative_classes(struct tpdu *t, const uint8_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i] >> 4 == 0)
			t->class_0_too = true;
	return 0;
}

/* X.224 13.3.4: one to four octets, in units of 128. */
static int
par_preferred_size(struct tpdu *t, const uint8_t *v, size_t n)
{
	uint64_t units = 0;

	if (n < 1 || n > 4)
		return -1;
	for (size_t i = 0; i < n; i++)
		units = units << 8 | v[i];
	if (units == 0)
		return -1;
	t->preferred =
	    units * 128 < COTP_TPDU_MAX ? (uint32_t)units * 128 : COTP_TPDU_MAX;
	return 0;
}

/* The parameters of CR and CC that mean something to class 0. Others (additional
 * options, checksum, ...) are for other classes or optional to
 * heed, and X.224 13.2.3 has the receiver of a CR ignore what it does not
 * know; peers put the same ones into the CC. */
static const struct connect_par {
	uint8_t code;
	int (*read)(struct tpdu *t, const uint8_t *v, size_t n);
	const char *name, *rule;
} connect_pars[] = {
    {TPDU_PAR_TPDU_SIZE, par_tpdu_size, "TPDU size", "7 to 13, in one octet"},
    {TPDU_PAR_CALLING, par_calling, "calling TSEL", "at most 32 octets"},
    {TPDU_PAR_CALLED, par_called, "called TSEL", "at most 32 octets"},
    {TPDU_PAR_ALTERNATIVE_CLASSES, par_alternative_classes,
	"alternative classes", ""},
    {TPDU_PAR_PREFERRED_SIZE, par_preferred_size, "preferred TPDU size",
	"above 0, in one to four octets"},
};

static int
bad_par(const struct tpdu *t, const struct connect_par *row, const uint8_t *v,
    size_t n, size_t at, struct err *e)
{
	char value[2 * 8 + 1] = "", text[160];

	for (size_t i = 0; i < n && i < 8; i++)
		snprintf(value + 2 * i, 3, "%02x", v[i]);
	snprintf(text, sizeof(text),
	    "parameter %s (0x%02x) of %zu octets, 0x%s%s: it must be %s",
	    row->name, row->code, n, value, n > 8 ? "..." : "", row->rule);
	return tpdu_bad(e, t->code, TPDU_REJECT_PARAMETER_VALUE, at, text);
}

/* One that comes twice is read twice: the later value counts (X.224 13.2.3).
 * `at`: the octet of its value. */
static int
read_par(struct tpdu *t, const uint8_t *p, size_t at, struct err *e)
{
	const uint8_t *v = p + at;
	uint8_t code = v[-2], n = v[-1];

	if (code == TPDU_PAR_CALLED)
		t->called_at = (uint8_t)at;
	if (code == TPDU_PAR_TPDU_SIZE || code == TPDU_PAR_PREFERRED_SIZE)
		t->size_at = (uint8_t)at;
	for (size_t i = 0; i < sizeof(connect_pars) / sizeof(connect_pars[0]);
	     i++)
		if (connect_pars[i].code == code &&
		    connect_pars[i].read(t, v, n) != 0)
			return bad_par(t, &connect_pars[i], v, n, at, e);
	return 0;
}

/* The variable part: code, length, value (X.224 13.2.3). */
static int
read_variable_part(
    struct tpdu *t, const uint8_t *p, size_t from, size_t end, struct err *e)
{
	bool connect = t->code == TPDU_CR || t->code == TPDU_CC;

	for (size_t i = from; i < end;) {
		if (end - i < 2 || p[i + 1] > end - i - 2)
			return tpdu_bad(e, t->code, TPDU_REJECT_PARAMETER_VALUE,
			    i, "parameter runs past the end of its TPDU");
		if (connect && read_par(t, p, i + 2, e) != 0)
			return ERR_SYNTAX;
		i += 2u + p[i + 1];
	}
	return 0;
}

/* Octets of the fixed part after the length indicator (X.224 13.3 to 13.12) */
static size_t
fixed_part(enum tpdu_code code)
{
	return code == TPDU_ER ? 4 : 6;
}

static void
read_fixed_part(struct tpdu *t, const uint8_t *p)
{
	t->dst_ref = (uint16_t)(p[2] << 8 | p[3]);
	if (t->code == TPDU_ER) {
		t->reason = p[4];
		return;
	}
	t->src_ref = (uint16_t)(p[4] << 8 | p[5]);
	if (t->code == TPDU_DR)
		t->reason = p[6];
	else
		t->class = p[6] >> 4;
}

int
tpdu_parse(const uint8_t *p, size_t n, struct tpdu *out, struct err *e)
{
	size_t li;

	*out = (struct tpdu){0};
	if (n < 2)
		return tpdu_bad(e, out->code, TPDU_REJECT_NOT_SPECIFIED, 0,
		    "it has no code");
	li = p[0];
	out->code = code_of(p[1]);
	if (out->code != TPDU_CR && out->code != TPDU_CC &&
	    out->code != TPDU_DR && out->code != TPDU_ER)
		return tpdu_bad(e, out->code, TPDU_REJECT_TPDU_TYPE, 1,
		    tpdu_code_text(p[1]));
	if (li > TPDU_LI_MAX || li + 1 > n)
		return tpdu_bad(e, out->code, TPDU_REJECT_NOT_SPECIFIED, 0,
		    "length indicator runs past the end of the TPKT");
	if (li < fixed_part(out->code))
		return tpdu_bad(e, out->code, TPDU_REJECT_NOT_SPECIFIED, 0,
		    "it is too short");
	read_fixed_part(out, p);
	/* X.224 13.3.3: nobody has given it one yet */
	if (out->code == TPDU_CR && out->dst_ref != 0)
		return tpdu_bad(e, out->code, TPDU_REJECT_PARAMETER_VALUE, 2,
		    "it has a destination reference");
	if (out->code != TPDU_DR && n > li + 1)
		return tpdu_bad(e, out->code, TPDU_REJECT_NOT_SPECIFIED, li + 1,
		    "user data, of which it has none in class 0");
	return read_variable_part(out, p, fixed_part(out->code) + 1, li + 1, e);
}

int
tpdu_parse_dt(const uint8_t *p, size_t n, bool *eot, struct err *e)
{
	if (n >= 1 && p[0] != TPDU_DT_HEADER - 1)
		return tpdu_bad(e, TPDU_DT, TPDU_REJECT_NOT_SPECIFIED, 0,
		    "a length indicator other than 2");
	if (n >= 2 && p[1] != TPDU_DT)
		return tpdu_bad(e, code_of(p[1]), TPDU_REJECT_TPDU_TYPE, 1,
		    tpdu_code_text(p[1]));
	if (n < TPDU_DT_HEADER)
		return 0;
	/* the number (low seven bits) means nothing in class 0 */
	*eot = (p[2] & 0x80) != 0;
	return 1;
}

static void
put_tpkt(struct buf *out, size_t tpdu)
{
	INVARIANT(tpdu + TPKT_HEADER <= UINT16_MAX);
	buf_putc(out, TPKT_VERSION);
	buf_putc(out, 0);
	buf_put_u16(out, (uint16_t)(tpdu + TPKT_HEADER));
}

static void
put_selector(struct buf *out, enum tpdu_par code, const struct osi_sel *s)
{
	if (!s->present)
		return;
	buf_putc(out, (uint8_t)code);
	buf_putc(out, s->n);
	buf_append(out, s->v, s->n);
}

static void
put_preferred_size(struct buf *out, uint32_t octets)
{
	uint32_t units = octets / 128;

	if (units == 0)
		return;
	buf_append(out, (uint8_t[]){TPDU_PAR_PREFERRED_SIZE, 2}, 2);
	buf_put_u16(out, (uint16_t)units);
}

static void
put_connect_pars(const struct tpdu *t, struct buf *out)
{
	put_selector(out, TPDU_PAR_CALLING, &t->calling);
	put_selector(out, TPDU_PAR_CALLED, &t->called);
	if (t->size_code != 0)
		buf_append(
		    out, (uint8_t[]){TPDU_PAR_TPDU_SIZE, 1, t->size_code}, 3);
	put_preferred_size(out, t->preferred);
}

void
tpdu_put(const struct tpdu *t, struct buf *out)
{
	struct buf pars = {0};
	bool dr = t->code == TPDU_DR;

	if (!dr)
		put_connect_pars(t, &pars);
	put_tpkt(out, 7 + pars.len);
	buf_putc(out, (uint8_t)(6 + pars.len));
	buf_putc(out, (uint8_t)t->code);
	buf_put_u16(out, t->dst_ref);
	buf_put_u16(out, t->src_ref);
	buf_putc(out, dr ? t->reason : (uint8_t)(t->class << 4));
	buf_append(out, pars.data, pars.len);
	buf_free(&pars);
}

void
tpdu_put_dt(const uint8_t *p, size_t n, bool eot, struct buf *out)
{
	put_tpkt(out, TPDU_DT_HEADER + n);
	buf_append(
	    out, (uint8_t[]){TPDU_DT_HEADER - 1, TPDU_DT, eot ? 0x80 : 0}, 3);
	buf_append(out, p, n);
}

void
tpdu_put_er(uint16_t dst_ref, enum tpdu_reject cause, const uint8_t *bad,
    size_t n, struct buf *out)
{
	if (n > TPDU_LI_MAX - 6) /* X.224 13.12.4: all of it, where it fits */
		n = TPDU_LI_MAX - 6;
	put_tpkt(out, 5 + 2 + n);
	buf_putc(out, (uint8_t)(4 + 2 + n));
	buf_putc(out, TPDU_ER);
	buf_put_u16(out, dst_ref);
	buf_putc(out, (uint8_t)cause);
	buf_putc(out, TPDU_PAR_CALLING);
	buf_putc(out, (uint8_t)n);
	buf_append(out, bad, n);
}

const char *
tpdu_code_text(uint8_t code)
{
	/* X.224 13.1: by the high four bits */
	static const char *const texts[16] = {
	    [0x1] = "ED TPDU, which class 0 does not have",
	    [0x2] = "EA TPDU, which class 0 does not have",
	    [0x4] = "UD TPDU, which is of no connection",
	    [0x5] = "RJ TPDU, which class 0 does not have",
	    [0x6] = "AK TPDU, which class 0 does not have",
	    [0x7] = "ER TPDU with a credit",
	    [0x8] = "DR TPDU with a credit",
	    [0xc] = "DC TPDU, which class 0 does not have",
	    [0xd] = "CC TPDU with a credit, which class 0 does not have",
	    [0xf] = "DT TPDU of another class",
	};
	const char *text = texts[code >> 4];

	return text != NULL ? text : "TPDU of unknown type";
}

const char *
tpdu_name(enum tpdu_code code)
{
	switch (code) {
	case TPDU_CR: return "cotp CR";
	case TPDU_CC: return "cotp CC";
	case TPDU_DR: return "cotp DR";
	case TPDU_DT: return "cotp DT";
	case TPDU_ER: return "cotp ER";
	}
	return "cotp TPDU";
}

const char *
tpdu_reason_text(uint8_t reason)
{
	static const struct {
		uint8_t reason;
		const char *text;
	} texts[] = {
	    {COTP_REASON_UNSPECIFIED, "reason not specified"},
	    {COTP_REASON_CONGESTION, "congestion at TSAP"},
	    {COTP_REASON_NO_SESSION, "session entity not attached to TSAP"},
	    {COTP_REASON_ADDRESS_UNKNOWN, "address unknown"},
	    {COTP_REASON_NORMAL, "normal disconnect"},
	    {COTP_REASON_CONNECT_OVERFLOW, "remote transport entity congested"},
	    {COTP_REASON_NEGOTIATION_FAILED, "connection negotiation failed"},
	    {131, "duplicate source reference"},
	    {132, "mismatched references"},
	    {COTP_REASON_PROTOCOL_ERROR, "protocol error"},
	    {COTP_REASON_REFERENCE_OVERFLOW, "reference overflow"},
	    {136, "connection request refused on this network connection"},
	    {138, "header or parameter length invalid"},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].reason == reason)
			return texts[i].text;
	return "unknown reason";
}
