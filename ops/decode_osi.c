/*
 * One direction of an RFC 1006 connection as text: TPKT packets, TPDUs, and the
 * SPDUs of each TSDU; what is above session is in decode_upper.c.
 */
#include "ops/decode_osi.h"

#include <string.h>

#include "osi/cotp_tpdu.h"
#include "osi/spdu.h"

/* --- transport --- */

static void
print_sel(struct buf *out, unsigned depth, const char *name,
    const struct osi_sel *sel)
{
	char text[2 * OSI_SEL_MAX + 3];

	if (sel->present)
		print_line(out, depth, name, "%s",
		    osi_sel_text(sel, text, sizeof(text)));
}

static void
print_tpdu(struct decode_osi *d, const struct tpdu *t)
{
	print_line(d->out, 1, "transport", "%s", tpdu_name(t->code));
	print_line(
	    d->out, 2, "references", "to %u, from %u", t->dst_ref, t->src_ref);
	if (t->code == TPDU_CR || t->code == TPDU_CC)
		print_line(d->out, 2, "class", "%u", t->class);
	if (t->size_code != 0)
		print_line(
		    d->out, 2, "TPDU size", "%u", 1u << (t->size_code & 15));
	if (t->code == TPDU_DR)
		print_line(
		    d->out, 2, "reason", "%s", tpdu_reason_text(t->reason));
	if (t->code == TPDU_ER)
		print_line(d->out, 2, "reject cause", "%u", t->reason);
	print_sel(d->out, 2, "calling TSEL", &t->calling);
	print_sel(d->out, 2, "called TSEL", &t->called);
}

/* --- session --- */

static void
print_requirements(struct buf *out, const char *name, uint32_t v)
{
	static const char *const units[] = {"half-duplex", "duplex",
	    "expedited", "minor-synchronize", "major-synchronize",
	    "resynchronize", "activity-management", "negotiated-release",
	    "capability-data", "exceptions", "typed-data"};
	struct buf text = {0};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if ((v >> i & 1) != 0)
			buf_printf(
			    &text, "%s%s", text.len > 0 ? ", " : "", units[i]);
	print_line(out, 3, name, "%s", buf_cstr(&text));
	buf_free(&text);
}

static void
print_par(struct buf *out, const struct spdu *s, enum spdu_par par)
{
	const struct octets *v = &s->par[par];
	const char *name = spdu_par_name(par);
	struct osi_sel sel = {.present = true};

	switch (par) {
	case SPDU_USER_DATA:
	case SPDU_EXTENDED_DATA: /* shown by what it holds */ return;
	case SPDU_REQUIREMENTS:
		print_requirements(out, name, spdu_number(s, par, 0));
		return;
	case SPDU_CALLING_SSEL:
	case SPDU_CALLED_SSEL:
		sel.n = (uint8_t)(v->n < sizeof(sel.v) ? v->n : sizeof(sel.v));
		memcpy(sel.v, v->p, sel.n);
		print_sel(out, 3, name, &sel);
		return;
	case SPDU_SERIAL:
	case SPDU_LINK_SERIAL:
	case SPDU_INITIAL_SERIAL:
		print_line(out, 3, name, "%u", spdu_serial(s, par, 0));
		return;
	default: break;
	}
	if (v->n >= 1 && v->n <= 2)
		print_line(out, 3, name, "%u", spdu_number(s, par, 0));
	else
		print_octets(out, 3, name, v->p, v->n);
}

/* A REFUSE has it behind the reason (X.225 8.3.5.8). */
static int
print_user_data(struct decode_osi *d, const struct spdu *s, struct err *e)
{
	enum spdu_par par =
	    spdu_has(s, SPDU_USER_DATA) ? SPDU_USER_DATA : SPDU_EXTENDED_DATA;
	struct octets v = s->par[par];

	if (s->type == SPDU_RF && s->par[SPDU_REASON].n > 1)
		v = (struct octets){
		    s->par[SPDU_REASON].p + 1, s->par[SPDU_REASON].n - 1};
	else if (!spdu_has(s, par))
		return 0;
	return decode_user_data(d, s->type, v.p, v.n, e);
}

static int
print_spdu(struct decode_osi *d, const struct spdu *s, struct err *e)
{
	bool data = s->type == SPDU_DT || s->type == SPDU_TD;
	uint32_t enclosure =
	    spdu_number(s, SPDU_ENCLOSURE, SPDU_BEGIN | SPDU_END);

	print_line(d->out, 2, "", "%s", spdu_name(s->type));
	for (int par = 0; par < SPDU_PARS; par++)
		if (spdu_has(s, (enum spdu_par)par))
			print_par(d->out, s, (enum spdu_par)par);
	if (s->type == SPDU_AE)
		decode_activity_end(d);
	if (s->type == SPDU_AS)
		buf_clear(&d->apdu);
	if (!data)
		return print_user_data(d, s, e);
	buf_append(&d->ssdu, s->info.p, s->info.n);
	if ((enclosure & SPDU_END) == 0)
		return 0;
	return decode_ssdu(d, e);
}

/* The SPDUs that are concatenated in one TSDU (X.225 6.3.7). */
static int
print_tsdu(struct decode_osi *d, struct err *e)
{
	enum spdu_place place = SPDU_FIRST;
	const uint8_t *p = d->tsdu.data;
	size_t at = 0, n;
	struct spdu s;
	int rc = 0;

	while (rc >= 0 && at < d->tsdu.len) {
		n = spdu_length(p + at, d->tsdu.len - at);
		if (n == 0 || n > d->tsdu.len - at)
			return err_at(e, "session", ERR_SYNTAX, at,
			    "the TSDU ends inside an SPDU");
		rc = spdu_parse(p + at, n, place, &s, e);
		if (rc < 0)
			return rc;
		if (s.type == SPDU_DT || s.type == SPDU_TD) {
			s.info =
			    (struct octets){p + at + n, d->tsdu.len - at - n};
			n = d->tsdu.len - at;
		}
		rc = print_spdu(d, &s, e);
		at += n;
		if (spdu_category(s.type) == 0)
			place = SPDU_SECOND;
	}
	return rc;
}

static int
print_dt(struct decode_osi *d, const uint8_t *p, size_t n, struct err *e)
{
	bool eot;
	int rc = tpdu_parse_dt(p, n, &eot, e);

	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_at(
		    e, "cotp", ERR_SYNTAX, n, "a DT of %zu octets", n);
	print_line(d->out, 1, "transport", "DT of %zu octets%s",
	    n - TPDU_DT_HEADER, eot ? ", ends the TSDU" : "");
	buf_append(&d->tsdu, p + TPDU_DT_HEADER, n - TPDU_DT_HEADER);
	if (!eot)
		return 0;
	rc = print_tsdu(d, e);
	buf_clear(&d->tsdu);
	return rc;
}

static int
print_packet(struct decode_osi *d, const uint8_t *p, size_t n, struct err *e)
{
	struct tpdu t;
	int rc;

	if (n >= 2 && (p[1] & 0xf0) == TPDU_DT)
		return print_dt(d, p, n, e);
	rc = tpdu_parse(p, n, &t, e);
	if (rc >= 0)
		print_tpdu(d, &t);
	return rc;
}

/* Which packet, for an error in it; its own offset counts from the TPDU, TSDU
 * or APDU that it is in. */
static int
in_packet(const struct err *why, size_t at, struct err *e)
{
	return err_at(e, why->layer, why->code, at, "in the TPKT here: %s%s%s",
	    why->layer, why->layer[0] != '\0' ? ": " : "", why->text);
}

int
decode_tpkt(
    struct arena *a, const uint8_t *p, size_t n, struct buf *out, struct err *e)
{
	struct decode_osi d = {.arena = a, .out = out};
	struct err why = ERR_INIT;
	size_t at = 0;
	int rc = 0;

	while (rc >= 0 && at < n) {
		int length = tpkt_length(p + at, n - at, &why);

		if (length < 0 || (at == 0 && length == 0)) {
			rc = err_at(e, "tpkt", ERR_SYNTAX, at, "no TPKT here");
			break;
		}
		if (length == 0 || (size_t)length > n - at) {
			print_line(out, 0, "TPKT",
			    "cut off: %zu octets of it are here", n - at);
			break;
		}
		print_line(out, 0, "TPKT", "at %zu, %d octets", at, length);
		rc = print_packet(&d, p + at + TPKT_HEADER,
		    (size_t)length - TPKT_HEADER, &why);
		if (rc < 0)
			rc = in_packet(&why, at, e);
		at += (size_t)length;
	}
	buf_free(&d.tsdu);
	buf_free(&d.ssdu);
	buf_free(&d.apdu);
	return rc;
}
