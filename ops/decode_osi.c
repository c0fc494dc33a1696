/*
 * One direction of an RFC 1006 connection as text: TPKT packets and TPDUs. The
 * SPDUs of each TSDU are in decode_session.c, what is above in decode_upper.c.
 */
#include "ops/decode_osi.h"

#include <string.h>

#include "osi/cotp_tpdu.h"

/* --- transport --- */

void
decode_print_sel(struct buf *out, unsigned depth, const char *name,
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
		decode_print_name(
		    d->out, 2, "reject cause", DECODE_REJECT_CAUSE, t->reason);
	decode_print_sel(d->out, 2, "calling TSEL", &t->calling);
	decode_print_sel(d->out, 2, "called TSEL", &t->called);
}

/* The TSDU's octets from here on are the stream's from `at` on. */
static void
add_piece(struct decode_osi *d, const uint8_t *p, size_t n, size_t at)
{
	struct decode_piece *piece =
	    arena_push(d->arena, &d->pieces, &d->n_pieces, sizeof(*d->pieces));

	*piece = (struct decode_piece){.tsdu = d->tsdu.len, .stream = at};
	buf_append(&d->tsdu, p, n);
}

static int
end_tsdu(struct decode_osi *d, struct err *e)
{
	int rc = decode_tsdu(d, e);

	buf_clear(&d->tsdu);
	d->n_pieces = 0;
	return rc;
}

static int
print_dt(struct decode_osi *d, const uint8_t *p, size_t n, struct err *e)
{
	bool eot = false;
	int rc = tpdu_parse_dt(p, n, &eot, e);

	if (rc <= 0)
		d->whole_headers = false;
	d->where += rc < 0 && e->offset != ERR_NO_OFFSET ? e->offset : 0;
	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(e, "cotp", ERR_SYNTAX, "a DT of %zu octets", n);
	print_line(d->out, 1, "transport", "DT of %zu octets%s",
	    n - TPDU_DT_HEADER, eot ? ", ends the TSDU" : "");
	add_piece(d, p + TPDU_DT_HEADER, n - TPDU_DT_HEADER,
	    d->where + TPDU_DT_HEADER);
	return eot || d->cut ? end_tsdu(d, e) : 0;
}

/* d->where is the octet of the stream that it begins with. */
static int
print_packet(struct decode_osi *d, const uint8_t *p, size_t n, struct err *e)
{
	struct tpdu t;
	int rc;

	if (n >= 2 && (p[1] & 0xf0) == TPDU_DT)
		return print_dt(d, p, n, e);
	rc = tpdu_parse(p, n, &t, e);
	if (rc >= 0) {
		print_tpdu(d, &t);
	} else if (d->cut && n > 0) {
		print_line(d->out, 1, "transport", "%s",
		    n > 1 ? tpdu_name(t.code) : "");
		print_octets(d->out, 2, "octets", p, n);
	} else if (e->offset != ERR_NO_OFFSET) {
		d->where += e->offset;
	}
	return rc;
}

/* Which octet of the stream, and of which packet; above session it is that of
 * the SPDU. */
static int
in_packet(
    const struct decode_osi *d, const struct err *why, size_t at, struct err *e)
{
	return err_at(e, why->layer, why->code, d->where,
	    "in the TPKT at %zu: %s%s%s", at, why->layer,
	    why->layer[0] != '\0' ? ": " : "", why->text);
}

/* The last one, of which not all is here: what there is of it is shown. That is
 * an error unless only user data is missing, as at the end of a capture. */
static int
print_cut_off(struct decode_osi *d, const uint8_t *p, size_t n, size_t at,
    int length, struct err *e)
{
	struct err ignored = ERR_INIT;

	if (length == 0) {
		print_line(d->out, 0, "TPKT",
		    "at %zu, cut off: %zu octets of its header are here", at,
		    n);
		return err_at(e, "tpkt", ERR_SYNTAX, at + n,
		    "cut off inside the header of the TPKT at %zu", at);
	}
	print_line(d->out, 0, "TPKT",
	    "at %zu, %d octets, cut off: %zu of them are here", at, length, n);
	d->cut = d->whole_headers = true;
	if (n > TPKT_HEADER &&
	    print_packet(d, p + TPKT_HEADER, n - TPKT_HEADER, &ignored) < 0 &&
	    n > TPKT_HEADER + 1 && (p[TPKT_HEADER + 1] & 0xf0) != TPDU_DT)
		d->whole_headers = false;
	if (n <= TPKT_HEADER + 1)
		d->whole_headers = false;
	if (d->whole_headers)
		return 0;
	return err_at(e, "tpkt", ERR_SYNTAX, at + n,
	    "cut off: the TPKT at %zu has %d octets, %zu of them are here", at,
	    length, n);
}

static int
print_stream(struct decode_osi *d, const uint8_t *p, size_t n, struct err *e)
{
	struct err why = ERR_INIT;
	size_t at = 0;

	while (at < n) {
		int length = tpkt_length(p + at, n - at, &why);

		if (length < 0 || (at == 0 && length == 0))
			return err_at(
			    e, "tpkt", ERR_SYNTAX, at, "no TPKT here");
		d->where = at + TPKT_HEADER;
		if (length == 0 || (size_t)length > n - at)
			return print_cut_off(d, p + at, n - at, at, length, e);
		print_line(d->out, 0, "TPKT", "at %zu, %d octets", at, length);
		if (print_packet(d, p + at + TPKT_HEADER,
			(size_t)length - TPKT_HEADER, &why) < 0)
			return in_packet(d, &why, at, e);
		at += (size_t)length;
	}
	decode_session_end(d);
	return 0;
}

static void
free_state(struct decode_osi *d)
{
	buf_free(&d->tsdu);
	buf_free(&d->ssdu);
	buf_free(&d->apdu);
	buf_free(&d->held);
}

int
decode_session(
    struct arena *a, const uint8_t *p, size_t n, struct buf *out, struct err *e)
{
	struct decode_osi d = {.arena = a, .out = out};
	struct err why = ERR_INIT;
	int rc;

	add_piece(&d, p, n, 0);
	rc = decode_tsdu(&d, &why);
	if (rc < 0)
		err_at(e, why.layer, why.code, d.where, "%s", why.text);
	else
		decode_session_end(&d);
	free_state(&d);
	return rc;
}

int
decode_tpkt(
    struct arena *a, const uint8_t *p, size_t n, struct buf *out, struct err *e)
{
	struct decode_osi d = {.arena = a, .out = out};
	int rc = print_stream(&d, p, n, e);

	free_state(&d);
	return rc;
}
