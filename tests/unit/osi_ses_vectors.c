/* The session layer of recorded connections, each role played by ours. */
#include <string.h>

#include "tests/unit/ses_ends.h"

/* A user that answers as the recorded one did. */
struct answerer {
	struct end e;
	unsigned ends;
};

static void
answer(void *user, const struct ses_prim *p)
{
	struct answerer *k = user;
	struct ses_prim r = {.type = p->type,
	    .kind = SES_RSP,
	    .accepted = true,
	    .serial = p->serial,
	    .last = true};

	end_told(&k->e, p);
	if (p->kind == SES_IND && p->type == SES_ACTIVITY_END) {
		k->ends++;
		CU_ASSERT_EQUAL(ses_request(k->e.s, &r, NULL), 0);
	}
}

static void
recorded_transfers_go_through_our_responder(void)
{
	static const char *const names[] = {"p1-88-message", "p1-88-ndr",
	    "p1-88-ndr-2", "p1-88-probe", "p1-88-probe-2", "p1-88-x410mode",
	    "p1-84"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct answerer k = {.e.accept = true};
		struct ses_params p = end_params(OSI_RESPONDER);
		struct buf in = {0};

		vector_load(names[i], "initiator", &in);
		k.e.s = ses_new(&p, answer, &k, 1);
		for (size_t at = 0; at < in.len; at++)
			cotp_input(ses_cotp(k.e.s), in.data + at, 1);
		TOLD(&k.e, "CONNECT.ind START.ind END.ind RELEASE.ind");
		CU_ASSERT_EQUAL(k.ends, 1);
		CU_ASSERT(k.e.data.len > 200);
		CU_ASSERT(cotp_finished(ses_cotp(k.e.s)));
		end_close(&k.e);
		buf_free(&in);
	}
}

/* Our initiator against the recorded responder; the references of the CC are
 * made ours. */
static void
recorded_answers_satisfy_our_initiator(void)
{
	struct ses_params p = end_params(OSI_INITIATOR);
	struct buf in = {0};
	struct end e;
	const char *told;

	vector_load("p1-88-message", "responder", &in);
	end_open(&e, &p);
	OK(end_request(&e, SES_CONNECT, ""));
	in.data[6] = 1001 >> 8;
	in.data[7] = 1001 & 0xff;
	cotp_input(ses_cotp(e.s), in.data, 14 + 176);
	TOLD(&e, "CONNECT.cnf");
	CU_ASSERT(e.last.accepted && e.user.len == 116);
	OK(end_request(&e, SES_ACTIVITY_START, ""));
	OK(end_request(&e, SES_DATA, "message"));
	OK(end_request(&e, SES_ACTIVITY_END, ""));
	cotp_input(ses_cotp(e.s), in.data + 190, 14);
	TOLD(&e, "END.cnf");
	OK(end_request(&e, SES_RELEASE, ""));
	cotp_input(ses_cotp(e.s), in.data + 204, in.len - 204);
	TOLD(&e, "RELEASE.cnf");
	end_close(&e);
	buf_clear(&in);
	vector_load("bind-badpw", "responder", &in);
	end_open(&e, &p);
	OK(end_request(&e, SES_CONNECT, ""));
	in.data[6] = 1001 >> 8;
	in.data[7] = 1001 & 0xff;
	cotp_input(ses_cotp(e.s), in.data, in.len);
	told = end_log(&e);
	CU_ASSERT_STRING_EQUAL(told, "CONNECT.cnf");
	CU_ASSERT(!e.last.accepted && e.last.reason == 2);
	CU_ASSERT(e.user.len > 50);
	end_close(&e);
	buf_free(&in);
}

/* --- two-way alternate with turn passing --- */

/* A user of either role that plays its part of the recorded dialogue: asked for
 * the turn it gives it, given the turn it sends an activity, and after the
 * peer's activity it asks. */
struct talker {
	struct end e;
	unsigned rounds; /* activities that it sends at most */
};

static void
talk(struct talker *k, enum ses_prim_type type, enum ses_prim_kind kind)
{
	struct ses_prim p = {
	    .type = type,
	    .kind = kind,
	    .accepted = true,
	    .last = true,
	    .tokens = SES_TOKEN_DATA,
	    .serial = kind == SES_RSP ? k->e.last.serial : 0,
	    .activity_id_n = 3,
	    .activity_id = {2, 1, 1},
	    .data = (const uint8_t *)"result",
	    .n = type == SES_DATA ? 6 : 0,
	};

	CU_ASSERT_EQUAL(ses_request(k->e.s, &p, NULL), 0);
}

static void
talk_told(void *user, const struct ses_prim *p)
{
	struct talker *k = user;
	bool initiator = ses_params(k->e.s)->cotp.role == OSI_INITIATOR;

	end_told(&k->e, p);
	if (p->kind == SES_CNF && p->type == SES_CONNECT && initiator)
		talk(k, SES_TOKEN_PLEASE, SES_REQ);
	if (p->kind != SES_IND)
		return;
	if (p->type == SES_TOKEN_PLEASE) {
		talk(k, SES_CONTROL_GIVE, SES_REQ);
	} else if (p->type == SES_ACTIVITY_END) {
		talk(k, SES_ACTIVITY_END, SES_RSP);
		talk(k, SES_TOKEN_PLEASE, SES_REQ);
	} else if (p->type == SES_CONTROL_GIVE && k->rounds-- > 0) {
		talk(k, SES_ACTIVITY_START, SES_REQ);
		talk(k, SES_DATA, SES_REQ);
		talk(k, SES_ACTIVITY_END, SES_REQ);
	} else if (p->type == SES_CONTROL_GIVE) {
		talk(k, SES_RELEASE, SES_REQ);
	}
}

/* The SPDUs in a stream of TPKTs, each TSDU in one of them: "CN PT GTA ..." */
static void
sequence_of(const struct buf *in, struct buf *out)
{
	size_t at = 0;

	while (at + 7 < in->len) {
		size_t n = (size_t)(in->data[at + 2] << 8 | in->data[at + 3]);
		const uint8_t *p = in->data + at + 7, *end = in->data + at + n;
		enum spdu_place place = SPDU_FIRST;

		at += n;
		if ((p[-2] & 0xf0) != 0xf0 || n < 7)
			continue;
		while (p < end) {
			enum spdu_type t = spdu_type_of(*p, place);

			buf_puts(out, strrchr(spdu_name(t), ' '));
			if (t == SPDU_DT)
				break;
			p += spdu_length(p, (size_t)(end - p));
			place = SPDU_SECOND;
		}
	}
}

static void
same_sequence(const struct buf *ours, const struct buf *recorded)
{
	struct buf a = {0}, b = {0};

	sequence_of(ours, &a);
	sequence_of(recorded, &b);
	CU_ASSERT_STRING_EQUAL(buf_cstr(&a), buf_cstr(&b));
	buf_free(&a);
	buf_free(&b);
}

static unsigned
times(const char *text, const char *word)
{
	unsigned n = 0;

	for (; (text = strstr(text, word)) != NULL; text++)
		n++;
	return n;
}

static void
our_responder_alternates_with_the_recorded_initiator(void)
{
	static const char *const names[] = {
	    "isode-rtse-twa-echo-2", "isode-rtse-twa-echo-4"};

	for (size_t i = 0; i < 2; i++) {
		struct talker k = {.e.accept = true, .rounds = 100};
		struct ses_params p = end_params(OSI_RESPONDER);
		struct buf in = {0}, recorded = {0}, *out;

		vector_load(names[i], "initiator", &in);
		vector_load(names[i], "responder", &recorded);
		k.e.s = ses_new(&p, talk_told, &k, 1);
		for (size_t at = 0; at < in.len; at++)
			cotp_input(ses_cotp(k.e.s), in.data + at, 1);
		out = cotp_output(ses_cotp(k.e.s));
		same_sequence(out, &recorded);
		/* the sizes that were proposed, the acceptor's tokens */
		CU_ASSERT_EQUAL(k.e.s->tsdu_send, 0x07f9);
		CU_ASSERT_EQUAL(k.e.s->tsdu_receive, 0x07f9);
		CU_ASSERT_EQUAL(k.e.s->params.token_setting, 0x15);
		CU_ASSERT(times(buf_cstr(&k.e.log), "END.cnf") >= 8);
		CU_ASSERT_EQUAL(times(buf_cstr(&k.e.log), "ABORT"), 0);
		end_close(&k.e);
		buf_free(&in);
		buf_free(&recorded);
	}
}

static void
our_initiator_alternates_with_the_recorded_responder(void)
{
	struct talker k = {.rounds = 10};
	struct ses_params p = end_params(OSI_INITIATOR);
	struct buf in = {0}, recorded = {0}, out = {0};

	p.token_setting = 0x15;
	p.tsdu_send = p.tsdu_receive = 0x07f9;
	vector_load("isode-rtse-twa-echo-2", "responder", &in);
	vector_load("isode-rtse-twa-echo-2", "initiator", &recorded);
	k.e.s = ses_new(&p, talk_told, &k, 1000);
	OK(end_request(&k.e, SES_CONNECT, ""));
	in.data[6] = 1001 >> 8;
	in.data[7] = 1001 & 0xff;
	for (size_t at = 0; at < in.len; at++)
		cotp_input(ses_cotp(k.e.s), in.data + at, 1);
	buf_append(&out, cotp_output(ses_cotp(k.e.s))->data,
	    cotp_output(ses_cotp(k.e.s))->len);
	/* the last is its DR, which is no SPDU */
	same_sequence(&out, &recorded);
	/* this AC selects no segmenting */
	CU_ASSERT_EQUAL(k.e.s->tsdu_send, 0);
	CU_ASSERT_EQUAL(times(buf_cstr(&k.e.log), "END.cnf"), 10);
	CU_ASSERT_EQUAL(times(buf_cstr(&k.e.log), "RELEASE.cnf"), 1);
	CU_ASSERT_EQUAL(times(buf_cstr(&k.e.log), "ABORT"), 0);
	end_close(&k.e);
	buf_free(&in);
	buf_free(&recorded);
	buf_free(&out);
}

/* ROSE without RTSE: all functional units proposed, or duplex alone. */
static void
our_responder_selects_from_all_units_and_talks_duplex(void)
{
	static const struct {
		const char *name;
		uint16_t ours, selected;
		unsigned results;
	} rows[] = {
	    {"isode-rtse-twa-echo", 0x07ff, 0x07d9, 0},
	    {"isode-rtse-twa-echo", SES_FU_DUPLEX, SES_FU_DUPLEX, 0},
	    {"isode-rtse-twa-echo-3", SES_FU_DUPLEX, SES_FU_DUPLEX, 10},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ses_params p = end_params(OSI_RESPONDER);
		struct buf in = {0};
		struct end e;
		unsigned results = 0;

		p.requirements = rows[i].ours;
		vector_load(rows[i].name, "initiator", &in);
		end_open(&e, &p);
		for (size_t at = 0; at < in.len; at++)
			cotp_input(ses_cotp(e.s), in.data + at, 1);
		CU_ASSERT_EQUAL(ses_requirements(e.s), rows[i].selected);
		TOLD(&e, "CONNECT.ind RELEASE.ind");
		for (size_t k = 0; k < e.data.len; k++)
			results += e.data.data[k] == '|';
		CU_ASSERT_EQUAL(results, rows[i].results);
		end_close(&e);
		buf_free(&in);
	}
}

void
suite_osi_ses_vectors(void)
{
	static CU_TestInfo tests[] = {
	    TEST(recorded_transfers_go_through_our_responder),
	    TEST(recorded_answers_satisfy_our_initiator),
	    TEST(our_responder_alternates_with_the_recorded_initiator),
	    TEST(our_initiator_alternates_with_the_recorded_responder),
	    TEST(our_responder_selects_from_all_units_and_talks_duplex),
	    CU_TEST_INFO_NULL,
	};
	unit_suite("osi_ses_vectors", tests);
}
