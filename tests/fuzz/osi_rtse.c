/*
 * The whole stack from TPKT up. First octet: our role, how the octets are cut,
 * and what our user does; the rest comes from the peer. The engine's events
 * must make sense whatever arrives: a transfer begins before it ends, nothing
 * follows the end of the association; what is kept is ended once. The keep has
 * the beginning of a transfer, which any name resumes.
 */
#include "osi/rtse.h"

#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/log.h"
#include "tests/fuzz/engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum {
	INITIATOR = 0x01,
	PIECES = 0x02,
	REFUSE_OPEN = 0x04,
	REFUSE_TRANSFER = 0x08,
	REFUSE_EARLY = 0x10,
	SENDS = 0x20, /* an APDU of its own, when it can */
	TWO_WAY = 0x40,
	SHARED = 0x80, /* one context for RTSE and its APDUs */
};

struct user {
	struct rtse *r;
	uint8_t flags;
	bool open, receiving, received, over;
	bool kept;
	struct buf octets; /* that are kept */
};

static const uint8_t bind_data[] = {0x05, 0x00};
static const uint8_t apdu[3000] = {0x04, 0x82, 0x0b, 0xb4};

/* --- what is kept --- */

static void *
keep_begin(void *arg, const struct rtse_activity *a)
{
	struct user *u = arg;

	INVARIANT(!u->kept && a->id_n > 0);
	u->kept = true;
	buf_clear(&u->octets);
	return &u->octets;
}

static int
keep_checkpoint(
    void *arg, void *kept, const uint8_t *p, size_t n, uint32_t serial)
{
	struct user *u = arg;

	INVARIANT(u->kept && kept == &u->octets && serial > 0);
	if (u->octets.len + n > 20000)
		return -1;
	buf_append(&u->octets, p, n);
	return 0;
}

static void *
keep_resume(
    void *arg, const struct rtse_activity *a, uint32_t serial, uint64_t *octets)
{
	static const uint8_t start[] = {0x28, 0x82, 0x0b, 0xbf, 0x02, 0x01,
	    0x05, 0xa0, 0x82, 0x0b, 0xb8, 0x04, 0x82, 0x0b, 0xb4};
	struct user *u = arg;

	INVARIANT(!u->kept && a->id_n > 0);
	if (serial > 100)
		return NULL;
	if (u->octets.len == 0)
		buf_append(&u->octets, start, sizeof(start));
	u->kept = true;
	*octets = u->octets.len;
	return &u->octets;
}

static int64_t
keep_read(void *arg, void *kept, uint64_t offset, uint8_t *p, size_t n)
{
	struct user *u = arg;

	INVARIANT(u->kept && kept == &u->octets);
	INVARIANT(offset <= u->octets.len && n <= u->octets.len - offset);
	memcpy(p, u->octets.data + offset, n);
	return (int64_t)n;
}

static void
keep_end(void *arg, void *kept, bool again)
{
	struct user *u = arg;

	INVARIANT(u->kept && kept == &u->octets);
	u->kept = false;
	if (!again)
		buf_clear(&u->octets);
}

static bool
keep_accepted(void *arg, const struct rtse_activity *a, uint32_t serial)
{
	(void)serial;
	(void)arg;
	return a->id_n == 6; /* some */
}

static const struct rtse_keep keep = {keep_begin, keep_checkpoint, keep_resume,
    keep_read, keep_end, keep_accepted, NULL};

/* --- our user --- */

static void
give(struct user *u)
{
	struct err e = ERR_INIT;
	const struct rtse_resume at = {.activity = {.id_n = 3, .id = {2, 1, 1}},
	    .serial = 2,
	    .total = sizeof(apdu),
	    .offset = 1000};

	if ((u->flags & SENDS) == 0 || !rtse_has_turn(u->r))
		return;
	if ((u->flags & REFUSE_EARLY) != 0 &&
	    rtse_transfer_resume(u->r, &at, &e) >= 0) {
		(void)rtse_transfer_data(u->r, apdu + 1000, 2000, &e);
		return;
	}
	if (rtse_transfer_begin(u->r, sizeof(apdu), &e) < 0)
		return;
	if (rtse_transfer_data(u->r, apdu, sizeof(apdu), &e) < 1000)
		(void)rtse_transfer_discard(u->r, &e);
}

static void
open_ind(struct user *u)
{
	struct err e = ERR_INIT;

	if ((u->flags & REFUSE_OPEN) != 0) {
		INVARIANT(rtse_open_refuse(u->r, bind_data, 2, &e) >= 0);
		u->over = true;
	} else {
		INVARIANT(rtse_open_accept(u->r, bind_data, 2, &e) >= 0);
		u->open = true;
	}
}

static void
transfer(struct user *u, const struct rtse_event *ev)
{
	struct err e = ERR_INIT;

	INVARIANT(u->open);
	INVARIANT((ev->type == RTSE_TRANSFER_BEGIN) == !u->receiving);
	u->receiving =
	    ev->type == RTSE_TRANSFER_BEGIN || ev->type == RTSE_TRANSFER_DATA;
	if (ev->type == RTSE_TRANSFER_DATA) {
		INVARIANT(ev->n > 0);
		if ((u->flags & REFUSE_EARLY) != 0) {
			INVARIANT(rtse_transfer_refuse(u->r, &e) >= 0);
			u->receiving = false;
		}
	}
	if (ev->type == RTSE_TRANSFER_END) {
		if ((u->flags & REFUSE_TRANSFER) != 0)
			INVARIANT(rtse_transfer_refuse(u->r, &e) >= 0);
		else
			INVARIANT(rtse_transfer_accept(u->r, &e) >= 0);
	}
}

static void
event(void *arg, const struct rtse_event *ev)
{
	struct user *u = arg;
	struct err e = ERR_INIT;

	INVARIANT(!u->over);
	switch (ev->type) {
	case RTSE_OPEN_IND: open_ind(u); break;
	case RTSE_OPEN_CNF:
		u->open = true;
		give(u);
		break;
	case RTSE_TRANSFER_BEGIN:
	case RTSE_TRANSFER_DATA:
	case RTSE_TRANSFER_END: transfer(u, ev); break;
	case RTSE_TRANSFER_LOST: u->receiving = false; break;
	case RTSE_TURN_PLEASE: (void)rtse_turn_give(u->r, &e); break;
	case RTSE_TURN_GIVE: give(u); break;
	case RTSE_OPEN_REFUSED:
	case RTSE_CLOSE_IND:
	case RTSE_CLOSE_CNF:
	case RTSE_ABORTED: u->over = true; break;
	default: break;
	}
}

static struct rtse_params
params(uint8_t flags)
{
	struct rtse_params p = {.rtse_syntax = RTSE_ABSTRACT_SYNTAX_P1,
	    .apdu_syntax = "2.6.0.2.7",
	    .application_context = "2.6.0.1.6",
	    .checkpoint_size = 1,
	    .max_apdu = 100000,
	    .x410 = (flags & INITIATOR) == 0 ||
		(flags & (SHARED | TWO_WAY)) == (SHARED | TWO_WAY),
	    .application_protocol = 12,
	    .keep = &keep,
	    .transfer_timeout = 5000};
	struct cotp_params *c = &p.pres.ses.cotp;

	if ((flags & SHARED) != 0) {
		p.rtse_syntax = p.apdu_syntax = "2.3.0";
		p.application_context = "1.17.0.1.1";
	}
	if ((flags & TWO_WAY) != 0)
		p.dialogue = RTSE_TWO_WAY_ALTERNATE;
	c->role = (flags & INITIATOR) != 0 ? OSI_INITIATOR : OSI_RESPONDER;
	c->tpdu_size = 2048;
	c->common.timeouts = (struct osi_timeouts){1000, 1000, 1000};
	return p;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct user u = {0};
	struct rtse_params q;
	struct err e = ERR_INIT;

	if (n < 2)
		return 0;
	u.flags = p[0];
	q = params(u.flags);
	u.r = rtse_new(&q, event, &u, 1);
	if ((u.flags & INITIATOR) != 0)
		INVARIANT(rtse_open_request(u.r, bind_data, 2, &e) >= 0);
	fuzz_engine(&rtse_engine_ops, u.r, p + 1, n - 1,
	    (u.flags & INITIATOR) != 0, (u.flags & PIECES) != 0);
	INVARIANT(!u.kept);
	rtse_free(&u.r);
	buf_free(&u.octets);
	return 0;
}
