/*
 * TSDUs of a peer into a session responder or initiator whose user answers
 * everything. The first octet chooses the role, the functional units, the
 * fragmentation and the parameters; then each TSDU has two octets of length.
 */
#include "osi/ses.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct end {
	struct ses *s;
	struct cotp *peer; /* a transport of our own at the other side */
};

static void
told(void *user, const struct ses_prim *p)
{
	struct end *e = user;
	struct ses_prim r = {
	    .type = p->type,
	    .kind = SES_RSP,
	    .accepted = true,
	    .serial = p->serial,
	    .last = true,
	};

	if (p->kind == SES_IND && ses_request(e->s, &r, NULL) != 0) {
		/* not confirmed, or not possible here */
	}
}

static void
peer_told(void *user, const struct cotp_event *ev)
{
	struct end *e = user;

	if (ev->type == COTP_CONNECT_IND)
		cotp_connect_accept(e->peer);
}

static void
carry(struct cotp *from, struct cotp *to, size_t step)
{
	struct buf *b = cotp_output(from);

	while (b->len > 0) {
		size_t n = b->len < step ? b->len : step;

		cotp_input(to, b->data, n);
		buf_consume(b, n);
	}
}

static void
request(struct end *e, uint8_t what)
{
	struct ses_prim p = {
	    .old_activity_id_n = what % 7,
	    .type = (enum ses_prim_type)(what % (SES_CAPABILITY_DATA + 1)),
	    .data = (const uint8_t *)"data",
	    .n = what % 5,
	    .last = (what & 0x80) == 0,
	    .tokens = what,
	    .activity_id_n = what % 7,
	};

	if (ses_request(e->s, &p, NULL) != 0) {
		/* most are not possible in most states */
	}
}

static void
open_ends(struct end *e, uint8_t choice)
{
	bool responder = (choice & 1) != 0;
	struct cotp_params other = {
	    .role = responder ? OSI_INITIATOR : OSI_RESPONDER};
	struct ses_params p = {
	    .cotp.role = responder ? OSI_RESPONDER : OSI_INITIATOR,
	    .requirements = (choice & 2) != 0 ? SES_FU_RTSE : 0x0fff,
	    .cotp.common.timeouts = {1000, 1000, 1000},
	    .extended_concatenation = (choice & 8) != 0,
	    .report_errors = (choice & 16) != 0,
	    .tsdu_send = (choice & 32) != 0 ? 100 : 0,
	    .tsdu_receive = (choice & 32) != 0 ? 64 : 0,
	};

	e->s = ses_new(&p, told, e, 1);
	e->peer = cotp_new(&other, peer_told, e, 1);
	if (responder)
		cotp_connect_request(e->peer);
	else
		request(e, SES_CONNECT);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct end e;
	size_t step;

	if (n < 1)
		return 0;
	step = (p[0] & 4) != 0 ? 1 : 50;
	open_ends(&e, p[0]);
	p++, n--;
	for (int i = 0; i < 4; i++) {
		carry(e.peer, ses_cotp(e.s), step);
		carry(ses_cotp(e.s), e.peer, 1000);
	}
	while (n >= 2) {
		size_t length = (size_t)(p[0] & 0x0f) << 8 | p[1];

		if ((p[0] & 0x80) != 0)
			request(&e, p[0] << 4 ^ p[1]);
		p += 2, n -= 2;
		length = length < n ? length : n;
		cotp_data_request(e.peer, p, length, true);
		p += length, n -= length;
		carry(e.peer, ses_cotp(e.s), step);
		carry(ses_cotp(e.s), e.peer, 1000);
	}
	ses_timeout(e.s, 500);
	ses_timeout(e.s, 5000);
	ses_timeout(e.s, 50000);
	cotp_closed(ses_cotp(e.s), NULL);
	ses_free(&e.s);
	cotp_free(&e.peer);
	return 0;
}
