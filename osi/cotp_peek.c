/*
 * The first TPDU of a connection, for the listener, which has no engine.
 */
#include "osi/cotp_tpdu.h"

/* Nobody of ours is calling: whatever was wrong. */
static int
no_cr(struct err *e)
{
	if (e != NULL)
		e->code = ERR_PROTOCOL;
	return ERR_PROTOCOL;
}

int
cotp_peek_cr(const uint8_t *p, size_t n, struct osi_sel *called, struct err *e)
{
	bool cr =
	    n >= TPKT_HEADER + 2 && (p[TPKT_HEADER + 1] & 0xf0) == TPDU_CR;
	int tpkt = tpkt_length(p, n, e);
	struct tpdu t;

	if (tpkt < 0)
		return no_cr(e);
	if (n >= TPKT_HEADER + 2 && !cr)
		return err_at(e, "cotp", ERR_PROTOCOL, 1,
		    "%s: the first TPDU is no CR",
		    tpdu_name(p[TPKT_HEADER + 1]));
	if (tpkt > TPKT_HEADER + TPDU_LI_MAX + 1)
		return err_at(e, "cotp", cr ? ERR_SYNTAX : ERR_PROTOCOL, 2,
		    "TPKT: %d octets are too long for a CR", tpkt);
	if (tpkt == 0 || n < (size_t)tpkt)
		return 0;
	if (tpdu_parse(p + TPKT_HEADER, (size_t)tpkt - TPKT_HEADER, &t, e) != 0)
		return ERR_SYNTAX;
	*called = t.called;
	return 1;
}

void
cotp_refuse_cr(
    const uint8_t *p, size_t n, enum cotp_reason reason, struct buf *out)
{
	struct tpdu cr, dr = {.code = TPDU_DR, .reason = (uint8_t)reason};
	int tpkt = tpkt_length(p, n, NULL), bad;

	if (tpkt <= 0 || (size_t)tpkt > n)
		return;
	bad =
	    tpdu_parse(p + TPKT_HEADER, (size_t)tpkt - TPKT_HEADER, &cr, NULL);
	/* X.224 6.22: a DR or ER is never answered, nor is what has no
	 * reference */
	if (cr.code != TPDU_CR || (bad != 0 && cr.src_ref == 0))
		return;
	dr.dst_ref = cr.src_ref;
	tpdu_put(&dr, out);
}
