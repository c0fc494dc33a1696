/*
 * The whole stack from the TPKT up to P1. First octet: our role, the protocol,
 * how the octets are cut and what our user does; the rest comes from the peer.
 * Events must make sense whatever arrives: an APDU begins before it ends,
 * nothing follows the end, and time brings every state to one.
 */
#include "p1/p1.h"

#include <stdlib.h>
#include <string.h>

#include "lib/log.h"
#include "tests/fuzz/engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum {
	INITIATOR = 0x01,
	PIECES = 0x02,
	PROTOCOL = 0x0c, /* two bits; responder: 0x04 demands a password */
	REFUSE = 0x10,
	SENDS = 0x20,
	TWO_WAY = 0x40,
	RESUMES = 0x80, /* initiator; responder: keeps */
};

#define KEPT_MAX 65536

struct user {
	struct p1 *p;
	uint8_t flags;
	bool open, begun, over;
	struct mhs_envelope *env;
	bool keeping;
	struct buf kept;
};

static const uint8_t content[3000];

static void
send_on(struct user *u, uint64_t from)
{
	struct err e = ERR_INIT;

	/* what it says to it is of no interest */
	if (p1_send_content(u->p, content + from, sizeof(content) - from, &e) <
	    0)
		return;
}

static void
give(struct user *u)
{
	static const uint8_t head[100], tail[4];
	struct p1_resume at = {
	    .rtse = {.activity = {.id_n = 3,
			 .id = {2, 1, 1},
			 .association = {.user_n = 3,
			     .user = {0x14, 1, 'a'},
			     .common_n = 2,
			     .common = {0x17, 0}}},
		.serial = 1,
		.total = sizeof(head) + sizeof(content) + sizeof(tail),
		.offset = 1024},
	    .head = {head, sizeof(head)},
	    .tail = {tail, sizeof(tail)},
	    .content_n = sizeof(content)};
	struct err e = ERR_INIT;
	uint64_t from = 0;

	if ((u->flags & SENDS) == 0 || !p1_ready(u->p))
		return;
	if ((u->flags & (RESUMES | INITIATOR)) == (RESUMES | INITIATOR)) {
		if (p1_send_resume(u->p, &at, &from, &e) >= 0)
			send_on(u, from);
	} else if (p1_send(u->p, u->env, sizeof(content), &e) >= 0) {
		send_on(u, 0);
	}
}

static void
answer(struct user *u, const struct p1_event *ev)
{
	struct err e = ERR_INIT;
	struct p1_resume at;

	INVARIANT(ev->env != NULL && u->begun);
	u->begun = false;
	if ((u->flags & REFUSE) != 0)
		(void)p1_refuse(u->p, &e);
	else
		(void)p1_accept(u->p, &e);
	(void)p1_resume_point(u->p, &at);
}

static void
event(void *arg, const struct p1_event *ev)
{
	struct user *u = arg;

	INVARIANT(!u->over);
	switch (ev->type) {
	case P1_IN_COMING: break;
	case P1_OPEN:
		INVARIANT(!u->open);
		u->open = true;
		give(u);
		break;
	case P1_IN_BEGIN:
		INVARIANT(u->open && !u->begun);
		u->begun = true;
		break;
	case P1_IN_CONTENT: INVARIANT(u->begun && ev->n > 0); break;
	case P1_IN_END: answer(u, ev); break;
	case P1_IN_LOST: u->begun = false; break;
	case P1_TURN:
		give(u);
		p1_idle(u->p);
		break;
	case P1_SENT:
	case P1_SEND_FAILED: p1_close(u->p); break;
	case P1_WRITABLE:
	case P1_CHECKPOINT: INVARIANT(u->open); break;
	case P1_REFUSED:
	case P1_CLOSED: u->over = true; break;
	}
}

static bool
lookup(void *arg, const struct p1_caller *c, struct p1_peer_auth *out)
{
	struct user *u = arg;

	INVARIANT(c->from != NULL && c->to != NULL && c->mta != NULL);
	INVARIANT(strlen(c->mta) <= P1_MTA_NAME_MAX);
	*out = (struct p1_peer_auth){
	    .our_mta = "us", .two_way_alternate = true, .peer_mta = "peer"};
	if ((u->flags & 0x04) != 0)
		out->password = "secreta";
	return c->mta[0] != 'X';
}

/* --- one transfer is kept, in memory --- */

static void *
keep_begin(void *arg, const struct rtse_activity *a)
{
	struct user *u = arg;

	INVARIANT(a->id_n <= sizeof(a->id) && !u->keeping);
	u->keeping = true;
	buf_clear(&u->kept);
	return u;
}

static int
keep_checkpoint(
    void *arg, void *kept, const uint8_t *p, size_t n, uint32_t serial)
{
	struct user *u = arg;

	(void)serial;
	INVARIANT(u->keeping && kept == u);
	if (u->kept.len + n > KEPT_MAX)
		return -1;
	buf_append(&u->kept, p, n);
	return 0;
}

static void *
keep_resume(
    void *arg, const struct rtse_activity *a, uint32_t serial, uint64_t *octets)
{
	static const uint8_t before[] = {0x28, 0x80, 0x02, 0x01, 0x05};
	struct user *u = arg;

	INVARIANT(a->id_n <= sizeof(a->id) && !u->keeping);
	if (serial % 3 == 0)
		return NULL;
	u->keeping = true;
	if (u->kept.len == 0)
		buf_append(&u->kept, before, sizeof(before));
	*octets = u->kept.len;
	return u;
}

static int64_t
keep_read(void *arg, void *kept, uint64_t offset, uint8_t *p, size_t n)
{
	struct user *u = arg;

	INVARIANT(u->keeping && kept == u && offset + n <= u->kept.len);
	memcpy(p, u->kept.data + offset, n);
	return (int64_t)n;
}

static void
keep_end(void *arg, void *kept, bool again)
{
	struct user *u = arg;

	INVARIANT(u->keeping && kept == u);
	u->keeping = false;
	if (!again)
		buf_clear(&u->kept);
}

static const struct rtse_keep keep = {
    keep_begin, keep_checkpoint, keep_resume, keep_read, keep_end};

static struct p1_params
params(uint8_t flags)
{
	struct p1_params p = {
	    .role = (flags & INITIATOR) != 0 ? OSI_INITIATOR : OSI_RESPONDER,
	    .protocol = (enum p1_protocol)((flags & PROTOCOL) >> 2),
	    .our_mta = "us",
	    .our_password = "secret",
	    .lookup = lookup,
	    .checkpoint_size = 1,
	    .max_envelope = 100000,
	    .transfer_timeout = 5000,
	    .wall = 1700000000,
	    .common.timeouts = {1000, 1000, 1000}};

	if (p.protocol == P1_PROTOCOLS)
		p.protocol = P1_MTS_TRANSFER;
	if ((flags & TWO_WAY) != 0)
		p.dialogue = RTSE_TWO_WAY_ALTERNATE;
	if ((flags & RESUMES) != 0)
		p.keep = &keep;
	return p;
}

static void
make_envelope(struct arena *a, struct user *u)
{
	struct mhs_envelope *env = mhs_envelope_new(a, MHS_MESSAGE);
	struct mhs_recipient *rcpt = mhs_recipient_add(a, env);
	struct mhs_trace *t = mhs_trace_add(a, env);

	env->id.domain = (struct mhs_domain){"XX", "US", NULL};
	env->id.local = "m1";
	env->originator.ora = mhs_or_parse(a, "C=XX; A=US; S=Ray", NULL);
	env->content_type = MHS_CONTENT_P22;
	rcpt->name.ora = mhs_or_parse(a, "C=XX; A=THEM; S=Joe", NULL);
	rcpt->number = 1;
	rcpt->responsible = true;
	t->domain = env->id.domain;
	t->arrival = 1700000000;
	u->env = env;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct user u = {0};
	struct arena *a;
	struct p1_params q;
	struct err e = ERR_INIT;

	if (n < 2)
		return 0;
	a = arena_new();
	u.flags = p[0];
	make_envelope(a, &u);
	q = params(u.flags);
	u.p = p1_new(&q, event, &u, 1);
	if ((u.flags & INITIATOR) != 0)
		INVARIANT(p1_start(u.p, &e) >= 0);
	fuzz_engine(&p1_engine_ops, u.p, p + 1, n - 1,
	    (u.flags & INITIATOR) != 0, (u.flags & PIECES) != 0);
	INVARIANT(u.over);
	p1_free(&u.p);
	INVARIANT(!u.keeping);
	buf_free(&u.kept);
	arena_free(&a);
	return 0;
}
